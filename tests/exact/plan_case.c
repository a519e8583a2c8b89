/*
 * plan-case - makes plans of inputs that stand on standard input, for tests in other languages
 *
 *	plan-case [--totals] [--judge] [--runs N] < INPUTS > PLANS
 *
 * INPUTS is text, see plan_text.h. PLANS is one JSON object a line and input:
 *
 *	{"ms": milliseconds, "unserved": [I, U, R], "late": [I, U, R], "on_call": n, "cost": n,
 *	 "steps": n, "exact": truth, "limited": truth, "served": n, "moved": n, "decisions": [
 *	  {"request": id, "served": truth, "chosen": CHOICE or null, "runner_up": CHOICE or null,
 *	   "ruled_out": [{"coordinator": id, "rule": name, "nearest": moment or null}, …],
 *	   "moves": [{"appointment": id, "request": id, "from_coordinator": id,
 *	              "from_start": moment, "from_end": moment, "to": CHOICE}, …]}, …]}
 *	CHOICE: {"coordinator": id, "start": moment, "end": moment, "busy_start": moment,
 *	 "busy_end": moment, "late": minutes, "on_call": truth, "by_interpreter": truth,
 *	 "over_cap": truth, "cost": n, "terms": {each term: n}}
 *
 * or {"invalid": text} where the planner took none. With --totals there are no decisions. With
 * --judge there is "fault" as well: what judge_plan() finds wrong, or null. With --runs each plan
 * is made N times, and ms is the median.
 * Exits with 0, 1 for input that is no text of plan_text.h (why: stderr), 2 for wrong use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "plan_text.h"
#include "../unit/plan_judge.h"

struct options {
	bool totals, judge;
	int runs;
};

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void write_number(struct json *json, const char *key, long long number)
{
	json_key(json, key);
	json_number(json, number);
}

static void write_truth(struct json *json, const char *key, bool truth)
{
	json_key(json, key);
	json_truth(json, truth);
}

static void write_three(struct json *json, const char *key, const int64_t *numbers)
{
	json_key(json, key);
	json_open(json, '[');
	for (int i = 0; i < PLAN_URGENCIES; i++)
		json_number(json, numbers[i]);
	json_close(json, ']');
}

static void write_choice(
	struct json *json, const char *key, const struct plan_choice *choice, bool any)
{
	json_key(json, key);
	if (!any) {
		json_text(json, NULL);
		return;
	}
	json_open(json, '{');
	write_number(json, "coordinator", choice->coordinator);
	write_number(json, "start", choice->meeting.start);
	write_number(json, "end", choice->meeting.end);
	write_number(json, "busy_start", choice->busy.start);
	write_number(json, "busy_end", choice->busy.end);
	write_number(json, "late", choice->late_minutes);
	write_truth(json, "on_call", choice->on_call);
	write_truth(json, "by_interpreter", choice->by_interpreter);
	write_truth(json, "over_cap", choice->over_cap);
	write_number(json, "cost", choice->cost);
	json_key(json, "terms");
	json_open(json, '{');
	for (int i = 0; i < PLAN_TERMS; i++)
		write_number(json, plan_term_name((enum plan_term)i), choice->terms[i]);
	json_close(json, '}');
	json_close(json, '}');
}

static void write_ruled_out(struct json *json, const struct plan_decision *decision)
{
	json_key(json, "ruled_out");
	json_open(json, '[');
	for (size_t i = 0; i < decision->n_ruled_out; i++) {
		const struct plan_ruled_out *one = &decision->ruled_out[i];

		json_open(json, '{');
		write_number(json, "coordinator", one->coordinator);
		json_key(json, "rule");
		json_text(json, plan_rule_name(one->rule));
		json_key(json, "nearest");
		if (one->nearest == SPAN_NEVER)
			json_text(json, NULL);
		else
			json_number(json, one->nearest);
		json_close(json, '}');
	}
	json_close(json, ']');
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
		write_number(json, "from_end", move->from_meeting.end);
		write_choice(json, "to", &move->to, true);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void write_decisions(struct json *json, const struct plan *plan)
{
	json_key(json, "decisions");
	json_open(json, '[');
	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];

		json_open(json, '{');
		write_number(json, "request", decision->request);
		write_truth(json, "served", decision->served);
		write_choice(json, "chosen", &decision->chosen, decision->served);
		write_choice(json, "runner_up", &decision->runner_up, decision->has_runner_up);
		write_ruled_out(json, decision);
		write_moves(json, decision);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void write_totals(struct json *json, const struct plan *plan)
{
	long long served = 0;

	for (size_t i = 0; i < plan->n_decisions; i++)
		served += plan->decisions[i].served;
	write_three(json, "unserved", plan->unserved);
	write_three(json, "late", plan->late_minutes);
	write_number(json, "on_call", plan->on_call);
	write_number(json, "cost", plan->cost);
	write_number(json, "steps", plan->steps);
	write_truth(json, "exact", plan->exact);
	write_truth(json, "limited", plan->limited);
	write_number(json, "served", served);
	write_number(json, "moved", (long long)plan->n_moves);
}

/* Prints one line. The time stands outside what json can write. */
static int print(const struct options *options, const struct plan_input *input,
	const struct plan *plan, const char *error, double median)
{
	struct json json = {0};
	char *text;
	int r;

	json_open(&json, '{');
	if (plan) {
		write_totals(&json, plan);
		if (options->judge) {
			json_key(&json, "fault");
			json_text(&json, judge_plan(input, plan));
		}
		if (!options->totals)
			write_decisions(&json, plan);
	} else {
		json_key(&json, "invalid");
		json_text(&json, error);
	}
	json_close(&json, '}');
	r = json_take(&json, &text);
	if (r != 0)
		return r;
	printf("{\"ms\": %.3f, %s\n", median, text + 1);
	free(text);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int plan_one(const struct options *options, const struct plan_input *input)
{
	double *times = calloc((size_t)options->runs, sizeof *times);
	struct plan *plan = NULL;
	char error[200] = "";
	int r = times ? 0 : -ENOMEM;

	for (int i = 0; r == 0 && i < options->runs; i++) {
		double begun = milliseconds();

		plan = plan_free(plan);
		r = plan_make(input, &plan, error, sizeof error);
		times[i] = milliseconds() - begun;
	}
	if (r == 0)
		qsort(times, (size_t)options->runs, sizeof *times, by_size);
	if (r == 0 || r == PLAN_INVALID)
		r = print(options, input, plan, error, times[options->runs / 2]);
	plan_free(plan);
	free(times);
	return r;
}

static bool read_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){.runs = 1};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--totals") == 0)
			options->totals = true;
		else if (strcmp(argv[i], "--judge") == 0)
			options->judge = true;
		else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc)
			options->runs = (int)strtol(argv[++i], NULL, 10);
		else
			return false;
	}
	return options->runs >= 1 && options->runs <= 1000;
}

int main(int argc, char **argv)
{
	const struct plan_input *input;
	struct options options;
	struct plan_text *text;
	int r = 0;

	if (!read_options(argc, argv, &options)) {
		fprintf(stderr,
			"usage: plan-case [--totals] [--judge] [--runs N] < INPUTS > PLANS\n");
		return 2;
	}
	text = plan_text_open(stdin);
	if (text == NULL)
		r = -ENOMEM;
	while (r == 0 && (r = plan_text_next(text, &input)) == 0) {
		r = plan_one(&options, input);
		fflush(stdout);
	}
	if (r == PLAN_TEXT_BAD)
		fprintf(stderr, "plan-case: %s\n", plan_text_error(text));
	else if (r < 0)
		fprintf(stderr, "plan-case: %s\n", strerror(-r));
	plan_text_close(text);
	return r == PLAN_TEXT_END ? 0 : 1;
}
