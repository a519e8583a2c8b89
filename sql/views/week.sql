-- Who meets whom in the next seven days?
CREATE OR REPLACE VIEW vac.week WITH (security_invoker = true) AS
	SELECT vac_store.short_span(a.span, o.time_zone) AS meeting, o.code AS office, vac_store.wrapped(coalesce(k.name, 'not available'), 18) AS coordinator,
			coalesce(c.case_code, 'of ' || o.code) AS case_code, a.urgency::text AS urgency,
			vac_store.mode_text(r.mode, r.place) AS place,
			vac_store.standing_text('open', NULL, 'planned', NULL, a.state, lower(a.span), upper(a.span),
				EXISTS (SELECT FROM vac_store.message m WHERE m.uid = a.uid AND m.method = 'REQUEST' AND m.state = 'sent'),
				vac.now(), a.partstat) AS state
		FROM vac_store.appointment a
			JOIN vac_store.office o ON o.office_id = a.office_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
			LEFT JOIN vac_store.case_record c ON c.case_id = a.case_id
			LEFT JOIN vac_store.request r ON r.request_id = a.request_id
		WHERE a.live AND upper(a.span) > date_trunc('day', vac.now() AT TIME ZONE o.time_zone) AT TIME ZONE o.time_zone
			AND lower(a.span) < vac.now() + interval '7 days'
		ORDER BY lower(a.span), o.code, k.code;
COMMENT ON VIEW vac.week IS
	'Who meets whom from this morning on for seven days? One''s own offices'' cases, and the cases of others that one''s coordinators go to';
COMMENT ON COLUMN vac.week.meeting IS 'When, in local time of the case''s office';
COMMENT ON COLUMN vac.week.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.week.coordinator IS 'Who goes';
COMMENT ON COLUMN vac.week.case_code IS 'Code of the case; of another office''s case only whose it is';
COMMENT ON COLUMN vac.week.urgency IS 'immediate, urgent or routine';
COMMENT ON COLUMN vac.week.place IS 'Code of the place, or telephone';
COMMENT ON COLUMN vac.week.state IS 'mail not out yet, asked, perhaps (tentative), accepted, going on, or over';
GRANT SELECT ON vac.week TO vac_supervisor;
