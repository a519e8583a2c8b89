/*
 * fields - the header fields at the start of a text (RFC 5322), read one after the other
 *
 * For the header of a mail, of a returned mail, and for the groups of a delivery report. Any bytes
 * may come: a line that is neither a field nor the rest of one is passed over, CR before LF is
 * dropped, a NUL or another control character becomes a space.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { FIELD_NAME_MAX = 76, FIELD_VALUE_MAX = 64 * 1024 };

struct fields {
	const char *at, *end; /* borrowed */
	char name[FIELD_NAME_MAX + 1];
	char *value; /* unfolded, without the spaces around it; cut at FIELD_VALUE_MAX */
};

void fields_begin(struct fields *fields, const char *bytes, size_t n);

/* How many of the bytes come before the first line that begins a field; 0 when an empty line, the end,
 * or FIELDS_BEFORE_MAX octets come first. */
enum { FIELDS_BEFORE_MAX = 8 * 1024 };
size_t fields_before(const char *bytes, size_t n);

/* The next field. 0, -ENOMEM, or FIELDS_END: an empty line was passed, or no bytes are left; a
 * further call goes on behind the empty line. */
enum { FIELDS_END = 1 };
int fields_next(struct fields *fields) __attribute__((warn_unused_result));
bool fields_is(const struct fields *fields, const char *name); /* without regard to case */
void fields_clear(struct fields *fields);
