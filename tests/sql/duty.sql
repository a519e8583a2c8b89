-- On-call duty: turns across both changes of the clocks, leave, covers and swaps, what holders are sent,
-- and gaps.
BEGIN;
\ir people.psql
SELECT plan(59);
SELECT local_day(now(), 'America/Los_Angeles') AS today \gset
-- Tomorrow, so that the hand-over of the first day is always ahead.
SELECT date :'today' + 1 AS first \gset
-- Who has duty, days counted from the first one, in Seattle's time.
CREATE FUNCTION pg_temp.when_is(span tstzrange) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s %s-%s %s', vac_store.local_day(lower(span), z) - f, to_char(lower(span) AT TIME ZONE z, 'HH24:MI'),
			vac_store.local_day(upper(span), z) - f, to_char(upper(span) AT TIME ZONE z, 'HH24:MI'))
		FROM (VALUES ('America/Los_Angeles', vac_store.local_day(now(), 'America/Los_Angeles') + 1)) v (z, f)
$$;
CREATE FUNCTION pg_temp.duties(most integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(t.line, ', ' ORDER BY t.span) FROM (SELECT coalesce(k.code, 'NOBODY') || ' ' || pg_temp.when_is(d.span) AS line, d.span
			FROM vac_store.rotation r, vac_store.rotation_duty(r.rotation_id, tstzrange(now(), now() + interval '35 days')) d LEFT JOIN vac_store.coordinator k USING (coordinator_id)
			WHERE r.retired_at IS NULL ORDER BY d.span LIMIT most) t
$$;
-- The shifts that the planner sees.
CREATE FUNCTION pg_temp.shifts(who text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(s.kind || ' ' || pg_temp.when_is(s.span), ', ' ORDER BY s.span) FROM vac_store.shift s JOIN vac_store.coordinator k USING (coordinator_id)
		WHERE k.code = who AND lower(s.span) < now() + interval '20 days'
$$;
CREATE FUNCTION pg_temp.sent() RETURNS text LANGUAGE sql AS $$
	WITH said AS (UPDATE vac_store.message m SET first_uuid = NULL, state = CASE m.state WHEN 'queued' THEN 'sent' ELSE m.state END, ever_claimed = true
		WHERE m.kind = 'shift' AND NOT m.ever_claimed AND m.state IN ('queued', 'unneeded') RETURNING m.*)
	SELECT string_agg(format('%s %s %s %s%s', s.method, s.sequence, split_part(s.recipient, '@', 1), pg_temp.when_is(s.span),
		CASE WHEN s.state = 'unneeded' THEN ' unneeded' ELSE '' END), ', ' ORDER BY s.span, s.message_id) FROM said s WHERE lower(s.span) < now() + interval '20 days'
$$;

CREATE FUNCTION pg_temp.is_due(wanted text) RETURNS boolean LANGUAGE sql AS $$
	SELECT d.due <= vac_store.wall() FROM vac_store.deadlines(20, vac_store.wall(), vac_store.wall()) d JOIN vac_store.rotation r ON r.rotation_id = d.id
		WHERE d.what = 'duty' AND r.name = wanted
$$;

-- ---- turns -----------------------------------------------------------------------------------
SELECT is(vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-2', '17:00', 7, :'first'),
	'SEA, nights: 2 coordinators take turns of 7 days, handing over at 17:00 (America/Los_Angeles); nobody has it now', 'a rotation');
SELECT is(pg_temp.duties(3), 'SEA-1 0 17:00-7 17:00, SEA-2 7 17:00-14 17:00, SEA-1 14 17:00-21 17:00', 'they take turns');
SELECT is(pg_temp.shifts('SEA-1'), 'on_call 0 17:00-7 17:00, on_call 14 17:00-21 17:00', 'which are shifts that the planner sees');
SELECT is(pg_temp.sent(), 'REQUEST 0 sea-1 0 17:00-7 17:00, REQUEST 0 sea-2 7 17:00-14 17:00, REQUEST 0 sea-1 14 17:00-21 17:00', 'each is sent to its holder');
SELECT is((SELECT bool_and(shown_free AND words IS NULL AND appointment_id IS NULL) FROM message WHERE kind = 'shift'), true, 'shown as free');
SELECT is(lay_rotation(rotation_id, now()), 0, 'laid out again nothing changes') FROM rotation;
SELECT is(lay_rotation(rotation_id, now() + interval '7 days') > 0, true, 'a week later the next ones come') FROM rotation;
SELECT is((SELECT count(*) FROM (SELECT uid FROM message WHERE kind = 'shift' GROUP BY uid HAVING count(*) > 1) twice), 0::bigint, 'and of no shift more than one state');
INSERT INTO rotation (office_id, name, first_day, hand_over, days, lay_at) SELECT office_id, 'old', '2027-03-12', '02:30', 1, now() FROM office WHERE code = 'SEA' RETURNING rotation_id AS old \gset
INSERT INTO rotation_member SELECT :old, 1, coordinator_id FROM coordinator WHERE code = 'SEA-1' \g /dev/null
SELECT is((SELECT string_agg(lower(span)::text, ' ' ORDER BY span) FROM rotation_turns(:old, '[2027-03-13 00:00Z,2027-03-15 20:00Z]') t WHERE lower(span) > '2027-03-13 00:00Z'),
	(SELECT string_agg(t::text, ' ' ORDER BY t) FROM unnest('{2027-03-13 10:30Z,2027-03-14 10:00Z,2027-03-15 09:30Z}'::timestamptz[]) t), 'a hand-over at an hour that is skipped in spring is where it is skipped, and the next at its own');
SELECT is((SELECT count(DISTINCT lower(span)) FROM rotation_turns(:old, '[2027-11-06 00:00Z,2027-11-09 00:00Z]')), 4::bigint, 'one a day in autumn too');
SELECT is((SELECT count(*) FROM rotation_turns(:old, '[2027-01-01,2027-02-01]')), 0::bigint, 'none before the first day');
DELETE FROM rotation_member WHERE rotation_id = :old \g /dev/null
UPDATE rotation SET retired_at = now() WHERE rotation_id = :old \g /dev/null

-- ---- leave makes a gap -----------------------------------------------------------------------
UPDATE rotation SET lay_at = now() + interval '1 day' \g /dev/null
SELECT ctid AS was FROM rotation WHERE retired_at IS NULL \gset
SELECT vac.add_leave('SEA-2', (date :'first' + 8)::text, (date :'first' + 9)::text) \g /dev/null
SELECT is((SELECT ctid = :'was' FROM rotation WHERE retired_at IS NULL), true, 'leave writes nothing that two open transactions could meet in');
SELECT is(pg_temp.duties(4), 'SEA-1 0 17:00-7 17:00, SEA-2 7 17:00-8 00:00, NOBODY 8 00:00-10 00:00, SEA-2 10 00:00-14 17:00', 'leave takes a part out');
SELECT is(pg_temp.is_due('nights'), true, 'and the rotation is laid out anew');
SELECT vac_daemon.hello('00000000-0000-4000-8000-000000000001', 'h', 1, 'v', (SELECT digest FROM installed), 'smtp', 'vacd@example.org', 'k1') \g /dev/null
SELECT vac_daemon.pass_time('00000000-0000-4000-8000-000000000001', 20) \g /dev/null
SELECT is(pg_temp.is_due('nights'), false, 'by the stage that passes time');
SELECT is(pg_temp.sent(), 'REQUEST 0 sea-2 7 17:00-8 00:00, REQUEST 1 sea-2 10 00:00-14 17:00', 'the holder gets an update, and an entry for the other part');
SELECT is((SELECT array_agg(lacks || ' ' || replace(because, E'\n', ' ')) FROM vac.coverage_gaps), ARRAY['nights Coordinator B is away'], 'the gap shows');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject LIKE '%nobody is on call'), 0::bigint, 'more than a week ahead nobody is told');
SELECT tell_duty_gaps(rotation_id, now() + interval '3 days') FROM rotation WHERE retired_at IS NULL \g /dev/null
SELECT is((SELECT string_agg(recipient::text, ' ' ORDER BY recipient) FROM message WHERE kind = 'notice' AND subject LIKE '%nobody is on call'), 'supervisor.a@example.org supervisor.b@example.org', 'then the supervisors are told');
SELECT tell_duty_gaps(rotation_id, now() + interval '3 days') FROM rotation WHERE retired_at IS NULL \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject LIKE '%nobody is on call'), 2::bigint, 'once');
SELECT vac.remove_leave('SEA-2', (date :'first' + 8)::text) \g /dev/null
SELECT lay_rotation(rotation_id, now()), tell_duty_gaps(rotation_id, now() + interval '3 days') FROM rotation WHERE retired_at IS NULL \g /dev/null
SELECT is(pg_temp.sent(), 'CANCEL 1 sea-2 7 17:00-8 00:00, REQUEST 2 sea-2 7 17:00-14 17:00', 'leave taken back makes it whole again');
SELECT vac.add_leave('SEA-2', (date :'first' + 8)::text, (date :'first' + 9)::text) \g /dev/null
SELECT tell_duty_gaps(rotation_id, now() + interval '3 days') FROM rotation WHERE retired_at IS NULL \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject LIKE '%nobody is on call'), 4::bigint, 'the same gap anew is told anew');
SELECT lay_rotation(rotation_id, now()) FROM rotation WHERE retired_at IS NULL \g /dev/null
SELECT pg_temp.sent() \g /dev/null

-- ---- covers and swaps ------------------------------------------------------------------------
SELECT matches(vac.cover_duty('SEA', 'Nights', 'pdx-1', (date :'first' + 8)::text, (date :'first' + 9)::text), 'Coordinator C \(PDX-1\) is on call$', 'somebody covers, of a backup office too');
SELECT is(pg_temp.duties(4), 'SEA-1 0 17:00-7 17:00, SEA-2 7 17:00-8 00:00, PDX-1 8 00:00-10 00:00, SEA-2 10 00:00-14 17:00', 'the gap is filled');
SELECT is(pg_temp.sent(), 'REQUEST 0 pdx-1 8 00:00-10 00:00', 'who covers is told');
SELECT is((SELECT count(*) FROM vac.coverage_gaps), 0::bigint, 'no gap is left');
SELECT is((SELECT replace(note, E'\n', ' ') FROM vac.rotations WHERE coordinator = 'Coordinator C'), 'covers for Coordinator B', 'and one sees for whom');
SELECT matches(vac.cover_duty('SEA', 'nights', 'SEA-1', (date :'first' + 9)::text, (date :'first' + 9)::text), 'Coordinator A', 'somebody else covers a part of it');
SELECT is(pg_temp.duties(4), 'SEA-1 0 17:00-7 17:00, SEA-2 7 17:00-8 00:00, PDX-1 8 00:00-9 00:00, SEA-1 9 00:00-10 00:00', 'the cover is cut');
SELECT is(pg_temp.sent(), 'REQUEST 1 pdx-1 8 00:00-9 00:00, REQUEST 0 sea-1 9 00:00-10 00:00', 'both are told');
SELECT matches(vac.cover_duty('SEA', 'nights', NULL, (date :'first' + 8)::text, (date :'first' + 9)::text), 'whose turn it is$', 'taken back');
SELECT is(pg_temp.sent(), 'CANCEL 2 pdx-1 8 00:00-9 00:00, CANCEL 1 sea-1 9 00:00-10 00:00', 'both are free');
SELECT vac.remove_leave('SEA-2', (date :'first' + 8)::text) \g /dev/null
SELECT lay_rotation(rotation_id, now()) FROM rotation WHERE retired_at IS NULL \g /dev/null
SELECT pg_temp.sent() \g /dev/null
SELECT matches(vac.swap_duty('SEA', 'nights', :'first', (date :'first' + 7)::text), 'Coordinator B has .*, Coordinator A has', 'two swap');
SELECT is(pg_temp.duties(3), 'SEA-2 0 17:00-7 17:00, SEA-1 7 17:00-14 17:00, SEA-1 14 17:00-21 17:00', 'one has two turns in a row then');
SELECT is(pg_temp.shifts('SEA-2'), 'on_call 0 17:00-7 17:00', 'so it is planned');

-- ---- answers that nobody asked for ------------------------------------------------------------
CREATE FUNCTION pg_temp.answered(partstat text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		shift vac_store.duty_shift := (SELECT d FROM vac_store.duty_shift d WHERE d.live ORDER BY d.span LIMIT 1);
		id bigint;
		said record;
	BEGIN
		INSERT INTO vac_store.inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before, state, lease_until, fence)
			VALUES (now(), '', 'vacd@example.org', gen_random_uuid(), '', 0, now(), 'claimed', now() + interval '1 minute', 1) RETURNING inbound_id INTO id;
		SELECT * INTO said FROM vac_daemon.take_mail(id, 1, jsonb_build_object('kind', 'calendar', 'from', 'sea-2@example.org', 'calendar', jsonb_build_object('method', 'REPLY',
			'events', jsonb_build_array(jsonb_build_object('uid', shift.uid, 'attendees', jsonb_build_array(jsonb_build_object('address', 'sea-2@example.org', 'partstat', partstat)))))),
			(SELECT t.handle FROM vac_daemon.token_subjects(ARRAY[shift.answer_handle]) t WHERE t.purpose = 'answer' AND t.subject = shift.uid::text), 'answer', 'good');
		RETURN said.outcome || ' ' || (SELECT i.state FROM vac_store.inbound i WHERE i.inbound_id = id);
	END
$$;
SELECT is(pg_temp.answered('ACCEPTED'), 'left_alone done', 'an acceptance needs nobody');
SELECT is(pg_temp.answered('DECLINED'), 'refused listed', 'a no is for a supervisor');

-- ---- beside single shifts, and when somebody leaves ------------------------------------------
SELECT throws_matching(format($$SELECT vac.remove_shift('SEA-2', %L)$$, date :'first' + 1), 'has no single shift then', 'a shift of a rotation is no single one');
SELECT throws_matching(format($$SELECT vac.add_shift('SEA-2', 'on_call', %L, %L)$$, date :'first' + 1, date :'first' + 2), 'has an on-call shift then already', 'nor can one lie over it');
SELECT lives_ok(format($$SELECT vac.add_shift('HNL-1', 'on_call', %L, %L)$$, date :'first' + 1, date :'first' + 2), 'a single shift');
SELECT vac.set_rotation('HNL', 'all', 'HNL-1', '00:00', 1, :'first') \g /dev/null
SELECT is((SELECT count(*) FROM shift s JOIN coordinator k USING (coordinator_id) WHERE k.code = 'HNL-1' AND s.duty_id IS NULL), 1::bigint, 'stays, and the rotation goes round it');
SELECT is((SELECT range_agg(s.span) @> tstzrange(local_instant(date :'first' + time '00:00', 'Pacific/Honolulu'), local_instant(date :'first' + 5 + time '00:00', 'Pacific/Honolulu'))
	FROM shift s JOIN coordinator k USING (coordinator_id) WHERE k.code = 'HNL-1'), true, 'without leaving a hole');
SELECT vac.remove_shift('HNL-1', (date :'first' + 1)::text, (date :'first' + 2)::text) \g /dev/null
SELECT is(pg_temp.is_due('all'), true, 'where the single shift goes');
SELECT lay_rotation(rotation_id, now()) FROM rotation WHERE name = 'all' \g /dev/null
SELECT is((SELECT range_agg(s.span) @> tstzrange(local_instant(date :'first' + time '00:00', 'Pacific/Honolulu'), local_instant(date :'first' + 5 + time '00:00', 'Pacific/Honolulu'))
	FROM shift s JOIN coordinator k USING (coordinator_id) WHERE k.code = 'HNL-1'), true, 'the rotation takes its place');
SELECT vac.set_rotation('HNL', 'second', 'HNL-1', '00:00', 1, :'first'), vac.retire_rotation('HNL', 'all', 'roster: over') \g /dev/null
SELECT vac_daemon.pass_time('00000000-0000-4000-8000-000000000001', 20) \g /dev/null
SELECT is((SELECT range_agg(s.span) @> tstzrange(local_instant(date :'first' + time '00:00', 'Pacific/Honolulu'), local_instant(date :'first' + 5 + time '00:00', 'Pacific/Honolulu'))
	FROM shift s JOIN coordinator k USING (coordinator_id) WHERE k.code = 'HNL-1'), true, 'so does a second rotation of the same holder when the first is given up');
SELECT is(pg_temp.is_due('nights') OR pg_temp.is_due('second'), false, 'and it comes to rest');
SELECT vac.retire_coordinator('SEA-2', 'roster: left') \g /dev/null
SELECT lay_rotation(rotation_id, now()) FROM rotation WHERE name = 'nights' \g /dev/null
SELECT matches((SELECT string_agg(replace(because, E'\n', ' '), ' ') FROM vac.coverage_gaps WHERE office = 'SEA'), 'Coordinator B is away', 'who has left leaves gaps');
SELECT is(pg_temp.shifts('SEA-2'), NULL, 'and has no shift');

-- ---- what is refused -------------------------------------------------------------------------
SELECT throws_matching($$SELECT vac.set_rotation('SEA', 'x', 'HNL-1')$$, 'HNL-1 is neither of SEA nor of one of its backups', 'only who can be sent there');
SELECT throws_matching($$SELECT vac.set_rotation('SEA', 'x', '')$$, 'nobody was named', 'somebody must take turns');
SELECT throws_matching($$SELECT vac.set_rotation('SEA', 'x', 'SEA-1', '5 pm')$$, 'hand_over: ''5 pm''', 'a time of day');
SELECT throws_matching($$SELECT vac.cover_duty('SEA', 'days', 'SEA-1', '2027-01-01', '2027-01-02')$$, 'SEA has no rotation ''days''', 'which rotation');
SELECT matches(vac.retire_rotation('SEA', 'nights', 'roster: over'), 'given up; \d+ shifts are cancelled', 'a rotation ends');
SELECT is((SELECT count(*) FROM shift s JOIN duty_shift d USING (duty_id) JOIN rotation r USING (rotation_id) WHERE r.name = 'nights'), 0::bigint, 'with its shifts');
-- ---- what is over stays as it was ------------------------------------------------------------
SELECT vac.set_rotation('SEA', 'weeks', 'SEA-1', '17:00', 7, :'first') \g /dev/null
SELECT rotation_id AS weeks FROM rotation WHERE name = 'weeks' \gset
CREATE FUNCTION pg_temp.held() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(pg_temp.when_is(d.span), ', ' ORDER BY d.span) FROM vac_store.duty_shift d JOIN vac_store.rotation r USING (rotation_id)
		WHERE r.name = 'weeks' AND d.live AND lower(d.span) < now() + interval '7 days'
$$;
INSERT INTO leave (coordinator_id, span)
	SELECT coordinator_id, tstzrange(local_day_start(date :'first' + 2, 'America/Los_Angeles'), local_day_start(date :'first' + 4, 'America/Los_Angeles'))
		FROM coordinator WHERE code = 'SEA-1';
SELECT lay_rotation(:weeks, now()) \g /dev/null
SELECT is(pg_temp.held(), '0 17:00-2 00:00, 4 00:00-7 17:00', 'leave in the middle of a turn');
DELETE FROM leave l USING coordinator k WHERE k.coordinator_id = l.coordinator_id AND k.code = 'SEA-1';
SELECT lives_ok(format('SELECT lay_rotation(%s, local_day_start(%L, %L) + interval %L)', :weeks, date :'first' + 2, 'America/Los_Angeles', '12 hours'),
	'leave taken back after it began');
SELECT is(pg_temp.held(), '0 17:00-2 00:00, 2 00:00-7 17:00', 'what was over is left, and the rest of the turn is theirs again');
SELECT lives_ok(format('SELECT put_rotation(o, %L, ARRAY[k.coordinator_id], %L, 7, %L), lay_rotation(%s, local_day_start(%L, %L) + interval %L) FROM office o, coordinator k WHERE o.code = %L AND k.code = %L',
	'weeks', '12:00', :'first', :weeks, date :'first' + 7, 'America/Los_Angeles', '18 hours', 'SEA', 'SEA-1'), 'an earlier hand-over, on the day itself');
SELECT is((SELECT count(*) FROM duty_shift a JOIN duty_shift b ON b.rotation_id = a.rotation_id AND b.duty_id > a.duty_id AND a.live AND b.live AND a.span && b.span),
	0::bigint, 'no part is held twice');
SELECT * FROM finish();
ROLLBACK;
