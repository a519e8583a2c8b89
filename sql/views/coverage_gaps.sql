-- When is nobody on call who should be?
CREATE OR REPLACE VIEW vac.coverage_gaps WITH (security_invoker = true) AS
	SELECT o.code AS office, d.rotation AS lacks, CASE WHEN lower(d.span) <= vac.now() THEN 'now' ELSE vac_store.due_text(lower(d.span), vac.now()) END AS begins,
			vac_store.short_time(greatest(lower(d.span), vac.now()), o.time_zone) AS "from", vac_store.short_time(upper(d.span), o.time_zone) AS until,
			vac_store.length_text(upper(d.span) - greatest(lower(d.span), vac.now())) AS length, t.name || ' is away' AS because
		FROM vac_store.duties(vac.now()) d
			JOIN vac_store.office o ON o.office_id = d.office_id
			LEFT JOIN vac_store.coordinator t ON t.coordinator_id = d.turn_id
		WHERE d.coordinator_id IS NULL AND o.office_id IN (SELECT vac_store.my_offices())
		ORDER BY lower(d.span), o.code, d.rotation;
COMMENT ON VIEW vac.coverage_gaps IS 'When is nobody on call who should be by a rotation? vac.cover_duty() says who covers it';
COMMENT ON COLUMN vac.coverage_gaps.office IS 'Office';
COMMENT ON COLUMN vac.coverage_gaps.lacks IS 'The rotation that nobody has then';
COMMENT ON COLUMN vac.coverage_gaps.begins IS 'In how long it begins, or now';
COMMENT ON COLUMN vac.coverage_gaps."from" IS 'From when, in the office''s local time; now, if it has begun';
COMMENT ON COLUMN vac.coverage_gaps.until IS 'Until when, likewise';
COMMENT ON COLUMN vac.coverage_gaps.length IS 'How long that is';
COMMENT ON COLUMN vac.coverage_gaps.because IS 'Why nobody has it';
GRANT SELECT ON vac.coverage_gaps TO vac_supervisor;
