/*
 * split - what was read of several groups of offices, as one input of the planner for each of them
 *
 * Each group is planned as if it had been read alone. An office's group says where its coordinators
 * and its requests go, a coordinator's where their appointments go; and an appointment shows to all
 * groups that ask for its case, where the victim is not free then.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct arena;

struct split_home {
	int32_t office, group;
};

struct share {
	int32_t group;
	struct plan_input input;
	struct plan *plan; /* for whoever has it made; NULL: none */
};

/* NULL: nobody said. */
const struct split_home *split_find_home(
	const struct split_home *homes, size_t n_homes, int32_t office);

/* One share for each group with requests, in the order of the first request of each. All of it lies in
 * the arena or belongs to the whole. 0 or -ENOMEM. */
int split_input(const struct plan_input *whole, const struct split_home *homes, size_t n_homes,
	struct arena *arena, struct share **sharesp, size_t *np)
	__attribute__((warn_unused_result));
