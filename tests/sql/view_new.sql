-- Overdue, response times, staffing, cover, interpreters, what-if and the monthly report, on both sides of the
-- night in which the clocks go back.
BEGIN;
\ir people.psql
\set at '2026-10-30 14:00 America/Los_Angeles'
SELECT set_config('vac.now', :'at', true) \g /dev/null
SELECT plan(84);

-- ---- before anything is there ----------------------------------------------------------------
SELECT is_empty(format('TABLE vac.%I', v), v || ', without a case') FROM unnest(ARRAY['overdue', 'response_times', 'staffing', 'cover', 'coverage_gaps', 'interpreters_to_book',
	'affected', 'monthly_report']) v;

-- ---- overdue ---------------------------------------------------------------------------------
-- Opened at a moment of the past; what stands is said by hand.
CREATE FUNCTION pg_temp.opened(at text, of_office text, urgency text, more text DEFAULT 'none') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	before CONSTANT text := current_setting('vac.now');
BEGIN
	PERFORM set_config('vac.now', at, true);
	code := vac.open_case(of_office, CASE more WHEN 'none' THEN 'en' ELSE 'vi' END, urgency => urgency, interpreter => more);
	PERFORM set_config('vac.now', before, true);
	RETURN code;
END
$$;
CREATE FUNCTION pg_temp.late(most integer DEFAULT 9) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', office, case_code, replace(overdue, E'\n', ' '), was_due, late, replace(call, E'\n', ' ')), ', ') FROM (SELECT * FROM vac.overdue LIMIT most) v
$$;
SELECT pg_temp.opened('2026-10-29 12:00 America/Los_Angeles', 'SEA', 'urgent') AS u, pg_temp.opened('2026-10-30 12:30 America/Los_Angeles', 'SEA', 'immediate') AS i,
	pg_temp.opened('2026-10-30 13:30 America/Los_Angeles', 'SEA', 'immediate') AS j, pg_temp.opened('2026-10-28 06:00 Pacific/Honolulu', 'HNL', 'routine') AS r \gset
SELECT is(pg_temp.late(), format('SEA %s meeting, first contact Fri 30 Oct 13:30 PDT 30 min nobody yet, SEA %s meeting, first contact Fri 30 Oct 12:00 PDT 2 h 00 nobody yet', :'i', :'u'),
	'what is due and has nobody, a row a case, the call-out first; not what has time yet');
SELECT pg_temp.appoint(:'i', 'SEA-1', '2026-10-30 13:45 America/Los_Angeles') AS i1 \gset
SELECT matches(pg_temp.late(1), format('^SEA %s first contact ', :'i'), 'a meeting that has begun is not overdue, though nobody said yet that there was contact');
SELECT vac.tick_clock(:'i', 'first_contact', '2026-10-30 13:50 America/Los_Angeles') \g /dev/null
SELECT unalike(pg_temp.late(), '%' || :'i' || '%', 'and with it nothing is');
SELECT pg_temp.appoint(:'u', 'SEA-2', '2026-11-01 00:30 America/Los_Angeles') AS u1 \gset
UPDATE appointment SET answer_by = '2026-10-30 13:00 America/Los_Angeles', window_from = '2026-10-30 11:00 America/Los_Angeles' WHERE appointment_id = :u1;
SELECT is(pg_temp.late(), format('SEA %s meeting comes late, first contact, answer Fri 30 Oct 12:00 PDT 2 h 00 Coordinator B +1 206 555 0112', :'u'),
	'one that comes too late, with the answer that is missing; and the clock: nobody is responsible, so call who is to go');
UPDATE appointment SET answer_by = NULL, window_from = NULL, send_by = '2026-10-30 13:30 America/Los_Angeles' WHERE appointment_id = :u1;
SELECT matches(pg_temp.late(1), 'meeting comes late, first contact, invitation UNSENT', 'one that never went out');
SELECT vac.start_clock(:'r', 'hhs_notice', '2026-10-29 13:00 America/Los_Angeles') \g /dev/null
SELECT is((SELECT replace(overdue, E'\n', ' ') || ' ' || late FROM vac.overdue WHERE office = 'HNL'), 'notify HHS of a minor 1 h 00', 'a clock that ran out');
SELECT vac.hold_case(:'u', 'safety: seen near the house') \g /dev/null
SELECT is((SELECT string_agg(DISTINCT office || ' ' || (overdue LIKE '%on hold'), ', ') FROM vac.overdue), 'HNL false, SEA true', 'a case on hold says so');
SELECT is((SELECT office FROM vac.overdue LIMIT 1), 'HNL', 'and comes last');
SELECT set_config('vac.now', '2026-11-01 10:30Z', true) \g /dev/null
SELECT is((SELECT DISTINCT was_due || ' ' || late FROM vac.overdue WHERE case_code = :'u'), 'Fri 30 Oct 12:00 PDT 1 d 15 h', 'after the night in which the clocks went back, an hour more');
SELECT set_config('vac.now', :'at', true) \g /dev/null
SELECT vac.release_case(:'u', 'safe: moved') \g /dev/null

-- ---- response times --------------------------------------------------------------------------
CREATE FUNCTION pg_temp.met(of_case text, who text, starts text) RETURNS void LANGUAGE sql AS $$
	WITH made AS (SELECT pg_temp.appoint(of_case, who, starts::timestamptz) AS id), held AS (
		UPDATE vac_store.appointment a SET state = 'held', outcome = 'held', outcome_at = upper(a.span) FROM made m WHERE a.appointment_id = m.id)
	SELECT FROM made
$$;
SELECT pg_temp.opened('2026-10-31 20:00 America/Los_Angeles', 'PDX', 'urgent') AS p, pg_temp.opened('2026-10-31 20:00 America/Los_Angeles', 'PDX', 'urgent') AS q,
	pg_temp.opened('2026-10-31 20:00 America/Los_Angeles', 'PDX', 'urgent') AS s, pg_temp.opened('2026-10-31 20:00 America/Los_Angeles', 'PDX', 'urgent') AS w \gset
SELECT pg_temp.appoint(:'p', 'PDX-1', '2026-11-01 07:00 America/Los_Angeles') AS p1, pg_temp.appoint(:'q', 'PDX-1', '2026-11-01 19:30 America/Los_Angeles') AS q1 \gset
UPDATE appointment SET state = 'held', outcome = 'held', outcome_at = upper(span) WHERE appointment_id IN (:p1, :q1);
UPDATE request SET state = 'met' WHERE request_id IN (SELECT request_id FROM appointment WHERE appointment_id IN (:p1, :q1));
SELECT set_config('vac.now', '2026-11-01 19:00 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT concat_ws('|', requests, in_time, late, waiting, kept, median, nine_in_ten, target) FROM vac.response_times WHERE office = 'PDX'), '4|1|3|0|25 %|12 h 00|12 h 00|24 h',
	'a day is 24 hours, also the one of 25; a meeting to come does not count yet');
SELECT set_config('vac.now', '2026-11-01 18:30 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT concat_ws('|', requests, in_time, late, waiting, kept) FROM vac.response_times WHERE office = 'PDX'), '4|1|0|3|100 %', 'before they are due they wait');
SELECT set_config('vac.now', '2026-11-01 21:00 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT concat_ws('|', requests, in_time, late, waiting, kept, median, nine_in_ten) FROM vac.response_times WHERE office = 'PDX'), '4|1|3|0|25 %|18 h 15|23 h 15', 'one that was late has its time, too');
SELECT vac.withdraw_case(:'s', 'resolved') \g /dev/null
SELECT is((SELECT requests FROM vac.response_times WHERE office = 'PDX'), 3::bigint, 'what is withdrawn does not count');
SELECT set_config('vac.now', '2026-12-01 21:00 America/Los_Angeles', true) \g /dev/null
SELECT is_empty($$SELECT FROM vac.response_times WHERE office = 'PDX'$$, 'nor what is longer ago than policy response_days says');
SELECT set_config('vac.now', :'at', true) \g /dev/null
SELECT is((SELECT string_agg(target, ', ' ORDER BY urgency) FROM vac.response_times WHERE office IN ('SEA', 'HNL')), '60 min, 3 office days, 24 h', 'targets in words');

-- ---- by month --------------------------------------------------------------------------------
SELECT set_config('vac.now', '2026-11-30 21:00 America/Los_Angeles', true) \g /dev/null
UPDATE case_record SET first_contact_at = '2026-11-01 07:00 America/Los_Angeles' WHERE case_code = :'p';
UPDATE case_record SET first_contact_at = '2026-11-01 19:30 America/Los_Angeles' WHERE case_code = :'q';
SELECT is((SELECT array_agg(concat_ws('|', month, new_cases, persons_served, meetings, contacted, in_time, median_hours, nine_in_ten_hours)) FROM vac.monthly_report WHERE office = 'PDX'),
	ARRAY['2026-11|0|2|2|0|0', '2026-10|4|0|0|2|1|18.3|23.3'], 'opened in October in local time, though in November in UTC; met in November');
SELECT pg_temp.appoint(:'p', 'PDX-1', '2026-11-03 07:00 America/Los_Angeles') AS p2 \gset
UPDATE appointment SET state = 'held', outcome = 'held', outcome_at = upper(span) WHERE appointment_id = :p2;
SELECT is((SELECT concat_ws('|', persons_served, meetings) FROM vac.monthly_report WHERE office = 'PDX' AND month = '2026-11'), '2|3', 'who is met twice is one person');
SELECT is((SELECT array_agg(month || office) FROM vac.monthly_report), ARRAY['2026-11PDX', '2026-10HNL', '2026-10PDX', '2026-10SEA'], 'the newest month first');
SELECT set_config('vac.now', '2027-11-01 12:00 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT string_agg(DISTINCT month, ' ') FROM vac.monthly_report), '2026-11', 'this month and the twelve before');
SELECT set_config('vac.now', :'at', true) \g /dev/null

-- ---- staffing --------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.staff(of_office text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', split_part(must_have, ' ', 1), there || '/' || at_least, standing, '[' || replace(who, E'\n', ' ') || ']'), ', ') FROM vac.staffing WHERE office = of_office
$$;
SELECT is((SELECT count(*) FROM vac.minimums), 4::bigint, 'minimums of 6 USC 258, which apply to no office yet');
SELECT is(vac.set_designation('SEA', 'SAC office'), 'SEA: Special Agent in Charge office; vac.staffing shows whom it must have', 'a Special Agent in Charge office');
SELECT is(pg_temp.staff('SEA'), 'forensic 0/1 LACKS 1, victim 1/1 has [Coordinator A]', 'collateral duty does not count, nor does who gives no forensic interviews');
INSERT INTO coordinator_service SELECT coordinator_id, 'forensic_interview' FROM coordinator WHERE code = 'SEA-1';
SELECT is(pg_temp.staff('SEA'), 'victim 0/1 LACKS 1, forensic 1/1 has [Coordinator A]', 'one person counts once, where they are rarer');
UPDATE coordinator SET duty = 'full_time' WHERE code = 'SEA-2';
SELECT is(pg_temp.staff('SEA'), 'forensic 1/1 has [Coordinator A], victim 1/1 has [Coordinator B]', 'with two both are met');
INSERT INTO coordinator_service SELECT k.coordinator_id, 'forensic_interview' FROM coordinator k WHERE code = 'SEA-2';
DELETE FROM coordinator_service s USING coordinator k WHERE k.coordinator_id = s.coordinator_id AND k.code = 'SEA-2' AND s.service = 'crisis_intervention';
SELECT is(pg_temp.staff('SEA'), 'forensic 1/1 has [Coordinator B], victim 1/1 has [Coordinator A]', 'who came first moves on where that meets both');
SELECT vac.set_designation('SEA', d) FROM unnest(ARRAY['trafficking_task_force', 'child_exploitation_task_force']) d \g /dev/null
SELECT is(pg_temp.staff('SEA'), 'victim 1/3 LACKS 2 [Coordinator A], forensic 1/1 has [Coordinator B]', 'one more for each task force');
SELECT is((SELECT replace(because, E'\n', ' ') FROM vac.staffing WHERE must_have LIKE 'victim%'),
	'Special Agent in Charge office; child-exploitation task force; human-trafficking task force (6 USC 258)', 'and because of what');
SELECT vac.add_leave('SEA-2', '2026-10-30', '2026-11-02') \g /dev/null
SELECT matches(pg_temp.staff('SEA'), 'Coordinator B \(away\)', 'who is away now');
SELECT is(vac.remove_designation('SEA', 'child_exploitation_task_force'), 'SEA is no child-exploitation task force any more', 'no more');
SELECT is(vac.set_minimum('sac_forensic', people => 2), 'sac_forensic: 2 forensic interview specialist for each Special Agent in Charge office (6 USC 258)', 'a minimum is changed; what is left out stays');
SELECT is(pg_temp.staff('SEA'), 'victim 0/2 LACKS 2, forensic 2/2 has [Coordinator A, Coordinator B (away)]', 'and is measured against');
SELECT vac.set_minimum('anybody', 1, 'somebody', source => 'house rule'), vac.remove_minimum('sac_forensic') \g /dev/null
SELECT is((SELECT string_agg(office || standing, ' ') FROM vac.staffing WHERE must_have = 'somebody'), 'HNLhas PDXhas SEAhas', 'a minimum of every office: in SEA for the one who does not count yet');
SELECT throws_matching($$SELECT vac.set_designation('SEA', 'nonsense')$$, 'designation: ''nonsense'' is none', 'no such designation');
SELECT throws_matching($$SELECT vac.set_minimum('new_one', 1)$$, 'new one needs people, label and source', 'a new minimum says what it is');
SELECT throws_matching($$SELECT vac.set_minimum('anybody', service => 'massage')$$, 'service', 'no such service');

SELECT is(vac.set_minimum('anybody', service => 'counseling', duty => 'collateral'), 'anybody: 1 somebody for each office (house rule)', 'a minimum gets a service and a duty');
SELECT is((SELECT string_agg(office || standing, ' ') FROM vac.staffing WHERE must_have = 'somebody'), 'HNLLACKS 1 PDXLACKS 1 SEALACKS 1', 'which nobody has');
SELECT vac.set_minimum('anybody', service => '', duty => '', designation => 'office_of_our_own') FROM vac.set_designation('HNL', 'office of our own', label => 'office of our own') \g /dev/null
SELECT is((SELECT string_agg(office || standing, ' ') FROM vac.staffing WHERE must_have = 'somebody'), 'HNLhas', 'an empty text empties; of a designation of one''s own');
SELECT is((SELECT string_agg(concat_ws('|', minimum, designation, replace(must_have, E'\n', ' '), offices), ', ') FROM vac.minimums WHERE offices = 'HNL'), 'anybody|office_of_our_own|1 somebody|HNL', 'as view minimums says');

-- ---- cover -----------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.gaps(wanted text, most integer DEFAULT 9) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', "from", 'to', until, length, replace(because, E'\n', ' ')), ', ') FROM (SELECT * FROM vac.coverage_gaps WHERE replace(lacks, E'\n', ' ') = wanted LIMIT most) v
$$;
SELECT is(vac.set_cover('SEA', 'nights', 'Sat,Sun 22:00-06:00'), 'SEA, nights: somebody, Sat,Sun 22:00-06:00 (America/Los_Angeles)', 'nights at weekends');
SELECT is(pg_temp.gaps('nights', 2), 'Sat 31 Oct 22:00 PDT to Sun 01 Nov 06:00 PST 9 h 00 nobody, Sun 01 Nov 22:00 PST to Mon 02 Nov 06:00 PST 8 h 00 nobody', 'the night in which the clocks go back has nine hours');
SELECT set_config('vac.now', '2026-11-01 01:15 PST', true) \g /dev/null
SELECT is((SELECT concat_ws(' ', begins, "from", until, length) FROM vac.coverage_gaps LIMIT 1), 'now Sun 01 Nov 01:15 PST Sun 01 Nov 06:00 PST 4 h 45', 'in the midst of it, it is now');
SELECT set_config('vac.now', :'at', true) \g /dev/null
SELECT vac.add_shift('SEA-1', 'on_call', '2026-10-31 22:00', '2026-11-01 01:30') \g /dev/null
SELECT is(pg_temp.gaps('nights', 1), 'Sun 01 Nov 01:30 PST to Sun 01 Nov 06:00 PST 4 h 30 nobody', 'on call counts, and of the hour that comes twice the second is meant');
SELECT vac.set_cover('SEA', 'nights', 'Sat 22:00-06:00', language => 'ES') \g /dev/null
SELECT is((SELECT concat_ws('|', cover, hours, whom) FROM vac.cover), 'nights|Sat 22:00-06:00|somebody, es', 'a cover is set anew');
SELECT is(pg_temp.gaps('nights', 1), 'Sun 01 Nov 01:30 PST to Sun 01 Nov 06:00 PST 4 h 30 nobody with es', 'Coordinator A speaks Spanish');
SELECT vac.set_cover('SEA', 'nights', 'Sat 22:00-06:00', language => 'vi') \g /dev/null
SELECT is(pg_temp.gaps('nights', 1), 'Sat 31 Oct 22:00 PDT to Sun 01 Nov 06:00 PST 9 h 00 nobody with vi', 'but no Vietnamese');
SELECT vac.set_cover('SEA', 'desk', 'office', 'crisis_intervention'), vac.set_cover('SEA', 'two', 'office', people => 2) \g /dev/null
SELECT is(pg_temp.gaps('desk'), NULL, 'in office hours somebody is there');
SELECT is(pg_temp.gaps('two', 2), 'Fri 30 Oct 14:00 PDT to Fri 30 Oct 17:00 PDT 3 h 00 fewer than 2, Mon 02 Nov 08:00 PST to Mon 02 Nov 17:00 PST 9 h 00 fewer than 2', 'not two, while one is on leave; what has begun counts from now');
SELECT vac.add_holiday('2026-11-02', 'Closed', 'SEA') \g /dev/null
SELECT is(pg_temp.gaps('two', 2), 'Fri 30 Oct 14:00 PDT to Fri 30 Oct 17:00 PDT 3 h 00 fewer than 2', 'nobody need be there on a holiday');
SELECT vac.set_rotation('SEA', 'turns', 'PDX-1', '00:00', 1, '2026-10-31') \g /dev/null
SELECT is(pg_temp.gaps('nights', 1), NULL, 'who holds a turn of its rotation is there for the office, though of a backup');
SELECT is((SELECT string_agg(vac.remove_cover('SEA', c), ', ') FROM unnest(ARRAY['DESK', 'two']) c), 'SEA, desk: asked for no more, SEA, two: asked for no more', 'removed');
SELECT throws_matching($$SELECT vac.remove_cover('SEA', 'desk')$$, 'cover: SEA has no cover ''desk''', 'once');
SELECT throws_matching($$SELECT vac.set_cover('SEA', 'x', 'nights')$$, 'hours: ''nights''', 'hours that are none');
SELECT throws_matching($$SELECT vac.set_cover('SEA', 'x', NULL)$$, 'hours', 'nor none at all');

-- ---- interpreters ----------------------------------------------------------------------------
SELECT pg_temp.opened('2026-10-30 09:00 America/Los_Angeles', 'SEA', 'routine', 'on_site') AS v \gset
SELECT pg_temp.appoint(:'v', 'SEA-1', '2026-11-03 09:00 America/Los_Angeles') AS v1 \gset
CREATE FUNCTION pg_temp.book() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', case_code, language, interpreter, meeting, begins, replace(to_do, E'\n', ' ')), ', ') FROM vac.interpreters_to_book
$$;
SELECT is(pg_temp.book(), NULL, 'who speaks the language needs none');
UPDATE appointment SET by_interpreter = true WHERE appointment_id = :v1;
SELECT is(pg_temp.book(), :'v' || ' vi comes to MAIN Tue 03 Nov 09:00-10:00 PST in 3 d 20 h book', 'one to book');
SELECT is(vac.interpreter_booked(:'v'), format('Case %s: an interpreter is booked for Tue 03 Nov 09:00-10:00 PST', :'v'), 'it is');
SELECT is(pg_temp.book(), NULL, 'and is off the list');
UPDATE appointment SET span = '[2026-11-03 18:00Z,2026-11-03 19:00Z)', busy = '[2026-11-03 18:00Z,2026-11-03 19:00Z)' WHERE appointment_id = :v1;
SELECT matches(pg_temp.book(), 'Tue 03 Nov 10:00-11:00 PST .* BOOK ANEW, was Tue 03 Nov 09:00 PST', 'the meeting moved');
SELECT vac.interpreter_booked(:'v'), vac.withdraw_case(:'v', 'resolved') \g /dev/null
SELECT matches(pg_temp.book(), 'CANCEL, not needed', 'withdrawn: the interpreter need not come');
SELECT is(vac.interpreter_booked(:'v', false), format('Case %s: no interpreter comes on Tue 03 Nov 10:00-11:00 PST any more', :'v'), 'cancelled');
SELECT is(pg_temp.book(), NULL, 'nothing is left to do');
SELECT throws_matching(format('SELECT vac.interpreter_booked(%L)', :'v'), 'no appointment to come of case .* needs an interpreter', 'nor to note');
-- One meeting is withdrawn, and the case goes elsewhere with another: who booked calls off, who has it now books anew.
CREATE ROLE sup_pdx LOGIN IN ROLE vac_supervisor;
INSERT INTO supervisor (login, name, mail) VALUES ('sup_pdx', 'Supervisor C', 'supervisor.c@example.org');
INSERT INTO supervisor_office SELECT s.supervisor_id, o.office_id FROM supervisor s, office o WHERE s.login = 'sup_pdx' AND o.code = 'PDX';
CREATE FUNCTION pg_temp.booked_by(login text, sql text DEFAULT 'SELECT pg_temp.book()') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	PERFORM set_config('session_authorization', login, true);
	EXECUTE sql INTO said;
	PERFORM set_config('session_authorization', 'postgres', true);
	RETURN said;
END
$$;
SELECT pg_temp.opened('2026-10-30 09:00 America/Los_Angeles', 'SEA', 'routine', 'on_site') AS t \gset
SELECT pg_temp.appoint(:'t', 'SEA-1', '2026-11-04 09:00 America/Los_Angeles') AS t1 \gset
UPDATE appointment SET by_interpreter = true WHERE appointment_id = :t1;
SELECT vac.interpreter_booked(:'t') \g /dev/null
SELECT vac.add_request(:'t', 'counseling') \g /dev/null
SELECT vac.withdraw_request(:'t', (SELECT request_id FROM appointment WHERE appointment_id = :t1), 'wish') \g /dev/null
SELECT matches(pg_temp.booked_by('sup_sea'), :'t' || '.* CANCEL, not needed$', 'a request is withdrawn: its office calls the interpreter off');
SELECT matches(vac.transfer_case(:'t', 'PDX', 'transferred'), '1 interpreter is to be called off:\sTABLE\svac.interpreters_to_book$', 'which is said when the case goes elsewhere');
SELECT is(pg_temp.booked_by('sup_sea'), :'t' || ' vi comes to MAIN Wed 04 Nov 09:00-10:00 PST in 4 d 20 h CANCEL, not needed', 'it stays on the list of who booked');
SELECT is(pg_temp.booked_by('sup_pdx'), NULL, 'and is not on another''s');
SELECT is(pg_temp.booked_by('sup_sea', format('SELECT vac.interpreter_booked(%L, false)', :'t')), format('Case %s: no interpreter comes on Wed 04 Nov 09:00-10:00 PST any more', :'t'), 'who ticks it off');
SELECT is(pg_temp.booked_by('sup_sea'), NULL, 'then nothing is left to do');
SELECT throws_matching(format('SELECT pg_temp.booked_by(%L, %L)', 'sup_sea', format('SELECT vac.interpreter_booked(%L, false)', :'t')), 'no case .* may see', 'once');
SELECT pg_temp.opened('2026-10-30 09:00 America/Los_Angeles', 'SEA', 'routine', 'on_site') AS u \gset
SELECT pg_temp.appoint(:'u', 'PDX-1', '2026-11-05 09:00 America/Los_Angeles') AS u1 \gset
UPDATE appointment SET by_interpreter = true WHERE appointment_id = :u1;
SELECT vac.interpreter_booked(:'u'), vac.transfer_case(:'u', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.booked_by('sup_sea') || '; ' || pg_temp.booked_by('sup_pdx'), :'u' || ' vi comes to MAIN Thu 05 Nov 09:00-10:00 PST in 5 d 20 h CANCEL, not needed; '
	|| :'u' || ' vi comes to MAIN Thu 05 Nov 09:00-10:00 PST in 5 d 20 h book', 'where the appointment stands the office that has it now books its own, to its own place');
SELECT is((SELECT count(*) FROM interpreter_left l JOIN request r USING (request_id) WHERE r.interpreter_for IS NULL), 1::bigint, 'and no booking is noted twice');
-- What is over need not be called off; and who is with the victim stays.
UPDATE interpreter_left SET span = '[2026-10-29 18:00Z,2026-10-29 19:00Z)';
SELECT throws_matching(format('SELECT pg_temp.booked_by(%L, %L)', 'sup_sea', format('SELECT vac.interpreter_booked(%L, false)', :'u')), 'no case .* may see', 'what is over is not noted as called off');
DELETE FROM interpreter_left;
SELECT vac.withdraw_case(:'u', 'resolved') \g /dev/null
SELECT pg_temp.opened('2026-10-30 09:00 America/Los_Angeles', 'SEA', 'routine', 'on_site') AS w \gset
SELECT pg_temp.appoint(:'w', 'SEA-2', '2026-10-30 13:30 America/Los_Angeles') AS w1 \gset
UPDATE appointment SET by_interpreter = true WHERE appointment_id = :w1;
SELECT vac.interpreter_booked(:'w') \g /dev/null
SELECT is(vac.transfer_case(:'w', 'PDX', 'transferred') LIKE '%interpreter%', false, 'nobody is called off who is there already');
SELECT is((SELECT interpreter_for IS NOT NULL FROM appointment JOIN request USING (request_id) WHERE appointment_id = :w1), true, 'and is noted still');
UPDATE appointment SET state = 'held' WHERE appointment_id = :w1;
SELECT vac.withdraw_case(:'w', 'resolved') \g /dev/null

-- ---- history ---------------------------------------------------------------------------------
SELECT is((SELECT string_agg(DISTINCT replace(what, E'\n', ' '), ', ' ORDER BY replace(what, E'\n', ' ')) FROM vac.history WHERE what ~ '^(is|minimum|cover|interpreter)\M' AND who = session_user),
	'cover removed: desk, cover removed: two, cover set: desk, cover set: nights, cover set: two, interpreter booked, interpreter cancelled, is no more: child-exploitation task force, '
	'is now: Special Agent in Charge office, is now: child-exploitation task force, is now: human-trafficking task force, is now: office of our own, minimum removed: sac_forensic, '
	'minimum set: anybody, minimum set: sac_forensic', 'each is on record, in words');
SELECT * FROM finish();
ROLLBACK;
