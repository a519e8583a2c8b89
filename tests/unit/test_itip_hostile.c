/*
 * itip_read: input that wants to take for ever, or all memory. Each ends in an outcome; that it
 * does so soon is what the time limit of the test is for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "civil.h"
#include "itip_show.h"
#include "zone.h"

static struct zones *zones;
static struct itip_limits limits;

static int set_up(void **state)
{
	(void)state;
	limits.now = civil_days(2026, 12, 1) * DAY_SECONDS;
	limits.until = limits.now + INT64_C(365) * DAY_SECONDS;
	if (zones_load(ZONES_SYSTEM, &zones) != 0)
		return -1;
	limits.zones = zones;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	zones = zones_free(zones);
	return 0;
}

/* before, then piece as often as fits before the end of 1 MiB less what follows, then after. */
static char *fill(const char *before, const char *piece, const char *after, size_t size)
{
	size_t n = strlen(piece), last = strlen(after), length;
	struct octets out = {0};
	char *text;

	octets_add_text(&out, before);
	while (out.length + n + last <= size)
		octets_add(&out, piece, n);
	octets_add_text(&out, after);
	assert_int_equal(octets_take(&out, &text, &length), 0);
	return text;
}

static void check_outcome(char *text, const char *want)
{
	char *got = show_object(text, strlen(text), &limits);

	assert_non_null(got);
	if (strncmp(got, want, strlen(want)) != 0)
		fail_msg("%.60s … gives %.300s", text, got);
	free(got);
	free(text);
}

#define BEGIN   "BEGIN:VCALENDAR\nMETHOD:REPLY\n"
#define EVENT   BEGIN "BEGIN:VEVENT\nUID:u\n"
#define END     "\nEND:VEVENT\nEND:VCALENDAR\n"
#define START   "DTSTART;VALUE=DATE:20261224\n"
#define STARTED "REPLY\n u 20261224T000000Z - 20261225T000000Z all day"

static const struct {
	const char *before, *piece, *after, *want;
} filled[] = {
	/* nothing but */
	{"", "\"", "", "unreadable: there is no VCALENDAR"},
	{"", ":", "", "unreadable: there is no VCALENDAR"},
	{"", ";", "", "unreadable: there is no VCALENDAR"},
	{"", "\n", "", "unreadable: there is no VCALENDAR"},
	{"", "\n ", "", "unreadable: there is no VCALENDAR"},
	{"", "A\n", "", "unreadable: there is no VCALENDAR"},
	{"", "A\n ", "", "unreadable: there is no VCALENDAR"},
	{"", "\xff", "", "unreadable: there is no VCALENDAR"},
	{"", "END:VCALENDAR\n", "", "unreadable: there is no VCALENDAR"},
	{"", "BEGIN:VCALENDAR\n", "", "unreadable: there is no event"},
	/* components */
	{"", "BEGIN:X\n", "", "unreadable: components lie within each other too deep"},
	{BEGIN, "BEGIN:VEVENT\n", "", "unreadable: components lie within each other too deep"},
	{BEGIN, "BEGIN:VEVENT\nEND:VEVENT\n", "", "unreadable: there are too many events"},
	{BEGIN, "BEGIN:VTIMEZONE\nEND:VTIMEZONE\n", "",
		"unreadable: there are too many time zones"},
	{BEGIN "BEGIN:VTIMEZONE\n", "BEGIN:STANDARD\nEND:STANDARD\n", "",
		"unreadable: the time zones change too often"},
	{EVENT, "BEGIN:VALARM\nATTENDEE:mailto:a@example.org\nEND:VALARM\n", END, "REPLY\n u\n"},
	{EVENT, "END:X\n", END, "REPLY\n u\n"},
	/* lines */
	{EVENT "SUMMARY:", "a", END, "REPLY\n u\n"},
	{EVENT "SUMMARY:", "a\n ", END, "REPLY\n u\n"},
	{EVENT "SEQUENCE:", "1", END, "unreadable: a property is too long"},
	{EVENT "SEQUENCE;X=", "1\n ", END, "unreadable: a property is too long"},
	{EVENT, "A:\n", END, "REPLY\n u\n"},
	{EVENT, "SEQUENCE:1\n", END, "unreadable: there are too many properties"},
	{EVENT, "ATTENDEE:a\n", END, "REPLY\n u MORE\n"},
	{EVENT, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org\n", END, "REPLY\n u MORE\n"},
	{EVENT, "\nUID:", END, "unreadable: there are too many properties"},
};

static void test_filled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof filled / sizeof *filled; i++)
		check_outcome(fill(filled[i].before, filled[i].piece, filled[i].after,
				      ITIP_READ_BYTES_MAX),
			filled[i].want);
	check_outcome(
		fill("", "a", "", ITIP_READ_BYTES_MAX + 1), "unreadable: there is too much of it");
}

/* Within one property of 60 KB. */
static void test_long_properties(void **state)
{
	static const struct {
		const char *before, *piece, *want;
	} cases[] = {
		{EVENT "ATTENDEE", ":mailto:", "REPLY\n u\n  nobody\n"},
		{EVENT "ATTENDEE", ";PARTSTAT=ACCEPTED", "REPLY\n u\n"},
		{EVENT "ATTENDEE;DELEGATED-TO=", "a@example.org,", "REPLY\n u\n"},
		{EVENT "ATTENDEE;CN=", "\"", "REPLY\n u\n"},
		{EVENT "ATTENDEE:mailto:", "%", "REPLY\n u\n  nobody\n"},
		{EVENT "UID;X=", ":", "REPLY\n u\n"},
		{EVENT "STATUS:", "A", "REPLY\n u\n"},
		{EVENT "DTSTART;TZID=", "A", "REPLY\n u\n"},
		{EVENT "DTSTART;TZID=/", "/", "REPLY\n u\n"},
		{EVENT "DURATION:P", "1W", "REPLY\n u\n"},
		{EVENT START "RRULE:FREQ=DAILY;BYDAY=MO", ",MO", STARTED " recurring BAD CUT"},
		{EVENT START "RRULE:FREQ=DAILY", ";", STARTED " recurring BAD CUT"},
		{EVENT START "RRULE:FREQ=DAILY;X=", "=", STARTED " recurring BAD CUT"},
		{EVENT START "RDATE;VALUE=DATE:20261225", ",20261225", STARTED " recurring\n"},
		{EVENT START "EXDATE;VALUE=DATE:20261225", ",20261225", STARTED "\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_outcome(fill(cases[i].before, cases[i].piece, END, 60000), cases[i].want);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void check_rule(const char *start, const char *rule, const char *want)
{
	char text[4000], *copy;

	snprintf(text, sizeof(text), "%sDTSTART%s\nDURATION:P1D\nRRULE:%s%s", EVENT, start, rule,
		END);
	copy = strdup(text);
	assert_non_null(copy);
	check_outcome(copy, want);
}

static void test_rules(void **state)
{
	static const char *const refused[] = {"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=31",
		"FREQ=DAILY;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20",
		"FREQ=DAILY;COUNT=2147483648", "FREQ=DAILY;INTERVAL=0",
		"FREQ=DAILY;INTERVAL=999999"};
	static const char *const never[] = {"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=WEEKLY;BYMONTH=1;BYDAY=MO;BYSETPOS=300",
		"FREQ=MONTHLY;BYMONTH=4;BYMONTHDAY=31", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1", "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
		"FREQ=DAILY;INTERVAL=32767", "FREQ=YEARLY;INTERVAL=32767"};

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		check_rule(";VALUE=DATE:20261224", refused[i], STARTED " recurring BAD CUT\n");
	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		check_rule(";VALUE=DATE:20261224", never[i], STARTED " recurring\n  20261224");
		check_rule(";VALUE=DATE:00010101", never[i], "REPLY\n u 10101T");
		check_rule(";VALUE=DATE:99991231", never[i], "REPLY\n u 99991231T");
	}
	check_rule(";VALUE=DATE:00010101", "FREQ=DAILY;COUNT=999999", "REPLY\n u 10101T");
	check_rule(";VALUE=DATE:00000101", "FREQ=DAILY", "REPLY\n u recurring\n");
}

/* Many events with rules that never end share the steps of the object. */
static void test_many_rules(void **state)
{
	char text[8000] = BEGIN, want[200];
	char *copy;

	(void)state;
	for (int i = 0; i < 20; i++)
		strcat(text, "BEGIN:VEVENT\n" START "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;"
			     "COUNT=999\nRRULE:FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2;COUNT=9\nEND:"
			     "VEVENT\n");
	copy = strdup(text);
	assert_non_null(copy);
	snprintf(want, sizeof(want),
		"REPLY\n - 20261224T000000Z - 20261225T000000Z all day recurring\n");
	check_outcome(copy, want);
}

/* ---- zones ----------------------------------------------------------------------------------- */

static void check_zone(const char *rules, const char *want)
{
	char *text = malloc(strlen(rules) + 1000);

	assert_non_null(text);
	sprintf(text,
		"%sBEGIN:VTIMEZONE\nTZID:Z\n%sEND:VTIMEZONE\nBEGIN:VEVENT\nUID:u\n"
		"DTSTART;TZID=Z:20261224T120000\nRRULE:FREQ=DAILY" END,
		BEGIN, rules);
	check_outcome(text, want);
}

#define OBSERVANCE(rule)                                                                           \
	"BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n" rule     \
	"\nEND:STANDARD\n"

static void test_zones(void **state)
{
	static const char *const unknown[] = {OBSERVANCE("RRULE:FREQ=SECONDLY"),
		OBSERVANCE("RRULE:FREQ=MINUTELY"), OBSERVANCE("RRULE:FREQ=HOURLY"),
		OBSERVANCE("RRULE:FREQ=DAILY"), OBSERVANCE("RRULE:FREQ=YEARLY;BYSECOND=1"),
		OBSERVANCE("RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR"),
		OBSERVANCE("RRULE:FREQ=YEARLY;INTERVAL=0"), ""};
	char *many = fill("", OBSERVANCE("RRULE:FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2"), "", 8000);

	(void)state;
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		check_zone(unknown[i], "REPLY\n u recurring BAD CUT\n");
	check_zone(OBSERVANCE("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
		"REPLY\n u 20261224T100000Z");
	check_zone(many, "REPLY\n u recurring BAD CUT\n"); /* more than fifty */
	free(many);
}

/* Fifty zones of fifty observances each, all of them used: then the steps are used up. */
static void test_many_zones(void **state)
{
	struct octets out = {0};
	char line[200], *text;
	size_t length;

	(void)state;
	octets_add_text(&out, BEGIN);
	for (int zone = 0; zone < 50; zone++) {
		snprintf(line, sizeof(line), "BEGIN:VTIMEZONE\nTZID:Z%d\n", zone);
		octets_add_text(&out, line);
		for (int i = 0; i < 50; i++)
			octets_add_text(
				&out, OBSERVANCE("RRULE:FREQ=YEARLY;BYYEARDAY=-366;BYMONTHDAY=2"));
		octets_add_text(&out, "END:VTIMEZONE\n");
	}
	octets_add_text(&out, "BEGIN:VEVENT\nUID:u\n" START);
	for (int zone = 0; zone < 50; zone++) {
		snprintf(line, sizeof(line), "RDATE;TZID=Z%d:20261225T000000\n", zone);
		octets_add_text(&out, line);
	}
	octets_add_text(&out, END);
	assert_int_equal(octets_take(&out, &text, &length), 0);
	check_outcome(text, STARTED " recurring BAD CUT\n");
}

/* A series of which a thousand instances are otherwise. */
static void test_many_instances(void **state)
{
	struct octets out = {0};
	char line[200], *text;
	size_t length;

	(void)state;
	octets_add_text(&out, "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:u\n" START
			      "RRULE:FREQ=DAILY\nEND:VEVENT\n");
	for (int i = 0; i < 999; i++) {
		snprintf(line, sizeof(line),
			"BEGIN:VEVENT\nUID:u\nRECURRENCE-ID;VALUE=DATE:2027%02d%02d\nEND:VEVENT\n",
			i / 28 % 12 + 1, i % 28 + 1);
		octets_add_text(&out, line);
	}
	assert_int_equal(octets_take(&out, &text, &length), 0);
	check_outcome(text, "REQUEST\n u 20261224T000000Z - 20261225T000000Z all day recurring\n"
			    "  20261224T000000Z - 20261225T000000Z\n  20261225T000000Z");
}

static void test_no_bytes(void **state)
{
	char *got = show_object(NULL, 0, &limits);

	(void)state;
	assert_string_equal(got, "unreadable: there is no VCALENDAR");
	free(got);
}

/* A window that is none, or all of time. */
static void test_windows(void **state)
{
	struct itip_limits saved = limits;

	(void)state;
	limits.now = INT64_MIN;
	limits.until = INT64_MAX;
	check_rule(";VALUE=DATE:00010101", "FREQ=DAILY",
		"REPLY\n u 10101T000000Z - 10102T000000Z all day recurring CUT\n");
	limits.now = INT64_MAX;
	limits.until = INT64_MIN;
	check_rule(";VALUE=DATE:20261224", "FREQ=DAILY", STARTED " recurring\n");
	limits = saved;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_long_properties),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_many_zones),
		cmocka_unit_test(test_many_instances),
		cmocka_unit_test(test_no_bytes),
		cmocka_unit_test(test_windows),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
