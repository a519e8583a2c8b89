-- Which cases are open, and how does each stand?
CREATE OR REPLACE VIEW vac.open_cases WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, r.urgency::text AS urgency, coalesce(r.language, c.language)::text AS language,
			vac_store.wrapped(vac_store.standing_text(c.state, c.held_since, r.state, r.unserved_since, a.state, lower(a.span), upper(a.span),
				s.sent, vac.now(), a.partstat,
				-- How the last one ended is said only where there is none.
				CASE WHEN a.appointment_id IS NULL THEN
					(SELECT e.state FROM vac_store.appointment e WHERE e.request_id = r.request_id AND NOT e.live ORDER BY e.appointment_id DESC LIMIT 1) END)
				|| CASE WHEN c.held_since IS NOT NULL OR a.state IS DISTINCT FROM 'invited' OR upper(a.span) <= vac.now() THEN ''
					WHEN a.send_by <= vac.now() AND NOT s.sent THEN ', UNSENT: telephone'
					WHEN r.seek_since IS NOT NULL AND r.unserved_since IS NOT NULL THEN ', NOBODY ELSE'
					WHEN r.seek_since IS NOT NULL THEN ', another is sought' ELSE '' END
				|| CASE WHEN c.held_since IS NULL AND a.pinned AND lower(a.span) > vac.now() THEN ', pinned' ELSE '' END, 20) AS state,
			vac_store.wrapped(CASE WHEN a.appointment_id IS NOT NULL THEN coalesce(k.name, 'not available') END, 14) AS coordinator,
			vac_store.short_time(lower(a.span), o.time_zone, 'DD Mon HH24:MI TZ') AS meeting,
			CASE WHEN lower(a.span) <= r.due_at THEN 'on time'
				ELSE vac_store.due_text(r.due_at, coalesce(lower(a.span), vac.now())) END AS due
		FROM vac_store.case_record c
			JOIN vac_store.office o ON o.office_id = c.office_id
			LEFT JOIN vac_store.request r ON r.case_id = c.case_id AND r.state IN ('open', 'planned')
			-- Of a request at most one is live, but of one that is immediate. A join, no LATERAL of each: so that all can be read at once.
			LEFT JOIN vac_store.appointment a ON a.request_id = r.request_id AND a.live
				AND (a.urgency <> 'immediate' OR NOT EXISTS (SELECT FROM vac_store.appointment b WHERE b.request_id = a.request_id AND b.live
					AND (b.state <> 'accepted', b.appointment_id) < (a.state <> 'accepted', a.appointment_id)))
			-- Whether its mail is out matters only while an answer is awaited.
			LEFT JOIN LATERAL (SELECT CASE WHEN a.state = 'invited' THEN EXISTS (SELECT FROM vac_store.message m
				WHERE m.uid = a.uid AND m.method = 'REQUEST' AND m.state = 'sent') END AS sent) s ON true
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
		WHERE c.state = 'open'
		ORDER BY c.held_since IS NOT NULL, a.appointment_id IS NOT NULL,
			array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text), r.due_at, c.case_id;
COMMENT ON VIEW vac.open_cases IS
	'Which cases are open, and how does each stand? Those without an appointment first, by urgency; those on hold last. '
	'A case with several meetings to come has a row for each';
COMMENT ON COLUMN vac.open_cases.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.open_cases.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.open_cases.urgency IS 'immediate, urgent or routine';
COMMENT ON COLUMN vac.open_cases.language IS 'Language that the victim needs, as a tag: es';
COMMENT ON COLUMN vac.open_cases.state IS
	'being planned, NOBODY FOUND (see unassigned), mail not out yet (see mail_queue; UNSENT: for too long), asked (and another is sought, when no answer came in time), perhaps (tentative), accepted, declined (and planned again), going on, over, on hold; pinned: set by hand';
COMMENT ON COLUMN vac.open_cases.coordinator IS 'Who is to meet the victim';
COMMENT ON COLUMN vac.open_cases.meeting IS 'When, in local time of the case''s office';
COMMENT ON COLUMN vac.open_cases.due IS 'Whether the meeting starts by its due time, or how much later; without an appointment: how long until the due time, or how late it is';
GRANT SELECT ON vac.open_cases TO vac_supervisor;
