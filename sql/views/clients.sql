-- Which programs may open cases?
CREATE OR REPLACE VIEW vac.clients WITH (security_invoker = true) AS
	SELECT c.code AS client,
			vac_store.wrapped(CASE WHEN c.all_offices THEN 'all' ELSE (SELECT string_agg(o.code, ', ' ORDER BY o.code)
				FROM vac_store.client_office x JOIN vac_store.office o USING (office_id) WHERE x.client_id = c.client_id) END, 24) AS offices,
			k.key_id AS key, k.kind AS known_by, left(k.hint, 40) AS begins,
			vac_store.length_text(vac.now() - k.added_at) AS since, k.added_by
		FROM vac_store.client c
			LEFT JOIN vac_store.client_key k ON k.client_id = c.client_id AND k.retired_at IS NULL
		WHERE c.retired_at IS NULL
		ORDER BY c.code, k.key_id;
COMMENT ON VIEW vac.clients IS 'Which programs may open cases over HTTPS, for which offices, and by what are they known?';
COMMENT ON COLUMN vac.clients.client IS 'Code; their cases are opened by client:CODE';
COMMENT ON COLUMN vac.clients.offices IS 'Offices, or all';
COMMENT ON COLUMN vac.clients.key IS 'Number of a key, as vac.retire_client() wants it';
COMMENT ON COLUMN vac.clients.known_by IS 'token; certificate: this one; subject: any of our authority with it';
COMMENT ON COLUMN vac.clients.begins IS 'How it, or the subject, begins';
COMMENT ON COLUMN vac.clients.since IS 'How long it has held';
COMMENT ON COLUMN vac.clients.added_by IS 'Who added it';
GRANT SELECT ON vac.clients TO vac_supervisor;
