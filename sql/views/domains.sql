-- To which domains may mail go?
CREATE OR REPLACE VIEW vac.domains WITH (security_invoker = true) AS
	SELECT d.domain, vac_store.short_time(d.added_at, 'UTC') AS added, d.added_by AS by
		FROM vac_store.allowed_domain d
		ORDER BY d.domain;
COMMENT ON VIEW vac.domains IS
	'To which domains may mail go? None listed: to coordinators and supervisors of any, to no requester';
COMMENT ON COLUMN vac.domains.domain IS 'Domain';
COMMENT ON COLUMN vac.domains.added IS 'When it was put on the list';
COMMENT ON COLUMN vac.domains.by IS 'Login that did';
GRANT SELECT ON vac.domains TO vac_supervisor;
