-- After the meeting its holder is asked what became of it; what nobody says is told to the supervisors. And what
-- is kept no longer: raw mail that came in, texts of mail that went out.

CREATE OR REPLACE FUNCTION vac_store.queue_ask(a appointment, now_at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		INSERT INTO message (kind, office_id, case_id, appointment_id, uid, sequence, words, recipient, recipient_name, first_uuid, made_at, subject, body,
				bounce_handle, answer_handle, key_id, sender, not_before)
		SELECT 'ask', a.office_id, a.case_id, a.appointment_id, a.uid, a.sequence, 'held missed', k.mail, k.name,
				(SELECT m.mail_uuid FROM message m WHERE m.uid = a.uid ORDER BY m.message_id LIMIT 1), date_trunc('second', now_at),
				format('Case %s: what became of the meeting?', c.case_code),
				format(E'%s,\n\nyour appointment for case %s is over.\n\nIt was: %s\nOffice: %s\n\nWhat became of it? Please answer with one word in the first line:\n\nheld - you met, or spoke on the telephone\nmissed - you did not\n\nCall: %s, day and night\n',
					k.name, c.case_code, span_text(a.span, o.time_zone), o.code, o.telephone),
				handle(), a.answer_handle, coalesce(a.key_id, i.key_id), coalesce(a.sender, i.sender), now_at
			FROM coordinator k, case_record c, office o LEFT JOIN mail_identity i ON i.one
			WHERE k.coordinator_id = a.coordinator_id AND c.case_id = a.case_id AND o.office_id = a.office_id;
	$$;
COMMENT ON FUNCTION vac_store.queue_ask(appointment, timestamptz) IS 'Queues the question to the holder of a meeting what became of it';

CREATE OR REPLACE FUNCTION vac_store.pass_asking(id bigint, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			a appointment;
			c case_record;
			again timestamptz := now_at + greatest(policy_number('outcome_ask_again'), 1) * interval '1 minute';
		BEGIN
			IF NOT lock_appointment(id) THEN
				RETURN false;
			END IF;
			SELECT * INTO a FROM appointment p WHERE p.appointment_id = id;
			SELECT * INTO c FROM case_record e WHERE e.case_id = a.case_id;
			IF NOT a.live OR a.ask_at IS NULL OR a.ask_at > now_at THEN
				RETURN false;
			END IF;
			-- Nothing is sent of a case on hold; the view lists it all the same.
			IF c.state = 'open' AND c.held_since IS NULL THEN
				IF EXISTS (SELECT FROM coordinator k WHERE k.coordinator_id = a.coordinator_id AND k.retired_at IS NOT NULL) THEN
					-- Who has left is not asked any more.
					a.asks := greatest(a.asks, policy_number('outcome_asks'));
					UPDATE appointment p SET asks = a.asks WHERE p.appointment_id = id;
				END IF;
				IF a.asks < policy_number('outcome_asks') THEN
					PERFORM queue_ask(a, now_at);
					a.asks := a.asks + 1;
				ELSE
					PERFORM tell_of_missing(a.office_id, now_at);
					again := greatest(again, now_at + policy_number('notice_again', a.urgency) * interval '1 minute');
				END IF;
			END IF;
			UPDATE appointment p SET asks = a.asks, ask_at = again WHERE p.appointment_id = id AND c.state = 'open';
			IF NOT FOUND THEN
				UPDATE appointment p SET ask_at = NULL WHERE p.appointment_id = id;
			END IF;
			RETURN true;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_asking(bigint, timestamptz) IS
	'A meeting is over and nobody said what became of it: its holder is asked, some times, and then the supervisors are told; false: somebody holds it';

-- All of an office that is due in one notice, so that the others need none of their own.
CREATE OR REPLACE FUNCTION vac_store.tell_of_missing(of_office integer, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			ids bigint[] := ARRAY(SELECT a.appointment_id FROM appointment a
				WHERE a.live AND a.ask_at <= now_at AND a.office_id = of_office AND a.asks >= policy_number('outcome_asks')
				ORDER BY a.appointment_id FOR NO KEY UPDATE SKIP LOCKED);
			lines text;
		BEGIN
			SELECT string_agg(format('%s: %s, %s, %s', c.case_code, span_text(a.span, o.time_zone), k.name, k.telephone), E'\n'
					ORDER BY lower(a.span), a.appointment_id)
				INTO lines
				FROM appointment a
					JOIN case_record c ON c.case_id = a.case_id AND c.state = 'open' AND c.held_since IS NULL
					JOIN office o ON o.office_id = a.office_id
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id
				WHERE a.appointment_id = ANY (ids) AND a.live AND a.ask_at <= now_at;
			IF lines IS NOT NULL THEN
				PERFORM tell_supervisors(of_office, 'no word of meetings that are over',
					E'Nobody has said what became of these meetings:\n\n' || lines
						|| E'\n\nvac.awaiting_outcome lists all that are missing.\n', false, true, now_at);
			END IF;
			UPDATE appointment a
				SET ask_at = now_at + greatest(policy_number('outcome_ask_again'), policy_number('notice_again', a.urgency), 1) * interval '1 minute'
				WHERE a.appointment_id = ANY (ids) AND a.ask_at <= now_at;
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_of_missing(integer, timestamptz) IS
	'One bundled notice to the supervisors of an office about meetings whose holders were asked in vain';

-- ---- what is kept no longer ------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.kept_until(policy_name text, now_at timestamptz) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN now_at - vac_store.policy_number(policy_name) * interval '24 hours';
COMMENT ON FUNCTION vac_store.kept_until(text, timestamptz) IS 'What is older than this is kept no longer by that policy';

-- One row has the bytes of all recipients.
CREATE OR REPLACE FUNCTION vac_store.is_read(of_delivery uuid) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN NOT EXISTS (SELECT FROM vac_store.inbound o WHERE o.delivery = of_delivery AND o.waiting);
COMMENT ON FUNCTION vac_store.is_read(uuid) IS 'Whether a mail waits to be read for none of its recipients';

CREATE OR REPLACE FUNCTION vac_store.pass_cleaning(now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			n bigint;
			m bigint;
		BEGIN
			IF NOT may_remove(now_at) THEN
				RETURN false;
			END IF;
			UPDATE inbound i SET raw = NULL, record = NULL
				WHERE i.inbound_id IN (SELECT o.inbound_id FROM inbound o
					WHERE o.raw IS NOT NULL AND o.received_at <= kept_until('keep_raw_inbound', now_at) AND is_read(o.delivery)
					ORDER BY o.received_at LIMIT 50 FOR NO KEY UPDATE SKIP LOCKED);
			GET DIAGNOSTICS n = ROW_COUNT;
			UPDATE message g SET subject = '(deleted)', body = '(deleted)', summary = NULL, location = NULL, description = NULL, signature = NULL, reply = NULL,
					cleared_at = now_at
				WHERE g.message_id IN (SELECT o.message_id FROM message o
					WHERE o.cleared_at IS NULL AND NOT o.waiting AND o.made_at <= kept_until('keep_sent_mail', now_at)
					ORDER BY o.made_at LIMIT 100 FOR NO KEY UPDATE SKIP LOCKED);
			GET DIAGNOSTICS m = ROW_COUNT;
			RETURN n + m > 0;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_cleaning(timestamptz) IS
	'Deletes raw mail that came in and texts of mail that went out, some of those that policies keep_raw_inbound and keep_sent_mail keep no longer';
