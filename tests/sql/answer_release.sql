-- Mail that was claimed and is given back unhandled.
BEGIN;
\ir answer.psql
SELECT plan(11);

\set me '\'11111111-1111-1111-1111-111111111111\''
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before)
	SELECT now(), '', 'vacd@agency.example', gen_random_uuid(), 'raw', 3, now() FROM generate_series(1, 3);
SELECT min(inbound_id) AS m FROM inbound \gset
SELECT count(*) FROM vac_daemon.claim_inbound(:me, 9, 60000) \g /dev/null
SELECT is(vac_daemon.release_inbound(ARRAY[:m, :m + 1], ARRAY[1, 2], 0), 1, 'only what is still ours is given back');
SELECT is((SELECT concat_ws(' ', state, fence, deaths, lease_until) FROM inbound WHERE inbound_id = :m), 'waiting 1 0', 'it waits, and nothing is counted against it');
SELECT is((SELECT string_agg(state, ' ' ORDER BY inbound_id) FROM inbound WHERE inbound_id > :m), 'claimed claimed', 'the others stay claimed');
SELECT is((SELECT concat_ws(' ', inbound_id, fence) FROM vac_daemon.claim_inbound(:me, 9, 60000)), :m || ' 2', 'it can be claimed at once, with the next fence');
SELECT is(vac_daemon.release_inbound(ARRAY[:m], ARRAY[1], 0), 0, 'who had it before cannot give it back');
SELECT is(vac_daemon.release_inbound(ARRAY[:m], ARRAY[2], 5000), 1, 'given back for later');
SELECT is((SELECT count(*) FROM vac_daemon.claim_inbound(:me, 9, 60000)), 0::bigint, 'it is not claimed before');
SELECT ok(vac_daemon.next_inbound() BETWEEN 1 AND 5000, 'but then');
SELECT is(vac_daemon.release_inbound(ARRAY[:m + 1, :m + 2], ARRAY[1, 1], -5), 2, 'several at once; a wait that is none');

UPDATE inbound SET raw = decode(repeat('61', CASE inbound_id WHEN :m + 1 THEN 10485760 ELSE 10500000 END), 'hex');
SELECT results_eq($$SELECT length(raw) - length('Return-Path: <>') - 2 FROM vac_daemon.claim_inbound('11111111-1111-1111-1111-111111111111', 9, 60000)$$,
	'VALUES (10485760), (10485761)', 'of a mail that is too large comes no more than shows that it is');
SELECT is((SELECT max(length(raw)) FROM inbound), 10500000, 'all of it is kept');

SELECT * FROM finish();
ROLLBACK;
