-- What can a case ask for?
CREATE OR REPLACE VIEW vac.services WITH (security_invoker = true) AS
	SELECT s.code AS service, s.label::text AS label, s.minutes, s.load_percent AS load
		FROM vac_store.service s
		ORDER BY s.code <> 'crisis_intervention', s.label;
COMMENT ON VIEW vac.services IS 'What can a case ask for?';
COMMENT ON COLUMN vac.services.service IS 'Code, as vac.open_case() wants it';
COMMENT ON COLUMN vac.services.label IS 'In words';
COMMENT ON COLUMN vac.services.minutes IS 'Usual length';
COMMENT ON COLUMN vac.services.load IS 'What an hour of it counts, in percent of an hour';
GRANT SELECT ON vac.services TO vac_supervisor, vac_intake;
