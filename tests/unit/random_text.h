/*
 * random_text - seeded random UTF-8 for property tests; the same seed gives the same text
 * everywhere
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A character that may be mailed, of 1 to 4 octets, often one that some format gives a meaning
 * to. */
static size_t random_character(uint64_t *state, char *to)
{
	static const char meaning[] = "^\"\\;:,=?<>&'%@.()+ _-/#";
	uint32_t code;

	switch (random_next(state) % 5) {
	case 0:
		to[0] = meaning[random_next(state) % (sizeof(meaning) - 1)];
		return 1;
	case 1:
		to[0] = (char)(0x20 + random_next(state) % 0x5f);
		return 1;
	case 2:
		code = (uint32_t)(0xa0 + random_next(state) % (0x800 - 0xa0));
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	case 3:
		code = (uint32_t)(0x2030 + random_next(state) % (0xd800 - 0x2030));
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	default:
		code = (uint32_t)(0x10000 + random_next(state) % 0x100000);
		to[0] = (char)(0xf0 | code >> 18);
		to[1] = (char)(0x80 | (code >> 12 & 0x3f));
		to[2] = (char)(0x80 | (code >> 6 & 0x3f));
		to[3] = (char)(0x80 | (code & 0x3f));
		return 4;
	}
}

/* 1 to most characters; to needs 4 × most + 1 octets. With lines some of them are LF. */
static void random_text(uint64_t *state, char *to, size_t most, int lines)
{
	size_t n = 1 + random_next(state) % most;

	for (size_t i = 0; i < n; i++) {
		if (lines && random_next(state) % 16 == 0)
			*to++ = '\n';
		else
			to += random_character(state, to);
	}
	*to = '\0';
}

/* The same between two letters x: many readers drop spaces at both ends. most is 3 or more. */
static inline void random_value(uint64_t *state, char *to, size_t most, int lines)
{
	size_t length;

	to[0] = 'x';
	random_text(state, to + 1, most - 2, lines);
	length = strlen(to);
	to[length] = 'x';
	to[length + 1] = '\0';
}
