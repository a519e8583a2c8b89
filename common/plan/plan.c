#include "planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *planner_array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

bool planner_room(void *arrayp, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 4;
	void *array;

	if (n < *room)
		return true;
	memcpy(&array, arrayp, sizeof array);
	array = reallocarray(array, more, size);
	if (array == NULL)
		return false;
	memcpy(arrayp, &array, sizeof array);
	*room = more;
	return true;
}

/* ---- rows in order --------------------------------------------------------------------------- */

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_office_id(const void *a, const void *b)
{
	return compare(
		((const struct office_ref *)a)->row->id, ((const struct office_ref *)b)->row->id);
}

static int by_office_and_id(const void *a, const void *b)
{
	const struct plan_coordinator *x = ((const struct diary *)a)->row;
	const struct plan_coordinator *y = ((const struct diary *)b)->row;

	return x->office != y->office ? compare(x->office, y->office) : compare(x->id, y->id);
}

static int by_diary_id(const void *a, const void *b)
{
	return compare(((const struct diary_ref *)a)->diary->row->id,
		((const struct diary_ref *)b)->diary->row->id);
}

const struct plan_office *planner_office(const struct planner *planner, int32_t id)
{
	const struct plan_office row = {.id = id};
	const struct office_ref key = {&row};
	const struct office_ref *found = bsearch(&key, planner->offices, planner->input->n_offices,
		sizeof *planner->offices, by_office_id);

	return found ? found->row : NULL;
}

struct diary *planner_diary(const struct planner *planner, int32_t coordinator)
{
	const struct plan_coordinator row = {.id = coordinator};
	struct diary diary = {.row = &row};
	const struct diary_ref key = {&diary};
	const struct diary_ref *found = bsearch(&key, planner->by_id,
		planner->input->n_coordinators, sizeof *planner->by_id, by_diary_id);

	return found ? found->diary : NULL;
}

size_t planner_seek_office(const struct planner *planner, int64_t office)
{
	size_t low = 0, high = planner->input->n_coordinators;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (planner->diaries[middle].row->office < office)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_weeks(struct planner *planner)
{
	const struct plan_input *input = planner->input;

	planner->week_starts = planner_array(input->n_zones, sizeof *planner->week_starts);
	if (planner->week_starts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < input->n_zones; i++) {
		const struct plan_zone *zone = &input->zones[i];
		size_t *starts = planner_array(zone->n_days, sizeof *starts);

		planner->week_starts[i] = starts;
		if (starts == NULL)
			return -ENOMEM;
		for (size_t day = 1; day < zone->n_days; day++)
			starts[day] = zone->week_numbers[day] == zone->week_numbers[day - 1]
					      ? starts[day - 1]
					      : day;
	}
	return 0;
}

static int allocate(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	struct plan *plan = calloc(1, sizeof *plan);

	planner->plan = plan;
	planner->offices = planner_array(input->n_offices, sizeof *planner->offices);
	planner->diaries = planner_array(input->n_coordinators, sizeof *planner->diaries);
	planner->by_id = planner_array(input->n_coordinators, sizeof *planner->by_id);
	if (plan == NULL || planner->offices == NULL || planner->diaries == NULL
		|| planner->by_id == NULL)
		return -ENOMEM;
	plan->decisions = planner_array(input->n_requests, sizeof *plan->decisions);
	return plan->decisions ? open_weeks(planner) : -ENOMEM;
}

static int sort_rows(struct planner *planner)
{
	const struct plan_input *input = planner->input;

	for (size_t i = 0; i < input->n_offices; i++)
		planner->offices[i].row = &input->offices[i];
	qsort(planner->offices, input->n_offices, sizeof *planner->offices, by_office_id);
	for (size_t i = 0; i < input->n_coordinators; i++)
		planner->diaries[i].row = &input->coordinators[i];
	qsort(planner->diaries, input->n_coordinators, sizeof *planner->diaries, by_office_and_id);
	for (size_t i = 0; i < input->n_coordinators; i++)
		planner->by_id[i].diary = &planner->diaries[i];
	qsort(planner->by_id, input->n_coordinators, sizeof *planner->by_id, by_diary_id);
	return check_unique(planner);
}

static int open_planner(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	int r = allocate(planner);

	planner->most_steps = input->policy.steps ? input->policy.steps : PLAN_STEPS;
	if (input->n_requests > PLAN_CROWD)
		planner->most_steps *= (int64_t)((input->n_requests - 1) / PLAN_CROWD + 1);
	if (r == 0)
		r = sort_rows(planner);
	for (size_t i = 0; r == 0 && i < input->n_coordinators; i++)
		r = diary_open(planner, &planner->diaries[i], planner->diaries[i].row);
	for (size_t i = 0; r == 0 && i < input->n_appointments; i++) {
		const struct plan_appointment *row = &input->appointments[i];
		struct diary *diary = planner_diary(planner, row->coordinator);

		r = diary ? diary_stand(diary, row) : 0;
	}
	if (r == 0)
		r = families_open(planner);
	return r == 0 ? jobs_open(planner) : r;
}

static void close_planner(struct planner *planner)
{
	const struct plan_input *input = planner->input;

	if (planner->week_starts)
		for (size_t i = 0; i < input->n_zones; i++)
			free(planner->week_starts[i]);
	free(planner->week_starts);
	if (planner->diaries)
		for (size_t i = 0; i < input->n_coordinators; i++)
			diary_close(&planner->diaries[i]);
	jobs_close(planner);
	families_close(planner);
	free(planner->offices);
	free(planner->diaries);
	free(planner->by_id);
	plan_free(planner->plan);
}

/* ---- the plan -------------------------------------------------------------------------------- */

/* The best plan of these jobs, what is placed already staying as it is. */
static int plan_jobs(struct planner *planner, struct job *jobs, size_t n)
{
	int r;

	planner->price = (struct price){0};
	for (size_t i = 0; i < n; i++)
		planner->price.unserved[jobs[i].request->urgency]++;
	find_floors(planner, jobs, n);
	r = flow_solve(planner, jobs, n);
	if (r == FLOW_OTHER) {
		insert_all(planner, jobs, n);
		r = search_better(planner, jobs, n);
	}
	if (r == 0)
		r = room_make(planner, jobs, n);
	if (r == 0 && !planner->exact)
		improve_each(planner, jobs, n);
	return r;
}

static int plan_all(struct planner *planner)
{
	struct job *others = planner->jobs + planner->n_call_outs;
	size_t n = planner->n_jobs - planner->n_call_outs;
	int r = 0;

	planner->exact = true;
	if (planner->n_call_outs > 0)
		r = plan_jobs(planner, planner->jobs, planner->n_call_outs);
	if (r == 0 && n > 0)
		r = plan_jobs(planner, others, n);
	if (r == 0)
		r = planner->failed;
	return r == 0 ? settle(planner) : r;
}

int plan_make(const struct plan_input *input, struct plan **planp, char *error, size_t error_size)
{
	struct planner planner = {.input = input, .error = error, .error_size = error_size};
	int r = check_rows(&planner);

	if (r == 0)
		r = open_planner(&planner);
	if (r == 0)
		r = plan_all(&planner);
	if (r == 0) {
		*planp = planner.plan;
		planner.plan = NULL;
	}
	close_planner(&planner);
	return r;
}

struct plan *plan_free(struct plan *plan)
{
	if (plan) {
		free(plan->decisions);
		free(plan->ruled_out);
		free(plan->moves);
		free(plan);
	}
	return NULL;
}
