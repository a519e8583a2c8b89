-- Interpreters who were booked for a case that went to another office, whether a daemon signs history, of what supervisors
-- were told, and mail to many recipients.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- interpreters ----------------------------------------------------------------------------
-- The case is another office's now, and its requests with it: what must be known of it here is kept here.
CREATE TABLE vac_store.interpreter_left (
	left_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	office_id  integer NOT NULL REFERENCES office,
	case_id    bigint NOT NULL REFERENCES case_record,
	request_id bigint NOT NULL REFERENCES request,
	case_code  text NOT NULL,
	language   language_tag NOT NULL,
	interpreter interpreter_mode NOT NULL,
	place      text,
	span       tstzrange NOT NULL
);
CREATE INDEX interpreter_left_office ON vac_store.interpreter_left (office_id);
COMMENT ON TABLE vac_store.interpreter_left IS 'Interpreters whom an office booked for a case that it gave away: it has to call them off';
COMMENT ON COLUMN vac_store.interpreter_left.left_id IS 'Key';
COMMENT ON COLUMN vac_store.interpreter_left.office_id IS 'The office that booked';
COMMENT ON COLUMN vac_store.interpreter_left.case_id IS 'The case';
COMMENT ON COLUMN vac_store.interpreter_left.request_id IS 'The request';
COMMENT ON COLUMN vac_store.interpreter_left.case_code IS 'The code that the case had then';
COMMENT ON COLUMN vac_store.interpreter_left.language IS 'Language that the victim needs';
COMMENT ON COLUMN vac_store.interpreter_left.interpreter IS 'As the request said it';
COMMENT ON COLUMN vac_store.interpreter_left.place IS 'To which place of the office; NULL: by telephone';
COMMENT ON COLUMN vac_store.interpreter_left.span IS 'When it was booked for';
COMMENT ON INDEX vac_store.interpreter_left_office IS 'What view interpreters_to_book shows of an office';
ALTER TABLE vac_store.interpreter_left ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON vac_store.interpreter_left TO vac_owner USING (true) WITH CHECK (true);
CREATE POLICY supervisor_own ON vac_store.interpreter_left FOR SELECT TO vac_supervisor
	USING (office_id = ANY (ARRAY(SELECT vac_store.my_offices())));

-- ---- history ---------------------------------------------------------------------------------
-- A row of its own: whoever seals holds that of chain.
CREATE TABLE vac_store.signer (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	seen_at    timestamptz NOT NULL
);
COMMENT ON TABLE vac_store.signer IS 'One row, once there was one: a daemon that has a key to sign history';
COMMENT ON COLUMN vac_store.signer.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.signer.seen_at IS 'When one last asked what is to be removed, to the hour';
ALTER TABLE vac_store.signer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON vac_store.signer TO vac_owner USING (true) WITH CHECK (true);

-- ---- what supervisors are told of once -------------------------------------------------------
ALTER TABLE vac_store.request ADD COLUMN unheard_told_at timestamptz;
ALTER TABLE vac_store.message ADD COLUMN reported_at timestamptz;
COMMENT ON COLUMN vac_store.request.unheard_told_at IS 'When the supervisors were last told, as it was made, of a call-out that can be mailed to nobody';
COMMENT ON COLUMN vac_store.message.reported_at IS 'When they were told that it was made neutral or suppressed; NULL: they were not';

-- ---- mail in ---------------------------------------------------------------------------------
COMMENT ON COLUMN vac_store.inbound.raw IS
	'The mail as it came; empty where the first recipient of the same delivery has it; NULL once deleted by policy keep_raw_inbound';
