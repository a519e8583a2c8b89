-- Verbs about whom an office must have, when somebody must be there, and interpreters.

-- ---- what an office is -----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.designation_named(given text) RETURNS designation
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found designation;
BEGIN
	SELECT * INTO found FROM designation d WHERE d.code = lower(replace(btrim(given), ' ', '_'));
	IF found.code IS NULL THEN
		PERFORM refuse(format('designation: %s is none', coalesce(quote_literal(given), 'nothing')),
			(SELECT 'There are: ' || string_agg(d.code, ', ' ORDER BY d.code) FROM designation d) || '. With label => ''…'' vac.set_designation() makes another.');
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.designation_named(text) IS 'What an office can be, by this name; refuses with the list';

CREATE OR REPLACE FUNCTION vac.set_designation(office text, designation text, label text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	of_kind designation;
	wanted CONSTANT text := lower(replace(btrim(set_designation.designation), ' ', '_'));
BEGIN
	PERFORM need_all_offices('set_designation');
	one := lock_office(set_designation.office, 'set_designation');
	IF set_designation.label IS NOT NULL THEN
		IF wanted IS NULL OR wanted !~ '^[a-z][a-z_]{1,40}$' THEN
			PERFORM refuse(format('designation: %s', coalesce(quote_literal(set_designation.designation), 'nothing')),
				'Its name is lower-case letters and _, such as sac_office.');
		END IF;
		PERFORM refuse_if(text_problem(set_designation.label), 'label'), refuse_if(number_problem(length(set_designation.label)::text, 1, 60), 'label, characters');
		INSERT INTO designation AS d (code, label) VALUES (wanted, btrim(set_designation.label))
			ON CONFLICT (code) DO UPDATE SET label = excluded.label;
	END IF;
	of_kind := designation_named(set_designation.designation);
	INSERT INTO office_designation (office_id, designation) VALUES (one.office_id, of_kind.code) ON CONFLICT DO NOTHING;
	IF NOT FOUND AND set_designation.label IS NULL THEN
		RETURN format('%s is %s already', one.code, of_kind.label);
	END IF;
	PERFORM record('designation_set', of_office => one.office_id, more => jsonb_build_object('designation', of_kind.code, 'label', of_kind.label));
	RETURN format('%s: %s; vac.staffing shows whom it must have', one.code, of_kind.label);
END
$$;
COMMENT ON FUNCTION vac.set_designation(text, text, text) IS
	'Says what an office is, which decides whom it must have: vac.set_designation(''SEA'', ''sac_office''). TABLE vac.minimums lists what there is; '
	'with label a new one is made, or gets another name. For supervisors of all offices';

CREATE OR REPLACE FUNCTION vac.remove_designation(office text, designation text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	of_kind designation;
BEGIN
	PERFORM need_all_offices('remove_designation');
	one := lock_office(remove_designation.office, 'remove_designation');
	of_kind := designation_named(remove_designation.designation);
	DELETE FROM office_designation d WHERE d.office_id = one.office_id AND d.designation = of_kind.code;
	IF NOT FOUND THEN
		PERFORM refuse(format('designation: %s is no %s', one.code, of_kind.label), coalesce((SELECT 'It is: ' || string_agg(d.designation, ', ' ORDER BY d.designation)
			FROM office_designation d WHERE d.office_id = one.office_id), 'It is an office like any other.'));
	END IF;
	PERFORM record('designation_removed', of_office => one.office_id, more => jsonb_build_object('designation', of_kind.code, 'label', of_kind.label));
	RETURN format('%s is no %s any more', one.code, of_kind.label);
END
$$;
COMMENT ON FUNCTION vac.remove_designation(text, text) IS 'Takes back vac.set_designation(). For supervisors of all offices';

-- ---- whom it must have -----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.set_minimum(minimum text, people integer DEFAULT NULL, label text DEFAULT NULL, designation text DEFAULT NULL,
		service text DEFAULT NULL, duty text DEFAULT NULL, source text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	old minimum;
	done minimum;
BEGIN
	PERFORM need_all_offices('set_minimum');
	IF set_minimum.minimum IS NULL OR set_minimum.minimum !~ '^[a-z][a-z_]{1,40}$' THEN
		PERFORM refuse(format('minimum: %s', coalesce(quote_literal(set_minimum.minimum), 'nothing')),
			'Its name is lower-case letters and _, such as sac_forensic. TABLE vac.minimums lists those there are.');
	END IF;
	SELECT * INTO old FROM minimum m WHERE m.code = set_minimum.minimum FOR NO KEY UPDATE;
	IF old.code IS NULL AND (set_minimum.people IS NULL OR set_minimum.label IS NULL OR set_minimum.source IS NULL) THEN
		PERFORM refuse(format('minimum: %s is new, and a new one needs people, label and source', set_minimum.minimum),
			format('There are: %s.', coalesce((SELECT string_agg(m.code, ', ' ORDER BY m.code) FROM minimum m), 'none')));
	END IF;
	PERFORM refuse_if(number_problem(coalesce(set_minimum.people, old.people)::text, 1, 100), 'people', 'vac.remove_minimum(…) removes one.');
	PERFORM refuse_if(text_problem(coalesce(set_minimum.label, old.label)), 'label'), refuse_if(text_problem(coalesce(set_minimum.source, old.source)), 'source');
	PERFORM refuse_if(number_problem(greatest(length(set_minimum.label), length(set_minimum.source))::text, 1, 60), 'label or source, characters')
		WHERE set_minimum.label IS NOT NULL OR set_minimum.source IS NOT NULL;
	-- An empty text empties, as it does for coordinators.
	PERFORM refuse_if(service_problem(set_minimum.service), 'service') WHERE set_minimum.service <> '';
	PERFORM refuse_if(one_of_problem(set_minimum.duty, 'full_time', 'collateral'), 'duty') WHERE set_minimum.duty <> '';
	PERFORM designation_named(set_minimum.designation) WHERE set_minimum.designation <> '';
	INSERT INTO minimum AS m (code, designation, label, people, service, duty, source)
		VALUES (set_minimum.minimum, NULLIF(coalesce(lower(replace(btrim(set_minimum.designation), ' ', '_')), old.designation), ''),
			coalesce(btrim(set_minimum.label), old.label), coalesce(set_minimum.people, old.people), NULLIF(coalesce(set_minimum.service, old.service), ''),
			NULLIF(coalesce(set_minimum.duty, old.duty), ''), coalesce(btrim(set_minimum.source), old.source))
		ON CONFLICT (code) DO UPDATE SET designation = excluded.designation, label = excluded.label, people = excluded.people,
			service = excluded.service, duty = excluded.duty, source = excluded.source
		RETURNING * INTO done;
	PERFORM record('minimum_set', more => jsonb_build_object('name', done.code, 'before', to_jsonb(old), 'after', to_jsonb(done)));
	RETURN format('%s: %s %s for each %s (%s)', done.code, done.people, done.label,
		coalesce((SELECT d.label FROM designation d WHERE d.code = done.designation), 'office'), done.source);
END
$$;
COMMENT ON FUNCTION vac.set_minimum(text, integer, text, text, text, text, text) IS
	'Sets whom an office must have at least: vac.set_minimum(''sac_forensic'', people => 2). designation: what an office must be for it to apply '
	'(none: every office). Who gives the service and is of the duty (full_time, collateral) counts. What is left out stays, an empty text ('''') '
	'empties. A new one needs people, label and source. For supervisors of all offices';

CREATE OR REPLACE FUNCTION vac.remove_minimum(minimum text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	old minimum;
BEGIN
	PERFORM need_all_offices('remove_minimum');
	DELETE FROM minimum m WHERE m.code = lower(btrim(remove_minimum.minimum)) RETURNING * INTO old;
	IF old.code IS NULL THEN
		PERFORM refuse(format('minimum: no minimum %s', coalesce(quote_literal(remove_minimum.minimum), 'was named')),
			format('There are: %s.', coalesce((SELECT string_agg(m.code, ', ' ORDER BY m.code) FROM minimum m), 'none')));
	END IF;
	PERFORM record('minimum_removed', more => jsonb_build_object('name', old.code, 'before', to_jsonb(old)));
	RETURN format('%s is asked for no more', old.code);
END
$$;
COMMENT ON FUNCTION vac.remove_minimum(text) IS 'Removes a minimum that vac.staffing measures offices against. For supervisors of all offices';

-- ---- when somebody must be there -------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.put_cover_hours(of_cover integer, hours text) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	DELETE FROM cover_hours h WHERE h.cover_id = of_cover;
	INSERT INTO cover_hours (cover_id, weekday, from_time, to_time)
		SELECT of_cover, w.weekday, w.from_time, w.to_time FROM week_of(CASE hours WHEN 'always' THEN 'Mon-Sun 00:00-24:00' ELSE hours END) w
			WHERE hours <> 'office';
$$;
COMMENT ON FUNCTION vac_store.put_cover_hours(integer, text) IS 'Stores the hours of a cover, checked before: a week, always, or office';

CREATE OR REPLACE FUNCTION vac.set_cover(office text, cover text, hours text, service text DEFAULT NULL, language text DEFAULT NULL,
		people integer DEFAULT 1) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	wanted CONSTANT text := CASE WHEN lower(btrim(set_cover.hours)) IN ('always', 'office') THEN lower(btrim(set_cover.hours)) ELSE set_cover.hours END;
	id integer;
BEGIN
	one := lock_office(set_cover.office, 'set_cover');
	PERFORM refuse_if(text_problem(set_cover.cover), 'cover', 'A name such as nights.'),
		refuse_if(number_problem(length(btrim(set_cover.cover))::text, 1, 24), 'cover, characters');
	IF wanted NOT IN ('always', 'office') OR wanted IS NULL THEN
		PERFORM refuse_if(week_problem(wanted, overnight => true), 'hours');
		IF cardinality(list_of(wanted)) = 0 OR wanted IS NULL THEN
			PERFORM refuse('hours: something is needed here', 'always, office (the office''s hours), or such as Mon-Fri 17:00-08:00; Sat,Sun 00:00-24:00.');
		END IF;
	END IF;
	PERFORM refuse_if(service_problem(lower(btrim(set_cover.service))), 'service') WHERE set_cover.service IS NOT NULL;
	PERFORM refuse_if(language_problem(set_cover.language), 'language') WHERE set_cover.language IS NOT NULL;
	PERFORM refuse_if(number_problem(coalesce(set_cover.people, 1)::text, 1, 100), 'people', 'vac.remove_cover(…) removes one.');
	INSERT INTO cover AS c (office_id, name, people, service, language, office_hours)
		VALUES (one.office_id, btrim(set_cover.cover), coalesce(set_cover.people, 1), lower(btrim(set_cover.service)), normal_language(set_cover.language),
			wanted = 'office')
		ON CONFLICT (office_id, lower(name)) DO UPDATE SET name = excluded.name, people = excluded.people, service = excluded.service,
			language = excluded.language, office_hours = excluded.office_hours
		RETURNING c.cover_id INTO id;
	PERFORM put_cover_hours(id, wanted);
	PERFORM record('cover_set', of_office => one.office_id, more => jsonb_build_object('cover', btrim(set_cover.cover), 'hours', wanted,
		'service', lower(btrim(set_cover.service)), 'language', normal_language(set_cover.language), 'people', coalesce(set_cover.people, 1)));
	RETURN (SELECT format('%s, %s: %s, %s (%s)', one.code, c.name, cover_whom(c.people, s.label, c.language), cover_hours_text(c.cover_id), one.time_zone)
		FROM cover c LEFT JOIN service s ON s.code = c.service WHERE c.cover_id = id);
END
$$;
COMMENT ON FUNCTION vac.set_cover(text, text, text, text, text, integer) IS
	'Says when somebody must be at work or on call in an office, all of it anew: vac.set_cover(''SEA'', ''Spanish nights'', ''Mon-Sun 17:00-08:00'', '
	'language => ''es''). cover: its name. hours: always, office (the office''s hours, holidays excepted), or a week in local time. service, '
	'language: only who gives or speaks it counts. people: how many at a time. TABLE vac.coverage_gaps shows when they lack';

CREATE OR REPLACE FUNCTION vac.remove_cover(office text, cover text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	old cover;
BEGIN
	one := lock_office(remove_cover.office, 'remove_cover');
	DELETE FROM cover c WHERE c.office_id = one.office_id AND lower(c.name) = lower(btrim(remove_cover.cover)) RETURNING * INTO old;
	IF old.cover_id IS NULL THEN
		PERFORM refuse(format('cover: %s has no cover %s', one.code, coalesce(quote_literal(remove_cover.cover), 'of no name')),
			coalesce((SELECT 'It has: ' || string_agg(c.name, ', ' ORDER BY c.name) FROM cover c WHERE c.office_id = one.office_id), 'It has none.'));
	END IF;
	PERFORM record('cover_removed', of_office => one.office_id, more => jsonb_build_object('cover', old.name));
	RETURN format('%s, %s: asked for no more', one.code, old.name);
END
$$;
COMMENT ON FUNCTION vac.remove_cover(text, text) IS 'Takes back vac.set_cover()';

-- ---- interpreters ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.call_off_left(given text, of_request bigint, note text) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	gone interpreter_left;
BEGIN
	DELETE FROM interpreter_left l
		WHERE l.left_id = (SELECT w.left_id FROM interpreter_left w
			WHERE w.case_code = tidy_case_code(given) AND w.office_id IN (SELECT my_offices()) AND w.request_id = coalesce(of_request, w.request_id)
				AND upper(w.span) > moment()
			ORDER BY lower(w.span), w.left_id LIMIT 1)
		RETURNING l.* INTO gone;
	IF gone.left_id IS NULL THEN
		RETURN NULL;
	END IF;
	PERFORM record('interpreter_cancelled', gone.office_id, gone.case_id, gone.request_id, said => note, more => jsonb_build_object('span', gone.span));
	RETURN (SELECT format('Case %s: no interpreter comes on %s any more', gone.case_code, short_span(gone.span, o.time_zone))
		FROM office o WHERE o.office_id = gone.office_id);
END
$$;
COMMENT ON FUNCTION vac_store.call_off_left(text, bigint, text) IS
	'Notes that the next interpreter whom an office of one''s own booked for a case it gave away is called off, in words; NULL: there is none';

CREATE OR REPLACE FUNCTION vac.interpreter_booked(case_code text, booked boolean DEFAULT true, request bigint DEFAULT NULL, note text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	which record;
	zone text;
	said text;
BEGIN
	IF NOT interpreter_booked.booked THEN
		-- Of a case that is another office's now.
		said := call_off_left(interpreter_booked.case_code, interpreter_booked.request, interpreter_booked.note);
		IF said IS NOT NULL THEN
			RETURN said;
		END IF;
	END IF;
	one := case_named(interpreter_booked.case_code);
	PERFORM need_office(one.office_id, 'interpreter_booked');
	zone := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	-- Of several the first that there is still something to note about.
	SELECT r.request_id, r.interpreter_for AS before, a.appointment_id, a.span INTO which
		FROM request r
			LEFT JOIN LATERAL (SELECT b.appointment_id, b.span FROM appointment b
				WHERE b.request_id = r.request_id AND b.live AND b.by_interpreter AND upper(b.span) > at
				ORDER BY b.state <> 'accepted', b.appointment_id LIMIT 1) a ON true
		WHERE r.case_id = one.case_id AND (interpreter_booked.request IS NULL OR r.request_id = interpreter_booked.request)
			AND CASE WHEN interpreter_booked.booked THEN a.span IS NOT NULL ELSE r.interpreter_for IS NOT NULL END
		ORDER BY CASE WHEN interpreter_booked.booked THEN r.interpreter_for IS NOT DISTINCT FROM a.span ELSE r.interpreter_for IS NOT DISTINCT FROM a.span END,
			lower(a.span), r.request_id LIMIT 1;
	IF which.request_id IS NULL THEN
		PERFORM refuse(format(CASE WHEN interpreter_booked.booked THEN 'case_code: no appointment to come of case %s needs an interpreter'
				ELSE 'case_code: no interpreter is noted as booked for case %s' END, one.case_code),
			'TABLE vac.interpreters_to_book lists those to book, and those to cancel.');
	END IF;
	UPDATE request r SET interpreter_for = CASE WHEN interpreter_booked.booked THEN which.span END,
			interpreter_noted_at = CASE WHEN interpreter_booked.booked THEN at END,
			interpreter_noted_by = CASE WHEN interpreter_booked.booked THEN session_user END
		WHERE r.request_id = which.request_id;
	said := short_span(CASE WHEN interpreter_booked.booked THEN which.span ELSE which.before END, zone);
	PERFORM record(CASE WHEN interpreter_booked.booked THEN 'interpreter_booked' ELSE 'interpreter_cancelled' END, one.office_id, one.case_id,
		which.request_id, which.appointment_id, said => interpreter_booked.note,
		more => jsonb_build_object('span', CASE WHEN interpreter_booked.booked THEN which.span ELSE which.before END));
	RETURN format(CASE WHEN interpreter_booked.booked THEN 'Case %s: an interpreter is booked for %s' ELSE 'Case %s: no interpreter comes on %s any more' END,
		one.case_code, said);
END
$$;
COMMENT ON FUNCTION vac.interpreter_booked(text, boolean, bigint, text) IS
	'Notes that an interpreter is booked for the appointment of a case: vac.interpreter_booked(''K7Q-4MX''). booked => false: cancelled again. '
	'request: its number, where a case has several. note: whom, or a reference; no name of a victim. Where the appointment moves it is listed anew';
