-- Verbs about cases beside one another: two codes of one person become one, and cases that belong together
-- are linked.

CREATE OR REPLACE FUNCTION vac_store.two_cases(given text, other text, deed text) RETURNS case_record[]
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	one case_record := case_named(given, steer => false);
	two case_record := case_named(other, steer => false);
BEGIN
	IF one.case_id = two.case_id THEN
		PERFORM refuse(format('case_code: %s is named twice', one.case_code), 'Two different cases are needed.');
	END IF;
	-- By id, whichever was named first; then as they are now.
	PERFORM lock_cases(ARRAY[one.case_id, two.case_id]);
	SELECT * INTO one FROM case_record c WHERE c.case_id = one.case_id;
	SELECT * INTO two FROM case_record c WHERE c.case_id = two.case_id;
	PERFORM need_office(one.office_id, deed), need_office(two.office_id, deed);
	RETURN ARRAY[one, two];
END
$$;
COMMENT ON FUNCTION vac_store.two_cases(text, text, text) IS 'Two cases with these codes, in this order, locked, if the person at the keyboard supervises both; deed is what they wanted to do';

-- ---- merge -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.lock_two_cases(one case_record, two case_record) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM request r WHERE r.case_id IN (one.case_id, two.case_id) ORDER BY r.request_id FOR NO KEY UPDATE;
	PERFORM FROM coordinator k
		WHERE k.coordinator_id IN (SELECT a.coordinator_id FROM appointment a WHERE a.case_id IN (one.case_id, two.case_id) AND a.live)
		ORDER BY k.coordinator_id FOR NO KEY UPDATE;
	PERFORM FROM appointment a WHERE a.case_id IN (one.case_id, two.case_id) ORDER BY a.appointment_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vac_store.lock_two_cases(case_record, case_record) IS 'Locks requests, coordinators and appointments of two cases that are locked already, each by id';

CREATE OR REPLACE FUNCTION vac_store.doubled_requests(gone case_record, stays case_record, at timestamptz) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	WITH asked AS (
		-- What hurries more, what was set by hand, what somebody accepted, what was asked first.
		SELECT r.case_id, r.request_id, r.service, ROW(array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text),
				NOT coalesce(a.pinned, false), NOT coalesce(a.accepted, false), a.accepted IS NULL, r.due_at, r.request_id) AS rank,
				row_number() OVER (PARTITION BY r.case_id, r.service ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text),
					NOT coalesce(a.pinned, false), NOT coalesce(a.accepted, false), a.accepted IS NULL, r.due_at, r.request_id) AS nth
			FROM request r
				LEFT JOIN LATERAL (SELECT bool_or(b.pinned) AS pinned, bool_or(b.state = 'accepted') AS accepted, min(lower(b.span)) AS starts
					FROM appointment b WHERE b.request_id = r.request_id AND b.live) a ON true
			WHERE r.case_id IN (gone.case_id, stays.case_id) AND r.state IN ('open', 'planned') AND (a.starts IS NULL OR a.starts > at)
	)
	SELECT coalesce(array_agg(CASE WHEN g.rank < s.rank THEN s.request_id ELSE g.request_id END), '{}')
		FROM asked g JOIN asked s ON s.service = g.service AND s.nth = g.nth AND g.case_id = gone.case_id AND s.case_id = stays.case_id;
$$;
COMMENT ON FUNCTION vac_store.doubled_requests(case_record, case_record, timestamptz) IS
	'Of two cases of one person the open requests that both have (of one service): of each such two the one that is not needed';

CREATE OR REPLACE FUNCTION vac_store.merge_clocks(gone case_record, stays case_record, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	k clock;
BEGIN
	-- What was done for one of the two was done for the person.
	UPDATE clock c SET done_at = d.done_at, done_by = d.done_by FROM clock d
		WHERE c.case_id = stays.case_id AND c.running AND c.kind <> 'first_contact' AND d.case_id = gone.case_id AND d.kind = c.kind AND d.done_at IS NOT NULL
			AND EXISTS (SELECT FROM clock_kind t WHERE t.kind = c.kind AND t.starts = 'verb');
	FOR k IN SELECT c.* FROM clock c JOIN clock_kind d ON d.kind = c.kind
			WHERE c.case_id = gone.case_id AND c.running AND d.starts <> 'responsible' ORDER BY c.clock_id LOOP
		IF EXISTS (SELECT FROM clock c WHERE c.case_id = stays.case_id AND c.kind = k.kind AND c.running AND c.due_at <= k.due_at)
			OR EXISTS (SELECT FROM clock c WHERE c.case_id = stays.case_id AND c.kind = k.kind AND c.done_at IS NOT NULL) THEN
			UPDATE clock c SET stopped_at = at WHERE c.clock_id = k.clock_id;
		ELSE
			UPDATE clock c SET stopped_at = at WHERE c.case_id = stays.case_id AND c.kind = k.kind AND c.running;
			UPDATE clock c SET case_id = stays.case_id WHERE c.clock_id = k.clock_id;
		END IF;
	END LOOP;
END
$$;
COMMENT ON FUNCTION vac_store.merge_clocks(case_record, case_record, timestamptz) IS
	'Clocks of a case that go on with another, of the same person: of two of a kind the one that runs out first';

CREATE OR REPLACE FUNCTION vac_store.merge_links(gone bigint, stays bigint) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	INSERT INTO case_link (case_id, other_id, kind, added_at, added_by)
		SELECT least(o.id, stays), greatest(o.id, stays), l.kind, l.added_at, l.added_by
			FROM case_link l CROSS JOIN LATERAL (SELECT CASE l.case_id WHEN gone THEN l.other_id ELSE l.case_id END AS id) o
			WHERE gone IN (l.case_id, l.other_id) AND o.id <> stays
		-- Of two kinds the one that means most.
		ON CONFLICT ON CONSTRAINT case_link_pkey DO UPDATE SET kind = excluded.kind
			WHERE excluded.kind = 'family' OR case_link.kind = 'other';
	DELETE FROM case_link l WHERE gone IN (l.case_id, l.other_id);
$$;
COMMENT ON FUNCTION vac_store.merge_links(bigint, bigint) IS 'What was linked with one case is linked with the other';

-- All of it, also what was: who met the victim, and when first.
CREATE OR REPLACE FUNCTION vac_store.merge_rows(gone case_record, stays case_record, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM merge_clocks(gone, stays, at), merge_links(gone.case_id, stays.case_id);
	UPDATE request r SET case_id = stays.case_id WHERE r.case_id = gone.case_id;
	-- Of a case that had ended nobody was asked any more what became of its meetings.
	UPDATE appointment a SET case_id = stays.case_id, ask_at = CASE WHEN a.live THEN coalesce(a.ask_at, at) ELSE a.ask_at END
		WHERE a.case_id = gone.case_id;
	-- Checked again before it is sent: the other case may have a reference that mail must not name.
	UPDATE message m SET case_id = stays.case_id, checked = 0 WHERE m.case_id = gone.case_id AND m.state IN ('queued', 'suppressed');
	INSERT INTO case_conflict (case_id, coordinator_id)
		SELECT stays.case_id, f.coordinator_id FROM case_conflict f WHERE f.case_id = gone.case_id ON CONFLICT DO NOTHING;
	UPDATE case_record c SET first_contact_at = least(c.first_contact_at, gone.first_contact_at),
			transferred_at = coalesce(c.transferred_at, gone.transferred_at),
			responsible_id = coalesce(c.responsible_id, gone.responsible_id), requester = coalesce(c.requester, gone.requester),
			agency_reference = coalesce(c.agency_reference, gone.agency_reference)
		WHERE c.case_id = stays.case_id;
	-- Where both left an address each is told; an address that moved on is kept once, so that it can be changed.
	UPDATE case_record c SET state = 'closed', ended_at = coalesce(c.ended_at, at), merged_into = stays.case_id,
			requester = CASE WHEN c.case_id <> gone.case_id OR stays.requester IS NOT NULL THEN c.requester END
		WHERE c.case_id = gone.case_id OR c.merged_into = gone.case_id;
	PERFORM hurry_clock(stays.case_id, at);
END
$$;
COMMENT ON FUNCTION vac_store.merge_rows(case_record, case_record, timestamptz) IS
	'Gives all that one case has to the other, and closes it as merged into that; the codes that were merged into it before follow';

CREATE OR REPLACE FUNCTION vac_store.merge_clashes(stays case_record, moved bigint[], at timestamptz) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	WITH standing AS (
		SELECT a.*, ROW(lower(a.span) > at, array_position(ARRAY['immediate', 'urgent', 'routine'], a.urgency::text), NOT a.pinned,
				a.state <> 'accepted', a.appointment_id = ANY (moved), a.appointment_id) AS rank
			FROM appointment a WHERE a.case_id = stays.case_id AND a.live AND upper(a.span) > at
	)
	SELECT coalesce(array_agg(a.appointment_id), '{}') FROM standing a
		WHERE lower(a.span) > at
			AND (EXISTS (SELECT FROM case_conflict f WHERE f.case_id = stays.case_id AND f.coordinator_id = a.coordinator_id)
				-- Nobody is in two places; those asked for one call-out come together.
				OR EXISTS (SELECT FROM standing b WHERE b.request_id <> a.request_id AND b.span && a.span AND b.rank < a.rank));
$$;
COMMENT ON FUNCTION vac_store.merge_clashes(case_record, bigint[], timestamptz) IS
	'Appointments of a case that cannot stand since others came to it: at the same time as one that counts more, or of somebody who is kept away from it';

-- Whoever reads of a code that they never heard of must see which one they know it by.
CREATE OR REPLACE FUNCTION vac_store.tell_new_code(gone case_record, stays case_record, moved bigint[], at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM queue_appointments('update', moved, at);
	UPDATE message m
		SET body = replace(m.body, 'case ' || stays.case_code || E'.\n', format(E'case %s,\nwhich was case %s until now.\n', stays.case_code, gone.case_code)),
			checked = 0
		WHERE m.appointment_id = ANY (moved) AND m.kind = 'update' AND m.state = 'queued' AND NOT m.neutral;
END
$$;
COMMENT ON FUNCTION vac_store.tell_new_code(case_record, case_record, bigint[], timestamptz) IS 'Tells the coordinators of appointments that their case has another code now';

CREATE OR REPLACE FUNCTION vac_store.tell_old_code(gone case_record, stays case_record, ended bigint[]) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	UPDATE message m
		SET subject = replace(m.subject, 'case ' || stays.case_code, 'case ' || gone.case_code),
			body = replace(m.body, format('case %s is cancelled', stays.case_code),
				format(E'case %s,\nwhich is case %s now, is cancelled', gone.case_code, stays.case_code)),
			checked = 0
		WHERE m.appointment_id = ANY (ended) AND m.kind = 'cancel' AND m.state = 'queued' AND NOT m.neutral;
$$;
COMMENT ON FUNCTION vac_store.tell_old_code(case_record, case_record, bigint[]) IS
	'Has the coordinators of appointments that came from another case, and are cancelled, told of it by the code they know';

CREATE OR REPLACE FUNCTION vac_store.tell_requester_of_code(gone case_record, stays case_record, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	last bigint := coalesce((SELECT max(m.message_id) FROM message m), 0);
BEGIN
	PERFORM tell_requesters(ARRAY[r.first], 'merged', at, CASE WHEN r.first IS NULL THEN gone.case_id END)
		FROM (SELECT min(q.request_id) AS first FROM request q WHERE q.case_id = gone.case_id) r;
	UPDATE message m
		SET body = replace(m.body, format('There is news about case %s.', gone.case_code),
				format(E'Case %s is case %s now: it was opened twice.\nPlease put the new code into your own record.', gone.case_code, stays.case_code)),
			checked = 0
		WHERE m.case_id = gone.case_id AND m.kind = 'requester' AND m.message_id > last AND m.state = 'queued' AND NOT m.neutral;
END
$$;
COMMENT ON FUNCTION vac_store.tell_requester_of_code(case_record, case_record, timestamptz) IS 'Tells whoever opened a case, and left an address, that it has another code now';

CREATE OR REPLACE FUNCTION vac.merge_cases(case_code text, into_case text, reason text DEFAULT 'duplicate') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	pair case_record[];
	gone case_record;
	stays case_record;
	doubled bigint[];
	ended bigint[];
	moved bigint[];
	again bigint[];
BEGIN
	pair := two_cases(merge_cases.case_code, merge_cases.into_case, 'merge_cases');
	gone := pair[1];
	stays := pair[2];
	IF gone.merged_into = stays.case_id THEN
		RETURN format('Case %s is case %s already', gone.case_code, stays.case_code);
	ELSIF gone.merged_into IS NOT NULL THEN
		PERFORM need_open(gone);
	END IF;
	PERFORM need_open(stays), need_reason(merge_cases.reason), need_mergeable(gone, stays), lock_two_cases(gone, stays);
	-- Before anything moves: the calendars know it by the code that goes.
	doubled := doubled_requests(gone, stays, at);
	ended := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.request_id = ANY (doubled) AND a.live);
	moved := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.case_id = gone.case_id AND a.live AND a.appointment_id <> ALL (ended));
	PERFORM end_appointments(ended, 'cancelled', 'merged'), end_pages(ended);
	UPDATE request r SET state = 'withdrawn' WHERE r.request_id = ANY (doubled);
	PERFORM tell_requester_of_code(gone, stays, at) WHERE gone.state = 'open';
	PERFORM merge_rows(gone, stays, at);
	again := free_appointments(merge_clashes(stays, moved, at), 'merged');
	PERFORM tell_old_code(gone, stays, ARRAY(SELECT unnest(again) INTERSECT SELECT unnest(moved)));
	UPDATE appointment a SET sequence = a.sequence + 1 WHERE a.appointment_id = ANY (moved) AND a.live AND lower(a.span) > at;
	moved := ARRAY(SELECT a.appointment_id FROM appointment a WHERE a.appointment_id = ANY (moved) AND a.live AND lower(a.span) > at);
	PERFORM tell_new_code(gone, stays, moved, at) WHERE moved <> '{}';
	PERFORM record('appointment_kept', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
		more => jsonb_build_object('case', stays.case_code)) FROM appointment a WHERE a.appointment_id = ANY (moved) ORDER BY a.appointment_id;
	PERFORM pg_notify('vac_dispatch', ''), pg_notify('vac_deadline', '');
	-- What was said is kept once.
	PERFORM record('case_merged', of_office => gone.office_id, of_case => gone.case_id, why => reason_code(merge_cases.reason),
			said => reason_note(merge_cases.reason), more => jsonb_build_object('other_case', stays.case_id, 'doubled', doubled)),
		record('case_took_over', of_office => stays.office_id, of_case => stays.case_id, why => reason_code(merge_cases.reason),
			more => jsonb_build_object('other_case', gone.case_id, 'doubled', doubled));
	RETURN said(format('Case %s is case %s now', gone.case_code, stays.case_code)
		|| CASE WHEN doubled <> '{}' THEN '; ' || quantity(cardinality(doubled), 'meeting', 'meetings') || ' that both needed is kept once' ELSE '' END
		|| CASE WHEN moved <> '{}' THEN '; ' || quantity(cardinality(moved), 'appointment goes', 'appointments go') || ' with it, and the coordinator is told' ELSE '' END
		|| CASE WHEN ended <> '{}' THEN '; ' || quantity(cardinality(ended), 'appointment is', 'appointments are') || ' cancelled' ELSE '' END
		|| CASE WHEN again <> '{}' THEN '; ' || quantity(cardinality(again), 'appointment', 'appointments') || ' cannot stand beside others and is planned again' ELSE '' END);
END
$$;
COMMENT ON FUNCTION vac.merge_cases(text, text, text) IS
	'Two codes of one person: case_code becomes into_case, which gets its meetings, past and to come, clocks and conflicts of interest. A meeting that both '
	'needed (of one service) is held once; who need not go is told. vac.case_state() and vac.look_up() still know the old code, and say which case it is now. '
	'Both must be of one office. It cannot be undone';

CREATE OR REPLACE FUNCTION vac_store.need_mergeable(gone case_record, stays case_record) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF gone.office_id <> stays.office_id THEN
		PERFORM refuse(format('into_case: %s and %s are cases of different offices', gone.case_code, stays.case_code),
			format('SELECT vac.transfer_case(''%s'', ''%s'', ''duplicate'') first.', gone.case_code,
				(SELECT o.code FROM office o WHERE o.office_id = stays.office_id)));
	ELSIF gone.state = 'open' AND (gone.held_since IS NULL) <> (stays.held_since IS NULL) THEN
		PERFORM refuse(format('into_case: of %s and %s one is on hold and the other is not', gone.case_code, stays.case_code),
			'Contact with one person is dangerous or is not: vac.hold_case(…) the other, or vac.release_case(…) this one first.');
	END IF;
END
$$;
COMMENT ON FUNCTION vac_store.need_mergeable(case_record, case_record) IS 'Refuses two cases of different offices, or of which only one is on hold';

-- ---- link ------------------------------------------------------------------------------------
-- The planner keeps the meetings of one case with one coordinator; those of a family follow by preference.
CREATE OR REPLACE FUNCTION vac_store.coordinator_of_case(one case_record) RETURNS integer
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	SELECT coalesce((SELECT k.coordinator_id FROM coordinator k WHERE k.coordinator_id = one.responsible_id AND k.retired_at IS NULL),
		(SELECT a.coordinator_id FROM appointment a WHERE a.case_id = one.case_id AND a.live
			ORDER BY a.state <> 'accepted', lower(a.span), a.appointment_id LIMIT 1));
$$;
COMMENT ON FUNCTION vac_store.coordinator_of_case(case_record) IS 'Who sees to a case: the responsible coordinator, else who has its next appointment';

CREATE OR REPLACE FUNCTION vac_store.prefer_same(one case_record, two case_record, at timestamptz) RETURNS coordinator
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	theirs integer := coordinator_of_case(two);
	who coordinator;
BEGIN
	IF theirs IS NULL OR coordinator_of_case(one) IS NOT NULL
			OR EXISTS (SELECT FROM case_conflict f WHERE f.case_id = one.case_id AND f.coordinator_id = theirs) THEN
		RETURN NULL;
	END IF;
	UPDATE request r SET preferred_id = theirs, plan_at = least(r.plan_at, at)
		WHERE r.case_id = one.case_id AND r.state = 'open' AND r.preferred_id IS NULL;
	IF FOUND THEN
		SELECT * INTO who FROM coordinator k WHERE k.coordinator_id = theirs;
	END IF;
	RETURN who;
END
$$;
COMMENT ON FUNCTION vac_store.prefer_same(case_record, case_record, timestamptz) IS
	'Has the coordinator of one case preferred for what is to be planned for the other, where that one has nobody and asks for nobody; returns them';

CREATE OR REPLACE FUNCTION vac.link_cases(case_code text, other_case text, kind text DEFAULT 'family', reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	pair case_record[];
	who coordinator;
	before text;
BEGIN
	pair := two_cases(link_cases.case_code, link_cases.other_case, 'link_cases');
	PERFORM need_open(c) FROM unnest(pair) c WHERE c.merged_into IS NOT NULL;
	PERFORM refuse_if(one_of_problem(link_cases.kind, 'family', 'incident', 'other'), 'kind',
		'family: one coordinator should see to both; incident: both come from one; other.');
	SELECT l.kind INTO before FROM case_link l
		WHERE l.case_id = least((pair[1]).case_id, (pair[2]).case_id) AND l.other_id = greatest((pair[1]).case_id, (pair[2]).case_id);
	IF before = link_cases.kind THEN
		RETURN format('Cases %s and %s are linked already (%s)', (pair[1]).case_code, (pair[2]).case_code, before);
	END IF;
	INSERT INTO case_link (case_id, other_id, kind)
		VALUES (least((pair[1]).case_id, (pair[2]).case_id), greatest((pair[1]).case_id, (pair[2]).case_id), link_cases.kind)
		ON CONFLICT ON CONSTRAINT case_link_pkey DO UPDATE SET kind = excluded.kind, added_at = excluded.added_at, added_by = excluded.added_by;
	IF link_cases.kind = 'family' THEN
		PERFORM lock_two_cases(pair[1], pair[2]);
		who := prefer_same(pair[1], pair[2], at);
		IF who.coordinator_id IS NULL THEN
			who := prefer_same(pair[2], pair[1], at);
		END IF;
	END IF;
	PERFORM record('cases_linked', of_office => (pair[n]).office_id, of_case => (pair[n]).case_id,
			why => CASE WHEN link_cases.reason IS NOT NULL THEN reason_code(link_cases.reason) END,
			said => CASE WHEN n = 1 THEN reason_note(link_cases.reason) END,
			more => jsonb_build_object('other_case', (pair[3 - n]).case_id, 'kind', link_cases.kind))
		FROM generate_series(1, 2) n;
	RETURN format('Cases %s and %s are linked (%s)', (pair[1]).case_code, (pair[2]).case_code, link_cases.kind)
		|| CASE WHEN who.coordinator_id IS NOT NULL THEN format('; %s (%s) is preferred for both', who.name, who.code) ELSE '' END;
END
$$;
COMMENT ON FUNCTION vac.link_cases(text, text, text, text) IS
	'Notes that two cases belong together: kind family (siblings, a couple; who sees to one is preferred for the other, if that has nobody yet), incident (one raid), or '
	'other. TABLE vac.linked_cases shows all';

CREATE OR REPLACE FUNCTION vac.unlink_cases(case_code text, other_case text, reason text DEFAULT 'mistake') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	pair case_record[];
BEGIN
	pair := two_cases(unlink_cases.case_code, unlink_cases.other_case, 'unlink_cases');
	PERFORM need_reason(unlink_cases.reason);
	DELETE FROM case_link l
		WHERE l.case_id = least((pair[1]).case_id, (pair[2]).case_id) AND l.other_id = greatest((pair[1]).case_id, (pair[2]).case_id);
	IF NOT FOUND THEN
		PERFORM refuse(format('other_case: %s and %s are not linked', (pair[1]).case_code, (pair[2]).case_code),
			format('SELECT * FROM vac.linked_cases WHERE case_code = ''%s'' shows what is.', (pair[1]).case_code));
	END IF;
	PERFORM record('cases_unlinked', of_office => (pair[n]).office_id, of_case => (pair[n]).case_id, why => reason_code(unlink_cases.reason),
			said => CASE WHEN n = 1 THEN reason_note(unlink_cases.reason) END, more => jsonb_build_object('other_case', (pair[3 - n]).case_id))
		FROM generate_series(1, 2) n;
	RETURN format('Cases %s and %s are linked no more', (pair[1]).case_code, (pair[2]).case_code);
END
$$;
COMMENT ON FUNCTION vac.unlink_cases(text, text, text) IS 'Takes back vac.link_cases(); a preference that came of it stays, vac.change_request(…, preferred => ''none'') ends it';
