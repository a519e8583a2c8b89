-- Whom could one ring up? Everybody in reach, those first against whom least speaks.
BEGIN;
\ir people.psql
SELECT plan(28);
\set QUIET 1
-- Tuesday, three in the morning in Seattle; SEA-1 is on call at night.
SELECT set_config('vac.now', '2027-06-01 03:00 America/Los_Angeles', true) \g /dev/null
INSERT INTO weekly_pattern (coordinator_id, kind, weekday, from_time, to_time)
	SELECT coordinator_id, 'on_call', d, '17:00', '08:00' FROM coordinator, generate_series(1, 7) d WHERE code = 'SEA-1';
SELECT vac.open_case('SEA', 'es', urgency => 'immediate') AS hot \gset
SELECT vac.open_case('SEA', 'vi', service => 'counseling') AS cool \gset
CREATE FUNCTION pg_temp.could(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(': ', left(w.coordinator, 13), replace(w.against, E'\n', ' ')), ' | ' ORDER BY w.n)
		FROM vac.who_could(of_case) WITH ORDINALITY AS w (coordinator, telephone, duty, languages, against, n)
$$;
CREATE FUNCTION pg_temp.against(of_case text, who text) RETURNS text LANGUAGE sql AS $$
	SELECT replace(w.against, E'\n', ' ') FROM vac.who_could(of_case) w WHERE w.coordinator LIKE who || ' (%'
$$;

SELECT is(pg_temp.could(:'hot'), 'Coordinator A: nothing (01 Jun 03:00) | Coordinator B: does not speak es (01 Jun 08:00) | Coordinator C: does not speak es (01 Jun 08:00)',
	'a call-out: who is on call, then the others, backups last');
SELECT is((SELECT string_agg(concat_ws(', ', coordinator, telephone, duty, languages), ' | ') FROM vac.who_could(:'hot')),
	'Coordinator A (SEA), +1 206 555 0111, on call to Tue 08:00 PDT, es, en | Coordinator B (SEA), +1 206 555 0112, off until Tue 08:00 PDT, en'
	' | Coordinator C (PDX), +1 206 555 0113, off until Tue 08:00 PDT, en, vi', 'with telephone, shift, and the language asked for first');
SELECT is(pg_temp.could(:'cool'), 'Coordinator C: nothing (02 Jun 08:00) | Coordinator A: does not speak vi (02 Jun 08:00) | '
	'Coordinator B: does not give counseling, does not speak vi (02 Jun 08:00)', 'all that speaks against somebody, not the first only');
SELECT is(pg_temp.could(lower(replace(:'cool', '-', ''))), pg_temp.could(:'cool'), 'a code as people type it');
SELECT set_config('vac.now', '2027-06-01 10:00 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT duty FROM vac.who_could(:'hot') WHERE coordinator LIKE 'Coordinator A %'), 'at work to Tue 17:00 PDT', 'from another moment');
SELECT is(pg_temp.against(:'hot', 'Coordinator A'), 'nothing (01 Jun 10:00)', 'then at once');
SELECT set_config('vac.now', '2027-06-01 03:00 America/Los_Angeles', true) \g /dev/null

-- ---- rules of time ---------------------------------------------------------------------------
SAVEPOINT clean;
SELECT vac.add_leave('SEA-1', '2027-06-01', '2027-06-01') \g /dev/null
SELECT is(pg_temp.against(:'hot', 'Coordinator A'), 'nothing (02 Jun 00:00)', 'on leave until midnight, then on call again');
SELECT vac.add_leave('SEA-1', '2027-06-02', '2027-07-30') \g /dev/null
SELECT is(pg_temp.against(:'hot', 'Coordinator A'), 'on leave (01 Jun 03:00)', 'on leave for long');
SELECT is((SELECT duty FROM vac.who_could(:'hot') WHERE coordinator LIKE 'Coordinator A %'), 'off', 'and off for longer than one looks ahead');
ROLLBACK TO clean;
SELECT vac.add_conflict(:'cool', 'PDX-1') \g /dev/null
INSERT INTO request_bar (request_id, coordinator_id) SELECT (pg_temp.request_of(:'cool')).request_id, coordinator_id FROM coordinator WHERE code = 'PDX-1';
SELECT is(pg_temp.against(:'cool', 'Coordinator C'), 'conflict of interest, declined or did not answer (02 Jun 08:00)', 'a conflict, and a refusal');
ROLLBACK TO clean;
-- The week's hours: 60 minutes and twice the way of 180 are too many; a later week does not help.
SELECT vac.set_limits('PDX-1', weekly_hours => 6) \g /dev/null
SELECT is(pg_temp.against(:'cool', 'Coordinator C'), 'weekly hours are full (02 Jun 08:00)', 'limits');
SELECT vac.set_limits('PDX-1', weekly_hours => 7) \g /dev/null
SELECT is(pg_temp.against(:'cool', 'Coordinator C'), 'nothing (02 Jun 08:00)', 'just within them');
UPDATE coordinator SET meetings_a_day = 0, max_open_cases = 0 WHERE code = 'PDX-1';
SELECT is(pg_temp.against(:'cool', 'Coordinator C'), 'has as many cases as allowed, meetings of the day are full (02 Jun 08:00)', 'several of them');
ROLLBACK TO clean;
-- Other appointments: SEA-1 meets until nine on Wednesday; half an hour is kept free after it, and the case itself has one at eleven.
SELECT vac.open_case('SEA', 'es') AS other \gset
SELECT pg_temp.appoint(:'other', 'SEA-1', '2027-06-02 08:00 America/Los_Angeles') \g /dev/null
UPDATE appointment SET busy = tstzrange(lower(span), upper(span) + interval '30 minutes');
SELECT vac.change_request(:'cool', language => 'es', service => 'witness_support') \g /dev/null
SELECT is(pg_temp.against(:'cool', 'Coordinator A'), 'nothing (02 Jun 09:30)', 'after another appointment and its buffer');
INSERT INTO request (case_id, office_id, service, urgency, mode, place, language, minutes, open_window, due_at, opened_at, plan_at, state)
	SELECT case_id, office_id, service, urgency, mode, place, language, 60, open_window, due_at, opened_at, plan_at, 'planned' FROM request
		WHERE request_id = (pg_temp.request_of(:'cool')).request_id;
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT max(r.request_id), r.case_id, r.office_id, k.coordinator_id, s.span, s.span, 'routine', handle(), now()
		FROM request r JOIN case_record c USING (case_id), coordinator k,
			(SELECT tstzrange('2027-06-02 09:30 America/Los_Angeles', '2027-06-02 11:00 America/Los_Angeles') AS span) s
		WHERE c.case_code = :'cool' AND k.code = 'SEA-2' GROUP BY r.case_id, r.office_id, k.coordinator_id, s.span;
SELECT is(pg_temp.against(:'cool', 'Coordinator A'), 'nothing (02 Jun 11:00)', 'not while the victim is with somebody else');
ROLLBACK TO clean;
-- Rest after a call-out in the night.
SELECT pg_temp.appoint(:'hot', 'SEA-1', '2027-06-02 03:00 America/Los_Angeles') \g /dev/null
SELECT vac.change_request(:'cool', language => 'es', service => 'witness_support') \g /dev/null
SELECT is(pg_temp.against(:'cool', 'Coordinator A'), 'nothing (02 Jun 14:00)', 'rests for ten hours');
SELECT is(pg_temp.could(:'hot'), 'Coordinator A: has it (02 Jun 03:00) | Coordinator B: does not speak es (01 Jun 08:00) | Coordinator C: does not speak es (01 Jun 08:00)',
	'who has it comes first');
ROLLBACK TO clean;
-- A window that is over by then.
UPDATE request SET open_window = tstzrange(lower(open_window), '2027-06-02 08:30 America/Los_Angeles') WHERE request_id = (pg_temp.request_of(:'cool')).request_id;
SELECT is(pg_temp.against(:'cool', 'Coordinator C'), 'no room left in the window (02 Jun 08:00)', 'outside the window the rest is still looked at');
UPDATE request SET interpreter = 'telephone', urgency = 'urgent', open_window = tstzrange(lower(open_window), NULL) WHERE request_id = (pg_temp.request_of(:'cool')).request_id;
SELECT is(pg_temp.could(:'cool'), 'Coordinator A: nothing (01 Jun 08:00) | Coordinator C: nothing (01 Jun 08:00) | Coordinator B: does not give counseling (01 Jun 08:00)',
	'an interpreter helps; those of the own office first');
ROLLBACK TO clean;

-- ---- which request, and when not -------------------------------------------------------------
SELECT vac.withdraw_case(:'cool', 'resolved') \g /dev/null
SELECT is(pg_temp.against(:'cool', 'Coordinator C'), 'nothing (02 Jun 08:00)', 'the last request of a case that is over');
ROLLBACK TO clean;
SELECT throws_matching('SELECT vac.who_could(''K7Q-4MX'')', 'no case K7Q-4MX', 'no such case');
ROLLBACK TO clean;
-- What if.
SELECT vac.what_if() \g /dev/null
SELECT vac.add_shift('SEA-2', 'on_call', '2027-06-01 02:00', '2027-06-01 08:00') \g /dev/null
UPDATE coordinator_language SET language = 'es' WHERE coordinator_id = (SELECT coordinator_id FROM coordinator WHERE code = 'SEA-2') AND language = 'en';
SELECT is(pg_temp.against(:'hot', 'Coordinator B'), 'nothing (01 Jun 03:00)', 'what if');
ROLLBACK TO clean;
SELECT is_empty(format('SELECT w FROM vac.who_could(%L) w, string_to_table(w.against, E''\n'') line WHERE length(line) > 37', :'cool'), 'it is wrapped');

-- ---- rules as other offices may know them ----------------------------------------------------
SELECT is(public_rules(ARRAY['language', 'leave', 'busy', 'cap_day']), ARRAY['language', 'unavailable'], 'a calendar is one rule');
SELECT is(public_rules('{}'), '{}', 'none');
SELECT is(wrapped('one two three', 7), E'one two\nthree', 'wrapped');
SELECT is(wrapped('load 12, wait 300', 13), E'load 12,\nwait 300', 'a number with its word');
SELECT is(wrapped(U&'one two\00A0three', 7), E'one\ntwo three', 'what belongs together stays together');

SELECT * FROM finish();
ROLLBACK;
