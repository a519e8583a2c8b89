-- What is overdue and what lacks, in one place: views overdue and coverage_gaps show it, and a digest mails it.

CREATE OR REPLACE FUNCTION vac_store.late_things(at timestamptz)
	RETURNS TABLE (case_id bigint, coordinator_id integer, n integer, due_at timestamptz, what text, urgency text)
	LANGUAGE sql STABLE ROWS 50
	BEGIN ATOMIC
		SELECT x.case_id, x.coordinator_id, min(x.n), min(x.due_at), string_agg(x.what, ', ' ORDER BY x.due_at, x.n, x.what),
				(array_agg(x.urgency ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], x.urgency)))[1]
			FROM (
				SELECT 1 AS n, r.case_id, r.urgency::text AS urgency, r.due_at, coalesce(a.coordinator_id,
							(SELECT h.responsible_id FROM vac_store.case_record h WHERE h.case_id = r.case_id)) AS coordinator_id,
						CASE WHEN a.appointment_id IS NULL THEN 'meeting' ELSE 'meeting comes late' END AS what
					FROM vac_store.request r
						LEFT JOIN LATERAL (SELECT b.appointment_id, b.coordinator_id, b.span FROM vac_store.appointment b
							WHERE b.request_id = r.request_id AND b.live ORDER BY lower(b.span), b.appointment_id LIMIT 1) a ON true
					WHERE r.state IN ('open', 'planned') AND r.due_at <= late_things.at AND (a.span IS NULL OR lower(a.span) > late_things.at)
				UNION ALL
				SELECT 2, a.case_id, a.urgency::text, coalesce(a.answer_by, a.send_by), a.coordinator_id,
						CASE WHEN a.answer_by IS NULL THEN 'invitation UNSENT' ELSE 'answer' END
					FROM vac_store.appointment a
					WHERE a.live AND a.state = 'invited' AND coalesce(a.answer_by, a.send_by) <= late_things.at AND upper(a.span) > late_things.at
				UNION ALL
				SELECT 3, k.case_id, k.urgency::text, k.due_at, coalesce(
							(SELECT h.responsible_id FROM vac_store.case_record h WHERE h.case_id = k.case_id),
							(SELECT b.coordinator_id FROM vac_store.appointment b WHERE b.case_id = k.case_id AND b.live
								ORDER BY lower(b.span), b.appointment_id LIMIT 1)), d.label::text
					FROM vac_store.clock k
						JOIN vac_store.clock_kind d ON d.kind = k.kind
					WHERE k.running AND k.due_at <= late_things.at) x
			GROUP BY x.case_id, x.coordinator_id;
	END;
COMMENT ON FUNCTION vac_store.late_things(timestamptz) IS
	'What should have been done by a moment, and is not: a row a case and whom to call about it, as far as the one who asks may see them';

CREATE OR REPLACE FUNCTION vac_store.cover_lacks(people integer, service text, language text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN people = 1 THEN 'nobody' ELSE 'fewer than ' || people END
		|| coalesce(' with ' || NULLIF(concat_ws(', ', lower(service), language), ''), '');
COMMENT ON FUNCTION vac_store.cover_lacks(integer, text, text) IS 'Who lacks where a cover is not met: nobody with es; fewer than 2 with crisis intervention';
