#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "plan.h"

/* A plan made by hand: request 1 goes to coordinator 11, who was with request 7 before. */

static const struct plan_ruled_out ruled_out[] = {
	{PLAN_SERVICE, 14, SPAN_NEVER},
	{PLAN_BUSY, 12, 9000},
	{PLAN_DEARER, 15, 18000},
};
static const struct plan_move moves[] = {
	{.appointment = 70,
		.request = 7,
		.from_coordinator = 11,
		.from_meeting = {3600, 7200},
		.to = {.coordinator = 11,
			.meeting = {10800, 14400},
			.busy = {10800, 16200},
			.terms = {[PLAN_WAIT] = 120, [PLAN_LOAD] = -3, [PLAN_MOVE] = 240},
			.cost = 357}},
	{.appointment = 80,
		.request = 8,
		.from_coordinator = 12,
		.from_meeting = {10800, 14400},
		.to = {.coordinator = 13, .meeting = {10800, 14400}, .busy = {10800, 16200}}},
};

static char *write_json(struct plan_decision *decision)
{
	struct plan plan = {.decisions = decision, .n_decisions = 1};
	char *text;

	assert_int_equal(plan_write_json(&plan, 0, 1, &text), 0);
	return text;
}

static void test_moves_and_nearest_times(void **state)
{
	struct plan_decision decision = {
		.request = 1,
		.served = true,
		.chosen = {.coordinator = 11,
			.meeting = {3600, 7200},
			.busy = {3600, 9000},
			.terms = {[PLAN_WAIT] = 240},
			.cost = 240},
		.ruled_out = ruled_out,
		.n_ruled_out = 3,
		.moves = moves,
		.n_moves = 2,
	};
	char *text = write_json(&decision);

	(void)state;
	assert_string_equal(text,
		"[{\"request\":1,\"coordinator\":11,\"start\":3600,\"end\":7200,"
		"\"busy_start\":3600,\"busy_end\":9000,\"by_interpreter\":false,"
		"\"over_cap\":false,\"late\":0,\"cost\":240,\"terms\":{\"wait\":240},"
		"\"ruled_out\":{\"service\":[14],\"busy\":[12],\"dearer\":[15]},"
		"\"nearest\":{\"12\":9000,\"15\":18000},"
		"\"moves\":[{\"appointment\":70,\"request\":7,\"from_coordinator\":11,"
		"\"from_start\":3600,\"coordinator\":11,\"start\":10800,\"end\":14400,"
		"\"busy_start\":10800,\"busy_end\":16200,\"by_interpreter\":false,"
		"\"over_cap\":false,\"late\":0,\"cost\":357,"
		"\"terms\":{\"wait\":120,\"load\":-3,\"move\":240}},"
		"{\"appointment\":80,\"request\":8,\"from_coordinator\":12,"
		"\"from_start\":10800,\"coordinator\":13,\"start\":10800,\"end\":14400,"
		"\"busy_start\":10800,\"busy_end\":16200,\"by_interpreter\":false,"
		"\"over_cap\":false,\"late\":0,\"cost\":0,\"terms\":{}}]}]");
	free(text);
}

static void test_what_there_is_not_is_not_written(void **state)
{
	struct plan_decision decision = {.request = 2, .ruled_out = ruled_out, .n_ruled_out = 1};
	char *text = write_json(&decision);

	(void)state;
	assert_string_equal(
		text, "[{\"request\":2,\"coordinator\":null,\"ruled_out\":{\"service\":[14]}}]");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_and_nearest_times),
		cmocka_unit_test(test_what_there_is_not_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
