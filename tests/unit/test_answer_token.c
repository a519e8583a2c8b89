#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "answer/answer_token.h"

#define TOKEN "abcdefghijklmnopqrstuvwxyz2345677"
#define OTHER "7abcdefghijklmnopqrstuvwxyz234567"

static void test_what_is_a_token(void **state)
{
	static const struct {
		const char *address;
		int purpose; /* -1: none */
	} addresses[] = {
		{"vacd+" TOKEN "@example.org", TOKEN_ANSWER},
		{"vacd-b+" TOKEN "@example.org", TOKEN_BOUNCE},
		{"VACD-B+ABCDEFGHIJKLMNOPQRSTUVWXYZ2345677@EXAMPLE.ORG", TOKEN_BOUNCE},
		{"vacd+ABCDEFGHIJKLMNOPQRSTUVWXYZ2345677@example.org", TOKEN_ANSWER},
		{"some.body-else+" TOKEN "@elsewhere.example", TOKEN_ANSWER},
		{"vacd-" TOKEN "@example.org", TOKEN_ANSWER},
		{"vacd=" TOKEN "@example.org", TOKEN_ANSWER},
		{"vacd." TOKEN "@example.org", TOKEN_ANSWER},
		{"vacd#" TOKEN "@example.org", TOKEN_ANSWER},
		{"vacd-b_" TOKEN "@example.org", TOKEN_BOUNCE},
		{"vacd-b-" TOKEN "@example.org", TOKEN_BOUNCE},
		{"vacdb+" TOKEN "@example.org", TOKEN_ANSWER},
		{"b+" TOKEN "@example.org", TOKEN_ANSWER},
		{"-b+" TOKEN "@example.org", TOKEN_BOUNCE},
		{"+" TOKEN "@example.org", TOKEN_ANSWER},
		{"vacd+" TOKEN, TOKEN_ANSWER},
		{"\"a@b\"+" TOKEN "@example.org", TOKEN_ANSWER},
		{"", -1},
		{"@", -1},
		{"vacd@example.org", -1},
		{TOKEN "@example.org", -1},
		{"vacd" TOKEN "@example.org", -1},
		{"vacd:" TOKEN "@example.org", -1},
		{"vacd+a" TOKEN "@example.org", -1},
		{"vacd+bcdefghijklmnopqrstuvwxyz2345677@example.org", -1},
		{"vacd+1bcdefghijklmnopqrstuvwxyz2345677@example.org", -1},
		{"vacd+abcdefghijklmnopqrstuvwxyz234567\xc3@example.org", -1},
		{"vacd@" TOKEN "+" TOKEN, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct answer_tokens tokens = {.n = 0};

		answer_tokens_add(&tokens, addresses[i].address);
		if ((int)tokens.n != (addresses[i].purpose >= 0))
			fail_msg("%s: %zu tokens", addresses[i].address, tokens.n);
		if (tokens.n == 0)
			continue;
		if ((int)tokens.list[0].purpose != addresses[i].purpose)
			fail_msg("%s: the other purpose", addresses[i].address);
		assert_string_equal(tokens.list[0].token, TOKEN);
		assert_string_equal(tokens.list[0].handle, "abcdefghijklm");
	}
}

static void test_each_once_in_their_order(void **state)
{
	struct answer_tokens tokens = {.n = 0};

	(void)state;
	answer_tokens_add(&tokens, "vacd+" OTHER "@example.org");
	answer_tokens_add(&tokens, "vacd+" TOKEN "@example.org");
	answer_tokens_add(&tokens, "Vacd+" OTHER "@elsewhere.example");
	answer_tokens_add(&tokens, "vacd-b+" OTHER "@example.org");
	assert_int_equal(tokens.n, 3);
	assert_string_equal(tokens.list[0].token, OTHER);
	assert_string_equal(tokens.list[1].token, TOKEN);
	assert_int_equal(tokens.list[2].purpose, TOKEN_BOUNCE);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	struct answer_tokens tokens = {.n = 0};

	(void)state;
	for (int i = 0; i < 2 * ANSWER_TOKENS_MAX; i++) {
		char address[80];

		snprintf(address, sizeof(address),
			"vacd+%c%c"
			"cdefghijklmnopqrstuvwxyz2345677@e.org",
			'a' + i / 26, 'a' + i % 26);
		answer_tokens_add(&tokens, address);
	}
	assert_int_equal(tokens.n, ANSWER_TOKENS_MAX);
	assert_memory_equal(tokens.list[0].token, "aacd", 4);
}

static void test_words_of_the_database(void **state)
{
	(void)state;
	assert_string_equal(answer_token_purpose(TOKEN_ANSWER), "answer");
	assert_string_equal(answer_token_purpose(TOKEN_BOUNCE), "bounce");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_a_token),
		cmocka_unit_test(test_each_once_in_their_order),
		cmocka_unit_test(test_no_more_than_there_is_room_for),
		cmocka_unit_test(test_words_of_the_database),
	};

	return cmocka_run_group_tests_name("answer_token", tests, NULL, NULL);
}
