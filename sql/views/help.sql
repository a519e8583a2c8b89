-- What can one ask and do?
CREATE OR REPLACE VIEW vac.help WITH (security_invoker = true) AS
	SELECT h.kind, h.what, h.example
		FROM (VALUES
			(10, 'look', 'open cases, and how each stands', 'TABLE vac.open_cases'),
			(11, 'look', 'cases that nobody is found for', 'TABLE vac.unassigned'),
			(12, 'look', 'why this coordinator, why not that one', 'SELECT * FROM vac.why WHERE case_code = ''K7Q-4MX'''),
			(13, 'look', 'what a plan costs, term by term', 'SELECT * FROM vac.plan_cost(''K7Q-4MX'')'),
			(14, 'look', 'who can be called now', 'TABLE vac.on_duty_now'),
			(15, 'look', 'whom to ring up for a case', 'SELECT * FROM vac.who_could(''K7Q-4MX'')'),
			(16, 'look', 'who meets whom in the next seven days', 'TABLE vac.week'),
			(17, 'look', 'people, languages, services, telephones', 'TABLE vac.roster'),
			(18, 'look', 'their hours; their leave', 'TABLE vac.patterns; TABLE vac.absences'),
			(19, 'look', 'mail that has not gone out yet', 'TABLE vac.mail_queue'),
			(20, 'look', 'mail kept back, refused, or made neutral', 'TABLE vac.suppressed'),
			(21, 'look', 'what happened, who did it, why', 'SELECT * FROM vac.history LIMIT 30'),
			(22, 'look', 'is everything running', 'TABLE vac.status'),
			(23, 'look', 'offices; where to meet; who supervises', 'TABLE vac.offices; TABLE vac.places; TABLE vac.supervisors'),
			(24, 'look', 'services, holidays, policies', 'TABLE vac.services; TABLE vac.holidays; TABLE vac.policies'),
			(25, 'look', 'words mail may not say; its domains', 'TABLE vac.protected_words; TABLE vac.domains'),
			(26, 'look', 'the cases that I opened', 'TABLE vac.my_cases'),
			(27, 'look', 'from another moment', 'SET vac.now = ''2026-12-24 03:00 PST''; …; RESET vac.now'),
			(30, 'case', 'open one', 'SELECT vac.open_case(''SEA'', ''es'')'),
			(31, 'case', 'somebody is in danger now', 'SELECT vac.open_case(''SEA'', ''es'', urgency => ''immediate'')'),
			(32, 'case', 'a raid: 23 victims at once', 'SELECT vac.open_case(''SEA'', victims => 23, key => ''raid 7'')'),
			(33, 'case', 'how it stands, and whom to name', 'SELECT * FROM vac.case_state(''K7Q-4MX'')'),
			(34, 'case', 'change what it needs', 'SELECT vac.change_request(''K7Q-4MX'', urgency => ''urgent'')'),
			(35, 'case', 'it needs no help any more', 'SELECT vac.withdraw_case(''K7Q-4MX'', ''resolved'')'),
			(36, 'case', 'contact is dangerous: stop everything', 'SELECT vac.hold_case(''K7Q-4MX'', ''safety: why'')'),
			(37, 'case', 'contact is safe again', 'SELECT vac.release_case(''K7Q-4MX'', ''safe: why'')'),
			(38, 'case', 'keep somebody away from it', 'SELECT vac.add_conflict(''K7Q-4MX'', ''SEA-1'')'),
			(39, 'case', 'let them near it again', 'SELECT vac.remove_conflict(''K7Q-4MX'', ''SEA-1'')'),
			(40, 'case', 'who is responsible for it', 'SELECT vac.set_responsible(''K7Q-4MX'', ''SEA-1'', ''why'')'),
			(41, 'case', 'look up a code (duty desk)', 'SELECT * FROM vac.look_up(''K7Q-4MX'')'),
			(50, 'people', 'leave', 'SELECT vac.add_leave(''SEA-1'', ''2026-12-24'', ''2026-12-26'')'),
			(51, 'people', 'back earlier, or leave taken back', 'SELECT vac.remove_leave(''SEA-1'', ''2026-12-26'')'),
			(52, 'people', 'a single shift', 'SELECT vac.add_shift(''SEA-1'', ''on_call'', ''2026-12-24'', ''2026-12-26'')'),
			(53, 'people', 'take it back', 'SELECT vac.remove_shift(''SEA-1'', ''2026-12-24'')'),
			(54, 'people', 'the weekly hours', 'SELECT vac.set_pattern(''SEA-1'', ''regular'', ''Mon-Fri 08:00-16:30'')'),
			(55, 'people', 'their limits', 'SELECT vac.set_limits(''SEA-1'', max_open_cases => 12)'),
			(56, 'people', 'a new one, or another telephone', 'SELECT vac.set_coordinator(''SEA-1'', telephone => ''…'')'),
			(57, 'people', 'somebody leaves', 'SELECT vac.retire_coordinator(''SEA-1'', ''roster: why'')'),
			(58, 'people', 'a supervisor; one who leaves', 'SELECT vac.set_supervisor(…), vac.retire_supervisor(…)'),
			(60, 'office', 'name, zone, telephone, or a new office', 'SELECT vac.set_office(''SEA'', telephone => ''…'')'),
			(61, 'office', 'its hours', 'SELECT vac.set_hours(''SEA'', ''Mon-Fri 08:00-17:00'')'),
			(62, 'office', 'a place to meet (remove_place: less one)', 'SELECT vac.set_place(''SEA'', ''AIR'', ''Airport desk'')'),
			(63, 'office', 'a backup office (remove_backup)', 'SELECT vac.set_backup(''SEA'', ''PDX'', 180)'),
			(64, 'office', 'it closes for good', 'SELECT vac.retire_office(''SEA'', ''roster: why'')'),
			(65, 'office', 'a holiday (remove_holiday)', 'SELECT vac.add_holiday(''2026-12-31'', ''Closed'', ''SEA'')'),
			(70, 'rules', 'a number by which vacd decides', 'SELECT vac.set_policy(''notice'', ''90'', ''urgent'')'),
			(71, 'rules', 'a service, its length and weight', 'SELECT vac.set_service(''counseling'', minutes => 50)'),
			(72, 'rules', 'a word mail may not say (remove_…)', 'SELECT vac.add_protected_word(''…'')'),
			(73, 'rules', 'a domain mail may go to (forbid_domain)', 'SELECT vac.allow_domain(''agency.example'')'),
			(80, 'try', 'what if: nothing of it can be committed', 'BEGIN; SELECT vac.what_if(); …; TABLE vac.week; ROLLBACK'),
			(81, 'try', 'all arguments of a verb, explained', '\df+ vac.open_case'))
			AS h (n, kind, what, example)
		ORDER BY h.n;
COMMENT ON VIEW vac.help IS 'What can one ask and do? With an example of each; \dv+ vac.* and \df+ vac.* explain them in full';
COMMENT ON COLUMN vac.help.kind IS 'look: a question; case, people, office, rules: a verb about them; try: without doing it';
COMMENT ON COLUMN vac.help.what IS 'The question, or what is done';
COMMENT ON COLUMN vac.help.example IS 'What to type';
GRANT SELECT ON vac.help TO vac_supervisor, vac_intake, vac_desk;
