/*
 * look - reading the database for a command that writes nothing
 *
 * One REPEATABLE READ READ ONLY transaction, or somebody else's that will be rolled back. Whatever
 * goes wrong is said on stderr, in a line that begins with the command's name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <libpq-fe.h>

struct config;
struct snapshot;

struct look {
	const char *command; /* "plan" */
	PGconn *pg;
};

/* Logs in as the daemon does, and begins. 0, -ENOMEM, or LOOK_FAILED. look_close() in each case. */
enum { LOOK_FAILED = 1, LOOK_REFUSED = 2 };
int look_open(const struct config *config, const char *command, struct look *look)
	__attribute__((warn_unused_result));
void look_close(struct look *look);

/* One call of a function with n text parameters; the rows are for PQclear(). 0, LOOK_FAILED, or
 * LOOK_REFUSED: the function refused what it was given. */
int look_query(const struct look *look, const char *statement, int n, const char *const *values,
	PGresult **resultp) __attribute__((warn_unused_result));

/* Which parts of a snapshot are read besides policy, zones, offices, coordinators. */
enum look_extent { LOOK_ROSTER, LOOK_ALL };
/* begin: the call that chooses what the snapshot is of, with n parameters. 0, -ENOMEM, LOOK_FAILED. */
int look_snapshot(const struct look *look, const char *begin, int n, const char *const *values,
	enum look_extent extent, struct snapshot *snapshot) __attribute__((warn_unused_result));

void look_say(const struct look *look, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A list of texts as an array in the form that PostgreSQL reads; to be freed; NULL: no memory. */
char *look_array(const char *const *texts, size_t n) __attribute__((warn_unused_result));
