/*
 * simulate_world - an office of full-time coordinators for the simulation's tests
 *
 * From Monday 5 January 2026, 00:00 UTC, in UTC, for 15 months. Office 1 has people who all give
 * COUNSELING and CRISIS, speak ENGLISH, work 08:00-17:00 on weekdays and take turns at being on
 * call, a week each. Policies are those that the database starts with.
 */
#pragma once

#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arrivals.h"
#include "simulate.h"

enum { COUNSELING = 1, CRISIS, ENGLISH, SPANISH };
enum { DAYS = 460, MOST_PEOPLE = 12 };

#define MONDAY INT64_C(1767571200)
#define HOUR   INT64_C(3600)
#define DAY    INT64_C(86400)
/* Day (0: that Monday) and hour. */
#define AT(day, hour) (MONDAY + (int64_t)(day)*DAY + (int64_t)(hour)*HOUR)

struct world {
	struct simulate_rules rules;
	struct simulate_group group;
	struct simulate_result result;
	char error[200];
	int64_t day_starts[DAYS];
	int32_t weeks[DAYS];
	struct span nights[DAYS + 1], office_hours[DAYS], urgent_hours[DAYS], shifts[DAYS];
	struct span on_call[MOST_PEOPLE][2 * DAYS]; /* days off have two */
	struct plan_zone zone;
	struct plan_office plan_office;
	struct simulate_office office;
	struct simulate_piece pieces[PLAN_URGENCIES][2][DAYS];
	int32_t services[2], languages[2];
	struct plan_coordinator rows[MOST_PEOPLE];
	struct simulate_person people[MOST_PEOPLE];
	struct simulate_shifts week;
	struct simulate_case *cases;
};

static inline bool is_weekday(int day)
{
	return day % 7 < 5;
}

static inline void world_make_days(struct world *w)
{
	size_t n = 0;

	w->nights[0] = (struct span){AT(-1, 22), AT(0, 6)};
	for (int i = 0; i < DAYS; i++) {
		w->day_starts[i] = AT(i, 0);
		w->weeks[i] = i / 7;
		w->nights[i + 1] = (struct span){AT(i, 22), AT(i + 1, 6)};
		w->urgent_hours[i] = (struct span){AT(i, 8), AT(i, 20)};
		if (!is_weekday(i))
			continue;
		w->shifts[n] = (struct span){AT(i, 8), AT(i, 17)};
		w->office_hours[n++] = (struct span){AT(i, 8), AT(i, 17)};
	}
	w->zone = (struct plan_zone){w->day_starts, w->weeks, DAYS, {w->nights, DAYS + 1}};
	w->plan_office = (struct plan_office){
		1, NULL, 0, {w->urgent_hours, DAYS}, {w->office_hours, n}};
}

/* So many office days later, at the same time of day; days off begin the next office day. */
static inline struct simulate_clock world_office_days(struct simulate_piece *pieces, int days)
{
	for (int i = 0; i < DAYS; i++) {
		int day = i, left = days;

		while (!is_weekday(day))
			day++;
		for (; left > 0; left--)
			do
				day++;
			while (!is_weekday(day));
		pieces[i] = (struct simulate_piece){AT(i, 0), AT(day, 0), is_weekday(i)};
	}
	return (struct simulate_clock){pieces, DAYS};
}

static inline struct simulate_clock world_minutes(struct simulate_piece *pieces, int64_t minutes)
{
	pieces[0] = (struct simulate_piece){AT(-7, 0), AT(-7, 0) + minutes * 60, true};
	return (struct simulate_clock){pieces, 1};
}

static inline void world_make_office(struct world *w)
{
	static const int64_t notice[] = {0, 120}, due[] = {60, 1440};

	w->office.row = &w->plan_office;
	for (int i = 0; i < 2; i++) {
		w->office.notice[i] = world_minutes(w->pieces[i][0], notice[i]);
		w->office.due[i] = world_minutes(w->pieces[i][1], due[i]);
	}
	w->office.notice[PLAN_ROUTINE] = world_office_days(w->pieces[PLAN_ROUTINE][0], 1);
	w->office.due[PLAN_ROUTINE] = world_office_days(w->pieces[PLAN_ROUTINE][1], 3);
}

static inline void world_make_policy(struct world *w)
{
	struct plan_policy *policy = &w->rules.policy;

	*policy = (struct plan_policy){.grid_seconds = 900,
		.rest_minutes = 600,
		.weight_move_accepted = 720,
		.moved_by = {0, 1 << PLAN_IMMEDIATE, 1 << PLAN_IMMEDIATE | 1 << PLAN_URGENT},
		.move_chain = 2,
		/* Enough for a few requests, and quick where there are far too many. */
		.steps = 20000};
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		policy->weight[PLAN_COLLATERAL][i] = 480;
		policy->weight[PLAN_BACKUP][i] = 960;
		policy->weight[PLAN_INTERPRETER][i] = 720;
		policy->weight[PLAN_PREFERENCE][i] = 480;
		policy->weight[PLAN_CONTINUITY][i] = 1440;
		policy->weight[PLAN_LOAD][i] = 30;
		policy->weight[PLAN_OVER_CAP][i] = 2000;
		policy->weight[PLAN_MOVE][i] = 240;
	}
	policy->weight[PLAN_WAIT][PLAN_IMMEDIATE] = 20;
	policy->weight[PLAN_WAIT][PLAN_URGENT] = 4;
	policy->weight[PLAN_WAIT][PLAN_ROUTINE] = 1;
	w->rules.horizon_seconds[PLAN_IMMEDIATE] = DAY;
	w->rules.horizon_seconds[PLAN_URGENT] = 5 * DAY;
	w->rules.horizon_seconds[PLAN_ROUTINE] = 21 * DAY;
	w->rules.again_seconds = 900;
	w->rules.follow_up_seconds = 7 * DAY;
	w->rules.open_seconds = 14 * DAY;
	w->rules.end = AT(DAYS - 60, 0);
}

/* Person number i of n is on call from 17:00 to 08:00, and on days off, every n-th week. */
static inline void world_make_on_call(struct world *w, size_t i, size_t n)
{
	size_t spans = 0;

	for (int day = 0; day < DAYS; day++) {
		if ((size_t)(day / 7) % n != i)
			continue;
		if (!is_weekday(day))
			w->on_call[i][spans++] = (struct span){AT(day, 8), AT(day, 17)};
		w->on_call[i][spans++] = (struct span){AT(day, 17), AT(day + 1, 8)};
	}
	w->rows[i].on_call = (struct span_list){w->on_call[i], spans};
}

static inline void world_make_people(struct world *w, size_t n)
{
	w->services[0] = COUNSELING;
	w->services[1] = CRISIS;
	w->languages[0] = ENGLISH;
	w->languages[1] = SPANISH;
	w->week = (struct simulate_shifts){AT(-60, 0), 5 * 540};
	for (size_t i = 0; i < n; i++) {
		w->rows[i] = (struct plan_coordinator){
			.id = (int32_t)i + 1,
			.office = 1,
			.services = {w->services, 2},
			.languages = {w->languages, 1},
			.max_open_cases = 15,
			.weekly_minutes = 1500,
			.meetings_a_day = 4,
			.regular = {w->shifts, w->plan_office.office_hours.n},
		};
		world_make_on_call(w, i, n);
		w->people[i] = (struct simulate_person){&w->rows[i], AT(-60, 0), &w->week, 1};
	}
}

static inline struct world *world_new(size_t n_people)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	assert_true(n_people <= MOST_PEOPLE);
	world_make_days(w);
	world_make_office(w);
	world_make_policy(w);
	world_make_people(w, n_people);
	w->group = (struct simulate_group){
		.zones = &w->zone,
		.n_zones = 1,
		.offices = &w->office,
		.n_offices = 1,
		.people = w->people,
		.n_people = n_people,
		.follow_up = {COUNSELING, 60, 30, 100},
	};
	return w;
}

static inline void world_free(struct world *w)
{
	simulate_result_clear(&w->result);
	free(w->cases);
	free(w);
}

/* Drawn cases, all in English. */
static inline void world_draw(struct world *w, int64_t thousandths, uint64_t seed, size_t days)
{
	static char languages[] = "en=1";
	struct arrivals arrivals = {0};
	struct arrivals_mix mix;

	arrivals_usual_mix(&mix);
	mix.thousandths = thousandths;
	languages[2] = '=';
	assert_int_equal(arrivals_set_languages(&mix, languages), 0);
	for (int i = 0; i < PLAN_URGENCIES; i++)
		mix.services[i] = (struct arrivals_words){{{"counseling", 1}}, 1};
	assert_int_equal(arrivals_draw(&arrivals, &mix, seed, 0, "AAA", w->day_starts, days), 0);
	arrivals_sort(&arrivals);
	w->cases = calloc(arrivals.n + 1, sizeof *w->cases);
	assert_non_null(w->cases);
	for (size_t i = 0; i < arrivals.n; i++) {
		const struct arrival *one = &arrivals.rows[i];

		w->cases[i] = (struct simulate_case){
			.opened = one->opened,
			.urgency = one->urgency,
			.language = ENGLISH,
			.telephone = one->telephone,
			.need = {COUNSELING, one->telephone ? 30 : 60,
				one->urgency == PLAN_IMMEDIATE ? 0 : 30, 100},
			.follow_ups = one->follow_ups,
			.draw = one->draw,
		};
	}
	w->group.cases = w->cases;
	w->group.n_cases = arrivals.n;
	arrivals_clear(&arrivals);
}

static inline void world_play(struct world *w)
{
	assert_int_equal(
		simulate_play(&w->rules, &w->group, &w->result, w->error, sizeof w->error), 0);
}
