/* itip_read: what a line means, what is mended, what is not believed; now is 2026-12-01. */
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
	limits.until = limits.now + INT64_C(90) * DAY_SECONDS;
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

struct read_case {
	const char *lines, *want;
};

static void check_text(const char *text, const char *want)
{
	char *got = show_object(text, strlen(text), &limits);

	assert_non_null(got);
	if (strcmp(got, want) != 0)
		fail_msg("%s\n-- gives\n%s-- and not\n%s", text, got, want);
	free(got);
}

/* Each case's lines stand in a VEVENT; what is wanted begins behind the method. */
static void check_cases(const char *before, const struct read_case *cases, size_t n)
{
	char text[8192], want[4096];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text),
			"BEGIN:VCALENDAR\nMETHOD:REPLY\n%sBEGIN:VEVENT\n%s\nEND:VEVENT\n"
			"END:VCALENDAR\n",
			before, cases[i].lines);
		snprintf(want, sizeof(want), "REPLY\n%s", cases[i].want);
		check_text(text, want);
	}
}

#define CHECK(before, cases) check_cases(before, cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- lines ----------------------------------------------------------------------------------- */

static void test_people(void **state)
{
	static const struct read_case cases[] = {
		{"ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"attendee;partstat=accepted:MAILTO:A@Example.ORG",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=\"DECLINED\":mailto:a%2Bb@example.org?subject=x",
			" -\n  a+b@example.org DECLINED\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED:mailto:<a@example.org>",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED: mailto: a@example.org ",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED:a@example.org", " -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED;EMAIL=a@example.org:invalid:nomail",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;EMAIL=b@example.org:mailto:a@example.org", " -\n  a@example.org\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED:", " -\n  nobody ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org%0d%0aX:y",
			" -\n  nobody ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED:mailto:a%00@example.org",
			" -\n  a%00@example.org ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=AC CEPTED:mailto:a@example.org", " -\n  a@example.org\n"},
		{"ATTENDEE:mailto:a@example.org\nATTENDEE:mailto:b@example.org",
			" -\n  a@example.org\n  b@example.org\n"},
		{"ORGANIZER;CN=X;SENT-BY=\"mailto:s@example.org\":mailto:O@example.org",
			" - of o@example.org\n"},
		{"ATTENDEE;DELEGATED-TO=\"mailto:b@example.org\";PARTSTAT=DELEGATED;SENT-BY="
		 "mailto:s@example.org:mailto:a@example.org",
			" -\n  a@example.org DELEGATED by s@example.org to b@example.org\n"},
		{"ATTENDEE;DELEGATED-FROM=\"mailto:b@example.org,mailto:c@example.org\":mailto:"
		 "a@example.org",
			" -\n  a@example.org\n"},
	};

	(void)state;
	CHECK("", cases);
}

/* Of a line that is broken what can be told for sure is told, and nothing else. */
static void test_broken_parameters(void **state)
{
	static const struct read_case cases[] = {
		{"ATTENDEE;CN=A; B;PARTSTAT=ACCEPTED:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;CN=A: B;PARTSTAT=ACCEPTED:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;CN=\"A;PARTSTAT=ACCEPTED:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;CN=\"A;PARTSTAT=DECLINED:x\";PARTSTAT=ACCEPTED:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;CN=A;PARTSTAT=DECLINED;PARTSTAT=ACCEPTED:mailto:a@example.org",
			" -\n  a@example.org\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED;PARTSTAT=accepted:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;;;PARTSTAT=ACCEPTED;=;:mailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;XPARTSTAT=DECLINED:mailto:a@example.org", " -\n  a@example.org\n"},
		{"ATTENDEE;PARTSTAT=ACCEPTED", " -\n"},
	};

	(void)state;
	CHECK("", cases);
}

static void test_folds(void **state)
{
	static const struct read_case cases[] = {
		{"ATTENDEE;PARTSTAT=ACC\r\n EPTED:mailto:a@\r\n\texample.org\r",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE;PARTSTAT=ACC\rEPTED:mailto:a@example.org", " -\n"},
		{"ATTENDEE;PARTST\nAT=ACCEPTED:\nmailto:a@example.org",
			" -\n  a@example.org ACCEPTED\n"},
		{"ATTENDEE\n ;PARTSTAT\n =ACCEPTED\n :mailto:a@example.org\nSEQUENCE\n :1",
			" - #1\n  a@example.org ACCEPTED\n"},
		{"SEQ\n UENCE:1\n\n\nUID\n :u", " u #1\n"},
		{"SUMMARY:a\nSEQUENCE:1", " - #1\n"},
		{"SUMMARY:a\n SEQUENCE:1", " -\n"},
		{"DESCRIPTION:a\nmore text = here\nSEQUENCE:1", " - #1\n"},
	};

	(void)state;
	CHECK("", cases);
}

static void test_words_and_numbers(void **state)
{
	static const struct read_case cases[] = {
		{"SEQUENCE:0", " - #0\n"},
		{"SEQUENCE: 7 ", " - #7\n"},
		{"SEQUENCE:+7", " - #7\n"},
		{"SEQUENCE:2147483647", " - #2147483647\n"},
		{"SEQUENCE:2147483648", " -\n"},
		{"SEQUENCE:99999999999999999999999", " -\n"},
		{"SEQUENCE:abc", " -\n"},
		{"SEQUENCE:", " -\n"},
		{"SEQUENCE:-1", " -\n"},
		{"SEQUENCE:1.5", " -\n"},
		{"SEQUENCE:1\nSEQUENCE:2", " - #1\n"},
		{"UID:a\\,b\\\\c", " a,b\\c\n"},
		{"UID:", " -\n"},
		{"STATUS:cancelled", " - CANCELLED\n"},
		{"STATUS:CANCEL\xc3\x9c", " -\n"},
		{"TRANSP:transparent", " - transparent\n"},
		{"TRANSP:OPAQUE", " -\n"},
		{"X-MICROSOFT-CDO-BUSYSTATUS:FREE", " -\n"},
	};

	(void)state;
	CHECK("", cases);
}

/* ---- times ----------------------------------------------------------------------------------- */

#define BERLIN "DTSTART;TZID=Europe/Berlin:"

static void test_times(void **state)
{
	static const struct read_case cases[] = {
		{"DTSTART:20240301T120000Z\nDTEND:20240301T130000Z",
			" - 20240301T120000Z - 20240301T130000Z\n"},
		{"DTSTART:20240301T120000Z\nDURATION:PT1H30M",
			" - 20240301T120000Z - 20240301T133000Z\n"},
		{"DTSTART:20240301T120000Z", " - 20240301T120000Z - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDTEND:20240301T110000Z", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDTEND:nonsense", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDURATION:-PT1H", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDURATION:PT1M1H", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDURATION:P1H", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDURATION:PT", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000Z\nDURATION:P99999999W", " - 20240301T120000Z\n"},
		{"DTSTART:20240301T120000\nDTEND:20240301T130000",
			" - 20240301T120000Z - 20240301T130000Z floating\n"},
		{"DTSTART:20260230T120000Z", " -\n"},
		{"DTSTART:20260230T250000Z", " -\n"},
		{"DTSTART:20240301T240000Z", " -\n"},
		{"DTSTART:20240301T236000Z", " -\n"},
		{"DTSTART:00000101T000000Z", " -\n"},
		{"DTSTART:20241301T000000Z", " -\n"},
		{"DTSTART:20240301T120000Q", " -\n"},
		{"DTSTART:20240301T120000ZZ", " -\n"},
		{"DTSTART:20240301T1200", " -\n"},
		{"DTSTART:99991231T235959Z", " - 99991231T235959Z - 99991231T235959Z\n"},
		{"DTSTAMP:20240301T120000Z\nRECURRENCE-ID:20240302T120000Z",
			" - @20240301T120000Z instance 20240302T120000Z\n"},
		{"X-MS-OLK-ORIGINALSTART;TZID=Europe/Berlin:20240301T120000",
			" - instead of 20240301T110000Z\n"},
	};

	(void)state;
	CHECK("", cases);
}

static void test_zones(void **state)
{
	static const struct read_case cases[] = {
		{BERLIN "20240301T120000", " - 20240301T110000Z - 20240301T110000Z\n"},
		{BERLIN "20240301T120000Z", " - 20240301T120000Z - 20240301T120000Z\n"},
		/* a gap: the offset before it; an overlap: the first */
		{BERLIN "20240331T023000", " - 20240331T013000Z - 20240331T013000Z\n"},
		{BERLIN "20241027T023000", " - 20241027T003000Z - 20241027T003000Z\n"},
		{"DTSTART;TZID=\"Pacific Standard Time\":20240301T120000",
			" - 20240301T200000Z - 20240301T200000Z\n"},
		{"DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20240301T120000",
			" - 20240301T110000Z - 20240301T110000Z\n"},
		{"DTSTART;TZID=Nowhere:20240301T120000", " - BAD CUT\n"},
		{"DTSTART:20240301T120000Z\nDTEND;TZID=Nowhere:20240301T120000",
			" - 20240301T120000Z BAD CUT\n"},
		{BERLIN "20240301T120000\nDTEND;TZID=America/New_York:20240301T070000",
			" - 20240301T110000Z - 20240301T120000Z\n"},
		/* a night over the change is as long as its clock says; two hours are two hours */
		{BERLIN "20240330T220000\nDTEND;TZID=Europe/Berlin:20240331T060000",
			" - 20240330T210000Z - 20240331T040000Z\n"},
		{BERLIN "20240330T220000\nDURATION:PT8H",
			" - 20240330T210000Z - 20240331T050000Z\n"},
		{BERLIN "20240330T220000\nDURATION:P1D",
			" - 20240330T210000Z - 20240331T200000Z\n"},
	};

	(void)state;
	CHECK("", cases);
}

#define OWN(name, rule)                                                                            \
	"BEGIN:VTIMEZONE\nTZID:" name "\nBEGIN:STANDARD\nDTSTART:16010101T030000\n"                \
	"TZOFFSETFROM:+0300\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10" rule       \
	"\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0200\n"            \
	"TZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\n"                 \
	"END:VTIMEZONE\n"

static void test_own_zones(void **state)
{
	static const struct read_case cases[] = {
		{"DTSTART;TZID=Mine:20240301T120000", " - 20240301T100000Z - 20240301T100000Z\n"},
		{"DTSTART;TZID=mine:20240701T120000", " - 20240701T090000Z - 20240701T090000Z\n"},
		{"DTSTART;TZID=Mine:20240331T023000", " - 20240331T003000Z - 20240331T003000Z\n"},
		{"DTSTART;TZID=Mine:20241027T023000", " - 20241026T233000Z - 20241026T233000Z\n"},
		{"DTSTART;TZID=Mine:20241027T030000", " - 20241027T010000Z - 20241027T010000Z\n"},
		{"DTSTART;TZID=\"A, B\":20240701T120000",
			" - 20240701T090000Z - 20240701T090000Z\n"},
		/* the tz database goes before */
		{BERLIN "20240701T120000", " - 20240701T100000Z - 20240701T100000Z\n"},
	};

	(void)state;
	CHECK(OWN("Mine", "") OWN("A\\, B", ";BYHOUR=3;BYMINUTE=0") OWN("Europe/Berlin", ""),
		cases);
}

/* A zone whose rules are not followed is unknown. */
static void test_bad_zones(void **state)
{
	static const struct read_case bad[] = {
		{"DTSTART;TZID=Bad:20240701T120000", " - BAD CUT\n"}};

	(void)state;
	CHECK(OWN("Bad", "\nRRULE:FREQ=SECONDLY"), bad);
	CHECK(OWN("Bad", "\nRRULE:FREQ=DAILY"), bad);
	CHECK(OWN("Bad", "\nRRULE:FREQ=MONTHLY;COUNT=3"), bad);
	CHECK(OWN("Bad", ";BYHOUR=1,2"), bad);
	CHECK(OWN("Bad", "\nRDATE:nonsense"), bad);
	CHECK("BEGIN:VTIMEZONE\nTZID:Bad\nEND:VTIMEZONE\n", bad);
	CHECK("BEGIN:VTIMEZONE\nTZID:Bad\nBEGIN:STANDARD\nDTSTART:19700101T000000\n"
	      "TZOFFSETFROM:+0100\nTZOFFSETTO:+9900\nEND:STANDARD\nEND:VTIMEZONE\n",
		bad);
	CHECK("BEGIN:VTIMEZONE\nTZID:Bad\nBEGIN:STANDARD\nTZOFFSETFROM:+0100\n"
	      "TZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n",
		bad);
}

static void test_all_day(void **state)
{
	static const struct read_case cases[] = {
		{"DTSTART;VALUE=DATE:20241224\nDTEND;VALUE=DATE:20241227",
			" - 20241224T000000Z - 20241227T000000Z all day\n"},
		{"DTSTART:20241224", " - 20241224T000000Z - 20241225T000000Z all day\n"},
		{"DTSTART;VALUE=DATE:20241224\nDTEND;VALUE=DATE:20241224",
			" - 20241224T000000Z - 20241225T000000Z all day\n"},
		{"DTSTART;VALUE=DATE:20241224\nDURATION:P1W",
			" - 20241224T000000Z - 20241231T000000Z all day\n"},
		{"DTSTART;VALUE=DATE:20241224\nDURATION:PT25H",
			" - 20241224T000000Z - 20241226T000000Z all day\n"},
		{"DTSTART;VALUE=DATE:20241224\nDTEND:20241225T120000Z",
			" - 20241224T000000Z - 20241226T000000Z all day\n"},
		{"DTSTART;VALUE=DATE:20241224\nDTEND;VALUE=DATE:20241220",
			" - 20241224T000000Z all day\n"},
		{"X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\n" BERLIN "20241224T000000\nDTEND;TZID="
		 "Europe/Berlin:20241225T000000",
			" - 20241224T000000Z - 20241225T000000Z all day\n"},
		{"X-MICROSOFT-CDO-ALLDAYEVENT:FALSE\n" BERLIN "20241224T000000\nDTEND;TZID="
		 "Europe/Berlin:20241225T000000",
			" - 20241223T230000Z - 20241224T230000Z\n"},
		{"X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\nDTSTART:20241224T080000Z\nDTEND:"
		 "20241225T080000Z",
			" - 20241224T080000Z - 20241225T080000Z\n"},
	};

	(void)state;
	CHECK("", cases);
}

/* ---- the whole ------------------------------------------------------------------------------- */

#define EVENT(uid) "BEGIN:VEVENT\nUID:" uid "\nEND:VEVENT\n"

static void test_methods(void **state)
{
	static const struct read_case cases[] = {
		{"BEGIN:VCALENDAR\nmethod:reply\n" EVENT("a") "END:VCALENDAR\n", "REPLY\n a\n"},
		{"BEGIN:VCALENDAR\n" EVENT("a") "METHOD:REPLY\nEND:VCALENDAR\n", "REPLY\n a\n"},
		{"BEGIN:VCALENDAR\n" EVENT("a\nMETHOD:REPLY") "END:VCALENDAR\n", "COUNTER\n a\n"},
		{"BEGIN:VCALENDAR\nMETHOD:\n" EVENT("a") "END:VCALENDAR\n", "COUNTER\n a\n"},
		{"BEGIN:VCALENDAR\nMETHOD:REPLY\nMETHOD:CANCEL\n" EVENT("a") "END:VCALENDAR\n",
			"unreadable: it has two methods"},
		{"BEGIN:VCALENDAR\nMETHOD:REPLY\n" EVENT("a") "END:VCALENDAR\nBEGIN:VCALENDAR\n"
							      "METHOD:REPLY\n" EVENT("b"),
			"REPLY\n a\n b\n"},
		{"BEGIN:VCALENDAR\nMETHOD:REPLY\n" EVENT("a") "BEGIN:VCALENDAR\n" EVENT("b"),
			"REPLY\n a\n b\n"},
	};

	(void)state;
	limits.method = "counter";
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_text(cases[i].lines, cases[i].want);
	limits.method = NULL;
	check_text("BEGIN:VCALENDAR\n" EVENT("a"), "no method\n a\n");
	check_text("\xef\xbb\xbf"
		   "BEGIN:VCALENDAR\n" EVENT("a"),
		"no method\n a\n");
	check_text("garbage\nBEGIN:VCALENDAR\n" EVENT("a"), "no method\n a\n");
}

static void test_components(void **state)
{
	static const struct read_case cases[] = {
		{"", "unreadable: there is no VCALENDAR"},
		{"\n\n\n", "unreadable: there is no VCALENDAR"},
		{EVENT("a"), "unreadable: there is no VCALENDAR"},
		{"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "unreadable: there is no event"},
		{"BEGIN:VCALENDAR\nBEGIN:VTODO\n" EVENT("a") "END:VTODO\nEND:VCALENDAR\n",
			"unreadable: there is no event"},
		{"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\n", "unreadable: an event has no end"},
		{"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nEND:VCALENDAR\n",
			"unreadable: an event has no end"},
		{"BEGIN:VCALENDAR\n" EVENT("a\nBEGIN:VALARM\nUID:b"), "no method\n a\n"},
		{"BEGIN:VCALENDAR\n" EVENT("a\nBEGIN:VALARM\nATTENDEE:mailto:x@example.org\n"
					   "END:VALARM\nSEQUENCE:1"),
			"no method\n a #1\n"},
		{"BEGIN:VCALENDAR\n" EVENT("a\nEND:VTODO"), "no method\n a\n"},
		{"BEGIN:VCALENDAR\n" EVENT("a\n" EVENT("b")), "no method\n a\n"},
		{"begin:vcalendar\nbegin:vevent\nuid:a\nend:vevent\nend:vcalendar",
			"no method\n a\n"},
		{"BEGIN:VCALENDAR\n" EVENT("\xff"), "unreadable: a UID is too long, or no text"},
		{"BEGIN:VCALENDAR\n" EVENT("a\x01"), "unreadable: a UID is too long, or no text"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_text(cases[i].lines, cases[i].want);
}

static void test_nul(void **state)
{
	static const char inside[] = "BEGIN:VCALENDAR\n" EVENT("a\0b"),
			  behind[] = "BEGIN:VCALENDAR\n" EVENT("a") "\0\0";
	char *got = show_object(inside, sizeof(inside) - 1, &limits);

	(void)state;
	assert_string_equal(got, "unreadable: it is no text");
	free(got);
	got = show_object(behind, sizeof(behind) - 1, &limits);
	assert_string_equal(got, "no method\n a\n");
	free(got);
}

static void test_dates(void **state)
{
	char date[11];

	(void)state;
	itip_date(civil_days(2026, 12, 24) * DAY_SECONDS, date);
	assert_string_equal(date, "2026-12-24");
	itip_date(-1, date);
	assert_string_equal(date, "1969-12-31");
	itip_date(ITIP_NO_TIME, date);
	assert_string_equal(date, "");
	itip_date(INT64_MAX, date);
	assert_string_equal(date, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_broken_parameters),
		cmocka_unit_test(test_folds),
		cmocka_unit_test(test_words_and_numbers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_own_zones),
		cmocka_unit_test(test_bad_zones),
		cmocka_unit_test(test_all_day),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_components),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
