/*
 * plan_crowd - more people and appointments than a small world has, for tests of the room they make
 *
 * Each has a shift of their own and speaks some languages of a row of numbers. One request, an
 * urgent one of language 1, which may move what is routine.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "plan_judge.h"
#include "plan_world.h"

enum { PEOPLE = 40, ROWS = 200, MOVE_WEIGHT = 300, MOVE_ACCEPTED_WEIGHT = 700 };
#define STEP  INT64_C(1800)
#define BEGIN AT(0, 9)

static struct crowd {
	struct world w;
	int32_t languages[PEOPLE + 2];
	struct span shifts[PEOPLE];
	struct plan_coordinator people[PEOPLE];
	struct plan_appointment appointments[ROWS];
	struct plan_request standing[ROWS];
	struct plan_request requests[MOST];
} crowd;

static inline void crowd_make(int64_t chain)
{
	struct plan_input *input = &crowd.w.input;

	memset(&crowd, 0, sizeof crowd);
	world_make(&crowd.w);
	for (int i = 0; i < PEOPLE + 2; i++)
		crowd.languages[i] = i;
	crowd.requests[0] = world_request(1);
	crowd.requests[0].urgency = PLAN_URGENT;
	crowd.requests[0].language = 1;
	crowd.requests[0].buffer_minutes = 0;
	input->coordinators = crowd.people;
	input->n_coordinators = 0;
	input->appointments = crowd.appointments;
	input->standing = crowd.standing;
	input->requests = crowd.requests;
	input->policy.grid_seconds = STEP;
	input->policy.moved_by[PLAN_ROUTINE] = 1 << PLAN_URGENT;
	input->policy.move_chain = chain;
	for (int i = 0; i < PLAN_URGENCIES; i++)
		input->policy.weight[PLAN_MOVE][i] = MOVE_WEIGHT;
	input->policy.weight_move_accepted = MOVE_ACCEPTED_WEIGHT;
}

/* One who speaks `n` languages from `language` on. */
static inline struct plan_coordinator *add_person(int32_t language, size_t n, struct span shift)
{
	size_t i = crowd.w.input.n_coordinators++;
	struct plan_coordinator *one = &crowd.people[i];

	assert_in_range(i, 0, PEOPLE - 1);
	crowd.shifts[i] = shift;
	*one = crowd.w.coordinators[0];
	one->id = (int32_t)i + 1;
	one->languages = (struct plan_codes){crowd.languages + language, n};
	one->max_open_cases = one->meetings_a_day = 1000;
	one->weekly_minutes = 100000;
	one->regular = (struct span_list){&crowd.shifts[i], 1};
	return one;
}

/* An appointment of the coordinator added last that may be moved within the week. */
static inline struct plan_request *add_standing(int32_t language, int64_t start, int64_t steps)
{
	size_t i = crowd.w.input.n_appointments++;
	struct span span = {start, start + steps * STEP};
	struct plan_request *request = &crowd.standing[i];

	assert_in_range(i, 0, ROWS - 1);
	*request = world_request(1000 + (int64_t)i);
	request->language = language;
	request->minutes = steps * STEP / 60;
	request->buffer_minutes = 0;
	request->latest = request->due = AT(7, 0);
	crowd.appointments[i] = (struct plan_appointment){
		.coordinator = (int32_t)crowd.w.input.n_coordinators,
		.case_id = request->case_id,
		.meeting = span,
		.busy = span,
		.counted_minutes = request->minutes,
		.id = 5000 + (int64_t)i,
		.request = request->id,
	};
	crowd.w.input.n_standing = crowd.w.input.n_appointments;
	crowd.people[crowd.w.input.n_coordinators - 1].load_minutes += request->minutes;
	return request;
}

static inline struct plan *crowd_plan(const char *name)
{
	struct plan *plan = world_plan(&crowd.w);
	const char *fault = judge_plan(&crowd.w.input, plan);

	if (fault)
		fail_msg("%s: %s", name, fault);
	return plan;
}
