-- What the door for programs (HTTPS) asks the database: who is it, open a case, how does it stand.

CREATE OR REPLACE FUNCTION vac_store.client_of(certificate bytea, subject text, token bytea) RETURNS client
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- A token that was shown decides by itself, so that it can be seen to be wrong.
	SELECT c FROM client_key k JOIN client c ON c.client_id = k.client_id AND c.retired_at IS NULL
		WHERE k.retired_at IS NULL
			AND CASE WHEN client_of.token IS NOT NULL THEN k.kind = 'token' AND k.hash = client_of.token
				ELSE (k.kind, k.hash) IN (('certificate', client_of.certificate), ('subject', sha256(convert_to(client_of.subject, 'UTF8')))) END
		ORDER BY k.kind LIMIT 1;
$$;
COMMENT ON FUNCTION vac_store.client_of(bytea, text, bytea) IS
	'The client that has this token (its hash), or else this certificate (hash and subject); NULLs: nobody we know';

CREATE OR REPLACE FUNCTION vac_store.intake_error(field text, problem text, advice text DEFAULT NULL) RETURNS jsonb
	LANGUAGE sql IMMUTABLE
	RETURN jsonb_build_object('errors', jsonb_build_array(jsonb_build_object('field', field, 'problem', problem, 'advice', advice)));
COMMENT ON FUNCTION vac_store.intake_error(text, text, text) IS 'What a client is told: which field, what is wrong with it, and what would do';

CREATE OR REPLACE FUNCTION vac_store.intake_cases(of_client client, key text, fields jsonb) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	of_office CONSTANT office := office_named(fields ->> 'office');
	opened record;
BEGIN
	IF NOT of_client.all_offices AND NOT EXISTS (SELECT FROM client_office x
			WHERE x.client_id = of_client.client_id AND x.office_id = of_office.office_id) THEN
		PERFORM refuse(format('office: client %s may open no cases for %s', of_client.code, of_office.code),
			'An administrator can change that: vac.add_client(…, offices => …).', '42501');
	END IF;
	SELECT * INTO opened FROM open_cases('client:' || of_client.code, of_office, fields ->> 'language', fields ->> 'service',
		fields ->> 'urgency', fields ->> 'mode', fields ->> 'place', fields ->> 'interpreter', fields ->> 'gender',
		(fields ->> 'gender_required')::boolean, fields ->> 'preferred', (fields ->> 'minutes')::integer,
		(fields ->> 'window_from')::timestamptz, (fields ->> 'window_to')::timestamptz, (fields ->> 'due')::timestamptz,
		coalesce((fields ->> 'victims')::integer, 1), fields ->> 'requester', fields ->> 'agency_reference', intake_cases.key);
	RETURN jsonb_build_object('cases', opened.codes, 'warnings', coalesce(opened.warnings, '{}'));
END
$$;
COMMENT ON FUNCTION vac_store.intake_cases(client, text, jsonb) IS 'Opens cases for a client; fields are the arguments of vac.open_case() by name';

CREATE OR REPLACE FUNCTION vac_daemon.intake_open(certificate bytea, subject text, token bytea, key text, fields jsonb)
	RETURNS TABLE (status integer, client text, body jsonb)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_client CONSTANT client := client_of(intake_open.certificate, intake_open.subject, intake_open.token);
	said text;
	advice text;
	code text;
	named text;
BEGIN
	IF of_client.client_id IS NULL THEN
		RETURN QUERY SELECT 401, NULL::text, NULL::jsonb;
		RETURN;
	END IF;
	BEGIN
		RETURN QUERY SELECT 201, of_client.code, intake_cases(of_client, intake_open.key, intake_open.fields);
		RETURN;
	EXCEPTION WHEN invalid_parameter_value OR insufficient_privilege OR datetime_field_overflow THEN
		-- What a verb refuses; anything else is a fault of ours, and none of the client's business.
		GET STACKED DIAGNOSTICS said = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT, code = RETURNED_SQLSTATE;
		named := substring(said FROM '^([a-z_]+): ');
		IF code = '42501' AND named IS DISTINCT FROM 'office' THEN
			RAISE;
		END IF;
	END;
	RETURN QUERY SELECT CASE WHEN code = '42501' THEN 403 WHEN named = 'key' THEN 409 ELSE 400 END, of_client.code,
		intake_error(CASE named WHEN 'key' THEN 'Idempotency-Key' ELSE named END, coalesce(substring(said FROM '^[a-z_]+: (.*)$'), said),
			NULLIF(advice, ''));
END
$$;
COMMENT ON FUNCTION vac_daemon.intake_open(bytea, text, bytea, text, jsonb) IS
	'Opens cases for whoever showed this token (its hash) or certificate, and says what to answer: the HTTP status, which client it was, and the body';

-- The same work, and the same answer, for a case that is another's and for one that is none.
CREATE OR REPLACE FUNCTION vac_daemon.intake_state(certificate bytea, subject text, token bytea, code text)
	RETURNS TABLE (status integer, client text, body jsonb)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	of_client CONSTANT client := client_of(intake_state.certificate, intake_state.subject, intake_state.token);
	found record;
BEGIN
	IF of_client.client_id IS NULL THEN
		RETURN QUERY SELECT 401, NULL::text, NULL::jsonb;
		RETURN;
	END IF;
	SELECT c.case_code, c.case_id INTO found FROM case_record c
		WHERE c.case_code = tidy_case_code(intake_state.code) AND c.opened_by = 'client:' || of_client.code;
	IF found.case_id IS NULL THEN
		RETURN QUERY SELECT 404, of_client.code, NULL::jsonb;
		RETURN;
	END IF;
	RETURN QUERY SELECT 200, of_client.code, jsonb_build_object('case_code', found.case_code, 'state', s.state, 'coordinator', s.coordinator,
			'title', s.title, 'telephone', s.telephone, 'meeting', s.meeting, 'place', s.place, 'office', s.office,
			'office_telephone', s.office_telephone)
		FROM standing(found.case_id, moment()) s;
END
$$;
COMMENT ON FUNCTION vac_daemon.intake_state(bytea, text, bytea, text) IS
	'How a case stands, for the client that opened it; status 404 for every other code, whether there is such a case or not';

-- ---- figures ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_daemon.metrics() RETURNS TABLE (name text, help text, label text, value double precision)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT 'vacd_cases_open', 'Open cases', NULL, count(*)::double precision FROM case_record c WHERE c.state = 'open'
	UNION ALL SELECT 'vacd_cases_held', 'Open cases on hold', NULL, count(*) FROM case_record c WHERE c.state = 'open' AND c.held_since IS NOT NULL
	UNION ALL
	SELECT m.name, m.help, NULL, m.value
		FROM (SELECT count(*) AS n, count(*) FILTER (WHERE r.unserved_since IS NOT NULL) AS unserved,
					count(*) FILTER (WHERE r.due_at < wall()) AS late
				FROM request r JOIN case_record c ON c.case_id = r.case_id AND c.state = 'open' AND c.held_since IS NULL
				WHERE r.state = 'open') q,
			LATERAL (VALUES ('vacd_requests_open', 'Requests without an appointment', q.n),
				('vacd_requests_unserved', 'Requests that nobody can take', q.unserved),
				('vacd_requests_late', 'Requests without an appointment beyond their due time', q.late)) m (name, help, value)
	UNION ALL
	SELECT m.name, m.help, NULL, m.value
		FROM (SELECT count(*) AS n, coalesce(extract(epoch FROM wall() - min(o.made_at)), 0) AS oldest FROM message o WHERE o.waiting) q,
			LATERAL (VALUES ('vacd_mail_waiting', 'Messages that wait to be sent', q.n::double precision),
				('vacd_mail_oldest_seconds', 'Age of the oldest of them', q.oldest::double precision)) m (name, help, value)
	UNION ALL SELECT 'vacd_mail_in_waiting', 'Mail that came in and was not handled yet', NULL, count(*) FROM inbound i WHERE i.waiting
	UNION ALL SELECT 'vacd_mail_in_listed', 'Mail that came in and waits for a person', NULL, count(*) FROM inbound i
		WHERE i.state = 'listed' AND i.taken_up_at IS NULL
	UNION ALL SELECT 'vacd_daemons', 'Daemons at work', NULL, count(*) FROM daemon d
		WHERE d.stopped_at IS NULL AND d.seen_at > wall() - interval '2 minutes'
	UNION ALL SELECT 'vacd_alarms', 'Alarms that stand', NULL, count(*) FROM alarm a JOIN daemon d ON d.daemon_id = a.daemon_id
		AND d.stopped_at IS NULL AND d.seen_at > wall() - interval '2 minutes'
	UNION ALL
	SELECT 'vacd_stage_quiet_seconds', 'Time since a stage last made a turn, of whichever daemon', h.stage,
			extract(epoch FROM wall() - max(h.turned_at))
		FROM heartbeat h JOIN daemon d ON d.daemon_id = h.daemon_id AND d.stopped_at IS NULL
		GROUP BY h.stage
	ORDER BY 1, 3;
$$;
COMMENT ON FUNCTION vac_daemon.metrics() IS 'Figures for Prometheus: a name, what it counts, the stage it is of if any, and the number; nothing of a single case';

CREATE OR REPLACE FUNCTION vac_store.intake_status(now_at timestamptz, still interval) RETURNS TABLE (severity text, text text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT CASE WHEN s.turned_at > now_at - still THEN 'ok' ELSE 'bad' END,
			CASE WHEN s.turned_at > now_at - still THEN format('intake: turned %s ago', age_text(s.turned_at, now_at))
				ELSE format('intake: stands still, turned %s ago; look at the daemon''s journal', age_text(s.turned_at, now_at)) END
		FROM (SELECT max(b.turned_at) AS turned_at
			FROM daemon d JOIN heartbeat b ON b.daemon_id = d.daemon_id AND b.stage = 'intake'
			WHERE d.stopped_at IS NULL AND d.seen_at > now_at - still) s
		WHERE s.turned_at IS NOT NULL;
$$;
COMMENT ON FUNCTION vac_store.intake_status(timestamptz, interval) IS 'The line of status() about the door for programs; none where it is shut';
