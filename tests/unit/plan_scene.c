#include "plan_scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *judge_say(const char *fmt, ...)
{
	static char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return text;
}

/* ---- small things ---------------------------------------------------------------------------- */

bool judge_has_code(struct plan_codes codes, int32_t code)
{
	for (size_t i = 0; i < codes.n; i++)
		if (codes.codes[i] == code)
			return true;
	return false;
}

static bool is_one_of(struct plan_people people, int32_t id)
{
	return judge_has_code((struct plan_codes){people.ids, people.n}, id);
}

static bool has_case(struct plan_cases cases, int64_t id)
{
	for (size_t i = 0; i < cases.n; i++)
		if (cases.ids[i] == id)
			return true;
	return false;
}

static bool meets(struct span_list list, struct span span)
{
	for (size_t i = 0; i < list.n; i++)
		if (list.spans[i].start < span.end && span.start < list.spans[i].end)
			return true;
	return false;
}

/* Whether every moment of span lies in one of the lists, walking from span's start. */
static bool is_covered(struct span_list a, struct span_list b, struct span span)
{
	int64_t at = span.start, before;

	do {
		before = at;
		for (size_t i = 0; i < a.n; i++)
			if (a.spans[i].start <= at && at < a.spans[i].end)
				at = a.spans[i].end;
		for (size_t i = 0; i < b.n; i++)
			if (b.spans[i].start <= at && at < b.spans[i].end)
				at = b.spans[i].end;
	} while (at > before && at < span.end);
	return at >= span.end;
}

static const struct plan_office *office_of(
	const struct plan_input *input, const struct plan_request *request)
{
	for (size_t i = 0; i < input->n_offices; i++)
		if (input->offices[i].id == request->office)
			return &input->offices[i];
	return NULL;
}

int32_t judge_rank(const struct plan_input *input, const struct plan_request *request,
	const struct plan_coordinator *person, int64_t *travel)
{
	const struct plan_office *office = office_of(input, request);

	*travel = 0;
	if (person->office == request->office)
		return 0;
	for (size_t i = 0; i < office->n_backups; i++) {
		const struct plan_backup *backup = &office->backups[i];

		if (backup->office != person->office)
			continue;
		*travel = request->telephone ? 0 : (int64_t)backup->travel_minutes * 60;
		return backup->rank;
	}
	return -1;
}

struct span judge_span(const struct judge_meeting *x)
{
	return (struct span){x->start, x->start + x->request->minutes * 60};
}

struct span judge_busy(const struct plan_input *input, const struct judge_meeting *x)
{
	int64_t travel;

	judge_rank(input, x->request, x->person, &travel);
	return (struct span){
		x->start - travel, judge_span(x).end + x->request->buffer_minutes * 60 + travel};
}

static int64_t counted_of(const struct plan_input *input, const struct judge_meeting *x)
{
	int64_t travel;

	judge_rank(input, x->request, x->person, &travel);
	return x->request->minutes + 2 * (travel / 60);
}

int64_t judge_late(const struct judge_meeting *x)
{
	int64_t late = x->start - x->request->due;

	return late <= 0 ? 0 : late / 60 + (late % 60 != 0);
}

bool judge_is_on_call(const struct judge_meeting *x)
{
	return !is_covered(x->person->regular, (struct span_list){0}, judge_span(x));
}

static bool is_call_out(const struct judge_meeting *x)
{
	return x->request->urgency == PLAN_IMMEDIATE;
}

/* ---- the scene ------------------------------------------------------------------------------- */

static bool is_moved(const struct scene *scene, const struct plan_appointment *appointment)
{
	for (size_t i = 0; i < scene->n_meetings; i++)
		if (scene->meetings[i].moved == appointment)
			return true;
	return false;
}

void scene_add(struct scene *scene, const struct judge_meeting *x, size_t which)
{
	scene->others[scene->n_others++] = (struct scene_other){x->person->id, x->request->case_id,
		judge_span(x), judge_busy(scene->input, x), counted_of(scene->input, x), which,
		is_call_out(x), x->moved != NULL};
}

bool scene_open(struct scene *scene, const struct plan_input *input,
	const struct judge_meeting *meetings, size_t n)
{
	*scene = (struct scene){.input = input, .meetings = meetings, .n_meetings = n};
	scene->others = calloc(input->n_appointments + n + 1, sizeof *scene->others);
	if (scene->others == NULL)
		return false;
	for (size_t i = 0; i < input->n_appointments; i++) {
		const struct plan_appointment *a = &input->appointments[i];

		if (!is_moved(scene, a))
			scene->others[scene->n_others++] = (struct scene_other){a->coordinator,
				a->case_id, a->meeting, a->busy, a->counted_minutes, SCENE_STANDS,
				false, false};
	}
	for (size_t i = 0; i < n; i++)
		scene_add(scene, &meetings[i], i);
	return true;
}

void scene_close(struct scene *scene)
{
	free(scene->others);
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* The local day a moment lies in, counted from 0; -1: before the first. */
static int64_t day_of(
	const struct plan_input *input, const struct plan_coordinator *person, int64_t moment)
{
	const struct plan_zone *zone = &input->zones[person->zone];
	int64_t day = -1;

	while (day + 1 < (int64_t)zone->n_days && zone->day_starts[day + 1] <= moment)
		day++;
	return day;
}

/* What is before the first day is looked up as if it were of it, but does not count. */
static bool is_same_day(const struct plan_input *input, const struct plan_coordinator *person,
	int64_t start, int64_t other)
{
	int64_t day = day_of(input, person, start);

	return day_of(input, person, other) == (day < 0 ? 0 : day);
}

static bool is_same_week(const struct plan_input *input, const struct plan_coordinator *person,
	int64_t start, int64_t other)
{
	const int32_t *weeks = input->zones[person->zone].week_numbers;
	int64_t a = day_of(input, person, start), b = day_of(input, person, other);
	int64_t first, last;

	if (b < 0)
		return false;
	a = a < 0 ? 0 : a;
	first = a < b ? a : b;
	last = a < b ? b : a;
	while (first < last && weeks[first] == weeks[first + 1])
		first++;
	return first == last;
}

/* Which of the others count for x: all, or for the price of a call-out those before it. */
static bool counts(const struct scene *scene, const struct scene_other *other,
	const struct judge_meeting *x, size_t which, bool before)
{
	if (other->coordinator != x->person->id || other->which == which)
		return false;
	return !before || scene->everything || other->which == SCENE_STANDS || other->moved
	       || (other->call_out && other->which < which);
}

static bool breaks_day(
	const struct scene *scene, const struct judge_meeting *x, size_t which, bool before)
{
	int64_t meetings = 0;

	for (size_t i = 0; i < scene->n_others; i++)
		meetings += counts(scene, &scene->others[i], x, which, before)
			    && is_same_day(scene->input, x->person, x->start,
				    scene->others[i].meeting.start);
	return meetings >= x->person->meetings_a_day;
}

static bool breaks_week(
	const struct scene *scene, const struct judge_meeting *x, size_t which, bool before)
{
	int64_t minutes = counted_of(scene->input, x);

	for (size_t i = 0; i < scene->n_others; i++)
		if (counts(scene, &scene->others[i], x, which, before)
			&& is_same_week(
				scene->input, x->person, x->start, scene->others[i].meeting.start))
			minutes += scene->others[i].counted;
	return minutes > x->person->weekly_minutes;
}

static bool breaks_rest(
	const struct scene *scene, const struct judge_meeting *x, size_t which, bool before)
{
	struct span moment = {x->start, x->start + 1};
	int64_t length = scene->input->policy.rest_minutes * 60;
	struct span_list nights = scene->input->zones[x->person->zone].nights;

	if (meets(x->person->rest, moment))
		return true;
	for (size_t i = 0; i < scene->n_others; i++) {
		const struct scene_other *other = &scene->others[i];
		struct span rest = {other->meeting.end, other->meeting.end + length};

		if (other->call_out && counts(scene, other, x, which, before)
			&& meets(nights, other->meeting) && span_overlaps(rest, moment))
			return true;
	}
	return false;
}

/* Whether all that they had of a case was moved away from them, and they are not responsible. */
static bool is_case_gone(
	const struct scene *scene, const struct plan_coordinator *person, int64_t case_id)
{
	bool moved = false;

	for (size_t i = 0; i < scene->n_meetings; i++) {
		const struct judge_meeting *move = &scene->meetings[i];

		if (move->moved == NULL || move->moved->coordinator != person->id
			|| move->request->case_id != case_id)
			continue;
		if (move->person == person)
			return false;
		moved |= move->request->responsible != person->id;
	}
	for (size_t i = 0; moved && i < scene->n_others; i++)
		if (scene->others[i].which == SCENE_STANDS
			&& scene->others[i].coordinator == person->id
			&& scene->others[i].case_id == case_id)
			return false;
	return moved;
}

static bool had_case(
	const struct scene *scene, const struct plan_coordinator *person, int64_t case_id)
{
	return has_case(person->open_cases, case_id) && !is_case_gone(scene, person, case_id);
}

/* Whether somebody's case is open without this plan, or by what came before. */
static bool is_open(const struct scene *scene, const struct judge_meeting *x, size_t which,
	int64_t case_id, bool call_outs_only)
{
	if (had_case(scene, x->person, case_id))
		return true;
	for (size_t i = 0; i < scene->n_others; i++) {
		const struct scene_other *other = &scene->others[i];

		if (other->which != SCENE_STANDS && counts(scene, other, x, which, call_outs_only)
			&& other->case_id == case_id)
			return true;
	}
	return false;
}

/* How many cases are open: each is counted where it stands first. */
static int64_t count_cases(
	const struct scene *scene, const struct judge_meeting *x, size_t which, bool before)
{
	struct plan_cases own = x->person->open_cases;
	int64_t n = 0;

	for (size_t i = 0; i < own.n; i++)
		n += !has_case((struct plan_cases){own.ids, i}, own.ids[i])
		     && had_case(scene, x->person, own.ids[i]);
	for (size_t i = 0; i < scene->n_others; i++) {
		const struct scene_other *other = &scene->others[i];
		bool seen = had_case(scene, x->person, other->case_id);

		if (other->which == SCENE_STANDS || !counts(scene, other, x, which, before))
			continue;
		for (size_t j = 0; j < i; j++)
			seen |= scene->others[j].which != SCENE_STANDS
				&& counts(scene, &scene->others[j], x, which, before)
				&& scene->others[j].case_id == other->case_id;
		n += !seen;
	}
	return n;
}

/* A case that was open before, or is by call-outs, needs no room; any other has its place among all
 * that are open in the end. */
static bool breaks_open_cases(
	const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	int64_t case_id = x->request->case_id;
	int64_t others = count_cases(scene, x, which, false);

	if (scene->everything ? had_case(scene, x->person, case_id)
			      : has_case(x->person->open_cases, case_id))
		return false;
	for (size_t i = 0; i < scene->n_others; i++)
		if (scene->others[i].call_out && counts(scene, &scene->others[i], x, which, false)
			&& scene->others[i].case_id == case_id)
			return false;
	return others + !is_open(scene, x, which, case_id, false) > x->person->max_open_cases;
}

int scene_caps_broken(const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	bool full = count_cases(scene, x, which, true) >= x->person->max_open_cases
		    && !is_open(scene, x, which, x->request->case_id, true);

	return full + breaks_week(scene, x, which, true) + breaks_day(scene, x, which, true)
	       + breaks_rest(scene, x, which, true);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static bool keeps_busy(const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	struct span busy = judge_busy(scene->input, x);

	for (size_t i = 0; i < scene->n_others; i++)
		if (counts(scene, &scene->others[i], x, which, false)
			&& span_overlaps(scene->others[i].busy, busy))
			return false;
	return true;
}

static bool keeps_case_free(const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	for (size_t i = 0; i < scene->n_others; i++) {
		const struct scene_other *other = &scene->others[i];

		if (other->which != which && other->case_id == x->request->case_id
			&& span_overlaps(other->meeting, judge_span(x)))
			return false;
	}
	return true;
}

static bool keeps_window(const struct plan_input *input, const struct judge_meeting *x)
{
	int64_t step = is_call_out(x) ? 60 : input->policy.grid_seconds;

	return x->start >= input->now && x->start >= x->request->earliest && x->start % step == 0
	       && judge_span(x).end <= x->request->latest;
}

static bool keeps_hours(const struct plan_input *input, const struct judge_meeting *x)
{
	const struct plan_office *office = office_of(input, x->request);
	struct span_list hours = x->request->urgency == PLAN_URGENT ? office->urgent_hours
								    : office->office_hours;

	return is_call_out(x) || is_covered(hours, (struct span_list){0}, judge_span(x));
}

static bool keeps_person(
	const struct plan_input *input, const struct judge_meeting *x, enum plan_rule rule)
{
	const struct plan_request *request = x->request;
	const struct plan_coordinator *person = x->person;
	int64_t travel;

	if (rule == PLAN_NOT_BACKUP)
		return judge_rank(input, request, person, &travel) >= 0;
	if (rule == PLAN_CONFLICT)
		return !is_one_of(request->conflicts, person->id);
	if (rule == PLAN_BARRED)
		return !is_one_of(request->barred, person->id);
	if (rule == PLAN_SERVICE)
		return judge_has_code(person->services, request->service);
	if (rule == PLAN_LANGUAGE)
		return request->interpreter || judge_has_code(person->languages, request->language);
	if (rule == PLAN_GENDER)
		return !request->gender_required || request->gender == person->gender;
	return rule != PLAN_LOCKED || !person->locked || request->urgency == PLAN_ROUTINE;
}

static bool keeps_limit(
	const struct scene *scene, const struct judge_meeting *x, size_t which, enum plan_rule rule)
{
	if (is_call_out(x))
		return true;
	if (rule == PLAN_CAP_OPEN_CASES)
		return !breaks_open_cases(scene, x, which);
	if (rule == PLAN_CASE_BUSY)
		return keeps_case_free(scene, x, which);
	if (rule == PLAN_REST)
		return !breaks_rest(scene, x, which, false);
	if (rule == PLAN_CAP_WEEK)
		return !breaks_week(scene, x, which, false);
	return rule != PLAN_CAP_DAY || !breaks_day(scene, x, which, false);
}

bool scene_keeps(
	const struct scene *scene, const struct judge_meeting *x, size_t which, enum plan_rule rule)
{
	const struct plan_coordinator *person = x->person;

	if (rule == PLAN_WINDOW)
		return keeps_window(scene->input, x);
	if (rule == PLAN_NO_SHIFT)
		return is_covered(person->regular, person->on_call, judge_span(x));
	if (rule == PLAN_ON_CALL_ONLY)
		return x->request->urgency != PLAN_ROUTINE || !judge_is_on_call(x);
	if (rule == PLAN_HOURS)
		return keeps_hours(scene->input, x);
	if (rule == PLAN_LEAVE)
		return !meets(person->leave, judge_busy(scene->input, x));
	if (rule == PLAN_BUSY)
		return keeps_busy(scene, x, which);
	return keeps_person(scene->input, x, rule) && keeps_limit(scene, x, which, rule);
}

/* ---- cost ------------------------------------------------------------------------------------ */

static bool is_known(const struct plan_request *request)
{
	return request->responsible != 0 || request->met.n > 0;
}

/* Whether x is somebody new: all that stands counts, and of the plan what is needed before x. */
static bool is_stranger(const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	const struct plan_request *request = x->request;
	bool anybody = false, themselves = false;

	if (is_known(request))
		return request->responsible != x->person->id
		       && !is_one_of(request->met, x->person->id);
	for (size_t i = 0; i < scene->n_others; i++) {
		const struct scene_other *other = &scene->others[i];

		if (other->case_id != request->case_id || other->which == which
			|| (other->which != SCENE_STANDS && !other->moved && other->which > which))
			continue;
		anybody = true;
		themselves |= other->coordinator == x->person->id;
	}
	return anybody && !themselves;
}

static int64_t units_of(const struct plan_request *request)
{
	int64_t hundredths = request->minutes * request->load_percent;

	return hundredths / 1500 + (hundredths % 1500 != 0);
}

/* Weighted quarter-hours that somebody has when x is counted: what was moved away is gone, that of
 * x too, and what was moved to them is there. */
static int64_t units_before(const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	int64_t had = x->person->load_minutes / 15;

	for (size_t i = 0; i < scene->n_meetings; i++) {
		const struct judge_meeting *move = &scene->meetings[i];
		int64_t units = units_of(move->request);

		if (move->moved && move->moved->coordinator == x->person->id)
			had -= units < had ? units : had;
		if (move->moved && i != which && move->person == x->person)
			had += units;
	}
	for (size_t i = 0; i < which && i < scene->n_meetings; i++)
		if (scene->meetings[i].moved == NULL && scene->meetings[i].person == x->person)
			had += units_of(scene->meetings[i].request);
	return had;
}

/* One quarter-hour after the other. */
static int64_t load_of(const struct scene *scene, const struct judge_meeting *x, size_t which)
{
	int64_t weight = scene->input->policy.weight[PLAN_LOAD][PLAN_ROUTINE], sum = 0;
	int64_t shifts = x->person->weekly_shift_minutes < 60 ? 60
							      : x->person->weekly_shift_minutes;
	int64_t had = units_before(scene, x, which);

	for (int64_t k = had + 1; k <= had + units_of(x->request); k++)
		sum += 75 * weight * (2 * k - 1) / (16 * shifts);
	return sum;
}

void scene_terms(
	const struct scene *scene, const struct judge_meeting *x, size_t which, int64_t *terms)
{
	const struct plan_request *request = x->request;
	const struct plan_coordinator *person = x->person;
	int64_t travel,
		times[PLAN_TERMS] = {
			[PLAN_WAIT] = (x->start - scene->input->now) / 60,
			[PLAN_COLLATERAL] = person->collateral,
			[PLAN_BACKUP] = judge_rank(scene->input, request, person, &travel),
			[PLAN_INTERPRETER] = !judge_has_code(person->languages, request->language),
			[PLAN_PREFERENCE] = (request->gender && request->gender != person->gender)
					    + (request->preferred
						    && request->preferred != person->id),
			[PLAN_CONTINUITY] = is_stranger(scene, x, which),
			[PLAN_OVER_CAP] = is_call_out(x) ? scene_caps_broken(scene, x, which) : 0,
		};

	for (int i = 0; i < PLAN_TERMS; i++)
		terms[i] = times[i] * scene->input->policy.weight[i][request->urgency];
	terms[PLAN_LOAD] = load_of(scene, x, which);
}

void scene_move_terms(const struct scene *scene, size_t which, int64_t *terms)
{
	const struct judge_meeting *to = &scene->meetings[which];
	const struct plan_policy *policy = &scene->input->policy;
	struct judge_meeting from = *to;
	int64_t before[PLAN_TERMS];

	for (size_t i = 0; i < scene->input->n_coordinators; i++)
		if (scene->input->coordinators[i].id == to->moved->coordinator)
			from.person = &scene->input->coordinators[i];
	from.start = to->moved->meeting.start;
	scene_terms(scene, to, which, terms);
	scene_terms(scene, &from, which, before);
	for (int i = 0; i < PLAN_TERMS; i++)
		terms[i] -= before[i];
	terms[PLAN_MOVE] = to->moved->accepted ? policy->weight_move_accepted
					       : policy->weight[PLAN_MOVE][PLAN_ROUTINE];
}
