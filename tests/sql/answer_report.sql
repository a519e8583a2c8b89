-- Delivery reports: what came back, what is late, and who must be telephoned.
BEGIN;
\ir answer.psql
SELECT plan(47);
CREATE FUNCTION pg_temp.token(id bigint, kind text) RETURNS text LANGUAGE sql AS $$
	SELECT m.bounce_handle FROM vac_store.message m WHERE m.appointment_id = id AND m.kind = token.kind ORDER BY m.message_id DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;

-- ---- an invitation ---------------------------------------------------------------------------
SELECT pg_temp.invited() AS a \gset
UPDATE request SET plan_at = 'infinity' WHERE request_id = (pg_temp.a(:a)).request_id;
SELECT is(pg_temp.comes(pg_temp.report('delayed'), pg_temp.token(:a, 'invitation'), 'bounce'), 'delivery_delayed: not delivered yet; its mail server goes on trying', 'a late one waits');
SELECT is((pg_temp.a(:a)).state || (SELECT state || (delayed_at IS NOT NULL) FROM message WHERE appointment_id = :a), 'invitedsenttrue', 'that is noted, and nothing else');
SELECT is(pg_temp.comes(pg_temp.report('delivered'), pg_temp.token(:a, 'invitation'), 'bounce'), 'delivery_other: a report that says neither failed nor delayed', 'delivered');
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:a, 'invitation'), 'bounce'), 'delivery_failed: the invitation came back: planned again with somebody else, the address is marked', 'one that came back');
SELECT is((pg_temp.a(:a)).state, 'replaced', 'the appointment is off');
SELECT ok((pg_temp.r(:a)).state = 'open' AND (pg_temp.r(:a)).plan_at <= wall(), 'planned again at once');
SELECT ok(EXISTS (SELECT FROM request_bar WHERE request_id = (pg_temp.a(:a)).request_id AND until > now()), 'with somebody else');
SELECT ok((pg_temp.k('SEA-1')).mail_failed_at IS NOT NULL, 'the address is marked');
SELECT is((SELECT telephone FROM vac.roster WHERE coordinator = 'SEA-1'), E'+1 206 555 0111\nmail fails', 'roster says so');
SELECT is(pg_temp.mail(:a), 'invitation refused 0', 'nobody need be told of its end');
SELECT is((SELECT what_became_of_it FROM vac.suppressed LIMIT 1), 'refused: came back: 5.1.1', 'the view says what the report said');
SELECT is((pg_temp.last()).state || (SELECT k.code FROM coordinator k WHERE k.coordinator_id = (pg_temp.last()).coordinator_id), 'doneSEA-1', 'the mail is done');
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:a, 'invitation'), 'bounce'), 'duplicate: that it came back is known', 'a second report');
SELECT is((SELECT count(*) FROM history WHERE event = 'message_bounced'), 1::bigint, 'is no second event');
SELECT is((SELECT count(*) FROM vac.to_telephone), 0::bigint, 'nobody is to be telephoned');
-- A reminder went out before the invitation came back.
SELECT pg_temp.invited('SEA-2') AS r \gset
INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient, recipient_name, made_at, span, subject, body, bounce_handle, not_before, state, ever_claimed)
	SELECT 'reminder', office_id, case_id, appointment_id, 'REQUEST', uid, sequence, recipient, recipient_name, made_at, span, 'x', 'x', handle(), now(), s, true
		FROM message, unnest(ARRAY['sent', 'queued']) s WHERE appointment_id = :r;
SELECT matches(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:r, 'invitation'), 'bounce'), 'planned again', 'the invitation of one who was reminded');
SELECT is((pg_temp.a(:r)).state || pg_temp.mail(:r), 'replacedinvitation refused 0, reminder sent 0, reminder overtaken 0, cancel queued 1', 'what waits does not go out any more, but a CANCEL, lest the reminder arrived');
SELECT is(pg_temp.comes(pg_temp.report('failed'), (SELECT bounce_handle FROM message WHERE appointment_id = :r AND kind = 'reminder' ORDER BY message_id LIMIT 1), 'bounce'),
	'delivery_failed: the invitation came back: the address is marked; the appointment had ended', 'the reminder comes back, too');
SELECT is((SELECT times FROM request_bar WHERE request_id = (pg_temp.a(:r)).request_id), 1::smallint, 'and counts no second time');
-- It has changed since; that is on its way, and will come back as well.
SELECT pg_temp.invited('SEA-2') AS n \gset
SELECT vac.change_request(pg_temp.code(:n), place => 'AIR'), pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:n, 'invitation'), 'bounce'),
	'delivery_failed: the invitation came back: the address is marked; the appointment has changed since, and that is sent by itself', 'the invitation to an older state');
SELECT is((pg_temp.a(:n)).state || (pg_temp.r(:n)).state, 'invitedplanned', 'ends nothing');
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:n, 'update'), 'bounce'),
	'delivery_failed: the invitation came back: planned again with somebody else, the address is marked', 'the change comes back, too: they know nothing of it');
SELECT is((pg_temp.a(:n)).state || (pg_temp.r(:n)).state, 'replacedopen', 'and it is planned again');
-- Somebody answered all the same: another copy reached them.
SELECT pg_temp.invited('SEA-1') AS b \gset
SELECT pg_temp.comes(:b, pg_temp.says(:b, 'ACCEPTED')) \g /dev/null
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:b, 'invitation'), 'bounce'), 'delivery_failed: the invitation came back', 'who has answered knows of it');
SELECT is((pg_temp.a(:b)).state, 'accepted', 'and it stands');

-- Asked again another day, they decline.
SELECT pg_temp.invited('SEA-1') AS y \gset
SELECT pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:y, 'invitation'), 'bounce') \g /dev/null
UPDATE request_bar SET until = now() - interval '1 hour' WHERE request_id = (pg_temp.a(:y)).request_id;
CREATE FUNCTION pg_temp.anew(id bigint) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
		SELECT request_id, case_id, office_id, coordinator_id, span, busy, urgency, vac_store.handle(), now() FROM vac_store.appointment WHERE appointment_id = id
		RETURNING appointment_id
$$;
SELECT pg_temp.anew(:y) AS y2 \gset
SELECT pg_temp.comes(:y2, pg_temp.says(:y2, 'DECLINED')) \g /dev/null
SELECT is((SELECT until > now() FROM request_bar WHERE request_id = (pg_temp.a(:y)).request_id), true, 'a mail that came back is no first no: barred for today');
SELECT pg_temp.anew(:y) AS y3 \gset
SELECT pg_temp.comes(:y3, pg_temp.says(:y3, 'DECLINED')) \g /dev/null
SELECT is((SELECT until FROM request_bar WHERE request_id = (pg_temp.a(:y)).request_id), NULL::timestamptz, 'the second no is for good');

-- ---- a change, a cancellation ----------------------------------------------------------------
SELECT pg_temp.invited('SEA-2') AS u \gset
SELECT vac.change_request(pg_temp.code(:u), place => 'AIR'), pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:u, 'update'), 'bounce'), 'delivery_failed: the change came back: somebody must telephone, see vac.to_telephone', 'a change that came back');
SELECT is((pg_temp.a(:u)).state, 'invited', 'does not end the appointment');
SELECT is((pg_temp.r(:u)).tell_at <= wall(), true, 'no window will open for it, so the supervisors are told at once');
SELECT matches((SELECT concat_ws('|', case_code, coordinator, telephone, tell, server_said) FROM vac.to_telephone),
	'^' || pg_temp.code(:u) || '\|Coordinator B\|\+1 206 555 0112\|changed, come:\n.* P[SD]T\|came back: 5.1.1$', 'whom to telephone, and what to say');
SELECT vac.withdraw_case(pg_temp.code(:u), 'resolved'), pg_temp.sent() \g /dev/null
SELECT is((SELECT count(*) FROM vac.to_telephone), 0::bigint, 'its cancellation, if it arrives, says all');
SELECT is(pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:u, 'cancel'), 'bounce'), 'delivery_failed: the cancellation came back: somebody must telephone, see vac.to_telephone', 'if it does not');
SELECT matches((SELECT tell FROM vac.to_telephone), '^need not come:\n', 'they are told by telephone that they need not come');
SELECT throws_matching('SELECT vac.telephoned(0)', 'message: nobody is to be telephoned', 'a number that is none');
SELECT is((SELECT vac.telephoned(message) FROM vac.to_telephone), 'Coordinator B knows', 'and are off the list');
SELECT is((SELECT count(*) FROM vac.to_telephone), 0::bigint, 'which is empty');

-- ---- other reports ---------------------------------------------------------------------------
SELECT is(pg_temp.comes(pg_temp.report('failed'), NULL, NULL, 'none'), 'no_token: a report that does not say which message came back', 'about we do not know what');
SELECT is(pg_temp.comes(pg_temp.report('failed'), 'x', 'bounce', 'unknown'), 'unknown_token: a report whose token is none of ours', 'with a token that is none');
SELECT is(pg_temp.comes(pg_temp.report('failed'), (pg_temp.a(:u)).answer_handle), 'no_token: a report that does not say which message came back', 'with the token of an answer');
SELECT is(pg_temp.comes(pg_temp.report('delayed'), NULL, NULL, 'none'), 'delivery_other: a report about none of our messages', 'late, but what?');
SELECT tell_supervisors((SELECT office_id FROM office WHERE code = 'SEA'), 'x', 'x') \g /dev/null
SELECT pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(pg_temp.report('failed'), (SELECT bounce_handle FROM message WHERE kind = 'notice' ORDER BY message_id DESC LIMIT 1), 'bounce'), 'delivery_failed: the notice came back', 'a notice');
SELECT is((SELECT recipient FROM vac.suppressed WHERE mail = 'notice'), (SELECT recipient_name::text FROM message WHERE kind = 'notice' AND bounced_at IS NOT NULL), 'which shows among what did not go out');
SELECT vac.set_rotation('SEA', 'nights', 'SEA-1', '17:00', 7), pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(pg_temp.report('failed'), (SELECT bounce_handle FROM message WHERE kind = 'shift' AND lower(span) > now() ORDER BY message_id LIMIT 1), 'bounce'),
	'delivery_failed: the shift came back: its holder does not know of it, please telephone', 'the calendar entry of an on-call shift');
SELECT is((SELECT sender FROM vac.unread_answers ORDER BY mail DESC LIMIT 1), 'Coordinator A', 'is for a supervisor to see');

SELECT pg_temp.invited('SEA-2') AS v \gset
SELECT vac.change_request(pg_temp.code(:v), place => 'AIR'), pg_temp.sent() \g /dev/null
SELECT is(windows_open(ARRAY[:v]::bigint[], wall()), ARRAY[:v]::bigint[], 'a change whose window is open');
SELECT pg_temp.comes(pg_temp.report('failed'), pg_temp.token(:v, 'update'), 'bounce') \g /dev/null
SELECT is((pg_temp.r(:v)).tell_at, NULL::timestamptz, 'its end decides when it comes back');
SELECT * FROM finish();
ROLLBACK;
