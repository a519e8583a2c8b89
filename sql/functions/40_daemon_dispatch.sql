-- Groups of offices are claimed under a lease with a fencing number, for dispatch to plan them.
-- A lease that lies further ahead than the longest one allowed was made by a wrong clock, and counts
-- as expired.

CREATE OR REPLACE FUNCTION vac_store.longest_lease() RETURNS interval
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN interval '10 minutes';
COMMENT ON FUNCTION vac_store.longest_lease() IS 'No claim may last longer';

CREATE OR REPLACE FUNCTION vac_store.lease_of(lease_ms integer) RETURNS interval
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN least(greatest(lease_ms, 1000) * interval '1 millisecond', vac_store.longest_lease());
COMMENT ON FUNCTION vac_store.lease_of(integer) IS 'A lease of so many milliseconds, within reason';

-- One look at each office, however many groups there are. A plan that was under way when a roster or a rule changed did not
-- see it, and may have found nobody for that reason. After the clock was set back nothing is as far ahead as it says.
CREATE OR REPLACE FUNCTION vac_store.groups_due(now_at timestamptz) RETURNS TABLE (group_id integer, due timestamptz)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH stale AS MATERIALIZED (
				SELECT o.group_id, min(CASE WHEN s.again_at <= now_at + interval '1 minute' THEN s.again_at ELSE now_at END) AS again_at
					FROM plan_stale s JOIN office o ON o.office_id = s.office_id
					GROUP BY o.group_id
			), missed AS MATERIALIZED (
				SELECT s.group_id, s.again_at FROM stale s
					WHERE EXISTS (SELECT FROM office f JOIN request r ON r.office_id = f.office_id
						WHERE f.group_id = s.group_id AND r.to_plan AND r.unserved_since IS NOT NULL)
			)
			SELECT o.group_id, least(min(d.plan_at), min(m.again_at))
				FROM office o
					LEFT JOIN LATERAL (SELECT r.plan_at FROM request r
						-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
						CROSS JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c
						WHERE r.office_id = o.office_id AND r.to_plan AND c.state = 'open' AND c.held_since IS NULL
						ORDER BY r.plan_at LIMIT 1) d ON true
					LEFT JOIN missed m ON m.group_id = o.group_id
				GROUP BY o.group_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.groups_due(timestamptz) IS
	'When each group of offices is to be planned: its first request that is open or that somebody else is sought for; or what nobody could take, because rosters or rules changed since it was last claimed. NULL: nothing waits';

-- Called when groups were claimed. No plan of them is under way now; the next one sees what has changed so far.
CREATE OR REPLACE FUNCTION vac_store.plan_again(groups integer[], now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		BEGIN
			WITH stale AS (
				DELETE FROM plan_stale s USING office o
					WHERE o.office_id = s.office_id AND o.group_id = ANY (groups)
					RETURNING o.group_id
			), again AS (
				UPDATE request r SET plan_at = now_at
					WHERE r.request_id IN (SELECT q.request_id FROM request q JOIN office o ON o.office_id = q.office_id
						WHERE o.group_id IN (SELECT s.group_id FROM stale s) AND q.to_plan AND q.unserved_since IS NOT NULL AND q.plan_at > now_at
						FOR NO KEY UPDATE OF q SKIP LOCKED)
					RETURNING r.request_id
			)
			-- What somebody holds is looked for again, in a while.
			INSERT INTO plan_stale (office_id, again_at)
				SELECT DISTINCT q.office_id, now_at + interval '5 seconds' FROM request q JOIN office o ON o.office_id = q.office_id
					WHERE o.group_id IN (SELECT s.group_id FROM stale s) AND q.to_plan AND q.unserved_since IS NOT NULL AND q.plan_at > now_at
						AND NOT EXISTS (SELECT FROM again a WHERE a.request_id = q.request_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_again(integer[], timestamptz) IS
	'What nobody could take in these groups is due at once where rosters or rules changed since';

-- A session makes its plans when it first needs them, and that takes several times as long as a case does later. So one that
-- finds nothing to claim goes through all of it once, for a decision about a request that there is not.
CREATE OR REPLACE FUNCTION vac_store.get_ready(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			one record;
			span tstzrange := tstzrange(now_at + interval '1 day', now_at + interval '25 hours');
			nothing planned[];
		BEGIN
			IF current_setting('vac_daemon.ready', true) = 'yes' THEN
				RETURN;
			END IF;
			BEGIN
				SELECT k.coordinator_id, k.office_id, o.group_id INTO one
					FROM coordinator k JOIN office o ON o.office_id = k.office_id WHERE k.retired_at IS NULL LIMIT 1;
				IF NOT FOUND THEN
					RETURN;
				END IF;
				nothing := ARRAY[ROW(1, 0, one.coordinator_id, span, span, false, false, 0, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL)::planned];
				PERFORM FROM vac_daemon.snapshot_look(one.group_id, 1);
				PERFORM FROM vac_daemon.snapshot_policy();
				PERFORM FROM vac_daemon.snapshot_zones(one.group_id);
				PERFORM FROM vac_daemon.snapshot_offices(one.group_id);
				PERFORM FROM vac_daemon.snapshot_coordinators(one.group_id, 1);
				PERFORM FROM vac_daemon.snapshot_busy(one.group_id);
				PERFORM FROM vac_daemon.snapshot_requests(one.group_id, 1);
				PERFORM FROM vac_daemon.snapshot_standing(one.group_id);
				PERFORM policy_after('notice', u.urgency, one.office_id, now_at), policy_after('send_by', u.urgency, one.office_id, now_at)
					FROM unnest(ARRAY['urgent', 'routine']) u (urgency);
				PERFORM FROM plan_rules(nothing, now_at, '{}');
				PERFORM store_served(nothing, '{}', now_at, '{}'), queue_appointments('invitation', '{}', now_at),
					tell_requesters('{}', 'planned', now_at);
			EXCEPTION
				-- What is wrong will be heard of when it is needed.
				WHEN OTHERS OR query_canceled THEN
					NULL;
			END;
			PERFORM set_config('vac_daemon.ready', 'yes', false);
		END
	$$;
COMMENT ON FUNCTION vac_store.get_ready(timestamptz) IS
	'Has this session make the plans by which it will plan and store a case, once there is somebody to plan with; changes nothing, but wakes stages deadline and mailer as what is stored does';

CREATE OR REPLACE FUNCTION vac_daemon.claim_groups(daemon_id uuid, most integer, lease_ms integer)
	RETURNS TABLE (group_id integer, fence bigint)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			ids integer[];
			fences bigint[];
		BEGIN
			-- No waiting for the disk: a claim that a crash of the database forgets was made on a connection
			-- that the crash ended, and its daemon plans nothing without it.
			PERFORM set_config('synchronous_commit', 'off', true), note_work(now_at);
			WITH free AS MATERIALIZED (
				SELECT g.group_id, d.due,
						EXISTS (SELECT FROM office o JOIN request r ON r.office_id = o.office_id
							WHERE o.group_id = g.group_id AND r.to_plan AND r.urgency = 'immediate'
								AND r.plan_at <= now_at) AS hurry
					FROM groups_due(now_at) d JOIN dispatch_group g ON g.group_id = d.group_id
					WHERE d.due <= now_at AND (g.lease_until IS NULL OR g.lease_until <= now_at OR g.lease_until > now_at + longest_lease())
			), mine AS MATERIALIZED (
				-- The lease is looked at again: the row is locked only now.
				SELECT g.group_id, f.hurry, f.due
					FROM free f JOIN dispatch_group g ON g.group_id = f.group_id
					WHERE g.lease_until IS NULL OR g.lease_until <= now_at OR g.lease_until > now_at + longest_lease()
					ORDER BY f.hurry DESC, f.due, g.group_id
					LIMIT most
					FOR NO KEY UPDATE OF g SKIP LOCKED
			), claimed AS (
				UPDATE dispatch_group g
					SET daemon_id = claim_groups.daemon_id, lease_until = now_at + lease_of(lease_ms), fence = g.fence + 1
					FROM mine m WHERE m.group_id = g.group_id
					RETURNING g.group_id, g.fence, m.hurry, m.due
			)
			SELECT array_agg(c.group_id ORDER BY c.hurry DESC, c.due, c.group_id), array_agg(c.fence ORDER BY c.hurry DESC, c.due, c.group_id)
				INTO ids, fences
				FROM claimed c;
			-- Most claims are of a case that came in, and nothing else has changed.
			IF ids IS NOT NULL AND EXISTS (SELECT FROM plan_stale) THEN
				PERFORM plan_again(ids, now_at);
			END IF;
			IF ids IS NULL THEN
				PERFORM get_ready(now_at);
			END IF;
			RETURN QUERY SELECT u.group_id, u.fence FROM unnest(ids, fences) u (group_id, fence);
		END
	$$;
COMMENT ON FUNCTION vac_daemon.claim_groups(uuid, integer, integer) IS
	'Claims groups of offices that have requests to plan, call-outs first; what nobody could take is due again where rosters or rules changed since. A session that finds none gets ready for the first';

CREATE OR REPLACE FUNCTION vac_daemon.renew_group(group_id integer, fence bigint, lease_ms integer) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			PERFORM set_config('synchronous_commit', 'off', true);
			UPDATE dispatch_group g SET lease_until = wall() + lease_of(lease_ms)
				WHERE g.group_id = renew_group.group_id AND g.fence = renew_group.fence AND g.lease_until IS NOT NULL;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.renew_group(integer, bigint, integer) IS 'Makes a lease longer; false: it was lost';

CREATE OR REPLACE FUNCTION vac_daemon.release_group(group_id integer, fence bigint) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			PERFORM set_config('synchronous_commit', 'off', true);
			UPDATE dispatch_group g SET lease_until = NULL, daemon_id = NULL
				WHERE g.group_id = release_group.group_id AND g.fence = release_group.fence AND g.lease_until IS NOT NULL;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.release_group(integer, bigint) IS 'Gives a group back; false: the lease was lost already';

CREATE OR REPLACE FUNCTION vac_daemon.next_dispatch() RETURNS bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			now_at timestamptz := wall();
			next_at timestamptz;
		BEGIN
			-- What another daemon has is not due before its lease is over.
			SELECT min(greatest(g.due, CASE WHEN g.lease_until <= now_at + longest_lease() THEN g.lease_until END))
				INTO next_at
				FROM (SELECT d.lease_until, f.due
					FROM groups_due(now_at) f JOIN dispatch_group d ON d.group_id = f.group_id WHERE f.due IS NOT NULL) g;
			-- GREATEST would make 0 of a NULL.
			RETURN CASE WHEN next_at IS NOT NULL
				THEN ceil(greatest(date_part('epoch', next_at - now_at), 0) * 1000)::bigint END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_dispatch() IS 'Milliseconds until a group can be claimed; NULL: nothing is open';
