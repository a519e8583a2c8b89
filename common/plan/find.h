/*
 * find - the search for a start in one diary; only find.c, reason.c and room.c include it
 */
#pragma once

#include "planner.h"

/* What a search looks at besides the shift. */
enum {
	KEEP_HOURS = 1,
	KEEP_LEAVE = 2,
	KEEP_TAKEN = 4,
	KEEP_CASE = 8,
	KEEP_REST = 16,
	KEEP_ALL = 31,
};

struct search {
	const struct job *job;
	const struct diary *diary;
	struct span_list shift;
	int64_t last;
	int64_t before, after; /* of the busy span, from the start */
	int64_t counted;       /* minutes towards the week's limit */
	unsigned keep;
	unsigned hard; /* limits that must not be broken, of CAP_WEEK and CAP_DAY */
};

struct search search_make(
	const struct job *job, const struct candidate *candidate, struct span_list shift);
/* The earliest start from `from` on, or SPAN_NEVER. Each turn passes at least one span's edge. */
int64_t search_start(const struct search *search, int64_t from);
/* Likewise, one that breaks no hard limit. */
int64_t search_allowed(const struct search *search, int64_t from);
struct span_list diary_at_work(const struct diary *diary);
/* Whether a call-out in the night would make rest over what was moved to after it. */
bool find_spoils_rest(const struct planner *planner, const struct job *job,
	const struct diary *diary, int64_t start);
bool find_has_room_for_case(const struct job *job, const struct diary *diary);
