/*
 * mailer - outbox → SMTP
 */
#include "../mailer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../pg.h"
#include "../stage.h"
#include "../steady.h"
#include "../tls.h"
#include "config.h"
#include "log.h"
#include "mailer_state.h"
#include "smime.h"

#define TICK_MS 1000
/* What is past its final dot when the daemon stops is waited for this long. */
#define DRAIN_MS 5000

/* ---- time ----------------------------------------------------------------------------------- */

static void drop_late_items(struct mailer *mailer)
{
	struct mail_item *item, *next;

	for (item = TAILQ_FIRST(&mailer->queue); item != NULL; item = next) {
		next = TAILQ_NEXT(item, entry);
		if (item->deadline_ms - steady_ms() > mailer->config->lease_ms / 4)
			continue;
		TAILQ_REMOVE(&mailer->queue, item, entry);
		mailer->queued--;
		mailer_drop_if_late(mailer, item);
	}
}

static bool mailer_has_work(const struct mailer *mailer)
{
	return mailer->queued > 0 || mail_pool_size(mailer->pool) > 0
	       || mail_report_backlog(mailer->report) > 0;
}

void mailer_watch(struct mailer *mailer)
{
	const struct timeval tick = {TICK_MS / 1000, TICK_MS % 1000 * 1000L};

	if (!evtimer_pending(mailer->tick, NULL))
		evtimer_add(mailer->tick, &tick);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct mailer *mailer = arg;
	bool late = mailer->stopping && steady_ms() - mailer->stopping_since_ms >= DRAIN_MS;

	(void)fd;
	(void)what;
	if (mailer_has_work(mailer))
		mailer_watch(mailer);
	drop_late_items(mailer);
	mail_pool_tick(mailer->pool, steady_ms());
	if (late)
		mail_pool_give_up(mailer->pool, true);
	if (mailer->stored != mail_report_stored(mailer->report)) {
		/* A newer message of the same UID may have waited for that. */
		mailer->stored = mail_report_stored(mailer->report);
		mailer_wake(mailer);
	}
	mailer_deal(mailer);
}

/* ---- life ----------------------------------------------------------------------------------- */

static const struct stage_ops stage_ops = {.name = "mailer", .turn = mailer_turn};

static int set_up(struct mailer *mailer)
{
	struct mailer *m = mailer;
	int r;

	r = mail_alarms_new(m->pg, m->daemon_id, &m->alarms);
	if (r == 0)
		r = mail_report_new(m->base, m->pg, &m->report);
	if (r == 0)
		r = mail_permit_new(m->base, m->config, m->pg, mailer_on_permit, m, &m->permit);
	if (r == 0)
		r = mail_pool_new(m->base, &mailer_pool_ops, m, &m->pool);
	if (r == 0)
		r = stage_new(m->base, &stage_ops, m, m->config->poll_ms, &m->stage);
	if (r < 0)
		return r;
	m->tick = evtimer_new(m->base, on_tick, m);
	return m->tick != NULL ? 0 : -ENOMEM;
}

static int read_signer(
	const struct config *config, struct smime_signer **signerp, char *error, size_t error_size)
{
	int r = 0;

	*signerp = NULL;
	if (config->smime_key_file[0] != '\0' && config->deliver == CONFIG_DELIVER_SMTP)
		r = smime_signer_read(config->smime_cert_file, config->smime_key_file,
			config->mail_from, time(NULL), signerp, error, error_size);
	if (r == SMIME_NOT_NOW) {
		/* Whoever reads them is warned by their client; a mail that does not come warns nobody. */
		log_error("mail is signed with a certificate that does not hold now", "why=\"%s\"",
			error);
		r = 0;
	}
	return r == SMIME_INVALID ? MAILER_INVALID : r;
}

/* What a new configuration changes. The old one may be freed afterwards. */
static int configure(struct mailer *mailer, const struct config *config,
	const struct token_keys *keys, char *error, size_t error_size)
{
	struct tls_mail *tls = NULL;
	struct smime_signer *signer = NULL;
	int r = 0;

	if (config->deliver == CONFIG_DELIVER_SMTP)
		r = tls_mail_new(config, &tls, error, error_size);
	if (r == TLS_INVALID)
		r = MAILER_INVALID;
	if (r == 0)
		r = read_signer(config, &signer, error, error_size);
	if (r != 0) {
		tls_mail_free(tls);
		return r;
	}
	mailer->config = config;
	mailer->keys = keys;
	mailer->claim_size = 2 * (size_t)config->mail_connections;
	mail_pool_configure(mailer->pool, config, tls);
	tls_mail_free(mailer->tls);
	mailer->tls = tls;
	smime_signer_free(mailer->signer);
	mailer->signer = signer;
	return 0;
}

int mailer_new(struct event_base *base, struct pg *pg, const struct config *config,
	const struct token_keys *keys, const char *daemon_id, struct mailer **mailerp, char *error,
	size_t error_size)
{
	struct mailer *mailer = calloc(1, sizeof(*mailer));
	int r;

	if (mailer == NULL)
		return -ENOMEM;
	mailer->base = base;
	mailer->pg = pg;
	mailer->config = config;
	TAILQ_INIT(&mailer->queue);
	snprintf(mailer->daemon_id, sizeof(mailer->daemon_id), "%s", daemon_id);
	r = set_up(mailer);
	if (r == 0)
		r = configure(mailer, config, keys, error, error_size);
	if (r != 0) {
		mailer_free(mailer);
		return r;
	}
	*mailerp = mailer;
	return 0;
}

int mailer_reload(struct mailer *mailer, const struct config *config, const struct token_keys *keys,
	char *error, size_t error_size)
{
	int r = configure(mailer, config, keys, error, error_size);

	if (r != 0)
		return r;
	mail_host_worked(&mailer->host);
	mailer->fewer_until_ms = 0;
	mailer_release_queue(mailer);
	stage_set_poll(mailer->stage, config->poll_ms);
	stage_wake(mailer->stage);
	return 0;
}

/* Items that connections still have are told of as the connections are dropped. */
struct mailer *mailer_free(struct mailer *mailer)
{
	if (mailer == NULL)
		return NULL;
	mailer->stopping = true;
	pg_forget(mailer->pg, mailer);
	if (mailer->pool != NULL && mailer->report != NULL)
		mail_pool_give_up(mailer->pool, true);
	mailer_release_queue(mailer);
	mail_pool_free(mailer->pool);
	mail_permit_free(mailer->permit);
	mail_report_free(mailer->report);
	mail_alarms_free(mailer->alarms);
	stage_free(mailer->stage);
	if (mailer->tick != NULL)
		event_free(mailer->tick);
	tls_mail_free(mailer->tls);
	smime_signer_free(mailer->signer);
	free(mailer);
	return NULL;
}

void mailer_wake(struct mailer *mailer)
{
	mail_permit_flush(mailer->permit);
	mail_report_flush(mailer->report);
	stage_wake(mailer->stage);
}

void mailer_stop(struct mailer *mailer)
{
	if (mailer->stopping)
		return;
	mailer->stopping = true;
	mailer->stopping_since_ms = steady_ms();
	stage_stop(mailer->stage);
	mailer_release_queue(mailer);
	mail_pool_give_up(mailer->pool, false);
	mail_report_flush(mailer->report);
}

bool mailer_is_busy(const struct mailer *mailer)
{
	return stage_is_busy(mailer->stage) || mailer_has_work(mailer);
}

unsigned long long mailer_turns(const struct mailer *mailer)
{
	return stage_turns(mailer->stage);
}

struct stage *mailer_stage(struct mailer *mailer)
{
	return mailer->stage;
}

const char *mailer_status(struct mailer *mailer)
{
	long held = mail_host_wait_ms(&mailer->host, steady_ms());

	if (mailer->config->deliver != CONFIG_DELIVER_SMTP)
		snprintf(mailer->status, sizeof(mailer->status), "mail is held (deliver = hold)");
	else if (held > 0)
		snprintf(mailer->status, sizeof(mailer->status), "mail held for %ld s: %s",
			held / 1000 + 1, mailer->host.text);
	else
		snprintf(mailer->status, sizeof(mailer->status),
			"mail: %llu sent, %zu waiting, %zu connections", mailer->sent,
			mailer->queued, mail_pool_ready(mailer->pool));
	return mailer->status;
}
