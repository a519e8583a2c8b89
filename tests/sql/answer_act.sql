-- What answers do: accepted, declined, tentative, handed over, another time, the newest state again.
BEGIN;
\ir answer.psql
SELECT plan(79);

-- ---- accepted --------------------------------------------------------------------------------
SELECT pg_temp.invited(requester => 'intake@example.org') AS a \gset
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED')), 'taken: accepted', 'accepted');
SELECT is((pg_temp.a(:a)).state || (pg_temp.a(:a)).partstat, 'acceptedACCEPTED', 'the appointment says so');
SELECT is((SELECT c.responsible_id FROM case_record c WHERE c.case_id = (pg_temp.a(:a)).case_id), (pg_temp.a(:a)).coordinator_id,
	'who accepts first is responsible');
SELECT is(pg_temp.events(:a), 'answer_accepted, responsible_set/accepted', 'history says so');
SELECT is((SELECT string_agg(m.subject, ', ') FROM message m WHERE m.kind = 'requester' AND m.case_id = (pg_temp.a(:a)).case_id AND m.subject LIKE '%accepted'),
	'Case ' || (SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:a)).case_id) || ': accepted', 'the requester is told');
SELECT is((SELECT replace(state, E'\n', ' ') FROM vac.open_cases WHERE case_code = (SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:a)).case_id)), 'accepted', 'open_cases, too');
SELECT is((pg_temp.last()).state || ' ' || (pg_temp.last()).said, 'done accepted', 'the mail is done');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', stamped => now() + interval '5 minutes')), 'taken: accepted', 'accepted again, later');
SELECT is(pg_temp.events(:a), 'answer_accepted, responsible_set/accepted', 'is no news');
SELECT pg_temp.invited('SEA-2') AS b \gset
SELECT set_config('test.case', (pg_temp.a(:b)).case_id::text, true) \g /dev/null
UPDATE case_record SET responsible_id = (pg_temp.k('PDX-1')).coordinator_id WHERE case_id = (pg_temp.a(:b)).case_id;
SELECT is(pg_temp.comes(:b, pg_temp.says(:b, 'ACCEPTED')), 'taken: accepted', 'somebody accepts a case that has its responsible coordinator');
SELECT is((SELECT c.responsible_id FROM case_record c WHERE c.case_id = (pg_temp.a(:b)).case_id), (pg_temp.k('PDX-1')).coordinator_id, 'who stays it');
-- Of two who were asked for a call-out one need not come.
SELECT pg_temp.invited('SEA-1', now() + interval '20 minutes', 'immediate') AS u \gset
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT request_id, case_id, office_id, (pg_temp.k('SEA-2')).coordinator_id, span, busy, urgency, handle(), now() FROM appointment WHERE appointment_id = :u
	RETURNING appointment_id AS v \gset
SELECT queue_appointments('invitation', ARRAY[:v::bigint]), pg_temp.sent() \g /dev/null
INSERT INTO message (kind, appointment_id, case_id, office_id, recipient, recipient_name, made_at, subject, body, bounce_handle, not_before)
	SELECT 'page', :u, case_id, office_id, 'pager@example.org', 'Pager', now(), 'x', 'x', handle(), now() FROM appointment WHERE appointment_id = :u;
SELECT is(pg_temp.comes(:v, pg_temp.says(:v, 'ACCEPTED')), 'taken: accepted', 'one of two accepts a call-out');
SELECT is((pg_temp.a(:u)).state || (pg_temp.a(:v)).state, 'replacedaccepted', 'the other is relieved');
SELECT is(pg_temp.mail(:u), 'invitation sent 0, page unneeded, cancel queued 1', 'with a CANCEL, and without the page that still waited');
SELECT is((pg_temp.r(:v)).state, 'planned', 'the request stays planned');
SELECT is(pg_temp.comes(:u, pg_temp.says(:u, 'ACCEPTED', sequence => 0)), 'refused: the appointment is replaced; its cancellation goes out again',
	'the other accepts a moment later');
SELECT is(pg_temp.mail(:u), 'invitation sent 0, page unneeded, cancel queued 1', 'the CANCEL that waits says it all');

-- ---- declined --------------------------------------------------------------------------------
SELECT pg_temp.invited(requester => 'intake@example.org') AS d \gset
UPDATE request SET plan_at = 'infinity', refusals = 7 WHERE request_id = (pg_temp.a(:d)).request_id;
SELECT is(pg_temp.comes(:d, pg_temp.says(:d, 'DECLINED', more => '{"from": "A.Alias@example.org"}')), 'taken: declined', 'declined, from an alias');
SELECT is((pg_temp.a(:d)).state || (pg_temp.a(:d)).partstat, 'declinedDECLINED', 'the appointment says so');
SELECT ok((pg_temp.r(:d)).state = 'open' AND (pg_temp.r(:d)).plan_at <= wall() AND (pg_temp.r(:d)).refusals = 0, 'the request is planned again at once');
SELECT is((SELECT until FROM request_bar WHERE request_id = (pg_temp.a(:d)).request_id),
	local_day_start(local_day(now(), 'America/Los_Angeles') + 1, 'America/Los_Angeles'), 'without them for the rest of their day');
SELECT is(pg_temp.mail(:d), 'invitation sent 0, cancel queued 1', 'their calendar is told that it is off');
SELECT is(pg_temp.events(:d), 'answer_declined, appointment_cancelled/declined', 'history says so');
SELECT is((SELECT replace(state, E'\n', ' ') FROM vac.open_cases WHERE case_code = (SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:d)).case_id)),
	'declined, being planned again', 'and open_cases');
UPDATE request_bar SET until = now() - interval '1 hour' WHERE request_id = (pg_temp.a(:d)).request_id;
SELECT pg_temp.appoint((SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:d)).case_id), 'SEA-1', pg_temp.slot()) AS d2 \gset
SELECT is(pg_temp.comes(:d2, pg_temp.says(:d2, 'DECLINED')), 'taken: declined', 'a second time');
SELECT is((SELECT until FROM request_bar WHERE request_id = (pg_temp.a(:d)).request_id), NULL::timestamptz, 'they are barred for good');
SELECT matches(vac.readmit((SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:d)).case_id), 'SEA-1'), 'may be asked again', 'until they are readmitted');
SELECT is((SELECT count(*) FROM request_bar WHERE request_id = (pg_temp.a(:d)).request_id), 0::bigint, 'then no bar is left');
SELECT pg_temp.invited() AS d3 \gset
SELECT pg_temp.comes(:d3, pg_temp.says(:d3, 'ACCEPTED', stamped => now() - interval '1 minute')) \g /dev/null
SELECT is(pg_temp.comes(:d3, pg_temp.says(:d3, 'DECLINED')), 'taken: declined', 'what was accepted can be declined');
SELECT is((pg_temp.r(:d3)).state, 'open', 'and is planned again');

-- ---- tentative -------------------------------------------------------------------------------
SELECT pg_temp.invited() AS t \gset
SELECT is(pg_temp.comes(:t, pg_temp.says(:t, 'TENTATIVE')), 'taken: tentative', 'perhaps');
SELECT is((pg_temp.a(:t)).state || (pg_temp.a(:t)).partstat, 'invitedTENTATIVE', 'is no answer yet');
SELECT is(pg_temp.mail(:t), 'invitation sent 0', 'and calls forth no mail');
SELECT is((SELECT replace(state, E'\n', ' ') FROM vac.open_cases WHERE case_code = (SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:t)).case_id)), 'perhaps, no answer yet', 'open_cases says so');
SELECT pg_temp.comes(:t, pg_temp.says(:t, 'ACCEPTED', stamped => now() + interval '1 minute')) \g /dev/null
SELECT is((pg_temp.a(:t)).state, 'accepted', 'a yes later');
SELECT pg_temp.comes(:t, pg_temp.says(:t, 'TENTATIVE', stamped => now() + interval '2 minutes')) \g /dev/null
SELECT is((pg_temp.a(:t)).state, 'invited', 'and one that is taken back');

-- ---- handed over -----------------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1', pg_temp.day(2, '13:00')) AS s \gset
SELECT is(pg_temp.comes(:s, pg_temp.says(:s, 'ACCEPTED', who => 'sea-2@example.org')), 'taken: handed over to Coordinator B, who accepted', 'a colleague accepts with a forwarded invitation');
SELECT appointment_id AS s2 FROM appointment WHERE request_id = (pg_temp.a(:s)).request_id AND live \gset
SELECT is((pg_temp.a(:s)).state, 'replaced', 'the old one is off');
SELECT is(pg_temp.mail(:s), 'invitation sent 0, cancel queued 1', 'its holder is told');
SELECT ok((pg_temp.a(:s2)).state = 'accepted' AND (pg_temp.a(:s2)).coordinator_id = (pg_temp.k('SEA-2')).coordinator_id, 'the colleague has it, accepted');
SELECT is(pg_temp.mail(:s2) || (SELECT partstat FROM message WHERE appointment_id = :s2), 'invitation queued 0ACCEPTED', 'and gets it as accepted');
SELECT is((pg_temp.r(:s)).state, 'planned', 'the request is planned');
SELECT is((SELECT c.responsible_id FROM case_record c WHERE c.case_id = (pg_temp.a(:s)).case_id), (pg_temp.k('SEA-2')).coordinator_id, 'the colleague is responsible');
SELECT ok((SELECT busy FROM appointment WHERE appointment_id = :s2) @> tstzrange(lower((pg_temp.a(:s)).span), upper((pg_temp.a(:s)).span) + interval '30 minutes'), 'with the buffer');
SELECT is((SELECT because FROM vac.why WHERE case_code = (SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:s)).case_id)), 'taken over from a colleague', 'why says so');
SELECT is(pg_temp.comes(:s, pg_temp.says(:s, 'ACCEPTED', sequence => 0)), 'refused: the appointment is replaced; its cancellation goes out again', 'too late, the first one accepts');
SELECT pg_temp.invited('SEA-1', pg_temp.day(2, '13:00')) AS s3 \gset
SELECT is(pg_temp.comes(:s3, pg_temp.says(:s3, 'ACCEPTED', who => 'sea-2@example.org')), 'refused: Coordinator B cannot take it over: has other appointments',
	'a colleague who is busy cannot');
SELECT is((pg_temp.a(:s3)).state || pg_temp.mail(:s3) || (pg_temp.r(:s3)).state, 'invitedinvitation sent 0planned', 'then nothing changes');
SELECT is((pg_temp.last()).state || (SELECT code FROM coordinator WHERE coordinator_id = (pg_temp.last()).coordinator_id), 'listedSEA-2', 'and it is listed');
SELECT matches(pg_temp.comes(:s3, pg_temp.says(:s3, 'ACCEPTED', who => 'hnl-1@example.org')), 'office is no backup', 'one of an office that is no backup');
SELECT is(pg_temp.comes(:s3, pg_temp.says(:s3, 'DECLINED', who => 'pdx-1@example.org')), 'sender_misfit: Coordinator C was not invited to this', 'nor can a colleague decline it');
SELECT is(pg_temp.comes(:s3, pg_temp.says(:s3, 'DELEGATED', event => jsonb_build_object('attendees', '[{"address": "sea-1@example.org", "partstat": "DELEGATED", "delegated_to": ["pdx-1@example.org"]},
	{"address": "pdx-1@example.org", "partstat": "NEEDS-ACTION", "delegated_from": ["sea-1@example.org"]}]'::jsonb))),
	'taken: handed over to Coordinator C, who is asked', 'delegated to a colleague of the backup office');
SELECT is((SELECT string_agg(a.state, ' ' ORDER BY appointment_id) FROM appointment a WHERE request_id = (pg_temp.a(:s3)).request_id), 'replaced invited', 'who is asked');
SELECT pg_temp.invited('SEA-1', pg_temp.day(3, '13:00')) AS s4 \gset
SELECT matches(pg_temp.comes(:s4, pg_temp.says(:s4, 'DELEGATED', event => '{"attendees": [{"address": "sea-1@example.org", "partstat": "DELEGATED", "delegated_to": ["friend@example.org"]}]}')),
	'refused: they name nobody of the roster', 'delegated to somebody who is not on the roster');
SELECT pg_temp.comes(:s4, pg_temp.says(:s4, 'ACCEPTED')) \g /dev/null
SELECT matches(pg_temp.comes(:s4, pg_temp.says(:s4, 'ACCEPTED', who => 'sea-2@example.org')), 'refused: a colleague accepts what its coordinator has accepted', 'what is accepted is not taken away');
SELECT is((pg_temp.a(:s4)).state, 'accepted', 'it stays');

-- ---- another time ----------------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1', pg_temp.day(2, '15:00')) AS c \gset
SELECT pg_temp.comes(:c, pg_temp.says(:c, 'ACCEPTED', stamped => now() - interval '1 minute')) \g /dev/null
\set proposal 'jsonb_build_object(\'start\', pg_temp.secs(pg_temp.day(2, \'08:15\')), \'end\', pg_temp.secs(pg_temp.day(2, \'09:15\')), \'original_start\', pg_temp.secs(pg_temp.day(2, \'15:00\')))'
SELECT is(pg_temp.comes(:c, pg_temp.says(:c, 'TENTATIVE', method => 'COUNTER', event => :proposal)),
	'taken: the appointment is at the time they proposed, and they are asked to accept it', 'a counter-proposal that can be taken');
SELECT is(lower((pg_temp.a(:c)).span), pg_temp.day(2, '08:15'), 'the appointment is then');
SELECT is((pg_temp.a(:c)).state || (pg_temp.a(:c)).sequence || (pg_temp.a(:c)).partstat, 'invited1COUNTER', 'asked again, SEQUENCE 1');
SELECT is(pg_temp.mail(:c), 'invitation sent 0, update queued 1', 'by a REQUEST');
SELECT is(pg_temp.comes(:c, pg_temp.says(:c, 'ACCEPTED', sequence => 0, event => jsonb_build_object('start', pg_temp.secs(pg_temp.day(2, '15:00'))))),
	'stale: it is about a time that is no longer the appointment''s; they are asked again', 'the old time cannot be accepted any more');
SELECT pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(:c, pg_temp.says(:c, 'ACCEPTED', stamped => now() + interval '1 minute')), 'taken: accepted', 'the new one can');
SELECT is(pg_temp.comes(:c, pg_temp.says(:c, 'TENTATIVE', method => 'COUNTER', stamped => now() + interval '2 minutes', event => jsonb_build_object('start',
	pg_temp.secs(pg_temp.day(2, '05:00')), 'end', pg_temp.secs(pg_temp.day(2, '06:00'))))),
	'refused: the time they propose cannot be taken: no shift; they are told', 'a time outside the shift is refused');
SELECT is(pg_temp.mail(:c), 'invitation sent 0, update sent 1, counter_refused queued 1', 'by a DECLINECOUNTER');
SELECT is((pg_temp.a(:c)).state || (pg_temp.last()).state, 'accepteddone', 'the old one stands, and nobody need look');
SELECT pg_temp.sent() \g /dev/null
SELECT matches(pg_temp.comes(:c, pg_temp.says(:c, 'TENTATIVE', method => 'COUNTER', stamped => now() + interval '3 minutes', event => jsonb_build_object('start',
	pg_temp.secs(pg_temp.day(9, '10:00')), 'end', pg_temp.secs(pg_temp.day(9, '11:00'))))), 'refused: .*late; they are told', 'one past the due time, too');
SELECT pg_temp.sent() \g /dev/null
SELECT matches(pg_temp.comes(:c, pg_temp.says(:c, 'TENTATIVE', method => 'COUNTER', stamped => now() + interval '4 minutes', event => jsonb_build_object('start',
	pg_temp.secs(pg_temp.day(2, '11:00')), 'end', pg_temp.secs(pg_temp.day(2, '11:10'))))), 'refused: .*window; they are told', 'and one of another length');
SELECT pg_temp.sent() \g /dev/null
SELECT matches(pg_temp.comes(:c, pg_temp.says(:c, 'TENTATIVE', method => 'COUNTER', stamped => now() + interval '5 minutes', event => jsonb_build_object('start', pg_temp.secs(pg_temp.day(2, '11:00')), 'end', NULL))),
	'refused: .*enough automatic mail today; they are not told', 'proposals have an end');
SELECT is((pg_temp.last()).state, 'listed', 'then a person looks');
SELECT pg_temp.invited('SEA-2', pg_temp.day(2, '15:00')) AS c2 \gset
SELECT matches(pg_temp.comes(:c2, pg_temp.says(:c2, 'DECLINED', method => 'COUNTER', event => '{"start": null, "end": null}')), 'taken: declined', 'declined with a proposal that cannot be taken is declined');
SELECT is((pg_temp.a(:c2)).state, 'declined', 'and planned again');

-- ---- the newest state again ------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1', pg_temp.day(3, '09:00')) AS f \gset
SELECT pg_temp.comes(:f, pg_temp.says(:f, 'ACCEPTED')) \g /dev/null
SELECT is(pg_temp.comes(:f, pg_temp.says(:f, NULL, method => 'REFRESH')), 'taken: the newest state goes out again', 'REFRESH');
SELECT is(pg_temp.mail(:f) || (SELECT partstat FROM message WHERE appointment_id = :f AND kind = 'update'), 'invitation sent 0, update queued 0ACCEPTED', 'with its SEQUENCE and PARTSTAT');
SELECT pg_temp.comes(:f, pg_temp.says(:f, NULL, method => 'REFRESH')) \g /dev/null
SELECT is(pg_temp.mail(:f), 'invitation sent 0, update queued 0', 'once is enough while it waits');
SELECT pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(:f, pg_temp.says(:f, NULL, method => 'REFRESH', more => '{"automatic": true}')), 'refused: the newest state is not sent again: a robot wrote it', 'a robot gets nothing');
SELECT vac.withdraw_case((SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:f)).case_id), 'resolved'), pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(:f, pg_temp.says(:f, 'ACCEPTED', more => '{"message_id": "<once@example.org>"}')), 'refused: the appointment is cancelled; its cancellation goes out again', 'to something cancelled');
SELECT is(pg_temp.mail(:f), 'invitation sent 0, update sent 0, cancel sent 1, cancel queued 1', 'CANCEL goes again');
SELECT pg_temp.sent() \g /dev/null
SELECT pg_temp.comes(:f, pg_temp.says(:f, 'ACCEPTED', more => '{"message_id": "<once@example.org>"}')) \g /dev/null
SELECT is(pg_temp.mail(:f), 'invitation sent 0, update sent 0, cancel sent 1, cancel sent 1', 'once a mail');
SELECT is(pg_temp.comes(:f, pg_temp.says(:f, 'DECLINED')), 'left_alone: the appointment is cancelled already', 'who declines it says nothing new');

SELECT * FROM finish();
ROLLBACK;
