#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "key_file.h"
#include "token.h"

enum {
	KEYS_MAX = 64,
	KEY_ID_MAX = 16,
	KEY_MIN = 32, /* bytes, each two digits */
	KEY_MAX = 128,
	MAC_SIZE = 32,
	MAC_CHARACTERS = TOKEN_LENGTH - TOKEN_HANDLE_LENGTH,
};

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

/* The bytes of a key live only inside its MAC context, which OpenSSL wipes when it is freed. */
struct token_key {
	char id[KEY_ID_MAX + 1];
	EVP_MAC_CTX *mac;
};

struct token_keys {
	size_t n;
	struct token_key keys[KEYS_MAX];
};

static const char *purpose_word(enum token_purpose purpose)
{
	return purpose == TOKEN_ANSWER ? "answer" : "bounce";
}

/* ---- the key file ------------------------------------------------------------------------ */

struct token_file {
	const char *path;
	char *text; /* of key_file_text() */
	size_t length;
	unsigned long line;
	EVP_MAC *hmac;
	char *error;
	size_t error_size;
};

static void token_file_clear(struct token_file *file)
{
	file->text = key_file_free(file->text);
	EVP_MAC_free(file->hmac);
}

static int bad_line(const struct token_file *file, const char *problem)
{
	(void)snprintf(
		file->error, file->error_size, "%s:%lu: %s", file->path, file->line, problem);
	return TOKEN_INVALID;
}

static int bad_file(const struct token_file *file, const char *problem)
{
	(void)snprintf(file->error, file->error_size, "%s: %s", file->path, problem);
	return TOKEN_INVALID;
}

static int system_error(const struct token_file *file, int code)
{
	(void)snprintf(file->error, file->error_size, "%s: %s", file->path, strerror(code));
	return -code;
}

static int load(struct token_file *file)
{
	int r = key_file_text(
		file->path, true, &file->text, &file->length, file->error, file->error_size);

	if (r)
		return r == KEY_FILE_INVALID ? TOKEN_INVALID : r;
	if (memchr(file->text, '\0', file->length))
		return bad_file(file, "holds a NUL byte, it is not a key file");
	return 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 0, or TOKEN_INVALID when hex holds something that is no pair of digits. */
static int decode_hex(const char *hex, size_t bytes, unsigned char *key)
{
	for (size_t i = 0; i < bytes; i++) {
		int high = nibble(hex[2 * i]), low = nibble(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return TOKEN_INVALID;
		key[i] = (unsigned char)(high * 16 + low);
	}
	return 0;
}

static int new_mac(EVP_MAC *hmac, const unsigned char *key, size_t size, EVP_MAC_CTX **macp)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);

	if (!mac)
		return -ENOMEM;
	if (!EVP_MAC_init(mac, key, size, params)) {
		EVP_MAC_CTX_free(mac);
		return -ENOTSUP;
	}
	*macp = mac;
	return 0;
}

static const struct token_key *find_key(const struct token_keys *keys, const char *key_id)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (strcmp(keys->keys[i].id, key_id) == 0)
			return &keys->keys[i];
	}
	return NULL;
}

static int add_key(struct token_file *file, struct token_keys *keys, const char *id,
	const char *hex, size_t digits)
{
	struct token_key *key = &keys->keys[keys->n];
	unsigned char bytes[KEY_MAX];
	int r;

	if (digits % 2 != 0 || digits / 2 < KEY_MIN || digits / 2 > KEY_MAX)
		return bad_line(file, "a key has 64 to 256 hexadecimal digits, an even number");
	if (keys->n == KEYS_MAX)
		return bad_line(file, "more than 64 keys");
	if (find_key(keys, id))
		return bad_line(file, "this key id stands in the file twice");
	r = decode_hex(hex, digits / 2, bytes);
	if (r == 0) {
		r = new_mac(file->hmac, bytes, digits / 2, &key->mac);
		if (r < 0)
			(void)system_error(file, -r);
	} else {
		r = bad_line(file, "the key is not hexadecimal");
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (r == 0) {
		memcpy(key->id, id, strlen(id) + 1);
		keys->n++;
	}
	return r;
}

/* One line without its LF; it is "keyid hex", a comment, or blank. */
static int read_line(struct token_file *file, struct token_keys *keys, const char *line)
{
	char id[KEY_ID_MAX + 1] = "";
	size_t id_length = strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789");
	size_t gap = strspn(line + id_length, " \t"), digits;
	const char *hex = line + id_length + gap;

	if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
		return 0;
	if (strchr(line, '\r'))
		return bad_line(file, "carriage return: lines end in LF alone");
	if (id_length == 0 || id_length > KEY_ID_MAX || gap == 0)
		return bad_line(file, "expected \"keyid hex\", keyid 1 to 16 of a-z and 0-9");
	memcpy(id, line, id_length);
	digits = strcspn(hex, " \t");
	if (hex[digits + strspn(hex + digits, " \t")] != '\0')
		return bad_line(file, "something stands behind the key");
	return add_key(file, keys, id, hex, digits);
}

static int read_lines(struct token_file *file, struct token_keys *keys)
{
	char *line = file->text, *end = file->text + file->length;

	while (line < end) {
		char *stop = memchr(line, '\n', (size_t)(end - line));
		int r;

		if (stop)
			*stop = '\0';
		file->line++;
		r = read_line(file, keys, line);
		if (r != 0)
			return r;
		if (!stop)
			break;
		line = stop + 1;
	}
	if (keys->n == 0)
		return bad_file(
			file, "holds no key: a line is \"keyid hex\" with 64 digits or more");
	return 0;
}

int token_keys_read(const char *path, struct token_keys **keysp, char *error, size_t error_size)
{
	__attribute__((cleanup(token_file_clear))) struct token_file file = {
		.path = path, .error = error, .error_size = error_size};
	struct token_keys *keys;
	int r = load(&file);

	if (r != 0)
		return r;
	file.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (!file.hmac)
		return system_error(&file, ENOTSUP);
	keys = calloc(1, sizeof(*keys));
	if (!keys)
		return system_error(&file, ENOMEM);
	r = read_lines(&file, keys);
	if (r != 0)
		(void)token_keys_free(keys);
	else
		*keysp = keys;
	return r;
}

struct token_keys *token_keys_free(struct token_keys *keys)
{
	if (!keys)
		return NULL;
	for (size_t i = 0; i < keys->n; i++)
		EVP_MAC_CTX_free(keys->keys[i].mac);
	OPENSSL_cleanse(keys, sizeof(*keys));
	free(keys);
	return NULL;
}

const char *token_keys_current(const struct token_keys *keys)
{
	return keys->keys[0].id;
}

/* ---- tokens ------------------------------------------------------------------------------ */

static bool is_handle(const char *handle)
{
	return handle && strlen(handle) == TOKEN_HANDLE_LENGTH
	       && strspn(handle, base32) == TOKEN_HANDLE_LENGTH;
}

/* Parts are closed by a NUL, so that no two lists of parts give the same bytes. */
static bool add_part(EVP_MAC_CTX *mac, const char *part)
{
	return EVP_MAC_update(mac, (const unsigned char *)part, strlen(part) + 1);
}

static bool compute(
	const struct token_key *key, const char *const parts[], size_t n, unsigned char *mac)
{
	size_t size = 0;

	/* No key given: the context starts again with the one it has. */
	if (!EVP_MAC_init(key->mac, NULL, 0, NULL))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!add_part(key->mac, parts[i]))
			return false;
	}
	return EVP_MAC_final(key->mac, mac, &size, MAC_SIZE) && size == MAC_SIZE;
}

/* The first MAC_CHARACTERS × 5 bits, most significant first. */
static void encode(const unsigned char *bytes, char *text)
{
	unsigned bits = 0, held = 0;

	for (size_t i = 0; i < MAC_CHARACTERS; i++) {
		if (held < 5) {
			bits = (bits << 8 | *bytes++) & 0xfff;
			held += 8;
		}
		held -= 5;
		text[i] = base32[bits >> held & 31];
	}
	text[MAC_CHARACTERS] = '\0';
}

int token_make(const struct token_keys *keys, const char *key_id, enum token_purpose purpose,
	const char *handle, const char *subject, char *token)
{
	const struct token_key *key = find_key(keys, key_id);
	const char *parts[] = {key_id, purpose_word(purpose), handle, subject};
	unsigned char mac[MAC_SIZE];

	if (!key)
		return TOKEN_UNKNOWN_KEY;
	if (!is_handle(handle))
		return TOKEN_INVALID;
	if (!compute(key, parts, sizeof(parts) / sizeof(parts[0]), mac))
		return -EIO;
	memcpy(token, handle, TOKEN_HANDLE_LENGTH);
	encode(mac, token + TOKEN_HANDLE_LENGTH);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}

int token_check(const struct token_keys *keys, const char *key_id, enum token_purpose purpose,
	const char *handle, const char *subject, const char *token)
{
	char expected[TOKEN_LENGTH + 1], given[TOKEN_LENGTH];
	int r = token_make(keys, key_id, purpose, handle, subject, expected);

	if (r == 0 && strlen(token) != TOKEN_LENGTH)
		r = TOKEN_INVALID;
	if (r == 0) {
		for (size_t i = 0; i < TOKEN_LENGTH; i++)
			given[i] = (char)(token[i] >= 'A' && token[i] <= 'Z' ? token[i] | 0x20
									     : token[i]);
		r = CRYPTO_memcmp(expected, given, TOKEN_LENGTH) == 0 ? 0 : TOKEN_INVALID;
	}
	OPENSSL_cleanse(expected, sizeof(expected));
	return r;
}
