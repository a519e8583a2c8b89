#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "text.h"

enum { ADDRESS_MAX = 254, MESSAGE_ID_MAX = 512 };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int address_take(const char *text, size_t n, char **addressp)
{
	char address[ADDRESS_MAX + 1];

	*addressp = NULL;
	while (n > 0 && is_space(text[n - 1]))
		n--;
	while (n > 0 && is_space(*text)) {
		text++;
		n--;
	}
	if (n > 2 && text[0] == '<' && text[n - 1] == '>') {
		text++;
		n -= 2;
	}
	if (n == 0 || n > ADDRESS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		address[i] = lower(text[i]);
	address[n] = '\0';
	if (!text_is_address(address))
		return 0;
	*addressp = strdup(address);
	return *addressp ? 0 : -ENOMEM;
}

/* What an address in running text may be made of; a dot or a hyphen at its end belongs to the
 * sentence. */
static bool is_domain(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '.'
	       || c == '-';
}

static bool is_local(char c)
{
	return is_domain(c) || (c && strchr("!#$%&*+/=?^_{|}~", c));
}

/* at: an @. */
static int take_around(const char *start, const char *at, const char **endp, char **addressp)
{
	const char *from = at, *to = at + 1;

	while (from > start && at - from <= ADDRESS_MAX && is_local(from[-1]))
		from--;
	while (to - at <= ADDRESS_MAX && is_domain(*to))
		to++;
	while (to > at + 1 && (to[-1] == '.' || to[-1] == '-'))
		to--;
	*endp = to;
	return address_take(from, (size_t)(to - from), addressp);
}

int address_find(const char *text, const char **endp, char **addressp)
{
	const char *at = text, *end = text;
	int r = 0;

	*addressp = NULL;
	while (!*addressp && !r && (at = strchr(at, '@'))) {
		r = take_around(text, at, &end, addressp);
		at = end;
	}
	if (endp)
		*endp = end;
	return r;
}

int address_message_id(const char *value, char **idp)
{
	const char *open = strchr(value, '<'), *from = open ? open + 1 : value;
	size_t n = strcspn(from, "> \t");

	*idp = NULL;
	if (n == 0 || n > MESSAGE_ID_MAX - 2 || text_printable(from, n) != n
		|| memchr(from, '<', n))
		return 0;
	*idp = malloc(n + 3);
	if (!*idp)
		return -ENOMEM;
	(*idp)[0] = '<';
	memcpy(*idp + 1, from, n);
	memcpy(*idp + 1 + n, ">", 2);
	return 0;
}
