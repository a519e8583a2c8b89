-- Verbs about people, offices and rules, and the forms in which people write hours and days.
BEGIN;
\ir people.psql
SELECT plan(98);
\set day '(local_day(now(), \'America/Los_Angeles\') + 10)'

-- ---- how hours and days are written ----------------------------------------------------------
SELECT is(days_of('Mon-Fri'), '{1,2,3,4,5}', 'Mon-Fri');
SELECT is(days_of('fri-monday'), '{1,5,6,7}', 'round the end of the week, in any case');
SELECT is(days_of('Mon, Wed'), '{1,3}', 'Mon, Wed');
SELECT is(days_of('Mon-Wed,Tue'), NULL, 'no day twice');
SELECT is(days_of('Mo'), NULL, 'nothing else');
SELECT is(days_text('{1,2,3,5,6}'), 'Mon-Wed,Fri,Sat', 'and back');
SELECT is((SELECT string_agg(concat_ws(' ', w.weekday, w.from_time, w.to_time), ', ') FROM week_of('Sat 09:00-12:00; Mon,Tue 8:00-12:00, 13:00-24:00') w),
	'1 08:00:00 12:00:00, 1 13:00:00 24:00:00, 2 08:00:00 12:00:00, 2 13:00:00 24:00:00, 6 09:00:00 12:00:00', 'hours of a week');
SELECT is(week_problem('Mon-Fri 08:00-17:00; Sat 09:00-12:00'), NULL, 'nothing is wrong with that');
SELECT matches(week_problem('Mon-Fri 08:00-17:00; Wed 16:00-18:00'), 'lie over each other', 'one hour twice');
SELECT matches(week_problem('Mon 17:00-08:00'), 'ends before it begins', 'an office does not close tomorrow');
SELECT is(week_problem('Mon 17:00-08:00', overnight => true), NULL, 'a night shift may');
SELECT matches(week_problem('Sun 17:00-09:00; Mon 08:00-12:00', overnight => true), 'lie over each other', 'Sunday''s night reaches into Monday');
SELECT matches(week_problem('Mon-Fri 8-17'), 'hours are written', 'minutes are needed');
SELECT matches(week_problem('weekdays 08:00-17:00'), 'hours are written', 'days by their names');
SELECT is(local_moment('2026-03-08', 'America/New_York'), '2026-03-08 05:00Z', 'a day begins');
SELECT is(local_moment('2026-03-08', 'America/New_York', true), '2026-03-09 04:00Z', 'and ends, 23 hours later in spring');
SELECT is(local_moment('2026-07-01 13:00', 'America/Phoenix'), '2026-07-01 20:00Z', 'a time of a zone without summer time');
SELECT is(local_moment('2026-07-01 13:00+02', 'America/Phoenix'), '2026-07-01 11:00Z', 'a time with its own offset');
SELECT is(local_moment('2026-02-30', 'UTC'), NULL, 'no 30th of February');
SELECT is(local_moment('12/24/2026', 'UTC'), NULL, 'not that way');
SELECT matches(zone_problem('Eastern'), 'did you mean America/New_York', 'what a zone may have meant');
SELECT matches(zone_problem('PST'), 'did you mean America/Los_Angeles', 'an abbreviation is no zone');
SELECT is(zone_problem('Asia/Kathmandu'), NULL, 'a zone is a zone');

-- ---- leave -----------------------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es') AS a \gset
SELECT pg_temp.appoint(:'a', 'SEA-1', local_instant(:day + time '10:00', 'America/Los_Angeles')) AS a1 \gset
SELECT vac.open_case('SEA', 'es') AS b \gset
SELECT pg_temp.appoint(:'b', 'SEA-1', local_instant(:day + 1 + time '10:00', 'America/Los_Angeles')) AS b1 \gset
SELECT matches(vac.add_leave('sea-1', :day::text, :day::text), '1 appointment is cancelled and planned again', 'leave over an appointment');
SELECT is((SELECT string_agg(state, ' ' ORDER BY appointment_id) FROM appointment), 'cancelled invited', 'ends that one and no other');
SELECT is((pg_temp.request_of(:'a')).state, 'open', 'its request is planned again');
SELECT is(pg_temp.mail_of(:'a'), 'invitation sent, cancel queued', 'with a CANCEL');
SELECT matches(vac.add_leave('SEA-1', :day::text || ' 09:00', :day::text || ' 12:00'), 'known already', 'within it there is nothing new');
SELECT matches(vac.add_leave('SEA-1', :day::text, (:day + 3)::text), format('is away %s to %s; 1 appointment is cancelled', to_char(:day, 'Dy DD Mon'), to_char(:day + 3, 'Dy DD Mon YYYY')),
	'longer leave, by days');
SELECT matches(vac.remove_leave('SEA-1', (:day + 1)::text, (:day + 1)::text), 'is back', 'back for a day');
SELECT is((SELECT string_agg(lower(span)::text || upper(span)::text, ' ') FROM leave WHERE span && tstzrange(
	local_day_start(:day + 1, 'America/Los_Angeles'), local_day_start(:day + 2, 'America/Los_Angeles'))), NULL, 'that day is free of leave');
SELECT is((SELECT count(*) FROM leave), 3::bigint, 'before and after it stays');
SELECT throws_matching($$SELECT vac.remove_leave('SEA-1', '2019-01-01')$$, 'has no leave then', 'no leave, nothing to remove');
SELECT throws_matching($$SELECT vac.add_leave('SEA-1', '2026-12-24', '2026-12-22')$$, 'is not after from_time', 'an end before the beginning');
SELECT throws_matching($$SELECT vac.add_leave('SEA-1', '2026-12-24', '2036-12-22')$$, 'at most|that is', 'ten years are a typing error');
SELECT throws_matching($$SELECT vac.add_leave('SEA-1', 'tomorrow', '2036-12-22')$$, 'from_time: ''tomorrow''', 'a day is written as a day');
SELECT lives_ok($$SELECT vac.add_leave('SEA-2', now(), now() + interval '1 hour')$$, 'moments are taken too');

-- ---- shifts and patterns ---------------------------------------------------------------------
SELECT matches(vac.add_shift('SEA-1', 'on_call', '2027-01-02', '2027-01-03'), 'on call', 'a weekend on call');
SELECT matches(vac.add_shift('SEA-1', 'on_call', '2027-01-02', '2027-01-03'), 'already', 'the same again');
SELECT throws_matching($$SELECT vac.add_shift('SEA-1', 'on_call', '2027-01-03', '2027-01-04')$$, 'has an on-call shift then already', 'one that lies over it');
SELECT lives_ok($$SELECT vac.add_shift('SEA-1', 'regular', '2027-01-03 08:00', '2027-01-03 12:00')$$, 'the other kind may');
SELECT matches(vac.remove_shift('SEA-1', '2027-01-02'), 'shift removed', 'taken back');
SELECT throws_matching($$SELECT vac.remove_shift('SEA-1', '2027-01-02')$$, 'no single shift then', 'once');
SELECT vac.set_pattern('SEA-1', 'regular', 'Mon-Thu 07:00-12:00, 12:30-17:00', '2027-02-01', '2027-02-28') \g /dev/null
SELECT is((SELECT string_agg(DISTINCT valid::text, ' ') FROM weekly_pattern JOIN coordinator USING (coordinator_id) WHERE code = 'SEA-1'),
	'(,2027-02-01) [2027-02-01,2027-03-01) [2027-03-01,)', 'a week for February leaves what was before and after');
SELECT vac.set_pattern('SEA-1', 'regular', 'Fri 17:00-08:00') \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', weekday, from_time, to_time, valid), ';') FROM weekly_pattern JOIN coordinator USING (coordinator_id) WHERE code = 'SEA-1'),
	'5 17:00:00 08:00:00 (,)', 'without days it holds for ever');
SELECT vac.set_pattern('SEA-1', 'regular', '') \g /dev/null
SELECT is((SELECT count(*) FROM weekly_pattern JOIN coordinator USING (coordinator_id) WHERE code = 'SEA-1'), 0::bigint, 'an empty week is none');

-- ---- what nobody could take is looked at again ------------------------------------------------
SELECT vac.open_case('SEA') AS n1 \gset
SELECT vac.open_case('HNL') AS n2 \gset
UPDATE request SET unserved_since = now(), plan_at = now() + interval '1 day'
	WHERE request_id IN ((pg_temp.request_of(:'n1')).request_id, (pg_temp.request_of(:'n2')).request_id);
SELECT vac.add_shift('PDX-1', 'on_call', '2027-03-01', '2027-03-01') \g /dev/null
SELECT ok((pg_temp.request_of(:'n1')).plan_at <= wall(), 'a shift more: planned again now');
SELECT ok((pg_temp.request_of(:'n2')).plan_at > wall(), 'but not where it does not help');
SELECT vac.set_policy('grid_minutes', '20') \g /dev/null
SELECT ok((pg_temp.request_of(:'n2')).plan_at <= wall(), 'another policy: everywhere');

-- ---- people ----------------------------------------------------------------------------------
SELECT matches(vac.set_coordinator('SEA-1', telephone => '+1 206 555 0199', languages => 'en; es; fr'), 'is changed', 'two things change');
SELECT is((SELECT concat_ws(' ', telephone, mail, (SELECT string_agg(language, ',' ORDER BY language) FROM coordinator_language l WHERE l.coordinator_id = c.coordinator_id),
	(SELECT count(*) FROM coordinator_service s WHERE s.coordinator_id = c.coordinator_id)) FROM coordinator c WHERE code = 'SEA-1'),
	'+1 206 555 0199 sea-1@example.org en,es,fr 3', 'and nothing else does');
SELECT matches(vac.set_coordinator('SEA-1', telephone => '+1 206 555 0199'), 'is so already', 'the same again changes nothing');
SELECT throws_matching($$SELECT vac.set_coordinator('SEA-1', mail => 'PDX-1@example.org')$$, 'mail: .* is the mail of PDX-1', 'two cannot share a mail address');
SELECT throws_matching($$SELECT vac.set_coordinator('SEA-7', office => 'SEA')$$, 'something is needed here', 'a new one needs more');
SELECT is((SELECT detail ->> 'what' FROM history WHERE event = 'coordinator_changed' ORDER BY history_id DESC LIMIT 1), '["languages", "telephone"]',
	'history keeps what changed, and no telephone number');
SELECT vac.set_limits('SEA-1', max_open_cases => 2, weekly_hours => 12.5) \g /dev/null
SELECT is((SELECT concat_ws(' ', max_open_cases, weekly_minutes, meetings_a_day) FROM coordinator WHERE code = 'SEA-1'), '2 750', 'limits');
SELECT throws_matching($$SELECT vac.set_limits('SEA-1', weekly_hours => 200)$$, 'weekly_hours: 200', 'a week has 168 hours');
SELECT vac.open_case('SEA') AS c \gset
SELECT pg_temp.appoint(:'c', 'SEA-2', local_instant(:day + time '10:00', 'America/Los_Angeles')) AS c1 \gset
SELECT vac.set_responsible(:'c', 'SEA-2', 'roster') \g /dev/null
SELECT matches(vac.retire_coordinator('SEA-2', 'roster'), '1 appointment is cancelled and planned again. Still theirs: the case ' || :'c' || '. SELECT .\sFROM vac.hand_over',
	'who leaves leaves nothing behind');
SELECT is((SELECT concat_ws(' ', state, live, ended_at IS NOT NULL, (SELECT r.state FROM request r WHERE r.request_id = a.request_id))
		FROM appointment a WHERE appointment_id = :c1), 'cancelled f t open', 'their appointment is cancelled, and what it was for planned again');
SELECT is(pg_temp.mail_of(:'c'), 'invitation sent, cancel queued', 'its cancellation is to go out');
SELECT is((SELECT concat_ws(' ', m.recipient, m.method, m.uid = i.uid, m.sequence > i.sequence, m.span = i.span)
		FROM message m JOIN message i USING (appointment_id) WHERE appointment_id = :c1 AND m.kind = 'cancel' AND i.kind = 'invitation'),
	'sea-2@example.org CANCEL t t t', 'to whoever was invited, about the same event');
SELECT lives_ok($$SELECT vac.set_supervisor('sup_new', name => 'Supervisor C', mail => 'supervisor.c@example.org', offices => 'SEA; HNL')$$, 'a supervisor comes');
SELECT lives_ok($$SELECT vac.set_supervisor('sup_new', rank => 3)$$, 'is changed');
SELECT is((SELECT rank || ' ' || (SELECT count(*) FROM supervisor_office so WHERE so.supervisor_id = s.supervisor_id) FROM supervisor s WHERE login = 'sup_new'), '3 2', 'in one thing');
SELECT lives_ok($$SELECT vac.retire_supervisor('sup_new')$$, 'and goes');

-- ---- offices ---------------------------------------------------------------------------------
SELECT matches(vac.set_backup('SEA', 'HNL', 400), 'PDX:180; HNL:400', 'a backup comes last');
SELECT matches(vac.set_backup('SEA', 'HNL', 400, 1), 'HNL:400; PDX:180', 'or at its rank');
SELECT matches(vac.set_backup('SEA', 'PDX', 170), 'HNL:400; PDX:170', 'travel changes, rank stays');
SELECT is((SELECT count(DISTINCT group_id) FROM office), 1::bigint, 'offices joined by backups are one group');
SELECT matches(vac.remove_backup('SEA', 'HNL'), ': PDX:170', 'removed');
SELECT is((SELECT count(DISTINCT group_id) FROM office), 2::bigint, 'and the group falls apart');
SELECT matches(vac.set_hours('HNL', 'Mon-Thu 07:00-16:00'), 'Mon-Thu 07:00-16:00', 'hours');
SELECT matches(vac.set_place('SEA', 'port', 'Seaport desk'), 'PORT: Seaport desk', 'a place');
SELECT matches(vac.remove_place('SEA', 'PORT'), 'no place PORT', 'is removed');
SELECT throws_matching($$SELECT vac.remove_place('SEA', 'MAIN')$$, 'requests were made for MAIN', 'but not one that a request names');
SELECT throws_matching($$SELECT vac.retire_office('HNL', 'roster')$$, 'still has 1 open case and coordinators HNL-1', 'an office with people does not close');

-- ---- rules -----------------------------------------------------------------------------------
SELECT matches(vac.set_policy('notice', '90', 'urgent'), 'is 90 now, was 120', 'a policy');
SELECT throws_matching($$SELECT vac.set_policy('notice', '90')$$, 'has a value for each urgency', 'needs its urgency');
SELECT throws_matching($$SELECT vac.set_policy('notice', 'soon', 'urgent')$$, 'is no whole number', 'and a value of its kind');
-- What the planner cannot take would stop every office.
SELECT throws_matching(format('SELECT vac.set_policy(%L, %L)', name, value), says, name || ' is not ' || value)
	FROM (VALUES ('grid_minutes', '0', 'from 1 to 1440'), ('grid_minutes', '1441', 'from 1 to 1440'), ('rest_minutes', '9999999', 'from 0 to 10080'),
		('rest_hours', 'any', 'are no hours'), ('office_hours', 'office', 'are no hours'), ('office_hours', '22:00-06:00', 'ends before it begins'),
		('weight_load', '1000001', 'no whole number'), ('plan_steps', '0', 'from 1 to 999999999'), ('move_chain', '11', 'from 0 to 10')) AS v (name, value, says);
SELECT throws_matching(format('SELECT vac.set_policy(%L, %L, %L)', 'may_be_moved', value, urgency), 'is none of: ' || says || '$', urgency || ' may not be moved ' || value)
	FROM (VALUES ('immediate', 'by urgent', 'never'), ('urgent', 'by urgent', 'never, by immediate'), ('urgent', 'whenever', 'never, by immediate'),
		('routine', 'by routine', 'never, by immediate, by urgent, by immediate and urgent')) AS v (urgency, value, says);
SELECT matches(vac.set_policy('may_be_moved', 'by urgent', 'routine'), 'is by urgent now', 'what hurries less may be moved');
SELECT matches(vac.set_policy('meeting_hours', 'any', 'routine'), 'is any now', 'meetings may be at any hour');
SELECT matches(vac.set_policy('rest_hours', '21:00-05:00'), 'is 21:00-05:00 now', 'the night goes over midnight');
SELECT vac.add_protected_word('Nightfall') \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE event = 'protected_word_added' AND detail::text NOT LIKE '%ightfall%'), 1::bigint, 'history does not repeat a protected word');
SELECT lives_ok($$SELECT vac.add_holiday('2027-05-31', 'Memorial Day')$$, 'a holiday of all offices');
SELECT throws_matching($$SELECT vac.remove_holiday('2027-05-31', 'SEA')$$, 'is no holiday of SEA', 'is not one of one office');

SELECT * FROM finish();
ROLLBACK;
