-- Load looks back thirteen weeks, and what nobody could have had while away is made up for.
COMMENT ON COLUMN vac_store.coordinator.joined_at IS
	'For the time before it, as for leave, the office''s median counts as load: nobody is flooded who was not there';
