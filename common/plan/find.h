/*
 * find - the search for a start in one diary; only find.c, exchange.c, reason.c and room.c
 * include it
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
	KEEP_MOVED = 32, /* of call-outs: the rules of what was moved */
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
	/* what is held besides, on this day and in its week */
	size_t day;
	int32_t meetings;
	int64_t minutes;
};

struct search search_make(
	const struct job *job, const struct candidate *candidate, struct span_list shift);
/* The earliest start from `from` on, or SPAN_NEVER. Each turn passes at least one span's edge. */
int64_t search_start(const struct search *search, int64_t from);
/* Likewise, one that breaks no hard limit. */
int64_t search_allowed(const struct search *search, int64_t from);
struct span_list diary_at_work(const struct diary *diary);
/* Whether what was moved would break one of its rules by a call-out then. */
bool find_spoils(const struct job *job, const struct candidate *candidate, int64_t start);
bool find_has_room_for_case(const struct job *job, const struct diary *diary);
