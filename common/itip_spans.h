/*
 * itip_spans - when an event and its repetitions are, for itip_read
 */
#pragma once

#include "itip_time.h"

struct itip_span;

/* An event's start, and the way from there to its end: first by the calendar, then by the clock. */
struct itip_series {
	size_t part;
	struct itip_moment start;
	int64_t wall, exact; /* seconds */
};

/* An instance that is otherwise than its series says. */
struct itip_instance {
	int64_t instead_of; /* the start that the series gives it */
	int64_t starts, ends;
	bool is_gone; /* cancelled, or without a time */
};

struct itip_window {
	int64_t from, to;
	size_t most;
	long *steps; /* for the rules of an object */
};

struct itip_spans {
	struct itip_span *spans;
	size_t n;
	bool cut, bad_rule;
};

int64_t itip_series_end(const struct itip_series *series, const struct itip_moment *start);

/* 0 or -ENOMEM. spans->spans is the caller's. */
int itip_spans_find(struct itip_zones *zones, const struct itip_series *series,
	const struct itip_instance *instances, size_t n_instances, const struct itip_window *window,
	struct itip_spans *spans) __attribute__((warn_unused_result));
