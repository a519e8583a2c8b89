-- The digest: each morning one plain mail to each supervisor who wants it, about all their offices. It comes also
-- when it has nothing to say: that it came says that vacd is at work.

-- ---- when ------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.digest_span(on_day date, zone text) RETURNS tstzrange
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			hours text := policy_text('digest_hours');
			starts timestamptz := local_instant(on_day + split_part(hours, '-', 1)::time, zone);
		BEGIN
			-- Where the clock skips all of these hours there is an hour left all the same.
			RETURN tstzrange(starts, greatest(local_instant(on_day + split_part(hours, '-', 2)::time, zone), starts + interval '1 hour'));
		END
	$$;
COMMENT ON FUNCTION vac_store.digest_span(date, text) IS 'When the digest of a local day may go out, by policy digest_hours';

-- A day that is over is not made up for.
CREATE OR REPLACE FUNCTION vac_store.digests(now_at timestamptz)
	RETURNS TABLE (supervisor_id integer, day date, due timestamptz)
	-- Not in SQL: that is planned anew at each turn of the stage.
	LANGUAGE plpgsql STABLE ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT DISTINCT ON (s.supervisor_id) s.supervisor_id, d.day, lower(t.span)
				FROM supervisor s
					JOIN office o ON o.office_id = s.digest_office_id
					CROSS JOIN LATERAL (SELECT local_day(now_at, o.time_zone) + n AS day FROM generate_series(0, 1) n) d
					CROSS JOIN LATERAL (SELECT digest_span(d.day, o.time_zone) AS span) t
				WHERE s.retired_at IS NULL AND (s.digest_day IS NULL OR s.digest_day < d.day) AND now_at < upper(t.span)
				ORDER BY s.supervisor_id, d.day;
		END
	$$;
COMMENT ON FUNCTION vac_store.digests(timestamptz) IS 'The next digest of each supervisor who wants one: its local day, and when it is due';

-- ---- what it says ----------------------------------------------------------------------------
-- Codes only, of cases, coordinators and offices: it lies in a mailbox for long.
CREATE OR REPLACE FUNCTION vac_store.digest_part(title text, lines text[]) RETURNS text
	LANGUAGE sql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN cardinality(lines) = 0 THEN format(E'%s: none\n\n', title)
			ELSE format(E'%s: %s\n%s\n%s\n', title, cardinality(lines), array_to_string(lines[:30], E'\n'),
				CASE WHEN cardinality(lines) > 30 THEN format(E'and %s more\n', cardinality(lines) - 30) ELSE '' END) END;
	$$;
COMMENT ON FUNCTION vac_store.digest_part(text, text[]) IS 'A part of a digest: its title with how many there are, and the first of its lines';

CREATE OR REPLACE FUNCTION vac_store.supervised(of_supervisor integer) RETURNS integer[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN ARRAY(SELECT o.office_id FROM vac_store.office o JOIN vac_store.supervisor s ON s.supervisor_id = of_supervisor
		WHERE o.retired_at IS NULL AND (s.all_offices OR EXISTS (SELECT FROM vac_store.supervisor_office so
			WHERE so.supervisor_id = s.supervisor_id AND so.office_id = o.office_id))
		ORDER BY o.code);
COMMENT ON FUNCTION vac_store.supervised(integer) IS 'The offices that a supervisor is there for, whoever is at the keyboard';

CREATE OR REPLACE FUNCTION vac_store.digest_today(offices integer[], now_at timestamptz) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		SELECT coalesce(array_agg(format('%s %s: %s, %s, %s', o.code, CASE WHEN a.office_id = ANY (offices) THEN c.case_code ELSE 'case' END,
				short_span(a.span, o.time_zone), k.code, CASE WHEN a.state = 'accepted' THEN 'accepted' ELSE 'NOT ANSWERED' END)
				ORDER BY lower(a.span), o.code, a.appointment_id), '{}')
			FROM appointment a
				JOIN office o ON o.office_id = a.office_id
				JOIN coordinator k ON k.coordinator_id = a.coordinator_id
				JOIN case_record c ON c.case_id = a.case_id
			WHERE a.live AND (a.office_id = ANY (offices) OR k.office_id = ANY (offices))
				-- Whatever the zone, the local day lies within these; the longest meeting is a day.
				AND lower(a.span) > now_at - interval '50 hours' AND lower(a.span) < now_at + interval '26 hours'
				AND a.span && tstzrange(local_day_start(local_day(now_at, o.time_zone), o.time_zone),
					local_day_start(local_day(now_at, o.time_zone) + 1, o.time_zone));
	$$;
COMMENT ON FUNCTION vac_store.digest_today(integer[], timestamptz) IS
	'Appointments of the local day: those of these offices'' cases, and what their coordinators do for others';

CREATE OR REPLACE FUNCTION vac_store.digest_unanswered(offices integer[], now_at timestamptz) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		SELECT coalesce(array_agg(format('%s %s: %s, %s, %s', o.code, c.case_code, short_span(a.span, o.time_zone), k.code,
				CASE WHEN a.answer_by IS NULL THEN 'not sent yet' WHEN a.answer_by <= now_at THEN 'NO ANSWER IN TIME'
					ELSE 'answer by ' || short_time(a.answer_by, o.time_zone) END) ORDER BY lower(a.span), a.appointment_id), '{}')
			FROM appointment a
				JOIN office o ON o.office_id = a.office_id
				JOIN coordinator k ON k.coordinator_id = a.coordinator_id
				JOIN case_record c ON c.case_id = a.case_id
			WHERE a.live AND a.state = 'invited' AND a.office_id = ANY (offices) AND lower(a.span) > now_at;
	$$;
COMMENT ON FUNCTION vac_store.digest_unanswered(integer[], timestamptz) IS 'Appointments to come of these offices'' cases that nobody has accepted';

CREATE OR REPLACE FUNCTION vac_store.digest_overdue(offices integer[], now_at timestamptz) RETURNS text[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		SELECT coalesce(array_agg(format('%s %s: %s, was due %s, %s%s', o.code, c.case_code, l.what || coalesce(' (' || l.urgency || ')', ''),
				short_time(l.due_at, o.time_zone), coalesce(k.code, 'NOBODY YET'), CASE WHEN c.held_since IS NOT NULL THEN ', on hold' ELSE '' END)
				ORDER BY c.held_since IS NOT NULL, array_position(ARRAY['immediate', 'urgent', 'routine'], coalesce(l.urgency, 'urgent')),
					l.due_at, c.case_id, l.n), '{}')
			FROM late_things(now_at) l
				JOIN case_record c ON c.case_id = l.case_id
				JOIN office o ON o.office_id = c.office_id
				LEFT JOIN coordinator k ON k.coordinator_id = l.coordinator_id
			WHERE c.office_id = ANY (offices);
	$$;
COMMENT ON FUNCTION vac_store.digest_overdue(integer[], timestamptz) IS 'What is overdue of these offices'' cases, as view overdue has it';

CREATE OR REPLACE FUNCTION vac_store.digest_gaps(offices integer[], now_at timestamptz) RETURNS text[]
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN (
				WITH ahead AS (
					SELECT tstzrange(now_at, now_at + interval '14 days') AS span
				), lacks AS (
					SELECT r.office_id, r.name::text AS name, d.span, 'nobody on call' AS who
						FROM ahead a, rotation r CROSS JOIN LATERAL rotation_duty(r.rotation_id, a.span) d
						WHERE r.retired_at IS NULL AND r.office_id = ANY (offices) AND d.coordinator_id IS NULL
					UNION ALL
					SELECT g.office_id, c.name, g.span, cover_lacks(c.people, s.label, c.language)
						FROM ahead a CROSS JOIN LATERAL gaps_of(offices, a.span) g
							JOIN cover c ON c.cover_id = g.cover_id
							LEFT JOIN service s ON s.code = c.service
				)
				SELECT coalesce(array_agg(format('%s %s: %s, %s', o.code, l.name, short_span(l.span, o.time_zone), l.who)
						ORDER BY greatest(lower(l.span), now_at), o.code, l.name), '{}')
					FROM lacks l JOIN office o ON o.office_id = l.office_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.digest_gaps(integer[], timestamptz) IS
	'What lacks in the next 14 days at these offices, by rotations and by table cover, as view coverage_gaps has it, however far policies have that look';

-- ---- making it -------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.queue_digest(s supervisor, on_day date, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			offices integer[] := supervised(s.supervisor_id);
			today text[] := digest_today(offices, now_at);
			unanswered text[] := digest_unanswered(offices, now_at);
			overdue text[] := digest_overdue(offices, now_at);
			gaps text[] := digest_gaps(offices, now_at);
		BEGIN
			INSERT INTO message (kind, office_id, recipient, recipient_name, made_at, subject, body, bounce_handle, key_id, sender, not_before)
			SELECT 'notice', s.digest_office_id, s.mail, s.name, date_trunc('second', now_at),
					format('Digest, %s: %s today, %s not answered, %s overdue, %s', to_char(on_day, 'Dy FMDD Mon'), cardinality(today),
						cardinality(unanswered), cardinality(overdue), quantity(cardinality(gaps), 'gap', 'gaps')),
					format(E'%s,\n\nthis is how your offices (%s) stand, %s.\n\n', s.name,
							CASE WHEN s.all_offices THEN 'all' ELSE (SELECT coalesce(string_agg(w.code, ', ' ORDER BY w.code), 'none')
								FROM office w WHERE w.office_id = ANY (offices)) END, local_text(now_at, o.time_zone))
						|| digest_part('Appointments today', today)
						|| digest_part('Not answered yet', unanswered)
						|| digest_part('Overdue', overdue)
						|| digest_part('Gaps in the next 14 days', gaps)
						|| E'vac.week, vac.open_cases, vac.clocks and vac.coverage_gaps say more;\nvac.set_digest(false) ends this mail.\n',
					handle(), i.key_id, i.sender, now_at
				FROM office o LEFT JOIN mail_identity i ON i.one
				WHERE o.office_id = s.digest_office_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.queue_digest(supervisor, date, timestamptz) IS 'Queues a supervisor''s digest of a local day';

CREATE OR REPLACE FUNCTION vac_store.pass_digest(id integer, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			s supervisor;
			on_day date;
		BEGIN
			PERFORM FROM supervisor w WHERE w.supervisor_id = id FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			-- A new statement: what was committed before the row was locked.
			SELECT * INTO s FROM supervisor w WHERE w.supervisor_id = id;
			on_day := (SELECT d.day FROM digests(now_at) d WHERE d.supervisor_id = id AND d.due <= now_at);
			IF on_day IS NULL THEN
				RETURN false;
			END IF;
			PERFORM queue_digest(s, on_day, now_at);
			UPDATE supervisor w SET digest_day = on_day WHERE w.supervisor_id = id;
			RETURN true;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_digest(integer, timestamptz) IS
	'Makes the digest of a supervisor that is due; false: it is none any more, or somebody holds the supervisor''s row';

-- ---- the verb --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac.set_digest(wanted boolean DEFAULT true, office text DEFAULT NULL, login text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	s supervisor;
	o office;
	today date;
BEGIN
	IF set_digest.login IS DISTINCT FROM session_user AND set_digest.login IS NOT NULL THEN
		PERFORM need_all_offices('set_digest');
	END IF;
	SELECT * INTO s FROM supervisor w WHERE w.login = coalesce(set_digest.login, session_user) AND w.retired_at IS NULL FOR NO KEY UPDATE;
	IF s.supervisor_id IS NULL THEN
		PERFORM refuse(format('login: no supervisor %L', coalesce(set_digest.login, session_user)), 'TABLE vac.supervisors lists them.');
	END IF;
	IF set_digest.wanted IS NOT TRUE THEN
		UPDATE supervisor w SET digest_office_id = NULL WHERE w.supervisor_id = s.supervisor_id;
		PERFORM record('digest_set', more => jsonb_build_object('login', s.login, 'office', NULL));
		RETURN format('%s gets no digest', s.name);
	END IF;
	IF set_digest.office IS NOT NULL THEN
		o := office_named(set_digest.office);
	ELSE
		SELECT * INTO o FROM office f WHERE f.office_id = coalesce(s.digest_office_id, (supervised(s.supervisor_id))[1]);
	END IF;
	IF o.office_id IS NULL OR o.office_id <> ALL (supervised(s.supervisor_id)) THEN
		PERFORM refuse(format('office: %s supervises %s', s.login, CASE WHEN o.office_id IS NULL THEN 'none' ELSE 'others than ' || o.code END),
			'It is the office whose morning it comes in, one of theirs.');
	END IF;
	-- Not one for a morning that is over.
	today := local_day(at, o.time_zone);
	UPDATE supervisor w SET digest_office_id = o.office_id,
			digest_day = CASE WHEN at < lower(digest_span(today, o.time_zone)) THEN today - 1 ELSE today END
		WHERE w.supervisor_id = s.supervisor_id;
	PERFORM record('digest_set', more => jsonb_build_object('login', s.login, 'office', o.code));
	PERFORM pg_notify('vac_deadline', '');
	RETURN format('%s gets a digest each day, at %s of %s, the first on %s', s.name, split_part(policy_text('digest_hours'), '-', 1), o.code,
		(SELECT local_text(d.due, o.time_zone) FROM digests(at) d WHERE d.supervisor_id = s.supervisor_id));
END
$$;
COMMENT ON FUNCTION vac.set_digest(boolean, text, text) IS
	'The morning digest by mail (today''s appointments, what is not answered, what is overdue, gaps of the next 14 days), all of one''s '
	'offices in one mail: wanted, or not. office: in whose local morning it comes, the first of one''s own if left out. login: whose; left '
	'out, one''s own; another''s is for supervisors of all offices. Policy digest_hours says from when';
