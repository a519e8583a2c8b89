-- Verbs by which a supervisor overrules the planner: who goes, and when, past every rule but double booking. What is
-- set so is pinned: no plan moves or replaces it, and what would end it without a person is told to the supervisors.

-- ---- what speaks against it ------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.passed_rules(r request, who integer, starts timestamptz, now_at timestamptz) RETURNS text[]
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	RETURN array_replace((SELECT c.rules FROM could(r, ARRAY[who], now_at, only_at => starts) c), 'busy', 'close')
		|| array_remove(ARRAY[
			CASE WHEN starts < policy_after('notice', r.urgency, r.office_id, now_at) AND r.urgency <> 'immediate' THEN 'notice' END,
			CASE WHEN starts > r.due_at THEN 'late' END], NULL);
END
$$;
COMMENT ON FUNCTION vac_store.passed_rules(request, integer, timestamptz, timestamptz) IS
	'The planner''s rules that a meeting of a request with somebody at this start breaks: those of could(), and close (too little time to the next appointment), notice, late';

CREATE OR REPLACE FUNCTION vac_store.rules_text(rules text[], r request) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT string_agg(rule_text(u.rule, r.language, s.label), ', ' ORDER BY u.n)
		FROM unnest(rules) WITH ORDINALITY u (rule, n) JOIN service s ON s.code = r.service;
$$;
COMMENT ON FUNCTION vac_store.rules_text(text[], request) IS 'Rules that speak against somebody for a request, in words; NULL: none does';

CREATE OR REPLACE FUNCTION vac_store.need_free(one case_record, r request, who coordinator, within tstzrange) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	other appointment;
BEGIN
	SELECT * INTO other FROM appointment b
		WHERE b.coordinator_id = who.coordinator_id AND b.live AND b.request_id <> r.request_id AND b.span && within
		ORDER BY lower(b.span) LIMIT 1;
	IF other.appointment_id IS NOT NULL THEN
		PERFORM refuse(format('start: %s (%s) %s', who.code, who.name, CASE
				WHEN other.office_id IN (SELECT my_offices()) THEN (SELECT format('has case %s then, %s', c.case_code, short_span(other.span, o.time_zone))
					FROM case_record c JOIN office o ON o.office_id = c.office_id WHERE c.case_id = other.case_id)
				WHEN who.coordinator_id IN (SELECT my_coordinators()) THEN (SELECT format('has an appointment of %s then, %s', o.code, short_span(other.span, o.time_zone))
					FROM office o WHERE o.office_id = other.office_id)
				ELSE 'is not available then' END),
			format('Nobody can be in two places. Name another start, or somebody else: SELECT * FROM vac.who_could(''%s'').', one.case_code));
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_free(case_record, request, coordinator, tstzrange) IS 'Refuses when a coordinator meets somebody else then: the one rule that nobody overrules';

-- Buffer and travel are rules like others: what is kept free around a meeting gives way, on either side.
CREATE OR REPLACE FUNCTION vac_store.squeeze_in(one planned) RETURNS tstzrange
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	kept tstzrange;
BEGIN
	PERFORM FROM appointment b WHERE b.coordinator_id = one.coordinator_id AND b.live AND b.request_id <> one.request_id AND b.busy && one.busy
		ORDER BY b.appointment_id FOR NO KEY UPDATE;
	SELECT tstzrange(greatest(lower(one.busy), max(least(upper(b.busy), lower(one.span))) FILTER (WHERE upper(b.span) <= lower(one.span))),
			least(upper(one.busy), min(greatest(lower(b.busy), upper(one.span))) FILTER (WHERE lower(b.span) >= upper(one.span))))
		INTO kept
		FROM appointment b
		WHERE b.coordinator_id = one.coordinator_id AND b.live AND b.request_id <> one.request_id AND b.busy && one.busy;
	UPDATE appointment b
		SET busy = CASE WHEN upper(b.span) <= lower(one.span) THEN tstzrange(lower(b.busy), lower(one.span))
			ELSE tstzrange(upper(one.span), upper(b.busy)) END
		WHERE b.coordinator_id = one.coordinator_id AND b.live AND b.request_id <> one.request_id AND b.busy && one.span;
	RETURN kept;
END
$$;
COMMENT ON FUNCTION vac_store.squeeze_in(planned) IS
	'Makes room for a meeting between others of its coordinator that it does not meet itself, by less buffer and travel; returns what is kept free for it';

-- ---- reassign --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.place_by_hand(one planned, mine appointment, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	id bigint := mine.appointment_id;
	counted CONSTANT integer := counted_minutes((date_part('epoch', upper(one.span) - lower(one.span)) / 60)::integer, one.span, one.busy);
BEGIN
	one.busy := squeeze_in(one);
	IF id IS NULL THEN
		SELECT m.appointment_id INTO id FROM appoint(ARRAY[one], ARRAY[one.n], at) m;
		IF id IS NULL THEN
			-- The constraint has the last word, should a row have been written past every lock.
			PERFORM refuse('start: they have another appointment then', 'Try again; SELECT * FROM vac.who_could(…) shows what there is.');
		END IF;
		-- Travel counts whether time was left for it or not.
		UPDATE appointment b SET pinned = true, counted_minutes = counted WHERE b.appointment_id = id;
		PERFORM queue_appointments('invitation', ARRAY[id], at);
	ELSIF mine.span = one.span THEN
		UPDATE appointment b SET pinned = true WHERE b.appointment_id = id;
		-- Who was set by hand for a call-out has time to answer once more; after it others are asked as well.
		UPDATE appointment b SET window_from = at, answer_by = t.answer_by, window_at = t.answer_by
			FROM answer_times(ARRAY[id], at) t
			WHERE b.appointment_id = id AND b.state = 'invited' AND b.urgency = 'immediate' AND b.window_at IS NULL AND b.answer_by <= at;
		PERFORM pg_notify('vac_deadline', '') WHERE FOUND;
	ELSE
		-- A yes was to the old time.
		UPDATE appointment b
			SET pinned = true, state = 'invited', span = one.span, busy = one.busy, sequence = b.sequence + 1, partstat = NULL, answered_at = NULL,
				answered_by = NULL, by_interpreter = one.by_interpreter, over_cap = one.over_cap, counted_minutes = counted
			WHERE b.appointment_id = id;
		PERFORM end_pages(ARRAY[id]), queue_appointments('update', ARRAY[id], at);
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION vac_store.place_by_hand(planned, appointment, timestamptz) IS
	'Puts a request where a supervisor wants it, pinned: in place, with a REQUEST of the next SEQUENCE, where its coordinator has it already (mine), else as a new appointment; returns its id';

CREATE OR REPLACE FUNCTION vac_store.tell_of_lent(one case_record, r request, who coordinator, within tstzrange, rules text[]) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT tell_supervisors(who.office_id, 'sent to another office by hand',
			format(E'%s (%s) was given a meeting of %s by hand, although a rule speaks against it:\n\nWhen: %s\nRules: %s\n\nPlease agree it with %s: %s, day and night.\n',
				who.name, who.code, o.code, span_text(within, coalesce(who.time_zone, (SELECT h.time_zone FROM office h WHERE h.office_id = who.office_id))), rules_text(rules, r), o.code, o.telephone))
		FROM office o WHERE o.office_id = one.office_id;
$$;
COMMENT ON FUNCTION vac_store.tell_of_lent(case_record, request, coordinator, tstzrange, text[]) IS
	'Tells the supervisors of a coordinator that another office''s sends them somewhere past a rule';

CREATE OR REPLACE FUNCTION vac_store.set_by_hand(one case_record, r request, who coordinator, starts timestamptz, reason text, at timestamptz)
	RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	within CONSTANT tstzrange := tstzrange(starts, starts + make_interval(mins => r.minutes));
	zone CONSTANT text := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
	standing CONSTANT appointment[] := ARRAY(SELECT a FROM appointment a WHERE a.request_id = r.request_id AND a.live ORDER BY a.appointment_id);
	others CONSTANT appointment[] := ARRAY(SELECT a FROM unnest(standing) a WHERE a.coordinator_id <> who.coordinator_id);
	ended CONSTANT bigint[] := ARRAY(SELECT a.appointment_id FROM unnest(others) a);
	rules text[];
	mine appointment;
	wanted planned;
	id bigint;
	stays boolean;
BEGIN
	SELECT * INTO mine FROM unnest(standing) a WHERE a.coordinator_id = who.coordinator_id;
	stays := coalesce(mine.span = within, false);
	IF stays AND mine.pinned AND others = '{}' THEN
		RETURN format('Case %s: it is set so already', one.case_code);
	END IF;
	PERFORM need_free(one, r, who, within);
	rules := passed_rules(r, who.coordinator_id, starts, at);
	mine.request_id := r.request_id;
	wanted := planned_for(mine, who.coordinator_id, within);
	wanted.over_cap := rules && ARRAY['cap_open_cases', 'cap_week', 'cap_day', 'rest'];
	IF who.office_id NOT IN (SELECT my_offices()) THEN
		-- Of somebody's own time their own supervisors must know, and those of the case need not.
		PERFORM tell_of_lent(one, r, who, within, rules) WHERE public_rules(rules) && ARRAY['unavailable', 'hours'];
		rules := public_rules(rules);
	END IF;
	PERFORM end_appointments(ended, 'replaced', 'reassigned'), end_pages(ended);
	-- What is only pinned goes on being told of as before; of what is asked anew the supervisors hear when nobody answers,
	-- of a call-out now and again.
	UPDATE request q SET state = 'planned', seek_since = NULL, refusals = 0, unserved_since = NULL, noticed_at = NULL,
			tries = q.tries + CASE WHEN mine.appointment_id IS NULL THEN 1 ELSE 0 END,
			tell_at = CASE WHEN stays THEN q.tell_at WHEN r.urgency = 'immediate' THEN at + policy_number('notice_again', r.urgency) * interval '1 minute' END,
			told_at = CASE WHEN stays THEN q.told_at WHEN r.urgency = 'immediate' THEN at END,
			notices = CASE WHEN stays THEN q.notices WHEN r.urgency = 'immediate' THEN 100 ELSE 0 END
		WHERE q.request_id = r.request_id;
	PERFORM tell_soon(r.request_id, at) WHERE stays AND r.seek_since IS NOT NULL;
	id := place_by_hand(wanted, mine, at);
	INSERT INTO decision (request_id, appointment_id, at) VALUES (r.request_id, id, at);
	PERFORM record('reassigned', one.office_id, one.case_id, r.request_id, id, who.coordinator_id, why => reason_code(reason), said => reason_note(reason),
		more => jsonb_strip_nulls(jsonb_build_object('starts', starts, 'ends', upper(within), 'passed_over', to_jsonb(rules),
			'from_coordinators', (SELECT jsonb_agg(a.coordinator_id) FROM unnest(others) a), 'started', lower(mine.span), 'was', mine.state)));
	IF NOT stays THEN
		IF r.urgency = 'immediate' THEN
			PERFORM queue_pages(ARRAY[id], at), tell_of_call_outs(ARRAY[id], at);
		END IF;
		PERFORM tell_requesters(ARRAY[r.request_id], CASE WHEN standing = '{}' THEN 'planned' ELSE 'moved' END, at);
	END IF;
	IF rules <> '{}' THEN
		RAISE NOTICE 'Passed over: %', rules_text(rules, r);
	END IF;
	RETURN format('Case %s: %s (%s), %s; %s, and no plan changes it%s', one.case_code, who.code, who.name, short_span(within, zone),
		CASE WHEN NOT stays THEN 'they are asked to accept' WHEN mine.state = 'accepted' THEN 'they have accepted' ELSE 'they have been asked' END,
		coalesce((SELECT E'\n' || string_agg(format('%s (%s)', k.code, k.name), ', ' ORDER BY k.code) || ' need not go'
			FROM unnest(others) a JOIN coordinator k ON k.coordinator_id = a.coordinator_id), ''));
END
$$;
COMMENT ON FUNCTION vac_store.set_by_hand(case_record, request, coordinator, timestamptz, text, timestamptz) IS
	'Gives a request to somebody at a start, past every rule but double booking, and pins it; returns it in words, and the rules passed over in a notice';

CREATE OR REPLACE FUNCTION vac_store.want_somebody_else(one case_record, r request, reason text, at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	standing CONSTANT appointment[] := ARRAY(SELECT a FROM appointment a WHERE a.request_id = r.request_id AND a.live ORDER BY a.appointment_id);
	names CONSTANT text := (SELECT string_agg(format('%s (%s)', k.code, k.name), ', ' ORDER BY k.code)
		FROM unnest(standing) a JOIN coordinator k ON k.coordinator_id = a.coordinator_id);
BEGIN
	IF standing = '{}' THEN
		PERFORM refuse(format('coordinator: nobody has case %s yet', one.case_code),
			'It is being planned. vac.add_conflict(…) keeps somebody away from it; or name who shall go, and when.');
	END IF;
	PERFORM bar_for_good(r.request_id, a.coordinator_id) FROM unnest(standing) a;
	PERFORM free_appointments(ARRAY(SELECT a.appointment_id FROM unnest(standing) a), 'reassigned');
	PERFORM record('somebody_else', one.office_id, one.case_id, r.request_id, a.appointment_id, a.coordinator_id,
		why => reason_code(reason), said => reason_note(reason)) FROM unnest(standing) a;
	PERFORM warn_of_silence(o) FROM office o WHERE o.office_id = one.office_id;
	RETURN said(format('Case %s: %s need not go, and will not be asked for it again (vac.readmit takes that back); it is planned again', one.case_code, names));
END
$$;
COMMENT ON FUNCTION vac_store.want_somebody_else(case_record, request, text, timestamptz) IS
	'Whoever has a request is barred from it, and it is planned again; returns it in words';

CREATE OR REPLACE FUNCTION vac_store.bar_for_good(of_request bigint, who integer) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	INSERT INTO request_bar AS b (request_id, coordinator_id, until) VALUES (of_request, who, NULL)
		ON CONFLICT ON CONSTRAINT request_bar_pkey DO UPDATE SET until = NULL;
$$;
COMMENT ON FUNCTION vac_store.bar_for_good(bigint, integer) IS 'A coordinator is not asked for a request any more, until a supervisor readmits them';

-- What both forms of vac.reassign() share up to the start: everything is locked after it.
CREATE OR REPLACE FUNCTION vac_store.begin_reassign(given_case text, given_who text, given_request bigint, reason text,
		OUT one case_record, OUT r request, OUT who coordinator)
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	one := case_named(given_case);
	PERFORM need_office(one.office_id, 'reassign'), need_open(one), need_reason(reason);
	IF one.held_since IS NOT NULL THEN
		PERFORM refuse(format('case_code: case %s is on hold', one.case_code), 'vac.release_case(…) first, if contact is safe again.');
	ELSIF given_who IS NULL THEN
		PERFORM refuse('coordinator: nobody was named', 'Such as ''SEA-1'', or ''somebody else'': then the planner finds whom.');
	END IF;
	r := request_of_case(one, given_request);
	IF lower(btrim(given_who)) <> 'somebody else' THEN
		who := coordinator_named(given_who);
		IF who.coordinator_id NOT IN (SELECT near_coordinators()) THEN
			PERFORM refuse(format('coordinator: %s is of an office that neither is yours nor stands in for yours', who.code),
				'Their own supervisors say where they go; vac.set_backup(…) makes their office a backup.', '42501');
		ELSIF who.retired_at IS NOT NULL THEN
			PERFORM refuse(format('coordinator: %s has left', who.code), 'TABLE vac.roster lists those who are here.');
		END IF;
	END IF;
	PERFORM lock_case_people(one, who.coordinator_id);
	IF EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.live AND upper(a.span) <= moment()) THEN
		PERFORM refuse(format('case_code: the meeting of case %s is over', one.case_code),
			'vac.record_outcome(…) says what became of it; what was not held is planned again, and can then be reassigned.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.begin_reassign(text, text, bigint, text) IS
	'Case, request and coordinator of vac.reassign(), looked at and locked; who is NULL: somebody else';

CREATE OR REPLACE FUNCTION vac_store.need_start(starts timestamptz, at timestamptz, zone text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	-- now() is the beginning of the transaction, and who goes at once is on the way.
	IF starts < at - interval '15 minutes' THEN
		PERFORM refuse(format('start: %s is over', local_text(starts, zone)), 'Whoever is to go now goes from now(). A meeting that has been is recorded by vac.record_outcome(…).');
	ELSIF starts > at + interval '366 days' OR NOT isfinite(starts) THEN
		PERFORM refuse(format('start: %s is more than a year ahead', starts), 'Is the year right?');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_start(timestamptz, timestamptz, text) IS 'Refuses a start that is over, or more than a year ahead';

CREATE OR REPLACE FUNCTION vac.reassign(case_code text, coordinator text, start text DEFAULT NULL, reason text DEFAULT NULL,
		request bigint DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	zone text;
	starts timestamptz;
	b record;
BEGIN
	b := begin_reassign(reassign.case_code, reassign.coordinator, reassign.request, reassign.reason);
	zone := (SELECT o.time_zone FROM office o WHERE o.office_id = (b.one).office_id);
	IF (b.who).coordinator_id IS NULL THEN
		IF reassign.start IS NOT NULL THEN
			PERFORM refuse('start: the planner finds the time for somebody else', 'Leave it out, or name who shall go.');
		END IF;
		RETURN want_somebody_else(b.one, b.r, reassign.reason, at);
	END IF;
	IF reassign.start IS NULL THEN
		SELECT lower(a.span) INTO starts FROM appointment a WHERE a.request_id = (b.r).request_id AND a.live
			ORDER BY a.coordinator_id <> (b.who).coordinator_id, a.state <> 'accepted', a.appointment_id LIMIT 1;
		IF starts IS NULL THEN
			PERFORM refuse(format('start: case %s has no appointment whose time could stay', (b.one).case_code),
				format('Say when: start => ''2026-12-24 13:00'' (time of %s), or now(). SELECT * FROM vac.who_could(''%s'') has the best time of each.',
					zone, (b.one).case_code));
		END IF;
	ELSE
		PERFORM refuse_if(CASE WHEN day_problem(reassign.start) IS NULL THEN format('%s is a day; a time of day is needed, such as %s 13:00', reassign.start, reassign.start)
			ELSE moment_problem(reassign.start, zone) END, 'start');
		starts := local_moment(reassign.start, zone);
		PERFORM need_start(starts, at, zone);
	END IF;
	RETURN set_by_hand(b.one, b.r, b.who, starts, reassign.reason, at);
END
$$;
COMMENT ON FUNCTION vac.reassign(text, text, text, text, bigint) IS
	'A supervisor says who goes, and when: vac.reassign(''K7Q-4MX'', ''SEA-2'', ''2026-12-24 13:00'', ''wish: asked for her''). Past every rule but '
	'double booking; a notice says which rules were passed over. start: local time of the case''s office; left out: it stays as it is. It is pinned: no plan '
	'moves or replaces it (of a call-out that nobody answers others are asked as well), vac.unpin() ends that. coordinator ''somebody else'': whoever has it now '
	'is barred from it, and it is planned again. request: its number, where a case has several';

CREATE OR REPLACE FUNCTION vac.reassign(case_code text, coordinator text, start timestamptz, reason text, request bigint DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	b record;
BEGIN
	IF reassign.start IS NULL THEN
		RETURN vac.reassign(reassign.case_code, reassign.coordinator, NULL::text, reassign.reason, reassign.request);
	END IF;
	b := begin_reassign(reassign.case_code, reassign.coordinator, reassign.request, reassign.reason);
	IF (b.who).coordinator_id IS NULL THEN
		PERFORM refuse('start: the planner finds the time for somebody else', 'Leave it out, or name who shall go.');
	END IF;
	PERFORM need_start(reassign.start, at, (SELECT o.time_zone FROM office o WHERE o.office_id = (b.one).office_id));
	RETURN set_by_hand(b.one, b.r, b.who, date_trunc('minute', reassign.start), reassign.reason, at);
END
$$;
COMMENT ON FUNCTION vac.reassign(text, text, timestamptz, text, bigint) IS
	'The same with a moment as start, such as now() for who goes at once';

CREATE OR REPLACE FUNCTION vac.unpin(case_code text, reason text DEFAULT 'other', request bigint DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	fixed appointment[];
	unasked bigint[];
	still record;
BEGIN
	one := case_named(unpin.case_code);
	PERFORM need_office(one.office_id, 'unpin'), need_open(one), need_reason(unpin.reason);
	PERFORM lock_case_people(one);
	fixed := ARRAY(SELECT a FROM appointment a WHERE a.case_id = one.case_id AND a.live AND a.pinned AND upper(a.span) > at
		AND (unpin.request IS NULL OR a.request_id = unpin.request) ORDER BY a.appointment_id);
	IF fixed = '{}' THEN
		RETURN format('Case %s: nothing of it is pinned', one.case_code);
	END IF;
	-- What was not answered in time is looked at again: now somebody else may be sought.
	UPDATE appointment a SET pinned = false,
			window_at = CASE WHEN a.state = 'invited' AND a.window_at IS NULL AND a.answer_by <= at THEN at ELSE a.window_at END
		WHERE a.appointment_id = ANY (ARRAY(SELECT p.appointment_id FROM unnest(fixed) p));
	-- Whom no mail reached and nobody rang up has not been asked: for such a one somebody else is found, as if it had never been pinned.
	unasked := ARRAY(SELECT m.message_id FROM unnest(fixed) f JOIN message m ON m.uid = f.uid
		WHERE m.sequence = f.sequence AND m.state = 'refused' AND m.telephoned_at IS NULL AND is_first_word(m));
	IF unasked <> '{}' THEN
		PERFORM invitation_refused(unasked);
		RAISE NOTICE 'The mail server did not take the invitation of %: it is planned again', (SELECT string_agg(DISTINCT m.recipient_name, ', ') FROM message m
			WHERE m.message_id = ANY (unasked));
	END IF;
	PERFORM pg_notify('vac_deadline', '');
	FOR still IN
		SELECT format('%s, %s', k.code, rules_text(p.rules, r)) AS why
			FROM unnest(fixed) a JOIN request r ON r.request_id = a.request_id JOIN coordinator k ON k.coordinator_id = a.coordinator_id
				CROSS JOIN LATERAL (SELECT array_remove(passed_rules(r, a.coordinator_id, lower(a.span), at), 'notice') AS rules) p
			WHERE k.coordinator_id IN (SELECT my_coordinators()) AND p.rules <> '{}'
				AND EXISTS (SELECT FROM appointment b WHERE b.appointment_id = a.appointment_id AND b.live)
	LOOP
		RAISE NOTICE 'It stays where no plan would have put it: %. vac.reassign(…, ''somebody else'') has it planned again', still.why;
	END LOOP;
	PERFORM record('unpinned', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
		why => reason_code(unpin.reason), said => reason_note(unpin.reason)) FROM unnest(fixed) a;
	RETURN format('Case %s: %s; a plan may move or replace it again', one.case_code,
		(SELECT string_agg(format('%s (%s), %s', k.code, k.name, short_span(a.span, o.time_zone)), '; ' ORDER BY lower(a.span), a.appointment_id)
			FROM unnest(fixed) a JOIN coordinator k ON k.coordinator_id = a.coordinator_id JOIN office o ON o.office_id = a.office_id));
END
$$;
COMMENT ON FUNCTION vac.unpin(text, text, bigint) IS
	'Takes back that no plan may change what vac.reassign() set: it stays as it is, and from now on it can be moved or replaced like any other. '
	'request: its number, where a case has several';

-- ---- leave over what is pinned ---------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.pinned_in(who integer, spans tstzrange[]) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(a.appointment_id ORDER BY a.appointment_id), '{}') FROM appointment a
		WHERE a.coordinator_id = who AND a.live AND a.pinned AND upper(a.span) > moment()
			AND EXISTS (SELECT FROM unnest(spans) s WHERE s && a.span);
$$;
COMMENT ON FUNCTION vac_store.pinned_in(integer, tstzrange[]) IS 'Appointments to come of a coordinator in these spans that a supervisor pinned: leave does not end them';

CREATE OR REPLACE FUNCTION vac_store.tell_of_pinned(who integer, spans tstzrange[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	kept CONSTANT bigint[] := pinned_in(who, spans);
	told record;
BEGIN
	PERFORM record('pinned_in_leave', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id)
		FROM appointment a WHERE a.appointment_id = ANY (kept);
	FOR told IN
		SELECT a.office_id, string_agg(format('%s: %s, %s, %s', c.case_code, span_text(a.span, o.time_zone), k.name, k.telephone), E'\n'
					ORDER BY lower(a.span), a.appointment_id) AS lines, bool_or(a.urgency = 'immediate') AS hurry
			FROM appointment a
				JOIN case_record c ON c.case_id = a.case_id AND c.held_since IS NULL
				JOIN office o ON o.office_id = a.office_id
				JOIN coordinator k ON k.coordinator_id = a.coordinator_id
			WHERE a.appointment_id = ANY (kept)
			GROUP BY a.office_id ORDER BY a.office_id
	LOOP
		PERFORM tell_supervisors(told.office_id, 'leave over what was set by hand',
			E'These appointments were set by hand, and now their coordinator is away then:\n\n' || told.lines
				|| E'\n\nThey stay until you say otherwise: vac.reassign() gives them to somebody else.\n', told.hurry);
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.tell_of_pinned(integer, tstzrange[]) IS 'Tells the supervisors of appointments that leave would have ended, were they not pinned';

CREATE OR REPLACE FUNCTION vac_store.stays_text(kept bigint[]) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN CASE WHEN cardinality(kept) = 0 THEN ''
		ELSE '; ' || vac_store.quantity(cardinality(kept), 'appointment that was set by hand stays', 'appointments that were set by hand stay')
			|| ', and the supervisors are told' END;
COMMENT ON FUNCTION vac_store.stays_text(bigint[]) IS 'The end of a sentence that says how many pinned appointments stay; empty for none';
