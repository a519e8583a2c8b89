-- Programs that open cases over HTTPS: an administrator says who they are.

CREATE OR REPLACE FUNCTION vac_store.need_administrator(deed text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT is_administrator() THEN
		PERFORM refuse(format('%s: that is for an administrator, and %s is none', deed, session_user),
			'It is for a login that may act as vac_owner, such as the one that runs vacd migrate.', '42501');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_administrator(text) IS 'Refuses unless the login may act as the owner of the schema; deed is what it wanted to do';

CREATE OR REPLACE FUNCTION vac_store.client_named(given text) RETURNS client
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found client;
BEGIN
	SELECT * INTO found FROM client c WHERE c.code = lower(btrim(given)) AND c.retired_at IS NULL FOR NO KEY UPDATE;
	IF found.client_id IS NULL THEN
		PERFORM refuse(format('client: no client %s', coalesce(quote_literal(given), 'was named')),
			coalesce((SELECT 'There are: ' || string_agg(c.code, ', ' ORDER BY c.code) || '.' FROM client c WHERE c.retired_at IS NULL),
				'There is none yet; vac.add_client(…) adds one.'));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.client_named(text) IS 'The client with this code, locked; refuses with the list of them';

CREATE OR REPLACE FUNCTION vac_store.set_client_offices(of_client integer, given text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	every CONSTANT boolean := lower(btrim(given)) = 'all';
	one text;
BEGIN
	UPDATE client c SET all_offices = every WHERE c.client_id = of_client;
	DELETE FROM client_office x WHERE x.client_id = of_client;
	IF every THEN
		RETURN;
	END IF;
	FOREACH one IN ARRAY regexp_split_to_array(btrim(given), '[[:space:]]*[;,][[:space:]]*') LOOP
		INSERT INTO client_office (client_id, office_id)
			SELECT of_client, o.office_id FROM office_named(one, 'offices') o
			ON CONFLICT DO NOTHING;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.set_client_offices(integer, text) IS 'Sets for which offices a client may open cases: ''SEA; PDX'', or all';

CREATE OR REPLACE FUNCTION vac_store.add_client_key(of_client client, of_kind text, of_hash bytea, of_hint text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	there record;
BEGIN
	SELECT c.code, k.key_id, k.retired_at INTO there FROM client_key k JOIN client c USING (client_id)
		WHERE k.kind = of_kind AND k.hash = of_hash;
	IF FOUND THEN
		PERFORM refuse(format('%s: that is key %s of client %s already%s', of_kind, there.key_id, there.code,
				CASE WHEN there.retired_at IS NULL THEN '' ELSE ', and retired' END),
			'One is one client''s only, and what was retired stays so: use a new one.');
	END IF;
	INSERT INTO client_key (client_id, kind, hash, hint) VALUES (of_client.client_id, of_kind, of_hash, of_hint);
	PERFORM record('client_key_added', more => jsonb_build_object('client', of_client.code, 'kind', of_kind, 'key', of_hint));
END
$$;
COMMENT ON FUNCTION vac_store.add_client_key(client, text, bytea, text) IS 'Stores by what a client is known, from now on';

CREATE OR REPLACE FUNCTION vac.add_client(client text, offices text DEFAULT NULL, certificate text DEFAULT NULL,
		subject text DEFAULT NULL, token boolean DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one client;
	print CONSTANT text := lower(regexp_replace(regexp_replace(add_client.certificate, '^.*=', ''), '[: \n]', '', 'g'));
	who CONSTANT text := regexp_replace(btrim(add_client.subject), '^subject= *', '');
	made text;
BEGIN
	PERFORM need_administrator('add_client');
	IF coalesce(add_client.client, '') !~ '^[a-z][a-z0-9_-]{1,39}$' THEN
		PERFORM refuse(format('client: %s cannot be a client''s code', coalesce(quote_literal(add_client.client), 'nothing')),
			'2 to 40 small letters, digits, - and _, a letter first, such as tipline.');
	END IF;
	IF print IS NOT NULL AND print !~ '^[0-9a-f]{64}$' THEN
		PERFORM refuse('certificate: that is no SHA-256 fingerprint',
			'64 hexadecimal digits, as openssl x509 -in FILE -noout -fingerprint -sha256 prints them.');
	END IF;
	IF length(who) NOT BETWEEN 3 AND 300 OR who !~ '=' OR who ~ '[\x01-\x1f\x7f]' THEN
		PERFORM refuse('subject: that is no subject of a certificate', 'As openssl x509 -in FILE -noout -subject -nameopt RFC2253 prints it.');
	END IF;
	SELECT * INTO one FROM vac_store.client c WHERE c.code = add_client.client FOR NO KEY UPDATE;
	IF one.client_id IS NULL THEN
		IF add_client.offices IS NULL THEN
			PERFORM refuse(format('offices: client %s is new; for which offices may it open cases?', add_client.client),
				'Say offices => ''SEA; PDX'', or ''all''.');
		END IF;
		INSERT INTO vac_store.client (code) VALUES (add_client.client) RETURNING * INTO one;
	ELSIF one.retired_at IS NOT NULL THEN
		UPDATE vac_store.client c SET retired_at = NULL WHERE c.client_id = one.client_id;
	END IF;
	IF add_client.offices IS NOT NULL THEN
		PERFORM set_client_offices(one.client_id, add_client.offices);
		PERFORM record('client_set', more => jsonb_build_object('client', one.code, 'offices', add_client.offices));
	END IF;
	IF print IS NOT NULL THEN
		PERFORM add_client_key(one, 'certificate', decode(print, 'hex'), left(print, 16));
	END IF;
	IF who IS NOT NULL THEN
		PERFORM add_client_key(one, 'subject', sha256(convert_to(who, 'UTF8')), who);
	END IF;
	IF coalesce(add_client.token, print IS NULL AND who IS NULL AND NOT EXISTS (SELECT FROM client_key k
			WHERE k.client_id = one.client_id AND k.retired_at IS NULL)) THEN
		-- 244 random bits: a plain hash of them cannot be turned back.
		made := 'vac_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
		PERFORM add_client_key(one, 'token', sha256(convert_to(made, 'UTF8')), left(made, 8));
		RETURN made;
	END IF;
	RETURN format('%s may come in; TABLE vac.clients shows by what it is known', one.code);
END
$$;
COMMENT ON FUNCTION vac.add_client(text, text, text, text, boolean) IS
	'Lets a program open cases over HTTPS, or changes one: vac.add_client(''tipline'', ''SEA; PDX''). offices: for which, or all. '
	'certificate: the SHA-256 fingerprint of its certificate. subject: that of any certificate of our authority (RFC 2253). '
	'token: true makes one more token; a client that has no other key gets one anyway. A token is returned this once and never '
	'again: only its hash is kept. Several keys may hold at a time, so that one can be renewed. For administrators';

CREATE OR REPLACE FUNCTION vac.retire_client(client text, key integer DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one client;
BEGIN
	PERFORM need_administrator('retire_client');
	one := client_named(retire_client.client);
	UPDATE client_key k SET retired_at = moment()
		WHERE k.client_id = one.client_id AND k.retired_at IS NULL AND k.key_id = coalesce(retire_client.key, k.key_id);
	IF NOT FOUND AND retire_client.key IS NOT NULL THEN
		PERFORM refuse(format('key: client %s has no key %s', one.code, retire_client.key), 'TABLE vac.clients shows their numbers.');
	END IF;
	IF retire_client.key IS NULL THEN
		UPDATE vac_store.client c SET retired_at = moment() WHERE c.client_id = one.client_id;
	END IF;
	PERFORM record('client_retired', more => jsonb_strip_nulls(jsonb_build_object('client', one.code, 'key', retire_client.key)));
	RETURN CASE WHEN retire_client.key IS NULL THEN format('%s comes in no more; its cases stay', one.code)
		ELSE format('key %s of %s holds no more', retire_client.key, one.code) END;
END
$$;
COMMENT ON FUNCTION vac.retire_client(text, integer) IS
	'Shuts a program out, at once, or one of its keys (its number in vac.clients). Its cases stay. For administrators';
