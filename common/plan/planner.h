/*
 * planner - what the planner's own files share; nobody else includes it
 *
 * A plan is made in this order: jobs.c lays out what is to be done and who might do it; flow.c
 * (with flow_build.c and flow_paths.c) finds the best plan where that is a flow; else insert.c
 * makes a first plan and search.c, by ruin.c and exchange.c, looks for better ones; room.c moves
 * what stands where somebody urgent would be late; settle.c counts it all up once more in the
 * canonical order (urgency, due time, id) and asks reason.c for the reasons. diary.c and family.c
 * keep what stands and what is given, of coordinators and of cases; find.c finds starts, cost.c
 * says what they cost.
 */
#pragma once

#include "../plan.h"

/* Products of what fits in 64 bits. */
__extension__ typedef __int128 wide;

/* A coordinator's call-outs in the night make rest, which plans of others must see. */
struct rest_span {
	const struct job *job;
	struct span span;
};

struct open_case {
	int64_t id;
	size_t times; /* meetings of this plan; one more for what stands */
};

/* One coordinator's row, and what stands in their diary: given before or by this plan. */
struct diary {
	const struct plan_coordinator *row;
	const struct plan_zone *zone;
	const size_t *week_starts; /* for each day of the zone, the first one of its week */
	struct span_set at_work;   /* regular and on call; empty when there is no on_call */
	struct span_set taken;
	struct span_set rest;
	struct rest_span *rests; /* made by this plan */
	size_t n_rests, rests_room;
	int32_t *meetings;            /* a day of the zone */
	int64_t *week_minutes;        /* at the first day of each week */
	int64_t load_units;           /* weighted quarter-hours, */
	int64_t standing_units;       /* and those of what stands, here or moved here, or was */
	struct open_case *open_cases; /* ascending */
	size_t n_open_cases, open_cases_room;
	struct job **jobs; /* placed here, */
	size_t n_jobs, jobs_room;
	size_t n_moved; /* and those of them that stood before */
};

/* A meeting of a case that has an open request. */
struct case_meeting {
	int32_t coordinator;
	struct span span;
	struct job *job; /* NULL: it stands */
};

/* Who holds meetings of a case. */
struct holder {
	int32_t coordinator;
	size_t meetings;
};

/* All meetings of one case, given before or by this plan. */
struct family {
	int64_t case_id;
	struct case_meeting *meetings;
	size_t n_meetings, meetings_room;
	struct span_set taken;
	bool overlaps; /* some meetings lay over each other, once */
	struct holder *holders;
	size_t n_holders, holders_room;
	size_t n_jobs;     /* requests of the case that are open, */
	size_t n_standing; /* and those of what may be moved */
};

/* One coordinator for requests of a kind. */
struct candidate {
	struct diary *diary;
	int32_t rank;   /* 0: of the case's own office */
	int64_t travel; /* seconds, one way */
	int64_t base;   /* cost of the terms that no start and no other meeting changes */
	int64_t first;  /* no start before this */
	int64_t floor;  /* no request of the kind costs less with them, */
	int64_t most;   /* and none more */
	bool by_interpreter;
};

/* Requests that the same coordinators may meet at the same price but for the time. Those whom no
 * start suits are left out. By floor, then office and id. */
struct kind {
	struct candidate *candidates;
	size_t n_candidates;
};

/* A start with somebody, and what it would cost now. Only compared within a request. */
struct offer {
	const struct candidate *candidate;
	int64_t start;
	int64_t late; /* begun minutes */
	int64_t cost;
	unsigned caps; /* broken, of an immediate request */
	bool on_call;
};

/* One request on its way to a meeting, or one that has a meeting which may be moved. */
struct job {
	const struct plan_request *request;
	const struct plan_office *office;
	const struct kind *kind;
	struct family *family;
	struct span_list hours;
	bool any_hours;
	bool may_on_call;         /* on-call shifts may be used */
	int64_t step, from, last; /* starts: each step in [from, last] */
	int64_t length, units;
	int64_t rest;       /* seconds, of a call-out in the night */
	struct offer least; /* what it would cost alone; candidate NULL: nobody can */
	/* where it is in the plan; candidate NULL: nowhere */
	struct offer at;
	size_t at_index;     /* in the diary's jobs */
	size_t family_index; /* in the family's meetings */
	/* of a meeting that stands */
	const struct plan_appointment *stands;
	struct offer stood;          /* its place before the plan */
	int64_t stood_units;         /* of load that it took away with it, */
	bool stood_case;             /* and its case, if it was the only meeting of it */
	bool lifted;                 /* out of its place, while room is made */
	bool moved_others;           /* of a request: others moved for it */
	const struct job *moved_for; /* NULL: it stays */
};

/* Of two plans the one with the lower price is better: compared from the first field on. */
struct price {
	int64_t unserved[PLAN_URGENCIES];
	int64_t late[PLAN_URGENCIES];
	int64_t on_call, cost;
};

/* Elements of sorted lists of rows that stay where they are. */
struct office_ref {
	const struct plan_office *row;
};
struct diary_ref {
	struct diary *diary;
};

struct planner {
	const struct plan_input *input;
	size_t **week_starts;       /* a zone */
	struct job *jobs;           /* by urgency, due time, id */
	struct job *standing;       /* likewise */
	size_t n_jobs, n_call_outs; /* call-outs are the first of jobs */
	size_t n_standing;
	struct kind *kinds;
	size_t n_kinds;
	struct family *families; /* by case */
	size_t n_families;
	struct office_ref *offices; /* by id */
	struct diary *diaries;      /* by office, then id */
	struct diary_ref *by_id;
	struct price price;           /* of what is placed */
	int64_t steps;                /* looks at one coordinator for one request */
	int64_t searched, most_steps; /* those that the search took, and may take */
	bool limited, exact;
	bool loads_fell; /* something was lifted: candidates' floors hold no more */
	struct plan *plan;
	size_t n_ruled_out, ruled_out_room;
	int failed; /* -ENOMEM, seen late: where it happens nobody could handle it */
	char *error;
	size_t error_size;
};

/* Limits that immediate requests may break at a cost. */
enum { CAP_OPEN_CASES = 1, CAP_WEEK = 2, CAP_DAY = 4, CAP_REST = 8 };

/* check.c: 0, PLAN_INVALID. The second needs what plan.c has sorted. */
int check_rows(struct planner *planner);
int check_unique(struct planner *planner);
/* PLAN_INVALID, with text in the caller's error. */
int planner_fail(struct planner *planner, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* plan.c */
struct diary *planner_diary(const struct planner *planner, int32_t coordinator);
const struct plan_office *planner_office(const struct planner *planner, int32_t id);
/* Index of the first diary of this office, or of a later one. */
size_t planner_seek_office(const struct planner *planner, int64_t office);
/* An array of n, or of one when there are none, so that NULL always means no memory. */
void *planner_array(size_t n, size_t size);
/* Room for one more in a list that grows; false: no memory. */
bool planner_room(void *arrayp, size_t n, size_t *room, size_t size);

/* diary.c */
int diary_open(struct planner *planner, struct diary *diary, const struct plan_coordinator *row);
void diary_close(struct diary *diary);
size_t diary_day(const struct diary *diary, int64_t moment);
size_t diary_next_week(const struct diary *diary, size_t day); /* n_days: none is known */
bool diary_has_case(const struct diary *diary, int64_t case_id);
/* How often it is counted as theirs; and how often by what can wait and was not theirs before this
 * plan. */
size_t diary_case_times(const struct diary *diary, int64_t case_id);
size_t diary_case_waits(const struct diary *diary, int64_t case_id);
int diary_add_case(struct diary *diary, int64_t case_id);
bool diary_drop_case(struct diary *diary, int64_t case_id); /* false: they had none */
/* What stands: its span and its minutes. Taking it out again needs a span that touches no other's. */
int diary_stand(struct diary *diary, const struct plan_appointment *appointment);
int diary_unstand(struct diary *diary, const struct plan_appointment *appointment);
/* What the plan gives. */
int diary_put(struct diary *diary, const struct plan_input *input, struct job *job);
int diary_take(struct diary *diary, struct job *job);

/* family.c */
int family_add(struct family *family, struct case_meeting meeting);
int family_remove_job(struct family *family, const struct job *job);
int family_remove_standing(struct family *family, const struct plan_appointment *appointment);
/* Whether others hold meetings of the case, but not this coordinator. */
bool family_is_stranger(const struct family *family, int32_t coordinator);
/* Whether they have a meeting of the case that stands. */
bool family_stands_with(const struct family *family, int32_t coordinator);
struct family *family_find(const struct planner *planner, int64_t case_id);
int families_open(struct planner *planner);
void families_close(struct planner *planner);

/* jobs.c: 0, -ENOMEM, PLAN_INVALID */
int jobs_open(struct planner *planner);
void jobs_close(struct planner *planner);
struct span job_meeting(const struct job *job, int64_t start);
struct span job_busy(const struct job *job, const struct candidate *candidate, int64_t start);

/* find.c: the best start with a candidate; false: there is none. Counts a step. */
bool find_offer(struct planner *planner, const struct job *job, const struct candidate *candidate,
	struct offer *offer);
/* Whether any start keeps the window; and the meeting hours too, whoever comes. */
bool find_moment(const struct job *job);
bool find_room(const struct job *job);
/* Whether something was moved to the same person that would break the limit of open cases if this
 * call-out, which has its case there already, went elsewhere. */
bool find_is_leant_on(const struct job *job);
/* Which limits a meeting at this start would break, limits of an immediate request. */
unsigned find_caps(const struct job *job, const struct candidate *candidate, int64_t start);

/* reason.c: what rules somebody out whenever it is, PLAN_FREE: nothing; locks apart, which pass.
 * And of somebody who has no start the rule to name, with the nearest start that would do. */
enum plan_rule reason_of_person(const struct plan_request *request, const struct diary *diary);
enum plan_rule reason_of_lock(const struct plan_request *request, const struct diary *diary);
enum plan_rule reason_find(struct planner *planner, const struct job *job,
	const struct candidate *candidate, int64_t *nearestp);

/* cost.c */
int64_t cost_counted_minutes(const struct plan_request *request, int64_t travel);
int64_t cost_units(const struct plan_request *request);
/* Quarter-hours L + 1 … L + units of this coordinator, cheap for few. */
int64_t cost_load(const struct planner *planner, const struct diary *diary, int64_t units);
int64_t cost_base(const struct planner *planner, const struct plan_request *request,
	const struct candidate *candidate);
int64_t cost_late(const struct job *job, int64_t start);
int64_t cost_wait(const struct planner *planner, const struct job *job, int64_t start);
/* Fills late and cost of an offer from its candidate, start and caps. */
void cost_offer(const struct planner *planner, const struct job *job, struct offer *offer);
/* The most that this candidate can cost; false when it leaves the range of numbers. */
bool cost_most(const struct planner *planner, const struct plan_request *request,
	struct candidate *candidate, int64_t latest, int64_t all_units);
bool offer_is_lower(const struct job *job, const struct offer *a, const struct offer *b);
struct plan_choice cost_choice(
	const struct planner *planner, const struct job *job, const struct offer *offer);

/* insert.c: jobs into the plan and out again; the planner's price follows. */
void place(struct planner *planner, struct job *job, const struct offer *offer);
void unplace(struct planner *planner, struct job *job);
/* The best offer that anybody makes; `skip` candidates by this chance of 256. False: none. */
bool best_offer(struct planner *planner, const struct job *job, unsigned skip, uint64_t *random,
	struct offer *offer);
/* What each would cost alone, or a little less. */
void find_floors(struct planner *planner, struct job *jobs, size_t n);
void insert_all(struct planner *planner, struct job *jobs, size_t n);
void improve_each(struct planner *planner, struct job *jobs, size_t n);
int price_compare(const struct price *a, const struct price *b);
/* No plan of these jobs is better than the sum of what each would cost alone. */
struct price price_floor(const struct job *jobs, size_t n);

/* flow.c: 0 when the plan of these jobs is now the best there is; FLOW_OTHER: they are no flow, or
 * too many for the limit, and nothing has changed; -ENOMEM. */
enum { FLOW_OTHER = 1 };
int flow_solve(struct planner *planner, struct job *jobs, size_t n);

/* search.c */
int search_better(struct planner *planner, struct job *jobs, size_t n);

/* room.c */
int room_make(struct planner *planner, struct job *jobs, size_t n);
/* Counts the moves in the canonical order, before anything of the plan is in place. */
int room_settle(struct planner *planner);

/* settle.c */
int settle(struct planner *planner);

/* The next of a sequence that looks random (SplitMix64), and one below n. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline size_t random_below(uint64_t *state, size_t n)
{
	return (size_t)(((random_next(state) >> 32) * n) >> 32);
}

static inline bool has_id(struct plan_people people, int32_t id)
{
	for (size_t i = 0; i < people.n; i++)
		if (people.ids[i] == id)
			return true;
	return false;
}

static inline bool has_code(struct plan_codes codes, int32_t code)
{
	for (size_t i = 0; i < codes.n; i++)
		if (codes.codes[i] == code)
			return true;
	return false;
}

static inline int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}
