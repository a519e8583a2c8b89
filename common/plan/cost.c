#include "planner.h"

/* A meeting with another office's victim costs the way there and back as well. */
int64_t cost_counted_minutes(const struct plan_request *request, int64_t travel)
{
	return request->minutes + 2 * travel / 60;
}

int64_t cost_units(const struct plan_request *request)
{
	return (request->minutes * request->load_percent + 1499) / 1500;
}

/* ---- load ------------------------------------------------------------------------------------ */

/* Σ ⌊(a·j + b) ÷ m⌋ for j in [0, n), in steps as of Euclid's algorithm; all in range (cost_most()). */
static wide floor_sum(int64_t n, wide m, wide a, wide b)
{
	wide sum = 0, top;
	wide count = n;

	for (;;) {
		sum += (a / m) * (count * (count - 1) / 2) + (b / m) * count;
		a %= m;
		b %= m;
		top = a * count + b;
		if (top < m)
			return sum;
		count = top / m;
		b = top % m;
		top = m;
		m = a;
		a = top;
	}
}

static int64_t load_numerator(const struct planner *planner)
{
	return 75 * planner->input->policy.weight[PLAN_LOAD][PLAN_ROUTINE];
}

static int64_t load_denominator(const struct diary *diary)
{
	return 16 * later(diary->row->weekly_shift_minutes, 60);
}

enum { FEW_UNITS = 8 };

int64_t cost_load(const struct planner *planner, const struct diary *diary, int64_t units)
{
	int64_t a = load_numerator(planner), m = load_denominator(diary), sum = 0;
	int64_t b = a * (2 * diary->load_units + 1);

	if (a == 0)
		return 0;
	if (units > FEW_UNITS)
		return (int64_t)floor_sum(units, m, 2 * (wide)a, b);
	for (; units > 0; units--, b += 2 * a)
		sum += b / m;
	return sum;
}

/* ---- the other terms ------------------------------------------------------------------------- */

static int64_t weight(
	const struct planner *planner, enum plan_term term, const struct plan_request *request)
{
	return planner->input->policy.weight[term][request->urgency];
}

/* Whether the case has somebody already, so that no other meeting matters for `continuity`. */
static bool is_known(const struct plan_request *request)
{
	return request->responsible != 0 || request->met.n > 0;
}

static bool is_new_face(const struct plan_request *request, const struct family *family,
	const struct candidate *candidate)
{
	int32_t id = candidate->diary->row->id;

	if (is_known(request))
		return request->responsible != id && !has_id(request->met, id);
	return family && family_is_stranger(family, id);
}

static int preferences_unmet(
	const struct plan_request *request, const struct plan_coordinator *coordinator)
{
	return (request->gender != 0 && request->gender != coordinator->gender)
	       + (request->preferred != 0 && request->preferred != coordinator->id);
}

/* How many times each term's weight is paid whatever the start and the other meetings. */
static void count_base(const struct plan_request *request, const struct candidate *candidate,
	int64_t times[PLAN_TERMS])
{
	const struct plan_coordinator *row = candidate->diary->row;

	times[PLAN_COLLATERAL] = row->collateral;
	times[PLAN_BACKUP] = candidate->rank;
	times[PLAN_INTERPRETER] = candidate->by_interpreter;
	times[PLAN_PREFERENCE] = preferences_unmet(request, row);
	times[PLAN_CONTINUITY] = is_known(request) && is_new_face(request, NULL, candidate);
}

int64_t cost_base(const struct planner *planner, const struct plan_request *request,
	const struct candidate *candidate)
{
	int64_t times[PLAN_TERMS] = {0}, sum = 0;

	count_base(request, candidate, times);
	for (int i = 0; i < PLAN_TERMS; i++)
		sum += times[i] * weight(planner, (enum plan_term)i, request);
	return sum;
}

int64_t cost_late(const struct job *job, int64_t start)
{
	int64_t late = start - job->request->due;

	return late > 0 ? (late + 59) / 60 : 0;
}

int64_t cost_wait(const struct planner *planner, const struct job *job, int64_t start)
{
	return weight(planner, PLAN_WAIT, job->request) * ((start - planner->input->now) / 60);
}

static int64_t cost_caps(
	const struct planner *planner, const struct plan_request *request, unsigned caps)
{
	return weight(planner, PLAN_OVER_CAP, request) * __builtin_popcount(caps);
}

void cost_offer(const struct planner *planner, const struct job *job, struct offer *offer)
{
	const struct plan_request *request = job->request;
	const struct candidate *candidate = offer->candidate;

	offer->late = cost_late(job, offer->start);
	offer->cost = candidate->base + cost_wait(planner, job, offer->start)
		      + cost_load(planner, candidate->diary, job->units)
		      + cost_caps(planner, request, offer->caps);
	if (!is_known(request) && is_new_face(request, job->family, candidate))
		offer->cost += weight(planner, PLAN_CONTINUITY, request);
}

struct plan_choice cost_choice(
	const struct planner *planner, const struct job *job, const struct offer *offer)
{
	const struct plan_request *request = job->request;
	const struct candidate *candidate = offer->candidate;
	struct plan_choice choice = {
		.coordinator = candidate->diary->row->id,
		.by_interpreter = candidate->by_interpreter,
		.over_cap = offer->caps != 0,
		.on_call = !span_list_contains(
			candidate->diary->row->regular, job_meeting(job, offer->start)),
		.meeting = job_meeting(job, offer->start),
		.busy = job_busy(job, candidate, offer->start),
		.late_minutes = cost_late(job, offer->start),
	};
	int64_t *terms = choice.terms;

	count_base(request, candidate, terms);
	terms[PLAN_CONTINUITY] = is_new_face(request, job->family, candidate);
	for (int i = 0; i < PLAN_TERMS; i++)
		terms[i] *= weight(planner, (enum plan_term)i, request);
	terms[PLAN_WAIT] = cost_wait(planner, job, offer->start);
	terms[PLAN_LOAD] = cost_load(planner, candidate->diary, job->units);
	terms[PLAN_OVER_CAP] = cost_caps(planner, request, offer->caps);
	for (int i = 0; i < PLAN_TERMS; i++)
		choice.cost += terms[i];
	return choice;
}

/* ---- range ----------------------------------------------------------------------------------- */

bool cost_most(const struct planner *planner, const struct plan_request *request,
	struct candidate *candidate, int64_t latest, int64_t all_units)
{
	wide most = 0, a = load_numerator(planner), m = load_denominator(candidate->diary);
	wide last = (wide)2 * (candidate->diary->load_units + all_units) + 1;
	int64_t times[PLAN_TERMS] = {0};

	count_base(request, candidate, times);
	times[PLAN_WAIT] = (later(latest, planner->input->now) - planner->input->now) / 60;
	times[PLAN_CONTINUITY] = 1;
	times[PLAN_OVER_CAP] = request->urgency == PLAN_IMMEDIATE ? 4 : 0;
	for (int i = 0; i < PLAN_TERMS; i++)
		most += (wide)times[i] * weight(planner, (enum plan_term)i, request);
	if (a * last >= INT64_MAX)
		return false;
	most += (a * last / m) * cost_units(request);
	/* All that is planned together must fit, and differences of it. */
	if (most * (wide)(planner->n_jobs + planner->n_standing + 1) >= (wide)1 << 61)
		return false;
	candidate->most = (int64_t)most;
	return true;
}

/* ---- order ----------------------------------------------------------------------------------- */

static uint64_t tie_hash(int64_t request, int32_t coordinator)
{
	uint64_t state = (uint64_t)request;

	state = random_next(&state) ^ (uint64_t)coordinator;
	return random_next(&state);
}

/* Who has had less for the time they are there for; so little may cost nothing yet. */
static int load_order(const struct diary *a, const struct diary *b)
{
	wide x = (wide)a->load_units * load_denominator(b);
	wide y = (wide)b->load_units * load_denominator(a);

	return (x > y) - (x < y);
}

bool offer_is_lower(const struct job *job, const struct offer *a, const struct offer *b)
{
	int32_t x = a->candidate->diary->row->id, y = b->candidate->diary->row->id;
	uint64_t hash_x, hash_y;
	int order;

	if (a->late != b->late)
		return a->late < b->late;
	if (a->on_call != b->on_call)
		return b->on_call;
	if (a->cost != b->cost)
		return a->cost < b->cost;
	if (a->start != b->start)
		return a->start < b->start;
	order = load_order(a->candidate->diary, b->candidate->diary);
	if (order != 0)
		return order < 0;
	hash_x = tie_hash(job->request->id, x);
	hash_y = tie_hash(job->request->id, y);
	return hash_x != hash_y ? hash_x < hash_y : x < y;
}
