/* Fairness over time: simulated years of one office. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "simulate_world.h"

enum { YEAR = 364, PEOPLE = 6, JOINS = 182 };

/* Seeds that a year is played with: fewer where every instruction is dear. */
static uint64_t seeds(uint64_t n)
{
	return getenv("VACD_TEST_LOAD") ? 1 : n;
}

static int64_t most_of(const int64_t *numbers, size_t n)
{
	int64_t most = numbers[0];

	for (size_t i = 1; i < n; i++)
		most = numbers[i] > most ? numbers[i] : most;
	return most;
}

static int64_t least_of(const int64_t *numbers, size_t n)
{
	int64_t least = numbers[0];

	for (size_t i = 1; i < n; i++)
		least = numbers[i] < least ? numbers[i] : least;
	return least;
}

/* Weighted minutes of meetings that start in a span, one number a person. */
static void sum_up(const struct world *w, struct span span, int64_t *weighted)
{
	memset(weighted, 0, MOST_PEOPLE * sizeof *weighted);
	for (size_t i = 0; i < w->result.n_meetings; i++) {
		const struct simulate_meeting *one = &w->result.meetings[i];

		if (span.start <= one->meeting.start && one->meeting.start < span.end)
			weighted[one->person] += one->weighted_minutes;
	}
}

/* ---- caps ---- */

/* What a person has in one week and day, and with whom. */
struct load {
	int64_t week_minutes[DAYS / 7 + 2];
	bool called_out_week[DAYS / 7 + 2];
	int meetings[DAYS];
	bool called_out_day[DAYS];
};

static void check_caps(const struct world *w, size_t person)
{
	const struct plan_coordinator *row = &w->rows[person];
	struct load *load = calloc(1, sizeof *load);

	assert_non_null(load);
	for (size_t i = 0; i < w->result.n_meetings; i++) {
		const struct simulate_meeting *one = &w->result.meetings[i];
		int64_t day = (one->meeting.start - MONDAY) / DAY;

		if (one->person != person)
			continue;
		load->week_minutes[day / 7] += one->counted_minutes;
		load->meetings[day]++;
		if (one->urgency == PLAN_IMMEDIATE)
			load->called_out_week[day / 7] = load->called_out_day[day] = true;
		else
			assert_false(one->over_cap);
	}
	for (int day = 0; day < DAYS; day++) {
		assert_true(
			load->called_out_day[day] || load->meetings[day] <= row->meetings_a_day);
		assert_true(load->called_out_week[day / 7]
			    || load->week_minutes[day / 7] <= row->weekly_minutes);
	}
	free(load);
}

/* How many cases the person has open at the moment a meeting of theirs starts: those they hold the
 * first meeting of, until two weeks after the last one. Call-outs come on top. */
static void check_open_cases(const struct world *w, size_t person)
{
	int64_t *last_end = calloc(w->group.n_cases, sizeof *last_end);
	size_t *holder = calloc(w->group.n_cases, sizeof *holder);

	assert_non_null(last_end);
	assert_non_null(holder);
	for (size_t i = 0; i < w->result.n_meetings; i++) {
		const struct simulate_meeting *one = &w->result.meetings[i];
		int64_t open = 0;

		if (one->first && one->urgency != PLAN_IMMEDIATE)
			holder[one->case_index] = one->person + 1;
		last_end[one->case_index] = one->meeting.end;
		if (one->person != person)
			continue;
		for (size_t j = 0; j < w->group.n_cases; j++)
			open += holder[j] == person + 1
				&& last_end[j] + w->rules.open_seconds > one->meeting.start;
		assert_true(open <= w->rows[person].max_open_cases);
	}
	free(last_end);
	free(holder);
}

static void check_nobody_is_in_two_places(const struct world *w)
{
	for (size_t i = 0; i < w->result.n_meetings; i++)
		for (size_t j = i + 1; j < w->result.n_meetings && j < i + 60; j++)
			assert_false(w->result.meetings[i].person == w->result.meetings[j].person
				     && span_overlaps(w->result.meetings[i].meeting,
					     w->result.meetings[j].meeting));
}

/* ---- the years ---- */

/* From 40 hours a year for each on: of fewer, one meeting of two hours is more than a twentieth. */
static void test_most_and_least_loaded_differ_by_less_than_a_tenth(void **state)
{
	static const int64_t rates[] = {500, 1000, 1500, 2500, 4000};

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		for (uint64_t seed = 1; seed <= seeds(6); seed++) {
			struct world *w = world_new(PEOPLE);
			int64_t weighted[MOST_PEOPLE];

			world_draw(w, rates[i], seed, YEAR);
			world_play(w);
			assert_true(w->result.n_meetings > (size_t)rates[i] * 400 / 1000);
			sum_up(w, (struct span){AT(0, 0), AT(DAYS, 0)}, weighted);
			assert_true((most_of(weighted, PEOPLE) - least_of(weighted, PEOPLE)) * 10
				    < most_of(weighted, PEOPLE));
			for (size_t person = 0; person < PEOPLE; person++) {
				check_caps(w, person);
				check_open_cases(w, person);
			}
			check_nobody_is_in_two_places(w);
			world_free(w);
		}
	}
}

/* Half of the meetings weigh double. */
static void test_hours_are_weighted_by_service(void **state)
{
	struct world *w = world_new(PEOPLE);
	int64_t weighted[MOST_PEOPLE], plain = 0, sum = 0;

	(void)state;
	world_draw(w, 2000, 9, YEAR);
	for (size_t i = 0; i < w->group.n_cases; i += 2)
		w->cases[i].need.load_percent = 200;
	world_play(w);
	sum_up(w, (struct span){AT(0, 0), AT(DAYS, 0)}, weighted);
	for (size_t i = 0; i < w->result.n_meetings; i++)
		plain += w->result.meetings[i].counted_minutes;
	for (size_t i = 0; i < PEOPLE; i++)
		sum += weighted[i];
	assert_true(sum > plain * 5 / 4);
	assert_true((most_of(weighted, PEOPLE) - least_of(weighted, PEOPLE)) * 10
		    < most_of(weighted, PEOPLE));
	world_free(w);
}

/* The figures above can fail: whoever is there for half the year has less. */
static void test_unequal_staff_is_seen(void **state)
{
	struct world *w = world_new(PEOPLE);
	int64_t weighted[MOST_PEOPLE];

	(void)state;
	w->rows[0].regular.n /= 2;
	world_draw(w, 2500, 1, YEAR);
	world_play(w);
	sum_up(w, (struct span){AT(0, 0), AT(DAYS, 0)}, weighted);
	assert_true((most_of(weighted, PEOPLE) - least_of(weighted, PEOPLE)) * 10
		    > most_of(weighted, PEOPLE));
	world_free(w);
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Their shifts begin in the middle of the year. */
static void let_join(struct world *w, size_t person)
{
	struct plan_coordinator *row = &w->rows[person];
	size_t first = span_list_seek(row->regular, AT(JOINS, 0));

	row->regular = (struct span_list){row->regular.spans + first, row->regular.n - first};
	first = span_list_seek(row->on_call, AT(JOINS, 12));
	row->on_call = (struct span_list){row->on_call.spans + first, row->on_call.n - first};
	w->people[person].joined = AT(JOINS, 0);
}

/* From a day on the last one has about as much as the others: their first eight weeks and the first
 * quarter, against the median of the others. */
static void check_last_is_not_flooded(const struct world *w, int from)
{
	int64_t weighted[MOST_PEOPLE];

	sum_up(w, (struct span){AT(from, 0), AT(from + 56, 0)}, weighted);
	qsort(weighted, PEOPLE - 1, sizeof *weighted, by_number);
	assert_true(weighted[PEOPLE - 1] * 5 <= weighted[(PEOPLE - 1) / 2] * 6);
	assert_true(weighted[PEOPLE - 1] * 5 >= weighted[(PEOPLE - 1) / 2] * 4);
	sum_up(w, (struct span){AT(from, 0), AT(from + 91, 0)}, weighted);
	qsort(weighted, PEOPLE - 1, sizeof *weighted, by_number);
	assert_true(weighted[PEOPLE - 1] * 10 <= weighted[(PEOPLE - 1) / 2] * 11);
	assert_true(weighted[PEOPLE - 1] * 10 >= weighted[(PEOPLE - 1) / 2] * 9);
}

static void test_a_newcomer_is_not_flooded(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= seeds(8); seed++) {
		struct world *w = world_new(PEOPLE);
		int64_t weighted[MOST_PEOPLE];

		let_join(w, PEOPLE - 1);
		world_draw(w, 2500, seed, YEAR);
		world_play(w);
		sum_up(w, (struct span){AT(0, 0), AT(JOINS, 0)}, weighted);
		assert_int_equal(weighted[PEOPLE - 1], 0);
		check_last_is_not_flooded(w, JOINS);
		world_free(w);
	}
}

static void test_nobody_makes_up_for_leave(void **state)
{
	static const struct span leave = {AT(JOINS - 42, 0), AT(JOINS, 0)};

	(void)state;
	for (uint64_t seed = 1; seed <= seeds(8); seed++) {
		struct world *w = world_new(PEOPLE);

		w->rows[PEOPLE - 1].leave = (struct span_list){&leave, 1};
		world_draw(w, 2500, seed, YEAR);
		world_play(w);
		check_last_is_not_flooded(w, JOINS);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_and_least_loaded_differ_by_less_than_a_tenth),
		cmocka_unit_test(test_hours_are_weighted_by_service),
		cmocka_unit_test(test_unequal_staff_is_seen),
		cmocka_unit_test(test_a_newcomer_is_not_flooded),
		cmocka_unit_test(test_nobody_makes_up_for_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
