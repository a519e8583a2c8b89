-- Whom did each office serve, and how soon?
CREATE OR REPLACE VIEW vac.monthly_report WITH (security_invoker = true) AS
	SELECT to_char(x.month, 'YYYY-MM') AS month, o.code AS office, sum(x.cases) AS new_cases, sum(x.served) AS persons_served,
			sum(x.meetings) AS meetings, sum(x.contacted) AS contacted, sum(x.in_time) AS in_time,
			round(max(x.hours[1])::numeric, 1) AS median_hours, round(max(x.hours[2])::numeric, 1) AS nine_in_ten_hours
		FROM (
			SELECT c.office_id, date_trunc('month', c.opened_at AT TIME ZONE z.time_zone) AS month, count(*) AS cases, 0 AS served, 0 AS meetings,
					count(c.first_contact_at) AS contacted, count(*) FILTER (WHERE c.first_contact_at <= k.due_at) AS in_time,
					percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY date_part('epoch', c.first_contact_at - c.opened_at) / 3600) AS hours
				FROM vac_store.case_record c
					JOIN vac_store.office z ON z.office_id = c.office_id
					-- Of a case there is one that is done.
					LEFT JOIN vac_store.clock k ON k.case_id = c.case_id AND k.kind = 'first_contact' AND k.done_at IS NOT NULL
				WHERE c.opened_at <= vac.now()
				GROUP BY 1, 2
			UNION ALL
			SELECT a.office_id, date_trunc('month', lower(a.span) AT TIME ZONE z.time_zone), 0, count(DISTINCT a.case_id), count(*), 0, 0, NULL
				FROM vac_store.appointment a JOIN vac_store.office z ON z.office_id = a.office_id
				WHERE a.state = 'held' AND lower(a.span) <= vac.now() AND a.office_id IN (SELECT vac_store.my_offices())
				GROUP BY 1, 2) x
			JOIN vac_store.office o ON o.office_id = x.office_id
		WHERE x.month > date_trunc('month', vac.now() AT TIME ZONE o.time_zone) - interval '13 months'
		GROUP BY x.month, o.code
		ORDER BY x.month DESC, o.code;
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
GRANT SELECT ON vac.monthly_report TO vac_supervisor;
