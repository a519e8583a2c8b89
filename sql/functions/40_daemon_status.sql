-- How it stands, in about fifteen lines, for `vacd status` and view vac.status.

CREATE OR REPLACE FUNCTION vac_store.age_text(since timestamptz, now_at timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN since IS NULL THEN 'never'
		WHEN now_at - since < interval '2 minutes' THEN greatest(extract(epoch FROM now_at - since), 0)::integer || ' s'
		WHEN now_at - since < interval '2 hours' THEN (extract(epoch FROM now_at - since) / 60)::integer || ' min'
		WHEN now_at - since < interval '2 days' THEN (extract(epoch FROM now_at - since) / 3600)::integer || ' h'
		ELSE (extract(epoch FROM now_at - since) / 86400)::integer || ' days' END;
COMMENT ON FUNCTION vac_store.age_text(timestamptz, timestamptz) IS 'An age in one round unit';

CREATE OR REPLACE FUNCTION vac_store.status_lines() RETURNS TABLE (severity text, text text)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			-- Longer without a turn, and a stage counts as standing still.
			still interval := interval '2 minutes';
			stage_name text;
			starting boolean;
			h record;
			n record;
		BEGIN
			SELECT count(*) AS daemons, count(*) FILTER (WHERE d.deliver = 'hold') AS holding,
					string_agg(format('%s (pid %s, vacd %s)', d.host, d.pid, d.version), ', ' ORDER BY d.started_at) AS names
				INTO n FROM daemon d WHERE d.stopped_at IS NULL AND d.seen_at > now_at - still;
			RETURN QUERY SELECT CASE WHEN n.daemons = 0 THEN 'bad' ELSE 'ok' END,
				CASE WHEN n.daemons = 0 THEN 'daemon: none is running; start the vacd service'
					ELSE format('daemon: %s running: %s', n.daemons, n.names) END;
			FOREACH stage_name IN ARRAY ARRAY['dispatch', 'mailer', 'answer', 'deadline'] LOOP
				SELECT max(b.turned_at) AS turned_at INTO h
					FROM heartbeat b JOIN daemon d ON d.daemon_id = b.daemon_id AND d.stopped_at IS NULL
					WHERE b.stage = stage_name;
				-- A daemon that has just started says so within seconds.
				starting := h.turned_at IS NULL AND EXISTS (SELECT FROM daemon d
					WHERE d.stopped_at IS NULL AND d.started_at > now_at - interval '30 seconds');
				RETURN QUERY SELECT CASE WHEN h.turned_at > now_at - still THEN 'ok' WHEN starting THEN 'warn' ELSE 'bad' END,
					CASE WHEN starting THEN format('%s: starting', stage_name)
						WHEN h.turned_at IS NULL THEN format('%s: has not turned', stage_name)
						WHEN h.turned_at > now_at - still THEN format('%s: turned %s ago', stage_name, age_text(h.turned_at, now_at))
						ELSE format('%s: stands still, turned %s ago; look at the daemon''s journal', stage_name, age_text(h.turned_at, now_at)) END;
			END LOOP;
			RETURN QUERY SELECT i.severity, i.text FROM inbox_status(now_at, still) i;
			RETURN QUERY SELECT i.severity, i.text FROM seal_status(now_at) i;
			RETURN QUERY SELECT i.severity, i.text FROM intake_status(now_at, still) i;
			RETURN QUERY SELECT u.severity, u.text FROM upkeep_status(now_at) u;
			RETURN QUERY SELECT r.severity, r.text FROM removal_status(now_at) r;
			IF n.holding > 0 THEN
				RETURN QUERY SELECT 'warn', 'mail: deliver = hold, nothing is sent; set deliver = smtp when mail may go out';
			END IF;
			IF NOT is_home() THEN
				RETURN QUERY SELECT 'bad', 'mail: this database is a copy or was restored, and nothing is sent from it; `vacd adopt` makes it the one in use';
			END IF;
			SELECT string_agg(o.code, ', ' ORDER BY o.code) AS codes INTO n
				FROM office o
				WHERE o.retired_at IS NULL AND NOT EXISTS (SELECT FROM supervisor s
					WHERE s.retired_at IS NULL AND (s.all_offices OR EXISTS (SELECT FROM supervisor_office x
						WHERE x.supervisor_id = s.supervisor_id AND x.office_id = o.office_id)));
			IF n.codes IS NOT NULL THEN
				RETURN QUERY SELECT 'bad', format('supervisors: nobody is told of %s; import supervisors or use vac.set_supervisor', n.codes);
			END IF;
			RETURN QUERY SELECT 'bad', format('alarm: %s, for %s: %s', a.name, age_text(min(a.since), now_at), min(a.text))
				FROM alarm a JOIN daemon d ON d.daemon_id = a.daemon_id AND d.stopped_at IS NULL AND d.seen_at > now_at - still
				GROUP BY a.name ORDER BY a.name;
			SELECT count(*) FILTER (WHERE r.state = 'open' AND r.unserved_since IS NULL) AS fresh,
					count(*) FILTER (WHERE r.state = 'open' AND r.unserved_since IS NULL AND r.plan_at < now_at - interval '1 minute') AS slow,
					count(*) FILTER (WHERE r.state = 'open' AND r.unserved_since IS NOT NULL) AS unserved,
					count(*) FILTER (WHERE r.state = 'open' AND r.due_at < now_at) AS late
				INTO n FROM request r JOIN case_record c ON c.case_id = r.case_id AND c.state = 'open' AND c.held_since IS NULL
				WHERE r.state = 'open' AND r.to_plan;
			RETURN QUERY SELECT CASE WHEN n.slow > 0 THEN 'warn' ELSE 'ok' END,
				format('requests: %s to plan%s', n.fresh, CASE WHEN n.slow > 0 THEN format(', %s waiting for more than a minute', n.slow) ELSE '' END);
			RETURN QUERY SELECT CASE WHEN n.unserved > 0 THEN 'warn' ELSE 'ok' END,
				format('requests: %s that nobody can take%s', n.unserved, CASE WHEN n.unserved > 0 THEN '; see vac.unassigned' ELSE '' END);
			RETURN QUERY SELECT CASE WHEN n.late > 0 THEN 'bad' ELSE 'ok' END,
				format('requests: %s open beyond their due time', n.late);
			SELECT count(*) AS open_cases, count(*) FILTER (WHERE c.held_since IS NOT NULL) AS held
				INTO n FROM case_record c WHERE c.state = 'open';
			RETURN QUERY SELECT 'ok', format('cases: %s open, %s of them held', n.open_cases, n.held);
			SELECT count(*) AS waiting, min(m.made_at) AS oldest, count(*) FILTER (WHERE m.attempts > 0) AS again
				INTO n FROM message m WHERE m.waiting;
			RETURN QUERY SELECT CASE WHEN n.oldest < now_at - interval '1 hour' THEN 'bad'
					WHEN n.oldest < now_at - interval '5 minutes' THEN 'warn' ELSE 'ok' END,
				format('mail: %s waiting%s%s', n.waiting,
					CASE WHEN n.waiting > 0 THEN ', the oldest for ' || age_text(n.oldest, now_at) ELSE '' END,
					CASE WHEN n.again > 0 THEN format(', %s tried before', n.again) ELSE '' END);
			SELECT count(*) FILTER (WHERE m.state = 'refused') AS refused, count(*) FILTER (WHERE m.state = 'suppressed') AS suppressed,
					count(*) FILTER (WHERE m.neutral) AS neutral
				INTO n FROM message m WHERE m.amiss AND m.made_at > now_at - interval '1 day';
			RETURN QUERY SELECT CASE WHEN n.refused > 0 THEN 'warn' ELSE 'ok' END,
				format('mail in a day: %s refused for good, %s suppressed, %s made neutral', n.refused, n.suppressed, n.neutral);
			SELECT count(*) AS listed, min(i.received_at) AS oldest
				INTO n FROM inbound i WHERE i.state = 'listed' AND i.taken_up_at IS NULL;
			RETURN QUERY SELECT CASE WHEN n.listed > 0 THEN 'warn' ELSE 'ok' END,
				format('answers: %s for a person to look at%s', n.listed, CASE WHEN n.listed > 0
					THEN format(', the oldest for %s; see vac.unread_answers', age_text(n.oldest, now_at)) ELSE '' END);
			RETURN QUERY SELECT 'warn', 'holidays: ' || p FROM holidays_problem(now_at) p WHERE p IS NOT NULL;
			SELECT i.version, left(i.digest, 12) AS digest, i.at INTO n FROM installed i;
			RETURN QUERY SELECT 'ok', format('schema: of vacd %s (%s)', n.version, n.digest);
		END
	$$;
COMMENT ON FUNCTION vac_store.status_lines() IS 'How it stands, a line each, with severity ok, warn or bad';

CREATE OR REPLACE FUNCTION vac_daemon.status() RETURNS TABLE (line_no integer, severity text, text text)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT s.n::integer, s.severity, s.text
			FROM ROWS FROM (status_lines()) WITH ORDINALITY AS s (severity, text, n) ORDER BY s.n;
	$$;
COMMENT ON FUNCTION vac_daemon.status() IS 'How it stands, in about fifteen lines, for `vacd status`';
