#include "signature.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "key_file.h"

enum { SIGNATURE_MAX = 256, BASE64_MAX = 2 * SIGNATURE_MAX };

static const char mark[] = " signature=";

/* OpenSSL wipes the key when it is freed. */
struct signature_key {
	EVP_PKEY *pkey;
	const EVP_MD *digest; /* NULL: Ed25519 hashes by itself */
	char name[SIGNATURE_KEY_NAME];
};

/* ---- keys ----------------------------------------------------------------------------------- */

static bool name_key(struct signature_key *key)
{
	unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
	int length = i2d_PUBKEY(key->pkey, &der);
	bool done = length > 0 && EVP_Digest(der, (size_t)length, hash, NULL, EVP_sha256(), NULL);

	for (size_t i = 0; done && i < (SIGNATURE_KEY_NAME - 1) / 2; i++)
		(void)snprintf(key->name + 2 * i, 3, "%02x", hash[i]);
	OPENSSL_free(der);
	return done;
}

static int take_key(struct signature_key *key, const char *path, char *error, size_t error_size)
{
	if (EVP_PKEY_is_a(key->pkey, "EC")) {
		key->digest = EVP_sha256();
	} else if (!EVP_PKEY_is_a(key->pkey, "ED25519")) {
		(void)snprintf(error, error_size, "%s: is neither an Ed25519 nor an EC key", path);
		return SIGNATURE_INVALID;
	}
	if (name_key(key))
		return 0;
	(void)snprintf(error, error_size, "%s: %s", path, strerror(EIO));
	return -EIO;
}

static int read_key(
	const char *path, bool secret, struct signature_key **keyp, char *error, size_t error_size)
{
	struct signature_key *key = calloc(1, sizeof(*key));
	int r = -ENOMEM;

	*keyp = NULL;
	if (!key)
		(void)snprintf(error, error_size, "%s: %s", path, strerror(ENOMEM));
	else
		r = secret ? key_file_private(path, &key->pkey, error, error_size)
			   : key_file_public(path, &key->pkey, error, error_size);
	if (!r)
		r = take_key(key, path, error, error_size);
	if (r == KEY_FILE_INVALID)
		r = SIGNATURE_INVALID;
	if (r)
		key = signature_key_free(key);
	*keyp = key;
	return r;
}

int signature_key_read(
	const char *path, struct signature_key **keyp, char *error, size_t error_size)
{
	return read_key(path, true, keyp, error, error_size);
}

int signature_public_read(
	const char *path, struct signature_key **keyp, char *error, size_t error_size)
{
	return read_key(path, false, keyp, error, error_size);
}

struct signature_key *signature_key_free(struct signature_key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey);
	free(key);
	return NULL;
}

const char *signature_key_name(const struct signature_key *key)
{
	return key->name;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static bool sign_bytes(const struct signature_key *key, const char *text, size_t length,
	unsigned char *bytes, size_t *n)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context && EVP_DigestSignInit(context, NULL, key->digest, NULL, key->pkey) == 1
		    && EVP_DigestSign(context, bytes, n, (const unsigned char *)text, length) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return done;
}

int signature_sign(const struct signature_key *key, const char *text, char *line, size_t size)
{
	unsigned char bytes[SIGNATURE_MAX], base64[BASE64_MAX];
	size_t n = sizeof(bytes), length;

	length = (size_t)snprintf(line, size, "%s key=%s", text, key->name);
	if (length >= size)
		return -ENOSPC;
	if (!sign_bytes(key, line, length, bytes, &n))
		return -EIO;
	EVP_EncodeBlock(base64, bytes, (int)n);
	if ((size_t)snprintf(line + length, size - length, "%s%s", mark, (char *)base64)
		>= size - length)
		return -ENOSPC;
	return 0;
}

/* Number of bytes, or 0: it is no base64. */
static size_t decode(const char *base64, unsigned char bytes[BASE64_MAX])
{
	size_t length = strlen(base64), padding = 0;
	int n;

	if (length == 0 || length % 4 != 0 || length > BASE64_MAX)
		return 0;
	while (padding < 2 && base64[length - padding - 1] == '=')
		padding++;
	n = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)length);
	return n > (int)padding ? (size_t)n - padding : 0;
}

int signature_check(const struct signature_key *key, const char *line)
{
	const char *place = strstr(line, mark);
	unsigned char bytes[BASE64_MAX];
	char name[SIGNATURE_KEY_NAME];
	EVP_MD_CTX *context;
	size_t n = place ? decode(place + sizeof(mark) - 1, bytes) : 0;
	bool good;

	if (n == 0 || signature_value(line, "key", name, sizeof(name)))
		return SIGNATURE_INVALID;
	if (strcmp(name, key->name) != 0)
		return SIGNATURE_OTHER_KEY;
	context = EVP_MD_CTX_new();
	good = context && EVP_DigestVerifyInit(context, NULL, key->digest, NULL, key->pkey) == 1
	       && EVP_DigestVerify(
			  context, bytes, n, (const unsigned char *)line, (size_t)(place - line))
			  == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good ? 0 : SIGNATURE_INVALID;
}

int signature_value(const char *line, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);

	for (const char *word = strchr(line, ' '); word; word = strchr(word, ' ')) {
		word++;
		if (strncmp(word, name, length) == 0 && word[length] == '=') {
			const char *begin = word + length + 1;
			size_t n = strcspn(begin, " \n");

			if (n >= size)
				return SIGNATURE_INVALID;
			memcpy(value, begin, n);
			value[n] = '\0';
			return 0;
		}
	}
	return SIGNATURE_INVALID;
}
