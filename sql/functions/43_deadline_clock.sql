-- Clocks of cases: first contact, telling HHS of a minor, telling the victim who is responsible. They run on while
-- a case is on hold. The responsible coordinator is warned first, the supervisors after, and of what has run out
-- the supervisors again and again until it is ticked off.

CREATE OR REPLACE FUNCTION vac_store.clock_times(of_kind text, of_urgency text, of_office integer, started timestamptz)
	RETURNS TABLE (due timestamptz, warns timestamptz[])
	LANGUAGE plpgsql STABLE ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			due := policy_after(of_kind, of_urgency, of_office, started);
			-- Not every urgency has both.
			warns := ARRAY(SELECT w.at
				FROM unnest(ARRAY[of_kind || '_warn', of_kind || '_warn_again']) n (name),
					LATERAL (SELECT CASE WHEN policy_text(n.name, of_urgency) IS NOT NULL
						THEN policy_after(n.name, of_urgency, of_office, started) END AS at) w
				WHERE w.at < due ORDER BY w.at);
			RETURN NEXT;
		END
	$$;
COMMENT ON FUNCTION vac_store.clock_times(text, text, integer, timestamptz) IS
	'When a clock that began at a moment runs out, and when it warns before, by the policies of its name';

CREATE OR REPLACE FUNCTION vac_store.next_warning(c clock, after timestamptz) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN c.due_at <= after
				THEN after + greatest(policy_number('clock_again'), 1) * interval '1 minute'
				ELSE coalesce((SELECT min(w) FROM clock_times(c.kind, c.urgency, c.office_id, c.started_at) t, unnest(t.warns) w
					WHERE w > after AND w < c.due_at), c.due_at) END;
	$$;
COMMENT ON FUNCTION vac_store.next_warning(clock, timestamptz) IS 'When a clock is next told of after a moment: a warning, its end, and from then on again and again';

-- Of many cases of one call the times are worked out once.
CREATE OR REPLACE FUNCTION vac_store.start_clocks(of_kind text, case_ids bigint[], urgencies text[], started timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
		INSERT INTO clock (case_id, kind, office_id, urgency, started_at, due_at, next_at)
			SELECT u.case_id, of_kind, c.office_id, u.urgency, started, t.due, coalesce(t.warns[1], t.due)
				FROM unnest(case_ids, urgencies) u (case_id, urgency)
					-- OFFSET 0: by its key and no other way, also of a few cases.
					CROSS JOIN LATERAL (SELECT * FROM case_record c WHERE c.case_id = u.case_id OFFSET 0) c
					JOIN (SELECT d.office_id, d.urgency, x.due, x.warns
							FROM (SELECT DISTINCT e.office_id, n.urgency FROM unnest(case_ids, urgencies) n (case_id, urgency)
									CROSS JOIN LATERAL (SELECT * FROM case_record e WHERE e.case_id = n.case_id OFFSET 0) e OFFSET 0) d
								CROSS JOIN LATERAL clock_times(of_kind, d.urgency, d.office_id, started) x) t
						ON t.office_id = c.office_id AND t.urgency IS NOT DISTINCT FROM u.urgency
				ORDER BY u.case_id
			ON CONFLICT (case_id, kind) WHERE running DO NOTHING;
	$$;
COMMENT ON FUNCTION vac_store.start_clocks(text, bigint[], text[], timestamptz) IS
	'Starts a clock of each of these cases, unless one of its kind is running; urgencies: NULLs where it is the same for all';

-- ---- first contact ---------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.first_contact_starts() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			fresh record;
		BEGIN
			-- One call opens all its cases at one moment.
			FOR fresh IN
				SELECT r.opened_at, array_agg(r.case_id ORDER BY r.case_id) AS ids, array_agg(r.urgency::text ORDER BY r.case_id) AS urgencies
					FROM (SELECT DISTINCT ON (o.case_id) o.case_id, o.opened_at, o.urgency FROM opened o
							WHERE o.state IN ('open', 'planned')
							ORDER BY o.case_id, array_position(ARRAY['immediate', 'urgent', 'routine'], o.urgency::text)) r
						-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
						CROSS JOIN LATERAL (SELECT * FROM case_record c WHERE c.case_id = r.case_id OFFSET 0) c
					WHERE c.first_contact_at IS NULL AND c.state = 'open'
					GROUP BY r.opened_at
			LOOP
				PERFORM start_clocks('first_contact', fresh.ids, fresh.urgencies, fresh.opened_at);
				PERFORM hurry_clock(k.case_id, fresh.opened_at)
					FROM unnest(fresh.ids, fresh.urgencies) u (case_id, urgency)
						CROSS JOIN LATERAL (SELECT * FROM clock c WHERE c.case_id = u.case_id AND c.kind = 'first_contact' AND c.running OFFSET 0) k
					WHERE k.urgency::text <> u.urgency;
			END LOOP;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.first_contact_starts() IS 'Trigger: with its first request the clock of a case''s first contact begins';
CREATE OR REPLACE TRIGGER first_contact_starts AFTER INSERT ON vac_store.request
	REFERENCING NEW TABLE AS opened
	FOR EACH STATEMENT EXECUTE FUNCTION vac_store.first_contact_starts();

CREATE OR REPLACE FUNCTION vac_store.hurry_clock(of_case bigint, at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			words text[] := ARRAY['immediate', 'urgent', 'routine'];
			c clock;
			said text := (SELECT r.urgency FROM request r WHERE r.case_id = of_case AND r.state IN ('open', 'planned')
				ORDER BY array_position(words, r.urgency::text) LIMIT 1);
		BEGIN
			SELECT * INTO c FROM clock k WHERE k.case_id = of_case AND k.kind = 'first_contact' AND k.running;
			IF c.clock_id IS NULL OR said IS NULL OR said = c.urgency THEN
				RETURN;
			END IF;
			-- What hurries more begins anew; what hurries less has had the time since.
			IF array_position(words, said) < array_position(words, c.urgency::text) THEN
				c.started_at := at;
			END IF;
			c.urgency := said;
			c.due_at := (SELECT t.due FROM clock_times(c.kind, said, c.office_id, c.started_at) t);
			UPDATE clock k SET urgency = c.urgency, started_at = c.started_at, due_at = c.due_at, warnings = 0, next_at = next_warning(c, c.started_at)
				WHERE k.clock_id = c.clock_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.hurry_clock(bigint, timestamptz) IS 'The clock of a case''s first contact, after the urgency of its requests may have changed';

CREATE OR REPLACE FUNCTION vac_store.urgency_changed() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM hurry_clock(NEW.case_id, wall());
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.urgency_changed() IS 'Trigger: a request hurries more, or less';
CREATE OR REPLACE TRIGGER urgency_changed AFTER UPDATE OF urgency ON vac_store.request
	FOR EACH ROW WHEN (OLD.urgency::text <> NEW.urgency::text) EXECUTE FUNCTION vac_store.urgency_changed();

-- ---- the case --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.case_clocks() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz := wall();
		BEGIN
			IF NEW.first_contact_at IS NOT NULL AND OLD.first_contact_at IS NULL THEN
				UPDATE clock k SET done_at = NEW.first_contact_at, done_by = session_user
					WHERE k.case_id = NEW.case_id AND k.kind = 'first_contact' AND k.running;
			ELSIF NEW.first_contact_at IS NULL AND OLD.first_contact_at IS NOT NULL AND NEW.state = 'open' THEN
				-- It was none after all: the last of them runs on.
				UPDATE clock k SET done_at = NULL, done_by = NULL,
						next_at = CASE WHEN k.due_at <= now_at THEN now_at ELSE next_warning(k, now_at) END
					WHERE k.clock_id = (SELECT max(o.clock_id) FROM clock o WHERE o.case_id = NEW.case_id AND o.kind = 'first_contact')
						AND k.done_at IS NOT NULL;
				PERFORM pg_notify('vac_deadline', '');
			END IF;
			IF NEW.responsible_id IS DISTINCT FROM OLD.responsible_id THEN
				UPDATE clock k SET stopped_at = now_at
					FROM clock_kind d
					WHERE k.case_id = NEW.case_id AND k.running AND d.kind = k.kind AND d.starts = 'responsible';
				IF NEW.responsible_id IS NOT NULL AND NEW.state = 'open' THEN
					PERFORM start_clocks(d.kind, ARRAY[NEW.case_id], ARRAY[NULL::text], now_at) FROM clock_kind d WHERE d.starts = 'responsible';
				END IF;
			END IF;
			IF NEW.state <> 'open' AND OLD.state = 'open' THEN
				UPDATE clock k SET stopped_at = now_at
					FROM clock_kind d WHERE k.case_id = NEW.case_id AND k.running AND d.kind = k.kind AND d.with_case;
			END IF;
			RETURN NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.case_clocks() IS
	'Trigger: a first contact, another responsible coordinator or the end of a case, and what its clocks make of it';
CREATE OR REPLACE TRIGGER case_clocks AFTER UPDATE OF first_contact_at, responsible_id, state ON vac_store.case_record
	FOR EACH ROW EXECUTE FUNCTION vac_store.case_clocks();

-- ---- warnings --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.warn_responsible(clock_ids bigint[], now_at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		INSERT INTO message (kind, office_id, case_id, recipient, recipient_name, made_at, subject, body, bounce_handle, key_id, sender,
				not_before, urgent)
		SELECT 'notice', k.office_id, k.case_id, r.mail, r.name, date_trunc('second', now_at),
				format('Case %s: %s', c.case_code, d.label),
				format(E'%s,\n\nyou are responsible for case %s.\n\n%s: due %s\n\nWhen it is done, have your supervisor note it.\nOffice: %s\nCall: %s, day and night\n',
					r.name, c.case_code, upper(left(d.label, 1)) || substr(d.label, 2), local_text(k.due_at, o.time_zone), o.code, o.telephone),
				handle(), i.key_id, i.sender, now_at, k.urgency IS NOT DISTINCT FROM 'immediate'
			FROM clock k
				JOIN clock_kind d ON d.kind = k.kind
				JOIN case_record c ON c.case_id = k.case_id
				JOIN coordinator r ON r.coordinator_id = c.responsible_id
				JOIN office o ON o.office_id = k.office_id
				LEFT JOIN mail_identity i ON i.one
			WHERE k.clock_id = ANY (clock_ids) AND c.held_since IS NULL AND r.retired_at IS NULL
			ORDER BY k.clock_id;
	$$;
COMMENT ON FUNCTION vac_store.warn_responsible(bigint[], timestamptz) IS 'Warns the coordinators who are responsible for the cases of these clocks; nothing is sent of a case on hold';

CREATE OR REPLACE FUNCTION vac_store.tell_of_clocks(of_office integer, clock_ids bigint[], now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			said record;
		BEGIN
			SELECT bool_or(k.due_at <= now_at) AS late, string_agg(format('%s, %s: %s %s%s%s', c.case_code, d.label,
					CASE WHEN k.due_at <= now_at THEN 'RAN OUT' ELSE 'due' END, local_text(k.due_at, o.time_zone),
					coalesce('; responsible: ' || r.name || CASE WHEN r.retired_at IS NOT NULL THEN ', who has left' ELSE ', ' || r.telephone END,
						'; nobody is responsible yet'),
					CASE WHEN c.held_since IS NOT NULL THEN '; on hold' ELSE '' END), E'\n' ORDER BY k.due_at, k.clock_id) AS lines
				INTO said
				FROM clock k
					JOIN clock_kind d ON d.kind = k.kind
					JOIN case_record c ON c.case_id = k.case_id
					JOIN office o ON o.office_id = k.office_id
					LEFT JOIN coordinator r ON r.coordinator_id = c.responsible_id
				WHERE k.clock_id = ANY (clock_ids);
			IF said.lines IS NOT NULL THEN
				PERFORM tell_supervisors(of_office, CASE WHEN said.late THEN 'a clock has run out' ELSE 'a clock runs out soon' END,
					E'These clocks of cases run out, or have run out:\n\n' || said.lines
						|| E'\n\nvac.clocks lists all; vac.tick_clock() notes what was done.\n', said.late, said.late, now_at);
			END IF;
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_of_clocks(integer, bigint[], timestamptz) IS 'One bundled notice to the supervisors of an office about clocks';

CREATE OR REPLACE FUNCTION vac_store.pass_clocks(of_office integer, now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			ids bigint[] := ARRAY(SELECT k.clock_id FROM clock k WHERE k.office_id = of_office AND k.running AND k.next_at <= now_at
				ORDER BY k.clock_id LIMIT 200 FOR NO KEY UPDATE SKIP LOCKED);
			warned bigint[];
			told bigint[];
		BEGIN
			-- A new statement: what was committed before the rows were locked.
			ids := ARRAY(SELECT k.clock_id FROM clock k WHERE k.clock_id = ANY (ids) AND k.running AND k.next_at <= now_at);
			IF ids = '{}' THEN
				RETURN false;
			END IF;
			warned := ARRAY(SELECT k.clock_id FROM clock k JOIN case_record c ON c.case_id = k.case_id
				WHERE k.clock_id = ANY (ids) AND k.due_at > now_at AND c.held_since IS NULL
					AND EXISTS (SELECT FROM coordinator r WHERE r.coordinator_id = c.responsible_id AND r.retired_at IS NULL));
			-- The second warning, the end, and whatever nobody else could be told.
			told := ARRAY(SELECT k.clock_id FROM clock k
				WHERE k.clock_id = ANY (ids) AND (k.due_at <= now_at OR k.warnings > 0 OR k.clock_id <> ALL (warned)));
			PERFORM warn_responsible(warned, now_at), tell_of_clocks(of_office, told, now_at);
			INSERT INTO history (event, office_id, case_id, reason, detail)
				SELECT CASE WHEN k.due_at <= now_at THEN 'clock_ran_out' ELSE 'clock_warned' END, k.office_id, k.case_id, k.kind,
						jsonb_build_object('due', k.due_at)
					FROM clock k WHERE k.clock_id = ANY (ids) AND (k.due_at > now_at OR k.next_at = k.due_at) ORDER BY k.clock_id;
			UPDATE clock k SET warnings = k.warnings + (k.due_at > now_at)::integer, next_at = next_warning(k, now_at)
				WHERE k.clock_id = ANY (ids);
			RETURN true;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_clocks(integer, timestamptz) IS
	'Warnings that are due of clocks of an office, and those that ran out; false: there are none, or somebody holds them';

-- Cases that an older vacd opened have a clock too.
DO $start$
DECLARE
	one record;
BEGIN
	FOR one IN
		SELECT c.case_id, u.urgency, c.opened_at
			FROM vac_store.case_record c
				CROSS JOIN LATERAL (SELECT r.urgency::text FROM vac_store.request r
					WHERE r.case_id = c.case_id AND r.state IN ('open', 'planned')
					ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], r.urgency::text) LIMIT 1) u
			WHERE c.state = 'open' AND c.first_contact_at IS NULL
				AND NOT EXISTS (SELECT FROM vac_store.clock k WHERE k.case_id = c.case_id AND k.kind = 'first_contact')
	LOOP
		PERFORM vac_store.start_clocks('first_contact', ARRAY[one.case_id], ARRAY[one.urgency], one.opened_at);
	END LOOP;
END
$start$;
