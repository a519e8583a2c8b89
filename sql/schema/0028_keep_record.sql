-- One trigger keeps both policies, that of cases and that of history; those before it go before their functions can.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

DROP TRIGGER IF EXISTS policy_keep_cases ON vac_store.policy;
DROP TRIGGER IF EXISTS policy_keep_history ON vac_store.policy;
