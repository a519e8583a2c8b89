-- Mail comes in.

CREATE OR REPLACE FUNCTION vac_daemon.receive_mail(delivery uuid, sender text, recipients text[], raw bytea)
	RETURNS SETOF bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			-- Whoever hands the same mail over at the same time waits here, and then sees what was stored.
			PERFORM pg_advisory_xact_lock(hashtextextended('vacd delivery ' || receive_mail.delivery, 0));
			-- Its bytes once, however many recipients it has.
			INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
				SELECT now_at, receive_mail.sender, r.address, receive_mail.delivery,
						CASE WHEN min(r.n) = 1 THEN receive_mail.raw ELSE '' END, length(receive_mail.raw), now_at
					FROM unnest(receive_mail.recipients) WITH ORDINALITY AS r (address, n)
					WHERE NOT EXISTS (SELECT FROM inbound i WHERE i.delivery = receive_mail.delivery AND i.envelope_recipient = r.address)
					GROUP BY r.address
					ORDER BY min(r.n);
			-- A statement of its own: it sees what a call that was thought lost has stored meanwhile.
			RETURN QUERY SELECT i.inbound_id
				FROM unnest(receive_mail.recipients) WITH ORDINALITY AS r (address, n)
					JOIN inbound i ON i.delivery = receive_mail.delivery AND i.envelope_recipient = r.address
				ORDER BY r.n;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.receive_mail(uuid, text, text[], bytea) IS
	'Stores a mail for each of its recipients, and says under which number, in their order; again under the same delivery it stores nothing, and says the same';

CREATE OR REPLACE FUNCTION vac_store.inbox_status(now_at timestamptz, still interval) RETURNS TABLE (severity text, text text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		WITH seen AS (
			SELECT max(b.turned_at) AS turned_at, bool_or(d.deliver = 'smtp') AS sending,
					bool_or(d.started_at > now_at - interval '30 seconds') AS starting
				FROM daemon d LEFT JOIN heartbeat b ON b.daemon_id = d.daemon_id AND b.stage = 'inbox'
				WHERE d.stopped_at IS NULL AND d.seen_at > now_at - still
		)
		SELECT CASE WHEN s.turned_at > now_at - still OR s.starting THEN 'ok' WHEN s.turned_at IS NOT NULL THEN 'bad' ELSE 'warn' END,
				CASE WHEN s.turned_at > now_at - still THEN format('inbox: turned %s ago', age_text(s.turned_at, now_at))
					WHEN s.turned_at IS NOT NULL THEN format('inbox: stands still, turned %s ago; look at the daemon''s journal',
						age_text(s.turned_at, now_at))
					WHEN s.starting THEN 'inbox: starting, or no daemon takes mail in'
					ELSE 'inbox: invitations go out, but no daemon takes answers in; enable vacd-lmtp.socket, see vacd(8)' END
			FROM seen s
			WHERE s.sending OR s.turned_at IS NOT NULL;
	$$;
COMMENT ON FUNCTION vac_store.inbox_status(timestamptz, interval) IS
	'The line of status() about mail that comes in; none while nothing is sent either';
