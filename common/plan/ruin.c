#include "search.h"

#include <stdlib.h>

struct record *record_of(const struct searcher *s, const struct job *job)
{
	return &s->records[job - s->jobs];
}

/* ---- taking out -------------------------------------------------------------------------------- */

static bool is_out(const struct searcher *s, const struct job *job)
{
	for (size_t i = 0; i < s->n_out; i++)
		if (s->out[i].job == job)
			return true;
	return false;
}

static void take_out(struct searcher *s, struct job *job)
{
	if (s->n_out == MOST_OUT || is_out(s, job))
		return;
	s->out[s->n_out++] = (struct undo){job, job->at};
	if (job->at.candidate)
		unplace(s->planner, job);
}

/* Call-outs were given before, and so was what moved. */
static bool is_ours(const struct searcher *s, const struct job *job)
{
	return job->stands == NULL
	       && (job->request->urgency == PLAN_IMMEDIATE)
			  == (s->jobs[0].request->urgency == PLAN_IMMEDIATE);
}

/* The meeting of this diary that is nearest to a moment. */
static struct job *nearest_job(const struct searcher *s, const struct diary *diary, int64_t moment)
{
	struct job *nearest = NULL;
	int64_t least = 0;

	for (size_t i = 0; i < diary->n_jobs; i++) {
		struct job *job = diary->jobs[i];
		int64_t distance = llabs(job->at.start - moment);

		if (!is_ours(s, job))
			continue;
		if (nearest == NULL || distance < least
			|| (distance == least && job->at.start < nearest->at.start)) {
			nearest = job;
			least = distance;
		}
	}
	return nearest;
}

static void ruin_diary(struct searcher *s, const struct diary *diary, int64_t moment)
{
	for (size_t n = 1 + random_below(&s->random, MOST_EACH); n > 0; n--) {
		struct job *job = nearest_job(s, diary, moment);

		if (job == NULL)
			break;
		take_out(s, job);
	}
}

static struct job *any_job(struct searcher *s)
{
	return s->hopeful[random_below(&s->random, s->n_hopeful)];
}

/* One that has not the best it could have alone. */
static struct job *unhappy_job(struct searcher *s)
{
	if (s->n_absent > 0 && random_below(&s->random, 3) > 0)
		return s->absent[random_below(&s->random, s->n_absent)];
	for (int tries = 0; tries < 8; tries++) {
		struct job *job = any_job(s);

		if (job->at.candidate
			&& (job->at.late != job->least.late || job->at.cost > job->least.cost))
			return job;
	}
	return any_job(s);
}

static const struct diary *any_diary(struct searcher *s, const struct job *job)
{
	size_t n = job->kind->n_candidates;

	if (n > 8 && random_below(&s->random, 4) > 0)
		n = 8;
	return job->kind->candidates[random_below(&s->random, n)].diary;
}

static void ruin_around(struct searcher *s, struct job *job)
{
	size_t people = 1 + random_below(&s->random, MOST_PEOPLE);
	const struct diary *own = job->at.candidate ? job->at.candidate->diary : NULL;
	const struct job *other = own ? job : any_job(s);
	int64_t moment = other->at.candidate ? other->at.start : job->least.start;

	take_out(s, job);
	if (own)
		ruin_diary(s, own, moment);
	for (size_t i = own ? 1 : 0; i < people && job->kind->n_candidates > 0; i++)
		ruin_diary(s, any_diary(s, job), moment);
}

/* One that shares a coordinator with another, or might. */
static struct job *neighbour(struct searcher *s, const struct job *job)
{
	const struct diary *diary = any_diary(s, job);
	struct job *other;

	if (diary->n_jobs == 0)
		return any_job(s);
	other = diary->jobs[random_below(&s->random, diary->n_jobs)];
	return is_ours(s, other) ? other : any_job(s);
}

/* Among few jobs any might make way for any; among many only neighbours. */
static void ruin_loosely(struct searcher *s)
{
	struct job *job = any_job(s);

	for (size_t n = 1 + random_below(&s->random, MOST_LOOSE); n > 0; n--) {
		take_out(s, job);
		job = s->n_hopeful <= FEW ? any_job(s) : neighbour(s, job);
	}
}

void ruin(struct searcher *s)
{
	if (random_below(&s->random, 2) > 0)
		ruin_around(s, random_below(&s->random, 2) ? unhappy_job(s) : any_job(s));
	else
		ruin_loosely(s);
	/* Who has no place gets a chance each time. */
	for (size_t n = 0; n < MOST_ABSENT && n < s->n_absent; n++)
		take_out(s, s->absent[random_below(&s->random, s->n_absent)]);
}

/* What siblings cost depends on each other. */
static bool has_sibling_out(const struct searcher *s, const struct job *job)
{
	for (size_t i = 0; i < s->n_out; i++)
		if (s->out[i].job->family == job->family)
			return true;
	return false;
}

static void take_for_exchange(struct searcher *s, struct job *job)
{
	if (s->n_out < MOST_EXCHANGED && is_ours(s, job) && !has_sibling_out(s, job))
		take_out(s, job);
}

void ruin_for_exchange(struct searcher *s)
{
	take_for_exchange(s, unhappy_job(s));
	for (size_t n = 0; n < MOST_EXCHANGED / 2 && n < s->n_absent; n++)
		take_for_exchange(s, s->absent[random_below(&s->random, s->n_absent)]);
	for (int tries = 0; tries < MOST_EXCHANGED; tries++) {
		const struct undo *one = &s->out[random_below(&s->random, s->n_out)];
		const struct diary *diary = any_diary(s, one->job);

		for (size_t i = diary->n_jobs; i-- > 0;)
			take_for_exchange(s, diary->jobs[i]);
	}
}

/* ---- recreating ------------------------------------------------------------------------------- */

enum order { BY_CHANCE, BY_NEED, BY_LENGTH, BY_SHORTNESS, BY_CHOICE, BY_ABSENCES, ORDERS };

static int64_t rank_of(struct searcher *s, const struct job *job, enum order order)
{
	switch (order) {
	case BY_NEED:
		return job - s->jobs;
	case BY_LENGTH:
		return -job->length;
	case BY_SHORTNESS:
		return job->length;
	case BY_CHOICE:
		return (int64_t)job->kind->n_candidates;
	case BY_ABSENCES:
		return -record_of(s, job)->absences;
	case BY_CHANCE:
	case ORDERS:
		break;
	}
	return 0;
}

static void sort_out(struct searcher *s, enum order order)
{
	for (size_t i = s->n_out; i > 1; i--) {
		size_t j = random_below(&s->random, i);
		struct undo one = s->out[i - 1];

		s->out[i - 1] = s->out[j];
		s->out[j] = one;
	}
	for (size_t i = 1; i < s->n_out; i++) {
		struct undo one = s->out[i];
		int64_t rank = rank_of(s, one.job, order);
		size_t j = i;

		for (; j > 0 && rank_of(s, s->out[j - 1].job, order) > rank; j--)
			s->out[j] = s->out[j - 1];
		s->out[j] = one;
	}
}

void recreate(struct searcher *s)
{
	sort_out(s, (enum order)random_below(&s->random, ORDERS));
	for (size_t i = 0; i < s->n_out; i++) {
		struct job *job = s->out[i].job;
		struct offer offer;

		if (best_offer(s->planner, job, SKIP, &s->random, &offer))
			place(s->planner, job, &offer);
	}
}

void ruin_undo(struct searcher *s, const struct price *price)
{
	for (size_t i = 0; i < s->n_out; i++)
		if (s->out[i].job->at.candidate)
			unplace(s->planner, s->out[i].job);
	for (size_t i = 0; i < s->n_out; i++)
		if (s->out[i].offer.candidate)
			place(s->planner, s->out[i].job, &s->out[i].offer);
	s->planner->price = *price;
}
