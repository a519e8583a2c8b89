/* csv: tables of good and of broken lines, and what is written is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "csv.h"

/* Reads text and writes what came out as "line:field|field;" or "line!character:text;". */
static char *digest_of(const char *text, size_t length)
{
	static char digest[4096];
	struct csv_record record;
	struct csv_problem problem;
	struct csv *csv;
	size_t at = 0;
	int r;

	assert_int_equal(csv_new(text, length, &csv), 0);
	digest[0] = '\0';
	while ((r = csv_read(csv, &record, &problem)) != CSV_END) {
		assert_true(r == 0 || r == CSV_INVALID);
		at += (size_t)snprintf(digest + at, sizeof(digest) - at, "%zu:", record.line);
		for (size_t i = 0; i < record.n_fields; i++)
			at += (size_t)snprintf(digest + at, sizeof(digest) - at, "%s%s",
				i > 0 ? "|" : "", record.fields[i]);
		if (r == CSV_INVALID)
			at += (size_t)snprintf(digest + at, sizeof(digest) - at, "!%zu %.8s",
				problem.position, problem.text);
		at += (size_t)snprintf(digest + at, sizeof(digest) - at, ";");
		assert_true(at < sizeof(digest));
	}
	csv_free(csv);
	return digest;
}

struct sample {
	const char *text, *digest;
};

static void check_samples(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_string_equal(
			digest_of(samples[i].text, strlen(samples[i].text)), samples[i].digest);
}

static void test_good(void **state)
{
	static const struct sample samples[] = {
		{"", ""},
		{"\n\r\n\n", ""},
		{"a", "1:a;"},
		{"a,b\n", "1:a|b;"},
		{"a,b\r\nc,d\r\n", "1:a|b;2:c|d;"},
		{"a,b\n\n\nc,d", "1:a|b;4:c|d;"},
		{",\n", "1:|;"},
		{",,\n", "1:||;"},
		{"\"\"\n", "1:;"},
		{"\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d;"},
		{"\"\"\"\"", "1:\";"},
		{"\"a\",b,\"\",\"c\"", "1:a|b||c;"},
		{" a , b \n", "1: a | b ;"},
		{"\xef\xbb\xbf"
		 "a,b\n",
			"1:a|b;"},
		{"\xc3\xa9,\xe2\x82\xac,\xf0\x9f\x98\x80\n",
			"1:\xc3\xa9|\xe2\x82\xac|\xf0\x9f\x98\x80;"},
	};

	(void)state;
	check_samples(samples, sizeof(samples) / sizeof(samples[0]));
}

/* The fields before the mistake are there, and the next line is read as if nothing had been. */
static void test_broken(void **state)
{
	static const struct sample samples[] = {
		{"a,\"b\nc,d\n", "1:a!3 a quote ;2:c|d;"},
		{"a,b\"c,d\ne\n", "1:a!4 a quote ;2:e;"},
		{"\"a\"b,c\ne\n", "1:!4 text beh;2:e;"},
		{"\"a\" ,c\n", "1:!4 text beh;"},
		{"a,\"b\"\"\n", "1:a!3 a quote ;"},
		{"\"", "1:!1 a quote ;"},
		{"a\tb,c\nd\n", "1:!2 a tab; e;2:d;"},
		{"a,b\x01\nd\n", "1:a!4 a contro;2:d;"},
		{"a,b\x7f\n", "1:a!4 a contro;"},
		{"a,\"b\rc\"\n", "1:a!5 a contro;"},
		{"a\rb\r\n", "1:!2 a contro;"},
		{"\xc3\xa9\xc3\xa9,\xff\n", "1:\xc3\xa9\xc3\xa9!4 is not U;"},
		{"\xc0\xaf\n", "1:!1 is not U;"},
		{"\xed\xa0\x80\n", "1:!1 is not U;"},
		{"\xe2\x82", "1:!1 is not U;"},
		{"\xe2\x82\n\xac\n", "1:!1 is not U;2:!1 is not U;"},
		{"a\xc2\x85"
		 "b\n",
			"1:!2 a contro;"},
		{"a\xe2\x80\xa8"
		 "b\n",
			"1:!2 a contro;"},
		{"\xef\xbb\xbf\"a\n", "1:!1 a quote ;"},
		{"\xff\xfe"
		 "a\n"
		 "b\n",
			"1:!1 the file;"},
		{"\xfe\xff"
		 "a\n",
			"1:!1 the file;"},
		{"a\n\xef\xbb\xbf"
		 "b\n",
			"1:a;2:\xef\xbb\xbf"
			"b;"},
	};

	(void)state;
	check_samples(samples, sizeof(samples) / sizeof(samples[0]));
}

static void test_nul(void **state)
{
	(void)state;
	assert_string_equal(digest_of("a\0b,c\nd\n", 8), "1:!2 a contro;2:d;");
}

/* ---- what is written is read again ---- */

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

enum { FIELDS = 12, FIELD_SIZE = 64 };

/* The buffers here are made for the longest that can be drawn. */
static void append(char *text, const char *more)
{
	memcpy(text + strlen(text), more, strlen(more) + 1);
}

/* Of the characters on which something hangs. */
static void draw_field(char *field)
{
	static const char *const pieces[] = {",", "\"", "\"\"", " ", "a", "Z", ";", "'", "\\",
		"\xc3\xa9", "\xf0\x9f\x98\x80", "1"};
	uint32_t n = draw(12);

	field[0] = '\0';
	for (uint32_t i = 0; i < n; i++)
		append(field, pieces[draw(sizeof(pieces) / sizeof(pieces[0]))]);
}

static void write_field(char *text, const char *field)
{
	char *at = text + strlen(text);

	if (!strpbrk(field, ",\"") && draw(2) == 0) {
		append(text, field);
		return;
	}
	*at++ = '"';
	for (; *field; field++) {
		if (*field == '"')
			*at++ = '"';
		*at++ = *field;
	}
	*at++ = '"';
	*at = '\0';
}

static void test_round_trip(void **state)
{
	char fields[FIELDS][FIELD_SIZE], text[4096];
	struct csv_record record;
	struct csv_problem problem;
	struct csv *csv;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t n = 1 + draw(FIELDS);

		text[0] = '\0';
		for (size_t i = 0; i < n; i++) {
			draw_field(fields[i]);
			if (i > 0)
				append(text, ",");
			write_field(text, fields[i]);
		}
		if (!*text)
			continue;
		append(text, draw(2) ? "\r\n" : "\n");
		assert_int_equal(csv_new(text, strlen(text), &csv), 0);
		assert_int_equal(csv_read(csv, &record, &problem), 0);
		assert_int_equal(record.n_fields, n);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(record.fields[i], fields[i]);
		assert_int_equal(csv_read(csv, &record, &problem), CSV_END);
		csv_free(csv);
	}
}

/* Whatever the bytes, each line gives a record or a problem, and reading ends. */
static void test_noise(void **state)
{
	static const char bytes[] = "a,\"\n\r\t \xc3\xa9\xff\xe2\x80\xa8\0\x01";
	char text[64];
	struct csv_record record;
	struct csv_problem problem;
	struct csv *csv;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t length = draw(sizeof(text) - 1), last = 0;
		int r;

		for (size_t i = 0; i < length; i++)
			text[i] = bytes[draw(sizeof(bytes) - 1)];
		text[length] = '\0';
		assert_int_equal(csv_new(text, length, &csv), 0);
		while ((r = csv_read(csv, &record, &problem)) != CSV_END) {
			assert_true(r == 0 || r == CSV_INVALID);
			assert_true(record.line > last);
			last = record.line;
		}
		csv_free(csv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
