-- Verbs about answers: what came by telephone, what a mail meant that was listed, what became of a meeting.

-- ---- which appointment -----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.lock_case_people(one case_record, also integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	PERFORM FROM coordinator k
		WHERE k.coordinator_id = also OR k.coordinator_id IN (SELECT a.coordinator_id FROM appointment a WHERE a.case_id = one.case_id AND a.live)
		ORDER BY k.coordinator_id FOR NO KEY UPDATE;
	PERFORM FROM appointment a WHERE a.case_id = one.case_id ORDER BY a.appointment_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION vac_store.lock_case_people(case_record, integer) IS
	'Locks what an answer about a case changes, after the case itself: requests, coordinators (and one more), appointments, each by id';

CREATE OR REPLACE FUNCTION vac_store.live_appointment(one case_record, of_request bigint, who integer) RETURNS appointment
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	standing appointment[] := ARRAY(SELECT a FROM appointment a
		WHERE a.case_id = one.case_id AND a.live AND upper(a.span) > moment() AND (of_request IS NULL OR a.request_id = of_request)
		ORDER BY a.coordinator_id IS DISTINCT FROM who, lower(a.span), a.appointment_id);
	-- Who was asked twice for the same call-out means the first; whoever accepts it is relieved of the other.
	mine integer := (SELECT count(DISTINCT a.request_id) FROM unnest(standing) a WHERE a.coordinator_id = who);
BEGIN
	IF standing = '{}' THEN
		PERFORM refuse(format('case_code: case %s has no appointment to come', one.case_code),
			'What was cancelled or replaced stays so; it is planned again by itself. TABLE vac.open_cases shows how it stands.');
	-- Of a call-out for which several were asked somebody else can take over all.
	ELSIF mine <> 1 AND cardinality(standing) > 1
			AND (who IS NULL OR mine > 0 OR (SELECT count(DISTINCT a.request_id) FROM unnest(standing) a) > 1) THEN
		PERFORM refuse(format('request: case %s has several appointments to come', one.case_code), 'Say coordinator => or request => one of: '
			|| (SELECT string_agg(format('%s (%s, %s)', a.request_id, k.code, short_span(a.span, o.time_zone)), ', ' ORDER BY lower(a.span), a.appointment_id)
				FROM unnest(standing) a JOIN coordinator k ON k.coordinator_id = a.coordinator_id JOIN office o ON o.office_id = a.office_id));
	END IF;
	RETURN standing[1];
END
$$;
COMMENT ON FUNCTION vac_store.live_appointment(case_record, bigint, integer) IS
	'The appointment to come of a case: of the request or the coordinator that was named, where there are several';

-- ---- by telephone ----------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.keep_told(a appointment, who coordinator, say text, at timestamptz) RETURNS void
	LANGUAGE sql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
	-- So that a mail they wrote before does not count against it.
	INSERT INTO answer (appointment_id, coordinator_id, address, sequence, stamped, partstat, taken_at)
		VALUES (a.appointment_id, who.coordinator_id, lower(who.mail), a.sequence, at, say, at);
$$;
COMMENT ON FUNCTION vac_store.keep_told(appointment, coordinator, text, timestamptz) IS 'Records an answer that was told and not mailed';

CREATE OR REPLACE FUNCTION vac.confirm(case_code text, coordinator text DEFAULT NULL, answer text DEFAULT 'accept', request bigint DEFAULT NULL,
		reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	who coordinator;
	a appointment;
	against text;
	made bigint;
BEGIN
	one := case_named(confirm.case_code);
	PERFORM need_office(one.office_id, 'confirm'), need_open(one);
	PERFORM refuse_if(one_of_problem(confirm.answer, 'accept', 'decline', 'tentative'), 'answer');
	IF one.held_since IS NOT NULL THEN
		PERFORM refuse(format('case_code: case %s is on hold', one.case_code), 'vac.release_case(…) first, if contact is safe again.');
	END IF;
	IF confirm.coordinator IS NOT NULL THEN
		who := coordinator_named(confirm.coordinator);
	END IF;
	PERFORM lock_case_people(one, who.coordinator_id);
	a := live_appointment(one, confirm.request, who.coordinator_id);
	IF who.coordinator_id IS NULL THEN
		SELECT * INTO who FROM coordinator k WHERE k.coordinator_id = a.coordinator_id;
	END IF;
	IF who.coordinator_id <> a.coordinator_id THEN
		IF confirm.answer <> 'accept' THEN
			PERFORM refuse(format('coordinator: %s was not asked for case %s', who.code, one.case_code),
				(SELECT format('It is %s (%s) who was.', k.code, k.name) FROM coordinator k WHERE k.coordinator_id = a.coordinator_id));
		END IF;
		SELECT h.against, h.made INTO against, made FROM hand_over(a, who, true, session_user, at) h;
		IF against IS NOT NULL THEN
			PERFORM refuse(format('coordinator: %s (%s) cannot take over case %s: %s', who.code, who.name, one.case_code,
				(SELECT rule_text(against, r.language, s.label) FROM request r JOIN service s ON s.code = r.service WHERE r.request_id = a.request_id)),
				format('SELECT * FROM vac.who_could(''%s'') says who could.', one.case_code));
		END IF;
	ELSE
		PERFORM keep_told(a, who, CASE confirm.answer WHEN 'accept' THEN 'ACCEPTED' WHEN 'decline' THEN 'DECLINED' ELSE 'TENTATIVE' END, at);
		PERFORM take_acceptance(a, session_user, at) WHERE confirm.answer = 'accept';
		PERFORM take_decline(a, session_user, at) WHERE confirm.answer = 'decline';
		PERFORM take_perhaps(a, session_user, at) WHERE confirm.answer = 'tentative';
	END IF;
	PERFORM record('answer_told', one.office_id, one.case_id, a.request_id, coalesce(made, a.appointment_id), who.coordinator_id,
		why => confirm.answer, said => confirm.reason);
	RETURN format('Case %s: %s (%s) %s', one.case_code, who.code, who.name, CASE confirm.answer
		WHEN 'accept' THEN 'has accepted ' || short_span(a.span, (SELECT o.time_zone FROM office o WHERE o.office_id = a.office_id))
		WHEN 'decline' THEN 'has declined; it is planned again' ELSE 'does not know yet; an answer is still needed' END);
END
$$;
COMMENT ON FUNCTION vac.confirm(text, text, text, bigint, text) IS
	'Records what a coordinator said by telephone about the appointment to come: answer accept, decline or tentative. coordinator: who said so, by '
	'default whoever was asked; a colleague who accepts takes it over, if no rule speaks against it. request: its number, where a case has several';

CREATE OR REPLACE FUNCTION vac.readmit(case_code text, coordinator text, reason text DEFAULT 'mistake') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one case_record;
	who coordinator;
BEGIN
	one := case_named(readmit.case_code);
	PERFORM need_office(one.office_id, 'readmit'), need_open(one), need_reason(readmit.reason);
	PERFORM FROM request r WHERE r.case_id = one.case_id ORDER BY r.request_id FOR NO KEY UPDATE;
	who := coordinator_named(readmit.coordinator);
	DELETE FROM request_bar b USING request r
		WHERE r.case_id = one.case_id AND r.state IN ('open', 'planned') AND b.request_id = r.request_id AND b.coordinator_id = who.coordinator_id;
	IF NOT FOUND THEN
		PERFORM refuse(format('coordinator: %s is not barred from case %s', who.code, one.case_code),
			(SELECT 'Barred are: ' || coalesce(string_agg(DISTINCT k.code, ', '), 'nobody; vac.remove_conflict(…) takes back a conflict of interest')
				FROM request_bar b JOIN request r ON r.request_id = b.request_id JOIN coordinator k ON k.coordinator_id = b.coordinator_id
				WHERE r.case_id = one.case_id));
	END IF;
	PERFORM record('readmitted', one.office_id, one.case_id, of_coordinator => who.coordinator_id,
		why => reason_code(readmit.reason), said => reason_note(readmit.reason));
	PERFORM plan_soon(one.office_id);
	RETURN format('Case %s: %s (%s) may be asked again', one.case_code, who.code, who.name);
END
$$;
COMMENT ON FUNCTION vac.readmit(text, text, text) IS
	'Lets a coordinator be asked again who declined a case or did not answer, today or for good';

-- ---- outcomes --------------------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.begun_appointment(one case_record, of_request bigint, who integer, at timestamptz) RETURNS appointment
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	a appointment;
BEGIN
	-- What nobody knows the outcome of comes first, else the last that was recorded is corrected.
	SELECT * INTO a FROM appointment b
		WHERE b.case_id = one.case_id AND (b.live OR b.state IN ('held', 'missed')) AND lower(b.span) <= at
			AND (of_request IS NULL OR b.request_id = of_request) AND (who IS NULL OR b.coordinator_id = who)
		ORDER BY b.live DESC, lower(b.span) DESC, b.appointment_id DESC LIMIT 1;
	IF a.appointment_id IS NULL THEN
		PERFORM refuse(format('case_code: no meeting of case %s has begun%s', one.case_code, CASE WHEN who IS NOT NULL THEN ' with that coordinator' ELSE '' END),
			'An outcome is of a meeting; a contact without one is recorded as contacted, and what is not wanted any more is withdrawn: vac.withdraw_case(…).');
	END IF;
	RETURN a;
END
$$;
COMMENT ON FUNCTION vac_store.begun_appointment(case_record, bigint, integer, timestamptz) IS
	'The meeting of a case that an outcome is of: one that has begun without any, the latest first, else the last that has one';

CREATE OR REPLACE FUNCTION vac.record_outcome(case_code text, outcome text, coordinator text DEFAULT NULL, contact_at timestamptz DEFAULT NULL,
		request bigint DEFAULT NULL, reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	who coordinator;
	a appointment;
BEGIN
	one := case_named(record_outcome.case_code);
	PERFORM need_office(one.office_id, 'record_outcome'), need_open(one);
	PERFORM refuse_if(one_of_problem(record_outcome.outcome, 'held', 'victim_absent', 'coordinator_absent', 'not_wanted', 'missed', 'contacted'), 'outcome');
	IF record_outcome.coordinator IS NOT NULL THEN
		who := coordinator_named(record_outcome.coordinator);
	END IF;
	IF record_outcome.contact_at > at OR record_outcome.contact_at < one.opened_at - interval '30 days' THEN
		PERFORM refuse(format('contact_at: %s', record_outcome.contact_at), 'A contact is not in the future, nor long before the case was opened.');
	END IF;
	PERFORM lock_case_people(one, who.coordinator_id);
	IF record_outcome.outcome = 'contacted' THEN
		a.case_id := one.case_id;
		a.office_id := one.office_id;
		a.coordinator_id := who.coordinator_id;
		RETURN format('Case %s: %s', one.case_code, CASE WHEN note_contact(a, coalesce(record_outcome.contact_at, at))
			THEN 'first contact is recorded' ELSE 'an earlier contact is on record' END);
	END IF;
	a := begun_appointment(one, record_outcome.request, who.coordinator_id, at);
	IF a.outcome = record_outcome.outcome THEN
		RETURN format('Case %s: that is on record already', one.case_code);
	END IF;
	PERFORM take_outcome(a, record_outcome.outcome, at, record_outcome.reason);
	RETURN (SELECT format('Case %s: the meeting of %s with %s, %s%s', one.case_code, short_span(a.span, o.time_zone), k.name,
			replace(record_outcome.outcome, '_', ' '), CASE r.state WHEN 'open' THEN '; it is planned again' WHEN 'withdrawn' THEN '; nothing more is planned' ELSE '' END)
		FROM office o, coordinator k, request r
		WHERE o.office_id = a.office_id AND k.coordinator_id = a.coordinator_id AND r.request_id = a.request_id);
END
$$;
COMMENT ON FUNCTION vac.record_outcome(text, text, text, timestamptz, bigint, text) IS
	'Records what became of a meeting that has begun: held, victim_absent, coordinator_absent, missed (nobody knows by whom): planned again, not_wanted: not '
	'planned again; or contacted: first contact with the victim, at contact_at or now. Another outcome than was recorded before replaces it. '
	'coordinator, request: which meeting, where there are several';

-- ---- mail that is listed ---------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.mail_named(given bigint) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	mail inbound;
BEGIN
	SELECT * INTO mail FROM inbound i WHERE i.inbound_id = given AND i.state = 'listed' FOR NO KEY UPDATE;
	IF mail.inbound_id IS NULL OR (mail.office_id IN (SELECT my_offices()) OR mail.coordinator_id IN (SELECT my_coordinators())
			OR (mail.office_id IS NULL AND mail.coordinator_id IS NULL AND EXISTS (SELECT my_offices()))) IS NOT TRUE THEN
		PERFORM refuse(format('mail: no mail %s on the list of %s', coalesce(given::text, 'NULL'), session_user), 'TABLE vac.unread_answers shows their numbers.');
	ELSIF mail.taken_up_at IS NOT NULL THEN
		PERFORM refuse(format('mail: %s was taken up by %s as %s', given, mail.taken_up_by, mail.taken_up_as), 'TABLE vac.unread_answers shows those that are left.');
	-- The writer's supervisors see it, too; what becomes of another office's case is not theirs to say.
	ELSIF mail.office_id IS NOT NULL THEN
		PERFORM need_office(mail.office_id, 'take_up');
	END IF;
	RETURN mail;
END
$$;
COMMENT ON FUNCTION vac_store.mail_named(bigint) IS 'A mail that is on the list of the person at the keyboard, and theirs to decide, locked';

CREATE OR REPLACE FUNCTION vac.take_up(mail bigint, as_what text, case_code text DEFAULT NULL, coordinator text DEFAULT NULL, reason text DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one inbound;
	a appointment;
	code text;
	who text;
	done text;
BEGIN
	one := mail_named(take_up.mail);
	PERFORM refuse_if(one_of_problem(take_up.as_what, 'accept', 'decline', 'tentative', 'held', 'missed', 'contacted', 'dismiss'), 'as_what');
	IF one.outcome = 'waits_for_supervisor' THEN
		PERFORM refuse_if(one_of_problem(take_up.as_what, 'accept', 'decline', 'dismiss'), 'as_what');
		IF take_up.as_what <> 'dismiss' THEN
			done := decide_leave(one, take_up.as_what = 'accept');
		END IF;
	ELSIF take_up.as_what <> 'dismiss' THEN
		SELECT * INTO a FROM appointment b WHERE b.appointment_id = one.appointment_id AND take_up.case_code IS NULL;
		code := coalesce(take_up.case_code, (SELECT c.case_code FROM case_record c WHERE c.case_id = a.case_id));
		IF code IS NULL THEN
			PERFORM refuse('case_code: the mail does not say which case it is about', 'Say case_code => the case that is meant.');
		END IF;
		who := coalesce(take_up.coordinator, (SELECT k.code FROM coordinator k WHERE k.coordinator_id = coalesce(one.coordinator_id, a.coordinator_id)));
		done := CASE WHEN take_up.as_what IN ('accept', 'decline', 'tentative') THEN vac.confirm(code, who, take_up.as_what, a.request_id, take_up.reason)
			ELSE vac.record_outcome(code, take_up.as_what, who, one.received_at, a.request_id, take_up.reason) END;
	END IF;
	UPDATE inbound i SET taken_up_at = moment(), taken_up_by = session_user, taken_up_as = take_up.as_what WHERE i.inbound_id = one.inbound_id;
	PERFORM record('mail_taken_up', of_office => one.office_id, of_case => (SELECT b.case_id FROM appointment b WHERE b.appointment_id = one.appointment_id),
		of_appointment => one.appointment_id, of_coordinator => one.coordinator_id, why => take_up.as_what, said => take_up.reason,
		more => jsonb_build_object('mail', one.inbound_id));
	RETURN coalesce(done, format('Mail %s is off the list', one.inbound_id));
END
$$;
COMMENT ON FUNCTION vac.take_up(bigint, text, text, text, text) IS
	'Does what a listed mail asks, by its number in vac.unread_answers: as_what accept, decline, tentative (as vac.confirm), held, missed, contacted (as '
	'vac.record_outcome), or dismiss: nothing, it only leaves the list. Leave that waits: accept enters it, decline tells the coordinator that it is not entered. case_code, coordinator: where the mail does not say, or means others';

CREATE OR REPLACE FUNCTION vac.telephoned(message bigint, reason text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	m message;
BEGIN
	SELECT * INTO m FROM message o WHERE o.message_id = telephoned.message AND o.state = 'refused' AND o.kind IN ('cancel', 'update', 'invitation') FOR NO KEY UPDATE;
	IF m.message_id IS NULL OR (m.office_id IN (SELECT my_offices())
			OR EXISTS (SELECT FROM appointment a WHERE a.appointment_id = m.appointment_id AND a.coordinator_id IN (SELECT my_coordinators()))) IS NOT TRUE THEN
		PERFORM refuse(format('message: nobody is to be telephoned because of %s', coalesce(telephoned.message::text, 'NULL')),
			'TABLE vac.to_telephone shows the numbers.');
	ELSIF m.telephoned_at IS NOT NULL THEN
		RETURN format('%s was told already, by %s', m.recipient_name, m.telephoned_by);
	END IF;
	UPDATE message o SET telephoned_at = moment(), telephoned_by = session_user WHERE o.message_id = m.message_id;
	PERFORM record('telephoned', m.office_id, m.case_id, of_appointment => m.appointment_id, of_message => m.message_id, why => m.kind, said => telephoned.reason);
	RETURN format('%s knows', m.recipient_name);
END
$$;
COMMENT ON FUNCTION vac.telephoned(bigint, text) IS
	'Somebody whom mail did not reach was told by telephone: message is its number in vac.to_telephone';
