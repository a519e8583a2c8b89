-- Who supervises which office?
CREATE OR REPLACE VIEW vac.supervisors WITH (security_invoker = true) AS
	SELECT vac_store.wrapped(CASE WHEN s.all_offices THEN 'all' ELSE (SELECT string_agg(o.code, ', ' ORDER BY o.code)
				FROM vac_store.supervisor_office so JOIN vac_store.office o USING (office_id)
				WHERE so.supervisor_id = s.supervisor_id) END, 24) AS offices,
			s.rank, vac_store.wrapped(s.name, 20) AS name, s.login, s.mail::text AS mail,
			(SELECT o.code FROM vac_store.office o WHERE o.office_id = s.digest_office_id) AS digest
		FROM vac_store.supervisor s
		WHERE s.retired_at IS NULL
		ORDER BY s.all_offices, 1, s.rank, s.name;
COMMENT ON VIEW vac.supervisors IS 'Who supervises which office, in the order in which they are told?';
COMMENT ON COLUMN vac.supervisors.offices IS 'Offices, or all';
COMMENT ON COLUMN vac.supervisors.rank IS '1 is told first';
COMMENT ON COLUMN vac.supervisors.name IS 'Name';
COMMENT ON COLUMN vac.supervisors.login IS 'Login, as vac.set_supervisor() wants it';
COMMENT ON COLUMN vac.supervisors.mail IS 'Work mail';
COMMENT ON COLUMN vac.supervisors.digest IS 'Office in whose morning they get a digest by mail; empty: they want none';
GRANT SELECT ON vac.supervisors TO vac_supervisor;
