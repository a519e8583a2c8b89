#include <inttypes.h>
#include <stdio.h>

#include "../json.h"
#include "planner.h"

const char *plan_term_name(enum plan_term term)
{
	static const char *const names[PLAN_TERMS] = {
		[PLAN_WAIT] = "wait",
		[PLAN_COLLATERAL] = "collateral",
		[PLAN_BACKUP] = "backup",
		[PLAN_INTERPRETER] = "interpreter",
		[PLAN_PREFERENCE] = "preference",
		[PLAN_CONTINUITY] = "continuity",
		[PLAN_LOAD] = "load",
		[PLAN_OVER_CAP] = "over_cap",
		[PLAN_MOVE] = "move",
	};

	return names[term];
}

const char *plan_rule_name(enum plan_rule rule)
{
	static const char *const names[PLAN_RULES] = {
		[PLAN_FREE] = "free",
		[PLAN_WINDOW] = "window",
		[PLAN_NOT_BACKUP] = "not_backup",
		[PLAN_CONFLICT] = "conflict",
		[PLAN_BARRED] = "barred",
		[PLAN_SERVICE] = "service",
		[PLAN_LANGUAGE] = "language",
		[PLAN_GENDER] = "gender",
		[PLAN_CAP_OPEN_CASES] = "cap_open_cases",
		[PLAN_LOCKED] = "locked",
		[PLAN_NO_SHIFT] = "no_shift",
		[PLAN_ON_CALL_ONLY] = "on_call_only",
		[PLAN_HOURS] = "hours",
		[PLAN_LEAVE] = "leave",
		[PLAN_BUSY] = "busy",
		[PLAN_CASE_BUSY] = "case_busy",
		[PLAN_REST] = "rest",
		[PLAN_CAP_WEEK] = "cap_week",
		[PLAN_CAP_DAY] = "cap_day",
		[PLAN_DEARER] = "dearer",
	};

	return names[rule];
}

static void write_number(struct json *json, const char *key, long long number)
{
	json_key(json, key);
	json_number(json, number);
}

/* Terms that are nothing are left out: a reader wants to see what was paid. */
static void write_cost(struct json *json, const struct plan_choice *choice)
{
	write_number(json, "late", choice->late_minutes);
	write_number(json, "cost", choice->cost);
	json_key(json, "terms");
	json_open(json, '{');
	for (int i = 0; i < PLAN_TERMS; i++)
		if (choice->terms[i] != 0)
			write_number(json, plan_term_name((enum plan_term)i), choice->terms[i]);
	json_close(json, '}');
}

static void write_chosen(struct json *json, const struct plan_choice *choice)
{
	write_number(json, "coordinator", choice->coordinator);
	write_number(json, "start", choice->meeting.start);
	write_number(json, "end", choice->meeting.end);
	write_number(json, "busy_start", choice->busy.start);
	write_number(json, "busy_end", choice->busy.end);
	json_key(json, "by_interpreter");
	json_truth(json, choice->by_interpreter);
	json_key(json, "over_cap");
	json_truth(json, choice->over_cap);
	write_cost(json, choice);
}

static void write_runner_up(struct json *json, const struct plan_choice *choice)
{
	json_key(json, "runner_up");
	json_open(json, '{');
	write_number(json, "coordinator", choice->coordinator);
	write_number(json, "start", choice->meeting.start);
	write_cost(json, choice);
	json_close(json, '}');
}

static void write_ruled_out(struct json *json, const struct plan_decision *decision)
{
	const struct plan_ruled_out *one = decision->ruled_out;

	json_key(json, "ruled_out");
	json_open(json, '{');
	for (size_t i = 0; i < decision->n_ruled_out; i++) {
		if (i == 0 || one[i].rule != one[i - 1].rule) {
			json_key(json, plan_rule_name(one[i].rule));
			json_open(json, '[');
		}
		json_number(json, one[i].coordinator);
		if (i + 1 == decision->n_ruled_out || one[i].rule != one[i + 1].rule)
			json_close(json, ']');
	}
	json_close(json, '}');
}

/* Of those ruled out whom a later start would have suited. */
static void write_nearest(struct json *json, const struct plan_decision *decision)
{
	bool any = false;

	for (size_t i = 0; i < decision->n_ruled_out; i++) {
		const struct plan_ruled_out *one = &decision->ruled_out[i];
		char key[16];

		if (one->nearest == SPAN_NEVER)
			continue;
		if (!any) {
			json_key(json, "nearest");
			json_open(json, '{');
			any = true;
		}
		snprintf(key, sizeof key, "%" PRId32, one->coordinator);
		write_number(json, key, one->nearest);
	}
	if (any)
		json_close(json, '}');
}

static void write_moves(struct json *json, const struct plan_decision *decision)
{
	json_key(json, "moves");
	json_open(json, '[');
	for (size_t i = 0; i < decision->n_moves; i++) {
		const struct plan_move *move = &decision->moves[i];

		json_open(json, '{');
		write_number(json, "appointment", move->appointment);
		write_number(json, "request", move->request);
		write_number(json, "from_coordinator", move->from_coordinator);
		write_number(json, "from_start", move->from_meeting.start);
		write_chosen(json, &move->to);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void write_decision(struct json *json, const struct plan_decision *decision)
{
	json_open(json, '{');
	write_number(json, "request", decision->request);
	if (decision->served) {
		write_chosen(json, &decision->chosen);
	} else {
		json_key(json, "coordinator");
		json_text(json, NULL);
	}
	if (decision->has_runner_up)
		write_runner_up(json, &decision->runner_up);
	write_ruled_out(json, decision);
	write_nearest(json, decision);
	if (decision->n_moves > 0)
		write_moves(json, decision);
	json_close(json, '}');
}

void plan_write_decisions(struct json *json, const struct plan *plan, size_t first, size_t n)
{
	json_open(json, '[');
	for (size_t i = first; i < first + n && i < plan->n_decisions; i++)
		write_decision(json, &plan->decisions[i]);
	json_close(json, ']');
}

int plan_write_json(const struct plan *plan, size_t first, size_t n, char **textp)
{
	struct json json = {0};

	plan_write_decisions(&json, plan, first, n);
	return json_take(&json, textp);
}
