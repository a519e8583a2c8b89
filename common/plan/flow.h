/*
 * flow - the one-step plan as a flow; only the flow files include it
 *
 * When every meeting fills one step of the grid, a job goes to one slot (a step of somebody's
 * diary), and from there through that person's day, week and person to the sink: each of these
 * takes as many as its limit says, and the sink takes a person's k-th meeting at the price of
 * load that the k-th has. A job that finds no slot goes to the sink at the price of being
 * unserved. A plan is the better the lower the flow's price, all levels of the order of plans
 * being one number.
 */
#pragma once

#include "planner.h"

/* A job's way to one slot. */
struct flow_arc {
	size_t slot;
	wide price;
	const struct candidate *candidate;
	bool on_call;
	int closed; /* how often */
};

struct flow_job {
	struct job *job;
	size_t first_arc, n_arcs;
	size_t at;     /* its arc in use; SIZE_MAX: unserved, or not yet there */
	wide unserved; /* price */
	int must;      /* not to be unserved, if not 0 */
};

struct flow_slot {
	struct diary *diary;
	int64_t start;
	size_t day; /* index in days */
	size_t job; /* that has it; SIZE_MAX: free */
};

/* A day, a week or a person: its children lie in [first, last), one below. */
struct flow_node {
	size_t first, last;
	size_t parent;
	int64_t used, most;
};

struct flow {
	struct planner *planner;
	struct flow_job *jobs;
	size_t n_jobs;
	struct flow_arc *arcs;
	size_t n_arcs, arcs_room;
	struct flow_slot *slots; /* by diary, then start */
	size_t n_slots;
	struct flow_node *days, *weeks, *people;
	size_t n_days, n_weeks, n_people;
	struct diary **diaries; /* of people */
	int64_t counted;        /* minutes of each meeting */
	int64_t units;          /* of load, likewise */
	/* How far each level of the order is shifted. */
	int cost_shift, on_call_shift, late_shift[PLAN_URGENCIES], unserved_shift[PLAN_URGENCIES];
};

/* flow_build.c: 0, -ENOMEM, FLOW_OTHER. */
int flow_open(struct flow *flow, struct planner *planner, struct job *jobs, size_t n);
void flow_close(struct flow *flow);
/* The price of a person's next meeting in load. */
wide flow_load(const struct flow *flow, size_t person);
/* New cases that they may take. */
int64_t flow_room_for_cases(const struct diary *diary);

/* flow_paths.c: the cheapest flow. 0, -ENOMEM; FLOW_NONE: somebody who must have a place finds
 * none; FLOW_OTHER: it would take too long. */
enum { FLOW_NONE = 2 };
int flow_find(struct flow *flow);
