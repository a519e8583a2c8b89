#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "mime.h"
#include "octets.h"
#include "text.h"
#include "random_text.h"

static const char *finish(struct octets *out)
{
	octets_add_char(out, '\0');
	assert_false(out->failed);
	return out->data;
}

/* Printable ASCII in CRLF lines of at most 76 octets. */
static void check_lines(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\r\n");

		assert_true(length <= 76);
		for (size_t i = 0; i < length; i++)
			assert_in_range(text[i], 0x20, 0x7e);
		assert_memory_equal(text + length, "\r\n", 2);
		text += length + 2;
	}
}

struct header_case {
	const char *text, *header;
};

static void test_header_text(void **state)
{
	static const struct header_case cases[] = {
		{"Appointment K7Q-4MX", "Subject: Appointment K7Q-4MX\r\n"},
		{"a \"b\" (c) <d>, e: f; g", "Subject: a \"b\" (c) <d>, e: f; g\r\n"},
		/* a word that looks encoded, spaces that folding would change: encoded */
		{"=?utf-8?B?QQ==?=", "Subject: =?utf-8?Q?=3D=3Futf-8=3FB=3FQQ=3D=3D=3F=3D?=\r\n"},
		{"a  b", "Subject: =?utf-8?Q?a__b?=\r\n"},
		{" a", "Subject: =?utf-8?Q?_a?=\r\n"},
		{"a ", "Subject: =?utf-8?Q?a_?=\r\n"},
		{"\xc3\x89t\xc3\xa9", "Subject: =?utf-8?Q?=C3=89t=C3=A9?=\r\n"},
		/* 76 octets stay on one line, 77 do not */
		{"aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggg",
			"Subject: aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff "
			"ggggggg\r\n"},
		{"aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff gggggggg",
			"Subject: aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff\r\n"
			" gggggggg\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets out = {0};

		mime_header_text(&out, "Subject", cases[i].text);
		assert_string_equal(finish(&out), cases[i].header);
		octets_clear(&out);
	}
}

static void test_mailbox(void **state)
{
	static const struct header_case cases[] = {
		{NULL, "To: <a@agency.example>\r\n"},
		{"", "To: <a@agency.example>\r\n"},
		{"Coordinator A", "To: \"Coordinator A\" <a@agency.example>\r\n"},
		{"A, \"B\" \\ <c@d.example>",
			"To: \"A, \\\"B\\\" \\\\ <c@d.example>\" <a@agency.example>\r\n"},
		{"Ren\xc3\xa9", "To: =?utf-8?Q?Ren=C3=A9?=\r\n <a@agency.example>\r\n"},
		{"=?utf-8?Q?x?=",
			"To: =?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?=\r\n <a@agency.example>\r\n"},
		/* too long for one line with its address */
		{"Coordinator with a name that has some length, of office A",
			"To: \"Coordinator with a name that has some length, of office A\"\r\n"
			" <a@agency.example>\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets out = {0};

		mime_header_mailbox(&out, "To", cases[i].text, "a@agency.example");
		assert_string_equal(finish(&out), cases[i].header);
		octets_clear(&out);
	}
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Undoes encoded words only, which is what a text with an accent becomes. */
static void decode_words(const char *header, char *to)
{
	const char *word = header;

	while ((word = strstr(word, "=?utf-8?Q?"))) {
		const char *end = strstr(word + 10, "?="), *start = to;

		assert_non_null(end);
		assert_true(end + 2 - word <= 75);
		for (word += 10; word < end; word++) {
			if (*word == '=') {
				*to++ = (char)(digit(word[1]) * 16 + digit(word[2]));
				word += 2;
			} else {
				*to++ = (char)(*word == '_' ? ' ' : *word);
			}
		}
		/* Each word by itself is whole characters. */
		*to = '\0';
		assert_int_equal(text_check(start, TEXT_LINE, 100), TEXT_FINE);
	}
}

static void test_random_headers(void **state)
{
	uint64_t seed = UINT64_C(0x5eed);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char text[4 * 120 + 8], decoded[4 * 120 + 8];
		struct octets out = {0};

		(void)snprintf(text, sizeof(text), "\xc3\xa9");
		random_text(&seed, text + 2, 120, 0);
		mime_header_text(&out, "Subject", text);
		check_lines(finish(&out));
		decode_words(out.data, decoded);
		assert_string_equal(decoded, text);
		octets_clear(&out);
	}
}

struct quoted_case {
	const char *text, *quoted;
};

static void test_quoted_printable(void **state)
{
	static const struct quoted_case cases[] = {
		{"", ""},
		{"a", "a\r\n"},
		{"a\n", "a\r\n"},
		{"a\n\nb\n", "a\r\n\r\nb\r\n"},
		{"a=b", "a=3Db\r\n"},
		{"\xc3\xa9", "=C3=A9\r\n"},
		{"a \nb", "a=20\r\nb\r\n"},
		{" ", "=20\r\n"},
		{"a b", "a b\r\n"},
		{".", "=2E\r\n"},
		{"a\n.b\n..", "a\r\n=2Eb\r\n=2E.\r\n"},
		{"From here\nFrom", "=46rom here\r\nFrom\r\n"},
		/* 75 plain octets and the soft break's "=" are 76 */
		{"123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345",
			"123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
			"12345\r\n"},
		{"123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456",
			"123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
			"12345=\r\n6\r\n"},
		/* a dot that a soft break puts at the start of a line */
		{"123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345.",
			"123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
			"12345=\r\n=2E\r\n"},
		{"123456789 123456789 123456789 123456789 123456789 123456789 123456789 123=",
			"123456789 123456789 123456789 123456789 123456789 123456789 123456789 "
			"123=\r\n=3D\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct octets out = {0};

		mime_quoted_printable(&out, cases[i].text, strlen(cases[i].text));
		assert_string_equal(finish(&out), cases[i].quoted);
		octets_clear(&out);
	}
}

/* By RFC 2045, with LF for CRLF; fails on white space at the end of a line. */
static void decode_quoted(const char *text, char *to)
{
	const char *start = text;

	while (*text) {
		if (strncmp(text, "=\r\n", 3) == 0) {
			text += 3;
		} else if (*text == '=') {
			*to++ = (char)(digit(text[1]) * 16 + digit(text[2]));
			text += 3;
		} else if (*text == '\r') {
			assert_true(text == start || text[-1] != ' ');
			*to++ = '\n';
			text += 2;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static void test_random_bodies(void **state)
{
	uint64_t seed = UINT64_C(0xb0d1e5);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char text[4 * 300 + 2], decoded[4 * 300 + 2];
		struct octets out = {0};

		random_text(&seed, text, 300, 1);
		mime_quoted_printable(&out, text, strlen(text));
		check_lines(finish(&out));
		decode_quoted(out.data, decoded);
		/* Whether or not the text ends in a line feed, the body does. */
		assert_memory_equal(decoded, text, strlen(text));
		if (text[strlen(text) - 1] == '\n')
			assert_int_equal(strlen(decoded), strlen(text));
		else
			assert_string_equal(decoded + strlen(text), "\n");
		octets_clear(&out);
	}
}

static void test_base64(void **state)
{
	char data[200];

	(void)state;
	for (size_t length = 0; length <= sizeof(data); length++) {
		unsigned char one_line[300];
		struct octets out = {0};
		char *to;

		for (size_t i = 0; i < length; i++)
			data[i] = (char)(i * 37);
		mime_base64(&out, data, length);
		check_lines(finish(&out));
		(void)EVP_EncodeBlock(one_line, (unsigned char *)data, (int)length);
		to = out.data;
		for (const char *c = out.data; *c; c++) {
			if (*c != '\r' && *c != '\n')
				*to++ = *c;
		}
		*to = '\0';
		assert_string_equal(out.data, (char *)one_line);
		octets_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_text),
		cmocka_unit_test(test_mailbox),
		cmocka_unit_test(test_random_headers),
		cmocka_unit_test(test_quoted_printable),
		cmocka_unit_test(test_random_bodies),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
