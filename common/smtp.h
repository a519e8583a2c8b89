/*
 * smtp - the client's side of a mail submission, without a socket
 *
 * Bytes go in, bytes and events come out (RFC 5321, 1870, 2920, 3207, 3461, 4954, 6152). No clock: what
 * may be waited for is named (enum smtp_wait), and the caller keeps the time. Nothing is said in clear
 * but EHLO and STARTTLS.
 *
 * At most two messages are inside: one whose body or final dot is on the way, and, where the server
 * offers PIPELINING, one whose envelope follows right behind that dot (RFC 2920 3.1). The final dot is
 * written only by smtp_dot(), after SMTP_EVENT_ASK.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct smtp;

enum smtp_auth {
	SMTP_AUTH_NONE,
	SMTP_AUTH_PLAIN,
	SMTP_AUTH_LOGIN,
	SMTP_AUTH_XOAUTH2, /* secret is the bearer token */
};

/* Strings are copied; the secret is wiped when it has been said, and when the struct is freed. */
struct smtp_options {
	bool starttls; /* the connection begins in clear; otherwise TLS stands from the first byte */
	const char *helo; /* name or address literal */
	enum smtp_auth auth;
	const char *user;
	const char *secret;
};

/* Borrowed until the message's outcome. */
struct smtp_message {
	const char *sender;
	const char *recipient;
	const char *envelope_id; /* ENVID, printable ASCII; NULL for none */
	const char *bytes;       /* lines end in CRLF; not dot-stuffed, no final dot */
	size_t length;
	void *owner; /* for the caller */
};

/* What became of a message. */
enum smtp_outcome {
	SMTP_SENT,     /* 2yz to the final dot */
	SMTP_RETRY,    /* 4yz: try this message again later */
	SMTP_REFUSED,  /* 5yz to this recipient or this content */
	SMTP_SENDER,   /* 5yz to our own sender address or login: not this message's fault */
	SMTP_UNKNOWN,  /* the final dot was written, no reply came: it may have been sent */
	SMTP_RELEASED, /* nothing was sent, and nothing was said against it */
};

/* How the dialogue ended. */
enum smtp_end {
	SMTP_END_NONE,
	SMTP_END_QUIT,     /* as we asked */
	SMTP_END_IDLE,     /* the server closed while nothing was on the way */
	SMTP_END_LOST,     /* the server closed while something was */
	SMTP_END_HELD,     /* 421, or 4yz to greeting, EHLO, STARTTLS or login: the host waits */
	SMTP_END_LOGIN,    /* login refused, or the mechanism is not offered */
	SMTP_END_NO_TLS,   /* STARTTLS not offered or refused, or bytes came behind its 220 */
	SMTP_END_PROTOCOL, /* not understood, or 5yz to greeting or EHLO */
};

enum smtp_event_kind {
	SMTP_EVENT_NONE,
	SMTP_EVENT_START_TLS, /* begin the handshake, then call smtp_tls_started() */
	SMTP_EVENT_READY,     /* logged in */
	SMTP_EVENT_ASK,       /* message: only its final dot is missing */
	SMTP_EVENT_OUTCOME,   /* message, outcome, text (the reply, "" when there was none) */
	SMTP_EVENT_END,       /* end, text; the last event */
};

struct smtp_event {
	enum smtp_event_kind kind;
	const struct smtp_message *message;
	enum smtp_outcome outcome;
	enum smtp_end end;
	const char *text; /* one line, printable ASCII, valid until the next call */
};

/* What the next reply answers; RFC 5321 4.5.3.2 says how long each may take. */
enum smtp_wait {
	SMTP_WAIT_NOTHING, /* idle, or we are to speak */
	SMTP_WAIT_GREETING,
	SMTP_WAIT_COMMAND, /* EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET */
	SMTP_WAIT_DATA,    /* 354 */
	SMTP_WAIT_DOT,     /* the reply to the final dot */
	SMTP_WAIT_QUIT,
};

int smtp_new(const struct smtp_options *options, struct smtp **smtpp)
	__attribute__((warn_unused_result));
struct smtp *smtp_free(struct smtp *smtp);

/* Bytes from the server. 0 or -ENOMEM. After the end they are ignored. */
int smtp_feed(struct smtp *smtp, const char *bytes, size_t length)
	__attribute__((warn_unused_result));
/* The connection is gone or given up; why is one line for whoever reads the outcomes and the end. */
void smtp_lost(struct smtp *smtp, const char *why);
/* The handshake that SMTP_EVENT_START_TLS asked for has succeeded. */
int smtp_tls_started(struct smtp *smtp) __attribute__((warn_unused_result));

/* The next event, false when there is none for now. Take all of them after each call. */
bool smtp_event(struct smtp *smtp, struct smtp_event *event);

/* What is to be written, in order; *length 0 when nothing is. Valid until the next call. */
const char *smtp_output(const struct smtp *smtp, size_t *length);
void smtp_output_taken(struct smtp *smtp, size_t length);

bool smtp_is_ready(const struct smtp *smtp);
bool smtp_has_room(const struct smtp *smtp);
/* Messages inside that have no outcome yet. */
unsigned smtp_load(const struct smtp *smtp);
/* 0, -ENOMEM, -EBUSY without room, -EINVAL for an address that cannot be written (control characters,
 * spaces, angle brackets: a message must never become a command). */
int smtp_send(struct smtp *smtp, const struct smtp_message *message)
	__attribute__((warn_unused_result));
/* The answer to SMTP_EVENT_ASK: writes the final dot, and with it the next message's envelope.
 * 0, -ENOMEM, -EINVAL when no message waits for it. */
int smtp_dot(struct smtp *smtp) __attribute__((warn_unused_result));
/* QUIT once nothing is on the way. */
int smtp_quit(struct smtp *smtp) __attribute__((warn_unused_result));

enum smtp_wait smtp_wait(const struct smtp *smtp);
/* Counts replies and steps: a deadline that was set for an older number is over. A reply that comes a
 * byte at a time does not move it. */
unsigned long smtp_step(const struct smtp *smtp);

/* What the server offers, for the log: "PIPELINING SIZE=10240000 DSN". Static until the next EHLO. */
const char *smtp_offers(const struct smtp *smtp);
