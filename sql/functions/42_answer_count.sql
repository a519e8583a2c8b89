-- Which answer counts: RFC 5546, 2.1.5, by SEQUENCE and DTSTAMP, and what may be mailed in return.

CREATE OR REPLACE FUNCTION vac_store.stamp_of(letter jsonb, answer jsonb, received timestamptz) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		-- A clock years ahead would make every later answer an older one: it is not believed.
		SELECT coalesce(
			CASE WHEN at_epoch((answer ->> 'stamped')::bigint) <= received + interval '1 day' THEN at_epoch((answer ->> 'stamped')::bigint) END,
			CASE WHEN at_epoch((letter ->> 'date')::bigint) <= received + interval '1 day' THEN at_epoch((letter ->> 'date')::bigint) END,
			date_trunc('second', received));
	$$;
COMMENT ON FUNCTION vac_store.stamp_of(jsonb, jsonb, timestamptz) IS
	'When an answer was given: its DTSTAMP, else the Date header, else when it came; what lies more than a day after it came is passed over';

CREATE OR REPLACE FUNCTION vac_store.start_kept(a appointment, since integer) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN coalesce((SELECT bool_and(lower(m.span) = lower(a.span)) AND min(m.sequence) = since
				FROM message m WHERE m.uid = a.uid AND m.method = 'REQUEST' AND m.sequence >= since), false);
		END
	$$;
COMMENT ON FUNCTION vac_store.start_kept(appointment, integer) IS 'Whether the start has been the same in all states of an appointment since this SEQUENCE';

-- say: the PARTSTAT, or COUNTER; start: what the answer takes to be the appointment's start.
CREATE OR REPLACE FUNCTION vac_store.is_duplicate(a appointment, who integer, letter jsonb, answer jsonb, received timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN EXISTS (SELECT FROM answer o
				WHERE o.appointment_id = a.appointment_id AND o.coordinator_id = who
					AND o.partstat = answer ->> 'say' AND o.said_sequence IS NOT DISTINCT FROM (answer ->> 'sequence')::integer
					AND o.mail_message_id IS NOT DISTINCT FROM letter ->> 'message_id'
					-- The time of receipt tells no two copies of a mail from two mails.
					AND (o.stamped = stamp_of(letter, answer, received)
						OR (letter ->> 'message_id' IS NOT NULL AND answer ->> 'stamped' IS NULL AND letter ->> 'date' IS NULL)));
		END
	$$;
COMMENT ON FUNCTION vac_store.is_duplicate(appointment, integer, jsonb, jsonb, timestamptz) IS
	'Whether this very answer was taken already: same token, SEQUENCE, DTSTAMP, PARTSTAT and Message-ID';

CREATE OR REPLACE FUNCTION vac_store.counts(a appointment, who integer, letter jsonb, answer jsonb, received timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			said integer := answer ->> 'sequence';
			-- iCalendar knows whole seconds.
			starts bigint := answer ->> 'start';
			stamped timestamptz := stamp_of(letter, answer, received);
			latest answer;
		BEGIN
			IF said < a.sequence AND NOT coalesce(starts = epoch(lower(a.span)), false) AND NOT start_kept(a, said) THEN
				RETURN 'stale';
			END IF;
			SELECT * INTO latest FROM answer o
				WHERE o.appointment_id = a.appointment_id AND o.coordinator_id = who
				ORDER BY o.sequence DESC, o.stamped DESC, o.weight DESC, o.answer_id DESC LIMIT 1;
			RETURN CASE
				WHEN latest.answer_id IS NULL OR latest.sequence < a.sequence OR latest.stamped < stamped THEN 'counts'
				WHEN latest.stamped > stamped THEN 'older'
				WHEN latest.partstat = answer ->> 'say' THEN 'duplicate'
				WHEN latest.weight < answer_weight(answer ->> 'say') THEN 'counts'
				ELSE 'older' END;
		END
	$$;
COMMENT ON FUNCTION vac_store.counts(appointment, integer, jsonb, jsonb, timestamptz) IS
	'Whether an answer counts: counts; stale (to a start that is no longer the appointment''s); older (than the last one taken, or of the same second and less firm); '
	'duplicate (of the same second and the same). It does not depend on the order of arrival';

CREATE OR REPLACE FUNCTION vac_store.answer_weight(say text) RETURNS integer
	LANGUAGE sql IMMUTABLE
	-- As the column weight of table answer.
	RETURN CASE say WHEN 'DECLINED' THEN 5 WHEN 'DELEGATED' THEN 4 WHEN 'COUNTER' THEN 3 WHEN 'ACCEPTED' THEN 2 ELSE 1 END;
COMMENT ON FUNCTION vac_store.answer_weight(text) IS 'Which of two answers of the same second counts: the higher';

CREATE OR REPLACE FUNCTION vac_store.keep_answer(a appointment, who coordinator, letter jsonb, answer jsonb, mail inbound) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			INSERT INTO answer (inbound_id, appointment_id, coordinator_id, address, said_sequence, sequence, stamped, partstat,
					mail_message_id, taken_at)
				VALUES (mail.inbound_id, a.appointment_id, who.coordinator_id, mail.from_address, (answer ->> 'sequence')::integer, a.sequence,
					stamp_of(letter, answer, mail.received_at), answer ->> 'say', letter ->> 'message_id', wall());
			-- Who answers is not away.
			UPDATE coordinator k SET away_noted_at = NULL WHERE k.coordinator_id = who.coordinator_id AND k.away_noted_at IS NOT NULL;
			IF (answer ->> 'sequence')::integer > a.sequence THEN
				PERFORM record('answer_ahead', a.office_id, a.case_id, a.request_id, a.appointment_id, who.coordinator_id,
					more => jsonb_build_object('sequence', a.sequence, 'said', answer -> 'sequence'));
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.keep_answer(appointment, coordinator, jsonb, jsonb, inbound) IS
	'Records an answer that counts, as one to the state that the appointment has now; one that names a higher SEQUENCE is noted in history';

-- ---- what is mailed in return ----------------------------------------------------------------
-- Two programs that answer each other must come to an end: nothing to robots, once a mail, and only so
-- often about one appointment.
CREATE OR REPLACE FUNCTION vac_store.mail_mark(letter jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE
	-- History is kept for ever, and whoever writes a mail can write anything into its Message-ID.
	RETURN left(encode(sha256(convert_to(letter ->> 'message_id', 'UTF8')), 'hex'), 32);
COMMENT ON FUNCTION vac_store.mail_mark(jsonb) IS 'What history keeps of a mail to know it again: a hash of its Message-ID; NULL: it has none';

CREATE OR REPLACE FUNCTION vac_store.may_answer(a appointment, letter jsonb) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			RETURN CASE
				WHEN (letter ->> 'automatic')::boolean THEN 'a robot wrote it'
				WHEN EXISTS (SELECT FROM case_record c WHERE c.case_id = a.case_id AND c.held_since IS NOT NULL) THEN 'the case is on hold'
				WHEN EXISTS (SELECT FROM history h WHERE h.case_id = a.case_id AND h.event = 'told_again'
					AND h.detail ->> 'mail' = mail_mark(letter)) THEN 'the same mail had its answer'
				WHEN (SELECT count(*) FROM history h WHERE h.case_id = a.case_id AND h.appointment_id = a.appointment_id
					AND h.event IN ('told_again', 'time_changed') AND h.at > now_at - interval '24 hours')
					>= policy_number('automatic_mail_a_day') THEN 'it had enough automatic mail today' END;
		END
	$$;
COMMENT ON FUNCTION vac_store.may_answer(appointment, jsonb) IS
	'Why no mail about an appointment goes out by itself in return for this one; NULL: it may';

CREATE OR REPLACE FUNCTION vac_store.queue_counter_refused(a appointment, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient, recipient_name, first_uuid,
					made_at, span, subject, body, summary, location, bounce_handle, answer_handle, key_id, sender, not_before, urgent)
			SELECT 'counter_refused', a.office_id, a.case_id, a.appointment_id, 'DECLINECOUNTER', a.uid, a.sequence, k.mail, k.name,
					(SELECT m.mail_uuid FROM message m WHERE m.uid = a.uid ORDER BY m.message_id LIMIT 1),
					date_trunc('second', now_at), a.span, 'Not changed: case ' || c.case_code || ', ' || local_text(lower(a.span), o.time_zone),
					format(E'%s,\n\nthe time that you proposed for case %s cannot be taken. The appointment stays as it is;\nplease accept or decline it.\n\nWhen: %s\nOffice: %s\nCall: %s, day and night\n',
						k.name, c.case_code, span_text(a.span, o.time_zone), o.code, o.telephone),
					'Case ' || c.case_code, o.code || ' ' || CASE r.mode WHEN 'telephone' THEN 'telephone' ELSE r.place END,
					handle(), a.answer_handle, coalesce(a.key_id, i.key_id), coalesce(a.sender, i.sender), now_at, a.urgency = 'immediate'
				FROM case_record c
					JOIN request r ON r.request_id = a.request_id
					JOIN office o ON o.office_id = a.office_id
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id
					LEFT JOIN mail_identity i ON i.one
				WHERE c.case_id = a.case_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.queue_counter_refused(appointment, timestamptz) IS 'Queues a DECLINECOUNTER: the appointment stays as it is';

CREATE OR REPLACE FUNCTION vac_store.tell_again(a appointment, what text, letter jsonb, now_at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			against text := may_answer(a, letter);
		BEGIN
			-- What still waits is the newest state and tells it; a message more would overtake it.
			IF against IS NOT NULL OR EXISTS (SELECT FROM message m WHERE m.uid = a.uid AND m.waiting) THEN
				RETURN against;
			END IF;
			IF what = 'counter_refused' THEN
				PERFORM queue_counter_refused(a, now_at);
			ELSE
				PERFORM queue_appointments(what, ARRAY[a.appointment_id], now_at);
			END IF;
			IF what = 'update' AND a.partstat IN ('ACCEPTED', 'TENTATIVE') THEN
				UPDATE message m SET partstat = a.partstat WHERE m.uid = a.uid AND m.state = 'queued';
			END IF;
			PERFORM record('told_again', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id, why => what,
				more => jsonb_strip_nulls(jsonb_build_object('mail', mail_mark(letter))));
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_again(appointment, text, jsonb, timestamptz) IS
	'In return for a mail the newest state goes out once more (update, cancel; the same SEQUENCE), or a DECLINECOUNTER (counter_refused); NULL, or why not';
