#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "arrivals.h"

enum { DAYS = 1000 };

#define DAY INT64_C(86400)

static int64_t day_starts[DAYS + 1];

static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i <= DAYS; i++)
		day_starts[i] = i * DAY;
	return 0;
}

static void draw(struct arrivals *arrivals, int64_t thousandths, uint64_t seed, const char *code)
{
	struct arrivals_mix mix;

	arrivals_usual_mix(&mix);
	mix.thousandths = thousandths;
	assert_int_equal(arrivals_draw(arrivals, &mix, seed, 3, code, day_starts, DAYS), 0);
}

static bool same(const struct arrival *a, const struct arrival *b)
{
	return a->opened == b->opened && a->urgency == b->urgency
	       && strcmp(a->service, b->service) == 0 && strcmp(a->language, b->language) == 0
	       && a->telephone == b->telephone && a->interpreter == b->interpreter
	       && a->follow_ups == b->follow_ups && a->draw == b->draw;
}

/* ---- drawing ---- */

static void test_as_many_as_were_asked_for(void **state)
{
	static const int64_t rates[] = {250, 1000, 12500, 2000000};

	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct arrivals arrivals = {0};
		int64_t expected = rates[i] * DAYS / 1000, off;

		draw(&arrivals, rates[i], 1, "SEA");
		off = (int64_t)arrivals.n - expected;
		/* Four times the root of it, and a little for few. */
		assert_true(off * off <= 16 * expected + 16);
		arrivals_clear(&arrivals);
	}
}

/* Of a Poisson process the variance of a day's count is its mean. */
static void test_days_vary_as_chance_has_it(void **state)
{
	struct arrivals arrivals = {0};
	int64_t counts[DAYS] = {0}, squares = 0, sum = 0;

	(void)state;
	draw(&arrivals, 4000, 2, "SEA");
	for (size_t i = 0; i < arrivals.n; i++)
		counts[arrivals.rows[i].opened / DAY]++;
	for (int i = 0; i < DAYS; i++) {
		sum += counts[i];
		squares += counts[i] * counts[i];
	}
	/* Variance over mean, in hundredths. */
	squares = (squares - sum * sum / DAYS) * 100 / sum;
	assert_in_range(squares, 85, 115);
	arrivals_clear(&arrivals);
}

/* In thousandths. */
static void check_share(size_t part, size_t whole, size_t least, size_t most)
{
	assert_in_range(part * 1000, whole * least, whole * most);
}

static void test_the_mix_is_the_one_described(void **state)
{
	struct arrivals arrivals = {0};
	size_t urgencies[PLAN_URGENCIES] = {0}, english = 0, nobody = 0, telephone = 0, night = 0;
	size_t follow_ups = 0;

	(void)state;
	draw(&arrivals, 20000, 3, "SEA");
	for (size_t i = 0; i < arrivals.n; i++) {
		const struct arrival *one = &arrivals.rows[i];

		urgencies[one->urgency]++;
		english += strcmp(one->language, "en") == 0;
		nobody += strcmp(one->language, "qaa") == 0;
		telephone += one->telephone;
		night += one->opened % DAY < DAY / 4;
		follow_ups += (size_t)one->follow_ups;
		assert_int_equal(one->office, 3);
		assert_false(one->interpreter && strcmp(one->language, "en") == 0);
		assert_false(one->telephone && one->urgency == PLAN_IMMEDIATE);
		if (one->urgency == PLAN_IMMEDIATE)
			assert_string_equal(one->service, "crisis_intervention");
	}
	check_share(urgencies[PLAN_IMMEDIATE], arrivals.n, 90, 110);
	check_share(urgencies[PLAN_URGENT], arrivals.n, 285, 315);
	check_share(english, arrivals.n, 685, 715);
	check_share(nobody, arrivals.n, 6, 14);
	check_share(telephone, arrivals.n, 165, 195);
	check_share(night, arrivals.n, 55, 80);
	check_share(follow_ups, arrivals.n, 380, 420);
	arrivals_clear(&arrivals);
}

static void test_a_seed_means_the_same_cases_whoever_else_is_there(void **state)
{
	struct arrivals alone = {0}, among = {0}, other = {0};
	size_t j = 0;

	(void)state;
	draw(&alone, 2000, 11, "HNL");
	draw(&among, 2000, 11, "GUM");
	draw(&among, 2000, 11, "HNL");
	draw(&other, 2000, 12, "HNL");
	arrivals_sort(&alone);
	arrivals_sort(&among);
	for (size_t i = 0; i < alone.n; i++) {
		while (j < among.n && !same(&alone.rows[i], &among.rows[j]))
			j++;
		assert_true(j < among.n);
	}
	assert_false(other.n == alone.n && same(&alone.rows[0], &other.rows[0]));
	arrivals_clear(&alone);
	arrivals_clear(&among);
	arrivals_clear(&other);
}

/* Held down so that no machine and no change of the code draws others unnoticed. */
static void test_the_first_case_of_a_seed_is_known(void **state)
{
	struct arrivals arrivals = {0};

	(void)state;
	draw(&arrivals, 1000, 1, "SEA");
	arrivals_sort(&arrivals);
	assert_int_equal(arrivals.n, 1021);
	assert_int_equal(arrivals.rows[0].opened, 0xfbb8);
	assert_string_equal(arrivals.rows[0].language, "en");
	arrivals_clear(&arrivals);
}

static void test_a_short_day_has_no_case_after_its_end(void **state)
{
	static const int64_t short_day[] = {0, INT64_C(23) * 3600};
	struct arrivals arrivals = {0};
	struct arrivals_mix mix;

	(void)state;
	arrivals_usual_mix(&mix);
	mix.thousandths = 5000000;
	assert_int_equal(arrivals_draw(&arrivals, &mix, 1, 0, "SEA", short_day, 1), 0);
	assert_true(arrivals.n > 1000);
	for (size_t i = 0; i < arrivals.n; i++)
		assert_true(arrivals.rows[i].opened < short_day[1]);
	arrivals_clear(&arrivals);
}

static void test_languages_of_ones_own(void **state)
{
	char good[] = "en=3,zh-Hant=1", text[40];
	static const char *const bad[] = {
		"", "en", "en=", "=1", "en=x", "en=1,", "en=-1", "en=0", "e n=1", "en=99999999"};
	struct arrivals_mix mix;

	(void)state;
	arrivals_usual_mix(&mix);
	assert_int_equal(arrivals_set_languages(&mix, good), 0);
	assert_int_equal(mix.languages.n, 2);
	assert_string_equal(mix.languages.list[1].word, "zh-Hant");
	assert_int_equal(mix.languages.list[0].weight, 3);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		strcpy(text, bad[i]);
		assert_int_equal(arrivals_set_languages(&mix, text), ARRIVALS_INVALID);
	}
	assert_int_equal(mix.languages.n, 2);
}

/* ---- a file ---- */

static int read_text(const char *text, struct arrivals_sheet *sheet)
{
	return arrivals_read(text, strlen(text), sheet);
}

static void test_a_file_is_read(void **state)
{
	static const char text[] =
		"Office,opened,urgency,language,mode,minutes,follow_ups,interpreter,service\n"
		"sea,2027-03-01 14:30,urgent,es,telephone,45,2,on_site,counseling\n"
		"\n"
		" PDX , 2027-03-14T02:15:30 ,,,,,,,\n";
	struct arrivals_sheet sheet;

	(void)state;
	assert_int_equal(read_text(text, &sheet), 0);
	assert_int_equal(sheet.n, 2);
	assert_int_equal(sheet.lines[0].line, 2);
	assert_string_equal(sheet.lines[0].office, "sea");
	assert_string_equal(sheet.lines[0].opened, "2027-03-01 14:30:00");
	assert_int_equal(sheet.lines[0].arrival.urgency, PLAN_URGENT);
	assert_string_equal(sheet.lines[0].arrival.language, "es");
	assert_string_equal(sheet.lines[0].arrival.service, "counseling");
	assert_true(sheet.lines[0].arrival.telephone);
	assert_true(sheet.lines[0].arrival.interpreter);
	assert_int_equal(sheet.lines[0].arrival.minutes, 45);
	assert_int_equal(sheet.lines[0].arrival.follow_ups, 2);
	assert_int_equal(sheet.lines[1].line, 4);
	assert_string_equal(sheet.lines[1].office, "PDX");
	assert_string_equal(sheet.lines[1].opened, "2027-03-14 02:15:30");
	assert_int_equal(sheet.lines[1].arrival.urgency, PLAN_ROUTINE);
	assert_string_equal(sheet.lines[1].arrival.service, "crisis_intervention");
	assert_string_equal(sheet.lines[1].arrival.language, "en");
	assert_int_equal(sheet.lines[1].arrival.minutes, 0);
	assert_int_equal(sheet.lines[1].arrival.follow_ups, -1);
	arrivals_sheet_clear(&sheet);
}

/* The problem of a file with one: its line and text. */
static void check_problem(const char *text, size_t line, const char *words)
{
	struct arrivals_sheet sheet;

	assert_int_equal(read_text(text, &sheet), ARRIVALS_INVALID);
	assert_int_equal(sheet.n_problems, 1);
	assert_int_equal(sheet.problems[0].line, line);
	if (strstr(sheet.problems[0].text, words) == NULL)
		fail_msg("'%s' does not say '%s'", sheet.problems[0].text, words);
	arrivals_sheet_clear(&sheet);
}

static void test_what_is_wrong_is_said_by_line(void **state)
{
	(void)state;
	check_problem("", 1, "empty");
	check_problem("office,opened,colour\n", 1, "column colour: unknown");
	check_problem("office,opened,Office\n", 1, "named twice");
	check_problem("office,urgency\n", 1, "column opened: missing");
	check_problem("office,opened\n,2027-03-01 10:00\n", 2, "column office");
	check_problem("office,opened\nSEA,yesterday\n", 2, "column opened: 'yesterday'");
	check_problem("office,opened\nSEA,2027-02-29 10:00\n", 2, "column opened");
	check_problem("office,opened\nSEA,2027-03-01 24:00\n", 2, "column opened");
	check_problem("office,opened,urgency\nSEA,2027-03-01 10:00,soon\n", 2,
		"column urgency: 'soon'; expected immediate, urgent or routine");
	check_problem("office,opened,mode\nSEA,2027-03-01 10:00,fax\n", 2, "column mode");
	check_problem(
		"office,opened,interpreter\nSEA,2027-03-01 10:00,yes\n", 2, "column interpreter");
	check_problem(
		"office,opened,minutes\nSEA,2027-03-01 10:00,10\n", 2, "a number from 15 to 1440");
	check_problem(
		"office,opened,follow_ups\nSEA,2027-03-01 10:00,-1\n", 2, "column follow_ups");
	check_problem(
		"office,opened,language\nSEA,2027-03-01 10:00,Spanish\n", 2, "column language");
	check_problem("office,opened\nSEA,2027-03-01 10:00,x\n", 2, "3 fields; expected 2");
	check_problem("office,opened\nSEA,\"2027\n", 2, "character");
}

static void test_each_bad_line_is_said(void **state)
{
	static const char text[] = "office,opened\nSEA,x\nSEA,2027-03-01 10:00\nSEA,y\n";
	struct arrivals_sheet sheet;

	(void)state;
	assert_int_equal(read_text(text, &sheet), ARRIVALS_INVALID);
	assert_int_equal(sheet.n_problems, 2);
	assert_int_equal(sheet.problems[1].line, 4);
	assert_int_equal(sheet.n, 1);
	arrivals_sheet_clear(&sheet);
}

static void test_days_of_the_calendar(void **state)
{
	(void)state;
	assert_true(arrivals_is_day("2028-02-29"));
	assert_false(arrivals_is_day("2027-02-29"));
	assert_false(arrivals_is_day("2100-02-29"));
	assert_false(arrivals_is_day("2027-13-01"));
	assert_false(arrivals_is_day("2027-1-1"));
	assert_false(arrivals_is_day("2027-01-01 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_as_were_asked_for),
		cmocka_unit_test(test_days_vary_as_chance_has_it),
		cmocka_unit_test(test_the_mix_is_the_one_described),
		cmocka_unit_test(test_a_seed_means_the_same_cases_whoever_else_is_there),
		cmocka_unit_test(test_the_first_case_of_a_seed_is_known),
		cmocka_unit_test(test_a_short_day_has_no_case_after_its_end),
		cmocka_unit_test(test_languages_of_ones_own),
		cmocka_unit_test(test_a_file_is_read),
		cmocka_unit_test(test_what_is_wrong_is_said_by_line),
		cmocka_unit_test(test_each_bad_line_is_said),
		cmocka_unit_test(test_days_of_the_calendar),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
