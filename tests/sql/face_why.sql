-- Why her, why not him: what a decision of a plan looks like, and what made room for what.
BEGIN;
\ir people.psql
SELECT plan(12);
\set QUIET 1
\set soon '(date_trunc(\'hour\', now()) + interval \'3 days\')'
CREATE FUNCTION pg_temp.why(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' | ', w.place, w.coordinator, w.start, w.cost, replace(w.because, E'\n', ' ')), E'\n' ORDER BY w.n)
		FROM (SELECT v.*, row_number() OVER () AS n FROM vac.why v WHERE v.case_code = of_case) w
$$;
CREATE FUNCTION pg_temp.who(code text) RETURNS integer LANGUAGE sql AS $$ SELECT k.coordinator_id FROM vac_store.coordinator k WHERE k.code = who.code $$;
CREATE FUNCTION pg_temp.at(hours integer) RETURNS text LANGUAGE sql AS $$
	SELECT vac_store.short_time(date_trunc('hour', now()) + interval '3 days' + make_interval(hours => hours), 'America/Los_Angeles') $$;
CREATE FUNCTION pg_temp.epoch_at(hours integer) RETURNS bigint LANGUAGE sql AS $$
	SELECT vac_store.epoch(date_trunc('hour', now()) + interval '3 days' + make_interval(hours => hours)) $$;
INSERT INTO vac_store.plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps, exact, limited)
	SELECT o.group_id, 1, n, now(), now(), 1, 0, 0, 0, 0, 0, false, n = 2 FROM vac_store.office o, generate_series(1, 3) n WHERE o.code = 'SEA' ORDER BY n;
SELECT min(plan_id) AS p, min(plan_id) + 1 AS q, min(plan_id) + 2 AS m FROM vac_store.plan \gset
SELECT vac.open_case('SEA', 'vi', interpreter => 'telephone') AS a \gset
SELECT vac.open_case('SEA', 'es', urgency => 'urgent') AS b \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', :soon) AS a1 \gset
INSERT INTO decision (request_id, appointment_id, at, cost, terms, runner_up, ruled_out, nearest, plan_id)
	SELECT a.request_id, a.appointment_id, now(), 6280, '{"wait": 4320, "load": 12, "interpreter": 720, "continuity": 1440, "preference": 480, "collateral": 0}',
			jsonb_build_object('coordinator', pg_temp.who('PDX-1'), 'start', pg_temp.epoch_at(1), 'cost', 6500, 'terms', '{"wait": 4380, "backup": 960}'::jsonb),
			jsonb_build_object('leave', jsonb_build_array(pg_temp.who('SEA-2')), 'dearer', jsonb_build_array(pg_temp.who('HNL-1'))),
			jsonb_build_object(pg_temp.who('SEA-2'), pg_temp.epoch_at(48), pg_temp.who('HNL-1'), pg_temp.epoch_at(2)), :q
		FROM appointment a WHERE a.appointment_id = :a1;
SELECT is(split_part(pg_temp.why(:'a'), E'\n', 1), format('chosen | Coordinator A (SEA) | %s | 6280 | wait 4320, new face 1440, interpreter 720, preference 480, load 12; best plan so far', pg_temp.at(0)),
	'the chosen one, and that the search was cut short');
SELECT is(split_part(pg_temp.why(:'a'), E'\n', 2), format('runner-up | Coordinator C (PDX) | %s | 6500 | wait 4380, backup 960', pg_temp.at(1)), 'the runner-up');
SELECT is(split_part(pg_temp.why(:'a'), E'\n', 3), format('dearer | Coordinator D (HNL) | %s | could, but would cost more', pg_temp.at(2)), 'who could, but would be dearer, with the start they would have had');
SELECT is(split_part(pg_temp.why(:'a'), E'\n', 4), format('ruled out | Coordinator B (SEA) | %s | on leave; free then', pg_temp.at(48)), 'who is ruled out, with the nearest time');
SELECT is_empty($$SELECT w FROM vac.why w, string_to_table(w.because, E'\n') line WHERE length(line) > 38$$, 'what is long is wrapped');
SELECT is_empty($$SELECT 1 FROM (SELECT max(length(case_code)) + max(length(place)) + max(length(coordinator)) + max(length(start)) + max(length(cost::text)) + 38 + 17 AS wide
	FROM vac.why) w WHERE wide > 120$$, 'it fits 120 columns');

-- ---- room ------------------------------------------------------------------------------------
SELECT pg_temp.appoint(:'b', 'SEA-1', :soon + interval '5 hours') AS b1 \gset
INSERT INTO decision (request_id, appointment_id, at, cost, terms, plan_id)
	SELECT a.request_id, a.appointment_id, now(), 100, '{"wait": 100}', :m FROM appointment a WHERE a.appointment_id = :b1;
UPDATE appointment SET span = tstzrange(lower(span) + interval '3 hours', upper(span) + interval '3 hours'), busy = tstzrange(lower(span) + interval '3 hours', upper(span) + interval '3 hours')
	WHERE appointment_id = :a1;
INSERT INTO decision (request_id, appointment_id, at, cost, terms, plan_id, made_room_for, moved_from)
	SELECT a.request_id, a.appointment_id, now(), 420, '{"wait": 180, "move": 240}', :m, (pg_temp.request_of(:'b')).request_id,
			jsonb_build_object('appointment', :a1, 'coordinator', pg_temp.who('SEA-1'), 'start', pg_temp.epoch_at(0))
		FROM appointment a WHERE a.appointment_id = :a1;
SELECT is(pg_temp.why(:'b'), format('chosen | Coordinator A (SEA) | %s | 100 | wait 100; makes room: %s', pg_temp.at(5), :'a'), 'what makes room for it');
SELECT is(split_part(pg_temp.why(:'a'), E'\n', 1), format('chosen | Coordinator A (SEA) | %s | 6280 | wait 4320, new face 1440, interpreter 720, preference 480, load 12; best plan so far', pg_temp.at(0)),
	'who was chosen, where they were');
SELECT is(split_part(pg_temp.why(:'a'), E'\n', 2), format('moved | Coordinator A (SEA) | %s | 420 | makes room for %s; move 240, wait 180', pg_temp.at(3), :'b'), 'then where it was moved, and for whom');
SELECT is(array_length(string_to_array(pg_temp.why(:'a'), E'\n'), 1), 5, 'and the others');
SELECT is((SELECT string_agg(c::text, ',') FROM room_makers((pg_temp.request_of(:'b')).request_id, :m) c), (SELECT case_id::text FROM case_record WHERE case_code = :'a'), 'the cases that made room');
SELECT is((SELECT count(*) FROM room_makers((pg_temp.request_of(:'b')).request_id, :p)), 0::bigint, 'in that plan');

SELECT * FROM finish();
ROLLBACK;
