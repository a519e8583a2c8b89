-- Stage seal: appends what was committed to history to the chain, and removes what is kept no longer. And
-- what `vacd verify-history` reads.

-- By keys alone: a plan made while nothing waited would read a long queue whole at each batch.
-- Who seals holds the lock of the one row of chain, which nobody else can reach: the others pass by.
CREATE OR REPLACE FUNCTION vac_daemon.seal(most integer)
	RETURNS TABLE (chain uuid, number bigint, hash text, at text, sealed integer, home boolean)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			head chain;
			n integer := 0;
		BEGIN
			home := is_home();
			IF home AND EXISTS (SELECT FROM unsealed) THEN
				SELECT * INTO head FROM chain c FOR NO KEY UPDATE SKIP LOCKED;
				IF FOUND THEN
					-- Statements of their own: they see what the sealer before has committed.
					INSERT INTO sealed (number, history_id, sealed_at, hash)
						SELECT e.number, e.history_id, e.sealed_at, e.hash FROM next_entries(head, now_at, most) e;
					GET DIAGNOSTICS n = ROW_COUNT;
					DELETE FROM unsealed u USING sealed s WHERE s.number > head.number AND u.history_id = s.history_id;
					UPDATE chain c SET number = s.number, hash = s.hash FROM sealed s WHERE s.number = head.number + n;
				END IF;
			END IF;
			RETURN QUERY SELECT c.chain, c.number, encode(c.hash, 'hex'), stamp_text(now_at), n, home FROM chain c;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.seal(integer) IS
	'Appends so many rows of history at most to the chain, unless another daemon is at it, and says what its head is then. In a copy it seals nothing, and home is false';

CREATE OR REPLACE FUNCTION vac_store.stamp_text(at timestamptz) RETURNS text
	LANGUAGE sql STABLE
	RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
COMMENT ON FUNCTION vac_store.stamp_text(timestamptz) IS 'A time as signed lines have it: 2026-11-27T08:00:00Z';

CREATE OR REPLACE FUNCTION vac_daemon.chain_fits(daemon_id uuid, chain uuid, number bigint, hash text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			head chain;
			known bytea;
			problem text;
		BEGIN
			SELECT * INTO head FROM chain c;
			known := (SELECT s.hash FROM sealed s WHERE s.number = chain_fits.number
				UNION ALL SELECT k.hash FROM checkpoint k WHERE k.number = chain_fits.number LIMIT 1);
			problem := CASE WHEN head.chain <> chain_fits.chain THEN
					format('the file of heads is of chain %s, and this database''s is %s', chain_fits.chain, head.chain)
				WHEN head.number < chain_fits.number THEN
					format('the file of heads has entry %s, and history ends with entry %s', chain_fits.number, head.number)
				WHEN encode(known, 'hex') <> lower(chain_fits.hash) THEN
					format('entry %s is another one than the file of heads has', chain_fits.number) END;
			IF problem IS NOT NULL THEN
				problem := problem || '; run vacd verify-history. If the database was restored, put the file aside';
				PERFORM vac_daemon.raise_alarm(chain_fits.daemon_id, 'history_altered', problem);
			END IF;
			RETURN problem;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.chain_fits(uuid, uuid, bigint, text) IS
	'Whether the chain has this entry with this hash: NULL, or what is wrong in words, which is then an alarm as well';

-- ---- retention -------------------------------------------------------------------------------
-- In lumps of a day, or a history of many rows would leave a checkpoint every few seconds; and so many rows at a time,
-- since the chain stands still meanwhile. What a month has left when all its rows are gone is dropped by upkeep_step().
CREATE OR REPLACE FUNCTION vac_store.removable_days(kept_from timestamptz, most integer) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	AS $$
		DECLARE
			first_at timestamptz;
		BEGIN
			SELECT h.at INTO first_at FROM sealed s JOIN history h ON h.history_id = s.history_id ORDER BY s.number LIMIT 1;
			IF NOT FOUND OR first_at > kept_from - interval '24 hours' THEN
				RETURN NULL;
			END IF;
			RETURN (SELECT max(w.number) FROM (SELECT s.number, max(h.at) OVER (ORDER BY s.number) AS latest
				FROM (SELECT * FROM sealed o ORDER BY o.number LIMIT most) s JOIN history h ON h.history_id = s.history_id) w
				WHERE w.latest <= kept_from);
		END
	$$;
COMMENT ON FUNCTION vac_store.removable_days(timestamptz, integer) IS
	'Up to which entry history is older than this, so many rows at most, when it is a day of it at least; NULL: it is not';

CREATE OR REPLACE FUNCTION vac_store.removable(now_at timestamptz, most integer) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			keep bigint := policy_number('keep_history');
			kept_from timestamptz := now_at - keep * interval '24 hours';
		BEGIN
			IF keep = 0 OR NOT is_home() OR NOT may_remove(now_at) THEN
				RETURN NULL;
			END IF;
			RETURN removable_days(kept_from, most);
		END
	$$;
COMMENT ON FUNCTION vac_store.removable(timestamptz, integer) IS
	'Up to which entry policy keep_history keeps history no longer, so many rows at most; NULL: there is nothing to remove';

CREATE OR REPLACE FUNCTION vac_store.has_signer(at timestamptz) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	-- A daemon asks once a day at least (history_head_ms), and notes it once an hour at most.
	RETURN EXISTS (SELECT FROM vac_store.signer s WHERE s.seen_at > at - interval '25 hours');
COMMENT ON FUNCTION vac_store.has_signer(timestamptz) IS 'Whether a daemon that has a key to sign history was at work in the last day';

CREATE OR REPLACE FUNCTION vac_daemon.history_due(most integer)
	RETURNS TABLE (chain uuid, number bigint, hash text, at text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			until bigint := removable(now_at, most);
		BEGIN
			-- Only who can sign asks.
			INSERT INTO signer AS s (seen_at) VALUES (now_at)
				ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at WHERE s.seen_at < now_at - interval '1 hour' OR s.seen_at > now_at;
			RETURN QUERY SELECT c.chain, s.number, encode(s.hash, 'hex'), stamp_text(now_at)
				FROM chain c, sealed s WHERE s.number = until;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.history_due(integer) IS
	'The last entry of history that is to be removed now, so many rows at most, for a checkpoint to be signed; no row: nothing is';

-- Notes come last: rows of history name them.
CREATE OR REPLACE FUNCTION vac_store.remove_entries(until bigint) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	AS $$
		#variable_conflict use_column
		DECLARE
			n bigint;
			notes bigint[];
		BEGIN
			notes := ARRAY(SELECT h.note_id FROM history h JOIN sealed s ON s.history_id = h.history_id
				WHERE h.note_id IS NOT NULL AND s.number <= remove_entries.until);
			DELETE FROM history h USING sealed s WHERE s.history_id = h.history_id AND s.number <= remove_entries.until;
			DELETE FROM sealed s WHERE s.number <= remove_entries.until;
			GET DIAGNOSTICS n = ROW_COUNT;
			DELETE FROM note t WHERE t.note_id = ANY (notes);
			PERFORM record('history_removed', more => jsonb_build_object('rows', n, 'until', remove_entries.until));
			RETURN n;
		END
	$$;
COMMENT ON FUNCTION vac_store.remove_entries(bigint) IS
	'Removes all entries up to this one, for which a checkpoint stands, with their rows and notes; returns how many';

CREATE OR REPLACE FUNCTION vac_daemon.remove_history(until bigint, hash text, signed text) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '250ms'
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			PERFORM FROM chain c FOR NO KEY UPDATE;
			-- Asked again: another daemon may have been at it, or the policy be another.
			IF NOT EXISTS (SELECT FROM sealed s WHERE s.number = remove_history.until AND encode(s.hash, 'hex') = remove_history.hash)
				OR removable(now_at, (remove_history.until - (SELECT min(s.number) FROM sealed s) + 1)::integer)
					IS DISTINCT FROM remove_history.until THEN
				RETURN 0;
			END IF;
			INSERT INTO checkpoint (number, hash, made_at, signed)
				VALUES (remove_history.until, decode(remove_history.hash, 'hex'), now_at, remove_history.signed);
			RETURN remove_entries(remove_history.until);
		EXCEPTION
			-- Somebody's open transaction; the daemon asks again.
			WHEN lock_not_available OR deadlock_detected THEN
				RETURN 0;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.remove_history(bigint, text, text) IS
	'Puts a signed checkpoint in the place of all entries up to this one, if history_due() still says so, and removes their rows and notes; returns how many';

-- ---- status ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.seal_status(now_at timestamptz) RETURNS TABLE (severity text, text text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN w.oldest < now_at - interval '1 hour' THEN 'bad' WHEN w.oldest < now_at - interval '5 minutes' THEN 'warn' ELSE 'ok' END,
				format('history: %s', CASE WHEN w.oldest < now_at - interval '5 minutes'
					THEN format('not sealed for %s, look at the daemon''s journal; sealed up to %s', age_text(w.oldest, now_at), c.number)
					ELSE format('sealed up to %s', c.number) END)
			FROM chain c, (SELECT (SELECT h.at FROM unsealed u JOIN history h USING (history_id) ORDER BY u.history_id LIMIT 1) AS oldest) w
		UNION ALL
		-- A day is the lump that is removed, and another one the time for it.
		SELECT 'warn', 'history: policy keep_history keeps less than there is, and no daemon has a key to sign its removal; set history_key_file'
			WHERE removable(now_at - interval '24 hours', 1) IS NOT NULL;
	$$;
COMMENT ON FUNCTION vac_store.seal_status(timestamptz) IS 'The line of status() about the chain of history';

-- ---- what verify-history reads: columns as they stand, nothing computed of them --------------
CREATE OR REPLACE FUNCTION vac_daemon.chain_head()
	RETURNS TABLE (chain uuid, number bigint, hash text, first_number bigint, checkpoint bigint, checkpoint_hash text, signed text, waiting bigint)
	LANGUAGE sql SECURITY DEFINER STABLE ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT c.chain, c.number, encode(c.hash, 'hex'), (SELECT min(s.number) FROM sealed s), k.number, encode(k.hash, 'hex'), k.signed,
				(SELECT count(*) FROM unsealed u JOIN history h USING (history_id))
			FROM chain c LEFT JOIN LATERAL (SELECT * FROM checkpoint p ORDER BY p.number DESC LIMIT 1) k ON true;
	$$;
COMMENT ON FUNCTION vac_daemon.chain_head() IS 'Where the chain begins and ends, and how many rows of history wait to be sealed';

CREATE OR REPLACE FUNCTION vac_daemon.chain_entries(after bigint, most integer)
	RETURNS TABLE (number bigint, sealed_id bigint, sealed_at text, hash text, history_id bigint, at text, who text, event text, office_id integer,
		case_id bigint, request_id bigint, appointment_id bigint, coordinator_id integer, message_id bigint, reason text, note_id bigint, detail text,
		note_hash text, salt text, note text, redacted_at text, redacted_by text)
	LANGUAGE sql SECURITY DEFINER STABLE ROWS 1000
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT s.number, s.history_id, entry_time(s.sealed_at), encode(s.hash, 'hex'), h.history_id, entry_time(h.at), h.who, h.event, h.office_id,
				h.case_id, h.request_id, h.appointment_id, h.coordinator_id, h.message_id, h.reason, h.note_id, h.detail::text,
				encode(n.hash, 'hex'), encode(n.salt, 'hex'), n.text, stamp_text(n.redacted_at), n.redacted_by
			FROM (SELECT * FROM sealed o WHERE o.number > chain_entries.after ORDER BY o.number LIMIT chain_entries.most) s
				LEFT JOIN history h ON h.history_id = s.history_id LEFT JOIN note n ON n.note_id = h.note_id
			ORDER BY s.number;
	$$;
COMMENT ON FUNCTION vac_daemon.chain_entries(bigint, integer) IS
	'The next entries of the chain behind this number with their rows of history and notes; history_id is NULL where the row is gone';

CREATE OR REPLACE FUNCTION vac_daemon.chain_strays(most integer)
	RETURNS TABLE (history_id bigint, at text, lost boolean)
	LANGUAGE sql SECURITY DEFINER STABLE ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		(SELECT h.history_id, stamp_text(h.at), false FROM history h
			WHERE NOT EXISTS (SELECT FROM sealed s WHERE s.history_id = h.history_id)
				AND NOT EXISTS (SELECT FROM unsealed u WHERE u.history_id = h.history_id)
			ORDER BY h.history_id LIMIT most)
		UNION ALL
		(SELECT u.history_id, NULL, true FROM unsealed u
			WHERE NOT EXISTS (SELECT FROM history h WHERE h.history_id = u.history_id)
			ORDER BY u.history_id LIMIT most);
	$$;
COMMENT ON FUNCTION vac_daemon.chain_strays(integer) IS
	'Rows of history that are neither sealed nor wait for it; lost: one that waited and is gone';
