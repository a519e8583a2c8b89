#include "flow.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Shortest augmenting paths: one job after the other is let in, each by the cheapest way, which
 * may push others on. Potentials keep every price on the way at zero or more, so that Dijkstra's
 * search finds it; it ends at the sink.
 */

/* Nodes: jobs, slots, days, weeks, people, the sink. */
enum node_kind { JOB, SLOT, DAY, WEEK, PERSON, SINK };

struct paths {
	struct flow *flow;
	size_t first[SINK + 1];
	size_t n_nodes;
	wide *potential, *distance;
	size_t *from;  /* the node before on the way */
	size_t *arc;   /* of a slot: the arc that led there */
	uint8_t *done; /* 0: not seen, 1: in the heap, 2: settled */
	size_t *heap, *heap_place;
	size_t n_heap;
	size_t *touched, n_touched;
	size_t n_jobs; /* let in so far */
	int64_t looks;
};

enum { LOOKS_A_STEP = 16 };

static size_t sink_of(const struct paths *p)
{
	return p->first[SINK];
}

/* ---- the heap --------------------------------------------------------------------------------- */

static bool is_before(const struct paths *p, size_t a, size_t b)
{
	return p->distance[a] != p->distance[b] ? p->distance[a] < p->distance[b] : a < b;
}

static void put_at(struct paths *p, size_t place, size_t node)
{
	p->heap[place] = node;
	p->heap_place[node] = place;
}

static void sift_up(struct paths *p, size_t place)
{
	size_t node = p->heap[place];

	while (place > 0 && is_before(p, node, p->heap[(place - 1) / 2])) {
		put_at(p, place, p->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put_at(p, place, node);
}

static void sift_down(struct paths *p, size_t place)
{
	size_t node = p->heap[place];

	for (size_t child; (child = 2 * place + 1) < p->n_heap; place = child) {
		if (child + 1 < p->n_heap && is_before(p, p->heap[child + 1], p->heap[child]))
			child++;
		if (!is_before(p, p->heap[child], node))
			break;
		put_at(p, place, p->heap[child]);
	}
	put_at(p, place, node);
}

static size_t pop(struct paths *p)
{
	size_t node = p->heap[0];

	put_at(p, 0, p->heap[--p->n_heap]);
	if (p->n_heap > 0)
		sift_down(p, 0);
	return node;
}

/* ---- the search ------------------------------------------------------------------------------- */

static void reach(struct paths *p, size_t node, size_t from, wide price, size_t arc)
{
	wide distance = p->distance[from] + price + p->potential[from] - p->potential[node];

	p->looks++;
	if (p->done[node] == 2 || (p->done[node] == 1 && distance >= p->distance[node]))
		return;
	p->distance[node] = distance;
	p->from[node] = from;
	p->arc[node] = arc;
	if (p->done[node] == 0) {
		p->done[node] = 1;
		p->touched[p->n_touched++] = node;
		put_at(p, p->n_heap, node);
		p->n_heap++;
	}
	sift_up(p, p->heap_place[node]);
}

static void leave_job(struct paths *p, size_t node)
{
	const struct flow_job *job = &p->flow->jobs[node];

	for (size_t i = 0; i < job->n_arcs; i++) {
		size_t arc = job->first_arc + i;

		if (arc != job->at && !p->flow->arcs[arc].closed)
			reach(p, p->first[SLOT] + p->flow->arcs[arc].slot, node,
				p->flow->arcs[arc].price, arc);
	}
	if (!job->must)
		reach(p, sink_of(p), node, job->unserved, 0);
}

static void leave_slot(struct paths *p, size_t node)
{
	const struct flow_slot *slot = &p->flow->slots[node - p->first[SLOT]];

	if (slot->job == SIZE_MAX)
		reach(p, p->first[DAY] + slot->day, node, 0, 0);
	else
		reach(p, slot->job, node, -p->flow->arcs[p->flow->jobs[slot->job].at].price, 0);
}

static void leave_day(struct paths *p, size_t node)
{
	const struct flow_node *day = &p->flow->days[node - p->first[DAY]];

	if (day->used < day->most)
		reach(p, p->first[WEEK] + day->parent, node, 0, 0);
	for (size_t i = day->first; i < day->last; i++)
		if (p->flow->slots[i].job != SIZE_MAX)
			reach(p, p->first[SLOT] + i, node, 0, SIZE_MAX);
}

static void leave_week(struct paths *p, size_t node)
{
	const struct flow_node *week = &p->flow->weeks[node - p->first[WEEK]];

	if (week->used < week->most)
		reach(p, p->first[PERSON] + week->parent, node, 0, 0);
	for (size_t i = week->first; i < week->last; i++)
		if (p->flow->days[i].used > 0)
			reach(p, p->first[DAY] + i, node, 0, 0);
}

static void leave_person(struct paths *p, size_t node)
{
	size_t number = node - p->first[PERSON];
	const struct flow_node *person = &p->flow->people[number];

	if (person->used < person->most)
		reach(p, sink_of(p), node, flow_load(p->flow, number), 0);
	for (size_t i = person->first; i < person->last; i++)
		if (p->flow->weeks[i].used > 0)
			reach(p, p->first[WEEK] + i, node, 0, 0);
}

static enum node_kind kind_of(const struct paths *p, size_t node)
{
	enum node_kind kind = SINK;

	while (node < p->first[kind])
		kind--;
	return kind;
}

static void leave(struct paths *p, size_t node)
{
	switch (kind_of(p, node)) {
	case JOB:
		leave_job(p, node);
		break;
	case SLOT:
		leave_slot(p, node);
		break;
	case DAY:
		leave_day(p, node);
		break;
	case WEEK:
		leave_week(p, node);
		break;
	case PERSON:
		leave_person(p, node);
		break;
	case SINK:
		break;
	}
}

/* What lies nearer than the sink gets nearer by the difference: so prices stay at zero or more. */
static void raise_potentials(struct paths *p, wide to_sink)
{
	for (size_t i = 0; i < p->n_touched; i++) {
		size_t node = p->touched[i];

		if (p->done[node] == 2)
			p->potential[node] += p->distance[node] - to_sink;
		p->done[node] = 0;
	}
	p->n_touched = 0;
}

/* False: there is none, because somebody must have what cannot be. */
static bool find_path(struct paths *p, size_t job)
{
	size_t node;

	p->n_heap = 0;
	p->distance[job] = 0;
	p->done[job] = 1;
	p->touched[p->n_touched++] = job;
	put_at(p, p->n_heap++, job);
	while (p->n_heap > 0 && (node = pop(p)) != sink_of(p)) {
		p->done[node] = 2;
		leave(p, node);
	}
	if (p->done[sink_of(p)] == 0)
		return false;
	raise_potentials(p, p->distance[sink_of(p)]);
	return true;
}

/* ---- augmenting ------------------------------------------------------------------------------- */

/* Counts a slot's day, week and person once more or less. */
static void count_slot(struct flow *flow, const struct flow_slot *slot, int times)
{
	struct flow_node *day = &flow->days[slot->day];
	struct flow_node *week = &flow->weeks[day->parent];

	day->used += times;
	week->used += times;
	flow->people[week->parent].used += times;
}

static void leave_slot_free(struct flow *flow, size_t job)
{
	struct flow_slot *slot;

	if (flow->jobs[job].at == SIZE_MAX)
		return;
	slot = &flow->slots[flow->arcs[flow->jobs[job].at].slot];
	if (slot->job == job) {
		slot->job = SIZE_MAX;
		count_slot(flow, slot, -1);
	}
	flow->jobs[job].at = SIZE_MAX;
}

static void take_slot(struct flow *flow, size_t job, size_t arc)
{
	struct flow_slot *slot = &flow->slots[flow->arcs[arc].slot];

	leave_slot_free(flow, job);
	if (slot->job == SIZE_MAX)
		count_slot(flow, slot, 1);
	slot->job = job;
	flow->jobs[job].at = arc;
}

/* From the sink back to the job that was let in: each job on the way takes the slot behind it. The
 * last ones first, so that a slot that is taken over was left before. */
static void augment(struct paths *p)
{
	struct flow *flow = p->flow;
	size_t node = sink_of(p), before = p->from[node];

	if (kind_of(p, before) == JOB)
		leave_slot_free(flow, before);
	for (node = before;; node = before) {
		if (kind_of(p, node) == JOB && node == p->n_jobs)
			return;
		before = p->from[node];
		if (kind_of(p, node) == SLOT && kind_of(p, before) == JOB)
			take_slot(flow, before, p->arc[node]);
	}
}

/* Potentials of a job that comes in: none of its ways has a price below zero. */
static void let_in(struct paths *p, size_t number)
{
	const struct flow_job *job = &p->flow->jobs[number];
	wide most = p->potential[sink_of(p)] - job->unserved;
	bool any = !job->must;

	for (size_t i = 0; i < job->n_arcs; i++) {
		const struct flow_arc *arc = &p->flow->arcs[job->first_arc + i];
		wide one = p->potential[p->first[SLOT] + arc->slot] - arc->price;

		if (arc->closed)
			continue;
		most = !any || one > most ? one : most;
		any = true;
	}
	p->potential[number] = most;
	p->n_jobs = number;
}

static int open_paths(struct paths *p, struct flow *flow)
{
	const size_t sizes[] = {
		flow->n_jobs, flow->n_slots, flow->n_days, flow->n_weeks, flow->n_people, 1};
	size_t n = 0;

	*p = (struct paths){.flow = flow};
	for (int kind = JOB; kind <= SINK; kind++) {
		p->first[kind] = n;
		n += sizes[kind];
	}
	p->n_nodes = n;
	p->potential = planner_array(n, sizeof *p->potential);
	p->distance = planner_array(n, sizeof *p->distance);
	p->from = planner_array(n, sizeof *p->from);
	p->arc = planner_array(n, sizeof *p->arc);
	p->done = planner_array(n, sizeof *p->done);
	p->heap = planner_array(n, sizeof *p->heap);
	p->heap_place = planner_array(n, sizeof *p->heap_place);
	p->touched = planner_array(n, sizeof *p->touched);
	return p->potential && p->distance && p->from && p->arc && p->done && p->heap
			       && p->heap_place && p->touched
		       ? 0
		       : -ENOMEM;
}

static void close_paths(struct paths *p)
{
	free(p->potential);
	free(p->distance);
	free(p->from);
	free(p->arc);
	free(p->done);
	free(p->heap);
	free(p->heap_place);
	free(p->touched);
}

/* Nobody has a place. */
static void clear(struct flow *flow)
{
	for (size_t i = 0; i < flow->n_jobs; i++)
		leave_slot_free(flow, i);
}

int flow_find(struct flow *flow)
{
	struct planner *planner = flow->planner;
	struct paths paths;
	int r = open_paths(&paths, flow);

	clear(flow);
	for (size_t i = 0; r == 0 && i < flow->n_jobs; i++) {
		let_in(&paths, i);
		if (find_path(&paths, i))
			augment(&paths);
		else
			r = FLOW_NONE;
		if (planner->searched + paths.looks / LOOKS_A_STEP > planner->most_steps)
			r = FLOW_OTHER;
	}
	planner->searched += paths.looks / LOOKS_A_STEP;
	close_paths(&paths);
	return r;
}
