-- What a what-if has touched so far. None is ever committed, so that an event of one that can be seen is this transaction's own.

CREATE OR REPLACE FUNCTION vac_store.is_own(writer xid) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- Only a row of one's own transaction (or of a savepoint in it) can be seen while its writer is not done. age() counts
	-- from the transaction's own number, which has one by now.
	SELECT pg_xact_status((pg_current_xact_id_if_assigned()::text::bigint - age(writer))::text::xid8) = 'in progress';
$$;
COMMENT ON FUNCTION vac_store.is_own(xid) IS 'Whether a row written not long ago, and seen, was written by this very transaction';

-- What goes to another office with its case is out of sight from then on; who gives it away shall see all the same what
-- becomes of it.
CREATE OR REPLACE FUNCTION vac_store.tried_away()
	RETURNS TABLE (appointment_id bigint, case_code text, office_id integer, urgency text, span tstzrange, coordinator_id integer, accepted boolean,
		planned_again boolean)
	LANGUAGE sql STABLE SECURITY DEFINER ROWS 10
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- It may have been given away more than once.
	SELECT DISTINCT ON (a.appointment_id) a.appointment_id, c.case_code, a.office_id, a.urgency::text, a.span, a.coordinator_id, a.partstat = 'ACCEPTED' OR a.state = 'accepted',
			NOT a.live AND r.state = 'open' AND c.held_since IS NULL
		FROM history h
			JOIN case_record c ON c.case_id = h.case_id
			JOIN appointment a ON a.case_id = c.case_id
			JOIN request r ON r.request_id = a.request_id
		WHERE h.history_id > (SELECT max(w.history_id) FROM history w WHERE w.event = 'what_if') AND is_own(h.xmin)
			AND h.event = 'case_transferred' AND h.office_id IN (SELECT my_offices()) AND c.office_id NOT IN (SELECT my_offices())
		ORDER BY a.appointment_id;
$$;
COMMENT ON FUNCTION vac_store.tried_away() IS
	'In a what-if, appointments of the cases that it gave away from offices of one''s own, as view affected shows them';

CREATE OR REPLACE FUNCTION vac_store.tried(at timestamptz)
	RETURNS TABLE (appointment_id bigint, what text, stays boolean, was text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 50
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	began CONSTANT bigint := (SELECT max(h.history_id) FROM history h WHERE h.event = 'what_if');
	events bigint[];
	touched bigint[];
BEGIN
	IF began IS NULL THEN
		RETURN;
	END IF;
	-- Others may have written since, and committed.
	events := ARRAY(SELECT h.history_id FROM history h WHERE h.history_id > began AND is_own(h.xmin));
	RETURN QUERY
	SELECT DISTINCT ON (h.appointment_id) h.appointment_id, event_text(h.event, h.detail, o.time_zone), false, h.detail ->> 'was'
		FROM history h JOIN appointment a ON a.appointment_id = h.appointment_id JOIN office o ON o.office_id = a.office_id
		WHERE h.history_id = ANY (events) AND h.appointment_id IS NOT NULL AND h.message_id IS NULL
		ORDER BY h.appointment_id, h.history_id DESC;
	touched := ARRAY(SELECT h.appointment_id FROM history h WHERE h.history_id = ANY (events) AND h.appointment_id IS NOT NULL AND h.message_id IS NULL);
	-- What stands, but in hours that were taken from its coordinator; what lay outside them before was not hit by this (of
	-- a pattern that was set anew one cannot tell).
	RETURN QUERY
	WITH taken AS MATERIALIZED (
		SELECT h.coordinator_id, CASE WHEN h.event = 'pattern_set' THEN tstzrange(NULL, NULL) ELSE (h.detail ->> 'span')::tstzrange END AS span
			FROM history h WHERE h.history_id = ANY (events) AND h.event IN ('pattern_set', 'shift_removed', 'duty_ended')
		UNION ALL
		SELECT k.coordinator_id, tstzrange(local_day_start(d.day, o.time_zone), local_day_start(d.day + 1, o.time_zone))
			FROM history h
				JOIN coordinator k ON k.retired_at IS NULL AND (h.office_id IS NULL OR h.office_id = k.office_id)
				JOIN office o ON o.office_id = k.office_id
				CROSS JOIN LATERAL (SELECT (h.detail ->> 'day')::date AS day) d
			WHERE h.history_id = ANY (events) AND h.event = 'holiday_added'
	)
	SELECT a.appointment_id, 'outside their hours now', true, a.state
		FROM appointment a
			JOIN (SELECT w.coordinator_id, range_agg(w.at_work) AS hours
					FROM open_time(ARRAY(SELECT DISTINCT t.coordinator_id FROM taken t), tstzrange(at - interval '1 day', at + interval '92 days')) w
					GROUP BY w.coordinator_id) w
				ON w.coordinator_id = a.coordinator_id
		WHERE a.live AND a.urgency <> 'immediate' AND upper(a.span) > at AND lower(a.span) < at + interval '91 days'
			AND NOT a.span <@ w.hours AND a.appointment_id <> ALL (touched)
			AND EXISTS (SELECT FROM taken t WHERE t.coordinator_id = a.coordinator_id AND t.span && a.span);
END
$$;
COMMENT ON FUNCTION vac_store.tried(timestamptz) IS
	'The appointments that what this transaction tried since vac.what_if() has touched, and those that stand in hours that it took from their coordinators';
