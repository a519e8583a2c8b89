-- Which cases belong together, or are one?
CREATE OR REPLACE VIEW vac.linked_cases WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, p.kind, coalesce(x.case_code, 'another office''s') AS other_case, xo.code AS other_office,
			CASE WHEN x.merged_into IS NOT NULL THEN 'merged' WHEN x.case_id IS NOT NULL THEN vac_store.standing_text(x.state, x.held_since, r.state, r.unserved_since, a.state,
				lower(a.span), upper(a.span), a.sent, vac.now(), a.partstat) END AS other_state,
			coalesce(k.name, CASE WHEN coalesce(a.coordinator_id, x.responsible_id) IS NOT NULL THEN 'not available' END) AS other_coordinator
		FROM (SELECT l.case_id, l.other_id, l.kind FROM vac_store.case_link l
			UNION ALL SELECT l.other_id, l.case_id, l.kind FROM vac_store.case_link l
			UNION ALL SELECT m.merged_into, m.case_id, 'same person' FROM vac_store.case_record m WHERE m.merged_into IS NOT NULL) p
			JOIN vac_store.case_record c ON c.case_id = p.case_id
			JOIN vac_store.office o ON o.office_id = c.office_id
			-- No row, and so no code, for who may not see it.
			LEFT JOIN vac_store.case_record x ON x.case_id = p.other_id
			LEFT JOIN vac_store.office xo ON xo.office_id = x.office_id
			LEFT JOIN LATERAL (SELECT q.request_id, q.state, q.unserved_since FROM vac_store.request q WHERE q.case_id = x.case_id
				ORDER BY q.state NOT IN ('open', 'planned'), q.due_at, q.request_id LIMIT 1) r ON true
			LEFT JOIN LATERAL (SELECT b.coordinator_id, b.span, b.state, b.partstat, CASE WHEN b.state = 'invited' THEN EXISTS (SELECT FROM vac_store.message m
						WHERE m.uid = b.uid AND m.method = 'REQUEST' AND m.state = 'sent') END AS sent
				FROM vac_store.appointment b WHERE b.request_id = r.request_id AND b.live
				ORDER BY b.state <> 'accepted', lower(b.span), b.appointment_id LIMIT 1) a ON true
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = coalesce(a.coordinator_id, x.responsible_id)
		ORDER BY c.case_code, array_position(ARRAY['same person', 'family', 'incident', 'other'], p.kind), x.case_code;
COMMENT ON VIEW vac.linked_cases IS
	'Which cases belong together, or are one? A row for each of the two: SELECT * FROM vac.linked_cases WHERE case_code = ''K7Q-4MX''. vac.link_cases() links, '
	'vac.merge_cases() makes two codes of one person one';
COMMENT ON COLUMN vac.linked_cases.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.linked_cases.office IS 'Office that it belongs to';
COMMENT ON COLUMN vac.linked_cases.kind IS 'family, incident, other; same person: the other code was merged into it';
COMMENT ON COLUMN vac.linked_cases.other_case IS 'Code of the other';
COMMENT ON COLUMN vac.linked_cases.other_office IS 'Office that the other belongs to';
COMMENT ON COLUMN vac.linked_cases.other_state IS 'How the other stands, as in open_cases; merged: it is no case by itself any more';
COMMENT ON COLUMN vac.linked_cases.other_coordinator IS 'Who sees to the other: of its next meeting, else who is responsible';
GRANT SELECT ON vac.linked_cases TO vac_supervisor;
