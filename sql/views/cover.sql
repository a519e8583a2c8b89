-- When must who be there?
CREATE OR REPLACE VIEW vac.cover WITH (security_invoker = true) AS
	SELECT o.code AS office, c.name::text AS cover, vac_store.wrapped(vac_store.cover_hours_text(c.cover_id), 40) AS hours,
			vac_store.cover_whom(c.people, s.label, c.language) AS whom
		FROM vac_store.cover c
			JOIN vac_store.office o ON o.office_id = c.office_id
			LEFT JOIN vac_store.service s ON s.code = c.service
		WHERE o.retired_at IS NULL
		ORDER BY o.code, lower(c.name);
COMMENT ON VIEW vac.cover IS
	'When must who be at work or on call in each office? vac.set_cover() and vac.remove_cover() change it; view coverage_gaps shows who lacks';
COMMENT ON COLUMN vac.cover.office IS 'Office';
COMMENT ON COLUMN vac.cover.cover IS 'Name';
COMMENT ON COLUMN vac.cover.hours IS 'When, in local time of the office, holidays too; or in its hours, holidays excepted';
COMMENT ON COLUMN vac.cover.whom IS 'How many, and the service they give and language they speak, where it says so';
GRANT SELECT ON vac.cover TO vac_supervisor;
