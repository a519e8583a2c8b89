-- Verbs about cases: withdraw, hold, release, conflicts of interest, who is responsible. Who changes a case locks its row
-- and then its requests, as a plan that is being stored does, so that none is stored in between.

-- ---- reasons ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.reason_codes() RETURNS text[]
	LANGUAGE sql IMMUTABLE
	RETURN ARRAY['resolved', 'wish', 'mistake', 'duplicate', 'transferred', 'safety', 'safe', 'conflict', 'illness',
		'roster', 'other'];
COMMENT ON FUNCTION vac_store.reason_codes() IS
	'The reasons that history keeps as a word: resolved, wish (of the victim), mistake, duplicate, transferred, safety, safe (again), '
	'conflict (of interest), illness, roster, other';

CREATE OR REPLACE FUNCTION vac_store.reason_code(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN word = ANY (reason_codes()) THEN word ELSE 'other' END
		FROM (SELECT lower(btrim(split_part(given, ':', 1))) AS word) said;
$$;
COMMENT ON FUNCTION vac_store.reason_code(text) IS 'The word of a reason: safety of "safety: seen near the house"; other when it is none of the list';

CREATE OR REPLACE FUNCTION vac_store.reason_note(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT NULLIF(btrim(CASE WHEN lower(btrim(split_part(given, ':', 1))) = ANY (reason_codes())
		THEN substr(given, length(split_part(given, ':', 1)) + 2) ELSE given END), '');
$$;
COMMENT ON FUNCTION vac_store.reason_note(text) IS 'What a reason says beyond its word, to be kept as a note that can be redacted; NULL for nothing';

CREATE OR REPLACE FUNCTION vac_store.need_reason(given text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF coalesce(btrim(given), '') = '' THEN
		PERFORM refuse('reason: history keeps why', format('A word (%s), a sentence, or both: ''safety: seen near the house''. '
			'Name no victim in it.', array_to_string(reason_codes(), ', ')));
	ELSIF length(given) > 500 THEN
		PERFORM refuse(format('reason: %s characters are too long', length(given)), '500 is the most.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_reason(text) IS 'Refuses when no reason, or a too long one, was given';

-- ---- withdraw, hold, release -----------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.end_pages(appointment_ids bigint[]) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	UPDATE message m SET state = 'unneeded'
		WHERE m.appointment_id = ANY (appointment_ids) AND m.kind = 'page' AND m.state = 'queued' AND m.waiting;
$$;
COMMENT ON FUNCTION vac_store.end_pages(bigint[]) IS 'Pages that still wait are not needed when their appointment has ended';

CREATE OR REPLACE FUNCTION vac.withdraw_case(case_code text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	gone record;
	n bigint;
BEGIN
	one := case_named(withdraw_case.case_code);
	IF one.state = 'withdrawn' THEN
		RETURN format('Case %s was withdrawn already', one.case_code);
	END IF;
	PERFORM need_open(one);
	PERFORM need_reason(withdraw_case.reason);
	gone := end_requests(one, at, 'withdrawn');
	n := gone.ended;
	UPDATE case_record c SET state = 'withdrawn', ended_at = at WHERE c.case_id = one.case_id;
	IF one.held_since IS NOT NULL THEN
		PERFORM suppress_mail(one);
	END IF;
	PERFORM record('case_withdrawn', of_office => one.office_id, of_case => one.case_id,
		why => reason_code(withdraw_case.reason), said => reason_note(withdraw_case.reason),
		more => jsonb_build_object('appointments', n, 'requests', gone.requests));
	RETURN format('Case %s is withdrawn; %s', one.case_code, CASE WHEN n = 0 THEN 'no appointment stood'
		ELSE quantity(n, 'appointment is', 'appointments are') || ' cancelled'
			|| CASE WHEN one.held_since IS NULL THEN ', and the coordinator is told' ELSE ', and nobody is told: it was on hold' END END);
END
$$;
COMMENT ON FUNCTION vac.withdraw_case(text, text) IS
	'Ends a case that needs no help any more: appointments to come are cancelled, and their coordinators told. case_code: with '
	'or without hyphen. reason: a word, a sentence or both (''resolved: she is with family'')';

CREATE OR REPLACE FUNCTION vac_store.suppress_mail(one case_record) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	WITH kept_back AS (
		UPDATE message m SET state = 'suppressed'
			WHERE m.case_id = one.case_id AND m.state = 'queued' RETURNING m.message_id, m.appointment_id
	), told AS (
		INSERT INTO history (event, office_id, case_id, appointment_id, message_id, reason)
			SELECT 'message_suppressed', one.office_id, one.case_id, k.appointment_id, k.message_id, 'hold'
				FROM kept_back k ORDER BY k.message_id
			RETURNING 1
	)
	SELECT count(*) INTO n FROM told;
	RETURN n;
END
$$;
COMMENT ON FUNCTION vac_store.suppress_mail(case_record) IS 'Keeps back all mail of a case that still waits; returns how many';

CREATE OR REPLACE FUNCTION vac.hold_case(case_code text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	ended bigint[];
	told text;
BEGIN
	one := case_named(hold_case.case_code);
	PERFORM need_open(one);
	IF one.held_since IS NOT NULL THEN
		RETURN format('Case %s is on hold already', one.case_code);
	END IF;
	PERFORM need_reason(hold_case.reason);
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	ended := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.case_id = one.case_id AND a.live AND upper(a.span) > at);
	UPDATE case_record c SET held_since = at WHERE c.case_id = one.case_id RETURNING * INTO one;
	PERFORM end_appointments(ended, 'cancelled', 'hold');
	UPDATE request r SET state = 'open', plan_at = at
		WHERE r.case_id = one.case_id AND r.state = 'planned'
			AND r.request_id IN (SELECT a.request_id FROM appointment a WHERE a.appointment_id = ANY (ended))
			-- Of a call-out one may be over while another was still to come.
			AND NOT EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.live);
	PERFORM suppress_mail(one);
	PERFORM record('case_held', of_office => one.office_id, of_case => one.case_id,
		why => reason_code(hold_case.reason), said => reason_note(hold_case.reason),
		more => jsonb_build_object('appointments', cardinality(ended)));
	-- Nothing is sent, so whoever has it in their calendar would go: somebody must call them.
	SELECT string_agg(format(E'\nBy telephone, tell %s (%s), who was to be there %s', k.name, k.telephone, short_time(lower(a.span), o.time_zone)), '')
		INTO told
		FROM appointment a JOIN coordinator k USING (coordinator_id) JOIN office o ON o.office_id = a.office_id
		WHERE a.appointment_id = ANY (ended)
			AND EXISTS (SELECT FROM message m WHERE m.uid = a.uid AND m.ever_claimed);
	RETURN format('Case %s is on hold: nothing is planned and nothing is sent', one.case_code)
		|| coalesce(told, '');
END
$$;
COMMENT ON FUNCTION vac.hold_case(text, text) IS
	'For when contact could endanger somebody: appointments to come are cancelled without a word to anybody, nothing more is '
	'planned or sent until vac.release_case(); what would have gone out is in vac.suppressed. The answer names whom to '
	'telephone. reason: a word, a sentence or both (''safety: seen near the house'')';

CREATE OR REPLACE FUNCTION vac.release_case(case_code text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	n bigint;
BEGIN
	one := case_named(release_case.case_code);
	PERFORM need_open(one);
	IF one.held_since IS NULL THEN
		RETURN format('Case %s is not on hold', one.case_code);
	END IF;
	PERFORM need_reason(release_case.reason);
	UPDATE case_record c SET held_since = NULL WHERE c.case_id = one.case_id;
	-- Cancellations that were kept back go out now, where a calendar still shows the appointment;
	-- all else is made anew by the plan.
	UPDATE message m SET state = 'queued', not_before = at, checked = 0
		WHERE m.case_id = one.case_id AND m.kind = 'cancel' AND m.state = 'suppressed' AND lower(m.span) > at
			AND EXISTS (SELECT FROM message e WHERE e.uid = m.uid AND e.method = 'REQUEST' AND e.ever_claimed);
	UPDATE request r SET plan_at = at, refusals = 0 WHERE r.case_id = one.case_id AND r.to_plan;
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM pg_notify('vac_mailer', '');
	PERFORM record('case_released', of_office => one.office_id, of_case => one.case_id,
		why => reason_code(release_case.reason), said => reason_note(release_case.reason));
	PERFORM warn_of_silence(o) FROM office o WHERE o.office_id = one.office_id AND n > 0;
	RETURN format('Case %s is released; %s', one.case_code,
		CASE WHEN n = 0 THEN 'nothing is to be planned' ELSE quantity(n, 'meeting is', 'meetings are') || ' planned anew' END);
END
$$;
COMMENT ON FUNCTION vac.release_case(text, text) IS
	'Ends a hold: what the case needs is planned anew. reason: a word, a sentence or both (''safe: moved yesterday'')';

-- ---- who is barred, who is responsible -------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.add_conflict(case_code text, coordinator text, reason text DEFAULT 'conflict') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
	who coordinator;
	ended bigint[];
	touched bigint[];
BEGIN
	one := case_named(add_conflict.case_code);
	PERFORM need_office(one.office_id, 'add_conflict');
	PERFORM need_open(one);
	PERFORM need_reason(add_conflict.reason);
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	who := case_person(one, add_conflict.coordinator);
	INSERT INTO case_conflict (case_id, coordinator_id) VALUES (one.case_id, who.coordinator_id) ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RETURN format('Case %s: %s is kept away from it already', one.case_code, who.code);
	END IF;
	PERFORM record('conflict_added', of_office => one.office_id, of_case => one.case_id, of_coordinator => who.coordinator_id,
		why => reason_code(add_conflict.reason), said => reason_note(add_conflict.reason));
	touched := free_appointments(ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.case_id = one.case_id AND a.live
		AND a.coordinator_id = who.coordinator_id AND lower(a.span) > moment()), 'conflict');
	RETURN format('Case %s: %s (%s) is kept away from it%s', one.case_code, who.code, who.name,
		CASE WHEN cardinality(touched) > 0 THEN '; the appointment is cancelled and planned again' ELSE '' END);
END
$$;
COMMENT ON FUNCTION vac.add_conflict(text, text, text) IS
	'Keeps a coordinator away from a case (conflict of interest); an appointment they hold for it is cancelled and planned again';

CREATE OR REPLACE FUNCTION vac.remove_conflict(case_code text, coordinator text, reason text DEFAULT 'mistake') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
	who coordinator;
BEGIN
	who := coordinator_named(remove_conflict.coordinator);
	one := case_named(remove_conflict.case_code);
	PERFORM need_office(one.office_id, 'remove_conflict');
	DELETE FROM case_conflict c WHERE c.case_id = one.case_id AND c.coordinator_id = who.coordinator_id;
	IF NOT FOUND THEN
		PERFORM refuse(format('coordinator: %s is not kept away from case %s', who.code, one.case_code),
			(SELECT 'Kept away are: ' || coalesce(string_agg(c.code, ', ' ORDER BY c.code), 'nobody') FROM case_conflict f
				JOIN coordinator c USING (coordinator_id) WHERE f.case_id = one.case_id));
	END IF;
	PERFORM record('conflict_removed', of_office => one.office_id, of_case => one.case_id, of_coordinator => who.coordinator_id,
		why => reason_code(remove_conflict.reason), said => reason_note(remove_conflict.reason));
	PERFORM plan_soon(one.office_id);
	RETURN format('Case %s: %s (%s) may be sent to it again', one.case_code, who.code, who.name);
END
$$;
COMMENT ON FUNCTION vac.remove_conflict(text, text, text) IS 'Takes back vac.add_conflict()';

CREATE OR REPLACE FUNCTION vac.set_responsible(case_code text, coordinator text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
	who coordinator;
BEGIN
	one := case_named(set_responsible.case_code);
	PERFORM need_office(one.office_id, 'set_responsible');
	PERFORM need_open(one);
	PERFORM need_reason(set_responsible.reason);
	who := case_person(one, set_responsible.coordinator);
	IF who.retired_at IS NOT NULL THEN
		PERFORM refuse(format('coordinator: %s has left', who.code), 'TABLE vac.roster lists those who are here.');
	ELSIF EXISTS (SELECT FROM case_conflict c WHERE c.case_id = one.case_id AND c.coordinator_id = who.coordinator_id) THEN
		PERFORM refuse(format('coordinator: %s is kept away from case %s', who.code, one.case_code),
			'vac.remove_conflict(…) first, if that no longer holds.');
	END IF;
	UPDATE case_record c SET responsible_id = who.coordinator_id WHERE c.case_id = one.case_id;
	PERFORM record('responsible_set', of_office => one.office_id, of_case => one.case_id, of_coordinator => who.coordinator_id,
		why => reason_code(set_responsible.reason), said => reason_note(set_responsible.reason),
		more => jsonb_build_object('before', one.responsible_id));
	RETURN format('Case %s: %s, %s, %s is responsible; tell the victim', one.case_code, who.name, who.title, who.telephone);
END
$$;
COMMENT ON FUNCTION vac.set_responsible(text, text, text) IS
	'Makes a coordinator the one who is responsible for a case. The victim has a right to know name and telephone (34 USC 20141)';
