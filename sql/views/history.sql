-- What happened?
CREATE OR REPLACE VIEW vac.history WITH (security_invoker = true) AS
	SELECT vac_store.short_time(h.at, coalesce(o.time_zone, 'UTC'), 'DD Mon HH24:MI TZ') AS at, h.who, o.code AS office, c.case_code,
			vac_store.wrapped(vac_store.event_text(h.event, h.detail, coalesce(o.time_zone, 'UTC'), m.case_code), 24) AS what,
			vac_store.wrapped(k.name, 14) AS coordinator,
			vac_store.wrapped(concat_ws(': ', vac_store.reason_text(NULLIF(h.reason, CASE WHEN h.note_id IS NOT NULL THEN 'other' END)),
				vac_store.note_text(h.note_id)), 20) AS why
		FROM vac_store.history h
			LEFT JOIN vac_store.office o ON o.office_id = h.office_id
			LEFT JOIN vac_store.case_record c ON c.case_id = h.case_id
			-- The other case, when something made room: no row, and so no code, for who may not see it.
			-- Worked out by itself, so that the key finds it: below row-level security a cast may not look at its rows first.
			LEFT JOIN LATERAL (SELECT (h.detail ->> 'other_case')::bigint AS case_id OFFSET 0) x ON true
			LEFT JOIN vac_store.case_record m ON m.case_id = x.case_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = h.coordinator_id
		ORDER BY h.at DESC, h.history_id DESC;
COMMENT ON VIEW vac.history IS
	'What happened, who did it, and why? Newest first: SELECT * FROM vac.history WHERE case_code = ''K7Q-4MX'', or … LIMIT 30';
COMMENT ON COLUMN vac.history.at IS 'When, in local time of the office (UTC where there is none)';
COMMENT ON COLUMN vac.history.who IS 'Database login that did it; the daemon''s own for what it did by itself';
COMMENT ON COLUMN vac.history.office IS 'Office concerned';
COMMENT ON COLUMN vac.history.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.history.what IS 'What happened';
COMMENT ON COLUMN vac.history.coordinator IS 'Coordinator concerned';
COMMENT ON COLUMN vac.history.why IS 'The reason given: its word and its note';
GRANT SELECT ON vac.history TO vac_supervisor;
