-- The sheets offices and supervisors: what is wrong with a line, and storing it.

-- ---- offices ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.import_check_offices(one jsonb) RETURNS TABLE (column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT p.* FROM (VALUES
		('code', CASE WHEN upper(cell(one, 'code')) !~ '^[A-Z][A-Z0-9]{1,7}$'
			THEN format('%s; an office''s code is 2 to 8 letters and digits such as SEA', quote_literal(cell(one, 'code'))) END),
		('name', text_problem(cell(one, 'name'))),
		('time_zone', zone_problem(cell(one, 'time_zone'))),
		('telephone', telephone_problem(cell(one, 'telephone'))),
		('hours', week_problem(cell(one, 'hours'))),
		('places', places_problem(cell(one, 'places'))),
		('backups', backups_problem(cell(one, 'backups'), cell(one, 'code')))) AS p (column_name, problem)
	WHERE p.problem IS NOT NULL AND cell(one, p.column_name) <> '';
$$;
COMMENT ON FUNCTION vac_store.import_check_offices(jsonb) IS 'What is wrong with a line of the sheet offices';

CREATE OR REPLACE FUNCTION vac_store.put_office_hours(of_office integer, hours text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	touched bigint;
BEGIN
	WITH wanted AS (
		SELECT w.weekday, w.from_time, w.to_time FROM week_of(hours) w
	), gone AS (
		DELETE FROM office_hours h WHERE h.office_id = of_office
			AND NOT EXISTS (SELECT FROM wanted w WHERE w.weekday = h.weekday AND w.from_time = h.from_time)
			RETURNING 1
	), put AS (
		INSERT INTO office_hours AS h (office_id, weekday, from_time, to_time)
			SELECT of_office, w.weekday, w.from_time, w.to_time FROM wanted w
			ON CONFLICT (office_id, weekday, from_time) DO UPDATE SET to_time = excluded.to_time
				WHERE h.to_time <> excluded.to_time
			RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO touched;
	RETURN touched > 0;
END
$$;
COMMENT ON FUNCTION vac_store.put_office_hours(integer, text) IS
	'Makes these the hours of the office; true when that changed anything';

CREATE OR REPLACE FUNCTION vac_store.put_office_places(of_office integer, places text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	touched bigint;
BEGIN
	WITH wanted AS (
		SELECT p.code, p.place FROM places_of(places) p
	), gone AS (
		-- A place that a request ever named stays: the record of that request needs it.
		DELETE FROM office_place o WHERE o.office_id = of_office
			AND NOT EXISTS (SELECT FROM wanted w WHERE w.code = o.code)
			AND NOT EXISTS (SELECT FROM request r WHERE r.office_id = of_office AND r.place = o.code)
			RETURNING 1
	), put AS (
		INSERT INTO office_place AS o (office_id, code, text)
			SELECT of_office, w.code, w.place FROM wanted w
			ON CONFLICT (office_id, code) DO UPDATE SET text = excluded.text WHERE o.text <> excluded.text
			RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO touched;
	RETURN touched > 0;
END
$$;
COMMENT ON FUNCTION vac_store.put_office_places(integer, text) IS
	'Makes these the places of the office, keeping those that requests name; true when that changed anything';

CREATE OR REPLACE FUNCTION vac_store.put_office_backups(of_office integer, backups text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	-- Ranks are unique, so that a change of order takes the old ones out first.
	IF NOT EXISTS (
		(SELECT o.office_id, b.rank, b.minutes FROM backups_of(backups) b JOIN office o ON o.code = b.code
			EXCEPT SELECT k.backup_office_id, k.rank, k.travel_minutes FROM office_backup k WHERE k.office_id = of_office)
		UNION ALL
		(SELECT k.backup_office_id, k.rank, k.travel_minutes FROM office_backup k WHERE k.office_id = of_office
			EXCEPT SELECT o.office_id, b.rank, b.minutes FROM backups_of(backups) b JOIN office o ON o.code = b.code)) THEN
		RETURN false;
	END IF;
	-- A backup lends its people, and shows them: that is for its own supervisors to say, too.
	PERFORM need_office(o.office_id, 'a new backup') FROM backups_of(backups) b JOIN office o ON o.code = b.code
		WHERE o.office_id NOT IN (SELECT k.backup_office_id FROM office_backup k WHERE k.office_id = of_office);
	DELETE FROM office_backup k WHERE k.office_id = of_office;
	INSERT INTO office_backup (office_id, backup_office_id, rank, travel_minutes)
		SELECT of_office, o.office_id, b.rank, b.minutes FROM backups_of(backups) b JOIN office o ON o.code = b.code;
	RETURN true;
END
$$;
COMMENT ON FUNCTION vac_store.put_office_backups(integer, text) IS
	'Makes these the backups of the office, in this order; true when that changed anything';

CREATE OR REPLACE FUNCTION vac_store.import_apply_offices(rows jsonb) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one jsonb;
	stored office;
	result jsonb := '{}';           -- office code: what became of it
	state text;
BEGIN
	FOR one IN SELECT * FROM jsonb_array_elements(rows) LOOP
		SELECT * INTO stored FROM office WHERE code = upper(cell(one, 'code'));
		IF stored.office_id IS NULL THEN
			INSERT INTO office (code, name, time_zone, telephone, group_id)
				VALUES (upper(cell(one, 'code')), cell(one, 'name'), cell(one, 'time_zone'), cell(one, 'telephone'), 0)
				RETURNING * INTO stored;
			state := 'added';
		ELSE
			UPDATE office o SET name = cell(one, 'name'), time_zone = cell(one, 'time_zone'),
					telephone = cell(one, 'telephone'), retired_at = NULL
				WHERE o.office_id = stored.office_id
					AND (o.name, o.time_zone, o.telephone, o.retired_at) IS DISTINCT FROM
						(cell(one, 'name'), cell(one, 'time_zone'), cell(one, 'telephone'), NULL);
			state := CASE WHEN FOUND THEN 'changed' ELSE 'unchanged' END;
		END IF;
		IF put_office_hours(stored.office_id, cell(one, 'hours')) AND state = 'unchanged' THEN
			state := 'changed';
		END IF;
		IF put_office_places(stored.office_id, cell(one, 'places')) AND state = 'unchanged' THEN
			state := 'changed';
		END IF;
		result := result || jsonb_build_object(stored.code, state);
	END LOOP;
	-- Backups last: they may name an office further down in the file.
	FOR one IN SELECT * FROM jsonb_array_elements(rows) r WHERE r ? 'backups' LOOP
		SELECT * INTO stored FROM office WHERE code = upper(cell(one, 'code'));
		IF put_office_backups(stored.office_id, cell(one, 'backups')) AND result ->> stored.code = 'unchanged' THEN
			result := result || jsonb_build_object(stored.code, 'changed');
		END IF;
	END LOOP;
	PERFORM import_count('offices', r.value, count(*)) FROM jsonb_each_text(result) r GROUP BY r.value;
	PERFORM record('roster_imported', of_office => o.office_id, more => jsonb_build_object('sheet', 'offices', 'what', r.value))
		FROM jsonb_each_text(result) r JOIN office o ON o.code = r.key WHERE r.value <> 'unchanged';
END
$$;
COMMENT ON FUNCTION vac_store.import_apply_offices(jsonb) IS 'Stores the lines of the sheet offices, in which nothing is wrong';

-- ---- supervisors -----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.import_check_supervisors(one jsonb) RETURNS TABLE (column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT p.* FROM (VALUES
		('login', CASE WHEN cell(one, 'login') !~ '^[a-z_][a-z0-9_$-]{0,62}$'
			THEN format('%s; a login is lower-case letters, digits and _, as in the database', quote_literal(cell(one, 'login'))) END),
		('name', text_problem(cell(one, 'name'))),
		('mail', mail_problem(cell(one, 'mail'))),
		('pager', mail_problem(cell(one, 'pager'))),
		('rank', number_problem(cell(one, 'rank'), 1, 20)),
		('offices', CASE WHEN lower(cell(one, 'offices')) <> 'all' THEN
			(SELECT import_office_problem(item) || ', or the word all' FROM unnest(list_of(cell(one, 'offices'))) AS item
				WHERE NOT import_office_known(item) LIMIT 1) END)) AS p (column_name, problem)
	WHERE p.problem IS NOT NULL AND cell(one, p.column_name) <> '';
$$;
COMMENT ON FUNCTION vac_store.import_check_supervisors(jsonb) IS 'What is wrong with a line of the sheet supervisors';

CREATE OR REPLACE FUNCTION vac_store.put_supervisor_offices(of_supervisor integer, offices text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	touched bigint;
BEGIN
	WITH wanted AS (
		SELECT DISTINCT o.office_id FROM unnest(list_of(offices)) AS item JOIN office o ON o.code = upper(item)
			WHERE lower(btrim(offices)) <> 'all'
	), gone AS (
		DELETE FROM supervisor_office s WHERE s.supervisor_id = of_supervisor
			AND s.office_id NOT IN (SELECT w.office_id FROM wanted w) RETURNING 1
	), put AS (
		INSERT INTO supervisor_office (supervisor_id, office_id)
			SELECT of_supervisor, w.office_id FROM wanted w ON CONFLICT DO NOTHING RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO touched;
	RETURN touched > 0;
END
$$;
COMMENT ON FUNCTION vac_store.put_supervisor_offices(integer, text) IS
	'Makes these ("SEA; PDX" or "all") the offices of the supervisor; true when that changed a row';

CREATE OR REPLACE FUNCTION vac_store.import_apply_supervisors(rows jsonb) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one jsonb;
	stored supervisor;
	state text;
BEGIN
	FOR one IN SELECT * FROM jsonb_array_elements(rows) LOOP
		SELECT * INTO stored FROM supervisor WHERE login = cell(one, 'login');
		IF stored.supervisor_id IS NULL THEN
			INSERT INTO supervisor (login, name, mail, pager, rank, all_offices)
				VALUES (cell(one, 'login'), cell(one, 'name'), cell(one, 'mail'), NULLIF(cell(one, 'pager'), ''),
					coalesce(NULLIF(cell(one, 'rank'), ''), '1')::smallint, lower(cell(one, 'offices')) = 'all')
				RETURNING * INTO stored;
			state := 'added';
		ELSE
			UPDATE supervisor s SET name = w.name, mail = w.mail, pager = w.pager, rank = w.rank,
					all_offices = w.all_offices, retired_at = NULL
				FROM (SELECT cell(one, 'name') AS name, cell(one, 'mail') AS mail, cell_or(one, 'pager', stored.pager) AS pager,
						coalesce(cell_or(one, 'rank', stored.rank::text), '1')::smallint AS rank,
						lower(cell(one, 'offices')) = 'all' AS all_offices) w
				WHERE s.supervisor_id = stored.supervisor_id
					AND (s.name, s.mail, s.pager, s.rank, s.all_offices, s.retired_at) IS DISTINCT FROM
						(w.name, w.mail, w.pager, w.rank, w.all_offices, NULL);
			state := CASE WHEN FOUND THEN 'changed' ELSE 'unchanged' END;
		END IF;
		IF put_supervisor_offices(stored.supervisor_id, cell(one, 'offices')) AND state = 'unchanged' THEN
			state := 'changed';
		END IF;
		PERFORM import_count('supervisors', state);
		IF state <> 'unchanged' THEN
			PERFORM record('roster_imported', more => jsonb_build_object('sheet', 'supervisors', 'what', state,
				'login', stored.login));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.import_apply_supervisors(jsonb) IS 'Stores the lines of the sheet supervisors, in which nothing is wrong';
