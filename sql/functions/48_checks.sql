-- What every verb shares: who may, what was meant, and how a verb says no.
--
-- A *_problem function looks at one value and returns what is wrong with it in words, or NULL. Verbs
-- refuse with these words, the import collects them.

CREATE OR REPLACE FUNCTION vac_store.refuse(message text, hint text DEFAULT NULL, code text DEFAULT '22023')
	RETURNS void LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF hint IS NULL THEN
		RAISE EXCEPTION USING MESSAGE = message, ERRCODE = code;
	END IF;
	RAISE EXCEPTION USING MESSAGE = message, HINT = hint, ERRCODE = code;
END
$$;
COMMENT ON FUNCTION vac_store.refuse(text, text, text) IS
	'Ends a verb: message names the argument and what is wrong, hint what would do, code is the SQLSTATE';

CREATE OR REPLACE FUNCTION vac_store.refuse_if(problem text, argument text, hint text DEFAULT NULL)
	RETURNS void LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF problem IS NOT NULL THEN
		PERFORM refuse(format('%s: %s', argument, problem), hint);
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.refuse_if(text, text, text) IS
	'Refuses when problem is not NULL; argument is the name of the verb''s argument, hint what would do';

CREATE OR REPLACE FUNCTION vac_store.said(line text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN vac_store.wrapped(line, 118);
COMMENT ON FUNCTION vac_store.said(text) IS 'What a verb says, in lines that psql shows whole in 120 columns: it would break them in the midst of a word';

CREATE OR REPLACE FUNCTION vac_store.moment() RETURNS timestamptz
	LANGUAGE sql VOLATILE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN coalesce(NULLIF(current_setting('vac.now', true), '')::timestamptz, vac_store.wall());
COMMENT ON FUNCTION vac_store.moment() IS
	'The time a verb acts at: the wall clock, or the moment that SET vac.now looks from (then it cannot be committed)';

-- ---- nothing is committed from another moment ------------------------------------------------
-- It runs at COMMIT, with the rights of whoever says so: without the definer's it could not call refuse().
CREATE OR REPLACE FUNCTION vac_store.forbid_commit() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF NEW.event = 'what_if' THEN
		PERFORM refuse('this transaction asked what if, so it cannot be committed',
			'ROLLBACK ends it. To do it in earnest, begin again without vac.what_if().', '25000');
	END IF;
	PERFORM refuse('this transaction looked from another moment (vac.now), so what it did cannot be committed',
		'ROLLBACK ends it. RESET vac.now, then do it again in earnest.', '25000');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.forbid_commit() IS
	'Makes COMMIT fail after vac.what_if(), and after a verb that ran while vac.now was set';

-- The condition is looked at when the row is written, the refusal comes at COMMIT: what vac.now is
-- by then does not matter.
DROP TRIGGER IF EXISTS history_forbid_commit ON vac_store.history;
CREATE CONSTRAINT TRIGGER history_forbid_commit AFTER INSERT ON vac_store.history
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	WHEN (NEW.event = 'what_if' OR NULLIF(current_setting('vac.now', true), '') IS NOT NULL)
	EXECUTE FUNCTION vac_store.forbid_commit();

CREATE OR REPLACE FUNCTION vac.what_if() RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO history (event) VALUES ('what_if');
	RETURN 'From here on nothing can be committed: change what you like, look, then ROLLBACK';
END
$$;
COMMENT ON FUNCTION vac.what_if() IS
	'To try something out: BEGIN; SELECT vac.what_if(); then any verbs and views; ROLLBACK. COMMIT fails after it';

-- ---- who may ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.is_administrator() RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT pg_has_role(session_user, 'vac_owner', 'MEMBER');
$$;
COMMENT ON FUNCTION vac_store.is_administrator() IS
	'True for a login that may act as the owner of the schema (superusers may); it sees and may do everything';

CREATE OR REPLACE FUNCTION vac_store.need_office(office integer, deed text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	office_code text;
BEGIN
	IF office IN (SELECT my_offices()) THEN
		RETURN;
	END IF;
	SELECT o.code INTO office_code FROM vac_store.office o WHERE o.office_id = need_office.office;
	PERFORM refuse(format('%s: that is for supervisors of %s, and %s is none', deed, office_code, session_user),
		(SELECT 'They are: ' || string_agg(format('%s (%s)', s.name, s.mail), ', ' ORDER BY s.rank, s.name)
			FROM supervisor s WHERE s.retired_at IS NULL AND (s.all_offices
				OR EXISTS (SELECT FROM supervisor_office so
					WHERE so.supervisor_id = s.supervisor_id AND so.office_id = office))), '42501');
END
$$;
COMMENT ON FUNCTION vac_store.need_office(integer, text) IS
	'Refuses unless the person at the keyboard supervises the office; deed is what they wanted to do';

CREATE OR REPLACE FUNCTION vac_store.need_all_offices(deed text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF is_administrator() OR EXISTS (SELECT FROM supervisor
			WHERE login = session_user AND retired_at IS NULL AND all_offices) THEN
		RETURN;
	END IF;
	PERFORM refuse(format('%s: that concerns all offices, and is for supervisors of all offices', deed),
		(SELECT 'They are: ' || string_agg(format('%s (%s)', s.name, s.mail), ', ' ORDER BY s.rank, s.name)
			FROM supervisor s WHERE s.retired_at IS NULL AND s.all_offices), '42501');
END
$$;
COMMENT ON FUNCTION vac_store.need_all_offices(text) IS
	'Refuses unless the person at the keyboard supervises all offices; deed is what they wanted to do';

-- ---- what was meant --------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.office_named(given text, argument text DEFAULT 'office') RETURNS office
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found office;
BEGIN
	SELECT * INTO found FROM office WHERE code = upper(btrim(given)) AND retired_at IS NULL;
	IF found.office_id IS NULL THEN
		PERFORM refuse(format('%s: no office %s', argument, coalesce(quote_literal(given), 'was named')),
			(SELECT coalesce('Offices: ' || string_agg(format('%s (%s)', code, name), ', ' ORDER BY code),
					'There is none yet: vacd import roster, or vac.set_office(…)')
				FROM office WHERE retired_at IS NULL));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.office_named(text, text) IS
	'The office with this code, in either case; refuses with the list of offices. argument is the verb''s argument';

-- Whom the person has nothing to do with is refused in the same words as somebody who does not exist.
CREATE OR REPLACE FUNCTION vac_store.coordinator_named(given text, argument text DEFAULT 'coordinator', reach integer[] DEFAULT NULL)
	RETURNS coordinator
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found coordinator;
BEGIN
	SELECT * INTO found FROM coordinator c WHERE c.code = upper(btrim(given))
		AND (c.office_id = ANY (reach) OR c.coordinator_id IN (SELECT near_coordinators())
			-- Lent before their office ceased to be a backup.
			OR EXISTS (SELECT FROM appointment a WHERE a.coordinator_id = c.coordinator_id AND a.office_id IN (SELECT my_offices())));
	IF found.coordinator_id IS NULL THEN
		PERFORM refuse(format('%s: no coordinator %s', argument, coalesce(quote_literal(given), 'was named')),
			(SELECT 'Near it: ' || string_agg(format('%s (%s)', near.code, near.name), ', ' ORDER BY near.place) || '.' FROM (
				SELECT c.code, c.name, row_number() OVER (ORDER BY c.name ILIKE '%' || btrim(given) || '%' DESC,
						c.mail ILIKE btrim(given) || '%' DESC,
						left(c.code, 4) = left(upper(btrim(given)), 4) DESC,
						left(c.code, 2) = left(upper(btrim(given)), 2) DESC, c.code) AS place
					FROM coordinator c
					WHERE c.retired_at IS NULL AND c.coordinator_id IN (SELECT near_coordinators())) near
				WHERE near.place <= 5));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.coordinator_named(text, text, integer[]) IS
	'The coordinator with this code, in either case, of one''s own offices, their backups, the offices in reach, or lent from elsewhere; '
	'refuses with the nearest ones. argument is the verb''s argument';

CREATE OR REPLACE FUNCTION vac_store.opened_by_me(one case_record) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- A supervisor's are those of their offices: what they opened and gave away is theirs no more.
	SELECT pg_has_role(session_user, 'vac_intake', 'MEMBER')
		AND (one.opened_by = session_user OR EXISTS (SELECT FROM case_record m WHERE m.merged_into = one.case_id AND m.opened_by = session_user));
$$;
COMMENT ON FUNCTION vac_store.opened_by_me(case_record) IS 'Whether the person at the keyboard opened the case for intake, under this code or one that was merged into it';

-- The codes that were merged into a case go with it wherever it goes. Who has them already, whatever is said of one of
-- them beside it, waits for nobody with the case in hand.
CREATE OR REPLACE FUNCTION vac_store.lock_cases(case_ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM case_record c WHERE c.case_id = ANY (case_ids) OR c.merged_into = ANY (case_ids) ORDER BY c.case_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vac_store.lock_cases(bigint[]) IS 'Locks cases, and the codes that were merged into them, by id: the first locks of every verb that changes a case';

-- A code that exists but is somebody else's is refused in the same words as one that does not:
-- who may not see a case shall not learn that there is one.
CREATE OR REPLACE FUNCTION vac_store.case_named(given text, steer boolean DEFAULT true) RETURNS case_record
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	code CONSTANT text := tidy_case_code(given);
	found case_record;
BEGIN
	IF code IS NULL OR code !~ '^[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{3}$' THEN
		PERFORM refuse(format('case_code: %s is not a case code', coalesce(quote_literal(given), 'nothing')),
			'A case code is six letters and digits such as K7Q-4MX; the letters I and O and the digits 0 and 1 do not occur in it.');
	END IF;
	SELECT * INTO found FROM case_record c WHERE c.case_code = code AND (opened_by_me(c) OR c.office_id IN (SELECT my_offices()));
	-- Who changes a case locks it first, and the coordinators' rows after it; of others' not even the lock is waited for.
	IF steer AND found.case_id IS NOT NULL THEN
		PERFORM lock_cases(ARRAY[found.case_id]);
		SELECT * INTO found FROM case_record c WHERE c.case_code = code AND (opened_by_me(c) OR c.office_id IN (SELECT my_offices()));
	END IF;
	IF found.case_id IS NULL THEN
		PERFORM refuse(format('case_code: no case %s that %s may see', code, session_user),
			'TABLE vac.open_cases lists yours; was a letter misread?');
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.case_named(text, boolean) IS
	'The case with this code if the person may see it; steer locks it, for a verb that changes it';

CREATE OR REPLACE FUNCTION vac_store.now_case(one case_record) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT c.case_code FROM case_record c WHERE c.case_id = coalesce(one.merged_into, one.case_id);
$$;
COMMENT ON FUNCTION vac_store.now_case(case_record) IS 'The code of the case that this one is now: its own, unless it was merged into another';

CREATE OR REPLACE FUNCTION vac_store.need_open(one case_record) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF one.merged_into IS NOT NULL THEN
		PERFORM refuse(format('case_code: case %s is case %s now', one.case_code, now_case(one)), format('Say %s instead.', now_case(one)));
	ELSIF one.state <> 'open' THEN
		PERFORM refuse(format('case_code: case %s is %s since %s', one.case_code, one.state,
			(SELECT local_text(one.ended_at, o.time_zone) FROM office o WHERE o.office_id = one.office_id)),
			'Nothing can be changed in it any more. If help is needed again, a supervisor reopens it with vac.reopen_case(…), or open a new case with vac.open_case(…).');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_open(case_record) IS 'Refuses when the case was withdrawn, closed, or merged into another';

-- ---- values ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.list_of(given text) RETURNS text[]
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(btrim(item) ORDER BY place), '{}')
		FROM string_to_table(given, ';') WITH ORDINALITY AS t (item, place) WHERE btrim(item) <> '';
$$;
COMMENT ON FUNCTION vac_store.list_of(text) IS 'The items of a list written "a; b; c"';

CREATE OR REPLACE FUNCTION vac_store.urgency_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN given IS NULL OR given NOT IN ('immediate', 'urgent', 'routine')
		THEN format('%s is no urgency; there are: immediate (in danger, or an officer is with them now), '
			|| 'urgent (needs a person within a day), routine (all else)', coalesce(quote_literal(given), 'nothing')) END;
$$;
COMMENT ON FUNCTION vac_store.urgency_problem(text) IS 'What is wrong with an urgency, or NULL';

CREATE OR REPLACE FUNCTION vac_store.service_problem(given text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN NOT EXISTS (SELECT FROM service WHERE code = given)
		THEN format('%s is no service; there are: %s', coalesce(quote_literal(given), 'nothing'),
			(SELECT string_agg(code, ', ' ORDER BY code) FROM service)) END;
$$;
COMMENT ON FUNCTION vac_store.service_problem(text) IS 'What is wrong with a service''s code, or NULL';

CREATE OR REPLACE FUNCTION vac_store.one_of_problem(given text, VARIADIC choices text[]) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN given IS NULL OR given <> ALL (choices)
		THEN format('%s; it can be: %s', coalesce(quote_literal(given), 'nothing'), array_to_string(choices, ', ')) END;
$$;
COMMENT ON FUNCTION vac_store.one_of_problem(text, text[]) IS 'Says that given is none of the choices, or NULL';

CREATE OR REPLACE FUNCTION vac_store.normal_language(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT lower(split_part(tag, '-', 1)) || substr(tag, length(split_part(tag, '-', 1)) + 1)
		FROM (SELECT replace(btrim(given), '_', '-') AS tag) typed;
$$;
COMMENT ON FUNCTION vac_store.normal_language(text) IS 'A language tag as it is stored: ES becomes es, pt_BR pt-BR';

CREATE OR REPLACE FUNCTION vac_store.language_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN given IS NULL OR normal_language(given) !~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'
			OR length(given) > 35
		THEN format('%s is no language tag; tags are such as en, es, zh, vi, pt-BR%s', coalesce(quote_literal(given), 'nothing'),
			(SELECT format(' (%s is %s)', name, tag) FROM (VALUES
				('english', 'en'), ('spanish', 'es'), ('chinese', 'zh'), ('mandarin', 'zh'), ('cantonese', 'yue'),
				('vietnamese', 'vi'), ('korean', 'ko'), ('russian', 'ru'), ('french', 'fr'), ('arabic', 'ar'),
				('portuguese', 'pt'), ('tagalog', 'tl'), ('thai', 'th'), ('hindi', 'hi'), ('ukrainian', 'uk'),
				('haitian', 'ht'), ('creole', 'ht'), ('german', 'de'), ('japanese', 'ja'), ('farsi', 'fa'),
				('somali', 'so'), ('amharic', 'am'), ('punjabi', 'pa'), ('romanian', 'ro'), ('polish', 'pl'))
				AS known (name, tag) WHERE name = lower(btrim(given)))) END;
$$;
COMMENT ON FUNCTION vac_store.language_problem(text) IS 'What is wrong with a language tag, or NULL';

CREATE OR REPLACE FUNCTION vac_store.mail_problem(given text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF given IS NULL THEN
		RETURN 'an address is needed, such as coordinator.a@example.org';
	END IF;
	PERFORM given::mail_address;
	RETURN NULL;
EXCEPTION WHEN check_violation THEN
	RETURN format('%s is no mail address; it is one such as coordinator.a@example.org', quote_literal(given));
END
$$;
COMMENT ON FUNCTION vac_store.mail_problem(text) IS 'What is wrong with a mail address, or NULL';

CREATE OR REPLACE FUNCTION vac_store.telephone_problem(given text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF given IS NULL THEN
		RETURN 'a telephone number is needed, such as +1 206 555 0100';
	END IF;
	PERFORM given::telephone;
	RETURN NULL;
EXCEPTION WHEN check_violation THEN
	RETURN format('%s is no telephone number; it is one such as +1 206 555 0100', quote_literal(given));
END
$$;
COMMENT ON FUNCTION vac_store.telephone_problem(text) IS 'What is wrong with a telephone number, or NULL';

CREATE OR REPLACE FUNCTION vac_store.text_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN coalesce(btrim(given), '') = '' THEN 'something is needed here'
		WHEN given ~ '[\x01-\x1f\x7f\u0080-\u009f\u2028\u2029]' THEN 'one line without control characters is needed'
		WHEN length(given) > 200 THEN format('%s characters are too long; 200 is the most', length(given)) END;
$$;
COMMENT ON FUNCTION vac_store.text_problem(text) IS 'What is wrong with a name or another line of text, or NULL';

CREATE OR REPLACE FUNCTION vac_store.zone_problem(given text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	near text;
BEGIN
	-- Only names of the IANA list: PostgreSQL would also take 'PST' and 'UTC+8', which do not know
	-- summer time or count the wrong way round. That list is read from a file a zone, so not for known ones.
	IF EXISTS (SELECT FROM office o WHERE o.time_zone = given)
		OR EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = given AND z.name NOT LIKE 'posix/%') THEN
		RETURN NULL;
	END IF;
	SELECT string_agg(name, ', ' ORDER BY name) INTO near FROM (
		SELECT known.name FROM (VALUES ('eastern', 'America/New_York'), ('est', 'America/New_York'), ('edt', 'America/New_York'),
			('et', 'America/New_York'), ('central', 'America/Chicago'), ('cst', 'America/Chicago'), ('ct', 'America/Chicago'),
			('mountain', 'America/Denver'), ('mst', 'America/Denver'), ('mt', 'America/Denver'), ('pacific', 'America/Los_Angeles'),
			('pst', 'America/Los_Angeles'), ('pt', 'America/Los_Angeles'), ('alaska', 'America/Anchorage'),
			('hawaii', 'Pacific/Honolulu'), ('guam', 'Pacific/Guam')) AS known (said, name)
			WHERE known.said = lower(regexp_replace(given, '^US/| time$', '', 'gi'))
		UNION ALL
		(SELECT z.name FROM pg_timezone_names z WHERE z.name ~ '^(America|Pacific)/'
			AND length(given) > 2 AND z.name ILIKE '%' || replace(btrim(regexp_replace(given, '^.*/', '')), ' ', '\_') || '%'
			ORDER BY z.name LIMIT 4)) z;
	RETURN format('%s is no time zone; %s', coalesce(quote_literal(given), 'nothing'),
		coalesce('did you mean ' || near || '?', 'zones are such as America/New_York, America/Phoenix, Pacific/Guam'));
END
$$;
COMMENT ON FUNCTION vac_store.zone_problem(text) IS 'What is wrong with the name of an IANA time zone, or NULL';

CREATE OR REPLACE FUNCTION vac_store.number_problem(given text, low numeric, high numeric) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN given IS NULL OR given !~ '^-?[0-9]{1,9}$' OR given::numeric NOT BETWEEN low AND high
		THEN format('%s; a whole number from %s to %s is needed', coalesce(quote_literal(given), 'nothing'), low, high) END;
$$;
COMMENT ON FUNCTION vac_store.number_problem(text, numeric, numeric) IS
	'What is wrong with a whole number that must lie from low to high, or NULL';

-- ---- days and hours as people write them -----------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.weekday_number(given text) RETURNS smallint
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT array_position(ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], lower(left(btrim(given), 3)))::smallint
		WHERE lower(btrim(given)) ~ '^(mon(day)?|tue(sday)?|wed(nesday)?|thu(rsday)?|fri(day)?|sat(urday)?|sun(day)?)$';
$$;
COMMENT ON FUNCTION vac_store.weekday_number(text) IS 'Mon or Monday is 1, Sun is 7 (ISO); NULL for anything else';

CREATE OR REPLACE FUNCTION vac_store.days_of(given text) RETURNS smallint[]
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	part text;
	first smallint;
	last smallint;
	days smallint[] := '{}';
BEGIN
	FOREACH part IN ARRAY string_to_array(coalesce(given, ''), ',') LOOP
		first := weekday_number(split_part(part, '-', 1));
		last := CASE WHEN part LIKE '%-%' THEN weekday_number(split_part(part, '-', 2)) ELSE first END;
		IF first IS NULL OR last IS NULL OR part LIKE '%-%-%' THEN
			RETURN NULL;
		END IF;
		-- Fri-Mon goes round the end of the week.
		days := days || ARRAY(SELECT ((first - 1 + n) % 7 + 1)::smallint FROM generate_series(0, (last - first + 7) % 7) n);
	END LOOP;
	IF cardinality(days) = 0 OR cardinality(days) <> (SELECT count(DISTINCT d) FROM unnest(days) d) THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY(SELECT d FROM unnest(days) d ORDER BY d);
END
$$;
COMMENT ON FUNCTION vac_store.days_of(text) IS
	'ISO weekdays of "Mon-Fri", "Mon,Wed" or "Fri-Mon"; NULL when it is not so written or a day occurs twice';

CREATE OR REPLACE FUNCTION vac_store.days_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN days_of(given) IS NULL
		THEN format('%s; days are written Mon-Fri or Mon,Wed, each day once', coalesce(quote_literal(given), 'nothing')) END;
$$;
COMMENT ON FUNCTION vac_store.days_problem(text) IS 'What is wrong with a list of weekdays, or NULL';

CREATE OR REPLACE FUNCTION vac_store.time_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN given IS NULL OR btrim(given) !~ '^(([01]?[0-9]|2[0-3]):[0-5][0-9]|24:00)$'
		THEN format('%s; a time of day is written 08:00, up to 24:00', coalesce(quote_literal(given), 'nothing')) END;
$$;
COMMENT ON FUNCTION vac_store.time_problem(text) IS 'What is wrong with a time of day, or NULL';

-- One item is days, then spans: "Mon-Fri 08:00-12:00, 13:00-17:00".
CREATE OR REPLACE FUNCTION vac_store.week_items(given text)
	RETURNS TABLE (item text, days smallint[], from_time text, to_time text)
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT i.item, days_of(m.part[1]), (regexp_match(s.span, '^\s*([0-9:]+)\s*-\s*([0-9:]+)\s*$'))[1],
			(regexp_match(s.span, '^\s*([0-9:]+)\s*-\s*([0-9:]+)\s*$'))[2]
		FROM unnest(list_of(given)) AS i (item)
		LEFT JOIN LATERAL regexp_match(i.item, '^\s*([A-Za-z,\s-]+?)\s+([0-9].*)$') AS m (part) ON true
		LEFT JOIN LATERAL string_to_table(m.part[2], ',') AS s (span) ON true;
$$;
COMMENT ON FUNCTION vac_store.week_items(text) IS
	'The parts of a week written "Mon-Fri 08:00-12:00, 13:00-17:00; Sat 09:00-12:00"; NULLs where it is not so written';

CREATE OR REPLACE FUNCTION vac_store.week_of(given text)
	RETURNS TABLE (weekday smallint, from_time time, to_time time)
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT d.weekday, i.from_time::time, i.to_time::time
		FROM week_items(given) i, unnest(i.days) AS d (weekday)
		ORDER BY 1, 2;
$$;
COMMENT ON FUNCTION vac_store.week_of(text) IS 'A week in which week_problem() found nothing, as rows';

CREATE OR REPLACE FUNCTION vac_store.week_problem(given text, overnight boolean DEFAULT false) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	form CONSTANT text := 'hours are written Mon-Fri 08:00-17:00; Sat 09:00-12:00';
	bad record;
BEGIN
	SELECT i.* INTO bad FROM week_items(given) i
		WHERE i.days IS NULL OR time_problem(i.from_time) IS NOT NULL OR time_problem(i.to_time) IS NOT NULL
			OR i.from_time LIKE '24:%' LIMIT 1;
	IF FOUND THEN
		RETURN format('%s; %s', quote_literal(bad.item), form);
	END IF;
	SELECT i.* INTO bad FROM week_items(given) i
		WHERE NOT overnight AND i.to_time::time <= i.from_time::time LIMIT 1;
	IF FOUND THEN
		RETURN format('%s ends before it begins; %s', quote_literal(bad.item), form);
	END IF;
	-- Two weeks laid out in minutes, so that a night from Sunday to Monday is seen too.
	IF EXISTS (
		WITH laid AS (
			SELECT row_number() OVER () AS n, week * 10080 + (w.weekday - 1) * 1440
					+ extract(epoch FROM w.from_time) / 60 AS starts,
				week * 10080 + (w.weekday - 1) * 1440 + extract(epoch FROM w.to_time) / 60
					+ CASE WHEN w.to_time <= w.from_time THEN 1440 ELSE 0 END AS ends
			FROM week_of(given) w, generate_series(0, 1) week)
		SELECT FROM laid a JOIN laid b ON a.n < b.n AND a.starts < b.ends AND b.starts < a.ends) THEN
		RETURN format('two spans of %s lie over each other', quote_literal(given));
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.week_problem(text, boolean) IS
	'What is wrong with hours of a week, or NULL; overnight: a span may end on the next day';

-- ---- moments as people write them ------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.local_moment(given text, zone text, ends boolean DEFAULT false) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET datestyle = 'ISO, YMD'
AS $$
BEGIN
	IF btrim(given) ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
		RETURN local_day_start(given::date + CASE WHEN ends THEN 1 ELSE 0 END, zone);
	ELSIF btrim(given) ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]([01][0-9]|2[0-4]):[0-5][0-9](:[0-5][0-9])?$' THEN
		RETURN local_instant(given::timestamp, zone);
	ELSIF btrim(given) ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.]+ ?(Z|[+-][0-9:]+)$' THEN
		RETURN given::timestamptz;
	END IF;
	RETURN NULL;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.local_moment(text, text, boolean) IS
	'A moment written as a local day or time of the zone, or with its offset; ends: a day means its end. NULL when unreadable';

CREATE OR REPLACE FUNCTION vac_store.moment_problem(given text, zone text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN local_moment(given, zone) IS NULL
		THEN format('%s; a day is written 2026-12-24, a time 2026-12-24 13:00 (time of %s)',
			coalesce(quote_literal(given), 'nothing'), zone) END;
$$;
COMMENT ON FUNCTION vac_store.moment_problem(text, text) IS 'What is wrong with a local day or time, or NULL';

CREATE OR REPLACE FUNCTION vac_store.day_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN given IS NULL OR given !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' OR local_moment(given, 'UTC') IS NULL
		THEN format('%s; a day is written 2026-12-24', coalesce(quote_literal(given), 'nothing')) END;
$$;
COMMENT ON FUNCTION vac_store.day_problem(text) IS 'What is wrong with a day, or NULL';
