-- Verbs about on-call duty: rotations, who covers a part of one, and who swaps with whom. Each lays the
-- shifts out anew at once, so that what it did can be seen, also in a what-if.

CREATE OR REPLACE FUNCTION vac_store.rotation_named(in_office office, given text) RETURNS rotation
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found rotation;
BEGIN
	SELECT * INTO found FROM rotation r
		WHERE r.office_id = in_office.office_id AND r.retired_at IS NULL AND lower(r.name) = lower(btrim(given));
	IF found.rotation_id IS NULL THEN
		PERFORM refuse(format('rotation: %s has no rotation %s', in_office.code, coalesce(quote_literal(given), 'of no name')),
			(SELECT coalesce('There are: ' || string_agg(r.name, ', ' ORDER BY r.name), 'It has none yet: vac.set_rotation(…) makes one.')
				FROM rotation r WHERE r.office_id = in_office.office_id AND r.retired_at IS NULL));
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.rotation_named(office, text) IS 'The rotation of an office with this name, in either case; refuses with the list of them';

-- Those who can be sent to the office's cases at all: its own people and its backups'. To put somebody on call changes
-- their days, by a rotation as by vac.add_shift(): their own supervisors do, and so lend them to a rotation.
CREATE OR REPLACE FUNCTION vac_store.duty_person(in_office office, given text, argument text, deed text, of_rotation integer) RETURNS integer
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	who CONSTANT coordinator := coordinator_named(given, argument);
BEGIN
	IF who.retired_at IS NOT NULL THEN
		PERFORM refuse(format('%s: %s has left', argument, who.code), 'TABLE vac.roster lists those who are here.');
	ELSIF who.office_id <> in_office.office_id AND NOT EXISTS (SELECT FROM office_backup b
			WHERE b.office_id = in_office.office_id AND b.backup_office_id = who.office_id) THEN
		PERFORM refuse(format('%s: %s is neither of %s nor of one of its backups', argument, who.code, in_office.code),
			'Only they can be sent to its cases. vac.set_backup(…) makes an office a backup.');
	ELSIF NOT EXISTS (SELECT FROM rotation_member m WHERE m.rotation_id = of_rotation AND m.coordinator_id = who.coordinator_id) THEN
		PERFORM need_office(who.office_id, format('%s, %s', deed, who.code));
	END IF;
	RETURN who.coordinator_id;
END
$$;
COMMENT ON FUNCTION vac_store.duty_person(office, text, text, text, integer) IS
	'The id of a coordinator who can be on call for an office; refuses those who cannot, and those of other offices than one''s own who do not take turns in the rotation yet. argument is the verb''s argument, deed the verb';

-- ---- rotations -------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.put_rotation(in_office office, given_name text, members integer[], hand_over time, days integer,
		first_day date) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	id integer;
BEGIN
	INSERT INTO rotation AS r (office_id, name, first_day, hand_over, days, lay_at)
		VALUES (in_office.office_id, given_name, put_rotation.first_day, put_rotation.hand_over, put_rotation.days, moment())
		ON CONFLICT (office_id, lower(name)) WHERE retired_at IS NULL DO UPDATE
			SET first_day = excluded.first_day, hand_over = excluded.hand_over, days = excluded.days
		RETURNING r.rotation_id INTO id;
	DELETE FROM rotation_member m WHERE m.rotation_id = id;
	INSERT INTO rotation_member (rotation_id, place, coordinator_id)
		SELECT id, u.n, u.who FROM unnest(members) WITH ORDINALITY u (who, n);
	RETURN id;
END
$$;
COMMENT ON FUNCTION vac_store.put_rotation(office, text, integer[], time, integer, date) IS 'Stores a rotation and its order; returns its id';

CREATE OR REPLACE FUNCTION vac.set_rotation(office text, rotation text, coordinators text, hand_over text DEFAULT NULL,
		days integer DEFAULT NULL, first_day text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	old rotation;
	members integer[];
	id integer;
BEGIN
	one := office_named(set_rotation.office);
	PERFORM need_office(one.office_id, 'set_rotation');
	PERFORM refuse_if(text_problem(set_rotation.rotation), 'rotation');
	SELECT * INTO old FROM rotation r WHERE r.office_id = one.office_id AND r.retired_at IS NULL AND lower(r.name) = lower(btrim(set_rotation.rotation));
	members := ARRAY(SELECT duty_person(one, c, 'coordinators', 'set_rotation', old.rotation_id)
		FROM unnest(list_of(replace(set_rotation.coordinators, ',', ';'))) WITH ORDINALITY u (c, n) ORDER BY n);
	IF members = '{}' THEN
		PERFORM refuse('coordinators: nobody was named', 'In the order of their turns: ''SEA-1, SEA-2, SEA-3''. vac.retire_rotation(…) ends a rotation.');
	END IF;
	PERFORM refuse_if(time_problem(coalesce(set_rotation.hand_over, '08:00')), 'hand_over'),
		refuse_if(number_problem(coalesce(set_rotation.days, 7)::text, 1, 92), 'days'),
		refuse_if(day_problem(coalesce(set_rotation.first_day, '2026-01-01')), 'first_day');
	IF btrim(set_rotation.hand_over) = '24:00' THEN
		PERFORM refuse('hand_over: 24:00 is the next day''s 00:00', 'Say 00:00.');
	END IF;
	PERFORM lock_rotation(old.rotation_id, moment(), members);
	id := put_rotation(one, btrim(set_rotation.rotation), members, coalesce(set_rotation.hand_over::time, old.hand_over, '08:00'),
		coalesce(set_rotation.days, old.days, 7),
		coalesce(set_rotation.first_day::date, old.first_day, local_day(moment(), one.time_zone)));
	PERFORM record('rotation_set', of_office => one.office_id, more => jsonb_build_object('rotation', btrim(set_rotation.rotation),
		'order', members));
	PERFORM lay_rotation(id, moment());
	RETURN (SELECT said(format('%s, %s: %s take turns of %s, handing over at %s (%s); %s has it now', one.code, r.name,
			quantity(cardinality(members), 'coordinator', 'coordinators'), quantity(r.days, 'day', 'days'), to_char(r.hand_over, 'HH24:MI'),
			one.time_zone, coalesce((SELECT k.name FROM duty_shift d JOIN coordinator k ON k.coordinator_id = d.coordinator_id
				WHERE d.rotation_id = id AND d.live AND d.span @> moment()), 'nobody')))
		FROM rotation r WHERE r.rotation_id = id);
END
$$;
COMMENT ON FUNCTION vac.set_rotation(text, text, text, text, integer, text) IS
	'Coordinators are on call in turns: vac.set_rotation(''SEA'', ''nights'', ''SEA-1, SEA-2'', hand_over => ''17:00'', days => 7, '
	'first_day => ''2026-12-07''). The first named takes over on first_day (today, if not said). With the name of a rotation that there is '
	'already it changes that one; what is not said stays. Somebody of a backup office is put in it by a supervisor of that office too. Each shift is sent to its holder''s calendar';

CREATE OR REPLACE FUNCTION vac.retire_rotation(office text, rotation text, reason text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	old rotation;
BEGIN
	one := office_named(retire_rotation.office);
	PERFORM need_office(one.office_id, 'retire_rotation');
	PERFORM need_reason(retire_rotation.reason);
	old := rotation_named(one, retire_rotation.rotation);
	PERFORM lock_rotation(old.rotation_id, moment());
	UPDATE rotation r SET retired_at = moment() WHERE r.rotation_id = old.rotation_id;
	PERFORM record('rotation_retired', of_office => one.office_id, why => reason_code(retire_rotation.reason),
		said => reason_note(retire_rotation.reason), more => jsonb_build_object('rotation', old.name));
	RETURN format('%s, %s: given up; %s cancelled', one.code, old.name, quantity(lay_rotation(old.rotation_id, moment()), 'shift is', 'shifts are'));
END
$$;
COMMENT ON FUNCTION vac.retire_rotation(text, text, text) IS 'Gives a rotation up: its shifts to come are cancelled';

-- ---- covers and swaps ------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.put_cover(of_rotation integer, who integer, within tstzrange) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	WITH gone AS (
		DELETE FROM rotation_cover c WHERE c.rotation_id = of_rotation AND c.span && within RETURNING c.*
	)
	INSERT INTO rotation_cover (rotation_id, span, coordinator_id, added_at, added_by)
		SELECT g.rotation_id, rest, g.coordinator_id, g.added_at, g.added_by
			FROM gone g, unnest(tstzmultirange(g.span) - tstzmultirange(within)) rest;
	IF who IS NOT NULL THEN
		INSERT INTO rotation_cover (rotation_id, span, coordinator_id) VALUES (of_rotation, within, who);
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.put_cover(integer, integer, tstzrange) IS
	'Who covers a part of a rotation; NULL: again whose turn it is. Covers that lie over it are cut';

CREATE OR REPLACE FUNCTION vac.cover_duty(office text, rotation text, coordinator text, from_time text, to_time text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	of_rotation rotation;
	who integer;
	within tstzrange;
BEGIN
	one := office_named(cover_duty.office);
	PERFORM need_office(one.office_id, 'cover_duty');
	of_rotation := rotation_named(one, cover_duty.rotation);
	PERFORM refuse_if(moment_problem(cover_duty.from_time, one.time_zone), 'from_time'),
		refuse_if(moment_problem(cover_duty.to_time, one.time_zone), 'to_time');
	within := checked_moments(local_moment(cover_duty.from_time, one.time_zone), local_moment(cover_duty.to_time, one.time_zone, true), '92 days');
	IF cover_duty.coordinator IS NOT NULL THEN
		who := duty_person(one, cover_duty.coordinator, 'coordinator', 'cover_duty', of_rotation.rotation_id);
	END IF;
	PERFORM lock_rotation(of_rotation.rotation_id, moment(), ARRAY[who]);
	PERFORM put_cover(of_rotation.rotation_id, who, within);
	PERFORM record('duty_covered', of_office => one.office_id, of_coordinator => who,
		more => jsonb_build_object('rotation', of_rotation.name, 'span', within));
	PERFORM lay_rotation(of_rotation.rotation_id, moment());
	RETURN format('%s, %s, %s: %s', one.code, of_rotation.name, days_span(within, one.time_zone),
		coalesce((SELECT format('%s (%s) is on call%s', k.name, k.code,
				CASE WHEN absent_time(who) && within THEN ', but away for some of it' ELSE '' END)
			FROM coordinator k WHERE k.coordinator_id = who), 'whose turn it is'));
END
$$;
COMMENT ON FUNCTION vac.cover_duty(text, text, text, text, text) IS
	'Somebody else is on call for a part of a rotation: vac.cover_duty(''SEA'', ''nights'', ''SEA-2'', ''2026-12-24'', ''2026-12-26''), days or '
	'times of the office. NULL as coordinator: again whose turn it is';

CREATE OR REPLACE FUNCTION vac_store.turn_on(in_office office, of_rotation rotation, given text, argument text, OUT who integer, OUT span tstzrange)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at timestamptz;
BEGIN
	PERFORM refuse_if(moment_problem(given, in_office.time_zone), argument);
	-- A day alone means who takes over on it, or has it then.
	at := CASE WHEN day_problem(given) IS NULL THEN local_instant(given::date + of_rotation.hand_over, in_office.time_zone)
		ELSE local_moment(given, in_office.time_zone) END;
	SELECT t.coordinator_id, t.span INTO who, span
		FROM rotation_turns(of_rotation.rotation_id, tstzrange(at, at, '[]')) t WHERE t.span @> at;
	IF who IS NULL THEN
		PERFORM refuse(format('%s: nobody has a turn of %s then', argument, of_rotation.name), format('It begins on %s.', of_rotation.first_day));
	ELSIF upper(span) <= moment() THEN
		PERFORM refuse(format('%s: that turn is over', argument), 'TABLE vac.rotations lists those to come.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.turn_on(office, rotation, text, text) IS 'Whose turn of a rotation is on at a local moment or takes over on a local day, and when';

CREATE OR REPLACE FUNCTION vac.swap_duty(office text, rotation text, one_day text, other_day text) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one office;
	of_rotation rotation;
	a record;
	b record;
BEGIN
	one := office_named(swap_duty.office);
	PERFORM need_office(one.office_id, 'swap_duty');
	of_rotation := rotation_named(one, swap_duty.rotation);
	a := turn_on(one, of_rotation, swap_duty.one_day, 'one_day');
	b := turn_on(one, of_rotation, swap_duty.other_day, 'other_day');
	IF a.who = b.who THEN
		PERFORM refuse('other_day: the same coordinator has both turns', 'TABLE vac.rotations lists whose turn it is.');
	END IF;
	PERFORM lock_rotation(of_rotation.rotation_id, moment(), ARRAY[a.who, b.who]);
	PERFORM put_cover(of_rotation.rotation_id, b.who, a.span), put_cover(of_rotation.rotation_id, a.who, b.span);
	PERFORM record('duty_swapped', of_office => one.office_id, more => jsonb_build_object('rotation', of_rotation.name,
		'one', a.who, 'one_span', a.span, 'other', b.who, 'other_span', b.span));
	PERFORM lay_rotation(of_rotation.rotation_id, moment());
	RETURN (SELECT said(format('%s, %s: %s has %s, %s has %s', one.code, of_rotation.name, y.name, short_span(a.span, one.time_zone),
			x.name, short_span(b.span, one.time_zone)))
		FROM coordinator x, coordinator y WHERE x.coordinator_id = a.who AND y.coordinator_id = b.who);
END
$$;
COMMENT ON FUNCTION vac.swap_duty(text, text, text, text) IS
	'Two coordinators swap turns of a rotation: vac.swap_duty(''SEA'', ''nights'', ''2026-12-07'', ''2026-12-14''), each a day on which a turn '
	'begins, or a time within it';
