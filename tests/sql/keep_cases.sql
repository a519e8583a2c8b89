-- Ended cases go by policy keep_cases, with all their rows, and none that somebody still needs.
BEGIN;
\ir people.psql
SELECT plan(57);
SELECT vac.allow_domain('example.org') \g /dev/null
UPDATE coordinator SET meetings_a_day = 20, weekly_minutes = 10000, max_open_cases = 100;

CREATE FUNCTION pg_temp.number(code text) RETURNS bigint LANGUAGE sql AS $$ SELECT case_id FROM vac_store.case_record WHERE case_code = code $$;
CREATE FUNCTION pg_temp.is_there(code text) RETURNS boolean LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM vac_store.case_record WHERE case_code = code) $$;
CREATE FUNCTION pg_temp.id(wanted text) RETURNS integer LANGUAGE sql AS $$ SELECT coordinator_id FROM vac_store.coordinator WHERE code = wanted $$;
-- All that there is of a case, as if it were so many days ago.
CREATE FUNCTION pg_temp.age(code text, days integer) RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = tstzrange(lower(span) - days * interval '1 day', upper(span) - days * interval '1 day'),
			busy = tstzrange(lower(busy) - days * interval '1 day', upper(busy) - days * interval '1 day') WHERE case_id = pg_temp.number(code);
	UPDATE vac_store.message SET state = 'sent', sent_at = made_at WHERE case_id = pg_temp.number(code) AND waiting;
	UPDATE vac_store.case_record SET ended_at = ended_at - days * interval '1 day', opened_at = opened_at - days * interval '1 day'
		WHERE case_id = pg_temp.number(code) OR merged_into = pg_temp.number(code);
$$;
-- One that ended so long ago, with a meeting that was cancelled, a decision of a plan, an answer and a conflict.
CREATE FUNCTION pg_temp.old_case(days integer DEFAULT 100, ended boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		code text := (SELECT vac.open_case('SEA'));
		a bigint := pg_temp.appoint(code, 'SEA-1', now() + interval '3 days');
	BEGIN
		INSERT INTO vac_store.plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps, exact, limited)
			VALUES (1, a + 1000000, 1, now(), now(), 1, 0, 0, 0, 0, 0, true, false);
		INSERT INTO vac_store.decision (request_id, appointment_id, at, plan_id)
			SELECT request_id, a, now(), (SELECT max(plan_id) FROM vac_store.plan) FROM vac_store.appointment WHERE appointment_id = a;
		INSERT INTO vac_store.answer (appointment_id, coordinator_id, address, sequence, stamped, partstat, taken_at)
			SELECT a, coordinator_id, 'sea-1@example.org', 0, now(), 'ACCEPTED', now() FROM vac_store.appointment WHERE appointment_id = a;
		PERFORM vac.add_conflict(code, 'PDX-1');
		IF ended THEN
			PERFORM vac.withdraw_case(code, 'resolved');
		END IF;
		PERFORM pg_temp.age(code, days);
		RETURN code;
	END
$$;
CREATE FUNCTION pg_temp.rows_of(number bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM vac_store.request WHERE case_id = number), (SELECT count(*) FROM vac_store.appointment WHERE case_id = number),
		(SELECT count(*) FROM vac_store.message WHERE case_id = number), (SELECT count(*) FROM vac_store.clock WHERE case_id = number),
		(SELECT count(*) FROM vac_store.case_conflict WHERE case_id = number))
$$;
CREATE FUNCTION pg_temp.clean(at timestamptz DEFAULT wall()) RETURNS integer LANGUAGE plpgsql AS $$
	BEGIN
		UPDATE vac_store.presence SET seen_at = at;
		FOR n IN 0 .. 20 LOOP
			IF vac_store.pass_cases(at) = 0 THEN
				RETURN n;
			END IF;
		END LOOP;
		RETURN -1;
	END
$$;

-- ---- the policy ------------------------------------------------------------------------------
SELECT is((SELECT value FROM vac.policies WHERE name = 'keep_cases'), '0', 'cases are kept for ever');
SELECT pg_temp.old_case(4000) AS ancient \gset
SELECT is(cases_due(wall()), NULL, 'nothing is due');
INSERT INTO presence (seen_at) VALUES (wall());
SELECT is(pg_temp.clean(), 0, 'and nothing goes');
SELECT throws_ok($$UPDATE policy SET value = '89' WHERE name = 'keep_cases'$$, '23514', NULL, 'or for three months at least');
SELECT throws_ok($$DELETE FROM decision$$, '42501', NULL, 'a decision cannot be deleted');
SELECT throws_ok($$UPDATE decision SET cost = 1$$, '42501', NULL, 'nor changed');
UPDATE policy SET value = '90' WHERE name = 'keep_cases';

-- ---- what goes -------------------------------------------------------------------------------
SELECT pg_temp.number(:'ancient') AS ancient_id, (SELECT request_id FROM request WHERE case_id = pg_temp.number(:'ancient')) AS ancient_request \gset
SELECT pg_temp.old_case(100) AS gone, pg_temp.old_case(80) AS kept, pg_temp.old_case(100, false) AS lives \gset
SELECT pg_temp.number(:'gone') AS gone_id, pg_temp.rows_of(pg_temp.number(:'kept')) AS kept_rows, (SELECT count(*) FROM plan) AS plans,
	(SELECT count(*) FROM history WHERE case_id = pg_temp.number(:'gone')) AS told \gset
-- A case that is kept once made room for it.
INSERT INTO decision (request_id, appointment_id, at, cost, terms, made_room_for, moved_from)
	SELECT a.request_id, a.appointment_id, now(), 5, '{"wait": 5}', :ancient_request, '{}' FROM appointment a WHERE a.case_id = pg_temp.number(:'lives') LIMIT 1;
SELECT throws_ok(format('DELETE FROM decision WHERE request_id IN (SELECT request_id FROM request WHERE case_id = %s)', pg_temp.number(:'kept')), '42501', NULL,
	'a decision of a case that is kept cannot be deleted');
-- A clock that is ahead, before the daemon's heartbeat says so, and after.
UPDATE presence SET seen_at = wall() - interval '1 hour';
SELECT is(pass_cases(wall()) || ' ' || cases_due(wall()), '0 infinity', 'nothing goes before a daemon''s heartbeat says that it is so late');
UPDATE presence SET seen_at = wall();
INSERT INTO outage (began, ended) VALUES (wall() - interval '365 days', wall());
UPDATE message SET made_at = wall() - interval '3000 days' WHERE message_id = (SELECT min(message_id) FROM message);
SELECT is(pass_cases(wall()) || ' ' || pass_cleaning(wall()) || ' ' || (SELECT cases_due(wall()) = max(ended) + interval '7 days' FROM outage), '0 false true',
	'nor for a week after an outage of more than a day, and texts of mail neither');
SELECT ok((SELECT min(due) > wall() FROM deadlines(10, wall(), wall()) WHERE what IN ('cleaning', 'cases')), 'until then nothing is due');
SELECT is((SELECT count(*) FROM vac_daemon.status() WHERE text LIKE 'retention: nothing is removed before %'), 1::bigint, 'status says so');
DELETE FROM outage;
SELECT ok((SELECT min(due) <= wall() FROM deadlines(10, wall(), wall()) WHERE what = 'cases'), 'time says that there is something to do');
SELECT ok(pass('cases', NULL, wall(), wall()), 'it is done');
SELECT is(pg_temp.is_there(:'ancient') OR pg_temp.is_there(:'gone'), false, 'who ended before that is gone');
SELECT is(pg_temp.is_there(:'kept') AND pg_temp.is_there(:'lives'), true, 'not who ended later, nor whoever is open');
SELECT is(pg_temp.rows_of(:gone_id), '0 0 0 0 0', 'with all its rows');
SELECT is(pg_temp.rows_of(pg_temp.number(:'kept')), :'kept_rows', 'of others none');
SELECT is((SELECT count(*) FROM plan), :plans - 2::bigint, 'and with the plans about nothing else');
SELECT is((SELECT count(*) FROM answer o WHERE NOT EXISTS (SELECT FROM appointment a WHERE a.appointment_id = o.appointment_id)), 0::bigint, 'and its answers');
SELECT is((SELECT count(*) FROM history WHERE case_id = :gone_id), :told::bigint, 'history has every row of it');
SELECT is((SELECT concat_ws(' ', count(*), min(detail ->> 'cases'), min(detail ->> 'requests'), min(detail ->> 'appointments'), min(who)) FROM history WHERE event = 'cases_removed'),
	'1 2 2 2 ' || session_user, 'and one that says so, of all that went at once');
SELECT is((SELECT what FROM vac.history WHERE what LIKE '%removed%' LIMIT 1), E'2 cases removed, ended\nuntil ' || ((wall() - interval '100 days') AT TIME ZONE 'UTC')::date, 'in words');
SELECT lives_ok('SELECT * FROM vac.history', 'it can be read');
SELECT is((SELECT count(*) FROM vac.why WHERE case_code = :'lives' AND translate(because, E'\n', ' ') LIKE 'makes room for another office%'), 1::bigint, 'whom it made room for is nobody''s to know now');
SELECT lives_ok(format('SELECT * FROM vac.plan_cost(%L)', :'lives'), 'what its plan costs still is');

-- In lumps of a day.
SELECT is(pg_temp.clean(), 0, 'nothing more is due');
SELECT pg_temp.old_case(90) AS today \gset
SELECT is(pg_temp.clean(), 0, 'what is too old only since today waits for others');
SELECT is(cases_due(wall()), (SELECT ended_at + interval '91 days' FROM case_record WHERE case_code = :'today'), 'until tomorrow');
SELECT is(pg_temp.clean(wall() + interval '1 day'), 1, 'then it goes');

-- ---- what was, beside cases --------------------------------------------------------------------
SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-2', hand_over => '17:00', days => 7) \g /dev/null
INSERT INTO duty_shift (rotation_id, coordinator_id, span, answer_handle)
	SELECT rotation_id, pg_temp.id('SEA-1'), tstzrange(now() - n * interval '1 day', now() - n * interval '1 day' + interval '8 hours'), handle() FROM rotation, unnest(ARRAY[80, 100]) n;
INSERT INTO shift (coordinator_id, kind, span, duty_id) SELECT coordinator_id, 'on_call', span, duty_id FROM duty_shift WHERE upper(span) < now();
INSERT INTO leave_event (coordinator_id, uid, sequence, stamped, state)
	SELECT pg_temp.id('SEA-1'), 'event ' || n, 0, now() - n * interval '1 day', 'entered' FROM unnest(ARRAY[80, 101, 102, 200, 500]) n;
INSERT INTO leave_event (coordinator_id, uid, sequence, stamped, state)
	SELECT pg_temp.id('SEA-1'), s || ' ' || n, 0, now() - n * interval '1 day', s FROM unnest(ARRAY['cancelled', 'refused', 'waits']) s, unnest(ARRAY[200, 500]) n;
INSERT INTO leave (coordinator_id, span, source, leave_event_id)
	SELECT coordinator_id, tstzrange(stamped, stamped + interval '1 day'), 'mail', leave_event_id FROM leave_event WHERE uid IN ('event 80', 'event 101', 'event 102');
INSERT INTO leave (coordinator_id, span, source)
	SELECT pg_temp.id('SEA-1'), tstzrange(now() - interval '85 days', now() + interval '8 days'), 'verb';
INSERT INTO outage (began, ended) SELECT now() - interval '120 days' + n * interval '1 hour', now() - interval '120 days' + (n + 0.5) * interval '1 hour' FROM generate_series(1, 3) n;
DELETE FROM rotation_stale;
SELECT pg_temp.old_case(100) \g /dev/null
SELECT is(pg_temp.clean(), 1, 'a case goes, and with it:');
SELECT is(concat_ws(' ', (SELECT count(*) FROM duty_shift WHERE upper(span) < now()), (SELECT count(*) FROM shift WHERE upper(span) < now())), '1 1', 'duties and their shifts as old');
SELECT is((SELECT string_agg(coalesce(e.uid, 'verb'), ', ' ORDER BY lower(l.span)) FROM leave l LEFT JOIN leave_event e USING (leave_event_id)), 'verb, event 80', 'leave');
SELECT is((SELECT string_agg(e.uid, ', ' ORDER BY e.uid) FROM leave_event e), 'cancelled 200, event 200, event 80, refused 200, waits 200, waits 500',
	'with what is known of the event it came from; of what was refused, cancelled or taken back that stays for a year more');
SELECT is(concat_ws(' ', (SELECT count(*) FROM outage), (SELECT count(*) FROM rotation_stale)), '1 0', 'outages but the last; and no duty is laid out anew for it');

-- ---- one that cannot go ------------------------------------------------------------------------
SELECT pg_temp.old_case(101) AS stuck, pg_temp.old_case(100) AS other \gset
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
SELECT format('CREATE TRIGGER refuse BEFORE DELETE ON vac_store.case_record FOR EACH ROW WHEN (OLD.case_id = %s) EXECUTE FUNCTION pg_temp.refuse()', pg_temp.number(:'stuck')) \gexec
SELECT is(pg_temp.clean() || ' ' || pg_temp.is_there(:'stuck') || ' ' || pg_temp.is_there(:'other'), '1 true false', 'a case that cannot be removed stops no other');
UPDATE message SET made_at = wall() - interval '3000 days' WHERE case_id = pg_temp.number(:'stuck');
SELECT is(pass('cases', NULL, wall(), wall()) || ' ' || pass('cleaning', NULL, wall(), wall()), 'false true', 'nor what else is kept no longer');
SELECT ok(coalesce(cases_due(wall()) > wall(), true), 'it is not due');
SELECT pg_temp.old_case(100) AS another \gset
SELECT is(pg_temp.clean(wall() + interval '23 hours') || ' ' || pg_temp.is_there(:'another'), '1 false', 'those that come after it go');
SELECT is((SELECT remove_at <= wall() + interval '24 hours' FROM case_record WHERE case_code = :'stuck'), true, 'and it is not tried with them: it is put off for a day');
SELECT is(pg_temp.clean(wall() + interval '25 hours') || ' ' || pg_temp.is_there(:'stuck'), '0 true', 'then it is tried');
SELECT is((SELECT remove_at > wall() + interval '48 hours' FROM case_record WHERE case_code = :'stuck'), true, 'and put off again');
DROP TRIGGER refuse ON case_record;
SELECT is(pg_temp.clean(wall() + interval '26 hours'), 0, 'until then nothing is tried');
SELECT is(pg_temp.clean(), 1, 'once it can, it goes; of a clock that was ahead when it failed nothing is left');

-- ---- what stays ------------------------------------------------------------------------------
-- Each of these alone is in the way of a case that would go.
CREATE FUNCTION pg_temp.stays(change text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		code text := pg_temp.old_case(100);
		stays boolean;
	BEGIN
		EXECUTE format(change, code, pg_temp.number(code));
		PERFORM pg_temp.clean();
		stays := pg_temp.is_there(code);
		DELETE FROM vac_store.clock WHERE case_id = pg_temp.number(code);
		DELETE FROM vac_store.case_link WHERE pg_temp.number(code) IN (case_id, other_id);
		UPDATE vac_store.inbound SET state = 'done', outcome = 'left_alone', handled_at = now(), lease_until = NULL WHERE appointment_id IS NOT NULL;
		UPDATE vac_store.message SET state = 'sent', sent_at = made_at WHERE case_id = pg_temp.number(code) AND waiting;
		UPDATE vac_store.appointment SET state = 'cancelled', ended_at = now() WHERE case_id = pg_temp.number(code) AND live;
		IF stays AND (SELECT state <> 'open' AND ended_at < wall() - interval '95 days' FROM vac_store.case_record WHERE case_code = code) THEN
			PERFORM pg_temp.clean();
			RETURN CASE WHEN pg_temp.is_there(code) THEN 'stays for ever' ELSE 'stays until then' END;
		END IF;
		RETURN CASE WHEN stays THEN 'stays' ELSE 'goes' END;
	END
$$;
SELECT is(pg_temp.stays('SELECT %1$L, %2$s'), 'goes', 'nothing is in its way');
SELECT is(pg_temp.stays('SELECT vac.reopen_case(%L, ''mistake'')'), 'stays', 'it was reopened');
SELECT is(pg_temp.stays('SELECT vac.reopen_case(%1$L, ''mistake''), vac.withdraw_case(%1$L, ''resolved'')'), 'stays', 'it was reopened, and ended again');
SELECT is(pg_temp.stays('UPDATE vac_store.clock SET stopped_at = NULL, done_at = NULL WHERE clock_id = (SELECT max(clock_id) FROM vac_store.clock WHERE case_id = %2$s)'),
	'stays until then', 'a clock of it runs');
SELECT is(pg_temp.stays('UPDATE vac_store.message SET state = ''queued'', sent_at = NULL WHERE message_id = (SELECT max(message_id) FROM vac_store.message WHERE case_id = %2$s)'),
	'stays until then', 'mail waits');
SELECT is(pg_temp.stays($$INSERT INTO vac_store.inbound (delivery, envelope_sender, envelope_recipient, raw, size, received_at, not_before, state, outcome, handled_at, appointment_id)
	SELECT gen_random_uuid(), '', 'x@example.org', '', 0, now(), now(), 'listed', 'waits_for_supervisor', now(), max(appointment_id) FROM vac_store.appointment WHERE case_id = %2$s$$),
	'stays until then', 'an answer waits for a supervisor');
SELECT is(pg_temp.stays('SELECT vac.link_cases(%1$L, ''' || :'lives' || ''', ''family'')'), 'stays until then', 'a sibling''s case is open');
SELECT is(pg_temp.stays('SELECT vac.link_cases(%1$L, vac.open_case(''SEA''), ''family'')'), 'stays until then', 'one that was opened later');
SELECT is(pg_temp.stays('SELECT vac.link_cases(%1$L, ''' || :'kept' || ''', ''family'')'), 'goes', 'a sibling''s case is kept, but ended');
SELECT is(pg_temp.stays($$UPDATE vac_store.appointment SET state = 'accepted', ended_at = NULL, span = tstzrange(now() - interval '2 days', now() - interval '47 hours'),
	busy = tstzrange(now() - interval '2 days', now() - interval '47 hours') WHERE case_id = %2$s$$), 'stays until then', 'a meeting of it was the other day');

-- ---- two codes of one person -----------------------------------------------------------------
SELECT vac.open_case('SEA') AS old_code, vac.open_case('SEA') AS new_code \gset
SELECT vac.merge_cases(:'old_code', :'new_code') \g /dev/null
UPDATE case_record SET ended_at = ended_at - interval '300 days', opened_at = opened_at - interval '300 days' WHERE case_code = :'old_code';
UPDATE message SET state = 'sent', sent_at = made_at WHERE waiting;
SELECT pg_temp.old_case(100) \g /dev/null
SELECT is(pg_temp.clean() || ' ' || pg_temp.is_there(:'old_code'), '1 true', 'an old code stays while its case is open');
SELECT vac.withdraw_case(:'new_code', 'resolved') \g /dev/null
SELECT pg_temp.age(:'new_code', 100) \g /dev/null
SELECT pg_temp.clean() \g /dev/null
SELECT is(pg_temp.is_there(:'old_code') OR pg_temp.is_there(:'new_code'), false, 'and goes with it');
SELECT lives_ok('SELECT * FROM vac.history', 'that it was merged can still be read');

-- ---- who may ---------------------------------------------------------------------------------
SELECT ok(NOT has_function_privilege('vac_daemon', 'vac_store.remove_cases(bigint[])', 'EXECUTE')
	AND NOT has_function_privilege('vac_supervisor', 'vac_store.remove_cases(bigint[])', 'EXECUTE'), 'nobody can have one removed');
SELECT * FROM finish();
ROLLBACK;
