#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "imip_read_charset.h"
#include "letter_sample.h"
#include "text.h"

struct charset_case {
	const char *label, *bytes;
	size_t n;
	const char *text;
};

#define BYTES(s) s, sizeof(s) - 1

static const struct charset_case cases[] = {
	{NULL, BYTES("abc"), "abc"},
	{"utf-8", BYTES("\xc3\xa9"), "\xc3\xa9"},
	{"utf-8", BYTES("\xef\xbb\xbf\xc3\xa9"), "\xc3\xa9"},
	/* UTF-16 and UTF-32 by their mark, or by what they make of BEGIN */
	{"utf-8",
		BYTES("\xff\xfe"
		      "B\0E\0\xe9\0"),
		"BE\xc3\xa9"},
	{NULL, BYTES("\xfe\xff\0B\0E\0\xe9"), "BE\xc3\xa9"},
	{"us-ascii", BYTES("B\0E\0G\0\xe9\0"), "BEG\xc3\xa9"},
	{"utf-16", BYTES("\0B\0E\0G\0\xe9"), "BEG\xc3\xa9"},
	{"utf-16", BYTES("\xff\xfe\0\0\xe9\0\0\0"), "\xc3\xa9"},
	{"utf-16", BYTES("B\0\0\0E\0\0\0\xe9\0\0\0"), "BE\xc3\xa9"},
	/* the label, when the bytes are not UTF-8; UTF-8, when they are */
	{"iso-8859-1", BYTES("\xe9"), "\xc3\xa9"},
	{"windows-1252", BYTES("\x80\xe9"), "\xe2\x82\xac\xc3\xa9"},
	{"ISO-8859-2", BYTES("\xb1 \xe8"), "\xc4\x85 \xc4\x8d"},
	{"koi8-r", BYTES("\xc1"), "\xd0\xb0"},
	{"shift_jis", BYTES("\x82\xa0"), "\xe3\x81\x82"},
	{"gb2312", BYTES("\xb0\xa1\xb0\xa2"), "\xe5\x95\x8a\xe9\x98\xbf"},
	{"big5", BYTES("\xa4\x40"), "\xe4\xb8\x80"},
	{"euc-kr", BYTES("\xb0\xa1"), "\xea\xb0\x80"},
	{"iso-8859-1", BYTES("\xc3\xa9"), "\xc3\xa9"},
	{"us-ascii", BYTES("\xc3\xa9"), "\xc3\xa9"},
	/* charsets of seven bits look like ASCII */
	{"iso-2022-jp", BYTES("\x1b$B$\"\x1b(B"), "\xe3\x81\x82"},
	{"utf-7", BYTES("+AOk-"), "\xc3\xa9"},
	/* a label that lies, or that nobody knows: Latin-1 */
	{"utf-8", BYTES("a\xe9z"), "a?z"},
	{"iso-4444-5", BYTES("\xe9"), "\xc3\xa9"},
	{NULL, BYTES("\xe9"), "\xc3\xa9"},
	{"", BYTES("\xe9"), "\xc3\xa9"},
	{"\x01/../../x", BYTES("\xe9"), "\xc3\xa9"},
	{"x//IGNORE", BYTES("\xe9"), "\xc3\xa9"},
	/* cut characters */
	{"utf-16le", BYTES("\xe9\0\xe9"), "\xc3\xa9"},
	{"shift_jis", BYTES("\x82\xa0\x82"), "\xe3\x81\x82"},
	{"euc-jp",
		BYTES("\xff"
		      "a"),
		"?a"},
	{NULL, BYTES(""), ""},
};

static void check_all(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t n = 99;

		assert_int_equal(
			imip_read_utf8(cases[i].label, cases[i].bytes, cases[i].n, &text, &n), 0);
		if (n != strlen(cases[i].text) || memcmp(text, cases[i].text, n + 1) != 0)
			fail_msg("case %zu: %s", i, text);
		free(text);
	}
}

static void test_table(void **state)
{
	(void)state;
	check_all();
}

/* As in the sandbox: not one file can be opened any more. */
static void test_without_files(void **state)
{
	int status;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};
		struct letter *letter;

		(void)setrlimit(RLIMIT_NOFILE, &none);
		check_all();
		letter = sample_read(
			"From: =?iso-2022-jp?B?GyRCJCIbKEI=?= <a@agency.example>\r\n"
			"Subject: =?koi8-r?Q?accept?=\r\nDate: Mon, 2 Mar 2026 09:30:00 +0100\r\n"
			"Content-Type: text/plain; charset=big5-hkscs\r\n\r\n\xa4\x40\r\n",
			NULL);
		status = letter->word && strcmp(letter->word, "accept") == 0 ? 0 : 1;
		letter_free(letter);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Any bytes in any charset make UTF-8, and end. */
static void test_random(void **state)
{
	static const char *const labels[] = {NULL, "utf-8", "utf-16", "utf-7", "iso-2022-jp",
		"iso-2022-kr", "gb18030", "big5-hkscs", "euc-tw", "shift_jis", "johab", "tcvn",
		"utf-32"};
	uint64_t seed = UINT64_C(0xc4a53e7);

	(void)state;
	for (size_t i = 0; i < 2600; i++) {
		char bytes[300], *text;
		size_t n;

		for (size_t k = 0; k < sizeof(bytes); k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			bytes[k] = (char)(seed >> 56);
		}
		assert_int_equal(
			imip_read_utf8(labels[i % 13], bytes, sizeof(bytes), &text, &n), 0);
		for (size_t at = 0; at < n;) {
			size_t length = text[at] ? text_character(text + at) : 1;

			assert_true(length > 0);
			at += length;
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_without_files),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, sample_preload, NULL);
}
