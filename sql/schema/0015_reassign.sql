-- Notes beside history are listed by themselves, so that one can be redacted.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.
CREATE INDEX history_note ON vac_store.history (note_id) WHERE note_id IS NOT NULL;
COMMENT ON INDEX vac_store.history_note IS 'Events with a note, the newest note last';
