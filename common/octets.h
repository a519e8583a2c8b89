/*
 * octets - bytes that grow
 *
 * What is written here is short-lived and made of many small pieces, so appending cannot fail on
 * the spot: when there is no memory the buffer remembers it, takes nothing more, and
 * octets_take() says so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct octets {
	char *data;
	size_t length, size;
	bool failed; /* an append was dropped for want of memory */
};

/* Makes room for n more bytes; false when there is no memory. */
bool octets_grow(struct octets *octets, size_t n);

/* 0 with the bytes, closed by a NUL that length does not count, now the caller's; -ENOMEM. Either
 * way the buffer is empty afterwards. */
int octets_take(struct octets *octets, char **data, size_t *length)
	__attribute__((warn_unused_result));
void octets_clear(struct octets *octets);

static inline void octets_add(struct octets *octets, const char *data, size_t n)
{
	/* With nothing to add there may be no memory yet, and memcpy() wants some. */
	if (n == 0 || (n > octets->size - octets->length && !octets_grow(octets, n)))
		return;
	memcpy(octets->data + octets->length, data, n);
	octets->length += n;
}

static inline void octets_add_text(struct octets *octets, const char *text)
{
	octets_add(octets, text, strlen(text));
}

static inline void octets_add_char(struct octets *octets, char c)
{
	octets_add(octets, &c, 1);
}
