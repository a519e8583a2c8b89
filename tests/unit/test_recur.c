/* recur, and the occurrences that itip_read makes of rules, dates and exceptions. */
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
#include "recur.h"
#include "zone.h"

static struct zones *zones;
static struct itip_limits limits;

static int set_up(void **state)
{
	(void)state;
	limits.now = civil_days(2026, 12, 2) * DAY_SECONDS;
	limits.until = civil_days(2027, 3, 1) * DAY_SECONDS;
	limits.method = "REQUEST";
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

static struct itip_object *read_lines(const char *lines)
{
	char text[16384], error[200];
	struct itip_object *object;

	snprintf(text, sizeof(text),
		"BEGIN:VCALENDAR\nBEGIN:VEVENT\n%s\nEND:VEVENT\nEND:VCALENDAR\n", lines);
	if (itip_read(text, strlen(text), &limits, &object, error, sizeof(error)) != 0)
		fail_msg("%s: %s", lines, error);
	return object;
}

/* The starts as "1201T0800 1208T0800", in UTC; of all-day events the days. */
static void write_starts(const struct itip_read_event *event, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < event->n_spans; i++) {
		char date[11], clock[8] = "";
		int64_t t = event->spans[i].starts;
		int minutes = (int)((t - civil_day_of(t) * DAY_SECONDS) / 60);

		itip_date(t, date);
		if (!event->all_day)
			snprintf(
				clock, sizeof(clock), "T%02d%02d", minutes / 60 % 24, minutes % 60);
		at += (size_t)snprintf(text + at, size - at, "%s%.2s%.2s%s", i > 0 ? " " : "",
			date + 5, date + 8, clock);
	}
	if (event->bad_rule)
		at += (size_t)snprintf(text + at, size - at, " BAD");
	if (event->spans_cut)
		snprintf(text + at, size - at, " CUT");
}

struct span_case {
	const char *lines, *starts;
};

static void check_cases(const struct span_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct itip_object *object = read_lines(cases[i].lines);
		char got[8192];

		write_starts(&object->events[0], got, sizeof(got));
		if (strcmp(got, cases[i].starts) != 0)
			fail_msg("%s\ngives %s\nand not %s", cases[i].lines, got, cases[i].starts);
		assert_int_equal(object->n_events, 1);
		itip_object_free(object);
	}
}

#define CHECK(cases) check_cases(cases, sizeof(cases) / sizeof((cases)[0]))
#define DAY          "DTSTART;VALUE=DATE:"
#define HOUR(start)  "DTSTART;TZID=Europe/Berlin:" start "\nDURATION:PT1H\n"

/* ---- rules ----------------------------------------------------------------------------------- */

static void test_rules(void **state)
{
	static const struct span_case cases[] = {
		{HOUR("20261203T090000"), "1203T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3",
			"1203T0800 1204T0800 1205T0800"},
		{HOUR("20201203T090000") "RRULE:FREQ=DAILY;COUNT=2193",
			"1201T0800 1202T0800 1203T0800 1204T0800"},
		{HOUR("20201203T090000") "RRULE:FREQ=YEARLY", "1203T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;UNTIL=20261205T080000Z",
			"1203T0800 1204T0800 1205T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;UNTIL=20261205T075959Z",
			"1203T0800 1204T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;UNTIL=20261205T090000",
			"1203T0800 1204T0800 1205T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;UNTIL=20261205T085959",
			"1203T0800 1204T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;UNTIL=20261205",
			"1203T0800 1204T0800 1205T0800"},
		{DAY "20261203\nRRULE:FREQ=DAILY;UNTIL=20261205", "1203 1204 1205"},
		{DAY "20261203\nRRULE:FREQ=DAILY;UNTIL=20261205T225959Z", "1203 1204 1205"},
		{DAY "20261203\nRRULE:FREQ=DAILY;INTERVAL=20", "1203 1223 0112 0201 0221"},
		{DAY "20160104\nRRULE:FREQ=WEEKLY;INTERVAL=4;BYDAY=MO,FR",
			"1221 1225 0118 0122 0215 0219"},
		{DAY "20261201\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
			"1201 1206 1215 1220"},
		{DAY "20261201\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
			"1201 1213 1215 1227"},
		{DAY "20260131\nRRULE:FREQ=MONTHLY", "1231 0131"},
		{DAY "20260131\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1", "1231 0131 0228"},
		{DAY "20261201\nRRULE:FREQ=MONTHLY;BYDAY=1TU,-1FR",
			"1201 1225 0105 0129 0202 0226"},
		{DAY "20261201\nRRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1",
			"1201 1231 0101 0129 0201 0226 0301"},
		{DAY "20261211\nRRULE:FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=13", "1211 0213"},
		{DAY "20121224\nRRULE:FREQ=YEARLY;INTERVAL=7", "1224"},
		{DAY "20110101\nRRULE:FREQ=YEARLY;BYDAY=1MO,-1TH;BYMONTH=1,12",
			"1207 1231 0104 0128"},
		{DAY "20240229\nRRULE:FREQ=YEARLY", ""},
		{DAY "20241231\nRRULE:FREQ=YEARLY;BYYEARDAY=-1,32", "1231 0201"},
		{DAY "20251229\nRRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "0104"},
		{DAY "20261201\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "1201"},
		/* a rule that gives another day than the start */
		{DAY "20261202\nRRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=2", "1202 1204 1211"},
		{DAY "20261203\nrrule:freq=daily;count=2;", "1203 1204"},
		{DAY "20261203\nRRULE:FREQ=WEEKLY;COUNT=2\nRRULE:FREQ=DAILY;COUNT=2",
			"1203 1204 1210"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=2;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
			"1203T0800 1204T0800"},
	};

	(void)state;
	CHECK(cases);
}

/* Of what is not followed there is the start, and a mark. */
static void test_refused_rules(void **state)
{
	static const char *const rules[] = {"", "FREQ", "FREQ=", "FREQ=NEVER", "COUNT=2",
		"FREQ=SECONDLY", "FREQ=MINUTELY;COUNT=2", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=8",
		"FREQ=DAILY;BYHOUR=9,10", "FREQ=DAILY;BYMINUTE=1", "FREQ=DAILY;BYSECOND=59",
		"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=x",
		"FREQ=DAILY;COUNT=-1", "FREQ=DAILY;COUNT=2147483648", "FREQ=DAILY;INTERVAL=0",
		"FREQ=DAILY;INTERVAL=x", "FREQ=DAILY;INTERVAL=-2147483648",
		"FREQ=DAILY;INTERVAL=32768", "FREQ=DAILY;INTERVAL=65537",
		"FREQ=DAILY;COUNT=2;COUNT=3", "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;UNTIL=20269999",
		"FREQ=DAILY;UNTIL=20261205T250000", "FREQ=DAILY;UNTIL=nonsense",
		"FREQ=YEARLY;BYMONTH=13", "FREQ=YEARLY;BYMONTH=0", "FREQ=MONTHLY;BYMONTHDAY=32",
		"FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=YEARLY;BYYEARDAY=400", "FREQ=YEARLY;BYWEEKNO=54",
		"FREQ=MONTHLY;BYDAY=XX", "FREQ=YEARLY;BYDAY=99MO", "RSCALE=HEBREW;FREQ=YEARLY",
		"FREQ=DAILY;UNKNOWN"};
	char lines[500], got[100];

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct itip_object *object;

		snprintf(lines, sizeof(lines), HOUR("20261203T090000") "RRULE:%s", rules[i]);
		object = read_lines(lines);
		write_starts(&object->events[0], got, sizeof(got));
		if (strcmp(got, "1203T0800 BAD CUT") != 0)
			fail_msg("%s gives %s", rules[i], got);
		assert_true(object->events[0].recurring);
		itip_object_free(object);
	}
}

/* ---- the window ------------------------------------------------------------------------------ */

static void test_window(void **state)
{
	static const struct span_case cases[] = {
		{"DTSTART:20261130T220000Z\nDTEND:20261201T000000Z", ""},
		{"DTSTART:20261130T220000Z\nDTEND:20261201T000001Z", "1130T2200"},
		{"DTSTART:20270301T000000Z\nDURATION:PT1H", "0301T0000"},
		{"DTSTART:20270301T000001Z\nDURATION:PT1H", ""},
		{"DTSTART:20261203T000000Z", ""}, /* no time at all */
		{DAY "20261101\nDTEND;VALUE=DATE:20261202\nRRULE:FREQ=YEARLY", "1101"},
		{DAY "20001120\nDTEND;VALUE=DATE:20001203\nRRULE:FREQ=YEARLY", "1120"},
		{DAY "20261130", ""},
	};

	(void)state;
	CHECK(cases);
}

static void test_most_spans(void **state)
{
	struct itip_object *object;

	(void)state;
	limits.until = civil_days(2036, 1, 1) * DAY_SECONDS;
	object = read_lines(DAY "20261203\nRRULE:FREQ=DAILY;COUNT=1000");
	assert_int_equal(object->events[0].n_spans, 1000);
	assert_false(object->events[0].spans_cut);
	itip_object_free(object);
	object = read_lines(DAY "20261203\nRRULE:FREQ=DAILY");
	assert_int_equal(object->events[0].n_spans, 1000);
	assert_true(object->events[0].spans_cut);
	itip_object_free(object);
	object = read_lines(
		DAY "20261203\nRRULE:FREQ=DAILY;COUNT=600\nEND:VEVENT\nBEGIN:VEVENT\n" DAY
		    "20261203\nRRULE:FREQ=DAILY;COUNT=600");
	assert_int_equal(object->events[0].n_spans, 600);
	assert_false(object->events[0].spans_cut);
	assert_int_equal(object->events[1].n_spans, 400);
	assert_true(object->events[1].spans_cut);
	itip_object_free(object);
	limits.until = civil_days(2027, 3, 1) * DAY_SECONDS;
}

/* Steps are counted from the first year on when there is a COUNT; then they end. */
static void test_most_steps(void **state)
{
	struct itip_object *object = read_lines(DAY "00010101\nRRULE:FREQ=DAILY;COUNT=999999");

	(void)state;
	assert_int_equal(object->events[0].n_spans, 0);
	assert_true(object->events[0].spans_cut);
	assert_false(object->events[0].bad_rule);
	itip_object_free(object);
}

/* ---- dates and exceptions -------------------------------------------------------------------- */

static void test_dates(void **state)
{
	static const struct span_case cases[] = {
		{HOUR("20261203T090000") "RDATE:20261210T080000Z", "1203T0800 1210T0800"},
		{HOUR("20261203T090000") "RDATE;TZID=Europe/Berlin:20261210T090000,20261204T100000",
			"1203T0800 1204T0900 1210T0800"},
		{HOUR("20261203T090000") "RDATE:20261203T080000Z", "1203T0800"},
		{HOUR("20261203T090000") "RDATE;VALUE=PERIOD:20261210T080000Z/"
					 "PT2H,20261211T080000Z/20261211T090000Z",
			"1203T0800 1210T0800 1211T0800"},
		{HOUR("20261203T090000") "RDATE;VALUE=DATE:20261210", "1203T0800 BAD CUT"},
		{HOUR("20261203T090000") "RDATE:nonsense", "1203T0800 BAD CUT"},
		{HOUR("20261203T090000") "RDATE;VALUE=PERIOD:20261210T080000Z/x",
			"1203T0800 BAD CUT"},
		{HOUR("20261203T090000") "RDATE;TZID=Nowhere:20261210T080000", "1203T0800 BAD CUT"},
		{DAY "20261203\nRDATE;VALUE=DATE:20261224,20261231", "1203 1224 1231"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261204T080000Z",
			"1203T0800 1205T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=W. Europe Standard "
					 "Time:20261204T090000",
			"1203T0800 1205T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=Europe/"
					 "Berlin:20261204T100000",
			"1203T0800 1204T0800 1205T0800"},
		{HOUR("20261203T003000") "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261204",
			"1202T2330 1204T2330"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261203T080000Z",
			"1204T0800 1205T0800"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\nEXDATE:x", "1203T0800 BAD CUT"},
		{HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\nEXRULE:FREQ=DAILY",
			"1203T0800 BAD CUT"},
		{DAY "20261203\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261203,20261204",
			"1205"},
		{DAY "20261203\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=Europe/"
		     "Berlin:20261204T000000",
			"1203 1205"},
	};

	(void)state;
	CHECK(cases);
}

#define SERIES        "UID:u\n" HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3\n"
#define DAYS          "UID:u\n" DAY "20261203\nRRULE:FREQ=DAILY;COUNT=3\n"
#define INSTANCE(uid) "END:VEVENT\nBEGIN:VEVENT\nUID:" uid "\n"

static void test_instances(void **state)
{
	static const struct span_case cases[] = {
		{SERIES INSTANCE("u") "RECURRENCE-ID:20261204T080000Z\nDTSTART:"
				      "20261220T120000Z\nDURATION:PT1H",
			"1203T0800 1205T0800 1220T1200"},
		{SERIES INSTANCE("u") "RECURRENCE-ID;TZID=Europe/"
				      "Berlin:20261204T090000\nSTATUS:CANCELLED\nDTSTART:"
				      "20261204T080000Z\nDURATION:PT1H",
			"1203T0800 1205T0800"},
		{SERIES INSTANCE("u") "RECURRENCE-ID:20261204T080000Z", "1203T0800 1205T0800"},
		{SERIES INSTANCE("u") "RECURRENCE-ID;RANGE=THISANDFUTURE:20261204T080000Z\nDTSTART:"
				      "20261204T120000Z\nDURATION:PT1H",
			"1203T0800 1204T1200 1205T0800 BAD CUT"},
		{SERIES INSTANCE("u") "RECURRENCE-ID:20261204T080000Z\nDTSTART;VALUE=DATE:20261210",
			"1203T0800 1205T0800 1209T2300"},
		{DAYS INSTANCE(
			 "u") "RECURRENCE-ID;VALUE=DATE:20261204\nDTSTART;VALUE=DATE:20261210",
			"1203 1205 1210"},
		{DAYS INSTANCE("u") "RECURRENCE-ID;TZID=Europe/Berlin:20261204T000000\n" HOUR(
			 "20261210T090000"),
			"1203 1205 1210"},
	};

	(void)state;
	CHECK(cases);
}

/* The instance may stand before its master; of another UID, or of an answer, it stands for
   itself. */
static void test_instances_of_their_own(void **state)
{
	static const char foreign[] = SERIES INSTANCE(
		"v") "RECURRENCE-ID:20261204T080000Z\nDTSTART:"
		     "20261220T120000Z\nDURATION:PT1H";
	static const char mine[] = SERIES INSTANCE("u") "RECURRENCE-ID:20261204T080000Z";
	static const char before[] = "UID:u\nRECURRENCE-ID:20261204T080000Z\n" INSTANCE("u")
		HOUR("20261203T090000") "RRULE:FREQ=DAILY;COUNT=3";
	struct itip_object *object = read_lines(foreign);

	(void)state;
	assert_int_equal(object->n_events, 2);
	assert_int_equal(object->events[0].n_spans, 3);
	assert_int_equal(object->events[1].n_spans, 1);
	itip_object_free(object);
	object = read_lines(before);
	assert_int_equal(object->n_events, 1);
	assert_int_equal(object->events[0].n_spans, 2);
	itip_object_free(object);
	limits.method = "REPLY";
	object = read_lines(mine);
	assert_int_equal(object->n_events, 2);
	assert_int_equal(object->events[0].n_spans, 3);
	itip_object_free(object);
	limits.method = "REQUEST";
}

/* Across the change of clocks each occurrence keeps its local time. */
static void test_changes_of_clocks(void **state)
{
	static const struct span_case cases[] = {
		{"DTSTART;TZID=America/"
		 "Los_Angeles:20261101T083000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2",
			"1101T1630 1108T1630"},
		{"DTSTART;TZID=America/"
		 "Los_Angeles:20261025T083000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2",
			"1025T1530 1101T1630"},
		{"DTSTART;TZID=America/"
		 "Los_Angeles:20261031T013000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
			"1031T0830 1101T0830 1102T0930"},
		{"DTSTART:20261031T013000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3",
			"1031T0130 1101T0130 1102T0130"},
	};

	(void)state;
	limits.now = civil_days(2026, 10, 1) * DAY_SECONDS;
	CHECK(cases);
	limits.now = civil_days(2026, 12, 2) * DAY_SECONDS;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_refused_rules),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_most_spans),
		cmocka_unit_test(test_most_steps),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_instances),
		cmocka_unit_test(test_instances_of_their_own),
		cmocka_unit_test(test_changes_of_clocks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
