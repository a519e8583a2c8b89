/*
 * pg_pipe - the calls that are out on one connection in pipeline mode, and what is expected for each
 *
 * Knows nothing of events, timers or reconnecting. In pipeline mode PQgetResult() gives the results of a
 * command and then NULL; for a sync one PGRES_PIPELINE_SYNC and no NULL; after an error
 * PGRES_PIPELINE_ABORTED for each command up to the sync. Each call has a sync of its own, so one that
 * fails takes no other with it.
 */
#pragma once

#include <stdbool.h>

#include "pg.h"

struct pg_call;
struct pg_statement;

struct pg_pipe {
	struct pg_statement *statements;
	/* Of the connection: what was prepared on an older one is gone. */
	unsigned long long generation;
	unsigned long long last_number; /* statements are named "s<number>" on the server */
	struct pg_call *first, **tail;  /* calls that are out, in order */
	struct pg_call *lost; /* those that were when the connection went, still to be told */
};

void pg_pipe_init(struct pg_pipe *pipe);
/* Frees the calls that are out without an answer. */
void pg_pipe_clear(struct pg_pipe *pipe);

/* 0: the call is out; -ENOMEM: it is not; PG_PIPE_BROKEN: half of it may be, and only a new connection
 * makes sense of it (the call counts as out). */
enum { PG_PIPE_BROKEN = 1 };
int pg_pipe_push(struct pg_pipe *pipe, PGconn *conn, const char *statement, int n,
	const char *const *values, pg_reply_fn done, void *arg) __attribute__((warn_unused_result));
/* Takes results that have come in; the oldest call when it is complete, NULL when more must come. */
struct pg_call *pg_pipe_pop(struct pg_pipe *pipe, PGconn *conn) __attribute__((warn_unused_result));
/* Calls with this arg are not answered; NULL: none is. */
void pg_pipe_forget(struct pg_pipe *pipe, const void *arg);
/* The connection is gone: the calls that were out are to be told, one by one, until NULL. */
void pg_pipe_lose(struct pg_pipe *pipe);
struct pg_call *pg_pipe_pop_lost(struct pg_pipe *pipe) __attribute__((warn_unused_result));
bool pg_pipe_is_empty(const struct pg_pipe *pipe);

/* How a popped call ended. Errors that say that the server goes away count as lost: its session may end
 * while a commit waits for a standby. */
enum pg_outcome pg_call_outcome(const struct pg_call *call);
const char *pg_call_text(const struct pg_call *call);
/* Calls back. */
void pg_call_answer(const struct pg_call *call, enum pg_outcome outcome);
struct pg_call *pg_call_free(struct pg_call *call);
