-- How much may coordinators be given?
CREATE OR REPLACE VIEW vac.limits WITH (security_invoker = true) AS
	SELECT o.code AS office, vac_store.duty_text(d.duty) AS duty,
			coalesce(l.max_open_cases, (p.numbers ->> 'max_open_cases')::integer) AS open_cases,
			round(coalesce(l.weekly_minutes, (p.numbers ->> 'weekly_minutes')::integer) / 60.0, 1) AS hours_a_week,
			coalesce(l.meetings_a_day, (p.numbers ->> 'meetings_a_day')::integer) AS meetings_a_day,
			coalesce(NULLIF(concat_ws(', ', CASE WHEN l.max_open_cases IS NOT NULL THEN 'open cases' END, CASE WHEN l.weekly_minutes IS NOT NULL THEN 'hours' END,
				CASE WHEN l.meetings_a_day IS NOT NULL THEN 'meetings' END), ''), 'nothing') AS set_by_office,
			vac_store.list_text(ARRAY(SELECT k.code FROM vac_store.coordinator k
				WHERE k.office_id = o.office_id AND k.duty = d.duty AND k.retired_at IS NULL
					AND num_nonnulls(k.max_open_cases, k.weekly_minutes, k.meetings_a_day) > 0 ORDER BY k.code), 4) AS have_their_own
		FROM vac_store.office o
			CROSS JOIN unnest(ARRAY['full_time', 'collateral']) WITH ORDINALITY AS d (duty, place)
			CROSS JOIN LATERAL (SELECT jsonb_object_agg(left(y.name, - length(d.duty) - 1), y.value) AS numbers FROM vac_store.policy y
				WHERE y.urgency IS NULL AND y.name IN ('max_open_cases_' || d.duty, 'weekly_minutes_' || d.duty, 'meetings_a_day_' || d.duty)) p
			LEFT JOIN vac_store.office_limit l ON l.office_id = o.office_id AND l.duty = d.duty
		WHERE o.retired_at IS NULL AND o.office_id IN (SELECT vac_store.my_offices())
		ORDER BY o.code, d.place;
COMMENT ON VIEW vac.limits IS
	'How much may coordinators be given? For each of one''s offices, by duty; who has limits of their own is named. vac.set_limits() sets those, '
	'vac.set_office_limits() the office''s, vac.set_policy() everybody''s';
COMMENT ON COLUMN vac.limits.office IS 'Office';
COMMENT ON COLUMN vac.limits.duty IS 'full-time or collateral';
COMMENT ON COLUMN vac.limits.open_cases IS 'Open cases at most';
COMMENT ON COLUMN vac.limits.hours_a_week IS 'Hours a week at most, with travel';
COMMENT ON COLUMN vac.limits.meetings_a_day IS 'Meetings a day at most';
COMMENT ON COLUMN vac.limits.set_by_office IS 'Which of them the office set; the others are the policy''s';
COMMENT ON COLUMN vac.limits.have_their_own IS 'Coordinators with limits of their own';
GRANT SELECT ON vac.limits TO vac_supervisor;
