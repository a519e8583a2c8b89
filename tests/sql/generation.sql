-- Generations of message, inbound and history: made in advance, begun each month, removed by policy.
BEGIN;
\ir answer.psql
SELECT plan(70);

CREATE FUNCTION pg_temp.by_leaps(at timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	n integer := 0;
BEGIN
	-- As in transactions that follow one another.
	LOOP
		UPDATE vac_store.generation SET made_by = '3' WHERE made_by = pg_current_xact_id();
		EXIT WHEN NOT vac_store.upkeep_step(at);
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
-- A daemon was at work all the while.
CREATE FUNCTION pg_temp.turned(at timestamptz) RETURNS integer LANGUAGE sql AS $$
	INSERT INTO vac_store.presence (seen_at) VALUES (at) ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at;
	SELECT pg_temp.by_leaps(at) $$;
CREATE FUNCTION pg_temp.write(of_case bigint, at timestamptz, state text DEFAULT 'sent', uid uuid DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO vac_store.message (kind, case_id, uid, method, recipient, recipient_name, made_at, subject, body, bounce_handle, not_before, state)
		VALUES (CASE WHEN uid IS NULL THEN 'notice' ELSE 'invitation' END, of_case, uid, CASE WHEN uid IS NOT NULL THEN 'REQUEST' END, 'a@example.org', 'Coordinator A',
			at, 's', 'b', vac_store.handle(), at, 'queued') RETURNING message_id $$;
CREATE FUNCTION pg_temp.gone(of_table text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s-%s', g.number, CASE WHEN g.ended_at IS NOT NULL THEN 'ended' WHEN g.begun_at IS NOT NULL THEN 'now' ELSE 'empty' END), ' ' ORDER BY g.number)
		FROM vac_store.generation g WHERE g.of_table = gone.of_table $$;

-- ---- made in advance -------------------------------------------------------------------------
SELECT is((SELECT string_agg(t || ' ' || generations_ahead(t), ', ') FROM unnest(ARRAY['message', 'inbound', 'history']) t), 'message 3, inbound 3, history 3',
	'three are there before any daemon was');
SELECT is_empty($$SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent IN ('message'::regclass, 'inbound'::regclass, 'history'::regclass)
		AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR c.relacl IS NOT NULL AND c.relacl::text ~ 'vac_(supervisor|daemon|intake|desk)')$$, 'nobody reads one by its own name');
SELECT is((SELECT count(DISTINCT c.reloptions) FROM pg_class c WHERE c.relname ~ '^message_[0-9]+$'), 1::bigint, 'with the same settings');
SELECT throws_ok('UPDATE history_0 SET who = who', '42501', NULL, 'what refuses to change history holds for one by its own name');
SELECT throws_ok('TRUNCATE history_1', '42501', NULL, 'and one that is empty');
SELECT throws_ok('DELETE FROM history_0', '42501', NULL, 'none is deleted without a checkpoint');
SELECT throws_ok('DELETE FROM history', '42501', NULL, 'from the whole neither');
INSERT INTO history_1 (history_id, event) VALUES (10000000, 'sideways');
SELECT is((SELECT count(*) FROM unsealed WHERE history_id = 10000000), 1::bigint, 'what is put in past the table waits to be sealed');

-- ---- turning ---------------------------------------------------------------------------------
SELECT is(pg_temp.turned('2027-01-10 12:00Z'), 0, 'the first begins, and there is nothing to do');
SELECT is(turn_at('message'), '2027-02-01 00:00Z'::timestamptz, 'until the month is over');
SELECT is(upkeep_after('2027-01-30 12:00Z'), '2027-02-01 00:00Z'::timestamptz, 'which is when it is looked at again');
SELECT is(pg_temp.turned('2027-01-31 23:59:59Z'), 0, 'not sooner');
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, size, not_before)
	VALUES ('2027-01-12', '', 'a@example.org', '00000000-0000-4000-8000-000000000001', 1, '2027-01-12');
SELECT is(pg_temp.turned('2027-02-01 00:00Z'), 6, 'each table goes on with the next, and one more is made');
SELECT is(pg_temp.gone('message'), '0-ended 1-now 2-empty 3-empty 4-empty', 'so');
SELECT is(pg_temp.turned('2027-02-01 00:00Z') + pg_temp.turned('2027-01-01 00:00Z'), 0, 'once, also when the clock goes back');
SELECT is(pg_temp.write(NULL, '2027-02-02'), 10000001::bigint, 'keys go on there');
SELECT is(last_key('history') / 10000000, 1::bigint, 'of history as well');
SELECT string_agg(r::text, ' ') AS numbers FROM vac_daemon.receive_mail('00000000-0000-4000-8000-000000000001', '', ARRAY['a@example.org', 'b@example.org'], 'x') r \gset
SELECT is(:'numbers', (SELECT string_agg(inbound_id::text, ' ' ORDER BY inbound_id) FROM inbound WHERE delivery = '00000000-0000-4000-8000-000000000001'),
	'mail handed over again after that is stored once');
SELECT is((SELECT string_agg(tableoid::regclass::text, ' ' ORDER BY inbound_id) FROM inbound WHERE delivery = '00000000-0000-4000-8000-000000000001'),
	'inbound_0 inbound_1', 'and only what was not');
-- No key is ever given twice.
UPDATE generation SET begun_at = NULL WHERE of_table = 'message' AND number = 1;
SELECT is(turn_generation('message', '2027-02-01'), true, 'a turn that was half undone');
SELECT is(last_key('message'), 20000000::bigint, 'goes on behind what was given');
SELECT setval('vac_store.message_message_id_seq', 29999500) \g /dev/null
SELECT is(turn_generation('message', '2027-02-20'), true, 'near the end of one');
SELECT is(last_key('message'), 40000000::bigint, 'one is left out');
SELECT is(pg_temp.gone('message'), '0-ended 1-ended 2-ended 3-ended 4-now', 'and has ended');
SELECT is(turn_generation('message', '2027-02-20'), false, 'there is none to go on with');
SELECT matches((SELECT string_agg(severity || ' ' || text, ' ') FROM upkeep_status('2027-02-20')), '^bad tables: no generation of message in advance', 'status says so');
UPDATE upkeep SET due_at = '2027-02-25', failing = '2027-02-19';
SELECT is((SELECT due FROM deadlines(1, '2027-02-20', 'infinity') WHERE what = 'upkeep'), '2027-02-25'::timestamptz, 'what failed is put off');
UPDATE upkeep SET failing = NULL;
SELECT is((SELECT due FROM deadlines(1, '2027-02-20', 'infinity') WHERE what = 'upkeep'), '2027-02-20'::timestamptz, 'else nothing is waited for');
SELECT is(pass_upkeep('2027-02-20'), true, 'one is made');
UPDATE generation SET made_by = '3';
UPDATE upkeep SET due_at = '2027-02-25';
SELECT is(pg_temp.turned('2027-02-20'), 2, 'and two more');
SELECT is(pass_upkeep('2027-02-20'), false, 'and then it is not due');
UPDATE generation SET made_by = pg_current_xact_id() WHERE of_table = 'message' AND number = 5;
SELECT is(turn_generation('message', '2027-02-20') || ' ' || last_key('message') / 10000000, 'true 6', 'none is begun by the transaction that made it');
SELECT pg_temp.turned('2027-02-20') \g /dev/null
SELECT setval('vac_store.message_message_id_seq', (SELECT g.until_id - 1 FROM generation g WHERE g.of_table = 'message' AND g.begun_at IS NOT NULL ORDER BY g.number DESC LIMIT 1)) \g /dev/null
SELECT is(pg_temp.write(NULL, '2027-02-21') / 10000000, 7::bigint, 'a month of more rows runs on');

-- ---- policy ----------------------------------------------------------------------------------
SELECT throws_like($$SELECT vac.set_policy('keep_messages', '29')$$, '%"29" is neither 0 nor 30 or more days', 'a month at least');
SELECT throws_like($$SELECT vac.set_policy('keep_messages', '90')$$, '%does not go with keep_sent_mail, which is 180', 'not less than its texts');
SELECT throws_like($$SELECT vac.set_policy('keep_raw_inbound', '401')$$, '%does not go with keep_inbound, which is 400', 'nor texts more');
SELECT lives_ok($$SELECT vac.set_policy('keep_sent_mail', '30'), vac.set_policy('keep_messages', '30'), vac.set_policy('keep_inbound', '0')$$, 'one after the other');

-- ---- removing --------------------------------------------------------------------------------
DELETE FROM message;
SELECT pg_temp.write(NULL, '2027-02-22') AS old \gset
SELECT pg_temp.write(NULL, '2027-02-22') AS waits \gset
UPDATE message SET state = 'sent', partstat = 'ACCEPTED', reply = '250 taken', sent_at = '2027-02-23' WHERE message_id = :old;
SELECT pg_temp.turned('2027-03-01 01:00Z') \g /dev/null
SELECT pg_temp.turned('2027-03-25') \g /dev/null
SELECT is((SELECT min(number) FROM generation WHERE of_table = 'message'), 6,
	'what is old enough goes');
SELECT is((SELECT count(*) FROM message), 2::bigint, 'what is not does not');
SELECT to_jsonb(m) AS before FROM message m WHERE message_id = :waits \gset
-- Whether time has passed, or the clock was set ahead, nobody knows at once.
INSERT INTO presence (seen_at) VALUES ('2027-03-25') ON CONFLICT (one) DO UPDATE SET seen_at = excluded.seen_at;
UPDATE generation SET made_by = '3';
SELECT is(upkeep_step('2027-04-01 00:30Z') AND upkeep_step('2027-04-01 00:30Z'), true, 'tables go on');
SELECT pg_temp.by_leaps('2027-04-01 02:00Z') \g /dev/null
SELECT is((SELECT count(*) FROM message), 2::bigint, 'while no heartbeat has said that so much time has passed nothing is removed');
SELECT is(upkeep_after('2027-04-01 02:00Z'), '2027-04-01 02:10Z'::timestamptz, 'and it is looked at again soon');
INSERT INTO outage (began, ended) VALUES ('2027-03-25', '2027-04-01 01:00Z');
SELECT is((SELECT pg_temp.turned('2027-04-01 02:00Z') >= 0) || ' ' || (SELECT count(*) FROM message), 'true 2', 'nor for a week after an outage as long as that');
SELECT is(upkeep_after('2027-04-01 02:00Z'), '2027-04-08 01:00Z'::timestamptz, 'which is when it is looked at again');
SELECT is((SELECT severity || ' ' || left(text, 57) FROM removal_status('2027-04-01 02:00Z')), 'warn retention: nothing is removed before 2027-04-08T01:00:00Z', 'status says so');
UPDATE outage SET began = ended - interval '23 hours';
SELECT is_empty($$SELECT FROM removal_status('2027-04-01 02:00Z')$$, 'a night without a daemon is no reason to wait');
-- As if others wrote while the lock was waited for: to what waits, and that something else waits as well, or nothing any more.
SAVEPOINT whole;
CREATE TEMPORARY TABLE seen (indexes bigint);
CREATE OR REPLACE FUNCTION vac_store.lock_whole(of_table text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO pg_temp.seen SELECT count(*) FROM pg_indexes WHERE tablename ~ '^message_[0-9]+_carried$';
	UPDATE vac_store.message SET body = 'later' WHERE waiting;
	UPDATE vac_store.message SET state = 'queued' WHERE NOT waiting $$;
SELECT remove_generation(g, '2027-04-01 02:00Z') FROM generation g WHERE of_table = 'message' AND from_id <= :waits AND until_id > :waits \g /dev/null
SELECT is((SELECT string_agg(indexes::text, ' ') FROM seen), (SELECT count(*)::text FROM pg_indexes i WHERE i.tablename = 'message'),
	'the table for what is kept is there before the lock, with its indexes');
SELECT is((SELECT string_agg(concat_ws(' ', message_id, state, body), ', ' ORDER BY body) FROM message), format('%s queued b, %s queued later', :'old', :'waits'),
	'and has what was written meanwhile');
ROLLBACK TO whole;
CREATE OR REPLACE FUNCTION vac_store.lock_whole(of_table text) RETURNS void LANGUAGE sql AS $$ UPDATE vac_store.message SET state = 'sent' $$;
SELECT remove_generation(g, '2027-04-01 02:00Z') FROM generation g WHERE of_table = 'message' AND from_id <= :waits AND until_id > :waits \g /dev/null
SELECT is((SELECT count(*) FROM message), 0::bigint, 'but not what is needed no more');
SELECT is((SELECT count(*) FROM generation WHERE of_table = 'message' AND look_at IS NOT NULL), 1::bigint, 'its empty table goes when it is looked at again');
ROLLBACK TO whole;
SELECT ok(pg_temp.turned('2027-04-01 02:00Z') > 0, 'a month later');
SELECT is((SELECT string_agg(message_id::text, ' ') FROM message), :'waits', 'what was sent is gone, what waits is there');
SELECT is((SELECT to_jsonb(m)::text FROM message m), :'before', 'as it was, in each column');
SELECT is((SELECT string_agg(h.detail ->> 'rows' || ' ' || (h.detail ->> 'kept'), ', ') FROM history h WHERE h.event = 'messages_removed'), '1 1', 'history says how many');
SELECT is((SELECT count(*) FROM pg_indexes i WHERE i.tablename = (SELECT m.tableoid::regclass::text FROM message m)),
	(SELECT count(*) FROM pg_indexes i WHERE i.tablename = 'message'), 'with its indexes');
SELECT is((SELECT count(*) FROM inbound), 2::bigint, 'what is kept for ever is');
UPDATE message SET state = 'sent' WHERE message_id = :waits;
SELECT pg_temp.turned('2027-05-10') \g /dev/null
SELECT is((SELECT count(*) FROM message), 0::bigint, 'once it is needed no more it goes, too');
SELECT ok((SELECT min(number) FROM generation WHERE of_table = 'message') > 6, 'with its table');

-- Mail of a code that was merged is the open case's, and so is a report about it.
SELECT vac.open_case('SEA') AS old_code, vac.open_case('SEA') AS new_code \gset
SELECT pg_temp.write((SELECT case_id FROM case_record WHERE case_code = :'old_code'), '2027-05-11') AS merged \gset
UPDATE message SET state = 'sent', sent_at = made_at WHERE waiting;
SELECT vac.merge_cases(:'old_code', :'new_code') \g /dev/null
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, size, not_before, state, outcome, handled_at, message_id)
	SELECT '2027-05-12', '', 'a@example.org', gen_random_uuid(), 1, '2027-05-12', 'done', 'left_alone', '2027-05-12', :merged RETURNING inbound_id AS report \gset
SELECT ok(:merged = ANY (needed_messages(0, 1000000000000, '2027-06-01')), 'mail of a code that was merged into an open case is needed');
SELECT is(needed_inbound(:report, :report + 1), ARRAY[:report::bigint], 'and a report about it');
SELECT vac.withdraw_case(:'new_code', 'resolved') \g /dev/null
UPDATE message SET state = 'sent', sent_at = made_at WHERE waiting;
SELECT is(:merged = ANY (needed_messages(0, 1000000000000, '2027-06-01')) OR needed_inbound(:report, :report + 1) <> '{}', false, 'no longer when that has ended');

-- ---- history that is empty -------------------------------------------------------------------
SAVEPOINT whole;
SET LOCAL session_replication_role = replica;
DELETE FROM history;
DELETE FROM unsealed;
SELECT number AS oldest, until_id - 1 AS last_id FROM generation WHERE of_table = 'history' ORDER BY number LIMIT 1 \gset
INSERT INTO unsealed VALUES (:last_id);
SET LOCAL session_replication_role = origin;
SELECT pg_temp.turned('2027-05-11') \g /dev/null
SELECT is((SELECT min(number) FROM generation WHERE of_table = 'history'), :oldest, 'a month of which something waits to be sealed stays, though no row is there');
DELETE FROM unsealed;
-- As if somebody had committed a row before the lock was to be had.
CREATE OR REPLACE FUNCTION vac_store.lock_whole(of_table text) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO vac_store.history (history_id, event) OVERRIDING SYSTEM VALUE VALUES (9999999, 'late') $$;
SELECT upkeep_step('2027-05-11') \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE event = 'late'), 1::bigint, 'nor does what is written while it was waited for go');
ROLLBACK TO whole;

-- ---- who may ---------------------------------------------------------------------------------
SET SESSION AUTHORIZATION sup_sea;
SELECT throws_ok('SELECT vac.remove_old()', '42501', NULL, 'a supervisor of one office may not');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION sup_all;
SELECT throws_ok($$SELECT vac.set_policy('keep_messages', '40')$$, '42501', NULL, 'how long mail is kept is not for supervisors, of all offices neither');
SELECT throws_ok($$SELECT vac.set_policy('keep_inbound', '0')$$, '42501', NULL, 'mail that came in neither');
SELECT ok((SELECT count(*) FROM vac.retention) > 2, 'but sees what is kept');
RESET SESSION AUTHORIZATION;
SELECT matches((SELECT string_agg(r, ' ') FROM vac.remove_old() r), '^Nothing is as old as that', 'who may is told that there is nothing');
-- By the clock on the wall, which this file's invented months are ahead of.
UPDATE generation SET begun_at = wall() - interval '90 days', ended_at = wall() - interval '60 days'
	WHERE of_table = 'message' AND number = (SELECT min(number) FROM generation WHERE of_table = 'message');
INSERT INTO message (message_id, kind, recipient, recipient_name, made_at, subject, body, bounce_handle, not_before, state) OVERRIDING SYSTEM VALUE
	SELECT min(until_id) - 1, 'notice', 'a@example.org', 'Coordinator A', wall() - interval '70 days', 's', 'b', handle(), now(), 'sent' FROM generation WHERE of_table = 'message';
DELETE FROM outage;
UPDATE presence SET seen_at = wall();
SELECT matches((SELECT string_agg(r, ' ') FROM vac.remove_old() r), ': 1 rows go, 0 are still needed The daemon removes it now', 'or that it is done');
INSERT INTO outage (began, ended) VALUES (wall() - interval '3 days', wall() - interval '1 day');
SELECT matches((SELECT string_agg(r, ' ') FROM vac.remove_old() r), 'The daemon removes it after .*, a week after an outage', 'or when it will be');

SELECT * FROM finish();
ROLLBACK;
