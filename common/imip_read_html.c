#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "imip_read_html.h"
#include "octets.h"

enum { NAME_MAX_OCTETS = 16 };

static bool is_any(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static bool is_hidden(const char *name)
{
	static const char *const names[] = {"style", "script", "head", "title", "blockquote"};

	return is_any(name, names, sizeof(names) / sizeof(names[0]));
}

static bool is_block(const char *name)
{
	static const char *const names[] = {"br", "p", "div", "tr", "table", "li", "ul", "ol", "h1",
		"h2", "h3", "hr", "body", "blockquote"};

	return is_any(name, names, sizeof(names) / sizeof(names[0]));
}

/* Behind the > of the tag, comment or declaration that begins here, or the end. */
static const char *skip_tag(const char *at)
{
	bool comment = strncmp(at, "<!--", 4) == 0;
	const char *end = comment ? strstr(at + 2, "-->") : strchr(at, '>');

	/* A comment without an end takes all that is left, and no other end is looked for again. */
	if (!end)
		return at + strlen(at);
	return end + (comment ? 3 : 1);
}

/* at: behind the "<" or "</". */
static void take_name(const char *at, char name[NAME_MAX_OCTETS])
{
	size_t n = strcspn(at, " \t\r\n/>");

	n = n < NAME_MAX_OCTETS ? n : NAME_MAX_OCTETS - 1;
	memcpy(name, at, n);
	name[n] = '\0';
}

static void add_entity(struct octets *out, const char **at)
{
	static const struct {
		const char *entity, *text;
	} entities[] = {{"&nbsp;", " "}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"},
		{"&quot;", "\""}, {"&#39;", "'"}, {"&apos;", "'"}, {"&rsquo;", "'"},
		{"&#8217;", "'"}, {"&#x2019;", "'"}, {"&#160;", " "}, {"&#xa0;", " "},
		{"&atilde;", "\xc3\xa3"}, {"&#227;", "\xc3\xa3"}};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t n = strlen(entities[i].entity);

		if (strncasecmp(*at, entities[i].entity, n) == 0) {
			octets_add_text(out, entities[i].text);
			*at += n;
			return;
		}
	}
	octets_add_char(out, *(*at)++);
}

struct walk {
	char hidden[NAME_MAX_OCTETS]; /* the element whose content is passed over, or "" */
	int depth;                    /* how many of it are open */
};

static const char *take_tag(const char *at, struct walk *walk, struct octets *out)
{
	bool closes = at[1] == '/';
	char name[NAME_MAX_OCTETS];

	take_name(at + 1 + closes, name);
	if (walk->depth > 0) {
		if (strcasecmp(name, walk->hidden) == 0)
			walk->depth += closes ? -1 : 1;
	} else if (!closes && is_hidden(name)) {
		memcpy(walk->hidden, name, sizeof(name));
		walk->depth = 1;
	}
	if (is_block(name))
		octets_add_char(out, '\n');
	return skip_tag(at);
}

void imip_read_html(const char *html, struct octets *out)
{
	struct walk walk = {.depth = 0};
	const char *at = html;

	while (*at) {
		if (*at == '<')
			at = take_tag(at, &walk, out);
		else if (walk.depth > 0)
			at++;
		else if (*at == '&')
			add_entity(out, &at);
		else {
			octets_add_char(out, *at == '\n' || *at == '\r' ? ' ' : *at);
			at++;
		}
	}
}
