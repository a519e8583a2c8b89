#include "arrivals.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

enum {
	COLUMN_OFFICE,
	COLUMN_OPENED,
	COLUMN_URGENCY,
	COLUMN_SERVICE,
	COLUMN_LANGUAGE,
	COLUMN_INTERPRETER,
	COLUMN_MODE,
	COLUMN_MINUTES,
	COLUMN_FOLLOW_UPS,
	COLUMNS,
	UNKNOWN = COLUMNS,
	FIELDS_MOST = 64,
	TEXT_MOST = 64,
};

static const char *const columns[COLUMNS] = {"office", "opened", "urgency?", "service?",
	"language?", "interpreter?", "mode?", "minutes?", "follow_ups?"};

struct reading {
	struct arrivals_sheet *sheet;
	int column_of[FIELDS_MOST];
	size_t n_columns;
	char cells[COLUMNS][TEXT_MOST + 1]; /* of the line at hand, trimmed; "" when empty */
	size_t line;
};

const char *arrivals_column(size_t n)
{
	return n < COLUMNS ? columns[n] : NULL;
}

int arrivals_problem(struct arrivals_sheet *sheet, size_t line, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	if (sheet->n_problems == sheet->problems_room) {
		size_t room = sheet->problems_room ? 2 * sheet->problems_room : 16;
		struct arrivals_problem *more = reallocarray(sheet->problems, room, sizeof *more);

		if (more == NULL)
			return -ENOMEM;
		sheet->problems = more;
		sheet->problems_room = room;
	}
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return -ENOMEM;
	sheet->problems[sheet->n_problems++] = (struct arrivals_problem){line, text};
	return 0;
}

/* ---- the first line ---- */

static size_t name_length(int column)
{
	return strcspn(columns[column], "?");
}

static int find_column(const char *given)
{
	size_t length;

	given += strspn(given, " ");
	length = strlen(given);
	while (length > 0 && given[length - 1] == ' ')
		length--;
	for (int i = 0; i < COLUMNS; i++)
		if (length == name_length(i) && strncasecmp(given, columns[i], length) == 0)
			return i;
	return UNKNOWN;
}

static int take_header(struct reading *reading, const struct csv_record *header)
{
	bool seen[COLUMNS] = {false};
	int r = 0;

	reading->n_columns = header->n_fields;
	if (header->n_fields > FIELDS_MOST)
		return arrivals_problem(reading->sheet, header->line,
			"%zu columns; expected %d at most", header->n_fields, COLUMNS);
	for (size_t i = 0; r == 0 && i < header->n_fields; i++) {
		int column = find_column(header->fields[i]);

		reading->column_of[i] = column;
		if (column == UNKNOWN)
			r = arrivals_problem(reading->sheet, header->line,
				"column %s: unknown; columns are: office, opened, urgency, "
				"service, language, interpreter, mode, minutes, follow_ups",
				header->fields[i]);
		else if (seen[column])
			r = arrivals_problem(reading->sheet, header->line, "column %s: named twice",
				header->fields[i]);
		else
			seen[column] = true;
	}
	for (int i = 0; r == 0 && i < COLUMNS; i++)
		if (!seen[i] && columns[i][name_length(i)] != '?')
			r = arrivals_problem(reading->sheet, header->line,
				"column %s: missing; it is needed", columns[i]);
	return r;
}

/* ---- the lines ---- */

static int bad(struct reading *reading, int column, const char *expected)
{
	return arrivals_problem(reading->sheet, reading->line, "column %.*s: '%s'; expected %s",
		(int)name_length(column), columns[column], reading->cells[column], expected);
}

/* Index in the list, or -1. An empty cell is the first. */
static int one_of(const char *cell, const char *const *list)
{
	for (int i = 0; list[i]; i++)
		if (*cell == '\0' || strcasecmp(cell, list[i]) == 0)
			return i;
	return -1;
}

static int take_choice(struct reading *reading, int column, const char *const *list,
	const char *expected, int *choice)
{
	*choice = one_of(reading->cells[column], list);
	return *choice < 0 ? bad(reading, column, expected) : 0;
}

static bool is_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static int take_number(struct reading *reading, int column, long lowest, long highest,
	long otherwise, long *number)
{
	const char *cell = reading->cells[column];
	char expected[64];

	*number = otherwise;
	if (*cell == '\0')
		return 0;
	if (is_digits(cell) && strlen(cell) < 8) {
		*number = strtol(cell, NULL, 10);
		if (lowest <= *number && *number <= highest)
			return 0;
	}
	snprintf(expected, sizeof expected, "a number from %ld to %ld", lowest, highest);
	return bad(reading, column, expected);
}

static bool fits(const char *text, const char *form)
{
	for (; *form; form++, text++)
		if (*form == '0' ? !isdigit((unsigned char)*text) : *text != *form)
			return false;
	return *text == '\0';
}

static int digits(const char *text, int n)
{
	int number = 0;

	while (n-- > 0)
		number = number * 10 + (*text++ - '0');
	return number;
}

static bool is_in_calendar(int year, int month, int day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return year >= 1970 && month >= 1 && month <= 12 && day >= 1
	       && day <= lengths[month - 1] + (month == 2 && leap);
}

static bool is_moment(const char *text)
{
	return is_in_calendar(digits(text, 4), digits(text + 5, 2), digits(text + 8, 2))
	       && digits(text + 11, 2) < 24 && digits(text + 14, 2) < 60
	       && digits(text + 17, 2) < 60;
}

bool arrivals_is_day(const char *text)
{
	return fits(text, "0000-00-00")
	       && is_in_calendar(digits(text, 4), digits(text + 5, 2), digits(text + 8, 2));
}

static int take_opened(struct reading *reading, struct arrivals_line *line)
{
	const char *cell = reading->cells[COLUMN_OPENED];
	bool short_form = fits(cell, "0000-00-00 00:00") || fits(cell, "0000-00-00T00:00");
	bool long_form = fits(cell, "0000-00-00 00:00:00") || fits(cell, "0000-00-00T00:00:00");

	if (short_form || long_form)
		snprintf(line->opened, sizeof line->opened, "%.10s %.8s%s", cell, cell + 11,
			short_form ? ":00" : "");
	if ((!short_form && !long_form) || !is_moment(line->opened))
		return bad(reading, COLUMN_OPENED, "local time such as 2027-03-01 14:30");
	return 0;
}

static int take_language(struct reading *reading, struct arrivals_line *line)
{
	const char *cell = reading->cells[COLUMN_LANGUAGE];
	size_t length = strspn(cell, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	line->arrival.language = arrivals_word(&reading->sheet->arrivals, *cell ? cell : "en");
	if (line->arrival.language == NULL)
		return -ENOMEM;
	if (*cell
		&& (length < 2 || length > 3 || (cell[length] && cell[length] != '-')
			|| strlen(cell) > 35))
		return bad(reading, COLUMN_LANGUAGE, "a language tag such as es or zh-Hant");
	return 0;
}

static int take_texts(struct reading *reading, struct arrivals_line *line)
{
	const char *service = reading->cells[COLUMN_SERVICE];

	/* As vac.open_case() has it. */
	if (*service == '\0')
		service = "crisis_intervention";
	line->arrival.service = arrivals_word(&reading->sheet->arrivals, service);
	line->office = arrivals_word(&reading->sheet->arrivals, reading->cells[COLUMN_OFFICE]);
	return line->arrival.service && line->office ? take_language(reading, line) : -ENOMEM;
}

static int take_choices(struct reading *reading, struct arrivals_line *line)
{
	static const char *const urgencies[] = {"routine", "urgent", "immediate", NULL};
	static const char *const interpreters[] = {"none", "telephone", "on_site", NULL};
	static const char *const modes[] = {"at_office", "telephone", "elsewhere", NULL};
	int urgency, interpreter, mode;
	int r = take_choice(
		reading, COLUMN_URGENCY, urgencies, "immediate, urgent or routine", &urgency);

	if (r == 0)
		r = take_choice(reading, COLUMN_INTERPRETER, interpreters,
			"none, telephone or on_site", &interpreter);
	if (r == 0)
		r = take_choice(
			reading, COLUMN_MODE, modes, "at_office, telephone or elsewhere", &mode);
	if (r != 0)
		return r;
	line->arrival.urgency = urgency == 2   ? PLAN_IMMEDIATE
				: urgency == 1 ? PLAN_URGENT
					       : PLAN_ROUTINE;
	line->arrival.interpreter = interpreter > 0;
	line->arrival.telephone = mode == 1;
	return 0;
}

static int take_numbers(struct reading *reading, struct arrivals_line *line)
{
	long minutes, follow_ups;
	int r = take_number(reading, COLUMN_MINUTES, 15, 1440, 0, &minutes);

	if (r == 0)
		r = take_number(reading, COLUMN_FOLLOW_UPS, 0, 100, -1, &follow_ups);
	if (r != 0)
		return r;
	line->arrival.minutes = minutes;
	line->arrival.follow_ups = (int)follow_ups;
	return 0;
}

static int keep_line(struct arrivals_sheet *sheet, const struct arrivals_line *line)
{
	if (sheet->n == sheet->room) {
		size_t room = sheet->room ? 2 * sheet->room : 256;
		struct arrivals_line *lines = reallocarray(sheet->lines, room, sizeof *lines);

		if (lines == NULL)
			return -ENOMEM;
		sheet->lines = lines;
		sheet->room = room;
	}
	sheet->lines[sheet->n++] = *line;
	return 0;
}

static bool take_cell(struct reading *reading, int column, const char *text)
{
	size_t length;

	text += strspn(text, " ");
	length = strlen(text);
	while (length > 0 && text[length - 1] == ' ')
		length--;
	if (length > TEXT_MOST)
		return false;
	memcpy(reading->cells[column], text, length);
	reading->cells[column][length] = '\0';
	return true;
}

static int take_cells(struct reading *reading, const struct csv_record *record, bool *emptyp)
{
	*emptyp = true;
	for (int i = 0; i < COLUMNS; i++)
		reading->cells[i][0] = '\0';
	for (size_t i = 0; i < record->n_fields; i++) {
		int column = i < reading->n_columns ? reading->column_of[i] : UNKNOWN;

		if (column == UNKNOWN && record->fields[i][strspn(record->fields[i], " ")])
			return arrivals_problem(reading->sheet, record->line,
				"%zu fields; expected %zu, as in the first line", record->n_fields,
				reading->n_columns);
		if (column == UNKNOWN)
			continue;
		if (!take_cell(reading, column, record->fields[i]))
			return arrivals_problem(reading->sheet, record->line,
				"column %.*s: longer than %d characters", (int)name_length(column),
				columns[column], TEXT_MOST);
		if (reading->cells[column][0])
			*emptyp = false;
	}
	return 0;
}

static int take_line(struct reading *reading, const struct csv_record *record)
{
	struct arrivals_sheet *sheet = reading->sheet;
	struct arrivals_line line = {.line = record->line};
	size_t before = sheet->n_problems;
	bool empty;
	int r;

	reading->line = record->line;
	r = take_cells(reading, record, &empty);
	if (r != 0 || empty || sheet->n_problems > before)
		return r;
	if (reading->cells[COLUMN_OFFICE][0] == '\0')
		r = bad(reading, COLUMN_OFFICE, "the code of an office");
	if (r == 0)
		r = take_opened(reading, &line);
	if (r == 0)
		r = take_choices(reading, &line);
	if (r == 0)
		r = take_numbers(reading, &line);
	if (r == 0)
		r = take_texts(reading, &line);
	return r == 0 && sheet->n_problems == before ? keep_line(sheet, &line) : r;
}

static int read_lines(struct reading *reading, struct csv *csv)
{
	struct csv_record record;
	struct csv_problem why;
	bool first = true;
	int r = 0;

	for (; r == 0; first = false) {
		int outcome = csv_read(csv, &record, &why);

		if (outcome < 0)
			return outcome;
		if (outcome == CSV_END)
			return first ? arrivals_problem(reading->sheet, 1,
				       "the file is empty; expected a first line with the columns")
				     : 0;
		if (outcome == CSV_INVALID)
			r = arrivals_problem(reading->sheet, record.line, "character %zu: %s",
				why.position, why.text);
		else if (first)
			r = take_header(reading, &record);
		else
			r = take_line(reading, &record);
		/* Without its columns no line means anything. */
		if (first && reading->sheet->n_problems > 0)
			break;
	}
	return r;
}

int arrivals_read(const char *text, size_t length, struct arrivals_sheet *sheet)
{
	struct reading reading = {.sheet = sheet};
	struct csv *csv = NULL;
	int r;

	*sheet = (struct arrivals_sheet){0};
	r = csv_new(text, length, &csv);
	if (r == 0)
		r = read_lines(&reading, csv);
	csv_free(csv);
	if (r != 0)
		return r;
	return sheet->n_problems > 0 ? ARRIVALS_INVALID : 0;
}

void arrivals_sheet_clear(struct arrivals_sheet *sheet)
{
	for (size_t i = 0; i < sheet->n_problems; i++)
		free(sheet->problems[i].text);
	free(sheet->problems);
	free(sheet->lines);
	arrivals_clear(&sheet->arrivals);
	*sheet = (struct arrivals_sheet){0};
}
