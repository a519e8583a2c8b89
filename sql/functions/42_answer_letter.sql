-- The record that the reader's child makes of a mail (common/letter.h). The child has read hostile
-- bytes and may send anything: what is not exactly as it should be makes the mail unreadable. What comes
-- out of here has only the members that are used, each of its type and within bounds.

CREATE OR REPLACE FUNCTION vac_store.shape_error(member text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RAISE invalid_parameter_value USING MESSAGE = format('the record''s member %s is not as it should be', member);
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_error(text) IS 'Ends the reading of a record; names the member by our own word, never what is in it';

CREATE OR REPLACE FUNCTION vac_store.shape_text(j jsonb, member text, most integer) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			said text := j ->> member;
		BEGIN
			IF jsonb_typeof(j -> member) NOT IN ('string', 'null') OR length(said) > most OR said ~ '[\x01-\x1f\x7f]' THEN
				PERFORM shape_error(member);
			END IF;
			RETURN NULLIF(said, '');
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_text(jsonb, text, integer) IS
	'A member that is a line of text of at most so many characters; NULL: absent, null or empty; anything else is an error';

CREATE OR REPLACE FUNCTION vac_store.shape_whole(j jsonb, member text, low bigint, high bigint) RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			said numeric;
		BEGIN
			IF coalesce(jsonb_typeof(j -> member), 'null') = 'null' THEN
				RETURN NULL;
			ELSIF jsonb_typeof(j -> member) <> 'number' THEN
				PERFORM shape_error(member);
			END IF;
			said := (j ->> member)::numeric;
			IF said <> trunc(said) OR said NOT BETWEEN low AND high THEN
				PERFORM shape_error(member);
			END IF;
			RETURN said;
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_whole(jsonb, text, bigint, bigint) IS
	'A member that is a whole number within these bounds; NULL: absent or null; anything else is an error';

CREATE OR REPLACE FUNCTION vac_store.shape_time(j jsonb, member text) RETURNS bigint
	LANGUAGE sql IMMUTABLE
	-- The years 1 to 9999.
	RETURN vac_store.shape_whole(j, member, -62135596800, 253402300799);
COMMENT ON FUNCTION vac_store.shape_time(jsonb, text) IS 'A member that is a time in seconds since 1970; NULL: absent or null; anything else is an error';

CREATE OR REPLACE FUNCTION vac_store.shape_flag(j jsonb, member text) RETURNS boolean
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF jsonb_typeof(j -> member) NOT IN ('boolean', 'null') THEN
				PERFORM shape_error(member);
			END IF;
			RETURN (j ->> member)::boolean;
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_flag(jsonb, text) IS 'A member that is true or false; NULL: absent or null; anything else is an error';

CREATE OR REPLACE FUNCTION vac_store.shape_part(j jsonb, member text, type text, most integer DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			part jsonb := NULLIF(j -> member, 'null');
		BEGIN
			IF jsonb_typeof(part) <> type THEN
				PERFORM shape_error(member);
			-- Not joined by AND: that would not stop at an object.
			ELSIF type = 'array' THEN
				IF jsonb_array_length(part) > most THEN
					PERFORM shape_error(member);
				END IF;
			END IF;
			RETURN part;
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_part(jsonb, text, text, integer) IS
	'A member that is an object, or an array of at most so many items; NULL: absent or null; anything else is an error';

-- Times in seconds since 1970, or dates: what is no date raises an error of its own, which counts as the same.
CREATE OR REPLACE FUNCTION vac_store.shape_spans(j jsonb, member text, dates boolean) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET datestyle = 'ISO, YMD'
	AS $$
		DECLARE
			spans jsonb := shape_part(j, member, 'array', 1000);
			pair jsonb;
			one jsonb;
		BEGIN
			FOR pair IN SELECT x FROM jsonb_array_elements(spans) x LOOP
				IF jsonb_typeof(pair) <> 'array' OR jsonb_array_length(pair) <> 2 THEN
					PERFORM shape_error(member);
				END IF;
				FOR one IN SELECT jsonb_build_object(member, x) FROM jsonb_array_elements(pair) x LOOP
					IF (CASE WHEN dates THEN shape_day(one, member) IS NULL ELSE shape_time(one, member) IS NULL END) THEN
						PERFORM shape_error(member);
					END IF;
				END LOOP;
			END LOOP;
			RETURN coalesce(spans, '[]');
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_spans(jsonb, text, boolean) IS
	'A member that is an array of at most 1,000 pairs of times, or of dates; empty: absent or null; anything else is an error';

CREATE OR REPLACE FUNCTION vac_store.shape_day(j jsonb, member text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	SET datestyle = 'ISO, YMD'
	AS $$
		DECLARE
			said text := shape_text(j, member, 10);
		BEGIN
			IF said !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' OR NOT isfinite(said::date) THEN
				PERFORM shape_error(member);
			END IF;
			RETURN said;
		END
	$$;
COMMENT ON FUNCTION vac_store.shape_day(jsonb, text) IS 'A member that is a date such as 2026-12-24; NULL: absent or null; anything else is an error';

CREATE OR REPLACE FUNCTION vac_store.letter_attendee(j jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF jsonb_typeof(j) <> 'object' THEN
				PERFORM shape_error('attendees');
			END IF;
			RETURN jsonb_build_object('address', lower(shape_text(j, 'address', 320)), 'partstat', upper(shape_text(j, 'partstat', 60)),
				'delegated_to', (SELECT coalesce(jsonb_agg(lower(d.to_whom)), '[]')
					FROM (SELECT shape_text(jsonb_build_object('delegated_to', x), 'delegated_to', 320) AS to_whom
						FROM jsonb_array_elements(shape_part(j, 'delegated_to', 'array', 50)) x) d));
		END
	$$;
COMMENT ON FUNCTION vac_store.letter_attendee(jsonb) IS 'An attendee of an event in a record, checked: address, partstat, delegated_to';

CREATE OR REPLACE FUNCTION vac_store.letter_event(j jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			IF jsonb_typeof(j) <> 'object' THEN
				PERFORM shape_error('events');
			END IF;
			RETURN jsonb_build_object('uid', lower(shape_text(j, 'uid', 1024)), 'foreign_uid', shape_text(j, 'uid', 1024),
				'sequence', shape_whole(j, 'sequence', 0, 2147483647),
				'stamped', shape_time(j, 'stamped'), 'start', shape_time(j, 'start'), 'end', shape_time(j, 'end'),
				'all_day', coalesce(shape_flag(j, 'all_day'), false), 'floating', coalesce(shape_flag(j, 'floating'), false),
				'transparent', coalesce(shape_flag(j, 'transparent'), false), 'recurring', coalesce(shape_flag(j, 'recurring'), false),
				'status', upper(shape_text(j, 'status', 60)), 'original_start', shape_time(j, 'original_start'),
				'organizer', lower(shape_text(j, 'organizer', 320)), 'recurrence_id', shape_time(j, 'recurrence_id'),
				'start_date', shape_day(j, 'start_date'), 'end_date', shape_day(j, 'end_date'), 'dates', shape_spans(j, 'dates', true),
				'spans', shape_spans(j, 'spans', false), 'spans_cut', coalesce(shape_flag(j, 'spans_cut'), false),
				'attendees', (SELECT coalesce(jsonb_agg(letter_attendee(x)), '[]')
					FROM jsonb_array_elements(shape_part(j, 'attendees', 'array', 50)) x));
		END
	$$;
COMMENT ON FUNCTION vac_store.letter_event(jsonb) IS 'An event in a record, checked: UID in lower case, for ours, and as it is, for others''; times in seconds since 1970; when it is, by spans or dates';

CREATE OR REPLACE FUNCTION vac_store.letter_calendar(j jsonb) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE STRICT
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		BEGIN
			RETURN jsonb_build_object('method', upper(shape_text(j, 'method', 60)),
				'events', (SELECT coalesce(jsonb_agg(letter_event(x)), '[]')
					FROM jsonb_array_elements(shape_part(j, 'events', 'array', 20)) x));
		END
	$$;
COMMENT ON FUNCTION vac_store.letter_calendar(jsonb) IS 'The iTIP object of a record, checked: method and events';

CREATE OR REPLACE FUNCTION vac_store.letter_of(record jsonb, authserv_id text) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = vac_store, pg_catalog, pg_temp
	AS $$
		DECLARE
			kind text;
			auth jsonb;
			report jsonb;
		BEGIN
			-- The text has spaces that the reader's 64 KiB have not.
			IF jsonb_typeof(record) IS DISTINCT FROM 'object' OR octet_length(record::text) > 131072 THEN
				PERFORM shape_error('itself');
			END IF;
			kind := shape_text(record, 'kind', 20);
			IF kind IS NULL OR kind NOT IN ('calendar', 'report', 'automatic', 'plain', 'unreadable') THEN
				PERFORM shape_error('kind');
			END IF;
			auth := shape_part(record, 'auth', 'object');
			report := shape_part(record, 'report', 'object');
			IF (kind = 'report') <> (report IS NOT NULL) OR (kind = 'calendar') <> (shape_part(record, 'calendar', 'object') IS NOT NULL) THEN
				PERFORM shape_error('kind');
			END IF;
			RETURN jsonb_build_object('kind', kind, 'why', shape_text(record, 'why', 500), 'from', lower(shape_text(record, 'from', 320)),
				'message_id', shape_text(record, 'message_id', 998), 'date', shape_time(record, 'date'),
				'automatic', coalesce(shape_flag(record, 'automatic'), false),
				'word', lower(shape_text(record, 'word', 40)), 'number', shape_whole(record, 'number', 0, 2147483647),
				'authserv_id', lower(NULLIF(authserv_id, '')), 'auth_server', lower(shape_text(auth, 'server', 255)),
				'dmarc', lower(shape_text(auth, 'dmarc', 40)), 'auth_domain', lower(shape_text(auth, 'domain', 255)),
				'action', lower(shape_text(report, 'action', 40)), 'permanent', shape_flag(report, 'permanent'),
				'status', shape_text(report, 'status', 40))
				|| coalesce(letter_calendar(record -> 'calendar'), '{}');
		END
	$$;
COMMENT ON FUNCTION vac_store.letter_of(jsonb, text) IS
	'A mail''s record, checked and flat: kind, from, message_id, date, automatic, word, number, authserv_id, auth_server, dmarc, auth_domain, '
	'action, permanent, status, method, events; a member that is not as it should be is an error (22023). authserv_id: the name of our own mail server, which the child has no say in';
