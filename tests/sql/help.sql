-- vac.help lists every view and every verb, with an example of each that works.
BEGIN;
\ir people.psql
SELECT plan(8);

-- ---- nothing is missing, nothing is invented -------------------------------------------------
SELECT is_empty($$SELECT format('view vac.%s: a line with TABLE vac.%1$s in sql/views/help.sql, please', c.relname) FROM pg_class c
	WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v'
		AND NOT EXISTS (SELECT FROM vac.help h WHERE h.kind = 'look' AND h.example ~ ('^(TABLE|SELECT \* FROM) vac\.' || c.relname || '(?![a-z_(])'))$$,
	'help has a line for every view');
SELECT is_empty($$SELECT DISTINCT format('vac.%s(): a line with vac.%1$s(…) in sql/views/help.sql, please', p.proname) FROM pg_proc p
	WHERE p.pronamespace = 'vac'::regnamespace AND p.proname !~ '^import_'
		AND NOT EXISTS (SELECT FROM vac.help h WHERE h.example ~ ('\mvac\.' || p.proname || '\('))$$,
	'help has a line for every verb');
SELECT is_empty($$SELECT h.example, m.name[1] FROM vac.help h, regexp_matches(h.example, '\mvac\.([a-z_]+)\(', 'g') m (name)
	WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'vac'::regnamespace AND p.proname = m.name[1])$$, 'every verb that help names exists');
SELECT is_empty($$SELECT h.example, m.name[1] FROM vac.help h, regexp_matches(h.example, '(?:TABLE|FROM)\s+vac\.([a-z_]+)(?![a-z_(])', 'g') m (name)
	WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'vac'::regnamespace AND c.relname = m.name[1])$$, 'every view that help names exists');
SELECT is_empty($$SELECT format('vac.%s: a short name in the second list of sql/views/help.sql, and in etc/psqlrc, please', c.relname) FROM pg_class c
	WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v'
		AND NOT EXISTS (SELECT FROM vac.help h WHERE h.short IS NOT NULL AND h.example ~ ('\mvac\.' || c.relname || '(?![a-z_(])'))$$,
	'every view has a short name');
SELECT is_empty($$SELECT h.short, count(*) FROM vac.help h WHERE h.short IS NOT NULL GROUP BY h.short HAVING count(*) > 1$$, 'and no two have the same');
SELECT is_empty($$SELECT h.what, l FROM vac.help h, regexp_split_to_table(h.example, '\n') l
	WHERE length(h.kind) > 6 OR length(h.what) > 36 OR length(l) > 57 OR length(h.short) > 10$$, 'help fits 120 columns');

-- ---- every example works ---------------------------------------------------------------------
-- What must be so before some of them: by a piece of the example.
CREATE TABLE pg_temp.before (piece text, setting text);
INSERT INTO before VALUES
	('vac.release_case(', $$SELECT vac.hold_case('K7Q-4MX', 'safety')$$),
	('vac.remove_conflict(', $$SELECT vac.add_conflict('K7Q-4MX', 'SEA-1')$$),
	('vac.confirm(', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-03 10:00 PST')$$),
	('vac.record_outcome(', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-01 10:00 PST')$$),
	('vac.readmit(', $$INSERT INTO vac_store.request_bar (request_id, coordinator_id) SELECT (pg_temp.request_of('K7Q-4MX')).request_id, k.coordinator_id
		FROM vac_store.coordinator k WHERE k.code = 'SEA-1'$$),
	('vac.plan_cost(', $$INSERT INTO vac_store.plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps, exact, limited)
			SELECT o.group_id, 1, 1, vac.now(), vac.now(), 1, 0, 0, 0, 0, 0, true, false FROM vac_store.office o WHERE o.code = 'SEA';
		INSERT INTO vac_store.decision (request_id, at, plan_id) SELECT (pg_temp.request_of('K7Q-4MX')).request_id, vac.now(), max(p.plan_id) FROM vac_store.plan p$$),
	('vac.take_up(', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-03 10:00 PST');
		INSERT INTO vac_store.inbound (inbound_id, received_at, envelope_sender, envelope_recipient, delivery, size, state, not_before, handled_at, outcome,
				said, office_id, appointment_id, coordinator_id, from_address)
			OVERRIDING SYSTEM VALUE SELECT 17, now(), k.mail, 'vacd@example.org', gen_random_uuid(), 1, 'listed', now(), now(), 'unreadable', 'accepted', a.office_id,
				a.appointment_id, k.coordinator_id, k.mail
			FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id)$$),
	('vac.telephoned(', $$SELECT setval(pg_get_serial_sequence('vac_store.message', 'message_id'), 42, false);
		SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-03 10:00 PST');
		UPDATE vac_store.message SET kind = 'update', state = 'refused' WHERE message_id = 42$$),
	('vac.tick_clock(', $$SELECT vac.start_clock('K7Q-4MX', 'hhs_notice')$$),
	('vac.remove_leave(', $$SELECT vac.add_leave('SEA-1', '2026-12-24', '2026-12-28')$$),
	('vac.remove_shift(', $$SELECT vac.add_shift('SEA-1', 'on_call', '2026-12-24', '2026-12-26')$$),
	('''nights''', $$SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-2', days => 7, first_day => '2026-12-01') WHERE $1 !~ 'set_rotation'$$),
	('vac.retire_office(', $$SELECT vac.retire_coordinator(k.code, 'roster') FROM vac_store.coordinator k WHERE k.code LIKE 'SEA%';
		SELECT vac.withdraw_case('K7Q-4MX', 'resolved')$$),
	('vac.remove_holiday(', $$SELECT vac.add_holiday('2026-12-31', 'Closed', 'SEA')$$),
	('vac.close_case(', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-01 10:00 PST'); SELECT vac.record_outcome('K7Q-4MX', 'held')$$),
	('vac.correct_outcome(', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-01 10:00 PST'); SELECT vac.record_outcome('K7Q-4MX', 'missed')$$),
	('vac.withdraw_request(', $$SELECT setval(pg_get_serial_sequence('vac_store.request', 'request_id'), 12, false); SELECT vac.add_request('K7Q-4MX')$$),
	('''somebody else''', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-03 10:00 PST')$$),
	('vac.send_again(', $$SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-03 10:00 PST')$$),
	('''M2R-8TW''', $$SELECT vac.open_case('SEA'); UPDATE vac_store.case_record SET case_code = 'M2R-8TW' WHERE case_code <> 'K7Q-4MX'$$),
	('vac.unlink_cases(', $$SELECT vac.link_cases('K7Q-4MX', 'M2R-8TW', 'family')$$),
	('vac.redact_note(', $$SELECT setval(pg_get_serial_sequence('vac_store.note', 'note_id'), 17, false); SELECT vac.hold_case('K7Q-4MX', 'safety: a name')$$),
	('vac.retire_client(', $$SELECT vac.add_client('tipline', 'SEA; PDX')$$),
	('vac.remove_protected_word(', $$SELECT vac.add_protected_word('Harbour House')$$),
	('vac.interpreter_booked(', $$UPDATE vac_store.request SET interpreter = 'on_site';
		SELECT pg_temp.appoint('K7Q-4MX', 'SEA-1', '2026-12-03 10:00 PST');
		UPDATE vac_store.appointment SET by_interpreter = true$$),
	('vac.remove_cover(', $$SELECT vac.set_cover('SEA', 'nights', 'Mon-Sun 17:00-08:00')$$),
	('vac.remove_designation(', $$SELECT vac.set_designation('SEA', 'sac_office')$$),
	('vac.forbid_domain(', $$SELECT vac.allow_domain('agency.example')$$);

SELECT set_config('vac.now', '2026-12-01 12:00 PST', true) \g /dev/null
SELECT vac.open_case('SEA', 'es') AS code \gset
UPDATE case_record SET case_code = 'K7Q-4MX' WHERE case_code = :'code';

-- Each in a transaction of its own, which is undone.
CREATE FUNCTION pg_temp.outcome(example text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT * FROM pg_temp.before b WHERE strpos(example, b.piece) > 0 LOOP
		EXECUTE replace(one.setting, '$1', quote_literal(example));
	END LOOP;
	EXECUTE example;
	RAISE EXCEPTION 'it works' USING ERRCODE = 'UE000';
EXCEPTION
	WHEN SQLSTATE 'UE000' THEN RETURN NULL;
	WHEN OTHERS THEN RETURN SQLERRM;
END
$$;
SELECT is_empty($$SELECT h.example, pg_temp.outcome(h.example) FROM vac.help h WHERE h.kind NOT IN ('try', 'board') AND pg_temp.outcome(h.example) IS NOT NULL$$,
	'every example works; what must be so before stands in tests/sql/help.sql');

SELECT * FROM finish();
ROLLBACK;
