-- The sheets coordinators, patterns and leave: what is wrong with a line, and storing it.

-- ---- coordinators ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.services_problem(given text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT service_problem(item) FROM unnest(list_of(given)) AS item WHERE service_problem(item) IS NOT NULL LIMIT 1;
$$;
COMMENT ON FUNCTION vac_store.services_problem(text) IS 'What is wrong with a list of services, or NULL';

CREATE OR REPLACE FUNCTION vac_store.languages_problem(given text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT language_problem(item) FROM unnest(list_of(given)) AS item WHERE language_problem(item) IS NOT NULL LIMIT 1;
$$;
COMMENT ON FUNCTION vac_store.languages_problem(text) IS 'What is wrong with a list of language tags, or NULL';

CREATE OR REPLACE FUNCTION vac_store.import_check_coordinators(one jsonb) RETURNS TABLE (column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT p.* FROM (VALUES
		('code', CASE WHEN upper(cell(one, 'code')) !~ '^[A-Z0-9][A-Z0-9-]{1,19}$'
			THEN format('%s; a coordinator''s code is 2 to 20 letters, digits and hyphens such as SEA-1',
				quote_literal(cell(one, 'code'))) END),
		('office', import_office_problem(cell(one, 'office'))),
		('duty', one_of_problem(lower(cell(one, 'duty')), 'full_time', 'collateral')),
		('name', text_problem(cell(one, 'name'))),
		('title', text_problem(cell(one, 'title'))),
		('mail', mail_problem(cell(one, 'mail'))),
		('mail', (SELECT format('%s is the mail of %s', quote_literal(c.mail),
				CASE WHEN c.office_id IN (SELECT near_offices()) THEN c.code ELSE 'a coordinator of another office' END) FROM coordinator c
			WHERE lower(c.mail) = lower(cell(one, 'mail')) AND c.code <> upper(cell(one, 'code')) LIMIT 1)),
		('aliases', (SELECT mail_problem(item) FROM unnest(list_of(cell(one, 'aliases'))) AS item
			WHERE mail_problem(item) IS NOT NULL LIMIT 1)),
		('telephone', telephone_problem(cell(one, 'telephone'))),
		('pager', mail_problem(cell(one, 'pager'))),
		('gender', one_of_problem(lower(cell(one, 'gender')), 'female', 'male', 'other')),
		('services', services_problem(cell(one, 'services'))),
		('languages', languages_problem(cell(one, 'languages'))),
		('max_open_cases', number_problem(cell(one, 'max_open_cases'), 0, 1000)),
		('weekly_hours', CASE WHEN cell(one, 'weekly_hours') !~ '^[0-9]{1,3}(\.[0-9]{1,2})?$' OR cell(one, 'weekly_hours')::numeric > 168
			THEN format('%s; hours are a number from 0 to 168', quote_literal(cell(one, 'weekly_hours'))) END),
		('meetings_a_day', number_problem(cell(one, 'meetings_a_day'), 0, 50)),
		('time_zone', CASE WHEN cell(one, 'time_zone') <> '' THEN zone_problem(cell(one, 'time_zone')) END)) AS p (column_name, problem)
	WHERE p.problem IS NOT NULL AND cell(one, p.column_name) <> '';
$$;
COMMENT ON FUNCTION vac_store.import_check_coordinators(jsonb) IS 'What is wrong with a line of the sheet coordinators';

CREATE OR REPLACE FUNCTION vac_store.put_services(of_coordinator integer, services text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	touched bigint;
BEGIN
	WITH gone AS (
		DELETE FROM coordinator_service s WHERE s.coordinator_id = of_coordinator
			AND s.service <> ALL (list_of(services)) RETURNING 1
	), put AS (
		INSERT INTO coordinator_service (coordinator_id, service)
			SELECT of_coordinator, item FROM unnest(list_of(services)) AS item ON CONFLICT DO NOTHING RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO touched;
	RETURN touched > 0;
END
$$;
COMMENT ON FUNCTION vac_store.put_services(integer, text) IS
	'Makes these ("crisis_intervention; counseling") the services of the coordinator; true when that changed anything';

CREATE OR REPLACE FUNCTION vac_store.put_languages(of_coordinator integer, languages text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	wanted text[] := ARRAY(SELECT DISTINCT normal_language(item) FROM unnest(list_of(languages)) AS item);
	touched bigint;
BEGIN
	WITH gone AS (
		DELETE FROM coordinator_language l WHERE l.coordinator_id = of_coordinator
			AND l.language <> ALL (wanted) RETURNING 1
	), put AS (
		INSERT INTO coordinator_language (coordinator_id, language)
			SELECT of_coordinator, item FROM unnest(wanted) AS item ON CONFLICT DO NOTHING RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM put) INTO touched;
	RETURN touched > 0;
END
$$;
COMMENT ON FUNCTION vac_store.put_languages(integer, text) IS
	'Makes these ("en; es") the languages of the coordinator; true when that changed anything';

-- The row as the line wants it: what the file lacks stays as it is stored.
CREATE OR REPLACE FUNCTION vac_store.import_coordinator_row(one jsonb, stored coordinator) RETURNS coordinator
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	wanted coordinator := stored;
BEGIN
	wanted.code := upper(cell(one, 'code'));
	wanted.office_id := (SELECT o.office_id FROM office o WHERE o.code = upper(cell(one, 'office')));
	wanted.duty := lower(cell(one, 'duty'));
	wanted.name := cell(one, 'name');
	wanted.title := cell(one, 'title');
	wanted.mail := cell(one, 'mail');
	wanted.aliases := coalesce(CASE WHEN one ? 'aliases' THEN list_of(one ->> 'aliases') ELSE stored.aliases END, '{}');
	wanted.telephone := cell(one, 'telephone');
	wanted.pager := cell_or(one, 'pager', stored.pager);
	wanted.gender := lower(cell_or(one, 'gender', stored.gender));
	wanted.time_zone := cell_or(one, 'time_zone', stored.time_zone);
	wanted.max_open_cases := cell_or(one, 'max_open_cases', stored.max_open_cases::text)::integer;
	wanted.weekly_minutes := CASE WHEN one ? 'weekly_hours'
		THEN round(NULLIF(cell(one, 'weekly_hours'), '')::numeric * 60) ELSE stored.weekly_minutes END;
	wanted.meetings_a_day := cell_or(one, 'meetings_a_day', stored.meetings_a_day::text)::integer;
	wanted.retired_at := NULL;
	RETURN wanted;
END
$$;
COMMENT ON FUNCTION vac_store.import_coordinator_row(jsonb, coordinator) IS
	'The coordinator''s row as a line of the sheet wants it, from what is stored';

CREATE OR REPLACE FUNCTION vac_store.put_coordinator(wanted coordinator) RETURNS coordinator
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	done coordinator;
BEGIN
	IF wanted.coordinator_id IS NULL THEN
		INSERT INTO coordinator (code, office_id, duty, name, title, mail, aliases, telephone, pager, gender, time_zone,
				max_open_cases, weekly_minutes, meetings_a_day)
			VALUES (wanted.code, wanted.office_id, wanted.duty, wanted.name, wanted.title, wanted.mail, wanted.aliases,
				wanted.telephone, wanted.pager, wanted.gender, wanted.time_zone, wanted.max_open_cases,
				wanted.weekly_minutes, wanted.meetings_a_day)
			RETURNING * INTO done;
		RETURN done;
	END IF;
	-- A new address has not failed yet.
	UPDATE coordinator c SET office_id = wanted.office_id, duty = wanted.duty, name = wanted.name, title = wanted.title,
			mail = wanted.mail, aliases = wanted.aliases, telephone = wanted.telephone, pager = wanted.pager,
			gender = wanted.gender, time_zone = wanted.time_zone, max_open_cases = wanted.max_open_cases,
			weekly_minutes = wanted.weekly_minutes, meetings_a_day = wanted.meetings_a_day,
			mail_failed_at = CASE WHEN c.mail = wanted.mail THEN c.mail_failed_at END,
			retired_at = wanted.retired_at
		WHERE c.coordinator_id = wanted.coordinator_id AND c IS DISTINCT FROM wanted
		RETURNING * INTO done;
	RETURN done;
END
$$;
COMMENT ON FUNCTION vac_store.put_coordinator(coordinator) IS
	'Stores a coordinator''s row; returns it as stored, or all NULL when it was so already';

CREATE OR REPLACE FUNCTION vac_store.import_apply_coordinators(rows jsonb) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one jsonb;
	stored coordinator;
	done coordinator;
	state text;
BEGIN
	-- In order of id, as everybody locks coordinators.
	PERFORM FROM coordinator c WHERE c.code IN (SELECT upper(cell(r, 'code')) FROM jsonb_array_elements(rows) r)
		ORDER BY c.coordinator_id FOR NO KEY UPDATE;
	FOR one IN SELECT * FROM jsonb_array_elements(rows) LOOP
		SELECT * INTO stored FROM coordinator WHERE code = upper(cell(one, 'code'));
		done := put_coordinator(import_coordinator_row(one, stored));
		state := CASE WHEN stored.coordinator_id IS NULL THEN 'added'
			WHEN done.coordinator_id IS NULL THEN 'unchanged' ELSE 'changed' END;
		IF put_services(coalesce(stored.coordinator_id, done.coordinator_id), cell(one, 'services')) AND state = 'unchanged' THEN
			state := 'changed';
		END IF;
		IF put_languages(coalesce(stored.coordinator_id, done.coordinator_id), cell(one, 'languages')) AND state = 'unchanged' THEN
			state := 'changed';
		END IF;
		PERFORM import_count('coordinators', state);
		IF state <> 'unchanged' THEN
			PERFORM record('roster_imported', of_office => (SELECT c.office_id FROM coordinator c WHERE c.code = upper(cell(one, 'code'))),
				of_coordinator => coalesce(stored.coordinator_id, done.coordinator_id),
				more => jsonb_build_object('sheet', 'coordinators', 'what', state));
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.import_apply_coordinators(jsonb) IS 'Stores the lines of the sheet coordinators, in which nothing is wrong';

-- ---- patterns --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.import_coordinator_problem(given text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN NOT EXISTS (SELECT FROM coordinator WHERE code = upper(given))
			AND NOT coalesce(import_state() -> 'coordinators' ? upper(given), false)
		THEN format('no coordinator %s; the code of one in the roster or in the sheet coordinators is needed', quote_literal(given)) END;
$$;
COMMENT ON FUNCTION vac_store.import_coordinator_problem(text) IS 'Says that there is no such coordinator, or NULL';

CREATE OR REPLACE FUNCTION vac_store.import_check_patterns(one jsonb) RETURNS TABLE (column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT p.* FROM (VALUES
		('coordinator', import_coordinator_problem(cell(one, 'coordinator'))),
		('kind', one_of_problem(lower(cell(one, 'kind')), 'regular', 'on_call')),
		('days', days_problem(cell(one, 'days'))),
		('from', coalesce(time_problem(cell(one, 'from')),
			CASE WHEN cell(one, 'from') LIKE '24:%' THEN 'a shift begins at 23:59 at the latest' END)),
		('to', time_problem(cell(one, 'to'))),
		('valid_from', day_problem(cell(one, 'valid_from'))),
		('valid_to', day_problem(cell(one, 'valid_to'))),
		('valid_to', CASE WHEN day_problem(cell(one, 'valid_from')) IS NULL AND day_problem(cell(one, 'valid_to')) IS NULL
				AND cell(one, 'valid_to') < cell(one, 'valid_from')
			THEN format('%s is before valid_from, %s', cell(one, 'valid_to'), cell(one, 'valid_from')) END)) AS p (column_name, problem)
	WHERE p.problem IS NOT NULL AND cell(one, p.column_name) <> '';
$$;
COMMENT ON FUNCTION vac_store.import_check_patterns(jsonb) IS 'What is wrong with a line of the sheet patterns';

CREATE OR REPLACE FUNCTION vac_store.import_patterns(rows jsonb)
	RETURNS TABLE (line int, coordinator_code text, kind text, weekday smallint, from_time time, to_time time, valid daterange)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT (r ->> 'line')::int, upper(cell(r, 'coordinator')), lower(cell(r, 'kind')), d.weekday,
			cell(r, 'from')::time, cell(r, 'to')::time,
			daterange(NULLIF(cell(r, 'valid_from'), '')::date, NULLIF(cell(r, 'valid_to'), '')::date, '[]')
		FROM jsonb_array_elements(rows) r, unnest(days_of(cell(r, 'days'))) AS d (weekday);
$$;
COMMENT ON FUNCTION vac_store.import_patterns(jsonb) IS 'The lines of the sheet patterns as rows, one a day';

-- Minutes of the week, twice round, so that a night from Sunday to Monday meets Monday.
CREATE OR REPLACE FUNCTION vac_store.import_overlaps_patterns(rows jsonb)
	RETURNS TABLE (line int, column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	WITH laid AS (
		SELECT p.*, row_number() OVER (ORDER BY p.line, p.weekday) AS n, round * 10080 + (p.weekday - 1) * 1440
				+ extract(epoch FROM p.from_time) / 60 AS starts,
			round * 10080 + (p.weekday - 1) * 1440 + extract(epoch FROM p.to_time) / 60
				+ CASE WHEN p.to_time <= p.from_time THEN 1440 ELSE 0 END AS ends
		FROM import_patterns(rows) p, generate_series(0, 1) round
	)
	SELECT DISTINCT b.line, 'from', format('this lies over line %s', min(a.line))
		FROM laid a JOIN laid b ON a.coordinator_code = b.coordinator_code AND a.kind = b.kind AND a.line < b.line
			AND a.starts < b.ends AND b.starts < a.ends AND a.valid && b.valid
		GROUP BY b.line;
$$;
COMMENT ON FUNCTION vac_store.import_overlaps_patterns(jsonb) IS
	'Lines of the sheet patterns that lie over an earlier line: same coordinator, same kind';

CREATE OR REPLACE FUNCTION vac_store.import_apply_patterns(rows jsonb) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	gone bigint;
	kept bigint;
	put bigint;
BEGIN
	PERFORM FROM coordinator c WHERE c.code IN (SELECT upper(cell(r, 'coordinator')) FROM jsonb_array_elements(rows) r)
		ORDER BY c.coordinator_id FOR NO KEY UPDATE;
	WITH wanted AS MATERIALIZED (
		SELECT c.coordinator_id, c.office_id, p.kind, p.weekday, p.from_time, p.to_time, p.valid
			FROM import_patterns(rows) p JOIN coordinator c ON c.code = p.coordinator_code
	), removed AS (
		DELETE FROM weekly_pattern w WHERE w.coordinator_id IN (SELECT t.coordinator_id FROM wanted t)
			AND NOT EXISTS (SELECT FROM wanted t WHERE (t.coordinator_id, t.kind, t.weekday, t.from_time, t.to_time, t.valid)
				= (w.coordinator_id, w.kind, w.weekday, w.from_time, w.to_time, w.valid))
			RETURNING w.coordinator_id
	), added AS (
		INSERT INTO weekly_pattern (coordinator_id, kind, weekday, from_time, to_time, valid)
			SELECT t.coordinator_id, t.kind, t.weekday, t.from_time, t.to_time, t.valid FROM wanted t
			ON CONFLICT DO NOTHING RETURNING coordinator_id
	), told AS (
		INSERT INTO history (event, office_id, coordinator_id, detail)
			SELECT 'roster_imported', c.office_id, c.coordinator_id, '{"sheet": "patterns", "what": "changed"}'
				FROM coordinator c WHERE c.coordinator_id IN (SELECT r.coordinator_id FROM removed r UNION SELECT a.coordinator_id FROM added a)
	)
	SELECT (SELECT count(*) FROM removed), (SELECT count(*) FROM added), (SELECT count(*) FROM wanted)
		INTO gone, put, kept;
	PERFORM import_count('patterns', 'added', put), import_count('patterns', 'unchanged', kept - put),
		import_count('patterns', 'retired', gone);
END
$$;
COMMENT ON FUNCTION vac_store.import_apply_patterns(jsonb) IS
	'Makes the sheet''s patterns those of the coordinators that occur in it';

-- ---- leave -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.coordinator_zone(of_coordinator coordinator) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(of_coordinator.time_zone, (SELECT o.time_zone FROM office o WHERE o.office_id = of_coordinator.office_id));
$$;
COMMENT ON FUNCTION vac_store.coordinator_zone(coordinator) IS 'The time zone of a coordinator: their own, or the office''s';

CREATE OR REPLACE FUNCTION vac_store.import_zone(code text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT coordinator_zone(c) FROM coordinator c WHERE c.code = upper(import_zone.code)), 'UTC');
$$;
COMMENT ON FUNCTION vac_store.import_zone(text) IS 'The time zone of the coordinator with this code; UTC for one that is not stored (yet)';

CREATE OR REPLACE FUNCTION vac_store.import_check_leave(one jsonb) RETURNS TABLE (column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT p.* FROM (VALUES
		('coordinator', import_coordinator_problem(cell(one, 'coordinator'))),
		('from', moment_problem(cell(one, 'from'), import_zone(cell(one, 'coordinator')))),
		('to', moment_problem(cell(one, 'to'), import_zone(cell(one, 'coordinator')))),
		('to', CASE WHEN local_moment(cell(one, 'to'), 'UTC', true) <= local_moment(cell(one, 'from'), 'UTC')
			THEN format('%s is not after from, %s', cell(one, 'to'), cell(one, 'from')) END)) AS p (column_name, problem)
	WHERE p.problem IS NOT NULL AND cell(one, p.column_name) <> '';
$$;
COMMENT ON FUNCTION vac_store.import_check_leave(jsonb) IS 'What is wrong with a line of the sheet leave';

CREATE OR REPLACE FUNCTION vac_store.import_leave_spans(rows jsonb) RETURNS TABLE (coordinator_id integer, span tstzrange)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT c.coordinator_id, tstzrange(local_moment(cell(r, 'from'), coordinator_zone(c)),
			local_moment(cell(r, 'to'), coordinator_zone(c), true))
		FROM jsonb_array_elements(rows) r JOIN coordinator c ON c.code = upper(cell(r, 'coordinator'));
$$;
COMMENT ON FUNCTION vac_store.import_leave_spans(jsonb) IS 'The lines of the sheet leave as spans';

CREATE OR REPLACE FUNCTION vac_store.import_apply_leave(rows jsonb) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one record;
	gone bigint;
	kept bigint;
	put bigint := 0;
BEGIN
	PERFORM lock_diaries(ARRAY(SELECT DISTINCT w.coordinator_id FROM import_leave_spans(rows) w));
	WITH wanted AS MATERIALIZED (
		SELECT * FROM import_leave_spans(rows)
	), removed AS (
		DELETE FROM leave l WHERE l.source = 'import' AND l.coordinator_id IN (SELECT w.coordinator_id FROM wanted w)
			AND NOT EXISTS (SELECT FROM wanted w WHERE w.coordinator_id = l.coordinator_id AND w.span = l.span)
			RETURNING l.coordinator_id, l.span
	), told AS (
		INSERT INTO history (event, office_id, coordinator_id, detail)
			SELECT 'leave_removed', c.office_id, c.coordinator_id, jsonb_build_object('source', 'import', 'span', r.span)
				FROM removed r JOIN coordinator c USING (coordinator_id)
	)
	SELECT count(*) INTO gone FROM removed;
	SELECT count(*) INTO kept FROM (SELECT DISTINCT coordinator_id, span FROM import_leave_spans(rows)) w;
	FOR one IN
		SELECT DISTINCT w.coordinator_id, w.span FROM import_leave_spans(rows) w
			WHERE NOT EXISTS (SELECT FROM leave l WHERE l.coordinator_id = w.coordinator_id AND l.span = w.span)
			ORDER BY w.coordinator_id, w.span
	LOOP
		PERFORM put_leave(one.coordinator_id, one.span, 'import');
		put := put + 1;
	END LOOP;
	PERFORM import_count('leave', 'added', put), import_count('leave', 'unchanged', kept - put),
		import_count('leave', 'retired', gone);
END
$$;
COMMENT ON FUNCTION vac_store.import_apply_leave(jsonb) IS
	'Makes the sheet''s leave that of the coordinators that occur in it; leave from verbs and mail stays';
