-- What the import remembers within its transaction, what sheets look like, and how lists in a cell are
-- written.

CREATE OR REPLACE FUNCTION vac_store.import_state() RETURNS jsonb
	LANGUAGE sql VOLATILE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(NULLIF(current_setting('vac.import_state', true), '')::jsonb,
		'{"failed": false, "counts": {}, "offices": []}');
$$;
COMMENT ON FUNCTION vac_store.import_state() IS 'What the import of this transaction has done so far';

CREATE OR REPLACE FUNCTION vac_store.import_remember(path text[], value jsonb) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT set_config('vac.import_state', jsonb_set(import_state(), path, value)::text, true);
$$;
COMMENT ON FUNCTION vac_store.import_remember(text[], jsonb) IS 'Remembers something of the import until the transaction ends';

CREATE OR REPLACE FUNCTION vac_store.import_count(sheet text, what text, n bigint DEFAULT 1) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	counts jsonb := coalesce(import_state() -> 'counts' -> sheet, '{"added": 0, "changed": 0, "unchanged": 0, "retired": 0}');
BEGIN
	PERFORM import_remember(ARRAY['counts', sheet], jsonb_set(counts, ARRAY[what], to_jsonb((counts ->> what)::bigint + n)));
END
$$;
COMMENT ON FUNCTION vac_store.import_count(text, text, bigint) IS
	'Counts n more rows of the sheet as added, changed, unchanged or retired';

-- ---- the sheets' columns ---------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.import_columns(sheet text)
	RETURNS TABLE (column_name text, needed boolean)
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT rtrim(word, '!'), word LIKE '%!' FROM unnest(string_to_array(CASE sheet
		WHEN 'offices' THEN 'code! name! time_zone! telephone! hours! places! backups'
		WHEN 'supervisors' THEN 'login! name! mail! pager rank offices!'
		WHEN 'coordinators' THEN 'code! office! duty! name! title! mail! aliases telephone! pager gender services! '
			|| 'languages! max_open_cases weekly_hours meetings_a_day time_zone'
		WHEN 'patterns' THEN 'coordinator! kind! days! from! to! valid_from valid_to'
		WHEN 'leave' THEN 'coordinator! from! to!' END, ' ')) AS word;
$$;
COMMENT ON FUNCTION vac_store.import_columns(text) IS
	'The columns of a sheet; needed: every line must have a value in it. No row: there is no such sheet';

CREATE OR REPLACE FUNCTION vac_store.import_shape(sheet text, rows jsonb)
	RETURNS TABLE (line int, column_name text, problem text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	WITH given AS (
		SELECT (r ->> 'line')::int AS line, r - 'line' AS cells FROM jsonb_array_elements(rows) r
	), cell AS (
		SELECT g.line, c.key, c.value FROM given g, jsonb_each_text(g.cells) c
	)
	SELECT min(c.line), c.key, format('this column is not known; columns are: %s',
			(SELECT string_agg(i.column_name, ', ') FROM import_columns(sheet) i))
		FROM cell c WHERE c.key NOT IN (SELECT i.column_name FROM import_columns(sheet) i) GROUP BY c.key
	UNION ALL
	SELECT g.line, i.column_name, 'something is needed here'
		FROM given g, import_columns(sheet) i
		WHERE i.needed AND btrim(coalesce(g.cells ->> i.column_name, '')) = ''
	UNION ALL
	SELECT c.line, c.key, 'control characters have no place here'
		FROM cell c WHERE c.value ~ '[\x01-\x1f\x7f\u0080-\u009f\u2028\u2029]'
	UNION ALL
	-- Rows that name the same thing: the first keeps it.
	SELECT d.line, d.key_name, format('%s is in line %s already', quote_literal(d.name), d.first_line) FROM (
		SELECT g.line, k.key_name, btrim(g.cells ->> k.key_name) AS name,
				min(g.line) OVER (PARTITION BY upper(btrim(g.cells ->> k.key_name))) AS first_line
			FROM given g, (SELECT CASE sheet WHEN 'supervisors' THEN 'login' ELSE 'code' END AS key_name) k
			WHERE sheet IN ('offices', 'supervisors', 'coordinators') AND btrim(g.cells ->> k.key_name) <> '') d
		WHERE d.line <> d.first_line;
$$;
COMMENT ON FUNCTION vac_store.import_shape(text, jsonb) IS
	'What is wrong with a sheet before its values are looked at: columns, missing values, doubles';

CREATE OR REPLACE FUNCTION vac_store.import_office_known(given text) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT EXISTS (SELECT FROM office WHERE code = upper(btrim(given)) AND retired_at IS NULL)
		OR import_state() -> 'offices' ? upper(btrim(given));
$$;
COMMENT ON FUNCTION vac_store.import_office_known(text) IS
	'True for an office that is stored, or that a sheet of this import names (even in a line with another mistake)';

CREATE OR REPLACE FUNCTION vac_store.import_office_problem(given text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN NOT import_office_known(given)
		THEN format('no office %s; offices: %s', quote_literal(btrim(given)),
			coalesce((SELECT string_agg(code, ', ' ORDER BY code) FROM (
				SELECT code FROM office WHERE retired_at IS NULL
				UNION SELECT jsonb_array_elements_text(import_state() -> 'offices')) known), 'none yet')) END;
$$;
COMMENT ON FUNCTION vac_store.import_office_problem(text) IS 'Says that there is no such office, or NULL';

-- ---- items of lists in a cell ----------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.places_of(given text) RETURNS TABLE (code text, place text)
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT upper(btrim(split_part(item, '=', 1))), btrim(substr(item, strpos(item, '=') + 1))
		FROM unnest(list_of(given)) AS item;
$$;
COMMENT ON FUNCTION vac_store.places_of(text) IS 'The places written "MAIN=Federal Building, room 210; AIR=Airport desk"';

CREATE OR REPLACE FUNCTION vac_store.places_problem(given text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(
		(SELECT format('%s; places are written MAIN=Federal Building, room 210; AIR=Airport desk', quote_literal(item))
			FROM unnest(list_of(given)) AS item
			WHERE item !~ '^\s*[A-Za-z0-9][A-Za-z0-9-]{0,11}\s*=\s*\S' OR length(item) > 200 LIMIT 1),
		(SELECT format('place %s is named twice', code) FROM places_of(given) GROUP BY code HAVING count(*) > 1 LIMIT 1));
$$;
COMMENT ON FUNCTION vac_store.places_problem(text) IS 'What is wrong with a list of places, or NULL';

CREATE OR REPLACE FUNCTION vac_store.backups_of(given text) RETURNS TABLE (code text, minutes int, rank smallint)
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT upper(btrim(split_part(item, ':', 1))), btrim(split_part(item, ':', 2))::int, place::smallint
		FROM unnest(list_of(given)) WITH ORDINALITY AS t (item, place);
$$;
COMMENT ON FUNCTION vac_store.backups_of(text) IS 'The backup offices written "PDX:180; SPO:270", in order, with travel minutes';

CREATE OR REPLACE FUNCTION vac_store.backups_problem(given text, own text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	bad text;
BEGIN
	SELECT item INTO bad FROM unnest(list_of(given)) AS item WHERE item !~ '^\s*[A-Za-z0-9]+\s*:\s*[0-9]{1,4}\s*$' LIMIT 1;
	IF FOUND THEN
		RETURN format('%s; backups are written PDX:180; SPO:270 (code and minutes of travel)', quote_literal(bad));
	END IF;
	SELECT import_office_problem(b.code) INTO bad FROM backups_of(given) b WHERE NOT import_office_known(b.code) LIMIT 1;
	IF FOUND THEN
		RETURN bad;
	END IF;
	IF EXISTS (SELECT FROM backups_of(given) b WHERE b.code = upper(btrim(own))) THEN
		RETURN 'an office is no backup of its own';
	END IF;
	SELECT b.code INTO bad FROM backups_of(given) b GROUP BY b.code HAVING count(*) > 1 LIMIT 1;
	IF FOUND THEN
		RETURN format('office %s is named twice', bad);
	END IF;
	SELECT b.code INTO bad FROM backups_of(given) b WHERE b.minutes > 1440 LIMIT 1;
	IF FOUND THEN
		RETURN format('%s: more than 1440 minutes of travel', bad);
	END IF;
	IF (SELECT count(*) FROM backups_of(given)) > 20 THEN
		RETURN 'more than 20 backups';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.backups_problem(text, text) IS
	'What is wrong with a list of backup offices, or NULL; own is the office they would back up';

-- Cells: absent from the file is NULL and leaves things as they are, empty is '' and empties them.
CREATE OR REPLACE FUNCTION vac_store.cell(one jsonb, column_name text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN btrim(one ->> column_name);
COMMENT ON FUNCTION vac_store.cell(jsonb, text) IS 'A cell of a line, trimmed; NULL when the file lacks the column';

CREATE OR REPLACE FUNCTION vac_store.cell_or(one jsonb, column_name text, otherwise text) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN CASE WHEN one ? column_name THEN NULLIF(btrim(one ->> column_name), '') ELSE otherwise END;
COMMENT ON FUNCTION vac_store.cell_or(jsonb, text, text) IS
	'A cell of a line, NULL when it is empty; otherwise (what is stored) when the file lacks the column';
