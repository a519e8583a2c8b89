-- Verbs that change what holds for all offices: policy, services, words that never leave, domains
-- that may be written to, holidays.

CREATE OR REPLACE FUNCTION vac_store.plan_soon(of_office integer DEFAULT NULL) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- What nobody could take may find somebody now. What is being planned this moment, on the data of before,
	-- is due again when that plan is stored; so is what somebody holds, whom nothing here waits for.
	INSERT INTO plan_stale (office_id) SELECT o.office_id FROM office o
		WHERE o.retired_at IS NULL AND o.office_id = coalesce(of_office, o.office_id);
	SELECT pg_notify('vac_dispatch', '');
	UPDATE request SET plan_at = moment()
		WHERE request_id IN (SELECT r.request_id FROM request r JOIN office o USING (office_id)
			WHERE r.to_plan AND r.plan_at > moment() AND r.unserved_since IS NOT NULL
				AND (of_office IS NULL
					OR o.group_id = (SELECT g.group_id FROM office g WHERE g.office_id = of_office))
			FOR NO KEY UPDATE OF r SKIP LOCKED);
$$;
COMMENT ON FUNCTION vac_store.plan_soon(integer) IS
	'Has the requests that nobody could take planned again now, because rosters or rules changed; of_office: only those of its group';

-- ---- policy ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.set_policy(name text, value text, urgency text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	old policy;
BEGIN
	PERFORM need_all_offices('set_policy');
	IF set_policy.urgency IS NOT NULL THEN
		PERFORM refuse_if(urgency_problem(set_policy.urgency), 'urgency');
	END IF;
	SELECT * INTO old FROM policy p WHERE p.name = set_policy.name
		AND p.urgency IS NOT DISTINCT FROM set_policy.urgency FOR NO KEY UPDATE;
	IF old.name IS NULL THEN
		PERFORM refuse_policy(set_policy.name);
	END IF;
	IF set_policy.value IS NULL THEN
		PERFORM refuse('value: something is needed here', format('%s is %s now: %s.', old.name, old.value, old.meaning));
	END IF;
	BEGIN
		UPDATE policy p SET value = btrim(set_policy.value)
			WHERE p.name = old.name AND p.urgency IS NOT DISTINCT FROM old.urgency;
	EXCEPTION WHEN check_violation THEN
		PERFORM refuse(format('value: %s', SQLERRM), format('%s counts %s and is %s now: %s.',
			old.name, replace(old.kind, '_', ' '), old.value, old.meaning));
	END;
	PERFORM record('policy_set', more => jsonb_build_object('name', old.name, 'urgency', old.urgency,
		'before', old.value, 'after', btrim(set_policy.value)));
	PERFORM plan_soon();
	PERFORM warn_of_signer() WHERE old.name = 'keep_history' AND btrim(set_policy.value)::integer > 0;
	RETURN format('%s%s is %s now, was %s', old.name, coalesce(' (' || old.urgency || ')', ''), btrim(set_policy.value), old.value);
END
$$;
COMMENT ON FUNCTION vac.set_policy(text, text, text) IS
	'Changes a policy: name and value as TABLE vac.policies shows them; urgency where the policy has one row for each. '
	'For supervisors of all offices';

CREATE OR REPLACE FUNCTION vac_store.warn_of_signer() RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT has_signer(moment()) THEN
		RAISE WARNING 'nothing of history is removed: no daemon at work has a key to sign what stands in its place'
			USING HINT = 'vacd-history(7) says how one is made. Set history_key_file in vacd.conf to its file, and reload vacd.';
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.warn_of_signer() IS 'Warns that policy keep_history removes nothing, while no daemon can sign a checkpoint';

CREATE OR REPLACE FUNCTION vac_store.refuse_policy(given text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	urgencies text;
BEGIN
	SELECT string_agg(urgency, ', ') INTO urgencies FROM policy WHERE name = given AND urgency IS NOT NULL;
	IF urgencies IS NOT NULL THEN
		PERFORM refuse(format('urgency: policy %s has a value for each urgency', given),
			format('Name one of %s, such as vac.set_policy(%L, …, %L).', urgencies, given, split_part(urgencies, ',', 1)));
	ELSIF EXISTS (SELECT FROM policy WHERE name = given) THEN
		PERFORM refuse(format('urgency: policy %s has one value for all urgencies', given), 'Leave the urgency out.');
	END IF;
	PERFORM refuse(format('name: no policy %s', coalesce(quote_literal(given), 'was named')),
		coalesce((SELECT 'Near it: ' || string_agg(DISTINCT p.name, ', ') FROM policy p
			WHERE p.name LIKE '%' || replace(lower(given), ' ', '_') || '%' OR left(p.name, 4) = left(lower(given), 4)),
			'TABLE vac.policies lists them.'));
END
$$;
COMMENT ON FUNCTION vac_store.refuse_policy(text) IS 'Says why no policy of this name and urgency was found, and which there are';

CREATE OR REPLACE FUNCTION vac.set_service(service text, label text DEFAULT NULL, minutes integer DEFAULT NULL,
		load_percent integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	old service;
	done service;
BEGIN
	PERFORM need_all_offices('set_service');
	IF set_service.service IS NULL OR set_service.service !~ '^[a-z][a-z_]{1,40}$' THEN
		PERFORM refuse(format('service: %s', coalesce(quote_literal(set_service.service), 'nothing')),
			'A service''s code is lower-case letters and _, such as court_accompaniment.');
	END IF;
	IF set_service.minutes NOT BETWEEN 15 AND 1440 THEN
		PERFORM refuse(format('minutes: %s', set_service.minutes), 'From 15 to 1440 minutes.');
	END IF;
	IF set_service.load_percent NOT BETWEEN 1 AND 1000 THEN
		PERFORM refuse(format('load_percent: %s', set_service.load_percent),
			'From 1 to 1000; 100 counts an hour as an hour, 150 as an hour and a half.');
	END IF;
	SELECT * INTO old FROM service s WHERE s.code = set_service.service;
	IF old.code IS NULL AND (set_service.label IS NULL OR set_service.minutes IS NULL) THEN
		PERFORM refuse(format('service: %s is new, and a new one needs label and minutes', set_service.service),
			format('Known are: %s.', (SELECT string_agg(code, ', ' ORDER BY code) FROM service)));
	END IF;
	IF set_service.label IS NOT NULL THEN
		PERFORM refuse_if(text_problem(set_service.label), 'label');
	END IF;
	INSERT INTO service AS s (code, label, minutes, load_percent)
		VALUES (set_service.service, coalesce(set_service.label, old.label), coalesce(set_service.minutes, old.minutes),
			coalesce(set_service.load_percent, old.load_percent, 100))
		ON CONFLICT (code) DO UPDATE SET label = excluded.label, minutes = excluded.minutes, load_percent = excluded.load_percent
		RETURNING * INTO done;
	PERFORM record('service_set', more => jsonb_build_object('before', to_jsonb(old), 'after', to_jsonb(done)));
	RETURN format('%s: %s, %s minutes, load %s %%', done.code, done.label, done.minutes, done.load_percent);
END
$$;
COMMENT ON FUNCTION vac.set_service(text, text, integer, integer) IS
	'Adds a service or changes one: its code, label, usual length in minutes, and how much an hour of it weighs in percent. '
	'What is left out stays. For supervisors of all offices';

-- ---- what may be mailed, and to whom ---------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.add_protected_word(word text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	added boolean;
BEGIN
	PERFORM need_all_offices('add_protected_word');
	PERFORM refuse_if(text_problem(add_protected_word.word), 'word');
	IF length(btrim(add_protected_word.word)) < 3 THEN
		PERFORM refuse(format('word: %L is shorter than three characters', add_protected_word.word),
			'A shorter one would stand in nearly every mail and make it neutral.');
	END IF;
	INSERT INTO protected_word (word) VALUES (btrim(add_protected_word.word)) ON CONFLICT DO NOTHING;
	added := FOUND;
	IF added THEN
		-- History says that a word was added, not which: it outlives the list.
		PERFORM record(what => 'protected_word_added');
	END IF;
	RETURN CASE WHEN added THEN 'From now on a mail that would say it is replaced by a neutral one'
		ELSE 'It was on the list already' END;
END
$$;
COMMENT ON FUNCTION vac.add_protected_word(text) IS
	'Adds a word or phrase that no mail may contain, such as the name of an operation: a mail that would is sent with a '
	'neutral text instead. For supervisors of all offices';

CREATE OR REPLACE FUNCTION vac.remove_protected_word(word text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM need_all_offices('remove_protected_word');
	DELETE FROM protected_word p WHERE lower(p.word) = lower(btrim(remove_protected_word.word));
	IF NOT FOUND THEN
		PERFORM refuse('word: it is not on the list', 'TABLE vac.protected_words shows the list.');
	END IF;
	PERFORM record(what => 'protected_word_removed');
	RETURN 'It may stand in mail again';
END
$$;
COMMENT ON FUNCTION vac.remove_protected_word(text) IS 'Takes a word off the list that vac.add_protected_word() adds to';

CREATE OR REPLACE FUNCTION vac_store.tell_of_domains() RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	lacking text;
BEGIN
	-- The first domain on the list shuts out all others, coordinators' too.
	SELECT string_agg(DISTINCT split_part(w.address, '@', 2), ', ') INTO lacking FROM (
		SELECT lower(c.mail) AS address FROM coordinator c WHERE c.retired_at IS NULL
		UNION SELECT lower(c.pager) FROM coordinator c WHERE c.retired_at IS NULL
		UNION SELECT lower(s.mail) FROM supervisor s WHERE s.retired_at IS NULL
		UNION SELECT lower(s.pager) FROM supervisor s WHERE s.retired_at IS NULL) w
		WHERE EXISTS (SELECT FROM allowed_domain)
			AND split_part(w.address, '@', 2) NOT IN (SELECT d.domain FROM allowed_domain d);
	IF lacking IS NOT NULL THEN
		RAISE WARNING 'Mail to coordinators or supervisors at % is kept back until vac.allow_domain() allows that, too', lacking;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.tell_of_domains() IS 'Warns when addresses of the roster are of a domain that is not allowed';

CREATE OR REPLACE FUNCTION vac.allow_domain(domain text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	wanted CONSTANT text := lower(btrim(allow_domain.domain));
BEGIN
	PERFORM need_all_offices('allow_domain');
	IF wanted IS NULL OR wanted !~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$' THEN
		PERFORM refuse(format('domain: %s is no domain', coalesce(quote_literal(allow_domain.domain), 'nothing')),
			'It is what stands behind the @, such as agency.example.');
	END IF;
	INSERT INTO allowed_domain (domain) VALUES (wanted) ON CONFLICT DO NOTHING;
	IF FOUND THEN
		PERFORM record('domain_allowed', more => jsonb_build_object('domain', wanted));
	END IF;
	PERFORM tell_of_domains();
	RETURN format('Mail may go to addresses @%s', wanted);
END
$$;
COMMENT ON FUNCTION vac.allow_domain(text) IS
	'Adds a domain of work addresses (agency.example) to which mail may go. While none is on the list, coordinators and supervisors get '
	'mail at any domain, and requesters none. For supervisors of all offices';

CREATE OR REPLACE FUNCTION vac.forbid_domain(domain text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM need_all_offices('forbid_domain');
	DELETE FROM allowed_domain a WHERE a.domain = lower(btrim(forbid_domain.domain));
	IF NOT FOUND THEN
		PERFORM refuse(format('domain: %L is not on the list', forbid_domain.domain),
			coalesce((SELECT 'Allowed are: ' || string_agg(a.domain, ', ' ORDER BY a.domain) FROM allowed_domain a), 'The list is empty.'));
	END IF;
	PERFORM record('domain_forbidden', more => jsonb_build_object('domain', lower(btrim(forbid_domain.domain))));
	PERFORM tell_of_domains();
	RETURN format('Nothing more is mailed to addresses @%s', lower(btrim(forbid_domain.domain)))
		|| CASE WHEN EXISTS (SELECT FROM allowed_domain) THEN '' ELSE '; the list is empty, so coordinators and supervisors get mail at any domain' END;
END
$$;
COMMENT ON FUNCTION vac.forbid_domain(text) IS 'Takes a domain off the list that vac.allow_domain() adds to';

-- ---- holidays --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.add_holiday(day date, name text, office text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_office office;
	old text;
BEGIN
	IF add_holiday.office IS NULL THEN
		PERFORM need_all_offices('add_holiday');
	ELSE
		of_office := office_named(add_holiday.office);
		PERFORM need_office(of_office.office_id, 'add_holiday');
	END IF;
	IF add_holiday.day IS NULL OR NOT isfinite(add_holiday.day) THEN
		PERFORM refuse('day: a day is needed', 'It is written 2026-12-25.');
	END IF;
	PERFORM refuse_if(text_problem(add_holiday.name), 'name', 'Such as Christmas Day.');
	SELECT h.name INTO old FROM holiday h
		WHERE h.day = add_holiday.day AND h.office_id IS NOT DISTINCT FROM of_office.office_id;
	IF old = btrim(add_holiday.name) THEN
		RETURN format('%s is %s already', add_holiday.day, old);
	END IF;
	INSERT INTO holiday AS h (office_id, day, name) VALUES (of_office.office_id, add_holiday.day, btrim(add_holiday.name))
		ON CONFLICT (office_id, day) DO UPDATE SET name = excluded.name;
	PERFORM record('holiday_added', of_office => of_office.office_id,
		more => jsonb_build_object('day', add_holiday.day, 'name', btrim(add_holiday.name)));
	PERFORM tell_meetings_on(add_holiday.day, of_office.office_id);
	RETURN format('%s, %s: %s; regular shifts fall out, on-call shifts stay', add_holiday.day,
		coalesce(of_office.code, 'all offices'), btrim(add_holiday.name));
END
$$;
COMMENT ON FUNCTION vac.add_holiday(date, text, text) IS
	'Adds a holiday: day, name, and the office when it is one office''s only. Regular shifts fall out on it, on-call shifts stay; '
	'meetings that stand on it stay, and are counted in a notice';

CREATE OR REPLACE FUNCTION vac_store.tell_meetings_on(on_day date, of_office integer) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	SELECT count(*) INTO n FROM appointment a
		JOIN coordinator c USING (coordinator_id) JOIN office o ON o.office_id = c.office_id
		WHERE a.live AND (of_office IS NULL OR o.office_id = of_office)
			AND (lower(a.span) AT TIME ZONE o.time_zone)::date = on_day;
	IF n > 0 THEN
		RAISE NOTICE '% on that day; nothing is cancelled. TABLE vac.week shows them', quantity(n, 'meeting stands', 'meetings stand');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.tell_meetings_on(date, integer) IS 'Says in a notice how many meetings stand on a day';

CREATE OR REPLACE FUNCTION vac_store.quantity(n bigint, one text, many text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN n || ' ' || CASE WHEN n = 1 THEN one ELSE many END;
COMMENT ON FUNCTION vac_store.quantity(bigint, text, text) IS '1 meeting, 2 meetings';

CREATE OR REPLACE FUNCTION vac.remove_holiday(day date, office text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_office office;
	old text;
BEGIN
	IF remove_holiday.office IS NULL THEN
		PERFORM need_all_offices('remove_holiday');
	ELSE
		of_office := office_named(remove_holiday.office);
		PERFORM need_office(of_office.office_id, 'remove_holiday');
	END IF;
	DELETE FROM holiday h WHERE h.day = remove_holiday.day AND h.office_id IS NOT DISTINCT FROM of_office.office_id
		RETURNING h.name INTO old;
	IF old IS NULL THEN
		PERFORM refuse(format('day: %s is no holiday of %s', coalesce(remove_holiday.day::text, 'nothing'),
				coalesce(of_office.code, 'all offices')),
			'TABLE vac.holidays lists them; a holiday of all offices is removed without naming an office.');
	END IF;
	PERFORM record('holiday_removed', of_office => of_office.office_id,
		more => jsonb_build_object('day', remove_holiday.day, 'name', old));
	PERFORM plan_soon(of_office.office_id);
	RETURN format('%s, %s: %s is no holiday any more', remove_holiday.day, coalesce(of_office.code, 'all offices'), old);
END
$$;
COMMENT ON FUNCTION vac.remove_holiday(date, text) IS 'Removes a holiday that vac.add_holiday() or vacd import holidays added';
