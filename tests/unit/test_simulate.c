#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "simulate_world.h"

/* Cases by hand: routine ones of an hour's counseling, opened at these times. */
static void open_cases(struct world *w, const int64_t *opened, size_t n)
{
	w->cases = calloc(n + 1, sizeof *w->cases);
	assert_non_null(w->cases);
	for (size_t i = 0; i < n; i++)
		w->cases[i] = (struct simulate_case){
			.opened = opened[i],
			.urgency = PLAN_ROUTINE,
			.language = ENGLISH,
			.need = {COUNSELING, 60, 30, 100},
			.draw = i,
		};
	w->group.cases = w->cases;
	w->group.n_cases = n;
}

static struct world *one_case(size_t n_people, int64_t opened)
{
	struct world *w = world_new(n_people);

	open_cases(w, &opened, 1);
	return w;
}

static const struct simulate_lost *only_lost(const struct world *w)
{
	assert_int_equal(w->result.n_meetings, 0);
	assert_int_equal(w->result.n_lost, 1);
	return &w->result.lost[0];
}

/* ---- clocks ---- */

static void test_clock_reads_its_pieces(void **state)
{
	static const struct simulate_piece pieces[] = {{100, 1000, true}, {200, 5000, false}};
	const struct simulate_clock clock = {pieces, 2};

	(void)state;
	assert_int_equal(simulate_clock_read(clock, 99), 99);
	assert_int_equal(simulate_clock_read(clock, 100), 1000);
	assert_int_equal(simulate_clock_read(clock, 199), 1099);
	assert_int_equal(simulate_clock_read(clock, 200), 5000);
	assert_int_equal(simulate_clock_read(clock, 999), 5000);
	assert_int_equal(simulate_clock_read((struct simulate_clock){NULL, 0}, 7), 7);
}

/* ---- meetings ---- */

static void test_a_case_is_met_as_soon_as_notice_and_shifts_allow(void **state)
{
	/* Friday afternoon: one office day later is Monday. */
	struct world *w = one_case(2, AT(4, 15) + 600);
	const struct simulate_meeting *one;

	(void)state;
	world_play(w);
	assert_int_equal(w->result.n_meetings, 1);
	assert_int_equal(w->result.n_lost, 0);
	one = &w->result.meetings[0];
	assert_int_equal(one->meeting.start, AT(7, 15) + 900);
	assert_int_equal(one->meeting.end, AT(7, 16) + 900);
	assert_int_equal(one->opened, AT(4, 15) + 600);
	assert_int_equal(one->due, AT(9, 15) + 600);
	assert_int_equal(one->counted_minutes, 60);
	assert_true(one->first);
	assert_false(one->over_cap);
	world_free(w);
}

static void test_a_follow_up_is_a_week_later_with_the_same_person(void **state)
{
	struct world *w = one_case(4, AT(0, 9));

	(void)state;
	w->cases[0].follow_ups = 2;
	world_play(w);
	assert_int_equal(w->result.n_meetings, 3);
	for (size_t i = 1; i < 3; i++) {
		const struct simulate_meeting *one = &w->result.meetings[i];

		assert_false(one->first);
		assert_int_equal(one->person, w->result.meetings[0].person);
		assert_int_equal(one->opened, one[-1].meeting.end);
		assert_true(one->meeting.start >= one[-1].meeting.end + 7 * DAY);
		assert_true(one->meeting.start < one[-1].meeting.end + 9 * DAY);
	}
	world_free(w);
}

static void test_no_follow_up_is_opened_after_the_end(void **state)
{
	struct world *w = one_case(1, AT(0, 9));

	(void)state;
	w->cases[0].follow_ups = 5;
	w->rules.end = AT(2, 0);
	world_play(w);
	assert_int_equal(w->result.n_meetings, 2);
	world_free(w);
}

static void test_a_case_counts_as_open_until_two_weeks_after_its_meeting(void **state)
{
	const int64_t opened[] = {AT(0, 9), AT(0, 10)};
	struct world *w = world_new(1);

	(void)state;
	w->rows[0].max_open_cases = 1;
	open_cases(w, opened, 2);
	world_play(w);
	assert_int_equal(w->result.n_meetings, 2);
	assert_int_equal(w->result.meetings[0].meeting.start, AT(1, 9));
	/* Closed on Tuesday two weeks later at 10:00, then planned with a day's notice. */
	assert_int_equal(w->result.meetings[1].meeting.start, AT(16, 10));
	world_free(w);
}

/* Twenty cases in four weeks in which the second of two has no shifts, and twenty from a later day
 * on. How many of these the first one has. */
static size_t later_share(int later)
{
	enum { EACH = 20, BOTH = 2 * EACH };
	int64_t opened[BOTH];
	struct world *w = world_new(2);
	struct span_list *regular = &w->rows[1].regular;
	size_t gone = span_list_seek(*regular, AT(28, 0)), first = 0, late = 0;

	*regular = (struct span_list){regular->spans + gone, regular->n - gone};
	for (int i = 0; i < EACH; i++) {
		opened[i] = AT(i, 9);
		opened[EACH + i] = AT(later + i, 9);
	}
	w->rows[0].max_open_cases = w->rows[1].max_open_cases = 1000;
	open_cases(w, opened, BOTH);
	world_play(w);
	assert_int_equal(w->result.n_meetings, BOTH);
	for (size_t i = 0; i < w->result.n_meetings; i++) {
		const struct simulate_meeting *one = &w->result.meetings[i];

		if (one->case_index < EACH)
			first += one->person == 0;
		else
			late += one->person == 0;
	}
	assert_int_equal(first, EACH);
	world_free(w);
	return late;
}

static void test_load_of_long_ago_is_forgotten(void **state)
{
	(void)state;
	assert_in_range(later_share(40), 0, 3);
	assert_in_range(later_share(130), 8, 12);
}

static void test_rest_holds_until_ten_hours_after_a_night_call_out(void **state)
{
	const int64_t opened[] = {AT(0, 23), AT(1, 0) + 60};
	struct world *w = world_new(1);

	(void)state;
	open_cases(w, opened, 2);
	w->cases[0].urgency = PLAN_IMMEDIATE;
	w->cases[1].urgency = PLAN_URGENT;
	w->cases[0].need.buffer_minutes = 0;
	world_play(w);
	assert_int_equal(w->result.n_meetings, 2);
	/* Midnight, and ten hours. */
	assert_int_equal(w->result.meetings[1].meeting.start, AT(1, 10));
	world_free(w);
}

static void test_a_call_out_beyond_a_limit_is_marked(void **state)
{
	struct world *w = one_case(1, AT(0, 23));

	(void)state;
	w->cases[0].urgency = PLAN_IMMEDIATE;
	w->rows[0].meetings_a_day = 0;
	world_play(w);
	assert_int_equal(w->result.n_meetings, 1);
	assert_true(w->result.meetings[0].over_cap);
	world_free(w);
}

/* ---- nobody ---- */

static void test_a_language_that_nobody_speaks(void **state)
{
	struct world *w = one_case(3, AT(0, 9));

	(void)state;
	w->cases[0].language = SPANISH;
	world_play(w);
	assert_int_equal(only_lost(w)->lack, SIMULATE_LACK_LANGUAGE);
	assert_int_equal(only_lost(w)->word, SPANISH);
	assert_int_equal(w->result.plans, 1);
	simulate_result_clear(&w->result);
	w->cases[0].interpreter = true;
	world_play(w);
	assert_int_equal(w->result.n_meetings, 1);
	assert_true(w->result.meetings[0].by_interpreter);
	world_free(w);
}

static void test_a_service_that_nobody_gives(void **state)
{
	struct world *w = one_case(3, AT(0, 9));

	(void)state;
	w->cases[0].need.service = 99;
	world_play(w);
	assert_int_equal(only_lost(w)->lack, SIMULATE_LACK_SERVICE);
	assert_int_equal(only_lost(w)->word, 99);
	world_free(w);
}

static void test_an_office_without_people(void **state)
{
	struct world *w = one_case(1, AT(0, 9));

	(void)state;
	w->group.n_people = 0;
	world_play(w);
	assert_int_equal(only_lost(w)->lack, SIMULATE_LACK_PEOPLE);
	world_free(w);
}

static void test_people_without_time_are_tried_until_the_horizon_is_over(void **state)
{
	struct world *w = one_case(1, AT(0, 9));
	const struct simulate_lost *lost;

	(void)state;
	w->rows[0].meetings_a_day = 0;
	world_play(w);
	lost = only_lost(w);
	assert_int_equal(lost->lack, SIMULATE_LACK_TIME);
	assert_int_equal(lost->rule, PLAN_CAP_DAY);
	world_free(w);
}

static void test_who_comes_back_is_found_by_a_later_try(void **state)
{
	/* On leave for four weeks: further than the horizon reaches at first. */
	struct world *w = one_case(1, AT(0, 9));
	const struct span leave = {AT(0, 0), AT(28, 0)};

	(void)state;
	w->rows[0].leave = (struct span_list){&leave, 1};
	world_play(w);
	assert_int_equal(w->result.n_meetings, 1);
	assert_int_equal(w->result.meetings[0].meeting.start, AT(28, 8));
	assert_true(w->result.plans > 1);
	world_free(w);
}

static void test_when_all_decline_nobody_is_left(void **state)
{
	struct world *w = one_case(3, AT(0, 9));

	(void)state;
	w->rules.decline_percent = 100;
	world_play(w);
	assert_int_equal(only_lost(w)->lack, SIMULATE_LACK_CONSENT);
	assert_int_equal(w->result.declined, 3);
	world_free(w);
}

static void test_a_share_declines_and_a_colleague_comes(void **state)
{
	struct world *w = world_new(4);
	size_t declined;

	(void)state;
	world_draw(w, 2500, 5, 360);
	w->rules.decline_percent = 20;
	world_play(w);
	declined = w->result.declined;
	assert_true(declined * 100 > w->result.n_meetings * 20);
	assert_true(declined * 100 < w->result.n_meetings * 30);
	assert_true(w->result.n_lost * 50 < w->result.n_meetings);
	world_free(w);
}

/* ---- offices that stand in ---- */

static void test_a_backup_comes_when_the_own_office_cannot(void **state)
{
	struct world *w = one_case(2, AT(0, 9));
	struct plan_backup backup = {2, 1, 60};
	struct plan_office rows[2] = {w->plan_office, w->plan_office};
	struct simulate_office offices[2] = {w->office, w->office};

	(void)state;
	rows[0].backups = &backup;
	rows[0].n_backups = 1;
	rows[1].id = 2;
	offices[0].row = &rows[0];
	offices[1].row = &rows[1];
	w->rows[0].languages.n = 0;
	w->rows[1].office = 2;
	w->group.offices = offices;
	w->group.n_offices = 2;
	world_play(w);
	assert_int_equal(w->result.n_meetings, 1);
	assert_int_equal(w->result.meetings[0].person, 1);
	assert_int_equal(w->result.meetings[0].counted_minutes, 180);
	world_free(w);
}

/* ---- as a whole ---- */

static void test_the_same_again_is_the_same(void **state)
{
	struct world *w = world_new(5);
	struct simulate_result first;

	(void)state;
	world_draw(w, 3000, 7, 120);
	w->rules.decline_percent = 10;
	world_play(w);
	first = w->result;
	world_play(w);
	assert_int_equal(w->result.n_meetings, first.n_meetings);
	for (size_t i = 0; i < first.n_meetings; i++) {
		const struct simulate_meeting *a = &first.meetings[i], *b = &w->result.meetings[i];

		assert_int_equal(a->case_index, b->case_index);
		assert_int_equal(a->person, b->person);
		assert_int_equal(a->meeting.start, b->meeting.start);
	}
	assert_int_equal(w->result.n_lost, first.n_lost);
	simulate_result_clear(&first);
	world_free(w);
}

static void test_every_case_has_an_end(void **state)
{
	struct world *w = world_new(2);
	size_t met = 0, lost = 0;

	(void)state;
	/* More than two people can do. */
	world_draw(w, 4000, 3, 60);
	world_play(w);
	for (size_t i = 0; i < w->result.n_meetings; i++)
		met += w->result.meetings[i].first;
	for (size_t i = 0; i < w->result.n_lost; i++)
		lost += w->result.lost[i].first;
	assert_int_equal(met + lost, w->group.n_cases);
	assert_true(lost > 0);
	world_free(w);
}

static void test_one_more_person_helps(void **state)
{
	struct world *few = world_new(2), *more = world_new(3);

	(void)state;
	world_draw(few, 3000, 3, 60);
	world_draw(more, 3000, 3, 60);
	assert_int_equal(few->group.n_cases, more->group.n_cases);
	world_play(few);
	world_play(more);
	assert_true(more->result.n_lost < few->result.n_lost);
	world_free(few);
	world_free(more);
}

static void test_a_policy_that_no_plan_can_be_made_with(void **state)
{
	struct world *w = one_case(1, AT(0, 9));

	(void)state;
	w->rules.policy.grid_seconds = 0;
	assert_int_equal(simulate_play(&w->rules, &w->group, &w->result, w->error, sizeof w->error),
		SIMULATE_INVALID);
	assert_non_null(strstr(w->error, "grid"));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_reads_its_pieces),
		cmocka_unit_test(test_a_case_is_met_as_soon_as_notice_and_shifts_allow),
		cmocka_unit_test(test_a_follow_up_is_a_week_later_with_the_same_person),
		cmocka_unit_test(test_no_follow_up_is_opened_after_the_end),
		cmocka_unit_test(test_a_case_counts_as_open_until_two_weeks_after_its_meeting),
		cmocka_unit_test(test_load_of_long_ago_is_forgotten),
		cmocka_unit_test(test_rest_holds_until_ten_hours_after_a_night_call_out),
		cmocka_unit_test(test_a_call_out_beyond_a_limit_is_marked),
		cmocka_unit_test(test_a_language_that_nobody_speaks),
		cmocka_unit_test(test_a_service_that_nobody_gives),
		cmocka_unit_test(test_an_office_without_people),
		cmocka_unit_test(test_people_without_time_are_tried_until_the_horizon_is_over),
		cmocka_unit_test(test_who_comes_back_is_found_by_a_later_try),
		cmocka_unit_test(test_when_all_decline_nobody_is_left),
		cmocka_unit_test(test_a_share_declines_and_a_colleague_comes),
		cmocka_unit_test(test_a_backup_comes_when_the_own_office_cannot),
		cmocka_unit_test(test_the_same_again_is_the_same),
		cmocka_unit_test(test_every_case_has_an_end),
		cmocka_unit_test(test_one_more_person_helps),
		cmocka_unit_test(test_a_policy_that_no_plan_can_be_made_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
