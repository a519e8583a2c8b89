#include "plan_rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct rows {
	char *rows;
	size_t n, room;
};

struct plan_text {
	FILE *in;
	char *line;
	size_t line_room, line_number;
	struct plan_input input;
	struct rows rows[KINDS];
	void **owned; /* lists that rows point to */
	size_t n_owned, owned_room;
	char error[200];
};

/* Numbers of a value, and how many one element of its list has. */
struct numbers {
	int64_t *numbers;
	size_t n;
};

static int bad(struct plan_text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int bad(struct plan_text *text, const char *fmt, ...)
{
	int n = snprintf(text->error, sizeof text->error, "line %zu: ", text->line_number);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text->error + n, sizeof text->error - (size_t)n, fmt, args);
	va_end(args);
	return PLAN_TEXT_BAD;
}

/* Memory that lives as long as the input at hand. */
static void *own(struct plan_text *text, size_t n, size_t size)
{
	if (text->n_owned == text->owned_room) {
		size_t room = text->owned_room ? text->owned_room * 2 : 64;
		void **owned = reallocarray(text->owned, room, sizeof *owned);

		if (owned == NULL)
			return NULL;
		text->owned = owned;
		text->owned_room = room;
	}
	text->owned[text->n_owned] = calloc(n ? n : 1, size);
	return text->owned[text->n_owned] ? text->owned[text->n_owned++] : NULL;
}

static void clear(struct plan_text *text)
{
	for (size_t i = 0; i < text->n_owned; i++)
		free(text->owned[i]);
	text->n_owned = 0;
	for (int i = 0; i < KINDS; i++)
		text->rows[i].n = 0;
	text->input = (struct plan_input){0};
}

/* Numbers with commas between the elements and colons within them, `each` in an element. */
static int read_numbers(
	struct plan_text *text, const char *value, size_t each, struct numbers *numbers)
{
	size_t room = *value != '\0';
	const char *at = value;

	for (const char *c = value; *c; c++)
		room += *c == ',' || *c == ':';
	numbers->numbers = own(text, room, sizeof *numbers->numbers);
	numbers->n = 0;
	if (numbers->numbers == NULL)
		return -ENOMEM;
	while (numbers->n < room) {
		char *end, separator;

		errno = 0;
		numbers->numbers[numbers->n++] = strtoll(at, &end, 10);
		separator = numbers->n == room ? '\0' : numbers->n % each ? ':' : ',';
		if (end == at || errno != 0 || *end != separator)
			return bad(text, "not a number, or not in its form: %.40s", value);
		at = end + 1;
	}
	if (numbers->n % each != 0)
		return bad(text, "not in its form: %.40s", value);
	return 0;
}

static bool fits_code(int64_t number)
{
	return INT32_MIN <= number && number <= INT32_MAX;
}

/* A list of int32_t for each `every`-th number from `first` on. */
static int make_codes(struct plan_text *text, struct numbers numbers, size_t first, size_t every,
	struct plan_codes *codes)
{
	int32_t *list = own(text, numbers.n, sizeof *list);

	if (list == NULL)
		return -ENOMEM;
	*codes = (struct plan_codes){list, 0};
	for (size_t i = first; i < numbers.n; i += every) {
		if (!fits_code(numbers.numbers[i]))
			return bad(text, "out of range");
		list[codes->n++] = (int32_t)numbers.numbers[i];
	}
	return 0;
}

static int set_scalar(struct plan_text *text, enum type type, struct numbers numbers, void *to)
{
	int64_t number = numbers.n == 1 ? numbers.numbers[0] : 0;
	int32_t code = (int32_t)number;
	size_t index = (size_t)number;
	bool truth = number == 1;

	if (numbers.n != 1)
		return bad(text, "one number is needed");
	if (type == NUMBER)
		memcpy(to, &number, sizeof number);
	else if (type == CODE && fits_code(number))
		memcpy(to, &code, sizeof code);
	else if (type == INDEX && number >= 0)
		memcpy(to, &index, sizeof index);
	else if (type == TRUTH && (number == 0 || number == 1))
		memcpy(to, &truth, sizeof truth);
	else
		return bad(text, "out of range");
	return 0;
}

static int set_three(struct plan_text *text, enum type type, struct numbers numbers, void *to)
{
	unsigned masks[PLAN_URGENCIES];

	if (numbers.n != PLAN_URGENCIES)
		return bad(text, "three numbers are needed");
	if (type == WEIGHTS) {
		memcpy(to, numbers.numbers, PLAN_URGENCIES * sizeof(int64_t));
		return 0;
	}
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		if (numbers.numbers[i] < 0 || numbers.numbers[i] > UINT32_MAX)
			return bad(text, "out of range");
		masks[i] = (unsigned)numbers.numbers[i];
	}
	memcpy(to, masks, sizeof masks);
	return 0;
}

static int set_spans(struct plan_text *text, enum type type, struct numbers numbers, void *to)
{
	size_t n = numbers.n / 2;
	struct span *spans = own(text, n, sizeof *spans);

	if (spans == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		spans[i] = (struct span){numbers.numbers[2 * i], numbers.numbers[2 * i + 1]};
	if (type == SPANS)
		memcpy(to, &(struct span_list){spans, n}, sizeof(struct span_list));
	else if (n == 1)
		memcpy(to, spans, sizeof *spans);
	else
		return bad(text, "one span is needed");
	return 0;
}

static int set_backups(struct plan_text *text, struct numbers numbers, struct plan_office *office)
{
	struct plan_backup *backups = own(text, numbers.n / 3, sizeof *backups);
	struct plan_codes codes;
	int r = backups ? make_codes(text, numbers, 0, 1, &codes) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < numbers.n / 3; i++)
		backups[i] = (struct plan_backup){
			codes.codes[3 * i], codes.codes[3 * i + 1], codes.codes[3 * i + 2]};
	office->backups = backups;
	office->n_backups = numbers.n / 3;
	return r;
}

static int set_days(struct plan_text *text, struct numbers numbers, struct plan_zone *zone)
{
	int64_t *starts = own(text, numbers.n / 2, sizeof *starts);
	struct plan_codes weeks;
	int r = starts ? make_codes(text, numbers, 1, 2, &weeks) : -ENOMEM;

	if (r != 0)
		return r;
	for (size_t i = 0; i < numbers.n / 2; i++)
		starts[i] = numbers.numbers[2 * i];
	zone->day_starts = starts;
	zone->week_numbers = weeks.codes;
	zone->n_days = numbers.n / 2;
	return 0;
}

static int set_urgency(struct plan_text *text, const char *value, void *to)
{
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		enum plan_urgency urgency = (enum plan_urgency)i;

		if (strcmp(value, urgencies[i]) != 0)
			continue;
		memcpy(to, &urgency, sizeof urgency);
		return 0;
	}
	return bad(text, "unknown urgency: %.40s", value);
}

static int set_codes(struct plan_text *text, struct numbers numbers, void *to)
{
	struct plan_codes codes;
	int r = make_codes(text, numbers, 0, 1, &codes);

	if (r == 0)
		memcpy(to, &codes, sizeof codes);
	return r;
}

static size_t numbers_each(enum type type)
{
	if (type == BACKUPS)
		return 3;
	return type == SPAN || type == SPANS || type == DAYS ? 2 : 1;
}

static int set_list(struct plan_text *text, enum type type, struct numbers numbers, void *to)
{
	if (type == BACKUPS)
		return set_backups(text, numbers, to);
	if (type == DAYS)
		return set_days(text, numbers, to);
	if (type == CODES)
		return set_codes(text, numbers, to);
	memcpy(to, &(struct plan_cases){numbers.numbers, numbers.n}, sizeof(struct plan_cases));
	return 0;
}

static int set_member(
	struct plan_text *text, const struct member *member, char *row, const char *value)
{
	void *to = row + member->offset;
	struct numbers numbers;
	int r;

	if (member->type == URGENCY)
		return set_urgency(text, value, to);
	r = read_numbers(text, value, numbers_each(member->type), &numbers);
	if (r != 0)
		return r;
	if (member->type <= TRUTH)
		return set_scalar(text, member->type, numbers, to);
	if (member->type == WEIGHTS || member->type == MASKS)
		return set_three(text, member->type, numbers, to);
	if (member->type == SPAN || member->type == SPANS)
		return set_spans(text, member->type, numbers, to);
	return set_list(text, member->type, numbers, to);
}

/* A new row, all 0. */
static char *add_row(struct plan_text *text, enum kind kind)
{
	struct rows *rows = &text->rows[kind];
	size_t size = kinds[kind].size;

	if (rows->n == rows->room) {
		size_t room = rows->room ? rows->room * 2 : 16;
		char *more = reallocarray(rows->rows, room, size);

		if (more == NULL)
			return NULL;
		rows->rows = more;
		rows->room = room;
	}
	return memset(rows->rows + size * rows->n++, 0, size);
}

static int read_member(struct plan_text *text, enum kind kind, char *row, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return bad(text, "no key=value: %.40s", word);
	*value++ = '\0';
	for (const struct member *member = kinds[kind].members; member->key; member++)
		if (strcmp(member->key, word) == 0)
			return set_member(text, member, row, value);
	return bad(text, "%s has no %.40s", kinds[kind].name, word);
}

static int read_row(struct plan_text *text, const char *name, char **rest)
{
	char *row, *word;
	int kind = 0, r = 0;

	while (kind < KINDS && strcmp(kinds[kind].name, name) != 0)
		kind++;
	if (kind == KINDS)
		return bad(text, "unknown kind of row: %.40s", name);
	row = kind == POLICY ? (char *)&text->input : add_row(text, (enum kind)kind);
	if (row == NULL)
		return -ENOMEM;
	while (r == 0 && (word = strtok_r(NULL, " \t\n", rest)) != NULL)
		r = read_member(text, (enum kind)kind, row, word);
	return r;
}

static void point_at_rows(struct plan_text *text)
{
	struct plan_input *input = &text->input;
	const struct rows *rows = text->rows;

	input->zones = (const void *)rows[ZONE].rows;
	input->n_zones = rows[ZONE].n;
	input->offices = (const void *)rows[OFFICE].rows;
	input->n_offices = rows[OFFICE].n;
	input->coordinators = (const void *)rows[COORDINATOR].rows;
	input->n_coordinators = rows[COORDINATOR].n;
	input->appointments = (const void *)rows[APPOINTMENT].rows;
	input->n_appointments = rows[APPOINTMENT].n;
	input->requests = (const void *)rows[REQUEST].rows;
	input->n_requests = rows[REQUEST].n;
	input->standing = (const void *)rows[STANDING].rows;
	input->n_standing = rows[STANDING].n;
}

struct plan_text *plan_text_open(FILE *in)
{
	struct plan_text *text = calloc(1, sizeof *text);

	if (text)
		text->in = in;
	return text;
}

struct plan_text *plan_text_close(struct plan_text *text)
{
	if (text) {
		clear(text);
		for (int i = 0; i < KINDS; i++)
			free(text->rows[i].rows);
		free(text->owned);
		free(text->line);
		free(text);
	}
	return NULL;
}

const char *plan_text_error(const struct plan_text *text)
{
	return text->error;
}

int plan_text_next(struct plan_text *text, const struct plan_input **inputp)
{
	bool any = false, ended = false;
	int r = 0;

	clear(text);
	while (r == 0 && !ended && getline(&text->line, &text->line_room, text->in) >= 0) {
		char *rest = NULL, *name = strtok_r(text->line, " \t\n", &rest);

		text->line_number++;
		if (name == NULL || *name == '#')
			continue;
		any = true;
		ended = strcmp(name, "plan") == 0;
		if (!ended)
			r = read_row(text, name, &rest);
	}
	if (r == 0 && ferror(text->in))
		return -EIO;
	if (r == 0 && !any)
		return PLAN_TEXT_END;
	point_at_rows(text);
	*inputp = &text->input;
	return r;
}
