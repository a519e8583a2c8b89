-- Plans are on record, with what they moved to make room.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

-- ---- policy ----------------------------------------------------------------------------------
-- The check of values comes anew with the functions; the one that stands here knows no number as high.
DO $policy$
DECLARE
	checked boolean := EXISTS (SELECT FROM pg_catalog.pg_trigger t
		WHERE t.tgrelid = 'vac_store.policy'::regclass AND t.tgname = 'policy_check');
BEGIN
	IF checked THEN
		ALTER TABLE vac_store.policy DISABLE TRIGGER policy_check;
	END IF;
	INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
		('plan_steps', NULL, 'count', '16000000',
			'How many looks at one coordinator for one request the search for a better plan may take beyond the first plan, for each 500 requests begun; a plan that came to this end says so');
	-- Until now nobody read these, and any text and any number stood.
	UPDATE vac_store.policy p SET value = 'never'
		WHERE p.name = 'may_be_moved' AND p.value <> 'never'
			AND NOT (p.urgency = 'urgent' AND p.value = 'by immediate')
			AND NOT (p.urgency = 'routine' AND p.value IN ('by immediate', 'by urgent', 'by immediate and urgent'));
	UPDATE vac_store.policy p SET value = '10' WHERE p.name = 'move_chain' AND p.value::bigint > 10;
	UPDATE vac_store.policy p SET meaning = 'Whose requests may move an appointment to make room: never, by immediate, by urgent, by immediate and urgent'
		WHERE p.name = 'may_be_moved';
	UPDATE vac_store.policy p SET meaning = 'How many appointments may be moved to make room for one request'
		WHERE p.name = 'move_chain';
	IF checked THEN
		ALTER TABLE vac_store.policy ENABLE TRIGGER policy_check;
	END IF;
END
$policy$;

-- ---- plans -----------------------------------------------------------------------------------
CREATE TABLE vac_store.plan (
	plan_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	group_id   integer NOT NULL,
	fence      bigint NOT NULL,
	round      integer NOT NULL CHECK (round > 0),   -- a big plan comes in several calls, which name the same
	planned_at timestamptz NOT NULL,
	stored_at  timestamptz NOT NULL,
	requests   integer NOT NULL CHECK (requests >= 0),
	unserved   integer NOT NULL CHECK (unserved >= 0),
	late_minutes bigint NOT NULL CHECK (late_minutes >= 0),
	moves      integer NOT NULL CHECK (moves >= 0),
	cost       bigint NOT NULL,
	steps      bigint NOT NULL CHECK (steps >= 0),
	exact      boolean NOT NULL,
	limited    boolean NOT NULL,
	UNIQUE (group_id, fence, round)
);
COMMENT ON TABLE vac_store.plan IS 'Plans of which at least one decision was kept, append-only';
COMMENT ON COLUMN vac_store.plan.plan_id IS 'Key';
COMMENT ON COLUMN vac_store.plan.group_id IS 'The group of offices it was made for, as groups were then';
COMMENT ON COLUMN vac_store.plan.fence IS 'Number of the claim of the group under which it was made';
COMMENT ON COLUMN vac_store.plan.round IS 'Which plan of that claim, from 1';
COMMENT ON COLUMN vac_store.plan.planned_at IS 'The moment the planner planned from: waiting counts from it';
COMMENT ON COLUMN vac_store.plan.stored_at IS 'When its first decision was kept';
COMMENT ON COLUMN vac_store.plan.requests IS 'Requests it decided about, whether the decision was kept or refused';
COMMENT ON COLUMN vac_store.plan.unserved IS 'Those of them that nobody could take';
COMMENT ON COLUMN vac_store.plan.late_minutes IS 'Minutes that those it served start after their due time, in all';
COMMENT ON COLUMN vac_store.plan.moves IS 'Appointments it moved to make room';
COMMENT ON COLUMN vac_store.plan.cost IS 'Cost of all it chose and all it moved; vacd-plan(7) says how it is reckoned';
COMMENT ON COLUMN vac_store.plan.steps IS 'Steps that the search took';
COMMENT ON COLUMN vac_store.plan.exact IS 'It is proven that there is no better plan';
COMMENT ON COLUMN vac_store.plan.limited IS 'The search ended by policy plan_steps: the best plan so far';

ALTER TABLE vac_store.plan ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_all ON vac_store.plan TO vac_owner USING (true) WITH CHECK (true);
-- It holds nothing of a case, only figures.
CREATE POLICY supervisor_group ON vac_store.plan FOR SELECT TO vac_supervisor
	USING (group_id IN (SELECT o.group_id FROM vac_store.office o
		WHERE o.office_id IN (SELECT vac_store.my_offices())));

-- ---- decisions -------------------------------------------------------------------------------
ALTER TABLE vac_store.decision
	ADD COLUMN plan_id bigint REFERENCES vac_store.plan,     -- NULL: from before plans were kept
	ADD COLUMN nearest jsonb,                   -- {"coordinator_id": epoch seconds}
	ADD COLUMN made_room_for bigint REFERENCES vac_store.request,
	ADD COLUMN moved_from jsonb,                -- {"appointment": id, "coordinator": id, "start": epoch seconds, "accepted": true or false}
	ADD CONSTRAINT decision_moved CHECK ((made_room_for IS NULL) = (moved_from IS NULL));
CREATE INDEX decision_plan ON vac_store.decision (plan_id);
CREATE INDEX decision_made_room ON vac_store.decision (made_room_for) WHERE made_room_for IS NOT NULL;
COMMENT ON COLUMN vac_store.decision.plan_id IS 'The plan it is of; NULL: from before plans were kept';
COMMENT ON COLUMN vac_store.decision.nearest IS 'For those ruled out whom a later time would have suited, that time in seconds since 1970; for those who would have been dearer the start they would have had';
COMMENT ON COLUMN vac_store.decision.made_room_for IS 'The request that its appointment was moved for; cost and terms are then those of the new place less those of the old; NULL: not moved';
COMMENT ON COLUMN vac_store.decision.moved_from IS 'Where it was before: appointment, coordinator, start in seconds since 1970, and whether it was accepted';
COMMENT ON COLUMN vac_store.decision.ruled_out IS 'For each hard rule the coordinators it ruled out; dearer: those who could, but at a higher cost than the runner-up';
COMMENT ON INDEX vac_store.decision_made_room IS 'What was moved to make room for a request';

ALTER TYPE vac_store.planned ADD ATTRIBUTE nearest jsonb;
-- An array of objects, as the planner writes them; in the order they were thought of.
ALTER TYPE vac_store.planned ADD ATTRIBUTE moves jsonb;
-- Of a move only: the appointment, and where the plan found it.
ALTER TYPE vac_store.planned ADD ATTRIBUTE appointment_id bigint;
ALTER TYPE vac_store.planned ADD ATTRIBUTE from_coordinator integer;
ALTER TYPE vac_store.planned ADD ATTRIBUTE from_start bigint;
