/* rate: buckets that fill evenly, and who is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "rate.h"

static int make(void **state)
{
	return rate_new((struct rate **)state);
}

static int unmake(void **state)
{
	rate_free(*state);
	return 0;
}

static void test_bucket(void **state)
{
	struct rate *rate = *state;
	long wait = -1;

	for (int i = 0; i < 6; i++)
		assert_true(rate_take(rate, "a", 6, 1000, &wait));
	assert_false(rate_has(rate, "a", 6, 1000));
	assert_false(rate_take(rate, "a", 6, 1000, &wait));
	assert_int_equal(wait, 10000);
	assert_false(rate_take(rate, "a", 6, 10999, &wait));
	assert_int_equal(wait, 1);
	assert_true(rate_take(rate, "a", 6, 11000, &wait));
	assert_true(rate_has(rate, "b", 6, 11000));
	assert_false(rate_knows(rate, "b"));
	/* However long it waited, no more than a minute's. */
	for (int i = 0; i < 6; i++)
		assert_true(rate_take(rate, "a", 6, 9000000000000LL, &wait));
	assert_false(rate_take(rate, "a", 6, 9000000000000LL, &wait));
	/* A reload may have set it lower, or higher. */
	assert_true(rate_take(rate, "a", 100000, 9000000000001LL, &wait));
	assert_true(rate_take(rate, "a", 1, 9000000060001LL, &wait));
	assert_false(rate_take(rate, "a", 1, 9000000060001LL, &wait));
}

static void test_forgotten(void **state)
{
	struct rate *rate = *state;
	char key[20];
	long wait;

	for (int i = 0; i < RATE_ENTRIES; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		assert_true(rate_take(rate, key, 1, 1000 + i, &wait));
	}
	assert_false(rate_take(rate, "key 0", 1, 2000, &wait));
	assert_true(rate_take(rate, "new", 1, 2000, &wait));
	assert_true(rate_knows(rate, "key 0") && rate_knows(rate, "new"));
	assert_false(rate_knows(rate, "key 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bucket, make, unmake),
		cmocka_unit_test_setup_teardown(test_forgotten, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
