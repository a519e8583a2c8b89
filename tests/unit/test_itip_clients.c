/*
 * itip_read: objects in the form that each client gives them (.ics in tests/fixtures/itip), beside
 * what is in them (.txt); and every file of the corpus, of which only an end in time is asked here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "civil.h"
#include "file.h"
#include "itip_show.h"
#include "zone.h"

enum { BYTES_MAX = 4 * ITIP_READ_BYTES_MAX };

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

static char *show_file(const char *path)
{
	char *bytes, *text;
	size_t length;

	assert_int_equal(file_read(path, BYTES_MAX, &bytes, &length), 0);
	text = show_object(bytes, length, &limits);
	free(bytes);
	assert_non_null(text);
	return text;
}

/* Of file.ics, where there is a file.txt. */
static size_t check_file(const char *folder, const char *name)
{
	char path[4096], *want, *got;
	size_t length, stem = strlen(name) - 4;

	snprintf(path, sizeof(path), "%s/%.*s.txt", folder, (int)stem, name);
	if (file_read(path, BYTES_MAX, &want, &length) != 0)
		fail_msg("%s says nothing", path);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	got = show_file(path);
	assert_string_equal(got, want);
	free(got);
	free(want);
	return 1;
}

static void test_clients(void **state)
{
	DIR *dir = opendir(VACD_FIXTURES);
	struct dirent *entry;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strlen(entry->d_name) > 4
			&& strcmp(entry->d_name + strlen(entry->d_name) - 4, ".ics") == 0)
			n += check_file(VACD_FIXTURES, entry->d_name);
	}
	closedir(dir);
	assert_true(n >= 15);
}

/* Without the tz database what Exchange and Apple send along is enough; a bare name is not. */
static void test_own_zones(void **state)
{
	char *text;

	(void)state;
	limits.zones = NULL;
	check_file(VACD_FIXTURES, "exchange_decline.ics");
	check_file(VACD_FIXTURES, "exchange_counter.ics");
	check_file(VACD_FIXTURES, "apple_accept.ics");
	check_file(VACD_FIXTURES, "google_series.ics");
	check_file(VACD_FIXTURES, "outlook_mac_tentative.ics");
	text = show_file(VACD_FIXTURES "/exchange_bare_zone.ics");
	assert_non_null(strstr(text, " BAD CUT"));
	free(text);
	limits.zones = zones;
}

static size_t read_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[4096];
	size_t n = 0;

	if (!dir)
		return 0; /* the caller counts */
	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_DIR) {
			n += read_folder(path);
		} else {
			free(show_file(path));
			n++;
		}
	}
	closedir(dir);
	return n;
}

/* Mails as well: their text/calendar often stands in the clear. */
static void test_corpus(void **state)
{
	const char *folder = getenv("VACD_CORPUS");

	(void)state;
	if (!folder || !*folder) {
		skip();
		return;
	}
	assert_true(read_folder(folder) > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_own_zones),
		cmocka_unit_test(test_corpus),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
