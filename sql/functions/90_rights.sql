-- Who may call what, and read what through the views. Nobody but the owner has USAGE on vac_store, so
-- that its tables and functions are out of reach except through views and verbs: a right on one of
-- them here is a right to use it inside a view. Each view grants itself, in its own file.

DO $revoke$
DECLARE
	one regprocedure;
BEGIN
	-- Ours only: those of extensions belong to the administrator.
	FOR one IN
		SELECT p.oid FROM pg_catalog.pg_proc p
			WHERE p.pronamespace IN ('vac'::regnamespace, 'vac_daemon'::regnamespace, 'vac_store'::regnamespace)
				AND p.proowner = 'vac_owner'::regrole
	LOOP
		EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, vac_daemon, vac_supervisor, vac_intake, vac_desk', one);
	END LOOP;
END
$revoke$;
ALTER DEFAULT PRIVILEGES FOR ROLE vac_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA vac_store FROM PUBLIC, vac_daemon, vac_supervisor, vac_intake, vac_desk;
REVOKE ALL ON SCHEMA vac, vac_daemon, vac_store FROM PUBLIC, vac_daemon, vac_supervisor, vac_intake, vac_desk;

-- ---- the daemon: its stages, nothing else ----------------------------------------------------
GRANT USAGE ON SCHEMA vac_daemon TO vac_daemon;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vac_daemon TO vac_daemon;

-- ---- supervisors: every verb, each of which asks whose office it is --------------------------
GRANT USAGE ON SCHEMA vac TO vac_supervisor, vac_intake, vac_desk;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vac TO vac_supervisor;

-- ---- intake: its own cases -------------------------------------------------------------------
GRANT EXECUTE ON FUNCTION vac.now(), vac.what_if() TO vac_intake, vac_desk;
GRANT EXECUTE ON FUNCTION
	vac.open_case(text, text, text, text, text, text, text, text, boolean, text, integer, timestamptz, timestamptz,
		timestamptz, integer, text, text, text),
	vac.change_request(text, text, text, text, text, text, text, text, boolean, text, integer, timestamptz, timestamptz,
		timestamptz, text, text, text, bigint),
	vac.withdraw_case(text, text),
	vac.hold_case(text, text),
	vac.release_case(text, text),
	vac.case_state(text)
	TO vac_intake;

-- ---- the duty desk: one code at a time, on record --------------------------------------------
-- Supervisors have their own offices' cases before them, and no business with others'.
REVOKE EXECUTE ON FUNCTION vac.look_up(text) FROM vac_supervisor;
GRANT EXECUTE ON FUNCTION vac.look_up(text) TO vac_desk;

-- ---- what views read for the person who asks; row-level security says which rows -------------
GRANT SELECT ON vac_store.service, vac_store.policy, vac_store.office, vac_store.office_hours, vac_store.office_place,
	vac_store.office_backup, vac_store.holiday TO vac_supervisor, vac_intake;
GRANT SELECT ON vac_store.protected_word, vac_store.allowed_domain, vac_store.supervisor, vac_store.supervisor_office,
	vac_store.coordinator, vac_store.coordinator_service, vac_store.coordinator_language, vac_store.weekly_pattern,
	vac_store.shift, vac_store.leave, vac_store.case_conflict, vac_store.request, vac_store.request_bar,
	vac_store.decision, vac_store.plan, vac_store.history TO vac_supervisor;
-- Without the agency's reference, which no view shows, and without keys of tokens and texts of mail.
GRANT SELECT (case_id, case_code, office_id, language, state, held_since, responsible_id, opened_at, opened_by, ended_at, merged_into)
	ON vac_store.case_record TO vac_supervisor, vac_intake;
GRANT SELECT (request_id, case_id, office_id, service, urgency, state, due_at, unserved_since) ON vac_store.request TO vac_intake;
GRANT SELECT (appointment_id, request_id, case_id, office_id, coordinator_id, span, busy, urgency, state, live, uid,
	by_interpreter, over_cap, pinned, made_at, ended_at) ON vac_store.appointment TO vac_supervisor;
GRANT SELECT (send_by, window_from, answer_by, asks) ON vac_store.appointment TO vac_supervisor;
GRANT SELECT ON vac_store.clock, vac_store.clock_kind TO vac_supervisor;
GRANT SELECT ON vac_store.designation, vac_store.office_designation, vac_store.minimum, vac_store.cover, vac_store.cover_hours,
	vac_store.interpreter_left TO vac_supervisor;
GRANT SELECT (partstat, answered_at, outcome, outcome_at) ON vac_store.appointment TO vac_supervisor;
GRANT SELECT (first_contact_at) ON vac_store.case_record TO vac_supervisor;
GRANT SELECT (case_id, other_id, kind) ON vac_store.case_link TO vac_supervisor;
GRANT SELECT ON vac_store.office_limit TO vac_supervisor;
GRANT SELECT ON vac_store.generation TO vac_supervisor;
GRANT SELECT (bounced_at, delayed_at, telephoned_at, telephoned_by) ON vac_store.message TO vac_supervisor;
-- What came in, without the mail itself, its envelope and its record.
GRANT SELECT (inbound_id, received_at, state, outcome, why, said, office_id, appointment_id, coordinator_id, from_address,
	taken_up_at, taken_up_by) ON vac_store.inbound TO vac_supervisor;
GRANT SELECT (message_id, kind, office_id, case_id, appointment_id, method, uid, recipient_name, made_at, span, neutral, state,
	waiting, amiss, urgent, not_before, lease_until, attempts, sent_at, reply) ON vac_store.message TO vac_supervisor;

-- Without the hashes.
GRANT SELECT ON vac_store.client, vac_store.client_office TO vac_supervisor;
GRANT SELECT (key_id, client_id, kind, hint, added_at, added_by, retired_at) ON vac_store.client_key TO vac_supervisor;

-- Functions that policies and views call.
GRANT EXECUTE ON FUNCTION vac_store.my_offices(), vac_store.near_offices(), vac_store.my_coordinators(),
	vac_store.near_coordinators(), vac_store.my_received_cases() TO vac_supervisor;
GRANT EXECUTE ON FUNCTION
	vac_store.wall(),
	vac_store.short_time(timestamptz, text, text),
	vac_store.short_span(tstzrange, text),
	vac_store.days_span(tstzrange, text),
	vac_store.length_text(interval),
	vac_store.due_text(timestamptz, timestamptz),
	vac_store.days_text(smallint[]),
	vac_store.hours_text(integer),
	vac_store.list_text(text[], integer),
	vac_store.wrapped(text, integer),
	vac_store.duty_text(text),
	vac_store.mode_text(text, text),
	vac_store.kind_text(text),
	vac_store.standing_text(text, timestamptz, text, timestamptz, text, timestamptz, timestamptz, boolean, timestamptz, text, text)
	TO vac_supervisor, vac_intake;
GRANT EXECUTE ON FUNCTION
	vac_store.rule_text(text, text, text),
	vac_store.term_text(text),
	vac_store.terms_text(jsonb),
	vac_store.event_text(text, jsonb, text, text),
	vac_store.reason_text(text),
	vac_store.note_text(bigint),
	vac_store.by_hand_text(bigint, bigint, text, text, boolean),
	vac_store.room_makers(bigint, bigint),
	vac_store.duty_now(timestamptz),
	vac_store.duties(timestamptz),
	vac_store.local_day(timestamptz, text),
	vac_store.staffed(),
	vac_store.cover_gaps(timestamptz),
	vac_store.cover_hours_text(integer),
	vac_store.cover_whom(integer, text, text),
	vac_store.cover_lacks(integer, text, text),
	vac_store.late_things(timestamptz),
	vac_store.policy_words(text, text),
	vac_store.tried(timestamptz),
	vac_store.tried_away(),
	vac_daemon.status()
	TO vac_supervisor;
-- Both parts of vac.set_supervisor() and vac.limit_logins(), which run as who calls.
GRANT EXECUTE ON FUNCTION vac_store.put_supervisor(text, text, text, text, integer, text), vac_store.logins_to_limit(text),
	vac_store.limit_login(text, text, text[], boolean) TO vac_supervisor;
GRANT EXECUTE ON FUNCTION vac_store.own_standings(timestamptz) TO vac_supervisor, vac_intake;
