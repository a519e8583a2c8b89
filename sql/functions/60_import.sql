-- Rosters from files: one call a sheet, all rows at once. Each sheet is checked whole; what is wrong
-- is returned line by line, and what is right is applied only while nothing in this transaction was
-- wrong. Only what differs is written. Rows that a file lacks stay as they are, with one exception:
-- of a coordinator who occurs in the sheet `patterns` all weekly patterns, and of one who occurs in
-- the sheet `leave` all leave that came from files, are those of the file.
--
-- Applied is in an order that lets one import refer to itself: offices, then supervisors and
-- coordinators, then patterns and leave. What went before in this transaction is remembered in
-- settings that end with it: vac.import_state holds the counts, the codes seen, and whether all is well.

-- ---- the call --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.import_check(sheet text, rows jsonb)
	RETURNS TABLE (line int, column_name text, problem text)
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one jsonb;
BEGIN
	RETURN QUERY SELECT * FROM import_shape(sheet, rows);
	FOR one IN SELECT * FROM jsonb_array_elements(rows) LOOP
		RETURN QUERY EXECUTE format('SELECT %s, p.* FROM %I($1) p', (one ->> 'line')::int, 'import_check_' || sheet) USING one;
	END LOOP;
	IF sheet = 'coordinators' THEN
		RETURN QUERY SELECT d.line, 'mail', format('%s is in line %s already', quote_literal(d.mail), d.first_line) FROM (
			SELECT (r ->> 'line')::int AS line, cell(r, 'mail') AS mail,
					min((r ->> 'line')::int) OVER (PARTITION BY lower(cell(r, 'mail'))) AS first_line
				FROM jsonb_array_elements(rows) r WHERE cell(r, 'mail') <> '') d
			WHERE d.line <> d.first_line;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.import_check(text, jsonb) IS 'Everything that is wrong with a sheet, by line and column';

CREATE OR REPLACE FUNCTION vac.import_roster(sheet text, rows jsonb)
	RETURNS TABLE (line int, column_name text, problem text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	problems jsonb;
BEGIN
	PERFORM need_all_offices('import_roster');
	IF NOT EXISTS (SELECT FROM import_columns(import_roster.sheet)) THEN
		PERFORM refuse(format('sheet: no sheet %s', coalesce(quote_literal(import_roster.sheet), 'was named')),
			'There are: offices, supervisors, coordinators, patterns, leave.');
	END IF;
	IF jsonb_typeof(rows) IS DISTINCT FROM 'array' THEN
		PERFORM refuse('rows: a JSON array is needed, one object a line', 'Such as [{"line": 2, "code": "SEA", …}].');
	END IF;
	-- What this sheet names is known to the sheets after it, even when a line has another mistake:
	-- one mistake shall not be reported a hundred times.
	IF sheet IN ('offices', 'coordinators') THEN
		PERFORM import_remember(ARRAY[import_roster.sheet], coalesce(import_state() -> import_roster.sheet, '[]')
			|| (SELECT coalesce(jsonb_agg(upper(cell(r, 'code'))), '[]') FROM jsonb_array_elements(rows) r
				WHERE cell(r, 'code') <> ''));
	END IF;
	SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.line, c.column_name), '[]') INTO problems
		FROM import_check(import_roster.sheet, rows) c;
	IF problems = '[]' AND import_roster.sheet = 'patterns' THEN
		SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.line), '[]') INTO problems FROM import_overlaps_patterns(rows) c;
	END IF;
	IF problems <> '[]' THEN
		PERFORM import_remember('{failed}', 'true');
		RETURN QUERY SELECT p.line, p.column_name, p.problem
			FROM jsonb_to_recordset(problems) AS p (line int, column_name text, problem text);
		RETURN;
	END IF;
	IF NOT (import_state() ->> 'failed')::boolean AND jsonb_array_length(rows) > 0 THEN
		EXECUTE format('SELECT %I($1)', 'import_apply_' || import_roster.sheet) USING rows;
		PERFORM plan_soon();
	END IF;
END
$$;
COMMENT ON FUNCTION vac.import_roster(text, jsonb) IS
	'Takes a sheet of a roster (offices, supervisors, coordinators, patterns, leave): rows is a JSON array with one object '
	'a line, all values text, and line its number. Returns what is wrong; only when nothing in this transaction was wrong '
	'is anything stored. Lines that a file lacks stay, except the patterns, and the leave from files, of coordinators '
	'that occur in it. vacd import roster calls it';

CREATE OR REPLACE FUNCTION vac.import_summary()
	RETURNS TABLE (sheet text, added bigint, changed bigint, unchanged bigint, retired bigint)
	LANGUAGE sql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT s.key, (s.value ->> 'added')::bigint, (s.value ->> 'changed')::bigint,
			(s.value ->> 'unchanged')::bigint, (s.value ->> 'retired')::bigint
		FROM jsonb_each(import_state() -> 'counts') s
		ORDER BY array_position(ARRAY['offices', 'supervisors', 'coordinators', 'patterns', 'leave'], s.key);
$$;
COMMENT ON FUNCTION vac.import_summary() IS
	'What the import of this transaction did, by sheet: how many rows it added, changed, left as they were, and retired';
