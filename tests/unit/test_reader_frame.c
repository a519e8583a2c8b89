#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reader/reader_frame.h"

/* ---- requests ------------------------------------------------------------------------------- */

static void test_requests_come_back_as_they_were(void **state)
{
	static const struct reader_request requests[] = {
		{0, 0, 0, 0},
		{1, READER_MAIL_MAX, -1, INT64_MAX},
		{UINT32_MAX, 77, INT64_MIN, 1798000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		unsigned char head[READER_REQUEST_SIZE];
		struct reader_request back;

		reader_request_write(&requests[i], head);
		assert_int_equal(reader_request_read(head, &back), 0);
		assert_memory_equal(&back, &requests[i], sizeof(back));
	}
}

static void test_a_request_out_of_step_is_refused(void **state)
{
	const struct reader_request longer = {1, READER_MAIL_MAX + 1, 0, 0}, fine = {1, 1, 0, 0};
	unsigned char head[READER_REQUEST_SIZE];
	struct reader_request back;

	(void)state;
	reader_request_write(&longer, head);
	assert_int_equal(reader_request_read(head, &back), READER_FRAME_INVALID);
	for (size_t i = 0; i < 4; i++) {
		reader_request_write(&fine, head);
		head[i] ^= 1;
		assert_int_equal(reader_request_read(head, &back), READER_FRAME_INVALID);
	}
}

/* ---- answers -------------------------------------------------------------------------------- */

static size_t write_answer(
	char *bytes, uint32_t number, enum reader_word word, const char *text, size_t length)
{
	const struct reader_answer answer = {.number = number, .word = word, .length = length};
	unsigned char head[READER_ANSWER_SIZE];

	reader_answer_write(&answer, head);
	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + sizeof(head), text, length);
	return sizeof(head) + length;
}

static void test_an_answer_is_there_when_all_of_it_is(void **state)
{
	static const char text[] = "a@example.org\n\n{}";
	char bytes[100] = {0};
	const size_t n = write_answer(bytes, 7, READER_SAYS_RECORD, text, strlen(text));
	struct reader_answer answer;
	size_t used;

	(void)state;
	for (size_t some = 0; some < n; some++)
		assert_int_equal(
			reader_answer_read(bytes, some, &answer, &used), READER_FRAME_MORE);
	/* What lies behind it is the next one's. */
	for (size_t some = n; some <= sizeof(bytes); some++) {
		used = 0;
		assert_int_equal(reader_answer_read(bytes, some, &answer, &used), 0);
		assert_int_equal(used, n);
		assert_int_equal(answer.number, 7);
		assert_int_equal(answer.word, READER_SAYS_RECORD);
		assert_int_equal(answer.length, strlen(text));
		assert_memory_equal(answer.text, text, strlen(text));
	}
}

static void test_every_word_and_the_longest_text(void **state)
{
	char *text = calloc(1, READER_TEXT_MAX), *bytes = malloc(READER_TEXT_MAX + 100);

	(void)state;
	assert_non_null(text);
	assert_non_null(bytes);
	for (int word = READER_SAYS_READY; word <= READER_SAYS_DIED; word++)
		for (size_t length = 0; length <= READER_TEXT_MAX; length += READER_TEXT_MAX) {
			size_t n = write_answer(bytes, 1, (enum reader_word)word, text, length),
			       used;
			struct reader_answer answer;

			assert_int_equal(reader_answer_read(bytes, n, &answer, &used), 0);
			assert_int_equal(answer.word, word);
			assert_int_equal(answer.length, length);
		}
	free(text);
	free(bytes);
}

static int read_head(const char bytes[READER_ANSWER_SIZE])
{
	struct reader_answer answer;
	size_t used;

	return reader_answer_read(bytes, READER_ANSWER_SIZE, &answer, &used);
}

static void test_nonsense_is_noticed_by_its_head(void **state)
{
	char bytes[READER_ANSWER_SIZE];

	(void)state;
	write_answer(bytes, 1, READER_SAYS_DIED, "", 0);
	assert_int_equal(read_head(bytes), 0);
	for (size_t i = 0; i < 4; i++) {
		bytes[i] ^= 0x40;
		assert_int_equal(read_head(bytes), READER_FRAME_INVALID);
		bytes[i] ^= 0x40;
	}
	for (int word = 0; word < 256; word++) {
		bytes[8] = (char)word;
		assert_int_equal(
			read_head(bytes), word >= READER_SAYS_READY && word <= READER_SAYS_DIED
						  ? 0
						  : READER_FRAME_INVALID);
	}
	write_answer(bytes, 1, READER_SAYS_DIED, "", 0);
	bytes[9] = 2; /* 128 KiB */
	assert_int_equal(read_head(bytes), READER_FRAME_INVALID);
	bytes[9] = 1;
	assert_int_equal(read_head(bytes), READER_FRAME_MORE);
}

/* ---- the text of a record ------------------------------------------------------------------- */

static bool split(const char *text, size_t length, struct reader_text *parts)
{
	static char room[2 * READER_TEXT_MAX];

	memcpy(room, text, length);
	memset(room + length, 'x', 8); /* the end is at length, whatever lies behind it */
	return reader_text_split(room, length, parts);
}

static void test_lines_and_json(void **state)
{
	static const char text[] = "a@example.org\nvacd+x@example.org\n\n{\"a\": \"\xc3\xa9\"}";
	struct reader_text parts;

	(void)state;
	assert_true(split(text, strlen(text), &parts));
	assert_int_equal(parts.n_addresses, 2);
	assert_string_equal(parts.addresses[0], "a@example.org");
	assert_string_equal(parts.addresses[1], "vacd+x@example.org");
	assert_string_equal(parts.json, "{\"a\": \"\xc3\xa9\"}");
	assert_true(split("\n{}", 3, &parts));
	assert_int_equal(parts.n_addresses, 0);
	assert_string_equal(parts.json, "{}");
}

static void test_other_forms_are_refused(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} texts[] = {
		{"", 0},
		{"\n", 1},
		{"{}", 2},
		{"a\n{}", 4},
		{"a\n", 2},
		{"\n\n{}", 4},
		{"\n[]", 3},
		{"\n{", 2},
		{"\n}", 2},
		{"\n{} ", 4},
		{"\n{\0}", 4},
		{"\n{\xff}", 4},
		{"\n{\xc3}", 4},
		{"\n{\xed\xa0\x80}", 6},
		{"a\0b\n\n{}", 7},
		{"\xc3\n\n{}", 5},
	};
	struct reader_text parts;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (split(texts[i].text, texts[i].length, &parts))
			fail_msg("text %zu was taken", i);
}

/* n lines of so many octets, and a JSON of so many. */
static bool split_of(size_t n, size_t octets, size_t json, size_t *n_addresses)
{
	static char text[2 * READER_TEXT_MAX];
	size_t length = 0;
	struct reader_text parts = {.n_addresses = 0};
	bool taken;

	for (size_t i = 0; i < n; i++) {
		memset(text + length, 'a', octets);
		length += octets;
		text[length++] = '\n';
	}
	text[length++] = '\n';
	memset(text + length, ' ', json);
	text[length] = '{';
	text[length + json - 1] = '}';
	length += json;
	taken = split(text, length, &parts);
	*n_addresses = parts.n_addresses;
	return taken;
}

static void test_limits(void **state)
{
	size_t n;

	(void)state;
	assert_true(split_of(READER_ADDRESSES_MAX, READER_ADDRESS_MAX, READER_RECORD_MAX, &n));
	assert_int_equal(n, READER_ADDRESSES_MAX);
	assert_false(split_of(READER_ADDRESSES_MAX + 1, 1, 2, &n));
	assert_false(split_of(1, READER_ADDRESS_MAX + 1, 2, &n));
	assert_false(split_of(0, 0, READER_RECORD_MAX + 1, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_come_back_as_they_were),
		cmocka_unit_test(test_a_request_out_of_step_is_refused),
		cmocka_unit_test(test_an_answer_is_there_when_all_of_it_is),
		cmocka_unit_test(test_every_word_and_the_longest_text),
		cmocka_unit_test(test_nonsense_is_noticed_by_its_head),
		cmocka_unit_test(test_lines_and_json),
		cmocka_unit_test(test_other_forms_are_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("reader_frame", tests, NULL, NULL);
}
