-- How soon do we meet people?
CREATE OR REPLACE VIEW vac.response_times WITH (security_invoker = true) AS
	SELECT o.code AS office, r.urgency::text AS urgency, count(*) AS requests,
			count(*) FILTER (WHERE m.starts <= r.due_at) AS in_time,
			count(*) FILTER (WHERE m.starts > r.due_at OR (m.starts IS NULL AND r.due_at <= vac.now())) AS late,
			count(*) FILTER (WHERE m.starts IS NULL AND r.due_at > vac.now()) AS waiting,
			round(100.0 * count(*) FILTER (WHERE m.starts <= r.due_at)
				/ NULLIF(count(*) FILTER (WHERE m.starts IS NOT NULL OR r.due_at <= vac.now()), 0)) || ' %' AS kept,
			vac_store.length_text(percentile_cont(0.5) WITHIN GROUP (ORDER BY m.took)) AS median,
			vac_store.length_text(percentile_cont(0.9) WITHIN GROUP (ORDER BY m.took)) AS nine_in_ten,
			(SELECT vac_store.policy_words(p.kind, p.value) FROM vac_store.policy p
				WHERE p.name = 'response_target' AND p.urgency = r.urgency) AS target
		FROM vac_store.request r
			JOIN vac_store.office o ON o.office_id = r.office_id
			LEFT JOIN LATERAL (SELECT min(lower(a.span)) AS starts, min(lower(a.span)) - greatest(r.opened_at, lower(r.open_window)) AS took
				FROM vac_store.appointment a
				WHERE a.request_id = r.request_id AND (a.state = 'held' OR a.live) AND lower(a.span) <= vac.now()) m ON true
		WHERE r.opened_at <= vac.now() AND r.state <> 'withdrawn'
			AND r.opened_at > vac.now() - (SELECT p.value::integer FROM vac_store.policy p WHERE p.name = 'response_days') * interval '1 day'
		GROUP BY o.code, r.urgency
		ORDER BY o.code, array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text);
COMMENT ON VIEW vac.response_times IS
	'How soon do we meet people, from the opening of a request (or the beginning of its window) to the start of its meeting, against the time it was due? '
	'Requests opened in the days that policy response_days says, withdrawn ones not counted. By month: view monthly_report';
COMMENT ON COLUMN vac.response_times.office IS 'Office of the cases';
COMMENT ON COLUMN vac.response_times.urgency IS 'immediate, urgent or routine';
COMMENT ON COLUMN vac.response_times.requests IS 'Requests opened';
COMMENT ON COLUMN vac.response_times.in_time IS 'Whose meeting had begun by the time it was due';
COMMENT ON COLUMN vac.response_times.late IS 'Whose meeting began later, or has not begun though it was due';
COMMENT ON COLUMN vac.response_times.waiting IS 'Whose meeting is to come, and not late yet';
COMMENT ON COLUMN vac.response_times.kept IS 'Of those that were in time or late, how many were in time';
COMMENT ON COLUMN vac.response_times.median IS 'Half of those that were met were met within this';
COMMENT ON COLUMN vac.response_times.nine_in_ten IS 'Nine in ten of them were met within this';
COMMENT ON COLUMN vac.response_times.target IS 'What policy response_target says';
GRANT SELECT ON vac.response_times TO vac_supervisor;
