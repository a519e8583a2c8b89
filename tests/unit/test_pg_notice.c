#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "pg_notice.h"

static struct pg_notice notice;
static unsigned long long untold;

static bool is_new(int number, long long now_ms)
{
	char line[20];

	snprintf(line, sizeof(line), "what=%d", number);
	return pg_notice_is_new(&notice, line, now_ms, &untold);
}

static int forget(void **state)
{
	(void)state;
	notice = (struct pg_notice){0};
	untold = 0;
	return 0;
}

static void test_the_same_is_told_once_an_hour(void **state)
{
	(void)state;
	assert_true(is_new(1, 1000));
	assert_int_equal(untold, 0);
	for (int n = 0; n < 1799; n++)
		assert_false(is_new(1, 3000 + 2000 * n));
	assert_true(is_new(1, 1000 + PG_NOTICE_PAUSE_MS));
	assert_int_equal(untold, 1799);
	assert_false(is_new(1, 1001 + PG_NOTICE_PAUSE_MS));
}

static void test_what_else_fails_is_told_at_once(void **state)
{
	(void)state;
	assert_true(is_new(1, 1000));
	assert_false(is_new(1, 1001));
	assert_true(is_new(2, 1002));
	assert_int_equal(untold, 1);
	assert_false(is_new(1, 1003));
	assert_false(is_new(2, 1003));
	assert_true(is_new(3, 1004));
	assert_int_equal(untold, 2);
}

/* However many fail: so many lines within the pause, and then others have their turn. */
static void test_many_are_counted(void **state)
{
	int told = 0;

	(void)state;
	for (int n = 0; n < 1000; n++)
		told += is_new(n, 1000 + n);
	assert_int_equal(told, PG_NOTICE_LINES);
	assert_true(is_new(5000, 1000 + PG_NOTICE_PAUSE_MS));
	assert_int_equal(untold, 1000 - PG_NOTICE_LINES);
	assert_false(is_new(5001, 1000 + PG_NOTICE_PAUSE_MS));
	assert_true(is_new(5001, 1001 + PG_NOTICE_PAUSE_MS));
	assert_int_equal(untold, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_same_is_told_once_an_hour, forget),
		cmocka_unit_test_setup(test_what_else_fails_is_told_at_once, forget),
		cmocka_unit_test_setup(test_many_are_counted, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
