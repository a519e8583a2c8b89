-- Is everything running?
CREATE OR REPLACE VIEW vac.status WITH (security_invoker = true) AS
	SELECT CASE s.severity WHEN 'ok' THEN 'ok' WHEN 'warn' THEN 'LOOK' ELSE 'BAD' END AS mark, s.text
		FROM vac_daemon.status() s ORDER BY s.line_no;
COMMENT ON VIEW vac.status IS 'Is everything running, now and whatever vac.now says? The same lines as `vacd status`';
COMMENT ON COLUMN vac.status.mark IS 'ok; LOOK: somebody should have a look; BAD: something does not work';
COMMENT ON COLUMN vac.status.text IS 'What, in words';
GRANT SELECT ON vac.status TO vac_supervisor;
