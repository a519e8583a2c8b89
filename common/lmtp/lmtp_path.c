#include "lmtp_path.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_atom(char c)
{
	return c > ' ' && c <= '~' && strchr("<>()[]\\,;:\"@", c) == NULL;
}

/* Each of these gives the end of what it is named after, or NULL. */

static const char *end_of_quoted(const char *text)
{
	for (text++; *text != '"'; text++) {
		if (*text == '\\')
			text++;
		if (*text < ' ' || *text > '~')
			return NULL;
	}
	return text + 1;
}

static const char *end_of_atoms(const char *text)
{
	const char *begin = text;

	while (is_atom(*text))
		text++;
	return text > begin ? text : NULL;
}

static const char *end_of_domain(const char *text)
{
	if (*text != '[')
		return end_of_atoms(text);
	while (*text > ' ' && *text <= '~' && *text != ']' && *text != '<' && *text != '>')
		text++;
	return *text == ']' ? text + 1 : NULL;
}

/* local@domain. A local part alone is let through: who the recipient is decides the caller. */
static const char *end_of_mailbox(const char *text)
{
	const char *end = *text == '"' ? end_of_quoted(text) : end_of_atoms(text);

	return end != NULL && *end == '@' ? end_of_domain(end + 1) : end;
}

/* "@a,@b:" in front of an address is accepted and means nothing (RFC 5321 appendix C). */
static const char *skip_route(const char *text)
{
	const char *end = text;

	while (*end == '@') {
		end = end_of_domain(end + 1);
		if (end == NULL)
			return text;
		if (*end == ':')
			return end + 1;
		if (*end == ',')
			end++;
	}
	return text;
}

int lmtp_path_read(const char *text, struct lmtp_path *path)
{
	const char *begin, *end;

	text += strspn(text, " ");
	if (*text != '<')
		return LMTP_PATH_INVALID;
	begin = skip_route(text + 1);
	end = *begin == '>' && begin == text + 1 ? begin : end_of_mailbox(begin);
	if (end == NULL || *end != '>' || (end[1] != '\0' && end[1] != ' ')
		|| end - begin > LMTP_PATH_MAX)
		return LMTP_PATH_INVALID;
	memcpy(path->address, begin, (size_t)(end - begin));
	path->address[end - begin] = '\0';
	path->rest = end + 1;
	return 0;
}

static int read_size(const char *value, size_t n, struct lmtp_parameters *parameters)
{
	if (n == 0 || n > 20 || strspn(value, "0123456789") != n || parameters->has_size)
		return LMTP_PARAMETERS_INVALID;
	errno = 0;
	parameters->size = strtoull(value, NULL, 10);
	if (errno != 0)
		parameters->size = ULLONG_MAX;
	parameters->has_size = true;
	return 0;
}

static bool is_word(const char *text, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(text, word, n) == 0;
}

static int read_parameter(const char *text, size_t n, struct lmtp_parameters *parameters)
{
	const char *equals = memchr(text, '=', n);
	size_t name = equals != NULL ? (size_t)(equals - text) : n;
	const char *value = equals != NULL ? equals + 1 : text + n;
	size_t length = (size_t)(text + n - value);

	if (is_word(text, name, "SIZE"))
		return read_size(value, length, parameters);
	if (!is_word(text, name, "BODY"))
		return LMTP_PARAMETERS_UNKNOWN;
	/* 8BITMIME asks for nothing: octets are kept as they come. */
	if (is_word(value, length, "7BIT") || is_word(value, length, "8BITMIME"))
		return 0;
	return LMTP_PARAMETERS_INVALID;
}

int lmtp_parameters_read(const char *text, struct lmtp_parameters *parameters)
{
	*parameters = (struct lmtp_parameters){0};
	for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
		size_t n = strcspn(text, " ");
		int r = read_parameter(text, n, parameters);

		if (r != 0)
			return r;
		text += n;
	}
	return 0;
}
