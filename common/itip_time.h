/*
 * itip_time - times, durations and time zones of iCalendar, as instants
 *
 * Numbers are looked at here and not by libical, to which 20260230T250000Z is a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone.h"

struct itip_line;
struct itip_lines;

/* The zones of an object: the system's by name, else its own, which are made when first asked
   for. */
struct itip_zones {
	const struct zones *system;
	const struct itip_lines *lines;
	struct itip_own_zone *own;
	size_t n_own;
	long steps; /* for the rules of all of them */
};

void itip_zones_init(
	struct itip_zones *zones, const struct zones *system, const struct itip_lines *lines);
void itip_zones_clear(struct itip_zones *zones);

struct itip_moment {
	int64_t local; /* seconds since 1970 as if in UTC */
	bool is_date;  /* then local is a midnight */
	bool is_utc;
	const struct zone *zone; /* NULL: UTC, or floating, or a date */
};

/* "20260302", "20260302T090000", "20260302T090000Z"; the zone is not looked at. */
bool itip_moment_parse(const char *text, size_t length, struct itip_moment *moment);

enum {
	ITIP_TIME_INVALID = 1, /* no such time */
	ITIP_ZONE_UNKNOWN,     /* the name is no zone's, or its rules are not followed */
};

/* The zone of a line's TZID, NULL without one. 0, -ENOMEM, or ITIP_ZONE_UNKNOWN. */
int itip_line_zone(struct itip_zones *zones, const struct itip_line *line, const struct zone **zone)
	__attribute__((warn_unused_result));

/* The line's one time. 0, -ENOMEM, ITIP_TIME_INVALID, ITIP_ZONE_UNKNOWN. */
int itip_line_moment(struct itip_zones *zones, const struct itip_line *line,
	struct itip_moment *moment) __attribute__((warn_unused_result));

/* Dates and floating times as if in UTC. */
int64_t itip_moment_instant(const struct itip_moment *moment);

/* Weeks and days go by the calendar, hours, minutes and seconds by the clock of the world. */
struct itip_duration {
	int64_t days, seconds;
};

/* "P1DT2H"; at most ten years, forwards. */
bool itip_duration_parse(const char *text, size_t length, struct itip_duration *duration);
