-- Limits that an office sets for its coordinators who have none of their own.

CREATE OR REPLACE FUNCTION vac.set_office_limits(office text, duty text, max_open_cases integer DEFAULT NULL, weekly_hours numeric DEFAULT NULL,
		meetings_a_day integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_office office;
	before office_limit;
	kind text := lower(replace(btrim(set_office_limits.duty), '-', '_'));
BEGIN
	of_office := lock_office(set_office_limits.office, 'set_office_limits');
	PERFORM refuse_if(one_of_problem(kind, 'full_time', 'collateral'), 'duty');
	PERFORM refuse_if(number_problem(set_office_limits.max_open_cases::text, 0, 1000), 'max_open_cases') WHERE set_office_limits.max_open_cases IS NOT NULL;
	PERFORM refuse_if(number_problem(set_office_limits.meetings_a_day::text, 0, 50), 'meetings_a_day') WHERE set_office_limits.meetings_a_day IS NOT NULL;
	IF set_office_limits.weekly_hours NOT BETWEEN 0 AND 168 THEN
		PERFORM refuse(format('weekly_hours: %s', set_office_limits.weekly_hours), 'From 0 to 168 hours.');
	END IF;
	DELETE FROM office_limit l WHERE l.office_id = of_office.office_id AND l.duty = kind RETURNING * INTO before;
	INSERT INTO office_limit (office_id, duty, max_open_cases, weekly_minutes, meetings_a_day)
		SELECT of_office.office_id, kind, set_office_limits.max_open_cases, round(set_office_limits.weekly_hours * 60), set_office_limits.meetings_a_day
			WHERE num_nonnulls(set_office_limits.max_open_cases, set_office_limits.weekly_hours, set_office_limits.meetings_a_day) > 0;
	PERFORM record('office_limits_set', of_office => of_office.office_id,
		more => jsonb_build_object('duty', kind, 'before', jsonb_build_array(before.max_open_cases, before.weekly_minutes, before.meetings_a_day),
			'after', jsonb_build_array(set_office_limits.max_open_cases, round(set_office_limits.weekly_hours * 60), set_office_limits.meetings_a_day)));
	PERFORM plan_soon(of_office.office_id);
	RETURN format('%s, %s: open cases %s, hours a week %s, meetings a day %s', of_office.code, duty_text(kind),
		coalesce(set_office_limits.max_open_cases::text, 'by policy'), coalesce(set_office_limits.weekly_hours::text, 'by policy'),
		coalesce(set_office_limits.meetings_a_day::text, 'by policy'));
END
$$;
COMMENT ON FUNCTION vac.set_office_limits(text, text, integer, numeric, integer) IS
	'Sets all three limits of an office''s coordinators of a duty (full_time, collateral) who have none of their own: open cases, hours a week with travel, meetings a day. '
	'What is left out is the policy''s; vac.set_limits() sets one coordinator''s';
