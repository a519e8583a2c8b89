-- A case goes to another office: who may see it, who plans it and who is told of it go with it. Its past
-- meetings stay with the office that held them.

CREATE OR REPLACE FUNCTION vac_store.stays_on_transfer(one case_record, to_office integer, at timestamptz) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce(array_agg(a.appointment_id ORDER BY a.appointment_id), '{}')
		FROM appointment a
			JOIN request r ON r.request_id = a.request_id
			JOIN coordinator k ON k.coordinator_id = a.coordinator_id
		WHERE a.case_id = one.case_id AND a.live
			-- What has begun, those of the other office, and by telephone whoever that office may send anyway.
			AND (lower(a.span) <= at OR k.office_id = to_office
				OR r.mode = 'telephone' AND EXISTS (SELECT FROM office_backup b WHERE b.office_id = to_office AND b.backup_office_id = k.office_id));
$$;
COMMENT ON FUNCTION vac_store.stays_on_transfer(case_record, integer, timestamptz) IS
	'Live appointments of a case that may stand when it goes to another office: begun ones, its coordinators'', and by telephone those of its backups';

CREATE OR REPLACE FUNCTION vac_store.transfer_requests(one case_record, to_office office, place text, at timestamptz) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	r request;
	again bigint[] := '{}';
BEGIN
	FOR r IN SELECT * FROM request q WHERE q.case_id = one.case_id AND q.state IN ('open', 'planned') ORDER BY q.request_id LOOP
		r.place := request_place(r, to_office, transfer_requests.place);
		r.state := CASE WHEN EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.live) THEN 'planned' ELSE 'open' END;
		UPDATE request q
			SET office_id = to_office.office_id, place = r.place, state = r.state, plan_at = at, refusals = 0,
				-- A call-out that has begun keeps its window, and whoever is next in line goes on being sought.
				seek_since = CASE WHEN r.state = 'planned' THEN q.seek_since END,
				unserved_since = NULL, noticed_at = NULL, told_at = NULL, notices = 0
			WHERE q.request_id = r.request_id;
		IF r.state = 'open' THEN
			again := again || r.request_id;
			PERFORM warn_of_language(q) FROM request q WHERE q.request_id = r.request_id;
		END IF;
	END LOOP;
	RETURN again;
END
$$;
COMMENT ON FUNCTION vac_store.transfer_requests(case_record, office, text, timestamptz) IS
	'Gives the open requests of a case to another office, with a place there; returns those that are planned anew';

CREATE OR REPLACE FUNCTION vac_store.transfer_rest(one case_record, to_office integer) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	UPDATE clock k SET office_id = to_office WHERE k.case_id = one.case_id AND k.running;
	-- Mail on which somebody may still have to act.
	UPDATE message m SET office_id = to_office WHERE m.case_id = one.case_id AND m.state IN ('queued', 'suppressed', 'refused');
	UPDATE inbound i SET office_id = to_office
		WHERE i.state = 'listed' AND i.taken_up_at IS NULL
			AND i.appointment_id IN (SELECT a.appointment_id FROM appointment a WHERE a.case_id = one.case_id);
$$;
COMMENT ON FUNCTION vac_store.transfer_rest(case_record, integer) IS 'Gives to another office what else somebody may have to act on: clocks that run, mail that waits, was kept back, refused, or is listed';

-- Whoever booked knows whom to call, and the other office books its own, for its own place. Who is there stays.
CREATE OR REPLACE FUNCTION vac_store.leave_interpreters(one case_record, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	INSERT INTO interpreter_left (office_id, case_id, request_id, case_code, language, interpreter, place, span)
		SELECT one.office_id, one.case_id, r.request_id, one.case_code, r.language, r.interpreter, CASE WHEN r.mode <> 'telephone' THEN r.place END,
				r.interpreter_for
			FROM request r WHERE r.case_id = one.case_id AND lower(r.interpreter_for) > at ORDER BY r.request_id;
	GET DIAGNOSTICS n = ROW_COUNT;
	UPDATE request r SET interpreter_for = NULL, interpreter_noted_at = NULL, interpreter_noted_by = NULL
		WHERE r.case_id = one.case_id AND lower(r.interpreter_for) > at;
	RETURN n;
END
$$;
COMMENT ON FUNCTION vac_store.leave_interpreters(case_record, timestamptz) IS
	'Leaves the interpreters to come of a case that goes elsewhere to the office that booked them, to be called off; returns how many';

CREATE OR REPLACE FUNCTION vac.transfer_case(case_code text, office text, reason text, place text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	from_office office;
	to_office office;
	stay bigint[];
	leave bigint[];
	again bigint[];
	booked bigint;
BEGIN
	one := case_named(transfer_case.case_code);
	PERFORM need_office(one.office_id, 'transfer_case'), need_open(one), need_reason(transfer_case.reason);
	to_office := office_named(transfer_case.office);
	SELECT * INTO from_office FROM office o WHERE o.office_id = one.office_id;
	IF to_office.office_id = from_office.office_id THEN
		RETURN format('Case %s is at %s already', one.case_code, to_office.code);
	END IF;
	PERFORM lock_case_people(one);
	stay := stays_on_transfer(one, to_office.office_id, at);
	leave := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.case_id = one.case_id AND a.live AND a.appointment_id <> ALL (stay));
	PERFORM end_appointments(leave, 'cancelled', 'transferred'), end_pages(leave);
	booked := leave_interpreters(one, at);
	-- The codes that it had besides its own go with it.
	UPDATE case_record c SET office_id = to_office.office_id, transferred_at = at,
			responsible_id = (SELECT k.coordinator_id FROM coordinator k WHERE k.coordinator_id = c.responsible_id AND k.office_id = to_office.office_id)
		WHERE c.case_id = one.case_id OR c.merged_into = one.case_id;
	again := transfer_requests(one, to_office, transfer_case.place, at);
	UPDATE appointment a SET office_id = to_office.office_id,
			sequence = a.sequence + (lower(a.span) > at)::integer
		WHERE a.case_id = one.case_id AND a.live;
	stay := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.appointment_id = ANY (stay) AND lower(a.span) > at);
	PERFORM queue_appointments('update', stay, at) WHERE stay <> '{}';
	PERFORM record('appointment_kept', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
		more => jsonb_build_object('office', to_office.code)) FROM appointment a WHERE a.appointment_id = ANY (stay) ORDER BY a.appointment_id;
	PERFORM transfer_rest(one, to_office.office_id);
	-- An entry on either side; what was said is kept once.
	PERFORM record('case_transferred', of_office => from_office.office_id, of_case => one.case_id,
			why => reason_code(transfer_case.reason), said => reason_note(transfer_case.reason),
			more => jsonb_build_object('case', one.case_code, 'office', to_office.code, 'requests', cardinality(again), 'appointments', cardinality(leave))),
		record('case_received', of_office => to_office.office_id, of_case => one.case_id, why => reason_code(transfer_case.reason),
			more => jsonb_build_object('case', one.case_code, 'office', from_office.code));
	-- Once, whether meetings are to come or not.
	PERFORM tell_requesters(ARRAY(SELECT r.request_id FROM request r WHERE r.case_id = one.case_id
		ORDER BY r.state NOT IN ('open', 'planned'), r.request_id LIMIT 1), 'transferred', at,
		CASE WHEN NOT EXISTS (SELECT FROM request r WHERE r.case_id = one.case_id) THEN one.case_id END);
	PERFORM tell_supervisors(to_office.office_id, 'a case comes from ' || from_office.code,
		format(E'Case %s was transferred from %s to %s.\n\nMeetings to plan: %s\nAppointments that stand: %s\n\nvac.open_cases shows how it stands; vac.history what was before.\n',
			one.case_code, from_office.code, to_office.code, cardinality(again), cardinality(stay)),
		EXISTS (SELECT FROM request r WHERE r.request_id = ANY (again) AND r.urgency = 'immediate'), true, at);
	PERFORM pg_notify('vac_deadline', ''), warn_of_silence(to_office);
	RETURN said(format('Case %s is at %s (%s, %s) now', one.case_code, to_office.code, to_office.name, to_office.telephone)
		|| CASE WHEN again <> '{}' THEN '; ' || quantity(cardinality(again), 'meeting is', 'meetings are') || ' planned there' ELSE '' END
		|| CASE WHEN leave <> '{}' THEN '; ' || quantity(cardinality(leave), 'appointment is', 'appointments are') || ' cancelled' ELSE '' END
		|| CASE WHEN stay <> '{}' THEN '; ' || quantity(cardinality(stay), 'appointment stays', 'appointments stay') || ', and the coordinator is told' ELSE '' END
		|| CASE WHEN booked > 0 THEN '; ' || quantity(booked, 'interpreter is', 'interpreters are') || ' to be called off: TABLE vac.interpreters_to_book' ELSE '' END
		|| CASE WHEN one.held_since IS NOT NULL THEN '; it is on hold still' ELSE '' END);
END
$$;
COMMENT ON FUNCTION vac.transfer_case(text, text, text, text) IS
	'Gives a case to another office, whose supervisors see it from then on, and yours no more. Its meetings are planned anew there; an appointment '
	'that a coordinator of that office holds stays. Clocks go on. Whoever was responsible is so no longer, unless of that office: the first who accepts '
	'is. place: one of that office''s places (left out: its first). reason: a word, a sentence or both';
