-- Mail that was claimed and not begun with: given back, rather than kept until the lease is over.

CREATE OR REPLACE FUNCTION vac_daemon.release_inbound(inbound_ids bigint[], fences bigint[], wait_ms bigint) RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			released integer;
		BEGIN
			UPDATE inbound i
				SET state = 'waiting', lease_until = NULL,
					not_before = wall() + least(greatest(wait_ms, 0), 600000) * interval '1 millisecond'
				FROM unnest(inbound_ids, fences) AS g (inbound_id, fence)
				WHERE i.inbound_id = g.inbound_id AND i.fence = g.fence AND i.state = 'claimed';
			GET DIAGNOSTICS released = ROW_COUNT;
			RETURN released;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.release_inbound(bigint[], bigint[], bigint) IS
	'Gives claimed mail back unhandled, to be claimed again once so many milliseconds are over; returns how many were still ours';
