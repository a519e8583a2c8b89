-- What hurries moves what hurries less: which appointments the planner is given, what becomes of those it
-- moves, and what must not be moved, whatever a plan says.
BEGIN;
\ir core.psql
SELECT plan(102);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA']) w \g /dev/null
SELECT pg_temp.person('ZOE', 'BOS'), pg_temp.person('FAR', 'HNL') \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '20:00') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA', 'ZOE', 'FAR']) w \g /dev/null
UPDATE coordinator SET meetings_a_day = 20, weekly_minutes = 10000, max_open_cases = 100;
-- Urgent ones lie on day 2: beyond every notice, and within their five days; what they move goes to day 3.
CREATE FUNCTION pg_temp.at(day integer, local_time time) RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_temp.day_ahead(day, local_time) $$;
-- A routine or urgent request that somebody holds already, its invitation taken by a mail server; due in two weeks.
CREATE FUNCTION pg_temp.standing(who text, starts timestamptz, urgency text DEFAULT 'routine', minutes integer DEFAULT 60,
		office text DEFAULT 'NYC', claimed boolean DEFAULT true) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		r bigint := pg_temp.ask(urgency => standing.urgency, minutes => standing.minutes, office => standing.office, requester => 'officer@example.org');
		id bigint;
	BEGIN
		UPDATE vac_store.request SET due_at = now() + interval '14 days', state = 'planned' WHERE request_id = r;
		INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, state, counted_minutes)
			SELECT q.request_id, q.case_id, q.office_id, pg_temp.coordinator(who), tstzrange(starts, starts + q.minutes * interval '1 minute'),
					tstzrange(starts, starts + (q.minutes + 30) * interval '1 minute'), q.urgency, vac_store.handle(), now(), 'accepted', q.minutes
				FROM vac_store.request q WHERE q.request_id = r RETURNING appointment_id INTO id;
		PERFORM vac_store.queue_appointments('invitation', ARRAY[id]);
		IF claimed THEN
			UPDATE vac_store.message SET state = 'sent', ever_claimed = true WHERE appointment_id = id;
		END IF;
		RETURN id;
	END
$$;
-- One move as the planner writes it; said replaces what the plan found.
CREATE FUNCTION pg_temp.move(of_appointment bigint, who text, starts timestamptz, travel integer DEFAULT 0, said jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.choose(a.request_id, who, starts, r.minutes, travel)
			|| jsonb_build_object('appointment', a.appointment_id, 'from_coordinator', a.coordinator_id, 'from_start', vac_store.epoch(lower(a.span)),
				'cost', 1680, 'terms', '{"wait": 1440, "move": 240}'::jsonb) || said
		FROM vac_store.appointment a JOIN vac_store.request r USING (request_id) WHERE a.appointment_id = of_appointment
$$;
CREATE FUNCTION pg_temp.with_moves(decision jsonb, VARIADIC moves jsonb[]) RETURNS jsonb LANGUAGE sql AS
	$$ SELECT decision || jsonb_build_object('moves', to_jsonb(moves)) $$;
-- How an appointment stands, in a word or two.
CREATE FUNCTION pg_temp.stands(of_appointment bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', k.code, a.state, a.sequence, to_char(lower(a.span) AT TIME ZONE 'America/New_York', 'HH24:MI'),
			(SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id) FROM vac_store.message m WHERE m.appointment_id = a.appointment_id AND m.method IS NOT NULL))
		FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) WHERE a.appointment_id = of_appointment
$$;
CREATE FUNCTION pg_temp.request_of(of_appointment bigint) RETURNS bigint LANGUAGE sql AS
	$$ SELECT request_id FROM vac_store.appointment WHERE appointment_id = of_appointment $$;
CREATE FUNCTION pg_temp.held_by(request bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k.code || ' ' || to_char(lower(a.span) AT TIME ZONE 'America/New_York', 'HH24:MI'), ', ' ORDER BY a.appointment_id)
		FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) WHERE a.request_id = request AND a.live
$$;

-- ---- the same coordinator, later -------------------------------------------------------------
SELECT pg_temp.standing('ANNE', pg_temp.at(2, '10:00')) AS a \gset
SELECT pg_temp.request_of(:a) AS r, pg_temp.ask(urgency => 'urgent') AS u \gset
DELETE FROM message WHERE kind = 'requester';
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'ANNE', pg_temp.at(2, '10:00')), pg_temp.move(:a, 'ANNE', pg_temp.at(3, '09:30')))),
	'stored', 'an urgent one takes a routine one''s place, and that goes elsewhere');
SELECT is(pg_temp.held_by(:u), 'ANNE 10:00', 'the urgent one stands');
SELECT is(pg_temp.stands(:a), 'ANNE invited 1 09:30 invitation sent, update queued', 'the moved one keeps its coordinator, who is asked again: the acceptance was of the old time');
SELECT is((SELECT concat_ws(' ', lower(a.span) = pg_temp.at(3, '09:30'), upper(a.span) - lower(a.span), upper(a.busy) - upper(a.span), a.counted_minutes, a.ended_at)
	FROM appointment a WHERE a.appointment_id = :a), 't 01:00:00 00:30:00 60', 'its span and what is kept free went with it');
SELECT is((SELECT concat_ws(' ', m.method, m.sequence, m.span = a.span, m.uid = a.uid, m.subject LIKE 'Changed: case %', m.recipient, m.first_uuid IS NOT NULL)
	FROM message m JOIN appointment a USING (appointment_id) WHERE a.appointment_id = :a AND m.kind = 'update'), 'REQUEST 1 t t t anne@example.org t', 'its calendar gets the next SEQUENCE');
SELECT is((SELECT string_agg(concat_ws(' ', m.kind, m.subject LIKE '%: changed', m.body LIKE '%has been moved%09:30 to 10:30%'), ', ') FROM message m
	JOIN request q USING (case_id) WHERE q.request_id = :r AND m.kind = 'requester'), 'requester t t', 'who opened its case is told');
SELECT is((SELECT concat_ws(' ', state, tries) FROM request WHERE request_id = :r), 'planned 0', 'its request stays planned');
SELECT is((SELECT concat_ws(' ', d.cost, d.terms, d.made_room_for = :u, d.moved_from = jsonb_build_object('appointment', :a, 'coordinator', pg_temp.coordinator('ANNE'), 'start', epoch(pg_temp.at(2, '10:00')), 'accepted', true))
	FROM decision d WHERE d.appointment_id = :a), '1680 {"move": 240, "wait": 1440} t t', 'a decision says what it costs, for whom, and where it was');
SELECT is((SELECT string_agg(DISTINCT d.plan_id::text, ' ') FROM decision d WHERE d.request_id IN (:r, :u)), (SELECT max(plan_id)::text FROM plan), 'both are of one plan');
SELECT is((SELECT string_agg(event, ', ' ORDER BY history_id) FROM history WHERE request_id = :r), 'appointment_moved', 'history has the move');
SELECT is((SELECT string_agg(event, ', ' ORDER BY history_id) FROM history WHERE request_id = :u), 'request_planned, room_made', 'and for whom room was made');
SELECT is((SELECT replace(what, E'\n', ' ') FROM vac.history v JOIN case_record c USING (case_code) JOIN request q USING (case_id) WHERE q.request_id = :r AND what LIKE 'moved%'),
	format('moved from %s to %s, to make room for case %s', short_time(pg_temp.at(2, '10:00'), 'America/New_York'), short_time(pg_temp.at(3, '09:30'), 'America/New_York'),
		(SELECT c.case_code FROM case_record c JOIN request q USING (case_id) WHERE q.request_id = :u)), 'in words');
SELECT is((SELECT replace(what, E'\n', ' ') FROM vac.history v JOIN case_record c USING (case_code) JOIN request q USING (case_id) WHERE q.request_id = :u AND what LIKE 'room%'),
	format('room made: the appointment of case %s was moved', (SELECT c.case_code FROM case_record c JOIN request q USING (case_id) WHERE q.request_id = :r)), 'on both sides');
SELECT is(event_text('appointment_moved', '{"started": "2026-03-10 18:00Z", "starts": "2026-03-11 13:00Z", "other_coordinator": true}', 'America/New_York'),
	'moved to another coordinator, from Tue 10 Mar 14:00 EDT to Wed 11 Mar 09:00 EDT, to make room for another office''s case', 'another office''s case is not named');
SELECT is(event_text('room_made', '{}'), 'room made: another office''s appointment was moved', 'nor the other way round');

-- ---- another coordinator ---------------------------------------------------------------------
SELECT pg_temp.standing('BEN', pg_temp.at(2, '10:00')) AS a \gset
SELECT pg_temp.request_of(:a) AS r, pg_temp.ask(urgency => 'urgent') AS u \gset
DELETE FROM message WHERE kind = 'requester';
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'BEN', pg_temp.at(2, '10:15')), pg_temp.move(:a, 'CLEO', pg_temp.at(2, '10:00')))),
	'stored', 'a routine one goes to somebody else');
SELECT is(pg_temp.held_by(:u), 'BEN 10:15', 'the urgent one stands');
SELECT is(pg_temp.stands(:a), 'BEN replaced 1 10:00 invitation sent, cancel queued', 'an appointment never changes its coordinator: the old one ends, with CANCEL');
SELECT is((SELECT pg_temp.stands(b.appointment_id) FROM appointment b WHERE b.request_id = :r AND b.live), 'CLEO invited 0 10:00 invitation queued', 'and the new one begins with an invitation');
SELECT is((SELECT concat_ws(' ', b.uid <> a.uid, a.ended_at IS NOT NULL, b.counted_minutes, b.load_minutes) FROM appointment a, appointment b
	WHERE a.appointment_id = :a AND b.request_id = :r AND b.live), 't t 60 60', 'with a UID of its own');
SELECT is((SELECT concat_ws(' ', state, tries) FROM request WHERE request_id = :r), 'planned 1', 'one more was asked');
SELECT is((SELECT string_agg(concat_ws(' ', h.event, k.code, h.reason, h.detail ->> 'state'), ', ' ORDER BY h.history_id) FROM history h JOIN coordinator k USING (coordinator_id) WHERE h.request_id = :r),
	'appointment_cancelled BEN made_room replaced, appointment_moved CLEO', 'history has both');
SELECT is((SELECT concat_ws(' ', d.appointment_id = b.appointment_id, (d.moved_from ->> 'appointment')::bigint = :a) FROM decision d, appointment b
	WHERE d.request_id = :r AND b.request_id = :r AND b.live), 't t', 'the decision is about the new one');
SELECT is((SELECT count(*) FROM message m JOIN request q USING (case_id) WHERE q.request_id = :r AND m.kind = 'requester'), 1::bigint, 'who opened the case is told once');
-- To somebody of the backup office, with travel.
SELECT pg_temp.standing('DORA', pg_temp.at(2, '16:00')) AS a \gset
SELECT pg_temp.request_of(:a) AS r, pg_temp.ask(urgency => 'urgent') AS u \gset
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'DORA', pg_temp.at(2, '16:00')), pg_temp.move(:a, 'ZOE', pg_temp.at(3, '12:00')))), 'refused busy', 'who comes from elsewhere travels');
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'DORA', pg_temp.at(2, '16:00')), pg_temp.move(:a, 'ZOE', pg_temp.at(3, '12:00'), travel => 120))), 'stored', 'and then it fits');
SELECT is((SELECT counted_minutes FROM appointment WHERE request_id = :r AND live), 300, 'travel counts');

-- ---- nobody knew of it yet -------------------------------------------------------------------
SELECT pg_temp.standing('ANNE', pg_temp.at(2, '14:00'), claimed => false) AS a, pg_temp.standing('BEN', pg_temp.at(2, '14:00'), claimed => false) AS b \gset
SELECT pg_temp.request_of(:b) AS r, pg_temp.ask(urgency => 'urgent') AS u1, pg_temp.ask(urgency => 'urgent') AS u2 \gset
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u1, 'ANNE', pg_temp.at(2, '14:00')), pg_temp.move(:a, 'ANNE', pg_temp.at(3, '14:00'))),
	pg_temp.with_moves(pg_temp.choose(:u2, 'BEN', pg_temp.at(2, '14:00')), pg_temp.move(:b, 'CLEO', pg_temp.at(3, '14:00')))), 'stored, stored', 'two in one plan');
SELECT is(pg_temp.stands(:a), 'ANNE invited 1 14:00 invitation overtaken, update queued', 'an invitation that was not sent is overtaken');
SELECT is(pg_temp.stands(:b), 'BEN replaced 1 14:00 invitation overtaken, cancel unneeded', 'and what nobody knows of needs no CANCEL');

-- ---- a chain, and a swap ---------------------------------------------------------------------
SELECT pg_temp.standing('ANNE', pg_temp.at(2, '08:00')) AS a, pg_temp.standing('BEN', pg_temp.at(2, '08:00')) AS b, pg_temp.ask(urgency => 'urgent') AS u \gset
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'ANNE', pg_temp.at(2, '08:00')), pg_temp.move(:a, 'BEN', pg_temp.at(2, '08:00')), pg_temp.move(:b, 'CLEO', pg_temp.at(2, '08:00')))),
	'stored', 'one takes the other''s place, and that one goes on');
SELECT is(concat_ws(', ', pg_temp.held_by(:u), pg_temp.held_by(pg_temp.request_of(:a)), pg_temp.held_by(pg_temp.request_of(:b))), 'ANNE 08:00, BEN 08:00, CLEO 08:00', 'all three stand');
SELECT pg_temp.standing('ANNE', pg_temp.at(3, '17:00')) AS a, pg_temp.standing('ANNE', pg_temp.at(3, '18:30')) AS b, pg_temp.ask(urgency => 'urgent') AS u \gset
UPDATE office_hours SET to_time = '20:00' WHERE office_id = pg_temp.office('NYC');
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'BEN', pg_temp.at(2, '18:30')), pg_temp.move(:a, 'ANNE', pg_temp.at(3, '18:30')), pg_temp.move(:b, 'ANNE', pg_temp.at(3, '17:00')))),
	'stored', 'two change places');
SELECT is(concat_ws(', ', pg_temp.stands(:a), pg_temp.stands(:b)), 'ANNE invited 1 18:30 invitation sent, update queued, ANNE invited 1 17:00 invitation sent, update queued', 'each where the other was');

-- ---- the room that was made ------------------------------------------------------------------
SELECT pg_temp.standing('DORA', pg_temp.at(2, '10:00'), minutes => 120) AS a, pg_temp.ask(urgency => 'urgent') AS u1, pg_temp.ask(urgency => 'urgent', minutes => 30) AS u2, pg_temp.ask() AS s \gset
SELECT is(pg_temp.store(pg_temp.choose(:u2, 'DORA', pg_temp.at(2, '11:30'), minutes => 30), pg_temp.choose(:s, 'DORA', pg_temp.at(3, '15:00')),
		pg_temp.with_moves(pg_temp.choose(:u1, 'DORA', pg_temp.at(2, '10:00')), pg_temp.move(:a, 'DORA', pg_temp.at(3, '10:00')))),
	'stored, stored, stored', 'others of the plan find the room too, wherever they stand in it');
SELECT is((SELECT count(DISTINCT plan_id) FROM decision WHERE request_id IN (:u1, :u2, :s, pg_temp.request_of(:a))), 1::bigint, 'one plan is one row');
SELECT pg_temp.standing('CLEO', pg_temp.at(2, '14:00')) AS a, pg_temp.ask(urgency => 'urgent') AS u1, pg_temp.ask(urgency => 'urgent') AS u2 \gset
INSERT INTO leave (coordinator_id, span) VALUES (pg_temp.coordinator('CLEO'), tstzrange(pg_temp.at(4, '08:00'), pg_temp.at(4, '20:00')));
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u1, 'CLEO', pg_temp.at(2, '14:00')), pg_temp.move(:a, 'CLEO', pg_temp.at(4, '14:00'))), pg_temp.choose(:u2, 'BEN', pg_temp.at(2, '16:15'))),
	'refused leave, stored', 'what is refused is refused alone');
SELECT is(pg_temp.stands(:a), 'CLEO accepted 0 14:00 invitation sent', 'and the old place stands');
SELECT is(pg_temp.held_by(:u1), NULL, 'nothing of it is stored');
SELECT is((SELECT concat_ws(' ', state, refusals, plan_at <= clock_timestamp()) FROM request WHERE request_id = :u1), 'open 1 t', 'it is planned again');

-- ---- limits, with what moves out of the way --------------------------------------------------
SELECT pg_temp.person('EVE', 'NYC'), pg_temp.pattern('EVE', 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '20:00') \g /dev/null
UPDATE coordinator SET max_open_cases = 1, meetings_a_day = 1, weekly_minutes = 60 WHERE code = 'EVE';
SELECT pg_temp.standing('EVE', pg_temp.at(2, '10:00')) AS a, pg_temp.ask(urgency => 'urgent') AS u \gset
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', pg_temp.at(2, '10:00')), pg_temp.move(:a, 'EVE', pg_temp.at(2, '15:00')))), 'refused cap_open_cases', 'a limit that both would break');
UPDATE coordinator SET max_open_cases = 2 WHERE code = 'EVE';
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', pg_temp.at(2, '10:00')), pg_temp.move(:a, 'EVE', pg_temp.at(2, '15:00')))), 'refused cap_week', 'weekly minutes likewise');
UPDATE coordinator SET weekly_minutes = 120 WHERE code = 'EVE';
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', pg_temp.at(2, '10:00')), pg_temp.move(:a, 'EVE', pg_temp.at(2, '15:00')))), 'refused cap_day', 'meetings a day likewise');
UPDATE coordinator SET max_open_cases = 1, weekly_minutes = 60 WHERE code = 'EVE';
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', pg_temp.at(2, '10:00')), pg_temp.move(:a, 'CLEO', pg_temp.at(3, '16:00')))), 'stored', 'what leaves them counts no more');

-- ---- what may be moved -----------------------------------------------------------------------
SELECT pg_temp.standing('EVE', pg_temp.at(2, '14:00')) AS a, pg_temp.ask(urgency => 'urgent') AS u, pg_temp.ask() AS s, pg_temp.ask(urgency => 'immediate') AS n \gset
UPDATE coordinator SET max_open_cases = 9, weekly_minutes = 600, meetings_a_day = 9 WHERE code = 'EVE';
SELECT count(*) AS events, (SELECT count(*) FROM message) AS messages, (SELECT count(*) FROM decision) AS decisions, (SELECT count(*) FROM plan) AS plans FROM history WHERE event <> 'policy_set' \gset
CREATE FUNCTION pg_temp.try(u bigint, a bigint, who text DEFAULT 'EVE', at timestamptz DEFAULT pg_temp.at(3, '14:00'), said jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.store(pg_temp.with_moves(pg_temp.choose(u, 'EVE', pg_temp.at(2, '14:00')), pg_temp.move(a, who, at, said => said)))
$$;
SELECT is(pg_temp.try(:s, :a), 'refused move_forbidden', 'a routine one moves nothing');
UPDATE appointment SET pinned = true WHERE appointment_id = :a;
SELECT is(pg_temp.try(:u, :a), 'refused move_forbidden', 'what was set by hand stays');
UPDATE appointment SET pinned = false WHERE appointment_id = :a;
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :a);
SELECT is(pg_temp.try(:u, :a), 'refused move_forbidden', 'of a held case nothing is moved');
UPDATE case_record SET held_since = NULL WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :a);
SELECT vac.set_policy('may_be_moved', 'by immediate', 'routine') \g /dev/null
SELECT is(pg_temp.try(:u, :a), 'refused move_forbidden', 'the policy says by whom');
SELECT vac.set_policy('may_be_moved', 'by immediate and urgent', 'routine') \g /dev/null
UPDATE request SET urgency = 'urgent' WHERE request_id = pg_temp.request_of(:a);
SELECT is(pg_temp.try(:u, :a), 'refused move_forbidden', 'what hurries as much is not moved');
UPDATE request SET urgency = 'routine' WHERE request_id = pg_temp.request_of(:a);
UPDATE appointment SET urgency = 'urgent' WHERE appointment_id = :a;
SELECT is(pg_temp.try(:u, :a), 'refused move_forbidden', 'nor what did when it was made');
UPDATE appointment SET urgency = 'routine' WHERE appointment_id = :a;
SELECT is(pg_temp.try(:u, :a, said => '{"from_start": 1}'), 'refused move_changed', 'it is not where the plan found it');
SELECT is(pg_temp.try(:u, :a, said => jsonb_build_object('from_coordinator', pg_temp.coordinator('BEN'))), 'refused move_changed', 'nor with whom');
SELECT is(pg_temp.try(:u, :a, said => '{"from_coordinator": null}'), 'refused move_changed', 'nothing left unsaid');
SELECT is(pg_temp.try(:u, :a, said => jsonb_build_object('request', :u)), 'refused move_changed', 'nor of another request');
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', pg_temp.at(2, '14:00')), pg_temp.move(:a, 'EVE', pg_temp.at(3, '14:00')), pg_temp.move(:a, 'CLEO', pg_temp.at(3, '18:00')))),
	'refused move_changed', 'nothing is moved to two places');
UPDATE request SET state = 'open' WHERE request_id = pg_temp.request_of(:a);
SELECT is(pg_temp.try(:u, :a), 'refused move_changed', 'its request is being planned anew');
UPDATE request SET state = 'planned' WHERE request_id = pg_temp.request_of(:a);
UPDATE request SET due_at = pg_temp.at(3, '13:59') WHERE request_id = pg_temp.request_of(:a);
SELECT is(pg_temp.try(:u, :a), 'refused move_late', 'never past its own due time');
UPDATE request SET due_at = pg_temp.at(2, '13:00') WHERE request_id = pg_temp.request_of(:a);
SELECT is(pg_temp.try(:u, :a, at => pg_temp.at(2, '12:00')), 'refused move_late', 'what is late already is left alone');
UPDATE request SET due_at = now() + interval '14 days' WHERE request_id = pg_temp.request_of(:a);
SELECT vac.set_policy('move_chain', '0') \g /dev/null
SELECT is(pg_temp.try(:u, :a), 'refused move_chain', 'a chain of none');
SELECT vac.set_policy('move_chain', '2') \g /dev/null
SELECT vac.set_policy('notice', '5', 'routine') \g /dev/null
SELECT is(pg_temp.try(:u, :a), 'refused move_notice', 'what starts within its notice is left alone');
SELECT vac.set_policy('notice', '1', 'routine') \g /dev/null
SELECT is(pg_temp.try(:u, :a, at => clock_timestamp() + interval '10 minutes'), 'refused notice', 'nor is anything moved to within it');
SELECT is(pg_temp.try(:u, :a, 'FAR'), 'refused not_backup', 'rules hold where it goes: the office');
SELECT is(pg_temp.try(:u, :a, 'CLEO', pg_temp.at(4, '14:00')), 'refused leave', 'leave');
SELECT is(pg_temp.try(:u, :a, at => pg_temp.at(3, '07:00')), 'refused no_shift', 'shifts');
SELECT is(pg_temp.try(:u, :a, at => pg_temp.at(2, '15:00')), 'refused busy', 'the one that takes its place, with its buffer');
SELECT is(pg_temp.try(:u, :a, 'CLEO', pg_temp.at(3, '14:30')), 'refused busy', 'what stands there already');
INSERT INTO request_bar VALUES (pg_temp.request_of(:a), pg_temp.coordinator('DORA'), NULL);
SELECT is(pg_temp.try(:u, :a, 'DORA', pg_temp.at(3, '17:00')), 'refused barred', 'who declined it');
UPDATE request SET open_window = tstzrange(lower(open_window), pg_temp.at(3, '14:30')) WHERE request_id = pg_temp.request_of(:a);
SELECT is(pg_temp.try(:u, :a), 'refused window', 'its window');
UPDATE request SET open_window = tstzrange(lower(open_window), NULL) WHERE request_id = pg_temp.request_of(:a);
SELECT pg_temp.ask(of_case => (SELECT case_id FROM appointment WHERE appointment_id = :a)) AS sibling \gset
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
	SELECT request_id, case_id, office_id, pg_temp.coordinator('BEN'), tstzrange(pg_temp.at(3, '14:30'), pg_temp.at(3, '15:30')),
			tstzrange(pg_temp.at(3, '14:30'), pg_temp.at(3, '16:00')), 'routine', handle(), now() FROM request WHERE request_id = :sibling;
SELECT is(pg_temp.try(:u, :a), 'refused case_busy', 'another meeting of its case');
DELETE FROM appointment WHERE request_id = :sibling;
UPDATE request SET service = 'forensic_interview' WHERE request_id = :u;
SELECT is(pg_temp.try(:u, :a), 'refused service', 'and for whom it makes room');
UPDATE request SET service = 'counseling' WHERE request_id = :u;
UPDATE case_record SET state = 'withdrawn', ended_at = now() WHERE case_id = (SELECT case_id FROM request WHERE request_id = :u);
SELECT is(pg_temp.try(:u, :a), 'gone', 'who needs it no more gets no room');
UPDATE case_record SET state = 'open', ended_at = NULL WHERE case_id = (SELECT case_id FROM request WHERE request_id = :u);
SELECT is(pg_temp.stands(:a), 'EVE accepted 0 14:00 invitation sent', 'after all that it stands as it stood');
SELECT is((SELECT concat_ws(' ', count(*) - :events, (SELECT count(*) FROM message) - :messages, (SELECT count(*) FROM decision) - :decisions,
	(SELECT count(*) FROM plan) - :plans) FROM history WHERE event <> 'policy_set'),
	'0 0 0 0', 'and nothing is left of it: no history, no mail, no reasons, no plan');
UPDATE request SET refusals = 0 WHERE request_id = :u;
SELECT is(pg_temp.try(:u, :a), 'stored', 'with none of it left, it is moved');
SELECT is((SELECT concat_ws(' ', pg_temp.held_by(:u), refusals) FROM request WHERE request_id = :u), 'EVE 14:00 0', 'and the other takes its place');
UPDATE appointment SET state = 'cancelled' WHERE appointment_id = :a;
SELECT pg_temp.ask(urgency => 'urgent') AS u \gset
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', pg_temp.at(3, '14:00')), pg_temp.move(:a, 'EVE', pg_temp.at(3, '16:00')))), 'refused move_changed', 'what has ended is not moved');

-- ---- a call-out ------------------------------------------------------------------------------
INSERT INTO shift (coordinator_id, kind, span) VALUES (pg_temp.coordinator('EVE'), 'on_call', tstzrange(now() - interval '1 hour', now() + interval '24 hours'));
DELETE FROM office_hours WHERE office_id = pg_temp.office('NYC');
SELECT vac.set_policy('meeting_hours', 'any', 'urgent') \g /dev/null
SELECT pg_temp.standing('EVE', date_trunc('hour', now()) + interval '4 hours', 'urgent') AS a \gset
SELECT date_trunc('hour', now()) + interval '4 hours' AS t, pg_temp.ask(urgency => 'urgent') AS u, vac_store.policy_text('may_be_moved', 'urgent') AS before \gset
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:u, 'EVE', :'t'), pg_temp.move(:a, 'EVE', :'t'::timestamptz + interval '6 hours'))), 'refused move_forbidden', 'an urgent one moves no urgent one');
SELECT is(pg_temp.store(pg_temp.with_moves(pg_temp.choose(:n, 'EVE', :'t'::timestamptz + interval '10 minutes', buffer => 0), pg_temp.move(:a, 'EVE', :'t'::timestamptz + interval '6 hours'))), 'stored', 'a call-out does');
SELECT is((SELECT string_agg(DISTINCT m.urgent::text, ' ') FROM message m WHERE m.appointment_id = :a AND m.kind = 'update'), 'false', 'whose news does not hurry as the call-out''s does');

-- ---- plans on record -------------------------------------------------------------------------
CREATE FUNCTION pg_temp.tell(about jsonb, VARIADIC decisions jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(s.outcome || coalesce(' ' || s.rule, ''), ', ' ORDER BY s.n)
		FROM vac_store.dispatch_group g, LATERAL ROWS FROM (vac_daemon.store_plans(ARRAY[g.group_id], ARRAY[g.fence],
			jsonb_build_array(pg_temp.plan_of(g.group_id, to_jsonb(decisions), about)))) WITH ORDINALITY AS s (request_id, outcome, rule, n)
		WHERE g.group_id = pg_temp.office('NYC')
$$;
\set about '{"round": 41, "now": 1767571200, "requests": 3, "unserved": 1, "late_minutes": 7, "moves": 1, "cost": 1234, "steps": 99, "exact": true, "limited": false}'
SELECT pg_temp.ask(language => 'zu') AS z, pg_temp.ask(language => 'xh') AS x \gset
SELECT count(*) AS plans FROM plan \gset
SELECT is(pg_temp.tell(:'about', pg_temp.nobody(:z) || '{"nearest": {"12": 1767571200}}'), 'unserved', 'a plan in parts: one');
SELECT is(pg_temp.tell(:'about', pg_temp.nobody(:x)), 'unserved', 'and another');
SELECT is((SELECT concat_ws(' ', count(*), max(group_id) = pg_temp.office('NYC'), max(fence) = (SELECT fence FROM dispatch_group WHERE group_id = pg_temp.office('NYC')), extract(epoch FROM max(planned_at))::bigint, max(requests), max(unserved),
	max(late_minutes), max(moves), max(cost), max(steps), bool_and(exact), bool_or(limited)) FROM plan WHERE round = 41), '1 t t 1767571200 3 1 7 1 1234 99 t f', 'are one row, with the planner''s own figures');
SELECT is((SELECT string_agg(concat_ws(' ', p.round, d.nearest), ', ' ORDER BY decision_id) FROM decision d JOIN plan p USING (plan_id) WHERE request_id IN (:z, :x)), '41 {"12": 1767571200}, 41', 'decisions name it, and the nearest times');
SELECT is(pg_temp.tell('{"round": 42}', pg_temp.nobody(:z) || '{"nearest": {"12": 1767572100}}'), 'unserved', 'planned again, with another nearest time');
SELECT is((SELECT concat_ws(' ', (SELECT count(*) FROM decision WHERE request_id = :z), (SELECT count(*) FROM plan) - :plans)), '1 1', 'neither is written again');
SELECT is(pg_temp.tell('{"round": 43}', pg_temp.choose(:z, 'EVE', pg_temp.at(4, '10:00'))), 'refused language', 'a plan of which nothing is kept');
SELECT is((SELECT count(*) FROM plan WHERE round = 43), 0::bigint, 'is no row');
SELECT throws_ok('UPDATE plan SET cost = 0', '42501', NULL, 'a plan is not changed afterwards');

-- ---- what the planner is given ---------------------------------------------------------------
UPDATE request SET state = 'withdrawn' WHERE state = 'open';
UPDATE appointment SET state = 'cancelled' WHERE live;
INSERT INTO office_hours (office_id, weekday, from_time, to_time) SELECT pg_temp.office('NYC'), d, '08:00', '17:00' FROM generate_series(1, 5) d;
UPDATE dispatch_group SET fence = 7, lease_until = clock_timestamp() + interval '1 minute';
SELECT pg_temp.office('NYC') AS g \gset
INSERT INTO coordinator_language VALUES (pg_temp.coordinator('CLEO'), 'zu');
SELECT pg_temp.standing('ANNE', pg_temp.at(2, '10:00')) AS a, pg_temp.standing('BEN', pg_temp.at(2, '10:00'), 'urgent') AS b, pg_temp.standing('CLEO', pg_temp.at(2, '11:00')) AS c,
	pg_temp.standing('FAR', pg_temp.at(2, '11:00')) AS far, pg_temp.standing('DORA', pg_temp.at(2, '11:00'), office => 'HNL') AS other, pg_temp.standing('ZOE', pg_temp.at(2, '10:00'), office => 'BOS') AS z \gset
UPDATE appointment SET state = 'invited' WHERE appointment_id = :c;
UPDATE request SET language = 'zu' WHERE request_id = pg_temp.request_of(:c);
CREATE FUNCTION pg_temp.given() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT ok FROM vac_daemon.snapshot_begin(ARRAY[pg_temp.office('NYC')], ARRAY[7]::bigint[], 100)),
		(SELECT string_agg(k.code, ',' ORDER BY k.code) FROM vac_daemon.snapshot_standing() s
			JOIN vac_store.appointment a ON a.appointment_id = s.appointment_id AND a.request_id = s.request_id JOIN vac_store.coordinator k USING (coordinator_id)))
$$;
SELECT is(pg_temp.given(), 't', 'nothing to plan');
SELECT pg_temp.ask() AS s \gset
SELECT is(pg_temp.given(), 't', 'a routine request moves nothing, and is given nothing');
SELECT pg_temp.ask(urgency => 'urgent') AS u \gset
SELECT is(pg_temp.given(), 't ANNE,CLEO,ZOE', 'an urgent one the routine ones of its group');
SELECT is((SELECT string_agg(concat_ws(' ', k.code, s.accepted, s.urgency, s.minutes, s.language, s.earliest >= extract(epoch FROM policy_after('notice', 'routine', s.office_id, now()))::bigint,
		s.earliest <= extract(epoch FROM lower(a.span))::bigint, s.latest > s.earliest, s.due = extract(epoch FROM date_trunc('second', now()) + interval '14 days')::bigint), ', ' ORDER BY k.code)
	FROM vac_daemon.snapshot_standing() s JOIN appointment a USING (appointment_id) JOIN coordinator k USING (coordinator_id)),
	'ANNE t routine 60 en t t t t, CLEO f routine 60 zu t t t t, ZOE t routine 60 en t t t t', 'each with its request, as it is given of those to plan');
SELECT is((SELECT meets FROM vac_daemon.snapshot_coordinators() WHERE coordinator_id = pg_temp.coordinator('CLEO')), '{en,zu}', 'whoever speaks their language is known too');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_busy() b WHERE b.appointment_id IN (:a, :b, :c, :z)), 4::bigint, 'they are among what stands');
SELECT is((SELECT string_agg(concat_ws(' ', name, urgency, value), ', ' ORDER BY name, urgency) FROM vac_daemon.snapshot_policy() WHERE name IN ('may_be_moved', 'move_chain', 'plan_steps')),
	'may_be_moved immediate 0, may_be_moved routine 3, may_be_moved urgent 1, move_chain 2, plan_steps 16000000', 'and the policy says what may move what');
-- One after the other, each by what alone forbids it.
UPDATE appointment SET pinned = true WHERE appointment_id = :a;
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :c);
UPDATE request SET due_at = pg_temp.at(2, '09:00') WHERE request_id = pg_temp.request_of(:z);
SELECT is(pg_temp.given(), 't', 'nothing pinned, held, or late already');
UPDATE appointment SET pinned = false WHERE appointment_id = :a;
UPDATE case_record SET held_since = NULL;
UPDATE request SET due_at = now() + interval '14 days' WHERE request_id = pg_temp.request_of(:z);
UPDATE coordinator SET retired_at = now() WHERE code = 'ANNE';
UPDATE request SET urgency = 'urgent' WHERE request_id = pg_temp.request_of(:c);
UPDATE appointment SET span = tstzrange(pg_temp.at(8, '10:00'), pg_temp.at(8, '11:00')), busy = tstzrange(pg_temp.at(8, '10:00'), pg_temp.at(8, '11:30')) WHERE appointment_id = :z;
UPDATE request SET state = 'withdrawn' WHERE request_id = :s;
SELECT is(pg_temp.given(), 't', 'nothing of who has left, whose urgency changed, or beyond what is planned now');
UPDATE coordinator SET retired_at = NULL WHERE code = 'ANNE';
SELECT vac.set_policy('notice', '6', 'routine') \g /dev/null
SELECT is(pg_temp.given(), 't', 'nothing within its notice');
SELECT vac.set_policy('notice', '1', 'routine') \g /dev/null
SELECT is(pg_temp.given(), 't ANNE', 'one again');
SELECT vac.set_policy('move_chain', '0') \g /dev/null
SELECT is(pg_temp.given(), 't', 'unless nothing is ever moved');
SELECT vac.set_policy('move_chain', '2'), vac.set_policy('may_be_moved', 'by immediate', 'routine') \g /dev/null
SELECT is(pg_temp.given(), 't', 'or not by this one');
SELECT vac.set_policy('may_be_moved', 'by immediate and urgent', 'routine') \g /dev/null
UPDATE request SET urgency = 'immediate' WHERE request_id = :u;
UPDATE appointment SET span = tstzrange(now() + interval '3 hours', now() + interval '4 hours'), busy = tstzrange(now() + interval '3 hours', now() + interval '5 hours') WHERE appointment_id = :b;
SELECT is(pg_temp.given(), 't BEN', 'a call-out may move an urgent one, within the day that is planned');

SELECT * FROM finish();
ROLLBACK;
