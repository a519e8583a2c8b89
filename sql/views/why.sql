-- Why her, why not him?
CREATE OR REPLACE VIEW vac.why WITH (security_invoker = true) AS
	SELECT c.case_code, p.place, vac_store.wrapped(CASE WHEN p.place <> 'NOBODY' THEN coalesce(k.name || ' (' || ko.code || ')', 'not available') END, 21) AS coordinator,
			vac_store.short_time(p.starts, o.time_zone) AS start, p.cost, vac_store.wrapped(p.because, 38) AS because
		FROM vac_store.case_record c
			JOIN vac_store.office o ON o.office_id = c.office_id
			JOIN vac_store.request r ON r.case_id = c.case_id
			JOIN vac_store.service s ON s.code = r.service
			-- A move is a decision about an appointment that stood; who was chosen says the last other one.
			CROSS JOIN LATERAL (SELECT l.*, coalesce(g.limited, false) AS limited
				FROM vac_store.decision l LEFT JOIN vac_store.plan g ON g.plan_id = l.plan_id
				WHERE l.request_id = r.request_id AND l.made_room_for IS NULL
				ORDER BY l.decision_id DESC LIMIT 1) d
			CROSS JOIN LATERAL (
				SELECT 1 AS part, 'chosen' AS place, a.coordinator_id, coalesce(m.starts, lower(a.span)) AS starts, d.cost,
						concat_ws('; ', coalesce(vac_store.terms_text(d.terms),
							vac_store.by_hand_text(c.case_id, d.appointment_id, r.language, s.label, true), 'taken over from a colleague'), 'makes room: ' || x.codes,
							CASE WHEN d.limited THEN 'best plan so far' END) AS because, d.decision_id AS by_id
					FROM vac_store.appointment a
						LEFT JOIN LATERAL (SELECT to_timestamp((m.moved_from ->> 'start')::bigint) AS starts FROM vac_store.decision m
							WHERE m.request_id = r.request_id AND m.decision_id > d.decision_id AND m.made_room_for IS NOT NULL
							ORDER BY m.decision_id LIMIT 1) m ON true
						CROSS JOIN LATERAL (SELECT string_agg(coalesce(y.case_code, 'another office''s case'), ', ' ORDER BY m.n) AS codes
							FROM vac_store.room_makers(r.request_id, d.plan_id) WITH ORDINALITY AS m (case_id, n)
								LEFT JOIN vac_store.case_record y ON y.case_id = m.case_id) x
					WHERE a.appointment_id = d.appointment_id
				UNION ALL
				SELECT 1, 'NOBODY', NULL, NULL, NULL, concat_ws('; ', 'nobody in reach can; it is tried again',
						CASE WHEN d.limited THEN 'best plan so far' END), NULL
					WHERE d.appointment_id IS NULL
				UNION ALL
				SELECT 2, 'moved', a.coordinator_id, coalesce(m.next_from, lower(a.span)), m.cost,
						'makes room for ' || coalesce(y.case_code, 'another office''s case') || '; ' || vac_store.terms_text(m.terms), m.decision_id
					FROM (SELECT e.*, to_timestamp((lead(e.moved_from ->> 'start') OVER (ORDER BY e.decision_id))::bigint) AS next_from
							FROM vac_store.decision e
							WHERE e.request_id = r.request_id AND e.decision_id > d.decision_id AND e.made_room_for IS NOT NULL) m
						JOIN vac_store.appointment a ON a.appointment_id = m.appointment_id
						LEFT JOIN vac_store.request x ON x.request_id = m.made_room_for
						LEFT JOIN vac_store.case_record y ON y.case_id = x.case_id
				UNION ALL
				SELECT 3, 'runner-up', (d.runner_up ->> 'coordinator')::integer, to_timestamp((d.runner_up ->> 'start')::bigint),
						(d.runner_up ->> 'cost')::bigint, vac_store.terms_text(d.runner_up -> 'terms'), NULL
					WHERE d.runner_up ->> 'coordinator' IS NOT NULL
				UNION ALL
				SELECT CASE e.key WHEN 'dearer' THEN 4 ELSE 5 END, CASE e.key WHEN 'dearer' THEN 'dearer' ELSE 'ruled out' END,
						i.id::integer, to_timestamp(n.starts), NULL, vac_store.rule_text(e.key, r.language, s.label)
							|| CASE WHEN n.starts IS NOT NULL AND e.key <> 'dearer' THEN '; free then' ELSE '' END, n.starts
					FROM jsonb_each(d.ruled_out) e, jsonb_array_elements_text(e.value) AS i (id),
						LATERAL (SELECT (d.nearest ->> i.id)::bigint AS starts) n) p
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = p.coordinator_id
			LEFT JOIN vac_store.office ko ON ko.office_id = k.office_id
		ORDER BY c.case_id DESC, r.request_id DESC, p.part, p.by_id, p.because, k.code;
COMMENT ON VIEW vac.why IS
	'Why her, why not him? The last decision for each request: who was chosen at what cost and what makes room for it, or set by hand, by whom and why; where it was moved '
	'since; the runner-up; who could have, but at a higher cost; and for everybody else in reach the one rule that ruled them out: '
	'SELECT * FROM vac.why WHERE case_code = ''K7Q-4MX''. vacd-plan(7) says how the cost is reckoned; best plan so far: the search '
	'ended at its limit of steps';
COMMENT ON COLUMN vac.why.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.why.place IS 'chosen (NOBODY when all are ruled out), moved, runner-up, dearer, ruled out';
COMMENT ON COLUMN vac.why.coordinator IS 'Name and office';
COMMENT ON COLUMN vac.why.start IS
	'When the meeting would begin, in local time of the case''s office; of who is ruled out the nearest time that would have worked, empty when none would';
COMMENT ON COLUMN vac.why.cost IS 'What it costs in minutes of routine waiting; the least of the whole plan wins; of a move the difference';
COMMENT ON COLUMN vac.why.because IS 'The terms of the cost, or the rule; of what was set by hand by whom, why, and past which rules; view policies has the weights';
GRANT SELECT ON vac.why TO vac_supervisor;
