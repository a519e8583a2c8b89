-- Has each office whom it must have?
CREATE OR REPLACE VIEW vac.staffing WITH (security_invoker = true) AS
	SELECT o.code AS office, vac_store.wrapped(s.label, 22) AS must_have, s.at_least, s.there,
			CASE WHEN s.there < s.at_least THEN 'LACKS ' || s.at_least - s.there ELSE 'has' END AS standing,
			vac_store.wrapped(s.names, 22) AS who, vac_store.wrapped(s.because || ' (' || replace(s.sources, ' ', U&'\00A0') || ')', 31) AS because
		FROM (SELECT f.office_id, m.label, sum(m.people) AS at_least, sum(cardinality(f.coordinator_ids)) AS there,
					string_agg(w.names, ', ' ORDER BY m.code) AS names,
					string_agg(DISTINCT coalesce(d.label, 'every office'), '; ') AS because, string_agg(DISTINCT m.source, ', ') AS sources
				FROM vac_store.staffed() f
					JOIN vac_store.minimum m ON m.code = f.minimum
					LEFT JOIN vac_store.designation d ON d.code = m.designation
					LEFT JOIN LATERAL (SELECT string_agg(k.name || CASE WHEN EXISTS (SELECT FROM vac_store.leave l
								WHERE l.coordinator_id = k.coordinator_id AND l.span @> vac.now()) THEN ' (away)' ELSE '' END, ', ' ORDER BY k.code) AS names
							FROM vac_store.coordinator k WHERE k.coordinator_id = ANY (f.coordinator_ids)) w ON true
				GROUP BY f.office_id, m.label) s
			JOIN vac_store.office o ON o.office_id = s.office_id
		ORDER BY s.there >= s.at_least, o.code, s.label;
COMMENT ON VIEW vac.staffing IS
	'Has each office whom it must have at least? Those that lack somebody first. By what an office is (vac.set_designation()) and table minimum '
	'(view minimums); each coordinator counts once';
COMMENT ON COLUMN vac.staffing.office IS 'Office';
COMMENT ON COLUMN vac.staffing.must_have IS 'Whom it must have';
COMMENT ON COLUMN vac.staffing.at_least IS 'How many of them';
COMMENT ON COLUMN vac.staffing.there IS 'How many are on its roster, each counted for one minimum only';
COMMENT ON COLUMN vac.staffing.standing IS 'has, or LACKS so many';
COMMENT ON COLUMN vac.staffing.who IS 'Who they are, and whether they are on leave now';
COMMENT ON COLUMN vac.staffing.because IS 'What the office is that asks for it, and the rule that it comes from';
GRANT SELECT ON vac.staffing TO vac_supervisor;
