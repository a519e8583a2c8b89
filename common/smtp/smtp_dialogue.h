/*
 * smtp_dialogue - the state of one dialogue, and what moves it on
 *
 * Shared by smtp.c (bytes and calls in), smtp_hello.c (greeting to login) and smtp_mail.c (messages); not for
 * others.
 */
#pragma once

#include "../smtp.h"
#include "smtp_auth.h"
#include "smtp_offers.h"
#include "smtp_out.h"
#include "smtp_reply.h"

/* One feed brings at most: ready, two outcomes, an ask, the end. */
#define SMTP_EVENTS_MAX 8
/* One message's final dot, RSET, and the next one's MAIL RCPT DATA are the most that is ever out. */
#define SMTP_EXPECTED_MAX 8

enum smtp_phase {
	SMTP_PHASE_CLEAR, /* greeting, EHLO, STARTTLS without TLS */
	SMTP_PHASE_TLS,   /* the handshake is the caller's; bytes in clear are an attack */
	SMTP_PHASE_HELLO, /* greeting (implicit TLS), EHLO */
	SMTP_PHASE_LOGIN,
	SMTP_PHASE_READY,
	SMTP_PHASE_QUIT,
	SMTP_PHASE_END,
};

/* What a reply answers. */
enum smtp_command {
	SMTP_COMMAND_GREETING,
	SMTP_COMMAND_EHLO,
	SMTP_COMMAND_STARTTLS,
	SMTP_COMMAND_AUTH,
	SMTP_COMMAND_MAIL,
	SMTP_COMMAND_RCPT,
	SMTP_COMMAND_DATA,
	SMTP_COMMAND_DOT,
	SMTP_COMMAND_EMPTY_DOT, /* a 354 came although the envelope was refused (RFC 2920 3.1) */
	SMTP_COMMAND_RSET,
	SMTP_COMMAND_QUIT,
	SMTP_COMMAND_NONE,
};

enum smtp_transaction_state {
	SMTP_TRANSACTION_FREE,
	SMTP_TRANSACTION_WAITING,  /* its envelope is not written */
	SMTP_TRANSACTION_ENVELOPE, /* MAIL, RCPT, DATA */
	SMTP_TRANSACTION_BODY,     /* 354 came, the body is written, the dot is not */
	SMTP_TRANSACTION_DOT,      /* past the last write */
};

struct smtp_transaction {
	enum smtp_transaction_state state;
	struct smtp_message message;
	bool answered; /* a reply to one of its commands came */
	bool refused;  /* outcome and text are settled before the group of commands is over */
	enum smtp_outcome outcome;
	char text[SMTP_TEXT_MAX];
};

struct smtp_slot {
	struct smtp_event event;
	struct smtp_message message;
	char text[SMTP_TEXT_MAX];
};

struct smtp {
	enum smtp_phase phase;
	bool quitting;
	char *helo;
	struct smtp_login login;
	struct smtp_offers offers;
	char offers_text[SMTP_TEXT_MAX];
	struct smtp_reply reply;
	char challenge[SMTP_TEXT_MAX]; /* XOAUTH2's reason, decoded */
	struct smtp_out out;
	unsigned long step;
	unsigned long settled; /* messages that came to an end by a reply */

	enum smtp_command expected[SMTP_EXPECTED_MAX];
	unsigned expected_count;

	/* first is the one on the way, second the one whose envelope follows its dot */
	struct smtp_transaction first, second;

	struct smtp_slot events[SMTP_EVENTS_MAX];
	unsigned events_first, events_count;
};

struct smtp_slot *smtp_add_event(struct smtp *smtp, enum smtp_event_kind kind);
void smtp_add_message_event(struct smtp *smtp, const struct smtp_transaction *transaction,
	enum smtp_event_kind kind, enum smtp_outcome outcome, const char *text);

/* Writes a line; its reply will be the answer to what. */
void smtp_say(struct smtp *smtp, enum smtp_command what, const char *line);
void smtp_expect(struct smtp *smtp, enum smtp_command what);

/* Ends the dialogue: messages inside get their outcome. The second form adds the reply that led to it. */
void smtp_finish(struct smtp *smtp, enum smtp_end how, const char *why);
void smtp_finish_with_reply(struct smtp *smtp, enum smtp_end how, const char *what);
