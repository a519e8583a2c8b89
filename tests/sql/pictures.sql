-- Pictures in text: coverage, the week, bars; on both days of the year when clocks change.
BEGIN;
\ir people.psql
SELECT plan(47);
CREATE FUNCTION pg_temp.look(moment text) RETURNS void LANGUAGE sql AS $$SELECT set_config('vac.now', moment, true)$$;
-- By moments: a verb's local times cannot tell the two hours apart that the clock shows twice.
CREATE FUNCTION pg_temp.on_call(named text, since timestamptz, until timestamptz) RETURNS void LANGUAGE sql AS $$
	INSERT INTO vac_store.shift (coordinator_id, kind, span) SELECT k.coordinator_id, 'on_call', tstzrange(since, until) FROM vac_store.coordinator k WHERE k.code = named$$;
-- One line of a picture by what stands before it.
CREATE FUNCTION pg_temp.office(named text, first_day date, days integer) RETURNS text LANGUAGE sql AS $$
	SELECT concat(picture, '|', nobody) FROM vac.coverage(NULL, first_day, days) WHERE office = named$$;
CREATE FUNCTION pg_temp.person(named text, first_day date, days integer) RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(picture) FROM vac.week_picture(NULL, first_day, days) WHERE who LIKE named || ' %' AND who NOT LIKE '%(%'$$;

-- ---- bars and rulers -------------------------------------------------------------------------
SELECT is(bar(had, most, 8), shown, format('bar %s of %s', had, most))
	FROM (VALUES (0, 8, '········'), (1, 8, '█·······'), (0.5, 8, '▌·······'), (7.9, 8, '███████▉'), (8, 8, '████████'), (9, 8, '████████▶'),
		(0, 0, '········'), (1, 0, '████████▶')) t (had, most, shown);
SELECT is(picture_days('2026-10-31', 3), 'Sat 31 Oct 2026         │Sun 01 Nov 2026         │Mon 02 Nov 2026         ', 'ruler of days');
SELECT is(picture_hours(3), '00 03 06 09 12 15 18 21 │00 03 06 09 12 15 18 21 │00 03 06 09 12 15 18 21 ', 'ruler of hours');
SELECT is(picture_hours(7), repeat('00 06 12 18 │', 6) || '00 06 12 18 ', 'of a week');
SELECT is(picture_days('2026-11-01', 14), 'Sun 01│Mon 02│Tue 03│Wed 04│Thu 05│Fri 06│Sat 07│Sun 08│Mon 09│Tue 10│Wed 11│Thu 12│Fri 13│Sat 14', 'two weeks');
SELECT is(picture_days('2026-11-01', 15), '01 02 03 04 05 06 07 │08 09 10 11 12 13 14 │15 ', 'more: a bar between weeks');
SELECT is(picture_hours(15), NULL, 'and no hours');

-- ---- coverage --------------------------------------------------------------------------------
SELECT pg_temp.look('2026-10-30 00:00 PDT') \g /dev/null
SELECT pg_temp.on_call('SEA-2', '2026-10-31 22:00 PDT', '2026-11-01 08:00 PST') \g /dev/null
SELECT pg_temp.on_call('SEA-2', '2027-03-13 22:00 PST', '2027-03-14 08:00 PDT') \g /dev/null
SELECT is((SELECT array_agg(office) FROM vac.coverage), ARRAY[NULL, NULL, 'local', 'HNL', 'PDX', 'SEA'], 'legend, rulers, then a line an office');
SELECT is((SELECT picture FROM vac.coverage OFFSET 1 LIMIT 1), 'Thu 29 Oct 2026         │Fri 30 Oct 2026         │Sat 31 Oct 2026         │Sun 01 Nov 2026         ',
	'from the day of the office where it is earliest');
SELECT is(pg_temp.office('HNL', NULL, 2), '                                          !!!!!!│!!!!!!!!!!!!!!!!▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂!!!!!!!!!!!!!!|18 h', 'what is over is blank, hours are local');
SELECT is(pg_temp.office('SEA', '2026-10-30', 3), '!!!!!!!!▄▄▄▄▄▄▄▄▄!!!!!!!│!!!!!!!!!!!!!!!!!!!!!!░░│░░░░░░░░!!!!!!!!!!!!!!!!|53 h', 'clocks go back: still an hour a column');
SELECT is(pg_temp.office('SEA', '2026-11-01', 1), repeat('░', 32) || repeat('!', 64) || '|16 h', 'by quarter hours too');
DELETE FROM shift WHERE span @> '2026-11-01 00:00 PDT'::timestamptz;
SELECT pg_temp.on_call('SEA-2', '2026-10-31 22:00 PDT', '2026-11-01 01:30 PDT') \g /dev/null
SELECT pg_temp.on_call('SEA-1', '2026-11-01 01:30 PST', '2026-11-01 08:00 PST') \g /dev/null
SELECT is(left(pg_temp.office('SEA', '2026-11-01', 3), 24), '░!░░░░░░!!!!!!!!!!!!!!!!', 'an hour that comes twice shows the leaner of both');
SELECT is(left(pg_temp.office('SEA', '2026-11-01', 1), 12), '░░░░!!!!░░░░', 'in each of its quarter hours');
SELECT pg_temp.look('2027-03-13 00:00 PST') \g /dev/null
SELECT is(pg_temp.office('SEA', '2027-03-13', 3), '!!!!!!!!!!!!!!!!!!!!!!░░│░░╳░░░░░!!!!!!!!!!!!!!!!│!!!!!!!!▄▄▄▄▄▄▄▄▄!!!!!!!|53 h', 'clocks go forward: an hour is missing');
SELECT ok('╳ an hour that the clock skips' IN (SELECT picture FROM vac.coverage('sea', days => 2)), 'which the legend explains');
SELECT ok('╳ an hour that the clock skips' NOT IN (SELECT picture FROM vac.coverage('HNL', days => 2)), 'only where it is so');

SELECT pg_temp.look('2026-11-09 00:00 PST') \g /dev/null
SELECT vac.open_case('SEA') AS a \gset
SELECT vac.open_case('SEA') AS b \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', '2026-11-09 10:00 PST') AS a1 \gset
UPDATE appointment SET state = 'accepted', busy = tstzrange(lower(span) - interval '20 min', upper(span) + interval '30 min') WHERE appointment_id = :a1;
SELECT vac.add_leave('SEA-2', '2026-11-09 11:00', '2026-11-09 14:00') \g /dev/null
SELECT is(left(pg_temp.office('SEA', '2026-11-09', 1), 96), '!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!▄▄▄▄▄▄▂▂▂▂▂▂++▂▂▂▂▂▂▂▂▂▂▄▄▄▄▄▄▄▄▄▄▄▄!!!!!!!!!!!!!!!!!!!!!!!!!!!!',
	'less meetings with their buffers, and leave; + where all who are there are taken');
SELECT is(left(pg_temp.office('SEA', '2026-11-09', 3), 24), '!!!!!!!!▄▂▂+▂▂▄▄▄!!!!!!!', 'the leanest of a column');
SELECT pg_temp.on_call('SEA-1', '2026-11-09 17:00 PST', '2026-11-09 20:07 PST') \g /dev/null
SELECT pg_temp.on_call('SEA-2', '2026-11-09 20:07 PST', '2026-11-09 23:00 PST') \g /dev/null
SELECT is(substr(pg_temp.office('SEA', '2026-11-09', 1), 69), repeat('░', 24) || '!!!!|9 h', 'one hands over to the other between quarter hours: no gap');
SELECT is(pg_temp.office('PDX', '2026-11-11', 1), repeat('!', 32) || repeat('▂', 36) || repeat('!', 28) || '|15 h', 'before the holiday');
SELECT vac.add_holiday('2026-11-11', 'Veterans Day', 'PDX') \g /dev/null
SELECT is(pg_temp.office('PDX', '2026-11-11', 1), repeat('!', 96) || '|24 h', 'a holiday');
SELECT throws_matching('SELECT vac.coverage(days => 29)', 'days: 29', 'so many days have no room');
SELECT throws_matching('SELECT vac.week_picture(days => 0)', 'days: 0', 'nor has none');
SELECT throws_matching('SELECT vac.coverage(''NIL'')', 'no office ''NIL''', 'an office that there is not');

-- ---- the week --------------------------------------------------------------------------------
SELECT pg_temp.appoint(:'b', 'PDX-1', '2026-11-10 13:00 PST') AS b1 \gset
SELECT is((SELECT array_agg(who) FROM vac.week_picture), ARRAY[NULL, NULL, 'HNL (HST)', NULL, 'HNL-1 Coordinator D', 'PDX (PST)', NULL, 'PDX-1 Coordinator C',
	'SEA (PST)', NULL, 'SEA-1 Coordinator A', 'SEA-2 Coordinator B', 'PDX-1 Coordinator C'], 'a line a coordinator under each office, then who comes from elsewhere');
SELECT is(pg_temp.person('SEA-1', '2026-11-09', 2), '                ░░░▒██▒░░░░░░░░░░░▁▁▁▁▁▁▁       │                ░░░░░░░░░░░░░░░░░░', 'at work, travel, a meeting, a buffer, on call');
SELECT is(pg_temp.person('SEA-2', '2026-11-09', 2), '                ░░░░░░──────░░░░░░      ▁▁▁▁▁▁  │                ░░░░░░░░░░░░░░░░░░', 'leave');
SELECT is((SELECT picture FROM vac.week_picture('SEA', '2026-11-09', 2) WHERE who LIKE 'PDX-1%'),
	'················································│··························▄▄····················', 'of who comes to a case of ours that meeting alone');
SELECT is((SELECT picture FROM vac.week_picture('SEA') OFFSET 3 LIMIT 1), '▼0 06 12 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 ', 'now');
SELECT pg_temp.look('2026-11-10 14:40 PST') \g /dev/null
SELECT is((SELECT picture FROM vac.week_picture('SEA', '2026-11-09') OFFSET 3 LIMIT 1), '00 06 12 18 │00 06 1▼ 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 │00 06 12 18 ', 'on another day');
SELECT is(pg_temp.person('SEA-2', '2027-03-14', 1), repeat('▁', 8) || '╳╳╳╳' || repeat('▁', 20), 'an hour that the clock skips');
SELECT pg_temp.on_call('HNL-1', '2026-11-01 01:45 PDT', '2026-11-01 01:15 PST') \g /dev/null
UPDATE coordinator SET office_id = (SELECT o.office_id FROM office o WHERE o.code = 'PDX') WHERE code = 'HNL-1';
SELECT is(pg_temp.person('HNL-1', '2026-11-01', 1), '    ▁  ▁', 'one that comes twice: the end of the first, the beginning of the second');
UPDATE coordinator SET office_id = (SELECT o.office_id FROM office o WHERE o.code = 'HNL') WHERE code = 'HNL-1';
SELECT is_empty($$SELECT d, p.* FROM generate_series(1, 28) d, vac.coverage(days => d) p WHERE length(concat(p.picture)) > 99 OR length(p.nobody) > 5$$, 'coverage of any length fits');
SELECT is_empty($$SELECT d, p.* FROM generate_series(1, 28) d, vac.week_picture(days => d) p WHERE length(concat(p.who, p.picture)) > 115$$, 'and so does a week');

-- ---- how much people have --------------------------------------------------------------------
UPDATE case_record SET responsible_id = (SELECT k.coordinator_id FROM coordinator k WHERE k.code = 'SEA-2') WHERE case_code = :'b';
SELECT vac.set_limits('SEA-2', max_open_cases => 2, weekly_hours => 2) \g /dev/null
SELECT results_eq('SELECT office, coordinator, cases, of, used, responsible FROM vac.caseload',
	$$VALUES ('HNL', 'HNL-1', 0::bigint, 15, repeat('·', 24), 0::bigint), ('PDX', 'PDX-1', 1, 15, '█▌' || repeat('·', 22), 0),
		('SEA', 'SEA-1', 1, 15, '█▌' || repeat('·', 22), 0), ('SEA', 'SEA-2', 1, 2, repeat('█', 12) || repeat('·', 12), 1)$$, 'caseload');
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, state, answer_handle, made_at, ended_at, counted_minutes)
	SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s, s, 'routine', t.state, handle(), now(), now(), t.minutes
		FROM (VALUES ('2026-11-08 23:30 PST'::timestamptz, 'held', 90), ('2026-11-09 00:00 PST', 'held', 100), ('2026-11-15 23:59 PST', 'held', NULL),
				('2026-11-16 09:00 PST', 'held', 60), ('2026-11-10 10:00 PST', 'cancelled', 60), ('2026-10-12 09:00 PDT', 'held', 30), ('2026-10-11 09:00 PDT', 'held', 600)) t (starts, state, minutes)
			CROSS JOIN LATERAL (SELECT tstzrange(t.starts, t.starts + interval '1 hour') AS s) x
			JOIN coordinator k ON k.code = 'SEA-2' CROSS JOIN (SELECT (pg_temp.request_of(:'a')).*) r;
SELECT results_eq('SELECT coordinator, this_week, of, used, next_week, usually FROM vac.collateral_hours',
	$$VALUES ('SEA-2', '2:40', '2:00', repeat('█', 24) || '▶', '1:00', '0:30')$$, 'hours of this week from Monday to Sunday, of the next, and of four before, as the limit counts them');
SELECT vac.set_limits('SEA-2', weekly_hours => 8) \g /dev/null
SELECT is((SELECT used FROM vac.collateral_hours), repeat('█', 8) || repeat('·', 16), 'a third of the limit');

-- ---- right when empty ------------------------------------------------------------------------
SAVEPOINT full_up;
UPDATE office SET retired_at = now();
UPDATE coordinator SET retired_at = now();
SELECT is((SELECT count(*) FROM vac.coverage) + (SELECT count(*) FROM vac.week_picture) + (SELECT count(*) FROM vac.caseload) + (SELECT count(*) FROM vac.collateral_hours),
	0::bigint, 'no office: nothing to show');
ROLLBACK TO full_up;
UPDATE coordinator SET retired_at = now() WHERE code LIKE 'SEA%';
SELECT is(left(pg_temp.office('SEA', '2026-11-11', 1), 96), repeat('!', 96), 'an office without anybody');

SELECT * FROM finish();
ROLLBACK;
