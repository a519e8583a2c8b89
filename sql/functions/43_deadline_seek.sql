-- Nobody answered. The request is planned again while its appointment stands: a replacement is sought, and only
-- when it is stored does the old one lapse. Of a call-out the next in line is asked beside the first.

-- ---- seeking ---------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.passed_over(request_ids bigint[]) RETURNS TABLE (request_id bigint, coordinator_id integer)
	LANGUAGE plpgsql STABLE ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT a.request_id, a.coordinator_id FROM request r JOIN appointment a ON a.request_id = r.request_id AND a.live
				WHERE r.request_id = ANY (request_ids) AND r.seek_since IS NOT NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.passed_over(bigint[]) IS 'Who has not answered, of those of these requests that somebody else is sought for';

CREATE OR REPLACE FUNCTION vac_store.leaving_appointments(request_ids bigint[]) RETURNS TABLE (appointment_id bigint)
	LANGUAGE plpgsql STABLE ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT a.appointment_id FROM request r JOIN appointment a ON a.request_id = r.request_id AND a.live
				WHERE r.request_id = ANY (request_ids) AND r.seek_since IS NOT NULL AND r.urgency <> 'immediate' AND NOT a.pinned;
		END
	$$;
COMMENT ON FUNCTION vac_store.leaving_appointments(bigint[]) IS 'Appointments that a plan of these requests replaces: none that is pinned';

-- Who changes it no longer seeks: whatever makes a request open, or ends it.
CREATE OR REPLACE FUNCTION vac_store.request_seeks() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			NEW.seek_since := NULL;
			IF NEW.state NOT IN ('open', 'planned') THEN
				NEW.tell_at := NULL;
			END IF;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.request_seeks() IS 'Trigger: only for a planned request somebody else can be sought';
CREATE OR REPLACE TRIGGER request_seeks BEFORE UPDATE OF state ON vac_store.request
	FOR EACH ROW WHEN (NEW.state <> 'planned') EXECUTE FUNCTION vac_store.request_seeks();

CREATE OR REPLACE FUNCTION vac_store.seek(of_request bigint, now_at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		UPDATE request r SET seek_since = now_at, plan_at = now_at, refusals = 0
			WHERE r.request_id = of_request AND r.state = 'planned' AND r.seek_since IS NULL;
	$$;
COMMENT ON FUNCTION vac_store.seek(bigint, timestamptz) IS 'Has somebody else sought for a request while its appointment stands';

CREATE OR REPLACE FUNCTION vac_store.is_on_its_way(a appointment, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		BEGIN
			-- What is suppressed tells nobody; but a pager has no window of its own.
			RETURN EXISTS (SELECT FROM message m WHERE m.uid = a.uid AND m.sequence = a.sequence AND m.method = 'REQUEST'
					AND (m.state = 'sent' OR (m.waiting AND a.send_by > now_at)))
				OR (a.send_by > now_at AND EXISTS (SELECT FROM message m WHERE m.appointment_id = a.appointment_id AND m.kind = 'page'
					AND (m.waiting OR m.state = 'sent')));
		END
	$$;
COMMENT ON FUNCTION vac_store.is_on_its_way(appointment, timestamptz) IS
	'Whether an invitation whose window has not opened will be heard of: it was sent, or it or its page can still be by send_by';

CREATE OR REPLACE FUNCTION vac_store.is_being_asked(of_request bigint, but bigint, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN EXISTS (SELECT FROM appointment a WHERE a.request_id = of_request AND a.live AND a.appointment_id IS DISTINCT FROM but
				AND (a.state = 'accepted' OR a.answer_by > now_at OR (a.answer_by IS NULL AND is_on_its_way(a, now_at))));
		END
	$$;
COMMENT ON FUNCTION vac_store.is_being_asked(bigint, bigint, timestamptz) IS
	'Whether somebody has accepted a request, or hears of it and has time left to; but: an appointment that is passed over, or NULL';

CREATE OR REPLACE FUNCTION vac_store.window_ends(a appointment, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE appointment p SET window_at = NULL, remind_at = NULL, outages_seen = a.outages_seen WHERE p.appointment_id = a.appointment_id;
			PERFORM record('answer_overdue', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
				more => jsonb_build_object('answer_by', a.answer_by));
			IF a.urgency = 'immediate' THEN
				IF NOT is_being_asked(a.request_id, a.appointment_id, now_at) THEN
					PERFORM seek(a.request_id, now_at);
				END IF;
			ELSIF a.pinned OR lower(a.span) <= now_at THEN
				-- What a supervisor set by hand, or has begun, is theirs.
				PERFORM tell_soon(a.request_id, now_at);
			ELSE
				PERFORM seek(a.request_id, now_at);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.window_ends(appointment, timestamptz) IS
	'Nobody answered in time: somebody else is sought, or where that cannot be the supervisors are told';

-- Those that no window will be over for. Of a call-out only: all else waits for the mail server.
CREATE OR REPLACE FUNCTION vac_store.unheard_calls(now_at timestamptz) RETURNS TABLE (appointment_id bigint, due timestamptz)
	LANGUAGE plpgsql STABLE ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT a.appointment_id, d.due
				FROM appointment a
					-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
					CROSS JOIN LATERAL (SELECT * FROM request r WHERE r.request_id = a.request_id OFFSET 0) r
					CROSS JOIN LATERAL (SELECT * FROM case_record c WHERE c.case_id = a.case_id OFFSET 0) c
					CROSS JOIN LATERAL (SELECT CASE WHEN NOT is_being_asked(a.request_id, NULL, now_at) THEN now_at
						WHEN a.send_by > now_at AND is_on_its_way(a, now_at) THEN a.send_by END AS due) d
				WHERE a.state = 'invited' AND a.answer_by IS NULL AND a.urgency = 'immediate' AND upper(a.span) > now_at
					AND r.state = 'planned' AND r.seek_since IS NULL AND c.state = 'open' AND c.held_since IS NULL AND d.due IS NOT NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.unheard_calls(timestamptz) IS
	'Call-outs whose invitation is not out, and when the next in line is called beside them: by send_by, at once if it cannot be mailed';

CREATE OR REPLACE FUNCTION vac_store.pass_unheard(id bigint, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF NOT lock_appointment(id) OR NOT EXISTS (SELECT FROM unheard_calls(now_at) u WHERE u.appointment_id = id AND u.due <= now_at) THEN
				RETURN false;
			END IF;
			PERFORM record('call_out_unheard', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id),
					seek(a.request_id, now_at)
				FROM appointment a WHERE a.appointment_id = id;
			RETURN true;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_unheard(bigint, timestamptz) IS
	'The invitation of a call-out does not go out: the next in line is called beside it; false: it has, or somebody holds the rows';

-- ---- a replacement is there ------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.lapse_unanswered(of_request bigint, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			ended bigint[] := ARRAY(SELECT l.appointment_id FROM leaving_appointments(ARRAY[of_request]) l);
		BEGIN
			IF ended <> '{}' THEN
				PERFORM end_appointments(ended, 'lapsed', 'no_answer');
				PERFORM bar_from_request(a.request_id, a.coordinator_id, now_at) FROM appointment a WHERE a.appointment_id = ANY (ended);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.lapse_unanswered(bigint, timestamptz) IS
	'Ends what a plan replaces because nobody answered, with its CANCEL: called right before the replacement is stored, in the same transaction';

-- The meeting begins: it is too late to replace it, and whoever is to be there may be.
CREATE OR REPLACE FUNCTION vac_store.pass_seeking(of_request bigint, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM request r WHERE r.request_id = of_request FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			UPDATE request r SET seek_since = NULL, unserved_since = NULL, noticed_at = NULL
				WHERE r.request_id = of_request AND r.seek_since IS NOT NULL;
			IF FOUND THEN
				PERFORM tell_soon(of_request, now_at);
			END IF;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_seeking(bigint, timestamptz) IS
	'Ends the search for a replacement of a meeting that begins, and has the supervisors told that nobody accepted it';

-- ---- what an appointment's end or answer means for that --------------------------------------
CREATE OR REPLACE FUNCTION vac_store.tries_of(of_request bigint) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		BEGIN
			RETURN (SELECT count(*) FROM appointment a WHERE a.request_id = of_request AND a.state IN ('lapsed', 'declined'));
		END
	$$;
COMMENT ON FUNCTION vac_store.tries_of(bigint) IS 'How many invitations of a request were declined or lapsed';

CREATE OR REPLACE FUNCTION vac_store.appointment_turned() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			IF NEW.state = 'accepted' THEN
				-- Somebody comes, however late they said so.
				UPDATE request r SET seek_since = NULL, tell_at = NULL, told_at = NULL, unserved_since = NULL, noticed_at = NULL
					WHERE r.request_id = NEW.request_id AND r.state = 'planned'
						AND (r.seek_since IS NOT NULL OR r.tell_at IS NOT NULL OR r.told_at IS NOT NULL OR r.unserved_since IS NOT NULL);
			ELSIF NOT NEW.live AND NEW.urgency = 'immediate' THEN
				-- The last of several who had time left.
				IF OLD.live AND NOT is_being_asked(NEW.request_id, NEW.appointment_id, now_at)
					AND EXISTS (SELECT FROM appointment a WHERE a.request_id = NEW.request_id AND a.live) THEN
					PERFORM seek(NEW.request_id, now_at);
				END IF;
			ELSIF NEW.state IN ('declined', 'lapsed') THEN
				-- Of a no to what they set by hand at once.
				IF NEW.pinned OR tries_of(NEW.request_id) >= policy_number('tries_before_notice', NEW.urgency) THEN
					PERFORM tell_soon(NEW.request_id, now_at);
				END IF;
			ELSIF NEW.state = 'invited' AND NEW.sequence <> OLD.sequence THEN
				-- Another state, and time to answer it.
				UPDATE request r SET seek_since = NULL WHERE r.request_id = NEW.request_id AND r.seek_since IS NOT NULL
					AND NEW.urgency <> 'immediate';
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.appointment_turned() IS
	'Trigger: an acceptance ends the search for somebody else; refusals and lapses are counted, and from some number on the supervisors are told';
CREATE OR REPLACE TRIGGER appointment_turned AFTER UPDATE OF state, sequence ON vac_store.appointment
	FOR EACH ROW WHEN (OLD.state <> NEW.state OR OLD.sequence <> NEW.sequence) EXECUTE FUNCTION vac_store.appointment_turned();

CREATE OR REPLACE FUNCTION vac_store.called_out() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- Of call-outs they are told at once, by the plan itself; then again and again.
			UPDATE request r SET told_at = wall(), notices = 100, tell_at = wall() + policy_number('notice_again', 'immediate') * interval '1 minute'
				WHERE r.request_id = NEW.request_id;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.called_out() IS 'Trigger: when the supervisors are told again of call-outs that nobody accepts';
CREATE OR REPLACE TRIGGER called_out AFTER INSERT ON vac_store.appointment
	FOR EACH ROW WHEN (NEW.urgency = 'immediate') EXECUTE FUNCTION vac_store.called_out();

-- ---- the supervisors are told ----------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.tell_soon(of_request bigint, now_at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		UPDATE request r
			SET tell_at = greatest(now_at, r.told_at + policy_number('notice_again', r.urgency) * interval '1 minute')
			WHERE r.request_id = of_request AND r.tell_at IS NULL AND r.state IN ('open', 'planned');
	$$;
COMMENT ON FUNCTION vac_store.tell_soon(bigint, timestamptz) IS
	'Has the supervisors told that nobody accepts a request: now, or when policy notice_again allows';

-- One notice for all, with what nobody is found for and what nobody accepts. The first goes to the first
-- rank, each after it to one rank more.
CREATE OR REPLACE FUNCTION vac_store.tell_of_trouble(of_office integer, unserved bigint[], unanswered bigint[], now_at timestamptz)
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			said record;
		BEGIN
			SELECT bool_or(r.urgency = 'immediate') AS hurry,
					max(CASE WHEN CASE WHEN r.request_id = ANY (unserved) THEN r.noticed_at ELSE r.told_at END IS NOT NULL THEN r.notices + 1 ELSE 1 END) AS ranks,
					string_agg(t.line || coalesce(' - ' || a.who || ' was asked and has not answered', ''), E'\n' ORDER BY t.rank, r.due_at, r.request_id)
						FILTER (WHERE r.request_id = ANY (unserved)) AS nobody,
					string_agg(format('%s: %s', t.line, CASE WHEN a.who IS NOT NULL THEN a.who || ' is asked now'
							ELSE quantity(tries_of(r.request_id), 'invitation', 'invitations') || ' in vain, planned again' END), E'\n'
						ORDER BY t.rank, r.due_at, r.request_id) FILTER (WHERE r.request_id = ANY (unanswered)) AS nobody_answers
				INTO said
				FROM request r
					JOIN case_record c ON c.case_id = r.case_id
					JOIN office o ON o.office_id = r.office_id
					LEFT JOIN LATERAL (SELECT string_agg(format('%s, %s, for %s', k.name, k.telephone, local_text(lower(p.span), o.time_zone)), '; '
								ORDER BY p.appointment_id) AS who
							FROM appointment p JOIN coordinator k ON k.coordinator_id = p.coordinator_id
							WHERE p.request_id = r.request_id AND p.live) a ON true
					CROSS JOIN LATERAL (SELECT array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text) AS rank,
						format('%s, %s, %s, due %s', c.case_code, r.urgency, r.language, local_text(r.due_at, o.time_zone)) AS line) t
				WHERE r.request_id = ANY (unserved || unanswered);
			IF said.nobody IS NULL AND said.nobody_answers IS NULL THEN
				RETURN;
			END IF;
			PERFORM tell_supervisors(of_office, CASE WHEN said.nobody IS NOT NULL THEN 'nobody found' ELSE 'nobody has accepted' END,
				concat_ws(E'\n', E'For these cases the planner finds nobody; it goes on trying:\n\n' || said.nobody
						|| E'\n\nThe reasons are in view vac.unassigned.\n',
					E'For these cases nobody has accepted yet:\n\n' || said.nobody_answers
						|| E'\n\nWhoever is asked may be called; vac.open_cases shows how each stands.\n'),
				said.hurry, false, now_at, said.ranks);
			UPDATE request r SET noticed_at = now_at, notices = CASE WHEN r.noticed_at IS NULL THEN 1 ELSE least(r.notices + 1, 100) END
				WHERE r.request_id = ANY (unserved);
			UPDATE request r SET told_at = now_at, notices = CASE WHEN r.told_at IS NULL THEN 1 ELSE least(r.notices + 1, 100) END
				WHERE r.request_id = ANY (unanswered);
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_of_trouble(integer, bigint[], bigint[], timestamptz) IS
	'One bundled notice to the supervisors of an office about requests that nobody is found for, and those that nobody accepts';

CREATE OR REPLACE FUNCTION vac_store.pass_telling(of_office integer, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			ids bigint[] := ARRAY(SELECT r.request_id FROM request r WHERE r.office_id = of_office AND r.tell_at <= now_at
				ORDER BY r.request_id FOR NO KEY UPDATE SKIP LOCKED);
			matter bigint[];
		BEGIN
			matter := ARRAY(SELECT r.request_id FROM request r JOIN case_record c ON c.case_id = r.case_id
				WHERE r.request_id = ANY (ids) AND r.tell_at <= now_at AND r.state IN ('open', 'planned')
					AND c.state = 'open' AND c.held_since IS NULL
					AND NOT EXISTS (SELECT FROM appointment a WHERE a.request_id = r.request_id AND a.state = 'accepted')
					-- What is over is asked after, and then told of, by itself.
					AND (r.state = 'open' OR EXISTS (SELECT FROM appointment a
						WHERE a.request_id = r.request_id AND a.live AND upper(a.span) > now_at)));
			PERFORM tell_of_trouble(of_office, '{}', matter, now_at);
			UPDATE request r
				SET tell_at = CASE WHEN r.request_id = ANY (matter)
					THEN now_at + greatest(policy_number('notice_again', r.urgency), 1) * interval '1 minute' END
				WHERE r.request_id = ANY (ids) AND r.tell_at <= now_at;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_telling(integer, timestamptz) IS
	'Tells the supervisors of an office of all requests that nobody accepts and that are due to be told of; false: somebody holds them';
