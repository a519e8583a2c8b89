#include "find.h"

static int64_t round_up(int64_t moment, int64_t step)
{
	int64_t over = moment % step;

	if (over < 0)
		over += step;
	return over ? moment + step - over : moment;
}

/* Pushes the start past the first thing that is in its way, of each kind; the same start means
 * none is. */
static int64_t push(const struct search *search, int64_t start)
{
	const struct job *job = search->job;
	const struct diary *diary = search->diary;
	int64_t last = search->last, before = search->before, after = search->after;

	start = span_list_next_within(search->shift, start, job->length);
	if (start <= last && (search->keep & KEEP_HOURS) && !job->any_hours)
		start = span_list_next_within(job->hours, start, job->length);
	if (start <= last && (search->keep & KEEP_TAKEN))
		start = span_list_next_outside(span_set_list(&diary->taken), start, before, after);
	if (start <= last && (search->keep & KEEP_LEAVE))
		start = span_list_next_outside(diary->row->leave, start, before, after);
	if (start <= last && (search->keep & KEEP_CASE) && job->family)
		start = span_list_next_outside(
			span_set_list(&job->family->taken), start, 0, job->length);
	if (start <= last && (search->keep & KEEP_REST))
		start = span_list_next_outside(span_set_list(&diary->rest), start, 0, 1);
	return start;
}

int64_t search_start(const struct search *search, int64_t from)
{
	while (from <= search->last) {
		int64_t start = round_up(from, search->job->step);

		if (start > search->last)
			break;
		from = push(search, start);
		if (from == start)
			return start;
	}
	return SPAN_NEVER;
}

struct span_list diary_at_work(const struct diary *diary)
{
	return diary->row->on_call.n > 0 ? span_set_list(&diary->at_work) : diary->row->regular;
}

struct search search_make(
	const struct job *job, const struct candidate *candidate, struct span_list shift)
{
	bool immediate = job->request->urgency == PLAN_IMMEDIATE;

	return (struct search){
		.job = job,
		.diary = candidate->diary,
		.shift = shift,
		.last = job->last,
		.before = candidate->travel,
		.after = job->length + job->request->buffer_minutes * 60 + candidate->travel,
		.counted = cost_counted_minutes(job->request, candidate->travel),
		.keep = immediate ? KEEP_ALL & ~(unsigned)(KEEP_CASE | KEEP_REST) : KEEP_ALL,
		.hard = immediate ? 0 : CAP_WEEK | CAP_DAY,
	};
}

bool find_moment(const struct job *job)
{
	return job->from <= job->last && round_up(job->from, job->step) <= job->last;
}

bool find_room(const struct job *job)
{
	int64_t from = job->from;

	while (!job->any_hours && from <= job->last) {
		int64_t start = round_up(from, job->step);

		from = span_list_next_within(job->hours, start, job->length);
		if (from == start)
			return start <= job->last;
	}
	return job->any_hours;
}

/* ---- limits ---------------------------------------------------------------------------------- */

static unsigned caps_broken(const struct search *search, int64_t start)
{
	const struct diary *diary = search->diary;
	const struct plan_coordinator *row = diary->row;
	size_t day = diary_day(diary, start);
	unsigned caps = 0;

	if (diary->week_minutes[diary->week_starts[day]] + search->counted > row->weekly_minutes)
		caps |= CAP_WEEK;
	if (diary->meetings[day] >= row->meetings_a_day)
		caps |= CAP_DAY;
	return caps;
}

bool find_has_room_for_case(const struct job *job, const struct diary *diary)
{
	return diary->n_open_cases < (uint64_t)diary->row->max_open_cases
	       || diary_has_case(diary, job->request->case_id);
}

unsigned find_caps(const struct job *job, const struct candidate *candidate, int64_t start)
{
	struct search search = search_make(job, candidate, (struct span_list){0});
	const struct diary *diary = candidate->diary;
	unsigned caps = caps_broken(&search, start);

	if (!find_has_room_for_case(job, diary))
		caps |= CAP_OPEN_CASES;
	if (span_list_holds(span_set_list(&diary->rest), start))
		caps |= CAP_REST;
	return caps;
}

static int64_t day_start(const struct diary *diary, size_t day)
{
	return day < diary->zone->n_days ? diary->zone->day_starts[day] : SPAN_NEVER;
}

/* The next moment at which the limits that are broken may be others. */
static int64_t next_change(const struct diary *diary, int64_t start)
{
	struct span_list rest = span_set_list(&diary->rest);
	size_t i = span_list_seek(rest, start);
	int64_t next = day_start(diary, diary_day(diary, start) + 1), edge = SPAN_NEVER;

	if (i < rest.n)
		edge = rest.spans[i].start > start ? rest.spans[i].start : rest.spans[i].end;
	return next < edge ? next : edge;
}

int64_t search_allowed(const struct search *search, int64_t from)
{
	const struct diary *diary = search->diary;
	int64_t start = from;

	while ((start = search_start(search, start)) != SPAN_NEVER) {
		size_t day = diary_day(diary, start);
		unsigned caps = caps_broken(search, start) & search->hard;

		if (caps & CAP_WEEK)
			start = day_start(diary, diary_next_week(diary, day));
		else if (caps & CAP_DAY)
			start = day_start(diary, day + 1);
		else
			return start;
	}
	return SPAN_NEVER;
}

/* ---- offers ---------------------------------------------------------------------------------- */

static bool find_earliest(const struct planner *planner, const struct job *job,
	const struct candidate *candidate, struct span_list shift, struct offer *offer)
{
	struct search search = search_make(job, candidate, shift);
	int64_t start = search_allowed(&search, job->from);

	if (start == SPAN_NEVER)
		return false;
	*offer = (struct offer){.candidate = candidate, .start = start};
	cost_offer(planner, job, offer);
	return true;
}

static bool find_regular_offer(const struct planner *planner, const struct job *job,
	const struct candidate *candidate, struct offer *offer)
{
	return find_has_room_for_case(job, candidate->diary)
	       && find_earliest(planner, job, candidate, candidate->diary->row->regular, offer);
}

/* On-call shifts serve an urgent request only as far as it would be later otherwise. */
static bool find_urgent_offer(const struct planner *planner, const struct job *job,
	const struct candidate *candidate, struct offer *offer)
{
	const struct plan_coordinator *row = candidate->diary->row;
	struct offer any;
	bool found = find_regular_offer(planner, job, candidate, offer);

	if ((found && offer->late == 0) || row->on_call.n == 0
		|| !find_has_room_for_case(job, candidate->diary)
		|| !find_earliest(planner, job, candidate, diary_at_work(candidate->diary), &any))
		return found;
	if (found && offer->late <= any.late)
		return true;
	*offer = any;
	offer->on_call = !span_list_contains(row->regular, job_meeting(job, any.start));
	return true;
}

bool find_spoils_rest(const struct planner *planner, const struct job *job,
	const struct diary *diary, int64_t start)
{
	struct span meeting = job_meeting(job, start);
	int64_t end = meeting.end + planner->input->policy.rest_minutes * 60;

	if (job->request->urgency != PLAN_IMMEDIATE
		|| !span_list_overlaps(diary->zone->nights, meeting))
		return false;
	for (size_t i = 0; i < diary->n_jobs; i++) {
		const struct job *other = diary->jobs[i];

		if (other->stands && other->at.start >= meeting.end && other->at.start < end)
			return true;
	}
	return false;
}

/*
 * Cost grows with the start, but for the limits that an immediate request may break: between two
 * moments at which these change the earliest start is the best, and once none is broken no later
 * start is better.
 */
static bool find_immediate_offer(const struct planner *planner, const struct job *job,
	const struct candidate *candidate, struct offer *offer)
{
	struct search search = search_make(job, candidate, diary_at_work(candidate->diary));
	int64_t start = job->from;
	bool found = false;

	while ((start = search_start(&search, start)) != SPAN_NEVER) {
		struct offer one = {.candidate = candidate,
			.start = start,
			.caps = find_caps(job, candidate, start)};

		if (find_spoils_rest(planner, job, candidate->diary, start)) {
			start++;
			continue;
		}
		cost_offer(planner, job, &one);
		if (!found || offer_is_lower(job, &one, offer))
			*offer = one;
		found = true;
		if (one.caps == 0)
			break;
		start = later(start + 1, next_change(candidate->diary, start));
	}
	return found;
}

bool find_offer(struct planner *planner, const struct job *job, const struct candidate *candidate,
	struct offer *offer)
{
	planner->steps++;
	if (job->request->urgency == PLAN_IMMEDIATE)
		return find_immediate_offer(planner, job, candidate, offer);
	if (job->may_on_call)
		return find_urgent_offer(planner, job, candidate, offer);
	return find_regular_offer(planner, job, candidate, offer);
}
