/*
 * fuzz_plan - any bytes as an input of the planner
 *
 * The bytes choose a small world (plan_random.h), and then values in it that are set to something
 * extreme. Whatever comes of it, the planner ends with a plan that breaks no rule and whose figures
 * are right, or with PLAN_INVALID and a text; and the same plan in whatever order the rows come.
 * With VACD_TEST_SHOW in the environment the world is written for plan-case, in both orders.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../exact/plan_text.h"
#include "../unit/plan_judge.h"
#include "../unit/plan_random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct random_world world;

/* ---- extremes -------------------------------------------------------------------------------- */

static int64_t extreme(struct random_source *source, int64_t old)
{
	static const int64_t values[] = {0, 1, -1, 59, 60, 61, 1000, 14400, 86400, INT64_MAX,
		INT64_MIN, INT64_MAX / 2, PLAN_LATEST - 1, PLAN_LATEST, 1 - PLAN_LATEST,
		-PLAN_LATEST, PLAN_MOST_WEIGHT, PLAN_MOST_WEIGHT + 1, PLAN_MOST_MINUTES,
		PLAN_MOST_MINUTES + 1, PLAN_MOST_STEPS, INT32_MAX, INT32_MIN};
	enum { N = sizeof values / sizeof *values };
	int64_t i = random_below(source, N + 20);

	/* A little beside what it was is worth trying, too. */
	return i < N ? values[i]
		     : (int64_t)((uint64_t)old + (uint64_t)(random_below(source, 7201) - 3600));
}

static void spoil_number(int64_t *number, struct random_source *source)
{
	*number = extreme(source, *number);
}

static void spoil_code(int32_t *code, struct random_source *source)
{
	*code = (int32_t)extreme(source, *code);
}

static void spoil_policy(struct random_source *source)
{
	struct plan_policy *policy = &world.input.policy;
	int64_t *const numbers[] = {&world.input.now, &policy->grid_seconds, &policy->rest_minutes,
		&policy->weight_move_accepted, &policy->move_chain};
	enum { N = sizeof numbers / sizeof *numbers };
	int64_t which = random_below(source, N + PLAN_TERMS * PLAN_URGENCIES);

	if (which < N)
		spoil_number(numbers[which], source);
	else
		spoil_number(
			&policy->weight[(which - N) / PLAN_URGENCIES][(which - N) % PLAN_URGENCIES],
			source);
}

static void spoil_request(struct plan_request *r, struct random_source *source)
{
	int64_t *const numbers[] = {&r->id, &r->case_id, &r->minutes, &r->buffer_minutes,
		&r->load_percent, &r->earliest, &r->latest, &r->due};
	int32_t *const codes[] = {
		&r->office, &r->service, &r->language, &r->gender, &r->preferred, &r->responsible};
	enum { N = sizeof numbers / sizeof *numbers, M = sizeof codes / sizeof *codes };
	int64_t which = random_below(source, N + M + 1);

	if (which < N)
		spoil_number(numbers[which], source);
	else if (which < N + M)
		spoil_code(codes[which - N], source);
	else
		r->urgency = (enum plan_urgency)random_below(source, 8);
}

static void spoil_person(struct random_source *source)
{
	size_t i = (size_t)random_below(source, (int64_t)world.input.n_coordinators);
	struct plan_coordinator *one = &world.people[i];
	int64_t *const numbers[] = {&one->max_open_cases, &one->weekly_minutes,
		&one->meetings_a_day, &one->load_minutes, &one->weekly_shift_minutes};
	enum { N = sizeof numbers / sizeof *numbers };
	int64_t which = random_below(source, N + 4);
	struct span *span =
		&world.spans[i][random_below(source, 4)][random_below(source, RANDOM_PIECES)];

	if (which < N)
		spoil_number(numbers[which], source);
	else if (which == N)
		spoil_code(random_below(source, 2) ? &one->id : &one->office, source);
	else if (which == N + 1)
		one->zone = (size_t)extreme(source, 0);
	else
		spoil_number(random_below(source, 2) ? &span->start : &span->end, source);
}

static void spoil_appointment(struct random_source *source)
{
	struct plan_appointment *row =
		&world.meetings[random_below(source, (int64_t)world.input.n_appointments)];
	int64_t *const numbers[] = {&row->case_id, &row->meeting.start, &row->meeting.end,
		&row->busy.start, &row->busy.end, &row->counted_minutes, &row->request};
	enum { N = sizeof numbers / sizeof *numbers };
	int64_t which = random_below(source, N + 1);

	if (which < N)
		spoil_number(numbers[which], source);
	else
		spoil_code(&row->coordinator, source);
}

static void spoil_place(struct random_source *source)
{
	struct plan_backup *backup =
		&world.backups[random_below(source, 2)][random_below(source, 2)];
	struct span *hours = &world.hours[random_below(source, 3)][random_below(source, 2)]
					 [random_below(source, RANDOM_DAYS)];
	int64_t zone = random_below(source, 2), day = random_below(source, RANDOM_DAYS);

	switch (random_below(source, 6)) {
	case 0:
		spoil_code(&backup->office, source);
		break;
	case 1:
		spoil_code(
			random_below(source, 2) ? &backup->rank : &backup->travel_minutes, source);
		break;
	case 2:
		spoil_number(random_below(source, 2) ? &hours->start : &hours->end, source);
		break;
	case 3:
		spoil_number(&world.day_starts[zone][day], source);
		break;
	case 4:
		spoil_code(&world.weeks[day], source);
		break;
	default:
		world.zones[zone].n_days = (size_t)day;
	}
}

static void spoil(struct random_source *source)
{
	const struct plan_input *input = &world.input;
	int64_t which = random_below(source, 6);

	if (which == 0)
		spoil_policy(source);
	else if (which == 1)
		spoil_person(source);
	else if (which == 2 && input->n_appointments > 0)
		spoil_appointment(source);
	else if (which == 3 && input->n_standing > 0)
		spoil_request(
			&world.standing[random_below(source, (int64_t)input->n_standing)], source);
	else if (which == 4)
		spoil_place(source);
	else if (input->n_requests > 0)
		spoil_request(
			&world.requests[random_below(source, (int64_t)input->n_requests)], source);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_plan: %s\n", why);
	abort();
}

static void show(void)
{
	if (getenv("VACD_TEST_SHOW"))
		plan_text_write(&world.input, stdout);
	fflush(stdout);
}

/* NULL: the planner takes no such input. */
static char *plan_as_json(void)
{
	struct plan *plan = NULL;
	char error[200] = "", *text = NULL;
	const char *fault;
	int r = plan_make(&world.input, &plan, error, sizeof error);

	if (r == PLAN_INVALID && error[0] != '\0' && plan == NULL)
		return NULL;
	if (r != 0)
		fail("neither a plan nor a reason why there is none");
	fault = judge_plan(&world.input, plan);
	if (fault)
		fail(fault);
	if (plan_write_json(plan, 0, plan->n_decisions, &text) != 0)
		fail("a plan that cannot be written");
	plan_free(plan);
	return text;
}

static void make(struct random_source *choices, struct random_source *source)
{
	struct random_shape shape = {
		.people = 1 + (size_t)random_below(choices, RANDOM_PEOPLE),
		.meetings = (size_t)random_below(choices, RANDOM_MEETINGS + 1),
		.requests = (size_t)random_below(choices, RANDOM_REQUESTS + 1),
	};
	int64_t flags = random_below(choices, 32), spoilt = random_below(choices, 8);

	shape.one_step = (flags & 7) == 7;
	shape.may_move = flags & 1;
	shape.unruly = flags & 8;
	shape.pressed = flags & 16;
	shape.steps = 1 + random_below(choices, 500); /* 0 would be very many */
	random_make(&world, &shape, source);
	for (; spoilt > 0; spoilt--)
		spoil(choices);
}

/* The first bytes choose a seed, the next ones what is special; the others go before what the seed
 * says of the world. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { SEED = 2, CHOICES = 64 };
	struct random_source choices = {0}, source = {.seed = 1}, order = {.seed = size + 1};
	char *first, *second;

	for (size_t i = 0; i < SEED && i < size; i++)
		source.seed = source.seed << 8 | data[i];
	if (size > SEED)
		choices = (struct random_source){
			data + SEED, (size < CHOICES ? size : CHOICES) - SEED, 0};
	if (size > CHOICES) {
		source.bytes = data + CHOICES;
		source.n = size - CHOICES;
	}
	make(&choices, &source);
	show();
	first = plan_as_json();
	random_shuffle(&world, &order);
	show();
	second = plan_as_json();
	if ((first == NULL) != (second == NULL))
		fail("another order of rows makes it valid");
	if (first && strcmp(first, second) != 0)
		fail("another order of rows makes another plan");
	free(first);
	free(second);
	return 0;
}
