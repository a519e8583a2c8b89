#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"

void fields_begin(struct fields *fields, const char *bytes, size_t n)
{
	*fields = (struct fields){.at = bytes, .end = bytes + n};
}

void fields_clear(struct fields *fields)
{
	free(fields->value);
	fields->value = NULL;
}

bool fields_is(const struct fields *fields, const char *name)
{
	return strcasecmp(fields->name, name) == 0;
}

/* One line without its end; at moves behind it. */
static size_t take_line(struct fields *fields, const char **linep)
{
	const char *line = fields->at;
	const char *stop = memchr(line, '\n', (size_t)(fields->end - line));
	size_t n = (size_t)((stop ? stop : fields->end) - line);

	fields->at = stop ? stop + 1 : fields->end;
	while (n > 0 && line[n - 1] == '\r')
		n--;
	*linep = line;
	return n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the name before the colon of a field's first line; 0 when it is no such line. A space
 * before the colon is obsolete (RFC 5322, 4.5) and taken. */
static size_t name_length(const char *line, size_t n, size_t *colon)
{
	size_t name = 0;

	while (name < n && line[name] > 0x20 && line[name] < 0x7f && line[name] != ':')
		name++;
	*colon = name;
	while (*colon < n && is_blank(line[*colon]))
		(*colon)++;
	return *colon < n && line[*colon] == ':' && name <= FIELD_NAME_MAX ? name : 0;
}

size_t fields_before(const char *bytes, size_t n)
{
	struct fields fields;

	fields_begin(&fields, bytes, n);
	while (fields.at < fields.end && fields.at - bytes < FIELDS_BEFORE_MAX) {
		const char *before = fields.at, *line;
		size_t length = take_line(&fields, &line), colon;

		if (length == 0)
			break;
		if (name_length(line, length, &colon) > 0)
			return (size_t)(before - bytes);
	}
	return 0;
}

/* Where the field that began on this line ends. */
static const char *skip_folds(struct fields *fields)
{
	const char *line, *end = fields->at;

	while (fields->at < fields->end && is_blank(*fields->at)) {
		(void)take_line(fields, &line);
		end = fields->at;
	}
	return end;
}

static void unfold(char *to, const char *from, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n && length < FIELD_VALUE_MAX; i++) {
		unsigned char c = (unsigned char)from[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c < 0x20 || c == 0x7f)
			c = ' ';
		if (c == ' ' && length == 0)
			continue;
		to[length++] = (char)c;
	}
	while (length > 0 && to[length - 1] == ' ')
		length--;
	to[length] = '\0';
}

static int take_value(struct fields *fields, const char *from)
{
	size_t n = (size_t)(skip_folds(fields) - from);
	char *value = malloc((n < FIELD_VALUE_MAX ? n : FIELD_VALUE_MAX) + 1);

	if (!value)
		return -ENOMEM;
	unfold(value, from, n);
	free(fields->value);
	fields->value = value;
	return 0;
}

int fields_next(struct fields *fields)
{
	while (fields->at < fields->end) {
		const char *line;
		size_t n = take_line(fields, &line), colon, name;

		if (n == 0)
			return FIELDS_END;
		name = name_length(line, n, &colon);
		if (name == 0)
			continue;
		memcpy(fields->name, line, name);
		fields->name[name] = '\0';
		return take_value(fields, line + colon + 1);
	}
	return FIELDS_END;
}
