-- Whatever is done for a group of offices looks for its offices first, many times a plan.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.
CREATE INDEX office_group ON vac_store.office (group_id);
COMMENT ON INDEX vac_store.office_group IS 'The offices of a group';
