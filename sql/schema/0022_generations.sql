-- Tables that only grow, message, inbound and history, in generations: partitions by key, each of which has what was
-- written in one month. So what is kept no longer goes as a whole, by dropping its table.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- what would hold a generation, or be held by it ------------------------------------------
-- A row that is kept may name one that is gone; and whoever makes or drops a partition with foreign keys takes locks on
-- the tables that they name, which for cases and appointments nobody could wait for. No row of these is ever deleted.
ALTER TABLE vac_store.answer DROP CONSTRAINT answer_inbound_id_fkey;
ALTER TABLE vac_store.inbound
	DROP CONSTRAINT inbound_message_id_fkey,
	DROP CONSTRAINT inbound_office_id_fkey,
	DROP CONSTRAINT inbound_appointment_id_fkey,
	DROP CONSTRAINT inbound_coordinator_id_fkey,
	-- Nothing is unique across generations but the key: receive_mail() sees to it under a lock of its own.
	DROP CONSTRAINT inbound_delivery_envelope_recipient_key;
ALTER TABLE vac_store.message
	DROP CONSTRAINT message_office_id_fkey,
	DROP CONSTRAINT message_case_id_fkey,
	DROP CONSTRAINT message_appointment_id_fkey,
	-- 65 random bits each (vac_store.handle).
	DROP CONSTRAINT message_bounce_handle_key;
CREATE INDEX inbound_delivery ON vac_store.inbound (delivery, envelope_recipient);
CREATE INDEX message_bounce ON vac_store.message (bounce_handle);
COMMENT ON INDEX vac_store.inbound_delivery IS 'What of a delivery was stored already, and the bytes that its recipients share';
COMMENT ON INDEX vac_store.message_bounce IS 'Which message a report is about';
COMMENT ON COLUMN vac_store.answer.inbound_id IS
	'The mail, which may be gone by policy keep_inbound; NULL: told by telephone';
COMMENT ON COLUMN vac_store.inbound.message_id IS 'The message of ours it is about, which may be gone by policy keep_messages';

-- ---- generations -----------------------------------------------------------------------------
CREATE TABLE vac_store.generation (
	of_table   text NOT NULL CHECK (of_table IN ('message', 'inbound', 'history')),
	number     integer NOT NULL CHECK (number >= 0),
	from_id    bigint,                          -- NULL: the first, which has whatever is lower
	until_id   bigint NOT NULL,
	made_by    xid8 NOT NULL DEFAULT pg_current_xact_id(),
	begun_at   timestamptz,
	ended_at   timestamptz,
	look_at    timestamptz,
	PRIMARY KEY (of_table, number),
	CHECK (from_id < until_id),
	CHECK (ended_at IS NULL OR begun_at IS NOT NULL)
);
COMMENT ON TABLE vac_store.generation IS 'Partitions of message, inbound and history: which keys they have, and when those were given';
COMMENT ON COLUMN vac_store.generation.of_table IS 'Table';
COMMENT ON COLUMN vac_store.generation.number IS 'Number: its own table is named by both';
COMMENT ON COLUMN vac_store.generation.from_id IS 'Lowest key; NULL: none, it is the first there was';
COMMENT ON COLUMN vac_store.generation.until_id IS 'First key behind it';
COMMENT ON COLUMN vac_store.generation.made_by IS 'Transaction that made it: until that is committed no key of it may be given';
COMMENT ON COLUMN vac_store.generation.begun_at IS 'When the first of its keys was given; NULL: it is empty, made in advance';
COMMENT ON COLUMN vac_store.generation.ended_at IS 'When keys of the next one were given: nothing in it is newer, but for what a transaction open then wrote; NULL: not yet';
COMMENT ON COLUMN vac_store.generation.look_at IS 'When it is looked at again, because some of its rows are still needed; NULL: they were never looked for';

CREATE TABLE vac_store.upkeep (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	due_at     timestamptz NOT NULL,
	failing    timestamptz,
	analyzed_at timestamptz
);
INSERT INTO vac_store.upkeep (due_at) VALUES ('-infinity');
COMMENT ON TABLE vac_store.upkeep IS 'One row: when generations are made, begun or dropped next. Whoever does it holds its lock';
COMMENT ON COLUMN vac_store.upkeep.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.upkeep.due_at IS 'When there is something to do, or to look at';
COMMENT ON COLUMN vac_store.upkeep.failing IS 'Since when it is put off, because somebody holds what it needs; NULL: it is not';
COMMENT ON COLUMN vac_store.upkeep.analyzed_at IS 'When the statistics of the tables as a whole were last renewed, which autovacuum does not do';

DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['generation', 'upkeep'] LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;

-- ---- what there is becomes the first generation ----------------------------------------------
-- Indexes and triggers are made on the new table as the catalogue says that they are on the old one. What the views
-- of before read until they are made anew is the first generation, in which 100,000 keys at least are left.
DO $generations$
DECLARE
	width bigint;
	last_id bigint;
	until_id bigint;
	old_name text;
	name text;
	one record;
	made text[];
BEGIN
	FOREACH name IN ARRAY ARRAY['message', 'inbound', 'history'] LOOP
		width := CASE name WHEN 'inbound' THEN 1000000 ELSE 10000000 END;
		last_id := coalesce(pg_sequence_last_value(pg_get_serial_sequence('vac_store.' || name, name || '_id')::regclass), 0);
		until_id := ((last_id + 100000) / width + 1) * width;
		old_name := format('%s_%s', name, until_id / width - 1);
		made := '{}';
		FOR one IN SELECT t.tgname, pg_get_triggerdef(t.oid) AS definition FROM pg_trigger t
				WHERE t.tgrelid = ('vac_store.' || name)::regclass AND NOT t.tgisinternal ORDER BY t.tgname LOOP
			made := made || one.definition;
			EXECUTE format('DROP TRIGGER %I ON vac_store.%I', one.tgname, name);
		END LOOP;
		FOR one IN SELECT i.indexrelid::regclass AS index, c.relname, pg_get_indexdef(i.indexrelid) AS definition,
					obj_description(i.indexrelid, 'pg_class') AS said
				FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
				WHERE i.indrelid = ('vac_store.' || name)::regclass ORDER BY c.relname LOOP
			EXECUTE format('ALTER INDEX %s RENAME TO %I', one.index, old_name || substr(one.relname, length(name) + 1));
			IF one.relname = name || '_pkey' THEN
				made := made || format('ALTER TABLE vac_store.%I ADD CONSTRAINT %I PRIMARY KEY (%I)', name, one.relname, name || '_id');
			ELSE
				made := made || one.definition || CASE WHEN one.said IS NOT NULL THEN format('COMMENT ON INDEX vac_store.%I IS %L', one.relname, one.said) END;
			END IF;
		END LOOP;
		EXECUTE format('ALTER TABLE vac_store.%I ALTER %I DROP IDENTITY', name, name || '_id');
		EXECUTE format('ALTER TABLE vac_store.%I RENAME TO %I', name, old_name);
		EXECUTE format('CREATE TABLE vac_store.%I (LIKE vac_store.%I INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY) PARTITION BY RANGE (%I)',
			name, old_name, name || '_id');
		EXECUTE format('COMMENT ON TABLE vac_store.%I IS %L', name, obj_description(('vac_store.' || old_name)::regclass, 'pg_class'));
		EXECUTE format('ALTER TABLE vac_store.%I ALTER %I ADD GENERATED ALWAYS AS IDENTITY', name, name || '_id');
		PERFORM setval(pg_get_serial_sequence('vac_store.' || name, name || '_id'), greatest(last_id, 1), last_id > 0);
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
		FOR i IN 1 .. cardinality(made) LOOP
			CONTINUE WHEN made[i] IS NULL;
			EXECUTE made[i];
		END LOOP;
		EXECUTE format('ALTER TABLE vac_store.%I ATTACH PARTITION vac_store.%I FOR VALUES FROM (MINVALUE) TO (%s)', name, old_name, until_id);
		EXECUTE format('COMMENT ON TABLE vac_store.%I IS %L', old_name, 'A generation of table ' || name);
		INSERT INTO vac_store.generation (of_table, number, until_id) VALUES (name, until_id / width - 1, until_id);
	END LOOP;
END
$generations$;
ALTER TABLE vac_store.history ADD CONSTRAINT history_note_id_fkey FOREIGN KEY (note_id) REFERENCES vac_store.note;

-- ---- who sees what: as before; of a generation by itself nobody sees anything ----------------
CREATE POLICY supervisor_own_or_holder ON vac_store.message FOR SELECT TO vac_supervisor
	USING (office_id = ANY (ARRAY(SELECT vac_store.my_offices()))
		OR (kind <> 'requester' AND EXISTS (SELECT FROM vac_store.appointment a
			WHERE a.appointment_id = message.appointment_id
				AND a.coordinator_id = ANY (ARRAY(SELECT vac_store.my_coordinators())))));
CREATE POLICY supervisor_own_or_writer ON vac_store.inbound FOR SELECT TO vac_supervisor
	USING (office_id = ANY (ARRAY(SELECT vac_store.my_offices()))
		OR coordinator_id = ANY (ARRAY(SELECT vac_store.my_coordinators()))
		OR (office_id IS NULL AND coordinator_id IS NULL AND EXISTS (SELECT FROM vac_store.my_offices())));
CREATE POLICY supervisor_own ON vac_store.history FOR SELECT TO vac_supervisor
	USING (office_id = ANY (ARRAY(SELECT vac_store.my_offices())) OR (office_id IS NULL AND case_id IS NULL)
		OR case_id IN (SELECT vac_store.my_received_cases()));

CREATE POLICY supervisor_all ON vac_store.generation FOR SELECT TO vac_supervisor USING (true);

-- ---- policy ----------------------------------------------------------------------------------
-- Not below what an administrator has set for a part of it.
INSERT INTO vac_store.policy (name, urgency, kind, value, meaning)
	SELECT n.name, NULL, 'days', greatest(400, (SELECT p.value::integer FROM vac_store.policy p WHERE p.name = n.part))::text, n.meaning
		FROM (VALUES
			('keep_messages', 'keep_sent_mail', 'A month of mail that went out is removed when all of it is older than this, but for what is still needed; '
				'0: it is kept for ever. Its texts go by keep_sent_mail'),
			('keep_inbound', 'keep_raw_inbound', 'A month of mail that came in is removed when all of it is older than this, but for what is still needed; '
				'0: it is kept for ever. Its raw bytes go by keep_raw_inbound')) n (name, part, meaning);
