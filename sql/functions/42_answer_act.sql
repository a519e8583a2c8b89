-- What an answer does to an appointment, whether it came by mail, by telephone, or was taken up from the
-- list. Whoever calls these has locked case, requests, coordinators and appointments, and read the
-- appointment after that. vacd-appointment(7) has the whole table.

CREATE OR REPLACE FUNCTION vac_store.address_fits(k coordinator, address text) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT coalesce(lower(address) = lower(k.mail)
			OR EXISTS (SELECT FROM unnest(k.aliases) x WHERE lower(x) = lower(address)), false);
	$$;
COMMENT ON FUNCTION vac_store.address_fits(coordinator, text) IS 'Whether an address is the work mail of a coordinator or one of the aliases';

CREATE OR REPLACE FUNCTION vac_store.coordinator_of_address(address text) RETURNS coordinator
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		-- Written out: a call for everybody on the roster takes its time.
		SELECT k FROM coordinator k
			WHERE k.retired_at IS NULL AND (lower(k.mail) = lower(address)
				OR k.aliases <> '{}' AND EXISTS (SELECT FROM unnest(k.aliases) x WHERE lower(x) = lower(address)))
			ORDER BY lower(k.mail) <> lower(address), k.coordinator_id LIMIT 1;
	$$;
COMMENT ON FUNCTION vac_store.coordinator_of_address(text) IS 'Who of the roster writes from an address: by work mail, else by alias; NULL: nobody';

-- ---- locks -----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.lock_for_answer(a appointment, people integer[]) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM case_record c WHERE c.case_id = a.case_id FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			PERFORM FROM request r WHERE r.request_id = a.request_id FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			RETURN (SELECT count(*) FROM (SELECT FROM coordinator k WHERE k.coordinator_id = ANY (people) OR k.coordinator_id = a.coordinator_id
						FOR NO KEY UPDATE SKIP LOCKED) k)
					= (SELECT count(*) FROM coordinator k WHERE k.coordinator_id = ANY (people) OR k.coordinator_id = a.coordinator_id)
				AND (SELECT count(*) FROM (SELECT FROM appointment b WHERE b.request_id = a.request_id
						FOR NO KEY UPDATE SKIP LOCKED) b)
					= (SELECT count(*) FROM appointment b WHERE b.request_id = a.request_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_for_answer(appointment, integer[]) IS
	'Locks what an answer changes, in the order of every verb and without waiting; false: somebody else holds it';

-- ---- who is responsible, who need not come ---------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.become_responsible(a appointment) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE case_record c SET responsible_id = a.coordinator_id
				WHERE c.case_id = a.case_id AND c.responsible_id IS NULL;
			IF FOUND THEN
				PERFORM record('responsible_set', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
					why => 'accepted');
			END IF;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.become_responsible(appointment) IS
	'Makes the holder of an appointment responsible for its case, where nobody is yet; returns whether it did';

-- Of an immediate request two may have been asked at once.
CREATE OR REPLACE FUNCTION vac_store.relieve_others(a appointment) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			others bigint[] := ARRAY(SELECT b.appointment_id FROM appointment b
				WHERE b.request_id = a.request_id AND b.appointment_id <> a.appointment_id AND b.live);
		BEGIN
			PERFORM end_pages(others || a.appointment_id);
			RETURN end_appointments(others, 'replaced', 'another_accepted');
		END
	$$;
COMMENT ON FUNCTION vac_store.relieve_others(appointment) IS
	'Cancels the other live appointments of the same request, and all pages that still wait; returns how many it cancelled';

CREATE OR REPLACE FUNCTION vac_store.bar_from_request(of_request bigint, who integer, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			INSERT INTO request_bar AS b (request_id, coordinator_id, until)
				SELECT of_request, k.coordinator_id, local_day_start(local_day(now_at, z.zone) + 1, z.zone)
					FROM coordinator k CROSS JOIN LATERAL (SELECT coordinator_zone(k) AS zone) z
					WHERE k.coordinator_id = who
				-- An invitation that came back barred them too, and was no no of theirs.
				ON CONFLICT ON CONSTRAINT request_bar_pkey DO UPDATE SET times = b.times + 1,
					until = CASE WHEN b.until IS NOT NULL AND (SELECT count(*) FROM appointment a WHERE a.request_id = of_request AND a.coordinator_id = who
						AND (a.state IN ('declined', 'lapsed') OR a.outcome = 'coordinator_absent')) < 2 THEN excluded.until END;
		END
	$$;
COMMENT ON FUNCTION vac_store.bar_from_request(bigint, integer, timestamptz) IS
	'A coordinator is not asked again for a request on this local day of theirs; the second time not at all, until a supervisor readmits them';

CREATE OR REPLACE FUNCTION vac_store.plan_again(of_request bigint, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE request r SET state = 'open', plan_at = now_at, refusals = 0
				WHERE r.request_id = of_request AND r.state IN ('planned', 'met')
					AND NOT EXISTS (SELECT FROM appointment b WHERE b.request_id = of_request AND (b.live OR b.state = 'held'));
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.plan_again(bigint, timestamptz) IS
	'Has a request planned at once unless it has a live appointment, or a meeting that was held; returns whether it did';

-- ---- accepted, declined, perhaps -------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.take_acceptance(a appointment, by_login text, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE appointment b SET state = 'accepted', partstat = 'ACCEPTED', answered_at = now_at, answered_by = by_login
				WHERE b.appointment_id = a.appointment_id;
			IF a.state = 'accepted' THEN
				RETURN;
			END IF;
			PERFORM record('answer_accepted', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
				why => CASE WHEN by_login IS NOT NULL THEN 'told' END);
			PERFORM become_responsible(a), relieve_others(a);
			PERFORM tell_requesters(ARRAY[a.request_id], 'accepted', now_at);
		END
	$$;
COMMENT ON FUNCTION vac_store.take_acceptance(appointment, text, timestamptz) IS
	'A live appointment is accepted: its holder becomes responsible if nobody is, others that were asked for the same request need not come, the requester is told. by_login: who recorded it; NULL: it came by mail';

CREATE OR REPLACE FUNCTION vac_store.take_decline(a appointment, by_login text, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE appointment b SET partstat = 'DECLINED', answered_at = now_at, answered_by = by_login
				WHERE b.appointment_id = a.appointment_id;
			PERFORM record('answer_declined', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
				why => CASE WHEN by_login IS NOT NULL THEN 'told' END);
			PERFORM end_appointments(ARRAY[a.appointment_id], 'declined', 'declined'), end_pages(ARRAY[a.appointment_id]);
			PERFORM bar_from_request(a.request_id, a.coordinator_id, now_at);
			IF plan_again(a.request_id, now_at) THEN
				PERFORM tell_requesters(ARRAY[a.request_id], 'changed', now_at);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.take_decline(appointment, text, timestamptz) IS
	'A live appointment is declined: it ends, its request is planned again at once, and its holder is barred from it for today, the second time for good';

CREATE OR REPLACE FUNCTION vac_store.take_perhaps(a appointment, by_login text, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			-- Who takes back a yes is as good as not answered: the window decides.
			UPDATE appointment b SET state = 'invited', partstat = 'TENTATIVE', answered_at = now_at, answered_by = by_login
				WHERE b.appointment_id = a.appointment_id;
			PERFORM record('answer_tentative', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
				why => CASE WHEN by_login IS NOT NULL THEN 'told' END, more => jsonb_build_object('was', a.state));
		END
	$$;
COMMENT ON FUNCTION vac_store.take_perhaps(appointment, text, timestamptz) IS
	'A live appointment is answered tentatively: noted, and no answer yet; one that was accepted is only invited again';

-- ---- another coordinator, another time -------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.planned_for(a appointment, who integer, of_span tstzrange) RETURNS planned
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			one planned;
		BEGIN
			SELECT 1, r.request_id, who, of_span,
					tstzrange(lower(of_span) - t.travel, upper(of_span) + t.travel + buffer_minutes(r.urgency, r.mode) * interval '1 minute'),
					NOT EXISTS (SELECT FROM coordinator_language l WHERE l.coordinator_id = who AND language_fits(r.language, l.language)),
					false
				INTO one.n, one.request_id, one.coordinator_id, one.span, one.busy, one.by_interpreter, one.over_cap
				FROM request r
					JOIN coordinator k ON k.coordinator_id = who
					LEFT JOIN office_backup b ON b.office_id = r.office_id AND b.backup_office_id = k.office_id
					CROSS JOIN LATERAL (SELECT CASE WHEN r.mode = 'telephone' OR k.office_id = r.office_id THEN interval '0'
						ELSE coalesce(b.travel_minutes, 0) * interval '1 minute' END AS travel) t
				WHERE r.request_id = a.request_id;
			RETURN one;
		END
	$$;
COMMENT ON FUNCTION vac_store.planned_for(appointment, integer, tstzrange) IS
	'The request of an appointment as a decision for somebody at some time, with travel and buffer as the planner keeps them';

CREATE OR REPLACE FUNCTION vac_store.hand_over(a appointment, who coordinator, accepted boolean, by_login text, now_at timestamptz,
		OUT against text, OUT made bigint)
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			one planned;
		BEGIN
			BEGIN
				PERFORM end_appointments(ARRAY[a.appointment_id], 'replaced', 'handed_over'), end_pages(ARRAY[a.appointment_id]);
				UPDATE request r SET state = 'open' WHERE r.request_id = a.request_id;
				one := planned_for(a, who.coordinator_id, a.span);
				against := coalesce((SELECT c.rule FROM plan_rules(ARRAY[one], now_at, '{}', willing => true) c),
					CASE WHEN upper(a.span) <= now_at THEN 'notice' END);
				IF against IS NULL THEN
					SELECT m.appointment_id INTO made FROM appoint(ARRAY[one], ARRAY[one.n], now_at) m;
					against := CASE WHEN made IS NULL THEN 'busy' END;
				END IF;
				IF against IS NOT NULL THEN
					RAISE triggered_action_exception;
				END IF;
			EXCEPTION
				WHEN triggered_action_exception THEN
					NULL;
				WHEN exclusion_violation THEN
					against := 'busy';
			END;
			IF against IS NOT NULL THEN
				made := NULL;
				RETURN;
			END IF;
			UPDATE request r SET state = 'planned', refusals = 0, unserved_since = NULL, noticed_at = NULL
				WHERE r.request_id = a.request_id;
			INSERT INTO decision (request_id, appointment_id, at) VALUES (a.request_id, made, now_at);
			PERFORM record('handed_over', a.office_id, a.case_id, a.request_id, made, who.coordinator_id,
				more => jsonb_build_object('from_appointment', a.appointment_id, 'from_coordinator', a.coordinator_id, 'accepted', accepted));
			PERFORM queue_appointments('invitation', ARRAY[made], now_at);
			IF accepted THEN
				PERFORM take_acceptance(b, by_login, now_at) FROM appointment b WHERE b.appointment_id = made;
				UPDATE message m SET partstat = 'ACCEPTED' WHERE m.case_id = a.case_id AND m.appointment_id = made AND m.kind = 'invitation';
			ELSE
				PERFORM queue_pages(ARRAY[made], now_at) WHERE a.urgency = 'immediate';
				PERFORM tell_requesters(ARRAY[a.request_id], 'planned', now_at);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.hand_over(appointment, coordinator, boolean, text, timestamptz) IS
	'Gives the request of a live appointment to a colleague at the same time, if no hard rule but the notice speaks against it: a new appointment '
	'(accepted, or invited), and CANCEL for the old one. made: the new one; against: the rule, then nothing has changed';

CREATE OR REPLACE FUNCTION vac_store.move_to(a appointment, of_span tstzrange, now_at timestamptz) RETURNS text
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			one planned := planned_for(a, a.coordinator_id, of_span);
			against text := CASE WHEN a.pinned THEN 'pinned'
				WHEN lower(a.span) <= now_at THEN 'notice'
				WHEN lower(of_span) > greatest(lower(a.span), (SELECT r.due_at FROM request r WHERE r.request_id = a.request_id)) THEN 'late' END;
		BEGIN
			IF against IS NOT NULL THEN
				RETURN against;
			END IF;
			one.appointment_id := a.appointment_id;
			BEGIN
				-- It must not meet its own old place, nor count twice.
				UPDATE appointment b SET state = 'replaced' WHERE b.appointment_id = a.appointment_id;
				against := (SELECT c.rule FROM plan_rules(ARRAY[one], now_at, '{}') c);
				IF against IS NOT NULL THEN
					RAISE triggered_action_exception;
				END IF;
				-- A yes was to the old time.
				UPDATE appointment b
					SET state = 'invited', span = one.span, busy = one.busy, sequence = b.sequence + 1, partstat = 'COUNTER', answered_at = now_at,
						answered_by = NULL, by_interpreter = one.by_interpreter,
						counted_minutes = counted_minutes((date_part('epoch', upper(one.span) - lower(one.span)) / 60)::integer, one.span, one.busy)
					WHERE b.appointment_id = a.appointment_id;
			EXCEPTION
				WHEN triggered_action_exception THEN
					RETURN against;
				WHEN exclusion_violation THEN
					RETURN 'busy';
			END;
			PERFORM record('time_changed', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id, why => 'counter',
				more => jsonb_build_object('starts', lower(of_span), 'ends', upper(of_span), 'started', lower(a.span)));
			PERFORM queue_appointments('update', ARRAY[a.appointment_id], now_at);
			PERFORM tell_requesters(ARRAY[a.request_id], 'moved', now_at);
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.move_to(appointment, tstzrange, timestamptz) IS
	'Moves a live appointment to the time its holder proposed, with a REQUEST of the next SEQUENCE, if it is on time and no hard rule speaks against it; NULL, or the rule: pinned, late, notice, or one of plan_rules(), then nothing has changed';

-- ---- outcomes --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.note_contact(a appointment, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE case_record c SET first_contact_at = at
				WHERE c.case_id = a.case_id AND (c.first_contact_at IS NULL OR c.first_contact_at > at);
			IF FOUND THEN
				PERFORM record('first_contact', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id,
					more => jsonb_build_object('contact', at));
			END IF;
			RETURN FOUND;
		END
	$$;
COMMENT ON FUNCTION vac_store.note_contact(appointment, timestamptz) IS
	'Records first contact with the victim, unless an earlier one stands; returns whether it did';

CREATE OR REPLACE FUNCTION vac_store.take_outcome(a appointment, became text, now_at timestamptz, said text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			UPDATE appointment b
				SET state = CASE became WHEN 'held' THEN 'held' ELSE 'missed' END, outcome = became, outcome_at = now_at,
					ended_at = coalesce(b.ended_at, now_at)
				WHERE b.appointment_id = a.appointment_id;
			PERFORM record(CASE became WHEN 'held' THEN 'meeting_held' ELSE 'meeting_missed' END, a.office_id, a.case_id, a.request_id,
				a.appointment_id, a.coordinator_id, why => became, said => said);
			PERFORM end_pages(ARRAY[a.appointment_id]);
			-- That it is not wanted any more is taken back; another of its meetings may have been held meanwhile.
			UPDATE request r SET state = CASE WHEN EXISTS (SELECT FROM appointment b WHERE b.request_id = a.request_id AND b.state = 'held')
					THEN 'met' ELSE 'planned' END
				WHERE r.request_id = a.request_id AND r.state = 'withdrawn' AND a.outcome = 'not_wanted';
			IF became = 'held' THEN
				UPDATE request r SET state = 'met', unserved_since = NULL
					WHERE r.request_id = a.request_id AND r.state IN ('open', 'planned');
				PERFORM become_responsible(a), relieve_others(a), note_contact(a, lower(a.span));
				RETURN;
			END IF;
			-- What is taken back was no contact; one that was reported beside the meetings still is.
			IF a.state = 'held' THEN
				UPDATE case_record c
					SET first_contact_at = (SELECT min(x.at) FROM (
						SELECT lower(b.span) FROM appointment b WHERE b.case_id = a.case_id AND b.state = 'held'
						UNION ALL
						SELECT t.at FROM history h CROSS JOIN LATERAL (SELECT (h.detail ->> 'contact')::timestamptz AS at) t
							WHERE h.case_id = a.case_id AND h.event = 'first_contact'
								AND h.history_id > coalesce((SELECT max(w.history_id) FROM history w WHERE w.case_id = a.case_id AND w.event = 'contact_corrected'), 0)
								AND NOT EXISTS (SELECT FROM appointment b WHERE b.case_id = a.case_id AND lower(b.span) = t.at)) x (at))
					WHERE c.case_id = a.case_id AND c.first_contact_at = lower(a.span);
			END IF;
			IF became = 'not_wanted' THEN
				UPDATE request r SET state = 'withdrawn' WHERE r.request_id = a.request_id
					AND NOT EXISTS (SELECT FROM appointment b WHERE b.request_id = a.request_id AND b.state = 'held');
				PERFORM relieve_others(a);
				RETURN;
			END IF;
			IF became = 'coordinator_absent' THEN
				PERFORM bar_from_request(a.request_id, a.coordinator_id, now_at);
			END IF;
			IF plan_again(a.request_id, now_at) THEN
				PERFORM tell_requesters(ARRAY[a.request_id], 'changed', now_at);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.take_outcome(appointment, text, timestamptz, text) IS
	'Records what became of a meeting: held (the request is met, and it is first contact unless there was one before), not_wanted (the request is withdrawn), '
	'victim_absent, coordinator_absent or missed (planned again); another outcome than was recorded before replaces it';
