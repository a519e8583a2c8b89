/*
 * sink - what the parts of mail-sink share: the dialogue (sink.c) and what is kept of it (sink_kept.c)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/ssl.h>

struct bufferevent;
struct event;
struct event_base;

struct sink {
	const char *dir, *cert, *key, *auth;
	int port, delay_ms, data_delay_ms; /* before the final 250; before the 354 */
	int soft, hard, unsaid, cut, shut; /* percent */
	int seed;
	bool starttls, index_only, no_pipelining, sessions;
	uint64_t random;
	struct event_base *base;
	SSL_CTX *tls;
	FILE *index, *ended;
	unsigned long number;
};

enum session_state {
	SESSION_COMMANDS,
	SESSION_AUTH, /* the next line is part of a login */
	SESSION_DATA,
	SESSION_WAITING, /* a reply is being delayed; what follows stays in the buffer */
	SESSION_CLOSING, /* freed when the last reply is out */
};

struct session {
	struct sink *sink;
	struct bufferevent *bev;
	struct event *later; /* with delay_ms or data_delay_ms, the reply */
	bool in_data;        /* that it is the 354 */
	enum session_state state;
	bool secure, login, spoke;
	unsigned long mails, trips;
	char from[256];
	char to[2048];
};

/* Opens the lists in the sink's folder, and goes on where they end. */
void sink_open_lists(struct sink *sink);
/* mail ends in CR LF and a NUL that is not counted. ending: see sink.c. */
void sink_keep_mail(struct session *session, const char *mail, size_t length, const char *ending);
/* A connection is over. */
void sink_keep_session(const struct session *session);
