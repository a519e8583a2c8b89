-- Pictures in text: what lies where in the hours of some days. A picture is made of columns, each a
-- part of the local day, so that the same hour stands in the same place whatever the zone. They are
-- filled from quarter hours of elapsed time, each of which belongs to the column that the local clock
-- shows then: a part of the day that the clock skips has none, one that it shows twice has both.

-- ---- columns and rulers ----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.picture_step(days integer) RETURNS integer
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF days BETWEEN 1 AND 28 THEN
		RETURN CASE WHEN days = 1 THEN 15 WHEN days = 2 THEN 30 WHEN days <= 4 THEN 60 WHEN days <= 7 THEN 120
			WHEN days <= 14 THEN 240 ELSE 480 END;
	END IF;
	PERFORM refuse(format('days: %s', coalesce(days::text, 'nothing')), 'Say a number of days from 1 to 28.');
END
$$;
COMMENT ON FUNCTION vac_store.picture_step(integer) IS
	'Minutes that one column of a picture of so many days stands for, so that it is at most 99 characters wide';

CREATE OR REPLACE FUNCTION vac_store.picture_barred(line text, per_day integer) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN regexp_replace(line, format('(.{%s})(?=.)', CASE WHEN per_day > 3 THEN per_day ELSE 7 * per_day END), '\1│', 'g');
COMMENT ON FUNCTION vac_store.picture_barred(text, integer) IS
	'A line of a picture with a bar between days, or between weeks where days are narrow';

CREATE OR REPLACE FUNCTION vac_store.picture_days(first_day date, days integer) RETURNS text
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT vac_store.picture_barred(string_agg(rpad(to_char(first_day + n,
				CASE WHEN s.per_day >= 24 THEN 'Dy DD Mon YYYY' WHEN s.per_day >= 12 THEN 'Dy DD Mon' WHEN s.per_day >= 6 THEN 'Dy DD' ELSE 'DD' END),
				s.per_day), '' ORDER BY n), s.per_day)
			FROM (SELECT 1440 / vac_store.picture_step(days) AS per_day) s, generate_series(0, days - 1) n
			GROUP BY s.per_day;
	END;
COMMENT ON FUNCTION vac_store.picture_days(date, integer) IS 'Ruler of a picture: the days';

CREATE OR REPLACE FUNCTION vac_store.picture_hours(days integer) RETURNS text
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT vac_store.picture_barred(repeat(h.line, days), s.per_day)
			FROM (SELECT 1440 / vac_store.picture_step(days) AS per_day) s,
				LATERAL (SELECT string_agg(rpad(to_char(m * w.hours, 'FM00'), s.per_day * w.hours / 24), '' ORDER BY m) AS line
					FROM (SELECT CASE WHEN s.per_day >= 96 THEN 2 WHEN s.per_day >= 24 THEN 3 WHEN s.per_day >= 12 THEN 6 ELSE 12 END AS hours) w,
						generate_series(0, 24 / w.hours - 1) m) h
			WHERE s.per_day > 3;
	END;
COMMENT ON FUNCTION vac_store.picture_hours(integer) IS 'Ruler of a picture: the local hours; NULL where days are too narrow for it';

-- In the order of time; the clock going back gives a column a second run of them.
CREATE OR REPLACE FUNCTION vac_store.picture_slots(zones text[], first_days date[], days integer)
	RETURNS TABLE (zone text, i integer, at timestamptz, col integer)
	LANGUAGE plpgsql STABLE ROWS 2000
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	step CONSTANT integer := picture_step(days);
BEGIN
	RETURN QUERY
	SELECT z.zone, s.i, b.begins + s.i * interval '15 minutes',
			floor(date_part('epoch', (b.begins + s.i * interval '15 minutes') AT TIME ZONE z.zone - z.first_day) / 60 / step)::integer
		FROM unnest(zones, first_days) z (zone, first_day)
			CROSS JOIN LATERAL (SELECT local_day_start(z.first_day, z.zone) AS begins, local_day_start(z.first_day + days, z.zone) AS ends) b
			CROSS JOIN LATERAL generate_series(0, (date_part('epoch', b.ends - b.begins) / 900)::integer - 1) s (i);
END
$$;
COMMENT ON FUNCTION vac_store.picture_slots(text[], date[], integer) IS
	'The quarter hours of a picture in each zone from its first day on, numbered from 0, each with the column it belongs to';

CREATE OR REPLACE FUNCTION vac_store.bar(had numeric, most numeric, width integer) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN had > most THEN repeat('█', width) || '▶'
		WHEN coalesce(most, 0) = 0 THEN repeat('·', width)
		-- In eighths of a character, never one too many: only what is used up looks so.
		ELSE rpad(repeat('█', floor(had * width / most)::integer)
			|| btrim(substr(' ▏▎▍▌▋▊▉', floor(had * width * 8 / most)::integer % 8 + 1, 1)), width, '·') END;
COMMENT ON FUNCTION vac_store.bar(numeric, numeric, integer) IS
	'How much of a limit is used, as a bar; beyond the limit it ends in an arrow';

-- ---- coverage --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.coverage_sign(regular bigint, free bigint, covered boolean, staffed boolean) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN covered IS NULL THEN ' '
		WHEN NOT staffed THEN '!'
		WHEN NOT covered THEN '+'
		WHEN regular > 0 THEN substr('▂▄▆█', least(regular, 4)::integer, 1)
		ELSE substr('░▒▓', least(greatest(free, 1), 3)::integer, 1) END;
COMMENT ON FUNCTION vac_store.coverage_sign(bigint, bigint, boolean, boolean) IS
	'One column of an office''s coverage, of its leanest quarter hour: a bar as high as those at work and free are many, a shade for those only on call, + all are taken, ! nobody; NULLs: it is over';

CREATE OR REPLACE FUNCTION vac_store.coverage_lines(offices integer[], first_day date, days integer, now_at timestamptz)
	RETURNS TABLE (office_id integer, line text, bare bigint, skips boolean)
	LANGUAGE plpgsql STABLE ROWS 30
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	per_day CONSTANT integer := 1440 / picture_step(days);
	zones CONSTANT text[] := ARRAY(SELECT DISTINCT o.time_zone FROM office o WHERE o.office_id = ANY (offices));
	people CONSTANT integer[] := ARRAY(SELECT k.coordinator_id FROM coordinator k WHERE k.office_id = ANY (offices) AND k.retired_at IS NULL);
	within tstzrange;
BEGIN
	SELECT tstzrange(min(local_day_start(first_day, z)), max(local_day_start(first_day + days, z))) INTO within FROM unnest(zones) z;
	RETURN QUERY
	WITH slot AS MATERIALIZED (
		SELECT s.* FROM picture_slots(zones, array_fill(first_day, ARRAY[cardinality(zones)]), days) s
	), place AS MATERIALIZED (
		SELECT o.office_id, o.time_zone AS zone, b.begins, b.n
			FROM office o JOIN (SELECT s.zone, min(s.at) AS begins, count(*) AS n FROM slot s GROUP BY s.zone) b ON b.zone = o.time_zone
			WHERE o.office_id = ANY (offices)
	), diary AS MATERIALIZED (
		SELECT k.office_id, t.kind, t.at_work, t.open
			FROM open_time(people, within) t JOIN coordinator k ON k.coordinator_id = t.coordinator_id
	), spans AS (
		SELECT d.office_id, CASE d.kind WHEN 'regular' THEN 1 ELSE 2 END AS what, d.open AS spans FROM diary d
		UNION ALL
		-- Together they may cover a quarter hour that none of them covers alone.
		SELECT d.office_id, 3, range_agg(d.open) FROM diary d GROUP BY d.office_id
		UNION ALL
		SELECT d.office_id, 4, range_agg(d.at_work) FROM diary d GROUP BY d.office_id
	), part AS (
		SELECT s.office_id, s.what, greatest(ceil(date_part('epoch', lower(p) - o.begins) / 900), 0)::integer AS first,
				least(floor(date_part('epoch', upper(p) - o.begins) / 900), o.n)::integer AS after
			FROM spans s JOIN place o ON o.office_id = s.office_id CROSS JOIN LATERAL unnest(s.spans) p
	), change AS MATERIALIZED (
		SELECT p.office_id, e.i, sum(e.d) FILTER (WHERE p.what = 1) AS regular, sum(e.d) FILTER (WHERE p.what <= 2) AS free,
				sum(e.d) FILTER (WHERE p.what = 3) AS covered, sum(e.d) FILTER (WHERE p.what = 4) AS staffed
			FROM part p CROSS JOIN LATERAL (VALUES (p.first, 1), (p.after, -1)) e (i, d)
			WHERE p.after > p.first
			GROUP BY p.office_id, e.i
	), quarter AS (
		SELECT o.office_id, s.col, s.at + interval '15 minutes' <= now_at AS over,
				sum(c.regular) OVER w AS regular, sum(c.free) OVER w AS free,
				coalesce(sum(c.covered) OVER w, 0) > 0 AS covered, coalesce(sum(c.staffed) OVER w, 0) > 0 AS staffed
			FROM place o JOIN slot s ON s.zone = o.zone
				LEFT JOIN change c ON c.office_id = o.office_id AND c.i = s.i
			WINDOW w AS (PARTITION BY o.office_id ORDER BY s.i)
	), cell AS MATERIALIZED (
		SELECT q.office_id, q.col, count(*) FILTER (WHERE NOT q.over AND NOT q.staffed) AS bare,
				coverage_sign(coalesce(min(coalesce(q.regular, 0)) FILTER (WHERE NOT q.over), 0)::bigint,
					coalesce(min(coalesce(q.free, 0)) FILTER (WHERE NOT q.over), 0)::bigint,
					bool_and(q.covered) FILTER (WHERE NOT q.over), bool_and(q.staffed) FILTER (WHERE NOT q.over)) AS sign
			FROM quarter q GROUP BY q.office_id, q.col
	)
	SELECT o.office_id, picture_barred(string_agg(coalesce(c.sign, '╳'), '' ORDER BY n.col), per_day),
			sum(c.bare)::bigint, bool_or(c.sign IS NULL)
		FROM place o CROSS JOIN generate_series(0, days * per_day - 1) n (col)
			LEFT JOIN cell c ON c.office_id = o.office_id AND c.col = n.col
		GROUP BY o.office_id;
END
$$;
COMMENT ON FUNCTION vac_store.coverage_lines(integer[], date, integer, timestamptz) IS
	'The coverage of offices, a line each; bare: quarter hours to come in which nobody is there; skips: the clock skips a column';

CREATE OR REPLACE FUNCTION vac.coverage(of_office text DEFAULT NULL, from_day date DEFAULT NULL, days integer DEFAULT 4)
	RETURNS TABLE (office text, picture text, nobody text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 30
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := vac.now();
	offices integer[] := picture_offices(of_office, 'coverage');
	first_day date;
BEGIN
	IF offices = '{}' THEN
		RETURN;
	END IF;
	-- The earliest of the offices' days, so that none lacks an hour that is still to come.
	first_day := coalesce(from_day, (SELECT min(local_day(at, o.time_zone)) FROM office o WHERE o.office_id = ANY (offices)));
	RETURN QUERY
	WITH line AS MATERIALIZED (
		SELECT o.code, l.line, l.bare, l.skips FROM coverage_lines(offices, first_day, days, at) l JOIN office o ON o.office_id = l.office_id
	)
	SELECT r.office, r.picture, r.nobody FROM (
		SELECT 1 AS n, NULL AS office, '▂▄▆█ 1 to 4 or more at work and free  ░▒▓ 1 to 3 or more on call  + all taken  ! nobody' AS picture, NULL AS nobody
		UNION ALL
		SELECT 2, NULL, '╳ an hour that the clock skips', NULL WHERE EXISTS (SELECT FROM line l WHERE l.skips)
		UNION ALL
		SELECT 3, NULL, picture_days(first_day, days), NULL
		UNION ALL
		SELECT 4, 'local', picture_hours(days), NULL WHERE picture_hours(days) IS NOT NULL
		UNION ALL
		SELECT 5, l.code, l.line, CASE WHEN l.bare > 0 THEN (l.bare + 3) / 4 || ' h' END FROM line l) r
		ORDER BY r.n, r.office;
END
$$;
COMMENT ON FUNCTION vac.coverage(text, date, integer) IS
	'How many people has an office in each hour, and when has it nobody? A picture, a line an office, the hours local to each: SELECT * FROM vac.coverage(''SEA'', days => 14). '
	'days: from 1 (a column is a quarter hour) to 28 (eight hours); a column shows its leanest quarter hour; what is over is blank. '
	'nobody: for how many hours to come nobody is at work or on call, asked for or not (view coverage_gaps). One''s own offices; SET vac.now looks from another moment';

-- ---- the week --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.picture_offices(given text, deed text) RETURNS integer[]
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one office;
BEGIN
	IF given IS NULL THEN
		RETURN ARRAY(SELECT o.office_id FROM office o WHERE o.retired_at IS NULL AND o.office_id IN (SELECT my_offices()));
	END IF;
	one := office_named(given);
	PERFORM need_office(one.office_id, deed);
	RETURN ARRAY[one.office_id];
END
$$;
COMMENT ON FUNCTION vac_store.picture_offices(text, text) IS
	'The offices that a picture is of: all of one''s own, or the one named, which has to be one''s own';

CREATE OR REPLACE FUNCTION vac_store.week_spans(offices integer[], within tstzrange)
	RETURNS TABLE (office_id integer, coordinator_id integer, layer integer, span tstzrange)
	LANGUAGE plpgsql STABLE ROWS 20000
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	people CONSTANT integer[] := ARRAY(SELECT k.coordinator_id FROM coordinator k WHERE k.office_id = ANY (offices) AND k.retired_at IS NULL);
	everybody CONSTANT integer[] := ARRAY(SELECT k.coordinator_id FROM coordinator k);
BEGIN
	RETURN QUERY
	SELECT k.office_id, k.coordinator_id, CASE t.kind WHEN 'on_call' THEN 1 ELSE 2 END, p
		FROM open_time(people, within) t JOIN coordinator k ON k.coordinator_id = t.coordinator_id CROSS JOIN LATERAL unnest(t.at_work) p
	UNION ALL
	SELECT k.office_id, k.coordinator_id, 4, l.span
		FROM leave l JOIN coordinator k ON k.coordinator_id = l.coordinator_id
		WHERE l.coordinator_id = ANY (people) AND l.span && within
	UNION ALL
	SELECT g.office_id, k.coordinator_id, e.layer, e.span
		FROM appointment a JOIN coordinator k ON k.coordinator_id = a.coordinator_id
			CROSS JOIN LATERAL (SELECT k.office_id WHERE k.coordinator_id = ANY (people)
				UNION SELECT a.office_id WHERE a.office_id = ANY (offices)) g
			CROSS JOIN LATERAL (VALUES (CASE a.state WHEN 'invited' THEN 5 ELSE 6 END, a.span), (3, a.busy)) e (layer, span)
		-- A meeting and the way to it last a day each at most.
		WHERE a.coordinator_id = ANY (everybody) AND lower(a.span) >= lower(within) - interval '3 days' AND lower(a.span) < upper(within) + interval '2 days'
			AND a.busy && within AND (a.live OR a.state = 'held')
			AND (a.office_id = ANY (offices) OR k.office_id = ANY (offices));
END
$$;
COMMENT ON FUNCTION vac_store.week_spans(integer[], tstzrange) IS
	'What the picture of a week is painted from, the higher layer over the lower: 1 on call, 2 at work, 3 travel and buffer, 4 leave, 5 meeting not answered yet, 6 meeting; '
	'of coordinators of other offices the meetings of these offices'' cases alone, under the case''s office';

CREATE OR REPLACE FUNCTION vac_store.week_lines(offices integer[], zones text[], first_days date[], days integer)
	RETURNS TABLE (office_id integer, coordinator_id integer, visits boolean, line text, skips boolean)
	LANGUAGE plpgsql STABLE ROWS 600
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	per_day CONSTANT integer := 1440 / picture_step(days);
	signs CONSTANT text[] := ARRAY['▁', '░', '▒', '─', '▄', '█'];
	within tstzrange;
BEGIN
	SELECT tstzrange(min(local_day_start(z.day, z.zone)), max(local_day_start(z.day + days, z.zone))) INTO within
		FROM unnest(zones, first_days) z (zone, day);
	RETURN QUERY
	WITH run AS MATERIALIZED (
		-- Where one column gives way to the next.
		SELECT s.zone, row_number() OVER (PARTITION BY s.zone ORDER BY s.i)::integer AS n, s.at, s.col
			FROM (SELECT t.*, lag(t.col) OVER (PARTITION BY t.zone ORDER BY t.i) AS before FROM picture_slots(zones, first_days, days) t) s
			WHERE s.col IS DISTINCT FROM s.before
	), edge AS MATERIALIZED (
		SELECT r.zone, array_agg(r.at ORDER BY r.n) AS at, array_agg(r.col ORDER BY r.n) AS cols,
				local_day_start(z.day, r.zone) AS begins, local_day_start(z.day + days, r.zone) AS ends
			FROM run r JOIN unnest(zones, first_days) z (zone, day) ON z.zone = r.zone GROUP BY r.zone, z.day
	), painted AS MATERIALIZED (
		SELECT s.office_id, s.coordinator_id, e.cols[n] AS col, max(s.layer) AS layer
			FROM week_spans(offices, within) s JOIN office o ON o.office_id = s.office_id JOIN edge e ON e.zone = o.time_zone
				CROSS JOIN LATERAL generate_series(greatest(width_bucket(lower(s.span), e.at), 1),
					width_bucket(upper(s.span) - interval '1 microsecond', e.at)) n
			WHERE lower(s.span) < e.ends AND upper(s.span) > e.begins
			GROUP BY s.office_id, s.coordinator_id, e.cols[n]
	), who AS MATERIALIZED (
		SELECT k.office_id, k.coordinator_id, false AS visits FROM coordinator k WHERE k.office_id = ANY (offices) AND k.retired_at IS NULL
		UNION ALL
		SELECT DISTINCT p.office_id, p.coordinator_id, true FROM painted p JOIN coordinator k ON k.coordinator_id = p.coordinator_id
			WHERE k.office_id <> p.office_id
	), shown AS MATERIALIZED (
		SELECT o.office_id, n.col, r.col IS NULL AS skipped
			FROM office o CROSS JOIN generate_series(0, days * per_day - 1) n (col)
				LEFT JOIN (SELECT DISTINCT zone, col FROM run) r ON r.zone = o.time_zone AND r.col = n.col
			WHERE o.office_id = ANY (offices)
	)
	SELECT w.office_id, w.coordinator_id, w.visits,
			picture_barred(string_agg(CASE WHEN c.skipped THEN '╳'
				ELSE coalesce(signs[p.layer], CASE WHEN w.visits THEN '·' ELSE ' ' END) END, '' ORDER BY c.col), per_day),
			bool_or(c.skipped)
		FROM who w JOIN shown c ON c.office_id = w.office_id
			LEFT JOIN painted p ON p.office_id = w.office_id AND p.coordinator_id = w.coordinator_id AND p.col = c.col
		GROUP BY w.office_id, w.coordinator_id, w.visits;
END
$$;
COMMENT ON FUNCTION vac_store.week_lines(integer[], text[], date[], integer) IS
	'The days of coordinators, a line each, in local time of the office: of its own, and (visits) of those of others who come to its cases';

CREATE OR REPLACE FUNCTION vac.week_picture(of_office text DEFAULT NULL, from_day date DEFAULT NULL, days integer DEFAULT 7)
	RETURNS TABLE (who text, picture text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 700
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := vac.now();
	offices CONSTANT integer[] := picture_offices(of_office, 'week_picture');
	per_day CONSTANT integer := 1440 / picture_step(days);
	zones text[];
	first_days date[];
	room integer;
BEGIN
	IF offices = '{}' THEN
		RETURN;
	END IF;
	SELECT array_agg(z.zone), array_agg(z.day) INTO zones, first_days
		FROM (SELECT DISTINCT o.time_zone AS zone, coalesce(from_day, local_day(at, o.time_zone)) AS day FROM office o WHERE o.office_id = ANY (offices)) z;
	room := 115 - length(picture_days(first_days[1], days));
	RETURN QUERY
	WITH line AS MATERIALIZED (
		SELECT l.*, k.code, k.code || ' ' || k.name AS who, k.duty FROM week_lines(offices, zones, first_days, days) l
			JOIN coordinator k ON k.coordinator_id = l.coordinator_id
	), ruler AS MATERIALIZED (
		SELECT z.zone, short_time(local_day_start(z.day, z.zone), z.zone, ' "("TZ")"') AS name, picture_days(z.day, days) AS days,
				CASE WHEN now.col BETWEEN 0 AND days * per_day - 1
					THEN overlay(picture_hours(days) PLACING '▼' FROM now.col + 1 + now.col / per_day FOR 1) ELSE picture_hours(days) END AS hours
			FROM unnest(zones, first_days) z (zone, day)
				CROSS JOIN LATERAL (SELECT floor(date_part('epoch', at AT TIME ZONE z.zone - z.day) / 60 / picture_step(days))::integer AS col) now
	)
	SELECT CASE WHEN length(r.who) > room THEN left(r.who, room - 1) || '…' ELSE r.who END, r.picture FROM (
		SELECT NULL AS office, 1 AS n, NULL AS duty, NULL AS code, NULL AS who,
				'█ meeting  ▄ no answer yet  ▒ travel, buffer  ░ at work  ▁ on call  ─ leave  ▼ now' AS picture
		UNION ALL
		SELECT NULL, 2, NULL, NULL, NULL, '· not available: comes from another office' WHERE EXISTS (SELECT FROM line l WHERE l.visits)
		UNION ALL
		SELECT NULL, 3, NULL, NULL, NULL, '╳ an hour that the clock skips' WHERE EXISTS (SELECT FROM line l WHERE l.skips)
		UNION ALL
		SELECT o.code, e.n, NULL, NULL, e.who, e.picture
			FROM office o JOIN ruler z ON z.zone = o.time_zone
				CROSS JOIN LATERAL (VALUES (4, o.code || z.name, z.days), (5, NULL, z.hours)) e (n, who, picture)
			WHERE o.office_id = ANY (offices) AND e.picture IS NOT NULL
		UNION ALL
		SELECT o.code, CASE WHEN l.visits THEN 7 ELSE 6 END, l.duty::text, l.code, l.who, l.line
			FROM line l JOIN office o ON o.office_id = l.office_id) r
		ORDER BY r.office NULLS FIRST, r.n, r.duty DESC, r.code;
END
$$;
COMMENT ON FUNCTION vac.week_picture(text, date, integer) IS
	'What does each coordinator''s week look like? A picture of meetings, shifts and leave, a line a coordinator, in local time of the office: SELECT * FROM vac.week_picture(''SEA'', days => 1). '
	'days: from 1 (a column is a quarter hour) to 28 (eight hours). One''s own offices; of others who come to their cases these meetings alone. SET vac.now looks from another moment';

-- ---- how much people have --------------------------------------------------------------------
-- As the planner counts them: whole weeks in the coordinator's local time, what lies ahead and what was held.
CREATE OR REPLACE FUNCTION vac_store.week_minutes(people integer[], at timestamptz)
	RETURNS TABLE (coordinator_id integer, week integer, minutes bigint)
	LANGUAGE plpgsql STABLE ROWS 500
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH zone AS MATERIALIZED (
		-- One moment falls into the same week for everybody in a zone.
		SELECT z.zone, date_trunc('week', local_day(at, z.zone))::date AS monday
			FROM (SELECT DISTINCT coalesce(k.time_zone, o.time_zone) AS zone
				FROM coordinator k JOIN office o ON o.office_id = k.office_id WHERE k.coordinator_id = ANY (people)) z
	), diary AS MATERIALIZED (
		SELECT a.coordinator_id, a.span, a.counted_minutes
			FROM appointment a
			WHERE a.coordinator_id = ANY (people) AND (a.live OR a.state = 'held')
				AND lower(a.span) >= at - interval '37 days' AND lower(a.span) < at + interval '16 days'
	)
	SELECT d.coordinator_id, floor(((lower(d.span) AT TIME ZONE z.zone)::date - z.monday) / 7.0)::integer,
			sum(coalesce(d.counted_minutes, date_part('epoch', upper(d.span) - lower(d.span)) / 60))::bigint
		FROM diary d JOIN coordinator k ON k.coordinator_id = d.coordinator_id
			JOIN office o ON o.office_id = k.office_id
			JOIN zone z ON z.zone = coalesce(k.time_zone, o.time_zone)
		GROUP BY 1, 2;
END
$$;
COMMENT ON FUNCTION vac_store.week_minutes(integer[], timestamptz) IS
	'Minutes of meetings of coordinators, with travel, by week from four weeks before (-4) to the next one (1), as they count towards the weekly hours';

CREATE OR REPLACE FUNCTION vac_store.case_loads()
	RETURNS TABLE (coordinator_id integer, cases bigint, most integer, responsible bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	people CONSTANT integer[] := ARRAY(SELECT k.coordinator_id FROM coordinator k WHERE k.retired_at IS NULL AND k.office_id IN (SELECT my_offices()));
BEGIN
	RETURN QUERY
	SELECT k.coordinator_id, coalesce(c.n, 0), coalesce(k.max_open_cases, f.max_open_cases), coalesce(r.n, 0)
		FROM coordinator k JOIN caps() f ON f.office_id = k.office_id AND f.duty = k.duty
			LEFT JOIN (SELECT x.coordinator_id, count(*) AS n FROM open_cases_of(people) x GROUP BY x.coordinator_id) c
				ON c.coordinator_id = k.coordinator_id
			LEFT JOIN (SELECT x.responsible_id, count(*) AS n FROM case_record x
				WHERE x.responsible_id = ANY (people) AND x.state = 'open' GROUP BY x.responsible_id) r ON r.responsible_id = k.coordinator_id
		WHERE k.coordinator_id = ANY (people);
END
$$;
COMMENT ON FUNCTION vac_store.case_loads() IS
	'Of the coordinators of one''s own offices: open cases, how many they may have, and for how many they are responsible';

CREATE OR REPLACE FUNCTION vac_store.hour_loads(of_duty text, at timestamptz)
	RETURNS TABLE (coordinator_id integer, week bigint, next_week bigint, month bigint, most bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	people CONSTANT integer[] := ARRAY(SELECT k.coordinator_id FROM coordinator k
		WHERE k.retired_at IS NULL AND k.duty = of_duty AND k.office_id IN (SELECT my_offices()));
BEGIN
	RETURN QUERY
	SELECT k.coordinator_id, coalesce(m.week, 0), coalesce(m.next_week, 0), coalesce(m.month, 0), coalesce(k.weekly_minutes, f.weekly_minutes)::bigint
		FROM coordinator k JOIN caps() f ON f.office_id = k.office_id AND f.duty = k.duty
			LEFT JOIN (SELECT w.coordinator_id, sum(w.minutes) FILTER (WHERE w.week = 0)::bigint AS week, sum(w.minutes) FILTER (WHERE w.week = 1)::bigint AS next_week,
					sum(w.minutes) FILTER (WHERE w.week BETWEEN -4 AND -1)::bigint AS month
				FROM week_minutes(people, at) w GROUP BY w.coordinator_id) m ON m.coordinator_id = k.coordinator_id
		WHERE k.coordinator_id = ANY (people);
END
$$;
COMMENT ON FUNCTION vac_store.hour_loads(text, timestamptz) IS
	'Of the coordinators of a duty of one''s own offices: minutes of meetings this week, next week and in the four weeks before, and how many a week may have';

CREATE OR REPLACE FUNCTION vac_store.clock_text(minutes bigint) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
	RETURN minutes / 60 || ':' || pg_catalog.to_char(minutes % 60, 'FM00');
END
$$;
COMMENT ON FUNCTION vac_store.clock_text(bigint) IS 'Minutes as hours and minutes: 7:30';
