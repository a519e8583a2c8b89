-- Where can one meet?
CREATE OR REPLACE VIEW vac.places WITH (security_invoker = true) AS
	SELECT o.code AS office, p.code AS place, vac_store.wrapped(p.text, 80) AS address
		FROM vac_store.office_place p JOIN vac_store.office o USING (office_id)
		WHERE o.retired_at IS NULL
		ORDER BY o.code, p.code <> 'MAIN', p.code;
COMMENT ON VIEW vac.places IS 'Where can one meet? The text of a place may be mailed';
COMMENT ON COLUMN vac.places.office IS 'Office';
COMMENT ON COLUMN vac.places.place IS 'Code of the place, as vac.open_case() wants it';
COMMENT ON COLUMN vac.places.address IS 'What it is called, in mail too';
GRANT SELECT ON vac.places TO vac_supervisor, vac_intake;
