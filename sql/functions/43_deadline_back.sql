-- The wall clock was ahead and is set back. What was put off by the clock that was ahead would wait until it comes
-- there again, which may be a day; what began in the future would run out that much too late.
--
-- Every moment that the store keeps, and what becomes of one that lies in the future then:
--
-- waited for, computed from a wrong now
--   message.not_before, inbound.not_before           due now
--   message.lease_until, inbound.lease_until,
--     dispatch_group.lease_until                     over, if further ahead than longest_lease(): whoever claims looks
--   message.uncertain_until                          as much sooner as the clock is back, never longer than a lease can be
--   request.plan_at                                  due now
--   request.tell_at                                  as much sooner as the clock is back
--   request.open_window, due_at                      of one opened in the future: from now on, unless somebody set them
--   request_bar.until                                not beyond today
--   appointment.window_from, answer_by, remind_at,
--     window_at, outages_seen, send_by               reckoned anew
--   appointment.ask_at, asks                         a meeting that is not over was not asked about; else soon enough
--   clock.started_at, due_at, next_at                of one begun in the future: from now on; else told of again in time
--   rotation.lay_at                                  now
--   supervisor.digest_day                            today at the latest
--   outage.began, ended                              gone: it never was
--   presence.seen_at, worked_at, back_at             now, none, now
--   case_record.remove_at                            over, if further ahead than it is ever put: whoever looks sees to it
--   generation.look_at                               none, if further ahead than it is ever put: it is looked at when its time comes
--   upkeep.due_at, failing, analyzed_at              now, none, none
-- said to have been, and looked at as something that was
--   case_record.opened_at, request.opened_at         now: reports reckon from it
--   case_record.ended_at                             now: it is kept as long as others
--   generation.begun_at, ended_at                    now: the month after now gets one of its own
--   request.noticed_at, told_at, unheard_told_at     now
--   inbound.received_at                              now, of what waits: windows stay open for it
--   heartbeat.turned_at, daemon.seen_at, signer.seen_at   now: else one that died looks alive until then
--   message.sent_at                                  taken for now where a window opens by it
-- planned: appointment.span, duty_shift.span, shift, leave: stand, since people were told of them; one that is too
--   late for its request shows as that once due_at is put right
-- for the record, or shown and no more: history.at, chain, checkpoint.made_at, decision.at, plan.*_at, made_at, appointment.ended_at, answered_at, outcome_at,
--   taken_at, handled_at, taken_up_at, stopped_at, done_at, retired_at, added_at, set_at, joined_at, since, held_since, seek_since,
--   unserved_since, cleared_at, bounced_at, delayed_at, telephoned_at, reported_at, redacted_at, mail_failed_at, away_noted_at,
--   interpreter_noted_at, transferred_at, first_contact_at: stay as they were written
-- from elsewhere: answer.stamped, leave.stamped and occurrence, which senders write

CREATE OR REPLACE FUNCTION vac_store.windows_went_back(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			wrong bigint[] := ARRAY(SELECT a.appointment_id FROM appointment a
				WHERE a.live AND (a.window_at IS NOT NULL OR (a.state = 'accepted' AND a.answer_by IS NOT NULL))
					AND (a.window_from > now_at OR EXISTS (SELECT FROM outage o WHERE o.ended > now_at AND o.outage_id <= a.outages_seen))
				ORDER BY a.appointment_id FOR NO KEY UPDATE);
		BEGIN
			-- As window_opens() makes them; outages that there were are reckoned in again. Whoever was reminded is not once more.
			UPDATE appointment a SET window_from = n.since, answer_by = n.until, remind_at = n.half, outages_seen = n.seen,
					window_at = CASE WHEN a.window_at IS NOT NULL THEN coalesce(n.half, n.until) END
				FROM (SELECT w.appointment_id, f.since, t.answer_by AS until,
						CASE WHEN w.remind_at IS NOT NULL THEN half_way(w.urgency, k.office_id, f.since, t.answer_by) END AS half,
						coalesce((SELECT max(o.outage_id) FROM outage o WHERE o.ended <= f.since), 0) AS seen
					FROM appointment w
						JOIN coordinator k ON k.coordinator_id = w.coordinator_id
						CROSS JOIN LATERAL (SELECT least(w.window_from, now_at) AS since) f
						CROSS JOIN LATERAL answer_times(ARRAY[w.appointment_id], f.since) t
					WHERE w.appointment_id = ANY (wrong)) n
				WHERE a.appointment_id = n.appointment_id AND a.answer_by IS NOT NULL;
			-- None that was made by now can have longer.
			UPDATE appointment a SET send_by = n.send_by
				FROM (SELECT u.appointment_id, policy_after('send_by', u.urgency, u.office_id, now_at) AS send_by
					FROM appointment u WHERE u.state = 'invited' AND u.answer_by IS NULL AND u.send_by > now_at
					ORDER BY u.appointment_id FOR NO KEY UPDATE) n
				WHERE a.appointment_id = n.appointment_id AND a.send_by > n.send_by;
			-- They would keep windows from ending until they are over.
			DELETE FROM outage o WHERE o.ended > now_at;
		END
	$$;
COMMENT ON FUNCTION vac_store.windows_went_back(timestamptz) IS
	'The clock was set back: answer windows that began in the future, or were made longer by an outage that never was, are reckoned anew';

CREATE OR REPLACE FUNCTION vac_store.response_due(r request, opens timestamptz) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN least(vac_store.policy_after('response_target', r.urgency, r.office_id, opens), upper(r.open_window) - make_interval(mins => r.minutes));
COMMENT ON FUNCTION vac_store.response_due(request, timestamptz) IS 'By when the meeting of a request must start that could do so from a moment on, if nobody said another time';

-- A time that somebody gave is kept: it is another than what follows from the opening.
CREATE OR REPLACE FUNCTION vac_store.cases_went_back(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM case_record c WHERE c.opened_at > now_at OR (c.state <> 'open' AND c.ended_at > now_at)
				ORDER BY c.case_id FOR NO KEY UPDATE;
			PERFORM FROM request r WHERE r.opened_at > now_at ORDER BY r.request_id FOR NO KEY UPDATE;
			UPDATE case_record c SET opened_at = now_at WHERE c.opened_at > now_at;
			UPDATE case_record c SET ended_at = now_at WHERE c.state <> 'open' AND c.ended_at > now_at;
			UPDATE request r SET opened_at = now_at, open_window = tstzrange(n.opens, upper(r.open_window)), due_at = n.due
				FROM (SELECT q.request_id, t.opens, CASE WHEN q.due_at = response_due(q, greatest(lower(q.open_window), q.opened_at))
							THEN response_due(q, greatest(t.opens, now_at)) ELSE q.due_at END AS due
						FROM request q
							CROSS JOIN LATERAL (SELECT CASE WHEN lower(q.open_window) = q.opened_at THEN now_at ELSE lower(q.open_window) END AS opens) t
						WHERE q.opened_at > now_at) n
				WHERE r.request_id = n.request_id;
		END
	$$;
COMMENT ON FUNCTION vac_store.cases_went_back(timestamptz) IS
	'The clock was set back: cases and requests that were opened in the future were opened now, and are due as early as that; cases that ended there ended now';

CREATE OR REPLACE FUNCTION vac_store.clocks_went_back(now_at timestamptz, beyond timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM clock k WHERE k.running AND (k.started_at > now_at OR (k.next_at > beyond AND (k.warnings > 0 OR k.next_at > k.due_at)))
				ORDER BY k.clock_id FOR NO KEY UPDATE;
			UPDATE clock k SET started_at = now_at, due_at = n.due, warnings = 0, next_at = coalesce(n.warns[1], n.due)
				FROM (SELECT c.clock_id, t.due, t.warns FROM clock c CROSS JOIN LATERAL clock_times(c.kind, c.urgency, c.office_id, now_at) t
					WHERE c.running AND c.started_at > now_at) n
				WHERE k.clock_id = n.clock_id;
			-- Only those that were told of, or ran out.
			UPDATE clock k SET next_at = n.next_at
				FROM (SELECT c.clock_id, next_warning(c, now_at) AS next_at
					FROM clock c WHERE c.running AND c.next_at > beyond AND (c.warnings > 0 OR c.next_at > c.due_at)) n
				WHERE k.clock_id = n.clock_id AND k.next_at > n.next_at;
		END
	$$;
COMMENT ON FUNCTION vac_store.clocks_went_back(timestamptz, timestamptz) IS
	'The clock was set back: clocks of cases that began in the future began now, and of the others is told again when it would have been';

-- A question that is on its way is dropped where the meeting is not over: is_unneeded().
CREATE OR REPLACE FUNCTION vac_store.questions_went_back(now_at timestamptz, beyond timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		UPDATE appointment a SET asks = CASE WHEN n.first > now_at THEN 0 ELSE a.asks END,
				ask_at = least(a.ask_at, CASE WHEN n.first > now_at THEN n.first ELSE now_at + n.again END)
			FROM (SELECT u.appointment_id, upper(u.span) + policy_number('outcome_ask') * interval '1 minute' AS first,
						greatest(policy_number('outcome_ask_again'), 1,
							CASE WHEN u.asks >= policy_number('outcome_asks') THEN policy_number('notice_again', u.urgency) END) * interval '1 minute' AS again
					FROM appointment u
					WHERE u.live AND u.ask_at > beyond AND (u.asks > 0 OR u.ask_at > upper(u.span) + policy_number('outcome_ask') * interval '1 minute')
					ORDER BY u.appointment_id FOR NO KEY UPDATE) n
			WHERE a.appointment_id = n.appointment_id;
	$$;
COMMENT ON FUNCTION vac_store.questions_went_back(timestamptz, timestamptz) IS
	'The clock was set back: holders are asked about meetings when they would have been, and anew where the meeting is not over';

CREATE OR REPLACE FUNCTION vac_store.requests_went_back(back_by interval, now_at timestamptz, beyond timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM request r WHERE r.state IN ('open', 'planned')
					AND (r.plan_at > beyond OR r.noticed_at > now_at OR r.told_at > now_at OR r.unheard_told_at > now_at OR r.tell_at > beyond)
				ORDER BY r.request_id FOR NO KEY UPDATE;
			UPDATE request r SET plan_at = now_at WHERE r.to_plan AND r.plan_at > beyond;
			UPDATE request r SET noticed_at = CASE WHEN r.noticed_at > now_at THEN now_at ELSE r.noticed_at END,
					told_at = CASE WHEN r.told_at > now_at THEN now_at ELSE r.told_at END,
					unheard_told_at = CASE WHEN r.unheard_told_at > now_at THEN now_at ELSE r.unheard_told_at END,
					tell_at = CASE WHEN r.tell_at > beyond THEN greatest(now_at, r.tell_at - back_by) ELSE r.tell_at END
				WHERE r.state IN ('open', 'planned')
					AND (r.noticed_at > now_at OR r.told_at > now_at OR r.unheard_told_at > now_at OR r.tell_at > beyond);
			UPDATE request_bar b SET until = n.until
				FROM (SELECT o.request_id, o.coordinator_id, local_day_start(local_day(now_at, z.zone) + 1, z.zone) AS until
					FROM request_bar o JOIN coordinator k ON k.coordinator_id = o.coordinator_id
						CROSS JOIN LATERAL (SELECT coordinator_zone(k) AS zone) z
					WHERE o.until > now_at
					ORDER BY o.request_id, o.coordinator_id FOR NO KEY UPDATE OF o) n
				WHERE b.request_id = n.request_id AND b.coordinator_id = n.coordinator_id AND b.until > n.until;
		END
	$$;
COMMENT ON FUNCTION vac_store.requests_went_back(interval, timestamptz, timestamptz) IS
	'The clock was set back: requests are planned now, their supervisors told when they would have been, and nobody is barred longer than today';

CREATE OR REPLACE FUNCTION vac_store.mail_went_back(back_by interval, now_at timestamptz, beyond timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			margin interval := mail_margin();
			longest timestamptz := now_at + longest_lease() + margin;
			mails bigint[] := ARRAY(SELECT m.message_id FROM message m
				WHERE (m.waiting AND m.state = 'queued' AND m.not_before > beyond) OR m.uncertain_until > longest
				ORDER BY m.message_id FOR NO KEY UPDATE);
		BEGIN
			-- back_by is a little less than the clock is back: newer states wait rather longer than the mail server may need.
			UPDATE message m SET not_before = CASE WHEN m.not_before > beyond THEN now_at ELSE m.not_before END,
					uncertain_until = CASE WHEN m.uncertain_until > longest
						THEN least(longest, greatest(now_at + margin, m.uncertain_until - back_by)) ELSE m.uncertain_until END
				WHERE m.message_id = ANY (mails);
			PERFORM FROM inbound i WHERE i.waiting AND (i.not_before > beyond OR i.received_at > now_at)
				ORDER BY i.inbound_id FOR NO KEY UPDATE;
			UPDATE inbound i SET not_before = CASE WHEN i.state = 'waiting' AND i.not_before > beyond THEN now_at ELSE i.not_before END,
					received_at = least(i.received_at, now_at)
				WHERE i.waiting AND (i.not_before > beyond OR i.received_at > now_at);
		END
	$$;
COMMENT ON FUNCTION vac_store.mail_went_back(interval, timestamptz, timestamptz) IS
	'The clock was set back: mail goes out, and is read, now; newer states of a UID wait no longer for an older one than they would have';

-- Whoever is at it holds the row of upkeep, and is not waited for: it may wait for all of a table. The second look is there for that.
CREATE OR REPLACE FUNCTION vac_store.generations_went_back(now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM FROM upkeep u FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN;
			END IF;
			-- None that was made in advance begins here: least() would take NULL for later.
			UPDATE generation g SET begun_at = now_at WHERE g.begun_at > now_at;
			UPDATE generation g SET ended_at = now_at WHERE g.ended_at > now_at;
			UPDATE generation g SET look_at = NULL WHERE g.look_at > now_at + interval '30 days';
			UPDATE upkeep u SET due_at = now_at, failing = CASE WHEN u.failing <= now_at THEN u.failing END,
				analyzed_at = CASE WHEN u.analyzed_at <= now_at THEN u.analyzed_at END;
		END
	$$;
COMMENT ON FUNCTION vac_store.generations_went_back(timestamptz) IS
	'The clock was set back: generations that began or ended in the future did so now, and what is to be done for them is looked for anew';

-- In the order that verbs lock in, and nowhere for long: it runs within a heartbeat.
CREATE OR REPLACE FUNCTION vac_store.clock_went_back(back_by interval, now_at timestamptz, beyond timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '250ms'
	AS $$
		BEGIN
			PERFORM cases_went_back(now_at), requests_went_back(back_by, now_at, beyond);
			PERFORM windows_went_back(now_at), questions_went_back(now_at, beyond), clocks_went_back(now_at, beyond);
			PERFORM mail_went_back(back_by, now_at, beyond), generations_went_back(now_at);
			UPDATE rotation r SET lay_at = now_at WHERE r.lay_at > greatest(beyond, now_at + interval '12 hours');
			UPDATE supervisor s SET digest_day = local_day(now_at, o.time_zone)
				FROM office o WHERE o.office_id = s.digest_office_id AND s.digest_day > local_day(now_at, o.time_zone);
			UPDATE daemon d SET seen_at = now_at WHERE d.seen_at > now_at;
			UPDATE heartbeat h SET turned_at = now_at WHERE h.turned_at > now_at;
			UPDATE signer s SET seen_at = now_at WHERE s.seen_at > now_at;
			PERFORM pg_notify('vac_answer', ''), pg_notify('vac_deadline', ''), pg_notify('vac_dispatch', ''), pg_notify('vac_mailer', '');
		END
	$$;
COMMENT ON FUNCTION vac_store.clock_went_back(interval, timestamptz, timestamptz) IS
	'The clock was set back: what was put off by the one that was ahead (to a moment beyond the one given) is due now, what began in the future began now, outages that it made up never were; fails where somebody holds the rows';
