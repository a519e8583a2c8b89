-- For which meetings must an interpreter be booked?
CREATE OR REPLACE VIEW vac.interpreters_to_book WITH (security_invoker = true) AS
	SELECT w.case_code, o.code AS office, w.language, CASE w.interpreter WHEN 'on_site' THEN 'comes' || coalesce(' to ' || w.place, '')
				WHEN 'telephone' THEN 'by telephone' ELSE 'not said' END AS interpreter,
			vac_store.short_span(coalesce(w.meeting, w.booked), o.time_zone) AS meeting,
			CASE WHEN lower(coalesce(w.meeting, w.booked)) <= vac.now() THEN 'now'
				ELSE vac_store.due_text(lower(coalesce(w.meeting, w.booked)), vac.now()) END AS begins,
			CASE WHEN w.meeting IS NULL THEN E'CANCEL,\nnot needed' WHEN w.booked IS NULL THEN 'book'
				ELSE E'BOOK ANEW, was\n' || vac_store.short_time(lower(w.booked), o.time_zone) END AS to_do
		FROM (
			SELECT c.case_code, r.office_id, r.language::text AS language, r.interpreter::text AS interpreter, r.place, a.span AS meeting, r.interpreter_for AS booked
				FROM (SELECT b.request_id FROM vac_store.request b WHERE b.interpreter_for IS NOT NULL
						UNION SELECT n.request_id FROM vac_store.appointment n WHERE n.live AND n.by_interpreter) f
					JOIN vac_store.request r ON r.request_id = f.request_id
					JOIN vac_store.case_record c ON c.case_id = r.case_id
					LEFT JOIN LATERAL (SELECT b.span FROM vac_store.appointment b
						WHERE b.request_id = r.request_id AND b.live AND b.by_interpreter AND upper(b.span) > vac.now()
						ORDER BY b.state <> 'accepted', b.appointment_id LIMIT 1) a ON true
			UNION ALL
			SELECT l.case_code, l.office_id, l.language::text, l.interpreter::text, l.place, NULL, l.span FROM vac_store.interpreter_left l) w
			JOIN vac_store.office o ON o.office_id = w.office_id
		WHERE CASE WHEN w.meeting IS NULL THEN upper(w.booked) > vac.now() ELSE w.booked IS DISTINCT FROM w.meeting END
		ORDER BY lower(coalesce(w.meeting, w.booked)), o.code, w.case_code;
COMMENT ON VIEW vac.interpreters_to_book IS
	'For which meetings must an interpreter be booked, booked anew because the time changed, or cancelled? The next first. '
	'vac.interpreter_booked(case_code) ticks it off, with booked => false a cancellation';
COMMENT ON COLUMN vac.interpreters_to_book.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.interpreters_to_book.office IS 'Office that the case belongs to; of one that went elsewhere the office that booked';
COMMENT ON COLUMN vac.interpreters_to_book.language IS 'Language that the victim needs';
COMMENT ON COLUMN vac.interpreters_to_book.interpreter IS 'By telephone, or to which place the interpreter comes; not said: the request asks for none';
COMMENT ON COLUMN vac.interpreters_to_book.meeting IS 'When, in local time of the office; to be cancelled: when it was booked for';
COMMENT ON COLUMN vac.interpreters_to_book.begins IS 'In how long that is';
COMMENT ON COLUMN vac.interpreters_to_book.to_do IS 'book; BOOK ANEW, since it is noted for another time; or CANCEL, since no such meeting is left here';
GRANT SELECT ON vac.interpreters_to_book TO vac_supervisor;
