-- Which requests have no appointment, and why?
CREATE OR REPLACE VIEW vac.unassigned WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, r.urgency::text AS urgency, r.language::text AS language,
			vac_store.due_text(r.due_at, vac.now()) AS due,
			vac_store.length_text(vac.now() - r.opened_at) AS waiting,
			vac_store.wrapped(CASE WHEN c.held_since IS NOT NULL THEN 'case on hold: nothing is planned'
				WHEN r.unserved_since IS NULL THEN 'is being planned'
				ELSE coalesce(d.reasons, 'nobody is in reach') END, 42) AS reasons
		FROM vac_store.request r
			JOIN vac_store.case_record c ON c.case_id = r.case_id AND c.state = 'open'
			JOIN vac_store.office o ON o.office_id = r.office_id
			JOIN vac_store.service s ON s.code = r.service
			LEFT JOIN LATERAL (
				-- A reason stays on one line.
				SELECT string_agg(replace(vac_store.rule_text(u.key, r.language, s.label) || ' (' || u.n || ')', ' ', U&'\00A0'), ', ' ORDER BY u.n DESC, u.key) AS reasons
					FROM (SELECT l.ruled_out FROM vac_store.decision l
							WHERE l.request_id = r.request_id AND l.appointment_id IS NULL
							ORDER BY l.decision_id DESC LIMIT 1) last,
						LATERAL (SELECT e.key, jsonb_array_length(e.value) AS n FROM jsonb_each(last.ruled_out) e) u) d ON true
		-- to_plan: by the index of what is open, not through all that ever was.
		WHERE r.state = 'open' AND r.to_plan
		ORDER BY c.held_since IS NOT NULL, array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text),
			r.due_at, r.request_id;
COMMENT ON VIEW vac.unassigned IS
	'Which requests have no appointment, and why? Most urgent first. The planner keeps trying; view why names each coordinator';
COMMENT ON COLUMN vac.unassigned.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.unassigned.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.unassigned.urgency IS 'immediate, urgent or routine';
COMMENT ON COLUMN vac.unassigned.language IS 'Language that the victim needs';
COMMENT ON COLUMN vac.unassigned.due IS 'How long until the meeting must have started, or how late it is';
COMMENT ON COLUMN vac.unassigned.waiting IS 'How long ago the request was opened';
COMMENT ON COLUMN vac.unassigned.reasons IS 'What speaks against the coordinators in reach, and in brackets against how many of them';
GRANT SELECT ON vac.unassigned TO vac_supervisor;
