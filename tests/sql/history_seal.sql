-- The chain of history: made as vacd-history(7) says, reckoned here once more by other means; what nobody may
-- change; what is removed by policy.
BEGIN;
\ir core.psql
SELECT plan(60);

CREATE FUNCTION pg_temp.part(value text) RETURNS text LANGUAGE sql AS
	$$ SELECT CASE WHEN value IS NULL THEN '-,' ELSE format('%s:%s,', length(convert_to(value, 'UTF8')), value) END $$;
CREATE FUNCTION pg_temp.micros(at timestamptz) RETURNS text LANGUAGE sql AS
	$$ SELECT to_char(extract(epoch FROM at) * 1000000, 'FM9999999999999999') $$;
-- The whole chain anew, from its origin.
CREATE FUNCTION pg_temp.reckoned() RETURNS TABLE (number bigint, hash bytea) LANGUAGE sql AS $$
	WITH RECURSIVE entry AS (
		SELECT s.number, concat(VARIADIC ARRAY(SELECT pg_temp.part(v) FROM unnest(ARRAY['vacd-entry-1', s.number::text, pg_temp.micros(s.sealed_at),
			h.history_id::text, pg_temp.micros(h.at), h.who, h.event, h.office_id::text, h.case_id::text, h.request_id::text, h.appointment_id::text,
			h.coordinator_id::text, h.message_id::text, h.reason, h.note_id::text, encode(sha256(n.salt || convert_to(n.text, 'UTF8')), 'hex'),
			h.detail::text]) WITH ORDINALITY AS u (v, i) ORDER BY i)) AS text
			FROM vac_store.sealed s JOIN vac_store.history h USING (history_id) LEFT JOIN vac_store.note n USING (note_id)
	), link (number, hash) AS (
		SELECT 0::bigint, sha256(convert_to('vacd-chain-1 ' || c.chain, 'UTF8')) FROM vac_store.chain c
		UNION ALL
		SELECT e.number, sha256(l.hash || convert_to(e.text, 'UTF8')) FROM link l JOIN entry e ON e.number = l.number + 1
	)
	SELECT * FROM link WHERE number > 0
$$;
CREATE FUNCTION pg_temp.bears_out() RETURNS SETOF text LANGUAGE plpgsql AS $$
	BEGIN
		RETURN NEXT is_empty('SELECT number, hash FROM vac_store.sealed EXCEPT SELECT number, hash FROM pg_temp.reckoned()', 'every entry has the hash that it should');
		RETURN NEXT is((SELECT count(*) FROM vac_store.sealed), (SELECT count(*) FROM pg_temp.reckoned()), 'and none is missing');
	END
$$;

-- ---- sealing ---------------------------------------------------------------------------------
SELECT vac_daemon.seal(10000) \g /dev/null
SELECT number AS before FROM chain \gset
SELECT is((SELECT count(*) FROM unsealed), 0::bigint, 'nothing waits');
SELECT record(what => 'first') AS first, record('noted', said => ' naïve — „so“ ', why => 'safety') AS noted,
	record('detailed', of_office => 1, of_case => 2, of_request => 3, of_appointment => 4, of_coordinator => 5, of_message => 6, more => '{"b": 1.50, "a": [null, "ü"]}') AS detailed \gset
INSERT INTO history (event, at) VALUES ('early', '1969-07-20 20:17:40.000001Z');
INSERT INTO history (event) SELECT 'many' FROM generate_series(1, 5);
SELECT is((SELECT count(*) FROM unsealed), 9::bigint, 'what is written waits');
SELECT is((SELECT sealed FROM vac_daemon.seal(4)), 4, 'so many are sealed');
SELECT is((SELECT count(*) FROM unsealed), 5::bigint, 'the others wait');
SELECT is((SELECT array_agg(s.history_id ORDER BY s.number) FROM sealed s WHERE s.number > :before)::text,
	format('{%s,%s,%s,%s}', :first, :noted, :detailed, :detailed + 1), 'in order of their keys');
SELECT (number, hash, sealed, home)::text AS said FROM vac_daemon.seal(100) \gset
SELECT is(:'said', (SELECT (c.number, encode(c.hash, 'hex'), 5, true)::text FROM chain c), 'the others, and what the head is then');
SELECT is((SELECT sealed FROM vac_daemon.seal(100)), 0, 'nothing is left');
SELECT is((SELECT number FROM chain), (:before + 9)::bigint, 'each has a number');
SELECT pg_temp.bears_out();
SELECT is((SELECT s.hash FROM sealed s ORDER BY s.number DESC LIMIT 1), (SELECT hash FROM chain), 'the head is the last of them');
SELECT is((SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'history'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
	'history_id at who event office_id case_id request_id appointment_id coordinator_id message_id reason note_id detail',
	'every column of history is in an entry: another one needs another form of entry');

-- A row with a lower key that is committed later.
INSERT INTO history (history_id, event) OVERRIDING SYSTEM VALUE VALUES (:first - 1000000, 'late');
SELECT is((SELECT sealed FROM vac_daemon.seal(100)), 1, 'it is sealed as well');
SELECT is((SELECT max(number) FROM sealed), (SELECT number FROM sealed WHERE history_id = :first - 1000000), 'behind the others');
INSERT INTO history (event, at) VALUES ('endless', 'infinity');
SELECT is((SELECT sealed FROM vac_daemon.seal(100)), 1, 'a time without an end keeps nothing from being sealed');
SELECT is(entry_time('-infinity'), '-infinity', 'it is a word');

-- ---- what nobody may -------------------------------------------------------------------------
SELECT throws_ok('UPDATE sealed SET hash = sha256(''x'')', '42501', NULL, 'no entry is changed');
SELECT throws_ok('DELETE FROM sealed', '42501', NULL, 'nor removed');
SELECT throws_ok('TRUNCATE sealed', '42501', NULL, 'nor all of them');
SELECT throws_ok('DELETE FROM chain', '42501', NULL, 'nor the head');
SELECT throws_ok('DELETE FROM history WHERE event = ''many''', '42501', NULL, 'no row of history is removed');
SELECT throws_ok($$UPDATE note SET text = 'x'$$, '42501', 'a note can only be redacted', 'no note is changed');
SELECT throws_ok($$UPDATE note SET text = NULL$$, '42501', NULL, 'nor redacted by nobody');
SELECT is((SELECT n.hash FROM note n JOIN history h USING (note_id) WHERE h.history_id = :noted),
	(SELECT sha256(n.salt || convert_to('naïve — „so“', 'UTF8')) FROM note n JOIN history h USING (note_id) WHERE h.history_id = :noted), 'a note has the hash of its salt and text');
SELECT is((SELECT count(DISTINCT salt) FROM note WHERE length(salt) = 16), (SELECT count(*) FROM note), 'each has its own salt');
SELECT lives_ok($$UPDATE note SET text = NULL, redacted_at = now(), redacted_by = 'sup_first' WHERE text LIKE 'naïve%'$$, 'it can be redacted');
SELECT is((SELECT (n.salt IS NULL, n.text IS NULL, length(n.hash))::text FROM note n JOIN history h USING (note_id) WHERE h.history_id = :noted),
	'(t,t,32)', 'then the salt is gone too, and the hash stays');
SELECT throws_ok($$UPDATE note SET redacted_by = 'sup_second'$$, '42501', NULL, 'and nobody else did it afterwards');
SELECT is_empty($$SELECT r.role, t.name FROM unnest(ARRAY['vac_supervisor', 'vac_intake', 'vac_desk', 'vac_daemon', 'public']) AS r (role),
	unnest(ARRAY['chain', 'sealed', 'unsealed', 'checkpoint', 'note', 'history']) AS t (name)
	WHERE has_table_privilege(r.role, 'vac_store.' || t.name, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')$$, 'nobody but the owner has a right to change any of it');
SELECT is_empty($$SELECT r.role, p.proname FROM unnest(ARRAY['vac_supervisor', 'vac_intake', 'vac_desk']) AS r (role), pg_proc p
	WHERE p.pronamespace = 'vac_daemon'::regnamespace AND p.proname IN ('seal', 'history_due', 'remove_history', 'chain_head', 'chain_entries', 'chain_strays', 'chain_fits')
		AND has_function_privilege(r.role, p.oid, 'EXECUTE')$$, 'and the stage''s functions are the daemon''s alone');

-- ---- does it fit what is known elsewhere -----------------------------------------------------
INSERT INTO daemon (daemon_id, host, pid, version, deliver, started_at, seen_at)
	VALUES ('00000000-0000-4000-8000-000000000001', 'a', 1, '0', 'hold', wall(), wall());
CREATE FUNCTION pg_temp.fits(number bigint, hash text, chain uuid DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT vac_daemon.chain_fits('00000000-0000-4000-8000-000000000001', coalesce(fits.chain, c.chain), fits.number, fits.hash) FROM vac_store.chain c $$;
SELECT is(pg_temp.fits(3, (SELECT encode(hash, 'hex') FROM sealed WHERE number = 3)), NULL, 'it does');
SELECT is((SELECT count(*) FROM alarm), 0::bigint, 'no alarm');
SELECT matches(pg_temp.fits(3, repeat('0', 64)), '^entry 3 is another one', 'another hash');
SELECT matches(pg_temp.fits(30000, repeat('0', 64)), '^the file of heads has entry 30000, and history ends with entry', 'no such entry');
SELECT matches(pg_temp.fits(3, repeat('0', 64), gen_random_uuid()), '^the file of heads is of chain', 'another chain');
SELECT is((SELECT count(*) FROM alarm WHERE name = 'history_altered'), 1::bigint, 'an alarm');

-- ---- what is kept no longer ------------------------------------------------------------------
SELECT is(has_signer(wall()), false, 'no daemon has a key');
SELECT is_empty('SELECT * FROM vac_daemon.history_due(100)', 'history is kept for ever');
SELECT is(has_signer(wall()) || ' ' || has_signer(wall() + interval '26 hours'), 'true false', 'who asks has one, for a day');
SELECT throws_ok($$UPDATE policy SET value = '30' WHERE name = 'keep_history'$$, '23514', NULL, 'or for three months at least');
UPDATE policy SET value = '365' WHERE name = 'keep_history';
-- Old rows, as they would be: sealed first of all.
SET LOCAL session_replication_role = replica;
DELETE FROM history;
DELETE FROM sealed;
UPDATE chain SET number = 0, hash = sha256(convert_to('vacd-chain-1 ' || chain, 'UTF8'));
INSERT INTO note (text, salt, hash) SELECT 'old note', '\x01', sha256('\x01'::bytea || 'old note');
INSERT INTO history (event, at, note_id) SELECT 'old', wall() - interval '370 days', (SELECT max(note_id) FROM note) FROM generate_series(1, 6);
INSERT INTO history (event, at) VALUES ('newer', wall() - interval '360 days'), ('old', wall() - interval '370 days');
INSERT INTO unsealed SELECT history_id FROM history;
SET LOCAL session_replication_role = origin;
SELECT vac_daemon.seal(100) \g /dev/null
SELECT is_empty('SELECT * FROM vac_daemon.history_due(100)', 'before a daemon shows its heartbeat nobody knows whether the clock is right');
INSERT INTO presence (seen_at) VALUES (wall());
INSERT INTO outage (began, ended) VALUES (wall() - interval '30 hours', wall() - interval '1 hour');
SELECT is_empty('SELECT * FROM vac_daemon.history_due(100)', 'nor for some days after an outage, which may be a clock that was set ahead');
DELETE FROM outage;
SELECT is((SELECT (number, hash)::text FROM vac_daemon.history_due(100)), (SELECT (number, encode(hash, 'hex'))::text FROM sealed WHERE number = 6),
	'up to the last entry before the first that is kept');
SELECT is((SELECT number FROM vac_daemon.history_due(4)), 4::bigint, 'so many at most');
SELECT is(vac_daemon.remove_history(5, (SELECT encode(hash, 'hex') FROM sealed WHERE number = 6), 'signed'), 0::bigint, 'not with another hash');
SELECT is(vac_daemon.remove_history(7, (SELECT encode(hash, 'hex') FROM sealed WHERE number = 7), 'signed'), 0::bigint, 'nor more than is due');
SELECT is(vac_daemon.remove_history(6, (SELECT encode(hash, 'hex') FROM sealed WHERE number = 6), 'signed'), 6::bigint, 'they are removed');
SELECT is((SELECT string_agg(concat_ws(' ', h.event, h.detail ->> 'rows', h.detail ->> 'until'), ', ' ORDER BY h.at DESC) FROM history h WHERE h.event <> 'policy_set'),
	'history_removed 6 6, newer, old', 'which is a row of history itself');
SELECT is((SELECT count(*) FROM note WHERE text = 'old note') + (SELECT count(*) FROM sealed WHERE number <= 6), 0::bigint, 'with their notes and entries');
SELECT is((SELECT (number, signed)::text FROM checkpoint), '(6,signed)', 'a checkpoint stands for them');
SELECT throws_ok('DELETE FROM checkpoint', '42501', NULL, 'for ever');

-- ---- a copy ----------------------------------------------------------------------------------
INSERT INTO origin (cluster, database, set_at) SELECT cluster + 1, database, wall() FROM this_system() ON CONFLICT (one) DO UPDATE SET cluster = excluded.cluster;
SELECT is((SELECT (sealed, home)::text FROM vac_daemon.seal(100)), '(0,f)', 'in a copy nothing is sealed');
UPDATE policy SET value = '90' WHERE name = 'keep_history';
SELECT is_empty('SELECT * FROM vac_daemon.history_due(100)', 'nor removed');
UPDATE origin o SET cluster = t.cluster FROM this_system() t;
SELECT is((SELECT (sealed, home)::text FROM vac_daemon.seal(100)), '(1,t)', 'at home it is');

-- ---- a month of many rows --------------------------------------------------------------------
SET LOCAL session_replication_role = replica;
DELETE FROM history;
DELETE FROM sealed;
DELETE FROM checkpoint;
UPDATE chain SET number = 0, hash = sha256(convert_to('vacd-chain-1 ' || chain, 'UTF8'));
INSERT INTO history (history_id, event, at) OVERRIDING SYSTEM VALUE SELECT 10000000 + n, 'old', wall() - interval '370 days' FROM generate_series(1, 8) n;
INSERT INTO unsealed SELECT history_id FROM history;
SET LOCAL session_replication_role = origin;
UPDATE generation SET begun_at = wall() - interval '400 days', ended_at = CASE WHEN number < 2 THEN wall() - interval '365 days' END
	WHERE of_table = 'history' AND number <= 2;
SELECT vac_daemon.seal(100) \g /dev/null
-- Written in the month before, by a transaction that was open longer.
INSERT INTO history (event, at) VALUES ('older', wall() - interval '371 days');
SELECT vac_daemon.seal(100) \g /dev/null
CREATE FUNCTION pg_temp.step() RETURNS bigint LANGUAGE sql AS
	$$ SELECT vac_daemon.remove_history(d.number, d.hash, 'signed') FROM vac_daemon.history_due(4) d $$;
SELECT is(pg_temp.step(), 4::bigint, 'it goes so many rows at a time');
SELECT is((SELECT first_number - checkpoint FROM vac_daemon.chain_head()), 1::bigint, 'in between the chain begins at the checkpoint');
SELECT is_empty('SELECT * FROM vac_daemon.chain_strays(10)', 'with a row for each entry, and none besides');
SELECT is(pg_temp.step() + pg_temp.step(), 5::bigint, 'up to the last');
SELECT is((SELECT count(*) FROM history WHERE event IN ('old', 'older')), 0::bigint, 'none is left');
DO $$ BEGIN FOR i IN 1 .. 30 LOOP EXIT WHEN NOT upkeep_step(wall()); UPDATE generation SET made_by = '3'; END LOOP; END $$;
SELECT is(to_regclass('history_1'), NULL, 'then its table goes');

SELECT * FROM finish();
ROLLBACK;
