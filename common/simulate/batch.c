/*
 * The planner's input for what is to be planned now: the offices in reach and their people, and of
 * their shifts, days and appointments what lies near. Spans are slices of the whole, by pointer.
 */
#include <errno.h>
#include <stdlib.h>

#include "play.h"

/* As the daemon's snapshot: weeks are counted whole, in any zone. */
enum { DAYS_BEFORE = 9, DAYS_AFTER = 8 };

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct span_list slice(struct span_list list, struct span window)
{
	size_t first = span_list_seek(list, window.start), end = first;

	if (first < list.n)
		end = span_list_seek(list, window.end);
	if (end < list.n && list.spans[end].start < window.end)
		end++;
	return (struct span_list){list.n ? list.spans + first : NULL, end - first};
}

/* ---- requests ---- */

static struct plan_people people_of(const int32_t *ids, size_t n)
{
	return (struct plan_people){ids, n};
}

static void fill_request(const struct play *play, uint32_t index, struct plan_request *one)
{
	const struct request *request = &play->requests[index];
	const struct simulate_case *matter = &play->group->cases[request->case_index];
	const struct case_state *state = &play->cases[request->case_index];
	const struct simulate_office *office = &play->group->offices[matter->office];
	int64_t from = later(play->now, request->window);

	*one = (struct plan_request){
		.id = (int64_t)index + 1,
		.case_id = (int64_t)request->case_index + 1,
		.office = office->row->id,
		.urgency = request->urgency,
		.telephone = matter->telephone,
		.interpreter = matter->interpreter,
		.service = request->need.service,
		.language = matter->language,
		.minutes = request->need.minutes,
		.buffer_minutes = request->need.buffer_minutes,
		.load_percent = request->need.load_percent,
		.earliest = later(request->window,
			simulate_clock_read(office->notice[request->urgency], play->now)),
		.latest = from + play->rules->horizon_seconds[request->urgency],
		.due = request->due,
		.responsible = state->responsible == NOBODY ? 0 : (int32_t)state->responsible + 1,
		.met = people_of(state->met, state->n_met),
		.barred = people_of(request->barred, request->n_barred),
	};
}

/* The span from the earliest start to the latest end. */
static int fill_requests(struct play *play, struct span *window)
{
	struct batch *batch = &play->batch;

	if (!play_room(
		    &batch->requests, &batch->requests_room, play->n_due, sizeof *batch->requests))
		return -ENOMEM;
	*window = (struct span){INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < play->n_due; i++) {
		struct plan_request *one = &batch->requests[i];

		fill_request(play, play->due[i], one);
		window->start = earlier(window->start, earlier(one->earliest, one->latest));
		window->end = later(window->end, later(one->earliest, one->latest));
	}
	window->end++;
	batch->input.n_requests = play->n_due;
	return 0;
}

/* ---- offices in reach ---- */

static size_t office_at(const struct simulate_group *group, int32_t id)
{
	size_t i = 0;

	while (i < group->n_offices && group->offices[i].row->id != id)
		i++;
	return i;
}

static void mark_reach(struct play *play, size_t office)
{
	const struct plan_office *row = play->group->offices[office].row;

	play->marks[office] = play->n_batches;
	for (size_t i = 0; i < row->n_backups; i++) {
		size_t backup = office_at(play->group, row->backups[i].office);

		if (backup < play->group->n_offices)
			play->marks[backup] = play->n_batches;
	}
}

static bool is_marked(const struct play *play, size_t office)
{
	return play->marks[office] == play->n_batches;
}

/* Every office that is marked is given, so that appointments of its people may be moved. */
static int fill_offices(struct play *play, struct span window)
{
	struct batch *batch = &play->batch;
	size_t n = 0;

	if (!play_room(&batch->offices, &batch->offices_room, play->group->n_offices,
		    sizeof *batch->offices))
		return -ENOMEM;
	for (size_t i = 0; i < play->group->n_offices; i++) {
		struct plan_office *one = &batch->offices[n];

		if (!is_marked(play, i))
			continue;
		*one = *play->group->offices[i].row;
		one->urgent_hours = slice(one->urgent_hours, window);
		one->office_hours = slice(one->office_hours, window);
		n++;
	}
	batch->input.n_offices = n;
	return 0;
}

/* ---- zones ---- */

static size_t day_of(const struct plan_zone *zone, int64_t moment)
{
	size_t low = 0, high = zone->n_days;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->day_starts[middle] <= moment)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* From the first day of the week that the window begins in. */
static struct plan_zone slice_zone(const struct plan_zone *zone, struct span window)
{
	size_t first = day_of(zone, window.start);
	int64_t end = window.end + DAYS_AFTER * DAY;

	while (first > 0 && zone->week_numbers[first - 1] == zone->week_numbers[first])
		first--;
	return (struct plan_zone){zone->day_starts + first, zone->week_numbers + first,
		day_of(zone, end) - first + 1,
		slice(zone->nights, (struct span){window.start - DAY, end})};
}

/* ---- people ---- */

static int fill_person(
	struct play *play, uint32_t person, struct span window, struct plan_coordinator *one)
{
	struct book *book = &play->books[person];
	struct span around = {window.start - 2 * DAY, window.end + 2 * DAY};

	*one = *book->row->row;
	one->id = (int32_t)person + 1;
	one->locked = false;
	one->regular = slice(one->regular, window);
	one->on_call = slice(one->on_call, window);
	one->leave = slice(one->leave, around);
	one->open_cases = (struct plan_cases){book->cases, book->n_cases};
	one->rest = slice(span_set_list(&book->rest), around);
	one->weekly_shift_minutes = book_shift_minutes(book, play->now);
	one->load_minutes = book_load(play, book);
	return one->load_minutes < 0 ? -ENOMEM : 0;
}

/* Urgencies whose appointments somebody in this batch may move. */
static unsigned movable_urgencies(const struct play *play)
{
	const struct plan_policy *policy = &play->rules->policy;
	unsigned there = 0, movable = 0;

	for (size_t i = 0; i < play->n_due; i++)
		there |= 1U << play->requests[play->due[i]].urgency;
	for (unsigned i = 0; i < PLAN_URGENCIES; i++)
		if (policy->move_chain > 0 && (policy->moved_by[i] & there) != 0)
			movable |= 1U << i;
	return movable;
}

/* As the daemon's snapshot has it: not within its notice, not late already, and in the window. */
static bool may_move(const struct play *play, const struct request *request, unsigned movable,
	struct span window)
{
	size_t office = play->group->cases[request->case_index].office;
	struct simulate_clock notice = play->group->offices[office].notice[request->urgency];

	return (movable & 1U << request->urgency) != 0 && request->state == REQUEST_PLANNED
	       && is_marked(play, office) && request->meeting.start <= request->due
	       && request->meeting.end <= window.end && request->meeting.start > play->now
	       && request->meeting.start >= simulate_clock_read(notice, play->now);
}

static int fill_standing(
	struct play *play, uint32_t request, struct span window, struct plan_appointment *one)
{
	struct batch *batch = &play->batch;
	size_t n = batch->input.n_standing;

	if (!play_room(&batch->standing, &batch->standing_room, n + 1, sizeof *batch->standing))
		return -ENOMEM;
	fill_request(play, request, &batch->standing[n]);
	batch->standing[n].latest = earlier(batch->standing[n].latest, window.end);
	batch->input.n_standing++;
	one->request = (int64_t)request + 1;
	one->accepted = true;
	return 0;
}

static int fill_appointments(
	struct play *play, const struct book *book, struct span window, unsigned movable)
{
	struct batch *batch = &play->batch;
	size_t i = book_seek(book, window.start - DAYS_BEFORE * DAY);
	int r = 0;

	if (!play_room(&batch->appointments, &batch->appointments_room,
		    batch->input.n_appointments + book->n - i, sizeof *batch->appointments))
		return -ENOMEM;
	for (; r == 0 && i < book->n; i++) {
		uint32_t index = book->entries[i].request;
		const struct request *request = &play->requests[index];
		struct plan_appointment *one = &batch->appointments[batch->input.n_appointments];

		if (book->entries[i].start >= window.end + DAYS_AFTER * DAY)
			break;
		*one = (struct plan_appointment){
			.coordinator = (int32_t)request->person + 1,
			.case_id = (int64_t)request->case_index + 1,
			.meeting = request->meeting,
			.busy = request->busy,
			.counted_minutes = request->counted,
			.id = (int64_t)index + 1,
		};
		batch->input.n_appointments++;
		if (may_move(play, request, movable, window))
			r = fill_standing(play, index, window, one);
	}
	return r;
}

static int fill_team(struct play *play, struct team team, struct span window, unsigned movable)
{
	struct batch *batch = &play->batch;
	size_t n = batch->input.n_coordinators;
	int r = 0;

	if (!play_room(&batch->coordinators, &batch->coordinators_room, n + team.n,
		    sizeof *batch->coordinators))
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < team.n; i++) {
		uint32_t person = play->book_of[team.first + i];

		r = fill_person(play, person, window, &batch->coordinators[n + i]);
		if (r == 0)
			r = fill_appointments(play, &play->books[person], window, movable);
	}
	batch->input.n_coordinators = n + team.n;
	return r;
}

static int fill_people(struct play *play, struct span window)
{
	unsigned movable = movable_urgencies(play);
	int r = 0;

	for (size_t i = 0; r == 0 && i < play->group->n_offices; i++)
		if (is_marked(play, i))
			r = fill_team(play, play->teams[i], window, movable);
	return r;
}

static int fill_zones(struct play *play, struct span window)
{
	struct batch *batch = &play->batch;
	size_t n = play->group->n_zones;

	if (batch->zones == NULL)
		batch->zones = calloc(n + 1, sizeof *batch->zones);
	if (batch->zones == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		batch->zones[i] = slice_zone(&play->group->zones[i], window);
	batch->input.n_zones = n;
	return 0;
}

int batch_fill(struct play *play)
{
	struct batch *batch = &play->batch;
	struct span window;
	int r = fill_requests(play, &window);

	batch->input.n_coordinators = batch->input.n_appointments = batch->input.n_standing = 0;
	play->n_batches++;
	for (size_t i = 0; i < play->n_due; i++)
		mark_reach(
			play, play->group->cases[play->requests[play->due[i]].case_index].office);
	if (r == 0)
		r = fill_zones(play, window);
	if (r == 0)
		r = fill_offices(play, window);
	if (r == 0)
		r = fill_people(play, window);
	batch->input.now = play->now;
	batch->input.policy = play->rules->policy;
	batch->input.zones = batch->zones;
	batch->input.offices = batch->offices;
	batch->input.coordinators = batch->coordinators;
	batch->input.appointments = batch->appointments;
	batch->input.requests = batch->requests;
	batch->input.standing = batch->standing;
	return r;
}

void batch_clear(struct batch *batch)
{
	free(batch->zones);
	free(batch->offices);
	free(batch->coordinators);
	free(batch->appointments);
	free(batch->requests);
	free(batch->standing);
}
