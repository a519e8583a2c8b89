-- Verbs about clocks: one that only a person can know of is started, and whatever was done is ticked off.

CREATE OR REPLACE FUNCTION vac_store.clock_named(given text) RETURNS clock_kind
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
DECLARE
	found clock_kind;
BEGIN
	SELECT * INTO found FROM clock_kind k WHERE k.kind = lower(replace(btrim(given), ' ', '_'));
	IF found.kind IS NULL THEN
		PERFORM refuse(format('clock: %s is none', coalesce(quote_literal(given), 'nothing')),
			'There are: ' || (SELECT string_agg(format('%s (%s)', k.kind, k.label), ', ' ORDER BY k.kind) FROM clock_kind k) || '.');
	END IF;
	RETURN found;
END
$$;
COMMENT ON FUNCTION vac_store.clock_named(text) IS 'The kind of clock with this name';

CREATE OR REPLACE FUNCTION vac_store.past_moment(given timestamptz, at timestamptz, since timestamptz, argument text) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
BEGIN
	IF given > at + interval '1 minute' THEN
		PERFORM refuse(format('%s: %s is to come', argument, given), 'Leave it out for now, or name a moment that has been.');
	ELSIF given < since THEN
		PERFORM refuse(format('%s: %s is before %s', argument, given, since), 'Is the date right?');
	END IF;
	RETURN least(coalesce(given, at), at);
END
$$;
COMMENT ON FUNCTION vac_store.past_moment(timestamptz, timestamptz, timestamptz, text) IS
	'The moment given, or now; refused when it is to come, or before the earliest that makes sense';

CREATE OR REPLACE FUNCTION vac.start_clock(case_code text, clock text DEFAULT 'hhs_notice', started timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	of_kind clock_kind;
	k clock;
	zone text;
BEGIN
	one := case_named(start_clock.case_code);
	PERFORM need_office(one.office_id, 'start_clock');
	PERFORM need_open(one);
	of_kind := clock_named(start_clock.clock);
	IF of_kind.starts <> 'verb' THEN
		PERFORM refuse(format('clock: %s starts by itself', of_kind.kind), CASE of_kind.starts
			WHEN 'request' THEN 'It begins with the case''s first request.' ELSE 'It begins when somebody is made responsible.' END);
	END IF;
	zone := (SELECT o.time_zone FROM office o WHERE o.office_id = one.office_id);
	SELECT * INTO k FROM clock c WHERE c.case_id = one.case_id AND c.kind = of_kind.kind AND c.running;
	IF k.clock_id IS NOT NULL THEN
		RETURN format('Case %s: %s is running already, due %s', one.case_code, of_kind.kind, local_text(k.due_at, zone));
	END IF;
	PERFORM start_clocks(of_kind.kind, ARRAY[one.case_id], ARRAY[NULL::text],
		past_moment(start_clock.started, at, at - interval '30 days', 'started'));
	SELECT * INTO k FROM clock c WHERE c.case_id = one.case_id AND c.kind = of_kind.kind AND c.running;
	PERFORM record('clock_started', of_office => one.office_id, of_case => one.case_id, why => of_kind.kind,
		more => jsonb_build_object('started', k.started_at, 'due', k.due_at));
	PERFORM pg_notify('vac_deadline', '');
	RETURN format('Case %s: %s by %s (%s)', one.case_code, of_kind.label, local_text(k.due_at, zone), of_kind.source);
END
$$;
COMMENT ON FUNCTION vac.start_clock(text, text, timestamptz) IS
	'Starts a clock of a case that does not start by itself: hhs_notice, 24 hours to notify HHS of a foreign-national minor who may be a '
	'trafficking victim (22 USC 7105(b)). started: when it began, left out: now. TABLE vac.clocks lists those that run';

CREATE OR REPLACE FUNCTION vac.tick_clock(case_code text, clock text, done timestamptz DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := moment();
	one case_record;
	of_kind clock_kind;
	k clock;
	moment_done timestamptz;
	running text;
BEGIN
	one := case_named(tick_clock.case_code);
	PERFORM need_office(one.office_id, 'tick_clock');
	of_kind := clock_named(tick_clock.clock);
	SELECT * INTO k FROM clock c WHERE c.case_id = one.case_id AND c.kind = of_kind.kind AND c.running FOR NO KEY UPDATE;
	IF k.clock_id IS NULL THEN
		SELECT string_agg(c.kind, ', ' ORDER BY c.kind) INTO running FROM clock c WHERE c.case_id = one.case_id AND c.running;
		PERFORM refuse(format('clock: case %s has no %s that runs', one.case_code, of_kind.kind), coalesce('Running are: ' || running, 'None of its clocks runs.'));
	END IF;
	moment_done := past_moment(tick_clock.done, at, one.opened_at, 'done');
	IF of_kind.kind = 'first_contact' THEN
		-- The case keeps it; its clock follows.
		UPDATE case_record c SET first_contact_at = moment_done WHERE c.case_id = one.case_id;
	ELSE
		UPDATE clock c SET done_at = moment_done, done_by = session_user WHERE c.clock_id = k.clock_id;
	END IF;
	PERFORM record('clock_ticked', of_office => one.office_id, of_case => one.case_id, why => of_kind.kind,
		more => jsonb_build_object('done', moment_done, 'due', k.due_at));
	RETURN format('Case %s: %s is done%s', one.case_code, of_kind.label,
		CASE WHEN moment_done > k.due_at THEN ', ' || length_text(moment_done - k.due_at) || ' late' ELSE ', in time' END);
END
$$;
COMMENT ON FUNCTION vac.tick_clock(text, text, timestamptz) IS
	'Notes that what a clock of a case waits for was done: hhs_notice (HHS was notified), inform_of_responsible (the victim was told who is '
	'responsible), first_contact. done: when, left out: now';
