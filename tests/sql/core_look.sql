-- What `vacd plan` and `vacd simulate` read: everything that is open, a plan in words, policies as functions of time, who joins when.
BEGIN ISOLATION LEVEL REPEATABLE READ;
\ir core.psql
SELECT plan(45);
SELECT pg_temp.person('ANNE', 'NYC'), pg_temp.person('PART', 'NYC', duty => 'collateral'), pg_temp.person('ZOE', 'BOS'), pg_temp.person('FAR', 'HNL') \g /dev/null
SELECT pg_temp.pattern('ANNE', 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00'), pg_temp.pattern('PART', 'regular', ARRAY[1, 3], '08:00', '12:00') \g /dev/null
SELECT group_id AS g FROM office WHERE code = 'NYC' \gset

-- ---- which groups ----------------------------------------------------------------------------
SELECT is((SELECT array_agg(group_id) FROM vac_daemon.look_groups('{nyc, BOS}')), ARRAY[:g], 'offices that stand in for one another are one group');
SELECT is((SELECT count(*) FROM vac_daemon.look_groups('{}')), (SELECT count(DISTINCT group_id) FROM office), 'none named: all');
SELECT throws_ok($$SELECT * FROM vac_daemon.look_groups('{NYC, XYZ}')$$, '22023', 'office: no office ''XYZ''', 'an office that there is not');
SELECT throws_ok($$SELECT * FROM vac_daemon.look_case('K7Q-4MX')$$, '22023', NULL, 'a case that there is not');

-- ---- what is open ----------------------------------------------------------------------------
SELECT pg_temp.ask() AS r1, pg_temp.ask(language => 'es', urgency => 'urgent') AS r2, pg_temp.ask() AS held, pg_temp.ask(office => 'HNL') AS other \gset
UPDATE request SET plan_at = now() + interval '1 hour' WHERE request_id = :r1;
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM request WHERE request_id = :held);
SELECT case_code AS code FROM case_record JOIN request USING (case_id) WHERE request_id = :r1 \gset
SELECT case_code AS held_code FROM case_record JOIN request USING (case_id) WHERE request_id = :held \gset
SELECT is((SELECT group_id FROM vac_daemon.look_case(lower(replace(:'code', '-', '')))), :g, 'a case by its code as it was typed');
SELECT is((SELECT concat_ws(' ', ok, grid_seconds) FROM vac_daemon.snapshot_look(:g, 100)), 't 900', 'no lease is needed to look');
SELECT is((SELECT array_agg(request_id ORDER BY urgency DESC) FROM vac_daemon.snapshot_requests()), ARRAY[:r2, :r1]::bigint[],
	'what waits for its next try too, what is on hold not');
SELECT is((SELECT array_agg(code ORDER BY code) FROM vac_daemon.snapshot_coordinators() JOIN coordinator USING (coordinator_id)), '{ANNE, PART, ZOE}', 'with the group''s people');

-- ---- a plan in words -------------------------------------------------------------------------
SELECT pg_temp.day_ahead(3, '10:00') AS start \gset
SELECT jsonb_build_array(pg_temp.choose(:r1, 'ANNE', :'start'::timestamptz) || '{"late": 90, "cost": 487, "over_cap": false, "by_interpreter": true,
		"terms": {"wait": 7, "collateral": 480}}', pg_temp.nobody(:r2, jsonb_build_object('language', jsonb_build_array(pg_temp.coordinator('ANNE'), pg_temp.coordinator('PART')),
			'no_shift', jsonb_build_array(pg_temp.coordinator('ZOE'))))) AS plan \gset
SELECT is((SELECT array_agg(concat_ws('|', office, case_code = :'code', urgency, coordinator_code, coordinator, late, cost, terms, reason, remark) ORDER BY n)
		FROM vac_daemon.plan_shown(:'plan', '{}') WITH ORDINALITY AS s (request_id, case_code, office, urgency, service, language, due, coordinator_code, coordinator,
			starts, ends, start, late_minutes, late, cost, terms, reason, moves, remark, n)),
	ARRAY['NYC|t|routine|ANNE|Coordinator ANNE (NYC)|1 h 30|487|collateral 480, wait 7|with an interpreter',
		'NYC|f|urgent|does not speak es (2 of 3)|does not speak es (2 of 3)'], 'in the plan''s order: who, when, at what cost; or why nobody');
SELECT is((SELECT start FROM vac_daemon.plan_shown(:'plan', '{}') WHERE request_id = :r1), short_time(:'start', 'America/New_York'), 'in local time of the office');
SELECT is((SELECT count(*) FROM vac_daemon.plan_shown(:'plan', '{HNL}')), 0::bigint, 'for the offices named');
SELECT is((SELECT reason FROM vac_daemon.plan_shown(jsonb_build_array(pg_temp.nobody(:r2, '{}')), '{}')), 'nobody is in reach', 'nobody at all');

-- ---- why -------------------------------------------------------------------------------------
SELECT jsonb_build_array(pg_temp.choose(:r1, 'ANNE', :'start'::timestamptz) || jsonb_build_object('runner_up', jsonb_build_object('coordinator', pg_temp.coordinator('PART'),
	'start', extract(epoch FROM :'start'::timestamptz)::bigint + 3600, 'cost', 9, 'terms', '{"wait": 9}'::jsonb),
	'ruled_out', jsonb_build_object('no_shift', jsonb_build_array(pg_temp.coordinator('ZOE'))))) AS plan \gset
SELECT is((SELECT array_agg(concat_ws('|', place, coordinator, cost, because) ORDER BY n) FROM vac_daemon.plan_explained(:'code', :'plan')
		WITH ORDINALITY AS s (request_id, code, title, place, coordinator, starts, start, cost, nearest_at, nearest, because, n)),
	ARRAY['chosen|Coordinator ANNE (NYC)|7|wait 7', 'runner-up|Coordinator PART (NYC)|9|wait 9', 'ruled out|Coordinator ZOE (BOS)|not at work then'],
	'the chosen one, the runner-up, and everybody else');
SELECT ok((SELECT bool_and(title LIKE :'code' || '  NYC  routine  counseling, en  due %: as it would be planned now') FROM vac_daemon.plan_explained(:'code', :'plan')), 'under a title');
SELECT is((SELECT concat_ws('|', place, title LIKE '%: the case is on hold: nothing is planned') FROM vac_daemon.plan_explained(:'held_code', '[]')), 't', 'nothing but a title for a case on hold');
UPDATE dispatch_group SET fence = 7, lease_until = clock_timestamp() + interval '1 minute' WHERE group_id = :g;
UPDATE request SET plan_at = now() WHERE request_id = :r1;
SELECT is(pg_temp.store(pg_temp.choose(:r1, 'ANNE', :'start'::timestamptz)), 'stored', 'stored');
SELECT is((SELECT concat_ws('|', place, coordinator, start, cost, because, title LIKE '%: as it was decided %') FROM vac_daemon.plan_explained(:'code', '[]')),
	'chosen|Coordinator ANNE (NYC)|' || short_time(:'start', 'America/New_York') || '|7|wait 7|t', 'what is planned is explained by what was stored');

-- ---- policies as functions of time -----------------------------------------------------------
-- The year 2026: clocks change on 8 March and 1 November in New York, on 5 April and 4 October on Lord Howe.
INSERT INTO holiday (office_id, day, name) VALUES (NULL, '2026-03-11', 'A day off'), (pg_temp.office('NYC'), '2026-03-13', 'Another');
UPDATE policy SET kind = 'office_minutes', value = '700' WHERE name = 'response_target' AND urgency = 'urgent';
CREATE FUNCTION pg_temp.differ(policy_name text, of_urgency text, code text, first timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		id integer := pg_temp.office(differ.code);
		zone text := (SELECT time_zone FROM vac_store.office WHERE office_id = id);
		pieces record;
		wrong bigint;
	BEGIN
		CREATE TEMPORARY TABLE piece ON COMMIT DROP AS
			SELECT * FROM vac_store.policy_pieces(policy_name, of_urgency, id, zone, tstzrange(first, first + interval '16 days'));
		SELECT count(*) INTO wrong FROM generate_series(first, first + interval '14 days', interval '37 minutes 13 seconds') t (at)
			CROSS JOIN LATERAL (SELECT p.value + CASE WHEN p.moves THEN t.at - p.at ELSE '0' END AS value
				FROM piece p WHERE p.at <= t.at ORDER BY p.at DESC LIMIT 1) x
			WHERE x.value <> vac_store.policy_after(policy_name, of_urgency, id, t.at);
		IF (SELECT count(*) FROM piece) = 0 THEN
			wrong := -1;
		END IF;
		DROP TABLE piece;
		RETURN wrong;
	END
$$;
SELECT is(pg_temp.differ(p.name, p.urgency, o.code, o.first), 0::bigint, format('%s %s in %s', p.name, p.urgency, o.code))
	FROM (VALUES ('notice', 'routine'), ('response_target', 'routine'), ('response_target', 'urgent'), ('notice', 'urgent')) p (name, urgency)
		CROSS JOIN (VALUES ('NYC', '2026-03-02'::timestamptz), ('BOS', '2026-10-26'), ('LDH', '2026-03-30'), ('GUM', '2026-03-02')) o (code, first);
SELECT is((SELECT count(*) FROM vac_daemon.simulate_clocks(extract(epoch FROM '2026-03-02Z'::timestamptz)::bigint, extract(epoch FROM '2026-03-20Z'::timestamptz)::bigint)),
	(SELECT count(*) * 6 FROM office), 'six for each office');
SELECT is((SELECT count(DISTINCT array_to_string(c.vals, ' ')) FROM vac_daemon.simulate_clocks(extract(epoch FROM '2026-03-02Z'::timestamptz)::bigint,
		extract(epoch FROM '2026-03-20Z'::timestamptz)::bigint) c JOIN office USING (office_id)
	WHERE c.policy = 'notice' AND c.urgency = 'routine' AND code IN ('NYC', 'BOS')), 2::bigint, 'not one for both where hours and holidays differ');

-- ---- the roster over a span ------------------------------------------------------------------
SELECT extract(epoch FROM '2026-03-02Z'::timestamptz)::bigint AS first, extract(epoch FROM '2026-05-04Z'::timestamptz)::bigint AS last \gset
UPDATE coordinator SET joined_at = '2025-01-01Z';
UPDATE coordinator SET joined_at = '2026-02-20Z' WHERE code = 'PART';
SELECT pg_temp.pattern('ZOE', 'regular', ARRAY[1, 2], '09:00', '12:00', '[2026-04-01,2026-04-20)') \g /dev/null
SELECT pg_temp.pattern('PART', 'regular', ARRAY[5], '08:00', '10:00', '[2026-04-01,)') \g /dev/null
INSERT INTO coordinator_language VALUES (pg_temp.coordinator('ANNE'), 'es-MX');
SELECT is((SELECT concat_ws(' ', ok, now) FROM vac_daemon.simulate_begin(:g, :first, :last, '{en, es}')), 't ' || :first, 'a span of its own');
SELECT is((SELECT string_agg(k.code || ' ' || s.meets::text, ', ' ORDER BY k.code) FROM vac_daemon.snapshot_coordinators() s JOIN coordinator k USING (coordinator_id)),
	'ANNE {en,es}, PART {en}, ZOE {en}', 'who meets which of the languages');
SELECT is((SELECT flat(t.at_work) FROM open_time(ARRAY[pg_temp.coordinator('ANNE')], tstzrange(to_timestamp(:first), to_timestamp(:last + 1))) t WHERE t.kind = 'regular'),
	(SELECT regular FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('ANNE')), 'time at work is open_time''s');
SELECT is((SELECT string_agg(code, ' ') FROM vac_daemon.simulate_people(:g)), 'ANNE PART ZOE', 'people in the order of their codes');
SELECT is((SELECT joined FROM vac_daemon.simulate_people(:g) WHERE code = 'ANNE'), epoch('2025-01-01Z'), 'who has been there for long');
SELECT is((SELECT joined FROM vac_daemon.simulate_people(:g) WHERE code = 'PART'), epoch('2026-02-20Z'), 'who came shortly before');
SELECT is((SELECT joined FROM vac_daemon.simulate_people(:g) WHERE code = 'ZOE'), epoch('2026-04-01 00:00 America/New_York'), 'whose shifts begin later joins then');
SELECT is((SELECT array_agg(to_timestamp(u.f)::date || ' ' || u.m) FROM vac_daemon.simulate_people(:g) p, unnest(p.shift_from, p.shift_minutes) u (f, m) WHERE p.code = 'ZOE'),
	'{2026-03-02 0,2026-04-01 360,2026-04-20 0}', 'the weekly shift minutes, and when they change');
SELECT is((SELECT array_agg(to_timestamp(u.f)::date || ' ' || u.m) FROM vac_daemon.simulate_people(:g) p, unnest(p.shift_from, p.shift_minutes) u (f, m) WHERE p.code = 'PART'),
	'{2026-03-02 480,2026-04-01 600}', 'of more than one pattern the sum');
SELECT is(vac_daemon.simulate_moments(ARRAY[pg_temp.office('NYC'), pg_temp.office('HNL'), pg_temp.office('NYC')], ARRAY['2026-03-08 02:30', '2026-03-08 02:30', '2026-03-07 02:30']::timestamp[]),
	ARRAY[epoch('2026-03-08 07:00Z'), epoch('2026-03-08 12:30Z'), epoch('2026-03-07 07:30Z')], 'local times as moments, one by one');
SELECT * FROM finish();
ROLLBACK;
