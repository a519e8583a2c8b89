#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch/snapshot.h"
#include "look.h"
#include "scene.h"

#define DAY INT64_C(86400)

struct numbers {
	char group[16], first[24], last[24];
};

/* ---- groups ---- */

static struct scene_group *group_with(struct scene *scene, int32_t id)
{
	for (size_t i = 0; i < scene->n_groups; i++)
		if (scene->groups[i].id == id)
			return &scene->groups[i];
	return NULL;
}

static int make_groups(struct scene *scene)
{
	scene->groups = arena_get(&scene->arena, scene->n_offices, sizeof *scene->groups);
	if (scene->groups == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < scene->n_offices; i++)
		if (group_with(scene, scene->offices[i].group) == NULL)
			scene->groups[scene->n_groups++].id = scene->offices[i].group;
	return 0;
}

static int read_snapshot(const struct scene *scene, const struct look *look,
	struct scene_group *group, const char *languages)
{
	struct numbers n;
	const char *values[] = {n.group, n.first, n.last, languages};

	snprintf(n.group, sizeof n.group, "%d", (int)group->id);
	snprintf(n.first, sizeof n.first, "%lld", (long long)scene->first - 2 * DAY);
	snprintf(n.last, sizeof n.last, "%lld", (long long)scene->last);
	group->snapshot = snapshot_new();
	if (group->snapshot == NULL)
		return -ENOMEM;
	return look_snapshot(look, "SELECT * FROM vac_daemon.simulate_begin($1, $2, $3, $4)", 4,
		values, LOOK_ROSTER, group->snapshot);
}

/* ---- offices of a group ---- */

static const struct plan_office *office_row(const struct plan_input *input, int32_t id)
{
	for (size_t i = 0; i < input->n_offices; i++)
		if (input->offices[i].id == id)
			return &input->offices[i];
	return NULL;
}

static int take_offices(
	struct scene *scene, struct scene_group *group, const struct plan_input *input)
{
	size_t n = 0;

	group->offices = arena_get(&scene->arena, input->n_offices, sizeof *group->offices);
	group->scene_offices = arena_get(
		&scene->arena, input->n_offices, sizeof *group->scene_offices);
	if (group->offices == NULL || group->scene_offices == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < scene->n_offices; i++) {
		const struct scene_office *office = &scene->offices[i];
		const struct plan_office *row = office->group == group->id
							? office_row(input, office->id)
							: NULL;

		if (row == NULL)
			continue;
		group->offices[n].row = row;
		memcpy(group->offices[n].notice, office->notice, sizeof office->notice);
		memcpy(group->offices[n].due, office->due, sizeof office->due);
		group->scene_offices[n++] = i;
	}
	group->group.offices = group->offices;
	group->group.n_offices = n;
	return 0;
}

/* ---- people ---- */

static int by_id(const void *a, const void *b)
{
	int32_t x = ((const struct plan_coordinator *)a)->id;
	int32_t y = ((const struct plan_coordinator *)b)->id;

	return (x > y) - (x < y);
}

/* The snapshot gives them by id. */
static const struct plan_coordinator *coordinator_row(const struct plan_input *input, int32_t id)
{
	const struct plan_coordinator key = {.id = id};

	return input->n_coordinators == 0
		       ? NULL
		       : bsearch(&key, input->coordinators, input->n_coordinators,
			       sizeof *input->coordinators, by_id);
}

static void take_shifts(struct row *row, struct simulate_person *person)
{
	size_t n, n_minutes;
	const int64_t *froms = row_numbers(row, 2, &n), *minutes = row_numbers(row, 3, &n_minutes);
	struct simulate_shifts *shifts = arena_get(row->arena, n, sizeof *shifts);

	if (shifts == NULL) {
		row->bad = row->no_memory = true;
		return;
	}
	for (size_t i = 0; i < n && i < n_minutes; i++)
		shifts[i] = (struct simulate_shifts){froms[i], minutes[i]};
	person->shifts = shifts;
	person->n_shifts = n < n_minutes ? n : n_minutes;
}

static int take_person(struct scene_group *group, struct row *row, const struct plan_input *input)
{
	struct simulate_person *person = &group->people[group->group.n_people];

	person->row = coordinator_row(input, row_id(row, 0));
	person->joined = row_number(row, 1);
	take_shifts(row, person);
	if (row->no_memory)
		return -ENOMEM;
	if (!row->bad && person->row)
		group->group.n_people++;
	return 0;
}

static int read_people(struct scene *scene, const struct look *look, struct scene_group *group,
	const struct plan_input *input)
{
	static const char *const names[] = {
		"coordinator_id", "joined", "shift_from", "shift_minutes", NULL};
	char id[16];
	const char *values[] = {id};
	PGresult *result;
	struct row row;
	int r;

	snprintf(id, sizeof id, "%d", (int)group->id);
	r = look_query(look, "SELECT * FROM vac_daemon.simulate_people($1)", 1, values, &result);
	if (r != 0)
		return r;
	group->people = arena_get(&scene->arena, (size_t)PQntuples(result), sizeof *group->people);
	if (group->people == NULL || !row_open(&row, result, names, &scene->arena, &scene->words))
		r = -ENOMEM;
	while (r == 0 && row_next(&row))
		r = take_person(group, &row, input);
	group->group.people = group->people;
	PQclear(result);
	return r;
}

/* ---- one group ---- */

int32_t scene_word(const struct scene_group *group, const char *word)
{
	return snapshot_word(group->snapshot, word);
}

static int64_t buffer_of(const struct scene *scene, enum plan_urgency urgency, bool telephone)
{
	return telephone && urgency != PLAN_IMMEDIATE ? scene->telephone_buffer_minutes
						      : scene->buffer_minutes[urgency];
}

static int read_group(struct scene *scene, const struct look *look, struct scene_group *group,
	const char *languages)
{
	const struct scene_service *follow_up = scene_service(scene, "counseling");
	const struct plan_input *input;
	int r = read_snapshot(scene, look, group, languages);

	if (r != 0)
		return r;
	input = snapshot_finish(group->snapshot, NULL, 0);
	scene->rules.policy = input->policy;
	group->group.zones = input->zones;
	group->group.n_zones = input->n_zones;
	r = take_offices(scene, group, input);
	if (r == 0)
		r = read_people(scene, look, group, input);
	group->group.follow_up = (struct simulate_need){
		.service = scene_word(group, "counseling"),
		.minutes = follow_up ? follow_up->minutes : 60,
		.buffer_minutes = buffer_of(scene, PLAN_ROUTINE, false),
		.load_percent = follow_up ? follow_up->load_percent : 100,
	};
	return r == 0 && group->group.follow_up.service == 0 ? -ENOMEM : r;
}

static char *languages_of(const struct arrivals *arrivals)
{
	const char **list = calloc(arrivals->n_words + 1, sizeof *list);
	char *array = NULL;
	size_t n = 0;

	for (size_t i = 0; list && i < arrivals->n; i++) {
		size_t j = 0;

		while (j < n && list[j] != arrivals->rows[i].language)
			j++;
		if (j == n)
			list[n++] = arrivals->rows[i].language;
	}
	if (list)
		array = look_array(list, n);
	free(list);
	return array;
}

int scene_people(struct scene *scene, const struct look *look, const struct arrivals *arrivals)
{
	char *languages = languages_of(arrivals);
	int r = languages ? make_groups(scene) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < scene->n_groups; i++)
		r = read_group(scene, look, &scene->groups[i], languages);
	free(languages);
	return r;
}

/* ---- cases ---- */

static int make_case(const struct scene *scene, const struct scene_group *group,
	const struct arrival *arrival, size_t office, struct simulate_case *one)
{
	const struct scene_service *service = scene_service(scene, arrival->service);
	int64_t minutes = arrival->minutes;

	if (minutes == 0)
		minutes = arrival->telephone ? scene->telephone_minutes
			  : service          ? service->minutes
					     : 60;
	*one = (struct simulate_case){
		.opened = arrival->opened,
		.office = office,
		.urgency = arrival->urgency,
		.language = scene_word(group, arrival->language),
		.telephone = arrival->telephone,
		.interpreter = arrival->interpreter,
		.need = {.service = scene_word(group, service ? service->code : arrival->service),
			.minutes = minutes,
			.buffer_minutes = buffer_of(scene, arrival->urgency, arrival->telephone),
			.load_percent = service ? service->load_percent : 100},
		.follow_ups = arrival->follow_ups,
		.draw = arrival->draw,
	};
	return one->language == 0 || one->need.service == 0 ? -ENOMEM : 0;
}

int scene_cases(const struct scene *scene, const struct scene_group *group,
	const struct arrivals *arrivals, struct simulate_case **casesp, size_t *np)
{
	/* Which of the group's each of the scene's offices is, one more than that; 0: none. */
	size_t *places = calloc(scene->n_offices + 1, sizeof *places);
	struct simulate_case *cases;
	int r = 0;

	*np = 0;
	if (places == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < group->group.n_offices; i++)
		places[group->scene_offices[i]] = i + 1;
	for (size_t i = 0; i < arrivals->n; i++)
		*np += places[arrivals->rows[i].office] > 0;
	cases = calloc(*np + 1, sizeof *cases);
	if (cases == NULL)
		r = -ENOMEM;
	*np = 0;
	for (size_t i = 0; r == 0 && i < arrivals->n; i++) {
		size_t place = places[arrivals->rows[i].office];

		if (place > 0)
			r = make_case(scene, group, &arrivals->rows[i], place - 1, &cases[(*np)++]);
	}
	free(places);
	*casesp = cases;
	return r;
}
