-- What is corrected after it was recorded, call-outs of two, mail that an answer makes needless, and what
-- history keeps of mail.
BEGIN;
\ir answer.psql
SELECT plan(32);
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.over(id bigint, ago interval DEFAULT '2 hours') RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span FROM (SELECT tstzrange(now() - ago, now() - ago + interval '1 hour') AS span) s WHERE appointment_id = id
$$;
-- Somebody else is given the same request.
CREATE FUNCTION pg_temp.beside(id bigint, who text, starts timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		made bigint;
	BEGIN
		INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
			SELECT a.request_id, a.case_id, a.office_id, k.coordinator_id, s.span, s.span, a.urgency, vac_store.handle(), now()
				FROM vac_store.appointment a, vac_store.coordinator k, (SELECT tstzrange(starts, starts + interval '1 hour') AS span) s
				WHERE a.appointment_id = id AND k.code = who
			RETURNING appointment_id INTO made;
		UPDATE vac_store.request SET state = 'planned' WHERE request_id = (pg_temp.a(id)).request_id;
		PERFORM vac_store.queue_appointments('invitation', ARRAY[made]), pg_temp.sent();
		RETURN made;
	END
$$;

-- ---- outcomes --------------------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.over(:a, '26 hours'), vac.record_outcome(pg_temp.code(:a), 'missed') \g /dev/null
SELECT pg_temp.beside(:a, 'SEA-2', now() - interval '3 hours') AS a2 \gset
SELECT vac.record_outcome(pg_temp.code(:a), 'held') \g /dev/null
SELECT is((pg_temp.a(:a2)).state || (pg_temp.r(:a)).state, 'heldmet', 'missed, and held the second time');
SELECT unalike(vac.record_outcome(pg_temp.code(:a), 'victim_absent', 'SEA-1'), '%planned again%', 'why the first one was missed is known later');
SELECT is((pg_temp.a(:a)).outcome || (pg_temp.r(:a)).state, 'victim_absentmet', 'which has nothing planned again');
SELECT vac.record_outcome(pg_temp.code(:a), 'not_wanted', 'SEA-1') \g /dev/null
SELECT is((pg_temp.r(:a)).state, 'met', 'nor makes what was met withdrawn');
SELECT pg_temp.invited('SEA-1') AS n \gset
SELECT pg_temp.over(:n), vac.record_outcome(pg_temp.code(:n), 'not_wanted') \g /dev/null
SELECT is((pg_temp.r(:n)).state, 'withdrawn', 'not wanted any more');
SELECT matches(vac.record_outcome(pg_temp.code(:n), 'victim_absent'), 'it is planned again', 'which was a mistake');
SELECT is((pg_temp.r(:n)).state || ((pg_temp.r(:n)).plan_at <= wall()), 'opentrue', 'so that it is');
SELECT vac.record_outcome(pg_temp.code(:n), 'not_wanted'), vac.record_outcome(pg_temp.code(:n), 'held') \g /dev/null
SELECT is((pg_temp.r(:n)).state, 'met', 'or it took place');
-- First contact.
SELECT is((SELECT done_at IS NOT NULL FROM clock WHERE case_id = (pg_temp.a(:n)).case_id AND kind = 'first_contact'), true, 'the clock of first contact is done');
SELECT vac.record_outcome(pg_temp.code(:n), 'coordinator_absent') \g /dev/null
SELECT is((SELECT concat_ws(' ', running, done_by IS NULL, next_at > now()) FROM clock WHERE case_id = (pg_temp.a(:n)).case_id AND kind = 'first_contact'), 't t t', 'it runs on when it was none');
SELECT vac.record_outcome(pg_temp.code(:n), 'held') \g /dev/null
UPDATE clock SET due_at = now() - interval '1 hour' WHERE case_id = (pg_temp.a(:n)).case_id;
SELECT vac.record_outcome(pg_temp.code(:n), 'victim_absent') \g /dev/null
SELECT is((SELECT next_at <= wall() FROM clock WHERE case_id = (pg_temp.a(:n)).case_id AND kind = 'first_contact'), true, 'and is told of at once if it has run out');

-- ---- call-outs of two ------------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1', now() + interval '10 minutes', 'immediate') AS c \gset
SELECT pg_temp.beside(:c, 'SEA-2', now() + interval '10 minutes') AS c2 \gset
SELECT throws_matching(format('SELECT vac.confirm(%L)', pg_temp.code(:c)), 'several appointments to come', 'two are asked: who accepts must be said');
-- Whoever is on call may be called out.
INSERT INTO shift (coordinator_id, kind, span) SELECT coordinator_id, 'on_call', tstzrange(now() - interval '1 hour', now() + interval '1 day') FROM coordinator WHERE code = 'PDX-1';
SELECT matches(vac.confirm(pg_temp.code(:c), 'PDX-1'), 'PDX-1 \(Coordinator C\) has accepted', 'a third one on the telephone');
SELECT is((pg_temp.a(:c)).state || (pg_temp.a(:c2)).state || (SELECT string_agg(k.code, ' ') FROM appointment a JOIN coordinator k USING (coordinator_id) WHERE a.request_id = (pg_temp.a(:c)).request_id AND a.state = 'accepted'),
	'replacedreplacedPDX-1', 'takes over from both');
SELECT is(pg_temp.mail(:c) || '; ' || pg_temp.mail(:c2), 'invitation sent 0, cancel queued 1; invitation sent 0, cancel queued 1', 'who are told that they need not come');
SELECT pg_temp.invited('SEA-1', pg_temp.slot(), 'immediate') AS d \gset
SELECT pg_temp.beside(:d, 'SEA-2', lower((pg_temp.a(:d)).span)) AS d2 \gset
SELECT lives_ok(format('SELECT vac.change_request(%L, urgency => %L, due => %L)', pg_temp.code(:d), 'urgent', lower((pg_temp.a(:d)).span) + interval '1 day'), 'what two were asked for hurries less');
SELECT is((pg_temp.a(:d)).state || (pg_temp.a(:d2)).state || (pg_temp.r(:d)).state, 'invitedreplacedplanned', 'one is enough');
SELECT is(pg_temp.mail(:d) || '; ' || pg_temp.mail(:d2), 'invitation sent 0, update queued 1; invitation sent 0, cancel queued 1', 'and each is told');
SELECT pg_temp.invited('SEA-1', pg_temp.slot(), 'immediate') AS e \gset
SELECT pg_temp.beside(:e, 'SEA-2', lower((pg_temp.a(:e)).span)) AS e2 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :e2;
SELECT vac.change_request(pg_temp.code(:e), urgency => 'urgent', due => lower((pg_temp.a(:e)).span) + interval '1 day') \g /dev/null
SELECT is((pg_temp.a(:e)).state || (pg_temp.a(:e2)).state, 'replacedaccepted', 'the one who has accepted, if there is');

-- ---- mail that is not needed any more --------------------------------------------------------
SELECT pg_temp.sent() \g /dev/null
SELECT pg_temp.invited('SEA-1') AS m, pg_temp.invited('SEA-2') AS m2 \gset
UPDATE appointment SET window_from = now(), answer_by = now() + interval '1 day', window_at = now() + interval '1 hour' WHERE appointment_id IN (:m, :m2);
SELECT queue_reminder(pg_temp.a(:m), now()), queue_reminder(pg_temp.a(:m2), now()) \g /dev/null
SELECT pg_temp.comes(:m, pg_temp.says(:m, 'ACCEPTED')) \g /dev/null
SELECT count(*) FROM vac_daemon.claim_messages('11111111-1111-1111-1111-111111111111', 100, 60000) \g /dev/null
SELECT is(pg_temp.mail(:m), 'invitation sent 0, reminder unneeded 0', 'who has answered while the reminder waited is not reminded');
SELECT is(pg_temp.mail(:m2), 'invitation sent 0, reminder claimed 0', 'others are');
SELECT pg_temp.comes(:m2, pg_temp.says(:m2, 'ACCEPTED')) \g /dev/null
SELECT is((SELECT count(*) FROM message g, vac_daemon.may_send(ARRAY[g.message_id], ARRAY[g.fence]) WHERE g.appointment_id = :m2 AND g.kind = 'reminder'), 0::bigint, 'an answer at the last moment is soon enough');
SELECT pg_temp.sent(), pg_temp.invited('SEA-1') AS q \gset
SELECT pg_temp.over(:q), queue_ask(pg_temp.a(:q), now()), vac.record_outcome(pg_temp.code(:q), 'held') \g /dev/null
SELECT count(*) FROM vac_daemon.claim_messages('11111111-1111-1111-1111-111111111111', 100, 60000) \g /dev/null
SELECT is(pg_temp.mail(:q), 'invitation sent 0, ask unneeded 0', 'nor is anybody asked for an outcome that is known');

-- ---- the same state again --------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS w \gset
UPDATE appointment SET window_from = now(), answer_by = now() + interval '5 hours', window_at = now() + interval '5 hours' WHERE appointment_id = :w;
SELECT is(pg_temp.comes(:w, pg_temp.says(:w, NULL, method => 'REFRESH', more => '{"message_id": "<told in confidence@example.org>"}')), 'taken: the newest state goes out again', 'asked for the state');
SELECT matches((SELECT body FROM message WHERE appointment_id = :w AND kind = 'update'), 'Answer by: ' || regexp_replace(local_text(now() + interval '5 hours', 'America/Los_Angeles'), '([()+])', '\\\1', 'g') || E'\n', 'it makes the window no longer');
SELECT is((SELECT count(*) FROM history WHERE detail::text LIKE '%confidence%'), 0::bigint, 'history keeps nothing of what a mail names itself');
SELECT pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(:w, pg_temp.says(:w, NULL, method => 'REFRESH', more => '{"message_id": "<told in confidence@example.org>"}')), 'refused: the newest state is not sent again: the same mail had its answer', 'but knows it again');
-- A false bounce.
SELECT pg_temp.invited('SEA-1') AS f \gset
SELECT matches(pg_temp.comes(pg_temp.report('failed', '{"status": "5.1.1 told in confidence"}'), (SELECT bounce_handle FROM message WHERE appointment_id = :f), 'bounce'), '^delivery_failed', 'a report with words for a status');
SELECT is((SELECT count(*) FROM history WHERE detail::text LIKE '%confidence%') + (SELECT count(*) FROM message WHERE reply LIKE '%confidence%'), 0::bigint, 'they are not kept');
SELECT matches(pg_temp.comes(:f, pg_temp.says(:f, 'ACCEPTED', sequence => 0)), 'its cancellation goes out again', 'it had come all the same');
SELECT is(pg_temp.mail(:f), 'invitation refused 0, cancel queued 1', 'the CANCEL is newer than what it cancels');
SELECT is((SELECT state FROM message WHERE appointment_id = :f AND kind = 'cancel'), 'queued', 'and is sent');

SELECT * FROM finish();
ROLLBACK;
