#include <errno.h>
#include <time.h>

#include "plan_crowd.h"
#include "plan_trial.h"

/* Room that is made by moving what stands: how far it goes, what it may not do, and no memory. */

/* ---- the chain ------------------------------------------------------------------------------- */

/*
 * The request wants all of the first one's shift, where k appointments of k steps stand. Each of
 * these can go to one of k others only if the k short ones there go to the last one, who is free.
 * So k + k × k moves serve it, and no fewer.
 */
static void make_deep(int64_t k, int64_t chain)
{
	crowd_make(chain);
	crowd.requests[0].minutes = k * k * STEP / 60;
	add_person(1, 2, (struct span){BEGIN, BEGIN + k * k * STEP});
	for (int64_t i = 0; i < k; i++)
		add_standing(2, BEGIN + i * k * STEP, k);
	for (int64_t i = 0; i < k; i++) {
		add_person(2, 2, (struct span){BEGIN, BEGIN + k * STEP});
		for (int64_t j = 0; j < k; j++)
			add_standing(3, BEGIN + j * STEP, 1);
	}
	add_person(3, 2, (struct span){BEGIN, AT(4, 17)});
}

static void test_no_chain_is_too_long(void **state)
{
	(void)state;
	for (int64_t k = 1; k <= 4; k++)
		for (int64_t chain = 1; chain <= PLAN_MOST_CHAIN; chain++) {
			int64_t needed = k + k * k;
			struct plan *plan;

			make_deep(k, chain);
			plan = crowd_plan("deep");
			assert_in_range(plan->n_moves, 0, chain);
			assert_int_equal(plan->decisions[0].served, needed <= chain);
			assert_int_equal(plan->n_moves, needed <= chain ? needed : 0);
			plan_free(plan);
		}
}

/* ---- steps ----------------------------------------------------------------------------------- */

enum { FULL = 12, EACH = 14, MOVER_MOST = 200000, PART = 4 };

/* Everybody's diary is full of what could change places with anything, and there is no room. */
static void make_full(size_t n_requests, int64_t steps)
{
	crowd_make(PLAN_MOST_CHAIN);
	crowd.w.input.policy.steps = steps;
	for (size_t i = 0; i < FULL; i++) {
		add_person(1, 1, (struct span){BEGIN, BEGIN + EACH * STEP});
		for (int64_t j = 0; j < EACH; j++)
			add_standing(1, BEGIN + j * STEP, 1);
	}
	for (size_t i = 0; i < n_requests; i++) {
		crowd.requests[i] = crowd.requests[0];
		crowd.requests[i].id = crowd.requests[i].case_id = 1 + (int64_t)i;
		crowd.requests[i].minutes = STEP / 60;
	}
	crowd.w.input.n_requests = n_requests;
}

static void test_movers_keep_to_their_steps(void **state)
{
	static const struct {
		size_t n_requests;
		int64_t steps;
	} cases[] = {
		{1, 1}, {1, 1000}, {1, 40000}, {MOST, 40000}, {1, INT64_C(4) * MOVER_MOST * PART}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t part = cases[i].steps / PART,
			each = (int64_t)cases[i].n_requests * MOVER_MOST;
		/* What the last look may take beyond: everybody, and all they have. */
		int64_t one_look = INT64_C(1) * FULL * (1 + EACH);
		clock_t begun = clock();
		struct plan *plan;

		make_full(cases[i].n_requests, cases[i].steps);
		plan = crowd_plan("full");
		print_message("# %d requests, %d steps: took %d, %d ms\n", (int)cases[i].n_requests,
			(int)cases[i].steps, (int)plan->steps,
			(int)((clock() - begun) * 1000 / CLOCKS_PER_SEC));
		assert_int_equal(plan->n_moves, 0);
		assert_true(plan->limited);
		assert_in_range(plan->steps, part < each ? part : each,
			(part < each ? part : each) + one_look * (int64_t)cases[i].n_requests);
		plan_free(plan);
	}
}

/* Who has looked at all there is was not cut short. */
static void test_nothing_is_said_to_be_cut_short(void **state)
{
	struct plan *plan;

	(void)state;
	make_deep(2, PLAN_MOST_CHAIN);
	plan = crowd_plan("deep");
	assert_false(plan->limited);
	plan_free(plan);
}

/* ---- a place that another left --------------------------------------------------------------- */

/*
 * The urgent request takes the first one's first step; what stood there takes the second step, and
 * what stood there goes elsewhere. The other request could have been with the first one then.
 */
static void make_taken(int64_t first_steps, int64_t latest_steps, bool third)
{
	struct plan_request *one;

	crowd_make(2);
	crowd.requests[0].minutes = 30;
	crowd.requests[0].latest = crowd.requests[0].due = BEGIN + STEP;
	crowd.requests[1] = crowd.requests[0];
	crowd.requests[1].id = crowd.requests[1].case_id = 2;
	crowd.requests[1].urgency = PLAN_ROUTINE;
	crowd.requests[1].language = 2;
	crowd.requests[1].earliest = BEGIN + STEP;
	crowd.requests[1].latest = crowd.requests[1].due = BEGIN + latest_steps * STEP;
	crowd.w.input.n_requests = 2;
	add_person(1, 2, (struct span){BEGIN, BEGIN + first_steps * STEP});
	one = add_standing(1, BEGIN, 1);
	one->latest = one->due = BEGIN + 2 * STEP;
	one = add_standing(2, BEGIN + STEP, 1);
	one->latest = one->due = BEGIN + first_steps * STEP;
	add_person(2, 1, (struct span){BEGIN + STEP, BEGIN + 2 * STEP});
	if (third)
		add_person(2, 1, (struct span){BEGIN + 2 * STEP, BEGIN + 5 * STEP})->collateral =
			true;
}

/* By the plan, all that is not moved staying where it stands; of requests without travel. */
static bool is_free(
	const struct plan *plan, const struct plan_decision *but, int32_t person, struct span span)
{
	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *one = &plan->decisions[i];

		if (one != but && one->served && one->chosen.coordinator == person
			&& span_overlaps(one->chosen.busy, span))
			return false;
	}
	for (size_t i = 0; i < crowd.w.input.n_appointments; i++) {
		const struct plan_appointment *one = &crowd.appointments[i];
		int32_t with = one->coordinator;
		struct span busy = one->busy;

		for (size_t j = 0; j < plan->n_moves; j++)
			if (plan->moves[j].appointment == one->id) {
				with = plan->moves[j].to.coordinator;
				busy = plan->moves[j].to.busy;
			}
		if (with == person && span_overlaps(busy, span))
			return false;
	}
	return true;
}

static void check_reasons_are_free(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *one = &plan->decisions[i];

		if (one->has_runner_up)
			assert_true(is_free(
				plan, one, one->runner_up.coordinator, one->runner_up.busy));
		for (size_t j = 0; j < one->n_ruled_out; j++) {
			const struct plan_ruled_out *out = &one->ruled_out[j];

			if (out->nearest != SPAN_NEVER)
				assert_true(is_free(plan, one, out->coordinator,
					(struct span){out->nearest, out->nearest + STEP}));
		}
	}
}

/* Whether one moved to where another was. */
static bool takes_a_place(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_moves; i++)
		for (size_t j = 0; j < plan->n_moves; j++)
			if (i != j
				&& plan->moves[i].to.coordinator == plan->moves[j].from_coordinator
				&& span_overlaps(
					plan->moves[i].to.meeting, plan->moves[j].from_meeting))
				return true;
	return false;
}

static void test_a_place_taken_is_not_free(void **state)
{
	(void)state;
	for (int64_t first = 3; first <= 6; first++)
		for (int64_t latest = 2; latest <= 6; latest++)
			for (int third = 0; third < 2; third++) {
				struct plan *plan;
				const char *fault;

				make_taken(first, latest, third);
				plan = crowd_plan("taken");
				assert_true(plan->decisions[0].served);
				assert_int_equal(plan->n_moves, 2);
				assert_true(takes_a_place(plan));
				check_reasons_are_free(plan);
				fault = judge_reasons(&crowd.w.input, plan);
				if (fault)
					fail_msg("%d %d %d: %s", (int)first, (int)latest, third,
						fault);
				plan_free(plan);
			}
}

/* ---- what may move, and where ---------------------------------------------------------------- */

/*
 * The urgent request fits with the first one only, where an appointment stands; the second one
 * is free. `its` is the request of `mine`, the appointment.
 */
struct pair {
	struct plan_coordinator *first, *second;
	struct plan_appointment *mine;
	struct plan_request *its;
};

static struct pair make_pair(void)
{
	struct pair pair;

	crowd_make(PLAN_MOST_CHAIN);
	crowd.requests[0].latest = AT(0, 10);
	pair.first = add_person(1, 2, (struct span){AT(0, 9), AT(0, 10)});
	pair.its = add_standing(2, AT(0, 9), 2);
	pair.mine = &crowd.appointments[0];
	pair.second = add_person(2, 2, (struct span){AT(0, 10), AT(0, 12)});
	return pair;
}

static void as_it_is(struct pair *pair)
{
	(void)pair;
}

static void second_is_locked(struct pair *pair)
{
	pair->second->locked = true;
}

/* Nor is room made there. */
static void second_is_locked_and_full(struct pair *pair)
{
	pair->second->locked = true;
	add_standing(3, AT(0, 10), 4);
	add_person(3, 1, (struct span){AT(0, 9), AT(0, 17)});
}

static void second_is_full(struct pair *pair)
{
	second_is_locked_and_full(pair);
	pair->second->locked = false;
}

static void fill_cases(struct pair *pair)
{
	crowd.w.cases[0] = pair->mine->case_id;
	pair->first->open_cases = (struct plan_cases){crowd.w.cases, 1};
	pair->first->max_open_cases = 1;
}

static void responsible_for_the_case(struct pair *pair)
{
	fill_cases(pair);
	pair->its->responsible = pair->first->id;
}

static void more_meetings_of_the_case(struct pair *pair)
{
	struct plan_appointment *more = &crowd.appointments[crowd.w.input.n_appointments++];

	fill_cases(pair);
	*more = *pair->mine;
	more->id++;
	more->request = 0;
	more->meeting = more->busy = (struct span){AT(8, 9), AT(8, 10)};
}

static void place_with_the_same_only(struct pair *pair)
{
	crowd.shifts[0].end = AT(0, 11);
	pair->second->languages.n = 0;
}

/* Whose case it then still is. */
static void same_only_and_cases_are_full(struct pair *pair)
{
	place_with_the_same_only(pair);
	fill_cases(pair);
}

static void due_at_the_last_place(struct pair *pair)
{
	pair->its->due = AT(0, 10);
}

static void due_before_any_place(struct pair *pair)
{
	pair->its->due = AT(0, 10) - 1;
}

/* The first one has a place for it after the notice too. */
static void notice_is_kept(struct pair *pair)
{
	crowd.shifts[0].end = AT(0, 11);
	pair->its->earliest = AT(0, 9);
}

static void starts_within_its_notice(struct pair *pair)
{
	crowd.shifts[0].end = AT(0, 11);
	pair->its->earliest = AT(0, 9) + 1;
}

static const struct {
	const char *name;
	void (*change)(struct pair *pair);
	size_t moves; /* 0: the request is unserved */
} rights[] = {
	{"as it is", as_it_is, 1},
	{"second is locked", second_is_locked, 0},
	{"second is full", second_is_full, 2},
	{"second is locked and full", second_is_locked_and_full, 0},
	{"cases are full", fill_cases, 1},
	{"responsible for the case", responsible_for_the_case, 0},
	{"more meetings of the case", more_meetings_of_the_case, 0},
	{"place with the same only", place_with_the_same_only, 1},
	{"same only, and cases are full", same_only_and_cases_are_full, 0},
	{"due at the last place", due_at_the_last_place, 1},
	{"due before any place", due_before_any_place, 0},
	{"notice is kept", notice_is_kept, 1},
	{"starts within its notice", starts_within_its_notice, 0},
};

static void test_what_may_move(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
		struct pair pair = make_pair();
		struct plan *plan;

		rights[i].change(&pair);
		plan = crowd_plan(rights[i].name);
		if (plan->n_moves != rights[i].moves
			|| plan->decisions[0].served != (rights[i].moves > 0))
			fail_msg("%s: %d moves, served %d", rights[i].name, (int)plan->n_moves,
				plan->decisions[0].served);
		plan_free(plan);
	}
}

static void test_accepted_ones_cost_theirs(void **state)
{
	(void)state;
	for (int accepted = 0; accepted < 2; accepted++) {
		struct pair pair = make_pair();
		struct plan *plan;

		pair.mine->accepted = accepted;
		plan = crowd_plan("accepted");
		assert_int_equal(plan->n_moves, 1);
		assert_int_equal(plan->moves[0].to.terms[PLAN_MOVE],
			accepted ? MOVE_ACCEPTED_WEIGHT : MOVE_WEIGHT);
		plan_free(plan);
	}
}

/* Of two that would do the cheaper one moves. */
static void test_who_has_not_accepted_moves_first(void **state)
{
	(void)state;
	for (int accepted = 0; accepted < 2; accepted++) {
		struct plan *plan;

		make_pair();
		add_person(1, 2, (struct span){AT(0, 9), AT(0, 10)});
		add_standing(2, AT(0, 9), 2);
		crowd.appointments[accepted].accepted = true;
		plan = crowd_plan("accepted");
		assert_int_equal(plan->n_moves, 1);
		assert_int_equal(plan->moves[0].appointment, crowd.appointments[!accepted].id);
		plan_free(plan);
	}
}

/* ---- no memory ------------------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);

/* Of allocations, counted from 0, those in [first, last) fail. */
static struct {
	uint64_t n, first, last;
} memory;

static bool is_refused(void)
{
	uint64_t now = memory.n++;

	return memory.first <= now && now < memory.last;
}

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_refused() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return is_refused() ? NULL : __real_reallocarray(old, n, size);
}

/* Refuses [first, last); how many there were. */
static uint64_t plan_short_of_memory(const struct plan_input *input, uint64_t first, uint64_t last)
{
	struct plan *plan = NULL;
	char error[200] = "";
	const char *fault = NULL;
	uint64_t n;
	int r;

	memory.n = 0;
	memory.first = first;
	memory.last = last;
	r = plan_make(input, &plan, error, sizeof error);
	n = memory.n;
	memory.first = memory.last = 0;
	if (r == 0)
		fault = judge_plan(input, plan);
	if (fault || (r != 0 && r != -ENOMEM) || (r == 0) != (plan != NULL))
		fail_msg("allocation %d of %d fails: %d %s", (int)first, (int)n, r,
			fault ? fault : error);
	plan_free(plan);
	return n;
}

static void refuse_each(const char *name, const struct plan_input *input)
{
	uint64_t n = plan_short_of_memory(input, 0, 0);

	print_message("# %s: %d allocations\n", name, (int)n);
	assert_in_range(n, 10, 100000);
	for (uint64_t i = 0; i < n; i++) {
		plan_short_of_memory(input, i, i + 1);
		plan_short_of_memory(input, i, UINT64_MAX);
	}
}

static void test_no_memory_while_moving(void **state)
{
	(void)state;
	make_deep(2, 6);
	refuse_each("deep", &crowd.w.input);
	make_taken(4, 4, true);
	refuse_each("taken", &crowd.w.input);
	make_pair();
	refuse_each("pair", &crowd.w.input);
}

/* Call-outs, families, moves, the search; and a flow. */
static void test_no_memory_at_all(void **state)
{
	static const struct {
		const char *name;
		const struct random_shape *shape;
	} cases[] = {{"mixed", &mixed}, {"pressed", &pressed}, {"one step", &one_step}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (seed = 1; seed <= worlds(20); seed++) {
			make_world(cases[i].shape);
			world.input.policy.steps = 100;
			refuse_each(cases[i].name, &world.input);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_chain_is_too_long),
		cmocka_unit_test(test_movers_keep_to_their_steps),
		cmocka_unit_test(test_nothing_is_said_to_be_cut_short),
		cmocka_unit_test(test_a_place_taken_is_not_free),
		cmocka_unit_test(test_what_may_move),
		cmocka_unit_test(test_accepted_ones_cost_theirs),
		cmocka_unit_test(test_who_has_not_accepted_moves_first),
		cmocka_unit_test(test_no_memory_while_moving),
		cmocka_unit_test(test_no_memory_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
