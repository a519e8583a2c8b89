-- How do the cases stand that I opened?
CREATE OR REPLACE VIEW vac.my_cases WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, vac_store.length_text(vac.now() - c.opened_at) AS opened,
			vac_store.wrapped(s.state, 20) AS state, vac_store.wrapped(s.coordinator, 14) AS coordinator, s.telephone, s.meeting
		FROM vac_store.case_record c
			JOIN vac_store.office o ON o.office_id = c.office_id
			JOIN vac_store.own_standings(vac.now()) s ON s.case_id = c.case_id
		-- A name sorts in its own way: only as text of the usual one does the index fit.
		WHERE c.opened_by = session_user::text COLLATE "default" AND (c.state = 'open' OR (c.state <> 'open' AND c.ended_at > vac.now() - interval '2 days')
			OR c.merged_into IS NOT NULL AND s.state !~ ': (closed|withdrawn)$')
		ORDER BY c.opened_at DESC, c.case_code;
COMMENT ON VIEW vac.my_cases IS
	'How do the cases stand that I opened? For intake; the newest first. vac.case_state(code) says more about one';
COMMENT ON COLUMN vac.my_cases.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.my_cases.office IS 'Office';
COMMENT ON COLUMN vac.my_cases.opened IS 'How long ago it was opened';
COMMENT ON COLUMN vac.my_cases.state IS 'being planned, NOBODY FOUND, asked, perhaps (tentative), accepted, declined (and planned again), going on, over, on hold, withdrawn; with case … now: it was merged into that one';
COMMENT ON COLUMN vac.my_cases.coordinator IS 'Whom to name to the victim';
COMMENT ON COLUMN vac.my_cases.telephone IS 'Their work telephone';
COMMENT ON COLUMN vac.my_cases.meeting IS 'When, in local time of the office';
GRANT SELECT ON vac.my_cases TO vac_supervisor, vac_intake;
