-- By which numbers does vacd decide?
CREATE OR REPLACE VIEW vac.policies WITH (security_invoker = true) AS
	SELECT p.name, p.urgency::text AS urgency, vac_store.wrapped(p.value, 20) AS value,
			CASE WHEN p.kind NOT IN ('text', 'hours') THEN replace(p.kind, '_', ' ') END AS counts,
			vac_store.wrapped(p.meaning || CASE WHEN p.source LIKE 'starting value%' THEN '' ELSE ' (' || p.source || ')' END, 36) AS meaning
		FROM vac_store.policy p
		ORDER BY p.name, array_position(ARRAY['immediate', 'urgent', 'routine'], p.urgency::text);
COMMENT ON VIEW vac.policies IS
	'By which numbers does vacd decide? vac.set_policy() changes one; an empty urgency: one value for all';
COMMENT ON COLUMN vac.policies.name IS 'Name, as vac.set_policy() wants it';
COMMENT ON COLUMN vac.policies.urgency IS 'Urgency that the value is for';
COMMENT ON COLUMN vac.policies.value IS 'Value';
COMMENT ON COLUMN vac.policies.counts IS 'What it counts';
COMMENT ON COLUMN vac.policies.meaning IS 'What it is, and in brackets where it comes from, unless it is a starting value';
GRANT SELECT ON vac.policies TO vac_supervisor, vac_intake;
