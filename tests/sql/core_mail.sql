-- The outbox: order, one message of a UID in flight, expired claims, what must not go out, outcomes.
BEGIN;
\ir core.psql
SELECT plan(91);
SELECT pg_temp.person('ANNE', 'NYC'), pg_temp.person('BEN', 'NYC') \g /dev/null
SELECT pg_temp.pattern('ANNE', 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') \g /dev/null
SELECT '11111111-1111-1111-1111-111111111111' AS d, '22222222-2222-2222-2222-222222222222' AS e \gset
CREATE FUNCTION pg_temp.invite(who text, starts timestamptz, urgency text DEFAULT 'routine') RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		a bigint;
		r bigint := pg_temp.ask(urgency => invite.urgency);
	BEGIN
		INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
			SELECT q.request_id, q.case_id, q.office_id, pg_temp.coordinator(who), tstzrange(starts, starts + interval '1 hour'),
					tstzrange(starts, starts + interval '1 hour'), q.urgency, vac_store.handle(), now()
				FROM vac_store.request q WHERE q.request_id = r
			RETURNING appointment_id INTO a;
		UPDATE vac_store.request SET state = 'planned' WHERE request_id = r;
		PERFORM vac_store.queue_appointments('invitation', ARRAY[a]);
		RETURN a;
	END
$$;
CREATE FUNCTION pg_temp.states(a bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id) FROM vac_store.message m WHERE m.appointment_id = a $$;
-- What a claim gives, in its order: kind and appointment.
CREATE FUNCTION pg_temp.claim(daemon uuid, most integer DEFAULT 100) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(c.kind || ' ' || coalesce(m.appointment_id::text, '-'), ', ' ORDER BY c.n)
		FROM ROWS FROM (vac_daemon.claim_messages(daemon, most, 60000)) WITH ORDINALITY AS c (message_id, fence, kind, method, uid, sequence, recipient,
				recipient_name, sender, key_id, mail_uuid, first_uuid, made_at, starts, ends, subject, body, summary, location, description,
				renderer, bounce_handle, answer_handle, partstat, partner, shown_free, words, attempts, signature, n)
			JOIN vac_store.message m USING (message_id)
$$;
CREATE FUNCTION pg_temp.finish(a bigint, of_kind text, outcome text, said text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT f.state FROM vac_store.message m, vac_daemon.finish_messages(ARRAY[m.message_id], ARRAY[m.fence], ARRAY[outcome], ARRAY[said]) f
		WHERE m.appointment_id = a AND m.kind = of_kind
$$;
CREATE FUNCTION pg_temp.may_send(a bigint) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM vac_store.message m, vac_daemon.may_send(ARRAY[m.message_id], ARRAY[m.fence]) s WHERE m.appointment_id = a
$$;

-- ---- claiming --------------------------------------------------------------------------------
SELECT is(vac_daemon.next_message(), NULL, 'nothing waits');
SELECT pg_temp.invite('ANNE', '2030-01-07 15:00Z') AS a1, pg_temp.invite('ANNE', '2030-01-07 17:00Z') AS a2 \gset
SELECT pg_temp.invite('ANNE', '2030-01-07 19:00Z', 'immediate') AS a3 \gset
SELECT is(vac_daemon.next_message(), 0::bigint, 'something does');
SELECT is(pg_temp.claim(:'d', 2), format('invitation %s, invitation %s', :a3, :a1), 'call-outs first, then in order, and no more than wanted');
SELECT is(pg_temp.claim(:'e'), format('invitation %s', :a2), 'another daemon gets the rest');
SELECT is(pg_temp.claim(:'e'), NULL, 'and no more');
SELECT ok(vac_daemon.next_message() BETWEEN 55000 AND 60000, 'the next is when a lease is over');
SELECT is((SELECT concat_ws(' ', fence, ever_claimed, claimed_by, lease_until > clock_timestamp()) FROM message WHERE appointment_id = :a1), '1 t ' || :'d' || ' t', 'claimed');
SELECT is(pg_temp.may_send(:a1), 1::bigint, 'it may be sent');
SELECT is((SELECT count(*) FROM message m, vac_daemon.may_send(ARRAY[m.message_id], ARRAY[m.fence + 1]) WHERE m.appointment_id = :a1), 0::bigint, 'not with another fence');
SELECT is(pg_temp.finish(:a1, 'invitation', 'sent', '250 2.0.0 queued'), 'sent', 'sent');
SELECT is((SELECT concat_ws(' ', state, reply, sent_at IS NOT NULL, lease_until) FROM message WHERE appointment_id = :a1), 'sent 250 2.0.0 queued t', 'and on record');
SELECT is(pg_temp.finish(:a1, 'invitation', 'retry'), NULL, 'what is finished is not finished again');
SELECT is(pg_temp.may_send(:a1), 0::bigint, 'nor sent again');

-- ---- a claim that was lost -------------------------------------------------------------------
CREATE TEMPORARY TABLE bytes AS SELECT message_id, mail_uuid, made_at, subject, body, bounce_handle, answer_handle, sender, key_id, uid, sequence FROM message WHERE appointment_id = :a2;
UPDATE message SET lease_until = clock_timestamp() - interval '1 second' WHERE appointment_id = :a2;
SELECT is(pg_temp.may_send(:a2), 0::bigint, 'after the lease nothing is sent');
SELECT is(vac_daemon.next_message(), 0::bigint, 'it can be claimed again');
SELECT is(pg_temp.claim(:'d'), format('invitation %s', :a2), 'and is');
SELECT is((SELECT count(*) FROM bytes b JOIN message m USING (message_id, mail_uuid, made_at, subject, body, bounce_handle, answer_handle, sender, key_id, uid, sequence)), 1::bigint,
	'with all that its bytes are made of');
SELECT is((SELECT count(*) FROM message m, vac_daemon.finish_messages(ARRAY[m.message_id], ARRAY[m.fence - 1], '{sent}', '{NULL}') WHERE m.appointment_id = :a2), 0::bigint,
	'the first daemon''s outcome comes too late');
SELECT is((SELECT state FROM message WHERE appointment_id = :a2), 'claimed', 'and changes nothing');
UPDATE message SET lease_until = clock_timestamp() + interval '1 hour' WHERE appointment_id = :a2;
SELECT is(pg_temp.claim(:'d'), format('invitation %s', :a2), 'a lease too long to be true counts as over');

-- ---- one of a UID in flight ------------------------------------------------------------------
UPDATE message SET uncertain_until = NULL;
SELECT end_appointments(ARRAY[:a2]::bigint[], 'cancelled') \g /dev/null
SELECT is(pg_temp.states(:a2), 'invitation claimed, cancel queued', 'the invitation may be on its way');
SELECT is(pg_temp.claim(:'e'), NULL, 'so the CANCEL waits');
SELECT ok(vac_daemon.next_message() BETWEEN 58000 AND 65000, 'until its lease is over at most');
SELECT is(pg_temp.may_send(:a2), 0::bigint, 'the invitation is not sent any more if it was not yet');
SELECT is(pg_temp.finish(:a2, 'invitation', 'released'), 'overtaken', 'given back it is overtaken');
SELECT is(pg_temp.claim(:'e'), format('cancel %s', :a2), 'and the CANCEL goes');
SELECT is(pg_temp.finish(:a2, 'cancel', 'sent'), 'sent', 'out');
SELECT pg_temp.invite('ANNE', '2030-01-08 15:00Z') AS b1 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT end_appointments(ARRAY[:b1]::bigint[], 'cancelled') \g /dev/null
UPDATE message SET lease_until = clock_timestamp() - interval '0.1 seconds' WHERE appointment_id = :b1 AND kind = 'invitation';
SELECT is(pg_temp.claim(:'e'), NULL, 'after the lease there is a margin');
SELECT is(pg_temp.states(:b1), 'invitation overtaken, cancel queued', 'in which the old state is given up');
SELECT is(pg_temp.claim(:'e'), NULL, 'which does not make the margin shorter');
UPDATE message SET uncertain_until = uncertain_until - interval '5 seconds' WHERE appointment_id = :b1;
SELECT is(pg_temp.claim(:'e'), format('cancel %s', :b1), 'then the newer one goes');
UPDATE message SET state = 'sent', lease_until = NULL WHERE state = 'claimed';
SELECT pg_temp.invite('ANNE', '2030-01-08 17:00Z') AS b2 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.finish(:b2, 'invitation', 'unknown'), 'queued', 'no reply after the last write: perhaps it was taken');
SELECT is((SELECT concat_ws(' ', ever_claimed, attempts, not_before > clock_timestamp() + interval '60 seconds') FROM message WHERE appointment_id = :b2), 't 1 t', 'it is sent again after lease and margin');
SELECT end_appointments(ARRAY[:b2]::bigint[], 'cancelled') \g /dev/null
SELECT is(pg_temp.states(:b2), 'invitation overtaken, cancel queued', 'unless overtaken');
SELECT is(pg_temp.claim(:'d'), NULL, 'and what overtakes it waits until a slow server must have done with it');
SELECT ok(vac_daemon.next_message() BETWEEN 60000 AND 66000, 'that long');
UPDATE message SET uncertain_until = clock_timestamp() WHERE appointment_id = :b2;
SELECT is(pg_temp.claim(:'d'), format('cancel %s', :b2), 'and no longer');
-- Claimed again and sent by another, while the first daemon may still be at its final dot.
SELECT pg_temp.invite('ANNE', '2030-01-08 18:00Z') AS b4 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
UPDATE message SET lease_until = clock_timestamp() - interval '1 second' WHERE appointment_id = :b4;
SELECT pg_temp.claim(:'e') \g /dev/null
SELECT pg_temp.finish(:b4, 'invitation', 'sent') \g /dev/null
SELECT end_appointments(ARRAY[:b4]::bigint[], 'cancelled') \g /dev/null
SELECT is(pg_temp.claim(:'e'), NULL, 'a newer state waits for the margin of the first lease too');
UPDATE message SET uncertain_until = clock_timestamp() WHERE appointment_id = :b4;
SELECT is(pg_temp.claim(:'e'), format('cancel %s', :b4), 'and then goes');
-- A newer state that was stored while the older one came back to the queue.
SELECT pg_temp.invite('ANNE', '2030-01-08 19:00Z') AS b3 \gset
UPDATE appointment SET sequence = 1 WHERE appointment_id = :b3;
SELECT queue_appointments('update', ARRAY[:b3]::bigint[]);
UPDATE message SET state = 'queued' WHERE appointment_id = :b3 AND kind = 'invitation';
SELECT is(pg_temp.claim(:'d'), format('update %s', :b3), 'of two that wait only the newer goes');
SELECT is(pg_temp.states(:b3), 'invitation overtaken, update claimed', 'the older is overtaken');

-- ---- outcomes --------------------------------------------------------------------------------
SELECT pg_temp.invite('ANNE', '2030-01-09 15:00Z') AS c1 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.finish(:c1, 'invitation', 'retry', '451 later'), 'queued', 'refused for now');
SELECT ok((SELECT not_before - clock_timestamp() BETWEEN '15 seconds' AND '38 seconds' AND attempts = 1 FROM message WHERE appointment_id = :c1), 'half a minute, more or less');
UPDATE message SET attempts = 4, state = 'claimed', lease_until = now() + interval '1 minute' WHERE appointment_id = :c1;
SELECT pg_temp.finish(:c1, 'invitation', 'retry') \g /dev/null
SELECT ok((SELECT not_before - clock_timestamp() BETWEEN '340 seconds' AND '601 seconds' FROM message WHERE appointment_id = :c1), 'twice as long each time');
UPDATE message SET attempts = 40, state = 'claimed', lease_until = now() + interval '1 minute' WHERE appointment_id = :c1;
SELECT pg_temp.finish(:c1, 'invitation', 'retry') \g /dev/null
SELECT ok((SELECT not_before - clock_timestamp() BETWEEN '44 minutes' AND '76 minutes' FROM message WHERE appointment_id = :c1), 'but no longer than an hour');
SELECT is((SELECT reply FROM message WHERE appointment_id = :c1), '451 later', 'the last reply is kept');
SELECT is(pg_temp.claim(:'d'), NULL, 'and not before');
SELECT pg_temp.invite('ANNE', '2030-01-09 17:00Z') AS c2 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.finish(:c2, 'invitation', 'released'), 'queued', 'given back');
SELECT is((SELECT concat_ws(' ', ever_claimed, attempts, not_before <= clock_timestamp()) FROM message WHERE appointment_id = :c2), 'f 0 t', 'as if it had not been claimed');
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.finish(:c2, 'invitation', 'nonsense'), NULL, 'an outcome that is none changes nothing');
SELECT is(pg_temp.finish(:c2, 'invitation', 'final', '550 5.1.1 no such user'), 'refused', 'refused for good');
SELECT is((SELECT concat_ws(' ', a.state, r.state, r.plan_at <= clock_timestamp(), k.mail_failed_at IS NOT NULL)
	FROM appointment a JOIN request r USING (request_id) JOIN coordinator k USING (coordinator_id) WHERE appointment_id = :c2), 'replaced open t t',
	'the address is marked and the request planned again');
SELECT is((SELECT until > clock_timestamp() AND until < clock_timestamp() + interval '25 hours' AND times = 1 FROM request_bar b JOIN appointment a USING (request_id, coordinator_id) WHERE appointment_id = :c2), true,
	'with somebody else today');
SELECT is((SELECT detail ->> 'reply' FROM history WHERE event = 'message_refused' AND appointment_id = :c2), '550 5.1.1 no such user', 'history has it');
SELECT is(pg_temp.states(:c2), 'invitation refused', 'nothing is taken back from who knows of nothing');
SELECT pg_temp.invite('ANNE', '2030-01-09 19:00Z') AS c3 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT pg_temp.finish(:c3, 'invitation', 'sent') \g /dev/null
UPDATE appointment SET sequence = 1 WHERE appointment_id = :c3;
SELECT queue_appointments('update', ARRAY[:c3]::bigint[]);
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.finish(:c3, 'update', 'final', '550'), 'refused', 'an update that is refused for good');
SELECT is((SELECT a.state || ' ' || r.state FROM appointment a JOIN request r USING (request_id) WHERE appointment_id = :c3), 'invited planned', 'leaves the appointment: somebody must telephone');
SELECT is((SELECT r.tell_at <= wall() FROM appointment a JOIN request r USING (request_id) WHERE appointment_id = :c3), true, 'so the supervisors are told at once');
SELECT is((SELECT count(*) FROM history WHERE event = 'message_refused' AND appointment_id = :c3 AND reason = 'update'), 1::bigint, 'and stands in history');
SELECT pg_temp.invite('ANNE', '2030-01-09 22:30Z') AS c5 \gset
INSERT INTO request_bar SELECT request_id, coordinator_id, clock_timestamp() - interval '1 day' FROM appointment WHERE appointment_id = :c5;
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT pg_temp.finish(:c5, 'invitation', 'final', '550') \g /dev/null
SELECT is((SELECT until > clock_timestamp() AND times = 2 FROM request_bar b JOIN appointment a USING (request_id, coordinator_id) WHERE appointment_id = :c5), true,
	'a second refusal by a mail server does not bar for good, as a second no would');
-- An update that overtook the invitation is the first that its coordinator hears.
SELECT pg_temp.invite('ANNE', '2030-01-09 21:00Z') AS c4 \gset
UPDATE appointment SET sequence = 1 WHERE appointment_id = :c4;
SELECT queue_appointments('update', ARRAY[:c4]::bigint[]);
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.finish(:c4, 'update', 'final', '550'), 'refused', 'refused for good before anything was taken');
SELECT is((SELECT a.state || ' ' || r.state FROM appointment a JOIN request r USING (request_id) WHERE appointment_id = :c4), 'replaced open', 'it is an invitation: planned again');
-- Several outcomes in one call.
SELECT pg_temp.invite('BEN', '2030-01-10 15:00Z') AS m1, pg_temp.invite('BEN', '2030-01-10 17:00Z') AS m2, pg_temp.invite('BEN', '2030-01-10 19:00Z') AS m3 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is((SELECT string_agg(f.state, ' ' ORDER BY f.message_id) FROM
	(SELECT array_agg(message_id ORDER BY message_id) AS ids, array_agg(fence ORDER BY message_id) AS fences FROM message WHERE appointment_id IN (:m1, :m2, :m3)) m,
	vac_daemon.finish_messages(m.ids, m.fences, '{sent,final,retry}', '{250,550,NULL}') f), 'sent refused queued', 'several outcomes in one call');
SELECT is((SELECT string_agg(state, ' ' ORDER BY appointment_id) FROM appointment WHERE appointment_id IN (:m1, :m2, :m3)), 'invited replaced invited', 'each has its own effect');

-- ---- pages ----------------------------------------------------------------------------------
UPDATE coordinator SET pager = 'page.ben@example.org' WHERE code = 'BEN';
SELECT pg_temp.invite('BEN', '2030-01-10 21:00Z', 'immediate') AS p1 \gset
SELECT queue_pages(ARRAY[:p1]::bigint[]) \g /dev/null
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is(pg_temp.may_send(:p1), 2::bigint, 'invitation and page');
SELECT end_appointments(ARRAY[:p1]::bigint[], 'cancelled') \g /dev/null
SELECT is(pg_temp.may_send(:p1), 0::bigint, 'nobody is called to what is cancelled');
SELECT pg_temp.finish(:p1, 'page', 'released') \g /dev/null
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is((SELECT state FROM message WHERE appointment_id = :p1 AND kind = 'page'), 'unneeded', 'also when the page comes back to the queue');

-- ---- held ------------------------------------------------------------------------------------
SELECT pg_temp.invite('ANNE', '2030-01-11 15:00Z') AS h1, pg_temp.invite('ANNE', '2030-01-11 17:00Z') AS h2 \gset
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :h1);
SELECT is(pg_temp.claim(:'d'), format('invitation %s', :h2), 'nothing is sent for a held case');
SELECT is(pg_temp.states(:h1), 'invitation suppressed', 'it is listed as suppressed');
SELECT is((SELECT reason FROM history WHERE event = 'message_suppressed' AND appointment_id = :h1), 'held', 'and why');
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :h2);
SELECT is(pg_temp.may_send(:h2), 0::bigint, 'not even what was claimed before');

-- ---- neutral, once more ----------------------------------------------------------------------
SELECT pg_temp.invite('ANNE', '2030-01-14 15:00Z') AS n1 \gset
UPDATE message SET body = body || 'The word is Rumpelstilz.' WHERE appointment_id = :n1;
INSERT INTO protected_word (word) VALUES ('rumpelstilz');
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT ok((SELECT neutral AND body !~* 'rumpel' AND location IS NULL AND state = 'claimed' FROM message WHERE appointment_id = :n1), 'what was written before a word came is made neutral when it is claimed');
SELECT is((SELECT count(*) FROM history WHERE event = 'message_neutralised' AND appointment_id = :n1), 1::bigint, 'history has it once');
SELECT pg_temp.ask() AS r \gset
SELECT pg_temp.invite('ANNE', '2030-01-14 17:00Z') AS n2 \gset
UPDATE case_record SET agency_reference = 'Federal Building' WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :n2);
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT is((SELECT neutral FROM message WHERE appointment_id = :n2), true, 'a reference that came later too');
SELECT pg_temp.invite('ANNE', '2030-01-14 19:00Z') AS n3 \gset
INSERT INTO allowed_domain (domain) VALUES ('agency.example');
SELECT is(pg_temp.claim(:'d'), NULL, 'a domain that is not allowed any more gets nothing');
SELECT is(pg_temp.states(:n3), 'invitation suppressed', 'and is listed');
DELETE FROM allowed_domain;

-- ---- signed ----------------------------------------------------------------------------------
SELECT pg_temp.invite('ANNE', '2030-01-14 21:00Z') AS s1 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
SELECT message_id AS sid, fence AS sfence FROM message WHERE appointment_id = :s1 \gset
SELECT is((SELECT count(*) FROM vac_daemon.may_send_signed(ARRAY[:sid]::bigint[], ARRAY[:sfence]::bigint[], ARRAY['AAAA'])), 1::bigint, 'a signature is kept, and its mail may go out');
-- Kept before, of another text, not signed, signed now: one question, in which only the last is written.
SELECT pg_temp.invite('ANNE', '2030-01-15 17:00Z') AS s2, pg_temp.invite('ANNE', '2030-01-15 19:00Z') AS s3 \gset
SELECT pg_temp.invite('ANNE', '2030-01-15 21:00Z') AS s4, pg_temp.invite('ANNE', '2030-01-16 15:00Z') AS s5 \gset
SELECT pg_temp.claim(:'d') \g /dev/null
UPDATE message SET signature = 'BBBB' WHERE appointment_id IN (:s2, :s5);
CREATE TEMPORARY TABLE rows_before AS SELECT appointment_id, ctid AS place FROM message WHERE appointment_id IN (:s1, :s2, :s3, :s4, :s5);
CREATE TEMPORARY TABLE asked AS SELECT appointment_id, m.message_id, m.fence, v.signature
	FROM message m JOIN (VALUES (:s1, 'AAAA'), (:s2, 'CCCC'), (:s3, NULL), (:s4, 'DDDD'), (:s5, NULL)) v (appointment_id, signature) USING (appointment_id);
CREATE TEMPORARY TABLE said AS SELECT s.message_id
	FROM (SELECT array_agg(message_id) AS ids, array_agg(fence) AS fences, array_agg(signature) AS signatures FROM asked) a,
		vac_daemon.may_send_signed(a.ids, a.fences, a.signatures) s;
SELECT is((SELECT array_agg(appointment_id ORDER BY appointment_id) FROM asked JOIN said USING (message_id)), ARRAY[:s1, :s3, :s4]::bigint[], 'those whose signature is the one kept, or that have none, may go out');
SELECT is((SELECT string_agg(coalesce(m.signature, '-'), ' ' ORDER BY appointment_id) FROM message m JOIN asked USING (appointment_id)), 'AAAA BBBB - DDDD BBBB', 'the new one is kept, and no other');
SELECT is((SELECT array_agg(appointment_id) FROM message m JOIN rows_before b USING (appointment_id) WHERE m.ctid <> b.place), ARRAY[:s4]::bigint[], 'nothing else is written');
-- As if it had been asked before somebody's transaction ended what this one then waited for.
CREATE OR REPLACE FUNCTION vac_daemon.may_send(message_ids bigint[], fences bigint[]) RETURNS TABLE (message_id bigint) LANGUAGE sql STABLE
	AS $$ SELECT unnest(message_ids) $$;
UPDATE message SET lease_until = now() - interval '1 second' WHERE message_id = :sid;
SELECT is((SELECT count(*) FROM vac_daemon.may_send_signed(ARRAY[:sid]::bigint[], ARRAY[:sfence]::bigint[], ARRAY['AAAA'])), 0::bigint, 'not when its lease is over meanwhile');
UPDATE message SET state = 'suppressed', lease_until = NULL WHERE message_id = :sid;
SELECT is((SELECT count(*) FROM vac_daemon.may_send_signed(ARRAY[:sid]::bigint[], ARRAY[:sfence]::bigint[], ARRAY['AAAA'])), 0::bigint, 'nor when it is suppressed meanwhile');

-- ---- identity, probe, goodbye ----------------------------------------------------------------
DELETE FROM mail_identity;
SELECT pg_temp.invite('ANNE', '2030-01-15 15:00Z') AS i1 \gset
SELECT is((SELECT sender FROM message WHERE appointment_id = :i1), NULL, 'before the first daemon nobody knows the sender');
SELECT is(pg_temp.claim(:'d'), NULL, 'and nothing can go out');
SELECT is(vac_daemon.hello(:'d', 'host', 1, '0.1', (SELECT digest FROM installed), 'smtp', 'vacd@agency.example', 'k2')::text, '(t,)', 'a daemon comes');
SELECT is(pg_temp.claim(:'d'), format('invitation %s', :i1), 'now it can');
SELECT is((SELECT sender || ' ' || key_id FROM message WHERE appointment_id = :i1), 'vacd@agency.example k2', 'as that daemon, for good');
SELECT vac_daemon.goodbye(:'d');
SELECT is((SELECT state FROM message WHERE appointment_id = :i1), 'queued', 'a daemon that says goodbye leaves its claims to others');
SELECT end_appointments(ARRAY[:i1]::bigint[], 'cancelled') \g /dev/null
SELECT ok((SELECT uid_free_at(uid, message_id, '5 seconds') - clock_timestamp() BETWEEN '1 second' AND '5 seconds' FROM message WHERE appointment_id = :i1 AND kind = 'cancel'), 'and its last write, if there was one, has its margin');
SELECT vac_daemon.queue_probe('tester@example.org', '') AS p \gset
SELECT is((SELECT concat_ws(' ', kind, method, recipient, recipient_name, uid IS NOT NULL, answer_handle IS NOT NULL, lower(span) > now()) FROM message WHERE message_id = :p),
	'probe REQUEST tester@example.org Tester t t t', 'a probe is an invitation of its own');
SELECT throws_ok($$SELECT vac_daemon.queue_probe('no address', 'x')$$, '23514', NULL, 'to an address');

SELECT * FROM finish();
ROLLBACK;
