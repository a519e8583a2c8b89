-- What the catalogue must say of every table, view and function.
BEGIN;
SET LOCAL search_path = public, pg_catalog;
SELECT plan(14);

-- Functions of ours, without those of extensions.
CREATE FUNCTION pg_temp.ours() RETURNS SETOF pg_proc LANGUAGE sql AS $$
	SELECT p FROM pg_proc p
		WHERE p.pronamespace IN ('vac'::regnamespace, 'vac_daemon'::regnamespace, 'vac_store'::regnamespace)
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
$$;
CREATE FUNCTION pg_temp.relations(kinds text) RETURNS SETOF pg_class LANGUAGE sql AS $$
	SELECT c FROM pg_class c
		WHERE c.relnamespace IN ('vac'::regnamespace, 'vac_daemon'::regnamespace, 'vac_store'::regnamespace)
			AND position(c.relkind::text IN kinds) > 0
$$;

SELECT is_empty($$SELECT c.oid::regclass FROM pg_temp.relations('rvpm') c WHERE obj_description(c.oid, 'pg_class') IS NULL$$,
	'every table and view has a comment');
SELECT is_empty($$SELECT c.oid::regclass, a.attname FROM pg_temp.relations('rvpm') c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL$$,
	'every column of every table and view has a comment');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_temp.ours() p WHERE obj_description(p.oid, 'pg_proc') IS NULL$$,
	'every function has a comment');

SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_temp.ours() p WHERE p.prosecdef
		AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=vac_store, pg_catalog, pg_temp']$$,
	'every SECURITY DEFINER function pins its search_path');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_temp.ours() p WHERE has_function_privilege('public', p.oid, 'EXECUTE')$$,
	'PUBLIC may call nothing');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_temp.ours() p
		WHERE p.pronamespace = 'vac'::regnamespace AND NOT p.prosecdef AND p.prolang <> (SELECT l.oid FROM pg_language l WHERE l.lanname = 'sql')$$,
	'every verb runs as the owner, who alone may write');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_temp.relations('rp') c
		WHERE c.relnamespace = 'vac_store'::regnamespace AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
			AND c.relname NOT IN ('migration', 'installed')$$,
	'every table has row-level security, the owner included');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_temp.relations('v') c
		WHERE NOT coalesce(c.reloptions, '{}') @> ARRAY['security_invoker=true']$$,
	'every view speaks for the person who asks');
SELECT is_empty($$SELECT DISTINCT v.oid::regclass, d.refobjid::regclass
		FROM pg_temp.relations('v') v JOIN pg_rewrite w ON w.ev_class = v.oid
			JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
			JOIN pg_class o ON o.oid = d.refobjid AND o.relkind = 'v'
		WHERE o.oid <> v.oid$$,
	'no view stands on another');

SELECT is_empty($$SELECT n.nspname, r.rolname FROM pg_namespace n, pg_roles r
		WHERE n.nspname = 'vac_store' AND r.rolname IN ('vac_daemon', 'vac_supervisor', 'vac_intake', 'vac_desk')
			AND has_schema_privilege(r.oid, n.oid, 'USAGE')$$,
	'nobody reaches vac_store by its name');
SELECT is_empty($$SELECT r.rolname, c.oid::regclass FROM pg_temp.relations('rvp') c, pg_roles r
		WHERE r.rolname IN ('vac_daemon', 'vac_supervisor', 'vac_intake', 'vac_desk')
			AND (has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
				OR has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE, REFERENCES'))$$,
	'nobody writes a table: every change goes through a verb');
SELECT set_eq($$SELECT p.proname::text FROM pg_temp.ours() p WHERE p.pronamespace = 'vac'::regnamespace
		AND has_function_privilege('vac_intake', p.oid, 'EXECUTE')$$,
	ARRAY['now', 'what_if', 'open_case', 'change_request', 'withdraw_case', 'hold_case', 'release_case', 'case_state'],
	'intake has the verbs of its own cases');
SELECT set_eq($$SELECT p.proname::text FROM pg_temp.ours() p WHERE p.pronamespace = 'vac'::regnamespace
		AND has_function_privilege('vac_desk', p.oid, 'EXECUTE')$$,
	ARRAY['now', 'what_if', 'look_up'],
	'the desk looks up one code at a time');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_temp.ours() p
		WHERE has_function_privilege('vac_daemon', p.oid, 'EXECUTE') <> (p.pronamespace = 'vac_daemon'::regnamespace)$$,
	'the daemon has schema vac_daemon, all of it and nothing else');

SELECT * FROM finish();
ROLLBACK;
