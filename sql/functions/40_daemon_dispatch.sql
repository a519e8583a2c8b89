-- Groups of offices are claimed under a lease with a fencing number, for dispatch to plan them: each by itself, but
-- those that have little to plan are claimed together, so that they are read and stored in one go.
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
				nothing := ARRAY[ROW(1, 0, one.coordinator_id, span, span, false, false, 0, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL,
					one.group_id)::planned];
				PERFORM FROM vac_daemon.snapshot_look(one.group_id, 1);
				PERFORM FROM vac_daemon.snapshot_policy();
				PERFORM FROM vac_daemon.snapshot_zones();
				PERFORM FROM vac_daemon.snapshot_offices();
				PERFORM FROM vac_daemon.snapshot_coordinators();
				PERFORM FROM vac_daemon.snapshot_busy();
				PERFORM FROM vac_daemon.snapshot_requests();
				PERFORM FROM vac_daemon.snapshot_standing();
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

CREATE OR REPLACE FUNCTION vac_store.lease_is_free(lease_until timestamptz, holder uuid, of_daemon uuid, now_at timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN lease_until IS NULL OR lease_until <= now_at OR lease_until > now_at + vac_store.longest_lease()
		-- Whoever claims is at work on nothing: what it has still is from a turn that failed, whose plans the fence keeps out.
		OR holder = of_daemon;
COMMENT ON FUNCTION vac_store.lease_is_free(timestamptz, uuid, uuid, timestamptz) IS 'Whether a daemon may claim what has this lease and this holder';

-- Who waits for somebody now waits for nobody else's plan, nor does anybody for that of a big group, or of one whose rosters or
-- rules changed, where all that nobody could take is planned again. Groups whose windows lie months apart are not put together: what
-- lies between would be read of all. Each by itself they come in no order: what is wrong with some does not make them the first again.
CREATE OR REPLACE FUNCTION vac_store.batches_due(of_daemon uuid, most integer, together integer, now_at timestamptz)
	RETURNS TABLE (batch bigint, n bigint, group_id integer)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			smallest CONSTANT integer := 4;     -- what a group counts for at least, in requests
			many integer := greatest(together / 2, 1);
			-- Call-outs that cannot be planned must not keep all others waiting for ever.
			before_others boolean := together > 0 OR random() < 0.5;
		BEGIN
			RETURN QUERY
			WITH free AS MATERIALIZED (
				SELECT g.group_id, d.due, CASE WHEN together = 0 THEN random() END AS lot,
						before_others AND EXISTS (SELECT FROM office o JOIN request r ON r.office_id = o.office_id
								CROSS JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c
							WHERE o.group_id = g.group_id AND r.to_plan AND r.urgency = 'immediate'
								AND r.plan_at <= now_at AND c.state = 'open' AND c.held_since IS NULL) AS hurry
					FROM groups_due(now_at) d JOIN dispatch_group g ON g.group_id = d.group_id
					WHERE d.due <= now_at AND lease_is_free(g.lease_until, g.daemon_id, of_daemon, now_at)
					ORDER BY hurry DESC, lot, d.due, g.group_id
					LIMIT most * greatest(together / smallest, 1)
			), stale AS MATERIALIZED (
				SELECT DISTINCT o.group_id FROM plan_stale s JOIN office o ON o.office_id = s.office_id
			), sized AS MATERIALIZED (
				SELECT f.group_id, q.requests, row_number() OVER (ORDER BY f.hurry DESC, f.lot, f.due, f.group_id) AS n,
						f.hurry OR together = 0 OR q.requests >= many OR q.requests = 0
							OR f.group_id IN (SELECT s.group_id FROM stale s)
								AND EXISTS (SELECT FROM office o JOIN request r ON r.office_id = o.office_id
									WHERE o.group_id = f.group_id AND r.to_plan AND r.unserved_since IS NOT NULL) AS alone,
						greatest(floor(date_part('epoch', q.first - now_at) / 2592000), 0) AS months
					FROM free f CROSS JOIN LATERAL (SELECT count(*) AS requests, min(lower(r.open_window)) AS first
						FROM (SELECT r.open_window FROM office o JOIN request r ON r.office_id = o.office_id
								CROSS JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c
							WHERE o.group_id = f.group_id AND r.to_plan AND r.plan_at <= now_at AND c.state = 'open' AND c.held_since IS NULL
							LIMIT many) r) q
			), batched AS (
				SELECT s.n, s.group_id, s.alone, s.months, CASE WHEN s.alone THEN s.n
						ELSE coalesce(sum(greatest(s.requests, smallest)) OVER (PARTITION BY s.alone, s.months ORDER BY s.n
							ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint / greatest(together, 1) END AS part
					FROM sized s
			)
			SELECT x.batch, x.n, x.group_id
				FROM (SELECT dense_rank() OVER (ORDER BY f.first) AS batch, f.n, f.group_id
					FROM (SELECT b.*, min(b.n) OVER (PARTITION BY b.alone, b.months, b.part) AS first FROM batched b) f) x
				WHERE x.batch <= most
				ORDER BY x.n;
		END
	$$;
COMMENT ON FUNCTION vac_store.batches_due(uuid, integer, integer, timestamptz) IS
	'Groups of offices that are due and that a daemon may claim, in batches of about so many requests together, call-outs first, then by what is due longest (together 0: each by itself, in no order, call-outs first in every other call or so); a group with a call-out or with half as many requests is a batch by itself, and windows of a batch begin within a month';

CREATE OR REPLACE FUNCTION vac_daemon.claim_groups(daemon_id uuid, most integer, lease_ms integer, together integer)
	RETURNS TABLE (groups integer[], fences bigint[])
	LANGUAGE plpgsql SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			part record;
			claimed integer[] := '{}';
			left_to_claim integer := most;
		BEGIN
			-- No waiting for the disk: a claim that a crash of the database forgets was made on a connection
			-- that the crash ended, and its daemon plans nothing without it.
			PERFORM set_config('synchronous_commit', 'off', true), note_work(now_at), fit_plans();
			-- More than are wanted: what another daemon takes this moment is passed over.
			FOR part IN
				SELECT array_agg(b.group_id ORDER BY b.n) AS ids
					FROM batches_due(claim_groups.daemon_id, most * 3, together, now_at) b GROUP BY b.batch ORDER BY b.batch
			LOOP
				WITH mine AS MATERIALIZED (
					-- The lease is looked at again: the row is locked only now.
					SELECT g.group_id FROM dispatch_group g
						WHERE g.group_id = ANY (part.ids) AND lease_is_free(g.lease_until, g.daemon_id, claim_groups.daemon_id, now_at)
						FOR NO KEY UPDATE SKIP LOCKED
				), taken AS (
					UPDATE dispatch_group g
						SET daemon_id = claim_groups.daemon_id, lease_until = now_at + lease_of(lease_ms), fence = g.fence + 1
						FROM mine m WHERE m.group_id = g.group_id
						RETURNING g.group_id, g.fence
				)
				SELECT array_agg(t.group_id ORDER BY array_position(part.ids, t.group_id)), array_agg(t.fence ORDER BY array_position(part.ids, t.group_id))
					INTO groups, fences FROM taken t;
				IF groups IS NOT NULL THEN
					claimed := claimed || groups;
					left_to_claim := left_to_claim - 1;
					RETURN NEXT;
					EXIT WHEN left_to_claim = 0;
				END IF;
			END LOOP;
			-- Most claims are of a case that came in, and nothing else has changed.
			IF claimed <> '{}' AND EXISTS (SELECT FROM plan_stale) THEN
				PERFORM plan_again(claimed, now_at);
			END IF;
			IF claimed = '{}' THEN
				PERFORM get_ready(now_at);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.claim_groups(uuid, integer, integer, integer) IS
	'Claims groups of offices that have requests to plan, so many batches of those that are planned together, call-outs first; what nobody could take is due again where rosters or rules changed since. A session that finds none gets ready for the first. together: about how many requests a batch of several groups may have, 0: each group is one by itself';

CREATE OR REPLACE FUNCTION vac_daemon.renew_groups(groups integer[], fences bigint[], lease_ms integer) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			renewed bigint;
		BEGIN
			PERFORM set_config('synchronous_commit', 'off', true);
			WITH mine AS MATERIALIZED (
				SELECT g.group_id FROM dispatch_group g
					WHERE g.group_id = ANY (groups) AND g.fence = fences[array_position(groups, g.group_id)] AND g.lease_until IS NOT NULL
					ORDER BY g.group_id FOR NO KEY UPDATE
			)
			UPDATE dispatch_group g SET lease_until = wall() + lease_of(lease_ms) FROM mine m WHERE m.group_id = g.group_id;
			GET DIAGNOSTICS renewed = ROW_COUNT;
			RETURN renewed = cardinality(groups);
		END
	$$;
COMMENT ON FUNCTION vac_daemon.renew_groups(integer[], bigint[], integer) IS 'Makes the lease of these groups longer; false: that of one was lost';

CREATE OR REPLACE FUNCTION vac_daemon.release_groups(groups integer[], fences bigint[]) RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			released integer;
		BEGIN
			PERFORM set_config('synchronous_commit', 'off', true);
			WITH mine AS MATERIALIZED (
				SELECT g.group_id FROM dispatch_group g
					WHERE g.group_id = ANY (groups) AND g.fence = fences[array_position(groups, g.group_id)] AND g.lease_until IS NOT NULL
					ORDER BY g.group_id FOR NO KEY UPDATE
			)
			UPDATE dispatch_group g SET lease_until = NULL, daemon_id = NULL FROM mine m WHERE m.group_id = g.group_id;
			GET DIAGNOSTICS released = ROW_COUNT;
			RETURN released;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.release_groups(integer[], bigint[]) IS 'Gives groups back, but for those whose lease was lost already; returns how many';

CREATE OR REPLACE FUNCTION vac_daemon.next_dispatch(of_daemon uuid DEFAULT NULL) RETURNS bigint
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
			SELECT min(greatest(g.due, CASE WHEN g.daemon_id IS DISTINCT FROM of_daemon AND g.lease_until <= now_at + longest_lease()
					THEN g.lease_until END))
				INTO next_at
				FROM (SELECT d.lease_until, d.daemon_id, f.due
					FROM groups_due(now_at) f JOIN dispatch_group d ON d.group_id = f.group_id WHERE f.due IS NOT NULL) g;
			-- GREATEST would make 0 of a NULL.
			RETURN CASE WHEN next_at IS NOT NULL
				THEN ceil(greatest(date_part('epoch', next_at - now_at), 0) * 1000)::bigint END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_dispatch(uuid) IS 'Milliseconds until a daemon can claim a group; NULL: nothing is open';
