-- Notes beside history: what a person wrote as a reason, kept apart from the event so that it can be taken out.

CREATE OR REPLACE FUNCTION vac.redact_note(note bigint, reason text DEFAULT 'mistake') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = vac_store, pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	at CONSTANT timestamptz := wall();
	of_event history;
	gone note;
BEGIN
	IF NOT is_administrator() THEN
		PERFORM refuse(format('redact_note: that is for an administrator, and %s is none', session_user),
			'A login that may act as vac_owner can: ask whoever runs `vacd migrate`.', '42501');
	END IF;
	PERFORM need_reason(redact_note.reason);
	SELECT * INTO gone FROM note n WHERE n.note_id = redact_note.note FOR NO KEY UPDATE;
	IF gone.note_id IS NULL THEN
		PERFORM refuse(format('note: there is no note %s', coalesce(redact_note.note::text, 'of no number')), 'TABLE vac.notes shows their numbers.');
	ELSIF gone.redacted_at IS NOT NULL THEN
		RETURN format('Note %s was redacted already, by %s', gone.note_id, gone.redacted_by);
	END IF;
	UPDATE note n SET text = NULL, redacted_at = at, redacted_by = session_user WHERE n.note_id = gone.note_id;
	SELECT * INTO of_event FROM history h WHERE h.note_id = gone.note_id;
	-- Why in one word: another note about it would say again what must not be said.
	PERFORM record('note_redacted', of_event.office_id, of_event.case_id, of_event.request_id, of_event.appointment_id, of_event.coordinator_id,
		why => reason_code(redact_note.reason), more => jsonb_build_object('note', gone.note_id, 'history', of_event.history_id, 'of', of_event.event));
	RETURN format('Note %s is gone; the event it stood beside stays (%s)', gone.note_id, event_text(of_event.event, of_event.detail));
END
$$;
COMMENT ON FUNCTION vac.redact_note(bigint, text) IS
	'An administrator deletes the text of a note that should not have been written: note is its number in vac.notes. The event stays in history, with '
	'who redacted its note, and when. reason: its word is kept, and no more of it';
