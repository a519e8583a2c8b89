-- Nobody answered: a replacement is sought while the old appointment stands, and lapses only when it is stored;
-- call-outs go to the next in line beside the first; the supervisors hear of it, again and again.
BEGIN;
\ir deadline.psql
SELECT plan(69);
SELECT pg_temp.person(w, 'NYC', pager => 'pager.' || lower(w) || '@example.org') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA']) w \g /dev/null
SELECT pg_temp.person('ZOE', 'BOS') \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA', 'ZOE']) w \g /dev/null
SELECT pg_temp.pattern(w, 'on_call', ARRAY[1, 2, 3, 4, 5, 6, 7], '17:00', '08:00') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA', 'ZOE']) w \g /dev/null
UPDATE coordinator SET meetings_a_day = 20, weekly_minutes = 10000, max_open_cases = 100;
SELECT 'aaaaaaaa-0000-4000-8000-000000000001' AS d \gset
CREATE FUNCTION pg_temp.stands(r bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k.code || ' ' || a.state, ', ' ORDER BY a.appointment_id)
		FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) WHERE a.request_id = r
$$;
-- Invites, and lets the window end.
CREATE FUNCTION pg_temp.unanswered(who text, starts timestamptz, ended timestamptz, urgency text DEFAULT 'routine', requester text DEFAULT NULL)
	RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		a bigint := pg_temp.invite(who, starts, urgency, requester => unanswered.requester);
	BEGIN
		PERFORM pg_temp.post(), pg_temp.pass();
		PERFORM pg_temp.clock((SELECT p.remind_at FROM vac_store.appointment p WHERE p.appointment_id = a));
		PERFORM pg_temp.pass();
		PERFORM pg_temp.clock(ended);
		PERFORM pg_temp.pass();
		RETURN a;
	END
$$;

-- ---- dispatch is given the request -----------------------------------------------------------
SELECT pg_temp.clock('2027-03-01 09:00 EST') \g /dev/null
SELECT is(vac_daemon.next_dispatch(), NULL, 'nothing to plan');
SELECT pg_temp.unanswered('ANNE', '2027-03-10 10:00 EST', '2027-03-01 17:00 EST', requester => 'officer@example.org') AS a \gset
SELECT pg_temp.request(:a) AS r \gset
SELECT is(vac_daemon.next_dispatch(), 0::bigint, 'there is something to plan');
SELECT (SELECT count(*) FROM vac_daemon.claim_groups(:'d', 4, 60000, 100)) AS claimed, g.group_id AS g, g.fence + 1 AS f
	FROM dispatch_group g JOIN office o USING (group_id) WHERE o.code = 'NYC' \gset
SELECT is(:claimed, 1, 'its group is claimed');
SELECT fence AS f FROM dispatch_group WHERE group_id = :g \gset
SELECT ok FROM vac_daemon.snapshot_begin(ARRAY[:g], ARRAY[:f]::bigint[], 100) \g /dev/null
SELECT is((SELECT string_agg(request_id::text, ',') FROM vac_daemon.snapshot_requests()), :'r', 'the snapshot has it');
SELECT is((SELECT barred_ids FROM vac_daemon.snapshot_requests()), ARRAY[pg_temp.coordinator('ANNE')], 'who did not answer is not asked again');
SELECT is((SELECT case_id FROM vac_daemon.snapshot_busy() WHERE appointment_id = :a), 0::bigint, 'what is to be replaced does not keep its own case busy');
SELECT is((SELECT coordinator_id FROM vac_daemon.snapshot_busy() WHERE appointment_id = :a), pg_temp.coordinator('ANNE'), 'but its holder');
SELECT is((SELECT count(*) FROM vac_daemon.snapshot_standing()), 0::bigint, 'nor is it moved for others');
SELECT vac_daemon.release_groups(ARRAY[:g], ARRAY[:f]::bigint[]) \g /dev/null

-- ---- nobody else -----------------------------------------------------------------------------
DELETE FROM message WHERE kind IN ('notice', 'requester');
SELECT is(pg_temp.store(pg_temp.nobody(:r)), 'unserved', 'there is nobody else');
SELECT is(pg_temp.stands(:r), 'ANNE invited', 'so it stays');
SELECT is((SELECT concat_ws(' ', state, to_plan, pg_temp.local(plan_at)) FROM request WHERE request_id = :r), 'planned t Mon 01 17:15', 'and it is tried again');
SELECT matches((SELECT max(body) FROM message WHERE kind = 'notice'), 'Coordinator ANNE, \+1 212 555 0101, for Wed 10 Mar 2027 10:00 EST \(UTC-05:00\) was asked and has not answered',
	'the supervisors are told, with whom to ring up');
SELECT is((SELECT string_agg(recipient, ', ') FROM message WHERE kind = 'notice'), 'supervisor.a@example.org', 'the first rank first');
SELECT is((SELECT count(*) FROM message WHERE kind = 'requester'), 0::bigint, 'whoever opened it is told nothing: an appointment stands');
SELECT is((SELECT event FROM history WHERE request_id = :r ORDER BY history_id DESC LIMIT 1), 'nobody_else', 'history');
SET LOCAL vac.now = '2027-03-01 17:00 EST';
SELECT is((SELECT replace(state, E'\n', ' ') FROM vac.open_cases), 'asked, no answer yet, NOBODY ELSE', 'vac.open_cases says how it stands');
SELECT is((SELECT count(*) FROM vac.unassigned), 0::bigint, 'it is not unassigned');
RESET vac.now;

-- ---- a replacement ---------------------------------------------------------------------------
-- What a rule is against, what meets another appointment: the old one stands.
SELECT pg_temp.invite('BEN', '2027-03-10 10:00 EST') AS other \gset
SELECT pg_temp.post() \g /dev/null
SELECT is(pg_temp.store(pg_temp.choose(:r, 'BEN', '2027-03-10 10:00 EST')), 'refused busy', 'a replacement who has no time');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', '2027-03-11 10:00 EST')), 'refused barred', 'or has not answered already');
SELECT is(pg_temp.stands(:r), 'ANNE invited', 'leaves all as it was');
SELECT is(pg_temp.mail(:a), 'invitation sent, reminder sent', 'nobody is told anything');
SELECT is((SELECT count(*) FROM request_bar WHERE request_id = :r), 0::bigint, 'nor barred');
SELECT is(pg_temp.store(pg_temp.choose(:r, 'CLEO', '2027-03-10 10:00 EST'), pg_temp.choose(pg_temp.ask(), 'ANNE', '2027-03-10 13:00 EST')), 'stored, stored', 'a replacement, at the very same time');
DELETE FROM clock;
SELECT is(pg_temp.stands(:r), 'ANNE lapsed, CLEO invited', 'now the old one lapses');
SELECT is((SELECT string_agg(m.kind || ' ' || m.state || ' ' || m.sequence, ', ' ORDER BY m.message_id) FROM message m WHERE appointment_id = :a),
	'invitation sent 0, reminder sent 0, cancel queued 1', 'with its CANCEL, in the same transaction');
SELECT is((SELECT concat_ws(' ', state, to_plan, seek_since IS NULL, tries) FROM request WHERE request_id = :r), 'planned f t 2', 'the search is over');
SELECT is((SELECT pg_temp.local(until) || ' ' || times FROM request_bar WHERE request_id = :r AND coordinator_id = pg_temp.coordinator('ANNE')), 'Tue 02 00:00 1', 'barred for today');
SELECT matches((SELECT body FROM message WHERE kind = 'requester'), 'has been moved, and the coordinator is being asked again', 'whoever opened it is told');
SELECT is((SELECT reason FROM history WHERE event = 'appointment_cancelled' AND appointment_id = :a), 'no_answer', 'history has why');
SELECT is((SELECT tell_at FROM request WHERE request_id = :r), NULL, 'routine: no notice after the first lapse');
-- The second time for good; and the third lapse is told of.
UPDATE request_bar SET until = wall() WHERE request_id = :r;
SELECT is(concat_ws(', ', pg_temp.post() > 0, pg_temp.pass() > 0), 't, t', 'CLEO has her window');
SELECT pg_temp.clock('2027-03-02 17:00 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.store(pg_temp.choose(:r, 'ANNE', '2027-03-11 10:00 EST')), 'stored', 'ANNE is asked again the next day');
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT pg_temp.clock('2027-03-04 08:30 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
DELETE FROM message WHERE kind = 'notice';
SELECT is(pg_temp.store(pg_temp.choose(:r, 'DORA', '2027-03-11 10:00 EST')), 'stored', 'and DORA after her');
SELECT is((SELECT until IS NULL AND times = 2 FROM request_bar WHERE request_id = :r AND coordinator_id = pg_temp.coordinator('ANNE')), true, 'the second time for good');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), 0::bigint, 'nothing was said yet');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(DISTINCT subject, ', ') FROM message WHERE kind = 'notice'), 'NYC: nobody has accepted', 'three lapses: the supervisors are told');
SELECT pg_temp.clock('2027-03-04 20:30 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), 1::bigint, 'once, and the first rank');
SELECT pg_temp.clock('2027-03-05 08:30 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(recipient, ', ' ORDER BY message_id) FROM message WHERE kind = 'notice'), 'supervisor.a@example.org, supervisor.a@example.org, supervisor.b@example.org',
	'again after a day, and the second rank, too');
INSERT INTO supervisor (login, name, mail, rank, all_offices) VALUES ('sup_third', 'Supervisor C', 'supervisor.c@example.org', 3, true), ('sup_fourth', 'Supervisor D', 'supervisor.d@example.org', 7, true);
DELETE FROM message WHERE kind = 'notice';
SELECT pg_temp.clock('2027-03-06 08:30 EST'), pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(recipient, ', ' ORDER BY message_id) FROM message WHERE kind = 'notice'), 'supervisor.a@example.org, supervisor.b@example.org, supervisor.c@example.org',
	'each time one rank more');
DELETE FROM supervisor WHERE login IN ('sup_third', 'sup_fourth');
UPDATE appointment SET state = 'accepted' WHERE request_id = :r AND live;
SELECT is((SELECT concat_ws(' ', tell_at IS NULL, told_at IS NULL) FROM request WHERE request_id = :r), 't t', 'until somebody accepts');

-- ---- answered meanwhile ----------------------------------------------------------------------
SELECT pg_temp.unanswered('ANNE', '2027-03-15 10:00 EDT', '2027-03-09 12:00 EST') AS b \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :b;
SELECT is(pg_temp.store(pg_temp.choose(pg_temp.request(:b), 'CLEO', '2027-03-15 10:00 EDT')), 'gone', 'a plan of what was accepted meanwhile');
SELECT is(pg_temp.stands(pg_temp.request(:b)), 'ANNE accepted', 'changes nothing');
SELECT pg_temp.unanswered('BEN', '2027-03-16 10:00 EDT', '2027-03-10 15:00 EST') AS w \gset
UPDATE request SET state = 'withdrawn' WHERE request_id = pg_temp.request(:w);
SELECT is((SELECT to_plan FROM request WHERE request_id = pg_temp.request(:w)), false, 'nobody is sought for what was withdrawn');

-- ---- with moves ------------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-15 08:00 EDT') \g /dev/null
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.invite('BEN', '2027-03-16 10:00 EDT') AS m \gset
UPDATE request SET due_at = '2027-03-30 12:00 EDT' WHERE request_id = pg_temp.request(:m);
SELECT pg_temp.unanswered('ANNE', '2027-03-16 12:00 EDT', '2027-03-15 10:00 EDT', 'urgent') AS s \gset
SELECT is(pg_temp.store(pg_temp.choose(pg_temp.request(:s), 'BEN', '2027-03-16 10:00 EDT') || jsonb_build_object('moves', jsonb_build_array(
		pg_temp.choose(pg_temp.request(:m), 'BEN', '2027-03-17 10:00 EDT') || jsonb_build_object('appointment', :m, 'from_coordinator', pg_temp.coordinator('BEN'),
			'from_start', epoch('2027-03-16 10:00 EDT'), 'cost', 1, 'terms', '{}'::jsonb)))), 'stored', 'a replacement that makes room for itself');
SELECT is(pg_temp.stands(pg_temp.request(:s)), 'ANNE lapsed, BEN invited', 'the old one lapses then, too');
SELECT is((SELECT pg_temp.local(lower(span)) || ' ' || state FROM appointment WHERE appointment_id = :m), 'Wed 17 10:00 invited', 'and room was made');
DELETE FROM message WHERE kind = 'notice';
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject = 'NYC: nobody has accepted'), 1::bigint, 'urgent: the first lapse is told of');

-- ---- the meeting begins ----------------------------------------------------------------------
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.unanswered('CLEO', '2027-03-16 10:00 EDT', '2027-03-15 14:00 EDT', 'urgent') AS z \gset
SELECT is((SELECT to_plan FROM request WHERE request_id = pg_temp.request(:z)), true, 'somebody else is sought');
SELECT pg_temp.store(pg_temp.nobody(pg_temp.request(:z))) \g /dev/null
SELECT pg_temp.clock('2027-03-16 10:00 EDT') \g /dev/null
DELETE FROM message WHERE kind = 'notice';
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT concat_ws(' ', state, to_plan) FROM request WHERE request_id = pg_temp.request(:z)), 'planned f', 'until it begins');
SELECT is((SELECT count(DISTINCT subject) FROM message WHERE kind = 'notice'), 1::bigint, 'then somebody must ring up');
SELECT is((SELECT state FROM appointment WHERE appointment_id = :z), 'invited', 'it stands');

-- ---- call-outs -------------------------------------------------------------------------------
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.clock('2027-03-20 03:00 EDT') \g /dev/null
SELECT pg_temp.ask(urgency => 'immediate', service => 'crisis_intervention') AS c \gset
DELETE FROM clock;
UPDATE request SET open_window = tstzrange(wall() - interval '1 minute', NULL), due_at = wall() + interval '1 hour' WHERE request_id = :c;
SELECT is(pg_temp.store(pg_temp.choose(:c, 'ANNE', wall(), buffer => 0)), 'stored', 'ANNE is called out at night');
SELECT is((SELECT string_agg(kind, ', ' ORDER BY kind) FROM message JOIN appointment USING (appointment_id) WHERE request_id = :c), 'invitation, page', 'invitation and page');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject = 'NYC: called out' AND made_at = wall()), 3::bigint, 'the supervisors know from the start');
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT pg_temp.clock('2027-03-20 03:09 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT to_plan FROM request WHERE request_id = :c), false, 'ten minutes');
SELECT pg_temp.clock('2027-03-20 03:10 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT concat_ws(' ', state, to_plan) FROM request WHERE request_id = :c), 'planned t', 'then the next in line');
SELECT is(pg_temp.store(pg_temp.choose(:c, 'ANNE', wall() + interval '2 hours', buffer => 0)), 'refused barred', 'not the same again');
SELECT is(pg_temp.store(pg_temp.choose(:c, 'BEN', wall(), buffer => 0)), 'stored', 'BEN');
SELECT is(pg_temp.stands(:c), 'ANNE invited, BEN invited', 'in parallel, not instead');
SELECT is((SELECT count(*) FROM message m JOIN appointment a USING (appointment_id) WHERE a.request_id = :c AND m.kind = 'cancel'), 0::bigint, 'nobody is told not to go');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject = 'NYC: called out' AND made_at = wall()), 3::bigint, 'the supervisors are told of him, too');
SELECT is((SELECT count(*) FROM message m JOIN appointment a USING (appointment_id) WHERE a.request_id = :c AND m.kind = 'page'), 2::bigint, 'he is paged');
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
-- He declines while he has time left: the third at once.
UPDATE appointment SET state = 'declined' WHERE request_id = :c AND coordinator_id = pg_temp.coordinator('BEN');
SELECT is((SELECT to_plan FROM request WHERE request_id = :c), true, 'he declines, and she has had her time: the next one at once');
SELECT is(pg_temp.store(pg_temp.nobody(:c)), 'unserved', 'there is nobody');
DELETE FROM message WHERE kind = 'notice';
SELECT pg_temp.clock('2027-03-20 03:24 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), 0::bigint, 'not a quarter of an hour yet');
SELECT pg_temp.clock('2027-03-20 03:25 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND urgent), 3::bigint, 'every quarter of an hour while nobody accepts, pagers too');
UPDATE appointment SET state = 'accepted' WHERE request_id = :c AND coordinator_id = pg_temp.coordinator('ANNE');
SELECT is((SELECT concat_ws(' ', to_plan, tell_at IS NULL) FROM request WHERE request_id = :c), 'f t', 'she comes after all: nobody is sought, nobody is told again');
-- One that makes room for itself does not end the first either.
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.clock('2027-03-22 10:00 EDT') \g /dev/null
SELECT pg_temp.invite('DORA', '2027-03-25 10:00 EDT') AS m, pg_temp.ask(urgency => 'immediate') AS c \gset
DELETE FROM clock;
UPDATE request SET open_window = tstzrange(wall() - interval '1 minute', NULL), due_at = wall() + interval '1 hour' WHERE request_id = :c;
SELECT pg_temp.store(pg_temp.choose(:c, 'ANNE', wall(), buffer => 0)), pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT pg_temp.clock('2027-03-22 10:10 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.store(pg_temp.choose(:c, 'DORA', wall(), buffer => 0) || jsonb_build_object('moves', jsonb_build_array(
		pg_temp.choose(pg_temp.request(:m), 'DORA', '2027-03-26 10:00 EDT') || jsonb_build_object('appointment', :m, 'from_coordinator', pg_temp.coordinator('DORA'),
			'from_start', epoch('2027-03-25 10:00 EDT'), 'cost', 1, 'terms', '{}'::jsonb)))), 'stored', 'the next in line makes room');
SELECT is(pg_temp.stands(:c), 'ANNE invited, DORA invited', 'still beside the first');
SELECT * FROM finish();
ROLLBACK;
