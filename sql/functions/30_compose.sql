-- What messages say, and how they are queued. Texts are frozen in the row when it is made.
-- Calendars are read by others: subject, summary, location and description carry case code, office,
-- place code, time, answer-by and whom to call; urgency and language stand in the body only, the
-- service only where policy mail_service says so.

-- ---- times as people read them ---------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.local_text(at timestamptz, zone text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $$
		DECLARE
			-- Only to_char() under the zone itself knows its abbreviation at that moment. An assignment, since PERFORM costs a query.
			set_to text := set_config('timezone', zone, true);
		BEGIN
			RETURN to_char(at, 'Dy FMDD Mon YYYY HH24:MI') || zone_text(at);
		END
	$$;
COMMENT ON FUNCTION vac_store.local_text(timestamptz, text) IS
	'A moment as local time with abbreviation and offset: Tue 10 Mar 2026 14:00 EDT (UTC-04:00)';

-- Not STRICT: only so can it be inlined, and each mail needs it three times.
CREATE OR REPLACE FUNCTION vac_store.zone_text(at timestamptz) RETURNS text
	LANGUAGE sql STABLE
	RETURN regexp_replace(to_char(at, ' TZ "(UTC"TZH:TZM")"'), '^ [^A-Za-z ]+', '');
COMMENT ON FUNCTION vac_store.zone_text(timestamptz) IS
	'Abbreviation and offset of the session''s time zone at a moment; many zones have no abbreviation, then the offset alone';

CREATE OR REPLACE FUNCTION vac_store.span_text(span tstzrange, zone text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	SET timezone = 'UTC'
	AS $$
		DECLARE
			starts timestamptz := lower(span);
			ends timestamptz := upper(span);
			set_to text := set_config('timezone', zone, true);
			first_zone text := zone_text(starts);
			last_zone text := zone_text(ends);
		BEGIN
			RETURN to_char(starts, 'Dy FMDD Mon YYYY HH24:MI')
				-- A zone named once holds for both ends.
				|| CASE WHEN first_zone = last_zone THEN '' ELSE first_zone END
				|| ' to '
				|| CASE WHEN starts::date = ends::date THEN to_char(ends, 'HH24:MI')
					ELSE to_char(ends, 'Dy FMDD Mon YYYY HH24:MI') END
				|| last_zone;
		END
	$$;
COMMENT ON FUNCTION vac_store.span_text(tstzrange, text) IS
	'A span as local time: Tue 10 Mar 2026 14:00 to 15:00 EDT (UTC-04:00); both ends in full where day or offset differ';

-- Setting a time zone takes longer than writing a time: once for all that are written in it.
CREATE OR REPLACE FUNCTION vac_store.said_times(ids bigint[], zones text[], spans tstzrange[], moments timestamptz[])
	RETURNS TABLE (id bigint, starts text, spoken text, moment text)
	LANGUAGE plpgsql STABLE ROWS 100
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET timezone = 'UTC'
	AS $$
		#variable_conflict use_column
		DECLARE
			of_zone text;
			set_to text;
		BEGIN
			FOR of_zone IN SELECT DISTINCT z.zone FROM unnest(zones) z (zone) LOOP
				set_to := set_config('timezone', of_zone, true);
				RETURN QUERY
				SELECT t.id, t.starts || t.first_zone,
						t.starts || CASE WHEN t.first_zone = t.last_zone THEN '' ELSE t.first_zone END || ' to '
							|| to_char(t.till, CASE WHEN t.since::date = t.till::date THEN 'HH24:MI' ELSE 'Dy FMDD Mon YYYY HH24:MI' END)
							|| t.last_zone,
						to_char(t.moment, 'Dy FMDD Mon YYYY HH24:MI') || zone_text(t.moment)
					FROM (SELECT u.id, lower(u.span) AS since, upper(u.span) AS till, u.moment,
								to_char(lower(u.span), 'Dy FMDD Mon YYYY HH24:MI') AS starts,
								zone_text(lower(u.span)) AS first_zone, zone_text(upper(u.span)) AS last_zone
							FROM unnest(ids, zones, spans, moments) u (id, zone, span, moment)
							WHERE u.zone = of_zone OFFSET 0) t;
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.said_times(bigint[], text[], tstzrange[], timestamptz[]) IS
	'Of many at once, each in its own zone: the start and the moment as local_text() writes them, the span as span_text() does';

-- ---- neutral by force ------------------------------------------------------------------------
-- One form for texts and for what is looked for in them: compatibility forms resolved, no case, no
-- accents (a name is often typed without), nothing invisible, and a single space for whatever is no letter or digit, also at both ends.
CREATE OR REPLACE FUNCTION vac_store.searched_form(said text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF octet_length(said) = length(said) THEN
				RETURN ' ' || btrim(regexp_replace(lower(said), '[^a-z0-9]+', ' ', 'g')) || ' ';
			END IF;
			-- Twice by NFKC: changing case can undo it. Upper case first makes ß and ss one. Then apart,
			-- so that accents stand by themselves, with variation selectors, fillers and tags.
			said := normalize(lower(upper(normalize(
				translate(said, U&'\00AD\034F\061C\115F\1160\17B4\17B5\180E\200B\200C\200D\200E\200F\202A\202B\202C\202D\202E\2060\2061\2062\2063\2064\2066\2067\2068\2069\FEFF', ''),
				NFKC) COLLATE "und-x-icu") COLLATE "und-x-icu"), NFKC);
			said := regexp_replace(normalize(said, NFD),
				'[\u0300-\u036f\u115f\u1160\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u206a-\u206f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufff9-\ufffb\U000e0000-\U000e0fff]', '', 'g');
			RETURN ' ' || btrim(regexp_replace(said, '[^[:alnum:]]+' COLLATE "und-x-icu", ' ', 'g')) || ' ';
		END
	$$;
COMMENT ON FUNCTION vac_store.searched_form(text) IS
	'The form in which protected words are looked for: NFKC, lower case, no accents, no invisible characters, one space between words and at both ends';

CREATE OR REPLACE FUNCTION vac_store.names_protected(said text, reference text) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			folded boolean := said ~ '\n[ \t]';
			plain text;
			found boolean;
		BEGIN
			-- The quick way: a text of ASCII that holds no word's beginning anywhere holds no word.
			IF NOT folded AND octet_length(said) = length(said)
				AND (SELECT count(*) FROM (SELECT FROM protected_word LIMIT 101) few) <= 100 THEN
				plain := lower(said);
				IF (reference IS NULL OR strpos(plain, split_part(searched_form(reference), ' ', 2)) = 0)
					AND NOT EXISTS (SELECT FROM protected_word p WHERE strpos(plain, p.first_token) > 0) THEN
					RETURN false;
				END IF;
			END IF;
			plain := searched_form(said);
			found := strpos(plain, searched_form(reference)) > 0
				OR EXISTS (SELECT FROM protected_word p
					WHERE p.first_token = ANY (string_to_array(plain, ' ')) AND strpos(plain, p.normal) > 0);
			IF NOT coalesce(found, false) AND folded THEN
				-- A word may also be broken by the folding of a line: a line end and one white space.
				RETURN names_protected(regexp_replace(said, '\r?\n[ \t]', '', 'g'), reference);
			END IF;
			RETURN coalesce(found, false);
		END
	$$;
COMMENT ON FUNCTION vac_store.names_protected(text, text) IS
	'Whether a text holds the agency reference or a protected word as whole words, whatever their case, spacing, folding or Unicode form';

CREATE OR REPLACE FUNCTION vac_store.protected_word_form() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			NEW.normal := searched_form(NEW.word);
			NEW.first_token := split_part(NEW.normal, ' ', 2);
			IF NEW.first_token = '' THEN
				RAISE check_violation USING
					MESSAGE = format('"%s" holds no letter or digit that could be looked for', NEW.word);
			END IF;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.protected_word_form() IS 'Trigger: keeps the form in which a protected word is looked for';
CREATE OR REPLACE TRIGGER protected_word_form BEFORE INSERT OR UPDATE ON vac_store.protected_word
	FOR EACH ROW EXECUTE FUNCTION vac_store.protected_word_form();

CREATE OR REPLACE FUNCTION vac_store.neutral_rules_changed() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE neutral_rules SET version = version + 1;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.neutral_rules_changed() IS 'Trigger: messages that wait are checked again before they are sent';
CREATE OR REPLACE TRIGGER neutral_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vac_store.protected_word
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.neutral_rules_changed();
CREATE OR REPLACE TRIGGER neutral_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vac_store.allowed_domain
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.neutral_rules_changed();

CREATE OR REPLACE FUNCTION vac_store.reference_changed() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- Not their rows: some are claimed, and this transaction may stay open for long.
			UPDATE neutral_rules SET version = version + 1;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.reference_changed() IS 'Trigger: a case has another agency reference, so its waiting messages are checked again';
CREATE OR REPLACE TRIGGER reference_changed AFTER UPDATE OF agency_reference ON vac_store.case_record
	FOR EACH ROW WHEN (NEW.agency_reference IS DISTINCT FROM OLD.agency_reference)
	EXECUTE FUNCTION vac_store.reference_changed();

-- Used by the trigger on insert and again when a message is claimed.
CREATE OR REPLACE FUNCTION vac_store.neutral_check(INOUT m vac_store.message)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			words boolean;
			domains boolean;
			reference text;
		BEGIN
			SELECT n.version, EXISTS (SELECT FROM protected_word), EXISTS (SELECT FROM allowed_domain),
					(SELECT c.agency_reference FROM case_record c WHERE c.case_id = m.case_id)
				INTO m.checked, words, domains, reference
				FROM neutral_rules n;
			IF domains AND NOT EXISTS (SELECT FROM allowed_domain d
					WHERE d.domain = lower(split_part(m.recipient, '@', 2))) THEN
				m.state := 'suppressed';
				m.lease_until := NULL;
			END IF;
			-- The neutral text itself holds nothing of any case.
			IF NOT m.neutral AND (words OR reference IS NOT NULL)
				AND names_protected(concat_ws(E'\n', m.subject, m.recipient_name, m.summary, m.location,
					m.description, m.body), reference) THEN
				m.neutral := true;
				m.recipient_name := CASE WHEN m.kind IN ('invitation', 'update', 'cancel') THEN 'Coordinator' ELSE 'Recipient' END;
				m.subject := CASE m.kind WHEN 'cancel' THEN 'Cancelled: appointment'
					WHEN 'invitation' THEN 'Appointment' WHEN 'update' THEN 'Changed: appointment' ELSE 'Message' END;
				m.body := E'The text of this message cannot be mailed. Please call your office for it.\n';
				IF m.method IS NOT NULL THEN
					m.summary := 'Appointment';
					m.location := NULL;
					m.description := 'Please call your office for the details.';
				END IF;
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.neutral_check(vac_store.message) IS
	'The message, with its text replaced by a fixed neutral one where it names what must not be mailed, and suppressed where its recipient''s domain is not allowed';

-- With names in full it needs no search_path, whose setting takes longer than the look: where no rule can speak against
-- a message, the version of the rules is all that there is to note.
CREATE OR REPLACE FUNCTION vac_store.neutral_on_insert() RETURNS trigger
	LANGUAGE plpgsql
	AS $$
		BEGIN
			SELECT n.version INTO NEW.checked FROM vac_store.neutral_rules n
				WHERE NOT EXISTS (SELECT FROM vac_store.protected_word) AND NOT EXISTS (SELECT FROM vac_store.allowed_domain)
					AND NOT EXISTS (SELECT FROM vac_store.case_record c WHERE c.case_id = NEW.case_id AND c.agency_reference IS NOT NULL);
			RETURN CASE WHEN FOUND THEN NEW ELSE vac_store.neutral_check(NEW) END;
		END
	$$;
COMMENT ON FUNCTION vac_store.neutral_on_insert() IS 'Trigger: no message is stored unchecked';
CREATE OR REPLACE TRIGGER neutral_on_insert BEFORE INSERT ON vac_store.message
	FOR EACH ROW EXECUTE FUNCTION vac_store.neutral_on_insert();

CREATE OR REPLACE FUNCTION vac_store.neutral_report(message_ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			news bigint[];
			told record;
		BEGIN
			INSERT INTO history (event, office_id, case_id, appointment_id, message_id, reason)
				SELECT CASE WHEN m.state = 'suppressed' THEN 'message_suppressed' ELSE 'message_neutralised' END,
						m.office_id, m.case_id, m.appointment_id, m.message_id,
						CASE WHEN m.state = 'suppressed' THEN 'domain' ELSE 'protected' END
					FROM message m
					WHERE m.message_id = ANY (message_ids) AND (m.neutral OR m.state = 'suppressed')
					ORDER BY m.message_id;
			-- Never about a notice: that one would need a notice in turn. And of a call-out that can be mailed to nobody once,
			-- not of each who is called after another.
			news := ARRAY(SELECT m.message_id FROM message m
				WHERE m.message_id = ANY (message_ids) AND m.kind <> 'notice' AND m.office_id IS NOT NULL
					AND (m.neutral OR m.state = 'suppressed')
					AND NOT (m.urgent AND m.state = 'suppressed' AND m.kind <> 'requester' AND EXISTS (SELECT FROM message b
						WHERE b.case_id = m.case_id AND b.office_id = m.office_id AND b.message_id + 0 < m.message_id
							AND b.message_id <> ALL (message_ids) AND b.urgent AND b.kind <> 'requester' AND b.state = 'suppressed'
							AND b.reported_at > m.made_at - policy_number('notice_again', 'immediate') * interval '1 minute')));
			UPDATE message m SET reported_at = m.made_at WHERE m.message_id = ANY (news);
			FOR told IN
				SELECT m.office_id, string_agg(DISTINCT c.case_code, ', ' ORDER BY c.case_code) AS codes
					FROM message m LEFT JOIN case_record c USING (case_id)
					WHERE m.message_id = ANY (news)
					GROUP BY m.office_id
			LOOP
				PERFORM tell_supervisors(told.office_id, 'Mail was held back or made neutral',
					format(E'Mail about these cases did not go out as it was written, because of a protected word, an agency reference or a domain that is not allowed: %s\n\nPlease see to it that those concerned know what they need.\n',
						coalesce(told.codes, 'none')));
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.neutral_report(bigint[]) IS
	'Writes history and tells the supervisors about messages that were made neutral or suppressed';

CREATE OR REPLACE FUNCTION vac_store.neutral_after_insert() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			ids bigint[];
		BEGIN
			PERFORM pg_notify('vac_mailer', '');
			SELECT array_agg(q.message_id) INTO ids FROM queued q WHERE q.neutral OR q.state = 'suppressed';
			IF ids IS NOT NULL THEN
				PERFORM neutral_report(ids);
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.neutral_after_insert() IS
	'Trigger: wakes the mailer, and reports messages that were made neutral or suppressed when they were stored';
CREATE OR REPLACE TRIGGER neutral_after_insert AFTER INSERT ON vac_store.message
	REFERENCING NEW TABLE AS queued
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.neutral_after_insert();

-- ---- answer by -------------------------------------------------------------------------------
-- From the moment of the invitation; the deadline itself runs from when the mail server took it. Office hours are
-- worked out once for all of them: an office's hours cost more than the walk through them.
CREATE OR REPLACE FUNCTION vac_store.answer_windows(appointment_ids bigint[], began timestamptz[])
	RETURNS TABLE (appointment_id bigint, answer_by timestamptz)
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			WITH a AS MATERIALIZED (
				SELECT p.appointment_id, k.office_id, p.urgency::text AS urgency, lower(p.span) AS starts, u.since
					FROM unnest(appointment_ids, began) u (appointment_id, since)
						CROSS JOIN LATERAL (SELECT * FROM appointment p WHERE p.appointment_id = u.appointment_id OFFSET 0) p
						JOIN coordinator k ON k.coordinator_id = p.coordinator_id
			), policies AS MATERIALIZED (
				SELECT d.urgency, w.kind AS window_kind, w.minutes AS window_minutes, b.kind, coalesce(b.value::bigint, 0) AS minutes
					FROM (SELECT DISTINCT a.urgency FROM a) d
						LEFT JOIN LATERAL (SELECT q.kind, q.value::bigint AS minutes FROM policy q
							WHERE q.name = 'answer_window' AND (q.urgency = d.urgency OR q.urgency IS NULL)
							ORDER BY q.urgency NULLS LAST LIMIT 1) w ON true
						LEFT JOIN policy b ON b.name = 'answer_before_start' AND b.urgency = d.urgency
			), after AS MATERIALIZED (
				SELECT t.office_id, t.hours
					FROM (SELECT array_agg(DISTINCT a.office_id) AS offices, min(a.since) AS first,
								max(a.since + interval '7 days' + p.window_minutes * interval '6 minutes') AS last
							FROM a JOIN policies p ON p.urgency = a.urgency WHERE p.window_kind = 'office_minutes' HAVING count(*) > 0) n
						CROSS JOIN LATERAL office_time(n.offices, tstzrange(n.first, n.last)) t
			), rule AS MATERIALIZED (
				SELECT d.office_id, d.urgency, d.since, p.kind, p.minutes,
						-- Holidays may eat up the hours that were worked out.
						coalesce(CASE WHEN p.window_kind = 'office_minutes' AND p.window_minutes > 0
								THEN walk_hours(h.hours, d.since, p.window_minutes) END,
							policy_after('answer_window', d.urgency, d.office_id, d.since)) AS ends
					FROM (SELECT DISTINCT a.office_id, a.urgency, a.since FROM a) d
						JOIN policies p ON p.urgency = d.urgency
						LEFT JOIN after h ON h.office_id = d.office_id
			), near AS MATERIALIZED (
				-- Office hours before the start are counted only where they can matter.
				SELECT DISTINCT a.office_id, a.starts, a.since, r.minutes
					FROM a JOIN rule r ON r.office_id = a.office_id AND r.urgency = a.urgency AND r.since = a.since
					WHERE r.kind = 'office_minutes' AND r.minutes > 0 AND a.starts > a.since
						AND a.starts <= r.ends + interval '7 days' + r.minutes * interval '6 minutes'
			), before AS MATERIALIZED (
				SELECT t.office_id, t.hours
					FROM (SELECT array_agg(DISTINCT n.office_id) AS offices, min(n.since) AS first, max(n.starts) AS last FROM near n
							HAVING count(*) > 0) n
						CROSS JOIN LATERAL office_time(n.offices, tstzrange(n.first, n.last)) t
			), latest AS MATERIALIZED (
				SELECT n.office_id, n.starts, n.since, n.minutes,
						walk_hours(h.hours * tstzmultirange(tstzrange(n.since, NULL)), n.starts, - n.minutes) AS moment
					FROM near n JOIN before h ON h.office_id = n.office_id
			)
			SELECT a.appointment_id,
					CASE WHEN a.urgency = 'immediate' THEN r.ends
						-- Some minutes are left to whoever is asked late.
						ELSE greatest(least(r.ends, CASE
								WHEN r.kind = 'office_minutes' AND l.office_id IS NOT NULL THEN coalesce(l.moment, a.since)
								WHEN r.kind = 'minutes' THEN a.starts - r.minutes * interval '1 minute'
								ELSE a.starts END),
							least(r.ends, a.since + interval '10 minutes')) END
				FROM a
					JOIN rule r ON r.office_id = a.office_id AND r.urgency = a.urgency AND r.since = a.since
					LEFT JOIN latest l ON l.office_id = a.office_id AND l.starts = a.starts AND l.since = a.since AND l.minutes = r.minutes;
		END
	$$;
COMMENT ON FUNCTION vac_store.answer_windows(bigint[], timestamptz[]) IS
	'Until when invitations of these appointments, each made at its moment, wait for their answer: by policies answer_window and answer_before_start, in hours of the coordinator''s office';

CREATE OR REPLACE FUNCTION vac_store.answer_times(appointment_ids bigint[], since timestamptz)
	RETURNS TABLE (appointment_id bigint, answer_by timestamptz)
	LANGUAGE sql STABLE ROWS 10
	BEGIN ATOMIC
		SELECT w.appointment_id, w.answer_by
			FROM vac_store.answer_windows(appointment_ids, array_fill(since, ARRAY[cardinality(appointment_ids)])) w;
	END;
COMMENT ON FUNCTION vac_store.answer_times(bigint[], timestamptz) IS 'As answer_windows(), of invitations that were all made at one moment';

-- ---- queueing --------------------------------------------------------------------------------
-- Called before a newer state of these UIDs is stored. What no daemon has claimed is overtaken; what
-- one has claimed may be on its way, and the newer state waits for it when it is claimed itself.
CREATE OR REPLACE FUNCTION vac_store.overtake(uids uuid[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE message m SET state = 'overtaken'
				WHERE m.uid = ANY (uids) AND m.state = 'queued';
		END
	$$;
COMMENT ON FUNCTION vac_store.overtake(uuid[]) IS 'Marks the messages of these UIDs that still wait as overtaken by a newer state';

CREATE OR REPLACE FUNCTION vac_store.queue_appointments(of_kind text, appointment_ids bigint[], at timestamptz DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			now_at timestamptz := coalesce(at, wall());
			names_service boolean := policy_text('mail_service') = 'yes';
			uids uuid[];
		BEGIN
			IF of_kind IN ('update', 'cancel') THEN
				SELECT array_agg(a.uid ORDER BY a.uid) INTO uids
					FROM appointment a WHERE a.appointment_id = ANY (appointment_ids);
				PERFORM overtake(uids);
			END IF;
			INSERT INTO message (kind, office_id, case_id, appointment_id, method, uid, sequence,
					recipient, recipient_name, first_uuid, made_at, span, subject, body, summary, location,
					description, bounce_handle, answer_handle, key_id, sender, state, not_before, urgent)
			WITH said AS MATERIALIZED (
				SELECT w.*
					FROM (SELECT array_agg(a.appointment_id) AS ids, array_agg(o.time_zone) AS zones, array_agg(a.span) AS spans,
								-- The same state sent again does not make its window longer.
								array_agg(CASE WHEN a.answer_by > now_at THEN a.answer_by ELSE b.answer_by END) AS moments
							FROM appointment a
								JOIN office o ON o.office_id = a.office_id
								LEFT JOIN answer_times(CASE WHEN of_kind = 'cancel' THEN '{}' ELSE appointment_ids END, now_at) b
									ON b.appointment_id = a.appointment_id
							WHERE a.appointment_id = ANY (appointment_ids)) g
						CROSS JOIN LATERAL said_times(g.ids, g.zones, g.spans, g.moments) w
			)
			SELECT of_kind, a.office_id, a.case_id, a.appointment_id,
					CASE of_kind WHEN 'cancel' THEN 'CANCEL' ELSE 'REQUEST' END, a.uid, a.sequence,
					k.mail, k.name, f.mail_uuid, date_trunc('second', now_at), a.span,
					CASE of_kind WHEN 'cancel' THEN 'Cancelled: case ' WHEN 'update' THEN 'Changed: case ' ELSE 'Case ' END
						|| c.case_code || ', ' || said.starts || ', ' || t.site,
					CASE of_kind
						WHEN 'cancel' THEN format(E'%s,\n\nthe appointment for case %s is cancelled; you need not go.\n\nIt was: %s\nOffice: %s\nPlace: %s\nCall: %s, day and night\n',
							k.name, c.case_code, said.spoken, o.code, t.place, o.telephone)
						ELSE format(E'%s,\n\n%s case %s.\n\nWhen: %s\n%sOffice: %s\nPlace: %s\nUrgency: %s\nLanguage: %s%s\n%sAnswer by: %s\nCall: %s, day and night\n\nPlease accept or decline in your calendar, and send the response: an answer\nthat is not sent counts as none.\n',
							k.name,
							CASE of_kind WHEN 'update' THEN 'something has changed about your appointment for'
								ELSE 'please see to the appointment for' END,
							c.case_code, said.spoken,
							CASE WHEN t.zone IS DISTINCT FROM o.time_zone
									AND (lower(a.span) AT TIME ZONE t.zone) <> (lower(a.span) AT TIME ZONE o.time_zone)
								THEN 'In your time: ' || span_text(a.span, t.zone) || E'\n' ELSE '' END,
							o.code, t.place, a.urgency, r.language,
							CASE WHEN a.by_interpreter THEN ', through an interpreter' ELSE '' END,
							CASE WHEN names_service THEN 'Service: ' || s.label || E'\n' ELSE '' END,
							said.moment, o.telephone) END,
					'Case ' || c.case_code, t.site,
					CASE of_kind
						WHEN 'cancel' THEN format('Cancelled. Case %s, office %s, %s. Call %s.', c.case_code, o.code, said.spoken, o.telephone)
						ELSE format('Case %s, office %s, %s. %s. Answer by %s; please send the response. Call %s.',
							c.case_code, o.code, t.site, said.spoken, said.moment, o.telephone) END,
					handle(), a.answer_handle, coalesce(a.key_id, i.key_id), coalesce(a.sender, i.sender),
					CASE WHEN of_kind = 'cancel' AND NOT coalesce(f.ever_claimed, false) THEN 'unneeded' ELSE 'queued' END,
					now_at, a.urgency = 'immediate'
				FROM said
					-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
					CROSS JOIN LATERAL (SELECT * FROM appointment p WHERE p.appointment_id = said.id OFFSET 0) a
					CROSS JOIN LATERAL (SELECT * FROM request r WHERE r.request_id = a.request_id OFFSET 0) r
					CROSS JOIN LATERAL (SELECT c.case_code FROM case_record c WHERE c.case_id = a.case_id OFFSET 0) c
					JOIN service s ON s.code = r.service
					JOIN office o ON o.office_id = a.office_id
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id
					LEFT JOIN office_place p ON p.office_id = a.office_id AND p.code = r.place AND r.mode <> 'telephone'
					LEFT JOIN mail_identity i ON i.one
					LEFT JOIN LATERAL (
						SELECT (array_agg(m.mail_uuid ORDER BY m.message_id))[1] AS mail_uuid,
								bool_or(m.ever_claimed AND m.method = 'REQUEST') AS ever_claimed
							FROM message m WHERE of_kind <> 'invitation' AND m.uid = a.uid
					) f ON true
					CROSS JOIN LATERAL (
						SELECT o.code || ' ' || CASE r.mode WHEN 'telephone' THEN 'telephone' ELSE r.place END AS site,
								CASE r.mode WHEN 'telephone' THEN 'by telephone' ELSE r.place || ', ' || p.text END AS place,
								coalesce(k.time_zone, (SELECT h.time_zone FROM office h WHERE h.office_id = k.office_id)) AS zone
					) t
				ORDER BY a.appointment_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.queue_appointments(text, bigint[], timestamptz) IS
	'Queues one invitation, update or cancel a appointment, as it stands now; older states that still wait are overtaken, and a CANCEL of what was never claimed is not needed';

CREATE OR REPLACE FUNCTION vac_store.queue_pages(appointment_ids bigint[], at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := coalesce(at, wall());
		BEGIN
			INSERT INTO message (kind, office_id, case_id, appointment_id, recipient, recipient_name, made_at,
					subject, body, bounce_handle, key_id, sender, not_before, urgent)
			SELECT 'page', a.office_id, a.case_id, a.appointment_id, k.pager, k.name, date_trunc('second', now_at),
					'Case ' || c.case_code,
					format(E'Case %s: %s, %s. Answer by %s. Call %s.\n', c.case_code,
						CASE a.urgency WHEN 'immediate' THEN 'now' ELSE local_text(lower(a.span), o.time_zone) END,
						o.code || ' ' || CASE r.mode WHEN 'telephone' THEN 'telephone' ELSE r.place END,
						local_text(b.answer_by, o.time_zone), o.telephone),
					handle(), i.key_id, i.sender, now_at, true
				FROM appointment a
					JOIN request r ON r.request_id = a.request_id
					JOIN case_record c ON c.case_id = a.case_id
					JOIN office o ON o.office_id = a.office_id
					JOIN coordinator k ON k.coordinator_id = a.coordinator_id
					JOIN answer_times(appointment_ids, now_at) b ON b.appointment_id = a.appointment_id
					LEFT JOIN mail_identity i ON i.one
				WHERE a.appointment_id = ANY (appointment_ids) AND k.pager IS NOT NULL
				ORDER BY a.appointment_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.queue_pages(bigint[], timestamptz) IS 'Queues a page to the coordinators of appointments who have a pager address';

CREATE OR REPLACE FUNCTION vac_store.tell_supervisors(of_office integer, about text, says text,
		hurry boolean DEFAULT false, every_rank boolean DEFAULT true, at timestamptz DEFAULT NULL, ranks integer DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := coalesce(at, wall());
			told integer;
		BEGIN
			WITH who AS (
				SELECT s.name, s.mail, s.pager, s.rank, dense_rank() OVER (ORDER BY s.rank) AS nth
					FROM supervisor s
					WHERE s.retired_at IS NULL AND (s.all_offices OR EXISTS (SELECT FROM supervisor_office so
						WHERE so.supervisor_id = s.supervisor_id AND so.office_id = of_office))
			)
			INSERT INTO message (kind, office_id, recipient, recipient_name, made_at, subject, body,
					bounce_handle, key_id, sender, not_before, urgent)
			SELECT 'notice', of_office, a.address, w.name, date_trunc('second', now_at),
					o.code || ': ' || about, says, handle(), i.key_id, i.sender, now_at, hurry
				FROM who w
					JOIN office o ON o.office_id = of_office
					LEFT JOIN mail_identity i ON i.one
					CROSS JOIN LATERAL (
						SELECT w.mail AS address UNION SELECT w.pager WHERE hurry AND w.pager IS NOT NULL
					) a
				WHERE w.nth <= coalesce(ranks, CASE WHEN every_rank THEN w.nth ELSE 1 END)
				ORDER BY w.rank, w.mail;
			GET DIAGNOSTICS told = ROW_COUNT;
			RETURN told;
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_supervisors(integer, text, text, boolean, boolean, timestamptz, integer) IS
	'Queues one notice to each supervisor of an office (of the first rank only, unless every_rank; of so many ranks where a number is given), when it hurries also to their pagers; returns how many';

-- Of two codes of one person each was opened by somebody, who both wait for word.
CREATE OR REPLACE FUNCTION vac_store.requesters_of(case_ids bigint[]) RETURNS TABLE (case_id bigint, address text)
	LANGUAGE plpgsql STABLE ROWS 2
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT DISTINCT ON (w.case_id, lower(w.address)) w.case_id, w.address
				FROM (SELECT c.case_id, c.requester::text AS address, 0 AS old FROM case_record c
						WHERE c.case_id = ANY (case_ids) AND c.requester IS NOT NULL AND c.held_since IS NULL
					UNION ALL
					SELECT c.case_id, m.requester::text, 1 FROM case_record m JOIN case_record c ON c.case_id = m.merged_into
						WHERE m.merged_into = ANY (case_ids) AND m.requester IS NOT NULL AND c.held_since IS NULL) w
				ORDER BY w.case_id, lower(w.address), w.old, w.address;
		END
	$$;
COMMENT ON FUNCTION vac_store.requesters_of(bigint[]) IS
	'Addresses of those who opened these cases, under the code they have or one that was merged into it, and want to be told; of none on hold';

CREATE OR REPLACE FUNCTION vac_store.tell_requesters(request_ids bigint[], what text, at timestamptz DEFAULT NULL, bare_case bigint DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := coalesce(at, wall());
		BEGIN
			-- Most cases have nobody to tell.
			IF NOT EXISTS (SELECT FROM requesters_of(ARRAY(SELECT r.case_id FROM request r WHERE r.request_id = ANY (request_ids)) || bare_case)) THEN
				RETURN;
			END IF;
			INSERT INTO message (kind, office_id, case_id, appointment_id, recipient, recipient_name, made_at,
					subject, body, bounce_handle, key_id, sender, not_before, urgent)
			SELECT 'requester', c.office_id, c.case_id, a.appointment_id, w.address, 'Requester',
					date_trunc('second', now_at),
					'Case ' || c.case_code || CASE what
						WHEN 'planned' THEN ': planned'
						WHEN 'accepted' THEN ': accepted'
						WHEN 'changed' THEN ': changed'
						WHEN 'moved' THEN ': changed'
						WHEN 'cancelled' THEN ': cancelled'
						WHEN 'transferred' THEN ': another office'
						WHEN 'nobody' THEN ': nobody found yet'
						ELSE ': news' END,
					CASE what
						WHEN 'planned' THEN format(E'An appointment for case %s is planned, and the coordinator is being asked.\n\nWhen: %s\nOffice: %s\n',
							c.case_code, span_text(a.span, o.time_zone), o.code)
						WHEN 'accepted' THEN format(E'The coordinator has accepted the appointment for case %s.\n\nWhen: %s\nOffice: %s\n',
							c.case_code, span_text(a.span, o.time_zone), o.code)
						WHEN 'changed' THEN format(E'The appointment for case %s has changed and is being planned again.\n\nOffice: %s\n', c.case_code, o.code)
						WHEN 'moved' THEN format(E'The appointment for case %s has been moved, and the coordinator is being asked again.\n\nWhen: %s\nOffice: %s\n',
							c.case_code, span_text(a.span, o.time_zone), o.code)
						WHEN 'cancelled' THEN format(E'The appointment for case %s is cancelled.\n\nOffice: %s\n', c.case_code, o.code)
						WHEN 'transferred' THEN format(E'Case %s is with another office now, which sees to it.\n\nOffice: %s\n', c.case_code, o.code)
						WHEN 'nobody' THEN format(E'Nobody has been found yet for case %s. The search goes on, and the supervisors are told.\n\nOffice: %s\n',
							c.case_code, o.code)
						ELSE format(E'There is news about case %s.\n\nOffice: %s\n', c.case_code, o.code) END
					|| format(E'Call: %s, day and night\n', o.telephone),
					handle(), i.key_id, i.sender, now_at, r.urgency = 'immediate'
				FROM (SELECT q.request_id, q.case_id, q.urgency::text FROM request q WHERE q.request_id = ANY (request_ids)
						UNION ALL SELECT NULL, bare_case, 'routine' WHERE bare_case IS NOT NULL) r
					JOIN case_record c ON c.case_id = r.case_id AND c.held_since IS NULL
					-- Whoever has the case is to be called, also where its meetings were elsewhere.
					JOIN office o ON o.office_id = c.office_id
					JOIN requesters_of(ARRAY(SELECT q.case_id FROM request q WHERE q.request_id = ANY (request_ids)) || bare_case) w ON w.case_id = c.case_id
					LEFT JOIN mail_identity i ON i.one
					LEFT JOIN LATERAL (SELECT b.appointment_id, b.span FROM appointment b
						WHERE b.request_id = r.request_id AND b.live ORDER BY b.appointment_id DESC LIMIT 1) a ON true
				WHERE what NOT IN ('planned', 'accepted', 'moved') OR a.span IS NOT NULL
				ORDER BY r.request_id, w.address;
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_requesters(bigint[], text, timestamptz, bigint) IS
	'Queues a neutral line to those who opened the cases of these requests and left an address: planned, accepted, changed (and planned again), moved, cancelled, transferred, nobody; bare_case: a case without a request';

-- ---- ending appointments ---------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.end_appointments(appointment_ids bigint[], new_state text, why text DEFAULT NULL)
	RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := wall();
			ended bigint[];
		BEGIN
			WITH standing AS (
				SELECT a.appointment_id FROM appointment a
					WHERE a.appointment_id = ANY (appointment_ids) AND a.live
					ORDER BY a.appointment_id
					FOR NO KEY UPDATE
			), gone AS (
				UPDATE appointment a
					SET state = new_state, ended_at = now_at, sequence = a.sequence + 1
					FROM standing s WHERE s.appointment_id = a.appointment_id
					RETURNING a.*
			), written AS (
				INSERT INTO history (event, office_id, case_id, request_id, appointment_id, coordinator_id, reason, detail)
					SELECT 'appointment_cancelled', g.office_id, g.case_id, g.request_id, g.appointment_id, g.coordinator_id,
							why, jsonb_build_object('state', new_state, 'starts', lower(g.span), 'ends', upper(g.span))
						FROM gone g ORDER BY g.appointment_id
			)
			SELECT array_agg(g.appointment_id ORDER BY g.appointment_id) INTO ended FROM gone g;
			IF ended IS NOT NULL THEN
				PERFORM queue_appointments('cancel', ended, now_at);
			END IF;
			RETURN coalesce(cardinality(ended), 0);
		END
	$$;
COMMENT ON FUNCTION vac_store.end_appointments(bigint[], text, text) IS
	'Ends those of these appointments that are live (states cancelled, replaced, declined, lapsed), with history and CANCEL; returns how many';
