-- A daemon comes, is alive, raises alarms, and goes.

CREATE OR REPLACE FUNCTION vac_daemon.schema_digest() RETURNS text
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT i.digest FROM installed i;
	$$;
COMMENT ON FUNCTION vac_daemon.schema_digest() IS 'Which set of SQL files is installed';

CREATE OR REPLACE FUNCTION vac_daemon.hello(daemon_id uuid, host text, pid integer, version text, digest text,
		deliver text, sender text, key_id text)
	RETURNS TABLE (ok boolean, problem text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			there installed;
		BEGIN
			SELECT * INTO there FROM installed i;
			IF there.digest IS DISTINCT FROM hello.digest THEN
				RETURN QUERY SELECT false, format(
					'the database has the schema of vacd %s (%s), this program is vacd %s and needs %s: run `vacd migrate` of this program, or start the program that fits',
					coalesce(there.version, 'unknown'), left(coalesce(there.digest, 'none'), 12),
					hello.version, left(coalesce(hello.digest, 'none'), 12));
				RETURN;
			END IF;
			IF hello.deliver = 'smtp' THEN
				PERFORM note_home(now_at);
			END IF;
			INSERT INTO daemon AS d (daemon_id, host, pid, version, deliver, started_at, seen_at)
				VALUES (hello.daemon_id, hello.host, hello.pid, hello.version, hello.deliver, now_at, now_at)
				ON CONFLICT ON CONSTRAINT daemon_pkey DO UPDATE
					SET host = excluded.host, pid = excluded.pid, version = excluded.version,
						deliver = excluded.deliver, seen_at = excluded.seen_at, stopped_at = NULL;
			-- Daemons that are long gone: SIGKILL leaves no goodbye.
			DELETE FROM daemon d WHERE d.seen_at < now_at - interval '30 days';
			IF hello.sender <> '' AND hello.key_id <> '' THEN
				INSERT INTO mail_identity AS i (sender, key_id, set_at)
					VALUES (hello.sender, hello.key_id, now_at)
					ON CONFLICT (one) DO UPDATE
						SET sender = excluded.sender, key_id = excluded.key_id, set_at = excluded.set_at
						WHERE (i.sender, i.key_id) IS DISTINCT FROM (excluded.sender, excluded.key_id);
			END IF;
			IF hello.deliver = 'smtp' THEN
				PERFORM note_presence(now_at);
			END IF;
			RETURN QUERY SELECT true, CASE WHEN hello.deliver = 'smtp' AND NOT is_home() THEN
				'this database is a copy or was restored: nothing is sent until an administrator says `vacd adopt`' END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.hello(uuid, text, integer, text, text, text, text, text) IS
	'A daemon introduces itself after each connect; ok is false, with the reason in words, when the schema is not its own; a reason although it is true: it sends nothing';

CREATE OR REPLACE FUNCTION vac_daemon.beat(daemon_id uuid, stages text[], turns bigint[]) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			way text;
		BEGIN
			UPDATE daemon d SET seen_at = now_at WHERE d.daemon_id = beat.daemon_id RETURNING d.deliver INTO way;
			IF FOUND THEN
				IF way = 'smtp' THEN
					PERFORM note_presence(now_at);
				END IF;
				INSERT INTO heartbeat AS h (daemon_id, stage, turned_at, turns)
					SELECT beat.daemon_id, u.stage, now_at, u.turns FROM unnest(beat.stages, beat.turns) u (stage, turns)
					ON CONFLICT ON CONSTRAINT heartbeat_pkey DO UPDATE
						-- A stage that turns no more beats no more, however often it says so.
						SET turned_at = CASE WHEN h.turns = excluded.turns THEN h.turned_at ELSE excluded.turned_at END,
							turns = excluded.turns;
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.beat(uuid, text[], bigint[]) IS
	'These stages have made so many turns each; a heartbeat moves only when the number has changed';

CREATE OR REPLACE FUNCTION vac_daemon.goodbye(daemon_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			UPDATE message m SET state = 'queued', lease_until = NULL, claimed_by = NULL, not_before = now_at,
					uncertain_until = greatest(m.uncertain_until, margin_after(m.lease_until, now_at, mail_margin()))
				WHERE m.waiting AND m.state = 'claimed' AND m.claimed_by = goodbye.daemon_id;
			UPDATE inbound i SET state = 'waiting', lease_until = NULL, claimed_by = NULL, not_before = now_at
				WHERE i.waiting AND i.state = 'claimed' AND i.claimed_by = goodbye.daemon_id;
			-- In the order in which others lock several of them.
			PERFORM FROM dispatch_group g WHERE g.daemon_id = goodbye.daemon_id ORDER BY g.group_id FOR NO KEY UPDATE;
			UPDATE dispatch_group g SET lease_until = NULL, daemon_id = NULL WHERE g.daemon_id = goodbye.daemon_id;
			DELETE FROM alarm a WHERE a.daemon_id = goodbye.daemon_id;
			UPDATE daemon d SET stopped_at = now_at, seen_at = now_at WHERE d.daemon_id = goodbye.daemon_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.goodbye(uuid) IS
	'A daemon stops: called when nothing of it is in flight any more, so that what it still holds is free at once';

CREATE OR REPLACE FUNCTION vac_daemon.raise_alarm(daemon_id uuid, name text, problem text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			INSERT INTO alarm (daemon_id, name, text, since)
				SELECT d.daemon_id, raise_alarm.name, left(raise_alarm.problem, 500), wall()
					FROM daemon d WHERE d.daemon_id = raise_alarm.daemon_id
				ON CONFLICT ON CONSTRAINT alarm_pkey DO UPDATE SET text = excluded.text;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.raise_alarm(uuid, text, text) IS 'Something stands wrong; raising it again changes its text and not its beginning';

CREATE OR REPLACE FUNCTION vac_daemon.clear_alarm(daemon_id uuid, name text) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			DELETE FROM alarm a WHERE a.daemon_id = clear_alarm.daemon_id AND a.name = clear_alarm.name;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.clear_alarm(uuid, text) IS 'It is well again';
