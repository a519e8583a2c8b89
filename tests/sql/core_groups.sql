-- Several groups planned in one round: which are claimed together, what the snapshot of them has, and that each one's plan is
-- stored as its own.
BEGIN;
\ir core.psql
SELECT plan(45);
SELECT pg_temp.person('ANNE', 'NYC'), pg_temp.person('ZOE', 'BOS'), pg_temp.person('FAR', 'HNL'), pg_temp.person('GIL', 'GUM') \g /dev/null
SELECT pg_temp.pattern(w, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['ANNE', 'ZOE', 'FAR', 'GIL']) w \g /dev/null
SELECT '11111111-1111-1111-1111-111111111111' AS d \gset
SELECT pg_temp.office('NYC') AS nyc, pg_temp.office('HNL') AS hnl, pg_temp.office('GUM') AS gum \gset

-- ---- batches ---------------------------------------------------------------------------------
-- Small offices B00 … B59, due one after the other.
INSERT INTO office (code, name, time_zone, telephone) SELECT format('B%s', lpad(n::text, 2, '0')), 'Office ' || n, 'UTC', '+1 212 555 0100' FROM generate_series(0, 59) n;
INSERT INTO office_place (office_id, code, text) SELECT office_id, 'MAIN', 'Federal Building' FROM office WHERE code ~ '^B[0-9]';
CREATE FUNCTION pg_temp.due(of_office text, many integer DEFAULT 1, urgency text DEFAULT 'routine') RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		ids bigint[] := ARRAY(SELECT pg_temp.ask(office => of_office, urgency => due.urgency) FROM generate_series(1, many));
	BEGIN
		UPDATE vac_store.request SET plan_at = now() - interval '1 day' + pg_temp.office(of_office) * interval '1 second' WHERE request_id = ANY (ids);
	END
$$;
-- Batch by batch, each as the first and the last of its offices and how many there are.
CREATE FUNCTION pg_temp.far(of_office text, ahead interval) RETURNS void LANGUAGE sql AS
	$$ UPDATE request SET open_window = tstzrange(now() + ahead, NULL) WHERE office_id = pg_temp.office(of_office) $$;
CREATE FUNCTION pg_temp.batches(most integer DEFAULT 4, together integer DEFAULT 100) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s-%s %s', x.codes[1], x.codes[cardinality(x.codes)], cardinality(x.codes)), ', ' ORDER BY x.batch)
		FROM (SELECT b.batch, array_agg(o.code::text ORDER BY b.n) AS codes
			FROM batches_due('11111111-1111-1111-1111-111111111111', most, together, now()) b JOIN office o ON o.office_id = b.group_id GROUP BY b.batch) x
$$;
SELECT is(pg_temp.batches(), NULL, 'nothing is due');
SELECT pg_temp.due(code::text) FROM office WHERE code ~ '^B[0-9]' \g /dev/null
SELECT is(pg_temp.batches(), 'B00-B24 25, B25-B49 25, B50-B59 10', 'groups with one request each: 25 in a batch, what is due longest first');
SELECT is(pg_temp.batches(2), 'B00-B24 25, B25-B49 25', 'no more batches than asked for');
SELECT is(pg_temp.batches(3, 20), 'B00-B04 5, B05-B09 5, B10-B14 5', 'fewer requests, fewer groups');
SELECT is((SELECT concat_ws(' ', count(*), count(DISTINCT batch), count(DISTINCT group_id)) FROM batches_due('11111111-1111-1111-1111-111111111111', 5, 0, now())), '5 5 5', 'or each by itself');
SELECT isnt((SELECT array_agg(group_id ORDER BY n) FROM batches_due('11111111-1111-1111-1111-111111111111', 60, 0, now())),
	(SELECT array_agg(office_id ORDER BY code) FROM office WHERE code ~ '^B[0-9]'), 'in no order');
SELECT pg_temp.far('B01', '31 days') \g /dev/null
SELECT pg_temp.far('B04', '59 days'), pg_temp.far('B05', '61 days') \g /dev/null
SELECT is(pg_temp.batches(), 'B00-B27 25, B01-B04 2, B05-B05 1, B28-B52 25', 'what is about a time months ahead is put together with what is about the same');
SELECT pg_temp.far('B01', '29 days'), pg_temp.far('B04', '3 days'), pg_temp.far('B05', '-3 days') \g /dev/null
INSERT INTO plan_stale (office_id) VALUES (pg_temp.office('B02')), (pg_temp.office('B03'));
UPDATE request SET unserved_since = now() WHERE office_id = pg_temp.office('B02');
SELECT is(pg_temp.batches(), 'B00-B25 25, B02-B02 1, B26-B50 25, B51-B59 9', 'so is one whose rosters changed, if there is what nobody could take');
UPDATE request SET plan_at = now() + interval '1 day' WHERE office_id = pg_temp.office('B02');
SELECT is(pg_temp.batches(), 'B00-B25 25, B26-B50 25, B51-B59 9, B02-B02 1', 'also if nothing else is due, in its turn');
UPDATE request SET unserved_since = NULL, plan_at = now() - interval '1 hour' WHERE office_id = pg_temp.office('B02');
DELETE FROM plan_stale;
SELECT pg_temp.due('B02') \g /dev/null
DELETE FROM request WHERE office_id = pg_temp.office('B02') AND plan_at > now() - interval '2 hours';
WITH held AS (INSERT INTO case_record (case_code, office_id, language, opened_at, held_since) VALUES (new_case_code(), pg_temp.office('B03'), 'en', now(), now()) RETURNING case_id)
	INSERT INTO request (case_id, office_id, service, urgency, mode, place, language, minutes, open_window, due_at, opened_at, plan_at)
		SELECT h.case_id, pg_temp.office('B03'), 'counseling', 'routine', 'at_office', 'MAIN', 'en', 60, tstzrange(now() + n * interval '1 second', NULL), now(), now(), now()
			FROM held h, generate_series(1, 60) n;
SELECT is(pg_temp.batches(2), 'B00-B24 25, B25-B49 25', 'what is on hold counts for nothing');
SELECT pg_temp.due('B10', 48) \g /dev/null
SELECT is(pg_temp.batches(), 'B00-B13 14, B14-B38 25, B39-B59 21', 'a group with more counts for more');
SELECT pg_temp.due('B10', 2) \g /dev/null
SELECT is(pg_temp.batches(), 'B00-B25 25, B10-B10 1, B26-B50 25, B51-B59 9', 'one with very many is a batch by itself, in its turn');
SELECT pg_temp.due('B50', 1, 'immediate') \g /dev/null
SELECT is(pg_temp.batches(), 'B50-B50 1, B00-B25 25, B10-B10 1, B26-B51 25', 'and so is one with a call-out, before all others');
UPDATE case_record SET held_since = now() WHERE case_id = (SELECT case_id FROM request WHERE urgency = 'immediate');
SELECT is(pg_temp.batches(), 'B00-B25 25, B10-B10 1, B26-B50 25, B51-B59 9', 'but not while its case is on hold');
UPDATE case_record SET held_since = NULL WHERE case_id = (SELECT case_id FROM request WHERE urgency = 'immediate');
SELECT pg_temp.due('B' || n, 1, 'immediate') FROM unnest(ARRAY[51, 52, 53]) n \g /dev/null
SELECT is(pg_temp.batches(), 'B50-B50 1, B51-B51 1, B52-B52 1, B53-B53 1', 'as many as there are of them');
SELECT is((SELECT array_agg(DISTINCT got ORDER BY got) FROM generate_series(1, 60) s, LATERAL (SELECT count(*) FILTER (WHERE o.code LIKE 'B5%') = 4 AS got
		FROM batches_due('11111111-1111-1111-1111-111111111111', 4 + 0 * s, 0, now()) b JOIN office o ON o.office_id = b.group_id) x), ARRAY[false, true],
	'each by itself they are before the others half of the time: what cannot be planned keeps nobody waiting for ever');
DELETE FROM request WHERE urgency = 'immediate' AND office_id IN (SELECT office_id FROM office WHERE code IN ('B51', 'B52', 'B53'));
UPDATE dispatch_group SET lease_until = now() + interval '1 minute' WHERE group_id IN (SELECT office_id FROM office WHERE code IN ('B00', 'B50'));
SELECT is(pg_temp.batches(2), 'B01-B26 25, B10-B10 1', 'what somebody has is left to them');
UPDATE dispatch_group SET lease_until = NULL;
CREATE TEMPORARY TABLE claimed AS SELECT n, groups, fences FROM ROWS FROM (vac_daemon.claim_groups(:'d', 4, 60000, 100)) WITH ORDINALITY AS c (groups, fences, n);
SELECT is((SELECT string_agg(format('%s %s', cardinality(groups), cardinality(fences)), ', ' ORDER BY n) FROM claimed), '1 1, 25 25, 1 1, 25 25', 'they are claimed so');
SELECT is((SELECT count(*) FROM claimed c, unnest(c.groups, c.fences) u (group_id, fence) JOIN dispatch_group g USING (group_id)
	WHERE g.fence = u.fence AND g.daemon_id = :'d' AND g.lease_until > now() + interval '50 seconds'), 52::bigint, 'each with its own fence');
SELECT is((SELECT array_agg(o.code::text ORDER BY u.k) FROM claimed c, unnest(c.groups) WITH ORDINALITY u (group_id, k) JOIN office o ON o.office_id = u.group_id WHERE c.n = 2),
	(SELECT array_agg(code::text ORDER BY code) FROM office WHERE code BETWEEN 'B00' AND 'B25' AND code <> 'B10'), 'in the order in which they are due');
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(gen_random_uuid(), 4, 60000, 100) c, unnest(c.groups)), 8::bigint, 'another gets the rest');
SELECT is((SELECT count(*) FROM vac_daemon.claim_groups(:'d', 4, 60000, 100) c, unnest(c.groups)), 52::bigint, 'whose turn failed claims anew what it has');
SELECT is((SELECT count(*) FROM claimed c, unnest(c.groups, c.fences) u (group_id, fence) JOIN dispatch_group g USING (group_id) WHERE g.fence = u.fence + 1), 52::bigint, 'under new fences');
DROP TABLE claimed;
CREATE TEMPORARY TABLE claimed AS SELECT n, groups, fences FROM ROWS FROM (vac_daemon.claim_groups(:'d', 4, 60000, 100)) WITH ORDINALITY AS c (groups, fences, n);

-- ---- leases ----------------------------------------------------------------------------------
SELECT is((SELECT vac_daemon.renew_groups(groups, fences, 300000) FROM claimed WHERE n = 2), true, 'the lease of a batch is made longer');
SELECT is((SELECT count(*) FROM dispatch_group WHERE lease_until > now() + interval '4 minutes'), 25::bigint, 'that of all its groups');
UPDATE dispatch_group SET fence = fence + 1 WHERE group_id = (SELECT groups[3] FROM claimed WHERE n = 2);
SELECT is((SELECT vac_daemon.renew_groups(groups, fences, 60000) FROM claimed WHERE n = 2), false, 'when one is lost that is said');
SELECT is((SELECT vac_daemon.release_groups(groups, fences) FROM claimed WHERE n = 2), 24, 'the others are given back');
SELECT is((SELECT count(*) FROM dispatch_group WHERE group_id = ANY ((SELECT groups FROM claimed WHERE n = 2)::integer[]) AND lease_until IS NOT NULL), 1::bigint, 'and not that one');

-- ---- the snapshot ----------------------------------------------------------------------------
DELETE FROM request;
UPDATE dispatch_group SET fence = 7, lease_until = now() + interval '5 minutes';
SELECT pg_temp.ask(language => 'es') AS n1, pg_temp.ask() AS n2, pg_temp.ask(office => 'HNL') AS h1, pg_temp.ask(office => 'GUM') AS g1 \gset
CREATE FUNCTION pg_temp.look(groups integer[], fences bigint[] DEFAULT NULL) RETURNS boolean LANGUAGE sql AS
	$$ SELECT ok FROM vac_daemon.snapshot_begin(groups, coalesce(fences, array_fill(7::bigint, ARRAY[cardinality(groups)])), 100) $$;
SELECT is(pg_temp.look(ARRAY[:hnl, :nyc], ARRAY[7, 6]), false, 'not with another fence of one of them');
SELECT is(pg_temp.look(ARRAY[:hnl, :nyc]), true, 'two groups');
CREATE TEMPORARY TABLE both_people AS SELECT * FROM vac_daemon.snapshot_coordinators();
SELECT is((SELECT array_agg(request_id ORDER BY request_id) FROM vac_daemon.snapshot_requests()), ARRAY[:n1, :n2, :h1]::bigint[], 'have the requests of both');
SELECT is((SELECT string_agg(o.code || ' ' || f.code, ', ' ORDER BY o.code) FROM vac_daemon.snapshot_offices() o JOIN office f ON f.office_id = o.group_id),
	'BOS NYC, HNL HNL, NYC NYC', 'the offices of both, each with its group');
SELECT is((SELECT string_agg(zone, ' ' ORDER BY zone) FROM vac_daemon.snapshot_zones()), 'America/New_York Pacific/Honolulu', 'the zones of both');
SELECT is(pg_temp.look(ARRAY[:nyc]), true, 'one of them');
SELECT is((SELECT array_agg(s::text ORDER BY s.coordinator_id) FROM vac_daemon.snapshot_coordinators() s),
	(SELECT array_agg(s::text ORDER BY s.coordinator_id) FROM both_people s JOIN office o USING (office_id) WHERE o.group_id = :nyc), 'has the same people as in both');
UPDATE request SET open_window = tstzrange(now() + interval '40 days', now() + interval '42 days') WHERE request_id IN (:n2, :h1);
SELECT is((SELECT concat_ws(' ', pg_temp.look(ARRAY[:hnl, :nyc]), (SELECT array_agg(request_id ORDER BY request_id) FROM vac_daemon.snapshot_requests()))), format('t {%s,%s}', :n1, :h1),
	'what lies far ahead of the rest of its own group is left for later, whatever there is in others');
UPDATE request SET open_window = tstzrange(opened_at, NULL);

-- ---- stored ----------------------------------------------------------------------------------
SELECT pg_temp.day_ahead(4, '10:00') AS d1, pg_temp.day_ahead(4, '10:00', 'HNL') AS d2 \gset
CREATE FUNCTION pg_temp.store_all(groups integer[], fences bigint[], VARIADIC plans jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(s.outcome || coalesce(' ' || s.rule, ''), ', ' ORDER BY s.n)
		FROM ROWS FROM (vac_daemon.store_plans(groups, fences, to_jsonb(plans))) WITH ORDINALITY AS s (request_id, outcome, rule, n)
$$;
SELECT jsonb_build_object('group', :nyc, 'round', 1, 'cost', 11, 'decisions', jsonb_build_array(pg_temp.nobody(:n1), pg_temp.choose(:n2, 'ANNE', :'d1'))) AS of_nyc,
	jsonb_build_object('group', :hnl, 'round', 1, 'cost', 22, 'decisions', jsonb_build_array(pg_temp.choose(:h1, 'FAR', :'d2'))) AS of_hnl,
	jsonb_build_object('group', :gum, 'round', 1, 'cost', 33, 'decisions', jsonb_build_array(pg_temp.nobody(:g1))) AS of_gum \gset
SELECT pg_temp.look(ARRAY[:hnl, :nyc, :gum]) \g /dev/null
SELECT is(pg_temp.store_all(ARRAY[:hnl, :nyc], ARRAY[7, 6], :'of_hnl', :'of_nyc'), 'refused fence, refused fence, refused fence', 'who lost one of the groups stores nothing');
SELECT is(pg_temp.store_all(ARRAY[:hnl], ARRAY[7], :'of_hnl', :'of_nyc'), 'refused fence, refused fence, refused fence', 'nor who has no claim of one');
SELECT is((SELECT count(*) FROM appointment) + (SELECT count(*) FROM plan), 0::bigint, 'nothing at all');
SAVEPOINT another;
UPDATE request SET language = 'fr' WHERE request_id = :g1;
RELEASE another;
SELECT is(pg_temp.store_all(ARRAY[:hnl, :nyc, :gum], ARRAY[7, 7, 7], :'of_hnl', :'of_nyc', :'of_gum'), 'stored, unserved, stored, gone',
	'two plans are stored in one go, and of a third what was changed since the planner looked stays due');
SELECT is((SELECT string_agg(concat_ws(' ', o.code, p.cost, p.fence, (SELECT array_agg(d.request_id ORDER BY d.request_id) FROM decision d WHERE d.plan_id = p.plan_id)), ', ' ORDER BY p.cost)
	FROM plan p JOIN office o ON o.office_id = p.group_id), format('NYC 11 7 {%s,%s}, HNL 22 7 {%s}', :n1, :n2, :h1), 'each is kept as its own group''s, with its own decisions');
SELECT is((SELECT string_agg(concat_ws(' ', r.request_id, r.state, r.unserved_since IS NOT NULL), ', ' ORDER BY r.request_id) FROM request r),
	format('%s open t, %s planned f, %s planned f, %s open f', :n1, :n2, :h1, :g1), 'and the requests stand so');
SELECT is(pg_temp.store_all(ARRAY[:gum], ARRAY[7], :'of_gum'), 'gone', 'nor does a later call store it by that look');
SELECT pg_temp.look(ARRAY[:gum]) \g /dev/null
SELECT is(pg_temp.store_all(ARRAY[:gum], ARRAY[7], :'of_gum'), 'unserved', 'only the next look does');
SELECT is((SELECT string_agg(m.office_id::text, ', ' ORDER BY m.office_id) FROM message m WHERE m.kind = 'notice'),
	concat_ws(', ', least(:nyc, :gum), greatest(:nyc, :gum)), 'the supervisors of each office are told');
SELECT * FROM finish();
ROLLBACK;
