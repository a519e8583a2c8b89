-- What the planner is given, and how a daemon comes, beats and goes.
BEGIN ISOLATION LEVEL REPEATABLE READ;
\ir core.psql
SELECT plan(66);
-- As autovacuum finds them on the first day.
ANALYZE appointment;
SELECT pg_temp.person('ANNE', 'NYC', gender => 'female'), pg_temp.person('PART', 'NYC', duty => 'collateral'), pg_temp.person('ZOE', 'BOS', zone => 'America/Phoenix'),
	pg_temp.person('GONE', 'NYC'), pg_temp.person('FAR', 'HNL') \g /dev/null
SELECT pg_temp.pattern('ANNE', 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00'), pg_temp.pattern('ANNE', 'on_call', ARRAY[6], '22:00', '06:00'),
	pg_temp.pattern('PART', 'regular', ARRAY[1, 3], '08:00', '12:00') \g /dev/null
UPDATE coordinator SET retired_at = now() WHERE code = 'GONE';
INSERT INTO coordinator_language VALUES (pg_temp.coordinator('ANNE'), 'es-MX'), (pg_temp.coordinator('ANNE'), 'fr');
UPDATE dispatch_group SET fence = 7, lease_until = clock_timestamp() + interval '1 minute';
SELECT pg_temp.office('NYC') AS g \gset

-- ---- the frame -------------------------------------------------------------------------------
SELECT throws_ok('SELECT * FROM vac_daemon.snapshot_requests()', '55000', NULL, 'a snapshot must be begun first');
SELECT is((SELECT ok FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[6]::bigint[], 100)), false, 'not with another fence');
SELECT is((SELECT concat_ws(' ', ok, now - extract(epoch FROM clock_timestamp())::bigint BETWEEN -2 AND 2, grid_seconds) FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 100)),
	't t 900', 'begun, with the grid');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_requests()), 0::bigint, 'nothing to plan');

-- ---- requests --------------------------------------------------------------------------------
SELECT pg_temp.ask(urgency => 'routine') AS r1, pg_temp.ask(urgency => 'urgent', language => 'es', interpreter => 'telephone') AS r2,
	pg_temp.ask(urgency => 'immediate', mode => 'telephone') AS r3, pg_temp.ask(office => 'BOS', mode => 'telephone') AS r4,
	pg_temp.ask(office => 'HNL') AS other, pg_temp.ask() AS later, pg_temp.ask() AS held \gset
UPDATE request SET plan_at = now() + interval '1 hour' WHERE request_id = :later;
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM request WHERE request_id = :held);
UPDATE request SET due_at = due_at - interval '1 hour' WHERE request_id = :r4;
SELECT now FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 100) \gset
SELECT is((SELECT array_agg(request_id ORDER BY n) FROM ROWS FROM (vac_daemon.snapshot_requests()) WITH ORDINALITY
	AS s (request_id, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, t, u, v, w, x, y, n)), ARRAY[:r3, :r2, :r4, :r1]::bigint[],
	'the group''s due requests, by urgency, then due time; neither those of others, nor later ones, nor held ones');
SELECT is((SELECT concat_ws(' ', telephone, interpreter, buffer_minutes, earliest - :now BETWEEN 0 AND 1, latest - :now BETWEEN 86399 AND 86400, place)
	FROM vac_daemon.snapshot_requests() WHERE request_id = :r3), 't f 0 t t', 'a call-out: no buffer, at once, within a day');
SELECT is((SELECT concat_ws(' ', telephone, interpreter, buffer_minutes, earliest - :now BETWEEN 7200 AND 7201, latest - :now BETWEEN 431999 AND 432000, place, language, load_percent)
	FROM vac_daemon.snapshot_requests() WHERE request_id = :r2), 'f t 30 t t MAIN es 100', 'urgent: two hours of notice, within five days');
SELECT is((SELECT concat_ws(' ', buffer_minutes, to_timestamp(earliest - 1) <= add_office_days(:g, to_timestamp(:now), 1) + interval '1 second',
		latest - :now BETWEEN 1814399 AND 1814400) FROM vac_daemon.snapshot_requests() WHERE request_id = :r1), '30 t t', 'routine: an office day, within three weeks');
SELECT is((SELECT buffer_minutes FROM vac_daemon.snapshot_requests() WHERE request_id = :r4), 15, 'by telephone a shorter buffer');
SELECT is((SELECT concat_ws(' ', b.ok, (SELECT count(*) FROM vac_daemon.snapshot_requests())) FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 2) b), 't 2', 'no more than wanted');
UPDATE request SET open_window = tstzrange(now() + interval '40 days', now() + interval '42 days') WHERE request_id = :r1;
SELECT is((SELECT ok FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 100)), true, 'again');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_requests() WHERE request_id = :r1), 0::bigint, 'what lies far ahead of the rest is planned by itself');
UPDATE request SET state = 'planned' WHERE request_id IN (:r2, :r3, :r4);
SELECT is((SELECT ok FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 100)), true, 'later');
SELECT is((SELECT concat_ws(' ', earliest = extract(epoch FROM date_trunc('second', now()) + interval '40 days 1 second')::bigint
		OR earliest = extract(epoch FROM now() + interval '40 days')::bigint, latest = floor(extract(epoch FROM now() + interval '42 days'))::bigint)
	FROM vac_daemon.snapshot_requests() WHERE request_id = :r1), 't t', 'then, in its window');
UPDATE request SET open_window = tstzrange(now() - interval '1 hour', NULL) WHERE request_id = :r1;
UPDATE request SET state = 'open' WHERE request_id IN (:r2, :r3, :r4);
INSERT INTO request_bar VALUES (:r1, pg_temp.coordinator('ANNE'), NULL), (:r1, pg_temp.coordinator('PART'), clock_timestamp() - interval '1 second');
INSERT INTO case_conflict SELECT case_id, pg_temp.coordinator('ZOE') FROM request WHERE request_id = :r1;
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, state)
	SELECT request_id, case_id, office_id, pg_temp.coordinator('PART'), '[2020-01-01, 2020-01-02)', '[2020-01-01, 2020-01-02)', 'routine', handle(), now(), 'held'
		FROM request WHERE request_id = :r1;
SELECT is((SELECT ok FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 100)), true, 'once more');
SELECT is((SELECT concat_ws(' ', barred_ids = ARRAY[pg_temp.coordinator('ANNE')], conflict_ids = ARRAY[pg_temp.coordinator('ZOE')], met_ids = ARRAY[pg_temp.coordinator('PART')])
	FROM vac_daemon.snapshot_requests() WHERE request_id = :r1), 't t t', 'who is barred, in conflict, and whom the victim has met');

-- ---- offices and policy ----------------------------------------------------------------------
SELECT is((SELECT string_agg(code || ' ' || backup_ids::text || backup_ranks::text || travel_minutes::text, ', ' ORDER BY code DESC) FROM vac_daemon.snapshot_offices()),
	format('NYC {%s}{1}{120}, BOS {}{}{}', pg_temp.office('BOS')), 'the group''s offices, with backups');
SELECT is((SELECT concat_ws(' ', cardinality(urgent_hours) % 2, cardinality(urgent_hours) > cardinality(office_hours), cardinality(office_hours) >= 26)
	FROM vac_daemon.snapshot_offices() WHERE code = 'NYC'), '0 t t', 'and meeting hours');
SELECT is((SELECT count(*) FROM (SELECT u.v, lag(u.v) OVER (ORDER BY u.n) AS before FROM vac_daemon.snapshot_offices() o, unnest(o.urgent_hours) WITH ORDINALITY u (v, n)
	WHERE o.code = 'NYC') s WHERE v <= before), 0::bigint, 'in order');
SELECT is((SELECT string_agg(name || coalesce(' ' || urgency, '') || ' ' || value, ', ' ORDER BY name, urgency) FROM vac_daemon.snapshot_policy() WHERE name LIKE 'weight%' OR name = 'rest_minutes'),
	'rest_minutes 600, weight_backup 960, weight_collateral 480, weight_continuity 1440, weight_interpreter 720, weight_load 30, weight_move 240, '
	'weight_move_accepted 720, weight_over_cap 2000, weight_preference 480, weight_wait immediate 20, weight_wait routine 1, weight_wait urgent 4', 'the weights');

-- ---- coordinators ----------------------------------------------------------------------------
CREATE TEMPORARY TABLE seen AS SELECT k.code, s.* FROM vac_daemon.snapshot_coordinators() s JOIN coordinator k USING (coordinator_id);
SELECT is((SELECT string_agg(code, ' ' ORDER BY code) FROM seen), 'ANNE PART ZOE', 'those of the group who have not left');
SELECT is((SELECT concat_ws(' ', duty, gender, zone, services, meets, max_open_cases, weekly_minutes, meetings_a_day, weekly_shift_minutes) FROM seen WHERE code = 'ANNE'),
	'full_time female America/New_York {counseling,crisis_intervention} {en,es} 15 1500 4 2700', 'with what the policy allows full-time ones');
SELECT is((SELECT concat_ws(' ', duty, gender, zone, meets, max_open_cases, weekly_minutes, meetings_a_day, weekly_shift_minutes) FROM seen WHERE code = 'PART'),
	'collateral America/New_York {en} 3 480 2 480', 'and collateral ones');
SELECT is((SELECT concat_ws(' ', zone, weekly_shift_minutes, cardinality(regular)) FROM seen WHERE code = 'ZOE'), 'America/Phoenix 60 0', 'somebody''s own zone; never quite without shifts');
SELECT is((SELECT s.regular FROM seen s WHERE code = 'ANNE'), (SELECT flat(t.at_work) FROM open_time(ARRAY[pg_temp.coordinator('ANNE')], (snapshot_scope() ->> 'span')::tstzrange) t WHERE t.kind = 'regular'),
	'shifts are open_time''s time at work');
SELECT ok((SELECT cardinality(on_call) BETWEEN 4 AND 8 FROM seen WHERE code = 'ANNE'), 'on call too');
UPDATE coordinator SET max_open_cases = 9, weekly_minutes = 100, meetings_a_day = 1 WHERE code = 'ANNE';
INSERT INTO leave (coordinator_id, span) VALUES (pg_temp.coordinator('ANNE'), tstzrange(date_trunc('day', now()) + interval '3 days', date_trunc('day', now()) + interval '10 days'));
-- Load: what was planned, held, or is to come; the median for time that somebody was not there.
UPDATE coordinator SET joined_at = now() - interval '1 year' WHERE code IN ('ANNE', 'ZOE');
UPDATE coordinator SET joined_at = now() + interval '1 hour' WHERE code = 'PART';
CREATE FUNCTION pg_temp.appoint(who text, starts timestamptz, state text, load integer DEFAULT NULL, urgency text DEFAULT 'routine', travel interval DEFAULT '0') RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		r bigint := pg_temp.ask(urgency => appoint.urgency);
	BEGIN
		INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, state, load_minutes)
			SELECT q.request_id, q.case_id, q.office_id, pg_temp.coordinator(who), tstzrange(starts, starts + interval '1 hour'),
					tstzrange(starts - travel, starts + interval '1 hour' + travel), q.urgency, vac_store.handle(), now(), appoint.state, load
				FROM vac_store.request q WHERE q.request_id = r;
		UPDATE vac_store.request SET state = 'planned' WHERE request_id = r;
	END
$$;
SELECT pg_temp.appoint('ANNE', now() - interval '90 days', 'held', 90), pg_temp.appoint('ANNE', now() - interval '92 days', 'held', 1000),
	pg_temp.appoint('ANNE', now() + interval '2 days', 'invited'), pg_temp.appoint('ANNE', now() + interval '3 days', 'cancelled', 1000) \g /dev/null
UPDATE case_record SET responsible_id = pg_temp.coordinator('ANNE') WHERE case_id = (SELECT case_id FROM request WHERE request_id = :r2);
SELECT is((SELECT concat_ws(' ', max_open_cases, weekly_minutes, meetings_a_day, load_minutes, cardinality(open_case_ids), cardinality(leave))
	FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('ANNE')), '9 100 1 150 2 2', 'own limits, load of thirteen weeks and what is to come, open cases, leave');
SELECT is((SELECT load_minutes FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('PART')), 150, 'a newcomer counts as the office''s median');
UPDATE coordinator SET joined_at = now() - interval '1 year' WHERE code = 'PART';
SELECT is((SELECT load_minutes FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('PART')), 0, 'who is none does not');
-- 120 is PART's own rate, and the lower one of two.
SELECT pg_temp.appoint('PART', now() - interval '60 days', 'held', 60) \g /dev/null
INSERT INTO leave (coordinator_id, span) VALUES (pg_temp.coordinator('PART'), tstzrange(now() - interval '48 days', now() - interval '10 days')),
	(pg_temp.coordinator('PART'), tstzrange(now() - interval '20 days', now() - interval '2 days 12 hours'));
SELECT is((SELECT load_minutes FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('PART')), 120,
	'on leave for half of the time: as if they had had as much in that half');
-- A call-out in the night of the coordinator's own zone.
SELECT (date_trunc('day', now() AT TIME ZONE 'America/Phoenix') + interval '2 days') AT TIME ZONE 'America/Phoenix' AS night \gset
SELECT pg_temp.appoint('ZOE', :'night'::timestamptz + interval '3 hours', 'accepted', NULL, 'immediate'), pg_temp.appoint('PART', :'night'::timestamptz + interval '13 hours', 'accepted', NULL, 'immediate') \g /dev/null
SELECT is((SELECT rest FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('ZOE')),
	ARRAY[epoch(:'night'::timestamptz + interval '4 hours'), epoch(:'night'::timestamptz + interval '14 hours')], 'rest after a night');
SELECT pg_temp.appoint('ZOE', :'night'::timestamptz + interval '27 hours', 'cancelled', NULL, 'immediate') \g /dev/null
SELECT is((SELECT cardinality(rest) FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('ZOE')), 2, 'none after one that was called off');
SELECT is((SELECT rest FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('PART')), '{}'::bigint[], 'none after a day');

-- ---- what stands -----------------------------------------------------------------------------
SELECT pg_temp.appoint('FAR', now() + interval '2 days', 'invited') \g /dev/null
SELECT is((SELECT string_agg(k.code || ' ' || (b.ends - b.starts) / 60 || ' ' || b.counted_minutes, ', ' ORDER BY k.code) FROM vac_daemon.snapshot_busy() b JOIN coordinator k USING (coordinator_id)),
	'ANNE 60 60, PART 60 60, ZOE 60 60', 'live appointments of the group''s coordinators');
-- One of a case that is to be planned, held by somebody elsewhere: the victim is there.
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT request_id, case_id, office_id, pg_temp.coordinator('FAR'), tstzrange(now() + interval '1 day', now() + interval '25 hours'),
			tstzrange(now() + interval '1 day', now() + interval '25 hours'), 'urgent', handle(), now()
		FROM request WHERE request_id = :r2;
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_busy() b WHERE b.coordinator_id = pg_temp.coordinator('FAR')), 1::bigint, 'and of the cases to plan, whoever meets them');
-- Of a case whose meeting may be moved, likewise.
SELECT pg_temp.appoint('ANNE', now() + interval '12 days', 'accepted') \g /dev/null
SELECT case_id AS moved FROM appointment WHERE coordinator_id = pg_temp.coordinator('ANNE') AND state = 'accepted' \gset
UPDATE request SET due_at = now() + interval '20 days' WHERE case_id = :moved;
SELECT pg_temp.ask(of_case => :moved) AS beside \gset
UPDATE request SET state = 'planned' WHERE request_id = :beside;
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT request_id, case_id, office_id, pg_temp.coordinator('FAR'), tstzrange(now() + interval '14 days', now() + interval '14 days 1 hour'),
			tstzrange(now() + interval '14 days', now() + interval '14 days 1 hour'), 'routine', handle(), now()
		FROM request WHERE request_id = :beside;
SELECT is((SELECT concat_ws(' ', b.ok, (SELECT count(*) FROM vac_daemon.snapshot_busy() s WHERE s.coordinator_id = pg_temp.coordinator('FAR') AND s.case_id = :moved))
	FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[7]::bigint[], 100) b), 't 1', 'and of those to move');

-- ---- zones -----------------------------------------------------------------------------------
SELECT is((SELECT string_agg(zone, ' ' ORDER BY zone) FROM vac_daemon.snapshot_zones()), 'America/New_York America/Phoenix', 'the zones of the group''s coordinators');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_zones() z, unnest(z.day_starts) d WHERE (to_timestamp(d) AT TIME ZONE z.zone)::time <> '00:00'), 0::bigint, 'days begin at local midnight');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_zones() z WHERE extract(isodow FROM to_timestamp(z.day_starts[1]) AT TIME ZONE z.zone) <> 1
	OR to_timestamp(z.day_starts[1]) > now() OR to_timestamp(z.day_starts[cardinality(z.day_starts)]) < now() + interval '22 days'
	OR cardinality(z.day_starts) <> cardinality(z.week_numbers)), 0::bigint, 'from a Monday to beyond the horizon');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_zones() z, unnest(z.day_starts, z.week_numbers) WITH ORDINALITY d (at, week, n)
	WHERE d.week <> z.week_numbers[1] + (d.n - 1) / 7), 0::bigint, 'seven days have one number');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_zones() z, unnest(z.nights) WITH ORDINALITY d (at, n)
	WHERE (to_timestamp(d.at) AT TIME ZONE z.zone)::time <> CASE WHEN d.n % 2 = 1 THEN time '22:00' ELSE '06:00' END), 0::bigint, 'nights from ten to six');

-- ---- a daemon's life -------------------------------------------------------------------------
SELECT '11111111-1111-1111-1111-111111111111' AS d \gset
SELECT is((SELECT concat_ws(' ', ok, problem LIKE '%vacd migrate%') FROM vac_daemon.hello(:'d', 'host', 1, '9', 'another', 'smtp', 'a@b.example', 'k9')), 'f t', 'another schema: refused, with what to do');
SELECT is((SELECT count(*) FROM daemon WHERE daemon_id = :'d'), 0::bigint, 'and not kept');
SELECT is((SELECT sender::text FROM mail_identity), 'vacd@agency.example', 'nor heard');
SELECT is((SELECT ok FROM vac_daemon.hello(:'d', 'host', 1, '0.1', vac_daemon.schema_digest(), 'hold', '', '')), true, 'its own schema');
SELECT is((SELECT sender::text FROM mail_identity), 'vacd@agency.example', 'who sends nothing has no address');
SELECT is((SELECT ok FROM vac_daemon.hello(:'d', 'host', 2, '0.1', vac_daemon.schema_digest(), 'smtp', 'vacd@new.example', 'k9')), true, 'again, after a reconnect');
SELECT is((SELECT concat_ws(' ', pid, deliver, (SELECT count(*) FROM daemon WHERE daemon_id = :'d'), (SELECT sender || ' ' || key_id FROM mail_identity)) FROM daemon WHERE daemon_id = :'d'),
	'2 smtp 1 vacd@new.example k9', 'is the same daemon, with what is new');
SELECT vac_daemon.beat(:'d', '{dispatch,mailer}', '{5,5}') \g /dev/null
UPDATE heartbeat SET turned_at = turned_at - interval '5 minutes';
SELECT vac_daemon.beat(:'d', '{dispatch,mailer}', '{6,5}') \g /dev/null
SELECT is((SELECT string_agg(stage || ' ' || (turned_at > clock_timestamp() - interval '1 minute'), ', ' ORDER BY stage) FROM heartbeat WHERE daemon_id = :'d'),
	'dispatch true, mailer false', 'a stage that does not turn does not beat');
SELECT lives_ok($$SELECT vac_daemon.beat('33333333-3333-3333-3333-333333333333', '{dispatch}', '{1}')$$, 'who never said hello is not heard');
SELECT vac_daemon.raise_alarm(:'d', 'mail_login', '535 no'), vac_daemon.raise_alarm(:'d', 'mail_login', '535 still no') \g /dev/null
SELECT is((SELECT string_agg(name || ': ' || text, ', ') FROM alarm), 'mail_login: 535 still no', 'an alarm stands once');
SELECT is((SELECT string_agg(severity, ' ' ORDER BY line_no) FROM vac_daemon.status() WHERE text ~ '^(daemon|dispatch|mailer|alarm)'), 'ok ok bad bad', 'status says what stands still and what is wrong');
SELECT ok((SELECT text LIKE 'mailer: stands still, turned 5 min ago%' FROM vac_daemon.status() WHERE text ~ '^mailer'), 'and since when');
SELECT vac_daemon.clear_alarm(:'d', 'mail_login') \g /dev/null
SELECT is((SELECT count(*) FROM alarm), 0::bigint, 'cleared');
DELETE FROM holiday;
INSERT INTO holiday (day, name) VALUES (now()::date + 30, 'Earlier'), (now()::date + 61, 'Later');
SELECT is((SELECT count(*) FROM vac_daemon.status() WHERE text ~ '^holidays'), 0::bigint, 'nothing is said of holidays known for more than 60 days');
UPDATE holiday SET day = day - 2 WHERE name = 'Later';
SELECT is((SELECT severity || ' ' || text FROM vac_daemon.status() WHERE text ~ '^holidays'),
	format('warn holidays: the last one known is %s; run `vacd import holidays` with the next years''', now()::date + 59), '60 days before the last one status warns');
DELETE FROM holiday;
SELECT matches((SELECT severity || ' ' || text FROM vac_daemon.status() WHERE text ~ '^holidays'), '^warn holidays: none .*`vacd import holidays`', 'and where none is known');
SELECT ok((SELECT count(*) BETWEEN 9 AND 16 AND bool_and(severity IN ('ok', 'warn', 'bad') AND text <> '') FROM vac_daemon.status()), 'status has about fifteen lines');
UPDATE dispatch_group SET daemon_id = :'d' WHERE group_id = :g;
SELECT vac_daemon.goodbye(:'d') \g /dev/null
SELECT is((SELECT concat_ws(' ', lease_until, daemon_id) FROM dispatch_group WHERE group_id = :g), '', 'goodbye frees its groups');
SELECT is((SELECT stopped_at IS NOT NULL FROM daemon WHERE daemon_id = :'d'), true, 'and says when');
SELECT is((SELECT string_agg(severity, ' ' ORDER BY line_no) FROM vac_daemon.status() WHERE text ~ '^(daemon|dispatch|mailer)'), 'bad bad bad', 'none is running');
SELECT is((SELECT ok FROM vac_daemon.hello(:'d', 'host', 3, '0.1', vac_daemon.schema_digest(), 'smtp', 'vacd@new.example', 'k9')), true, 'come again');
SELECT is((SELECT stopped_at FROM daemon WHERE daemon_id = :'d'), NULL, 'it is there');

-- ---- plans kept from the first day -----------------------------------------------------------
-- The statements of this session were planned while there was no appointment.
SELECT pg_temp.appoint('FAR', now() + n * interval '1 day', 'held') FROM generate_series(10, 209) n \g /dev/null
CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE sql AS
	$$ SELECT pg_stat_get_xact_tuples_fetched(c.oid) + pg_stat_get_xact_tuples_returned(c.oid) FROM pg_class c WHERE c.oid = 'vac_store.appointment'::regclass $$;
SELECT pg_temp.rows_read() AS before \gset
SELECT count(*) FROM open_time(ARRAY[pg_temp.coordinator('ANNE')], tstzrange(now(), now() + interval '9 days')) \g /dev/null
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 20::bigint, 'open time reads those of the coordinator alone');
SELECT pg_temp.rows_read() AS before \gset
SELECT count(*) FROM vac_daemon.snapshot_busy() \g /dev/null
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 15::bigint, 'what stands is read of the group alone, not of everybody in that time');
SELECT pg_temp.rows_read() AS before \gset
SELECT count(*) FROM rest_of(ARRAY[pg_temp.coordinator('ZOE')], tstzrange(now(), now() + interval '60 days')) \g /dev/null
SELECT cmp_ok(pg_temp.rows_read() - :before, '<', 15::bigint, 'and so are rests');

SELECT * FROM finish();
ROLLBACK;
