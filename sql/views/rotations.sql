-- Whose turn is it, now and next?
CREATE OR REPLACE VIEW vac.rotations WITH (security_invoker = true) AS
	SELECT o.code AS office, vac_store.wrapped(d.rotation, 14) AS rotation, vac_store.wrapped(coalesce(k.name, 'NOBODY'), 15) AS coordinator, k.telephone::text AS telephone,
			vac_store.short_span(d.span, o.time_zone) AS turn,
			vac_store.wrapped(CASE WHEN d.coordinator_id IS NULL THEN t.name || ' is away'
				WHEN d.turn_id <> d.coordinator_id THEN 'covers for ' || t.name END, 14) AS note
		FROM vac_store.duties(vac.now()) d
			JOIN vac_store.office o ON o.office_id = d.office_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = d.coordinator_id
			LEFT JOIN vac_store.coordinator t ON t.coordinator_id = d.turn_id
		ORDER BY o.office_id NOT IN (SELECT vac_store.my_offices()), o.code, d.rotation, d.span;
COMMENT ON VIEW vac.rotations IS 'Whose turn is it to be on call, now and next? One''s own offices first, then their backups';
COMMENT ON COLUMN vac.rotations.office IS 'Office';
COMMENT ON COLUMN vac.rotations.rotation IS 'Name of the rotation';
COMMENT ON COLUMN vac.rotations.coordinator IS 'Who is on call; NOBODY: a gap';
COMMENT ON COLUMN vac.rotations.telephone IS 'Work telephone';
COMMENT ON COLUMN vac.rotations.turn IS 'From when until when, in local time of the office';
COMMENT ON COLUMN vac.rotations.note IS 'For whom they cover, or why nobody has it';
GRANT SELECT ON vac.rotations TO vac_supervisor;
