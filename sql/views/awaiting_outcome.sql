-- Of which meetings does nobody know what became of them?
CREATE OR REPLACE VIEW vac.awaiting_outcome WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, vac_store.short_span(a.span, o.time_zone) AS meeting, vac_store.wrapped(coalesce(k.name, 'not available'), 18) AS coordinator,
			k.telephone::text AS telephone, CASE a.state WHEN 'accepted' THEN 'accepted' ELSE 'never answered' END AS answer,
			a.asks::integer AS asked, vac_store.length_text(vac.now() - upper(a.span)) AS over_for
		FROM vac_store.appointment a
			JOIN vac_store.case_record c ON c.case_id = a.case_id
			JOIN vac_store.office o ON o.office_id = a.office_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
		WHERE a.live AND upper(a.span) <= vac.now() AND c.state = 'open'
		ORDER BY upper(a.span), a.appointment_id;
COMMENT ON VIEW vac.awaiting_outcome IS
	'Of which meetings does nobody know what became of them? The oldest first; their holders were asked, and vac.record_outcome() notes what they say';
COMMENT ON COLUMN vac.awaiting_outcome.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.awaiting_outcome.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.awaiting_outcome.meeting IS 'When it was, in local time of the office';
COMMENT ON COLUMN vac.awaiting_outcome.coordinator IS 'Who was to be there';
COMMENT ON COLUMN vac.awaiting_outcome.telephone IS 'Their work telephone';
COMMENT ON COLUMN vac.awaiting_outcome.answer IS 'Whether they had accepted it';
COMMENT ON COLUMN vac.awaiting_outcome.asked IS 'How often they were asked by mail what became of it';
COMMENT ON COLUMN vac.awaiting_outcome.over_for IS 'How long ago it ended';
GRANT SELECT ON vac.awaiting_outcome TO vac_supervisor;
