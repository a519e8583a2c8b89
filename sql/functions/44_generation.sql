-- Generations: message, inbound and history are partitioned by key, and when a month (UTC) is over keys go on with the
-- next partition, so that each has what was written in one month and looking up a key finds its own. Nobody's INSERT
-- ever makes one: two empty ones at least are there in advance.

CREATE OR REPLACE FUNCTION vac_store.generation_width(of_table text) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- People type the numbers of inbound. More rows in a month than this run on into the next generation.
	RETURN CASE of_table WHEN 'inbound' THEN 1000000 ELSE 10000000 END;
COMMENT ON FUNCTION vac_store.generation_width(text) IS 'How many keys a generation of the table has';

CREATE OR REPLACE FUNCTION vac_store.key_sequence(of_table text) RETURNS regclass
	LANGUAGE sql STABLE
	RETURN pg_get_serial_sequence('vac_store.' || of_table, of_table || '_id')::regclass;
COMMENT ON FUNCTION vac_store.key_sequence(text) IS 'The sequence that keys of the table come from';

CREATE OR REPLACE FUNCTION vac_store.last_key(of_table text) RETURNS bigint
	LANGUAGE sql
	RETURN coalesce(pg_sequence_last_value(vac_store.key_sequence(of_table)), 0);
COMMENT ON FUNCTION vac_store.last_key(text) IS 'The last key that was given, also by a transaction that is open or was rolled back';

CREATE OR REPLACE FUNCTION vac_store.generations_ahead(of_table text) RETURNS bigint
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN (SELECT count(*) FROM vac_store.generation g
		WHERE g.of_table = generations_ahead.of_table AND g.from_id > vac_store.last_key(generations_ahead.of_table));
COMMENT ON FUNCTION vac_store.generations_ahead(text) IS 'How many generations of the table are empty, because no key as high was given yet';

CREATE OR REPLACE FUNCTION vac_store.generations_short() RETURNS boolean
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN least(vac_store.generations_ahead('message'), vac_store.generations_ahead('inbound'), vac_store.generations_ahead('history')) < 2;
COMMENT ON FUNCTION vac_store.generations_short() IS 'Whether a month of very many rows has used up what was made in advance, so that more is to be made at once';

-- ---- tables ----------------------------------------------------------------------------------
-- The names of tables that are made and dropped have a number in them, and so their statements are made here, and in
-- carry_over() below, of fixed words and of integers: nothing that comes from outside gets in.
CREATE OR REPLACE FUNCTION vac_store.guard_generation(of_table text, name text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
			IF of_table = 'history' THEN
				-- Those of history itself do not see what is done to a partition by its own name.
				EXECUTE format('CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON vac_store.%I
					FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only()', name);
				EXECUTE format('CREATE OR REPLACE TRIGGER history_kept AFTER DELETE ON vac_store.%I
					REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION vac_store.history_kept()', name);
				EXECUTE format('CREATE OR REPLACE TRIGGER history_waits AFTER INSERT ON vac_store.%I
					REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION vac_store.history_waits()', name);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.guard_generation(text, text) IS 'Protects a partition by its own name as its table is protected';

CREATE OR REPLACE FUNCTION vac_store.make_generation_table(of_table text, name text, with_indexes boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- Else its indexes come when it is attached.
			EXECUTE format('CREATE TABLE vac_store.%I (LIKE vac_store.%I INCLUDING ALL EXCLUDING IDENTITY%s)%s', name, of_table,
				CASE WHEN with_indexes THEN '' ELSE ' EXCLUDING INDEXES' END,
				CASE of_table
					WHEN 'message' THEN ' WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)'
					WHEN 'inbound' THEN ' WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)' ELSE '' END);
			EXECUTE format('COMMENT ON TABLE vac_store.%I IS %L', name, 'A generation of table ' || of_table);
			EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
			PERFORM guard_generation(of_table, name);
		END
	$$;
COMMENT ON FUNCTION vac_store.make_generation_table(text, text, boolean) IS 'Makes a table that can become a partition of this one';

CREATE OR REPLACE FUNCTION vac_store.attach_generation(of_table text, name text, from_id bigint, until_id bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- Not CREATE TABLE … PARTITION OF: this way nobody who reads or writes the table is held up.
			EXECUTE format('ALTER TABLE vac_store.%I ATTACH PARTITION vac_store.%I FOR VALUES FROM (%s) TO (%s)', of_table, name,
				coalesce(from_id::text, 'MINVALUE'), until_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.attach_generation(text, text, bigint, bigint) IS 'Makes a table the partition of these keys; from_id NULL: of whatever is lower';

-- ---- in advance ------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.make_generation(of_table text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			newest generation;
			name text;
		BEGIN
			SELECT * INTO newest FROM generation g WHERE g.of_table = make_generation.of_table ORDER BY g.number DESC LIMIT 1;
			name := format('%s_%s', make_generation.of_table, newest.number + 1);
			PERFORM make_generation_table(make_generation.of_table, name);
			PERFORM attach_generation(make_generation.of_table, name, newest.until_id, newest.until_id + generation_width(make_generation.of_table));
			INSERT INTO generation (of_table, number, from_id, until_id) VALUES (make_generation.of_table, newest.number + 1, newest.until_id,
				newest.until_id + generation_width(make_generation.of_table));
		END
	$$;
COMMENT ON FUNCTION vac_store.make_generation(text) IS 'Makes one more empty generation of the table';

-- Run at each migration: whatever daemon there is or is not, nobody's INSERT shall want a partition.
DO $ahead$
DECLARE
	one record;
BEGIN
	PERFORM FROM vac_store.upkeep u FOR NO KEY UPDATE;
	FOR one IN SELECT g.of_table, g.number FROM vac_store.generation g ORDER BY g.of_table, g.number LOOP
		PERFORM vac_store.guard_generation(one.of_table, format('%s_%s', one.of_table, one.number));
	END LOOP;
	FOR one IN SELECT DISTINCT g.of_table FROM vac_store.generation g ORDER BY g.of_table LOOP
		WHILE vac_store.generations_ahead(one.of_table) < 3 LOOP
			PERFORM vac_store.make_generation(one.of_table);
		END LOOP;
	END LOOP;
END
$ahead$;

-- ---- turning ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.month_after(at timestamptz) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE
	RETURN (date_trunc('month', at AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
COMMENT ON FUNCTION vac_store.month_after(timestamptz) IS 'When the month (UTC) is over';

CREATE OR REPLACE FUNCTION vac_store.turn_at(of_table text) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN (SELECT vac_store.month_after(max(g.begun_at)) FROM vac_store.generation g WHERE g.of_table = turn_at.of_table);
COMMENT ON FUNCTION vac_store.turn_at(text) IS 'When the next generation of the table begins; NULL: not even the first was noted to have begun';

-- Setting a sequence is not undone with its transaction: so it comes last, and to a generation that was committed before.
-- Keys that others draw meanwhile are below: a thousand are left for them.
CREATE OR REPLACE FUNCTION vac_store.turn_generation(of_table text, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			next generation;
		BEGIN
			SELECT * INTO next FROM generation g
				WHERE g.of_table = turn_generation.of_table AND g.begun_at IS NULL AND g.from_id > last_key(turn_generation.of_table) + 1000
					AND g.made_by <> pg_current_xact_id()
				ORDER BY g.number LIMIT 1;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			-- One that was run into before its month has begun with the one before it.
			UPDATE generation g SET begun_at = coalesce(g.begun_at, now_at), ended_at = now_at
				WHERE g.of_table = next.of_table AND g.number < next.number AND g.ended_at IS NULL;
			UPDATE generation g SET begun_at = now_at WHERE g.of_table = next.of_table AND g.number = next.number;
			-- The first key is left out: a sequence of which none was drawn would not say where it stands.
			PERFORM setval(key_sequence(next.of_table), next.from_id);
			RETURN true;
		END
	$$;
COMMENT ON FUNCTION vac_store.turn_generation(text, timestamptz) IS
	'From now on keys are those of the next generation; false: none is there that was committed before';
