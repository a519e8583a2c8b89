-- Leave by invitation: which event of a coordinator's calendar stands behind which leave.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('leave_by_mail_days', NULL, 'days', '30',
		'Leave by invitation that is longer waits for a supervisor''s word; so does any over an accepted appointment');

CREATE TABLE vac_store.leave_event (
	leave_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	uid            text NOT NULL CHECK (length(uid) BETWEEN 1 AND 255),
	sequence       integer NOT NULL CHECK (sequence >= 0),
	stamped        timestamptz NOT NULL,
	state          text NOT NULL CHECK (state IN ('entered', 'waits', 'refused', 'cancelled')),
	UNIQUE (coordinator_id, uid)
);
COMMENT ON TABLE vac_store.leave_event IS 'Events that coordinators invited us to: what was last heard of each. Nothing of an event but this is kept';
COMMENT ON COLUMN vac_store.leave_event.leave_event_id IS 'Key';
COMMENT ON COLUMN vac_store.leave_event.coordinator_id IS 'Whose leave it is';
COMMENT ON COLUMN vac_store.leave_event.uid IS 'UID that their calendar gave it';
COMMENT ON COLUMN vac_store.leave_event.sequence IS 'SEQUENCE last taken';
COMMENT ON COLUMN vac_store.leave_event.stamped IS 'DTSTAMP last taken: what is older changes nothing';
COMMENT ON COLUMN vac_store.leave_event.state IS 'entered; waits for a supervisor''s word; refused; cancelled';

ALTER TABLE vac_store.leave
	ADD COLUMN leave_event_id bigint REFERENCES leave_event,
	ADD COLUMN occurrence timestamptz;
CREATE INDEX leave_of_event ON vac_store.leave (leave_event_id) WHERE leave_event_id IS NOT NULL;
COMMENT ON COLUMN vac_store.leave.leave_event_id IS 'The event it comes from; NULL: none';
COMMENT ON COLUMN vac_store.leave.occurrence IS 'Which occurrence of that event: where it began when it was entered (RECURRENCE-ID)';
COMMENT ON INDEX vac_store.leave_of_event IS 'What an update or a cancellation of an event changes';

CREATE INDEX message_reply ON vac_store.message (foreign_uid, made_at) WHERE kind = 'reply';
COMMENT ON INDEX vac_store.message_reply IS 'How often an event was answered';

ALTER TABLE vac_store.leave_event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON vac_store.leave_event TO vac_owner USING (true) WITH CHECK (true);
