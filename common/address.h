/*
 * address - mail addresses and message identifiers out of text that came from outside
 */
#pragma once

#include <stddef.h>

/* The address that fills these n octets, perhaps in <>, as text_is_address() of text.h takes it, in
 * lower case; NULL: it is none. 0 or -ENOMEM. */
int address_take(const char *text, size_t n, char **addressp) __attribute__((warn_unused_result));

/* The first address in a text, NULL when there is none; *endp (may be NULL) is behind it. 0 or
 * -ENOMEM. */
int address_find(const char *text, const char **endp, char **addressp)
	__attribute__((warn_unused_result));

/* "<…>" of a Message-ID field: printable ASCII, at most 512 octets; NULL when there is none. */
int address_message_id(const char *value, char **idp) __attribute__((warn_unused_result));
