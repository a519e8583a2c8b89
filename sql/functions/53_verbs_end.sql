-- Verbs about the end of a case: its help is over, and it was not over after all.

CREATE OR REPLACE FUNCTION vac_store.end_requests(one case_record, at timestamptz, why text, OUT requests bigint[], OUT ended integer)
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	standing bigint[];
BEGIN
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	-- What is over is not called off any more.
	standing := ARRAY(SELECT a.appointment_id FROM appointment a
		WHERE a.case_id = one.case_id AND a.live AND upper(a.span) > at);
	WITH gone AS (
		UPDATE request r SET state = 'withdrawn' WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned')
			RETURNING r.request_id
	)
	SELECT coalesce(array_agg(g.request_id ORDER BY g.request_id), '{}') INTO requests FROM gone g;
	ended := end_appointments(standing, 'cancelled', why);
	PERFORM end_pages(standing);
	-- Once, however many they were.
	PERFORM tell_requesters(ARRAY(SELECT min(a.request_id) FROM appointment a WHERE a.appointment_id = ANY (standing)), 'cancelled');
END
$$;
COMMENT ON FUNCTION vac_store.end_requests(case_record, timestamptz, text) IS
	'Ends all that a case still needs: its open requests are withdrawn, appointments to come cancelled, whoever opened it is told. Returns the requests, and how many appointments';

-- ---- close -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.need_nothing_to_come(one case_record, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	meetings text;
BEGIN
	SELECT string_agg(format('%s (%s)', lower(s.label), coalesce(short_span(a.span, o.time_zone), 'being planned')), ', ' ORDER BY lower(a.span), r.request_id)
		INTO meetings
		FROM request r JOIN service s ON s.code = r.service JOIN office o ON o.office_id = r.office_id
			LEFT JOIN LATERAL (SELECT b.span FROM appointment b WHERE b.request_id = r.request_id AND b.live
				ORDER BY lower(b.span), b.appointment_id LIMIT 1) a ON true
		WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned') AND (a.span IS NULL OR upper(a.span) > at);
	IF meetings IS NOT NULL THEN
		PERFORM refuse(format('case_code: case %s still has meetings to come: %s', one.case_code, meetings),
			'If they are not needed any more, say cancel => true with it: they are cancelled, and their coordinators told.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_nothing_to_come(case_record, timestamptz) IS 'Refuses while a case has meetings to come, or to be planned';

CREATE OR REPLACE FUNCTION vac_store.need_outcomes(one case_record, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	meetings text;
BEGIN
	SELECT string_agg(format('%s with %s (%s, %s)', short_span(a.span, o.time_zone), k.name, k.code, k.telephone), ', ' ORDER BY lower(a.span))
		INTO meetings
		FROM appointment a JOIN coordinator k ON k.coordinator_id = a.coordinator_id JOIN office o ON o.office_id = a.office_id
		WHERE a.case_id = one.case_id AND a.live AND upper(a.span) <= at;
	IF meetings IS NOT NULL THEN
		PERFORM refuse(format('case_code: nobody has said yet what became of %s', meetings),
			format('SELECT vac.record_outcome(''%s'', ''held'') first; or victim_absent, coordinator_absent, not_wanted.', one.case_code));
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_outcomes(case_record, timestamptz) IS 'Refuses while a case has meetings that are over without an outcome';

CREATE OR REPLACE FUNCTION vac_store.clocks_text(of_case bigint) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT '; still to be done: ' || string_agg(format('%s by %s', d.label, local_text(k.due_at, o.time_zone)), ', ' ORDER BY k.due_at)
		FROM clock k JOIN clock_kind d ON d.kind = k.kind JOIN office o ON o.office_id = k.office_id
		WHERE k.case_id = of_case AND k.running;
$$;
COMMENT ON FUNCTION vac_store.clocks_text(bigint) IS 'The end of a sentence that names the clocks of a case that run; NULL: none does';

CREATE OR REPLACE FUNCTION vac.close_case(case_code text, reason text DEFAULT 'resolved', cancel boolean DEFAULT false) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	gone record;
BEGIN
	one := case_named(close_case.case_code);
	PERFORM need_office(one.office_id, 'close_case');
	IF one.state = 'closed' AND one.merged_into IS NULL THEN
		RETURN format('Case %s was closed already', one.case_code);
	END IF;
	PERFORM need_open(one), need_reason(close_case.reason);
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	PERFORM need_nothing_to_come(one, at) WHERE close_case.cancel IS NOT TRUE;
	PERFORM need_outcomes(one, at);
	gone := end_requests(one, at, 'closed');
	UPDATE case_record c SET state = 'closed', ended_at = at WHERE c.case_id = one.case_id;
	IF one.held_since IS NOT NULL THEN
		PERFORM suppress_mail(one);
	END IF;
	PERFORM record('case_closed', of_office => one.office_id, of_case => one.case_id,
		why => reason_code(close_case.reason), said => reason_note(close_case.reason),
		more => jsonb_build_object('appointments', gone.ended, 'requests', gone.requests));
	RETURN said(format('Case %s is closed', one.case_code)
		|| CASE WHEN gone.ended > 0 THEN '; ' || quantity(gone.ended, 'appointment is', 'appointments are') || ' cancelled, and the coordinator is told' ELSE '' END
		|| CASE WHEN one.first_contact_at IS NULL THEN '; no contact with the victim is on record' ELSE '' END
		|| coalesce(clocks_text(one.case_id), ''));
END
$$;
COMMENT ON FUNCTION vac.close_case(text, text, boolean) IS
	'Closes a case whose help is over. While it has meetings to come it is refused, unless cancel => true cancels them; what became '
	'of those that are over must be on record. One that needs no help after all is withdrawn: vac.withdraw_case(). reason: a word, a sentence or both';

-- ---- reopen ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.first_place(of_office office) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	r request;
BEGIN
	r.mode := 'at_office';
	RETURN request_place(r, of_office, NULL);
END
$$;
COMMENT ON FUNCTION vac_store.first_place(office) IS 'Code of an office''s first place (MAIN before others); refused when it has none';

-- Meetings that were, stay with the office that had the case then.
CREATE OR REPLACE FUNCTION vac_store.request_comes_home() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	home office;
BEGIN
	SELECT o.* INTO home FROM case_record c JOIN office o ON o.office_id = c.office_id WHERE c.case_id = NEW.case_id;
	IF home.office_id <> NEW.office_id THEN
		NEW.office_id := home.office_id;
		NEW.place := CASE WHEN NEW.mode <> 'telephone' THEN first_place(home) END;
	END IF;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION vac_store.request_comes_home() IS
	'Trigger: a request that is needed again is the case''s office''s, although the case was elsewhere when it ended';
CREATE OR REPLACE TRIGGER request_comes_home BEFORE UPDATE OF state ON vac_store.request
	FOR EACH ROW WHEN (NEW.state IN ('open', 'planned') AND OLD.state NOT IN ('open', 'planned'))
	EXECUTE FUNCTION vac_store.request_comes_home();

CREATE OR REPLACE FUNCTION vac_store.ended_requests(of_case bigint) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	WITH said AS (
		SELECT h.detail -> 'requests' AS ids FROM history h
			WHERE h.case_id = of_case AND h.event IN ('case_withdrawn', 'case_closed') ORDER BY h.history_id DESC LIMIT 1
	)
	SELECT coalesce(array_agg(r.request_id ORDER BY r.request_id), '{}') FROM request r
		WHERE r.case_id = of_case AND r.state = 'withdrawn'
			-- An older vacd did not say which.
			AND coalesce((SELECT s.ids @> to_jsonb(r.request_id) FROM said s),
				NOT EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.outcome = 'not_wanted'));
$$;
COMMENT ON FUNCTION vac_store.ended_requests(bigint) IS 'The requests of an ended case that its end withdrew, and nothing else';

CREATE OR REPLACE FUNCTION vac_store.revive_requests(one case_record, request_ids bigint[], at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	home office;
	r request;
	n bigint := 0;
BEGIN
	SELECT * INTO home FROM office o WHERE o.office_id = one.office_id;
	FOR r IN SELECT * FROM request q WHERE q.request_id = ANY (request_ids) ORDER BY q.request_id LOOP
		-- The time since the end counts against nobody; a window that closed meanwhile is open.
		r := request_times(r, home, at, true, NULL, NULL,
			CASE WHEN upper(r.open_window) < greatest(at, lower(r.open_window)) + make_interval(mins => r.minutes) THEN 'infinity'::timestamptz END, NULL);
		UPDATE request q
			SET state = CASE WHEN EXISTS (SELECT FROM appointment a WHERE a.request_id = q.request_id AND a.live) THEN 'planned' ELSE 'open' END,
				open_window = r.open_window, due_at = r.due_at, plan_at = at, refusals = 0, unserved_since = NULL, noticed_at = NULL, told_at = NULL,
				notices = 0
			WHERE q.request_id = r.request_id;
		n := n + 1;
	END LOOP;
	RETURN n;
END
$$;
COMMENT ON FUNCTION vac_store.revive_requests(case_record, bigint[], timestamptz) IS
	'Has requests of a case that were withdrawn planned again, with a due time counted from now; returns how many';

CREATE OR REPLACE FUNCTION vac_store.restart_clocks(one case_record, at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT start_clocks(d.kind, ARRAY[one.case_id], ARRAY[coalesce(CASE d.starts WHEN 'request' THEN (SELECT r.urgency::text FROM request r
				WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned')
				ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text) LIMIT 1) END, k.urgency::text)], at)
		FROM clock_kind d
			CROSS JOIN LATERAL (SELECT * FROM clock c WHERE c.case_id = one.case_id AND c.kind = d.kind ORDER BY c.clock_id DESC LIMIT 1) k
		WHERE d.with_case AND k.stopped_at IS NOT NULL
			AND CASE d.starts WHEN 'request' THEN one.first_contact_at IS NULL WHEN 'responsible' THEN one.responsible_id IS NOT NULL ELSE true END;
$$;
COMMENT ON FUNCTION vac_store.restart_clocks(case_record, timestamptz) IS 'The clocks that stopped with the end of a case begin anew, where what they wait for was not done';

CREATE OR REPLACE FUNCTION vac.reopen_case(case_code text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	ended text;
	back bigint[];
	n bigint;
BEGIN
	one := case_named(reopen_case.case_code);
	PERFORM need_office(one.office_id, 'reopen_case');
	IF one.state = 'open' THEN
		RETURN format('Case %s is open already; nothing is changed', one.case_code);
	ELSIF one.merged_into IS NOT NULL THEN
		PERFORM need_open(one);
	END IF;
	PERFORM need_reason(reopen_case.reason);
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	ended := one.state;
	back := ended_requests(one.case_id);
	UPDATE case_record c SET state = 'open', ended_at = NULL,
			responsible_id = (SELECT k.coordinator_id FROM coordinator k WHERE k.coordinator_id = c.responsible_id AND k.retired_at IS NULL)
		WHERE c.case_id = one.case_id RETURNING * INTO one;
	n := revive_requests(one, back, at);
	PERFORM restart_clocks(one, at);
	UPDATE appointment a SET ask_at = at WHERE a.case_id = one.case_id AND a.live AND a.ask_at IS NULL;
	PERFORM pg_notify('vac_deadline', '');
	PERFORM record('case_reopened', of_office => one.office_id, of_case => one.case_id,
		why => reason_code(reopen_case.reason), said => reason_note(reopen_case.reason),
		more => jsonb_build_object('was', ended, 'requests', back));
	PERFORM warn_of_silence(o) FROM office o WHERE o.office_id = one.office_id AND n > 0 AND one.held_since IS NULL;
	RETURN format('Case %s is open again', one.case_code) || CASE
		WHEN one.held_since IS NOT NULL THEN '; it is on hold still, so nothing is planned before vac.release_case(…)'
		WHEN n = 0 THEN format('; no meeting was cut off: SELECT vac.add_request(''%s'', …) says what it needs', one.case_code)
		ELSE '; ' || quantity(n, 'meeting is', 'meetings are') || ' planned anew' END;
END
$$;
COMMENT ON FUNCTION vac.reopen_case(text, text) IS
	'Opens a case again that was withdrawn or closed: what its end cut off is planned anew, clocks that stopped begin anew. '
	'reason: a word, a sentence or both (''mistake: the wrong code'')';
