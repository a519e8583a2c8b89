-- Whose mail it is, and what may not count: claims, shapes of records, tokens, senders, forgeries, words, robots.
BEGIN;
\ir answer.psql
SELECT plan(105);

-- ---- claims ----------------------------------------------------------------------------------
\set me '\'11111111-1111-1111-1111-111111111111\''
\set other '\'22222222-2222-2222-2222-222222222222\''
SELECT is(vac_daemon.next_inbound(), NULL::bigint, 'no mail waits');
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
	SELECT now(), '', 'vacd@agency.example', gen_random_uuid(), 'raw', 3, now() FROM generate_series(1, 3);
SELECT is(vac_daemon.next_inbound(), 0::bigint, 'mail waits');
SELECT min(inbound_id) AS m FROM inbound \gset
SELECT results_eq(format('SELECT inbound_id, fence, sender, recipient, raw, deaths FROM vac_daemon.claim_inbound(%s, 2, 60000)', quote_literal(:me)),
	format('VALUES (%s::bigint, 1::bigint, '''', ''vacd@agency.example'', E''Return-Path: <>\r\nraw''::bytea, 0), (%s, 1, '''', ''vacd@agency.example'', E''Return-Path: <>\r\nraw'', 0)', :m, :m + 1), 'the oldest are claimed, with their envelope''s sender');
SELECT is((SELECT string_agg(inbound_id::text, ' ') FROM vac_daemon.claim_inbound(:other, 9, 60000)), (:m + 2)::text, 'another daemon gets the rest');
SELECT ok(vac_daemon.next_inbound() BETWEEN 50000 AND 60000, 'until the leases are over');
UPDATE inbound SET lease_until = now() - interval '1 second' WHERE inbound_id = :m;
SELECT is((SELECT concat_ws(' ', inbound_id, fence) FROM vac_daemon.claim_inbound(:other, 9, 60000)), :m || ' 2', 'then it is claimed again, with the next fence');
SELECT is((SELECT outcome FROM vac_daemon.take_mail(:m, 1, '{"kind": "plain"}', NULL, NULL, 'none')), 'fence', 'who lost it does nothing');
SELECT is(vac_daemon.inbound_died(:m, 1, 'x'), 'fence', 'nor can it count a death');
SELECT is(vac_daemon.inbound_died(:m, 2, E'signal 9\n'), 'waiting', 'a child that dies on it');
SELECT is((SELECT concat_ws(' ', inbound_id, fence, deaths) FROM vac_daemon.claim_inbound(:me, 9, 60000)), :m || ' 3 1', 'it is claimed again at once');
SELECT is(vac_daemon.inbound_died(:m, 3, 'signal 9'), 'listed', 'the second time it is set aside');
SELECT is((SELECT concat_ws(' ', state, outcome, why) FROM inbound WHERE inbound_id = :m), 'listed set_aside signal 9', 'and listed');
SELECT matches((SELECT severity || ' ' || text FROM vac_daemon.status() WHERE text LIKE 'answers:%'),
	'^warn answers: 1 for a person to look at, the oldest for .*; see vac.unread_answers$', 'and counted where one looks first');
UPDATE inbound SET lease_until = now() + interval '2 years' WHERE inbound_id = :m + 1;
SELECT is((SELECT concat_ws(' ', inbound_id, fence) FROM vac_daemon.claim_inbound(:me, 9, 60000)), :m + 1 || ' 2', 'a lease of a wrong clock is none');
SELECT vac_daemon.goodbye(:other), vac_daemon.goodbye(:me) \g /dev/null
SELECT is((SELECT string_agg(inbound_id || state, ' ' ORDER BY inbound_id) FROM inbound), :m || 'listed ' || :m + 1 || 'waiting ' || :m + 2 || 'waiting', 'who leaves gives back what it has');
SELECT is((SELECT outcome FROM vac_daemon.take_mail(:m + 1, 2, '{"kind": "plain"}', NULL, NULL, 'none')), 'fence', 'and cannot act on it any more');
UPDATE inbound SET fence = 100 WHERE inbound_id = :m + 1;
SELECT is((SELECT string_agg(inbound_id::text, ' ') FROM vac_daemon.claim_inbound(:me, 9, 60000)), (:m + 2)::text, 'what was claimed a hundred times is not claimed again');
SELECT is((SELECT concat_ws(' ', state, outcome) FROM inbound WHERE inbound_id = :m + 1), 'listed set_aside', 'but listed');
DELETE FROM inbound;

-- ---- tokens ----------------------------------------------------------------------------------
SELECT pg_temp.invited() AS a \gset
SELECT vac_daemon.queue_probe('tester@example.org', '') AS probe \gset
SELECT results_eq(format('SELECT handle, purpose, subject FROM vac_daemon.token_subjects(ARRAY[%L, %L, %L, %L])', (pg_temp.a(:a)).answer_handle,
		(SELECT bounce_handle FROM message WHERE appointment_id = :a), (SELECT answer_handle FROM message WHERE message_id = :probe), 'aaaaaaaaaaaaa'),
	format('VALUES (%L, %L, %L), (%L, %L, %L), (%L, %L, %L)', (pg_temp.a(:a)).answer_handle, 'answer', (pg_temp.a(:a)).uid,
		(SELECT answer_handle FROM message WHERE message_id = :probe), 'answer', (SELECT uid FROM message WHERE message_id = :probe),
		(SELECT bounce_handle FROM message WHERE appointment_id = :a), 'bounce', (SELECT mail_uuid FROM message WHERE appointment_id = :a)), 'what handles stand for');
SELECT is(pg_temp.comes(pg_temp.says(:a, 'ACCEPTED'), NULL, NULL, 'none'), 'no_token: its address does not say what it answers', 'no token');
SELECT is(pg_temp.comes(pg_temp.says(:a, 'ACCEPTED'), (pg_temp.a(:a)).answer_handle, 'answer', 'unknown'), 'unknown_token: its address is none that we gave out', 'a token that is none');
SELECT is(pg_temp.comes(pg_temp.says(:a, 'ACCEPTED'), (SELECT bounce_handle FROM message WHERE appointment_id = :a), 'bounce'), 'no_token: its address does not say what it answers', 'the token of the envelope');
SELECT is(pg_temp.comes(pg_temp.says(:a, 'ACCEPTED'), (SELECT answer_handle FROM message WHERE message_id = :probe)), 'left_alone: an answer to a test invitation', 'that of a test invitation');
SELECT pg_temp.invited('SEA-2') AS b \gset
SELECT is(pg_temp.comes(:b, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org')), 'set_aside: it names another event than the one that its address belongs to', 'the UID must fit the token');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'stranger@example.net')), 'sender_misfit: it does not come from the coordinator who was invited, nor from anybody on the roster', 'a stranger');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', more => '{"from": null}')), 'sender_misfit: it does not come from the coordinator who was invited, nor from anybody on the roster', 'nobody');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', more => '{"from": "sea-1@example.org"}', who => 'sea-2@example.org')), 'sender_misfit: it answers for somebody else than its sender', 'who answers for a colleague');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', more => '{"from": "sea-2@example.org"}')), 'sender_misfit: it answers for somebody else than its sender', 'the other way round');
UPDATE coordinator SET retired_at = now() WHERE code = 'PDX-1';
SELECT matches(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'pdx-1@example.org')), 'nor from anybody on the roster', 'who has left is not on the roster');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', event => '{"attendees": []}')), 'unreadable: it names no attendee', 'no attendee');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', more => '{"calendar": {"method": "REPLY", "events": []}}')), 'unreadable: it holds no event', 'no event');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'NEEDS-ACTION')), 'unsupported_method: it says none of accepted, declined, tentative, delegated', 'a PARTSTAT that is no answer');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'X-MAYBE')), 'unsupported_method: it says none of accepted, declined, tentative, delegated', 'or that nobody knows');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', method => 'ADD')), 'unsupported_method: its method is none that an answer has', 'ADD');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', method => NULL)), 'unsupported_method: its method is none that an answer has', 'no method');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', more => '{"from": "VACD+abc@agency.example"}')), 'left_alone: it comes from our own address', 'from our own address');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', more => '{"from": "vacd-b+abc@agency.example"}')), 'left_alone: it comes from our own address', 'or its bounces''');
SELECT is((pg_temp.a(:a)).state || pg_temp.mail(:a) || (SELECT count(*) FROM answer), 'invitedinvitation sent 00', 'nothing of all this changed anything');
SELECT is((SELECT count(*) FROM vac.unread_answers), (SELECT count(*) FROM inbound WHERE outcome <> 'left_alone'), 'and it is listed, but what comes from ourselves or answers a test');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', event => '{"attendees": [{"address": "whoever@home.example", "partstat": "ACCEPTED"}]}')), 'taken: accepted',
	'an address that the roster does not know, from the coordinator');
SELECT pg_temp.invited() AS a \gset

-- ---- who vouches for it ----------------------------------------------------------------------
CREATE FUNCTION pg_temp.vouched(id bigint, record jsonb, dmarc text, server text DEFAULT 'mx.agency.example', domain text DEFAULT 'example.org',
		configured text DEFAULT 'MX.agency.example') RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		n bigint;
		done record;
	BEGIN
		INSERT INTO vac_store.inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before, state, fence, lease_until)
			VALUES (now(), '', 'x', gen_random_uuid(), 'x', 1, now(), 'claimed', 1, now()) RETURNING inbound_id INTO n;
		SELECT * INTO done FROM vac_daemon.take_mail(n, 1, record || jsonb_build_object('auth', jsonb_build_object('server', server, 'dmarc', dmarc, 'domain', domain),
			'authserv_id', 'forged.example'), (SELECT a.answer_handle FROM vac_store.appointment a WHERE a.appointment_id = id), 'answer', 'good', configured);
		RETURN done.outcome;
	END
$$;
SELECT is(pg_temp.vouched(:a, pg_temp.says(:a, 'ACCEPTED'), 'fail'), 'auth_failed', 'DMARC fail sets any answer aside');
SELECT is(pg_temp.vouched(:a, pg_temp.says(:a, 'TENTATIVE', stamped => now() - interval '1 hour'), 'none'), 'taken', 'none does not');
SELECT is(pg_temp.vouched(:a, pg_temp.says(:a, 'TENTATIVE', stamped => now() - interval '1 minute'), 'fail', server => 'mx.elsewhere.example'), 'taken', 'what others say does not count');
SELECT is(pg_temp.vouched(:a, pg_temp.words(:a, 'accept'), 'none'), 'auth_failed', 'an answer in words needs a pass');
SELECT is(pg_temp.vouched(:a, pg_temp.words(:a, 'accept'), 'pass', server => 'mx.elsewhere.example'), 'auth_failed', 'of our own server');
SELECT is(pg_temp.vouched(:a, pg_temp.words(:a, 'accept'), 'pass', server => 'forged.example'), 'auth_failed', 'whose name the reader has no say in');
SELECT is(pg_temp.vouched(:a, pg_temp.words(:a, 'accept'), 'pass', domain => 'example.net'), 'auth_failed', 'for the domain of From');
SELECT is(pg_temp.vouched(:a, pg_temp.words(:a, 'accept', more => '{"auth": null}') , NULL), 'auth_failed', 'nobody vouches for it');
SELECT is((pg_temp.a(:a)).state, 'invited', 'none of these counted');
SELECT is(pg_temp.vouched(:a, pg_temp.words(:a, 'accept'), 'pass'), 'taken', 'a pass does');
SELECT pg_temp.invited() AS w \gset
SELECT is(pg_temp.vouched(:w, pg_temp.words(:w, 'accept'), 'fail', configured => ''), 'taken', 'with no server configured nobody is asked');

-- ---- words -----------------------------------------------------------------------------------
SELECT is(pg_temp.comes(:w, pg_temp.words(:w, NULL)), 'no_calendar: plain text without a clear first word', 'no clear word');
SELECT is((pg_temp.last()).state || (pg_temp.last()).appointment_id, 'listed' || :w, 'is listed with the appointment');
SELECT is(pg_temp.comes(:w, pg_temp.words(:w, 'call')), 'set_aside: its word is nothing that vacd can do by itself', 'a word that is a person''s');
SELECT is(pg_temp.comes(:w, pg_temp.words(:w, 'tentative', more => jsonb_build_object('date', pg_temp.secs(now()) + 60))), 'taken: tentative', 'tentative');
SELECT is(pg_temp.comes(:w, pg_temp.words(:w, 'decline', 5, more => jsonb_build_object('date', pg_temp.secs(now()) + 120))), 'taken: declined', 'decline, with a number');
SELECT pg_temp.invited('SEA-2') AS w2 \gset
SELECT matches(pg_temp.comes(:w2, pg_temp.words(:w2, 'accept', more => '{"from": "sea-1@example.org"}')), 'handed over to Coordinator A', 'a colleague''s word');
SELECT is(pg_temp.comes(pg_temp.words(:w2, 'accept'), NULL, NULL, 'none'), 'no_token: its address does not say what it answers', 'words need a token, too');

-- ---- outcomes and contacts -------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS h \gset
SELECT (pg_temp.a(:h)).case_id AS hc \gset
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'held', 0)), 'refused: the meeting has not begun', 'held, before it was');
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'contacted')), 'taken: first contact is recorded', 'contacted');
SELECT is((SELECT first_contact_at FROM case_record WHERE case_id = :hc) BETWEEN now() - interval '1 minute' AND clock_timestamp(), true, 'first contact');
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'contacted')), 'duplicate: an earlier contact is on record', 'only the first counts');
CREATE FUNCTION pg_temp.over(id bigint, ago interval DEFAULT '2 hours') RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span FROM (SELECT tstzrange(now() - ago, now() - ago + interval '1 hour') AS span) s WHERE appointment_id = id
$$;
SELECT pg_temp.over(:h) \g /dev/null
SELECT is(pg_temp.comes(:h, pg_temp.says(:h, 'DECLINED')), 'refused: the meeting is over: what became of it?', 'what is over cannot be declined');
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'held', 0, '{"from": "sea-2@example.org"}')), 'sender_misfit: Coordinator B was not invited to this', 'a colleague cannot say what became of it');
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'held', 0)), 'taken: held', 'held');
SELECT is((pg_temp.a(:h)).state || (pg_temp.a(:h)).outcome || (pg_temp.r(:h)).state, 'heldheldmet', 'the request is met');
SELECT is((SELECT first_contact_at = lower((pg_temp.a(:h)).span) AND responsible_id = (pg_temp.k('SEA-1')).coordinator_id FROM case_record WHERE case_id = :hc), true,
	'the meeting was first contact, and its holder is responsible');
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'held', 0)), 'duplicate: that is on record', 'again');
SELECT is(pg_temp.comes(:h, pg_temp.words(:h, 'missed', 0)), 'refused: held is on record already; vac.record_outcome() changes it', 'and something else');
SELECT is(pg_temp.comes(:h, pg_temp.says(:h, 'ACCEPTED')), 'left_alone: the meeting is over', 'an acceptance after it');
SELECT pg_temp.invited('SEA-1') AS n \gset
SELECT pg_temp.over(:n, '5 hours') \g /dev/null
SELECT is(pg_temp.comes(:n, pg_temp.words(:n, 'missed', 0)), 'taken: missed', 'missed');
SELECT is((pg_temp.a(:n)).state || (pg_temp.a(:n)).outcome || (pg_temp.r(:n)).state, 'missedmissedopen', 'the request is planned again');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject = 'SEA: a meeting did not take place'), 1::bigint, 'a supervisor of the first rank is told');
SELECT is(pg_temp.comes(:n, pg_temp.says(:n, 'ACCEPTED')), 'left_alone: the meeting is over', 'nothing brings it back');
SELECT pg_temp.invited('SEA-1') AS c \gset
SELECT vac.withdraw_case((SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:c)).case_id), 'resolved') \g /dev/null
SELECT is(pg_temp.comes(:c, pg_temp.words(:c, 'held')), 'refused: the case is withdrawn', 'a case that has ended');

-- ---- robots ----------------------------------------------------------------------------------
SELECT is(pg_temp.comes('{"kind": "automatic", "from": "sea-2@example.org", "automatic": true}', NULL, NULL, 'none'), 'automatic_reply: an automatic reply, noted beside the coordinator; no answer', 'out of office');
SELECT matches((SELECT telephone FROM vac.roster WHERE coordinator = 'SEA-2'), '\naway\? [0-9]{2} [A-Z][a-z]{2}$', 'roster says so');
SELECT is((pg_temp.last()).state, 'done', 'nobody need look');
SELECT pg_temp.invited('SEA-2') AS o \gset
SELECT is(pg_temp.comes(:o, pg_temp.words(:o, 'accept', more => '{"automatic": true}')), 'automatic_reply: an automatic reply, noted beside the coordinator; no answer', 'a word that a robot says');
SELECT is(pg_temp.comes('{"kind": "automatic", "from": "forwarded@example.net"}', (SELECT bounce_handle FROM message WHERE appointment_id = :o), 'bounce'), 'automatic_reply: an automatic reply, noted beside the coordinator; no answer', 'known by its token');
SELECT is(pg_temp.comes('{"kind": "automatic", "from": "stranger@example.net"}', NULL, NULL, 'none'), 'automatic_reply: an automatic reply', 'somebody else''s');
SELECT is((pg_temp.a(:o)).state, 'invited', 'none is an answer');
SELECT is(pg_temp.comes(:o, pg_temp.says(:o, 'ACCEPTED', more => '{"automatic": true}')), 'taken: accepted', 'an answer with a robot''s mark is one (Google)');
SELECT is((SELECT telephone FROM vac.roster WHERE coordinator = 'SEA-2'), '+1 206 555 0112', 'who answers is not away');

-- ---- leave -----------------------------------------------------------------------------------
\set vacation '\'{"kind": "calendar", "from": "sea-1@example.org", "calendar": {"method": "REQUEST", "events": [{"uid": "vacation-1", "start": 4102444800, "end": 4102531200, "spans": [[4102444800, 4102531200]], "organizer": "sea-1@example.org", "attendees": [{"address": "vacd@agency.example"}]}]}}\''
SELECT matches(pg_temp.comes(:vacation, NULL, NULL, 'none'), '^waits_for_supervisor: nothing shows that the sender is who they say', 'a coordinator''s vacation');
SELECT is((pg_temp.last()).state || (pg_temp.last()).said || ((pg_temp.last()).record = :vacation::jsonb), 'listedrequesttrue', 'is listed, with its record');
SELECT matches(pg_temp.comes(:vacation::jsonb || '{"from": "stranger@example.net"}', NULL, NULL, 'none'), '^left_alone: an event of somebody', 'a stranger''s');
SELECT is((pg_temp.last()).state || ((pg_temp.last()).record IS NULL), 'listedtrue', 'is listed without it');
SELECT matches(pg_temp.comes(:o, pg_temp.says(:o, 'ACCEPTED', method => 'REQUEST')), '^left_alone: an invitation of our own', 'our own invitation, sent on to us');

-- ---- records that no reader writes -----------------------------------------------------------
SELECT pg_temp.invited() AS x \gset
CREATE TEMPORARY TABLE hostile AS SELECT r.record FROM (
	SELECT jsonb_set(s, path, bad) AS record FROM (SELECT pg_temp.says(:x, 'ACCEPTED') AS s) s
		CROSS JOIN (VALUES ('{kind}'::text[]), ('{from}'), ('{message_id}'), ('{date}'), ('{automatic}'), ('{word}'), ('{number}'), ('{auth}'), ('{calendar}'),
			('{calendar,method}'), ('{calendar,events}'), ('{calendar,events,0}'), ('{calendar,events,0,uid}'), ('{calendar,events,0,sequence}'),
			('{calendar,events,0,stamped}'), ('{calendar,events,0,start}'), ('{calendar,events,0,spans}'), ('{calendar,events,0,dates}'), ('{calendar,events,0,start_date}'), ('{calendar,events,0,attendees}'), ('{calendar,events,0,attendees,0}'),
			('{calendar,events,0,attendees,0,address}'), ('{calendar,events,0,attendees,0,partstat}')) p (path)
		CROSS JOIN (VALUES ('true'::jsonb), ('"x"'), ('-1e400'), ('1e400'), ('0.5'), ('[[[[1]]]]'), ('{"a": {"b": 1}}'), ('null'), ('"a\u000d\u000ab"'),
			(to_jsonb(repeat('x', 5000))), ('{"method": "REPLY"}'), ('[{}]'), ('[null]')) v (bad)
	UNION ALL
	SELECT v FROM (VALUES ('null'::jsonb), ('1'), ('"x"'), ('[]'), ('{}'), ('{"kind": "report"}'), ('{"kind": "calendar"}'), ('{"kind": "plain", "report": {}}'), ('{"kind": "leave"}'),
		('{"kind": "report", "report": {"action": 3}}'), ('{"kind": "report", "report": {"permanent": "yes"}}'), ('{"kind": "report", "report": {"action": "failed", "status": [5]}}'),
		('{"kind": "plain", "word": "accept", "number": -1}'), ('{"kind": "plain", "word": "accept", "number": 99999999999}'), ('{"kind": "plain", "auth": {"server": 7}}'),
		(jsonb_build_object('kind', 'plain', 'more', repeat('x', 140000)))) w (v)) r;
CREATE FUNCTION pg_temp.hostile(record jsonb) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		said text;
	BEGIN
		BEGIN
			said := pg_temp.comes(record, (SELECT a.answer_handle FROM vac_store.appointment a ORDER BY a.appointment_id DESC LIMIT 1));
			RAISE triggered_action_exception;
		EXCEPTION WHEN triggered_action_exception THEN
			RETURN split_part(said, ':', 1);
		END;
	END
$$;
CREATE TEMPORARY TABLE came AS SELECT h.record, pg_temp.hostile(h.record) AS outcome FROM hostile h;
SELECT is_empty($$SELECT * FROM came WHERE outcome IS NULL OR outcome IN ('again', 'fence')$$, 'whatever the reader''s child sends ends in an outcome, none of it in an error of the database');
SELECT ok((SELECT count(*) FROM came WHERE outcome = 'unreadable') > 150, 'most of it is unreadable');
SELECT is((SELECT outcome FROM came WHERE record = '{"kind": "leave"}'), 'unreadable', 'a kind that there is not');
SELECT throws_ok(format('SELECT letter_of(%L, NULL)', bad), '22023', NULL, bad)
	FROM unnest(ARRAY['{"kind": "plain", "number": 0.5}', '{"kind": "plain", "number": -1}', '{"kind": "plain", "number": 1e400}', '{"kind": "plain", "from": 7}',
		'{"kind": "plain", "automatic": "yes"}', '{"kind": "plain", "date": 1e17}', '{"kind": "plain", "auth": []}']) bad;
SELECT is((pg_temp.a(:x)).state, 'invited', 'nothing changed');
SELECT is(pg_temp.comes(:x, '{"kind": "unreadable", "why": "nested too deeply"}'), 'unreadable: it cannot be read', 'what the reader calls unreadable');
-- An error that nobody expects.
CREATE FUNCTION pg_temp.fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE division_by_zero; END $$;
CREATE TRIGGER fails BEFORE INSERT ON vac_store.answer FOR EACH ROW EXECUTE FUNCTION pg_temp.fails();
SELECT is(pg_temp.comes(:x, pg_temp.says(:x, 'DECLINED')), 'again: an unexpected error of the database (22012)', 'an unexpected error is tried again');
SELECT is((pg_temp.a(:x)).state || (pg_temp.last()).state || (pg_temp.last()).deaths, 'invitedwaiting1', 'nothing of it stays');
SELECT is((SELECT outcome FROM vac_daemon.claim_inbound('11111111-1111-1111-1111-111111111111', 9, 60000) c,
	LATERAL vac_daemon.take_mail(c.inbound_id, c.fence, pg_temp.says(:x, 'DECLINED'), (pg_temp.a(:x)).answer_handle, 'answer', 'good')), 'set_aside', 'once');
SELECT is((pg_temp.last()).state, 'listed', 'then it is listed, and the queue goes on');

SELECT * FROM finish();
ROLLBACK;
