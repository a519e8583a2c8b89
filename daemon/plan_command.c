#include "plan_command.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "dispatch/snapshot.h"
#include "look.h"
#include "octets.h"
#include "plan.h"
#include "table.h"

enum { DONE = 0, WRONG = 1, CANNOT = 2, WIDTH = 120 };

struct options {
	const char *explain; /* a case code */
	bool csv;
	char **offices;
	size_t n_offices;
};

/* What is printed at the end: a table, and what is to be said of the plans. */
struct showing {
	const struct options *options;
	const struct look *look;
	char *offices; /* as an array */
	struct octets out;
	struct table table;
	size_t requests, unserved;
	int64_t limit; /* of steps, that a plan reached; 0: none did */
};

static const char usage[] =
	"usage: vacd plan [--dry-run] [--format table|csv] [OFFICE …]\n"
	"       vacd plan --explain CASE [--format table|csv]\n"
	"\n"
	"Says what the planner would do now with all that is open, in these offices or in all, or\n"
	"why a case goes to whom. Nothing is stored and nobody is told.\n"
	"\n"
	"  --explain CASE   one case: who is chosen at what cost, the runner-up, and everybody "
	"else\n"
	"  --format FORMAT  table (the default) or csv\n"
	"  --dry-run        as it always is\n"
	"\n"
	"Exit status: 0 done, 1 no such office or case, 2 it could not be tried, 64 usage.\n";

static int cannot(const struct look *look, int error)
{
	if (error < 0)
		look_say(look, "%s", strerror(-error));
	return error == LOOK_REFUSED ? WRONG : CANNOT;
}

/* ---- planning ---- */

/* 0, -ENOMEM, or LOOK_FAILED, said. */
static int plan_snapshot(struct showing *showing, const struct plan_input *input, char **jsonp)
{
	struct plan *plan = NULL;
	char why[200] = "";
	int r = plan_make(input, &plan, why, sizeof why);

	if (r == PLAN_INVALID) {
		look_say(showing->look, "no plan possible: %s", why);
		return LOOK_FAILED;
	}
	if (r < 0)
		return r;
	if (plan->limited)
		showing->limit = input->policy.steps ? input->policy.steps : PLAN_STEPS;
	r = plan_write_json(plan, 0, plan->n_decisions, jsonp);
	plan_free(plan);
	return r;
}

/* The plan of a group as JSON; "[]" when nothing is open. 0 or an exit status. */
static int plan_group(struct showing *showing, const char *group, char **jsonp)
{
	const char *values[] = {group, "2147483647"};
	struct snapshot *snapshot = snapshot_new();
	int r = -ENOMEM;

	if (snapshot)
		r = look_snapshot(showing->look, "SELECT * FROM vac_daemon.snapshot_look($1, $2)",
			2, values, LOOK_ALL, snapshot);
	if (r == 0)
		r = plan_snapshot(showing, snapshot_finish(snapshot, NULL, 0), jsonp);
	snapshot_free(snapshot);
	return r == 0 ? 0 : cannot(showing->look, r);
}

/* ---- showing ---- */

static const char *value(const PGresult *result, int row, const char *column)
{
	return PQgetvalue(result, row, PQfnumber(result, column));
}

static const struct table_column plan_columns[] = {{"OFFICE", false, 8}, {"CASE", false, 0},
	{"URGENCY", false, 0}, {"COORDINATOR", false, 28}, {"START", false, 0}, {"LATE", true, 0},
	{"COST", true, 0}, {"REMARK", false, 0}};
static const char *const plan_fields[] = {
	"office", "case_code", "urgency", "coordinator", "start", "late", "cost", "remark", NULL};

static const struct table_column plan_csv_columns[] = {{"office", false, 0}, {"case", false, 0},
	{"request", true, 0}, {"urgency", false, 0}, {"service", false, 0}, {"language", false, 0},
	{"due", false, 0}, {"coordinator", false, 0}, {"name", false, 0}, {"start", false, 0},
	{"end", false, 0}, {"late_minutes", true, 0}, {"cost", true, 0}, {"terms", false, 0},
	{"moves", false, 0}, {"reason", false, 0}};
static const char *const plan_csv_fields[] = {"office", "case_code", "request_id", "urgency",
	"service", "language", "due", "coordinator_code", "coordinator", "starts", "ends",
	"late_minutes", "cost", "terms", "moves", "reason", NULL};

static const struct table_column why_columns[] = {{"", false, 0}, {"COORDINATOR", false, 34},
	{"START", false, 0}, {"COST", true, 0}, {"NEAREST", false, 0}, {"BECAUSE", false, 0}};
static const char *const why_fields[] = {
	"place", "coordinator", "start", "cost", "nearest", "because", NULL};

static const struct table_column why_csv_columns[] = {{"case", false, 0}, {"request", true, 0},
	{"place", false, 0}, {"name", false, 0}, {"start", false, 0}, {"cost", true, 0},
	{"nearest", false, 0}, {"because", false, 0}};
static const char *const why_csv_fields[] = {"code", "request_id", "place", "coordinator", "starts",
	"cost", "nearest_at", "because", NULL};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_row(struct table *table, const PGresult *result, int row, const char *const *fields)
{
	for (size_t i = 0; fields[i]; i++)
		table_add(table, value(result, row, fields[i]));
}

/* Rows of CSV are all alike, so it is said beside them. */
static void say_limit(struct showing *showing)
{
	char line[120];

	if (showing->limit == 0)
		return;
	snprintf(line, sizeof line, "the best plan so far: the limit of %lld steps was reached",
		(long long)showing->limit);
	if (showing->options->csv) {
		look_say(showing->look, "%s", line);
	} else {
		octets_add_char(&showing->out, '\n');
		octets_add_text(&showing->out, line);
		octets_add_text(&showing->out, ".\n");
	}
}

/* 0 or an exit status. */
static int print(struct showing *showing)
{
	size_t length;
	char *text = NULL;
	int r = -ENOMEM;

	say_limit(showing);
	if (table_is_whole(&showing->table))
		r = octets_take(&showing->out, &text, &length);
	if (r == 0)
		fputs(text, stdout);
	free(text);
	table_clear(&showing->table);
	return r == 0 ? DONE : cannot(showing->look, r);
}

static int show_group(struct showing *showing, const char *group)
{
	const char *values[2] = {NULL, showing->offices};
	const char *const *fields = showing->options->csv ? plan_csv_fields : plan_fields;
	PGresult *result = NULL;
	char *json = NULL;
	int r = plan_group(showing, group, &json);

	if (r != 0)
		return r;
	values[0] = json;
	r = look_query(
		showing->look, "SELECT * FROM vac_daemon.plan_shown($1, $2)", 2, values, &result);
	free(json);
	for (int i = 0; r == 0 && i < PQntuples(result); i++) {
		showing->requests++;
		showing->unserved += PQgetisnull(result, i, PQfnumber(result, "coordinator"));
		add_row(&showing->table, result, i, fields);
	}
	PQclear(result);
	return r == 0 ? DONE : cannot(showing->look, r);
}

static int show_groups(struct showing *showing)
{
	const char *values[] = {showing->offices};
	PGresult *groups;
	int r = look_query(
		showing->look, "SELECT * FROM vac_daemon.look_groups($1)", 1, values, &groups);

	if (r != 0)
		return cannot(showing->look, r);
	for (int i = 0; r == 0 && i < PQntuples(groups); i++)
		r = show_group(showing, PQgetvalue(groups, i, 0));
	PQclear(groups);
	return r;
}

static void end_plan(struct showing *showing)
{
	char line[120];

	if (showing->options->csv) {
		table_write_csv(&showing->table, &showing->out);
		return;
	}
	if (showing->requests == 0) {
		octets_add_text(&showing->out, "Nothing is open.\n");
		return;
	}
	table_write(&showing->table, WIDTH, &showing->out);
	snprintf(line, sizeof line,
		"\n%zu request%s open, %zu that nobody could take. Nothing was stored.\n",
		showing->requests, showing->requests == 1 ? "" : "s", showing->unserved);
	octets_add_text(&showing->out, line);
}

static int show_plan(struct showing *showing)
{
	bool csv = showing->options->csv;
	int r;

	showing->table.columns = csv ? plan_csv_columns : plan_columns;
	showing->table.n_columns = csv ? COUNT(plan_csv_columns) : COUNT(plan_columns);
	showing->offices = look_array(
		(const char *const *)showing->options->offices, showing->options->n_offices);
	if (showing->offices == NULL)
		return cannot(showing->look, -ENOMEM);
	r = show_groups(showing);
	free(showing->offices);
	if (r != DONE)
		return r;
	end_plan(showing);
	return print(showing);
}

/* ---- one case ---- */

/* A request's rows end where the next one's begin. */
static bool is_new_request(const PGresult *result, int row)
{
	return row == 0
	       || strcmp(value(result, row, "request_id"), value(result, row - 1, "request_id"))
			  != 0;
}

static void end_request(struct showing *showing)
{
	if (showing->table.n > 0)
		table_write(&showing->table, WIDTH, &showing->out);
	table_clear(&showing->table);
}

static void explain_for_people(struct showing *showing, const PGresult *result)
{
	for (int i = 0; i < PQntuples(result); i++) {
		if (is_new_request(result, i)) {
			end_request(showing);
			octets_add_text(&showing->out, i > 0 ? "\n" : "");
			octets_add_text(&showing->out, value(result, i, "title"));
			octets_add_char(&showing->out, '\n');
		}
		if (!PQgetisnull(result, i, PQfnumber(result, "place")))
			add_row(&showing->table, result, i, why_fields);
	}
	end_request(showing);
}

static void explain_as_csv(struct showing *showing, const PGresult *result)
{
	for (int i = 0; i < PQntuples(result); i++)
		if (!PQgetisnull(result, i, PQfnumber(result, "place")))
			add_row(&showing->table, result, i, why_csv_fields);
	table_write_csv(&showing->table, &showing->out);
}

static int explain_with(struct showing *showing, const char *json)
{
	const char *values[] = {showing->options->explain, json};
	bool csv = showing->options->csv;
	PGresult *result;
	int r = look_query(showing->look, "SELECT * FROM vac_daemon.plan_explained($1, $2)", 2,
		values, &result);

	if (r != 0)
		return cannot(showing->look, r);
	showing->table.columns = csv ? why_csv_columns : why_columns;
	showing->table.n_columns = csv ? COUNT(why_csv_columns) : COUNT(why_columns);
	if (csv)
		explain_as_csv(showing, result);
	else
		explain_for_people(showing, result);
	PQclear(result);
	return print(showing);
}

static int explain(struct showing *showing)
{
	const char *values[] = {showing->options->explain};
	PGresult *group;
	char *json = NULL;
	int r = look_query(
		showing->look, "SELECT * FROM vac_daemon.look_case($1)", 1, values, &group);

	if (r != 0)
		return cannot(showing->look, r);
	r = plan_group(showing, PQgetvalue(group, 0, 0), &json);
	PQclear(group);
	if (r == DONE)
		r = explain_with(showing, json);
	free(json);
	return r;
}

/* ---- the command ---- */

/* 0, 'h' for help, '?' for what is not understood. */
static int parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"dry-run", no_argument, NULL, 'n'},
		{"explain", required_argument, NULL, 'e'},
		{"format", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	optind = 0; /* main has looked at options already */
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'e')
			options->explain = optarg;
		else if (c == 'f' && strcmp(optarg, "csv") == 0)
			options->csv = true;
		else if (c == 'f' && strcmp(optarg, "table") == 0)
			options->csv = false;
		else if (c != 'n')
			return c == 'h' ? 'h' : '?';
	}
	options->offices = argv + optind;
	options->n_offices = (size_t)(argc - optind);
	return options->explain && options->n_offices > 0 ? '?' : 0;
}

int plan_command(const struct config *config, int argc, char **argv)
{
	struct options options = {.csv = false};
	struct look look;
	struct showing showing = {.options = &options, .look = &look};
	int r = parse(&options, argc, argv);

	if (r != 0) {
		fputs(usage, r == 'h' ? stdout : stderr);
		return r == 'h' ? EXIT_SUCCESS : EX_USAGE;
	}
	r = look_open(config, "plan", &look);
	if (r != 0)
		r = cannot(&look, r);
	else
		r = options.explain ? explain(&showing) : show_plan(&showing);
	octets_clear(&showing.out);
	table_clear(&showing.table);
	look_close(&look);
	return r;
}
