-- Further forms of mail: reminders, our own answers, questions with words to answer by, shifts.
-- Runs as vac_owner with search_path = vac_store, pg_catalog.

ALTER TABLE vac_store.message
	DROP CONSTRAINT message_kind_check,
	ADD CONSTRAINT message_kind_check CHECK (kind IN ('invitation', 'update', 'cancel', 'reminder', 'page', 'notice',
		'requester', 'probe', 'reply', 'counter_refused', 'ask', 'shift')),
	DROP CONSTRAINT message_method_check,
	ADD CONSTRAINT message_method_check CHECK (method IN ('REQUEST', 'CANCEL', 'REPLY', 'DECLINECOUNTER')),
	ADD COLUMN partstat text CHECK (partstat IN ('NEEDS-ACTION', 'ACCEPTED', 'TENTATIVE', 'DECLINED')),
	ADD COLUMN partner mail_address,
	ADD COLUMN foreign_uid text CHECK (length(foreign_uid) BETWEEN 1 AND 255 AND foreign_uid !~ '[\x01-\x1f\x7f\u0080-\u009f\u2028\u2029]'),
	ADD COLUMN shown_free boolean NOT NULL DEFAULT false,
	ADD COLUMN words text CHECK (words ~ '^[a-z]+( [a-z]+)*$' AND length(words) <= 100),
	-- A row of the old check: no calendar part, no UID. A mail that is answered by words has one now.
	DROP CONSTRAINT message_check,
	ADD CONSTRAINT message_uid CHECK (CASE
		WHEN method = 'REPLY' THEN uid IS NULL AND foreign_uid IS NOT NULL AND partner IS NOT NULL
		WHEN method IS NOT NULL OR words IS NOT NULL THEN uid IS NOT NULL AND foreign_uid IS NULL AND partner IS NULL
		ELSE uid IS NULL AND foreign_uid IS NULL AND partner IS NULL END);
COMMENT ON COLUMN vac_store.message.partstat IS 'PARTSTAT of the attendee: in a reminder the last one taken, in a REPLY our answer; NULL: NEEDS-ACTION';
COMMENT ON COLUMN vac_store.message.partner IS 'In a REPLY: the address of ours that was invited';
COMMENT ON COLUMN vac_store.message.foreign_uid IS 'In a REPLY: the UID of the event that we were invited to';
COMMENT ON COLUMN vac_store.message.shown_free IS 'Shown as free in the calendar, and no answer is asked: a shift';
COMMENT ON COLUMN vac_store.message.words IS 'The words that it may be answered with, parted by spaces; NULL: accept and decline, if it invites';
COMMENT ON COLUMN vac_store.message.kind IS 'invitation, update and cancel of an appointment; reminder (the same state again); page; notice (to supervisors); requester (to who opened the case); probe; reply (to who invited us); counter_refused; ask (what became of a meeting); shift (on-call duty)';
