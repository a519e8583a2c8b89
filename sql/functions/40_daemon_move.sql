-- Appointments that make room: what hurries and would be late otherwise moves what hurries less. A
-- decision is stored with all its moves or not at all; where anything fails the old places stand. So it is with an
-- appointment that nobody answered: it lapses only where another is stored in its place.

CREATE OR REPLACE FUNCTION vac_store.moves_of(plan vac_store.planned[]) RETURNS vac_store.planned[]
	LANGUAGE plpgsql IMMUTABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN (SELECT array_agg(m) FROM unnest(plan) p CROSS JOIN LATERAL unnest(plan_rows(p.moves, p.group_id)) m
				WHERE p.coordinator_id IS NOT NULL AND p.moves IS NOT NULL);
		END
	$$;
COMMENT ON FUNCTION vac_store.moves_of(vac_store.planned[]) IS 'All moves of a plan; NULL: it has none';

CREATE OR REPLACE FUNCTION vac_store.lock_moved(moves vac_store.planned[]) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			requests bigint[] := ARRAY(SELECT DISTINCT m.request_id FROM unnest(moves) m);
			matters bigint[] := ARRAY(SELECT DISTINCT r.case_id FROM request r WHERE r.request_id = ANY (requests));
		BEGIN
			RETURN (SELECT count(*) FROM (SELECT FROM case_record c WHERE c.case_id = ANY (matters) FOR SHARE SKIP LOCKED) c)
					= cardinality(matters)
				AND (SELECT count(*) FROM (SELECT FROM request r WHERE r.request_id = ANY (requests) FOR NO KEY UPDATE SKIP LOCKED) r)
					= cardinality(requests);
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_moved(vac_store.planned[]) IS
	'Locks the cases and requests of appointments to be moved without waiting; false: somebody has one of them';

-- Read when cases, requests and coordinators are locked, so that it stays so.
CREATE OR REPLACE FUNCTION vac_store.move_rule(one vac_store.planned, moves vac_store.planned[], now_at timestamptz, locked_out integer[])
	RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			hurry text := (SELECT r.urgency FROM request r WHERE r.request_id = one.request_id);
		BEGIN
			IF cardinality(moves) > policy_number('move_chain') THEN
				RETURN 'move_chain';
			END IF;
			RETURN (SELECT x.rule
				FROM (SELECT m.n, CASE
						WHEN one.coordinator_id = ANY (locked_out) THEN 'locked'
						WHEN m.from_coordinator = ANY (locked_out) OR m.coordinator_id = ANY (locked_out) THEN 'move_locked'
						WHEN NOT coalesce(a.live AND a.coordinator_id = m.from_coordinator AND epoch(lower(a.span)) = m.from_start
								AND r.state = 'planned', false)
							OR count(*) OVER (PARTITION BY m.appointment_id) > 1 THEN 'move_changed'
						WHEN a.pinned OR r.seek_since IS NOT NULL OR a.urgency <> r.urgency OR c.state <> 'open' OR c.held_since IS NOT NULL
							OR NOT coalesce(hurry = ANY (movers(policy_text('may_be_moved', r.urgency))), false) THEN 'move_forbidden'
						WHEN lower(a.span) < policy_after('notice', r.urgency, r.office_id, now_at) - plan_grace() THEN 'move_notice'
						WHEN greatest(lower(a.span), lower(m.span)) > r.due_at THEN 'move_late'
					END AS rule
					FROM unnest(moves) m
						LEFT JOIN LATERAL (SELECT * FROM appointment a WHERE a.appointment_id = m.appointment_id
							AND a.request_id = m.request_id OFFSET 0) a ON true
						LEFT JOIN LATERAL (SELECT * FROM request r WHERE r.request_id = m.request_id OFFSET 0) r ON true
						LEFT JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c ON true) x
				WHERE x.rule IS NOT NULL ORDER BY x.n LIMIT 1);
		END
	$$;
COMMENT ON FUNCTION vac_store.move_rule(vac_store.planned, vac_store.planned[], timestamptz, integer[]) IS
	'What forbids that these appointments are moved for a decision, or NULL: move_changed (not as the plan found them), move_forbidden '
	'(pinned, held, or not for this urgency), move_notice, move_late (past the own due time), move_chain (too many), locked (who is to be met), move_locked (somebody else: without the move it may go)';

-- The new places. What is moved has left the live set before, all of it.
CREATE OR REPLACE FUNCTION vac_store.place_moved(one vac_store.planned, moves vac_store.planned[], accepted bigint[], now_at timestamptz,
		about jsonb)
	RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			given bigint[] := ARRAY(SELECT m.n FROM unnest(moves) m WHERE m.coordinator_id <> m.from_coordinator);
			requests bigint[];
			made bigint[];
			stayed bigint[];
			of_plan bigint;
		BEGIN
			-- An acceptance was of the old time.
			WITH moved AS (
				UPDATE appointment a
					SET span = m.span, busy = m.busy, state = 'invited', sequence = a.sequence + 1, by_interpreter = m.by_interpreter,
						partstat = NULL, answered_at = NULL, answered_by = NULL,
						counted_minutes = counted_minutes((date_part('epoch', upper(m.span) - lower(m.span)) / 60)::integer, m.span, m.busy)
					FROM unnest(moves) m
					WHERE a.appointment_id = m.appointment_id AND NOT m.n = ANY (given)
					RETURNING a.appointment_id
			)
			SELECT array_agg(m.appointment_id ORDER BY m.appointment_id) INTO stayed FROM moved m;
			SELECT array_agg(m.request_id), array_agg(m.appointment_id) INTO requests, made FROM appoint(moves, given, now_at) m;
			IF coalesce(cardinality(made), 0) + coalesce(cardinality(stayed), 0) < cardinality(moves) THEN
				RETURN false;
			END IF;
			UPDATE request r SET tries = r.tries + 1 WHERE r.request_id = ANY (requests);
			of_plan := keep_plan(about, one.group_id, now_at);
			INSERT INTO decision (request_id, appointment_id, at, cost, terms, plan_id, made_room_for, moved_from)
				SELECT m.request_id, coalesce(u.appointment_id, m.appointment_id), now_at, m.cost, m.terms, of_plan, one.request_id,
						jsonb_build_object('appointment', m.appointment_id, 'coordinator', m.from_coordinator, 'start', m.from_start,
							'accepted', m.appointment_id = ANY (accepted))
					FROM unnest(moves) m LEFT JOIN unnest(requests, made) u (request_id, appointment_id) ON u.request_id = m.request_id
					ORDER BY m.n;
			INSERT INTO history (event, office_id, case_id, request_id, appointment_id, coordinator_id, detail)
				SELECT 'appointment_moved', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
						jsonb_build_object('starts', lower(a.span), 'ends', upper(a.span), 'started', at_epoch(m.from_start),
							'from_appointment', m.appointment_id, 'from_coordinator', m.from_coordinator,
							'other_coordinator', m.coordinator_id <> m.from_coordinator,
							'other_request', r.request_id, 'other_case', r.case_id)
					FROM unnest(moves) m
						LEFT JOIN unnest(requests, made) u (request_id, appointment_id) ON u.request_id = m.request_id
						JOIN appointment a ON a.appointment_id = coalesce(u.appointment_id, m.appointment_id)
						JOIN request r ON r.request_id = one.request_id
					ORDER BY m.n;
			IF stayed IS NOT NULL THEN
				PERFORM queue_appointments('update', stayed, now_at);
			END IF;
			IF made IS NOT NULL THEN
				PERFORM queue_appointments('invitation', made, now_at);
			END IF;
			PERFORM tell_requesters(ARRAY(SELECT m.request_id FROM unnest(moves) m), 'moved', now_at);
			RETURN true;
		END
	$$;
COMMENT ON FUNCTION vac_store.place_moved(vac_store.planned, vac_store.planned[], bigint[], timestamptz, jsonb) IS
	'Puts appointments in the new places that a decision moves them to, with reasons, history and messages; false: one of them meets another appointment';

CREATE OR REPLACE FUNCTION vac_store.store_moving(one vac_store.planned, now_at timestamptz, locked_out integer[], about jsonb) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	-- An uncommitted appointment makes the exclusion constraint wait for its end.
	SET lock_timeout = '250ms'
	AS $$
		DECLARE
			moves planned[] := plan_rows(one.moves, one.group_id);
			against text := move_rule(one, moves, now_at, locked_out);
			-- What it costs to move them depends on it.
			accepted bigint[] := ARRAY(SELECT a.appointment_id FROM appointment a
				WHERE a.appointment_id = ANY (ARRAY(SELECT m.appointment_id FROM unnest(moves) m)) AND a.state = 'accepted');
			ended bigint[] := ARRAY(SELECT m.appointment_id FROM unnest(moves) m WHERE m.coordinator_id <> m.from_coordinator);
		BEGIN
			IF against IS NOT NULL THEN
				RETURN against;
			END IF;
			-- Of the rules of this decision the moves come first, as in time.
			one.n := cardinality(moves) + 1;
			BEGIN
				-- All of them first leave the live set, then they are placed: else they would meet each other.
				PERFORM end_appointments(ended, 'replaced', 'made_room');
				UPDATE appointment a SET state = 'replaced'
					WHERE a.appointment_id = ANY (ARRAY(SELECT m.appointment_id FROM unnest(moves) m)) AND a.live;
				PERFORM lapse_unanswered(one.request_id, now_at);
				against := (SELECT c.rule FROM plan_rules(moves || one, now_at, locked_out) c WHERE c.rule IS NOT NULL ORDER BY c.n LIMIT 1);
				IF against IS NULL AND cardinality(moves) > 0 AND NOT place_moved(one, moves, accepted, now_at, about) THEN
					against := 'busy';
				END IF;
				IF against IS NULL AND store_served(ARRAY[one], ARRAY[one.n], now_at, about) = '{}' THEN
					against := 'busy';
				END IF;
				IF against IS NOT NULL THEN
					RAISE triggered_action_exception;
				END IF;
				INSERT INTO history (event, office_id, case_id, request_id, detail)
					SELECT 'room_made', r.office_id, r.case_id, r.request_id,
							jsonb_build_object('other_request', o.request_id, 'other_case', o.case_id)
						FROM unnest(moves) m
							JOIN request o ON o.request_id = m.request_id
							JOIN request r ON r.request_id = one.request_id
						ORDER BY m.n;
			EXCEPTION
				WHEN triggered_action_exception THEN
					NULL;
				WHEN exclusion_violation THEN
					against := 'busy';
				WHEN lock_not_available THEN
					-- Whose it was is not known; without moves it may go.
					against := CASE WHEN cardinality(moves) > 0 THEN 'move_locked' ELSE 'place_locked' END;
			END;
			RETURN against;
		END
	$$;
COMMENT ON FUNCTION vac_store.store_moving(vac_store.planned, timestamptz, integer[], jsonb) IS
	'Stores a decision with its moves, and with the end of the appointment it replaces, all or nothing: NULL, or the first rule against it';
