/*
 * recur and itip_spans beside what others expect of the same rules: libical's list of rules and
 * instances, and KCalendarCore's calendars with theirs. Both lie in $VACD_CORPUS; without it,
 * skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <strings.h>
#include <unistd.h>
#include <cmocka.h>

#include "civil.h"
#include "file.h"
#include "itip_read.h"
#include "itip_time.h"
#include "octets.h"
#include "recur.h"
#include "zone.h"

#define LIBICAL_RULES "libical/src/test/icalrecur_test.txt"
#define KCAL_RULES    "kcalendarcore/autotests/data/RecurrenceRule"

static const char *corpus(const char *below)
{
	static char path[4096];
	const char *folder = getenv("VACD_CORPUS");

	if (!folder || !*folder)
		skip();
	snprintf(path, sizeof(path), "%s/%s", folder, below);
	return path;
}

static char *read_whole(const char *path)
{
	char *bytes;
	size_t length;

	if (file_read(path, 1 << 20, &bytes, &length) != 0)
		fail_msg("%s cannot be read", path);
	return bytes;
}

/* ---- libical --------------------------------------------------------------------------------- */

/* Rules that are not followed here. */
static bool is_refused(const char *rule)
{
	static const char *const words[] = {
		"BYHOUR", "BYMINUTE", "BYSECOND", "HOURLY", "MINUTELY", "SECONDLY", "EXRULE"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strstr(rule, words[i]))
			return true;
	}
	return false;
}

/*
 * "Yearly on the 29th" is that day of every month by the table of RFC 5545, and by what most
 * calendars make of it; libical stays in the month of DTSTART. And every fifth year is counted from
 * the year of weeks in which DTSTART lies, not from its calendar year.
 */
static bool is_otherwise(const char *rule)
{
	return strncmp(rule, "FREQ=YEARLY;BYMONTHDAY=", 23) == 0
	       || strstr(rule, ";BYWEEKNO=53;INTERVAL=");
}

static void write_time(struct octets *out, int64_t t, const char *like)
{
	struct civil date = civil_of_days(civil_day_of(t));
	int clock = (int)(t - civil_day_of(t) * DAY_SECONDS);
	char text[64];

	if (out->length > 0)
		octets_add_char(out, ',');
	snprintf(text, sizeof(text), "%04d%02d%02d", (int)date.year, date.month, date.day);
	octets_add_text(out, text);
	snprintf(text, sizeof(text), "T%02d%02d%02d", clock / 3600, clock / 60 % 60, clock % 60);
	if (strchr(like, 'T'))
		octets_add_text(out, text);
	if (strchr(like, 'Z'))
		octets_add_char(out, 'Z');
}

/* Without COUNT also from the middle of it on: what comes first may be left out, nothing else. */
static char *instances(const struct recur *rule, const char *start, int64_t from)
{
	struct itip_moment moment;
	struct recur_walk walk;
	struct octets out = {0};
	long steps = 1000000;
	int64_t local;
	char *text;
	size_t length;

	assert_true(itip_moment_parse(start, strlen(start), &moment));
	recur_begin(&walk, rule, moment.local, from, civil_days(2100, 1, 1) * DAY_SECONDS, &steps);
	while (recur_next(&walk, &local)) {
		if (rule->until_kind == RECUR_UNTIL_UTC && local > rule->until)
			break;
		if (local >= from)
			write_time(&out, local, start);
	}
	assert_int_equal(octets_take(&out, &text, &length), 0);
	return text;
}

static void check_rule(const char *text, const char *start, const char *want)
{
	struct itip_moment last;
	const char *last_text = strrchr(want, ',') ? strrchr(want, ',') + 1 : want;
	struct recur rule;
	char *got;

	if (is_otherwise(text))
		return;
	if (is_refused(text)) {
		assert_int_equal(recur_read(text, 0, &rule), RECUR_REFUSED);
		return;
	}
	if (recur_read(text, 0, &rule) != 0)
		fail_msg("refused: %s", text);
	got = instances(&rule, start, INT64_MIN / 4);
	if (strcmp(got, want) != 0)
		fail_msg("%s\nfrom %s\ngot  %s\nwant %s", text, start, got, want);
	free(got);
	assert_true(itip_moment_parse(last_text, strlen(last_text), &last));
	got = instances(&rule, start, last.local);
	if (strcmp(got, last_text) != 0)
		fail_msg("%s\nfrom %s\ngot  %s\nwant %s at last", text, start, got, last_text);
	free(got);
}

static void test_libical(void **state)
{
	char *whole = read_whole(corpus(LIBICAL_RULES)), *save = NULL;
	char rule[1000] = "", start[40] = "";
	size_t n = 0;

	(void)state;
	for (char *line = strtok_r(whole, "\r\n", &save); line;
		line = strtok_r(NULL, "\r\n", &save)) {
		if (strncmp(line, "RRULE:", 6) == 0)
			snprintf(rule, sizeof(rule), "%s", line + 6);
		else if (strncmp(line, "DTSTART:", 8) == 0)
			snprintf(start, sizeof(start), "%s", line + 8);
		else if (strncmp(line, "INSTANCES:", 10) == 0 && line[10] >= '0' && line[10] <= '9'
			 && ++n)
			check_rule(rule, start, line + 10);
	}
	assert_true(n > 60);
	free(whole);
}

/* ---- KCalendarCore --------------------------------------------------------------------------- */

static struct zones *zones;

/* What counts is where they begin: each gets the same short length, as some have none. */
static char *shorten(const char *calendar)
{
	struct octets out = {0};
	char *text;
	size_t length;

	octets_add(&out, "", 1); /* for strstr() */
	while (*calendar) {
		size_t n = strcspn(calendar, "\n");

		n += calendar[n] == '\n';
		out.length--;
		if (strncmp(calendar, "END:VEVENT", 10) == 0)
			octets_add_text(&out, strstr(out.data, "VALUE=DATE:") ? "DURATION:P1D\n"
									      : "DURATION:PT1M\n");
		if (strncmp(calendar, "DTEND", 5) != 0 && strncmp(calendar, "DURATION", 8) != 0)
			octets_add(&out, calendar, n);
		octets_add(&out, "", 1);
		calendar += n;
	}
	out.length--;
	assert_int_equal(octets_take(&out, &text, &length), 0);
	return text;
}

/* "2005-05-20T19:00:00 CEST Europe/Vienna", in the zone that it names; false: another line */
static bool parse_ref(const char *line, int64_t *at)
{
	struct tm tm = {0};
	char name[80];
	const struct zone *zone;
	const char *rest = strptime(line, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest || sscanf(rest, " %*s %79s", name) != 1)
		return false;
	/* "UTC-04:00" is the start's, all year round; these calendars are from RFC 2445, and their
	   own time zone is the one of before 2007. */
	zone = zones_find(zones, strncmp(name, "UTC-", 4) == 0 ? "America/New_York" : name);
	*at = timegm(&tm);
	if (zone)
		*at = zone_to_utc(zone, *at);
	return true;
}

/* Behind these the expectation ends: the window here, and the rules of 2007 in New York. */
static bool is_over(const char *line)
{
	return strncmp(line, "2098", 4) > 0
	       || (strstr(line, "UTC-") && strncmp(line, "2007", 4) >= 0);
}

/* A start that the rule does not give is not among theirs. */
static size_t check_event(const char *path, const struct itip_read_event *event, char *ref)
{
	size_t n = 0;
	char *save = NULL;

	for (char *line = strtok_r(ref, "\r\n", &save); line;
		line = strtok_r(NULL, "\r\n", &save)) {
		int64_t at;

		if (!parse_ref(line, &at) || is_over(line))
			continue;
		if (n == 0 && event->n_spans > 0 && event->spans[0].starts == event->starts
			&& at > event->starts)
			n++;
		if (n >= event->n_spans || event->spans[n].starts != at) {
			print_message("%s: %s is not there\n", path, line);
			return 1;
		}
		n++;
	}
	return 0;
}

static size_t check_calendar(const char *path, const char *ref_path)
{
	char *calendar = read_whole(path), *shortened = shorten(calendar);
	char *ref = read_whole(ref_path), error[200];
	struct itip_limits limits = {.now = civil_days(1971, 1, 1) * DAY_SECONDS,
		.until = civil_days(2099, 1, 1) * DAY_SECONDS,
		.zones = zones,
		.method = "PUBLISH"};
	struct itip_object *object;
	size_t missed = 0;

	assert_int_equal(
		itip_read(shortened, strlen(shortened), &limits, &object, error, sizeof(error)), 0);
	if (object->events[0].bad_rule) {
		if (!is_refused(calendar))
			fail_msg("%s: not followed", path);
	} else if (!strstr(path, "/rdate.ics")) { /* an all-day event with times in RDATE */
		missed = check_event(path, &object->events[0], ref);
	}
	itip_object_free(object);
	free(ref);
	free(shortened);
	free(calendar);
	return missed;
}

static size_t check_folder(const char *folder, size_t *n)
{
	char path[4096], ref[4096 + 16];
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t missed = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			missed += check_folder(path, n);
		snprintf(ref, sizeof(ref), "%s.next.ref", path);
		if (strstr(entry->d_name, ".ics") && access(ref, R_OK) == 0) {
			missed += check_calendar(path, ref);
			++*n;
		}
	}
	closedir(dir);
	return missed;
}

static void test_kcalendarcore(void **state)
{
	size_t n = 0;
	const char *folder = corpus(KCAL_RULES);

	(void)state;
	if (zones_load(ZONES_SYSTEM, &zones) != 0)
		skip();
	assert_int_equal(check_folder(folder, &n), 0);
	assert_true(n > 100);
	zones_free(zones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libical),
		cmocka_unit_test(test_kcalendarcore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
