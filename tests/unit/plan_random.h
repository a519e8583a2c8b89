/*
 * plan_random - small random inputs of the planner, from a seed or from the bytes of a fuzzer
 *
 * Three offices, people of whom some know little, spans on half hours that often touch, in the week
 * from Monday 5 January 2026 on. The same source gives the same input everywhere.
 */
#pragma once

#include "plan.h"

enum {
	RANDOM_PEOPLE = 8,
	RANDOM_MEETINGS = 10,
	RANDOM_REQUESTS = 12,
	RANDOM_PIECES = 5,
	RANDOM_DAYS = 8,
	RANDOM_CASES = 16,
};

/* Bytes first, as far as they reach; then numbers of the seed, or 0 if that is 0. */
struct random_source {
	const uint8_t *bytes;
	size_t n;
	uint64_t seed;
};

struct random_shape {
	size_t people, meetings, requests; /* people: 1 at least; some meetings fall away */
	bool one_step; /* each meeting one step of the grid, no buffer, travel, call-outs, families */
	bool may_move; /* some appointments may be moved */
	bool pressed;  /* everybody fits, but all want to be met at once */
	bool unruly;   /* appointments may lie over each other; odd policies */
	int64_t steps;
};

struct random_world {
	struct plan_input input;
	int64_t day_starts[2][RANDOM_DAYS];
	int32_t weeks[RANDOM_DAYS];
	struct span nights[2][RANDOM_DAYS + 1];
	struct plan_zone zones[2];
	struct plan_backup backups[2][2];
	struct plan_office offices[3];
	struct span hours[3][2][RANDOM_DAYS];
	struct plan_coordinator people[RANDOM_PEOPLE + 1]; /* one more than the input has */
	struct span spans[RANDOM_PEOPLE + 1][4][RANDOM_PIECES];
	int32_t codes[RANDOM_PEOPLE + 1][2][3];
	int64_t cases[RANDOM_PEOPLE + 1][RANDOM_CASES];
	struct plan_appointment meetings[RANDOM_MEETINGS + RANDOM_REQUESTS];
	struct plan_request requests[RANDOM_REQUESTS];
	struct plan_request standing[RANDOM_MEETINGS];
	int32_t ids[RANDOM_REQUESTS + RANDOM_MEETINGS][3][1];
};

/* 0 … n - 1 */
int64_t random_below(struct random_source *source, int64_t n);
void random_make(
	struct random_world *world, const struct random_shape *shape, struct random_source *source);
/* Puts the rows of each array in another order. */
void random_shuffle(struct random_world *world, struct random_source *source);
