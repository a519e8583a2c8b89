#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct arena_block {
	struct arena_block *before;
	size_t size;
	_Alignas(ALIGNMENT) char bytes[];
};

static struct arena_block *add_block(struct arena *arena, size_t need)
{
	size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
	struct arena_block *block = calloc(1, sizeof *block + size);

	if (block == NULL)
		return NULL;
	block->size = size;
	block->before = arena->last;
	arena->last = block;
	arena->used = 0;
	return block;
}

void *arena_get(struct arena *arena, size_t n, size_t size)
{
	struct arena_block *block = arena->last;
	size_t need;
	char *got;

	if (__builtin_mul_overflow(n, size, &need) || need > SIZE_MAX / 2)
		return NULL;
	need = (need + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (block == NULL || block->size - arena->used < need)
		block = add_block(arena, need);
	if (block == NULL)
		return NULL;
	got = block->bytes + arena->used;
	arena->used += need;
	return got;
}

void arena_clear(struct arena *arena)
{
	for (struct arena_block *block = arena->last, *before; block; block = before) {
		before = block->before;
		free(block);
	}
	*arena = (struct arena){0};
}

int32_t words_code(struct words *words, const char *text)
{
	for (size_t i = 0; i < words->n; i++)
		if (strcmp(words->texts[i], text) == 0)
			return (int32_t)i + 1;
	if (words->n == words->room) {
		size_t room = words->room ? words->room * 2 : 32;
		char **texts = reallocarray(words->texts, room, sizeof *texts);

		if (texts == NULL)
			return 0;
		words->texts = texts;
		words->room = room;
	}
	words->texts[words->n] = strdup(text);
	if (words->texts[words->n] == NULL)
		return 0;
	return (int32_t)++words->n;
}

void words_clear(struct words *words)
{
	for (size_t i = 0; i < words->n; i++)
		free(words->texts[i]);
	free(words->texts);
	*words = (struct words){0};
}

bool row_open(struct row *row, const PGresult *result, const char *const *names,
	struct arena *arena, struct words *words)
{
	*row = (struct row){
		.result = result, .names = names, .number = -1, .arena = arena, .words = words};
	for (int i = 0; names[i]; i++) {
		row->columns[i] = PQfnumber(result, names[i]);
		if (row->columns[i] < 0) {
			row->problem = names[i];
			return false;
		}
	}
	return true;
}

bool row_next(struct row *row)
{
	row->bad = false;
	row->problem = NULL;
	return ++row->number < PQntuples(row->result);
}

static void spoil(struct row *row, int column)
{
	if (!row->bad)
		row->problem = row->names[column];
	row->bad = true;
}

static void *no_memory(struct row *row)
{
	row->bad = row->no_memory = true;
	return NULL;
}

static bool is_null(const struct row *row, int column)
{
	return PQgetisnull(row->result, row->number, row->columns[column]);
}

const char *row_text(struct row *row, int column)
{
	if (is_null(row, column)) {
		spoil(row, column);
		return "";
	}
	return PQgetvalue(row->result, row->number, row->columns[column]);
}

static bool parse_number(const char *text, char **endp, int64_t *number)
{
	errno = 0;
	*number = strtoll(text, endp, 10);
	return errno == 0 && *endp != text;
}

int64_t row_number(struct row *row, int column)
{
	const char *text = row_text(row, column);
	char *end;
	int64_t number;

	if (!parse_number(text, &end, &number) || *end) {
		spoil(row, column);
		return 0;
	}
	return number;
}

int64_t row_number_or(struct row *row, int column, int64_t otherwise)
{
	return is_null(row, column) ? otherwise : row_number(row, column);
}

int32_t row_id(struct row *row, int column)
{
	int64_t number = row_number(row, column);

	if (number < INT32_MIN || number > INT32_MAX) {
		spoil(row, column);
		return 0;
	}
	return (int32_t)number;
}

int32_t row_id_or_none(struct row *row, int column)
{
	return is_null(row, column) ? 0 : row_id(row, column);
}

bool row_truth(struct row *row, int column)
{
	return row_text(row, column)[0] == 't';
}

static int32_t code_of(struct row *row, const char *text)
{
	int32_t code = words_code(row->words, text);

	if (code == 0)
		no_memory(row);
	return code;
}

int32_t row_word(struct row *row, int column)
{
	return code_of(row, row_text(row, column));
}

int32_t row_word_or_none(struct row *row, int column)
{
	return is_null(row, column) ? 0 : row_word(row, column);
}

/*
 * The text form of a one-dimensional array, element by element: {1,2,"with \"quotes\"",NULL}.
 * Begins with at = 0; gives false at the end, or when the text is no such array (then at is moved
 * to NULL).
 */
struct elements {
	const char *at;
	char *text; /* the element */
	bool is_null;
};

static bool end_elements(struct elements *elements, bool well)
{
	if (!well)
		elements->at = NULL;
	return false;
}

/* How many elements an array may have at most. */
static size_t count_commas(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static bool next_element(struct elements *elements)
{
	const char *at = elements->at;
	char *to = elements->text;
	bool quoted = *++at == '"';

	if (*at == '}')
		return end_elements(elements, at[1] == '\0');
	at += quoted;
	while (*at && (quoted ? *at != '"' : *at != ',' && *at != '}')) {
		if (*at == '\\' && at[1])
			at++;
		if (!quoted && (*at == '{' || *at == '"'))
			return end_elements(elements, false);
		*to++ = *at++;
	}
	*to = '\0';
	elements->is_null = !quoted && strcmp(elements->text, "NULL") == 0;
	at += quoted && *at == '"';
	/* What follows is left for the next call, which steps over a comma; an end is looked at
	 * again. */
	if (*at == '}')
		at--;
	else if (*at != ',')
		return end_elements(elements, false);
	elements->at = at;
	return true;
}

static bool open_elements(struct row *row, int column, struct elements *elements)
{
	const char *text = row_text(row, column);

	*elements = (struct elements){.at = text};
	if (*text != '{') {
		spoil(row, column);
		return false;
	}
	elements->text = arena_get(row->arena, strlen(text) + 1, 1);
	if (elements->text == NULL)
		return no_memory(row);
	return true;
}

static void close_elements(struct row *row, int column, const struct elements *elements)
{
	if (elements->at == NULL)
		spoil(row, column);
}

/* Arrays of numbers are long, so they are read without the copying above. */
const int64_t *row_numbers(struct row *row, int column, size_t *np)
{
	const char *text = row_text(row, column);
	int64_t *numbers;
	char *end;

	*np = 0;
	if (strcmp(text, "{}") == 0)
		return NULL;
	if (*text != '{') {
		spoil(row, column);
		return NULL;
	}
	numbers = arena_get(row->arena, count_commas(text), sizeof *numbers);
	if (numbers == NULL)
		return no_memory(row);
	do {
		if (!parse_number(text + 1, &end, &numbers[*np])
			|| (*text != '{' && *text != ',')) {
			spoil(row, column);
			*np = 0;
			return NULL;
		}
		++*np;
		text = end;
	} while (*text == ',');
	if (text[0] != '}' || text[1] != '\0')
		spoil(row, column);
	return numbers;
}

const int32_t *row_ids(struct row *row, int column, size_t *np)
{
	const int64_t *numbers = row_numbers(row, column, np);
	int32_t *ids = arena_get(row->arena, *np, sizeof *ids);

	if (ids == NULL) {
		*np = 0;
		return no_memory(row);
	}
	for (size_t i = 0; i < *np; i++) {
		if (numbers[i] < INT32_MIN || numbers[i] > INT32_MAX)
			spoil(row, column);
		ids[i] = (int32_t)numbers[i];
	}
	return ids;
}

const int32_t *row_words(struct row *row, int column, size_t *np)
{
	struct elements elements;
	int32_t *codes;

	*np = 0;
	if (!open_elements(row, column, &elements))
		return NULL;
	codes = arena_get(row->arena, count_commas(elements.at), sizeof *codes);
	if (codes == NULL)
		return no_memory(row);
	while (next_element(&elements)) {
		if (elements.is_null)
			spoil(row, column);
		codes[(*np)++] = code_of(row, elements.text);
	}
	close_elements(row, column, &elements);
	return codes;
}

struct span_list row_spans(struct row *row, int column)
{
	size_t n;
	const int64_t *numbers = row_numbers(row, column, &n);
	struct span *spans = arena_get(row->arena, n / 2, sizeof *spans);

	if (spans == NULL) {
		no_memory(row);
		return (struct span_list){0};
	}
	if (n % 2)
		spoil(row, column);
	for (size_t i = 0; i < n / 2; i++)
		spans[i] = (struct span){numbers[2 * i], numbers[2 * i + 1]};
	return (struct span_list){spans, n / 2};
}
