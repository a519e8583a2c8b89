#include "plan_trial.h"

/* What holds of every plan, whatever the input: thousands of small random worlds. */

static const struct random_shape unruly = {.people = 5,
	.meetings = RANDOM_MEETINGS,
	.requests = RANDOM_REQUESTS,
	.may_move = true,
	.unruly = true,
	.steps = STEPS};

/* Made so that much moves, by tighten(). */
static const struct random_shape tight = {.people = 3,
	.meetings = RANDOM_MEETINGS,
	.requests = 9,
	.may_move = true,
	.pressed = true,
	.steps = 300};

/* A few meetings use up each limit; many are call-outs, of few cases; and what stands may go far. */
static void tighten(void)
{
	struct random_source source = {.seed = seed + 1};
	struct plan_policy *policy = &world.input.policy;

	policy->rest_minutes = random_below(&source, 900);
	policy->moved_by[PLAN_URGENT] = policy->moved_by[PLAN_ROUTINE] = 7;
	for (size_t i = 0; i < world.input.n_coordinators; i++) {
		struct plan_coordinator *one = &world.people[i];

		one->meetings_a_day = 1 + random_below(&source, 5);
		one->weekly_minutes = 60 * (1 + random_below(&source, 10));
		one->max_open_cases = 1 + random_below(&source, 5);
		one->load_minutes = random_below(&source, 100);
	}
	for (size_t i = 0; i < world.input.n_requests; i++) {
		struct plan_request *request = &world.requests[i];

		request->case_id = 100 + random_below(&source, 8);
		if (random_below(&source, 3) == 0)
			request->urgency = PLAN_IMMEDIATE;
	}
	for (size_t i = 0; i < world.input.n_standing; i++)
		world.standing[i].due = world.standing[i].latest;
}

static void dump_choice(FILE *out, const struct plan_choice *choice)
{
	fprintf(out, " %d %d%d%d %lld-%lld %lld-%lld late %lld cost %lld:", choice->coordinator,
		choice->by_interpreter, choice->over_cap, choice->on_call,
		(long long)choice->meeting.start, (long long)choice->meeting.end,
		(long long)choice->busy.start, (long long)choice->busy.end,
		(long long)choice->late_minutes, (long long)choice->cost);
	for (int i = 0; i < PLAN_TERMS; i++)
		fprintf(out, " %lld", (long long)choice->terms[i]);
	fprintf(out, "\n");
}

static void dump_decision(FILE *out, const struct plan_decision *decision)
{
	fprintf(out, "request %lld %d%d", (long long)decision->request, decision->served,
		decision->has_runner_up);
	if (decision->served)
		dump_choice(out, &decision->chosen);
	if (decision->has_runner_up)
		dump_choice(out, &decision->runner_up);
	for (size_t i = 0; i < decision->n_ruled_out; i++)
		fprintf(out, " %d %s %lld\n", decision->ruled_out[i].coordinator,
			plan_rule_name(decision->ruled_out[i].rule),
			(long long)decision->ruled_out[i].nearest);
	for (size_t i = 0; i < decision->n_moves; i++) {
		fprintf(out, " move %lld", (long long)decision->moves[i].appointment);
		dump_choice(out, &decision->moves[i].to);
	}
}

/* Everything that a plan says, but for how long it took. */
static char *dump(const struct plan *plan)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < plan->n_decisions; i++)
		dump_decision(out, &plan->decisions[i]);
	fprintf(out, "cost %lld on call %lld exact %d\n", (long long)plan->cost,
		(long long)plan->on_call, plan->exact);
	fclose(out);
	return text;
}

static char *dump_of(const struct plan_input *input)
{
	struct plan *plan = make_plan(input);
	char *text = dump(plan), *json = NULL, *both = NULL;

	assert_int_equal(plan_write_json(plan, 0, plan->n_decisions, &json), 0);
	assert_true(asprintf(&both, "%s%s%lld", text, json, (long long)plan->steps) > 0);
	free(text);
	free(json);
	plan_free(plan);
	return both;
}

/* ---- rules and figures ----------------------------------------------------------------------- */

static void check_worlds(const struct random_shape *shape, uint64_t n)
{
	size_t served = 0, moved = 0, requests = 0;

	for (seed = 1; seed <= n; seed++) {
		const char *fault;
		struct plan *plan;

		make_world(shape);
		if (shape == &tight)
			tighten();
		plan = make_plan(&world.input);
		fault = judge_plan(&world.input, plan);
		if (fault)
			fail_world("%s", fault);
		for (size_t i = 0; i < plan->n_decisions; i++)
			served += plan->decisions[i].served;
		moved += plan->n_moves;
		requests += plan->n_decisions;
		plan_free(plan);
	}
	/* Neither all nor nobody: else the worlds would show nothing. */
	assert_in_range(served, requests / 8, requests * 7 / 8);
	if (shape == &pressed || shape == &tight)
		assert_in_range(moved, n / 20, requests);
}

static void test_no_rule_broken_and_each_figure_right(void **state)
{
	(void)state;
	check_worlds(&mixed, worlds(3000));
	check_worlds(&unruly, worlds(1000));
	check_worlds(&pressed, worlds(5000));
	check_worlds(&tight, worlds(10000));
	check_worlds(&one_step, worlds(300));
}

static void test_reasons(void **state)
{
	enum { N = 3 };
	static const struct random_shape *const shapes[N] = {&mixed, &unruly, &tight};

	(void)state;
	for (seed = 1; seed <= worlds(900); seed++) {
		const char *fault;
		struct plan *plan;

		make_world(shapes[seed % N]);
		if (shapes[seed % N] == &tight)
			tighten();
		plan = make_plan(&world.input);
		fault = judge_reasons(&world.input, plan);
		if (fault)
			fail_world("%s", fault);
		plan_free(plan);
	}
}

/* ---- sameness -------------------------------------------------------------------------------- */

static void test_order_of_rows_is_nothing(void **state)
{
	(void)state;
	for (seed = 1; seed <= worlds(400); seed++) {
		struct random_source source = {.seed = seed};
		char *first, *second, *third;

		make_world(seed % 3 ? &mixed : &one_step);
		first = dump_of(&world.input);
		second = dump_of(&world.input);
		random_shuffle(&world, &source);
		third = dump_of(&world.input);
		assert_string_equal(first, second);
		assert_string_equal(first, third);
		free(first);
		free(second);
		free(third);
	}
}

/* ---- the limit of steps ---------------------------------------------------------------------- */

/* How good a plan is but for what it costs. */
static struct judge_price need_of(struct judge_price price)
{
	price.call_outs_cost = price.on_call = price.cost = 0;
	return price;
}

static struct judge_price price_by_steps(int64_t steps, bool *limited)
{
	struct judge_price price;
	const char *fault;
	struct plan *plan;

	world.input.policy.steps = steps;
	plan = make_plan(&world.input);
	fault = judge_plan(&world.input, plan);
	if (fault)
		fail_world("%d steps: %s", (int)steps, fault);
	price = judge_price_of_plan(plan);
	*limited = plan->limited;
	plan_free(plan);
	return price;
}

static void check_limit(
	int64_t steps, const struct judge_price *first, const struct judge_price *unlimited)
{
	bool limited;
	struct judge_price price = price_by_steps(steps, &limited);
	struct judge_price need = need_of(price), least = need_of(*unlimited);

	if (judge_compare(&price, first) > 0)
		fail_world("%d steps: worse than the first plan", (int)steps);
	if (!limited && judge_compare(&need, &least) != 0)
		fail_world("%d steps: not limited, but not as good as it could be", (int)steps);
}

/* However few steps the search may take there is a plan, no worse than the first one; and one that
 * was not cut short leaves nobody unserved or late whom more steps would have helped. */
static void test_steps(void **state)
{
	static const int64_t steps[] = {2, 10, 100, 1000, 10000};
	uint64_t n_limited = 0;

	(void)state;
	for (seed = 1; seed <= worlds(200); seed++) {
		struct judge_price first, unlimited;
		bool limited;

		make_world(seed % 3 ? &mixed : &one_step);
		unlimited = price_by_steps(100000, &limited);
		first = price_by_steps(1, &limited);
		n_limited += limited;
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
			check_limit(steps[i], &first, &unlimited);
	}
	assert_in_range(n_limited, 1, worlds(200));
}

/* ---- more people, fewer requests ------------------------------------------------------------- */

static struct judge_price price_now(void)
{
	struct plan *plan = make_plan(&world.input);
	struct judge_price price = judge_price_of_plan(plan);

	plan_free(plan);
	return price;
}

static void test_more_people_are_never_dearer(void **state)
{
	uint64_t better = 0;

	(void)state;
	for (seed = 1; seed <= worlds(400); seed++) {
		struct judge_price few, more;

		make_world(&one_step);
		world.people[world.input.n_coordinators].id = 9; /* everybody's second choice */
		few = price_now();
		world.input.n_coordinators++;
		more = price_now();
		if (judge_compare(&more, &few) > 0)
			fail_world("dearer with one more");
		better += judge_compare(&more, &few) < 0;
	}
	assert_in_range(better, worlds(400) / 8, worlds(400));
}

static void test_fewer_requests_are_never_dearer(void **state)
{
	(void)state;
	for (seed = 1; seed <= worlds(200); seed++) {
		struct judge_price last;

		make_world(&one_step);
		last = price_now();
		while (world.input.n_requests > 0) {
			struct judge_price fewer;

			world.input.n_requests--;
			fewer = price_now();
			if (judge_compare(&fewer, &last) > 0)
				fail_world("dearer without request %d",
					(int)world.input.n_requests + 1);
			last = fewer;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rule_broken_and_each_figure_right),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_order_of_rows_is_nothing),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_more_people_are_never_dearer),
		cmocka_unit_test(test_fewer_requests_are_never_dearer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
