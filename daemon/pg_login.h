/*
 * pg_login - how to log in: the hosts, settings and password of a connection string
 *
 * libpq tries several hosts in turn by itself, but PQconnectPoll() knows no timeout, and a new attempt
 * begins at the first host again: one that swallows packets hides all others. So each host gets an
 * attempt of its own. Every session has the same settings pinned, whatever the role or database says.
 */
#pragma once

#include <stddef.h>
#include <libpq-fe.h>

struct addrinfo;
struct pg_login;

enum { PG_LOGIN_INVALID = 1 };

/* 0, -ENOMEM, or PG_LOGIN_INVALID with a line of text in error. Settings of ours that the connection
 * string gives itself (keepalives_idle, …) stay as it says. */
int pg_login_new(const char *conninfo, const char *password_file, const char *application,
	long timeout_ms, struct pg_login **loginp, char *error, size_t error_size)
	__attribute__((warn_unused_result));
struct pg_login *pg_login_free(struct pg_login *login);

size_t pg_login_hosts(const struct pg_login *login);
/* One line for the log: host and port, or the socket's folder. */
const char *pg_login_name(const struct pg_login *login, size_t host);
/* How long an attempt may take: connect_timeout when the connection string has one. */
long pg_login_timeout_ms(const struct pg_login *login);

/* The name to look up before pg_login_start(), since libpq would block for it; NULL: none. */
const char *pg_login_lookup(const struct pg_login *login, size_t host);

/* Begins to connect to one host, at this address when the name was looked up (else NULL). A new
 * connection, or NULL with a line of text in error. */
PGconn *pg_login_start(const struct pg_login *login, size_t host, const struct addrinfo *address,
	char *error, size_t error_size) __attribute__((warn_unused_result));
/* For commands: connects and waits, trying all hosts in order. NULL as above. */
PGconn *pg_login_wait(const struct pg_login *login, char *error, size_t error_size)
	__attribute__((warn_unused_result));

/* libpq's message as one line without double quotes, which stand around it in the log. */
void pg_login_flatten(const char *message, char *line, size_t size);
