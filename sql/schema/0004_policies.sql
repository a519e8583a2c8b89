-- Who sees which rows. Policies decide by session_user, so that they also hold inside SECURITY
-- DEFINER functions and cannot be widened by SET ROLE. Each asks `… IN (SELECT f())`, which the
-- planner turns into one hashed list a query instead of one call a row. People only ever read
-- tables (through views); every change goes through a verb.

-- The functions that policies ask. An administrator is a login that may act as the owner (superusers
-- may): it sees everything.
CREATE FUNCTION vac_store.my_offices() RETURNS SETOF integer
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 40
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT o.office_id FROM office o
			WHERE pg_has_role(session_user, 'vac_owner', 'MEMBER')
				OR EXISTS (SELECT FROM supervisor s
					WHERE s.login = session_user AND s.retired_at IS NULL
						AND (s.all_offices OR EXISTS (SELECT FROM supervisor_office so
							WHERE so.supervisor_id = s.supervisor_id AND so.office_id = o.office_id)));
	$$;
COMMENT ON FUNCTION vac_store.my_offices() IS
	'Ids of the offices that the person at the keyboard supervises; an administrator supervises all';

CREATE FUNCTION vac_store.near_offices() RETURNS SETOF integer
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 40
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT my_offices()
		UNION
		SELECT b.backup_office_id FROM office_backup b WHERE b.office_id IN (SELECT my_offices());
	$$;
COMMENT ON FUNCTION vac_store.near_offices() IS
	'Ids of one''s own offices and of their backups: whose coordinators may be sent to one''s cases';

CREATE FUNCTION vac_store.my_coordinators() RETURNS SETOF integer
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT c.coordinator_id FROM coordinator c WHERE c.office_id IN (SELECT my_offices());
	$$;
COMMENT ON FUNCTION vac_store.my_coordinators() IS 'Ids of the coordinators of one''s own offices, retired ones too';

CREATE FUNCTION vac_store.near_coordinators() RETURNS SETOF integer
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 200
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT c.coordinator_id FROM coordinator c WHERE c.office_id IN (SELECT near_offices());
	$$;
COMMENT ON FUNCTION vac_store.near_coordinators() IS
	'Ids of the coordinators of one''s own offices and of their backups';

-- ---- reference lists: supervisors and intake read all of them --------------------------------
DO $reference$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['service', 'policy', 'office', 'office_hours', 'office_place', 'office_backup', 'holiday']
	LOOP
		EXECUTE format('CREATE POLICY everybody_reads ON vac_store.%I FOR SELECT TO vac_supervisor, vac_intake USING (true)', name);
	END LOOP;
	FOREACH name IN ARRAY ARRAY['protected_word', 'allowed_domain']
	LOOP
		EXECUTE format('CREATE POLICY supervisor_reads ON vac_store.%I FOR SELECT TO vac_supervisor USING (true)', name);
	END LOOP;
END
$reference$;

-- ---- people ----------------------------------------------------------------------------------
-- Supervisors see each other: at three in the morning one must know whom else to call.
CREATE POLICY supervisor_reads ON vac_store.supervisor FOR SELECT TO vac_supervisor USING (true);
CREATE POLICY supervisor_reads ON vac_store.supervisor_office FOR SELECT TO vac_supervisor USING (true);
-- The people who may be sent to one's cases, with their telephones; their days only for one's own.
CREATE POLICY supervisor_near ON vac_store.coordinator FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.near_offices()));
CREATE POLICY supervisor_near ON vac_store.coordinator_service FOR SELECT TO vac_supervisor
	USING (coordinator_id IN (SELECT vac_store.near_coordinators()));
CREATE POLICY supervisor_near ON vac_store.coordinator_language FOR SELECT TO vac_supervisor
	USING (coordinator_id IN (SELECT vac_store.near_coordinators()));
CREATE POLICY supervisor_own ON vac_store.weekly_pattern FOR SELECT TO vac_supervisor
	USING (coordinator_id IN (SELECT vac_store.my_coordinators()));
CREATE POLICY supervisor_own ON vac_store.shift FOR SELECT TO vac_supervisor
	USING (coordinator_id IN (SELECT vac_store.my_coordinators()));
CREATE POLICY supervisor_own ON vac_store.leave FOR SELECT TO vac_supervisor
	USING (coordinator_id IN (SELECT vac_store.my_coordinators()));

-- ---- cases -----------------------------------------------------------------------------------
-- A case is its own office's. An appointment is also the coordinator's office's, which has to know
-- when its people are away; it learns neither the case code nor anything else of the case.
CREATE POLICY supervisor_own ON vac_store.case_record FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices()));
CREATE POLICY supervisor_own ON vac_store.case_conflict FOR SELECT TO vac_supervisor
	USING (EXISTS (SELECT FROM vac_store.case_record c WHERE c.case_id = case_conflict.case_id));
CREATE POLICY supervisor_own ON vac_store.request FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices()));
CREATE POLICY supervisor_own ON vac_store.request_bar FOR SELECT TO vac_supervisor
	USING (EXISTS (SELECT FROM vac_store.request r WHERE r.request_id = request_bar.request_id));
CREATE POLICY supervisor_own_or_holder ON vac_store.appointment FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices())
		OR coordinator_id IN (SELECT vac_store.my_coordinators()));
CREATE POLICY supervisor_own ON vac_store.decision FOR SELECT TO vac_supervisor
	USING (EXISTS (SELECT FROM vac_store.request r WHERE r.request_id = decision.request_id));
CREATE POLICY intake_own ON vac_store.case_record FOR SELECT TO vac_intake
	USING (opened_by = session_user);
CREATE POLICY intake_own ON vac_store.request FOR SELECT TO vac_intake
	USING (EXISTS (SELECT FROM vac_store.case_record c WHERE c.case_id = request.case_id));

-- ---- mail and history ------------------------------------------------------------------------
CREATE POLICY supervisor_own_or_holder ON vac_store.message FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices())
		OR EXISTS (SELECT FROM vac_store.appointment a
			WHERE a.appointment_id = message.appointment_id
				AND a.coordinator_id IN (SELECT vac_store.my_coordinators())));
-- What belongs to no office (a policy set, a domain allowed) concerns every supervisor.
CREATE POLICY supervisor_own ON vac_store.history FOR SELECT TO vac_supervisor
	USING (office_id IN (SELECT vac_store.my_offices()) OR (office_id IS NULL AND case_id IS NULL));
-- vac_desk reads no table: vac.look_up() shows it one code at a time, on record.
