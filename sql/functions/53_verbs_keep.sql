-- What is kept no longer goes by itself, when its time has come; who wants it gone now asks for it.

CREATE OR REPLACE FUNCTION vac_store.generation_text(g generation) RETURNS text
	LANGUAGE sql STABLE
	RETURN format('%s, %s to %s', CASE g.of_table WHEN 'message' THEN 'mail that went out' WHEN 'inbound' THEN 'mail that came in' ELSE 'history' END,
		coalesce(to_char(g.begun_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'the beginning'), coalesce(to_char(g.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'now'));
COMMENT ON FUNCTION vac_store.generation_text(generation) IS 'What is in a generation, in words, with the days (UTC) on which it began and ended';

-- Not done here and now: the lock that dropping takes would be held until somebody's COMMIT.
CREATE OR REPLACE FUNCTION vac.remove_old() RETURNS SETOF text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	now_at CONSTANT timestamptz := wall();
	g generation;
	n bigint;
	needed bigint;
	found_some boolean := false;
BEGIN
	PERFORM need_all_offices('remove_old');
	FOR g IN SELECT o.* FROM generation o WHERE goes_at(o) <= now_at ORDER BY o.of_table, o.number LOOP
		n := (SELECT r.n FROM rows_of(g) r);
		needed := coalesce(cardinality(needed_of(g, now_at)), 0);
		IF g.of_table = 'history' THEN
			RETURN NEXT format('%s: %s rows; they go when a daemon has signed what stands in their place', generation_text(g), n);
		ELSE
			RETURN NEXT format('%s: %s rows go, %s are still needed', generation_text(g), n - needed, needed);
			found_some := found_some OR n > needed;
		END IF;
	END LOOP;
	IF NOT FOUND THEN
		RETURN NEXT format('Nothing is as old as that: of mail that went out %s days are kept, of mail that came in %s, and months go as a whole. TABLE vac.retention shows when',
			policy_number('keep_messages'), policy_number('keep_inbound'));
	ELSIF found_some THEN
		UPDATE generation o SET look_at = NULL WHERE o.of_table <> 'history' AND goes_at(o) <= now_at;
		UPDATE upkeep u SET due_at = '-infinity';
		-- With its schema, or it would be a cast to the type of that name.
		PERFORM vac_store.record('removal_asked');
		PERFORM pg_notify('vac_deadline', '');
		RETURN NEXT CASE WHEN may_remove(now_at) THEN 'The daemon removes it now, after COMMIT; history says what it removed'
			WHEN isfinite(removes_from(now_at)) THEN format('The daemon removes it after %s, a week after an outage: see `vacd status`', stamp_text(removes_from(now_at)))
			ELSE 'The daemon removes it once one that sends mail is at work; history says what it removed' END;
	END IF;
END
$$;
COMMENT ON FUNCTION vac.remove_old() IS
	'Removes mail that policies keep_messages and keep_inbound keep no longer, without waiting for its time: says what goes, and has the daemon do it. '
	'For supervisors of all offices';
