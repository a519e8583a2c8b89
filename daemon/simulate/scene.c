#include "scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch/snapshot.h"
#include "look.h"

enum { DAYS_AFTER = 9 };

#define DAY INT64_C(86400)

static const char *const urgency_names[PLAN_URGENCIES] = {
	[PLAN_IMMEDIATE] = "immediate", [PLAN_URGENT] = "urgent", [PLAN_ROUTINE] = "routine"};

/* What a part of the scene is read into: an array as long as the result. */
struct reading {
	struct scene *scene;
	const struct look *look;
	struct row row;
};

static const char *keep_text(struct reading *reading, int column)
{
	const char *text = row_text(&reading->row, column);
	char *copy = arena_get(&reading->scene->arena, strlen(text) + 1, 1);

	if (copy == NULL) {
		reading->row.bad = reading->row.no_memory = true;
		return "";
	}
	memcpy(copy, text, strlen(text) + 1);
	return copy;
}

/* Opens a result's rows, and an array for them. */
static int begin_rows(struct reading *reading, const PGresult *result, const char *const *names,
	size_t size, void *arrayp)
{
	void *array = arena_get(&reading->scene->arena, (size_t)PQntuples(result), size);

	if (array == NULL)
		return -ENOMEM;
	memcpy(arrayp, &array, sizeof array);
	if (row_open(&reading->row, result, names, &reading->scene->arena, &reading->scene->words))
		return 0;
	look_say(reading->look, "the database's answer lacks column %s", reading->row.problem);
	return LOOK_FAILED;
}

static int check_row(const struct reading *reading)
{
	if (reading->row.no_memory)
		return -ENOMEM;
	if (!reading->row.bad)
		return 0;
	look_say(reading->look, "the database's answer cannot be read: column %s, row %d",
		reading->row.problem, reading->row.number + 1);
	return LOOK_FAILED;
}

static int urgency_of(const char *text)
{
	for (int i = 0; i < PLAN_URGENCIES; i++)
		if (strcmp(text, urgency_names[i]) == 0)
			return i;
	return -1;
}

/* ---- days ---- */

int64_t scene_day(const char *text)
{
	long year = strtol(text, NULL, 10), month = strtol(text + 5, NULL, 10);
	long day = strtol(text + 8, NULL, 10), from_march = (month + 9) % 12;

	year -= month <= 2;
	return year * 365L + year / 4 - year / 100 + year / 400 + (from_march * 306 + 5) / 10 + day
	       - 1 - 719468;
}

static int read_start(struct scene *scene, const struct look *look, const char *start)
{
	PGresult *result;
	int r;

	if (start) {
		snprintf(scene->start, sizeof scene->start, "%s", start);
		return 0;
	}
	r = look_query(look, "SELECT vac_daemon.simulate_start()", 0, NULL, &result);
	if (r == 0)
		snprintf(scene->start, sizeof scene->start, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	return r;
}

static void set_span(struct scene *scene)
{
	int64_t longest = 0;

	for (int i = 0; i < PLAN_URGENCIES; i++)
		if (scene->rules.horizon_seconds[i] > longest)
			longest = scene->rules.horizon_seconds[i];
	scene->first = scene_day(scene->start) * DAY;
	/* A day more: where it ends later than in Greenwich. */
	scene->end = scene->first + ((int64_t)scene->n_days + 1) * DAY;
	scene->rules.end = scene->end;
	/* The last follow-up is given up after its horizon, and was looked for one horizon ahead. */
	scene->last = scene->end + scene->rules.follow_up_seconds + 2 * longest + DAYS_AFTER * DAY;
}

/* ---- policies and services ---- */

static void take_policy(struct scene *scene, const char *name, int urgency, int64_t value)
{
	if (strcmp(name, "horizon") == 0 && urgency >= 0)
		scene->rules.horizon_seconds[urgency] = value * DAY;
	else if (strcmp(name, "buffer_minutes") == 0 && urgency >= 0)
		scene->buffer_minutes[urgency] = value;
	else if (strcmp(name, "buffer_minutes_telephone") == 0)
		scene->telephone_buffer_minutes = value;
	else if (strcmp(name, "telephone_minutes") == 0)
		scene->telephone_minutes = value;
	else if (strcmp(name, "replan_minutes") == 0)
		scene->rules.again_seconds = (value > 0 ? value : 1) * 60;
}

static int read_policies(struct reading *reading)
{
	static const char *const names[] = {"name", "urgency", "value", NULL};
	struct row *row = &reading->row;
	PGresult *result;
	char *unused;
	int r = look_query(
		reading->look, "SELECT * FROM vac_daemon.snapshot_policy()", 0, NULL, &result);

	if (r == 0)
		r = begin_rows(reading, result, names, 1, &unused);
	while (r == 0 && row_next(row)) {
		bool general = PQgetisnull(result, row->number, row->columns[1]);
		int urgency = general ? -1 : urgency_of(row_text(row, 1));

		take_policy(reading->scene, row_text(row, 0), urgency, row_number(row, 2));
		r = check_row(reading);
	}
	PQclear(result);
	return r;
}

static int read_services(struct reading *reading)
{
	static const char *const names[] = {"code", "label", "minutes", "load_percent", NULL};
	struct scene *scene = reading->scene;
	PGresult *result;
	int r = look_query(
		reading->look, "SELECT * FROM vac_daemon.simulate_services()", 0, NULL, &result);

	if (r == 0)
		r = begin_rows(reading, result, names, sizeof *scene->services, &scene->services);
	while (r == 0 && row_next(&reading->row)) {
		scene->services[scene->n_services++] = (struct scene_service){
			.code = keep_text(reading, 0),
			.label = keep_text(reading, 1),
			.minutes = row_number(&reading->row, 2),
			.load_percent = row_number(&reading->row, 3),
		};
		r = check_row(reading);
	}
	PQclear(result);
	return r;
}

static int read_rule_words(struct reading *reading)
{
	static const char *const names[] = {"rule", "reason", NULL};
	PGresult *result;
	char *unused;
	int r = look_query(
		reading->look, "SELECT * FROM vac_daemon.simulate_rules()", 0, NULL, &result);

	if (r == 0)
		r = begin_rows(reading, result, names, 1, &unused);
	while (r == 0 && row_next(&reading->row)) {
		const char *rule = row_text(&reading->row, 0), *words = keep_text(reading, 1);

		for (int i = 0; i < PLAN_RULES; i++)
			if (strcmp(rule, plan_rule_name((enum plan_rule)i)) == 0)
				reading->scene->rule_words[i] = words;
		r = check_row(reading);
	}
	PQclear(result);
	return r;
}

/* ---- offices ---- */

static int read_offices(struct reading *reading)
{
	static const char *const names[] = {"office_id", "code", "group_id", "day_starts", NULL};
	struct scene *scene = reading->scene;
	char days[24];
	const char *values[] = {scene->start, days};
	PGresult *result;
	int r;

	snprintf(days, sizeof days, "%zu", scene->n_days);
	r = look_query(reading->look, "SELECT * FROM vac_daemon.simulate_offices($1, $2)", 2,
		values, &result);
	if (r == 0)
		r = begin_rows(reading, result, names, sizeof *scene->offices, &scene->offices);
	while (r == 0 && row_next(&reading->row)) {
		struct scene_office *one = &scene->offices[scene->n_offices++];
		size_t n;

		one->id = row_id(&reading->row, 0);
		one->code = keep_text(reading, 1);
		one->group = row_id(&reading->row, 2);
		one->day_starts = row_numbers(&reading->row, 3, &n);
		if (n != scene->n_days + 1)
			reading->row.bad = true;
		r = check_row(reading);
	}
	PQclear(result);
	return r;
}

static struct scene_office *office_with(struct scene *scene, int32_t id)
{
	for (size_t i = 0; i < scene->n_offices; i++)
		if (scene->offices[i].id == id)
			return &scene->offices[i];
	return NULL;
}

static struct simulate_clock take_clock(struct row *row)
{
	size_t n, n_values, n_moves;
	const int64_t *froms = row_numbers(row, 3, &n), *values = row_numbers(row, 4, &n_values);
	const int32_t *moves = row_ids(row, 5, &n_moves);
	struct simulate_piece *pieces = arena_get(row->arena, n, sizeof *pieces);

	if (pieces == NULL)
		row->bad = row->no_memory = true;
	if (n != n_values || n != n_moves)
		row->bad = true;
	if (row->bad)
		return (struct simulate_clock){0};
	for (size_t i = 0; i < n; i++)
		pieces[i] = (struct simulate_piece){froms[i], values[i], moves[i] != 0};
	return (struct simulate_clock){pieces, n};
}

static int read_clocks(struct reading *reading)
{
	static const char *const names[] = {
		"office_id", "policy", "urgency", "froms", "vals", "moves", NULL};
	char first[24], last[24];
	const char *values[] = {first, last};
	PGresult *result;
	char *unused;
	int r;

	snprintf(first, sizeof first, "%lld", (long long)reading->scene->first - 2 * DAY);
	snprintf(last, sizeof last, "%lld", (long long)reading->scene->last);
	r = look_query(reading->look, "SELECT * FROM vac_daemon.simulate_clocks($1, $2)", 2, values,
		&result);
	if (r == 0)
		r = begin_rows(reading, result, names, 1, &unused);
	while (r == 0 && row_next(&reading->row)) {
		struct scene_office *office = office_with(reading->scene, row_id(&reading->row, 0));
		int urgency = urgency_of(row_text(&reading->row, 2));
		bool notice = strcmp(row_text(&reading->row, 1), "notice") == 0;
		struct simulate_clock clock = take_clock(&reading->row);

		if (office && urgency >= 0)
			*(notice ? &office->notice[urgency] : &office->due[urgency]) = clock;
		r = check_row(reading);
	}
	PQclear(result);
	return r;
}

int scene_open(struct scene *scene, const struct look *look, const char *start, size_t n_days)
{
	struct reading reading = {.scene = scene, .look = look};
	int r;

	scene->n_days = n_days;
	r = read_start(scene, look, start);
	if (r == 0)
		r = read_policies(&reading);
	if (r == 0)
		r = read_services(&reading);
	if (r == 0)
		r = read_rule_words(&reading);
	if (r != 0)
		return r;
	set_span(scene);
	r = read_offices(&reading);
	if (r == 0)
		r = read_clocks(&reading);
	return r;
}

const struct scene_service *scene_service(const struct scene *scene, const char *code)
{
	for (size_t i = 0; i < scene->n_services; i++)
		if (strcasecmp(scene->services[i].code, code) == 0)
			return &scene->services[i];
	return NULL;
}

size_t scene_office(const struct scene *scene, const char *code)
{
	size_t i = 0;

	while (i < scene->n_offices && strcasecmp(scene->offices[i].code, code) != 0)
		i++;
	return i;
}

void scene_clear(struct scene *scene)
{
	for (size_t i = 0; i < scene->n_groups; i++)
		snapshot_free(scene->groups[i].snapshot);
	arena_clear(&scene->arena);
	words_clear(&scene->words);
	*scene = (struct scene){0};
}
