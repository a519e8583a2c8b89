-- Who could take a case, by hand if need be: everybody in reach with all that speaks against them.

-- A start that breaks the fewest rules is a beginning of something (a shift, hours, a day of its own
-- limits) or the end of what was in its way, and no earlier one does as well: so only these are looked
-- at. The rules are those of the planner, each by itself and not only the first.
CREATE OR REPLACE FUNCTION vac_store.could(r request, people integer[], now_at timestamptz, only_at timestamptz DEFAULT NULL)
	RETURNS TABLE (coordinator_id integer, rank integer, starts timestamptz, rules text[])
	LANGUAGE plpgsql STABLE ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	AS $$
		#variable_conflict use_column
		DECLARE
			call_out boolean := r.urgency = 'immediate';
			length interval := make_interval(mins => r.minutes);
			buffer interval := make_interval(mins => buffer_minutes(r.urgency, r.mode)::integer);
			step bigint := CASE WHEN call_out THEN 60 ELSE policy_number('grid_minutes') * 60 END;
			first_at timestamptz := greatest(lower(r.open_window), policy_after('notice', r.urgency, r.office_id, now_at), now_at);
			-- Beyond the request's own end too: who says when can also say that it may be later.
			last_at timestamptz := greatest(lower(r.open_window), now_at) + policy_number('horizon', r.urgency) * interval '24 hours' - length;
			span tstzrange := tstzrange(first_at - interval '1 day', greatest(last_at, first_at) + length + interval '1 day');
			hours tstzmultirange := '{}';
			met tstzmultirange;
		BEGIN
			last_at := greatest(last_at, first_at + make_interval(secs => step));
			IF only_at IS NOT NULL THEN
				span := tstzrange(only_at - interval '1 day', only_at + length + interval '1 day');
				last_at := only_at;
			END IF;
			IF NOT call_out THEN
				SELECT t.hours INTO hours FROM meeting_time(ARRAY[r.office_id], r.urgency, span) t;
			END IF;
			SELECT coalesce(range_agg(a.span), '{}') INTO met FROM appointment a
				WHERE a.case_id = r.case_id AND a.live AND a.request_id <> r.request_id;
			RETURN QUERY
			WITH who AS MATERIALIZED (
				SELECT k.coordinator_id, coalesce(k.time_zone, o.time_zone) AS zone,
						CASE WHEN k.office_id = r.office_id THEN 0 ELSE b.rank::integer END AS rank,
						CASE WHEN k.office_id = r.office_id OR r.mode = 'telephone' THEN 0 ELSE coalesce(b.travel_minutes, 0) END AS travel,
						coalesce(k.weekly_minutes, f.weekly_minutes) AS most_minutes,
						coalesce(k.meetings_a_day, f.meetings_a_day) AS most_meetings,
						array_remove(ARRAY[
							CASE WHEN k.office_id <> r.office_id AND b.rank IS NULL THEN 'not_backup' END,
							CASE WHEN EXISTS (SELECT FROM case_conflict x
								WHERE x.case_id = r.case_id AND x.coordinator_id = k.coordinator_id) THEN 'conflict' END,
							CASE WHEN EXISTS (SELECT FROM request_bar x
								WHERE x.request_id = r.request_id AND x.coordinator_id = k.coordinator_id
									AND (x.until IS NULL OR x.until > now_at)) THEN 'barred' END,
							CASE WHEN NOT EXISTS (SELECT FROM coordinator_service x
								WHERE x.coordinator_id = k.coordinator_id AND x.service = r.service) THEN 'service' END,
							CASE WHEN r.interpreter = 'none' AND NOT EXISTS (SELECT FROM coordinator_language x
								WHERE x.coordinator_id = k.coordinator_id AND language_fits(r.language, x.language)) THEN 'language' END,
							CASE WHEN r.gender_required AND k.gender IS DISTINCT FROM r.gender THEN 'gender' END,
							CASE WHEN c.n >= coalesce(k.max_open_cases, f.max_open_cases) AND NOT c.has_it THEN 'cap_open_cases' END
						], NULL) AS rules
					FROM coordinator k
						JOIN office o ON o.office_id = k.office_id
						JOIN caps() f ON f.office_id = k.office_id AND f.duty = k.duty
						LEFT JOIN office_backup b ON b.office_id = r.office_id AND b.backup_office_id = k.office_id
						CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(bool_or(x.case_id = r.case_id), false) AS has_it
							FROM open_cases_of(ARRAY[k.coordinator_id]) x) c
					WHERE k.coordinator_id = ANY (people)
			), calendar AS MATERIALIZED (
				SELECT w.coordinator_id, coalesce(t.regular, '{}') AS regular, coalesce(t.any_shift, '{}') AS any_shift,
						coalesce(v.spans, '{}') AS away, coalesce(b.spans, '{}') AS taken, coalesce(q.rest, '{}') AS rest
					FROM who w
						LEFT JOIN (SELECT s.coordinator_id, range_agg(s.at_work) FILTER (WHERE s.kind = 'regular') AS regular,
								range_agg(s.at_work) AS any_shift
							FROM open_time(people, span) s GROUP BY s.coordinator_id) t ON t.coordinator_id = w.coordinator_id
						LEFT JOIN (SELECT l.coordinator_id, range_agg(l.span) AS spans FROM leave l
							WHERE l.coordinator_id = ANY (people) AND l.span && span
							GROUP BY l.coordinator_id) v ON v.coordinator_id = w.coordinator_id
						LEFT JOIN (SELECT a.coordinator_id, range_agg(a.busy) AS spans FROM appointment a
							WHERE a.coordinator_id = ANY (people) AND a.live AND a.busy && span AND a.request_id <> r.request_id
							GROUP BY a.coordinator_id) b ON b.coordinator_id = w.coordinator_id
						LEFT JOIN rest_of(people, span) q ON q.coordinator_id = w.coordinator_id
			), diary AS MATERIALIZED (
				SELECT a.coordinator_id, local_day(lower(a.span), w.zone) AS day,
						coalesce(a.counted_minutes, date_part('epoch', upper(a.span) - lower(a.span)) / 60) AS minutes
					FROM who w JOIN appointment a ON a.coordinator_id = w.coordinator_id
					WHERE (a.live OR a.state = 'held') AND a.request_id <> r.request_id
						AND lower(a.span) BETWEEN lower(span) - interval '8 days' AND upper(span) + interval '8 days'
			), days AS MATERIALIZED (
				SELECT f.coordinator_id, f.day, count(*) AS meetings FROM diary f GROUP BY f.coordinator_id, f.day
			), weeks AS MATERIALIZED (
				SELECT f.coordinator_id, date_trunc('week', f.day) AS week, sum(f.minutes) AS minutes
					FROM diary f GROUP BY f.coordinator_id, date_trunc('week', f.day)
			), edge AS MATERIALIZED (
				SELECT w.coordinator_id, first_at AS at FROM who w
				UNION ALL
				SELECT c.coordinator_id, lower(p) FROM calendar c, unnest(c.any_shift) p
				UNION ALL
				SELECT c.coordinator_id, lower(p) FROM calendar c, unnest(c.regular) p
				UNION ALL
				SELECT w.coordinator_id, lower(p) FROM who w, unnest(hours) p
				UNION ALL
				SELECT w.coordinator_id, upper(p) + make_interval(mins => w.travel)
					FROM calendar c JOIN who w ON w.coordinator_id = c.coordinator_id, unnest(c.away + c.taken) p
				UNION ALL
				SELECT c.coordinator_id, upper(p) FROM calendar c, unnest(c.rest + met) p
				UNION ALL
				SELECT d.coordinator_id, local_day_start(d.day + 1, w.zone) FROM days d JOIN who w ON w.coordinator_id = d.coordinator_id
				UNION ALL
				SELECT d.coordinator_id, local_day_start(d.week::date + 7, w.zone) FROM weeks d JOIN who w ON w.coordinator_id = d.coordinator_id
			), tried AS (
				SELECT DISTINCT e.coordinator_id, to_timestamp(ceil(date_part('epoch', e.at) / step) * step) AS at
					FROM edge e WHERE e.at >= first_at AND only_at IS NULL
				UNION ALL
				SELECT w.coordinator_id, only_at FROM who w WHERE only_at IS NOT NULL
			), looked AS (
				SELECT w.coordinator_id, w.rank, t.at, w.rules || array_remove(ARRAY[
						CASE WHEN NOT r.open_window @> m.meeting THEN 'window' END,
						CASE WHEN c.away && m.busy THEN 'leave'
							WHEN NOT c.any_shift @> m.meeting THEN 'no_shift'
							WHEN r.urgency = 'routine' AND NOT c.regular @> m.meeting THEN 'on_call_only' END,
						CASE WHEN NOT call_out AND NOT hours @> m.meeting THEN 'hours' END,
						CASE WHEN c.taken && m.busy THEN 'busy' END,
						CASE WHEN NOT call_out AND met && m.meeting THEN 'case_busy' END,
						CASE WHEN c.rest @> t.at THEN 'rest' END,
						CASE WHEN coalesce(x.minutes, 0) + r.minutes + 2 * w.travel > w.most_minutes THEN 'cap_week' END,
						CASE WHEN coalesce(y.meetings, 0) >= w.most_meetings THEN 'cap_day' END
					], NULL) AS rules
					FROM tried t
						JOIN who w ON w.coordinator_id = t.coordinator_id
						JOIN calendar c ON c.coordinator_id = t.coordinator_id
						CROSS JOIN LATERAL (SELECT tstzrange(t.at, t.at + length) AS meeting,
							tstzrange(t.at - make_interval(mins => w.travel), t.at + length + buffer + make_interval(mins => w.travel)) AS busy,
							local_day(t.at, w.zone) AS day) m
						LEFT JOIN weeks x ON x.coordinator_id = t.coordinator_id AND x.week = date_trunc('week', m.day)
						LEFT JOIN days y ON y.coordinator_id = t.coordinator_id AND y.day = m.day
					WHERE t.at <= last_at
			)
			SELECT DISTINCT ON (l.coordinator_id) l.coordinator_id, l.rank, l.at, l.rules
				FROM looked l ORDER BY l.coordinator_id, cardinality(l.rules), l.at;
		END
	$$;
COMMENT ON FUNCTION vac_store.could(request, integer[], timestamptz, timestamptz) IS
	'For each of these coordinators the start at which a meeting of the request would break the fewest of the planner''s rules, the first such, and the rules: those of limits too, which a call-out may break. only_at: of that start and no other';

-- ---- in words --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.next_duty(people integer[], at timestamptz)
	RETURNS TABLE (coordinator_id integer, kind text, edge timestamptz)
	LANGUAGE plpgsql STABLE ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT DISTINCT ON (t.coordinator_id) t.coordinator_id, CASE WHEN p.part @> at THEN t.kind END,
					CASE WHEN p.part @> at THEN upper(p.part) ELSE lower(p.part) END
				FROM open_time(people, tstzrange(at, at + interval '15 days')) t, unnest(t.at_work) AS p (part)
				ORDER BY t.coordinator_id, lower(p.part), t.kind DESC;
		END
	$$;
COMMENT ON FUNCTION vac_store.next_duty(integer[], timestamptz) IS
	'Of coordinators: the kind of shift they are in and when it ends, or (kind NULL) when the next one begins; none within 15 days: no row';

CREATE OR REPLACE FUNCTION vac_store.shift_text(kind text, edge timestamptz, zone text) RETURNS text
	LANGUAGE sql STABLE
	RETURN CASE kind WHEN 'regular' THEN 'at work to ' WHEN 'on_call' THEN 'on call to ' ELSE 'off until ' END
		|| vac_store.short_time(edge, zone, 'Dy HH24:MI TZ');
COMMENT ON FUNCTION vac_store.shift_text(text, timestamptz, text) IS
	'Whether somebody is on duty, in local time: at work to Tue 17:00 PST, on call to …, off until Wed 08:00 PST';

-- Of people of other offices a supervisor sees that they are not available, and not what they do.
CREATE OR REPLACE FUNCTION vac_store.public_rules(rules text[]) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(array_agg(s.rule ORDER BY s.n), '{}') FROM (
			SELECT CASE WHEN u.rule IN ('not_backup', 'conflict', 'barred', 'service', 'language', 'gender', 'window', 'hours', 'case_busy', 'notice', 'late')
					THEN u.rule ELSE 'unavailable' END AS rule, min(u.n) AS n
				FROM unnest(rules) WITH ORDINALITY u (rule, n) GROUP BY 1) s;
	END;
COMMENT ON FUNCTION vac_store.public_rules(text[]) IS
	'Rules as other offices may know them: what lies in somebody''s calendar or limits is one, unavailable';

CREATE OR REPLACE FUNCTION vac.who_could(code text)
	RETURNS TABLE (coordinator text, telephone text, duty text, languages text, against text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := vac.now();
	one case_record;
	r request;
	zone text;
	people integer[];
	own integer[] := ARRAY(SELECT my_coordinators());
BEGIN
	one := case_named(who_could.code, steer => false);
	PERFORM need_office(one.office_id, 'who_could');
	SELECT q.* INTO r FROM request q WHERE q.case_id = one.case_id
		ORDER BY q.state <> 'open', q.state <> 'planned', CASE WHEN q.state IN ('open', 'planned') THEN q.due_at END, q.request_id DESC LIMIT 1;
	IF r.request_id IS NULL THEN
		PERFORM refuse(format('case_code: case %s needs no meeting', one.case_code), 'No request was ever opened for it.');
	END IF;
	IF one.held_since IS NOT NULL THEN
		RAISE NOTICE 'Case % is on hold: contact could endanger somebody.', one.case_code;
	END IF;
	SELECT o.time_zone INTO zone FROM office o WHERE o.office_id = r.office_id;
	people := ARRAY(SELECT k.coordinator_id FROM coordinator k
		WHERE k.retired_at IS NULL AND (k.office_id = r.office_id
			OR k.office_id IN (SELECT b.backup_office_id FROM office_backup b WHERE b.office_id = r.office_id)
			OR k.coordinator_id IN (SELECT near_coordinators()) AND k.coordinator_id IN (one.responsible_id, r.preferred_id)));
	RETURN QUERY
	SELECT format('%s (%s)', k.name, o.code), k.telephone::text,
			CASE WHEN d.edge IS NULL THEN 'off'
				WHEN d.kind IS NULL AND k.coordinator_id <> ALL (own) THEN 'off'
				ELSE shift_text(d.kind, d.edge, coalesce(k.time_zone, o.time_zone)) END,
			list_text(ARRAY(SELECT l.language::text FROM coordinator_language l WHERE l.coordinator_id = k.coordinator_id
				ORDER BY NOT language_fits(r.language, l.language), l.language <> 'en', l.language), 2),
			-- The time stays in one piece.
			wrapped(CASE WHEN a.appointment_id IS NOT NULL THEN 'has it'
					WHEN p.rules = '{}' THEN 'nothing'
					ELSE (SELECT string_agg(rule_text(u.rule, r.language, s.label), ', ' ORDER BY u.n)
						FROM unnest(p.rules) WITH ORDINALITY u (rule, n)) END
				|| ' (' || short_time(coalesce(lower(a.span), c.starts), zone, U&'DD\00A0Mon\00A0HH24:MI') || ')', 37)
		FROM could(r, people, at) c
			JOIN coordinator k ON k.coordinator_id = c.coordinator_id
			JOIN office o ON o.office_id = k.office_id
			JOIN service s ON s.code = r.service
			CROSS JOIN LATERAL (SELECT CASE WHEN k.coordinator_id = ANY (own) THEN c.rules ELSE public_rules(c.rules) END AS rules) p
			LEFT JOIN next_duty(people, at) d ON d.coordinator_id = k.coordinator_id
			LEFT JOIN LATERAL (SELECT b.appointment_id, b.span FROM appointment b
				WHERE b.request_id = r.request_id AND b.live AND b.coordinator_id = k.coordinator_id LIMIT 1) a ON true
		ORDER BY a.appointment_id IS NULL, cardinality(p.rules), c.starts, c.rank, k.duty DESC, k.code;
END
$$;
COMMENT ON FUNCTION vac.who_could(text) IS
	'Who could take this case, if somebody were to ring them up? Everybody in reach, those against whom least speaks first: '
	'SELECT * FROM vac.who_could(''K7Q-4MX''). duty: in which shift they are, or when the next begins, in their own local time. '
	'against: all rules that a meeting at the time in brackets would break (local to the office; the time at which they are the fewest); '
	'limits of theirs too, though a call-out may go beyond them; of people of other offices only that they are not available. '
	'For the request that is open, else the last one; SET vac.now looks from another moment';
