-- A copy of a database sends nothing until it is adopted; then every state that stands goes out again.
BEGIN;
\ir deadline.psql
SELECT plan(30);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO']) w \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO']) w \g /dev/null
CREATE FUNCTION pg_temp.hello(deliver text DEFAULT 'smtp', id uuid DEFAULT '11111111-1111-1111-1111-111111111111') RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', h.ok, h.problem) FROM vac_store.installed i,
		vac_daemon.hello(id, 'host', 1, '0', i.digest, deliver, 'vacd@agency.example', 'k1') h
$$;
SELECT pg_temp.clock('2027-03-01 09:00 EST', false) \g /dev/null
SELECT is(pg_temp.hello('hold'), 't', 'a daemon that sends nothing');
SELECT is((SELECT count(*) FROM origin), 0::bigint, 'makes no database the one in use');
SELECT is((SELECT count(*) FROM presence), 0::bigint, 'nor does it count as one at work');
SELECT is((SELECT concat_ws(': ', adopted, said) FROM vac_daemon.adopt()), 'f: no mail was ever sent from this database: there is nothing to adopt', 'nothing to adopt');
SELECT is(pg_temp.hello(), 't', 'one that sends');
SELECT is((SELECT (o.cluster, o.database) = (t.cluster, t.database) FROM origin o, this_system() t), true, 'does');
SELECT is((SELECT pg_temp.local(seen_at) FROM presence), 'Mon 01 09:00', 'and counts');
SELECT matches((SELECT said FROM vac_daemon.adopt()), 'is the one that mail is sent from', 'nothing to adopt here either');
SELECT pg_temp.invite('ANNE', '2027-03-10 10:00 EST') AS a, pg_temp.invite('BEN', '2027-03-10 10:00 EST') AS b, pg_temp.invite('CLEO', '2027-03-10 10:00 EST') AS c,
	pg_temp.invite('CLEO', '2027-03-01 07:00 EST') AS over, pg_temp.invite('ANNE', '2027-03-11 10:00 EST') AS held \gset
SELECT is(pg_temp.post(), 5::bigint, 'mail goes out');
SELECT pg_temp.pass(), pg_temp.post() \g /dev/null
-- Ben is on call, and was the week before.
INSERT INTO rotation (office_id, name, first_day, hand_over, days, lay_at) SELECT office_id, 'nights', '2027-02-20', '17:00', 7, 'infinity' FROM office WHERE code = 'NYC' RETURNING rotation_id AS nights \gset
INSERT INTO duty_shift (rotation_id, coordinator_id, span, answer_handle)
	SELECT :nights, pg_temp.coordinator('BEN'), s, handle() FROM unnest(ARRAY['[2027-02-20 17:00 EST,2027-02-27 17:00 EST)', '[2027-02-27 17:00 EST,2027-03-06 17:00 EST)']::tstzrange[]) s;
UPDATE appointment SET state = 'accepted' WHERE appointment_id IN (:b, :over);
SELECT end_appointments(ARRAY[:c]::bigint[], 'cancelled') \g /dev/null
UPDATE case_record SET held_since = wall() WHERE case_id = (SELECT case_id FROM appointment WHERE appointment_id = :held);

-- ---- the copy --------------------------------------------------------------------------------
UPDATE origin SET cluster = cluster + 1;
SELECT pg_temp.clock('2027-03-02 09:00 EST', false) \g /dev/null
SELECT is(pg_temp.hello(), 't this database is a copy or was restored: nothing is sent until an administrator says `vacd adopt`', 'the daemon is told so');
SELECT is(pg_temp.post(), 0::bigint, 'nothing is sent');
SELECT is(vac_daemon.next_message(), NULL, 'nor waited for');
SELECT vac_daemon.beat('11111111-1111-1111-1111-111111111111', '{mailer}', '{7}'), pg_temp.pass() \g /dev/null
SELECT is((SELECT concat_ws(' ', (SELECT count(*) FROM outage), pg_temp.local(seen_at)) FROM presence), '0 Mon 01 09:00', 'no daemon of it counts as one at work');
SELECT is((SELECT count(*) FROM request WHERE seek_since IS NOT NULL), 0::bigint, 'so that nothing lapses');
SELECT is((SELECT count(*) FROM message WHERE state = 'queued' AND kind <> 'cancel'), 0::bigint, 'and nobody is reminded or asked');
SELECT matches((SELECT string_agg(text, E'\n') FROM vac_daemon.status() WHERE severity = 'bad'), 'a copy or was restored', 'vacd status says so');
UPDATE origin SET cluster = cluster - 1, database = 1;
SELECT is(pg_temp.post(), 0::bigint, 'another database of the same cluster is a copy, too');

-- ---- adoption --------------------------------------------------------------------------------
SELECT is((SELECT concat_ws(': ', adopted, said) FROM vac_daemon.adopt()), 't: adopted: mail is sent from here now; 2 appointments that stand are sent again, with a higher SEQUENCE', 'adopted');
SELECT is((SELECT string_agg(concat_ws(' ', state, sequence, (SELECT string_agg(m.kind || ' ' || m.sequence || ' ' || m.state, ', ' ORDER BY m.message_id) FROM message m WHERE m.uid = p.uid)), '; ' ORDER BY appointment_id)
	FROM appointment p WHERE appointment_id IN (:a, :b)), 'invited 100 invitation 0 sent, update 100 queued; accepted 100 invitation 0 sent, update 100 queued', 'every state that stands, accepted or not');
SELECT is((SELECT string_agg(sequence::text, ' ' ORDER BY appointment_id) FROM appointment WHERE appointment_id IN (:c, :over, :held)), '1 0 0', 'but not what has ended, is over, or is on hold');
SELECT is((SELECT string_agg(sequence::text, ' ' ORDER BY span) FROM duty_shift), '0 100', 'shifts to come or under way stand, too');
SELECT is((SELECT string_agg(concat_ws(' ', method, sequence, state), ', ') FROM message WHERE kind = 'shift'), 'REQUEST 100 queued', 'and are sent again');
SELECT is((SELECT answer_by FROM appointment WHERE appointment_id = :a), NULL, 'its window begins anew');
SELECT is((SELECT count(*) FROM history WHERE event = 'database_adopted'), 1::bigint, 'history');
SELECT is(pg_temp.hello(), 't', 'the daemon works');
SELECT is((SELECT pg_temp.local(began) || ' - ' || pg_temp.local(ended) FROM outage), 'Mon 01 09:00 - Tue 02 09:00', 'the time in between was one without a daemon');
SELECT is(pg_temp.post(), 4::bigint, 'three states and a CANCEL that waited go out');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT pg_temp.local(answer_by) FROM appointment WHERE appointment_id = :a), 'Tue 02 17:00', 'and the window runs');
SELECT is((SELECT (o.cluster, o.database) = (t.cluster, t.database) FROM origin o, this_system() t), true, 'this is the one in use');
SELECT is((SELECT adopted FROM vac_daemon.adopt()), false, 'once');
SELECT * FROM finish();
ROLLBACK;
