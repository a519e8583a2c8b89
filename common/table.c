#include "table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { GAP = 2, LEAST_LAST = 20 };

/* Takes the text over; NULL: there was no memory for it. */
static void keep(struct table *table, char *text)
{
	if (text && table->n == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		char **cells = reallocarray(table->cells, room, sizeof *cells);

		if (cells) {
			table->cells = cells;
			table->room = room;
		}
	}
	if (text == NULL || table->n == table->room) {
		table->failed = true;
		free(text);
		return;
	}
	table->cells[table->n++] = text;
}

void table_add(struct table *table, const char *text)
{
	keep(table, strdup(text ? text : ""));
}

void table_format(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	keep(table, n < 0 ? NULL : text);
}

bool table_is_whole(const struct table *table)
{
	return !table->failed && table->n % table->n_columns == 0;
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->n = table->room = 0;
}

/* ---- characters ---- */

/* Octets of the first `most` characters, and how many these are. */
static size_t measure(const char *text, size_t most, size_t *characters)
{
	size_t octets = 0;

	for (*characters = 0; text[octets] && *characters < most; ++*characters) {
		size_t n = text_character(text + octets);

		octets += n ? n : 1;
	}
	return octets;
}

static size_t width_of(const char *text)
{
	size_t characters;

	measure(text, SIZE_MAX, &characters);
	return characters;
}

static void add_blanks(struct octets *out, size_t n)
{
	while (n-- > 0)
		octets_add_char(out, ' ');
}

/* ---- for people ---- */

static size_t column_width(const struct table *table, size_t column)
{
	size_t widest = width_of(table->columns[column].title);

	for (size_t i = column; i < table->n; i += table->n_columns) {
		size_t width = width_of(table->cells[i]);

		if (width > widest)
			widest = width;
	}
	if (table->columns[column].most > 0 && widest > table->columns[column].most)
		widest = table->columns[column].most;
	return widest;
}

static void write_cell(
	const struct table_column *column, const char *text, size_t width, struct octets *out)
{
	size_t characters = width_of(text), shown;

	if (characters > width) {
		octets_add(out, text, measure(text, width - 1, &shown));
		octets_add_text(out, "…");
		return;
	}
	if (column->right)
		add_blanks(out, width - characters);
	octets_add_text(out, text);
	if (!column->right)
		add_blanks(out, width - characters);
}

/* Octets of what goes on this line: up to a blank, or cut where a word is longer than the line. */
static size_t line_end(const char *text, size_t width)
{
	size_t characters, end = measure(text, width, &characters), blank = end;

	if (text[end] == '\0' || text[end] == ' ')
		return end;
	while (blank > 0 && text[blank] != ' ')
		blank--;
	return blank > 0 ? blank : end;
}

static void end_line(struct octets *out)
{
	while (out->length > 0 && out->data[out->length - 1] == ' ')
		out->length--;
	octets_add_char(out, '\n');
}

static void write_last(const struct table_column *column, const char *text, size_t from,
	size_t width, struct octets *out)
{
	if (column->right) {
		write_cell(column, text, width, out);
		end_line(out);
		return;
	}
	for (bool first = true; first || *text; first = false) {
		size_t end = line_end(text, width);

		if (!first)
			add_blanks(out, from);
		octets_add(out, text, end);
		end_line(out);
		text += end;
		text += strspn(text, " ");
	}
}

static void write_row(const struct table *table, char *const *cells, const size_t *widths,
	size_t width, struct octets *out)
{
	size_t last = table->n_columns - 1, from = 0, left;

	for (size_t i = 0; i < last; i++) {
		write_cell(&table->columns[i], cells ? cells[i] : table->columns[i].title,
			widths[i], out);
		add_blanks(out, GAP);
		from += widths[i] + GAP;
	}
	left = width > from + LEAST_LAST ? width - from : LEAST_LAST;
	if (table->columns[last].right)
		left = widths[last];
	write_last(&table->columns[last], cells ? cells[last] : table->columns[last].title, from,
		left, out);
}

void table_write(const struct table *table, size_t width, struct octets *out)
{
	size_t *widths = calloc(table->n_columns, sizeof *widths);

	if (widths == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	write_row(table, NULL, widths, width, out);
	for (size_t i = 0; i + table->n_columns <= table->n; i += table->n_columns)
		write_row(table, table->cells + i, widths, width, out);
	free(widths);
}

/* ---- CSV ---- */

void table_write_field(const char *text, struct octets *out)
{
	if (text[strcspn(text, ",\"\r\n")] == '\0') {
		octets_add_text(out, text);
		return;
	}
	octets_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			octets_add_char(out, '"');
		octets_add_char(out, *text);
	}
	octets_add_char(out, '"');
}

void table_write_csv(const struct table *table, struct octets *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		octets_add_text(out, i > 0 ? "," : "");
		table_write_field(table->columns[i].title, out);
	}
	octets_add_char(out, '\n');
	for (size_t i = 0; i + table->n_columns <= table->n; i += table->n_columns) {
		for (size_t j = 0; j < table->n_columns; j++) {
			octets_add_text(out, j > 0 ? "," : "");
			table_write_field(table->cells[i + j], out);
		}
		octets_add_char(out, '\n');
	}
}
