#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "head_file.h"
#include "signature.h"

static char folder[64], private_path[100], public_path[100], heads_path[100];

static void write_keys(EVP_PKEY *pkey)
{
	FILE *file;

	assert_non_null(pkey);
	file = fopen(private_path, "we");
	assert_true(file && PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL));
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(private_path, 0600), 0);
	file = fopen(public_path, "we");
	assert_true(file && PEM_write_PUBKEY(file, pkey));
	assert_int_equal(fclose(file), 0);
	EVP_PKEY_free(pkey);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/vacd-signature-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(private_path, sizeof(private_path), "%s/key", folder);
	snprintf(public_path, sizeof(public_path), "%s/pub", folder);
	snprintf(heads_path, sizeof(heads_path), "%s/heads", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(private_path);
	unlink(public_path);
	unlink(heads_path);
	return rmdir(folder);
}

static struct signature_key *read_private(void)
{
	struct signature_key *key = NULL;
	char why[300] = "";

	if (signature_key_read(private_path, &key, why, sizeof(why)))
		fail_msg("refused: %s", why);
	return key;
}

static struct signature_key *read_public(void)
{
	struct signature_key *key = NULL;
	char why[300] = "";

	if (signature_public_read(public_path, &key, why, sizeof(why)))
		fail_msg("refused: %s", why);
	return key;
}

static void check_pair(EVP_PKEY *pkey)
{
	struct signature_key *private, *public;
	char line[SIGNATURE_LINE], small[40], *digit;

	write_keys(pkey);
	private = read_private();
	public = read_public();
	assert_string_equal(signature_key_name(private), signature_key_name(public));
	assert_int_equal(strlen(signature_key_name(public)), 16);
	assert_int_equal(signature_sign(private, "vacd-head-1 number=17", line, sizeof(line)), 0);
	assert_int_equal(signature_check(public, line), 0);
	assert_int_equal(
		signature_sign(private, "vacd-head-1 number=17", small, sizeof(small)), -ENOSPC);
	digit = strchr(line, '7');
	*digit = '8';
	assert_int_equal(signature_check(public, line), SIGNATURE_INVALID);
	*digit = '7';
	line[strlen(line) - 5] ^= 1;
	assert_int_equal(signature_check(public, line), SIGNATURE_INVALID);
	signature_key_free(private);
	signature_key_free(public);
}

static void test_ed25519(void **state)
{
	(void)state;
	check_pair(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

static void test_ec(void **state)
{
	(void)state;
	check_pair(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	check_pair(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
}

static void test_other_keys_and_lines(void **state)
{
	struct signature_key *key, *other;
	char line[SIGNATURE_LINE];

	(void)state;
	write_keys(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	key = read_private();
	write_keys(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	other = read_public();
	assert_int_equal(signature_sign(key, "vacd-head-1 number=1", line, sizeof(line)), 0);
	assert_int_equal(signature_check(other, line), SIGNATURE_OTHER_KEY);
	assert_int_equal(signature_check(key, ""), SIGNATURE_INVALID);
	assert_int_equal(signature_check(key, "vacd-head-1 number=1"), SIGNATURE_INVALID);
	assert_int_equal(signature_check(key, "vacd-head-1 signature="), SIGNATURE_INVALID);
	assert_int_equal(signature_check(key, "vacd-head-1 signature=AAAA"), SIGNATURE_INVALID);
	assert_int_equal(
		signature_check(key, "vacd-head-1 key=x signature=????"), SIGNATURE_INVALID);
	signature_key_free(key);
	signature_key_free(other);
}

static void refused(const char *words)
{
	struct signature_key *key = NULL;
	char why[300] = "";

	assert_int_not_equal(signature_key_read(private_path, &key, why, sizeof(why)), 0);
	assert_null(key);
	if (!strstr(why, words))
		fail_msg("'%s' is not in: %s", words, why);
}

static void test_files_that_are_no_keys(void **state)
{
	FILE *file;

	(void)state;
	unlink(private_path);
	refused("No such file");
	write_keys(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	assert_int_equal(chmod(private_path, 0604), 0);
	refused("chmod o-rwx");
	write_keys(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048));
	refused("neither an Ed25519 nor an EC key");
	file = fopen(private_path, "we");
	assert_non_null(file);
	assert_true(
		fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	refused("holds no private key");
}

static void test_values(void **state)
{
	char value[8];

	(void)state;
	assert_int_equal(signature_value("form a=1 bb=22 b=3", "b", value, sizeof(value)), 0);
	assert_string_equal(value, "3");
	assert_int_equal(signature_value("form a=", "a", value, sizeof(value)), 0);
	assert_string_equal(value, "");
	assert_int_equal(signature_value("a=1", "a", value, sizeof(value)), SIGNATURE_INVALID);
	assert_int_equal(
		signature_value("form a=12345678", "a", value, sizeof(value)), SIGNATURE_INVALID);
}

/* ---- the file of heads ---------------------------------------------------------------------- */

static void add_head(const struct signature_key *key, int number, const char *at)
{
	char text[100], line[SIGNATURE_LINE];

	snprintf(text, sizeof(text), "vacd-head-1 number=%d at=%s", number, at);
	assert_int_equal(signature_sign(key, text, line, sizeof(line)), 0);
	assert_int_equal(head_file_add(heads_path, line), 0);
}

static void numbers_are(const char *expected)
{
	FILE *file = fopen(heads_path, "re");
	char line[SIGNATURE_LINE], number[16], numbers[200] = "";

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(signature_value(line, "number", number, sizeof(number)), 0);
		strcat(strcat(numbers, number), " ");
	}
	fclose(file);
	assert_string_equal(numbers, expected);
}

/* With a head each second two days would be more than is ever read again. */
static void test_many_heads_are_thinned_at_once(void **state)
{
	struct signature_key *key;
	struct stat status;
	FILE *file;

	(void)state;
	unlink(heads_path);
	write_keys(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	key = read_private();
	file = fopen(heads_path, "we");
	assert_non_null(file);
	for (int n = 1; n <= 30000; n++)
		assert_true(
			fprintf(file, "vacd-head-1 number=%d at=2026-11-03T08:00:00Z x=%0250d\n",
				n == 15000 ? 70000 : n, 0)
			> 0);
	assert_int_equal(fclose(file), 0);
	add_head(key, 70001, "2026-11-03T09:00:00Z");
	assert_int_equal(stat(heads_path, &status), 0);
	assert_true(status.st_size < 2000);
	numbers_are("70000 30000 70001 ");
	signature_key_free(key);
}

static void test_heads_of_old_days_are_thinned(void **state)
{
	struct signature_key *key;
	char line[SIGNATURE_LINE], number[16];
	FILE *file;

	(void)state;
	unlink(heads_path);
	write_keys(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	key = read_private();
	assert_int_equal(head_file_highest(heads_path, key, line, sizeof(line)), 0);
	assert_string_equal(line, "");
	add_head(key, 1, "2026-11-01T08:00:00Z");
	add_head(key, 2, "2026-11-01T09:00:00Z");
	add_head(key, 9, "2026-11-03T08:00:00Z");
	add_head(key, 4, "2026-11-03T09:00:00Z");
	numbers_are("1 2 9 4 ");
	add_head(key, 5, "2026-11-04T08:00:00Z");
	add_head(key, 6, "2026-11-04T09:00:00Z");
	numbers_are("2 9 4 5 6 ");
	assert_int_equal(head_file_highest(heads_path, key, line, sizeof(line)), 0);
	assert_int_equal(signature_value(line, "number", number, sizeof(number)), 0);
	assert_string_equal(number, "9");
	/* What a crash left: half a line. Nobody signed the other one. */
	file = fopen(heads_path, "ae");
	assert_non_null(file);
	assert_true(
		fputs("vacd-head-1 number=77 at=2026-11-04T09:30:00Z key=x signature=AAAA\nvacd-he",
			file)
		>= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(head_file_highest(heads_path, key, line, sizeof(line)), 0);
	assert_int_equal(signature_value(line, "number", number, sizeof(number)), 0);
	assert_string_equal(number, "9");
	add_head(key, 7, "2026-11-04T10:00:00Z");
	numbers_are("2 9 4 5 6 77 7 ");
	add_head(key, 8, "2026-11-05T10:00:00Z");
	add_head(key, 10, "2026-11-06T10:00:00Z");
	add_head(key, 11, "2026-11-07T10:00:00Z");
	numbers_are("2 9 4 77 7 8 10 11 ");
	signature_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ed25519),
		cmocka_unit_test(test_ec),
		cmocka_unit_test(test_other_keys_and_lines),
		cmocka_unit_test(test_files_that_are_no_keys),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_many_heads_are_thinned_at_once),
		cmocka_unit_test(test_heads_of_old_days_are_thinned),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
