/*
 * fuzz_roster - any bytes as a sheet of a roster, and as the cases of a simulation
 *
 * What comes of a sheet is a list in JSON with as many rows as are counted, and problems that a person can
 * read; a sheet without a problem is taken, one with a problem is refused.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "arrivals.h"
#include "csv.h"
#include "roster.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_roster: %s\n", why);
	abort();
}

static void check_line(const char *text)
{
	if (text_check(text, TEXT_LINE, 10000) != TEXT_FINE)
		fail("a problem that is no line of text");
}

static void check_rows(const struct roster_sheet *sheet)
{
	json_error_t error;
	json_t *rows = json_loads(sheet->rows ? sheet->rows : "", JSON_REJECT_DUPLICATES, &error);
	size_t i;
	json_t *row;

	if (!json_is_array(rows) || json_array_size(rows) != sheet->n_rows)
		fail("rows that are no list, or miscounted");
	json_array_foreach(rows, i, row)
	{
		if (json_integer_value(json_object_get(row, "line")) < 2)
			fail("a row of no line");
	}
	json_decref(rows);
}

static void read_roster(const char *text, size_t size)
{
	struct roster_sheet sheet;
	int r = roster_read(text, size, &sheet);

	if (r != (sheet.n_problems ? ROSTER_INVALID : 0))
		fail("problems that are none, or the other way round");
	check_rows(&sheet);
	for (size_t i = 0; i < sheet.n_problems; i++) {
		check_line(sheet.problems[i].text);
		if (!roster_is_bad_line(&sheet, sheet.problems[i].line))
			fail("a problem of no line");
	}
	roster_sheet_clear(&sheet);
}

static void read_arrivals(const char *text, size_t size)
{
	struct arrivals_sheet sheet;
	int r = arrivals_read(text, size, &sheet);

	if (r != (sheet.n_problems ? ARRIVALS_INVALID : 0))
		fail("problems of cases that are none, or the other way round");
	for (size_t i = 0; i < sheet.n_problems; i++)
		check_line(sheet.problems[i].text);
	arrivals_sheet_clear(&sheet);
}

static void read_records(const char *text, size_t size)
{
	struct csv *csv;
	struct csv_record record;
	struct csv_problem problem;
	size_t last = 0, calls = 0;
	int r;

	if (csv_new(text, size, &csv))
		fail("no memory");
	while ((r = csv_read(csv, &record, &problem)) != CSV_END) {
		if (r != 0 && r != CSV_INVALID)
			fail("an error");
		if (record.line <= last || ++calls > size)
			fail("lines that do not go on");
		last = record.line;
	}
	csv_free(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just that length, with its NUL: what is read behind it is found. */
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_records(text, size);
	read_roster(text, size);
	read_arrivals(text, size);
	free(text);
	return 0;
}
