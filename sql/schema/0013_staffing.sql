-- What an office is and whom it must have, when somebody must be there, and interpreters that are booked.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('cover_ahead', NULL, 'days', '14', 'Gaps against table cover are looked for this far ahead'),
	('response_days', NULL, 'days', '30', 'View response_times looks back this far');

-- ---- what an office is, and whom it must have ------------------------------------------------
CREATE TABLE vac_store.designation (
	code       text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{1,40}$'),
	label      plain_text NOT NULL CHECK (length(label) <= 60)
);
CREATE TABLE vac_store.office_designation (
	office_id   integer NOT NULL REFERENCES office,
	designation text NOT NULL REFERENCES designation,
	PRIMARY KEY (office_id, designation)
);
CREATE TABLE vac_store.minimum (
	code        text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{1,40}$'),
	designation text REFERENCES designation,
	label       plain_text NOT NULL CHECK (length(label) <= 60),
	people      smallint NOT NULL CHECK (people BETWEEN 1 AND 100),
	service     text REFERENCES service,
	duty        duty,
	source      plain_text NOT NULL CHECK (length(source) <= 60)
);
COMMENT ON TABLE vac_store.designation IS 'What an office can be, beside being an office: what minimums are set by';
COMMENT ON COLUMN vac_store.designation.code IS 'Its name';
COMMENT ON COLUMN vac_store.designation.label IS 'Its name in words';
COMMENT ON TABLE vac_store.office_designation IS 'What each office is';
COMMENT ON COLUMN vac_store.office_designation.office_id IS 'The office';
COMMENT ON COLUMN vac_store.office_designation.designation IS 'What it is';
COMMENT ON TABLE vac_store.minimum IS 'Whom an office must have at least. Minimums add up, and each coordinator counts for one of them';
COMMENT ON COLUMN vac_store.minimum.code IS 'Its name';
COMMENT ON COLUMN vac_store.minimum.designation IS 'What an office must be for it to apply; NULL: every office';
COMMENT ON COLUMN vac_store.minimum.label IS 'Whom it asks for, in words';
COMMENT ON COLUMN vac_store.minimum.people IS 'How many';
COMMENT ON COLUMN vac_store.minimum.service IS 'Who gives this service counts; NULL: whatever they give';
COMMENT ON COLUMN vac_store.minimum.duty IS 'Who is of this duty counts; NULL: of either';
COMMENT ON COLUMN vac_store.minimum.source IS 'The rule that it comes from';

-- Examples, to be changed by verbs: the law says whom to recruit, not by which services vacd knows them.
INSERT INTO vac_store.designation (code, label) VALUES
	('sac_office', 'Special Agent in Charge office'),
	('trafficking_task_force', 'human-trafficking task force'),
	('child_exploitation_task_force', 'child-exploitation task force');
INSERT INTO vac_store.minimum (code, designation, label, people, service, duty, source) VALUES
	('sac_forensic', 'sac_office', 'forensic interview specialist', 1, 'forensic_interview', 'full_time', '6 USC 258'),
	('sac_assistance', 'sac_office', 'victim assistance specialist', 1, 'crisis_intervention', 'full_time', '6 USC 258'),
	('trafficking_assistance', 'trafficking_task_force', 'victim assistance specialist', 1, 'crisis_intervention', 'full_time', '6 USC 258'),
	('child_assistance', 'child_exploitation_task_force', 'victim assistance specialist', 1, 'crisis_intervention', 'full_time', '6 USC 258');

-- ---- when somebody must be there -------------------------------------------------------------
CREATE TABLE vac_store.cover (
	cover_id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	office_id  integer NOT NULL REFERENCES office,
	name       plain_text NOT NULL CHECK (length(name) <= 24),
	people     smallint NOT NULL CHECK (people BETWEEN 1 AND 100),
	service    text REFERENCES service,
	language   language_tag,
	office_hours boolean NOT NULL
);
CREATE UNIQUE INDEX cover_name ON vac_store.cover (office_id, lower(name));
CREATE TABLE vac_store.cover_hours (
	cover_id   integer NOT NULL REFERENCES cover ON DELETE CASCADE,
	weekday    smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
	from_time  time NOT NULL CHECK (from_time < '24:00'),
	to_time    time NOT NULL,
	PRIMARY KEY (cover_id, weekday, from_time)
);
COMMENT ON TABLE vac_store.cover IS 'When how many coordinators of which service and language must be at work or on call in an office';
COMMENT ON COLUMN vac_store.cover.cover_id IS 'Key';
COMMENT ON COLUMN vac_store.cover.office_id IS 'The office, whose local time its hours are';
COMMENT ON COLUMN vac_store.cover.name IS 'Name, such as nights';
COMMENT ON COLUMN vac_store.cover.people IS 'How many at a time';
COMMENT ON COLUMN vac_store.cover.service IS 'Who gives this service counts; NULL: whatever they give';
COMMENT ON COLUMN vac_store.cover.language IS 'Who speaks this language counts; NULL: whatever they speak';
COMMENT ON COLUMN vac_store.cover.office_hours IS 'In the office''s hours, holidays excepted; else by cover_hours, on holidays too';
COMMENT ON INDEX vac_store.cover_name IS 'A name once in an office, in either case';
COMMENT ON TABLE vac_store.cover_hours IS 'The hours of the week of a cover';
COMMENT ON COLUMN vac_store.cover_hours.cover_id IS 'The cover';
COMMENT ON COLUMN vac_store.cover_hours.weekday IS 'ISO weekday: 1 is Monday';
COMMENT ON COLUMN vac_store.cover_hours.from_time IS 'From this local time of day';
COMMENT ON COLUMN vac_store.cover_hours.to_time IS 'To this one; where it is not after from_time, on the next day';

-- ---- interpreters ----------------------------------------------------------------------------
-- On the request and not on the appointment: whoever goes in the end, the interpreter comes at that time.
ALTER TABLE vac_store.request
	ADD COLUMN interpreter_for tstzrange,
	ADD COLUMN interpreter_noted_at timestamptz,
	ADD COLUMN interpreter_noted_by text,
	ADD CONSTRAINT request_interpreter CHECK ((interpreter_for IS NULL) = (interpreter_noted_at IS NULL)
		AND (interpreter_noted_at IS NULL) = (interpreter_noted_by IS NULL));
COMMENT ON COLUMN vac_store.request.interpreter_for IS 'The span for which an interpreter is noted as booked; NULL: none is';
COMMENT ON COLUMN vac_store.request.interpreter_noted_at IS 'When that was noted';
COMMENT ON COLUMN vac_store.request.interpreter_noted_by IS 'By which login';
COMMENT ON CONSTRAINT request_interpreter ON vac_store.request IS 'What is noted says when and by whom';
CREATE INDEX appointment_by_interpreter ON vac_store.appointment (request_id) WHERE live AND by_interpreter;
CREATE INDEX request_interpreter_for ON vac_store.request (request_id) WHERE interpreter_for IS NOT NULL;
COMMENT ON INDEX vac_store.appointment_by_interpreter IS 'What interpreters are needed for';
COMMENT ON INDEX vac_store.request_interpreter_for IS 'What interpreters are booked for';

-- ---- what views look for ---------------------------------------------------------------------
CREATE INDEX request_opened ON vac_store.request (opened_at);
CREATE INDEX history_what_if ON vac_store.history (history_id) WHERE event = 'what_if';
COMMENT ON INDEX vac_store.request_opened IS 'Response times';
COMMENT ON INDEX vac_store.history_what_if IS 'Where the what-if of this transaction began: none is ever committed';

-- ---- who sees what ---------------------------------------------------------------------------
DO $security$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['designation', 'office_designation', 'minimum', 'cover', 'cover_hours'] LOOP
		EXECUTE format('ALTER TABLE vac_store.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
		EXECUTE format('CREATE POLICY owner_all ON vac_store.%I TO vac_owner USING (true) WITH CHECK (true)', name);
	END LOOP;
END
$security$;
CREATE POLICY supervisor_reads ON vac_store.designation FOR SELECT TO vac_supervisor USING (true);
CREATE POLICY supervisor_reads ON vac_store.office_designation FOR SELECT TO vac_supervisor USING (true);
CREATE POLICY supervisor_reads ON vac_store.minimum FOR SELECT TO vac_supervisor USING (true);
CREATE POLICY supervisor_own ON vac_store.cover FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices()));
CREATE POLICY supervisor_own ON vac_store.cover_hours FOR SELECT TO vac_supervisor
	USING (EXISTS (SELECT FROM vac_store.cover c WHERE c.cover_id = cover_hours.cover_id));
