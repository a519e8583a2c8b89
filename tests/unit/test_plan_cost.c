#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plan_world.h"

/* Only coordinator 11 is there. */

static void nothing(struct world *w)
{
	(void)w;
}

static void pay_interpreter(struct world *w)
{
	w->coordinators[0].languages.n = 0;
	w->requests[0].interpreter = true;
}

static void pay_wait(struct world *w)
{
	w->requests[0].earliest = AT(0, 11) + 1;
}

static void pay_wait_urgent(struct world *w)
{
	w->requests[0].urgency = PLAN_URGENT;
}

static void pay_wait_immediate(struct world *w)
{
	w->requests[0].urgency = PLAN_IMMEDIATE;
	w->requests[0].earliest = 0;
	w->input.now = AT(0, 9) + 61;
}

static void pay_collateral(struct world *w)
{
	w->coordinators[0].collateral = true;
}

static void pay_backup(struct world *w)
{
	w->coordinators[0].office = 2;
	w->backups[0].rank = 3;
}

static void pay_gender(struct world *w)
{
	w->requests[0].gender = FEMALE;
	w->coordinators[0].gender = MALE;
}

static void pay_preferred(struct world *w)
{
	w->requests[0].preferred = 12;
}

static void pay_both_preferences(struct world *w)
{
	pay_gender(w);
	pay_preferred(w);
}

static void pay_no_preference(struct world *w)
{
	pay_gender(w);
	w->coordinators[0].gender = FEMALE;
	w->requests[0].preferred = 11;
}

static void pay_stranger(struct world *w)
{
	w->requests[0].responsible = 12;
}

static void pay_met(struct world *w)
{
	pay_stranger(w);
	w->ids[0] = 11;
	w->requests[0].met = (struct plan_people){w->ids, 1};
}

static void pay_responsible(struct world *w)
{
	w->requests[0].responsible = 11;
	w->ids[0] = 12;
	w->requests[0].met = (struct plan_people){w->ids, 1};
}

static void pay_other_holds_case(struct world *w)
{
	world_appoint(w, 12, 100, (struct span){AT(2, 9), AT(2, 10)},
		(struct span){AT(2, 9), AT(2, 10)}, 0);
}

static void pay_holds_case(struct world *w)
{
	world_appoint(w, 11, 100, (struct span){AT(2, 9), AT(2, 10)},
		(struct span){AT(2, 9), AT(2, 10)}, 0);
}

static void pay_load(struct world *w)
{
	w->coordinators[0].load_minutes = 960;
}

static void pay_load_part_time(struct world *w)
{
	pay_load(w);
	w->coordinators[0].weekly_shift_minutes = 720;
}

static void pay_load_without_shifts(struct world *w)
{
	w->coordinators[0].weekly_shift_minutes = 0;
}

static void pay_load_heavy(struct world *w)
{
	pay_load(w);
	w->requests[0].load_percent = 250;
}

static void pay_over_cap(struct world *w)
{
	pay_wait_immediate(w);
	w->coordinators[0].max_open_cases = 0;
	w->coordinators[0].weekly_minutes = 59;
	w->coordinators[0].meetings_a_day = 0;
	world_set_span(w, &w->coordinators[0].rest, AT(0, 0), AT(2, 0));
	w->requests[0].latest = AT(1, 9);
}

/* Quarter-hours before + 1 … before + added of plan.h with weight 30, one by one. */
static int64_t load(int64_t minutes_before, int64_t added, int64_t shifts)
{
	int64_t sum = 0, before = minutes_before / 15;

	for (int64_t k = before + 1; k <= before + added; k++)
		sum += INT64_C(75) * 30 * (2 * k - 1) / (16 * shifts);
	return sum;
}

static const struct {
	const char *name;
	void (*change)(struct world *w);
	enum plan_term term;
	int64_t cost;
} costs[] = {
	{"wait", nothing, PLAN_WAIT, 60},
	{"wait for the window", pay_wait, PLAN_WAIT, 195},
	{"wait, urgent", pay_wait_urgent, PLAN_WAIT, 240},
	{"wait, immediate, to the minute", pay_wait_immediate, PLAN_WAIT, 0},
	{"full time", nothing, PLAN_COLLATERAL, 0},
	{"collateral", pay_collateral, PLAN_COLLATERAL, 480},
	{"own office", nothing, PLAN_BACKUP, 0},
	{"backup of rank 3", pay_backup, PLAN_BACKUP, 2880},
	{"no interpreter", nothing, PLAN_INTERPRETER, 0},
	{"interpreter", pay_interpreter, PLAN_INTERPRETER, 720},
	{"no preference", nothing, PLAN_PREFERENCE, 0},
	{"gender", pay_gender, PLAN_PREFERENCE, 480},
	{"somebody else preferred", pay_preferred, PLAN_PREFERENCE, 480},
	{"both", pay_both_preferences, PLAN_PREFERENCE, 960},
	{"preferences met", pay_no_preference, PLAN_PREFERENCE, 0},
	{"new case", nothing, PLAN_CONTINUITY, 0},
	{"somebody else responsible", pay_stranger, PLAN_CONTINUITY, 1440},
	{"somebody else responsible, but met", pay_met, PLAN_CONTINUITY, 0},
	{"responsible", pay_responsible, PLAN_CONTINUITY, 0},
	{"somebody else meets the victim", pay_other_holds_case, PLAN_CONTINUITY, 1440},
	{"they meet the victim already", pay_holds_case, PLAN_CONTINUITY, 0},
	{"no load", nothing, PLAN_LOAD, 0},
	{"load", pay_load, PLAN_LOAD, 28},
	{"load, part time", pay_load_part_time, PLAN_LOAD, 101},
	{"load, no shifts", pay_load_without_shifts, PLAN_LOAD, 36},
	{"load, heavy", pay_load_heavy, PLAN_LOAD, 76},
	{"limits kept", pay_wait_immediate, PLAN_OVER_CAP, 0},
	{"four limits broken", pay_over_cap, PLAN_OVER_CAP, 8000},
};

static void test_cost_terms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
		struct world w;
		struct plan *plan;
		const struct plan_choice *choice;
		int64_t sum = 0;

		world_make(&w);
		costs[i].change(&w);
		w.input.n_coordinators = 1;
		plan = world_plan(&w);
		choice = &plan->decisions[0].chosen;
		if (!plan->decisions[0].served || choice->terms[costs[i].term] != costs[i].cost)
			fail_msg(
				"%s: %lld", costs[i].name, (long long)choice->terms[costs[i].term]);
		for (int j = 0; j < PLAN_TERMS; j++)
			sum += choice->terms[j];
		assert_int_equal(choice->cost, sum);
		assert_int_equal(plan->cost, sum);
		assert_int_equal(choice->over_cap, choice->terms[PLAN_OVER_CAP] > 0);
		plan_free(plan);
	}
}

/* ---- the choice ------------------------------------------------------------------------------ */

static void test_late_goes_before_cost(void **state)
{
	struct world w;
	struct plan *plan;
	const struct plan_decision *decision;

	(void)state;
	world_make(&w);
	/* 11 is dear but there in time; 12 would be cheap, but a minute late. */
	w.coordinators[0].collateral = true;
	w.coordinators[0].load_minutes = 2400;
	w.spans[0] = (struct span){AT(0, 10), AT(0, 17)};
	w.coordinators[1].regular = (struct span_list){w.spans, 1};
	w.requests[0].due = AT(0, 10) - 1;
	w.input.n_coordinators = 2;
	plan = world_plan(&w);
	decision = &plan->decisions[0];
	assert_int_equal(decision->chosen.coordinator, 11);
	assert_int_equal(decision->chosen.late_minutes, 0);
	assert_true(decision->has_runner_up);
	assert_int_equal(decision->runner_up.coordinator, 12);
	assert_int_equal(decision->runner_up.late_minutes, 1);
	assert_true(decision->runner_up.cost < decision->chosen.cost);
	plan_free(plan);
}

static void test_travel_and_buffer(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.input.coordinators = &w.coordinators[2];
	w.input.n_coordinators = 1;
	for (int telephone = 0; telephone < 2; telephone++) {
		int64_t travel = telephone ? 0 : HOUR;

		w.requests[0].telephone = telephone;
		plan = world_plan(&w);
		assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(0, 9));
		assert_int_equal(plan->decisions[0].chosen.meeting.end, AT(0, 10));
		assert_int_equal(plan->decisions[0].chosen.busy.start, AT(0, 9) - travel);
		assert_int_equal(plan->decisions[0].chosen.busy.end, AT(0, 10) + 1800 + travel);
		plan_free(plan);
	}
}

/* 21 comes from the other office: an hour there, an hour back, counted towards the week. */
static void test_travel_counts_towards_the_week(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.input.coordinators = &w.coordinators[2];
	w.input.n_coordinators = 1;
	w.requests[0].latest = AT(6, 0);
	w.coordinators[2].weekly_minutes = 180;
	plan = world_plan(&w);
	assert_true(plan->decisions[0].served);
	plan_free(plan);
	w.coordinators[2].weekly_minutes = 179;
	plan = world_plan(&w);
	assert_int_equal(world_rule_of(&plan->decisions[0], 21), PLAN_CAP_WEEK);
	plan_free(plan);
}

/* A later start in the next local day breaks fewer limits: 2 h of waiting (2,400) against 2 ×
 * 2,000. */
static void test_immediate_may_wait_for_midnight(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.input.now = AT(0, 22);
	w.requests[0].urgency = PLAN_IMMEDIATE;
	w.requests[0].earliest = 0;
	w.requests[0].due = AT(1, 12);
	world_set_span(&w, &w.coordinators[0].on_call, AT(0, 17), AT(1, 9));
	w.input.n_coordinators = 1;
	w.coordinators[0].meetings_a_day = 1;
	world_appoint(&w, 11, 7, (struct span){AT(0, 9), AT(0, 10)},
		(struct span){AT(0, 9), AT(0, 10)}, 60);
	plan = world_plan(&w);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(0, 22));
	assert_int_equal(plan->decisions[0].chosen.terms[PLAN_OVER_CAP], 2000);
	plan_free(plan);
	w.spans[1] = (struct span){AT(0, 12), AT(1, 0)};
	w.coordinators[0].rest = (struct span_list){w.spans + 1, 1};
	plan = world_plan(&w);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(1, 0));
	assert_int_equal(plan->decisions[0].chosen.terms[PLAN_OVER_CAP], 0);
	plan_free(plan);
}

/* So may the end of a rest, in the middle of a day: 1 h of waiting (1,200) against 2,000. */
static void test_immediate_may_wait_for_rest(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.requests[0].urgency = PLAN_IMMEDIATE;
	w.input.now = AT(0, 9);
	w.input.n_coordinators = 1;
	world_set_span(&w, &w.coordinators[0].rest, AT(0, 2), AT(0, 10));
	plan = world_plan(&w);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(0, 10));
	assert_false(plan->decisions[0].chosen.over_cap);
	plan_free(plan);
	w.spans[0].end = AT(0, 11);
	plan = world_plan(&w);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(0, 9));
	assert_true(plan->decisions[0].chosen.over_cap);
	plan_free(plan);
}

/* What the plan gives counts for the rest of it: two meetings a day, two cases, one victim twice. */
static void test_plan_sees_itself(void **state)
{
	struct world w;
	struct plan *plan;
	int64_t today = 0, load_sum = 0;

	(void)state;
	world_make(&w);
	w.input.n_coordinators = 1;
	w.input.n_requests = 4;
	for (int i = 0; i < 4; i++)
		w.requests[i] = world_request(i + 1);
	w.requests[3].case_id = w.requests[0].case_id; /* of the first one's victim */
	w.coordinators[0].meetings_a_day = 2;
	w.coordinators[0].max_open_cases = 2;
	plan = world_plan(&w);
	assert_true(plan->decisions[0].served);
	assert_true(plan->decisions[3].served);
	assert_int_equal(plan->unserved[PLAN_ROUTINE], 1);
	for (int i = 0; i < 4; i++) {
		const struct plan_decision *decision = &plan->decisions[i];

		if (!decision->served) {
			assert_int_equal(world_rule_of(decision, 11), PLAN_CAP_OPEN_CASES);
			continue;
		}
		today += decision->chosen.meeting.start < AT(1, 0);
		load_sum += decision->chosen.terms[PLAN_LOAD];
		assert_int_equal(decision->chosen.terms[PLAN_CONTINUITY], 0);
	}
	assert_int_equal(today, 2);
	assert_int_equal(load_sum, load(0, 12, 2400));
	plan_free(plan);
}

/* After a call-out in the night nothing but a call-out starts for ten hours. */
static void test_call_out_makes_rest(void **state)
{
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.input.now = AT(1, 3);
	w.input.n_coordinators = 1;
	w.input.n_requests = 2;
	w.requests[0].urgency = PLAN_IMMEDIATE;
	world_set_span(&w, &w.coordinators[0].on_call, AT(0, 17), AT(1, 9));
	w.requests[1] = world_request(2);
	w.requests[1].earliest = AT(1, 9);
	plan = world_plan(&w);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, AT(1, 3));
	assert_int_equal(plan->decisions[1].chosen.meeting.start, AT(1, 14));
	plan_free(plan);
}

static void test_order(void **state)
{
	static const int64_t order[] = {4, 3, 2, 1, 5};
	struct world w;
	struct plan *plan;

	(void)state;
	world_make(&w);
	w.input.n_requests = 5;
	for (int i = 0; i < 5; i++)
		w.requests[i] = world_request(i + 1);
	w.requests[1].due -= 60;
	w.requests[2].urgency = PLAN_URGENT;
	w.requests[3].urgency = PLAN_IMMEDIATE;
	plan = world_plan(&w);
	for (int i = 0; i < 5; i++)
		assert_int_equal(plan->decisions[i].request, order[i]);
	plan_free(plan);
}

/* Equals are parted by request and coordinator, not always in favour of the same. */
static void test_ties_are_spread(void **state)
{
	struct world w;
	int eleven = 0;

	(void)state;
	world_make(&w);
	w.input.n_coordinators = 2;
	for (int64_t id = 1; id <= 200; id++) {
		struct plan *plan;

		w.requests[0].id = id;
		plan = world_plan(&w);
		eleven += plan->decisions[0].chosen.coordinator == 11;
		plan_free(plan);
	}
	assert_in_range(eleven, 70, 130);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost_terms),
		cmocka_unit_test(test_late_goes_before_cost),
		cmocka_unit_test(test_travel_and_buffer),
		cmocka_unit_test(test_travel_counts_towards_the_week),
		cmocka_unit_test(test_immediate_may_wait_for_midnight),
		cmocka_unit_test(test_immediate_may_wait_for_rest),
		cmocka_unit_test(test_plan_sees_itself),
		cmocka_unit_test(test_call_out_makes_rest),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_ties_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
