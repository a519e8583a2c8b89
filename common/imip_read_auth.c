#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "imip_read_auth.h"
#include "letter.h"
#include "text.h"

enum { WORD_MAX = 255 };

/* One part of the field, in lower case; a quoted string without its quotes. */
struct word {
	char text[WORD_MAX + 1];
};

struct result {
	char method[WORD_MAX + 1], value[WORD_MAX + 1], domain[WORD_MAX + 1];
};

/* Behind the comment that begins here; NULL when it does not end. */
static const char *skip_comment(const char *at)
{
	int depth = 0;

	for (; *at; at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return at + 1;
	}
	return NULL;
}

/* Spaces and comments. An endless comment takes all that is left. */
static const char *skip(const char *at)
{
	for (;;) {
		while (*at == ' ' || *at == '\t')
			at++;
		if (*at != '(')
			return at;
		at = skip_comment(at);
		if (!at)
			return "";
	}
}

static void add(struct word *word, size_t *n, char c)
{
	if (*n < WORD_MAX)
		word->text[(*n)++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static const char *take_quoted(const char *at, struct word *word, size_t *n)
{
	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1])
			at++;
		add(word, n, *at);
	}
	return *at == '"' ? at + 1 : NULL;
}

/* A token or quoted string that ends at one of stops; NULL: there is none, or it never ends. A
 * word that is too long to be a name becomes one that fits no name. */
static const char *take_word(const char *at, const char *stops, struct word *word)
{
	size_t n = 0;

	at = skip(at);
	if (*at == '"') {
		at = take_quoted(at, word, &n);
	} else {
		for (; *at > 0x20 && *at != '(' && *at != '"' && !strchr(stops, *at); at++)
			add(word, &n, *at);
	}
	word->text[n] = '\0';
	if (n == 0 || n == WORD_MAX || text_printable(word->text, n) != n)
		return NULL;
	return at;
}

/* ptype "." property "=" value; a reason has no dot. NULL: no such thing. */
static const char *take_property(const char *at, struct result *result)
{
	struct word name, value;

	at = take_word(at, "=;", &name);
	if (!at)
		return NULL;
	at = skip(at);
	if (*at != '=')
		return NULL;
	at = take_word(at + 1, ";", &value);
	if (at && strcmp(name.text, "header.from") == 0)
		memcpy(result->domain, value.text, sizeof(value.text));
	return at;
}

/* method [ "/" version ] "=" result, and what follows until the semicolon. A result that breaks off
 * keeps what came before. */
static bool read_result(const char *at, struct result *result)
{
	struct word word;

	*result = (struct result){0};
	at = take_word(at, "=/;", &word);
	if (!at)
		return false;
	memcpy(result->method, word.text, sizeof(word.text));
	at = skip(at);
	if (*at == '/') {
		at = take_word(at + 1, "=;", &word);
		at = at ? skip(at) : "";
	}
	if (*at != '=' || !(at = take_word(at + 1, "=;", &word)))
		return false;
	memcpy(result->value, word.text, sizeof(word.text));
	while (at && *(at = skip(at)) && *at != ';')
		at = take_property(at, result);
	return true;
}

/* The next semicolon that is neither in a comment nor in a quoted string, or the end. */
static const char *next_result(const char *at)
{
	struct word word;
	size_t n = 0;

	while (at && *(at = skip(at)) && *at != ';') {
		if (*at == '"')
			at = take_quoted(at, &word, &n);
		else
			at++;
		n = 0;
	}
	return at && *at == ';' ? at : "";
}

/* The server's name, its version perhaps, then a semicolon or nothing. */
static const char *read_server(const char *value, struct word *server)
{
	const char *at = take_word(value, "=;", server);

	if (!at)
		return NULL;
	at = skip(at);
	while (*at >= '0' && *at <= '9')
		at++;
	at = skip(at);
	return *at == ';' || *at == '\0' ? at : NULL;
}

static int set(char **text, const char *value)
{
	free(*text);
	*text = *value ? strdup(value) : NULL;
	return *value && !*text ? -ENOMEM : 0;
}

int imip_read_auth(const char *value, struct letter_auth *auth)
{
	struct word server;
	struct result result;
	const char *at = read_server(value, &server);
	int r;

	if (!at)
		return 0;
	r = set(&auth->server, server.text);
	for (; !r && *at == ';'; at = next_result(at + 1)) {
		if (!read_result(at + 1, &result) || strcmp(result.method, "dmarc") != 0)
			continue;
		if (auth->dmarc && strcmp(auth->dmarc, "pass") != 0)
			continue;
		if (auth->dmarc && strcmp(result.value, "pass") == 0)
			continue;
		r = set(&auth->dmarc, result.value);
		if (!r)
			r = set(&auth->domain, result.domain);
	}
	return r;
}
