#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "imip_body.h"
#include "octets.h"

static const char asking[] =
	"If you see no buttons, please send the response by one of these links. Each\n"
	"opens a mail that you have only to send.\n";
static const char asking_words[] =
	"Please answer by one of these links. Each opens a mail that you have only\n"
	"to send.\n";

/* The address was made here: ASCII. What a URI or HTML may not hold is escaped (RFC 6068, 2). */
static void add_link(
	struct octets *out, const struct imip_answer *answer, const char *word, size_t length)
{
	char piece[48];

	octets_add_text(out, "mailto:");
	for (const char *c = answer->address; *c; c++) {
		if (strchr("%/?#&=^`{|}'", *c)) {
			(void)snprintf(piece, sizeof(piece), "%%%02X", (unsigned char)*c);
			octets_add_text(out, piece);
		} else {
			octets_add_char(out, *c);
		}
	}
	octets_add_text(out, "?subject=");
	octets_add(out, word, length);
	(void)snprintf(piece, sizeof(piece), "%%20%ld", answer->sequence);
	octets_add_text(out, piece);
}

/* "held" as "Held:    <mailto:…>" */
static void add_text_links(struct octets *out, const struct imip_answer *answer)
{
	enum { COLUMN = 9 };
	const char *word = answer->words ? answer->words : "accept decline";

	while (*word) {
		size_t length = strcspn(word, " ");

		octets_add_char(out, (char)toupper((unsigned char)*word));
		octets_add(out, word + 1, length - 1);
		octets_add_char(out, ':');
		for (size_t n = length + 1; n < COLUMN || n == length + 1; n++)
			octets_add_char(out, ' ');
		octets_add_char(out, '<');
		add_link(out, answer, word, length);
		octets_add_text(out, ">\n");
		word += length + (word[length] == ' ');
	}
}

void imip_body_text(struct octets *out, const char *body, const struct imip_answer *answer)
{
	size_t length = strlen(body);

	while (length > 0 && body[length - 1] == '\n')
		length--;
	octets_add(out, body, length);
	octets_add_char(out, '\n');
	if (!answer)
		return;
	octets_add_char(out, '\n');
	octets_add_text(out, answer->words ? asking_words : asking);
	octets_add_char(out, '\n');
	add_text_links(out, answer);
}

static const char *html_escape(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static void add_html(struct octets *out, const char *text, size_t length)
{
	while (length > 0) {
		size_t run = 0;

		while (run < length && !html_escape(text[run]))
			run++;
		octets_add(out, text, run);
		if (run < length)
			octets_add_text(out, html_escape(text[run++]));
		text += run;
		length -= run;
	}
}

/* Blank lines part paragraphs; every other line end is kept. */
static void add_paragraphs(struct octets *out, const char *text)
{
	bool open = false;

	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > 0)
			octets_add_text(out, open ? "<br>\n" : "<p>");
		else if (open)
			octets_add_text(out, "</p>\n");
		add_html(out, text, length);
		open = length > 0;
		text += length + (text[length] == '\n');
	}
	if (open)
		octets_add_text(out, "</p>\n");
}

static void add_button(struct octets *out, const struct imip_answer *answer, const char *word,
	const char *label, const char *color)
{
	octets_add_text(out, "<a href=\"");
	add_link(out, answer, word, strlen(word));
	octets_add_text(out,
		"\" style=\"display:inline-block;padding:10px 24px;margin:0 12px 8px 0;"
		"border-radius:4px;color:#ffffff;text-decoration:none;"
		"font-weight:bold;background-color:");
	octets_add_text(out, color);
	octets_add_text(out, "\">");
	octets_add_text(out, label);
	octets_add_text(out, "</a>\n");
}

void imip_body_html(
	struct octets *out, const char *subject, const char *body, const struct imip_answer *answer)
{
	octets_add_text(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	add_html(out, subject, strlen(subject));
	octets_add_text(out, "</title>\n</head>\n<body style=\"font-family:sans-serif;"
			     "font-size:16px;line-height:1.5;color:#1b1b1b;"
			     "background-color:#ffffff\">\n");
	add_paragraphs(out, body);
	if (answer) {
		add_paragraphs(out, asking);
		octets_add_text(out, "<p>\n");
		add_button(out, answer, "accept", "Accept", "#0b5c2d");
		add_button(out, answer, "decline", "Decline", "#8a1c1c");
		octets_add_text(out, "</p>\n");
	}
	octets_add_text(out, "</body>\n</html>\n");
}
