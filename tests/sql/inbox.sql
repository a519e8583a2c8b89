-- Mail that comes in: a row a recipient, and nothing twice under the same delivery.
BEGIN;
\ir core.psql
SELECT plan(23);
SELECT 'aaaaaaaa-0000-4000-8000-000000000001' AS one, 'aaaaaaaa-0000-4000-8000-000000000002' AS two \gset
CREATE FUNCTION pg_temp.receive(delivery uuid, recipients text[], sender text DEFAULT 'a@x.example', raw bytea DEFAULT '\x410d0a00ff') RETURNS bigint[] LANGUAGE sql AS
	$$ SELECT array_agg(id ORDER BY n) FROM vac_daemon.receive_mail(delivery, sender, recipients, raw) WITH ORDINALITY r (id, n) $$;

SELECT pg_temp.receive(:'one', ARRAY['vacd+b@agency.example', 'vacd@agency.example', 'vacd+b@agency.example']) AS ids \gset
SELECT is(cardinality(:'ids'::bigint[]), 3, 'a number for each recipient');
SELECT is((:'ids'::bigint[])[1], (:'ids'::bigint[])[3], 'the same for one that is named twice');
SELECT is((SELECT count(*) FROM inbound), 2::bigint, 'which is stored once');
SELECT is((SELECT string_agg(envelope_recipient, ' ' ORDER BY inbound_id) FROM inbound), 'vacd+b@agency.example vacd@agency.example', 'in the order of the envelope');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', envelope_sender, delivery, encode(raw, 'hex'), size, state, fence, deaths, outcome), '; ') FROM inbound),
	'a@x.example ' || :'one' || '  5 waiting 0 0; a@x.example ' || :'one' || ' 410d0a00ff 5 waiting 0 0', 'as it came, its bytes once, and waiting');
SELECT ok((SELECT bool_and(received_at = not_before AND abs(extract(epoch FROM received_at - clock_timestamp())) < 60) FROM inbound), 'from now on');
SELECT is(pg_temp.receive(:'one', ARRAY['vacd+b@agency.example', 'vacd@agency.example', 'vacd+b@agency.example']), :'ids'::bigint[], 'again it is the same');
SELECT is((SELECT count(*) FROM inbound), 2::bigint, 'and nothing is stored');
SELECT ok(pg_temp.receive(:'two', ARRAY['vacd@agency.example']) <> (:'ids'::bigint[])[2:2], 'the same mail delivered anew is another');
SELECT is(cardinality(pg_temp.receive(:'two', ARRAY['vacd@agency.example'], '', '')), 1, 'whatever is said of it then');
SELECT pg_temp.receive(gen_random_uuid(), ARRAY['vacd@agency.example'], '', '') AS empty \gset
SELECT is((SELECT concat_ws('|', envelope_sender, encode(raw, 'hex'), size) FROM inbound WHERE inbound_id = (:'empty'::bigint[])[1]), '||0', 'an empty mail from nobody');
SELECT ok(has_function_privilege('vac_daemon', 'vac_daemon.receive_mail(uuid, text, text[], bytea)', 'EXECUTE'), 'daemons may call it');
SELECT ok(NOT has_function_privilege('vac_supervisor', 'vac_daemon.receive_mail(uuid, text, text[], bytea)', 'EXECUTE'), 'others may not');

-- ---- one mail, many recipients ---------------------------------------------------------------
DELETE FROM inbound;
SELECT pg_temp.receive(:'two', ARRAY(SELECT 'vacd+' || n || '@agency.example' FROM generate_series(1, 100) n), raw => decode(repeat('61', 100000), 'hex')) \g /dev/null
SELECT is((SELECT sum(length(raw)) FROM inbound), 100000::bigint, 'a mail to a hundred is stored once');
SELECT is((SELECT concat_ws(' ', count(*), count(DISTINCT c.raw), min(length(c.raw)) = length(E'Return-Path: <a@x.example>\r\n') + 100000)
	FROM vac_daemon.claim_inbound('11111111-1111-1111-1111-111111111111', 100, 60000) c), '100 1 t', 'and each is read whole');
UPDATE inbound SET received_at = received_at - interval '8 days', state = 'done', lease_until = NULL, outcome = 'left_alone', handled_at = wall() WHERE inbound_id > (SELECT min(inbound_id) FROM inbound);
INSERT INTO presence (seen_at) VALUES (wall());
SELECT pass_cleaning(wall()) \g /dev/null
SELECT is((SELECT count(*) FROM inbound WHERE raw IS NULL), 0::bigint, 'while one waits its bytes stay');
UPDATE inbound SET state = 'listed', lease_until = NULL, outcome = 'set_aside', handled_at = wall(), received_at = received_at - interval '8 days' WHERE waiting;
SELECT pass_cleaning(wall()), pass_cleaning(wall()) \g /dev/null
SELECT is((SELECT count(*) FROM inbound WHERE raw IS NULL), 100::bigint, 'then they go');
SELECT is((SELECT min(d.due) FROM deadlines(10, wall(), wall()) d WHERE d.what = 'cleaning'), NULL, 'and there is nothing left to clean');

-- ---- status ----------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.line() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(severity || ' ' || text, '; ') FROM vac_daemon.status() WHERE text ~ '^inbox' $$;
SELECT is(pg_temp.line(), NULL, 'where nothing is sent nothing need come in');
INSERT INTO daemon (daemon_id, host, pid, version, deliver, started_at, seen_at)
	VALUES (:'one', 'h', 1, '1', 'smtp', clock_timestamp() - interval '1 hour', clock_timestamp());
SELECT is(pg_temp.line(), 'warn inbox: invitations go out, but no daemon takes answers in; enable vacd-lmtp.socket, see vacd(8)', 'a daemon sends, and none listens');
SELECT vac_daemon.beat(:'one', '{inbox}', '{1}') \g /dev/null
SELECT matches(pg_temp.line(), '^ok inbox: turned ', 'one listens');
UPDATE heartbeat SET turned_at = clock_timestamp() - interval '5 minutes' WHERE stage = 'inbox';
SELECT matches(pg_temp.line(), '^bad inbox: stands still, turned 5 min ago', 'it stands still');
UPDATE daemon SET stopped_at = clock_timestamp();
SELECT is(pg_temp.line(), NULL, 'it is gone');
SELECT * FROM finish();
ROLLBACK;
