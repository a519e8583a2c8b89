-- How much of collateral-duty coordinators' hours do meetings take?
CREATE OR REPLACE VIEW vac.collateral_hours WITH (security_invoker = true) AS
	SELECT o.code AS office, k.code AS coordinator, vac_store.wrapped(k.name, 20) AS name, vac_store.clock_text(l.week) AS this_week, vac_store.clock_text(l.most) AS of,
			vac_store.bar(l.week, l.most, 24) AS used, vac_store.clock_text(l.next_week) AS next_week, vac_store.clock_text(l.month / 4) AS usually
		FROM vac_store.hour_loads('collateral', vac.now()) l
			JOIN vac_store.coordinator k ON k.coordinator_id = l.coordinator_id
			JOIN vac_store.office o ON o.office_id = k.office_id
		ORDER BY o.code, l.week::numeric / greatest(l.most, 1) DESC, k.code;
COMMENT ON VIEW vac.collateral_hours IS
	'How much of the hours that collateral-duty coordinators may give do meetings take this week, travel and call-outs included? In each office the fullest first';
COMMENT ON COLUMN vac.collateral_hours.office IS 'Office of the coordinator';
COMMENT ON COLUMN vac.collateral_hours.coordinator IS 'Code';
COMMENT ON COLUMN vac.collateral_hours.name IS 'Name';
COMMENT ON COLUMN vac.collateral_hours.this_week IS 'Hours and minutes from Monday to Sunday, held or to come';
COMMENT ON COLUMN vac.collateral_hours.of IS 'How much a week may have: their own limit, else the policy''s';
COMMENT ON COLUMN vac.collateral_hours.used IS 'The same as a bar; an arrow at its end: more than the limit, which only a call-out may reach';
COMMENT ON COLUMN vac.collateral_hours.next_week IS 'Hours and minutes of the next week';
COMMENT ON COLUMN vac.collateral_hours.usually IS 'Hours and minutes a week in the four weeks before';
GRANT EXECUTE ON FUNCTION vac_store.hour_loads(text, timestamptz), vac_store.bar(numeric, numeric, integer),
	vac_store.clock_text(bigint) TO vac_supervisor;
GRANT SELECT ON vac.collateral_hours TO vac_supervisor;
