-- The slow poll: for each stage that asks, when there is something for it; the same as it would find by itself.
BEGIN;
\ir deadline.psql
SELECT plan(24);
SELECT pg_temp.person('ANNE', 'NYC') \g /dev/null
SELECT '11111111-1111-1111-1111-111111111111' AS d \gset
INSERT INTO daemon (daemon_id, host, pid, version, deliver, started_at, seen_at) VALUES (:'d', 'host', 1, '0', 'smtp', now(), now());
CREATE FUNCTION pg_temp.next(of_stage text) RETURNS bigint LANGUAGE sql AS $$
	SELECT n.next_ms FROM vac_daemon.next_work('11111111-1111-1111-1111-111111111111', ARRAY['dispatch', 'mailer', 'answer', 'deadline', 'seal']) n WHERE n.stage = of_stage
$$;
CREATE FUNCTION pg_temp.all_next() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(n.stage || ' ' || coalesce(n.next_ms::text, '-'), ', ' ORDER BY n.stage)
		FROM vac_daemon.next_work('11111111-1111-1111-1111-111111111111', ARRAY['dispatch', 'mailer', 'answer', 'seal']) n
$$;
CREATE FUNCTION pg_temp.seal() RETURNS integer LANGUAGE sql AS $$ SELECT s.sealed FROM vac_daemon.seal(2000) s $$;

-- ---- nothing ---------------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-01 09:00 EST') \g /dev/null
SELECT pg_temp.post(), pg_temp.pass(), pg_temp.seal() \g /dev/null
SELECT is(pg_temp.all_next(), 'answer -, dispatch -, mailer -, seal -', 'nothing is known of any');
SELECT is((SELECT string_agg(stage, ',') FROM vac_daemon.next_work(:'d', ARRAY['seal'])), 'seal', 'only who asks is answered');
SELECT is((SELECT count(*) FROM vac_daemon.next_work(:'d', '{}')), 0::bigint, 'nobody asks');
SELECT is((SELECT provolatile FROM pg_proc WHERE oid = 'vac_daemon.next_work(uuid, text[])'::regprocedure), 's'::"char", 'it changes nothing');
SELECT is(pg_temp.next('deadline'), (SELECT next_ms FROM vac_daemon.pass_time(:'d', 20)), 'time brings next what it says itself');
SELECT cmp_ok(pg_temp.next('deadline'), '>', 1000::bigint, 'which is a while off');

-- ---- a request -------------------------------------------------------------------------------
SELECT pg_temp.ask() AS r \gset
DELETE FROM clock;
SELECT is(pg_temp.next('dispatch'), 0::bigint, 'there is something to plan');
UPDATE request SET plan_at = wall() + interval '3 seconds' WHERE request_id = :r;
SELECT is(pg_temp.next('dispatch'), 3000::bigint, 'or there will be');
UPDATE request SET state = 'withdrawn' WHERE request_id = :r;

-- ---- an invitation ---------------------------------------------------------------------------
SELECT pg_temp.invite('ANNE', '2027-03-10 10:00 EST') AS a \gset
SELECT is(pg_temp.next('mailer'), 0::bigint, 'there is mail to send');
SELECT is(pg_temp.next('deadline'), 10000::bigint, 'whether it was taken is looked at');
SELECT pg_temp.post() \g /dev/null
SELECT is(pg_temp.next('mailer'), NULL, 'it is sent');
SELECT is(pg_temp.next('deadline'), 10000::bigint, 'as it is when it was');
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.next('deadline'), (SELECT ceil(date_part('epoch', window_at - wall()) * 1000)::bigint FROM appointment WHERE appointment_id = :a),
	'and the reminder is due at its time');
SELECT pg_temp.clock((SELECT window_at - interval '1.5 seconds' FROM appointment WHERE appointment_id = :a)) \g /dev/null
SELECT is(pg_temp.next('deadline'), 1500::bigint, 'to the millisecond');

-- ---- a yes that is taken back before its window opened ----------------------------------------
SELECT pg_temp.person('CARA', 'NYC') \g /dev/null
SELECT pg_temp.invite('CARA', '2027-03-24 10:00 EST') AS c \gset
SELECT pg_temp.post() \g /dev/null
SELECT take_acceptance(a, NULL, wall()) FROM appointment a WHERE a.appointment_id = :c \g /dev/null
SELECT take_perhaps(a, NULL, wall()) FROM appointment a WHERE a.appointment_id = :c \g /dev/null
SELECT is(pg_temp.next('deadline'), 0::bigint, 'a window is to be opened');
SELECT pg_temp.pass() \g /dev/null
SELECT isnt((SELECT answer_by FROM appointment WHERE appointment_id = :c), NULL, 'and is');
SELECT end_appointments(ARRAY[:c::bigint], 'replaced', 'test') \g /dev/null

-- ---- an alarm, which time alone raises and clears --------------------------------------------
SELECT pg_temp.person('BEN', 'NYC') \g /dev/null
SELECT pg_temp.invite('BEN', '2027-03-20 10:00 EST') AS b \gset
SELECT pg_temp.clock((SELECT greatest(send_by, wall()) + interval '1 second' FROM appointment WHERE appointment_id = :b)) \g /dev/null
SELECT is(pg_temp.next('deadline'), 0::bigint, 'an invitation was not sent in time');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM alarm WHERE name = 'invitations_unsent'), 1::bigint, 'the alarm is raised');
SELECT end_appointments(ARRAY[:b::bigint], 'replaced', 'test') \g /dev/null
SELECT is(unsent_text(wall()), NULL, 'there is none any more');
SELECT is(pg_temp.next('deadline'), 0::bigint, 'the alarm is to be cleared');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM alarm WHERE name = 'invitations_unsent'), 0::bigint, 'and is');
SELECT cmp_ok(pg_temp.next('deadline'), '>', 0::bigint, 'and that is that');

-- ---- mail that came in, and history ----------------------------------------------------------
SELECT count(*) FROM vac_daemon.receive_mail(gen_random_uuid(), 'a@example.org', ARRAY['vacd@example.org'], 'x') \g /dev/null
SELECT is(pg_temp.next('answer'), 0::bigint, 'there is mail to read');
SELECT is(pg_temp.next('seal'), 0::bigint, 'there is history to seal');
SELECT * FROM finish();
ROLLBACK;
