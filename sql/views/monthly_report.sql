-- Whom did each office serve, and how soon?
CREATE OR REPLACE VIEW vac.monthly_report WITH (security_invoker = true) AS
	SELECT to_char(m.month, 'YYYY-MM') AS month, o.code AS office, m.cases::numeric AS new_cases, m.served::numeric AS persons_served,
			m.meetings::numeric AS meetings, m.contacted::numeric AS contacted, m.in_time::numeric AS in_time,
			round(m.hours[1]::numeric, 1) AS median_hours, round(m.hours[2]::numeric, 1) AS nine_in_ten_hours
		FROM vac_store.month_counts(vac.now()) m
			JOIN vac_store.office o ON o.office_id = m.office_id
		ORDER BY m.month DESC, o.code;
COMMENT ON VIEW vac.monthly_report IS
	'Whom did each office serve in this month and the twelve before, and how soon? For a spreadsheet: '
	'\copy (SELECT * FROM vac.monthly_report) TO ''report.csv'' CSV HEADER';
COMMENT ON COLUMN vac.monthly_report.month IS 'Month, in local time of the office; the newest first';
COMMENT ON COLUMN vac.monthly_report.office IS 'Office that the cases belong to';
COMMENT ON COLUMN vac.monthly_report.new_cases IS 'Cases opened in the month: one a victim';
COMMENT ON COLUMN vac.monthly_report.persons_served IS 'Victims who were met in the month, whenever their case was opened';
COMMENT ON COLUMN vac.monthly_report.meetings IS 'Meetings held in the month';
COMMENT ON COLUMN vac.monthly_report.contacted IS 'Of the cases opened in the month, those with a first contact by now';
COMMENT ON COLUMN vac.monthly_report.in_time IS 'Of these, how many had it before the clock of first contact ran out';
COMMENT ON COLUMN vac.monthly_report.median_hours IS 'Half of these had it within so many hours of the opening';
COMMENT ON COLUMN vac.monthly_report.nine_in_ten_hours IS 'Nine in ten of these had it within so many hours';
GRANT EXECUTE ON FUNCTION vac_store.month_counts(timestamptz) TO vac_supervisor;
GRANT SELECT ON vac.monthly_report TO vac_supervisor;
