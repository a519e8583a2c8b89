-- What stage deadline looks for at each pass is found by an index however much stands and waits: a backlog of mail, all
-- windows after an outage.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

CREATE INDEX appointment_outages ON vac_store.appointment (outages_seen, window_at) WHERE window_at IS NOT NULL;
COMMENT ON INDEX vac_store.appointment_outages IS 'Windows that an outage is yet to make longer';
CREATE INDEX appointment_send_by ON vac_store.appointment (send_by) WHERE state = 'invited' AND answer_by IS NULL;
COMMENT ON INDEX vac_store.appointment_send_by IS 'Invitations that no mail server was seen to take in time, and when the next is late';
CREATE INDEX appointment_unheard ON vac_store.appointment (appointment_id) WHERE urgency = 'immediate' AND state = 'invited' AND answer_by IS NULL;
COMMENT ON INDEX vac_store.appointment_unheard IS 'Call-outs whose invitation no mail server was seen to take yet';
