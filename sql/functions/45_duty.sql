-- On-call duty: whose turn it is, the shifts that come of it, and what their holders are sent. A part of
-- a rotation whose holder is on leave or has left is a gap: nobody has it until a verb says who.

-- ---- whose turn it is ------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.rotation_turns(of_rotation integer, within tstzrange)
	RETURNS TABLE (coordinator_id integer, span tstzrange)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one rotation;
	zone text;
	members integer[];
BEGIN
	SELECT * INTO one FROM rotation r WHERE r.rotation_id = of_rotation AND r.retired_at IS NULL;
	zone := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
	members := ARRAY(SELECT m.coordinator_id FROM rotation_member m WHERE m.rotation_id = one.rotation_id ORDER BY m.place);
	IF members = '{}' THEN
		RETURN;
	END IF;
	RETURN QUERY
	SELECT members[1 + n % cardinality(members)], t.turn
		-- A turn more than the days say: the hand-over may be later in the day.
		FROM generate_series(greatest((local_day(lower(within), zone) - one.first_day) / one.days - 1, 0),
				(local_day(upper(within), zone) - one.first_day) / one.days) n
			CROSS JOIN LATERAL (SELECT tstzrange(local_instant(one.first_day + n * one.days + one.hand_over, zone),
				local_instant(one.first_day + (n + 1) * one.days + one.hand_over, zone)) AS turn) t
		WHERE t.turn && within
		ORDER BY n;
END
$$;
COMMENT ON FUNCTION vac_store.rotation_turns(integer, tstzrange) IS
	'Whose turn it is in a rotation, from hand-over to hand-over at its local time of day: the whole turns that meet a span';

CREATE OR REPLACE FUNCTION vac_store.absent_time(of_coordinator integer) RETURNS tstzmultirange
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	RETURN (SELECT coalesce(range_agg(l.span), '{}') + CASE WHEN k.retired_at IS NOT NULL THEN tstzmultirange(tstzrange(NULL, NULL)) ELSE '{}' END
		FROM coordinator k LEFT JOIN leave l ON l.coordinator_id = k.coordinator_id
		WHERE k.coordinator_id = of_coordinator
		GROUP BY k.coordinator_id);
END
$$;
COMMENT ON FUNCTION vac_store.absent_time(integer) IS 'When a coordinator cannot be on call: leave, or for ever once they have left';

-- Each turn by itself, so that what comes of it does not depend on how far one looks.
CREATE OR REPLACE FUNCTION vac_store.rotation_duty(of_rotation integer, within tstzrange)
	RETURNS TABLE (coordinator_id integer, span tstzrange, turn_id integer)
	LANGUAGE sql STABLE ROWS 40
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	WITH turn AS (
		SELECT * FROM rotation_turns(of_rotation, within)
	), meant AS (
		SELECT t.coordinator_id AS turn_id, t.coordinator_id, part AS span
			FROM turn t, unnest(tstzmultirange(t.span) - coalesce((SELECT range_agg(c.span) FROM rotation_cover c
				WHERE c.rotation_id = of_rotation AND c.span && t.span), '{}')) part
		UNION ALL
		SELECT t.coordinator_id, c.coordinator_id, c.span * t.span
			FROM turn t JOIN rotation_cover c ON c.rotation_id = of_rotation AND c.span && t.span
	)
	SELECT CASE WHEN p.there THEN m.coordinator_id END, p.part, CASE WHEN p.there THEN m.turn_id ELSE m.coordinator_id END
		FROM meant m
			CROSS JOIN LATERAL (SELECT absent_time(m.coordinator_id) AS away OFFSET 0) a
			CROSS JOIN LATERAL (
				SELECT true AS there, part FROM unnest(tstzmultirange(m.span) - a.away) part
				UNION ALL SELECT false, part FROM unnest(tstzmultirange(m.span) * a.away) part
			) p
		WHERE p.part && within
		ORDER BY p.part;
$$;
COMMENT ON FUNCTION vac_store.rotation_duty(integer, tstzrange) IS
	'Who is on duty by a rotation in the parts that meet a span, after covers and leave, and whose turn it is; coordinator_id NULL: nobody, because turn_id cannot';

-- ---- what holders are sent -------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.queue_duty(duty_ids bigint[], now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM overtake(ARRAY(SELECT d.uid FROM duty_shift d WHERE d.duty_id = ANY (duty_ids)));
	INSERT INTO message (kind, office_id, method, uid, sequence, recipient, recipient_name, first_uuid, made_at, span,
			subject, body, summary, location, description, shown_free, bounce_handle, answer_handle, key_id, sender, state, not_before)
	SELECT 'shift', r.office_id, CASE WHEN d.live THEN 'REQUEST' ELSE 'CANCEL' END, d.uid, d.sequence, k.mail, k.name, f.mail_uuid,
			date_trunc('second', now_at), d.span,
			CASE WHEN NOT d.live THEN 'Cancelled: on call' WHEN d.sequence > 0 THEN 'Changed: on call' ELSE 'On call' END
				|| format(', %s, %s', o.code, t.starts),
			format(E'%s,\n\nyou are %son call (%s).\n\nWhen: %s\nOffice: %s\nCall: %s, day and night\n\n%s\n', k.name,
				CASE WHEN d.live THEN '' ELSE 'no longer ' END, r.name, t.spoken, o.code, o.telephone,
				CASE WHEN d.live THEN 'No answer is needed. If you cannot, please call your office.' ELSE 'Somebody else has it, or nobody is needed.' END),
			'On call: ' || o.code, o.code, format('%s. %s. Call %s.', r.name, t.spoken, o.telephone), true,
			handle(), d.answer_handle, coalesce(d.key_id, i.key_id), coalesce(d.sender, i.sender),
			CASE WHEN NOT d.live AND NOT coalesce(f.ever_claimed, false) THEN 'unneeded' ELSE 'queued' END, now_at
		FROM duty_shift d
			JOIN rotation r ON r.rotation_id = d.rotation_id
			JOIN office o ON o.office_id = r.office_id
			JOIN coordinator k ON k.coordinator_id = d.coordinator_id
			LEFT JOIN mail_identity i ON i.one
			LEFT JOIN LATERAL (SELECT (array_agg(m.mail_uuid ORDER BY m.message_id))[1] AS mail_uuid, bool_or(m.ever_claimed) AS ever_claimed
				FROM message m WHERE m.uid = d.uid) f ON true
			CROSS JOIN LATERAL (SELECT local_text(lower(d.span), coalesce(k.time_zone, o.time_zone)) AS starts,
				span_text(d.span, coalesce(k.time_zone, o.time_zone)) AS spoken) t
		WHERE d.duty_id = ANY (duty_ids)
		ORDER BY d.duty_id;
END
$$;
COMMENT ON FUNCTION vac_store.queue_duty(bigint[], timestamptz) IS
	'Queues the state of these shifts to their holders: a calendar entry shown as free, its update, or its CANCEL';

-- ---- laying out ------------------------------------------------------------------------------
-- The same coordinators' single shifts stay as they are: no two of a kind may lie over each other.
CREATE OR REPLACE FUNCTION vac_store.lay_shifts(duty_ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM shift s WHERE s.duty_id = ANY (duty_ids);
	INSERT INTO shift (coordinator_id, kind, span, duty_id)
		SELECT d.coordinator_id, 'on_call', part, d.duty_id
			FROM duty_shift d,
				unnest(tstzmultirange(d.span) - coalesce((SELECT range_agg(s.span) FROM shift s
					WHERE s.coordinator_id = d.coordinator_id AND s.kind = 'on_call' AND s.span && d.span), '{}')) part
			WHERE d.duty_id = ANY (duty_ids) AND d.live
			ORDER BY d.duty_id
		-- Of two rotations that one coordinator holds at once the second finds its place taken.
		ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION vac_store.lay_shifts(bigint[]) IS 'Makes shifts of kind on_call of these shifts of rotations, where their holders are not on call already';

-- What is stored becomes what is wanted: whoever keeps a part of a shift gets an update, others a CANCEL.
CREATE OR REPLACE FUNCTION vac_store.change_duty(of_rotation integer, who integer[], spans tstzrange[], now_at timestamptz) RETURNS bigint[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	kept bigint[];
	kept_spans tstzrange[];
	gone bigint[];
	made bigint[];
BEGIN
	WITH stored AS (
		SELECT d.* FROM duty_shift d WHERE d.rotation_id = of_rotation AND d.live AND upper(d.span) > now_at
	), wanted AS (
		SELECT u.n, u.coordinator_id, u.span FROM unnest(who, spans) WITH ORDINALITY u (coordinator_id, span, n)
	), best AS (
		-- For each wanted one the stored one of the same holder that it has most in common with.
		SELECT DISTINCT ON (w.n) w.n, w.span, s.duty_id, upper(w.span * s.span) - lower(w.span * s.span) AS common
			FROM wanted w JOIN stored s ON s.coordinator_id = w.coordinator_id AND s.span && w.span
			ORDER BY w.n, common DESC, s.duty_id
	), pair AS (
		SELECT DISTINCT ON (b.duty_id) b.duty_id, b.n, b.span FROM best b ORDER BY b.duty_id, b.common DESC, b.n
	), ended AS (
		UPDATE duty_shift d SET live = false, sequence = d.sequence + 1
			FROM stored s WHERE d.duty_id = s.duty_id AND NOT EXISTS (SELECT FROM pair p WHERE p.duty_id = s.duty_id)
			RETURNING d.duty_id
	), moving AS (
		-- Out of the way first: two spans may change places.
		UPDATE duty_shift d SET live = false
			FROM pair p WHERE d.duty_id = p.duty_id AND d.span <> p.span
			RETURNING d.duty_id, p.span
	)
	SELECT (SELECT array_agg(e.duty_id) FROM ended e), (SELECT array_agg(m.duty_id ORDER BY m.duty_id) FROM moving m),
			(SELECT array_agg(m.span ORDER BY m.duty_id) FROM moving m),
			(SELECT array_agg(w.n) FROM wanted w WHERE NOT EXISTS (SELECT FROM pair p WHERE p.n = w.n))
		INTO gone, kept, kept_spans, made;
	UPDATE duty_shift d SET live = true, span = k.span, sequence = d.sequence + 1
		FROM unnest(kept, kept_spans) k (duty_id, span) WHERE d.duty_id = k.duty_id;
	WITH fresh AS (
		INSERT INTO duty_shift (rotation_id, coordinator_id, span, answer_handle, key_id, sender)
			SELECT of_rotation, who[n], spans[n], handle(), i.key_id, i.sender
				FROM unnest(made) n LEFT JOIN mail_identity i ON i.one ORDER BY n
			RETURNING duty_id
	)
	SELECT array_agg(f.duty_id) INTO made FROM fresh f;
	RETURN gone || kept || made;
END
$$;
COMMENT ON FUNCTION vac_store.change_duty(integer, integer[], tstzrange[], timestamptz) IS
	'Makes the shifts to come of a rotation those that are wanted; returns those that were made, changed or ended';

-- Coordinators first, as everywhere, and all at once: whoever enters leave has locked them, and changes rotations.
CREATE OR REPLACE FUNCTION vac_store.lock_rotation(of_rotation integer, now_at timestamptz, also integer[] DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM coordinator k WHERE k.coordinator_id = ANY (also)
			OR k.coordinator_id IN (SELECT m.coordinator_id FROM rotation_member m WHERE m.rotation_id = of_rotation
				UNION SELECT c.coordinator_id FROM rotation_cover c WHERE c.rotation_id = of_rotation AND upper(c.span) > now_at
				UNION SELECT d.coordinator_id FROM duty_shift d WHERE d.rotation_id = of_rotation AND d.live AND upper(d.span) > now_at)
		ORDER BY k.coordinator_id FOR NO KEY UPDATE;
	PERFORM FROM rotation r WHERE r.rotation_id = of_rotation FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vac_store.lock_rotation(integer, timestamptz, integer[]) IS
	'Locks who has to do with a rotation, and others, in the order in which everybody does, and then the rotation';

CREATE OR REPLACE FUNCTION vac_store.lay_rotation(of_rotation integer, now_at timestamptz) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	ahead CONSTANT tstzrange := tstzrange(now_at, now_at + policy_number('duty_ahead') * interval '1 day');
	who integer[];
	spans tstzrange[];
	over tstzmultirange;
	changed bigint[];
	bare bigint[];
BEGIN
	PERFORM lock_rotation(of_rotation, now_at);
	-- What follows sees what these rows were about.
	DELETE FROM rotation_stale t WHERE t.rotation_id = of_rotation;
	-- What is over stays as it was, even where by now somebody else should have had it.
	over := (SELECT coalesce(range_agg(d.span), '{}') FROM duty_shift d
		WHERE d.rotation_id = of_rotation AND d.live AND upper(d.span) <= now_at);
	SELECT array_agg(t.coordinator_id ORDER BY part), array_agg(part ORDER BY part) INTO who, spans
		FROM rotation_duty(of_rotation, ahead) t, unnest(tstzmultirange(t.span) - over) part
		WHERE t.coordinator_id IS NOT NULL AND upper(part) > now_at;
	changed := change_duty(of_rotation, coalesce(who, '{}'), coalesce(spans, '{}'), now_at);
	UPDATE rotation r SET lay_at = now_at + interval '12 hours' WHERE r.rotation_id = of_rotation;
	PERFORM lay_shifts(changed) WHERE changed <> '{}';
	-- What another rotation or a single shift had, and has given up since, is theirs again.
	bare := ARRAY(SELECT d.duty_id FROM duty_shift d WHERE d.rotation_id = of_rotation AND d.live AND upper(d.span) > now_at
		AND NOT coalesce((SELECT range_agg(s.span) @> d.span FROM shift s
			WHERE s.coordinator_id = d.coordinator_id AND s.kind = 'on_call' AND s.span && d.span), false));
	IF bare <> '{}' THEN
		PERFORM lay_shifts(bare);
		PERFORM plan_soon(r.office_id) FROM rotation r WHERE r.rotation_id = of_rotation;
	END IF;
	IF changed IS NULL THEN
		RETURN 0;
	END IF;
	PERFORM queue_duty(changed, now_at);
	INSERT INTO history (event, office_id, coordinator_id, detail)
		SELECT CASE WHEN d.live THEN 'duty_set' ELSE 'duty_ended' END, r.office_id, d.coordinator_id,
				jsonb_build_object('rotation', r.name, 'span', d.span)
			FROM duty_shift d JOIN rotation r ON r.rotation_id = d.rotation_id WHERE d.duty_id = ANY (changed) ORDER BY d.duty_id;
	PERFORM plan_soon(r.office_id) FROM rotation r WHERE r.rotation_id = of_rotation;
	RETURN cardinality(changed);
END
$$;
COMMENT ON FUNCTION vac_store.lay_rotation(integer, timestamptz) IS
	'Lays out the shifts of a rotation as far ahead as policy duty_ahead says, and tells their holders what changed; returns how many did';

-- ---- gaps ------------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.tell_duty_gaps(of_rotation integer, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	soon CONSTANT tstzrange := tstzrange(now_at, now_at + policy_number('duty_gap_notice') * interval '1 day');
	one rotation;
	zone text;
	gaps tstzmultirange;
	lines text;
BEGIN
	SELECT * INTO one FROM rotation r WHERE r.rotation_id = of_rotation;
	zone := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
	SELECT coalesce(range_agg(d.span), '{}') INTO gaps FROM rotation_duty(of_rotation, soon) d WHERE d.coordinator_id IS NULL;
	SELECT string_agg(format('%s, because %s is away', span_text(d.span, zone), k.name), E'\n' ORDER BY d.span) INTO lines
		FROM rotation_duty(of_rotation, soon) d JOIN coordinator k ON k.coordinator_id = d.turn_id
		WHERE d.coordinator_id IS NULL AND NOT tstzmultirange(d.span) <@ one.told_gaps;
	UPDATE rotation r SET told_gaps = gaps WHERE r.rotation_id = of_rotation AND r.told_gaps <> gaps;
	IF lines IS NOT NULL THEN
		PERFORM tell_supervisors(one.office_id, 'nobody is on call',
			format(E'Nobody has these parts of the rotation "%s":\n\n%s\n\nvac.cover_duty() says who covers them; view vac.coverage_gaps lists them.\n', one.name, lines),
			lower(gaps) < now_at + interval '1 day', true, now_at);
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.tell_duty_gaps(integer, timestamptz) IS
	'Tells the supervisors once of each part of a rotation that nobody has, as long beforehand as policy duty_gap_notice says';

-- ---- as time passes --------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.pass_duty(of_rotation integer, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM lay_rotation(of_rotation, now_at), tell_duty_gaps(of_rotation, now_at);
	RETURN true;
END
$$;
COMMENT ON FUNCTION vac_store.pass_duty(integer, timestamptz) IS 'Lays out a rotation whose time has come, and tells of its gaps';

CREATE OR REPLACE FUNCTION vac_store.duty_changes() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	who CONSTANT integer := CASE TG_OP WHEN 'DELETE' THEN OLD.coordinator_id ELSE NEW.coordinator_id END;
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF upper(OLD.span) <= moment() THEN
			RETURN NULL;
		END IF;
	END IF;
	INSERT INTO rotation_stale (rotation_id) SELECT r.rotation_id FROM rotation r
		WHERE r.retired_at IS NULL AND (
			EXISTS (SELECT FROM rotation_member m WHERE m.rotation_id = r.rotation_id AND m.coordinator_id = who)
			OR EXISTS (SELECT FROM rotation_cover c WHERE c.rotation_id = r.rotation_id AND c.coordinator_id = who));
	IF FOUND THEN
		PERFORM pg_notify('vac_deadline', '');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.duty_changes() IS 'Trigger: leave, or somebody who leaves, changes who is on call';
CREATE OR REPLACE TRIGGER duty_changes AFTER INSERT OR UPDATE OR DELETE ON vac_store.leave
	FOR EACH ROW EXECUTE FUNCTION vac_store.duty_changes();
CREATE OR REPLACE TRIGGER duty_changes AFTER UPDATE OF retired_at ON vac_store.coordinator
	FOR EACH ROW WHEN (NEW.retired_at IS DISTINCT FROM OLD.retired_at) EXECUTE FUNCTION vac_store.duty_changes();

CREATE OR REPLACE FUNCTION vac_store.shift_given_up() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF TG_OP = 'DELETE' AND upper(OLD.span) <= moment() THEN
		RETURN NULL;
	END IF;
	INSERT INTO rotation_stale (rotation_id) SELECT r.rotation_id FROM rotation r
		WHERE r.retired_at IS NULL AND r.rotation_id IN (SELECT d.rotation_id FROM duty_shift d
			WHERE d.coordinator_id = OLD.coordinator_id AND d.live AND d.span && OLD.span)
			-- One that lays out its own has it in hand.
			AND r.rotation_id IS DISTINCT FROM (SELECT o.rotation_id FROM duty_shift o WHERE o.duty_id = OLD.duty_id);
	IF FOUND THEN
		PERFORM pg_notify('vac_deadline', '');
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION vac_store.shift_given_up() IS 'Trigger: where a shift goes, a rotation that found its place taken is laid out anew';
CREATE OR REPLACE TRIGGER shift_given_up AFTER UPDATE OR DELETE ON vac_store.shift
	FOR EACH ROW WHEN (OLD.kind = 'on_call') EXECUTE FUNCTION vac_store.shift_given_up();

-- ---- what holders answer, though nobody asked ------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.judge_shift_answer(mail inbound, letter jsonb, handle text) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	shift duty_shift;
BEGIN
	SELECT * INTO shift FROM duty_shift d WHERE d.answer_handle = handle;
	IF shift.duty_id IS NULL THEN
		RETURN NULL;
	ELSIF shift.live AND (letter ->> 'word' = 'decline' OR EXISTS (SELECT FROM jsonb_array_elements(letter -> 'events') e,
			jsonb_array_elements(e -> 'attendees') a WHERE a ->> 'partstat' = 'DECLINED')) THEN
		mail.said := 'declined';
		RETURN settled(mail, 'refused', 'who is on call cannot: vac.cover_duty() says who covers the shift', true);
	END IF;
	RETURN settled(mail, 'left_alone', 'an answer to an on-call shift, which needs none');
END
$$;
COMMENT ON FUNCTION vac_store.judge_shift_answer(inbound, jsonb, text) IS
	'An answer to the calendar entry of an on-call shift: only a no is worth a supervisor''s look; NULL: it is about no shift';

-- ---- what people see -------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.duties(at timestamptz)
	RETURNS TABLE (office_id integer, rotation text, coordinator_id integer, span tstzrange, turn_id integer)
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT r.office_id, r.name, d.coordinator_id, d.span, d.turn_id
		FROM rotation r CROSS JOIN LATERAL rotation_duty(r.rotation_id,
			tstzrange(at, at + policy_number('duty_ahead') * interval '1 day')) d
		WHERE r.retired_at IS NULL AND r.office_id IN (SELECT near_offices());
$$;
COMMENT ON FUNCTION vac_store.duties(timestamptz) IS
	'Who is on duty by the rotations of one''s own offices and their backups, from a moment as far ahead as policy duty_ahead says';
