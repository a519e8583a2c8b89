/*
 * letter_sample - mails for the tests of imip_read, made of pieces
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imip_read.h"
#include "itip_read.h"
#include "letter.h"
#include "octets.h"

#define SAMPLE_HEAD                                                                                \
	"From: Coordinator A <a@agency.example>\r\nTo: vacd+x@agency.example\r\nSubject: x\r\n"    \
	"MIME-Version: 1.0\r\n"

/* A REPLY about UID u1; METHOD is a line of its own so that it can be left out. */
#define SAMPLE_OBJECT(method, uid, partstat)                                                       \
	"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n" method "BEGIN:VEVENT\r\nUID:" uid  \
	"\r\nDTSTAMP:20260302T093000Z\r\nDTSTART:20260310T150000Z\r\nDTEND:20260310T160000Z\r\n"   \
	"SEQUENCE:0\r\nATTENDEE;PARTSTAT=" partstat                                                \
	":mailto:a@agency.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
#define SAMPLE_REPLY SAMPLE_OBJECT("METHOD:REPLY\r\n", "u1", "ACCEPTED")

static inline struct letter *sample_read_bytes(const char *bytes, size_t n)
{
	static const struct itip_limits limits = {.now = 1772445600, .until = 1780221600};
	struct letter *letter = NULL;

	assert_int_equal(imip_read(bytes, n, &limits, &letter), 0);
	assert_non_null(letter);
	return letter;
}

/* The mail of all these pieces; the last is NULL. */
static inline struct letter *sample_read(const char *first, ...) __attribute__((sentinel));
static inline struct letter *sample_read(const char *first, ...)
{
	struct octets mail = {0};
	struct letter *letter;
	va_list pieces;

	va_start(pieces, first);
	for (const char *piece = first; piece; piece = va_arg(pieces, const char *))
		octets_add_text(&mail, piece);
	va_end(pieces);
	letter = sample_read_bytes(mail.data, mail.length);
	octets_clear(&mail);
	return letter;
}

/* The JSON, which must be whole and within its limit; the caller frees it. */
static inline char *sample_write(const struct letter *letter)
{
	struct octets out = {0};
	char *text;
	size_t n;

	assert_int_equal(letter_write(letter, &out), 0);
	assert_int_equal(octets_take(&out, &text, &n), 0);
	assert_true(n <= LETTER_JSON_MAX);
	assert_int_equal(text[0], '{');
	assert_int_equal(text[n - 1], '}');
	return text;
}

static inline int sample_preload(void **state)
{
	(void)state;
	return imip_read_preload();
}
