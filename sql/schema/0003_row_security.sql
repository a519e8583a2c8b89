-- Row-level security on every table, also for the owner: without a policy of its own the owner's
-- migrations would see no row. Policies for people are in 0004_policies.sql.
DO $security$
DECLARE
	name text;
BEGIN
	FOR name IN
		SELECT c.relname FROM pg_catalog.pg_class c
			WHERE c.relnamespace = 'vac_store'::regnamespace AND c.relkind = 'r'
			ORDER BY c.relname
	LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;
