-- The wall clock was a day ahead and is set back: nothing waits until it has come there again.
BEGIN;
\ir deadline.psql
SELECT plan(68);
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
SELECT is((SELECT max(uncertain_until) FROM message), wall() + interval '1 minute', 'a state waits for an older one as long as it would have');
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
-- ---- between two heartbeats --------------------------------------------------------------------
CREATE FUNCTION pg_temp.waits() RETURNS bigint LANGUAGE sql AS
	$$ SELECT count(*) FROM vac_store.message WHERE state = 'queued' AND not_before > vac_store.wall() $$;
SELECT pg_temp.post() \g /dev/null
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['IDA', 'JO']) w \g /dev/null
SELECT pg_temp.clock('2027-03-15 10:40 EDT') \g /dev/null
SELECT is((SELECT concat_ws(' ', worked_at, pg_temp.local(back_at)) FROM presence), 'Mon 15 10:31', 'what was under way then is still to be looked for');
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT concat_ws(' ', worked_at, back_by, back_at) FROM presence), '', 'and is after a minute, once');
SELECT is((SELECT count(*) FROM history WHERE event = 'clock_set_back'), 3::bigint, 'of which nothing is said again');
SELECT pg_temp.pass(), pg_temp.post() \g /dev/null
SELECT is((SELECT worked_at FROM presence), NULL, 'work by a clock that is right needs no note');
SELECT pg_temp.clock('2027-03-16 10:40 EDT', false) \g /dev/null
SELECT pg_temp.invite('IDA', '2027-04-05 10:00 EDT') AS i \gset
SELECT pg_temp.post() \g /dev/null
SELECT pg_temp.invite('JO', '2027-04-05 10:00 EDT') AS j \gset
SELECT is((SELECT concat_ws(', ', pg_temp.local(seen_at), pg_temp.local(worked_at)) FROM presence), 'Mon 15 10:40, Tue 16 10:40', 'a daemon works by a clock that is ahead, and no heartbeat saw it');
SELECT pg_temp.clock('2027-03-15 10:41 EDT', false) \g /dev/null
SELECT is(pg_temp.waits(), 1::bigint, 'mail would wait for a day');
SELECT pg_temp.beat() \g /dev/null
SELECT is(pg_temp.waits(), 0::bigint, 'and does not');
SELECT is((SELECT count(*) FROM history WHERE event = 'clock_set_back'), 4::bigint, 'it is on record');
SELECT is((SELECT count(*) FROM outage), 0::bigint, 'no outage was made of it');
-- Calls that took the time before, and end after.
UPDATE message SET not_before = '2027-03-16 10:41 EDT', uncertain_until = '2027-03-16 10:42 EDT' WHERE appointment_id = :j;
SELECT pg_temp.ask() AS later, pg_temp.ask() AS legit \gset
UPDATE request SET plan_at = '2027-03-16 10:45 EDT' WHERE request_id = :later;
UPDATE request SET plan_at = '2027-03-15 10:55 EDT', told_at = wall(), tell_at = wall() + interval '2 hours' WHERE request_id = :legit;
SELECT pg_temp.clock('2027-03-15 10:41:30 EDT', false), pg_temp.beat() \g /dev/null
SELECT is(pg_temp.waits(), 1::bigint, 'a call was under way');
SELECT pg_temp.clock('2027-03-15 10:42:10 EDT', false), pg_temp.beat() \g /dev/null
SELECT is(pg_temp.waits(), 0::bigint, 'what it put off for a day does not wait for it either');
SELECT is((SELECT pg_temp.local(uncertain_until) FROM message WHERE appointment_id = :j), 'Mon 15 10:43', 'nor what comes after it');
SELECT is((SELECT plan_at FROM request WHERE request_id = :later), wall(), 'nor a request');
SELECT is((SELECT concat_ws(', ', pg_temp.local(plan_at), tell_at - told_at) FROM request WHERE request_id = :legit), 'Mon 15 10:55, 02:00:00', 'what was put off by the right clock does');

-- ---- meetings that were not over, cases that were not opened yet -------------------------------
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['KAY', 'LEE', 'MIA']) w \g /dev/null
SELECT pg_temp.invite('KAY', '2027-03-15 15:00 EDT') AS k, pg_temp.invite('LEE', '2027-03-15 09:00 EDT') AS l, pg_temp.invite('MIA', '2027-03-25 09:00 EDT') AS m \gset
SELECT pg_temp.post() \g /dev/null
UPDATE appointment SET state = 'accepted' WHERE appointment_id IN (:k, :l, :m);
SELECT pg_temp.clock('2027-03-15 12:00 EDT'), pg_temp.pass(), pg_temp.post() \g /dev/null
SELECT pg_temp.clock('2027-03-16 12:00 EDT'), pg_temp.beat(), pg_temp.pass() \g /dev/null
SELECT is(pg_temp.mail(:k), 'invitation sent, ask queued', 'asked about a meeting that is yet to be');
SELECT is((SELECT asks FROM appointment WHERE appointment_id = :l), 2::smallint, 'and once more about one that was');
SELECT pg_temp.ask() AS due, pg_temp.ask() AS said, pg_temp.ask() AS old \gset
UPDATE case_record SET opened_at = wall() WHERE case_id IN (SELECT case_id FROM request WHERE request_id IN (:due, :said));
UPDATE request SET opened_at = wall(), open_window = tstzrange(wall(), NULL) WHERE request_id IN (:due, :said);
UPDATE request r SET due_at = response_due(r, wall()) WHERE request_id = :due;
UPDATE request r SET due_at = '2027-03-22 10:00 EDT', open_window = '[2027-03-20 10:00 EDT,)' WHERE request_id = :said;
DELETE FROM clock;
SELECT start_clocks('first_contact', ARRAY(SELECT case_id FROM request WHERE request_id IN (:due, :old) ORDER BY request_id), ARRAY['urgent', 'urgent'], wall()) \g /dev/null
UPDATE clock SET started_at = '2027-03-15 11:00 EDT', due_at = '2027-03-16 11:00 EDT', next_at = '2027-03-15 23:00 EDT' WHERE case_id = (SELECT case_id FROM request WHERE request_id = :old);
INSERT INTO request_bar (request_id, coordinator_id, until) SELECT :due, pg_temp.coordinator('ANNE'), '2027-03-17 00:00 EDT';
INSERT INTO request_bar (request_id, coordinator_id, until) SELECT :due, pg_temp.coordinator('BEN'), NULL;
UPDATE request SET unheard_told_at = wall() WHERE request_id = :due;
INSERT INTO rotation (office_id, name, first_day, hand_over, days, lay_at) SELECT pg_temp.office('NYC'), 'nights', '2027-03-15', '08:00', 7, wall() + interval '12 hours';
UPDATE supervisor SET digest_office_id = pg_temp.office('NYC'), digest_day = '2027-03-16' WHERE login = 'sup_first';
INSERT INTO daemon (daemon_id, host, pid, version, deliver, started_at, seen_at) VALUES ('22222222-2222-2222-2222-222222222222', 'gone.example.org', 1, '0', 'smtp', wall(), wall());
INSERT INTO heartbeat (daemon_id, stage, turned_at, turns) VALUES ('22222222-2222-2222-2222-222222222222', 'mailer', wall(), 1);
SELECT count(*) FROM vac_daemon.receive_mail(gen_random_uuid(), 'a@example.org', ARRAY['vacd@example.org'], 'x') \g /dev/null
-- The third generation began by that clock, and the first was looked at; a fourth is empty.
UPDATE generation SET begun_at = '2027-01-10 12:00Z', ended_at = '2027-03-01 00:00Z', look_at = wall() + interval '30 days' WHERE of_table = 'message' AND number = 0;
UPDATE generation SET begun_at = '2027-03-01 00:00Z', ended_at = wall() - interval '1 hour' WHERE of_table = 'message' AND number = 1;
UPDATE generation SET begun_at = wall() - interval '1 hour' WHERE of_table = 'message' AND number = 2;
UPDATE upkeep SET due_at = wall() + interval '6 days', failing = wall(), analyzed_at = wall();
SELECT pg_temp.ask() AS over \gset
UPDATE case_record SET state = 'closed', ended_at = wall() WHERE case_id = (SELECT case_id FROM request WHERE request_id = :over);
SELECT pg_temp.clock('2027-03-15 12:01 EDT', false), pg_temp.beat() \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', number, (begun_at AT TIME ZONE 'EDT')::timestamp(0), '-', (ended_at AT TIME ZONE 'EDT')::timestamp(0), look_at), ', ' ORDER BY number)
	FROM generation WHERE of_table = 'message'), '0 2027-01-10 08:00:00 - 2027-02-28 20:00:00, 1 2027-02-28 20:00:00 - 2027-03-15 12:01:00, 2 2027-03-15 12:01:00 -, 3 -',
	'generations that began and ended in the future did so now');
SELECT is((SELECT concat_ws(' ', due_at = wall(), failing, analyzed_at) FROM upkeep), 't', 'and are looked after now');
SELECT is((SELECT ended_at FROM case_record WHERE case_id = (SELECT case_id FROM request WHERE request_id = :over)), wall(), 'a case ended now that did there');
UPDATE upkeep SET failing = '2027-03-15 10:00 EDT';
SELECT generations_went_back(wall()) \g /dev/null
SELECT is((SELECT pg_temp.local(failing) FROM upkeep), 'Mon 15 10:00', 'who was in the way before still is');
SELECT is((SELECT concat_ws(' ', asks, pg_temp.local(ask_at)) FROM appointment WHERE appointment_id = :k), '0 Mon 15 16:15', 'it will be asked about when it is over');
SELECT is((SELECT concat_ws(' ', asks, pg_temp.local(ask_at)) FROM appointment WHERE appointment_id = :l), '2 Tue 16 12:01', 'of the other the supervisors hear in a day, not in two');
SELECT is((SELECT concat_ws(' ', asks, pg_temp.local(ask_at)) FROM appointment WHERE appointment_id = :m), '0 Thu 25 10:15', 'one that is far ahead stays so');
SELECT pg_temp.post() \g /dev/null
SELECT is(pg_temp.mail(:k), 'invitation sent, ask unneeded', 'nobody is told of it that it is over');
SELECT is(pg_temp.mail(:l), 'invitation sent, ask sent, ask sent', 'of the other they are');
SELECT is((SELECT concat_ws(', ', pg_temp.local(r.opened_at), pg_temp.local(c.opened_at), pg_temp.local(lower(open_window)), pg_temp.local(due_at))
	FROM request r JOIN case_record c USING (case_id) WHERE request_id = :due), 'Mon 15 12:01, Mon 15 12:01, Mon 15 12:01, Thu 18 12:01', 'a case that was opened in the future is due as early as one opened now');
SELECT is((SELECT concat_ws(', ', pg_temp.local(opened_at), pg_temp.local(lower(open_window)), pg_temp.local(due_at)) FROM request WHERE request_id = :said),
	'Mon 15 12:01, Sat 20 10:00, Mon 22 10:00', 'times that somebody set stay');
SELECT is((SELECT concat_ws(', ', pg_temp.local(started_at), pg_temp.local(due_at), pg_temp.local(next_at)) FROM clock WHERE case_id = (SELECT case_id FROM request WHERE request_id = :due)),
	'Mon 15 12:01, Tue 16 12:01, Tue 16 00:01', 'its clock began now');
SELECT is((SELECT concat_ws(', ', pg_temp.local(started_at), pg_temp.local(due_at), pg_temp.local(next_at)) FROM clock WHERE case_id = (SELECT case_id FROM request WHERE request_id = :old)),
	'Mon 15 11:00, Tue 16 11:00, Mon 15 23:00', 'one that began before runs on');
SELECT is((SELECT string_agg(coalesce(pg_temp.local(until), 'for good'), ', ' ORDER BY until) FROM request_bar WHERE request_id = :due), 'Tue 16 00:00, for good', 'who declined today is barred for today');
SELECT is((SELECT unheard_told_at FROM request WHERE request_id = :due), wall(), 'nobody was told in the future');
SELECT is((SELECT lay_at FROM rotation WHERE name = 'nights'), wall(), 'a rotation is laid out anew');
SELECT is((SELECT digest_day FROM supervisor WHERE login = 'sup_first'), '2027-03-15'::date, 'tomorrow has a digest');
SELECT is((SELECT max(turned_at) FROM heartbeat), wall(), 'no stage turned in the future');
SELECT is((SELECT count(*) FROM inbound WHERE waiting AND received_at > wall()), 0::bigint, 'no mail came in there');
SELECT * FROM finish();
ROLLBACK;
