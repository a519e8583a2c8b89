#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Branch and bound: the limit of open cases holds new cases only, so for somebody who has cases of
 * their own among the jobs it is none that a flow could keep. Where the best flow breaks it, it is
 * tried with each set of their own cases fixed to them, the others of these closed to them: then
 * they take so many more.
 */

enum { MOST_OWN = 8 }; /* own cases of one person that are tried in all sets */

struct branches {
	struct flow *flow;
	bool found;
	wide price;
	size_t *best; /* arcs */
};

static struct flow_arc *arc_of(const struct flow *flow, size_t job)
{
	size_t at = flow->jobs[job].at;

	return at == SIZE_MAX ? NULL : &flow->arcs[at];
}

static wide price_of(struct flow *flow)
{
	wide price = 0;

	for (size_t i = 0; i < flow->n_jobs; i++) {
		const struct flow_arc *arc = arc_of(flow, i);

		price += arc ? arc->price : flow->jobs[i].unserved;
	}
	for (size_t i = 0; i < flow->n_people; i++) {
		int64_t used = flow->people[i].used;

		for (flow->people[i].used = 0; flow->people[i].used < used; flow->people[i].used++)
			price += flow_load(flow, i);
	}
	return price;
}

/* The first person who got more new cases than they may; n_people: nobody. */
static size_t find_broken(const struct flow *flow)
{
	for (size_t i = 0; i < flow->n_people; i++) {
		const struct diary *diary = flow->diaries[i];
		int64_t left = flow_room_for_cases(diary);

		for (size_t j = 0; j < flow->n_jobs; j++) {
			const struct flow_arc *arc = arc_of(flow, j);

			if (arc && arc->candidate->diary == diary
				&& !diary_has_case(diary, flow->jobs[j].job->request->case_id)
				&& left-- <= 0)
				return i;
		}
	}
	return flow->n_people;
}

static size_t list_own(const struct flow *flow, const struct diary *diary, size_t own[MOST_OWN])
{
	size_t n = 0;

	for (size_t i = 0; i < flow->n_jobs; i++) {
		if (!diary_has_case(diary, flow->jobs[i].job->request->case_id))
			continue;
		if (n == MOST_OWN)
			return n + 1;
		own[n++] = i;
	}
	return n;
}

/* Fixes a job to somebody, or closes them to it; both once more undo it. */
static void fix(
	struct flow *flow, size_t number, const struct diary *diary, bool to_them, int times)
{
	struct flow_job *job = &flow->jobs[number];

	for (size_t i = job->first_arc; i < job->first_arc + job->n_arcs; i++)
		if ((flow->arcs[i].candidate->diary == diary) != to_them)
			flow->arcs[i].closed += times;
	if (to_them)
		job->must += times;
}

static int branch(struct branches *b);

static int branch_on(struct branches *b, size_t person)
{
	struct flow *flow = b->flow;
	struct flow_node *node = &flow->people[person];
	const struct diary *diary = flow->diaries[person];
	int64_t most = node->most;
	size_t own[MOST_OWN], n = list_own(flow, diary, own);
	int r = 0;

	if (n > MOST_OWN)
		return FLOW_OTHER;
	for (unsigned set = 0; r == 0 && set < 1U << n; set++) {
		node->most = flow_room_for_cases(diary) + __builtin_popcount(set);
		for (size_t i = 0; i < n; i++)
			fix(flow, own[i], diary, set >> i & 1, 1);
		r = branch(b);
		for (size_t i = 0; i < n; i++)
			fix(flow, own[i], diary, set >> i & 1, -1);
	}
	node->most = most;
	return r;
}

static void keep(struct branches *b, wide price)
{
	b->found = true;
	b->price = price;
	for (size_t i = 0; i < b->flow->n_jobs; i++)
		b->best[i] = b->flow->jobs[i].at;
}

static int branch(struct branches *b)
{
	int r = flow_find(b->flow);
	size_t person;
	wide price;

	if (r != 0)
		return r == FLOW_NONE ? 0 : r;
	price = price_of(b->flow);
	if (b->found && price >= b->price)
		return 0;
	person = find_broken(b->flow);
	if (person < b->flow->n_people)
		return branch_on(b, person);
	keep(b, price);
	return 0;
}

static void place_all(struct flow *flow, const size_t *arcs)
{
	for (size_t i = 0; i < flow->n_jobs; i++) {
		struct job *job = flow->jobs[i].job;
		const struct flow_arc *arc;
		struct offer offer;

		if (arcs[i] == SIZE_MAX)
			continue;
		arc = &flow->arcs[arcs[i]];
		offer = (struct offer){.candidate = arc->candidate,
			.start = flow->slots[arc->slot].start,
			.on_call = arc->on_call};
		cost_offer(flow->planner, job, &offer);
		place(flow->planner, job, &offer);
	}
}

int flow_solve(struct planner *planner, struct job *jobs, size_t n)
{
	struct flow flow;
	struct branches b = {.flow = &flow};
	int r = flow_open(&flow, planner, jobs, n);

	if (r == 0) {
		b.best = planner_array(n, sizeof *b.best);
		r = b.best ? branch(&b) : -ENOMEM;
	}
	if (r == 0)
		place_all(&flow, b.best);
	free(b.best);
	flow_close(&flow);
	return r;
}
