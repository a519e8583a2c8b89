-- The wall clock was a day ahead and is set back: nothing waits until it has come there again.
BEGIN;
\ir deadline.psql
SELECT plan(33);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO']) w \g /dev/null

-- ---- while it is ahead -----------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-08 10:00 EST') \g /dev/null
SELECT pg_temp.beat() \g /dev/null
SELECT pg_temp.invite('ANNE', '2027-03-19 10:00 EDT') AS a \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT pg_temp.local(answer_by) AS answer_by FROM appointment WHERE appointment_id = :a \gset
SELECT pg_temp.clock('2027-03-09 10:00 EST', false) \g /dev/null
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT pg_temp.local(began) || ' - ' || pg_temp.local(ended) FROM outage), 'Mon 08 10:00 - Tue 09 10:00', 'a day that nobody saw is an outage');
SELECT pg_temp.invite('BEN', '2027-03-20 10:00 EDT') AS b, pg_temp.invite('CLEO', '2027-03-21 10:00 EDT') AS c \gset
SELECT pg_temp.ask() AS r, pg_temp.ask() AS told, pg_temp.ask() AS never \gset
UPDATE request SET plan_at = wall() + interval '2 hours' WHERE request_id = :r;
UPDATE request SET plan_at = wall(), noticed_at = wall(), tell_at = wall() + interval '2 hours' WHERE request_id = :told;
UPDATE request SET plan_at = '2027-03-08 09:00 EST' WHERE request_id = :never;
UPDATE message SET uncertain_until = wall() + interval '1 minute' WHERE appointment_id = :b;
SELECT count(*) FROM vac_daemon.receive_mail(gen_random_uuid(), 'a@example.org', ARRAY['vacd@example.org'], 'x') \g /dev/null
SELECT claim_id FROM (SELECT message_id AS claim_id FROM vac_daemon.claim_messages('11111111-1111-1111-1111-111111111111', 1, 60000)) c \gset

-- ---- set back --------------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-08 10:01 EST', false) \g /dev/null
SELECT is((SELECT count(*) FROM inbound WHERE not_before > wall()), 1::bigint, 'mail that came in would wait for a day');
SELECT cmp_ok((SELECT count(*) FROM message WHERE state = 'queued' AND not_before > wall()), '>', 0::bigint, 'and mail that is to go out');
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE state = 'queued' AND not_before > wall()), 0::bigint, 'mail that is to go out does not wait');
SELECT is((SELECT count(*) FROM inbound WHERE waiting AND not_before > wall()), 0::bigint, 'nor does mail that came in');
SELECT is((SELECT count(*) FROM request WHERE to_plan AND plan_at > wall()), 0::bigint, 'nor a request');
SELECT is((SELECT pg_temp.local(plan_at) FROM request WHERE request_id = :never), 'Mon 08 09:00', 'what was due before stays so');
SELECT is((SELECT noticed_at FROM request WHERE request_id = :told), wall(), 'nobody was told in the future');
SELECT is((SELECT noticed_at FROM request WHERE request_id = :never), NULL, 'or at all, if they were not');
SELECT cmp_ok((SELECT tell_at FROM request WHERE request_id = :told), '<=', wall() + interval '2 hours', 'the supervisors are told again when they would have been');
SELECT cmp_ok((SELECT max(uncertain_until) FROM message), '<=', wall() + interval '11 minutes', 'no state waits longer for an older one than it ever must');
SELECT is((SELECT count(*) FROM outage), 0::bigint, 'there was no outage');
SELECT cmp_ok(lapses_from(wall()), '<=', wall(), 'windows may end');
SELECT is((SELECT seen_at FROM presence), wall(), 'presence has the new time');
SELECT is((SELECT detail ->> 'seconds' FROM history WHERE event = 'clock_set_back'), '86340', 'it is on record');
SELECT is(vac_daemon.next_message(), 0::bigint, 'there is mail to send at once');
SELECT cmp_ok(pg_temp.post(), '>=', 2::bigint, 'it goes out, and what was claimed by the other clock');

-- ---- a little ----------------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-08 10:00:30 EST', false) \g /dev/null
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE event = 'clock_set_back'), 1::bigint, 'a few seconds are no matter');

-- ---- windows, and clocks of cases --------------------------------------------------------------
-- Sent on Monday at ten: eight office hours. Then the clock is a day ahead, for half an hour.
CREATE FUNCTION pg_temp.window(a bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(', ', pg_temp.local(window_from), pg_temp.local(answer_by), pg_temp.local(remind_at), pg_temp.local(window_at))
		FROM vac_store.appointment WHERE appointment_id = a
$$;
DELETE FROM clock;
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['DORA', 'EVE', 'FAY', 'GIL', 'HAL']) w \g /dev/null
SELECT pg_temp.clock('2027-03-15 10:00 EDT') \g /dev/null
SELECT pg_temp.invite('DORA', '2027-03-26 10:00 EDT') AS d, pg_temp.invite('EVE', '2027-03-27 10:00 EDT') AS e \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :e;
SELECT is(pg_temp.window(:d), 'Mon 15 10:00, Tue 16 09:00, Mon 15 14:00, Mon 15 14:00', 'a window');
SELECT pg_temp.clock('2027-03-16 10:00 EDT', false) \g /dev/null
SELECT pg_temp.beat(), pg_temp.pass() \g /dev/null
SELECT is(pg_temp.window(:d), 'Mon 15 10:00, Wed 17 09:00, Tue 16 14:00, Tue 16 14:00', 'the outage that none was makes it longer');
UPDATE appointment SET outages_seen = (SELECT max(outage_id) FROM outage), answer_by = answer_by + interval '1 day' WHERE appointment_id = :e;
SELECT pg_temp.invite('FAY', '2027-03-28 10:00 EDT') AS f, pg_temp.invite('GIL', '2027-03-29 10:00 EDT') AS g \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
-- The mail server has it, and the window has not opened yet.
UPDATE appointment SET window_from = NULL, answer_by = NULL, remind_at = NULL, window_at = NULL WHERE appointment_id = :g;
SELECT pg_temp.invite('HAL', '2027-03-30 10:00 EDT') AS h \gset
SELECT is(pg_temp.window(:f), 'Tue 16 10:00, Wed 17 09:00, Tue 16 14:00, Tue 16 14:00', 'one begins in the future');
SELECT is((SELECT pg_temp.local(send_by) FROM appointment WHERE appointment_id = :h), 'Tue 16 12:00', 'and one is sent in the future');
SELECT pg_temp.ask() AS w \gset
UPDATE clock SET started_at = '2027-03-12 10:00 EST', due_at = '2027-03-18 10:00 EDT', next_at = '2027-03-18 10:00 EDT', warnings = 1
	WHERE case_id = (SELECT case_id FROM request WHERE request_id = :w);
SELECT pg_temp.ask() AS o \gset
UPDATE clock SET started_at = '2027-03-10 10:00 EST', due_at = '2027-03-15 10:00 EDT', next_at = '2027-03-17 10:00 EDT'
	WHERE case_id = (SELECT case_id FROM request WHERE request_id = :o);
SELECT pg_temp.clock('2027-03-15 10:30 EDT', false) \g /dev/null
SELECT pg_temp.beat() \g /dev/null
SELECT is(pg_temp.window(:d), 'Mon 15 10:00, Tue 16 09:00, Mon 15 14:00, Mon 15 14:00', 'set back, it ends when it did');
SELECT is((SELECT concat_ws(', ', pg_temp.local(answer_by), window_at) FROM appointment WHERE appointment_id = :e), 'Tue 16 09:00', 'as would one with a yes, if that were taken back');
SELECT is(pg_temp.window(:f), 'Mon 15 10:30, Tue 16 09:30, Mon 15 14:30, Mon 15 14:30', 'what began in the future began now');
SELECT is((SELECT pg_temp.local(send_by) FROM appointment WHERE appointment_id = :h), 'Mon 15 12:30', 'and is to be sent from now on');
SELECT is((SELECT pg_temp.local(next_at) FROM clock WHERE case_id = (SELECT case_id FROM request WHERE request_id = :w)), 'Tue 16 10:00', 'a clock warns again when it would have');
SELECT is((SELECT pg_temp.local(next_at) FROM clock WHERE case_id = (SELECT case_id FROM request WHERE request_id = :o)), 'Tue 16 10:30', 'one that ran out is told of again a day from now');
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.window(:g), 'Mon 15 10:30, Tue 16 09:30, Mon 15 14:30, Mon 15 14:30', 'one that opens now does so now, though it was sent in the future');

-- ---- somebody holds what it would change -------------------------------------------------------
SELECT pg_temp.clock('2027-03-16 10:30 EDT') \g /dev/null
SELECT pg_temp.clock('2027-03-15 10:31 EDT', false) \g /dev/null
SELECT pg_temp.invite('DORA', '2027-04-02 10:00 EDT') AS i \gset
UPDATE appointment SET send_by = '2027-03-16 12:30 EDT' WHERE appointment_id = :i;
CREATE FUNCTION pg_temp.held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE lock_not_available; END $$;
CREATE TRIGGER held BEFORE INSERT ON history FOR EACH ROW WHEN (NEW.event = 'clock_set_back') EXECUTE FUNCTION pg_temp.held();
SELECT lives_ok('SELECT pg_temp.beat()', 'a heartbeat goes on');
SELECT is((SELECT pg_temp.local(seen_at) FROM presence), 'Tue 16 10:30', 'and it is left to the next one');
DROP TRIGGER held ON history;
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT pg_temp.local(seen_at) FROM presence), 'Mon 15 10:31', 'which finds the clock set back still');
SELECT is((SELECT pg_temp.local(send_by) FROM appointment WHERE appointment_id = :i), 'Mon 15 12:31', 'and does it all');
SELECT * FROM finish();
ROLLBACK;
