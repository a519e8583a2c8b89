#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "health.h"

enum { PATIENCE = 1000 };

static void test_alive_at_first(void **state)
{
	struct health h;

	(void)state;
	health_start(&h, 5000);
	assert_true(health_is_alive(&h, 6000, PATIENCE));
	assert_false(health_is_alive(&h, 6001, PATIENCE));
}

static void test_turns_keep_it_alive(void **state)
{
	struct health h;

	(void)state;
	health_start(&h, 0);
	health_look(&h, 900, 1, false);
	health_look(&h, 1800, 1, false);
	assert_true(health_is_alive(&h, 1900, PATIENCE));
	assert_false(health_is_alive(&h, 1901, PATIENCE));
	health_look(&h, 2000, 2, false);
	assert_true(health_is_alive(&h, 3000, PATIENCE));
}

/* As long as it waits; once it does not, its patience begins. */
static void test_waiting_keeps_it_alive(void **state)
{
	struct health h;

	(void)state;
	health_start(&h, 0);
	for (long long now = 0; now <= 60000; now += 500)
		health_look(&h, now, 0, true);
	assert_true(health_is_alive(&h, 61000, PATIENCE));
	health_look(&h, 60500, 0, false);
	assert_false(health_is_alive(&h, 61001, PATIENCE));
}

static void test_beats_only_when_turned(void **state)
{
	struct health h;

	(void)state;
	health_start(&h, 0);
	assert_false(health_take_beat(&h));
	health_look(&h, 10, 3, false);
	assert_true(health_take_beat(&h));
	assert_false(health_take_beat(&h));
	health_look(&h, 20, 3, true);
	assert_false(health_take_beat(&h));
	health_look(&h, 30, 4, false);
	assert_true(health_take_beat(&h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alive_at_first),
		cmocka_unit_test(test_turns_keep_it_alive),
		cmocka_unit_test(test_waiting_keeps_it_alive),
		cmocka_unit_test(test_beats_only_when_turned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
