-- The slow poll: one question for all stages of a daemon that sleep. Of each the same question as it asks itself at the
-- end of a turn; nothing is changed, and no row is locked.

CREATE OR REPLACE FUNCTION vac_daemon.next_deadline(daemon_id uuid) RETURNS bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	SET enable_seqscan = off
	AS $$
		#variable_conflict use_column
		DECLARE
			now_at timestamptz := wall();
			next_at timestamptz;
		BEGIN
			IF NOT is_home() THEN
				RETURN NULL;
			END IF;
			-- An alarm is raised, and cleared, by the passing of time alone; and mail that is late is still looked for. It has no
			-- time to be sent by any more where a yes was taken back before its window opened.
			IF EXISTS (SELECT FROM appointment a WHERE a.state = 'invited' AND a.answer_by IS NULL AND (a.send_by <= now_at OR a.send_by IS NULL))
				OR EXISTS (SELECT FROM alarm a WHERE a.daemon_id = next_deadline.daemon_id AND a.name = 'invitations_unsent') THEN
				RETURN 0;
			END IF;
			-- Whether mail was taken that is not late a daemon that knows of it looks more often.
			SELECT min(CASE d.what WHEN 'unsent' THEN now_at + interval '10 seconds' ELSE d.due END) INTO next_at
				FROM deadlines(1, now_at, lapses_from(now_at), false) d;
			RETURN CASE WHEN isfinite(next_at) THEN ceil(greatest(date_part('epoch', next_at - now_at), 0) * 1000)::bigint END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_deadline(uuid) IS 'Milliseconds until something is due, for this daemon; NULL: nothing is known';

CREATE OR REPLACE FUNCTION vac_daemon.next_seal() RETURNS bigint
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN CASE WHEN is_home() AND EXISTS (SELECT FROM unsealed) THEN 0 END;
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_seal() IS '0: rows of history wait to be sealed; NULL: none does';

CREATE OR REPLACE FUNCTION vac_daemon.next_work(daemon_id uuid, stages text[])
	RETURNS TABLE (stage text, next_ms bigint)
	LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		#variable_conflict use_column
		BEGIN
			RETURN QUERY
			SELECT u.stage, CASE u.stage
					WHEN 'dispatch' THEN vac_daemon.next_dispatch(next_work.daemon_id)
					WHEN 'mailer' THEN vac_daemon.next_message()
					WHEN 'answer' THEN vac_daemon.next_inbound()
					WHEN 'deadline' THEN vac_daemon.next_deadline(next_work.daemon_id)
					WHEN 'seal' THEN vac_daemon.next_seal() END
				FROM unnest(next_work.stages) u (stage);
		END
	$$;
COMMENT ON FUNCTION vac_daemon.next_work(uuid, text[]) IS
	'For each of these stages of a daemon, milliseconds until there is something for it; 0: now, NULL: nothing is known';
