-- What `vacd check` and `vacd probe` ask.
BEGIN;
\ir core.psql
SELECT plan(13);

-- ---- time zones ------------------------------------------------------------------------------
SELECT ok((SELECT count(DISTINCT zone) >= 4 FROM vac_daemon.zone_offsets()), 'zones are compared even without an office');
SELECT is((SELECT count(*) FROM vac_daemon.zone_offsets() WHERE zone = 'America/Phoenix' AND offset_seconds <> -7 * 3600),
	0::bigint, 'Phoenix keeps its time all the year');
SELECT is((SELECT array_agg(DISTINCT offset_seconds ORDER BY offset_seconds) FROM vac_daemon.zone_offsets()
	WHERE zone = 'America/New_York'), ARRAY[-18000, -14400], 'New York is looked at on both sides of a change');
SELECT ok((SELECT count(*) BETWEEN 70 AND 80 FROM vac_daemon.zone_offsets() WHERE zone = 'Pacific/Guam'),
	'three times a month for two years');
INSERT INTO office (code, name, time_zone, telephone, group_id) VALUES ('ZZA', 'Office A', 'Asia/Kathmandu', '+1 555 0100', 1);
SELECT is((SELECT DISTINCT offset_seconds FROM vac_daemon.zone_offsets() WHERE zone = 'Asia/Kathmandu'), 20700,
	'an office''s zone too, with its quarter of an hour');

-- ---- a probe ---------------------------------------------------------------------------------
DELETE FROM daemon;
CREATE TEMPORARY TABLE sent AS SELECT vac_daemon.queue_probe('tester@agency.example.org', 'Tester') AS id;
SELECT results_eq('SELECT state, attempts, reply, daemons, sending FROM vac_daemon.probe_state((SELECT id FROM sent))',
	$$VALUES ('queued', 0, NULL::text, 0, 0)$$, 'queued, and nobody at work');
INSERT INTO daemon (daemon_id, host, pid, version, deliver, started_at, seen_at)
	VALUES ('00000000-0000-4000-8000-000000000001', 'a', 1, '0', 'hold', wall(), wall()),
		('00000000-0000-4000-8000-000000000002', 'b', 2, '0', 'smtp', wall(), wall());
SELECT results_eq('SELECT daemons, sending FROM vac_daemon.probe_state((SELECT id FROM sent))', 'VALUES (2, 1)', 'one of two sends');
UPDATE daemon SET seen_at = wall() - interval '3 minutes' WHERE pid = 2;
SELECT results_eq('SELECT daemons, sending FROM vac_daemon.probe_state((SELECT id FROM sent))', 'VALUES (1, 0)', 'not heard of for long: not at work');
UPDATE daemon SET seen_at = wall(), stopped_at = wall() WHERE pid = 2;
SELECT results_eq('SELECT daemons, sending FROM vac_daemon.probe_state((SELECT id FROM sent))', 'VALUES (1, 0)', 'stopped: not at work');
UPDATE message SET state = 'sent', sent_at = wall(), reply = '250 taken' WHERE message_id = (SELECT id FROM sent);
SELECT results_eq('SELECT state, reply FROM vac_daemon.probe_state((SELECT id FROM sent))', $$VALUES ('sent', '250 taken')$$, 'sent');
SELECT is_empty('SELECT * FROM vac_daemon.probe_state(0)', 'no such message');

-- The daemon's login is no reader of the outbox: of other messages this says nothing.
UPDATE message SET kind = 'notice' WHERE message_id = (SELECT id FROM sent);
SELECT is_empty('SELECT * FROM vac_daemon.probe_state((SELECT id FROM sent))', 'other messages are not shown');
SELECT ok(NOT has_function_privilege('sup_all', 'vac_daemon.probe_state(bigint)', 'EXECUTE')
	AND has_function_privilege('vacd', 'vac_daemon.probe_state(bigint)', 'EXECUTE'), 'for the daemon''s login alone');

SELECT * FROM finish();
ROLLBACK;
