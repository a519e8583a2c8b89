-- When is who at work or on call?
CREATE OR REPLACE VIEW vac.patterns WITH (security_invoker = true) AS
	SELECT o.code AS office, k.code AS coordinator, vac_store.wrapped(k.name, 18) AS name, p.shift, p.hours, p.valid
		FROM (
				SELECT w.coordinator_id, CASE w.kind WHEN 'regular' THEN 'at work' ELSE 'on call' END AS shift,
						vac_store.days_text(array_agg(w.weekday ORDER BY w.weekday)) || ' '
							|| to_char(w.from_time, 'HH24:MI') || '-' || to_char(w.to_time, 'HH24:MI') AS hours,
						CASE WHEN lower(w.valid) IS NOT NULL THEN 'from ' || lower(w.valid) || ' ' ELSE '' END
							|| CASE WHEN upper(w.valid) IS NOT NULL THEN 'to ' || upper(w.valid) - 1 ELSE '' END AS valid,
						1 AS part, min(w.weekday) AS day, NULL::timestamptz AS starts
					FROM vac_store.weekly_pattern w
						JOIN vac_store.coordinator x ON x.coordinator_id = w.coordinator_id
						JOIN vac_store.office y ON y.office_id = x.office_id
					WHERE upper(w.valid) IS NULL OR upper(w.valid) > vac_store.local_day(vac.now(), coalesce(x.time_zone, y.time_zone))
					GROUP BY w.coordinator_id, w.kind, w.from_time, w.to_time, w.valid
				UNION ALL
				SELECT s.coordinator_id, CASE s.kind WHEN 'regular' THEN 'at work' ELSE 'on call' END,
						vac_store.short_span(s.span, coalesce(x.time_zone, y.time_zone)), 'once', 2, NULL, lower(s.span)
					FROM vac_store.shift s
						JOIN vac_store.coordinator x ON x.coordinator_id = s.coordinator_id
						JOIN vac_store.office y ON y.office_id = x.office_id
					WHERE upper(s.span) > vac.now()) p
			JOIN vac_store.coordinator k ON k.coordinator_id = p.coordinator_id
			JOIN vac_store.office o ON o.office_id = k.office_id
		WHERE k.retired_at IS NULL
		ORDER BY o.code, k.code, p.shift, p.part, p.day, p.starts, p.hours;
COMMENT ON VIEW vac.patterns IS
	'When is who at work or on call? Weekly patterns, then single shifts to come, of one''s own offices';
COMMENT ON COLUMN vac.patterns.office IS 'Office';
COMMENT ON COLUMN vac.patterns.coordinator IS 'Code';
COMMENT ON COLUMN vac.patterns.name IS 'Name';
COMMENT ON COLUMN vac.patterns.shift IS 'at work, or on call';
COMMENT ON COLUMN vac.patterns.hours IS 'Days and hours, in the coordinators local time; an end before the beginning is on the next day';
COMMENT ON COLUMN vac.patterns.valid IS 'For which days; empty: always';
GRANT SELECT ON vac.patterns TO vac_supervisor;
