-- Generations are made, begun and dropped when it is time, by whichever daemon comes first. Whatever somebody's open
-- transaction is in the way of is put off: there is time for all of it.

CREATE OR REPLACE FUNCTION vac_store.upkeep_after(now_at timestamptz) RETURNS timestamptz
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	-- Once a week in any case, so that statistics are renewed.
	RETURN least(now_at + interval '7 days',
		(SELECT min(vac_store.turn_at(t.name)) FROM (VALUES ('message'), ('inbound'), ('history')) t (name)),
		(SELECT min(greatest(vac_store.goes_at(g), g.look_at, CASE vac_store.removes_from(now_at) WHEN 'infinity' THEN now_at + interval '10 minutes' ELSE vac_store.removes_from(now_at) END))
			FROM vac_store.generation g WHERE g.of_table <> 'history' AND vac_store.goes_at(g) IS NOT NULL));
COMMENT ON FUNCTION vac_store.upkeep_after(timestamptz) IS 'When there is something to do for generations next';

CREATE OR REPLACE FUNCTION vac_store.history_empty(g generation) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	AS $$
		DECLARE
			low bigint := coalesce(g.from_id, '-9223372036854775808');
		BEGIN
			RETURN NOT EXISTS (SELECT FROM history h WHERE h.history_id >= low AND h.history_id < g.until_id)
				AND NOT EXISTS (SELECT FROM unsealed u WHERE u.history_id >= low AND u.history_id < g.until_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.history_empty(generation) IS 'Whether a generation of history has no row, nor one that waits to be sealed';

CREATE OR REPLACE FUNCTION vac_store.upkeep_step(now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			name text;
			old generation;
		BEGIN
			FOREACH name IN ARRAY ARRAY['message', 'inbound', 'history'] LOOP
				IF generations_ahead(name) < 3 THEN
					PERFORM make_generation(name);
					RETURN true;
				ELSIF turn_at(name) <= now_at THEN
					IF turn_generation(name, now_at) THEN
						RETURN true;
					END IF;
				END IF;
				UPDATE generation g SET begun_at = now_at
					WHERE g.of_table = name AND g.from_id IS NULL AND g.begun_at IS NULL AND turn_at(name) IS NULL;
			END LOOP;
			SELECT g.* INTO old FROM generation g
				WHERE g.of_table <> 'history' AND greatest(goes_at(g), g.look_at) <= now_at AND goes_at(g) IS NOT NULL AND may_remove(now_at)
				ORDER BY g.ended_at, g.of_table LIMIT 1;
			IF FOUND THEN
				PERFORM remove_generation(old, now_at);
				RETURN true;
			END IF;
			-- History goes by checkpoints; for what they, or a month without an event, left empty there is nothing to be signed.
			SELECT g.* INTO old FROM generation g WHERE g.of_table = 'history' AND g.ended_at <= now_at - interval '1 day' AND history_empty(g)
				ORDER BY g.number LIMIT 1;
			IF FOUND THEN
				PERFORM lock_whole('history');
				-- Asked again: what a transaction that was open wrote there may have been committed meanwhile.
				PERFORM drop_generation(old) WHERE history_empty(old);
				RETURN true;
			END IF;
			-- Autovacuum looks at partitions only, and joins are planned by the statistics of the whole.
			UPDATE upkeep u SET analyzed_at = now_at WHERE coalesce(u.analyzed_at <= now_at - interval '6 days', true) OR u.analyzed_at > now_at;
			IF FOUND THEN
				ANALYZE message, inbound, history;
			END IF;
			RETURN false;
		END
	$$;
COMMENT ON FUNCTION vac_store.upkeep_step(timestamptz) IS
	'Does one thing that generations need, in a transaction that is to end then; false: there is nothing more';

CREATE OR REPLACE FUNCTION vac_store.pass_upkeep(now_at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	SET lock_timeout = '250ms'
	AS $$
		DECLARE
			more boolean;
		BEGIN
			-- Where it failed it is put off for a little while only, however little is left.
			PERFORM FROM upkeep u WHERE u.due_at <= now_at OR u.due_at > now_at + interval '8 days' OR (u.failing IS NULL AND generations_short())
				FOR NO KEY UPDATE SKIP LOCKED;
			IF NOT FOUND THEN
				RETURN false;
			END IF;
			BEGIN
				more := upkeep_step(now_at);
				UPDATE upkeep u SET due_at = CASE WHEN more THEN now_at ELSE upkeep_after(now_at) END, failing = NULL;
				RETURN more;
			EXCEPTION
				WHEN lock_not_available OR deadlock_detected THEN
					UPDATE upkeep u SET due_at = now_at + interval '1 minute', failing = coalesce(u.failing, now_at);
				-- A generation that takes longer than a statement may is not tried at each turn of the stage.
				WHEN OTHERS OR query_canceled THEN
					PERFORM not_done('generations', NULL, SQLSTATE, SQLERRM);
					UPDATE upkeep u SET due_at = now_at + interval '1 hour', failing = coalesce(u.failing, now_at);
			END;
			RETURN false;
		END
	$$;
COMMENT ON FUNCTION vac_store.pass_upkeep(timestamptz) IS
	'Does what generations need, if it is due and no other daemon is at it; true: something was done, and there may be more';

CREATE OR REPLACE FUNCTION vac_store.upkeep_status(now_at timestamptz) RETURNS TABLE (severity text, text text)
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT CASE WHEN a.ahead = 0 THEN 'bad' ELSE 'warn' END,
				format('tables: %s of %s in advance; start the vacd service, or run `vacd migrate`',
					CASE a.ahead WHEN 0 THEN 'no generation' ELSE 'only 1 generation' END, a.name)
			FROM (SELECT t.name, generations_ahead(t.name) AS ahead FROM (VALUES ('message'), ('inbound'), ('history')) t (name)) a
			WHERE a.ahead < 2
		UNION ALL
		SELECT 'warn', format('tables: generations are put off for %s, because somebody''s transaction is in the way; see pg_stat_activity',
				age_text(u.failing, now_at))
			FROM upkeep u WHERE u.failing < now_at - interval '3 days';
	$$;
COMMENT ON FUNCTION vac_store.upkeep_status(timestamptz) IS 'What of generations is amiss, for status(); no line: nothing is';
