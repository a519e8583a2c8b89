/* zone, zone_names: offsets, and which instant a local time is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "civil.h"
#include "zone.h"
#include "zone_names.h"

static struct zones *zones;

static int set_up(void **state)
{
	(void)state;
	return zones_load(ZONES_SYSTEM, &zones);
}

static int tear_down(void **state)
{
	(void)state;
	zones = zones_free(zones);
	return 0;
}

static int64_t at(int year, int month, int day, int h, int m)
{
	return civil_days(year, month, day) * DAY_SECONDS + INT64_C(3600) * h + INT64_C(60) * m;
}

/* ---- days ------------------------------------------------------------------------------------ */

static void test_days_there_and_back(void **state)
{
	(void)state;
	assert_int_equal(civil_days(1970, 1, 1), 0);
	assert_int_equal(civil_days(1969, 12, 31), -1);
	assert_int_equal(civil_days(2000, 2, 29), 11016);
	assert_int_equal(civil_weekday(civil_days(2026, 12, 1)), 2);
	assert_int_equal(civil_weekday(-5), 6);
	assert_int_equal(civil_day_of(-1), -1);
	assert_int_equal(civil_day_of(86399), 0);
	for (int64_t day = civil_days(1, 1, 1); day < civil_days(10000, 1, 1); day += 17) {
		struct civil date = civil_of_days(day);

		assert_int_equal(civil_days(date.year, date.month, date.day), day);
		assert_in_range(date.day, 1, civil_month_length(date.year, date.month));
	}
}

/* ---- local times ----------------------------------------------------------------------------- */

/* Offsets as Python's zoneinfo gives them, fold = 0. */
static const struct local_case {
	const char *zone;
	int year, month, day, h, m;
	int offset; /* minutes */
} local_cases[] = {
	{"UTC", 2026, 6, 1, 12, 0, 0},
	{"Europe/Berlin", 2026, 1, 15, 12, 0, 60},
	{"Europe/Berlin", 2026, 3, 29, 1, 59, 60},
	{"Europe/Berlin", 2026, 3, 29, 2, 30, 60}, /* a gap: the offset before */
	{"Europe/Berlin", 2026, 3, 29, 3, 0, 120},
	{"Europe/Berlin", 2026, 10, 25, 1, 59, 120},
	{"Europe/Berlin", 2026, 10, 25, 2, 0, 120}, /* twice: the first */
	{"Europe/Berlin", 2026, 10, 25, 2, 59, 120},
	{"Europe/Berlin", 2026, 10, 25, 3, 0, 60},
	{"Europe/Berlin", 2060, 7, 1, 12, 0, 120},
	{"America/Los_Angeles", 2026, 3, 8, 2, 30, -480},
	{"America/Los_Angeles", 2026, 11, 1, 1, 30, -420},
	{"America/Los_Angeles", 2026, 11, 1, 2, 0, -480},
	{"America/Los_Angeles", 1987, 4, 5, 3, 0, -420},
	{"America/New_York", 2099, 3, 8, 2, 30, -300},
	{"Europe/Dublin", 2026, 7, 1, 12, 0, 60}, /* winter is the exception there */
	{"Europe/Dublin", 2045, 12, 1, 12, 0, 0},
	{"Australia/Lord_Howe", 2026, 4, 5, 1, 45, 660}, /* half an hour */
	{"Australia/Lord_Howe", 2026, 10, 4, 2, 15, 630},
	{"Asia/Kathmandu", 2026, 1, 1, 0, 0, 345},
	{"America/Nuuk", 2026, 10, 24, 23, 30, -60},
	{"America/Nuuk", 2044, 7, 1, 12, 0, -60},
	{"Pacific/Apia", 2011, 12, 30, 12, 0, -600}, /* a day that was not */
	{"Pacific/Apia", 2026, 12, 31, 12, 0, 780},
	{"Africa/Casablanca", 2026, 3, 1, 12, 0, 0}, /* Ramadan */
	{"Africa/Casablanca", 2026, 6, 1, 12, 0, 60},
	{"Asia/Gaza", 2070, 7, 1, 12, 0, 180},
	{"Antarctica/Troll", 2026, 7, 1, 12, 0, 120},
	{"Etc/GMT+12", 2026, 1, 1, 0, 0, -720},
	{"Pacific/Kiritimati", 2026, 1, 1, 0, 0, 840},
};

static void test_local_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof local_cases / sizeof *local_cases; i++) {
		const struct local_case *c = &local_cases[i];
		const struct zone *zone = zones_find(zones, c->zone);
		int64_t local = at(c->year, c->month, c->day, c->h, c->m);

		assert_non_null(zone);
		if (zone_to_utc(zone, local) != local - INT64_C(60) * c->offset)
			fail_msg("%s %d-%d-%d %d:%d: %ld minutes", c->zone, c->year, c->month,
				c->day, c->h, c->m, (long)(local - zone_to_utc(zone, local)) / 60);
	}
}

/* From an instant to its local time and back is the same instant, but in the second hour of two. */
static void test_there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < zones->n_zones; i++) {
		const struct zone *zone = &zones->zones[i];

		for (int64_t t = at(2026, 1, 1, 0, 0); t < at(2028, 1, 1, 0, 0);
			t += INT64_C(7) * 3600) {
			int64_t local = t + zone_offset(zone, t), back = zone_to_utc(zone, local);

			assert_true(back <= t);
			assert_int_equal(back + zone_offset(zone, back), local);
		}
	}
}

static void test_a_change_is_exact(void **state)
{
	const struct zone *zone = zones_find(zones, "Europe/Berlin");

	(void)state;
	assert_int_equal(zone_offset(zone, at(2026, 3, 29, 1, 0) - 1), 3600);
	assert_int_equal(zone_offset(zone, at(2026, 3, 29, 1, 0)), 7200);
	assert_int_equal(zone_offset(zone, at(2090, 10, 29, 1, 0) - 1), 7200);
	assert_int_equal(zone_offset(zone, at(2090, 10, 29, 1, 0)), 3600);
}

/* ---- names ----------------------------------------------------------------------------------- */

static void check_name(const char *name, const char *iana)
{
	const struct zone *zone = zones_find(zones, name);

	if (!iana) {
		assert_null(zone);
		return;
	}
	assert_non_null(zone);
	assert_string_equal(zone->name, iana);
}

static void test_names(void **state)
{
	(void)state;
	check_name("Europe/Berlin", "Europe/Berlin");
	check_name("europe/berlin", "Europe/Berlin");
	check_name("W. Europe Standard Time", "Europe/Berlin");
	check_name("w. europe standard time", "Europe/Berlin");
	check_name("Central Standard Time (Mexico)", "America/Mexico_City");
	check_name("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin");
	check_name("/freeassociation.sourceforge.net/America/Argentina/Ushuaia",
		"America/Argentina/Ushuaia");
	check_name("/freeassociation.sourceforge.net/Tzfile/Asia/Calcutta", "Asia/Calcutta");
	check_name("UTC", "Etc/UTC");
	check_name("Europe/Nowhere", NULL);
	check_name("", NULL);
	check_name("/", NULL);
	check_name("//////", NULL);
	check_name("../../etc/passwd", NULL);
	check_name("right/Europe/Berlin", NULL);
	assert_null(zones_find(NULL, "Europe/Berlin"));
}

/* Each name of Windows leads to a zone that there is, and the table is in order. */
static void test_windows_names(void **state)
{
	(void)state;
	assert_true(zone_names_count() > 135);
	for (size_t i = 0; i < zone_names_count(); i++) {
		assert_non_null(zones_find(zones, zone_names_iana(i)));
		assert_ptr_equal(zone_name_of_windows(zone_names_windows(i)), zone_names_iana(i));
		if (i > 0)
			assert_true(
				strcasecmp(zone_names_windows(i - 1), zone_names_windows(i)) < 0);
	}
	assert_null(zone_name_of_windows("Customized Time Zone"));
}

/* ---- files ----------------------------------------------------------------------------------- */

static void test_no_zones(void **state)
{
	struct zones *none;

	(void)state;
	assert_int_equal(zones_load("/nowhere", &none), -ENOENT);
	assert_null(none);
	assert_null(zones_free(NULL));
}

/* Octets, without a NUL behind them. */
static void put_octets(unsigned char *to, const char *octets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)octets[i];
}

static void put32(unsigned char *at_byte, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at_byte[i] = (unsigned char)(number >> (24 - 8 * i));
}

/* A file with an empty old block and one type; then what is wrong with it. */
static size_t make_file(unsigned char *file, const char *footer)
{
	memset(file, 0, 300);
	for (int i = 0; i < 2; i++) {
		unsigned char *header = file + (size_t)i * (44 + 6 + 4);

		put_octets(header, "TZif2", 5);
		put32(header + 36, 1);
		put32(header + 40, 4);
		put32(header + 44, 3600);
		put_octets(header + 50, "CET", 4);
	}
	put_octets(file + 108, footer, strlen(footer));
	return 108 + strlen(footer);
}

static int read_file(unsigned char *file, size_t length, struct zone *zone)
{
	*zone = (struct zone){0};
	return zone_read((char *)file, length, zone);
}

static void test_files(void **state)
{
	unsigned char file[300];
	struct zone zone;
	size_t length = make_file(file, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");

	(void)state;
	assert_int_equal(read_file(file, length, &zone), 0);
	assert_int_equal(zone_offset(&zone, at(2026, 7, 1, 0, 0)), 7200);
	assert_int_equal(zone_offset(&zone, at(2026, 1, 1, 0, 0)), 3600);
	zone_clear(&zone);
	for (size_t i = 0; i < length; i++) {
		assert_int_equal(read_file(file, i, &zone), -EINVAL);
		zone_clear(&zone);
	}
	for (size_t i = 0; i < length; i++) { /* any outcome, no bad access */
		unsigned char old = file[i];

		for (int c = 0; c < 256; c += 5) {
			file[i] = (unsigned char)c;
			(void)!read_file(file, length, &zone);
			zone_clear(&zone);
		}
		file[i] = old;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days_there_and_back),
		cmocka_unit_test(test_local_times),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_a_change_is_exact),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_windows_names),
		cmocka_unit_test(test_no_zones),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
