-- What lets a wall clock that was set back leave nothing behind, and what lets no change of a roster be lost
-- to a plan that was under way.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.
ALTER TABLE vac_store.presence
	ADD COLUMN worked_at timestamptz,
	ADD COLUMN back_by interval,
	ADD COLUMN back_at timestamptz,
	ADD CHECK ((back_by IS NULL) = (back_at IS NULL));
COMMENT ON COLUMN vac_store.presence.worked_at IS
	'The latest moment that a daemon worked by, where that is much later than its heartbeats say: the clock is ahead since; NULL: there was none';
COMMENT ON COLUMN vac_store.presence.back_by IS 'By how much the clock was set back, while what was under way then is still to be looked for; else NULL';
COMMENT ON COLUMN vac_store.presence.back_at IS 'When that was noticed';

-- Rows of their own: an update of requests would have them wait for somebody's open transaction, and is not seen by a plan that is under way.
CREATE TABLE vac_store.plan_stale (
	stale_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	office_id  integer NOT NULL REFERENCES office,
	again_at   timestamptz
);
CREATE INDEX plan_stale_office ON vac_store.plan_stale (office_id);
COMMENT ON TABLE vac_store.plan_stale IS
	'Offices in whose group rosters or rules changed, a row a change: what nobody could take is planned again once the plan that is under way is stored';
COMMENT ON COLUMN vac_store.plan_stale.stale_id IS 'Key';
COMMENT ON COLUMN vac_store.plan_stale.office_id IS 'The office';
COMMENT ON COLUMN vac_store.plan_stale.again_at IS 'When it is tried again, because somebody held a request; NULL: it was not tried yet';
COMMENT ON INDEX vac_store.plan_stale_office IS 'Whether the group of an office has such a change';
ALTER TABLE vac_store.plan_stale ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON vac_store.plan_stale TO vac_owner USING (true) WITH CHECK (true);
