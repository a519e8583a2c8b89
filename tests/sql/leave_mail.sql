-- Leave by invitation: what counts, in whose zone, what waits for a supervisor, updates, occurrences,
-- cancellations, and what we reply.
BEGIN;
\ir people.psql
SELECT plan(74);
\set day '(local_day(now(), \'America/Los_Angeles\') + 10)'
INSERT INTO mail_identity (sender, key_id, set_at) VALUES ('vacd@example.org', 'k1', now());
CREATE FUNCTION pg_temp.at(day integer, local_time time) RETURNS bigint LANGUAGE sql AS
	$$ SELECT vac_store.epoch(vac_store.local_instant(vac_store.local_day(now(), 'America/Los_Angeles') + day + local_time, 'America/Los_Angeles')) $$;
-- An event of Coordinator A's calendar, as letter_event() gives it; said replaces members.
CREATE FUNCTION pg_temp.event(uid text, starts bigint, ends bigint, said jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('uid', uid, 'sequence', 0, 'stamped', vac_store.epoch(now()), 'all_day', false, 'floating', false,
		'transparent', false, 'organizer', 'sea-1@example.org', 'attendees', '[{"address": "vacd@example.org"}]'::jsonb,
		'spans', jsonb_build_array(jsonb_build_array(starts, ends))) || said
$$;
CREATE FUNCTION pg_temp.days(uid text, from_day date, to_day date, said jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
	$$ SELECT pg_temp.event(uid, 0, 1, jsonb_build_object('all_day', true, 'transparent', true, 'start_date', from_day, 'end_date', to_day, 'spans', '[]'::jsonb) || said) $$;
CREATE FUNCTION pg_temp.mail() RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO vac_store.inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
		VALUES (now(), 'sea-1@example.org', 'vacd@example.org', gen_random_uuid(), '', 0, now()) RETURNING inbound_id
$$;
-- What becomes of a mail with these events.
CREATE FUNCTION pg_temp.invite(events jsonb, method text DEFAULT 'REQUEST', sender text DEFAULT 'sea-1@example.org', trusted boolean DEFAULT true,
		approved boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		id bigint := pg_temp.mail();
		said record;
		record jsonb := jsonb_build_object('kind', 'calendar', 'from', sender, 'auth', '{"server": "mx.example.org", "dmarc": "pass", "domain": "example.org"}'::jsonb,
			'calendar', jsonb_build_object('method', method, 'events', CASE jsonb_typeof(events) WHEN 'array' THEN events ELSE jsonb_build_array(events) END));
	BEGIN
		IF approved THEN
			RETURN vac.take_up((SELECT max(i.inbound_id) FROM vac_store.inbound i WHERE i.outcome = 'waits_for_supervisor'), 'accept');
		END IF;
		UPDATE vac_store.inbound i SET state = 'claimed', lease_until = now() + interval '1 minute', fence = 1 WHERE i.inbound_id = id;
		SELECT * INTO said FROM vac_daemon.take_mail(id, 1, record, NULL, NULL, 'none', CASE WHEN trusted THEN 'mx.example.org' ELSE '' END);
		RETURN concat_ws(': ', said.outcome, NULLIF(said.why, 'leave'));
	END
$$;
-- Leave of a coordinator to come, in Seattle's time, counted in days from today.
CREATE FUNCTION pg_temp.away(who text DEFAULT 'SEA-1') RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s-%s', vac_store.local_day(lower(l.span), 'America/Los_Angeles') - vac_store.local_day(now(), 'America/Los_Angeles'),
			to_char(lower(l.span) AT TIME ZONE 'America/Los_Angeles', 'HH24:MI'), to_char(upper(l.span) AT TIME ZONE 'America/Los_Angeles', 'HH24:MI')), ', '
			ORDER BY l.span)
		FROM vac_store.leave l JOIN vac_store.coordinator k USING (coordinator_id) WHERE k.code = who
$$;
CREATE FUNCTION pg_temp.replied() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', m.partstat, m.foreign_uid, m.sequence, m.recipient, m.partner) FROM vac_store.message m WHERE m.kind = 'reply' ORDER BY m.message_id DESC LIMIT 1
$$;

-- ---- what counts -----------------------------------------------------------------------------
SELECT is(pg_temp.invite(pg_temp.event('One', pg_temp.at(10, '09:00'), pg_temp.at(10, '12:00'))), 'taken', 'an opaque event');
SELECT is(pg_temp.away(), '10 09:00-12:00', 'is leave');
SELECT is(pg_temp.replied(), 'ACCEPTED One 0 sea-1@example.org vacd@example.org', 'and is answered, by the address that was invited');
SELECT is((SELECT source || ' ' || (leave_event_id IS NOT NULL)::text FROM leave), 'mail true', 'it is known where it comes from');
SELECT is(pg_temp.invite(pg_temp.event('One', pg_temp.at(10, '09:00'), pg_temp.at(10, '12:00'))), 'stale: the same or something newer is known of this event', 'a second time it does nothing');
SELECT is(pg_temp.invite(pg_temp.event('Free', pg_temp.at(11, '09:00'), pg_temp.at(11, '12:00'), '{"transparent": true}')), 'refused: the event is shown as free', 'what is shown as free is none');
SELECT is(pg_temp.replied(), 'DECLINED Free 0 sea-1@example.org vacd@example.org', 'and that is said');
SELECT is(pg_temp.invite(pg_temp.event('Past', pg_temp.at(-3, '09:00'), pg_temp.at(-3, '12:00'))), 'refused: the event is over', 'nor is what is over');
SELECT is(pg_temp.invite(pg_temp.days('Days', :day + 2, :day + 4)), 'taken', 'whole days count though they are shown as free');
SELECT is(pg_temp.away(), '10 09:00-12:00, 12 00:00-00:00', 'in the coordinator''s zone');
SELECT is((SELECT span IS NULL FROM message WHERE kind = 'reply' ORDER BY message_id DESC LIMIT 1), true, 'a reply about days names no moment');
SELECT is(pg_temp.invite(pg_temp.event('Float', vac_store.epoch((:day + 5 + time '13:00') AT TIME ZONE 'UTC'), vac_store.epoch((:day + 5 + time '14:00') AT TIME ZONE 'UTC'), '{"floating": true}')),
	'taken', 'a floating event');
SELECT matches(pg_temp.away(), '15 13:00-14:00', 'is at that time of day where the coordinator is');

-- ---- appointments in it ----------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', to_timestamp(pg_temp.at(20, '10:00'))) AS a1 \gset
SELECT is(pg_temp.invite(pg_temp.event('Over', pg_temp.at(20, '09:00'), pg_temp.at(20, '12:00'))), 'taken', 'leave over an appointment that is not accepted');
SELECT is(pg_temp.mail_of(:'a') || ' ' || (pg_temp.request_of(:'a')).state, 'invitation sent, cancel queued open', 'has it planned again');
SELECT vac.open_case('SEA', 'es') AS b \gset
SELECT pg_temp.appoint(:'b', 'SEA-1', to_timestamp(pg_temp.at(21, '10:00'))) AS b1 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :b1;
SELECT is(pg_temp.invite(pg_temp.event('Accepted', pg_temp.at(21, '09:00'), pg_temp.at(21, '12:00'))), 'waits_for_supervisor: it covers an accepted appointment', 'over an accepted one it waits');
SELECT is(pg_temp.replied(), 'TENTATIVE Accepted 0 sea-1@example.org vacd@example.org', 'which is said');
SELECT is((SELECT state FROM appointment WHERE appointment_id = :b1), 'accepted', 'the appointment stands');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject LIKE '%leave waits%'), 2::bigint, 'the supervisors know');
SELECT is(pg_temp.invite(pg_temp.event('Accepted', pg_temp.at(21, '09:00'), pg_temp.at(21, '12:00')), approved => true), 'SEA-1 (Coordinator A): the leave is entered', 'a supervisor''s word lets it in');
SELECT is((SELECT state FROM appointment WHERE appointment_id = :b1), 'cancelled', 'and the appointment goes');

-- ---- who may ---------------------------------------------------------------------------------
SELECT is(pg_temp.invite(pg_temp.event('X', pg_temp.at(30, '09:00'), pg_temp.at(30, '12:00')), sender => 'stranger@example.org'), 'left_alone: an event of somebody who is not on the roster', 'a stranger may not');
SELECT is(pg_temp.invite(pg_temp.event('X', pg_temp.at(30, '09:00'), pg_temp.at(30, '12:00')), trusted => false), 'waits_for_supervisor: nothing shows that the sender is who they say', 'what nobody vouches for waits');
SELECT is(pg_temp.invite(pg_temp.event('Y', pg_temp.at(30, '09:00'), pg_temp.at(30, '12:00'), '{"organizer": "sea-2@example.org"}')), 'waits_for_supervisor: the event is somebody else''s', 'so does a forwarded event');
SELECT is((SELECT count(*) FROM message WHERE kind = 'reply' AND foreign_uid = 'Y'), 0::bigint, 'whose organizer is not answered');
SELECT is(pg_temp.invite(pg_temp.days('Long', :day + 30, :day + 61)), 'waits_for_supervisor: it is longer than 30 days', 'and a long one');
SELECT is(pg_temp.invite(pg_temp.event(repeat('u', 300), pg_temp.at(30, '09:00'), pg_temp.at(30, '12:00'))), 'unreadable: an event has no UID, or one that cannot be kept', 'a UID that cannot be kept');
SELECT is(pg_temp.invite('[]'), 'no_calendar: the calendar part holds no event', 'no event');
SELECT unalike(pg_temp.away(), '%30 %', 'nothing of all that is leave');
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(DISTINCT substring(m.body from 'says so: ([^.]*)'), ', ') FROM vac_store.message m WHERE m.kind = 'notice' AND m.subject LIKE '%leave waits%' AND m.body LIKE '%(SEA-1)%' $$;
SELECT is(pg_temp.told(), 'it covers an accepted appointment, nothing shows that the sender is who they say', 'the supervisors were told of the first that waits, and not of each');
SELECT is(leave_was_told(k, now() + interval '23 hours') || ' ' || leave_was_told(k, now() + interval '25 hours'), 'true false', 'again after a day')
	FROM coordinator k WHERE code = 'SEA-1';
UPDATE inbound SET taken_up_at = now(), taken_up_by = 'sup_all' WHERE state = 'listed' AND outcome = 'waits_for_supervisor';
SELECT is(pg_temp.invite(pg_temp.days('Longer', :day + 30, :day + 62)), 'waits_for_supervisor: it is longer than 30 days', 'one more, when none is on their list');
SELECT matches(pg_temp.told(), 'it is longer than 30 days', 'is told of');

-- In their name, each time of another event: they are not flooded by our answers either.
CREATE FUNCTION pg_temp.replies() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM vac_store.message WHERE kind = 'reply' AND recipient = 'sea-1@example.org' $$;
SELECT pg_temp.replies() AS replies, count(*) AS notices FROM message WHERE kind = 'notice' \gset
SELECT count(pg_temp.invite(pg_temp.event('flood' || n, pg_temp.at(30, '09:00'), pg_temp.at(30, '12:00'), jsonb_build_object('transparent', n % 2 = 0)), trusted => false)) FROM generate_series(1, 9) n \g /dev/null
SELECT is(pg_temp.replies(), :replies::bigint, 'what nobody vouches for calls forth no more mail to them, beyond some a day');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), :notices::bigint, 'nor to the supervisors');
SELECT is(enough_replies(k, now() + interval '25 hours')::text, 'false', 'on another day it does') FROM coordinator k WHERE code = 'SEA-1';
SELECT pg_temp.invite(pg_temp.days('Own', :day + 300, :day + 301)) \g /dev/null
SELECT is(pg_temp.replies(), :replies::bigint + 1, 'their own mail is answered as before');
DELETE FROM leave l USING leave_event e WHERE e.leave_event_id = l.leave_event_id AND e.uid = 'Own';

-- ---- updates, occurrences, cancellations -----------------------------------------------------
SELECT is(pg_temp.invite(pg_temp.event('One', pg_temp.at(10, '13:00'), pg_temp.at(10, '15:00'), '{"sequence": 1}')), 'taken', 'an update');
SELECT matches(pg_temp.away(), '^10 13:00-15:00', 'moves it');
SELECT is(pg_temp.invite(pg_temp.event('Week', 0, 1, jsonb_build_object('spans', jsonb_build_array(jsonb_build_array(pg_temp.at(40, '09:00'), pg_temp.at(40, '10:00')),
	jsonb_build_array(pg_temp.at(47, '09:00'), pg_temp.at(47, '10:00')))))), 'taken', 'a series');
SELECT is(pg_temp.invite(pg_temp.event('Week', pg_temp.at(48, '09:00'), pg_temp.at(48, '10:00'), jsonb_build_object('recurrence_id', pg_temp.at(47, '09:00')))), 'taken', 'one occurrence moves');
SELECT matches(pg_temp.away(), '40 09:00-10:00, 48 09:00-10:00', 'and no other');
SELECT is(pg_temp.invite(pg_temp.event('Week', pg_temp.at(48, '09:00'), pg_temp.at(48, '10:00'), jsonb_build_object('recurrence_id', pg_temp.at(47, '09:00'))), 'CANCEL'), 'taken', 'it is cancelled');
SELECT unalike(pg_temp.away(), '%48 09:00%', 'and gone');
SELECT is(pg_temp.invite(pg_temp.event('Week', 0, 1, '{"sequence": 1, "spans": []}'), 'CANCEL', trusted => false), 'waits_for_supervisor: nothing shows that the sender is who they say', 'nobody takes back another''s leave');
SELECT is(pg_temp.invite(pg_temp.event('One', 0, 1, '{"sequence": 2, "spans": []}'), 'CANCEL') || ' ' || pg_temp.away(), 'taken 12 00:00-00:00, 15 13:00-14:00, 20 09:00-12:00, 21 09:00-12:00, 40 09:00-10:00', 'cancelled leave is gone');

-- ---- what nobody vouches for -----------------------------------------------------------------
-- Nothing shows that these come from Coordinator A: a supervisor has the word, whatever they say.
CREATE FUNCTION pg_temp.entered(day integer) RETURNS boolean LANGUAGE sql AS $$ SELECT pg_temp.away() ~ format('(^|, )%s ', day) $$;
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(50, '09:00'), pg_temp.at(50, '12:00'))) || pg_temp.entered(50), 'takentrue', 'leave that is entered');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(50, '09:00'), pg_temp.at(50, '12:00'), '{"sequence": 1, "transparent": true}'), trusted => false),
	'waits_for_supervisor: nothing shows that the sender is who they say', 'is not taken back by an update to a free event');
SELECT is(pg_temp.entered(50), true, 'it stays');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(-5, '09:00'), pg_temp.at(-5, '12:00'), '{"sequence": 2}'), trusted => false),
	'waits_for_supervisor: nothing shows that the sender is who they say', 'nor by one to an event that is over');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(50, '09:00'), pg_temp.at(50, '12:00'), jsonb_build_object('transparent', true, 'recurrence_id', pg_temp.at(50, '09:00'), 'stamped', vac_store.epoch(now()) + 60)), trusted => false),
	'waits_for_supervisor: nothing shows that the sender is who they say', 'nor by one of its occurrences');
SELECT is(pg_temp.entered(50), true, 'it stays');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(51, '09:00'), pg_temp.at(51, '12:00'), '{"sequence": 2147483647}'), trusted => false),
	'waits_for_supervisor: nothing shows that the sender is who they say', 'a forged update of the highest SEQUENCE');
SELECT (SELECT max(inbound_id) FROM inbound) AS forged \gset
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(52, '09:00'), pg_temp.at(52, '12:00'), '{"sequence": 3}')) || pg_temp.entered(50) || pg_temp.entered(52), 'takenfalsetrue', 'makes nothing old that is their own');
SELECT is(vac.take_up(:forged, 'decline'), 'SEA-1 (Coordinator A) is told that it is not entered', 'nor does the word of a supervisor against it');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(53, '09:00'), pg_temp.at(53, '12:00'), '{"sequence": 4}')) || pg_temp.entered(52) || pg_temp.entered(53), 'takenfalsetrue', 'they can change it as before');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(54, '09:00'), pg_temp.at(54, '12:00'), jsonb_build_object('sequence', 5, 'stamped', vac_store.epoch(now() + interval '9 years')))) || pg_temp.entered(54), 'takentrue', 'from a clock years ahead');
SELECT is(pg_temp.invite(pg_temp.event('Kept', pg_temp.at(55, '09:00'), pg_temp.at(55, '12:00'), jsonb_build_object('recurrence_id', pg_temp.at(54, '09:00'), 'stamped', vac_store.epoch(now()) + 3600))) || pg_temp.entered(55), 'takentrue', 'which makes what comes after no older');
SELECT is(pg_temp.invite(pg_temp.event('Waits', pg_temp.at(60, '09:00'), pg_temp.at(60, '12:00')), trusted => false) || pg_temp.invite(pg_temp.event('Waits', pg_temp.at(60, '09:00'), pg_temp.at(60, '12:00')), trusted => false),
	'waits_for_supervisor: nothing shows that the sender is who they saystale: the same or something newer is known of this event', 'a copy waits once');

-- ---- many days -------------------------------------------------------------------------------
SELECT is(pg_temp.invite(pg_temp.event('Daily', 0, 1, jsonb_build_object('spans', (SELECT jsonb_agg(jsonb_build_array(pg_temp.at(70 + n, '00:00'), pg_temp.at(71 + n, '00:00'))) FROM generate_series(1, 40) n)))),
	'waits_for_supervisor: it comes to more than 30 days in all', 'a series of days is one long leave');
SELECT is(pg_temp.invite(pg_temp.event('Weekly', 0, 1, jsonb_build_object('spans', (SELECT jsonb_agg(jsonb_build_array(pg_temp.at(70 + 7 * n, '12:00'), pg_temp.at(70 + 7 * n, '17:00'))) FROM generate_series(1, 40) n)))),
	'taken', 'an afternoon a week is none');

-- ---- occurrences of days and of floating times -------------------------------------------------
CREATE FUNCTION pg_temp.day(n integer) RETURNS date LANGUAGE sql AS $$ SELECT vac_store.local_day(now(), 'America/Los_Angeles') + n $$;
CREATE FUNCTION pg_temp.utc(n integer, local_time time DEFAULT '00:00') RETURNS bigint LANGUAGE sql AS $$ SELECT vac_store.epoch((pg_temp.day(n) + local_time) AT TIME ZONE 'UTC') $$;
SELECT pg_temp.invite(pg_temp.days('Fridays', pg_temp.day(200), pg_temp.day(201), jsonb_build_object('recurring', true, 'dates', jsonb_build_array(
	jsonb_build_array(pg_temp.day(200), pg_temp.day(201)), jsonb_build_array(pg_temp.day(207), pg_temp.day(208)), jsonb_build_array(pg_temp.day(214), pg_temp.day(215)))))) \g /dev/null
SELECT is(pg_temp.invite(pg_temp.days('Fridays', pg_temp.day(208), pg_temp.day(209), jsonb_build_object('recurrence_id', pg_temp.utc(207)))) || pg_temp.entered(207) || pg_temp.entered(208), 'takenfalsetrue', 'a day of a series moves');
SELECT is(pg_temp.invite(pg_temp.days('Fridays', pg_temp.day(208), pg_temp.day(209), jsonb_build_object('recurrence_id', pg_temp.utc(207))), 'CANCEL') || pg_temp.entered(208), 'takenfalse', 'and is cancelled');
SELECT is(pg_temp.invite(pg_temp.days('Fridays', pg_temp.day(214), pg_temp.day(215), jsonb_build_object('recurrence_id', pg_temp.utc(214))), 'CANCEL') || pg_temp.entered(214) || pg_temp.entered(200), 'takenfalsetrue', 'another, and no more');
SELECT pg_temp.invite(pg_temp.event('Floats', 0, 1, jsonb_build_object('floating', true, 'recurring', true, 'spans', jsonb_build_array(
	jsonb_build_array(pg_temp.utc(221, '09:00'), pg_temp.utc(221, '10:00')), jsonb_build_array(pg_temp.utc(228, '09:00'), pg_temp.utc(228, '10:00')))))) \g /dev/null
SELECT is(pg_temp.entered(221) || ' ' || pg_temp.entered(228), 'true true', 'a series at a floating time');
SELECT is(pg_temp.invite(pg_temp.event('Floats', pg_temp.utc(228, '09:00'), pg_temp.utc(228, '10:00'), jsonb_build_object('floating', true, 'recurrence_id', pg_temp.utc(228, '09:00'))), 'CANCEL') || pg_temp.entered(228), 'takenfalse', 'one of them is cancelled');
SELECT is(pg_temp.entered(221), true, 'and no other');

-- ---- what would not end ----------------------------------------------------------------------
CREATE FUNCTION pg_temp.replies(uid text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM vac_store.message m WHERE m.kind = 'reply' AND m.foreign_uid = replies.uid $$;
SELECT pg_temp.invite(pg_temp.event('Ping', pg_temp.at(62, '09:00'), pg_temp.at(62, '12:00'), jsonb_build_object('sequence', n))) FROM generate_series(1, 9) n \g /dev/null
SELECT is(pg_temp.replies('Ping'), 4::bigint, 'a calendar that answers each answer with an update gets no more than so many a day');
SELECT is((SELECT sequence FROM leave_event WHERE uid = 'Ping'), 9, 'but is followed');

-- ---- whose word ------------------------------------------------------------------------------
-- A coordinator of another office writes to an address that belongs to an appointment of SEA.
SELECT pg_temp.appoint(vac.open_case('SEA', 'es'), 'SEA-1', to_timestamp(pg_temp.at(64, '10:00'))) AS t \gset
SELECT pg_temp.mail() AS id \gset
UPDATE inbound SET state = 'claimed', lease_until = now() + interval '1 minute', fence = 1 WHERE inbound_id = :id;
SELECT is((SELECT t.outcome FROM vac_daemon.take_mail(:id, 1, jsonb_build_object('kind', 'calendar', 'from', 'hnl-1@example.org', 'calendar', jsonb_build_object('method', 'REQUEST', 'events',
	jsonb_build_array(pg_temp.event('H', pg_temp.at(66, '09:00'), pg_temp.at(66, '12:00'), '{"organizer": "hnl-1@example.org"}')))),
	(SELECT answer_handle FROM appointment WHERE appointment_id = :t), 'answer', 'good') t), 'waits_for_supervisor', 'leave by the address of an appointment');
SET LOCAL SESSION AUTHORIZATION sup_sea;
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :id, 'accept'), 'no mail', 'is not for the supervisors of its office to enter');
RESET SESSION AUTHORIZATION;
UPDATE inbound SET raw = NULL, record = NULL WHERE inbound_id = :id;
SELECT throws_matching(format('SELECT vac.take_up(%s, %L)', :id, 'accept'), 'was deleted after 7 days', 'what is kept no longer cannot be entered');
SELECT is(vac.take_up(:id, 'dismiss'), format('Mail %s is off the list', :id), 'but dismissed');
SELECT pg_temp.invite(pg_temp.event('Ping', 0, 1, '{"sequence": 10, "spans": []}'), 'CANCEL', trusted => false) \g /dev/null
SELECT is(vac.take_up((SELECT max(inbound_id) FROM inbound), 'decline'), 'The leave of SEA-1 (Coordinator A) stays', 'a cancellation that a supervisor does not believe');
SELECT * FROM finish();
ROLLBACK;
