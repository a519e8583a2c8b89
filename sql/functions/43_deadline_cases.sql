-- Cases that ended longer ago than policy keep_cases says are removed, some at a time, each with all its rows. History
-- stays as it is, for as long as policy keep_history says.

CREATE OR REPLACE FUNCTION vac_store.decision_kept() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF EXISTS (SELECT FROM gone g JOIN request r ON r.request_id = g.request_id JOIN case_record c ON c.case_id = r.case_id
					WHERE (policy_number('keep_cases') > 0 AND c.state <> 'open' AND c.ended_at <= kept_until('keep_cases', wall())) IS NOT TRUE) THEN
				RAISE insufficient_privilege USING
					MESSAGE = 'table decision is append-only',
					HINT = 'Write a new row that corrects the old one. What is old goes with its case, by policy keep_cases.';
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.decision_kept() IS 'Trigger: decisions can be deleted only of a case that policy keep_cases keeps no longer';
CREATE OR REPLACE TRIGGER decision_kept AFTER DELETE ON vac_store.decision
	REFERENCING OLD TABLE AS gone
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.decision_kept();

-- A plan that a decision names is held by that.
CREATE OR REPLACE FUNCTION vac_store.plan_kept() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF policy_number('keep_cases') = 0 THEN
				RAISE insufficient_privilege USING
					MESSAGE = 'table plan is append-only',
					HINT = 'What is old goes with the last of its decisions, by policy keep_cases.';
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_kept() IS 'Trigger: plans can be deleted only if policy keep_cases lets anything go';
CREATE OR REPLACE TRIGGER plan_kept BEFORE DELETE ON vac_store.plan
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.plan_kept();

-- Requests, appointments, clocks and links of a code that was merged are the other case's; mail keeps the code it went
-- out with. A meeting of an ended case that nobody reported on counts as long as its time is not as old as that.
CREATE OR REPLACE FUNCTION vac_store.is_needed(of_case bigint, kept_from timestamptz) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT EXISTS (SELECT FROM appointment a WHERE a.case_id = of_case AND a.live AND upper(a.busy) > kept_from)
			OR EXISTS (SELECT FROM clock k WHERE k.case_id = of_case AND k.running)
			OR EXISTS (SELECT FROM case_link l JOIN case_record c ON c.case_id = l.other_id WHERE l.case_id = of_case AND c.state = 'open')
			OR EXISTS (SELECT FROM case_link l JOIN case_record c ON c.case_id = l.case_id WHERE l.other_id = of_case AND c.state = 'open')
			OR EXISTS (SELECT FROM message m WHERE m.case_id = of_case AND m.waiting)
			OR EXISTS (SELECT FROM case_record g JOIN message m ON m.case_id = g.case_id WHERE g.merged_into = of_case AND m.waiting)
			OR EXISTS (SELECT FROM appointment a JOIN inbound i ON i.appointment_id = a.appointment_id
				WHERE a.case_id = of_case AND (i.waiting OR (i.state = 'listed' AND i.taken_up_at IS NULL)));
	$$;
COMMENT ON FUNCTION vac_store.is_needed(bigint, timestamptz) IS
	'Whether an ended case may not go yet: it has a live appointment, a clock that runs, mail that waits or that nobody has read, or belongs to a case that is open';

-- The clock may have been ahead when it failed.
CREATE OR REPLACE FUNCTION vac_store.is_put_off(remove_at timestamptz, now_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE
	RETURN coalesce(remove_at > now_at AND remove_at <= now_at + interval '24 hours', false);
COMMENT ON FUNCTION vac_store.is_put_off(timestamptz, timestamptz) IS
	'Whether a case that could not be removed is not tried again yet; what lies further ahead than it is ever put counts as over';

CREATE OR REPLACE FUNCTION vac_store.cases_due(now_at timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		DECLARE
			keep bigint := policy_number('keep_cases');
			kept_from timestamptz := now_at - keep * interval '24 hours';
		BEGIN
			IF keep = 0 THEN
				RETURN NULL;
			END IF;
			-- In lumps of a day, or each case would leave an entry of its own in history.
			RETURN (SELECT greatest(c.ended_at + (keep + 1) * interval '24 hours', removes_from(now_at)) FROM case_record c
				WHERE c.state <> 'open' AND c.merged_into IS NULL
					AND NOT (c.ended_at <= kept_from AND (is_put_off(c.remove_at, now_at) OR is_needed(c.case_id, kept_from)))
				ORDER BY c.ended_at LIMIT 1);
		END
	$$;
COMMENT ON FUNCTION vac_store.cases_due(timestamptz) IS 'When policy keep_cases next has something to remove; NULL: it keeps all, or nothing has ended';

CREATE OR REPLACE FUNCTION vac_store.lock_ended_cases(now_at timestamptz, most integer) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		DECLARE
			kept_from timestamptz := kept_until('keep_cases', now_at);
			ids bigint[] := ARRAY(SELECT c.case_id FROM case_record c
				WHERE c.state <> 'open' AND c.merged_into IS NULL AND c.ended_at <= kept_from AND NOT is_put_off(c.remove_at, now_at)
					AND NOT is_needed(c.case_id, kept_from)
				ORDER BY c.ended_at LIMIT most FOR UPDATE SKIP LOCKED);
		BEGIN
			-- Once more: what was committed until the lock was there is seen only now.
			ids := ARRAY(SELECT i.id FROM unnest(ids) AS i (id) WHERE NOT is_needed(i.id, kept_from));
			RETURN ids || ARRAY(SELECT g.case_id FROM case_record g WHERE g.merged_into = ANY (ids) ORDER BY g.case_id FOR UPDATE);
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_ended_cases(timestamptz, integer) IS
	'Locks so many cases at most that policy keep_cases keeps no longer and nobody needs, the longest ended first, and the codes that were merged into them';

CREATE OR REPLACE FUNCTION vac_store.remove_decisions(request_ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		DECLARE
			plans bigint[];
		BEGIN
			WITH gone AS (
				DELETE FROM decision d WHERE d.request_id = ANY (request_ids) RETURNING d.plan_id
			)
			SELECT array_agg(DISTINCT g.plan_id) INTO plans FROM gone g;
			DELETE FROM plan p WHERE p.plan_id = ANY (plans) AND NOT EXISTS (SELECT FROM decision d WHERE d.plan_id = p.plan_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.remove_decisions(bigint[]) IS 'Deletes the decisions about requests, and the plans of which none is left';

-- Mail that came in stays, without its appointment, until its own policy takes it.
CREATE OR REPLACE FUNCTION vac_store.remove_cases(case_ids bigint[]) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		DECLARE
			requests bigint[] := ARRAY(SELECT r.request_id FROM request r WHERE r.case_id = ANY (case_ids));
			appointments bigint[] := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.case_id = ANY (case_ids));
			mails bigint;
			first_at timestamptz;
			last_at timestamptz;
		BEGIN
			DELETE FROM answer o WHERE o.appointment_id = ANY (appointments);
			UPDATE inbound i SET appointment_id = NULL WHERE i.appointment_id = ANY (appointments);
			PERFORM remove_decisions(requests);
			DELETE FROM message m WHERE m.case_id = ANY (case_ids);
			GET DIAGNOSTICS mails = ROW_COUNT;
			DELETE FROM interpreter_left l WHERE l.case_id = ANY (case_ids);
			DELETE FROM appointment a WHERE a.appointment_id = ANY (appointments);
			DELETE FROM request_bar b WHERE b.request_id = ANY (requests);
			DELETE FROM request r WHERE r.request_id = ANY (requests);
			DELETE FROM clock k WHERE k.case_id = ANY (case_ids);
			DELETE FROM case_conflict f WHERE f.case_id = ANY (case_ids);
			DELETE FROM case_link l WHERE l.case_id = ANY (case_ids) OR l.other_id = ANY (case_ids);
			WITH gone AS (
				DELETE FROM case_record c WHERE c.case_id = ANY (case_ids) RETURNING c.ended_at
			)
			SELECT min(g.ended_at), max(g.ended_at) INTO first_at, last_at FROM gone g;
			RETURN jsonb_build_object('cases', cardinality(case_ids), 'requests', cardinality(requests), 'appointments', cardinality(appointments),
				'messages', mails, 'from', stamp_text(first_at), 'until', stamp_text(last_at));
		END
	$$;
COMMENT ON FUNCTION vac_store.remove_cases(bigint[]) IS 'Deletes cases that the caller has locked, with all their rows; returns what history is to say of it';

-- They say who was to be had when cases were decided on that are gone.
CREATE OR REPLACE FUNCTION vac_store.remove_past(kept_from timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			over bigint[];
		BEGIN
			DELETE FROM shift s WHERE upper(s.span) <= kept_from;
			DELETE FROM duty_shift d WHERE upper(d.span) <= kept_from AND NOT EXISTS (SELECT FROM shift s WHERE s.duty_id = d.duty_id);
			DELETE FROM rotation_cover c WHERE upper(c.span) <= kept_from;
			WITH gone AS (
				DELETE FROM leave l WHERE upper(l.span) <= kept_from RETURNING l.leave_event_id
			)
			SELECT array_agg(DISTINCT g.leave_event_id) INTO over FROM gone g;
			-- Of leave that was refused, cancelled or taken back only this says that a REQUEST which comes once more is an old one.
			DELETE FROM leave_event e
				WHERE e.stamped <= kept_from AND e.state <> 'waits' AND NOT EXISTS (SELECT FROM leave l WHERE l.leave_event_id = e.leave_event_id)
					AND ((e.state = 'entered' AND e.leave_event_id = ANY (over)) OR e.stamped <= kept_from - interval '400 days');
			-- Answer windows are counted from the last one.
			DELETE FROM outage o WHERE o.ended <= kept_from AND o.outage_id < (SELECT max(n.outage_id) FROM outage n);
		END
	$$;
COMMENT ON FUNCTION vac_store.remove_past(timestamptz) IS 'Deletes duties, shifts, leave and outages that were over before a moment';

CREATE OR REPLACE FUNCTION vac_store.remove_each(case_ids bigint[], now_at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			id bigint;
			n bigint := 0;
		BEGIN
			FOR id IN SELECT c.case_id FROM case_record c WHERE c.case_id = ANY (case_ids) AND c.merged_into IS NULL ORDER BY c.ended_at LOOP
				BEGIN
					PERFORM record('cases_removed', more => remove_cases(id || ARRAY(SELECT g.case_id FROM case_record g WHERE g.merged_into = id)));
					n := n + 1;
				EXCEPTION
					WHEN lock_not_available OR deadlock_detected THEN
						NULL;
					WHEN OTHERS THEN
						PERFORM not_done('case', 'case=' || id, SQLSTATE, SQLERRM);
						UPDATE case_record c SET remove_at = now_at + interval '24 hours' WHERE c.case_id = id;
				END;
			END LOOP;
			RETURN n;
		END
	$$;
COMMENT ON FUNCTION vac_store.remove_each(bigint[], timestamptz) IS
	'Deletes cases that the caller has locked one by one, but for those that somebody holds rows of, and those that fail, which are put off for a day; returns how many went';

CREATE OR REPLACE FUNCTION vac_store.pass_cases(now_at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			ids bigint[];
			n bigint;
		BEGIN
			IF cases_due(now_at) <= now_at IS NOT TRUE THEN
				RETURN 0;
			END IF;
			ids := lock_ended_cases(now_at, 20);
			IF ids = '{}' THEN
				RETURN 0;
			END IF;
			BEGIN
				PERFORM record('cases_removed', more => remove_cases(ids));
				n := cardinality(ids);
			EXCEPTION WHEN OTHERS THEN
				n := remove_each(ids, now_at);
			END;
			PERFORM remove_past(kept_until('keep_cases', now_at)) WHERE n > 0;
			RETURN n;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_cases(timestamptz) IS 'Removes some of the cases that policy keep_cases keeps no longer, and says so in history; returns how many';
