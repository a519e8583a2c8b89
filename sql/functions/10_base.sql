-- What everything else stands on: the clock, random names, policy, history, the checks that a
-- constraint cannot express, and the notifications that wake the daemon.

-- ---- clock -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.wall() RETURNS timestamptz
	LANGUAGE sql VOLATILE
	RETURN clock_timestamp();
COMMENT ON FUNCTION vac_store.wall() IS
	'The wall clock of the stages: the database''s, moving also within a transaction. Take it once a call';

CREATE OR REPLACE FUNCTION vac_store.at_epoch(seconds bigint) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN to_timestamp(seconds);
COMMENT ON FUNCTION vac_store.at_epoch(bigint) IS 'Seconds since 1970 as a time';

-- STABLE as date_part() is: a function that says it is more cannot be inlined.
CREATE OR REPLACE FUNCTION vac_store.epoch(at timestamptz) RETURNS bigint
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	-- date_part(), not extract(): in binary floating point, which is many times faster than numeric.
	RETURN floor(date_part('epoch', at))::bigint;
COMMENT ON FUNCTION vac_store.epoch(timestamptz) IS 'Whole seconds since 1970';

-- ---- what the daemon logs ---------------------------------------------------------------------
-- What fails in a function that goes on all the same would be in PostgreSQL's own log alone. Of whatever is raised as
-- a warning the daemon logs what has this code, and nothing else: vacd-messages(7) has each "what".
CREATE OR REPLACE FUNCTION vac_store.not_done(what text, of_what text, code text, message text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RAISE WARNING 'work not done' USING ERRCODE = 'VAC01', DETAIL = format('what=%s%s sqlstate=%s why="%s"',
				what, coalesce(' ' || of_what, ''), code, translate(message, E'"\n\t', '''  '));
		END
	$$;
COMMENT ON FUNCTION vac_store.not_done(text, text, text, text) IS
	'Has the daemon that asked for it log that something failed: what it was, of what (key=value, or NULL), and the error''s code and text';

-- ---- random names ----------------------------------------------------------------------------
-- A version 4 UUID comes from the strong random source; of its 16 bytes these 13 are wholly random
-- (bytes 6 and 8 carry version and variant), and each gives one character.
CREATE OR REPLACE FUNCTION vac_store.handle_of(random bytea) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	AS $$
		BEGIN
			RETURN substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 0) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 1) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 2) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 3) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 4) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 5) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 9) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 10) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 11) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 12) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 13) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 14) & 31) + 1, 1)
				|| substr('abcdefghijklmnopqrstuvwxyz234567', (get_byte(random, 15) & 31) + 1, 1);
		END
	$$;
COMMENT ON FUNCTION vac_store.handle_of(bytea) IS '13 characters of lower-case base32 from the random bytes of a version 4 UUID';

CREATE OR REPLACE FUNCTION vac_store.handle() RETURNS text
	LANGUAGE sql VOLATILE
	RETURN vac_store.handle_of(uuid_send(gen_random_uuid()));
COMMENT ON FUNCTION vac_store.handle() IS 'A fresh handle: 65 random bits as 13 characters a-z2-7, the part of a mail token that the row keeps';

CREATE OR REPLACE FUNCTION vac_store.case_code_of(random bytea) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (
		substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', (get_byte(random, 0) & 31) + 1, 1)
		|| substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', (get_byte(random, 1) & 31) + 1, 1)
		|| substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', (get_byte(random, 2) & 31) + 1, 1)
		|| '-'
		|| substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', (get_byte(random, 3) & 31) + 1, 1)
		|| substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', (get_byte(random, 4) & 31) + 1, 1)
		|| substr('ABCDEFGHJKLMNPQRSTUVWXYZ23456789', (get_byte(random, 5) & 31) + 1, 1));
COMMENT ON FUNCTION vac_store.case_code_of(bytea) IS 'A case code from random bytes: letters and digits that cannot be taken for one another';

-- The unique index decides in the end: two transactions may draw the same code, and one is then refused.
CREATE OR REPLACE FUNCTION vac_store.new_case_code() RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			code text;
		BEGIN
			LOOP
				code := case_code_of(uuid_send(gen_random_uuid()));
				CONTINUE WHEN EXISTS (SELECT FROM case_record c WHERE c.case_code = code);
				-- A half that is a protected word would make every mail of the case neutral.
				EXIT WHEN NOT names_protected(code, NULL);
			END LOOP;
			RETURN code;
		END
	$$;
COMMENT ON FUNCTION vac_store.new_case_code() IS 'A case code that no case has yet';

CREATE OR REPLACE FUNCTION vac_store.tidy_case_code(typed text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN regexp_replace(upper(regexp_replace(typed, '[[:space:]-]', '', 'g')), '^(.{3})(.{3})$', '\1-\2');
COMMENT ON FUNCTION vac_store.tidy_case_code(text) IS 'A case code as it is stored, from one typed with or without hyphen, in either case';

-- ---- plans of statements ---------------------------------------------------------------------
-- A session keeps the plan of a statement that it made when it first needed it. Made on tables that are empty nearly any plan
-- is as good as any other, and where rows are joined to rows it then takes time by the square. Autovacuum puts that right after some
-- minutes; a daemon that works on a new database, or gets ten thousand cases at once, should not wait for it.
CREATE OR REPLACE FUNCTION vac_store.fit_plans() RETURNS void
	LANGUAGE plpgsql
	AS $$
		DECLARE
			-- Of less than eight pages each, a step more for each eight times as many.
			steps CONSTANT bigint[] := ARRAY[65536, 524288, 4194304, 33554432, 268435456, 2147483648];
			size text := concat_ws('/', width_bucket(pg_catalog.pg_relation_size('vac_store.case_record'), steps),
				width_bucket(pg_catalog.pg_relation_size('vac_store.request'), steps),
				width_bucket(pg_catalog.pg_relation_size('vac_store.appointment'), steps),
				width_bucket(pg_catalog.pg_relation_size('vac_store.coordinator'), steps),
				width_bucket(pg_catalog.pg_relation_size('vac_store.weekly_pattern'), steps),
				width_bucket(pg_catalog.pg_relation_size('vac_store.leave'), steps),
				width_bucket(pg_catalog.pg_relation_size('vac_store.shift'), steps));
			before text := current_setting('vac_daemon.size', true);
		BEGIN
			IF size = before THEN
				RETURN;
			END IF;
			PERFORM set_config('vac_daemon.size', size, false);
			IF before <> '' THEN
				DISCARD PLANS;
				PERFORM set_config('vac_daemon.ready', '', false);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.fit_plans() IS
	'Has this session make its plans of statements anew when tables have grown, or shrunk, by much since it made them; called first of all by each claim';

-- ---- policy ----------------------------------------------------------------------------------
-- In PL/pgSQL, which keeps its plan for the session: a function in SQL is planned again by each
-- query that calls it. Asked many times a plan: with names in full it needs no search_path, whose setting takes
-- longer than the look-up.
CREATE OR REPLACE FUNCTION vac_store.policy_text(policy_name text, of_urgency text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	AS $$
		BEGIN
			RETURN (SELECT p.value FROM vac_store.policy p
				WHERE p.name = policy_name AND (p.urgency = of_urgency OR p.urgency IS NULL)
				ORDER BY p.urgency NULLS LAST LIMIT 1);
		END
	$$;
COMMENT ON FUNCTION vac_store.policy_text(text, text) IS 'A policy''s value: that of the urgency, else the general one';

CREATE OR REPLACE FUNCTION vac_store.policy_number(policy_name text, of_urgency text DEFAULT NULL) RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN vac_store.policy_text(policy_name, of_urgency)::bigint;
COMMENT ON FUNCTION vac_store.policy_number(text, text) IS 'A policy''s value as a number: that of the urgency, else the general one';

-- Within what the planner takes: one number beyond it would stop the planning of every office.
CREATE OR REPLACE FUNCTION vac_store.policy_limits(policy_name text, of_kind text, OUT lowest bigint, OUT highest bigint)
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT coalesce(n.lowest, k.lowest), coalesce(n.highest, k.highest)
			FROM (VALUES ('minutes', 0, 527040), ('office_minutes', 0, 527040), ('days', 0, 3660), ('office_days', 0, 3660),
					('seconds', 0, 86400), ('count', 0, 1000000), ('weight', 0, 1000000)) k (kind, lowest, highest)
				LEFT JOIN (VALUES ('grid_minutes', 1, 1440), ('replan_minutes', 1, 10080), ('telephone_minutes', 15, 1440),
					('buffer_minutes', 0, 1440), ('buffer_minutes_telephone', 0, 1440), ('rest_minutes', 0, 10080),
					('horizon', 1, 366), ('mail_retry_seconds', 1, 86400), ('mail_margin_seconds', 0, 3600),
					('move_chain', 0, 10), ('plan_steps', 1, 999999999))
					n (name, lowest, highest) ON n.name = policy_name
			WHERE k.kind = of_kind
	$$;
COMMENT ON FUNCTION vac_store.policy_limits(text, text) IS 'Between which numbers a policy may lie, by its name, else by its kind; NULLs: it is no number';

-- ---- who may move whom: policy may_be_moved --------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.mover_words() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ARRAY['never', 'by immediate', 'by urgent', 'by immediate and urgent'];
COMMENT ON FUNCTION vac_store.mover_words() IS 'What policy may_be_moved can say';

CREATE OR REPLACE FUNCTION vac_store.movers(said text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE said WHEN 'never' THEN '{}'::text[] WHEN 'by immediate' THEN ARRAY['immediate'] WHEN 'by urgent' THEN ARRAY['urgent']
		WHEN 'by immediate and urgent' THEN ARRAY['immediate', 'urgent'] END;
COMMENT ON FUNCTION vac_store.movers(text) IS 'Policy may_be_moved as a list of urgencies; NULL: it cannot be read';

CREATE OR REPLACE FUNCTION vac_store.movers_below(of_urgency text) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE of_urgency WHEN 'routine' THEN ARRAY['immediate', 'urgent'] WHEN 'urgent' THEN ARRAY['immediate'] ELSE '{}'::text[] END;
COMMENT ON FUNCTION vac_store.movers_below(text) IS 'The urgencies that hurry more than this one';

CREATE OR REPLACE FUNCTION vac_store.policy_check() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- Only when meetings may be can be said in a word.
			words text[] := CASE WHEN NEW.name = 'meeting_hours' THEN ARRAY['any', 'office'] ELSE '{}' END;
			range record;
		BEGIN
			IF NEW.kind = 'text' THEN
				IF length(btrim(NEW.value)) = 0 THEN
					RAISE check_violation USING MESSAGE = format('policy %s needs a text', NEW.name);
				ELSIF NEW.name = 'may_be_moved' AND NOT movers(NEW.value) <@ movers_below(NEW.urgency) IS TRUE THEN
					RAISE check_violation USING
						MESSAGE = format('policy %s (%s): "%s" is none of: %s', NEW.name, NEW.urgency, NEW.value,
							(SELECT string_agg(w, ', ' ORDER BY n)
								FROM unnest(mover_words()) WITH ORDINALITY AS u (w, n) WHERE movers(w) <@ movers_below(NEW.urgency))),
						HINT = 'What hurries more may move what hurries less.';
				END IF;
			ELSIF NEW.kind = 'hours' THEN
				IF NEW.value <> ALL (words)
					AND NEW.value !~ '^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$' THEN
					RAISE check_violation USING
						MESSAGE = format('policy %s: "%s" are no hours', NEW.name, NEW.value),
						HINT = format('Say %s.', concat_ws(' or ', NULLIF(array_to_string(words, ', '), ''), 'hours such as 08:00-20:00'));
				ELSIF NEW.name IN ('office_hours', 'digest_hours') AND split_part(NEW.value, '-', 2)::time <= split_part(NEW.value, '-', 1)::time THEN
					RAISE check_violation USING MESSAGE = format('policy %s: "%s" ends before it begins', NEW.name, NEW.value);
				END IF;
			ELSE
				SELECT * INTO range FROM policy_limits(NEW.name, NEW.kind);
				IF NEW.value !~ '^[0-9]{1,9}$' OR NEW.value::bigint NOT BETWEEN range.lowest AND range.highest THEN
					RAISE check_violation USING
						MESSAGE = format('policy %s: "%s" is no whole number from %s to %s', NEW.name, NEW.value, range.lowest, range.highest),
						HINT = format('It counts %s.', replace(NEW.kind, '_', ' '));
				END IF;
			END IF;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.policy_check() IS 'Trigger: a policy''s value fits its kind';
CREATE OR REPLACE TRIGGER policy_check BEFORE INSERT OR UPDATE ON vac_store.policy
	FOR EACH ROW EXECUTE FUNCTION vac_store.policy_check();

-- ---- time zones ------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.time_zone_check() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- pg_timezone_names reads every zone file: asked only about a zone that nobody has yet.
			IF NEW.time_zone IS NULL
				OR EXISTS (SELECT FROM office o WHERE o.time_zone = NEW.time_zone)
				OR EXISTS (SELECT FROM pg_timezone_names z
					WHERE z.name = NEW.time_zone AND z.name NOT LIKE 'posix/%') THEN
				RETURN NEW;
			END IF;
			RAISE check_violation USING
				MESSAGE = format('time zone "%s" is not known', NEW.time_zone),
				HINT = 'Use an IANA name in its own spelling, such as America/New_York.';
		END
	$$;
COMMENT ON FUNCTION vac_store.time_zone_check() IS 'Trigger: the time zone exists, by its IANA name';
CREATE OR REPLACE TRIGGER time_zone_check BEFORE INSERT OR UPDATE OF time_zone ON vac_store.office
	FOR EACH ROW EXECUTE FUNCTION vac_store.time_zone_check();
CREATE OR REPLACE TRIGGER time_zone_check BEFORE INSERT OR UPDATE OF time_zone ON vac_store.coordinator
	FOR EACH ROW EXECUTE FUNCTION vac_store.time_zone_check();

-- ---- groups of offices -----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.regroup_offices() RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			changed integer[];
		BEGIN
			-- Each office's group is the least office id that backups join it to, in either direction.
			WITH RECURSIVE edge AS (
				SELECT b.office_id AS a, b.backup_office_id AS b FROM office_backup b
				UNION
				SELECT b.backup_office_id, b.office_id FROM office_backup b
			), reach (office_id, other) AS (
				SELECT o.office_id, o.office_id FROM office o
				UNION
				SELECT r.office_id, e.b FROM reach r JOIN edge e ON e.a = r.other
			), wanted AS (
				SELECT r.office_id, min(r.other) AS group_id FROM reach r GROUP BY r.office_id
			), moved AS (
				UPDATE office o SET group_id = w.group_id
					FROM wanted w, office old
					WHERE w.office_id = o.office_id AND old.office_id = o.office_id AND o.group_id <> w.group_id
					RETURNING old.group_id AS before, w.group_id AS after
			)
			SELECT array_agg(DISTINCT g) INTO changed FROM moved m, unnest(ARRAY[m.before, m.after]) g;
			INSERT INTO dispatch_group (group_id)
				SELECT DISTINCT o.group_id FROM office o ON CONFLICT DO NOTHING;
			-- A plan made for the old groups must not be stored. In the order in which others lock several of them.
			PERFORM FROM dispatch_group g WHERE g.group_id = ANY (changed) ORDER BY g.group_id FOR NO KEY UPDATE;
			UPDATE dispatch_group g SET fence = g.fence + 1, lease_until = NULL, daemon_id = NULL
				WHERE g.group_id = ANY (changed);
		END
	$$;
COMMENT ON FUNCTION vac_store.regroup_offices() IS
	'Puts offices that backups join into one group; plans that a daemon is making for a changed group become void';

CREATE OR REPLACE FUNCTION vac_store.office_group() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			NEW.group_id := NEW.office_id;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.office_group() IS 'Trigger: a new office is a group of its own until a backup joins it to others';
CREATE OR REPLACE TRIGGER office_group BEFORE INSERT ON vac_store.office
	FOR EACH ROW EXECUTE FUNCTION vac_store.office_group();

CREATE OR REPLACE FUNCTION vac_store.regroup() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM regroup_offices();
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.regroup() IS 'Trigger: offices or backups changed, so groups may have';
CREATE OR REPLACE TRIGGER regroup AFTER INSERT ON vac_store.office
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.regroup();
CREATE OR REPLACE TRIGGER regroup AFTER INSERT OR UPDATE OR DELETE ON vac_store.office_backup
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.regroup();

-- ---- history ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.append_only() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RAISE insufficient_privilege USING
				MESSAGE = format('table %s is append-only', TG_TABLE_NAME),
				HINT = 'Write a new row that corrects the old one.';
		END
	$$;
COMMENT ON FUNCTION vac_store.append_only() IS 'Trigger: refuses UPDATE, DELETE and TRUNCATE';
-- What may be deleted of it: see 12_seal.sql.
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON vac_store.history
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only();
-- Decisions go with their case, plans with their last decision: see 43_deadline_cases.sql.
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON vac_store.decision
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON vac_store.plan
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.append_only();

CREATE OR REPLACE FUNCTION vac_store.record(
	what text,
	of_office integer DEFAULT NULL,
	of_case bigint DEFAULT NULL,
	of_request bigint DEFAULT NULL,
	of_appointment bigint DEFAULT NULL,
	of_coordinator integer DEFAULT NULL,
	of_message bigint DEFAULT NULL,
	why text DEFAULT NULL,
	said text DEFAULT NULL,
	more jsonb DEFAULT '{}') RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			note bigint;
			id bigint;
		BEGIN
			IF length(btrim(said)) > 0 THEN
				INSERT INTO note (text) VALUES (left(btrim(said), 500)) RETURNING note_id INTO note;
			END IF;
			INSERT INTO history (event, office_id, case_id, request_id, appointment_id, coordinator_id, message_id,
					reason, note_id, detail)
				VALUES (what, of_office, of_case, of_request, of_appointment, of_coordinator, of_message,
					why, note, more)
				RETURNING history_id INTO id;
			RETURN id;
		END
	$$;
COMMENT ON FUNCTION vac_store.record(text, integer, bigint, bigint, bigint, integer, bigint, text, text, jsonb) IS
	'Writes one event of history, with its note (kept apart, so that it can be redacted), and returns its id';

-- ---- notifications ---------------------------------------------------------------------------
-- Without a payload: a hint that there is something to do. Of one transaction the same hint arrives once.

CREATE OR REPLACE FUNCTION vac_store.notify_dispatch() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- What becomes due later is found by next_dispatch() and by the slow poll.
			IF EXISTS (SELECT FROM changed c
				WHERE c.to_plan AND c.plan_at <= wall() + interval '1 second') THEN
				PERFORM pg_notify('vac_dispatch', '');
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.notify_dispatch() IS 'Trigger: a request is to be planned now';
CREATE OR REPLACE TRIGGER notify_dispatch_insert AFTER INSERT ON vac_store.request
	REFERENCING NEW TABLE AS changed
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.notify_dispatch();

-- Row by row, since of most that change nothing is to be planned: a plan that is stored makes no copy of its requests
-- for this to look through.
CREATE OR REPLACE FUNCTION vac_store.notify_replan() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF NEW.plan_at <= wall() + interval '1 second' THEN
				PERFORM pg_notify('vac_dispatch', '');
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.notify_replan() IS 'Trigger: a request that was changed is to be planned now';
CREATE OR REPLACE TRIGGER notify_dispatch_update AFTER UPDATE ON vac_store.request
	FOR EACH ROW WHEN (NEW.to_plan) EXECUTE FUNCTION vac_store.notify_replan();

-- A released case has requests to plan although no row of request changed.
CREATE OR REPLACE FUNCTION vac_store.notify_released() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM pg_notify('vac_dispatch', '');
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.notify_released() IS 'Trigger: a case is no longer held';
CREATE OR REPLACE TRIGGER notify_released AFTER UPDATE OF held_since ON vac_store.case_record
	FOR EACH ROW WHEN (OLD.held_since IS NOT NULL AND NEW.held_since IS NULL)
	EXECUTE FUNCTION vac_store.notify_released();

CREATE OR REPLACE FUNCTION vac_store.notify_schema() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM pg_notify('vac_schema', '');
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.notify_schema() IS 'Trigger: another set of SQL files was installed';
CREATE OR REPLACE TRIGGER notify_schema AFTER INSERT OR UPDATE ON vac_store.installed
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.notify_schema();
