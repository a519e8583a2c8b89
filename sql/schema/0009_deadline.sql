-- What happens when nothing comes: answer windows, replacements that are sought, clocks of a case, what
-- became of a meeting, times in which no daemon worked, and which database system this is.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- policy ----------------------------------------------------------------------------------
INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('answers_first', NULL, 'minutes', '60',
		'No window lapses while mail that came before its end, or soon after, is still to be read, for at most this long after it came; call-outs do not wait for it'),
	('outage_grace', NULL, 'minutes', '10',
		'After a time in which no daemon worked nothing lapses for this long, so that mail that waited elsewhere comes in first'),
	('inform_of_responsible_warn', NULL, 'office_minutes', '240', 'The first warning of that clock, after its beginning'),
	('clock_again', NULL, 'minutes', '1440', 'The supervisors are told again of a clock that has run out after this long, until it is ticked off'),
	('outcome_ask', NULL, 'minutes', '15', 'The holder of a meeting is asked what became of it this long after its end'),
	('outcome_ask_again', NULL, 'minutes', '1440', 'Without an answer they are asked again after this long, and then the supervisors are told'),
	('outcome_asks', NULL, 'count', '2', 'How often they are asked');

-- ---- appointments ----------------------------------------------------------------------------
ALTER TABLE vac_store.appointment
	ADD COLUMN send_by timestamptz,
	ADD COLUMN window_from timestamptz,
	ADD COLUMN answer_by timestamptz,
	ADD COLUMN remind_at timestamptz,
	ADD COLUMN window_at timestamptz,
	ADD COLUMN outages_seen bigint NOT NULL DEFAULT 0,
	ADD COLUMN ask_at timestamptz,
	ADD COLUMN asks smallint NOT NULL DEFAULT 0,
	ADD CONSTRAINT appointment_window CHECK ((answer_by IS NULL) = (window_from IS NULL) AND (window_at IS NULL OR answer_by IS NOT NULL));
CREATE INDEX appointment_unsent ON vac_store.appointment (appointment_id) WHERE state = 'invited' AND answer_by IS NULL;
CREATE INDEX appointment_window_at ON vac_store.appointment (window_at) WHERE window_at IS NOT NULL;
CREATE INDEX appointment_ask_at ON vac_store.appointment (ask_at) WHERE live AND ask_at IS NOT NULL;
COMMENT ON COLUMN vac_store.appointment.send_by IS 'By when the mail server should have taken the invitation to the state it has now; later it shows as unsent';
COMMENT ON COLUMN vac_store.appointment.window_from IS 'When the mail server took it: the answer window begins; NULL: not yet';
COMMENT ON COLUMN vac_store.appointment.answer_by IS 'Until when an answer is awaited: end of the window';
COMMENT ON COLUMN vac_store.appointment.remind_at IS 'When the reminder is due; NULL: it went out, or none is needed';
COMMENT ON COLUMN vac_store.appointment.window_at IS 'When the window is to be looked at again: reminder, then end; NULL: no more';
COMMENT ON COLUMN vac_store.appointment.outages_seen IS 'The last outage by which the window was made longer, or that was over when it began';
COMMENT ON COLUMN vac_store.appointment.ask_at IS 'When, while no outcome is recorded, its holder is asked what became of the meeting, or the supervisors are told';
COMMENT ON COLUMN vac_store.appointment.asks IS 'How often they were asked';
COMMENT ON INDEX vac_store.appointment_unsent IS 'Invitations that no mail server was seen to take yet';

-- ---- requests --------------------------------------------------------------------------------
-- A planned request can be to plan all the same: somebody else is sought while its appointment stands.
ALTER TABLE vac_store.request
	ADD COLUMN seek_since timestamptz CHECK (seek_since IS NULL OR state = 'planned'),
	ADD COLUMN to_plan boolean NOT NULL GENERATED ALWAYS AS (state = 'open' OR (state = 'planned' AND seek_since IS NOT NULL)) STORED,
	ADD COLUMN tell_at timestamptz,
	ADD COLUMN told_at timestamptz,
	ADD COLUMN notices smallint NOT NULL DEFAULT 0;
DROP INDEX vac_store.request_to_plan, vac_store.request_call_out;
CREATE INDEX request_to_plan ON vac_store.request (office_id, plan_at) WHERE to_plan;
CREATE INDEX request_call_out ON vac_store.request (office_id) WHERE to_plan AND urgency = 'immediate';
CREATE INDEX request_seeking ON vac_store.request (request_id) WHERE seek_since IS NOT NULL;
CREATE INDEX request_tell_at ON vac_store.request (tell_at) WHERE tell_at IS NOT NULL;
COMMENT ON COLUMN vac_store.request.seek_since IS 'Since when somebody else is sought because nobody answered: a replacement, or for a call-out the next in line; its appointment stands meanwhile';
COMMENT ON COLUMN vac_store.request.to_plan IS 'Dispatch plans it: it is open, or somebody else is sought for it';
COMMENT ON COLUMN vac_store.request.tell_at IS 'When the supervisors are told (again) that nobody has accepted; NULL: there is no need';
COMMENT ON COLUMN vac_store.request.told_at IS 'When they were last told so';
COMMENT ON COLUMN vac_store.request.notices IS 'How often the supervisors were told of it in a row: each time one rank more';
COMMENT ON COLUMN vac_store.request.plan_at IS 'When dispatch looks at it (again); meaningful while to_plan';

-- ---- mail ------------------------------------------------------------------------------------
ALTER TABLE vac_store.message ADD COLUMN cleared_at timestamptz;
CREATE INDEX message_kept ON vac_store.message (made_at) WHERE cleared_at IS NULL AND NOT waiting;
COMMENT ON COLUMN vac_store.message.cleared_at IS 'When its texts were deleted by policy keep_sent_mail; NULL: they are there';
COMMENT ON INDEX vac_store.message_kept IS 'Whose texts policy keep_sent_mail will delete next';

-- ---- times without a daemon ------------------------------------------------------------------
CREATE TABLE vac_store.presence (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	seen_at    timestamptz NOT NULL
);
CREATE TABLE vac_store.outage (
	outage_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	began      timestamptz NOT NULL,
	ended      timestamptz NOT NULL,
	CHECK (ended > began)
);
COMMENT ON TABLE vac_store.presence IS 'One row: when a daemon that sends mail was last seen at work';
COMMENT ON COLUMN vac_store.presence.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.presence.seen_at IS 'Its last hello or heartbeat';
COMMENT ON TABLE vac_store.outage IS 'Times in which no daemon that sends mail was at work: answer windows did not run in them';
COMMENT ON COLUMN vac_store.outage.outage_id IS 'Key';
COMMENT ON COLUMN vac_store.outage.began IS 'The last sign of life before';
COMMENT ON COLUMN vac_store.outage.ended IS 'The first one after';

-- ---- which system this is --------------------------------------------------------------------
CREATE TABLE vac_store.origin (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	cluster    bigint NOT NULL,
	database   oid NOT NULL,
	set_at     timestamptz NOT NULL,
	set_by     text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE vac_store.origin IS 'One row: the database that mail was first sent from, or that was adopted. Where it is another one now this is a copy, and sends nothing';
COMMENT ON COLUMN vac_store.origin.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.origin.cluster IS 'System identifier of its PostgreSQL cluster';
COMMENT ON COLUMN vac_store.origin.database IS 'Its number in that cluster';
COMMENT ON COLUMN vac_store.origin.set_at IS 'When that was noted';
COMMENT ON COLUMN vac_store.origin.set_by IS 'By which login';

-- ---- clocks ----------------------------------------------------------------------------------
CREATE TABLE vac_store.clock_kind (
	kind       text PRIMARY KEY CHECK (kind ~ '^[a-z][a-z_]{1,40}$'),
	label      plain_text NOT NULL,
	starts     text NOT NULL CHECK (starts IN ('request', 'responsible', 'verb')),
	with_case  boolean NOT NULL,
	source     text NOT NULL
);
CREATE TABLE vac_store.clock (
	clock_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	case_id    bigint NOT NULL REFERENCES case_record,
	kind       text NOT NULL REFERENCES clock_kind,
	office_id  integer NOT NULL REFERENCES office,
	urgency    urgency,
	started_at timestamptz NOT NULL,
	due_at     timestamptz NOT NULL,
	warnings   smallint NOT NULL DEFAULT 0,
	next_at    timestamptz,
	done_at    timestamptz,
	done_by    text,
	stopped_at timestamptz,
	running    boolean NOT NULL GENERATED ALWAYS AS (done_at IS NULL AND stopped_at IS NULL) STORED,
	CHECK ((done_at IS NULL) = (done_by IS NULL)),
	CHECK (done_at IS NULL OR stopped_at IS NULL)
);
CREATE UNIQUE INDEX clock_running ON vac_store.clock (case_id, kind) WHERE running;
CREATE INDEX clock_case ON vac_store.clock (case_id);
CREATE INDEX clock_next_at ON vac_store.clock (next_at) WHERE running AND next_at IS NOT NULL;
INSERT INTO vac_store.clock_kind (kind, label, starts, with_case, source) VALUES
	('first_contact', 'first contact', 'request', true, 'starting value, no agency directive'),
	('hhs_notice', 'notify HHS of a minor', 'verb', false, '22 USC 7105(b)'),
	('inform_of_responsible', 'tell who is responsible', 'responsible', true, '34 USC 20141');
COMMENT ON TABLE vac_store.clock_kind IS 'Deadlines that a case carries beside its meetings. Their lengths are policies of the same name, their warnings those ending in _warn and _warn_again';
COMMENT ON COLUMN vac_store.clock_kind.kind IS 'Its name';
COMMENT ON COLUMN vac_store.clock_kind.label IS 'Its name in words';
COMMENT ON COLUMN vac_store.clock_kind.starts IS 'What starts it: request (a request opened, or hurrying more), responsible (somebody was made so), verb (vac.start_clock)';
COMMENT ON COLUMN vac_store.clock_kind.with_case IS 'It stops when the case ends; else it runs on until it is ticked off';
COMMENT ON COLUMN vac_store.clock_kind.source IS 'The rule it comes from';
COMMENT ON TABLE vac_store.clock IS 'Clocks of cases: running, ticked off, or stopped. They run on while a case is on hold';
COMMENT ON COLUMN vac_store.clock.clock_id IS 'Key';
COMMENT ON COLUMN vac_store.clock.case_id IS 'The case';
COMMENT ON COLUMN vac_store.clock.kind IS 'Which clock';
COMMENT ON COLUMN vac_store.clock.office_id IS 'The case''s office';
COMMENT ON COLUMN vac_store.clock.urgency IS 'By which urgency its length was taken; NULL: it is the same for all';
COMMENT ON COLUMN vac_store.clock.started_at IS 'When it began';
COMMENT ON COLUMN vac_store.clock.due_at IS 'When it runs out';
COMMENT ON COLUMN vac_store.clock.warnings IS 'Warnings given before it runs out';
COMMENT ON COLUMN vac_store.clock.next_at IS 'When it is next told of; NULL: no more';
COMMENT ON COLUMN vac_store.clock.done_at IS 'When what it waits for was done';
COMMENT ON COLUMN vac_store.clock.done_by IS 'Who said so';
COMMENT ON COLUMN vac_store.clock.stopped_at IS 'When it ceased to matter: the case ended, or another took its place';
COMMENT ON COLUMN vac_store.clock.running IS 'Neither ticked off nor stopped';

-- ---- who sees what ---------------------------------------------------------------------------
DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['presence', 'outage', 'origin', 'clock_kind', 'clock'] LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;
CREATE POLICY supervisor_reads ON vac_store.clock_kind FOR SELECT TO vac_supervisor USING (true);
CREATE POLICY supervisor_own ON vac_store.clock FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices()));

-- ---- what stands already ---------------------------------------------------------------------
-- Clocks and windows of what is open now; the triggers that keep them come with the functions.
UPDATE vac_store.appointment a SET ask_at = upper(a.span) + interval '15 minutes' WHERE a.live;
