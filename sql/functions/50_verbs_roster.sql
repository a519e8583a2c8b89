-- Verbs about the time of coordinators: leave, shifts, weekly patterns. Who changes
-- what a coordinator can do locks the coordinator's row, as a plan that is being stored does, and
-- before it the requests whose appointments may fall out: locks are taken in that order everywhere.

CREATE OR REPLACE FUNCTION vac_store.lock_diaries(coordinator_ids integer[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	-- What a plan stored before these locks must be seen after them.
	IF current_setting('transaction_isolation') NOT LIKE 'read %committed' THEN
		PERFORM refuse('this transaction looks at the data as they were when it began, and could miss an appointment made since',
			'ROLLBACK, then BEGIN ISOLATION LEVEL READ COMMITTED.', '25000');
	END IF;
	PERFORM FROM request r WHERE r.request_id IN (SELECT a.request_id FROM appointment a
			WHERE a.coordinator_id = ANY (coordinator_ids) AND a.live AND upper(a.span) > moment())
		ORDER BY r.request_id FOR NO KEY UPDATE;
	PERFORM FROM coordinator c WHERE c.coordinator_id = ANY (coordinator_ids)
		ORDER BY c.coordinator_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vac_store.lock_diaries(integer[]) IS
	'Locks these coordinators and, before them, the requests of their appointments to come';

CREATE OR REPLACE FUNCTION vac_store.lock_coordinator(given text, deed text, ends boolean DEFAULT false) RETURNS coordinator
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found coordinator;
BEGIN
	found := coordinator_named(given);
	PERFORM need_office(found.office_id, deed);
	IF ends THEN
		PERFORM lock_diaries(ARRAY[found.coordinator_id]);
	END IF;
	SELECT * INTO found FROM coordinator c WHERE c.coordinator_id = found.coordinator_id FOR NO KEY UPDATE;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.lock_coordinator(text, text, boolean) IS
	'The coordinator with this code, locked, if the person at the keyboard supervises their office; deed is what they wanted '
	'to do; ends: it may end appointments, so that their requests are locked too';

-- ---- appointments that fall out --------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.free_appointments(appointment_ids bigint[], why text) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	requests bigint[];
	ended bigint[];
BEGIN
	SELECT array_agg(DISTINCT a.request_id), array_agg(a.appointment_id) INTO requests, ended
		FROM appointment a WHERE a.appointment_id = ANY (appointment_ids) AND a.live;
	IF ended IS NULL THEN
		RETURN '{}';
	END IF;
	PERFORM FROM request r WHERE r.request_id = ANY (requests) ORDER BY r.request_id FOR NO KEY UPDATE;
	PERFORM end_appointments(ended, 'cancelled', why), end_pages(ended);
	-- Of a call-out somebody else may be asked as well: then nothing has changed for whoever waits.
	WITH again AS (
		UPDATE request r SET state = 'open', plan_at = moment(), refusals = 0
			WHERE r.request_id = ANY (requests) AND r.state = 'planned'
				AND NOT EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.live)
			RETURNING r.request_id
	)
	SELECT coalesce(array_agg(g.request_id ORDER BY g.request_id), '{}') INTO requests FROM again g;
	PERFORM tell_requesters(requests, 'changed') WHERE requests <> '{}';
	RETURN ended;
END
$$;
COMMENT ON FUNCTION vac_store.free_appointments(bigint[], text) IS
	'Cancels those of these appointments that are live, with CANCEL, and has their requests planned again; returns those it cancelled';

CREATE OR REPLACE FUNCTION vac_store.freed_text(ended bigint[]) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN CASE WHEN cardinality(ended) = 0 THEN '; no appointment is touched'
		ELSE '; ' || vac_store.quantity(cardinality(ended), 'appointment is', 'appointments are') || ' cancelled and planned again' END;
COMMENT ON FUNCTION vac_store.freed_text(bigint[]) IS 'The end of a sentence that says how many appointments were cancelled';

-- ---- spans -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.checked_span(who coordinator, from_time text, to_time text, most interval) RETURNS tstzrange
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	zone CONSTANT text := coordinator_zone(who);
	starts timestamptz;
	ends timestamptz;
BEGIN
	PERFORM refuse_if(moment_problem(from_time, zone), 'from_time');
	PERFORM refuse_if(moment_problem(to_time, zone), 'to_time');
	starts := local_moment(from_time, zone);
	ends := local_moment(to_time, zone, true);
	IF ends <= starts THEN
		PERFORM refuse(format('to_time: %s is not after from_time, %s', to_time, from_time),
			'A day counts to its end: from 2026-12-24 to 2026-12-26 is three days.');
	ELSIF ends - starts > most THEN
		PERFORM refuse(format('to_time: that is %s days', extract(day FROM ends - starts)), format('At most %s days; is the year right?',
			extract(day FROM most)));
	END IF;
	RETURN tstzrange(starts, ends);
END
$$;
COMMENT ON FUNCTION vac_store.checked_span(coordinator, text, text, interval) IS
	'The span from a day or time to another, both as people write them in the coordinator''s time zone; at most so long';

-- ---- leave -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.put_leave(who integer, span tstzrange, source text) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	ended bigint[];
BEGIN
	INSERT INTO leave (coordinator_id, span, source) VALUES (who, put_leave.span, put_leave.source);
	PERFORM record('leave_added', of_office => c.office_id, of_coordinator => who,
		more => jsonb_build_object('span', put_leave.span, 'source', put_leave.source))
		FROM coordinator c WHERE c.coordinator_id = who;
	ended := free_appointments(ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.coordinator_id = who AND a.live
		AND NOT a.pinned AND a.span && put_leave.span AND upper(a.span) > moment()), 'leave');
	PERFORM tell_of_pinned(who, ARRAY[put_leave.span]);
	RETURN ended;
END
$$;
COMMENT ON FUNCTION vac_store.put_leave(integer, tstzrange, text) IS
	'Stores leave of a coordinator; appointments that it covers are cancelled and planned again, but for pinned ones, of which the supervisors are told. Returns those';

CREATE OR REPLACE FUNCTION vac_store.add_leave_span(who coordinator, span tstzrange) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	away CONSTANT text := format('%s (%s) is away %s', who.code, who.name, days_span(add_leave_span.span, coordinator_zone(who)));
BEGIN
	IF EXISTS (SELECT FROM leave l WHERE l.coordinator_id = who.coordinator_id AND l.span @> add_leave_span.span) THEN
		RETURN away || ', as was known already';
	END IF;
	RETURN said(away || freed_text(put_leave(who.coordinator_id, add_leave_span.span, 'verb')) || stays_text(pinned_in(who.coordinator_id, ARRAY[add_leave_span.span])));
END
$$;
COMMENT ON FUNCTION vac_store.add_leave_span(coordinator, tstzrange) IS 'What both forms of vac.add_leave() do';

CREATE OR REPLACE FUNCTION vac.add_leave(coordinator text, from_time text, to_time text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
BEGIN
	who := lock_coordinator(add_leave.coordinator, 'add_leave', ends => true);
	RETURN add_leave_span(who, checked_span(who, add_leave.from_time, add_leave.to_time, '400 days'));
END
$$;
COMMENT ON FUNCTION vac.add_leave(text, text, text) IS
	'A coordinator is not to be had: vac.add_leave(''SEA-1'', ''2026-12-24'', ''2026-12-26'') for whole days, or with times '
	'(''2026-12-24 13:00'') of the coordinator''s time zone. Appointments that it covers are cancelled and planned again';

CREATE OR REPLACE FUNCTION vac.add_leave(coordinator text, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
BEGIN
	who := lock_coordinator(add_leave.coordinator, 'add_leave', ends => true);
	RETURN add_leave_span(who, checked_moments(add_leave.from_time, add_leave.to_time, '400 days'));
END
$$;
COMMENT ON FUNCTION vac.add_leave(text, timestamptz, timestamptz) IS
	'A coordinator is not to be had between two moments, such as now() and now() + interval ''4 hours''';

CREATE OR REPLACE FUNCTION vac_store.checked_moments(from_time timestamptz, to_time timestamptz, most interval) RETURNS tstzrange
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF from_time IS NULL OR to_time IS NULL OR NOT isfinite(from_time) OR NOT isfinite(to_time) THEN
		PERFORM refuse(format('%s: a moment is needed', CASE WHEN isfinite(from_time) THEN 'to_time' ELSE 'from_time' END),
			'Such as now(), or ''2026-12-24 13:00 PST''.');
	ELSIF to_time <= from_time THEN
		PERFORM refuse(format('to_time: %s is not after from_time, %s', to_time, from_time), 'Are the two swapped?');
	ELSIF to_time - from_time > most THEN
		PERFORM refuse(format('to_time: that is %s days', extract(day FROM to_time - from_time)),
			format('At most %s days; is the year right?', extract(day FROM most)));
	END IF;
	RETURN tstzrange(from_time, to_time);
END
$$;
COMMENT ON FUNCTION vac_store.checked_moments(timestamptz, timestamptz, interval) IS 'The span between two moments, at most so long';

CREATE OR REPLACE FUNCTION vac.remove_leave(coordinator text, from_time text, to_time text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
	zone text;
	cut tstzrange;
	n bigint;
BEGIN
	who := lock_coordinator(remove_leave.coordinator, 'remove_leave');
	zone := coordinator_zone(who);
	IF remove_leave.to_time IS NOT NULL THEN
		cut := checked_span(who, remove_leave.from_time, remove_leave.to_time, '400 days');
	ELSE
		PERFORM refuse_if(moment_problem(remove_leave.from_time, zone), 'from_time');
		-- Without an end the whole leave that lies there goes.
		SELECT range_merge(range_agg(l.span)) INTO cut FROM leave l WHERE l.coordinator_id = who.coordinator_id
			AND l.span && tstzrange(local_moment(remove_leave.from_time, zone), local_moment(remove_leave.from_time, zone, true), '[]');
	END IF;
	SELECT count(*) INTO n FROM leave l WHERE l.coordinator_id = who.coordinator_id AND l.span && cut;
	IF n = 0 THEN
		PERFORM refuse(format('from_time: %s has no leave then', who.code),
			coalesce((SELECT 'Leave of ' || who.code || ': ' || string_agg(days_span(l.span, zone), '; ' ORDER BY l.span)
				FROM leave l WHERE l.coordinator_id = who.coordinator_id AND upper(l.span) > moment()), 'There is none to come.'));
	END IF;
	WITH gone AS (
		DELETE FROM leave l WHERE l.coordinator_id = who.coordinator_id AND l.span && cut RETURNING l.*
	)
	INSERT INTO leave (coordinator_id, span, source, added_at, added_by)
		SELECT g.coordinator_id, rest, g.source, g.added_at, g.added_by
			FROM gone g, unnest(tstzmultirange(g.span) - tstzmultirange(cut)) AS rest;
	PERFORM record('leave_removed', of_office => who.office_id, of_coordinator => who.coordinator_id,
		more => jsonb_build_object('span', cut));
	PERFORM plan_soon(who.office_id);
	RETURN format('%s (%s) is back %s', who.code, who.name, days_span(cut, zone));
END
$$;
COMMENT ON FUNCTION vac.remove_leave(text, text, text) IS
	'Takes back leave: the whole of it that lies on a day or at a time, or, with to_time, the part between the two. '
	'vac.remove_leave(''SEA-1'', ''2026-12-24''). TABLE vac.absences lists leave';

-- ---- shifts ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.put_shift(who coordinator, kind text, span tstzrange) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	zone CONSTANT text := coordinator_zone(who);
	other tstzrange;
BEGIN
	PERFORM refuse_if(one_of_problem(put_shift.kind, 'regular', 'on_call'), 'kind');
	SELECT s.span INTO other FROM shift s WHERE s.coordinator_id = who.coordinator_id AND s.kind = put_shift.kind
		AND s.span && put_shift.span LIMIT 1;
	IF other = put_shift.span THEN
		RETURN format('%s has that shift already', who.code);
	ELSIF other IS NOT NULL THEN
		PERFORM refuse(format('from_time: %s has %s shift then already, %s', who.code,
				CASE put_shift.kind WHEN 'regular' THEN 'a regular' ELSE 'an on-call' END, span_text(other, zone)),
			'vac.remove_shift(…) that one first, or name only what it lacks.');
	END IF;
	INSERT INTO shift (coordinator_id, kind, span) VALUES (who.coordinator_id, put_shift.kind, put_shift.span);
	PERFORM record('shift_added', of_office => who.office_id, of_coordinator => who.coordinator_id,
		more => jsonb_build_object('kind', put_shift.kind, 'span', put_shift.span));
	PERFORM plan_soon(who.office_id);
	RETURN format('%s (%s) is %s %s', who.code, who.name, CASE put_shift.kind WHEN 'regular' THEN 'at work' ELSE 'on call' END,
		span_text(put_shift.span, zone));
END
$$;
COMMENT ON FUNCTION vac_store.put_shift(coordinator, text, tstzrange) IS 'What both forms of vac.add_shift() do';

CREATE OR REPLACE FUNCTION vac.add_shift(coordinator text, kind text, from_time text, to_time text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
BEGIN
	who := lock_coordinator(add_shift.coordinator, 'add_shift');
	RETURN put_shift(who, lower(btrim(add_shift.kind)), checked_span(who, add_shift.from_time, add_shift.to_time, '62 days'));
END
$$;
COMMENT ON FUNCTION vac.add_shift(text, text, text, text) IS
	'A single shift beside the weekly pattern: vac.add_shift(''SEA-1'', ''on_call'', ''2026-12-24 17:00'', ''2026-12-25 08:00''). '
	'kind: regular or on_call. Times are of the coordinator''s time zone; days count whole';

CREATE OR REPLACE FUNCTION vac.add_shift(coordinator text, kind text, from_time timestamptz, to_time timestamptz) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
BEGIN
	who := lock_coordinator(add_shift.coordinator, 'add_shift');
	RETURN put_shift(who, lower(btrim(add_shift.kind)), checked_moments(add_shift.from_time, add_shift.to_time, '62 days'));
END
$$;
COMMENT ON FUNCTION vac.add_shift(text, text, timestamptz, timestamptz) IS
	'A single shift between two moments, such as now() and now() + interval ''8 hours''. kind: regular or on_call';

CREATE OR REPLACE FUNCTION vac_store.tell_meetings_outside(who coordinator) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	n bigint;
BEGIN
	SELECT count(*) INTO n FROM appointment a
		WHERE a.coordinator_id = who.coordinator_id AND a.live AND lower(a.span) > moment()
			AND NOT tstzmultirange(a.span) <@ (SELECT range_agg(part) FROM open_time(ARRAY[who.coordinator_id], a.span) t,
				unnest(t.at_work) AS part);
	IF n > 0 THEN
		RAISE NOTICE '% of % now outside their shifts; it stays. vac.add_leave() would have it planned again',
			quantity(n, 'appointment', 'appointments'), who.code || CASE WHEN n = 1 THEN ' lies' ELSE ' lie' END;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.tell_meetings_outside(coordinator) IS 'Says in a notice how many appointments to come lie outside the coordinator''s shifts';

CREATE OR REPLACE FUNCTION vac.remove_shift(coordinator text, from_time text, to_time text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
	zone text;
	gone text;
BEGIN
	who := lock_coordinator(remove_shift.coordinator, 'remove_shift');
	zone := coordinator_zone(who);
	PERFORM refuse_if(moment_problem(remove_shift.from_time, zone), 'from_time');
	IF remove_shift.to_time IS NOT NULL THEN
		PERFORM refuse_if(moment_problem(remove_shift.to_time, zone), 'to_time');
	END IF;
	WITH removed AS (
		DELETE FROM shift s WHERE s.coordinator_id = who.coordinator_id AND s.duty_id IS NULL
			AND s.span && tstzrange(local_moment(remove_shift.from_time, zone),
				greatest(local_moment(coalesce(remove_shift.to_time, remove_shift.from_time), zone, true),
					local_moment(remove_shift.from_time, zone) + interval '1 second'))
			RETURNING s.*
	), told AS (
		INSERT INTO history (event, office_id, coordinator_id, detail)
			SELECT 'shift_removed', who.office_id, who.coordinator_id, jsonb_build_object('kind', r.kind, 'span', r.span) FROM removed r
	)
	SELECT string_agg(span_text(r.span, zone), '; ' ORDER BY r.span) INTO gone FROM removed r;
	IF gone IS NULL THEN
		PERFORM refuse(format('from_time: %s has no single shift then', who.code),
			coalesce((SELECT 'Single shifts: ' || string_agg(span_text(s.span, zone), '; ' ORDER BY s.span)
				FROM shift s WHERE s.coordinator_id = who.coordinator_id AND s.duty_id IS NULL AND upper(s.span) > moment()),
				'There is none; weekly patterns are changed by vac.set_pattern(…).'));
	END IF;
	PERFORM tell_meetings_outside(who);
	RETURN format('%s (%s): shift removed: %s', who.code, who.name, gone);
END
$$;
COMMENT ON FUNCTION vac.remove_shift(text, text, text) IS
	'Removes the single shifts that lie on a day, at a time, or between two. Appointments stay, and are counted in a notice';

-- ---- weekly patterns -------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.set_pattern(coordinator text, kind text, hours text, valid_from date DEFAULT NULL,
		valid_to date DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	who coordinator;
	wanted_kind CONSTANT text := lower(btrim(set_pattern.kind));
	wanted daterange;
	n bigint;
BEGIN
	who := lock_coordinator(set_pattern.coordinator, 'set_pattern');
	PERFORM refuse_if(one_of_problem(wanted_kind, 'regular', 'on_call'), 'kind');
	PERFORM refuse_if(week_problem(set_pattern.hours, overnight => true), 'hours', 'An empty text ('''') is a week without any.');
	IF set_pattern.hours IS NULL THEN
		PERFORM refuse('hours: something is needed here', 'Such as Mon-Fri 08:00-16:30; an empty text ('''') is a week without any.');
	ELSIF set_pattern.valid_to < set_pattern.valid_from THEN
		PERFORM refuse(format('valid_to: %s is before valid_from, %s', set_pattern.valid_to, set_pattern.valid_from), 'Are the two swapped?');
	END IF;
	wanted := daterange(set_pattern.valid_from, set_pattern.valid_to, '[]');
	-- What was valid before and after stays so.
	WITH gone AS (
		DELETE FROM weekly_pattern w WHERE w.coordinator_id = who.coordinator_id AND w.kind = wanted_kind
			AND w.valid && wanted RETURNING w.*
	)
	INSERT INTO weekly_pattern (coordinator_id, kind, weekday, from_time, to_time, valid)
		SELECT g.coordinator_id, g.kind, g.weekday, g.from_time, g.to_time, rest
			FROM gone g, unnest(datemultirange(g.valid) - datemultirange(wanted)) AS rest
		ON CONFLICT DO NOTHING;
	INSERT INTO weekly_pattern (coordinator_id, kind, weekday, from_time, to_time, valid)
		SELECT who.coordinator_id, wanted_kind, w.weekday, w.from_time, w.to_time, wanted FROM week_of(set_pattern.hours) w;
	GET DIAGNOSTICS n = ROW_COUNT;
	PERFORM record('pattern_set', of_office => who.office_id, of_coordinator => who.coordinator_id,
		more => jsonb_build_object('kind', wanted_kind, 'hours', set_pattern.hours, 'valid', wanted));
	PERFORM plan_soon(who.office_id);
	PERFORM tell_meetings_outside(who);
	RETURN format('%s (%s), %s: %s%s', who.code, who.name, CASE wanted_kind WHEN 'regular' THEN 'at work' ELSE 'on call' END,
		CASE n WHEN 0 THEN 'never' ELSE btrim(set_pattern.hours) END,
		CASE WHEN set_pattern.valid_from IS NULL AND set_pattern.valid_to IS NULL THEN ''
			ELSE format(', %s to %s', coalesce(set_pattern.valid_from::text, 'ever'), coalesce(set_pattern.valid_to::text, 'further notice')) END);
END
$$;
COMMENT ON FUNCTION vac.set_pattern(text, text, text, date, date) IS
	'Sets the week of a coordinator: vac.set_pattern(''SEA-1'', ''regular'', ''Mon-Fri 08:00-12:00, 12:30-16:30''). kind: regular '
	'or on_call (''Mon-Thu 17:00-08:00'' ends the next morning). It replaces the whole week of that kind, for all days, or '
	'from valid_from on to valid_to, both included. Local time of the coordinator';
