#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum {
	SERVER_LEAST = 150000,
	WATCH_MS = 300, /* how long a statement may take before we look what it waits for */
};

struct session {
	const char *command;
	char *conninfo;
	PGconn *pg;
	PGconn *watch;      /* second connection, once a statement has waited */
	char *blocker;      /* who held the lock when we last looked */
	const char *script; /* name and text of the file being run, or NULL */
	const char *script_text;
	char sqlstate[6];
};

/* ---- what is said ---- */

void session_say(const struct session *session, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "vacd %s: ", session->command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* libpq ends its texts in a newline, and has several lines for several hosts; one that begins with
 * a tab is a guess of its own at the cause. */
static void say_connection_error(const struct session *session, PGconn *pg)
{
	char *text = strdup(PQerrorMessage(pg));
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		if (*line && *line != '\t')
			session_say(session, "%s", line);
	}
	free(text);
}

/* Position is in characters, from 1. */
static size_t line_at(const char *text, long position)
{
	size_t line = 1, n;

	for (; *text && position > 1; position--, text += n) {
		line += *text == '\n';
		n = text_character(text);
		if (n == 0)
			n = 1;
	}
	return line;
}

static const char *field(const PGresult *result, int code)
{
	const char *text = PQresultErrorField(result, code);

	return text ? text : "";
}

static void say_place(const struct session *session, const PGresult *result, const char *what)
{
	const char *position = field(result, PG_DIAG_STATEMENT_POSITION);
	const char *text = field(result, PG_DIAG_MESSAGE_PRIMARY);

	if (session->script && *position)
		session_say(session, "%s:%zu: %s%s", session->script,
			line_at(session->script_text, strtol(position, NULL, 10)), what, text);
	else if (session->script)
		session_say(session, "%s: %s%s", session->script, what, text);
	else
		session_say(session, "%s%s", what, text);
}

static void say_more(
	const struct session *session, const PGresult *result, int code, const char *word)
{
	const char *text = field(result, code);

	if (*text)
		session_say(session, "  %s: %s", word, text);
}

static void say_lock(const struct session *session)
{
	if (session->blocker && *session->blocker)
		session_say(session,
			"gave up waiting for a lock held by %s; let it end, or end it with SELECT "
			"pg_terminate_backend(PROCESS), and run this again",
			session->blocker);
	else
		session_say(session, "gave up waiting for a lock; run this again");
}

static void say_error(struct session *session, const PGresult *result)
{
	snprintf(session->sqlstate, sizeof(session->sqlstate), "%s",
		field(result, PG_DIAG_SQLSTATE));
	if (!*session->sqlstate) {
		say_connection_error(session, session->pg);
		return;
	}
	say_place(session, result, "");
	say_more(session, result, PG_DIAG_MESSAGE_DETAIL, "detail");
	say_more(session, result, PG_DIAG_MESSAGE_HINT, "hint");
	/* Only of a file is it of use to know where within the database it failed. */
	if (session->script)
		say_more(session, result, PG_DIAG_CONTEXT, "context");
	if (strcmp(session->sqlstate, "55P03") == 0)
		say_lock(session);
}

static void take_notice(void *arg, const PGresult *result)
{
	say_place(arg, result, "warning: ");
}

/* ---- who blocks ---- */

static const char blockers_query[] =
	"SELECT string_agg(format('process %s (user %s, application %s, %s, transaction since "
	"%s)', a.pid,"
	" coalesce(a.usename, 'unknown'), coalesce(nullif(a.application_name, ''), 'unnamed'),"
	" coalesce(a.state, 'state unknown'),"
	" coalesce(date_trunc('second', a.xact_start)::text, 'unknown')), ' and ' ORDER BY a.pid)"
	" FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY (pg_catalog.pg_blocking_pids($1))";

static PGconn *connect_as(const struct session *session)
{
	/* What stands before dbname can be overruled by the connection string in it. */
	const char *const keywords[] = {
		"connect_timeout", "fallback_application_name", "dbname", "client_encoding", NULL};
	char application[32];
	const char *values[] = {"10", application, session->conninfo, "UTF8", NULL};

	snprintf(application, sizeof(application), "vacd %s", session->command);
	return PQconnectdbParams(keywords, values, 1);
}

static void note_blocker(struct session *session, const char *blocker)
{
	if (!blocker || (session->blocker && strcmp(session->blocker, blocker) == 0))
		return;
	session_say(session, "waiting for %s", blocker);
	free(session->blocker);
	session->blocker = strdup(blocker);
}

static void look_for_blockers(struct session *session)
{
	char pid[16];
	const char *values[] = {pid};
	PGresult *result;

	if (!session->watch)
		session->watch = connect_as(session);
	if (PQstatus(session->watch) != CONNECTION_OK)
		return;
	snprintf(pid, sizeof(pid), "%d", PQbackendPID(session->pg));
	result = PQexecParams(session->watch, blockers_query, 1, NULL, values, NULL, NULL, 0);
	if (PQntuples(result) == 1)
		note_blocker(session, session_text(result, 0, 0));
	PQclear(result);
}

/* Until a result lies ready or the connection is gone; PQgetResult() tells which. */
static void wait_for_result(struct session *session)
{
	while (PQisBusy(session->pg)) {
		struct pollfd fd = {.fd = PQsocket(session->pg), .events = POLLIN};
		int n = poll(&fd, 1, WATCH_MS);

		if (n == 0)
			look_for_blockers(session);
		else if ((n < 0 && errno != EINTR) || (n > 0 && !PQconsumeInput(session->pg)))
			return;
	}
}

/* ---- statements ---- */

static bool is_error(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK;
}

/* The last result of what was sent; NULL when any failed. */
static PGresult *collect(struct session *session, int sent)
{
	PGresult *last = NULL, *result;
	bool failed = !sent;

	if (!sent)
		say_connection_error(session, session->pg);
	free(session->blocker);
	session->blocker = NULL;
	for (;;) {
		wait_for_result(session);
		result = PQgetResult(session->pg);
		if (!result)
			break;
		if (is_error(result)) {
			say_error(session, result);
			failed = true;
		}
		PQclear(last);
		last = result;
	}
	if (failed) {
		PQclear(last);
		return NULL;
	}
	return last;
}

PGresult *session_query(
	struct session *session, const char *statement, int n, const char *const *values)
{
	return collect(
		session, PQsendQueryParams(session->pg, statement, n, NULL, values, NULL, NULL, 0));
}

int session_do(struct session *session, const char *statement, int n, const char *const *values)
{
	PGresult *result = session_query(session, statement, n, values);

	if (!result)
		return SESSION_FAILED;
	PQclear(result);
	return 0;
}

int session_script(struct session *session, const char *name, const char *text)
{
	PGresult *result;

	session->script = name;
	session->script_text = text;
	result = collect(session, PQsendQuery(session->pg, text));
	session->script = NULL;
	if (!result)
		return SESSION_FAILED;
	PQclear(result);
	return 0;
}

const char *session_sqlstate(const struct session *session)
{
	return session->sqlstate;
}

int session_in_transaction(const struct session *session)
{
	return PQtransactionStatus(session->pg) == PQTRANS_INTRANS;
}

PGconn *session_connection(const struct session *session)
{
	return session->pg;
}

const char *session_user(const struct session *session)
{
	return PQuser(session->pg);
}

const char *session_database(const struct session *session)
{
	return PQdb(session->pg);
}

const char *session_text(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

/* ---- opening ---- */

static int check_conninfo(const struct session *session)
{
	char *error = NULL;
	PQconninfoOption *options = PQconninfoParse(session->conninfo, &error);
	int r = 0;

	if (!options && !error)
		return -ENOMEM;
	if (!options) {
		session_say(session, "--database: %.*s; expected such as \"host=db1 dbname=vac\"",
			(int)strcspn(error, "\n"), error);
		PQfreemem(error);
		return SESSION_FAILED;
	}
	for (PQconninfoOption *o = options; o->keyword; o++) {
		if (strcmp(o->keyword, "password") == 0 && o->val) {
			session_say(session,
				"--database: holds a password, which others on this machine can "
				"read; put it into ~/.pgpass");
			r = SESSION_FAILED;
		}
	}
	PQconninfoFree(options);
	return r;
}

static int check_server(const struct session *session)
{
	const char *encoding = PQparameterStatus(session->pg, "server_encoding");
	const char *standby = PQparameterStatus(session->pg, "in_hot_standby");
	int version = PQserverVersion(session->pg);

	if (version < SERVER_LEAST)
		session_say(session, "the server is PostgreSQL %d; expected 15 or newer",
			version / 10000);
	else if (!encoding || strcmp(encoding, "UTF8") != 0)
		session_say(session,
			"the encoding of database \"%s\" is %s; expected UTF8: make one with "
			"CREATE "
			"DATABASE … ENCODING 'UTF8' TEMPLATE template0",
			session_database(session), encoding ? encoding : "unknown");
	else if (standby && strcmp(standby, "on") == 0)
		session_say(session,
			"the server is a standby and cannot be changed; expected the primary "
			"(with several hosts, target_session_attrs=read-write finds it)");
	else
		return 0;
	return SESSION_FAILED;
}

static int set_up(struct session *session)
{
	int r;

	if (PQstatus(session->pg) != CONNECTION_OK) {
		say_connection_error(session, session->pg);
		if (PQconnectionNeedsPassword(session->pg))
			session_say(session, "put the password into ~/.pgpass");
		else
			session_say(session, "is the server running, and is --database right?");
		return SESSION_FAILED;
	}
	PQsetNoticeReceiver(session->pg, take_notice, session);
	r = check_server(session);
	if (!r)
		r = session_do(session,
			"SELECT set_config('client_min_messages', 'warning', false),"
			" set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', "
			"false),"
			" set_config('lock_timeout', CASE current_setting('lock_timeout') WHEN '0' "
			"THEN"
			" '10s' ELSE current_setting('lock_timeout') END, false)",
			0, NULL);
	return r;
}

static int connect_and_check(struct session *session)
{
	int r = check_conninfo(session);

	if (r)
		return r;
	session->pg = connect_as(session);
	if (!session->pg)
		return -ENOMEM;
	return set_up(session);
}

int session_open(const char *command, const char *conninfo, struct session **sessionp)
{
	struct session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return -ENOMEM;
	session->command = command;
	session->conninfo = strdup(conninfo);
	r = session->conninfo ? connect_and_check(session) : -ENOMEM;
	if (r) {
		session_free(session);
		return r;
	}
	*sessionp = session;
	return 0;
}

struct session *session_free(struct session *session)
{
	if (!session)
		return NULL;
	PQfinish(session->pg);
	PQfinish(session->watch);
	free(session->conninfo);
	free(session->blocker);
	free(session);
	return NULL;
}
