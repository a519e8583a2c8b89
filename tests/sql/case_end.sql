-- The end of a case and its way back; one meeting more, a series, one less; an invitation again; outcomes put right.
BEGIN;
\ir people.psql
SELECT plan(86);
\set soon 'date_trunc(\'hour\', now()) + interval \'3 days\''
UPDATE coordinator SET meetings_a_day = 20, weekly_minutes = 10000, max_open_cases = 100;
-- What a login gets for a statement: its answer, or the refusal.
CREATE FUNCTION pg_temp.says(login text, sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	PERFORM set_config('session_authorization', login, true);
	BEGIN
		EXECUTE sql INTO said;
	EXCEPTION WHEN OTHERS THEN
		said := SQLSTATE || ' ' || SQLERRM;
	END;
	PERFORM set_config('session_authorization', 'postgres', true);
	RETURN said;
END
$$;
-- The last entries of a case's history: event, reason, note.
CREATE FUNCTION pg_temp.last_of(of_case text, most integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws('/', h.event, h.reason, n.text), ', ' ORDER BY h.history_id)
		FROM (SELECT * FROM vac_store.history WHERE case_id = (SELECT case_id FROM vac_store.case_record WHERE case_code = of_case)
			ORDER BY history_id DESC LIMIT most) h LEFT JOIN vac_store.note n USING (note_id)
$$;
-- The clocks of a case: kind and state.
CREATE FUNCTION pg_temp.clocks_of(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k.kind || CASE WHEN k.running THEN ' running' WHEN k.done_at IS NOT NULL THEN ' done' ELSE ' stopped' END, ', ' ORDER BY k.clock_id)
		FROM vac_store.clock k JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = of_case
$$;
-- The requests of a case: number in it, state, preferred.
CREATE FUNCTION pg_temp.requests_of(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', r.service, r.state), ', ' ORDER BY r.request_id) FROM vac_store.request r JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = of_case
$$;
CREATE FUNCTION pg_temp.over(id bigint, ago interval DEFAULT '2 hours') RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span FROM (SELECT tstzrange(now() - ago, now() - ago + interval '1 hour') AS span) s WHERE appointment_id = id
$$;

-- ---- close -----------------------------------------------------------------------------------
SELECT vac.open_case('SEA') AS a \gset
SELECT throws_matching(format('SELECT vac.close_case(%L)', :'a'), 'still has meetings to come: crisis intervention \(being planned\)', 'a case that waits for its meeting is not over');
SELECT pg_temp.appoint(:'a', 'SEA-2', :soon) AS a1 \gset
SELECT throws_matching(format('SELECT vac.close_case(%L)', :'a'), 'crisis intervention \([A-Z][a-z]{2} [0-9]{2} ', 'nor one that has it before it: it says when');
SELECT pg_temp.over(:a1) \g /dev/null
SELECT throws_matching(format('SELECT vac.close_case(%L, cancel => true)', :'a'), 'nobody has said yet what became of .* with Coordinator B \(SEA-2, ', 'nor one with a meeting of which nobody knows');
SELECT vac.record_outcome(:'a', 'held'), vac.start_clock(:'a', 'hhs_notice') \g /dev/null
SELECT throws_matching(format('SELECT vac.close_case(%L, %L)', :'a', ' '), 'reason: history keeps why', 'a reason is needed');
SELECT matches(vac.close_case(:'a', 'resolved: she is with family'), 'is closed; still to be done: notify HHS of a minor by ', 'closed; what the law still wants is said');
SELECT is((SELECT concat_ws(' ', state, ended_at IS NOT NULL) FROM case_record WHERE case_code = :'a'), 'closed t', 'it is');
SELECT is((SELECT state FROM vac.case_state(:'a')), 'closed', 'and so says case_state');
SELECT is(pg_temp.last_of(:'a'), 'case_closed/resolved/she is with family', 'history has who and why');
SELECT is(pg_temp.clocks_of(:'a'), 'first_contact done, inform_of_responsible stopped, hhs_notice running', 'clocks stop with the case, but for HHS');
SELECT matches(vac.close_case(:'a'), 'closed already', 'again does no harm');
SELECT throws_matching(format('SELECT vac.add_request(%L)', :'a'), 'is closed since', 'nothing can be added');
SELECT vac.allow_domain('example.org') \g /dev/null
SELECT vac.open_case('SEA', requester => 'intake@example.org') AS b \gset
SELECT pg_temp.appoint(:'b', 'SEA-2', :soon) AS b1 \gset
SELECT is(vac.close_case(:'b', 'wish', cancel => true), format(E'Case %s is closed; 1 appointment is cancelled, and the coordinator is told; no contact with the victim is on\nrecord', :'b'),
	'with cancel, what is to come is cancelled');
SELECT is(pg_temp.mail_of(:'b'), 'invitation sent, cancel queued, requester queued', 'its coordinator is told, and who opened it');

-- ---- reopen ----------------------------------------------------------------------------------
SELECT throws_matching(format('SELECT vac.reopen_case(%L, NULL)', :'b'), 'reason: history keeps why', 'reopening needs a reason');
UPDATE request SET due_at = now() - interval '1 day', unserved_since = now(), open_window = tstzrange(now() - interval '3 days', now() + interval '10 minutes')
	WHERE request_id = (pg_temp.request_of(:'b')).request_id;
SELECT is(vac.reopen_case(:'b', 'mistake: the wrong code'), format('Case %s is open again; 1 meeting is planned anew', :'b'), 'reopened');
SELECT is((SELECT concat_ws(' ', r.state, r.plan_at <= wall(), r.due_at > now(), upper(r.open_window), r.unserved_since) FROM pg_temp.request_of(:'b') r), 'open t t',
	'its request is to be planned, with a due time and a window counted from now');
SELECT is(pg_temp.clocks_of(:'b'), 'first_contact stopped, first_contact running', 'the clock of its first contact begins anew');
SELECT is(pg_temp.last_of(:'b'), 'case_reopened/mistake/the wrong code', 'history has it');
SELECT is(vac.reopen_case(:'b', 'mistake'), format('Case %s is open already; nothing is changed', :'b'), 'again does no harm');
SELECT is(vac.reopen_case(:'a', 'mistake: help is needed again'), format('Case %s is open again; no meeting was cut off: SELECT vac.add_request(''%s'', …) says what it needs', :'a', :'a'),
	'where nothing was cut off it says what to do');
SELECT is(pg_temp.clocks_of(:'a'), 'first_contact done, inform_of_responsible stopped, hhs_notice running, inform_of_responsible running', 'and only what was not done begins anew');
-- What was withdrawn before the end stays so.
SELECT matches(vac.add_request(:'b', 'counseling'), 'being planned$', 'one more meeting') ;
SELECT max(request_id) AS b2 FROM request \gset
SELECT vac.withdraw_request(:'b', :b2, 'wish'), vac.withdraw_case(:'b', 'wish'), vac.reopen_case(:'b', 'mistake') \g /dev/null
SELECT is(pg_temp.requests_of(:'b'), 'crisis_intervention open, counseling withdrawn', 'what was withdrawn by itself does not come back');
SELECT vac.hold_case(:'b', 'safety'), vac.withdraw_case(:'b', 'wish') \g /dev/null
SELECT matches(vac.reopen_case(:'b', 'mistake'), 'on hold still', 'a case that ended on hold is on hold');
SELECT ok((SELECT held_since IS NOT NULL FROM case_record WHERE case_code = :'b'), 'it is');
SELECT vac.set_responsible(:'a', 'SEA-2', 'roster'), vac.close_case(:'a'), vac.retire_coordinator('SEA-2', 'roster'), vac.reopen_case(:'a', 'mistake') \g /dev/null
SELECT is((SELECT responsible_id FROM case_record WHERE case_code = :'a'), NULL, 'who has left is responsible no more');
UPDATE coordinator SET retired_at = NULL;

-- ---- one more, and a series ------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es', interpreter => 'telephone', gender => 'female', gender_required => true) AS s \gset
SELECT throws_matching(format('SELECT vac.add_request(%L, times => 0)', :'s'), 'times: 0', 'no meetings are no series');
SELECT throws_matching(format('SELECT vac.add_request(%L, times => 3)', :'s'), 'every: how far apart', 'a series says how far apart');
SELECT throws_matching(format('SELECT vac.add_request(%L, times => 3, every => %L)', :'s', '1 hour'), 'every: 01:00:00', 'and not hours');
SELECT throws_matching(format('SELECT vac.add_request(%L, %L)', :'s', 'golf'), 'service: ''golf'' is no service', 'what is asked for is checked as in open_case');
SELECT throws_matching(format('SELECT vac.add_request(%L, place => %L)', :'s', 'PORT'), 'place: SEA has no place', 'so is where');
SELECT throws_matching(format('SELECT vac.add_request(%L, times => 52, every => %L)', :'s', '2 months'), 'two years ahead', 'a series has an end');
SELECT vac.set_responsible(:'s', 'SEA-1', 'roster') \g /dev/null
SELECT matches(vac.add_request(:'s', times => 4, every => '1 week', window_from => '2027-03-04 09:00 America/Los_Angeles', window_to => '2027-03-04 12:00 America/Los_Angeles', reason => 'wish: Thursdays'),
	'4 meetings \(requests [0-9]+, [0-9]+, [0-9]+, [0-9]+\), with Coordinator A \(SEA-1\) if it can be; being planned$', 'four Thursdays');
SELECT is((SELECT string_agg(to_char(lower(r.open_window) AT TIME ZONE 'America/Los_Angeles', 'DD.MM. HH24:MI') || '-' || to_char(upper(r.open_window) AT TIME ZONE 'America/Los_Angeles', 'HH24:MI'), ', ' ORDER BY r.request_id)
		FROM request r JOIN case_record c USING (case_id) WHERE c.case_code = :'s' AND r.service = 'counseling'),
	'04.03. 09:00-12:00, 11.03. 09:00-12:00, 18.03. 09:00-12:00, 25.03. 09:00-12:00', 'at the same local hours on both sides of the change of clocks');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', r.language, r.interpreter, r.gender, r.gender_required, k.code, r.minutes, r.due_at <= upper(r.open_window) - interval '1 hour', r.state), ', ')
		FROM request r JOIN case_record c USING (case_id) LEFT JOIN coordinator k ON k.coordinator_id = r.preferred_id WHERE c.case_code = :'s' AND r.service = 'counseling'),
	'es telephone female t SEA-1 60 t open', 'what was asked for before holds, and all prefer who is responsible');
SELECT is(pg_temp.last_of(:'s', 1), 'request_added/wish/Thursdays', 'one entry of history');
SELECT is((SELECT replace(what, E'\n', ' ') FROM vac.history WHERE case_code = :'s' LIMIT 1), '4 meetings more: counseling, routine', 'in words');
SELECT matches(vac.add_request(:'s', 'witness_support', preferred => 'none', gender => 'none', mode => 'telephone'),
	'1 meeting \(request [0-9]+\); being planned$', 'unless said otherwise');
SELECT is((SELECT concat_ws(' ', r.mode, r.place, r.gender_required, r.minutes) FROM request r ORDER BY r.request_id DESC LIMIT 1), 'telephone f 30', 'by telephone, whoever it is');
SELECT vac.open_case('SEA') AS t \gset
SELECT vac.add_request(:'t', times => 2, every => '3 days', due => now() + interval '2 days') \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', lower(open_window) >= now(), upper(open_window) - lower(open_window), due_at - now() < interval '6 days'), ', ' ORDER BY request_id)
		FROM request r JOIN case_record c USING (case_id) WHERE c.case_code = :'t' AND r.service = 'counseling'), 't 3 days t, t t',
	'without an end of its own each is over before the next may begin');
SELECT vac.open_case('SEA') AS u \gset
SELECT vac.hold_case(:'u', 'safety') \g /dev/null
SELECT matches(vac.add_request(:'u'), 'on hold, so nothing is planned', 'on hold it waits');
SELECT is((SELECT k.urgency::text FROM clock k JOIN case_record c USING (case_id) WHERE c.case_code = :'t' AND k.running), 'routine', 'the clock of first contact');
SELECT vac.add_request(:'t', 'crisis_intervention', 'urgent') \g /dev/null
SELECT is((SELECT k.urgency::text FROM clock k JOIN case_record c USING (case_id) WHERE c.case_code = :'t' AND k.running), 'urgent', 'hurries with what hurries');

-- ---- one less --------------------------------------------------------------------------------
SELECT vac.open_case('SEA') AS w \gset
SELECT pg_temp.appoint(:'w', 'SEA-2', :soon) AS w1 \gset
SELECT throws_matching(format('SELECT vac.withdraw_request(%L)', :'w'), 'reason: history keeps why', 'a reason is needed');
SELECT vac.add_request(:'w') \g /dev/null
SELECT throws_matching(format('SELECT vac.withdraw_request(%L, reason => %L)', :'w', 'wish'), 'has several open requests', 'which one?');
SELECT request_id AS w2 FROM appointment WHERE appointment_id = :w1 \gset
SELECT is(vac.withdraw_request(:'w', :w2, 'wish'), format('Case %s: request %s is withdrawn, and the coordinator is told; the case stays open', :'w', :w2), 'one is withdrawn');
SELECT is(pg_temp.mail_of(:'w'), 'invitation sent, cancel queued', 'its appointment is cancelled');
SELECT is(pg_temp.requests_of(:'w'), 'crisis_intervention withdrawn, counseling open', 'the other goes on');
UPDATE request SET state = 'planned' WHERE request_id = :w2;
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :w1;
SELECT pg_temp.over(:w1, '10 minutes') \g /dev/null
SELECT throws_matching(format('SELECT vac.withdraw_request(%L, %s, %L)', :'w', :w2, 'wish'), 'has begun', 'what has begun has an outcome');

-- ---- an invitation again ---------------------------------------------------------------------
SELECT vac.open_case('SEA') AS i \gset
SELECT throws_matching(format('SELECT vac.send_again(%L)', :'i'), 'has no appointment to come', 'nothing to send');
SELECT pg_temp.appoint(:'i', 'SEA-2', :soon, claimed => false) AS i1 \gset
SELECT matches(vac.send_again(:'i'), 'still waits to be sent', 'what waits is not sent twice');
UPDATE message SET state = 'sent', ever_claimed = true, sent_at = now() WHERE appointment_id = :i1;
UPDATE appointment SET state = 'accepted', partstat = 'ACCEPTED' WHERE appointment_id = :i1;
SELECT vac.set_coordinator('SEA-2', mail => 'new.address@example.org') \g /dev/null
SELECT matches(vac.send_again(:'i', reason => 'mistake: deleted'), 'goes to new\.address@example\.org again; by\s+telephone\s+\+1 206', 'again, to the address of today');
SELECT is((SELECT string_agg(concat_ws(' ', m.kind, m.method, m.sequence, m.state, m.partstat, m.recipient, m.uid = a.uid, m.first_uuid IS NOT NULL), ', ' ORDER BY m.message_id)
		FROM message m JOIN appointment a USING (appointment_id) WHERE a.appointment_id = :i1),
	'invitation REQUEST 0 sent sea-2@example.org t f, invitation REQUEST 0 queued ACCEPTED new.address@example.org t t', 'the same state: same SEQUENCE, the answer it had, one thread');
SELECT is((SELECT concat_ws(' ', state, sequence) FROM appointment WHERE appointment_id = :i1), 'accepted 0', 'the acceptance stands');
SELECT is(pg_temp.last_of(:'i'), 'sent_again/mistake/deleted', 'history has it');
SELECT throws_matching(format('SELECT vac.send_again(%L, %L)', :'i', 'SEA-1'), 'SEA-1 was not asked', 'to nobody else');
SELECT vac.hold_case(:'i', 'safety') \g /dev/null
SELECT throws_matching(format('SELECT vac.send_again(%L)', :'i'), 'on hold, and nothing is sent', 'and not while it is on hold');

-- ---- outcomes put right ----------------------------------------------------------------------
SELECT vac.open_case('SEA') AS o \gset
SELECT pg_temp.appoint(:'o', 'SEA-2', :soon) AS o1 \gset
SELECT pg_temp.over(:o1) \g /dev/null
SELECT throws_matching(format('SELECT vac.correct_outcome(%L, %L, %L)', :'o', 'held', 'mistake'), 'no outcome of case .* is on record', 'there is nothing to correct');
SELECT vac.record_outcome(:'o', 'held') \g /dev/null
SELECT throws_matching(format('SELECT vac.correct_outcome(%L, %L, %L)', :'o', 'golf', 'mistake'), 'outcome: ''golf''; it can be', 'only what an outcome can be');
SELECT throws_matching(format('SELECT vac.correct_outcome(%L, %L, NULL)', :'o', 'missed'), 'reason: history keeps why', 'a reason is needed');
SELECT matches(vac.correct_outcome(:'o', 'victim_absent', 'mistake: mixed up'), 'was victim absent, not held; it is planned again', 'held was wrong');
SELECT is((SELECT concat_ws(' ', (pg_temp.request_of(:'o')).state, c.first_contact_at, pg_temp.clocks_of(:'o')) FROM case_record c WHERE c.case_code = :'o'),
	'open first_contact running, inform_of_responsible running', 'the request is open, there was no contact, the clock runs');
SELECT is(pg_temp.last_of(:'o', 2), 'outcome_corrected/mistake/mixed up, meeting_missed/victim_absent', 'history keeps both');
SELECT is((SELECT replace(what, E'\n', ' ') FROM vac.history WHERE case_code = :'o' AND what LIKE 'outcome%'), 'outcome corrected: victim absent, not held', 'in words');
SELECT pg_temp.appoint(:'o', 'SEA-2', :soon) AS o2 \gset
SELECT matches(vac.correct_outcome(:'o', 'held', 'mistake: he was there'), 'was held, not victim absent; its request is met', 'back again, although it was planned anew');
SELECT is((SELECT concat_ws(' ', a.state, r.state, m.state) FROM appointment a JOIN request r USING (request_id) JOIN message m ON m.appointment_id = a.appointment_id AND m.kind = 'cancel' WHERE a.appointment_id = :o2),
	'replaced met queued', 'nobody goes twice');
SELECT vac.open_case('SEA') AS p \gset
SELECT pg_temp.appoint(:'p', 'SEA-2', :soon + interval '4 hours') AS p1 \gset
SELECT pg_temp.over(:p1, '5 hours'), vac.record_outcome(:'p', 'coordinator_absent') \g /dev/null
SELECT is((SELECT count(*) FROM request_bar), 1::bigint, 'who did not come is barred');
SELECT vac.correct_outcome(:'p', 'victim_absent', 'mistake') \g /dev/null
SELECT is((SELECT count(*) FROM request_bar), 0::bigint, 'who did come is not');
SELECT pg_temp.appoint(:'p', 'SEA-2', :soon + interval '4 hours') AS p2 \gset
SELECT vac.confirm(:'p', answer => 'decline') \g /dev/null
SELECT vac.correct_outcome(:'p', 'coordinator_absent', 'mistake') \g /dev/null
SELECT is((SELECT concat_ws(' ', times, until IS NULL) FROM request_bar), '2 t', 'twice no is for good');
SELECT vac.correct_outcome(:'p', 'missed', 'mistake') \g /dev/null
SELECT is((SELECT concat_ws(' ', times, until > now()) FROM request_bar), '1 t', 'once no is for the day');
SELECT vac.correct_outcome(:'p', 'not_wanted', 'mistake') \g /dev/null
SELECT is((pg_temp.request_of(:'p')).state, 'withdrawn', 'not wanted: nothing more is planned');

-- First contact that was none, or at another time.
SELECT vac.open_case('SEA') AS f \gset
SELECT throws_matching(format('SELECT vac.correct_outcome(%L, %L, %L)', :'f', 'not_contacted', 'mistake'), 'no contact of case', 'there was none on record');
UPDATE case_record SET opened_at = now() - interval '3 hours' WHERE case_code = :'f';
SELECT vac.record_outcome(:'f', 'contacted', contact_at => now() - interval '2 hours') \g /dev/null
SELECT throws_matching(format('SELECT vac.correct_outcome(%L, %L, %L)', :'f', 'contacted', 'mistake'), 'contact_at: when was it', 'when was it then?');
SELECT matches(vac.correct_outcome(:'f', 'contacted', 'mistake', contact_at => now() - interval '1 hour'), 'first contact was ', 'later');
SELECT is((SELECT concat_ws(' ', c.first_contact_at = now() - interval '1 hour', k.done_at = c.first_contact_at) FROM case_record c JOIN clock k USING (case_id) WHERE c.case_code = :'f'), 't t', 'case and clock say so');
SELECT matches(vac.correct_outcome(:'f', 'not_contacted', 'mistake: wrong number'), 'there was no contact; still to be done: first contact by ', 'not at all');
SELECT is(pg_temp.clocks_of(:'f'), 'first_contact running', 'the clock runs on');
SELECT matches((SELECT replace(what, E'\n', ' ') FROM vac.history WHERE case_code = :'f' LIMIT 1), '^first contact corrected: none, not [A-Z]', 'history in words');
SELECT pg_temp.appoint(:'f', 'SEA-2', :soon + interval '40 hours') AS f1 \gset
SELECT pg_temp.over(:f1, '20 hours'), vac.record_outcome(:'f', 'held') \g /dev/null
SELECT is((SELECT first_contact_at = now() - interval '20 hours' FROM case_record WHERE case_code = :'f'), true, 'a meeting that was held is one');
SELECT vac.correct_outcome(:'f', 'missed', 'mistake') \g /dev/null
SELECT is((SELECT first_contact_at FROM case_record WHERE case_code = :'f'), NULL, 'and what was taken back before does not come back with it');

-- ---- whose case it is, and what if -----------------------------------------------------------
SELECT vac.open_case('PDX') AS x \gset
SELECT pg_temp.appoint(:'x', 'PDX-1', :soon) AS x1 \gset
SELECT is((SELECT string_agg(DISTINCT left(pg_temp.says('sup_sea', format(v.call, :'x')), 45), ' | ')
		FROM unnest(ARRAY['SELECT vac.close_case(%L, cancel => true)', 'SELECT vac.reopen_case(%L, $$mistake$$)', 'SELECT vac.add_request(%L)', 'SELECT vac.withdraw_request(%L, reason => $$wish$$)',
			'SELECT vac.send_again(%L)', 'SELECT vac.correct_outcome(%L, $$held$$, $$mistake$$)']) v (call)),
	format('22023 case_code: no case %s that sup_sea', :'x'), 'another office''s case is none');
SELECT is((SELECT string_agg(DISTINCT left(pg_temp.says('intake1', format(v.call, :'x')), 33), ' | ')
		FROM unnest(ARRAY['SELECT vac.close_case(%L)', 'SELECT vac.reopen_case(%L, $$mistake$$)', 'SELECT vac.add_request(%L)', 'SELECT vac.withdraw_request(%L)',
			'SELECT vac.send_again(%L)', 'SELECT vac.correct_outcome(%L, $$held$$, $$mistake$$)']) v (call)),
	'42501 permission denied for funct', 'and they are no verbs of intake');
SELECT matches(pg_temp.says('sup_sea', format('SELECT vac.close_case(%L, cancel => true)', :'t')), 'is closed', 'one''s own is');
SELECT is((SELECT h.who FROM history h ORDER BY h.history_id DESC LIMIT 1), 'sup_sea', 'history says who');
SELECT vac.what_if() \g /dev/null
SELECT vac.close_case(:'s', cancel => true), vac.reopen_case(:'s', 'mistake'), vac.add_request(:'s', times => 2, every => '1 week'), vac.send_again(:'x'),
	vac.correct_outcome(:'o', 'missed', 'mistake') \g /dev/null
SELECT is((SELECT count(*) FROM vac.unassigned WHERE case_code = :'s'), 8::bigint, 'all of it can be tried');
SELECT throws_matching('SET CONSTRAINTS ALL IMMEDIATE', 'asked what if', 'and not be committed');

SELECT * FROM finish();
ROLLBACK;
