#include "plan_trial.h"

/* Plans beside other plans of the same world: made again, made without moves, and all there are. */

/* ---- planning again -------------------------------------------------------------------------- */

/* What a coordinator has of a meeting that now stands. */
static void remember(
	struct plan_coordinator *person, const struct plan_request *request, struct span meeting)
{
	int64_t *cases = world.cases[person - world.people];
	int64_t units = (request->minutes * request->load_percent + 1499) / 1500;
	struct span_list nights = world.zones[person->zone].nights;
	static struct span rests[RANDOM_PEOPLE + 1][RANDOM_PIECES + RANDOM_REQUESTS];
	struct span_set rest = {0};

	assert_ptr_equal(person->open_cases.ids, cases);
	if (person->open_cases.n < RANDOM_CASES)
		cases[person->open_cases.n++] = request->case_id;
	person->load_minutes = (person->load_minutes / 15 + units) * 15;
	if (request->urgency != PLAN_IMMEDIATE || !span_list_overlaps(nights, meeting))
		return;
	assert_int_equal(span_set_union(person->rest, (struct span_list){0}, &rest), 0);
	assert_int_equal(
		span_set_add(&rest, (struct span){meeting.end,
					    meeting.end + world.input.policy.rest_minutes * 60}),
		0);
	memcpy(rests[person - world.people], rest.spans, rest.n * sizeof *rest.spans);
	person->rest = (struct span_list){rests[person - world.people], rest.n};
	span_set_clear(&rest);
}

static void stand(const struct judge_meeting *x, const struct plan_choice *choice)
{
	struct plan_appointment *row = &world.meetings[world.input.n_appointments++];
	int64_t travel = choice->meeting.start - choice->busy.start;

	*row = (struct plan_appointment){
		.coordinator = x->person->id,
		.case_id = x->request->case_id,
		.meeting = choice->meeting,
		.busy = choice->busy,
		.counted_minutes = x->request->minutes + 2 * (travel / 60),
		.id = 1000 + x->request->id,
	};
	remember(&world.people[x->person - world.people], x->request, choice->meeting);
}

static void move(const struct plan_move *moved)
{
	for (size_t i = 0; i < world.input.n_appointments; i++) {
		struct plan_appointment *row = &world.meetings[i];
		int64_t travel = moved->to.meeting.start - moved->to.busy.start;

		if (row->request != moved->request)
			continue;
		row->coordinator = moved->to.coordinator;
		row->meeting = moved->to.meeting;
		row->busy = moved->to.busy;
		row->counted_minutes = (row->meeting.end - row->meeting.start) / 60
				       + 2 * (travel / 60);
	}
}

/* Makes the plan come true: what it gives stands, what it could not give is still asked for. */
static void carry_out(const struct plan *plan)
{
	struct plan_request left[RANDOM_REQUESTS];
	size_t n, n_left = 0, next = 0;
	struct judge_meeting *meetings = judge_list(&world.input, plan, &n);

	assert_non_null(meetings);
	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];

		for (size_t j = 0; j < decision->n_moves; j++)
			move(&decision->moves[j]);
		if (decision->served)
			stand(&meetings[next++], &decision->chosen);
		for (size_t j = 0; !decision->served && j < world.input.n_requests; j++)
			if (world.requests[j].id == decision->request)
				left[n_left++] = world.requests[j];
	}
	free(meetings);
	memcpy(world.requests, left, n_left * sizeof *left);
	world.input.n_requests = n_left;
}

/* Whether somebody who was left without a meeting gets one when what was planned is planned again
 * as it stands, or something moves. */
static bool changes_again(const struct random_shape *shape, bool *limited)
{
	struct plan *plan;
	bool changes;

	make_world(shape);
	world.input.policy.steps = 20000;
	plan = make_plan(&world.input);
	*limited = plan->limited;
	carry_out(plan);
	plan_free(plan);
	plan = make_plan(&world.input);
	changes = plan->n_moves > 0 || plan->cost != 0;
	for (size_t i = 0; i < plan->n_decisions; i++)
		changes |= plan->decisions[i].served;
	plan_free(plan);
	return changes;
}

/* Else the plan would have done it at once. Where its search was cut short it may have missed
 * something, rarely. */
static void check_again(const struct random_shape *shape, uint64_t n)
{
	uint64_t missed = 0;
	bool limited;

	for (seed = 1; seed <= n; seed++) {
		if (!changes_again(shape, &limited))
			continue;
		if (!limited)
			fail_world("planned again it is another plan");
		missed++;
	}
	assert_in_range(missed, 0, n / 100);
}

static void test_planning_again_changes_nothing(void **state)
{
	(void)state;
	check_again(&mixed, worlds(1000));
	check_again(&pressed, worlds(500));
	check_again(&one_step, worlds(200));
}

/* ---- room ------------------------------------------------------------------------------------ */

/* Without the right to move anything the plan is never better, and where it has no need nothing
 * is moved. */
static void test_moves_are_made_in_need_only(void **state)
{
	uint64_t helped = 0;

	(void)state;
	for (seed = 1; seed <= worlds(1000); seed++) {
		struct judge_price with, without;
		struct plan *plan;
		size_t moves;

		make_world(&pressed);
		plan = make_plan(&world.input);
		with = judge_price_of_plan(plan);
		moves = plan->n_moves;
		plan_free(plan);
		if (moves == 0)
			continue;
		world.input.policy.move_chain = 0;
		plan = make_plan(&world.input);
		without = judge_price_of_plan(plan);
		assert_int_equal(plan->n_moves, 0);
		plan_free(plan);
		with.cost = without.cost = 0; /* only need counts, not what it costs */
		with.on_call = without.on_call = 0;
		with.call_outs_cost = without.call_outs_cost = 0;
		if (judge_compare(&with, &without) >= 0)
			fail_world("moved for nothing");
		helped++;
	}
	assert_in_range(helped, worlds(1000) / 40, worlds(1000));
}

/* ---- exact ----------------------------------------------------------------------------------- */

enum { TRIED = 3, OPTIONS = 64 };

struct choices {
	struct judge_meeting options[TRIED][OPTIONS];
	size_t n[TRIED];
};

/* A case may be open by a call-out that comes before. */
static bool may_be_there(const struct judge_meeting *x)
{
	enum plan_rule broken = judge_rules(&world.input, x, 1);

	return broken == PLAN_FREE || broken == PLAN_CAP_OPEN_CASES;
}

/* Every start of everybody that breaks no rule by itself; false: too many. */
static bool list_options(struct choices *choices, size_t which)
{
	const struct plan_request *r = &world.requests[which];
	int64_t step = r->urgency == PLAN_IMMEDIATE ? 60 : world.input.policy.grid_seconds;
	int64_t first = r->earliest > world.input.now ? r->earliest : world.input.now;

	choices->n[which] = 0;
	for (int64_t start = (first + step - 1) / step * step; start < r->latest; start += step)
		for (size_t i = 0; i < world.input.n_coordinators; i++) {
			struct judge_meeting x = {r, &world.people[i], NULL, start};

			if (!may_be_there(&x))
				continue;
			if (choices->n[which] == OPTIONS)
				return false;
			choices->options[which][choices->n[which]++] = x;
		}
	return true;
}

static bool is_needed_first(const struct plan_request *a, const struct plan_request *b)
{
	if (a->urgency != b->urgency)
		return a->urgency < b->urgency;
	return a->due != b->due ? a->due < b->due : a->id < b->id;
}

static void sort_requests(void)
{
	for (size_t i = 0; i < TRIED; i++)
		for (size_t j = i + 1; j < TRIED; j++)
			if (is_needed_first(&world.requests[j], &world.requests[i])) {
				struct plan_request one = world.requests[i];

				world.requests[i] = world.requests[j];
				world.requests[j] = one;
			}
}

/* The best prices of all combinations: of any, and of those that leave the call-outs where a plan
 * has them (nothing that can wait weighs in on these). */
struct best {
	struct judge_price any, same_call_outs;
};

static bool has_same_call_outs(
	const struct plan *plan, const struct judge_meeting *meetings, size_t n)
{
	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];
		bool same = !decision->served;

		if (decision->urgency != PLAN_IMMEDIATE)
			break;
		for (size_t j = 0; j < n; j++)
			if (meetings[j].request->id == decision->request)
				same = meetings[j].person->id == decision->chosen.coordinator
				       && meetings[j].start == decision->chosen.meeting.start;
		if (!same)
			return false;
	}
	return true;
}

static void try_one(
	const struct plan *plan, const struct judge_meeting *meetings, size_t n, struct best *best)
{
	struct judge_price price;

	if (judge_rules(&world.input, meetings, n) != PLAN_FREE)
		return;
	price = judge_price_of(&world.input, meetings, n);
	if (judge_compare(&price, &best->any) < 0)
		best->any = price;
	if (has_same_call_outs(plan, meetings, n)
		&& judge_compare(&price, &best->same_call_outs) < 0)
		best->same_call_outs = price;
}

/* Option n of a request is to leave it out. */
static struct best try_everything(const struct choices *choices, const struct plan *plan)
{
	const struct judge_price worst = {.call_outs_unserved = INT64_MAX};
	struct best best = {worst, worst};
	size_t at[TRIED] = {0}, i;

	do {
		struct judge_meeting meetings[TRIED];
		size_t n = 0;

		for (i = 0; i < TRIED; i++)
			if (at[i] < choices->n[i])
				meetings[n++] = choices->options[i][at[i]];
		try_one(plan, meetings, n, &best);
		for (i = 0; i < TRIED && ++at[i] > choices->n[i]; i++)
			at[i] = 0;
	} while (i < TRIED);
	return best;
}

static const struct random_shape tiny = {
	.people = 3, .meetings = 2, .requests = TRIED, .steps = 100000};

/* A world with few enough combinations; false: this one is not. */
static bool make_tiny(struct choices *choices)
{
	make_world(&tiny);
	world.input.policy.grid_seconds = 1800;
	sort_requests();
	for (size_t i = 0; i < TRIED; i++) {
		struct plan_request *r = &world.requests[i];

		if (r->urgency == PLAN_IMMEDIATE)
			r->latest = r->earliest + r->minutes * 60 + 600;
		if (!list_options(choices, i))
			return false;
	}
	return choices->n[0] * choices->n[1] * choices->n[2] <= 8000;
}

/* Call-outs, on-call shifts, families, limits: against all plans that there are. */
static void test_against_everything(void **state)
{
	static struct choices choices;
	uint64_t looked_at = 0, equal = 0, exact = 0;

	(void)state;
	for (seed = 1; seed <= worlds(1500); seed++) {
		struct judge_price ours;
		struct best best;
		struct plan *plan;
		bool is_best;

		if (!make_tiny(&choices))
			continue;
		plan = make_plan(&world.input);
		best = try_everything(&choices, plan);
		ours = judge_price_of_plan(plan);
		if (judge_compare(&ours, &best.any) < 0)
			fail_world("better than the best");
		is_best = judge_compare(&ours, &best.same_call_outs) == 0
			  && ours.call_outs_unserved == best.any.call_outs_unserved
			  && ours.call_outs_late == best.any.call_outs_late
			  && ours.call_outs_cost == best.any.call_outs_cost;
		if (plan->exact && !is_best)
			fail_world("said to be exact, but is not");
		equal += is_best;
		exact += plan->exact;
		looked_at++;
		plan_free(plan);
	}
	print_message("# %d of %d tiny worlds at their best, %d said to be\n", (int)equal,
		(int)looked_at, (int)exact);
	assert_in_range(looked_at, worlds(1500) / 20, worlds(1500));
	assert_in_range(equal, looked_at * 98 / 100, looked_at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planning_again_changes_nothing),
		cmocka_unit_test(test_moves_are_made_in_need_only),
		cmocka_unit_test(test_against_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
