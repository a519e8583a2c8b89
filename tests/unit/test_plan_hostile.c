#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "plan_judge.h"
#include "plan_world.h"

/* Inputs that make sense to nobody but are valid, and very many rows: a plan, in bounded time. */

/* ---- odd worlds ------------------------------------------------------------------------------ */

static void nobody(struct world *w)
{
	w->input.n_coordinators = 0;
}

static void no_request(struct world *w)
{
	w->input.n_requests = 0;
}

static void no_shift_at_all(struct world *w)
{
	for (int i = 0; i < 3; i++)
		w->coordinators[i].regular.n = 0;
}

/* The meeting lies over the seam of two spans, and so do the office's hours. */
static void touching_shifts(struct world *w)
{
	w->spans[0] = (struct span){AT(0, 9), AT(0, 10) - 1800};
	w->spans[1] = (struct span){AT(0, 10) - 1800, AT(0, 10)};
	for (int i = 0; i < 3; i++)
		w->coordinators[i].regular = (struct span_list){w->spans, 2};
	w->offices[0].office_hours = (struct span_list){w->spans, 2};
}

static void appointments_that_touch(struct world *w)
{
	struct span before = {AT(0, 8), AT(0, 9)}, after = {AT(0, 10) + 1800, AT(0, 17)};

	w->input.n_coordinators = 1;
	w->requests[0].latest = AT(0, 17);
	world_appoint(w, 11, 500, before, before, 60);
	world_appoint(w, 11, 501, after, after, 60);
}

static void longer_than_any_shift(struct world *w)
{
	w->requests[0].minutes = 481;
	w->requests[0].buffer_minutes = 0;
}

static void as_long_as_a_shift(struct world *w)
{
	w->requests[0].minutes = 480;
	w->requests[0].buffer_minutes = 14400;
	w->coordinators[0].weekly_minutes = 480;
}

static void at_the_end_of_time(struct world *w)
{
	int64_t end = PLAN_LATEST - 1;

	w->input.now = end - 7200 - 900;
	w->requests[0].earliest = w->input.now;
	w->requests[0].latest = end;
	w->requests[0].due = -PLAN_LATEST + 1;
	world_set_span(w, &w->coordinators[0].regular, end - 86400, end);
	w->offices[0].office_hours = w->coordinators[0].regular;
}

static void at_the_beginning_of_time(struct world *w)
{
	int64_t begin = -PLAN_LATEST + 1;

	w->input.now = begin;
	w->requests[0].earliest = begin;
	w->requests[0].latest = begin + 86400;
	w->requests[0].due = PLAN_LATEST - 1;
	world_set_span(w, &w->coordinators[0].regular, begin, begin + 86400);
	w->offices[0].office_hours = w->coordinators[0].regular;
}

static void window_inside_out(struct world *w)
{
	w->requests[0].earliest = AT(5, 0);
	w->requests[0].latest = AT(0, 0);
}

static void window_between_two_steps(struct world *w)
{
	w->requests[0].earliest = AT(0, 9) + 1;
	w->requests[0].latest = AT(0, 10) + 899;
}

static void window_that_is_over(struct world *w)
{
	w->requests[0].earliest = AT(-9, 0);
	w->requests[0].latest = AT(-8, 0);
}

static void coordinators_of_no_office(struct world *w)
{
	for (int i = 0; i < 3; i++)
		w->coordinators[i].office = 77;
}

static void backup_that_is_not_there(struct world *w)
{
	w->backups[0].office = 99;
}

static void limits_of_nothing(struct world *w)
{
	for (int i = 0; i < 3; i++) {
		w->coordinators[i].max_open_cases = 0;
		w->coordinators[i].weekly_minutes = 0;
		w->coordinators[i].meetings_a_day = 0;
	}
}

static void call_out_beyond_all_limits(struct world *w)
{
	limits_of_nothing(w);
	w->requests[0].urgency = PLAN_IMMEDIATE;
}

static void one_day_for_ever(struct world *w)
{
	w->zone.n_days = 1;
}

static void leave_for_ever(struct world *w)
{
	for (int i = 0; i < 3; i++)
		world_set_span(w, &w->coordinators[i].leave, -PLAN_LATEST + 1, PLAN_LATEST - 1);
}

static void dearest_of_all(struct world *w)
{
	for (int i = 0; i < PLAN_TERMS; i++)
		for (int j = 0; j < PLAN_URGENCIES; j++)
			w->input.policy.weight[i][j] = PLAN_MOST_WEIGHT;
	w->input.policy.weight_move_accepted = PLAN_MOST_WEIGHT;
	for (int i = 0; i < 3; i++)
		w->coordinators[i].weekly_shift_minutes = 0;
}

static void free_of_charge(struct world *w)
{
	memset(w->input.policy.weight, 0, sizeof w->input.policy.weight);
}

static void all_codes_are_none(struct world *w)
{
	w->requests[0].service = 0;
	w->requests[0].language = 0;
}

static void standing_request_of_no_appointment(struct world *w)
{
	w->requests[1] = world_request(2);
	w->input.standing = &w->requests[1];
	w->input.n_standing = 1;
	w->input.policy.move_chain = PLAN_MOST_CHAIN;
}

static void appointment_of_no_standing_request(struct world *w)
{
	struct span span = {AT(0, 9), AT(0, 10)};

	world_appoint(w, 11, 500, span, span, 60);
	w->appointments[0].request = 12345;
	w->input.policy.move_chain = PLAN_MOST_CHAIN;
}

static const struct {
	const char *name;
	void (*change)(struct world *w);
	bool served;
	enum plan_rule rule; /* that speaks against 11, when nobody is found */
} odd[] = {
	{"nobody", nobody, false, PLAN_FREE},
	{"no request", no_request, false, PLAN_FREE},
	{"no shift at all", no_shift_at_all, false, PLAN_NO_SHIFT},
	{"touching shifts", touching_shifts, true, PLAN_FREE},
	{"appointments that touch", appointments_that_touch, true, PLAN_FREE},
	{"longer than any shift", longer_than_any_shift, false, PLAN_NO_SHIFT},
	{"as long as a shift", as_long_as_a_shift, true, PLAN_FREE},
	{"at the end of time", at_the_end_of_time, true, PLAN_FREE},
	{"at the beginning of time", at_the_beginning_of_time, true, PLAN_FREE},
	{"window inside out", window_inside_out, false, PLAN_WINDOW},
	{"window between two steps", window_between_two_steps, false, PLAN_WINDOW},
	{"window that is over", window_that_is_over, false, PLAN_WINDOW},
	{"coordinators of no office", coordinators_of_no_office, false, PLAN_FREE},
	{"backup that is not there", backup_that_is_not_there, true, PLAN_FREE},
	{"limits of nothing", limits_of_nothing, false, PLAN_CAP_OPEN_CASES},
	{"call-out beyond all limits", call_out_beyond_all_limits, true, PLAN_FREE},
	{"one day for ever", one_day_for_ever, true, PLAN_FREE},
	{"leave for ever", leave_for_ever, false, PLAN_LEAVE},
	{"dearest of all", dearest_of_all, true, PLAN_FREE},
	{"free of charge", free_of_charge, true, PLAN_FREE},
	{"all codes are none", all_codes_are_none, false, PLAN_SERVICE},
	{"standing request of no appointment", standing_request_of_no_appointment, true, PLAN_FREE},
	{"appointment of no standing request", appointment_of_no_standing_request, true, PLAN_FREE},
};

static void test_odd_worlds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct world w;
		struct plan *plan;
		const char *fault;

		world_make(&w);
		odd[i].change(&w);
		plan = world_plan(&w);
		fault = judge_plan(&w.input, plan);
		if (fault)
			fail_msg("%s: %s", odd[i].name, fault);
		if (w.input.n_requests > 0 && plan->decisions[0].served != odd[i].served)
			fail_msg("%s: served %d", odd[i].name, plan->decisions[0].served);
		if (w.input.n_requests > 0 && !odd[i].served
			&& world_rule_of(&plan->decisions[0], 11) != odd[i].rule)
			fail_msg("%s: %s", odd[i].name,
				plan_rule_name(world_rule_of(&plan->decisions[0], 11)));
		plan_free(plan);
	}
}

/* ---- very many ------------------------------------------------------------------------------- */

enum { MANY = 10000, FEW = 300, SECONDS = 120 };

static size_t many(void)
{
	const char *load = getenv("VACD_TEST_LOAD");

	return load && strcmp(load, "small") == 0 ? FEW : MANY;
}

/* Plans, and sees to it that it does not take for ever: by the clock of this process, generously. */
static struct plan *plan_in_time(const struct world *w)
{
	clock_t begun = clock();
	struct plan *plan = world_plan(w);
	double seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
	const char *fault = judge_plan(&w->input, plan);

	if (fault)
		fail_msg("%s", fault);
	if (seconds > SECONDS)
		fail_msg("it took %d s", (int)seconds);
	return plan;
}

static void plan_many(enum plan_urgency urgency, bool one_case)
{
	size_t n = many();
	struct plan_request *requests = calloc(n, sizeof *requests);
	struct world w;
	struct plan *plan;

	assert_non_null(requests);
	world_make(&w);
	w.input.policy.steps = 100000;
	for (size_t i = 0; i < n; i++) {
		requests[i] = world_request(1 + (int64_t)i);
		requests[i].urgency = urgency;
		requests[i].due += (int64_t)(i % 7) * 3600;
		if (one_case)
			requests[i].case_id = 1;
	}
	w.input.n_coordinators = 1;
	w.input.requests = requests;
	w.input.n_requests = n;
	plan = plan_in_time(&w);
	assert_in_range(plan->unserved[urgency], 1, n - 1);
	plan_free(plan);
	free(requests);
}

static void test_many_requests_for_one(void **state)
{
	(void)state;
	plan_many(PLAN_ROUTINE, false);
	plan_many(PLAN_URGENT, false);
}

static void test_many_call_outs_for_one(void **state)
{
	(void)state;
	plan_many(PLAN_IMMEDIATE, false);
}

static void test_many_requests_of_one_case(void **state)
{
	(void)state;
	plan_many(PLAN_ROUTINE, true);
	plan_many(PLAN_IMMEDIATE, true);
}

/* A diary as full as can be, all of which may be moved, and very many who want to be in it. */
static void test_much_that_may_be_moved(void **state)
{
	enum { PER_DAY = 16, N = 20 * PER_DAY };
	size_t n = many() / 20;
	struct plan_request *rows = calloc(n + N, sizeof *rows);
	struct plan_appointment *appointments = calloc(N, sizeof *appointments);
	struct world w;
	struct plan *plan;

	(void)state;
	assert_non_null(rows);
	assert_non_null(appointments);
	world_make(&w);
	for (size_t i = 0; i < N; i++) {
		int64_t start = w.shifts[i / PER_DAY].start + (int64_t)(i % PER_DAY) * 1800;

		rows[i] = world_request(1 + (int64_t)i);
		rows[i].minutes = 30;
		rows[i].latest = rows[i].due = AT(27, 0);
		appointments[i] = (struct plan_appointment){11, 100 + (int64_t)i,
			{start, start + 1800}, {start, start + 1800}, 30, 1 + (int64_t)i,
			1 + (int64_t)i, false};
	}
	for (size_t i = N; i < N + n; i++) {
		rows[i] = world_request(1 + (int64_t)i);
		rows[i].urgency = PLAN_URGENT;
		rows[i].due = AT(0, 10);
	}
	w.input.policy.move_chain = PLAN_MOST_CHAIN;
	w.input.policy.moved_by[PLAN_ROUTINE] = 1 << PLAN_URGENT;
	for (int i = 0; i < 2; i++) {
		w.coordinators[i].meetings_a_day = w.coordinators[i].max_open_cases = 10000;
		w.coordinators[i].weekly_minutes = PLAN_MOST_MINUTES;
	}
	w.input.n_coordinators = 2;
	w.input.appointments = appointments;
	w.input.n_appointments = N;
	w.input.standing = rows;
	w.input.n_standing = N;
	w.input.requests = rows + N;
	w.input.n_requests = n;
	plan = plan_in_time(&w);
	plan_free(plan);
	free(rows);
	free(appointments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_worlds),
		cmocka_unit_test(test_many_requests_for_one),
		cmocka_unit_test(test_many_call_outs_for_one),
		cmocka_unit_test(test_many_requests_of_one_case),
		cmocka_unit_test(test_much_that_may_be_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
