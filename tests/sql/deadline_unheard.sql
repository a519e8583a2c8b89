-- A call-out that nobody hears of, because its invitation cannot be mailed or is not sent: the next in line is called beside it.
BEGIN;
\ir deadline.psql
SELECT plan(28);
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
SELECT * FROM finish();
ROLLBACK;
