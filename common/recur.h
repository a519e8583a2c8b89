/*
 * recur - recurrence rules (RFC 5545, 3.3.10), in counted steps
 *
 * libical 3.0.16 reads the text of a rule, but does not follow it: it runs for minutes on some, and
 * its steps cannot be counted. Here a rule looks at one day after the other, in local time (seconds
 * since 1970 as if in UTC), and a rule of days that never come ends when its steps are used up.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum recur_frequency { RECUR_DAILY, RECUR_WEEKLY, RECUR_MONTHLY, RECUR_YEARLY };
enum recur_until { RECUR_FOR_EVER, RECUR_UNTIL_DAY, RECUR_UNTIL_LOCAL, RECUR_UNTIL_UTC };

enum { RECUR_ORDINAL_MAX = 53, RECUR_PERIOD_DAYS = 371 }; /* a year of 53 weeks */

/* Numbers from the front at [1], [2], …; from the end at [-1] of the other half. */
struct recur_days {
	bool any;
	bool front[367], back[367];
};

struct recur {
	enum recur_frequency frequency;
	int64_t interval;
	int64_t count; /* 0: no limit */
	enum recur_until until_kind;
	int64_t until;  /* the last instant or local time; of a day its midnight */
	int week_start; /* 0 for Sunday */
	bool any_month, any_weekday;
	bool months[13];
	bool weekdays[7]; /* every one of them */
	bool nth_front[7][RECUR_ORDINAL_MAX + 1], nth_back[7][RECUR_ORDINAL_MAX + 1];
	struct recur_days month_days, year_days, weeks, positions;
};

/*
 * Reads the text of an RRULE for a local start. 0, or RECUR_REFUSED: not a rule, or one that is not
 * followed here (smaller steps than a day; RSCALE; BYHOUR, BYMINUTE and BYSECOND, unless they only
 * say the start's time again).
 */
enum { RECUR_REFUSED = 1 };
int recur_read(const char *text, int64_t start, struct recur *rule)
	__attribute__((warn_unused_result));

/* A walk along a rule. */
struct recur_walk {
	struct recur rule; /* with what it takes from its start filled in */
	int64_t start, to;
	int64_t period; /* counted in intervals from the one of the start */
	int64_t given;
	long *steps;
	int n_days, next_day;
	int64_t days[RECUR_PERIOD_DAYS]; /* of the period */
};

/*
 * start is the local DTSTART. Without COUNT, times before from may be left out for speed. *steps
 * goes down by one for each day looked at, and may be shared between walks.
 */
void recur_begin(struct recur_walk *walk, const struct recur *rule, int64_t start, int64_t from,
	int64_t to, long *steps);

/*
 * The next local time; false behind the last, behind to, or when *steps is 0. A start that the
 * rule does not give is not among them. An UNTIL in UTC is the caller's to look at.
 */
bool recur_next(struct recur_walk *walk, int64_t *local);
