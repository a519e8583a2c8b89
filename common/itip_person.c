#include "itip_person.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address.h"
#include "itip_lines.h"
#include "itip_read.h"

enum { WORD_MAX = 40, RAW_ADDRESS_MAX = 3 * ITIP_READ_ADDRESS_MAX + 10 };

/* Not toupper() and its kin: these must not depend on a locale. */
static char to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_word_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

int itip_word(const char *text, size_t length, char **word)
{
	if (length >= 2 && *text == '"' && text[length - 1] == '"') {
		text++;
		length -= 2;
	}
	if (length == 0 || length > WORD_MAX)
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (!is_word_char(to_upper(text[i])))
			return 0;
	}
	*word = strndup(text, length);
	if (!*word)
		return -ENOMEM;
	for (char *at = *word; *at; at++)
		*at = to_upper(*at);
	return 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static int hex_value(char c)
{
	c = to_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The percent signs of a mailto URI, in place, up to its question mark (RFC 6068). */
static void decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from && *from != '?'; from++) {
		int high = *from == '%' ? hex_value(from[1]) : -1;
		int low = high >= 0 ? hex_value(from[2]) : -1;

		if (low >= 0 && (high > 0 || low > 0)) {
			*to++ = (char)(high * 16 + low);
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* "mailto:a@example.org", "MAILTO:<a@example.org>", "a@example.org" */
static int read_address(const char *text, size_t length, char **address)
{
	char raw[RAW_ADDRESS_MAX + 1], *at = raw;

	if (length > RAW_ADDRESS_MAX)
		return 0;
	memcpy(raw, text, length);
	raw[length] = '\0';
	if (strncasecmp(at, "mailto:", 7) == 0) {
		at += 7;
		decode(at);
	}
	return address_take(at, strlen(at), address);
}

static int read_parameter(const struct itip_line *line, const char *name, char **address)
{
	const char *list, *value;
	size_t length;

	if (!itip_line_parameter(line, name, &list, &length)
		|| !itip_take_value(&list, list + length, &value, &length))
		return 0;
	return read_address(value, length, address);
}

int itip_person_address(const struct itip_line *line, char **address)
{
	int r = read_address(line->value, strlen(line->value), address);

	return r == 0 && !*address ? read_parameter(line, "EMAIL", address) : r;
}

static int read_list(const struct itip_line *line, const char *name, char ***addresses, size_t *n)
{
	const char *list, *end, *value;
	size_t length;
	int r = 0;

	if (!itip_line_parameter(line, name, &list, &length))
		return 0;
	*addresses = calloc(ITIP_READ_DELEGATES_MAX, sizeof(**addresses));
	if (!*addresses)
		return -ENOMEM;
	end = list + length;
	while (r == 0 && *n < ITIP_READ_DELEGATES_MAX
		&& itip_take_value(&list, end, &value, &length)) {
		r = read_address(value, length, &(*addresses)[*n]);
		*n += (*addresses)[*n] != NULL;
	}
	return r;
}

/* ---- attendees ------------------------------------------------------------------------------- */

int itip_person_attendee(const struct itip_line *line, struct itip_attendee *attendee)
{
	const char *text;
	size_t length;
	int r = itip_person_address(line, &attendee->address);

	if (r == 0 && itip_line_parameter(line, "PARTSTAT", &text, &length))
		r = itip_word(text, length, &attendee->partstat);
	if (r == 0)
		r = read_parameter(line, "SENT-BY", &attendee->sent_by);
	if (r == 0)
		r = read_list(
			line, "DELEGATED-TO", &attendee->delegated_to, &attendee->n_delegated_to);
	if (r == 0)
		r = read_list(line, "DELEGATED-FROM", &attendee->delegated_from,
			&attendee->n_delegated_from);
	return r;
}

static void clear_list(char **addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(addresses[i]);
	free(addresses);
}

void itip_person_clear(struct itip_attendee *attendee)
{
	free(attendee->address);
	free(attendee->partstat);
	free(attendee->sent_by);
	clear_list(attendee->delegated_to, attendee->n_delegated_to);
	clear_list(attendee->delegated_from, attendee->n_delegated_from);
}
