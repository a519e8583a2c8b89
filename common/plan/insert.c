#include "planner.h"

/* ---- prices ---------------------------------------------------------------------------------- */

int price_compare(const struct price *a, const struct price *b)
{
	for (int i = 0; i < PLAN_URGENCIES; i++)
		if (a->unserved[i] != b->unserved[i])
			return a->unserved[i] < b->unserved[i] ? -1 : 1;
	for (int i = 0; i < PLAN_URGENCIES; i++)
		if (a->late[i] != b->late[i])
			return a->late[i] < b->late[i] ? -1 : 1;
	if (a->on_call != b->on_call)
		return a->on_call < b->on_call ? -1 : 1;
	return (a->cost > b->cost) - (a->cost < b->cost);
}

/* A job that is placed is one less unserved, at a price; taken out it is the other way round. */
static void count_price(
	struct price *price, const struct job *job, const struct offer *offer, int times)
{
	enum plan_urgency urgency = job->request->urgency;

	price->unserved[urgency] -= times;
	price->late[urgency] += times * offer->late;
	price->on_call += offer->on_call ? times : 0;
	price->cost += times * offer->cost;
}

struct price price_floor(const struct job *jobs, size_t n)
{
	struct price price = {0};

	for (size_t i = 0; i < n; i++) {
		price.unserved[jobs[i].request->urgency]++;
		if (jobs[i].least.candidate)
			count_price(&price, &jobs[i], &jobs[i].least, 1);
	}
	return price;
}

/* ---- in and out ------------------------------------------------------------------------------ */

static void note(struct planner *planner, int r)
{
	if (r != 0)
		planner->failed = r;
}

/* Nobody else asks when the only request of a case is met. */
static bool has_siblings(const struct job *job)
{
	return job->family->n_jobs + job->family->n_standing > 1;
}

void place(struct planner *planner, struct job *job, const struct offer *offer)
{
	struct diary *diary = offer->candidate->diary;

	/* After a failure nothing changes any more, and nobody asks. */
	if (planner->failed != 0)
		return;
	job->at = *offer;
	count_price(&planner->price, job, offer, 1);
	note(planner, diary_put(diary, planner->input, job));
	if (has_siblings(job))
		note(planner,
			family_add(job->family, (struct case_meeting){diary->row->id,
							job_meeting(job, offer->start), job}));
}

/* What it cost was a difference; what it saves is the difference now. */
void unplace(struct planner *planner, struct job *job)
{
	struct offer offer = job->at;

	/* Nor may it be anywhere then. */
	if (planner->failed != 0)
		return;
	note(planner, diary_take(offer.candidate->diary, job));
	if (has_siblings(job))
		note(planner, family_remove_job(job->family, job));
	cost_offer(planner, job, &offer);
	count_price(&planner->price, job, &offer, -1);
	job->at = (struct offer){0};
}

/* ---- the best place -------------------------------------------------------------------------- */

/* Whether no start with this candidate can be better than what there is. */
static bool is_hopeless(const struct planner *planner, const struct job *job,
	const struct candidate *candidate, const struct offer *best)
{
	int64_t first = later(candidate->first, job->from), late = cost_late(job, first);

	if (first > job->last)
		return true;
	if (late != best->late || best->on_call)
		return late > best->late;
	return candidate->base + cost_wait(planner, job, first) > best->cost;
}

bool best_offer(struct planner *planner, const struct job *job, unsigned skip, uint64_t *random,
	struct offer *offer)
{
	const struct kind *kind = job->kind;
	bool found = false;

	for (size_t i = 0; i < kind->n_candidates; i++) {
		const struct candidate *candidate = &kind->candidates[i];
		struct offer one;

		if (found && offer->late == 0 && !offer->on_call && !planner->loads_fell
			&& candidate->floor > offer->cost)
			break;
		/* Whom somebody's transaction holds cannot be told of a move. */
		if (job->stands && candidate->diary->row->locked)
			continue;
		if (found && is_hopeless(planner, job, candidate, offer))
			continue;
		if (skip > 0 && (random_next(random) & 255) < skip)
			continue;
		if (!find_offer(planner, job, candidate, &one))
			continue;
		if (!found || offer_is_lower(job, &one, offer))
			*offer = one;
		found = true;
	}
	return found;
}

/* With a sibling that is planned too, `continuity` may be saved, and the sibling is not in the way
 * yet. */
void find_floors(struct planner *planner, struct job *jobs, size_t n)
{
	struct family nobody = {0};

	for (size_t i = 0; i < n; i++) {
		struct job alone = jobs[i];

		if (alone.family->n_jobs > 1)
			alone.family = &nobody;
		if (!best_offer(planner, &alone, 0, NULL, &jobs[i].least))
			jobs[i].least = (struct offer){0};
	}
}

void insert_all(struct planner *planner, struct job *jobs, size_t n)
{
	for (size_t i = 0; i < n && planner->failed == 0; i++) {
		struct offer offer;

		if (!jobs[i].at.candidate && best_offer(planner, &jobs[i], 0, NULL, &offer))
			place(planner, &jobs[i], &offer);
	}
}

/* Until nobody could have it better by themselves, or nearly: so what is said of a choice holds. */
void improve_each(struct planner *planner, struct job *jobs, size_t n)
{
	bool changed = true;

	for (int pass = 0; pass < 4 && changed && planner->failed == 0; pass++) {
		changed = false;
		for (size_t i = 0; i < n; i++) {
			struct job *job = &jobs[i];
			struct offer now = job->at, offer;

			if (now.candidate == NULL || job->moved_others || find_is_leant_on(job))
				continue;
			unplace(planner, job);
			if (job->request->urgency == PLAN_IMMEDIATE)
				now.caps = find_caps(job, now.candidate, now.start);
			cost_offer(planner, job, &now);
			if (best_offer(planner, job, 0, NULL, &offer)
				&& offer_is_lower(job, &offer, &now)) {
				place(planner, job, &offer);
				changed = true;
			} else {
				place(planner, job, &now);
			}
		}
		insert_all(planner, jobs, n);
	}
}
