/* holiday: events that are days off, rules that may be followed, and those that may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "holiday.h"

static char text[65536];

/* A calendar around the lines of one event, or of several with END and BEGIN between. */
static const char *calendar(const char *lines)
{
	snprintf(text, sizeof(text),
		"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n"
		"BEGIN:VEVENT\r\n%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
		lines);
	return text;
}

/* The days from 2026 to 2028 as "2026-12-25 Name, …". */
static const char *days_of(const struct holiday_list *list)
{
	static char days[8192];
	size_t at = 0;

	days[0] = '\0';
	for (size_t i = 0; i < list->n_holidays; i++)
		at += (size_t)snprintf(days + at, sizeof(days) - at, "%s%s %s", i > 0 ? ", " : "",
			list->holidays[i].day, list->holidays[i].name);
	return days;
}

static void check_days(const char *lines, const char *days)
{
	struct holiday_list list;

	assert_int_equal(holiday_read(calendar(lines), 2026, 2028, &list), 0);
	assert_int_equal(list.n_problems, 0);
	assert_string_equal(days_of(&list), days);
	holiday_list_clear(&list);
}

static void check_problem(const char *calendar_text, size_t line, const char *words)
{
	struct holiday_list list;

	assert_int_equal(holiday_read(calendar_text, 2026, 2028, &list), HOLIDAY_INVALID);
	assert_int_equal(list.n_problems, 1);
	assert_int_equal(list.problems[0].line, line);
	if (strncmp(list.problems[0].text, words, strlen(words)) != 0)
		fail_msg("\"%s\" does not begin with \"%s\"", list.problems[0].text, words);
	holiday_list_clear(&list);
}

static void check_event_problem(const char *lines, const char *words)
{
	check_problem(calendar(lines), 4, words);
}

#define DAY(day) "SUMMARY:A\r\nDTSTART;VALUE=DATE:" day

static void test_days(void **state)
{
	(void)state;
	check_days(DAY("20260704"), "2026-07-04 A");
	check_days(DAY("20250704"), "");
	check_days(DAY("20290101"), "");
	check_days(DAY("20261231") "\r\nDTEND;VALUE=DATE:20270102", "2026-12-31 A, 2027-01-01 A");
	check_days(DAY("20261231") "\r\nDTEND;VALUE=DATE:20261231", "2026-12-31 A");
	check_days(DAY("20251231") "\r\nDURATION:P2D", "2026-01-01 A");
	check_days(DAY("20280228") "\r\nDTEND;VALUE=DATE:20280301", "2028-02-28 A, 2028-02-29 A");
	check_days(DAY("20260704") "\r\nRDATE;VALUE=DATE:20270705,20280704\r\nRDATE;VALUE=DATE:"
				   "20260101",
		"2026-01-01 A, 2026-07-04 A, 2027-07-05 A, 2028-07-04 A");
	check_days(DAY("20260704") "\r\nRDATE;VALUE=DATE:20260704", "2026-07-04 A");
	check_days(DAY("20260704") "\r\nSTATUS:CANCELLED", "");
	check_days("DTSTART;VALUE=DATE:20260704\r\nSUMMARY:Birthday of A\\, B\\; \xc3\xa9",
		"2026-07-04 Birthday of A, B; \xc3\xa9");
}

static void test_rules(void **state)
{
	(void)state;
	check_days(DAY("20001225") "\r\nRRULE:FREQ=YEARLY",
		"2026-12-25 A, 2027-12-25 A, 2028-12-25 A");
	check_days(DAY("20001123") "\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
		"2026-11-26 A, 2027-11-25 A, 2028-11-23 A");
	check_days(DAY("19710531") "\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20271231",
		"2026-05-25 A, 2027-05-31 A");
	check_days(DAY("20250120") "\r\nRRULE:FREQ=YEARLY;INTERVAL=3", "2028-01-20 A");
	check_days(DAY("20240229") "\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29 A");
	check_days(DAY("20260101") "\r\nRRULE:FREQ=YEARLY;COUNT=2", "2026-01-01 A, 2027-01-01 A");
	/* both an exception and more days behind it */
	check_days(DAY("20260101") "\r\nEXDATE;VALUE=DATE:20270101,20280101\r\n"
				   "RRULE:FREQ=YEARLY\r\nRDATE;VALUE=DATE:20260601,20270601",
		"2026-01-01 A, 2026-06-01 A, 2027-06-01 A");
	check_days(DAY("20260101") "\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1\r\n"
				   "RRULE:FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=2;UNTIL=20280301",
		"2026-01-01 A, 2026-03-01 A, 2026-04-02 A, 2027-03-01 A, 2027-04-02 A, 2028-03-01 "
		"A");
}

static void test_refused_rules(void **state)
{
	static const char *const rules[] = {
		"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=MINUTELY",
		"FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=DAILY",
		"FREQ=WEEKLY;BYDAY=MO",
		"FREQ=MONTHLY;BYMONTHDAY=1",
		"RSCALE=HEBREW;FREQ=YEARLY",
		"FREQ=YEARLY;BYHOUR=3",
		"FREQ=YEARLY;BYMINUTE=3",
		"FREQ=YEARLY;BYSECOND=3",
	};
	char lines[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		snprintf(lines, sizeof(lines), "%s\r\nRRULE:%s", DAY("20260101"), rules[i]);
		check_event_problem(lines, "a rule (RRULE)");
	}
	check_event_problem(DAY("20260101") "\r\nRRULE:FREQ=NONSENSE", "an event that breaks");
	check_event_problem(DAY("20260101") "\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"a rule (RRULE) that cannot be followed");
	check_event_problem(DAY("19010101") "\r\nRRULE:FREQ=YEARLY;BYDAY=MO,TU",
		"a rule (RRULE) of more than 1000 days");
}

static void test_refused_events(void **state)
{
	(void)state;
	check_event_problem("SUMMARY:A", "an event without a start");
	check_event_problem("SUMMARY:A\r\nDTSTART:20260101T080000Z", "an event with a time of day");
	check_event_problem(DAY("20260230"), "an event on a day that is in no calendar");
	check_event_problem(DAY("16010101"), "an event on a day that is in no calendar");
	check_event_problem("DTSTART;VALUE=DATE:20260101", "an event without a name");
	check_event_problem(
		"DTSTART;VALUE=DATE:20260101\r\nSUMMARY:A\\nB", "an event without a name");
	check_event_problem(
		"DTSTART;VALUE=DATE:20260101\r\nSUMMARY:\xff", "an event without a name");
	check_event_problem(DAY("20260101") "\r\nDTEND;VALUE=DATE:20260301", "an event whose end");
	check_event_problem(DAY("20260101") "\r\nDTEND;VALUE=DATE:20251231", "an event whose end");
	check_event_problem(DAY("20260101") "\r\nDURATION:PT1H", "an event whose end");
	check_event_problem(
		DAY("20260101") "\r\nRDATE:20270101T000000Z", "an RDATE that is not a day");
	check_event_problem(
		DAY("20260101") "\r\nRDATE;VALUE=DATE:20270230", "an RDATE that is not");
	check_event_problem(DAY("20260101") "\r\nRECURRENCE-ID;VALUE=DATE:20260101",
		"an exception to a repeated");
}

static void test_files(void **state)
{
	struct holiday_list list;

	(void)state;
	check_problem("", 1, "not an iCalendar file");
	check_problem("day,name\n2026-01-01,A\n", 1, "not an iCalendar file");
	check_problem("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", 1, "no event in it");
	snprintf(text, sizeof(text), "BEGIN:VCALENDAR\n");
	for (int i = 0; i < 20; i++)
		strcat(text, "BEGIN:VEVENT\n");
	check_problem(text, 9, "components lie within each other");

	/* Every bad event is named with its line, and those that are good are there. */
	assert_int_equal(holiday_read(calendar("SUMMARY:A\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n" DAY(
					      "20260101") "\r\nEND:VEVENT\r\nBEGIN:"
							  "VEVENT\r\nDTSTART;VALUE=DATE:20260102"),
				 2026, 2028, &list),
		HOLIDAY_INVALID);
	assert_int_equal(list.n_problems, 2);
	assert_int_equal(list.problems[0].line, 4);
	assert_int_equal(list.problems[1].line, 11);
	assert_string_equal(days_of(&list), "2026-01-01 A");
	holiday_list_clear(&list);
}

/* A file may hold several calendars, and two events may fall on one day. */
static void test_several(void **state)
{
	struct holiday_list list;
	char two[4096];

	(void)state;
	snprintf(two, sizeof(two), "\xef\xbb\xbf%.4000s", calendar(DAY("20260704")));
	strcat(two,
		calendar("SUMMARY:B\r\nDTSTART;VALUE=DATE:20260704\r\nRDATE;VALUE=DATE:20260704\r\n"
			 "END:VEVENT\r\nBEGIN:VEVENT\r\n" DAY(
				 "20260704") "\r\nEND:VEVENT\r\n"
					     "BEGIN:VEVENT\r\nSUMMARY:C\r\nDTSTART;VALUE=DATE:"
					     "20260704\r\n"
					     "END:VEVENT\r\nBEGIN:VEVENT\r\n" DAY("20260101")));
	assert_int_equal(holiday_read(two, 2026, 2028, &list), 0);
	assert_string_equal(days_of(&list), "2026-01-01 A, 2026-07-04 A; B; C");
	holiday_list_clear(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_refused_rules),
		cmocka_unit_test(test_refused_events),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
