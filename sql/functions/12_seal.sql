-- The chain of history: what waits to be sealed, the bytes that are hashed, what may be removed.
-- vacd-history(7) describes the bytes for somebody who computes them elsewhere.

-- ---- what waits ------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.history_waits() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			INSERT INTO unsealed (history_id) SELECT a.history_id FROM added a;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.history_waits() IS 'Trigger: new rows of history wait to be sealed';
CREATE OR REPLACE TRIGGER history_waits AFTER INSERT ON vac_store.history
	REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.history_waits();

-- ---- notes -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.note_hashed() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF TG_OP = 'INSERT' THEN
				NEW.hash := sha256(NEW.salt || convert_to(NEW.text, 'UTF8'));
				RETURN NEW;
			END IF;
			IF OLD.text IS NULL OR NEW.text IS NOT NULL OR NEW.hash <> OLD.hash OR NEW.note_id <> OLD.note_id
				OR NEW.redacted_at IS NULL OR NEW.redacted_by IS NULL THEN
				RAISE insufficient_privilege USING
					MESSAGE = 'a note can only be redacted',
					HINT = 'That takes its text away, once, and says who did it and when.';
			END IF;
			NEW.salt := NULL;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.note_hashed() IS
	'Trigger: hashes a new note; of one that is redacted the salt goes with the text, and nothing else can be changed';
DROP TRIGGER IF EXISTS note_hashed ON vac_store.note;
CREATE TRIGGER note_hashed BEFORE INSERT OR UPDATE ON vac_store.note
	FOR EACH ROW EXECUTE FUNCTION vac_store.note_hashed();

-- ---- the bytes of an entry -------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.entry_field(field text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce(octet_length(field)::text || ':' || field, '-') || ',';
COMMENT ON FUNCTION vac_store.entry_field(text) IS 'A field of an entry: its length in octets, a colon, itself, a comma; of NULL a hyphen and a comma';

CREATE OR REPLACE FUNCTION vac_store.entry_time(at timestamptz) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint::text ELSE at::text END;
COMMENT ON FUNCTION vac_store.entry_time(timestamptz) IS 'A time in an entry: whole microseconds since 1970-01-01 UTC, or infinity, -infinity';

CREATE OR REPLACE FUNCTION vac_store.entry_row(h history, note_hash bytea) RETURNS text
	LANGUAGE sql STABLE
	RETURN vac_store.entry_field(h.history_id::text) || vac_store.entry_field(vac_store.entry_time(h.at))
		|| vac_store.entry_field(h.who) || vac_store.entry_field(h.event)
		|| vac_store.entry_field(h.office_id::text) || vac_store.entry_field(h.case_id::text)
		|| vac_store.entry_field(h.request_id::text) || vac_store.entry_field(h.appointment_id::text)
		|| vac_store.entry_field(h.coordinator_id::text) || vac_store.entry_field(h.message_id::text)
		|| vac_store.entry_field(h.reason) || vac_store.entry_field(h.note_id::text)
		|| vac_store.entry_field(encode(note_hash, 'hex')) || vac_store.entry_field(h.detail::text);
COMMENT ON FUNCTION vac_store.entry_row(history, bytea) IS 'The part of an entry that is the row of history, with the hash of its note';

CREATE OR REPLACE FUNCTION vac_store.next_entries(head chain, at timestamptz, most integer)
	RETURNS TABLE (number bigint, history_id bigint, sealed_at timestamptz, hash bytea)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		DECLARE
			row_text text;
			at_text text := entry_field(entry_time(at));
		BEGIN
			number := head.number;
			hash := head.hash;
			sealed_at := at;
			FOR history_id, row_text IN
				SELECT h.history_id, entry_row(h, n.hash)
					FROM unsealed u JOIN history h ON h.history_id = u.history_id LEFT JOIN note n ON n.note_id = h.note_id
					ORDER BY u.history_id LIMIT most
			LOOP
				number := number + 1;
				hash := sha256(hash || convert_to(entry_field('vacd-entry-1') || entry_field(number::text) || at_text || row_text, 'UTF8'));
				RETURN NEXT;
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.next_entries(chain, timestamptz, integer) IS 'What waits, so many rows at most, as entries that follow this head';

-- ---- what may be changed: nothing; removed: what a checkpoint stands for ---------------------
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON vac_store.sealed
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vac_store.checkpoint
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON vac_store.chain
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only();

CREATE OR REPLACE FUNCTION vac_store.history_kept() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			until bigint := (SELECT max(c.number) FROM checkpoint c);
		BEGIN
			IF EXISTS (SELECT FROM gone g LEFT JOIN sealed s ON s.history_id = g.history_id WHERE s.number <= until IS NOT TRUE) THEN
				RAISE insufficient_privilege USING
					MESSAGE = 'table history is append-only',
					HINT = 'Write a new row that corrects the old one. What is old goes by policy keep_history, behind a signed checkpoint.';
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.history_kept() IS 'Trigger: rows of history can be deleted only if a checkpoint stands for them';
CREATE OR REPLACE TRIGGER history_kept AFTER DELETE ON vac_store.history
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.history_kept();

CREATE OR REPLACE FUNCTION vac_store.sealed_kept() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF EXISTS (SELECT FROM gone g WHERE g.number <= (SELECT max(c.number) FROM checkpoint c) IS NOT TRUE) THEN
				RAISE insufficient_privilege USING MESSAGE = 'table sealed is append-only';
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.sealed_kept() IS 'Trigger: entries can be deleted only if a checkpoint stands for them';
CREATE OR REPLACE TRIGGER sealed_kept AFTER DELETE ON vac_store.sealed
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.sealed_kept();

-- Whoever may shorten these could have the daemon remove what they did.
CREATE OR REPLACE FUNCTION vac_store.keep_record_check() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF NOT is_administrator() THEN
				RAISE insufficient_privilege USING
					MESSAGE = format('policy %s is for administrators of the database', NEW.name),
					HINT = 'What it says is how long a record is kept of what was done for people, and of what supervisors did.';
			ELSIF NEW.value::integer BETWEEN 1 AND 89 THEN
				RAISE check_violation USING MESSAGE = format('policy %s: "%s" is neither 0 nor 90 or more days', NEW.name, NEW.value);
			END IF;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.keep_record_check() IS 'Trigger: only an administrator says how long history and cases are kept, for 90 days at least';
CREATE OR REPLACE TRIGGER policy_keep_record BEFORE INSERT OR UPDATE ON vac_store.policy
	FOR EACH ROW WHEN (NEW.name IN ('keep_history', 'keep_cases')) EXECUTE FUNCTION vac_store.keep_record_check();
