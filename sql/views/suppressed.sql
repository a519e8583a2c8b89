-- Which mail did not go out, or not as it was written?
CREATE OR REPLACE VIEW vac.suppressed WITH (security_invoker = true) AS
	SELECT vac_store.short_time(m.made_at, coalesce(o.time_zone, 'UTC'), 'DD Mon HH24:MI TZ') AS made, vac_store.kind_text(m.kind) AS mail, o.code AS office, c.case_code,
			vac_store.wrapped(m.recipient_name, 18) AS recipient,
			vac_store.wrapped(CASE WHEN m.state = 'refused' THEN 'refused: ' || coalesce(left(regexp_replace(m.reply, '\s+', ' ', 'g'), 96), 'no reply kept')
				WHEN m.state = 'suppressed' THEN 'kept back: ' || coalesce(vac_store.reason_text(h.reason), 'see history')
				ELSE 'neutral text instead: ' || coalesce(vac_store.reason_text(h.reason), 'see history') END, 36) AS what_became_of_it
		FROM vac_store.message m
			LEFT JOIN vac_store.office o ON o.office_id = m.office_id
			LEFT JOIN vac_store.case_record c ON c.case_id = m.case_id
			LEFT JOIN LATERAL (SELECT e.reason FROM vac_store.history e
				WHERE e.case_id = m.case_id AND e.message_id = m.message_id
					AND e.event IN ('message_suppressed', 'message_neutralised')
				ORDER BY e.history_id DESC LIMIT 1) h ON true
		WHERE m.amiss
		ORDER BY m.message_id DESC;
COMMENT ON VIEW vac.suppressed IS
	'Which mail was kept back, refused for good by the mail server, or sent with a neutral text? Newest first. Whoever should have '
	'got it may have to be told by telephone';
COMMENT ON COLUMN vac.suppressed.made IS 'When it was made, in local time of the office';
COMMENT ON COLUMN vac.suppressed.mail IS 'invitation, change, cancellation, page, notice (to supervisors), news (to who opened the case)';
COMMENT ON COLUMN vac.suppressed.office IS 'Office of the case';
COMMENT ON COLUMN vac.suppressed.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.suppressed.recipient IS 'To whom it was to go';
COMMENT ON COLUMN vac.suppressed.what_became_of_it IS 'Kept back and why; refused, with the mail server''s words; or sent with a neutral text and why';
GRANT SELECT ON vac.suppressed TO vac_supervisor;
