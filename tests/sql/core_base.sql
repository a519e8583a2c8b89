-- Random names, policy, groups of offices, history that is only written, notifications, comments.
BEGIN;
\ir core.psql
SELECT plan(39);

-- ---- random names ----------------------------------------------------------------------------
CREATE TEMPORARY TABLE drawn AS SELECT handle() AS h FROM generate_series(1, 2000);
SELECT is((SELECT count(*) FROM drawn WHERE h !~ '^[a-z2-7]{13}$'), 0::bigint, 'a handle is 13 characters of lower-case base32');
SELECT is((SELECT count(DISTINCT h) FROM drawn), 2000::bigint, 'no two alike');
SELECT is((SELECT count(*) FROM generate_series(1, 13) p WHERE (SELECT count(DISTINCT substr(h, p, 1)) FROM drawn) < 32), 0::bigint,
	'every character at every place');
SELECT is(handle_of('\x000102030405ffffff060708090aff1f'), 'abcdefghijk77', 'bytes 6 to 8, which are not wholly random, are left out');
SELECT matches(new_case_code(), '^[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{3}$', 'a case code');
SELECT is(tidy_case_code(' k7q4mx '), 'K7Q-4MX', 'a case code as somebody types it');
SELECT is(tidy_case_code('k7q-4MX'), 'K7Q-4MX', 'with hyphen');
SELECT is(tidy_case_code('k7q-4M'), 'K7Q4M', 'what is none is no code in the end');

-- ---- policy ----------------------------------------------------------------------------------
SELECT is(policy_text('meeting_hours', 'urgent'), '08:00-20:00', 'a value by urgency');
SELECT is(policy_number('rest_minutes', 'urgent'), 600::bigint, 'a general value holds for every urgency');
SELECT is(policy_text('no_such_policy'), NULL, 'what does not exist has no value');
SELECT throws_ok($$UPDATE policy SET value = 'many' WHERE name = 'rest_minutes'$$, '23514', NULL, 'a number is a number');
SELECT throws_ok($$UPDATE policy SET value = '-5' WHERE name = 'rest_minutes'$$, '23514', NULL, 'and not negative');
SELECT throws_ok($$UPDATE policy SET value = '0' WHERE name = 'grid_minutes'$$, '23514', NULL, 'a grid of nothing is none');
SELECT throws_ok($$UPDATE policy SET value = '8-20' WHERE name = 'meeting_hours' AND urgency = 'urgent'$$, '23514', NULL, 'hours are hours');
SELECT lives_ok($$UPDATE policy SET value = '20:00-24:00' WHERE name = 'meeting_hours' AND urgency = 'urgent'$$, 'until midnight');
SELECT is((SELECT count(*) FROM policy WHERE length(meaning) < 10 OR source = ''), 0::bigint, 'every policy says what it means and where it comes from');

-- ---- time zones ------------------------------------------------------------------------------
SELECT throws_ok($$INSERT INTO office (code, name, time_zone, telephone) VALUES ('XX', 'Nowhere', 'Mars/Olympus', '911')$$, '23514', NULL, 'a zone must exist');
SELECT throws_ok($$INSERT INTO office (code, name, time_zone, telephone) VALUES ('XX', 'Nowhere', 'EST5EDT4', '911')$$, '23514', NULL, 'by its IANA name');
SELECT throws_ok($$INSERT INTO office (code, name, time_zone, telephone) VALUES ('XX', 'Nowhere', 'america/chicago', '911')$$, '23514', NULL, 'in its own spelling');

-- ---- groups ----------------------------------------------------------------------------------
SELECT is((SELECT group_id FROM office WHERE code = 'NYC'), (SELECT group_id FROM office WHERE code = 'BOS'), 'a backup joins two offices');
SELECT is((SELECT count(DISTINCT group_id) FROM office WHERE code IN ('NYC', 'HNL', 'PHX', 'GUM', 'KTM', 'LDH')), 6::bigint, 'others are by themselves');
SELECT is((SELECT count(*) FROM office o WHERE NOT EXISTS (SELECT FROM dispatch_group g WHERE g.group_id = o.group_id)), 0::bigint, 'every group can be claimed');
UPDATE dispatch_group SET fence = 10, lease_until = now() + interval '1 minute';
INSERT INTO office_backup VALUES (pg_temp.office('HNL'), pg_temp.office('GUM'), 1, 480), (pg_temp.office('GUM'), pg_temp.office('BOS'), 1, 900);
SELECT is((SELECT count(DISTINCT group_id) FROM office WHERE code IN ('NYC', 'BOS', 'HNL', 'GUM')), 1::bigint, 'whatever the direction, and through others');
SELECT is((SELECT min(g.fence) FROM dispatch_group g JOIN office o USING (group_id) WHERE o.code = 'HNL'), 11::bigint, 'plans for the old groups are void');
SELECT is((SELECT fence FROM dispatch_group g JOIN office o USING (group_id) WHERE o.code = 'KTM'), 10::bigint, 'those of other groups are not');
DELETE FROM office_backup WHERE office_id = pg_temp.office('GUM');
SELECT is((SELECT count(DISTINCT group_id) FROM office WHERE code IN ('NYC', 'BOS', 'HNL', 'GUM')), 2::bigint, 'and they part again');

-- ---- only written ----------------------------------------------------------------------------
SELECT record('policy_set', of_office => pg_temp.office('NYC'), said => ' because ', more => '{"name": "x"}') AS event \gset
SELECT is((SELECT event || ' ' || n.text FROM history h JOIN note n USING (note_id) WHERE history_id = :event), 'policy_set because', 'an event with its note');
SELECT throws_ok($$UPDATE history SET event = 'other'$$, '42501', NULL, 'history is not changed');
SELECT throws_ok($$DELETE FROM history$$, '42501', NULL, 'nor shortened');
SELECT throws_ok($$TRUNCATE history$$, '42501', NULL, 'nor emptied');

-- ---- constraints that carry rules ------------------------------------------------------------
SELECT pg_temp.person('ONE', 'NYC');
SELECT pg_temp.ask() AS a, pg_temp.ask() AS b \gset
INSERT INTO decision (request_id, at) VALUES (:a, now());
SELECT throws_ok($$DELETE FROM decision$$, '42501', NULL, 'reasons stay as long as their case is open');
CREATE FUNCTION pg_temp.appoint(request bigint, span tstzrange) RETURNS void LANGUAGE sql AS $$
	INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at)
		SELECT r.request_id, r.case_id, r.office_id, pg_temp.coordinator('ONE'), span, span, r.urgency, vac_store.handle(), now()
			FROM vac_store.request r WHERE r.request_id = request
$$;
SELECT pg_temp.appoint(:a, '[2030-01-01 10:00Z, 2030-01-01 11:00Z)');
SELECT throws_ok(format($$SELECT pg_temp.appoint(%s, '[2030-01-01 10:59Z, 2030-01-01 12:00Z)')$$, :b), '23P01', NULL, 'nobody is in two places');
SELECT throws_ok(format($$SELECT pg_temp.appoint(%s, '[2030-01-02 10:59Z, 2030-01-02 12:00Z)')$$, :a), '23505', NULL, 'no request has two live appointments');
SELECT lives_ok(format($$SELECT pg_temp.appoint(%s, '[2030-01-01 11:00Z, 2030-01-01 12:00Z)')$$, :b), 'one right after the other is fine');

-- ---- the manual ------------------------------------------------------------------------------
SELECT is((SELECT string_agg(c.relname || coalesce('.' || a.attname, ''), ', ') FROM pg_class c
		LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = 'vac_store'::regnamespace AND c.relkind IN ('r', 'v', 'p')
			AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)), NULL, 'every table and column has a comment');
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
		WHERE p.pronamespace IN ('vac_store'::regnamespace, 'vac_daemon'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')), NULL,
	'every function has a comment');
SELECT is((SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relnamespace = 'vac_store'::regnamespace AND c.relkind IN ('r', 'p')
			AND c.relname NOT IN ('migration', 'installed')
			AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'owner_all'))), NULL,
	'every table has row-level security, and its owner a policy');
SELECT is((SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
		WHERE p.pronamespace = 'vac_daemon'::regnamespace AND NOT (p.prosecdef AND array_to_string(p.proconfig, ' ') LIKE '%search_path=vac_store, pg_catalog, pg_temp%')), NULL,
	'what the daemon calls acts for the owner, with a pinned search path');

SELECT * FROM finish();
ROLLBACK;
