-- Somebody leaves, and everything they have goes to others: appointments to come, cases they are responsible for, turns
-- of on-call duty.

-- ---- who can have to do with a case ----------------------------------------------------------
-- Its own people and its backups'; and whoever was sent to it all the same, or is responsible for it.
CREATE OR REPLACE FUNCTION vac_store.near_case(one case_record, who coordinator) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT who.office_id = one.office_id OR coalesce(who.coordinator_id = one.responsible_id, false)
		OR EXISTS (SELECT FROM office_backup b WHERE b.office_id = one.office_id AND b.backup_office_id = who.office_id)
		OR EXISTS (SELECT FROM appointment a WHERE a.case_id = one.case_id AND a.coordinator_id = who.coordinator_id AND (a.live OR a.state = 'held'));
$$;
COMMENT ON FUNCTION vac_store.near_case(case_record, coordinator) IS
	'Whether a coordinator is of a case''s office or one of its backups, or has to do with the case already';

CREATE OR REPLACE FUNCTION vac_store.case_person(one case_record, given text) RETURNS coordinator
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	who CONSTANT coordinator := coordinator_named(given);
BEGIN
	IF NOT near_case(one, who) THEN
		PERFORM refuse(format('coordinator: %s is neither of %s nor of one of its backups', who.code,
				(SELECT o.code FROM office o WHERE o.office_id = one.office_id)),
			'Only they have to do with its cases. vac.set_backup(…) makes an office a backup.');
	END IF;
	RETURN who;
END
$$;
COMMENT ON FUNCTION vac_store.case_person(case_record, text) IS
	'The coordinator with this code; refuses one of an office that has nothing to do with the case';

-- ---- appointments ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.hand_over_meeting(a appointment, who coordinator, to_whom coordinator, at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	against text;
	said text;
BEGIN
	IF to_whom.coordinator_id IS NOT NULL THEN
		against := (SELECT h.against FROM hand_over(a, to_whom, false, session_user, at) h);
		IF against IS NULL THEN
			RETURN format('%s (%s) is asked', to_whom.code, to_whom.name);
		END IF;
		said := format('planned again: %s %s', to_whom.code,
			(SELECT rules_text(CASE WHEN to_whom.coordinator_id IN (SELECT my_coordinators()) THEN ARRAY[against] ELSE public_rules(ARRAY[against]) END, r)
				FROM request r WHERE r.request_id = a.request_id));
	END IF;
	PERFORM bar_for_good(a.request_id, who.coordinator_id);
	PERFORM free_appointments(ARRAY[a.appointment_id], 'handed_over');
	RETURN coalesce((SELECT format('%s (%s) is asked already', k.code, k.name) FROM appointment b JOIN coordinator k ON k.coordinator_id = b.coordinator_id
			WHERE b.request_id = a.request_id AND b.live ORDER BY b.state <> 'accepted', b.appointment_id LIMIT 1),
		said, 'planned again');
END
$$;
COMMENT ON FUNCTION vac_store.hand_over_meeting(appointment, coordinator, coordinator, timestamptz) IS
	'Gives an appointment of somebody (who) to a colleague, if no hard rule speaks against it; else, or without one, it is planned again without them. Returns what was done';

-- ---- cases -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.hand_over_case(one case_record, who coordinator, to_whom coordinator, why text) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	against CONSTANT text := CASE WHEN to_whom.coordinator_id IS NULL THEN NULL
		WHEN NOT near_case(one, to_whom) THEN 'office is no backup'
		WHEN EXISTS (SELECT FROM case_conflict c WHERE c.case_id = one.case_id AND c.coordinator_id = to_whom.coordinator_id) THEN 'conflict of interest' END;
	next_one integer := CASE WHEN against IS NULL THEN to_whom.coordinator_id END;
BEGIN
	-- Else whoever has accepted a meeting of it.
	next_one := coalesce(next_one, (SELECT a.coordinator_id FROM appointment a
		WHERE a.case_id = one.case_id AND a.state = 'accepted' AND a.coordinator_id <> who.coordinator_id ORDER BY lower(a.span) LIMIT 1));
	UPDATE case_record c SET responsible_id = next_one WHERE c.case_id = one.case_id;
	PERFORM record(CASE WHEN next_one IS NULL THEN 'responsible_left' ELSE 'responsible_set' END, of_office => one.office_id, of_case => one.case_id,
		of_coordinator => coalesce(next_one, who.coordinator_id), why => why, more => jsonb_build_object('before', who.coordinator_id));
	RETURN concat_ws(': ', (SELECT format('%s (%s) is responsible; tell the victim', k.code, k.name) FROM coordinator k WHERE k.coordinator_id = next_one),
		CASE WHEN next_one IS NULL AND EXISTS (SELECT FROM request r WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned'))
				THEN 'the next to accept is responsible'
			WHEN next_one IS NULL THEN 'NOBODY: vac.set_responsible(…)' END,
		CASE WHEN against IS NOT NULL THEN format('not %s, %s', to_whom.code, against) END);
END
$$;
COMMENT ON FUNCTION vac_store.hand_over_case(case_record, coordinator, coordinator, text) IS
	'Makes somebody else responsible for a case: the colleague, else who has accepted a meeting of it, else nobody until somebody accepts. Returns what was done';

-- ---- duty ------------------------------------------------------------------------------------
-- Without the one who leaves the order begins anew with whoever has the turn that is on, else with who comes next: so
-- nobody else's turn that is on changes hands.
CREATE OR REPLACE FUNCTION vac_store.leave_rotation(one rotation, who integer, at timestamptz) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	zone CONSTANT text := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
	members CONSTANT integer[] := ARRAY(SELECT m.coordinator_id FROM rotation_member m WHERE m.rotation_id = one.rotation_id ORDER BY m.place);
	left_over integer[];
	n integer := 0;
BEGIN
	SELECT (local_day(lower(t.span), zone) - one.first_day) / one.days INTO n
		FROM rotation_turns(one.rotation_id, tstzrange(at, at, '[]')) t WHERE t.span @> at;
	n := coalesce(n, 0);
	left_over := ARRAY(SELECT members[1 + (n + i) % cardinality(members)] FROM generate_series(0, cardinality(members) - 1) i
		WHERE members[1 + (n + i) % cardinality(members)] <> who ORDER BY i);
	DELETE FROM rotation_member m WHERE m.rotation_id = one.rotation_id;
	INSERT INTO rotation_member (rotation_id, place, coordinator_id)
		SELECT one.rotation_id, u.n, u.id FROM unnest(left_over) WITH ORDINALITY u (id, n);
	UPDATE rotation r SET first_day = one.first_day + n * one.days WHERE r.rotation_id = one.rotation_id;
	RETURN cardinality(left_over);
END
$$;
COMMENT ON FUNCTION vac_store.leave_rotation(rotation, integer, timestamptz) IS
	'Takes somebody out of the order of a rotation; whoever has the turn that is on keeps it. Returns how many places are left';

CREATE OR REPLACE FUNCTION vac_store.hand_over_duty(one rotation, who coordinator, to_whom coordinator, at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	-- Whoever is on call for an office must be one who can be sent to its cases.
	next_one CONSTANT integer := CASE WHEN to_whom.office_id = one.office_id OR EXISTS (SELECT FROM office_backup b
		WHERE b.office_id = one.office_id AND b.backup_office_id = to_whom.office_id) THEN to_whom.coordinator_id END;
	covers CONSTANT tstzrange[] := ARRAY(SELECT c.span * tstzrange(at, NULL) FROM rotation_cover c
		WHERE c.rotation_id = one.rotation_id AND c.coordinator_id = who.coordinator_id AND upper(c.span) > at ORDER BY c.span);
	places bigint;
BEGIN
	PERFORM put_cover(one.rotation_id, next_one, s) FROM unnest(covers) s;
	IF next_one IS NOT NULL THEN
		UPDATE rotation_member m SET coordinator_id = next_one WHERE m.rotation_id = one.rotation_id AND m.coordinator_id = who.coordinator_id;
	ELSIF EXISTS (SELECT FROM rotation_member m WHERE m.rotation_id = one.rotation_id AND m.coordinator_id = who.coordinator_id) THEN
		places := leave_rotation(one, who.coordinator_id, at);
	END IF;
	PERFORM lay_rotation(one.rotation_id, at);
	RETURN CASE WHEN next_one IS NOT NULL THEN format('%s (%s) has it', to_whom.code, to_whom.name)
			WHEN places = 0 THEN 'NOBODY is left in it: vac.set_rotation(…)' ELSE 'the others have it in turns' END
		|| CASE WHEN next_one IS NULL AND to_whom.coordinator_id IS NOT NULL THEN format(': not %s, office is no backup', to_whom.code) ELSE '' END;
END
$$;
COMMENT ON FUNCTION vac_store.hand_over_duty(rotation, coordinator, coordinator, timestamptz) IS
	'The turns and covers of somebody in a rotation go to a colleague, or to the others in it, and its shifts are laid out anew. Returns what was done';

-- ---- all of it -------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.cases_of(who coordinator, at timestamptz) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT c.case_id FROM case_record c
		WHERE c.state = 'open' AND c.office_id IN (SELECT my_offices()) AND (c.responsible_id = who.coordinator_id
			OR c.case_id IN (SELECT a.case_id FROM appointment a WHERE a.coordinator_id = who.coordinator_id AND a.live AND lower(a.span) > at))
		ORDER BY c.case_id);
$$;
COMMENT ON FUNCTION vac_store.cases_of(coordinator, timestamptz) IS
	'Open cases of one''s own offices that a coordinator has a meeting to come of, or is responsible for';

CREATE OR REPLACE FUNCTION vac_store.rotations_of(who coordinator, at timestamptz) RETURNS integer[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT ARRAY(SELECT r.rotation_id FROM rotation r
		WHERE r.retired_at IS NULL AND (
			EXISTS (SELECT FROM rotation_member m WHERE m.rotation_id = r.rotation_id AND m.coordinator_id = who.coordinator_id)
			OR EXISTS (SELECT FROM rotation_cover c WHERE c.rotation_id = r.rotation_id AND c.coordinator_id = who.coordinator_id AND upper(c.span) > at))
		ORDER BY r.rotation_id);
$$;
COMMENT ON FUNCTION vac_store.rotations_of(coordinator, timestamptz) IS 'Rotations in which a coordinator takes turns, or covers somebody from now on';

-- In the order of all locks: cases, requests, coordinators, rotations.
CREATE OR REPLACE FUNCTION vac_store.lock_to_hand_over(who coordinator, to_whom coordinator, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	rotations integer[];
BEGIN
	IF current_setting('transaction_isolation') NOT LIKE 'read %committed' THEN
		PERFORM lock_diaries('{}');
	END IF;
	PERFORM FROM case_record c WHERE c.case_id = ANY (cases_of(who, at)) ORDER BY c.case_id FOR NO KEY UPDATE;
	PERFORM FROM request r WHERE r.request_id IN (SELECT a.request_id FROM appointment a
			WHERE a.coordinator_id = who.coordinator_id AND a.live AND lower(a.span) > at)
		ORDER BY r.request_id FOR NO KEY UPDATE;
	rotations := rotations_of(who, at);
	PERFORM FROM coordinator k
		WHERE k.coordinator_id IN (who.coordinator_id, to_whom.coordinator_id)
			OR k.coordinator_id IN (SELECT m.coordinator_id FROM rotation_member m WHERE m.rotation_id = ANY (rotations)
				UNION SELECT c.coordinator_id FROM rotation_cover c WHERE c.rotation_id = ANY (rotations) AND upper(c.span) > at
				UNION SELECT d.coordinator_id FROM duty_shift d WHERE d.rotation_id = ANY (rotations) AND d.live AND upper(d.span) > at)
		ORDER BY k.coordinator_id FOR NO KEY UPDATE;
	PERFORM FROM rotation r WHERE r.rotation_id = ANY (rotations) ORDER BY r.rotation_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vac_store.lock_to_hand_over(coordinator, coordinator, timestamptz) IS 'Locks all that vac.hand_over() changes';

CREATE OR REPLACE FUNCTION vac_store.colleague_named(who coordinator, given text) RETURNS coordinator
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found coordinator;
BEGIN
	IF given IS NULL THEN
		RETURN NULL;
	END IF;
	found := coordinator_named(given, 'colleague');
	PERFORM need_office(found.office_id, 'hand_over');
	IF found.coordinator_id = who.coordinator_id THEN
		PERFORM refuse('colleague: that is the one who leaves', 'Name somebody else, or nobody: then all is planned again.');
	ELSIF found.retired_at IS NOT NULL THEN
		PERFORM refuse(format('colleague: %s has left', found.code), 'TABLE vac.roster lists those who are here.');
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.colleague_named(coordinator, text) IS 'The colleague who takes over from a coordinator, of an office of one''s own; NULL: none was named';

CREATE OR REPLACE FUNCTION vac.hand_over(coordinator text, reason text, colleague text DEFAULT NULL)
	RETURNS TABLE (what text, which text, done text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 20
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	why CONSTANT text := reason_code(hand_over.reason);
	who vac_store.coordinator;
	to_whom vac_store.coordinator;
	a appointment;
	one case_record;
	duty rotation;
	counts integer[] := '{0, 0, 0}';
BEGIN
	who := coordinator_named(hand_over.coordinator);
	PERFORM need_office(who.office_id, 'hand_over'), need_reason(hand_over.reason);
	to_whom := colleague_named(who, hand_over.colleague);
	PERFORM lock_to_hand_over(who, to_whom, at);
	FOR a IN SELECT * FROM appointment b WHERE b.coordinator_id = who.coordinator_id AND b.live AND lower(b.span) > at
		ORDER BY lower(b.span), b.appointment_id
	LOOP
		what := 'meeting';
		which := (SELECT coalesce(c.case_code, 'of ' || o.code) || ', ' || short_span(a.span, o.time_zone)
			FROM office o LEFT JOIN case_record c ON c.case_id = a.case_id AND c.office_id IN (SELECT my_offices()) WHERE o.office_id = a.office_id);
		done := hand_over_meeting(a, who, CASE WHEN a.office_id IN (SELECT my_offices()) THEN to_whom END, at);
		counts[1] := counts[1] + 1;
		RETURN NEXT;
	END LOOP;
	FOR one IN SELECT * FROM case_record c WHERE c.responsible_id = who.coordinator_id AND c.state = 'open' ORDER BY c.case_id LOOP
		what := 'case';
		IF one.office_id IN (SELECT my_offices()) THEN
			which := one.case_code;
			done := hand_over_case(one, who, to_whom, why);
			counts[2] := counts[2] + 1;
		ELSE
			-- Whose case it is must say who is responsible for it.
			SELECT 'of ' || o.code, 'stays: it is for supervisors of ' || o.code || ', who are told' INTO which, done FROM office o WHERE o.office_id = one.office_id;
			PERFORM tell_supervisors(one.office_id, 'somebody responsible leaves',
				format(E'%s (%s) leaves, and is responsible for case %s.\n\nvac.set_responsible() says who is from now on.\n', who.name, who.code, one.case_code));
		END IF;
		RETURN NEXT;
	END LOOP;
	FOR duty IN SELECT * FROM rotation r WHERE r.rotation_id = ANY (rotations_of(who, at)) ORDER BY r.rotation_id LOOP
		what := 'duty';
		which := (SELECT o.code || ', ' || duty.name FROM office o WHERE o.office_id = duty.office_id);
		IF duty.office_id IN (SELECT my_offices()) THEN
			done := hand_over_duty(duty, who, to_whom, at);
			counts[3] := counts[3] + 1;
		ELSE
			done := 'stays: it is for the supervisors of that office';
		END IF;
		RETURN NEXT;
	END LOOP;
	PERFORM record('handed_over_all', of_office => who.office_id, of_coordinator => who.coordinator_id, why => why, said => reason_note(hand_over.reason),
		more => jsonb_build_object('appointments', counts[1], 'cases', counts[2], 'duties', counts[3], 'colleague', to_whom.coordinator_id));
	PERFORM warn_of_silence(o) FROM office o WHERE o.office_id = who.office_id AND counts[1] > 0;
END
$$;
COMMENT ON FUNCTION vac.hand_over(text, text, text) IS
	'Everything a coordinator has goes to others, and a row says what became of each thing: meetings to come, cases they are responsible for, turns of '
	'on-call duty: SELECT * FROM vac.hand_over(''SEA-1'', ''roster: leaves in May''). colleague: who gets it all, as far as no rule speaks against it '
	'(colleague => ''SEA-2''); what they cannot take, and all when nobody is named, is planned again without the one who leaves, and the others in a '
	'rotation have its turns. vac.retire_coordinator() then takes them off the roster';
