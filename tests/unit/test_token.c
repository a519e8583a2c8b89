#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/err.h>

#include "token.h"

#define KEY_A  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B  "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define HANDLE "abcdefghijklm"
#define UID    "0d1b1c0e-7d1f-4b8b-9c34-6f9b0f5a8f11"

struct key_file {
	char path[64];
	struct token_keys *keys;
	char error[200];
};

static void write_file(struct key_file *file, const char *text, size_t length)
{
	int fd;

	(void)snprintf(file->path, sizeof(file->path), "/tmp/test_token.XXXXXX");
	fd = mkstemp(file->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	(void)close(fd);
}

static int read_bytes(struct key_file *file, const char *text, size_t length)
{
	int r;

	file->keys = NULL;
	file->error[0] = '\0';
	write_file(file, text, length);
	r = token_keys_read(file->path, &file->keys, file->error, sizeof(file->error));
	(void)unlink(file->path);
	return r;
}

static int read_text(struct key_file *file, const char *text)
{
	return read_bytes(file, text, strlen(text));
}

static struct token_keys *keys_of(const char *text)
{
	struct key_file file;

	if (read_text(&file, text) != 0)
		fail_msg("%s", file.error);
	return file.keys;
}

struct file_case {
	const char *text;
	const char *problem; /* part of the line of text; NULL: it is read */
};

static void test_key_files(void **state)
{
	static const struct file_case cases[] = {
		{"k1 " KEY_A "\n", NULL},
		{"k1 " KEY_A, NULL}, /* the last line may be open */
		{"# c\n\n \t\nk1 " KEY_A "\n#\nk0\t " KEY_B " \n", NULL},
		{"k1 " KEY_A KEY_A KEY_A KEY_A "\n", NULL},
		{"0123456789abcdef " KEY_A "\n", NULL},
		{"k1 FFEEDDCCBBAA99887766554433221100FFEEDDCCBBAA99887766554433221100\n", NULL},
		{"", "holds no key"},
		{"# only a comment\n", "holds no key"},
		{"k1\n", ":1: expected"},
		{"k1 \n", ":1: a key has 64"},
		{KEY_A "\n", ":1: expected"},
		{"k1:" KEY_A "\n", ":1: expected"},
		{"K1 " KEY_A "\n", ":1: expected"},
		{" k1 " KEY_A "\n", ":1: expected"},
		{"0123456789abcdef0 " KEY_A "\n", ":1: expected"},
		{"k-1 " KEY_A "\n", ":1: expected"},
		{"# c\nk1 " KEY_A "0\n", ":2: a key has 64"},
		{"k1 0102\n", ":1: a key has 64"},
		{"k1 " KEY_A KEY_A KEY_A KEY_A "00\n", ":1: a key has 64"},
		{"k1 zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
			":1: the key is not hexadecimal"},
		{"k1 00 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
			":1: something stands behind"},
		{"k1 " KEY_A " # comment\n", ":1: something stands behind"},
		{"k1 " KEY_A "\r\n", ":1: carriage return"},
		{"k1 " KEY_A "\nk1 " KEY_B "\n", ":2: this key id stands in the file twice"},
		{"k1 " KEY_A "\nk2 zz\n", ":2: a key has 64"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct key_file file;
		int r = read_text(&file, cases[i].text);

		if (r != (cases[i].problem ? TOKEN_INVALID : 0))
			fail_msg("case %zu: %d %s", i, r, file.error);
		if (cases[i].problem && !strstr(file.error, cases[i].problem))
			fail_msg("case %zu: %s", i, file.error);
		if (cases[i].problem)
			assert_null(file.keys);
		/* No part of a key may come into a log. */
		assert_null(strstr(file.error, "0102"));
		file.keys = token_keys_free(file.keys);
	}
	assert_int_equal(ERR_peek_error(), 0); /* it would be blamed on a TLS connection */
}

static void test_odd_files(void **state)
{
	struct key_file file;
	char *large = malloc(100000);
	char many[70 * 80] = "";

	(void)state;
	assert_int_equal(read_bytes(&file, "k1 " KEY_A "\n\0", 69), TOKEN_INVALID);
	assert_non_null(strstr(file.error, "NUL"));
	assert_non_null(large);
	memset(large, '\n', 100000);
	assert_int_equal(read_bytes(&file, large, 100000), TOKEN_INVALID);
	assert_non_null(strstr(file.error, "too large"));
	free(large);
	for (int i = 0; i < 65; i++)
		(void)snprintf(
			many + strlen(many), sizeof(many) - strlen(many), "k%d " KEY_A "\n", i);
	assert_int_equal(read_text(&file, many), TOKEN_INVALID);
	assert_non_null(strstr(file.error, ":65: more than 64 keys"));
}

static void test_file_access(void **state)
{
	struct key_file file = {.keys = NULL};

	(void)state;
	assert_int_equal(
		token_keys_read("/nonexistent/keys", &file.keys, file.error, sizeof(file.error)),
		-ENOENT);
	assert_string_equal(file.error, "/nonexistent/keys: No such file or directory");
	assert_int_equal(
		token_keys_read("/tmp", &file.keys, file.error, sizeof(file.error)), TOKEN_INVALID);
	write_file(&file, "k1 " KEY_A "\n", 68);
	assert_int_equal(chmod(file.path, 0644), 0);
	assert_int_equal(token_keys_read(file.path, &file.keys, file.error, sizeof(file.error)),
		TOKEN_INVALID);
	assert_non_null(strstr(file.error, "chmod o-rwx"));
	assert_int_equal(chmod(file.path, 0440), 0);
	assert_int_equal(token_keys_read(file.path, &file.keys, file.error, sizeof(file.error)), 0);
	(void)token_keys_free(file.keys);
	(void)unlink(file.path);
	assert_int_equal(mkfifo(file.path, 0600), 0);
	assert_int_equal(token_keys_read(file.path, &file.keys, file.error, sizeof(file.error)),
		TOKEN_INVALID);
	(void)unlink(file.path);
}

/* Made with another program (Python: hmac and base64), so that the form can never change unseen. */
static void test_known_tokens(void **state)
{
	struct token_keys *keys = keys_of("k1 " KEY_A "\n");
	char token[TOKEN_LENGTH + 1];

	(void)state;
	for (int i = 0; i < 3; i++) { /* the same context serves again and again */
		assert_int_equal(token_make(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), 0);
		assert_string_equal(token, "abcdefghijklmcxcxgrl7fyglkjpbo6cr");
		assert_int_equal(token_make(keys, "k1", TOKEN_BOUNCE, HANDLE, UID, token), 0);
		assert_string_equal(token, "abcdefghijklmos56opzjjpeebymxmuru");
	}
	(void)token_keys_free(keys);
}

static void test_current_key(void **state)
{
	struct token_keys *keys = keys_of("new " KEY_A "\nold " KEY_B "\n");
	char token[TOKEN_LENGTH + 1], other[TOKEN_LENGTH + 1];

	(void)state;
	assert_string_equal(token_keys_current(keys), "new");
	assert_int_equal(token_make(keys, "new", TOKEN_ANSWER, HANDLE, UID, token), 0);
	assert_int_equal(token_make(keys, "old", TOKEN_ANSWER, HANDLE, UID, other), 0);
	assert_string_not_equal(token, other);
	assert_int_equal(
		token_make(keys, "none", TOKEN_ANSWER, HANDLE, UID, token), TOKEN_UNKNOWN_KEY);
	assert_int_equal(
		token_check(keys, "none", TOKEN_ANSWER, HANDLE, UID, token), TOKEN_UNKNOWN_KEY);
	(void)token_keys_free(keys);
}

/* The same key under two ids gives two tokens: the id is part of what is signed. */
static void test_key_id_counts(void **state)
{
	struct token_keys *keys = keys_of("k1 " KEY_A "\nk2 " KEY_A "\n");
	char token[TOKEN_LENGTH + 1];

	(void)state;
	assert_int_equal(token_make(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), 0);
	assert_int_equal(token_check(keys, "k2", TOKEN_ANSWER, HANDLE, UID, token), TOKEN_INVALID);
	(void)token_keys_free(keys);
}

static void test_check(void **state)
{
	struct token_keys *keys = keys_of("k1 " KEY_A "\n");
	char token[TOKEN_LENGTH + 2], upper[TOKEN_LENGTH + 1];

	(void)state;
	assert_int_equal(token_make(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), 0);
	assert_int_equal(token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), 0);
	for (size_t i = 0; i <= TOKEN_LENGTH; i++)
		upper[i] = (char)(token[i] >= 'a' ? token[i] - 32 : token[i]);
	assert_int_equal(token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID, upper), 0);
	assert_int_equal(token_check(keys, "k1", TOKEN_BOUNCE, HANDLE, UID, token), TOKEN_INVALID);
	assert_int_equal(
		token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID "x", token), TOKEN_INVALID);
	assert_int_equal(
		token_check(keys, "k1", TOKEN_ANSWER, "abcdefghijkl2", UID, token), TOKEN_INVALID);
	for (size_t i = 0; i < TOKEN_LENGTH; i++) {
		char kept = token[i];

		token[i] = kept == '2' ? '3' : '2';
		assert_int_equal(
			token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), TOKEN_INVALID);
		token[i] = kept;
	}
	memcpy(token + TOKEN_LENGTH, "a", 2);
	assert_int_equal(token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), TOKEN_INVALID);
	token[TOKEN_LENGTH - 1] = '\0';
	assert_int_equal(token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID, token), TOKEN_INVALID);
	assert_int_equal(token_check(keys, "k1", TOKEN_ANSWER, HANDLE, UID, ""), TOKEN_INVALID);
	(void)token_keys_free(keys);
}

static void test_handles(void **state)
{
	static const char *const wrong[] = {"", "abcdefghijkl", "abcdefghijklmn", "abcdefghijkl1",
		"abcdefghijklM", "abcdefghijkl@", "abcdefghijkl8", NULL};
	struct token_keys *keys = keys_of("k1 " KEY_A "\n");
	char token[TOKEN_LENGTH + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(
			token_make(keys, "k1", TOKEN_ANSWER, wrong[i], UID, token), TOKEN_INVALID);
	assert_int_equal(token_make(keys, "k1", TOKEN_ANSWER, "234567zyxwvut", UID, token), 0);
	(void)token_keys_free(keys);
}

/* All 100 bits are used: over many tokens each character of the MAC takes each value. */
static void test_spread(void **state)
{
	struct token_keys *keys = keys_of("k1 " KEY_A "\n");
	char token[TOKEN_LENGTH + 1], subject[32];
	int seen[TOKEN_LENGTH][128] = {{0}};

	(void)state;
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(subject, sizeof(subject), "subject %d", i);
		assert_int_equal(token_make(keys, "k1", TOKEN_ANSWER, HANDLE, subject, token), 0);
		assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyz234567"), TOKEN_LENGTH);
		for (size_t at = 0; at < TOKEN_LENGTH; at++)
			seen[at][(int)token[at]] = 1;
	}
	for (size_t at = TOKEN_HANDLE_LENGTH; at < TOKEN_LENGTH; at++) {
		int values = 0;

		for (int c = 0; c < 128; c++)
			values += seen[at][c];
		assert_int_equal(values, 32);
	}
	(void)token_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_files),
		cmocka_unit_test(test_odd_files),
		cmocka_unit_test(test_file_access),
		cmocka_unit_test(test_known_tokens),
		cmocka_unit_test(test_current_key),
		cmocka_unit_test(test_key_id_counts),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
