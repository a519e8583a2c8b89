/*
 * table - rows for people, in columns as wide as they must be, or as CSV (RFC 4180)
 *
 * Widths are counted in characters of UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "octets.h"

struct table_column {
	const char *title;
	bool right;  /* numbers stand at the right */
	size_t most; /* wider cells are cut; 0: never */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	char **cells;
	size_t n, room;
	bool failed; /* a cell was dropped for want of memory */
};

/* The next cell; NULL is empty. Columns are filled from left to right, row after row. */
void table_add(struct table *table, const char *text);
void table_format(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Lines of at most width characters: the last column is broken at blanks. */
void table_write(const struct table *table, size_t width, struct octets *out);
void table_write_csv(const struct table *table, struct octets *out);
/* Whether every cell is there. */
bool table_is_whole(const struct table *table);
void table_clear(struct table *table);

/* Writes one field of CSV, in quotes where it needs them. */
void table_write_field(const char *text, struct octets *out);
