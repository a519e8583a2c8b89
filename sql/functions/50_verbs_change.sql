-- Changing what a case needs, and what that means for its appointment.

-- ---- change ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.request_of_case(one case_record, given bigint) RETURNS request
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found request;
	several text;
BEGIN
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	SELECT string_agg(format('%s (%s, %s)', r.request_id, r.service, r.state), ', ' ORDER BY r.request_id) INTO several
		FROM request r WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned');
	SELECT r.* INTO found FROM request r
		WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned') AND (given IS NULL OR r.request_id = given)
		ORDER BY r.request_id LIMIT 1;
	IF found.request_id IS NULL THEN
		PERFORM refuse(format('%s: case %s has no open request%s', CASE WHEN given IS NULL THEN 'case_code' ELSE 'request' END,
			one.case_code, coalesce(' ' || given, '')), coalesce('Open are: ' || several, 'All its meetings are over.'));
	ELSIF given IS NULL AND several LIKE '%), %' THEN
		PERFORM refuse(format('request: case %s has several open requests', one.case_code),
			format('Say request => one of: %s', several));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.request_of_case(case_record, bigint) IS
	'The open request of a case, locked with all others of it; given: its id where a case has several';

CREATE OR REPLACE FUNCTION vac_store.appointment_fits(a appointment, before request, r request) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- What was set by hand may lie where no plan could have put it: only what changed counts.
	SELECT (r.open_window @> a.span OR (a.pinned AND r.open_window = before.open_window))
		AND (r.minutes = before.minutes OR upper(a.span) - lower(a.span) = make_interval(mins => r.minutes))
		AND (r.due_at = before.due_at OR lower(a.span) <= r.due_at)
		AND (r.urgency = before.urgency OR r.urgency <> 'immediate')
		AND (r.service = before.service OR EXISTS (SELECT FROM coordinator_service s
			WHERE s.coordinator_id = a.coordinator_id AND s.service = r.service))
		AND (r.mode = before.mode)
		AND ((r.language, r.interpreter) = (before.language, before.interpreter) OR r.interpreter <> 'none'
			OR EXISTS (SELECT FROM coordinator_language l
				WHERE l.coordinator_id = a.coordinator_id AND language_fits(r.language, l.language)))
		AND (NOT r.gender_required OR EXISTS (SELECT FROM coordinator c
			WHERE c.coordinator_id = a.coordinator_id AND c.gender = r.gender));
$$;
COMMENT ON FUNCTION vac_store.appointment_fits(appointment, request, request) IS
	'Whether an appointment still serves its request after a change (before, r)';

CREATE OR REPLACE FUNCTION vac_store.after_change(before request, r request, why text) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	at CONSTANT timestamptz := moment();
	standing appointment[] := ARRAY(SELECT a FROM appointment a WHERE a.request_id = r.request_id AND a.live);
	unfit bigint[] := ARRAY(SELECT a.appointment_id FROM unnest(standing) a WHERE NOT appointment_fits(a, before, r));
	-- Of a call-out that hurries less one is enough: of who accepted, else of who was asked first.
	fit bigint[] := ARRAY(SELECT a.appointment_id FROM unnest(standing) a WHERE a.appointment_id <> ALL (unfit)
		ORDER BY a.state <> 'accepted', a.appointment_id LIMIT CASE WHEN r.urgency <> 'immediate' THEN 1 END);
	surplus bigint[] := ARRAY(SELECT a.appointment_id FROM unnest(standing) a WHERE a.appointment_id <> ALL (unfit || fit));
BEGIN
	PERFORM end_appointments(surplus, 'replaced', why), end_pages(surplus) WHERE surplus <> '{}';
	IF cardinality(unfit) > 0 THEN
		PERFORM end_appointments(unfit, 'cancelled', why), end_pages(unfit);
	END IF;
	IF cardinality(fit) = 0 THEN
		UPDATE request SET state = 'open', plan_at = at, refusals = 0 WHERE request_id = r.request_id;
		RETURN CASE WHEN cardinality(unfit) > 0 THEN 'changed; its appointment no longer fits, so it is cancelled and planned again'
			ELSE 'changed; it is being planned' END;
	END IF;
	IF (before.urgency, before.language, before.place, before.interpreter, before.service)
			IS DISTINCT FROM (r.urgency, r.language, r.place, r.interpreter, r.service) THEN
		UPDATE appointment a SET sequence = a.sequence + 1, urgency = r.urgency,
				by_interpreter = NOT EXISTS (SELECT FROM coordinator_language l
					WHERE l.coordinator_id = a.coordinator_id AND language_fits(r.language, l.language))
			WHERE a.appointment_id = ANY (fit);
		PERFORM queue_appointments('update', fit);
		RETURN 'changed; its appointment stays, and the coordinator is told';
	END IF;
	RETURN 'changed; its appointment stays';
END
$$;
COMMENT ON FUNCTION vac_store.after_change(request, request, text) IS
	'What becomes of a request''s appointments after a change: kept (with an update mailed where it says something else now), or cancelled and planned again';

CREATE OR REPLACE FUNCTION vac.change_request(
	case_code text,
	language text DEFAULT NULL,
	service text DEFAULT NULL,
	urgency text DEFAULT NULL,
	mode text DEFAULT NULL,
	place text DEFAULT NULL,
	interpreter text DEFAULT NULL,
	gender text DEFAULT NULL,
	gender_required boolean DEFAULT NULL,
	preferred text DEFAULT NULL,
	minutes integer DEFAULT NULL,
	window_from timestamptz DEFAULT NULL,
	window_to timestamptz DEFAULT NULL,
	due timestamptz DEFAULT NULL,
	requester text DEFAULT NULL,
	agency_reference text DEFAULT NULL,
	reason text DEFAULT NULL,
	request bigint DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	of_office office;
	before request;
	r request;
	done text;
BEGIN
	one := case_named(change_request.case_code);
	PERFORM need_open(one);
	SELECT * INTO of_office FROM office o WHERE o.office_id = one.office_id;
	before := request_of_case(one, change_request.request);
	r := request_words(before, of_office, change_request.language, change_request.service, change_request.urgency,
		change_request.mode, change_request.place, change_request.interpreter, change_request.gender,
		change_request.gender_required, change_request.preferred);
	r := request_times(r, of_office, at, r.urgency <> before.urgency, change_request.minutes, change_request.window_from,
		change_request.window_to, change_request.due);
	IF change_request.requester IS NOT NULL THEN
		PERFORM check_requester(change_request.requester);
	END IF;
	PERFORM check_reference(change_request.agency_reference);
	UPDATE case_record c SET requester = coalesce(change_request.requester, c.requester),
			agency_reference = coalesce(change_request.agency_reference, c.agency_reference), language = r.language
		WHERE c.case_id = one.case_id AND (c.requester, c.agency_reference, c.language::text) IS DISTINCT FROM
			(coalesce(change_request.requester, c.requester), coalesce(change_request.agency_reference, c.agency_reference), r.language::text);
	IF r = before THEN
		IF NOT FOUND THEN
			RETURN format('Case %s: nothing to change, it is so already', one.case_code);
		END IF;
		done := 'changed';
	ELSE
		UPDATE request q SET service = r.service, urgency = r.urgency, mode = r.mode, place = r.place, language = r.language,
				interpreter = r.interpreter, gender = r.gender, gender_required = r.gender_required, preferred_id = r.preferred_id,
				minutes = r.minutes, open_window = r.open_window, due_at = r.due_at
			WHERE q.request_id = r.request_id;
		done := after_change(before, r, 'changed');
		PERFORM warn_of_language(r);
	END IF;
	-- History keeps what changed by name, and neither the reference nor the address.
	PERFORM record('request_changed', of_office => one.office_id, of_case => one.case_id, of_request => r.request_id,
		why => CASE WHEN change_request.reason IS NOT NULL THEN reason_code(change_request.reason) END,
		said => reason_note(change_request.reason),
		more => (SELECT coalesce(jsonb_object_agg(n.key, jsonb_build_array(b.value, n.value)), '{}')
			FROM jsonb_each(to_jsonb(r)) n JOIN jsonb_each(to_jsonb(before)) b USING (key) WHERE b.value <> n.value));
	PERFORM tell_requesters(ARRAY[r.request_id], 'changed') WHERE done LIKE '%planned again';
	IF one.held_since IS NOT NULL THEN
		done := 'changed; the case is on hold, so nothing is planned';
	ELSE
		PERFORM warn_of_silence(of_office);
	END IF;
	RETURN format('Case %s: %s', one.case_code, done);
END
$$;
COMMENT ON FUNCTION vac.change_request(text, text, text, text, text, text, text, text, boolean, text, integer, timestamptz,
	timestamptz, timestamptz, text, text, text, bigint) IS
	'Changes the open request of a case; arguments as of vac.open_case(), what is left out stays. none empties gender and '
	'preferred, infinity empties window_to. An appointment that no longer fits is cancelled and planned again; one that '
	'fits stays, and its coordinator is told what changed. request: its number, where a case has several';
