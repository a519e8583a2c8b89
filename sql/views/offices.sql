-- Which offices are there?
CREATE OR REPLACE VIEW vac.offices WITH (security_invoker = true) AS
	SELECT o.code AS office, vac_store.wrapped(o.name, 18) AS name, vac_store.short_time(vac.now(), o.time_zone, 'Dy HH24:MI TZ') AS local_time,
			o.telephone::text AS telephone, vac_store.wrapped(vac_store.hours_text(o.office_id), 20) AS hours,
			vac_store.wrapped((SELECT string_agg(p.code, ', ' ORDER BY p.code <> 'MAIN', p.code) FROM vac_store.office_place p
				WHERE p.office_id = o.office_id), 14) AS places,
			vac_store.wrapped((SELECT string_agg(b.code || ' ' || k.travel_minutes, ', ' ORDER BY k.rank) FROM vac_store.office_backup k
				JOIN vac_store.office b ON b.office_id = k.backup_office_id WHERE k.office_id = o.office_id), 14) AS backups
		FROM vac_store.office o
		WHERE o.retired_at IS NULL
		ORDER BY o.code;
COMMENT ON VIEW vac.offices IS
	'Which offices are there, what time is it there, and what is their 24-hour number?';
COMMENT ON COLUMN vac.offices.office IS 'Code, as verbs want it';
COMMENT ON COLUMN vac.offices.name IS 'Name';
COMMENT ON COLUMN vac.offices.local_time IS 'What time it is there';
COMMENT ON COLUMN vac.offices.telephone IS 'Answered 24 hours';
COMMENT ON COLUMN vac.offices.hours IS 'Office hours, local time';
COMMENT ON COLUMN vac.offices.places IS 'Codes of places to meet; vac.set_place() changes them';
COMMENT ON COLUMN vac.offices.backups IS 'Offices whose coordinators may be sent there, first the nearest in rank, with minutes of travel';
GRANT SELECT ON vac.offices TO vac_supervisor, vac_intake;
