-- A call-out that nobody hears of, because its invitation cannot be mailed or is not sent: the next in line is called beside it.
BEGIN;
\ir deadline.psql
SELECT plan(43);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA']) w \g /dev/null
UPDATE coordinator SET pager = 'dora@pager.example.org' WHERE code = 'DORA';
UPDATE coordinator SET mail = 'ben@elsewhere.example' WHERE code = 'BEN';
UPDATE coordinator SET mail = 'dora@elsewhere.example' WHERE code = 'DORA';
SELECT vac.allow_domain(d) FROM unnest(ARRAY['example.org', 'pager.example.org']) d \g /dev/null
SELECT pg_temp.pattern(w, 'on_call', ARRAY[1, 2, 3, 4, 5, 6, 7], '17:00', '08:00') FROM unnest(ARRAY['ANNE', 'BEN', 'CLEO', 'DORA']) w \g /dev/null
CREATE FUNCTION pg_temp.call_out() RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		r bigint := pg_temp.ask(urgency => 'immediate', service => 'crisis_intervention');
	BEGIN
		DELETE FROM vac_store.clock;
		UPDATE vac_store.appointment SET state = 'cancelled' WHERE live;
		UPDATE vac_store.request SET open_window = tstzrange(vac_store.wall() - interval '1 minute', NULL), due_at = vac_store.wall() + interval '1 hour' WHERE request_id = r;
		RETURN r;
	END
$$;
CREATE FUNCTION pg_temp.calls(r bigint, who text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.store(pg_temp.choose(r, who, vac_store.wall(), buffer => 0)) $$;
CREATE FUNCTION pg_temp.sought(r bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT to_plan FROM vac_store.request WHERE request_id = r $$;
CREATE FUNCTION pg_temp.at(local_time text) RETURNS numeric LANGUAGE sql AS $$
	SELECT pg_temp.clock(('2027-03-20 ' || local_time || ' EDT')::timestamptz); SELECT pg_temp.pass()
$$;

-- ---- not sent in time ------------------------------------------------------------------------
SELECT pg_temp.at('03:00') \g /dev/null
SELECT pg_temp.call_out() AS r \gset
SELECT is(pg_temp.calls(:r, 'ANNE'), 'stored', 'ANNE is called out');
SELECT pg_temp.at('03:04') \g /dev/null
SELECT is(pg_temp.sought(:r), false, 'her invitation may still go out by policy send_by');
SELECT pg_temp.at('03:05') \g /dev/null
SELECT is(pg_temp.sought(:r), true, 'it has not: the next in line');
SELECT is((SELECT concat_ws(' ', event, reason) FROM history WHERE request_id = :r ORDER BY history_id DESC LIMIT 1), 'call_out_unheard', 'history says why');
SELECT is((SELECT replace(what, E'\n', ' ') FROM vac.history WHERE what LIKE 'call-out%'), 'call-out not mailed: the next one is called', 'in words');
SELECT is(pg_temp.at('03:05:30') > 0, true, 'once');
SELECT is(pg_temp.calls(:r, 'CLEO'), 'stored', 'CLEO');
SELECT is((SELECT count(*) FROM appointment WHERE request_id = :r AND live), 2::bigint, 'beside her, not instead');
SELECT is(pg_temp.sought(:r), false, 'her invitation is on its way');
SELECT pg_temp.post() \g /dev/null
SELECT pg_temp.at('03:06') \g /dev/null
SELECT is((SELECT count(answer_by) FROM appointment WHERE request_id = :r AND live), 2::bigint, 'now both were sent, and have time to answer');
SELECT pg_temp.at('03:14') \g /dev/null
SELECT is(pg_temp.sought(:r), false, 'which they have');
SELECT pg_temp.at('03:16') \g /dev/null
SELECT is(pg_temp.sought(:r), true, 'until it is over');

-- ---- the window of one ends, another's invitation is not out ---------------------------------
SELECT pg_temp.at('04:00') \g /dev/null
SELECT pg_temp.call_out() AS r \gset
SELECT pg_temp.calls(:r, 'ANNE'), pg_temp.post() \g /dev/null
SELECT pg_temp.at('04:10') \g /dev/null
SELECT is(pg_temp.sought(:r), true, 'ANNE does not answer');
SELECT is(pg_temp.calls(:r, 'BEN'), 'stored', 'BEN, whose address mail must not go to');
SELECT is((SELECT m.state FROM message m JOIN appointment a USING (appointment_id) WHERE a.request_id = :r AND a.coordinator_id = pg_temp.coordinator('BEN')), 'suppressed', 'hears nothing');
SELECT pg_temp.at('04:10:01') \g /dev/null
SELECT is(pg_temp.sought(:r), true, 'so the next in line at once');
SELECT is(pg_temp.calls(:r, 'CLEO'), 'stored', 'CLEO');
SELECT pg_temp.post(), pg_temp.at('04:11') \g /dev/null
SELECT is(pg_temp.sought(:r), false, 'who is asked');
UPDATE appointment SET state = 'declined' WHERE request_id = :r AND coordinator_id = pg_temp.coordinator('CLEO');
SELECT is(pg_temp.sought(:r), true, 'when she declines, nobody is: not BEN either');

-- ---- a pager ---------------------------------------------------------------------------------
SELECT pg_temp.at('05:00') \g /dev/null
SELECT pg_temp.call_out() AS r \gset
SELECT is(pg_temp.calls(:r, 'DORA'), 'stored', 'DORA, whom only her pager reaches');
SELECT pg_temp.post() \g /dev/null
SELECT is((SELECT string_agg(m.kind || ' ' || m.state, ', ' ORDER BY m.kind) FROM message m JOIN appointment a USING (appointment_id) WHERE a.request_id = :r),
	'invitation suppressed, page sent', 'is paged');
SELECT pg_temp.at('05:04') \g /dev/null
SELECT is(pg_temp.sought(:r), false, 'and has a while');
SELECT pg_temp.at('05:05') \g /dev/null
SELECT is(pg_temp.sought(:r), true, 'before the next in line is called');

-- ---- when nobody need be called --------------------------------------------------------------
SELECT pg_temp.at('06:00') \g /dev/null
SELECT pg_temp.call_out() AS r \gset
SELECT pg_temp.calls(:r, 'BEN') \g /dev/null
UPDATE appointment SET state = 'accepted' WHERE request_id = :r;
SELECT pg_temp.at('06:10') \g /dev/null
SELECT is(pg_temp.sought(:r), false, 'BEN was told by telephone, and comes');
SELECT pg_temp.call_out() AS r \gset
SELECT pg_temp.calls(:r, 'BEN') \g /dev/null
SELECT vac.hold_case(c.case_code, 'safety') FROM request r JOIN case_record c USING (case_id) WHERE request_id = :r \g /dev/null
SELECT pg_temp.at('06:20') \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE request_id = :r AND event = 'call_out_unheard'), 0::bigint, 'a case on hold calls nobody');
SELECT pg_temp.call_out() AS r \gset
SELECT pg_temp.calls(:r, 'BEN') \g /dev/null
DELETE FROM presence;
SELECT set_config('test.now', '2027-03-20 06:30 EDT', true), pg_temp.pass() \g /dev/null
SELECT is(pg_temp.sought(:r), false, 'while no daemon that sends mail is at work none is called');
SELECT pg_temp.invite('BEN', '2027-03-24 10:00 EDT') AS a \gset
SELECT pg_temp.at('10:00') \g /dev/null
SELECT is(pg_temp.sought(pg_temp.request(:a)), false, 'what is no call-out waits for the mail server');
SELECT is((SELECT count(*) FROM unheard_calls('2027-03-20 10:00 EDT')), 0::bigint, 'and a call-out that is over for nothing');

-- ---- nobody at all can be mailed -------------------------------------------------------------
-- One after the other is called at once, the supervisors are told once, and it comes to an end.
SELECT vac.allow_domain('allowed.example'), vac.forbid_domain('example.org'), vac.forbid_domain('pager.example.org') \g /dev/null
UPDATE request SET state = 'withdrawn' WHERE state IN ('open', 'planned');
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.at('20:00') \g /dev/null
DELETE FROM message;
SELECT pg_temp.call_out() AS r \gset
CREATE FUNCTION pg_temp.cascade(r bigint) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		who text;
		said text := '';
	BEGIN
		FOREACH who IN ARRAY ARRAY['ANNE', 'BEN', 'CLEO', 'DORA'] LOOP
			said := concat_ws(' ', said, who, pg_temp.calls(r, who));
			PERFORM pg_temp.pass();
			said := concat_ws(' ', said, CASE WHEN pg_temp.sought(r) THEN 'next,' ELSE 'waits,' END);
		END LOOP;
		RETURN btrim(said);
	END
$$;
CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(t.subject || ' ' || t.n, ', ' ORDER BY t.subject) FROM (SELECT m.subject, count(DISTINCT m.made_at || m.body) AS n FROM vac_store.message m WHERE m.kind = 'notice' GROUP BY m.subject) t
$$;
SELECT is(pg_temp.cascade(:r), 'ANNE stored next, BEN stored next, CLEO stored next, DORA stored next,', 'each is passed over in the same moment');
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 1, NYC: called out 1', 'the supervisors are told once of that');
SELECT is(pg_temp.store(pg_temp.nobody(:r, '{}')), 'unserved', 'nobody is left');
SELECT matches(pg_temp.told(), 'called out 1, NYC: nobody found 1$', 'which they are told');
SELECT ok((SELECT bool_and(body ~ 'ANNE, .*BEN, .*CLEO, .*DORA, .* was asked and has not answered') FROM message WHERE subject = 'NYC: nobody found'), 'with all who may be telephoned');
SELECT pg_temp.pass() \g /dev/null
SELECT is((SELECT min(d.due) - wall() FROM deadlines(10, wall(), wall()) d WHERE d.what <> 'unsent'), interval '15 minutes', 'and it comes to rest');
SELECT pg_temp.at('20:14') \g /dev/null
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 1, NYC: called out 1, NYC: nobody found 1', 'for a quarter of an hour, in which nothing more is said');
SELECT pg_temp.at('20:15'), pg_temp.store(pg_temp.nobody(:r, '{}')), pg_temp.at('20:16') \g /dev/null
SELECT is((SELECT count(*) FROM history WHERE request_id = :r AND event IN ('call_out_unheard', 'nobody_else')), 5::bigint, 'one entry for each, and one for the end');
SELECT is((SELECT count(DISTINCT made_at) FROM message WHERE kind = 'notice'), 2::bigint, 'after it they are told again, once');
-- Where the first was heard and the second cannot be, that is told.
SELECT vac.allow_domain('example.org') \g /dev/null
UPDATE coordinator SET mail = 'ben@elsewhere.example' WHERE code = 'BEN';
UPDATE appointment SET state = 'cancelled' WHERE live;
SELECT pg_temp.at('21:00') \g /dev/null
DELETE FROM message;
SELECT pg_temp.call_out() AS r \gset
SELECT pg_temp.calls(:r, 'ANNE'), pg_temp.post(), pg_temp.at('21:10'), pg_temp.calls(:r, 'BEN') \g /dev/null
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 1, NYC: called out 2', 'both are told of');
-- One every few minutes: who was not told of does not silence the next.
SELECT vac.forbid_domain('example.org') \g /dev/null
CREATE FUNCTION pg_temp.told_again() RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.local(tell_at) FROM vac_store.request WHERE request_id = (SELECT max(request_id) FROM vac_store.request)
$$;
SELECT pg_temp.at('22:00') \g /dev/null
DELETE FROM message;
SELECT pg_temp.call_out() AS r \gset
SELECT pg_temp.calls(:r, 'ANNE') \g /dev/null
SELECT pg_temp.clock('2027-03-20 22:10 EDT'), seek(:r, wall()), pg_temp.calls(:r, 'BEN') \g /dev/null
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 1, NYC: called out 1', 'ten minutes after the first nothing is said of the second');
SELECT is(pg_temp.told_again(), 'Sat 20 22:15', 'of whom they hear when they would have');
SELECT pg_temp.clock('2027-03-20 22:16 EDT'), seek(:r, wall()), pg_temp.calls(:r, 'CLEO') \g /dev/null
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 2, NYC: called out 2', 'of the third they are told');
-- Neither does what another office, or whoever opened the case, was not sent.
SELECT pg_temp.clock('2027-03-20 22:17 EDT') \g /dev/null
INSERT INTO message (kind, office_id, case_id, recipient, recipient_name, made_at, subject, body, bounce_handle, not_before, urgent)
	SELECT 'requester', m.office_id, m.case_id, 'intake@example.org', 'Requester', wall(), 'x', 'x', handle(), wall(), true
		FROM message m WHERE m.kind = 'invitation' LIMIT 1;
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 3, NYC: called out 2', 'that whoever opened it hears nothing is said');
SELECT pg_temp.clock('2027-03-20 22:18 EDT') \g /dev/null
UPDATE message SET office_id = pg_temp.office('BOS') WHERE kind = 'invitation';
INSERT INTO message (kind, office_id, case_id, recipient, recipient_name, made_at, subject, body, bounce_handle, not_before, urgent)
	SELECT 'page', pg_temp.office('NYC'), m.case_id, 'anne@example.org', 'Coordinator ANNE', wall(), 'x', 'x', handle(), wall(), true
		FROM message m WHERE m.kind = 'invitation' LIMIT 1;
SELECT is(pg_temp.told(), 'NYC: Mail was held back or made neutral 4, NYC: called out 2', 'and that another office was told of one spares this one nothing');
SELECT * FROM finish();
ROLLBACK;
