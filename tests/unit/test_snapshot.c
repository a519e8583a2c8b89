#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <cmocka.h>

#include "dispatch/rows.h"
#include "dispatch/split.h"
#include "log.h"
#include "plan.h"
#include "snapshot_world.h"

/* ---- rows ------------------------------------------------------------------------------------ */

struct fixture {
	struct arena arena;
	struct words words;
	PGresult *result;
	struct row row;
};

static void open_one(struct fixture *f, const char *value)
{
	static const char *const names[] = {"x", NULL};

	*f = (struct fixture){0};
	f->result = make_result(names, 1, &value);
	assert_true(row_open(&f->row, f->result, names, &f->arena, &f->words));
	assert_true(row_next(&f->row));
}

static void close_one(struct fixture *f)
{
	assert_false(row_next(&f->row));
	PQclear(f->result);
	arena_clear(&f->arena);
	words_clear(&f->words);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool bad;
		int64_t number;
	} table[] = {
		{"0", false, 0},
		{"-17", false, -17},
		{"9223372036854775807", false, INT64_MAX},
		{"9223372036854775808", true, 0},
		{"12x", true, 0},
		{"", true, 0},
		{NULL, true, 0},
		{"NaN", true, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct fixture f;

		open_one(&f, table[i].text);
		assert_int_equal(row_number(&f.row, 0), table[i].number);
		assert_int_equal(f.row.bad, table[i].bad);
		close_one(&f);
	}
}

static void test_ids(void **state)
{
	struct fixture f;

	(void)state;
	open_one(&f, "2147483648");
	assert_int_equal(row_id(&f.row, 0), 0);
	assert_true(f.row.bad);
	assert_string_equal(f.row.problem, "x");
	close_one(&f);
	open_one(&f, NULL);
	assert_int_equal(row_id_or_none(&f.row, 0), 0);
	assert_int_equal(row_number_or(&f.row, 0, 7), 7);
	assert_int_equal(row_word_or_none(&f.row, 0), 0);
	assert_false(f.row.bad);
	close_one(&f);
}

static void test_arrays_of_numbers(void **state)
{
	static const struct {
		const char *text;
		bool bad;
		size_t n;
		int64_t last;
	} table[] = {
		{"{}", false, 0, 0},
		{"{1}", false, 1, 1},
		{"{1,-2,30000000000}", false, 3, 30000000000},
		{"{1,NULL}", true, 0, 0},
		{"{1,2", true, 2, 2},
		{"{1,2}x", true, 2, 2},
		{"{1,,2}", true, 0, 0},
		{"1,2}", true, 0, 0},
		{"{", true, 0, 0},
		{"{{1},{2}}", true, 0, 0},
		{"{99999999999999999999}", true, 0, 0},
		{"", true, 0, 0},
		{NULL, true, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct fixture f;
		size_t n;
		const int64_t *numbers;

		open_one(&f, table[i].text);
		numbers = row_numbers(&f.row, 0, &n);
		assert_int_equal(f.row.bad, table[i].bad);
		assert_int_equal(n, table[i].n);
		if (n > 0)
			assert_true(numbers[n - 1] == table[i].last);
		close_one(&f);
	}
}

static void test_arrays_of_words(void **state)
{
	static const struct {
		const char *text;
		bool bad;
		size_t n;
		const char *last;
	} table[] = {
		{"{}", false, 0, ""},
		{"{en}", false, 1, "en"},
		{"{en,es-MX}", false, 2, "es-MX"},
		{"{\"a,b\",\"q\\\"x\\\\\"}", false, 2, "q\"x\\"},
		{"{\"\"}", false, 1, ""},
		{"{\"NULL\"}", false, 1, "NULL"},
		{"{en,NULL}", true, 2, "NULL"},
		{"{\"en}", true, 0, ""},
		{"{en", true, 0, ""},
		{"{{en}}", true, 0, ""},
		{"en", true, 0, ""},
		{"", true, 0, ""},
		{NULL, true, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct fixture f;
		size_t n;
		const int32_t *codes;

		open_one(&f, table[i].text);
		codes = row_words(&f.row, 0, &n);
		if (f.row.bad != table[i].bad || n != table[i].n)
			fail_msg("%s: bad=%d n=%zu", table[i].text ? table[i].text : "NULL",
				f.row.bad, n);
		if (n > 0)
			assert_string_equal(f.words.texts[codes[n - 1] - 1], table[i].last);
		close_one(&f);
	}
}

static void test_spans(void **state)
{
	struct fixture f;
	struct span_list list;

	(void)state;
	open_one(&f, "{1,2,5,9}");
	list = row_spans(&f.row, 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.spans[1].start, 5);
	assert_int_equal(list.spans[1].end, 9);
	assert_false(f.row.bad);
	close_one(&f);
	open_one(&f, "{1,2,5}");
	list = row_spans(&f.row, 0);
	assert_int_equal(list.n, 1);
	assert_true(f.row.bad);
	close_one(&f);
}

static void test_large_memory(void **state)
{
	struct arena arena = {0};
	char *a = arena_get(&arena, 1000000, 1), *b = arena_get(&arena, 1, 1);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	memset(a, 1, 1000000);
	assert_int_equal(*b, 0);
	assert_int_equal((uintptr_t)b % 16, 0);
	assert_null(arena_get(&arena, SIZE_MAX, 16));
	assert_non_null(arena_get(&arena, 0, 16));
	arena_clear(&arena);
}

/* ---- snapshot -------------------------------------------------------------------------------- */

/* One value of one part changed; row < 0: none. */
static int take_part(
	struct snapshot *snapshot, enum snapshot_part part, int row, int column, const char *value)
{
	struct part copy = good[part];
	PGresult *result;
	int width = 0, r;

	while (copy.names[width])
		width++;
	if (row >= 0)
		copy.values[row * width + column] = value;
	result = make_result(copy.names, copy.n, copy.values);
	r = snapshot_take(snapshot, part, result);
	PQclear(result);
	return r;
}

static const struct plan_input *take_all(
	struct snapshot *snapshot, enum snapshot_part odd, int row, int column, const char *value)
{
	for (int i = 0; i < SNAPSHOT_PARTS; i++)
		assert_int_equal(take_part(snapshot, (enum snapshot_part)i,
					 i == (int)odd ? row : -1, column, value),
			0);
	return snapshot_finish(snapshot, NULL, 0);
}

static void test_all_parts(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	const struct plan_input *input = take_all(snapshot, SNAPSHOT_BEGIN, -1, 0, NULL);
	const struct plan_coordinator *one = input->coordinators;
	const struct plan_request *request = input->requests;
	struct plan *plan = NULL;
	char error[200] = "";

	(void)state;
	assert_int_equal(input->now, 1000);
	assert_int_equal(input->policy.grid_seconds, 900);
	assert_int_equal(input->policy.rest_minutes, 600);
	assert_int_equal(input->policy.weight[PLAN_WAIT][PLAN_URGENT], 4);
	assert_int_equal(input->policy.weight[PLAN_WAIT][PLAN_ROUTINE], 1);
	assert_int_equal(input->n_offices, 2);
	assert_int_equal(input->offices[0].backups[0].travel_minutes, 90);
	assert_int_equal(input->offices[0].urgent_hours.spans[0].end, 80000);
	assert_int_equal(input->offices[0].office_hours.spans[0].end, 70000);
	assert_true(one->collateral);
	assert_int_equal(one->languages.n, 2);
	assert_int_equal(one->languages.codes[1], request->language);
	assert_int_equal(one->services.codes[0], request->service);
	assert_int_equal(one->open_cases.ids[1], 8);
	assert_int_equal(request->urgency, PLAN_URGENT);
	assert_int_equal(request->responsible, 11);
	assert_int_equal(request->preferred, 0);
	assert_int_equal(request->conflicts.ids[1], 14);
	assert_int_equal(snapshot_n_asked(snapshot), 1);
	assert_int_equal(plan_make(input, &plan, error, sizeof error), 0);
	assert_int_equal(plan->decisions[0].chosen.meeting.start, 9000);
	plan_free(plan);
	snapshot_free(snapshot);
}

static void test_what_may_be_moved(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	const struct plan_input *input = take_all(snapshot, SNAPSHOT_BEGIN, -1, 0, NULL);
	const struct plan_policy *policy = &input->policy;

	(void)state;
	assert_int_equal(policy->weight[PLAN_MOVE][PLAN_ROUTINE], 240);
	assert_int_equal(policy->weight_move_accepted, 720);
	assert_int_equal(policy->move_chain, 2);
	assert_int_equal(policy->steps, 5000);
	assert_int_equal(policy->moved_by[PLAN_IMMEDIATE], 0);
	assert_int_equal(policy->moved_by[PLAN_URGENT], 1 << PLAN_IMMEDIATE);
	assert_int_equal(policy->moved_by[PLAN_ROUTINE], 1 << PLAN_IMMEDIATE | 1 << PLAN_URGENT);
	assert_int_equal(input->appointments[0].id, 1);
	assert_int_equal(input->appointments[0].request, 6);
	assert_true(input->appointments[0].accepted);
	assert_int_equal(input->n_standing, 1);
	assert_int_equal(input->standing[0].id, 6);
	assert_int_equal(input->standing[0].case_id, 7);
	assert_int_equal(input->standing[0].urgency, PLAN_ROUTINE);
	assert_int_equal(input->standing[0].due, 30000);
	snapshot_free(snapshot);
}

/* Twice the same appointment: it can be moved once. */
static void test_an_appointment_twice(void **state)
{
	struct snapshot *snapshot = snapshot_new();
	struct part twice = good[SNAPSHOT_STANDING];
	PGresult *result;

	(void)state;
	for (int i = 0; i < 23; i++)
		twice.values[23 + i] = twice.values[i];
	result = make_result(twice.names, 2, twice.values);
	for (int i = 0; i < SNAPSHOT_STANDING; i++)
		assert_int_equal(take_part(snapshot, (enum snapshot_part)i, -1, 0, NULL), 0);
	assert_int_equal(snapshot_take(snapshot, SNAPSHOT_STANDING, result), 0);
	assert_int_equal(snapshot_finish(snapshot, NULL, 0)->n_standing, 1);
	PQclear(result);
	snapshot_free(snapshot);
}

/* A row with something absurd in it is left out, and what stays can be planned. */
static void test_bad_rows_are_left_out(void **state)
{
	static const struct {
		enum snapshot_part part;
		int row, column;
		const char *value;
		size_t requests, coordinators, appointments, standing;
	} table[] = {
		{SNAPSHOT_REQUESTS, 0, 3, "soon", 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 3, NULL, 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 2, "77", 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 8, "-60", 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 8, "9223372036854775807", 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 11, "-9223372036854775808", 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 12, NULL, 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 19, "{12,NULL}", 0, 1, 1, 1},
		{SNAPSHOT_REQUESTS, 0, 20, "{3000000000}", 0, 1, 1, 1},
		{SNAPSHOT_COORDINATORS, 0, 4, "Mars/Olympus", 1, 0, 1, 0},
		{SNAPSHOT_COORDINATORS, 0, 7, NULL, 1, 0, 1, 0},
		{SNAPSHOT_COORDINATORS, 0, 11, "-1", 1, 0, 1, 0},
		{SNAPSHOT_COORDINATORS, 0, 13, "{40000,0}", 1, 0, 1, 0},
		{SNAPSHOT_COORDINATORS, 0, 13, "{0,40000,5}", 1, 0, 1, 0},
		{SNAPSHOT_COORDINATORS, 0, 13, "{0,infinity}", 1, 0, 1, 0},
		{SNAPSHOT_BUSY, 0, 4, "3600", 1, 1, 0, 0},
		{SNAPSHOT_BUSY, 0, 5, NULL, 1, 1, 0, 0},
		{SNAPSHOT_ZONES, 0, 1, "{}", 1, 0, 1, 0},
		{SNAPSHOT_ZONES, 0, 2, "{}", 1, 0, 1, 0},
		{SNAPSHOT_OFFICES, 0, 3, "{1,2}", 0, 1, 1, 0},
		{SNAPSHOT_OFFICES, 0, 4, "{-5}", 0, 1, 1, 0},
		{SNAPSHOT_OFFICES, 0, 7, NULL, 0, 1, 1, 0},
		{SNAPSHOT_POLICY, 0, 2, NULL, 1, 1, 1, 1},
		{SNAPSHOT_POLICY, 0, 1, "whenever", 1, 1, 1, 1},
		{SNAPSHOT_POLICY, 0, 0, NULL, 1, 1, 1, 1},
		{SNAPSHOT_STANDING, 0, 0, "2", 1, 1, 1, 0},
		{SNAPSHOT_STANDING, 0, 0, NULL, 1, 1, 1, 0},
		{SNAPSHOT_STANDING, 0, 1, NULL, 1, 1, 1, 0},
		{SNAPSHOT_STANDING, 0, 4, "77", 1, 1, 1, 0},
		{SNAPSHOT_STANDING, 0, 5, "soon", 1, 1, 1, 0},
		{SNAPSHOT_STANDING, 0, 15, NULL, 1, 1, 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct snapshot *snapshot = snapshot_new();
		const struct plan_input *input = take_all(
			snapshot, table[i].part, table[i].row, table[i].column, table[i].value);
		struct plan *plan = NULL;
		char error[200] = "";

		assert_int_equal(input->n_requests, table[i].requests);
		assert_int_equal(input->n_coordinators, table[i].coordinators);
		assert_int_equal(input->n_appointments, table[i].appointments);
		assert_int_equal(input->n_standing, table[i].standing);
		if (input->n_appointments > 0)
			assert_int_equal(input->appointments[0].request, table[i].standing ? 6 : 0);
		assert_int_equal(snapshot_n_asked(snapshot), 1);
		assert_int_equal(plan_make(input, &plan, error, sizeof error), 0);
		plan_free(plan);
		snapshot_free(snapshot);
	}
}

static void test_what_cannot_be_read(void **state)
{
	static const char *const names[] = {"something", NULL};
	struct snapshot *snapshot = snapshot_new();
	PGresult *other = make_result(names, 0, NULL);

	(void)state;
	assert_int_equal(take_part(snapshot, SNAPSHOT_BEGIN, 0, 0, "f"), SNAPSHOT_CLOSED);
	assert_int_equal(take_part(snapshot, SNAPSHOT_BEGIN, 0, 1, NULL), SNAPSHOT_INVALID);
	for (int i = 0; i < SNAPSHOT_PARTS; i++)
		assert_int_equal(
			snapshot_take(snapshot, (enum snapshot_part)i, other), SNAPSHOT_INVALID);
	PQclear(other);
	snapshot_free(snapshot);
}

static void test_locked_are_marked(void **state)
{
	static const int32_t locked[] = {99, 11};
	struct snapshot *snapshot = snapshot_new();
	const struct plan_input *input;

	(void)state;
	assert_false(take_all(snapshot, SNAPSHOT_BEGIN, -1, 0, NULL)->coordinators[0].locked);
	input = snapshot_finish(snapshot, locked, 2);
	assert_true(input->coordinators[0].locked);
	/* What they have stays where it is. */
	assert_int_equal(input->n_standing, 0);
	assert_int_equal(input->appointments[0].request, 0);
	snapshot_free(snapshot);
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* Office 2 is of this group, and its ranks are these. */
static const struct plan_input *take_second_office(struct snapshot *snapshot, const char *group,
	const char *ranks, enum snapshot_part odd, int column)
{
	struct part offices = good[SNAPSHOT_OFFICES];
	PGresult *result;

	offices.values[8 + 7] = group;
	offices.values[8 + 3] = ranks;
	result = make_result(offices.names, offices.n, offices.values);
	for (int i = 0; i < SNAPSHOT_PARTS; i++)
		if (i == SNAPSHOT_OFFICES)
			assert_int_equal(snapshot_take(snapshot, SNAPSHOT_OFFICES, result), 0);
		else
			assert_int_equal(take_part(snapshot, (enum snapshot_part)i,
						 i == (int)odd ? 0 : -1, column, "2"),
				0);
	PQclear(result);
	return snapshot_finish(snapshot, NULL, 0);
}

/* What stands for another group's office by now stays where it is. */
static void test_moved_within_a_group_only(void **state)
{
	static const char *const groups[] = {"1", "2"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct snapshot *snapshot = snapshot_new();
		const struct plan_input *input = take_second_office(
			snapshot, groups[i], "{}", SNAPSHOT_STANDING, 4);

		assert_int_equal(input->n_standing, i == 0);
		assert_int_equal(input->appointments[0].request, i == 0 ? 6 : 0);
		snapshot_free(snapshot);
	}
}

/* Those of an office that was left out are still their group's. */
static void test_people_go_with_their_group(void **state)
{
	static const char *const groups[] = {"1", "2"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct snapshot *snapshot = snapshot_new();
		const struct plan_input *input = take_second_office(
			snapshot, groups[i], "{1}", SNAPSHOT_COORDINATORS, 1);
		struct share *shares;
		size_t n;

		assert_int_equal(input->n_offices, 1);
		assert_int_equal(input->n_coordinators, 1);
		assert_int_equal(snapshot_split(snapshot, &shares, &n), 0);
		assert_int_equal(n, 1);
		assert_int_equal(shares[0].group, 1);
		assert_int_equal(shares[0].input.n_requests, 1);
		assert_int_equal(shares[0].input.n_coordinators, i == 0);
		assert_int_equal(shares[0].input.n_appointments, i == 0);
		snapshot_free(snapshot);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_arrays_of_numbers),
		cmocka_unit_test(test_arrays_of_words),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_large_memory),
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_what_may_be_moved),
		cmocka_unit_test(test_an_appointment_twice),
		cmocka_unit_test(test_bad_rows_are_left_out),
		cmocka_unit_test(test_what_cannot_be_read),
		cmocka_unit_test(test_locked_are_marked),
		cmocka_unit_test(test_moved_within_a_group_only),
		cmocka_unit_test(test_people_go_with_their_group),
	};

	log_set_level(LOG_CRIT); /* what is left out is said in the log */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
