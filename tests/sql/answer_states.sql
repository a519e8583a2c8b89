-- The life of an appointment: every state × every event. tests/lint/test_appointment_states.py holds the
-- table below and the one of vacd-appointment(7) together.
BEGIN;
\ir answer.psql

-- event, states, state after (=: the same), mail to the holder, outcome of the mail or answer of the verb
CREATE TEMPORARY TABLE line (event text, states text, after text, mail text, outcome text);
INSERT INTO line VALUES
	-- cells begin
	('accepted', 'invited, accepted', 'accepted', '-', 'taken'),
	('accepted', 'held, missed', '=', '-', 'left_alone'),
	('accepted', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('declined', 'invited, accepted', 'declined', 'cancel', 'taken'),
	('declined', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'left_alone'),
	('tentative', 'invited, accepted', 'invited', '-', 'taken'),
	('tentative', 'held, missed', '=', '-', 'left_alone'),
	('tentative', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('delegated, fits', 'invited, accepted', 'replaced', 'cancel', 'taken'),
	('delegated, fits', 'held, missed', '=', '-', 'left_alone'),
	('delegated, fits', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('delegated, misfit', 'invited, accepted', '=', '-', 'refused'),
	('delegated, misfit', 'held, missed', '=', '-', 'left_alone'),
	('delegated, misfit', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('colleague accepts', 'invited', 'replaced', 'cancel', 'taken'),
	('colleague accepts', 'accepted, held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'refused'),
	('counter, fits', 'invited, accepted', 'invited', 'update', 'taken'),
	('counter, fits', 'held, missed', '=', '-', 'left_alone'),
	('counter, fits', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('counter, misfit', 'invited, accepted', '=', 'counter_refused', 'refused'),
	('counter, misfit', 'held, missed', '=', '-', 'left_alone'),
	('counter, misfit', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('refresh', 'invited, accepted', '=', 'update', 'taken'),
	('refresh', 'held, missed', '=', '-', 'left_alone'),
	('refresh', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('stale', 'invited, accepted', '=', 'update', 'stale'),
	('stale', 'held, missed', '=', '-', 'left_alone'),
	('stale', 'declined, lapsed, replaced, cancelled', '=', 'cancel', 'refused'),
	('duplicate', 'invited, accepted, held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'duplicate'),
	('stranger', 'invited, accepted, held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'sender_misfit'),
	('robot', 'invited, accepted, held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'automatic_reply'),
	('invitation bounced', 'invited', 'replaced', '-', 'delivery_failed'),
	('invitation bounced', 'accepted, held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'delivery_failed'),
	('held', 'invited, accepted', 'held', '-', 'taken'),
	('held', 'held', '=', '-', 'duplicate'),
	('held', 'missed, declined, lapsed, replaced, cancelled', '=', '-', 'refused'),
	('missed', 'invited, accepted', 'missed', '-', 'taken'),
	('missed', 'missed', '=', '-', 'duplicate'),
	('missed', 'held, declined, lapsed, replaced, cancelled', '=', '-', 'refused'),
	('contacted', 'invited, accepted, missed', '=', '-', 'taken'),
	('contacted', 'held', '=', '-', 'duplicate'),
	('contacted', 'declined, lapsed, replaced, cancelled', '=', '-', 'refused'),
	('confirm accept', 'invited, accepted', 'accepted', '-', 'done'),
	('confirm accept', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'error'),
	('confirm decline', 'invited, accepted', 'declined', 'cancel', 'done'),
	('confirm decline', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'error'),
	('confirm tentative', 'invited, accepted', 'invited', '-', 'done'),
	('confirm tentative', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'error'),
	('outcome held', 'invited, accepted, held, missed', 'held', '-', 'done'),
	('outcome held', 'declined, lapsed, replaced, cancelled', '=', '-', 'error'),
	('outcome victim_absent', 'invited, accepted, held, missed', 'missed', '-', 'done'),
	('outcome victim_absent', 'declined, lapsed, replaced, cancelled', '=', '-', 'error'),
	('another accepted', 'invited, accepted', 'replaced', 'cancel', 'taken'),
	('another accepted', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'taken'),
	('lapse', 'invited', 'lapsed', 'cancel', 'done'),
	('lapse', 'accepted, held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('moved', 'invited, accepted', 'invited', 'update', 'done'),
	('moved', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('changed, fits', 'invited, accepted', '=', 'update', 'done'),
	('changed, fits', 'held', '=', '-', 'error'),
	('changed, fits', 'missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('changed, misfit', 'invited, accepted', 'cancelled', 'cancel', 'done'),
	('changed, misfit', 'held', '=', '-', 'error'),
	('changed, misfit', 'missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('leave', 'invited, accepted', 'cancelled', 'cancel', 'done'),
	('leave', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('conflict', 'invited, accepted', 'cancelled', 'cancel', 'done'),
	('conflict', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('case on hold', 'invited, accepted', 'cancelled', '-', 'done'),
	('case on hold', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'done'),
	('case withdrawn', 'invited, accepted', 'cancelled', 'cancel', 'done'),
	('case withdrawn', 'held, missed, declined, lapsed, replaced, cancelled', '=', '-', 'done')
	-- cells end
	;
CREATE TEMPORARY TABLE cell AS SELECT l.event, s AS state, CASE l.after WHEN '=' THEN s ELSE l.after END AS after, l.mail, l.outcome
	FROM line l, string_to_table(l.states, ', ') s;

CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.over(id bigint) RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span
		FROM (SELECT tstzrange(now() - interval '2 hours', now() - interval '1 hour') AS span) s WHERE appointment_id = id
$$;
-- An appointment in a state, which its holder and all calendars know of.
CREATE FUNCTION pg_temp.in_state(state text, hurry boolean, past boolean) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		id bigint := pg_temp.invited('SEA-1', pg_temp.day(2, '13:00'), CASE WHEN hurry THEN 'immediate' ELSE 'routine' END);
	BEGIN
		IF state = 'accepted' THEN
			PERFORM pg_temp.comes(id, pg_temp.says(id, 'ACCEPTED', stamped => now() - interval '10 minutes'));
		ELSIF state IN ('held', 'missed') THEN
			PERFORM pg_temp.over(id);
			PERFORM vac_store.take_outcome(a, in_state.state, now()) FROM vac_store.appointment a WHERE a.appointment_id = id;
		ELSIF state <> 'invited' THEN
			PERFORM vac_store.end_appointments(ARRAY[id], state);
			UPDATE vac_store.request r SET state = 'open' WHERE r.request_id = (pg_temp.r(id)).request_id;
		END IF;
		IF past AND state NOT IN ('held', 'missed') THEN
			PERFORM pg_temp.over(id);
		END IF;
		PERFORM pg_temp.sent();
		RETURN id;
	END
$$;
CREATE FUNCTION pg_temp.mail_does(event text, id bigint) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		at timestamptz := pg_temp.day(2, '08:15');
		attendees text := '{"attendees": [{"address": "sea-1@example.org", "partstat": "DELEGATED", "delegated_to": ["%s@example.org"]}]}';
		early jsonb := jsonb_build_object('start', pg_temp.secs(at), 'end', pg_temp.secs(at + interval '1 hour'), 'original_start', pg_temp.secs(lower((pg_temp.a(id)).span)));
		other bigint;
		said jsonb;
	BEGIN
		IF event IN ('accepted', 'declined', 'tentative') THEN
			RETURN pg_temp.comes(id, pg_temp.says(id, upper(event)));
		ELSIF event LIKE 'delegated, %' THEN
			RETURN pg_temp.comes(id, pg_temp.says(id, 'DELEGATED', event => format(attendees, CASE event WHEN 'delegated, fits' THEN 'sea-2' ELSE 'hnl-1' END)::jsonb));
		ELSIF event = 'colleague accepts' THEN
			RETURN pg_temp.comes(id, pg_temp.says(id, 'ACCEPTED', who => 'sea-2@example.org'));
		ELSIF event LIKE 'counter, %' THEN
			RETURN pg_temp.comes(id, pg_temp.says(id, 'TENTATIVE', method => 'COUNTER', event => early
				|| CASE event WHEN 'counter, misfit' THEN jsonb_build_object('end', pg_temp.secs(at + interval '5 hours')) ELSE '{}' END));
		ELSIF event = 'refresh' THEN
			RETURN pg_temp.comes(id, pg_temp.says(id, NULL, method => 'REFRESH'));
		ELSIF event = 'stale' THEN
			UPDATE vac_store.message m SET span = tstzrange(lower(m.span) - interval '1 hour', upper(m.span) - interval '1 hour') WHERE m.appointment_id = id AND m.sequence = 0;
			UPDATE vac_store.appointment a SET sequence = 5 WHERE a.appointment_id = id;
			RETURN pg_temp.comes(id, pg_temp.says(id, 'ACCEPTED', sequence => 0, event => '{"start": null}'));
		ELSIF event = 'duplicate' THEN
			said := pg_temp.says(id, 'TENTATIVE', stamped => now() - interval '1 hour');
			INSERT INTO vac_store.answer (appointment_id, coordinator_id, address, said_sequence, sequence, stamped, partstat, mail_message_id, taken_at)
				SELECT id, a.coordinator_id, 'sea-1@example.org', a.sequence, a.sequence, date_trunc('second', now() - interval '1 hour'), 'TENTATIVE', said ->> 'message_id', now()
					FROM vac_store.appointment a WHERE a.appointment_id = id;
			RETURN pg_temp.comes(id, jsonb_set(said, '{calendar,events,0,stamped}', to_jsonb(pg_temp.secs(date_trunc('second', now() - interval '1 hour')))));
		ELSIF event = 'stranger' THEN
			RETURN pg_temp.comes(id, pg_temp.says(id, 'DECLINED', who => 'stranger@example.net'));
		ELSIF event = 'robot' THEN
			RETURN pg_temp.comes(id, '{"kind": "automatic", "from": "sea-1@example.org"}');
		ELSIF event = 'invitation bounced' THEN
			RETURN pg_temp.comes(pg_temp.report('failed'), (SELECT m.bounce_handle FROM vac_store.message m WHERE m.appointment_id = id AND m.kind = 'invitation'), 'bounce');
		ELSIF event = 'another accepted' THEN
			INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
				SELECT request_id, case_id, office_id, (pg_temp.k('SEA-2')).coordinator_id, span, busy, urgency, vac_store.handle(), now()
					FROM vac_store.appointment WHERE appointment_id = id RETURNING appointment_id INTO other;
			RETURN pg_temp.comes(other, pg_temp.says(other, 'ACCEPTED'));
		END IF;
		RETURN pg_temp.comes(id, pg_temp.words(id, event));
	END
$$;
CREATE FUNCTION pg_temp.else_does(event text, id bigint) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		a vac_store.appointment := pg_temp.a(id);
		code text := pg_temp.code(id);
		one vac_store.planned;
		later interval := '1 hour';
	BEGIN
		IF event LIKE 'confirm %' THEN
			PERFORM vac.confirm(code, answer => split_part(event, ' ', 2));
		ELSIF event LIKE 'outcome %' THEN
			PERFORM vac.record_outcome(code, split_part(event, ' ', 2));
		ELSIF event = 'lapse' THEN
			-- By the deadline stage, where it is there.
			IF to_regprocedure('vac_store.lapse_unanswered(bigint, timestamptz)') IS NOT NULL THEN
				EXECUTE 'UPDATE vac_store.request SET seek_since = now() WHERE request_id = $1 AND state = ''planned'' AND $2' USING a.request_id, a.state = 'invited';
				EXECUTE 'SELECT vac_store.lapse_unanswered($1, now())' USING a.request_id;
			ELSE
				PERFORM vac_store.end_appointments(ARRAY[id], 'lapsed', 'no_answer') WHERE a.state = 'invited';
			END IF;
		ELSIF event = 'moved' THEN
			SELECT 1, a.request_id, a.coordinator_id, tstzrange(lower(a.span) + later, upper(a.span) + later), tstzrange(lower(a.busy) + later, upper(a.busy) + later), false, false, id, a.coordinator_id, pg_temp.secs(lower(a.span))
				INTO one.n, one.request_id, one.coordinator_id, one.span, one.busy, one.by_interpreter, one.over_cap, one.appointment_id, one.from_coordinator, one.from_start;
			one.group_id := 1;
			IF vac_store.move_rule(one, ARRAY[one], now(), '{}') = 'move_changed' THEN
				RETURN 'done';
			END IF;
			PERFORM vac_store.place_moved(one, ARRAY[one], '{}', now(), '{"1": {"fence": 1, "round": 1}}');
		ELSIF event LIKE 'changed, %' THEN
			PERFORM vac.change_request(code, place => CASE event WHEN 'changed, fits' THEN 'AIR' END, minutes => CASE event WHEN 'changed, misfit' THEN 90 END);
		ELSIF event = 'leave' THEN
			PERFORM vac.add_leave('SEA-1', lower(a.span)::text, upper(a.span)::text);
		ELSIF event = 'conflict' THEN
			PERFORM vac.add_conflict(code, 'SEA-1');
		ELSIF event = 'case on hold' THEN
			PERFORM vac.hold_case(code, 'safety');
		ELSE
			PERFORM vac.withdraw_case(code, 'resolved');
		END IF;
		RETURN 'done';
	EXCEPTION WHEN invalid_parameter_value THEN
		RETURN 'error';
	END
$$;
CREATE FUNCTION pg_temp.is_verb(event text) RETURNS boolean LANGUAGE sql AS $$
	SELECT event ~ '^(confirm |outcome |lapse|moved|changed|leave|conflict|case )'
$$;
-- What the event does in the state, and all back as it was.
CREATE FUNCTION pg_temp.try(event text, state text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		id bigint;
		last_message bigint;
		outcome text;
		found text;
	BEGIN
		BEGIN
			id := pg_temp.in_state(state, event = 'another accepted', event IN ('held', 'missed', 'contacted') OR event LIKE 'outcome %');
			IF (pg_temp.a(id)).state <> state THEN
				RAISE 'the test has % and not %', (pg_temp.a(id)).state, state;
			END IF;
			SELECT max(message_id) INTO last_message FROM vac_store.message;
			outcome := CASE WHEN pg_temp.is_verb(event) THEN pg_temp.else_does(event, id) ELSE split_part(pg_temp.mail_does(event, id), ':', 1) END;
			found := format('%s, %s, %s', (pg_temp.a(id)).state, coalesce((SELECT string_agg(m.kind, ' ' ORDER BY m.message_id) FROM vac_store.message m
				WHERE m.appointment_id = id AND m.message_id > last_message AND m.state = 'queued' AND m.kind <> 'requester'), '-'), outcome);
			RAISE triggered_action_exception;
		EXCEPTION WHEN triggered_action_exception THEN
			RETURN found;
		END;
	END
$$;

SELECT plan(2 + (SELECT count(*)::integer FROM cell));
SELECT is((SELECT count(*) FROM cell), 8 * (SELECT count(DISTINCT event) FROM cell), 'every state has every event');
SELECT is((SELECT count(DISTINCT (event, state)) FROM cell), (SELECT count(*) FROM cell), 'once');
SELECT is(pg_temp.try(event, state), format('%s, %s, %s', after, mail, outcome), state || ' × ' || event)
	FROM cell ORDER BY event, array_position(ARRAY['invited', 'accepted', 'held', 'missed', 'declined', 'lapsed', 'replaced', 'cancelled'], state);
SELECT * FROM finish();
ROLLBACK;
