-- What messages say: local times on both sides of a change, what may stand where, and what never leaves.
BEGIN;
\ir core.psql
SELECT plan(88);

-- ---- times as people read them ---------------------------------------------------------------
CREATE TEMPORARY TABLE expected (zone text, at timestamptz, text text);
INSERT INTO expected VALUES
	('America/New_York', '2026-03-06 19:00Z', 'Fri 6 Mar 2026 14:00 EST (UTC-05:00)'),
	('America/New_York', '2026-03-09 18:00Z', 'Mon 9 Mar 2026 14:00 EDT (UTC-04:00)'),
	('America/New_York', '2026-10-30 18:00Z', 'Fri 30 Oct 2026 14:00 EDT (UTC-04:00)'),
	('America/New_York', '2026-11-02 19:00Z', 'Mon 2 Nov 2026 14:00 EST (UTC-05:00)'),
	('Pacific/Honolulu', '2026-03-07 00:00Z', 'Fri 6 Mar 2026 14:00 HST (UTC-10:00)'),
	('Pacific/Honolulu', '2026-11-03 00:00Z', 'Mon 2 Nov 2026 14:00 HST (UTC-10:00)'),
	('America/Phoenix', '2026-03-06 21:00Z', 'Fri 6 Mar 2026 14:00 MST (UTC-07:00)'),
	('America/Phoenix', '2026-07-06 21:00Z', 'Mon 6 Jul 2026 14:00 MST (UTC-07:00)'),
	('Pacific/Guam', '2026-03-06 04:00Z', 'Fri 6 Mar 2026 14:00 ChST (UTC+10:00)'),
	('Pacific/Guam', '2026-11-02 04:00Z', 'Mon 2 Nov 2026 14:00 ChST (UTC+10:00)'),
	('Asia/Kathmandu', '2026-03-06 08:15Z', 'Fri 6 Mar 2026 14:00 (UTC+05:45)'),
	('Australia/Lord_Howe', '2026-04-03 03:00Z', 'Fri 3 Apr 2026 14:00 (UTC+11:00)'),
	('Australia/Lord_Howe', '2026-04-06 03:30Z', 'Mon 6 Apr 2026 14:00 (UTC+10:30)');
SELECT is(local_text(at, zone), text, format('%s in %s', text, zone)) FROM expected ORDER BY zone, at;
SELECT is(span_text('[2026-03-09 18:00Z, 2026-03-09 19:30Z)', 'America/New_York'), 'Mon 9 Mar 2026 14:00 to 15:30 EDT (UTC-04:00)', 'a span of one day');
SELECT is(span_text('[2026-03-08 04:00Z, 2026-03-08 08:00Z)', 'America/New_York'),
	'Sat 7 Mar 2026 23:00 EST (UTC-05:00) to Sun 8 Mar 2026 04:00 EDT (UTC-04:00)', 'a span over the change says so');
SELECT is(span_text('[2026-11-01 05:30Z, 2026-11-01 06:30Z)', 'America/New_York'),
	'Sun 1 Nov 2026 01:30 EDT (UTC-04:00) to 01:30 EST (UTC-05:00)', 'the hour that comes twice is told apart');
-- All at once, zones mixed: a span of each that stays within a day, or an offset, and one that does not.
CREATE TEMPORARY TABLE at_once AS SELECT row_number() OVER (ORDER BY e.at, n.hours) AS id, e.zone, tstzrange(e.at, e.at + n.hours * interval '1 hour') AS span,
		CASE WHEN n.hours > 1 THEN e.at - interval '1 day' END AS moment
	FROM (SELECT zone, at FROM expected UNION ALL VALUES ('America/New_York', '2026-11-01 05:30Z'::timestamptz), ('America/New_York', '2026-03-08 04:00Z')) e
		CROSS JOIN (VALUES (1), (4), (60)) n (hours);
SELECT results_eq($$SELECT t.id, t.starts, t.spoken, t.moment FROM (SELECT array_agg(id ORDER BY id DESC) AS ids, array_agg(zone ORDER BY id DESC) AS zones,
			array_agg(span ORDER BY id DESC) AS spans, array_agg(moment ORDER BY id DESC) AS moments FROM at_once) a
		CROSS JOIN LATERAL said_times(a.ids, a.zones, a.spans, a.moments) t ORDER BY t.id$$,
	'SELECT id, local_text(lower(span), zone), span_text(span, zone), local_text(moment, zone) FROM at_once ORDER BY id',
	'many at once are said as each by itself');
SELECT is((SELECT count(DISTINCT zone) FROM at_once)::int, 6, 'of several zones');
SELECT is(current_setting('timezone'), 'UTC', 'the session''s zone is as it was');

-- ---- an invitation ---------------------------------------------------------------------------
SELECT pg_temp.person('ANNE', 'NYC', pager => 'pager.anne@example.org');
SELECT pg_temp.person('ZOE', 'BOS', zone => 'America/Phoenix');
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'ZOE']) w;
CREATE FUNCTION pg_temp.appoint(request bigint, who text, starts timestamptz, by_interpreter boolean DEFAULT false) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, by_interpreter)
		SELECT r.request_id, r.case_id, r.office_id, pg_temp.coordinator(who), s.span, s.span, r.urgency, vac_store.handle(), now(), by_interpreter
			FROM vac_store.request r, LATERAL (SELECT tstzrange(starts, starts + r.minutes * interval '1 minute') AS span) s
			WHERE r.request_id = request
		RETURNING appointment_id
$$;
SELECT pg_temp.ask(language => 'es', interpreter => 'telephone') AS r \gset
SELECT pg_temp.appoint(:r, 'ANNE', '2030-03-11 14:00Z', true) AS a \gset
SELECT queue_appointments('invitation', ARRAY[:a]::bigint[], '2030-03-04 15:00:00.7Z');
SELECT m.*, c.case_code FROM message m JOIN case_record c USING (case_id) WHERE m.appointment_id = :a \gset m_
SELECT is(:'m_method'::text || ' ' || :'m_kind' || ' ' || :m_sequence || ' ' || :'m_state', 'REQUEST invitation 0 queued', 'an invitation is a REQUEST');
SELECT is(:'m_recipient'::text || ' ' || :'m_recipient_name', 'anne@example.org Coordinator ANNE', 'to the coordinator');
SELECT is(:'m_made_at'::timestamptz, '2030-03-04 15:00:00Z'::timestamptz, 'its date is of whole seconds');
SELECT is(:'m_sender'::text || ' ' || :'m_key_id', 'vacd@agency.example k1', 'from the address in use');
SELECT is(:'m_subject'::text, 'Case ' || :'m_case_code' || ', Mon 11 Mar 2030 10:00 EDT (UTC-04:00), NYC MAIN', 'subject: case, local time, place code');
SELECT is(:'m_summary'::text, 'Case ' || :'m_case_code', 'the calendar shows the case code');
SELECT is(:'m_location'::text, 'NYC MAIN', 'and the place''s code');
SELECT is(:'m_description'::text, 'Case ' || :'m_case_code' || ', office NYC, NYC MAIN. Mon 11 Mar 2030 10:00 to 11:00 EDT (UTC-04:00). '
	|| 'Answer by Tue 5 Mar 2030 09:00 EST (UTC-05:00); please send the response. Call +1 212 555 0100.', 'description: the same, answer-by, whom to call');
SELECT is(:'m_body'::text, E'Coordinator ANNE,\n\nplease see to the appointment for case ' || :'m_case_code' || E'.\n\n'
	'When: Mon 11 Mar 2030 10:00 to 11:00 EDT (UTC-04:00)\nOffice: NYC\nPlace: MAIN, Federal Building, room 210\nUrgency: routine\n'
	'Language: es, through an interpreter\nAnswer by: Tue 5 Mar 2030 09:00 EST (UTC-05:00)\nCall: +1 212 555 0100, day and night\n\n'
	'Please accept or decline in your calendar, and send the response: an answer\nthat is not sent counts as none.\n', 'the whole body');
SELECT ok(concat(:'m_subject', :'m_summary', :'m_location', :'m_description') !~* 'urgen|routine|\mes\M|counsel', 'urgency, language and service stand in no calendar');
SELECT ok(:'m_body'::text !~* 'counsel', 'the service stands nowhere');
UPDATE policy SET value = 'yes' WHERE name = 'mail_service';
SELECT queue_appointments('update', ARRAY[:a]::bigint[]);
SELECT ok((SELECT m.body LIKE E'%\nService: Counseling\n%' AND concat(m.subject, m.summary, m.location, m.description) !~* 'counsel'
	FROM message m WHERE m.appointment_id = :a AND m.kind = 'update'), 'unless the policy says so, and then in the body only');
UPDATE policy SET value = 'no' WHERE name = 'mail_service';
-- Phoenix has no summer time: in March New York is three hours ahead.
SELECT pg_temp.ask() AS r \gset
SELECT pg_temp.appoint(:r, 'ZOE', '2030-03-12 14:00Z') AS a \gset
SELECT queue_appointments('invitation', ARRAY[:a]::bigint[]);
SELECT ok((SELECT body LIKE E'%\nWhen: Tue 12 Mar 2030 10:00 to 11:00 EDT (UTC-04:00)\nIn your time: Tue 12 Mar 2030 07:00 to 08:00 MST (UTC-07:00)\n%' FROM message WHERE appointment_id = :a),
	'who lives by another clock reads both');
SELECT pg_temp.ask(mode => 'telephone') AS r \gset
SELECT pg_temp.appoint(:r, 'ANNE', '2030-03-13 14:00Z') AS a \gset
SELECT queue_appointments('invitation', ARRAY[:a]::bigint[]);
SELECT is((SELECT location FROM message WHERE appointment_id = :a), 'NYC telephone', 'by telephone there is no place');
-- The place's text is not looked up under the other office of a backup's coordinator.
SELECT is((SELECT count(*) FROM message m WHERE m.body IS NULL OR m.subject IS NULL OR m.description IS NULL), 0::bigint, 'no text is lost to a NULL');

-- ---- answer by -------------------------------------------------------------------------------
-- Each: urgency, invited at, start, expected. NYC opens 08:00 to 17:00.
CREATE TEMPORARY TABLE windows (urgency text, since timestamptz, starts timestamptz, answer timestamptz, why text);
INSERT INTO windows VALUES
	('routine', '2030-06-03 14:00Z', '2030-06-20 14:00Z', '2030-06-04 13:00Z', 'eight office hours, over a night'),
	('routine', '2030-06-07 20:00Z', '2030-06-20 14:00Z', '2030-06-10 19:00Z', 'over a weekend'),
	('routine', '2030-06-03 20:00Z', '2030-06-04 20:00Z', '2030-06-04 16:00Z', 'ends four office hours before the start'),
	('routine', '2030-06-07 20:00Z', '2030-06-10 14:00Z', '2030-06-07 20:10Z', 'who is asked late has ten minutes'),
	('routine', '2030-06-06 13:00Z', '2030-06-10 13:00Z', '2030-06-06 21:00Z', 'a day that is long enough'),
	('urgent', '2030-06-03 14:00Z', '2030-06-03 22:00Z', '2030-06-03 16:00Z', 'two office hours'),
	('urgent', '2030-06-03 14:00Z', '2030-06-03 16:00Z', '2030-06-03 15:00Z', 'ends an hour before the start'),
	('urgent', '2030-06-03 23:00Z', '2030-06-04 13:30Z', '2030-06-04 12:30Z', 'at night office hours do not pass'),
	('immediate', '2030-06-08 06:00Z', '2030-06-08 06:00Z', '2030-06-08 06:10Z', 'ten minutes at any time');
CREATE FUNCTION pg_temp.answer_time(urgency text, since timestamptz, starts timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$
	DECLARE
		a bigint := pg_temp.appoint(pg_temp.ask(urgency => answer_time.urgency), 'ANNE', starts);
		answer timestamptz := (SELECT t.answer_by FROM vac_store.answer_times(ARRAY[a], since) t);
	BEGIN
		UPDATE vac_store.appointment SET state = 'cancelled' WHERE appointment_id = a;
		RETURN answer;
	END
$$;
SELECT is(pg_temp.answer_time(urgency, since, starts), answer, why) FROM windows ORDER BY urgency, why;

-- ---- newer states ----------------------------------------------------------------------------
CREATE FUNCTION pg_temp.states(a bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(m.kind || ' ' || m.sequence || ' ' || m.state, ', ' ORDER BY m.message_id) FROM vac_store.message m WHERE m.appointment_id = a
$$;
SELECT pg_temp.ask() AS r \gset
SELECT pg_temp.appoint(:r, 'ANNE', '2030-04-01 14:00Z') AS a \gset
SELECT queue_appointments('invitation', ARRAY[:a]::bigint[]);
SELECT is(end_appointments(ARRAY[:a]::bigint[], 'cancelled', 'withdrawn'), 1, 'one appointment ended');
SELECT is(pg_temp.states(:a), 'invitation 0 overtaken, cancel 1 unneeded', 'what nobody was told need not be taken back');
SELECT is((SELECT state || ' ' || sequence || ' ' || (ended_at IS NOT NULL) FROM appointment WHERE appointment_id = :a), 'cancelled 1 true', 'the appointment has ended');
SELECT is((SELECT detail ->> 'state' FROM history WHERE appointment_id = :a AND event = 'appointment_cancelled'), 'cancelled', 'history has it');
SELECT is(end_appointments(ARRAY[:a]::bigint[], 'cancelled'), 0, 'it does not end twice');
SELECT pg_temp.ask() AS r \gset
SELECT pg_temp.appoint(:r, 'ANNE', '2030-04-02 14:00Z') AS a \gset
SELECT queue_appointments('invitation', ARRAY[:a]::bigint[]);
UPDATE message SET state = 'claimed', ever_claimed = true, lease_until = now() + interval '1 minute' WHERE appointment_id = :a;
SELECT end_appointments(ARRAY[:a]::bigint[], 'replaced') \g /dev/null
SELECT is(pg_temp.states(:a), 'invitation 0 claimed, cancel 1 queued', 'what may have been sent is taken back, and left to its daemon');
SELECT is((SELECT first_uuid FROM message WHERE appointment_id = :a AND kind = 'cancel'), (SELECT mail_uuid FROM message WHERE appointment_id = :a AND kind = 'invitation'),
	'the CANCEL refers to the first invitation');
SELECT is((SELECT method || ' ' || (body !~* 'answer|urgency') FROM message WHERE appointment_id = :a AND kind = 'cancel'), 'CANCEL true', 'and asks for no answer');
SELECT pg_temp.ask() AS r \gset
SELECT pg_temp.appoint(:r, 'ANNE', '2030-04-03 14:00Z') AS a \gset
SELECT queue_appointments('invitation', ARRAY[:a]::bigint[]);
UPDATE message SET ever_claimed = true WHERE appointment_id = :a;
UPDATE appointment SET sequence = 1 WHERE appointment_id = :a;
SELECT queue_appointments('update', ARRAY[:a]::bigint[]);
SELECT is(pg_temp.states(:a), 'invitation 0 overtaken, update 1 queued', 'what waits again after a failed try is overtaken too');
SELECT end_appointments(ARRAY[:a]::bigint[], 'cancelled') \g /dev/null
SELECT is(pg_temp.states(:a), 'invitation 0 overtaken, update 1 overtaken, cancel 2 queued', 'but its CANCEL goes out');

-- ---- pages, notices, requesters --------------------------------------------------------------
SELECT pg_temp.ask(urgency => 'immediate', requester => 'officer@example.org') AS r \gset
SELECT pg_temp.appoint(:r, 'ANNE', '2030-05-01 14:00Z') AS a \gset
SELECT queue_pages(ARRAY[:a]::bigint[], '2030-05-01 14:00Z');
SELECT is((SELECT recipient || ' ' || urgent FROM message WHERE appointment_id = :a AND kind = 'page'), 'pager.anne@example.org true', 'a page goes to the pager, before others');
SELECT is((SELECT regexp_replace(body, 'Case \S+:', 'Case X:') FROM message WHERE appointment_id = :a AND kind = 'page'),
	E'Case X: now, NYC MAIN. Answer by Wed 1 May 2030 10:10 EDT (UTC-04:00). Call +1 212 555 0100.\n', 'and is short');
SELECT tell_requesters(ARRAY[:r]::bigint[], 'planned');
SELECT ok((SELECT recipient = 'officer@example.org' AND method IS NULL AND body !~ 'ANNE|immediate|counsel' FROM message WHERE kind = 'requester'),
	'who opened the case reads neither name nor service');
SELECT is(tell_supervisors(pg_temp.office('NYC'), 'test', 'Text', every_rank => false), 1, 'the first rank is told first');
SELECT is(tell_supervisors(pg_temp.office('NYC'), 'test', 'Text'), 2, 'then every rank');
SELECT is(tell_supervisors(pg_temp.office('NYC'), 'test', 'Text', hurry => true), 3, 'and their pagers, when it hurries');

-- ---- neutral by force ------------------------------------------------------------------------
SELECT is(searched_form(E'  O\'Brien,\n\tMary-Ann '), ' o brien mary ann ', 'the form that is searched');
SELECT is(searched_form(U&'\FF2A\FF41\FF4E\FF45 STRA\00DFE'), searched_form('jane strasse'), 'wide letters and sharp s are resolved');
SELECT is(searched_form(U&'Jos\0065\0301'), searched_form(U&'JOS\00C9'), 'so are accents, composed or not');
SELECT is(searched_form(U&'Sm\00ADi\200Bth'), ' smith ', 'what cannot be seen is taken out');
SELECT is(searched_form(U&'S\FE0Fm\3164i\+0E0041t\FFA0h\FE01'), ' smith ', 'selectors, fillers and tags too');
SELECT is(searched_form(U&'Garc\00EDa Nu\00F1ez'), searched_form('Garcia Nunez'), 'a name that is typed without its accents is the same name');
INSERT INTO protected_word (word) VALUES ('Smith'), ('Jane Doe'), (U&'Ma\00F1ana');
CREATE TEMPORARY TABLE texts (said text, found boolean);
INSERT INTO texts VALUES ('See smith at ten', true), ('Blacksmith', false), ('Smithson', false), ('Smith''s', true), ('SMITH', true),
	(E'Smi\n th', true), (E'Smi\r\n\tth', true), (E'Jane\nDoe', true), (E'Jane\n Doe', true), ('Jane   Doe', true), ('Jane-Doe', true), ('Jane X Doe', false),
	('Jane', false), (U&'\FF33mith', true), (U&'Sm\200Bith', true), (U&'man\0303ana', true), (U&'MA\00D1ANA', true), ('manana', true),
	('HSI-2026/0042', true), ('hsi 2026 0042', true), ('HSI-2026/00421', false), ('', false);
SELECT is((SELECT string_agg(said, ' | ') FROM texts WHERE names_protected(said, 'HSI-2026/0042') <> found), NULL, 'words are found, and only they');
INSERT INTO protected_word (word) SELECT 'filler' || n FROM generate_series(1, 150) n;
SELECT is((SELECT string_agg(said, ' | ') FROM texts WHERE names_protected(said, 'HSI-2026/0042') <> found), NULL, 'among many others too');
SELECT throws_ok($$INSERT INTO protected_word (word) VALUES ('---')$$, '23514', NULL, 'a word without letters cannot be looked for');
-- Any field: each in turn.
CREATE FUNCTION pg_temp.with_field(field text, said text, reference text DEFAULT NULL) RETURNS vac_store.message LANGUAGE plpgsql AS $$
	DECLARE
		fields jsonb := '{"subject": "S", "body": "B", "summary": "S", "location": "L", "description": "D", "recipient_name": "Coordinator A"}';
		m vac_store.message;
	BEGIN
		fields := fields || jsonb_build_object(field, said);
		INSERT INTO vac_store.message (kind, office_id, case_id, method, uid, sequence, recipient, made_at, span, bounce_handle, not_before,
				subject, body, summary, location, description, recipient_name)
			SELECT 'invitation', r.office_id, r.case_id, 'REQUEST', gen_random_uuid(), 0, 'a@example.org', now(), '[2030-01-01, 2030-01-02)',
					vac_store.handle(), now(), f.subject, f.body, f.summary, f.location, f.description, f.recipient_name
				FROM vac_store.request r, jsonb_to_record(fields) AS f (subject text, body text, summary text, location text, description text, recipient_name text)
				WHERE r.request_id = pg_temp.last_request(with_field.reference)
			RETURNING * INTO m;
		RETURN m;
	END
$$;
CREATE FUNCTION pg_temp.last_request(reference text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
	BEGIN
		RETURN (SELECT max(r.request_id) FROM vac_store.request r JOIN vac_store.case_record c USING (case_id) WHERE c.agency_reference IS NOT DISTINCT FROM reference);
	END
$$;
SELECT pg_temp.ask(reference => 'HSI-2026/0042') \g /dev/null
SELECT is((pg_temp.with_field(f, 'About Jane Doe')).neutral, true, 'a protected word in ' || f)
	FROM unnest(ARRAY['subject', 'body', 'summary', 'location', 'description', 'recipient_name']) f;
SELECT is((pg_temp.with_field(f, 'ref hsi-2026/0042.', 'HSI-2026/0042')).neutral, true, 'the agency reference in ' || f)
	FROM unnest(ARRAY['subject', 'description']) f;
SELECT is((pg_temp.with_field('body', 'ref hsi-2026/0042.')).neutral, false, 'another case''s reference is not looked for');
SELECT ok((SELECT concat(m.subject, m.body, m.summary, m.location, m.description, m.recipient_name) !~* 'jane|doe|S\n' AND m.state = 'queued' AND m.location IS NULL
	FROM pg_temp.with_field('summary', 'Jane Doe') m), 'the fixed text stands in its place, and it goes out');
SELECT is((SELECT count(*) FROM history WHERE event = 'message_neutralised'), 9::bigint, 'each is in history');
SELECT ok((SELECT count(*) > 0 FROM message WHERE kind = 'notice' AND subject LIKE '%made neutral%'), 'and the supervisors are told');
-- Words that come later, and domains.
SELECT (pg_temp.with_field('body', 'The word is Rumpelstilz')).message_id AS late \gset
INSERT INTO protected_word (word) VALUES ('Rumpelstilz');
SELECT ok((SELECT bool_and(m.checked < n.version) FROM message m, neutral_rules n WHERE m.message_id = :late), 'what waits must be checked again');
INSERT INTO allowed_domain (domain) VALUES ('agency.example');
SELECT is((pg_temp.with_field('body', 'plain')).state, 'suppressed', 'a domain that is not allowed gets nothing');
INSERT INTO allowed_domain (domain) VALUES ('example.org');
SELECT is((pg_temp.with_field('body', 'plain')).state, 'queued', 'one that is allowed does');
-- Each of the three rules by itself, and none.
DELETE FROM protected_word;
DELETE FROM allowed_domain;
SELECT is((pg_temp.with_field('body', 'ref HSI-2026/0042', 'HSI-2026/0042')).neutral, true, 'a reference alone is looked for');
SELECT is((pg_temp.with_field('body', 'Smith')).neutral, false, 'without rules nothing is');
SELECT is((pg_temp.with_field('body', 'Smith')).checked, (SELECT version FROM neutral_rules), 'which is noted, too');
INSERT INTO protected_word (word) VALUES ('Smith');
SELECT is((pg_temp.with_field('body', 'Smith')).neutral, true, 'words alone are');
DELETE FROM protected_word;
INSERT INTO allowed_domain (domain) VALUES ('agency.example');
SELECT is((pg_temp.with_field('body', 'plain')).state, 'suppressed', 'so is the domain alone');

SELECT * FROM finish();
ROLLBACK;
