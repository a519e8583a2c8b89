/*
 * mail_connection - one connection to the mail server
 *
 * Finds the address without blocking the loop, connects, starts TLS, lets common/smtp speak, and keeps
 * the time. It knows nothing of the database: a message goes in, an outcome comes out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "smtp.h"

struct config;
struct event_base;
struct mail_connection;
struct tls_mail;

#define MAIL_TEXT_MAX 512 /* a line of text about a connection */

/* Why a connection is over. Messages it still held have had their outcome before. */
enum mail_closed {
	MAIL_CLOSED_DONE,     /* after QUIT, or the server closed an idle connection */
	MAIL_CLOSED_DOWN,     /* not found, refused, timed out, lost, or not understood */
	MAIL_CLOSED_HELD,     /* 421 or another 4yz about the whole connection */
	MAIL_CLOSED_LOGIN,    /* the login was refused: trying again at once is of no use */
	MAIL_CLOSED_TLS,      /* no TLS, or a certificate that does not hold */
	MAIL_CLOSED_INTERNAL, /* no memory, a secret that cannot be read: text says */
};

/* Never called inside a call to mail_connection_*(). message is what mail_connection_send() was given. */
struct mail_connection_ops {
	/* Logged in; mail_connection_has_room() is now true. */
	void (*ready)(struct mail_connection *connection, void *arg);
	/* The body is on its way and only the final dot is missing: may it go? */
	void (*ask)(struct mail_connection *connection, void *message, void *arg);
	/* reply: "250 2.0.0 Ok", printable ASCII, borrowed. */
	void (*outcome)(struct mail_connection *connection, void *message,
		enum smtp_outcome outcome, const char *reply, void *arg);
	/* The last call; the owner then calls mail_connection_free(). text: one line. */
	void (*closed)(struct mail_connection *connection, enum mail_closed why, const char *text,
		void *arg);
};

/* Begins to connect. config and tls are not kept. 0, -errno. */
int mail_connection_new(struct event_base *base, const struct config *config,
	const struct tls_mail *tls, const struct mail_connection_ops *ops, void *arg,
	struct mail_connection **connectionp) __attribute__((warn_unused_result));
/* Drops the connection as it stands; no more callbacks. */
struct mail_connection *mail_connection_free(struct mail_connection *connection);

/* Logged in. */
bool mail_connection_is_ready(const struct mail_connection *connection);
/* Another message may be given: nothing is on the way, or the next can follow right behind the final dot. */
bool mail_connection_has_room(const struct mail_connection *connection);
/* Messages given that have no outcome yet. */
unsigned mail_connection_load(const struct mail_connection *connection);

/* envelope and body are borrowed until the outcome. 0, -ENOMEM, -EBUSY without room. */
int mail_connection_send(struct mail_connection *connection, const struct smtp_message *mail)
	__attribute__((warn_unused_result));
/* The answer to ask: the final dot goes out now. 0, -ENOMEM. */
int mail_connection_dot(struct mail_connection *connection) __attribute__((warn_unused_result));
/* Says QUIT as soon as nothing is on the way; closed() follows. */
void mail_connection_quit(struct mail_connection *connection);
/* The server's name and what TLS was agreed on, for the log. */
const char *mail_connection_describe(const struct mail_connection *connection);
