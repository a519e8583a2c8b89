#include "planner.h"

#include <errno.h>
#include <stdlib.h>

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_need(const void *a, const void *b)
{
	const struct plan_request *x = ((const struct job *)a)->request;
	const struct plan_request *y = ((const struct job *)b)->request;

	if (x->urgency != y->urgency)
		return compare(x->urgency, y->urgency);
	if (x->due != y->due)
		return compare(x->due, y->due);
	return compare(x->id, y->id);
}

struct span job_meeting(const struct job *job, int64_t start)
{
	return (struct span){start, start + job->length};
}

struct span job_busy(const struct job *job, const struct candidate *candidate, int64_t start)
{
	int64_t buffer = job->request->buffer_minutes * 60;

	return (struct span){
		start - candidate->travel, start + job->length + buffer + candidate->travel};
}

static void open_job(struct planner *planner, const struct plan_request *request, struct job *job)
{
	bool immediate = request->urgency == PLAN_IMMEDIATE;

	*job = (struct job){
		.request = request,
		.office = planner_office(planner, request->office),
		.family = family_find(planner, request->case_id),
		.any_hours = immediate,
		.may_on_call = request->urgency != PLAN_ROUTINE,
		.step = immediate ? 60 : planner->input->policy.grid_seconds,
		.from = later(request->earliest, planner->input->now),
		.last = request->latest - request->minutes * 60,
		.length = request->minutes * 60,
		.units = cost_units(request),
		.rest = immediate ? planner->input->policy.rest_minutes * 60 : 0,
	};
	job->hours = request->urgency == PLAN_URGENT ? job->office->urgent_hours
						     : job->office->office_hours;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static bool has_own_kind(const struct plan_request *request)
{
	return request->preferred != 0 || request->responsible != 0 || request->met.n > 0
	       || request->barred.n > 0 || request->conflicts.n > 0;
}

struct job_ref {
	struct job *job;
};

static int by_kind(const void *a, const void *b)
{
	const struct plan_request *x = ((const struct job_ref *)a)->job->request;
	const struct plan_request *y = ((const struct job_ref *)b)->job->request;
	const int64_t pairs[][2] = {
		{x->office, y->office},
		{x->urgency, y->urgency},
		{x->service, y->service},
		{x->language, y->language},
		{x->gender, y->gender},
		{x->minutes, y->minutes},
		{x->load_percent, y->load_percent},
		{x->telephone, y->telephone},
		{x->interpreter, y->interpreter},
		{x->gender_required, y->gender_required},
		{has_own_kind(x) ? x->id : 0, has_own_kind(y) ? y->id : 0},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i][0] != pairs[i][1])
			return compare(pairs[i][0], pairs[i][1]);
	return 0;
}

static int by_floor(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	const struct plan_coordinator *k = x->diary->row, *l = y->diary->row;

	if (x->floor != y->floor)
		return compare(x->floor, y->floor);
	return k->office != l->office ? compare(k->office, l->office) : compare(k->id, l->id);
}

static struct span_list shifts_of(const struct job *job, const struct diary *diary)
{
	return job->may_on_call && diary->row->on_call.n > 0 ? span_set_list(&diary->at_work)
							     : diary->row->regular;
}

/* 0 or PLAN_INVALID. Whom nothing suits is left out. */
static int add_candidate(struct planner *planner, struct kind *kind, const struct job *job,
	int64_t from, int64_t latest, int64_t all_units, struct candidate candidate)
{
	const struct plan_request *request = job->request;
	struct diary *diary = candidate.diary;

	if (reason_of_person(request, diary) != PLAN_FREE
		|| reason_of_lock(request, diary) != PLAN_FREE)
		return 0;
	candidate.first = span_list_next_within(shifts_of(job, diary), from, job->length);
	if (candidate.first > latest)
		return 0;
	candidate.by_interpreter = !has_code(diary->row->languages, request->language);
	if (!cost_most(planner, request, &candidate, latest, all_units))
		return planner_fail(planner,
			"request %lld with coordinator %d: the cost is too large",
			(long long)request->id, (int)diary->row->id);
	candidate.base = cost_base(planner, request, &candidate);
	candidate.floor = candidate.base + cost_wait(planner, job, candidate.first)
			  + cost_load(planner, diary, job->units);
	kind->candidates[kind->n_candidates++] = candidate;
	return 0;
}

static size_t office_size(const struct planner *planner, int32_t office)
{
	return planner_seek_office(planner, (int64_t)office + 1)
	       - planner_seek_office(planner, office);
}

struct reach {
	int64_t from, latest, all_units;
};

static int add_office(struct planner *planner, struct kind *kind, const struct job *job,
	const struct reach *reach, int32_t office, struct candidate candidate)
{
	size_t i = planner_seek_office(planner, office);
	int r = 0;

	for (size_t n = office_size(planner, office); r == 0 && n > 0; i++, n--) {
		candidate.diary = &planner->diaries[i];
		r = add_candidate(planner, kind, job, reach->from, reach->latest, reach->all_units,
			candidate);
	}
	return r;
}

/* A kind's candidates, for requests whose first and last starts are those of reach. */
static int open_kind(struct planner *planner, struct kind *kind, const struct job *job,
	const struct reach *reach)
{
	const struct plan_office *office = job->office;
	size_t n = office_size(planner, office->id);
	int r;

	for (size_t i = 0; i < office->n_backups; i++)
		n += office_size(planner, office->backups[i].office);
	kind->candidates = planner_array(n, sizeof *kind->candidates);
	if (kind->candidates == NULL)
		return -ENOMEM;
	r = add_office(planner, kind, job, reach, office->id, (struct candidate){0});
	for (size_t i = 0; r == 0 && i < office->n_backups; i++) {
		const struct plan_backup *backup = &office->backups[i];
		int64_t travel = job->request->telephone ? 0 : backup->travel_minutes * 60;

		r = add_office(planner, kind, job, reach, backup->office,
			(struct candidate){.rank = backup->rank, .travel = travel});
	}
	qsort(kind->candidates, kind->n_candidates, sizeof *kind->candidates, by_floor);
	return r;
}

static int open_kinds(struct planner *planner, struct job_ref *refs, size_t n, int64_t all_units)
{
	int r = 0;

	for (size_t first = 0, next; r == 0 && first < n; first = next) {
		struct reach reach = {SPAN_NEVER, INT64_MIN, all_units};
		struct kind *kind = &planner->kinds[planner->n_kinds++];

		for (next = first; next < n && by_kind(&refs[first], &refs[next]) == 0; next++) {
			struct job *job = refs[next].job;

			job->kind = kind;
			reach.from = job->from < reach.from ? job->from : reach.from;
			reach.latest = later(reach.latest, job->last);
		}
		r = open_kind(planner, kind, refs[first].job, &reach);
	}
	return r;
}

static int sort_kinds(struct planner *planner)
{
	size_t n = planner->n_jobs + planner->n_standing;
	struct job_ref *refs = planner_array(n, sizeof *refs);
	int64_t all_units = 0;
	int r;

	planner->kinds = planner_array(n, sizeof *planner->kinds);
	if (refs == NULL || planner->kinds == NULL) {
		free(refs);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		refs[i].job = i < planner->n_jobs ? &planner->jobs[i]
						  : &planner->standing[i - planner->n_jobs];
		all_units += refs[i].job->units;
	}
	qsort(refs, n, sizeof *refs, by_kind);
	r = open_kinds(planner, refs, n, all_units);
	free(refs);
	return r;
}

/* ---- what stands and may be moved ------------------------------------------------------------ */

static int by_standing(const void *a, const void *b)
{
	const struct plan_appointment *x = *(const struct plan_appointment *const *)a;
	const struct plan_appointment *y = *(const struct plan_appointment *const *)b;

	return x->request != y->request ? compare(x->request, y->request) : compare(x->id, y->id);
}

static const struct plan_appointment *find_standing(
	const struct plan_appointment *const *sorted, size_t n, int64_t request)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sorted[middle]->request < request)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && sorted[low]->request == request ? sorted[low] : NULL;
}

static int by_coordinator_and_start(const void *a, const void *b)
{
	const struct plan_appointment *x = *(const struct plan_appointment *const *)a;
	const struct plan_appointment *y = *(const struct plan_appointment *const *)b;

	if (x->coordinator != y->coordinator)
		return compare(x->coordinator, y->coordinator);
	if (x->busy.start != y->busy.start)
		return compare(x->busy.start, y->busy.start);
	return compare(x->busy.end, y->busy.end);
}

/* Keeps those with a request and a diary whose span meets no other of it: only these can be taken
 * out without leaving a hole in another. */
static size_t keep_movable(
	const struct planner *planner, const struct plan_appointment **sorted, size_t n)
{
	size_t kept = 0;
	int64_t end = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		const struct plan_appointment *one = sorted[i];
		const struct plan_appointment *next = sorted[i + 1 < n ? i + 1 : i];
		bool after = end > one->busy.start, before;

		before = next != one && next->coordinator == one->coordinator
			 && next->busy.start < one->busy.end;
		end = next->coordinator != one->coordinator ? INT64_MIN : later(end, one->busy.end);
		if (!after && !before && one->request != 0
			&& planner_diary(planner, one->coordinator))
			sorted[kept++] = one;
	}
	return kept;
}

/* Where it stands, as an offer; false: by the rules of today it could not stand there. */
static bool find_stood(struct job *job)
{
	const struct kind *kind = job->kind;

	for (size_t i = 0; i < kind->n_candidates; i++) {
		const struct candidate *candidate = &kind->candidates[i];

		if (candidate->diary->row->id == job->stands->coordinator) {
			job->stood = (struct offer){
				.candidate = candidate,
				.start = job->stands->meeting.start,
				.on_call = job->request->urgency == PLAN_URGENT
					   && !span_list_contains(candidate->diary->row->regular,
						   job->stands->meeting),
			};
			return true;
		}
	}
	return false;
}

/* It may move, but never past its due time; and not if it starts within its notice. */
static bool may_move_at_all(const struct job *job)
{
	return job->stands && job->stands->case_id == job->request->case_id
	       && job->stands->meeting.start >= job->request->earliest
	       && job->request->urgency != PLAN_IMMEDIATE;
}

static const struct plan_appointment **list_movable(const struct planner *planner, size_t *np)
{
	const struct plan_input *input = planner->input;
	const struct plan_appointment **sorted = planner_array(
		input->n_appointments, sizeof(struct plan_appointment *));

	if (sorted == NULL)
		return NULL;
	for (size_t i = 0; i < input->n_appointments; i++)
		sorted[i] = &input->appointments[i];
	qsort(sorted, input->n_appointments, sizeof(struct plan_appointment *),
		by_coordinator_and_start);
	*np = keep_movable(planner, sorted, input->n_appointments);
	qsort(sorted, *np, sizeof(struct plan_appointment *), by_standing);
	return sorted;
}

static int join_standing(struct planner *planner)
{
	size_t n = 0, kept = 0;
	const struct plan_appointment **sorted = list_movable(planner, &n);

	if (sorted == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < planner->n_standing; i++) {
		struct job *job = &planner->standing[i];

		job->stands = find_standing(sorted, n, job->request->id);
		if (job->last > job->request->due)
			job->last = job->request->due;
		if (may_move_at_all(job))
			planner->standing[kept++] = *job;
	}
	planner->n_standing = kept;
	free(sorted);
	return 0;
}

/* Kinds are known only now. */
static void drop_unfit_standing(struct planner *planner)
{
	size_t kept = 0;

	for (size_t i = 0; i < planner->n_standing; i++)
		if (find_stood(&planner->standing[i]))
			planner->standing[kept++] = planner->standing[i];
	planner->n_standing = kept;
	for (size_t i = 0; i < kept; i++)
		planner->standing[i].family->n_standing++;
}

int jobs_open(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	int r;

	planner->jobs = planner_array(input->n_requests, sizeof *planner->jobs);
	planner->standing = planner_array(input->n_standing, sizeof *planner->standing);
	if (planner->jobs == NULL || planner->standing == NULL)
		return -ENOMEM;
	planner->n_jobs = input->n_requests;
	planner->n_standing = input->n_standing;
	for (size_t i = 0; i < input->n_requests; i++) {
		open_job(planner, &input->requests[i], &planner->jobs[i]);
		planner->jobs[i].family->n_jobs++;
		planner->n_call_outs += input->requests[i].urgency == PLAN_IMMEDIATE;
	}
	for (size_t i = 0; i < input->n_standing; i++)
		open_job(planner, &input->standing[i], &planner->standing[i]);
	qsort(planner->jobs, planner->n_jobs, sizeof *planner->jobs, by_need);
	qsort(planner->standing, planner->n_standing, sizeof *planner->standing, by_need);
	r = join_standing(planner);
	if (r == 0)
		r = sort_kinds(planner);
	if (r == 0)
		drop_unfit_standing(planner);
	return r;
}

void jobs_close(struct planner *planner)
{
	for (size_t i = 0; i < planner->n_kinds; i++)
		free(planner->kinds[i].candidates);
	free(planner->kinds);
	free(planner->jobs);
	free(planner->standing);
}
