/*
 * text - may this be written into a mail?
 *
 * Whatever goes into a header or a calendar is looked at here first. Refused are bad UTF-8 and
 * every character that some program somewhere takes for the end of a line or for no text at all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum text_fault {
	TEXT_FINE,
	TEXT_EMPTY,
	TEXT_LONG,    /* more octets than allowed */
	TEXT_BROKEN,  /* not UTF-8: cut, overlong, surrogate, above U+10FFFF */
	TEXT_CONTROL, /* C0, DEL, C1, or one of the separators U+2028 and U+2029 */
};

enum text_form {
	TEXT_LINE,
	TEXT_LINES, /* LF is allowed */
};

/* max is in octets. NULL counts as empty. */
enum text_fault text_check(const char *text, enum text_form form, size_t max);
/* "holds a control character": to be put behind the name of the field. */
const char *text_fault_words(enum text_fault fault);

/* Octets of the well-formed UTF-8 character at text (which ends in NUL); 0 when there is none. */
size_t text_character(const char *text);

/* How many of the n octets at text are printable ASCII before the first that is not. */
size_t text_printable(const char *text, size_t n);

/* An address as the database takes it: RFC 5321 without quoted parts, at most 254 octets, ASCII. */
bool text_is_address(const char *text);
