-- Indexes by which the monthly report counts each month of an office without reading the tables.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

CREATE INDEX case_record_opened ON vac_store.case_record (office_id, opened_at) INCLUDE (case_id, first_contact_at);
COMMENT ON INDEX vac_store.case_record_opened IS 'What an office opened in a month, and when the first contact was';
CREATE INDEX clock_first_contact ON vac_store.clock (office_id, case_id) INCLUDE (due_at) WHERE kind = 'first_contact' AND done_at IS NOT NULL;
COMMENT ON INDEX vac_store.clock_first_contact IS 'By when the first contact should have been';
CREATE INDEX appointment_held ON vac_store.appointment (office_id, lower(span)) INCLUDE (case_id, span) WHERE state = 'held';
COMMENT ON INDEX vac_store.appointment_held IS 'Whom an office met in a month';
