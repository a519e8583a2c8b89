-- How a case stands, for whoever opened it, and for a duty desk.

-- ---- how a case stands -----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.standing_text(case_state text, held_since timestamptz, request_state text,
		unserved_since timestamptz, appointment_state text, starts timestamptz, ends timestamptz, sent boolean,
		at timestamptz, partstat text DEFAULT NULL, ended text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
	RETURN CASE
		WHEN case_state <> 'open' THEN case_state
		WHEN held_since IS NOT NULL THEN 'on hold'
		WHEN appointment_state IN ('invited', 'accepted') AND ends <= at THEN 'over, outcome open'
		WHEN appointment_state = 'accepted' AND starts <= at THEN 'going on'
		WHEN appointment_state = 'accepted' THEN 'accepted'
		WHEN appointment_state = 'invited' AND partstat = 'TENTATIVE' THEN 'perhaps, no answer yet'
		WHEN appointment_state = 'invited' AND sent THEN 'asked, no answer yet'
		WHEN appointment_state = 'invited' THEN 'mail not out yet'
		WHEN request_state = 'open' AND unserved_since IS NOT NULL THEN 'NOBODY FOUND'
		WHEN request_state = 'open' AND ended IN ('declined', 'lapsed', 'missed') THEN ended || ', being planned again'
		WHEN request_state = 'open' THEN 'being planned'
		WHEN request_state = 'met' THEN 'met'
		WHEN request_state = 'planned' THEN 'being planned again'
		ELSE 'no meeting needed' END;
END
$$;
COMMENT ON FUNCTION vac_store.standing_text(text, timestamptz, text, timestamptz, text, timestamptz, timestamptz, boolean, timestamptz, text, text) IS
	'How a case stands, in a few words, from the states of case, request and appointment; partstat: the answer last taken; ended: how the last appointment of the request ended';

CREATE OR REPLACE FUNCTION vac_store.standings(case_ids bigint[], at timestamptz)
	RETURNS TABLE (case_id bigint, state text, coordinator text, title text, telephone text, meeting text, place text,
		office text, office_telephone text)
	LANGUAGE sql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT asked.case_id, CASE WHEN asked.merged_into IS NOT NULL THEN format('case %s now: ', c.case_code) ELSE '' END
				|| standing_text(c.state, c.held_since, r.state, r.unserved_since, a.state, lower(a.span), upper(a.span),
				EXISTS (SELECT FROM message m WHERE m.uid = a.uid AND m.method = 'REQUEST' AND m.state = 'sent'), at, a.partstat,
				(SELECT e.state FROM appointment e WHERE e.request_id = r.request_id AND NOT e.live ORDER BY e.appointment_id DESC LIMIT 1)),
			k.name, k.title, k.telephone, short_span(a.span, o.time_zone),
			CASE WHEN a.appointment_id IS NULL THEN NULL WHEN r.mode = 'telephone' THEN 'by telephone' ELSE p.text END,
			o.code, o.telephone
		FROM case_record asked
			JOIN case_record c ON c.case_id = coalesce(asked.merged_into, asked.case_id)
			JOIN office o ON o.office_id = c.office_id
			LEFT JOIN LATERAL (SELECT q.* FROM request q WHERE q.case_id = c.case_id
				ORDER BY q.state NOT IN ('open', 'planned'), q.due_at, q.request_id LIMIT 1) r ON true
			LEFT JOIN LATERAL (SELECT b.* FROM appointment b WHERE b.request_id = r.request_id AND b.live
				ORDER BY b.state <> 'accepted', lower(b.span), b.appointment_id LIMIT 1) a ON c.held_since IS NULL
			-- Without an appointment the one who is responsible is the one to name.
			LEFT JOIN coordinator k ON k.coordinator_id = coalesce(a.coordinator_id, c.responsible_id)
			LEFT JOIN office_place p ON p.office_id = r.office_id AND p.code = r.place
		WHERE asked.case_id = ANY (case_ids);
$$;
COMMENT ON FUNCTION vac_store.standings(bigint[], timestamptz) IS
	'How cases stand, as the one who opened them needs it: state, whom to name to the victim, when and where; of a merged one how the case stands that it is now';

CREATE OR REPLACE FUNCTION vac_store.standing(of_case bigint, at timestamptz)
	RETURNS TABLE (state text, coordinator text, title text, telephone text, meeting text, place text,
		office text, office_telephone text)
	LANGUAGE sql STABLE ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT s.state, s.coordinator, s.title, s.telephone, s.meeting, s.place, s.office, s.office_telephone FROM standings(ARRAY[of_case], at) s;
$$;
COMMENT ON FUNCTION vac_store.standing(bigint, timestamptz) IS 'How one case stands, likewise';

CREATE OR REPLACE FUNCTION vac_store.own_standings(at timestamptz)
	RETURNS TABLE (case_id bigint, state text, coordinator text, telephone text, meeting text)
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- All at once: one by one, the query would be begun anew for each.
	SELECT s.case_id, s.state, s.coordinator, s.telephone, s.meeting
		FROM standings(ARRAY(SELECT c.case_id FROM case_record c WHERE c.opened_by = session_user::text COLLATE "default"
			AND (c.state = 'open' OR (c.state <> 'open' AND c.ended_at > at - interval '2 days') OR c.merged_into IS NOT NULL)), at) s;
$$;
COMMENT ON FUNCTION vac_store.own_standings(timestamptz) IS
	'How the cases stand that the person at the keyboard opened, for view my_cases: those that are open, ended in the last two days, or were merged';

CREATE OR REPLACE FUNCTION vac.case_state(code text)
	RETURNS TABLE (case_code text, state text, coordinator text, title text, telephone text, meeting text, place text,
		office text, office_telephone text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
BEGIN
	one := case_named(case_state.code, steer => false);
	RETURN QUERY SELECT one.case_code, s.* FROM standing(one.case_id, moment()) s;
END
$$;
COMMENT ON FUNCTION vac.case_state(text) IS
	'How a case stands: state in words; name, title and telephone of the coordinator, to tell the victim; time (local to the '
	'office) and place of the meeting; the office with its 24-hour telephone. For whoever opened it, and supervisors of its office';

CREATE OR REPLACE FUNCTION vac.look_up(code text)
	RETURNS TABLE (case_code text, state text, coordinator text, telephone text, meeting text, office text, office_telephone text)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
BEGIN
	SELECT * INTO one FROM case_record c WHERE c.case_code = tidy_case_code(look_up.code);
	-- On record whether or not there is such a case: somebody who guesses shows. Whoever rolls this back
	-- takes it out of history, but not out of the server's log.
	RAISE LOG 'look_up: % asks for %', session_user, coalesce(one.case_code, 'what is none');
	PERFORM record('case_looked_up', of_office => one.office_id, of_case => one.case_id,
		more => CASE WHEN one.case_id IS NULL THEN '{"found": false}' ELSE '{}' END::jsonb);
	RETURN QUERY SELECT one.case_code, s.state, s.coordinator, s.telephone, s.meeting, s.office, s.office_telephone
		FROM standing(one.case_id, moment()) s WHERE one.case_id IS NOT NULL;
	IF NOT FOUND THEN
		RAISE NOTICE 'No case has the code %. A case code is six letters and digits such as K7Q-4MX; was one misread?',
			coalesce(quote_literal(look_up.code), 'NULL');
	END IF;
END
$$;
COMMENT ON FUNCTION vac.look_up(text) IS
	'Looks up one case by its code, for a duty desk: how it stands and whom to call. Every look is written to history, '
	'and to the log of the database server, where taking it back does not remove it';
