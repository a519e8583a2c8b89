#include "csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct csv {
	const char *at, *end; /* what was not read yet */
	size_t line;          /* of the line read last */
	/* the line being read */
	const char *line_start, *line_end;
	/* its fields; their texts lie in one block, as long as the longest line */
	char **fields;
	size_t n_fields, size_fields;
	char *texts;
	size_t size_texts;
	char *text_end;
};

int csv_new(const char *text, size_t length, struct csv **csvp)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return -ENOMEM;
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	csv->at = text;
	csv->end = text + length;
	*csvp = csv;
	return 0;
}

struct csv *csv_free(struct csv *csv)
{
	if (!csv)
		return NULL;
	free(csv->fields);
	free(csv->texts);
	free(csv);
	return NULL;
}

/* Takes the next line off the input, without its end. */
static bool next_line(struct csv *csv)
{
	const char *newline;

	if (csv->at == csv->end)
		return false;
	newline = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));
	csv->line++;
	csv->line_start = csv->at;
	csv->line_end = newline ? newline : csv->end;
	csv->at = newline ? newline + 1 : csv->end;
	if (csv->line_end > csv->line_start && csv->line_end[-1] == '\r')
		csv->line_end--;
	return true;
}

static size_t count_characters(const char *from, const char *to)
{
	size_t count = 0;

	for (; from < to; from++)
		count += ((unsigned char)*from & 0xc0) != 0x80;
	return count;
}

static int problem_at(
	const struct csv *csv, const char *at, const char *text, struct csv_problem *problem)
{
	problem->position = count_characters(csv->line_start, at) + 1;
	problem->text = text;
	return CSV_INVALID;
}

/* What a mail must not hold either; the C1 range and two separators end a line for some
 * programs. */
static bool is_control(const char *at, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)at;

	if (length == 2)
		return bytes[0] == 0xc2 && bytes[1] < 0xa0;
	if (length == 3)
		return memcmp(at, "\xe2\x80\xa8", 3) == 0 || memcmp(at, "\xe2\x80\xa9", 3) == 0;
	return length == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7f);
}

/* Takes one character over into the field's text. */
static int take_character(struct csv *csv, const char **atp, struct csv_problem *problem)
{
	const char *at = *atp;
	size_t n = *at ? text_character(at) : 1;

	if (n == 0)
		return problem_at(csv, at, "is not UTF-8; save the file as \"CSV UTF-8\"", problem);
	if (*at == '\t')
		return problem_at(csv, at, "a tab; expected a comma or a space", problem);
	if (is_control(at, n))
		return problem_at(csv, at, "a control character; expected text", problem);
	memcpy(csv->text_end, at, n);
	csv->text_end += n;
	*atp = at + n;
	return 0;
}

/* Each comma makes room for a NUL, and the last field needs one more. */
static int make_room(struct csv *csv)
{
	size_t need = (size_t)(csv->line_end - csv->line_start) + 1;
	char *texts;

	if (need > csv->size_texts) {
		texts = realloc(csv->texts, need);
		if (!texts)
			return -ENOMEM;
		csv->texts = texts;
		csv->size_texts = need;
	}
	csv->text_end = csv->texts;
	csv->n_fields = 0;
	return 0;
}

static int add_field(struct csv *csv, char *text)
{
	char **fields;
	size_t size;

	if (csv->n_fields == csv->size_fields) {
		size = csv->size_fields ? 2 * csv->size_fields : 32;
		fields = reallocarray(csv->fields, size, sizeof(*fields));
		if (!fields)
			return -ENOMEM;
		csv->fields = fields;
		csv->size_fields = size;
	}
	*csv->text_end++ = '\0';
	csv->fields[csv->n_fields++] = text;
	return 0;
}

/* From the opening quote to behind the closing one. */
static int read_quoted(struct csv *csv, const char **atp, struct csv_problem *problem)
{
	const char *start = *atp;
	int r = 0;

	for (++*atp; !r;) {
		if (*atp == csv->line_end)
			return problem_at(csv, start,
				"a quote that is not closed on this line; expected a closing \"",
				problem);
		/* Within quotes, two are one. */
		if (**atp == '"' && (++*atp == csv->line_end || **atp != '"'))
			break;
		r = take_character(csv, atp, problem);
	}
	if (!r && *atp < csv->line_end && **atp != ',')
		return problem_at(csv, *atp,
			"text behind a closing quote; expected a comma (a quote within quotes is "
			"\"\")",
			problem);
	return r;
}

static int read_plain(struct csv *csv, const char **atp, struct csv_problem *problem)
{
	int r = 0;

	while (!r && *atp < csv->line_end && **atp != ',') {
		if (**atp == '"')
			return problem_at(csv, *atp,
				"a quote inside a field; expected the whole field in quotes, and "
				"this one twice",
				problem);
		r = take_character(csv, atp, problem);
	}
	return r;
}

static int read_fields(struct csv *csv, struct csv_problem *problem)
{
	const char *at = csv->line_start;
	int r;

	for (;;) {
		char *text = csv->text_end;

		if (at < csv->line_end && *at == '"')
			r = read_quoted(csv, &at, problem);
		else
			r = read_plain(csv, &at, problem);
		if (!r)
			r = add_field(csv, text);
		if (r || at == csv->line_end)
			return r;
		at++;
	}
}

static bool starts_with_utf16_mark(const struct csv *csv)
{
	return csv->line == 1 && csv->line_end - csv->line_start >= 2
	       && (memcmp(csv->line_start, "\xff\xfe", 2) == 0
		       || memcmp(csv->line_start, "\xfe\xff", 2) == 0);
}

int csv_read(struct csv *csv, struct csv_record *record, struct csv_problem *problem)
{
	int r;

	do {
		if (!next_line(csv))
			return CSV_END;
	} while (csv->line_start == csv->line_end);

	r = make_room(csv);
	if (!r && starts_with_utf16_mark(csv)) {
		/* Every further line would be the same mistake again. */
		csv->at = csv->end;
		r = problem_at(csv, csv->line_start, "the file is UTF-16; save it as \"CSV UTF-8\"",
			problem);
	} else if (!r) {
		r = read_fields(csv, problem);
	}
	record->line = csv->line;
	record->n_fields = csv->n_fields;
	record->fields = csv->fields;
	return r;
}
