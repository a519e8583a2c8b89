#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "plan.h"
#include "rows.h"
#include "split.h"

struct snapshot {
	struct arena arena;
	struct words words;
	struct plan_input input;
	struct plan_zone *zones;
	int32_t *zone_names; /* codes, one a zone */
	struct plan_office *offices;
	struct split_home *homes; /* of all offices, also of those left out */
	size_t n_homes;
	struct plan_coordinator *coordinators;
	struct plan_appointment *appointments;
	struct plan_request *requests, *standing;
	size_t n_asked;
};

struct snapshot *snapshot_new(void)
{
	return calloc(1, sizeof(struct snapshot));
}

struct snapshot *snapshot_free(struct snapshot *snapshot)
{
	if (snapshot) {
		arena_clear(&snapshot->arena);
		words_clear(&snapshot->words);
		free(snapshot);
	}
	return NULL;
}

/* Opens a part: its columns, and room for all its rows. */
static int open_part(struct snapshot *snapshot, struct row *row, const PGresult *result,
	const char *const *names, size_t size, void *arrayp)
{
	void *array;

	if (!row_open(row, result, names, &snapshot->arena, &snapshot->words)) {
		log_error("snapshot unreadable", "missing=%s", row->problem);
		return SNAPSHOT_INVALID;
	}
	array = arena_get(&snapshot->arena, (size_t)PQntuples(result), size);
	if (array == NULL)
		return -ENOMEM;
	memcpy(arrayp, &array, sizeof array);
	return 0;
}

/* Whether a row may stay; its first column is its name in the log. */
static bool keep(const struct row *row, const char *kind, const char *problem)
{
	const char *name = PQgetvalue(row->result, row->number, row->columns[0]);

	if (row->bad)
		log_warning("row left out of the plan", "kind=%s row=%s bad=%s", kind, name,
			row->problem ? row->problem : "memory");
	else if (problem)
		log_warning("row left out of the plan", "kind=%s row=%s why=\"%s\"", kind, name,
			problem);
	return !row->bad && problem == NULL;
}

static int end_part(const struct row *row)
{
	return row->no_memory ? -ENOMEM : 0;
}

static int take_begin(struct snapshot *snapshot, const PGresult *result)
{
	static const char *const names[] = {"ok", "now", "grid_seconds", NULL};
	struct row row;

	if (!row_open(&row, result, names, &snapshot->arena, &snapshot->words) || !row_next(&row)) {
		log_error("snapshot unreadable", "part=begin");
		return SNAPSHOT_INVALID;
	}
	if (!row_truth(&row, 0))
		return SNAPSHOT_CLOSED;
	snapshot->input.now = row_number(&row, 1);
	snapshot->input.policy.grid_seconds = row_number(&row, 2);
	if (row.bad)
		log_error("snapshot unreadable", "part=begin bad=%s", row.problem);
	return row.bad ? SNAPSHOT_INVALID : 0;
}

/* -1: of all urgencies. -2: of none. */
static int urgency_of(const char *text)
{
	static const char *const names[PLAN_URGENCIES] = {
		[PLAN_IMMEDIATE] = "immediate",
		[PLAN_URGENT] = "urgent",
		[PLAN_ROUTINE] = "routine",
	};

	if (text == NULL)
		return -1;
	for (int i = 0; i < PLAN_URGENCIES; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	return -2;
}

static void set_weight(struct plan_policy *policy, const char *name, int urgency, int64_t value)
{
	for (int i = 0; i < PLAN_TERMS; i++) {
		if (strcmp(name, plan_term_name((enum plan_term)i)) != 0)
			continue;
		for (int j = 0; j < PLAN_URGENCIES; j++)
			if (urgency == -1 || urgency == j)
				policy->weight[i][j] = value;
	}
}

static void set_policy(struct plan_policy *policy, const char *name, int urgency, int64_t value)
{
	if (strcmp(name, "weight_move_accepted") == 0)
		policy->weight_move_accepted = value;
	else if (strncmp(name, "weight_", 7) == 0)
		set_weight(policy, name + 7, urgency, value);
	else if (strcmp(name, "rest_minutes") == 0)
		policy->rest_minutes = value;
	else if (strcmp(name, "move_chain") == 0)
		policy->move_chain = value;
	else if (strcmp(name, "plan_steps") == 0)
		policy->steps = value;
	else if (strcmp(name, "may_be_moved") == 0 && urgency >= 0)
		policy->moved_by[urgency] = (unsigned)value;
}

/* General rows first, so that an urgency's own row wins in whatever order they come. */
static int take_policy(struct snapshot *snapshot, const PGresult *result)
{
	static const char *const names[] = {"name", "urgency", "value", NULL};
	struct row row;

	for (int pass = 0; pass < 2; pass++) {
		if (!row_open(&row, result, names, &snapshot->arena, &snapshot->words)) {
			log_error("snapshot unreadable", "missing=%s", row.problem);
			return SNAPSHOT_INVALID;
		}
		while (row_next(&row)) {
			bool general = PQgetisnull(result, row.number, row.columns[1]);
			const char *name = row_text(&row, 0);
			int urgency = urgency_of(general ? NULL : row_text(&row, 1));
			int64_t value = row_number(&row, 2);

			if (general != (pass == 0) || !keep(&row, "policy", NULL))
				continue;
			set_policy(&snapshot->input.policy, name, urgency, value);
		}
	}
	return 0;
}

static int take_zones(struct snapshot *snapshot, const PGresult *result)
{
	static const char *const names[] = {"zone", "day_starts", "week_numbers", "nights", NULL};
	struct row row;
	int r = open_part(snapshot, &row, result, names, sizeof *snapshot->zones, &snapshot->zones);

	if (r != 0)
		return r;
	snapshot->zone_names = arena_get(
		&snapshot->arena, (size_t)PQntuples(result), sizeof(int32_t));
	if (snapshot->zone_names == NULL)
		return -ENOMEM;
	while (row_next(&row)) {
		struct plan_zone *zone = &snapshot->zones[snapshot->input.n_zones];
		int32_t name = row_word(&row, 0);
		size_t n_weeks;

		zone->day_starts = row_numbers(&row, 1, &zone->n_days);
		zone->week_numbers = row_ids(&row, 2, &n_weeks);
		zone->nights = row_spans(&row, 3);
		if (zone->n_days > n_weeks)
			zone->n_days = n_weeks;
		if (!keep(&row, "zone", row.bad ? NULL : plan_check_zone(zone)))
			continue;
		snapshot->zone_names[snapshot->input.n_zones++] = name;
	}
	return end_part(&row);
}

static void take_backups(struct row *row, int first_column, struct plan_office *office)
{
	size_t n, n_ranks, n_travels;
	const int32_t *ids = row_ids(row, first_column, &n);
	const int32_t *ranks = row_ids(row, first_column + 1, &n_ranks);
	const int32_t *travels = row_ids(row, first_column + 2, &n_travels);
	struct plan_backup *backups = arena_get(row->arena, n, sizeof *backups);

	if (backups == NULL) {
		row->bad = row->no_memory = true;
		return;
	}
	if (n_ranks != n || n_travels != n) {
		row->bad = true;
		row->problem = "backups";
		return;
	}
	for (size_t i = 0; i < n; i++)
		backups[i] = (struct plan_backup){ids[i], ranks[i], travels[i]};
	office->backups = backups;
	office->n_backups = n;
}

static int take_offices(struct snapshot *snapshot, const PGresult *result)
{
	static const char *const names[] = {"office_id", "backup_ids", "backup_ranks",
		"travel_minutes", "urgent_hours", "office_hours", "group_id", NULL};
	struct row row;
	int r = open_part(
		snapshot, &row, result, names, sizeof *snapshot->offices, &snapshot->offices);

	if (r != 0)
		return r;
	snapshot->homes = arena_get(
		&snapshot->arena, (size_t)PQntuples(result), sizeof *snapshot->homes);
	if (snapshot->homes == NULL)
		return -ENOMEM;
	while (row_next(&row)) {
		struct plan_office *office = &snapshot->offices[snapshot->input.n_offices];
		int32_t group = row_id(&row, 6);

		office->id = row_id(&row, 0);
		if (!row.bad)
			snapshot->homes[snapshot->n_homes++] = (struct split_home){
				office->id, group};
		take_backups(&row, 1, office);
		office->urgent_hours = row_spans(&row, 4);
		office->office_hours = row_spans(&row, 5);
		if (keep(&row, "office", row.bad ? NULL : plan_check_office(office)))
			snapshot->input.n_offices++;
	}
	return end_part(&row);
}

/* Index of the zone with this name, or one that no zone has. */
static size_t zone_of(const struct snapshot *snapshot, int32_t name)
{
	for (size_t i = 0; i < snapshot->input.n_zones; i++)
		if (snapshot->zone_names[i] == name)
			return i;
	return SIZE_MAX;
}

static void read_coordinator(
	const struct snapshot *snapshot, struct row *row, struct plan_coordinator *one)
{
	int column = 0;

	one->id = row_id(row, column++);
	one->office = row_id(row, column++);
	one->collateral = strcmp(row_text(row, column++), "collateral") == 0;
	one->gender = row_word_or_none(row, column++);
	one->zone = zone_of(snapshot, row_word(row, column++));
	one->services.codes = row_words(row, column++, &one->services.n);
	one->languages.codes = row_words(row, column++, &one->languages.n);
	one->max_open_cases = row_number(row, column++);
	one->weekly_minutes = row_number(row, column++);
	one->meetings_a_day = row_number(row, column++);
	one->open_cases.ids = row_numbers(row, column++, &one->open_cases.n);
	one->load_minutes = row_number(row, column++);
	one->weekly_shift_minutes = row_number(row, column++);
	one->regular = row_spans(row, column++);
	one->on_call = row_spans(row, column++);
	one->leave = row_spans(row, column++);
	one->rest = row_spans(row, column++);
}

static int take_coordinators(struct snapshot *snapshot, const PGresult *result)
{
	static const char *const names[] = {"coordinator_id", "office_id", "duty", "gender", "zone",
		"services", "meets", "max_open_cases", "weekly_minutes", "meetings_a_day",
		"open_case_ids", "load_minutes", "weekly_shift_minutes", "regular", "on_call",
		"leave", "rest", NULL};
	struct row row;
	int r = open_part(snapshot, &row, result, names, sizeof *snapshot->coordinators,
		&snapshot->coordinators);

	while (r == 0 && row_next(&row)) {
		struct plan_coordinator *one =
			&snapshot->coordinators[snapshot->input.n_coordinators];

		read_coordinator(snapshot, &row, one);
		if (keep(&row, "coordinator",
			    row.bad ? NULL : plan_check_coordinator(&snapshot->input, one)))
			snapshot->input.n_coordinators++;
	}
	return r != 0 ? r : end_part(&row);
}

static int by_appointment(const void *a, const void *b)
{
	int64_t x = ((const struct plan_appointment *)a)->id;
	int64_t y = ((const struct plan_appointment *)b)->id;

	return (x > y) - (x < y);
}

static int take_busy(struct snapshot *snapshot, const PGresult *result)
{
	static const char *const names[] = {"appointment_id", "coordinator_id", "case_id", "starts",
		"ends", "busy_starts", "busy_ends", "counted_minutes", NULL};
	struct row row;
	int r = open_part(snapshot, &row, result, names, sizeof *snapshot->appointments,
		&snapshot->appointments);

	while (r == 0 && row_next(&row)) {
		struct plan_appointment *one =
			&snapshot->appointments[snapshot->input.n_appointments];

		one->id = row_number(&row, 0);
		one->coordinator = row_id(&row, 1);
		one->case_id = row_number(&row, 2);
		one->meeting = (struct span){row_number(&row, 3), row_number(&row, 4)};
		one->busy = (struct span){row_number(&row, 5), row_number(&row, 6)};
		one->counted_minutes = row_number(&row, 7);
		if (keep(&row, "appointment", row.bad ? NULL : plan_check_appointment(one)))
			snapshot->input.n_appointments++;
	}
	if (r != 0)
		return r;
	qsort(snapshot->appointments, snapshot->input.n_appointments,
		sizeof *snapshot->appointments, by_appointment);
	return end_part(&row);
}

/* Of requests that stand; those to plan lack the first two. */
static const char *const request_names[] = {"appointment_id", "accepted", "request_id", "case_id",
	"office_id", "urgency", "service", "language", "telephone", "interpreter", "minutes",
	"buffer_minutes", "load_percent", "earliest", "latest", "due", "gender", "gender_required",
	"preferred_id", "responsible_id", "met_ids", "barred_ids", "conflict_ids", NULL};
enum { STANDING_COLUMNS = 2 };

static void read_request(struct row *row, int column, struct plan_request *one)
{
	one->id = row_number(row, column++);
	one->case_id = row_number(row, column++);
	one->office = row_id(row, column++);
	one->urgency = (enum plan_urgency)urgency_of(row_text(row, column++));
	one->service = row_word(row, column++);
	one->language = row_word(row, column++);
	one->telephone = row_truth(row, column++);
	one->interpreter = row_truth(row, column++);
	one->minutes = row_number(row, column++);
	one->buffer_minutes = row_number(row, column++);
	one->load_percent = row_number(row, column++);
	one->earliest = row_number(row, column++);
	one->latest = row_number(row, column++);
	one->due = row_number(row, column++);
	one->gender = row_word_or_none(row, column++);
	one->gender_required = row_truth(row, column++);
	one->preferred = row_id_or_none(row, column++);
	one->responsible = row_id_or_none(row, column++);
	one->met.ids = row_ids(row, column++, &one->met.n);
	one->barred.ids = row_ids(row, column++, &one->barred.n);
	one->conflicts.ids = row_ids(row, column++, &one->conflicts.n);
}

static int take_requests(struct snapshot *snapshot, const PGresult *result)
{
	struct row row;
	int r = open_part(snapshot, &row, result, request_names + STANDING_COLUMNS,
		sizeof *snapshot->requests, &snapshot->requests);

	snapshot->n_asked = (size_t)PQntuples(result);
	while (r == 0 && row_next(&row)) {
		struct plan_request *one = &snapshot->requests[snapshot->input.n_requests];

		read_request(&row, 0, one);
		if (keep(&row, "request",
			    row.bad ? NULL : plan_check_request(&snapshot->input, one)))
			snapshot->input.n_requests++;
	}
	return r != 0 ? r : end_part(&row);
}

static const struct plan_coordinator *find_coordinator(const struct snapshot *snapshot, int32_t id)
{
	for (size_t i = 0; i < snapshot->input.n_coordinators; i++)
		if (snapshot->coordinators[i].id == id)
			return &snapshot->coordinators[i];
	return NULL;
}

static bool is_one_group(const struct snapshot *snapshot, int32_t office, int32_t other)
{
	const struct split_home *a = split_find_home(snapshot->homes, snapshot->n_homes, office);
	const struct split_home *b = split_find_home(snapshot->homes, snapshot->n_homes, other);

	return a && b && a->group == b->group;
}

/* One that may be moved for the office, if its own row and its coordinator's are sound; else NULL. What
 * is another group's case by now stays where it is. */
static struct plan_appointment *find_movable(struct snapshot *snapshot, int64_t id, int32_t office)
{
	const struct plan_appointment key = {.id = id};
	struct plan_appointment *found = bsearch(&key, snapshot->appointments,
		snapshot->input.n_appointments, sizeof key, by_appointment);
	const struct plan_coordinator *one = NULL;

	if (found && found->request == 0)
		one = find_coordinator(snapshot, found->coordinator);
	return one && is_one_group(snapshot, one->office, office) ? found : NULL;
}

static int take_standing(struct snapshot *snapshot, const PGresult *result)
{
	struct row row;
	int r = open_part(snapshot, &row, result, request_names, sizeof *snapshot->standing,
		&snapshot->standing);

	while (r == 0 && row_next(&row)) {
		struct plan_request *one = &snapshot->standing[snapshot->input.n_standing];
		struct plan_appointment *appointment;
		int64_t id = row_number(&row, 0);
		bool accepted = row_truth(&row, 1);

		read_request(&row, STANDING_COLUMNS, one);
		appointment = find_movable(snapshot, id, one->office);
		if (!keep(&row, "standing",
			    row.bad ? NULL : plan_check_request(&snapshot->input, one))
			|| appointment == NULL)
			continue;
		appointment->request = one->id;
		appointment->accepted = accepted;
		snapshot->input.n_standing++;
	}
	return r != 0 ? r : end_part(&row);
}

int snapshot_take(struct snapshot *snapshot, enum snapshot_part part, const PGresult *result)
{
	static int (*const take[SNAPSHOT_PARTS])(struct snapshot *, const PGresult *) = {
		[SNAPSHOT_BEGIN] = take_begin,
		[SNAPSHOT_POLICY] = take_policy,
		[SNAPSHOT_ZONES] = take_zones,
		[SNAPSHOT_OFFICES] = take_offices,
		[SNAPSHOT_COORDINATORS] = take_coordinators,
		[SNAPSHOT_BUSY] = take_busy,
		[SNAPSHOT_REQUESTS] = take_requests,
		[SNAPSHOT_STANDING] = take_standing,
	};
	struct plan_input *input = &snapshot->input;
	int r = take[part](snapshot, result);

	/* Rows are checked against those before them, so each part shows at once. */
	input->zones = snapshot->zones;
	input->offices = snapshot->offices;
	input->coordinators = snapshot->coordinators;
	input->appointments = snapshot->appointments;
	input->requests = snapshot->requests;
	input->standing = snapshot->standing;
	return r;
}

static void forget_standing(struct snapshot *snapshot, int64_t request)
{
	struct plan_request *standing = snapshot->standing;
	size_t n = snapshot->input.n_standing;

	for (size_t i = 0; i < n; i++)
		if (standing[i].id == request) {
			standing[i] = standing[n - 1];
			snapshot->input.n_standing--;
			return;
		}
}

static void lock_coordinator(struct snapshot *snapshot, int32_t id)
{
	struct plan_input *input = &snapshot->input;

	for (size_t i = 0; i < input->n_coordinators; i++)
		if (snapshot->coordinators[i].id == id)
			snapshot->coordinators[i].locked = true;
	for (size_t i = 0; i < input->n_appointments; i++) {
		struct plan_appointment *one = &snapshot->appointments[i];

		if (one->coordinator == id && one->request != 0) {
			forget_standing(snapshot, one->request);
			one->request = 0;
		}
	}
}

const struct plan_input *snapshot_finish(
	struct snapshot *snapshot, const int32_t *locked, size_t n_locked)
{
	for (size_t i = 0; i < n_locked; i++)
		lock_coordinator(snapshot, locked[i]);
	return &snapshot->input;
}

int snapshot_split(struct snapshot *snapshot, struct share **sharesp, size_t *np)
{
	return split_input(&snapshot->input, snapshot->homes, snapshot->n_homes, &snapshot->arena,
		sharesp, np);
}

int32_t snapshot_word(struct snapshot *snapshot, const char *word)
{
	return words_code(&snapshot->words, word);
}

void snapshot_forbid_moves(struct snapshot *snapshot)
{
	snapshot->input.policy.move_chain = 0;
}

size_t snapshot_n_asked(const struct snapshot *snapshot)
{
	return snapshot->n_asked;
}
