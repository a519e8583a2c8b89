-- What does each coordinator's week look like?
CREATE OR REPLACE VIEW vac.week_picture WITH (security_invoker = true) AS
	SELECT w.who, w.picture FROM vac.week_picture() w;
COMMENT ON VIEW vac.week_picture IS
	'What does each coordinator''s week look like: meetings, shifts, leave? A picture of seven days from today; vac.week_picture(''SEA'', days => 1) shows other days, view week lists the meetings';
COMMENT ON COLUMN vac.week_picture.who IS 'Coordinator, by code and name, under the office whose local time it is; below them others who come to its cases';
COMMENT ON COLUMN vac.week_picture.picture IS 'A column two hours; what the signs mean stands in the first line';
GRANT SELECT ON vac.week_picture TO vac_supervisor;
