-- How long are mail and history kept?
CREATE OR REPLACE VIEW vac.retention WITH (security_invoker = true) AS
	SELECT CASE g.of_table WHEN 'message' THEN 'mail out' WHEN 'inbound' THEN 'mail in' ELSE 'history' END AS what,
			vac_store.short_time(g.begun_at, 'UTC', 'DD Mon YYYY') AS begins, vac_store.short_time(g.ended_at, 'UTC', 'DD Mon YYYY') AS ends,
			CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS about_rows,
			CASE p.value WHEN '0' THEN 'for ever' ELSE p.value || ' days' END AS kept,
			CASE WHEN p.value = '0' THEN 'never'
				WHEN g.look_at IS NOT NULL THEN 'gone, but for what is still needed'
				WHEN g.ended_at IS NULL THEN 'it is the month now'
				WHEN g.of_table = 'history' THEN 'a day at a time'
				ELSE vac_store.short_time(g.ended_at + p.value::integer * interval '24 hours' + interval '1 hour', 'UTC', 'DD Mon YYYY') END AS goes
		FROM vac_store.generation g
			JOIN vac_store.policy p ON p.name = CASE g.of_table WHEN 'message' THEN 'keep_messages' WHEN 'inbound' THEN 'keep_inbound' ELSE 'keep_history' END
			LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = 'vac_store'::regnamespace AND c.relname = format('%s_%s', g.of_table, g.number)
		WHERE g.begun_at IS NOT NULL OR g.from_id IS NULL
		ORDER BY g.of_table DESC, g.number;
COMMENT ON VIEW vac.retention IS
	'How long are mail and history kept, and what goes when? A row for each month, which of mail goes as a whole; vac.set_policy() says how long, vac.remove_old() has it done at once';
COMMENT ON COLUMN vac.retention.what IS 'mail out, mail in, history';
COMMENT ON COLUMN vac.retention.begins IS 'First day, UTC';
COMMENT ON COLUMN vac.retention.ends IS 'Day on which the next began; empty: it is the one of now';
COMMENT ON COLUMN vac.retention.about_rows IS 'How many rows it has, as PostgreSQL last counted';
COMMENT ON COLUMN vac.retention.kept IS 'How long after it has ended, by policies keep_messages, keep_inbound, keep_history';
COMMENT ON COLUMN vac.retention.goes IS 'When it goes; history only where a daemon has a key to sign what stands in its place';
GRANT SELECT ON vac.retention TO vac_supervisor;
