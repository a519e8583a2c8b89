#include "flow.h"

#include <errno.h>
#include <stdlib.h>

#include "find.h"

enum {
	TIE_BITS = 10,
	MOST_BITS = 120,
	MOST_ARCS = 8000000,
};

/* ---- is it one? ------------------------------------------------------------------------------- */

static bool is_one_step(const struct planner *planner, const struct job *job, int64_t units)
{
	const struct plan_request *request = job->request;

	if (request->urgency == PLAN_IMMEDIATE || request->buffer_minutes != 0)
		return false;
	if (job->length != planner->input->policy.grid_seconds || job->units != units)
		return false;
	if (job->family->n_jobs > 1)
		return false;
	for (size_t i = 0; i < job->kind->n_candidates; i++)
		if (job->kind->candidates[i].travel != 0)
			return false;
	return true;
}

static bool is_flow(const struct planner *planner, const struct job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_one_step(planner, &jobs[i], jobs[0].units))
			return false;
	return true;
}

/* ---- prices ----------------------------------------------------------------------------------- */

static int bits_of(wide number)
{
	int bits = 1;

	for (; number > 0; number >>= 1)
		bits++;
	return bits;
}

/* Levels lie above each other in one number, so far apart that sums of a level's differences do
 * not reach the next. */
static bool set_shifts(struct flow *flow, const struct job *jobs, size_t n)
{
	wide cost = 0, late[PLAN_URGENCIES] = {0};
	int count = bits_of(4 * (wide)n), shift = bits_of(4 * (wide)n << TIE_BITS);

	for (size_t i = 0; i < n; i++) {
		const struct kind *kind = jobs[i].kind;
		int64_t most = 0;

		for (size_t j = 0; j < kind->n_candidates; j++)
			most = later(most, kind->candidates[j].most);
		cost += most;
		late[jobs[i].request->urgency] += cost_late(&jobs[i], jobs[i].last);
	}
	flow->cost_shift = shift;
	shift += bits_of(4 * cost);
	flow->on_call_shift = shift;
	shift += count;
	for (int i = PLAN_URGENCIES; i-- > 0; shift += bits_of(4 * late[i]))
		flow->late_shift[i] = shift;
	for (int i = PLAN_URGENCIES; i-- > 0; shift += count)
		flow->unserved_shift[i] = shift;
	return shift <= MOST_BITS;
}

static wide price_of(const struct flow *flow, const struct job *job, const struct offer *offer)
{
	uint64_t hash = (uint64_t)job->request->id;
	wide price = 0;

	hash = random_next(&hash) ^ (uint64_t)offer->candidate->diary->row->id;
	price += (wide)(random_next(&hash) >> (64 - TIE_BITS));
	price += (wide)offer->cost << flow->cost_shift;
	price += (wide)offer->on_call << flow->on_call_shift;
	price += (wide)offer->late << flow->late_shift[job->request->urgency];
	return price;
}

wide flow_load(const struct flow *flow, size_t person)
{
	const struct diary *diary = flow->diaries[person];
	struct diary then = {.row = diary->row,
		.load_units = diary->load_units + flow->people[person].used * flow->units};

	return (wide)cost_load(flow->planner, &then, flow->units) << flow->cost_shift;
}

/* ---- arcs and slots --------------------------------------------------------------------------- */

static int add_arc(
	struct flow *flow, const struct job *job, const struct candidate *candidate, int64_t start)
{
	const struct plan_coordinator *row = candidate->diary->row;
	struct offer offer = {.candidate = candidate, .start = start};

	if (flow->n_arcs >= MOST_ARCS)
		return FLOW_OTHER;
	if (!planner_room(&flow->arcs, flow->n_arcs, &flow->arcs_room, sizeof *flow->arcs))
		return -ENOMEM;
	/* On-call time is used by urgent jobs only; and what load costs is paid at the sink. */
	offer.on_call = job->may_on_call
			&& !span_list_contains(row->regular, job_meeting(job, start));
	cost_offer(flow->planner, job, &offer);
	offer.cost -= cost_load(flow->planner, candidate->diary, job->units);
	flow->arcs[flow->n_arcs++] = (struct flow_arc){
		.slot = (size_t)start,
		.price = price_of(flow, job, &offer),
		.candidate = candidate,
		.on_call = offer.on_call,
	};
	return 0;
}

static int add_arcs(struct flow *flow, struct flow_job *one)
{
	struct job *job = one->job;
	int r = 0;

	one->first_arc = flow->n_arcs;
	one->at = SIZE_MAX;
	one->unserved = (wide)1 << flow->unserved_shift[job->request->urgency];
	for (size_t i = 0; r == 0 && i < job->kind->n_candidates; i++) {
		const struct candidate *candidate = &job->kind->candidates[i];
		struct span_list shift = job->may_on_call ? diary_at_work(candidate->diary)
							  : candidate->diary->row->regular;
		struct search search = search_make(job, candidate, shift);
		int64_t start = search_start(&search, job->from);

		for (; r == 0 && start != SPAN_NEVER; start = search_start(&search, start + 1))
			r = add_arc(flow, job, candidate, start);
	}
	one->n_arcs = flow->n_arcs - one->first_arc;
	return r;
}

static int by_diary_and_start(const void *a, const void *b)
{
	const struct flow_slot *x = a, *y = b;

	if (x->diary != y->diary)
		return x->diary < y->diary ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static int make_slots(struct flow *flow)
{
	size_t n = 0;

	flow->slots = planner_array(flow->n_arcs, sizeof *flow->slots);
	if (flow->slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < flow->n_arcs; i++)
		flow->slots[i] = (struct flow_slot){.diary = flow->arcs[i].candidate->diary,
			.start = (int64_t)flow->arcs[i].slot,
			.job = SIZE_MAX};
	qsort(flow->slots, flow->n_arcs, sizeof *flow->slots, by_diary_and_start);
	for (size_t i = 0; i < flow->n_arcs; i++)
		if (n == 0 || by_diary_and_start(&flow->slots[n - 1], &flow->slots[i]) != 0)
			flow->slots[n++] = flow->slots[i];
	flow->n_slots = n;
	for (size_t i = 0; i < flow->n_arcs; i++) {
		struct flow_arc *arc = &flow->arcs[i];
		struct flow_slot key = {
			.diary = arc->candidate->diary, .start = (int64_t)arc->slot};
		const struct flow_slot *found = bsearch(
			&key, flow->slots, n, sizeof *flow->slots, by_diary_and_start);

		arc->slot = (size_t)(found - flow->slots);
	}
	return 0;
}

/* ---- days, weeks, people ---------------------------------------------------------------------- */

static int64_t room_in_week(const struct flow *flow, const struct diary *diary, size_t week)
{
	int64_t left = diary->row->weekly_minutes - diary->week_minutes[week];

	return left < 0 ? 0 : left / flow->counted;
}

/* Opens a new node after the last where something changes; each child counts as the last's. */
static struct flow_node *grow(struct flow_node *nodes, size_t *n, size_t child, bool anew)
{
	if (anew)
		nodes[(*n)++] = (struct flow_node){.first = child, .last = child};
	nodes[*n - 1].last = child + 1;
	return &nodes[*n - 1];
}

static int make_tree(struct flow *flow)
{
	const struct flow_slot *before = NULL;
	size_t day_before = 0;

	flow->days = planner_array(flow->n_slots, sizeof *flow->days);
	flow->weeks = planner_array(flow->n_slots, sizeof *flow->weeks);
	flow->people = planner_array(flow->n_slots, sizeof *flow->people);
	flow->diaries = planner_array(flow->n_slots, sizeof(struct diary *));
	if (!flow->days || !flow->weeks || !flow->people || !flow->diaries)
		return -ENOMEM;
	for (size_t i = 0; i < flow->n_slots; before = &flow->slots[i++]) {
		struct flow_slot *slot = &flow->slots[i];
		struct diary *diary = slot->diary;
		size_t day = diary_day(diary, slot->start), week = diary->week_starts[day];
		bool person = before == NULL || before->diary != diary;
		bool new_week = person || diary->week_starts[day_before] != week;
		bool new_day = person || day_before != day;

		grow(flow->days, &flow->n_days, i, new_day)->most = later(
			diary->row->meetings_a_day - diary->meetings[day], 0);
		slot->day = flow->n_days - 1;
		if (new_day) {
			grow(flow->weeks, &flow->n_weeks, flow->n_days - 1, new_week)->most =
				room_in_week(flow, diary, week);
			flow->days[flow->n_days - 1].parent = flow->n_weeks - 1;
		}
		if (new_week) {
			grow(flow->people, &flow->n_people, flow->n_weeks - 1, person);
			flow->weeks[flow->n_weeks - 1].parent = flow->n_people - 1;
			flow->diaries[flow->n_people - 1] = diary;
		}
		day_before = day;
	}
	return 0;
}

int64_t flow_room_for_cases(const struct diary *diary)
{
	return later(diary->row->max_open_cases - (int64_t)diary->n_open_cases, 0);
}

/* Whose cases of their own are among the jobs may have more of them than new ones; then the limit
 * of open cases is no limit of a flow: flow.c sees to it. */
static void limit_people(struct flow *flow)
{
	for (size_t i = 0; i < flow->n_people; i++) {
		const struct diary *diary = flow->diaries[i];
		bool has_some = false;

		for (size_t j = 0; j < flow->n_jobs && !has_some; j++)
			has_some = diary_has_case(diary, flow->jobs[j].job->request->case_id);
		flow->people[i].most = has_some ? (int64_t)flow->n_jobs
						: flow_room_for_cases(diary);
	}
}

int flow_open(struct flow *flow, struct planner *planner, struct job *jobs, size_t n)
{
	int r = 0;

	*flow = (struct flow){.planner = planner};
	if (n < 2 || !is_flow(planner, jobs, n) || !set_shifts(flow, jobs, n))
		return FLOW_OTHER;
	flow->counted = jobs[0].request->minutes;
	flow->units = jobs[0].units;
	flow->jobs = planner_array(n, sizeof *flow->jobs);
	if (flow->jobs == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		flow->jobs[flow->n_jobs++].job = &jobs[i];
		r = add_arcs(flow, &flow->jobs[i]);
	}
	if (r == 0)
		r = make_slots(flow);
	if (r == 0)
		r = make_tree(flow);
	if (r == 0)
		limit_people(flow);
	return r;
}

void flow_close(struct flow *flow)
{
	free(flow->jobs);
	free(flow->arcs);
	free(flow->slots);
	free(flow->days);
	free(flow->weeks);
	free(flow->people);
	free(flow->diaries);
}
