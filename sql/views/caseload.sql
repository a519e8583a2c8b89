-- How many open cases has each coordinator, and how many may they have?
CREATE OR REPLACE VIEW vac.caseload WITH (security_invoker = true) AS
	SELECT o.code AS office, k.code AS coordinator, vac_store.wrapped(k.name, 20) AS name, vac_store.duty_text(k.duty) AS duty, l.cases, l.most AS of,
			vac_store.bar(l.cases, l.most, 24) AS used, l.responsible
		FROM vac_store.case_loads() l
			JOIN vac_store.coordinator k ON k.coordinator_id = l.coordinator_id
			JOIN vac_store.office o ON o.office_id = k.office_id
		ORDER BY o.code, k.duty DESC, l.cases::numeric / greatest(l.most, 1) DESC, k.code;
COMMENT ON VIEW vac.caseload IS 'How many open cases has each coordinator, of how many they may have? In each office the fullest first';
COMMENT ON COLUMN vac.caseload.office IS 'Office of the coordinator';
COMMENT ON COLUMN vac.caseload.coordinator IS 'Code';
COMMENT ON COLUMN vac.caseload.name IS 'Name';
COMMENT ON COLUMN vac.caseload.duty IS 'full-time or collateral';
COMMENT ON COLUMN vac.caseload.cases IS 'Open cases that they are responsible for, or are to meet, or are asked to';
COMMENT ON COLUMN vac.caseload.of IS 'How many they may have: their own limit, else the policy''s';
COMMENT ON COLUMN vac.caseload.used IS 'The same as a bar; an arrow at its end: more than the limit';
COMMENT ON COLUMN vac.caseload.responsible IS 'For how many of the cases they are responsible';
GRANT EXECUTE ON FUNCTION vac_store.case_loads(), vac_store.bar(numeric, numeric, integer) TO vac_supervisor;
GRANT SELECT ON vac.caseload TO vac_supervisor;
