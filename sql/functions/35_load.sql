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
		BEGIN
			RETURN QUERY
			WITH load AS MATERIALIZED (
				-- Four weeks back, and all that is planned already: else a second plan would not see the first.
				SELECT a.coordinator_id,
						sum(coalesce(a.load_minutes, date_part('epoch', upper(a.span) - lower(a.span)) / 60))::integer AS minutes
					FROM appointment a
					WHERE a.coordinator_id = ANY (people) AND lower(a.span) >= at - interval '28 days'
						AND a.made_at < before AND (a.state IN ('invited', 'accepted', 'held', 'missed') OR a.ended_at >= before)
					GROUP BY a.coordinator_id
			), median AS MATERIALIZED (
				SELECT k.office_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(l.minutes, 0)) AS minutes
					FROM coordinator k LEFT JOIN load l ON l.coordinator_id = k.coordinator_id
					WHERE k.coordinator_id = ANY (people) AND k.joined_at <= at - interval '28 days'
					GROUP BY k.office_id
			), pattern AS MATERIALIZED (
				SELECT p.coordinator_id,
						sum(date_part('epoch', p.to_time - p.from_time
							+ CASE WHEN p.to_time <= p.from_time THEN interval '24 hours' ELSE '0' END) / 60)::integer AS minutes
					FROM weekly_pattern p
					WHERE p.coordinator_id = ANY (people) AND p.kind = 'regular'
						AND p.valid @> local_day(at, 'UTC')
					GROUP BY p.coordinator_id
			), single AS MATERIALIZED (
				SELECT s.coordinator_id, sum(date_part('epoch', upper(s.span) - lower(s.span)) / 240)::integer AS minutes
					FROM shift s
					WHERE s.coordinator_id = ANY (people) AND s.kind = 'regular'
						AND s.span && tstzrange(at, at + interval '28 days')
					GROUP BY s.coordinator_id
			)
			SELECT k.coordinator_id,
					CASE WHEN k.joined_at > at - interval '28 days'
						THEN greatest(coalesce(l.minutes, 0), coalesce(d.minutes, 0)) ELSE coalesce(l.minutes, 0) END,
					greatest(coalesce(p.minutes, 0) + coalesce(x.minutes, 0), 60)
				FROM coordinator k
					LEFT JOIN load l ON l.coordinator_id = k.coordinator_id
					LEFT JOIN median d ON d.office_id = k.office_id
					LEFT JOIN pattern p ON p.coordinator_id = k.coordinator_id
					LEFT JOIN single x ON x.coordinator_id = k.coordinator_id
				WHERE k.coordinator_id = ANY (people);
		END
	$$;
COMMENT ON FUNCTION vac_store.load_of(integer[], timestamptz, timestamptz) IS
	'Of coordinators: weighted minutes of the four weeks up to a moment and of what stands after it, as far as it was made before another moment and had not ended then '
	'(a newcomer has at least the median of those of the same office in the list); and shift minutes a week';
