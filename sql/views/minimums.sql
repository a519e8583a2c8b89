-- Whom must an office have, by what it is?
CREATE OR REPLACE VIEW vac.minimums WITH (security_invoker = true) AS
	SELECT m.code AS minimum, d.code AS designation, vac_store.wrapped(m.people || ' ' || m.label
				|| coalesce(': ' || NULLIF(concat_ws(', ', vac_store.duty_text(m.duty), lower(s.label)), ''), ''), 22) AS must_have,
			vac_store.wrapped(m.source, 12) AS rule,
			CASE WHEN d.code IS NULL THEN 'all' ELSE (SELECT vac_store.wrapped(string_agg(o.code, ', ' ORDER BY o.code), 15)
				FROM vac_store.office_designation x JOIN vac_store.office o ON o.office_id = x.office_id
				WHERE x.designation = d.code AND o.retired_at IS NULL) END AS offices
		FROM vac_store.minimum m
			FULL JOIN vac_store.designation d ON d.code = m.designation
			LEFT JOIN vac_store.service s ON s.code = m.service
		ORDER BY d.code NULLS FIRST, m.code;
COMMENT ON VIEW vac.minimums IS
	'Whom must an office have at least, by what it is, and which offices are that? vac.set_designation() says what an office is, vac.set_minimum() '
	'whom it must have; view staffing shows who is there';
COMMENT ON COLUMN vac.minimums.minimum IS 'Name of the minimum; empty: nothing is asked for yet';
COMMENT ON COLUMN vac.minimums.designation IS 'What an office must be for it to apply; empty: it applies to every office';
COMMENT ON COLUMN vac.minimums.must_have IS 'How many of whom: and who counts, of which duty and giving which service';
COMMENT ON COLUMN vac.minimums.rule IS 'Where it comes from';
COMMENT ON COLUMN vac.minimums.offices IS 'The offices that are that';
GRANT SELECT ON vac.minimums TO vac_supervisor;
