#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backoff.h"

static void test_grows_to_the_longest(void **state)
{
	long expected = BACKOFF_FIRST_MS;

	(void)state;
	for (unsigned failures = 0; failures < 1000; failures++) {
		for (int n = 0; n < 20; n++)
			assert_in_range(backoff_ms(failures), expected / 2, expected);
		expected = expected * 2 > BACKOFF_LONGEST_MS ? BACKOFF_LONGEST_MS : expected * 2;
	}
}

/* Who has come back after a long time pays for it once or twice, and not each time. */
static void test_long_outages_are_forgotten(void **state)
{
	unsigned failures = 100000;

	(void)state;
	failures = backoff_success(failures);
	assert_in_range(backoff_ms(failures), 1, 2000);
	for (int n = 0; n < 3; n++)
		failures = backoff_success(failures + 1);
	assert_in_range(backoff_ms(failures), 1, 400);
}

/* But not at once: one that dies right after each success is no good either. */
static void test_a_success_is_not_enough(void **state)
{
	(void)state;
	assert_int_equal(backoff_success(0), 0);
	assert_int_equal(backoff_success(4), 2);
	assert_in_range(backoff_success(8), 1, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows_to_the_longest),
		cmocka_unit_test(test_long_outages_are_forgotten),
		cmocka_unit_test(test_a_success_is_not_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
