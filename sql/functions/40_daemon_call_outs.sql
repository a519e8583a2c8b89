-- A call-out does not wait for an answer by mail: supervisors hear of it as it is made.

CREATE OR REPLACE FUNCTION vac_store.tell_of_call_outs(call_outs bigint[], now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET jit = off
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		DECLARE
			again CONSTANT interval := policy_number('notice_again', 'immediate') * interval '1 minute';
			spared bigint[];
			told record;
		BEGIN
			-- Where nothing can be mailed to a whole domain one call-out follows the other at once: the first is told of,
			-- and whoever is left in the end.
			spared := ARRAY(SELECT a.appointment_id FROM appointment a JOIN request r ON r.request_id = a.request_id
				WHERE a.appointment_id = ANY (call_outs) AND r.unheard_told_at > now_at - again AND r.unheard_told_at <= now_at
					AND NOT is_on_its_way(a, now_at)
					AND EXISTS (SELECT FROM appointment b WHERE b.request_id = a.request_id AND b.appointment_id < a.appointment_id AND b.live
						AND NOT is_on_its_way(b, now_at)));
			call_outs := ARRAY(SELECT unnest(call_outs) EXCEPT SELECT unnest(spared));
			-- Of those they hear when they would have without.
			UPDATE request r SET tell_at = least(r.tell_at, r.unheard_told_at + again)
				WHERE r.request_id IN (SELECT a.request_id FROM appointment a WHERE a.appointment_id = ANY (spared));
			UPDATE request r SET unheard_told_at = now_at
				WHERE r.request_id IN (SELECT a.request_id FROM appointment a WHERE a.appointment_id = ANY (call_outs) AND NOT is_on_its_way(a, now_at));
			FOR told IN
				-- Nobody on call means a call-out hours ahead: somebody must hear that it is late.
				SELECT a.office_id, string_agg(format('%s: %s, %s, at %s%s%s', c.case_code, k.name, k.telephone,
						local_text(lower(a.span), o.time_zone),
						CASE WHEN lower(a.span) <= r.due_at THEN ''
							WHEN a.pinned THEN ' - after it was due, ' || local_text(r.due_at, o.time_zone)
							ELSE ' - TOO LATE, nobody is free by ' || local_text(r.due_at, o.time_zone) END,
						CASE WHEN a.over_cap THEN ' (beyond their limits)' ELSE '' END), E'\n' ORDER BY a.appointment_id) AS lines
					FROM appointment a
						JOIN case_record c ON c.case_id = a.case_id
						JOIN request r ON r.request_id = a.request_id
						JOIN office o ON o.office_id = a.office_id
						JOIN coordinator k ON k.coordinator_id = a.coordinator_id
					WHERE a.appointment_id = ANY (call_outs)
					GROUP BY a.office_id ORDER BY a.office_id
			LOOP
				PERFORM tell_supervisors(told.office_id, 'called out',
					E'These coordinators are being called out; nobody has accepted yet:\n\n' || told.lines || E'\n',
					true, true, now_at);
			END LOOP;
		END
	$$;
COMMENT ON FUNCTION vac_store.tell_of_call_outs(bigint[], timestamptz) IS 'Tells the supervisors at once of appointments that are call-outs';
