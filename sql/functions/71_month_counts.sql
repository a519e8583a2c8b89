-- What view monthly_report shows of each month. All cases of a year may be in it, so they are counted along indexes,
-- a month of an office at a time; only the clocks are joined as a whole.

CREATE OR REPLACE FUNCTION vac_store.month_counts(at timestamptz)
	RETURNS TABLE (office_id integer, month timestamp, cases bigint, contacted bigint, in_time bigint, hours double precision[], meetings bigint, served bigint)
	-- With the owner's rights: below row-level security the start of a span is looked up in no index. Hence my_offices().
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 400
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET work_mem = '32MB'
	SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
	mine CONSTANT integer[] := ARRAY(SELECT my_offices());
BEGIN
	RETURN QUERY
	-- The months as local time has them, oldest first; the last ends with this moment, which belongs to it.
	WITH year AS MATERIALIZED (
		SELECT o.office_id, m.months, ARRAY(SELECT t.month AT TIME ZONE o.time_zone FROM unnest(m.months) WITH ORDINALITY AS t (month, n) ORDER BY t.n)
				|| (month_counts.at + interval '1 microsecond') AS starts
			FROM office o
				CROSS JOIN LATERAL (SELECT ARRAY(SELECT date_trunc('month', month_counts.at AT TIME ZONE o.time_zone) - n * interval '1 month'
					FROM generate_series(12, 0, -1) n ORDER BY n DESC) AS months) m
			WHERE o.office_id = ANY (mine)
	), punctual AS MATERIALIZED (
		SELECT f.office_id, f.n, count(*) AS cases
			-- The month first, so that no row carries all months into the join.
			FROM (SELECT c.office_id, c.case_id, c.first_contact_at, width_bucket(c.opened_at, y.starts) AS n
					FROM year y JOIN case_record c ON c.office_id = y.office_id
					WHERE c.first_contact_at IS NOT NULL OFFSET 0) f
				-- Of a case there is one that is done.
				JOIN clock k ON k.case_id = f.case_id AND k.kind = 'first_contact' AND k.done_at IS NOT NULL
			WHERE k.office_id = ANY (mine) AND f.first_contact_at <= k.due_at
			GROUP BY 1, 2
	)
	SELECT y.office_id, y.months[s.n], c.cases, c.contacted, coalesce(p.cases, 0), c.hours, a.meetings, a.served
		FROM year y
			CROSS JOIN generate_series(1, 13) AS s (n)
			CROSS JOIN LATERAL (SELECT count(*) AS cases, count(r.first_contact_at) AS contacted,
					percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY date_part('epoch', r.first_contact_at - r.opened_at) / 3600) AS hours
				FROM case_record r
				WHERE r.office_id = y.office_id AND r.opened_at >= y.starts[s.n] AND r.opened_at < y.starts[s.n + 1]) c
			CROSS JOIN LATERAL (SELECT count(*) AS meetings, count(DISTINCT v.case_id) AS served
				FROM appointment v
				WHERE v.state = 'held' AND v.office_id = y.office_id AND lower(v.span) >= y.starts[s.n] AND lower(v.span) < y.starts[s.n + 1]) a
			LEFT JOIN punctual p ON p.office_id = y.office_id AND p.n = s.n
		WHERE c.cases > 0 OR a.meetings > 0;
END
$$;
COMMENT ON FUNCTION vac_store.month_counts(timestamptz) IS
	'Cases opened and meetings held in the month of a moment and the twelve before, in local time of the offices of the person at the keyboard';
