-- For which meetings must an interpreter be booked?
CREATE OR REPLACE VIEW vac.interpreters_to_book WITH (security_invoker = true) AS
	SELECT c.case_code, o.code AS office, r.language::text AS language, CASE r.interpreter WHEN 'on_site' THEN 'comes' || coalesce(' to ' || r.place, '')
				WHEN 'telephone' THEN 'by telephone' ELSE 'not said' END AS interpreter,
			vac_store.short_span(coalesce(a.span, r.interpreter_for), o.time_zone) AS meeting,
			CASE WHEN lower(coalesce(a.span, r.interpreter_for)) <= vac.now() THEN 'now'
				ELSE vac_store.due_text(lower(coalesce(a.span, r.interpreter_for)), vac.now()) END AS begins,
			CASE WHEN a.span IS NULL THEN E'CANCEL,\nnot needed' WHEN r.interpreter_for IS NULL THEN 'book'
				ELSE E'BOOK ANEW, was\n' || vac_store.short_time(lower(r.interpreter_for), o.time_zone) END AS to_do
		FROM (SELECT b.request_id FROM vac_store.request b WHERE b.interpreter_for IS NOT NULL
				UNION SELECT n.request_id FROM vac_store.appointment n WHERE n.live AND n.by_interpreter) w
			JOIN vac_store.request r ON r.request_id = w.request_id
			JOIN vac_store.case_record c ON c.case_id = r.case_id
			JOIN vac_store.office o ON o.office_id = r.office_id
			LEFT JOIN LATERAL (SELECT b.span FROM vac_store.appointment b
				WHERE b.request_id = r.request_id AND b.live AND b.by_interpreter AND upper(b.span) > vac.now()
				ORDER BY b.state <> 'accepted', b.appointment_id LIMIT 1) a ON true
		WHERE CASE WHEN a.span IS NULL THEN upper(r.interpreter_for) > vac.now() ELSE r.interpreter_for IS DISTINCT FROM a.span END
		ORDER BY lower(coalesce(a.span, r.interpreter_for)), o.code, c.case_code;
COMMENT ON VIEW vac.interpreters_to_book IS
	'For which meetings must an interpreter be booked, booked anew because the time changed, or cancelled? The next first. '
	'vac.interpreter_booked(case_code) ticks it off, with booked => false a cancellation';
COMMENT ON COLUMN vac.interpreters_to_book.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.interpreters_to_book.office IS 'Office that the case belongs to';
COMMENT ON COLUMN vac.interpreters_to_book.language IS 'Language that the victim needs';
COMMENT ON COLUMN vac.interpreters_to_book.interpreter IS 'By telephone, or to which place the interpreter comes; not said: the request asks for none';
COMMENT ON COLUMN vac.interpreters_to_book.meeting IS 'When, in local time of the office; to be cancelled: when it was booked for';
COMMENT ON COLUMN vac.interpreters_to_book.begins IS 'In how long that is';
COMMENT ON COLUMN vac.interpreters_to_book.to_do IS 'book; BOOK ANEW, since it is noted for another time; or CANCEL, since no such meeting is left';
GRANT SELECT ON vac.interpreters_to_book TO vac_supervisor;
