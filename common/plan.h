/*
 * plan - who meets whom and when: the planner
 *
 * A pure function: coordinators, open time, requests, policy and `now` in; a plan out. No clock,
 * no database, no randomness; the same input gives the same plan to the byte, in whatever order
 * its arrays come. Memory and steps are bounded by the size of the input.
 *
 * This planner takes one request after another, by urgency, then due time, then id, and gives
 * each the best start that is left; what was given is not taken back. So a plan breaks no hard
 * rule, but its total need not be the least, and it never moves an existing appointment (the cost
 * term `move` of the design does not exist here yet). The interface is made for a planner that
 * looks at all together.
 *
 * Times are seconds since 1970, spans half-open [start, end). Of two starts the better one has
 * fewer minutes after the due time (`late`), then the lower cost, then the earlier start, then
 * the lower hash of request and coordinator. `unserved` is compared before all: whoever can be
 * served is.
 *
 * Cost is the sum of these terms, in minutes of routine waiting. w is the term's weight for the
 * request's urgency.
 *
 *   wait         w for each whole minute from now to the start
 *   collateral   w for a collateral-duty coordinator
 *   backup       w × rank of the backup office
 *   interpreter  w when the coordinator lacks the language and the request allows an interpreter
 *   preference   w for a stated gender that is not met, and w for a stated person that is not met
 *   continuity   w for anybody but the responsible coordinator and those the victim has met;
 *                while there are neither, for anybody but those who hold another meeting of the
 *                case (also one that this plan has just given), if there are such
 *   load         F(L + m) − F(L), where F(x) = ⌊w × x² ÷ (48 × S)⌋; L: weighted minutes of the
 *                trailing four weeks and of this plan, m: weighted minutes of this meeting
 *                (length × the service's percentage), S: weekly shift minutes (never less than
 *                60). In words: w is the price of one weighted hour for somebody whose weighted
 *                hours are a tenth of their shift hours; at three tenths an hour costs 3 w. Being
 *                a difference, it sums up to the same whatever the order in which somebody gets
 *                their meetings.
 *   over_cap     immediate only: w for each of open cases, weekly minutes, meetings a day, rest
 *                that is broken
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

enum plan_urgency { PLAN_IMMEDIATE, PLAN_URGENT, PLAN_ROUTINE, PLAN_URGENCIES };

enum plan_term {
	PLAN_WAIT,
	PLAN_COLLATERAL,
	PLAN_BACKUP,
	PLAN_INTERPRETER,
	PLAN_PREFERENCE,
	PLAN_CONTINUITY,
	PLAN_LOAD,
	PLAN_OVER_CAP,
	PLAN_TERMS
};

/*
 * The hard rules. Several may speak against a coordinator; the plan names the first in this
 * order: what no coordinator can help, then what lies with the person, then what lies with the
 * time. A rule of time is named when no start is left that keeps it and all rules of time before
 * it. Two exceptions: when the office has no meeting hours in the window at all, PLAN_HOURS comes
 * right after PLAN_WINDOW; and who has no shift but leave in the window is on PLAN_LEAVE (shifts
 * may come with leave taken out).
 */
enum plan_rule {
	PLAN_FREE,           /* no rule speaks against them */
	PLAN_WINDOW,         /* the request's own window has no room for the meeting, on the grid */
	PLAN_NOT_BACKUP,     /* preferred or responsible, but of an office out of reach */
	PLAN_CONFLICT,       /* conflict of interest */
	PLAN_BARRED,         /* declined this request, or let it lapse */
	PLAN_SERVICE,        /* does not give the service */
	PLAN_LANGUAGE,       /* lacks the language, and the request allows no interpreter */
	PLAN_GENDER,         /* a required preference unmet */
	PLAN_CAP_OPEN_CASES, /* has as many open cases as they may */
	PLAN_LOCKED,         /* somebody else's transaction holds the coordinator */
	PLAN_NO_SHIFT,       /* not at work in the window, and not on leave either */
	PLAN_ON_CALL_ONLY,   /* at work in the window, but only on call */
	PLAN_HOURS,          /* at work only outside the case's office's meeting hours */
	PLAN_LEAVE,          /* on leave, buffer and travel included */
	PLAN_BUSY,           /* other appointments, buffer and travel included */
	PLAN_CASE_BUSY,      /* only when the victim has another meeting of the case */
	PLAN_REST,           /* rests after a night call-out */
	PLAN_CAP_WEEK,       /* weekly minutes */
	PLAN_CAP_DAY,        /* meetings a day */
	PLAN_RULES
};

/* Codes of words (services, languages, genders) are the caller's: they are only compared. 0 is
 * none. */
struct plan_codes {
	const int32_t *codes;
	size_t n;
};
struct plan_people {
	const int32_t *ids;
	size_t n;
};
struct plan_cases {
	const int64_t *ids;
	size_t n;
};

struct plan_policy {
	int64_t weight[PLAN_TERMS][PLAN_URGENCIES]; /* 0 … PLAN_MOST_WEIGHT */
	int64_t grid_seconds;                       /* starts of all but immediate requests */
	int64_t rest_minutes;                       /* after an immediate meeting in the night */
};

struct plan_backup {
	int32_t office;
	int32_t rank; /* 1 is the first to be asked */
	int32_t travel_minutes;
};
struct plan_office {
	int32_t id;
	const struct plan_backup *backups;
	size_t n_backups;
	struct span_list urgent_hours,
		office_hours; /* when meetings may be; routine: office_hours */
};

/* A time zone's local days; the last one has no end. */
struct plan_zone {
	const int64_t *day_starts;   /* local midnights, ascending */
	const int32_t *week_numbers; /* one a day: equal for the days of one local week */
	size_t n_days;
	struct span_list nights;
};

struct plan_coordinator {
	int32_t id, office;
	bool collateral;
	bool locked;    /* see PLAN_LOCKED: left out for immediate and urgent requests */
	int32_t gender; /* code, 0: not stated */
	size_t zone;    /* index in plan_input.zones */
	struct plan_codes services, languages;
	int64_t max_open_cases, weekly_minutes, meetings_a_day;
	struct plan_cases open_cases;
	int64_t load_minutes, weekly_shift_minutes;
	struct span_list regular, on_call, leave;
	struct span_list rest; /* nothing but immediate meetings may start in these */
};

/* One that stands already. Those of coordinators who are not in the input matter for case_busy
 * only. */
struct plan_appointment {
	int32_t coordinator;
	int64_t case_id;
	struct span meeting, busy;
	int64_t counted_minutes; /* towards the weekly minutes */
};

struct plan_request {
	int64_t id, case_id;
	int32_t office;
	enum plan_urgency urgency;
	bool telephone;   /* nobody travels */
	bool interpreter; /* one may be used */
	bool gender_required;
	int32_t service, language, gender;
	int64_t minutes, buffer_minutes, load_percent;
	int64_t earliest, latest; /* the meeting lies in [earliest, latest) */
	int64_t due;
	int32_t preferred, responsible; /* coordinators, 0: none */
	struct plan_people met, barred, conflicts;
};

/* Borrowed, not changed. Ids are unique within their array; no array needs an order, but span
 * lists do. */
struct plan_input {
	int64_t now;
	struct plan_policy policy;
	const struct plan_office *offices;
	size_t n_offices;
	const struct plan_zone *zones;
	size_t n_zones;
	const struct plan_coordinator *coordinators;
	size_t n_coordinators;
	const struct plan_appointment *appointments;
	size_t n_appointments;
	const struct plan_request *requests;
	size_t n_requests;
};

struct plan_choice {
	int32_t coordinator;
	bool by_interpreter, over_cap;
	struct span meeting, busy; /* busy: with travel before, buffer and travel after */
	int64_t late_minutes;      /* begun minutes from due to start */
	int64_t terms[PLAN_TERMS];
	int64_t cost; /* their sum */
};

struct plan_ruled_out {
	enum plan_rule rule;
	int32_t coordinator;
};

struct plan_decision {
	int64_t request;
	enum plan_urgency urgency;
	bool served, has_runner_up;
	struct plan_choice chosen;
	struct plan_choice runner_up;           /* the best start of the best other coordinator */
	const struct plan_ruled_out *ruled_out; /* by rule, then coordinator */
	size_t n_ruled_out;
};

/* Decisions stand in the order they were taken. Owned as a whole. */
struct plan {
	struct plan_decision *decisions;
	size_t n_decisions;
	struct plan_ruled_out *ruled_out; /* of all decisions */
	int64_t unserved[PLAN_URGENCIES];
	int64_t late_minutes[PLAN_URGENCIES];
	int64_t cost; /* of all chosen */
};

#define PLAN_MOST_WEIGHT  INT64_C(1000000000)
#define PLAN_MOST_MINUTES INT64_C(10000000)     /* lengths, loads, caps; nineteen years */
#define PLAN_LATEST       INT64_C(253402300800) /* the year 10000; moments lie in (-this, this) */

/* 0 with a plan; -ENOMEM; PLAN_INVALID with a line of text in error, which names the row. */
enum { PLAN_INVALID = 1 };
int plan_make(const struct plan_input *input, struct plan **planp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
struct plan *plan_free(struct plan *plan);

/* What plan_make() checks of each row, for a caller that leaves a bad row out rather than have no
 * plan: NULL, or what is wrong in a few words. References to other rows are looked up in input. */
const char *plan_check_zone(const struct plan_zone *zone);
const char *plan_check_office(const struct plan_office *office);
const char *plan_check_coordinator(
	const struct plan_input *input, const struct plan_coordinator *row);
const char *plan_check_appointment(const struct plan_appointment *row);
const char *plan_check_request(const struct plan_input *input, const struct plan_request *row);

const char *plan_term_name(enum plan_term term);
const char *plan_rule_name(enum plan_rule rule);

/* Decisions [first, first + n) as the JSON array that vac_daemon.store_plan() takes. 0 or
 * -ENOMEM. */
int plan_write_json(const struct plan *plan, size_t first, size_t n, char **textp)
	__attribute__((warn_unused_result));
