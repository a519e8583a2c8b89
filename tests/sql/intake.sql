-- Programs that open cases: who they are, what they may, and what they are told.
BEGIN;
\ir people.psql
SELECT plan(48);
CREATE FUNCTION pg_temp.hash(token text) RETURNS bytea LANGUAGE sql AS $$ SELECT sha256(convert_to(token, 'UTF8')) $$;
-- Opens with a token; "status client what".
CREATE FUNCTION pg_temp.open(token text, key text, fields jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', o.status, o.client, o.body -> 'errors' -> 0 ->> 'field', o.body -> 'errors' -> 0 ->> 'problem')
		FROM vac_daemon.intake_open(NULL, NULL, pg_temp.hash(token), key, fields) o
$$;
CREATE FUNCTION pg_temp.codes(token text, key text, fields jsonb) RETURNS text[] LANGUAGE sql AS $$
	SELECT ARRAY(SELECT jsonb_array_elements_text(o.body -> 'cases')) FROM vac_daemon.intake_open(NULL, NULL, pg_temp.hash(token), key, fields) o
$$;

-- ---- who they are ----------------------------------------------------------------------------
SELECT throws_matching($$SELECT vac.add_client('tips')$$, 'offices: client tips is new', 'a new client has offices');
SELECT throws_matching($$SELECT vac.add_client('Tips', 'SEA')$$, 'client: ''Tips'' cannot be', 'and a code');
SELECT throws_matching($$SELECT vac.add_client('tips', 'SEA, QQQ')$$, 'offices: ', 'of offices that there are');
SELECT is((SELECT count(*) FROM client), 0::bigint, 'what is refused leaves nothing behind');
SELECT vac.add_client('tips', 'SEA; pdx') AS token \gset
SELECT matches(:'token'::text, '^vac_[0-9a-f]{64}$', 'it gets a token');
SELECT is((SELECT string_agg(k.kind || ' ' || encode(k.hash, 'hex'), ';') FROM client_key k), 'token ' || encode(pg_temp.hash(:'token'), 'hex'), 'of which the hash is kept');
SELECT is_empty(format($$SELECT FROM history h WHERE h::text LIKE '%%%1$s%%' UNION ALL SELECT FROM client_key k WHERE k::text LIKE '%%%1$s%%'$$, substr(:'token', 9)), 'and nothing else of it');
SELECT is((SELECT concat_ws(' ', client, offices, known_by, begins) FROM vac.clients), 'tips PDX, SEA token ' || left(:'token', 8), 'a view shows it');
SELECT matches(vac.add_client('tips'), 'may come in', 'a client that has a key gets no further one unasked');
SELECT isnt(vac.add_client('tips', token => true), :'token', 'one that is asked for is another');
SELECT throws_matching($$SELECT vac.add_client('tips', certificate => 'AA:BB')$$, 'certificate: that is no SHA-256', 'a fingerprint has 64 digits');
SELECT throws_matching($$SELECT vac.add_client('tips', subject => 'tips')$$, 'subject: that is no subject', 'a subject has an =');
SELECT lives_ok($$SELECT vac.add_client('tips', certificate => 'sha256 Fingerprint=' || rtrim(repeat('AB:', 32), ':'))$$, 'a fingerprint as openssl prints it');
SELECT throws_matching($$SELECT vac.add_client('web', 'all', certificate => repeat('ab', 32))$$, 'certificate: that is key [0-9]+ of client tips already', 'a certificate is one client''s');
SELECT lives_ok($$SELECT vac.add_client('web', 'all', subject => 'subject=CN=web,O=Agency')$$, 'a subject as openssl prints it');

CREATE FUNCTION pg_temp.who(certificate bytea, subject text, token bytea) RETURNS text LANGUAGE sql AS $$ SELECT (client_of(certificate, subject, token)).code $$;
SELECT is(pg_temp.who(NULL, NULL, pg_temp.hash(:'token')), 'tips', 'known by the token');
SELECT is(pg_temp.who(decode(repeat('ab', 32), 'hex'), 'CN=web,O=Agency', NULL), 'tips', 'by the certificate, before its subject');
SELECT is(pg_temp.who(decode(repeat('cd', 32), 'hex'), 'CN=web,O=Agency', NULL), 'web', 'by the subject');
SELECT is(pg_temp.who(decode(repeat('ab', 32), 'hex'), 'CN=web,O=Agency', pg_temp.hash('x')), NULL, 'a token that is wrong is nobody''s, whatever stands beside it');
SELECT is(pg_temp.who(NULL, 'CN=Web,O=Agency', NULL), NULL, 'another subject is another');
SELECT is(pg_temp.who(NULL, NULL, NULL), NULL, 'nothing is nobody');

-- ---- what they may ---------------------------------------------------------------------------
SELECT is(pg_temp.open(:'token', '1', '{"office": "SEA", "language": "es"}'), '201 tips', 'a case');
SELECT is(pg_temp.open(:'token', '2', '{"office": "HNL"}'), '403 tips office client tips may open no cases for HNL', 'not for every office');
SELECT is(pg_temp.open('x', '3', '{"office": "SEA"}'), '401', 'nobody opens none');
SELECT is(pg_temp.open(:'token', '4', '{"office": "SEA", "urgency": "soon"}'), '400 tips urgency ' || urgency_problem('soon'), 'the words of the verb');
SELECT matches(pg_temp.open(:'token', '5', '{"office": "SEA", "victims": 0}'), '^400 tips victims', 'and its field');
SELECT is(pg_temp.codes(:'token', '1', '{"office": "SEA", "language": "es"}'),
	(SELECT array_agg(case_code) FROM case_record WHERE opened_by = 'client:tips'), 'the same key is the same case');
SELECT matches(pg_temp.open(:'token', '1', '{"office": "SEA"}'), '^409 tips Idempotency-Key', 'with the same content');
SELECT is(cardinality(pg_temp.codes(:'token', '6', '{"office": "SEA", "victims": 3}')), 3, 'three victims are three cases');
SELECT is((SELECT string_agg(DISTINCT h.who, ',') FROM history h WHERE h.event = 'case_opened'), 'client:tips', 'history knows the client');
SELECT o.body -> 'warnings' ->> 0 AS warning FROM vac_daemon.intake_open(NULL, NULL, pg_temp.hash(:'token'), '7', '{"office": "SEA", "language": "mam"}') o \gset
SELECT is(:'warning',
	(SELECT language_warning(r) FROM request r WHERE r.language = 'mam'), 'it is warned as a person is');

SELECT case_code AS code FROM case_record WHERE idempotency_key = '1' \gset
CREATE FUNCTION pg_temp.state(token text, code text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', s.status, s.client, s.body ->> 'case_code', s.body ->> 'state') FROM vac_daemon.intake_state(NULL, NULL, pg_temp.hash(token), code) s
$$;
SELECT is(pg_temp.state(:'token', lower(replace(:'code', '-', ''))), format('200 tips %s being planned', :'code'), 'how its case stands');
SELECT vac.add_client('web', token => true) AS web \gset
SELECT is(pg_temp.state(:'web', :'code'), '404 web', 'another''s is none');
SELECT is(pg_temp.state(:'web', 'AAA-AAA'), '404 web', 'as none is');
SELECT is(pg_temp.state('x', :'code'), '401', 'nobody learns nothing');
SELECT is(pg_temp.open(:'web', '1', '{"office": "HNL"}'), '201 web', 'all offices, and keys of its own');

-- ---- they go ---------------------------------------------------------------------------------
SELECT is(vac.retire_client('tips', (SELECT key_id FROM client_key k WHERE k.kind = 'token' AND k.hash = pg_temp.hash(:'token'))) ~ 'holds no more', true, 'a key is retired');
SELECT is(pg_temp.open(:'token', '1', '{"office": "SEA", "language": "es"}'), '401', 'and is nobody''s');
SELECT is(pg_temp.who(decode(repeat('ab', 32), 'hex'), NULL, NULL), 'tips', 'the others hold');
SELECT throws_matching($$SELECT vac.retire_client('tips', 999999)$$, 'key: client tips has no key 999999', 'there is no such key');
SELECT vac.retire_client('tips') \g /dev/null
SELECT is(pg_temp.who(decode(repeat('ab', 32), 'hex'), NULL, NULL), NULL, 'a client is retired with all of them');
SELECT throws_matching($$SELECT vac.retire_client('tips')$$, 'client: no client ''tips''', 'once');
SELECT is((SELECT string_agg(DISTINCT client, ',') FROM vac.clients), 'web', 'the view shows who may come');
SELECT is((SELECT count(*) FROM case_record WHERE opened_by = 'client:tips'), 5::bigint, 'its cases stay');
SELECT matches((SELECT string_agg(event_text(h.event, h.detail), '; ' ORDER BY h.history_id) FROM history h WHERE h.event ~ '^client' AND h.detail ->> 'client' = 'tips'),
	'^client set: tips, for SEA; pdx; client tips: token added.*client retired: tips, key [0-9]+; client retired: tips$', 'history tells all of it');

-- ---- who may say so --------------------------------------------------------------------------
SET LOCAL SESSION AUTHORIZATION sup_all;
SELECT throws_matching($$SELECT vac.add_client('mine', 'all')$$, 'is for an administrator, and sup_all is none', 'no supervisor');
SELECT is_empty($$SELECT FROM vac.clients WHERE client <> 'web'$$, 'but supervisors see them');
SELECT throws_ok($$SELECT hash FROM vac_store.client_key$$, '42501', NULL, 'not their hashes');
RESET SESSION AUTHORIZATION;
SELECT * FROM finish();
ROLLBACK;
