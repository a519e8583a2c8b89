#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "report_code.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.'
	       || c == '_';
}

/* Octets of "5.7.26" at text, or 0. */
static size_t status_length(const char *text)
{
	size_t n = 1;

	if (text[0] != '2' && text[0] != '4' && text[0] != '5')
		return 0;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		if (text[n] != '.')
			return 0;
		n++;
		while (digits < 4 && is_digit(text[n + digits]))
			digits++;
		if (digits == 0 || digits > 3)
			return 0;
		n += digits;
	}
	return n;
}

/* A dot at the end of a sentence may follow, but no further number. */
static bool ends(const char *text)
{
	return *text == '.' ? !is_word(text[1]) : !is_word(*text) && *text != '-';
}

int report_code_status(const char *text, char **statusp)
{
	*statusp = NULL;
	for (const char *at = text; *at; at++) {
		size_t n;

		if (at > text && (is_word(at[-1]) || at[-1] == '['))
			continue;
		n = status_length(at);
		if (n == 0 || !ends(at + n))
			continue;
		*statusp = strndup(at, n);
		return *statusp ? 0 : -ENOMEM;
	}
	return 0;
}

/* "550 5.1.1", "550-5.1.1", "said: 550", "(550)", "code:550" */
char report_code_reply(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at != '4' && *at != '5')
			continue;
		if (at > text
			&& (is_word(at[-1]) || at[-1] == '-' || at[-1] == '[' || at[-1] == '@'))
			continue;
		if (at[1] >= '0' && at[1] <= '7' && is_digit(at[2]) && !is_word(at[3]))
			return *at;
	}
	return 0;
}
