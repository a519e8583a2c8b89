-- Which words may no mail contain?
CREATE OR REPLACE VIEW vac.protected_words WITH (security_invoker = true) AS
	SELECT vac_store.wrapped(p.word, 60) AS word, vac_store.short_time(p.added_at, 'UTC') AS added, p.added_by AS by
		FROM vac_store.protected_word p
		ORDER BY lower(p.word);
COMMENT ON VIEW vac.protected_words IS
	'Which words may no mail contain? vac.add_protected_word() and vac.remove_protected_word() change the list';
COMMENT ON COLUMN vac.protected_words.word IS 'Word or phrase';
COMMENT ON COLUMN vac.protected_words.added IS 'When it was put on the list';
COMMENT ON COLUMN vac.protected_words.by IS 'Login that did';
GRANT SELECT ON vac.protected_words TO vac_supervisor;
