#include "find.h"

static int64_t round_up(int64_t moment, int64_t step)
{
	int64_t over = moment % step;

	if (over < 0)
		over += step;
	return over ? moment + step - over : moment;
}

/* ---- what was moved -------------------------------------------------------------------------- */

/*
 * A call-out may itself lie over meetings of its case, be in somebody's rest, and exceed limits; but
 * what was moved for another call-out keeps all rules, and this one must leave it so. What is given
 * or moved after the call-outs is no matter to them.
 */
static bool is_to_be_kept(const struct job *job)
{
	return job->stands && job->moved_for && job->moved_for->request->urgency == PLAN_IMMEDIATE;
}

static int64_t day_start(const struct diary *diary, size_t day)
{
	return day < diary->zone->n_days ? diary->zone->day_starts[day] : SPAN_NEVER;
}

/* Past the limits of day and week that one which was moved there keeps by a little. What is before
 * the first day does not count, but its limits are looked up. */
static int64_t pass_limits(const struct search *search, const struct job *moved, int64_t start)
{
	const struct diary *diary = search->diary;
	int64_t first = diary->zone->day_starts[0], minutes = search->counted, meetings = 1;
	size_t day = diary_day(diary, start), its = diary_day(diary, moved->at.start);
	size_t week = diary->week_starts[day];

	if (start < first)
		return start;
	if (moved->at.start < first) {
		minutes += cost_counted_minutes(moved->request, moved->at.candidate->travel);
		meetings++;
	}
	if (diary->week_starts[its] == week
		&& diary->week_minutes[week] + minutes > diary->row->weekly_minutes)
		return day_start(diary, diary_next_week(diary, day));
	if (its == day && diary->meetings[day] + meetings > diary->row->meetings_a_day)
		return day_start(diary, day + 1);
	return start;
}

/* Past one that was moved to the same coordinator, if it is spoilt. */
static int64_t pass_one(const struct search *search, const struct job *moved, int64_t start)
{
	const struct diary *diary = search->diary;
	int64_t case_id = moved->request->case_id;
	struct span meeting = job_meeting(search->job, start);

	if (!diary_has_case(diary, search->job->request->case_id)
		&& diary->n_open_cases == (uint64_t)diary->row->max_open_cases
		&& diary_case_times(diary, case_id) == diary_case_waits(diary, case_id))
		return SPAN_NEVER;
	if (moved->at.start >= meeting.end && moved->at.start < meeting.end + search->job->rest
		&& span_list_overlaps(diary->zone->nights, meeting))
		return start + 1;
	return pass_limits(search, moved, start);
}

static int64_t pass_moved(const struct search *search, int64_t start)
{
	const struct diary *diary = search->diary;
	const struct family *family = search->job->family;
	int64_t passed = start;

	for (size_t i = 0; family->n_standing > 0 && i < family->n_meetings; i++) {
		const struct case_meeting *one = &family->meetings[i];

		if (one->job && is_to_be_kept(one->job)
			&& span_overlaps(one->span, job_meeting(search->job, start)))
			passed = later(passed, one->span.end);
	}
	for (size_t i = 0; diary->n_moved > 0 && i < diary->n_jobs; i++)
		if (is_to_be_kept(diary->jobs[i]))
			passed = later(passed, pass_one(search, diary->jobs[i], start));
	return passed;
}

bool find_spoils(const struct job *job, const struct candidate *candidate, int64_t start)
{
	struct search search = search_make(job, candidate, (struct span_list){0});

	return (search.keep & KEEP_MOVED) && pass_moved(&search, start) != start;
}

bool find_is_leant_on(const struct job *job)
{
	const struct diary *diary = job->at.candidate->diary;
	size_t waits;

	if (job->request->urgency != PLAN_IMMEDIATE || diary->n_moved == 0
		|| diary->n_open_cases <= (uint64_t)diary->row->max_open_cases)
		return false;
	waits = diary_case_waits(diary, job->request->case_id);
	return waits > 0 && diary_case_times(diary, job->request->case_id) == waits + 1;
}

/* ---- starts ---------------------------------------------------------------------------------- */

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
	if (start <= last && (search->keep & KEEP_MOVED))
		start = pass_moved(search, start);
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
		.keep = immediate ? (KEEP_ALL | KEEP_MOVED) & ~(unsigned)(KEEP_CASE | KEEP_REST)
				  : KEEP_ALL,
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
	size_t day = diary_day(diary, start), week = diary->week_starts[day];
	int64_t minutes = diary->week_minutes[week] + search->counted;
	int32_t meetings = diary->meetings[day];
	unsigned caps = 0;

	if (search->meetings > 0 && diary->week_starts[search->day] == week)
		minutes += search->minutes;
	if (search->meetings > 0 && search->day == day)
		meetings += search->meetings;
	if (minutes > row->weekly_minutes)
		caps |= CAP_WEEK;
	if (meetings >= row->meetings_a_day)
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
