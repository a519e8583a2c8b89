/*
 * lmtp - the server's side of a delivery by LMTP, without a socket
 *
 * Bytes go in, bytes and mails come out (RFC 2033, 5321, 1870, 2034, 2920, 6152). No clock: the caller
 * keeps the time. When a mail is complete the dialogue stands still until each of its recipients has
 * been answered for.
 *
 * Only CR LF ends a line. In a mail, a CR or LF by itself is content like any other and is kept as it
 * came, so no end of the mail can be hidden in it (a dot between bare LFs is content, too); in a command it
 * closes the dialogue, since whoever says that does not see the same lines as we do. Lines of a mail may
 * be of any length; a command that is too long is swallowed and refused.
 *
 * Memory: a mail (up to twice size_max), LMTP_RECIPIENTS_MAX addresses, one line, LMTP_OUTPUT_MAX and the
 * replies to one mail.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	LMTP_LINE_MAX = 1000,      /* octets of a command, CR LF counted */
	LMTP_PATH_MAX = 500,       /* octets of an address; RFC 5321 asks for 256 */
	LMTP_RECIPIENTS_MAX = 100, /* of one mail; RFC 5321 4.5.3.1.8 */
	LMTP_ERRORS_MAX = 20,      /* commands that were none, or came out of order */
	LMTP_OUTPUT_MAX = 8192,    /* replies that nobody takes; then nothing more is read */
};

struct lmtp;

struct lmtp_options {
	const char *host;                                /* our name in the greeting; copied */
	size_t size_max;                                 /* octets of a mail */
	bool (*is_ours)(const char *address, void *arg); /* may a mail be for this address? */
	void *arg;
};

enum lmtp_state {
	LMTP_TALKING, /* feed it */
	LMTP_WAITING, /* a mail is complete: lmtp_mail(), then lmtp_answer() for each recipient */
	LMTP_CLOSED,  /* write what is to be written, and close */
};

/* Borrowed until the last recipient is answered for. */
struct lmtp_mail {
	const char *sender; /* "": the null reverse-path */
	const char *const *recipients;
	size_t n_recipients;
	const char *bytes; /* as it came, without the doubled dots; lines end in CR LF */
	size_t length;
};

/* Begins with the greeting. */
int lmtp_new(const struct lmtp_options *options, struct lmtp **lmtpp)
	__attribute__((warn_unused_result));
struct lmtp *lmtp_free(struct lmtp *lmtp);

/* Bytes from the client. *used says how many were taken: fewer than length while answers are waited for,
 * or replies wait to be written; offer the rest again then. 0 or -ENOMEM. */
int lmtp_feed(struct lmtp *lmtp, const char *bytes, size_t length, size_t *used)
	__attribute__((warn_unused_result));

enum lmtp_state lmtp_state(const struct lmtp *lmtp);
/* While LMTP_WAITING. */
struct lmtp_mail lmtp_mail(const struct lmtp *lmtp);
/* For recipient number i of the mail, in any order, each once: taken is 250, otherwise 451 (try again
 * later). text is printable ASCII. Replies go out in the recipients' order. 0, -ENOMEM, -EINVAL. */
int lmtp_answer(struct lmtp *lmtp, size_t i, bool taken, const char *text)
	__attribute__((warn_unused_result));

/* Why no mail can be taken now, or NULL: MAIL and DATA are then answered by 451. Static text. */
void lmtp_hold(struct lmtp *lmtp, const char *why);
/* There is no room for the mail that is coming in: the rest is swallowed, and answered by 452. */
void lmtp_drop_mail(struct lmtp *lmtp);
/* "421 …" and LMTP_CLOSED, whatever was going on; reply begins with its status: "4.4.2 …". */
void lmtp_close(struct lmtp *lmtp, const char *reply);

/* What is to be written, in order; *length 0 when nothing is. Valid until the next call. */
const char *lmtp_output(const struct lmtp *lmtp, size_t *length);
void lmtp_output_taken(struct lmtp *lmtp, size_t length);

/* Octets of the mail that is inside. */
size_t lmtp_load(const struct lmtp *lmtp);
/* Mails that came to their end, whatever was answered. */
unsigned long lmtp_mails(const struct lmtp *lmtp);
