/*
 * smtp_offers - what a server's reply to EHLO offers
 */
#include "smtp_offers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The rest of line behind the keyword, or NULL when line has another one. */
static const char *after_keyword(const char *line, const char *keyword)
{
	size_t length = strlen(keyword);

	if (strncasecmp(line, keyword, length) != 0)
		return NULL;
	if (line[length] != '\0' && line[length] != ' ')
		return NULL;
	return line + length + strspn(line + length, " ");
}

static void keep_mechanisms(struct smtp_offers *offers, const char *list)
{
	size_t n = strlen(offers->mechanisms);

	if (n > 0 && n + 1 < sizeof(offers->mechanisms))
		offers->mechanisms[n++] = ' ';
	for (; *list != '\0' && n + 1 < sizeof(offers->mechanisms); list++)
		offers->mechanisms[n++] = *list >= ' ' && *list <= '~' ? *list : '?';
	offers->mechanisms[n] = '\0';
}

static void read_line(struct smtp_offers *offers, const char *line)
{
	const char *rest;

	if (after_keyword(line, "PIPELINING") != NULL)
		offers->pipelining = true;
	else if (after_keyword(line, "8BITMIME") != NULL)
		offers->eightbit = true;
	else if (after_keyword(line, "DSN") != NULL)
		offers->dsn = true;
	else if (after_keyword(line, "STARTTLS") != NULL)
		offers->starttls = true;
	else if ((rest = after_keyword(line, "AUTH")) != NULL)
		keep_mechanisms(offers, rest);
	else if ((rest = after_keyword(line, "SIZE")) != NULL) {
		offers->size = true;
		offers->size_max = strtoull(rest, NULL, 10);
	}
}

void smtp_offers_read(struct smtp_offers *offers, const struct smtp_reply *reply)
{
	memset(offers, 0, sizeof(*offers));
	for (unsigned i = 1; i < reply->count; i++) /* line 0 is a greeting */
		read_line(offers, smtp_reply_line(reply, i));
}

bool smtp_offers_mechanism(const struct smtp_offers *offers, const char *mechanism)
{
	const char *list = offers->mechanisms;

	while (*list != '\0') {
		size_t word = strcspn(list, " ");

		if (word == strlen(mechanism) && strncasecmp(list, mechanism, word) == 0)
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

void smtp_offers_text(const struct smtp_offers *offers, char *text)
{
	char size[32] = "";

	if (offers->size_max > 0)
		snprintf(size, sizeof(size), " SIZE=%llu", offers->size_max);
	snprintf(text, SMTP_TEXT_MAX, "%s%s%s%s%s%s%.300s", offers->pipelining ? " PIPELINING" : "",
		offers->eightbit ? " 8BITMIME" : "", offers->dsn ? " DSN" : "", size,
		offers->starttls ? " STARTTLS" : "", offers->mechanisms[0] != '\0' ? " AUTH=" : "",
		offers->mechanisms);
	if (text[0] == ' ')
		memmove(text, text + 1, strlen(text));
}
