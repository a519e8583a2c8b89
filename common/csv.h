/*
 * csv - tables as text (RFC 4180), read a record at a time
 *
 * UTF-8, with or without a byte order mark; lines end in LF or CR LF. A quoted field ends on the
 * line it began on: so a forgotten quote spoils one line and not the rest of the file, and each bad
 * line can be reported in one reading. Empty lines are passed over. The text is borrowed, never
 * changed.
 */
#pragma once

#include <stddef.h>

struct csv_record {
	size_t line; /* from 1 */
	size_t n_fields;
	/* Texts without their quotes and without control characters and line separators; owned by
	 * the reader, good until the next csv_read(). */
	char **fields;
};

struct csv_problem {
	size_t position;  /* on the line, in characters, from 1 */
	const char *text; /* what is wrong and what was expected; a constant */
};

struct csv;

/* text[length] is NUL. 0 or -ENOMEM. */
int csv_new(const char *text, size_t length, struct csv **csvp) __attribute__((warn_unused_result));
struct csv *csv_free(struct csv *csv);

/* The next record. CSV_INVALID: this line is no record, problem says why; record holds the line
 * and the fields before the bad one, and the next call goes on behind it. 0, -ENOMEM, or one of
 * these. */
enum { CSV_END = 1, CSV_INVALID = 2 };
int csv_read(struct csv *csv, struct csv_record *record, struct csv_problem *problem)
	__attribute__((warn_unused_result));
