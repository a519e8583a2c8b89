#include "planner.h"

/* What a search looks at besides the shift. */
enum {
	KEEP_HOURS = 1,
	KEEP_LEAVE = 2,
	KEEP_TAKEN = 4,
	KEEP_CASE = 8,
	KEEP_REST = 16,
	KEEP_ALL = 31,
};

struct search {
	const struct task *task;
	const struct diary *diary;
	struct span_list shift;
	int64_t length;
	int64_t before, after; /* of the busy span, from the start */
	unsigned keep;
};

static int64_t round_up(int64_t moment, int64_t step)
{
	int64_t over = moment % step;

	if (over < 0)
		over += step;
	return over ? moment + step - over : moment;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Pushes the start past the first thing that is in its way, of each kind; the same start means
 * none is. */
static int64_t push(const struct search *search, int64_t start)
{
	const struct task *task = search->task;
	const struct diary *diary = search->diary;
	int64_t last = task->last, before = search->before, after = search->after;

	start = span_list_next_within(search->shift, start, search->length);
	if (start <= last && (search->keep & KEEP_HOURS) && !task->any_hours)
		start = span_list_next_within(task->hours, start, search->length);
	if (start <= last && (search->keep & KEEP_TAKEN))
		start = span_list_next_outside(span_set_list(&diary->taken), start, before, after);
	if (start <= last && (search->keep & KEEP_LEAVE))
		start = span_list_next_outside(diary->row->leave, start, before, after);
	if (start <= last && (search->keep & KEEP_CASE))
		start = span_list_next_outside(
			span_set_list(&task->case_taken), start, 0, search->length);
	if (start <= last && (search->keep & KEEP_REST))
		start = span_list_next_outside(span_set_list(&diary->rest), start, 0, 1);
	return start;
}

/* The earliest start from `from` on, or SPAN_NEVER. Each turn passes at least one span's edge. */
static int64_t next_start(const struct search *search, int64_t from)
{
	const struct task *task = search->task;

	while (from <= task->last) {
		int64_t start = round_up(from, task->step);

		if (start > task->last)
			break;
		from = push(search, start);
		if (from == start)
			return start;
	}
	return SPAN_NEVER;
}

static struct span_list at_work(const struct diary *diary)
{
	return diary->row->on_call.n > 0 ? span_set_list(&diary->at_work) : diary->row->regular;
}

static struct search make_search(const struct task *task, const struct candidate *candidate)
{
	const struct plan_request *request = task->request;
	const struct diary *diary = candidate->diary;
	int64_t length = request->minutes * 60;
	unsigned soft = KEEP_CASE | KEEP_REST;

	return (struct search){
		.task = task,
		.diary = diary,
		.shift = task->on_call ? at_work(diary) : diary->row->regular,
		.length = length,
		.before = candidate->travel,
		.after = length + request->buffer_minutes * 60 + candidate->travel,
		.keep = request->urgency == PLAN_IMMEDIATE ? KEEP_ALL & ~soft : KEEP_ALL,
	};
}

bool find_moment(const struct task *task)
{
	return task->from <= task->last && round_up(task->from, task->step) <= task->last;
}

bool find_room(const struct task *task)
{
	int64_t length = task->request->minutes * 60, from = task->from;

	while (!task->any_hours && from <= task->last) {
		int64_t start = round_up(from, task->step);

		from = span_list_next_within(task->hours, start, length);
		if (from == start)
			return start <= task->last;
	}
	return task->any_hours;
}

/* Which limits a meeting at this start would break. */
static unsigned caps_broken(const struct search *search, int64_t start, int64_t counted)
{
	const struct diary *diary = search->diary;
	const struct plan_coordinator *row = diary->row;
	size_t day = diary_day(diary, start);
	unsigned caps = 0;

	if (diary->n_open_cases >= (uint64_t)row->max_open_cases
		&& !diary_has_case(diary, search->task->request->case_id))
		caps |= CAP_OPEN_CASES;
	if (diary->week_minutes[diary_week(diary, day)] + counted > row->weekly_minutes)
		caps |= CAP_WEEK;
	if (diary->meetings[day] >= row->meetings_a_day)
		caps |= CAP_DAY;
	if (span_list_holds(span_set_list(&diary->rest), start))
		caps |= CAP_REST;
	return caps;
}

static int64_t next_day(const struct diary *diary, size_t day)
{
	return day + 1 < diary->zone->n_days ? diary->zone->day_starts[day + 1] : SPAN_NEVER;
}

static int64_t next_week(const struct diary *diary, size_t day)
{
	const struct plan_zone *zone = diary->zone;
	int32_t week = zone->week_numbers[day];

	while (day + 1 < zone->n_days && zone->week_numbers[day + 1] == week)
		day++;
	return next_day(diary, day);
}

/* The next moment at which the limits that are broken may be others. */
static int64_t next_change(const struct diary *diary, int64_t start)
{
	struct span_list rest = span_set_list(&diary->rest);
	size_t i = span_list_seek(rest, start);
	int64_t next = next_day(diary, diary_day(diary, start)), edge = SPAN_NEVER;

	if (i < rest.n)
		edge = rest.spans[i].start > start ? rest.spans[i].start : rest.spans[i].end;
	return next < edge ? next : edge;
}

/* The earliest start that breaks none of the limits in `hard`, with what others it breaks. */
static int64_t next_allowed(
	const struct search *search, int64_t from, int64_t counted, unsigned hard, unsigned *capsp)
{
	int64_t start = from;

	while ((start = next_start(search, start)) != SPAN_NEVER) {
		size_t day = diary_day(search->diary, start);

		*capsp = caps_broken(search, start, counted);
		if (*capsp & hard & CAP_WEEK)
			start = next_week(search->diary, day);
		else if (*capsp & hard & CAP_DAY)
			start = next_day(search->diary, day);
		else
			return start;
	}
	return SPAN_NEVER;
}

enum plan_rule find_personal_rule(const struct task *task, const struct candidate *candidate)
{
	const struct plan_request *request = task->request;
	const struct diary *diary = candidate->diary;
	const struct plan_coordinator *row = diary->row;
	bool immediate = request->urgency == PLAN_IMMEDIATE;

	if (has_id(request->conflicts, row->id))
		return PLAN_CONFLICT;
	if (has_id(request->barred, row->id))
		return PLAN_BARRED;
	if (!has_code(row->services, request->service))
		return PLAN_SERVICE;
	if (!request->interpreter && !has_code(row->languages, request->language))
		return PLAN_LANGUAGE;
	if (request->gender_required && request->gender != row->gender)
		return PLAN_GENDER;
	if (!immediate && diary->n_open_cases >= (uint64_t)row->max_open_cases
		&& !diary_has_case(diary, request->case_id))
		return PLAN_CAP_OPEN_CASES;
	if (row->locked && request->urgency != PLAN_ROUTINE)
		return PLAN_LOCKED;
	return PLAN_FREE;
}

/* Why there is no start: adds one rule of time after the other until none is left. */
static enum plan_rule explain(struct search search, int64_t counted)
{
	static const struct {
		unsigned keep;
		enum plan_rule rule;
	} rules[] = {
		{KEEP_HOURS, PLAN_HOURS},
		{KEEP_LEAVE, PLAN_LEAVE},
		{KEEP_TAKEN, PLAN_BUSY},
		{KEEP_CASE, PLAN_CASE_BUSY},
		{KEEP_REST, PLAN_REST},
	};
	const struct task *task = search.task;
	struct span window = {task->from, task->last + search.length};
	struct span_list shift = search.shift;
	unsigned keep = search.keep, caps;

	search.keep = 0;
	search.shift = at_work(search.diary);
	if (next_start(&search, task->from) == SPAN_NEVER)
		return span_list_overlaps(search.diary->row->leave, window) ? PLAN_LEAVE
									    : PLAN_NO_SHIFT;
	search.shift = shift;
	if (next_start(&search, task->from) == SPAN_NEVER)
		return PLAN_ON_CALL_ONLY;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		search.keep |= rules[i].keep & keep;
		if (next_start(&search, task->from) == SPAN_NEVER)
			return rules[i].rule;
	}
	if (next_allowed(&search, task->from, counted, CAP_WEEK, &caps) == SPAN_NEVER)
		return PLAN_CAP_WEEK;
	return PLAN_CAP_DAY;
}

static struct plan_choice make_choice(const struct search *search,
	const struct candidate *candidate, int64_t start, unsigned caps)
{
	const struct plan_coordinator *row = candidate->diary->row;

	return (struct plan_choice){
		.coordinator = row->id,
		.by_interpreter = !has_code(row->languages, search->task->request->language),
		.over_cap = caps != 0,
		.meeting = {start, start + search->length},
		.busy = {start - search->before, start + search->after},
	};
}

/*
 * Cost grows with the start, but for the limits that an immediate request may break: between two
 * moments at which these change the earliest start is the best, and once none is broken no later
 * start is better.
 */
int find_start(struct planner *planner, const struct task *task, const struct candidate *candidate,
	struct plan_choice *choice, enum plan_rule *rulep)
{
	struct search search = make_search(task, candidate);
	bool immediate = task->request->urgency == PLAN_IMMEDIATE, found = false;
	int64_t counted = cost_counted_minutes(task->request, candidate->travel);
	int64_t start = task->from;
	unsigned hard = immediate ? 0 : CAP_WEEK | CAP_DAY, caps = 0;

	while ((start = next_allowed(&search, start, counted, hard, &caps)) != SPAN_NEVER) {
		struct plan_choice one = make_choice(&search, candidate, start, caps);
		int r = cost_of(planner, task, candidate, caps, &one);

		if (r != 0)
			return r;
		if (!found || cost_is_lower(task->request, &one, choice))
			*choice = one;
		found = true;
		if (caps == 0 || !immediate)
			break;
		start = later(start + 1, next_change(candidate->diary, start));
	}
	*rulep = found ? PLAN_FREE : explain(search, counted);
	return 0;
}
