#include "planner.h"

/* A meeting with another office's victim costs the way there and back as well. */
int64_t cost_counted_minutes(const struct plan_request *request, int64_t travel)
{
	return request->minutes + 2 * travel / 60;
}

int64_t cost_weighted_minutes(const struct plan_request *request)
{
	return request->minutes * request->load_percent / 100;
}

/* F of plan.h; false when it does not fit. */
static bool load_price(int64_t weight, int64_t load, int64_t shift_minutes, int64_t *price)
{
	int64_t shifts = shift_minutes < 60 ? 60 : shift_minutes;

	if (__builtin_mul_overflow(load, load, price))
		return false;
	if (__builtin_mul_overflow(*price, weight, price))
		return false;
	*price /= 48 * shifts;
	return true;
}

static bool load_term(const struct diary *diary, const struct plan_request *request, int64_t weight,
	int64_t *term)
{
	int64_t shifts = diary->row->weekly_shift_minutes, before, after;

	if (!load_price(weight, diary->load_minutes, shifts, &before))
		return false;
	if (!load_price(
		    weight, diary->load_minutes + cost_weighted_minutes(request), shifts, &after))
		return false;
	*term = after - before;
	return true;
}

static bool holds_meeting(const struct task *task, int32_t coordinator)
{
	for (size_t i = 0; i < task->n_case_meetings; i++)
		if (task->case_meetings[i].coordinator == coordinator)
			return true;
	return false;
}

static bool is_stranger(const struct task *task, int32_t coordinator)
{
	const struct plan_request *request = task->request;

	if (request->responsible != 0 || request->met.n > 0)
		return request->responsible != coordinator && !has_id(request->met, coordinator);
	return task->n_case_meetings > 0 && !holds_meeting(task, coordinator);
}

static int preferences_unmet(
	const struct plan_request *request, const struct plan_coordinator *coordinator)
{
	return (request->gender != 0 && request->gender != coordinator->gender)
	       + (request->preferred != 0 && request->preferred != coordinator->id);
}

/* How many times each term's weight is paid; `load` is not of this kind. */
static void count_terms(const struct planner *planner, const struct task *task,
	const struct candidate *candidate, unsigned caps_broken, struct plan_choice *choice)
{
	const struct plan_coordinator *row = candidate->diary->row;
	int64_t *times = choice->terms;

	times[PLAN_WAIT] = (choice->meeting.start - planner->input->now) / 60;
	times[PLAN_COLLATERAL] = row->collateral;
	times[PLAN_BACKUP] = candidate->rank;
	times[PLAN_INTERPRETER] = choice->by_interpreter;
	times[PLAN_PREFERENCE] = preferences_unmet(task->request, row);
	times[PLAN_CONTINUITY] = is_stranger(task, row->id);
	times[PLAN_LOAD] = 0;
	times[PLAN_OVER_CAP] = __builtin_popcount(caps_broken);
}

int cost_of(struct planner *planner, const struct task *task, const struct candidate *candidate,
	unsigned caps_broken, struct plan_choice *choice)
{
	const struct plan_request *request = task->request;
	int64_t late = choice->meeting.start - request->due;
	bool fits = true;

	choice->late_minutes = late > 0 ? (late + 59) / 60 : 0;
	count_terms(planner, task, candidate, caps_broken, choice);
	choice->cost = 0;
	for (int i = 0; i < PLAN_TERMS && fits; i++) {
		int64_t weight = planner->input->policy.weight[i][request->urgency];
		int64_t *term = &choice->terms[i];

		if (i == PLAN_LOAD)
			fits = load_term(candidate->diary, request, weight, term);
		else
			fits = !__builtin_mul_overflow(*term, weight, term);
		fits = fits && !__builtin_add_overflow(choice->cost, *term, &choice->cost);
	}
	if (!fits)
		return planner_fail(planner,
			"request %lld with coordinator %d: the cost is too large",
			(long long)request->id, (int)candidate->diary->row->id);
	return 0;
}

/* Mixes the bits of a number so that neighbours part (the finaliser of SplitMix64). */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t tie_hash(int64_t request, int32_t coordinator)
{
	return mix(mix((uint64_t)request) ^ (uint64_t)coordinator);
}

bool cost_is_lower(const struct plan_request *request, const struct plan_choice *a,
	const struct plan_choice *b)
{
	uint64_t x, y;

	if (a->late_minutes != b->late_minutes)
		return a->late_minutes < b->late_minutes;
	if (a->cost != b->cost)
		return a->cost < b->cost;
	if (a->meeting.start != b->meeting.start)
		return a->meeting.start < b->meeting.start;
	x = tie_hash(request->id, a->coordinator);
	y = tie_hash(request->id, b->coordinator);
	return x != y ? x < y : a->coordinator < b->coordinator;
}
