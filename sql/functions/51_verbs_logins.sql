-- Supervisors and their logins. Logins are the administrator's: what is done to them is done with the rights of
-- who calls, and in this database only. Nothing of ours runs with a right to change roles, which on PostgreSQL 15
-- is a right to become nearly anybody. So these verbs have two parts: the owner's, which checks and stores, and the
-- caller's own. Nobody has USAGE on vac_store: both are bound when the verb is made, not looked up when it is called.

-- As name=value, in the spelling of ALTER ROLE.
CREATE OR REPLACE FUNCTION vac_store.login_limits() RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT array_agg(format('%s=%ss', l.setting, policy_number(l.policy)) ORDER BY l.setting)
		FROM (VALUES ('statement_timeout', 'login_statement_seconds'), ('lock_timeout', 'login_lock_seconds'),
			('idle_in_transaction_session_timeout', 'login_idle_seconds')) l (setting, policy);
$$;
COMMENT ON FUNCTION vac_store.login_limits() IS 'The timeouts of supervisors'' logins, by policies login_…_seconds';

CREATE OR REPLACE FUNCTION vac_store.put_supervisor(login text, name text, mail text, pager text, rank integer, offices text)
	RETURNS TABLE (login_name text, said text, limits text[])
	LANGUAGE plpgsql SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	stored supervisor;
	given jsonb := jsonb_strip_nulls(jsonb_build_object('name', put_supervisor.name, 'mail', put_supervisor.mail,
		'pager', put_supervisor.pager, 'rank', put_supervisor.rank::text, 'offices', put_supervisor.offices));
	one jsonb;
	bad record;
BEGIN
	PERFORM need_all_offices('set_supervisor');
	SELECT * INTO stored FROM supervisor s WHERE s.login = put_supervisor.login FOR NO KEY UPDATE;
	one := CASE WHEN stored.supervisor_id IS NULL THEN '{}' ELSE jsonb_build_object('name', stored.name, 'mail', stored.mail,
			'offices', CASE WHEN stored.all_offices THEN 'all' ELSE (SELECT string_agg(o.code, '; ' ORDER BY o.code)
				FROM supervisor_office so JOIN office o USING (office_id) WHERE so.supervisor_id = stored.supervisor_id) END) END
		|| given || jsonb_build_object('line', 1, 'login', put_supervisor.login);
	SELECT * INTO bad FROM import_check('supervisors', jsonb_build_array(one)) LIMIT 1;
	IF FOUND THEN
		PERFORM refuse(format('%s: %s', bad.column_name, bad.problem), CASE WHEN stored.supervisor_id IS NULL
			THEN format('%s is new: name, mail and offices (''SEA; PDX'', or all) are needed.', put_supervisor.login) END);
	END IF;
	PERFORM import_apply_supervisors(jsonb_build_array(one));
	PERFORM record('supervisor_set', more => jsonb_build_object('login', put_supervisor.login,
		'what', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(given) k)));
	RETURN QUERY SELECT put_supervisor.login, format('%s supervises %s', put_supervisor.login, one ->> 'offices'), login_limits();
END
$$;
COMMENT ON FUNCTION vac_store.put_supervisor(text, text, text, text, integer, text) IS
	'The owner''s part of vac.set_supervisor(): checks and stores';

CREATE OR REPLACE FUNCTION vac_store.logins_to_limit(login text) RETURNS TABLE (login_name text, limits text[])
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 30
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM need_all_offices('limit_logins');
	IF logins_to_limit.login IS NOT NULL AND NOT EXISTS (SELECT FROM supervisor s WHERE s.login = logins_to_limit.login) THEN
		PERFORM refuse(format('login: no supervisor %L', logins_to_limit.login), 'TABLE vac.supervisors lists them.');
	END IF;
	RETURN QUERY SELECT s.login, login_limits() FROM supervisor s
		WHERE s.retired_at IS NULL AND s.login = coalesce(logins_to_limit.login, s.login) ORDER BY s.login;
END
$$;
COMMENT ON FUNCTION vac_store.logins_to_limit(text) IS 'The owner''s part of vac.limit_logins(): whose timeouts are to be set, and to what';

-- With the caller's rights: SECURITY INVOKER. Only who is named in the call becomes a member, so that a supervisor
-- who writes a login down as supervisor does not have the next administrator who sets all timeouts let it in.
CREATE OR REPLACE FUNCTION vac_store.limit_login(login_name text, said text, limits text[], named boolean) RETURNS text
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	super boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = login_name);
	one text;
BEGIN
	IF super IS NULL THEN
		RAISE NOTICE 'The database has no login %; its administrator says: CREATE ROLE % LOGIN, and then SELECT vac.limit_logins(%)',
			login_name, quote_ident(login_name), quote_literal(login_name);
		RETURN said;
	ELSIF super THEN
		RETURN said || '; an administrator''s login has no timeouts';
	ELSIF NOT pg_has_role(login_name, 'vac_supervisor', 'MEMBER') THEN
		IF NOT named THEN
			RAISE NOTICE 'Login % is not in role vac_supervisor; its administrator says: SELECT vac.limit_logins(%)', login_name, quote_literal(login_name);
			RETURN said || '; not changed';
		END IF;
		EXECUTE format('GRANT vac_supervisor TO %I', login_name);
	END IF;
	FOREACH one IN ARRAY limits LOOP
		EXECUTE format('ALTER ROLE %I IN DATABASE %I SET %I = %L', login_name, current_database(), split_part(one, '=', 1), split_part(one, '=', 2));
	END LOOP;
	RETURN format('%s; its sessions from now on have timeouts: %s', said,
		replace(replace(array_to_string(limits, ', '), 'idle_in_transaction_session', 'idle in transaction'), '_timeout=', ' '));
EXCEPTION WHEN insufficient_privilege THEN
	RAISE NOTICE 'Login % is the administrator''s to change, who says: SELECT vac.limit_logins(%)', login_name, quote_literal(login_name);
	RETURN said;
END
$$;
COMMENT ON FUNCTION vac_store.limit_login(text, text, text[], boolean) IS
	'The caller''s part: gives a login its timeouts in this database, and role vac_supervisor if it was named in the call; or says in a notice who has to';

CREATE OR REPLACE FUNCTION vac.set_supervisor(login text, name text DEFAULT NULL, mail text DEFAULT NULL, pager text DEFAULT NULL,
		rank integer DEFAULT NULL, offices text DEFAULT NULL) RETURNS text
	LANGUAGE sql
BEGIN ATOMIC
	SELECT vac_store.limit_login(p.login_name, p.said, p.limits, true)
		FROM vac_store.put_supervisor(set_supervisor.login, set_supervisor.name, set_supervisor.mail, set_supervisor.pager,
			set_supervisor.rank, set_supervisor.offices) p;
END;
COMMENT ON FUNCTION vac.set_supervisor(text, text, text, text, integer, text) IS
	'Adds a supervisor or changes one; what is left out stays. login: their database login. rank: 1 is told first. offices: '
	'''SEA; PDX'' or all. For supervisors of all offices. Called by an administrator it also gives the login role vac_supervisor '
	'and its timeouts, as vac.limit_logins() does';

CREATE OR REPLACE FUNCTION vac.limit_logins(login text DEFAULT NULL) RETURNS SETOF text
	LANGUAGE sql
BEGIN ATOMIC
	SELECT vac_store.limit_login(l.login_name, l.login_name, l.limits, limit_logins.login IS NOT NULL)
		FROM vac_store.logins_to_limit(limit_logins.login) l;
END;
COMMENT ON FUNCTION vac.limit_logins(text) IS
	'Gives logins of supervisors (one, or all) their timeouts, by policies login_statement_seconds, login_lock_seconds and '
	'login_idle_seconds; one that is named gets role vac_supervisor, too. For an administrator of the database: it is done with '
	'the rights of who calls';
