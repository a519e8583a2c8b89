#include "roster.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "json.h"
#include "octets.h"

enum { COLUMNS_MOST = 16, NAME_MOST = 40 };

struct roster_layout {
	const char *name;
	const char *columns[COLUMNS_MOST + 1]; /* with ?: the file may lack it */
};

static const struct roster_layout layouts[] = {
	{"offices", {"code", "name", "time_zone", "telephone", "hours", "places", "backups?"}},
	{"supervisors", {"login", "name", "mail", "pager?", "rank?", "offices"}},
	{"coordinators",
		{"code", "office", "duty", "name", "title", "mail", "aliases?", "telephone",
			"pager?", "gender?", "services", "languages", "max_open_cases?",
			"weekly_hours?", "meetings_a_day?", "time_zone?"}},
	{"patterns", {"coordinator", "kind", "days", "from", "to", "valid_from?", "valid_to?"}},
	{"leave", {"coordinator", "from", "to"}},
};

enum { N_LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

struct reading {
	struct roster_sheet *sheet;
	size_t size_problems;
	/* the first line */
	const struct roster_layout *layout;
	int *columns; /* which of the layout's each field is; -1: none */
	size_t n_columns;
	struct json json;
};

const char *roster_column(int order, size_t n)
{
	if (order < 0 || order >= N_LAYOUTS || n >= COLUMNS_MOST)
		return NULL;
	return layouts[order].columns[n];
}

/* ---- problems ---- */

/* 0 or -ENOMEM. */
__attribute__((format(printf, 3, 4))) static int problem(
	struct reading *reading, size_t line, const char *format, ...)
{
	struct roster_sheet *sheet = reading->sheet;
	struct roster_problem *problems = sheet->problems;
	va_list args;
	char *text;
	int n;

	if (sheet->n_problems == reading->size_problems) {
		size_t size = reading->size_problems ? 2 * reading->size_problems : 16;

		problems = reallocarray(problems, size, sizeof(*problems));
		if (!problems)
			return -ENOMEM;
		sheet->problems = problems;
		reading->size_problems = size;
	}
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	problems[sheet->n_problems++] = (struct roster_problem){line, text};
	return 0;
}

bool roster_is_bad_line(const struct roster_sheet *sheet, size_t line)
{
	size_t low = 0, high = sheet->n_problems;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sheet->problems[middle].line == line)
			return true;
		if (sheet->problems[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* ---- names of columns ---- */

static size_t name_length(const char *column)
{
	return strcspn(column, "?");
}

static bool is_optional(const char *column)
{
	return column[name_length(column)] == '?';
}

/* "Time Zone" means time_zone; without the white space around. */
static void simplify(const char *given, char *name)
{
	size_t length = 0;

	given += strspn(given, " ");
	for (; *given && length < NAME_MOST; given++) {
		bool joins = *given == ' ' || *given == '-';

		name[length++] = joins ? '_' : (char)tolower((unsigned char)*given);
	}
	while (length > 0 && name[length - 1] == '_')
		length--;
	name[length] = '\0';
}

static int find_column(const struct roster_layout *layout, const char *name)
{
	for (int i = 0; i < COLUMNS_MOST && layout->columns[i]; i++) {
		size_t length = name_length(layout->columns[i]);

		if (strlen(name) == length && strncmp(layout->columns[i], name, length) == 0)
			return i;
	}
	return -1;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein's distance; both at most NAME_MOST long. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t row[NAME_MOST + 1];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(change, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b_length];
}

/* The column that is like name, or NULL when none is. */
static const char *nearest(const struct roster_layout *layout, const char *name)
{
	const char *found = NULL;
	size_t length = strlen(name), best = length / 2 + 1;

	for (int i = 0; i < COLUMNS_MOST && layout->columns[i]; i++) {
		const char *column = layout->columns[i];
		size_t d = distance(name, length, column, name_length(column));

		if (d < best) {
			best = d;
			found = column;
		}
	}
	return found;
}

/* ---- the first line ---- */

/* How ill a layout fits: twice the columns that are unknown or missing, less those that fit. */
static int misfit(
	const struct roster_layout *layout, const struct csv_record *header, int *matchedp)
{
	bool seen[COLUMNS_MOST] = {false};
	int cost = 0, matched = 0;
	char name[NAME_MOST + 1];

	for (size_t i = 0; i < header->n_fields; i++) {
		int column;

		simplify(header->fields[i], name);
		column = find_column(layout, name);
		if (column >= 0) {
			seen[column] = true;
			matched++;
		} else {
			cost += 2;
		}
	}
	for (int i = 0; i < COLUMNS_MOST && layout->columns[i]; i++) {
		if (!seen[i] && !is_optional(layout->columns[i]))
			cost += 2;
	}
	*matchedp = matched;
	return cost - matched;
}

static const struct roster_layout *recognise(const struct csv_record *header)
{
	const struct roster_layout *found = NULL;
	int best = 0;

	for (int i = 0; i < N_LAYOUTS; i++) {
		int matched, cost = misfit(&layouts[i], header, &matched);

		/* One column in common, such as "name", says nothing. */
		if (matched >= 2 && (!found || cost < best)) {
			found = &layouts[i];
			best = cost;
		}
	}
	return found;
}

static void list_columns(struct octets *text, const struct roster_layout *layout)
{
	for (int i = 0; i < COLUMNS_MOST && layout->columns[i]; i++) {
		if (i > 0)
			octets_add(text, ",", 1);
		octets_add(text, layout->columns[i], name_length(layout->columns[i]));
	}
}

static int say_no_sheet(struct reading *reading, const struct csv_record *header)
{
	struct octets text = {0};
	size_t length;
	char *list;
	int r;

	for (int i = 0; i < N_LAYOUTS; i++) {
		octets_add_text(&text, i > 0 ? "; or " : "");
		list_columns(&text, &layouts[i]);
	}
	r = octets_take(&text, &list, &length);
	if (r)
		return r;
	if (header->n_fields == 1 && strchr(header->fields[0], ';'))
		r = problem(reading, header->line,
			"the columns lie between semicolons; expected commas (save the file as "
			"\"CSV "
			"UTF-8 (comma delimited)\")");
	else
		r = problem(reading, header->line,
			"this is the first line of no sheet; expected the columns %s", list);
	free(list);
	return r;
}

static int say_unknown_column(
	struct reading *reading, const struct csv_record *header, size_t field)
{
	struct octets text = {0};
	char name[NAME_MOST + 1], *list;
	const char *near;
	size_t length;
	int r;

	simplify(header->fields[field], name);
	if (!*name)
		return problem(reading, header->line,
			"column %zu has no name; expected a column of sheet %s, or none here",
			field + 1, reading->layout->name);
	near = nearest(reading->layout, name);
	if (near)
		return problem(reading, header->line, "column %s: unknown; expected %.*s?",
			header->fields[field], (int)name_length(near), near);
	list_columns(&text, reading->layout);
	r = octets_take(&text, &list, &length);
	if (r)
		return r;
	r = problem(reading, header->line, "column %s: unknown; expected of sheet %s: %s",
		header->fields[field], reading->layout->name, list);
	free(list);
	return r;
}

static int take_column(
	struct reading *reading, const struct csv_record *header, size_t field, bool *seen)
{
	char name[NAME_MOST + 1];
	int column;

	simplify(header->fields[field], name);
	column = find_column(reading->layout, name);
	reading->columns[field] = column;
	if (column < 0)
		return say_unknown_column(reading, header, field);
	if (seen[column])
		return problem(
			reading, header->line, "column %s: named twice; expected once", name);
	seen[column] = true;
	return 0;
}

static int take_columns(struct reading *reading, const struct csv_record *header)
{
	bool seen[COLUMNS_MOST] = {false};
	int r = 0;

	for (size_t i = 0; i < header->n_fields && !r; i++)
		r = take_column(reading, header, i, seen);
	for (int i = 0; i < COLUMNS_MOST && reading->layout->columns[i] && !r; i++) {
		const char *column = reading->layout->columns[i];

		if (!seen[i] && !is_optional(column))
			r = problem(reading, header->line,
				"column %s: missing; expected it in sheet %s", column,
				reading->layout->name);
	}
	return r;
}

static int take_header(struct reading *reading, const struct csv_record *header)
{
	int r;

	reading->layout = recognise(header);
	if (!reading->layout)
		return say_no_sheet(reading, header);
	reading->sheet->name = reading->layout->name;
	reading->sheet->order = (int)(reading->layout - layouts);
	reading->n_columns = header->n_fields;
	reading->columns = calloc(header->n_fields, sizeof(*reading->columns));
	if (!reading->columns)
		return -ENOMEM;
	r = take_columns(reading, header);
	reading->sheet->usable = !r && reading->sheet->n_problems == 0;
	return r;
}

/* ---- the lines ---- */

static bool is_blank(const char *text)
{
	return text[strspn(text, " ")] == '\0';
}

/* Spreadsheets write lines of nothing but commas, and commas behind the last column. */
static size_t used_fields(const struct csv_record *record)
{
	size_t n = record->n_fields;

	while (n > 0 && is_blank(record->fields[n - 1]))
		n--;
	return n;
}

static void write_row(struct reading *reading, const struct csv_record *record)
{
	struct json *json = &reading->json;
	char name[NAME_MOST + 1];

	json_open(json, '{');
	json_key(json, "line");
	json_number(json, (long long)record->line);
	for (size_t i = 0; i < record->n_fields && i < reading->n_columns; i++) {
		const char *column = reading->layout->columns[reading->columns[i]];

		snprintf(name, sizeof(name), "%.*s", (int)name_length(column), column);
		json_key(json, name);
		json_text(json, record->fields[i]);
	}
	json_close(json, '}');
	reading->sheet->n_rows++;
}

static int check_fields(struct reading *reading, const struct csv_record *record)
{
	if (record->n_fields < reading->n_columns || used_fields(record) > reading->n_columns)
		return problem(reading, record->line,
			"%zu fields; expected %zu, as in the first line", record->n_fields,
			reading->n_columns);
	return 0;
}

/* Of a bad line, what could be read goes to the database too: so the code it gives is no stranger
 * to the lines that name it, and one mistake is not reported a hundred times. */
static int take_line(struct reading *reading, const struct csv_record *record)
{
	int r;

	if (!reading->sheet->usable || used_fields(record) == 0)
		return 0;
	r = check_fields(reading, record);
	write_row(reading, record);
	return r;
}

/* A bad line: the column the mistake is in, if the first line was understood. */
static int say_bad_line(
	struct reading *reading, const struct csv_record *record, const struct csv_problem *bad)
{
	const char *column = NULL;

	if (reading->sheet->usable && record->n_fields < reading->n_columns)
		column = reading->layout->columns[reading->columns[record->n_fields]];
	if (column)
		return problem(reading, record->line, "column %.*s, character %zu: %s",
			(int)name_length(column), column, bad->position, bad->text);
	return problem(reading, record->line, "character %zu: %s", bad->position, bad->text);
}

static int take_bad_line(
	struct reading *reading, const struct csv_record *record, const struct csv_problem *bad)
{
	int r = say_bad_line(reading, record, bad);

	if (!r && reading->sheet->usable && record->n_fields > 0)
		write_row(reading, record);
	return r;
}

static int read_lines(struct reading *reading, struct csv *csv)
{
	struct csv_record record;
	struct csv_problem bad;
	bool first = true;
	int r = 0;

	for (; r == 0; first = false) {
		int outcome = csv_read(csv, &record, &bad);

		if (outcome < 0)
			return outcome;
		if (outcome == CSV_END)
			return first ? problem(reading, 1,
				       "the file is empty; expected a first line with the columns")
				     : 0;
		if (outcome == CSV_INVALID)
			r = take_bad_line(reading, &record, &bad);
		else if (first)
			r = take_header(reading, &record);
		else
			r = take_line(reading, &record);
	}
	return r;
}

int roster_read(const char *text, size_t length, struct roster_sheet *sheet)
{
	struct reading reading = {.sheet = sheet};
	struct csv *csv = NULL;
	int r;

	*sheet = (struct roster_sheet){0};
	r = csv_new(text, length, &csv);
	if (r)
		return r;
	json_open(&reading.json, '[');
	r = read_lines(&reading, csv);
	json_close(&reading.json, ']');
	if (!r)
		r = json_take(&reading.json, &sheet->rows);
	json_clear(&reading.json);
	csv_free(csv);
	free(reading.columns);
	if (r)
		return r;
	return sheet->n_problems > 0 ? ROSTER_INVALID : 0;
}

void roster_sheet_clear(struct roster_sheet *sheet)
{
	for (size_t i = 0; i < sheet->n_problems; i++)
		free(sheet->problems[i].text);
	free(sheet->problems);
	free(sheet->rows);
	*sheet = (struct roster_sheet){0};
}
