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
-- Longer than any call of a daemon takes.
CREATE OR REPLACE FUNCTION vac_store.under_way() RETURNS interval
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN interval '1 minute';
COMMENT ON FUNCTION vac_store.under_way() IS 'So long after the clock was set back calls may still end that took the moment they work by before';

-- Heartbeats are seconds apart, and in between a clock can have been ahead and be back. Called first of all in a
-- call, before it locks anything; it finds nothing to do unless the clock has jumped or no daemon was at work.
CREATE OR REPLACE FUNCTION vac_store.note_work(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF EXISTS (SELECT FROM presence p WHERE greatest(p.seen_at, p.worked_at) < now_at - longest_silence() / 2) THEN
				UPDATE presence p SET worked_at = now_at WHERE greatest(p.seen_at, p.worked_at) < now_at;
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.note_work(timestamptz) IS
	'A daemon works by this moment, much later than the last one that is known: if the clock turns out to have been ahead, it is known how far';

CREATE OR REPLACE FUNCTION vac_store.note_presence(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			before timestamptz;
			latest timestamptz;
			back interval;
			since timestamptz;
		BEGIN
			IF NOT is_home() THEN
				RETURN;
			END IF;
			-- Another daemon that has the row says the same.
			SELECT p.seen_at, greatest(p.seen_at, p.worked_at), p.back_by, p.back_at INTO before, latest, back, since
				FROM presence p FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				INSERT INTO presence (seen_at) SELECT now_at WHERE NOT EXISTS (SELECT FROM presence) ON CONFLICT DO NOTHING;
				RETURN;
			END IF;
			IF latest - now_at > longest_silence() THEN
				BEGIN
					PERFORM clock_went_back(latest - now_at, now_at, now_at);
					PERFORM record('clock_set_back', more => jsonb_build_object('seconds', round(date_part('epoch', latest - now_at)::numeric)));
					UPDATE presence SET seen_at = now_at, worked_at = NULL, back_by = latest - now_at, back_at = now_at;
				EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
					-- The next heartbeat finds the clock behind still.
					NULL;
				END;
				RETURN;
			ELSIF now_at - before > longest_silence() THEN
				INSERT INTO outage (began, ended) VALUES (before, now_at);
			ELSIF now_at NOT BETWEEN since AND since + under_way() THEN
				BEGIN
					-- Calls of then that ended after the first look: what they put off lies about as far ahead as the clock was.
					PERFORM clock_went_back(back, now_at, now_at + greatest(back - interval '10 minutes', interval '0'));
					UPDATE presence SET back_by = NULL, back_at = NULL;
				EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
					NULL;
				END;
			END IF;
			-- Every heartbeat would be one write more; and the clock may have been set back.
			UPDATE presence SET seen_at = now_at, worked_at = NULL
				WHERE seen_at < now_at - interval '5 seconds' OR seen_at > now_at + interval '5 seconds';
		END
	$$;
COMMENT ON FUNCTION vac_store.note_presence(timestamptz) IS
	'A daemon that sends mail is at work; where none was for longer than longest_silence(), that is an outage and goes on record; where the clock was set back, see clock_went_back(), which is called once more when what was under way has ended';

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

-- A clock that is ahead makes what is new look old, and what is removed does not come back when it is set right. Whether
-- it was that or an outage cannot be told at once: a week is the time in which somebody sees it.
CREATE OR REPLACE FUNCTION vac_store.removes_from(now_at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF lapses_from(now_at) = 'infinity' THEN
				RETURN 'infinity';
			END IF;
			RETURN coalesce((SELECT max(o.ended) + interval '7 days' FROM outage o WHERE o.ended - o.began > interval '1 day'), '-infinity');
		END
	$$;
COMMENT ON FUNCTION vac_store.removes_from(timestamptz) IS
	'From when on what is kept no longer may be removed: a week after an outage of more than a day, which is also what a clock that was set ahead looks like; infinity while no daemon that sends mail is at work';

CREATE OR REPLACE FUNCTION vac_store.may_remove(now_at timestamptz) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN vac_store.removes_from(now_at) <= now_at;
COMMENT ON FUNCTION vac_store.may_remove(timestamptz) IS 'Whether what is kept no longer may be removed now, because the clock is most likely right';

CREATE OR REPLACE FUNCTION vac_store.removal_status(now_at timestamptz) RETURNS TABLE (severity text, text text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT 'warn', format('retention: nothing is removed before %s, since either no daemon was at work for more than a day or the clock was set ahead; see that it is right',
				stamp_text(removes_from(now_at)))
			WHERE removes_from(now_at) > now_at AND isfinite(removes_from(now_at));
	$$;
COMMENT ON FUNCTION vac_store.removal_status(timestamptz) IS 'That removal waits after an outage, for status(); no line: it does not';

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
