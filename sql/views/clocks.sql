-- Which deadlines do cases carry beside their meetings?
CREATE OR REPLACE VIEW vac.clocks WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, k.kind AS clock, vac_store.due_text(k.due_at, vac.now()) || CASE WHEN k.due_at > vac.now() AND k.warnings > 0 THEN E'\nwarned' ELSE '' END
				|| CASE WHEN c.held_since IS NOT NULL THEN E'\non hold' ELSE '' END AS due,
			vac_store.short_time(k.due_at, o.time_zone) AS by, vac_store.wrapped(coalesce(r.name, 'nobody yet'), 15) AS responsible,
			CASE WHEN d.source NOT LIKE 'starting value%' THEN vac_store.wrapped(d.source, 14) END AS rule
		FROM vac_store.clock k
			JOIN vac_store.clock_kind d ON d.kind = k.kind
			JOIN vac_store.case_record c ON c.case_id = k.case_id
			JOIN vac_store.office o ON o.office_id = k.office_id
			LEFT JOIN vac_store.coordinator r ON r.coordinator_id = c.responsible_id
		WHERE k.running
		ORDER BY k.due_at, k.clock_id;
COMMENT ON VIEW vac.clocks IS
	'Which deadlines do cases carry beside their meetings? Those that run, the first due first; vac.tick_clock() notes what was done. '
	'None is an agency''s own directive';
COMMENT ON COLUMN vac.clocks.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.clocks.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.clocks.clock IS 'first_contact, hhs_notice (tell HHS of a minor), inform_of_responsible (tell the victim who is responsible)';
COMMENT ON COLUMN vac.clocks.due IS 'How long until it runs out, or how LATE it is; whether somebody was warned; and whether the case is on hold, in which it runs on';
COMMENT ON COLUMN vac.clocks.by IS 'When it runs out, in local time of the office';
COMMENT ON COLUMN vac.clocks.responsible IS 'Who is responsible for the case';
COMMENT ON COLUMN vac.clocks.rule IS 'The law that it comes from; empty: a starting value, no agency''s directive';
GRANT SELECT ON vac.clocks TO vac_supervisor;
