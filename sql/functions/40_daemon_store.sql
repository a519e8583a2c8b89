-- Plans are stored: every hard rule is checked again, on data read after the rows it depends on were
-- locked. One statement does it for all decisions of all plans of a round; what it refuses is planned again.
-- Locks are taken in one order, here and in every verb: groups, cases, requests, coordinators, each by id.

-- Decisions as rows. Their times are seconds since 1970.
CREATE OR REPLACE FUNCTION vac_store.plan_rows(decisions jsonb, of_group integer, before integer DEFAULT 0) RETURNS vac_store.planned[]
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN (
				SELECT coalesce(array_agg(ROW(before + p.n, p.request, p.coordinator,
						tstzrange(to_timestamp(p.start), to_timestamp(p."end")),
						tstzrange(to_timestamp(p.busy_start), to_timestamp(p.busy_end)),
						coalesce(p.by_interpreter, false), coalesce(p.over_cap, false), p.cost, p.terms, p.runner_up,
						coalesce(p.ruled_out, '{}'), p.nearest, NULLIF(p.moves, '[]'),
						p.appointment, p.from_coordinator, p.from_start, of_group)::planned ORDER BY p.n), '{}')
					FROM ROWS FROM (jsonb_to_recordset(decisions) AS (request bigint, coordinator integer, start bigint, "end" bigint,
						busy_start bigint, busy_end bigint, by_interpreter boolean, over_cap boolean, cost bigint,
						terms jsonb, runner_up jsonb, ruled_out jsonb, nearest jsonb, moves jsonb, appointment bigint,
						from_coordinator integer, from_start bigint)) WITH ORDINALITY
						AS p (request, coordinator, start, "end", busy_start, busy_end, by_interpreter, over_cap, cost,
							terms, runner_up, ruled_out, nearest, moves, appointment, from_coordinator, from_start, n));
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_rows(jsonb, integer, integer) IS
	'The decisions of a group''s plan, or the moves of a decision, as rows in their order, which are numbered on from those before';

CREATE OR REPLACE FUNCTION vac_store.plan_grace() RETURNS interval
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN interval '2 minutes';
COMMENT ON FUNCTION vac_store.plan_grace() IS 'A plan is some seconds old when it is stored, and so are its starts: by this much they may be sooner than the notice';

-- What the planner says of a whole plan, kept once, when the first of its decisions is.
CREATE OR REPLACE FUNCTION vac_store.keep_plan(about jsonb, of_group integer, now_at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			p record;
			id bigint;
		BEGIN
			SELECT * INTO p FROM jsonb_to_record(about -> of_group::text) AS p (fence bigint, round integer, now bigint, requests integer,
				unserved integer, late_minutes bigint, moves integer, cost bigint, steps bigint, exact boolean, limited boolean);
			SELECT o.plan_id INTO id FROM plan o WHERE o.group_id = of_group AND o.fence = p.fence AND o.round = p.round;
			IF id IS NULL THEN
				INSERT INTO plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps,
						exact, limited)
					VALUES (of_group, p.fence, p.round, coalesce(at_epoch(p.now), now_at), now_at, coalesce(p.requests, 0),
						coalesce(p.unserved, 0), coalesce(p.late_minutes, 0), coalesce(p.moves, 0), coalesce(p.cost, 0),
						coalesce(p.steps, 0), coalesce(p.exact, false), coalesce(p.limited, false))
					RETURNING plan_id INTO id;
			END IF;
			RETURN id;
		END
	$$;
COMMENT ON FUNCTION vac_store.keep_plan(jsonb, integer, timestamptz) IS
	'The row of a group''s plan, made when it is not there yet; returns its id. about: what is said of each group''s plan, by group';

CREATE OR REPLACE FUNCTION vac_store.keep_plans(about jsonb, of_groups integer[], now_at timestamptz) RETURNS TABLE (group_id integer, plan_id bigint)
	LANGUAGE plpgsql ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN QUERY SELECT g.id, keep_plan(about, g.id, now_at) FROM (SELECT DISTINCT unnest(of_groups) AS id) g;
		END
	$$;
COMMENT ON FUNCTION vac_store.keep_plans(jsonb, integer[], timestamptz) IS 'The plans of these groups, as keep_plan() keeps each';

-- The first rule that speaks against each decision, NULL for none. Caps are counted over what stands
-- already and what stands before in the plan. A move is looked at as a decision of its own; the caller
-- has taken what it moves out of its old place before.
-- Written for one decision and for five hundred alike: every table is read by a list of ids, and what
-- was read is joined by hashing. Hence the settings: the planner must not think of anything else when
-- the tables are empty, and its plan is kept for the session.
CREATE OR REPLACE FUNCTION vac_store.plan_rules(plan vac_store.planned[], now_at timestamptz, locked_out integer[],
		willing boolean DEFAULT false)
	RETURNS TABLE (n bigint, request_id bigint, coordinator_id integer, rule text)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = off
	SET enable_bitmapscan = off
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			people integer[];
			asked bigint[];
			reach tstzrange;
		BEGIN
			SELECT array_agg(DISTINCT p.coordinator_id), array_agg(p.request_id),
					tstzrange(min(lower(p.busy)), max(upper(p.busy)))
				INTO people, asked, reach
				FROM unnest(plan) p WHERE p.coordinator_id IS NOT NULL;
			IF people IS NULL THEN
				RETURN;
			END IF;
			RETURN QUERY
			WITH d AS MATERIALIZED (
				SELECT p.n, p.request_id, p.coordinator_id, p.span, p.busy, p.appointment_id,
						row_number() OVER (PARTITION BY p.request_id ORDER BY p.n) > 1 AS twice
					FROM unnest(plan) p WHERE p.coordinator_id IS NOT NULL
			), r AS MATERIALIZED (
				SELECT r.*, count(*) OVER (PARTITION BY r.case_id) > 1 AS siblings
					FROM request r WHERE r.request_id = ANY (asked)
			), who AS MATERIALIZED (
				SELECT k.coordinator_id, k.office_id, k.retired_at, k.gender, coalesce(k.time_zone, o.time_zone) AS zone,
						coalesce(k.max_open_cases, f.max_open_cases) AS most_cases,
						coalesce(k.weekly_minutes, f.weekly_minutes) AS most_minutes,
						coalesce(k.meetings_a_day, f.meetings_a_day) AS most_meetings
					FROM coordinator k JOIN office o ON o.office_id = k.office_id
						JOIN caps((SELECT array_agg(DISTINCT c.office_id) FROM coordinator c WHERE c.coordinator_id = ANY (people))) f
							ON f.office_id = k.office_id AND f.duty = k.duty
					WHERE k.coordinator_id = ANY (people)
			), work AS MATERIALIZED (
				SELECT t.coordinator_id, range_agg(t.at_work) FILTER (WHERE t.kind = 'regular') AS regular,
						range_agg(t.at_work) AS any_shift
					FROM work_time(people, reach) t GROUP BY t.coordinator_id
			), asked_for AS MATERIALIZED (
				SELECT DISTINCT r.office_id, r.urgency FROM r
			), hours AS MATERIALIZED (
				SELECT k.urgency, t.office_id, t.hours
					FROM (SELECT f.urgency, array_agg(f.office_id) AS offices FROM asked_for f
							WHERE f.urgency <> 'immediate' GROUP BY f.urgency) k
						CROSS JOIN LATERAL meeting_time(k.offices, k.urgency, reach) t
			), rules AS MATERIALIZED (
				SELECT f.office_id, f.urgency, policy_after('notice', f.urgency, f.office_id, now_at) - plan_grace() AS earliest,
						policy_number('horizon', f.urgency) * interval '24 hours' AS horizon,
						buffer_minutes(f.urgency, 'at_office') * interval '1 minute' AS buffer,
						buffer_minutes(f.urgency, 'telephone') * interval '1 minute' AS buffer_telephone
					FROM asked_for f
			), backup AS MATERIALIZED (
				SELECT b.office_id, b.backup_office_id, b.travel_minutes
					FROM office_backup b WHERE b.office_id = ANY (ARRAY(SELECT f.office_id FROM asked_for f))
			), diary AS MATERIALIZED (
				-- Whole local weeks, whatever the zone.
				SELECT a.coordinator_id, local_day(lower(a.span), w.zone) AS day,
						coalesce(a.counted_minutes, date_part('epoch', upper(a.span) - lower(a.span)) / 60) AS minutes
					FROM who w JOIN appointment a ON a.coordinator_id = w.coordinator_id
					WHERE a.coordinator_id = ANY (people) AND (a.live OR a.state = 'held')
						AND lower(a.span) BETWEEN lower(reach) - interval '9 days' AND upper(reach) + interval '9 days'
			), days AS MATERIALIZED (
				SELECT f.coordinator_id, f.day, count(*) AS meetings FROM diary f GROUP BY f.coordinator_id, f.day
			), weeks AS MATERIALIZED (
				SELECT f.coordinator_id, date_trunc('week', f.day) AS week, sum(f.minutes) AS minutes
					FROM diary f GROUP BY f.coordinator_id, date_trunc('week', f.day)
			), cases AS MATERIALIZED (
				SELECT c.coordinator_id, count(*) AS open_cases, array_agg(c.case_id) AS case_ids
					FROM open_cases_of(people) c GROUP BY c.coordinator_id
			), checked AS MATERIALIZED (
				SELECT d.n, d.request_id, d.coordinator_id, r.urgency, r.case_id,
						w.most_cases, w.most_minutes, w.most_meetings, t.day,
						date_part('epoch', upper(d.span) - lower(d.span) + 2 * (lower(d.span) - lower(d.busy))) / 60 AS counted,
						NOT coalesce(r.case_id = ANY (c.case_ids), false) AS new_case,
						coalesce(c.open_cases, 0) AS open_cases, coalesce(x.minutes, 0) AS minutes, coalesce(y.meetings, 0) AS meetings,
						CASE
							WHEN NOT coalesce(CASE WHEN d.appointment_id IS NULL THEN r.to_plan ELSE r.state = 'planned' END, false)
								OR NOT coalesce((SELECT e.state = 'open' AND e.held_since IS NULL
									FROM case_record e WHERE e.case_id = r.case_id), false) THEN 'gone'
							WHEN d.twice THEN 'twice'
							WHEN d.coordinator_id = ANY (locked_out) THEN 'locked'
							WHEN w.coordinator_id IS NULL OR w.retired_at IS NOT NULL THEN 'retired'
							WHEN NOT (r.open_window @> d.span)
								OR upper(d.span) > greatest(now_at, lower(r.open_window)) + u.horizon
								OR upper(d.span) - lower(d.span) <> r.minutes * interval '1 minute' THEN 'window'
							WHEN lower(d.span) < u.earliest AND NOT willing THEN 'notice'
							WHEN w.office_id <> r.office_id AND b.office_id IS NULL THEN 'not_backup'
							WHEN d.coordinator_id = ANY (ARRAY(SELECT f.coordinator_id FROM case_conflict f
								WHERE f.case_id = r.case_id)) THEN 'conflict'
							WHEN d.coordinator_id = ANY (ARRAY(SELECT f.coordinator_id FROM request_bar f
								WHERE f.request_id = r.request_id AND (f.until IS NULL OR f.until > now_at))) THEN 'barred'
							WHEN r.seek_since IS NOT NULL AND d.coordinator_id = ANY (ARRAY(SELECT f.coordinator_id
								FROM passed_over(ARRAY[r.request_id]) f)) THEN 'barred'
							WHEN r.service <> ALL (ARRAY(SELECT g.service FROM coordinator_service g
								WHERE g.coordinator_id = d.coordinator_id)) THEN 'service'
							WHEN r.interpreter = 'none' AND NOT EXISTS (SELECT FROM coordinator_language l
								WHERE l.coordinator_id = d.coordinator_id AND language_fits(r.language, l.language)) THEN 'language'
							WHEN r.gender_required AND w.gender IS DISTINCT FROM r.gender THEN 'gender'
							-- Travel both ways, and the buffer after, must be kept free as the planner keeps them.
							WHEN NOT d.busy @> tstzrange(lower(d.span) - t.travel, upper(d.span) + t.travel
									+ CASE r.mode WHEN 'telephone' THEN u.buffer_telephone ELSE u.buffer END) THEN 'busy'
							WHEN EXISTS (SELECT FROM leave l
								WHERE l.coordinator_id = d.coordinator_id AND l.span && d.busy) THEN 'leave'
							WHEN NOT coalesce(k.any_shift @> d.span, false) THEN 'no_shift'
							WHEN r.urgency = 'routine' AND NOT coalesce(k.regular @> d.span, false) THEN 'on_call_only'
							WHEN r.urgency = 'immediate' THEN NULL
							WHEN NOT coalesce(h.hours @> d.span, false) THEN 'hours'
							WHEN q.rest @> lower(d.span) THEN 'rest'
							WHEN EXISTS (SELECT FROM (SELECT * FROM appointment p WHERE p.case_id = r.case_id OFFSET 0) m
								WHERE m.live AND m.span && d.span) THEN 'case_busy'
							WHEN r.siblings AND EXISTS (SELECT FROM unnest(plan) o
								WHERE o.n < d.n AND o.span && d.span AND o.request_id <> d.request_id
									AND (SELECT y.case_id FROM r y WHERE y.request_id = o.request_id) = r.case_id) THEN 'case_busy'
						END AS rule
					FROM d
						LEFT JOIN r ON r.request_id = d.request_id
						LEFT JOIN rules u ON u.office_id = r.office_id AND u.urgency = r.urgency
						LEFT JOIN who w ON w.coordinator_id = d.coordinator_id
						LEFT JOIN backup b ON b.office_id = r.office_id AND b.backup_office_id = w.office_id
						LEFT JOIN work k ON k.coordinator_id = d.coordinator_id
						LEFT JOIN hours h ON h.office_id = r.office_id AND h.urgency = r.urgency
						LEFT JOIN rest_of(people, reach) q ON q.coordinator_id = d.coordinator_id
						LEFT JOIN cases c ON c.coordinator_id = d.coordinator_id
						CROSS JOIN LATERAL (SELECT local_day(lower(d.span), w.zone) AS day,
							CASE WHEN r.mode = 'telephone' OR w.office_id = r.office_id THEN interval '0'
								ELSE coalesce(b.travel_minutes, 0) * interval '1 minute' END AS travel) t
						LEFT JOIN weeks x ON x.coordinator_id = d.coordinator_id AND x.week = date_trunc('week', t.day)
						LEFT JOIN days y ON y.coordinator_id = d.coordinator_id AND y.day = t.day
			), firsts AS (
				SELECT c.*, c.rule IS NULL AS so_far, c.rule IS NULL AND c.new_case AND row_number()
						OVER (PARTITION BY c.coordinator_id, c.case_id, c.rule IS NULL ORDER BY c.n) = 1 AS first_here
					FROM checked c
			)
			-- What another rule spoke against counts towards no cap.
			SELECT f.n, f.request_id, f.coordinator_id,
					CASE
						WHEN NOT f.so_far OR f.urgency = 'immediate' THEN f.rule
						WHEN f.new_case AND f.open_cases + sum(f.first_here::integer)
							OVER (PARTITION BY f.coordinator_id ORDER BY f.n) > f.most_cases THEN 'cap_open_cases'
						WHEN f.minutes + sum(CASE WHEN f.so_far THEN f.counted ELSE 0 END)
							OVER (PARTITION BY f.coordinator_id, date_trunc('week', f.day) ORDER BY f.n) > f.most_minutes THEN 'cap_week'
						WHEN f.meetings + sum(f.so_far::integer)
							OVER (PARTITION BY f.coordinator_id, f.day ORDER BY f.n) > f.most_meetings THEN 'cap_day'
					END
				FROM firsts f
				ORDER BY f.n;
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_rules(vac_store.planned[], timestamptz, integer[], boolean) IS
	'For each decision of a plan that names somebody the first hard rule against it on the data as they are now, or NULL; who is willing needs no notice';

-- By version and not by time: who changes a request commits after the moment they changed it at.
CREATE OR REPLACE FUNCTION vac_store.seen_rows(of_group integer, of_fence text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			seen jsonb := NULLIF(current_setting('vac_daemon.seen', true), '')::jsonb;
		BEGIN
			RETURN CASE WHEN seen -> 'fences' ->> of_group::text = of_fence THEN seen -> 'rows' END;
		END
	$$;
COMMENT ON FUNCTION vac_store.seen_rows(integer, text) IS
	'Which versions of the requests the last snapshot of this session saw (xmin by request), if it was of this claim of this group; else NULL';

-- What nobody can take is kept, with the reasons; the supervisors get one bundled notice an office.
CREATE OR REPLACE FUNCTION vac_store.store_unserved(plan vac_store.planned[], now_at timestamptz, about jsonb) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			again interval := policy_number('replan_minutes') * interval '1 minute';
			kept bigint[];
			first_time bigint[];
			fresh bigint[];
			told record;
		BEGIN
			WITH seen AS MATERIALIZED (
				SELECT g.key::integer AS group_id, seen_rows(g.key::integer, g.value ->> 'fence') AS rows FROM jsonb_each(about) g
			)
			SELECT array_agg(r.request_id), array_agg(r.request_id) FILTER (WHERE r.unserved_since IS NULL)
				INTO kept, first_time
				FROM unnest(plan) p
					CROSS JOIN LATERAL (SELECT q.*, q.xmin AS version FROM request q WHERE q.request_id = p.request_id OFFSET 0) r
					CROSS JOIN LATERAL (SELECT c.state, c.held_since FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c
					JOIN seen s ON s.group_id = p.group_id
				WHERE p.coordinator_id IS NULL AND r.to_plan AND c.state = 'open' AND c.held_since IS NULL
					-- What was changed since the planner looked was not what it found nobody for: it stays due.
					AND coalesce(s.rows ->> r.request_id::text = r.version::text, true)
					-- Of what went to other offices meanwhile their plan says whether there is nobody.
					AND EXISTS (SELECT FROM office o WHERE o.office_id = r.office_id AND o.group_id = p.group_id);
			IF kept IS NULL THEN
				RETURN '{}';
			END IF;
			-- Reasons that have not changed are not written again, whatever the nearest times are now.
			fresh := ARRAY(SELECT p.n
				FROM unnest(plan) p
					LEFT JOIN LATERAL (SELECT d.ruled_out, d.appointment_id FROM decision d
						WHERE d.request_id = p.request_id ORDER BY d.decision_id DESC LIMIT 1) l ON true
				WHERE p.request_id = ANY (kept) AND p.coordinator_id IS NULL
					AND (l.ruled_out IS NULL OR l.appointment_id IS NOT NULL OR l.ruled_out <> p.ruled_out));
			IF fresh <> '{}' THEN
				INSERT INTO decision (request_id, at, ruled_out, nearest, plan_id)
					SELECT p.request_id, now_at, p.ruled_out, p.nearest, o.plan_id
						FROM unnest(plan) p
							JOIN keep_plans(about, ARRAY(SELECT f.group_id FROM unnest(plan) f WHERE f.n = ANY (fresh)), now_at) o
								ON o.group_id = p.group_id
						WHERE p.n = ANY (fresh) ORDER BY p.n;
			END IF;
			INSERT INTO history (event, office_id, case_id, request_id)
				SELECT CASE WHEN r.state = 'open' THEN 'request_unserved' ELSE 'nobody_else' END, r.office_id, r.case_id, r.request_id
					FROM request r WHERE r.request_id = ANY (first_time) ORDER BY r.request_id;
			UPDATE request r SET unserved_since = coalesce(r.unserved_since, now_at), refusals = 0,
					plan_at = least(now_at + again,
						-- Who declined may be asked again when their bar ends,
						(SELECT min(b.until) FROM request_bar b WHERE b.request_id = r.request_id AND b.until > now_at),
						-- whom somebody's transaction held when it is over,
						CASE WHEN p.ruled_out ? 'locked' THEN now_at + interval '15 seconds' END,
						-- and the supervisors are told again when it is time, however seldom one plans.
						CASE WHEN r.noticed_at + t.pause > now_at THEN r.noticed_at ELSE now_at END + t.pause)
				FROM unnest(plan) p
					CROSS JOIN LATERAL (SELECT greatest(policy_number('notice_again', q.urgency), 1) * interval '1 minute' AS pause
						FROM request q WHERE q.request_id = p.request_id) t
				WHERE r.request_id = ANY (kept) AND p.request_id = r.request_id AND p.coordinator_id IS NULL;
			FOR told IN
				SELECT r.office_id, array_agg(r.request_id) AS ids
					FROM request r
					WHERE r.request_id = ANY (kept)
						-- Whom somebody's transaction held may be free in a moment; one that stays open keeps nobody from being told.
						AND (r.unserved_since <= now_at - interval '1 minute'
							OR NOT EXISTS (SELECT FROM unnest(plan) p WHERE p.request_id = r.request_id AND p.ruled_out ? 'locked'))
						AND (r.noticed_at IS NULL
						OR r.noticed_at + policy_number('notice_again', r.urgency) * interval '1 minute' <= now_at)
					GROUP BY r.office_id
					ORDER BY r.office_id
			LOOP
				PERFORM tell_of_trouble(told.office_id, told.ids, '{}', now_at);
			END LOOP;
			-- While an appointment stands there is nothing to tell.
			first_time := ARRAY(SELECT r.request_id FROM request r WHERE r.request_id = ANY (first_time) AND r.state = 'open');
			IF first_time <> '{}' THEN
				PERFORM tell_requesters(first_time, 'nobody', now_at);
			END IF;
			RETURN kept;
		END
	$$;
COMMENT ON FUNCTION vac_store.store_unserved(vac_store.planned[], timestamptz, jsonb) IS
	'Keeps the requests of plans that nobody can take: reasons, when to plan again, one notice an office; returns their ids';

CREATE OR REPLACE FUNCTION vac_store.appoint(plan vac_store.planned[], ok bigint[], now_at timestamptz)
	RETURNS TABLE (appointment_id bigint, request_id bigint, urgency text)
	LANGUAGE plpgsql ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			asked bigint[] := ARRAY(SELECT p.request_id FROM unnest(plan) p WHERE p.n = ANY (ok));
			ask_after interval := policy_number('outcome_ask') * interval '1 minute';
		BEGIN
			-- The exclusion constraint has the last word: what overlaps is left out.
			RETURN QUERY
			WITH sending AS MATERIALIZED (
				SELECT k.office_id, k.urgency, policy_after('send_by', k.urgency, k.office_id, now_at) AS send_by
					FROM (SELECT DISTINCT r.office_id, r.urgency FROM request r WHERE r.request_id = ANY (asked)) k
			)
			INSERT INTO appointment AS made (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle,
					key_id, sender, by_interpreter, over_cap, counted_minutes, load_minutes, made_at, send_by, ask_at)
				SELECT r.request_id, r.case_id, r.office_id, p.coordinator_id, p.span, p.busy, r.urgency, handle(),
						i.key_id, i.sender, p.by_interpreter, p.over_cap, counted_minutes(r.minutes, p.span, p.busy),
						greatest(r.minutes * s.load_percent / 100, 1), now_at, b.send_by, upper(p.span) + ask_after
					FROM unnest(plan) p
						JOIN request r ON r.request_id = p.request_id
						JOIN sending b ON b.office_id = r.office_id AND b.urgency = r.urgency
						JOIN service s ON s.code = r.service
						LEFT JOIN mail_identity i ON i.one
					WHERE r.request_id = ANY (asked) AND p.n = ANY (ok)
					ORDER BY p.n
				ON CONFLICT DO NOTHING
				RETURNING made.appointment_id, made.request_id, made.urgency::text;
		END
	$$;
COMMENT ON FUNCTION vac_store.appoint(vac_store.planned[], bigint[], timestamptz) IS
	'Makes appointments of the decisions with these numbers, as far as they meet no other; returns those that it made';

CREATE OR REPLACE FUNCTION vac_store.counted_minutes(minutes integer, span tstzrange, busy tstzrange) RETURNS integer
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN minutes + 2 * date_part('epoch', lower(span) - lower(busy))::integer / 60;
COMMENT ON FUNCTION vac_store.counted_minutes(integer, tstzrange, tstzrange) IS
	'What a meeting counts towards the weekly hours: its length and the travel both ways, which is kept free before it';

CREATE OR REPLACE FUNCTION vac_store.store_served(plan vac_store.planned[], ok bigint[], now_at timestamptz, about jsonb) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			stored bigint[];
			made bigint[];
			call_outs bigint[];
			replaced bigint[];
			others bigint[];
		BEGIN
			SELECT array_agg(m.request_id), array_agg(m.appointment_id),
					array_agg(m.appointment_id) FILTER (WHERE m.urgency = 'immediate')
				INTO stored, made, call_outs
				FROM appoint(plan, ok, now_at) m;
			IF made IS NULL THEN
				RETURN '{}';
			END IF;
			-- That somebody more is asked for a call-out is no news to whoever opened the case.
			SELECT coalesce(array_agg(r.request_id) FILTER (WHERE r.seek_since IS NOT NULL AND r.urgency <> 'immediate'), '{}'),
					coalesce(array_agg(r.request_id) FILTER (WHERE r.seek_since IS NULL), '{}')
				INTO replaced, others
				FROM request r WHERE r.request_id = ANY (stored);
			UPDATE request r
				SET state = 'planned', seek_since = NULL, tries = r.tries + 1, refusals = 0, unserved_since = NULL, noticed_at = NULL
				WHERE r.request_id = ANY (stored);
			INSERT INTO decision (request_id, appointment_id, at, cost, terms, runner_up, ruled_out, nearest, plan_id)
				SELECT p.request_id, m.appointment_id, now_at, p.cost, p.terms, p.runner_up, p.ruled_out, p.nearest, o.plan_id
					FROM unnest(stored, made) m (request_id, appointment_id)
						JOIN unnest(plan) p ON p.request_id = m.request_id
						JOIN keep_plans(about, ARRAY(SELECT f.group_id FROM unnest(plan) f WHERE f.request_id = ANY (stored)), now_at) o
							ON o.group_id = p.group_id
					WHERE p.n = ANY (ok);
			INSERT INTO history (event, office_id, case_id, request_id, appointment_id, coordinator_id, detail)
				SELECT 'request_planned', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
						jsonb_build_object('starts', lower(a.span), 'ends', upper(a.span))
					FROM appointment a WHERE a.appointment_id = ANY (made);
			PERFORM queue_appointments('invitation', made, now_at);
			IF others <> '{}' THEN
				PERFORM tell_requesters(others, 'planned', now_at);
			END IF;
			IF replaced <> '{}' THEN
				PERFORM tell_requesters(replaced, 'moved', now_at);
			END IF;
			IF call_outs IS NOT NULL THEN
				PERFORM queue_pages(call_outs, now_at), tell_of_call_outs(call_outs, now_at);
			END IF;
			RETURN stored;
		END
	$$;
COMMENT ON FUNCTION vac_store.store_served(vac_store.planned[], bigint[], timestamptz, jsonb) IS
	'Stores the decisions with these numbers: appointments, reasons, history, messages; returns the requests of those that met no other appointment';

-- Whoever changes a coordinator is through in a moment, and then is worth waiting for; or has forgotten an open psql,
-- and then all others must not wait.
CREATE OR REPLACE FUNCTION vac_store.lock_people(people integer[]) RETURNS integer[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '100ms'
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			missing integer[] := ARRAY(SELECT unnest(people) EXCEPT SELECT k.coordinator_id
				FROM (SELECT k.coordinator_id FROM coordinator k WHERE k.coordinator_id = ANY (people) FOR NO KEY UPDATE SKIP LOCKED) k);
		BEGIN
			IF missing = '{}' THEN
				RETURN missing;
			END IF;
			BEGIN
				PERFORM FROM coordinator k WHERE k.coordinator_id = ANY (missing) ORDER BY k.coordinator_id FOR NO KEY UPDATE;
				RETURN '{}';
			EXCEPTION
				WHEN lock_not_available OR deadlock_detected THEN
					NULL;
			END;
			RETURN ARRAY(SELECT unnest(missing) EXCEPT SELECT k.coordinator_id
				FROM (SELECT k.coordinator_id FROM coordinator k WHERE k.coordinator_id = ANY (missing) FOR NO KEY UPDATE SKIP LOCKED) k);
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_people(integer[]) IS
	'Locks these coordinators for a plan, and waits a moment for who is being changed; returns those who could not be had';

CREATE OR REPLACE FUNCTION vac_daemon.store_plans(groups integer[], fences bigint[], plans jsonb)
	RETURNS TABLE (request_id bigint, outcome text, rule text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz;
			held bigint;
			free_cases bigint[];
			free_requests bigint[];
			decisions planned[] := '{}';
			about jsonb := '{}';
			one record;
			alone boolean;
			with_moves boolean;
			some_unserved boolean;
			moved planned[];
			wanted bigint[];
			touched bigint[];
			people integer[];
			locked_requests bigint[] := '{}';
			locked_moves bigint[] := '{}';
			locked_people integer[] := '{}';
			numbers bigint[];
			against text[];
			asked bigint[];
			stored bigint[] := '{}';
			kept bigint[];
			seekers bigint[];
			moving record;
			held_by_somebody CONSTANT text[] := ARRAY['locked', 'place_locked', 'move_locked'];
		BEGIN
			FOR one IN SELECT p.value AS plan, (p.value ->> 'group')::integer AS group_id FROM jsonb_array_elements(plans) p LOOP
				decisions := decisions || plan_rows(one.plan -> 'decisions', one.group_id, cardinality(decisions));
				about := about || jsonb_build_object(one.group_id,
					one.plan - 'decisions' || jsonb_build_object('fence', fences[array_position(groups, one.group_id)]));
			END LOOP;
			alone := cardinality(decisions) <= 1;
			PERFORM FROM dispatch_group g
				WHERE g.group_id = ANY (groups) AND g.fence = fences[array_position(groups, g.group_id)]
				ORDER BY g.group_id FOR SHARE;
			GET DIAGNOSTICS held = ROW_COUNT;
			IF held < cardinality(groups) OR EXISTS (SELECT FROM unnest(decisions) p WHERE coalesce(p.group_id <> ALL (groups), true)) THEN
				RETURN QUERY SELECT p.request_id, 'refused', 'fence' FROM unnest(decisions) p ORDER BY p.n;
				RETURN;
			END IF;
			SELECT array_agg(p.request_id), array_agg(DISTINCT p.coordinator_id) FILTER (WHERE p.coordinator_id IS NOT NULL),
					bool_or(p.moves IS NOT NULL), bool_or(p.coordinator_id IS NULL)
				INTO wanted, people, with_moves, some_unserved FROM unnest(decisions) p;
			touched := wanted;
			IF with_moves THEN
				moved := moves_of(decisions);
				touched := wanted || ARRAY(SELECT m.request_id FROM unnest(moved) m);
				people := ARRAY(SELECT unnest(people) UNION SELECT m.coordinator_id FROM unnest(moved) m
					UNION SELECT m.from_coordinator FROM unnest(moved) m);
			END IF;
			IF alone THEN
				-- Somebody's open transaction must not stop this one: what is locked is left for later.
				IF NOT EXISTS (SELECT FROM case_record c
						WHERE c.case_id = ANY (ARRAY(SELECT r.case_id FROM request r WHERE r.request_id = ANY (wanted)))
						FOR SHARE SKIP LOCKED)
					OR NOT EXISTS (SELECT FROM request r
						WHERE r.request_id = ANY (wanted) FOR NO KEY UPDATE SKIP LOCKED) THEN
					locked_requests := ARRAY(SELECT r.request_id FROM request r WHERE r.request_id = ANY (wanted));
				END IF;
				IF moved IS NOT NULL AND NOT lock_moved(moved) THEN
					RETURN QUERY SELECT p.request_id, 'refused', 'move_locked' FROM unnest(decisions) p;
					RETURN;
				END IF;
				IF people IS NOT NULL THEN
					locked_people := ARRAY(SELECT unnest(people) EXCEPT SELECT k.coordinator_id
						FROM (SELECT k.coordinator_id FROM coordinator k
							WHERE k.coordinator_id = ANY (people) FOR NO KEY UPDATE SKIP LOCKED) k);
				END IF;
			ELSIF cardinality(groups) > 1 THEN
				-- What somebody holds in one group must not keep the others waiting.
				free_cases := ARRAY(SELECT c.case_id FROM case_record c
					WHERE c.case_id = ANY (ARRAY(SELECT r.case_id FROM request r WHERE r.request_id = ANY (touched)))
					ORDER BY c.case_id FOR SHARE SKIP LOCKED);
				free_requests := ARRAY(SELECT r.request_id FROM request r WHERE r.request_id = ANY (touched) AND r.case_id = ANY (free_cases)
					ORDER BY r.request_id FOR NO KEY UPDATE SKIP LOCKED);
				locked_requests := ARRAY(SELECT p.request_id FROM unnest(decisions) p WHERE p.request_id <> ALL (free_requests));
				locked_moves := ARRAY(SELECT p.request_id FROM unnest(decisions) p WHERE p.request_id = ANY (free_requests)
					AND EXISTS (SELECT FROM unnest(plan_rows(p.moves, p.group_id)) m WHERE m.request_id <> ALL (free_requests)));
				decisions := ARRAY(SELECT p FROM unnest(decisions) p WHERE p.request_id <> ALL (locked_requests || locked_moves));
				locked_people := lock_people(people);
			ELSE
				PERFORM FROM case_record c
					WHERE c.case_id = ANY (ARRAY(SELECT r.case_id FROM request r WHERE r.request_id = ANY (touched)))
					ORDER BY c.case_id FOR SHARE;
				PERFORM FROM request r WHERE r.request_id = ANY (touched) ORDER BY r.request_id FOR NO KEY UPDATE;
				locked_people := lock_people(people);
			END IF;
			-- What follows reads what is committed now, and nobody can change it any more.
			now_at := wall();
			IF locked_requests <> '{}' OR locked_moves <> '{}' THEN
				-- The request's own row cannot be written either: the daemon comes back in a later turn. What hurries waits for
				-- nobody who holds what would be moved for it: the daemon plans again, at last without moves.
				RETURN QUERY SELECT unnest(locked_requests), 'refused', 'request_locked' UNION ALL SELECT unnest(locked_moves), 'refused', 'move_locked';
				IF alone OR decisions = '{}' THEN
					RETURN;
				END IF;
			END IF;
			seekers := ARRAY(SELECT r.request_id FROM request r
				WHERE r.request_id = ANY (wanted) AND r.seek_since IS NOT NULL AND r.urgency <> 'immediate');
			IF with_moves OR seekers <> '{}' THEN
				-- Those that end or move another appointment come before the others, whose places may be the room that these make.
				FOR moving IN SELECT p AS one FROM unnest(decisions) p
					WHERE p.coordinator_id IS NOT NULL AND (p.moves IS NOT NULL OR p.request_id = ANY (seekers)) ORDER BY p.n
				LOOP
					numbers := numbers || (moving.one).n;
					asked := asked || (moving.one).request_id;
					against := against || coalesce(store_moving(moving.one, now_at, locked_people, about), '');
					IF against[cardinality(against)] = '' THEN
						stored := stored || (moving.one).request_id;
					END IF;
				END LOOP;
			END IF;
			SELECT numbers || array_agg(c.n), against || array_agg(coalesce(c.rule, '')), asked || array_agg(c.request_id)
				INTO numbers, against, asked
				FROM plan_rules(CASE WHEN moved IS NULL AND seekers = '{}' THEN decisions
					ELSE ARRAY(SELECT p FROM unnest(decisions) p WHERE p.moves IS NULL AND p.request_id <> ALL (seekers)) END,
					now_at, locked_people) c;
			IF '' = ANY (against) THEN
				IF alone AND moved IS NULL AND seekers = '{}' THEN
					BEGIN
						-- An uncommitted appointment makes the exclusion constraint wait for its end.
						PERFORM set_config('lock_timeout', '250ms', true);
						stored := store_served(decisions, numbers, now_at, about);
					EXCEPTION WHEN lock_not_available THEN
						against := ARRAY['place_locked'];
					END;
				ELSE
					stored := stored || store_served(decisions, ARRAY(SELECT u.n FROM unnest(numbers, against, asked) u (n, rule, request_id)
						WHERE u.rule = '' AND u.request_id <> ALL (stored)), now_at, about);
				END IF;
			END IF;
			IF some_unserved THEN
				kept := store_unserved(decisions, now_at, about);
			END IF;
			IF cardinality(stored) < cardinality(asked) THEN
				-- Refused ones stay due; one that is refused again and again slows down, lest it turns in a circle. Who is held says
				-- nothing about the request: what hurries is planned without them at once, the rest waits for whoever holds them.
				UPDATE request r
					SET refusals = CASE WHEN a.rule = ANY (held_by_somebody) THEN r.refusals ELSE least(r.refusals + 1, 1000) END,
						plan_at = now_at + CASE
							WHEN a.rule = ANY (held_by_somebody) AND r.urgency = 'routine' THEN interval '1 second'
							WHEN a.rule = ANY (held_by_somebody) OR r.refusals < 3 THEN interval '0'
							ELSE least(power(2, least(r.refusals, 12) - 3), 900) * interval '1 second' END
					FROM unnest(asked, against) a (request_id, rule)
					WHERE r.request_id = ANY (asked) AND r.request_id = a.request_id AND r.to_plan AND NOT r.request_id = ANY (stored) AND a.rule <> 'gone';
			END IF;
			RETURN QUERY
			SELECT p.request_id,
					CASE
						WHEN p.coordinator_id IS NULL THEN CASE WHEN p.request_id = ANY (kept) THEN 'unserved' ELSE 'gone' END
						WHEN a.rule = '' AND p.request_id = ANY (stored) THEN 'stored'
						WHEN a.rule = 'gone' THEN 'gone'
						ELSE 'refused' END,
					CASE
						WHEN p.coordinator_id IS NULL OR a.rule = 'gone' OR (a.rule = '' AND p.request_id = ANY (stored)) THEN NULL
						-- No rule was against it, but the exclusion constraint.
						WHEN a.rule = '' THEN 'busy'
						ELSE a.rule END
				FROM unnest(decisions) p LEFT JOIN unnest(numbers, against) a (n, rule) ON a.n = p.n
				ORDER BY p.n;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.store_plans(integer[], bigint[], jsonb) IS
	'Stores plans of groups that were claimed together as far as the hard rules still allow, with messages, reasons and history, and says for each request: stored, unserved, refused (plan again; fence: all of it, another has one of the groups) or gone. plans: an array with, for each group, what there is to say of its plan (see table plan) and its decisions';
