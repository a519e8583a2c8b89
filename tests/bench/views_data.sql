-- A year of 30 offices with 600 coordinators, by set: :cases cases, most of them over, the rest open. Nothing fires and
-- no key is looked up while it is loaded; the constraints that no index holds are kept by how it is made.
-- psql variables are :cases (how many) and :past (days that lie behind); the roster is there already.
SET session_replication_role = replica;
SET synchronous_commit = off;
SET search_path = vac_store, pg_catalog;

-- One meeting a day for each coordinator at most, so that none lies over another.
CREATE TABLE public.made AS
	SELECT i AS n, k.coordinator_id, k.office_id, d.day, s.starts, s.starts < now() AS over,
			s.starts < now() AND i % 60 <> 0 AS reported, s.starts > now() AND i % 5 = 0 AS unanswered
		FROM generate_series(0, :cases - 1) i
			JOIN (SELECT c.coordinator_id, c.office_id, row_number() OVER (ORDER BY c.coordinator_id) - 1 AS n, count(*) OVER () AS people
					FROM coordinator c) k ON k.n = i % k.people
			CROSS JOIN LATERAL (SELECT i * 365 / :cases AS day) d
			CROSS JOIN LATERAL (SELECT date_trunc('hour', now()) + (d.day - :past) * interval '1 day' + (i % 7) * interval '1 hour' AS starts) s;
INSERT INTO case_record (case_id, case_code, office_id, language, agency_reference, state, responsible_id, opened_at, opened_by, ended_at, first_contact_at)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, case_code_of(decode(md5(m.n::text), 'hex')), m.office_id, 'en', 'REF-' || m.n, CASE WHEN m.reported THEN 'closed' ELSE 'open' END,
			m.coordinator_id, m.starts - interval '3 days', 'intake' || m.n % 40, CASE WHEN m.reported THEN m.starts + interval '1 day' END,
			CASE WHEN m.reported THEN m.starts END
		FROM public.made m
		ON CONFLICT DO NOTHING;
-- Two may have drawn one code.
DELETE FROM public.made m WHERE NOT EXISTS (SELECT FROM case_record c WHERE c.case_id = m.n + 1000);
INSERT INTO request (request_id, case_id, office_id, service, urgency, mode, place, language, minutes, open_window, due_at, state, opened_at, plan_at, tries)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, m.n + 1000, m.office_id, 'counseling', CASE WHEN m.n % 10 = 0 THEN 'urgent' ELSE 'routine' END, 'at_office', 'MAIN', 'en', 60,
			tstzrange(m.starts - interval '3 days', NULL), m.starts + interval '1 hour', CASE WHEN m.reported THEN 'met' ELSE 'planned' END,
			m.starts - interval '3 days', m.starts - interval '3 days', 1
		FROM public.made m;
INSERT INTO appointment (appointment_id, request_id, case_id, office_id, coordinator_id, span, busy, urgency, state, answer_handle, made_at, ended_at,
		partstat, answered_at, outcome, outcome_at, send_by, window_from, answer_by, ask_at, sequence)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, m.n + 1000, m.n + 1000, m.office_id, m.coordinator_id, tstzrange(m.starts, m.starts + interval '1 hour'),
			tstzrange(m.starts, m.starts + interval '90 minutes'), CASE WHEN m.n % 10 = 0 THEN 'urgent' ELSE 'routine' END,
			CASE WHEN m.reported THEN 'held' WHEN m.unanswered THEN 'invited' ELSE 'accepted' END, handle(), m.starts - interval '3 days',
			CASE WHEN m.reported THEN m.starts + interval '1 day' END, CASE WHEN NOT m.unanswered THEN 'ACCEPTED' END,
			CASE WHEN NOT m.unanswered THEN m.starts - interval '2 days' END, CASE WHEN m.reported THEN 'held' END,
			CASE WHEN m.reported THEN m.starts + interval '1 day' END, m.starts - interval '70 hours', m.starts - interval '71 hours',
			m.starts - interval '1 day', CASE WHEN NOT m.reported THEN m.starts + interval '75 minutes' END, 0
		FROM public.made m;
-- One in eight had been declined by a colleague.
INSERT INTO appointment (appointment_id, request_id, case_id, office_id, coordinator_id, span, busy, urgency, state, answer_handle, made_at, ended_at, sequence)
	OVERRIDING SYSTEM VALUE
	SELECT m.n + :cases + 1000, m.n + 1000, m.n + 1000, m.office_id, m.coordinator_id, tstzrange(m.starts, m.starts + interval '1 hour'),
			tstzrange(m.starts, m.starts + interval '1 hour'), 'routine', 'declined', handle(), m.starts - interval '3 days', m.starts - interval '2 days', 1
		FROM public.made m WHERE m.n % 8 = 0;
INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient, recipient_name, made_at, span, subject, body, summary,
		bounce_handle, answer_handle, state, ever_claimed, attempts, sent_at, reply, not_before, checked)
	SELECT 'invitation', a.office_id, a.case_id, a.appointment_id, 'REQUEST', a.uid, 0, k.mail, k.name, a.made_at, a.span, 'Case', repeat('Please see to it. ', 20),
			'Case', handle(), a.answer_handle, 'sent', true, 1, a.made_at, '250 2.0.0 Ok: queued', a.made_at, 1
		FROM appointment a JOIN coordinator k USING (coordinator_id);
INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient, recipient_name, made_at, span, subject, body, summary,
		bounce_handle, answer_handle, state, ever_claimed, attempts, reply, not_before, checked)
	SELECT 'cancel', a.office_id, a.case_id, a.appointment_id, 'CANCEL', a.uid, 1, k.mail, k.name, a.ended_at, a.span, 'Cancelled', 'Cancelled', 'Cancelled',
			handle(), a.answer_handle, CASE WHEN a.appointment_id % 300 = 0 THEN 'refused' WHEN a.appointment_id % 301 = 0 THEN 'queued' ELSE 'sent' END,
			true, 1, '550 5.1.1 no such user', a.ended_at, 1
		FROM appointment a JOIN coordinator k USING (coordinator_id) WHERE a.state = 'declined';
-- Those that nobody can take, and what the planner said of them.
INSERT INTO plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps, exact, limited)
	SELECT o.group_id, n, 1, now() - n * interval '20 minutes', now() - n * interval '20 minutes', 3, 0, 0, 0, 900, 5000, true, false
		FROM (SELECT DISTINCT group_id FROM office) o, generate_series(1, :cases / 100) n;
INSERT INTO decision (request_id, appointment_id, at, cost, terms, runner_up, ruled_out, plan_id)
	SELECT m.n + 1000, m.n + 1000, m.starts - interval '3 days', 900, '{"wait": 420, "collateral": 480}',
			jsonb_build_object('coordinator', m.coordinator_id, 'start', epoch(m.starts), 'cost', 960, 'terms', '{"wait": 960}'::jsonb),
			jsonb_build_object('language', p.some, 'shift', p.others), NULL
		FROM public.made m JOIN (SELECT office_id, jsonb_agg(coordinator_id) FILTER (WHERE coordinator_id % 2 = 0) AS some,
				jsonb_agg(coordinator_id) FILTER (WHERE coordinator_id % 2 = 1) AS others FROM coordinator GROUP BY office_id) p USING (office_id);
UPDATE request r SET state = 'open', unserved_since = now() - interval '2 hours' WHERE r.state = 'planned' AND r.request_id % 41 = 0;
UPDATE appointment a SET state = 'cancelled', ended_at = now() FROM request r WHERE r.request_id = a.request_id AND r.state = 'open' AND a.live;
INSERT INTO decision (request_id, at, ruled_out)
	SELECT r.request_id, now() - n * interval '15 minutes', '{"language": [1, 2, 3], "shift": [4, 5]}' FROM request r, generate_series(1, 20) n WHERE r.state = 'open';
-- Clocks, history with notes, mail that came in.
INSERT INTO clock (case_id, kind, office_id, urgency, started_at, due_at, warnings, next_at, done_at, done_by)
	SELECT c.case_id, k.kind, c.office_id, CASE k.kind WHEN 'first_contact' THEN 'routine' END, c.opened_at, c.opened_at + k.after, 0,
			CASE WHEN k.running THEN c.opened_at + k.after END, CASE WHEN NOT k.running THEN c.opened_at + interval '1 hour' END,
			CASE WHEN NOT k.running THEN 'vacd' END
		FROM (SELECT c.case_id, d.kind, d.after, c.state = 'open' AND (c.case_id + d.n) % 8 = 0 AS running
			FROM case_record c, (VALUES (1, 'first_contact', interval '3 days'), (2, 'inform_of_responsible', interval '2 days')) d (n, kind, after)) k
			JOIN case_record c ON c.case_id = k.case_id;
INSERT INTO case_link (case_id, other_id, kind, added_at, added_by)
	SELECT m.n + 1000, m.n + 1001, 'family', m.starts, 'sup_one' FROM public.made m JOIN public.made o ON o.n = m.n + 1 WHERE m.n % 20 = 0;
INSERT INTO note (note_id, text, salt, hash) OVERRIDING SYSTEM VALUE
	SELECT m.n + 1000, x.text, x.salt, sha256(x.salt || convert_to(x.text, 'UTF8'))
		FROM public.made m, LATERAL (SELECT 'told by telephone' AS text, uuid_send(md5(m.n::text)::uuid) AS salt) x WHERE m.n % 20 = 0;
INSERT INTO history (at, who, event, office_id, case_id, request_id, appointment_id, coordinator_id, reason, note_id, detail)
	SELECT m.starts + e.after, e.who, e.event, m.office_id, m.n + 1000, m.n + 1000, CASE WHEN e.event <> 'case_opened' THEN m.n + 1000 END, m.coordinator_id,
			CASE WHEN e.event = 'answer_told' THEN 'accept' END, CASE WHEN e.event = 'answer_told' AND m.n % 20 = 0 THEN m.n + 1000 END,
			CASE e.event WHEN 'case_opened' THEN '{"urgency": "routine"}' ELSE '{}' END::jsonb
		FROM public.made m, (VALUES ('case_opened', 'intake1', interval '-3 days'), ('request_planned', 'vacd', interval '-71 hours'),
			('answer_told', 'sup_one', interval '-2 days'), ('outcome_recorded', 'vacd', interval '1 hour')) e (event, who, after)
		WHERE m.starts + e.after < now()
		ORDER BY m.starts;
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, size, not_before, state, outcome, handled_at, kind, said, office_id,
		appointment_id, coordinator_id, from_address, why)
	SELECT m.starts - interval '2 days', k.mail, 'vacd@agency.example', gen_random_uuid(), 3000, now(), CASE WHEN m.n % 400 = 0 THEN 'listed' ELSE 'done' END,
			CASE WHEN m.n % 400 = 0 THEN 'stale' ELSE 'taken' END, now(), 'calendar', 'accepted', m.office_id, m.n + 1000, m.coordinator_id, k.mail, 'an older state'
		FROM public.made m JOIN coordinator k USING (coordinator_id) WHERE NOT m.unanswered;
UPDATE inbound SET taken_up_at = now(), taken_up_by = 'sup_one', taken_up_as = 'dismiss' WHERE state = 'listed' AND inbound_id % 10 <> 0;
-- Leave, single shifts, on-call duty.
INSERT INTO leave (coordinator_id, span)
	SELECT c.coordinator_id, tstzrange(t, t + interval '5 days') FROM coordinator c, generate_series(0, 11) n,
		LATERAL (SELECT date_trunc('day', now()) + (n * 30 - 320 + c.coordinator_id % 30) * interval '1 day' AS t) x;
INSERT INTO shift (coordinator_id, kind, span)
	SELECT c.coordinator_id, 'on_call', tstzrange(t, t + interval '12 hours') FROM coordinator c, generate_series(0, 51) n,
		LATERAL (SELECT date_trunc('day', now()) + (n * 7 - 330 + c.coordinator_id % 7) * interval '1 day' + interval '18 hours' AS t) x;
INSERT INTO rotation (office_id, name, first_day, hand_over, days, lay_at)
	SELECT office_id, 'nights', current_date - 300, '17:00', 7, now() + interval '7 days' FROM office;
INSERT INTO rotation_member (rotation_id, place, coordinator_id)
	SELECT r.rotation_id, k.place, k.coordinator_id FROM rotation r
		JOIN (SELECT c.*, row_number() OVER (PARTITION BY c.office_id ORDER BY c.coordinator_id) AS place FROM coordinator c) k USING (office_id) WHERE k.place <= 6;
-- Numbers go on where these end.
SELECT setval(pg_get_serial_sequence(format('vac_store.%I', t.name), t.name_id), (SELECT max(n) + 2000 FROM public.made))
	FROM (VALUES ('case_record', 'case_id'), ('request', 'request_id'), ('note', 'note_id')) t (name, name_id);
SELECT setval(pg_get_serial_sequence('vac_store.appointment', 'appointment_id'), (SELECT max(appointment_id) + 1000 FROM appointment));
DROP TABLE public.made;
RESET session_replication_role;
