-- What lies between two verbs: a call-out that others are sought for changes office, what is set by hand meets another case,
-- an ended case becomes part of one that is open, and what a what-if says of all that.
BEGIN;
\ir people.psql
SELECT plan(27);
\set soon '(date_trunc(\'hour\', now()) + interval \'3 days\')'
UPDATE coordinator SET meetings_a_day = 20, weekly_minutes = 10000, max_open_cases = 100;
SELECT vac.allow_domain('example.org') \g /dev/null
CREATE FUNCTION pg_temp.stand(VARIADIC ids bigint[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', k.code, a.state, CASE WHEN a.pinned THEN 'pinned' END), ', ' ORDER BY a.appointment_id)
		FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) WHERE a.appointment_id = ANY (ids)
$$;
CREATE FUNCTION pg_temp.needs(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', o.code, r.state, CASE WHEN r.seek_since IS NOT NULL THEN 'another is sought' END, CASE WHEN r.to_plan THEN 'to plan' END)
		FROM vac_store.appointment a JOIN vac_store.request r USING (request_id) JOIN vac_store.office o ON o.office_id = r.office_id WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.affected() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(translate(concat_ws(' ', coordinator, was, '->', what_happens), E'\n', ' '), ', ' ORDER BY coordinator, what_happens) FROM vac.affected
$$;
-- A call-out that nobody answered in time.
CREATE FUNCTION pg_temp.unanswered(id bigint) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		UPDATE vac_store.appointment SET send_by = NULL, window_from = made_at - interval '20 minutes', answer_by = made_at - interval '10 minutes',
			window_at = made_at WHERE appointment_id = id;
		PERFORM vac_store.window_ends(a, now()) FROM vac_store.appointment a WHERE a.appointment_id = id;
	END
$$;

-- ---- a call-out goes to another office -------------------------------------------------------
SELECT vac.open_case('SEA', urgency => 'immediate') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', now() - interval '20 minutes') AS a1 \gset
SELECT pg_temp.unanswered(:a1) \g /dev/null
SELECT is(pg_temp.needs(:a1), 'SEA planned another is sought to plan', 'nobody answered: the next in line is sought');
SELECT vac.transfer_case(:'a', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.stand(:a1), 'SEA-1 invited', 'who is on the way perhaps is not called back');
SELECT is(pg_temp.needs(:a1), 'PDX planned another is sought to plan', 'and the next in line is sought still, at the other office');
SELECT vac.reassign(:'a', 'somebody else', reason => 'other') \g /dev/null
SELECT is(pg_temp.needs(:a1), 'PDX open to plan', 'nor is it lost when she need not come');

-- Set by hand, where nobody answered.
SELECT vac.open_case('SEA', urgency => 'immediate') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', now() - interval '20 minutes') AS a1, pg_temp.appoint(:'a', 'SEA-2', now() - interval '20 minutes') AS a2 \gset
SELECT pg_temp.unanswered(:a1), vac.reassign(:'a', 'SEA-1', reason => 'other') \g /dev/null
SELECT is(pg_temp.stand(:a1, :a2) || ', ' || pg_temp.needs(:a1), 'SEA-1 invited pinned, SEA-2 replaced, SEA planned', 'a call-out that is set by hand is hers alone');
SELECT ok((SELECT window_at > wall() AND window_at = answer_by FROM appointment WHERE appointment_id = :a1), 'she has time to answer once more');
SELECT pg_temp.unanswered(:a1) \g /dev/null
SELECT is(pg_temp.needs(:a1), 'SEA planned another is sought to plan', 'and if she does not, others are asked as well');
SELECT vac.withdraw_case(:'a', 'other') \g /dev/null

-- ---- set by hand, and another case -----------------------------------------------------------
SELECT vac.open_case('SEA') AS g, vac.open_case('SEA', service => 'counseling') AS s \gset
SELECT vac.reassign(:'g', 'SEA-2', :soon, 'wish') \g /dev/null
SELECT appointment_id AS g1 FROM appointment JOIN case_record USING (case_id) WHERE case_code = :'g' \gset
SELECT pg_temp.appoint(:'s', 'SEA-1', :soon) AS s1 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :s1;
SAVEPOINT tried;
SELECT vac.what_if(), vac.merge_cases(:'g', :'s') \g /dev/null
SELECT is(pg_temp.affected(), format('Coordinator A asked -> appointment cancelled; planned again, Coordinator B asked -> stays, of case %s now', :'s'),
	'a what-if tells what stands and what falls');
ROLLBACK TO tried;
SELECT vac.merge_cases(:'g', :'s') \g /dev/null
SELECT is(pg_temp.stand(:g1, :s1), 'SEA-2 invited pinned, SEA-1 cancelled', 'of two at one time the one that was set by hand stands');
SELECT is(pg_temp.needs(:s1), 'SEA open to plan', 'the other is planned again');
SELECT vac.open_case('SEA') AS g, vac.open_case('SEA') AS s \gset
SELECT vac.reassign(:'g', 'SEA-2', :soon + interval '5 hours', 'wish') \g /dev/null
SELECT appointment_id AS g1 FROM appointment JOIN case_record USING (case_id) WHERE case_code = :'g' \gset
SELECT pg_temp.appoint(:'s', 'SEA-1', :soon + interval '8 hours') AS s1 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :s1;
SELECT vac.merge_cases(:'g', :'s') \g /dev/null
SELECT is(pg_temp.stand(:g1, :s1), 'SEA-2 invited pinned, SEA-1 cancelled', 'so does, of two that both needed, what was set by hand');

-- Who hears that it is cancelled knows it by the code that goes.
SELECT vac.open_case('SEA') AS g, vac.open_case('SEA', service => 'counseling') AS s \gset
SELECT pg_temp.appoint(:'g', 'SEA-2', :soon + interval '12 hours') AS g1, pg_temp.appoint(:'s', 'SEA-1', :soon + interval '12 hours') AS s1 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :s1;
SELECT vac.merge_cases(:'g', :'s') \g /dev/null
SELECT is(pg_temp.stand(:g1, :s1), 'SEA-2 cancelled, SEA-1 accepted', 'of two that nobody set by hand the accepted one stands');
SELECT matches((SELECT subject FROM message WHERE appointment_id = :g1 AND kind = 'cancel'), '^Cancelled: case ' || :'g' || ', ', 'the other is cancelled under the code that was invited to');
SELECT matches((SELECT body FROM message WHERE appointment_id = :g1 AND kind = 'cancel'), format(E'appointment for case %s,\nwhich is case %s now, is cancelled; you need not go', :'g', :'s'), 'which is another now');

-- ---- what goes to another office, in a what-if -----------------------------------------------
SELECT vac.open_case('SEA') AS t \gset
SELECT vac.add_request(:'t', 'counseling') \g /dev/null
SELECT min(request_id) AS t1, max(request_id) AS t2 FROM request JOIN case_record USING (case_id) WHERE case_code = :'t' \gset
SELECT vac.reassign(:'t', 'PDX-1', :soon + interval '24 hours', 'wish', :t1), vac.reassign(:'t', 'SEA-1', :soon + interval '27 hours', 'wish', :t2) \g /dev/null
SAVEPOINT tried;
SELECT vac.what_if(), vac.transfer_case(:'t', 'PDX', 'transferred') \g /dev/null
SELECT is(pg_temp.affected(), 'Coordinator A asked -> appointment cancelled; planned again, Coordinator C asked -> stays, at PDX now', 'what goes with the case, and what does not');
ROLLBACK TO tried;

SELECT vac.what_if() \g /dev/null
SET LOCAL SESSION AUTHORIZATION sup_sea;
SELECT vac.transfer_case(:'t', 'PDX', 'transferred') \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', case_code, office, replace(coordinator, E'\n', ' '), replace(what_happens, E'\n', ' ')), ', ') FROM vac.affected),
	format('%s PDX Coordinator C stays, at PDX now, %1$s SEA Coordinator A appointment cancelled; planned again', :'t'), 'also for who gives it away, and may not see it there');
SELECT is((SELECT count(*) FROM vac.open_cases WHERE case_code = :'t'), 0::bigint, 'as any other of that office');
RESET SESSION AUTHORIZATION;
ROLLBACK TO tried;
INSERT INTO supervisor_office SELECT s.supervisor_id, o.office_id FROM supervisor s, office o WHERE s.login = 'sup_sea' AND o.code = 'PDX';
SELECT vac.what_if() \g /dev/null
SET LOCAL SESSION AUTHORIZATION sup_sea;
SELECT vac.transfer_case(:'t', 'PDX', 'transferred'), vac.transfer_case(:'t', 'HNL', 'transferred') \g /dev/null
SELECT is((SELECT count(*) FROM vac.affected), 2::bigint, 'each once, though it is given away twice');
RESET SESSION AUTHORIZATION;
ROLLBACK TO tried;

SELECT vac.confirm(:'t', request => :t1) \g /dev/null
SELECT vac.what_if(), vac.reassign(:'t', 'PDX-1', :soon + interval '29 hours', 'wish', :t1) \g /dev/null
SELECT matches(pg_temp.affected(), '^Coordinator C accepted -> set by hand: .* P[SD]T$', 'another time, in the office''s, for somebody who had accepted');
ROLLBACK TO tried;

-- ---- an ended case, and one that is open -----------------------------------------------------
SELECT vac.open_case('SEA') AS g, vac.open_case('SEA') AS s \gset
SELECT pg_temp.appoint(:'g', 'SEA-2', now() - interval '3 hours') AS g1 \gset
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :g1;
SELECT vac.withdraw_case(:'g', 'duplicate') \g /dev/null
SELECT pass_asking(:g1, now() + interval '1 hour') \g /dev/null
SELECT is((SELECT ask_at FROM appointment WHERE appointment_id = :g1), NULL, 'of an ended case nobody is asked what became of a meeting');
SELECT vac.merge_cases(:'g', :'s') \g /dev/null
SELECT ok((SELECT ask_at <= wall() FROM appointment WHERE appointment_id = :g1), 'of the one that it is now they are');
SELECT ok(EXISTS (SELECT FROM vac.awaiting_outcome WHERE case_code = :'s'), 'and it is listed');

-- ---- two are asked, and one leaves -----------------------------------------------------------
SELECT vac.open_case('SEA', urgency => 'immediate', requester => 'intake@example.org') AS c \gset
SELECT pg_temp.appoint(:'c', 'SEA-1', now() + interval '5 minutes') AS c1, pg_temp.appoint(:'c', 'SEA-2', now() + interval '5 minutes') AS c2 \gset
DELETE FROM message WHERE kind = 'requester';
SELECT is((SELECT string_agg(done, '; ') FROM vac.hand_over('SEA-1', 'roster', 'SEA-2') WHERE which LIKE :'c' || '%'), 'SEA-2 (Coordinator B) is asked already',
	'of a call-out that a colleague has been asked for as well nothing is planned again');
SELECT is(pg_temp.stand(:c1, :c2), 'SEA-1 cancelled, SEA-2 invited', 'she goes on being asked');
SELECT is(pg_temp.needs(:c1), 'SEA planned', 'for the same request');
SELECT is((SELECT count(*) FROM message WHERE kind = 'requester'), 0::bigint, 'and whoever opened the case hears of no change');
SELECT vac.reassign(:'c', 'somebody else', reason => 'other') \g /dev/null
SELECT is((SELECT string_agg(subject, ', ') FROM message WHERE kind = 'requester'), format('Case %s: changed', :'c'), 'of the last one that need not come they do');
SELECT * FROM finish();
ROLLBACK;
