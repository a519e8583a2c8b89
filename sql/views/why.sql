-- Why her, why not him?
CREATE OR REPLACE VIEW vac.why WITH (security_invoker = true) AS
	SELECT c.case_code, p.place, CASE WHEN p.place <> 'NOBODY' THEN coalesce(k.name || ' (' || ko.code || ')', 'not available') END AS coordinator,
			vac_store.short_time(p.starts, o.time_zone) AS start, p.cost, p.because
		FROM vac_store.case_record c
			JOIN vac_store.office o ON o.office_id = c.office_id
			JOIN vac_store.request r ON r.case_id = c.case_id
			JOIN vac_store.service s ON s.code = r.service
			CROSS JOIN LATERAL (SELECT d.* FROM vac_store.decision d WHERE d.request_id = r.request_id
				ORDER BY d.decision_id DESC LIMIT 1) d
			CROSS JOIN LATERAL (
				SELECT 1 AS part, 'chosen' AS place, a.coordinator_id, lower(a.span) AS starts, d.cost,
						vac_store.terms_text(d.terms) AS because
					FROM vac_store.appointment a WHERE a.appointment_id = d.appointment_id
				UNION ALL
				SELECT 1, 'NOBODY', NULL, NULL, NULL, 'all in reach are ruled out; it is tried again'
					WHERE d.appointment_id IS NULL
				UNION ALL
				SELECT 2, 'runner-up', (d.runner_up ->> 'coordinator')::integer, to_timestamp((d.runner_up ->> 'start')::bigint),
						(d.runner_up ->> 'cost')::bigint, vac_store.terms_text(d.runner_up -> 'terms')
					WHERE d.runner_up ->> 'coordinator' IS NOT NULL
				UNION ALL
				SELECT 3, 'ruled out', i.id::integer, NULL, NULL, vac_store.rule_text(e.key, r.language, s.label)
					FROM jsonb_each(d.ruled_out) e, jsonb_array_elements_text(e.value) AS i (id)) p
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = p.coordinator_id
			LEFT JOIN vac_store.office ko ON ko.office_id = k.office_id
		ORDER BY c.case_id DESC, r.request_id DESC, p.part, p.because, k.code;
COMMENT ON VIEW vac.why IS
	'Why her, why not him? The last decision for each request: who was chosen at what cost, the runner-up, and for everybody else '
	'in reach the one rule that ruled them out: SELECT * FROM vac.why WHERE case_code = ''K7Q-4MX''';
COMMENT ON COLUMN vac.why.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.why.place IS 'chosen, runner-up, or ruled out; NOBODY when all are';
COMMENT ON COLUMN vac.why.coordinator IS 'Name and office';
COMMENT ON COLUMN vac.why.start IS 'When the meeting would begin, in local time of the case''s office';
COMMENT ON COLUMN vac.why.cost IS 'What it costs in minutes of routine waiting; the least wins';
COMMENT ON COLUMN vac.why.because IS 'The terms of the cost, or the rule; view policies has the weights';
GRANT SELECT ON vac.why TO vac_supervisor;
