/*
 * plan_judge - looks at a plan with nothing but the words of plan.h: no rule broken, each figure right
 *
 * Slow and simple on purpose: it tries and counts everything anew and shares no code with the
 * planner.
 */
#pragma once

#include "plan.h"

/* A meeting that a plan gives, or a place that an appointment is moved to. */
struct judge_meeting {
	const struct plan_request *request;
	const struct plan_coordinator *person;
	const struct plan_appointment *moved; /* NULL: the request had no meeting */
	int64_t start;
};

/* In the order in which plans are compared. */
struct judge_price {
	int64_t call_outs_unserved, call_outs_late, call_outs_cost;
	int64_t urgent_unserved, routine_unserved, urgent_late, routine_late, on_call, cost;
};

/* NULL when nothing is wrong; else what is, in a buffer of its own. */
const char *judge_plan(const struct plan_input *input, const struct plan *plan);
/* Whether everybody else is ruled out by the right rule, with the right nearest start, and the
 * runner-up is the best of them. Tries every start of everybody. */
const char *judge_reasons(const struct plan_input *input, const struct plan *plan);

/* The meetings of a plan: those of requests in the order of need, then those moved. NULL: no
 * memory, or the plan names what is not in the input. */
struct judge_meeting *judge_list(
	const struct plan_input *input, const struct plan *plan, size_t *np);
/* Of meetings in that order: the first rule that one breaks, or PLAN_FREE. */
enum plan_rule judge_rules(
	const struct plan_input *input, const struct judge_meeting *meetings, size_t n);
struct judge_price judge_price_of(
	const struct plan_input *input, const struct judge_meeting *meetings, size_t n);
struct judge_price judge_price_of_plan(const struct plan *plan);
int judge_compare(const struct judge_price *a, const struct judge_price *b);
