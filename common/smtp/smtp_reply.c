/*
 * smtp_reply - replies of a mail server, collected from bytes
 */
#include "smtp_reply.h"

#include <stdio.h>
#include <string.h>

void smtp_reply_reset(struct smtp_reply *reply)
{
	reply->code = 0;
	reply->length = 0;
	reply->count = 0;
	reply->line_length = 0;
	reply->complete = false;
	reply->problem = NULL;
}

static int broken(struct smtp_reply *reply, const char *problem)
{
	reply->problem = problem;
	return SMTP_REPLY_BROKEN;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int line_code(const char *line, size_t length)
{
	if (length < 3 || line[0] < '2' || line[0] > '5' || !is_digit(line[1])
		|| !is_digit(line[2]))
		return -1;
	if (length > 3 && line[3] != ' ' && line[3] != '-')
		return -1;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* A whole line, without its line end, stands in reply->line. */
static int line_end(struct smtp_reply *reply)
{
	size_t length = reply->line_length;
	const char *text = reply->line + 4;
	size_t text_length = length > 4 ? length - 4 : 0;
	int code = line_code(reply->line, length);

	if (code < 0)
		return broken(reply, "a line without a reply code");
	if (reply->count > 0 && code != reply->code)
		return broken(reply, "lines of one reply with different codes");
	if (reply->count == SMTP_LINES_MAX
		|| reply->length + text_length + 1 > sizeof(reply->lines))
		return broken(reply, "a reply that is too long");
	reply->code = code;
	for (size_t i = 0; i < text_length; i++) /* a NUL would end the line for whoever reads it */
		reply->lines[reply->length++] = text[i] == '\0' ? '?' : text[i];
	reply->lines[reply->length++] = '\0';
	reply->count++;
	reply->complete = length < 4 || reply->line[3] == ' ';
	reply->line_length = 0;
	return reply->complete ? 0 : SMTP_REPLY_MORE;
}

int smtp_reply_feed(struct smtp_reply *reply, const char *bytes, size_t length, size_t *used)
{
	int r = SMTP_REPLY_MORE;

	*used = 0;
	while (*used < length && r == SMTP_REPLY_MORE) {
		char c = bytes[(*used)++];

		if (c == '\n') {
			if (reply->line_length > 0 && reply->line[reply->line_length - 1] == '\r')
				reply->line_length--;
			r = line_end(reply);
		} else if (reply->line_length == sizeof(reply->line)) {
			r = broken(reply, "a line that is too long");
		} else {
			reply->line[reply->line_length++] = c;
		}
	}
	return r;
}

const char *smtp_reply_line(const struct smtp_reply *reply, unsigned i)
{
	const char *line = reply->lines;

	while (i-- > 0)
		line += strlen(line) + 1;
	return line;
}

void smtp_reply_text(const struct smtp_reply *reply, char *text)
{
	size_t n = (size_t)snprintf(text, SMTP_TEXT_MAX, "%d", reply->code);

	for (size_t i = 0; i < reply->length && n < SMTP_TEXT_MAX - 1; i++) {
		char c = reply->lines[i];
		bool line_begins = i == 0 || reply->lines[i - 1] == '\0';

		if (line_begins && c != '\0')
			text[n++] = ' ';
		if (c != '\0' && n < SMTP_TEXT_MAX - 1)
			text[n++] = c >= ' ' && c <= '~' ? c : '?';
	}
	text[n] = '\0';
}
