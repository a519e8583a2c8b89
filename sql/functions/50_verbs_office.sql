-- Verbs about offices: the office itself, its hours, places and backups.

CREATE OR REPLACE FUNCTION vac_store.lock_office(given text, deed text) RETURNS office
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found office;
BEGIN
	found := office_named(given);
	PERFORM need_office(found.office_id, deed);
	SELECT * INTO found FROM office o WHERE o.office_id = found.office_id FOR NO KEY UPDATE;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.lock_office(text, text) IS
	'The office with this code, locked, if the person at the keyboard supervises it; deed is what they wanted to do';

CREATE OR REPLACE FUNCTION vac_store.office_cells(of_office office) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT jsonb_build_object('code', of_office.code, 'name', of_office.name, 'time_zone', of_office.time_zone,
			'telephone', of_office.telephone, 'hours', hours_text(of_office.office_id),
			'places', (SELECT string_agg(p.code || '=' || p.text, '; ' ORDER BY p.code) FROM office_place p
				WHERE p.office_id = of_office.office_id))
		WHERE of_office.office_id IS NOT NULL;
$$;
COMMENT ON FUNCTION vac_store.office_cells(office) IS 'An office as a line of the sheet offices, the columns that a line must have';

CREATE OR REPLACE FUNCTION vac.set_office(
	office text,
	name text DEFAULT NULL,
	time_zone text DEFAULT NULL,
	telephone text DEFAULT NULL,
	hours text DEFAULT NULL,
	places text DEFAULT NULL,
	backups text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	stored office;
	given jsonb := jsonb_strip_nulls(jsonb_build_object('name', set_office.name, 'time_zone', set_office.time_zone,
		'telephone', set_office.telephone, 'hours', set_office.hours, 'places', set_office.places, 'backups', set_office.backups));
	one jsonb;
	bad record;
BEGIN
	SELECT * INTO stored FROM office o WHERE o.code = upper(btrim(set_office.office)) FOR NO KEY UPDATE;
	IF stored.office_id IS NULL THEN
		PERFORM need_all_offices('set_office (a new one)');
	ELSE
		PERFORM need_office(stored.office_id, 'set_office');
	END IF;
	one := coalesce(office_cells(stored), '{}') || given || jsonb_build_object('line', 1, 'code', set_office.office);
	SELECT * INTO bad FROM import_check('offices', jsonb_build_array(one)) ORDER BY column_name = 'code' DESC LIMIT 1;
	IF FOUND THEN
		PERFORM refuse(format('%s: %s', replace(bad.column_name, 'code', 'office'), bad.problem), CASE WHEN stored.office_id IS NULL
			THEN format('%s is new: name, time_zone, telephone, hours and places are needed.', upper(set_office.office)) END);
	END IF;
	PERFORM import_apply_offices(jsonb_build_array(one));
	PERFORM record('office_set', of_office => (SELECT o.office_id FROM office o WHERE o.code = upper(btrim(set_office.office))),
		more => given);
	PERFORM plan_soon();
	RETURN format('%s is %s', upper(btrim(set_office.office)), CASE WHEN stored.office_id IS NULL THEN 'there' ELSE 'changed' END);
END
$$;
COMMENT ON FUNCTION vac.set_office(text, text, text, text, text, text, text) IS
	'Adds an office (for supervisors of all offices) or changes one; what is left out stays. office: its code. time_zone: an IANA name. '
	'telephone: one that is answered 24 hours. hours: ''Mon-Fri 08:00-17:00; Sat 09:00-12:00''. places: ''MAIN=Federal '
	'Building, room 210; AIR=Airport desk''. backups: ''PDX:180; SPO:270'' in order, with minutes of travel';

CREATE OR REPLACE FUNCTION vac.retire_office(office text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	people text;
	cases bigint;
BEGIN
	PERFORM need_all_offices('retire_office');
	one := lock_office(retire_office.office, 'retire_office');
	PERFORM need_reason(retire_office.reason);
	SELECT string_agg(c.code, ', ' ORDER BY c.code) INTO people FROM coordinator c
		WHERE c.office_id = one.office_id AND c.retired_at IS NULL;
	SELECT count(*) INTO cases FROM case_record c WHERE c.office_id = one.office_id AND c.state = 'open';
	IF people IS NOT NULL OR cases > 0 THEN
		PERFORM refuse(format('office: %s still has %s', one.code, concat_ws(' and ', CASE WHEN cases > 0
				THEN quantity(cases, 'open case', 'open cases') END, 'coordinators ' || people)),
			'Close the cases or give them to another office (vac.close_case, vac.transfer_case), and give the coordinators another office by vac.set_coordinator(…, office => …).');
	END IF;
	UPDATE office o SET retired_at = moment() WHERE o.office_id = one.office_id;
	DELETE FROM office_backup b WHERE one.office_id IN (b.office_id, b.backup_office_id);
	PERFORM record('office_retired', of_office => one.office_id, why => reason_code(retire_office.reason),
		said => reason_note(retire_office.reason));
	RETURN format('%s takes no cases any more; vac.set_office() brings it back', one.code);
END
$$;
COMMENT ON FUNCTION vac.retire_office(text, text) IS 'Closes an office that has no open case and no coordinator. For supervisors of all offices';

CREATE OR REPLACE FUNCTION vac.set_hours(office text, hours text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
BEGIN
	one := lock_office(set_hours.office, 'set_hours');
	PERFORM refuse_if(week_problem(set_hours.hours), 'hours');
	IF cardinality(list_of(set_hours.hours)) = 0 THEN
		PERFORM refuse('hours: something is needed here', 'Such as Mon-Fri 08:00-17:00; Sat 09:00-12:00.');
	END IF;
	IF put_office_hours(one.office_id, set_hours.hours) THEN
		PERFORM record('hours_set', of_office => one.office_id, more => jsonb_build_object('hours', set_hours.hours));
		PERFORM plan_soon(one.office_id);
	END IF;
	RETURN format('%s is open %s (%s)', one.code, hours_text(one.office_id), one.time_zone);
END
$$;
COMMENT ON FUNCTION vac.set_hours(text, text) IS
	'Sets the hours of an office, all of them: vac.set_hours(''SEA'', ''Mon-Fri 08:00-17:00; Sat 09:00-12:00''), local time';

CREATE OR REPLACE FUNCTION vac.set_place(office text, place text, address text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	wanted CONSTANT text := upper(btrim(set_place.place));
	old text;
BEGIN
	one := lock_office(set_place.office, 'set_place');
	IF wanted IS NULL OR wanted !~ '^[A-Z0-9][A-Z0-9-]{0,11}$' THEN
		PERFORM refuse(format('place: %s', coalesce(quote_literal(set_place.place), 'nothing')),
			'A place''s code is up to 12 letters, digits and hyphens, such as MAIN.');
	END IF;
	PERFORM refuse_if(text_problem(set_place.address), 'address', 'Such as Federal Building, room 210.');
	IF set_place.address LIKE '%;%' THEN
		PERFORM refuse('address: a semicolon separates places', 'Use a comma.');
	END IF;
	SELECT p.text INTO old FROM office_place p WHERE p.office_id = one.office_id AND p.code = wanted;
	INSERT INTO office_place AS p (office_id, code, text) VALUES (one.office_id, wanted, btrim(set_place.address))
		ON CONFLICT (office_id, code) DO UPDATE SET text = excluded.text;
	PERFORM record('place_set', of_office => one.office_id,
		more => jsonb_build_object('place', wanted, 'before', old, 'after', btrim(set_place.address)));
	RETURN format('%s, place %s: %s', one.code, wanted, btrim(set_place.address));
END
$$;
COMMENT ON FUNCTION vac.set_place(text, text, text) IS
	'Adds a place of an office or changes one: its code (MAIN is taken when a case names none) and its address, which may be mailed';

CREATE OR REPLACE FUNCTION vac.remove_place(office text, place text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	wanted CONSTANT text := upper(btrim(remove_place.place));
BEGIN
	one := lock_office(remove_place.office, 'remove_place');
	IF EXISTS (SELECT FROM request r WHERE r.office_id = one.office_id AND r.place = wanted) THEN
		PERFORM refuse(format('place: requests were made for %s', wanted), 'It stays for their record; vac.set_place(…) changes its address.');
	ELSIF (SELECT count(*) FROM office_place p WHERE p.office_id = one.office_id) = 1 THEN
		PERFORM refuse('place: an office needs at least one', 'Add another first, by vac.set_place(…).');
	END IF;
	DELETE FROM office_place p WHERE p.office_id = one.office_id AND p.code = wanted;
	IF NOT FOUND THEN
		PERFORM refuse(format('place: %s has no place %s', one.code, coalesce(quote_literal(remove_place.place), 'that was named')),
			(SELECT 'It has: ' || string_agg(p.code, ', ' ORDER BY p.code) FROM office_place p WHERE p.office_id = one.office_id));
	END IF;
	PERFORM record('place_removed', of_office => one.office_id, more => jsonb_build_object('place', wanted));
	RETURN format('%s has no place %s any more', one.code, wanted);
END
$$;
COMMENT ON FUNCTION vac.remove_place(text, text) IS 'Removes a place of an office that no request ever named';

CREATE OR REPLACE FUNCTION vac.set_backup(office text, backup text, travel_minutes integer, rank integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	other office;
	wanted text;
BEGIN
	one := lock_office(set_backup.office, 'set_backup');
	other := office_named(set_backup.backup, 'backup');
	IF other.office_id = one.office_id THEN
		PERFORM refuse('backup: an office is no backup of its own', 'Name another one.');
	ELSIF set_backup.travel_minutes IS NULL OR set_backup.travel_minutes NOT BETWEEN 0 AND 1440 THEN
		PERFORM refuse(format('travel_minutes: %s', coalesce(set_backup.travel_minutes::text, 'nothing')), 'From 0 to 1440 minutes, one way.');
	END IF;
	-- The list in its new order: the others keep theirs, this one comes at its rank (left out: where it was, or last).
	SELECT string_agg(l.code || ':' || l.minutes, '; ' ORDER BY l.place, l.moved DESC) INTO wanted FROM (
		SELECT o.code, b.travel_minutes AS minutes, row_number() OVER (ORDER BY b.rank)::numeric AS place, false AS moved
			FROM office_backup b JOIN office o ON o.office_id = b.backup_office_id
			WHERE b.office_id = one.office_id AND b.backup_office_id <> other.office_id
		UNION ALL
		SELECT other.code, set_backup.travel_minutes, coalesce(set_backup.rank::numeric,
			(SELECT count(*) FROM office_backup b WHERE b.office_id = one.office_id AND b.backup_office_id <> other.office_id
				AND b.rank < (SELECT k.rank FROM office_backup k WHERE k.office_id = one.office_id
					AND k.backup_office_id = other.office_id)) + 1
				+ CASE WHEN NOT EXISTS (SELECT FROM office_backup k WHERE k.office_id = one.office_id
					AND k.backup_office_id = other.office_id) THEN 20 ELSE 0 END), true) l;
	PERFORM refuse_if(backups_problem(wanted, one.code), 'backup');
	IF put_office_backups(one.office_id, wanted) THEN
		PERFORM record('backups_set', of_office => one.office_id, more => jsonb_build_object('backups', wanted));
		PERFORM plan_soon(one.office_id);
	END IF;
	RETURN format('Backups of %s: %s (minutes of travel)', one.code, wanted);
END
$$;
COMMENT ON FUNCTION vac.set_backup(text, text, integer, integer) IS
	'Makes an office a backup of another: its coordinators may then be sent there. rank: 1 is asked first (left out: last, or '
	'where it was). travel_minutes: one way';

CREATE OR REPLACE FUNCTION vac.remove_backup(office text, backup text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	other office;
	wanted text;
BEGIN
	one := lock_office(remove_backup.office, 'remove_backup');
	other := office_named(remove_backup.backup, 'backup');
	SELECT string_agg(o.code || ':' || b.travel_minutes, '; ' ORDER BY b.rank) INTO wanted
		FROM office_backup b JOIN office o ON o.office_id = b.backup_office_id
		WHERE b.office_id = one.office_id AND b.backup_office_id <> other.office_id;
	IF NOT put_office_backups(one.office_id, coalesce(wanted, '')) THEN
		PERFORM refuse(format('backup: %s is no backup of %s', other.code, one.code), 'Its backups are: ' || coalesce(wanted, 'none') || '.');
	END IF;
	PERFORM record('backups_set', of_office => one.office_id, more => jsonb_build_object('backups', wanted));
	RETURN format('Backups of %s: %s', one.code, coalesce(wanted, 'none'));
END
$$;
COMMENT ON FUNCTION vac.remove_backup(text, text) IS 'An office is no backup of another any more; appointments that stand stay';
