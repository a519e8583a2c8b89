-- Groups of offices that have little to plan are planned in one round: a decision says of which group's plan it is.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.
ALTER TYPE vac_store.planned ADD ATTRIBUTE group_id integer;
COMMENT ON COLUMN vac_store.planned.group_id IS 'The group of offices of whose plan it is; NULL: made by hand';

-- Open cases of coordinators are counted for each plan: not by a look at what stands in the whole country. Statistics that were
-- gathered when nothing stood say that all indexes of what is live, or open, are empty, and any of them would do.
CREATE INDEX appointment_live_of ON vac_store.appointment ((CASE WHEN live THEN coordinator_id END))
	WHERE CASE WHEN live THEN coordinator_id END IS NOT NULL;
COMMENT ON INDEX vac_store.appointment_live_of IS 'What somebody has to do';
CREATE INDEX case_record_open_of ON vac_store.case_record ((CASE WHEN state = 'open' THEN responsible_id END))
	WHERE CASE WHEN state = 'open' THEN responsible_id END IS NOT NULL;
COMMENT ON INDEX vac_store.case_record_open_of IS 'Open cases that somebody is responsible for';
