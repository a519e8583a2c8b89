-- The morning digest: what it says, codes only; once a local day, whatever the clock does; not for mornings that are over.
BEGIN;
\ir deadline.psql
SELECT plan(42);
-- Years go by in one transaction: tables that are dropped in it could be in the plan of a function that runs.
DELETE FROM upkeep;
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN']) w \g /dev/null
SELECT pg_temp.person('CARL', 'BOS'), pg_temp.person('HANA', 'HNL') \g /dev/null
INSERT INTO supervisor (login, name, mail, rank) VALUES ('sup_nyc', 'Supervisor C', 'supervisor.c@example.org', 1);
INSERT INTO supervisor_office SELECT supervisor_id, pg_temp.office('NYC') FROM supervisor WHERE login = 'sup_nyc';
-- Not in SQL, which keeps its plan for as long as the caller runs: months of mail are removed meanwhile.
CREATE FUNCTION pg_temp.digests() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM vac_store.message WHERE subject LIKE 'Digest,%'); END $$;
CREATE FUNCTION pg_temp.said(who text DEFAULT 'supervisor.c@example.org') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(m.body, '====' ORDER BY m.message_id) FROM vac_store.message m WHERE m.subject LIKE 'Digest,%' AND m.recipient = who
$$;
CREATE FUNCTION pg_temp.lines(title text) RETURNS text LANGUAGE sql AS $$
	SELECT btrim(substring(pg_temp.said() from title || E': ([^\n]*(\n[^\n]+)*)'))
$$;
CREATE FUNCTION pg_temp.code(a bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.case_record c JOIN vac_store.appointment p USING (case_id) WHERE p.appointment_id = a
$$;
-- Days pass, each looked at every hour.
CREATE FUNCTION pg_temp.hours(since timestamptz, till timestamptz) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		at timestamptz;
		days text[] := '{}';
		n bigint;
	BEGIN
		FOR at IN SELECT generate_series(since, till, interval '30 minutes') LOOP
			n := pg_temp.digests();
			PERFORM pg_temp.clock(at), pg_temp.pass();
			IF pg_temp.digests() > n THEN
				days := days || (pg_temp.local(at) || CASE WHEN pg_temp.digests() > n + 1 THEN ' TWICE' ELSE '' END);
			END IF;
		END LOOP;
		RETURN array_to_string(days, ', ');
	END
$$;

-- ---- wanted or not ---------------------------------------------------------------------------
SELECT is(pg_temp.hours('2027-03-01 00:00 EST', '2027-03-02 00:00 EST'), '', 'nobody wants one');
SELECT pg_temp.clock('2027-03-02 08:00 EST') \g /dev/null
SELECT throws_like($$SELECT vac.set_digest(login => 'nobody')$$, '%no supervisor ''nobody''%', 'no such supervisor');
SELECT throws_like($$SELECT vac.set_digest(login => 'sup_nyc', office => 'BOS')$$, '%sup_nyc supervises others than BOS%', 'the morning of an office that is not theirs');
SELECT is(vac.set_digest(login => 'sup_nyc'), 'Supervisor C gets a digest each day, at 06:30 of NYC, the first on Wed 3 Mar 2027 06:30 EST (UTC-05:00)',
	'wanted, and this morning is over');
SELECT is((SELECT string_agg(concat_ws(' ', event, detail ->> 'login', detail ->> 'office'), ', ') FROM history WHERE event = 'digest_set'), 'digest_set sup_nyc NYC', 'history');
SELECT is((SELECT digest FROM vac.supervisors WHERE login = 'sup_nyc'), 'NYC', 'vac.supervisors shows it');
SELECT is(pg_temp.pass(), 1350.0, 'the next thing to do is the digest');
SELECT pg_temp.clock('2027-03-03 06:29:59 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.digests(), 0::bigint, 'not a second sooner');
SELECT pg_temp.clock('2027-03-03 06:30 EST') \g /dev/null
SELECT is(pg_temp.pass(), 1440.0, 'made, and the next one is for tomorrow');
SELECT is((SELECT concat_ws('|', kind, method, uid, recipient, recipient_name, subject, state, urgent, office_id = pg_temp.office('NYC')) FROM message),
	'notice|supervisor.c@example.org|Supervisor C|Digest, Wed 3 Mar: 0 today, 0 not answered, 0 overdue, 0 gaps|queued|f|t', 'one plain mail, also when there is nothing to say');
SELECT matches(pg_temp.said(), '^Supervisor C,\n\nthis is how your offices \(NYC\) stand, Wed 3 Mar 2027 06:30 EST \(UTC-05:00\)\.\n\nAppointments today: none\n\nNot answered yet: none\n\nOverdue: none\n\nGaps in the next 14 days: none\n\nvac\.week', 'and what it says');

-- ---- what it says ----------------------------------------------------------------------------
DELETE FROM message;
SELECT pg_temp.invite('ANNE', '2027-03-04 10:00 EST') AS a, pg_temp.invite('BEN', '2027-03-04 23:30 EST') AS b, pg_temp.invite('BEN', '2027-03-05 01:30 EST') AS tomorrow,
	pg_temp.invite('ANNE', '2027-03-03 23:30 EST') AS night \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
UPDATE appointment SET state = 'accepted' WHERE appointment_id IN (:a, :night);
-- BOS is another's, and a coordinator of NYC goes there.
UPDATE case_record SET office_id = pg_temp.office('BOS') WHERE case_code = pg_temp.code(:b);
UPDATE appointment SET office_id = pg_temp.office('BOS') WHERE appointment_id = :b;
UPDATE request SET office_id = pg_temp.office('BOS') WHERE request_id = pg_temp.request(:b);
SELECT pg_temp.invite('CARL', '2027-03-04 12:00 EST') AS lent, pg_temp.invite('HANA', '2027-03-04 12:00 HST') AS far \gset
UPDATE case_record SET office_id = pg_temp.office('HNL') WHERE case_code = pg_temp.code(:far);
UPDATE appointment SET office_id = pg_temp.office('HNL') WHERE appointment_id = :far;
UPDATE request SET office_id = pg_temp.office('HNL'), due_at = '2027-03-03 12:00 EST' WHERE request_id = pg_temp.request(:far);
UPDATE request SET due_at = '2027-03-04 05:00 EST' WHERE request_id IN (pg_temp.request(:a), pg_temp.request(:night));
SELECT pg_temp.ask() AS open \gset
UPDATE request SET due_at = '2027-03-04 04:00 EST', plan_at = 'infinity' WHERE request_id = :open;
SELECT case_code AS open_code FROM case_record JOIN request USING (case_id) WHERE request_id = :open \gset
DELETE FROM clock;
SELECT start_clocks('hhs_notice', ARRAY[(SELECT case_id FROM request WHERE request_id = :open)], ARRAY[NULL], '2027-03-03 03:00 EST') \g /dev/null
UPDATE clock SET next_at = NULL;
UPDATE appointment SET ask_at = NULL, window_at = NULL, remind_at = NULL;
UPDATE case_record SET held_since = wall() WHERE case_code = :'open_code';
SELECT vac.set_rotation('NYC', 'nights', 'ANNE, BEN', first_day => '2027-03-01', hand_over => '17:00', days => 7) \g /dev/null
SELECT vac.set_cover('NYC', 'Saturdays', 'Sat 10:00-12:00', people => 2) \g /dev/null
SELECT vac.add_leave('BEN', '2027-03-10', '2027-03-11'), vac.add_leave('BEN', '2027-03-22', '2027-03-23') \g /dev/null
DELETE FROM message WHERE subject LIKE 'Digest%';
SELECT pg_temp.clock('2027-03-04 06:30 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.digests(), 1::bigint, 'one mail the next day');
SELECT is(pg_temp.lines('Appointments today'), format(E'4\nNYC %s: Wed 03 Mar 23:30-Thu 04 Mar 00:30 EST, ANNE, accepted\nNYC %s: Thu 04 Mar 10:00-11:00 EST, ANNE, accepted\nNYC %s: Thu 04 Mar 12:00-13:00 EST, CARL, NOT ANSWERED\nBOS case: Thu 04 Mar 23:30-Fri 05 Mar 00:30 EST, BEN, NOT ANSWERED',
	pg_temp.code(:night), pg_temp.code(:a), pg_temp.code(:lent)), 'today: what lies in the local day, one''s own cases and where one''s people go');
CREATE ROLE sup_nyc LOGIN IN ROLE vac_supervisor;
SET LOCAL vac.now = '2027-03-04 06:30 EST';
SET LOCAL SESSION AUTHORIZATION sup_nyc;
SELECT (SELECT string_agg(case_code, ' ') FROM vac.overdue) AS late, (SELECT string_agg(lacks, ' ') FROM (SELECT lacks FROM vac.coverage_gaps LIMIT 3) g) AS lacks \gset
RESET SESSION AUTHORIZATION;
RESET vac.now;
SELECT is((SELECT string_agg(substring(line FROM '^NYC (...-...):'), ' ' ORDER BY n) FROM string_to_table(pg_temp.lines('Overdue'), E'\n') WITH ORDINALITY l (line, n)),
	:'late', 'overdue: what view overdue has');
SELECT is((SELECT string_agg(substring(line FROM '^NYC ([^:]+):'), ' ' ORDER BY n) FROM string_to_table(pg_temp.lines('Gaps in the next 14 days'), E'\n') WITH ORDINALITY l (line, n)),
	:'lacks', 'gaps: what view coverage_gaps has of these days');
SELECT matches(pg_temp.lines('Not answered yet'), format(E'^2\nNYC %s: Thu 04 Mar 12:00-13:00 EST, CARL, not sent yet\nNYC %s: Fri 05 Mar 01:30-02:30 EST, BEN, (answer by|NO ANSWER)',
	pg_temp.code(:lent), pg_temp.code(:tomorrow)), 'not answered: of one''s own cases only');
SELECT is(pg_temp.lines('Overdue'), format(E'4\nNYC %s: invitation UNSENT (routine), was due Wed 03 Mar 08:30 EST, CARL\nNYC %s: answer (routine), was due Wed 03 Mar 16:00 EST, BEN\nNYC %s: meeting comes late (routine), was due Thu 04 Mar 05:00 EST, ANNE\nNYC %s: notify HHS of a minor, meeting (routine), was due Thu 04 Mar 03:00 EST, NOBODY YET, on hold',
	pg_temp.code(:lent), pg_temp.code(:tomorrow), pg_temp.code(:a), :'open_code'), 'namely meetings that have not begun, answers, invitations, clocks');
-- However far the view looks.
CREATE FUNCTION pg_temp.gaps_by(ahead text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		UPDATE vac_store.policy SET value = ahead WHERE name IN ('cover_ahead', 'duty_ahead');
		RETURN (SELECT string_agg(substring(l FROM '^NYC ([^:]+):'), ' ' ORDER BY n) FROM unnest(vac_store.digest_gaps(ARRAY[pg_temp.office('NYC')], vac_store.wall())) WITH ORDINALITY u (l, n));
	END
$$;
SELECT is(pg_temp.gaps_by('2'), :'lacks', 'where policies have the view look less far the digest has its two weeks');
SELECT is(pg_temp.gaps_by('60'), :'lacks', 'and where further');
UPDATE policy SET value = '14' WHERE name = 'cover_ahead';
SELECT is(pg_temp.lines('Gaps in the next 14 days'), E'3\nNYC Saturdays: Sat 06 Mar 10:00-12:00 EST, fewer than 2\nNYC nights: Wed 10 Mar 00:00-Fri 12 Mar 00:00 EST, nobody on call\nNYC Saturdays: Sat 13 Mar 10:00-12:00 EST, fewer than 2', 'of two weeks, no more');
SELECT is((SELECT subject FROM message WHERE subject LIKE 'Digest%'), 'Digest, Thu 4 Mar: 4 today, 2 not answered, 4 overdue, 3 gaps', 'the subject counts them');
SELECT ok(strpos(pg_temp.said(), pg_temp.code(:b)) = 0 AND strpos(pg_temp.said(), pg_temp.code(:far)) = 0 AND pg_temp.said() !~ 'HNL|Coordinator|555',
	'no code of another office''s case, no name, no telephone of anybody it is about');

-- ---- neutral by force ------------------------------------------------------------------------
DELETE FROM message;
UPDATE supervisor SET digest_day = '2027-03-03' WHERE login = 'sup_nyc';
INSERT INTO protected_word (word) VALUES ('nights');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(concat_ws('|', subject, recipient_name, neutral, body), ', ') FROM message), 'Message|Recipient|t|The text of this message cannot be mailed. Please call your office for it.' || E'\n',
	'a digest that would say a protected word is made neutral, and that needs no notice of its own');
SELECT is((SELECT string_agg(event, ' ') FROM history WHERE message_id = (SELECT message_id FROM message)), 'message_neutralised', 'history has it');
DELETE FROM protected_word;

-- ---- once a local day ------------------------------------------------------------------------
UPDATE request SET state = 'withdrawn';
UPDATE appointment SET state = 'cancelled', ended_at = wall();
SELECT vac.retire_rotation('NYC', 'nights', 'roster') \g /dev/null
DELETE FROM clock;
DELETE FROM message;
SELECT is(pg_temp.hours('2027-03-13 00:00 EST', '2027-03-16 00:00 EDT'), 'Sat 13 06:30, Sun 14 06:30, Mon 15 06:30', 'over the beginning of summer time');
SELECT is(pg_temp.hours('2027-11-06 00:00 EDT', '2027-11-09 00:00 EST'), 'Sat 06 06:30, Sun 07 06:30, Mon 08 06:30', 'over its end');
SELECT is(vac.set_policy('digest_hours', '02:00-03:00'), 'digest_hours is 02:00-03:00 now, was 06:30-24:00', 'a policy');
SELECT is(pg_temp.hours('2028-03-11 00:00 EST', '2028-03-14 00:00 EDT'), 'Sat 11 02:00, Sun 12 03:00, Mon 13 02:00', 'an hour that the clock skips');
SELECT vac.set_policy('digest_hours', '01:30-24:00') \g /dev/null
SELECT is(pg_temp.hours('2028-11-04 00:00 EDT', '2028-11-07 00:00 EST'), 'Sat 04 01:30, Sun 05 01:30, Mon 06 01:30', 'an hour that comes twice');
SELECT throws_like($$SELECT vac.set_policy('digest_hours', '22:00-06:00')$$, '%ends before it begins%', 'hours of one day');
SELECT throws_like($$SELECT vac.set_policy('digest_hours', 'any')$$, '%are no hours%', 'and not any');
SELECT vac.set_policy('digest_hours', '06:30-20:00') \g /dev/null

-- ---- after an outage -------------------------------------------------------------------------
SELECT is(pg_temp.hours('2029-01-10 14:00 EST', '2029-01-10 19:00 EST'), 'Wed 10 14:00', 'after a time without a daemon it comes at once, for today only');
SELECT is(pg_temp.hours('2029-01-20 20:00 EST', '2029-01-21 07:00 EST'), 'Sun 21 06:30', 'but not when the day''s hours are over');
SELECT pg_temp.clock('2029-01-21 08:00 EST') \g /dev/null
SELECT is(pg_temp.pass(), 1350.0, 'and then the next morning');
-- Another daemon, with the same moment in its hands, finds it done.
SELECT is(pass_digest((SELECT supervisor_id FROM supervisor WHERE login = 'sup_nyc'), '2029-01-21 06:30 EST'), false, 'two daemons make one');

-- ---- whose, and where ------------------------------------------------------------------------
DELETE FROM message;
SELECT is(vac.set_digest(true, 'hnl', 'sup_first'), 'Supervisor A gets a digest each day, at 06:30 of HNL, the first on Sun 21 Jan 2029 06:30 HST (UTC-10:00)', 'all offices, in the morning of one');
SELECT is(vac.set_digest(false, login => 'sup_nyc'), 'Supervisor C gets no digest', 'wanted no more');
SELECT is(pg_temp.hours('2029-01-21 09:00 EST', '2029-01-23 00:00 EST'), 'Sun 21 11:30, Mon 22 11:30', 'by the clock of that office');
SELECT is(pg_temp.hours('2029-02-10 19:00 HST', '2029-02-10 19:30 HST'), 'Sun 11 00:00', 'and by its day, when UTC has the next one already');
SELECT matches(pg_temp.said('supervisor.a@example.org'), 'your offices \(all\) stand, Sun 21 Jan 2029 06:30 HST', 'all');
UPDATE supervisor SET retired_at = wall() WHERE login = 'sup_first';
SELECT is(pg_temp.hours('2029-02-23 00:00 EST', '2029-02-24 00:00 EST'), '', 'nothing to who has left');
UPDATE supervisor SET retired_at = NULL WHERE login = 'sup_first';
INSERT INTO origin (cluster, database, set_at) VALUES (1, 1, wall()) ON CONFLICT (one) DO UPDATE SET cluster = 1;
SELECT is(pg_temp.hours('2029-02-25 00:00 EST', '2029-02-26 00:00 EST'), '', 'nor from a copy of the database');
SELECT * FROM finish();
ROLLBACK;
