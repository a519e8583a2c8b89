/*
 * key_file - keys in files of PEM, without a pass phrase, since nobody is there to type one
 */
#pragma once

#include <stddef.h>
#include <openssl/types.h>

enum { KEY_FILE_INVALID = 1 };

/* A private key in a regular file that is closed to others (o-rwx); what was read is wiped. 0 with a key
 * that EVP_PKEY_free() frees and wipes, -errno, or KEY_FILE_INVALID; unless 0 a line of text in error, which
 * never quotes the file. */
int key_file_private(const char *path, EVP_PKEY **pkeyp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
/* A public key (SubjectPublicKeyInfo). Likewise, but for the file's mode. */
int key_file_public(const char *path, EVP_PKEY **pkeyp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
