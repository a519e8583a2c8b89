-- Who must be telephoned, because mail does not reach them?
CREATE OR REPLACE VIEW vac.to_telephone WITH (security_invoker = true) AS
	SELECT m.message_id AS message, o.code AS office, c.case_code, vac_store.wrapped(m.recipient_name, 18) AS coordinator, k.telephone::text AS telephone,
			CASE m.kind WHEN 'cancel' THEN E'need not come:\n' WHEN 'invitation' THEN E'set by hand, come:\n' ELSE E'changed, come:\n' END || vac_store.short_span(m.span, o.time_zone) AS tell,
			left(regexp_replace(m.reply, '\s+', ' ', 'g'), 18) AS server_said
		FROM vac_store.message m
			JOIN vac_store.appointment a ON a.appointment_id = m.appointment_id
			JOIN vac_store.office o ON o.office_id = m.office_id
			LEFT JOIN vac_store.case_record c ON c.case_id = m.case_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = a.coordinator_id
		WHERE m.amiss AND m.state = 'refused' AND (m.kind IN ('cancel', 'update') OR (m.kind = 'invitation' AND a.pinned AND a.state = 'invited')) AND m.telephoned_at IS NULL
			AND upper(m.span) > vac.now() AND (m.kind = 'cancel' OR a.live)
			AND NOT EXISTS (SELECT FROM vac_store.message n WHERE n.uid = m.uid AND n.message_id > m.message_id
				AND (n.state = 'sent' OR (n.state = 'refused' AND n.kind IN ('cancel', 'update', 'invitation'))))
		ORDER BY lower(m.span), m.message_id;
COMMENT ON VIEW vac.to_telephone IS
	'Who must be telephoned, because a cancellation or a change never reached them, or the invitation to what was set by hand? The soonest meeting first. vac.telephoned(message) notes that it is done';
COMMENT ON COLUMN vac.to_telephone.message IS 'Number of the message, as vac.telephoned() wants it';
COMMENT ON COLUMN vac.to_telephone.office IS 'Office of the case';
COMMENT ON COLUMN vac.to_telephone.case_code IS 'Code of the case; empty for another office''s case';
COMMENT ON COLUMN vac.to_telephone.coordinator IS 'Whom to telephone';
COMMENT ON COLUMN vac.to_telephone.telephone IS 'Work telephone';
COMMENT ON COLUMN vac.to_telephone.tell IS 'What to tell, with the time in local time of the office';
COMMENT ON COLUMN vac.to_telephone.server_said IS 'What the mail server or the report said';
GRANT SELECT ON vac.to_telephone TO vac_supervisor;
