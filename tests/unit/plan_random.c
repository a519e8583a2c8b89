#include "plan_random.h"

#include <string.h>

#define MONDAY INT64_C(1767571200)
#define HOUR   INT64_C(3600)
#define DAY    INT64_C(86400)
#define HALF   INT64_C(1800)

enum { SERVICE = 1, OTHER_SERVICE, ENGLISH, SPANISH, FEMALE, MALE };
enum { FIRST_PERSON = 10, FIRST_CASE = 100, FIRST_STANDING = 500 };

static int64_t at(int64_t day, int64_t hour)
{
	return MONDAY + day * DAY + hour * HOUR;
}

static uint64_t next_byte(struct random_source *source)
{
	if (source->n == 0)
		return 0;
	source->n--;
	return *source->bytes++;
}

int64_t random_below(struct random_source *source, int64_t n)
{
	uint64_t number;

	if (source->n > 0) {
		number = next_byte(source);
		if (n > 256)
			number = number << 8 | next_byte(source);
	} else if (source->seed != 0) {
		source->seed = source->seed * UINT64_C(6364136223846793005)
			       + UINT64_C(1442695040888963407);
		number = source->seed >> 33;
	} else {
		number = 0;
	}
	return n > 0 ? (int64_t)(number % (uint64_t)n) : 0;
}

#define below(n)       random_below(source, n)
#define one_chance(in) (random_below(source, in) == 0)

/* Spans in a row, some touching, all on half hours. */
static struct span_list some_spans(
	struct random_source *source, struct span *spans, int64_t longest)
{
	int64_t start = at(0, 6) + below(24) * HALF;
	size_t n = 0, most = 1 + (size_t)below(RANDOM_PIECES);

	for (; n < most && start < at(4, 0); n++) {
		spans[n].start = start;
		spans[n].end = start + HALF * (1 + below(longest));
		start = spans[n].end + (below(4) ? below(24) * HALF : 0);
	}
	return (struct span_list){spans, n};
}

static void make_zones(struct random_world *w)
{
	for (int z = 0; z < 2; z++) {
		int64_t offset = -6 * HOUR * z;

		for (int i = 0; i < RANDOM_DAYS; i++) {
			w->day_starts[z][i] = at(i - 1, 0) + offset;
			w->weeks[i] = (i + 5) / 7; /* the third day begins a week */
			w->nights[z][i] = (struct span){at(i - 1, 22) + offset, at(i, 6) + offset};
		}
		w->zones[z] = (struct plan_zone){
			w->day_starts[z], w->weeks, RANDOM_DAYS, {w->nights[z], RANDOM_DAYS}};
	}
	w->input.zones = w->zones;
	w->input.n_zones = 2;
}

static void make_offices(
	struct random_world *w, const struct random_shape *shape, struct random_source *source)
{
	int32_t travel = shape->one_step ? 0 : 30;

	w->backups[0][0] = (struct plan_backup){2, 1, travel};
	w->backups[0][1] = (struct plan_backup){3, 2, 2 * travel};
	w->backups[1][0] = (struct plan_backup){1, 1, travel};
	for (int i = 0; i < 3; i++) {
		struct plan_office *office = &w->offices[i];

		*office = (struct plan_office){.id = i + 1};
		office->backups = i < 2 ? w->backups[i] : NULL;
		office->n_backups = i == 0 ? 2 : i == 1;
		for (int d = 0; d < RANDOM_DAYS; d++) {
			w->hours[i][0][d] = (struct span){at(d, 8), at(d, 20)};
			w->hours[i][1][d] = (struct span){at(d, 8 + below(2)), at(d, 17)};
		}
		office->urgent_hours = (struct span_list){w->hours[i][0], RANDOM_DAYS};
		office->office_hours = (struct span_list){w->hours[i][1], RANDOM_DAYS};
	}
	w->input.offices = w->offices;
	w->input.n_offices = 3;
}

static void make_codes(struct random_world *w, size_t i, struct random_source *source)
{
	struct plan_coordinator *one = &w->people[i];

	w->codes[i][0][0] = OTHER_SERVICE;
	w->codes[i][0][1] = SERVICE;
	w->codes[i][1][0] = SPANISH;
	w->codes[i][1][1] = ENGLISH;
	w->cases[i][0] = FIRST_CASE + below(16);
	w->cases[i][1] = FIRST_CASE + 100;
	one->services = (struct plan_codes){w->codes[i][0], (size_t)(below(6) > 0) + 1};
	one->languages = (struct plan_codes){w->codes[i][1], (size_t)(below(4) > 0) + 1};
	one->open_cases = (struct plan_cases){w->cases[i], (size_t)below(3)};
}

/* Nothing but time is short. */
static void widen(struct plan_coordinator *one)
{
	one->locked = false;
	one->services.n = 2;
	one->languages.n = 2;
	one->max_open_cases = 20;
	one->weekly_minutes = 3000;
	one->meetings_a_day += 4;
	one->rest.n = 0;
}

static void make_person(struct random_world *w, size_t i, const struct random_shape *shape,
	struct random_source *source)
{
	struct plan_coordinator *one = &w->people[i];
	struct span_list none = {0};

	*one = (struct plan_coordinator){
		.id = FIRST_PERSON + (int32_t)i,
		.office = 1 + (int32_t)(i % 3),
		.collateral = below(2),
		.locked = one_chance(12),
		.gender = below(3) ? FEMALE : 0,
		.zone = (size_t)below(2),
		.max_open_cases = 1 + below(5),
		.weekly_minutes = 60 * (1 + below(12)),
		.meetings_a_day = 1 + below(4),
		.load_minutes = below(2000),
		.weekly_shift_minutes = below(2400),
		.regular = some_spans(source, w->spans[i][0], 16),
	};
	one->on_call = below(2) ? none : some_spans(source, w->spans[i][1], 16);
	one->leave = below(3) ? none : some_spans(source, w->spans[i][2], 8);
	one->rest = below(4) ? none : some_spans(source, w->spans[i][3], 6);
	make_codes(w, i, source);
	if (shape->pressed)
		widen(one);
}

/* What would be in the way of moving is left out. */
static void press(struct plan_request *r, struct random_source *source)
{
	r->interpreter = true;
	r->gender_required = false;
	r->barred.n = r->conflicts.n = 0;
	r->earliest = at(0, 6) + below(48) * 600;
	r->latest = at(5, 0);
	r->due = r->earliest + below(r->urgency == PLAN_ROUTINE ? 48 : 4) * HOUR;
}

static struct plan_request make_request(struct random_world *w, size_t i,
	const struct random_shape *shape, struct random_source *source)
{
	int64_t earliest = at(0, 6) + below(240) * 600, people = (int64_t)w->input.n_coordinators;
	struct plan_request r = {
		.id = 1 + (int64_t)i,
		.case_id = FIRST_CASE + (shape->one_step ? 200 + (int64_t)i : below(8)),
		.office = (int32_t)(1 + below(3)),
		.urgency = (enum plan_urgency)(shape->one_step ? 1 + below(2) : below(3)),
		.telephone = below(2),
		.interpreter = below(2),
		.service = SERVICE,
		.language = ENGLISH,
		.gender = below(3) ? 0 : FEMALE,
		.minutes = shape->one_step ? w->input.policy.grid_seconds / 60
					   : 30 * (1 + below(4)),
		.buffer_minutes = shape->one_step ? 0 : 15 * below(3),
		.load_percent = shape->one_step ? 100 : 50 * below(5),
		.earliest = earliest,
		.latest = earliest + below(72) * HOUR,
		.due = earliest + below(40) * HOUR,
		.preferred = below(3) ? 0 : FIRST_PERSON + (int32_t)below(people),
		.responsible = below(4) ? 0 : FIRST_PERSON + (int32_t)below(people),
	};

	if (!shape->one_step && one_chance(4)) {
		r.minutes = 5 * (3 + below(20));
		r.load_percent = below(250);
	}
	if (one_chance(3))
		r.due += below(600);
	r.gender_required = r.gender && one_chance(3);
	for (int j = 0; j < 3; j++)
		w->ids[i][j][0] = FIRST_PERSON + (int32_t)below(people);
	r.met = (struct plan_people){w->ids[i][0], one_chance(6)};
	r.barred = (struct plan_people){w->ids[i][1], one_chance(6)};
	r.conflicts = (struct plan_people){w->ids[i][2], one_chance(6)};
	if (shape->pressed)
		press(&r, source);
	return r;
}

static bool is_free(const struct random_world *w, const struct plan_appointment *row)
{
	for (size_t i = 0; i < w->input.n_appointments; i++)
		if (w->meetings[i].coordinator == row->coordinator
			&& span_overlaps(w->meetings[i].busy, row->busy))
			return false;
	return true;
}

/* The request of an appointment that stands where it might have been planned. */
static void make_movable(struct random_world *w, struct plan_appointment *row,
	const struct random_shape *shape, struct random_source *source)
{
	size_t n = w->input.n_standing++;
	struct plan_coordinator *person = &w->people[row->coordinator - FIRST_PERSON];
	struct plan_request r = make_request(w, RANDOM_REQUESTS + n, shape, source);

	r.id = FIRST_STANDING + (int64_t)n;
	r.case_id = row->case_id;
	r.office = person->office;
	r.urgency = (enum plan_urgency)(1 + below(2));
	r.minutes = (row->meeting.end - row->meeting.start) / 60;
	r.earliest = w->input.now + below(12) * HOUR;
	r.latest = at(5, 0);
	r.due = row->meeting.start + (below(shape->pressed && one_chance(2) ? 96 : 8) - 2) * HOUR;
	w->standing[n] = r;
	row->request = r.id;
	row->accepted = below(2);
	w->cases[row->coordinator - FIRST_PERSON][person->open_cases.n] = row->case_id;
	person->open_cases.n++;
}

static void make_meeting(
	struct random_world *w, const struct random_shape *shape, struct random_source *source)
{
	size_t n = w->input.n_appointments, people = w->input.n_coordinators;
	int64_t start = at(0, 7) + below(shape->pressed ? 100 : 160) * HALF;
	int64_t end = start + HALF * (1 + below(4));
	struct plan_appointment row = {
		.coordinator = FIRST_PERSON + (int32_t)below((int64_t)people + 1),
		.case_id = FIRST_CASE + below(10),
		.meeting = {start, end},
		.busy = {start, end},
		.counted_minutes = below(120),
		.id = 1 + (int64_t)n,
	};
	size_t cases = w->people[row.coordinator - FIRST_PERSON].open_cases.n;

	if (!shape->one_step) {
		row.busy.start -= HALF * below(2);
		row.busy.end += HALF * below(2);
	} else {
		row.case_id += 100; /* a case of nobody's request */
	}
	if (!(shape->unruly && one_chance(8)) && !is_free(w, &row))
		return;
	if (shape->may_move && (size_t)(row.coordinator - FIRST_PERSON) < people
		&& cases < RANDOM_CASES && below(3))
		make_movable(w, &row, shape, source);
	w->meetings[w->input.n_appointments++] = row;
}

static void make_policy(
	struct plan_policy *policy, const struct random_shape *shape, struct random_source *source)
{
	for (int i = 0; i < PLAN_TERMS; i++) {
		int64_t most = i == PLAN_WAIT ? 20 : i == PLAN_LOAD ? 200 : 1000;

		for (int j = 0; j < PLAN_URGENCIES; j++)
			policy->weight[i][j] = below(5) ? below(most) : 0;
	}
	policy->weight_move_accepted = below(1000);
	policy->grid_seconds = below(2) ? 900 : 1800;
	policy->rest_minutes = 600;
	policy->move_chain = shape->unruly ? below(PLAN_MOST_CHAIN + 1) : 1 + below(3);
	policy->moved_by[PLAN_URGENT] = 1 << PLAN_IMMEDIATE;
	policy->moved_by[PLAN_ROUTINE] = 1 << PLAN_IMMEDIATE | 1 << PLAN_URGENT;
	for (int i = 0; shape->unruly && one_chance(3) && i < PLAN_URGENCIES; i++)
		policy->moved_by[i] = (unsigned)below(8);
	policy->steps = shape->steps;
}

void random_make(
	struct random_world *w, const struct random_shape *shape, struct random_source *source)
{
	struct plan_input *input = &w->input;

	memset(w, 0, sizeof *w);
	make_policy(&input->policy, shape, source);
	input->now = at(0, 6) + below(7200);
	make_zones(w);
	make_offices(w, shape, source);
	input->n_coordinators = shape->people;
	for (size_t i = 0; i <= input->n_coordinators; i++)
		make_person(w, i, shape, source);
	for (size_t i = 0; i < shape->meetings; i++)
		make_meeting(w, shape, source);
	input->n_requests = shape->requests;
	for (size_t i = 0; i < input->n_requests; i++)
		w->requests[i] = make_request(w, i, shape, source);
	input->coordinators = w->people;
	input->appointments = w->meetings;
	input->requests = w->requests;
	input->standing = w->standing;
}

static void swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

static void shuffle(struct random_source *source, void *rows, size_t n, size_t size)
{
	for (size_t i = n; i > 1; i--)
		swap((char *)rows + (i - 1) * size, (char *)rows + (size_t)below((int64_t)i) * size,
			size);
}

void random_shuffle(struct random_world *w, struct random_source *source)
{
	const struct plan_input *input = &w->input;

	shuffle(source, w->people, input->n_coordinators, sizeof *w->people);
	shuffle(source, w->meetings, input->n_appointments, sizeof *w->meetings);
	shuffle(source, w->requests, input->n_requests, sizeof *w->requests);
	shuffle(source, w->standing, input->n_standing, sizeof *w->standing);
	shuffle(source, w->offices, input->n_offices, sizeof *w->offices);
}
