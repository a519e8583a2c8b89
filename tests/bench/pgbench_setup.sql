-- What PostgreSQL alone can do with the rows that a planned case takes: one appointment, one message,
-- one update of the request, with every constraint, index and trigger that they have.
CREATE SCHEMA bench;
CREATE SEQUENCE bench.next;
CREATE TABLE bench.request (first bigint);

CREATE FUNCTION bench.make_requests(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM vac.open_case('F01');
	INSERT INTO vac_store.case_record (case_code, office_id, language, opened_at)
		SELECT translate(substr(code, 1, 3) || '-' || substr(code, 4), '0123456789', 'ABCDEFGHJK'), office_id, 'en', now()
		FROM (SELECT lpad(i::text, 6, '0') AS code, office_id
			FROM generate_series(1, n) i, (SELECT office_id FROM vac_store.office WHERE code = 'F01') o) c;
	INSERT INTO vac_store.request (case_id, office_id, service, urgency, mode, place, language, minutes,
			open_window, due_at, opened_at, plan_at)
		SELECT c.case_id, c.office_id, r.service, r.urgency, r.mode, r.place, r.language, r.minutes,
			r.open_window, r.due_at, r.opened_at, 'infinity'
		FROM vac_store.case_record c, (SELECT * FROM vac_store.request ORDER BY request_id LIMIT 1) r
		WHERE c.case_id <> r.case_id;
	INSERT INTO bench.request SELECT min(request_id) + 1 FROM vac_store.request;
END $$;

CREATE FUNCTION bench.handle() RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT substr(translate(gen_random_uuid()::text, '-0189', 'abcde'), 1, 13)
$$;

CREATE FUNCTION bench.one_transaction(n int) RETURNS void LANGUAGE sql AS $$
	WITH people AS MATERIALIZED (
		SELECT array_agg(coordinator_id ORDER BY coordinator_id) AS ids FROM vac_store.coordinator
	), turn AS MATERIALIZED (
		SELECT nextval('bench.next') - 1 AS number FROM generate_series(1, n)
	), picked AS MATERIALIZED (
		SELECT r.*, ids[1 + number % cardinality(ids)] AS coordinator_id,
			date_trunc('hour', now()) + (number / cardinality(ids) + 1) * interval '2 hours' AS starts
		FROM turn CROSS JOIN people CROSS JOIN LATERAL (
			SELECT request_id, case_id, office_id FROM vac_store.request
			WHERE request_id = (SELECT first FROM bench.request) + number) r
	), made AS (
		INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency,
				answer_handle, made_at)
			SELECT request_id, case_id, office_id, coordinator_id, tstzrange(starts, starts + interval '1 hour'),
				tstzrange(starts, starts + interval '90 minutes'), 'routine', bench.handle(), now()
			FROM picked
		RETURNING *
	), queued AS (
		INSERT INTO vac_store.message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient,
				recipient_name, made_at, span, subject, body, summary, location, description, bounce_handle,
				answer_handle, not_before)
			SELECT 'invitation', m.office_id, m.case_id, m.appointment_id, 'REQUEST', m.uid, 0, p.mail, p.name, now(),
				m.span, 'Meeting, case', repeat('A line of the text that is mailed. ', 20), 'Meeting',
				'Federal Building', repeat('A line of the description. ', 10), bench.handle(), m.answer_handle, now()
			FROM made m JOIN vac_store.coordinator p USING (coordinator_id)
	)
	UPDATE vac_store.request r SET state = 'planned' FROM picked WHERE r.request_id = picked.request_id
$$;
