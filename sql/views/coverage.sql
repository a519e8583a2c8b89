-- How many people has each office in each hour, and when has it nobody?
CREATE OR REPLACE VIEW vac.coverage WITH (security_invoker = true) AS
	SELECT c.office, c.picture, c.nobody FROM vac.coverage() c;
COMMENT ON VIEW vac.coverage IS
	'How many people has each office in each hour of four days, and when has it nobody? A picture; vac.coverage(''SEA'', days => 14) shows other days. Hours are local to each office, what is over is blank';
COMMENT ON COLUMN vac.coverage.office IS 'Office; the first lines are the legend, the days, and the local hours';
COMMENT ON COLUMN vac.coverage.picture IS 'A column an hour, of its leanest quarter hour: the higher the bar the more are at work and free, shaded where people are only on call, + where all are taken, ! where nobody is';
COMMENT ON COLUMN vac.coverage.nobody IS 'For how many hours to come nobody is at work or on call; whether somebody should be says view coverage_gaps';
GRANT SELECT ON vac.coverage TO vac_supervisor;
