-- Open time and office time: both changes of the clock, half-hour zones, night shifts, leave, holidays.
BEGIN;
\ir core.psql
SELECT plan(75);

-- ---- local wall-clock times ------------------------------------------------------------------
SELECT is(local_instant('2026-03-08 01:59', 'America/New_York'), '2026-03-08 06:59Z'::timestamptz, 'before the skip');
SELECT is(local_instant('2026-03-08 02:00', 'America/New_York'), '2026-03-08 07:00Z'::timestamptz, 'at the skip');
SELECT is(local_instant('2026-03-08 02:45', 'America/New_York'), '2026-03-08 07:00Z'::timestamptz, 'a time that is skipped is the moment of the skip');
SELECT is(local_instant('2026-03-08 03:00', 'America/New_York'), '2026-03-08 07:00Z'::timestamptz, 'after the skip');
SELECT is(local_instant('2026-11-01 00:59', 'America/New_York'), '2026-11-01 04:59Z'::timestamptz, 'before the hour that comes twice');
SELECT is(local_instant('2026-11-01 01:30', 'America/New_York'), '2026-11-01 06:30Z'::timestamptz, 'of a time that comes twice it is the second');
SELECT is(local_instant('2026-10-04 02:10', 'Australia/Lord_Howe'), '2026-10-03 15:30Z'::timestamptz, 'half an hour is skipped on Lord Howe');
SELECT is(local_instant('2026-04-05 01:45', 'Australia/Lord_Howe'), '2026-04-04 15:15Z'::timestamptz, 'half an hour comes twice on Lord Howe');
SELECT is(local_instant('2026-07-01 12:00', 'Asia/Kathmandu'), '2026-07-01 06:15Z'::timestamptz, 'three quarters of an hour in Kathmandu');
-- In Chile the clock skips from midnight to one: the day begins at one.
SELECT is(local_day_start('2026-09-06', 'America/Santiago'), '2026-09-06 04:00Z'::timestamptz, 'a day that has no midnight begins at the skip');
SELECT is(local_week_start('2026-03-08 12:00Z', 'America/New_York'), '2026-03-02 05:00Z'::timestamptz, 'a week begins on local Monday');
SELECT is(local_week_start('2026-03-09 03:59Z', 'America/New_York'), '2026-03-02 05:00Z'::timestamptz, 'Sunday evening is still the old week');
SELECT is(local_week_start('2026-03-09 04:00Z', 'America/New_York'), '2026-03-09 04:00Z'::timestamptz, 'midnight in summer time');
-- Never backwards: every quarter hour of the two days.
SELECT is((SELECT count(*) FROM (
		SELECT local_instant(t, z) AS now, lag(local_instant(t, z)) OVER (PARTITION BY z ORDER BY t) AS before
			FROM unnest(ARRAY['America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Asia/Kathmandu', 'Pacific/Guam']) z,
				unnest(ARRAY['2026-03-07', '2026-04-04', '2026-09-05', '2026-10-03', '2026-10-31']::timestamp[]) d,
				generate_series(d, d + interval '3 days', interval '15 minutes') t) s WHERE now < before), 0::bigint,
	'later on the clock is never earlier in time');

-- ---- shifts on the days when clocks change ---------------------------------------------------
SELECT pg_temp.person('P-' || o.code, o.code) FROM office o;
SELECT pg_temp.pattern('P-' || o.code, 'regular', ARRAY[7], '00:00', '08:00') FROM office o;
CREATE TEMPORARY TABLE expected (code text, day date, work text);
INSERT INTO expected VALUES
	('NYC', '2026-03-08', '{["2026-03-08 05:00:00+00","2026-03-08 12:00:00+00")}'),
	('NYC', '2026-03-15', '{["2026-03-15 04:00:00+00","2026-03-15 12:00:00+00")}'),
	('NYC', '2026-11-01', '{["2026-11-01 04:00:00+00","2026-11-01 13:00:00+00")}'),
	('NYC', '2026-10-25', '{["2026-10-25 04:00:00+00","2026-10-25 12:00:00+00")}'),
	('HNL', '2026-03-08', '{["2026-03-08 10:00:00+00","2026-03-08 18:00:00+00")}'),
	('HNL', '2026-11-01', '{["2026-11-01 10:00:00+00","2026-11-01 18:00:00+00")}'),
	('PHX', '2026-03-08', '{["2026-03-08 07:00:00+00","2026-03-08 15:00:00+00")}'),
	('PHX', '2026-11-01', '{["2026-11-01 07:00:00+00","2026-11-01 15:00:00+00")}'),
	('GUM', '2026-03-08', '{["2026-03-07 14:00:00+00","2026-03-07 22:00:00+00")}'),
	('GUM', '2026-11-01', '{["2026-10-31 14:00:00+00","2026-10-31 22:00:00+00")}'),
	('KTM', '2026-03-08', '{["2026-03-07 18:15:00+00","2026-03-08 02:15:00+00")}'),
	('KTM', '2026-11-01', '{["2026-10-31 18:15:00+00","2026-11-01 02:15:00+00")}'),
	('LDH', '2026-04-05', '{["2026-04-04 13:00:00+00","2026-04-04 21:30:00+00")}'),
	('LDH', '2026-10-04', '{["2026-10-03 13:30:00+00","2026-10-03 21:00:00+00")}');
SELECT is(pg_temp.work('P-' || code, 'regular', tstzrange(day - interval '1 day', day + interval '2 days')), work,
	format('midnight to eight in %s on %s', code, day)) FROM expected ORDER BY code, day;

SELECT pg_temp.person('GAP', 'NYC');
SELECT pg_temp.pattern('GAP', 'regular', ARRAY[7], '02:30', '03:15');
SELECT is(pg_temp.work('GAP', 'regular', '[2026-03-08, 2026-03-09)'), '{["2026-03-08 07:00:00+00","2026-03-08 07:15:00+00")}',
	'a shift that begins in the skip begins with it');
SELECT pg_temp.person('LOST', 'NYC');
SELECT pg_temp.pattern('LOST', 'regular', ARRAY[7], '02:15', '02:45');
SELECT is(pg_temp.work('LOST', 'regular', '[2026-03-08, 2026-03-09)'), '{}', 'a shift that is skipped does not exist');
SELECT is(pg_temp.work('LOST', 'regular', '[2026-03-15, 2026-03-16)'), '{["2026-03-15 06:15:00+00","2026-03-15 06:45:00+00")}',
	'a week later it does');
SELECT pg_temp.person('NIGHT', 'NYC');
SELECT pg_temp.pattern('NIGHT', 'on_call', ARRAY[6], '22:00', '06:00');
SELECT is(pg_temp.work('NIGHT', 'on_call', '[2026-03-07, 2026-03-09)'), '{["2026-03-08 03:00:00+00","2026-03-08 10:00:00+00")}',
	'seven hours of night in spring');
SELECT is(pg_temp.work('NIGHT', 'on_call', '[2026-10-31, 2026-11-02)'), '{["2026-11-01 02:00:00+00","2026-11-01 11:00:00+00")}',
	'nine hours of night in autumn');
SELECT is(pg_temp.work('NIGHT', 'on_call', '["2026-03-15 09:30:00Z", "2026-03-15 23:00:00Z")'),
	'{["2026-03-15 09:30:00+00","2026-03-15 10:00:00+00")}', 'what began the evening before reaches into the span');
SELECT pg_temp.person('ONCE', 'NYC');
INSERT INTO shift (coordinator_id, kind, span) VALUES (pg_temp.coordinator('ONCE'), 'on_call', '["2026-03-15 08:00:00Z", "2026-03-15 23:30:00Z")');
SELECT is(pg_temp.work('ONCE', 'on_call', '["2026-03-15 09:30:00Z", "2026-03-15 23:00:00Z")'),
	'{["2026-03-15 09:30:00+00","2026-03-15 23:00:00+00")}', 'and so does a shift of its own, which ends with it');
SELECT pg_temp.person('WEST', 'NYC', zone => 'America/Denver'), pg_temp.person('EAST', 'NYC');
SELECT pg_temp.pattern(who, 'regular', ARRAY[1], '08:00', '09:00') FROM unnest(ARRAY['WEST', 'EAST']) who;
SELECT is((SELECT string_agg(k.code || ' ' || t.at_work, ', ' ORDER BY k.code) FROM open_time(ARRAY[pg_temp.coordinator('WEST'), pg_temp.coordinator('EAST')], '[2026-03-16, 2026-03-17)') t
		JOIN coordinator k USING (coordinator_id) WHERE t.kind = 'regular'),
	'EAST {["2026-03-16 12:00:00+00","2026-03-16 13:00:00+00")}, WEST {["2026-03-16 14:00:00+00","2026-03-16 15:00:00+00")}', 'the same week in two zones');
-- One hands over to the other at a time that is skipped, or comes twice: nobody is missing.
SELECT pg_temp.person('EARLY', 'NYC'), pg_temp.person('LATE', 'NYC');
SELECT pg_temp.pattern('EARLY', 'regular', ARRAY[6], '18:00', '02:30'), pg_temp.pattern('LATE', 'regular', ARRAY[7], '02:30', '08:00');
SELECT is((SELECT range_agg(t.at_work)::text FROM open_time(ARRAY[pg_temp.coordinator('EARLY'), pg_temp.coordinator('LATE')], '[2026-03-07, 2026-03-09)') t),
	'{["2026-03-07 23:00:00+00","2026-03-08 12:00:00+00")}', 'a hand-over in the skip leaves no hole');
SELECT pg_temp.person('EARLY2', 'NYC'), pg_temp.person('LATE2', 'NYC');
SELECT pg_temp.pattern('EARLY2', 'regular', ARRAY[6], '18:00', '01:30'), pg_temp.pattern('LATE2', 'regular', ARRAY[7], '01:30', '08:00');
SELECT is((SELECT range_agg(t.at_work)::text FROM open_time(ARRAY[pg_temp.coordinator('EARLY2'), pg_temp.coordinator('LATE2')], '[2026-10-31, 2026-11-02)') t),
	'{["2026-10-31 22:00:00+00","2026-11-01 13:00:00+00")}', 'nor does one in the hour that comes twice');
SELECT pg_temp.person('FULL', 'NYC');
SELECT pg_temp.pattern('FULL', 'regular', ARRAY[1, 2], '00:00', '24:00');
SELECT is(pg_temp.work('FULL', 'regular', '[2026-07-06, 2026-07-10)'), '{["2026-07-06 04:00:00+00","2026-07-08 04:00:00+00")}',
	'24:00 is the end of the day, and days adjoin');

-- ---- whose zone ------------------------------------------------------------------------------
SELECT pg_temp.person('AWAY', 'NYC', zone => 'Pacific/Honolulu');
SELECT pg_temp.pattern('AWAY', 'regular', ARRAY[1, 2, 3], '08:00', '12:00');
SELECT is(pg_temp.work('AWAY', 'regular', '[2026-07-06, 2026-07-07)'), '{["2026-07-06 18:00:00+00","2026-07-06 22:00:00+00")}',
	'a coordinator''s own zone goes before the office''s');
INSERT INTO holiday (office_id, day, name) VALUES (pg_temp.office('NYC'), '2026-07-07', 'Test day');
-- The office's day is 04:00Z to 04:00Z; in Honolulu the shift of Tuesday the 7th is 18:00Z to 22:00Z.
SELECT is(pg_temp.work('AWAY', 'regular', '[2026-07-07, 2026-07-08)'), '{}', 'a holiday is the office''s local day');

-- ---- what is taken away ----------------------------------------------------------------------
SELECT pg_temp.person('ANNE', 'NYC');
SELECT pg_temp.pattern('ANNE', 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00'),
	pg_temp.pattern('ANNE', 'on_call', ARRAY[1, 2, 3, 4, 5], '17:00', '22:00');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-06, 2026-07-09)'),
	'{["2026-07-06 12:00:00+00","2026-07-06 21:00:00+00"),["2026-07-08 12:00:00+00","2026-07-08 21:00:00+00")}',
	'regular shifts do not count on a holiday');
SELECT is(pg_temp.work('ANNE', 'on_call', '[2026-07-07, 2026-07-09)'),
	'{["2026-07-07 00:00:00+00","2026-07-07 02:00:00+00"),["2026-07-07 21:00:00+00","2026-07-08 02:00:00+00"),["2026-07-08 21:00:00+00","2026-07-09 00:00:00+00")}',
	'on-call shifts do');
INSERT INTO holiday (day, name) VALUES ('2026-07-08', 'Everywhere');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-08, 2026-07-09)'), '{}', 'a holiday of no office is one of all');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-05, 2026-07-06 15:00:00Z)'), '{["2026-07-06 12:00:00+00","2026-07-06 15:00:00+00")}',
	'nothing lies outside the span that was asked for');
INSERT INTO leave (coordinator_id, span) VALUES (pg_temp.coordinator('ANNE'), '["2026-07-13 14:00:00Z", "2026-07-13 16:00:00Z")'),
	(pg_temp.coordinator('ANNE'), '["2026-07-13 15:00:00Z", "2026-07-13 17:00:00Z")');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-13, 2026-07-14)'),
	'{["2026-07-13 12:00:00+00","2026-07-13 14:00:00+00"),["2026-07-13 17:00:00+00","2026-07-13 21:00:00+00")}',
	'leave is taken away, also where it overlaps itself');
INSERT INTO shift (coordinator_id, kind, span) VALUES (pg_temp.coordinator('ANNE'), 'regular', '["2026-07-18 12:00:00Z", "2026-07-18 14:00:00Z")');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-18, 2026-07-19)'), '{["2026-07-18 12:00:00+00","2026-07-18 14:00:00+00")}',
	'a single shift counts');
SELECT pg_temp.pattern('ANNE', 'regular', ARRAY[6], '09:00', '10:00', '[2026-08-01, 2026-08-15)');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-25, 2026-07-26)'), '{}', 'a pattern does not hold before its time');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-08-08, 2026-08-09)'), '{["2026-08-08 13:00:00+00","2026-08-08 14:00:00+00")}', 'holds in it');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-08-15, 2026-08-16)'), '{}', 'and not after');
SELECT pg_temp.ask() AS one, pg_temp.ask() AS two \gset
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, state)
	SELECT r.request_id, r.case_id, r.office_id, pg_temp.coordinator('ANNE'), s.span, s.busy, 'routine', handle(), now(), s.state
		FROM (VALUES (:one, '["2026-07-20 13:00:00Z", "2026-07-20 14:00:00Z")'::tstzrange,
					'["2026-07-20 13:00:00Z", "2026-07-20 14:30:00Z")'::tstzrange, 'invited'),
				(:two, '["2026-07-20 16:00:00Z", "2026-07-20 17:00:00Z")',
					'["2026-07-20 16:00:00Z", "2026-07-20 17:30:00Z")', 'cancelled')) s (request_id, span, busy, state)
			JOIN request r USING (request_id);
SELECT is(pg_temp.open('ANNE', 'regular', '[2026-07-20, 2026-07-21)'),
	'{["2026-07-20 12:00:00+00","2026-07-20 13:00:00+00"),["2026-07-20 14:30:00+00","2026-07-20 21:00:00+00")}',
	'open time is less live appointments with their buffer, and no others');
SELECT is(pg_temp.work('ANNE', 'regular', '[2026-07-20, 2026-07-21)'), '{["2026-07-20 12:00:00+00","2026-07-20 21:00:00+00")}',
	'who meets somebody is at work');
SELECT is((SELECT count(*) FROM open_time(ARRAY(SELECT coordinator_id FROM coordinator), '[2026-07-20, 2026-07-21)')),
	2 * (SELECT count(*) FROM coordinator), 'two rows for everybody who was asked for');

-- ---- office time -----------------------------------------------------------------------------
SELECT is((SELECT hours::text FROM office_time(ARRAY[pg_temp.office('NYC')], '[2026-03-06, 2026-03-10)')),
	'{["2026-03-06 13:00:00+00","2026-03-06 22:00:00+00"),["2026-03-09 12:00:00+00","2026-03-09 21:00:00+00")}',
	'office hours across the change, without the weekend');
SELECT is((SELECT hours::text FROM office_time(ARRAY[pg_temp.office('HNL')], '[2026-03-06 12:00:00Z, 2026-03-07 12:00:00Z)')),
	'{["2026-03-06 18:00:00+00","2026-03-07 03:00:00+00")}', 'an office that names no hours has the policy''s');
SELECT is((SELECT hours::text FROM meeting_time(ARRAY[pg_temp.office('NYC')], 'urgent', '[2026-03-08, 2026-03-09)')),
	'{["2026-03-08 00:00:00+00","2026-03-08 01:00:00+00"),["2026-03-08 12:00:00+00","2026-03-09 00:00:00+00")}',
	'urgent meetings from eight to twenty, on Sundays too');
SELECT is((SELECT hours::text FROM meeting_time(ARRAY[pg_temp.office('NYC')], 'immediate', '[2026-03-08, 2026-03-09)')),
	'{["2026-03-08 00:00:00+00","2026-03-09 00:00:00+00")}', 'call-outs at any time');
SELECT is(add_office_minutes(pg_temp.office('NYC'), '2026-03-06 21:00Z', 120), '2026-03-09 13:00Z'::timestamptz, 'two office hours over a weekend');
SELECT is(add_office_minutes(pg_temp.office('NYC'), '2026-03-09 13:00Z', -120), '2026-03-06 21:00Z'::timestamptz, 'and back');
SELECT is(add_office_minutes(pg_temp.office('NYC'), '2026-03-07 10:00Z', 540), '2026-03-09 21:00Z'::timestamptz, 'a whole office day ends when the office closes');
SELECT is(add_office_minutes(pg_temp.office('NYC'), '2026-03-09 12:00Z', 0), '2026-03-09 12:00Z'::timestamptz, 'nothing added is nothing added');
SELECT is(add_office_minutes(pg_temp.office('NYC'), '2026-07-06 20:00Z', 120), '2026-07-09 13:00Z'::timestamptz, 'holidays do not pass');
SELECT is(add_office_minutes(pg_temp.office('NYC'), '2026-03-02 13:00Z', 27000), '2026-05-08 21:00Z'::timestamptz, 'fifty office days');
SELECT is(add_office_days(pg_temp.office('NYC'), '2026-03-06 21:00Z', 1), '2026-03-09 20:00Z'::timestamptz, 'the same local time one office day on, over the change');
SELECT is(add_office_days(pg_temp.office('NYC'), '2026-03-07 15:00Z', 1), '2026-03-10 04:00Z'::timestamptz, 'from a Saturday, counted from Monday''s beginning');
SELECT is(add_office_days(pg_temp.office('BOS'), '2026-03-06 15:00Z', 1), '2026-03-07 15:00Z'::timestamptz, 'Saturday counts where the office opens');
SELECT is(add_office_days(pg_temp.office('NYC'), '2026-07-06 15:00Z', 3), '2026-07-13 15:00Z'::timestamptz, 'three office days over two holidays and a weekend');
SELECT is(add_office_days(pg_temp.office('BOS'), '2026-07-06 15:00Z', 1), '2026-07-07 15:00Z'::timestamptz, 'another office''s holiday is none of this one');
SELECT is(add_office_days(pg_temp.office('HNL'), '2026-03-06 20:00Z', 1), '2026-03-09 20:00Z'::timestamptz, 'an office that names no hours opens from Monday to Friday');
SELECT is(policy_after('response_target', 'immediate', pg_temp.office('NYC'), '2026-03-07 15:00Z'), '2026-03-07 16:00Z'::timestamptz, 'elapsed time passes on Saturdays');
SELECT is(policy_after('answer_window', 'urgent', pg_temp.office('NYC'), '2026-03-06 21:00Z'), '2026-03-09 13:00Z'::timestamptz, 'office minutes do not');

-- ---- languages -------------------------------------------------------------------------------
SELECT is(string_agg(format('%s/%s', n, s), ' ' ORDER BY n COLLATE "C", s COLLATE "C"), 'es/es-MX es-MX/ES es-MX/es-MX zh/ZH-hant zh-Hant-TW/zh-Hant',
		'a language is met by its equal, its kind, or its kin at a subtag')
	FROM (VALUES ('es', 'es-MX'), ('es-MX', 'ES'), ('es-MX', 'es-MX'), ('es-MX', 'es-ES'), ('es', 'est'), ('e', 'es'),
		('zh', 'ZH-hant'), ('zh-Hant-TW', 'zh-Hant'), ('zh-Han', 'zh-Hant')) l (n, s)
	WHERE language_fits(n, s);

-- ---- in the daemon's form --------------------------------------------------------------------
SELECT is(flat('{[2026-03-08 05:00:00Z, 2026-03-08 12:00:00Z), [2026-03-09 00:00:00Z, 2026-03-09 00:00:01Z)}'),
	ARRAY[1772946000, 1772971200, 1773014400, 1773014401]::bigint[], 'spans as a flat array, in order');
SELECT is(flat('{}'), '{}'::bigint[], 'none is an empty array');
SELECT is((SELECT nights('America/New_York', '[2026-03-08 12:00:00Z, 2026-03-08 13:00:00Z)')::text),
	'{["2026-03-08 03:00:00+00","2026-03-08 10:00:00+00"),["2026-03-09 02:00:00+00","2026-03-09 10:00:00+00")}', 'the night before and the night after');

SELECT * FROM finish();
ROLLBACK;
