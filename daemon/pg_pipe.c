#include "pg_pipe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_login.h"

enum { TEXT_SIZE = 500 };

/* A statement text; known to be prepared when its generation is the connection's. */
struct pg_statement {
	struct pg_statement *next;
	char *text;
	unsigned long long generation, number;
};

enum expect { EXPECT_PREPARED, EXPECT_ROWS, EXPECT_SYNC };

struct pg_call {
	struct pg_call *next;
	struct pg_statement *statement;
	pg_reply_fn done;
	void *arg;
	enum expect expect;
	unsigned long long number; /* of the prepared statement that it runs */
	bool refused;
	PGresult *result;
	char sqlstate[6];
	char text[TEXT_SIZE];
};

void pg_pipe_init(struct pg_pipe *pipe)
{
	*pipe = (struct pg_pipe){.generation = 1};
	pipe->tail = &pipe->first;
}

struct pg_call *pg_call_free(struct pg_call *call)
{
	if (call) {
		PQclear(call->result);
		free(call);
	}
	return NULL;
}

static void forget(struct pg_call *call, const void *arg)
{
	for (; call; call = call->next)
		if (!arg || call->arg == arg)
			call->done = NULL;
}

void pg_pipe_forget(struct pg_pipe *pipe, const void *arg)
{
	forget(pipe->first, arg);
	forget(pipe->lost, arg);
}

void pg_pipe_lose(struct pg_pipe *pipe)
{
	*pipe->tail = pipe->lost;
	pipe->lost = pipe->first;
	pipe->first = NULL;
	pipe->tail = &pipe->first;
	pipe->generation++;
}

struct pg_call *pg_pipe_pop_lost(struct pg_pipe *pipe)
{
	struct pg_call *call = pipe->lost;

	if (call)
		pipe->lost = call->next;
	return call;
}

void pg_pipe_clear(struct pg_pipe *pipe)
{
	pg_pipe_lose(pipe);
	for (struct pg_call *call; (call = pg_pipe_pop_lost(pipe));)
		pg_call_free(call);
	while (pipe->statements) {
		struct pg_statement *statement = pipe->statements;

		pipe->statements = statement->next;
		free(statement->text);
		free(statement);
	}
}

bool pg_pipe_is_empty(const struct pg_pipe *pipe)
{
	return !pipe->first;
}

/* ---- sending -------------------------------------------------------------------------------- */

static struct pg_statement *statement_of(struct pg_pipe *pipe, const char *text)
{
	struct pg_statement *statement;

	for (statement = pipe->statements; statement; statement = statement->next)
		if (strcmp(statement->text, text) == 0)
			return statement;
	statement = calloc(1, sizeof(*statement));
	if (!statement)
		return NULL;
	statement->text = strdup(text);
	if (!statement->text) {
		free(statement);
		return NULL;
	}
	statement->next = pipe->statements;
	pipe->statements = statement;
	return statement;
}

static bool send_call(
	struct pg_pipe *pipe, PGconn *conn, struct pg_call *call, int n, const char *const *values)
{
	struct pg_statement *statement = call->statement;
	char name[32];

	call->expect = EXPECT_ROWS;
	call->number = statement->number;
	if (statement->generation != pipe->generation) {
		/* Also when another call's Parse is still out: that may fail, in an aborted
		 * transaction for one, and must not take this call with it. */
		call->number = ++pipe->last_number;
		snprintf(name, sizeof(name), "s%llu", call->number);
		if (!PQsendPrepare(conn, name, statement->text, 0, NULL))
			return false;
		call->expect = EXPECT_PREPARED;
	}
	snprintf(name, sizeof(name), "s%llu", call->number);
	return PQsendQueryPrepared(conn, name, n, values, NULL, NULL, 0) && PQpipelineSync(conn);
}

int pg_pipe_push(struct pg_pipe *pipe, PGconn *conn, const char *statement, int n,
	const char *const *values, pg_reply_fn done, void *arg)
{
	struct pg_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->statement = statement_of(pipe, statement);
	if (!call->statement) {
		free(call);
		return -ENOMEM;
	}
	call->done = done;
	call->arg = arg;
	*pipe->tail = call;
	pipe->tail = &call->next;
	return send_call(pipe, conn, call, n, values) ? 0 : PG_PIPE_BROKEN;
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void keep_refusal(struct pg_call *call, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (call->refused)
		return;
	call->refused = true;
	/* An error of libpq's own has no code: that is the connection failing. */
	snprintf(call->sqlstate, sizeof(call->sqlstate), "%s", sqlstate ? sqlstate : "08000");
	pg_login_flatten(
		text ? text : PQresultErrorMessage(result), call->text, sizeof(call->text));
	/* Somebody deallocated it, or what it calls has other columns now. */
	if (strcmp(call->sqlstate, "26000") == 0 || strcmp(call->sqlstate, "0A000") == 0)
		call->statement->generation = 0;
}

/* True when it was the call's last. An error may come as late as at the sync: that is where it
 * commits, and a deferred constraint speaks. */
static bool take_result(const struct pg_pipe *pipe, struct pg_call *call, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if ((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) && call->expect == EXPECT_ROWS
		&& !call->result) {
		call->result = result;
		return false;
	}
	if (status == PGRES_COMMAND_OK && call->expect == EXPECT_PREPARED) {
		call->statement->generation = pipe->generation;
		call->statement->number = call->number;
	}
	if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
		keep_refusal(call, result);
	PQclear(result);
	return status == PGRES_PIPELINE_SYNC;
}

static struct pg_call *take_first(struct pg_pipe *pipe)
{
	struct pg_call *call = pipe->first;

	pipe->first = call->next;
	if (!pipe->first)
		pipe->tail = &pipe->first;
	call->next = NULL;
	return call;
}

struct pg_call *pg_pipe_pop(struct pg_pipe *pipe, PGconn *conn)
{
	bool ended = false; /* the last thing that libpq gave was the end of some results */

	while (pipe->first && !PQisBusy(conn)) {
		PGresult *result = PQgetResult(conn);
		struct pg_call *call = pipe->first;

		if (result) {
			ended = false;
			if (take_result(pipe, call, result))
				return take_first(pipe);
		} else if (call->expect != EXPECT_SYNC) {
			call->expect++;
		} else if (ended) {
			return NULL; /* two ends in a row: nothing more has come in */
		} else {
			/* An error at the sync has an end of its own, and the sync may lie right behind it. */
			ended = true;
		}
	}
	return NULL;
}

/* ---- answering ------------------------------------------------------------------------------ */

enum pg_outcome pg_call_outcome(const struct pg_call *call)
{
	if (!call->refused)
		return call->result ? PG_DONE : PG_LOST;
	if (strncmp(call->sqlstate, "57P0", 4) == 0 || strncmp(call->sqlstate, "08", 2) == 0)
		return PG_LOST;
	return PG_REFUSED;
}

const char *pg_call_text(const struct pg_call *call)
{
	return call->text;
}

void pg_call_answer(const struct pg_call *call, enum pg_outcome outcome)
{
	struct pg_reply reply = {.outcome = outcome, .sqlstate = "", .text = ""};

	switch (outcome) {
	case PG_DONE:
		reply.result = call->result;
		break;
	case PG_REFUSED:
		reply.sqlstate = call->sqlstate;
		reply.text = call->text;
		break;
	case PG_LOST:
	default:
		reply.text = call->refused ? call->text : "connection to the database lost";
		break;
	}
	if (call->done)
		call->done(&reply, call->arg);
}
