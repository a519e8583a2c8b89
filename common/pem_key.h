/*
 * pem_key - private keys in PEM (RFC 7468), read so that nothing of their text stays in memory
 *
 * OpenSSL's own readers leave lines of base64 behind, in what they free: the last one lies in a context that
 * is not wiped, and of an Ed25519 key that is all of it.
 */
#pragma once

#include <stdbool.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

/* The first private key in text, which ends in NUL; NULL, and OpenSSL's queue of errors says why: there is none, or
 * it needs a pass phrase, for which nobody is asked. */
EVP_PKEY *pem_key_parse(const char *text) __attribute__((warn_unused_result));
/* Gives the one in the file at path to context. False: as above. */
bool pem_key_use(SSL_CTX *context, const char *path) __attribute__((warn_unused_result));
