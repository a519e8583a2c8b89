-- Which holidays are to come?
CREATE OR REPLACE VIEW vac.holidays WITH (security_invoker = true) AS
	SELECT h.day, coalesce(o.code, 'all') AS office, h.name::text AS name
		FROM vac_store.holiday h LEFT JOIN vac_store.office o USING (office_id)
		-- One of all offices is over when it is so furthest to the west.
		WHERE h.day >= (CASE WHEN o.office_id IS NULL THEN vac.now() AT TIME ZONE 'UTC' - interval '12 hours' ELSE vac.now() AT TIME ZONE o.time_zone END)::date
		ORDER BY h.day, o.code NULLS FIRST;
COMMENT ON VIEW vac.holidays IS 'Which holidays are to come? Regular shifts fall out on them';
COMMENT ON COLUMN vac.holidays.day IS 'Local day';
COMMENT ON COLUMN vac.holidays.office IS 'Office whose holiday it is; all';
COMMENT ON COLUMN vac.holidays.name IS 'Name';
GRANT SELECT ON vac.holidays TO vac_supervisor, vac_intake;
