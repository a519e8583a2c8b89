/*
 * plan - who meets whom and when: the planner
 *
 * A pure function: coordinators, open time, requests, policy and `now` in; a plan out. No clock,
 * no database, no randomness; the same input gives the same plan to the byte, in whatever order
 * its arrays come. Memory is bounded by the size of the input, the search by a number of steps:
 * looks at one coordinator for one request.
 *
 * Times are seconds since 1970, spans half-open [start, end). vacd-plan(7) says in words what this
 * says in brief, and how the search goes about it.
 *
 * Of two plans the better one is, compared in this order:
 *
 *   1. for call-outs (immediate requests) alone: fewer unserved, fewer minutes late, less cost.
 *      Nothing that can wait weighs in on who goes now.
 *   2. for the others: fewer urgent unserved, fewer routine unserved, fewer minutes that urgent
 *      ones are late, then that routine ones are; fewer urgent meetings in on-call shifts (so
 *      that these are used only if it would be late otherwise); less cost.
 *
 * A meeting is late by the begun minutes from its request's due time to its start.
 *
 * Cost is the sum of these terms over all meetings given, in minutes of routine waiting. w is the
 * term's weight for the request's urgency; load and move have one weight, that of routine.
 *
 *   wait         w for each whole minute from now to the start
 *   collateral   w for a collateral-duty coordinator
 *   backup       w × rank of the backup office
 *   interpreter  w when the coordinator lacks the language and the request allows an interpreter
 *   preference   w for a stated gender that is not met, and w for a stated person that is not met
 *   continuity   w for anybody but the responsible coordinator and those the victim has met;
 *                while there are neither, w for each coordinator who has no other meeting of the
 *                case already, but for the first one if nobody has any. Of several requests of a
 *                case the first (by urgency, due time, id) with each coordinator pays.
 *   load         weighted quarter-hours: the k-th one that a coordinator has costs
 *                ⌊75 × w × (2k − 1) ÷ (16 × S)⌋. They have had ⌊load_minutes ÷ 15⌋ in the
 *                trailing 13 weeks; a meeting adds ⌈minutes × load_percent ÷ 1500⌉. S: weekly
 *                shift minutes (never less than 60). In words: a weighted hour costs about 33 w
 *                times the share of their shift hours that somebody's weighted hours are: with
 *                w = 30, at a tenth 98, at a third 325. The sum over a coordinator's meetings is the same in
 *                whatever order they get them; each request is shown its share in the order of
 *                urgency, due time, id.
 *   over_cap     immediate only: w for each of open cases, weekly minutes, meetings a day, rest
 *                that is broken, by what stands and the call-outs before it
 *   move         w (or the weight for accepted ones) for each appointment that was moved to make
 *                room; the moved one's other terms are those of its new place less those of its
 *                old place
 *
 * Of equal places a request gets the earlier start, then who has had less load for the time they
 * are there for, then what a hash of request and coordinator says; in a flow the hash alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span.h"

struct json;

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
	PLAN_MOVE,
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
	PLAN_BUSY,           /* other appointments, buffer and travel included; of a call-out also a
				rule of what was moved for another */
	PLAN_CASE_BUSY,      /* only when the victim has another meeting of the case */
	PLAN_REST,           /* rests after a night call-out */
	PLAN_CAP_WEEK,       /* weekly minutes */
	PLAN_CAP_DAY,        /* meetings a day */
	PLAN_DEARER,         /* no rule: they could, but at a higher cost than the runner-up */
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
	int64_t weight_move_accepted;               /* `move` of an accepted appointment */
	/* For each urgency the set of higher urgencies (1 << PLAN_IMMEDIATE …) whose requests may
	 * move an appointment of it when they would be late or unserved otherwise. */
	unsigned moved_by[PLAN_URGENCIES];
	int64_t move_chain; /* appointments moved for one request at most, 0 … PLAN_MOST_CHAIN */
	/* Looks at one coordinator for one request that the search may take beyond the first plan,
	 * for each PLAN_CROWD requests begun; 0 … PLAN_MOST_STEPS; 0: PLAN_STEPS. */
	int64_t steps;
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
	/* A case goes with an appointment that is moved to somebody else, if that was their only
	 * meeting of it and they are not responsible for it. */
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
	int64_t id;              /* needed of one that may be moved only */
	/* One of plan_input.standing: it may be moved as far as policy, notice (its request's
	 * `earliest`) and due time allow. 0: it stays where it is. */
	int64_t request;
	bool accepted;
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
	/* Requests of appointments that may be moved; their ids differ from those above. */
	const struct plan_request *standing;
	size_t n_standing;
};

struct plan_choice {
	int32_t coordinator;
	bool by_interpreter, over_cap;
	bool on_call;              /* not within regular shifts alone */
	struct span meeting, busy; /* busy: with travel before, buffer and travel after */
	int64_t late_minutes;      /* begun minutes from due to start */
	int64_t terms[PLAN_TERMS];
	int64_t cost; /* their sum */
};

struct plan_ruled_out {
	enum plan_rule rule;
	int32_t coordinator;
	/* The first start from the earliest on that keeps every rule but the request's own end (or,
	 * of PLAN_DEARER, the start they would have had), as far as shifts are known; SPAN_NEVER:
	 * none, or no start would help. */
	int64_t nearest;
};

/* An appointment that makes room. */
struct plan_move {
	int64_t appointment, request;
	int32_t from_coordinator; /* may be the same as to.coordinator */
	struct span from_meeting;
	struct plan_choice to; /* its terms are differences, see `move` above */
};

struct plan_decision {
	int64_t request;
	enum plan_urgency urgency;
	bool served, has_runner_up;
	struct plan_choice chosen;
	struct plan_choice runner_up;           /* the best start of the best other coordinator, all
						 * else as planned; over_cap and continuity too */
	const struct plan_ruled_out *ruled_out; /* by rule, then coordinator */
	size_t n_ruled_out;
	const struct plan_move *moves; /* made for this request, none of another's */
	size_t n_moves;
};

/* Decisions stand by urgency, due time, id. Owned as a whole. */
struct plan {
	struct plan_decision *decisions;
	size_t n_decisions;
	struct plan_ruled_out *ruled_out; /* of all decisions */
	struct plan_move *moves;          /* of all decisions */
	size_t n_moves;
	int64_t unserved[PLAN_URGENCIES];
	int64_t late_minutes[PLAN_URGENCIES];
	int64_t on_call; /* urgent meetings in on-call shifts */
	int64_t cost;    /* of all chosen and all moves */
	int64_t steps;   /* that the search took */
	bool exact;      /* proven to be the best there is */
	bool limited;    /* the search ended by the limit of steps: it might have gone on */
};

#define PLAN_MOST_WEIGHT  INT64_C(1000000000)
#define PLAN_MOST_MINUTES INT64_C(10000000) /* lengths, loads, caps; nineteen years */
#define PLAN_MOST_CHAIN   INT64_C(10)
#define PLAN_MOST_STEPS   INT64_C(1000000000)
#define PLAN_CROWD        500
#define PLAN_STEPS        INT64_C(16000000)
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
/* Of requests and standing alike. */
const char *plan_check_request(const struct plan_input *input, const struct plan_request *row);

const char *plan_term_name(enum plan_term term);
const char *plan_rule_name(enum plan_rule rule);

/* Decisions [first, first + n) as a JSON array, as vac_daemon.store_plans() takes them. 0 or
 * -ENOMEM. */
int plan_write_json(const struct plan *plan, size_t first, size_t n, char **textp)
	__attribute__((warn_unused_result));
/* The same as a value of a larger text. */
void plan_write_decisions(struct json *json, const struct plan *plan, size_t first, size_t n);
