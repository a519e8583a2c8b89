-- Verbs about what else a case needs: one more meeting or a series of them, one less, and an invitation sent
-- again.

-- ---- one more, or a series -------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.check_series(times integer, every interval) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF times IS NULL OR times NOT BETWEEN 1 AND 52 THEN
		PERFORM refuse(format('times: %s', coalesce(times::text, 'nothing')), 'From 1 to 52 meetings in one call.');
	ELSIF times > 1 AND every IS NULL THEN
		PERFORM refuse('every: how far apart are they?', 'Say it as every => ''1 week'' (''2 weeks'', ''3 days'', ''1 month'').');
	ELSIF every < interval '1 day' OR every > interval '1 year' THEN
		PERFORM refuse(format('every: %s', every), 'From a day to a year; several meetings of one day are several calls.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.check_series(integer, interval) IS 'Refuses a series of meetings that is none: how many, how far apart';

-- By the office's calendar and clock: a week later is the same hour on both sides of a change of clocks.
CREATE OR REPLACE FUNCTION vac_store.later_by(at timestamptz, steps integer, every interval, zone text) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN CASE WHEN steps = 0 OR NOT isfinite(at) THEN at
		ELSE vac_store.local_instant((at AT TIME ZONE zone) + steps * every, zone) END;
COMMENT ON FUNCTION vac_store.later_by(timestamptz, integer, interval, text) IS 'A moment so many steps later, in local time of a zone';

CREATE OR REPLACE FUNCTION vac_store.series_times(r request, of_office office, at timestamptz, nth integer, every interval,
		minutes integer, window_from timestamptz, window_to timestamptz, due timestamptz, last boolean) RETURNS request
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
	zone CONSTANT text := of_office.time_zone;
	starts CONSTANT timestamptz := coalesce(window_from, at);
BEGIN
	RETURN request_times(r, of_office, at, true, minutes, CASE WHEN nth > 0 OR window_from IS NOT NULL THEN later_by(starts, nth, every, zone) END,
		-- Without an end of its own each is over before the next may begin.
		CASE WHEN window_to IS NOT NULL THEN later_by(window_to, nth, every, zone) WHEN NOT last THEN later_by(starts, nth + 1, every, zone) END,
		later_by(due, nth, every, zone));
END
$$;
COMMENT ON FUNCTION vac_store.series_times(request, office, timestamptz, integer, interval, integer, timestamptz, timestamptz, timestamptz, boolean) IS
	'The nth meeting of a series (from 0), with window and due time so many steps later than those of the first';

CREATE OR REPLACE FUNCTION vac.add_request(
	case_code text,
	service text DEFAULT 'counseling',
	urgency text DEFAULT 'routine',
	times integer DEFAULT 1,
	every interval DEFAULT NULL,
	language text DEFAULT NULL,
	mode text DEFAULT 'at_office',
	place text DEFAULT NULL,
	interpreter text DEFAULT NULL,
	gender text DEFAULT NULL,
	gender_required boolean DEFAULT NULL,
	preferred text DEFAULT NULL,
	minutes integer DEFAULT NULL,
	window_from timestamptz DEFAULT NULL,
	window_to timestamptz DEFAULT NULL,
	due timestamptz DEFAULT NULL,
	reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	of_office office;
	latest request;
	r request;
	asked request[] := '{}';
	ids bigint[];
	first timestamptz := add_request.window_from;
BEGIN
	one := case_named(add_request.case_code);
	PERFORM need_office(one.office_id, 'add_request'), need_open(one), check_series(add_request.times, add_request.every);
	SELECT * INTO of_office FROM office o WHERE o.office_id = one.office_id;
	PERFORM FROM request q WHERE q.case_id = one.case_id ORDER BY q.request_id FOR NO KEY UPDATE;
	-- What is left out is as it was asked for last: it is the same person.
	SELECT * INTO latest FROM request q WHERE q.case_id = one.case_id ORDER BY q.request_id DESC LIMIT 1;
	r.case_id := one.case_id;
	r.office_id := one.office_id;
	r := request_words(r, of_office, coalesce(add_request.language, one.language), add_request.service, add_request.urgency, add_request.mode,
		add_request.place, coalesce(add_request.interpreter, latest.interpreter, 'none'), coalesce(add_request.gender, latest.gender),
		coalesce(add_request.gender_required, CASE WHEN add_request.gender IS NULL THEN latest.gender_required END), add_request.preferred);
	IF add_request.preferred IS NULL THEN
		r.preferred_id := (SELECT s.coordinator_id FROM coordinator_service s WHERE s.service = r.service AND s.coordinator_id = coordinator_of_case(one)
			AND NOT EXISTS (SELECT FROM case_conflict f WHERE f.case_id = one.case_id AND f.coordinator_id = s.coordinator_id));
	END IF;
	IF first IS NULL AND add_request.times > 1 THEN
		-- When the first can be at the earliest, so that the second is not days after it.
		first := least(policy_after('notice', r.urgency, of_office.office_id, at), add_request.due);
	END IF;
	FOR n IN 1 .. add_request.times LOOP
		asked := asked || series_times(r, of_office, at, n - 1, add_request.every, add_request.minutes, first,
			add_request.window_to, add_request.due, n = add_request.times);
	END LOOP;
	WITH made AS (
		INSERT INTO request (case_id, office_id, service, urgency, mode, place, language, interpreter, gender, gender_required, preferred_id,
				minutes, open_window, due_at, state, opened_at, plan_at)
			SELECT q.case_id, q.office_id, q.service, q.urgency, q.mode, q.place, q.language, q.interpreter, q.gender, q.gender_required,
					q.preferred_id, q.minutes, q.open_window, q.due_at, 'open', at, at
				FROM unnest(asked) q ORDER BY q.due_at
			RETURNING request_id
	)
	SELECT array_agg(m.request_id ORDER BY m.request_id) INTO ids FROM made m;
	PERFORM record('request_added', of_office => one.office_id, of_case => one.case_id, of_request => ids[1], of_coordinator => r.preferred_id,
		why => CASE WHEN add_request.reason IS NOT NULL THEN reason_code(add_request.reason) END, said => reason_note(add_request.reason),
		more => jsonb_build_object('urgency', r.urgency, 'service', r.service, 'mode', r.mode, 'requests', ids));
	PERFORM warn_of_language(r);
	PERFORM warn_of_silence(of_office) WHERE one.held_since IS NULL;
	RETURN said(format('Case %s: %s (request%s %s)%s%s', one.case_code, quantity(cardinality(ids), 'meeting', 'meetings'),
		CASE WHEN cardinality(ids) > 1 THEN 's' ELSE '' END, array_to_string(ids, ', '),
		coalesce((SELECT format(', with %s (%s) if it can be', k.name, k.code) FROM coordinator k WHERE k.coordinator_id = r.preferred_id), ''),
		CASE WHEN one.held_since IS NOT NULL THEN '; the case is on hold, so nothing is planned' ELSE '; being planned' END));
END
$$;
COMMENT ON FUNCTION vac.add_request(text, text, text, integer, interval, text, text, text, text, text, boolean, text, integer, timestamptz,
	timestamptz, timestamptz, text) IS
	'One more meeting for an open case, or a series: times => 6, every => ''1 week''. The other arguments are those of vac.open_case(); window_from, '
	'window_to and due are of the first, and move on with each. Language, interpreter and gender are as they were asked for last, preferred is who '
	'sees to the case, unless said otherwise (none: nobody)';

-- ---- one less --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.withdraw_request(case_code text, request bigint DEFAULT NULL, reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	r request;
	ended bigint[];
BEGIN
	one := case_named(withdraw_request.case_code);
	PERFORM need_office(one.office_id, 'withdraw_request'), need_open(one), need_reason(withdraw_request.reason);
	r := request_of_case(one, withdraw_request.request);
	IF EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.live AND lower(a.span) <= at) THEN
		PERFORM refuse(format('request: the meeting of request %s has begun', r.request_id),
			format('SELECT vac.record_outcome(''%s'', ''not_wanted'', request => %s) says what became of it.', one.case_code, r.request_id));
	END IF;
	ended := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.request_id = r.request_id AND a.live);
	UPDATE request q SET state = 'withdrawn' WHERE q.request_id = r.request_id;
	PERFORM end_appointments(ended, 'cancelled', 'withdrawn'), end_pages(ended);
	PERFORM tell_requesters(ARRAY[r.request_id], 'cancelled', at) WHERE ended <> '{}';
	PERFORM record('request_withdrawn', of_office => one.office_id, of_case => one.case_id, of_request => r.request_id,
		why => reason_code(withdraw_request.reason), said => reason_note(withdraw_request.reason));
	RETURN format('Case %s: request %s is withdrawn%s; the case stays open', one.case_code, r.request_id,
		CASE WHEN ended <> '{}' THEN ', and the coordinator is told' ELSE '' END);
END
$$;
COMMENT ON FUNCTION vac.withdraw_request(text, bigint, text) IS
	'One meeting of a case is not needed, the case goes on: an appointment for it is cancelled. request: its number, where a case has several. '
	'vac.withdraw_case() ends the case';

-- ---- an invitation again ---------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.send_again(case_code text, coordinator text DEFAULT NULL, request bigint DEFAULT NULL, reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	who coordinator;
	a appointment;
	m message;
BEGIN
	one := case_named(send_again.case_code);
	PERFORM need_office(one.office_id, 'send_again'), need_open(one);
	IF one.held_since IS NOT NULL THEN
		PERFORM refuse(format('case_code: case %s is on hold, and nothing is sent', one.case_code), 'vac.release_case(…) first, if contact is safe again.');
	END IF;
	IF send_again.coordinator IS NOT NULL THEN
		who := coordinator_named(send_again.coordinator);
	END IF;
	PERFORM lock_case_people(one, who.coordinator_id);
	a := live_appointment(one, send_again.request, who.coordinator_id);
	IF who.coordinator_id IS NOT NULL AND who.coordinator_id <> a.coordinator_id THEN
		PERFORM refuse(format('coordinator: %s was not asked for case %s', who.code, one.case_code),
			(SELECT format('It is %s (%s) who was.', k.code, k.name) FROM coordinator k WHERE k.coordinator_id = a.coordinator_id));
	END IF;
	SELECT * INTO who FROM coordinator k WHERE k.coordinator_id = a.coordinator_id;
	-- What waits is the newest state already; one more would overtake it.
	IF EXISTS (SELECT FROM message o WHERE o.uid = a.uid AND o.waiting) THEN
		RETURN format('Case %s: mail to %s still waits to be sent; TABLE vac.mail_queue shows since when', one.case_code, who.mail);
	END IF;
	PERFORM queue_appointments('invitation', ARRAY[a.appointment_id], at);
	-- The same state: what they answered stands, and it stays in one thread.
	UPDATE message o SET partstat = CASE WHEN a.partstat IN ('ACCEPTED', 'TENTATIVE') THEN a.partstat END,
			first_uuid = (SELECT f.mail_uuid FROM message f WHERE f.uid = a.uid AND f.message_id + 0 < o.message_id ORDER BY f.message_id LIMIT 1)
		WHERE o.message_id = (SELECT max(l.message_id) FROM message l WHERE l.uid = a.uid) RETURNING o.* INTO m;
	PERFORM queue_pages(ARRAY[a.appointment_id], at) WHERE a.urgency = 'immediate' AND a.state = 'invited';
	PERFORM record('sent_again', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id, m.message_id,
		why => CASE WHEN send_again.reason IS NOT NULL THEN reason_code(send_again.reason) END, said => reason_note(send_again.reason));
	IF m.state = 'suppressed' THEN
		RETURN said(format('Case %s: nothing may be mailed to %s, its domain is not allowed: call %s, %s', one.case_code, who.mail, who.name, who.telephone));
	END IF;
	RETURN said(format('Case %s: the invitation to %s goes to %s again; by telephone %s', one.case_code,
		short_span(a.span, (SELECT o.time_zone FROM office o WHERE o.office_id = a.office_id)), who.mail, who.telephone));
END
$$;
COMMENT ON FUNCTION vac.send_again(text, text, bigint, text) IS
	'Sends the newest invitation of an appointment to come again, to the address that its coordinator has now: for when it was lost or deleted. Nothing else changes, '
	'neither the time to answer nor the answer. coordinator, request: which, where there are several';
