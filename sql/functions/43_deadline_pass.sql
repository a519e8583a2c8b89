-- Stage deadline: time passes. What is due is done a bounded batch at a call, each item for itself, so that what
-- somebody's open transaction holds, or what fails, stops nothing else.

-- The first of each kind, as many of each as may be done at once; what is not due yet says when it will be.
CREATE OR REPLACE FUNCTION vac_store.deadlines(most integer, now_at timestamptz, lapses_from timestamptz, with_opens boolean DEFAULT true)
	RETURNS TABLE (what text, id bigint, due timestamptz)
	LANGUAGE plpgsql STABLE ROWS 20
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			last_outage bigint := coalesce((SELECT max(o.outage_id) FROM outage o), 0);
			removal timestamptz := removes_from(now_at);
		BEGIN
			RETURN QUERY
			(SELECT 'opens', a.appointment_id, least(m.sent_at, now_at)
				FROM appointment a
					CROSS JOIN LATERAL (SELECT min(s.sent_at) AS sent_at FROM message s
						WHERE s.uid = a.uid AND s.sequence = a.sequence AND s.method = 'REQUEST' AND s.state = 'sent') m
				WHERE with_opens AND a.state = 'invited' AND a.answer_by IS NULL AND m.sent_at IS NOT NULL
				ORDER BY a.appointment_id LIMIT 5 * most)
			UNION ALL
			-- It is still on its way, most likely.
			(SELECT 'unsent', a.appointment_id, greatest(least(a.send_by, now_at + interval '2 seconds'), now_at + interval '1 second')
				FROM appointment a
				WHERE a.state = 'invited' AND a.answer_by IS NULL AND a.send_by > now_at
				ORDER BY a.send_by LIMIT 1)
			UNION ALL
			(SELECT 'unheard', u.appointment_id, u.due FROM unheard_calls(now_at) u WHERE isfinite(lapses_from) ORDER BY u.due LIMIT most)
			UNION ALL
			(SELECT 'window', a.appointment_id, now_at
				FROM appointment a WHERE a.window_at IS NOT NULL AND a.outages_seen < last_outage
				ORDER BY a.outages_seen, a.window_at LIMIT most)
			UNION ALL
			(SELECT 'window', w.appointment_id, w.window_at
				FROM (SELECT a.appointment_id, a.window_at
					FROM appointment a WHERE a.window_at IS NOT NULL AND (a.remind_at IS NOT NULL OR lapses_from <= now_at
						OR (a.urgency = 'immediate' AND isfinite(lapses_from)))
					ORDER BY a.window_at LIMIT most) w)
			UNION ALL
			(SELECT 'window', a.appointment_id, greatest(a.window_at, lapses_from)
				FROM appointment a WHERE a.window_at IS NOT NULL AND lapses_from > now_at AND isfinite(lapses_from)
				ORDER BY a.window_at LIMIT 1)
			UNION ALL
			(SELECT 'seeking', r.request_id, s.starts
				FROM request r
					CROSS JOIN LATERAL (SELECT min(lower(a.span)) AS starts FROM appointment a WHERE a.request_id = r.request_id AND a.live) s
				WHERE r.seek_since IS NOT NULL AND r.urgency <> 'immediate' AND s.starts IS NOT NULL
				ORDER BY s.starts LIMIT most)
			UNION ALL
			-- Of an office all that is due is done at once.
			(SELECT 'telling', f.office_id, min(f.tell_at)
				FROM (SELECT r.office_id, r.tell_at FROM request r WHERE r.tell_at IS NOT NULL ORDER BY r.tell_at LIMIT 5 * most) f
				GROUP BY f.office_id)
			UNION ALL
			(SELECT 'clocks', f.office_id, min(f.next_at)
				FROM (SELECT k.office_id, k.next_at FROM clock k WHERE k.running AND k.next_at IS NOT NULL ORDER BY k.next_at LIMIT 5 * most) f
				GROUP BY f.office_id)
			UNION ALL
			(SELECT 'asking', a.appointment_id, a.ask_at FROM appointment a WHERE a.live AND a.ask_at IS NOT NULL
				ORDER BY a.ask_at LIMIT most)
			UNION ALL
			(SELECT 'duty', d.rotation_id, d.due
				FROM (SELECT r.rotation_id, CASE WHEN EXISTS (SELECT FROM rotation_stale t WHERE t.rotation_id = r.rotation_id)
						THEN least(r.lay_at, now_at) ELSE r.lay_at END AS due
					FROM rotation r WHERE r.retired_at IS NULL) d
				ORDER BY d.due LIMIT most)
			UNION ALL
			(SELECT 'digest', d.supervisor_id, d.due FROM digests(now_at) d ORDER BY d.due LIMIT most)
			UNION ALL
			SELECT 'cleaning', NULL::bigint, greatest(min(o.received_at) + policy_number('keep_raw_inbound') * interval '24 hours', removal)
				FROM inbound o WHERE o.raw IS NOT NULL AND NOT o.waiting AND is_read(o.delivery)
				HAVING count(*) > 0
			UNION ALL
			SELECT 'cleaning', NULL::bigint, greatest(f.made_at + policy_number('keep_sent_mail') * interval '24 hours', removal)
				FROM (SELECT o.made_at FROM message o WHERE o.cleared_at IS NULL AND NOT o.waiting ORDER BY o.made_at LIMIT 1) f
			UNION ALL
			SELECT 'upkeep', NULL::bigint, CASE WHEN u.due_at > now_at + interval '8 days' OR (u.failing IS NULL AND generations_short()) THEN now_at ELSE u.due_at END
				FROM upkeep u
			UNION ALL
			SELECT 'cases', NULL::bigint, cases_due(now_at);
		END
	$$;
COMMENT ON FUNCTION vac_store.deadlines(integer, timestamptz, timestamptz, boolean) IS
	'What time will bring next, of each kind the first: what it is, of which appointment, request or office, and when. with_opens: also which invitations were taken meanwhile, for which all that are not are read';

-- Little patience: others may wait for what this transaction has in hand already, and whoever waits with that in hand, again
-- and again, becomes a link of a deadlock, which PostgreSQL may end at the cost of a verb.
CREATE OR REPLACE FUNCTION vac_store.pass(what text, id bigint, now_at timestamptz, lapses_from timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '10ms'
	AS $$
		BEGIN
			RETURN CASE what
				WHEN 'opens' THEN window_opens(id, now_at)
				WHEN 'window' THEN pass_window(id, now_at, lapses_from)
				WHEN 'unheard' THEN pass_unheard(id, now_at)
				WHEN 'seeking' THEN pass_seeking(id, now_at)
				WHEN 'telling' THEN pass_telling(id::integer, now_at)
				WHEN 'clocks' THEN pass_clocks(id::integer, now_at)
				WHEN 'asking' THEN pass_asking(id, now_at)
				WHEN 'duty' THEN pass_duty(id::integer, now_at)
				WHEN 'digest' THEN pass_digest(id::integer, now_at)
				WHEN 'cleaning' THEN pass_cleaning(now_at)
				WHEN 'cases' THEN pass_cases(now_at) > 0
				ELSE false END;
		EXCEPTION
			WHEN lock_not_available OR deadlock_detected THEN
				RETURN false;
			WHEN OTHERS THEN
				-- One that fails must not keep the others from being done; it is tried again.
				PERFORM not_done(what, CASE what WHEN 'seeking' THEN 'request' WHEN 'telling' THEN 'office' WHEN 'clocks' THEN 'office'
					WHEN 'duty' THEN 'rotation' WHEN 'digest' THEN 'supervisor' ELSE 'appointment' END || '=' || id, SQLSTATE, SQLERRM);
				RETURN false;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass(text, bigint, timestamptz, timestamptz) IS 'Does one thing that is due, or nothing; false: it could not be done now';

-- All at once, which is many times cheaper; some of them one by one when that fails.
CREATE OR REPLACE FUNCTION vac_store.pass_opens(ids bigint[], now_at timestamptz) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '250ms'
	AS $$
		BEGIN
			RETURN cardinality(windows_open(ids, now_at));
		EXCEPTION
			WHEN OTHERS OR query_canceled THEN
				IF SQLSTATE NOT IN ('55P03', '40P01') THEN
					PERFORM not_done('opens', NULL, SQLSTATE, SQLERRM);
				END IF;
				-- A few, since the time that a statement may take is not counted anew; others each time, so that none stops the rest.
				RETURN (SELECT count(*) FROM (SELECT i FROM unnest(ids) i ORDER BY random() LIMIT 20) f WHERE pass('opens', f.i, now_at, NULL));
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_opens(bigint[], timestamptz) IS 'Opens the windows of invitations that were taken; returns how many could be';

CREATE OR REPLACE FUNCTION vac_store.unsent_text(now_at timestamptz) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		BEGIN
			-- Beyond a thousand it says nothing more how many they are, and is asked at each pass.
			RETURN (SELECT CASE WHEN count(*) > 1000 THEN 'more than 1000 invitations' ELSE quantity(count(*), 'invitation', 'invitations') END
					|| ' not sent in time; see vac.mail_queue, and telephone'
				-- OFFSET 0: by its key and no other way, also when this was planned with empty tables.
				FROM (SELECT FROM appointment a CROSS JOIN LATERAL (SELECT * FROM case_record c WHERE c.case_id = a.case_id OFFSET 0) c
					WHERE a.state = 'invited' AND a.answer_by IS NULL AND a.send_by <= now_at AND upper(a.span) > now_at
						AND c.state = 'open' AND c.held_since IS NULL
					LIMIT 1001) late
				HAVING count(*) > 0);
		END
	$$;
COMMENT ON FUNCTION vac_store.unsent_text(timestamptz) IS 'How many invitations no mail server has taken by policy send_by, in words; NULL: none';

CREATE OR REPLACE FUNCTION vac_daemon.pass_time(daemon_id uuid, most integer)
	RETURNS TABLE (next_ms bigint, alarm text)
	LANGUAGE plpgsql SECURITY DEFINER ROWS 1
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			gate timestamptz := lapses_from(now_at);
			thing record;
			n integer := 0;
			stuck integer := 0;
			sent bigint[] := '{}';
			opened integer;
			begun timestamptz := clock_timestamp();
			later timestamptz;
			mail_at timestamptz;
			next_at timestamptz;
		BEGIN
			-- In a copy time stands still: what it would say to people is said where it was copied from.
			IF NOT is_home() THEN
				RETURN QUERY SELECT NULL::bigint, NULL::text;
				RETURN;
			END IF;
			PERFORM note_work(now_at), fit_plans();
			-- Windows first, and together: what else there is to say goes by them.
			FOR thing IN SELECT d.what, d.id, d.due, min(d.due) FILTER (WHERE d.due > now_at AND d.what <> 'unsent') OVER () AS later,
						min(d.due) FILTER (WHERE d.what = 'unsent') OVER () AS mail_at
					FROM deadlines(most, now_at, gate) d
					WHERE d.due IS NOT NULL ORDER BY d.what <> 'opens', d.due LOOP
				later := thing.later;
				mail_at := thing.mail_at;
				IF thing.what = 'opens' THEN
					sent := sent || thing.id;
					CONTINUE;
				ELSIF thing.what IN ('unsent', 'upkeep') THEN
					CONTINUE;
				END IF;
				opened := coalesce(opened, pass_opens(sent, now_at));
				IF thing.due > now_at OR n >= most THEN
					EXIT;
				ELSIF pass(thing.what, thing.id, now_at, gate) THEN
					n := n + 1;
				ELSE
					stuck := stuck + 1;
				END IF;
			END LOOP;
			opened := coalesce(opened, pass_opens(sent, now_at));
			-- Few at a time are no reason to look again at once: the next come as their mails go out.
			n := n + CASE WHEN opened >= most THEN opened ELSE 0 END;
			stuck := stuck + (opened < cardinality(sent) OR (opened > 0 AND EXISTS (SELECT FROM upkeep u WHERE u.due_at <= now_at)))::integer;
			-- Alone in its transaction, since it locks whole tables.
			IF n = 0 AND opened = 0 AND pass_upkeep(now_at) THEN
				n := 1;
			END IF;
			alarm := unsent_text(now_at);
			IF alarm IS NULL THEN
				PERFORM vac_daemon.clear_alarm(pass_time.daemon_id, 'invitations_unsent');
			ELSE
				PERFORM vac_daemon.raise_alarm(pass_time.daemon_id, 'invitations_unsent', alarm);
			END IF;
			-- What was done may have brought something else, sooner than what was looked at.
			IF n > 0 THEN
				next_at := now_at;
			ELSE
				IF stuck > 0 OR sent <> '{}' THEN
					SELECT min(d.due) FILTER (WHERE d.what <> 'unsent'), min(d.due) FILTER (WHERE d.what = 'unsent') INTO later, mail_at
						FROM deadlines(1, now_at, gate, false) d
						-- A window that is opened late may have its middle, or its end, behind it.
						WHERE d.due > now_at OR d.what = 'unsent' OR (opened > 0 AND d.what <> 'upkeep');
				END IF;
				-- As long as mail waits all of it is looked through, in no more than a twentieth of the time.
				next_at := least(later, CASE WHEN stuck > 0 THEN now_at + interval '2 seconds' END,
					greatest(mail_at, CASE WHEN mail_at IS NOT NULL THEN now_at + least(20 * (clock_timestamp() - begun), interval '10 seconds') END));
			END IF;
			next_ms := CASE WHEN isfinite(next_at) THEN ceil(greatest(date_part('epoch', next_at - now_at), 0) * 1000)::bigint END;
			RETURN NEXT;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.pass_time(uuid, integer) IS
	'Does what is due, so many things at most: next_ms until there is more (0: now, NULL: nothing is known), and what stands wrong, in words';
