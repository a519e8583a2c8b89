-- What `vacd check` asks of the database beside its schema, time zones and clock: whether PostgreSQL keeps what
-- it has committed, and whether there is somebody to meet victims, and somebody to be told.

-- So long before the last holiday known there is still time to import more.
CREATE OR REPLACE FUNCTION vac_store.holidays_ahead() RETURNS interval
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN interval '60 days';
COMMENT ON FUNCTION vac_store.holidays_ahead() IS 'How far ahead holidays must be known, or whoever administers vacd is warned';

-- Who plans a day that nobody knows to be a holiday finds closed doors.
CREATE OR REPLACE FUNCTION vac_store.holidays_problem(now_at timestamptz) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN max(h.day) IS NULL THEN 'none of all offices is known; run `vacd import holidays`'
				WHEN max(h.day) < (now_at + holidays_ahead())::date
					THEN format('the last one known is %s; run `vacd import holidays` with the next years''', to_char(max(h.day), 'YYYY-MM-DD')) END
			FROM holiday h WHERE h.office_id IS NULL;
	$$;
COMMENT ON FUNCTION vac_store.holidays_problem(timestamptz) IS 'What to tell whoever administers vacd when no holidays are known, or soon none; else NULL';

-- With the settings of whoever asks: synchronous_commit can be those of one login.
CREATE OR REPLACE FUNCTION vac_store.unsafe_settings() RETURNS TABLE (said text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT format('%s is off: %s; set %s = on%s', u.name, u.harm, u.name, u.how)
			FROM (VALUES
				('fsync', 'a power cut can destroy the database', ' in postgresql.conf and reload PostgreSQL'),
				('full_page_writes', 'a power cut can destroy the database', ' in postgresql.conf and reload PostgreSQL'),
				('synchronous_commit', 'a power cut takes cases that were acknowledged', ', also for this login and this database'))
				AS u (name, harm, how)
			WHERE current_setting(u.name) = 'off';
	$$;
COMMENT ON FUNCTION vac_store.unsafe_settings() IS 'Settings of PostgreSQL under which what was committed can be lost, and what to do about each';

CREATE OR REPLACE FUNCTION vac_store.unwatched_offices() RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT string_agg(o.code, ', ' ORDER BY o.code) FROM office o
			WHERE o.retired_at IS NULL AND NOT EXISTS (SELECT FROM supervisor s
				WHERE s.retired_at IS NULL AND (s.all_offices OR EXISTS (SELECT FROM supervisor_office x
					WHERE x.supervisor_id = s.supervisor_id AND x.office_id = o.office_id)));
	$$;
COMMENT ON FUNCTION vac_store.unwatched_offices() IS 'Offices of which no supervisor is told, or NULL';

CREATE OR REPLACE FUNCTION vac_store.empty_offices() RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT string_agg(o.code, ', ' ORDER BY o.code) FROM office o
			WHERE o.retired_at IS NULL
				AND NOT EXISTS (SELECT FROM coordinator c WHERE c.office_id = o.office_id AND c.retired_at IS NULL);
	$$;
COMMENT ON FUNCTION vac_store.empty_offices() IS 'Offices without a coordinator of their own, or NULL';

CREATE OR REPLACE FUNCTION vac_daemon.readiness() RETURNS TABLE (severity text, what text, said text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			offices bigint;
			people bigint;
			unwatched text := unwatched_offices();
			empty text := empty_offices();
			problem text;
		BEGIN
			RETURN QUERY SELECT 'bad', 'PostgreSQL', u.said FROM unsafe_settings() u;
			IF NOT FOUND THEN
				RETURN QUERY SELECT 'ok', 'PostgreSQL', 'keeps what it has committed';
			END IF;
			IF NOT is_home() THEN
				RETURN QUERY SELECT 'bad', 'copy', 'this database is a copy or was restored, and nothing is sent from it; vacd-backup(7) says what to look at before `vacd adopt`';
			END IF;
			SELECT count(*) INTO offices FROM office o WHERE o.retired_at IS NULL;
			SELECT count(*) INTO people FROM coordinator c WHERE c.retired_at IS NULL;
			RETURN QUERY SELECT CASE WHEN people = 0 OR empty IS NOT NULL THEN 'warn' ELSE 'ok' END, 'roster',
				CASE WHEN offices = 0 THEN 'no office, so no case can be opened; run `vacd import roster` (vacd-roster(5))'
					WHEN people = 0 THEN 'no coordinator, so nobody can be sent; run `vacd import roster` (vacd-roster(5))'
					WHEN empty IS NOT NULL THEN format('no coordinator in %s; import them, or see to it that backup offices can go', empty)
					ELSE format('%s, %s', quantity(offices, 'office', 'offices'), quantity(people, 'coordinator', 'coordinators')) END;
			RETURN QUERY SELECT CASE WHEN unwatched IS NULL THEN 'ok' ELSE 'warn' END, 'supervisors',
				CASE WHEN unwatched IS NULL THEN 'every office has one'
					ELSE format('nobody is told when something goes wrong in %s; import supervisors or use vac.set_supervisor()', unwatched) END;
			problem := holidays_problem(now_at);
			RETURN QUERY SELECT CASE WHEN problem IS NULL THEN 'ok' ELSE 'warn' END, 'holidays',
				coalesce(problem || CASE WHEN EXISTS (SELECT FROM holiday) THEN '' ELSE ' (an example: /usr/share/vacd/examples/holidays)' END,
					(SELECT format('known until %s', to_char(max(h.day), 'YYYY-MM-DD')) FROM holiday h WHERE h.office_id IS NULL));
		END
	$$;
COMMENT ON FUNCTION vac_daemon.readiness() IS
	'Whether PostgreSQL keeps what it commits, and whether there are coordinators, supervisors and holidays, for `vacd check`';
