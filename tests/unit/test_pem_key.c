/* pem_key: the forms that openssl writes private keys in, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "pem_key.h"

enum { TEXT_MAX = 8192 };

enum form { PKCS8, TRADITIONAL, ENCRYPTED, TRADITIONAL_ENCRYPTED };

static void write_key(EVP_PKEY *key, enum form form, char text[TEXT_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char pass[] = "pass phrase";
	const EVP_CIPHER *cipher = form == ENCRYPTED || form == TRADITIONAL_ENCRYPTED
					   ? EVP_aes_128_cbc()
					   : NULL;
	int n;

	if (form == PKCS8 || form == ENCRYPTED)
		n = PEM_write_bio_PKCS8PrivateKey(
			bio, key, cipher, (char *)pass, (int)strlen((char *)pass), NULL, NULL);
	else
		n = PEM_write_bio_PrivateKey_traditional(
			bio, key, cipher, pass, (int)strlen((char *)pass), NULL, NULL);
	assert_int_equal(n, 1);
	n = BIO_read(bio, text, TEXT_MAX - 1);
	assert_true(n > 0);
	text[n] = '\0';
	BIO_free(bio);
}

static void check_same(EVP_PKEY *key, const char *text)
{
	EVP_PKEY *read = pem_key_parse(text);

	if (!read)
		fail_msg("refused: %.60s", text);
	assert_int_equal(EVP_PKEY_eq(key, read), 1);
	EVP_PKEY_free(read);
}

static void refused(const char *text)
{
	assert_null(pem_key_parse(text));
	assert_int_not_equal(ERR_peek_last_error(), 0);
	ERR_clear_error();
}

static void test_forms(void **state)
{
	EVP_PKEY *const keys[] = {
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_EC_gen("P-256"), EVP_RSA_gen(2048)};
	static char text[TEXT_MAX], more[2 * TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_non_null(keys[i]);
		write_key(keys[i], PKCS8, text);
		check_same(keys[i], text);
		write_key(keys[i], ENCRYPTED, text);
		refused(text);
		if (i == 0)
			continue;
		write_key(keys[i], TRADITIONAL, text);
		check_same(keys[i], text);
		/* As openssl ecparam writes it, and behind a certificate. */
		snprintf(more, sizeof(more),
			"words\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC "
			"PARAMETERS-----\n%s",
			text);
		check_same(keys[i], more);
		write_key(keys[i], TRADITIONAL_ENCRYPTED, text);
		refused(text);
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		EVP_PKEY_free(keys[i]);
}

static void test_line_ends(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	static char text[TEXT_MAX], more[2 * TEXT_MAX];
	size_t n = 0;

	(void)state;
	write_key(key, PKCS8, text);
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			more[n++] = '\r';
		more[n++] = *p;
	}
	more[n] = '\0';
	check_same(key, more);
	EVP_PKEY_free(key);
}

static void test_what_is_none(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	static char text[TEXT_MAX];

	(void)state;
	refused("");
	refused("-----BEGIN ");
	refused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	refused("-----BEGIN PRIVATE KEY-----");
	refused("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n");
	refused("-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----\n");
	refused("-----BEGIN PRIVATE KEY-----\nA*AA\n-----END PRIVATE KEY-----\n");
	refused("-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n");
	write_key(key, PKCS8, text);
	for (size_t n = strlen(text) - 30; n > 0; n -= n > 7 ? 7 : n) {
		text[n] = '\0';
		refused(text);
	}
	EVP_PKEY_free(key);
}

static void test_long(void **state)
{
	static char text[40000];

	(void)state;
	memset(text, 'A', sizeof(text) - 1);
	memcpy(text, "-----BEGIN PRIVATE KEY-----\n", 28);
	memcpy(text + sizeof(text) - 30, "\n-----END PRIVATE KEY-----\n", 27);
	text[sizeof(text) - 3] = '\0';
	refused(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
