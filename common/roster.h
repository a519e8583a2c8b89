/*
 * roster - the sheets of a roster as CSV files
 *
 * A sheet is known by its first line. What a file itself can tell is checked here: its form and its
 * columns; what the values mean is checked by the database, which gets them as JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct roster_problem {
	size_t line;
	char *text; /* "column mail: what is wrong and what was expected" */
};

struct roster_sheet {
	const char *name; /* "offices"; NULL: the first line is that of no sheet */
	int order;   /* sheets are stored in this order: later ones name things of earlier ones */
	bool usable; /* the first line was right, so that rows mean something */
	char *rows;  /* [{"line": 2, "code": "SEA", …}, …]; of bad lines what could be read */
	size_t n_rows;
	struct roster_problem *problems; /* in the order of lines */
	size_t n_problems;
};

/* text[length] is NUL. 0, -ENOMEM, or ROSTER_INVALID: see problems. The sheet is to be cleared in
 * each case. */
enum { ROSTER_INVALID = 1 };
int roster_read(const char *text, size_t length, struct roster_sheet *sheet)
	__attribute__((warn_unused_result));
void roster_sheet_clear(struct roster_sheet *sheet);

/* Something was wrong with this line already. */
bool roster_is_bad_line(const struct roster_sheet *sheet, size_t line);

/* Column number n of a sheet, from 0, as "code" or, when its lines may leave it empty, "backups?";
 * NULL behind the last. For the test that holds these, the database's and the manual's together. */
const char *roster_column(int order, size_t n);
