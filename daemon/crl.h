/*
 * crl - lists of revoked certificates, for mail and for the intake
 *
 * Whoever names such a file wants no certificate to hold without it: one whose authority has no list
 * there, or only one that has expired, is refused like a revoked one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct ssl_ctx_st;

enum {
	CRL_INVALID = 1, /* no file with lists in PEM that can be read */
	CRL_EXPIRED,     /* it can be read, and at least one of its lists does not hold now */
};

/* From now on each certificate of a peer's chain must stand in no list of path (PEM, one after the
 * other). 0 or CRL_INVALID, with OpenSSL's error queue saying why; lists that have expired are taken. */
int crl_use(struct ssl_ctx_st *context, const char *path) __attribute__((warn_unused_result));

/* What path holds, as a line for a person: how many lists, and until when they are good. 0, or one of
 * the above. */
int crl_look(const char *path, char *text, size_t size) __attribute__((warn_unused_result));

/* Calls fn for each key of config that names a file: the key, crl_look()'s outcome and its line. */
void crl_each(const struct config *config,
	void (*fn)(const char *key, int outcome, const char *text, void *arg), void *arg);

/* What is wrong with the list, when OpenSSL's verdict is about a list and not about a certificate; else
 * NULL. Goes behind "the list of revoked certificates ". */
const char *crl_fault(long verdict);
