-- The manual of the tables: \d+ shows it.

COMMENT ON DOMAIN vac_store.urgency IS 'immediate, urgent or routine';
COMMENT ON DOMAIN vac_store.duty IS 'full_time or collateral';
COMMENT ON DOMAIN vac_store.shift_kind IS 'regular: at work; on_call: can be called';
COMMENT ON DOMAIN vac_store.meeting_mode IS 'telephone, at_office or elsewhere';
COMMENT ON DOMAIN vac_store.interpreter_mode IS 'none, telephone or on_site';
COMMENT ON DOMAIN vac_store.language_tag IS 'BCP 47 tag, such as es or es-MX';
COMMENT ON DOMAIN vac_store.mail_address IS 'Mail address as RFC 5321 has it, without quotes and control characters';
COMMENT ON DOMAIN vac_store.plain_text IS 'One line of text without control characters';
COMMENT ON DOMAIN vac_store.telephone IS 'Telephone number as people write it';

COMMENT ON TABLE vac_store.service IS 'Services that coordinators give: reference list';
COMMENT ON COLUMN vac_store.service.code IS 'Name used in verbs and rosters';
COMMENT ON COLUMN vac_store.service.label IS 'Name that people read; mail carries it only where policy mail_service says so';
COMMENT ON COLUMN vac_store.service.minutes IS 'Length of a meeting, where the request names none';
COMMENT ON COLUMN vac_store.service.load_percent IS 'Weight of a minute of this service in a coordinator''s load; 100 is plain';

COMMENT ON TABLE vac_store.policy IS 'Settings of the service: starting values that a verb changes';
COMMENT ON COLUMN vac_store.policy.name IS 'Name of the setting';
COMMENT ON COLUMN vac_store.policy.urgency IS 'The urgency it holds for; NULL: for all';
COMMENT ON COLUMN vac_store.policy.kind IS 'How its value is read: elapsed minutes, seconds or days, office_minutes or office_days in which the office is open, hours of the day, a count, a weight in minutes of routine waiting, or text';
COMMENT ON COLUMN vac_store.policy.value IS 'The value, as text; it fits its kind';
COMMENT ON COLUMN vac_store.policy.meaning IS 'What it does';
COMMENT ON COLUMN vac_store.policy.source IS 'Where the value comes from';

COMMENT ON TABLE vac_store.protected_word IS 'Words that are never mailed: a message that holds one is replaced by a neutral text';
COMMENT ON COLUMN vac_store.protected_word.word IS 'The word or words, as typed';
COMMENT ON COLUMN vac_store.protected_word.normal IS 'The form in which it is looked for, kept by a trigger';
COMMENT ON COLUMN vac_store.protected_word.first_token IS 'Its first word, kept by a trigger: most texts are told apart by it';
COMMENT ON COLUMN vac_store.protected_word.added_at IS 'When it was added';
COMMENT ON COLUMN vac_store.protected_word.added_by IS 'Login that added it';

COMMENT ON TABLE vac_store.allowed_domain IS 'Domains that mail may go to; while the list is empty, all are allowed';
COMMENT ON COLUMN vac_store.allowed_domain.domain IS 'The part of an address after the @, in lower case; subdomains are domains of their own';
COMMENT ON COLUMN vac_store.allowed_domain.added_at IS 'When it was added';
COMMENT ON COLUMN vac_store.allowed_domain.added_by IS 'Login that added it';

COMMENT ON TABLE vac_store.neutral_rules IS 'The one row that counts changes of protected words, allowed domains and agency references';
COMMENT ON COLUMN vac_store.neutral_rules.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.neutral_rules.version IS 'Goes up with each change; messages checked against an older version are checked again when they are claimed';

COMMENT ON TABLE vac_store.office IS 'Field offices';
COMMENT ON COLUMN vac_store.office.office_id IS 'Key';
COMMENT ON COLUMN vac_store.office.code IS 'Short name that people type and mail carries';
COMMENT ON COLUMN vac_store.office.name IS 'Full name';
COMMENT ON COLUMN vac_store.office.time_zone IS 'IANA name of the zone in which its hours, holidays and meetings count';
COMMENT ON COLUMN vac_store.office.telephone IS 'Number that is answered 24 hours; mail says to call it';
COMMENT ON COLUMN vac_store.office.group_id IS 'Offices that backups join, directly or through others, have the same number: they are planned together. Kept by regroup_offices()';
COMMENT ON COLUMN vac_store.office.retired_at IS 'When it was closed; NULL: it is at work';

COMMENT ON TABLE vac_store.office_hours IS 'Opening hours in local time; an office without any has those of policy office_hours';
COMMENT ON COLUMN vac_store.office_hours.office_id IS 'The office';
COMMENT ON COLUMN vac_store.office_hours.weekday IS 'ISO: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN vac_store.office_hours.from_time IS 'Opens';
COMMENT ON COLUMN vac_store.office_hours.to_time IS 'Closes, on the same day; 24:00 is midnight at its end';

COMMENT ON TABLE vac_store.office_place IS 'Places where meetings are held';
COMMENT ON COLUMN vac_store.office_place.office_id IS 'The office';
COMMENT ON COLUMN vac_store.office_place.code IS 'Short name: calendars show only this';
COMMENT ON COLUMN vac_store.office_place.text IS 'What it is and where; may be mailed, in the body only';

COMMENT ON TABLE vac_store.office_backup IS 'Offices whose coordinators may be sent to this office''s cases';
COMMENT ON COLUMN vac_store.office_backup.office_id IS 'The office that is helped';
COMMENT ON COLUMN vac_store.office_backup.backup_office_id IS 'The office that helps';
COMMENT ON COLUMN vac_store.office_backup.rank IS '1 is asked first';
COMMENT ON COLUMN vac_store.office_backup.travel_minutes IS 'Travel one way, kept free before and after a meeting';

COMMENT ON TABLE vac_store.holiday IS 'Days on which regular shifts do not count and office time stands still';
COMMENT ON COLUMN vac_store.holiday.holiday_id IS 'Key';
COMMENT ON COLUMN vac_store.holiday.office_id IS 'The office; NULL: all offices';
COMMENT ON COLUMN vac_store.holiday.day IS 'Local day of the office';
COMMENT ON COLUMN vac_store.holiday.name IS 'Name of the day';

COMMENT ON TABLE vac_store.supervisor IS 'People who watch and steer: a database login with mail and pager';
COMMENT ON COLUMN vac_store.supervisor.supervisor_id IS 'Key';
COMMENT ON COLUMN vac_store.supervisor.login IS 'Database login';
COMMENT ON COLUMN vac_store.supervisor.name IS 'Name that others read';
COMMENT ON COLUMN vac_store.supervisor.mail IS 'Work mail, for notices';
COMMENT ON COLUMN vac_store.supervisor.pager IS 'Mail address of a pager, for notices that hurry';
COMMENT ON COLUMN vac_store.supervisor.rank IS '1 is told first';
COMMENT ON COLUMN vac_store.supervisor.all_offices IS 'Supervises every office';
COMMENT ON COLUMN vac_store.supervisor.retired_at IS 'When they left; NULL: at work';

COMMENT ON TABLE vac_store.supervisor_office IS 'Which offices a supervisor has';
COMMENT ON COLUMN vac_store.supervisor_office.supervisor_id IS 'The supervisor';
COMMENT ON COLUMN vac_store.supervisor_office.office_id IS 'The office';

COMMENT ON TABLE vac_store.coordinator IS 'People on the rosters';
COMMENT ON COLUMN vac_store.coordinator.coordinator_id IS 'Key';
COMMENT ON COLUMN vac_store.coordinator.code IS 'Short name used in verbs and rosters';
COMMENT ON COLUMN vac_store.coordinator.office_id IS 'Their office';
COMMENT ON COLUMN vac_store.coordinator.duty IS 'full_time, or collateral: another job comes first';
COMMENT ON COLUMN vac_store.coordinator.name IS 'Name';
COMMENT ON COLUMN vac_store.coordinator.title IS 'Title, told to the victim by whoever looks the case up';
COMMENT ON COLUMN vac_store.coordinator.mail IS 'Work mail, as their calendar knows it: invitations go there';
COMMENT ON COLUMN vac_store.coordinator.aliases IS 'Other addresses that answers may come from';
COMMENT ON COLUMN vac_store.coordinator.telephone IS 'Work telephone';
COMMENT ON COLUMN vac_store.coordinator.pager IS 'Mail address of a pager, for call-outs';
COMMENT ON COLUMN vac_store.coordinator.gender IS 'For requests that state a preference; NULL: not stated';
COMMENT ON COLUMN vac_store.coordinator.time_zone IS 'Their own zone, if it differs from the office''s';
COMMENT ON COLUMN vac_store.coordinator.max_open_cases IS 'Most open cases; NULL: the policy''s for their duty';
COMMENT ON COLUMN vac_store.coordinator.weekly_minutes IS 'Most minutes of meetings with travel a week; NULL: the policy''s for their duty';
COMMENT ON COLUMN vac_store.coordinator.meetings_a_day IS 'Most meetings a day; NULL: the policy''s for their duty';
COMMENT ON COLUMN vac_store.coordinator.mail_failed_at IS 'When the mail server last refused an invitation to them for good; NULL: never, or mended since';
COMMENT ON COLUMN vac_store.coordinator.joined_at IS 'Newcomers of less than four weeks count as loaded as the office''s median';
COMMENT ON COLUMN vac_store.coordinator.retired_at IS 'When they left; NULL: at work';

COMMENT ON TABLE vac_store.coordinator_service IS 'Which services a coordinator gives';
COMMENT ON COLUMN vac_store.coordinator_service.coordinator_id IS 'The coordinator';
COMMENT ON COLUMN vac_store.coordinator_service.service IS 'The service';

COMMENT ON TABLE vac_store.coordinator_language IS 'Which languages a coordinator speaks';
COMMENT ON COLUMN vac_store.coordinator_language.coordinator_id IS 'The coordinator';
COMMENT ON COLUMN vac_store.coordinator_language.language IS 'BCP 47 tag';

COMMENT ON TABLE vac_store.weekly_pattern IS 'Shifts that come again each week, in local wall-clock time of the coordinator''s zone';
COMMENT ON COLUMN vac_store.weekly_pattern.pattern_id IS 'Key';
COMMENT ON COLUMN vac_store.weekly_pattern.coordinator_id IS 'Whose';
COMMENT ON COLUMN vac_store.weekly_pattern.kind IS 'regular: at work; on_call: can be called';
COMMENT ON COLUMN vac_store.weekly_pattern.weekday IS 'ISO day on which it begins: 1 is Monday';
COMMENT ON COLUMN vac_store.weekly_pattern.from_time IS 'Begins';
COMMENT ON COLUMN vac_store.weekly_pattern.to_time IS 'Ends; not after the beginning: on the next day';
COMMENT ON COLUMN vac_store.weekly_pattern.valid IS 'Days on which it may begin';

COMMENT ON TABLE vac_store.shift IS 'Single shifts: rotations, exceptions';
COMMENT ON COLUMN vac_store.shift.shift_id IS 'Key';
COMMENT ON COLUMN vac_store.shift.coordinator_id IS 'Whose';
COMMENT ON COLUMN vac_store.shift.kind IS 'regular: at work; on_call: can be called';
COMMENT ON COLUMN vac_store.shift.span IS 'From when to when';

COMMENT ON TABLE vac_store.leave IS 'Spans in which a coordinator is not to be had; only the span is kept, never a subject';
COMMENT ON COLUMN vac_store.leave.leave_id IS 'Key';
COMMENT ON COLUMN vac_store.leave.coordinator_id IS 'Whose';
COMMENT ON COLUMN vac_store.leave.span IS 'From when to when';
COMMENT ON COLUMN vac_store.leave.source IS 'Who said so: a verb, an import, a mail';
COMMENT ON COLUMN vac_store.leave.added_at IS 'When it was added';
COMMENT ON COLUMN vac_store.leave.added_by IS 'Login that added it';

COMMENT ON TABLE vac_store.case_record IS 'Cases: one victim''s matter each. There is no column for a victim''s name, address, birth date or telephone, and must never be one';
COMMENT ON COLUMN vac_store.case_record.case_id IS 'Key';
COMMENT ON COLUMN vac_store.case_record.case_code IS 'Random code that stands for the case in mail and talk';
COMMENT ON COLUMN vac_store.case_record.office_id IS 'The office whose case it is';
COMMENT ON COLUMN vac_store.case_record.language IS 'Language the victim needs';
COMMENT ON COLUMN vac_store.case_record.agency_reference IS 'The agency''s own reference; never mailed';
COMMENT ON COLUMN vac_store.case_record.state IS 'open, withdrawn, closed';
COMMENT ON COLUMN vac_store.case_record.held_since IS 'Contact could endanger somebody: nothing is planned or sent for it since then; NULL: not held';
COMMENT ON COLUMN vac_store.case_record.responsible_id IS 'Coordinator responsible for the case (34 USC 20141)';
COMMENT ON COLUMN vac_store.case_record.requester IS 'Work mail of whoever opened it, to be told neutrally how it goes';
COMMENT ON COLUMN vac_store.case_record.opened_at IS 'When it was opened';
COMMENT ON COLUMN vac_store.case_record.opened_by IS 'Login that opened it';
COMMENT ON COLUMN vac_store.case_record.ended_at IS 'When it was withdrawn or closed';
COMMENT ON COLUMN vac_store.case_record.idempotency_key IS 'Key of the call that opened it: the same key again is the same case';
COMMENT ON COLUMN vac_store.case_record.victim_number IS 'Which of the victims of that call, from 1';
COMMENT ON COLUMN vac_store.case_record.content_hash IS 'SHA-256 of the call''s arguments: tells the same call again from another with the same key';

COMMENT ON TABLE vac_store.case_conflict IS 'Coordinators who must not be given a case: conflict of interest';
COMMENT ON COLUMN vac_store.case_conflict.case_id IS 'The case';
COMMENT ON COLUMN vac_store.case_conflict.coordinator_id IS 'Who must not have it';

COMMENT ON TABLE vac_store.request IS 'Meetings that cases need';
COMMENT ON COLUMN vac_store.request.request_id IS 'Key';
COMMENT ON COLUMN vac_store.request.case_id IS 'The case';
COMMENT ON COLUMN vac_store.request.office_id IS 'Its office';
COMMENT ON COLUMN vac_store.request.service IS 'What is needed';
COMMENT ON COLUMN vac_store.request.urgency IS 'immediate: somebody goes or calls now; urgent: within a day; routine';
COMMENT ON COLUMN vac_store.request.mode IS 'telephone, at_office, elsewhere';
COMMENT ON COLUMN vac_store.request.place IS 'Code of one of the office''s places';
COMMENT ON COLUMN vac_store.request.language IS 'Language the victim needs here';
COMMENT ON COLUMN vac_store.request.interpreter IS 'Whether one may be used, and how';
COMMENT ON COLUMN vac_store.request.gender IS 'Preferred gender of the coordinator';
COMMENT ON COLUMN vac_store.request.gender_required IS 'The preference is a condition';
COMMENT ON COLUMN vac_store.request.preferred_id IS 'Preferred coordinator';
COMMENT ON COLUMN vac_store.request.minutes IS 'Length';
COMMENT ON COLUMN vac_store.request.open_window IS 'The meeting lies wholly in this span';
COMMENT ON COLUMN vac_store.request.due_at IS 'When it should have begun';
COMMENT ON COLUMN vac_store.request.state IS 'open: to be planned; planned: it has a live appointment; met; withdrawn';
COMMENT ON COLUMN vac_store.request.opened_at IS 'When it was opened';
COMMENT ON COLUMN vac_store.request.tries IS 'How many coordinators were invited so far';
COMMENT ON COLUMN vac_store.request.plan_at IS 'When dispatch plans it (again); means something while open';
COMMENT ON COLUMN vac_store.request.unserved_since IS 'Since when nobody can take it; NULL: somebody can, or it was not planned yet';
COMMENT ON COLUMN vac_store.request.noticed_at IS 'When the supervisors were last told that nobody can take it';
COMMENT ON COLUMN vac_store.request.refusals IS 'How many plans in a row were refused when they were to be stored; the next ones come slower';

COMMENT ON TABLE vac_store.request_bar IS 'Coordinators who declined a request, let it lapse, or could not be reached';
COMMENT ON COLUMN vac_store.request_bar.request_id IS 'The request';
COMMENT ON COLUMN vac_store.request_bar.coordinator_id IS 'Who is not asked';
COMMENT ON COLUMN vac_store.request_bar.until IS 'Until when; NULL: for good, until a supervisor readmits them';
COMMENT ON COLUMN vac_store.request_bar.times IS 'How often it happened';

COMMENT ON TABLE vac_store.appointment IS 'Requests given to one coordinator for one span; who holds it never changes';
COMMENT ON COLUMN vac_store.appointment.appointment_id IS 'Key';
COMMENT ON COLUMN vac_store.appointment.request_id IS 'The request';
COMMENT ON COLUMN vac_store.appointment.case_id IS 'Its case';
COMMENT ON COLUMN vac_store.appointment.office_id IS 'The case''s office';
COMMENT ON COLUMN vac_store.appointment.coordinator_id IS 'Who holds it';
COMMENT ON COLUMN vac_store.appointment.span IS 'The meeting';
COMMENT ON COLUMN vac_store.appointment.busy IS 'What it takes of the coordinator''s time: the meeting with buffer and travel';
COMMENT ON COLUMN vac_store.appointment.urgency IS 'The request''s, when it was made';
COMMENT ON COLUMN vac_store.appointment.state IS 'invited, accepted: live; held, missed: over; declined, lapsed, replaced, cancelled: void';
COMMENT ON COLUMN vac_store.appointment.live IS 'It stands: nothing else may overlap it';
COMMENT ON COLUMN vac_store.appointment.uid IS 'UID of the invitation';
COMMENT ON COLUMN vac_store.appointment.sequence IS 'SEQUENCE of its newest state';
COMMENT ON COLUMN vac_store.appointment.answer_handle IS 'Random part of the token in the ORGANIZER address';
COMMENT ON COLUMN vac_store.appointment.key_id IS 'Token key it was first sent with; NULL: no daemon was known yet';
COMMENT ON COLUMN vac_store.appointment.sender IS 'From address it was first sent with, likewise';
COMMENT ON COLUMN vac_store.appointment.by_interpreter IS 'The language is met through an interpreter only';
COMMENT ON COLUMN vac_store.appointment.over_cap IS 'A call-out beyond the coordinator''s limits';
COMMENT ON COLUMN vac_store.appointment.counted_minutes IS 'Minutes towards the weekly hours, with travel; NULL: the span''s length';
COMMENT ON COLUMN vac_store.appointment.load_minutes IS 'Minutes weighted by the service; NULL: the span''s length';
COMMENT ON COLUMN vac_store.appointment.pinned IS 'Set by a supervisor''s hand; the planner leaves it alone';
COMMENT ON COLUMN vac_store.appointment.made_at IS 'When it was made';
COMMENT ON COLUMN vac_store.appointment.ended_at IS 'When it ceased to be live';

COMMENT ON TABLE vac_store.decision IS 'Why a request went to whom, or to nobody: one row a decision, append-only';
COMMENT ON COLUMN vac_store.decision.decision_id IS 'Key';
COMMENT ON COLUMN vac_store.decision.request_id IS 'The request';
COMMENT ON COLUMN vac_store.decision.appointment_id IS 'What came of it; NULL: nobody was found';
COMMENT ON COLUMN vac_store.decision.at IS 'When';
COMMENT ON COLUMN vac_store.decision.cost IS 'Total cost of the one chosen';
COMMENT ON COLUMN vac_store.decision.terms IS 'Cost by term of the one chosen';
COMMENT ON COLUMN vac_store.decision.runner_up IS 'The best other coordinator: who, when, cost, terms';
COMMENT ON COLUMN vac_store.decision.ruled_out IS 'For each hard rule the coordinators it ruled out';

COMMENT ON TYPE vac_store.planned IS 'One decision of the planner on its way into the tables';

COMMENT ON TABLE vac_store.message IS 'The outbox: mail to send. All that its bytes are made of is frozen in the row';
COMMENT ON COLUMN vac_store.message.message_id IS 'Key; of one UID the higher is the newer state';
COMMENT ON COLUMN vac_store.message.kind IS 'invitation, update, cancel: to a coordinator''s calendar; page; notice: to supervisors; requester; probe';
COMMENT ON COLUMN vac_store.message.office_id IS 'The office it concerns';
COMMENT ON COLUMN vac_store.message.case_id IS 'The case it concerns';
COMMENT ON COLUMN vac_store.message.appointment_id IS 'The appointment it concerns';
COMMENT ON COLUMN vac_store.message.method IS 'METHOD of the calendar part; NULL: plain mail';
COMMENT ON COLUMN vac_store.message.uid IS 'UID of the appointment: its states are sent in order';
COMMENT ON COLUMN vac_store.message.sequence IS 'SEQUENCE';
COMMENT ON COLUMN vac_store.message.recipient IS 'Address';
COMMENT ON COLUMN vac_store.message.recipient_name IS 'Name';
COMMENT ON COLUMN vac_store.message.mail_uuid IS 'Message-ID is <mail_uuid@domain of sender>';
COMMENT ON COLUMN vac_store.message.first_uuid IS 'mail_uuid of the first message of the UID, for References';
COMMENT ON COLUMN vac_store.message.made_at IS 'Date and DTSTAMP';
COMMENT ON COLUMN vac_store.message.span IS 'DTSTART and DTEND';
COMMENT ON COLUMN vac_store.message.subject IS 'Subject';
COMMENT ON COLUMN vac_store.message.body IS 'Text part, lines separated by LF; the answer links are added when it is rendered';
COMMENT ON COLUMN vac_store.message.summary IS 'SUMMARY';
COMMENT ON COLUMN vac_store.message.location IS 'LOCATION';
COMMENT ON COLUMN vac_store.message.description IS 'DESCRIPTION';
COMMENT ON COLUMN vac_store.message.renderer IS 'Version of the form of its bytes';
COMMENT ON COLUMN vac_store.message.bounce_handle IS 'Random part of the token in the envelope sender';
COMMENT ON COLUMN vac_store.message.answer_handle IS 'Random part of the token in the ORGANIZER address';
COMMENT ON COLUMN vac_store.message.key_id IS 'Token key; NULL until a daemon is known';
COMMENT ON COLUMN vac_store.message.sender IS 'From address; NULL until a daemon is known';
COMMENT ON COLUMN vac_store.message.neutral IS 'Its text was replaced, because a field named what is not mailed';
COMMENT ON COLUMN vac_store.message.checked IS 'Version of neutral_rules it was checked against';
COMMENT ON COLUMN vac_store.message.state IS 'queued, claimed: waiting; sent; refused for good; overtaken by a newer state before it was sent; unneeded; suppressed';
COMMENT ON COLUMN vac_store.message.waiting IS 'queued or claimed';
COMMENT ON COLUMN vac_store.message.amiss IS 'A supervisor should know of it: refused, suppressed, or made neutral';
COMMENT ON COLUMN vac_store.message.urgent IS 'Goes before the others';
COMMENT ON COLUMN vac_store.message.ever_claimed IS 'May have been sent';
COMMENT ON COLUMN vac_store.message.not_before IS 'When it may be claimed';
COMMENT ON COLUMN vac_store.message.lease_until IS 'Until when a daemon has it';
COMMENT ON COLUMN vac_store.message.fence IS 'How often it was claimed: who finishes it must name the last number';
COMMENT ON COLUMN vac_store.message.claimed_by IS 'The daemon that claimed it last';
COMMENT ON COLUMN vac_store.message.uncertain_until IS 'Until when a mail server may still be taking a copy whose reply never came';
COMMENT ON COLUMN vac_store.message.attempts IS 'How often it was tried in vain';
COMMENT ON COLUMN vac_store.message.sent_at IS 'When the mail server took it';
COMMENT ON COLUMN vac_store.message.reply IS 'Last reply of the mail server';

COMMENT ON TABLE vac_store.note IS 'Notes that people wrote with their reasons, apart from history so that they can be redacted';
COMMENT ON COLUMN vac_store.note.note_id IS 'Key';
COMMENT ON COLUMN vac_store.note.text IS 'The note; NULL: redacted';
COMMENT ON COLUMN vac_store.note.redacted_at IS 'When it was redacted';
COMMENT ON COLUMN vac_store.note.redacted_by IS 'Login that redacted it';

COMMENT ON TABLE vac_store.history IS 'What happened, append-only';
COMMENT ON COLUMN vac_store.history.history_id IS 'Key';
COMMENT ON COLUMN vac_store.history.at IS 'When';
COMMENT ON COLUMN vac_store.history.who IS 'Login that did it; the daemon''s for what it did';
COMMENT ON COLUMN vac_store.history.event IS 'What happened';
COMMENT ON COLUMN vac_store.history.office_id IS 'The office it concerns';
COMMENT ON COLUMN vac_store.history.case_id IS 'The case';
COMMENT ON COLUMN vac_store.history.request_id IS 'The request';
COMMENT ON COLUMN vac_store.history.appointment_id IS 'The appointment';
COMMENT ON COLUMN vac_store.history.coordinator_id IS 'The coordinator';
COMMENT ON COLUMN vac_store.history.message_id IS 'The message';
COMMENT ON COLUMN vac_store.history.reason IS 'A code from a list';
COMMENT ON COLUMN vac_store.history.note_id IS 'The note that goes with it';
COMMENT ON COLUMN vac_store.history.detail IS 'What else there is to say';

COMMENT ON TABLE vac_store.daemon IS 'Daemons that work, or worked, on this database';
COMMENT ON COLUMN vac_store.daemon.daemon_id IS 'Key: random, anew at each start';
COMMENT ON COLUMN vac_store.daemon.host IS 'Machine';
COMMENT ON COLUMN vac_store.daemon.pid IS 'Process';
COMMENT ON COLUMN vac_store.daemon.version IS 'Version of vacd';
COMMENT ON COLUMN vac_store.daemon.deliver IS 'smtp, or hold: sends nothing';
COMMENT ON COLUMN vac_store.daemon.started_at IS 'When it first came';
COMMENT ON COLUMN vac_store.daemon.seen_at IS 'When it last spoke';
COMMENT ON COLUMN vac_store.daemon.stopped_at IS 'When it said goodbye; NULL: it did not';

COMMENT ON TABLE vac_store.heartbeat IS 'When each stage of each daemon last made a turn';
COMMENT ON COLUMN vac_store.heartbeat.daemon_id IS 'The daemon';
COMMENT ON COLUMN vac_store.heartbeat.stage IS 'dispatch or mailer';
COMMENT ON COLUMN vac_store.heartbeat.turned_at IS 'When the number of turns last changed';
COMMENT ON COLUMN vac_store.heartbeat.turns IS 'Turns since its start';

COMMENT ON TABLE vac_store.alarm IS 'What stands wrong now, raised and cleared by the daemons';
COMMENT ON COLUMN vac_store.alarm.daemon_id IS 'The daemon';
COMMENT ON COLUMN vac_store.alarm.name IS 'Short name';
COMMENT ON COLUMN vac_store.alarm.text IS 'What is wrong';
COMMENT ON COLUMN vac_store.alarm.since IS 'Since when';

COMMENT ON TABLE vac_store.mail_identity IS 'The one row that says as whom mail is sent now';
COMMENT ON COLUMN vac_store.mail_identity.one IS 'Always true: there is one row';
COMMENT ON COLUMN vac_store.mail_identity.sender IS 'From address';
COMMENT ON COLUMN vac_store.mail_identity.key_id IS 'Token key for new mail';
COMMENT ON COLUMN vac_store.mail_identity.set_at IS 'When a daemon last changed it';

COMMENT ON TABLE vac_store.dispatch_group IS 'Groups of offices: each is planned by one daemon at a time';
COMMENT ON COLUMN vac_store.dispatch_group.group_id IS 'Least office_id of the group';
COMMENT ON COLUMN vac_store.dispatch_group.daemon_id IS 'The daemon that has it';
COMMENT ON COLUMN vac_store.dispatch_group.lease_until IS 'Until when; NULL: free';
COMMENT ON COLUMN vac_store.dispatch_group.fence IS 'How often it was claimed: who stores a plan must name the last number';

COMMENT ON INDEX vac_store.appointment_one_live IS 'One live appointment a request; an immediate one may have two until one is accepted';
COMMENT ON INDEX vac_store.message_waiting IS 'The queue in the order it is claimed';
COMMENT ON INDEX vac_store.message_uid IS 'The states of one UID in their order';
COMMENT ON INDEX vac_store.message_amiss IS 'What supervisors should know of';
COMMENT ON INDEX vac_store.request_to_plan IS 'What dispatch plans next';
COMMENT ON INDEX vac_store.request_call_out IS 'Groups with call-outs are planned first';
COMMENT ON CONSTRAINT appointment_no_overlap ON vac_store.appointment IS 'No coordinator is ever in two places';

COMMENT ON SCHEMA vac IS 'What people see: views and verbs; begin with TABLE vac.help';
COMMENT ON SCHEMA vac_daemon IS 'What the stages of the daemon call';
COMMENT ON SCHEMA vac_store IS 'The tables; only their owner looks in here';
