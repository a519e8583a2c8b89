-- Which notes did people write, and beside what?
CREATE OR REPLACE VIEW vac.notes WITH (security_invoker = true) AS
	SELECT h.note_id AS note, vac_store.short_time(h.at, coalesce(o.time_zone, 'UTC')) AS at, h.who, c.case_code,
			vac_store.wrapped(vac_store.event_text(h.event, h.detail, coalesce(o.time_zone, 'UTC')), 24) AS what, vac_store.wrapped(vac_store.note_text(h.note_id), 40) AS said
		FROM vac_store.history h
			LEFT JOIN vac_store.office o ON o.office_id = h.office_id
			-- One by one, by the key: of all cases few have a note.
			LEFT JOIN LATERAL (SELECT r.case_code FROM vac_store.case_record r WHERE r.case_id = h.case_id OFFSET 0) c ON true
		WHERE h.note_id IS NOT NULL
		ORDER BY h.note_id DESC;
COMMENT ON VIEW vac.notes IS
	'Which notes did people write as reasons, and beside what? Newest first. Notes are kept apart from history: vac.redact_note(note) deletes the text of one that should not have been written';
COMMENT ON COLUMN vac.notes.note IS 'Its number, as vac.redact_note() wants it';
COMMENT ON COLUMN vac.notes.at IS 'When, in local time of the office (UTC where there is none)';
COMMENT ON COLUMN vac.notes.who IS 'Who wrote it';
COMMENT ON COLUMN vac.notes.case_code IS 'Code of the case';
COMMENT ON COLUMN vac.notes.what IS 'What was done for that reason';
COMMENT ON COLUMN vac.notes.said IS 'The note; (redacted): an administrator deleted it, and history says who';
GRANT SELECT ON vac.notes TO vac_supervisor;
