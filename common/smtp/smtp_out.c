/*
 * smtp_out - bytes that are to be written to the mail server
 */
#include "smtp_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

/* The login is among the bytes, so that memory is wiped before it is given back. */
void smtp_out_clear(struct smtp_out *out)
{
	if (out->bytes != NULL)
		OPENSSL_cleanse(out->bytes, out->capacity);
	free(out->bytes);
	memset(out, 0, sizeof(*out));
}

static bool reserve(struct smtp_out *out, size_t more)
{
	size_t capacity = out->capacity < 1024 ? 1024 : out->capacity;
	char *bytes;

	while (capacity - out->length < more)
		capacity *= 2;
	if (capacity == out->capacity)
		return true;
	bytes = malloc(capacity);
	if (bytes == NULL) {
		out->failed = true;
		return false;
	}
	if (out->bytes != NULL) {
		memcpy(bytes, out->bytes, out->length);
		OPENSSL_cleanse(out->bytes, out->capacity);
		free(out->bytes);
	}
	out->bytes = bytes;
	out->capacity = capacity;
	return true;
}

void smtp_out_add(struct smtp_out *out, const char *bytes, size_t length)
{
	if (length == 0 || out->failed || !reserve(out, length))
		return;
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
}

void smtp_out_printf(struct smtp_out *out, const char *fmt, ...)
{
	va_list args, again;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		out->failed = true;
	if (!out->failed && reserve(out, (size_t)n + 1)) {
		vsnprintf(out->bytes + out->length, (size_t)n + 1, fmt, again);
		out->length += (size_t)n;
	}
	va_end(again);
}

void smtp_out_body(struct smtp_out *out, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *next = newline != NULL ? newline + 1 : end;

		if (*bytes == '.')
			smtp_out_add(out, ".", 1);
		smtp_out_add(out, bytes, (size_t)(next - bytes));
		if (newline == NULL)
			smtp_out_add(out, "\r\n", 2);
		bytes = next;
	}
}

void smtp_out_xtext(struct smtp_out *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < '!' || c > '~' || c == '+' || c == '=')
			smtp_out_printf(out, "+%02X", c);
		else
			smtp_out_add(out, text, 1);
	}
}

void smtp_out_taken(struct smtp_out *out, size_t length)
{
	out->taken += length;
	if (out->taken == out->length) {
		if (out->length > 0)
			OPENSSL_cleanse(out->bytes, out->length);
		out->taken = 0;
		out->length = 0;
	}
}
