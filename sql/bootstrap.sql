-- What must exist before the first migration: roles, schemas, the extension, the list of migrations.
-- Run by `vacd migrate` as the administrator it logs in as; every statement may be run again.

DO $roles$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['vac_owner', 'vac_daemon', 'vac_supervisor', 'vac_intake', 'vac_desk']
	LOOP
		BEGIN
			-- Roles belong to the whole cluster: another database, or a migration running
			-- beside this one, may have made them already.
			IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
				EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
			END IF;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
	IF NOT pg_catalog.pg_has_role(current_user, 'vac_owner', 'MEMBER') THEN
		EXECUTE format('GRANT vac_owner TO %I', current_user);
	END IF;
	EXECUTE format('GRANT CREATE ON DATABASE %I TO vac_owner', current_database());
	EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
	-- Row-level security makes small queries look dear, and compiling them takes a tenth of a second
	-- where running them takes a few milliseconds.
	EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
END
$roles$;

CREATE SCHEMA IF NOT EXISTS vac_store AUTHORIZATION vac_owner;
CREATE SCHEMA IF NOT EXISTS vac_daemon AUTHORIZATION vac_owner;
CREATE SCHEMA IF NOT EXISTS vac AUTHORIZATION vac_owner;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA vac_store;

SET ROLE vac_owner;

CREATE TABLE IF NOT EXISTS vac_store.migration (
	number      integer     PRIMARY KEY CHECK (number > 0),
	name        text        NOT NULL,
	checksum    text        NOT NULL,
	applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	applied_by  text        NOT NULL DEFAULT session_user
);
COMMENT ON TABLE vac_store.migration IS 'One row for each numbered file of sql/schema that was applied, never edited';
COMMENT ON COLUMN vac_store.migration.number IS 'Number at the front of the file name';
COMMENT ON COLUMN vac_store.migration.name IS 'File name';
COMMENT ON COLUMN vac_store.migration.checksum IS 'SHA-256 of the file, in hexadecimal';
COMMENT ON COLUMN vac_store.migration.applied_at IS 'When it was applied';
COMMENT ON COLUMN vac_store.migration.applied_by IS 'Login that applied it';

CREATE TABLE IF NOT EXISTS vac_store.installed (
	one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
	digest      text        NOT NULL,
	version     text        NOT NULL,
	at          timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE vac_store.installed IS 'The one row that says which set of SQL files this schema is';
COMMENT ON COLUMN vac_store.installed.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.installed.digest IS 'SHA-256 over all SQL files; a daemon built from another set refuses to work';
COMMENT ON COLUMN vac_store.installed.version IS 'Version of the vacd that installed it';
COMMENT ON COLUMN vac_store.installed.at IS 'When it was installed';

RESET ROLE;
