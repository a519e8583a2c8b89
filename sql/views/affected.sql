-- Which appointments would what was tried hit?
CREATE OR REPLACE VIEW vac.affected WITH (security_invoker = true) AS
	SELECT coalesce(w.case_code, c.case_code, 'of ' || o.code) AS case_code, o.code AS office, coalesce(w.urgency, a.urgency::text) AS urgency,
			vac_store.short_span(coalesce(w.span, a.span), o.time_zone) AS meeting, vac_store.wrapped(coalesce(k.name, 'not available'), 18) AS coordinator,
			CASE WHEN w.accepted OR a.partstat = 'ACCEPTED' OR a.state = 'accepted' OR t.was = 'accepted' THEN 'accepted' ELSE 'asked' END AS was,
			vac_store.wrapped(CASE WHEN t.stays THEN t.what || '; it stays'
				ELSE concat_ws('; ', t.what, CASE WHEN w.planned_again OR NOT a.live AND r.state = 'open' AND c.held_since IS NULL THEN 'planned again' END) END,
				24) AS what_happens
		FROM vac_store.tried(vac.now()) t
			LEFT JOIN vac_store.tried_away() w ON w.appointment_id = t.appointment_id
			LEFT JOIN vac_store.appointment a ON a.appointment_id = t.appointment_id
			JOIN vac_store.office o ON o.office_id = coalesce(w.office_id, a.office_id)
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = coalesce(w.coordinator_id, a.coordinator_id)
			LEFT JOIN vac_store.case_record c ON c.case_id = a.case_id
			LEFT JOIN vac_store.request r ON r.request_id = a.request_id
		ORDER BY lower(coalesce(w.span, a.span)), t.appointment_id;
COMMENT ON VIEW vac.affected IS
	'In a what-if: which appointments would be hit by what was tried? BEGIN; SELECT vac.what_if(); SELECT vac.add_leave(…); TABLE vac.affected; ROLLBACK. '
	'Empty outside of one';
COMMENT ON COLUMN vac.affected.case_code IS 'Code of the case; of another office''s case only whose it is, unless it is given away in this what-if';
COMMENT ON COLUMN vac.affected.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.affected.urgency IS 'immediate, urgent or routine';
COMMENT ON COLUMN vac.affected.meeting IS 'When it is (or was to be), in local time of the case''s office';
COMMENT ON COLUMN vac.affected.coordinator IS 'Whose appointment it is';
COMMENT ON COLUMN vac.affected.was IS 'Whether they had accepted it, or were only asked';
COMMENT ON COLUMN vac.affected.what_happens IS 'What would become of it: cancelled and planned again, changed, new; or that it stays outside its coordinator''s hours';
GRANT SELECT ON vac.affected TO vac_supervisor;
