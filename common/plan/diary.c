#include "planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_case(const void *a, const void *b)
{
	const struct open_case *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int open_cases(struct diary *diary)
{
	struct plan_cases cases = diary->row->open_cases;
	size_t n = 0;

	diary->open_cases_room = cases.n + 4;
	diary->open_cases = planner_array(diary->open_cases_room, sizeof *diary->open_cases);
	if (diary->open_cases == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cases.n; i++)
		diary->open_cases[i] = (struct open_case){cases.ids[i], 1};
	qsort(diary->open_cases, cases.n, sizeof *diary->open_cases, by_case);
	for (size_t i = 0; i < cases.n; i++)
		if (n == 0 || diary->open_cases[n - 1].id != diary->open_cases[i].id)
			diary->open_cases[n++] = diary->open_cases[i];
	diary->n_open_cases = n;
	return 0;
}

static int copy(struct span_list list, struct span_set *set)
{
	return span_set_union(list, (struct span_list){0}, set);
}

int diary_open(struct planner *planner, struct diary *diary, const struct plan_coordinator *row)
{
	int r;

	diary->row = row;
	diary->zone = &planner->input->zones[row->zone];
	diary->week_starts = planner->week_starts[row->zone];
	diary->load_units = diary->standing_units = row->load_minutes / 15;
	diary->meetings = planner_array(diary->zone->n_days, sizeof *diary->meetings);
	diary->week_minutes = planner_array(diary->zone->n_days, sizeof *diary->week_minutes);
	if (diary->meetings == NULL || diary->week_minutes == NULL)
		return -ENOMEM;
	r = open_cases(diary);
	if (r == 0)
		r = copy(row->rest, &diary->rest);
	if (r == 0 && row->on_call.n > 0)
		r = span_set_union(row->regular, row->on_call, &diary->at_work);
	return r;
}

void diary_close(struct diary *diary)
{
	span_set_clear(&diary->at_work);
	span_set_clear(&diary->taken);
	span_set_clear(&diary->rest);
	free(diary->rests);
	free(diary->meetings);
	free(diary->week_minutes);
	free(diary->open_cases);
	free(diary->jobs);
}

/* ---- days and weeks -------------------------------------------------------------------------- */

static bool is_on_day(const struct plan_zone *zone, size_t day, int64_t moment)
{
	return (day == 0 || zone->day_starts[day] <= moment)
	       && (day + 1 == zone->n_days || moment < zone->day_starts[day + 1]);
}

/* The local day that a moment lies in; what comes before the first day counts as the first. Days
 * are mostly 24 hours long, so a guess is mostly right. */
size_t diary_day(const struct diary *diary, int64_t moment)
{
	const struct plan_zone *zone = diary->zone;
	int64_t passed = moment - zone->day_starts[0];
	size_t low = 0, high = zone->n_days, guess = passed > 0 ? (size_t)(passed / 86400) : 0;

	if (guess < high && is_on_day(zone, guess, moment))
		return guess;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->day_starts[middle] <= moment)
			low = middle;
		else
			high = middle;
	}
	return low;
}

size_t diary_next_week(const struct diary *diary, size_t day)
{
	size_t first = diary->week_starts[day];

	while (day < diary->zone->n_days && diary->week_starts[day] == first)
		day++;
	return day;
}

/* Counts a meeting towards the day's and the week's limits, or takes it away (times -1). */
static void count(struct diary *diary, int64_t start, int64_t minutes, int times)
{
	size_t day = diary_day(diary, start);

	/* What began before the first day began in an earlier week. */
	if (start < diary->zone->day_starts[0])
		return;
	diary->meetings[day] += times;
	diary->week_minutes[diary->week_starts[day]] += times * minutes;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static size_t case_place(const struct diary *diary, int64_t case_id)
{
	size_t low = 0, high = diary->n_open_cases;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (diary->open_cases[middle].id < case_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t diary_case_times(const struct diary *diary, int64_t case_id)
{
	size_t i = case_place(diary, case_id);

	return i < diary->n_open_cases && diary->open_cases[i].id == case_id
		       ? diary->open_cases[i].times
		       : 0;
}

size_t diary_case_waits(const struct diary *diary, int64_t case_id)
{
	size_t times = 0;

	for (size_t i = 0; i < diary->n_jobs; i++) {
		const struct job *job = diary->jobs[i];
		bool was_theirs = job->stands && job->stands->coordinator == diary->row->id;

		times += job->request->urgency != PLAN_IMMEDIATE && !was_theirs
			 && job->request->case_id == case_id;
	}
	return times;
}

bool diary_has_case(const struct diary *diary, int64_t case_id)
{
	return diary_case_times(diary, case_id) > 0;
}

int diary_add_case(struct diary *diary, int64_t case_id)
{
	size_t i = case_place(diary, case_id);

	if (i < diary->n_open_cases && diary->open_cases[i].id == case_id) {
		diary->open_cases[i].times++;
		return 0;
	}
	if (!planner_room(&diary->open_cases, diary->n_open_cases, &diary->open_cases_room,
		    sizeof *diary->open_cases))
		return -ENOMEM;
	memmove(diary->open_cases + i + 1, diary->open_cases + i,
		(diary->n_open_cases - i) * sizeof *diary->open_cases);
	diary->open_cases[i] = (struct open_case){case_id, 1};
	diary->n_open_cases++;
	return 0;
}

bool diary_drop_case(struct diary *diary, int64_t case_id)
{
	size_t i = case_place(diary, case_id);

	if (i == diary->n_open_cases || diary->open_cases[i].id != case_id)
		return false;
	if (--diary->open_cases[i].times > 0)
		return true;
	diary->n_open_cases--;
	memmove(diary->open_cases + i, diary->open_cases + i + 1,
		(diary->n_open_cases - i) * sizeof *diary->open_cases);
	return true;
}

/* ---- what stands ----------------------------------------------------------------------------- */

int diary_stand(struct diary *diary, const struct plan_appointment *appointment)
{
	count(diary, appointment->meeting.start, appointment->counted_minutes, 1);
	return span_set_add(&diary->taken, appointment->busy);
}

int diary_unstand(struct diary *diary, const struct plan_appointment *appointment)
{
	count(diary, appointment->meeting.start, appointment->counted_minutes, -1);
	return span_set_remove(&diary->taken, appointment->busy);
}

/* ---- what the plan gives --------------------------------------------------------------------- */

/* A call-out that touches the night makes rest, which may run into other rest. */
static int add_rest(struct diary *diary, const struct plan_input *input, const struct job *job)
{
	struct span meeting = job_meeting(job, job->at.start);
	struct span rest = {meeting.end, meeting.end + input->policy.rest_minutes * 60};

	if (job->request->urgency != PLAN_IMMEDIATE
		|| !span_list_overlaps(diary->zone->nights, meeting))
		return 0;
	if (!planner_room(&diary->rests, diary->n_rests, &diary->rests_room, sizeof *diary->rests))
		return -ENOMEM;
	diary->rests[diary->n_rests++] = (struct rest_span){job, rest};
	return span_set_add(&diary->rest, rest);
}

static int remove_rest(struct diary *diary, const struct job *job)
{
	size_t i = 0;
	int r;

	while (i < diary->n_rests && diary->rests[i].job != job)
		i++;
	if (i == diary->n_rests)
		return 0;
	diary->rests[i] = diary->rests[--diary->n_rests];
	r = copy(diary->row->rest, &diary->rest);
	for (i = 0; r == 0 && i < diary->n_rests; i++)
		r = span_set_add(&diary->rest, diary->rests[i].span);
	return r;
}

int diary_put(struct diary *diary, const struct plan_input *input, struct job *job)
{
	const struct candidate *candidate = job->at.candidate;
	int r = 0;

	if (!planner_room(&diary->jobs, diary->n_jobs, &diary->jobs_room, sizeof(struct job *)))
		return -ENOMEM;
	job->at_index = diary->n_jobs;
	diary->jobs[diary->n_jobs++] = job;
	diary->n_moved += job->stands != NULL;
	count(diary, job->at.start, cost_counted_minutes(job->request, candidate->travel), 1);
	diary->load_units += job->units;
	diary->standing_units += job->stands ? job->units : 0;
	r = span_set_add(&diary->taken, job_busy(job, candidate, job->at.start));
	if (r == 0)
		r = diary_add_case(diary, job->request->case_id);
	return r == 0 ? add_rest(diary, input, job) : r;
}

int diary_take(struct diary *diary, struct job *job)
{
	const struct candidate *candidate = job->at.candidate;
	int r;

	diary->jobs[job->at_index] = diary->jobs[--diary->n_jobs];
	diary->jobs[job->at_index]->at_index = job->at_index;
	diary->n_moved -= job->stands != NULL;
	count(diary, job->at.start, cost_counted_minutes(job->request, candidate->travel), -1);
	diary->load_units -= job->units;
	diary->standing_units -= job->stands ? job->units : 0;
	diary_drop_case(diary, job->request->case_id);
	r = span_set_remove(&diary->taken, job_busy(job, candidate, job->at.start));
	return r == 0 ? remove_rest(diary, job) : r;
}
