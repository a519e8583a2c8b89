#include "search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Ruin and recreate: some meetings that are near each other in time or person are taken out and
 * put in again in another order; a worse plan is sometimes accepted for a while, ever less, and
 * the best one seen is kept. Several such runs are made, each from another first plan, and a last
 * one from the best of all that accepts nothing worse. Among few jobs the last one, which then has
 * most of the steps, puts in again as well as can be what was taken out (exchange.c): there are
 * plans that no order leads to, since in them somebody takes what is dearer for themselves alone.
 * Among many it is worth less than its steps. All chance comes from the requests' ids.
 *
 * The numbers here were chosen by trying on the instances of the kind `mixed` of tests/exact;
 * vacd-plan(7) says how near the best it comes.
 */

enum {
	RUNS = 4,           /* from hot to cold, each from another first plan */
	STRICT = 10,        /* every other run holds closer to the order of plans */
	NEAR_ENOUGH = 2000, /* one part in so many above the floor */
};

/* ---- how good a plan is while it is worked on ------------------------------------------------- */

/* Close to the order of plans, but in one number. */
static wide energy(const struct searcher *s)
{
	const struct price *price = &s->planner->price;
	wide late = 4 * (wide)price->late[PLAN_URGENT] + price->late[PLAN_IMMEDIATE]
		    + price->late[PLAN_ROUTINE];
	wide unserved = 4 * (wide)price->unserved[PLAN_URGENT] + price->unserved[PLAN_IMMEDIATE]
			+ price->unserved[PLAN_ROUTINE];

	return price->cost
	       + (late * s->late_penalty + unserved * s->unserved_penalty
			 + price->on_call * s->on_call_penalty)
			 * s->strictness;
}

static void set_penalties(struct searcher *s)
{
	int64_t grid = s->planner->input->policy.grid_seconds / 60, most_late = 60;
	int64_t usual = s->floor.cost / (int64_t)s->n_hopeful + 1;

	for (size_t i = 0; i < s->n; i++)
		most_late = later(most_late, cost_late(&s->jobs[i], s->jobs[i].last));
	s->late_penalty = later(usual / grid, 1);
	s->on_call_penalty = 2 * (wide)usual;
	s->unserved_penalty = 8 * s->late_penalty * most_late + 16 * (wide)usual;
	s->heat = later(usual / 4, 1);
}

static int64_t steps_taken(const struct searcher *s)
{
	return s->planner->steps - s->first_step;
}

/* -ln of 1/64, 3/64 … 63/64, by 1000. */
static const int16_t logarithms[32] = {4159, 3060, 2549, 2213, 1962, 1761, 1594, 1451, 1326, 1214,
	1114, 1023, 940, 863, 792, 725, 662, 604, 548, 496, 446, 398, 352, 309, 268, 228, 190, 153,
	118, 84, 48, 16};

/* How much worse a plan may be to go on from it: in the mean the heat, which falls to nothing. */
static wide tolerance(struct searcher *s)
{
	int64_t left = s->steps - steps_taken(s), parts;

	if (left <= 0)
		return 0;
	parts = (int64_t)((wide)left * 1024 / s->steps);
	return (wide)s->heat * parts * parts / ((wide)1024 * 1024)
	       * logarithms[random_next(&s->random) >> 59] / 1000;
}

/* ---- who has no place, and what changed ------------------------------------------------------- */

/* Puts a job on the list of those that have no place, or takes it off, as it now is. For whom
 * there would be none even alone, none is looked for. */
static void list_absence(struct searcher *s, struct job *job)
{
	struct record *record = record_of(s, job);

	if (job->at.candidate == NULL && record->absent_index == 0 && job->least.candidate) {
		s->absent[s->n_absent++] = job;
		record->absent_index = s->n_absent;
	} else if (job->at.candidate && record->absent_index > 0) {
		struct job *last = s->absent[--s->n_absent];

		s->absent[record->absent_index - 1] = last;
		record_of(s, last)->absent_index = record->absent_index;
		record->absent_index = 0;
	}
}

static void note_change(struct searcher *s, struct job *job)
{
	struct record *record = record_of(s, job);

	list_absence(s, job);
	if (!record->is_changed)
		s->changed[s->n_changed++] = (size_t)(job - s->jobs);
	record->is_changed = true;
}

static void note_all(struct searcher *s)
{
	for (size_t i = 0; i < s->n; i++)
		note_change(s, &s->jobs[i]);
}

/* ---- the search ------------------------------------------------------------------------------- */

/* What call-outs pay for broken limits depends on their order: it is the canonical one. */
static void price_call_outs(struct searcher *s)
{
	struct planner *planner = s->planner;

	for (size_t i = s->n; i-- > 0;) {
		s->aside[i] = s->jobs[i].at;
		if (s->jobs[i].at.candidate)
			unplace(planner, &s->jobs[i]);
	}
	planner->price = (struct price){.unserved[PLAN_IMMEDIATE] = (int64_t)s->n};
	for (size_t i = 0; i < s->n; i++) {
		struct offer offer = s->aside[i];

		if (offer.candidate == NULL)
			continue;
		offer.caps = find_caps(&s->jobs[i], offer.candidate, offer.start);
		cost_offer(planner, &s->jobs[i], &offer);
		place(planner, &s->jobs[i], &offer);
	}
	planner->steps += (int64_t)s->n;
}

static void keep_best(struct searcher *s)
{
	s->best_price = s->planner->price;
	for (; s->n_changed > 0; s->n_changed--) {
		size_t i = s->changed[s->n_changed - 1];

		s->records[i].best = s->jobs[i].at;
		s->records[i].is_changed = false;
	}
}

static void go_to_best(struct searcher *s)
{
	for (size_t i = 0; i < s->n_changed; i++)
		if (s->jobs[s->changed[i]].at.candidate)
			unplace(s->planner, &s->jobs[s->changed[i]]);
	for (; s->n_changed > 0; s->n_changed--) {
		struct job *job = &s->jobs[s->changed[s->n_changed - 1]];
		struct record *record = record_of(s, job);

		if (record->best.candidate)
			place(s->planner, job, &record->best);
		list_absence(s, job);
		record->is_changed = false;
	}
	s->planner->price = s->best_price;
}

static bool is_near_enough(const struct searcher *s)
{
	struct price price = s->best_price;

	price.cost -= s->floor.cost / NEAR_ENOUGH;
	return price_compare(&price, &s->floor) <= 0;
}

/* Who is often left without a place is hard to place: as good a plan that leaves out others, who
 * were not left out so often, leads on. Only those that were taken out can differ. */
static int64_t absences_of(struct searcher *s, bool before)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->n_out; i++) {
		const struct undo *one = &s->out[i];

		if ((before ? one->offer.candidate : one->job->at.candidate) == NULL)
			sum += record_of(s, one->job)->absences;
	}
	return sum;
}

static bool is_acceptable(struct searcher *s, const struct price *before, wide at, wide now)
{
	const struct price *price = &s->planner->price;

	if (s->cold)
		return price_compare(price, before) <= 0;
	if (s->seeking_places
		&& memcmp(price->unserved, before->unserved, sizeof price->unserved) == 0) {
		int64_t gone = absences_of(s, true), come = absences_of(s, false);

		if (gone != come)
			return come < gone;
	}
	return now <= at + tolerance(s);
}

static void turn(struct searcher *s, wide *at)
{
	struct price before = s->planner->price;
	wide now;
	bool better;

	s->n_out = 0;
	if (s->cold && s->exchange) {
		exchange(s);
	} else {
		ruin(s);
		recreate(s);
	}
	if (s->jobs[0].request->urgency == PLAN_IMMEDIATE)
		price_call_outs(s);
	now = energy(s);
	better = price_compare(&s->planner->price, &s->best_price) < 0;
	for (size_t i = 0; i < s->n_out && s->seeking_places; i++)
		record_of(s, s->out[i].job)->absences += s->out[i].job->at.candidate == NULL;
	if (!better && !is_acceptable(s, &before, *at, now)) {
		ruin_undo(s, &before);
		return;
	}
	*at = now;
	if (s->jobs[0].request->urgency == PLAN_IMMEDIATE)
		note_all(s); /* what they cost may be another now */
	for (size_t i = 0; i < s->n_out; i++)
		note_change(s, s->out[i].job);
	if (better)
		keep_best(s);
}

/* Another first plan: in any order. */
static void begin_anew(struct searcher *s)
{
	for (size_t i = 0; i < s->n; i++) {
		s->order[i] = &s->jobs[i];
		if (s->jobs[i].at.candidate)
			unplace(s->planner, &s->jobs[i]);
	}
	for (size_t i = s->n; i > 0; i--) {
		size_t j = random_below(&s->random, i);
		struct job *job = s->order[j];
		struct offer offer;

		s->order[j] = s->order[i - 1];
		if (best_offer(s->planner, job, SKIP, &s->random, &offer))
			place(s->planner, job, &offer);
	}
	if (s->jobs[0].request->urgency == PLAN_IMMEDIATE)
		price_call_outs(s);
	note_all(s);
}

static bool somebody_could_have_a_place(const struct searcher *s)
{
	return memcmp(s->best_price.unserved, s->floor.unserved, sizeof s->floor.unserved) != 0;
}

static void run(struct searcher *s, int64_t steps)
{
	struct planner *planner = s->planner;
	wide at = energy(s);

	s->first_step = planner->steps;
	s->steps = steps;
	while (steps_taken(s) < s->steps && planner->failed == 0 && !is_near_enough(s)) {
		s->seeking_places = !s->cold && steps_taken(s) < s->steps / 3
				    && somebody_could_have_a_place(s);
		turn(s, &at);
		/* A turn that looks at nobody is a step too. */
		planner->steps++;
	}
	planner->searched += steps_taken(s);
	go_to_best(s);
}

static void search(struct searcher *s, int64_t steps)
{
	int64_t hot = steps / (s->exchange ? 3 * RUNS : RUNS + 1);

	note_all(s);
	keep_best(s);
	for (int i = 0; i < RUNS && s->planner->failed == 0 && !is_near_enough(s); i++) {
		s->strictness = i % 2 ? STRICT : 1;
		if (i > 0)
			begin_anew(s);
		run(s, hot);
	}
	s->cold = true;
	run(s, steps - RUNS * hot);
}

/* Few jobs nearly always come to the best plan there is by this, in about
 * a second; many are to be done in less than one. Beyond PLAN_CROWD jobs it grows with them. */
static int64_t enough_for(size_t n)
{
	int64_t jobs = (int64_t)n, crowds = (jobs - 1) / PLAN_CROWD + 1, most = 12000000;

	if (n <= FEW)
		return 2000 * jobs * jobs * jobs < most ? 2000 * jobs * jobs * jobs : most;
	return later(320000000 / jobs, 3000000 * crowds);
}

/* Call-outs, which are planned first, leave the others their part. */
static int64_t share_of(const struct planner *planner, const struct job *jobs, size_t n)
{
	int64_t left = planner->most_steps - planner->searched;

	return jobs[0].request->urgency == PLAN_IMMEDIATE
		       ? left / (int64_t)planner->n_jobs * (int64_t)n
		       : left;
}

static uint64_t seed_of(const struct job *jobs, size_t n)
{
	uint64_t seed = n;

	for (size_t i = 0; i < n; i++)
		seed ^= random_next(&seed) + (uint64_t)jobs[i].request->id;
	return seed;
}

static int allocate(struct searcher *s)
{
	s->order = planner_array(s->n, sizeof(struct job *));
	s->hopeful = planner_array(s->n, sizeof(struct job *));
	s->absent = planner_array(s->n, sizeof(struct job *));
	s->records = planner_array(s->n, sizeof *s->records);
	s->changed = planner_array(s->n, sizeof *s->changed);
	s->aside = planner_array(s->n, sizeof *s->aside);
	return s->order && s->hopeful && s->absent && s->records && s->changed && s->aside
		       ? 0
		       : -ENOMEM;
}

static int search_from_first(struct searcher *s)
{
	struct planner *planner = s->planner;
	int64_t left = share_of(planner, s->jobs, s->n), enough = enough_for(s->n_hopeful);

	/* What call-outs cost depends on each other. */
	if (s->n_hopeful <= FEW && s->jobs[0].request->urgency != PLAN_IMMEDIATE) {
		s->exchange = exchange_new();
		if (s->exchange == NULL)
			return -ENOMEM;
	}
	s->random = seed_of(s->jobs, s->n);
	set_penalties(s);
	search(s, left < enough ? left : enough);
	planner->limited |= left < enough && !is_near_enough(s);
	s->exchange = exchange_free(s->exchange);
	return planner->failed;
}

int search_better(struct planner *planner, struct job *jobs, size_t n)
{
	struct searcher s = {.planner = planner, .jobs = jobs, .n = n};
	int r = allocate(&s);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (jobs[i].least.candidate)
			s.hopeful[s.n_hopeful++] = &jobs[i];
	s.floor = price_floor(jobs, n);
	s.best_price = planner->price;
	if (r == 0 && s.n_hopeful > 1 && price_compare(&s.best_price, &s.floor) != 0)
		planner->exact = false;
	if (r == 0 && s.n_hopeful > 1 && !is_near_enough(&s))
		r = search_from_first(&s);
	free(s.order);
	free(s.hopeful);
	free(s.absent);
	free(s.records);
	free(s.changed);
	free(s.aside);
	return r;
}
