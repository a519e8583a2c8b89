#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "table.h"

static void check(const struct octets *out, const char *expected)
{
	char *text;
	size_t length;
	struct octets copy = *out;

	assert_int_equal(octets_take(&copy, &text, &length), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void test_columns_are_as_wide_as_they_must_be(void **state)
{
	static const struct table_column columns[] = {
		{"A", false, 0}, {"NUMBER", true, 0}, {"LAST", false, 0}};
	struct table table = {.columns = columns, .n_columns = 3};
	struct octets out = {0};

	(void)state;
	table_add(&table, "años");
	table_format(&table, "%d", 7);
	table_add(&table, NULL);
	table_add(&table, "b");
	table_add(&table, "1234567");
	table_add(&table, "x");
	assert_true(table_is_whole(&table));
	table_write(&table, 80, &out);
	check(&out, "A      NUMBER  LAST\n"
		    "años        7\n"
		    "b     1234567  x\n");
	table_clear(&table);
}

static void test_the_last_column_is_broken_at_blanks(void **state)
{
	static const struct table_column columns[] = {{"A", false, 0}, {"WORDS", false, 0}};
	struct table table = {.columns = columns, .n_columns = 2};
	struct octets out = {0};

	(void)state;
	table_add(&table, "1");
	table_add(&table, "one two three four five six seven");
	table_add(&table, "2");
	table_add(&table, "a-word-longer-than-the-line");
	table_write(&table, 23, &out);
	check(&out, "A  WORDS\n"
		    "1  one two three four\n"
		    "   five six seven\n"
		    "2  a-word-longer-than-t\n"
		    "   he-line\n");
	table_clear(&table);
}

static void test_what_is_too_wide_is_cut(void **state)
{
	static const struct table_column columns[] = {{"A", false, 4}, {"B", true, 3}};
	struct table table = {.columns = columns, .n_columns = 2};
	struct octets out = {0};

	(void)state;
	table_add(&table, "ñandúes");
	table_add(&table, "12345");
	table_write(&table, 80, &out);
	check(&out, "A       B\n"
		    "ñan…  12…\n");
	table_clear(&table);
}

static void test_csv_is_quoted_where_it_must_be(void **state)
{
	static const struct table_column columns[] = {{"a", false, 2}, {"b", false, 0}};
	struct table table = {.columns = columns, .n_columns = 2};
	struct octets out = {0};

	(void)state;
	table_add(&table, "never cut");
	table_add(&table, "one, two");
	table_add(&table, "");
	table_add(&table, "say \"no\"");
	table_write_csv(&table, &out);
	check(&out, "a,b\n"
		    "never cut,\"one, two\"\n"
		    ",\"say \"\"no\"\"\"\n");
	table_clear(&table);
}

static void test_a_row_that_lacks_cells_is_known(void **state)
{
	static const struct table_column columns[] = {{"a", false, 0}, {"b", false, 0}};
	struct table table = {.columns = columns, .n_columns = 2};

	(void)state;
	assert_true(table_is_whole(&table));
	table_add(&table, "1");
	assert_false(table_is_whole(&table));
	table_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_are_as_wide_as_they_must_be),
		cmocka_unit_test(test_the_last_column_is_broken_at_blanks),
		cmocka_unit_test(test_what_is_too_wide_is_cut),
		cmocka_unit_test(test_csv_is_quoted_where_it_must_be),
		cmocka_unit_test(test_a_row_that_lacks_cells_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
