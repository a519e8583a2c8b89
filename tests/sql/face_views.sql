-- Views and the words they use; looking from another moment; what if.
BEGIN;
\ir people.psql
SELECT plan(38);
\set soon 'date_trunc(\'hour\', now()) + interval \'3 days\''

-- ---- words -----------------------------------------------------------------------------------
SELECT is(length_text('40 seconds'), '<1 min', 'seconds');
SELECT is(length_text('59 minutes 59 seconds'), '59 min', 'minutes');
SELECT is(length_text('3 hours 5 minutes'), '3 h 05', 'hours');
SELECT is(length_text('2 days 4 hours'), '2 d 4 h', 'days');
SELECT is(length_text('1 month'), '30 d 0 h', 'a month');
SELECT is(due_text('2026-01-01 10:00Z', '2026-01-01 08:30Z'), 'in 1 h 30', 'due');
SELECT is(due_text('2026-01-01 08:30Z', '2026-01-01 10:00Z'), '1 h 30 LATE', 'late');
SELECT is(short_time('2026-07-01 20:00Z', 'America/Phoenix'), 'Wed 01 Jul 13:00 MST', 'local time with its zone');
SELECT is(short_span('[2026-11-01 05:30Z,2026-11-01 06:30Z)', 'America/New_York'), 'Sun 01 Nov 01:30-01:30 EST', 'the hour that comes twice');
SELECT is(current_setting('timezone'), (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'), 'the session''s zone is untouched');
SELECT is(days_span('[2026-12-24 08:00Z,2026-12-27 08:00Z)', 'America/Los_Angeles'), 'Thu 24 Dec to Sat 26 Dec 2026', 'whole days');
SELECT is(terms_text('{"wait": 12, "collateral": 480, "load": 0}'), 'collateral 480, wait 12', 'terms, the greatest first, none that cost nothing');
SELECT is_empty($$SELECT rule FROM unnest(ARRAY['window', 'not_backup', 'conflict', 'barred', 'service', 'language', 'gender', 'cap_open_cases', 'locked',
	'no_shift', 'on_call_only', 'hours', 'leave', 'busy', 'case_busy', 'rest', 'cap_week', 'cap_day', 'dearer']) rule
	WHERE rule_text(rule, 'es', 'Counseling') IN (rule, replace(rule, '_', ' '))$$, 'every rule of the planner has words');
SELECT is_empty($$SELECT x.event FROM (SELECT DISTINCT event, detail FROM history) x WHERE event_text(x.event, x.detail) IS NULL$$, 'every event has words');

-- ---- cases -----------------------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es') AS a \gset
SELECT vac.open_case('SEA', 'vi', urgency => 'urgent') AS b \gset
SELECT is((SELECT string_agg(case_code, ' ') FROM (SELECT case_code FROM vac.open_cases) v), :'b' || ' ' || :'a', 'the urgent case comes first');
SELECT is((SELECT concat_ws('|', state, coordinator, due) FROM vac.open_cases WHERE case_code = :'b'), 'being planned|in 1 d 0 h', 'not yet planned');
SELECT pg_temp.appoint(:'b', 'PDX-1', :soon) AS b1 \gset
INSERT INTO decision (request_id, appointment_id, at, cost, terms, runner_up, ruled_out)
	SELECT a.request_id, a.appointment_id, now(), 2000, '{"wait": 1040, "backup": 960}',
			jsonb_build_object('coordinator', (SELECT coordinator_id FROM coordinator WHERE code = 'SEA-2'), 'start', extract(epoch FROM :soon)::bigint, 'cost', 9000, 'terms', '{"wait": 9000}'::jsonb),
			jsonb_build_object('language', jsonb_build_array((SELECT coordinator_id FROM coordinator WHERE code = 'SEA-1')))
		FROM appointment a WHERE a.appointment_id = :b1;
SELECT is((SELECT string_agg(case_code, ' ') FROM (SELECT case_code FROM vac.open_cases) v), :'a' || ' ' || :'b', 'what has nobody comes before what has');
SELECT is((SELECT concat_ws('|', state, coordinator) FROM vac.open_cases WHERE case_code = :'b'), 'asked, no answer yet|Coordinator C', 'asked');
SELECT is((SELECT due FROM vac.open_cases WHERE case_code = :'b'), (SELECT length_text(:soon - r.due_at) || ' LATE' FROM pg_temp.request_of(:'b') r),
	'what starts past its due time is late by that, whatever the time now');
SELECT results_eq(format('SELECT place, coordinator, cost, because FROM vac.why WHERE case_code = %L', :'b'),
	$$VALUES ('chosen', 'Coordinator C (PDX)', 2000::bigint, 'wait 1040, backup 960'), ('runner-up', 'Coordinator B (SEA)', 9000, 'wait 9000'),
		('ruled out', 'Coordinator A (SEA)', NULL, 'does not speak vi')$$, 'why her, why not the others');
SELECT is((SELECT concat_ws('|', coordinator, case_code, place, state) FROM vac.week), 'Coordinator C|' || :'b' || '|MAIN|asked, no answer yet', 'the week');
UPDATE request SET unserved_since = now() WHERE request_id = (pg_temp.request_of(:'a')).request_id;
INSERT INTO decision (request_id, at, ruled_out) VALUES ((pg_temp.request_of(:'a')).request_id, now(), '{"leave": [1], "language": [2, 3]}');
SELECT is((SELECT reasons FROM vac.unassigned), 'does not speak es (2), on leave (1)', 'why nobody');
SELECT is((SELECT because FROM vac.why WHERE case_code = :'a' AND place = 'NOBODY'), 'nobody in reach can; it is tried again', 'nobody, in why');
SELECT is((SELECT state FROM vac.open_cases WHERE case_code = :'a'), 'NOBODY FOUND', 'nobody, in open_cases');
SELECT is((SELECT count(*) FROM vac.mail_queue), 0::bigint, 'no mail waits');
SELECT queue_appointments('update', ARRAY[:b1]) \g /dev/null
SELECT is((SELECT concat_ws('|', mail, case_code, recipient, state) FROM vac.mail_queue), 'change|' || :'b' || '|Coordinator C|again in <1 min', 'a change waits (this transaction''s now is before it)');
SELECT matches((SELECT string_agg(what, ', ') FROM (SELECT what FROM vac.history WHERE case_code = :'b') h), 'case opened, urgent', 'history');
SELECT is((SELECT what FROM vac.history LIMIT 1), 'case opened, urgent', 'the newest comes first');
SELECT is((SELECT count(*) FROM vac.my_cases), 2::bigint, 'my cases');

-- ---- now, and another moment -----------------------------------------------------------------
SELECT set_config('vac.now', '2027-06-01 12:00 America/Los_Angeles', true) \g /dev/null
SELECT is(vac.now(), '2027-06-01 19:00Z', 'another moment');
SELECT is((SELECT string_agg(concat_ws(' ', office, coordinator, shift, until, now), ', ') FROM vac.on_duty_now),
	'HNL Coordinator D at work Tue 17:00 HST free, PDX Coordinator C at work Tue 17:00 PDT free, SEA Coordinator A at work Tue 17:00 PDT free, SEA Coordinator B at work Tue 17:00 PDT free',
	'who is on duty then');
SELECT set_config('vac.now', '2027-06-01 23:00 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT count(*) FROM vac.on_duty_now), 0::bigint, 'at night nobody is');
SELECT set_config('vac.now', '', true) \g /dev/null
SELECT is(vac.now(), now(), 'back again');

-- ---- what if ---------------------------------------------------------------------------------
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SAVEPOINT earnest;
SELECT vac.add_holiday('2027-05-31', 'Memorial Day') \g /dev/null
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'a verb in earnest can be committed');
ROLLBACK TO earnest;
SET CONSTRAINTS ALL DEFERRED;
SELECT vac.what_if() \g /dev/null
SELECT throws_matching('SET CONSTRAINTS ALL IMMEDIATE', 'asked what if', 'after what_if() nothing can');
ROLLBACK TO earnest;
SET CONSTRAINTS ALL DEFERRED;
SELECT set_config('vac.now', '2027-06-01 12:00Z', true) \g /dev/null
SELECT vac.open_case('SEA', key => 'then') AS x \gset
SELECT is((pg_temp.request_of(:'x')).opened_at, '2027-06-01 12:00Z', 'a verb acts at that moment');
SELECT set_config('vac.now', '', true) \g /dev/null
SELECT throws_matching('SET CONSTRAINTS ALL IMMEDIATE', 'looked from another moment', 'and cannot be committed, though vac.now is over by then');
ROLLBACK TO earnest;
SET CONSTRAINTS ALL DEFERRED;
SELECT is((SELECT count(*) FROM vac.my_cases), 2::bigint, 'and nothing of it is left');

SELECT * FROM finish();
ROLLBACK;
