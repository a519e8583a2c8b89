/*
 * holiday - days off from an iCalendar file (libical)
 *
 * An event is one or more whole days, by itself or repeated by RRULE or RDATE. Files come from
 * outside: a rule that is not on the short list here is refused before libical is asked to follow
 * it.
 */
#pragma once

#include <stddef.h>

struct holiday {
	char day[11]; /* 2026-12-25 */
	char *name;   /* SUMMARY; of two events on one day both, with "; " between */
};

struct holiday_problem {
	size_t line; /* of the event's BEGIN:VEVENT, 1 when the file as a whole is meant */
	char *text;  /* what is wrong and what was expected */
};

/* Sorted by day, a day once. */
struct holiday_list {
	struct holiday *holidays;
	size_t n_holidays;
	struct holiday_problem *problems;
	size_t n_problems;
};

/*
 * Reads the days of the years first_year to last_year. text ends in NUL. 0, -ENOMEM, or
 * HOLIDAY_INVALID with a problem for each bad event (the days of the good ones are there too). The
 * list is to be cleared in each case.
 */
enum { HOLIDAY_INVALID = 1 };
int holiday_read(const char *text, int first_year, int last_year, struct holiday_list *list)
	__attribute__((warn_unused_result));
void holiday_list_clear(struct holiday_list *list);
