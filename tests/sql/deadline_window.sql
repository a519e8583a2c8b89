-- Answer windows: from when the mail server took it, reminders, the end, outages, mail that is read first.
BEGIN;
\ir deadline.psql
SELECT plan(73);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO']) w \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO']) w \g /dev/null

-- ---- from the 250 ----------------------------------------------------------------------------
-- Monday, 1 March 2027, in New York; the meeting is Wednesday week.
SELECT pg_temp.clock('2027-03-01 09:00 EST') \g /dev/null
SELECT pg_temp.invite('ANNE', '2027-03-10 10:00 EST') AS a \gset
SELECT is((SELECT pg_temp.local(send_by) FROM appointment WHERE appointment_id = :a), 'Mon 01 11:00', 'it is to be out by policy send_by');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT answer_by FROM appointment WHERE appointment_id = :a), NULL, 'no window before the mail server has it');
SELECT pg_temp.clock('2027-03-01 10:00 EST') \g /dev/null
SELECT is(pg_temp.post(), 1::bigint, 'the mail server takes it');
SELECT pg_temp.clock('2027-03-01 10:02 EST') \g /dev/null
SELECT is(pg_temp.pass(), 238.0, 'the reminder is next');
SELECT is((SELECT concat_ws(', ', pg_temp.local(window_from), pg_temp.local(answer_by), pg_temp.local(remind_at), send_by IS NULL) FROM appointment WHERE appointment_id = :a),
	'Mon 01 10:00, Tue 02 09:00, Mon 01 14:00, t', 'eight office hours from the 250, a reminder half-way, and it is sent');
SELECT is(pg_temp.mail(:a), 'invitation sent', 'nothing more goes out');

-- ---- the reminder ----------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-01 13:59 EST') \g /dev/null
SELECT is(pg_temp.pass(), 1.0, 'a minute before it nothing is due');
SELECT pg_temp.clock('2027-03-01 14:00 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.mail(:a), 'invitation sent, reminder queued', 'half-way a reminder');
SELECT is((SELECT concat_ws(' ', r.uid = i.uid, r.sequence = i.sequence, r.method, r.mail_uuid <> i.mail_uuid, r.bounce_handle <> i.bounce_handle, r.first_uuid = i.mail_uuid,
		r.answer_handle = i.answer_handle, r.span = i.span, r.partstat IS NULL, pg_temp.local(r.made_at))
	FROM message r, message i WHERE r.appointment_id = :a AND i.appointment_id = :a AND r.kind = 'reminder' AND i.kind = 'invitation'),
	't t REQUEST t t t t t t Mon 01 14:00', 'same UID and SEQUENCE, its own Message-ID, made now, in the same thread');
SELECT matches((SELECT body FROM message WHERE appointment_id = :a AND kind = 'reminder'),
	E'^Coordinator ANNE,\n\nyour answer to this appointment has not come yet; it is awaited by\nTue 2 Mar 2027 09:00 EST [^\n]*\n\nplease see to the appointment for case ',
	'it says so, and then all that the invitation said');
SELECT is((SELECT subject FROM message WHERE appointment_id = :a AND kind = 'reminder') LIKE 'Reminder: Case %', true, 'also in its subject');
SELECT is(pg_temp.post(), 1::bigint, 'it is taken');
SELECT is(pg_temp.mail(:a), 'invitation sent, reminder sent', 'and no state of the invitation was lost by it');
SELECT pg_temp.clock('2027-03-02 08:30 EST') \g /dev/null
SELECT is(pg_temp.pass(), 30.0, 'once a state');
SELECT is((SELECT pg_temp.local(answer_by) FROM appointment WHERE appointment_id = :a), 'Tue 02 09:00', 'the window is as long as before');

-- ---- its end ---------------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-02 09:00 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT concat_ws(' ', a.state, r.state, r.seek_since = wall(), r.plan_at = wall(), r.to_plan) FROM appointment a JOIN request r USING (request_id) WHERE appointment_id = :a),
	'invited planned t t t', 'at the end somebody else is sought; what was planned stands');
SELECT is((SELECT count(*) FROM history WHERE event = 'answer_overdue' AND appointment_id = :a), 1::bigint, 'history has it');
SELECT pg_temp.clock('2027-03-02 12:00 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE event = 'answer_overdue' AND appointment_id = :a), 1::bigint, 'once');
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :a;
SELECT is((SELECT concat_ws(' ', r.state, r.to_plan, r.seek_since IS NULL) FROM request r WHERE request_id = pg_temp.request(:a)), 'planned f t',
	'a late acceptance of what still stands ends the search');

UPDATE appointment SET state = 'invited', partstat = 'TENTATIVE' WHERE appointment_id = :a;
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT r.to_plan FROM request r WHERE request_id = pg_temp.request(:a)), true, 'a yes that is taken back when the window is over starts it again');
UPDATE appointment SET state = 'cancelled' WHERE appointment_id = :a;

-- ---- answered meanwhile, tentative, another state --------------------------------------------
SELECT pg_temp.clock('2027-03-03 08:00 EST') \g /dev/null
SELECT pg_temp.invite('BEN', '2027-03-12 10:00 EST') AS b, pg_temp.invite('BEN', '2027-03-12 13:00 EST') AS t, pg_temp.invite('CLEO', '2027-03-12 10:00 EST') AS u \gset
SELECT pg_temp.post() \g /dev/null
SELECT pg_temp.pass() \g /dev/null
UPDATE appointment SET state = 'accepted', partstat = 'ACCEPTED' WHERE appointment_id = :b;
UPDATE appointment SET partstat = 'TENTATIVE' WHERE appointment_id = :t;
SELECT pg_temp.clock('2027-03-03 11:00 EST') \g /dev/null
UPDATE appointment SET sequence = 1 WHERE appointment_id = :u;
SELECT queue_appointments('update', ARRAY[:u]::bigint[]);
SELECT is((SELECT concat_ws(' ', answer_by IS NULL, window_at IS NULL, pg_temp.local(send_by)) FROM appointment WHERE appointment_id = :u), 't t Wed 03 13:00',
	'a new state has no window before it is sent');
SELECT pg_temp.clock('2027-03-03 12:00 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.mail(:b), 'invitation sent', 'who has accepted is not reminded');
SELECT is(pg_temp.mail(:t), 'invitation sent, reminder queued', 'perhaps is no answer yet');
SELECT is((SELECT partstat FROM message WHERE appointment_id = :t AND kind = 'reminder'), 'TENTATIVE', 'but it is not asked back');
UPDATE appointment SET sequence = 1 WHERE appointment_id = :t;
SELECT queue_appointments('update', ARRAY[:t]::bigint[]);
SELECT is(pg_temp.mail(:t), 'invitation sent, reminder overtaken, update queued', 'a newer state overtakes a reminder that has not gone yet');
SELECT is(pg_temp.mail(:u), 'invitation sent, update queued', 'nobody is reminded of a state that is over');
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT is((SELECT pg_temp.local(answer_by) FROM appointment WHERE appointment_id = :u), 'Thu 04 11:00', 'the new state has a window of its own');

-- ---- the end of a window lies well before the start ------------------------------------------
SELECT pg_temp.invite('ANNE', '2027-03-04 16:00 EST') AS n \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT is((SELECT pg_temp.local(answer_by) FROM appointment WHERE appointment_id = :n), 'Thu 04 11:00', 'routine: four office hours before');
SELECT pg_temp.invite('ANNE', '2027-03-03 14:00 EST', 'urgent') AS g \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT is((SELECT pg_temp.local(answer_by) FROM appointment WHERE appointment_id = :g), 'Wed 03 13:00', 'urgent: an hour before');

-- ---- times without a daemon ------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-08 10:00 EST') \g /dev/null
DELETE FROM request_bar;
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.invite('ANNE', '2027-03-19 10:00 EDT') AS o, pg_temp.invite('BEN', '2027-03-09 18:00 EST', 'urgent') AS p, pg_temp.invite('CLEO', '2027-03-08 10:00 EST', 'immediate') AS q \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(pg_temp.local(answer_by), ', ' ORDER BY appointment_id) FROM appointment WHERE appointment_id IN (:o, :p, :q)), 'Tue 09 09:00, Mon 08 12:00, Mon 08 10:10',
	'three windows run');
SELECT pg_temp.clock('2027-03-08 10:05 EST') \g /dev/null
SELECT pg_temp.beat(), pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM outage), 0::bigint, 'a daemon is at work');
-- The last heartbeat was at 10:05; the next comes at 16:00.
SELECT pg_temp.clock('2027-03-08 16:00 EST', false) \g /dev/null
SELECT is(lapses_from(wall()), 'infinity'::timestamptz, 'while nobody is at work nothing lapses');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT seek_since FROM request WHERE request_id = pg_temp.request(:q)), NULL, 'not even a call-out');
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT pg_temp.local(began) || ' - ' || pg_temp.local(ended) FROM outage), 'Mon 08 10:05 - Mon 08 16:00', 'the outage is on record');
SELECT is(pg_temp.local(lapses_from(wall())), 'Mon 08 16:10', 'mail that waited elsewhere comes in first');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(pg_temp.local(answer_by), ', ' ORDER BY appointment_id) FROM appointment WHERE appointment_id IN (:o, :p, :q)), 'Tue 09 14:55, Tue 09 08:55, Mon 08 16:05',
	'each goes on where it was, in its own hours');
SELECT is((SELECT string_agg(DISTINCT r.state || ' ' || (r.seek_since IS NULL), ', ') FROM request r JOIN appointment a USING (request_id) WHERE appointment_id IN (:o, :p, :q)), 'planned true',
	'nothing lapsed');
SELECT is((SELECT count(*) FROM history WHERE event = 'window_longer'), 3::bigint, 'history says why');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE event = 'window_longer'), 3::bigint, 'once an outage');
SELECT pg_temp.clock('2027-03-08 16:05 EST') \g /dev/null
SELECT pg_temp.beat(), pg_temp.pass() \g /dev/null
SELECT is((SELECT seek_since IS NOT NULL FROM request WHERE request_id = pg_temp.request(:q)), true, 'of a call-out the next is asked as soon as its own window is over');
-- One that falls into the outage as a whole, and one that ended before.
SELECT is((SELECT count(*) FROM appointment WHERE outages_seen <> (SELECT max(outage_id) FROM outage) AND window_at IS NOT NULL), 0::bigint, 'nobody is left out');
SELECT pg_temp.invite('BEN', '2027-03-18 10:00 EDT') AS v \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT is((SELECT outages_seen = (SELECT max(outage_id) FROM outage) FROM appointment WHERE appointment_id = :v), true, 'a window that begins after an outage owes it nothing');

-- ---- mail is read first ----------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-09 08:56 EST') \g /dev/null
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
	VALUES (wall() - interval '1 minute', 'ben@example.org', 'vacd@agency.example', gen_random_uuid(), 'x', 1, wall());
SELECT pg_temp.beat() \g /dev/null
SELECT cmp_ok(pg_temp.pass(), '<=', 0.1, 'mail to read: it is looked at again soon');
SELECT is((SELECT seek_since FROM request WHERE request_id = pg_temp.request(:p)), NULL, 'and nothing lapses before');
SELECT pg_temp.clock('2027-03-09 09:56 EST') \g /dev/null
SELECT pg_temp.beat(), pg_temp.pass() \g /dev/null
SELECT is((SELECT seek_since IS NOT NULL FROM request WHERE request_id = pg_temp.request(:p)), true, 'but not for ever');
UPDATE inbound SET state = 'done', outcome = 'taken', handled_at = wall();
UPDATE request SET seek_since = NULL WHERE request_id = pg_temp.request(:p);
UPDATE appointment SET window_at = answer_by WHERE appointment_id = :p;
-- Mail that is always there, as one comes after the other.
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
	SELECT t, 'ben@example.org', 'vacd@agency.example', gen_random_uuid(), 'x', 1, wall() FROM unnest(ARRAY[(SELECT answer_by + interval '9 minutes' FROM appointment WHERE appointment_id = :p), wall()]) t;
SELECT pg_temp.clock((SELECT answer_by + interval '15 minutes' FROM appointment WHERE appointment_id = :p)), pg_temp.pass() \g /dev/null
SELECT is((SELECT seek_since FROM request WHERE request_id = pg_temp.request(:p)), NULL, 'what came soon after the end of the window is waited for');
UPDATE inbound SET state = 'done', outcome = 'taken', handled_at = wall() WHERE received_at < wall();
UPDATE inbound SET received_at = wall() WHERE waiting;
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT seek_since IS NOT NULL FROM request WHERE request_id = pg_temp.request(:p)), true, 'but not all that comes later');
UPDATE inbound SET state = 'done', outcome = 'taken', handled_at = wall();

-- ---- a wall clock that is set ----------------------------------------------------------------
SELECT pg_temp.clock('2027-03-09 09:58 EST') \g /dev/null
SELECT pg_temp.clock('2027-03-09 09:00 EST', false) \g /dev/null
SELECT pg_temp.beat() \g /dev/null
SELECT is((SELECT pg_temp.local(seen_at) FROM presence), 'Tue 09 09:00', 'a clock that was set back is believed');
SELECT is((SELECT count(*) FROM outage), 1::bigint, 'and is no outage');

-- ---- what is held, ended, or in somebody's hands ---------------------------------------------
SELECT pg_temp.clock('2027-03-10 08:00 EST') \g /dev/null
SELECT pg_temp.beat(), pg_temp.pass() \g /dev/null
UPDATE case_record SET held_since = wall() WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :o);
SELECT pg_temp.clock('2027-03-10 16:00 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'reminder' AND appointment_id = :o AND made_at > '2027-03-10 08:00 EST'), 0::bigint, 'no reminder of a held case');
SELECT pg_temp.invite('ANNE', '2027-03-22 10:00 EDT') AS x \gset
UPDATE appointment SET pinned = true WHERE appointment_id = :x;
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT pg_temp.clock('2027-03-15 08:00 EDT') \g /dev/null
DELETE FROM message WHERE kind = 'notice';
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT seek_since FROM request WHERE request_id = pg_temp.request(:x)), NULL, 'what a supervisor set by hand is not replaced');
SELECT ok(EXISTS (SELECT FROM message m JOIN case_record c ON strpos(m.body, c.case_code) > 0 JOIN appointment a ON a.case_id = c.case_id
	WHERE m.kind = 'notice' AND a.appointment_id = :x AND m.subject = 'NYC: nobody has accepted'), 'but told of');

-- ---- what fails ------------------------------------------------------------------------------
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.invite('ANNE', '2027-03-23 10:00 EDT') AS f, pg_temp.invite('BEN', '2027-03-23 10:00 EDT') AS h \gset
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
CREATE FUNCTION pg_temp.spoil() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN IF NEW.appointment_id = current_setting('test.spoilt')::bigint THEN RAISE 'spoilt'; END IF; RETURN NEW; END $$;
CREATE TRIGGER spoil BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.kind = 'reminder') EXECUTE FUNCTION pg_temp.spoil();
SELECT set_config('test.spoilt', :'f', true), pg_temp.clock((SELECT remind_at FROM appointment WHERE appointment_id = :f)) \g /dev/null
SET LOCAL client_min_messages = error;
SELECT cmp_ok(pg_temp.pass(), '<=', 0.1, 'one that fails is tried again soon');
SELECT is(pg_temp.mail(:f) || '; ' || pg_temp.mail(:h), 'invitation sent; invitation sent, reminder queued', 'and the others are done');
DROP TRIGGER spoil ON message;
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.mail(:f), 'invitation sent, reminder queued', 'when it works again it is done, too');
SET LOCAL client_min_messages = warning;
SELECT pg_temp.clock('2027-03-15 08:00 EDT') \g /dev/null

-- ---- unsent ----------------------------------------------------------------------------------
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.invite('ANNE', '2027-03-24 10:00 EDT') AS s \gset
SELECT pg_temp.clock('2027-03-15 09:59 EDT') \g /dev/null
SELECT is((SELECT alarm FROM vac_daemon.pass_time('11111111-1111-1111-1111-111111111111', 10)), NULL, 'on its way');
SELECT pg_temp.clock('2027-03-15 10:00 EDT') \g /dev/null
INSERT INTO daemon (daemon_id, host, pid, version, deliver, started_at, seen_at) VALUES ('11111111-1111-1111-1111-111111111111', 'a', 1, '0', 'smtp', wall(), wall());
SELECT is((SELECT alarm FROM vac_daemon.pass_time('11111111-1111-1111-1111-111111111111', 10)), '1 invitation not sent in time; see vac.mail_queue, and telephone', 'an alarm');
SELECT is((SELECT name FROM alarm), 'invitations_unsent', 'it stands in the table');
SET LOCAL vac.now = '2027-03-15 10:00 EDT';
SELECT matches((SELECT state FROM vac.open_cases WHERE case_code = (SELECT case_code FROM case_record JOIN appointment USING (case_id) WHERE appointment_id = :s)), 'UNSENT', 'vac.open_cases says so');
SELECT matches((SELECT state FROM vac.mail_queue WHERE mail = 'invitation'), 'UNSENT', 'and vac.mail_queue');
RESET vac.now;
SELECT pg_temp.clock('2027-03-23 10:00 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT a.state || ' ' || r.state || ' ' || (r.seek_since IS NULL) FROM appointment a JOIN request r USING (request_id) WHERE appointment_id = :s), 'invited planned true', 'what was never sent does not lapse');
UPDATE message SET not_before = wall() WHERE state = 'queued';
SELECT pg_temp.post(), pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM alarm), 0::bigint, 'the alarm ends when it is sent');
SELECT is((SELECT answer_by > wall() FROM appointment WHERE appointment_id = :s), true, 'and its window begins');

-- ---- many at once ----------------------------------------------------------------------------
-- Policy and hours of each office by the functions for one, which the others must agree with; the holidays eat up a fortnight.
SELECT pg_temp.clock('2027-06-01 09:00 EDT'), pg_temp.person('HANA', 'HNL'), pg_temp.person('BOB', 'BOS') \g /dev/null
INSERT INTO holiday (office_id, day, name) SELECT pg_temp.office('BOS'), date '2027-06-02' + n, 'Feast ' || n FROM generate_series(0, 13) n;
SELECT pg_temp.invite(w, at) FROM (VALUES ('ANNE', timestamptz '2027-06-02 11:00 EDT'), ('BEN', '2027-06-08 09:00 EDT'), ('HANA', '2027-06-04 20:00 EDT'),
	('BOB', '2027-06-18 11:00 EDT'), ('CLEO', '2027-06-01 12:00 EDT'), ('CLEO', '2027-06-30 12:00 EDT')) v (w, at) \g /dev/null
CREATE TEMP TABLE many AS SELECT a.appointment_id, a.urgency::text, k.office_id, lower(a.span) AS starts,
		timestamptz '2027-06-01 09:00 EDT' + row_number() OVER (ORDER BY a.appointment_id) * interval '37 minutes' AS since
	FROM appointment a JOIN coordinator k USING (coordinator_id) WHERE a.made_at = wall();
SELECT is((SELECT array_agg(concat_ws(' ', t.appointment_id, t.answer_by) ORDER BY t.appointment_id)
		FROM answer_windows(ARRAY(SELECT m.appointment_id FROM many m ORDER BY 1), ARRAY(SELECT m.since FROM many m ORDER BY m.appointment_id)) t),
	(SELECT array_agg(concat_ws(' ', m.appointment_id, greatest(least(e.ends, greatest(add_office_minutes(m.office_id, m.starts, -240), m.since)),
			least(e.ends, m.since + interval '10 minutes'))) ORDER BY m.appointment_id)
		FROM many m CROSS JOIN LATERAL (SELECT policy_after('answer_window', m.urgency, m.office_id, m.since) AS ends) e), 'windows of many offices are what each alone would be');
UPDATE message m SET state = 'sent', sent_at = w.since FROM many w WHERE m.appointment_id = w.appointment_id;
SELECT pg_temp.clock('2027-06-01 13:00 EDT') \g /dev/null
SELECT is((SELECT array_agg(i ORDER BY i) FROM unnest(windows_open(ARRAY(SELECT m.appointment_id FROM many m) || 0::bigint, wall())) i),
	(SELECT array_agg(m.appointment_id ORDER BY m.appointment_id) FROM many m), 'they open together');
SELECT is((SELECT count(*) FROM appointment a JOIN many m USING (appointment_id) WHERE a.window_from = m.since AND a.remind_at = a.window_at AND a.send_by IS NULL
	AND a.remind_at = half_way(a.urgency, m.office_id, m.since, a.answer_by)), 6::bigint, 'each from its moment, with the reminder half-way');

-- ---- what cannot be opened -------------------------------------------------------------------
SELECT array_agg(pg_temp.invite('CLEO', '2027-07-12 09:00 EDT'::timestamptz + d * interval '1 day')) AS ids FROM generate_series(0, 2) d \gset
SELECT pg_temp.post() \g /dev/null
SAVEPOINT whole;
SET LOCAL client_min_messages = error;
CREATE OR REPLACE FUNCTION vac_store.half_ways(urgencies text[], offices integer[], began timestamptz[], ends timestamptz[])
	RETURNS timestamptz[] LANGUAGE plpgsql AS
	$$ BEGIN IF cardinality(began) > 1 THEN RAISE query_canceled; END IF; RETURN ends; END $$;
SELECT is(pass_opens(:'ids', wall()), 3, 'what takes longer than a statement may opens one by one');
ROLLBACK TO whole;
SET LOCAL client_min_messages = error;
CREATE OR REPLACE FUNCTION vac_store.half_ways(urgencies text[], offices integer[], began timestamptz[], ends timestamptz[])
	RETURNS timestamptz[] LANGUAGE plpgsql AS
	$$ BEGIN RAISE 'no'; END $$;
UPDATE upkeep SET due_at = '-infinity';
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM appointment WHERE appointment_id = ANY (:'ids'::bigint[]) AND answer_by IS NULL), 3::bigint, 'windows that nothing opens');
SELECT is((SELECT due_at > wall() FROM upkeep), true, 'keep nobody from looking after generations');
ROLLBACK TO whole;
CREATE OR REPLACE FUNCTION vac_store.answer_windows(appointment_ids bigint[], began timestamptz[])
	RETURNS TABLE (appointment_id bigint, answer_by timestamptz) LANGUAGE sql AS
	$$ SELECT NULL::bigint, NULL::timestamptz WHERE false $$;
SELECT is(windows_open(:'ids', wall()), '{}', 'no window at all is none opened');
SELECT is(pass_opens(:'ids', wall()), 0, 'and counted as none');
ROLLBACK TO whole;
SELECT is(pass_opens(:'ids', wall()), 3, 'else they open together');
SELECT is(pass_opens(:'ids', wall()), 0, 'once');
SELECT * FROM finish();
ROLLBACK;
