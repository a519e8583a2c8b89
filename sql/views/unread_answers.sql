-- Which mail that came in should a person look at?
CREATE OR REPLACE VIEW vac.unread_answers WITH (security_invoker = true) AS
	SELECT i.inbound_id AS mail, vac_store.short_time(i.received_at, coalesce(o.time_zone, h.time_zone, 'UTC'), 'DD Mon HH24:MI TZ') AS came,
			coalesce(o.code, h.code) AS office, c.case_code,
			left(coalesce(k.name, i.from_address, 'nobody named'), 20) AS sender,
			concat_ws(E'\n', coalesce(i.said, '?'), vac_store.short_time(lower(a.span), o.time_zone, 'DD Mon HH24:MI')) AS says,
			vac_store.wrapped(i.why, 32) AS why
		FROM vac_store.inbound i
			LEFT JOIN vac_store.office o ON o.office_id = i.office_id
			LEFT JOIN vac_store.coordinator k ON k.coordinator_id = i.coordinator_id
			LEFT JOIN vac_store.office h ON h.office_id = k.office_id
			LEFT JOIN vac_store.appointment a ON a.appointment_id = i.appointment_id
			LEFT JOIN vac_store.case_record c ON c.case_id = a.case_id
		WHERE i.state = 'listed' AND i.taken_up_at IS NULL
		ORDER BY i.inbound_id;
COMMENT ON VIEW vac.unread_answers IS
	'Which mail that came in should a person look at? It has changed nothing; the oldest first. vac.take_up(mail, ''accept'') does what it asks, '
	'vac.take_up(mail, ''dismiss'') takes it off the list';
COMMENT ON COLUMN vac.unread_answers.mail IS 'Its number, as vac.take_up() wants it';
COMMENT ON COLUMN vac.unread_answers.came IS 'When it came, in local time of the office';
COMMENT ON COLUMN vac.unread_answers.office IS 'Office of the case, else of who wrote it; empty: nobody knows whose it is';
COMMENT ON COLUMN vac.unread_answers.case_code IS 'Code of the case; empty for another office''s case, and where none is known';
COMMENT ON COLUMN vac.unread_answers.sender IS 'Who wrote it: a coordinator, else the address';
COMMENT ON COLUMN vac.unread_answers.says IS 'What it says in a word: accepted, declined, counter, held, …; ?: nothing clear; below it the appointment that it is about, in local time of the case''s office';
COMMENT ON COLUMN vac.unread_answers.why IS 'Why nothing was done by itself';
GRANT SELECT ON vac.unread_answers TO vac_supervisor;
