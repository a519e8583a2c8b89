-- Mail that came in, as the answer stage sees it: claimed under a lease, oldest first, handled once.

CREATE OR REPLACE FUNCTION vac_store.notify_answer() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM pg_notify('vac_answer', '');
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.notify_answer() IS 'Trigger: mail came in';
CREATE OR REPLACE TRIGGER notify_answer AFTER INSERT ON vac_store.inbound
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.notify_answer();

CREATE OR REPLACE FUNCTION vac_daemon.claim_inbound(daemon_id uuid, most integer, lease_ms integer)
	RETURNS TABLE (inbound_id bigint, fence bigint, sender text, recipient text, received bigint, raw bytea, deaths integer)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			PERFORM note_work(now_at), fit_plans();
			-- What brings down whole daemons must not do so for ever.
			UPDATE inbound i SET state = 'listed', lease_until = NULL, outcome = 'set_aside', why = 'claimed a hundred times in vain', handled_at = now_at
				WHERE i.waiting AND i.fence >= 100 AND (i.lease_until IS NULL OR i.lease_until <= now_at);
			RETURN QUERY
			WITH mine AS MATERIALIZED (
				SELECT i.inbound_id FROM inbound i
					WHERE i.waiting
						AND CASE i.state WHEN 'waiting' THEN i.not_before <= now_at
							ELSE i.lease_until <= now_at OR i.lease_until > now_at + longest_lease() END
					ORDER BY i.inbound_id
					LIMIT most
					FOR NO KEY UPDATE SKIP LOCKED
			), claimed AS (
				UPDATE inbound i
					SET state = 'claimed', lease_until = now_at + lease_of(lease_ms), fence = i.fence + 1,
						claimed_by = claim_inbound.daemon_id
					FROM mine m WHERE m.inbound_id = i.inbound_id
					RETURNING i.*
			)
			SELECT c.inbound_id, c.fence, c.envelope_sender, c.envelope_recipient, epoch(c.received_at),
					-- As a mailbox would hold it (RFC 5321, 4.4): of some reports only the null path tells what they are.
					convert_to('Return-Path: <' || translate(c.envelope_sender, E'\r\n', '') || E'>\r\n', 'UTF8')
					-- The reader takes 10 MiB; a little more tells as well that it is too large.
					|| substring(CASE WHEN length(c.raw) < c.size THEN (SELECT s.raw FROM inbound s WHERE s.delivery = c.delivery
						AND length(s.raw) = s.size LIMIT 1) ELSE c.raw END FROM 1 FOR 10485761), c.deaths::integer
				FROM claimed c ORDER BY c.inbound_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.claim_inbound(uuid, integer, integer) IS
	'Claims mail that came in, oldest first';

CREATE OR REPLACE FUNCTION vac_daemon.next_inbound() RETURNS bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			now_at timestamptz := wall();
			next_at timestamptz;
		BEGIN
			SELECT min(CASE i.state WHEN 'waiting' THEN i.not_before
					ELSE CASE WHEN i.lease_until > now_at + longest_lease() THEN now_at ELSE i.lease_until END END)
				INTO next_at FROM inbound i WHERE i.waiting;
			-- GREATEST would make 0 of a NULL.
			RETURN CASE WHEN next_at IS NOT NULL
				THEN ceil(greatest(date_part('epoch', next_at - now_at), 0) * 1000)::bigint END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_inbound() IS 'Milliseconds until mail that came in can be claimed; NULL: none waits';

-- A mail must not stop the queue: what failed twice is left to a person.
CREATE OR REPLACE FUNCTION vac_store.count_death(of_inbound bigint, why text, now_at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_so inbound;
		BEGIN
			UPDATE inbound i
				SET deaths = i.deaths + 1, lease_until = NULL, not_before = now_at,
					state = CASE WHEN i.deaths >= 1 THEN 'listed' ELSE 'waiting' END,
					outcome = CASE WHEN i.deaths >= 1 THEN 'set_aside' END,
					handled_at = CASE WHEN i.deaths >= 1 THEN now_at END,
					why = left(coalesce(NULLIF(count_death.why, ''), 'it could not be read'), 200)
				WHERE i.inbound_id = of_inbound
				RETURNING * INTO now_so;
			IF now_so.state = 'listed' THEN
				PERFORM record('mail_set_aside', why => 'set_aside', more => jsonb_build_object('mail', of_inbound));
			END IF;
			RETURN now_so.state;
		END
	$$;
COMMENT ON FUNCTION vac_store.count_death(bigint, text, timestamptz) IS
	'One more failed attempt at a mail: it can be claimed again at once, after the second it is listed as set_aside; returns its state';

CREATE OR REPLACE FUNCTION vac_daemon.inbound_died(inbound_id bigint, fence bigint, why text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			PERFORM FROM inbound i WHERE i.inbound_id = inbound_died.inbound_id AND i.fence = inbound_died.fence
				AND i.state = 'claimed' FOR NO KEY UPDATE;
			IF NOT FOUND THEN
				RETURN 'fence';
			END IF;
			RETURN count_death(inbound_died.inbound_id, regexp_replace(inbound_died.why, '[^[:print:]]', ' ', 'g'), wall());
		END
	$$;
COMMENT ON FUNCTION vac_daemon.inbound_died(bigint, bigint, text) IS
	'A reader died on a claimed mail: waiting (it can be claimed again at once), listed (as set_aside, at the second), or fence';

CREATE OR REPLACE FUNCTION vac_daemon.token_subjects(handles text[])
	RETURNS TABLE (handle text, purpose text, subject text, key_id text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT a.answer_handle, 'answer', a.uid::text, a.key_id
				FROM appointment a WHERE a.answer_handle = ANY (handles)
			UNION ALL
			SELECT m.answer_handle, 'answer', m.uid::text, m.key_id
				FROM message m WHERE m.kind = 'probe' AND m.answer_handle = ANY (handles)
			UNION ALL
			SELECT d.answer_handle, 'answer', d.uid::text, d.key_id
				FROM duty_shift d WHERE d.answer_handle = ANY (handles)
			UNION ALL
			SELECT m.bounce_handle, 'bounce', m.mail_uuid::text, m.key_id
				FROM message m WHERE m.bounce_handle = ANY (handles);
		END
	$$;
COMMENT ON FUNCTION vac_daemon.token_subjects(text[]) IS
	'What the tokens with these handles were made for: answer (subject is the UID) or bounce (subject is the mail''s UUID), and with which key';
