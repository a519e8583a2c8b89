/*
 * smtp_reply - replies of a mail server, collected from bytes (RFC 5321 4.2)
 *
 * Lines of one reply must agree in their code. Length of a line, number of lines and the total are
 * capped, so that a server cannot make us keep what it likes to send.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SMTP_LINE_MAX                                                                              \
	4096 /* octets of one line; RFC 5321 asks for 512, XOAUTH2's errors are longer */
#define SMTP_LINES_MAX 128   /* lines of one reply */
#define SMTP_REPLY_MAX 16384 /* octets of one reply */
#define SMTP_TEXT_MAX  400   /* octets of the text that is kept of a reply */

struct smtp_reply {
	int code;
	/* Each line's text without its code, with NUL at its end, one after the other. */
	char lines[SMTP_REPLY_MAX];
	size_t length;
	unsigned count;
	/* the line that is coming in */
	char line[SMTP_LINE_MAX];
	size_t line_length;
	bool complete;
	const char *problem; /* what was wrong, after SMTP_REPLY_BROKEN */
};

/* SMTP_REPLY_MORE: all bytes were used and the reply goes on. SMTP_REPLY_BROKEN: not SMTP. */
enum { SMTP_REPLY_MORE = 1, SMTP_REPLY_BROKEN = 2 };

/* Takes bytes up to the end of the reply; *used says how many. 0: the reply is complete. */
int smtp_reply_feed(struct smtp_reply *reply, const char *bytes, size_t length, size_t *used)
	__attribute__((warn_unused_result));
/* Forgets the reply, for the next. */
void smtp_reply_reset(struct smtp_reply *reply);
/* Line number i without its code; i < count. */
const char *smtp_reply_line(const struct smtp_reply *reply, unsigned i);
/* "250 2.1.5 Ok" on one line, printable ASCII, shortened. text: SMTP_TEXT_MAX bytes. */
void smtp_reply_text(const struct smtp_reply *reply, char *text);
