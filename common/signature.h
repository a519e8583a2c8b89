/*
 * signature - lines of text that are signed, and keys that sign them (OpenSSL: Ed25519, or ECDSA with
 * SHA-256)
 *
 * A line is "FORM name=value …"; what is added to it is " key=K signature=S". Signed are the bytes before
 * " signature=". K is the first 16 digits of the SHA-256 of the public key in DER, S is base64.
 */
#pragma once

#include <stddef.h>

struct signature_key;

enum {
	SIGNATURE_INVALID = 1,
	SIGNATURE_OTHER_KEY = 2,
	SIGNATURE_KEY_NAME = 17,
	SIGNATURE_LINE = 2000
};

/* A private key in PEM without a pass phrase, in a regular file that is closed to others (o-rwx). 0, -errno,
 * or SIGNATURE_INVALID; unless 0 a line of text in error, which never quotes the file. */
int signature_key_read(const char *path, struct signature_key **keyp, char *error,
	size_t error_size) __attribute__((warn_unused_result));
/* A public key in PEM (SubjectPublicKeyInfo). Likewise. */
int signature_public_read(const char *path, struct signature_key **keyp, char *error,
	size_t error_size) __attribute__((warn_unused_result));
struct signature_key *signature_key_free(struct signature_key *key);
const char *signature_key_name(const struct signature_key *key);

/* Writes text with its key and signature behind it, without a newline. 0, -ENOSPC or -EIO. */
int signature_sign(const struct signature_key *key, const char *text, char *line, size_t size)
	__attribute__((warn_unused_result));
/* 0: it is this key's; SIGNATURE_INVALID; SIGNATURE_OTHER_KEY: it names another one. */
int signature_check(const struct signature_key *key, const char *line)
	__attribute__((warn_unused_result));

/* The value of name in a line; 0, or SIGNATURE_INVALID: it is not there, or too long. */
int signature_value(const char *line, const char *name, char *value, size_t size)
	__attribute__((warn_unused_result));
