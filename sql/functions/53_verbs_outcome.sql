-- An outcome that was recorded wrongly is put right, with what came of it.

CREATE OR REPLACE FUNCTION vac_store.reported_appointment(one case_record, of_request bigint, who integer) RETURNS appointment
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found appointment[] := ARRAY(SELECT a FROM appointment a
		WHERE a.case_id = one.case_id AND a.outcome IS NOT NULL AND (of_request IS NULL OR a.request_id = of_request)
			AND (who IS NULL OR a.coordinator_id = who)
		ORDER BY a.outcome_at DESC, a.appointment_id DESC);
BEGIN
	IF found = '{}' THEN
		PERFORM refuse(format('case_code: no outcome of case %s is on record%s', one.case_code,
				CASE WHEN of_request IS NOT NULL OR who IS NOT NULL THEN ' for that request and coordinator' ELSE '' END),
			format('SELECT vac.record_outcome(''%s'', …) records one.', one.case_code));
	ELSIF cardinality(found) > 1 AND of_request IS NULL AND who IS NULL THEN
		PERFORM refuse(format('request: case %s has several outcomes on record', one.case_code), 'Say coordinator => or request => one of: '
			|| (SELECT string_agg(format('%s (%s, %s, %s)', a.request_id, k.code, short_span(a.span, o.time_zone), replace(a.outcome, '_', ' ')), ', '
					ORDER BY lower(a.span), a.appointment_id)
				FROM unnest(found) a JOIN coordinator k ON k.coordinator_id = a.coordinator_id JOIN office o ON o.office_id = a.office_id));
	END IF;
	RETURN found[1];
END
$$;
COMMENT ON FUNCTION vac_store.reported_appointment(case_record, bigint, integer) IS
	'The meeting of a case whose outcome is on record: of the request or coordinator that was named (the one recorded last), else the only one';

CREATE OR REPLACE FUNCTION vac_store.lift_bar(a appointment) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	others bigint;
	last timestamptz;
	zone text := (SELECT coordinator_zone(k) FROM coordinator k WHERE k.coordinator_id = a.coordinator_id);
BEGIN
	SELECT count(*), max(b.ended_at) INTO others, last FROM appointment b
		WHERE b.request_id = a.request_id AND b.coordinator_id = a.coordinator_id AND b.appointment_id <> a.appointment_id
			AND (b.state IN ('declined', 'lapsed') OR b.outcome = 'coordinator_absent');
	DELETE FROM request_bar b WHERE b.request_id = a.request_id AND b.coordinator_id = a.coordinator_id AND others = 0;
	UPDATE request_bar b SET times = greatest(b.times - 1, 1),
			until = CASE WHEN others < 2 THEN local_day_start(local_day(last, zone) + 1, zone) END
		WHERE b.request_id = a.request_id AND b.coordinator_id = a.coordinator_id;
END
$$;
COMMENT ON FUNCTION vac_store.lift_bar(appointment) IS 'Takes back the bar that the absence of a coordinator brought; what they declined or let lapse still counts';

-- The clock of first contact follows the case: it runs on when there was none, and is done when there was.
CREATE OR REPLACE FUNCTION vac_store.correct_contact(one case_record, was_one boolean, contact_at timestamptz, reason text, at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	contact timestamptz;
	zone text := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
BEGIN
	IF one.first_contact_at IS NULL THEN
		PERFORM refuse(format('case_code: no contact of case %s is on record', one.case_code), format('SELECT vac.record_outcome(''%s'', ''contacted'') records one.', one.case_code));
	ELSIF was_one AND contact_at IS NULL THEN
		PERFORM refuse('contact_at: when was it?', format('On record is %s; not_contacted takes it back.', local_text(one.first_contact_at, zone)));
	END IF;
	-- A meeting that was held is a contact, whatever else was said.
	contact := least(CASE WHEN was_one THEN past_moment(contact_at, at, one.opened_at - interval '30 days', 'contact_at') END,
		(SELECT min(lower(a.span)) FROM appointment a WHERE a.case_id = one.case_id AND a.state = 'held'));
	PERFORM record('contact_corrected', one.office_id, one.case_id, why => reason_code(reason), said => reason_note(reason),
		more => jsonb_build_object('before', one.first_contact_at, 'after', contact));
	UPDATE case_record c SET first_contact_at = contact WHERE c.case_id = one.case_id;
	UPDATE clock k SET done_at = contact, done_by = session_user
		WHERE k.case_id = one.case_id AND k.kind = 'first_contact' AND k.done_at = one.first_contact_at AND contact IS NOT NULL;
	IF was_one THEN
		PERFORM record('first_contact', one.office_id, one.case_id, more => jsonb_build_object('contact', contact));
	END IF;
	RETURN format('Case %s: %s', one.case_code, coalesce('first contact was ' || local_text(contact, zone), 'there was no contact')) || coalesce(clocks_text(one.case_id), '');
END
$$;
COMMENT ON FUNCTION vac_store.correct_contact(case_record, boolean, timestamptz, text, timestamptz) IS
	'Puts right when first contact was, or that there was none (was_one false); a meeting that was held counts all the same';

CREATE OR REPLACE FUNCTION vac.correct_outcome(case_code text, outcome text, reason text, coordinator text DEFAULT NULL, request bigint DEFAULT NULL,
		contact_at timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	who coordinator;
	a appointment;
	said text;
BEGIN
	one := case_named(correct_outcome.case_code);
	PERFORM need_office(one.office_id, 'correct_outcome'), need_open(one), need_reason(correct_outcome.reason);
	PERFORM refuse_if(one_of_problem(correct_outcome.outcome, 'held', 'victim_absent', 'coordinator_absent', 'not_wanted', 'missed', 'contacted', 'not_contacted'), 'outcome');
	IF correct_outcome.coordinator IS NOT NULL THEN
		who := coordinator_named(correct_outcome.coordinator);
	END IF;
	PERFORM lock_case_people(one, who.coordinator_id);
	IF correct_outcome.outcome IN ('contacted', 'not_contacted') THEN
		RETURN correct_contact(one, correct_outcome.outcome = 'contacted', correct_outcome.contact_at, correct_outcome.reason, at);
	END IF;
	a := reported_appointment(one, correct_outcome.request, who.coordinator_id);
	SELECT * INTO who FROM coordinator k WHERE k.coordinator_id = a.coordinator_id;
	IF a.outcome = correct_outcome.outcome THEN
		RETURN format('Case %s: that is on record already', one.case_code);
	END IF;
	PERFORM record('outcome_corrected', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
		why => reason_code(correct_outcome.reason), said => reason_note(correct_outcome.reason),
		more => jsonb_build_object('before', a.outcome, 'after', correct_outcome.outcome));
	PERFORM take_outcome(a, correct_outcome.outcome, at);
	PERFORM lift_bar(a) WHERE a.outcome = 'coordinator_absent';
	said := (SELECT CASE r.state WHEN 'open' THEN '; it is planned again' WHEN 'met' THEN '; its request is met' WHEN 'withdrawn' THEN '; nothing more is planned'
		ELSE '; the appointment that was made since stands' END FROM request r WHERE r.request_id = a.request_id);
	RETURN format('Case %s: the meeting of %s with %s was %s, not %s%s', one.case_code,
		short_span(a.span, (SELECT o.time_zone FROM office o WHERE o.office_id = a.office_id)), who.name,
		replace(correct_outcome.outcome, '_', ' '), replace(a.outcome, '_', ' '), said);
END
$$;
COMMENT ON FUNCTION vac.correct_outcome(text, text, text, text, bigint, timestamptz) IS
	'Puts right an outcome that was recorded wrongly: held, victim_absent, coordinator_absent, missed or not_wanted. History keeps both. What came of the wrong one is put '
	'right: a request that was not met after all is planned again, one that was met needs no other appointment, a coordinator who was there after all may be asked again. '
	'coordinator, request: which meeting, where several have an outcome. contacted, with contact_at: first contact was then; not_contacted: there was none';
