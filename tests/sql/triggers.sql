-- Triggers on the way of a case that are spared where there is nothing for them to do: whoever else writes such a row,
-- with more or less in it than a plan stores, still gets what they guard.
BEGIN;
\ir deadline.psql
SELECT plan(27);
SELECT pg_temp.person(w, 'NYC') FROM unnest(ARRAY['ANNE', 'BEN']) w \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'BEN']) w \g /dev/null
-- What is said to the daemons, which otherwise nobody hears before COMMIT.
CREATE TABLE vac_store.said_aloud (channel text);
CREATE FUNCTION vac_store.pg_notify(channel text, payload text) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO vac_store.said_aloud VALUES (channel) $$;
CREATE FUNCTION pg_temp.said(wanted text) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		DELETE FROM vac_store.said_aloud s WHERE s.channel = wanted;
		RETURN FOUND;
	END
$$;

-- ---- the times of an appointment -------------------------------------------------------------
-- Monday, 1 March 2027, in New York. Inserted with these values beside the least that a row needs.
SELECT pg_temp.clock('2027-03-01 09:00 EST') \g /dev/null
CREATE TEMP SEQUENCE days;
CREATE FUNCTION pg_temp.put(given jsonb DEFAULT '{}') RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		starts timestamptz := timestamptz '2027-03-10 10:00 EST' + nextval('days') * interval '1 day';
		id bigint := pg_temp.ask();
		r request;
		a appointment;
	BEGIN
		SELECT * INTO r FROM request q WHERE q.request_id = id;
		a := jsonb_populate_record(NULL::appointment, '{"state": "invited", "asks": 0}' || given);
		INSERT INTO appointment AS n (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, counted_minutes,
				state, send_by, ask_at, asks, window_from, answer_by, remind_at, window_at)
			VALUES (r.request_id, r.case_id, r.office_id, pg_temp.coordinator('ANNE'), tstzrange(starts, starts + interval '1 hour'),
				tstzrange(starts, starts + interval '1 hour'), r.urgency, handle(), wall(), 60,
				a.state, a.send_by, a.ask_at, a.asks, a.window_from, a.answer_by, a.remind_at, a.window_at)
			RETURNING n.* INTO a;
		RETURN a.appointment_id;
	END
$$;
CREATE FUNCTION pg_temp.times(id bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s; %s; %s; %s', coalesce(pg_temp.local(a.send_by), '-'), coalesce((a.ask_at - upper(a.span))::text, '-'), a.asks,
			num_nonnulls(a.window_from, a.answer_by, a.remind_at, a.window_at))
		FROM vac_store.appointment a WHERE a.appointment_id = id
$$;
SELECT '{"send_by": "2027-03-01 10:10 EST", "ask_at": "2027-03-30 12:00 EDT"}' AS known \gset
SELECT is(pg_temp.times(pg_temp.put()), 'Mon 01 11:00; 00:15:00; 0; 0', 'who names none of its times gets them by the policies');
SELECT pg_temp.put(:'known') AS a \gset
SELECT is((SELECT pg_temp.local(send_by) || ', ' || pg_temp.local(ask_at) FROM appointment WHERE appointment_id = :a), 'Mon 01 10:10, Tue 30 12:00', 'what is named stays');
SELECT is(pg_temp.times(pg_temp.put('{"ask_at": "2027-03-30 12:00 EDT"}')) LIKE 'Mon 01 11:00; %', true, 'without send_by it is made');
SELECT is(pg_temp.times(pg_temp.put('{"send_by": "2027-03-01 10:10 EST"}')), 'Mon 01 10:10; 00:15:00; 0; 0', 'and without ask_at that is');
SELECT matches(pg_temp.times(pg_temp.put(:'known'::jsonb || jsonb_build_object(name, value))), '^Mon 01 10:10; [^;]+; 0; 0$', 'a new one has no ' || name)
	FROM (VALUES ('window_from', '2027-03-01 09:00 EST'), ('answer_by', '2027-03-02 09:00 EST'), ('remind_at', '2027-03-01 12:00 EST'),
		('window_at', '2027-03-01 12:00 EST'), ('asks', '2')) v (name, value);
SELECT matches(pg_temp.times(pg_temp.put(:'known'::jsonb || '{"state": "accepted"}')), '^-; [^;]+; 0; 0$', 'one that is accepted already is not to be sent in time');
-- Later changes.
UPDATE appointment SET sequence = sequence + 1, window_from = wall(), answer_by = wall(), remind_at = wall(), window_at = wall() WHERE appointment_id = :a;
SELECT matches(pg_temp.times(:a), '^Mon 01 11:00; [^;]+; 0; 0$', 'another state of it is to be sent, and has no window yet');
UPDATE appointment SET asks = 1 WHERE appointment_id = :a;
UPDATE appointment SET span = tstzrange(lower(span), upper(span) - interval '10 minutes') WHERE appointment_id = :a;
SELECT is(pg_temp.times(:a), 'Mon 01 11:00; 00:15:00; 0; 0', 'at another time it is asked after anew');
UPDATE appointment SET state = 'accepted' WHERE appointment_id = :a;
SELECT is(pg_temp.times(:a), '-; 00:15:00; 0; 0', 'accepted, it is not to be sent in time any more');

-- ---- call-outs -------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.told_of(r bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT concat_ws(' ', pg_temp.local(q.told_at), q.notices, pg_temp.local(q.tell_at)) FROM vac_store.request q WHERE q.request_id = r $$;
SELECT pg_temp.ask(urgency => 'immediate') AS c1, pg_temp.ask(urgency => 'immediate') AS c2, pg_temp.ask() AS c3 \gset
INSERT INTO appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle, made_at, counted_minutes)
	SELECT r.request_id, r.case_id, r.office_id, pg_temp.coordinator('BEN'), s.span, s.span, r.urgency, handle(), wall(), 60
		FROM unnest(ARRAY[:c1, :c2, :c3]::bigint[]) WITH ORDINALITY u (request_id, n) JOIN request r USING (request_id)
			CROSS JOIN LATERAL (SELECT tstzrange(wall() + n * interval '2 hours', wall() + n * interval '2 hours' + interval '1 hour') AS span) s;
SELECT is(pg_temp.told_of(:c1), 'Mon 01 09:00 100 Mon 01 09:15', 'of a call-out the supervisors hear again');
SELECT is(pg_temp.told_of(:c2), 'Mon 01 09:00 100 Mon 01 09:15', 'and of each that was called out with it');
SELECT is(pg_temp.told_of(:c3), '0', 'but not of what was planned beside them');

-- ---- dispatch is woken -----------------------------------------------------------------------
SELECT pg_temp.said('vac_dispatch') \g /dev/null
SELECT pg_temp.ask() AS r \gset
SELECT ok(pg_temp.said('vac_dispatch'), 'a new request wakes dispatch');
UPDATE request SET plan_at = wall() + interval '1 minute' WHERE request_id = :r;
SELECT ok(NOT pg_temp.said('vac_dispatch'), 'one that is due later does not');
UPDATE request SET plan_at = wall() WHERE request_id = :r;
SELECT ok(pg_temp.said('vac_dispatch'), 'one that is due now does');
UPDATE request SET plan_at = CASE request_id WHEN :r THEN wall() ELSE wall() + interval '1 hour' END WHERE request_id IN (:r, :c3);
SELECT ok(pg_temp.said('vac_dispatch'), 'one of several does');
UPDATE request SET state = 'planned' WHERE request_id = :r;
SELECT ok(NOT pg_temp.said('vac_dispatch'), 'one that is planned does not');
SELECT seek(:r, wall()) \g /dev/null
SELECT ok(pg_temp.said('vac_dispatch'), 'one that somebody else is sought for does');
UPDATE request SET state = 'open' WHERE request_id = :r;
SELECT ok(pg_temp.said('vac_dispatch'), 'nor must one that is open again wait for the slow poll');
UPDATE request SET plan_at = wall() WHERE false;
SELECT ok(NOT pg_temp.said('vac_dispatch'), 'no row, no word');

-- ---- that they are spared --------------------------------------------------------------------
SELECT is((SELECT count(*) FROM pg_trigger t WHERE t.tgname IN ('appointment_times', 'called_out', 'notify_dispatch_update') AND t.tgqual IS NOT NULL
	AND t.tgnewtable IS NULL), 3::bigint, 'what a plan stores is not looked at by a call a row, nor copied for one to look at');
CREATE OR REPLACE FUNCTION vac_store.appointment_times() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$;
SELECT lives_ok(format($$ SELECT pg_temp.put(%L) $$, :'known'), 'a row as a plan stores it calls nothing');
SELECT throws_ok($$ SELECT pg_temp.put() $$, 'P0001', 'called', 'any other does');
SELECT * FROM finish();
ROLLBACK;
