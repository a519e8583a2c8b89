-- Whether a daemon that sends mail was at work, and whether this database is the one that mail is sent
-- from: answer windows run only while one is, and a copy sends nothing.

CREATE OR REPLACE FUNCTION vac_store.longest_silence() RETURNS interval
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN interval '2 minutes';
COMMENT ON FUNCTION vac_store.longest_silence() IS 'So long no daemon need show a heartbeat; longer, and it counts as an outage';

-- ---- home ------------------------------------------------------------------------------------
-- A database that was dumped and restored, or made from a template, is another one by cluster or by number.
-- A standby that took over is the same; so is a physical copy, which only its administrator can tell.
CREATE OR REPLACE FUNCTION vac_store.this_system(OUT cluster bigint, OUT database oid)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT s.system_identifier, d.oid FROM pg_control_system() s, pg_database d WHERE d.datname = current_database();
	$$;
COMMENT ON FUNCTION vac_store.this_system() IS 'The cluster this database lies in, and its number there';

CREATE OR REPLACE FUNCTION vac_store.is_home() RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN NOT EXISTS (SELECT FROM origin o, this_system() t WHERE (o.cluster, o.database) IS DISTINCT FROM (t.cluster, t.database));
		END
	$$;
COMMENT ON FUNCTION vac_store.is_home() IS 'Whether mail is sent from this database: it is the one that was first sent from, or that was adopted';

CREATE OR REPLACE FUNCTION vac_store.note_home(now_at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		INSERT INTO origin (cluster, database, set_at)
			SELECT t.cluster, t.database, now_at FROM this_system() t WHERE NOT EXISTS (SELECT FROM origin)
			ON CONFLICT DO NOTHING;
	$$;
COMMENT ON FUNCTION vac_store.note_home(timestamptz) IS 'The first daemon that sends mail makes this database the one it is sent from';

-- ---- presence --------------------------------------------------------------------------------
-- What waits for a moment would wait for the clock to come there again, which may be a day.
CREATE OR REPLACE FUNCTION vac_store.windows_went_back(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			wrong bigint[] := ARRAY(SELECT a.appointment_id FROM appointment a
				WHERE a.live AND (a.window_at IS NOT NULL OR (a.state = 'accepted' AND a.answer_by IS NOT NULL))
					AND (a.window_from > now_at OR EXISTS (SELECT FROM outage o WHERE o.ended > now_at AND o.outage_id <= a.outages_seen))
				ORDER BY a.appointment_id FOR NO KEY UPDATE);
		BEGIN
			-- As window_opens() makes them; outages that there were are reckoned in again. Whoever was reminded is not once more.
			UPDATE appointment a SET window_from = n.since, answer_by = n.until, remind_at = n.half, outages_seen = n.seen,
					window_at = CASE WHEN a.window_at IS NOT NULL THEN coalesce(n.half, n.until) END
				FROM (SELECT w.appointment_id, f.since, t.answer_by AS until,
						CASE WHEN w.remind_at IS NOT NULL THEN half_way(w.urgency, k.office_id, f.since, t.answer_by) END AS half,
						coalesce((SELECT max(o.outage_id) FROM outage o WHERE o.ended <= f.since), 0) AS seen
					FROM appointment w
						JOIN coordinator k ON k.coordinator_id = w.coordinator_id
						CROSS JOIN LATERAL (SELECT least(w.window_from, now_at) AS since) f
						CROSS JOIN LATERAL answer_times(ARRAY[w.appointment_id], f.since) t
					WHERE w.appointment_id = ANY (wrong)) n
				WHERE a.appointment_id = n.appointment_id AND a.answer_by IS NOT NULL;
			-- None that was made by now can have longer.
			UPDATE appointment a SET send_by = n.send_by
				FROM (SELECT u.appointment_id, policy_after('send_by', u.urgency, u.office_id, now_at) AS send_by
					FROM appointment u WHERE u.state = 'invited' AND u.answer_by IS NULL AND u.send_by > now_at
					ORDER BY u.appointment_id FOR NO KEY UPDATE) n
				WHERE a.appointment_id = n.appointment_id AND a.send_by > n.send_by;
			-- They would keep windows from ending until they are over.
			DELETE FROM outage o WHERE o.ended > now_at;
		END
	$$;
COMMENT ON FUNCTION vac_store.windows_went_back(timestamptz) IS
	'The clock was set back: answer windows that began in the future, or were made longer by an outage that never was, are reckoned anew';

-- In the order that verbs lock in, and nowhere for long: it runs within a heartbeat.
CREATE OR REPLACE FUNCTION vac_store.clock_went_back(before timestamptz, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '250ms'
	AS $$
		DECLARE
			longest timestamptz := now_at + longest_lease() + mail_margin();
			mails bigint[];
		BEGIN
			PERFORM FROM request r WHERE r.state IN ('open', 'planned')
					AND (r.plan_at > now_at OR r.noticed_at > now_at OR r.told_at > now_at OR r.tell_at > now_at)
				ORDER BY r.request_id FOR NO KEY UPDATE;
			UPDATE request r SET plan_at = now_at WHERE r.to_plan AND r.plan_at > now_at;
			UPDATE request r SET noticed_at = CASE WHEN r.noticed_at > now_at THEN now_at ELSE r.noticed_at END,
					told_at = CASE WHEN r.told_at > now_at THEN now_at ELSE r.told_at END,
					tell_at = CASE WHEN r.tell_at > now_at THEN greatest(now_at, r.tell_at - (before - now_at)) ELSE r.tell_at END
				WHERE r.state IN ('open', 'planned') AND (r.noticed_at > now_at OR r.told_at > now_at OR r.tell_at > now_at);
			PERFORM windows_went_back(now_at);
			-- Only those that were told of, or ran out.
			UPDATE clock k SET next_at = n.next_at
				FROM (SELECT c.clock_id, next_warning(c, now_at) AS next_at
					FROM clock c WHERE c.running AND c.next_at > now_at AND (c.warnings > 0 OR c.next_at > c.due_at)
					ORDER BY c.clock_id FOR NO KEY UPDATE) n
				WHERE k.clock_id = n.clock_id AND k.next_at > n.next_at;
			mails := ARRAY(SELECT m.message_id FROM message m
				WHERE (m.waiting AND m.state = 'queued' AND m.not_before > now_at) OR m.uncertain_until > longest
				ORDER BY m.message_id FOR NO KEY UPDATE);
			UPDATE message m SET not_before = least(m.not_before, now_at), uncertain_until = least(m.uncertain_until, longest)
				WHERE m.message_id = ANY (mails);
			PERFORM FROM inbound i WHERE i.waiting AND i.state = 'waiting' AND i.not_before > now_at
				ORDER BY i.inbound_id FOR NO KEY UPDATE;
			UPDATE inbound i SET not_before = now_at WHERE i.waiting AND i.state = 'waiting' AND i.not_before > now_at;
			PERFORM record('clock_set_back', more => jsonb_build_object('seconds', round(date_part('epoch', before - now_at)::numeric)));
			PERFORM pg_notify('vac_answer', ''), pg_notify('vac_deadline', ''), pg_notify('vac_dispatch', ''), pg_notify('vac_mailer', '');
		END
	$$;
COMMENT ON FUNCTION vac_store.clock_went_back(timestamptz, timestamptz) IS
	'The clock was set back: what was put off by the one that was ahead is due now, outages that it made up never were; fails where somebody holds the rows';

CREATE OR REPLACE FUNCTION vac_store.note_presence(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			before timestamptz;
		BEGIN
			IF NOT is_home() THEN
				RETURN;
			END IF;
			-- Another daemon that has the row says the same.
			SELECT p.seen_at INTO before FROM presence p FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				INSERT INTO presence (seen_at) SELECT now_at WHERE NOT EXISTS (SELECT FROM presence) ON CONFLICT DO NOTHING;
				RETURN;
			END IF;
			IF now_at - before > longest_silence() THEN
				INSERT INTO outage (began, ended) VALUES (before, now_at);
			ELSIF before - now_at > longest_silence() THEN
				BEGIN
					PERFORM clock_went_back(before, now_at);
				EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
					-- The next heartbeat finds the clock behind still.
					RETURN;
				END;
			END IF;
			-- Every heartbeat would be one write more; and the clock may have been set back.
			UPDATE presence SET seen_at = now_at
				WHERE seen_at < now_at - interval '5 seconds' OR seen_at > now_at + interval '5 seconds';
		END
	$$;
COMMENT ON FUNCTION vac_store.note_presence(timestamptz) IS
	'A daemon that sends mail is at work; where none was for longer than longest_silence(), that is an outage and goes on record; where the clock was set back, see clock_went_back()';

-- Not for call-outs, of whom it does no harm to ask one more.
CREATE OR REPLACE FUNCTION vac_store.lapses_from(now_at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF NOT EXISTS (SELECT FROM presence p WHERE p.seen_at >= now_at - longest_silence()) THEN
				RETURN 'infinity';
			END IF;
			RETURN greatest(now_at, (SELECT max(o.ended) FROM outage o) + policy_number('outage_grace') * interval '1 minute');
		END
	$$;
COMMENT ON FUNCTION vac_store.lapses_from(timestamptz) IS
	'From when on windows may lapse: now; later for a while after an outage; infinity while no daemon that sends mail is at work';

-- What came long after a window's end does not keep it open: else whoever sends us one mail after the other could.
CREATE OR REPLACE FUNCTION vac_store.may_have_answered(window_end timestamptz, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN EXISTS (SELECT FROM inbound i
				WHERE i.waiting AND i.received_at <= least(now_at, window_end + policy_number('outage_grace') * interval '1 minute')
					AND i.received_at > now_at - policy_number('answers_first') * interval '1 minute');
		END
	$$;
COMMENT ON FUNCTION vac_store.may_have_answered(timestamptz, timestamptz) IS
	'Whether mail is still to be read that came before the end of a window, or soon after it';

-- ---- adoption --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.adoption_step() RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 100;
COMMENT ON FUNCTION vac_store.adoption_step() IS
	'By how much adoption raises SEQUENCE: by more than can have happened in calendars since the copy was made';

-- A base backup that was restored is its original to the last bit, and so is a standby that took over and needs
-- nothing: which of them it is, only an administrator knows.
CREATE OR REPLACE FUNCTION vac_daemon.adopt(anyway boolean DEFAULT false) RETURNS TABLE (adopted boolean, said text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := wall();
			standing bigint[];
			shifts bigint[];
			sent_from boolean;
		BEGIN
			PERFORM FROM origin FOR UPDATE;
			sent_from := FOUND;
			IF NOT sent_from OR (is_home() AND NOT anyway) THEN
				RETURN QUERY SELECT false, CASE WHEN sent_from
					THEN 'this database is the one that mail is sent from: there is nothing to adopt; was it restored from a base backup, `vacd adopt --anyway`'
					ELSE 'no mail was ever sent from this database: there is nothing to adopt' END;
				RETURN;
			END IF;
			UPDATE origin SET (cluster, database) = (SELECT t.cluster, t.database FROM this_system() t), set_at = now_at,
				set_by = session_user;
			PERFORM FROM request r WHERE r.state = 'planned' ORDER BY r.request_id FOR NO KEY UPDATE;
			WITH raised AS (
				UPDATE appointment a SET sequence = a.sequence + adoption_step()
					FROM case_record c
					WHERE c.case_id = a.case_id AND a.live AND upper(a.span) > now_at AND c.state = 'open' AND c.held_since IS NULL
					RETURNING a.appointment_id
			)
			SELECT coalesce(array_agg(r.appointment_id ORDER BY r.appointment_id), '{}') INTO standing FROM raised r;
			PERFORM queue_appointments('update', standing, now_at);
			WITH raised AS (
				UPDATE duty_shift d SET sequence = d.sequence + adoption_step() WHERE d.live AND upper(d.span) > now_at RETURNING d.duty_id
			)
			SELECT coalesce(array_agg(r.duty_id ORDER BY r.duty_id), '{}') INTO shifts FROM raised r;
			PERFORM queue_duty(shifts, now_at);
			-- Daemons say hello again.
			PERFORM pg_notify('vac_schema', '');
			PERFORM record('database_adopted', more => jsonb_build_object('appointments', cardinality(standing)));
			RETURN QUERY SELECT true, format('adopted: mail is sent from here now; %s sent again, with a higher SEQUENCE',
				quantity(cardinality(standing), 'appointment that stands is', 'appointments that stand are'));
		END
	$$;
COMMENT ON FUNCTION vac_daemon.adopt(boolean) IS
	'An administrator says that this database, a copy or a restored one, is the one in use from now on: every state that stands is sent again under a higher SEQUENCE. anyway: also one that cannot be told from its original';
