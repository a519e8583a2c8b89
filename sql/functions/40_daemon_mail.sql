-- The outbox, as the mailer sees it. One message of a UID is in flight at a time.
--
-- message_id + 0: a plan is made while the queue is empty and all indexes cost the same, and is kept while it grows. An index
-- that is led by another column, or only by the key, is then read from end to end for each message.

-- What an older message of the UID makes a newer one wait for: the end of its lease or of the time in
-- which a mail server may still be taking it, and a margin.
-- This and the next in PL/pgSQL, which keeps its plan for the session: one for all generations takes long to make.
CREATE OR REPLACE FUNCTION vac_store.uid_free_at(of_uid uuid, before_id bigint, margin interval) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
		BEGIN
			RETURN (SELECT max(greatest(CASE WHEN o.state = 'claimed' THEN o.lease_until + margin END, o.uncertain_until))
				FROM message o WHERE o.uid = of_uid AND o.message_id + 0 < before_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.uid_free_at(uuid, bigint, interval) IS
	'Until when older messages of a UID may still be on their way; NULL: none is';

-- A refused counter-proposal and a question are about an appointment and say nothing of its state.
CREATE OR REPLACE FUNCTION vac_store.is_overtaken(of_uid uuid, by_later_than bigint) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
		BEGIN
			RETURN EXISTS (SELECT FROM message n
				WHERE n.uid = of_uid AND n.message_id + 0 > by_later_than AND n.method IN ('REQUEST', 'CANCEL'));
		END
	$$;
COMMENT ON FUNCTION vac_store.is_overtaken(uuid, bigint) IS 'Whether a newer message tells the state of this UID';

CREATE OR REPLACE FUNCTION vac_store.mail_margin() RETURNS interval
	LANGUAGE sql STABLE
	RETURN vac_store.policy_number('mail_margin_seconds') * interval '1 second';
COMMENT ON FUNCTION vac_store.mail_margin() IS 'Wait after a lease is over, before a message of the same UID is sent';

-- No newer state overtakes these: a page belongs to no UID, and of an answer nothing is mailed.
CREATE OR REPLACE FUNCTION vac_store.is_unneeded(m vac_store.message) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN m.kind IN ('page', 'reminder', 'ask') AND EXISTS (SELECT FROM appointment a WHERE a.appointment_id = m.appointment_id
				AND CASE m.kind WHEN 'reminder' THEN a.state <> 'invited'
					-- It was another time when that was asked, or the clock was ahead.
					WHEN 'ask' THEN NOT a.live OR upper(a.span) > wall()
					ELSE NOT a.live END);
		END
	$$;
COMMENT ON FUNCTION vac_store.is_unneeded(message) IS
	'Whether a page calls somebody to an appointment that has ended meanwhile, a reminder asks for an answer that has come, or a question for an outcome that is known or of a meeting that is not over';

-- A claim that its daemon did not finish: what it last wrote may still be under way.
-- STABLE as what it is made of, or it would be called for each row and not written in.
CREATE OR REPLACE FUNCTION vac_store.margin_after(lease_until timestamptz, now_at timestamptz, margin interval) RETURNS timestamptz
	LANGUAGE sql STABLE
	RETURN CASE WHEN lease_until IS NOT NULL THEN least(lease_until, now_at) + margin END;
COMMENT ON FUNCTION vac_store.margin_after(timestamptz, timestamptz, interval) IS
	'Until when newer states wait for a claim that is given up now: a margin after its lease; NULL: there was none';

CREATE OR REPLACE FUNCTION vac_daemon.claim_messages(daemon_id uuid, most integer, lease_ms integer)
	RETURNS TABLE (message_id bigint, fence bigint, kind text, method text, uid text, sequence integer, recipient text,
		recipient_name text, sender text, key_id text, mail_uuid text, first_uuid text, made_at bigint,
		starts bigint, ends bigint, subject text, body text, summary text, location text, description text,
		renderer integer, bounce_handle text, answer_handle text, partstat text, partner text, shown_free boolean, words text,
		attempts integer, signature text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			margin interval := mail_margin();
			identity mail_identity;
			rules bigint := (SELECT n.version FROM neutral_rules n);
			ids bigint[];
			over bigint[];
			ends text[];
			stale bigint[];
		BEGIN
			IF NOT is_home() THEN
				RETURN;
			END IF;
			PERFORM note_work(now_at), fit_plans();
			SELECT * INTO identity FROM mail_identity i;
			ids := ARRAY(
				SELECT m.message_id FROM message m
					WHERE m.waiting
						AND CASE m.state WHEN 'queued' THEN m.not_before <= now_at
							ELSE m.lease_until <= now_at OR m.lease_until > now_at + longest_lease() END
						AND (m.sender IS NOT NULL OR identity.sender IS NOT NULL)
						-- As uid_free_at() has it.
						AND (m.uid IS NULL OR NOT EXISTS (SELECT FROM message o
							WHERE o.uid = m.uid AND o.message_id + 0 < m.message_id
								AND greatest(CASE WHEN o.state = 'claimed' THEN o.lease_until + margin END, o.uncertain_until) > now_at))
					ORDER BY m.urgent DESC, m.message_id
					LIMIT most
					FOR NO KEY UPDATE SKIP LOCKED);
			IF ids = '{}' THEN
				RETURN;
			END IF;
			-- A new statement sees what was committed before the rows were locked. It looks at all that may keep a
			-- message back, which of most is nothing. Some things come to an end while mail waits; a page that was
			-- claimed while its call-out ended came back to the queue; nothing is sent for a held case; and words
			-- and domains that were added since a message was stored hold for it too.
			SELECT coalesce(array_agg(w.message_id) FILTER (WHERE w.ends IS NOT NULL), '{}'),
					coalesce(array_agg(w.ends) FILTER (WHERE w.ends IS NOT NULL), '{}'),
					coalesce(array_agg(w.message_id) FILTER (WHERE w.ends IS NULL AND w.stale), '{}')
				INTO over, ends, stale
				FROM (SELECT m.message_id, m.checked <> rules AS stale, CASE
							-- As is_overtaken() has it.
							WHEN m.uid IS NOT NULL AND EXISTS (SELECT FROM message n
								WHERE n.uid = m.uid AND n.message_id + 0 > m.message_id AND n.method IN ('REQUEST', 'CANCEL')) THEN 'overtaken'
							WHEN m.kind IN ('page', 'reminder', 'ask') AND is_unneeded(m) THEN 'unneeded'
							WHEN EXISTS (SELECT FROM case_record c WHERE c.case_id = m.case_id AND c.held_since IS NOT NULL)
								THEN 'suppressed' END AS ends
						FROM message m WHERE m.message_id = ANY (ids)
						OFFSET 0) w;  -- written in, it would be worked out for each time that it is named
			IF over <> '{}' THEN
				WITH ended AS (
					UPDATE message m SET state = u.ends, lease_until = NULL,
							uncertain_until = greatest(m.uncertain_until, margin_after(m.lease_until, now_at, margin))
						FROM unnest(over, ends) u (message_id, ends)
						WHERE m.message_id = ANY (over) AND m.message_id = u.message_id
						RETURNING m.message_id, m.office_id, m.case_id, m.appointment_id, m.state
				)
				INSERT INTO history (event, office_id, case_id, appointment_id, message_id, reason)
					SELECT 'message_suppressed', e.office_id, e.case_id, e.appointment_id, e.message_id, 'held'
						FROM ended e WHERE e.state = 'suppressed';
			END IF;
			IF stale <> '{}' THEN
				PERFORM recheck(stale);
			END IF;
			RETURN QUERY
			WITH claimed AS (
				UPDATE message m
					SET state = 'claimed', lease_until = now_at + lease_of(lease_ms), fence = m.fence + 1,
						claimed_by = claim_messages.daemon_id, ever_claimed = true,
						uncertain_until = greatest(m.uncertain_until, margin_after(m.lease_until, now_at, margin)),
						sender = coalesce(m.sender, identity.sender), key_id = coalesce(m.key_id, identity.key_id)
					-- In words of which no index knows: else all that waits may be read for these.
					WHERE m.message_id = ANY (ids) AND coalesce(m.waiting, false)
					RETURNING m.*
			)
			SELECT c.message_id, c.fence, c.kind, c.method, coalesce(c.uid::text, c.foreign_uid), c.sequence, c.recipient::text,
					c.recipient_name::text, c.sender::text, c.key_id, c.mail_uuid::text, c.first_uuid::text, epoch(c.made_at),
					epoch(lower(c.span)), epoch(upper(c.span)), c.subject, c.body, c.summary, c.location, c.description,
					c.renderer::integer, c.bounce_handle, c.answer_handle, c.partstat, c.partner::text,
					c.shown_free, c.words, c.attempts, c.signature
				FROM claimed c
				ORDER BY c.urgent DESC, c.message_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.claim_messages(uuid, integer, integer) IS
	'Claims messages that are due, urgent ones first; marks on the way what was overtaken, is held, or must not be mailed as it is';

CREATE OR REPLACE FUNCTION vac_store.recheck(message_ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			failed bigint[];
		BEGIN
			WITH now_so AS (
				SELECT m.neutral AS was_neutral, c.*
					FROM message m CROSS JOIN LATERAL neutral_check(m) c
					WHERE m.message_id = ANY (message_ids)
			), changed AS (
				UPDATE message m
					SET checked = n.checked, neutral = n.neutral, state = n.state, lease_until = n.lease_until,
						recipient_name = n.recipient_name, subject = n.subject, body = n.body,
						summary = n.summary, location = n.location, description = n.description,
						signature = CASE WHEN n.neutral = n.was_neutral THEN m.signature END  -- that of another text is none
					FROM now_so n WHERE n.message_id = m.message_id
					RETURNING m.message_id, (m.neutral AND NOT n.was_neutral) OR m.state = 'suppressed' AS failed
			)
			SELECT array_agg(c.message_id) FILTER (WHERE c.failed) INTO failed FROM changed c;
			IF failed IS NOT NULL THEN
				PERFORM neutral_report(failed);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.recheck(bigint[]) IS
	'Checks waiting messages again after protected words, allowed domains or an agency reference changed';

CREATE OR REPLACE FUNCTION vac_daemon.may_send(message_ids bigint[], fences bigint[])
	RETURNS TABLE (message_id bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			RETURN QUERY
			SELECT m.message_id
				FROM unnest(message_ids, fences) u (message_id, fence)
					CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = u.message_id OFFSET 0) m
				WHERE m.fence = u.fence AND m.state = 'claimed' AND m.lease_until > now_at
					AND NOT EXISTS (SELECT FROM case_record c WHERE c.case_id = m.case_id AND c.held_since IS NOT NULL)
					AND (m.uid IS NULL OR NOT EXISTS (SELECT FROM message n
						WHERE n.uid = m.uid AND n.message_id + 0 > m.message_id AND n.method IN ('REQUEST', 'CANCEL')))
					AND CASE WHEN m.kind IN ('page', 'reminder', 'ask') THEN NOT is_unneeded(m) ELSE true END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.may_send(bigint[], bigint[]) IS
	'Asked before the final dot, and ahead for what is queued: which of these are still this daemon''s, within their lease, not held, not overtaken and needed';

-- In one transaction: no dot goes out whose signature is not kept, and what is kept is never made anew.
CREATE OR REPLACE FUNCTION vac_daemon.may_send_signed(message_ids bigint[], fences bigint[], signatures text[])
	RETURNS TABLE (message_id bigint)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			may bigint[] := ARRAY(SELECT s.message_id FROM vac_daemon.may_send(message_ids, fences) s);
		BEGIN
			-- The others of the question, mostly asked for ahead, are not written again.
			UPDATE message m SET signature = u.signature
				FROM unnest(message_ids, fences, signatures) u (message_id, fence, signature)
				WHERE m.message_id = ANY (may) AND m.message_id = u.message_id AND m.fence = u.fence
					AND u.signature IS NOT NULL AND m.signature IS NULL
					AND m.state = 'claimed' AND m.lease_until > wall();
			-- Looked at anew: whoever held a row may have ended it while this waited.
			RETURN QUERY
			SELECT m.message_id
				FROM unnest(message_ids, fences, signatures) u (message_id, fence, signature)
					CROSS JOIN LATERAL (SELECT * FROM message m WHERE m.message_id = u.message_id OFFSET 0) m
				WHERE m.message_id = ANY (may) AND m.fence = u.fence AND m.signature IS NOT DISTINCT FROM u.signature
					AND m.state = 'claimed' AND m.lease_until > wall();
		END
	$$;
COMMENT ON FUNCTION vac_daemon.may_send_signed(bigint[], bigint[], text[]) IS
	'As may_send, of mails with signatures: keeps each before it may go out, and lets none go out that is not the one kept';

-- An update may be the first that its coordinator hears: it overtook the invitation.
CREATE OR REPLACE FUNCTION vac_store.is_first_word(m vac_store.message) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN m.kind IN ('invitation', 'update')
				AND NOT EXISTS (SELECT FROM message e WHERE e.uid = m.uid AND e.state = 'sent');
		END
	$$;
COMMENT ON FUNCTION vac_store.is_first_word(message) IS
	'Whether a message invites somebody to whom no mail server has taken anything about the appointment yet';

-- The news that an appointment was moved, or is to be answered again: no window opens for what was not taken, so nothing
-- else would have anybody told.
CREATE OR REPLACE FUNCTION vac_store.leaves_unasked(m vac_store.message) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN m.kind IN ('invitation', 'update')
				AND EXISTS (SELECT FROM appointment a WHERE a.appointment_id = m.appointment_id AND a.state = 'invited'
					AND a.sequence = m.sequence AND a.answer_by IS NULL);
		END
	$$;
COMMENT ON FUNCTION vac_store.leaves_unasked(message) IS
	'Whether a message that no mail server takes has the state that an appointment has now, which its coordinator is to answer and no window runs for';

-- An invitation that the mail server will never take: its coordinator does not know of it, so the
-- request is planned again at once, with somebody else today.
CREATE OR REPLACE FUNCTION vac_store.invitation_refused(message_ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := wall();
			again bigint[];
		BEGIN
			UPDATE coordinator k SET mail_failed_at = now_at
				FROM message m JOIN appointment a ON a.appointment_id = m.appointment_id
				WHERE m.message_id = ANY (message_ids) AND k.coordinator_id = a.coordinator_id;
			WITH gone AS (
				-- A CANCEL may still be called for, should it have come to somebody all the same.
				UPDATE appointment a SET state = 'replaced', ended_at = now_at, sequence = a.sequence + 1
					FROM message m
					WHERE m.message_id = ANY (message_ids) AND a.appointment_id = m.appointment_id
						AND a.state = 'invited' AND a.sequence = m.sequence AND NOT a.pinned
					RETURNING a.request_id, a.coordinator_id
			), barred AS (
				INSERT INTO request_bar AS b (request_id, coordinator_id, until)
					SELECT g.request_id, g.coordinator_id,
							local_day_start(local_day(now_at, o.time_zone) + 1, o.time_zone)
						FROM gone g
							JOIN coordinator k ON k.coordinator_id = g.coordinator_id
							JOIN office o ON o.office_id = k.office_id
					ON CONFLICT ON CONSTRAINT request_bar_pkey DO UPDATE
						-- Not for good, as after a second no of their own: the mail server may be what is wrong.
						SET until = CASE WHEN b.until IS NOT NULL THEN excluded.until END, times = b.times + 1
			)
			SELECT array_agg(g.request_id) INTO again FROM gone g;
			UPDATE request r SET state = 'open', plan_at = now_at
				WHERE r.request_id = ANY (again) AND r.state = 'planned'
					AND NOT EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.live);
			-- What a supervisor set by hand stays: somebody telephones.
			PERFORM tell_soon(a.request_id, now_at)
				FROM message m JOIN appointment a ON a.appointment_id = m.appointment_id
				WHERE m.message_id = ANY (message_ids) AND a.pinned AND a.live;
		END
	$$;
COMMENT ON FUNCTION vac_store.invitation_refused(bigint[]) IS
	'After final refusals of invitations: marks the addresses, ends the appointments, and has their requests planned again with others; of pinned ones the supervisors are told instead';

CREATE OR REPLACE FUNCTION vac_daemon.finish_messages(message_ids bigint[], fences bigint[], outcomes text[], replies text[])
	RETURNS TABLE (message_id bigint, state text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			margin interval := mail_margin();
			first_wait float8 := policy_number('mail_retry_seconds');
			most_wait float8 := policy_number('mail_retry_most_seconds');
			busy bigint[] := '{}';
			refused bigint[];
		BEGIN
			PERFORM note_work(now_at), fit_plans();
			IF 'final' = ANY (outcomes) THEN
				-- What somebody's open transaction holds is refused again a little later, not waited for.
				busy := ARRAY(
					SELECT m.message_id FROM unnest(message_ids, fences, outcomes) u (message_id, fence, outcome)
						JOIN message m ON m.message_id = u.message_id AND m.fence = u.fence
						JOIN appointment a ON a.appointment_id = m.appointment_id
					WHERE u.outcome = 'final' AND (is_first_word(m) OR leaves_unasked(m))
						AND NOT lock_for_replan(a.request_id, a.coordinator_id, a.appointment_id));
			END IF;
			RETURN QUERY
			WITH done AS (
				UPDATE message m
					SET state = CASE
							WHEN u.outcome = 'sent' THEN 'sent'
							WHEN u.outcome = 'final' AND NOT m.message_id = ANY (busy) THEN 'refused'
							-- Back to the queue, unless a newer state stands there already.
							WHEN m.uid IS NOT NULL AND is_overtaken(m.uid, m.message_id) THEN 'overtaken'
							ELSE 'queued' END,
						sent_at = CASE WHEN u.outcome = 'sent' THEN now_at ELSE m.sent_at END,
						attempts = m.attempts + (u.outcome IN ('retry', 'unknown', 'final'))::integer,
						not_before = CASE u.outcome
							WHEN 'retry' THEN now_at + least(first_wait * power(2, least(m.attempts, 20)), most_wait)
								* (0.75 + random() * 0.5) * interval '1 second'
							WHEN 'unknown' THEN m.lease_until + margin
							WHEN 'final' THEN now_at + interval '1 minute'
							ELSE now_at END,
						uncertain_until = greatest(m.uncertain_until,
							CASE WHEN u.outcome = 'unknown' THEN m.lease_until + margin END),
						-- Nothing of it left this house: as if it had not been claimed, if it never was before.
						ever_claimed = m.ever_claimed AND NOT (u.outcome = 'released' AND m.fence = 1),
						lease_until = NULL,
						reply = coalesce(left(NULLIF(u.reply, ''), 1000), m.reply)
					FROM unnest(message_ids, fences, outcomes, replies) u (message_id, fence, outcome, reply)
					-- Each looked up by its key: against = ANY (message_ids) all would be compared with all.
					WHERE m.message_id = u.message_id AND m.fence = u.fence AND m.state = 'claimed'
						AND u.outcome IN ('sent', 'retry', 'final', 'unknown', 'released')
					RETURNING m.message_id, m.state
			)
			SELECT d.message_id, d.state FROM done d ORDER BY d.message_id;
			IF 'final' = ANY (outcomes) THEN
				refused := ARRAY(SELECT m.message_id FROM unnest(message_ids, fences, outcomes) u (message_id, fence, outcome)
					JOIN message m ON m.message_id = u.message_id AND m.fence = u.fence AND m.state = 'refused'
					WHERE u.outcome = 'final' ORDER BY m.message_id);
				INSERT INTO history (event, office_id, case_id, appointment_id, message_id, reason, detail)
					SELECT 'message_refused', m.office_id, m.case_id, m.appointment_id, m.message_id, m.kind,
							jsonb_build_object('reply', m.reply)
						FROM message m WHERE m.message_id = ANY (refused) ORDER BY m.message_id;
				PERFORM invitation_refused(ARRAY(SELECT m.message_id FROM message m
					WHERE m.message_id = ANY (refused) AND is_first_word(m)));
				PERFORM tell_soon(a.request_id, now_at)
					FROM message m JOIN appointment a ON a.appointment_id = m.appointment_id
					WHERE m.message_id = ANY (refused) AND leaves_unasked(m);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.finish_messages(bigint[], bigint[], text[], text[]) IS
	'What became of claimed messages: sent, retry (refused for now), final (refused for good), unknown (no reply after the last write), released (nothing was written); a stale fence changes nothing';

CREATE OR REPLACE FUNCTION vac_store.lock_for_replan(of_request bigint, of_coordinator integer, of_appointment bigint) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM request r WHERE r.request_id = of_request FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			PERFORM FROM coordinator k WHERE k.coordinator_id = of_coordinator FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			PERFORM FROM appointment a WHERE a.appointment_id = of_appointment FOR NO KEY UPDATE SKIP LOCKED;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_for_replan(bigint, integer, bigint) IS
	'Locks what a refused invitation changes, without waiting; false: somebody else holds it';

CREATE OR REPLACE FUNCTION vac_daemon.next_message() RETURNS bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			now_at timestamptz := wall();
			margin interval := mail_margin();
			known boolean := EXISTS (SELECT FROM mail_identity);
			next_at timestamptz;
		BEGIN
			IF NOT is_home() THEN
				RETURN NULL;
			END IF;
			IF EXISTS (SELECT FROM message m
				WHERE m.waiting AND m.state = 'queued' AND m.not_before <= now_at AND (known OR m.sender IS NOT NULL)
					AND (m.uid IS NULL OR coalesce(uid_free_at(m.uid, m.message_id, margin) <= now_at, true))) THEN
				RETURN 0;
			END IF;
			SELECT min(CASE m.state
					WHEN 'queued' THEN greatest(m.not_before, uid_free_at(m.uid, m.message_id, margin))
					WHEN 'claimed' THEN CASE WHEN m.lease_until > now_at + longest_lease() THEN now_at ELSE m.lease_until END END)
				INTO next_at
				FROM message m WHERE m.waiting AND (known OR m.sender IS NOT NULL);
			-- GREATEST would make 0 of a NULL.
			RETURN CASE WHEN next_at IS NOT NULL
				THEN ceil(greatest(date_part('epoch', next_at - now_at), 0) * 1000)::bigint END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_message() IS 'Milliseconds until a message can be claimed; NULL: none waits';

CREATE OR REPLACE FUNCTION vac_daemon.queue_probe(address text, name text) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := wall();
			starts timestamptz := date_trunc('hour', now_at) + interval '25 hours';
			id bigint;
		BEGIN
			INSERT INTO message (kind, method, uid, sequence, recipient, recipient_name, made_at, span, subject, body,
					summary, location, description, bounce_handle, answer_handle, key_id, sender, not_before, urgent)
			SELECT 'probe', 'REQUEST', gen_random_uuid(), 0, address, coalesce(NULLIF(name, ''), 'Tester'),
					date_trunc('second', now_at), tstzrange(starts, starts + interval '30 minutes'),
					'Test invitation',
					E'This is a test of vacd. If your calendar shows buttons to accept and decline, it works.\n\nWhen: '
						|| span_text(tstzrange(starts, starts + interval '30 minutes'), 'UTC')
						|| E'\n\nPlease press one of them, and send the response.\n',
					'Test', 'nowhere', 'A test of vacd; nobody need come.', handle(), handle(), i.key_id, i.sender, now_at, true
				FROM (VALUES (true)) v (one) LEFT JOIN mail_identity i ON i.one
			RETURNING message_id INTO id;
			RETURN id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.queue_probe(text, text) IS 'Queues a test invitation for tomorrow to an address; returns the message''s id';
