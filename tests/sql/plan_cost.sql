-- The cost of a plan from what is stored, against figures reckoned by hand from vacd-plan(7).
BEGIN;
\ir core.psql
SELECT plan(31);
\set QUIET 1
-- A load that counts: 3000 a weighted hour. A quarter-hour's price for 2700 shift minutes a week is then
-- ⌊225000 × (2k − 1) ÷ 43200⌋, for 1200 ⌊225000 × (2k − 1) ÷ 19200⌋.
SELECT vac.set_policy('weight_load', '3000') \g /dev/null
UPDATE service SET load_percent = 150 WHERE code = 'crisis_intervention';
SELECT pg_temp.person('N1', 'NYC', gender => 'male') \g /dev/null
SELECT pg_temp.person('N2', 'NYC', 'collateral', gender => 'male') \g /dev/null
SELECT pg_temp.person('B1', 'BOS') \g /dev/null
SELECT pg_temp.person('B2', 'BOS') \g /dev/null
SELECT pg_temp.pattern(who, 'regular', ARRAY[1, 2, 3, 4, 5], '08:00', '17:00') FROM unnest(ARRAY['N1', 'B1', 'B2']) who \g /dev/null
SELECT pg_temp.pattern('N2', 'regular', ARRAY[1, 2, 3, 4, 5], '09:00', '13:00') \g /dev/null
UPDATE coordinator SET joined_at = '2026-01-01' WHERE code <> 'B1';
-- B1 is new: for the 80 days and 9 hours before, of the 91, they have what the median of their office has.
UPDATE coordinator SET joined_at = '2027-02-20' WHERE code = 'B1';

-- Tuesday, ten in the morning in New York. The planner's clock has whole seconds.
\set planned '\'2027-03-02 15:00:20Z\'::timestamptz'
\set stored '\'2027-03-02 15:00:21.5Z\'::timestamptz'
CREATE FUNCTION pg_temp.a_plan(planned timestamptz, stored timestamptz, round integer) RETURNS bigint LANGUAGE sql AS $$
	INSERT INTO vac_store.plan (group_id, fence, round, planned_at, stored_at, requests, unserved, late_minutes, moves, cost, steps, exact, limited)
		SELECT o.group_id, 1, round, planned, stored, 0, 0, 0, 0, 0, 0, false, false FROM vac_store.office o WHERE o.code = 'NYC'
		RETURNING plan_id
$$;
CREATE FUNCTION pg_temp.give(request bigint, who text, starts timestamptz, at timestamptz, of_plan bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql AS $$
	DECLARE
		id bigint;
	BEGIN
		INSERT INTO vac_store.appointment (request_id, case_id, office_id, coordinator_id, span, busy, urgency, answer_handle,
				counted_minutes, load_minutes, made_at)
			SELECT r.request_id, r.case_id, r.office_id, pg_temp.coordinator(who), s.span, s.span, r.urgency, vac_store.handle(),
					r.minutes, r.minutes * v.load_percent / 100, at
				FROM vac_store.request r JOIN vac_store.service v ON v.code = r.service,
					LATERAL (SELECT tstzrange(starts, starts + make_interval(mins => r.minutes)) AS span) s
				WHERE r.request_id = give.request
			RETURNING appointment_id INTO id;
		UPDATE vac_store.request r SET state = 'planned' WHERE r.request_id = give.request;
		IF of_plan IS NOT NULL THEN
			INSERT INTO vac_store.decision (request_id, appointment_id, at, cost, terms, plan_id)
				VALUES (give.request, id, at, 1, '{"wait": 1}', of_plan);
		END IF;
		RETURN id;
	END
$$;
-- What a request costs: late, then each term that is not nothing, then the sum.
CREATE FUNCTION pg_temp.cost_of(request bigint, of_plan bigint, moved boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(', ', 'late ' || NULLIF(l.late_minutes, 0), 'wait ' || NULLIF(l.wait, 0), 'collateral ' || NULLIF(l.collateral, 0),
			'backup ' || NULLIF(l.backup, 0), 'interpreter ' || NULLIF(l.interpreter, 0), 'preference ' || NULLIF(l.preference, 0),
			'continuity ' || NULLIF(l.continuity, 0), 'load ' || NULLIF(l.load, 0), 'over_cap ' || NULLIF(l.over_cap, 0),
			'move ' || NULLIF(l.move, 0), 'cost ' || l.cost)
		FROM vac_store.plan_lines(of_plan) l WHERE l.request_id = request AND (l.made_room_for IS NOT NULL) = moved
$$;
-- Meetings long before: two plain hours of N1, two and a half weighted ones of B2; and what no longer counts.
SELECT pg_temp.give(pg_temp.ask(), 'N1', '2027-02-10 15:00Z', '2027-02-09') AS old1 \gset
SELECT pg_temp.give(pg_temp.ask(), 'N1', '2027-02-11 15:00Z', '2027-02-09') AS old2 \gset
SELECT pg_temp.give(pg_temp.ask('BOS', service => 'crisis_intervention', minutes => 100), 'B2', '2027-02-11 15:00Z', '2027-02-09') AS old3 \gset
SELECT pg_temp.give(pg_temp.ask(), 'N1', '2026-11-30 15:00Z', '2026-11-28') AS old4 \gset
SELECT pg_temp.give(pg_temp.ask(), 'N1', '2027-02-12 15:00Z', '2027-02-09') AS old5 \gset
UPDATE appointment SET state = 'held', ended_at = upper(span) WHERE appointment_id IN (:old1, :old2, :old3, :old4);
UPDATE appointment SET state = 'cancelled', ended_at = '2027-02-10' WHERE appointment_id = :old5;
SELECT results_eq(format($$SELECT k.code, l.load_minutes, l.weekly_shift_minutes FROM load_of(ARRAY(SELECT coordinator_id FROM coordinator), %s, %s) l
	JOIN coordinator k USING (coordinator_id) ORDER BY 1$$, :'planned', :'stored'),
	$$VALUES ('B1', 132, 2700), ('B2', 150, 2700), ('N1', 120, 2700), ('N2', 0, 1200)$$, 'loads: thirteen weeks, what was not cancelled, a newcomer at the median');

-- ---- single terms ----------------------------------------------------------------------------
SELECT is(quarter_hours(60, 100), 4::bigint, 'an hour is four quarter-hours');
SELECT is(quarter_hours(60, 150), 6::bigint, 'weighted');
SELECT is(quarter_hours(50, 100), 4::bigint, 'begun ones whole');
SELECT is(load_price(8, 4, 2700, 3000), (88 + 98 + 109 + 119)::bigint, 'the ninth to the twelfth quarter-hour, each rounded down');
SELECT is(load_price(8, 4, 2700, 3000), load_price(8, 1, 2700, 3000) + load_price(9, 3, 2700, 3000), 'the same however it is parted');
SELECT is(load_price(0, 1, 0, 3000), (225000 / 960)::bigint, 'nobody has less than an hour a week');

-- ---- one plan --------------------------------------------------------------------------------
SELECT pg_temp.a_plan(:planned, :stored, 1) AS p \gset
SELECT pg_temp.ask() AS r1 \gset
UPDATE request SET due_at = '2027-03-03 16:00Z' WHERE request_id = :r1;
SELECT pg_temp.give(:r1, 'N1', '2027-03-03 16:30:30Z', :stored, :p) AS a1 \gset
SELECT pg_temp.ask(gender => 'female') AS r2 \gset
UPDATE request SET due_at = '2027-03-05 16:00Z', preferred_id = pg_temp.coordinator('N1') WHERE request_id = :r2;
SELECT pg_temp.give(:r2, 'N2', '2027-03-04 14:00Z', :stored, :p) AS a2 \gset
SELECT pg_temp.ask(urgency => 'urgent', language => 'es', interpreter => 'telephone', service => 'crisis_intervention') AS r3 \gset
UPDATE request SET due_at = '2027-03-03 15:00Z' WHERE request_id = :r3;
SELECT pg_temp.give(:r3, 'B1', '2027-03-02 18:00Z', :stored, :p) AS a3 \gset
SELECT is(pg_temp.cost_of(:r1, :p), 'late 31, wait 1530, load 414, cost 1944', 'wait and load, and late by begun minutes');
SELECT is(pg_temp.cost_of(:r2, :p), 'wait 2819, collateral 480, preference 960, load 186, cost 4445', 'a collateral-duty coordinator; two preferences unmet');
-- 179 whole minutes; B1 starts at 8 quarter-hours: 88 + 98 + 109 + 119 + 130 + 140.
SELECT is(pg_temp.cost_of(:r3, :p), 'wait 716, backup 960, interpreter 720, load 684, cost 3080', 'of a backup office, by an interpreter, a newcomer');

-- ---- a family: several requests of a case ----------------------------------------------------
SELECT pg_temp.ask() AS f1 \gset
SELECT case_id AS family FROM request WHERE request_id = :f1 \gset
SELECT pg_temp.ask(of_case => :family) AS f2 \gset
SELECT pg_temp.ask(of_case => :family) AS f3 \gset
UPDATE request SET due_at = '2027-03-08 16:00Z' WHERE request_id IN (:f1, :f2, :f3);
SELECT pg_temp.give(:f1, 'B2', '2027-03-04 15:00Z', :stored, :p) AS fa1 \gset
SELECT pg_temp.give(:f2, 'N1', '2027-03-04 17:00Z', :stored, :p) AS fa2 \gset
SELECT pg_temp.give(:f3, 'N1', '2027-03-04 19:00Z', :stored, :p) AS fa3 \gset
SELECT matches(pg_temp.cost_of(:f1, :p), 'wait 2879, backup 960, load', 'the first meeting of a case is nobody new');
-- N1 has 8 and the 4 of r1, which is due before: the 13th to the 16th, 130 + 140 + 151 + 161; then 171 + 182 + 192 + 203.
SELECT is(pg_temp.cost_of(:f2, :p), 'wait 2999, continuity 1440, load 582, cost 5021', 'the second coordinator is');
SELECT is(pg_temp.cost_of(:f3, :p), 'wait 3119, load 748, cost 3867', 'and pays once');
UPDATE case_record SET responsible_id = pg_temp.coordinator('B2') WHERE case_id = :family;
SELECT is((SELECT string_agg(continuity::text, ' ' ORDER BY request_id) FROM plan_lines(:p) WHERE request_id IN (:f1, :f2, :f3)), '0 1440 1440',
	'where somebody is responsible, each meeting with somebody else pays');
UPDATE case_record SET responsible_id = NULL WHERE case_id = :family;
SELECT pg_temp.ask(of_case => :family) AS f0 \gset
SELECT pg_temp.give(:f0, 'N1', '2027-03-09 15:00Z', '2027-03-01') AS fa0 \gset
SELECT is((SELECT string_agg(continuity::text, ' ' ORDER BY request_id) FROM plan_lines(:p) WHERE request_id IN (:f1, :f2, :f3)), '1440 0 0',
	'who has a meeting of the case already is nobody new');
UPDATE appointment SET state = 'held', ended_at = '2027-03-02', span = '[2027-03-01 15:00Z,2027-03-01 16:00Z)', busy = '[2027-03-01 15:00Z,2027-03-01 16:00Z)'
	WHERE appointment_id = :fa0;
SELECT is((SELECT string_agg(continuity::text, ' ' ORDER BY request_id) FROM plan_lines(:p) WHERE request_id IN (:f1, :f2, :f3)), '1440 0 0',
	'nor who has met the victim');
SELECT is((SELECT load FROM plan_lines(:p) WHERE request_id = :r1), (130 + 140 + 151 + 161)::bigint, 'a meeting more before counts, of load too');
UPDATE appointment SET made_at = :stored WHERE appointment_id = :fa0;
SELECT is((SELECT load FROM plan_lines(:p) WHERE request_id = :r1), 414::bigint, 'but none that was made since');
DELETE FROM message;
DELETE FROM appointment WHERE appointment_id = :fa0;

-- ---- call-outs and limits --------------------------------------------------------------------
SELECT pg_temp.a_plan(:planned + interval '1 hour', :stored + interval '1 hour', 2) AS q \gset
SELECT pg_temp.ask(urgency => 'immediate') AS c1 \gset
SELECT pg_temp.ask(urgency => 'immediate') AS c2 \gset
UPDATE request SET due_at = '2027-03-03 04:00Z' WHERE request_id = :c1;
UPDATE request SET due_at = '2027-03-03 17:00Z' WHERE request_id = :c2;
-- N2: three cases at most, two meetings a day, eight hours a week. At night on the 2nd, then in the morning.
UPDATE coordinator SET max_open_cases = 1, meetings_a_day = 2, weekly_minutes = 170 WHERE code = 'N2';
SELECT pg_temp.give(:c1, 'N2', '2027-03-03 03:01Z', :stored + interval '1 hour', :q) AS ca1 \gset
SELECT pg_temp.give(:c2, 'N2', '2027-03-03 08:01Z', :stored + interval '1 hour', :q) AS ca2 \gset
-- 660 minutes at 20. N2 has one case (r2's) and 4 quarter-hours; the 5th to the 8th are 105 + 128 + 152 + 175.
SELECT is(pg_temp.cost_of(:c1, :q), 'wait 13200, collateral 480, load 560, over_cap 2000, cost 16240', 'a call-out beyond the open cases');
-- 960 minutes. 60 + 60 before it in the week, 60 more are too many; three in the night at 22:01, so a rest of ten hours from 23:01.
SELECT is((SELECT over_cap FROM plan_lines(:q) WHERE request_id = :c2), 6000::bigint, 'open cases, the week by what stands and the call-out before, and the rest after it');
UPDATE coordinator SET weekly_minutes = 180, meetings_a_day = 1 WHERE code = 'N2';
SELECT is((SELECT over_cap FROM plan_lines(:q) WHERE request_id = :c2), 4000::bigint, 'the first meeting of its day, within the week');
UPDATE appointment SET span = '[2027-03-03 20:00Z,2027-03-03 21:00Z)', busy = '[2027-03-03 20:00Z,2027-03-03 21:00Z)' WHERE appointment_id = :a2;
SELECT is((SELECT over_cap FROM plan_lines(:q) WHERE request_id = :c2), 6000::bigint, 'the second of its day');
UPDATE appointment SET span = '[2027-03-04 14:00Z,2027-03-04 15:00Z)', busy = '[2027-03-04 14:00Z,2027-03-04 15:00Z)' WHERE appointment_id = :a2;
UPDATE coordinator SET max_open_cases = NULL, meetings_a_day = NULL, weekly_minutes = NULL WHERE code = 'N2';

-- ---- what makes room -------------------------------------------------------------------------
SELECT pg_temp.a_plan(:planned + interval '2 hours', :stored + interval '2 hours', 3) AS m \gset
SELECT pg_temp.ask(urgency => 'urgent') AS u \gset
UPDATE request SET due_at = '2027-03-03 17:00Z' WHERE request_id = :u;
UPDATE request SET due_at = '2027-03-04 16:00Z' WHERE request_id = :r1;
-- r1 gives way by 90 minutes with the same coordinator; r2 goes from N2 to N1.
UPDATE appointment SET span = '[2027-03-03 18:00:30Z,2027-03-03 19:00:30Z)', busy = '[2027-03-03 18:00:30Z,2027-03-03 19:00:30Z)', sequence = 1
	WHERE appointment_id = :a1;
INSERT INTO decision (request_id, appointment_id, at, cost, terms, plan_id, made_room_for, moved_from) VALUES (:r1, :a1, :stored + interval '2 hours', 330, '{}', :m, :u,
	jsonb_build_object('appointment', :a1, 'coordinator', pg_temp.coordinator('N1'), 'start', epoch('2027-03-03 16:30:30Z'), 'accepted', true));
UPDATE appointment SET state = 'replaced', ended_at = :stored + interval '2 hours' WHERE appointment_id = :a2;
UPDATE request SET state = 'open' WHERE request_id = :r2;
SELECT pg_temp.give(:r2, 'N1', '2027-03-05 14:00Z', :stored + interval '2 hours') AS a2b \gset
INSERT INTO decision (request_id, appointment_id, at, cost, terms, plan_id, made_room_for, moved_from) VALUES (:r2, :a2b, :stored + interval '2 hours', 330, '{}', :m, :u,
	jsonb_build_object('appointment', :a2, 'coordinator', pg_temp.coordinator('N2'), 'start', epoch('2027-03-04 14:00Z'), 'accepted', false));
SELECT pg_temp.give(:u, 'N1', '2027-03-03 16:30Z', :stored + interval '2 hours', :m) AS ua \gset
SELECT is(pg_temp.cost_of(:r1, :m, true), 'wait 90, move 720, cost 810', 'moved within a diary, after it was accepted');
-- N1 had 8 + 4 + 4 + 4 = 20 quarter-hours: the 21st to the 24th are 213 + 223 + 234 + 244 = 914. N2 had 4 + 4 + 4 (two call-outs of an hour):
-- the 9th to the 12th there were 199 + 222 + 246 + 269 = 936. The preference is the coordinator's, no longer a wrong one: one unmet of two.
SELECT is(pg_temp.cost_of(:r2, :m, true), 'wait 1440, collateral -480, preference -480, load -22, move 240, cost 698', 'moved to somebody else');
-- And the request comes after what was moved: the 25th to the 28th, 255 + 265 + 276 + 286.
SELECT is((SELECT load FROM plan_lines(:m) WHERE request_id = :u), 1082::bigint, 'what it makes room for comes after it');
SELECT is(pg_temp.cost_of(:r1, :p), 'wait 1530, load 414, cost 1944', 'what was moved since costs in the first plan what it cost there');
SELECT is(pg_temp.cost_of(:r2, :p), 'wait 2819, collateral 480, preference 960, load 186, cost 4445', 'with whomever it is now');

-- ---- as people see it ------------------------------------------------------------------------
SELECT c.case_code AS code FROM case_record c JOIN request r USING (case_id) WHERE r.request_id = :r2 \gset
SELECT is((SELECT count(*) FROM vac.plan_cost(:'code')), 3::bigint, 'a case shows its last plan');
SELECT is((SELECT sum(cost) FROM vac.plan_cost(of_plan => :p)), (SELECT sum(cost) FROM plan_lines(:p))::numeric, 'the sum is that of the plan');
SELECT is((SELECT string_agg(concat_ws(' ', coordinator, start, cost, decided), ', ') FROM vac.plan_cost(:'code') WHERE case_code = :'code'),
	'N1 Fri 05 Mar 09:00 EST 698 330', 'beside what was decided');
SELECT throws_matching('SELECT vac.plan_cost(of_plan => 0)', 'no plan 0', 'no such plan');

SELECT * FROM finish();
ROLLBACK;
