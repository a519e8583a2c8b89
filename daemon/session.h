/*
 * session - a blocking connection for the commands that an administrator runs
 *
 * Not for the daemon. Whatever goes wrong is said on stderr, in a line that begins with the
 * command's name, so a caller only has to give up. A statement that waits for a lock says who holds
 * it.
 */
#pragma once

#include <libpq-fe.h>

struct session;

/*
 * conninfo without a password: that comes from ~/.pgpass or the environment. lock_timeout is 10 s
 * unless conninfo's options or the role set another. 0, -ENOMEM, or SESSION_FAILED: no connection,
 * a server older than 15, one in recovery, or a database that is not UTF8.
 */
enum { SESSION_FAILED = 1 };
int session_open(const char *command, const char *conninfo, struct session **sessionp)
	__attribute__((warn_unused_result));
struct session *session_free(struct session *session);

/* A line on stderr, behind "vacd COMMAND: ". */
void session_say(const struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One statement with n text parameters (NULL is SQL NULL); NULL when it failed. Rows are for
 * PQclear(). */
PGresult *session_query(struct session *session, const char *statement, int n,
	const char *const *values) __attribute__((warn_unused_result));
/* Likewise, for one whose rows nobody wants. 0 or SESSION_FAILED. */
int session_do(struct session *session, const char *statement, int n, const char *const *values)
	__attribute__((warn_unused_result));
/* A file of statements; errors name it with the line. 0 or SESSION_FAILED. */
int session_script(struct session *session, const char *name, const char *text)
	__attribute__((warn_unused_result));

/* SQLSTATE of the last failure, "" when there was none. */
const char *session_sqlstate(const struct session *session);
/* A transaction is under way and nothing in it failed. */
int session_in_transaction(const struct session *session);
/* For reading in the session's transaction. Borrowed. */
PGconn *session_connection(const struct session *session);
const char *session_user(const struct session *session);
const char *session_database(const struct session *session);

/* The value as text, NULL for SQL NULL. */
const char *session_text(const PGresult *result, int row, int column);
