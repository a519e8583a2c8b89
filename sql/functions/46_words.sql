-- Words and times as views show them: short, local, with the zone's abbreviation. These are called in
-- views by people without USAGE on vac_store, so that they are BEGIN ATOMIC or name nothing in it. What a view calls
-- for each of thousands of rows is PL/pgSQL, which keeps its plan, or small enough to be inlined; a function in SQL
-- that is neither is started anew for each row, and a SET of its own costs as much as the rest.

CREATE OR REPLACE FUNCTION vac.now() RETURNS timestamptz
	LANGUAGE sql STABLE PARALLEL SAFE
	-- A CASE, since PostgreSQL takes COALESCE for something that could leak what row-level security hides, and then uses no index.
	RETURN CASE WHEN NULLIF(current_setting('vac.now', true), '') IS NULL THEN now() ELSE current_setting('vac.now')::timestamptz END;
COMMENT ON FUNCTION vac.now() IS
	'The moment that views look from: now, or another one after SET vac.now = ''2026-12-24 08:00 PST''; RESET vac.now ends that';

CREATE OR REPLACE FUNCTION vac_store.short_time(at timestamptz, zone text, form text DEFAULT 'Dy DD Mon HH24:MI TZ') RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET timezone = 'UTC'
AS $$
BEGIN
	-- Only to_char() under the zone itself knows its abbreviation at that moment; UTC comes back at the end.
	zone := pg_catalog.set_config('timezone', zone, true);    -- an assignment: PERFORM would be a query
	RETURN pg_catalog.to_char(at, form);
END
$$;
COMMENT ON FUNCTION vac_store.short_time(timestamptz, text, text) IS
	'A moment as local time: Tue 24 Nov 14:30 PST; form is that of to_char()';

CREATE OR REPLACE FUNCTION vac_store.short_span(span tstzrange, zone text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET timezone = 'UTC'
AS $$
BEGIN
	zone := pg_catalog.set_config('timezone', zone, true);
	RETURN pg_catalog.to_char(lower(span), 'Dy DD Mon HH24:MI') || '-'
		|| pg_catalog.to_char(upper(span), CASE WHEN lower(span)::date = upper(span)::date THEN 'HH24:MI TZ' ELSE 'Dy DD Mon HH24:MI TZ' END);
END
$$;
COMMENT ON FUNCTION vac_store.short_span(tstzrange, text) IS 'A span as local time: Tue 24 Nov 14:30-15:30 PST';

-- Not STRICT, so that it can be inlined.
CREATE OR REPLACE FUNCTION vac_store.days_span(span tstzrange, zone text) RETURNS text
	LANGUAGE sql STABLE
	RETURN CASE
		WHEN (lower(span) AT TIME ZONE zone)::time <> '00:00' OR (upper(span) AT TIME ZONE zone)::time <> '00:00'
			THEN vac_store.short_span(span, zone)
		WHEN (lower(span) AT TIME ZONE zone)::date = (upper(span) AT TIME ZONE zone)::date - 1
			THEN to_char(lower(span) AT TIME ZONE zone, 'Dy DD Mon YYYY')
		ELSE to_char(lower(span) AT TIME ZONE zone, 'Dy DD Mon') || ' to '
			|| to_char(upper(span) AT TIME ZONE zone - interval '1 day', 'Dy DD Mon YYYY') END;
COMMENT ON FUNCTION vac_store.days_span(tstzrange, text) IS
	'A span as local days, both included, where it begins and ends at midnight: Thu 24 Dec to Sat 02 Jan 2027; else as local time';

-- PL/pgSQL, since a function in SQL that calls another one has it planned anew for each row.
CREATE OR REPLACE FUNCTION vac_store.length_text(length interval) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
	seconds CONSTANT bigint := pg_catalog.floor(pg_catalog.date_part('epoch', length));
BEGIN
	RETURN CASE
		WHEN seconds < 60 THEN '<1 min'
		WHEN seconds < 3600 THEN seconds / 60 || ' min'
		WHEN seconds < 86400 THEN seconds / 3600 || ' h ' || pg_catalog.lpad((seconds / 60 % 60)::text, 2, '0')
		ELSE seconds / 86400 || ' d ' || seconds / 3600 % 24 || ' h' END;
END
$$;
COMMENT ON FUNCTION vac_store.length_text(interval) IS 'A length of time in few characters: <1 min, 12 min, 3 h 05, 2 d 4 h';

-- Likewise not STRICT.
CREATE OR REPLACE FUNCTION vac_store.due_text(due timestamptz, at timestamptz) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN due >= at THEN 'in ' || vac_store.length_text(due - at)
		ELSE vac_store.length_text(at - due) || ' LATE' END;
COMMENT ON FUNCTION vac_store.due_text(timestamptz, timestamptz) IS 'How long until something is due: in 3 h 05, or 2 h 10 LATE';

CREATE OR REPLACE FUNCTION vac_store.days_text(days smallint[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
	names CONSTANT text[] := '{Mon,Tue,Wed,Thu,Fri,Sat,Sun}';
	said text;
	first smallint;
BEGIN
	FOR day IN 1 .. 7 LOOP
		CONTINUE WHEN day <> ALL (days);
		first := coalesce(first, day);
		-- A run of days ends here; of two both are named.
		IF day + 1 <> ALL (days) OR day = 7 THEN
			said := pg_catalog.concat_ws(',', said, names[first] || CASE day - first WHEN 0 THEN '' WHEN 1 THEN ',' || names[day] ELSE '-' || names[day] END);
			first := NULL;
		END IF;
	END LOOP;
	RETURN said;
END
$$;
COMMENT ON FUNCTION vac_store.days_text(smallint[]) IS 'ISO weekdays as people write them: Mon-Fri, or Mon,Wed';

CREATE OR REPLACE FUNCTION vac_store.hours_text(of_office integer) RETURNS text
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT string_agg(vac_store.days_text(h.days) || ' ' || h.span, '; ' ORDER BY h.days, h.span) FROM (
			SELECT array_agg(w.weekday ORDER BY w.weekday) AS days,
					to_char(w.from_time, 'HH24:MI') || '-' || to_char(w.to_time, 'HH24:MI') AS span
				FROM vac_store.office_hours w WHERE w.office_id = of_office
				GROUP BY w.from_time, w.to_time) h;
	END;
COMMENT ON FUNCTION vac_store.hours_text(integer) IS 'The hours of an office as people write them: Mon-Fri 08:00-17:00; Sat 09:00-12:00';

CREATE OR REPLACE FUNCTION vac_store.list_text(items text[], most integer) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
	RETURN pg_catalog.array_to_string(items[1:most], ', ')
		|| CASE WHEN pg_catalog.cardinality(items) > most THEN ' +' || pg_catalog.cardinality(items) - most ELSE '' END;
END
$$;
COMMENT ON FUNCTION vac_store.list_text(text[], integer) IS 'The first items of a list, and how many there are more: en, es +2';

CREATE OR REPLACE FUNCTION vac_store.wrapped(line text, width integer) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
	lines text := '';
	part text := '';
	word text;
BEGIN
	IF pg_catalog.length(line) > width THEN
		-- A number stays with what it is the number of.
		FOREACH word IN ARRAY pg_catalog.string_to_array(pg_catalog.regexp_replace(line, ' (?=-?[0-9])', U&'\00A0', 'g'), ' ') LOOP
			IF part = '' THEN
				part := word;
			ELSIF pg_catalog.length(part) + pg_catalog.length(word) < width THEN
				part := part || ' ' || word;
			ELSE
				lines := lines || part || E'\n';
				part := word;
			END IF;
		END LOOP;
		line := lines || part;
	END IF;
	RETURN pg_catalog.replace(line, U&'\00A0', ' ');
END
$$;
COMMENT ON FUNCTION vac_store.wrapped(text, integer) IS
	'A text in lines of so many characters at most, broken at spaces but for those before a number; a longer word stays whole, and so does what no-break spaces hold together (they come out as spaces)';

CREATE OR REPLACE FUNCTION vac_store.duty_text(duty text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE duty WHEN 'full_time' THEN 'full-time' ELSE duty END;
COMMENT ON FUNCTION vac_store.duty_text(text) IS 'A coordinator''s duty in words';

CREATE OR REPLACE FUNCTION vac_store.mode_text(mode text, place text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE mode WHEN 'telephone' THEN 'telephone' ELSE place END;
COMMENT ON FUNCTION vac_store.mode_text(text, text) IS 'Where a meeting is: the place''s code, or telephone';

-- The one hard rule that ruled somebody out, as the planner (common/plan.h) and the storing function name it.
CREATE OR REPLACE FUNCTION vac_store.rule_text(rule text, language text, service text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE rule
		WHEN 'window' THEN 'no room left in the window'
		WHEN 'not_backup' THEN 'office is no backup'
		WHEN 'conflict' THEN 'conflict of interest'
		WHEN 'barred' THEN 'declined or did not answer'
		WHEN 'service' THEN 'does not give ' || lower(service)
		WHEN 'language' THEN 'does not speak ' || language
		WHEN 'gender' THEN 'not of the gender required'
		WHEN 'cap_open_cases' THEN 'has as many cases as allowed'
		WHEN 'locked' THEN 'being changed by somebody'
		WHEN 'no_shift' THEN 'not at work then'
		WHEN 'on_call_only' THEN 'only on call then'
		WHEN 'hours' THEN 'at work outside meeting hours'
		WHEN 'leave' THEN 'on leave'
		WHEN 'busy' THEN 'has other appointments'
		WHEN 'case_busy' THEN 'another meeting of the case then'
		WHEN 'rest' THEN 'rests after a night call-out'
		WHEN 'cap_week' THEN 'weekly hours are full'
		WHEN 'cap_day' THEN 'meetings of the day are full'
		WHEN 'dearer' THEN 'could, but would cost more'
		WHEN 'close' THEN 'too close to other appointments'
		WHEN 'notice' THEN 'sooner than the notice'
		WHEN 'late' THEN 'later than it is due'
		WHEN 'unavailable' THEN 'not available'
		ELSE replace(rule, '_', ' ') END;
COMMENT ON FUNCTION vac_store.rule_text(text, text, text) IS
	'A hard rule of the planner in words: why somebody cannot be sent; with the language and the service''s label of the request';

CREATE OR REPLACE FUNCTION vac_store.term_text(term text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE term
		WHEN 'over_cap' THEN 'over a limit'
		WHEN 'continuity' THEN 'new face'
		ELSE replace(term, '_', ' ') END;
COMMENT ON FUNCTION vac_store.term_text(text) IS 'A cost term of the planner in words';

CREATE OR REPLACE FUNCTION vac_store.terms_text(terms jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(string_agg(vac_store.term_text(t.key) || ' ' || t.value, ', '
				ORDER BY t.value::numeric DESC, t.key), 'nothing')
			FROM jsonb_each_text(terms) t WHERE t.value <> '0';
	END;
COMMENT ON FUNCTION vac_store.terms_text(jsonb) IS 'The terms of a cost, the greatest first: wait 1200, collateral 480';

CREATE OR REPLACE FUNCTION vac_store.kind_text(kind text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE kind WHEN 'cancel' THEN 'cancellation' WHEN 'update' THEN 'change' WHEN 'page' THEN 'page'
		WHEN 'notice' THEN 'notice' WHEN 'requester' THEN 'news' WHEN 'reply' THEN 'answer'
		WHEN 'counter_refused' THEN 'refused proposal' WHEN 'ask' THEN 'question' ELSE kind END;
COMMENT ON FUNCTION vac_store.kind_text(text) IS
	'What a message is, in a word: invitation, change, cancellation, reminder, page, notice, news, answer, refused proposal, question, shift';

CREATE OR REPLACE FUNCTION vac_store.reason_text(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE reason
		WHEN 'wish' THEN 'wish of the victim'
		WHEN 'safe' THEN 'safe again'
		WHEN 'conflict' THEN 'conflict of interest'
		WHEN 'hold' THEN 'case on hold'
		WHEN 'made_room' THEN 'made room for another case'
		WHEN 'reassigned' THEN 'somebody else was chosen by hand'
		WHEN 'domain' THEN 'domain not allowed'
		WHEN 'protected' THEN 'protected word or reference'
		ELSE replace(reason, '_', ' ') END;
COMMENT ON FUNCTION vac_store.reason_text(text) IS 'A reason''s word in words';

-- With the owner's rights only since it calls another function by its name.
CREATE OR REPLACE FUNCTION vac_store.event_text(event text, detail jsonb, zone text DEFAULT 'UTC', other_case text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	RETURN CASE event
		WHEN 'case_opened' THEN 'case opened, ' || (detail ->> 'urgency')
		WHEN 'request_planned' THEN 'planned'
		WHEN 'request_unserved' THEN 'nobody found'
		WHEN 'nobody_else' THEN 'no answer in time, and nobody else found'
		WHEN 'answer_overdue' THEN 'no answer in time'
		WHEN 'call_out_unheard' THEN 'call-out not mailed: the next one is called'
		WHEN 'window_longer' THEN 'longer to answer: no daemon was at work'
		WHEN 'clock_set_back' THEN 'the server''s wall clock was set back'
		WHEN 'clock_started' THEN 'clock started'
		WHEN 'clock_ticked' THEN 'clock ticked off'
		WHEN 'clock_ran_out' THEN 'clock ran out'
		WHEN 'appointment_moved' THEN format('moved%s from %s to %s, to make room for %s',
			CASE WHEN detail ->> 'other_coordinator' = 'true' THEN ' to another coordinator,' ELSE '' END,
			short_time((detail ->> 'started')::timestamptz, zone), short_time((detail ->> 'starts')::timestamptz, zone),
			coalesce('case ' || other_case, 'another office''s case'))
		WHEN 'room_made' THEN format('room made: %s was moved', coalesce('the appointment of case ' || other_case, 'another office''s appointment'))
		WHEN 'reassigned' THEN 'set by hand: ' || coalesce(short_time((detail ->> 'starts')::timestamptz, zone), 'a time')
		WHEN 'somebody_else' THEN 'somebody else is wanted'
		WHEN 'unpinned' THEN 'no longer pinned'
		WHEN 'pinned_in_leave' THEN 'stays, though on leave then'
		WHEN 'responsible_left' THEN 'no longer responsible'
		WHEN 'handed_over_all' THEN format('hands over all: meetings %s, cases %s, duties %s', detail ->> 'appointments', detail ->> 'cases', detail ->> 'duties')
		WHEN 'appointment_cancelled' THEN 'appointment ' || coalesce(detail ->> 'state', 'cancelled')
		WHEN 'message_refused' THEN 'mail refused for good'
		WHEN 'message_suppressed' THEN 'mail kept back'
		WHEN 'message_neutralised' THEN 'mail made neutral'
		WHEN 'messages_removed' THEN format('mail out removed: %s, of %s to %s', detail ->> 'rows', left(detail ->> 'from', 10), left(detail ->> 'until', 10))
		WHEN 'inbound_removed' THEN format('mail in removed: %s, of %s to %s', detail ->> 'rows', left(detail ->> 'from', 10), left(detail ->> 'until', 10))
		WHEN 'policy_set' THEN format('policy %s: %s, was %s', concat_ws(' ', detail ->> 'name', detail ->> 'urgency'),
			detail ->> 'after', detail ->> 'before')
		WHEN 'roster_imported' THEN format('import, %s: %s', detail ->> 'sheet', concat_ws(' ', detail ->> 'login', detail ->> 'what'))
		WHEN 'case_looked_up' THEN CASE WHEN detail ->> 'found' = 'false' THEN 'looked up, no such case' ELSE 'looked up' END
		WHEN 'responsible_set' THEN 'made responsible'
		WHEN 'holiday_added' THEN format('holiday added: %s, %s', detail ->> 'day', detail ->> 'name')
		WHEN 'holiday_removed' THEN format('holiday removed: %s, %s', detail ->> 'day', detail ->> 'name')
		WHEN 'domain_allowed' THEN 'domain allowed: ' || (detail ->> 'domain')
		WHEN 'domain_forbidden' THEN 'domain forbidden: ' || (detail ->> 'domain')
		WHEN 'supervisor_set' THEN 'supervisor set: ' || (detail ->> 'login')
		WHEN 'digest_set' THEN format('digest of %s: %s', detail ->> 'login', coalesce('in the morning of ' || (detail ->> 'office'), 'none'))
		WHEN 'supervisor_retired' THEN 'supervisor retired: ' || (detail ->> 'login')
		WHEN 'client_set' THEN format('client set: %s, for %s', detail ->> 'client', detail ->> 'offices')
		WHEN 'client_key_added' THEN format('client %s: %s added', detail ->> 'client', detail ->> 'kind')
		WHEN 'client_retired' THEN format('client retired: %s%s', detail ->> 'client', ', key ' || (detail ->> 'key'))
		WHEN 'what_if' THEN 'what if'
		WHEN 'designation_set' THEN 'is now: ' || (detail ->> 'label')
		WHEN 'designation_removed' THEN 'is no more: ' || (detail ->> 'label')
		WHEN 'minimum_set' THEN 'minimum set: ' || (detail ->> 'name')
		WHEN 'minimum_removed' THEN 'minimum removed: ' || (detail ->> 'name')
		WHEN 'cover_set' THEN 'cover set: ' || (detail ->> 'cover')
		WHEN 'cover_removed' THEN 'cover removed: ' || (detail ->> 'cover')
		WHEN 'case_transferred' THEN format('case %s transferred to %s', detail ->> 'case', detail ->> 'office')
		WHEN 'case_received' THEN format('case %s came from %s', detail ->> 'case', detail ->> 'office')
		WHEN 'appointment_kept' THEN coalesce('stays, of case ' || (detail ->> 'case'), 'stays, at ' || (detail ->> 'office')) || ' now'
		WHEN 'removal_asked' THEN 'old mail is to be removed now'
		WHEN 'cases_removed' THEN format('%s cases removed, ended until %s', detail ->> 'cases', left(detail ->> 'until', 10))
		WHEN 'case_merged' THEN format('merged: it is %s now', coalesce('case ' || other_case, 'another office''s case'))
		WHEN 'case_took_over' THEN format('merged: %s is this case now', coalesce('case ' || other_case, 'another code'))
		WHEN 'cases_linked' THEN format('linked with %s: %s', coalesce('case ' || other_case, 'another office''s case'), detail ->> 'kind')
		WHEN 'cases_unlinked' THEN format('linked no more with %s', coalesce('case ' || other_case, 'another office''s case'))
		WHEN 'request_added' THEN format('%s more: %s, %s', CASE jsonb_array_length(detail -> 'requests') WHEN 1 THEN 'a meeting'
				ELSE jsonb_array_length(detail -> 'requests') || ' meetings' END,
			replace(detail ->> 'service', '_', ' '), detail ->> 'urgency')
		WHEN 'sent_again' THEN 'invitation sent again'
		WHEN 'outcome_corrected' THEN format('outcome corrected: %s, not %s', replace(detail ->> 'after', '_', ' '), replace(detail ->> 'before', '_', ' '))
		WHEN 'contact_corrected' THEN format('first contact corrected: %s, not %s', coalesce(short_time((detail ->> 'after')::timestamptz, zone), 'none'),
			short_time((detail ->> 'before')::timestamptz, zone))
		WHEN 'office_limits_set' THEN 'limits set, ' || replace(detail ->> 'duty', '_', '-')
		ELSE replace(event, '_', ' ') END;
END
$$;
COMMENT ON FUNCTION vac_store.event_text(text, jsonb, text, text) IS
	'An event of history in words, with times in this zone; other_case: code of the other case concerned, NULL where the reader may not know it';

CREATE OR REPLACE FUNCTION vac_store.note_text(id bigint) RETURNS text
	LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT coalesce(n.text, '(redacted)') FROM note n WHERE n.note_id = id);
END
$$;
COMMENT ON FUNCTION vac_store.note_text(bigint) IS
	'The note of an event. Who sees the event, in view history, may read its note; there is no other way to it';

CREATE OR REPLACE FUNCTION vac_store.by_hand_text(of_case bigint, of_appointment bigint, language text, service text, with_note boolean) RETURNS text
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT concat_ws('; ', format('set by hand by %s: %s', h.who, concat_ws(': ', vac_store.reason_text(NULLIF(h.reason,
					CASE WHEN with_note AND h.note_id IS NOT NULL THEN 'other' END)), CASE WHEN with_note THEN vac_store.note_text(h.note_id) END)),
				'although: ' || NULLIF((SELECT string_agg(vac_store.rule_text(u.rule, language, service), ', ' ORDER BY u.n)
					FROM jsonb_array_elements_text(h.detail -> 'passed_over') WITH ORDINALITY u (rule, n)), ''))
			FROM vac_store.history h
			WHERE h.case_id = of_case AND h.event = 'reassigned' AND h.appointment_id = of_appointment
			ORDER BY h.history_id DESC LIMIT 1;
	END;
COMMENT ON FUNCTION vac_store.by_hand_text(bigint, bigint, text, text, boolean) IS
	'Who set an appointment by hand, why, and past which rules, with the language and the service''s label of its request; NULL: nobody did';

-- Which cases made room: their ids, not their codes, which the view shows to those who may see them.
CREATE OR REPLACE FUNCTION vac_store.room_makers(of_request bigint, of_plan bigint) RETURNS SETOF bigint
	LANGUAGE sql STABLE STRICT SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT r.case_id FROM decision d JOIN request r ON r.request_id = d.request_id
		WHERE d.made_room_for = of_request AND d.plan_id = of_plan
		ORDER BY d.decision_id;
$$;
COMMENT ON FUNCTION vac_store.room_makers(bigint, bigint) IS 'The cases whose appointments a plan moved to make room for a request';

CREATE OR REPLACE FUNCTION vac_store.duty_now(at timestamptz)
	RETURNS TABLE (coordinator_id integer, kind text, until timestamptz, doing text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	SELECT t.coordinator_id, t.kind, upper(now_on.part),
			CASE WHEN a.appointment_id IS NULL THEN 'free'
				-- Of an appointment that is neither one's case's nor one's coordinator's: that there is one.
				WHEN NOT (a.office_id IN (SELECT my_offices()) OR c.office_id IN (SELECT my_offices())) THEN 'not available'
				WHEN a.span @> at THEN 'meeting until ' || short_time(upper(a.span), coordinator_zone(c), 'HH24:MI')
				ELSE 'busy until ' || short_time(upper(a.busy), coordinator_zone(c), 'HH24:MI') END
		FROM open_time(ARRAY(SELECT k.coordinator_id FROM coordinator k
				WHERE k.retired_at IS NULL AND k.office_id IN (SELECT near_offices())),
				tstzrange(at, at + interval '3 days')) t
			JOIN coordinator c ON c.coordinator_id = t.coordinator_id
			CROSS JOIN LATERAL (SELECT part FROM unnest(t.at_work) AS part WHERE part @> at) now_on
			LEFT JOIN LATERAL (SELECT * FROM appointment b WHERE b.coordinator_id = t.coordinator_id AND b.live AND b.busy @> at
				LIMIT 1) a ON true;
END
$$;
COMMENT ON FUNCTION vac_store.duty_now(timestamptz) IS
	'Who of the offices near the person at the keyboard is at work or on call at a moment, until when, and whether they are free';
