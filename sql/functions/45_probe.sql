-- What `vacd check` and `vacd probe` ask.

CREATE OR REPLACE FUNCTION vac_daemon.zone_offsets()
	RETURNS TABLE (zone text, at bigint, offset_seconds integer)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		WITH used AS (
			SELECT o.time_zone AS zone FROM office o WHERE o.retired_at IS NULL
			UNION
			SELECT c.time_zone FROM coordinator c WHERE c.time_zone IS NOT NULL AND c.retired_at IS NULL
			UNION
			SELECT unnest(ARRAY['America/New_York', 'America/Phoenix', 'Pacific/Honolulu', 'Pacific/Guam'])
		), sample AS (
			-- Three a month for two years: a wrong rule shows between the two days that it differs by.
			SELECT generate_series(date_trunc('month', wall()), wall() + interval '2 years',
				interval '10 days') AS at
		)
		SELECT u.zone, epoch(s.at),
			extract(epoch FROM (s.at AT TIME ZONE u.zone) - (s.at AT TIME ZONE 'UTC'))::integer
		FROM used u CROSS JOIN sample s
		ORDER BY u.zone, s.at
	$$;
COMMENT ON FUNCTION vac_daemon.zone_offsets() IS
	'Offsets from UTC, as the database''s time zone data has them, of the zones in use at sample instants: `vacd check` compares the system''s';

CREATE OR REPLACE FUNCTION vac_daemon.probe_state(probe_id bigint)
	RETURNS TABLE (state text, attempts integer, reply text, daemons integer, sending integer)
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT m.state, m.attempts, m.reply, d.daemons, d.sending
		FROM message m
		CROSS JOIN (
			SELECT count(*)::integer AS daemons,
				(count(*) FILTER (WHERE deliver = 'smtp'))::integer AS sending
			FROM daemon
			WHERE stopped_at IS NULL AND seen_at > wall() - interval '2 minutes'
		) d
		WHERE m.message_id = probe_id AND m.kind = 'probe'
	$$;
COMMENT ON FUNCTION vac_daemon.probe_state(bigint) IS
	'How a probe''s message stands, the mail server''s last reply, and how many daemons are at work and how many of them send';
