-- Somebody leaves, and all they have goes to others; who can have to do with a case, or be on call, of which office; and
-- notes that are redacted.
BEGIN;
\ir answer.psql
SELECT plan(58);
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.rows(call text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE said text;
	BEGIN
		EXECUTE 'SELECT string_agg(concat_ws('' | '', h.what, split_part(h.which, '','', 1), h.done), E''\n'' ORDER BY n) FROM ROWS FROM (vac.hand_over(' || call || ')) WITH ORDINALITY AS h (what, which, done, n)' INTO said;
		RETURN said;
	END
$$;
CREATE FUNCTION pg_temp.responsible(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT k.code FROM vac_store.case_record c LEFT JOIN vac_store.coordinator k ON k.coordinator_id = c.responsible_id WHERE c.case_code = of_case
$$;
-- Whose turns, in order from the one that is on.
CREATE FUNCTION pg_temp.turns(of_rotation text, most integer DEFAULT 4) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(k.code, ' ' ORDER BY t.span) FROM (SELECT x.* FROM vac_store.rotation r
			CROSS JOIN LATERAL vac_store.rotation_turns(r.rotation_id, tstzrange(now(), now() + interval '40 days')) x
			WHERE r.name = of_rotation AND r.retired_at IS NULL ORDER BY x.span LIMIT most) t JOIN vac_store.coordinator k USING (coordinator_id)
$$;
SELECT pg_temp.take('coordinators', jsonb_build_array(jsonb_build_object('line', '2', 'code', 'SEA-3', 'office', 'SEA', 'duty', 'full_time', 'name', 'Coordinator E',
	'title', 'Victim Assistance Coordinator', 'mail', 'sea-3@example.org', 'aliases', '', 'telephone', '+1 206 555 0115', 'pager', '', 'gender', 'female',
	'services', 'crisis_intervention; counseling', 'languages', 'en', 'max_open_cases', '500', 'weekly_hours', '168', 'meetings_a_day', '50', 'time_zone', ''))) \g /dev/null
SELECT vac.set_pattern('SEA-3', 'regular', 'Mon-Fri 08:00-17:00') \g /dev/null

-- ---- to a colleague --------------------------------------------------------------------------
SELECT pg_temp.invited() AS a \gset
SELECT pg_temp.invited() AS p \gset
SELECT vac.open_case('SEA', 'es', service => 'crisis_intervention') AS s \gset
SELECT pg_temp.appoint(:'s', 'SEA-1', pg_temp.slot()) AS es \gset
SELECT vac.open_case('PDX', 'en') AS pdx \gset
SELECT pg_temp.appoint(:'pdx', 'SEA-1', pg_temp.slot()) AS lent \gset
SELECT vac.reassign(pg_temp.code(:p), 'SEA-1', reason => 'wish') \g /dev/null
SELECT vac.open_case('SEA', 'en') AS c1 \gset
SELECT vac.open_case('SEA', 'en') AS c2 \gset
SELECT vac.set_responsible(:'c1', 'SEA-1', 'roster'), vac.set_responsible(:'c2', 'SEA-1', 'roster'), vac.set_responsible(:'pdx', 'SEA-1', 'roster'), vac.add_conflict(:'c2', 'SEA-3') \g /dev/null
SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-2', first_day => ((now() AT TIME ZONE 'America/Los_Angeles')::date - 8)::text) \g /dev/null
SELECT vac.set_rotation('SEA', 'days', 'SEA-2', first_day => ((now() AT TIME ZONE 'America/Los_Angeles')::date - 8)::text) \g /dev/null
SELECT vac.cover_duty('SEA', 'days', 'SEA-1', ((now() AT TIME ZONE 'America/Los_Angeles')::date + 3)::text, ((now() AT TIME ZONE 'America/Los_Angeles')::date + 4)::text) \g /dev/null
DELETE FROM message WHERE kind = 'notice';
CREATE TEMPORARY TABLE said AS SELECT pg_temp.rows($$'sea-1', 'roster: leaves in May', colleague => 'SEA-3'$$) AS rows;
SELECT is((SELECT string_agg(line, E'\n') FROM said, string_to_table(rows, E'\n') line WHERE line LIKE 'meeting%'), format(E'meeting | %s | SEA-3 (Coordinator E) is asked\n'
	'meeting | %s | SEA-3 (Coordinator E) is asked\nmeeting | %s | planned again: SEA-3 does not speak es\nmeeting | %s | planned again: SEA-3 office is no backup', pg_temp.code(:a), pg_temp.code(:p), :'s', :'pdx'), 'meetings: as far as no rule speaks against it');
SELECT is((SELECT string_agg(k.code || ' ' || a.state, ', ' ORDER BY a.appointment_id) FROM appointment a JOIN coordinator k USING (coordinator_id) WHERE a.request_id = (pg_temp.a(:p)).request_id), 'SEA-1 replaced, SEA-3 invited', 'also what was pinned');
SELECT is((pg_temp.a(:es)).state || (pg_temp.r(:es)).state, 'cancelledopen', 'what the colleague cannot take is planned again');
SELECT is((SELECT string_agg(k.code, ' ') FROM request_bar b JOIN coordinator k USING (coordinator_id) WHERE b.request_id = (pg_temp.a(:es)).request_id AND b.until IS NULL), 'SEA-1', 'without the one who leaves');
SELECT is(pg_temp.mail(:a), 'invitation sent 0, cancel queued 1', 'who need not go is told');
SELECT is((SELECT string_agg(line, E'\n') FROM said, string_to_table(rows, E'\n') line WHERE line LIKE 'case%'), format(E'case | %s | the next to accept is responsible: not SEA-3, office is no backup\ncase | %s | SEA-3 (Coordinator E) is responsible; tell the victim\n'
	'case | %s | the next to accept is responsible: not SEA-3, conflict of interest', :'pdx', :'c1', :'c2'), 'cases: somebody else is responsible, or the next to accept');
SELECT is(concat_ws(' ', pg_temp.responsible(:'c1'), pg_temp.responsible(:'c2'), pg_temp.responsible(:'pdx')), 'SEA-3', 'they are');
SELECT is((SELECT count(*) FROM clock k JOIN case_record c USING (case_id) WHERE c.case_code IN (:'c1', :'c2') AND k.kind = 'inform_of_responsible' AND k.running), 1::bigint, 'the victim must be told of who is');
SELECT is((SELECT string_agg(line, E'\n') FROM said, string_to_table(rows, E'\n') line WHERE line LIKE 'duty%'), E'duty | SEA | SEA-3 (Coordinator E) has it\nduty | SEA | SEA-3 (Coordinator E) has it', 'duties: turns, and covers');
SELECT is(pg_temp.turns('nights'), 'SEA-2 SEA-3 SEA-2 SEA-3', 'turns go on in the same order');
SELECT is((SELECT string_agg(k.code, ' ') FROM rotation_cover c JOIN coordinator k USING (coordinator_id)), 'SEA-3', 'so do covers');
SELECT is((SELECT concat_ws('/', h.who, h.reason, n.text, replace(v.what, E'\n', ' ')) FROM history h JOIN note n USING (note_id) JOIN vac.history v ON v.what LIKE 'hands over%' WHERE h.event = 'handed_over_all'),
	session_user || '/roster/leaves in May/hands over all: meetings 4, cases 3, duties 2', 'one entry says who and why');
SELECT is(pg_temp.rows($$'SEA-1', 'roster'$$), NULL, 'then there is nothing left');
SELECT matches(vac.retire_coordinator('SEA-1', 'roster'), '^SEA-1 .* has left; no appointment is touched$', 'and nobody to find by retire_coordinator');
UPDATE coordinator SET retired_at = NULL WHERE code = 'SEA-1';

-- ---- to nobody by name -----------------------------------------------------------------------
SELECT pg_temp.invited('SEA-3') AS b \gset
SELECT vac.set_responsible(:'c2', 'SEA-2', 'roster') \g /dev/null
SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-3, SEA-2', first_day => ((now() AT TIME ZONE 'America/Los_Angeles')::date - 22)::text) \g /dev/null
SELECT is(pg_temp.turns('nights', 3), 'SEA-1 SEA-3 SEA-2', 'the fourth turn is on');
SELECT is((SELECT string_agg(line, E'\n' ORDER BY line) FROM string_to_table(pg_temp.rows($$'SEA-3', 'roster'$$), E'\n') line WHERE line NOT LIKE 'meeting%'),
	format(E'case | %s | the next to accept is responsible\nduty | SEA | the others have it in turns\nduty | SEA | the others have it in turns', :'c1'), 'nobody is named');
SELECT is((SELECT count(*) FROM appointment WHERE live AND coordinator_id = (pg_temp.k('SEA-3')).coordinator_id), 0::bigint, 'meetings are planned again');
SELECT is(pg_temp.turns('nights'), 'SEA-1 SEA-2 SEA-1 SEA-2', 'the turn that is on stays whose it is');
SELECT is((SELECT count(*) FROM rotation_cover), 0::bigint, 'and a cover is whose turn it is');
SELECT is((SELECT string_agg(line, E'\n') FROM string_to_table(pg_temp.rows($$'SEA-2', 'roster'$$), E'\n') line WHERE line LIKE 'duty%'), E'duty | SEA | the others have it in turns\nduty | SEA | NOBODY is left in it: vac.set_rotation(…)', 'the last of a rotation');
SELECT is(pg_temp.turns('nights', 2), 'SEA-1 SEA-1', 'leaves it to the other, or to nobody');
SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-3', first_day => ((now() AT TIME ZONE 'America/Los_Angeles')::date - 8)::text) \g /dev/null
SELECT pg_temp.rows($$'SEA-3', 'roster'$$) \g /dev/null
SELECT is((SELECT k.code FROM duty_shift d JOIN rotation r USING (rotation_id) JOIN coordinator k USING (coordinator_id) WHERE r.name = 'nights' AND d.live AND d.span @> now()), 'SEA-1', 'whoever comes next takes over from the one who leaves');
SELECT vac.set_responsible(:'c1', 'SEA-1', 'roster') \g /dev/null
SELECT matches(vac.retire_coordinator('SEA-1', 'roster'), format('\. Still theirs: the case %s, turns of nights \(SEA\)\.\sSELECT \* FROM vac\.hand_over\(''SEA-1'', ''roster''\) gives away what is of your offices, and tells others of their cases$', :'c1'), 'retire_coordinator says what remains, and who gives it away');
SELECT is((SELECT count(*) FROM string_to_table(pg_temp.rows($$'SEA-1', 'roster'$$), E'\n')), 2::bigint, 'it can be done afterwards');
UPDATE coordinator SET retired_at = NULL WHERE code = 'SEA-1';

-- ---- refusals and rights ---------------------------------------------------------------------
SELECT throws_matching($$SELECT * FROM vac.hand_over('SEA-9', 'roster')$$, '^coordinator: no coordinator ''SEA-9''', 'somebody who is not there');
SELECT throws_matching($$SELECT * FROM vac.hand_over('SEA-1', '')$$, '^reason: ', 'no reason');
SELECT throws_matching($$SELECT * FROM vac.hand_over('SEA-1', 'roster', 'SEA-1')$$, '^colleague: that is the one who leaves', 'to themselves');
SELECT throws_matching($$SELECT * FROM vac.hand_over('SEA-1', 'roster', 'SEA-8')$$, '^colleague: no coordinator', 'to nobody there is');
SELECT pg_temp.invited('SEA-1') AS d \gset
SELECT vac.open_case('PDX', 'en') AS pdx \gset
SELECT pg_temp.appoint(:'pdx', 'SEA-1', pg_temp.slot()) AS lent \gset
SELECT short_span((pg_temp.a(:lent)).span, 'America/Los_Angeles') AS lent_at \gset
UPDATE case_record SET responsible_id = (pg_temp.k('SEA-1')).coordinator_id WHERE case_code = :'pdx';
INSERT INTO supervisor (login, name, mail, rank) VALUES ('sup_pdx', 'Supervisor C', 'supervisor.c@example.org', 1);
INSERT INTO supervisor_office SELECT s.supervisor_id, o.office_id FROM supervisor s, office o WHERE s.login = 'sup_pdx' AND o.code = 'PDX';
SELECT vac.set_backup('PDX', 'SEA', 180), vac.set_rotation('PDX', 'theirs', 'PDX-1, SEA-1') \g /dev/null
DELETE FROM message WHERE kind = 'notice';
SET SESSION AUTHORIZATION sup_sea;
SELECT throws_ok($$SELECT * FROM vac.hand_over('PDX-1', 'roster')$$, '42501', NULL, 'another office''s people are not theirs to give away');
SELECT throws_ok($$SELECT * FROM vac.hand_over('SEA-1', 'roster', 'PDX-1')$$, '42501', NULL, 'nor to load with work');
SELECT is((SELECT string_agg(concat_ws(' | ', what, regexp_replace(which, '^[^ ]*-[^ ]*,.*', 'ours'), done), E'\n') FROM vac.hand_over('SEA-1', 'roster', 'SEA-2')),
	E'meeting | ours | SEA-2 (Coordinator B) is asked\nmeeting | of PDX, ' || :'lent_at' || E' | planned again\n'
	'case | of PDX | stays: it is for supervisors of PDX, who are told\nduty | PDX, theirs | stays: it is for the supervisors of that office', 'of another office''s cases nothing is said but whose they are');
RESET SESSION AUTHORIZATION;
SELECT is(concat_ws(' ', (pg_temp.a(:lent)).state, pg_temp.responsible(:'pdx')), 'cancelled SEA-1', 'they are planned again, and keep who is responsible');
SET SESSION AUTHORIZATION sup_sea;
SELECT matches(vac.retire_coordinator('SEA-1', 'roster'), '\. Still theirs: 1 case of PDX, turns of theirs \(PDX\)\.', 'what remains elsewhere is said, but not which case');
RESET SESSION AUTHORIZATION;
UPDATE coordinator SET retired_at = NULL WHERE code = 'SEA-1';
SELECT is((SELECT string_agg(recipient, ' ') FROM message WHERE kind = 'notice' AND subject = 'PDX: somebody responsible leaves' AND body LIKE '%' || :'pdx' || '%' AND recipient LIKE '%.c@%'), 'supervisor.c@example.org', 'their own supervisors are told');

-- ---- whose case, whose call ------------------------------------------------------------------
SELECT throws_matching(format('SELECT vac.set_responsible(%L, %L, %L)', :'c1', 'HNL-1', 'roster'), '^coordinator: HNL-1 is neither of SEA nor of one of its backups', 'nobody of another office is responsible for a case');
SELECT throws_matching(format('SELECT vac.add_conflict(%L, %L)', :'c1', 'HNL-1'), '^coordinator: HNL-1 is neither of SEA', 'nor kept away from it');
SELECT matches(vac.set_responsible(:'c1', 'PDX-1', 'roster'), 'Coordinator C', 'those of a backup office are lent');
SELECT matches(vac.add_conflict(:'c2', 'PDX-1'), 'PDX-1 .* is kept away', 'and may have a conflict');
SELECT pg_temp.appoint(:'c1', 'HNL-1', pg_temp.slot()) \g /dev/null
SELECT matches(vac.set_responsible(:'c1', 'HNL-1', 'roster'), 'Coordinator D', 'whoever was sent there all the same has to do with it');
DELETE FROM office_backup WHERE office_id = (SELECT office_id FROM office WHERE code = 'SEA');
SELECT lives_ok(format('SELECT vac.set_responsible(%L, %L, %L)', :'c1', 'SEA-2', 'roster'), 'another is responsible');
SELECT throws_matching(format('SELECT vac.set_responsible(%L, %L, %L)', :'c1', 'PDX-1', 'roster'), 'PDX-1 is neither of SEA', 'once their office is no backup they are lent no more');
SELECT vac.set_backup('SEA', 'PDX', 180), vac.retire_rotation('SEA', 'nights', 'roster') \g /dev/null
SET SESSION AUTHORIZATION sup_sea;
SELECT throws_ok($$SELECT vac.set_rotation('SEA', 'nights', 'SEA-2, PDX-1')$$, '42501', 'set_rotation, PDX-1: that is for supervisors of PDX, and sup_sea is none', 'who puts people of a backup office on call is their supervisor');
SELECT lives_ok($$SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, SEA-2')$$, 'as of one''s own');
SELECT throws_ok(format($$SELECT vac.cover_duty('SEA', 'nights', 'PDX-1', %L, %L)$$, (now() + interval '3 days')::date, (now() + interval '4 days')::date), '42501', 'cover_duty, PDX-1: that is for supervisors of PDX, and sup_sea is none', 'nor by a cover');
SELECT throws_ok(format($$SELECT vac.add_shift('PDX-1', 'on_call', %L, %L)$$, (now() + interval '3 days')::date, (now() + interval '4 days')::date), '42501', NULL, 'as by a single shift');
RESET SESSION AUTHORIZATION;
SELECT lives_ok($$SELECT vac.set_rotation('SEA', 'nights', 'SEA-1, PDX-1, SEA-2')$$, 'a supervisor of both lends them');
SET SESSION AUTHORIZATION sup_sea;
SELECT lives_ok($$SELECT vac.set_rotation('SEA', 'nights', 'PDX-1, SEA-1, SEA-2')$$, 'then they take turns as the others do');
SELECT lives_ok(format($$SELECT vac.cover_duty('SEA', 'nights', 'PDX-1', %L, %L)$$, (now() + interval '3 days')::date, (now() + interval '4 days')::date), 'and cover them');
RESET SESSION AUTHORIZATION;

-- ---- notes -----------------------------------------------------------------------------------
SELECT vac.set_responsible(:'c1', 'SEA-1', 'wish: because Rumpelstilz said so') \g /dev/null
SELECT note AS n FROM vac.notes LIMIT 1 \gset
SELECT is((SELECT concat_ws(' | ', who, case_code, what, said) FROM vac.notes WHERE note = :n), format('%s | %s | made responsible | because Rumpelstilz said so', session_user, :'c1'), 'notes are listed, with what they stand beside');
SET SESSION AUTHORIZATION sup_sea;
SELECT throws_ok(format('SELECT vac.redact_note(%s)', :n), '42501', 'redact_note: that is for an administrator, and sup_sea is none', 'no supervisor redacts');
SELECT is((SELECT count(*) FROM vac.notes WHERE note = :n), 1::bigint, 'though they read it');
RESET SESSION AUTHORIZATION;
SELECT throws_matching('SELECT vac.redact_note(0)', '^note: there is no note 0', 'a note that is none');
SELECT is(vac.redact_note(:n, 'safety: it names Rumpelstilz'), format('Note %s is gone; the event it stood beside stays (made responsible)', :n), 'an administrator does');
SELECT is((SELECT concat_ws(' ', text, redacted_by, redacted_at IS NOT NULL) FROM note WHERE note_id = :n), session_user || ' t', 'the text is gone, and who took it is known');
SELECT is((SELECT count(*) FROM vac.history WHERE why LIKE '%Rumpel%'), 0::bigint, 'history does not have it');
SELECT is((SELECT string_agg(replace(concat_ws('/', who, what, coordinator, why), E'\n', ' '), ', ') FROM (SELECT * FROM vac.history WHERE case_code = :'c1' LIMIT 2) h),
	format('%s/note redacted/Coordinator A/safety, %1$s/made responsible/Coordinator A/wish of the victim: (redacted)', session_user), 'but the event, and who redacted its note, without a new one');
SELECT is((SELECT (detail ->> 'note')::bigint FROM history WHERE event = 'note_redacted'), :n::bigint, 'by its number');
SELECT is(vac.redact_note(:n), format('Note %s was redacted already, by %s', :n, session_user), 'twice is once');

SELECT * FROM finish();
ROLLBACK;
