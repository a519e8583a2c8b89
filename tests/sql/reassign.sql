-- A supervisor overrules the planner: who goes and when, past every rule but double booking; what is set so is pinned.
BEGIN;
\ir answer.psql
SELECT plan(97);
-- Nothing is late here unless it is said so.
CREATE FUNCTION pg_temp.in_time() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.due_at := now() + interval '60 days'; RETURN NEW; END $$;
CREATE TRIGGER in_time BEFORE INSERT ON request FOR EACH ROW EXECUTE FUNCTION pg_temp.in_time();
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT c.case_code FROM vac_store.appointment a JOIN vac_store.case_record c USING (case_id) WHERE a.appointment_id = id
$$;
-- Who has a case's meetings, in order: code, state, pinned, SEQUENCE, local start, span kept free.
CREATE FUNCTION pg_temp.stands(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', k.code, a.state, CASE WHEN a.pinned THEN 'pinned' END, a.sequence, to_char(lower(a.span) AT TIME ZONE 'America/Los_Angeles', 'HH24:MI')), ', ' ORDER BY a.appointment_id)
		FROM vac_store.appointment a JOIN vac_store.coordinator k USING (coordinator_id) JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = of_case
$$;
CREATE FUNCTION pg_temp.mail(of_case text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', m.kind, m.state, m.sequence, split_part(m.recipient, '@', 1)), ', ' ORDER BY m.message_id)
		FROM vac_store.message m JOIN vac_store.case_record c USING (case_id) WHERE c.case_code = of_case AND m.kind <> 'notice'
$$;
CREATE FUNCTION pg_temp.busy(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT to_char(lower(a.busy) AT TIME ZONE 'America/Los_Angeles', 'HH24:MI') || '-' || to_char(upper(a.busy) AT TIME ZONE 'America/Los_Angeles', 'HH24:MI')
		FROM vac_store.appointment a WHERE a.appointment_id = id
$$;
CREATE FUNCTION pg_temp.last_event(of_event text) RETURNS vac_store.history LANGUAGE sql AS $$
	SELECT h FROM vac_store.history h WHERE h.event = of_event ORDER BY h.history_id DESC LIMIT 1
$$;
CREATE FUNCTION pg_temp.local(at timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT to_char(at AT TIME ZONE 'America/Los_Angeles', 'YYYY-MM-DD HH24:MI') $$;

-- ---- somebody else, by name ------------------------------------------------------------------
SELECT pg_temp.invited(requester => 'officer@example.org') AS a \gset
SELECT pg_temp.code(:a) AS c, pg_temp.local(lower((pg_temp.a(:a)).span)) AS was \gset
DELETE FROM message WHERE kind = 'requester';
SELECT matches(vac.reassign(:'c', 'sea-2', reason => 'wish: asked for him'), '^Case .*: SEA-2 \(Coordinator B\), .*they are asked to accept, and no plan changes it\nSEA-1 \(Coordinator A\) need not go$', 'a colleague at the same time');
SELECT is(pg_temp.stands(:'c'), format('SEA-1 replaced 1 %s, SEA-2 invited pinned 0 %1$s', right(:'was', 5)), 'the old one is off, the new one is pinned');
SELECT is(pg_temp.mail(:'c'), 'invitation sent 0 sea-1, cancel queued 1 sea-1, invitation queued 0 sea-2, requester queued officer', 'CANCEL, an invitation, and a word to who opened it');
SELECT is((SELECT concat_ws(' ', state, tries, seek_since) FROM request WHERE request_id = (pg_temp.a(:a)).request_id), 'planned 1', 'one more was asked');
SELECT is((SELECT concat_ws('/', h.who, h.reason, n.text, h.detail ->> 'passed_over') FROM history h JOIN note n USING (note_id) WHERE h.event = 'reassigned'),
	session_user || '/wish/asked for him/[]', 'one entry says who and why');
SELECT is((SELECT string_agg(event, ', ' ORDER BY history_id) FROM history WHERE request_id = (pg_temp.a(:a)).request_id AND event <> 'case_opened'), 'appointment_cancelled, reassigned', 'beside the end of the old one');
SELECT is((SELECT replace(because, E'\n', ' ') FROM vac.why WHERE case_code = :'c'), format('set by hand by %s: wish of the victim: asked for him', session_user), 'why says who, and why');
SELECT is((SELECT replace(what || '/' || why, E'\n', ' ') FROM vac.history WHERE case_code = :'c' AND what LIKE 'set by hand%'), format('set by hand: %s/wish of the victim: asked for him', short_time(lower((pg_temp.a(:a)).span), 'America/Los_Angeles')), 'history, too');
SELECT matches((SELECT replace(state, E'\n', ' ') FROM vac.open_cases WHERE case_code = :'c'), ', pinned$', 'open_cases shows that it is pinned');
SELECT is((SELECT array_agg(because) FROM vac_store.decision_rows(stored_decision((pg_temp.a(:a)).request_id), 'en', 'Counseling')), ARRAY[format('set by hand by %s: wish of the victim', session_user)], 'vacd plan says so without the note');
SELECT is(vac.reassign(:'c', 'SEA-2', reason => 'wish'), format('Case %s: it is set so already', :'c'), 'twice is once');

-- ---- the same coordinator at another time ----------------------------------------------------
SELECT pg_temp.invited() AS a, pg_temp.slot() AS t \gset
SELECT pg_temp.code(:a) AS c \gset
SELECT vac.confirm(:'c') \g /dev/null
SELECT matches(vac.reassign(:'c', 'SEA-1', pg_temp.local(:'t'), 'wish'), 'they are asked to accept, and no plan changes it$', 'another time');
SELECT is(pg_temp.stands(:'c'), format('SEA-1 invited pinned 1 %s', right(pg_temp.local(:'t'), 5)), 'the same appointment, asked again: the yes was to the old time');
SELECT is(pg_temp.mail(:'c'), 'invitation sent 0 sea-1, update queued 1 sea-1', 'REQUEST with the next SEQUENCE');
SELECT is((SELECT concat_ws(' ', partstat, answered_at, upper(span) - lower(span), lower(span) = :'t') FROM appointment WHERE appointment_id = :a), '01:00:00 t', 'nothing of the old answer is left');
SELECT pg_temp.sent(), vac.confirm(:'c') \g /dev/null
SELECT matches(vac.unpin(:'c'), 'a plan may move or replace it again', 'unpinned');
SELECT is(pg_temp.stands(:'c'), format('SEA-1 accepted 1 %s', right(pg_temp.local(:'t'), 5)), 'it stays as it was');
SELECT is(vac.unpin(:'c'), format('Case %s: nothing of it is pinned', :'c'), 'twice is once');
SELECT matches(vac.reassign(:'c', 'SEA-1', reason => 'other'), 'they have accepted, and no plan changes it$', 'what stands is pinned as it is');
SELECT is(pg_temp.stands(:'c') || '; ' || pg_temp.mail(:'c'), format('SEA-1 accepted pinned 1 %s; invitation sent 0 sea-1, update sent 1 sea-1', right(pg_temp.local(:'t'), 5)), 'without a mail, and the yes counts');
SELECT is((SELECT string_agg(event, ', ' ORDER BY history_id) FROM history WHERE appointment_id = :a AND event LIKE '%pinned'), 'unpinned', 'history has it');

-- ---- nobody had it ---------------------------------------------------------------------------
SELECT vac.open_case('SEA', 'en') AS c \gset
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, reason => %L)', :'c', 'SEA-1', 'roster'), '^start: case .* has no appointment whose time could stay', 'then a time is needed');
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, reason => %L)', :'c', 'somebody else', 'roster'), '^coordinator: nobody has case', 'nor can somebody else go than nobody');
SELECT lives_ok(format('SELECT vac.reassign(%L, %L, %L, %L)', :'c', 'SEA-2', pg_temp.local(pg_temp.slot()), 'roster: he offered'), 'by name and time');
SELECT matches(pg_temp.stands(:'c'), '^SEA-2 invited pinned 0 [0-9:]+$', 'it stands');
SELECT is(pg_temp.mail(:'c'), 'invitation queued 0 sea-2', 'he is asked');

-- ---- past the rules --------------------------------------------------------------------------
-- On a Sunday night, on leave, barred, without the language, and in conflict.
SELECT vac.open_case('SEA', 'vi', service => 'counseling') AS c \gset
SELECT pg_temp.local((date_trunc('week', now() AT TIME ZONE 'America/Los_Angeles') + interval '13 days 22 hours') AT TIME ZONE 'America/Los_Angeles') AS night \gset
SELECT vac.add_conflict(:'c', 'SEA-2'), vac.add_leave('SEA-2', left(:'night', 10), left(:'night', 10)) \g /dev/null
INSERT INTO request_bar (request_id, coordinator_id) VALUES ((pg_temp.request_of(:'c')).request_id, (pg_temp.k('SEA-2')).coordinator_id);
UPDATE request SET due_at = now() + interval '3 days' WHERE request_id = (pg_temp.request_of(:'c')).request_id;
SELECT lives_ok(format('SELECT vac.reassign(%L, %L, %L, %L)', :'c', 'SEA-2', :'night', 'other: nobody else'), 'past every rule');
SELECT is((pg_temp.last_event('reassigned')).detail -> 'passed_over', '["conflict", "barred", "service", "language", "leave", "hours", "late"]', 'history knows which');
SELECT matches((SELECT replace(because, E'\n', ' ') FROM vac.why WHERE case_code = :'c'), 'nobody else; although: conflict of interest, declined or did not answer, does not give counseling, does not speak vi, on leave, at work outside meeting hours, later than it is due$', 'why, too');
SELECT is((SELECT by_interpreter FROM appointment a JOIN case_record k USING (case_id) WHERE k.case_code = :'c'), true, 'then through an interpreter');
UPDATE coordinator SET max_open_cases = 0, weekly_minutes = 0, meetings_a_day = 0 WHERE code = 'PDX-1';
SELECT vac.open_case('SEA', 'en') AS c \gset
SELECT lives_ok(format('SELECT vac.reassign(%L, %L, now() + interval %L, %L)', :'c', 'PDX-1', '10 minutes', 'roster'), 'of a backup office, as soon as now');
SELECT is((SELECT (pg_temp.last_event('reassigned')).detail -> 'passed_over' @> '["cap_open_cases", "cap_week", "cap_day", "notice"]'), true, 'beyond limits and notice');
SELECT is((SELECT concat_ws(' ', a.over_cap, a.counted_minutes, lower(a.span) - lower(a.busy)) FROM appointment a JOIN case_record k USING (case_id) WHERE k.case_code = :'c'), 't 420 03:00:00', 'which the row shows; travel is kept free, and counts');
UPDATE coordinator SET max_open_cases = 500, weekly_minutes = 10080, meetings_a_day = 50 WHERE code = 'PDX-1';
UPDATE appointment SET state = 'cancelled', ended_at = now() WHERE live AND coordinator_id = (pg_temp.k('PDX-1')).coordinator_id;
-- The notice is seen by who gives the order.
CREATE FUNCTION pg_temp.notice_of(call text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE r request; BEGIN
		RETURN vac_store.rules_text(ARRAY['leave', 'close', 'notice'], pg_temp.request_of(call));
	END $$;
SELECT is(pg_temp.notice_of(:'c'), 'on leave, too close to other appointments, sooner than the notice', 'rules in words');
SELECT is(public_rules(ARRAY['leave', 'close', 'notice', 'late', 'cap_day']), '{unavailable,notice,late}', 'of other offices'' people not all of them');

-- ---- double booking --------------------------------------------------------------------------
SELECT pg_temp.invited() AS x \gset
SELECT vac.open_case('SEA', 'en') AS c \gset
SELECT lower((pg_temp.a(:x)).span) AS t \gset
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, %L, %L)', :'c', 'SEA-1', pg_temp.local(timestamptz :'t' + interval '30 minutes'), 'other'),
	format('^start: SEA-1 \(Coordinator A\) has case %s then, ', pg_temp.code(:x)), 'nobody is in two places');
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, %L::timestamptz, %L)', :'c', 'SEA-1', timestamptz :'t' - interval '59 minutes', 'other'), '^start: SEA-1', 'nor by a minute');
UPDATE appointment SET busy = tstzrange(lower(span) - interval '30 minutes', upper(span) + interval '30 minutes') WHERE appointment_id = :x;
SELECT lives_ok(format('SELECT vac.reassign(%L, %L, %L, %L)', :'c', 'SEA-1', pg_temp.local(timestamptz :'t' + interval '1 hour'), 'other'), 'but one right after the other');
SELECT is((pg_temp.last_event('reassigned')).detail -> 'passed_over', '["close"]', 'is only close');
SELECT is(pg_temp.busy(:x), format('%s-%s', to_char(timestamptz :'t' AT TIME ZONE 'America/Los_Angeles' - interval '30 minutes', 'HH24:MI'), to_char(timestamptz :'t' AT TIME ZONE 'America/Los_Angeles' + interval '1 hour', 'HH24:MI')), 'what was kept free gives way');
SELECT is((SELECT pg_temp.busy(a.appointment_id) FROM appointment a JOIN case_record k USING (case_id) WHERE k.case_code = :'c'),
	format('%s-%s', to_char(timestamptz :'t' AT TIME ZONE 'America/Los_Angeles' + interval '1 hour', 'HH24:MI'), to_char(timestamptz :'t' AT TIME ZONE 'America/Los_Angeles' + interval '150 minutes', 'HH24:MI')), 'on this side its buffer stays');
SELECT pg_temp.code(:x) AS x_code \gset
SELECT lives_ok(format('SELECT vac.reassign(%L, %L, %L, %L)', :'x_code', 'SEA-1', pg_temp.local(timestamptz :'t' + interval '30 minutes' - interval '30 minutes'), 'other'), 'its own place is in nobody''s way');
SELECT pg_temp.slot() \g /dev/null

-- ---- somebody else ---------------------------------------------------------------------------
SELECT pg_temp.invited(requester => 'officer@example.org') AS a \gset
SELECT pg_temp.code(:a) AS c \gset
DELETE FROM message WHERE kind = 'requester';
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, %L, %L)', :'c', 'somebody else', '2026-12-24 10:00', 'wish'), '^start: the planner finds the time', 'then the planner says when');
SELECT matches(vac.reassign(:'c', 'Somebody else', reason => 'wish: not her'), '^Case .*: SEA-1 \(Coordinator A\) need not go, and will not be asked for it again \(vac\.readmit takes that back\); it\nis planned again$', 'somebody else');
SELECT is(concat_ws(' ', (pg_temp.a(:a)).state, (pg_temp.r(:a)).state, (pg_temp.r(:a)).plan_at <= wall()), 'cancelled open t', 'it is planned again at once');
SELECT is(pg_temp.mail(:'c'), 'invitation sent 0 sea-1, cancel queued 1 sea-1, requester queued officer', 'and who had it is told');
SELECT is((SELECT string_agg(concat_ws(' ', k.code, b.until), ', ') FROM request_bar b JOIN coordinator k USING (coordinator_id) WHERE b.request_id = (pg_temp.a(:a)).request_id), 'SEA-1', 'and barred from it for good');
SELECT is((SELECT concat_ws('/', h.event, h.reason, n.text) FROM history h JOIN note n USING (note_id) WHERE h.appointment_id = :a), 'somebody_else/wish/not her', 'history says why');
SELECT matches(vac.readmit(:'c', 'SEA-1'), 'may be asked again', 'that can be taken back');

-- ---- call-outs -------------------------------------------------------------------------------
UPDATE coordinator SET pager = 'pager.b@example.org' WHERE code = 'SEA-2';
SELECT vac.open_case('SEA', 'en', urgency => 'immediate') AS c \gset
SELECT pg_temp.appoint(:'c', 'SEA-1', date_trunc('hour', now()) + interval '1 hour') AS a, pg_temp.appoint(:'c', 'PDX-1', date_trunc('hour', now()) + interval '2 hours') AS b \gset
UPDATE request SET seek_since = now() WHERE request_id = (pg_temp.a(:a)).request_id;
DELETE FROM message WHERE kind = 'notice';
SELECT matches(vac.reassign(:'c', 'SEA-2', now(), 'other: nearest'), 'PDX-1 \(Coordinator C\), SEA-1 \(Coordinator A\) need not go', 'all who were asked need not go');
SELECT is((SELECT string_agg(k.code || ' ' || a.state, ', ' ORDER BY a.appointment_id) FROM appointment a JOIN coordinator k USING (coordinator_id) JOIN case_record q USING (case_id) WHERE q.case_code = :'c'), 'SEA-1 replaced, PDX-1 replaced, SEA-2 invited', 'one has it');
SELECT is((SELECT string_agg(m.kind, ', ' ORDER BY m.message_id) FROM message m JOIN case_record q USING (case_id) WHERE q.case_code = :'c' AND m.state = 'queued'), 'cancel, cancel, invitation, page', 'invited and paged');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject = 'SEA: called out' AND body LIKE '%Coordinator B%' AND urgent), 2::bigint, 'and the supervisors know at once');
SELECT is((SELECT concat_ws(' ', state, seek_since) FROM request WHERE request_id = (pg_temp.a(:a)).request_id), 'planned', 'nobody else is sought');

SELECT vac.confirm(:'c'), vac.reassign(:'c', 'SEA-2', now() + interval '3 hours', 'other') \g /dev/null
SELECT is((SELECT concat_ws(' ', r.tell_at > now(), r.told_at IS NOT NULL) FROM request r WHERE r.request_id = (pg_temp.a(:a)).request_id), 't t', 'at another hour he is asked again, and they hear of it until he accepts');
SELECT is((SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.message_id) FROM message m JOIN case_record q USING (case_id) WHERE q.case_code = :'c' AND m.appointment_id = (SELECT max(appointment_id) FROM appointment WHERE request_id = (pg_temp.a(:a)).request_id)), 'invitation overtaken, page unneeded, update queued, page queued', 'and paged again');

-- ---- what is pinned stays --------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.code(:a) AS c, (pg_temp.a(:a)).request_id AS r, (pg_temp.a(:a)).coordinator_id AS k, pg_temp.local(lower((pg_temp.a(:a)).span)) AS t \gset
SELECT pg_temp.invited('SEA-1', lower((pg_temp.a(:a)).span) + interval '90 minutes') AS b \gset
UPDATE request SET seek_since = now() WHERE request_id = :r;
SELECT is((SELECT count(*) FROM leaving_appointments(ARRAY[:r])), 1::bigint, 'somebody else was sought');
SELECT vac.reassign(:'c', 'SEA-1', reason => 'wish') \g /dev/null
SELECT is((SELECT concat_ws(' ', seek_since, to_plan, tell_at <= wall()) FROM request WHERE request_id = :r), 'f t', 'and is not any more: the supervisors are told instead');
UPDATE request SET seek_since = now() WHERE request_id = :r;
SELECT is((SELECT count(*) FROM leaving_appointments(ARRAY[:r])), 0::bigint, 'nothing replaces it');
UPDATE request SET seek_since = NULL WHERE request_id = :r;
UPDATE appointment SET state = 'cancelled', ended_at = now() WHERE live AND appointment_id NOT IN (:a, :b);
DELETE FROM message WHERE kind = 'notice';
SELECT matches(vac.add_leave('SEA-1', left(:'t', 10), left(:'t', 10)), '; 1 appointment is cancelled and planned again; 1 appointment that was\sset by hand stays, and the supervisors are told$', 'leave over it');
SELECT is((pg_temp.a(:a)).state || ' ' || (pg_temp.a(:b)).state, 'invited cancelled', 'ends others');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice' AND subject = 'SEA: leave over what was set by hand' AND body LIKE '%' || :'c' || ': %Coordinator A, +1 206%'), 2::bigint, 'the supervisors are told');
SELECT is((SELECT count(*) FROM history WHERE event = 'pinned_in_leave' AND appointment_id = :a), 1::bigint, 'and history');
SELECT matches(pg_temp.comes(:a, pg_temp.says(:a, 'ACCEPTED', who => 'sea-2@example.org')), '^refused: a supervisor set it by hand', 'a colleague who accepts it does not have it');
SELECT matches(vac.confirm(:'c', 'SEA-2'), 'SEA-2 .* has accepted', 'unless a supervisor says so');
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.code(:a) AS c, (pg_temp.a(:a)).request_id AS r \gset
SELECT vac.reassign(:'c', 'SEA-1', pg_temp.local(pg_temp.slot()), 'wish') \g /dev/null
SELECT matches(vac.change_request(:'c', interpreter => 'telephone'), 'its appointment stays, and the coordinator is told', 'a change that it fits');
UPDATE request SET open_window = tstzrange(lower(open_window), now() + interval '1 day') WHERE request_id = :r;
SELECT matches(vac.change_request(:'c', interpreter => 'on_site'), 'its appointment stays', 'though it lies beyond the window, as it did before');
SELECT matches(vac.change_request(:'c', window_to => now() + interval '2 days'), 'no longer fits, so it is cancelled', 'a window it does not lie in ends it');

-- ---- no answer, and a no ---------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.code(:a) AS c, (pg_temp.a(:a)).request_id AS r \gset
SELECT vac.reassign(:'c', 'SEA-1', reason => 'wish') \g /dev/null
UPDATE appointment SET window_from = now() - interval '2 days', answer_by = now() - interval '1 minute', window_at = NULL WHERE appointment_id = :a;
SELECT window_ends(pg_temp.a(:a), wall()) \g /dev/null
SELECT is((SELECT concat_ws(' ', seek_since, tell_at <= wall()) FROM request WHERE request_id = :r), 't', 'no answer: the supervisors are told, and nobody is sought');
SELECT vac.unpin(:'c', 'other: whoever can') \g /dev/null
SELECT is((pg_temp.a(:a)).window_at <= wall(), true, 'once unpinned its window is looked at again');
SELECT vac.reassign(:'c', 'SEA-1', reason => 'wish') \g /dev/null
UPDATE request SET tell_at = NULL WHERE request_id = :r;
SELECT vac.confirm(:'c', answer => 'decline') \g /dev/null
SELECT is((SELECT concat_ws(' ', state, tell_at <= wall()) FROM request WHERE request_id = :r), 'open t', 'a no: planned again, and the supervisors are told at once');
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.code(:a) AS c, (pg_temp.a(:a)).request_id AS r \gset
SELECT vac.reassign(:'c', 'SEA-1', reason => 'wish') \g /dev/null
UPDATE message SET state = 'refused', reply = '550 no such user' WHERE appointment_id = :a;
SELECT invitation_refused(ARRAY(SELECT message_id FROM message WHERE appointment_id = :a)) \g /dev/null
SELECT is((pg_temp.a(:a)).state || (SELECT concat_ws(' ', '', state, tell_at <= wall()) FROM request WHERE request_id = :r), 'invited planned t', 'mail that is refused does not end it either');
SELECT is((SELECT tell FROM vac.to_telephone WHERE case_code = :'c'), E'set by hand, come:\n' || short_span((pg_temp.a(:a)).span, 'America/Los_Angeles'), 'somebody must telephone');
SELECT matches(vac.telephoned((SELECT message FROM vac.to_telephone WHERE case_code = :'c')), 'knows$', 'and says that they did');
SELECT vac.unpin(:'c', 'other: whoever can') \g /dev/null
SELECT is((pg_temp.a(:a)).state, 'invited', 'who was rung up is asked, though it is unpinned');
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.code(:a) AS c, (pg_temp.a(:a)).request_id AS r \gset
SELECT vac.reassign(:'c', 'SEA-1', reason => 'wish') \g /dev/null
UPDATE message SET state = 'refused', reply = '550 no such user' WHERE appointment_id = :a;
SELECT invitation_refused(ARRAY(SELECT message_id FROM message WHERE appointment_id = :a)) \g /dev/null
SELECT matches(vac.unpin(:'c', 'other: whoever can'), 'a plan may move or replace it again', 'one that nobody was asked for is unpinned');
SELECT is((SELECT concat_ws(' ', (pg_temp.a(:a)).state, state, plan_at <= wall()) FROM request WHERE request_id = :r), 'replaced open t', 'and planned again at once');

-- ---- refusals --------------------------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT pg_temp.code(:a) AS c \gset
SELECT throws_matching(format('SELECT vac.reassign(%L, %s)', :'c', call), wanted, said) FROM (VALUES
	($$'SEA-9', reason => 'wish'$$, '^coordinator: no coordinator ''SEA-9''', 'somebody who is not there'),
	($$NULL, reason => 'wish'$$, '^coordinator: nobody was named', 'nobody'),
	($$'SEA-2'$$, '^reason: history keeps why', 'no reason'),
	($$'SEA-2', 'soon', 'wish'$$, '^start: ''soon''; a day is written', 'a time that is none'),
	($$'SEA-2', '2026-12-24', 'wish'$$, '^start: 2026-12-24 is a day', 'a day'),
	($$'SEA-2', now() - interval '1 hour', 'wish'$$, '^start: .* is over', 'what is over'),
	($$'SEA-2', now() + interval '2 years', 'wish'$$, '^start: .* is more than a year ahead', 'another year'),
	($$'SEA-2', reason => 'wish', request => 0$$, '^request: case .* has no open request 0', 'another request')) AS v (call, wanted, said);
UPDATE coordinator SET retired_at = now() WHERE code = 'PDX-1';
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, reason => %L)', :'c', 'PDX-1', 'wish'), 'PDX-1 has left', 'who has left');
UPDATE coordinator SET retired_at = NULL WHERE code = 'PDX-1';
UPDATE appointment SET span = tstzrange(now() - interval '2 hours', now() - interval '1 hour'), busy = tstzrange(now() - interval '2 hours', now() - interval '1 hour') WHERE appointment_id = :a;
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, now(), %L)', :'c', 'SEA-2', 'wish'), 'the meeting of case .* is over', 'a meeting that has been');
SELECT vac.hold_case(:'c', 'safety') \g /dev/null
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, now(), %L)', :'c', 'SEA-2', 'wish'), 'is on hold', 'nothing of a case on hold');

-- ---- whose cases, whose people ---------------------------------------------------------------
SELECT pg_temp.invited('SEA-1') AS a \gset
SELECT vac.open_case('PDX', 'en') AS pdx \gset
SELECT pg_temp.code(:a) AS c \gset
SELECT lives_ok(format('SELECT vac.reassign(%L, %L, %L, %L)', :'c', 'HNL-1', pg_temp.local(pg_temp.slot()), 'other'), 'who supervises all sends whom they like');
SELECT is((pg_temp.last_event('reassigned')).detail -> 'passed_over' -> 0, '"not_backup"', 'past the rule that their office is no backup');
SELECT vac.add_leave('PDX-1', left(pg_temp.local(((pg_temp.last_event('reassigned')).detail ->> 'starts')::timestamptz), 10), left(pg_temp.local(((pg_temp.last_event('reassigned')).detail ->> 'starts')::timestamptz), 10)) \g /dev/null
DELETE FROM message WHERE kind = 'notice';
SET SESSION AUTHORIZATION sup_sea;
SELECT throws_matching(format('SELECT vac.reassign(%L, %L, now(), %L)', :'pdx', 'PDX-1', 'wish'), 'no case .* that sup_sea may see', 'another office''s case is none');
SELECT throws_matching(format('SELECT vac.unpin(%L)', :'pdx'), 'no case .* that sup_sea may see', 'nor to be unpinned');
SELECT throws_ok(format('SELECT vac.reassign(%L, %L, reason => %L)', :'c', 'HNL-1', 'wish'), '42501', 'coordinator: HNL-1 is of an office that neither is yours nor stands in for yours', 'nor are people of an office that does not stand in for it');
SELECT matches(vac.reassign(:'c', 'PDX-1', reason => 'wish'), 'PDX-1 .* need not go$', 'those of a backup office are lent');
RESET SESSION AUTHORIZATION;
SELECT is((pg_temp.last_event('reassigned')).detail -> 'passed_over', '["unavailable"]', 'of whose days one learns no more than that');
SELECT is((SELECT string_agg(recipient, ' ') FROM message WHERE kind = 'notice' AND subject = 'PDX: sent to another office by hand' AND body LIKE 'Coordinator C (PDX-1) was given a meeting of SEA by hand%Rules: on leave%'), 'supervisor.a@example.org', 'their own supervisors are told which');
SET SESSION AUTHORIZATION intake1;
SELECT throws_ok(format('SELECT vac.reassign(%L, %L, reason => %L)', :'c', 'SEA-1', 'wish'), '42501', NULL, 'intake sends nobody');
RESET SESSION AUTHORIZATION;

SELECT * FROM finish();
ROLLBACK;
