-- Storing plans: every hard rule is checked again, what is refused is planned again, what nobody can
-- take is kept and told.
BEGIN;
\ir core.psql
SELECT plan(125);
SELECT pg_temp.person('ANNE', 'NYC', gender => 'female', pager => 'pager.anne@example.org'), pg_temp.person('BEN', 'NYC', gender => 'male'),
	pg_temp.person('PART', 'NYC', duty => 'collateral'), pg_temp.person('ZOE', 'BOS'), pg_temp.person('FAR', 'HNL') \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00'), pg_temp.pattern(w, 'on_call', ARRAY[1, 2, 3, 4, 5, 6, 7], '17:00', '08:00')
	FROM unnest(ARRAY['ANNE', 'BEN', 'PART', 'ZOE', 'FAR']) w \g /dev/null
-- Days that are far enough ahead for every notice.
SELECT pg_temp.day_ahead(4, '10:00') AS d1, pg_temp.day_ahead(5, '10:00') AS d2, pg_temp.day_ahead(6, '10:00') AS d3, pg_temp.day_ahead(7, '10:00') AS d4 \gset

-- ---- stored ----------------------------------------------------------------------------------
SELECT pg_temp.ask(requester => 'officer@example.org') AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d1')), 'stored', 'a plan that breaks no rule is stored');
SELECT is((SELECT state || ' ' || tries FROM request WHERE request_id = :r), 'planned 1', 'the request is planned');
SELECT is((SELECT concat_ws(' ', k.code, a.state, lower(a.span) = :'d1', upper(a.busy) - upper(a.span), a.counted_minutes, a.load_minutes)
	FROM appointment a JOIN coordinator k USING (coordinator_id) WHERE a.request_id = :r), 'ANNE invited t 00:30:00 60 60', 'the appointment stands');
SELECT is((SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id) FROM message m JOIN request r USING (case_id) WHERE r.request_id = :r),
	'invitation queued, requester queued', 'with its messages');
SELECT is((SELECT concat_ws(' ', d.cost, d.terms, d.ruled_out, d.appointment_id IS NOT NULL) FROM decision d WHERE d.request_id = :r), '7 {"wait": 7} {} t', 'its reasons');
SELECT is((SELECT h.detail ->> 'starts' FROM history h WHERE h.request_id = :r AND h.event = 'request_planned')::timestamptz, :'d1'::timestamptz, 'and history');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d2')), 'gone', 'a second plan comes too late');

-- ---- the fence -------------------------------------------------------------------------------
SELECT pg_temp.ask() AS r \gset
SELECT is((SELECT outcome || ' ' || rule FROM vac_daemon.store_plans(ARRAY[pg_temp.office('NYC')], ARRAY[999]::bigint[],
	jsonb_build_array(pg_temp.plan_of(pg_temp.office('NYC'), jsonb_build_array(pg_temp.choose(:r, 'ANNE', :'d2')))))),
	'refused fence', 'who lost the group stores nothing') FROM office o WHERE o.code = 'NYC';
SELECT is((SELECT count(*) FROM appointment WHERE request_id = :r), 0::bigint, 'nothing at all');

-- ---- one rule after the other, with a case each that breaks only it --------------------------
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d1'::timestamptz + interval '30 minutes')), 'refused busy', 'busy: another appointment');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d1'::timestamptz + interval '75 minutes')), 'refused busy', 'busy: within the other''s buffer');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2', buffer => 0)), 'refused busy', 'busy: no buffer kept free');
SELECT is((SELECT plan_at <= clock_timestamp() AND refusals = 3 FROM request WHERE request_id = :r), true, 'it stays due');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2', buffer => 0)), 'refused busy', 'again');
SELECT is((SELECT plan_at > clock_timestamp() AND refusals = 4 FROM request WHERE request_id = :r), true, 'and after some refusals in a row a little later');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'FAR', :'d2')), 'refused not_backup', 'not_backup: an office that does not help');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ZOE', :'d2')), 'refused busy', 'busy: no travel kept free');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ZOE', :'d2', minutes => 30, travel => 120)), 'refused window', 'window: not the request''s length');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', pg_temp.day_ahead(4, '07:00'))), 'refused on_call_only', 'on_call_only: routine, outside regular shifts');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', pg_temp.day_ahead(4, '16:30'))), 'refused on_call_only', 'on_call_only: ends after the regular shift');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', clock_timestamp() + interval '10 minutes')), 'refused notice', 'notice: sooner than an office day');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', pg_temp.day_ahead(20, '10:00'))), 'refused window', 'window: beyond the horizon');
UPDATE request SET open_window = tstzrange(:'d3'::timestamptz, :'d3'::timestamptz + interval '2 hours') WHERE request_id = :r;
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused window', 'window: before it');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d3'::timestamptz + interval '75 minutes')), 'refused window', 'window: ends after it');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d3'::timestamptz + interval '1 hour')), 'stored', 'the last start that fits');

SELECT pg_temp.ask() AS r \gset
UPDATE coordinator SET retired_at = now() WHERE code = 'BEN';
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused retired', 'retired: who has left');
UPDATE coordinator SET retired_at = NULL WHERE code = 'BEN';
INSERT INTO leave (coordinator_id, span) VALUES (pg_temp.coordinator('BEN'), tstzrange(:'d2'::timestamptz + interval '80 minutes', :'d2'::timestamptz + interval '3 hours'));
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused leave', 'leave: within the buffer');
DELETE FROM leave;
INSERT INTO holiday (office_id, day, name) SELECT pg_temp.office('NYC'), (:'d2'::timestamptz AT TIME ZONE 'America/New_York')::date, 'Test day';
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused no_shift', 'no_shift: a holiday of their office');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ZOE', :'d2', travel => 120)), 'refused hours', 'hours: the case''s office is closed, whoever comes');
DELETE FROM holiday;
DELETE FROM weekly_pattern WHERE coordinator_id = pg_temp.coordinator('BEN') AND kind = 'regular' AND weekday = extract(isodow FROM :'d2'::timestamptz AT TIME ZONE 'America/New_York');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused no_shift', 'no_shift: not at work');
SELECT pg_temp.pattern('BEN', 'regular', ARRAY[extract(isodow FROM :'d2'::timestamptz AT TIME ZONE 'America/New_York')::integer], '06:00', '17:00');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', pg_temp.day_ahead(5, '07:00'))), 'refused hours', 'hours: at work before the office opens');
INSERT INTO case_conflict SELECT case_id, pg_temp.coordinator('BEN') FROM request WHERE request_id = :r;
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused conflict', 'conflict: of interest');
DELETE FROM case_conflict;
INSERT INTO request_bar VALUES (:r, pg_temp.coordinator('BEN'), clock_timestamp() + interval '1 hour');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused barred', 'barred: declined today');
UPDATE request_bar SET until = NULL;
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'refused barred', 'barred: for good');
UPDATE request_bar SET until = clock_timestamp() - interval '1 second';
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM request WHERE request_id = :r);
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'gone', 'gone: the case is held');
SELECT is(pg_temp.store(pg_temp.nobody(:r)), 'gone', 'a held case is not unserved either');
UPDATE case_record SET held_since = NULL WHERE case_id = (SELECT case_id FROM request WHERE request_id = :r);
UPDATE request SET office_id = pg_temp.office('HNL'), plan_at = now() WHERE request_id = :r;
SELECT is(pg_temp.store(pg_temp.nobody(:r)), 'gone', 'nor is a case that is with another office now, whatever this one''s plan says');
SELECT is((SELECT concat_ws(' ', state, unserved_since, noticed_at, plan_at <= wall()) FROM request WHERE request_id = :r), 'open t', 'it is planned there as soon as before');
UPDATE request SET office_id = pg_temp.office('NYC') WHERE request_id = :r;
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d2')), 'stored', 'with none of it left, it is stored');

SELECT pg_temp.ask(service => 'forensic_interview', minutes => 120) AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d3', minutes => 120)), 'refused service', 'service: not given');
SELECT pg_temp.ask(language => 'es-MX') AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d3')), 'refused language', 'language: not spoken, no interpreter');
UPDATE request SET interpreter = 'on_site' WHERE request_id = :r;
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', :'d3')), 'stored', 'with an interpreter it is met');
SELECT pg_temp.ask(gender => 'female', gender_required => true) AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d4')), 'refused gender', 'gender: a condition');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ZOE', :'d4', travel => 120)), 'refused gender', 'gender: not stated does not meet it');
UPDATE request SET gender_required = false WHERE request_id = :r;
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', :'d4')), 'stored', 'a mere preference rules nobody out');

-- ---- backups ---------------------------------------------------------------------------------
SELECT pg_temp.ask() AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ZOE', :'d2', travel => 120)), 'stored', 'somebody of a backup office, with travel');
SELECT is((SELECT counted_minutes FROM appointment WHERE request_id = :r), 300, 'travel counts towards the week');
SELECT pg_temp.ask(mode => 'telephone') AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ZOE', :'d3', buffer => 15)), 'stored', 'nobody travels for a telephone call, and its buffer is shorter');

-- ---- the victim is in one place --------------------------------------------------------------
SELECT pg_temp.ask() AS r1 \gset
SELECT pg_temp.ask(of_case => (SELECT case_id FROM request WHERE request_id = :r1)) AS r2 \gset
SELECT is(pg_temp.store(pg_temp.choose(:r1, 'ANNE', pg_temp.day_ahead(8, '10:00')), pg_temp.choose(:r2, 'BEN', pg_temp.day_ahead(8, '10:30'))),
	'stored, refused case_busy', 'two meetings of a case in one plan do not overlap');
SELECT is(pg_temp.store(pg_temp.choose(:r2, 'BEN', pg_temp.day_ahead(8, '10:45'))), 'refused case_busy', 'nor with one that stands');
SELECT is(pg_temp.store(pg_temp.choose(:r2, 'BEN', pg_temp.day_ahead(8, '11:00'))), 'stored', 'one after the other they may');
UPDATE appointment SET state = 'cancelled' WHERE request_id = :r1 AND live;
SELECT pg_temp.ask(of_case => (SELECT case_id FROM request WHERE request_id = :r1)) AS r3 \gset
SELECT is(pg_temp.store(pg_temp.choose(:r3, 'ANNE', pg_temp.day_ahead(8, '10:00'))), 'stored', 'one that was cancelled is in nobody''s way');

-- ---- limits ----------------------------------------------------------------------------------
UPDATE coordinator SET max_open_cases = 2, weekly_minutes = 10000, meetings_a_day = 10 WHERE code = 'PART';
SELECT pg_temp.ask() AS r1, pg_temp.ask() AS r2, pg_temp.ask() AS r3 \gset
SELECT is(pg_temp.store(pg_temp.choose(:r1, 'PART', pg_temp.day_ahead(4, '08:00')), pg_temp.choose(:r2, 'PART', pg_temp.day_ahead(4, '10:00')),
	pg_temp.choose(:r3, 'PART', pg_temp.day_ahead(4, '12:00'))), 'stored, stored, refused cap_open_cases', 'open cases are counted within a plan');
SELECT is(pg_temp.store(pg_temp.choose(:r3, 'PART', pg_temp.day_ahead(4, '12:00'))), 'refused cap_open_cases', 'and over what stands');
SELECT pg_temp.ask(of_case => (SELECT case_id FROM request WHERE request_id = :r1)) AS r4 \gset
SELECT is(pg_temp.store(pg_temp.choose(:r4, 'PART', pg_temp.day_ahead(4, '12:00'))), 'stored', 'a second meeting of a case is not a new case');
UPDATE coordinator SET max_open_cases = 100, meetings_a_day = 4 WHERE code = 'PART';
SELECT pg_temp.ask() AS r1, pg_temp.ask() AS r2 \gset
SELECT is(pg_temp.store(pg_temp.choose(:r1, 'PART', pg_temp.day_ahead(4, '14:00')), pg_temp.choose(:r2, 'PART', pg_temp.day_ahead(4, '15:45'))),
	'stored, refused cap_day', 'meetings a day, over what stands and within the plan');
SELECT is(pg_temp.store(pg_temp.choose(:r2, 'PART', pg_temp.day_ahead(5, '15:45'))), 'stored', 'the next day is another');
UPDATE coordinator SET meetings_a_day = 50 WHERE code = 'PART';
-- A week: Monday to Sunday, in local time.
SELECT date_trunc('week', (now() AT TIME ZONE 'America/New_York')) + interval '2 weeks' AS monday \gset
SELECT pg_temp.ask() AS r1, pg_temp.ask() AS r2, pg_temp.ask() AS r3, pg_temp.ask() AS r4 \gset
DELETE FROM message;
UPDATE appointment SET state = 'cancelled' WHERE coordinator_id = pg_temp.coordinator('PART');
UPDATE coordinator SET weekly_minutes = 150 WHERE code = 'PART';
SELECT (:'monday'::timestamp + interval '10 hours') AT TIME ZONE 'America/New_York' AS m, (:'monday'::timestamp + interval '4 days 15 hours') AT TIME ZONE 'America/New_York' AS f,
	(:'monday'::timestamp - interval '3 days' + interval '15 hours') AT TIME ZONE 'America/New_York' AS before \gset
SELECT is(pg_temp.store(pg_temp.choose(:r1, 'PART', :'m'), pg_temp.choose(:r2, 'PART', :'f'), pg_temp.choose(:r3, 'PART', :'f'::timestamptz - interval '1 day')),
	'stored, stored, refused cap_week', 'minutes a week are counted within a plan');
SELECT is(pg_temp.store(pg_temp.choose(:r3, 'PART', :'f'::timestamptz - interval '1 day')), 'refused cap_week', 'and over what stands');
SELECT is(pg_temp.store(pg_temp.choose(:r3, 'PART', :'before')), 'stored', 'the Friday before is of another week');
UPDATE appointment SET state = 'held' WHERE request_id = :r2;
SELECT is(pg_temp.store(pg_temp.choose(:r4, 'PART', :'f'::timestamptz - interval '1 day')), 'refused cap_week', 'what was held counts');
UPDATE appointment SET state = 'declined' WHERE request_id = :r2;
SELECT is(pg_temp.store(pg_temp.choose(:r4, 'PART', :'f'::timestamptz - interval '1 day')), 'stored', 'what was declined does not');

-- ---- rest after a night ----------------------------------------------------------------------
SELECT pg_temp.ask(urgency => 'urgent') AS u, pg_temp.ask(urgency => 'immediate') AS n, pg_temp.ask(urgency => 'urgent') AS u2 \gset
CREATE FUNCTION pg_temp.call_out(request bigint, who text, span tstzrange) RETURNS void LANGUAGE sql AS $$
	INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
		SELECT r.request_id, r.case_id, r.office_id, pg_temp.coordinator(who), span, span, 'immediate', vac_store.handle(), now()
			FROM vac_store.request r WHERE r.request_id = request
$$;
SELECT pg_temp.person('DORA', 'NYC');
SELECT pg_temp.pattern('DORA', 'regular', ARRAY[1, 2, 3, 4, 5, 6, 7], '08:00', '20:00');
SELECT (date_trunc('day', now() AT TIME ZONE 'America/New_York') + interval '3 days') AT TIME ZONE 'America/New_York' AS night \gset
SELECT pg_temp.call_out(:n, 'DORA', tstzrange(:'night'::timestamptz + interval '1 hour', :'night'::timestamptz + interval '2 hours'));
SELECT is(pg_temp.store(pg_temp.choose(:u, 'DORA', :'night'::timestamptz + interval '11 hours')), 'refused rest', 'rest: ten hours after a call-out in the night');
SELECT is(pg_temp.store(pg_temp.choose(:u, 'DORA', :'night'::timestamptz + interval '12 hours')), 'stored', 'then one may meet again');
UPDATE request SET state = 'open' WHERE request_id = :n;

-- ---- call-outs -------------------------------------------------------------------------------
SELECT pg_temp.person('EVE', 'NYC', duty => 'collateral', pager => 'pager.eve@example.org');
INSERT INTO shift (coordinator_id, kind, span) VALUES (pg_temp.coordinator('EVE'), 'on_call', tstzrange(now() - interval '1 hour', now() + interval '6 hours'));
UPDATE coordinator SET max_open_cases = 0, weekly_minutes = 0, meetings_a_day = 0 WHERE code = 'EVE';
DELETE FROM message;
SELECT pg_temp.ask(urgency => 'immediate') AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'EVE', clock_timestamp() - interval '3 seconds', buffer => 0)
	|| '{"over_cap": true}'), 'stored', 'a call-out: at once, on call, in any hour, beyond every limit');
SELECT is((SELECT over_cap FROM appointment WHERE request_id = :r), true, 'and it says so');
SELECT is((SELECT string_agg(m.kind || ' ' || m.recipient || ' ' || m.urgent, ', ' ORDER BY m.kind, m.recipient) FROM message m),
	'invitation eve@example.org true, notice pager.a@example.org true, notice supervisor.a@example.org true, notice supervisor.b@example.org true, page pager.eve@example.org true',
	'invitation, page and notices go out before all else');
SELECT ok((SELECT body LIKE '%: Coordinator EVE, +1 212 555 0101, at ___ % (beyond their limits)%' AND body NOT LIKE '%TOO LATE%'
	FROM message WHERE kind = 'notice' LIMIT 1), 'the notice says who, when, and how to call');
DELETE FROM message;
SELECT pg_temp.ask(urgency => 'immediate') AS late \gset
UPDATE request SET due_at = opened_at + interval '1 hour' WHERE request_id = :late;
SELECT pg_temp.store(pg_temp.choose(:late, 'EVE', clock_timestamp() + interval '4 hours', buffer => 0)) AS nothing \gset
SELECT ok((SELECT body LIKE '%TOO LATE, nobody is free by %' FROM message WHERE kind = 'notice' LIMIT 1), 'and that a call-out comes too late');
DELETE FROM message;
SELECT pg_temp.ask(urgency => 'immediate', service => 'forensic_interview') AS r \gset
SELECT is(pg_temp.store(pg_temp.choose(:r, 'EVE', clock_timestamp() + interval '2 hours', buffer => 0)), 'refused service', 'other rules hold for call-outs too');

-- ---- a plan of many --------------------------------------------------------------------------
DELETE FROM message;
SELECT pg_temp.ask() AS r1, pg_temp.ask() AS r2, pg_temp.ask() AS r3, pg_temp.ask(language => 'zu') AS r4 \gset
SELECT is(pg_temp.store(pg_temp.choose(:r1, 'ANNE', pg_temp.day_ahead(9, '10:00')), pg_temp.choose(:r2, 'ANNE', pg_temp.day_ahead(9, '10:30')),
		pg_temp.choose(:r3, 'BEN', pg_temp.day_ahead(9, '10:00')), pg_temp.nobody(:r4)),
	'stored, refused busy, stored, unserved', 'what is taken is taken, the rest is told apart');
SELECT is(pg_temp.store(pg_temp.choose(:r2, 'BEN', pg_temp.day_ahead(10, '10:00')), pg_temp.choose(:r2, 'ANNE', pg_temp.day_ahead(10, '10:00'))),
	'stored, refused twice', 'a request that comes twice is stored once');
SELECT is((SELECT string_agg(s.outcome || coalesce(' ' || s.rule, ''), ', ') FROM vac_daemon.store_plans(ARRAY[pg_temp.office('NYC')],
	ARRAY[(SELECT fence FROM dispatch_group WHERE group_id = pg_temp.office('NYC'))], jsonb_build_array(pg_temp.plan_of(pg_temp.office('NYC'), '[]'))) s), NULL, 'an empty plan is nothing');

-- ---- nobody ----------------------------------------------------------------------------------
SELECT is((SELECT concat_ws(' ', state, unserved_since IS NOT NULL, noticed_at IS NOT NULL, plan_at BETWEEN now() + interval '14 minutes' AND now() + interval '16 minutes')
	FROM request WHERE request_id = :r4), 'open t t t', 'the request is kept, and planned again in a quarter of an hour');
SELECT is((SELECT string_agg(m.recipient, ', ' ORDER BY m.recipient) FROM message m WHERE m.kind = 'notice'), 'supervisor.a@example.org', 'the first rank is told');
SELECT is((SELECT ruled_out::text FROM decision WHERE request_id = :r4), '{"language": [1]}', 'the reasons are kept');
SELECT is((SELECT count(*) FROM history WHERE request_id = :r4 AND event = 'request_unserved'), 1::bigint, 'history has it');
SELECT is(pg_temp.store(pg_temp.nobody(:r4)), 'unserved', 'planned again in vain');
SELECT is((SELECT (SELECT count(*) FROM decision WHERE request_id = :r4) || ' ' || (SELECT count(*) FROM message WHERE kind = 'notice')
	|| ' ' || (SELECT count(*) FROM history WHERE request_id = :r4)), '1 1 1', 'the same again is not written again');
SELECT is(pg_temp.store(pg_temp.nobody(:r4, '{"leave": [1]}')), 'unserved', 'with other reasons');
SELECT is((SELECT count(*) FROM decision WHERE request_id = :r4), 2::bigint, 'they are written');
UPDATE policy SET value = '10080' WHERE name = 'replan_minutes';
UPDATE request SET noticed_at = wall() - interval '10 minutes' WHERE request_id = :r4;
SELECT pg_temp.store(pg_temp.nobody(:r4)) \g /dev/null
SELECT is((SELECT plan_at - noticed_at FROM request WHERE request_id = :r4),
	(SELECT policy_number('notice_again', urgency) * interval '1 minute' FROM request WHERE request_id = :r4), 'however seldom one plans, the supervisors are told again in time');
UPDATE policy SET value = '15' WHERE name = 'replan_minutes';
UPDATE request SET noticed_at = now() - interval '25 hours' WHERE request_id = :r4;
SELECT pg_temp.store(pg_temp.nobody(:r4)) \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), 3::bigint, 'after the policy''s time all ranks are told');
INSERT INTO request_bar VALUES (:r4, pg_temp.coordinator('ANNE'), clock_timestamp() + interval '5 minutes');
SELECT pg_temp.store(pg_temp.nobody(:r4)) \g /dev/null
SELECT ok((SELECT plan_at < now() + interval '6 minutes' FROM request WHERE request_id = :r4), 'when a bar ends before, it is planned then');
DELETE FROM message;
SELECT pg_temp.ask(language => 'zu', urgency => 'urgent') AS held \gset
SELECT pg_temp.store(pg_temp.nobody(:held, '{"locked": [1]}')) \g /dev/null
SELECT is((SELECT concat_ws(' ', unserved_since IS NOT NULL, noticed_at, plan_at BETWEEN now() AND now() + interval '30 seconds') FROM request WHERE request_id = :held), 't t',
	'where somebody''s transaction holds whom it could be, it is planned again soon, and nobody is told yet');
UPDATE request SET unserved_since = unserved_since - interval '1 minute' WHERE request_id = :held;
SELECT pg_temp.store(pg_temp.nobody(:held, '{"locked": [1]}')) \g /dev/null
SELECT is((SELECT concat_ws(' ', noticed_at IS NOT NULL, plan_at BETWEEN now() AND now() + interval '30 seconds', (SELECT count(*) FROM message WHERE kind = 'notice')) FROM request WHERE request_id = :held), 't t 1',
	'unless that lasts');
DELETE FROM message;
SELECT pg_temp.ask(language => 'zu', urgency => 'urgent', requester => 'officer@example.org') AS r5, pg_temp.ask(language => 'zu', office => 'BOS') AS r6,
	pg_temp.ask(language => 'xh') AS r7 \gset
SELECT is(pg_temp.store(pg_temp.nobody(:r7), pg_temp.nobody(:r5), pg_temp.nobody(:r6)), 'unserved, unserved, unserved', 'several at once');
SELECT is((SELECT string_agg(m.kind || ' ' || left(m.subject, 3), ', ' ORDER BY m.kind, m.subject) FROM message m), 'notice BOS, notice NYC, requester Cas', 'are one notice an office');
SELECT ok((SELECT strpos(body, ', urgent, zu') BETWEEN 1 AND strpos(body, ', routine, xh') FROM message WHERE subject LIKE 'NYC%'), 'the most urgent first');
SELECT is(pg_temp.store(pg_temp.choose(:r7, 'BEN', pg_temp.day_ahead(10, '10:00'))), 'refused language', 'still nobody');
UPDATE request SET language = 'en' WHERE request_id = :r7;
SELECT is(pg_temp.store(pg_temp.choose(:r7, 'BEN', pg_temp.day_ahead(10, '12:00'))), 'stored', 'then somebody');
SELECT is((SELECT concat_ws(' ', state, unserved_since, noticed_at) FROM request WHERE request_id = :r7), 'planned', 'and it is unserved no more');

-- ---- changed since the planner looked ---------------------------------------------------------
UPDATE request SET state = 'planned' WHERE state = 'open';
UPDATE dispatch_group SET lease_until = now() + interval '5 minutes' WHERE group_id = pg_temp.office('NYC');
SELECT fence AS fence FROM dispatch_group WHERE group_id = pg_temp.office('NYC') \gset
SELECT pg_temp.ask(language => 'zu') AS changed, pg_temp.ask(language => 'zu') AS same \gset
SELECT ok(ok, 'a look') FROM vac_daemon.snapshot_begin(ARRAY[pg_temp.office('NYC')], ARRAY[:fence]::bigint[], 100);
-- A transaction of its own, so that its version is another; its time is before the look, as of who commits late.
SAVEPOINT meanwhile;
UPDATE request SET language = 'en', plan_at = plan_at WHERE request_id = :changed;
SELECT is(pg_temp.store(pg_temp.nobody(:changed), pg_temp.nobody(:same)), 'gone, unserved', 'nobody was found for what was asked before, which says nothing of what is asked now');
SELECT is((SELECT concat_ws(' ', state, unserved_since IS NULL, plan_at <= now()) FROM request WHERE request_id = :changed), 'open t t', 'it stays due');
SELECT is((SELECT count(*) FROM history WHERE request_id = :changed AND event = 'request_unserved'), 0::bigint, 'and nothing is said of it');
SELECT snapshot_begin FROM vac_daemon.snapshot_begin(ARRAY[pg_temp.office('NYC')], ARRAY[:fence]::bigint[], 100) \g /dev/null
SELECT is(pg_temp.store(pg_temp.nobody(:changed)), 'unserved', 'after another look it counts');
-- ---- rosters or rules changed since the planner looked ----------------------------------------
SELECT pg_temp.ask(language => 'zu') AS meanwhile \gset
UPDATE dispatch_group SET lease_until = now() + interval '5 minutes' WHERE group_id = pg_temp.office('NYC');
SELECT snapshot_begin FROM vac_daemon.snapshot_begin(ARRAY[pg_temp.office('NYC')], ARRAY[:fence]::bigint[], 100) \g /dev/null
DELETE FROM plan_stale;
SELECT plan_soon(pg_temp.office('NYC')) \g /dev/null
SELECT is(pg_temp.store(pg_temp.nobody(:meanwhile)), 'unserved', 'a plan finds nobody, on the roster of before');
SELECT is((SELECT plan_at > now() FROM request WHERE request_id = :meanwhile), true, 'and puts the request off');
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(gen_random_uuid(), 10, 60000, 100) c WHERE pg_temp.office('NYC') = ANY (c.groups)), 0::bigint, 'while it is under way nothing is due');
SELECT is((SELECT count(*) FROM plan_stale), 1::bigint, 'and the change not forgotten');
UPDATE dispatch_group SET lease_until = NULL WHERE group_id = pg_temp.office('NYC');
UPDATE request SET plan_at = clock_timestamp() + interval '1 hour' WHERE to_plan;
SELECT is(vac_daemon.next_dispatch(), 0::bigint, 'then it is at once');
UPDATE plan_stale SET again_at = clock_timestamp() + interval '50 seconds';
SELECT cmp_ok(vac_daemon.next_dispatch(), '>', 0::bigint, 'unless somebody held a request: then in a while');
UPDATE plan_stale SET again_at = clock_timestamp() + interval '1 day';
SELECT is(vac_daemon.next_dispatch(), 0::bigint, 'but no longer one, when the clock was set back');
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(gen_random_uuid(), 10, 60000, 100) c WHERE pg_temp.office('NYC') = ANY (c.groups)), 1::bigint, 'the group is claimed');
SELECT is((SELECT plan_at <= clock_timestamp() FROM request WHERE request_id = :meanwhile), true, 'and the request planned again');
SELECT is((SELECT count(*) FROM plan_stale), 0::bigint, 'once');
UPDATE request SET plan_at = now() + interval '1 hour' WHERE to_plan;
UPDATE dispatch_group SET lease_until = NULL, fence = :fence WHERE group_id = pg_temp.office('NYC');
SELECT cmp_ok(vac_daemon.next_dispatch(), '>', 0::bigint, 'and no more');
INSERT INTO plan_stale (office_id) VALUES (pg_temp.office('HNL'));
SELECT cmp_ok(vac_daemon.next_dispatch(), '>', 0::bigint, 'a change elsewhere, where nothing waits for it, is no work');
DELETE FROM plan_stale;
SELECT plan_soon() \g /dev/null
SELECT is((SELECT count(DISTINCT office_id) FROM plan_stale), (SELECT count(*) FROM office WHERE retired_at IS NULL), 'a rule of all offices is one of each');
UPDATE dispatch_group SET lease_until = now() + interval '5 minutes' WHERE group_id = pg_temp.office('NYC');
UPDATE request SET language = 'en' WHERE request_id = :same;
UPDATE dispatch_group SET fence = fence + 1 WHERE group_id = pg_temp.office('NYC');
SELECT is(pg_temp.store(pg_temp.nobody(:same)), 'unserved', 'a look of another claim says nothing');

-- ---- claims of groups ------------------------------------------------------------------------
UPDATE request SET state = 'planned' WHERE state = 'open';
SELECT '11111111-1111-1111-1111-111111111111' AS d, '22222222-2222-2222-2222-222222222222' AS e \gset
UPDATE dispatch_group SET lease_until = NULL, daemon_id = NULL;
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(:'d', 10, 60000, 100)), 0::bigint, 'nothing to plan, nothing to claim');
SELECT is(vac_daemon.next_dispatch(), NULL, 'and nothing to wait for');
SELECT pg_temp.ask(office => 'HNL') AS h, pg_temp.ask(office => 'KTM', urgency => 'immediate') AS k, pg_temp.ask(office => 'GUM') AS g \gset
UPDATE request SET plan_at = now() + interval '10 minutes' WHERE request_id = :g;
SELECT is(vac_daemon.next_dispatch(), 0::bigint, 'there is something now');
SELECT is((SELECT string_agg((SELECT string_agg(o.code, '+' ORDER BY array_position(c.groups, o.group_id)) FROM office o WHERE o.group_id = ANY (c.groups)), ' ' ORDER BY n)
		FROM ROWS FROM (vac_daemon.claim_groups(:'d', 10, 60000, 100)) WITH ORDINALITY AS c (groups, fences, n)),
	'KTM HNL', 'groups with something due, call-outs first');
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(:'e', 10, 60000, 100)), 0::bigint, 'nobody else gets them');
SELECT ok(vac_daemon.next_dispatch() BETWEEN 55000 AND 60000, 'before their lease is over');
SELECT is(vac_daemon.renew_groups(ARRAY[group_id], ARRAY[fence + 1], 60000), false, 'a wrong fence renews nothing') FROM dispatch_group WHERE group_id = pg_temp.office('HNL');
SELECT is(vac_daemon.renew_groups(ARRAY[group_id], ARRAY[fence], 60000), true, 'the right one does') FROM dispatch_group WHERE group_id = pg_temp.office('HNL');
UPDATE dispatch_group SET lease_until = now() - interval '1 second' WHERE group_id = pg_temp.office('HNL');
UPDATE dispatch_group SET lease_until = now() + interval '11 minutes' WHERE group_id = pg_temp.office('KTM');
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(:'e', 10, 60000, 100)), 2::bigint, 'a lease that is over, or too long to be true, is free');
SELECT is(vac_daemon.release_groups(ARRAY[group_id], ARRAY[fence - 1]), 0, 'who lost it releases nothing') FROM dispatch_group WHERE group_id = pg_temp.office('HNL');
SELECT is(vac_daemon.release_groups(ARRAY[group_id], ARRAY[fence]), 1, 'who has it does') FROM dispatch_group WHERE group_id = pg_temp.office('HNL');
UPDATE case_record SET held_since = now() WHERE case_id IN (SELECT case_id FROM request WHERE request_id IN (:h, :k));
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(:'e', 10, 60000, 100)), 0::bigint, 'held cases are not planned');
SELECT ok(vac_daemon.next_dispatch() BETWEEN 500000 AND 600000, 'the next is what comes later');

SELECT is((SELECT bool_and(a.send_by = policy_after('send_by', a.urgency, a.office_id, a.made_at) AND a.ask_at = upper(a.span) + interval '15 minutes'
		AND a.asks = 0) AND count(*) > 1
	FROM appointment a WHERE a.state = 'invited' AND a.sequence = 0 AND EXISTS (SELECT FROM decision d WHERE d.appointment_id = a.appointment_id)),
	true, 'what a plan made is to be sent and asked about when its policies say');
SELECT * FROM finish();
ROLLBACK;
