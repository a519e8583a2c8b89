-- Who is on the roster?
CREATE OR REPLACE VIEW vac.roster WITH (security_invoker = true) AS
	SELECT o.code AS office, k.code AS coordinator, vac_store.wrapped(k.name, 18) AS name, vac_store.duty_text(k.duty) AS duty,
			vac_store.list_text(ARRAY(SELECT l.language::text FROM vac_store.coordinator_language l
				WHERE l.coordinator_id = k.coordinator_id ORDER BY l.language <> 'en', l.language), 3) AS languages,
			vac_store.wrapped(CASE WHEN g.lacks = '{}' THEN 'all'
				WHEN cardinality(g.lacks) = 1 AND cardinality(g.gives) > 2 THEN 'all but ' || g.lacks[1]
				ELSE vac_store.list_text(g.gives, 3) END, 20) AS services,
			concat_ws(E'\n', k.telephone, CASE WHEN k.mail_failed_at IS NOT NULL THEN 'mail fails' END, CASE WHEN k.away_noted_at > vac.now() - interval '14 days'
				THEN 'away? ' || vac_store.short_time(k.away_noted_at, coalesce(k.time_zone, o.time_zone), 'DD Mon') END) AS telephone
		FROM vac_store.coordinator k
			JOIN vac_store.office o ON o.office_id = k.office_id
			CROSS JOIN LATERAL (
				SELECT coalesce(array_agg(split_part(s.code, '_', 1) ORDER BY s.code) FILTER (WHERE x.service IS NOT NULL), '{}') AS gives,
						coalesce(array_agg(split_part(s.code, '_', 1) ORDER BY s.code) FILTER (WHERE x.service IS NULL), '{}') AS lacks
					FROM vac_store.service s
						LEFT JOIN vac_store.coordinator_service x ON x.service = s.code AND x.coordinator_id = k.coordinator_id) g
		WHERE k.retired_at IS NULL
		ORDER BY o.code NOT IN (SELECT own.code FROM vac_store.office own WHERE own.office_id IN (SELECT vac_store.my_offices())),
			o.code, k.duty DESC, k.code;
COMMENT ON VIEW vac.roster IS
	'Who is on the roster? One''s own offices first, then their backups. Hours: view patterns; leave: absences';
COMMENT ON COLUMN vac.roster.office IS 'Office of the coordinator';
COMMENT ON COLUMN vac.roster.coordinator IS 'Code of the coordinator, as verbs want it';
COMMENT ON COLUMN vac.roster.name IS 'Name';
COMMENT ON COLUMN vac.roster.duty IS 'full-time or collateral';
COMMENT ON COLUMN vac.roster.languages IS 'Languages spoken, as tags; +2: two more';
COMMENT ON COLUMN vac.roster.services IS 'Services given, by their first word';
COMMENT ON COLUMN vac.roster.telephone IS 'Work telephone; below it mail fails: an invitation came back, or away? with the day of an automatic reply (out of office) in the last two weeks';
GRANT SELECT ON vac.roster TO vac_supervisor;
