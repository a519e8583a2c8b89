-- Of a call-out several are asked: who accepts with whose invitation, what a hold stops, and what corrected outcomes make of it.
BEGIN;
\ir answer.psql
SELECT plan(35);
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.over(id bigint, ago interval DEFAULT '2 hours') RETURNS void LANGUAGE sql AS $$
	UPDATE vac_store.appointment SET span = s.span, busy = s.span FROM (SELECT tstzrange(now() - ago - interval '1 hour', now() - ago) AS span) s WHERE appointment_id = id
$$;
-- A is asked, and B beside her.
CREATE FUNCTION pg_temp.both(OUT a bigint, OUT b bigint) LANGUAGE plpgsql AS $$
	BEGIN
		a := pg_temp.invited('SEA-1', urgency => 'immediate');
		b := pg_temp.appoint(pg_temp.code(a), 'SEA-2', lower((pg_temp.a(a)).span));
	END
$$;
CREATE FUNCTION pg_temp.stand(a bigint, b bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (pg_temp.a(a)).state, (pg_temp.a(b)).state, (pg_temp.r(a)).state)
$$;

-- ---- with the other's invitation -------------------------------------------------------------
SELECT * FROM pg_temp.both() \gset
SELECT pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org') AS forwarded \gset
SELECT is(pg_temp.comes(:a, :'forwarded'), 'taken: accepted, with the invitation of a colleague who was asked as well', 'B accepts with the invitation that A forwarded');
SELECT is(pg_temp.stand(:a, :b), 'replaced accepted planned', 'she has it, by her own appointment, and A need not come');
SELECT is((SELECT count(*) FROM appointment WHERE request_id = (pg_temp.a(:a)).request_id), 2::bigint, 'there is no third');
SELECT is(pg_temp.mail(:a), 'invitation sent 0, cancel queued 1', 'A is told');
SELECT is(pg_temp.mail(:b), 'invitation sent 0', 'B knows');
SELECT is((pg_temp.last()).state || ' ' || ((pg_temp.last()).appointment_id = :b)::text, 'done true', 'nobody need look at that mail');
SELECT is((SELECT responsible_id FROM case_record WHERE case_id = (pg_temp.a(:b)).case_id), (pg_temp.k('SEA-2')).coordinator_id, 'she is responsible');
SELECT is((SELECT string_agg(concat_ws(' ', o.partstat, k.code, CASE o.appointment_id WHEN :a THEN 'of A' WHEN :b THEN 'of B' END), ', ' ORDER BY o.answer_id)
	FROM answer o JOIN coordinator k USING (coordinator_id) WHERE o.inbound_id = (pg_temp.last()).inbound_id), 'ACCEPTED SEA-2 of A, ACCEPTED SEA-2 of B',
	'it is kept beside the invitation it came with and beside her own');
SELECT is((SELECT string_agg(CASE appointment_id WHEN :a THEN 'of A' WHEN :b THEN 'of B' END, ', ') FROM history WHERE event = 'answer_accepted'
	AND request_id = (pg_temp.a(:a)).request_id), 'of B', 'history has it once, as the yes to her own');
SELECT is(pg_temp.comes(:a, :'forwarded'), 'duplicate: it was taken before', 'a second copy');
SELECT is(pg_temp.comes(:b, pg_temp.says(:b, 'DECLINED', stamped => now() - interval '1 hour')), 'stale: a later answer of theirs was taken before', 'a no of hers that was written earlier and comes later');
SELECT is(pg_temp.comes(:b, pg_temp.says(:b, 'DECLINED', stamped => now() + interval '1 minute')), 'taken: declined', 'one that was written later');
SELECT is(pg_temp.stand(:a, :b), 'replaced declined open', 'counts');
SELECT * FROM pg_temp.both() \gset
SELECT pg_temp.comes(:b, pg_temp.says(:b, 'TENTATIVE', stamped => now() + interval '1 minute')) \g /dev/null
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org')), 'stale: a later answer of theirs was taken before', 'her perhaps was written later than the yes with the invitation of A');
SELECT is(pg_temp.stand(:a, :b), 'invited invited planned', 'so both are still asked');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'DECLINED', who => 'sea-2@example.org')), 'sender_misfit: Coordinator B was not invited to this', 'a no with the invitation of another is none of hers');
UPDATE appointment SET sequence = 3, span = tstzrange(lower(span) + interval '5 minutes', upper(span) + interval '5 minutes'), busy = tstzrange(lower(busy), upper(busy) + interval '5 minutes') WHERE appointment_id = :b;
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org', stamped => now() + interval '2 minutes',
	event => '{"start": 1}')), 'taken: accepted, with the invitation of a colleague who was asked as well', 'SEQUENCE and start of the one say nothing of the other');

-- ---- left to who is asked already --------------------------------------------------------------
SELECT * FROM pg_temp.both() \gset
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'DELEGATED', event => jsonb_build_object('attendees', jsonb_build_array(jsonb_build_object('address', 'sea-1@example.org', 'partstat', 'DELEGATED',
	'delegated_to', '["sea-2@example.org"]'::jsonb))))), 'taken: left to Coordinator B, who is asked already', 'A delegates to B, who was asked for the same call-out');
SELECT is(pg_temp.stand(:a, :b) || ' ' || (SELECT count(*) FROM appointment WHERE request_id = (pg_temp.a(:a)).request_id), 'replaced invited planned 2', 'A need not come, B goes on being asked');
SELECT is(pg_temp.mail(:a) || '; ' || pg_temp.mail(:b), 'invitation sent 0, cancel queued 1; invitation sent 0', 'A is told, B is not asked twice');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org', sequence => 0)), 'taken: accepted, with the invitation of a colleague who was asked as well', 'B says yes with what A forwarded');
SELECT is(pg_temp.stand(:a, :b), 'replaced accepted planned', 'which is hers');
SELECT * FROM pg_temp.both() \gset
UPDATE appointment SET pinned = true WHERE appointment_id = :a;
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org')), 'taken: accepted, with the invitation of a colleague who was asked as well', 'B was asked beside A whom a supervisor set by hand: her yes is hers all the same');
SELECT is(pg_temp.stand(:a, :b), 'replaced accepted planned', 'as it would be with her own invitation');
SELECT * FROM pg_temp.both() \gset
SELECT pg_temp.comes(:b, pg_temp.says(:b, 'DECLINED')), pg_temp.comes(:a, pg_temp.says(:a, 'DECLINED')) \g /dev/null
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org', sequence => 0)), 'refused: a colleague accepts what is declined', 'who is asked no more cannot');

-- ---- on hold ---------------------------------------------------------------------------------
-- A is over and has not been accounted for, so that its request stays planned.
SELECT * FROM pg_temp.both() \gset
SELECT pg_temp.over(:a) \g /dev/null
SELECT vac.hold_case(pg_temp.code(:a), 'safety') \g /dev/null
SELECT is(pg_temp.stand(:a, :b), 'invited cancelled planned', 'on hold: only what is over stands');
UPDATE request SET seek_since = now(), plan_at = '2001-01-01' WHERE request_id = (pg_temp.a(:a)).request_id;
SELECT is((SELECT d.due FROM vac_store.groups_due(now()) d JOIN office o USING (group_id) WHERE o.code = 'SEA') < '2002-01-01', false, 'the next in line is not called meanwhile');
SELECT is((SELECT rule FROM plan_rules(ARRAY[planned_for(pg_temp.a(:a), (pg_temp.k('SEA-2')).coordinator_id, tstzrange(pg_temp.day(3, '10:00'), pg_temp.day(3, '11:00')))],
	now(), '{}', true)), 'gone', 'a plan that was made before the hold is refused');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'pdx-1@example.org')), 'refused: Coordinator C cannot take it over: gone', 'nobody takes it over');
SELECT is((SELECT count(*) FROM appointment WHERE request_id = (pg_temp.a(:a)).request_id), 2::bigint, 'there is nothing new');

-- ---- corrected outcomes ----------------------------------------------------------------------
SELECT * FROM pg_temp.both() \gset
SELECT pg_temp.over(:a, '5 hours'), pg_temp.over(:b, '5 hours') \g /dev/null
SELECT vac.record_outcome(pg_temp.code(:a), 'missed', 'SEA-1') \g /dev/null
SELECT is(pg_temp.stand(:a, :b), 'missed invited planned', 'A missed it');
SELECT vac.record_outcome(pg_temp.code(:a), 'not_wanted', 'SEA-2') \g /dev/null
SELECT is(pg_temp.stand(:a, :b), 'missed missed withdrawn', 'and B was not wanted');
SELECT vac.record_outcome(pg_temp.code(:a), 'held', 'SEA-1') \g /dev/null
SELECT is(pg_temp.stand(:a, :b), 'held missed withdrawn', 'that of A was held after all');
SELECT vac.record_outcome(pg_temp.code(:a), 'victim_absent', 'SEA-2') \g /dev/null
SELECT is(pg_temp.stand(:a, :b), 'held missed met', 'and nobody said that it was not wanted: it is met, and not planned for ever');
SELECT vac.record_outcome(pg_temp.code(:a), 'not_wanted', 'SEA-2') \g /dev/null
SELECT is(pg_temp.stand(:a, :b), 'held missed met', 'what was met is not withdrawn');
SELECT * FROM finish();
ROLLBACK;
