-- Answer windows: from the moment the mail server took the invitation, with a reminder half-way. All times of
-- a window are in hours of the coordinator's office where policy answer_window counts office minutes.

-- ---- what an appointment carries -------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.appointment_times() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF TG_OP = 'INSERT' OR NEW.sequence <> OLD.sequence THEN
				-- Another state to answer, which is yet to be sent.
				NEW.window_from := NULL;
				NEW.answer_by := NULL;
				NEW.remind_at := NULL;
				NEW.window_at := NULL;
				IF TG_OP = 'UPDATE' OR NEW.send_by IS NULL THEN
					NEW.send_by := policy_after('send_by', NEW.urgency, NEW.office_id, CASE TG_OP WHEN 'INSERT' THEN NEW.made_at ELSE wall() END);
				END IF;
			END IF;
			IF NEW.state <> 'invited' THEN
				NEW.send_by := NULL;
				NEW.remind_at := NULL;
				NEW.window_at := NULL;
			ELSIF TG_OP = 'UPDATE' AND OLD.state = 'accepted' AND NEW.sequence = OLD.sequence THEN
				-- A yes that was taken back: the window of that state decides, which may be over.
				NEW.window_at := NEW.answer_by;
			END IF;
			IF TG_OP = 'INSERT' OR NEW.span <> OLD.span THEN
				IF TG_OP = 'UPDATE' OR NEW.ask_at IS NULL THEN
					NEW.ask_at := upper(NEW.span) + policy_number('outcome_ask') * interval '1 minute';
				END IF;
				NEW.asks := 0;
			END IF;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.appointment_times() IS
	'Trigger: a new state of an appointment is to be sent in time and has no window yet; one that is answered or over has none any more';
-- A plan knows the times of many at once, and what it stores is as this would leave it: that is seen without a call.
CREATE OR REPLACE TRIGGER appointment_times BEFORE INSERT ON vac_store.appointment
	FOR EACH ROW WHEN (NEW.state <> 'invited' OR NEW.send_by IS NULL OR NEW.ask_at IS NULL OR NEW.asks <> 0
		OR NEW.window_from IS NOT NULL OR NEW.answer_by IS NOT NULL OR NEW.remind_at IS NOT NULL OR NEW.window_at IS NOT NULL)
	EXECUTE FUNCTION vac_store.appointment_times();
CREATE OR REPLACE TRIGGER appointment_times_change BEFORE UPDATE OF state, sequence, span ON vac_store.appointment
	FOR EACH ROW EXECUTE FUNCTION vac_store.appointment_times();

CREATE OR REPLACE FUNCTION vac_store.notify_deadline() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM pg_notify('vac_deadline', '');
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.notify_deadline() IS 'Trigger: there may be something new to wait for';
CREATE OR REPLACE TRIGGER notify_deadline AFTER INSERT ON vac_store.appointment
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.notify_deadline();

-- ---- reckoning -------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.minutes_of(hours tstzmultirange, since timestamptz, until timestamptz) RETURNS bigint
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN (SELECT coalesce(ceil(sum(date_part('epoch', upper(p) - lower(p)) / 60)), 0)::bigint
				FROM unnest(hours * tstzmultirange(tstzrange(since, greatest(since, until)))) p);
		END
	$$;
COMMENT ON FUNCTION vac_store.minutes_of(tstzmultirange, timestamptz, timestamptz) IS 'How many minutes of these hours lie between two moments';

CREATE OR REPLACE FUNCTION vac_store.open_minutes(of_office integer, since timestamptz, until timestamptz) RETURNS bigint
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT minutes_of(t.hours, since, until)
			FROM office_time(ARRAY[of_office], tstzrange(since, greatest(since, until))) t;
	$$;
COMMENT ON FUNCTION vac_store.open_minutes(integer, timestamptz, timestamptz) IS 'How many minutes an office is open between two moments';

CREATE OR REPLACE FUNCTION vac_store.counts_office_time(policy_name text, of_urgency text) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT coalesce((SELECT p.kind IN ('office_minutes', 'office_days') FROM policy p
			WHERE p.name = policy_name AND (p.urgency = of_urgency OR p.urgency IS NULL)
			ORDER BY p.urgency NULLS LAST LIMIT 1), false);
	$$;
COMMENT ON FUNCTION vac_store.counts_office_time(text, text) IS 'Whether a policy''s length of time is in office hours';

CREATE OR REPLACE FUNCTION vac_store.half_way(of_urgency text, of_office integer, since timestamptz, until timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			middle timestamptz;
		BEGIN
			IF counts_office_time('answer_window', of_urgency) THEN
				middle := add_office_minutes(of_office, since, open_minutes(of_office, since, until) / 2);
			END IF;
			RETURN CASE WHEN middle > since AND middle < until THEN middle ELSE since + (until - since) / 2 END;
		END
	$$;
COMMENT ON FUNCTION vac_store.half_way(text, integer, timestamptz, timestamptz) IS 'The middle of an answer window, in the hours it runs in';

-- What was left of it when the outage began runs from its end, but not beyond what a window that begins then would have.
CREATE OR REPLACE FUNCTION vac_store.carried_on(a appointment, of_office integer, began timestamptz, ended timestamptz) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN least(CASE WHEN counts_office_time('answer_window', a.urgency)
					THEN add_office_minutes(of_office, ended, open_minutes(of_office, began, a.answer_by))
					ELSE ended + (a.answer_by - began) END,
				(SELECT t.answer_by FROM answer_times(ARRAY[a.appointment_id], ended) t));
		END
	$$;
COMMENT ON FUNCTION vac_store.carried_on(appointment, integer, timestamptz, timestamptz) IS
	'When a window that was running as an outage began ends now';

-- ---- locks -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.lock_appointment(id bigint) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			one appointment;
		BEGIN
			SELECT * INTO one FROM appointment a WHERE a.appointment_id = id;
			PERFORM FROM case_record c WHERE c.case_id = one.case_id FOR SHARE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			PERFORM FROM request r WHERE r.request_id = one.request_id FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			PERFORM FROM appointment a WHERE a.appointment_id = id FOR NO KEY UPDATE SKIP LOCKED;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_appointment(bigint) IS
	'Locks case, request and appointment, in that order and without waiting; false: somebody has one of them, and it is left for later';

-- ---- the window opens ------------------------------------------------------------------------
-- The middles of many windows at once; half_way() says what a middle is.
CREATE OR REPLACE FUNCTION vac_store.half_ways(urgencies text[], offices integer[], began timestamptz[], ends timestamptz[])
	RETURNS timestamptz[]
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	AS $$
		BEGIN
			RETURN ARRAY(
				WITH w AS MATERIALIZED (
					SELECT u.*, c.in_hours
						FROM unnest(urgencies, offices, began, ends) WITH ORDINALITY u (urgency, office_id, since, until, n)
							JOIN (SELECT d.urgency, counts_office_time('answer_window', d.urgency) AS in_hours
								FROM (SELECT DISTINCT unnest(urgencies) AS urgency) d OFFSET 0) c ON c.urgency = u.urgency
				), hours AS MATERIALIZED (
					SELECT t.office_id, t.hours
						FROM (SELECT array_agg(DISTINCT w.office_id) AS offices, min(w.since) AS first, max(w.until) AS last
								FROM w WHERE w.in_hours) s
							CROSS JOIN LATERAL office_time(s.offices, tstzrange(s.first, greatest(s.first, s.last))) t
				)
				SELECT CASE WHEN m.middle > w.since AND m.middle < w.until THEN m.middle ELSE w.since + (w.until - w.since) / 2 END
					FROM w
						LEFT JOIN hours h ON h.office_id = w.office_id AND w.in_hours
						-- OFFSET 0: once a row, not at each mention.
						CROSS JOIN LATERAL (SELECT walk_hours(h.hours, w.since, minutes_of(h.hours, w.since, w.until) / 2) AS middle OFFSET 0) m
					ORDER BY w.n);
		END
	$$;
COMMENT ON FUNCTION vac_store.half_ways(text[], integer[], timestamptz[], timestamptz[]) IS
	'The middles of answer windows, each in the hours it runs in, in their order';

CREATE OR REPLACE FUNCTION vac_store.windows_open(ids bigint[], now_at timestamptz) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			-- No window runs that nobody watched: those of an older vacd begin when this one was installed.
			watched timestamptz := (SELECT g.applied_at FROM migration g WHERE g.number = 9);
			opened bigint[];
			began timestamptz[];
			ends timestamptz[];
			offices integer[];
			urgencies text[];
			halves timestamptz[];
		BEGIN
			opened := ARRAY(SELECT p.appointment_id FROM appointment p
				WHERE p.appointment_id = ANY (ids) AND p.state = 'invited' AND p.answer_by IS NULL FOR NO KEY UPDATE SKIP LOCKED);
			-- The clock may have been set back since.
			SELECT array_agg(s.appointment_id), array_agg(least(greatest(s.sent_at, watched), now_at)) INTO opened, began
				FROM (SELECT a.appointment_id, m.sent_at
					FROM unnest(opened) u (appointment_id)
						CROSS JOIN LATERAL (SELECT * FROM appointment a WHERE a.appointment_id = u.appointment_id OFFSET 0) a
						CROSS JOIN LATERAL (SELECT min(m.sent_at) AS sent_at FROM message m
							WHERE m.uid = a.uid AND m.sequence = a.sequence AND m.method = 'REQUEST' AND m.state = 'sent') m
					WHERE m.sent_at IS NOT NULL) s;
			IF opened IS NULL THEN
				RETURN '{}';
			END IF;
			SELECT array_agg(u.appointment_id), array_agg(u.since), array_agg(t.answer_by), array_agg(k.office_id), array_agg(a.urgency::text)
				INTO opened, began, ends, offices, urgencies
				FROM unnest(opened, began) u (appointment_id, since)
					JOIN answer_windows(opened, began) t ON t.appointment_id = u.appointment_id
					CROSS JOIN LATERAL (SELECT * FROM appointment a WHERE a.appointment_id = u.appointment_id OFFSET 0) a
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id;
			halves := half_ways(urgencies, offices, began, ends);
			UPDATE appointment p
				SET window_from = w.since, answer_by = w.until, remind_at = w.half, window_at = w.half, send_by = NULL,
					outages_seen = coalesce((SELECT max(o.outage_id) FROM outage o WHERE o.ended <= w.since), 0)
				FROM unnest(opened, began, ends, halves) w (appointment_id, since, until, half)
				WHERE p.appointment_id = ANY (opened) AND p.appointment_id = w.appointment_id;
			RETURN coalesce(opened, '{}');
		END
	$$;
COMMENT ON FUNCTION vac_store.windows_open(bigint[], timestamptz) IS
	'The answer windows of invitations that the mail server has taken, each from that moment; returns those it opened: not what it has not taken, nor what somebody else holds';

CREATE OR REPLACE FUNCTION vac_store.window_opens(id bigint, now_at timestamptz) RETURNS boolean
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT id = ANY (windows_open(ARRAY[id], now_at));
	$$;
COMMENT ON FUNCTION vac_store.window_opens(bigint, timestamptz) IS 'As windows_open(), of one; false: it did not';

-- ---- the reminder ----------------------------------------------------------------------------
-- The same as what was sent, but that it is a reminder: same UID and SEQUENCE, a Message-ID of its own, made now.
CREATE OR REPLACE FUNCTION vac_store.queue_reminder(a appointment, now_at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			id bigint;
		BEGIN
			INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence, recipient, recipient_name, first_uuid,
					made_at, span, subject, body, summary, location, description, partstat, bounce_handle, answer_handle, key_id, sender,
					neutral, not_before, urgent)
			SELECT 'reminder', m.office_id, m.case_id, m.appointment_id, m.method, m.uid, m.sequence, k.mail, m.recipient_name,
					coalesce(m.first_uuid, m.mail_uuid), date_trunc('second', now_at), m.span,
					CASE WHEN m.neutral THEN m.subject ELSE 'Reminder: ' || m.subject END,
					CASE WHEN m.neutral THEN m.body ELSE format(E'%s,\n\nyour answer to this appointment has not come yet; it is awaited by\n%s.\n\n',
						m.recipient_name, local_text(a.answer_by, o.time_zone)) || regexp_replace(m.body, '^[^\n]*,\n\n', '') END,
					m.summary, m.location, m.description, CASE WHEN a.partstat = 'TENTATIVE' THEN 'TENTATIVE' END,
					handle(), m.answer_handle, m.key_id, m.sender, m.neutral, now_at, m.urgent
				FROM message m
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id
					JOIN office o ON o.office_id = a.office_id
				WHERE m.uid = a.uid AND m.sequence = a.sequence AND m.method = 'REQUEST' AND m.state = 'sent'
				ORDER BY m.message_id DESC LIMIT 1
			RETURNING message_id INTO id;
			RETURN id;
		END
	$$;
COMMENT ON FUNCTION vac_store.queue_reminder(appointment, timestamptz) IS
	'Queues the reminder of an invitation that was sent and is not answered: the same state once more, with the answer last taken';

-- ---- what is due -----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.reckon_outages(INOUT a appointment, of_office integer, OUT changed boolean)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			o outage;
		BEGIN
			changed := false;
			FOR o IN SELECT * FROM outage u WHERE u.outage_id > a.outages_seen ORDER BY u.outage_id LOOP
				a.outages_seen := o.outage_id;
				IF o.ended > a.window_from AND o.began < a.answer_by THEN
					a.answer_by := carried_on(a, of_office, greatest(o.began, a.window_from), o.ended);
					IF a.remind_at IS NOT NULL THEN
						a.remind_at := half_way(a.urgency, of_office, o.ended, a.answer_by);
					END IF;
					changed := true;
				END IF;
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.reckon_outages(appointment, integer) IS
	'An appointment whose window is made longer by the outages that fell into it since it was last looked at';

CREATE OR REPLACE FUNCTION vac_store.pass_window(id bigint, now_at timestamptz, lapses_from timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			a appointment;
			c case_record;
			reckoned record;
		BEGIN
			IF NOT lock_appointment(id) THEN
				RETURN false;
			END IF;
			SELECT * INTO a FROM appointment p WHERE p.appointment_id = id;
			SELECT * INTO c FROM case_record e WHERE e.case_id = a.case_id;
			IF a.window_at IS NULL THEN
				RETURN false;
			ELSIF c.state <> 'open' OR c.held_since IS NOT NULL THEN
				UPDATE appointment SET window_at = NULL, remind_at = NULL WHERE appointment_id = id;
				RETURN true;
			END IF;
			SELECT * INTO reckoned FROM reckon_outages(a, (SELECT k.office_id FROM coordinator k WHERE k.coordinator_id = a.coordinator_id));
			a := reckoned.a;
			IF reckoned.changed THEN
				PERFORM record('window_longer', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id, why => 'outage',
					more => jsonb_build_object('answer_by', a.answer_by));
			ELSIF a.remind_at <= now_at THEN
				-- Too late for one when the window is over.
				IF a.answer_by > now_at THEN
					PERFORM queue_reminder(a, now_at);
				END IF;
				a.remind_at := NULL;
			ELSIF a.answer_by <= now_at AND (lapses_from <= now_at OR (a.urgency = 'immediate' AND isfinite(lapses_from))) THEN
				IF a.urgency <> 'immediate' AND may_have_answered(a.answer_by, now_at) THEN
					RETURN false;
				END IF;
				PERFORM window_ends(a, now_at);
				RETURN true;
			END IF;
			UPDATE appointment p
				SET outages_seen = a.outages_seen, answer_by = a.answer_by, remind_at = a.remind_at, window_at = coalesce(a.remind_at, a.answer_by)
				WHERE p.appointment_id = id
					AND (p.outages_seen, p.answer_by, p.remind_at, p.window_at) IS DISTINCT FROM
						(a.outages_seen, a.answer_by, a.remind_at, coalesce(a.remind_at, a.answer_by));
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_window(bigint, timestamptz, timestamptz) IS
	'What is due of an answer window: made longer by an outage, a reminder, or its end; false: nothing could be done';
