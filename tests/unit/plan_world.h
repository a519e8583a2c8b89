/*
 * plan_world - a small world for the planner's tests
 *
 * Monday 5 January 2026, 08:00 UTC. Office 1 has coordinators 11 and 12, office 2 is its backup
 * an hour away and has coordinator 21. All work 09:00-17:00 on weekdays, give service SERVICE and
 * speak ENGLISH. One request, number 1 of case 100, wants an hour of that in the week from 09:00
 * on.
 */
#pragma once

#include <string.h>
#include <cmocka.h>

#include "plan.h"

enum { SERVICE = 1, OTHER_SERVICE, ENGLISH, SPANISH, FEMALE, MALE };
enum { DAYS = 28, MOST = 8 };

#define MONDAY INT64_C(1767571200)
#define HOUR   INT64_C(3600)
#define DAY    INT64_C(86400)
/* Day (0: that Monday) and hour. */
#define AT(day, hour) (MONDAY + (day)*DAY + (hour)*HOUR)

struct world {
	struct plan_input input;
	int64_t day_starts[DAYS];
	int32_t weeks[DAYS];
	struct span nights[DAYS + 1], shifts[DAYS], office_hours[DAYS], urgent_hours[DAYS];
	int32_t services[1], languages[1];
	struct plan_zone zone;
	struct plan_backup backups[1];
	struct plan_office offices[2];
	struct plan_coordinator coordinators[3];
	struct plan_appointment appointments[MOST];
	struct plan_request requests[MOST];
	/* for tests to point to */
	struct span spans[MOST];
	int32_t ids[MOST];
	int64_t cases[MOST];
};

static inline void world_make_days(struct world *w)
{
	size_t n = 0;

	w->nights[0] = (struct span){AT(-1, 22), AT(0, 6)};
	for (int i = 0; i < DAYS; i++) {
		w->day_starts[i] = AT(i, 0);
		w->weeks[i] = i / 7;
		w->nights[i + 1] = (struct span){AT(i, 22), AT(i + 1, 6)};
		w->urgent_hours[i] = (struct span){AT(i, 8), AT(i, 20)};
		if (i % 7 >= 5)
			continue;
		w->shifts[n] = (struct span){AT(i, 9), AT(i, 17)};
		w->office_hours[n++] = (struct span){AT(i, 8), AT(i, 17)};
	}
	w->zone = (struct plan_zone){w->day_starts, w->weeks, DAYS, {w->nights, DAYS + 1}};
	w->offices[0] = (struct plan_office){
		1, w->backups, 1, {w->urgent_hours, DAYS}, {w->office_hours, n}};
	w->offices[1] = (struct plan_office){
		2, NULL, 0, {w->urgent_hours, DAYS}, {w->office_hours, n}};
	w->backups[0] = (struct plan_backup){2, 1, 60};
	for (int i = 0; i < 3; i++)
		w->coordinators[i].regular = (struct span_list){w->shifts, n};
}

static inline void world_make_people(struct world *w)
{
	static const int32_t ids[] = {11, 12, 21}, offices[] = {1, 1, 2};

	w->services[0] = SERVICE;
	w->languages[0] = ENGLISH;
	for (int i = 0; i < 3; i++) {
		struct plan_coordinator *one = &w->coordinators[i];

		one->id = ids[i];
		one->office = offices[i];
		one->services = (struct plan_codes){w->services, 1};
		one->languages = (struct plan_codes){w->languages, 1};
		one->max_open_cases = 15;
		one->weekly_minutes = 1500;
		one->meetings_a_day = 4;
		one->weekly_shift_minutes = 2400;
	}
}

/* The same request under another number and of another case. */
static inline struct plan_request world_request(int64_t id)
{
	return (struct plan_request){
		.id = id,
		.case_id = 99 + id,
		.office = 1,
		.urgency = PLAN_ROUTINE,
		.service = SERVICE,
		.language = ENGLISH,
		.minutes = 60,
		.buffer_minutes = 30,
		.load_percent = 100,
		.earliest = AT(0, 9),
		.latest = AT(7, 9),
		.due = AT(3, 9),
	};
}

static inline void world_make(struct world *w)
{
	static const int64_t weights[PLAN_TERMS] = {[PLAN_COLLATERAL] = 480,
		[PLAN_BACKUP] = 960,
		[PLAN_INTERPRETER] = 720,
		[PLAN_PREFERENCE] = 480,
		[PLAN_CONTINUITY] = 1440,
		[PLAN_LOAD] = 30,
		[PLAN_OVER_CAP] = 2000};
	static const int64_t wait[PLAN_URGENCIES] = {20, 4, 1};

	memset(w, 0, sizeof *w);
	world_make_days(w);
	world_make_people(w);
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		for (int j = 0; j < PLAN_TERMS; j++)
			w->input.policy.weight[j][i] = weights[j];
		w->input.policy.weight[PLAN_WAIT][i] = wait[i];
	}
	w->input.policy.grid_seconds = 900;
	w->input.policy.rest_minutes = 600;
	w->input.now = AT(0, 8);
	w->requests[0] = world_request(1);
	w->input.offices = w->offices;
	w->input.n_offices = 2;
	w->input.zones = &w->zone;
	w->input.n_zones = 1;
	w->input.coordinators = w->coordinators;
	w->input.n_coordinators = 3;
	w->input.appointments = w->appointments;
	w->input.requests = w->requests;
	w->input.n_requests = 1;
}

/* An appointment that stands, its busy span as given. */
static inline void world_appoint(struct world *w, int32_t coordinator, int64_t case_id,
	struct span meeting, struct span busy, int64_t counted)
{
	w->appointments[w->input.n_appointments++] = (struct plan_appointment){
		.coordinator = coordinator,
		.case_id = case_id,
		.meeting = meeting,
		.busy = busy,
		.counted_minutes = counted,
	};
}

static inline void world_set_span(
	struct world *w, struct span_list *list, int64_t start, int64_t end)
{
	w->spans[0] = (struct span){start, end};
	*list = (struct span_list){w->spans, 1};
}

static inline struct plan *world_plan(const struct world *w)
{
	struct plan *plan = NULL;
	char error[200] = "";
	int r = plan_make(&w->input, &plan, error, sizeof error);

	if (r != 0)
		fail_msg("plan_make: %d %s", r, error);
	assert_int_equal(plan->n_decisions, w->input.n_requests);
	return plan;
}

/* Who could, but at a higher cost, is not ruled out. */
static inline enum plan_rule world_rule_of(
	const struct plan_decision *decision, int32_t coordinator)
{
	for (size_t i = 0; i < decision->n_ruled_out; i++)
		if (decision->ruled_out[i].coordinator == coordinator
			&& decision->ruled_out[i].rule != PLAN_DEARER)
			return decision->ruled_out[i].rule;
	return PLAN_FREE;
}
