/* intake_form: what a case's JSON may be, and what a client is told of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "intake_form.h"

static void check_good(const char *text, const char *expected)
{
	char *made = NULL;

	if (intake_form_read(text, strlen(text), &made))
		fail_msg("refused: %s: %s", text, made);
	assert_string_equal(made, expected);
	free(made);
}

/* Refused, and told so with all these words. */
static void check_bad(const char *text, const char *word, const char *other)
{
	char *made = NULL;

	assert_int_equal(intake_form_read(text, strlen(text), &made), INTAKE_FORM_INVALID);
	if (!strstr(made, word) || !strstr(made, other))
		fail_msg("%s: %s", text, made);
	free(made);
}

static void test_good(void **state)
{
	(void)state;
	check_good("{\"office\": \"SEA\"}", "{\"office\":\"SEA\"}");
	check_good(" {\"office\":\"S\\u00c9A\",\"due\":null}\r\n",
		"{\"office\":\"S\xc3\x89\x41\",\"due\":null}");
	check_good("{\"office\":\"SEA\",\"victims\":-3,\"gender_required\":false}",
		"{\"office\":\"SEA\",\"victims\":-3,\"gender_required\":false}");
}

static void check_moment(const char *moment, bool good)
{
	char text[100], *made = NULL;
	int r;

	snprintf(text, sizeof(text), "{\"office\":\"SEA\",\"due\":\"%s\"}", moment);
	r = intake_form_read(text, strlen(text), &made);
	if ((r == 0) != good)
		fail_msg("%s: %s", moment, made);
	free(made);
}

static void test_moments(void **state)
{
	static const char *const good[] = {"2027-02-15T09:00:00Z", "2027-02-15T09:00Z",
		"2028-02-29T23:59:59.123456+14:00", "2000-02-29T00:00:00-00:30",
		"2027-12-31T23:59-15:59"};
	static const char *const bad[] = {"", "now", "tomorrow", "2027-02-15",
		"2027-02-15T09:00:00", "2027-02-15 09:00:00Z", "2027-02-29T00:00Z",
		"1900-02-29T00:00Z", "2027-13-01T00:00Z", "2027-00-01T00:00Z", "2027-01-00T00:00Z",
		"2027-04-31T00:00Z", "2027-01-01T24:00Z", "2027-01-01T00:60Z",
		"2027-01-01T00:00:60Z", "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00.1234567Z",
		"2027-01-01T00:00:00+16:00", "2027-01-01T00:00:00+1:00",
		"2027-01-01T00:00:00+01:00 ", "0000-01-01T00:00Z", "2027-01-01T00:00:00z",
		"2027-01-01T00:00:00 PST", "infinity"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check_moment(good[i], true);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_moment(bad[i], false);
}

static void test_types(void **state)
{
	(void)state;
	check_bad("{\"office\":5}", "\"field\":\"office\"", "no text");
	check_bad("{\"office\":\"\"}", "\"field\":\"office\"", "missing");
	check_bad("{\"office\":\"a\\nb\"}", "\"field\":\"office\"", "control");
	check_bad("{\"office\":\"SEA\",\"victims\":1.0}", "\"field\":\"victims\"", "whole number");
	check_bad("{\"office\":\"SEA\",\"victims\":2147483648}", "\"field\":\"victims\"",
		"whole number");
	check_bad("{\"office\":\"SEA\",\"gender_required\":1}", "\"field\":\"gender_required\"",
		"true");
	check_bad("{\"office\":null}", "\"field\":\"office\"", "needed");
	check_bad("{}", "\"field\":\"office\"", "needed");
	check_bad("{\"office\":\"SEA\",\"key\":\"x\"}", "\"field\":\"key\"", "Idempotency-Key");
	check_bad("{\"office\":\"SEA\",\"name\":\"x\"}", "\"field\":\"name\"", "no such field");
	/* A name that cannot be shown safely is not. */
	check_bad("{\"office\":\"SEA\",\"na\\u00e9\":1}", "\"field\":null", "no such field");
	check_bad("{\"office\":\"SEA\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}",
		"\"field\":null", "no such field");
}

/* 300 characters will do, of however many octets; 301 will not. */
static void test_length(void **state)
{
	static const char *const characters[] = {
		"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		char text[1300] = "{\"office\":\"", *made = NULL;

		for (int n = 0; n < 300; n++)
			strcat(text, characters[i]);
		strcat(text, "\"}");
		check_good(text, text);
		strcpy(strrchr(text, '"'), "a\"}");
		assert_int_equal(intake_form_read(text, strlen(text), &made), INTAKE_FORM_INVALID);
		assert_non_null(strstr(made, "at most 300 characters"));
		free(made);
	}
}

static void test_no_form(void **state)
{
	static char deep[5000];

	(void)state;
	check_bad("", "no JSON", "line 1");
	check_bad("{\"office\": \"SEA\"", "no JSON", "line 1");
	check_bad("{\"office\": \"SEA\"}{", "no JSON", "line 1");
	check_bad("{\"office\": 'SEA'}", "no JSON", "column 12");
	check_bad("{\"office\": \"\xff\"}", "no JSON", "line 1");
	check_bad("{\"office\": \"\\ud800\"}", "no JSON", "line 1");
	check_bad("{\"office\": \"\\u0000\"}", "no JSON", "line 1");
	check_bad("{\"office\": 1e999}", "no JSON", "line 1");
	check_bad("[1]", "no object", "braces");
	check_bad("{\"office\":\"SEA\",\"office\":\"PDX\"}", "twice", "Keep one");
	memset(deep, '[', sizeof(deep) - 1);
	check_bad(deep, "no JSON", "line 1");
}

static void test_many_errors(void **state)
{
	static char text[4000];
	char *made = NULL;
	size_t n = 0;

	(void)state;
	strcpy(text, "{\"office\":1");
	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), 20, ",\"f%d\":%d", i, i);
	strcat(text, "}");
	assert_int_equal(intake_form_read(text, strlen(text), &made), INTAKE_FORM_INVALID);
	for (const char *p = made; (p = strstr(p, "\"field\"")) != NULL; p++)
		n++;
	assert_int_equal(n, 20);
	free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_no_form),
		cmocka_unit_test(test_many_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
