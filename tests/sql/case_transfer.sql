-- A case goes to another office, and two codes of one person become one; cases that belong together; limits of an office.
BEGIN;
\ir people.psql
SELECT plan(112);
\set soon 'date_trunc(\'hour\', now()) + interval \'3 days\''
UPDATE coordinator SET meetings_a_day = 20, weekly_minutes = 10000, max_open_cases = 100;
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
CREATE FUNCTION pg_temp.office_of(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT o.code FROM vac_store.case_record c JOIN vac_store.office o USING (office_id) WHERE c.case_code = of_case
$$;
-- How an appointment stands: of which case and office, state, SEQUENCE, its calendar mail.
CREATE FUNCTION pg_temp.stands(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', o.code, a.state, a.sequence, (SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id)
			FROM vac_store.message m WHERE m.appointment_id = a.appointment_id AND m.method IS NOT NULL))
		FROM vac_store.appointment a JOIN vac_store.office o USING (office_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.case_of(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.over(id bigint, ago interval DEFAULT '2 hours') RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span FROM (SELECT tstzrange(now() - ago, now() - ago + interval '1 hour') AS span) s WHERE appointment_id = id
$$;
CREATE FUNCTION pg_temp.clocks_of(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', o.code, k.kind, CASE WHEN k.running THEN 'running' WHEN k.done_at IS NOT NULL THEN 'done' ELSE 'stopped' END), ', ' ORDER BY k.clock_id)
		FROM vac_store.clock k JOIN vac_store.case_record c USING (case_id) JOIN vac_store.office o ON o.office_id = k.office_id WHERE c.case_code = of_case
$$;
CREATE FUNCTION pg_temp.last_of(of_case text, most integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws('/', h.event, o.code, h.reason, n.text), ', ' ORDER BY h.history_id)
		FROM (SELECT * FROM vac_store.history WHERE case_id = (SELECT case_id FROM vac_store.case_record WHERE case_code = of_case)
			ORDER BY history_id DESC LIMIT most) h LEFT JOIN vac_store.note n USING (note_id) LEFT JOIN vac_store.office o USING (office_id)
$$;
SELECT vac.allow_domain('example.org') \g /dev/null

-- ---- to another office -----------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es', place => 'AIR', requester => 'intake@example.org') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', :soon) AS a1 \gset
SELECT vac.confirm(:'a'), vac.start_clock(:'a'), vac.record_outcome(:'a', 'contacted') \g /dev/null
DELETE FROM message WHERE kind IN ('requester', 'notice');
SELECT throws_matching(format('SELECT vac.transfer_case(%L, %L, %L)', :'a', 'QQQ', 'transferred'), 'office: no office ''QQQ''', 'to an office that is');
SELECT throws_matching(format('SELECT vac.transfer_case(%L, %L, NULL)', :'a', 'PDX'), 'reason: history keeps why', 'with a reason');
SELECT throws_matching(format('SELECT vac.transfer_case(%L, %L, %L, %L)', :'a', 'PDX', 'transferred', 'AIR'), 'place: PDX has no place ''AIR''', 'and a place there');
SELECT matches(vac.transfer_case(:'a', 'SEA', 'transferred'), 'at SEA already', 'where it is it stays');
SELECT is(vac.transfer_case(:'a', 'PDX', 'transferred: moved to Portland'),
	format('Case %s is at PDX (Portland, +1 503 555 0100) now; 1 meeting is planned there; 1 appointment is cancelled', :'a'), 'to Portland');
SELECT is(pg_temp.stands(:a1), 'SEA cancelled 1 invitation sent, cancel queued', 'who was to meet her need not');
SELECT is((SELECT concat_ws(' ', o.code, r.state, r.place, r.plan_at <= wall()) FROM pg_temp.request_of(:'a') r JOIN office o USING (office_id)), 'PDX open MAIN t', 'it is planned anew there, at a place of theirs');
SELECT is(pg_temp.clocks_of(:'a'), 'SEA first_contact done, SEA inform_of_responsible stopped, PDX hhs_notice running', 'clocks go on there, and what was done stays where it was done');
SELECT is((SELECT responsible_id FROM case_record WHERE case_code = :'a'), NULL, 'nobody of Seattle is responsible any more');
SELECT is(pg_temp.last_of(:'a', 2), 'case_transferred/SEA/transferred/moved to Portland, case_received/PDX/transferred', 'history on both sides, the note once');
SELECT is((SELECT string_agg(concat_ws(' ', m.kind, m.recipient, m.subject), ', ' ORDER BY m.message_id) FROM message m WHERE m.kind IN ('requester', 'notice')),
	format('requester intake@example.org Case %s: another office, notice supervisor.a@example.org PDX: a case comes from SEA', :'a'), 'who opened it is told, and the supervisors there');
SELECT matches((SELECT body FROM message WHERE kind = 'requester'), 'Office: PDX\nCall: \+1 503 555 0100', 'whom to call now');
SELECT is((SELECT concat_ws(', ', office, office_telephone) FROM vac.case_state(:'a')), 'PDX, +1 503 555 0100', 'case_state, too');
SELECT matches(pg_temp.says('sup_sea', format('SELECT state FROM vac.case_state(%L)', :'a')), '^22023 case_code: no case', 'Seattle sees it no more');
SELECT is(pg_temp.says('sup_sea', format('SELECT string_agg(translate(what, E''\n'', '' ''), %L) FROM (SELECT what FROM vac.history WHERE what LIKE %L) h', ', ', 'case %')),
	format('case %s transferred to PDX, case opened, routine', :'a'), 'but what it did, and where the case went');
-- Portland's own supervisor.
SELECT vac.set_supervisor('sup_pdx', 'Supervisor C', 'supervisor.c@example.org', offices => 'PDX') \g /dev/null
CREATE ROLE sup_pdx LOGIN IN ROLE vac_supervisor;
SELECT is(pg_temp.says('sup_pdx', format('SELECT string_agg(DISTINCT office, %L ORDER BY office) FROM vac.history WHERE case_code = %L', ' ', :'a')), 'PDX SEA', 'Portland reads its past as well');
SELECT is(pg_temp.says('sup_pdx', 'SELECT count(*) FROM vac.open_cases'), '1', 'and has it before it');
SELECT matches(pg_temp.says('sup_pdx', format('SELECT vac.transfer_case(%L, %L, %L)', :'a', 'SEA', 'mistake')), 'is at SEA', 'may give it back');
SELECT matches(pg_temp.says('sup_pdx', format('SELECT vac.transfer_case(%L, %L, %L)', :'a', 'PDX', 'mistake')), '^22023 case_code: no case', 'and not take it');
-- What stands.
SELECT vac.open_case('SEA', mode => 'telephone') AS b, vac.open_case('SEA') AS c, vac.open_case('SEA') AS d \gset
SELECT pg_temp.appoint(:'b', 'PDX-1', :soon) AS b1, pg_temp.appoint(:'c', 'PDX-1', :soon + interval '2 hours') AS c1, pg_temp.appoint(:'d', 'SEA-2', :soon) AS d1 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id IN (:b1, :c1);
SELECT matches(vac.transfer_case(:'c', 'PDX', 'transferred'), 'now; 1 appointment stays, and the\scoordinator is told$', 'whoever is of that office stays');
SELECT is(pg_temp.stands(:c1), 'PDX accepted 1 invitation sent, update queued', 'accepted as it was, with another place');
SELECT is((SELECT concat_ws(', ', location, sequence, partstat, body LIKE E'%Office: PDX\nPlace: MAIN, Federal Building, room 3\n%Call: +1 503 555 0100%') FROM message WHERE appointment_id = :c1 AND kind = 'update'),
	'PDX MAIN, 1, t', 'which the calendar is told');
SELECT is((pg_temp.request_of(:'c')).state, 'planned', 'its request stays planned');
SELECT pg_temp.over(:d1, '30 minutes') \g /dev/null
SELECT matches(vac.transfer_case(:'d', 'PDX', 'transferred'), '\+1 503 555 0100\) now$', 'what has begun goes on');
SELECT is(pg_temp.stands(:d1), 'PDX invited 0 invitation sent', 'without a word');
SELECT matches(vac.record_outcome(:'d', 'victim_absent'), 'it is planned again', 'and Portland records what became of it');
SELECT is((SELECT o.code FROM pg_temp.request_of(:'d') r JOIN office o USING (office_id)), 'PDX', 'planned there');
SELECT vac.transfer_case(:'b', 'HNL', 'transferred') \g /dev/null
SELECT is(pg_temp.stands(:b1), 'SEA cancelled 1 invitation sent, cancel queued', 'by telephone only whom that office may send');
SELECT vac.set_backup('HNL', 'PDX', 600) \g /dev/null
SELECT pg_temp.appoint(:'b', 'PDX-1', :soon + interval '5 hours') AS b2 \gset
SELECT vac.transfer_case(:'b', 'SEA', 'mistake') \g /dev/null
SELECT matches(vac.transfer_case(:'b', 'HNL', 'transferred'), '1 appointment stays', 'such as a backup');
SELECT is((SELECT concat_ws(' ', state, location) FROM message WHERE appointment_id = :b2 ORDER BY message_id DESC LIMIT 1), 'queued HNL telephone', 'who calls from where they are');
-- Whoever opened it is told also when no meeting is open, and whom to call.
SELECT vac.open_case('SEA', requester => 'intake@example.org') AS x \gset
SELECT vac.withdraw_request(:'x', reason => 'wish') \g /dev/null
DELETE FROM message WHERE kind = 'requester';
SELECT matches(vac.transfer_case(:'x', 'PDX', 'transferred'), '\+1 503 555 0100\) now$', 'a case without a meeting to come');
SELECT is((SELECT string_agg(concat_ws(' ', recipient, subject, substring(body FROM 'Office: ...'), substring(body FROM 'Call: [0-9+ ]*[0-9]')), ', ') FROM message WHERE kind = 'requester'),
	format('intake@example.org Case %s: another office Office: PDX Call: +1 503 555 0100', :'x'), 'is told of, once');
-- Its past stays; what is needed again comes along.
SELECT vac.open_case('SEA') AS e \gset
SELECT pg_temp.appoint(:'e', 'SEA-2', :soon + interval '20 hours') AS e1 \gset
SELECT pg_temp.over(:e1), vac.record_outcome(:'e', 'held'), vac.transfer_case(:'e', 'PDX', 'transferred') \g /dev/null
SELECT is((SELECT concat_ws(' ', o.code, r.state) FROM pg_temp.request_of(:'e') r JOIN office o USING (office_id)), 'SEA met', 'a meeting that was, stays with the office that held it');
SELECT vac.correct_outcome(:'e', 'victim_absent', 'mistake') \g /dev/null
SELECT is((SELECT concat_ws(' ', o.code, r.state, r.place) FROM pg_temp.request_of(:'e') r JOIN office o USING (office_id)), 'PDX open MAIN', 'one that is needed again is the case''s office''s');
-- On hold.
SELECT vac.open_case('SEA') AS h \gset
SELECT pg_temp.appoint(:'h', 'SEA-2', :soon + interval '9 hours') AS h1 \gset
SELECT vac.hold_case(:'h', 'safety') \g /dev/null
SELECT matches(vac.transfer_case(:'h', 'PDX', 'safety'), 'it is on hold still$', 'a hold goes with it');
SELECT is((SELECT string_agg(concat_ws(' ', o.code, m.kind, m.state), ', ') FROM message m JOIN office o USING (office_id) WHERE m.appointment_id = :h1 AND m.kind = 'cancel'), 'PDX cancel suppressed', 'with what was kept back');
SELECT throws_matching(format('SELECT vac.transfer_case(%L, %L, %L)', vac.open_case('SEA', mode => 'elsewhere', place => 'AIR'), 'PDX', 'transferred'), 'place: a meeting elsewhere needs one', 'elsewhere must be said');

-- ---- two codes of one person -----------------------------------------------------------------
SELECT vac.open_case('SEA', requester => 'intake@example.org') AS g, vac.open_case('SEA') AS s \gset
SELECT throws_matching(format('SELECT vac.merge_cases(%L, %L)', :'g', :'g'), 'is named twice', 'a case is not its own double');
SELECT throws_matching(format('SELECT vac.merge_cases(%L, %L)', :'g', :'c'), 'of different offices', 'of one office');
SELECT vac.hold_case(:'s', 'safety') \g /dev/null
SELECT throws_matching(format('SELECT vac.merge_cases(%L, %L)', :'g', :'s'), 'one is on hold and the other is not', 'and of one mind about danger');
SELECT vac.release_case(:'s', 'safe') \g /dev/null
SELECT vac.add_request(:'g', 'counseling'), vac.start_clock(:'g', started => now() - interval '2 hours'), vac.start_clock(:'s'), vac.add_conflict(:'g', 'SEA-2') \g /dev/null
SELECT pg_temp.appoint(:'s', 'SEA-1', :soon + interval '24 hours') AS s1 \gset
SELECT array_agg(request_id ORDER BY request_id) AS gr FROM request JOIN case_record USING (case_id) WHERE case_code = :'g' \gset
-- The counseling that only one of them has, accepted; crisis intervention that both have.
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, state, partstat)
	SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s.span, s.span, r.urgency, handle(), now(), 'accepted', 'ACCEPTED'
		FROM request r, coordinator k, LATERAL (SELECT tstzrange(:soon + interval '26 hours', :soon + interval '27 hours') AS span) s
		WHERE r.request_id = (:'gr'::bigint[])[2] AND k.code = 'SEA-1' RETURNING appointment_id AS g2 \gset
SELECT queue_appointments('invitation', ARRAY[:g2]) \g /dev/null
UPDATE message SET state = 'sent', ever_claimed = true, sent_at = now() WHERE appointment_id = :g2;
UPDATE request SET state = 'planned' WHERE request_id = (:'gr'::bigint[])[2];
DELETE FROM message WHERE kind IN ('requester', 'notice');
SELECT is(vac.merge_cases(:'g', :'s', 'duplicate: opened twice'), format(E'Case %s is case %s now; 1 meeting that both needed is kept once; 1 appointment goes with it, and the\ncoordinator is told', :'g', :'s'), 'two become one');
SELECT is((SELECT string_agg(concat_ws(' ', r.service, r.state), ', ' ORDER BY r.request_id) FROM request r JOIN case_record c USING (case_id) WHERE c.case_code = :'s'),
	'crisis_intervention withdrawn, crisis_intervention planned, counseling planned', 'no meeting twice: the one with an appointment is kept');
SELECT is(pg_temp.case_of(:g2), :'s', 'the other appointment is its own');
SELECT is(pg_temp.stands(:g2), 'SEA accepted 1 invitation sent, update queued', 'as it was accepted, with an update');
SELECT matches((SELECT subject FROM message WHERE appointment_id = :g2 AND kind = 'update'), '^Changed: case ' || :'s', 'that names the code it has now');
SELECT matches((SELECT body FROM message WHERE appointment_id = :g2 AND kind = 'update'), format(E'appointment for case %s,\nwhich was case %s until now\\.\n', :'s', :'g'), 'and the one they know');
SELECT is((SELECT concat_ws(' ', state, ended_at IS NOT NULL) FROM case_record WHERE case_code = :'g'), 'closed t', 'the other is closed');
SELECT is((SELECT string_agg(concat_ws(' ', k.kind, k.running, k.started_at < now() - interval '1 hour'), ', ' ORDER BY k.kind) FROM clock k JOIN case_record c USING (case_id) WHERE c.case_code = :'s' AND k.running AND k.kind <> 'inform_of_responsible'),
	'first_contact t f, hhs_notice t t', 'of two clocks that runs on which runs out first');
SELECT is((SELECT count(*) FROM clock k JOIN case_record c USING (case_id) WHERE c.case_code = :'g' AND k.running), 0::bigint, 'the old code has none');
SELECT is((SELECT string_agg(k.code, ', ') FROM case_conflict f JOIN coordinator k USING (coordinator_id) JOIN case_record c USING (case_id) WHERE c.case_code = :'s'), 'SEA-2', 'conflicts of interest hold');
SELECT is((SELECT requester::text FROM case_record WHERE case_code = :'s'), 'intake@example.org', 'whoever opened it is still told');
SELECT is((SELECT concat_ws(' ', recipient, subject) FROM message WHERE kind = 'requester'), format('intake@example.org Case %s: news', :'g'), 'and told that there is news of the old code');
SELECT matches((SELECT body FROM message WHERE kind = 'requester'), format(E'^Case %s is case %s now: it was opened twice\\.\nPlease put the new code', :'g', :'s'), 'namely what it is now');
SELECT is((SELECT concat_ws('|', case_code, state, coordinator, office_telephone) FROM vac.case_state(:'g')), format('%s|case %s now: asked, no answer yet|Coordinator A|+1 206 555 0100', :'g', :'s'),
	'case_state knows the old code, and which it is now');
SELECT matches((SELECT state FROM vac.look_up(:'g')), '^case ' || :'s' || ' now: ', 'so does the desk');
SELECT throws_matching(format('SELECT vac.add_request(%L)', :'g'), format('case_code: case %s is case %s now', :'g', :'s'), 'no verb takes the old code: it says which to say');
SELECT throws_matching(format('SELECT vac.reopen_case(%L, %L)', :'g', 'mistake'), 'now$', 'nor opens it again');
SELECT is((SELECT concat_ws('/', h.event, h.reason, n.text) FROM history h JOIN case_record c USING (case_id) JOIN note n USING (note_id) WHERE c.case_code = :'g' ORDER BY h.history_id DESC LIMIT 1) || '; ' || pg_temp.last_of(:'s'), 'case_merged/duplicate/opened twice; case_took_over/SEA/duplicate', 'history on both');
SELECT is((SELECT string_agg(replace(what, E'\n', ' '), ', ' ORDER BY what) FROM vac.history WHERE what LIKE 'merged%'), format('merged: case %s is this case now, merged: it is case %s now', :'g', :'s'), 'in words');
SELECT is((SELECT string_agg(concat_ws(' ', kind, other_case, other_state), ', ') FROM vac.linked_cases WHERE case_code = :'s'), format('same person %s merged', :'g'), 'the view of linked cases, too');
SELECT matches(vac.merge_cases(:'g', :'s'), 'already', 'again does no harm');
-- Both who opened one of two codes hear of what becomes of the one case, and who wants none any more is told nothing.
SELECT vac.open_case('SEA', requester => 'first@example.org') AS g2, vac.open_case('SEA', 'es', service => 'counseling', requester => 'second@example.org') AS s2, vac.open_case('SEA', requester => 'third@example.org') AS t2 \gset
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', split_part(recipient, '@', 1), subject), ', ' ORDER BY recipient, message_id) FROM vac_store.message WHERE kind = 'requester'
$$;
SELECT vac.merge_cases(:'g2', :'s2') \g /dev/null
DELETE FROM message WHERE kind = 'requester';
SELECT tell_requesters(ARRAY(SELECT request_id FROM request JOIN case_record USING (case_id) WHERE case_code = :'s2' ORDER BY request_id DESC LIMIT 1), 'nobody') \g /dev/null
SELECT is(pg_temp.told(), format('first Case %s: nobody found yet, second Case %1$s: nobody found yet', :'s2'), 'both who opened it are told, by the code that it has');
SELECT vac.merge_cases(:'s2', :'t2') \g /dev/null
DELETE FROM message WHERE kind = 'requester';
SELECT vac.withdraw_request(:'t2', request_id, 'wish') FROM request JOIN case_record USING (case_id) WHERE case_code = :'t2' AND service = 'counseling' \g /dev/null
SELECT vac.transfer_case(:'t2', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.told(), format('first Case %s: another office, second Case %1$s: another office, third Case %1$s: another office', :'t2'), 'all three, when that becomes another');
-- One address is one, however it is written; and a case without a request has somebody to tell, too.
SELECT vac.open_case('SEA', requester => 'first@example.org') AS g2, vac.open_case('SEA', service => 'counseling', requester => 'First@Example.ORG') AS s2 \gset
SELECT vac.merge_cases(:'g2', :'s2') \g /dev/null
DELETE FROM message WHERE kind = 'requester';
SELECT vac.transfer_case(:'s2', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.told(), format('First Case %s: another office', :'s2'), 'one mail to one address');
INSERT INTO case_record (case_code, office_id, language, opened_at, requester)
	SELECT new_case_code(), o.office_id, 'en', now(), 'bare@example.org' FROM office o, generate_series(1, 2) WHERE o.code = 'SEA';
SELECT min(case_code) AS bare, max(case_code) AS other FROM case_record WHERE requester = 'bare@example.org' \gset
DELETE FROM message WHERE kind = 'requester';
SELECT vac.transfer_case(:'bare', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.told(), format('bare Case %s: another office', :'bare'), 'that it went elsewhere');
DELETE FROM message WHERE kind = 'requester';
SELECT vac.open_case('SEA', service => 'counseling') AS one \gset
SELECT vac.merge_cases(:'other', :'one') \g /dev/null
SELECT matches((SELECT string_agg(body, '; ') FROM message WHERE kind = 'requester'), format('^Case %s is case %s now: it was opened twice', :'other', :'one'), 'or has another code');
SELECT vac.open_case('SEA', requester => 'first@example.org') AS g2, vac.open_case('SEA', service => 'counseling') AS s2 \gset
SELECT vac.merge_cases(:'g2', :'s2'), vac.change_request(:'s2', requester => 'else@example.org', request => (SELECT min(request_id) FROM request JOIN case_record USING (case_id) WHERE case_code = :'s2')) \g /dev/null
DELETE FROM message WHERE kind = 'requester';
SELECT vac.transfer_case(:'s2', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.told(), format('else Case %s: another office', :'s2'), 'an address that moved on with its case can be changed');
-- The code that hurries more is kept, the other cancelled; what meets it in time is planned again; codes follow.
SELECT vac.open_case('SEA', urgency => 'urgent') AS i, vac.open_case('SEA', service => 'witness_support') AS w \gset
SELECT pg_temp.appoint(:'w', 'SEA-1', :soon + interval '30 hours') AS w1 \gset
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT r.request_id, r.case_id, r.office_id, k.coordinator_id, s.span, s.span, r.urgency, handle(), now()
		FROM request r JOIN case_record c USING (case_id), coordinator k, LATERAL (SELECT tstzrange(:soon + interval '30 hours 30 minutes', :soon + interval '31 hours 30 minutes') AS span) s
		WHERE c.case_code = :'i' AND k.code = 'PDX-1' RETURNING appointment_id AS i1 \gset
UPDATE request SET state = 'planned' WHERE request_id = (SELECT request_id FROM appointment WHERE appointment_id = :i1);
SELECT matches(vac.merge_cases(:'s', :'i'), '1 meeting that both needed is kept once; 1 appointment goes with it, and the\scoordinator is told; 1 appointment is cancelled$', 'a merged one can be merged');
SELECT is(pg_temp.stands(:s1), 'SEA cancelled 1 invitation sent, cancel queued', 'the meeting that hurries less is off');
SELECT matches((SELECT subject FROM message WHERE appointment_id = :s1 AND kind = 'cancel'), '^Cancelled: case ' || :'s', 'by the code that its calendar shows');
SELECT is((SELECT m.case_id = c.case_id FROM message m, case_record c WHERE m.appointment_id = :s1 AND m.kind = 'cancel' AND c.case_code = :'i'), true, 'a hold of the case would stop it');
SELECT matches((SELECT state FROM vac.case_state(:'g')), '^case ' || :'i' || ' now: ', 'the first code says which case it is after all');
SELECT matches(vac.merge_cases(:'w', :'i'), 'cannot stand beside others and is planned again', 'nobody can be in two places');
SELECT is(concat_ws(', ', pg_temp.stands(:w1), pg_temp.stands(:i1)), 'SEA cancelled 1 invitation sent, cancel queued, SEA invited 0', 'the one that hurries less gives way');
SELECT is((SELECT string_agg(concat_ws(' ', r.service, r.state), ', ' ORDER BY r.request_id) FROM request r JOIN case_record c USING (case_id) WHERE c.case_code = :'i' AND r.state <> 'withdrawn'),
	'counseling planned, crisis_intervention planned, witness_support open', 'and is planned again');
-- One that ended; its past comes along.
SELECT vac.open_case('SEA') AS k \gset
SELECT pg_temp.appoint(:'k', 'SEA-1', :soon + interval '50 hours') AS k1 \gset
SELECT pg_temp.over(:k1, '6 hours'), vac.record_outcome(:'k', 'held'), vac.close_case(:'k'), vac.merge_cases(:'k', :'i') \g /dev/null
SELECT is((SELECT concat_ws(' ', first_contact_at = now() - interval '6 hours', (SELECT k.code FROM coordinator k WHERE k.coordinator_id = responsible_id)) FROM case_record WHERE case_code = :'i'),
	't SEA-1', 'who met her, and when, is known');
SELECT is((SELECT count(*) FROM clock k JOIN case_record c USING (case_id) WHERE c.case_code = :'i' AND k.kind = 'first_contact' AND k.running), 0::bigint, 'that clock is done');
SELECT vac.transfer_case(:'i', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.office_of(:'g'), 'PDX', 'all its codes go to another office with it');

-- ---- cases that belong together --------------------------------------------------------------
SELECT vac.open_case('SEA') AS m, vac.open_case('SEA') AS n, vac.open_case('SEA') AS q \gset
SELECT throws_matching(format('SELECT vac.link_cases(%L, %L, %L)', :'m', :'n', 'friends'), 'kind: ''friends''; it can be', 'of a kind that is');
SELECT vac.set_responsible(:'m', 'SEA-1', 'roster') \g /dev/null
SELECT is(vac.link_cases(:'n', :'m', reason => 'other: sisters'), format('Cases %s and %s are linked (family); Coordinator A (SEA-1) is preferred for both', :'n', :'m'), 'a family has one coordinator');
SELECT is((SELECT k.code FROM pg_temp.request_of(:'n') r JOIN coordinator k ON k.coordinator_id = r.preferred_id), 'SEA-1', 'by preference');
SELECT is(vac.link_cases(:'m', :'q', 'incident'), format('Cases %s and %s are linked (incident)', :'m', :'q'), 'one incident');
SELECT is((pg_temp.request_of(:'q')).preferred_id, NULL, 'is no reason for one');
SELECT matches(vac.link_cases(:'m', :'n'), 'linked already \(family\)', 'either way round');
SELECT is((SELECT string_agg(concat_ws(' ', kind, other_case, other_office, other_state, other_coordinator), ', ') FROM vac.linked_cases WHERE case_code = :'m'),
	format('family %s SEA being planned, incident %s SEA being planned', :'n', :'q'), 'the view shows both');
SELECT is((SELECT string_agg(concat_ws(' ', other_case, other_coordinator), ', ') FROM vac.linked_cases WHERE case_code = :'n'), :'m' || ' Coordinator A', 'from either side');
SELECT vac.transfer_case(:'n', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.says('sup_sea', format('SELECT string_agg(concat_ws(%L, kind, other_case, other_state), %L) FROM vac.linked_cases WHERE case_code = %L', ' ', ', ', :'m')),
	format('family another office''s, incident %s being planned', :'q'), 'another office''s case is not named');
-- A login that opens cases for intake and supervises Seattle.
CREATE ROLE sup_intake LOGIN IN ROLE vac_supervisor, vac_intake;
SELECT vac.set_supervisor('sup_intake', 'Supervisor D', 'supervisor.d@example.org', offices => 'SEA') \g /dev/null
SELECT pg_temp.says('sup_intake', 'SELECT vac.open_case($$PDX$$)') AS z \gset
SELECT is((SELECT string_agg(DISTINCT regexp_replace(pg_temp.says('sup_intake', format(v.call, :'z', :'m')), '^42501 [a-z_]+: |, and.*$', '', 'g'), ' | ')
		FROM unnest(ARRAY['SELECT vac.link_cases(%L, %L)', 'SELECT vac.merge_cases(%2$L, %1$L)', 'SELECT vac.close_case(%L)', 'SELECT vac.transfer_case(%L, $$SEA$$, $$wish$$)', 'SELECT vac.add_request(%L)',
			'SELECT vac.send_again(%L)', 'SELECT vac.correct_outcome(%L, $$held$$, $$mistake$$)', 'SELECT vac.reopen_case(%L, $$mistake$$)', 'SELECT vac.withdraw_request(%L, reason => $$wish$$)']) v (call)),
	'that is for supervisors of PDX', 'what one opened elsewhere for intake one does not steer');
SELECT matches(pg_temp.says('sup_intake', format('SELECT state FROM vac.case_state(%L)', :'z')), 'being planned', 'but may look at');
-- What a supervisor opened and gave away.
SELECT pg_temp.says('sup_sea', 'SELECT vac.open_case($$SEA$$)') AS y \gset
SELECT matches(pg_temp.says('sup_sea', format('SELECT vac.transfer_case(%L, %L, %L)', :'y', 'PDX', 'transferred')), 'is at PDX', 'a supervisor gives away what they opened');
SELECT matches(pg_temp.says('sup_sea', format('SELECT vac.withdraw_case(%L, %L)', :'y', 'wish')), '^22023 case_code: no case', 'and it is theirs no more');
-- What intake opened, and is another case now.
SELECT pg_temp.says('intake1', 'SELECT vac.open_case($$PDX$$)') AS v \gset
SELECT vac.merge_cases(:'v', :'y') \g /dev/null
SELECT is(pg_temp.says('intake1', format('SELECT concat_ws(%L, (SELECT state FROM vac.case_state(%L)), (SELECT state FROM vac.case_state(%L)), (SELECT string_agg(concat_ws(%L, case_code, translate(state, E''\n'', '' '')), %L) FROM vac.my_cases))', '|', :'v', :'y', ': ', ', ')),
	format('case %s now: being planned|being planned|%s: case %s now: being planned', :'y', :'v', :'y'), 'intake sees how it stands by the old code and the new');
SELECT matches(pg_temp.says('intake1', format('SELECT vac.withdraw_case(%L, %L)', :'y', 'wish')), 'is withdrawn', 'and goes on with it');
SELECT matches(pg_temp.says('sup_sea', format('SELECT vac.unlink_cases(%L, %L)', :'m', :'n')), '^22023 case_code: no case', 'nor unlinked by one of them');
SELECT matches(vac.unlink_cases(:'m', :'n'), 'linked no more', 'unlinked');
SELECT throws_matching(format('SELECT vac.unlink_cases(%L, %L)', :'m', :'n'), 'are not linked', 'once');
SELECT is(pg_temp.last_of(:'n') || '; ' || pg_temp.last_of(:'m'), 'cases_unlinked/PDX/mistake; cases_unlinked/SEA/mistake', 'history on both');
SELECT matches(pg_temp.says('sup_sea', format('SELECT vac.link_cases(%L, %L)', :'m', :'c')), '^22023 case_code: no case', 'nobody links another office''s case');
SELECT matches(pg_temp.says('sup_sea', format('SELECT vac.merge_cases(%L, %L)', :'m', :'c')), '^22023 case_code: no case', 'nor merges with one');
SELECT matches(pg_temp.says('sup_pdx', format('SELECT vac.link_cases(%L, %L)', :'m', :'c')), '^22023 case_code: no case', 'from neither side');
SELECT is((SELECT string_agg(DISTINCT left(pg_temp.says('intake1', format(v.call, :'m', :'q')), 33), ' | ')
		FROM unnest(ARRAY['SELECT vac.transfer_case(%L, $$PDX$$, %L)', 'SELECT vac.merge_cases(%L, %L)', 'SELECT vac.link_cases(%L, %L)', 'SELECT vac.unlink_cases(%L, %L)']) v (call)),
	'42501 permission denied for funct', 'none is a verb of intake');

-- ---- limits of an office ---------------------------------------------------------------------
UPDATE coordinator SET meetings_a_day = NULL, weekly_minutes = NULL, max_open_cases = NULL;
UPDATE coordinator SET max_open_cases = 7 WHERE code = 'SEA-2';
SELECT throws_matching($$SELECT vac.set_office_limits('SEA', 'part_time')$$, 'duty: ''part_time''', 'of a duty that is');
SELECT throws_matching($$SELECT vac.set_office_limits('SEA', 'collateral', 1001)$$, 'max_open_cases: ', 'and numbers that can be');
SELECT is(vac.set_office_limits('SEA', 'full-time', max_open_cases => 4, weekly_hours => 12.5), 'SEA, full-time: open cases 4, hours a week 12.5, meetings a day by policy', 'limits of an office');
SELECT is((SELECT string_agg(concat_ws(' ', k.code, coalesce(k.max_open_cases, f.max_open_cases), f.weekly_minutes, f.meetings_a_day), ', ' ORDER BY k.code) FROM coordinator k JOIN caps() f ON f.office_id = k.office_id AND f.duty = k.duty),
	'HNL-1 15 1500 4, PDX-1 15 1500 4, SEA-1 4 750 4, SEA-2 7 480 2', 'hold where a coordinator has none of their own');
SELECT is((SELECT string_agg(concat_ws(' ', duty, open_cases, hours_a_week, meetings_a_day, set_by_office, have_their_own), ', ') FROM vac.limits WHERE office = 'SEA'),
	'full-time 4 12.5 4 open cases, hours , collateral 3 8.0 2 nothing SEA-2', 'the view says which');
SELECT is(pg_temp.says('sup_sea', 'SELECT string_agg(DISTINCT office, $$ $$) FROM vac.limits'), 'SEA', 'of one''s own offices');
SELECT matches(pg_temp.says('sup_sea', $$SELECT vac.set_office_limits('PDX', 'collateral', 1)$$), '^42501 set_office_limits: that is for supervisors of PDX', 'for its own supervisors');
SELECT vac.set_office_limits('SEA', 'full_time') \g /dev/null
SELECT is((SELECT count(*) FROM office_limit), 0::bigint, 'left out: the policy''s again');

-- ---- what if ---------------------------------------------------------------------------------
SELECT vac.what_if() \g /dev/null
SELECT vac.transfer_case(:'m', 'PDX', 'transferred'), vac.link_cases(:'m', :'q', 'family'), vac.link_cases(:'n', :'q', 'incident'), vac.merge_cases(:'m', :'n'), vac.link_cases(:'n', :'c', 'other'), vac.set_office_limits('SEA', 'collateral', 1) \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', kind, other_case), ', ') FROM vac.linked_cases WHERE case_code = :'n'), format('same person %s, family %s, other %s', :'m', :'q', :'c'),
	'all of it can be tried, and what was linked with one is linked with the other');
SELECT is((SELECT string_agg(DISTINCT kind, ', ') FROM vac.linked_cases WHERE case_code = :'q'), 'family', 'by what means most');
SELECT throws_matching('SET CONSTRAINTS ALL IMMEDIATE', 'asked what if', 'and not be committed');

SELECT * FROM finish();
ROLLBACK;
