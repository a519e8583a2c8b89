-- Which answer counts: SEQUENCE, DTSTAMP, duplicates, and that the order of arrival does not matter.
BEGIN;
\ir answer.psql
SELECT plan(46);
\set t0 'date_trunc(\'second\', now())'

-- ---- DTSTAMP ---------------------------------------------------------------------------------
SELECT pg_temp.invited() AS a \gset
SELECT pg_temp.says(:a, 'ACCEPTED', stamped => :t0) AS first \gset
SELECT is(pg_temp.comes(:a, :'first'), 'taken: accepted', 'the first');
SELECT is(pg_temp.comes(:a, :'first'), 'duplicate: it was taken before', 'the same mail again');
SELECT is((pg_temp.last()).state, 'done', 'is nothing to look at');
SELECT is((SELECT count(*) FROM answer WHERE appointment_id = :a), 1::bigint, 'and is kept once');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'TENTATIVE', stamped => :t0 - interval '1 second')), 'stale: a later answer of theirs was taken before', 'an older one');
SELECT is((pg_temp.a(:a)).state || (pg_temp.last()).state, 'acceptedlisted', 'changes nothing, and is listed');
SELECT is(pg_temp.mail(:a), 'invitation sent 0', 'nobody is asked again');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', stamped => :t0)), 'duplicate: it says the same as the last one', 'the same in the same second, in another mail');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'TENTATIVE', stamped => :t0)), 'stale: a later answer of theirs was taken before', 'perhaps in the same second is less firm');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'DECLINED', stamped => :t0)), 'taken: declined', 'a no in the same second is firmer');
SELECT is(pg_temp.comes(:a, :'first'), 'duplicate: it was taken before', 'a duplicate is one also when its appointment has ended');
SELECT is((pg_temp.a(:a)).state, 'declined', 'no answer brings it back');
SELECT is(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', stamped => :t0 + interval '1 minute')), 'refused: the appointment is declined; its cancellation goes out again', 'nor a later one');
SELECT is((pg_temp.last()).state, 'listed', 'but while nobody else is found it is worth a look');

SELECT pg_temp.invited() AS b \gset
SELECT is(pg_temp.comes(:b, pg_temp.says(:b, 'TENTATIVE', stamped => :t0, event => '{"stamped": null}')), 'taken: tentative', 'without DTSTAMP');
SELECT is((SELECT stamped FROM answer WHERE appointment_id = :b), :t0, 'the Date header counts');
SELECT is(pg_temp.comes(:b, pg_temp.says(:b, 'ACCEPTED', event => '{"stamped": null}', more => '{"date": null, "message_id": "<undated@example.org>"}')), 'taken: accepted', 'without either');
SELECT is((SELECT stamped FROM answer WHERE appointment_id = :b AND partstat = 'ACCEPTED'), date_trunc('second', (pg_temp.last()).received_at), 'when it came');
SELECT is(pg_temp.comes(:b, pg_temp.says(:b, 'ACCEPTED', event => '{"stamped": null}', more => '{"date": null, "message_id": "<undated@example.org>"}')), 'duplicate: it was taken before',
	'and its second copy is known by its Message-ID');
SELECT pg_temp.invited() AS b2 \gset
SELECT is(pg_temp.comes(:b2, pg_temp.says(:b2, 'TENTATIVE', stamped => :t0 + interval '10 years', more => jsonb_build_object('date', pg_temp.secs(:t0)))), 'taken: tentative', 'a clock years ahead');
SELECT is(pg_temp.comes(:b2, pg_temp.says(:b2, 'ACCEPTED', stamped => :t0 + interval '1 second')), 'taken: accepted', 'does not shut out later answers');

-- ---- SEQUENCE --------------------------------------------------------------------------------
SELECT pg_temp.invited() AS s \gset
SELECT is(pg_temp.comes(:s, pg_temp.says(:s, 'TENTATIVE', stamped => :t0, event => '{"sequence": null}')), 'taken: tentative', 'no SEQUENCE counts as the current one');
SELECT is(pg_temp.comes(:s, pg_temp.says(:s, 'ACCEPTED', stamped => :t0 + interval '1 second', sequence => 7)), 'taken: accepted', 'a higher one, too');
SELECT is((SELECT string_agg(concat_ws('/', said_sequence, sequence), ' ' ORDER BY answer_id) FROM answer WHERE appointment_id = :s), '0 7/0', 'as what it was said, and as what it counted');
SELECT matches(pg_temp.events(:s), 'answer_ahead', 'the higher one is noted in history');
-- Another place, the same time.
SELECT lower((pg_temp.a(:s)).span) AS start \gset
SELECT vac.change_request((SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:s)).case_id), place => 'AIR'), pg_temp.sent() \g /dev/null
SELECT is((pg_temp.a(:s)).sequence, 1, 'something changes, not the start');
SELECT is(pg_temp.comes(:s, pg_temp.says(:s, 'TENTATIVE', sequence => 0, stamped => :t0 - interval '1 minute', event => '{"start": null}')), 'taken: tentative',
	'an answer to the state before counts, since the start is the same');
SELECT pg_temp.invited('SEA-1', pg_temp.day(2, '13:00')) AS g \gset
SELECT pg_temp.comes(:g, pg_temp.says(:g, 'TENTATIVE', method => 'COUNTER', stamped => :t0, event => jsonb_build_object('start', pg_temp.secs(pg_temp.day(2, '09:00')),
	'end', pg_temp.secs(pg_temp.day(2, '10:00'))))) \g /dev/null
SELECT is((pg_temp.a(:g)).sequence::text || pg_temp.mail(:g), '1invitation sent 0, update queued 1', 'the start changes');
SELECT pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(:g, pg_temp.says(:g, 'ACCEPTED', sequence => 0, stamped => :t0 - interval '1 minute')), 'taken: accepted', 'who names the new start by the old SEQUENCE (Google) answers the new state');
SELECT is(pg_temp.comes(:g, pg_temp.says(:g, 'DECLINED', sequence => 0, event => '{"start": null}')), 'stale: it is about a time that is no longer the appointment''s; they are asked again',
	'an old SEQUENCE without a start is stale');
SELECT is((pg_temp.a(:g)).state || pg_temp.mail(:g), 'acceptedinvitation sent 0, update sent 1, update queued 1', 'it changes nothing; the newest state goes again, with the same SEQUENCE');
SELECT is((SELECT partstat FROM message WHERE appointment_id = :g AND state = 'queued'), 'ACCEPTED', 'and what they said last');
SELECT pg_temp.sent() \g /dev/null
SELECT is(pg_temp.comes(:g, pg_temp.says(:g, 'DECLINED', sequence => 0, event => '{"start": null}')), 'stale: once more about a time that is no longer the appointment''s: please telephone', 'the second time it is a supervisor''s');
SELECT is(pg_temp.mail(:g) || (pg_temp.last()).state, 'invitation sent 0, update sent 1, update sent 1listed', 'and no mail goes');
SELECT is(pg_temp.comes(:g, pg_temp.words(:g, 'decline', 0)), 'stale: once more about a time that is no longer the appointment''s: please telephone', '"decline 0" is about the old time');
SELECT is(pg_temp.comes(:g, pg_temp.words(:g, 'decline', 1)), 'taken: declined', '"decline 1" about the new one');

-- ---- several events --------------------------------------------------------------------------
SELECT pg_temp.invited() AS m \gset
SELECT pg_temp.says(:m, 'ACCEPTED') AS one \gset
\set two 'jsonb_set(:\'one\'::jsonb, \'{calendar,events}\', (:\'one\'::jsonb -> \'calendar\' -> \'events\') || jsonb_build_array(:event))'
\set event 'jsonb_set(:\'one\'::jsonb #> \'{calendar,events,0}\', \'{uid}\', to_jsonb(gen_random_uuid()))'
SELECT is(pg_temp.comes(:m, :two), 'set_aside: it names another event than the one that its address belongs to', 'of two events with one token none counts');
\set event 'jsonb_set(:\'one\'::jsonb #> \'{calendar,events,0}\', \'{attendees,0,partstat}\', \'"DECLINED"\')'
SELECT is(pg_temp.comes(:m, :two), 'set_aside: its events contradict each other', 'nor of two that say different things');
SELECT is((pg_temp.a(:m)).state, 'invited', 'nothing has changed');
\set event 'jsonb_set(:\'one\'::jsonb #> \'{calendar,events,0}\', \'{stamped}\', \'4\')'
SELECT is(pg_temp.comes(:m, :two), 'taken: accepted', 'two that say the same are one answer');

-- ---- every order of arrival ------------------------------------------------------------------
-- Answers of one coordinator, some in the same second, some with another SEQUENCE, one a no.
CREATE TEMPORARY TABLE pool (n integer, partstat text, seconds integer, sequence integer);
INSERT INTO pool VALUES (1, 'ACCEPTED', 1, 1), (2, 'TENTATIVE', 2, 0), (3, 'ACCEPTED', 2, NULL), (4, 'TENTATIVE', 3, 1), (5, 'ACCEPTED', 4, 9), (6, 'DECLINED', 3, 1);
SELECT pg_temp.invited() AS p \gset
SELECT vac.change_request((SELECT case_code FROM case_record WHERE case_id = (pg_temp.a(:p)).case_id), place => 'AIR'), pg_temp.sent() \g /dev/null
CREATE TEMPORARY TABLE mails AS SELECT p.n, pg_temp.says(:p, p.partstat, stamped => now() - interval '1 hour' + p.seconds * interval '1 second',
	event => jsonb_build_object('sequence', p.sequence)) AS record FROM pool p;
-- Lets them come in this order, looks at what is left, and takes it all back.
CREATE FUNCTION pg_temp.order_leaves(id bigint, arrival integer[]) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		n integer;
		left_over text;
	BEGIN
		BEGIN
			FOREACH n IN ARRAY arrival LOOP
				PERFORM pg_temp.comes(id, (SELECT m.record FROM mails m WHERE m.n = order_leaves.n)) FROM (SELECT n) AS order_leaves (n);
			END LOOP;
			SELECT CASE WHEN a.live THEN a.state || ' ' || a.partstat || ' ' || (SELECT o.stamped::text || o.partstat FROM vac_store.answer o
					WHERE o.appointment_id = id ORDER BY o.sequence DESC, o.stamped DESC, o.weight DESC LIMIT 1)
					|| ' ' || (SELECT o.stamped::text || o.partstat FROM vac_store.answer o WHERE o.appointment_id = id ORDER BY o.answer_id DESC LIMIT 1) END
				INTO left_over FROM vac_store.appointment a WHERE a.appointment_id = id;
			RAISE triggered_action_exception;
		EXCEPTION WHEN triggered_action_exception THEN
			RETURN left_over;
		END;
	END
$$;
CREATE TEMPORARY TABLE arrivals AS
	WITH RECURSIVE way AS (
		SELECT ARRAY[n] AS arrival FROM pool
		UNION ALL
		SELECT w.arrival || p.n FROM way w JOIN pool p ON p.n <> ALL (w.arrival) WHERE cardinality(w.arrival) < 4
	)
	SELECT w.arrival, (SELECT array_agg(x ORDER BY x) FROM unnest(w.arrival) x) AS answers, pg_temp.order_leaves(:p, w.arrival) AS left_over FROM way w;
SELECT is((SELECT count(*) FROM arrivals), (6 + 30 + 120 + 360)::bigint, 'every order of up to four of six answers');
SELECT is_empty('SELECT answers, array_agg(DISTINCT left_over) FROM arrivals WHERE left_over IS NOT NULL GROUP BY answers HAVING count(DISTINCT left_over) > 1',
	'while the appointment lives all orders leave the same state, and the same last answer taken');
SELECT is_empty('SELECT * FROM arrivals WHERE NOT 6 = ANY (answers) AND left_over IS NULL', 'without a no it lives');
SELECT is_empty($$SELECT * FROM arrivals WHERE left_over IS NOT NULL AND split_part(left_over, ' ', 3) || split_part(left_over, ' ', 4) <> split_part(left_over, ' ', 5) || split_part(left_over, ' ', 6)$$,
	'and the last one taken is the highest');
SELECT is_empty($$SELECT * FROM arrivals WHERE 6 = ANY (answers) AND NOT 5 = ANY (answers) AND left_over IS NOT NULL$$, 'a no that nothing came after always counts');
SELECT ok((SELECT count(*) FROM arrivals WHERE 6 = ANY (answers) AND left_over IS NOT NULL) > 50, 'a later yes that came before it stands');

SELECT * FROM finish();
ROLLBACK;
