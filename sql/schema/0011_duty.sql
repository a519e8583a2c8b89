-- On-call duty: rotations, who covers for whom, and the shifts that come of them.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('duty_ahead', NULL, 'days', '35', 'On-call shifts of rotations are laid out, and sent to their holders, this far ahead'),
	('duty_gap_notice', NULL, 'days', '7', 'The supervisors are told this long beforehand of a part of a rotation that nobody has');

-- ---- rotations -------------------------------------------------------------------------------
CREATE TABLE vac_store.rotation (
	rotation_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	office_id  integer NOT NULL REFERENCES office,
	name       plain_text NOT NULL CHECK (length(name) <= 40),
	first_day  date NOT NULL,
	hand_over  time NOT NULL CHECK (hand_over < '24:00'),
	days       integer NOT NULL CHECK (days BETWEEN 1 AND 92),
	lay_at     timestamptz NOT NULL,
	told_gaps  tstzmultirange NOT NULL DEFAULT '{}',
	retired_at timestamptz
);
CREATE UNIQUE INDEX rotation_name ON vac_store.rotation (office_id, lower(name)) WHERE retired_at IS NULL;
CREATE INDEX rotation_lay_at ON vac_store.rotation (lay_at) WHERE retired_at IS NULL;
CREATE TABLE vac_store.rotation_member (
	rotation_id    integer NOT NULL REFERENCES rotation,
	place          smallint NOT NULL CHECK (place BETWEEN 1 AND 100),
	coordinator_id integer NOT NULL REFERENCES coordinator,
	PRIMARY KEY (rotation_id, place)
);
-- A row of its own, since an update of the rotation's would wait for somebody else's open transaction.
CREATE TABLE vac_store.rotation_stale (
	stale_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rotation_id    integer NOT NULL REFERENCES rotation
);
CREATE INDEX rotation_stale_rotation ON vac_store.rotation_stale (rotation_id);
-- Who covers a part of a rotation instead of whose turn it is.
CREATE TABLE vac_store.rotation_cover (
	cover_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rotation_id    integer NOT NULL REFERENCES rotation,
	span           tstzrange NOT NULL CHECK (NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)
		AND isfinite(lower(span)) AND isfinite(upper(span)) AND lower(span) IS NOT NULL AND upper(span) IS NOT NULL),
	coordinator_id integer NOT NULL REFERENCES coordinator,
	added_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
	added_by       text NOT NULL DEFAULT session_user,
	CONSTRAINT rotation_cover_once EXCLUDE USING gist (rotation_id WITH =, span WITH &&)
);
COMMENT ON TABLE vac_store.rotation IS 'On-call duty that coordinators of an office take in turns';
COMMENT ON COLUMN vac_store.rotation.rotation_id IS 'Key';
COMMENT ON COLUMN vac_store.rotation.office_id IS 'The office, whose local time its hours are';
COMMENT ON COLUMN vac_store.rotation.name IS 'Name, such as nights';
COMMENT ON COLUMN vac_store.rotation.first_day IS 'Local day on which the first in order takes over';
COMMENT ON COLUMN vac_store.rotation.hand_over IS 'Local time of day at which each hands over to the next';
COMMENT ON COLUMN vac_store.rotation.days IS 'Days that a turn lasts';
COMMENT ON COLUMN vac_store.rotation.lay_at IS 'When its shifts are laid out anew, if nothing in rotation_stale says sooner';
COMMENT ON COLUMN vac_store.rotation.told_gaps IS 'The parts that nobody has of which the supervisors have been told';
COMMENT ON COLUMN vac_store.rotation.retired_at IS 'When it was given up; NULL: it goes on';
COMMENT ON TABLE vac_store.rotation_member IS 'Who takes turns in a rotation, in order';
COMMENT ON COLUMN vac_store.rotation_member.rotation_id IS 'The rotation';
COMMENT ON COLUMN vac_store.rotation_member.place IS 'Place in the order, from 1';
COMMENT ON COLUMN vac_store.rotation_member.coordinator_id IS 'The coordinator; somebody may stand twice';
COMMENT ON TABLE vac_store.rotation_stale IS 'Rotations to be laid out anew at once, because of leave or of a shift that went: a row a change';
COMMENT ON COLUMN vac_store.rotation_stale.stale_id IS 'Key';
COMMENT ON COLUMN vac_store.rotation_stale.rotation_id IS 'The rotation';
COMMENT ON TABLE vac_store.rotation_cover IS 'Who covers a part of a rotation instead of whose turn it is';
COMMENT ON COLUMN vac_store.rotation_cover.cover_id IS 'Key';
COMMENT ON COLUMN vac_store.rotation_cover.rotation_id IS 'The rotation';
COMMENT ON COLUMN vac_store.rotation_cover.span IS 'The part';
COMMENT ON COLUMN vac_store.rotation_cover.coordinator_id IS 'Who covers it';
COMMENT ON COLUMN vac_store.rotation_cover.added_at IS 'When it was said';
COMMENT ON COLUMN vac_store.rotation_cover.added_by IS 'Who said so';
COMMENT ON CONSTRAINT rotation_cover_once ON vac_store.rotation_cover IS 'One person covers a part';

-- ---- the shifts that come of them ------------------------------------------------------------
CREATE TABLE vac_store.duty_shift (
	duty_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	rotation_id    integer NOT NULL REFERENCES rotation,
	coordinator_id integer NOT NULL REFERENCES coordinator,
	span           tstzrange NOT NULL CHECK (NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)),
	live           boolean NOT NULL DEFAULT true,
	uid            uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
	sequence       integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
	answer_handle  text NOT NULL UNIQUE,
	key_id         text,
	sender         mail_address,
	CONSTRAINT duty_shift_once EXCLUDE USING gist (rotation_id WITH =, span WITH &&) WHERE (live)
);
COMMENT ON TABLE vac_store.duty_shift IS 'Shifts of rotations as they were sent to their holders: one calendar entry each';
COMMENT ON COLUMN vac_store.duty_shift.duty_id IS 'Key';
COMMENT ON COLUMN vac_store.duty_shift.rotation_id IS 'The rotation';
COMMENT ON COLUMN vac_store.duty_shift.coordinator_id IS 'The holder; it never changes: a shift that moves on is cancelled, and the next holder gets one of their own';
COMMENT ON COLUMN vac_store.duty_shift.span IS 'When';
COMMENT ON COLUMN vac_store.duty_shift.live IS 'It is held; false: it was cancelled';
COMMENT ON COLUMN vac_store.duty_shift.uid IS 'UID of the calendar entry';
COMMENT ON COLUMN vac_store.duty_shift.sequence IS 'SEQUENCE of its state';
COMMENT ON COLUMN vac_store.duty_shift.answer_handle IS 'Random part of the token in the address of its organizer';
COMMENT ON COLUMN vac_store.duty_shift.key_id IS 'Token key it was first sent with; NULL until a daemon is known';
COMMENT ON COLUMN vac_store.duty_shift.sender IS 'From address it was first sent with, likewise';
COMMENT ON CONSTRAINT duty_shift_once ON vac_store.duty_shift IS 'One holder at a time';

ALTER TABLE vac_store.shift ADD COLUMN duty_id bigint REFERENCES duty_shift;
CREATE INDEX shift_duty ON vac_store.shift (duty_id) WHERE duty_id IS NOT NULL;
COMMENT ON COLUMN vac_store.shift.duty_id IS 'The shift of a rotation that it is (a part of); NULL: entered by itself';

-- ---- who sees what ---------------------------------------------------------------------------
DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['rotation', 'rotation_member', 'rotation_stale', 'rotation_cover', 'duty_shift']
	LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;
CREATE POLICY supervisor_near ON vac_store.rotation FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.near_offices()));
CREATE POLICY supervisor_near ON vac_store.duty_shift FOR SELECT TO vac_supervisor
	USING (coordinator_id IN (SELECT vac_store.near_coordinators()));
