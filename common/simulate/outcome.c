#include <errno.h>
#include <string.h>

#include "draw.h"
#include "play.h"

/* ---- what was missing ---- */

/* Those who could never take it, however long one waits. */
static bool is_final(enum plan_rule rule)
{
	return rule == PLAN_NOT_BACKUP || rule == PLAN_CONFLICT || rule == PLAN_BARRED
	       || rule == PLAN_SERVICE || rule == PLAN_LANGUAGE || rule == PLAN_GENDER;
}

/* rules: how often each stands. */
static enum plan_rule most_often(const size_t *rules)
{
	enum plan_rule most = PLAN_FREE;

	for (int i = PLAN_WINDOW; i < PLAN_DEARER; i++)
		if (!is_final((enum plan_rule)i)
			&& rules[i] > (most == PLAN_FREE ? 0 : rules[most]))
			most = (enum plan_rule)i;
	return most;
}

static enum simulate_lack lack_of(const struct plan_decision *decision, const size_t *rules)
{
	if (decision->n_ruled_out == 0)
		return SIMULATE_LACK_PEOPLE;
	if (rules[PLAN_SERVICE] == decision->n_ruled_out)
		return SIMULATE_LACK_SERVICE;
	if (rules[PLAN_BARRED] > 0)
		return SIMULATE_LACK_CONSENT;
	if (rules[PLAN_LANGUAGE] > 0)
		return SIMULATE_LACK_LANGUAGE;
	return SIMULATE_LACK_TIME;
}

static void note_lack(
	struct play *play, struct request *request, const struct plan_decision *decision)
{
	size_t rules[PLAN_RULES] = {0};

	for (size_t i = 0; i < decision->n_ruled_out; i++)
		rules[decision->ruled_out[i].rule]++;
	request->rule = most_often(rules);
	request->lack = request->rule == PLAN_FREE ? lack_of(decision, rules) : SIMULATE_LACK_TIME;
	request->word = request->lack == SIMULATE_LACK_LANGUAGE
				? play->group->cases[request->case_index].language
				: request->need.service;
}

int outcome_lose(struct play *play, uint32_t index)
{
	struct request *request = &play->requests[index];
	struct simulate_result *result = play->result;

	if (!play_room(&result->lost, &play->lost_room, result->n_lost + 1, sizeof *result->lost))
		return -ENOMEM;
	result->lost[result->n_lost++] = (struct simulate_lost){
		.case_index = request->case_index,
		.first = request->first,
		.urgency = request->urgency,
		.lack = request->lack,
		.word = request->word,
		.rule = request->rule,
	};
	request->state = REQUEST_LOST;
	return 0;
}

static int leave_open(struct play *play, uint32_t index, const struct plan_decision *decision)
{
	struct request *request = &play->requests[index];

	note_lack(play, request, decision);
	/* Declined late, it may be over already. */
	if (request->lack != SIMULATE_LACK_TIME || play->now >= request->give_up)
		return outcome_lose(play, index);
	return wait_begin(play, index, decision);
}

/* ---- what was given ---- */

/* An invitation is answered after a while, and at the latest half-way to the meeting. */
static int64_t answer_at(const struct play *play, const struct request *request)
{
	static const int64_t usual[PLAN_URGENCIES] = {
		[PLAN_IMMEDIATE] = 300, [PLAN_URGENT] = 1800, [PLAN_ROUTINE] = 7200};
	int64_t half = (request->meeting.start - play->now) / 2;

	return play->now + (half < usual[request->urgency] ? half : usual[request->urgency]);
}

static bool declines(const struct play *play, uint32_t index)
{
	const struct request *request = &play->requests[index];
	uint64_t draw = play->group->cases[request->case_index].draw;
	/* A stream of its own: how many follow-ups there are was drawn from the same number. */
	struct draw stream = {draw_fork(
		draw_fork(draw, 2), (uint64_t)request->n_barred * 2 + (request->first ? 0 : 1))};

	return play->rules->decline_percent > 0 && request->n_barred < MOST_BARRED
	       && draw_below(&stream, 100) < (uint32_t)play->rules->decline_percent;
}

static int place(struct play *play, uint32_t index, const struct plan_choice *choice)
{
	struct request *request = &play->requests[index];
	int r;

	request->state = REQUEST_PLANNED;
	request->person = (uint32_t)choice->coordinator - 1;
	request->over_cap = choice->over_cap;
	request->on_call = choice->on_call;
	request->by_interpreter = choice->by_interpreter;
	request->meeting = choice->meeting;
	request->busy = choice->busy;
	request->counted = request->need.minutes
			   + 2 * (choice->meeting.start - choice->busy.start) / 60;
	r = book_add(play, index);
	if (r == 0)
		r = events_add(&play->events, request->meeting.end, EVENT_OVER, index);
	return r;
}

static int give(struct play *play, uint32_t index, const struct plan_choice *choice)
{
	int r = place(play, index, choice);

	if (r == 0 && declines(play, index))
		r = events_add(&play->events, answer_at(play, &play->requests[index]),
			EVENT_DECLINE, index);
	return r;
}

/* All that are moved are taken out first: one may come where another one was. */
static int take_moves(struct play *play, const struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_moves; i++) {
		uint32_t index = (uint32_t)plan->moves[i].request - 1;

		r = book_remove(play, index);
		if (r == 0)
			r = wait_end(play, play->requests[index].person, play->now + 1);
	}
	for (size_t i = 0; r == 0 && i < plan->n_moves; i++)
		r = place(play, (uint32_t)plan->moves[i].request - 1, &plan->moves[i].to);
	play->result->moved += plan->n_moves;
	return r;
}

int outcome_take(struct play *play, const struct plan *plan)
{
	int r = take_moves(play, plan);

	play->result->plans++;
	play->result->limited += plan->limited;
	for (size_t i = 0; r == 0 && i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];
		uint32_t index = (uint32_t)decision->request - 1;

		r = decision->served ? give(play, index, &decision->chosen)
				     : leave_open(play, index, decision);
	}
	return r;
}
