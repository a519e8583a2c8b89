-- The cost of a plan from what is stored: offices, people, requests, appointments and policy, and not
-- from what the planner said it was. vacd-plan(7) has the formulas in words. What was changed since
-- (a weight, a due time, who is responsible) counts as it is now.

-- ---- what stood when a plan was made ---------------------------------------------------------
-- Plans of a group follow one another, and what a plan makes or ends bears the time at which it was
-- stored: so before it is what the plan found.
CREATE OR REPLACE FUNCTION vac_store.stood(made_at timestamptz, live boolean, ended_at timestamptz, before timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN made_at < before AND (live OR coalesce(ended_at >= before, false));
COMMENT ON FUNCTION vac_store.stood(timestamptz, boolean, timestamptz, timestamptz) IS
	'Whether an appointment was live just before a moment, from when it was made, whether it is live, and when it ended';

CREATE OR REPLACE FUNCTION vac_store.need(of_urgency text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN array_position(ARRAY['immediate', 'urgent', 'routine'], of_urgency);
COMMENT ON FUNCTION vac_store.need(text) IS 'An urgency''s place: 1 immediate, 2 urgent, 3 routine';

-- ---- single terms ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.quarter_hours(minutes integer, load_percent integer) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (minutes::bigint * load_percent + 1499) / 1500;
COMMENT ON FUNCTION vac_store.quarter_hours(integer, integer) IS 'Weighted quarter-hours that a meeting adds to a load, begun ones whole';

CREATE OR REPLACE FUNCTION vac_store.load_price(had bigint, more bigint, weekly_shift_minutes integer, weight bigint) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		-- Each is rounded down by itself: so the sum is the same however it is parted.
		SELECT coalesce(sum(75 * weight * (2 * k - 1) / (16 * greatest(weekly_shift_minutes, 60))), 0)::bigint
			FROM generate_series(had + 1, had + more) k;
	END;
COMMENT ON FUNCTION vac_store.load_price(bigint, bigint, integer, bigint) IS
	'What so many weighted quarter-hours more cost somebody who has had others, by weekly shift minutes and policy weight_load';

CREATE OR REPLACE FUNCTION vac_store.price(term text, of_urgency text) RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN vac_store.policy_number('weight_' || term, of_urgency);
COMMENT ON FUNCTION vac_store.price(text, text) IS 'The weight of a cost term for an urgency, by policy';

-- What lies with the person, and when it is: all but continuity, load, over_cap and move.
CREATE OR REPLACE FUNCTION vac_store.place_terms(r request, of_coordinator integer, starts timestamptz, planned_at timestamptz,
		OUT wait bigint, OUT collateral bigint, OUT backup bigint, OUT interpreter bigint, OUT preference bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			k coordinator;
		BEGIN
			SELECT * INTO k FROM coordinator c WHERE c.coordinator_id = of_coordinator;
			wait := floor((epoch(starts) - epoch(planned_at)) / 60.0)::bigint * price('wait', r.urgency);
			collateral := CASE k.duty WHEN 'collateral' THEN price('collateral', r.urgency) ELSE 0 END;
			backup := coalesce((SELECT b.rank FROM office_backup b
				WHERE b.office_id = r.office_id AND b.backup_office_id = k.office_id), 0) * price('backup', r.urgency);
			interpreter := CASE WHEN EXISTS (SELECT FROM coordinator_language l
				WHERE l.coordinator_id = k.coordinator_id AND language_fits(r.language, l.language)) THEN 0 ELSE price('interpreter', r.urgency) END;
			preference := ((r.gender IS NOT NULL AND r.gender IS DISTINCT FROM k.gender)::integer
				+ (r.preferred_id IS NOT NULL AND r.preferred_id <> k.coordinator_id)::integer) * price('preference', r.urgency);
		END
	$$;
COMMENT ON FUNCTION vac_store.place_terms(request, integer, timestamptz, timestamptz) IS
	'Terms of the cost of a meeting that depend on nothing but the request, the coordinator and the start';

-- ---- a plan's meetings -----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.plan_places(of_plan bigint)
	RETURNS TABLE (n bigint, decision_id bigint, request_id bigint, case_id bigint, made_room_for bigint, coordinator_id integer, starts timestamptz,
		units bigint, counted_minutes integer, minutes integer,
		was_id bigint, was_with integer, was_at timestamptz, was_accepted boolean)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			-- Numbered in the canonical order: what is moved first, for one request after the other; then what is given.
			SELECT row_number() OVER (ORDER BY d.made_room_for IS NULL, need(f.urgency), f.due_at, f.request_id,
						need(r.urgency), r.due_at, r.request_id),
					d.decision_id, d.request_id, r.case_id, d.made_room_for, a.coordinator_id, coalesce(n.starts, lower(a.span)),
					quarter_hours(r.minutes, s.load_percent), coalesce(a.counted_minutes, r.minutes), r.minutes,
					(d.moved_from ->> 'appointment')::bigint, (d.moved_from ->> 'coordinator')::integer,
					to_timestamp((d.moved_from ->> 'start')::bigint), coalesce((d.moved_from ->> 'accepted')::boolean, false)
				FROM decision d
					JOIN appointment a ON a.appointment_id = d.appointment_id
					JOIN request r ON r.request_id = d.request_id
					JOIN service s ON s.code = r.service
					LEFT JOIN request f ON f.request_id = d.made_room_for
					-- A later plan may have moved it on: then that one says where it was.
					LEFT JOIN LATERAL (SELECT to_timestamp((e.moved_from ->> 'start')::bigint) AS starts FROM decision e
						WHERE e.request_id = d.request_id AND e.decision_id > d.decision_id
							AND (e.moved_from ->> 'appointment')::bigint = d.appointment_id
						ORDER BY e.decision_id LIMIT 1) n ON true
				WHERE d.plan_id = of_plan;
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_places(bigint) IS
	'Where a plan put its meetings, numbered in the canonical order, with weighted quarter-hours and minutes that count towards weekly limits; of an appointment that it moved, also where that was';

-- Appointments that a plan found, where it found them, of its cases and its people.
CREATE OR REPLACE FUNCTION vac_store.plan_found(p plan, people integer[], matters bigint[])
	RETURNS TABLE (appointment_id bigint, case_id bigint, coordinator_id integer, urgency text, held boolean, starts timestamptz,
		ends timestamptz, counted_minutes integer)
	LANGUAGE plpgsql STABLE ROWS 1000
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			-- What this plan replaced was no meeting of its case to it.
			SELECT a.appointment_id, CASE WHEN a.state = 'lapsed' AND EXISTS (SELECT FROM decision e
						WHERE e.plan_id = p.plan_id AND e.request_id = a.request_id AND e.appointment_id > a.appointment_id)
					THEN 0 ELSE a.case_id END, a.coordinator_id, a.urgency::text,
					NOT stood(a.made_at, a.live, a.ended_at, p.stored_at), s.starts, s.starts + (upper(a.span) - lower(a.span)),
					coalesce(a.counted_minutes, (date_part('epoch', upper(a.span) - lower(a.span)) / 60)::integer)
				FROM (SELECT b.* FROM appointment b
							WHERE b.coordinator_id = ANY (people) AND (b.live OR lower(b.span) >= p.planned_at - interval '672 hours')
						UNION
						SELECT b.* FROM appointment b WHERE b.case_id = ANY (matters)) a
					CROSS JOIN LATERAL (SELECT coalesce((SELECT to_timestamp((e.moved_from ->> 'start')::bigint) FROM decision e
						WHERE e.request_id = a.request_id AND e.plan_id >= p.plan_id
							AND (e.moved_from ->> 'appointment')::bigint = a.appointment_id
						ORDER BY e.decision_id LIMIT 1), lower(a.span)) AS starts) s
				WHERE a.made_at < p.stored_at AND (a.state = 'held' OR stood(a.made_at, a.live, a.ended_at, p.stored_at));
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_found(plan, integer[], bigint[]) IS
	'Appointments that were live, or held by then, when a plan was made, at the times they had then: of these people in the four weeks before and since, and all of these cases';

-- One move after the other, before anything else is given.
CREATE OR REPLACE FUNCTION vac_store.move_loads(of_plan bigint, base jsonb, OUT terms jsonb, OUT units jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			m record;
			had bigint;          -- units before, of who had it and of who gets it
			has bigint;
			weight bigint := price('load', 'routine');
		BEGIN
			terms := '{}';
			units := '{}';
			FOR m IN
				SELECT d.decision_id, d.coordinator_id, d.was_with, d.units
					FROM plan_places(of_plan) d WHERE d.was_id IS NOT NULL ORDER BY d.n
			LOOP
				had := (base -> m.was_with::text ->> 'units')::bigint + coalesce((units ->> m.was_with::text)::bigint, 0);
				-- Loads are whole hours rounded down, meetings up: what is taken out is no more than there is.
				had := had - least(m.units, had);
				units := units || jsonb_build_object(m.was_with::text, had - (base -> m.was_with::text ->> 'units')::bigint);
				has := (base -> m.coordinator_id::text ->> 'units')::bigint + coalesce((units ->> m.coordinator_id::text)::bigint, 0);
				units := units || jsonb_build_object(m.coordinator_id::text,
					has + m.units - (base -> m.coordinator_id::text ->> 'units')::bigint);
				terms := terms || jsonb_build_object(m.decision_id::text,
					load_price(has, m.units, (base -> m.coordinator_id::text ->> 'shifts')::integer, weight)
					- load_price(had, m.units, (base -> m.was_with::text ->> 'shifts')::integer, weight));
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.move_loads(bigint, jsonb) IS
	'Of what a plan moved: the term load of each ({decision_id: cost}), and by how many weighted quarter-hours the loads of coordinators changed ({coordinator_id: units}); base: {coordinator_id: {"units", "shifts"}} before';

-- What a plan gave, one line a request.
CREATE OR REPLACE FUNCTION vac_store.plan_given(p plan, people integer[], base jsonb, moved_units jsonb)
	RETURNS TABLE (decision_id bigint, request_id bigint, made_room_for bigint, coordinator_id integer, starts timestamptz, late_minutes bigint,
		wait bigint, collateral bigint, backup bigint, interpreter bigint, preference bigint, continuity bigint, load bigint,
		over_cap bigint, move bigint)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		DECLARE
			rest interval := policy_number('rest_minutes') * interval '1 minute';
			load_weight bigint := price('load', 'routine');
		BEGIN
			RETURN QUERY
			WITH placed AS MATERIALIZED (
				SELECT x.* FROM plan_places(p.plan_id) x
			), found AS MATERIALIZED (
				-- As it stood when all was moved that the plan moved.
				SELECT f.case_id, f.urgency, f.held, coalesce(m.coordinator_id, f.coordinator_id) AS coordinator_id,
						coalesce(m.starts, f.starts) AS starts, coalesce(m.starts + (f.ends - f.starts), f.ends) AS ends,
						coalesce(m.counted_minutes, f.counted_minutes) AS counted_minutes
					FROM plan_found(p, people, ARRAY(SELECT DISTINCT x.case_id FROM placed x)) f
						LEFT JOIN placed m ON m.was_id = f.appointment_id
			), zone AS MATERIALIZED (
				SELECT k.coordinator_id, coalesce(k.time_zone, o.time_zone) AS zone, coalesce(k.max_open_cases, c.max_open_cases) AS most_cases,
						coalesce(k.weekly_minutes, c.weekly_minutes) AS most_minutes, coalesce(k.meetings_a_day, c.meetings_a_day) AS most_meetings
					FROM coordinator k JOIN office o ON o.office_id = k.office_id JOIN caps() c ON c.office_id = k.office_id AND c.duty = k.duty
			), given AS MATERIALIZED (
				SELECT x.decision_id, x.request_id, x.case_id, x.coordinator_id, x.starts, x.starts + make_interval(mins => x.minutes) AS ends,
						x.units, x.counted_minutes, r.urgency::text AS urgency, r.due_at, c.responsible_id, t.*, z.zone, z.most_cases, z.most_minutes, z.most_meetings,
						local_day(x.starts, z.zone) AS day, x.n
					FROM placed x
						JOIN request r ON r.request_id = x.request_id
						JOIN case_record c ON c.case_id = x.case_id
						JOIN zone z ON z.coordinator_id = x.coordinator_id
						CROSS JOIN LATERAL place_terms(r, x.coordinator_id, x.starts, p.planned_at) t
					WHERE x.was_id IS NULL
			), shared AS MATERIALIZED (
				SELECT g.*,
						coalesce(sum(g.units) OVER (PARTITION BY g.coordinator_id ORDER BY g.n
							ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS units_before,
						row_number() OVER (PARTITION BY g.case_id, g.coordinator_id ORDER BY g.n) AS with_them,
						row_number() OVER (PARTITION BY g.case_id ORDER BY g.n) AS of_case
					FROM given g
			), faces AS MATERIALIZED (
				SELECT f.case_id, array_agg(f.coordinator_id) AS holders, coalesce(array_agg(f.coordinator_id) FILTER (WHERE f.held), '{}') AS met
					FROM found f WHERE f.case_id = ANY (ARRAY(SELECT g.case_id FROM given g)) GROUP BY f.case_id
			)
			SELECT g.decision_id, g.request_id, NULL::bigint, g.coordinator_id, g.starts,
					greatest(ceil((epoch(g.starts) - epoch(g.due_at)) / 60.0), 0)::bigint,
					g.wait, g.collateral, g.backup, g.interpreter, g.preference,
					CASE
						WHEN g.responsible_id IS NOT NULL OR cardinality(f.met) > 0
							THEN (g.coordinator_id IS DISTINCT FROM g.responsible_id AND NOT g.coordinator_id = ANY (coalesce(f.met, '{}')))::integer
						-- Somebody new, and neither the first meeting of the case nor the second with them.
						ELSE (g.with_them = 1 AND NOT g.coordinator_id = ANY (coalesce(f.holders, '{}'))
							AND (f.holders IS NOT NULL OR g.of_case > 1))::integer
					END * price('continuity', g.urgency),
					load_price((base -> g.coordinator_id::text ->> 'units')::bigint + coalesce((moved_units ->> g.coordinator_id::text)::bigint, 0)
						+ g.units_before, g.units, (base -> g.coordinator_id::text ->> 'shifts')::integer, load_weight),
					CASE WHEN g.urgency = 'immediate' THEN (b.cases + b.week + b.day + b.rest) * price('over_cap', g.urgency) ELSE 0 END,
					0::bigint
				FROM shared g
					LEFT JOIN faces f ON f.case_id = g.case_id
					LEFT JOIN LATERAL (
						-- Limits that a call-out goes beyond, by what stands and the call-outs before it.
						SELECT (c.n >= g.most_cases AND NOT c.has_it)::integer AS cases,
								(coalesce(s.week_minutes, 0) + g.counted_minutes > g.most_minutes)::integer AS week,
								(coalesce(s.day_meetings, 0) >= g.most_meetings)::integer AS day,
								coalesce(s.rests, false)::integer AS rest
							FROM (SELECT count(DISTINCT y.case_id) AS n, coalesce(bool_or(y.case_id = g.case_id), false) AS has_it
									FROM (SELECT x.case_id FROM found x JOIN case_record q ON q.case_id = x.case_id
												WHERE x.coordinator_id = g.coordinator_id AND NOT x.held
													AND (x.ends > p.planned_at OR q.state = 'open' OR q.ended_at >= p.stored_at)
											UNION ALL
											SELECT q.case_id FROM case_record q WHERE q.responsible_id = g.coordinator_id
												AND (q.state = 'open' OR q.ended_at >= p.stored_at) AND q.opened_at < p.stored_at
											UNION ALL
											SELECT x.case_id FROM given x WHERE x.coordinator_id = g.coordinator_id AND x.n < g.n) y) c
								CROSS JOIN (SELECT sum(x.counted_minutes) FILTER (WHERE date_trunc('week', local_day(x.starts, g.zone)) = date_trunc('week', g.day)) AS week_minutes,
										count(*) FILTER (WHERE local_day(x.starts, g.zone) = g.day) AS day_meetings,
										bool_or(x.urgency = 'immediate' AND x.ends <= g.starts AND x.ends + rest > g.starts
											AND nights(g.zone, tstzrange(x.starts, x.ends)) && tstzrange(x.starts, x.ends)) AS rests
									FROM (SELECT x.starts, x.ends, x.counted_minutes, x.urgency FROM found x WHERE x.coordinator_id = g.coordinator_id
											UNION ALL
											SELECT x.starts, x.ends, x.counted_minutes, x.urgency FROM given x WHERE x.coordinator_id = g.coordinator_id AND x.n < g.n) x) s
					) b ON g.urgency = 'immediate';
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_given(plan, integer[], jsonb, jsonb) IS
	'Late minutes and terms of each request that a plan gave somebody; people: of the group; base: their loads before, moved_units: what moves changed of them';

CREATE OR REPLACE FUNCTION vac_store.plan_moved(p plan, load_terms jsonb)
	RETURNS TABLE (decision_id bigint, request_id bigint, made_room_for bigint, coordinator_id integer, starts timestamptz, late_minutes bigint,
		wait bigint, collateral bigint, backup bigint, interpreter bigint, preference bigint, continuity bigint, load bigint,
		over_cap bigint, move bigint)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT x.decision_id, x.request_id, x.made_room_for, x.coordinator_id, x.starts,
					(greatest(ceil((epoch(x.starts) - epoch(r.due_at)) / 60.0), 0) - greatest(ceil((epoch(x.was_at) - epoch(r.due_at)) / 60.0), 0))::bigint,
					t.wait - w.wait, t.collateral - w.collateral, t.backup - w.backup, t.interpreter - w.interpreter, t.preference - w.preference,
					(CASE
						WHEN c.responsible_id IS NOT NULL OR o.met <> '{}' THEN
							(x.coordinator_id IS DISTINCT FROM c.responsible_id AND NOT x.coordinator_id = ANY (o.met))::integer
							- (x.was_with IS DISTINCT FROM c.responsible_id AND NOT x.was_with = ANY (o.met))::integer
						WHEN o.holders = '{}' THEN 0
						ELSE (NOT x.coordinator_id = ANY (o.holders))::integer - (NOT x.was_with = ANY (o.holders))::integer
					END * price('continuity', r.urgency)),
					(load_terms ->> x.decision_id::text)::bigint, 0::bigint,
					policy_number(CASE WHEN x.was_accepted THEN 'weight_move_accepted' ELSE 'weight_move' END)
				FROM plan_places(p.plan_id) x
					JOIN request r ON r.request_id = x.request_id
					JOIN case_record c ON c.case_id = x.case_id
					CROSS JOIN LATERAL place_terms(r, x.coordinator_id, x.starts, p.planned_at) t
					CROSS JOIN LATERAL place_terms(r, x.was_with, x.was_at, p.planned_at) w
					-- Who else holds meetings of the case, after the moves before this one.
					CROSS JOIN LATERAL (SELECT coalesce(array_agg(f.coordinator_id) FILTER (WHERE f.held), '{}') AS met,
							coalesce(array_agg(coalesce(m.coordinator_id, f.coordinator_id)), '{}') AS holders
						FROM plan_found(p, '{}', ARRAY[x.case_id]) f
							LEFT JOIN plan_places(p.plan_id) m ON m.was_id = f.appointment_id AND m.n < x.n
						WHERE f.appointment_id <> x.was_id) o
				WHERE x.was_id IS NOT NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_moved(plan, jsonb) IS
	'Late minutes and terms of each appointment that a plan moved: those of the new place less those of the old one, and the move itself';

CREATE OR REPLACE FUNCTION vac_store.plan_lines(of_plan bigint)
	RETURNS TABLE (decision_id bigint, request_id bigint, made_room_for bigint, coordinator_id integer, starts timestamptz, late_minutes bigint,
		wait bigint, collateral bigint, backup bigint, interpreter bigint, preference bigint, continuity bigint, load bigint,
		over_cap bigint, move bigint, cost bigint)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			p plan;
			people integer[];
			base jsonb;
			loads record;
		BEGIN
			SELECT * INTO p FROM plan o WHERE o.plan_id = of_plan;
			people := ARRAY(SELECT k.coordinator_id FROM coordinator k JOIN office o ON o.office_id = k.office_id
				WHERE o.group_id = p.group_id AND (k.retired_at IS NULL OR k.retired_at >= p.stored_at));
			SELECT jsonb_object_agg(l.coordinator_id, jsonb_build_object('units', l.load_minutes / 15, 'shifts', l.weekly_shift_minutes)) INTO base
				FROM load_of(people, p.planned_at, p.stored_at) l;
			SELECT * INTO loads FROM move_loads(of_plan, base);
			RETURN QUERY
			SELECT l.*, l.wait + l.collateral + l.backup + l.interpreter + l.preference + l.continuity + l.load + l.over_cap + l.move
				FROM (SELECT * FROM plan_given(p, people, base, loads.units)
					UNION ALL
					SELECT * FROM plan_moved(p, loads.terms)) l;
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_lines(bigint) IS
	'Terms and cost of each meeting that a plan gave or moved, reckoned from what is stored';

-- ---- for people ------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.plan_cost(code text DEFAULT NULL, of_plan bigint DEFAULT NULL)
	RETURNS TABLE (plan bigint, case_code text, urgency text, makes_room_for text, coordinator text, start text, late_minutes bigint,
		wait bigint, collateral bigint, backup bigint, interpreter bigint, preference bigint, continuity bigint, load bigint,
		over_cap bigint, move bigint, cost bigint, decided bigint)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
	id bigint := plan_cost.of_plan;
	own integer[] := ARRAY(SELECT my_offices());
BEGIN
	IF plan_cost.code IS NOT NULL THEN
		one := case_named(plan_cost.code, steer => false);
		PERFORM need_office(one.office_id, 'plan_cost');
		SELECT d.plan_id INTO id FROM decision d JOIN request r ON r.request_id = d.request_id
			WHERE r.case_id = one.case_id AND d.plan_id = coalesce(plan_cost.of_plan, d.plan_id) ORDER BY d.decision_id DESC LIMIT 1;
		IF id IS NULL THEN
			PERFORM refuse(format('case_code: no plan decided about case %s', one.case_code), 'It may be being planned: TABLE vac.open_cases.');
		END IF;
	ELSIF NOT EXISTS (SELECT FROM decision d JOIN request r ON r.request_id = d.request_id WHERE d.plan_id = id AND r.office_id = ANY (own)) THEN
		PERFORM refuse(format('of_plan: no plan %s that %s may see', coalesce(id::text, 'was named'), session_user),
			'SELECT * FROM vac.plan_cost(''K7Q-4MX'') shows the last plan that decided about a case, with its number.');
	END IF;
	RETURN QUERY
	SELECT id, c.case_code, r.urgency::text,
			CASE WHEN d.made_room_for IS NOT NULL THEN coalesce((SELECT y.case_code FROM request x JOIN case_record y ON y.case_id = x.case_id
				WHERE x.request_id = d.made_room_for AND x.office_id = ANY (own)), 'another office''s case') END,
			k.code, short_time(l.starts, o.time_zone), l.late_minutes, l.wait, l.collateral, l.backup, l.interpreter, l.preference,
			l.continuity, l.load, l.over_cap, l.move, l.cost, d.cost
		FROM decision d
			JOIN request r ON r.request_id = d.request_id
			JOIN case_record c ON c.case_id = r.case_id
			JOIN office o ON o.office_id = r.office_id
			LEFT JOIN plan_lines(id) l ON l.decision_id = d.decision_id
			LEFT JOIN coordinator k ON k.coordinator_id = l.coordinator_id
		WHERE d.plan_id = id AND r.office_id = ANY (own)
		ORDER BY need(r.urgency), r.due_at, d.request_id, d.decision_id;
END
$$;
COMMENT ON FUNCTION vac.plan_cost(text, bigint) IS
	'What does a plan cost, reckoned anew from offices, people, requests, appointments and policy as they are stored? The last plan that decided about a '
	'case, SELECT * FROM vac.plan_cost(''K7Q-4MX''), or one by its number, of_plan => 12. A row for each meeting of one''s own offices that it gave or moved '
	'(makes_room_for: for which case; its terms are then those of the new place less those of the old one), with all terms as in vacd-plan(7) and their sum, '
	'in minutes of routine waiting; cost is empty where nobody was found. decided: what the planner reckoned; it differs where something was changed since, or where a part of the plan was refused';
