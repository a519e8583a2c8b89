-- What should have been done by now, and is not?
CREATE OR REPLACE VIEW vac.overdue WITH (security_invoker = true) AS
	SELECT o.code AS office, c.case_code, l.urgency,
			vac_store.wrapped(l.what || CASE WHEN c.held_since IS NOT NULL THEN ', case on hold' ELSE '' END, 22) AS overdue,
			vac_store.short_time(l.due_at, o.time_zone) AS was_due, vac_store.length_text(vac.now() - l.due_at) AS late,
			coalesce(vac_store.wrapped(k.name, 18) || E'\n' || k.telephone, 'nobody yet') AS call
		FROM vac_store.late_things(vac.now()) l
			JOIN vac_store.case_record c ON c.case_id = l.case_id
			JOIN vac_store.office o ON o.office_id = c.office_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = l.coordinator_id
		ORDER BY c.held_since IS NOT NULL, array_position(ARRAY['immediate', 'urgent', 'routine'], coalesce(l.urgency, 'urgent')),
			l.due_at, c.case_id, l.n;
COMMENT ON VIEW vac.overdue IS
	'What should have been done by now, and is not: meetings, answers, invitations still unsent, clocks? The most urgent first, then what waits '
	'longest; cases on hold last. Meetings that nobody reported on are in view awaiting_outcome';
COMMENT ON COLUMN vac.overdue.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.overdue.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.overdue.urgency IS 'immediate, urgent or routine; empty for a clock that is the same for all';
COMMENT ON COLUMN vac.overdue.overdue IS
	'meeting (none is planned), meeting comes late (one is, past its due time), answer, invitation UNSENT, clocks that ran out; and whether the case is on hold';
COMMENT ON COLUMN vac.overdue.was_due IS 'By when it, or the first of them, should have been, in local time of the office';
COMMENT ON COLUMN vac.overdue.late IS 'How long ago that was';
COMMENT ON COLUMN vac.overdue.call IS 'Whom to call about it: who is to go or, about a clock, who is responsible for the case; each else the other';
GRANT SELECT ON vac.overdue TO vac_supervisor;
