#include <errno.h>

#include "play.h"

static int64_t next_multiple(int64_t moment, int64_t step)
{
	return (moment / step + 1) * step;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static const struct plan_office *office_of(const struct play *play, const struct request *request)
{
	return play->group->offices[play->group->cases[request->case_index].office].row;
}

/* The first moment from this one on that lies in the list. */
static int64_t next_in(struct span_list list, int64_t moment)
{
	size_t i = span_list_seek(list, moment);

	return i == list.n ? SPAN_NEVER : later(list.spans[i].start, moment);
}

/* The first moment from this one on at which somebody is at work while the office has meetings. */
static int64_t next_at_work(const struct play *play, const struct request *request,
	const struct plan_coordinator *row, int64_t moment)
{
	const struct plan_office *office = office_of(play, request);
	struct span_list hours = request->urgency == PLAN_URGENT ? office->urgent_hours
								 : office->office_hours;

	for (;;) {
		int64_t at = next_in(row->regular, moment), open = moment;

		if (request->urgency != PLAN_ROUTINE)
			at = earlier(at, next_in(row->on_call, moment));
		if (request->urgency != PLAN_IMMEDIATE)
			open = next_in(hours, moment);
		if (later(at, open) == moment || later(at, open) == SPAN_NEVER)
			return later(at, open);
		moment = later(at, open);
	}
}

/* Rules that time alone does not change, or only by an event. */
static bool is_lasting(enum plan_rule rule)
{
	return rule == PLAN_NOT_BACKUP || rule == PLAN_CONFLICT || rule == PLAN_BARRED
	       || rule == PLAN_SERVICE || rule == PLAN_LANGUAGE || rule == PLAN_GENDER
	       || rule == PLAN_CAP_OPEN_CASES;
}

/*
 * All that may start and end by now is taken. As time goes on its horizon moves on, and a meeting may
 * end where it could not before: so nothing changes before the horizon reaches a moment at which
 * somebody works who is ruled out by nothing but time.
 */
static int64_t next_chance(const struct play *play, const struct request *request,
	const struct plan_decision *decision)
{
	int64_t horizon = play->rules->horizon_seconds[request->urgency];
	int64_t edge = later(play->now, request->window) + horizon, first = SPAN_NEVER;

	for (size_t i = 0; i < decision->n_ruled_out && first > edge; i++) {
		const struct plan_ruled_out *one = &decision->ruled_out[i];
		const struct book *book = &play->books[one->coordinator - 1];

		if (!is_lasting(one->rule))
			first = earlier(first, next_at_work(play, request, book->row->row, edge));
	}
	return first == SPAN_NEVER ? SPAN_NEVER : first - horizon;
}

static int schedule(struct play *play, uint32_t index, int64_t at)
{
	struct request *request = &play->requests[index];

	request->next = at;
	return at < request->give_up ? events_add(&play->events, at, EVENT_PLAN, index) : 0;
}

static int begin_to_wait(struct play *play, uint32_t index)
{
	struct request *request = &play->requests[index];

	if (request->waits)
		return 0;
	if (!play_room(&play->waiting, &play->waiting_room, play->n_waiting + 1,
		    sizeof *play->waiting))
		return -ENOMEM;
	play->waiting[play->n_waiting++] = index;
	request->waits = true;
	return events_add(&play->events, request->give_up, EVENT_GIVE_UP, index);
}

int wait_begin(struct play *play, uint32_t index, const struct plan_decision *decision)
{
	int64_t chance = next_chance(play, &play->requests[index], decision);
	int64_t step = play->rules->again_seconds;
	int r = begin_to_wait(play, index);

	if (r != 0)
		return r;
	return schedule(play, index,
		chance == SPAN_NEVER ? SPAN_NEVER : next_multiple(later(chance, play->now), step));
}

static bool is_in_reach(const struct plan_office *office, int32_t of_person)
{
	if (office->id == of_person)
		return true;
	for (size_t i = 0; i < office->n_backups; i++)
		if (office->backups[i].office == of_person)
			return true;
	return false;
}

int wait_end(struct play *play, uint32_t person, int64_t from)
{
	int64_t at = next_multiple(from - 1, play->rules->again_seconds);
	int32_t office = play->books[person].row->row->office;
	size_t left = 0;
	int r = 0;

	for (size_t i = 0; i < play->n_waiting; i++) {
		uint32_t index = play->waiting[i];
		struct request *request = &play->requests[index];

		if (request->state != REQUEST_OPEN) {
			request->waits = false;
			continue;
		}
		play->waiting[left++] = index;
		if (r == 0 && request->next > at && is_in_reach(office_of(play, request), office))
			r = schedule(play, index, at);
	}
	play->n_waiting = left;
	return r;
}
