/*
 * planner - what the planner's own files share; nobody else includes it
 */
#pragma once

#include "../plan.h"

/* One coordinator's row, and what stands in their diary: given before or by this plan. */
struct diary {
	const struct plan_coordinator *row;
	const struct plan_zone *zone;
	struct span_set at_work; /* regular and on call; empty when there is no on_call */
	struct span_set taken;
	struct span_set rest;
	int32_t *meetings;     /* a day of the zone */
	int64_t *week_minutes; /* at the first day of each week */
	int64_t load_minutes;
	int64_t *open_cases; /* ascending */
	size_t n_open_cases, open_cases_room;
};

/* A meeting of a case that has an open request. */
struct case_meeting {
	int64_t case_id;
	int32_t coordinator;
	struct span meeting;
};

/* Elements of sorted lists of rows that stay where they are. */
struct request_ref {
	const struct plan_request *row;
};
struct office_ref {
	const struct plan_office *row;
};
struct diary_ref {
	struct diary *diary;
};

struct planner {
	const struct plan_input *input;
	struct request_ref *requests; /* in the order they are taken */
	int64_t *request_ids;         /* ascending */
	struct office_ref *offices;   /* by id */
	struct diary *diaries;        /* by office, then id */
	struct diary_ref *by_id;
	struct case_meeting *case_meetings; /* by case, then start, then coordinator */
	size_t n_case_meetings;
	struct plan *plan;
	size_t n_ruled_out, ruled_out_room;
	char *error;
	size_t error_size;
};

/* The request at hand. */
struct task {
	const struct plan_request *request;
	const struct plan_office *office;
	const struct case_meeting *case_meetings; /* of its case */
	size_t n_case_meetings;
	struct span_set case_taken;
	struct span_list hours;
	bool any_hours;
	bool on_call;             /* on-call shifts may be used */
	int64_t step, from, last; /* starts: each step in [from, last] */
};

/* One coordinator for the request at hand. */
struct candidate {
	struct diary *diary;
	int32_t rank;   /* 0: of the case's own office */
	int64_t travel; /* seconds, one way */
};

/* Limits that immediate requests may break at a cost. */
enum { CAP_OPEN_CASES = 1, CAP_WEEK = 2, CAP_DAY = 4, CAP_REST = 8 };

/* check.c: 0, PLAN_INVALID. The second needs what plan.c has sorted. */
int check_rows(struct planner *planner);
int check_unique(struct planner *planner);
/* PLAN_INVALID, with text in the caller's error. */
int planner_fail(struct planner *planner, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* diary.c */
int diary_open(
	struct diary *diary, const struct plan_input *input, const struct plan_coordinator *row);
void diary_close(struct diary *diary);
size_t diary_day(const struct diary *diary, int64_t moment);
size_t diary_week(const struct diary *diary, size_t day); /* its first day */
bool diary_has_case(const struct diary *diary, int64_t case_id);
/* Counts a meeting towards the day's and the week's limits. */
void diary_count(struct diary *diary, int64_t start, int64_t minutes);
int diary_give(struct diary *diary, const struct plan_input *input,
	const struct plan_request *request, const struct plan_choice *choice);

/* find.c: the best start, or the rule that leaves none. 0, PLAN_INVALID */
int find_start(struct planner *planner, const struct task *task, const struct candidate *candidate,
	struct plan_choice *choice, enum plan_rule *rulep);
enum plan_rule find_personal_rule(const struct task *task, const struct candidate *candidate);
/* Whether any start keeps the window; and the meeting hours too, whoever comes. */
bool find_moment(const struct task *task);
bool find_room(const struct task *task);

/* cost.c */
int64_t cost_counted_minutes(const struct plan_request *request, int64_t travel);
int64_t cost_weighted_minutes(const struct plan_request *request);
/* Fills late_minutes, terms, cost. 0, PLAN_INVALID */
int cost_of(struct planner *planner, const struct task *task, const struct candidate *candidate,
	unsigned caps_broken, struct plan_choice *choice);
bool cost_is_lower(const struct plan_request *request, const struct plan_choice *a,
	const struct plan_choice *b);

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
