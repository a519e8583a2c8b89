-- :appointments of them, all over and held, spread evenly over five years and all coordinators: case, request,
-- appointment, invitation. Made by sets; nothing fires and no key is looked up meanwhile.
SET session_replication_role = replica;
SET synchronous_commit = off;
SET search_path = vac_store, pg_catalog;

CREATE TABLE public.made AS
	SELECT i AS n, k.coordinator_id, k.office_id,
			date_trunc('hour', now()) - interval '1825 days' + (i / k.people) * (interval '1800 days' / greatest(1, :appointments / k.people + 1)) AS starts
		FROM generate_series(0, :appointments - 1) i
			JOIN (SELECT coordinator_id, office_id, row_number() OVER (ORDER BY coordinator_id) - 1 AS n, count(*) OVER () AS people
					FROM coordinator) k ON k.n = i % k.people;
INSERT INTO case_record (case_id, case_code, office_id, language, state, responsible_id, opened_at, opened_by, ended_at, first_contact_at)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, case_code_of(decode(md5(m.n::text), 'hex')), m.office_id, 'en', 'closed', m.coordinator_id,
			m.starts - interval '3 days', 'intake1', m.starts + interval '1 day', m.starts
		FROM public.made m
		ON CONFLICT DO NOTHING;
-- Two may have drawn one code.
DELETE FROM public.made m WHERE NOT EXISTS (SELECT FROM case_record c WHERE c.case_id = m.n + 1000);
INSERT INTO request (request_id, case_id, office_id, service, urgency, mode, place, language, minutes, open_window, due_at, state, opened_at, plan_at, tries)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, m.n + 1000, m.office_id, 'counseling', 'routine', 'at_office', 'MAIN', 'en', 60,
			tstzrange(m.starts - interval '3 days', NULL), m.starts + interval '1 hour', 'met', m.starts - interval '3 days',
			m.starts - interval '3 days', 1
		FROM public.made m;
INSERT INTO appointment (appointment_id, request_id, case_id, office_id, coordinator_id, span, busy, urgency, state, answer_handle, made_at, ended_at,
		partstat, answered_at, outcome, outcome_at, send_by, window_from, answer_by, sequence)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, m.n + 1000, m.n + 1000, m.office_id, m.coordinator_id, tstzrange(m.starts, m.starts + interval '1 hour'),
			tstzrange(m.starts, m.starts + interval '90 minutes'), 'routine', 'held', handle(), m.starts - interval '3 days',
			m.starts + interval '1 day', 'ACCEPTED', m.starts - interval '2 days', 'held', m.starts + interval '1 day',
			m.starts - interval '70 hours', m.starts - interval '71 hours', m.starts - interval '1 day', 0
		FROM public.made m;
INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient, recipient_name, made_at, span, subject, body, summary,
		bounce_handle, answer_handle, state, ever_claimed, attempts, sent_at, reply, not_before, checked)
	SELECT 'invitation', a.office_id, a.case_id, a.appointment_id, 'REQUEST', a.uid, 0, k.mail, k.name, a.made_at, a.span, 'Case',
			repeat('Please see to it. ', 10), 'Case', handle(), a.answer_handle, 'sent', true, 1, a.made_at, '250 2.0.0 Ok: queued', a.made_at, 1
		FROM appointment a JOIN coordinator k USING (coordinator_id);
-- Numbers go on where these end.
SELECT setval(pg_get_serial_sequence(format('vac_store.%I', t.name), t.name_id), (SELECT max(n) + 2000 FROM public.made))
	FROM (VALUES ('case_record', 'case_id'), ('request', 'request_id'), ('appointment', 'appointment_id')) t (name, name_id);
DROP TABLE public.made;
RESET session_replication_role;
