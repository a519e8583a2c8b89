-- Clocks: when they begin and end, whom they warn, what runs out; meetings that are over; what is kept no longer.
BEGIN;
\ir deadline.psql
SELECT plan(58);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN']) w \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'BEN']) w \g /dev/null
CREATE FUNCTION pg_temp.open(urgency text DEFAULT 'routine', of_case bigint DEFAULT NULL) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		id bigint := of_case;
	BEGIN
		IF id IS NULL THEN
			INSERT INTO vac_store.case_record (case_code, office_id, language, opened_at)
				VALUES (vac_store.new_case_code(), pg_temp.office('NYC'), 'en', vac_store.wall()) RETURNING case_id INTO id;
		END IF;
		INSERT INTO vac_store.request (case_id, office_id, service, urgency, mode, language, minutes, open_window, due_at, opened_at, plan_at)
			VALUES (id, pg_temp.office('NYC'), 'counseling', open.urgency, 'telephone', 'en', 60, tstzrange(vac_store.wall(), NULL), vac_store.wall(), vac_store.wall(), 'infinity');
		RETURN id;
	END
$$;
CREATE FUNCTION pg_temp.clocks(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', k.kind, pg_temp.local(k.due_at), CASE WHEN k.done_at IS NOT NULL THEN 'done' WHEN k.stopped_at IS NOT NULL THEN 'stopped' END), ', ' ORDER BY k.clock_id)
		FROM vac_store.clock k WHERE k.case_id = id
$$;
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(m.recipient || ': ' || m.subject, ', ' ORDER BY m.made_at, m.recipient) FROM vac_store.message m WHERE m.kind = 'notice'
$$;
CREATE FUNCTION pg_temp.code(id bigint) RETURNS text LANGUAGE sql AS $$ SELECT case_code FROM vac_store.case_record WHERE case_id = id $$;

-- ---- first contact ---------------------------------------------------------------------------
SELECT pg_temp.clock('2027-03-05 10:00 EST') \g /dev/null
SELECT pg_temp.open() AS r, pg_temp.open('urgent') AS u, pg_temp.open('immediate') AS i \gset
SELECT is(pg_temp.clocks(:r), 'first_contact Wed 10 10:00', 'routine: three office days');
SELECT is(pg_temp.clocks(:u), 'first_contact Sat 06 10:00', 'urgent: 24 hours');
SELECT is(pg_temp.clocks(:i), 'first_contact Fri 05 11:00', 'immediate: an hour');
SELECT pg_temp.clock('2027-03-05 10:30 EST') \g /dev/null
SELECT is(pg_temp.pass(), 30.0, 'the next is its end');
SELECT is(pg_temp.told(), 'supervisor.a@example.org: NYC: a clock runs out soon', 'nobody is responsible: the supervisors are warned');
SELECT pg_temp.clock('2027-03-05 11:00 EST') \g /dev/null
DELETE FROM message;
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.told(), 'pager.a@example.org: NYC: a clock has run out, supervisor.a@example.org: NYC: a clock has run out, supervisor.b@example.org: NYC: a clock has run out',
	'it runs out: all of them, and pagers');
SELECT is((SELECT string_agg(event || ' ' || reason, ', ' ORDER BY history_id) FROM history WHERE case_id = :i), 'clock_warned first_contact, clock_ran_out first_contact', 'history');
SELECT pg_temp.clock('2027-03-05 18:00 EST') \g /dev/null
DELETE FROM message;
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.told(), NULL, 'not again so soon');
UPDATE case_record SET first_contact_at = wall() WHERE case_id = :i;
SELECT is(pg_temp.clocks(:i), 'first_contact Fri 05 11:00 done', 'a first contact ends it');
SELECT pg_temp.open('immediate', :i) \g /dev/null
SELECT is(pg_temp.clocks(:i), 'first_contact Fri 05 11:00 done', 'there is no second first contact');

-- ---- urgency, responsible --------------------------------------------------------------------
UPDATE request SET urgency = 'urgent' WHERE case_id = :r;
SELECT is(pg_temp.clocks(:r), 'first_contact Sat 06 18:00', 'what hurries more begins anew');
UPDATE request SET urgency = 'routine' WHERE case_id = :r;
SELECT is(pg_temp.clocks(:r), 'first_contact Wed 10 18:00', 'what hurries less counts from there');
SELECT pg_temp.open('urgent', :r) \g /dev/null
SELECT is(pg_temp.clocks(:r), 'first_contact Sat 06 18:00', 'another request that hurries more');
SELECT pg_temp.clock('2027-03-05 22:00 EST') \g /dev/null
UPDATE case_record SET responsible_id = pg_temp.coordinator('ANNE') WHERE case_id = :u;
SELECT is(pg_temp.clocks(:u), 'first_contact Sat 06 10:00, inform_of_responsible Mon 08 22:00', 'who is responsible is to be told');
SELECT pg_temp.pass() \g /dev/null
SELECT is(pg_temp.told(), format('anne@example.org: Case %s: first contact', pg_temp.code(:u)), 'the responsible coordinator is warned first');
SELECT is((SELECT count(*) FROM message m JOIN case_record c ON strpos(m.body, c.case_code) > 0 WHERE c.case_id = :u AND m.case_id = :u), 1::bigint, 'by the code of the case');
SELECT pg_temp.clock('2027-03-06 06:00 EST') \g /dev/null
DELETE FROM message;
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(recipient, ', ' ORDER BY message_id) FROM message WHERE strpos(body, pg_temp.code(:u)) > 0), 'anne@example.org, supervisor.a@example.org', 'then the supervisors, too');
UPDATE case_record SET responsible_id = pg_temp.coordinator('BEN') WHERE case_id = :u;
SELECT is((SELECT count(*) FILTER (WHERE running) || ' ' || count(*) FROM clock WHERE case_id = :u AND kind = 'inform_of_responsible'), '1 2', 'another is responsible: told anew');
UPDATE case_record SET responsible_id = pg_temp.coordinator('BEN') WHERE case_id = :u;
SELECT is((SELECT count(*) FROM clock WHERE case_id = :u AND kind = 'inform_of_responsible'), 2::bigint, 'the same again is no change');

-- ---- on hold, ended --------------------------------------------------------------------------
UPDATE case_record SET held_since = wall() WHERE case_id = :u;
SELECT pg_temp.clock('2027-03-06 10:00 EST') \g /dev/null
DELETE FROM message;
SELECT pg_temp.pass() \g /dev/null
SELECT matches((SELECT max(body) FROM message WHERE kind = 'notice'), 'RAN OUT .*on hold', 'clocks run on while a case is on hold');
SELECT is((SELECT count(*) FROM message WHERE recipient = 'ben@example.org'), 0::bigint, 'and nothing about it goes to coordinators');
SELECT pg_temp.clock('2027-03-07 10:00 EST') \g /dev/null
DELETE FROM message;
SELECT pg_temp.pass() \g /dev/null
SELECT matches(pg_temp.told(), 'a clock has run out', 'told again every day');

-- ---- verbs -----------------------------------------------------------------------------------
UPDATE case_record SET held_since = NULL WHERE case_id = :u;
SELECT throws_like(format($$SELECT vac.start_clock(%L, 'first_contact')$$, pg_temp.code(:u)), '%starts by itself%', 'first contact starts by itself');
SELECT throws_like(format($$SELECT vac.start_clock(%L, 'nonsense')$$, pg_temp.code(:u)), '%''nonsense'' is none%', 'no such clock');
SELECT throws_like(format($$SELECT vac.start_clock(%L, 'hhs_notice', '2027-03-08')$$, pg_temp.code(:u)), '%is to come%', 'a beginning to come');
SELECT matches(vac.start_clock(pg_temp.code(:u), 'hhs_notice', '2027-03-07 08:00 EST'), '^Case .*: notify HHS of a minor by Mon 8 Mar 2027 08:00 EST .*22 USC 7105', 'HHS within 24 hours') ;
SELECT matches(vac.start_clock(pg_temp.code(:u)), 'running already, due Mon 8 Mar', 'once is enough');
SELECT is((SELECT string_agg(pg_temp.local(w), ', ') FROM clock k, clock_times(k.kind, NULL, k.office_id, k.started_at) t, unnest(t.warns) w WHERE k.case_id = :u AND k.kind = 'hhs_notice'),
	'Sun 07 20:00, Mon 08 04:00', 'it warns after 12 and 20 hours');
SELECT throws_like(format($$SELECT vac.tick_clock(%L, 'hhs_notice', '2027-03-07 11:00 EST')$$, pg_temp.code(:u)), '%is to come%', 'done, but in the future');
UPDATE case_record SET state = 'withdrawn', ended_at = wall() WHERE case_id = :u;
SELECT is((SELECT string_agg(kind, ', ') FROM clock WHERE case_id = :u AND running), 'hhs_notice', 'a case that ends ends its clocks, but not what the law asks for');
SELECT matches(vac.tick_clock(pg_temp.code(:u), 'HHS notice'), ': notify HHS of a minor is done, in time', 'ticked off');
SELECT throws_like(format($$SELECT vac.tick_clock(%L, 'hhs_notice')$$, pg_temp.code(:u)), '%no hhs_notice that runs%', 'once');
SELECT is((SELECT done_by FROM clock WHERE case_id = :u AND kind = 'hhs_notice'), session_user::text, 'with who said so');
SELECT matches(vac.tick_clock(pg_temp.code(:r), 'first_contact', '2027-03-06 17:00 EST'), 'first contact is done, in time', 'a first contact by verb');
SELECT is((SELECT first_contact_at FROM case_record WHERE case_id = :r), '2027-03-06 17:00 EST'::timestamptz, 'the case keeps it');
SELECT is((SELECT string_agg(event || ' ' || reason, ', ' ORDER BY history_id) FROM history WHERE event IN ('clock_started', 'clock_ticked')),
	'clock_started hhs_notice, clock_ticked hhs_notice, clock_ticked first_contact', 'history');
SELECT pg_temp.open('urgent') AS v \gset
SET LOCAL vac.now = '2027-03-08 09:00 EST';
SELECT is((SELECT concat_ws(', ', case_code, office, clock, due, by, responsible) FROM vac.clocks),
	concat_ws(', ', pg_temp.code(:v), 'NYC', 'first_contact', 'in 1 h 00', 'Mon 08 Mar 10:00 EST', 'nobody yet'), 'vac.clocks');
RESET vac.now;

-- ---- after the meeting -----------------------------------------------------------------------
DELETE FROM clock;
DELETE FROM message;
SELECT pg_temp.clock('2027-03-08 09:00 EST') \g /dev/null
SELECT pg_temp.invite('ANNE', '2027-03-08 10:00 EST', 'urgent') AS a, pg_temp.invite('BEN', '2027-03-08 10:00 EST', 'urgent') AS b \gset
SELECT pg_temp.post() \g /dev/null
UPDATE appointment SET state = 'accepted' WHERE appointment_id IN (:a, :b);
SELECT pg_temp.clock('2027-03-08 11:14 EST') \g /dev/null
SELECT is(pg_temp.pass(), 1.0, 'it is over');
SELECT is((SELECT count(*) FROM message WHERE kind = 'ask'), 0::bigint, 'not at once');
SELECT pg_temp.clock('2027-03-08 11:15 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(concat_ws(' ', recipient, method IS NULL, uid IS NOT NULL, words, answer_handle IS NOT NULL, subject LIKE 'Case %: what became of the meeting?'), ', ' ORDER BY message_id)
	FROM message WHERE kind = 'ask'), 'anne@example.org t t held missed t t, ben@example.org t t held missed t t', 'its holder is asked, to answer with a word');
SELECT is(pg_temp.post(), 2::bigint, 'it goes out');
SELECT is(pg_temp.mail(:a), 'invitation sent, ask sent', 'and overtakes nothing');
UPDATE appointment SET state = 'held', outcome = 'held', outcome_at = wall() WHERE appointment_id = :b;
SET LOCAL vac.now = '2027-03-08 12:00 EST';
SELECT is((SELECT concat_ws(', ', coordinator, telephone, answer, asked, over_for) FROM vac.awaiting_outcome), 'Coordinator ANNE, +1 212 555 0101, accepted, 1, 1 h 00', 'vac.awaiting_outcome lists what is missing');
RESET vac.now;
SELECT pg_temp.clock('2027-03-09 11:15 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT asks::integer FROM appointment WHERE appointment_id = :a), 2, 'asked again the next day');
SELECT is(pg_temp.mail(:b), 'invitation sent, ask sent', 'but not who has answered');
SELECT pg_temp.clock('2027-03-10 11:15 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT asks::integer FROM appointment WHERE appointment_id = :a), 2, 'no more often than the policy says');
SELECT is((SELECT string_agg(DISTINCT subject, ', ') FROM message WHERE kind = 'notice'), 'NYC: no word of meetings that are over', 'then the supervisors are told');
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), 2::bigint, 'once each');
SELECT pg_temp.clock('2027-03-11 11:15 EST') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM message WHERE kind = 'notice'), 4::bigint, 'and again, while it is missing');
-- The request stays until an outcome is recorded.
SELECT is((SELECT state FROM request WHERE request_id = pg_temp.request(:a)), 'planned', 'the request waits for an outcome');

-- ---- what is kept no longer ------------------------------------------------------------------
INSERT INTO inbound (received_at, envelope_sender, envelope_recipient, delivery, raw, size, not_before, state, outcome, handled_at)
	SELECT '2027-03-11 12:00 EST', 'a@example.org', 'b@example.org', gen_random_uuid(), 'x', 1, wall(), s.state, CASE WHEN s.state <> 'waiting' THEN 'taken' END,
			CASE WHEN s.state <> 'waiting' THEN wall() END
		FROM unnest(ARRAY['done', 'listed', 'waiting']) s (state), generate_series(1, 60);
SELECT pg_temp.clock('2027-03-18 12:59 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT count(*) FROM inbound WHERE raw IS NULL), 0::bigint, 'kept for seven days');
SELECT pg_temp.clock('2027-03-18 13:00 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n FROM inbound WHERE raw IS NULL GROUP BY state) s), 'done 60, listed 60', 'no longer, but for what nobody has read');
SELECT is((SELECT count(*) FROM message WHERE cleared_at IS NOT NULL), 0::bigint, 'sent mail is kept for longer');
SELECT pg_temp.clock('2027-09-06 12:00 EDT') \g /dev/null
UPDATE appointment SET ask_at = NULL;
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', subject, body, summary IS NULL, reply IS NULL), ', ') FROM message WHERE made_at < '2027-03-10' AND NOT waiting), '(deleted) (deleted) t t', 'then its texts are deleted');
SELECT is((SELECT count(*) FROM message WHERE cleared_at IS NOT NULL AND waiting), 0::bigint, 'but not of what still waits');

-- ---- who has left ----------------------------------------------------------------------------
DELETE FROM clock;
SELECT pg_temp.clock('2027-09-07 09:00 EDT') \g /dev/null
SELECT pg_temp.invite('BEN', '2027-09-07 10:00 EDT', 'urgent') AS l \gset
SELECT pg_temp.open('urgent') AS left \gset
DELETE FROM message;
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :l;
UPDATE case_record SET responsible_id = pg_temp.coordinator('BEN') WHERE case_id = :left;
UPDATE coordinator SET retired_at = wall() WHERE code = 'BEN';
DELETE FROM clock WHERE kind <> 'first_contact';
SELECT pg_temp.clock('2027-09-07 21:00 EDT') \g /dev/null
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT string_agg(DISTINCT recipient::text, ' ') FROM message WHERE kind IN ('notice', 'ask') AND recipient LIKE 'ben%'), NULL, 'nobody who has left is warned or asked');
SELECT matches((SELECT body FROM message WHERE subject LIKE '%a clock runs out soon'), pg_temp.code(:left) || ', first contact: due [^;]*; responsible: Coordinator BEN, who has left', 'the supervisors are warned at once');
SELECT is((SELECT count(*) FROM message WHERE subject LIKE '%no word of meetings that are over'), 2::bigint, 'and told that nobody knows of the meeting');
SELECT * FROM finish();
ROLLBACK;
