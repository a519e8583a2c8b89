-- A case that cannot be removed is put off.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

ALTER TABLE vac_store.case_record ADD COLUMN remove_at timestamptz;
COMMENT ON COLUMN vac_store.case_record.remove_at IS
	'When the daemon tries again to remove it, by policy keep_cases, because that failed; NULL: it did not';
COMMENT ON COLUMN vac_store.answer.appointment_id IS
	'The appointment whose token it carried; a yes with the token of a colleague who was asked for the same call-out has one more row, of the appointment that it accepts';
