/*
 * mail_report - tells the database what became of messages, in batches
 */
#include "mail_report.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "log.h"
#include "../pg.h"

#define BATCH_MAX 500
#define SOON_MS   20
#define RETRY_MS  500

struct line {
	STAILQ_ENTRY(line) entry;
	const char *outcome;
	char id[24];
	char fence[24];
	char reply[];
};

STAILQ_HEAD(lines, line);

struct mail_report {
	struct pg *pg;
	struct event *timer;
	struct lines lines; /* the first `out` of them are in the call that is out */
	size_t count;
	size_t out;
	unsigned long long stored; /* outcomes that the database has confirmed */
	size_t batch_max;          /* 1 after a refusal: one bad line must not keep the others */
};

static void arm(struct mail_report *report, long ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (report->count > 0 && !evtimer_pending(report->timer, NULL))
		evtimer_add(report->timer, &tv);
}

static void drop_first(struct mail_report *report, size_t n)
{
	while (n-- > 0) {
		struct line *line = STAILQ_FIRST(&report->lines);

		STAILQ_REMOVE_HEAD(&report->lines, entry);
		report->count--;
		free(line);
	}
}

/* Conflicts, a database that is shutting down or starting: the same call will do later. */
static bool passes(const char *sqlstate)
{
	static const char *const classes[] = {"08", "40", "53", "55", "57", "58"};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

static void on_refused(struct mail_report *report, const struct pg_reply *reply, size_t n)
{
	log_error("outcome not stored", "messages=%zu first=%s sqlstate=%s why=\"%s\"", n,
		STAILQ_FIRST(&report->lines)->id, reply->sqlstate, reply->text);
	if (!passes(reply->sqlstate) && n == 1)
		drop_first(report, 1); /* its lease will end, and somebody looks at it again */
	report->batch_max = 1;
}

static void on_reply(const struct pg_reply *reply, void *arg)
{
	struct mail_report *report = arg;
	size_t n = report->out;
	long again = RETRY_MS;

	report->out = 0;
	switch (reply->outcome) {
	case PG_DONE:
		if (PQntuples(reply->result) < (int)n)
			log_notice("outcome came after the lease", "messages=%zu",
				n - (size_t)PQntuples(reply->result));
		drop_first(report, n);
		report->stored += n;
		if (report->batch_max < BATCH_MAX)
			report->batch_max *= 2;
		again = 0;
		break;
	case PG_REFUSED:
		on_refused(report, reply, n);
		break;
	case PG_LOST:
		break;
	}
	if (again == 0)
		mail_report_flush(report);
	else
		arm(report, again);
}

struct columns {
	char *ids, *fences, *outcomes, *replies;
};

static void columns_clear(struct columns *columns)
{
	free(columns->ids);
	free(columns->fences);
	free(columns->outcomes);
	free(columns->replies);
}

/* The first n lines as four array literals. */
static int columns_make(const struct mail_report *report, size_t n, struct columns *columns)
{
	const char **parts = calloc(4 * n, sizeof(*parts));
	const struct line *line = STAILQ_FIRST(&report->lines);

	if (parts == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++, line = STAILQ_NEXT(line, entry)) {
		parts[i] = line->id;
		parts[n + i] = line->fence;
		parts[2 * n + i] = line->outcome;
		parts[3 * n + i] = line->reply;
	}
	columns->ids = pg_array(parts, n);
	columns->fences = pg_array(parts + n, n);
	columns->outcomes = pg_array(parts + 2 * n, n);
	columns->replies = pg_array(parts + 3 * n, n);
	free(parts);
	if (!columns->ids || !columns->fences || !columns->outcomes || !columns->replies)
		return -ENOMEM;
	return 0;
}

static int call(struct mail_report *report, size_t n)
{
	struct columns columns = {NULL, NULL, NULL, NULL};
	int r = columns_make(report, n, &columns);

	if (r == 0) {
		const char *const values[] = {
			columns.ids, columns.fences, columns.outcomes, columns.replies};

		r = pg_call(report->pg, "SELECT * FROM vac_daemon.finish_messages($1, $2, $3, $4)",
			4, values, on_reply, report);
	}
	columns_clear(&columns);
	return r;
}

void mail_report_flush(struct mail_report *report)
{
	size_t n = report->count < report->batch_max ? report->count : report->batch_max;

	if (n == 0 || report->out > 0)
		return;
	evtimer_del(report->timer);
	if (call(report, n) == 0)
		report->out = n;
	else
		arm(report, RETRY_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	mail_report_flush(arg);
}

void mail_report_add(struct mail_report *report, long long id, long long fence, const char *outcome,
	const char *reply, bool soon)
{
	size_t size = strlen(reply) + 1;
	struct line *line = malloc(sizeof(*line) + size);

	if (line == NULL) {
		log_error("outcome not kept", "message=%lld outcome=%s why=\"out of memory\"", id,
			outcome);
		return;
	}
	snprintf(line->id, sizeof(line->id), "%lld", id);
	snprintf(line->fence, sizeof(line->fence), "%lld", fence);
	line->outcome = outcome;
	memcpy(line->reply, reply, size);
	STAILQ_INSERT_TAIL(&report->lines, line, entry);
	report->count++;
	if (report->count >= BATCH_MAX)
		mail_report_flush(report);
	else
		arm(report, soon ? SOON_MS : 0);
}

unsigned long long mail_report_stored(const struct mail_report *report)
{
	return report->stored;
}

size_t mail_report_backlog(const struct mail_report *report)
{
	return report->count;
}

int mail_report_new(struct event_base *base, struct pg *pg, struct mail_report **reportp)
{
	struct mail_report *report = calloc(1, sizeof(*report));

	if (report == NULL)
		return -ENOMEM;
	STAILQ_INIT(&report->lines);
	report->pg = pg;
	report->batch_max = BATCH_MAX;
	report->timer = evtimer_new(base, on_timer, report);
	if (report->timer == NULL) {
		free(report);
		return -ENOMEM;
	}
	*reportp = report;
	return 0;
}

struct mail_report *mail_report_free(struct mail_report *report)
{
	if (report == NULL)
		return NULL;
	pg_forget(report->pg, report);
	drop_first(report, report->count);
	event_free(report->timer);
	free(report);
	return NULL;
}
