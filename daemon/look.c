#include "look.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "dispatch/snapshot.h"
#include "octets.h"
#include "pg_login.h"

void look_say(const struct look *look, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "vacd %s: ", look->command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* ---- statements ---- */

static int say_error(const struct look *look, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	char line[500];

	if (text == NULL) {
		pg_login_flatten(PQerrorMessage(look->pg), line, sizeof line);
		look_say(look, "database: %s", line);
		return LOOK_FAILED;
	}
	look_say(look, "%s", text);
	if (hint)
		look_say(look, "  %s", hint);
	if (state && (strcmp(state, "42883") == 0 || strcmp(state, "3F000") == 0))
		look_say(look,
			"the schema is not there, or of another version: run vacd migrate first");
	if (state && strcmp(state, "42501") == 0)
		look_say(look,
			"role \"%s\" may not do this; the daemon's login may, or the "
			"administrator's",
			PQuser(look->pg));
	return state && strcmp(state, "22023") == 0 ? LOOK_REFUSED : LOOK_FAILED;
}

int look_query(const struct look *look, const char *statement, int n, const char *const *values,
	PGresult **resultp)
{
	PGresult *result = PQexecParams(look->pg, statement, n, NULL, values, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);
	int r = 0;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		r = say_error(look, result);
	if (r != 0) {
		PQclear(result);
		result = NULL;
	}
	*resultp = result;
	return r;
}

static int do_it(const struct look *look, const char *statement)
{
	PGresult *result;
	int r = look_query(look, statement, 0, NULL, &result);

	PQclear(result);
	return r;
}

/* ---- opening ---- */

static void ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

int look_open(const struct config *config, const char *command, struct look *look)
{
	struct pg_login *login = NULL;
	char application[40], why[500] = "";
	int r;

	*look = (struct look){.command = command};
	snprintf(application, sizeof application, "vacd %s", command);
	r = pg_login_new(config->database, config->database_password_file, application,
		config->database_timeout_ms, &login, why, sizeof why);
	if (r == 0)
		look->pg = pg_login_wait(login, why, sizeof why);
	if (r >= 0 && look->pg == NULL) {
		look_say(look, "database: %s", why);
		r = LOOK_FAILED;
	}
	pg_login_free(login);
	if (r != 0)
		return r;
	PQsetNoticeReceiver(look->pg, ignore_notice, NULL);
	/* The daemon's patience is for its own short calls; between two of ours a plan is made. */
	r = do_it(look, "SELECT set_config('statement_timeout', '0', false),"
			" set_config('idle_in_transaction_session_timeout', '0', false)");
	if (r == 0)
		r = do_it(look, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	return r;
}

void look_close(struct look *look)
{
	PQfinish(look->pg);
	look->pg = NULL;
}

/* ---- snapshots ---- */

static int take_part(const struct look *look, const char *statement, int n,
	const char *const *values, enum snapshot_part part, struct snapshot *snapshot)
{
	PGresult *result;
	int r = look_query(look, statement, n, values, &result);

	if (r == 0)
		r = snapshot_take(snapshot, part, result);
	PQclear(result);
	return r > 0 ? LOOK_FAILED : r;
}

int look_snapshot(const struct look *look, const char *begin, int n, const char *const *values,
	enum look_extent extent, struct snapshot *snapshot)
{
	static const struct {
		enum snapshot_part part;
		const char *statement;
	} parts[] = {
		{SNAPSHOT_POLICY, "SELECT * FROM vac_daemon.snapshot_policy()"},
		{SNAPSHOT_ZONES, "SELECT * FROM vac_daemon.snapshot_zones()"},
		{SNAPSHOT_OFFICES, "SELECT * FROM vac_daemon.snapshot_offices()"},
		{SNAPSHOT_COORDINATORS, "SELECT * FROM vac_daemon.snapshot_coordinators()"},
		{SNAPSHOT_BUSY, "SELECT * FROM vac_daemon.snapshot_busy()"},
		{SNAPSHOT_REQUESTS, "SELECT * FROM vac_daemon.snapshot_requests()"},
		{SNAPSHOT_STANDING, "SELECT * FROM vac_daemon.snapshot_standing()"},
	};
	size_t n_parts = sizeof parts / sizeof *parts - (extent == LOOK_ALL ? 0 : 3);
	int r = take_part(look, begin, n, values, SNAPSHOT_BEGIN, snapshot);

	for (size_t i = 0; r == 0 && i < n_parts; i++)
		r = take_part(look, parts[i].statement, 0, NULL, parts[i].part, snapshot);
	return r;
}

/* ---- arrays ---- */

char *look_array(const char *const *texts, size_t n)
{
	struct octets octets = {0};
	size_t length;
	char *array = NULL;

	octets_add_char(&octets, '{');
	for (size_t i = 0; i < n; i++) {
		octets_add_text(&octets, i > 0 ? ",\"" : "\"");
		for (const char *at = texts[i]; *at; at++) {
			if (*at == '"' || *at == '\\')
				octets_add_char(&octets, '\\');
			octets_add_char(&octets, *at);
		}
		octets_add_char(&octets, '"');
	}
	octets_add_char(&octets, '}');
	return octets_take(&octets, &array, &length) == 0 ? array : NULL;
}
