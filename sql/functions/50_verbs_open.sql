-- Opening cases: what a request must be like, and vac.open_case().

-- ---- what a request must be like -------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.request_place(r request, of_office office, given text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found text;
BEGIN
	IF r.mode = 'telephone' THEN
		RETURN NULL;
	END IF;
	IF given IS NULL AND r.mode = 'at_office' THEN
		SELECT p.code INTO found FROM office_place p WHERE p.office_id = of_office.office_id
			ORDER BY p.code <> 'MAIN', p.code LIMIT 1;
	ELSE
		SELECT p.code INTO found FROM office_place p WHERE p.office_id = of_office.office_id AND p.code = upper(btrim(given));
	END IF;
	IF found IS NULL THEN
		PERFORM refuse(CASE WHEN given IS NULL THEN 'place: a meeting ' || replace(r.mode, '_', ' ') || ' needs one'
				ELSE format('place: %s has no place %L', of_office.code, given) END,
			(SELECT format('Places of %s: %s. vac.set_place() adds one.', of_office.code,
					coalesce(string_agg(format('%s (%s)', p.code, p.text), ', ' ORDER BY p.code), 'none yet'))
				FROM office_place p WHERE p.office_id = of_office.office_id));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.request_place(request, office, text) IS
	'The code of a request''s place: the one given, or the office''s first (MAIN before others); NULL by telephone';

CREATE OR REPLACE FUNCTION vac_store.request_words(r request, of_office office, language text, service text, urgency text,
		mode text, place text, interpreter text, gender text, gender_required boolean, preferred text) RETURNS request
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	before CONSTANT request := r;
BEGIN
	IF language IS NOT NULL THEN
		PERFORM refuse_if(language_problem(language), 'language');
		r.language := normal_language(language);
	END IF;
	IF service IS NOT NULL THEN
		PERFORM refuse_if(service_problem(lower(btrim(service))), 'service');
		r.service := lower(btrim(service));
	END IF;
	IF urgency IS NOT NULL THEN
		PERFORM refuse_if(urgency_problem(lower(btrim(urgency))), 'urgency');
		r.urgency := lower(btrim(urgency));
	END IF;
	IF mode IS NOT NULL THEN
		PERFORM refuse_if(one_of_problem(lower(btrim(mode)), 'telephone', 'at_office', 'elsewhere'), 'mode');
		r.mode := lower(btrim(mode));
	END IF;
	IF place IS NOT NULL OR r.place IS NULL OR r.mode IS DISTINCT FROM before.mode THEN
		r.place := request_place(r, of_office, place);
	END IF;
	IF interpreter IS NOT NULL THEN
		PERFORM refuse_if(one_of_problem(lower(btrim(interpreter)), 'none', 'telephone', 'on_site'), 'interpreter');
		r.interpreter := lower(btrim(interpreter));
	END IF;
	IF gender IS NOT NULL THEN
		PERFORM refuse_if(one_of_problem(lower(btrim(gender)), 'female', 'male', 'other', 'none'), 'gender',
			'It is the gender of the coordinator that is asked for; none: any.');
		r.gender := NULLIF(lower(btrim(gender)), 'none');
		r.gender_required := r.gender_required AND r.gender IS NOT NULL;
	END IF;
	r.gender_required := coalesce(gender_required, r.gender_required, false);
	IF r.gender_required AND r.gender IS NULL THEN
		PERFORM refuse('gender_required: which gender is required?', 'Say gender => ''female'' (male, other) with it.');
	END IF;
	IF preferred IS NOT NULL THEN
		r.preferred_id := CASE WHEN lower(btrim(preferred)) <> 'none'
			THEN (coordinator_named(preferred, 'preferred', of_office.office_id
				|| ARRAY(SELECT b.backup_office_id FROM office_backup b WHERE b.office_id = of_office.office_id))).coordinator_id END;
	END IF;
	-- Another service or mode has another usual length.
	IF r.service IS DISTINCT FROM before.service OR r.mode IS DISTINCT FROM before.mode THEN
		r.minutes := NULL;
	END IF;
	RETURN r;
END
$$;
COMMENT ON FUNCTION vac_store.request_words(request, office, text, text, text, text, text, text, text, boolean, text) IS
	'A request with those of the arguments that are not NULL set in it, checked; the office is the case''s';

CREATE OR REPLACE FUNCTION vac_store.request_times(r request, of_office office, at timestamptz, again boolean, minutes integer,
		window_from timestamptz, window_to timestamptz, due timestamptz) RETURNS request
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	zone CONSTANT text := of_office.time_zone;
	starts timestamptz := coalesce(window_from, lower(r.open_window), at);
	ends timestamptz := NULLIF(coalesce(window_to, upper(r.open_window)), 'infinity');
BEGIN
	IF minutes NOT BETWEEN 15 AND 1440 THEN
		PERFORM refuse(format('minutes: %s', minutes), 'A meeting is from 15 minutes to 1440 (a day) long.');
	END IF;
	r.minutes := coalesce(minutes, r.minutes, CASE WHEN r.mode = 'telephone' THEN policy_number('telephone_minutes')
		ELSE (SELECT s.minutes FROM service s WHERE s.code = r.service) END);
	IF NOT isfinite(starts) OR starts > at + interval '2 years' THEN
		PERFORM refuse(format('window_from: %s is more than two years ahead', starts), 'Is the year right?');
	END IF;
	IF ends <= at THEN
		PERFORM refuse(format('window_to: %s is over already', local_text(ends, zone)),
			format('Now is %s. Leave window_to out for no end.', local_text(at, zone)));
	END IF;
	IF ends <= starts THEN
		PERFORM refuse(format('window_to: %s is not after window_from, %s', local_text(ends, zone), local_text(starts, zone)),
			'Are the two swapped?');
	END IF;
	IF ends < greatest(starts, at) + make_interval(mins => r.minutes) THEN
		PERFORM refuse(format('window_to: %s leaves less than the %s minutes of the meeting', local_text(ends, zone), r.minutes),
			format('It would be over at %s at the earliest. Widen the window or say minutes => …',
				local_text(greatest(starts, at) + make_interval(mins => r.minutes), zone)));
	END IF;
	IF due IS NOT NULL AND NOT isfinite(due) THEN
		PERFORM refuse('due: a moment is needed', 'Leave it out for the one that policy response_target sets.');
	END IF;
	IF due < starts AND window_from IS NOT NULL THEN
		PERFORM refuse(format('due: %s lies before window_from, %s', local_text(due, zone), local_text(starts, zone)),
			'The meeting must start by then, and may not start before window_from: move one of them.');
	END IF;
	IF due < at THEN
		PERFORM refuse(format('due: %s has passed already', local_text(due, zone)),
			format('Now is %s. Leave it out for the one that policy response_target sets.', local_text(at, zone)));
	END IF;
	r.open_window := tstzrange(starts, ends);
	r.due_at := coalesce(due, CASE WHEN NOT again AND r.due_at >= starts THEN r.due_at END,
		least(policy_after('response_target', r.urgency, of_office.office_id, greatest(starts, at)),
			ends - make_interval(mins => r.minutes)));
	RETURN r;
END
$$;
COMMENT ON FUNCTION vac_store.request_times(request, office, timestamptz, boolean, integer, timestamptz, timestamptz, timestamptz) IS
	'A request with its length, window and due time set and checked; at is now, again: the due time is counted anew';

-- ---- open ------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.check_requester(given text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM refuse_if(mail_problem(given), 'requester', 'It is the work address of whoever opens the case, to be kept informed.');
	IF NOT EXISTS (SELECT FROM allowed_domain d WHERE d.domain = lower(split_part(given, '@', 2))) THEN
		PERFORM refuse(format('requester: nothing may be mailed to %s', split_part(given, '@', 2)),
			coalesce((SELECT 'Allowed domains: ' || string_agg(d.domain, ', ' ORDER BY d.domain) || '.' FROM allowed_domain d),
				'No domain is allowed yet; a supervisor of all offices says SELECT vac.allow_domain(''agency.example'').')
			|| ' Leave requester out, and vac.case_state(code) tells all the same.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.check_requester(text) IS 'Refuses a requester''s address that is none, or of a domain that is not allowed';

CREATE OR REPLACE FUNCTION vac_store.check_reference(given text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF length(given) NOT BETWEEN 3 AND 100 OR given ~ '[\x01-\x1f\x7f]' THEN
		PERFORM refuse('agency_reference: 3 to 100 characters of one line are needed',
			'It is the number of the agency''s own record; it is never mailed. No names of victims.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.check_reference(text) IS 'Refuses an agency reference that cannot be one';

CREATE OR REPLACE FUNCTION vac_store.silence_warning(of_office office) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- One that has just started has not made its first turn yet.
	SELECT format('Stored, but the scheduler is not running: nobody is being assigned. Call %s (%s, day and night), and tell the administrator.',
			of_office.telephone, of_office.name)
		WHERE NOT EXISTS (SELECT FROM daemon d LEFT JOIN heartbeat h ON h.daemon_id = d.daemon_id AND h.stage = 'dispatch'
			WHERE d.stopped_at IS NULL
				AND (h.turned_at > wall() - interval '2 minutes' OR d.started_at > wall() - interval '30 seconds'));
$$;
COMMENT ON FUNCTION vac_store.silence_warning(office) IS 'What to tell whoever opens a case when no daemon has planned for two minutes; else NULL';

CREATE OR REPLACE FUNCTION vac_store.language_warning(r request) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT format('Nobody of the office or its backups speaks %s: say interpreter => ''telephone'' or ''on_site'', or was another language meant?',
			r.language)
		WHERE r.interpreter = 'none' AND NOT EXISTS (
			-- OFFSET 0: the people of these offices, and not everybody who speaks it.
			SELECT FROM (SELECT r.office_id AS id UNION SELECT b.backup_office_id FROM office_backup b WHERE b.office_id = r.office_id) o
					CROSS JOIN LATERAL (SELECT c.coordinator_id FROM coordinator c WHERE c.office_id = o.id AND c.retired_at IS NULL OFFSET 0) c
					CROSS JOIN LATERAL (SELECT k.language FROM coordinator_language k WHERE k.coordinator_id = c.coordinator_id OFFSET 0) l
				WHERE language_fits(r.language, l.language));
$$;
COMMENT ON FUNCTION vac_store.language_warning(request) IS
	'What to tell whoever opens a case when nobody in reach speaks the language and no interpreter may be used; else NULL';

CREATE OR REPLACE FUNCTION vac_store.warn_of_silence(of_office office) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	warning CONSTANT text := silence_warning(of_office);
BEGIN
	IF warning IS NOT NULL THEN
		RAISE WARNING '%', warning;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.warn_of_silence(office) IS 'Warns the person at the keyboard when no daemon has planned for two minutes';

CREATE OR REPLACE FUNCTION vac_store.warn_of_language(r request) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	warning CONSTANT text := language_warning(r);
BEGIN
	IF warning IS NOT NULL THEN
		RAISE WARNING '%', warning;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.warn_of_language(request) IS 'Warns likewise when nobody in reach speaks the language and no interpreter may be used';

-- The same key by two sessions at once: the second waits until the first has committed or given up.
CREATE OR REPLACE FUNCTION vac_store.cases_of_key(opener text, key text, content bytea) RETURNS text[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	codes text[];
	same boolean;
BEGIN
	IF length(key) NOT BETWEEN 1 AND 200 THEN
		PERFORM refuse('key: 1 to 200 characters are needed', 'Any text of your own that names this call, such as the number of the tip.');
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(opener || '/' || key, 7251));
	SELECT array_agg(c.case_code ORDER BY c.victim_number), bool_and(c.content_hash = content) INTO codes, same
		FROM case_record c WHERE c.opened_by = opener AND c.idempotency_key = key;
	IF NOT same THEN
		PERFORM refuse(format('key: %L was used already, with other content', key),
			format('It opened %s. Use another key for another case; vac.change_request(…) changes one.', array_to_string(codes, ', ')));
	END IF;
	RETURN codes;
END
$$;
COMMENT ON FUNCTION vac_store.cases_of_key(text, text, bytea) IS
	'The cases that this opener opened with a key and this content, NULL for none; refused when the content was another';

CREATE OR REPLACE FUNCTION vac_store.insert_cases(one case_record, r request, victims integer) RETURNS text[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	ids bigint[] := '{}';
	id bigint;
	codes text[];
BEGIN
	FOR n IN 1 .. victims LOOP
		id := NULL;
		-- Another session may draw the same code at the same moment: then draw again.
		WHILE id IS NULL LOOP
			INSERT INTO case_record (case_code, office_id, language, agency_reference, requester, opened_at, opened_by, idempotency_key,
					victim_number, content_hash)
				VALUES (new_case_code(), one.office_id, one.language, one.agency_reference, one.requester, one.opened_at,
					one.opened_by, one.idempotency_key, n, one.content_hash)
				ON CONFLICT (case_code) DO NOTHING RETURNING case_id INTO id;
		END LOOP;
		ids := ids || id;
	END LOOP;
	WITH made AS (
		INSERT INTO request (case_id, office_id, service, urgency, mode, place, language, interpreter, gender, gender_required,
				preferred_id, minutes, open_window, due_at, opened_at, plan_at)
			SELECT i, r.office_id, r.service, r.urgency, r.mode, r.place, r.language, r.interpreter, r.gender, r.gender_required,
					r.preferred_id, r.minutes, r.open_window, r.due_at, one.opened_at, one.opened_at
				FROM unnest(ids) AS i
			RETURNING request_id, case_id
	)
	INSERT INTO history (who, event, office_id, case_id, request_id, detail)
		SELECT one.opened_by, 'case_opened', r.office_id, m.case_id, m.request_id, jsonb_build_object('urgency', r.urgency, 'service', r.service,
				'mode', r.mode, 'due', r.due_at, 'victims', victims)
			FROM made m ORDER BY m.case_id;
	SELECT array_agg(c.case_code ORDER BY c.victim_number) INTO codes FROM case_record c WHERE c.case_id = ANY (ids);
	RETURN codes;
END
$$;
COMMENT ON FUNCTION vac_store.insert_cases(case_record, request, integer) IS
	'Stores so many cases of one call, a request each, with history; returns their codes';

CREATE OR REPLACE FUNCTION vac_store.open_cases(opener text, of_office office, language text, service text, urgency text, mode text, place text,
		interpreter text, gender text, gender_required boolean, preferred text, minutes integer, window_from timestamptz,
		window_to timestamptz, due timestamptz, victims integer, requester text, agency_reference text, key text,
		OUT codes text[], OUT warnings text[])
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off  -- of foreign keys, too, whose plans a session makes once, perhaps on an empty table
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	r request;
BEGIN
	one.content_hash := sha256(convert_to(jsonb_build_array(of_office.code, normal_language(open_cases.language),
		open_cases.service, open_cases.urgency, open_cases.mode, upper(open_cases.place), open_cases.interpreter, open_cases.gender,
		open_cases.gender_required, upper(open_cases.preferred), open_cases.minutes, extract(epoch FROM open_cases.window_from),
		extract(epoch FROM open_cases.window_to), extract(epoch FROM open_cases.due), open_cases.victims,
		lower(open_cases.requester), open_cases.agency_reference)::text, 'UTF8'));
	IF open_cases.key IS NOT NULL THEN
		-- Before anything else is checked: the same call again is answered although its window is over by now.
		codes := cases_of_key(open_cases.opener, open_cases.key, one.content_hash);
		IF codes IS NOT NULL THEN
			RETURN;
		END IF;
	END IF;
	IF open_cases.victims IS NULL OR open_cases.victims NOT BETWEEN 1 AND 500 THEN
		PERFORM refuse(format('victims: %s', coalesce(open_cases.victims::text, 'nothing')),
			'From 1 to 500 in one call; each gets a case of their own.');
	END IF;
	r.office_id := of_office.office_id;
	r := request_words(r, of_office, coalesce(open_cases.language, 'en'), coalesce(open_cases.service, 'crisis_intervention'),
		coalesce(open_cases.urgency, 'routine'), coalesce(open_cases.mode, 'at_office'), open_cases.place,
		coalesce(open_cases.interpreter, 'none'), open_cases.gender, open_cases.gender_required, open_cases.preferred);
	r := request_times(r, of_office, at, true, open_cases.minutes, open_cases.window_from, open_cases.window_to, open_cases.due);
	IF open_cases.requester IS NOT NULL THEN
		PERFORM check_requester(open_cases.requester);
	END IF;
	PERFORM check_reference(open_cases.agency_reference);
	one.office_id := of_office.office_id;
	one.language := r.language;
	one.agency_reference := open_cases.agency_reference;
	one.requester := open_cases.requester;
	one.opened_at := at;
	one.opened_by := open_cases.opener;
	one.idempotency_key := open_cases.key;
	codes := insert_cases(one, r, open_cases.victims);
	warnings := array_remove(ARRAY[language_warning(r), silence_warning(of_office)], NULL);
END
$$;
COMMENT ON FUNCTION vac_store.open_cases(text, office, text, text, text, text, text, text, text, boolean, text, integer, timestamptz,
	timestamptz, timestamptz, integer, text, text, text) IS
	'Opens cases in the name of opener, who was asked before for which offices they may; arguments as of vac.open_case()';

CREATE OR REPLACE FUNCTION vac.open_case(
	office text,
	language text DEFAULT 'en',
	service text DEFAULT 'crisis_intervention',
	urgency text DEFAULT 'routine',
	mode text DEFAULT 'at_office',
	place text DEFAULT NULL,
	interpreter text DEFAULT 'none',
	gender text DEFAULT NULL,
	gender_required boolean DEFAULT false,
	preferred text DEFAULT NULL,
	minutes integer DEFAULT NULL,
	window_from timestamptz DEFAULT NULL,
	window_to timestamptz DEFAULT NULL,
	due timestamptz DEFAULT NULL,
	victims integer DEFAULT 1,
	requester text DEFAULT NULL,
	agency_reference text DEFAULT NULL,
	key text DEFAULT NULL) RETURNS SETOF text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_office office;
	opened record;
	warning text;
BEGIN
	of_office := office_named(open_case.office);
	IF NOT pg_has_role(session_user, 'vac_intake', 'MEMBER') THEN
		PERFORM need_office(of_office.office_id, 'open_case');
	END IF;
	SELECT * INTO opened FROM open_cases(session_user, of_office, open_case.language, open_case.service, open_case.urgency,
		open_case.mode, open_case.place, open_case.interpreter, open_case.gender, open_case.gender_required,
		open_case.preferred, open_case.minutes, open_case.window_from, open_case.window_to, open_case.due,
		open_case.victims, open_case.requester, open_case.agency_reference, open_case.key);
	FOREACH warning IN ARRAY coalesce(opened.warnings, '{}') LOOP
		RAISE WARNING '%', warning;
	END LOOP;
	RETURN QUERY SELECT unnest(opened.codes);
END
$$;
COMMENT ON FUNCTION vac.open_case(text, text, text, text, text, text, text, text, boolean, text, integer, timestamptz,
	timestamptz, timestamptz, integer, text, text, text) IS
	'Opens a case and returns its code: vac.open_case(''SEA'', ''es''). office: its code. language: a tag such as es. '
	'service: TABLE vac.services. urgency: immediate, urgent, routine. mode: telephone, at_office, elsewhere. '
	'place: code of one of the office''s places (left out: its first). interpreter: none, telephone, on_site. '
	'gender: of the coordinator, preferred, or required with gender_required. preferred: a coordinator''s code. '
	'minutes: length (left out: the service''s). window_from, window_to: the meeting lies within. due: it starts by then '
	'(left out: by policy response_target). victims: so many cases, a code each. requester: work address to keep informed. '
	'agency_reference: the agency''s own number, never mailed. key: the same key with the same content gives the same '
	'cases again, so that a call may be repeated safely';
