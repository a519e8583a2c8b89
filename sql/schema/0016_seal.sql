-- History that shows tampering: its entries are sealed into a chain of hashes. vacd-history(7) says how.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('keep_history', NULL, 'days', '0', 'History older than this is removed, if a signed checkpoint can be left in its place; 0: it is kept for ever');

-- ---- the chain -------------------------------------------------------------------------------
CREATE TABLE vac_store.chain (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	chain      uuid NOT NULL DEFAULT gen_random_uuid(),
	number     bigint NOT NULL DEFAULT 0 CHECK (number >= 0),
	hash       bytea NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO vac_store.chain (chain, hash)
	SELECT u.id, sha256(convert_to('vacd-chain-1 ' || u.id, 'UTF8')) FROM (SELECT gen_random_uuid() AS id) u;
COMMENT ON TABLE vac_store.chain IS 'One row: the head of the chain of history. Whoever seals holds its lock';
COMMENT ON COLUMN vac_store.chain.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.chain.chain IS 'Which chain this is; the hash before its first entry is made from it';
COMMENT ON COLUMN vac_store.chain.number IS 'Number of the last entry; 0: there is none yet';
COMMENT ON COLUMN vac_store.chain.hash IS 'Its hash';

CREATE TABLE vac_store.sealed (
	number     bigint PRIMARY KEY CHECK (number > 0),
	history_id bigint NOT NULL UNIQUE,
	sealed_at  timestamptz NOT NULL,
	hash       bytea NOT NULL CHECK (length(hash) = 32)
);
COMMENT ON TABLE vac_store.sealed IS 'The entries of the chain, in the order in which they were sealed: each row of history once';
COMMENT ON COLUMN vac_store.sealed.number IS 'Number in the chain, without gaps; not the order of history_id, since rows are committed out of their order';
COMMENT ON COLUMN vac_store.sealed.history_id IS 'The row of history';
COMMENT ON COLUMN vac_store.sealed.sealed_at IS 'When it was sealed; part of the entry';
COMMENT ON COLUMN vac_store.sealed.hash IS 'SHA-256 over the hash before it and the entry';

-- A queue, since no order of keys or times tells which rows a transaction that is still open will commit.
CREATE TABLE vac_store.unsealed (
	history_id bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- Made here and not only with the functions: between the two, programs of before may write. The trigger's lock
-- lasts until the rows that there are stand in the queue.
CREATE FUNCTION vac_store.history_waits() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			INSERT INTO unsealed (history_id) SELECT a.history_id FROM added a;
			RETURN NULL;
		END
	$$;
CREATE TRIGGER history_waits AFTER INSERT ON vac_store.history
	REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.history_waits();
INSERT INTO vac_store.unsealed (history_id) SELECT h.history_id FROM vac_store.history h;
COMMENT ON TABLE vac_store.unsealed IS 'Rows of history that are not sealed yet';
COMMENT ON COLUMN vac_store.unsealed.history_id IS 'The row of history';

-- ---- retention -------------------------------------------------------------------------------
CREATE TABLE vac_store.checkpoint (
	number     bigint PRIMARY KEY CHECK (number > 0),
	hash       bytea NOT NULL CHECK (length(hash) = 32),
	made_at    timestamptz NOT NULL,
	signed     text NOT NULL CHECK (length(signed) BETWEEN 1 AND 2000)
);
COMMENT ON TABLE vac_store.checkpoint IS 'What is left of history that policy keep_history removed: where the chain goes on';
COMMENT ON COLUMN vac_store.checkpoint.number IS 'Number of the last entry that was removed';
COMMENT ON COLUMN vac_store.checkpoint.hash IS 'Its hash';
COMMENT ON COLUMN vac_store.checkpoint.made_at IS 'When';
COMMENT ON COLUMN vac_store.checkpoint.signed IS 'The line that says so, signed by the daemon';

-- ---- notes -----------------------------------------------------------------------------------
-- The salt keeps a short note from being guessed by its hash; it goes with the text when that is redacted.
ALTER TABLE vac_store.note
	ADD COLUMN salt bytea DEFAULT uuid_send(gen_random_uuid()),
	ADD COLUMN hash bytea;
CREATE FUNCTION vac_store.note_hashed() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			NEW.hash := sha256(NEW.salt || convert_to(NEW.text, 'UTF8'));
			RETURN NEW;
		END
	$$;
CREATE TRIGGER note_hashed BEFORE INSERT ON vac_store.note
	FOR EACH ROW EXECUTE FUNCTION vac_store.note_hashed();
UPDATE vac_store.note SET hash = sha256(salt || convert_to(coalesce(text, ''), 'UTF8')),
	salt = CASE WHEN text IS NOT NULL THEN salt END;
ALTER TABLE vac_store.note
	ALTER COLUMN hash SET NOT NULL,
	ADD CONSTRAINT note_hash CHECK (length(hash) = 32),
	ADD CONSTRAINT note_salt CHECK ((salt IS NULL) = (text IS NULL));
COMMENT ON COLUMN vac_store.note.salt IS 'Random bytes that are hashed before the text; NULL: redacted';
COMMENT ON COLUMN vac_store.note.hash IS 'SHA-256 over salt and text, the only thing of the note in the chain; it outlives them';

-- A note that is removed is looked for in history.
CREATE INDEX IF NOT EXISTS history_note ON vac_store.history (note_id) WHERE note_id IS NOT NULL;

-- ---- row-level security ----------------------------------------------------------------------
DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['chain', 'sealed', 'unsealed', 'checkpoint'] LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;
