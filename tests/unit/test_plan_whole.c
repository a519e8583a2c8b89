#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "plan_world.h"

/* ---- random worlds, against a planner that tries every start of everybody -------------------- */

enum { WORLDS = 400, PEOPLE = 6, MEETINGS = 6, REQUESTS = 9, PIECES = 5 };

struct chance {
	struct plan_input input;
	int64_t day_starts[DAYS];
	int32_t weeks[DAYS];
	struct span nights[DAYS + 1];
	struct plan_zone zone;
	struct plan_backup backups[1];
	struct plan_office offices[3];
	struct span hours[3][2][PIECES];
	struct plan_coordinator people[PEOPLE];
	struct span spans[PEOPLE][4][PIECES];
	int32_t codes[PEOPLE][2][2];
	int64_t cases[PEOPLE][2];
	struct plan_appointment meetings[MEETINGS];
	struct plan_request requests[REQUESTS];
	int32_t ids[REQUESTS][3][1];
};

static uint64_t seed;

static int64_t below(int64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)(seed >> 33) % n;
}

/* Spans in a row, some touching, all on half hours of three days. */
static struct span_list some_spans(struct span *spans, int64_t longest)
{
	int64_t at = AT(0, 0) + below(20) * 1800;
	size_t n = 0, most = (size_t)below(PIECES + 1);

	for (; n < most && at < AT(3, 0); n++) {
		spans[n].start = at;
		spans[n].end = at + 1800 * (1 + below(longest));
		at = spans[n].end + (below(4) ? below(16) * 1800 : 0);
	}
	return (struct span_list){spans, n};
}

static void make_person(struct chance *c, int i)
{
	struct plan_coordinator *one = &c->people[i];

	*one = (struct plan_coordinator){
		.id = 10 + i,
		.office = 1 + i % 3,
		.collateral = below(2),
		.locked = below(12) == 0,
		.gender = below(3) ? FEMALE : 0,
		.services = {c->codes[i][0], (size_t)(below(5) > 0) + 1},
		.languages = {c->codes[i][1], (size_t)(below(4) > 0)},
		.max_open_cases = 1 + below(4),
		.weekly_minutes = 60 * (1 + below(8)),
		.meetings_a_day = 1 + below(3),
		.open_cases = {c->cases[i], (size_t)below(3)},
		.load_minutes = below(2000),
		.weekly_shift_minutes = below(2400),
		.regular = some_spans(c->spans[i][0], 16),
		.on_call = some_spans(c->spans[i][1], 16),
		.leave = below(3) ? (struct span_list){0} : some_spans(c->spans[i][2], 8),
		.rest = below(3) ? (struct span_list){0} : some_spans(c->spans[i][3], 8),
	};
	c->codes[i][0][0] = OTHER_SERVICE;
	c->codes[i][0][1] = SERVICE;
	c->codes[i][1][0] = ENGLISH;
	c->cases[i][0] = 100 + below(6);
	c->cases[i][1] = 200;
}

static void make_meeting(struct chance *c, int i)
{
	int64_t start = AT(0, 6) + below(120) * 1800, end = start + 1800 * (1 + below(4));

	c->meetings[i] = (struct plan_appointment){(int32_t)(10 + below(PEOPLE + 1)),
		100 + below(8), {start, end}, {start - 1800 * below(2), end + 1800 * below(2)},
		below(120)};
}

static void make_request(struct chance *c, int i)
{
	int64_t earliest = AT(0, 0) + below(300) * 600;

	for (int j = 0; j < 3; j++)
		c->ids[i][j][0] = (int32_t)(10 + below(PEOPLE));
	c->requests[i] = (struct plan_request){
		.id = 1 + i,
		.case_id = 100 + below(6),
		.office = (int32_t)(1 + below(3)),
		.urgency = (enum plan_urgency)below(3),
		.telephone = below(2),
		.interpreter = below(2),
		.service = SERVICE,
		.language = ENGLISH,
		.gender = below(3) ? 0 : FEMALE,
		.minutes = 30 * (1 + below(4)),
		.buffer_minutes = 15 * below(3),
		.load_percent = 50 * below(5),
		.earliest = earliest,
		.latest = earliest + below(40) * 3600,
		.due = earliest + below(20) * 3600,
		.preferred = below(3) ? 0 : (int32_t)(10 + below(PEOPLE)),
		.responsible = below(4) ? 0 : (int32_t)(10 + below(PEOPLE)),
		.met = {c->ids[i][0], (size_t)(below(5) == 0)},
		.barred = {c->ids[i][1], (size_t)(below(5) == 0)},
		.conflicts = {c->ids[i][2], (size_t)(below(5) == 0)},
	};
	c->requests[i].gender_required = c->requests[i].gender && below(2);
}

static void make_policy(struct plan_policy *policy)
{
	for (int i = 0; i < PLAN_TERMS; i++)
		for (int j = 0; j < PLAN_URGENCIES; j++)
			policy->weight[i][j] = below(1000);
	policy->grid_seconds = below(2) ? 900 : 1800;
	policy->rest_minutes = 600;
}

static void make_chance(struct chance *c)
{
	memset(c, 0, sizeof *c);
	c->nights[0] = (struct span){AT(-1, 22), AT(0, 6)};
	for (int i = 0; i < DAYS; i++) {
		c->day_starts[i] = AT(i, 0);
		c->weeks[i] = (i + 6) / 7; /* the second day begins a week */
		c->nights[i + 1] = (struct span){AT(i, 22), AT(i + 1, 6)};
	}
	c->zone = (struct plan_zone){c->day_starts, c->weeks, DAYS, {c->nights, DAYS + 1}};
	for (int i = 0; i < 3; i++)
		c->offices[i] = (struct plan_office){i + 1, c->backups, i == 0,
			some_spans(c->hours[i][0], 40), some_spans(c->hours[i][1], 30)};
	c->backups[0] = (struct plan_backup){2, 1, 30};
	for (int i = 0; i < PEOPLE; i++)
		make_person(c, i);
	for (int i = 0; i < MEETINGS; i++)
		make_meeting(c, i);
	for (int i = 0; i < REQUESTS; i++)
		make_request(c, i);
	make_policy(&c->input.policy);
	c->input.now = AT(0, 5) + below(7200);
	c->input.offices = c->offices;
	c->input.n_offices = 3;
	c->input.zones = &c->zone;
	c->input.n_zones = 1;
	c->input.coordinators = c->people;
	c->input.n_coordinators = PEOPLE;
	c->input.appointments = c->meetings;
	c->input.n_appointments = MEETINGS;
	c->input.requests = c->requests;
	c->input.n_requests = REQUESTS;
}

/* What was given so far: the naive planner's whole memory. */
struct given {
	const struct plan_request *request;
	struct plan_choice choice;
};
struct memory {
	const struct chance *c;
	struct given given[REQUESTS];
	size_t n;
};

static bool meets(struct span_list list, struct span span)
{
	for (size_t i = 0; i < list.n; i++)
		if (list.spans[i].start < span.end && span.start < list.spans[i].end)
			return true;
	return false;
}

/* Whether every moment of span lies in one of the lists, walking from span's start. */
static bool is_covered(struct span_list a, struct span_list b, struct span span)
{
	int64_t at = span.start, before;

	do {
		before = at;
		for (size_t i = 0; i < a.n; i++)
			if (a.spans[i].start <= at && at < a.spans[i].end)
				at = a.spans[i].end;
		for (size_t i = 0; i < b.n; i++)
			if (b.spans[i].start <= at && at < b.spans[i].end)
				at = b.spans[i].end;
	} while (at > before && at < span.end);
	return at >= span.end;
}

static bool is_one_of(struct plan_people people, int32_t id)
{
	return people.n == 1 && people.ids[0] == id;
}

static bool has_case(const struct memory *m, const struct plan_coordinator *k, int64_t case_id)
{
	for (size_t i = 0; i < k->open_cases.n; i++)
		if (k->open_cases.ids[i] == case_id)
			return true;
	for (size_t i = 0; i < m->n; i++)
		if (m->given[i].choice.coordinator == k->id
			&& m->given[i].request->case_id == case_id)
			return true;
	return false;
}

static int64_t count_cases(const struct memory *m, const struct plan_coordinator *k)
{
	int64_t n = 0;

	for (int64_t id = 100; id <= 200; id++)
		n += has_case(m, k, id);
	return n;
}

static int64_t day_of(int64_t moment)
{
	return moment < AT(0, 0) ? -1 : (moment - AT(0, 0)) / DAY;
}

static int64_t travel_of(const struct plan_request *r, const struct plan_coordinator *k)
{
	return r->office == k->office || r->telephone ? 0 : 30 * 60;
}

/* Bits: too many cases, minutes a week, meetings a day; in rest. */
static unsigned limits_broken(const struct memory *m, const struct plan_request *r,
	const struct plan_coordinator *k, int64_t start)
{
	int64_t day = day_of(start), week = (day + 6) / 7, meetings = 0;
	int64_t minutes = r->minutes + 2 * travel_of(r, k) / 60;
	bool resting = meets(k->rest, (struct span){start, start + 1});

	for (int i = 0; i < MEETINGS; i++) {
		const struct plan_appointment *a = &m->c->meetings[i];

		if (a->coordinator != k->id || day_of(a->meeting.start) < 0)
			continue;
		meetings += day_of(a->meeting.start) == day;
		if ((day_of(a->meeting.start) + 6) / 7 == week)
			minutes += a->counted_minutes;
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct given *g = &m->given[i];
		struct span night = {AT(0, 0), AT(0, 6)}, meeting = g->choice.meeting;

		if (g->choice.coordinator != k->id)
			continue;
		meetings += day_of(meeting.start) == day;
		if ((day_of(meeting.start) + 6) / 7 == week)
			minutes += g->request->minutes + 2 * travel_of(g->request, k) / 60;
		for (int d = 0; d < 5; d++)
			if (g->request->urgency == PLAN_IMMEDIATE
				&& (span_overlaps(meeting, (struct span){night.start + d * DAY,
								   night.end + d * DAY})
					|| span_overlaps(
						meeting, (struct span){AT(d, 22), AT(d + 1, 0)})))
				resting |= meeting.end <= start && start < meeting.end + 36000;
	}
	return (count_cases(m, k) >= k->max_open_cases && !has_case(m, k, r->case_id))
	       | (minutes > k->weekly_minutes) << 1 | (meetings >= k->meetings_a_day) << 2
	       | resting << 3;
}

static bool person_fits(const struct plan_request *r, const struct plan_coordinator *k)
{
	if (k->office != r->office && !(r->office == 1 && k->office == 2))
		return false;
	if (is_one_of(r->barred, k->id) || is_one_of(r->conflicts, k->id))
		return false;
	if (k->services.n < 2 || (k->languages.n == 0 && !r->interpreter))
		return false;
	if (k->locked && r->urgency != PLAN_ROUTINE)
		return false;
	return !r->gender_required || r->gender == k->gender;
}

static bool is_taken(const struct memory *m, const struct plan_request *r,
	const struct plan_coordinator *k, struct span meeting, struct span busy)
{
	for (int i = 0; i < MEETINGS; i++) {
		const struct plan_appointment *a = &m->c->meetings[i];

		if (a->coordinator == k->id && span_overlaps(a->busy, busy))
			return true;
		if (a->case_id == r->case_id && r->urgency != PLAN_IMMEDIATE
			&& span_overlaps(a->meeting, meeting))
			return true;
	}
	for (size_t i = 0; i < m->n; i++) {
		const struct given *g = &m->given[i];

		if (g->choice.coordinator == k->id && span_overlaps(g->choice.busy, busy))
			return true;
		if (g->request->case_id == r->case_id && r->urgency != PLAN_IMMEDIATE
			&& span_overlaps(g->choice.meeting, meeting))
			return true;
	}
	return false;
}

static bool time_fits(const struct memory *m, const struct plan_request *r,
	const struct plan_coordinator *k, int64_t start, bool on_call)
{
	struct span meeting = {start, start + r->minutes * 60};
	struct span busy = {
		start - travel_of(r, k), meeting.end + r->buffer_minutes * 60 + travel_of(r, k)};
	const struct plan_office *office = &m->c->offices[r->office - 1];
	struct span_list none = {0}, hours = r->urgency == PLAN_URGENT ? office->urgent_hours
								       : office->office_hours;
	bool in_hours = r->urgency == PLAN_IMMEDIATE;

	in_hours |= is_covered(hours, none, meeting);
	return in_hours && start >= m->c->input.now && start >= r->earliest
	       && meeting.end <= r->latest
	       && (on_call ? is_covered(k->regular, k->on_call, meeting)
			   : is_covered(k->regular, none, meeting))
	       && !meets(k->leave, busy) && !is_taken(m, r, k, meeting, busy);
}

static int64_t load_price(const struct plan_coordinator *k, int64_t weight, int64_t load)
{
	int64_t shifts = k->weekly_shift_minutes < 60 ? 60 : k->weekly_shift_minutes;

	return weight * load * load / (48 * shifts);
}

static bool is_stranger(
	const struct memory *m, const struct plan_request *r, const struct plan_coordinator *k)
{
	bool held = false, holds = false;

	if (r->responsible || r->met.n)
		return r->responsible != k->id && !is_one_of(r->met, k->id);
	for (int i = 0; i < MEETINGS; i++)
		if (m->c->meetings[i].case_id == r->case_id) {
			held = true;
			holds |= m->c->meetings[i].coordinator == k->id;
		}
	for (size_t i = 0; i < m->n; i++)
		if (m->given[i].request->case_id == r->case_id) {
			held = true;
			holds |= m->given[i].choice.coordinator == k->id;
		}
	return held && !holds;
}

static int64_t cost_naively(const struct memory *m, const struct plan_request *r,
	const struct plan_coordinator *k, int64_t start, unsigned broken)
{
	const int64_t(*weight)[PLAN_URGENCIES] = m->c->input.policy.weight;
	int64_t load = k->load_minutes, w[PLAN_TERMS];

	for (int i = 0; i < PLAN_TERMS; i++)
		w[i] = weight[i][r->urgency];
	for (size_t i = 0; i < m->n; i++)
		if (m->given[i].choice.coordinator == k->id)
			load += m->given[i].request->minutes * m->given[i].request->load_percent
				/ 100;
	return w[PLAN_WAIT] * ((start - m->c->input.now) / 60) + w[PLAN_COLLATERAL] * k->collateral
	       + w[PLAN_BACKUP] * (k->office != r->office)
	       + w[PLAN_INTERPRETER] * (k->languages.n == 0)
	       + w[PLAN_PREFERENCE]
			 * ((r->gender && r->gender != k->gender)
				 + (r->preferred && r->preferred != k->id))
	       + w[PLAN_CONTINUITY] * is_stranger(m, r, k)
	       + load_price(k, w[PLAN_LOAD], load + r->minutes * r->load_percent / 100)
	       - load_price(k, w[PLAN_LOAD], load) + w[PLAN_OVER_CAP] * __builtin_popcount(broken);
}

struct best {
	bool found;
	int64_t late, cost, start;
};

static struct best best_of(const struct memory *m, const struct plan_request *r,
	const struct plan_coordinator *k, bool on_call)
{
	int64_t step = r->urgency == PLAN_IMMEDIATE ? 60 : m->c->input.policy.grid_seconds;
	struct best best = {0};

	if (!person_fits(r, k))
		return best;
	for (int64_t start = AT(-1, 0); start < AT(6, 0); start += step) {
		unsigned broken;
		int64_t late = start > r->due ? (start - r->due + 59) / 60 : 0, cost;

		if (!time_fits(m, r, k, start, on_call))
			continue;
		broken = limits_broken(m, r, k, start);
		if (broken && r->urgency != PLAN_IMMEDIATE)
			continue;
		cost = cost_naively(m, r, k, start, broken);
		if (!best.found || late < best.late || (late == best.late && cost < best.cost))
			best = (struct best){true, late, cost, start};
	}
	return best;
}

static const struct plan_coordinator *person(const struct chance *c, int32_t id)
{
	return &c->people[id - 10];
}

static bool is_better(const struct best *a, const struct plan_choice *b)
{
	if (a->late != b->late_minutes)
		return a->late < b->late_minutes;
	return a->cost != b->cost ? a->cost < b->cost : a->start < b->meeting.start;
}

static void check_choice(const struct plan_choice *choice, const struct best *best)
{
	int64_t sum = 0;

	assert_true(best->found);
	assert_int_equal(choice->late_minutes, best->late);
	assert_int_equal(choice->cost, best->cost);
	assert_int_equal(choice->meeting.start, best->start);
	for (int i = 0; i < PLAN_TERMS; i++)
		sum += choice->terms[i];
	assert_int_equal(sum, choice->cost);
}

/* Whoever has a start is not ruled out and not better than the chosen; who has none is, with a
 * rule. */
static void check_decision(
	const struct memory *m, const struct plan_request *r, const struct plan_decision *decision)
{
	bool on_call = r->urgency == PLAN_IMMEDIATE, in_time = false;
	struct best best[PEOPLE];

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < PEOPLE; i++) {
			best[i] = best_of(m, r, &m->c->people[i], on_call);
			in_time |= best[i].found && best[i].late == 0;
		}
		if (r->urgency != PLAN_URGENT || in_time)
			break;
		on_call = true;
	}
	for (int i = 0; i < PEOPLE; i++) {
		const struct plan_coordinator *k = &m->c->people[i];
		bool reach = k->office == r->office || (r->office == 1 && k->office == 2);
		enum plan_rule rule = world_rule_of(decision, k->id);

		if (reach)
			assert_int_equal(rule == PLAN_FREE, best[i].found);
		else
			assert_true(rule == PLAN_FREE || rule == PLAN_NOT_BACKUP);
		if (!best[i].found)
			continue;
		assert_true(decision->served);
		assert_false(is_better(&best[i], &decision->chosen));
		if (decision->chosen.coordinator == k->id)
			check_choice(&decision->chosen, &best[i]);
		else if (decision->runner_up.coordinator == k->id)
			check_choice(&decision->runner_up, &best[i]);
		else
			assert_false(is_better(&best[i], &decision->runner_up));
	}
	if (decision->served)
		assert_true(best[decision->chosen.coordinator - 10].found);
}

static void check_plan(const struct chance *c, const struct plan *plan, int64_t *served)
{
	struct memory m = {.c = c};
	int64_t cost = 0;

	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];
		const struct plan_request *r = &c->requests[decision->request - 1];

		check_decision(&m, r, decision);
		if (!decision->served)
			continue;
		assert_int_equal(decision->chosen.busy.start,
			decision->chosen.meeting.start
				- travel_of(r, person(c, decision->chosen.coordinator)));
		cost += decision->chosen.cost;
		m.given[m.n++] = (struct given){r, decision->chosen};
		++*served;
	}
	assert_int_equal(plan->cost, cost);
}

static char *json_of(const struct plan_input *input)
{
	struct plan *plan = NULL;
	char error[200] = "", *text = NULL;

	if (plan_make(input, &plan, error, sizeof error) != 0)
		fail_msg("%s", error);
	assert_int_equal(plan_write_json(plan, 0, plan->n_decisions, &text), 0);
	plan_free(plan);
	return text;
}

static void test_random_worlds(void **state)
{
	int64_t served = 0;

	(void)state;
	for (seed = 1; seed <= WORLDS; seed++) {
		static struct chance c;
		uint64_t own = seed;
		struct plan *plan = NULL;
		char error[200] = "";

		make_chance(&c);
		if (plan_make(&c.input, &plan, error, sizeof error) != 0)
			fail_msg("world %d: %s", (int)own, error);
		check_plan(&c, plan, &served);
		plan_free(plan);
		seed = own;
	}
	/* Neither all nor nobody: else the worlds would show nothing. */
	assert_in_range(served, WORLDS * REQUESTS / 8, WORLDS * REQUESTS * 3 / 4);
}

static void swap(void *array, size_t size, size_t i, size_t j)
{
	char *bytes = array, one[sizeof(struct plan_coordinator) + sizeof(struct plan_request)];

	memcpy(one, bytes + i * size, size);
	memcpy(bytes + i * size, bytes + j * size, size);
	memcpy(bytes + j * size, one, size);
}

static void shuffle(void *array, size_t n, size_t size)
{
	for (size_t i = n; i > 1; i--)
		swap(array, size, i - 1, (size_t)below((int64_t)i));
}

static void test_order_of_rows_is_nothing(void **state)
{
	(void)state;
	for (uint64_t world = 1; world <= 100; world++) {
		static struct chance c;
		char *first, *second, *third;

		seed = world;
		make_chance(&c);
		first = json_of(&c.input);
		second = json_of(&c.input);
		shuffle(c.people, PEOPLE, sizeof *c.people);
		shuffle(c.meetings, MEETINGS, sizeof *c.meetings);
		shuffle(c.requests, REQUESTS, sizeof *c.requests);
		shuffle(c.offices, 3, sizeof *c.offices);
		third = json_of(&c.input);
		assert_string_equal(first, second);
		assert_string_equal(first, third);
		free(first);
		free(second);
		free(third);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_worlds),
		cmocka_unit_test(test_order_of_rows_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
