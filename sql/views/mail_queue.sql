-- Which mail has not gone out yet?
CREATE OR REPLACE VIEW vac.mail_queue WITH (security_invoker = true) AS
	SELECT vac_store.kind_text(m.kind) AS mail, o.code AS office, c.case_code, vac_store.wrapped(m.recipient_name, 15) AS recipient,
			vac_store.length_text(vac.now() - m.made_at) AS waiting, m.attempts AS tries,
			vac_store.wrapped(CASE WHEN m.state = 'claimed' THEN 'being sent'
				WHEN m.not_before > vac.now() THEN 'again in ' || vac_store.length_text(m.not_before - vac.now())
				ELSE 'next' END
				|| CASE WHEN a.state = 'invited' AND m.kind IN ('invitation', 'update') AND a.send_by <= vac.now() THEN ', UNSENT: telephone' ELSE '' END, 19) AS state,
			vac_store.wrapped(left(regexp_replace(m.reply, '\s+', ' ', 'g'), 54), 18) AS server_said
		FROM vac_store.message m
			LEFT JOIN vac_store.office o ON o.office_id = m.office_id
			LEFT JOIN vac_store.case_record c ON c.case_id = m.case_id
			LEFT JOIN vac_store.appointment a ON a.appointment_id = m.appointment_id
		WHERE m.waiting
		ORDER BY m.urgent DESC, m.message_id;
COMMENT ON VIEW vac.mail_queue IS 'Which mail has not gone out yet? In the order in which it goes';
COMMENT ON COLUMN vac.mail_queue.mail IS 'invitation, change, cancellation, reminder, page, notice (to supervisors), news (to who opened the case), answer (to an invitation of leave), refused proposal, question, shift, probe';
COMMENT ON COLUMN vac.mail_queue.office IS 'Office of the case';
COMMENT ON COLUMN vac.mail_queue.case_code IS 'Code of the case; empty for a notice, and for another office''s case';
COMMENT ON COLUMN vac.mail_queue.recipient IS 'To whom';
COMMENT ON COLUMN vac.mail_queue.waiting IS 'For how long';
COMMENT ON COLUMN vac.mail_queue.tries IS 'How often it was tried';
COMMENT ON COLUMN vac.mail_queue.state IS 'next, being sent, or when it is tried again; UNSENT: an invitation that should be out by policy send_by';
COMMENT ON COLUMN vac.mail_queue.server_said IS 'The mail server''s last reply';
GRANT SELECT ON vac.mail_queue TO vac_supervisor;
