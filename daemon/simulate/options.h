/*
 * options - the command line of `vacd simulate`
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrivals.h"

struct simulate_options {
	const char *database; /* NULL: the configuration's, as the daemon's login */
	const char *arrivals; /* a file; NULL: they are drawn */
	const char *holidays;
	const char *start; /* NULL: next Monday, or the first day of the file */
	const char *plot;
	char **rosters;
	int n_rosters;
	size_t n_days; /* 0: 28, or as many as the file has */
	uint64_t seed;
	int64_t open_days;
	int decline_percent;
	int64_t plan_steps; /* of a plan's search, at most */
	bool csv;
	struct arrivals_mix mix;
};

enum { SIMULATE_MOST_DAYS = 1830 };

extern const char simulate_usage[];

/* 0, 'h' for help, '?' for what is not understood: said on stderr. rosters is to be freed, the
 * rest lies in argv. */
int simulate_parse(struct simulate_options *options, int argc, char **argv)
	__attribute__((warn_unused_result));
