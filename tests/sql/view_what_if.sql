-- What a what-if says would be hit; and every view within one, from another moment, with thirty offices.
BEGIN;
\ir people.psql
\ir thirty.psql
SELECT plan(16);
CREATE FUNCTION pg_temp.hit() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', office, coordinator, meeting, was, replace(what_happens, E'\n', ' ')), ', ') FROM vac.affected
$$;
SELECT is(pg_temp.hit(), NULL, 'outside of a what-if nothing is hit');
SAVEPOINT start;
SELECT vac.what_if() \g /dev/null
SELECT is(pg_temp.hit(), NULL, 'nor before something is tried');
SELECT vac.add_leave('HNL-1', '2026-10-30', '2026-11-01') \g /dev/null
SELECT is(pg_temp.hit(), 'HNL Coordinator D Sat 31 Oct 04:00-05:00 HST asked appointment cancelled; planned again', 'leave that covers one of two meetings');
SAVEPOINT more;
SELECT vac.add_leave('SEA-1', '2026-10-31', '2026-11-02') \g /dev/null
SELECT is(pg_temp.hit(), 'SEA Coordinator A Sat 31 Oct 07:00-08:00 PDT asked appointment cancelled; planned again, HNL Coordinator D Sat 31 Oct 04:00-05:00 HST asked appointment cancelled; planned again, '
	'SEA Coordinator A Mon 02 Nov 08:00-09:00 PST asked appointment cancelled; planned again', 'leave across the night, tried after a savepoint: the next first, before and after it in the zone of its day');
ROLLBACK TO more;
SELECT is(pg_temp.hit(), 'HNL Coordinator D Sat 31 Oct 04:00-05:00 HST asked appointment cancelled; planned again', 'what was rolled back is gone');
ROLLBACK TO start;
SELECT is(pg_temp.hit(), NULL, 'all of it');
SELECT vac.what_if() \g /dev/null
SELECT case_code AS pdx FROM vac.interpreters_to_book WHERE office = 'PDX' \gset
SELECT vac.confirm(:'pdx', 'PDX-1', request => (SELECT request_id FROM request r JOIN case_record c USING (case_id) WHERE c.case_code = :'pdx')) \g /dev/null
SELECT is((SELECT was FROM vac.affected), 'accepted', 'what was accepted says so');
SELECT vac.withdraw_case(:'pdx', 'resolved') \g /dev/null
SELECT is(pg_temp.hit(), 'PDX Coordinator C Mon 02 Nov 08:00-09:00 PST accepted appointment cancelled', 'of a case that ends nothing is planned again');
ROLLBACK TO start;
SELECT vac.what_if() \g /dev/null
SELECT vac.add_holiday('2026-11-02', 'Closed', 'F13') \g /dev/null
SELECT is(pg_temp.hit(), 'F13 Coordinator XIII-1 Mon 02 Nov 10:00-11:00 CST asked outside their hours now; it stays', 'what stands on a day that is to be a holiday');
SELECT vac.hold_case((SELECT case_code FROM vac.interpreters_to_book WHERE office = 'F16'), 'safety: seen') \g /dev/null
SELECT vac.set_pattern('F13-1', 'regular', 'Mon-Fri 06:00-14:00') \g /dev/null
SELECT is((SELECT string_agg(office || ' ' || replace(what_happens, E'\n', ' '), ', ' ORDER BY office) FROM vac.affected), 'F13 outside their hours now; it stays, F13 outside their hours now; it stays, F16 appointment cancelled',
	'of a case on hold; and after another pattern all that lies outside it');

-- ---- every view, within the same what-if -----------------------------------------------------
CREATE FUNCTION pg_temp.rows(of_view text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint := 0;
	one record;
BEGIN
	-- All columns, which count(*) alone would not work out.
	FOR one IN EXECUTE format('SELECT v.*::text FROM vac.%I v', of_view) LOOP
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
CREATE FUNCTION pg_temp.views() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v' ORDER BY 1
$$;
SELECT vac.allow_domain('example.org'), vac.add_protected_word('Operation Nightfall') \g /dev/null
SELECT is((SELECT string_agg(v, ' ') FROM pg_temp.views() v WHERE pg_temp.rows(v) = 0), 'clients linked_cases', 'each view but two has something to show');
SELECT set_config('vac.now', '2026-11-01 01:30 America/Los_Angeles', true) \g /dev/null
SELECT is((SELECT string_agg(v, ' ') FROM pg_temp.views() v WHERE pg_temp.rows(v) = 0), 'clients linked_cases', 'also in the hour that comes twice');
SELECT set_config('vac.now', '2031-03-09 03:00 America/New_York', true) \g /dev/null
SELECT lives_ok('SELECT pg_temp.rows(v) FROM pg_temp.views() v', 'and in years');
SELECT is_empty($$SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = 'vac'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND format_type(a.atttypid, NULL) ~ 'time|range|json|interval|\[\]'$$, 'no view shows a time, a span or a list as PostgreSQL writes them');
SELECT is_empty($$SELECT viewname FROM pg_views WHERE schemaname = 'vac' AND viewname <> 'status'
	AND definition ~* '(?<!vac\.)\mnow\(|current_(date|time)|clock_timestamp|wall\('$$, 'no view looks at a clock other than vac.now()');
SELECT set_config('vac.now', '2026-11-01 01:30 America/Los_Angeles', true) \g /dev/null
SELECT vac.add_holiday('2026-10-31', 'Closed', 'SEA'), vac.set_pattern('SEA-2', 'on_call', 'Sat 08:00-12:00', valid_to => '2026-10-31') \g /dev/null
CREATE FUNCTION pg_temp.text_of(of_view text, zone text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	PERFORM set_config('timezone', zone, true);
	EXECUTE format('SELECT string_agg(v::text, E''\n'') FROM vac.%I v', of_view) INTO said;
	RETURN said;
END
$$;
SELECT is((SELECT string_agg(v, ' ') FROM pg_temp.views() v WHERE pg_temp.text_of(v, 'Pacific/Guam') <> pg_temp.text_of(v, 'Pacific/Honolulu')), NULL,
	'nor does the session''s time zone change what any of them says');
SELECT * FROM finish();
ROLLBACK;
