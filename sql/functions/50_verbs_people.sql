-- Verbs about coordinators themselves, and about supervisors. What they check and store is what the
-- import checks and stores.

-- ---- coordinators ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.coordinator_cells(who coordinator) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('code', who.code, 'office', o.code, 'duty', who.duty, 'name', who.name, 'title', who.title,
			'mail', who.mail, 'telephone', who.telephone,
			'services', (SELECT string_agg(s.service, '; ' ORDER BY s.service) FROM coordinator_service s
				WHERE s.coordinator_id = who.coordinator_id),
			'languages', (SELECT string_agg(l.language, '; ' ORDER BY l.language) FROM coordinator_language l
				WHERE l.coordinator_id = who.coordinator_id))
		FROM office o WHERE o.office_id = who.office_id;
$$;
COMMENT ON FUNCTION vac_store.coordinator_cells(coordinator) IS
	'A coordinator as a line of the sheet coordinators, the columns that a line must have';

CREATE OR REPLACE FUNCTION vac.set_coordinator(
	coordinator text,
	office text DEFAULT NULL,
	duty text DEFAULT NULL,
	name text DEFAULT NULL,
	title text DEFAULT NULL,
	mail text DEFAULT NULL,
	telephone text DEFAULT NULL,
	services text DEFAULT NULL,
	languages text DEFAULT NULL,
	aliases text DEFAULT NULL,
	pager text DEFAULT NULL,
	gender text DEFAULT NULL,
	time_zone text DEFAULT NULL,
	max_open_cases integer DEFAULT NULL,
	weekly_hours numeric DEFAULT NULL,
	meetings_a_day integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	stored coordinator;
	given jsonb := jsonb_strip_nulls(jsonb_build_object('office', set_coordinator.office, 'duty', set_coordinator.duty,
		'name', set_coordinator.name, 'title', set_coordinator.title, 'mail', set_coordinator.mail,
		'telephone', set_coordinator.telephone, 'services', set_coordinator.services, 'languages', set_coordinator.languages,
		'aliases', set_coordinator.aliases, 'pager', set_coordinator.pager, 'gender', set_coordinator.gender,
		'time_zone', set_coordinator.time_zone, 'max_open_cases', set_coordinator.max_open_cases::text,
		'weekly_hours', set_coordinator.weekly_hours::text, 'meetings_a_day', set_coordinator.meetings_a_day::text));
	one jsonb;
	bad record;
	done coordinator;
	touched boolean;
BEGIN
	SELECT * INTO stored FROM coordinator c
		WHERE c.code = upper(btrim(set_coordinator.coordinator)) AND c.office_id IN (SELECT near_offices());
	IF stored.coordinator_id IS NOT NULL THEN
		PERFORM need_office(stored.office_id, 'set_coordinator');
		SELECT * INTO stored FROM coordinator c WHERE c.coordinator_id = stored.coordinator_id FOR NO KEY UPDATE;
	END IF;
	one := coalesce(coordinator_cells(stored), '{}') || given || jsonb_build_object('line', 1, 'code', set_coordinator.coordinator);
	PERFORM need_office((office_named(one ->> 'office')).office_id, 'set_coordinator');
	IF stored.coordinator_id IS NULL AND EXISTS (SELECT FROM coordinator c WHERE c.code = upper(btrim(set_coordinator.coordinator))) THEN
		PERFORM refuse(format('coordinator: %s is a code that another office uses', upper(btrim(set_coordinator.coordinator))),
			'Codes are of the whole agency: choose another.');
	END IF;
	SELECT * INTO bad FROM import_check('coordinators', jsonb_build_array(one)) ORDER BY column_name = 'code' DESC LIMIT 1;
	IF FOUND THEN
		PERFORM refuse(format('%s: %s', replace(bad.column_name, 'code', 'coordinator'), bad.problem),
			CASE WHEN stored.coordinator_id IS NULL THEN format('%s is new: office, duty, name, title, mail, telephone, services and languages are needed.',
				upper(set_coordinator.coordinator)) END);
	END IF;
	done := put_coordinator(import_coordinator_row(one, stored));
	touched := done.coordinator_id IS NOT NULL;
	touched := put_services(coalesce(stored.coordinator_id, done.coordinator_id), one ->> 'services') OR touched;
	touched := put_languages(coalesce(stored.coordinator_id, done.coordinator_id), one ->> 'languages') OR touched;
	IF NOT touched THEN
		RETURN format('%s (%s) is so already', stored.code, stored.name);
	END IF;
	SELECT * INTO done FROM coordinator c WHERE c.coordinator_id = coalesce(stored.coordinator_id, done.coordinator_id);
	-- Which things changed, not what they are: history outlives a telephone number.
	PERFORM record(CASE WHEN stored.coordinator_id IS NULL THEN 'coordinator_added' ELSE 'coordinator_changed' END,
		of_office => done.office_id, of_coordinator => done.coordinator_id,
		more => jsonb_build_object('what', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(given) k)));
	PERFORM plan_soon(done.office_id);
	RETURN format('%s (%s) is %s', done.code, done.name, CASE WHEN stored.coordinator_id IS NULL
		THEN 'on the roster; give them hours by vac.set_pattern()' ELSE 'changed' END);
END
$$;
COMMENT ON FUNCTION vac.set_coordinator(text, text, text, text, text, text, text, text, text, text, text, text, text, integer,
	numeric, integer) IS
	'Adds a coordinator or changes one; what is left out stays, an empty text ('''') empties. coordinator: their code. duty: '
	'full_time or collateral. services: ''crisis_intervention; counseling''. languages: ''en; es''. aliases: other addresses '
	'they answer from. time_zone: where it is not the office''s. Limits left empty are the policy''s: vac.set_limits()';

CREATE OR REPLACE FUNCTION vac.set_limits(coordinator text, max_open_cases integer DEFAULT NULL, weekly_hours numeric DEFAULT NULL,
		meetings_a_day integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
BEGIN
	who := lock_coordinator(set_limits.coordinator, 'set_limits');
	PERFORM refuse_if(number_problem(set_limits.max_open_cases::text, 0, 1000), 'max_open_cases')
		WHERE set_limits.max_open_cases IS NOT NULL;
	PERFORM refuse_if(number_problem(set_limits.meetings_a_day::text, 0, 50), 'meetings_a_day')
		WHERE set_limits.meetings_a_day IS NOT NULL;
	IF set_limits.weekly_hours NOT BETWEEN 0 AND 168 THEN
		PERFORM refuse(format('weekly_hours: %s', set_limits.weekly_hours), 'From 0 to 168 hours.');
	END IF;
	UPDATE coordinator c SET max_open_cases = set_limits.max_open_cases,
			weekly_minutes = round(set_limits.weekly_hours * 60), meetings_a_day = set_limits.meetings_a_day
		WHERE c.coordinator_id = who.coordinator_id;
	PERFORM record('coordinator_changed', of_office => who.office_id, of_coordinator => who.coordinator_id,
		more => jsonb_build_object('what', '["limits"]'::jsonb, 'before', jsonb_build_array(who.max_open_cases, who.weekly_minutes,
			who.meetings_a_day), 'after', jsonb_build_array(set_limits.max_open_cases, round(set_limits.weekly_hours * 60), set_limits.meetings_a_day)));
	PERFORM plan_soon(who.office_id);
	RETURN format('%s (%s): open cases %s, hours a week %s, meetings a day %s', who.code, who.name,
		coalesce(set_limits.max_open_cases::text, 'by policy'), coalesce(set_limits.weekly_hours::text, 'by policy'),
		coalesce(set_limits.meetings_a_day::text, 'by policy'));
END
$$;
COMMENT ON FUNCTION vac.set_limits(text, integer, numeric, integer) IS
	'Sets all three limits of a coordinator: open cases, hours a week with travel, meetings a day. What is left out is the office''s (vac.set_office_limits), else the policy''s';

-- Of other offices' cases their codes are not said.
CREATE OR REPLACE FUNCTION vac_store.what_remains(who coordinator, at timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	RETURN NULLIF(concat_ws(', ',
		(SELECT CASE WHEN count(*) = 1 THEN 'the case ' ELSE 'the cases ' END || string_agg(c.case_code, ', ' ORDER BY c.case_code)
			FROM case_record c WHERE c.responsible_id = who.coordinator_id AND c.state = 'open' AND c.office_id IN (SELECT my_offices())),
		(SELECT string_agg(format('%s of %s', quantity(n.cases, 'case', 'cases'), n.code), ', ' ORDER BY n.code)
			FROM (SELECT o.code, count(*) AS cases FROM case_record c JOIN office o ON o.office_id = c.office_id
				WHERE c.responsible_id = who.coordinator_id AND c.state = 'open' AND c.office_id NOT IN (SELECT my_offices()) GROUP BY o.code) n),
		(SELECT string_agg(format('turns of %s (%s)', r.name, o.code), ', ' ORDER BY o.code, r.name)
			FROM rotation r JOIN office o ON o.office_id = r.office_id WHERE r.rotation_id = ANY (rotations_of(who, at)))), '');
END
$$;
COMMENT ON FUNCTION vac_store.what_remains(coordinator, timestamptz) IS
	'What somebody who leaves is still responsible for, and on call for, in words; NULL: nothing';

CREATE OR REPLACE FUNCTION vac.retire_coordinator(coordinator text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
	ended bigint[];
BEGIN
	who := lock_coordinator(retire_coordinator.coordinator, 'retire_coordinator', ends => true);
	PERFORM need_reason(retire_coordinator.reason);
	IF who.retired_at IS NOT NULL THEN
		RETURN format('%s (%s) has left already', who.code, who.name);
	END IF;
	UPDATE coordinator c SET retired_at = moment() WHERE c.coordinator_id = who.coordinator_id;
	PERFORM record('coordinator_retired', of_office => who.office_id, of_coordinator => who.coordinator_id,
		why => reason_code(retire_coordinator.reason), said => reason_note(retire_coordinator.reason));
	ended := free_appointments(ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.coordinator_id = who.coordinator_id
		AND a.live AND upper(a.span) > moment()), 'left');
	RETURN said(format('%s (%s) has left%s%s', who.code, who.name, freed_text(ended), coalesce('. Still theirs: ' || what_remains(who, moment())
		|| format('. SELECT * FROM vac.hand_over(''%s'', ''roster'') gives away what is of your offices, and tells others of their cases', who.code), '')));
END
$$;
COMMENT ON FUNCTION vac.retire_coordinator(text, text) IS
	'A coordinator leaves: nothing more is planned for them, appointments to come are cancelled and planned again. '
	'vac.hand_over() before, or after, gives away what else they have. vac.set_coordinator() with the same code brings them back';

-- ---- supervisors -----------------------------------------------------------------------------
-- vac.set_supervisor() stands in 51_verbs_logins.sql.
CREATE OR REPLACE FUNCTION vac.retire_supervisor(login text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM need_all_offices('retire_supervisor');
	UPDATE supervisor s SET retired_at = moment() WHERE s.login = retire_supervisor.login AND s.retired_at IS NULL;
	IF NOT FOUND THEN
		PERFORM refuse(format('login: no supervisor %s', coalesce(quote_literal(retire_supervisor.login), 'was named')),
			(SELECT 'There are: ' || string_agg(s.login, ', ' ORDER BY s.login) FROM supervisor s WHERE s.retired_at IS NULL));
	END IF;
	PERFORM record('supervisor_retired', more => jsonb_build_object('login', retire_supervisor.login));
	RETURN format('%s sees nothing more and is told nothing more; vac.set_supervisor() brings them back', retire_supervisor.login);
END
$$;
COMMENT ON FUNCTION vac.retire_supervisor(text) IS 'A supervisor leaves: their login sees nothing any more. For supervisors of all offices';
