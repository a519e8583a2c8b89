/*
 * span - half-open spans of time and sets of them
 *
 * A span is [start, end) in seconds since 1970. A list is spans in order of time that do not
 * overlap (they may touch, and then count as one); it is borrowed. A set owns its list, and keeps
 * it so that spans do not touch either. Every function is total: any int64 is a valid moment,
 * nothing here overflows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	int64_t start, end;
};

struct span_list {
	const struct span *spans;
	size_t n;
};

struct span_set {
	struct span *spans;
	size_t n, room;
};

/* No moment: what a search gives that found nothing. */
#define SPAN_NEVER INT64_MAX

static inline bool span_overlaps(struct span a, struct span b)
{
	return a.start < b.end && b.start < a.end;
}

/* Whether spans are in order, none empty, none overlapping its neighbour. */
bool span_list_is_valid(struct span_list list);
/* Index of the first span that ends after `moment`; n when there is none. */
size_t span_list_seek(struct span_list list, int64_t moment);
/* Whether the list holds all of `span`, which is not empty. */
bool span_list_contains(struct span_list list, struct span span);
bool span_list_overlaps(struct span_list list, struct span span);
bool span_list_holds(struct span_list list, int64_t moment);
/* The earliest start >= from so that [start, start + length) lies in the list without a gap; or
 * SPAN_NEVER. */
int64_t span_list_next_within(struct span_list list, int64_t from, int64_t length);
/* The earliest start >= from so that [start - before, start + after) meets no span; or
 * SPAN_NEVER. */
int64_t span_list_next_outside(struct span_list list, int64_t from, int64_t before, int64_t after);

static inline struct span_list span_set_list(const struct span_set *set)
{
	return (struct span_list){set->spans, set->n};
}

/* Each gives 0 or -ENOMEM, and leaves the set as it was when it fails. Spans that hold no moment
 * add and take away nothing. */
int span_set_add(struct span_set *set, struct span span) __attribute__((warn_unused_result));
int span_set_remove(struct span_set *set, struct span span) __attribute__((warn_unused_result));
/* out is replaced; a and b are valid lists, and not out's own. */
int span_set_union(struct span_list a, struct span_list b, struct span_set *out)
	__attribute__((warn_unused_result));
int span_set_intersect(struct span_list a, struct span_list b, struct span_set *out)
	__attribute__((warn_unused_result));
int span_set_subtract(struct span_list a, struct span_list b, struct span_set *out)
	__attribute__((warn_unused_result));
void span_set_clear(struct span_set *set);
