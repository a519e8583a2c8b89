-- A session that finds nothing to claim makes its plans ahead: nothing is changed by that, and nothing hangs on it.
BEGIN;
\ir core.psql
SELECT plan(16);
SELECT '11111111-1111-1111-1111-111111111111' AS d \gset
CREATE FUNCTION pg_temp.claims() RETURNS bigint LANGUAGE sql AS
	$$ SELECT count(*) FROM vac_daemon.claim_groups('11111111-1111-1111-1111-111111111111', 4, 60000, 100) $$;
CREATE FUNCTION pg_temp.ready() RETURNS boolean LANGUAGE sql AS $$ SELECT coalesce(current_setting('vac_daemon.ready', true), '') = 'yes' $$;
CREATE FUNCTION pg_temp.not_ready() RETURNS void LANGUAGE sql AS $$ SELECT set_config('vac_daemon.ready', '', false) $$;
CREATE FUNCTION pg_temp.all_there() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM appointment), (SELECT count(*) FROM message), (SELECT count(*) FROM decision), (SELECT count(*) FROM plan),
		(SELECT count(*) FROM history), (SELECT count(*) FROM unsealed), (SELECT string_agg(r::text, ' ' ORDER BY r.request_id) FROM request r),
		(SELECT string_agg(g::text, ' ' ORDER BY g.group_id) FROM dispatch_group g))
$$;
-- Its last step, which says that it has come so far.
CREATE TABLE vac_store.come_so_far (request_ids bigint[]);
GRANT ALL ON come_so_far TO PUBLIC;
CREATE OR REPLACE FUNCTION vac_store.tell_requesters(request_ids bigint[], what text, at timestamptz DEFAULT NULL, bare_case bigint DEFAULT NULL)
	RETURNS void LANGUAGE sql AS $$ INSERT INTO vac_store.come_so_far VALUES (request_ids) $$;

SELECT pg_temp.not_ready(), pg_temp.claims() \g /dev/null
SELECT is((SELECT count(*) FROM come_so_far), 0::bigint, 'without anybody there is no plan to make');
SELECT pg_temp.person('ANNE', 'NYC', gender => 'female') \g /dev/null
SELECT pg_temp.pattern('ANNE', 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') \g /dev/null
SELECT pg_temp.ask() AS r \gset
UPDATE request SET plan_at = 'infinity';
SELECT pg_temp.not_ready(), pg_temp.all_there() AS before \gset
SELECT is(pg_temp.claims(), 0::bigint, 'nothing is due');
SELECT is((SELECT string_agg(request_ids::text, ' ') FROM come_so_far), '{}', 'all plans are made, to the last, and of no request');
SELECT is(pg_temp.all_there(), :'before', 'and nothing is changed');
SELECT ok(pg_temp.ready(), 'the session remembers it');
SELECT is(pg_temp.claims(), 0::bigint, 'nothing is due again');
SELECT is((SELECT count(*) FROM come_so_far), 1::bigint, 'nor are they made again');

-- ---- nothing hangs on it ---------------------------------------------------------------------
SELECT pg_temp.not_ready() \g /dev/null
UPDATE request SET plan_at = wall();
SELECT is(pg_temp.claims(), 1::bigint, 'who has something to do does that');
SELECT ok(NOT pg_temp.ready(), 'and makes the plans on the way');
UPDATE request SET plan_at = 'infinity';
UPDATE dispatch_group SET lease_until = NULL;
CREATE OR REPLACE FUNCTION vac_store.queue_appointments(of_kind text, appointment_ids bigint[], at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql AS $$ BEGIN RAISE query_canceled; END $$;
SELECT pg_temp.all_there() AS before \gset
SELECT is(pg_temp.claims(), 0::bigint, 'what is wrong with a plan is no fault of the claim');
SELECT ok(pg_temp.ready(), 'and is not tried each time');
SELECT is((SELECT count(*) FROM come_so_far), 1::bigint, 'though it did not come to its end');
SELECT is(pg_temp.all_there(), :'before', 'and the transaction goes on, with nothing changed');

-- ---- tables have grown -----------------------------------------------------------------------
SELECT fit_plans() \g /dev/null
SELECT current_setting('vac_daemon.size') AS size \gset
SELECT fit_plans() \g /dev/null
SELECT is(concat_ws(' ', current_setting('vac_daemon.size'), pg_temp.ready()), :'size' || ' t', 'while tables are as large as they were plans stay');
INSERT INTO case_record (case_code, office_id, language, opened_at) SELECT new_case_code(), pg_temp.office('NYC'), 'en', now() FROM generate_series(1, 1000);
SELECT fit_plans() \g /dev/null
SELECT isnt(current_setting('vac_daemon.size'), :'size', 'they are much larger');
SELECT ok(NOT pg_temp.ready(), 'and the plans of before are no more');
SELECT * FROM finish();
ROLLBACK;
