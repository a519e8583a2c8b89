-- Who is there against whom there must be: minimums of an office, and table cover hour by hour.

-- ---- whom an office must have ----------------------------------------------------------------
-- One step of a matching (Kuhn's): whoever sits elsewhere already moves on, if another place is found for them.
CREATE OR REPLACE FUNCTION vac_store.seat(of_office integer, seats text[], seat integer, INOUT holders integer[], INOUT tried integer[],
		OUT seated boolean)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	who integer;
	elsewhere integer;
BEGIN
	seated := false;
	FOR who IN
		SELECT k.coordinator_id FROM coordinator k, minimum m
			WHERE k.office_id = of_office AND k.retired_at IS NULL AND m.code = seats[seat] AND (m.duty IS NULL OR k.duty::text = m.duty)
				AND (m.service IS NULL OR EXISTS (SELECT FROM coordinator_service s WHERE s.coordinator_id = k.coordinator_id AND s.service = m.service))
			ORDER BY k.code
	LOOP
		CONTINUE WHEN who = ANY (tried);
		tried := tried || who;
		elsewhere := array_position(holders, who);
		IF elsewhere IS NULL THEN
			seated := true;
		ELSE
			SELECT s.holders, s.tried, s.seated INTO holders, tried, seated FROM seat(of_office, seats, elsewhere, holders, tried) s;
		END IF;
		IF seated THEN
			holders[seat] := who;
			RETURN;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.seat(integer, text[], integer, integer[], integer[]) IS
	'Finds somebody of an office for one place that a minimum asks for, moving others about where that helps';

CREATE OR REPLACE FUNCTION vac_store.staffed()
	RETURNS TABLE (office_id integer, minimum text, coordinator_ids integer[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 60
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one record;
	holders integer[];
	step record;
BEGIN
	FOR one IN
		-- The service that fewest give first: of two who count for it and for another, one is seen where they are rarer.
		SELECT o.office_id, array_agg(m.code ORDER BY g.givers, m.code) AS seats
			FROM office o CROSS JOIN minimum m CROSS JOIN LATERAL generate_series(1, m.people) n
				CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE s.service = m.service OR m.service IS NULL) AS givers FROM coordinator_service s) g
			WHERE o.retired_at IS NULL AND o.office_id IN (SELECT my_offices())
				AND (m.designation IS NULL OR EXISTS (SELECT FROM office_designation d
					WHERE d.office_id = o.office_id AND d.designation = m.designation))
			GROUP BY o.office_id
	LOOP
		holders := array_fill(NULL::integer, ARRAY[cardinality(one.seats)]);
		FOR n IN 1 .. cardinality(one.seats) LOOP
			SELECT * INTO step FROM seat(one.office_id, one.seats, n, holders, '{}');
			holders := step.holders;
		END LOOP;
		RETURN QUERY SELECT one.office_id, u.code, array_remove(array_agg(u.who ORDER BY u.n), NULL)
			FROM unnest(one.seats, holders) WITH ORDINALITY u (code, who, n) GROUP BY u.code;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.staffed() IS
	'For each minimum of each of one''s offices those who count for it: each coordinator for one, so that as many as can be are met';

-- ---- when somebody must be there -------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.cover_time(of_offices integer[], within tstzrange)
	RETURNS TABLE (cover_id integer, hours tstzmultirange)
	LANGUAGE sql STABLE ROWS 60
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT c.cover_id, t.hours
		FROM cover c JOIN office_time(of_offices, within) t ON t.office_id = c.office_id
		WHERE c.office_hours
	UNION ALL
	SELECT c.cover_id, range_agg(tstzrange(local_instant(d.day + h.from_time, o.time_zone),
			local_instant(d.day + (h.to_time <= h.from_time)::integer + h.to_time, o.time_zone))) * tstzmultirange(within)
		FROM cover c
			JOIN office o ON o.office_id = c.office_id
			JOIN cover_hours h ON h.cover_id = c.cover_id
			-- One day more at the front: a night begins the evening before.
			CROSS JOIN LATERAL (SELECT local_day(lower(within), o.time_zone) - 1 + n AS day
				FROM generate_series(0, local_day(upper(within), o.time_zone) - local_day(lower(within), o.time_zone) + 1) n) d
		WHERE c.office_id = ANY (of_offices) AND NOT c.office_hours AND h.weekday = date_part('isodow', d.day)
		GROUP BY c.cover_id;
$$;
COMMENT ON FUNCTION vac_store.cover_time(integer[], tstzrange) IS 'When the covers of these offices ask for somebody, within a span';

CREATE OR REPLACE FUNCTION vac_store.manned_time(of_offices integer[], within tstzrange)
	RETURNS TABLE (office_id integer, coordinator_id integer, hours tstzmultirange)
	LANGUAGE sql STABLE ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT k.office_id, k.coordinator_id, range_agg(t.at_work)
		FROM open_time(ARRAY(SELECT w.coordinator_id FROM coordinator w WHERE w.office_id = ANY (of_offices) AND w.retired_at IS NULL), within) t
			JOIN coordinator k ON k.coordinator_id = t.coordinator_id
		GROUP BY k.office_id, k.coordinator_id
	UNION ALL
	-- A coordinator of a backup office who holds a turn of this one's rotation is there for this one.
	SELECT r.office_id, d.coordinator_id, range_agg(d.span) * tstzmultirange(within) - absent_time(d.coordinator_id)
		FROM duty_shift d
			JOIN rotation r ON r.rotation_id = d.rotation_id
			JOIN coordinator k ON k.coordinator_id = d.coordinator_id
		WHERE r.office_id = ANY (of_offices) AND k.office_id <> r.office_id AND d.live AND d.span && within
		GROUP BY r.office_id, d.coordinator_id;
$$;
COMMENT ON FUNCTION vac_store.manned_time(integer[], tstzrange) IS
	'When who is there for these offices, at work or on call: their own people, and others who hold a turn of their rotations';

CREATE OR REPLACE FUNCTION vac_store.at_least(spans tstzmultirange[], most integer) RETURNS tstzmultirange
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(range_agg(tstzrange(s.at, s.next)) FILTER (WHERE s.people >= most), '{}')
		FROM (SELECT e.at, lead(e.at) OVER w AS next, sum(e.step) OVER w AS people
				FROM (SELECT m.at, sum(m.step) AS step
						FROM unnest(spans) u (hours), unnest(u.hours) AS p (part),
							LATERAL (VALUES (lower(p.part), 1), (upper(p.part), -1)) m (at, step)
						GROUP BY m.at) e
				WINDOW w AS (ORDER BY e.at)) s;
$$;
COMMENT ON FUNCTION vac_store.at_least(tstzmultirange[], integer) IS 'When at least so many of these are there at once';

CREATE OR REPLACE FUNCTION vac_store.gaps_of(of_offices integer[], ahead tstzrange)
	RETURNS TABLE (office_id integer, cover_id integer, span tstzrange)
	LANGUAGE plpgsql STABLE ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	offices CONSTANT integer[] := ARRAY(SELECT DISTINCT c.office_id FROM cover c JOIN office o ON o.office_id = c.office_id
		WHERE o.retired_at IS NULL AND c.office_id = ANY (of_offices));
BEGIN
	RETURN QUERY
	WITH manned AS MATERIALIZED (
		SELECT * FROM manned_time(offices, ahead)
	)
	SELECT c.office_id, c.cover_id, part
		FROM cover_time(offices, ahead) n
			JOIN cover c ON c.cover_id = n.cover_id
			CROSS JOIN LATERAL (SELECT array_agg(t.hours * n.hours) AS hours FROM manned t
				WHERE t.office_id = c.office_id
					AND (c.service IS NULL OR EXISTS (SELECT FROM coordinator_service s
						WHERE s.coordinator_id = t.coordinator_id AND s.service = c.service))
					AND (c.language IS NULL OR EXISTS (SELECT FROM coordinator_language l
						WHERE l.coordinator_id = t.coordinator_id AND language_fits(c.language, l.language)))) f
			CROSS JOIN LATERAL unnest(n.hours - at_least(f.hours, c.people)) part
		WHERE n.hours IS NOT NULL;
END
$$;
COMMENT ON FUNCTION vac_store.gaps_of(integer[], tstzrange) IS 'When these offices lack somebody whom table cover asks for';

CREATE OR REPLACE FUNCTION vac_store.cover_gaps(at timestamptz)
	RETURNS TABLE (office_id integer, cover_id integer, span tstzrange)
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT g.* FROM gaps_of(ARRAY(SELECT my_offices()), tstzrange(at, at + policy_number('cover_ahead') * interval '1 day')) g;
$$;
COMMENT ON FUNCTION vac_store.cover_gaps(timestamptz) IS
	'When one''s offices lack somebody whom table cover asks for, from a moment as far ahead as policy cover_ahead says';

CREATE OR REPLACE FUNCTION vac_store.cover_hours_text(of_cover integer) RETURNS text
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT CASE WHEN c.office_hours THEN 'office hours'
				ELSE (SELECT string_agg(vac_store.days_text(h.days) || ' ' || h.span, '; ' ORDER BY h.days, h.span) FROM (
					SELECT array_agg(w.weekday ORDER BY w.weekday) AS days,
							to_char(w.from_time, 'HH24:MI') || '-' || to_char(w.to_time, 'HH24:MI') AS span
						FROM vac_store.cover_hours w WHERE w.cover_id = c.cover_id
						GROUP BY w.from_time, w.to_time) h) END
			FROM vac_store.cover c WHERE c.cover_id = of_cover;
	END;
COMMENT ON FUNCTION vac_store.cover_hours_text(integer) IS 'The hours of a cover as people write them: Mon-Sun 17:00-08:00, or office hours';

CREATE OR REPLACE FUNCTION vac_store.cover_whom(people integer, service text, language text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN concat_ws(', ', CASE WHEN people = 1 THEN 'somebody' ELSE people || ' people' END, lower(service), language);
COMMENT ON FUNCTION vac_store.cover_whom(integer, text, text) IS 'Whom a cover asks for: somebody, es; 2 people, crisis intervention';

CREATE OR REPLACE FUNCTION vac_store.policy_words(kind text, value text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE
		WHEN kind = 'minutes' AND value::integer > 90 AND value::integer % 60 = 0 THEN value::integer / 60 || ' h'
		WHEN kind = 'minutes' THEN value || ' min'
		ELSE value || ' ' || replace(kind, '_', ' ') END;
COMMENT ON FUNCTION vac_store.policy_words(text, text) IS 'A length of time that a policy sets, in words: 60 min, 24 h, 3 office days';
