/*
 * key_file - keys in files: of PEM, without a pass phrase, since nobody is there to type one, or in a text
 * of one's own
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <openssl/types.h>

enum { KEY_FILE_INVALID = 1 };

/* The text of a regular file, with a NUL behind it; a secret one must be closed to others (o-rwx). 0 with a text
 * for key_file_free(), -errno, or KEY_FILE_INVALID; unless 0 a line of text in error, which never quotes the file. */
int key_file_text(const char *path, bool secret, char **textp, size_t *lengthp, char *error,
	size_t error_size) __attribute__((warn_unused_result));
/* Wipes it; NULL. */
char *key_file_free(char *text);

/* A private key in a regular file that is closed to others (o-rwx); what was read is wiped. 0 with a key
 * that EVP_PKEY_free() frees and wipes, -errno, or KEY_FILE_INVALID; unless 0 a line of text in error, which
 * never quotes the file. */
int key_file_private(const char *path, EVP_PKEY **pkeyp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
/* A public key (SubjectPublicKeyInfo). Likewise, but for the file's mode. */
int key_file_public(const char *path, EVP_PKEY **pkeyp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
