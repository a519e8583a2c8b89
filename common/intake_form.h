/*
 * intake_form - the body of a request to open a case: JSON (Jansson) → the verb's arguments
 *
 * The body is one object of named values, each a text, number or truth, none twice. What the database
 * decides (which offices and services there are, whether a window is over) is not decided here; what
 * is: names, types, lengths, that a text is one line, and that a time is an RFC 3339 one.
 */
#pragma once

#include <stddef.h>

enum { INTAKE_FORM_INVALID = 1 };

/* 0 with the fields, as JSON; INTAKE_FORM_INVALID with what a client is told,
 * {"errors": [{"field", "problem", "advice"}]}; -ENOMEM. *textp is the caller's. */
int intake_form_read(const char *bytes, size_t length, char **textp)
	__attribute__((warn_unused_result));

/* Another answer of that form; field may be NULL. 0 or -ENOMEM. */
int intake_form_error(const char *field, const char *problem, const char *advice, char **textp)
	__attribute__((warn_unused_result));
