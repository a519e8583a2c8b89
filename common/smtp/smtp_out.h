/*
 * smtp_out - bytes that are to be written to the mail server
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct smtp_out {
	char *bytes;
	size_t taken; /* of length */
	size_t length;
	size_t capacity;
	bool failed; /* no memory: what follows would be out of order and is left out */
};

void smtp_out_clear(struct smtp_out *out);
void smtp_out_add(struct smtp_out *out, const char *bytes, size_t length);
void smtp_out_printf(struct smtp_out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A message's body with its leading dots doubled (RFC 5321 4.5.2) and a line end at its end. */
void smtp_out_body(struct smtp_out *out, const char *bytes, size_t length);
/* As xtext (RFC 3461 4). */
void smtp_out_xtext(struct smtp_out *out, const char *text);
void smtp_out_taken(struct smtp_out *out, size_t length);
