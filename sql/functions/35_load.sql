-- How much coordinators have had, and how much they are there for: what the planner's term `load` is
-- reckoned from. As of a moment, so that the cost of a plan that was made then can be worked out again.

CREATE OR REPLACE FUNCTION vac_store.load_of(people integer[], at timestamptz, before timestamptz)
	RETURNS TABLE (coordinator_id integer, load_minutes integer, weekly_shift_minutes integer)
	LANGUAGE plpgsql STABLE ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_nestloop = off
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			-- In hours: a day of somebody's session need not have 24.
			back CONSTANT tstzrange := tstzrange(at - interval '2184 hours', at);
			whole CONSTANT bigint := epoch(upper(back)) - epoch(lower(back));
			today CONSTANT date := local_day(at, 'UTC');
			settled CONSTANT bigint := 28 * 86400;       -- of less a median would be chance
		BEGIN
			RETURN QUERY
			WITH load AS MATERIALIZED (
				-- Thirteen weeks back, and all that is planned already: else a second plan would not see the first.
				SELECT a.coordinator_id,
						sum(coalesce(a.load_minutes, date_part('epoch', upper(a.span) - lower(a.span)) / 60))::integer AS minutes
					FROM appointment a
					WHERE a.coordinator_id = ANY (people) AND lower(a.span) >= lower(back)
						AND a.made_at < before AND (a.state IN ('invited', 'accepted', 'held', 'missed') OR a.ended_at >= before)
					GROUP BY a.coordinator_id
			), away AS MATERIALIZED (
				SELECT l.coordinator_id, range_agg(l.span * back) AS spans
					FROM leave l WHERE l.coordinator_id = ANY (people) AND l.span && back AND l.added_at < before
					GROUP BY l.coordinator_id
			), person AS MATERIALIZED (
				-- Seconds of it that they were there for: since they joined, and not on leave.
				SELECT k.coordinator_id, k.office_id, coalesce(l.minutes, 0) AS minutes,
						CASE WHEN v.spans IS NULL THEN epoch(at) - epoch(greatest(least(k.joined_at, at), lower(back)))
							ELSE coalesce((SELECT sum(epoch(upper(t.span)) - epoch(lower(t.span)))
								FROM unnest(multirange(back * tstzrange(least(k.joined_at, at), at)) - v.spans) t(span)), 0)::bigint
							END AS there
					FROM coordinator k
						LEFT JOIN load l ON l.coordinator_id = k.coordinator_id
						LEFT JOIN away v ON v.coordinator_id = k.coordinator_id
					WHERE k.coordinator_id = ANY (people)
			), median AS MATERIALIZED (
				SELECT p.office_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY p.minutes * whole / p.there) AS minutes
					FROM person p WHERE p.there >= settled
					GROUP BY p.office_id
			), pattern AS MATERIALIZED (
				SELECT p.coordinator_id,
						sum(date_part('epoch', p.to_time - p.from_time
							+ CASE WHEN p.to_time <= p.from_time THEN interval '24 hours' ELSE '0' END) / 60)::integer AS minutes
					FROM weekly_pattern p
					WHERE p.coordinator_id = ANY (people) AND p.kind = 'regular'
						AND p.valid @> today
					GROUP BY p.coordinator_id
			), single AS MATERIALIZED (
				SELECT s.coordinator_id, sum(date_part('epoch', upper(s.span) - lower(s.span)) / 240)::integer AS minutes
					FROM shift s
					WHERE s.coordinator_id = ANY (people) AND s.kind = 'regular'
						AND s.span && tstzrange(at, at + interval '672 hours')
					GROUP BY s.coordinator_id
			)
			SELECT k.coordinator_id,
					(k.minutes + coalesce(d.minutes, 0) * (whole - k.there) / whole)::integer,
					greatest(coalesce(p.minutes, 0) + coalesce(x.minutes, 0), 60)
				FROM person k
					LEFT JOIN median d ON d.office_id = k.office_id
					LEFT JOIN pattern p ON p.coordinator_id = k.coordinator_id
					LEFT JOIN single x ON x.coordinator_id = k.coordinator_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.load_of(integer[], timestamptz, timestamptz) IS
	'Of coordinators: weighted minutes of the thirteen weeks up to a moment and of what stands after it, as far as it was made before another moment and had not ended then; '
	'for the time of it that they were not there (not yet joined, or on leave) what the median of those of the same office in the list has in such a time; and shift minutes a week';
