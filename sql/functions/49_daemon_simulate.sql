-- What `vacd simulate` reads, in one transaction that writes nothing (or, when rosters come from files,
-- is rolled back): offices, people and open time over the simulated days. The snapshot's own functions
-- give zones, offices and coordinators, of the span and the languages that simulate_begin() chooses.

CREATE OR REPLACE FUNCTION vac_daemon.simulate_start() RETURNS date
	LANGUAGE sql VOLATILE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT date_trunc('week', wall() AT TIME ZONE 'UTC')::date + 7;
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_start() IS 'The day a simulation starts when none is named: next Monday';

CREATE OR REPLACE FUNCTION vac_daemon.simulate_services()
	RETURNS TABLE (code text, label text, minutes integer, load_percent integer)
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT s.code, s.label, s.minutes, s.load_percent FROM service s ORDER BY s.code;
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_services() IS 'The services, with the usual length and weight of a meeting';

CREATE OR REPLACE FUNCTION vac_daemon.simulate_rules()
	RETURNS TABLE (rule text, reason text)
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT r, rule_text(r, 'the language', 'the service')
			FROM unnest(ARRAY['window', 'cap_open_cases', 'no_shift', 'on_call_only', 'hours', 'leave', 'busy', 'case_busy', 'rest',
				'cap_week', 'cap_day']) r;
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_rules() IS 'The planner''s rules of time in words';

CREATE OR REPLACE FUNCTION vac_daemon.simulate_offices(first_day date, days integer)
	RETURNS TABLE (office_id integer, code text, group_id integer, day_starts bigint[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH zone AS MATERIALIZED (
				SELECT z.time_zone, ARRAY(SELECT epoch(local_day_start(first_day + n, z.time_zone)) FROM generate_series(0, days) n) AS starts
					FROM (SELECT DISTINCT o.time_zone FROM office o) z
			)
			SELECT o.office_id, o.code, o.group_id, z.starts
				FROM office o JOIN zone z ON z.time_zone = o.time_zone
				WHERE o.retired_at IS NULL
				ORDER BY o.code;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_offices(date, integer) IS
	'Offices with their group and the moments at which the local days from first_day on begin, the one after the last included';

CREATE OR REPLACE FUNCTION vac_daemon.simulate_moments(offices integer[], local_times timestamp[]) RETURNS bigint[]
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT coalesce(array_agg(epoch(local_instant(u.local_time, o.time_zone)) ORDER BY u.n), '{}')
			FROM unnest(offices, local_times) WITH ORDINALITY AS u (office_id, local_time, n) JOIN office o USING (office_id);
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_moments(integer[], timestamp[]) IS 'Local times of offices as seconds since 1970, one by one';

-- ---- policies' lengths of time, as functions of the moment they begin at ----------------------
-- Within an office day, days pass with the clock; on other days nothing moves. Where the clock is put
-- forward or back that is looked at by the quarter-hour.
CREATE OR REPLACE FUNCTION vac_store.day_pieces(policy_name text, of_urgency text, of_office integer, zone text, span tstzrange)
	RETURNS TABLE (at timestamptz, value timestamptz, moves boolean)
	LANGUAGE plpgsql STABLE ROWS 400
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_variable
		DECLARE
			day date := local_day(lower(span), zone);
			begins timestamptz;
			ends timestamptz;
			first_value timestamptz;
			last_value timestamptz;
			length interval;
		BEGIN
			WHILE day <= local_day(upper(span), zone) LOOP
				begins := local_day_start(day, zone);
				ends := local_day_start(day + 1, zone);
				first_value := policy_after(policy_name, of_urgency, of_office, begins);
				last_value := policy_after(policy_name, of_urgency, of_office, ends - interval '1 second');
				length := ends - begins - interval '1 second';
				IF last_value - first_value IN (interval '0', length) THEN
					RETURN QUERY SELECT begins, first_value, last_value > first_value;
				ELSE
					RETURN QUERY SELECT q.at, policy_after(policy_name, of_urgency, of_office, q.at),
							policy_after(policy_name, of_urgency, of_office, q.at + interval '1 second')
								> policy_after(policy_name, of_urgency, of_office, q.at)
						FROM generate_series(begins, ends - interval '1 second', interval '15 minutes') AS q (at);
				END IF;
				day := day + 1;
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.day_pieces(text, text, integer, text, tstzrange) IS
	'policy_after() of a policy in office days, in pieces: from each moment on the value, and whether it moves with the clock';

-- While the office is open office time passes with the clock, while it is closed it stands.
CREATE OR REPLACE FUNCTION vac_store.hour_pieces(policy_name text, of_urgency text, of_office integer, minutes bigint, span tstzrange)
	RETURNS TABLE (at timestamptz, value timestamptz, moves boolean)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_variable
		DECLARE
			hours tstzmultirange := (SELECT t.hours FROM office_time(ARRAY[of_office],
				tstzrange(lower(span) - interval '1 day', upper(span) + interval '30 days')) t);
		BEGIN
			RETURN QUERY
			SELECT e.at, policy_after(policy_name, of_urgency, of_office, e.at), hours @> e.at
				FROM (
					SELECT lower(span) AS at
					UNION SELECT lower(h) FROM unnest(hours) h
					UNION SELECT upper(h) FROM unnest(hours) h
					-- What would end as the office closes goes on when it opens again, from the second after on.
					UNION SELECT add_office_minutes(of_office, upper(h), -minutes) + interval '1 second' FROM unnest(hours) h
				) e
				WHERE e.at >= lower(span) AND e.at <= upper(span);
		END
	$$;
COMMENT ON FUNCTION vac_store.hour_pieces(text, text, integer, bigint, tstzrange) IS
	'policy_after() of a policy in office minutes, in pieces: from each moment on the value, and whether it moves with the clock';

CREATE OR REPLACE FUNCTION vac_store.policy_pieces(policy_name text, of_urgency text, of_office integer, zone text, span tstzrange)
	RETURNS TABLE (at timestamptz, value timestamptz, moves boolean)
	LANGUAGE plpgsql STABLE ROWS 400
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_variable
		DECLARE
			p policy;
		BEGIN
			SELECT * INTO p FROM policy q
				WHERE q.name = policy_name AND (q.urgency = of_urgency OR q.urgency IS NULL)
				ORDER BY q.urgency NULLS LAST LIMIT 1;
			IF p.kind = 'office_days' AND p.value::bigint > 0 THEN
				RETURN QUERY SELECT * FROM day_pieces(policy_name, of_urgency, of_office, zone, span);
			ELSIF p.kind = 'office_minutes' AND p.value::bigint > 0 THEN
				RETURN QUERY SELECT * FROM hour_pieces(policy_name, of_urgency, of_office, p.value::bigint, span);
			ELSE
				RETURN QUERY SELECT lower(span), policy_after(policy_name, of_urgency, of_office, lower(span)), true;
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.policy_pieces(text, text, integer, text, tstzrange) IS
	'policy_after() over a span, in pieces: from each moment on the value, and whether it moves with the clock';

CREATE OR REPLACE FUNCTION vac_daemon.simulate_clocks(first_at bigint, last_at bigint)
	RETURNS TABLE (office_id integer, policy text, urgency text, froms bigint[], vals bigint[], moves integer[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 60
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		DECLARE
			over tstzrange := tstzrange(at_epoch(first_at), at_epoch(last_at));
		BEGIN
			RETURN QUERY
			WITH shape AS MATERIALIZED (
				-- Many offices have the same hours and holidays: it is worked out once, for the first of them.
				SELECT o.office_id, o.time_zone, min(o.office_id) OVER (PARTITION BY o.time_zone,
						ARRAY(SELECT concat_ws(' ', h.weekday, h.from_time, h.to_time) FROM office_hours h
							WHERE h.office_id = o.office_id ORDER BY 1),
						ARRAY(SELECT f.day FROM holiday f WHERE f.office_id = o.office_id ORDER BY 1)) AS model
					FROM office o WHERE o.retired_at IS NULL
			), clock AS MATERIALIZED (
				SELECT s.model, n.policy, u.urgency, array_agg(epoch(p.at) ORDER BY p.at) AS froms,
						array_agg(epoch(p.value) ORDER BY p.at) AS vals, array_agg(p.moves::integer ORDER BY p.at) AS moves
					FROM shape s
						CROSS JOIN unnest(ARRAY['notice', 'response_target']) AS n (policy)
						CROSS JOIN unnest(ARRAY['immediate', 'urgent', 'routine']) AS u (urgency)
						CROSS JOIN LATERAL policy_pieces(n.policy, u.urgency, s.model, s.time_zone, over) p
					WHERE s.model = s.office_id
					GROUP BY s.model, n.policy, u.urgency
			)
			SELECT s.office_id, c.policy, c.urgency, c.froms, c.vals, c.moves
				FROM shape s JOIN clock c ON c.model = s.model
				ORDER BY s.office_id, c.policy, c.urgency;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_clocks(bigint, bigint) IS
	'For each office what the policies notice and response_target make of the moments of a span, in pieces: from, value, and 1 where it moves with the clock';

-- ---- people ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_daemon.simulate_begin(group_id integer, first_at bigint, last_at bigint, languages text[])
	RETURNS TABLE (ok boolean, now bigint, grid_seconds integer)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			PERFORM set_config('vac_daemon.snapshot', jsonb_build_object('groups', ARRAY[simulate_begin.group_id]::text, 'now', at_epoch(first_at)::text,
				'span', tstzrange(at_epoch(first_at), at_epoch(last_at + 1))::text, 'requests', '{}', 'earliest', '{}', 'latest', '{}',
				'languages', languages::text)::text, true);
			RETURN QUERY SELECT true, first_at, (policy_number('grid_minutes') * 60)::integer;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_begin(integer, bigint, bigint, text[]) IS
	'Begins a snapshot of a group''s roster over a span, without any requests: who meets which of these languages, and when they work';

-- Whoever has no weekly pattern before some day joins on that day. Who came with this transaction, or
-- after the simulation starts, has been there all the time: rosters from files say nothing else.
CREATE OR REPLACE FUNCTION vac_daemon.simulate_people(group_id integer)
	RETURNS TABLE (coordinator_id integer, code text, joined bigint, shift_from bigint[], shift_minutes integer[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		DECLARE
			scope jsonb := snapshot_scope();
			groups integer[] := scope ->> 'groups';
			within tstzrange := scope ->> 'span';
			first_day date := local_day(lower(within), 'UTC');
			last_day date := local_day(upper(within), 'UTC');
		BEGIN
			RETURN QUERY
			WITH who AS MATERIALIZED (
				SELECT k.coordinator_id, k.code, k.joined_at, coalesce(k.time_zone, o.time_zone) AS zone
					FROM coordinator k JOIN office o ON o.office_id = k.office_id
					WHERE o.group_id = ANY (groups) AND k.retired_at IS NULL
			), pattern AS MATERIALIZED (
				SELECT p.coordinator_id, p.kind, p.valid, date_part('epoch', p.to_time - p.from_time
						+ CASE WHEN p.to_time <= p.from_time THEN interval '24 hours' ELSE '0' END) / 60 AS minutes
					FROM weekly_pattern p JOIN who w ON w.coordinator_id = p.coordinator_id
			), single AS MATERIALIZED (
				SELECT s.coordinator_id, s.span FROM shift s JOIN who w ON w.coordinator_id = s.coordinator_id
					WHERE s.kind = 'regular' AND s.span && tstzrange(lower(within), upper(within) + interval '28 days')
			), edge AS MATERIALIZED (
				SELECT w.coordinator_id, first_day AS day FROM who w
				UNION SELECT p.coordinator_id, lower(p.valid) FROM pattern p WHERE lower(p.valid) BETWEEN first_day AND last_day
				UNION SELECT p.coordinator_id, upper(p.valid) FROM pattern p WHERE upper(p.valid) BETWEEN first_day AND last_day
				-- Shifts one by one change from week to week.
				UNION SELECT s.coordinator_id, first_day + 7 * n FROM (SELECT DISTINCT coordinator_id FROM single) s,
					generate_series(0, (last_day - first_day) / 7) n
			), hours AS MATERIALIZED (
				SELECT e.coordinator_id, e.day,
						coalesce((SELECT sum(p.minutes) FROM pattern p
							WHERE p.coordinator_id = e.coordinator_id AND p.kind = 'regular' AND p.valid @> e.day), 0)
						+ coalesce((SELECT sum(date_part('epoch', upper(s.span) - lower(s.span)) / 240) FROM single s
							WHERE s.coordinator_id = e.coordinator_id
								AND s.span && tstzrange(e.day::timestamp AT TIME ZONE 'UTC', (e.day + 28)::timestamp AT TIME ZONE 'UTC')), 0) AS minutes
					FROM edge e
			)
			SELECT w.coordinator_id, w.code,
					epoch(greatest(CASE WHEN w.joined_at >= least(transaction_timestamp(), lower(within)) THEN at_epoch(0) ELSE w.joined_at END,
						(SELECT local_day_start(min(lower(p.valid)), w.zone) FROM pattern p WHERE p.coordinator_id = w.coordinator_id
							HAVING bool_and(coalesce(lower(p.valid) > first_day, false))))),
					array_agg(epoch(h.day::timestamp AT TIME ZONE 'UTC') ORDER BY h.day), array_agg(h.minutes::integer ORDER BY h.day)
				FROM who w JOIN hours h ON h.coordinator_id = w.coordinator_id
				GROUP BY w.coordinator_id, w.code, w.joined_at, w.zone
				ORDER BY w.code;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.simulate_people(integer) IS
	'The group''s coordinators in the order of their codes: when they joined, and from which moments on they have how many minutes of regular shifts a week';
