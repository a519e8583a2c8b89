-- What would be done now, and why: for `vacd plan`, which plans like the daemon but under no lease, in
-- one REPEATABLE READ READ ONLY transaction, and hands the plan back to have it put into words.

CREATE OR REPLACE FUNCTION vac_daemon.look_groups(offices text[])
	RETURNS TABLE (group_id integer)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			given text;
		BEGIN
			FOREACH given IN ARRAY look_groups.offices LOOP
				PERFORM office_named(given);
			END LOOP;
			RETURN QUERY SELECT o.group_id FROM office o
				WHERE CASE WHEN cardinality(look_groups.offices) > 0
					THEN o.code = ANY (ARRAY(SELECT upper(btrim(u)) FROM unnest(look_groups.offices) u)) ELSE o.retired_at IS NULL END
				GROUP BY o.group_id ORDER BY (SELECT min(x.code) FROM office x WHERE x.group_id = o.group_id);
		END
	$$;
COMMENT ON FUNCTION vac_daemon.look_groups(text[]) IS
	'The groups that hold these offices; of an empty list all groups. Refuses an office that there is not';

CREATE OR REPLACE FUNCTION vac_store.case_to_look(given text) RETURNS case_record
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			found case_record;
		BEGIN
			SELECT * INTO found FROM case_record WHERE case_code = tidy_case_code(given);
			IF found.case_id IS NULL THEN
				PERFORM refuse(format('no case %s', coalesce(quote_literal(given), 'was named')),
					'A case code is six letters and digits such as K7Q-4MX; the letters I and O and the digits 0 and 1 do not occur in it.');
			END IF;
			RETURN found;
		END
	$$;
COMMENT ON FUNCTION vac_store.case_to_look(text) IS 'The case with this code, or a refusal; for commands that are run as the daemon''s login';

CREATE OR REPLACE FUNCTION vac_daemon.look_case(case_code text)
	RETURNS TABLE (group_id integer)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			matter case_record := case_to_look(look_case.case_code);
		BEGIN
			RETURN QUERY SELECT o.group_id FROM office o WHERE o.office_id = matter.office_id;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.look_case(text) IS 'The group of offices that a case''s office belongs to. Refuses a code that no case has';

-- Requests that wait for their next try are looked at too: what would be done now is the question.
CREATE OR REPLACE FUNCTION vac_daemon.snapshot_look(group_id integer, most integer)
	RETURNS TABLE (ok boolean, now bigint, grid_seconds integer)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			PERFORM begin_snapshot(ARRAY[snapshot_look.group_id], most, now_at, 'infinity');
			RETURN QUERY SELECT true, epoch(now_at), (policy_number('grid_minutes') * 60)::integer;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.snapshot_look(integer, integer) IS
	'Begins a snapshot of all that is open in a group, under no lease: nothing can be stored with it';

-- ---- a plan in words -------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.ruled_out_rows(ruled_out jsonb, nearest jsonb)
	RETURNS TABLE (rule text, coordinator_id integer, nearest timestamptz)
	LANGUAGE sql IMMUTABLE ROWS 20
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT e.key, i.id::integer, at_epoch((ruled_out_rows.nearest ->> i.id)::bigint)
			FROM jsonb_each(ruled_out) e, jsonb_array_elements_text(e.value) AS i (id);
	$$;
COMMENT ON FUNCTION vac_store.ruled_out_rows(jsonb, jsonb) IS
	'A decision''s ruled_out and nearest as rows: the rule, who, and the nearest time that would have worked, where there is one';

CREATE OR REPLACE FUNCTION vac_store.who_text(of_coordinator integer) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT format('%s (%s)', k.name, o.code) FROM coordinator k JOIN office o USING (office_id)
			WHERE k.coordinator_id = of_coordinator;
	$$;
COMMENT ON FUNCTION vac_store.who_text(integer) IS 'A coordinator''s name and office: Coordinator A (SEA)';

CREATE OR REPLACE FUNCTION vac_store.moves_text(moves jsonb, zone text) RETURNS text
	LANGUAGE sql STABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT string_agg(format('%s of %s from %s to %s%s', c.case_code, k.name,
				short_time(at_epoch((m.one ->> 'from_start')::bigint), zone, 'Dy DD Mon HH24:MI'),
				CASE WHEN m.one ->> 'from_coordinator' <> m.one ->> 'coordinator'
					THEN who_text((m.one ->> 'coordinator')::integer) || ', ' ELSE '' END,
				short_time(at_epoch((m.one ->> 'start')::bigint), zone)), '; ' ORDER BY m.n)
			FROM jsonb_array_elements(moves) WITH ORDINALITY AS m (one, n)
				JOIN request r ON r.request_id = (m.one ->> 'request')::bigint
				JOIN case_record c ON c.case_id = r.case_id
				JOIN coordinator k ON k.coordinator_id = (m.one ->> 'from_coordinator')::integer;
	$$;
COMMENT ON FUNCTION vac_store.moves_text(jsonb, text) IS
	'What makes room: the appointments moved, from whom and when to whom and when, in local time of the zone';

-- The rule that most of those in reach fail by.
CREATE OR REPLACE FUNCTION vac_store.main_reason(ruled_out jsonb, language text, service text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT coalesce((SELECT format('%s (%s of %s)', rule_text(r.rule, language, service), count(*), max(r.all_of_them))
				FROM (SELECT u.rule, count(*) OVER () AS all_of_them FROM ruled_out_rows(ruled_out, NULL) u) r
				GROUP BY r.rule ORDER BY count(*) DESC, r.rule LIMIT 1),
			'nobody is in reach');
	$$;
COMMENT ON FUNCTION vac_store.main_reason(jsonb, text, text) IS
	'The reason most often met why nobody can take a request, and for how many of how many; with its language and the service''s label';

CREATE OR REPLACE FUNCTION vac_daemon.plan_shown(plan jsonb, offices text[])
	RETURNS TABLE (request_id bigint, case_code text, office text, urgency text, service text, language text, due timestamptz,
		coordinator_code text, coordinator text, starts timestamptz, ends timestamptz, start text, late_minutes bigint, late text,
		cost bigint, terms text, reason text, moves text, remark text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT w.request_id, w.case_code, w.code, w.urgency, w.service, w.language, date_trunc('second', w.due_at), k.code, who_text(k.coordinator_id),
					w.starts, w.ends, short_time(w.starts, w.time_zone), w.late,
					CASE WHEN w.late > 0 THEN length_text(w.late * interval '1 minute') END,
					w.cost, w.terms, w.reason, w.moves,
					concat_ws('; ', w.reason, 'makes room: ' || w.moves, CASE WHEN w.over_cap THEN 'over a limit' END,
						CASE WHEN w.by_interpreter THEN 'with an interpreter' END)
				FROM (
					SELECT d.n, r.request_id, c.case_code, o.code, o.time_zone, r.urgency::text AS urgency, r.service,
							r.language::text AS language, r.due_at, (d.one ->> 'coordinator')::integer AS coordinator_id,
							at_epoch((d.one ->> 'start')::bigint) AS starts, at_epoch((d.one ->> 'end')::bigint) AS ends,
							(d.one ->> 'late')::bigint AS late, (d.one ->> 'cost')::bigint AS cost, terms_text(d.one -> 'terms') AS terms,
							CASE WHEN d.one ->> 'coordinator' IS NULL
								THEN main_reason(d.one -> 'ruled_out', r.language, s.label) END AS reason,
							moves_text(d.one -> 'moves', o.time_zone) AS moves,
							(d.one ->> 'over_cap')::boolean AS over_cap, (d.one ->> 'by_interpreter')::boolean AS by_interpreter
						FROM jsonb_array_elements(plan) WITH ORDINALITY AS d (one, n)
							JOIN request r ON r.request_id = (d.one ->> 'request')::bigint
							JOIN case_record c ON c.case_id = r.case_id
							JOIN office o ON o.office_id = r.office_id
							JOIN service s ON s.code = r.service
						WHERE cardinality(plan_shown.offices) = 0
							OR o.code = ANY (ARRAY(SELECT upper(btrim(u)) FROM unnest(plan_shown.offices) u))) w
					LEFT JOIN coordinator k ON k.coordinator_id = w.coordinator_id
				ORDER BY w.n;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.plan_shown(jsonb, text[]) IS
	'A plan in words, for the requests of these offices or (an empty list) of all; times are local to the case''s office';

-- ---- one case --------------------------------------------------------------------------------
-- A decision as the planner writes it, and as it was stored, in one form; room: what makes room for it.
CREATE OR REPLACE FUNCTION vac_store.stored_decision(of_request bigint) RETURNS jsonb
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT jsonb_build_object('id', d.decision_id, 'at', date_part('epoch', d.at), 'coordinator', a.coordinator_id,
				-- Where it was put then: it may have been moved since.
				'start', coalesce((SELECT m.moved_from -> 'start' FROM decision m
					WHERE m.request_id = of_request AND m.decision_id > d.decision_id AND m.made_room_for IS NOT NULL
					ORDER BY m.decision_id LIMIT 1), to_jsonb(epoch(lower(a.span)))),
				'by_hand', CASE WHEN d.terms IS NULL AND d.appointment_id IS NOT NULL THEN coalesce((SELECT by_hand_text(r.case_id, d.appointment_id, r.language,
						s.label, false) FROM request r JOIN service s ON s.code = r.service WHERE r.request_id = of_request), 'taken over from a colleague') END,
				'cost', d.cost, 'terms', d.terms, 'runner_up', d.runner_up, 'ruled_out', d.ruled_out, 'nearest', d.nearest,
				'room', (SELECT string_agg(c.case_code, ', ' ORDER BY m.n)
					FROM room_makers(of_request, d.plan_id) WITH ORDINALITY AS m (case_id, n) JOIN case_record c ON c.case_id = m.case_id),
				'limited', coalesce(p.limited, false))
			FROM decision d
				LEFT JOIN appointment a ON a.appointment_id = d.appointment_id
				LEFT JOIN plan p ON p.plan_id = d.plan_id
			-- A move is a decision about an appointment that stood.
			WHERE d.request_id = of_request AND d.made_room_for IS NULL
			ORDER BY d.decision_id DESC LIMIT 1;
	$$;
COMMENT ON FUNCTION vac_store.stored_decision(bigint) IS 'The last decision on a request, in the planner''s own form';

CREATE OR REPLACE FUNCTION vac_store.decision_rows(one jsonb, language text, service text)
	RETURNS TABLE (part integer, place text, coordinator_id integer, starts timestamptz, cost bigint, nearest timestamptz, because text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT 1, CASE WHEN one ->> 'coordinator' IS NULL THEN 'NOBODY' ELSE 'chosen' END, (one ->> 'coordinator')::integer,
				at_epoch((one ->> 'start')::bigint), (one ->> 'cost')::bigint, NULL::timestamptz,
				concat_ws('; ', CASE WHEN one ->> 'coordinator' IS NULL THEN 'nobody in reach can; it is tried again'
						ELSE coalesce(terms_text(NULLIF(one -> 'terms', 'null')), one ->> 'by_hand') END,
					'makes room: ' || (one ->> 'room'), CASE WHEN (one ->> 'limited')::boolean THEN 'best plan so far' END)
		UNION ALL
		SELECT 3, 'runner-up', (one -> 'runner_up' ->> 'coordinator')::integer,
				at_epoch((one -> 'runner_up' ->> 'start')::bigint), (one -> 'runner_up' ->> 'cost')::bigint, NULL,
				terms_text(one -> 'runner_up' -> 'terms')
			WHERE one -> 'runner_up' ->> 'coordinator' IS NOT NULL
		UNION ALL
		SELECT CASE r.rule WHEN 'dearer' THEN 4 ELSE 5 END, CASE r.rule WHEN 'dearer' THEN 'dearer' ELSE 'ruled out' END,
				r.coordinator_id, NULL, NULL, r.nearest, rule_text(r.rule, language, service)
			FROM ruled_out_rows(one -> 'ruled_out', one -> 'nearest') r;
	$$;
COMMENT ON FUNCTION vac_store.decision_rows(jsonb, text, text) IS
	'A decision as rows, with the language and the service''s label: the chosen one and what makes room, the runner-up, and everybody else with the reason';

CREATE OR REPLACE FUNCTION vac_store.moved_rows(of_request bigint, since bigint)
	RETURNS TABLE (part integer, place text, coordinator_id integer, starts timestamptz, cost bigint, nearest timestamptz, because text)
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT 2, 'moved', a.coordinator_id,
				coalesce(at_epoch((lead(m.moved_from ->> 'start') OVER (ORDER BY m.decision_id))::bigint), lower(a.span)),
				m.cost, NULL::timestamptz, format('makes room for %s; %s', c.case_code, terms_text(m.terms))
			FROM decision m
				JOIN appointment a ON a.appointment_id = m.appointment_id
				JOIN request r ON r.request_id = m.made_room_for
				JOIN case_record c ON c.case_id = r.case_id
			WHERE m.request_id = of_request AND m.decision_id > since AND m.made_room_for IS NOT NULL;
	$$;
COMMENT ON FUNCTION vac_store.moved_rows(bigint, bigint) IS 'Where the appointment of a request was moved since a decision, and for whom it makes room';

CREATE OR REPLACE FUNCTION vac_store.explanation_rows(r request, one jsonb, language text, service text)
	RETURNS TABLE (part integer, place text, coordinator_id integer, starts timestamptz, cost bigint, nearest timestamptz, because text)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			stored jsonb;
		BEGIN
			IF r.state = 'open' AND one IS NOT NULL THEN
				RETURN QUERY SELECT * FROM decision_rows(one, language, service);
			ELSIF r.state = 'planned' THEN
				stored := stored_decision(r.request_id);
				RETURN QUERY SELECT * FROM decision_rows(stored, language, service) d WHERE stored IS NOT NULL;
				RETURN QUERY SELECT * FROM moved_rows(r.request_id, (stored ->> 'id')::bigint);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.explanation_rows(request, jsonb, text, text) IS
	'Why her, why not him: of an open request by this decision of a plan, of a planned one by the decision that was stored and the moves since';

CREATE OR REPLACE FUNCTION vac_store.request_standing(matter case_record, r request, zone text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT CASE
			WHEN matter.state <> 'open' THEN 'the case is ' || matter.state
			WHEN matter.held_since IS NOT NULL THEN 'the case is on hold: nothing is planned'
			WHEN r.state = 'open' THEN 'as it would be planned now'
			WHEN r.state = 'planned' THEN coalesce('as it was decided ' || short_time(
				to_timestamp((stored_decision(r.request_id) ->> 'at')::float8), zone), 'planned by hand')
			ELSE r.state END;
	$$;
COMMENT ON FUNCTION vac_store.request_standing(case_record, request, text) IS 'In words: where an explanation of a request comes from';

CREATE OR REPLACE FUNCTION vac_daemon.plan_explained(case_code text, plan jsonb)
	RETURNS TABLE (request_id bigint, code text, title text, place text, coordinator text, starts timestamptz, start text, cost bigint,
		nearest_at timestamptz, nearest text, because text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 30
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			matter case_record := case_to_look(plan_explained.case_code);
		BEGIN
			RETURN QUERY
			SELECT r.request_id, matter.case_code, format('%s  %s  %s  %s, %s  due %s: %s', matter.case_code, o.code, r.urgency,
						lower(s.label), r.language, short_time(r.due_at, o.time_zone), request_standing(matter, r, o.time_zone)),
					p.place, who_text(p.coordinator_id), p.starts, short_time(p.starts, o.time_zone), p.cost,
					p.nearest, short_time(p.nearest, o.time_zone), p.because
				FROM request r
					JOIN office o ON o.office_id = r.office_id
					JOIN service s ON s.code = r.service
					LEFT JOIN LATERAL (SELECT e.one || jsonb_build_object('room', moves_text(e.one -> 'moves', o.time_zone)) AS one
						FROM jsonb_array_elements(plan) AS e (one) WHERE (e.one ->> 'request')::bigint = r.request_id) d ON true
					LEFT JOIN LATERAL explanation_rows(r, d.one, r.language, s.label) p ON true
					LEFT JOIN coordinator k ON k.coordinator_id = p.coordinator_id
				WHERE r.case_id = matter.case_id
				ORDER BY r.request_id, p.part, p.starts, p.because, k.code;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.plan_explained(text, jsonb) IS
	'Why her, why not him, for each request of a case: open ones as in this plan, planned ones by the decision that was stored. '
	'A request without an explanation has one row with its title alone';
