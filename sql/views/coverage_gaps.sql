-- When is nobody there who should be?
CREATE OR REPLACE VIEW vac.coverage_gaps WITH (security_invoker = true) AS
	SELECT o.code AS office, vac_store.wrapped(g.lacks, 16) AS lacks,
			CASE WHEN lower(g.span) <= vac.now() THEN 'now' ELSE vac_store.due_text(lower(g.span), vac.now()) END AS begins,
			vac_store.short_time(greatest(lower(g.span), vac.now()), o.time_zone) AS "from", vac_store.short_time(upper(g.span), o.time_zone) AS until,
			vac_store.length_text(upper(g.span) - greatest(lower(g.span), vac.now())) AS length, vac_store.wrapped(g.because, 16) AS because
		FROM (
			SELECT d.office_id, d.rotation AS lacks, d.span, t.name || ' is away' AS because
				FROM vac_store.duties(vac.now()) d LEFT JOIN vac_store.coordinator t ON t.coordinator_id = d.turn_id
				WHERE d.coordinator_id IS NULL AND d.office_id IN (SELECT vac_store.my_offices())
			UNION ALL
			SELECT p.office_id, c.name, p.span,
					vac_store.cover_lacks(c.people, s.label, c.language)
				FROM vac_store.cover_gaps(vac.now()) p
					JOIN vac_store.cover c ON c.cover_id = p.cover_id
					LEFT JOIN vac_store.service s ON s.code = c.service) g
			JOIN vac_store.office o ON o.office_id = g.office_id
		ORDER BY greatest(lower(g.span), vac.now()), o.code, g.lacks;
COMMENT ON VIEW vac.coverage_gaps IS
	'When is nobody at work or on call who should be, by a rotation or by view cover? The next first. vac.cover_duty() says who covers a part of a '
	'rotation, vac.add_shift() gives somebody a shift';
COMMENT ON COLUMN vac.coverage_gaps.office IS 'Office';
COMMENT ON COLUMN vac.coverage_gaps.lacks IS 'The rotation that nobody has then, or the cover (view cover) that is not met';
COMMENT ON COLUMN vac.coverage_gaps.begins IS 'In how long it begins, or now';
COMMENT ON COLUMN vac.coverage_gaps."from" IS 'From when, in the office''s local time; now, if it has begun';
COMMENT ON COLUMN vac.coverage_gaps.until IS 'Until when, likewise; of a cover at most as far ahead as policy cover_ahead says';
COMMENT ON COLUMN vac.coverage_gaps.length IS 'How long that is';
COMMENT ON COLUMN vac.coverage_gaps.because IS 'Who is away whose turn it is; or that nobody, or too few, are there who give that service and speak that language';
GRANT SELECT ON vac.coverage_gaps TO vac_supervisor;
