-- Delivery reports, robots, leave by invitation, and the one call that takes a mail.

-- ---- reports ---------------------------------------------------------------------------------
-- A reminder is the invitation's state again: whoever never got the one does not know of it.
CREATE OR REPLACE FUNCTION vac_store.bounce_leaves_unknown(m message) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN m.kind IN ('invitation', 'update', 'reminder')
				AND NOT EXISTS (SELECT FROM message e WHERE e.uid = m.uid AND e.message_id + 0 < m.message_id AND e.state = 'sent')
				AND EXISTS (SELECT FROM appointment a WHERE a.appointment_id = m.appointment_id AND a.answered_at IS NULL);
		END
	$$;
COMMENT ON FUNCTION vac_store.bounce_leaves_unknown(message) IS
	'Whether a message that came back was the first word of an appointment that its coordinator knows nothing of';

CREATE OR REPLACE FUNCTION vac_store.bounced(m message, status text, now_at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			first_word boolean := bounce_leaves_unknown(m);
			-- Only what is one: history is kept for ever.
			status text := CASE WHEN bounced.status ~ '^[245]\.[0-9]{1,3}\.[0-9]{1,3}$' THEN bounced.status END;
			a appointment;
		BEGIN
			SELECT * INTO a FROM appointment b WHERE b.appointment_id = m.appointment_id;
			IF first_word OR leaves_unasked(m) THEN
				IF NOT lock_for_answer(a, '{}') THEN
					RAISE lock_not_available USING MESSAGE = 'somebody else holds what the report changes';
				END IF;
				SELECT * INTO a FROM appointment b WHERE b.appointment_id = m.appointment_id;
			END IF;
			UPDATE message o
				SET bounced_at = now_at, lease_until = NULL,
					state = CASE WHEN o.state IN ('sent', 'queued', 'claimed') THEN 'refused' ELSE o.state END,
					reply = left(concat_ws(' ', 'came back:', status), 1000)
				WHERE o.message_id = m.message_id;
			PERFORM record('message_bounced', m.office_id, m.case_id, of_appointment => m.appointment_id, of_message => m.message_id,
				why => m.kind, more => jsonb_strip_nulls(jsonb_build_object('status', status)));
			IF first_word THEN
				PERFORM invitation_refused(ARRAY[m.message_id]);
				-- What still waits would tell of what has ended. Newer states whose copy is on its way come back, too.
				PERFORM overtake(ARRAY[m.uid]), end_pages(ARRAY[m.appointment_id])
					FROM appointment b WHERE b.appointment_id = m.appointment_id AND NOT b.live;
				-- A reminder, or the state once more, may have arrived all the same.
				PERFORM queue_appointments('cancel', ARRAY[m.appointment_id], now_at)
					FROM appointment b WHERE b.appointment_id = m.appointment_id AND b.state IN ('declined', 'lapsed', 'replaced', 'cancelled')
						AND EXISTS (SELECT FROM message o WHERE o.uid = m.uid AND o.method = 'REQUEST' AND o.state = 'sent')
						AND NOT EXISTS (SELECT FROM message o WHERE o.uid = m.uid AND o.method = 'CANCEL' AND o.state IN ('claimed', 'sent'));
			ELSE
				-- It came back before its window was opened, and none will be.
				PERFORM tell_soon(a.request_id, now_at) WHERE leaves_unasked(m);
			END IF;
			RETURN CASE WHEN NOT first_word OR a.pinned THEN NULL WHEN (SELECT b.live FROM appointment b WHERE b.appointment_id = m.appointment_id) THEN 'stands'
				WHEN a.live THEN 'ended' ELSE 'had_ended' END;
		END
	$$;
COMMENT ON FUNCTION vac_store.bounced(message, text, timestamptz) IS
	'A message came back for good: the first word of an appointment marks the address and has its request planned again at once; '
	'of anything else it stands in the views (to_telephone, suppressed), and of what they were to answer and have no window for the supervisors are told. Returns what became of the appointment whose first word it was: ended, had_ended, '
	'stands (a newer state of it went out since, and comes back by itself); NULL: it was not, or stands because a person set it';

CREATE OR REPLACE FUNCTION vac_store.judge_report(mail inbound, letter jsonb, of_message bigint, now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			m message;
			first_word_of text;
		BEGIN
			-- The mailer may be writing into it.
			SELECT * INTO m FROM message o WHERE o.message_id = of_message FOR NO KEY UPDATE NOWAIT;
			mail.message_id := m.message_id;
			mail.office_id := coalesce(mail.office_id, m.office_id);
			mail.appointment_id := m.appointment_id;
			mail.coordinator_id := (SELECT a.coordinator_id FROM appointment a WHERE a.appointment_id = m.appointment_id
				AND m.kind NOT IN ('notice', 'requester'));
			IF m.kind = 'shift' THEN
				mail.coordinator_id := (SELECT d.coordinator_id FROM duty_shift d WHERE d.uid = m.uid);
			END IF;
			mail.said := CASE WHEN letter ->> 'action' IN ('failed', 'delayed', 'delivered', 'relayed', 'expanded') THEN letter ->> 'action' END;
			IF letter ->> 'action' = 'delayed' THEN
				UPDATE message o SET delayed_at = now_at WHERE o.message_id = m.message_id;
				RETURN settled(mail, 'delivery_delayed', 'not delivered yet; its mail server goes on trying');
			ELSIF letter ->> 'action' IS DISTINCT FROM 'failed' THEN
				RETURN settled(mail, 'delivery_other', 'a report that says neither failed nor delayed');
			ELSIF m.bounced_at IS NOT NULL THEN
				RETURN settled(mail, 'duplicate', 'that it came back is known');
			END IF;
			first_word_of := bounced(m, letter ->> 'status', now_at);
			IF first_word_of IS NOT NULL THEN
				RETURN settled(mail, 'delivery_failed', 'the invitation came back: ' || CASE first_word_of
					WHEN 'ended' THEN 'planned again with somebody else, the address is marked'
					WHEN 'stands' THEN 'the address is marked; the appointment has changed since, and that is sent by itself'
					ELSE 'the address is marked; the appointment had ended' END);
			END IF;
			RETURN settled(mail, 'delivery_failed', format('the %s came back%s', kind_text(m.kind), CASE WHEN m.kind IN ('cancel', 'update') OR bounce_leaves_unknown(m)
				THEN ': somebody must telephone, see vac.to_telephone'
				WHEN m.kind = 'shift' THEN ': its holder does not know of it, please telephone' ELSE '' END), m.kind = 'shift' AND upper(m.span) > now_at);
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_report(inbound, jsonb, bigint, timestamptz) IS
	'A delivery report with the token of one of our messages: failed, delayed, or something else';

-- ---- robots ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.judge_robot(mail inbound, of_coordinator integer, now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			mail.coordinator_id := of_coordinator;
			IF of_coordinator IS NULL THEN
				RETURN settled(mail, 'automatic_reply', 'an automatic reply');
			END IF;
			PERFORM FROM coordinator k WHERE k.coordinator_id = of_coordinator FOR NO KEY UPDATE NOWAIT;
			UPDATE coordinator k SET away_noted_at = now_at WHERE k.coordinator_id = of_coordinator;
			RETURN settled(mail, 'automatic_reply', 'an automatic reply, noted beside the coordinator; no answer');
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_robot(inbound, integer, timestamptz) IS
	'An automatic reply (out of office): noted beside the coordinator it comes from, and no answer';

-- ---- one mail --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.judge_mail(mail inbound, letter jsonb, record jsonb, handle text, purpose text, token_state text)
	RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			kind text := letter ->> 'kind';
			writer coordinator := coordinator_of_address(letter ->> 'from');
			against text := auth_problem(letter, kind = 'plain');
			a appointment;
			of_message bigint;
		BEGIN
			mail.kind := kind;
			mail.from_address := left(letter ->> 'from', 254);
			mail.coordinator_id := writer.coordinator_id;
			IF token_state = 'good' AND purpose = 'answer' THEN
				SELECT * INTO a FROM appointment b WHERE b.answer_handle = handle;
				mail.appointment_id := a.appointment_id;
				mail.office_id := a.office_id;
			ELSIF token_state = 'good' AND purpose = 'bounce' THEN
				of_message := (SELECT m.message_id FROM message m WHERE m.bounce_handle = handle);
			END IF;
			IF EXISTS (SELECT FROM mail_identity i WHERE split_part(letter ->> 'from', '@', 2) = split_part(lower(i.sender), '@', 2)
					AND regexp_replace(split_part(letter ->> 'from', '@', 1), '(-b)?([+=-].*)?$', '') = split_part(lower(i.sender), '@', 1)) THEN
				RETURN settled(mail, 'left_alone', 'it comes from our own address');
			ELSIF kind = 'unreadable' THEN
				RETURN settled(mail, 'unreadable', 'it cannot be read');
			ELSIF kind = 'report' THEN
				RETURN CASE WHEN of_message IS NOT NULL THEN judge_report(mail, letter, of_message, wall())
					WHEN letter ->> 'action' IS DISTINCT FROM 'failed' THEN settled(mail, 'delivery_other', 'a report about none of our messages')
					WHEN token_state = 'unknown' THEN settled(mail, 'unknown_token', 'a report whose token is none of ours')
					ELSE settled(mail, 'no_token', 'a report that does not say which message came back') END;
			ELSIF kind = 'automatic' OR kind = 'plain' AND (letter ->> 'automatic')::boolean THEN
				RETURN judge_robot(mail, coalesce(writer.coordinator_id, a.coordinator_id, (SELECT b.coordinator_id
					FROM message m JOIN appointment b ON b.appointment_id = m.appointment_id
					WHERE m.message_id = of_message AND m.kind NOT IN ('notice', 'requester'))), wall());
			ELSIF kind = 'plain' AND letter ->> 'word' IS NULL THEN
				RETURN settled(mail, 'no_calendar', 'plain text without a clear first word');
			ELSIF against IS NOT NULL THEN
				RETURN settled(mail, 'auth_failed', against);
			ELSIF letter ->> 'method' IN ('REQUEST', 'PUBLISH', 'CANCEL') THEN
				RETURN take_leave(mail, letter, record, writer);
			ELSIF kind = 'calendar' AND coalesce(letter ->> 'method' NOT IN ('REPLY', 'COUNTER', 'REFRESH'), true) THEN
				RETURN settled(mail, 'unsupported_method', 'its method is none that an answer has');
			ELSIF token_state = 'unknown' THEN
				RETURN settled(mail, 'unknown_token', 'its address is none that we gave out');
			ELSIF token_state IS DISTINCT FROM 'good' OR purpose IS DISTINCT FROM 'answer' THEN
				RETURN settled(mail, 'no_token', 'its address does not say what it answers');
			ELSIF a.appointment_id IS NULL THEN
				RETURN coalesce(judge_shift_answer(mail, letter, handle), settled(mail, 'left_alone', 'an answer to a test invitation'));
			END IF;
			RETURN judge_answer(mail, letter, a, writer);
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_mail(inbound, jsonb, jsonb, text, text, text) IS
	'What becomes of a mail, in the order of questions: from ourselves, unreadable, a report, a robot, words, forged, leave, method, token; then whose answer it is and what it does';

CREATE OR REPLACE FUNCTION vac_store.settle(mail inbound) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		UPDATE inbound i
			SET state = mail.state, lease_until = NULL, handled_at = wall(), outcome = mail.outcome, why = mail.why, kind = mail.kind, said = mail.said,
				record = mail.record, office_id = mail.office_id, appointment_id = mail.appointment_id, coordinator_id = mail.coordinator_id,
				message_id = mail.message_id, from_address = mail.from_address
			WHERE i.inbound_id = mail.inbound_id;
	$$;
COMMENT ON FUNCTION vac_store.settle(inbound) IS 'Stores the outcome of a mail';

-- A person's open transaction, or another daemon's: a little later, and later each time.
CREATE OR REPLACE FUNCTION vac_store.postpone_mail(mail inbound, now_at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		UPDATE inbound i
			SET state = 'waiting', lease_until = NULL,
				not_before = now_at + least(0.25 * power(2, least(i.fence, 20)), 30) * interval '1 second'
			WHERE i.inbound_id = mail.inbound_id;
	$$;
COMMENT ON FUNCTION vac_store.postpone_mail(inbound, timestamptz) IS 'A mail whose rows somebody else has locked can be claimed again a little later';

CREATE OR REPLACE FUNCTION vac_daemon.take_mail(inbound_id bigint, fence bigint, record jsonb, handle text, purpose text, token_state text,
		authserv_id text DEFAULT '')
	RETURNS TABLE (outcome text, why text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET lock_timeout = '250ms'
	AS $$
		#variable_conflict use_column
		DECLARE
			mail inbound;
			letter jsonb;
			code text;
		BEGIN
			SELECT * INTO mail FROM inbound i
				WHERE i.inbound_id = take_mail.inbound_id AND i.fence = take_mail.fence AND i.state = 'claimed' FOR NO KEY UPDATE;
			IF NOT FOUND THEN
				RETURN QUERY SELECT 'fence', NULL::text;
				RETURN;
			END IF;
			mail.raw := NULL;
			BEGIN
				letter := letter_of(take_mail.record, take_mail.authserv_id);
			EXCEPTION WHEN OTHERS THEN
				letter := '{"kind": "unreadable"}';
			END;
			BEGIN
				mail := judge_mail(mail, letter, take_mail.record, take_mail.handle, take_mail.purpose, take_mail.token_state);
				PERFORM settle(mail);
				RETURN QUERY SELECT mail.outcome, mail.why;
				RETURN;
			EXCEPTION
				WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
					code := NULL;
				WHEN OTHERS THEN
					code := SQLSTATE;
			END;
			IF code IS NULL THEN
				PERFORM postpone_mail(mail, wall());
				RETURN QUERY SELECT 'again', 'somebody else holds what it changes';
			ELSE
				code := format('an unexpected error of the database (%s)', code);
				RETURN QUERY SELECT CASE count_death(mail.inbound_id, code, wall()) WHEN 'listed' THEN 'set_aside' ELSE 'again' END, code;
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.take_mail(bigint, bigint, jsonb, text, text, text, text) IS
	'Takes a claimed mail by its record and acts, all in one transaction: the outcome and the reason in words. fence: it was another''s, or done already; '
	'again: it can be claimed again (rows were locked, or an unexpected error; at the second it is set_aside). handle, purpose, token_state (good, none, unknown): what the daemon says of its token; authserv_id: the configured name of our mail server, empty: none';
