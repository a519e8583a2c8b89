/*
 * simulate - weeks of work played through the planner, with an invented clock
 *
 * No clock, no database, no floating point; the same rules, people and cases give the same result
 * on every machine. Cases come in, are planned by plan_make() the moment they do, and are met; what
 * nobody can take is tried again at each multiple of again_seconds until its horizon is over. Offices
 * joined by backups are a group; groups know nothing of each other and are played one by one.
 *
 * An invitation counts as accepted, but for a share that declines. Whoever holds the first meeting
 * of a case is responsible for it from then on. A case is open for who is invited until that
 * meeting is over, and for who is responsible until some time after its last meeting. load is the
 * weighted minutes of the trailing thirteen weeks and of all that is planned, as the daemon counts it,
 * with the office's median for time that somebody was not there.
 *
 * Times are seconds since 1970. Codes of words are the caller's and only compared.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

/* ---- what is given ---- */

/* What a policy's length of time makes of moments: from `from` on it is `value`, and where it moves
 * with the clock, as much more as the moment lies behind `from`. */
struct simulate_piece {
	int64_t from, value;
	bool moves;
};
struct simulate_clock {
	const struct simulate_piece
		*pieces; /* ascending; what comes before the first is as it is */
	size_t n;
};

struct simulate_office {
	const struct plan_office *row;                /* its hours of all the time */
	struct simulate_clock notice[PLAN_URGENCIES]; /* now → first start */
	struct simulate_clock due[PLAN_URGENCIES];    /* opened → due time */
};

/* From a moment on this many minutes of regular shifts a week. */
struct simulate_shifts {
	int64_t from, minutes;
};
struct simulate_person {
	/* With shifts and leave of all the time. Its id, load, open cases and rest are not looked
	 * at. */
	const struct plan_coordinator *row;
	int64_t joined;
	const struct simulate_shifts *shifts; /* ascending */
	size_t n_shifts;
};

/* What one meeting takes. */
struct simulate_need {
	int32_t service;
	int64_t minutes, buffer_minutes, load_percent;
};

struct simulate_case {
	int64_t opened;
	size_t office; /* index in the group */
	enum plan_urgency urgency;
	int32_t language;
	bool telephone, interpreter;
	struct simulate_need need;
	int follow_ups; /* meetings after the first */
	uint64_t draw;  /* decides who declines */
};

struct simulate_group {
	const struct plan_zone *zones;
	size_t n_zones;
	const struct simulate_office *offices;
	size_t n_offices;
	const struct simulate_person *people;
	size_t n_people;
	const struct simulate_case *cases; /* in the order they are opened */
	size_t n_cases;
	struct simulate_need follow_up;
};

struct simulate_rules {
	struct plan_policy policy;
	int64_t horizon_seconds[PLAN_URGENCIES];
	int64_t again_seconds;     /* at least 60 */
	int64_t follow_up_seconds; /* from a meeting's end to the window of the next */
	int64_t open_seconds;      /* a case stays open so long after its last meeting */
	int64_t end;               /* no follow-up is opened from then on */
	int decline_percent;
};

/* ---- what comes of it ---- */

struct simulate_meeting {
	size_t case_index, person;
	bool first, over_cap, on_call, by_interpreter;
	enum plan_urgency urgency;
	int64_t opened, due; /* of the request */
	struct span meeting;
	int64_t counted_minutes, weighted_minutes;
};

/* What was missing for a request that nobody could take. */
enum simulate_lack {
	SIMULATE_LACK_PEOPLE,   /* nobody is in reach at all */
	SIMULATE_LACK_SERVICE,  /* nobody in reach gives the service */
	SIMULATE_LACK_LANGUAGE, /* nobody who gives it speaks the language */
	SIMULATE_LACK_CONSENT,  /* all others declined */
	SIMULATE_LACK_TIME,     /* somebody could, but not then */
	SIMULATE_LACKS
};
struct simulate_lost {
	size_t case_index;
	bool first;
	enum plan_urgency urgency;
	enum simulate_lack lack;
	int32_t word;        /* the service or the language */
	enum plan_rule rule; /* of those who could: the rule that stood most often against them */
};

struct simulate_result {
	struct simulate_meeting *meetings; /* in the order they ended */
	size_t n_meetings;
	struct simulate_lost *lost;
	size_t n_lost;
	size_t plans, limited; /* calls of plan_make(), and how many ended by the limit of steps */
	size_t moved, declined;
};

/* 0, -ENOMEM, or SIMULATE_INVALID with a line of text in error. The result is the caller's to
 * clear in each case. */
enum { SIMULATE_INVALID = 1 };
int simulate_play(const struct simulate_rules *rules, const struct simulate_group *group,
	struct simulate_result *result, char *error, size_t error_size)
	__attribute__((warn_unused_result));
void simulate_result_clear(struct simulate_result *result);

int64_t simulate_clock_read(struct simulate_clock clock, int64_t moment);
