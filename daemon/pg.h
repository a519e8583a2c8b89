/*
 * pg - libpq on libevent: one connection in pipeline mode, kept up for ever
 *
 * Calls are queued and answered in order. Every statement text is prepared once a connection. Each
 * call is a transaction of its own (it ends with its own sync), unless BEGIN and COMMIT are called.
 * A connection lost while a call is out gives PG_LOST: outcome unknown, so that whatever writes must
 * be idempotent. A callback never runs inside the call that registers it.
 */
#pragma once

#include <stdbool.h>
#include <libpq-fe.h>

struct event_base;
struct pg;

enum pg_outcome {
	PG_DONE,    /* result holds the rows */
	PG_REFUSED, /* the server said no: sqlstate and text */
	PG_LOST,    /* connection lost or timed out, outcome unknown */
};

struct pg_reply {
	enum pg_outcome outcome;
	const PGresult *result; /* borrowed for the callback; NULL unless PG_DONE */
	const char *sqlstate;   /* five characters; "" unless PG_REFUSED */
	const char *text;       /* primary message, "" when done */
};

typedef void (*pg_reply_fn)(const struct pg_reply *reply, void *arg);
typedef void (*pg_notify_fn)(const char *channel, void *arg);
/* up: the connection is ready (settings pinned, channels listened to). Called at each change. */
typedef void (*pg_state_fn)(struct pg *pg, bool up, void *arg);

struct pg_options {
	const char *conninfo;        /* several hosts: each is tried by itself, in order */
	const char *password_file;   /* "" or read at each connection */
	const char *application;     /* application_name */
	long timeout_ms;             /* for a call and for a connection attempt */
	const char *const *channels; /* NULL-terminated list to LISTEN to, or NULL */
	pg_notify_fn notify;
	pg_state_fn state;
	void *arg; /* for notify and state */
};

/* Starts connecting at the next turn of the loop; reconnects with backoff and jitter until freed.
 * Options are copied, but for the list of channels, which must last. 0 or -errno. */
int pg_new(struct event_base *base, const struct pg_options *options, struct pg **pgp)
	__attribute__((warn_unused_result));
/* Pending callbacks are dropped, not called. */
struct pg *pg_free(struct pg *pg);
/* Ready and not held. */
bool pg_is_up(const struct pg *pg);
/* While held it stays connected and takes no calls: the schema has not been accepted yet. */
void pg_hold(struct pg *pg, bool hold);
/* Not ready, or calls are out: whoever does nothing now may be waiting for the database. */
bool pg_is_waiting(const struct pg *pg);
/* Tries at once instead of waiting for the end of a backoff: another connection has just succeeded. */
void pg_hurry(struct pg *pg);
/* Why the last attempt failed, one line, for `vacd check` and the log. */
const char *pg_last_error(const struct pg *pg);

/*
 * Queues `statement` ("SELECT * FROM vac_daemon.f($1, $2)") with n text parameters (NULL is SQL NULL;
 * values are copied). The statement's text must be a literal: it is the key of the prepared statement.
 * 0, or -ENOTCONN when the connection is down (the callback is then not called), -ENOMEM.
 */
int pg_call(struct pg *pg, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg) __attribute__((warn_unused_result));
/* Whoever gave this arg with calls that are still out is going away: they are not called back. NULL: no
 * call that is out is called back. */
void pg_forget(struct pg *pg, const void *arg);
/* Drops the connection (a stuck server), and tries the next host first; calls that are out get PG_LOST. */
void pg_drop(struct pg *pg);

/* Result helpers: column by name is looked up by the caller once with PQfnumber. */
long long pg_int(const PGresult *result, int row, int column);    /* 0 for NULL */
const char *pg_text(const PGresult *result, int row, int column); /* NULL for SQL NULL */

/* An array literal '{…}' from parts, quoted as PostgreSQL reads it; owned by the caller, NULL: no memory.
 * A NULL part is SQL NULL. */
char *pg_array(const char *const *parts, size_t n);
