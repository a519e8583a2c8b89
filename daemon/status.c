#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "pg.h"
#include "pg_login.h"

enum { WELL = 0, LOOK = 1, WRONG = 2 };

static PGconn *log_in(const struct config *config)
{
	struct pg_login *login = NULL;
	char why[500] = "";
	PGconn *conn = NULL;
	int r = pg_login_new(config->database, config->database_password_file, "vacd status",
		config->database_timeout_ms, &login, why, sizeof(why));

	if (!r)
		conn = pg_login_wait(login, why, sizeof(why));
	if (!conn)
		printf("bad   database: %s\n", r < 0 ? strerror(-r) : why);
	pg_login_free(login);
	return conn;
}

static int worst_of(int worst, const char *severity)
{
	int this = strcmp(severity, "ok") == 0     ? WELL
		   : strcmp(severity, "warn") == 0 ? LOOK
						   : WRONG;

	return this > worst ? this : worst;
}

static int print_lines(const PGresult *result)
{
	int worst = WELL, rows = PQntuples(result);

	for (int row = 0; row < rows; row++) {
		const char *severity = PQgetvalue(result, row, 0);

		printf("%-5s %s\n", severity, PQgetvalue(result, row, 1));
		worst = worst_of(worst, severity);
	}
	if (rows == 0)
		puts("bad   the database has nothing to say: run `vacd migrate`");
	return rows == 0 ? WRONG : worst;
}

int status_command(const struct config *config, int argc, char **argv)
{
	PGconn *conn;
	PGresult *result;
	char why[500];
	int r = WRONG;

	(void)argv;
	if (argc > 1) {
		fputs("vacd: status takes no arguments\n", stderr);
		return EX_USAGE;
	}
	conn = log_in(config);
	if (!conn)
		return WRONG;
	result = PQexec(conn, "SELECT severity, text FROM vac_daemon.status() ORDER BY line_no");
	if (PQresultStatus(result) == PGRES_TUPLES_OK) {
		r = print_lines(result);
	} else {
		pg_login_flatten(PQerrorMessage(conn), why, sizeof(why));
		printf("bad   database: %s; if it has no schema, run `vacd migrate`\n", why);
	}
	PQclear(result);
	PQfinish(conn);
	return r;
}
