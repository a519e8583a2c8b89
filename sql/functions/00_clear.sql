-- The first of the files that `vacd migrate` runs again at each change: drops our views and functions,
-- so that those whose columns, arguments or result changed can be made anew, and those that are gone
-- from the files are gone. What something else depends on (a policy, a trigger, a default, somebody's
-- own view) stays and is replaced where it stands.

DO $clear$
DECLARE
	thing record;
	fell boolean;
BEGIN
	-- Dropping without CASCADE frees what was depended on, so again until nothing more falls.
	LOOP
		fell := false;
		FOR thing IN
			WITH ours AS (
				SELECT s.oid FROM pg_namespace s
				WHERE s.nspname IN ('vac', 'vac_daemon', 'vac_store')
			), things AS (
				SELECT 'pg_class'::regclass AS catalogue, c.oid,
					format('DROP VIEW %s', c.oid::regclass) AS command
				FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
				WHERE c.relkind = 'v' AND pg_get_userbyid(c.relowner) = current_user
				UNION ALL
				SELECT 'pg_proc'::regclass, p.oid, format('DROP ROUTINE %s', p.oid::regprocedure)
				FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
				WHERE pg_get_userbyid(p.proowner) = current_user
			)
			SELECT t.command FROM things t
			WHERE NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = t.catalogue AND d.objid = t.oid AND d.deptype = 'e')
			-- The youngest first: mostly it is they that depend on the older.
			ORDER BY t.oid DESC
		LOOP
			BEGIN
				EXECUTE thing.command;
				fell := true;
			EXCEPTION WHEN dependent_objects_still_exist THEN
				NULL;
			END;
		END LOOP;
		EXIT WHEN NOT fell;
	END LOOP;
END
$clear$;
