-- Cases that ended long ago are removed, by policy keep_cases, with all that was planned and sent for them.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

INSERT INTO vac_store.policy (name, urgency, kind, value, meaning) VALUES
	('keep_cases', NULL, 'days', '0',
		'Cases that ended longer ago than this are removed, with all that was planned and mailed for them; so are duties, shifts, leave and outages as old. 0: they are kept for ever');

-- Whoever removes a row has each reference to it looked for. Of these a row that goes leaves a number behind that says
-- nothing any more: that a case made another move is said of the other as long as that is there.
DO $references$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT k.conrelid::regclass AS of_table, k.conname FROM pg_constraint k
			JOIN pg_attribute a ON a.attrelid = k.conrelid AND ARRAY[a.attnum] = k.conkey
			WHERE k.contype = 'f' AND k.conparentid = 0
				AND (k.conrelid, a.attname) IN (('vac_store.decision'::regclass, 'made_room_for'), ('vac_store.message'::regclass, 'appointment_id'),
					('vac_store.inbound'::regclass, 'message_id')) LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.of_table, one.conname);
	END LOOP;
END
$references$;
COMMENT ON COLUMN vac_store.decision.made_room_for IS
	'The request that its appointment was moved for, which may be gone by policy keep_cases; cost and terms are then those of the new place less those of the old; NULL: not moved';
CREATE INDEX decision_appointment ON vac_store.decision (appointment_id) WHERE appointment_id IS NOT NULL;
COMMENT ON INDEX vac_store.decision_appointment IS 'Decisions about an appointment, which go before it does';
CREATE INDEX interpreter_left_case ON vac_store.interpreter_left (case_id);
COMMENT ON INDEX vac_store.interpreter_left_case IS 'What goes with a case';
