-- Who is away?
CREATE OR REPLACE VIEW vac.absences WITH (security_invoker = true) AS
	SELECT o.code AS office, k.code AS coordinator, vac_store.wrapped(k.name, 18) AS name,
			vac_store.days_span(l.span, coalesce(k.time_zone, o.time_zone)) AS away, CASE l.source WHEN 'verb' THEN 'supervisor' ELSE l.source END AS known_from, l.added_by AS entered_by,
			CASE WHEN lower(l.span) <= vac.now() THEN 'now' ELSE vac_store.due_text(lower(l.span), vac.now()) END AS begins
		FROM vac_store.leave l
			JOIN vac_store.coordinator k ON k.coordinator_id = l.coordinator_id
			JOIN vac_store.office o ON o.office_id = k.office_id
		WHERE upper(l.span) > vac.now() AND k.retired_at IS NULL
		ORDER BY lower(l.span), o.code, k.code;
COMMENT ON VIEW vac.absences IS 'Who is away, now and to come? Only the span is kept, never why';
COMMENT ON COLUMN vac.absences.office IS 'Office';
COMMENT ON COLUMN vac.absences.coordinator IS 'Code';
COMMENT ON COLUMN vac.absences.name IS 'Name';
COMMENT ON COLUMN vac.absences.away IS 'From when to when, in the coordinators local time';
COMMENT ON COLUMN vac.absences.known_from IS 'Where it comes from: a supervisor, an import, or mail of the coordinator';
COMMENT ON COLUMN vac.absences.entered_by IS 'Login that entered it';
COMMENT ON COLUMN vac.absences.begins IS 'In how long it begins, or now';
GRANT SELECT ON vac.absences TO vac_supervisor;
