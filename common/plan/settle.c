#include "planner.h"

#include <errno.h>
#include <stdlib.h>

/*
 * The end: everything is counted once more in the canonical order, so that each request pays its
 * share as plan.h says, and each decision gets its reasons.
 */

/* ---- costs ----------------------------------------------------------------------------------- */

static int add(int64_t *sum, int64_t amount)
{
	return __builtin_add_overflow(*sum, amount, sum) ? PLAN_INVALID : 0;
}

static int count_decision(
	struct planner *planner, const struct job *job, const struct plan_choice *choice)
{
	struct plan *plan = planner->plan;
	int r = add(&plan->late_minutes[job->request->urgency], choice->late_minutes);

	plan->on_call += job->at.on_call;
	if (r == 0)
		r = add(&plan->cost, choice->cost);
	return r == 0 ? 0 : planner_fail(planner, "the cost of the whole plan is too large");
}

static int settle_job(struct planner *planner, struct job *job, struct plan_decision *decision)
{
	struct offer offer = job->at;

	decision->request = job->request->id;
	decision->urgency = job->request->urgency;
	decision->served = offer.candidate != NULL;
	if (!decision->served) {
		planner->plan->unserved[job->request->urgency]++;
		return 0;
	}
	if (job->request->urgency == PLAN_IMMEDIATE)
		offer.caps = find_caps(job, offer.candidate, offer.start);
	job->at = (struct offer){0};
	decision->chosen = cost_choice(planner, job, &offer);
	cost_offer(planner, job, &offer);
	place(planner, job, &offer);
	return count_decision(planner, job, &decision->chosen);
}

/* Takes everything out, and puts it back in order. */
static int settle_costs(struct planner *planner)
{
	struct plan *plan = planner->plan;
	struct offer *places = planner_array(planner->n_jobs, sizeof *places);
	int r = 0;

	if (places == NULL)
		return -ENOMEM;
	for (size_t i = planner->n_jobs; i-- > 0;) {
		places[i] = planner->jobs[i].at;
		if (places[i].candidate)
			unplace(planner, &planner->jobs[i]);
	}
	r = room_settle(planner);
	for (size_t i = 0; r == 0 && i < planner->n_jobs; i++) {
		planner->jobs[i].at = places[i];
		r = settle_job(planner, &planner->jobs[i], &plan->decisions[i]);
		plan->n_decisions++;
	}
	free(places);
	return r;
}

/* ---- reasons --------------------------------------------------------------------------------- */

static int rule_out(
	struct planner *planner, struct plan_decision *decision, struct plan_ruled_out ruled_out)
{
	struct plan *plan = planner->plan;

	if (!planner_room(&plan->ruled_out, planner->n_ruled_out, &planner->ruled_out_room,
		    sizeof *plan->ruled_out))
		return -ENOMEM;
	plan->ruled_out[planner->n_ruled_out++] = ruled_out;
	decision->n_ruled_out++;
	return 0;
}

/* What is left of all others: the best one, and those who come after. */
struct rest {
	struct plan_decision *decision;
	struct offer runner_up;
	struct candidate runner_up_candidate;
	bool has_runner_up;
};

static int put_after(struct planner *planner, struct rest *rest, const struct offer *offer)
{
	return rule_out(planner, rest->decision,
		(struct plan_ruled_out){
			PLAN_DEARER, offer->candidate->diary->row->id, offer->start});
}

static int offer_place(struct planner *planner, const struct job *job, struct rest *rest,
	const struct offer *offer)
{
	int r = 0;

	if (rest->has_runner_up && !offer_is_lower(job, offer, &rest->runner_up))
		return put_after(planner, rest, offer);
	if (rest->has_runner_up)
		r = put_after(planner, rest, &rest->runner_up);
	rest->has_runner_up = true;
	rest->runner_up_candidate = *offer->candidate;
	rest->runner_up = *offer;
	rest->runner_up.candidate = &rest->runner_up_candidate;
	return r;
}

static int weigh(struct planner *planner, const struct job *job, struct candidate *candidate,
	struct rest *rest)
{
	const struct diary *diary = candidate->diary;
	struct plan_ruled_out out = {.coordinator = diary->row->id};
	struct offer offer;

	if (rest->decision->served && rest->decision->chosen.coordinator == diary->row->id)
		return 0;
	candidate->by_interpreter = !has_code(diary->row->languages, job->request->language);
	candidate->base = cost_base(planner, job->request, candidate);
	if (reason_of_person(job->request, diary) == PLAN_FREE
		&& reason_of_lock(job->request, diary) == PLAN_FREE
		&& find_offer(planner, job, candidate, &offer))
		return offer_place(planner, job, rest, &offer);
	out.rule = reason_find(planner, job, candidate, &out.nearest);
	return rule_out(planner, rest->decision, out);
}

static int weigh_office(struct planner *planner, const struct job *job, int32_t office,
	struct candidate candidate, struct rest *rest)
{
	size_t i = planner_seek_office(planner, office);
	int r = 0;

	for (; r == 0 && i < planner->input->n_coordinators; i++) {
		candidate.diary = &planner->diaries[i];
		if (candidate.diary->row->office != office)
			break;
		r = weigh(planner, job, &candidate, rest);
	}
	return r;
}

static bool is_in_reach(const struct plan_office *office, int32_t other)
{
	if (other == office->id)
		return true;
	for (size_t i = 0; i < office->n_backups; i++)
		if (office->backups[i].office == other)
			return true;
	return false;
}

/* Who was asked for by name, or has the case, is missed when their office does not serve this
 * one. */
static int miss(struct planner *planner, const struct job *job, int32_t coordinator,
	struct plan_decision *decision)
{
	const struct diary *diary = planner_diary(planner, coordinator);

	if (diary == NULL || is_in_reach(job->office, diary->row->office))
		return 0;
	return rule_out(planner, decision,
		(struct plan_ruled_out){PLAN_NOT_BACKUP, coordinator, SPAN_NEVER});
}

static int weigh_all(struct planner *planner, const struct job *job, struct rest *rest)
{
	const struct plan_request *request = job->request;
	const struct plan_office *office = job->office;
	int r = weigh_office(planner, job, office->id, (struct candidate){0}, rest);

	for (size_t i = 0; r == 0 && i < office->n_backups; i++) {
		const struct plan_backup *backup = &office->backups[i];
		int64_t travel = request->telephone ? 0 : (int64_t)backup->travel_minutes * 60;

		r = weigh_office(planner, job, backup->office,
			(struct candidate){.rank = backup->rank, .travel = travel}, rest);
	}
	if (r == 0)
		r = miss(planner, job, request->preferred, rest->decision);
	if (r == 0 && request->responsible != request->preferred)
		r = miss(planner, job, request->responsible, rest->decision);
	return r;
}

/* All else stays as planned: what would this one cost with somebody else? On-call shifts are for
 * an urgent request only when it would be late otherwise. */
static int find_reasons(struct planner *planner, struct job *job, struct plan_decision *decision)
{
	struct rest rest = {.decision = decision};
	struct offer place_now = job->at;
	struct job alone;
	int r;

	if (decision->served)
		unplace(planner, job);
	alone = *job;
	if (job->request->urgency == PLAN_URGENT && decision->served
		&& decision->chosen.late_minutes == 0 && !place_now.on_call)
		alone.may_on_call = false;
	r = weigh_all(planner, &alone, &rest);
	if (rest.has_runner_up) {
		decision->has_runner_up = true;
		decision->runner_up = cost_choice(planner, job, &rest.runner_up);
	}
	if (decision->served)
		place(planner, job, &place_now);
	return r;
}

static int by_rule(const void *a, const void *b)
{
	const struct plan_ruled_out *x = a, *y = b;

	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return (x->coordinator > y->coordinator) - (x->coordinator < y->coordinator);
}

/* The list may have moved while it grew; only now does it stay where it is. */
static void hand_out_rules(struct plan *plan)
{
	struct plan_ruled_out *next = plan->ruled_out;

	for (size_t i = 0; i < plan->n_decisions; i++) {
		struct plan_decision *decision = &plan->decisions[i];

		if (decision->n_ruled_out == 0)
			continue;
		qsort(next, decision->n_ruled_out, sizeof *next, by_rule);
		decision->ruled_out = next;
		next += decision->n_ruled_out;
	}
}

int settle(struct planner *planner)
{
	struct plan *plan = planner->plan;
	int r = settle_costs(planner);

	for (size_t i = 0; r == 0 && planner->failed == 0 && i < planner->n_jobs; i++)
		r = find_reasons(planner, &planner->jobs[i], &plan->decisions[i]);
	if (r == 0)
		r = planner->failed;
	hand_out_rules(plan);
	plan->steps = planner->searched;
	plan->exact = planner->exact;
	plan->limited = planner->limited;
	return r;
}
