/*
 * rows - rows of a query's result as numbers, words and lists, in memory that is freed at once
 *
 * What a row holds is not trusted: a NULL where there must be a value, or a value that is no
 * number or list, makes the row bad, which the reader asks for at its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libpq-fe.h>

#include "span.h"

/* Memory that lives until all of it is freed. */
struct arena_block;
struct arena {
	struct arena_block *last;
	size_t used;
};
/* Zeroed; NULL: no memory. n may be 0. */
void *arena_get(struct arena *arena, size_t n, size_t size) __attribute__((warn_unused_result));
void arena_clear(struct arena *arena);

/* Words get codes 1, 2, 3 … in the order they are met. */
struct words {
	char **texts;
	size_t n, room;
};
/* 0: no memory. */
int32_t words_code(struct words *words, const char *text) __attribute__((warn_unused_result));
void words_clear(struct words *words);

/* Columns by name, so that a function may get more of them. */
enum { ROWS_MOST_COLUMNS = 24 };
struct row {
	const PGresult *result;
	const char *const *names;
	int columns[ROWS_MOST_COLUMNS];
	int number;
	bool bad;            /* reset by row_next() */
	bool no_memory;      /* stays */
	const char *problem; /* column of the first thing that was wrong */
	struct arena *arena;
	struct words *words;
};

/* names ends in NULL. False: the result lacks a column, named in problem. */
bool row_open(struct row *row, const PGresult *result, const char *const *names,
	struct arena *arena, struct words *words);
bool row_next(struct row *row);

/* column: index in names. */
int64_t row_number(struct row *row, int column);
int64_t row_number_or(struct row *row, int column, int64_t otherwise); /* for NULL */
int32_t row_id(struct row *row, int column);
int32_t row_id_or_none(struct row *row, int column); /* 0 for NULL */
bool row_truth(struct row *row, int column);
const char *row_text(struct row *row, int column); /* "" when bad */
int32_t row_word(struct row *row, int column);
int32_t row_word_or_none(struct row *row, int column);
const int64_t *row_numbers(struct row *row, int column, size_t *np);
const int32_t *row_ids(struct row *row, int column, size_t *np);
const int32_t *row_words(struct row *row, int column, size_t *np);
struct span_list row_spans(struct row *row, int column); /* flat: start, end, start, end, … */
