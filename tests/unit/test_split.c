#include "plan_trial.h"

#include "dispatch/rows.h"
#include "dispatch/split.h"

/* What is read together is planned as if each group had been read alone. */

enum { GROUPS = 3, APART = 1000, FIRST_GROUP = 50 };
enum { MEETINGS = RANDOM_MEETINGS + RANDOM_REQUESTS };

static struct random_world groups[GROUPS];
static size_t n_groups, n_shared;

/* All of them put together. */
static struct {
	struct plan_input input;
	struct split_home homes[GROUPS * 3];
	struct plan_office offices[GROUPS * 3];
	struct plan_coordinator people[GROUPS * RANDOM_PEOPLE];
	struct plan_appointment meetings[GROUPS * MEETINGS];
	struct plan_request requests[GROUPS * RANDOM_REQUESTS];
	struct plan_request standing[GROUPS * RANDOM_MEETINGS];
} whole;

/* ---- groups that have nothing in common ------------------------------------------------------ */

static void shift_request(struct plan_request *request, int32_t by)
{
	request->id += by;
	request->case_id += by;
	request->office += by;
	request->preferred += request->preferred ? by : 0;
	request->responsible += request->responsible ? by : 0;
}

static void shift_people(struct random_world *w, int32_t by)
{
	for (size_t i = 0; i <= w->input.n_coordinators; i++) {
		w->people[i].id += by;
		w->people[i].office += by;
		for (int j = 0; j < RANDOM_CASES; j++)
			w->cases[i][j] += by;
	}
	for (int i = 0; i < RANDOM_REQUESTS + RANDOM_MEETINGS; i++)
		for (int j = 0; j < 3; j++)
			w->ids[i][j][0] += by;
}

static void shift(struct random_world *w, int32_t by)
{
	for (int i = 0; i < 3; i++) {
		w->offices[i].id += by;
		for (int j = 0; i < 2 && j < 2; j++)
			w->backups[i][j].office += by;
	}
	shift_people(w, by);
	for (size_t i = 0; i < w->input.n_appointments; i++) {
		struct plan_appointment *row = &w->meetings[i];

		row->id += by;
		row->coordinator += by;
		row->case_id += by;
		row->request += row->request ? by : 0;
	}
	for (size_t i = 0; i < w->input.n_requests; i++)
		shift_request(&w->requests[i], by);
	for (size_t i = 0; i < w->input.n_standing; i++)
		shift_request(&w->standing[i], by);
}

static void make_groups(struct random_source *source)
{
	n_groups = 2 + (size_t)random_below(source, GROUPS - 1);
	for (size_t i = 0; i < n_groups; i++) {
		struct random_shape shape = random_below(source, 2) ? pressed : mixed;

		if (random_below(source, 6) == 0)
			shape.requests = 0;
		random_make(&groups[i], &shape, source);
		shift(&groups[i], (int32_t)i * APART);
		groups[i].input.now = groups[0].input.now;
		groups[i].input.policy = groups[0].input.policy;
		groups[i].input.policy.moved_by[PLAN_URGENT] = 7;
		groups[i].input.policy.moved_by[PLAN_ROUTINE] = 7;
		for (size_t j = 0; j < groups[i].input.n_standing; j++)
			groups[i].standing[j].due = groups[i].standing[j].latest;
	}
}

/* Somebody of one group meets the victim of a case that another group plans for. */
static void share_case(struct random_source *source)
{
	struct random_world *from = &groups[random_below(source, (int64_t)n_groups)];
	struct random_world *to = &groups[random_below(source, (int64_t)n_groups)];
	struct plan_appointment *meeting;

	if (from == to || from->input.n_appointments == 0 || to->input.n_requests == 0)
		return;
	meeting = &from->meetings[random_below(source, (int64_t)from->input.n_appointments)];
	meeting->case_id =
		to->requests[random_below(source, (int64_t)to->input.n_requests)].case_id;
	for (size_t i = 0; i < from->input.n_standing; i++)
		if (from->standing[i].id == meeting->request)
			from->standing[i].case_id = meeting->case_id;
	n_shared++;
}

/* ---- together and alone ---------------------------------------------------------------------- */

static void gather(void)
{
	struct plan_input *to = &whole.input;

	*to = groups[0].input;
	to->offices = whole.offices;
	to->coordinators = whole.people;
	to->appointments = whole.meetings;
	to->requests = whole.requests;
	to->standing = whole.standing;
	to->n_offices = to->n_coordinators = to->n_appointments = 0;
	to->n_requests = to->n_standing = 0;
	for (size_t i = 0; i < n_groups; i++) {
		const struct random_world *from = &groups[i];

		for (size_t j = 0; j < 3; j++) {
			whole.homes[to->n_offices] = (struct split_home){
				from->offices[j].id, FIRST_GROUP + (int32_t)i};
			whole.offices[to->n_offices++] = from->offices[j];
		}
		for (size_t j = 0; j < from->input.n_coordinators; j++)
			whole.people[to->n_coordinators++] = from->people[j];
		for (size_t j = 0; j < from->input.n_appointments; j++)
			whole.meetings[to->n_appointments++] = from->meetings[j];
		for (size_t j = 0; j < from->input.n_requests; j++)
			whole.requests[to->n_requests++] = from->requests[j];
		for (size_t j = 0; j < from->input.n_standing; j++)
			whole.standing[to->n_standing++] = from->standing[j];
	}
}

static void mix_requests(struct random_source *source)
{
	for (size_t i = whole.input.n_requests; i > 1; i--) {
		size_t j = (size_t)random_below(source, (int64_t)i);
		struct plan_request swapped = whole.requests[j];

		whole.requests[j] = whole.requests[i - 1];
		whole.requests[i - 1] = swapped;
	}
}

static bool asks_for(const struct plan_input *input, int64_t case_id)
{
	for (size_t i = 0; i < input->n_requests; i++)
		if (input->requests[i].case_id == case_id)
			return true;
	for (size_t i = 0; i < input->n_standing; i++)
		if (input->standing[i].case_id == case_id)
			return true;
	return false;
}

/* What is read of this group when nothing else is. */
static struct plan_input alone(size_t group, struct plan_appointment meetings[])
{
	struct plan_input input = groups[group].input;

	input.n_appointments = 0;
	for (size_t i = 0; i < n_groups; i++)
		for (size_t j = 0; j < groups[i].input.n_appointments; j++) {
			struct plan_appointment row = groups[i].meetings[j];

			if (i != group && !asks_for(&input, row.case_id))
				continue;
			if (i != group)
				row.request = 0;
			meetings[input.n_appointments++] = row;
		}
	input.appointments = meetings;
	return input;
}

static char *plan_as_text(const struct plan_input *input, size_t *moves)
{
	struct plan *plan = make_plan(input);
	char *json, *text;

	assert_int_equal(plan_write_json(plan, 0, plan->n_decisions, &json), 0);
	assert_true(
		asprintf(&text, "%s cost %lld steps %lld exact %d limited %d", json,
			(long long)plan->cost, (long long)plan->steps, plan->exact, plan->limited)
		> 0);
	*moves += plan->n_moves;
	free(json);
	plan_free(plan);
	return text;
}

static void compare(const struct share *share, size_t *moves)
{
	struct plan_appointment meetings[GROUPS * MEETINGS];
	size_t group = (size_t)share->group - FIRST_GROUP, others = 0;
	struct plan_input input = alone(group, meetings);
	char *expected = plan_as_text(&input, &others);
	char *text = plan_as_text(&share->input, moves);

	if (strcmp(text, expected) != 0)
		fail_msg("seed %d, group %zu:\n%s\nalone:\n%s", (int)seed, group, text, expected);
	free(expected);
	free(text);
}

static void test_each_group_is_planned_as_if_alone(void **state)
{
	size_t moves = 0, compared = 0;

	(void)state;
	n_shared = 0;
	for (seed = 1; seed <= worlds(1500); seed++) {
		struct random_source source = {.seed = seed};
		struct arena arena = {0};
		struct share *shares;
		size_t n, asking = 0;

		make_groups(&source);
		for (int i = 0; i < 6; i++)
			share_case(&source);
		gather();
		mix_requests(&source);
		for (size_t i = 0; i < n_groups; i++)
			asking += groups[i].input.n_requests > 0;
		assert_int_equal(
			split_input(&whole.input, whole.homes, n_groups * 3, &arena, &shares, &n),
			0);
		assert_int_equal(n, asking);
		for (size_t i = 0; i < n; i++)
			compare(&shares[i], &moves);
		compared += n;
		arena_clear(&arena);
	}
	/* There was something to tell apart. */
	assert_true(compared > worlds(1500));
	assert_true(moves > compared / 50);
	assert_true(n_shared > compared / 2);
}

/* ---- by hand --------------------------------------------------------------------------------- */

static void split_by_hand(
	const struct plan_input *input, struct arena *arena, struct share **sharesp, size_t *np)
{
	static const struct split_home homes[] = {{1, 7}, {2, 7}, {3, 8}, {4, 9}};

	assert_int_equal(split_input(input, homes, 4, arena, sharesp, np), 0);
}

/* Its people stay with their group. */
static void test_an_office_that_was_left_out(void **state)
{
	static const struct plan_office offices[] = {{.id = 1}, {.id = 3}};
	static const struct plan_coordinator people[] = {{.id = 11, .office = 1},
		{.id = 12, .office = 2}, {.id = 13, .office = 3}, {.id = 14, .office = 5}};
	static const struct plan_request requests[] = {{.id = 1, .office = 1}};
	const struct plan_input input = {.offices = offices,
		.n_offices = 2,
		.coordinators = people,
		.n_coordinators = 4,
		.requests = requests,
		.n_requests = 1};
	struct arena arena = {0};
	struct share *shares;
	size_t n;

	(void)state;
	split_by_hand(&input, &arena, &shares, &n);
	assert_int_equal(n, 1);
	assert_int_equal(shares[0].group, 7);
	assert_int_equal(shares[0].input.n_offices, 1);
	assert_int_equal(shares[0].input.n_coordinators, 2);
	assert_int_equal(shares[0].input.coordinators[1].id, 12);
	arena_clear(&arena);
}

static void test_shares_stand_as_their_requests_do(void **state)
{
	static const struct plan_request requests[] = {{.id = 1, .office = 4},
		{.id = 2, .office = 1}, {.id = 3, .office = 4}, {.id = 4, .office = 2}};
	const struct plan_input input = {.requests = requests, .n_requests = 4};
	struct arena arena = {0};
	struct share *shares;
	size_t n;

	(void)state;
	split_by_hand(&input, &arena, &shares, &n);
	assert_int_equal(n, 2);
	assert_int_equal(shares[0].group, 9);
	assert_int_equal(shares[0].input.requests[1].id, 3);
	assert_int_equal(shares[1].group, 7);
	assert_int_equal(shares[1].input.requests[1].id, 4);
	arena_clear(&arena);
}

static void test_nothing_asked(void **state)
{
	const struct plan_input input = {0};
	struct arena arena = {0};
	struct share *shares;
	size_t n;

	(void)state;
	split_by_hand(&input, &arena, &shares, &n);
	assert_int_equal(n, 0);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_group_is_planned_as_if_alone),
		cmocka_unit_test(test_an_office_that_was_left_out),
		cmocka_unit_test(test_shares_stand_as_their_requests_do),
		cmocka_unit_test(test_nothing_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
