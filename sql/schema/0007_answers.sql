-- Mail that comes in, the answers taken from it, and what they leave on appointments, cases, messages
-- and coordinators.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- policy ----------------------------------------------------------------------------------
-- The check of values comes anew with the functions.
INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('automatic_mail_a_day', NULL, 'count', '4',
		'Most messages about one appointment in 24 hours that mail coming in may call forth by itself, such as a CANCEL sent again');

-- ---- mail in ---------------------------------------------------------------------------------
CREATE TABLE vac_store.inbound (
	inbound_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	received_at    timestamptz NOT NULL,
	envelope_sender text NOT NULL CHECK (length(envelope_sender) <= 512),        -- '': null reverse-path
	envelope_recipient text NOT NULL CHECK (length(envelope_recipient) <= 512),
	delivery       uuid NOT NULL,               -- one DATA; its recipients share it
	raw            bytea,                       -- NULL: deleted
	size           integer NOT NULL CHECK (size >= 0),
	state          text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'done', 'listed')),
	waiting        boolean NOT NULL GENERATED ALWAYS AS (state IN ('waiting', 'claimed')) STORED,
	fence          bigint NOT NULL DEFAULT 0,
	lease_until    timestamptz,
	claimed_by     uuid,
	deaths         smallint NOT NULL DEFAULT 0,
	not_before     timestamptz NOT NULL,
	handled_at     timestamptz,
	outcome        text CHECK (outcome IN ('taken', 'duplicate', 'stale', 'no_token', 'unknown_token', 'sender_misfit',
		'auth_failed', 'no_calendar', 'unreadable', 'unsupported_method', 'automatic_reply', 'delivery_failed',
		'delivery_delayed', 'delivery_other', 'set_aside', 'refused', 'waits_for_supervisor', 'left_alone')),
	why            text CHECK (length(why) <= 200),
	kind           text,                        -- of the record; NULL: never read
	said           text,                        -- what it asks for, in one of our own words
	record         jsonb,                       -- only of what waits for a supervisor's word, and no longer than raw
	office_id      integer REFERENCES office,
	appointment_id bigint REFERENCES appointment,
	coordinator_id integer REFERENCES coordinator,
	message_id     bigint REFERENCES message,
	from_address   text CHECK (length(from_address) <= 254),
	taken_up_at    timestamptz,
	taken_up_by    text,
	taken_up_as    text,
	UNIQUE (delivery, envelope_recipient),
	CHECK ((state = 'claimed') = (lease_until IS NOT NULL)),
	CHECK ((state IN ('done', 'listed')) = (outcome IS NOT NULL)),
	CHECK ((outcome IS NULL) = (handled_at IS NULL)),
	CHECK ((taken_up_at IS NULL) = (taken_up_by IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX inbound_waiting ON vac_store.inbound (inbound_id) WHERE waiting;
CREATE INDEX inbound_listed ON vac_store.inbound (inbound_id) WHERE state = 'listed' AND taken_up_at IS NULL;
CREATE INDEX inbound_raw ON vac_store.inbound (received_at) WHERE raw IS NOT NULL;
CREATE INDEX inbound_appointment ON vac_store.inbound (appointment_id) WHERE appointment_id IS NOT NULL;
COMMENT ON TABLE vac_store.inbound IS 'Mail that came in: stored before its server is told so, handled once';
COMMENT ON COLUMN vac_store.inbound.inbound_id IS 'Key; the number that unread_answers shows';
COMMENT ON COLUMN vac_store.inbound.received_at IS 'When it was stored';
COMMENT ON COLUMN vac_store.inbound.envelope_sender IS 'MAIL FROM; empty: the null reverse-path of reports';
COMMENT ON COLUMN vac_store.inbound.envelope_recipient IS 'RCPT TO';
COMMENT ON COLUMN vac_store.inbound.delivery IS 'One mail handed over; the rows of its recipients share it, and handing it over again stores nothing twice';
COMMENT ON COLUMN vac_store.inbound.raw IS 'The mail as it came; NULL once deleted by policy keep_raw_inbound';
COMMENT ON COLUMN vac_store.inbound.size IS 'Its bytes';
COMMENT ON COLUMN vac_store.inbound.state IS 'waiting; claimed by a daemon; done; listed: a person should look';
COMMENT ON COLUMN vac_store.inbound.waiting IS 'waiting or claimed';
COMMENT ON COLUMN vac_store.inbound.fence IS 'How often it was claimed: who finishes it must name the last number';
COMMENT ON COLUMN vac_store.inbound.lease_until IS 'Until when a daemon has it';
COMMENT ON COLUMN vac_store.inbound.claimed_by IS 'The daemon that claimed it last';
COMMENT ON COLUMN vac_store.inbound.deaths IS 'Readers that died on it, and attempts to act on it that failed unexpectedly';
COMMENT ON COLUMN vac_store.inbound.not_before IS 'When it may be claimed';
COMMENT ON COLUMN vac_store.inbound.handled_at IS 'When its outcome was decided';
COMMENT ON COLUMN vac_store.inbound.outcome IS 'What became of it; NULL: not handled yet';
COMMENT ON COLUMN vac_store.inbound.why IS 'The reason in words, nothing of the content';
COMMENT ON COLUMN vac_store.inbound.kind IS 'What sort of mail it is: calendar, report, automatic, plain, unreadable';
COMMENT ON COLUMN vac_store.inbound.said IS 'What it asks for in a word: accepted, declined, counter, held, …; NULL: nothing clear';
COMMENT ON COLUMN vac_store.inbound.record IS 'The reader''s record of what waits for a supervisor''s word; deleted with the raw bytes';
COMMENT ON COLUMN vac_store.inbound.office_id IS 'The case''s office; NULL with coordinator_id NULL: nobody knows whose it is, every supervisor sees it';
COMMENT ON COLUMN vac_store.inbound.appointment_id IS 'The appointment it is about';
COMMENT ON COLUMN vac_store.inbound.coordinator_id IS 'Who wrote it, by its From address; of a report, whom it is about';
COMMENT ON COLUMN vac_store.inbound.message_id IS 'The message of ours it is about';
COMMENT ON COLUMN vac_store.inbound.from_address IS 'Address of From';
COMMENT ON COLUMN vac_store.inbound.taken_up_at IS 'When a supervisor took it off the list';
COMMENT ON COLUMN vac_store.inbound.taken_up_by IS 'Who did';
COMMENT ON COLUMN vac_store.inbound.taken_up_as IS 'As what: accept, decline, …, dismiss';
COMMENT ON INDEX vac_store.inbound_listed IS 'What view unread_answers shows';

-- ---- answers taken ---------------------------------------------------------------------------
-- One row an answer that counted. The last of an attendee is the highest in (sequence, stamped, weight,
-- mail_message_id), which does not ask when it came.
CREATE TABLE vac_store.answer (
	answer_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	inbound_id     bigint REFERENCES inbound,   -- NULL: by telephone
	appointment_id bigint NOT NULL REFERENCES appointment,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	address        text NOT NULL CHECK (length(address) <= 254),
	said_sequence  integer,                     -- as the mail names it
	sequence       integer NOT NULL CHECK (sequence >= 0),
	stamped        timestamptz NOT NULL,
	partstat       text NOT NULL CHECK (partstat IN ('ACCEPTED', 'DECLINED', 'TENTATIVE', 'DELEGATED', 'COUNTER')),
	weight         smallint NOT NULL GENERATED ALWAYS AS (CASE partstat WHEN 'DECLINED' THEN 5 WHEN 'DELEGATED' THEN 4
		WHEN 'COUNTER' THEN 3 WHEN 'ACCEPTED' THEN 2 ELSE 1 END) STORED,
	mail_message_id text CHECK (length(mail_message_id) <= 998),
	taken_at       timestamptz NOT NULL
);
CREATE UNIQUE INDEX answer_once ON vac_store.answer (appointment_id, coordinator_id, address, said_sequence, stamped, partstat,
	mail_message_id) NULLS NOT DISTINCT;
COMMENT ON TABLE vac_store.answer IS 'Answers that counted: the last of each attendee of each appointment is the highest in sequence, stamped, weight and mail_message_id';
COMMENT ON COLUMN vac_store.answer.answer_id IS 'Key';
COMMENT ON COLUMN vac_store.answer.inbound_id IS 'The mail; NULL: told by telephone';
COMMENT ON COLUMN vac_store.answer.appointment_id IS 'The appointment whose token it carried';
COMMENT ON COLUMN vac_store.answer.coordinator_id IS 'Who answered';
COMMENT ON COLUMN vac_store.answer.address IS 'The address they answered from, in lower case';
COMMENT ON COLUMN vac_store.answer.said_sequence IS 'SEQUENCE as the mail names it; NULL: it names none';
COMMENT ON COLUMN vac_store.answer.sequence IS 'SEQUENCE it counted as: that of the appointment then';
COMMENT ON COLUMN vac_store.answer.stamped IS 'DTSTAMP, else the Date header, else when it came';
COMMENT ON COLUMN vac_store.answer.partstat IS 'What it said: ACCEPTED, DECLINED, TENTATIVE, DELEGATED, or COUNTER for a counter-proposal';
COMMENT ON COLUMN vac_store.answer.weight IS 'Which of two answers of the same second counts: the no before the yes, the yes before the perhaps';
COMMENT ON COLUMN vac_store.answer.mail_message_id IS 'Message-ID of the mail';
COMMENT ON COLUMN vac_store.answer.taken_at IS 'When it was taken';
COMMENT ON INDEX vac_store.answer_once IS 'A duplicate does nothing';

-- ---- what answers leave behind ---------------------------------------------------------------
ALTER TABLE vac_store.appointment
	ADD COLUMN partstat text CHECK (partstat IN ('ACCEPTED', 'DECLINED', 'TENTATIVE', 'DELEGATED', 'COUNTER')),
	ADD COLUMN answered_at timestamptz,
	ADD COLUMN answered_by text,                -- NULL: by mail
	ADD COLUMN asked_again integer,             -- SEQUENCE for which a stale answer had the coordinator asked again
	ADD COLUMN outcome text CHECK (outcome IN ('held', 'missed', 'victim_absent', 'coordinator_absent', 'not_wanted')),
	ADD COLUMN outcome_at timestamptz,
	ADD CONSTRAINT appointment_outcome CHECK ((outcome IS NULL) = (outcome_at IS NULL));
COMMENT ON COLUMN vac_store.appointment.partstat IS 'The answer last taken to the state it has now; NULL: none';
COMMENT ON COLUMN vac_store.appointment.answered_at IS 'When that answer was taken';
COMMENT ON COLUMN vac_store.appointment.answered_by IS 'Login that recorded it (by telephone, or taken up from the list); NULL: it came by mail';
COMMENT ON COLUMN vac_store.appointment.asked_again IS 'The SEQUENCE whose answer came stale and was asked for again; the next one goes to a supervisor';
COMMENT ON COLUMN vac_store.appointment.outcome IS 'What became of the meeting: held, victim_absent, coordinator_absent, not_wanted, or missed where nobody said by whom; NULL: not known';
COMMENT ON COLUMN vac_store.appointment.outcome_at IS 'When that was recorded';

ALTER TABLE vac_store.case_record ADD COLUMN first_contact_at timestamptz;
COMMENT ON COLUMN vac_store.case_record.first_contact_at IS 'First contact with the victim: the earlier of a recorded contact and the start of a held meeting; NULL: none yet';

ALTER TABLE vac_store.coordinator ADD COLUMN away_noted_at timestamptz;
COMMENT ON COLUMN vac_store.coordinator.away_noted_at IS 'When an automatic reply (out of office) last came from them; cleared by an answer of their own';

ALTER TABLE vac_store.message
	ADD COLUMN bounced_at timestamptz,          -- a report said so after the mail server had taken it; state is then refused
	ADD COLUMN delayed_at timestamptz,
	ADD COLUMN telephoned_at timestamptz,
	ADD COLUMN telephoned_by text,
	ADD CONSTRAINT message_telephoned CHECK ((telephoned_at IS NULL) = (telephoned_by IS NULL));
COMMENT ON COLUMN vac_store.message.bounced_at IS 'When a report came that it will never be delivered; its state is then refused';
COMMENT ON COLUMN vac_store.message.delayed_at IS 'When a report last came that it is not delivered yet';
COMMENT ON COLUMN vac_store.message.telephoned_at IS 'When a supervisor said that its recipient knows by telephone';
COMMENT ON COLUMN vac_store.message.telephoned_by IS 'Which supervisor';
-- Who tried out `vacd probe` may press a button, too.
CREATE INDEX message_probe ON vac_store.message (answer_handle) WHERE kind = 'probe';
COMMENT ON INDEX vac_store.message_probe IS 'Whether an answer is one to a test invitation';

-- ---- stages ----------------------------------------------------------------------------------
ALTER TABLE vac_store.heartbeat DROP CONSTRAINT heartbeat_stage_check,
	ADD CONSTRAINT heartbeat_stage_check CHECK (stage IN ('dispatch', 'mailer', 'inbox', 'answer', 'deadline'));

-- ---- who sees what ---------------------------------------------------------------------------
-- Nobody reads raw mail, records or answers but the owner's functions; columns of inbound that a person
-- may see are granted in functions/90_rights.sql.
ALTER TABLE vac_store.inbound ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE vac_store.answer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON vac_store.inbound TO vac_owner USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON vac_store.answer TO vac_owner USING (true) WITH CHECK (true);
CREATE POLICY supervisor_own_or_writer ON vac_store.inbound FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices())
		OR coordinator_id IN (SELECT vac_store.my_coordinators())
		OR (office_id IS NULL AND coordinator_id IS NULL AND EXISTS (SELECT FROM vac_store.my_offices())));
