-- The tables. Columns that a reader may wonder about carry their COMMENT in 0002_comments.sql.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- words with few values -------------------------------------------------------------------
CREATE DOMAIN vac_store.urgency AS text CHECK (VALUE IN ('immediate', 'urgent', 'routine'));
CREATE DOMAIN vac_store.duty AS text CHECK (VALUE IN ('full_time', 'collateral'));
CREATE DOMAIN vac_store.shift_kind AS text CHECK (VALUE IN ('regular', 'on_call'));
CREATE DOMAIN vac_store.meeting_mode AS text CHECK (VALUE IN ('telephone', 'at_office', 'elsewhere'));
CREATE DOMAIN vac_store.interpreter_mode AS text CHECK (VALUE IN ('none', 'telephone', 'on_site'));
-- RFC 5646 tags as they are used here: a primary subtag, then others. Stored in the case given.
CREATE DOMAIN vac_store.language_tag AS text
	CHECK (VALUE ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(VALUE) <= 35);
-- RFC 5321 addresses, without the forms nobody has: no quotes, no white space, no control characters.
CREATE DOMAIN vac_store.mail_address AS text
	CHECK (VALUE ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$'
		AND length(VALUE) <= 254);
-- Text that may stand in a mail or a view: one line, no control characters (C0, DEL, C1) and none of
-- the separators that some programs take for the end of a line. imip would refuse to write such a mail.
CREATE DOMAIN vac_store.plain_text AS text
	CHECK (VALUE !~ '[\x01-\x1f\x7f\u0080-\u009f\u2028\u2029]' AND length(VALUE) BETWEEN 1 AND 200);
CREATE DOMAIN vac_store.telephone AS text CHECK (VALUE ~ '^\+?[0-9][0-9 ().x-]{2,30}$');

-- ---- reference lists -------------------------------------------------------------------------
CREATE TABLE vac_store.service (
	code      text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{1,40}$'),
	label     plain_text NOT NULL,
	minutes   integer NOT NULL CHECK (minutes BETWEEN 15 AND 1440),
	load_percent integer NOT NULL DEFAULT 100 CHECK (load_percent BETWEEN 1 AND 1000)
);
INSERT INTO vac_store.service (code, label, minutes) VALUES
	('crisis_intervention', 'Crisis intervention', 60),
	('counseling', 'Counseling', 60),
	('witness_support', 'Witness support', 60),
	('forensic_interview', 'Forensic interview', 120),
	('court_accompaniment', 'Court accompaniment', 240);

CREATE TABLE vac_store.policy (
	name      text NOT NULL CHECK (name ~ '^[a-z][a-z_]{1,40}$'),
	urgency   urgency,
	kind      text NOT NULL CHECK (kind IN ('minutes', 'office_minutes', 'office_days', 'count', 'weight', 'hours', 'text', 'seconds', 'days')),
	value     text NOT NULL,
	meaning   text NOT NULL,
	source    text NOT NULL DEFAULT 'starting value, no agency directive',
	UNIQUE NULLS NOT DISTINCT (name, urgency)
);

CREATE TABLE vac_store.protected_word (
	word      plain_text PRIMARY KEY CHECK (length(word) >= 3),
	normal    text NOT NULL,                    -- the form it is searched in, kept by a trigger
	first_token text NOT NULL,                  -- its first word, kept by a trigger
	added_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by  text NOT NULL DEFAULT session_user
);
CREATE TABLE vac_store.allowed_domain (
	domain    text PRIMARY KEY CHECK (domain = lower(domain) AND domain ~ '^[a-z0-9.-]+$'),
	added_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by  text NOT NULL DEFAULT session_user
);

CREATE INDEX protected_word_first_token ON vac_store.protected_word (first_token);
-- Messages remember which version of the two lists above they were checked against.
CREATE TABLE vac_store.neutral_rules (
	one       boolean PRIMARY KEY DEFAULT true CHECK (one),
	version   bigint NOT NULL DEFAULT 1
);
INSERT INTO vac_store.neutral_rules DEFAULT VALUES;

-- ---- offices ---------------------------------------------------------------------------------
CREATE TABLE vac_store.office (
	office_id  integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code       text NOT NULL UNIQUE CHECK (code ~ '^[A-Z][A-Z0-9]{1,7}$'),
	name       plain_text NOT NULL,
	time_zone  text NOT NULL,                   -- checked against pg_timezone_names by trigger
	telephone  telephone NOT NULL,              -- answered 24 hours
	group_id   integer NOT NULL,                -- offices joined by backups; kept by vac_store.regroup_offices()
	retired_at timestamptz
);
CREATE TABLE vac_store.office_hours (
	office_id  integer NOT NULL REFERENCES office,
	weekday    smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),   -- ISO: 1 is Monday
	from_time  time NOT NULL,
	to_time    time NOT NULL CHECK (to_time > from_time),           -- 24:00 is a time of day in PostgreSQL
	PRIMARY KEY (office_id, weekday, from_time)
);
CREATE TABLE vac_store.office_place (
	office_id  integer NOT NULL REFERENCES office,
	code       text NOT NULL CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{0,11}$'),
	text       plain_text NOT NULL,
	PRIMARY KEY (office_id, code)
);
CREATE TABLE vac_store.office_backup (
	office_id        integer NOT NULL REFERENCES office,
	backup_office_id integer NOT NULL REFERENCES office CHECK (backup_office_id <> office_id),
	rank             smallint NOT NULL CHECK (rank BETWEEN 1 AND 20),
	travel_minutes   integer NOT NULL CHECK (travel_minutes BETWEEN 0 AND 1440),
	PRIMARY KEY (office_id, backup_office_id),
	UNIQUE (office_id, rank)
);
CREATE TABLE vac_store.holiday (
	holiday_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	office_id  integer REFERENCES office,       -- NULL: all offices
	day        date NOT NULL,                   -- a local day of the office
	name       plain_text NOT NULL,
	UNIQUE NULLS NOT DISTINCT (office_id, day)
);

-- ---- supervisors -----------------------------------------------------------------------------
CREATE TABLE vac_store.supervisor (
	supervisor_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	login      text NOT NULL UNIQUE CHECK (login ~ '^[a-z_][a-z0-9_$-]{0,62}$'),
	name       plain_text NOT NULL,
	mail       mail_address NOT NULL,
	pager      mail_address,
	rank       smallint NOT NULL DEFAULT 1 CHECK (rank BETWEEN 1 AND 20),
	all_offices boolean NOT NULL DEFAULT false,
	retired_at timestamptz
);
CREATE TABLE vac_store.supervisor_office (
	supervisor_id integer NOT NULL REFERENCES supervisor,
	office_id     integer NOT NULL REFERENCES office,
	PRIMARY KEY (supervisor_id, office_id)
);

-- ---- coordinators ----------------------------------------------------------------------------
CREATE TABLE vac_store.coordinator (
	coordinator_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code       text NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'),
	office_id  integer NOT NULL REFERENCES office,
	duty       duty NOT NULL,
	name       plain_text NOT NULL,
	title      plain_text NOT NULL,
	mail       mail_address NOT NULL UNIQUE,
	aliases    text[] NOT NULL DEFAULT '{}',
	telephone  telephone NOT NULL,
	pager      mail_address,
	gender     text CHECK (gender IN ('female', 'male', 'other')),
	time_zone  text,                            -- NULL: the office's
	max_open_cases integer CHECK (max_open_cases BETWEEN 0 AND 1000),        -- NULL: the policy's
	weekly_minutes integer CHECK (weekly_minutes BETWEEN 0 AND 10080),       -- NULL: the policy's
	meetings_a_day integer CHECK (meetings_a_day BETWEEN 0 AND 50),          -- NULL: the policy's
	mail_failed_at timestamptz,                 -- a final refusal of an invitation; planning goes on, the address is marked
	joined_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	retired_at timestamptz
);
CREATE INDEX coordinator_office ON vac_store.coordinator (office_id);
CREATE TABLE vac_store.coordinator_service (
	coordinator_id integer NOT NULL REFERENCES coordinator,
	service        text NOT NULL REFERENCES service,
	PRIMARY KEY (coordinator_id, service)
);
CREATE TABLE vac_store.coordinator_language (
	coordinator_id integer NOT NULL REFERENCES coordinator,
	language       language_tag NOT NULL,
	PRIMARY KEY (coordinator_id, language)
);

-- A weekly pattern row: local wall-clock time, in the coordinator's zone. A row whose end is not
-- after its start ends on the next day.
CREATE TABLE vac_store.weekly_pattern (
	pattern_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	kind           shift_kind NOT NULL,
	weekday        smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
	from_time      time NOT NULL CHECK (from_time < '24:00'),
	to_time        time NOT NULL,
	valid          daterange NOT NULL DEFAULT daterange(NULL, NULL) CHECK (NOT isempty(valid)),
	UNIQUE (coordinator_id, kind, weekday, from_time, to_time, valid)
);
CREATE TABLE vac_store.shift (
	shift_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	kind           shift_kind NOT NULL,
	span           tstzrange NOT NULL CHECK (NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)
		AND lower(span) IS NOT NULL AND upper(span) IS NOT NULL AND isfinite(lower(span)) AND isfinite(upper(span))),
	EXCLUDE USING gist (coordinator_id WITH =, kind WITH =, span WITH &&)
);
CREATE TABLE vac_store.leave (
	leave_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	span           tstzrange NOT NULL CHECK (NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)
		AND lower(span) IS NOT NULL AND upper(span) IS NOT NULL AND isfinite(lower(span)) AND isfinite(upper(span))),
	source         text NOT NULL DEFAULT 'verb' CHECK (source IN ('verb', 'import', 'mail')),
	added_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by       text NOT NULL DEFAULT session_user
);
CREATE INDEX leave_span ON vac_store.leave USING gist (coordinator_id, span);

-- ---- cases -----------------------------------------------------------------------------------
-- No column for a victim's name, address, birth date or telephone number: there must never be one.
CREATE TABLE vac_store.case_record (
	case_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	case_code    text NOT NULL UNIQUE CHECK (case_code ~ '^[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{3}$'),
	office_id    integer NOT NULL REFERENCES office,
	language     language_tag NOT NULL,
	agency_reference text CHECK (length(agency_reference) BETWEEN 3 AND 100),    -- never mailed
	state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'withdrawn', 'closed')),
	held_since   timestamptz,
	responsible_id integer REFERENCES coordinator,
	requester    mail_address,
	opened_at    timestamptz NOT NULL,
	opened_by    text NOT NULL DEFAULT session_user,
	ended_at     timestamptz,
	idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 200),
	victim_number smallint NOT NULL DEFAULT 1 CHECK (victim_number BETWEEN 1 AND 500),  -- of one call with victims => n
	content_hash bytea,                         -- SHA-256 of the call's arguments, to tell "the same again" from "other content"
	UNIQUE (opened_by, idempotency_key, victim_number),
	CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX case_record_open ON vac_store.case_record (office_id) WHERE state = 'open';
CREATE INDEX case_record_responsible ON vac_store.case_record (responsible_id) WHERE state = 'open';
CREATE TABLE vac_store.case_conflict (
	case_id        bigint NOT NULL REFERENCES case_record,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	PRIMARY KEY (case_id, coordinator_id)
);

CREATE TABLE vac_store.request (
	request_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	case_id      bigint NOT NULL REFERENCES case_record,
	office_id    integer NOT NULL REFERENCES office,
	service      text NOT NULL REFERENCES service,
	urgency      urgency NOT NULL,
	mode         meeting_mode NOT NULL,
	place        text,                          -- code of an office_place; needed for at_office and elsewhere
	language     language_tag NOT NULL,
	interpreter  interpreter_mode NOT NULL DEFAULT 'none',
	gender       text CHECK (gender IN ('female', 'male', 'other')),         -- preference
	gender_required boolean NOT NULL DEFAULT false,
	preferred_id integer REFERENCES coordinator,
	minutes      integer NOT NULL CHECK (minutes BETWEEN 15 AND 1440),
	open_window  tstzrange NOT NULL CHECK (NOT isempty(open_window) AND lower(open_window) IS NOT NULL),   -- the meeting lies wholly in it
	due_at       timestamptz NOT NULL,
	state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'planned', 'met', 'withdrawn')),
	opened_at    timestamptz NOT NULL,
	tries        integer NOT NULL DEFAULT 0,
	plan_at      timestamptz NOT NULL,          -- when dispatch looks at it (again); meaningful while 'open'
	unserved_since timestamptz,                 -- since when the plan finds nobody; its reasons are in table decision
	noticed_at   timestamptz,                   -- when the supervisors were last told of it
	refusals     smallint NOT NULL DEFAULT 0,   -- plans in a row that the storing function refused: they slow down
	FOREIGN KEY (office_id, place) REFERENCES office_place (office_id, code),
	CHECK (mode = 'telephone' OR place IS NOT NULL),
	CHECK (NOT gender_required OR gender IS NOT NULL)
);
CREATE INDEX request_case ON vac_store.request (case_id);
CREATE INDEX request_to_plan ON vac_store.request (office_id, plan_at) WHERE state = 'open';
CREATE INDEX request_call_out ON vac_store.request (office_id) WHERE state = 'open' AND urgency = 'immediate';
-- who declined or let lapse: until NULL bars for good (until a supervisor readmits them)
CREATE TABLE vac_store.request_bar (
	request_id     bigint NOT NULL REFERENCES request,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	until          timestamptz,
	times          smallint NOT NULL DEFAULT 1,
	PRIMARY KEY (request_id, coordinator_id)
);

-- ---- appointments ----------------------------------------------------------------------------
CREATE TABLE vac_store.appointment (
	appointment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	request_id     bigint NOT NULL REFERENCES request,
	case_id        bigint NOT NULL REFERENCES case_record,
	office_id      integer NOT NULL REFERENCES office,       -- the case's
	coordinator_id integer NOT NULL REFERENCES coordinator,
	span           tstzrange NOT NULL CHECK (NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)),
	busy           tstzrange NOT NULL CHECK (busy @> span AND lower_inc(busy) AND NOT upper_inc(busy)),  -- with buffer and travel
	urgency        urgency NOT NULL,
	state          text NOT NULL DEFAULT 'invited'
		CHECK (state IN ('invited', 'accepted', 'held', 'missed', 'declined', 'lapsed', 'replaced', 'cancelled')),
	live           boolean NOT NULL GENERATED ALWAYS AS (state IN ('invited', 'accepted')) STORED,
	uid            uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
	sequence       integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
	answer_handle  text NOT NULL UNIQUE,        -- random part of the token in ORGANIZER's address
	key_id         text,                        -- token key it was first sent with; NULL until a daemon is known
	sender         mail_address,                -- From address it was first sent with, likewise
	by_interpreter boolean NOT NULL DEFAULT false,
	over_cap       boolean NOT NULL DEFAULT false,
	counted_minutes integer CHECK (counted_minutes > 0),     -- towards the weekly hours, with travel; NULL: the span's length
	load_minutes   integer CHECK (load_minutes > 0),         -- weighted by the service; NULL: the span's length
	pinned         boolean NOT NULL DEFAULT false,
	made_at        timestamptz NOT NULL,
	ended_at       timestamptz,                 -- when it ceased to be live
	CONSTRAINT appointment_no_overlap EXCLUDE USING gist (coordinator_id WITH =, busy WITH &&) WHERE (live)
);
-- One live appointment a request. (A parallel call-out of an immediate request will need two.)
CREATE UNIQUE INDEX appointment_one_live ON vac_store.appointment (request_id) WHERE live AND urgency <> 'immediate';
CREATE INDEX appointment_request ON vac_store.appointment (request_id);
CREATE INDEX appointment_case ON vac_store.appointment (case_id);
CREATE INDEX appointment_coordinator_start ON vac_store.appointment (coordinator_id, lower(span));

-- Why a request went to whom: one row a decision. ruled_out is {rule: [coordinator_id, …]}.
CREATE TABLE vac_store.decision (
	decision_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	request_id     bigint NOT NULL REFERENCES request,
	appointment_id bigint REFERENCES appointment,            -- NULL: nobody was found
	at             timestamptz NOT NULL,
	cost           bigint,
	terms          jsonb,                       -- {term: cost} of the chosen one
	runner_up      jsonb,                       -- {"coordinator": id, "start": epoch seconds, "cost": n, "terms": {…}}
	ruled_out      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX decision_request ON vac_store.decision (request_id);

-- One decision of the planner, as it comes in; coordinator_id NULL: nobody was found.
CREATE TYPE vac_store.planned AS (
	n              bigint,                      -- place in the plan
	request_id     bigint,
	coordinator_id integer,
	span           tstzrange,
	busy           tstzrange,
	by_interpreter boolean,
	over_cap       boolean,
	cost           bigint,
	terms          jsonb,
	runner_up      jsonb,
	ruled_out      jsonb
);

-- ---- mail out --------------------------------------------------------------------------------
-- Everything a daemon needs to make the same bytes again is frozen in the row.
CREATE TABLE vac_store.message (
	message_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind           text NOT NULL CHECK (kind IN ('invitation', 'update', 'cancel', 'page', 'notice', 'requester', 'probe')),
	office_id      integer REFERENCES office,
	case_id        bigint REFERENCES case_record,
	appointment_id bigint REFERENCES appointment,
	method         text CHECK (method IN ('REQUEST', 'CANCEL')),             -- NULL: plain mail without a calendar part
	uid            uuid,                        -- of the appointment; the thing that states are ordered by
	sequence       integer,
	recipient      mail_address NOT NULL,
	recipient_name plain_text NOT NULL,
	mail_uuid      uuid NOT NULL DEFAULT gen_random_uuid(),  -- Message-ID is <mail_uuid@domain of sender>
	first_uuid     uuid,                        -- mail_uuid of the first invitation, for References
	made_at        timestamptz NOT NULL,        -- Date and DTSTAMP, to the second
	span           tstzrange,                   -- DTSTART, DTEND
	subject        text NOT NULL,
	body           text NOT NULL,               -- text/plain, lines separated by LF, without the answer links
	summary        text,
	location       text,
	description    text,
	renderer       smallint NOT NULL DEFAULT 1,
	bounce_handle  text NOT NULL UNIQUE,        -- random part of the token in the envelope sender
	answer_handle  text,                        -- copied from the appointment
	key_id         text,
	sender         mail_address,
	neutral        boolean NOT NULL DEFAULT false,   -- its text was replaced, because a field failed the check
	checked        bigint NOT NULL DEFAULT 0,        -- version of neutral_rules that it was checked against
	state          text NOT NULL DEFAULT 'queued'
		CHECK (state IN ('queued', 'claimed', 'sent', 'refused', 'overtaken', 'unneeded', 'suppressed')),
	waiting        boolean NOT NULL GENERATED ALWAYS AS (state IN ('queued', 'claimed')) STORED,
	amiss          boolean NOT NULL GENERATED ALWAYS AS (state IN ('refused', 'suppressed') OR neutral) STORED,
	urgent         boolean NOT NULL DEFAULT false,   -- goes before the others
	ever_claimed   boolean NOT NULL DEFAULT false,   -- may have been sent
	not_before     timestamptz NOT NULL,
	lease_until    timestamptz,
	fence          bigint NOT NULL DEFAULT 0,
	claimed_by     uuid,
	uncertain_until timestamptz,                -- a mail server may still be taking it; newer states of the UID wait
	attempts       integer NOT NULL DEFAULT 0,
	sent_at        timestamptz,
	reply          text,                        -- last reply of the mail server
	CHECK ((method IS NULL) = (uid IS NULL)),
	CHECK ((state = 'claimed') = (lease_until IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
-- Indexes name no column that a claim changes, so that a claim is a heap-only update.
CREATE INDEX message_waiting ON vac_store.message (urgent DESC, message_id) WHERE waiting;
CREATE INDEX message_uid ON vac_store.message (uid, message_id) WHERE uid IS NOT NULL;
CREATE INDEX message_case ON vac_store.message (case_id, message_id);
-- Supervisors look for what did not go out as it should.
CREATE INDEX message_amiss ON vac_store.message (message_id) WHERE amiss;

-- ---- history ---------------------------------------------------------------------------------
CREATE TABLE vac_store.note (
	note_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	text       text CHECK (length(text) <= 500),             -- NULL: redacted
	redacted_at timestamptz,
	redacted_by text
);
CREATE TABLE vac_store.history (
	history_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at             timestamptz NOT NULL DEFAULT clock_timestamp(),
	who            text NOT NULL DEFAULT session_user,
	event          text NOT NULL CHECK (event ~ '^[a-z][a-z_]{1,40}$'),
	office_id      integer,
	case_id        bigint,
	request_id     bigint,
	appointment_id bigint,
	coordinator_id integer,
	message_id     bigint,
	reason         text,                        -- a code from a list
	note_id        bigint REFERENCES note,
	detail         jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX history_case ON vac_store.history (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX history_at ON vac_store.history (at);

-- ---- daemons ---------------------------------------------------------------------------------
CREATE TABLE vac_store.daemon (
	daemon_id  uuid PRIMARY KEY,
	host       text NOT NULL,
	pid        integer NOT NULL,
	version    text NOT NULL,
	deliver    text NOT NULL CHECK (deliver IN ('smtp', 'hold')),
	started_at timestamptz NOT NULL,
	seen_at    timestamptz NOT NULL,
	stopped_at timestamptz
);
CREATE TABLE vac_store.heartbeat (
	daemon_id  uuid NOT NULL REFERENCES daemon ON DELETE CASCADE,
	stage      text NOT NULL CHECK (stage IN ('dispatch', 'mailer')),
	turned_at  timestamptz NOT NULL,
	turns      bigint NOT NULL DEFAULT 1,
	PRIMARY KEY (daemon_id, stage)
) WITH (fillfactor = 50);
-- What stands wrong now, raised and cleared by the daemons ('mail_login', 'mail_server', …).
CREATE TABLE vac_store.alarm (
	daemon_id  uuid NOT NULL REFERENCES daemon ON DELETE CASCADE,
	name       text NOT NULL CHECK (name ~ '^[a-z][a-z_]{1,40}$'),
	text       text NOT NULL,
	since      timestamptz NOT NULL,
	PRIMARY KEY (daemon_id, name)
);
CREATE TABLE vac_store.mail_identity (
	one        boolean PRIMARY KEY DEFAULT true CHECK (one),
	sender     mail_address NOT NULL,
	key_id     text NOT NULL CHECK (key_id ~ '^[a-z0-9]{1,16}$'),
	set_at     timestamptz NOT NULL
);
-- A group of offices is planned by one daemon at a time.
CREATE TABLE vac_store.dispatch_group (
	group_id    integer PRIMARY KEY,
	daemon_id   uuid,
	lease_until timestamptz,
	fence       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
