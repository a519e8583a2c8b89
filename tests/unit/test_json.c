/* json: escapes, commas, and the refusal of what is no text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "json.h"

static void check_string(const char *text, const char *expected)
{
	struct json json = {0};
	char *written;

	json_text(&json, text);
	assert_int_equal(json_take(&json, &written), 0);
	assert_string_equal(written, expected);
	free(written);
}

static void test_strings(void **state)
{
	(void)state;
	check_string("", "\"\"");
	check_string(NULL, "null");
	check_string("a\"b\\c/", "\"a\\\"b\\\\c/\"");
	check_string("\x01\n\t\x1f\x7f", "\"\\u0001\\u000a\\u0009\\u001f\x7f\"");
	check_string("\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void test_structure(void **state)
{
	struct json json = {0};
	char *written;

	(void)state;
	json_open(&json, '[');
	json_open(&json, '{');
	json_key(&json, "a");
	json_number(&json, -9223372036854775807LL - 1);
	json_key(&json, "b");
	json_open(&json, '[');
	json_close(&json, ']');
	json_key(&json, "c");
	json_truth(&json, false);
	json_close(&json, '}');
	json_open(&json, '{');
	json_close(&json, '}');
	json_text(&json, "x");
	json_close(&json, ']');
	assert_int_equal(json_take(&json, &written), 0);
	assert_string_equal(
		written, "[{\"a\":-9223372036854775808,\"b\":[],\"c\":false},{},\"x\"]");
	free(written);
}

static void test_no_text(void **state)
{
	static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80"};
	struct json json = {0};
	char *written;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_open(&json, '[');
		json_text(&json, bad[i]);
		json_close(&json, ']');
		assert_int_equal(json_take(&json, &written), -EILSEQ);
		/* The writer is empty again and can be used. */
		json_number(&json, 1);
		assert_int_equal(json_take(&json, &written), 0);
		assert_string_equal(written, "1");
		free(written);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_no_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
