-- Who can be called now?
CREATE OR REPLACE VIEW vac.on_duty_now WITH (security_invoker = true) AS
	SELECT o.code AS office, vac_store.wrapped(k.name, 20) AS coordinator, k.telephone::text AS telephone,
			CASE d.kind WHEN 'regular' THEN 'at work' ELSE 'on call' END AS shift,
			vac_store.short_time(d.until, coalesce(k.time_zone, o.time_zone), 'Dy HH24:MI TZ') AS until, d.doing AS now,
			vac_store.list_text(ARRAY(SELECT l.language::text FROM vac_store.coordinator_language l
				WHERE l.coordinator_id = k.coordinator_id ORDER BY l.language <> 'en', l.language), 3) AS languages
		FROM vac_store.duty_now(vac.now()) d
			JOIN vac_store.coordinator k ON k.coordinator_id = d.coordinator_id
			JOIN vac_store.office o ON o.office_id = k.office_id
		ORDER BY o.office_id NOT IN (SELECT vac_store.my_offices()), o.code, d.doing <> 'free', d.kind DESC, k.code;
COMMENT ON VIEW vac.on_duty_now IS
	'Who is at work or on call now, and can be called? One''s own offices first, then their backups; the free first';
COMMENT ON COLUMN vac.on_duty_now.office IS 'Office of the coordinator';
COMMENT ON COLUMN vac.on_duty_now.coordinator IS 'Name';
COMMENT ON COLUMN vac.on_duty_now.telephone IS 'Work telephone';
COMMENT ON COLUMN vac.on_duty_now.shift IS 'at work, or on call: to be called for what is immediate or urgent only';
COMMENT ON COLUMN vac.on_duty_now.until IS 'End of the shift, in the coordinator''s local time';
COMMENT ON COLUMN vac.on_duty_now.now IS 'free, in a meeting, or busy with the way to or from one; not available: of another office''s matter';
COMMENT ON COLUMN vac.on_duty_now.languages IS 'Languages spoken, as tags';
GRANT SELECT ON vac.on_duty_now TO vac_supervisor;
