#include "intake_metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pg.h"
#include "intake_guest.h"
#include "octets.h"

static const char text_type[] = "text/plain; version=0.0.4; charset=utf-8";

void intake_metrics_health(struct intake_guest *guest, const struct intake_request *request)
{
	const struct intake *intake = intake_guest_intake(guest);
	const char *problem = NULL;

	(void)request;
	if (intake->leaving)
		problem = "it stops";
	else if (!pg_is_up(intake->pg))
		problem = "the database is away, or not accepted";
	else if (!intake->is_well(intake->arg))
		problem = "a stage makes no turns";
	if (!problem) {
		intake_guest_answer(guest,
			&(struct intake_reply){.status = 200, .body = "{\"status\": \"ok\"}\n"});
	} else {
		char body[120];

		snprintf(body, sizeof(body), "{\"status\": \"bad\", \"problem\": \"%s\"}\n",
			problem);
		intake_guest_answer(guest, &(struct intake_reply){.status = 503, .body = body});
	}
}

/* ---- figures -------------------------------------------------------------------------------- */

static void add(struct octets *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct octets *out, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	octets_add_text(out, text);
}

static void add_head(struct octets *out, const char *name, const char *type, const char *help)
{
	add(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_one(
	struct octets *out, const char *name, const char *type, const char *help, double value)
{
	add_head(out, name, type, help);
	add(out, "%s %.0f\n", name, value);
}

static void add_own(struct octets *out, const struct intake *intake)
{
	const struct intake_counts *counts = &intake->counts;

	add_one(out, "vacd_database_up", "gauge", "1: the database is there and accepted",
		pg_is_up(intake->pg));
	add_one(out, "vacd_intake_connections", "gauge", "Connections of clients that are open",
		(double)intake->cases.n_guests);
	add_one(out, "vacd_intake_connections_dropped_total", "counter",
		"Idle connections that were given up for new ones", (double)counts->dropped);
	add_one(out, "vacd_intake_connections_refused_total", "counter",
		"Connections that there was no room for", (double)counts->turned_away);
	add_one(out, "vacd_intake_tls_failures_total", "counter", "TLS handshakes that failed",
		(double)counts->tls_failures);
	add_head(out, "vacd_intake_answers_total", "counter", "Answers to clients, by HTTP status");
	for (int status = 0; status < INTAKE_STATUS_MAX; status++)
		if (counts->answers[status])
			add(out, "vacd_intake_answers_total{status=\"%d\"} %llu\n", status,
				counts->answers[status]);
}

/* name, help, label, value; rows of one name come together. */
static void add_rows(struct octets *out, const PGresult *result)
{
	const char *before = "";

	for (int row = 0; row < PQntuples(result); row++) {
		const char *name = PQgetvalue(result, row, 0), *label = pg_text(result, row, 2);

		if (strcmp(name, before) != 0)
			add_head(out, name, "gauge", PQgetvalue(result, row, 1));
		before = name;
		if (label)
			add(out, "%s{stage=\"%s\"} %s\n", name, label, PQgetvalue(result, row, 3));
		else
			add(out, "%s %s\n", name, PQgetvalue(result, row, 3));
	}
}

static void answer_figures(struct intake_guest *guest, const PGresult *result)
{
	struct octets out = {0};
	char *body = NULL;
	size_t length;

	add_own(&out, intake_guest_intake(guest));
	if (result)
		add_rows(&out, result);
	if (octets_take(&out, &body, &length))
		intake_guest_answer(guest, &(struct intake_reply){.status = 503});
	else
		intake_guest_answer(guest,
			&(struct intake_reply){.status = 200, .type = text_type, .body = body});
	free(body);
}

/* Without the database there are still our own: vacd_database_up says why the others are not there. */
static void on_figures(struct intake_guest *guest, const struct pg_reply *reply)
{
	answer_figures(guest, reply->outcome == PG_DONE ? reply->result : NULL);
}

void intake_metrics_figures(struct intake_guest *guest, const struct intake_request *request)
{
	(void)request;
	if (intake_guest_call(guest, INTAKE_CALLS_MAX,
		    "SELECT name, help, label, value FROM vac_daemon.metrics()", 0, NULL,
		    on_figures))
		answer_figures(guest, NULL);
}
