-- Cases beside one another: those that turned out to be one person's, those that belong together; and
-- limits that an office sets for its coordinators.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- one person, two codes -------------------------------------------------------------------
ALTER TABLE vac_store.case_record
	ADD COLUMN merged_into bigint REFERENCES case_record,
	ADD CONSTRAINT case_record_merged CHECK (merged_into IS NULL OR (state = 'closed' AND merged_into <> case_id));
CREATE INDEX case_record_merged_into ON vac_store.case_record (merged_into) WHERE merged_into IS NOT NULL;
COMMENT ON COLUMN vac_store.case_record.merged_into IS 'The case that it is now: both were of one person. NULL: it stands for itself';
COMMENT ON INDEX vac_store.case_record_merged_into IS 'Which codes a case had besides its own';

-- ---- from another office ---------------------------------------------------------------------
ALTER TABLE vac_store.case_record ADD COLUMN transferred_at timestamptz;
CREATE INDEX case_record_transferred ON vac_store.case_record (office_id) WHERE transferred_at IS NOT NULL;
COMMENT ON COLUMN vac_store.case_record.transferred_at IS 'When it last came from another office; NULL: it always was where it is';
COMMENT ON INDEX vac_store.case_record_transferred IS 'Whose past lies with other offices, too';

CREATE FUNCTION vac_store.my_received_cases() RETURNS SETOF bigint
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT c.case_id FROM case_record c WHERE c.transferred_at IS NOT NULL AND c.office_id IN (SELECT my_offices());
	$$;
COMMENT ON FUNCTION vac_store.my_received_cases() IS 'Ids of the cases of one''s own offices that were another office''s before';

-- ---- cases that belong together --------------------------------------------------------------
CREATE TABLE vac_store.case_link (
	case_id    bigint NOT NULL REFERENCES case_record,
	other_id   bigint NOT NULL REFERENCES case_record CHECK (other_id > case_id),
	kind       text NOT NULL CHECK (kind IN ('family', 'incident', 'other')),
	added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by   text NOT NULL DEFAULT session_user,
	PRIMARY KEY (case_id, other_id)
);
CREATE INDEX case_link_other ON vac_store.case_link (other_id);
COMMENT ON TABLE vac_store.case_link IS 'Cases that belong together, a row a pair';
COMMENT ON COLUMN vac_store.case_link.case_id IS 'The one that was opened first';
COMMENT ON COLUMN vac_store.case_link.other_id IS 'The other';
COMMENT ON COLUMN vac_store.case_link.kind IS 'family: one coordinator should see to both; incident: the same incident; other';
COMMENT ON COLUMN vac_store.case_link.added_at IS 'When it was said';
COMMENT ON COLUMN vac_store.case_link.added_by IS 'Who said so';
COMMENT ON INDEX vac_store.case_link_other IS 'The same pair, asked from the other side';

-- ---- limits of an office ---------------------------------------------------------------------
CREATE TABLE vac_store.office_limit (
	office_id  integer NOT NULL REFERENCES office,
	duty       duty NOT NULL,
	max_open_cases integer CHECK (max_open_cases BETWEEN 0 AND 1000),
	weekly_minutes integer CHECK (weekly_minutes BETWEEN 0 AND 10080),
	meetings_a_day integer CHECK (meetings_a_day BETWEEN 0 AND 50),
	PRIMARY KEY (office_id, duty)
);
COMMENT ON TABLE vac_store.office_limit IS 'Limits of an office''s coordinators who have none of their own, by duty';
COMMENT ON COLUMN vac_store.office_limit.office_id IS 'The office';
COMMENT ON COLUMN vac_store.office_limit.duty IS 'full_time or collateral';
COMMENT ON COLUMN vac_store.office_limit.max_open_cases IS 'Open cases at most; NULL: the policy''s';
COMMENT ON COLUMN vac_store.office_limit.weekly_minutes IS 'Minutes a week at most, with travel; NULL: the policy''s';
COMMENT ON COLUMN vac_store.office_limit.meetings_a_day IS 'Meetings a day at most; NULL: the policy''s';

-- ---- who sees what ---------------------------------------------------------------------------
DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['case_link', 'office_limit'] LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;
CREATE POLICY supervisor_near ON vac_store.office_limit FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.near_offices()));
-- Who sees one of the two knows that there is another, and of which kind.
CREATE POLICY supervisor_own ON vac_store.case_link FOR SELECT TO vac_supervisor
	USING (EXISTS (SELECT FROM vac_store.case_record c WHERE c.case_id IN (case_link.case_id, case_link.other_id)));
-- A case takes its past along to another office; what was done there stays to be read there, too.
DROP POLICY supervisor_own ON vac_store.history;
CREATE POLICY supervisor_own ON vac_store.history FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices()) OR (office_id IS NULL AND case_id IS NULL)
		OR case_id IN (SELECT vac_store.my_received_cases()));
