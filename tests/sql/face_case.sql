-- What becomes of a case: changed, withdrawn, held, released, looked at; and what is mailed of it.
BEGIN;
\ir people.psql
SELECT plan(64);
\set soon 'date_trunc(\'hour\', now()) + interval \'3 days\''

-- ---- withdraw --------------------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', :soon) AS met \gset
SELECT is((SELECT state FROM vac.case_state(:'a')), 'asked, no answer yet', 'an invitation that was sent is a question');
SELECT is((SELECT concat_ws(', ', coordinator, title, telephone, place, office_telephone) FROM vac.case_state(lower(replace(:'a', '-', '')))),
	'Coordinator A, Victim Assistance Coordinator, +1 206 555 0111, Federal Building, room 210, +1 206 555 0100',
	'case_state says whom to name to the victim, and takes a code without its hyphen');
SELECT matches((SELECT meeting FROM vac.case_state(:'a')), '^[A-Z][a-z]{2} [0-9]{2} [A-Z][a-z]{2} [0-9]{2}:00-([A-Z][a-z]{2} [0-9]{2} [A-Z][a-z]{2} )?[0-9]{2}:00 P[SD]T$', 'and when, in the office''s time');
SELECT matches(vac.withdraw_case(:'a', 'resolved: with family'), 'is withdrawn; 1 appointment is cancelled', 'withdrawing says what it did');
SELECT is(pg_temp.mail_of(:'a'), 'invitation sent, cancel queued', 'the CANCEL is queued in the same transaction');
SELECT is((SELECT state || sequence FROM appointment WHERE appointment_id = :met), 'cancelled1', 'with a higher SEQUENCE');
SELECT is((SELECT state FROM vac.case_state(:'a')), 'withdrawn', 'case_state says so');
SELECT is((pg_temp.request_of(:'a')).state, 'withdrawn', 'nothing is planned for it any more');
SELECT is((SELECT string_agg(concat_ws('/', h.event, h.reason, n.text), ', ' ORDER BY h.history_id) FROM history h LEFT JOIN note n USING (note_id)
		JOIN case_record c USING (case_id) WHERE c.case_code = :'a'),
	'case_opened, appointment_cancelled/withdrawn, case_withdrawn/resolved/with family', 'history has it, with word and note');
SELECT matches(vac.withdraw_case(:'a', 'resolved'), 'already', 'again does no harm');
SELECT is(pg_temp.mail_of(:'a'), 'invitation sent, cancel queued', 'and sends nothing');
SELECT throws_matching(format('SELECT vac.hold_case(%L, %L)', :'a', 'safety'), 'is withdrawn since', 'a withdrawn case cannot be held');
SELECT vac.open_case('SEA', 'es') AS b \gset
SELECT pg_temp.appoint(:'b', 'SEA-1', :soon, claimed => false) AS b1 \gset
SELECT vac.withdraw_case(:'b', 'mistake') \g /dev/null
SELECT is(pg_temp.mail_of(:'b'), 'invitation overtaken, cancel unneeded', 'what never went out needs no CANCEL');
SELECT throws_matching(format('SELECT vac.withdraw_case(%L, %L)', vac.open_case('SEA'), ' '), 'reason: history keeps why', 'a reason is needed');
SELECT throws_matching($$SELECT vac.withdraw_case('K7Q-4M0', 'resolved')$$, 'is not a case code', 'a 0 is never in a code');
SELECT throws_matching($$SELECT vac.withdraw_case('K7Q-4MX', 'resolved')$$, 'no case K7Q-4MX', 'an unknown code');

-- ---- hold and release ------------------------------------------------------------------------
SELECT vac.allow_domain('example.org') \g /dev/null
SELECT vac.open_case('SEA', 'es', requester => 'intake@example.org') AS h \gset
SELECT pg_temp.appoint(:'h', 'SEA-1', :soon) AS h1 \gset
SELECT tell_requesters(ARRAY[(pg_temp.request_of(:'h')).request_id], 'planned') \g /dev/null
SELECT matches(vac.hold_case(:'h', 'safety: seen near the house'), 'By telephone, tell Coordinator A \(\+1 206 555 0111\)',
	'a hold says whom to telephone');
SELECT is(pg_temp.mail_of(:'h'), 'invitation sent, requester suppressed, cancel suppressed', 'nothing that waits goes out');
SELECT is((SELECT count(*) FROM history h JOIN case_record c USING (case_id) WHERE c.case_code = :'h' AND h.event = 'message_suppressed'), 2::bigint,
	'each is in history');
SELECT is((SELECT state FROM appointment WHERE appointment_id = :h1), 'cancelled', 'the appointment is off');
SELECT is((SELECT state FROM vac.case_state(:'h')), 'on hold', 'case_state says so');
SELECT is((pg_temp.request_of(:'h')).state, 'open', 'what it needs is kept');
SELECT is((SELECT count(*) FROM vac.suppressed WHERE case_code = :'h' AND what_became_of_it = 'kept back: case on hold'), 2::bigint, 'the view lists what was kept back');
SELECT matches((SELECT reasons FROM vac.unassigned WHERE case_code = :'h'), 'on hold', 'and the case is unassigned because of the hold');
SELECT matches(vac.hold_case(:'h', 'safety'), 'already', 'again does no harm');
SELECT matches(vac.change_request(:'h', urgency => 'urgent'), 'on hold, so nothing is planned', 'it can be changed meanwhile');
SELECT is(pg_temp.mail_of(:'h'), 'invitation sent, requester suppressed, cancel suppressed', 'and still sends nothing');
UPDATE request SET plan_at = 'infinity' WHERE request_id = (pg_temp.request_of(:'h')).request_id;
SELECT matches(vac.release_case(:'h', 'safe: moved'), '1 meeting is planned anew', 'released');
SELECT ok((pg_temp.request_of(:'h')).plan_at <= wall(), 'dispatch sees it at once');
SELECT is(pg_temp.mail_of(:'h'), 'invitation sent, requester suppressed, cancel queued', 'the calendar that still shows it is told now');
SELECT vac.open_case('SEA', 'es') AS w \gset
SELECT pg_temp.appoint(:'w', 'SEA-1', :soon + interval '3 hours') AS w1 \gset
SELECT vac.hold_case(:'w', 'safety') \g /dev/null
SELECT vac.withdraw_case(:'w', 'resolved') \g /dev/null
SELECT is(pg_temp.mail_of(:'w'), 'invitation sent, cancel suppressed', 'withdrawn while on hold: nothing goes out either');

-- ---- change ----------------------------------------------------------------------------------
SELECT vac.open_case('SEA', 'en') AS c \gset
SELECT pg_temp.appoint(:'c', 'SEA-2', :soon) AS c1 \gset
SELECT matches(vac.change_request(:'c'), 'nothing to change', 'nothing given, nothing changed');
SELECT matches(vac.change_request(:'c', gender => 'male'), 'its appointment stays$', 'a preference that is met disturbs nobody');
SELECT is(pg_temp.mail_of(:'c'), 'invitation sent', 'nor mails anything');
SELECT matches(vac.change_request(:'c', place => 'air'), 'stays, and the coordinator is told', 'another place');
SELECT is(pg_temp.mail_of(:'c'), 'invitation sent, update queued', 'is an update');
SELECT is((SELECT sequence FROM appointment WHERE appointment_id = :c1), 1, 'with a higher SEQUENCE');
SELECT is((SELECT location FROM message WHERE appointment_id = :c1 AND kind = 'update'), 'SEA AIR', 'that names the new place');
SELECT matches(vac.change_request(:'c', language => 'es'), 'no longer fits', 'a language that the coordinator lacks');
SELECT is((SELECT state FROM appointment WHERE appointment_id = :c1), 'cancelled', 'cancels');
SELECT is((pg_temp.request_of(:'c')).state, 'open', 'and plans again');
SELECT is(pg_temp.mail_of(:'c'), 'invitation sent, update overtaken, cancel queued', 'the CANCEL overtakes the update that nobody sent');
SELECT pg_temp.appoint(:'c', 'SEA-1', :soon) AS c2 \gset
SELECT matches(vac.change_request(:'c', minutes => 90), 'no longer fits', 'another length does not fit');
SELECT pg_temp.appoint(:'c', 'SEA-1', :soon) AS c3 \gset
SELECT matches(vac.change_request(:'c', service => 'court_accompaniment'), 'no longer fits', 'a service that the coordinator does not give');
SELECT is((pg_temp.request_of(:'c')).minutes, 240, 'brings its own length');
SELECT vac.change_request(:'c', service => 'counseling') \g /dev/null
SELECT pg_temp.appoint(:'c', 'SEA-1', :soon) AS c4 \gset
SELECT matches(vac.change_request(:'c', window_from => :soon + interval '1 hour'), 'no longer fits', 'a window that begins later');
SELECT pg_temp.appoint(:'c', 'SEA-1', :soon + interval '5 hours') AS c5 \gset
SELECT matches(vac.change_request(:'c', due => :soon + interval '2 hours'), 'no longer fits', 'a due time before the start');
SELECT pg_temp.appoint(:'c', 'SEA-1', :soon + interval '1 hour') AS c6 \gset
SELECT matches(vac.change_request(:'c', gender => 'male', gender_required => true), 'no longer fits', 'a required gender');
SELECT throws_matching(format('SELECT vac.change_request(%L, place => %L)', :'c', 'PORT'), 'place: SEA has no place', 'what is wrong is refused as in open_case');
SELECT is((SELECT detail -> 'gender_required' FROM history WHERE event = 'request_changed' ORDER BY history_id DESC LIMIT 1), '[false, true]'::jsonb,
	'history keeps what it was and what it is');

-- ---- a meeting that goes on, and one that is over --------------------------------------------
SELECT vac.open_case('SEA') AS g \gset
SELECT pg_temp.appoint(:'g', 'SEA-2', :soon + interval '20 hours') AS g1 \gset
UPDATE appointment SET span = tstzrange(now() - interval '10 minutes', now() + interval '50 minutes'), busy = tstzrange(now() - interval '10 minutes', now() + interval '50 minutes')
	WHERE appointment_id = :g1;
SAVEPOINT going_on;
SELECT matches(vac.hold_case(:'g', 'safety'), 'By telephone, tell Coordinator B', 'a case can be held while its meeting goes on');
ROLLBACK TO going_on;
SELECT matches(vac.withdraw_case(:'g', 'resolved'), '1 appointment is cancelled', 'and withdrawn');
ROLLBACK TO going_on;
SELECT matches(vac.add_leave('SEA-2', now(), now() + interval '1 hour'), '1 appointment is cancelled', 'and whoever meets may go home');
ROLLBACK TO going_on;
UPDATE appointment SET span = tstzrange(now() - interval '2 hours', now() - interval '1 hour'), busy = tstzrange(now() - interval '2 hours', now() - interval '1 hour')
	WHERE appointment_id = :g1;
SELECT is((SELECT count(*) FROM open_cases_of(ARRAY[(SELECT coordinator_id FROM coordinator WHERE code = 'SEA-2')])), 1::bigint, 'what is over counts as an open case');
SELECT vac.withdraw_case(:'g', 'resolved') \g /dev/null
SELECT is((SELECT count(*) FROM open_cases_of(ARRAY[(SELECT coordinator_id FROM coordinator WHERE code = 'SEA-2')])), 0::bigint, 'until the case has ended');
-- A domain was forbidden after the invitation went out, and before the hold.
SELECT vac.open_case('SEA') AS h \gset
SELECT pg_temp.appoint(:'h', 'SEA-2', :soon + interval '30 hours') AS h1 \gset
UPDATE allowed_domain SET domain = 'agency.example';
INSERT INTO mail_identity (sender, key_id, set_at) VALUES ('vacd@agency.example', 'k1', now());
SELECT vac.hold_case(:'h', 'safety'), vac.release_case(:'h', 'safe') \g /dev/null
SELECT count(*) FROM vac_daemon.claim_messages('11111111-1111-1111-1111-111111111111', 100, 60000) \g /dev/null
SELECT is((SELECT state FROM message WHERE appointment_id = :h1 AND kind = 'cancel'), 'suppressed', 'release sends nothing to a domain that is not allowed');
UPDATE allowed_domain SET domain = 'example.org';

-- ---- conflict, responsible, look up ----------------------------------------------------------
SELECT vac.open_case('SEA') AS f \gset
SELECT pg_temp.appoint(:'f', 'SEA-1', :soon + interval '8 hours') AS f1 \gset
SELECT matches(vac.add_conflict(:'f', 'sea-1'), 'cancelled and planned again', 'a conflict of interest ends the appointment');
SELECT is((SELECT count(*) FROM case_conflict), 1::bigint, 'and stays on record');
SELECT throws_matching(format('SELECT vac.set_responsible(%L, %L, %L)', :'f', 'SEA-1', 'roster'), 'is kept away', 'nor can they become responsible');
SELECT matches(vac.set_responsible(:'f', 'SEA-2', 'roster'), 'Coordinator B', 'another can');
SELECT is((SELECT coordinator FROM vac.case_state(:'f')), 'Coordinator B', 'and is named while nobody else is');
SELECT is((SELECT state FROM vac.look_up(:'f')), 'being planned', 'the desk looks up a code');
SELECT is((SELECT count(*) FROM vac.look_up('K7Q4MX')), 0::bigint, 'an unknown one gives nothing');
SELECT is((SELECT string_agg((case_id IS NOT NULL)::text, ' ' ORDER BY history_id) FROM history WHERE event = 'case_looked_up'), 'true false', 'both looks are on record');

SELECT * FROM finish();
ROLLBACK;
