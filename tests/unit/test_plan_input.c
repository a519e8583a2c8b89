#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "plan_world.h"

static void test_nothing_at_all(void **state)
{
	struct plan_input input = {.policy.grid_seconds = 900};
	struct plan *plan = NULL;
	char error[200], *text = NULL;

	(void)state;
	assert_int_equal(plan_make(&input, &plan, error, sizeof error), 0);
	assert_int_equal(plan->n_decisions, 0);
	assert_int_equal(plan->cost, 0);
	assert_int_equal(plan_write_json(plan, 0, 10, &text), 0);
	assert_string_equal(text, "[]");
	free(text);
	plan_free(plan);
	assert_null(plan_free(NULL));
}

static void test_nobody_there(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.input.n_coordinators = 0;
	plan = world_plan(&w);
	assert_false(plan->decisions[0].served);
	assert_int_equal(plan->decisions[0].n_ruled_out, 0);
	assert_int_equal(plan->unserved[PLAN_ROUTINE], 1);
	plan_free(plan);
}

/* ---- what no plan is made of ----------------------------------------------------------------- */

static void now_far_away(struct world *w)
{
	w->input.now = INT64_MAX;
}

static void now_long_ago(struct world *w)
{
	w->input.now = INT64_MIN;
}

static void no_grid(struct world *w)
{
	w->input.policy.grid_seconds = 0;
}

static void negative_weight(struct world *w)
{
	w->input.policy.weight[PLAN_LOAD][PLAN_ROUTINE] = -1;
}

static void huge_weight(struct world *w)
{
	w->input.policy.weight[PLAN_WAIT][PLAN_ROUTINE] = INT64_MAX;
}

static void endless_rest(struct world *w)
{
	w->input.policy.rest_minutes = INT64_MAX;
}

static void zone_without_days(struct world *w)
{
	w->zone.n_days = 0;
}

static void days_out_of_order(struct world *w)
{
	w->day_starts[3] = w->day_starts[2];
}

static void nights_out_of_order(struct world *w)
{
	w->nights[1] = w->nights[5];
}

static void backup_of_itself(struct world *w)
{
	w->backups[0].office = 1;
}

static void travel_backwards(struct world *w)
{
	w->backups[0].travel_minutes = -1;
}

static void rank_zero(struct world *w)
{
	w->backups[0].rank = 0;
}

static void hours_overlap(struct world *w)
{
	w->office_hours[1].start = w->office_hours[0].end - 1;
}

static void office_twice(struct world *w)
{
	w->offices[1].id = 1;
	w->offices[0].n_backups = 0;
}

static void coordinator_twice(struct world *w)
{
	w->coordinators[2].id = 11;
}

static void request_twice(struct world *w)
{
	w->requests[1] = w->requests[0];
	w->requests[1].urgency = PLAN_URGENT;
	w->input.n_requests = 2;
}

static void unknown_zone(struct world *w)
{
	w->coordinators[0].zone = 1;
}

static void negative_limit(struct world *w)
{
	w->coordinators[0].max_open_cases = -1;
}

static void absurd_load(struct world *w)
{
	w->coordinators[0].load_minutes = INT64_MAX;
}

static void shifts_unsorted(struct world *w)
{
	w->spans[0] = (struct span){AT(1, 9), AT(1, 17)};
	w->spans[1] = (struct span){AT(0, 9), AT(0, 17)};
	w->coordinators[0].regular = (struct span_list){w->spans, 2};
}

static void empty_shift(struct world *w)
{
	world_set_span(w, &w->coordinators[0].on_call, AT(0, 9), AT(0, 9));
}

static void endless_leave(struct world *w)
{
	world_set_span(w, &w->coordinators[0].leave, INT64_MIN, INT64_MAX);
}

static void rest_without_end(struct world *w)
{
	world_set_span(w, &w->coordinators[0].rest, AT(0, 0), INT64_MAX);
}

static void meeting_backwards(struct world *w)
{
	struct span span = {AT(0, 10), AT(0, 9)};

	world_appoint(w, 11, 7, span, span, 0);
}

static void busy_too_short(struct world *w)
{
	world_appoint(w, 11, 7, (struct span){AT(0, 9), AT(0, 10)},
		(struct span){AT(0, 9), AT(0, 10) - 1}, 0);
}

static void busy_for_ever(struct world *w)
{
	world_appoint(w, 11, 7, (struct span){AT(0, 9), AT(0, 10)},
		(struct span){INT64_MIN, INT64_MAX}, 0);
}

static void no_length(struct world *w)
{
	w->requests[0].minutes = 0;
}

static void endless_length(struct world *w)
{
	w->requests[0].minutes = INT64_MAX / 60;
}

static void endless_buffer(struct world *w)
{
	w->requests[0].buffer_minutes = INT64_MAX;
}

static void endless_window(struct world *w)
{
	w->requests[0].latest = INT64_MAX;
}

static void window_from_the_start(struct world *w)
{
	w->requests[0].earliest = INT64_MIN;
}

static void due_never(struct world *w)
{
	w->requests[0].due = INT64_MAX;
}

static void unknown_office(struct world *w)
{
	w->requests[0].office = 3;
}

static void unknown_urgency(struct world *w)
{
	w->requests[0].urgency = (enum plan_urgency)77;
}

static void request_zero(struct world *w)
{
	w->requests[0].id = 0;
}

static void cost_too_large(struct world *w)
{
	w->input.policy.weight[PLAN_WAIT][PLAN_ROUTINE] = PLAN_MOST_WEIGHT;
	w->requests[0].latest = PLAN_LATEST - 1;
}

static const struct {
	void (*change)(struct world *w);
	const char *error; /* its beginning */
} hostile[] = {
	{now_far_away, "now is"},
	{now_long_ago, "now is"},
	{no_grid, "policy: grid"},
	{negative_weight, "policy: weight load"},
	{huge_weight, "policy: weight wait"},
	{endless_rest, "policy: rest"},
	{zone_without_days, "zone 0: no days"},
	{days_out_of_order, "zone 0: days"},
	{nights_out_of_order, "zone 0: nights"},
	{backup_of_itself, "office 1: it is its own"},
	{travel_backwards, "office 1: travel"},
	{rank_zero, "office 1: a backup's rank"},
	{hours_overlap, "office 1: meeting hours"},
	{office_twice, "office 1: twice"},
	{coordinator_twice, "coordinator 11: twice"},
	{request_twice, "request 1: twice"},
	{unknown_zone, "coordinator 11: unknown time zone"},
	{negative_limit, "coordinator 11: a limit"},
	{absurd_load, "coordinator 11: load"},
	{shifts_unsorted, "coordinator 11: shifts"},
	{empty_shift, "coordinator 11: shifts"},
	{endless_leave, "coordinator 11: leave"},
	{rest_without_end, "coordinator 11: rest"},
	{meeting_backwards, "appointment of coordinator 11: an empty"},
	{busy_too_short, "appointment of coordinator 11: the busy"},
	{busy_for_ever, "appointment of coordinator 11: an empty"},
	{no_length, "request 1: length"},
	{endless_length, "request 1: length"},
	{endless_buffer, "request 1: buffer"},
	{endless_window, "request 1: window"},
	{window_from_the_start, "request 1: window"},
	{due_never, "request 1: window or due"},
	{unknown_office, "request 1: unknown office"},
	{unknown_urgency, "request 1: unknown urgency"},
	{request_zero, "request 0: id"},
	{cost_too_large, "request 1 with coordinator 11: the cost"},
};

static void test_hostile_input(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct world w;
		struct plan *plan = NULL;
		char error[200] = "", one[1];

		world_make(&w);
		hostile[i].change(&w);
		assert_int_equal(plan_make(&w.input, &plan, error, sizeof error), PLAN_INVALID);
		assert_null(plan);
		if (strncmp(error, hostile[i].error, strlen(hostile[i].error)) != 0)
			fail_msg("'%s' instead of '%s…'", error, hostile[i].error);
		assert_int_equal(plan_make(&w.input, &plan, one, sizeof one), PLAN_INVALID);
		assert_int_equal(plan_make(&w.input, &plan, NULL, 0), PLAN_INVALID);
	}
}

/* The edges that are allowed give a plan, with the sanitizers watching. */
static void test_edges(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.requests[0].earliest = -PLAN_LATEST + 1;
	w.requests[0].latest = PLAN_LATEST - 1;
	w.requests[0].due = -PLAN_LATEST + 1;
	w.requests[0].minutes = 14400;
	w.requests[0].buffer_minutes = 14400;
	w.requests[0].load_percent = 100000;
	world_set_span(&w, &w.coordinators[0].regular, -PLAN_LATEST + 1, PLAN_LATEST - 1);
	w.offices[0].office_hours = w.coordinators[0].regular;
	w.coordinators[0].load_minutes = 0;
	w.coordinators[0].weekly_minutes = PLAN_MOST_MINUTES;
	plan = world_plan(&w);
	assert_true(plan->decisions[0].served);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(0, 8));
	plan_free(plan);
	w.coordinators[0].weekly_minutes = 0; /* looks through to the last day, and stops */
	plan = world_plan(&w);
	assert_int_equal(world_rule_of(&plan->decisions[0], 11), PLAN_CAP_WEEK);
	plan_free(plan);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void test_json(void **state)
{
	struct world w;
	struct plan *plan;
	char *text;

	(void)state;
	world_make(&w);
	w.input.n_requests = 2;
	w.requests[1] = world_request(2);
	w.requests[1].service = OTHER_SERVICE;
	w.ids[0] = 12;
	w.requests[1].conflicts = (struct plan_people){w.ids, 1};
	w.coordinators[0].collateral = true;
	w.coordinators[2].services.n = 0;
	plan = world_plan(&w);
	assert_int_equal(plan_write_json(plan, 0, 2, &text), 0);
	assert_string_equal(text,
		"[{\"request\":1,\"coordinator\":12,\"start\":1767603600,\"end\":1767607200,"
		"\"busy_start\":1767603600,\"busy_end\":1767609000,\"by_interpreter\":false,"
		"\"over_cap\":false,\"late\":0,\"cost\":60,\"terms\":{\"wait\":60},"
		"\"runner_up\":{\"coordinator\":11,\"start\":1767603600,\"late\":0,\"cost\":540,"
		"\"terms\":{\"wait\":60,\"collateral\":480}},\"ruled_out\":{\"service\":[21]}},"
		"{\"request\":2,\"coordinator\":null,\"ruled_out\":{\"conflict\":[12],\"service\":["
		"11,21]}}]");
	free(text);
	assert_int_equal(plan_write_json(plan, 1, 1, &text), 0);
	assert_string_equal(text, "[{\"request\":2,\"coordinator\":null,\"ruled_out\":{"
				  "\"conflict\":[12],\"service\":[11,21]}}]");
	free(text);
	plan_free(plan);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < PLAN_TERMS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(plan_term_name((enum plan_term)i),
				plan_term_name((enum plan_term)j));
	for (int i = 0; i < PLAN_RULES; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(plan_rule_name((enum plan_rule)i),
				plan_rule_name((enum plan_rule)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_hostile_input),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
