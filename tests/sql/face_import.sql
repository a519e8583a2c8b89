-- The import: every bad value by line and column, all or nothing, and only what changed is changed.
BEGIN;
\ir people.psql
SELECT plan(47);

CREATE FUNCTION pg_temp.wrong(sheet text, rows jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s: %s', i.line, i.column_name, i.problem), E'\n' ORDER BY i.line, i.column_name)
		FROM vac.import_roster(sheet, rows) i
$$;
-- Each look stands for a transaction of its own.
CREATE FUNCTION pg_temp.anew() RETURNS void LANGUAGE sql AS $$SELECT set_config('vac.import_state', '', true)$$;
CREATE FUNCTION pg_temp.office(more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array('{"line": "2", "code": "SEA", "name": "Seattle", "time_zone": "America/Los_Angeles", "telephone": "+1 206 555 0100",
		"hours": "Mon-Fri 08:00-17:00", "places": "MAIN=Federal Building, room 210; AIR=Airport desk", "backups": "PDX:180"}'::jsonb || more)
$$;
CREATE FUNCTION pg_temp.person(more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array('{"line": "2", "code": "SEA-1", "office": "SEA", "duty": "full_time", "name": "Coordinator A",
		"title": "Victim Assistance Coordinator", "mail": "sea-1@example.org", "telephone": "+1 206 555 0111",
		"services": "crisis_intervention; counseling; witness_support", "languages": "en; es"}'::jsonb || more)
$$;

-- ---- again -----------------------------------------------------------------------------------
SELECT results_eq('SELECT sheet, added, changed, unchanged, retired FROM vac.import_summary()',
	$$VALUES ('offices', 3::bigint, 0::bigint, 0::bigint, 0::bigint), ('supervisors', 2, 0, 0, 0), ('coordinators', 4, 0, 0, 0), ('patterns', 20, 0, 0, 0)$$,
	'the summary counts what was added');
SELECT pg_temp.anew() \g /dev/null
SELECT is(pg_temp.wrong('offices', pg_temp.office('{}')), NULL, 'the same office again');
SELECT is(pg_temp.wrong('coordinators', pg_temp.person('{}')), NULL, 'the same coordinator again, without the columns that may lack');
SELECT results_eq('SELECT sheet, added, changed, unchanged FROM vac.import_summary()',
	$$VALUES ('offices', 0::bigint, 0::bigint, 1::bigint), ('coordinators', 0, 0, 1)$$, 'changes nothing');
SELECT is((SELECT gender FROM coordinator WHERE code = 'SEA-1'), 'female', 'a column that lacks leaves things as they are');
SELECT pg_temp.anew() \g /dev/null
SELECT is(pg_temp.wrong('coordinators', pg_temp.person('{"gender": "", "languages": "es; en; fr", "weekly_hours": "12.5"}')), NULL, 'something else');
SELECT results_eq('SELECT changed, unchanged FROM vac.import_summary()', 'VALUES (1::bigint, 0::bigint)', 'is counted as changed');
SELECT is((SELECT concat_ws(' ', coalesce(gender, '-'), weekly_minutes) FROM coordinator WHERE code = 'SEA-1'), '- 750', 'an empty cell empties');
SELECT is((SELECT string_agg(language, ' ' ORDER BY language) FROM coordinator_language JOIN coordinator USING (coordinator_id) WHERE code = 'SEA-1'), 'en es fr', 'a list is the list');
SELECT is((SELECT count(*) FROM coordinator WHERE retired_at IS NULL), 4::bigint, 'who is not in the file stays');
SELECT is(pg_temp.wrong('offices', pg_temp.office('{"hours": "Mon-Fri 09:00-17:00", "backups": "HNL:400; PDX:170"}')), NULL, 'an office changes');
SELECT is((SELECT string_agg(o.code || b.travel_minutes, ' ' ORDER BY b.rank) FROM office_backup b JOIN office o ON o.office_id = b.backup_office_id), 'HNL400 PDX170', 'its backups in their order');
SELECT is((SELECT count(DISTINCT group_id) FROM office), 1::bigint, 'and its group');
SELECT is((SELECT min(from_time) FROM office_hours JOIN office USING (office_id) WHERE code = 'SEA'), '09:00', 'and its hours');

-- ---- what is wrong ---------------------------------------------------------------------------
SELECT is(pg_temp.wrong('offices', pg_temp.office('{"code": "S-1", "time_zone": "PST", "telephone": "none", "hours": "8-5", "places": "Main street", "backups": "ZZZ:10"}')),
	E'2 backups: no office ''ZZZ''; offices: HNL, PDX, S-1, SEA\n'
	'2 code: ''S-1''; an office''s code is 2 to 8 letters and digits such as SEA\n'
	'2 hours: ''8-5''; hours are written Mon-Fri 08:00-17:00; Sat 09:00-12:00\n'
	'2 places: ''Main street''; places are written MAIN=Federal Building, room 210; AIR=Airport desk\n'
	'2 telephone: ''none'' is no telephone number; it is one such as +1 206 555 0100\n'
	'2 time_zone: ''PST'' is no time zone; did you mean America/Los_Angeles?', 'everything that is wrong with a line is said at once');
SELECT matches(pg_temp.wrong('offices', pg_temp.office('{"name": "", "town": "x"}')), '2 name: something is needed here\n2 town: this column is not known', 'what lacks, what is too much');
SELECT matches(pg_temp.wrong('offices', pg_temp.office('{"backups": "SEA:10"}')), 'no backup of its own', 'its own backup');
SELECT matches(pg_temp.wrong('offices', pg_temp.office('{"backups": "PDX:10; PDX:20"}')), 'named twice', 'a backup twice');
SELECT matches(pg_temp.wrong('offices', pg_temp.office('{}') || pg_temp.office('{"line": "3", "code": "sea"}')), '^3 code: ''sea'' is in line 2 already', 'an office twice');
SELECT matches(pg_temp.wrong('supervisors', '[{"line": "2", "login": "Sup 1", "name": "Supervisor C", "mail": "x", "rank": "0", "offices": "SEA; ZZZ"}]'),
	'login.*mail.*offices: no office ''ZZZ''.*or the word all.*rank: ''0''; a whole number from 1 to 20', 'a supervisor');
SELECT matches(pg_temp.wrong('coordinators', pg_temp.person('{"code": "x!", "office": "ZZZ", "duty": "part", "mail": "a@b", "aliases": "a@example.org; b", "gender": "f", "services": "counseling; massage",
	"languages": "en; English", "max_open_cases": "many", "weekly_hours": "200", "time_zone": "Mars"}')),
	'aliases: ''b''.*code: ''x!''.*duty: ''part''; it can be: full_time, collateral.*gender.*languages: ''English''.*english is en.*mail: ''a@b''.*max_open_cases: ''many''.*office: no office ''ZZZ''.*services: ''massage''.*time_zone: ''Mars''.*weekly_hours: ''200''',
	'a coordinator');
SELECT matches(pg_temp.wrong('coordinators', pg_temp.person('{}') || pg_temp.person('{"line": "3", "code": "SEA-9", "mail": "SEA-1@example.org"}')),
	'3 mail: .* is in line 2 already', 'a mail address twice in the file');
SELECT matches(pg_temp.wrong('coordinators', pg_temp.person('{"code": "SEA-9"}')), '2 mail: .* is the mail of SEA-1', 'a mail address that somebody has');
SELECT matches(pg_temp.wrong('coordinators', pg_temp.person('{"name": "A\u0007"}')), 'control characters', 'control characters');
SELECT matches(pg_temp.wrong('patterns', '[{"line": "2", "coordinator": "SEA-7", "kind": "night", "days": "Mo", "from": "8", "to": "25:00", "valid_from": "1.1.27", "valid_to": ""}]'),
	'coordinator: no coordinator ''SEA-7''.*days: ''Mo''.*from: ''8''.*kind: ''night''.*to: ''25:00''.*valid_from: ''1.1.27''', 'a pattern');
SELECT matches(pg_temp.wrong('patterns', '[{"line": "2", "coordinator": "SEA-1", "kind": "regular", "days": "Mon-Fri", "from": "08:00", "to": "12:00"},
	{"line": "3", "coordinator": "sea-1", "kind": "regular", "days": "Wed", "from": "11:00", "to": "13:00"}]'), '^3 from: this lies over line 2$', 'patterns that overlap');
SELECT matches(pg_temp.wrong('patterns', '[{"line": "2", "coordinator": "SEA-1", "kind": "on_call", "days": "Sun", "from": "17:00", "to": "08:00"},
	{"line": "3", "coordinator": "SEA-1", "kind": "on_call", "days": "Mon", "from": "00:00", "to": "08:00"}]'), '^3 from: this lies over line 2$', 'a night from Sunday to Monday too');
SELECT matches(pg_temp.wrong('leave', '[{"line": "2", "coordinator": "SEA-1", "from": "2026-12-24", "to": "2026-12-20"}, {"line": "3", "coordinator": "SEA-1", "from": "soon", "to": ""}]'),
	'^2 to: 2026-12-20 is not after from.*\n3 from: ''soon''.*America/Los_Angeles.*\n3 to: something is needed', 'leave');
SELECT throws_matching($$SELECT vac.import_roster('people', '[]')$$, 'sheet: no sheet ''people''', 'an unknown sheet');

-- ---- all or nothing --------------------------------------------------------------------------
SELECT is(pg_temp.wrong('supervisors', '[{"line": "2", "login": "sup_new", "name": "Supervisor C", "mail": "c@example.org", "offices": "SEA"}]'), NULL, 'after a mistake what is right is looked at');
SELECT is((SELECT count(*) FROM supervisor WHERE login = 'sup_new'), 0::bigint, 'and not stored');
SELECT pg_temp.anew() \g /dev/null
SELECT isnt(pg_temp.wrong('offices', pg_temp.office('{"code": "BOS", "time_zone": "Mars"}')), NULL, 'a new office with a mistake');
SELECT is(pg_temp.wrong('coordinators', pg_temp.person('{"code": "BOS-1", "office": "bos", "mail": "bos-1@example.org"}')), NULL, 'is not reported again for each of its people');
SELECT is(pg_temp.wrong('patterns', '[{"line": "2", "coordinator": "BOS-1", "kind": "regular", "days": "Mon", "from": "08:00", "to": "12:00"}]'), NULL, 'nor are they for each of their hours');
SELECT is((SELECT count(*) FROM coordinator WHERE code = 'BOS-1'), 0::bigint, 'nothing of it is stored');
SELECT pg_temp.anew() \g /dev/null
SELECT is(pg_temp.wrong('offices', pg_temp.office('{"code": "BOS", "name": "Boston", "backups": "NYC:240"}') || pg_temp.office('{"line": "3", "code": "NYC", "name": "New York", "backups": ""}')), NULL,
	'a backup may stand further down');
SELECT is(pg_temp.wrong('coordinators', pg_temp.person('{"code": "BOS-1", "office": "BOS", "mail": "bos-1@example.org"}')), NULL, 'and people of a new office in the same import');
SELECT is((SELECT o.code FROM coordinator c JOIN office o USING (office_id) WHERE c.code = 'BOS-1'), 'BOS', 'are stored');

-- ---- patterns and leave are those of the file ------------------------------------------------
SELECT is(pg_temp.wrong('patterns', '[{"line": "2", "coordinator": "SEA-1", "kind": "regular", "days": "Mon-Thu", "from": "08:00", "to": "17:00"},
	{"line": "3", "coordinator": "SEA-1", "kind": "on_call", "days": "Fri-Sun", "from": "17:00", "to": "08:00", "valid_from": "2027-01-01", "valid_to": "2027-01-31"}]'), NULL, 'another week');
SELECT results_eq($$SELECT added, unchanged, retired FROM vac.import_summary() WHERE sheet = 'patterns'$$, 'VALUES (3::bigint, 4::bigint, 1::bigint)', 'three come, four stay, one goes');
SELECT is((SELECT count(*) FROM weekly_pattern JOIN coordinator USING (coordinator_id) WHERE code = 'SEA-2'), 5::bigint, 'of somebody else nothing goes');
SELECT vac.add_leave('SEA-1', '2027-03-01', '2027-03-02') \g /dev/null
SELECT vac.open_case('SEA', 'es') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', '2027-04-01 17:00Z') AS a1 \gset
SELECT is(pg_temp.wrong('leave', '[{"line": "2", "coordinator": "SEA-1", "from": "2027-04-01", "to": "2027-04-02"}, {"line": "3", "coordinator": "SEA-1", "from": "2027-05-01 13:00", "to": "2027-05-01 17:00"}]'), NULL, 'leave');
SELECT is((SELECT state FROM appointment WHERE appointment_id = :a1), 'cancelled', 'over an appointment ends it');
SELECT is(pg_temp.mail_of(:'a'), 'invitation sent, cancel queued', 'with a CANCEL');
SELECT is(pg_temp.wrong('leave', '[{"line": "2", "coordinator": "SEA-1", "from": "2027-04-01", "to": "2027-04-03"}]'), NULL, 'other leave');
SELECT is((SELECT string_agg(source || ' ' || (upper(span) - lower(span))::text, ', ' ORDER BY lower(span)) FROM leave), 'verb 2 days, import 3 days', 'replaces the file''s, and leaves the verb''s');

SELECT is((SELECT count(*) FROM history WHERE event = 'roster_imported' AND detail ->> 'what' = 'unchanged'), 0::bigint, 'history has what changed only');
SELECT * FROM finish();
ROLLBACK;
