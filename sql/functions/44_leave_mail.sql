-- Leave by invitation: a coordinator invites vacd's address to an event, and its span becomes leave.
-- Any opaque event counts, and every all-day one (a vacation is shown as free by default in Outlook).
-- Only the span is kept. What waits for a supervisor's word stands in leave_waits().

-- ---- the record's spans ----------------------------------------------------------------------
-- An all-day event names dates and a floating one times of day: both are those of the coordinator's zone.
CREATE OR REPLACE FUNCTION vac_store.event_spans(event jsonb, zone text) RETURNS SETOF tstzrange
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF (event ->> 'all_day')::boolean THEN
		RETURN QUERY SELECT tstzrange(local_day_start((d ->> 0)::date, zone), local_day_start((d ->> 1)::date, zone))
			FROM jsonb_array_elements(CASE WHEN jsonb_array_length(event -> 'dates') > 0 THEN event -> 'dates'
				ELSE jsonb_build_array(jsonb_build_array(event -> 'start_date', event -> 'end_date')) END) d
			WHERE (d ->> 1)::date > (d ->> 0)::date;
	ELSIF (event ->> 'floating')::boolean THEN
		RETURN QUERY SELECT tstzrange(local_instant(at_epoch((s ->> 0)::bigint) AT TIME ZONE 'UTC', zone),
				local_instant(at_epoch((s ->> 1)::bigint) AT TIME ZONE 'UTC', zone))
			FROM jsonb_array_elements(event -> 'spans') s
			WHERE (s ->> 1)::bigint > (s ->> 0)::bigint;
	ELSE
		RETURN QUERY SELECT tstzrange(at_epoch((s ->> 0)::bigint), at_epoch((s ->> 1)::bigint))
			FROM jsonb_array_elements(event -> 'spans') s
			WHERE (s ->> 1)::bigint > (s ->> 0)::bigint;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.event_spans(jsonb, text) IS
	'When an event of a record is, occurrence by occurrence; dates and floating times are those of the zone';

-- As event_spans() places it: an occurrence is known by where it began when it was entered.
CREATE OR REPLACE FUNCTION vac_store.occurrence_of(event jsonb, zone text) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	at CONSTANT timestamptz := at_epoch((event ->> 'recurrence_id')::bigint);
BEGIN
	RETURN CASE WHEN (event ->> 'all_day')::boolean THEN local_day_start((at AT TIME ZONE 'UTC')::date, zone)
		WHEN (event ->> 'floating')::boolean THEN local_instant(at AT TIME ZONE 'UTC', zone)
		ELSE at END;
END
$$;
COMMENT ON FUNCTION vac_store.occurrence_of(jsonb, text) IS
	'Which occurrence of its series an event is about; NULL: all. A date or floating time is that of the zone';

-- ---- who may, and what waits -----------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.leave_waits(who coordinator, event jsonb, spans tstzrange[], trusted boolean) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	days CONSTANT bigint := policy_number('leave_by_mail_days');
BEGIN
	IF NOT trusted THEN
		RETURN 'nothing shows that the sender is who they say';
	ELSIF (coordinator_of_address(event ->> 'organizer')).coordinator_id IS DISTINCT FROM who.coordinator_id THEN
		RETURN 'the event is somebody else''s';
	ELSIF (event ->> 'spans_cut')::boolean THEN
		RETURN 'it goes on longer than can be entered';
	ELSIF EXISTS (SELECT FROM unnest(spans) s WHERE upper(s) - lower(s) > days * interval '1 day' + interval '1 hour') THEN
		RETURN format('it is longer than %s days', days);
	ELSIF (SELECT sum(upper(p) - lower(p)) FROM unnest((SELECT range_agg(s) FROM unnest(spans) s)) p) > days * interval '1 day' + interval '1 hour' THEN
		-- A series of days can be one long leave.
		RETURN format('it comes to more than %s days in all', days);
	ELSIF EXISTS (SELECT FROM appointment a WHERE a.coordinator_id = who.coordinator_id AND a.state = 'accepted'
			AND upper(a.span) > moment() AND EXISTS (SELECT FROM unnest(spans) s WHERE s && a.span)) THEN
		RETURN 'it covers an accepted appointment';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.leave_waits(coordinator, jsonb, tstzrange[], boolean) IS
	'Why leave by invitation waits for a supervisor''s word; NULL: it need not. trusted: the mail is known to be the coordinator''s';

-- ---- our reply -------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.invited_address(mail inbound, event jsonb) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT lower(a ->> 'address') FROM jsonb_array_elements(event -> 'attendees') a
		WHERE lower(a ->> 'address') IN (SELECT lower(mail.envelope_recipient) UNION ALL SELECT lower(i.sender) FROM mail_identity i)
		LIMIT 1;
$$;
COMMENT ON FUNCTION vac_store.invited_address(inbound, jsonb) IS 'Which attendee of an event we are; NULL: none, so that nobody waits for a reply';

CREATE OR REPLACE FUNCTION vac_store.spans_text(spans tstzrange[], zone text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT string_agg(span_text(u.s, zone), E'\n' ORDER BY u.n) FILTER (WHERE u.n <= 10)
			|| CASE WHEN count(*) > 10 THEN format(E'\nand %s more', count(*) - 10) ELSE '' END
		FROM unnest(spans) WITH ORDINALITY u (s, n);
$$;
COMMENT ON FUNCTION vac_store.spans_text(tstzrange[], text) IS 'Spans as local time, a line each, the first ten';

CREATE OR REPLACE FUNCTION vac_store.reply_to_leave(mail inbound, who coordinator, event jsonb, spans tstzrange[], partstat text,
		says text, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	ours CONSTANT text := invited_address(mail, event);
	organizer CONSTANT text := lower(event ->> 'organizer');
BEGIN
	-- To them and to nobody else, whoever the event says its organizer is.
	IF ours IS NULL OR (coordinator_of_address(organizer)).coordinator_id IS DISTINCT FROM who.coordinator_id THEN
		RETURN;
	-- A calendar that answers each answer with an update must come to an end.
	ELSIF (SELECT count(*) FROM message m WHERE m.kind = 'reply' AND m.foreign_uid = event ->> 'foreign_uid' AND m.made_at > now_at - interval '24 hours')
			>= policy_number('automatic_mail_a_day') THEN
		RETURN;
	END IF;
	INSERT INTO message (kind, office_id, method, foreign_uid, sequence, recipient, recipient_name, made_at, span,
			subject, body, summary, partstat, partner, bounce_handle, key_id, sender, not_before)
	SELECT 'reply', who.office_id, 'REPLY', event ->> 'foreign_uid', coalesce((event ->> 'sequence')::integer, 0), organizer, who.name,
			date_trunc('second', now_at),
			CASE WHEN NOT coalesce((event ->> 'all_day')::boolean, false) THEN spans[1] END,
			CASE reply_to_leave.partstat WHEN 'ACCEPTED' THEN 'Leave entered' WHEN 'TENTATIVE' THEN 'Leave waits for a supervisor'
				ELSE 'Not entered as leave' END,
			format(E'%s,\n\n%s\n\n%s\n', who.name, says, spans_text(spans, coordinator_zone(who))),
			'Leave', reply_to_leave.partstat, ours, handle(), i.key_id, i.sender, now_at
		FROM (VALUES (true)) v (one) LEFT JOIN mail_identity i ON i.one;
END
$$;
COMMENT ON FUNCTION vac_store.reply_to_leave(inbound, coordinator, jsonb, tstzrange[], text, text, timestamptz) IS
	'Queues our REPLY to an invitation of leave, with the reason in words, if an answer of ours is waited for';

-- Anybody can write in a coordinator's name, each time of another event.
CREATE OR REPLACE FUNCTION vac_store.enough_replies(who coordinator, now_at timestamptz) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT count(*) >= policy_number('automatic_mail_a_day') FROM message m
		WHERE m.kind = 'reply' AND m.recipient IN (SELECT lower(who.mail) UNION SELECT lower(x) FROM unnest(who.aliases) x)
			AND m.made_at > now_at - interval '24 hours';
$$;
COMMENT ON FUNCTION vac_store.enough_replies(coordinator, timestamptz) IS
	'Whether a coordinator was sent as many replies to events in a day as mail that nobody vouches for may call forth';

-- ---- entering and taking back ----------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.leave_away(of_event bigint, at_occurrence timestamptz DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	n integer;
BEGIN
	WITH gone AS (
		-- What is over stays as it was.
		DELETE FROM leave l WHERE l.leave_event_id = of_event AND upper(l.span) > moment()
				AND (at_occurrence IS NULL OR l.occurrence = at_occurrence)
			RETURNING l.coordinator_id, l.span
	), told AS (
		INSERT INTO history (event, office_id, coordinator_id, detail)
			SELECT 'leave_removed', k.office_id, g.coordinator_id, jsonb_build_object('span', g.span, 'source', 'mail')
				FROM gone g JOIN coordinator k ON k.coordinator_id = g.coordinator_id
	)
	SELECT count(*) INTO n FROM gone;
	RETURN n;
END
$$;
COMMENT ON FUNCTION vac_store.leave_away(bigint, timestamptz) IS
	'Takes back the leave to come that an event stands behind, or one occurrence of it; returns how many spans';

CREATE OR REPLACE FUNCTION vac_store.put_leave_event(who coordinator, of_event bigint, spans tstzrange[], at_occurrence timestamptz)
	RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO leave (coordinator_id, span, source, leave_event_id, occurrence)
		SELECT who.coordinator_id, s, 'mail', of_event, coalesce(at_occurrence, lower(s)) FROM unnest(spans) s;
	INSERT INTO history (event, office_id, coordinator_id, detail)
		SELECT 'leave_added', who.office_id, who.coordinator_id, jsonb_build_object('span', s, 'source', 'mail') FROM unnest(spans) s;
	PERFORM tell_of_pinned(who.coordinator_id, spans);
	RETURN free_appointments(ARRAY(SELECT a.appointment_id FROM appointment a
		WHERE a.coordinator_id = who.coordinator_id AND a.live AND NOT a.pinned AND upper(a.span) > moment()
			AND EXISTS (SELECT FROM unnest(spans) s WHERE s && a.span)), 'leave');
END
$$;
COMMENT ON FUNCTION vac_store.put_leave_event(coordinator, bigint, tstzrange[], timestamptz) IS
	'Enters the spans of an event, or of one occurrence of it, as leave; appointments in them are cancelled and planned again, but for pinned ones, of which the supervisors are told. Returns those';

CREATE OR REPLACE FUNCTION vac_store.hear_leave_event(who coordinator, event jsonb, new_state text, now_at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	id bigint;
	one CONSTANT boolean := (event ->> 'recurrence_id') IS NOT NULL;
	heard CONSTANT timestamptz := at_epoch((event ->> 'stamped')::bigint);
	-- A clock years ahead would make every later word an older one: it is not believed.
	stamp CONSTANT timestamptz := CASE WHEN heard <= now_at + interval '1 day' THEN heard ELSE now_at END;
	said CONSTANT integer := coalesce((event ->> 'sequence')::integer, 0);
BEGIN
	INSERT INTO leave_event AS e (coordinator_id, uid, sequence, stamped, state)
		VALUES (who.coordinator_id, event ->> 'foreign_uid', said, stamp, new_state)
		ON CONFLICT (coordinator_id, uid) DO UPDATE
			-- An occurrence has a SEQUENCE of its own: only time orders it among the others.
			SET sequence = CASE WHEN one THEN e.sequence ELSE excluded.sequence END,
				stamped = CASE WHEN NOT one THEN excluded.stamped WHEN excluded.state = 'waits' THEN e.stamped ELSE greatest(e.stamped, excluded.stamped) END,
				state = CASE WHEN one THEN e.state ELSE excluded.state END
			WHERE CASE WHEN one THEN excluded.stamped >= e.stamped
				ELSE (excluded.sequence, excluded.stamped) > (e.sequence, e.stamped)
					-- What waits may be forged: it makes nothing old but copies of itself, until the word of a supervisor lets it in.
					OR (e.state = 'waits' AND (excluded.state <> 'waits' OR (excluded.sequence, excluded.stamped) <> (e.sequence, e.stamped))) END
		RETURNING leave_event_id INTO id;
	RETURN id;
END
$$;
COMMENT ON FUNCTION vac_store.hear_leave_event(coordinator, jsonb, text, timestamptz) IS
	'Keeps what was last heard of an event (RFC 5546, 2.1.5: SEQUENCE, then DTSTAMP) and returns its id; NULL: nothing new';

-- What is to be done with an event, and why.
CREATE OR REPLACE FUNCTION vac_store.judge_leave(who coordinator, event jsonb, cancels boolean, spans tstzrange[], trusted boolean,
		approved boolean, OUT state text, OUT why text)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	-- Whoever may not enter leave may not take it back either, nor by an update to what is no leave.
	IF NOT trusted AND NOT approved AND (cancels OR EXISTS (SELECT FROM leave_event e JOIN leave l ON l.leave_event_id = e.leave_event_id
			WHERE e.coordinator_id = who.coordinator_id AND e.uid = event ->> 'foreign_uid' AND upper(l.span) > moment())) THEN
		state := 'waits';
		why := 'nothing shows that the sender is who they say';
	ELSIF cancels THEN
		state := 'cancelled';
	ELSIF coalesce((event ->> 'transparent')::boolean, false) AND NOT coalesce((event ->> 'all_day')::boolean, false) THEN
		state := 'refused';
		why := 'the event is shown as free';
	ELSIF spans = '{}' THEN
		state := 'refused';
		why := 'the event is over';
	ELSE
		why := CASE WHEN NOT approved THEN leave_waits(who, event, spans, trusted) END;
		state := CASE WHEN why IS NULL THEN 'entered' ELSE 'waits' END;
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.judge_leave(coordinator, jsonb, boolean, tstzrange[], boolean, boolean) IS
	'Whether an event is entered as leave, refused, cancelled, or waits for a supervisor''s word, and why';

CREATE OR REPLACE FUNCTION vac_store.take_leave_event(mail inbound, who coordinator, event jsonb, method text, trusted boolean,
		approved boolean, now_at timestamptz, OUT outcome text, OUT why text)
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	cancels CONSTANT boolean := method = 'CANCEL' OR event ->> 'status' IS NOT DISTINCT FROM 'CANCELLED';
	spans CONSTANT tstzrange[] := ARRAY(SELECT s FROM event_spans(event, coordinator_zone(who)) s WHERE upper(s) > now_at ORDER BY s);
	occurrence CONSTANT timestamptz := occurrence_of(event, coordinator_zone(who));
	silent CONSTANT boolean := NOT trusted AND NOT approved AND enough_replies(who, now_at);
	judged record;
	of_event bigint;
BEGIN
	PERFORM lock_diaries(ARRAY[who.coordinator_id]);
	judged := judge_leave(who, event, cancels, spans, trusted, approved);
	of_event := hear_leave_event(who, event, judged.state, now_at);
	IF of_event IS NULL THEN
		outcome := 'stale';
		why := 'the same or something newer is known of this event';
		RETURN;
	END IF;
	outcome := CASE judged.state WHEN 'waits' THEN 'waits_for_supervisor' WHEN 'refused' THEN 'refused' ELSE 'taken' END;
	why := judged.why;
	IF judged.state <> 'waits' THEN
		-- Of what waits an earlier state stays as it is until somebody has looked.
		PERFORM leave_away(of_event, occurrence), plan_soon(who.office_id);
	END IF;
	CASE judged.state
		WHEN 'waits' THEN
			PERFORM reply_to_leave(mail, who, event, spans, 'TENTATIVE', format('Your leave waits for a supervisor''s word: %s.', why), now_at)
				WHERE NOT cancels AND NOT silent;
		WHEN 'refused' THEN
			PERFORM reply_to_leave(mail, who, event, spans, 'DECLINED',
				format(E'This is not entered as leave: %s. An event counts that is shown as\nbusy, or that lasts all day.', why), now_at) WHERE NOT silent;
		WHEN 'entered' THEN
			PERFORM reply_to_leave(mail, who, event, spans, 'ACCEPTED',
				'Your leave is entered' || freed_text(put_leave_event(who, of_event, spans, occurrence))
					|| stays_text(pinned_in(who.coordinator_id, spans)) || '.', now_at);
		ELSE
			NULL;
	END CASE;
END
$$;
COMMENT ON FUNCTION vac_store.take_leave_event(inbound, coordinator, jsonb, text, boolean, boolean, timestamptz) IS
	'What one event of a coordinator''s invitation, update or cancellation does to their leave; approved: a supervisor said so';

-- ---- the mail --------------------------------------------------------------------------------
-- Changed occurrences that come with their series are in its spans already.
CREATE OR REPLACE FUNCTION vac_store.leave_events(letter jsonb) RETURNS SETOF jsonb
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT e FROM jsonb_array_elements(letter -> 'events') e
		WHERE (e ->> 'recurrence_id') IS NULL OR NOT EXISTS (SELECT FROM jsonb_array_elements(letter -> 'events') m
			WHERE m ->> 'foreign_uid' = e ->> 'foreign_uid' AND (m ->> 'recurrence_id') IS NULL);
$$;
COMMENT ON FUNCTION vac_store.leave_events(jsonb) IS 'The events of a letter that say when somebody is away';

CREATE OR REPLACE FUNCTION vac_store.take_leave_events(mail inbound, letter jsonb, who coordinator, trusted boolean, approved boolean,
		now_at timestamptz, OUT outcome text, OUT why text)
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	-- The outcome of the mail is that of the event that needs most attention.
	worst CONSTANT text[] := ARRAY['waits_for_supervisor', 'refused', 'taken', 'stale'];
	event jsonb;
	one record;
BEGIN
	IF NOT EXISTS (SELECT FROM leave_events(letter)) THEN
		outcome := 'no_calendar';
		why := 'the calendar part holds no event';
		RETURN;
	ELSIF EXISTS (SELECT FROM leave_events(letter) e WHERE coalesce(length(e ->> 'foreign_uid'), 0) NOT BETWEEN 1 AND 255
			OR e ->> 'foreign_uid' ~ '[\u0080-\u009f\u2028\u2029]') THEN
		outcome := 'unreadable';
		why := 'an event has no UID, or one that cannot be kept';
		RETURN;
	END IF;
	FOR event IN SELECT e FROM leave_events(letter) e LOOP
		one := take_leave_event(mail, who, event, letter ->> 'method', trusted, approved, now_at);
		IF outcome IS NULL OR array_position(worst, one.outcome) < array_position(worst, outcome) THEN
			outcome := one.outcome;
			why := one.why;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.take_leave_events(inbound, jsonb, coordinator, boolean, boolean, timestamptz) IS
	'What an invitation, an update or a cancellation of a coordinator does to their leave. trusted: the mail is known to be theirs; approved: a supervisor takes it up';

-- Anybody can write one such mail after the other.
CREATE OR REPLACE FUNCTION vac_store.leave_was_told(who coordinator, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	RETURN EXISTS (SELECT FROM inbound i WHERE i.state = 'listed' AND i.taken_up_at IS NULL
			AND i.outcome = 'waits_for_supervisor' AND i.coordinator_id = who.coordinator_id)
		AND EXISTS (SELECT FROM history h WHERE h.at > now_at - interval '24 hours' AND h.event = 'leave_waits' AND h.coordinator_id = who.coordinator_id);
END
$$;
COMMENT ON FUNCTION vac_store.leave_was_told(coordinator, timestamptz) IS
	'Whether the supervisors were told within a day that leave of this coordinator waits, and some of it still does';

CREATE OR REPLACE FUNCTION vac_store.take_leave(mail inbound, letter jsonb, record jsonb, writer coordinator) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	-- Vouched for by our own mail server; without one that does, a supervisor has the word.
	trusted CONSTANT boolean := letter ->> 'authserv_id' IS NOT NULL AND auth_problem(letter, true) IS NULL;
	done record;
BEGIN
	mail.said := lower(letter ->> 'method');
	IF EXISTS (SELECT FROM appointment a WHERE a.uid = ANY (ARRAY(SELECT (x ->> 'uid')::uuid FROM jsonb_array_elements(letter -> 'events') x
			WHERE x ->> 'uid' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'))) THEN
		RETURN settled(mail, 'left_alone', 'an invitation of our own came back to us', true);
	ELSIF writer.coordinator_id IS NULL THEN
		RETURN settled(mail, 'left_alone', 'an event of somebody who is not on the roster', true);
	END IF;
	-- To whichever address it came, it is about its writer.
	mail.office_id := writer.office_id;
	mail.appointment_id := NULL;
	done := take_leave_events(mail, letter, writer, trusted, false, wall());
	IF done.outcome = 'waits_for_supervisor' THEN
		mail.record := record;
		IF NOT leave_was_told(writer, wall()) THEN
			PERFORM record('leave_waits', writer.office_id, of_coordinator => writer.coordinator_id),
				tell_supervisors(writer.office_id, 'leave waits for your word',
					format(E'%s (%s) invited vacd to an event, which becomes leave when a supervisor\nsays so: %s.\n\n'
						'It is mail %s in view vac.unread_answers; vac.take_up(%s, ''accept'') enters it.\n'
						'While it waits, others of theirs within a day are in the view without a word.\n',
						writer.name, writer.code, done.why, mail.inbound_id, mail.inbound_id));
		END IF;
	END IF;
	-- What is refused or stale was said to the coordinator, or needs no words.
	RETURN settled(mail, done.outcome, coalesce(done.why, 'leave'), done.outcome NOT IN ('taken', 'refused', 'stale'));
END
$$;
COMMENT ON FUNCTION vac_store.take_leave(inbound, jsonb, jsonb, coordinator) IS
	'A REQUEST, PUBLISH or CANCEL that somebody sends to our address: of a coordinator it is leave, at once or after a supervisor''s word (its record is kept for that); others are left alone and listed';

-- ---- a supervisor's word ---------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.decide_leave(mail inbound, enter boolean) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	letter jsonb;
	who coordinator;
	event jsonb;
	done record;
BEGIN
	SELECT * INTO who FROM coordinator k WHERE k.coordinator_id = mail.coordinator_id;
	IF mail.record IS NULL THEN
		PERFORM refuse(format('mail: what %s asks for was deleted after %s days', mail.inbound_id, policy_number('keep_raw_inbound')),
			format('Ask %s (%s) for the days, and enter them by vac.add_leave(''%s'', …); ''dismiss'' takes the mail off the list.', who.name, who.telephone, who.code));
	END IF;
	letter := letter_of(mail.record, '');
	IF enter THEN
		done := take_leave_events(mail, letter, who, true, true, moment());
		RETURN CASE done.outcome
			WHEN 'taken' THEN format('%s (%s): %s', who.code, who.name, CASE WHEN letter ->> 'method' = 'CANCEL' THEN 'the leave is cancelled' ELSE 'the leave is entered' END)
			WHEN 'stale' THEN 'Something newer is known of this event; nothing is changed'
			ELSE 'Nothing is entered: ' || done.why END;
	END IF;
	IF letter ->> 'method' <> 'CANCEL' THEN
		FOR event IN SELECT e FROM leave_events(letter) e LOOP
			PERFORM reply_to_leave(mail, who, event, ARRAY(SELECT s FROM event_spans(event, coordinator_zone(who)) s ORDER BY s), 'DECLINED',
				'A supervisor has not entered this as leave. Please ask your office.', moment());
		END LOOP;
	END IF;
	RETURN format(CASE letter ->> 'method' WHEN 'CANCEL' THEN 'The leave of %s (%s) stays' ELSE '%s (%s) is told that it is not entered' END, who.code, who.name);
END
$$;
COMMENT ON FUNCTION vac_store.decide_leave(inbound, boolean) IS
	'Enters leave that waited for a supervisor''s word, or tells the coordinator that it is not entered; returns it in words';
