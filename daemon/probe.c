#include "probe.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "config.h"
#include "pg.h"
#include "pg_login.h"

enum { TAKEN = 0, NOT_TAKEN = 1, NOT_TRIED = 2 };
enum { LOOK_EVERY_MS = 250, WAIT_SECONDS = 120 };

struct probe {
	char id[24];
	char state[16], reply[500];
	long long attempts, daemons, sending;
};

static PGconn *log_in(const struct config *config)
{
	struct pg_login *login = NULL;
	char why[500] = "";
	PGconn *conn = NULL;
	int r = pg_login_new(config->database, config->database_password_file, "vacd probe",
		config->database_timeout_ms, &login, why, sizeof(why));

	if (!r)
		conn = pg_login_wait(login, why, sizeof(why));
	if (!conn)
		fprintf(stderr, "vacd: database: %s\n", r < 0 ? strerror(-r) : why);
	pg_login_free(login);
	return conn;
}

/* One row, or NULL and a line on stderr. */
static PGresult *ask(PGconn *conn, const char *statement, int n, const char *const *values)
{
	PGresult *result = PQexecParams(conn, statement, n, NULL, values, NULL, NULL, 0);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
		return result;
	fprintf(stderr, "vacd: database: %s\n", text ? text : PQerrorMessage(conn));
	PQclear(result);
	return NULL;
}

static bool queue(PGconn *conn, const char *address, struct probe *probe)
{
	const char *values[] = {address, "Mail probe"};
	PGresult *result = ask(conn, "SELECT vac_daemon.queue_probe($1, $2)", 2, values);

	if (!result)
		return false;
	snprintf(probe->id, sizeof(probe->id), "%lld", pg_int(result, 0, 0));
	PQclear(result);
	return true;
}

static bool look(PGconn *conn, struct probe *probe)
{
	const char *values[] = {probe->id};
	PGresult *result = ask(conn,
		"SELECT state, attempts, reply, daemons, sending "
		"FROM vac_daemon.probe_state($1::bigint)",
		1, values);
	const char *reply;

	if (!result)
		return false;
	reply = pg_text(result, 0, 2);
	pg_login_flatten(reply ? reply : "", probe->reply, sizeof(probe->reply));
	snprintf(probe->state, sizeof(probe->state), "%s", PQgetvalue(result, 0, 0));
	probe->attempts = pg_int(result, 0, 1);
	probe->daemons = pg_int(result, 0, 3);
	probe->sending = pg_int(result, 0, 4);
	PQclear(result);
	return true;
}

static bool is_over(const struct probe *probe)
{
	return strcmp(probe->state, "queued") != 0 && strcmp(probe->state, "claimed") != 0;
}

/* False: the database could not be asked. */
static bool wait_for_end(PGconn *conn, struct probe *probe)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000L};
	long long told = 0;

	for (long i = 0; i < WAIT_SECONDS * 1000L / LOOK_EVERY_MS; i++) {
		if (!look(conn, probe))
			return false;
		if (is_over(probe) || probe->sending == 0)
			return true;
		if (probe->attempts > told && probe->reply[0]) {
			told = probe->attempts;
			printf("try %lld: %s; it is tried again\n", told, probe->reply);
			fflush(stdout);
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static int tell_end(const struct probe *probe, const char *address)
{
	if (strcmp(probe->state, "sent") == 0) {
		printf("sent to %s: %s\n", address, probe->reply);
		puts("Now look into that mailbox: the invitation is for tomorrow, and no case's.");
		return TAKEN;
	}
	if (is_over(probe)) {
		printf("%s for %s: %s\n", probe->state, address, probe->reply);
		return NOT_TAKEN;
	}
	if (probe->daemons == 0)
		puts("No daemon is at work: start it (systemctl start vacd); the message waits.");
	else if (probe->sending == 0)
		puts("The daemons run with deliver = hold and send nothing: set deliver = smtp and "
		     "reload; the message waits.");
	else
		printf("No answer of the mail server for %d s%s%s; the message stays queued, see "
		       "`vacd status`.\n",
			WAIT_SECONDS, probe->reply[0] ? ", last reply: " : "", probe->reply);
	return NOT_TAKEN;
}

int probe_command(const struct config *config, int argc, char **argv)
{
	struct probe probe = {.id = ""};
	PGconn *conn;
	int r = NOT_TRIED;

	if (argc != 2 || !strchr(argv[1], '@')) {
		fputs("vacd: probe takes one mail address\n", stderr);
		return EX_USAGE;
	}
	if (config->deliver == CONFIG_DELIVER_HOLD) {
		puts("deliver = hold: nothing is sent. Set deliver = smtp and reload the daemon.");
		return NOT_TRIED;
	}
	conn = log_in(config);
	if (!conn)
		return NOT_TRIED;
	if (queue(conn, argv[1], &probe) && wait_for_end(conn, &probe))
		r = tell_end(&probe, argv[1]);
	PQfinish(conn);
	return r;
}
