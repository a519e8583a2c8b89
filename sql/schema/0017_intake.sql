-- Programs that open cases over HTTPS: who they are, for which offices, and by what they are known.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

CREATE TABLE vac_store.client (
	client_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code       text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_-]{1,39}$'),
	all_offices boolean NOT NULL DEFAULT false,
	added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by   text NOT NULL DEFAULT session_user,
	retired_at timestamptz
);
CREATE TABLE vac_store.client_office (
	client_id  integer NOT NULL REFERENCES client,
	office_id  integer NOT NULL REFERENCES office,
	PRIMARY KEY (client_id, office_id)
);
-- Several at a time, so that one can be renewed before the other ends.
CREATE TABLE vac_store.client_key (
	key_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	client_id  integer NOT NULL REFERENCES client,
	kind       text NOT NULL CHECK (kind IN ('token', 'certificate', 'subject')),
	hash       bytea NOT NULL CHECK (length(hash) = 32),
	hint       text NOT NULL CHECK (length(hint) BETWEEN 1 AND 300),
	added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by   text NOT NULL DEFAULT session_user,
	retired_at timestamptz
);
-- What was retired stays known, and can be nobody else's.
CREATE UNIQUE INDEX client_key_hash ON vac_store.client_key (kind, hash);
CREATE INDEX client_key_client ON vac_store.client_key (client_id);

COMMENT ON TABLE vac_store.client IS 'Programs that open cases over HTTPS; their cases are opened by client:CODE';
COMMENT ON COLUMN vac_store.client.client_id IS 'Key';
COMMENT ON COLUMN vac_store.client.code IS 'Its code, such as tipline';
COMMENT ON COLUMN vac_store.client.all_offices IS 'It may open cases for every office, also one that is new';
COMMENT ON COLUMN vac_store.client.added_at IS 'Since when';
COMMENT ON COLUMN vac_store.client.added_by IS 'Who added it';
COMMENT ON COLUMN vac_store.client.retired_at IS 'When it was retired; NULL: it may come in';
COMMENT ON TABLE vac_store.client_office IS 'For which offices a client may open cases';
COMMENT ON COLUMN vac_store.client_office.client_id IS 'The client';
COMMENT ON COLUMN vac_store.client_office.office_id IS 'The office';
COMMENT ON TABLE vac_store.client_key IS 'By what a client is known; of a token only its hash is kept';
COMMENT ON COLUMN vac_store.client_key.key_id IS 'Key; the number that view clients shows';
COMMENT ON COLUMN vac_store.client_key.client_id IS 'The client';
COMMENT ON COLUMN vac_store.client_key.kind IS 'token; certificate: this one alone; subject: every certificate of our authority with this subject';
COMMENT ON COLUMN vac_store.client_key.hash IS 'SHA-256 of the token, of the certificate (DER), or of the subject''s text';
COMMENT ON COLUMN vac_store.client_key.hint IS 'What a person may see of it: its first digits, or the subject';
COMMENT ON COLUMN vac_store.client_key.added_at IS 'Since when';
COMMENT ON COLUMN vac_store.client_key.added_by IS 'Who added it';
COMMENT ON COLUMN vac_store.client_key.retired_at IS 'When it was retired; NULL: it holds';
COMMENT ON COLUMN vac_store.case_record.opened_by IS 'Login that opened it, or client:CODE';

-- ---- who sees what ---------------------------------------------------------------------------
DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['client', 'client_office', 'client_key']
	LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
		-- Supervisors see which programs may open cases, as they see each other; hashes are granted to nobody.
		EXECUTE format('CREATE POLICY supervisor_reads ON vac_store.%I FOR SELECT TO vac_supervisor USING (true)', name);
	END LOOP;
END
$security$;

-- ---- a stage of its own ----------------------------------------------------------------------
-- By form: which stages there are is the program's to know.
ALTER TABLE vac_store.heartbeat DROP CONSTRAINT heartbeat_stage_check,
	ADD CONSTRAINT heartbeat_stage_check CHECK (stage ~ '^[a-z][a-z_]{1,40}$');
