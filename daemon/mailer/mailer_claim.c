/*
 * mailer_claim - the turns of the mailer: fetching messages that are due
 *
 * How many are claimed at once grows while claims are used up and shrinks when leases end unused, so that
 * a slow mail server does not make this daemon hold what another could send.
 */
#include "mailer_state.h"

#include <stdio.h>

#include "../pg.h"
#include "../stage.h"
#include "../steady.h"
#include "config.h"
#include "log.h"

/* Between two looks at messages that are due but that another daemon is just claiming. */
#define EMPTY_MS 100
/* Between two looks while the database is slow in taking outcomes. */
#define BACKLOG_MS 50

/* 0: claim now; else why not, as the time until it is worth another look (-1: somebody will wake us). */
static long claim_wait(const struct mailer *mailer)
{
	long held = mail_host_wait_ms(&mailer->host, steady_ms());

	if (!mailer_sends(mailer))
		return -1;
	if (held > 0)
		return held;
	if (mailer->queued >= mailer->claim_size / 2 && mailer->queued > 0)
		return -1;
	if (mail_report_backlog(mailer->report) > 4 * (size_t)mailer->config->mail_batch)
		return BACKLOG_MS;
	return 0;
}

static void keep_rows(struct mailer *mailer, const PGresult *result)
{
	struct mail_claim claim = {.asked_ms = mailer->claimed_ms,
		.deadline_ms = mailer->claimed_ms + mailer->config->lease_ms};

	mail_claim_read(&claim, result);
	for (int row = 0; row < PQntuples(result); row++) {
		struct mail_item *item, *dotted;

		if (mail_item_new(&claim, row, &item) < 0) {
			log_error("messages not taken", "why=\"out of memory\"");
			return; /* their lease will end */
		}
		dotted = mail_pool_find_dotted(mailer->pool, item->id);
		if (dotted != NULL) {
			/* It waits for a reply that takes longer than the lease: it is not sent again
			 * beside itself, and the reply will count. */
			dotted->fence = item->fence;
			mail_item_free(item);
			continue;
		}
		TAILQ_INSERT_TAIL(&mailer->queue, item, entry);
		mailer->queued++;
	}
}

static void adapt_claim_size(struct mailer *mailer, size_t got)
{
	size_t most = (size_t)mailer->config->mail_batch;

	mailer->got = got;
	mailer->more = got > 0 && got >= mailer->claim_size;
	if (mailer->more)
		mailer->claim_size *= 2;
	if (mailer->claim_size > most)
		mailer->claim_size = most;
}

/* The last call of a turn that has emptied the outbox. */
static void on_next(const struct pg_reply *reply, void *arg)
{
	struct mailer *mailer = arg;
	long next_ms = -1;

	if (reply->outcome != PG_DONE) {
		stage_failed(mailer->stage);
		return;
	}
	if (PQntuples(reply->result) > 0 && pg_text(reply->result, 0, 0) != NULL)
		next_ms = (long)pg_int(reply->result, 0, 0);
	if (next_ms >= 0 && next_ms < EMPTY_MS && mailer->got == 0)
		next_ms = EMPTY_MS; /* due, but another daemon has its hand on it */
	stage_done(mailer->stage, next_ms);
}

static void on_claimed(const struct pg_reply *reply, void *arg)
{
	struct mailer *mailer = arg;

	if (reply->outcome == PG_REFUSED)
		log_error("messages not claimed", "sqlstate=%s why=\"%s\"", reply->sqlstate,
			reply->text);
	if (reply->outcome != PG_DONE) {
		stage_failed(mailer->stage);
		return;
	}
	adapt_claim_size(mailer, (size_t)PQntuples(reply->result));
	keep_rows(mailer, reply->result);
	if (mailer->queued > 0)
		mailer_watch(mailer);
	/* Claimed in vain: the server became unreachable, or nothing is sent any more. */
	if (!mailer_sends(mailer) || mail_host_wait_ms(&mailer->host, steady_ms()) > 0)
		mailer_release_queue(mailer);
	if (mailer->more) /* mailer_deal() begins the next turn when half of it is gone */
		stage_done(mailer->stage, -1);
	else if (pg_call(mailer->pg, "SELECT vac_daemon.next_message()", 0, NULL, on_next, mailer)
		 < 0)
		stage_failed(mailer->stage);
	mailer_deal(mailer);
}

static int ask_claim(struct mailer *mailer, size_t most)
{
	char number[24], lease[24];
	const char *const values[] = {mailer->daemon_id, number, lease};

	snprintf(number, sizeof(number), "%zu", most);
	snprintf(lease, sizeof(lease), "%ld", mailer->config->lease_ms);
	mailer->claimed_ms = steady_ms();
	return pg_call(mailer->pg, "SELECT * FROM vac_daemon.claim_messages($1, $2, $3)", 3, values,
		on_claimed, mailer);
}

void mailer_turn(void *arg)
{
	struct mailer *mailer = arg;
	long wait = claim_wait(mailer);

	mail_alarms_flush(mailer->alarms);
	if (wait != 0) {
		if (mailer->queued
			> 0) /* mailer_deal() begins another turn when half of it is gone */
			mailer->more = true;
		stage_done(mailer->stage, wait);
		return;
	}
	if (mail_host_is_doubtful(&mailer->host))
		mailer->claim_size = 1;
	mailer->more = false;
	if (ask_claim(mailer, mailer->claim_size) < 0)
		stage_failed(mailer->stage);
}
