-- What the planner works on. The functions are called in one REPEATABLE READ READ ONLY transaction,
-- snapshot_begin() first: it chooses the requests and leaves its choice in a setting of the transaction. Only get_ready(), which
-- looks at nothing of what comes, calls them in another.

-- The requests of groups that are to be planned now, most urgent first, with the room each has.
CREATE OR REPLACE FUNCTION vac_store.due_requests(of_groups integer[], most integer, now_at timestamptz, due_by timestamptz)
	RETURNS TABLE (request_id bigint, urgency text, earliest timestamptz, latest timestamptz)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH due AS MATERIALIZED (
				SELECT r.request_id, r.office_id, o.group_id, r.urgency, r.due_at, r.open_window,
						greatest(now_at, lower(r.open_window)) AS from_at
					FROM office o
						JOIN request r ON r.office_id = o.office_id AND r.to_plan AND r.plan_at <= due_by
						-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
						CROSS JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c
							WHERE c.case_id = r.case_id OFFSET 0) c
					WHERE o.group_id = ANY (of_groups) AND c.state = 'open' AND c.held_since IS NULL
					ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text), r.due_at, r.request_id
					LIMIT most
			), rule AS MATERIALIZED (
				SELECT k.office_id, k.urgency,
						policy_after('notice', k.urgency, k.office_id, now_at) AS notice_at,
						policy_number('horizon', k.urgency) * interval '24 hours' AS horizon
					FROM (SELECT DISTINCT d.office_id, d.urgency FROM due d) k
			), room AS (
				SELECT d.request_id, d.group_id, d.urgency, d.due_at, greatest(lower(d.open_window), u.notice_at) AS earliest,
						least(upper(d.open_window), d.from_at + u.horizon) AS latest
					FROM due d JOIN rule u ON u.office_id = d.office_id AND u.urgency = d.urgency
			)
			-- Windows that lie far apart are not planned together: what lies between would be read too. No group's is left out for another's.
			SELECT x.request_id, x.urgency::text, x.earliest, x.latest
				FROM (SELECT r.*, min(r.earliest) OVER (PARTITION BY r.group_id) AS first FROM room r) x
				WHERE x.earliest <= x.first + interval '35 days'
				ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], x.urgency::text), x.due_at, x.request_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.due_requests(integer[], integer, timestamptz, timestamptz) IS
	'Requests of groups of offices that are to be planned by due_by, most urgent first, with the room they have now: the meeting starts at the earliest after window and notice, and ends at the latest with window or horizon';

-- Appointments of the groups that requests of these urgencies may move, with the room each has. What
-- the planner weighs is left to it: whether it would be late otherwise, and where it would go.
CREATE OR REPLACE FUNCTION vac_store.movable_appointments(of_groups integer[], by_urgencies text[], within tstzrange, now_at timestamptz)
	RETURNS TABLE (appointment_id bigint, request_id bigint, accepted boolean, earliest timestamptz, latest timestamptz)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			kinds text[];
			people integer[];
		BEGIN
			IF policy_number('move_chain') = 0 THEN
				RETURN;
			END IF;
			kinds := ARRAY(SELECT k.urgency FROM unnest(ARRAY['urgent', 'routine']) k (urgency)
				WHERE movers(policy_text('may_be_moved', k.urgency)) && by_urgencies);
			IF kinds = '{}' THEN
				RETURN;
			END IF;
			people := ARRAY(SELECT k.coordinator_id FROM coordinator k JOIN office o ON o.office_id = k.office_id
				WHERE o.group_id = ANY (of_groups) AND k.retired_at IS NULL);
			RETURN QUERY
			WITH stand AS MATERIALIZED (
				SELECT a.appointment_id, a.span, a.state, r.request_id, r.office_id, r.urgency, r.open_window
					FROM appointment a
						-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
						CROSS JOIN LATERAL (SELECT * FROM request r WHERE r.request_id = a.request_id OFFSET 0) r
						CROSS JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c WHERE c.case_id = a.case_id OFFSET 0) c
					WHERE a.coordinator_id = ANY (people) AND a.live AND NOT a.pinned AND a.urgency = ANY (kinds)
						AND lower(a.span) >= now_at AND lower(a.span) < upper(within) AND upper(a.span) <= upper(within)
						AND r.urgency = a.urgency AND r.state = 'planned' AND r.seek_since IS NULL AND lower(a.span) <= r.due_at
						AND c.state = 'open' AND c.held_since IS NULL
			), rule AS MATERIALIZED (
				SELECT k.office_id, k.urgency,
						policy_after('notice', k.urgency, k.office_id, now_at) AS notice_at,
						policy_number('horizon', k.urgency) * interval '24 hours' AS horizon
					FROM (SELECT DISTINCT s.office_id, s.urgency FROM stand s JOIN office o ON o.office_id = s.office_id
						WHERE o.group_id = ANY (of_groups)) k
			)
			SELECT s.appointment_id, s.request_id, s.state = 'accepted', greatest(lower(s.open_window), u.notice_at),
					least(upper(s.open_window), greatest(now_at, lower(s.open_window)) + u.horizon, upper(within))
				FROM stand s JOIN rule u ON u.office_id = s.office_id AND u.urgency = s.urgency
				WHERE lower(s.span) >= u.notice_at
				ORDER BY s.appointment_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.movable_appointments(integer[], text[], tstzrange, timestamptz) IS
	'Appointments that requests of these urgencies may move to make room: not pinned, not held, not within their notice, not late already; a new place starts at the earliest and ends at the latest there';

CREATE OR REPLACE FUNCTION vac_store.begin_snapshot(of_groups integer[], most integer, now_at timestamptz, due_by timestamptz)
	RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
		DECLARE
			scope jsonb;
			span tstzrange;
			movable jsonb;
			hurry text[];
		BEGIN
			SELECT tstzrange(coalesce(least(min(d.earliest), min(d.latest)), now_at),
						coalesce(greatest(max(d.latest), max(d.earliest)), now_at) + interval '1 second'),
					jsonb_build_object('groups', of_groups::text, 'now', now_at::text, 'requests', coalesce(array_agg(d.request_id), '{}')::text,
						-- Whole seconds: what begins within one starts with the next.
						'earliest', coalesce(array_agg(epoch(d.earliest + interval '999999 microseconds')), '{}')::text,
						'latest', coalesce(array_agg(epoch(d.latest)), '{}')::text),
					array_agg(DISTINCT d.urgency) FILTER (WHERE d.urgency <> 'routine')
				INTO span, scope, hurry
				FROM due_requests(of_groups, most, now_at, due_by) d;
			PERFORM set_config('vac_daemon.snapshot', (scope || jsonb_build_object('span', span::text))::text, true);
			IF hurry IS NOT NULL THEN
				SELECT jsonb_build_object('appointments', array_agg(m.appointment_id)::text, 'requests', array_agg(m.request_id)::text,
						'accepted', array_agg(m.accepted)::text,
						'earliest', array_agg(epoch(m.earliest + interval '999999 microseconds'))::text,
						'latest', array_agg(epoch(m.latest))::text)
					INTO movable
					FROM movable_appointments(of_groups, hurry, span, now_at) m
					HAVING count(*) > 0;
			END IF;
			PERFORM set_config('vac_daemon.movable', coalesce(movable::text, ''), true);
		END
	$$;
COMMENT ON FUNCTION vac_store.begin_snapshot(integer[], integer, timestamptz, timestamptz) IS
	'Chooses what the snapshot of this transaction is of: the requests that are to be planned by due_by, and the appointments that they may move';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_begin(groups integer[], fences bigint[], most integer)
	RETURNS TABLE (ok boolean, now bigint, grid_seconds integer)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			now_at timestamptz := wall();
			mine boolean;
			requests bigint[];
		BEGIN
			mine := cardinality(groups) = (SELECT count(*) FROM dispatch_group g
				WHERE g.group_id = ANY (groups) AND g.fence = fences[array_position(groups, g.group_id)] AND g.lease_until > now_at);
			PERFORM set_config('vac_daemon.snapshot', '', true), set_config('vac_daemon.movable', '', true);
			IF mine THEN
				PERFORM begin_snapshot(groups, most, now_at, now_at);
				-- For the session: the plans made of it are stored in another transaction.
				requests := snapshot_scope() ->> 'requests';
				PERFORM set_config('vac_daemon.seen', jsonb_build_object('fences', jsonb_object(groups::text[], fences::text[]),
						'rows', (SELECT jsonb_object_agg(r.request_id, r.xmin::text) FROM request r WHERE r.request_id = ANY (requests)))::text, false);
			END IF;
			RETURN QUERY SELECT mine, epoch(now_at), (policy_number('grid_minutes') * 60)::integer;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_begin(integer[], bigint[], integer) IS
	'Begins a snapshot of these groups for the planner in this transaction, and remembers which versions of the requests it sees; ok is false when one of them is no longer this daemon''s';

-- Both are asked by each part: as one value and without a search_path, which take less than a row and a query for it.
CREATE OR REPLACE FUNCTION vac_store.snapshot_scope() RETURNS jsonb
	LANGUAGE plpgsql STABLE
	AS $$
		DECLARE
			scope jsonb := NULLIF(current_setting('vac_daemon.snapshot', true), '')::jsonb;
		BEGIN
			IF scope IS NULL THEN
				RAISE object_not_in_prerequisite_state USING MESSAGE = 'no snapshot was begun in this transaction';
			END IF;
			RETURN scope;
		END
	$$;
COMMENT ON FUNCTION vac_store.snapshot_scope() IS
	'What begin_snapshot() chose, as texts to be cast: groups, now, the span from the earliest start to the latest end, requests with earliest and latest, and perhaps languages besides theirs';

CREATE OR REPLACE FUNCTION vac_store.snapshot_movable() RETURNS jsonb
	LANGUAGE plpgsql STABLE
	AS $$
		BEGIN
			RETURN NULLIF(current_setting('vac_daemon.movable', true), '')::jsonb;
		END
	$$;
COMMENT ON FUNCTION vac_store.snapshot_movable() IS
	'The appointments that begin_snapshot() found movable, with their requests, as texts to be cast; NULL when no request to plan may move any';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_policy()
	RETURNS TABLE (name text, urgency text, value bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT p.name, p.urgency::text, CASE WHEN p.kind <> 'text' THEN p.value::bigint
					ELSE CASE WHEN 'immediate' = ANY (movers(p.value)) THEN 1 ELSE 0 END
						+ CASE WHEN 'urgent' = ANY (movers(p.value)) THEN 2 ELSE 0 END END
				FROM policy p
				WHERE p.kind NOT IN ('text', 'hours') OR p.name = 'may_be_moved'
				ORDER BY p.name, p.urgency;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_policy() IS
	'Policies that are numbers; urgency is NULL for a general one. may_be_moved is a sum: 1, by immediate; 2, by urgent';

CREATE OR REPLACE FUNCTION vac_store.request_rows(request_ids bigint[], from_times bigint[], to_times bigint[], now_at timestamptz)
	RETURNS TABLE (request_id bigint, case_id bigint, office_id integer, urgency text, service text, language text,
		telephone boolean, interpreter boolean, minutes integer, buffer_minutes integer, load_percent integer,
		earliest bigint, latest bigint, due bigint, opened bigint, place text, gender text, gender_required boolean,
		preferred_id integer, responsible_id integer, met_ids integer[], barred_ids integer[], conflict_ids integer[])
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			telephone integer := policy_number('buffer_minutes_telephone');
		BEGIN
			RETURN QUERY
			WITH buffer AS MATERIALIZED (
				SELECT k.urgency, buffer_minutes(k.urgency, 'at_office')::integer AS minutes
					FROM unnest(ARRAY['immediate', 'urgent', 'routine']) k (urgency)
			)
			SELECT r.request_id, r.case_id, r.office_id, r.urgency::text, r.service, r.language::text,
					r.mode = 'telephone', r.interpreter <> 'none', r.minutes,
					CASE WHEN r.mode = 'telephone' AND r.urgency <> 'immediate' THEN telephone ELSE f.minutes END, s.load_percent,
					u.earliest, u.latest, epoch(r.due_at), epoch(r.opened_at), r.place, r.gender, r.gender_required,
					r.preferred_id, c.responsible_id,
					ARRAY(SELECT DISTINCT a.coordinator_id
						FROM (SELECT * FROM appointment p WHERE p.case_id = r.case_id OFFSET 0) a
						WHERE a.state = 'held' ORDER BY 1),
					ARRAY(SELECT b.coordinator_id FROM request_bar b
							WHERE b.request_id = r.request_id AND (b.until IS NULL OR b.until > now_at)
						UNION SELECT p.coordinator_id FROM passed_over(ARRAY[r.request_id]) p WHERE r.seek_since IS NOT NULL
						ORDER BY 1),
					ARRAY(SELECT f.coordinator_id FROM case_conflict f WHERE f.case_id = r.case_id ORDER BY 1)
				FROM unnest(request_ids, from_times, to_times) WITH ORDINALITY AS u (request_id, earliest, latest, n)
					CROSS JOIN LATERAL (SELECT * FROM request r WHERE r.request_id = u.request_id OFFSET 0) r
					CROSS JOIN LATERAL (SELECT * FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c
					JOIN service s ON s.code = r.service
					JOIN buffer f ON f.urgency = r.urgency
				ORDER BY u.n;
		END
	$$;
COMMENT ON FUNCTION vac_store.request_rows(bigint[], bigint[], bigint[], timestamptz) IS
	'Requests as the planner takes them, in this order, each with the room it has';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_requests()
	RETURNS TABLE (request_id bigint, case_id bigint, office_id integer, urgency text, service text, language text,
		telephone boolean, interpreter boolean, minutes integer, buffer_minutes integer, load_percent integer,
		earliest bigint, latest bigint, due bigint, opened bigint, place text, gender text, gender_required boolean,
		preferred_id integer, responsible_id integer, met_ids integer[], barred_ids integer[], conflict_ids integer[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			scope jsonb := snapshot_scope();
			requests bigint[] := scope ->> 'requests';
			from_times bigint[] := scope ->> 'earliest';
			to_times bigint[] := scope ->> 'latest';
			now_at timestamptz := scope ->> 'now';
		BEGIN
			RETURN QUERY
			SELECT * FROM request_rows(requests, from_times, to_times, now_at);
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_requests() IS 'The requests to plan, most urgent first';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_standing()
	RETURNS TABLE (appointment_id bigint, accepted boolean, request_id bigint, case_id bigint, office_id integer, urgency text, service text, language text,
		telephone boolean, interpreter boolean, minutes integer, buffer_minutes integer, load_percent integer,
		earliest bigint, latest bigint, due bigint, opened bigint, place text, gender text, gender_required boolean,
		preferred_id integer, responsible_id integer, met_ids integer[], barred_ids integer[], conflict_ids integer[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			movable jsonb := snapshot_movable();
		BEGIN
			IF movable IS NULL THEN
				RETURN;
			END IF;
			RETURN QUERY
			SELECT m.appointment_id, m.accepted, r.*
				FROM unnest((movable ->> 'appointments')::bigint[], (movable ->> 'accepted')::boolean[], (movable ->> 'requests')::bigint[])
						m (appointment_id, accepted, request_id)
					JOIN request_rows((movable ->> 'requests')::bigint[], (movable ->> 'earliest')::bigint[], (movable ->> 'latest')::bigint[],
						(snapshot_scope() ->> 'now')::timestamptz) r ON r.request_id = m.request_id
				ORDER BY m.appointment_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_standing() IS
	'The appointments that the requests to plan may move to make room, each with its request; none when none of them may move any';

CREATE OR REPLACE FUNCTION vac_store.buffer_minutes(of_urgency text, of_mode text) RETURNS bigint
	LANGUAGE sql STABLE
	RETURN CASE WHEN of_mode = 'telephone' AND of_urgency <> 'immediate'
		THEN vac_store.policy_number('buffer_minutes_telephone')
		ELSE vac_store.policy_number('buffer_minutes', of_urgency) END;
COMMENT ON FUNCTION vac_store.buffer_minutes(text, text) IS 'Minutes kept free after a meeting, by policy';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_offices()
	RETURNS TABLE (office_id integer, group_id integer, code text, backup_ids integer[], backup_ranks integer[], travel_minutes integer[],
		urgent_hours bigint[], office_hours bigint[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	AS $$
		#variable_conflict use_column
		DECLARE
			scope jsonb := snapshot_scope();
			groups integer[] := scope ->> 'groups';
			span tstzrange := scope ->> 'span';
			offices integer[];
		BEGIN
			offices := ARRAY(SELECT o.office_id FROM office o WHERE o.group_id = ANY (groups));
			RETURN QUERY
			SELECT o.office_id, o.group_id, o.code, b.ids, b.ranks, b.travel,
					ARRAY(SELECT m FROM moments(u.hours) m), ARRAY(SELECT m FROM moments(h.hours) m)
				FROM office o
					JOIN meeting_time(offices, 'urgent', span) u ON u.office_id = o.office_id
					JOIN meeting_time(offices, 'routine', span) h ON h.office_id = o.office_id
					CROSS JOIN LATERAL (
						SELECT coalesce(array_agg(f.backup_office_id ORDER BY f.rank), '{}') AS ids,
								coalesce(array_agg(f.rank::integer ORDER BY f.rank), '{}') AS ranks,
								coalesce(array_agg(f.travel_minutes ORDER BY f.rank), '{}') AS travel
							FROM office_backup f WHERE f.office_id = o.office_id
					) b
				WHERE o.office_id = ANY (offices)
				ORDER BY o.office_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_offices() IS
	'The groups'' offices with backups and, as flat spans, the hours in which urgent and routine meetings may be';

CREATE OR REPLACE FUNCTION vac_store.caps(offices integer[] DEFAULT NULL)
	RETURNS TABLE (office_id integer, duty text, max_open_cases integer, weekly_minutes integer, meetings_a_day integer)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH rule AS MATERIALIZED (
				SELECT d.duty, max(p.value::integer) FILTER (WHERE p.name = 'max_open_cases_' || d.duty) AS most_cases,
						max(p.value::integer) FILTER (WHERE p.name = 'weekly_minutes_' || d.duty) AS most_minutes,
						max(p.value::integer) FILTER (WHERE p.name = 'meetings_a_day_' || d.duty) AS most_meetings
					FROM (VALUES ('full_time'), ('collateral')) d (duty)
						LEFT JOIN policy p ON p.urgency IS NULL
							AND p.name = ANY (ARRAY['max_open_cases_' || d.duty, 'weekly_minutes_' || d.duty, 'meetings_a_day_' || d.duty])
					GROUP BY d.duty
			)
			SELECT o.office_id, r.duty, coalesce(l.max_open_cases, r.most_cases), coalesce(l.weekly_minutes, r.most_minutes),
					coalesce(l.meetings_a_day, r.most_meetings)
				FROM unnest(coalesce(offices, ARRAY(SELECT f.office_id FROM office f))) o (office_id) CROSS JOIN rule r LEFT JOIN office_limit l ON l.office_id = o.office_id AND l.duty = r.duty;
		END
	$$;
COMMENT ON FUNCTION vac_store.caps(integer[]) IS
	'The limits of coordinators of these offices (of all, where none are named) who have none of their own, by office and duty: the office''s, else the policy''s';

-- Open cases count from the first invitation: who is asked may have to take it.
CREATE OR REPLACE FUNCTION vac_store.open_cases_of(coordinator_ids integer[])
	RETURNS TABLE (coordinator_id integer, case_id bigint)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = on
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			RETURN QUERY
			-- OFFSET 0: by each of them and no other way, also when this was planned with small tables.
			-- Ending a case ends its appointments, but for those that are over.
			SELECT a.coordinator_id, a.case_id
				FROM unnest(coordinator_ids) k (id)
					-- Written as the indexes have it, for which no other can stand in.
					CROSS JOIN LATERAL (SELECT p.coordinator_id, p.case_id, p.span FROM appointment p
						WHERE CASE WHEN p.live THEN p.coordinator_id END = k.id OFFSET 0) a
				WHERE CASE WHEN upper(a.span) > now_at THEN true
						ELSE (SELECT c.state = 'open' FROM case_record c WHERE c.case_id = a.case_id) END
			UNION
			SELECT c.responsible_id, c.case_id
				FROM unnest(coordinator_ids) k (id)
					CROSS JOIN LATERAL (SELECT r.responsible_id, r.case_id FROM case_record r
						WHERE CASE WHEN r.state = 'open' THEN r.responsible_id END = k.id OFFSET 0) c;
		END
	$$;
COMMENT ON FUNCTION vac_store.open_cases_of(integer[]) IS
	'Open cases of coordinators: those they are responsible for, and those they have a live appointment of';

-- The night is in the coordinator's own local time; what began in it and what reached into it count.
CREATE OR REPLACE FUNCTION vac_store.nights(zone text, span tstzrange) RETURNS tstzmultirange
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			hours text := policy_text('rest_hours');
			dusk time := split_part(hours, '-', 1)::time;
			dawn time := split_part(hours, '-', 2)::time;
		BEGIN
			RETURN (SELECT range_agg(tstzrange(local_instant(s.first, zone), local_instant(s.last, zone)))
				FROM (SELECT d.day + dusk AS first, d.day + (dawn <= dusk)::integer + dawn AS last
					FROM (SELECT local_day(lower(span), zone) + n AS day
						FROM generate_series(-1, local_day(upper(span), zone) - local_day(lower(span), zone)) n OFFSET 0) d
					OFFSET 0) s);
		END
	$$;
COMMENT ON FUNCTION vac_store.nights(text, tstzrange) IS 'The nights of a zone that touch a span, by policy rest_hours';

CREATE OR REPLACE FUNCTION vac_store.rest_of(coordinator_ids integer[], span tstzrange)
	RETURNS TABLE (coordinator_id integer, rest tstzmultirange)
	LANGUAGE plpgsql STABLE ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = on
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			length interval := policy_number('rest_minutes') * interval '1 minute';
		BEGIN
			RETURN QUERY
			SELECT a.coordinator_id, range_agg(tstzrange(upper(a.span), upper(a.span) + length))
				-- OFFSET 0: by the coordinators and no other way. By time alone all offices' meetings would be read.
				FROM (SELECT * FROM appointment p
						WHERE p.coordinator_id = ANY (coordinator_ids)
							AND lower(p.span) BETWEEN lower(rest_of.span) - length - interval '1 day' AND upper(rest_of.span) OFFSET 0) a
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id
					JOIN office o ON o.office_id = k.office_id
				WHERE a.urgency = 'immediate' AND (a.live OR a.state = 'held')
					AND nights(coalesce(k.time_zone, o.time_zone), a.span) && a.span
				GROUP BY a.coordinator_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.rest_of(integer[], tstzrange) IS
	'Spans in which coordinators rest after call-outs in the night: no other meeting starts in them';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_coordinators()
	RETURNS TABLE (coordinator_id integer, office_id integer, duty text, gender text, zone text, services text[], meets text[],
		max_open_cases integer, weekly_minutes integer, meetings_a_day integer, open_case_ids bigint[],
		load_minutes integer, weekly_shift_minutes integer,
		regular bigint[], on_call bigint[], leave bigint[], rest bigint[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			scope jsonb := snapshot_scope();
			groups integer[] := scope ->> 'groups';
			now_at timestamptz := scope ->> 'now';
			within tstzrange := scope ->> 'span';
			asked bigint[] := (scope ->> 'requests')::bigint[] || (snapshot_movable() ->> 'requests')::bigint[];
			people integer[];
			needs text[];
		BEGIN
			people := ARRAY(SELECT k.coordinator_id FROM coordinator k JOIN office o ON o.office_id = k.office_id
				WHERE o.group_id = ANY (groups) AND k.retired_at IS NULL);
			needs := ARRAY(SELECT r.language::text FROM request r WHERE r.request_id = ANY (asked)
				UNION SELECT unnest((scope ->> 'languages')::text[]));
			RETURN QUERY
			WITH cases AS MATERIALIZED (
				SELECT c.coordinator_id, array_agg(c.case_id ORDER BY c.case_id) AS ids
					FROM open_cases_of(people) c GROUP BY c.coordinator_id
			), away AS MATERIALIZED (
				SELECT l.coordinator_id, range_agg(l.span) AS spans
					FROM leave l WHERE l.coordinator_id = ANY (people)
						AND l.span && tstzrange(lower(within) - interval '2 days', upper(within) + interval '2 days')
					GROUP BY l.coordinator_id
			), shifts AS MATERIALIZED (
				SELECT t.coordinator_id, t.kind, t.at_work FROM work_time(people, within) t
			), shape AS MATERIALIZED (
				-- Many have the same hours.
				SELECT d.at_work, ARRAY(SELECT m FROM moments(d.at_work) m) AS spans FROM (SELECT DISTINCT s.at_work FROM shifts s) d
			), work AS MATERIALIZED (
				SELECT s.coordinator_id, min(f.spans) FILTER (WHERE s.kind = 'regular') AS regular,
						min(f.spans) FILTER (WHERE s.kind = 'on_call') AS on_call
					FROM shifts s JOIN shape f ON f.at_work = s.at_work GROUP BY s.coordinator_id
			)
			SELECT k.coordinator_id, k.office_id, k.duty::text, k.gender, coalesce(k.time_zone, o.time_zone),
					ARRAY(SELECT s.service FROM coordinator_service s WHERE s.coordinator_id = k.coordinator_id ORDER BY s.service),
					ARRAY(SELECT n.need FROM unnest(needs) n (need)
						WHERE EXISTS (SELECT FROM coordinator_language l
							WHERE l.coordinator_id = k.coordinator_id AND language_fits(n.need, l.language))
						ORDER BY n.need),
					coalesce(k.max_open_cases, f.max_open_cases), coalesce(k.weekly_minutes, f.weekly_minutes),
					coalesce(k.meetings_a_day, f.meetings_a_day),
					coalesce(c.ids, '{}'),
					l.load_minutes, l.weekly_shift_minutes,
					w.regular, w.on_call, ARRAY(SELECT m FROM moments(v.spans) m), ARRAY(SELECT m FROM moments(q.rest) m)
				FROM coordinator k
					JOIN office o ON o.office_id = k.office_id
					JOIN caps(ARRAY(SELECT f.office_id FROM office f WHERE f.group_id = ANY (groups))) f ON f.office_id = k.office_id AND f.duty = k.duty
					JOIN work w ON w.coordinator_id = k.coordinator_id
					LEFT JOIN cases c ON c.coordinator_id = k.coordinator_id
					JOIN load_of(people, now_at, 'infinity') l ON l.coordinator_id = k.coordinator_id
					LEFT JOIN away v ON v.coordinator_id = k.coordinator_id
					LEFT JOIN rest_of(people, within) q ON q.coordinator_id = k.coordinator_id
				WHERE k.coordinator_id = ANY (people)
				ORDER BY k.coordinator_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_coordinators() IS
	'The groups'' coordinators with limits, load, and flat spans of time at work (less leave and holidays, not less appointments), leave and rest';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_busy()
	RETURNS TABLE (appointment_id bigint, coordinator_id integer, case_id bigint, urgency text, starts bigint, ends bigint,
		busy_starts bigint, busy_ends bigint, counted_minutes integer)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			scope jsonb := snapshot_scope();
			groups integer[] := scope ->> 'groups';
			requests bigint[] := scope ->> 'requests';
			asked bigint[] := requests || (snapshot_movable() ->> 'requests')::bigint[];
			-- From the week before, so that weeks are counted whole in any zone.
			first_at timestamptz := lower((scope ->> 'span')::tstzrange) - interval '9 days';
			last_at timestamptz := upper((scope ->> 'span')::tstzrange) + interval '8 days';
			people integer[];
			leaving bigint[];
		BEGIN
			people := ARRAY(SELECT k.coordinator_id FROM coordinator k JOIN office o ON o.office_id = k.office_id
				WHERE o.group_id = ANY (groups) AND k.retired_at IS NULL);
			-- What a plan will replace does not keep its own case busy.
			leaving := ARRAY(SELECT l.appointment_id FROM leaving_appointments(requests) l);
			RETURN QUERY
			SELECT a.appointment_id, a.coordinator_id, CASE WHEN a.appointment_id = ANY (leaving) THEN 0 ELSE a.case_id END,
					a.urgency::text, epoch(lower(a.span)), epoch(upper(a.span)), epoch(lower(a.busy)), epoch(upper(a.busy)),
					coalesce(a.counted_minutes, (date_part('epoch', upper(a.span) - lower(a.span)) / 60)::integer)
				-- OFFSET 0: by the coordinators and no other way. By time alone all offices' meetings would be read.
				FROM (SELECT * FROM appointment p
						WHERE p.coordinator_id = ANY (people) AND lower(p.span) >= first_at AND lower(p.span) < last_at OFFSET 0) a
				WHERE a.live OR a.state = 'held'
			UNION ALL
			-- The victim cannot be in two places either, whoever else meets them.
			SELECT a.appointment_id, a.coordinator_id, CASE WHEN a.appointment_id = ANY (leaving) THEN 0 ELSE a.case_id END,
					a.urgency::text, epoch(lower(a.span)), epoch(upper(a.span)), epoch(lower(a.busy)), epoch(upper(a.busy)),
					coalesce(a.counted_minutes, (date_part('epoch', upper(a.span) - lower(a.span)) / 60)::integer)
				FROM (SELECT DISTINCT r.case_id FROM request r WHERE r.request_id = ANY (asked)) c
					-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
					CROSS JOIN LATERAL (SELECT * FROM appointment p WHERE p.case_id = c.case_id OFFSET 0) a
				WHERE a.live AND NOT (a.coordinator_id = ANY (people) AND lower(a.span) >= first_at AND lower(a.span) < last_at)
			ORDER BY 1;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_busy() IS
	'Live and held appointments of the groups'' coordinators from the first week to the horizon, and those of the cases to plan or to move; case 0: it is to be replaced';

CREATE OR REPLACE FUNCTION vac_daemon.snapshot_zones()
	RETURNS TABLE (zone text, day_starts bigint[], week_numbers integer[], nights bigint[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	AS $$
		#variable_conflict use_column
		DECLARE
			scope jsonb := snapshot_scope();
			groups integer[] := scope ->> 'groups';
			first_at timestamptz := lower((scope ->> 'span')::tstzrange);
			-- Whole weeks: an appointment late in the last one counts towards its limits.
			last_at timestamptz := upper((scope ->> 'span')::tstzrange) + interval '8 days';
		BEGIN
			RETURN QUERY
			SELECT z.zone, d.starts, d.weeks,
					ARRAY(SELECT m FROM moments(nights(z.zone, tstzrange(first_at - interval '1 day', last_at))) m)
				FROM (SELECT DISTINCT coalesce(k.time_zone, o.time_zone) AS zone
						FROM coordinator k JOIN office o ON o.office_id = k.office_id
						WHERE o.group_id = ANY (groups) AND k.retired_at IS NULL) z
					CROSS JOIN LATERAL (
						SELECT array_agg(epoch(local_day_start(s.day, z.zone)) ORDER BY s.day) AS starts,
								array_agg((s.day - date '2001-01-01') / 7 ORDER BY s.day) AS weeks
							FROM (SELECT date_trunc('week', first_at AT TIME ZONE z.zone)::date + n AS day
								FROM generate_series(0, local_day(last_at, z.zone)
									- date_trunc('week', first_at AT TIME ZONE z.zone)::date) n
								OFFSET 0) s
					) d
				ORDER BY z.zone;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_zones() IS
	'Local days from the week of the first start to beyond the horizon, for each zone of the groups'' coordinators; days of one Monday-to-Sunday week share a number';
