#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libical/ical.h>

#include "itip.h"
#include "octets.h"
#include "text.h"
#include "random_text.h"

#define ORGANIZER "vacd+abcdefghijklmcxcxgrl7fyglkjpbo6cr@agency.example"
#define UID       "0d1b1c0e-7d1f-4b8b-9c34-6f9b0f5a8f11"

static struct itip_event sample(void)
{
	return (struct itip_event){
		.method = ITIP_REQUEST,
		.uid = UID,
		.sequence = 3,
		.stamped_at = 1795470000, /* 2026-11-23 21:40:00 */
		.starts = 1795539600,     /* 2026-11-24 17:00:00 */
		.ends = 1795543200,
		.organizer = {ORGANIZER, "Victim assistance scheduling"},
		.attendee = {"coordinator.a@agency.example", "Coordinator A"},
		.summary = "Appointment K7Q-4MX",
		.location = "SEA MAIN",
		.description = "Case K7Q-4MX.\nQuestions: +1 206 555 0100.",
		.alarm_minutes = 30,
	};
}

/* The object as a string that the caller frees. */
static char *write_event(const struct itip_event *event)
{
	struct octets out = {0};
	char error[200] = "", *text;
	size_t length;
	int r = itip_write(event, &out, error, sizeof(error));

	if (r != 0)
		fail_msg("%d: %s", r, error);
	assert_int_equal(octets_take(&out, &text, &length), 0);
	assert_int_equal(strlen(text), length);
	return text;
}

static int refused(const struct itip_event *event, char *error, size_t error_size)
{
	struct octets out = {0};
	int r = itip_write(event, &out, error, error_size);

	octets_clear(&out);
	return r;
}

static void test_whole_object(void **state)
{
	struct itip_event event = sample();
	char *text = write_event(&event);

	(void)state;
	assert_string_equal(text,
		"BEGIN:VCALENDAR\r\n"
		"PRODID:-//vacd//vacd 1//EN\r\n"
		"VERSION:2.0\r\n"
		"CALSCALE:GREGORIAN\r\n"
		"METHOD:REQUEST\r\n"
		"BEGIN:VEVENT\r\n"
		"UID:" UID "\r\n"
		"SEQUENCE:3\r\n"
		"DTSTAMP:20261123T214000Z\r\n"
		"DTSTART:20261124T170000Z\r\n"
		"DTEND:20261124T180000Z\r\n"
		"ORGANIZER;CN=\"Victim assistance scheduling\":mailto:vacd+abcdefghijklmcxcxgr\r\n"
		" l7fyglkjpbo6cr@agency.example\r\n"
		"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=\r\n"
		" TRUE;CN=\"Coordinator A\":mailto:coordinator.a@agency.example\r\n"
		"SUMMARY:Appointment K7Q-4MX\r\n"
		"LOCATION:SEA MAIN\r\n"
		"DESCRIPTION:Case K7Q-4MX.\\nQuestions: +1 206 555 0100.\r\n"
		"STATUS:CONFIRMED\r\n"
		"CLASS:CONFIDENTIAL\r\n"
		"TRANSP:OPAQUE\r\n"
		"X-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\n"
		"BEGIN:VALARM\r\n"
		"ACTION:DISPLAY\r\n"
		"DESCRIPTION:Appointment K7Q-4MX\r\n"
		"TRIGGER:-PT30M\r\n"
		"END:VALARM\r\n"
		"END:VEVENT\r\n"
		"END:VCALENDAR\r\n");
	free(text);
}

/* What a CANCEL keeps and what it changes (RFC 5546, 3.2.5). */
static void test_cancel(void **state)
{
	static const char *const kept[] = {"UID:" UID "\r\n", "DTSTART:20261124T170000Z\r\n",
		"DTEND:20261124T180000Z\r\n",
		("ORGANIZER;CN=\"Victim assistance scheduling\":mailto:vacd+abcdefghijklmcxcxgr\r\n"
		 " l7fyglkjpbo6cr@agency.example\r\n"),
		"mailto:coordinator.a@agency.example\r\n", "SUMMARY:Appointment K7Q-4MX\r\n"};
	static const char *const cancel_only[] = {"METHOD:CANCEL\r\n", "SEQUENCE:4\r\n",
		"STATUS:CANCELLED\r\n", "TRANSP:TRANSPARENT\r\n",
		"X-MICROSOFT-CDO-BUSYSTATUS:FREE\r\n"};
	static const char *const request_only[] = {"METHOD:REQUEST\r\n", "SEQUENCE:3\r\n",
		"STATUS:CONFIRMED\r\n", "TRANSP:OPAQUE\r\n", "BEGIN:VALARM\r\n"};
	struct itip_event event = sample();
	char *request = write_event(&event), *cancel;

	(void)state;
	event.method = ITIP_CANCEL;
	event.sequence = 4;
	cancel = write_event(&event);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		assert_non_null(strstr(request, kept[i]));
		assert_non_null(strstr(cancel, kept[i]));
	}
	for (size_t i = 0; i < sizeof(cancel_only) / sizeof(cancel_only[0]); i++) {
		assert_null(strstr(request, cancel_only[i]));
		assert_non_null(strstr(cancel, cancel_only[i]));
	}
	for (size_t i = 0; i < sizeof(request_only) / sizeof(request_only[0]); i++) {
		assert_non_null(strstr(request, request_only[i]));
		assert_null(strstr(cancel, request_only[i]));
	}
	assert_null(strstr(cancel, "RSVP"));
	free(request);
	free(cancel);
}

static void test_optional_parts(void **state)
{
	struct itip_event event = sample();
	char *text;

	(void)state;
	event.location = NULL;
	event.description = "";
	event.alarm_minutes = 0;
	event.attendee.name = NULL;
	text = write_event(&event);
	assert_null(strstr(text, "LOCATION"));
	assert_null(strstr(text, "DESCRIPTION"));
	assert_null(strstr(text, "VALARM"));
	assert_non_null(strstr(text, ";CN=\"coordinator.a@agency.example\":mailto:"));
	free(text);
}

/* Whatever other bytes the buffer holds before. */
static void test_appends(void **state)
{
	struct itip_event event = sample();
	struct octets out = {0};
	char error[200] = "", *text = write_event(&event);

	(void)state;
	octets_add_text(&out, "before\xff\n");
	assert_int_equal(itip_write(&event, &out, error, sizeof(error)), 0);
	assert_int_equal(out.length, strlen(text) + 8);
	assert_memory_equal(out.data, "before\xff\n", 8);
	assert_memory_equal(out.data + 8, text, strlen(text));
	octets_clear(&out);
	free(text);
}

struct escape_case {
	const char *value, *line;
};

static void test_escapes(void **state)
{
	static const struct escape_case cases[] = {
		{"a,b;c\\d\ne:f\"g^h", "\r\nDESCRIPTION:a\\,b\\;c\\\\d\\ne:f\"g^h\r\n"},
		{"\n\n", "\r\nDESCRIPTION:\\n\\n\r\n"},
		{"\\n", "\r\nDESCRIPTION:\\\\n\r\n"},
		{"END:VEVENT\nATTENDEE:mailto:b@agency.example",
			"\r\nDESCRIPTION:END:VEVENT\\nATTENDEE:mailto:b@agency.example\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct itip_event event = sample();
		char *text;

		event.description = cases[i].value;
		text = write_event(&event);
		assert_non_null(strstr(text, cases[i].line));
		free(text);
	}
}

/* RFC 6868; and quotes keep : ; , from ending the value. */
static void test_names(void **state)
{
	static const struct escape_case cases[] = {
		{"A, \"B\": C; D", ";CN=\"A, ^'B^': C; D\":mailto:"},
		{"A^nB^'C^^", ";CN=\"A^^nB^^'C^^^^\":mailto:"},
		{"A\\nB", ";CN=\"A\\nB\":mailto:"},
		{"A\\", ";CN=\"A\\ \":mailto:"}, /* a space, lest \" be taken for a quote */
		{"\xf0\x9f\x98\x80 \xc3\xa9", ";CN=\"\xf0\x9f\x98\x80 \xc3\xa9\":mailto:"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct itip_event event = sample();
		char *text;

		event.organizer.name = cases[i].value;
		event.organizer.address = "a@b.example";
		text = write_event(&event);
		assert_non_null(strstr(text, cases[i].line));
		free(text);
	}
}

static void test_odd_address(void **state)
{
	struct itip_event event = sample();
	char *text;

	(void)state;
	event.organizer.name = "N";
	event.organizer.address = "o'b+a!#$%&*/=?^_`{|}~-@b.example";
	text = write_event(&event);
	assert_non_null(strstr(text, ":mailto:o'b+a!%23$%25%26*%2F%3D%3F%5E_%60%7B%7C%7D~-@b.exa"));
	free(text);
}

/* ---- read back by libical ---------------------------------------------------------------- */

static icalcomponent *parse(const char *text)
{
	icalcomponent *calendar = icalparser_parse_string(text);
	icalcomponent *event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);

	assert_non_null(event);
	assert_int_equal(icalcomponent_count_errors(calendar), 0);
	assert_int_equal(icalcomponent_count_components(calendar, ICAL_ANY_COMPONENT), 1);
	return calendar;
}

static icalproperty *only(icalcomponent *component, icalproperty_kind kind)
{
	assert_int_equal(icalcomponent_count_properties(component, kind), 1);
	return icalcomponent_get_first_property(component, kind);
}

/* libical has undone RFC 6868 in icalparameter_get_cn(). */
static void check_person(
	icalproperty *property, const char *address, const struct itip_person *person)
{
	icalparameter *cn = icalproperty_get_first_parameter(property, ICAL_CN_PARAMETER);

	assert_non_null(cn);
	assert_string_equal(icalparameter_get_cn(cn), person->name);
	assert_memory_equal(address, "mailto:", 7);
	assert_string_equal(address + 7, person->address);
}

static void check_attendee(icalproperty *attendee)
{
	assert_string_equal(
		icalproperty_get_parameter_as_string(attendee, "PARTSTAT"), "NEEDS-ACTION");
	assert_string_equal(
		icalproperty_get_parameter_as_string(attendee, "ROLE"), "REQ-PARTICIPANT");
	assert_string_equal(icalproperty_get_parameter_as_string(attendee, "CUTYPE"), "INDIVIDUAL");
}

static void check_time(struct icaltimetype time, int64_t expected)
{
	assert_true(icaltime_is_utc(time));
	assert_int_equal(icaltime_as_timet(time), expected);
}

static void check_texts(icalcomponent *vevent, const struct itip_event *event)
{
	assert_string_equal(icalcomponent_get_uid(vevent), event->uid);
	assert_string_equal(icalcomponent_get_summary(vevent), event->summary);
	if (event->location)
		assert_string_equal(icalcomponent_get_location(vevent), event->location);
	else
		assert_null(icalcomponent_get_location(vevent));
	if (event->description)
		assert_string_equal(icalcomponent_get_description(vevent), event->description);
	else
		assert_null(icalcomponent_get_description(vevent));
}

static void check_round_trip(const struct itip_event *event)
{
	char *text = write_event(event);
	icalcomponent *calendar = parse(text);
	icalcomponent *vevent = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT);
	icalproperty *organizer = only(vevent, ICAL_ORGANIZER_PROPERTY);
	icalproperty *attendee = only(vevent, ICAL_ATTENDEE_PROPERTY);

	assert_int_equal(icalcomponent_get_method(calendar),
		event->method == ITIP_CANCEL ? ICAL_METHOD_CANCEL : ICAL_METHOD_REQUEST);
	check_texts(vevent, event);
	assert_int_equal(icalcomponent_get_sequence(vevent), event->sequence);
	check_time(icalcomponent_get_dtstamp(vevent), event->stamped_at);
	check_time(icalcomponent_get_dtstart(vevent), event->starts);
	check_time(icalcomponent_get_dtend(vevent), event->ends);
	check_person(organizer, icalproperty_get_organizer(organizer), &event->organizer);
	check_person(attendee, icalproperty_get_attendee(attendee), &event->attendee);
	check_attendee(attendee);
	assert_true(icalrestriction_check(calendar));
	icalcomponent_free(calendar);
	free(text);
}

static void test_round_trip(void **state)
{
	struct itip_event event = sample();

	(void)state;
	check_round_trip(&event);
	event.method = ITIP_CANCEL;
	check_round_trip(&event);
	event.description = event.location = NULL;
	event.sequence = 2147483647;
	event.stamped_at = 0;
	event.starts = 951782400; /* 2000-02-29 */
	event.ends = 4102444800;  /* 2100-01-01 */
	check_round_trip(&event);
}

static void test_random_round_trip(void **state)
{
	uint64_t seed = UINT64_C(0x17e9);

	(void)state;
	for (int i = 0; i < 1500; i++) {
		char names[2][4 * 90 + 1], summary[4 * 150 + 1], location[4 * 90 + 1];
		char description[4 * 400 + 1];
		struct itip_event event = sample();

		random_value(&seed, names[0], 90, 0);
		random_value(&seed, names[1], 90, 0);
		random_value(&seed, summary, 150, 0);
		random_value(&seed, location, 90, 0);
		random_value(&seed, description, 400, 1);
		event.method = i % 2 ? ITIP_REQUEST : ITIP_CANCEL;
		event.organizer.name = names[0];
		event.attendee.name = names[1];
		event.summary = summary;
		event.location = location;
		event.description = description;
		event.starts = (int64_t)(random_next(&seed) % 4000000000);
		event.ends = event.starts + 1 + (int64_t)(random_next(&seed) % 100000);
		check_round_trip(&event);
	}
}

/* ---- lines ------------------------------------------------------------------------------- */

/* Lines of at most 75 octets, each by itself whole characters; longest gets the longest. */
static void check_folds(const char *text, size_t *longest)
{
	while (*text) {
		size_t length = strcspn(text, "\r\n");

		assert_memory_equal(text + length, "\r\n", 2);
		assert_true(length <= 75);
		if (length > *longest)
			*longest = length;
		for (size_t i = 0; i < length;) {
			size_t character = text_character(text + i);

			assert_int_not_equal(character, 0);
			i += character;
		}
		/* An escape sequence is whole too: an odd number of backslashes ends no line. */
		if (length > 0 && text[length - 1] == '\\')
			assert_int_equal(text[length - 2], '\\');
		text += length + 2;
	}
}

static void test_folds_at_every_offset(void **state)
{
	static const char *const units[] = {
		"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", ",", "x", "^", "\""};

	(void)state;
	for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
		size_t longest = 0, length = strlen(units[u]);

		for (size_t before = 0; before < 150; before++) {
			struct itip_event event = sample();
			char value[800], *text;

			memset(value, 'a', before);
			value[before] = '\0';
			for (size_t i = 0; i < 100; i++)
				memcpy(value + before + i * length, units[u], length + 1);
			event.summary = event.location = event.attendee.name = value;
			text = write_event(&event);
			check_folds(text, &longest);
			free(text);
			check_round_trip(&event);
		}
		assert_int_equal(longest, 75);
	}
}

/* ---- what is refused --------------------------------------------------------------------- */

struct refusal {
	const char *value; /* no field takes this */
	const char *problem;
};

static void test_injection(void **state)
{
	static const struct refusal refusals[] = {
		{"a\r\nATTENDEE:mailto:b@agency.example", "control"},
		{"a\rb", "control"},
		{"a\x01", "control"},
		{"a\x7f", "control"},
		{"a\xc2\x85"
		 "ATTENDEE:mailto:b@agency.example",
			"control"},
		{"a\xe2\x80\xa8"
		 "ATTENDEE:mailto:b@agency.example",
			"control"},
		{"a\xff", "UTF-8"},
		{"a\xe2\x82", "UTF-8"},
		{"a\xed\xa0\x80", "UTF-8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		for (int field = 0; field < 7; field++) {
			struct itip_event event = sample();
			char error[200] = "";
			const char **fields[] = {&event.organizer.name, &event.attendee.name,
				&event.summary, &event.location, &event.description,
				&event.organizer.address, &event.attendee.address};

			*fields[field] = refusals[i].value;
			assert_int_equal(refused(&event, error, sizeof(error)), ITIP_INVALID);
			if (!strstr(error, field < 5 ? refusals[i].problem : "not a mail address"))
				fail_msg("case %zu, field %d: %s", i, field, error);
			assert_null(strstr(error, "agency"));
		}
	}
}

/* LF is for descriptions only. */
static void test_line_feeds(void **state)
{
	(void)state;
	for (int field = 0; field < 4; field++) {
		struct itip_event event = sample();
		char error[200] = "";
		const char **fields[] = {&event.organizer.name, &event.attendee.name,
			&event.summary, &event.location};

		*fields[field] = "a\nb";
		assert_int_equal(refused(&event, error, sizeof(error)), ITIP_INVALID);
	}
}

#define REFUSE(member, value, words)                                                               \
	do {                                                                                       \
		struct itip_event event = sample();                                                \
		char error[200] = "";                                                              \
		event.member = (value);                                                            \
		assert_int_equal(refused(&event, error, sizeof(error)), ITIP_INVALID);             \
		assert_string_equal(error, words);                                                 \
	} while (0)

static void test_bad_values(void **state)
{
	char large[70000];

	(void)state;
	memset(large, 'a', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	REFUSE(uid, NULL, "uid is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	REFUSE(uid, "", "uid is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	REFUSE(uid, "a b", "uid is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	REFUSE(uid, "a\r\nX:1", "uid is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	REFUSE(uid, large, "uid is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	REFUSE(sequence, -1, "sequence is not within 0 and 2147483647");
	REFUSE(sequence, 2147483648L, "sequence is not within 0 and 2147483647");
	REFUSE(stamped_at, -1, "time of writing is not within 1970 and 9999");
	REFUSE(stamped_at, 253402300800, "time of writing is not within 1970 and 9999");
	REFUSE(ends, 253402300800, "start or end is not within 1970 and 9999");
	REFUSE(starts, -1, "start or end is not within 1970 and 9999");
	REFUSE(ends, 1795539600, "end is not after the start");
	REFUSE(alarm_minutes, -1, "alarm is not within 0 minutes and a week");
	REFUSE(alarm_minutes, 10081, "alarm is not within 0 minutes and a week");
	REFUSE(organizer.name, NULL, "organizer's name is missing");
	REFUSE(organizer.address, NULL, "organizer is not a mail address");
	REFUSE(attendee.address, "a", "attendee is not a mail address");
	REFUSE(summary, NULL, "summary is missing");
	REFUSE(summary, "", "summary is missing");
	REFUSE(summary, large, "summary is too long");
	REFUSE(description, large, "description is too long");
	REFUSE(attendee.name, large, "attendee's name is too long");
}

/* ---- the check of finished bytes --------------------------------------------------------- */

static int check(enum itip_method method, const char *text)
{
	char error[200];

	return itip_check(method, text, strlen(text), error, sizeof(error));
}

/* text with the first old in it replaced, checked. */
static int check_changed(const char *text, const char *old, const char *new)
{
	char changed[8000];
	const char *at = strstr(text, old);

	assert_non_null(at);
	(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, new,
		at + strlen(old));
	return check(ITIP_REQUEST, changed);
}

static void test_check(void **state)
{
	static const char *const changes[][2] = {
		{"SUMMARY:", "SUMMARY:\r\nATTENDEE:mailto:b@agency.example\r\nSUMMARY:"},
		{"SUMMARY:", "X-OTHER:"},
		{"LOCATION:SEA MAIN\r\n", "LOCATION:SEA MAIN\r\nLOCATION:SEA MAIN\r\n"},
		{"UID:" UID "\r\n", ""},
		{"UID:" UID "\r\n", "UID:" UID "\n"},
		{"UID:" UID "\r\n", "UID:" UID "\r"},
		{"SEA MAIN", "SEA\tMAIN"},
		{"SEA MAIN", "SEA\x7fMAIN"},
		{"SEA MAIN", "SEA\rMAIN"},
		{"SEA MAIN", "SEA\nMAIN"},
		{"SEA MAIN", "SEA\xff"},
		{"SEA MAIN", "\xe2\x82\r\n \xac"},
		{"\r\n l7fyglkjpbo6cr", "\r\nl7fyglkjpbo6cr"},
		{"\r\n l7fyglkjpbo6cr", "l7fyglkjpbo6cr"},
		{"METHOD:REQUEST", "METHOD:CANCEL"},
		{"STATUS:CONFIRMED", "STATUS:CANCELLED"},
		{"CLASS:CONFIDENTIAL", "CLASS:PUBLIC"},
		{"BEGIN:VALARM\r\n", ""},
		{"TRIGGER:-PT30M\r\n", ""},
		{"END:VCALENDAR\r\n", ""},
		{"END:VCALENDAR\r\n", "END:VCALENDAR"},
		{"END:VCALENDAR\r\n", "END:VCALENDAR\r\nBEGIN:VCALENDAR\r\n"},
	};
	struct itip_event event = sample();
	char *text = write_event(&event);

	(void)state;
	assert_int_equal(check(ITIP_REQUEST, text), 0);
	assert_int_equal(check(ITIP_CANCEL, text), ITIP_INVALID);
	assert_int_equal(check(ITIP_REQUEST, ""), ITIP_INVALID);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (check_changed(text, changes[i][0], changes[i][1]) != ITIP_INVALID)
			fail_msg("change %zu was not seen", i);
	}
	assert_int_equal(check_changed(text, "LOCATION:SEA MAIN\r\n", ""), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_object),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_optional_parts),
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_odd_address),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_random_round_trip),
		cmocka_unit_test(test_folds_at_every_offset),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_line_feeds),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
