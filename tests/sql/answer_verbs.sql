-- What supervisors do about answers: by telephone, from the list, and afterwards; each for their own offices.
BEGIN;
\ir answer.psql
SELECT plan(75);
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.over(id bigint, ago interval DEFAULT '2 hours') RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span FROM (SELECT tstzrange(now() - ago, now() - ago + interval '1 hour') AS span) s WHERE appointment_id = id
$$;

-- ---- by telephone ----------------------------------------------------------------------------
SELECT pg_temp.invited() AS a \gset
SELECT matches(vac.confirm(lower(pg_temp.code(:a))), '^Case .*: SEA-1 \(Coordinator A\) has accepted [A-Z][a-z]{2} [0-9]{2}', 'accepted by telephone');
SELECT is((pg_temp.a(:a)).state || (pg_temp.a(:a)).answered_by, 'accepted' || session_user, 'and by whom it was recorded');
SELECT is(pg_temp.events(:a), 'answer_accepted/told, responsible_set/accepted, answer_told/accept', 'history has it');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'DECLINED', stamped => now() - interval '1 hour')), 'stale: a later answer of theirs was taken before', 'what they wrote before is older');
SELECT matches(vac.confirm(pg_temp.code(:a), answer => 'tentative', reason => 'ill, perhaps'), 'does not know yet', 'perhaps');
SELECT is((pg_temp.a(:a)).state, 'invited', 'is no answer yet');
SELECT throws_matching(format('SELECT vac.confirm(%L, answer => %L)', pg_temp.code(:a), 'maybe'), '^answer: ', 'another word');
SELECT throws_matching(format('SELECT vac.confirm(%L, %L, %L)', pg_temp.code(:a), 'SEA-2', 'decline'), 'SEA-2 was not asked', 'a colleague cannot decline');
SELECT matches(vac.confirm(pg_temp.code(:a), 'sea-2'), 'SEA-2 \(Coordinator B\) has accepted', 'but take it over');
SELECT is((SELECT string_agg(state || answered_by, ' ' ORDER BY appointment_id) FROM appointment WHERE request_id = (pg_temp.a(:a)).request_id), 'replaced' || session_user || ' accepted' || session_user, 'the old one is off');
SELECT throws_matching(format('SELECT vac.confirm(%L, %L)', pg_temp.code(:a), 'HNL-1'), 'HNL-1 .* cannot take over .*office is no backup', 'if no rule speaks against it');
SELECT matches(vac.confirm(pg_temp.code(:a), answer => 'decline'), 'has declined; it is planned again', 'declined by telephone');
SELECT is((pg_temp.r(:a)).state, 'open', 'it is');
SELECT throws_matching(format('SELECT vac.confirm(%L)', pg_temp.code(:a)), 'has no appointment to come', 'then there is nothing to confirm');
SELECT pg_temp.invited() AS b \gset
INSERT INTO request (case_id, office_id, service, urgency, mode, place, language, minutes, open_window, due_at, opened_at, plan_at)
	SELECT case_id, office_id, 'counseling', urgency, mode, place, language, minutes, open_window, due_at, opened_at, plan_at FROM request WHERE request_id = (pg_temp.a(:b)).request_id
	RETURNING request_id AS r2 \gset
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT :r2, case_id, office_id, coordinator_id, s.span, s.span, urgency, handle(), now() FROM appointment, (SELECT tstzrange(x, x + interval '1 hour') AS span FROM pg_temp.slot() x) s WHERE appointment_id = :b
	RETURNING appointment_id AS b2 \gset
UPDATE request SET state = 'planned' WHERE request_id = :r2;
SELECT throws_matching(format('SELECT vac.confirm(%L)', pg_temp.code(:b)), '^request: .* several appointments', 'of several one must be named');
SELECT lives_ok(format('SELECT vac.confirm(%L, request => %s)', pg_temp.code(:b), :r2), 'by its request');
SELECT is((pg_temp.a(:b)).state || (pg_temp.a(:b2)).state, 'invitedaccepted', 'that one is accepted');
SELECT vac.hold_case(pg_temp.code(:b), 'safety') \g /dev/null
SELECT throws_matching(format('SELECT vac.confirm(%L, request => %s)', pg_temp.code(:b), :r2), 'is on hold', 'nothing of a case on hold');

-- ---- readmit ---------------------------------------------------------------------------------
SELECT throws_matching(format('SELECT vac.readmit(%L, %L)', pg_temp.code(:a), 'PDX-1'), 'PDX-1 is not barred', 'who is not barred');
SELECT is(vac.readmit(pg_temp.code(:a), 'SEA-2', 'mistake: misread'), format('Case %s: SEA-2 (Coordinator B) may be asked again', pg_temp.code(:a)), 'who is');
SELECT is((SELECT concat_ws('/', h.reason, n.text) FROM history h JOIN note n USING (note_id) WHERE h.event = 'readmitted'), 'mistake/misread', 'history has it');

-- ---- outcomes --------------------------------------------------------------------------------
SELECT pg_temp.invited() AS o \gset
SELECT throws_matching(format('SELECT vac.record_outcome(%L, %L)', pg_temp.code(:o), 'held'), 'no meeting of case .* has begun', 'before it begins');
SELECT throws_matching(format('SELECT vac.record_outcome(%L, %L)', pg_temp.code(:o), 'fine'), '^outcome: ', 'a word that is none');
SELECT pg_temp.over(:o) \g /dev/null
SELECT is((SELECT replace(state, E'\n', ' ') FROM vac.open_cases WHERE case_code = pg_temp.code(:o)), 'over, outcome open', 'over');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'held'), 'with Coordinator A, held$', 'held');
SELECT is((pg_temp.a(:o)).state || (pg_temp.r(:o)).state, 'heldmet', 'the request is met');
SELECT is((SELECT first_contact_at FROM case_record WHERE case_code = pg_temp.code(:o)), lower((pg_temp.a(:o)).span), 'it was first contact');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'held'), 'on record already', 'again');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'victim_absent', reason => 'waited an hour'), 'victim absent; it is planned again', 'corrected');
SELECT is((pg_temp.a(:o)).state || (pg_temp.a(:o)).outcome || (pg_temp.r(:o)).state, 'missedvictim_absentopen', 'it is planned again');
SELECT is((SELECT first_contact_at FROM case_record WHERE case_code = pg_temp.code(:o)), NULL::timestamptz, 'and was no contact');
SELECT is((SELECT replace(state, E'\n', ' ') FROM vac.open_cases WHERE case_code = pg_temp.code(:o)), 'missed, being planned again', 'open_cases says so');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'coordinator_absent'), 'it is planned again', 'the coordinator was absent');
SELECT ok(EXISTS (SELECT FROM request_bar WHERE request_id = (pg_temp.a(:o)).request_id), 'who is not asked again today');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'contacted', contact_at => now() - interval '1 second'), 'first contact is recorded', 'a contact without a meeting');
SELECT throws_matching(format('SELECT vac.record_outcome(%L, %L, contact_at => %L)', pg_temp.code(:o), 'contacted', now() + interval '1 day'), '^contact_at: ', 'not one to come');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'not_wanted'), 'nothing more is planned', 'not wanted');
SELECT is((pg_temp.r(:o)).state, 'withdrawn', 'the request is withdrawn');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'held'), 'with Coordinator A, held$', 'that was wrong: it was held');
SELECT is((pg_temp.r(:o)).state || (SELECT first_contact_at = lower((pg_temp.a(:o)).span) FROM case_record WHERE case_code = pg_temp.code(:o)), 'mettrue', 'then it is met');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'not_wanted'), 'nothing more is planned', 'not wanted, again');
SELECT matches(vac.record_outcome(pg_temp.code(:o), 'missed'), 'it is planned again$', 'but wanted after all');
SELECT is((pg_temp.r(:o)).state || (SELECT first_contact_at = now() - interval '1 second' FROM case_record WHERE case_code = pg_temp.code(:o)), 'opentrue', 'a contact beside the meeting stands');
SELECT pg_temp.appoint(pg_temp.code(:o), 'SEA-2', pg_temp.slot()) AS o2 \gset
SELECT pg_temp.over(:o2, '90 minutes') \g /dev/null
SELECT vac.record_outcome(pg_temp.code(:o), 'held') \g /dev/null
SELECT is(vac.record_outcome(pg_temp.code(:o), 'victim_absent', 'SEA-1') ~ 'planned again', false, 'who corrects the meeting before');
SELECT is((pg_temp.a(:o2)).state || (pg_temp.r(:o)).state, 'heldmet', 'has nothing planned again that was met since');

-- Somebody was asked for a call-out, and it was delegated to them as well.
SELECT pg_temp.invited('SEA-1', urgency => 'immediate') AS t \gset
SELECT pg_temp.appoint(pg_temp.code(:t), 'SEA-1', pg_temp.slot()) AS t2 \gset
SELECT matches(vac.confirm(pg_temp.code(:t), 'SEA-1'), 'SEA-1 .* has accepted', 'asked twice, accepted once');
SELECT is((pg_temp.a(:t)).state || (pg_temp.a(:t2)).state, 'acceptedreplaced', 'the first of them');

-- Of a call-out one is over, the other still to come.
SELECT pg_temp.invited('SEA-1', urgency => 'immediate') AS h \gset
SELECT pg_temp.appoint(pg_temp.code(:h), 'SEA-2', pg_temp.slot()) AS h2 \gset
SELECT pg_temp.over(:h, '5 hours') \g /dev/null
SELECT vac.hold_case(pg_temp.code(:h), 'safety') \g /dev/null
SELECT is((pg_temp.a(:h)).state || (pg_temp.a(:h2)).state || (pg_temp.r(:h)).state, 'invitedcancelledplanned', 'on hold: what is over stands until its outcome is known');

-- ---- the list --------------------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS l \gset
SELECT pg_temp.comes(:l, pg_temp.words(:l, NULL)) \g /dev/null
SELECT results_eq('SELECT office, case_code, sender, split_part(says, chr(10), 1), why FROM vac.unread_answers ORDER BY mail DESC LIMIT 1',
	format('VALUES (%L, %L, %L, %L, %L)', 'SEA', pg_temp.code(:l), 'Coordinator A', '?', 'plain text without a clear first' || chr(10) || 'word'), 'a mail that a person should look at');
SELECT matches((SELECT came || ' ' || split_part(says, chr(10), 2) FROM vac.unread_answers ORDER BY mail DESC LIMIT 1), '^[0-9]{2} [A-Z][a-z]{2} [0-9]{2}:[0-9]{2} P[SD]T [0-9]{2} [A-Z][a-z]{2} [0-9]{2}:00$', 'with local times');
SELECT (pg_temp.last()).inbound_id AS mail \gset
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :mail, 'shrug'), '^as_what: ', 'as something that is nothing');
SELECT throws_matching('SELECT vac.take_up(0, ''accept'')', 'no mail 0 on the list', 'a number that is none');
SELECT matches(vac.take_up(:mail, 'accept'), 'SEA-1 \(Coordinator A\) has accepted', 'it was meant as a yes');
SELECT is((pg_temp.a(:l)).state, 'accepted', 'and is one');
SELECT is((SELECT count(*) FROM vac.unread_answers WHERE mail = :mail), 0::bigint, 'it is off the list');
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :mail, 'decline'), 'was taken up by .* as accept', 'and not taken up twice');
SELECT pg_temp.comes(pg_temp.says(:l, 'ACCEPTED'), NULL, NULL, 'none') \g /dev/null
SELECT (pg_temp.last()).inbound_id AS mail \gset
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :mail, 'held'), '^case_code: the mail does not say', 'without a case');
SELECT matches(vac.take_up(:mail, 'contacted', case_code => pg_temp.code(:l)), 'first contact is recorded', 'one must be named');
SELECT is((SELECT c.first_contact_at FROM case_record c WHERE c.case_code = pg_temp.code(:l)), (pg_temp.last()).received_at, 'contacted when the mail came');
SELECT pg_temp.comes(pg_temp.says(:l, 'ACCEPTED', who => 'stranger@example.net'), NULL, NULL, 'none') \g /dev/null
SELECT is((SELECT concat_ws('|', office, case_code, sender) FROM vac.unread_answers WHERE mail = (pg_temp.last()).inbound_id), 'stranger@example.net', 'a stranger''s');
SELECT is(vac.take_up((pg_temp.last()).inbound_id, 'dismiss'), format('Mail %s is off the list', (pg_temp.last()).inbound_id), 'is dismissed');

-- ---- whose ----------------------------------------------------------------------------------

SELECT pg_temp.invited('SEA-1') AS s \gset
SELECT pg_temp.comes(:s, pg_temp.words(:s, NULL)) \g /dev/null
SELECT (pg_temp.last()).inbound_id AS mail \gset
SELECT pg_temp.comes(pg_temp.says(:s, 'ACCEPTED', who => 'hnl-1@example.org'), NULL, NULL, 'none') \g /dev/null
SELECT (pg_temp.last()).inbound_id AS of_hnl \gset
CREATE FUNCTION pg_temp.listed() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(mail::text, ' ' ORDER BY mail) FROM vac.unread_answers $$;
SET LOCAL SESSION AUTHORIZATION sup_sea;
SELECT ok((SELECT string_agg(mail::text, ' ') FROM vac.unread_answers) LIKE '%' || :mail || '%', 'a supervisor of the office sees it');
SELECT is((SELECT count(*) FROM vac.unread_answers WHERE mail = :of_hnl), 0::bigint, 'and not what a coordinator of another office wrote');
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :of_hnl, 'dismiss'), 'no mail', 'nor can they take it up');
SELECT throws_ok('SELECT record FROM vac_store.inbound', '42501', NULL, 'nobody reads the mail itself');
SELECT throws_ok('SELECT raw FROM vac_store.inbound', '42501', NULL, 'nor its bytes');
RESET SESSION AUTHORIZATION;
-- One of SEA's coordinators writes about a case of PDX.
SELECT pg_temp.appoint(vac.open_case('PDX', 'en'), 'PDX-1', pg_temp.slot()) AS p \gset
SELECT pg_temp.comes(:p, pg_temp.says(:p, 'ACCEPTED', who => 'sea-1@example.org')) \g /dev/null
SELECT (pg_temp.last()).inbound_id AS of_pdx \gset
SELECT pg_temp.comes(pg_temp.says(:s, 'ACCEPTED', who => 'stranger@example.net'), NULL, NULL, 'none') \g /dev/null
SELECT (pg_temp.last()).inbound_id AS of_nobody, format('%%%s%%', pg_temp.code(:p)) AS code \gset
CREATE FUNCTION pg_temp.error_of(command text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE command;
		RETURN 'none';
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLERRM;
	END
$$;
SET LOCAL SESSION AUTHORIZATION sup_sea;
SELECT is((SELECT concat_ws('|', office, case_code, sender) FROM vac.unread_answers WHERE mail = :of_pdx), 'PDX|Coordinator A', 'their supervisors see that they wrote');
SELECT is(pg_temp.error_of(format('SELECT vac.take_up(%s, %L)', :of_pdx, 'dismiss')), 'take_up: that is for supervisors of PDX, and sup_sea is none', 'but do not take it off the other office''s list');
SELECT unalike(pg_temp.error_of(format('SELECT vac.take_up(%s, %L)', :of_pdx, 'accept')), :'code', 'nor learn the code of its case');
SELECT is((SELECT count(*) FROM vac.unread_answers WHERE mail = :of_nobody), 1::bigint, 'what is nobody''s every supervisor sees');
RESET SESSION AUTHORIZATION;
UPDATE supervisor SET retired_at = now() WHERE login = 'sup_sea';
SET LOCAL SESSION AUTHORIZATION sup_sea;
SELECT is((SELECT count(*) FROM vac.unread_answers WHERE mail = :of_nobody), 0::bigint, 'who supervises nothing does not');
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :of_nobody, 'dismiss'), 'no mail', 'nor dismisses it');
SELECT is((SELECT count(*) FROM vac.unread_answers WHERE mail = :mail), 0::bigint, 'who supervises nothing sees nothing');
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :mail, 'accept'), 'no mail', 'and takes up nothing');
SELECT throws_ok('SELECT * FROM vac_daemon.claim_inbound(NULL, 1, 1)', '42501', NULL, 'what the daemon does is not theirs');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
