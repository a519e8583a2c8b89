/*
 * lmtp_path - the address and the parameters of MAIL and RCPT (RFC 5321 4.1.2)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "../lmtp.h"

struct lmtp_path {
	char address[LMTP_PATH_MAX + 1]; /* without <> and source route; "" for <> */
	const char *rest;                /* what stands behind it, from its first blank on */
};

enum { LMTP_PATH_INVALID = 1 };

/* text: what stands behind "FROM:" or "TO:". 0 or LMTP_PATH_INVALID: no <>, no address in it, too long,
 * characters that are not printable ASCII. */
int lmtp_path_read(const char *text, struct lmtp_path *path) __attribute__((warn_unused_result));

/* What MAIL may say beside the sender. */
struct lmtp_parameters {
	bool has_size;
	unsigned long long size; /* ULLONG_MAX: more digits than can be true */
};

/* LMTP_PARAMETERS_UNKNOWN: one that was not offered (555); LMTP_PARAMETERS_INVALID: one that is
 * malformed, or said twice (501). */
enum { LMTP_PARAMETERS_UNKNOWN = 1, LMTP_PARAMETERS_INVALID = 2 };
int lmtp_parameters_read(const char *text, struct lmtp_parameters *parameters)
	__attribute__((warn_unused_result));
