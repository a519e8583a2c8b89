/*
 * lmtp_dialogue - the state of one dialogue
 *
 * Shared by lmtp.c (bytes and calls in) and lmtp_command.c (what commands do); not for others.
 */
#pragma once

#include "../lmtp.h"
#include "../octets.h"

enum lmtp_phase {
	LMTP_PHASE_COMMAND,
	LMTP_PHASE_DATA,
	LMTP_PHASE_ANSWERS, /* the mail is the caller's to answer for */
	LMTP_PHASE_CLOSED,
};

/* Where in a mail the next octet stands. */
enum lmtp_place {
	LMTP_PLACE_LINE,   /* at the begin of a line */
	LMTP_PLACE_DOT,    /* behind the dot that begins a line, which is not kept */
	LMTP_PLACE_DOT_CR, /* behind that dot and a CR: the end, if LF follows */
	LMTP_PLACE_TEXT,
	LMTP_PLACE_CR,
};

/* Why a mail that is coming in is not kept. */
enum lmtp_drop {
	LMTP_DROP_NOT,
	LMTP_DROP_SIZE, /* larger than size_max: 552 */
	LMTP_DROP_ROOM, /* no memory for it: 452 */
};

struct lmtp {
	struct lmtp_options options;
	char *host;
	const char *held; /* NULL: mail can be taken */
	enum lmtp_phase phase;
	unsigned errors;
	unsigned long mails;

	char line[LMTP_LINE_MAX]; /* the command that is coming in, CR included */
	size_t line_length;
	bool line_too_long;

	bool greeted;    /* LHLO was said */
	bool has_sender; /* MAIL was: a transaction is under way */
	char *sender;
	char *recipients[LMTP_RECIPIENTS_MAX];
	size_t n_recipients;

	enum lmtp_place place;
	enum lmtp_drop drop;
	struct octets mail;

	char *answers[LMTP_RECIPIENTS_MAX]; /* reply lines that were given */
	size_t answered;                    /* how many of them are written */

	struct octets out;
	size_t out_taken;
};

/* Writes a reply line: "250 2.0.0 fine". */
void lmtp_say(struct lmtp *lmtp, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Forgets the transaction. */
void lmtp_reset(struct lmtp *lmtp);
/* A whole line, without its CR LF and without NUL, stands in lmtp->line, closed by NUL. 0 or -ENOMEM. */
int lmtp_command(struct lmtp *lmtp) __attribute__((warn_unused_result));
/* Likewise for one that cannot be a command: why begins with its status. */
void lmtp_refuse_line(struct lmtp *lmtp, const char *reply);
