#include "../simulate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

bool play_room(void *arrayp, size_t *room, size_t n, size_t size)
{
	size_t wanted = *room ? *room : 16;
	void *array, *more;

	if (n <= *room)
		return true;
	while (wanted < n)
		wanted *= 2;
	memcpy(&array, arrayp, sizeof array);
	more = reallocarray(array, wanted, size);
	if (more == NULL)
		return false;
	memcpy(arrayp, &more, sizeof more);
	*room = wanted;
	return true;
}

int64_t simulate_clock_read(struct simulate_clock clock, int64_t moment)
{
	size_t low = 0, high = clock.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (clock.pieces[middle].from <= moment)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return moment;
	return clock.pieces[low - 1].value
	       + (clock.pieces[low - 1].moves ? moment - clock.pieces[low - 1].from : 0);
}

/* ---- what happens ---- */

static int open_request(struct play *play, uint32_t case_index, bool first, int64_t window)
{
	const struct simulate_case *matter = &play->group->cases[case_index];
	const struct simulate_office *office = &play->group->offices[matter->office];
	enum plan_urgency urgency = first ? matter->urgency : PLAN_ROUTINE;
	uint32_t index = (uint32_t)play->n_requests;

	if (!play_room(&play->requests, &play->requests_room, play->n_requests + 1,
		    sizeof *play->requests))
		return -ENOMEM;
	play->requests[play->n_requests++] = (struct request){
		.case_index = case_index,
		.first = first,
		.urgency = urgency,
		.need = first ? matter->need : play->group->follow_up,
		.opened = play->now,
		.window = window,
		.due = simulate_clock_read(office->due[urgency], window),
		.give_up = window + play->rules->horizon_seconds[urgency],
		.next = play->now,
		.person = NOBODY,
	};
	play->cases[case_index].open_requests++;
	return events_add(&play->events, play->now, EVENT_PLAN, index);
}

static int keep_meeting(struct play *play, const struct request *request)
{
	struct simulate_result *result = play->result;

	if (!play_room(&result->meetings, &play->meetings_room, result->n_meetings + 1,
		    sizeof *result->meetings))
		return -ENOMEM;
	result->meetings[result->n_meetings++] = (struct simulate_meeting){
		.case_index = request->case_index,
		.person = request->person,
		.first = request->first,
		.over_cap = request->over_cap,
		.on_call = request->on_call,
		.by_interpreter = request->by_interpreter,
		.urgency = request->urgency,
		.opened = request->opened,
		.due = request->due,
		.meeting = request->meeting,
		.counted_minutes = request->counted,
		.weighted_minutes = request->need.minutes * request->need.load_percent / 100,
	};
	return 0;
}

static void note_met(struct case_state *state, uint32_t person)
{
	int32_t id = (int32_t)person + 1;

	for (size_t i = 0; i < state->n_met; i++)
		if (state->met[i] == id)
			return;
	if (state->n_met < MOST_MET)
		state->met[state->n_met++] = id;
}

static int become_responsible(struct play *play, uint32_t case_index, uint32_t person)
{
	struct case_state *state = &play->cases[case_index];

	if (state->responsible != NOBODY)
		return 0;
	state->responsible = person;
	return book_hold_case(&play->books[person], (int64_t)case_index + 1);
}

static int release_case(struct play *play, uint32_t person, uint32_t case_index)
{
	bool room = book_release_case(&play->books[person], (int64_t)case_index + 1);

	return room ? wait_end(play, person, play->now) : 0;
}

/* A case without a meeting to come is closed some time after its last one. */
static int settle_case(struct play *play, uint32_t case_index)
{
	struct case_state *state = &play->cases[case_index];
	int64_t at = state->last_end + play->rules->open_seconds;

	if (--state->open_requests > 0 || state->responsible == NOBODY)
		return 0;
	return events_add(&play->events, at > play->now ? at : play->now, EVENT_CLOSE, case_index);
}

static int end_meeting(struct play *play, uint32_t index)
{
	struct request *request = &play->requests[index];
	uint32_t case_index = request->case_index;
	struct case_state *state = &play->cases[case_index];
	int r;

	/* It was moved, or declined; then another event is on its way. */
	if (request->state != REQUEST_PLANNED || request->meeting.end != play->now)
		return 0;
	request->state = REQUEST_HELD;
	state->last_end = play->now;
	note_met(state, request->person);
	r = keep_meeting(play, request);
	if (r == 0)
		r = become_responsible(play, case_index, request->person);
	if (r == 0)
		r = release_case(play, request->person, case_index);
	if (r == 0 && state->follow_ups > 0 && play->now < play->rules->end) {
		state->follow_ups--;
		r = open_request(
			play, case_index, false, play->now + play->rules->follow_up_seconds);
	}
	return r == 0 ? settle_case(play, case_index) : r;
}

static int decline(struct play *play, uint32_t index)
{
	struct request *request = &play->requests[index];
	int r;

	if (request->state != REQUEST_PLANNED)
		return 0;
	r = book_remove(play, index);
	request->state = REQUEST_OPEN;
	request->barred[request->n_barred++] = (int32_t)request->person + 1;
	request->next = play->now;
	play->result->declined++;
	if (r == 0)
		r = wait_end(play, request->person, play->now);
	return r == 0 ? events_add(&play->events, play->now, EVENT_PLAN, index) : r;
}

static int give_up(struct play *play, uint32_t index)
{
	uint32_t case_index = play->requests[index].case_index;
	int r;

	if (play->requests[index].state != REQUEST_OPEN)
		return 0;
	r = outcome_lose(play, index);
	return r == 0 ? settle_case(play, case_index) : r;
}

static int add_due(struct play *play, uint32_t index)
{
	struct request *request = &play->requests[index];

	/* It waits for another moment by now, or is in the batch already. */
	if (request->state != REQUEST_OPEN || request->next != play->now)
		return 0;
	request->next = SPAN_NEVER;
	if (!play_room(&play->due, &play->due_room, play->n_due + 1, sizeof *play->due))
		return -ENOMEM;
	play->due[play->n_due++] = index;
	return 0;
}

static int take_event(struct play *play, const struct event *event)
{
	switch (event->kind) {
	case EVENT_OVER:
		return end_meeting(play, event->index);
	case EVENT_CLOSE:
		return release_case(play, play->cases[event->index].responsible, event->index);
	case EVENT_DECLINE:
		return decline(play, event->index);
	case EVENT_GIVE_UP:
		return give_up(play, event->index);
	case EVENT_PLAN:
		return add_due(play, event->index);
	default:
		return 0;
	}
}

/* ---- the days ---- */

static int plan_due(struct play *play)
{
	struct plan *plan = NULL;
	char why[200] = "";
	int r = batch_fill(play);

	if (r == 0)
		r = plan_make(&play->batch.input, &plan, why, sizeof why);
	if (r == PLAN_INVALID)
		snprintf(play->error, play->error_size, "%s", why);
	if (r == 0)
		r = outcome_take(play, plan);
	/* Those that nobody will take are out of their case's way. */
	for (size_t i = 0; r == 0 && i < play->n_due; i++)
		if (play->requests[play->due[i]].state == REQUEST_LOST)
			r = settle_case(play, play->requests[play->due[i]].case_index);
	plan_free(plan);
	play->n_due = 0;
	return r == PLAN_INVALID ? SIMULATE_INVALID : r;
}

static bool more_now(const struct play *play)
{
	return play->events.n > 0 && play->events.heap[0].at <= play->now;
}

static int play_on(struct play *play)
{
	const struct simulate_group *group = play->group;
	struct event event;
	size_t opened = 0;
	int r = 0;

	while (r == 0 && (opened < group->n_cases || play->events.n > 0)) {
		if (play->events.n == 0
			|| (opened < group->n_cases
				&& group->cases[opened].opened <= play->events.heap[0].at)) {
			play->now = group->cases[opened].opened;
			r = open_request(play, (uint32_t)opened, true, play->now);
			opened++;
			continue;
		}
		play->now = play->events.heap[0].at;
		while (r == 0 && more_now(play) && events_take(&play->events, &event))
			r = take_event(play, &event);
		if (r == 0 && play->n_due > 0)
			r = plan_due(play);
	}
	return r;
}

/* ---- beginning and end ---- */

static bool allocate(struct play *play)
{
	const struct simulate_group *group = play->group;

	play->cases = calloc(group->n_cases + 1, sizeof *play->cases);
	play->books = calloc(group->n_people + 1, sizeof *play->books);
	play->book_of = calloc(group->n_people + 1, sizeof *play->book_of);
	play->teams = calloc(group->n_offices + 1, sizeof *play->teams);
	play->marks = calloc(group->n_offices + 1, sizeof *play->marks);
	return play->cases && play->books && play->book_of && play->teams && play->marks;
}

static void set_up_teams(struct play *play)
{
	const struct simulate_group *group = play->group;
	size_t n = 0;

	for (size_t i = 0; i < group->n_offices; i++) {
		play->teams[i].first = n;
		for (size_t j = 0; j < group->n_people; j++)
			if (group->people[j].row->office == group->offices[i].row->id)
				play->book_of[n++] = (uint32_t)j;
		play->teams[i].n = n - play->teams[i].first;
	}
}

static int set_up(struct play *play)
{
	const struct simulate_group *group = play->group;

	if (!allocate(play))
		return -ENOMEM;
	for (size_t i = 0; i < group->n_cases; i++)
		play->cases[i] = (struct case_state){
			.responsible = NOBODY, .follow_ups = group->cases[i].follow_ups};
	for (size_t i = 0; i < group->n_people; i++)
		play->books[i].row = &group->people[i];
	set_up_teams(play);
	return 0;
}

static void clear(struct play *play)
{
	for (size_t i = 0; play->books && i < play->group->n_people; i++)
		book_clear(&play->books[i]);
	batch_clear(&play->batch);
	free(play->books);
	free(play->cases);
	free(play->book_of);
	free(play->teams);
	free(play->marks);
	free(play->requests);
	free(play->due);
	free(play->waiting);
	free(play->events.heap);
}

int simulate_play(const struct simulate_rules *rules, const struct simulate_group *group,
	struct simulate_result *result, char *error, size_t error_size)
{
	struct play play = {
		.rules = rules,
		.group = group,
		.result = result,
		.error = error,
		.error_size = error_size,
	};
	int r;

	*result = (struct simulate_result){0};
	r = set_up(&play);
	if (r == 0)
		r = play_on(&play);
	clear(&play);
	return r;
}

void simulate_result_clear(struct simulate_result *result)
{
	free(result->meetings);
	free(result->lost);
	*result = (struct simulate_result){0};
}
