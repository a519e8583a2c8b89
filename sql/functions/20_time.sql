-- The one definition of open time, and what else counts in local time. Spans come from local
-- wall-clock times by local_instant(); days begin at local midnight wherever that is.

-- ---- local time ------------------------------------------------------------------------------
-- A time that the clock skips (spring) is the moment of the skip; of a time that it shows twice
-- (autumn) it is the second. So the mapping never runs backwards, and what adjoins on the clock
-- adjoins in time: nobody is missing between two shifts.
CREATE OR REPLACE FUNCTION vac_store.skip_moment(local_time timestamp, zone text) RETURNS timestamptz
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- PostgreSQL reads a skipped time by the offset before the skip, so the moment of the
			-- skip lies after low and not after high.
			high timestamptz := local_time AT TIME ZONE zone;
			low timestamptz := high - ((high AT TIME ZONE zone) - local_time);
			shown interval := (high AT TIME ZONE zone) - (high AT TIME ZONE 'UTC');
			middle timestamptz;
		BEGIN
			WHILE high - low > interval '1 second' LOOP
				middle := date_trunc('second', low + (high - low) / 2, 'UTC');
				EXIT WHEN middle <= low;
				IF (middle AT TIME ZONE zone) - (middle AT TIME ZONE 'UTC') = shown THEN
					high := middle;
				ELSE
					low := middle;
				END IF;
			END LOOP;
			RETURN high;
		END
	$$;
COMMENT ON FUNCTION vac_store.skip_moment(timestamp, text) IS 'The moment at which a local clock skips over this time of day';

-- Not STRICT: only so can it be inlined, and it is called for every shift of every day. What it is given is worked out three
-- times then: who reckons a local time for it does so in a subquery with OFFSET 0.
CREATE OR REPLACE FUNCTION vac_store.local_instant(local_time timestamp, zone text) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN (local_time AT TIME ZONE zone) AT TIME ZONE zone = local_time THEN local_time AT TIME ZONE zone
		ELSE vac_store.skip_moment(local_time, zone) END;
COMMENT ON FUNCTION vac_store.local_instant(timestamp, text) IS
	'The moment of a local wall-clock time: one that is skipped in spring is the moment of the skip, one that comes twice in autumn the second';

CREATE OR REPLACE FUNCTION vac_store.local_day(at timestamptz, zone text) RETURNS date
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (at AT TIME ZONE zone)::date;
COMMENT ON FUNCTION vac_store.local_day(timestamptz, text) IS 'The local date';

CREATE OR REPLACE FUNCTION vac_store.local_day_start(day date, zone text) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN vac_store.local_instant(day::timestamp, zone);
COMMENT ON FUNCTION vac_store.local_day_start(date, text) IS 'The moment at which a local day begins';

CREATE OR REPLACE FUNCTION vac_store.local_week_start(at timestamptz, zone text) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN vac_store.local_instant(date_trunc('week', at AT TIME ZONE zone), zone);
COMMENT ON FUNCTION vac_store.local_week_start(timestamptz, text) IS 'The moment at which the local week began: Monday, midnight';

-- ---- languages -------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.language_fits(need text, spoken text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN starts_with(lower(spoken) || '-', lower(need) || '-') OR starts_with(lower(need) || '-', lower(spoken) || '-');
COMMENT ON FUNCTION vac_store.language_fits(text, text) IS
	'Whether who speaks one language meets the need of the other: equal, or one the beginning of the other at a subtag, in any case (es and es-MX fit, es-ES and es-MX do not)';

-- ---- office hours ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.office_time(office_ids integer[], span tstzrange)
	RETURNS TABLE (office_id integer, hours tstzmultirange)
	LANGUAGE plpgsql STABLE ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = on
	SET enable_seqscan = on
	AS $$
		#variable_conflict use_column
		DECLARE
			usual text := policy_text('office_hours');
		BEGIN
			RETURN QUERY
			SELECT x.office_id,
					coalesce(range_agg(tstzrange(local_instant(x.first, x.time_zone), local_instant(x.last, x.time_zone)))
						FILTER (WHERE x.first IS NOT NULL), '{}') * tstzmultirange(span)
				FROM (SELECT o.office_id, o.time_zone, d.day + h.from_time AS first, d.day + h.to_time AS last
					FROM office o
						-- OFFSET 0: the weekday is worked out once a day, and holidays are looked for once.
						LEFT JOIN LATERAL (
							SELECT n.day, date_part('isodow', n.day)::integer AS weekday
								FROM (SELECT local_day(lower(span), o.time_zone) + n AS day
									FROM generate_series(0, local_day(upper(span), o.time_zone)
										- local_day(lower(span), o.time_zone)) n) n
								WHERE NOT EXISTS (SELECT FROM holiday f
									WHERE f.day = n.day AND (f.office_id = o.office_id OR f.office_id IS NULL))
								OFFSET 0
						) d ON true
						LEFT JOIN LATERAL (
							SELECT oh.weekday::integer, oh.from_time, oh.to_time FROM office_hours oh WHERE oh.office_id = o.office_id
							UNION ALL
							SELECT n, split_part(usual, '-', 1)::time, split_part(usual, '-', 2)::time
								FROM generate_series(1, 5) n
								WHERE NOT EXISTS (SELECT FROM office_hours oh WHERE oh.office_id = o.office_id)
						) h ON h.weekday = d.weekday
					WHERE o.office_id = ANY (office_ids)
					OFFSET 0) x
				GROUP BY x.office_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.office_time(integer[], tstzrange) IS
	'When offices are open within a span: their hours, by policy office_hours where they name none, less their holidays';

CREATE OR REPLACE FUNCTION vac_store.meeting_time(office_ids integer[], of_urgency text, span tstzrange)
	RETURNS TABLE (office_id integer, hours tstzmultirange)
	LANGUAGE plpgsql STABLE ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = on
	SET enable_seqscan = on
	AS $$
		#variable_conflict use_column
		DECLARE
			rule text := coalesce(policy_text('meeting_hours', of_urgency), 'any');
			opens time;
			closes time;
		BEGIN
			IF rule = 'office' THEN
				RETURN QUERY SELECT * FROM office_time(office_ids, span);
			ELSIF rule = 'any' THEN
				RETURN QUERY SELECT o.office_id, tstzmultirange(span) FROM office o WHERE o.office_id = ANY (office_ids);
			ELSE
				opens := split_part(rule, '-', 1)::time;
				closes := split_part(rule, '-', 2)::time;
				RETURN QUERY
				SELECT x.office_id,
						range_agg(tstzrange(local_instant(x.first, x.time_zone), local_instant(x.last, x.time_zone)))
							* tstzmultirange(span)
					FROM (SELECT o.office_id, o.time_zone, d.day + opens AS first, d.day + (closes <= opens)::integer + closes AS last
						FROM office o
							CROSS JOIN LATERAL (
								SELECT local_day(lower(span), o.time_zone) + n AS day
									FROM generate_series(-1, local_day(upper(span), o.time_zone)
										- local_day(lower(span), o.time_zone)) n
							) d
						WHERE o.office_id = ANY (office_ids)
						OFFSET 0) x
					GROUP BY x.office_id;
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.meeting_time(integer[], text, tstzrange) IS
	'When meetings of an urgency may be in offices within a span, by policy meeting_hours';

-- ---- counting in office time -----------------------------------------------------------------
-- Walks through opening hours, forwards or (negative) backwards.
CREATE OR REPLACE FUNCTION vac_store.walk_hours(hours tstzmultirange, since timestamptz, minutes bigint) RETURNS timestamptz
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			left_over interval := make_interval(mins => abs(minutes)::integer);
			parts tstzrange[];
			part tstzrange;
		BEGIN
			IF minutes > 0 THEN
				parts := ARRAY(SELECT unnest(hours * tstzmultirange(tstzrange(since, NULL))));
				FOREACH part IN ARRAY parts LOOP
					IF upper(part) - lower(part) >= left_over THEN
						RETURN lower(part) + left_over;
					END IF;
					left_over := left_over - (upper(part) - lower(part));
				END LOOP;
				RETURN NULL;
			END IF;
			parts := ARRAY(SELECT unnest(hours * tstzmultirange(tstzrange(NULL, since))));
			FOR i IN REVERSE cardinality(parts) .. 1 LOOP
				part := parts[i];
				IF upper(part) - lower(part) >= left_over THEN
					RETURN upper(part) - left_over;
				END IF;
				left_over := left_over - (upper(part) - lower(part));
			END LOOP;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.walk_hours(tstzmultirange, timestamptz, bigint) IS
	'The moment so many minutes of these hours after (or, negative, before) a moment; NULL: the hours do not reach that far';

CREATE OR REPLACE FUNCTION vac_store.add_office_minutes(of_office integer, since timestamptz, minutes bigint)
	RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			reach interval := interval '7 days' + abs(minutes) * interval '6 minutes';
			found timestamptz;
		BEGIN
			IF minutes = 0 THEN
				RETURN since;
			END IF;
			-- A stretch that holds enough office time is guessed, and made longer where holidays eat it up.
			WHILE reach < interval '3 years' LOOP
				found := walk_hours((SELECT t.hours FROM office_time(ARRAY[of_office], CASE WHEN minutes > 0
					THEN tstzrange(since, since + reach) ELSE tstzrange(since - reach, since) END) t), since, minutes);
				IF found IS NOT NULL THEN
					RETURN found;
				END IF;
				reach := reach * 4;
			END LOOP;
			-- An office that never opens: elapsed time is better than no deadline.
			RETURN since + minutes * interval '1 minute';
		END
	$$;
COMMENT ON FUNCTION vac_store.add_office_minutes(integer, timestamptz, bigint) IS
	'The moment by which the office has been open so many minutes since (or, negative, up to) a moment';

-- In PL/pgSQL and without a search_path, as policy_text(): asked for each day that is counted.
CREATE OR REPLACE FUNCTION vac_store.is_office_day(of_office integer, day date) RETURNS boolean
	LANGUAGE plpgsql STABLE
	AS $$
		BEGIN
			RETURN CASE WHEN EXISTS (SELECT FROM vac_store.office_hours h WHERE h.office_id = of_office)
					THEN EXISTS (SELECT FROM vac_store.office_hours h
						WHERE h.office_id = of_office AND h.weekday = extract(isodow FROM day))
					ELSE extract(isodow FROM day) <= 5 END
				AND NOT EXISTS (SELECT FROM vac_store.holiday f
					WHERE f.day = is_office_day.day AND (f.office_id = of_office OR f.office_id IS NULL));
		END
	$$;
COMMENT ON FUNCTION vac_store.is_office_day(integer, date) IS 'Whether the office opens on a local day';

CREATE OR REPLACE FUNCTION vac_store.add_office_days(of_office integer, since timestamptz, days bigint)
	RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			zone text := (SELECT o.time_zone FROM office o WHERE o.office_id = of_office);
			here timestamp := since AT TIME ZONE zone;
			day date := here::date;
			clock interval := here - here::date;
			left_over bigint := days;
			last_day date := here::date + 3 * 366;
		BEGIN
			IF days <= 0 THEN
				RETURN since;
			END IF;
			-- Days without office hours do not pass at all: what comes in on a Saturday starts on Monday.
			IF NOT is_office_day(of_office, day) THEN
				clock := interval '0';
				WHILE NOT is_office_day(of_office, day) AND day < last_day LOOP
					day := day + 1;
				END LOOP;
			END IF;
			WHILE left_over > 0 AND day < last_day LOOP
				day := day + 1;
				IF is_office_day(of_office, day) THEN
					left_over := left_over - 1;
				END IF;
			END LOOP;
			IF left_over > 0 THEN
				-- An office that never opens: elapsed time is better than no deadline.
				RETURN since + days * interval '1 day';
			END IF;
			RETURN local_instant(day + clock, zone);
		END
	$$;
COMMENT ON FUNCTION vac_store.add_office_days(integer, timestamptz, bigint) IS
	'The same time of day, so many days later that have office hours; from a day without any, counted from the midnight that begins the next one that has';

CREATE OR REPLACE FUNCTION vac_store.policy_after(policy_name text, of_urgency text, of_office integer, since timestamptz)
	RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			p policy;
		BEGIN
			SELECT * INTO p FROM policy q
				WHERE q.name = policy_name AND (q.urgency = of_urgency OR q.urgency IS NULL)
				ORDER BY q.urgency NULLS LAST LIMIT 1;
			IF NOT FOUND THEN
				RAISE no_data_found USING MESSAGE = format('policy %s has no row for %s', policy_name, of_urgency);
			END IF;
			RETURN CASE p.kind
				WHEN 'seconds' THEN since + p.value::bigint * interval '1 second'
				WHEN 'minutes' THEN since + p.value::bigint * interval '1 minute'
				WHEN 'days' THEN since + p.value::bigint * interval '24 hours'
				WHEN 'office_minutes' THEN add_office_minutes(of_office, since, p.value::bigint)
				WHEN 'office_days' THEN add_office_days(of_office, since, p.value::bigint)
			END;
		END
	$$;
COMMENT ON FUNCTION vac_store.policy_after(text, text, integer, timestamptz) IS
	'A moment plus a policy''s length of time, elapsed or in office time as its kind says; NULL for a policy that is no length of time';

-- ---- open time -------------------------------------------------------------------------------
-- Set-based: one statement for any number of coordinators. The daemon and the views both ask here.
CREATE OR REPLACE FUNCTION vac_store.work_time(coordinator_ids integer[], span tstzrange)
	RETURNS TABLE (coordinator_id integer, kind text, at_work tstzmultirange)
	LANGUAGE plpgsql STABLE ROWS 40
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = off
	SET enable_mergejoin = off
	SET enable_seqscan = on
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH who AS MATERIALIZED (
				SELECT c.coordinator_id, c.office_id, o.time_zone AS office_zone,
						coalesce(c.time_zone, o.time_zone) AS zone
					FROM coordinator c JOIN office o USING (office_id)
					WHERE c.coordinator_id = ANY (coordinator_ids)
			), day AS MATERIALIZED (
				-- One day more at the front: a night shift began the evening before.
				SELECT z.zone, d.day, date_part('isodow', d.day)::smallint AS weekday
					FROM (SELECT DISTINCT zone FROM who) z,
						LATERAL (SELECT local_day(lower(span), z.zone) - 1 + n AS day
							FROM generate_series(0, local_day(upper(span), z.zone)
								- local_day(lower(span), z.zone) + 1) n) d
			), pattern AS MATERIALIZED (
				SELECT p.coordinator_id, p.kind::text AS kind, p.weekday, p.from_time, p.to_time, p.valid, w.zone
					FROM who w JOIN weekly_pattern p USING (coordinator_id)
					WHERE p.coordinator_id = ANY (coordinator_ids)
			), week AS MATERIALIZED (
				-- Many people have the same week: it is worked out once, for the first of them.
				SELECT k.coordinator_id, k.kind, min(k.coordinator_id) OVER (PARTITION BY k.zone, k.kind, k.rows) AS model
					FROM (SELECT p.coordinator_id, p.kind, min(p.zone) AS zone,
								string_agg(concat_ws(' ', p.weekday, p.from_time, p.to_time, p.valid), ',') AS rows
							FROM (SELECT * FROM pattern s ORDER BY s.coordinator_id, s.kind, s.weekday, s.from_time, s.to_time, s.valid) p
							GROUP BY p.coordinator_id, p.kind) k
			), model AS MATERIALIZED (
				SELECT p.*
					FROM pattern p JOIN week m ON m.coordinator_id = p.coordinator_id AND m.kind = p.kind
					WHERE m.model = m.coordinator_id
			), worked_out AS MATERIALIZED (
				SELECT y.model, y.kind, range_agg(y.part) * tstzmultirange(span) AS spans
					FROM (SELECT x.model, x.kind, tstzrange(local_instant(x.first, x.zone), local_instant(x.last, x.zone)) AS part
						FROM (SELECT p.coordinator_id AS model, p.kind, p.zone, d.day + p.from_time AS first,
									d.day + (p.to_time <= p.from_time)::integer + p.to_time AS last
								FROM model p JOIN day d ON d.zone = p.zone AND d.weekday = p.weekday AND p.valid @> d.day
								OFFSET 0) x
						OFFSET 0) y
					WHERE y.part && span
					GROUP BY y.model, y.kind
			), single AS MATERIALIZED (
				SELECT s.coordinator_id, s.kind::text AS kind, range_agg(s.span * work_time.span) AS spans
					FROM shift s
					WHERE s.coordinator_id = ANY (coordinator_ids) AND s.span && work_time.span
					GROUP BY s.coordinator_id, s.kind
			), free_days AS MATERIALIZED (
				SELECT o.office_id, range_agg(tstzrange(local_day_start(f.day, o.time_zone),
						local_day_start(f.day + 1, o.time_zone))) AS spans
					FROM (SELECT DISTINCT office_id, office_zone AS time_zone FROM who) o
						JOIN holiday f ON (f.office_id = o.office_id OR f.office_id IS NULL)
							AND f.day BETWEEN local_day(lower(span), 'UTC') - 1 AND local_day(upper(span), 'UTC') + 1
					GROUP BY o.office_id
			), away AS MATERIALIZED (
				SELECT l.coordinator_id, range_agg(l.span) AS spans
					FROM leave l
					WHERE l.coordinator_id = ANY (coordinator_ids) AND l.span && work_time.span
					GROUP BY l.coordinator_id
			)
			SELECT w.coordinator_id, k.kind, coalesce(p.spans, '{}') + coalesce(s.spans, '{}')
						- coalesce(v.spans, '{}') - coalesce(f.spans, '{}')
				FROM who w
					CROSS JOIN (VALUES ('regular'), ('on_call')) k (kind)
					LEFT JOIN week m ON m.coordinator_id = w.coordinator_id AND m.kind = k.kind
					LEFT JOIN worked_out p ON p.model = m.model AND p.kind = m.kind
					LEFT JOIN single s ON s.coordinator_id = w.coordinator_id AND s.kind = k.kind
					LEFT JOIN away v ON v.coordinator_id = w.coordinator_id
					LEFT JOIN free_days f ON f.office_id = w.office_id AND k.kind = 'regular';
		END
	$$;
COMMENT ON FUNCTION vac_store.work_time(integer[], tstzrange) IS
	'Open time without a look at appointments: for each coordinator and kind of shift patterns and shifts less leave and (regular only) the office''s holidays';

CREATE OR REPLACE FUNCTION vac_store.open_time(coordinator_ids integer[], span tstzrange)
	RETURNS TABLE (coordinator_id integer, kind text, at_work tstzmultirange, open tstzmultirange)
	LANGUAGE plpgsql STABLE ROWS 40
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	-- Planned while there are no appointments, it would else read all that there are later.
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH taken AS MATERIALIZED (
				SELECT a.coordinator_id, range_agg(a.busy) AS spans
					FROM appointment a
					WHERE a.coordinator_id = ANY (coordinator_ids) AND a.busy && open_time.span AND a.live
					GROUP BY a.coordinator_id
			)
			SELECT w.coordinator_id, w.kind, w.at_work, w.at_work - coalesce(t.spans, '{}')
				FROM work_time(coordinator_ids, span) w LEFT JOIN taken t ON t.coordinator_id = w.coordinator_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.open_time(integer[], tstzrange) IS
	'The one definition of open time: for each coordinator and kind of shift, at_work is patterns and shifts less leave and (regular only) the office''s holidays; open is that less live appointments with buffer and travel';

-- Not STRICT, in SQL and without settings: so it becomes a part of the query that asks, which need not begin another for each row.
CREATE OR REPLACE FUNCTION vac_store.moments(spans tstzmultirange) RETURNS SETOF bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		-- A multirange comes apart in order.
		SELECT unnest(ARRAY[vac_store.epoch(lower(p.part)), vac_store.epoch(upper(p.part))]) FROM unnest(spans) AS p (part);
	END;
COMMENT ON FUNCTION vac_store.moments(tstzmultirange) IS 'Start, end, start, end, … of spans in seconds since 1970';

CREATE OR REPLACE FUNCTION vac_store.flat(spans tstzmultirange) RETURNS bigint[]
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	AS $$
		BEGIN
			RETURN ARRAY(SELECT m FROM vac_store.moments(spans) m);
		END
	$$;
COMMENT ON FUNCTION vac_store.flat(tstzmultirange) IS 'Spans as a flat array: start, end, start, end, … in seconds since 1970';
