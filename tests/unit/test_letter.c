#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "letter_sample.h"

static void check(struct letter *letter, const char *expected)
{
	char *text = sample_write(letter);

	assert_string_equal(text, expected);
	free(text);
}

static char *copy(const char *text)
{
	char *made = strdup(text);

	assert_non_null(made);
	return made;
}

static struct letter *empty(enum letter_kind kind)
{
	struct letter *letter = calloc(1, sizeof(*letter));

	assert_non_null(letter);
	letter->kind = kind;
	letter->date = LETTER_NO_DATE;
	letter->number = -1;
	return letter;
}

static void test_plain(void **state)
{
	struct letter *letter = empty(LETTER_PLAIN);

	(void)state;
	check(letter,
		"{\"kind\":\"plain\",\"from\":\"\",\"message_id\":null,\"date\":null,\"to\":[],"
		"\"auth\":null,\"automatic\":false,\"word\":null,\"number\":null}");
	letter->from = copy("a@agency.example");
	letter->message_id = copy("<\"x\\@y>");
	letter->date = 1772440200;
	letter->to[letter->n_to++] = copy("b@agency.example");
	letter->to[letter->n_to++] = copy("c@agency.example");
	letter->auth.server = copy("mx.example.org");
	letter->auth.dmarc = copy("pass");
	letter->word = "accept";
	letter->number = 0;
	check(letter, "{\"kind\":\"plain\",\"from\":\"a@agency.example\",\"message_id\":\"<"
		      "\\\"x\\\\@y>\","
		      "\"date\":1772440200,\"to\":[\"b@agency.example\",\"c@agency.example\"],"
		      "\"auth\":{\"server\":\"mx.example.org\",\"dmarc\":\"pass\",\"domain\":null},"
		      "\"automatic\":false,\"word\":\"accept\",\"number\":0}");
	letter_free(letter);
}

static void test_kinds(void **state)
{
	struct letter *letter = empty(LETTER_REPORT);

	(void)state;
	letter->report = (struct report){REPORT_FAILED, REPORT_TRANSIENT, copy("4.4.7"),
		copy("a@agency.example"), NULL, copy("<m@x>")};
	check(letter,
		"{\"kind\":\"report\",\"from\":\"\",\"message_id\":null,\"date\":null,\"to\":[],"
		"\"auth\":null,\"automatic\":false,\"report\":{\"action\":\"failed\","
		"\"permanent\":false,\"status\":\"4.4.7\",\"recipient\":\"a@agency.example\","
		"\"envelope_id\":null,\"message_id\":\"<m@x>\"}}");
	letter_free(letter);
	letter = empty(LETTER_AUTOMATIC);
	letter->automatic = true;
	check(letter,
		"{\"kind\":\"automatic\",\"from\":\"\",\"message_id\":null,\"date\":null,\"to\":[],"
		"\"auth\":null,\"automatic\":true}");
	letter_free(letter);
	letter = empty(LETTER_UNREADABLE);
	letter->why = "too large";
	check(letter, "{\"kind\":\"unreadable\",\"from\":\"\",\"message_id\":null,\"date\":null,"
		      "\"to\":[],"
		      "\"auth\":null,\"automatic\":false,\"why\":\"too large\"}");
	letter_free(letter);
}

#define EVENT(lines)                                                                               \
	"Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n" \
	"UID:u1\r\nDTSTAMP:20260302T093000Z\r\n" lines "END:VEVENT\r\nEND:VCALENDAR\r\n"

static void test_calendar(void **state)
{
	struct letter *letter = sample_read(
		EVENT("DTSTART;VALUE=DATE:20260406\r\n"
		      "DTEND;VALUE=DATE:20260408\r\nSEQUENCE:3\r\n"
		      "ORGANIZER:MAILTO:A@Agency.example\r\n"
		      "ATTENDEE;PARTSTAT=needs-action:mailto:b@agency.example\r\n"),
		NULL);

	(void)state;
	check(letter,
		"{\"kind\":\"calendar\",\"from\":\"\",\"message_id\":null,\"date\":null,\"to\":[],"
		"\"auth\":null,\"automatic\":false,\"calendar\":{\"method\":\"REQUEST\",\"events\":"
		"[{"
		"\"uid\":\"u1\",\"sequence\":3,\"stamped\":1772443800,\"start\":1775433600,"
		"\"end\":1775606400,\"recurrence_id\":null,\"original_start\":null,"
		"\"start_date\":\"2026-04-06\",\"end_date\":\"2026-04-08\",\"all_day\":true,"
		"\"floating\":false,\"transparent\":false,\"recurring\":false,\"bad_rule\":false,"
		"\"status\":null,\"organizer\":\"a@agency.example\",\"attendees\":[{"
		"\"address\":\"b@agency.example\",\"partstat\":\"NEEDS-ACTION\",\"sent_by\":null,"
		"\"delegated_to\":[],\"delegated_from\":[]}],\"attendees_cut\":false,"
		"\"spans\":[[1775433600,1775606400]],\"spans_cut\":false}]}}");
	letter_free(letter);
}

static void test_recurring_dates(void **state)
{
	struct letter *letter = sample_read(EVENT("DTSTART;VALUE=DATE:20260406\r\n"
						  "RRULE:FREQ=WEEKLY;COUNT=2\r\n"),
		NULL);
	char *text = sample_write(letter);

	(void)state;
	assert_non_null(strstr(text, "\"recurring\":true"));
	assert_non_null(strstr(text, "\"spans\":[[1775433600,1775520000],[1776038400,1776124800]],"
				     "\"dates\":[[\"2026-04-06\",\"2026-04-07\"],"
				     "[\"2026-04-13\",\"2026-04-14\"]]"));
	free(text);
	letter_free(letter);
}

/* Whatever a string holds, what is written is one line of UTF-8. */
static void test_bad_strings(void **state)
{
	static const char *const bad[] = {"a\xff", "a\nb", "a\x7f", "\xe2\x80\xa8", "\xc2\x85", ""};
	struct letter *letter = empty(LETTER_PLAIN);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		free(letter->from);
		free(letter->message_id);
		letter->from = copy(bad[i]);
		letter->message_id = copy(bad[i]);
		check(letter, "{\"kind\":\"plain\",\"from\":\"\",\"message_id\":null,\"date\":null,"
			      "\"to\":[],"
			      "\"auth\":null,\"automatic\":false,\"word\":null,\"number\":null}");
	}
	letter_free(letter);
}

static void add_many(struct octets *mail, size_t events, size_t attendees)
{
	static const char domain[] =
		"a-domain-that-is-quite-long-but-not-too-long-for-any-program.example";
	char line[400];

	octets_add_text(
		mail, "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\n");
	for (size_t i = 0; i < events; i++) {
		(void)snprintf(line, sizeof(line),
			"BEGIN:VEVENT\r\nUID:u%zu\r\nDTSTART:20260406T000000Z\r\nRRULE:FREQ="
			"DAILY\r\n",
			i);
		octets_add_text(mail, line);
		for (size_t k = 0; k < attendees; k++) {
			(void)snprintf(line, sizeof(line),
				"ATTENDEE;PARTSTAT=ACCEPTED;SENT-BY=\"mailto:s%zu@%s\":mailto:a%zu@"
				"%s\r\n",
				k, domain, k, domain);
			octets_add_text(mail, line);
		}
		octets_add_text(mail, "END:VEVENT\r\n");
	}
	octets_add_text(mail, "END:VCALENDAR\r\n");
}

/* More than fits: lists are cut, and say so; in the end there is no calendar. */
static void test_limits(void **state)
{
	struct octets mail = {0};
	struct letter *letter;
	char *text;

	(void)state;
	add_many(&mail, 1, 50);
	letter = sample_read_bytes(mail.data, mail.length);
	text = sample_write(letter);
	assert_non_null(strstr(text, "\"attendees_cut\":false"));
	assert_non_null(strstr(text, "\"address\":\"a49@"));
	assert_null(strstr(text, "\"dates\""));
	free(text);
	letter_free(letter);
	octets_clear(&mail);

	add_many(&mail, 10, 50);
	letter = sample_read_bytes(mail.data, mail.length);
	text = sample_write(letter);
	assert_non_null(strstr(text, "\"attendees_cut\":true"));
	assert_null(strstr(text, "\"attendees_cut\":false"));
	assert_null(strstr(text, "\"address\":\"a49@"));
	free(text);
	letter_free(letter);
	octets_clear(&mail);

	letter = empty(LETTER_CALENDAR);
	letter->calendar = calloc(1, sizeof(*letter->calendar));
	assert_non_null(letter->calendar);
	letter->calendar->n_events = 500;
	letter->calendar->events = calloc(500, sizeof(*letter->calendar->events));
	assert_non_null(letter->calendar->events);
	text = sample_write(letter);
	assert_non_null(strstr(text, "\"kind\":\"unreadable\""));
	assert_non_null(strstr(text, "\"why\":\"more in it than a record holds\""));
	free(text);
	letter_free(letter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_recurring_dates),
		cmocka_unit_test(test_bad_strings),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, sample_preload, NULL);
}
