#include "adopt.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "pg.h"
#include "pg_login.h"

enum { ADOPTED = 0, NOTHING_TO_DO = 1, NOT_DONE = 2 };

static PGconn *log_in(const struct config *config)
{
	struct pg_login *login = NULL;
	char why[500] = "";
	PGconn *conn = NULL;
	int r = pg_login_new(config->database, config->database_password_file, "vacd adopt",
		config->database_timeout_ms, &login, why, sizeof(why));

	if (!r)
		conn = pg_login_wait(login, why, sizeof(why));
	if (!conn)
		fprintf(stderr, "vacd: database: %s\n", r < 0 ? strerror(-r) : why);
	pg_login_free(login);
	return conn;
}

static int adopt(PGconn *conn, bool anyway)
{
	const char *const values[] = {anyway ? "true" : "false"};
	PGresult *result = PQexecParams(conn, "SELECT adopted, said FROM vac_daemon.adopt($1)", 1,
		NULL, values, NULL, NULL, 0);
	char why[500];
	int r = NOT_DONE;

	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
		puts(PQgetvalue(result, 0, 1));
		r = PQgetvalue(result, 0, 0)[0] == 't' ? ADOPTED : NOTHING_TO_DO;
	} else {
		pg_login_flatten(PQerrorMessage(conn), why, sizeof(why));
		fprintf(stderr, "vacd: database: %s\n", why);
	}
	PQclear(result);
	return r;
}

int adopt_command(const struct config *config, int argc, char **argv)
{
	bool anyway = argc == 2 && strcmp(argv[1], "--anyway") == 0;
	PGconn *conn;
	int r;

	if (argc > 1 && !anyway) {
		fputs("usage: vacd adopt [--anyway]\n", stderr);
		return EX_USAGE;
	}
	conn = log_in(config);
	if (!conn)
		return NOT_DONE;
	r = adopt(conn, anyway);
	PQfinish(conn);
	return r;
}
