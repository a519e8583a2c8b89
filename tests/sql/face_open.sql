-- Opening cases: defaults, keys, and every refusal in words.
BEGIN;
\ir people.psql
SELECT plan(54);

-- ---- defaults --------------------------------------------------------------------------------
SELECT vac.open_case('SEA', 'es') AS code \gset
SELECT matches(:'code'::text, '^[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{3}$', 'a case code is six characters that cannot be taken for others');
SELECT is((SELECT concat_ws(' ', r.service, r.urgency, r.mode, r.place, r.language, r.interpreter, r.minutes, r.state)
		FROM pg_temp.request_of(:'code') r),
	'crisis_intervention routine at_office MAIN es none 60 open', 'what is left out has its default');
SELECT is((pg_temp.request_of(:'code')).due_at, policy_after('response_target', 'routine', o.office_id, (pg_temp.request_of(:'code')).opened_at),
	'the due time is the policy''s') FROM office o WHERE o.code = 'SEA';
SELECT is((SELECT c.opened_by FROM case_record c WHERE c.case_code = :'code'), session_user::text, 'who opened it is kept');
SELECT is((SELECT string_agg(h.event, ',') FROM history h JOIN case_record c USING (case_id) WHERE c.case_code = :'code'), 'case_opened',
	'history has it');
SELECT vac.open_case('sea', 'PT_br', mode => 'telephone', urgency => 'immediate') AS called \gset
SELECT is((pg_temp.request_of(:'called')).language::text, 'pt-br', 'office and language in any case');
SELECT is((pg_temp.request_of(:'called')).minutes, 30, 'a contact by telephone has the policy''s length');
SELECT is((pg_temp.request_of(:'called')).place, NULL, 'and no place');
SELECT is((pg_temp.request_of(vac.open_case('SEA', service => 'forensic_interview'))).minutes, 120, 'a service has its own length');
SELECT is((pg_temp.request_of(vac.open_case('SEA', window_from => now() + interval '20 days', window_to => now() + interval '21 days'))).due_at
	<= now() + interval '21 days' - interval '1 hour', true, 'the due time does not lie behind the window');

-- ---- many victims, keys ----------------------------------------------------------------------
CREATE TEMPORARY TABLE raid AS SELECT c AS code, n FROM vac.open_case('SEA', victims => 23, key => 'raid 7') WITH ORDINALITY AS t (c, n);
SELECT is((SELECT count(DISTINCT code) FROM raid), 23::bigint, '23 victims are 23 cases');
SELECT is((SELECT count(*) FROM request r JOIN case_record c USING (case_id) JOIN raid ON raid.code = c.case_code), 23::bigint, 'with a request each');
SELECT results_eq($$SELECT vac.open_case('sea', victims => 23, key => 'raid 7')$$, $$SELECT code FROM raid ORDER BY n$$,
	'the same call gives the same codes in the same order');
SELECT throws_matching($$SELECT vac.open_case('SEA', victims => 24, key => 'raid 7')$$, 'key: ''raid 7'' was used already, with other content',
	'another number of victims is other content');
SELECT throws_matching($$SELECT vac.open_case('SEA', 'es', victims => 23, key => 'raid 7')$$, 'with other content', 'another language too');
SELECT is((SELECT count(*) FROM case_record WHERE idempotency_key = 'raid 7'), 23::bigint, 'nothing was added');
SELECT vac.withdraw_case((SELECT code FROM raid WHERE n = 1), 'mistake') \g /dev/null
SELECT is((SELECT count(*) FROM vac.open_case('SEA', victims => 23, key => 'raid 7')), 23::bigint,
	'the same call is answered though a case of it has ended');
SELECT isnt(vac.open_case('SEA', key => 'raid 8'), (SELECT code FROM raid WHERE n = 1), 'another key is another case');

-- ---- refusals --------------------------------------------------------------------------------
CREATE FUNCTION pg_temp.refused(call text, says text, hints text, about text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
	code text;
BEGIN
	EXECUTE call;
	RETURN NEXT fail(about || ': was not refused');
	RETURN NEXT fail(about);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, code = RETURNED_SQLSTATE;
	RETURN NEXT matches(code || ' ' || SQLERRM, '22023 ' || says, about);
	RETURN NEXT matches(hint, hints, about || ', and what would do');
END
$$;
SELECT pg_temp.refused($$SELECT vac.open_case('SEX')$$, 'office: no office ''SEX''', 'SEA \(Seattle\)', 'an unknown office');
SELECT pg_temp.refused($$SELECT vac.open_case(NULL)$$, 'office: no office was named', 'SEA', 'no office');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', 'Spanish')$$, 'language: ''Spanish''.*\(spanish is es\)', '', 'a language by its name');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', service => 'massage')$$, 'service: ''massage''.*counseling, court_accompaniment', '', 'an unknown service');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', urgency => 'asap')$$, 'urgency: ''asap''.*immediate \(in danger', '', 'an unknown urgency');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', mode => 'elsewhere')$$, 'place: a meeting elsewhere needs one', 'MAIN \(Federal', 'elsewhere without a place');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', place => 'PORT')$$, 'place: SEA has no place ''PORT''', 'AIR \(Airport desk\), MAIN', 'an unknown place');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', gender_required => true)$$, 'gender_required', 'female', 'a required gender without the gender');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', preferred => 'SEA-9')$$, 'preferred: no coordinator ''SEA-9''', 'Near it: SEA-1', 'an unknown coordinator');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', window_to => now() - interval '1 hour')$$, 'window_to: .* is over already', 'Now is ', 'a window that is over');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', window_from => now() + interval '2 days', window_to => now() + interval '1 day')$$,
	'window_to: .* is not after window_from', 'swapped', 'a window that ends before it begins');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', window_to => now() + interval '30 minutes')$$, 'window_to: .* leaves less than the 60 minutes',
	'Widen the window', 'a window shorter than the meeting');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', window_from => now() + interval '2 days', due => now() + interval '1 day')$$,
	'due: .* lies before window_from', 'move one of them', 'a due time before the window');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', due => now() - interval '1 day')$$, 'due: .* has passed already', 'Now is', 'a due time that has passed');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', victims => 0)$$, 'victims: 0', '1 to 500', 'no victims');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', minutes => 5)$$, 'minutes: 5', '|15', 'too short a meeting');
SELECT pg_temp.refused($$SELECT vac.open_case('SEA', requester => 'intake@example.org')$$, 'requester: nothing may be mailed to example.org',
	'vac.allow_domain', 'a requester while no domain is allowed');
SELECT vac.allow_domain('example.org') \g /dev/null
SELECT lives_ok($$SELECT vac.open_case('SEA', requester => 'intake@example.org')$$, 'a requester of an allowed domain is taken');
SELECT is((SELECT count(*) FROM request r WHERE r.state = 'open' AND NOT EXISTS (SELECT FROM history h
	WHERE h.request_id = r.request_id AND h.event = 'case_opened')), 0::bigint, 'every request stands in history');

SELECT * FROM finish();
ROLLBACK;
