#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "simulate_world.h"
#include "tally.h"

static const char *code(void *arg, size_t office)
{
	(void)office;
	return arg;
}

static const char *word(void *arg, int32_t code_of_word)
{
	(void)arg;
	return code_of_word == SPANISH ? "es" : "counseling";
}

/* Four cases, opened at midnight of the first days. */
static struct world *four_cases(void)
{
	struct world *w = world_new(3);

	w->cases = calloc(4, sizeof *w->cases);
	assert_non_null(w->cases);
	for (int i = 0; i < 4; i++)
		w->cases[i] = (struct simulate_case){.opened = AT(i, 0), .urgency = PLAN_ROUTINE};
	w->cases[3].urgency = PLAN_URGENT;
	w->group.cases = w->cases;
	w->group.n_cases = 4;
	return w;
}

static struct simulate_meeting meeting(size_t number, size_t person, int64_t start, bool first)
{
	return (struct simulate_meeting){
		.case_index = number,
		.person = person,
		.first = first,
		.urgency = PLAN_ROUTINE,
		.opened = AT(number, 0),
		.due = AT(number, 30),
		.meeting = {start, start + HOUR},
		.counted_minutes = 60,
		.weighted_minutes = 90,
	};
}

static void add(struct tally *tally, const struct world *w, char *name)
{
	const struct tally_names names = {code, word, name};

	assert_int_equal(tally_add(tally, &w->group, &w->result, MONDAY, &names), 0);
}

static void test_an_office_is_counted(void **state)
{
	struct world *w = four_cases();
	struct simulate_meeting meetings[] = {meeting(0, 0, AT(1, 6), true),
		meeting(1, 1, AT(1, 10), true), meeting(2, 0, AT(4, 0), true),
		meeting(0, 0, AT(9, 0), false)};
	struct simulate_lost lost[] = {
		{3, true, PLAN_URGENT, SIMULATE_LACK_LANGUAGE, SPANISH, PLAN_FREE}};
	struct tally tally = {0};
	const struct tally_office *office;
	char name[] = "SEA";

	(void)state;
	meetings[1].over_cap = true;
	w->result = (struct simulate_result){.meetings = meetings,
		.n_meetings = 4,
		.lost = lost,
		.n_lost = 1,
		.plans = 6,
		.limited = 2};
	add(&tally, w, name);
	assert_int_equal(tally_finish(&tally), 0);
	office = &tally.offices[0];
	assert_string_equal(office->code, "SEA");
	assert_int_equal(office->n_people, 3);
	assert_int_equal(office->cases, 4);
	assert_int_equal(office->met, 3);
	assert_int_equal(office->meetings, 4);
	assert_int_equal(office->lost, 1);
	assert_int_equal(office->over_cap, 1);
	assert_int_equal(office->of[PLAN_ROUTINE], 3);
	/* On time to the second, early, and late. */
	assert_int_equal(office->in_target[PLAN_ROUTINE], 2);
	assert_int_equal(office->of[PLAN_URGENT], 1);
	assert_int_equal(office->in_target[PLAN_URGENT], 0);
	assert_int_equal(tally_wait(office, 50), 30 * HOUR);
	assert_int_equal(tally_wait(office, 33), 10 * HOUR);
	assert_int_equal(tally_wait(office, 34), 30 * HOUR);
	assert_int_equal(tally_wait(office, 99), 48 * HOUR);
	/* The third one had nothing. */
	assert_int_equal(office->least, 0);
	assert_int_equal(office->most, 270);
	assert_int_equal(office->spread_percent, 100);
	assert_int_equal(office->collateral_permille, -1);
	assert_int_equal(office->n_lacks, 1);
	assert_string_equal(office->lacks[0].word, "es");
	assert_int_equal(tally.plans, 6);
	assert_int_equal(tally.limited, 2);
	w->result = (struct simulate_result){0};
	tally_clear(&tally);
	world_free(w);
}

static void test_collateral_hours_are_held_against_their_limit_by_the_week(void **state)
{
	struct world *w = four_cases();
	/* Three in one week, on the last moment of it, and one in the next. */
	struct simulate_meeting meetings[] = {meeting(0, 0, AT(0, 9), true),
		meeting(1, 0, AT(2, 9), true), meeting(2, 0, AT(7, 0) - 1, true),
		meeting(3, 0, AT(7, 0), true)};
	struct tally tally = {0};
	char name[] = "SEA";

	(void)state;
	w->rows[0].collateral = true;
	w->rows[0].weekly_minutes = 240;
	w->people[1].joined = AT(1, 0);
	w->result = (struct simulate_result){.meetings = meetings, .n_meetings = 4};
	add(&tally, w, name);
	assert_int_equal(tally_finish(&tally), 0);
	assert_int_equal(tally.offices[0].collateral_permille, 750);
	/* Neither a collateral-duty coordinator nor one who joined later is in the spread. */
	assert_int_equal(tally.offices[0].most, 0);
	assert_int_equal(tally.offices[0].least, 0);
	w->result = (struct simulate_result){0};
	tally_clear(&tally);
	world_free(w);
}

static void test_all_are_put_together(void **state)
{
	struct world *w = four_cases();
	struct simulate_meeting first[] = {
		meeting(0, 0, AT(0, 10), true), meeting(1, 1, AT(1, 20), true)};
	struct simulate_meeting second[] = {
		meeting(0, 0, AT(0, 30), true), meeting(2, 0, AT(2, 40), true)};
	struct simulate_lost lost[] = {{3, true, PLAN_URGENT, SIMULATE_LACK_TIME, 0, PLAN_CAP_WEEK},
		{1, true, PLAN_ROUTINE, SIMULATE_LACK_TIME, 0, PLAN_CAP_DAY},
		{1, true, PLAN_ROUTINE, SIMULATE_LACK_TIME, 0, PLAN_CAP_DAY}};
	struct tally tally = {0};
	char sea[] = "SEA", anc[] = "ANC";

	(void)state;
	w->result = (struct simulate_result){.meetings = first, .n_meetings = 2, .moved = 1};
	add(&tally, w, sea);
	w->result = (struct simulate_result){
		.meetings = second, .n_meetings = 2, .lost = lost, .n_lost = 3, .declined = 4};
	add(&tally, w, anc);
	assert_int_equal(tally_finish(&tally), 0);
	assert_int_equal(tally.n, 2);
	assert_string_equal(tally.offices[0].code, "ANC");
	assert_int_equal(tally.all.cases, 8);
	assert_int_equal(tally.all.met, 4);
	assert_int_equal(tally.all.lost, 3);
	assert_int_equal(tally_wait(&tally.all, 50), 20 * HOUR);
	assert_int_equal(tally_wait(&tally.all, 100), 40 * HOUR);
	assert_int_equal(tally.all.n_lacks, 2);
	assert_int_equal(tally.all.lacks[0].rule, PLAN_CAP_DAY);
	assert_int_equal(tally.all.lacks[0].n, 2);
	assert_int_equal(tally.moved, 1);
	assert_int_equal(tally.declined, 4);
	assert_int_equal(tally.offices[1].spread_percent, 100);
	assert_int_equal(tally.all.spread_percent, 100);
	w->result = (struct simulate_result){0};
	tally_clear(&tally);
	world_free(w);
}

static void test_nothing_at_all(void **state)
{
	struct tally tally = {0};

	(void)state;
	assert_int_equal(tally_finish(&tally), 0);
	assert_int_equal(tally_wait(&tally.all, 50), -1);
	assert_int_equal(tally.all.most, -1);
	tally_clear(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_office_is_counted),
		cmocka_unit_test(test_collateral_hours_are_held_against_their_limit_by_the_week),
		cmocka_unit_test(test_all_are_put_together),
		cmocka_unit_test(test_nothing_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
