/* itip_read and zones_load without memory: -ENOMEM, nothing lost, and nothing in hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "civil.h"
#include "file.h"
#include "itip_read.h"
#include "zone.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t n);

/* Which allocation of ours fails; libical's and the C library's own are not counted. */
static size_t allocations, refused = SIZE_MAX;

static bool is_refused(void)
{
	return allocations++ == refused;
}

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return is_refused() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *text)
{
	return is_refused() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return is_refused() ? NULL : __real_strndup(text, n);
}

/* Each allocation fails once, until none is left that could; how many there were. */
static size_t read_without(const char *bytes, size_t length)
{
	const struct itip_limits limits = {.now = civil_days(2026, 12, 1) * DAY_SECONDS,
		.until = civil_days(2027, 3, 1) * DAY_SECONDS};

	for (size_t n = 0;; n++) {
		struct itip_object *object = NULL;
		char error[100];
		int r;

		allocations = 0;
		refused = n;
		r = itip_read(bytes, length, &limits, &object, error, sizeof(error));
		refused = SIZE_MAX;
		if (r == 0) {
			itip_object_free(object);
			return n;
		}
		assert_int_equal(r, -ENOMEM);
		assert_null(object);
	}
}

static void check_file(const char *path, size_t least)
{
	char *bytes;
	size_t length;

	assert_int_equal(file_read(path, 1 << 20, &bytes, &length), 0);
	assert_true(read_without(bytes, length) >= least);
	free(bytes);
}

static void test_objects(void **state)
{
	(void)state;
	check_file(VACD_FIXTURES "/google_series.ics", 20);
	check_file(VACD_FIXTURES "/delegated.ics", 15);
	check_file(VACD_FIXTURES "/outlook_mac_tentative.ics", 12);
	check_file(VACD_FIXTURES "/exchange_counter.ics", 12);
}

static void test_zones(void **state)
{
	struct zones *zones = NULL;
	size_t all;

	(void)state;
	allocations = 0;
	if (zones_load(ZONES_SYSTEM "/Arctic", &zones) != 0)
		skip();
	zones = zones_free(zones);
	all = allocations;
	assert_true(all > 5);
	for (size_t n = 0; n < all; n++) {
		allocations = 0;
		refused = n;
		assert_int_equal(zones_load(ZONES_SYSTEM "/Arctic", &zones), -ENOMEM);
		refused = SIZE_MAX;
		assert_null(zones);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
