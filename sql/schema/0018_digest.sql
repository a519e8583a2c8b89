-- The morning digest of a supervisor, the timeouts of supervisors' logins, who sees mail of an appointment,
-- and indexes by which the views find what is live.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('digest_hours', NULL, 'hours', '06:30-24:00',
		'When a digest goes out, in local time: at the first of these hours; after a time without a daemon until the last'),
	('login_statement_seconds', NULL, 'seconds', '60', 'A supervisor''s statement ends after this long (0: never); vac.limit_logins() sets it'),
	('login_lock_seconds', NULL, 'seconds', '10', 'A supervisor''s statement waits for somebody else''s transaction this long at most (0: for ever); likewise'),
	('login_idle_seconds', NULL, 'seconds', '300', 'A supervisor''s open transaction in which nothing happens is rolled back after this long (0: never); likewise');

-- ---- digest ----------------------------------------------------------------------------------
ALTER TABLE vac_store.supervisor
	ADD COLUMN digest_office_id integer REFERENCES office,
	ADD COLUMN digest_day date;
COMMENT ON COLUMN vac_store.supervisor.digest_office_id IS 'The office in whose morning they get a digest; NULL: they want none';
COMMENT ON COLUMN vac_store.supervisor.digest_day IS 'Local day of the last digest, or the last day on which none was due';

-- ---- mail of an appointment ------------------------------------------------------------------
-- What the holder is sent is their office's matter, too; what whoever opened the case is told is not.
ALTER POLICY supervisor_own_or_holder ON vac_store.message
	USING (office_id IN (SELECT vac_store.my_offices())
		OR (kind <> 'requester' AND EXISTS (SELECT FROM vac_store.appointment a
			WHERE a.appointment_id = message.appointment_id
				AND a.coordinator_id IN (SELECT vac_store.my_coordinators()))));

-- ---- whose rows ------------------------------------------------------------------------------
-- `= ANY (ARRAY(SELECT f()))` is worked out once a query as `IN (SELECT f())` is, and can be looked up in an
-- index besides: without it a supervisor of one office reads what all offices have open.
DO $policies$
DECLARE
	one record;
BEGIN
	FOR one IN
		SELECT p.polrelid::regclass AS of_table, p.polname AS name, pg_get_expr(p.polqual, p.polrelid) AS condition
			FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
			WHERE c.relnamespace = 'vac_store'::regnamespace
	LOOP
		IF one.condition ~ 'IN \( SELECT (vac_store\.)?(my|near)_(offices|coordinators)\(\)' THEN
			EXECUTE format('ALTER POLICY %I ON %s USING (%s)', one.name, one.of_table, regexp_replace(one.condition,
				'IN \( SELECT (?:vac_store\.)?((?:my|near)_(?:offices|coordinators)\(\)) AS \w+\)', '= ANY (ARRAY(SELECT vac_store.\1))', 'g'));
		END IF;
	END LOOP;
END
$policies$;
-- Of type name the login would be compared in another collation than the index has.
ALTER POLICY intake_own ON vac_store.case_record USING (opened_by = session_user::text COLLATE "default");

-- ---- indexes ---------------------------------------------------------------------------------
CREATE INDEX request_standing ON vac_store.request (office_id) WHERE state IN ('open', 'planned');
COMMENT ON INDEX vac_store.request_standing IS 'What view open_cases shows of an office';
CREATE INDEX appointment_live_office ON vac_store.appointment (office_id) WHERE live;
COMMENT ON INDEX vac_store.appointment_live_office IS 'What an office has to come, and what nobody has reported on';
CREATE INDEX appointment_live_start ON vac_store.appointment (lower(span)) WHERE live;
COMMENT ON INDEX vac_store.appointment_live_start IS 'What views week and awaiting_outcome show, and a digest';
-- Newest first, by this alone: a LIMIT ends it soon.
CREATE INDEX history_newest ON vac_store.history (at, history_id);
DROP INDEX vac_store.history_at;
COMMENT ON INDEX vac_store.history_newest IS 'What view history shows, in its order';
-- Intake's own cases: those that are open, or ended lately.
CREATE INDEX case_record_ended ON vac_store.case_record (ended_at) WHERE state <> 'open';
COMMENT ON INDEX vac_store.case_record_ended IS 'What view my_cases shows beside what is open';
