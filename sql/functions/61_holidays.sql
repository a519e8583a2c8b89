-- Holidays from a calendar file: vacd reads the file and sends the days, this stores what is new.

CREATE OR REPLACE FUNCTION vac.import_holidays(rows jsonb, office text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_office office;
	one record;
BEGIN
	IF import_holidays.office IS NULL THEN
		PERFORM need_all_offices('import_holidays');
	ELSE
		of_office := office_named(import_holidays.office);
		PERFORM need_office(of_office.office_id, 'import_holidays');
	END IF;
	IF jsonb_typeof(rows) IS DISTINCT FROM 'array' THEN
		PERFORM refuse('rows: a JSON array is needed, one object a day', 'Such as [{"day": "2026-12-25", "name": "Christmas Day"}].');
	END IF;
	FOR one IN
		SELECT r.day, btrim(r.name) AS name,
				CASE WHEN h.name IS NULL THEN 'added' WHEN h.name = btrim(r.name) THEN 'unchanged' ELSE 'changed' END AS state
			FROM jsonb_to_recordset(rows) AS r (day date, name text)
			LEFT JOIN holiday h ON h.day = r.day AND h.office_id IS NOT DISTINCT FROM of_office.office_id
			ORDER BY r.day
	LOOP
		IF one.state <> 'unchanged' THEN
			PERFORM vac.add_holiday(one.day, one.name, import_holidays.office);
		END IF;
		PERFORM import_count('holidays', one.state);
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac.import_holidays(jsonb, text) IS
	'Adds holidays, of all offices or of one: rows is a JSON array of {"day", "name"}. Days that are stored and not '
	'among them stay. vac.import_summary() then says how many were new; vacd import holidays calls it';
