-- What is kept no longer goes a generation at a time. What of it is still needed is carried over: a small table takes
-- the place of the large one. History goes otherwise, behind a signed checkpoint: see 41_daemon_seal.sql.

-- ---- policy ----------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.keep_policy(of_table text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE of_table WHEN 'message' THEN 'keep_messages' WHEN 'inbound' THEN 'keep_inbound' WHEN 'history' THEN 'keep_history' END;
COMMENT ON FUNCTION vac_store.keep_policy(text) IS 'The policy that says how long rows of the table are kept';

-- Whoever looks into an answer or a delivery report of last month wants to find both mails.
CREATE OR REPLACE FUNCTION vac_store.keep_check() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- What goes as a whole may not go before the part of it that has a policy of its own.
			whole text := CASE NEW.name WHEN 'keep_sent_mail' THEN 'keep_messages' WHEN 'keep_raw_inbound' THEN 'keep_inbound' ELSE NEW.name END;
			part text := CASE whole WHEN 'keep_messages' THEN 'keep_sent_mail' ELSE 'keep_raw_inbound' END;
			whole_days bigint := CASE WHEN NEW.name = whole THEN NEW.value::bigint ELSE policy_number(whole) END;
			part_days bigint := CASE WHEN NEW.name = part THEN NEW.value::bigint ELSE policy_number(part) END;
		BEGIN
			IF NEW.name = whole AND NOT is_administrator() THEN
				RAISE insufficient_privilege USING
					MESSAGE = format('policy %s is for administrators of the database', NEW.name),
					HINT = 'What it says is how long it can be read what was said to people, and what they answered.';
			ELSIF NEW.name = whole AND whole_days BETWEEN 1 AND 29 THEN
				RAISE check_violation USING MESSAGE = format('policy %s: "%s" is neither 0 nor 30 or more days', NEW.name, NEW.value);
			ELSIF whole_days > 0 AND part_days > whole_days THEN
				RAISE check_violation USING MESSAGE = format('policy %s: "%s" does not go with %s, which is %s', NEW.name, NEW.value,
					CASE NEW.name WHEN whole THEN part ELSE whole END, CASE NEW.name WHEN whole THEN part_days ELSE whole_days END);
			END IF;
			UPDATE upkeep u SET due_at = '-infinity' WHERE NEW.name = whole;
			RETURN NEW;
		END
	$$;
COMMENT ON FUNCTION vac_store.keep_check() IS
	'Trigger: an administrator says how long mail is kept, for 30 days at least, and as long as its texts or raw bytes; the daemon looks anew at what is to go';
CREATE OR REPLACE TRIGGER policy_keep_mail BEFORE UPDATE ON vac_store.policy
	FOR EACH ROW WHEN (NEW.name IN ('keep_messages', 'keep_inbound', 'keep_sent_mail', 'keep_raw_inbound'))
	EXECUTE FUNCTION vac_store.keep_check();

-- An hour for what a transaction wrote that was open when the generation ended.
CREATE OR REPLACE FUNCTION vac_store.goes_at(g generation) RETURNS timestamptz
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	RETURN g.ended_at + NULLIF(vac_store.policy_number(vac_store.keep_policy(g.of_table)), 0) * interval '24 hours' + interval '1 hour';
COMMENT ON FUNCTION vac_store.goes_at(generation) IS
	'When policy keeps nothing of the generation any more; NULL: it is not at its end, or is kept for ever';

-- ---- what is still needed --------------------------------------------------------------------
-- All that tells of a case that is open, of an appointment or a duty to come, what is still to be sent or telephoned,
-- and what mail is about that waits for a person. Asked from the side of which there is little.
CREATE OR REPLACE FUNCTION vac_store.needed_messages(low bigint, high bigint, now_at timestamptz) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	AS $$
		SELECT ARRAY(
			SELECT m.message_id FROM message m WHERE m.waiting AND m.message_id >= low AND m.message_id < high
			UNION
			SELECT m.message_id FROM case_record c JOIN message m ON m.case_id = c.case_id
				WHERE c.state = 'open' AND m.message_id >= low AND m.message_id < high
			UNION
			-- Mail keeps the code it went out with, also when that was merged.
			SELECT m.message_id FROM case_record c JOIN case_record g ON g.merged_into = c.case_id JOIN message m ON m.case_id = g.case_id
				WHERE c.state = 'open' AND m.message_id >= low AND m.message_id < high
			UNION
			SELECT m.message_id FROM appointment a JOIN message m ON m.uid = a.uid
				WHERE a.live AND m.message_id >= low AND m.message_id < high
			UNION
			SELECT m.message_id FROM duty_shift d JOIN message m ON m.uid = d.uid
				WHERE upper(d.span) > now_at AND m.message_id >= low AND m.message_id < high
			UNION
			SELECT m.message_id FROM message m WHERE m.amiss AND upper(m.span) > now_at AND m.message_id >= low AND m.message_id < high
			UNION
			SELECT i.message_id FROM inbound i
				WHERE (i.waiting OR (i.state = 'listed' AND i.taken_up_at IS NULL)) AND i.message_id >= low AND i.message_id < high
			ORDER BY 1);
	$$;
COMMENT ON FUNCTION vac_store.needed_messages(bigint, bigint, timestamptz) IS
	'Which messages of these keys are needed, however old they are';

CREATE OR REPLACE FUNCTION vac_store.needed_inbound(low bigint, high bigint) RETURNS bigint[]
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	AS $$
		WITH needed AS MATERIALIZED (
			SELECT i.inbound_id, i.delivery FROM inbound i WHERE i.waiting AND i.inbound_id >= low AND i.inbound_id < high
			UNION
			SELECT i.inbound_id, i.delivery FROM inbound i
				WHERE i.state = 'listed' AND i.taken_up_at IS NULL AND i.inbound_id >= low AND i.inbound_id < high
			UNION
			SELECT i.inbound_id, i.delivery
				FROM case_record c JOIN appointment a ON a.case_id = c.case_id JOIN inbound i ON i.appointment_id = a.appointment_id
				WHERE c.state = 'open' AND i.inbound_id >= low AND i.inbound_id < high
			UNION
			SELECT i.inbound_id, i.delivery FROM appointment a JOIN inbound i ON i.appointment_id = a.appointment_id
				WHERE a.live AND i.inbound_id >= low AND i.inbound_id < high
			UNION
			-- A report about a message is about no appointment, maybe.
			SELECT i.inbound_id, i.delivery FROM inbound i
					JOIN message m ON m.message_id = i.message_id
					JOIN case_record g ON g.case_id = m.case_id
					JOIN case_record c ON c.case_id = coalesce(g.merged_into, g.case_id)
				WHERE c.state = 'open' AND i.inbound_id >= low AND i.inbound_id < high
		)
		-- One row of a delivery has the bytes of all.
		SELECT ARRAY(
			SELECT o.inbound_id FROM needed n JOIN inbound o ON o.delivery = n.delivery WHERE o.inbound_id >= low AND o.inbound_id < high
			UNION
			SELECT n.inbound_id FROM needed n
			ORDER BY 1);
	$$;
COMMENT ON FUNCTION vac_store.needed_inbound(bigint, bigint) IS 'Which mail that came in, of these keys, is needed, however old it is';

CREATE OR REPLACE FUNCTION vac_store.needed_of(g generation, now_at timestamptz) RETURNS bigint[]
	LANGUAGE sql STABLE
	RETURN CASE g.of_table WHEN 'message' THEN vac_store.needed_messages(coalesce(g.from_id, '-9223372036854775808'), g.until_id, now_at)
		WHEN 'inbound' THEN vac_store.needed_inbound(coalesce(g.from_id, '-9223372036854775808'), g.until_id) END;
COMMENT ON FUNCTION vac_store.needed_of(generation, timestamptz) IS 'Which rows of the generation are needed, however old they are';

CREATE OR REPLACE FUNCTION vac_store.rows_of(g generation, OUT n bigint, OUT newest timestamptz)
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	AS $$
		DECLARE
			low bigint := coalesce(g.from_id, '-9223372036854775808');
		BEGIN
			CASE g.of_table
				WHEN 'message' THEN
					SELECT count(*), max(m.made_at) INTO n, newest FROM message m WHERE m.message_id >= low AND m.message_id < g.until_id;
				WHEN 'inbound' THEN
					SELECT count(*), max(i.received_at) INTO n, newest FROM inbound i WHERE i.inbound_id >= low AND i.inbound_id < g.until_id;
				ELSE
					SELECT count(*), max(h.at) INTO n, newest FROM history h WHERE h.history_id >= low AND h.history_id < g.until_id;
			END CASE;
		END
	$$;
COMMENT ON FUNCTION vac_store.rows_of(generation) IS 'How many rows the generation has, and when the newest was written';

-- ---- removing --------------------------------------------------------------------------------
-- The lock that dropping a partition takes.
CREATE OR REPLACE FUNCTION vac_store.lock_whole(of_table text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			CASE of_table
				WHEN 'message' THEN LOCK TABLE ONLY message IN ACCESS EXCLUSIVE MODE;
				WHEN 'inbound' THEN LOCK TABLE ONLY inbound IN ACCESS EXCLUSIVE MODE;
				ELSE LOCK TABLE ONLY history IN ACCESS EXCLUSIVE MODE;
			END CASE;
		END
	$$;
COMMENT ON FUNCTION vac_store.lock_whole(text) IS 'Keeps everybody from the table until the transaction ends';

CREATE OR REPLACE FUNCTION vac_store.try_lock_whole(of_table text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			PERFORM lock_whole(of_table);
			RAISE SQLSTATE 'VCLCK';
		EXCEPTION WHEN SQLSTATE 'VCLCK' THEN
			-- An error ends what the block has locked.
			NULL;
		END
	$$;
COMMENT ON FUNCTION vac_store.try_lock_whole(text) IS
	'Locks the table and lets it go again, so that nothing is done in vain where somebody''s transaction is in the way: that is an error';

CREATE OR REPLACE FUNCTION vac_store.drop_generation(g generation) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			EXECUTE format('DROP TABLE vac_store.%I', format('%s_%s', g.of_table, g.number));
			DELETE FROM generation o WHERE o.of_table = g.of_table AND o.number = g.number;
		END
	$$;
COMMENT ON FUNCTION vac_store.drop_generation(generation) IS 'Drops a generation with all that is in it';

-- Nobody can be at the table while a small one takes its place. So that is made and filled before, with its indexes, and
-- then only what was written meanwhile is copied.
CREATE OR REPLACE FUNCTION vac_store.copy_rows(g generation, ids bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			name text := format('%s_%s', g.of_table, g.number);
			-- What is generated from others comes by itself.
			columns text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
				WHERE a.attrelid = ('vac_store.' || g.of_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '');
		BEGIN
			EXECUTE format('INSERT INTO vac_store.%I (%s) SELECT %2$s FROM vac_store.%3$I WHERE %4$I = ANY ($1) ORDER BY %4$I',
				name || '_carried', columns, name, g.of_table || '_id') USING ids;
		END
	$$;
COMMENT ON FUNCTION vac_store.copy_rows(generation, bigint[]) IS 'Copies these rows of a generation into the table that is to take its place';

CREATE OR REPLACE FUNCTION vac_store.begin_carrying(g generation, ids bigint[]) RETURNS xid8
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- Asked before the rows are read: whatever they do not show then was written by none that is older.
			oldest xid8 := pg_snapshot_xmin(pg_current_snapshot());
		BEGIN
			PERFORM make_generation_table(g.of_table, format('%s_%s_carried', g.of_table, g.number), true), copy_rows(g, ids);
			RETURN oldest;
		END
	$$;
COMMENT ON FUNCTION vac_store.begin_carrying(generation, bigint[]) IS
	'Makes a table that has only these rows of the generation; returns the oldest transaction that may have written to them since';

CREATE OR REPLACE FUNCTION vac_store.carry_over(g generation, copied bigint[], ids bigint[], oldest xid8) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			name text := format('%s_%s', g.of_table, g.number);
			small text := name || '_carried';
			changed bigint[];
		BEGIN
			EXECUTE format('SELECT coalesce(array_agg(%I), ''{}'') FROM vac_store.%I WHERE %1$I = ANY ($1) AND age(xmin) <= age($2)', g.of_table || '_id', name)
				INTO changed USING ids, oldest::xid;
			EXECUTE format('DELETE FROM vac_store.%I WHERE %I = ANY ($1)', small, g.of_table || '_id')
				USING changed || ARRAY(SELECT unnest(copied) EXCEPT SELECT unnest(ids));
			PERFORM copy_rows(g, changed || ARRAY(SELECT unnest(ids) EXCEPT SELECT unnest(copied)));
			EXECUTE format('DROP TABLE vac_store.%I', name);
			EXECUTE format('ALTER TABLE vac_store.%I RENAME TO %I', small, name);
			PERFORM attach_generation(g.of_table, name, g.from_id, g.until_id);
		END
	$$;
COMMENT ON FUNCTION vac_store.carry_over(generation, bigint[], bigint[], xid8) IS
	'Puts the table that was made of these rows in the generation''s place, once it has those others, as they are now; the caller has the table locked';

CREATE OR REPLACE FUNCTION vac_store.remove_generation(g generation, now_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- More would take longer than a statement may: a year's open cases have a tenth of that.
			most CONSTANT bigint := 50000;
			n bigint;
			newest timestamptz;
			ids bigint[];
			copied bigint[];
			oldest xid8;
		BEGIN
			SELECT r.n, r.newest INTO n, newest FROM rows_of(g) r;
			copied := needed_of(g, now_at);
			IF newest > kept_until(keep_policy(g.of_table), now_at) OR (n > 0 AND cardinality(copied) = n) OR cardinality(copied) > most THEN
				UPDATE generation o SET look_at = now_at + interval '30 days' WHERE o.of_table = g.of_table AND o.number = g.number;
				RETURN;
			ELSIF copied <> '{}' THEN
				PERFORM try_lock_whole(g.of_table);
				oldest := begin_carrying(g, copied);
			END IF;
			PERFORM lock_whole(g.of_table);
			-- Asked again: what was committed meanwhile may need more.
			ids := needed_of(g, now_at);
			IF copied <> '{}' THEN
				PERFORM carry_over(g, copied, ids, oldest);
				UPDATE generation o SET look_at = now_at + interval '30 days' WHERE o.of_table = g.of_table AND o.number = g.number;
			ELSIF ids = '{}' THEN
				PERFORM drop_generation(g);
			ELSE
				-- It is begun anew, with the next step.
				RETURN;
			END IF;
			PERFORM record(CASE g.of_table WHEN 'message' THEN 'messages_removed' ELSE 'inbound_removed' END,
				more => jsonb_build_object('rows', n - cardinality(ids), 'kept', cardinality(ids), 'from', stamp_text(g.begun_at), 'until', stamp_text(g.ended_at)))
				WHERE n > cardinality(ids);
		END
	$$;
COMMENT ON FUNCTION vac_store.remove_generation(generation, timestamptz) IS
	'Removes a generation of message or inbound that policy keeps no longer, but for what is needed; what is needed is looked for again in a month';
