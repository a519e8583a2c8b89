-- What a mail says, whose it is, and what becomes of it. Each function takes the row of the mail and gives
-- it back with its outcome; nothing of what a mail says in words is kept.

CREATE OR REPLACE FUNCTION vac_store.settled(mail inbound, outcome text, why text, listed boolean DEFAULT NULL) RETURNS inbound
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			mail.outcome := settled.outcome;
			mail.why := left(settled.why, 200);
			mail.state := CASE WHEN coalesce(listed, settled.outcome NOT IN ('taken', 'duplicate', 'automatic_reply', 'delivery_failed',
				'delivery_delayed', 'delivery_other', 'left_alone')) THEN 'listed' ELSE 'done' END;
			RETURN mail;
		END
	$$;
COMMENT ON FUNCTION vac_store.settled(inbound, text, text, boolean) IS
	'A mail with its outcome and the reason in words; listed: whether a person should look, by default whatever changed nothing though somebody may have meant it to';

CREATE OR REPLACE FUNCTION vac_store.auth_problem(letter jsonb, plain boolean) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- Only what our own border server says counts; others can write anything.
			ours boolean := coalesce(letter ->> 'auth_server' = letter ->> 'authserv_id', false);
		BEGIN
			RETURN CASE
				WHEN letter ->> 'authserv_id' IS NULL THEN NULL
				WHEN ours AND letter ->> 'dmarc' = 'fail' THEN 'the mail server says that its sender is forged (DMARC fail)'
				WHEN plain AND NOT coalesce(ours AND letter ->> 'dmarc' = 'pass'
					AND letter ->> 'auth_domain' = split_part(letter ->> 'from', '@', 2), false)
					THEN 'plain text, and the mail server does not vouch for its sender (no DMARC pass)' END;
		END
	$$;
COMMENT ON FUNCTION vac_store.auth_problem(jsonb, boolean) IS
	'What the Authentication-Results of our own mail server have against a mail; NULL: nothing. plain: an answer in words, which needs a DMARC pass of the domain in From';

-- ---- what it says ----------------------------------------------------------------------------
-- The answer as {"say", "sequence", "stamped", "start", …}, or {"problem": outcome, "why": …}.
CREATE OR REPLACE FUNCTION vac_store.attendee_of(event jsonb, writer coordinator) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			own jsonb := (SELECT x FROM jsonb_array_elements(event -> 'attendees') WITH ORDINALITY AS u (x, n)
				WHERE address_fits(writer, x ->> 'address') ORDER BY n LIMIT 1);
			only_one jsonb := CASE WHEN jsonb_array_length(event -> 'attendees') = 1 THEN event -> 'attendees' -> 0 END;
		BEGIN
			-- A client may know its owner by an address that the roster does not know; a colleague's is theirs.
			RETURN coalesce(own, CASE WHEN (coordinator_of_address(only_one ->> 'address')).coordinator_id IS NULL THEN only_one END);
		END
	$$;
COMMENT ON FUNCTION vac_store.attendee_of(jsonb, coordinator) IS 'The attendee of an event that is the one who wrote the mail; NULL: none is';

CREATE OR REPLACE FUNCTION vac_store.event_says(method text, event jsonb, a appointment, writer coordinator) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			own jsonb := attendee_of(event, writer);
			partstat text := own ->> 'partstat';
			answer jsonb := event - 'attendees';
		BEGIN
			IF event ->> 'uid' IS DISTINCT FROM a.uid::text THEN
				RETURN '{"problem": "set_aside", "why": "it names another event than the one that its address belongs to"}';
			ELSIF method = 'REFRESH' THEN
				RETURN answer || '{"say": "REFRESH"}';
			ELSIF own IS NULL THEN
				RETURN CASE WHEN event -> 'attendees' = '[]' THEN '{"problem": "unreadable", "why": "it names no attendee"}'
					ELSE '{"problem": "sender_misfit", "why": "it answers for somebody else than its sender"}' END::jsonb;
			ELSIF method = 'COUNTER' THEN
				RETURN answer || jsonb_build_object('say', 'COUNTER', 'declines', coalesce(partstat = 'DECLINED', false),
					'proposed', answer -> 'start', 'start', answer -> 'original_start');
			ELSIF partstat IS NULL OR partstat NOT IN ('ACCEPTED', 'DECLINED', 'TENTATIVE', 'DELEGATED') THEN
				RETURN '{"problem": "unsupported_method", "why": "it says none of accepted, declined, tentative, delegated"}';
			END IF;
			RETURN answer || jsonb_build_object('say', partstat, 'delegated_to', own -> 'delegated_to' ->> 0);
		END
	$$;
COMMENT ON FUNCTION vac_store.event_says(text, jsonb, appointment, coordinator) IS
	'What one event of an answer says of an appointment, or {"problem", "why"}';

CREATE OR REPLACE FUNCTION vac_store.letter_says(letter jsonb, a appointment, writer coordinator) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			said jsonb[];
			bad jsonb;
		BEGIN
			IF letter ->> 'kind' = 'plain' THEN
				RETURN CASE WHEN letter ->> 'word' IN ('accept', 'decline', 'tentative', 'held', 'missed', 'contacted')
					THEN jsonb_build_object('say', CASE letter ->> 'word' WHEN 'accept' THEN 'ACCEPTED' WHEN 'decline' THEN 'DECLINED'
						ELSE upper(letter ->> 'word') END, 'sequence', letter -> 'number')
					ELSE '{"problem": "set_aside", "why": "its word is nothing that vacd can do by itself"}' END;
			END IF;
			said := ARRAY(SELECT event_says(letter ->> 'method', x, a, writer) FROM jsonb_array_elements(letter -> 'events') x);
			IF said = '{}' THEN
				RETURN '{"problem": "unreadable", "why": "it holds no event"}';
			END IF;
			-- All or none.
			bad := (SELECT s FROM unnest(said) s WHERE s ? 'problem' LIMIT 1);
			IF bad IS NOT NULL THEN
				RETURN bad;
			ELSIF (SELECT count(DISTINCT s - 'stamped') FROM unnest(said) s) > 1 THEN
				RETURN '{"problem": "set_aside", "why": "its events contradict each other"}';
			END IF;
			RETURN (SELECT s FROM unnest(said) s ORDER BY s -> 'stamped' DESC LIMIT 1);
		END
	$$;
COMMENT ON FUNCTION vac_store.letter_says(jsonb, appointment, coordinator) IS
	'What a mail says of an appointment: say (ACCEPTED, DECLINED, TENTATIVE, DELEGATED, COUNTER, REFRESH, HELD, MISSED, CONTACTED), sequence, stamped, start, …; or problem (an outcome) and why. Several events count all or none';

-- ---- what becomes of it ----------------------------------------------------------------------
CREATE OR REPLACE FUNCTION vac_store.judge_ended(mail inbound, letter jsonb, a appointment, answer jsonb, now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			against text;
			-- An offer of help where there is none yet is worth a look.
			wanted boolean := answer ->> 'say' = 'ACCEPTED'
				AND EXISTS (SELECT FROM request r WHERE r.request_id = a.request_id AND r.state = 'open');
		BEGIN
			IF a.state IN ('held', 'missed') OR upper(a.span) <= now_at THEN
				RETURN settled(mail, 'left_alone', 'the meeting is over');
			ELSIF answer ->> 'say' = 'DECLINED' THEN
				RETURN settled(mail, 'left_alone', format('the appointment is %s already', a.state));
			END IF;
			against := tell_again(a, 'cancel', letter, now_at);
			RETURN settled(mail, 'refused', format('the appointment is %s%s', a.state, CASE WHEN against IS NULL
				THEN '; its cancellation goes out again' ELSE ', and no mail says so again: ' || against END), against IS NOT NULL OR wanted);
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_ended(inbound, jsonb, appointment, jsonb, timestamptz) IS
	'An answer to what is cancelled, replaced, declined or lapsed: CANCEL again, never a resurrection; what is over is left alone';

CREATE OR REPLACE FUNCTION vac_store.judge_stale(mail inbound, letter jsonb, a appointment, now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			against text;
		BEGIN
			IF a.asked_again = a.sequence THEN
				RETURN settled(mail, 'stale', 'once more about a time that is no longer the appointment''s: please telephone');
			END IF;
			against := tell_again(a, 'update', letter, now_at);
			IF against IS NULL THEN
				UPDATE appointment b SET asked_again = b.sequence WHERE b.appointment_id = a.appointment_id;
				PERFORM record('asked_again', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id);
			END IF;
			RETURN settled(mail, 'stale', 'it is about a time that is no longer the appointment''s; '
				|| coalesce('they are not asked again: ' || against, 'they are asked again'));
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_stale(inbound, jsonb, appointment, timestamptz) IS
	'An answer to an older time: it changes nothing; the coordinator is asked again once a state, after that it is a supervisor''s';

CREATE OR REPLACE FUNCTION vac_store.judge_counter(mail inbound, letter jsonb, a appointment, holder coordinator, answer jsonb,
		now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			starts timestamptz := at_epoch((answer ->> 'proposed')::bigint);
			ends timestamptz := coalesce(at_epoch((answer ->> 'end')::bigint), starts + (upper(a.span) - lower(a.span)));
			silent text := may_answer(a, letter);
			against text;
		BEGIN
			against := CASE WHEN starts IS NULL OR ends <= starts OR (answer ->> 'all_day')::boolean OR (answer ->> 'floating')::boolean
				OR (answer ->> 'recurring')::boolean THEN 'no_time' ELSE silent END;
			against := coalesce(against, move_to(a, tstzrange(starts, ends), now_at));
			IF against IS NULL THEN
				PERFORM keep_answer(a, holder, letter, answer, mail);
				RETURN settled(mail, 'taken', 'the appointment is at the time they proposed, and they are asked to accept it');
			END IF;
			PERFORM record('counter_refused', a.office_id, a.case_id, a.request_id, a.appointment_id, a.coordinator_id, why => left(against, 40));
			IF (answer ->> 'declines')::boolean THEN
				PERFORM keep_answer(a, holder, letter, answer || '{"say": "DECLINED"}', mail), take_decline(a, NULL, now_at);
				mail.said := 'declined';
				RETURN settled(mail, 'taken', 'declined; the time they propose instead cannot be taken');
			END IF;
			silent := coalesce(silent, tell_again(a, 'counter_refused', letter, now_at));
			RETURN settled(mail, 'refused', format('the time they propose cannot be taken: %s', replace(against, '_', ' '))
				|| CASE WHEN silent IS NULL THEN '; they are told' ELSE '; they are not told' END, silent IS NOT NULL);
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_counter(inbound, jsonb, appointment, coordinator, jsonb, timestamptz) IS
	'A counter-proposal: taken if it can be (REQUEST with SEQUENCE + 1), else refused (DECLINECOUNTER); if it declines as well, that stands';

-- Of a call-out several are asked at once, and one may forward theirs to another who has it already.
CREATE OR REPLACE FUNCTION vac_store.judge_own(mail inbound, letter jsonb, a appointment, giver coordinator, own appointment, answer jsonb,
		now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			-- SEQUENCE and start are those of the other's.
			said jsonb := answer - '{sequence,start}'::text[];
			count text := counts(own, giver.coordinator_id, letter, said, mail.received_at);
		BEGIN
			IF count = 'duplicate' THEN
				RETURN settled(mail, 'duplicate', 'it says the same as the last one');
			ELSIF count <> 'counts' THEN
				RETURN settled(mail, 'stale', 'a later answer of theirs was taken before');
			END IF;
			-- Beside the token it came with it is known again; beside their own it is the last they said.
			PERFORM keep_answer(a, giver, letter, answer, mail), keep_answer(own, giver, letter, said, mail), take_acceptance(own, NULL, now_at);
			mail.appointment_id := own.appointment_id;
			RETURN settled(mail, 'taken', 'accepted, with the invitation of a colleague who was asked as well');
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_own(inbound, jsonb, appointment, coordinator, appointment, jsonb, timestamptz) IS
	'Accepted with a colleague''s token (a) by somebody who was asked for the same request (own): as if it had come with their own';

CREATE OR REPLACE FUNCTION vac_store.own_of(a appointment, who coordinator, now_at timestamptz) RETURNS appointment
	LANGUAGE sql STABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		SELECT b FROM appointment b
			WHERE b.request_id = a.request_id AND b.coordinator_id = who.coordinator_id AND b.live AND upper(b.span) > now_at
			ORDER BY lower(b.span), b.appointment_id LIMIT 1;
	$$;
COMMENT ON FUNCTION vac_store.own_of(appointment, coordinator, timestamptz) IS
	'The live appointment that somebody has for the request of another''s; NULL: they were not asked for it';

CREATE OR REPLACE FUNCTION vac_store.judge_hand_over(mail inbound, letter jsonb, a appointment, giver coordinator, colleague coordinator,
		answer jsonb, now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			accepts boolean := giver.coordinator_id = colleague.coordinator_id;
			own appointment := own_of(a, colleague, now_at);
			done record;
		BEGIN
			IF colleague.coordinator_id IS NULL THEN
				RETURN settled(mail, 'refused', 'they name nobody of the roster to take it over');
			ELSIF colleague.coordinator_id = a.coordinator_id THEN
				RETURN settled(mail, 'refused', 'they hand it over to themselves');
			ELSIF accepts AND own.appointment_id IS NOT NULL THEN
				RETURN judge_own(mail, letter, a, giver, own, answer, now_at);
			ELSIF NOT a.live THEN
				RETURN settled(mail, 'refused', format('a colleague accepts what is %s', a.state));
			ELSIF a.pinned THEN
				RETURN settled(mail, 'refused', 'a supervisor set it by hand; may a colleague take it over?');
			ELSIF accepts AND a.state = 'accepted' THEN
				RETURN settled(mail, 'refused', 'a colleague accepts what its coordinator has accepted; which of them shall go?');
			END IF;
			IF own.appointment_id IS NOT NULL THEN
				-- They are asked already, and need no second invitation.
				PERFORM end_appointments(ARRAY[a.appointment_id], 'replaced', 'handed_over'), end_pages(ARRAY[a.appointment_id]),
					keep_answer(a, giver, letter, answer, mail);
				RETURN settled(mail, 'taken', format('left to %s, who is asked already', colleague.name));
			END IF;
			done := hand_over(a, colleague, accepts, NULL, now_at);
			IF done.against IS NOT NULL THEN
				PERFORM record('hand_over_refused', a.office_id, a.case_id, a.request_id, a.appointment_id, colleague.coordinator_id,
					why => done.against);
				RETURN settled(mail, 'refused', format('%s cannot take it over: %s', colleague.name, (SELECT rule_text(done.against, r.language, s.label)
					FROM request r JOIN service s ON s.code = r.service WHERE r.request_id = a.request_id)));
			END IF;
			PERFORM keep_answer(a, giver, letter, answer, mail);
			RETURN settled(mail, 'taken', format('handed over to %s, who %s', colleague.name, CASE WHEN accepts THEN 'accepted' ELSE 'is asked' END));
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_hand_over(inbound, jsonb, appointment, coordinator, coordinator, jsonb, timestamptz) IS
	'Delegated by its holder (giver) to a colleague, who is then invited, or accepted with its token by a colleague (giver too), who then has it: if no hard rule speaks against them; else refused and listed. '
	'A colleague who was asked for the same request goes on being asked, or accepts with their own appointment, also when that of the token has ended';

CREATE OR REPLACE FUNCTION vac_store.judge_live(mail inbound, letter jsonb, a appointment, holder coordinator, answer jsonb, now_at timestamptz)
	RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			say text := answer ->> 'say';
			count text := counts(a, holder.coordinator_id, letter, answer, mail.received_at);
		BEGIN
			IF count = 'stale' THEN
				RETURN judge_stale(mail, letter, a, now_at);
			ELSIF count = 'older' THEN
				RETURN settled(mail, 'stale', 'a later answer of theirs was taken before');
			ELSIF count = 'duplicate' THEN
				RETURN settled(mail, 'duplicate', 'it says the same as the last one');
			ELSIF upper(a.span) <= now_at AND say <> 'ACCEPTED' THEN
				RETURN settled(mail, 'refused', 'the meeting is over: what became of it?');
			ELSIF say = 'COUNTER' THEN
				RETURN judge_counter(mail, letter, a, holder, answer, now_at);
			ELSIF say = 'DELEGATED' THEN
				RETURN judge_hand_over(mail, letter, a, holder, coordinator_of_address(answer ->> 'delegated_to'), answer, now_at);
			END IF;
			PERFORM keep_answer(a, holder, letter, answer, mail);
			PERFORM take_acceptance(a, NULL, now_at) WHERE say = 'ACCEPTED';
			PERFORM take_decline(a, NULL, now_at) WHERE say = 'DECLINED';
			PERFORM take_perhaps(a, NULL, now_at) WHERE say = 'TENTATIVE';
			RETURN settled(mail, 'taken', lower(say));
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_live(inbound, jsonb, appointment, coordinator, jsonb, timestamptz) IS
	'An answer of the holder of a live appointment: whether it counts, and what it does';

CREATE OR REPLACE FUNCTION vac_store.judge_outcome(mail inbound, letter jsonb, a appointment, answer jsonb, now_at timestamptz) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			became text := lower(answer ->> 'say');
			one case_record;
		BEGIN
			SELECT * INTO one FROM case_record c WHERE c.case_id = a.case_id;
			IF NOT a.live AND a.state NOT IN ('held', 'missed') OR one.state <> 'open' THEN
				RETURN settled(mail, 'refused', format('the %s', CASE WHEN one.state <> 'open' THEN 'case is ' || one.state
					ELSE 'appointment is ' || a.state END));
			ELSIF (answer ->> 'sequence')::integer < a.sequence AND NOT start_kept(a, (answer ->> 'sequence')::integer) THEN
				RETURN settled(mail, 'stale', 'it is about a time that is no longer the appointment''s');
			ELSIF became = 'contacted' THEN
				RETURN CASE WHEN note_contact(a, greatest(least(stamp_of(letter, answer, mail.received_at), mail.received_at), one.opened_at))
					THEN settled(mail, 'taken', 'first contact is recorded')
					ELSE settled(mail, 'duplicate', 'an earlier contact is on record') END;
			ELSIF lower(a.span) > now_at THEN
				RETURN settled(mail, 'refused', 'the meeting has not begun');
			ELSIF a.state IN ('held', 'missed') THEN
				RETURN CASE WHEN a.state = became THEN settled(mail, 'duplicate', 'that is on record')
					ELSE settled(mail, 'refused', format('%s is on record already; vac.record_outcome() changes it', a.state)) END;
			END IF;
			PERFORM take_outcome(a, became, now_at);
			PERFORM tell_supervisors(a.office_id, 'a meeting did not take place',
				format(E'The coordinator of the meeting of case %s says that it did not take place. It is planned again.\n\n'
					'vac.record_outcome() says who was absent, or that it is not wanted any more.\n', one.case_code),
				a.urgency = 'immediate', false, now_at) WHERE became = 'missed';
			RETURN settled(mail, 'taken', became);
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_outcome(inbound, jsonb, appointment, jsonb, timestamptz) IS
	'The holder says what became of a meeting (held, missed), or that the victim was contacted';

CREATE OR REPLACE FUNCTION vac_store.judge_answer(mail inbound, letter jsonb, a appointment, writer coordinator) RETURNS inbound
	LANGUAGE plpgsql
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			now_at timestamptz;
			holder coordinator;
			answer jsonb;
		BEGIN
			SELECT * INTO holder FROM coordinator k WHERE k.coordinator_id = a.coordinator_id;
			IF address_fits(holder, letter ->> 'from') THEN
				writer := holder;
			ELSIF writer.coordinator_id IS NULL THEN
				RETURN settled(mail, 'sender_misfit', 'it does not come from the coordinator who was invited, nor from anybody on the roster');
			END IF;
			mail.coordinator_id := writer.coordinator_id;
			answer := letter_says(letter, a, writer);
			IF answer ? 'problem' THEN
				RETURN settled(mail, answer ->> 'problem', answer ->> 'why');
			END IF;
			mail.said := lower(answer ->> 'say');
			IF NOT lock_for_answer(a, ARRAY[writer.coordinator_id, (coordinator_of_address(answer ->> 'delegated_to')).coordinator_id]) THEN
				RAISE lock_not_available USING MESSAGE = 'somebody else holds what the answer changes';
			END IF;
			-- What follows reads what is committed now, and nobody can change it any more.
			now_at := wall();
			SELECT * INTO a FROM appointment b WHERE b.appointment_id = a.appointment_id;
			IF is_duplicate(a, writer.coordinator_id, letter, answer, mail.received_at) THEN
				RETURN settled(mail, 'duplicate', 'it was taken before');
			ELSIF writer.coordinator_id <> holder.coordinator_id THEN
				RETURN CASE WHEN answer ->> 'say' <> 'ACCEPTED' THEN
						settled(mail, 'sender_misfit', format('%s was not invited to this', writer.name))
					ELSE judge_hand_over(mail, letter, a, writer, writer, answer, now_at) END;
			ELSIF answer ->> 'say' IN ('HELD', 'MISSED', 'CONTACTED') THEN
				RETURN judge_outcome(mail, letter, a, answer, now_at);
			ELSIF NOT a.live THEN
				RETURN judge_ended(mail, letter, a, answer, now_at);
			ELSIF answer ->> 'say' = 'REFRESH' THEN
				answer := to_jsonb(tell_again(a, 'update', letter, now_at));
				RETURN settled(mail, CASE WHEN answer IS NULL THEN 'taken' ELSE 'refused' END,
					coalesce('the newest state is not sent again: ' || (answer #>> '{}'), 'the newest state goes out again'));
			END IF;
			RETURN judge_live(mail, letter, a, holder, answer, now_at);
		END
	$$;
COMMENT ON FUNCTION vac_store.judge_answer(inbound, jsonb, appointment, coordinator) IS
	'An answer with a good token: whose it is, what it says, and what becomes of it. Its rows are locked without waiting; a lock that somebody holds is an error (55P03)';
