/*
 * token - the part of a mail address that shows that an answer comes from who got the invitation
 *
 * A token is handle + MAC in lower-case base32 (RFC 4648 alphabet, local parts get case-folded):
 * 13 characters of random handle, which the database row keeps for look-up, and 20 characters
 * (100 bits) of HMAC-SHA256 over key id, purpose, handle and subject (the UID, or a message's
 * UUID). A copy of the database holds no key and so cannot forge one; every daemon has the same
 * key file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_HANDLE_LENGTH 13
#define TOKEN_LENGTH        33

enum token_purpose {
	TOKEN_ANSWER, /* subject: UID of the appointment */
	TOKEN_BOUNCE, /* subject: mail UUID of the message */
};

struct token_keys; /* wiped when freed */

enum { TOKEN_INVALID = 1, TOKEN_UNKNOWN_KEY = 2 };

/* Key file: lines "keyid hexbytes" (keyid [a-z0-9]{1,16}, 32 to 128 bytes), # comments; the first
 * key is the current one, old ones stay valid. It must be a regular file that is closed to others
 * (o-rwx). 0, -errno, or TOKEN_INVALID; unless 0 a line of text in error, which never quotes the
 * file. */
int token_keys_read(const char *path, struct token_keys **keysp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
struct token_keys *token_keys_free(struct token_keys *keys);
const char *token_keys_current(const struct token_keys *keys);

/* Both use a context that the keys hold: one thread at a time.
 * token must hold TOKEN_LENGTH + 1 bytes. 0, -errno, TOKEN_INVALID (handle), TOKEN_UNKNOWN_KEY. */
int token_make(const struct token_keys *keys, const char *key_id, enum token_purpose purpose,
	const char *handle, const char *subject, char *token) __attribute__((warn_unused_result));

/* Compares in constant time; upper case counts as lower. 0 fits; TOKEN_INVALID it does not, or the
 * handle is none; TOKEN_UNKNOWN_KEY; -errno. */
int token_check(const struct token_keys *keys, const char *key_id, enum token_purpose purpose,
	const char *handle, const char *subject, const char *token)
	__attribute__((warn_unused_result));
