/*
 * mailer_send - what happens to claimed messages: given to connections, asked for, told of
 */
#include "mailer_state.h"

#include <errno.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>

#include "../stage.h"
#include "../steady.h"
#include "config.h"
#include "log.h"
#include "smime.h"

/* Failures in a row before supervisors hear that nothing can be sent. */
#define ALARM_FAILURES 3
/* Messages that a question about one asks for as well. */
#define LOOK_AHEAD 32

/* ---- outcomes ------------------------------------------------------------------------------- */

enum {
	BELIEVED_REFUSALS = 3, /* in a row */
	REPEATED_REFUSALS = 3, /* of one message */
};

/* A reload may have said `hold` while a claim or a question about a final dot was out. */
bool mailer_sends(const struct mailer *mailer)
{
	return !mailer->stopping && mailer->config->deliver == CONFIG_DELIVER_SMTP;
}

static bool is_idle(const struct mailer *mailer)
{
	return mailer->queued == 0 && !mailer->more;
}

static void report(
	struct mailer *mailer, struct mail_item *item, const char *outcome, const char *reply)
{
	char masked[MAIL_TEXT_MAX];

	/* The token in our envelope sender is a secret of its own; a server may repeat it. */
	if (item->mail.envelope_sender != NULL
		&& strcasestr(reply, item->mail.envelope_sender) != NULL) {
		mail_item_mask(reply, masked, sizeof(masked));
		reply = masked;
	}
	mail_permit_forget(mailer->permit, item);
	mail_report_add(mailer->report, item->id, item->fence, outcome, reply, !is_idle(mailer));
	mail_item_free(item);
}

static void log_outcome(
	int priority, const char *event, const struct mail_item *item, const char *reply)
{
	char text[300];

	mail_item_mask(reply, text, sizeof(text));
	log_line(priority, event, "message=%lld uid=%s kind=%s to-domain=%s reply=\"%s\"", item->id,
		item->message.uid != NULL ? item->message.uid : "-", item->kind,
		mail_item_domain(item), text);
}

static void worked(struct mailer *mailer)
{
	if (mail_host_is_doubtful(&mailer->host))
		mail_host_worked(&mailer->host);
	mail_alarm_clear(mailer->alarms, MAIL_ALARM_SERVER);
}

static void enqueue_first(struct mailer *mailer, struct mail_item *item)
{
	mail_permit_forget(mailer->permit, item);
	item->state = MAIL_ITEM_QUEUED;
	TAILQ_INSERT_HEAD(&mailer->queue, item, entry);
	mailer->queued++;
}

static struct mail_item *dequeue(struct mailer *mailer)
{
	struct mail_item *item = TAILQ_FIRST(&mailer->queue);

	if (item != NULL) {
		TAILQ_REMOVE(&mailer->queue, item, entry);
		mailer->queued--;
	}
	return item;
}

void mailer_release_queue(struct mailer *mailer)
{
	struct mail_item *item;

	while ((item = dequeue(mailer)) != NULL)
		report(mailer, item, "released", "");
	mailer->more = false;
}

/* Nothing was sent and nothing said against it: another connection may try, while the lease holds. */
static void take_back(struct mailer *mailer, struct mail_item *item)
{
	bool again = mailer_sends(mailer) && item->state != MAIL_ITEM_ASKED
		     && mail_host_wait_ms(&mailer->host, steady_ms()) == 0
		     && item->deadline_ms > steady_ms();

	if (again)
		enqueue_first(mailer, item);
	else
		report(mailer, item, "released", "");
}

/*
 * A server that refuses one recipient after the other is more likely set up wrongly than right: were each
 * believed, one coordinator after the other would be passed over, until nobody is left. So after some in a
 * row a refusal is final only when it has been repeated, some minutes later.
 */
static void refused(struct mailer *mailer, struct mail_item *item, const char *reply)
{
	char masked[MAIL_TEXT_MAX];

	if (++mailer->refused > BELIEVED_REFUSALS) {
		mail_item_mask(reply, masked, sizeof(masked));
		mail_alarm_raise(mailer->alarms, MAIL_ALARM_REFUSALS, masked);
		if (item->attempts < REPEATED_REFUSALS) {
			log_outcome(LOG_WARNING, "message deferred", item, reply);
			report(mailer, item, "retry", reply);
			return;
		}
	}
	log_outcome(LOG_WARNING, "message refused", item, reply);
	report(mailer, item, "final", reply);
}

static void on_outcome(
	struct mail_item *item, enum smtp_outcome outcome, const char *reply, void *arg)
{
	struct mailer *mailer = arg;
	char masked[MAIL_TEXT_MAX];

	switch (outcome) {
	case SMTP_SENT:
		mailer->sent++;
		worked(mailer);
		mailer->refused = 0;
		mail_alarm_clear(mailer->alarms, MAIL_ALARM_SENDER);
		mail_alarm_clear(mailer->alarms, MAIL_ALARM_REFUSALS);
		log_outcome(LOG_INFO, "message sent", item, reply);
		report(mailer, item, "sent", reply);
		break;
	case SMTP_RETRY:
		log_outcome(LOG_NOTICE, "message deferred", item, reply);
		report(mailer, item, "retry", reply);
		break;
	case SMTP_REFUSED:
		worked(mailer);
		refused(mailer, item, reply);
		break;
	case SMTP_SENDER:
		mail_item_mask(reply, masked, sizeof(masked));
		mail_alarm_raise(mailer->alarms, MAIL_ALARM_SENDER, masked);
		log_outcome(LOG_WARNING, "message deferred", item, reply);
		report(mailer, item, "retry", reply);
		break;
	case SMTP_UNKNOWN:
		log_outcome(LOG_WARNING, "message outcome unknown", item, reply);
		report(mailer, item, "unknown", reply);
		break;
	case SMTP_RELEASED:
		take_back(mailer, item);
		break;
	}
}

/* A message that cannot be written will not be better the next time. */
static void not_written(struct mailer *mailer, struct mail_item *item, const char *why)
{
	char reply[MAIL_TEXT_MAX];

	snprintf(reply, sizeof(reply), "not written: %s", why);
	log_outcome(LOG_ERR, "message not written", item, reply);
	report(mailer, item, "final", reply);
}

/* Another daemon may have the key or the form; this one may after a reload of its key file. */
static void not_here(struct mailer *mailer, struct mail_item *item, const char *why)
{
	char reply[MAIL_TEXT_MAX];

	snprintf(reply, sizeof(reply), "not written here: %s", why);
	log_outcome(LOG_ERR, "message not written here", item, reply);
	report(mailer, item, "retry", reply);
}

/* ---- dealing -------------------------------------------------------------------------------- */

/* Each on a connection of its own is fastest; when there are more messages than connections, the next
 * one's envelope travels with the last one's dot. */
static bool is_bulk(const struct mailer *mailer)
{
	return mailer->queued > mail_pool_size(mailer->pool);
}

/* What was signed once goes out with that signature, whatever the configuration says now. */
static int add_signature(struct mailer *mailer, struct mail_item *item)
{
	int r = 0;

	/* An appointment of before keeps its sender, which another certificate does not name. */
	if (mail_item_signature(item) == NULL
		&& (mailer->signer == NULL
			|| !smime_signer_names(mailer->signer, item->message.sender)))
		return 0;
	if (mail_item_signature(item) == NULL)
		r = smime_sign(mailer->signer, &item->mail, &item->made);
	if (r == 0)
		r = smime_join(&item->mail, item->message.mail_uuid, mail_item_signature(item));
	if (r != 0)
		imip_mail_clear(&item->mail);
	return r;
}

static int write_mail(struct mailer *mailer, struct mail_item *item, char *error, size_t error_size)
{
	int r = imip_write(&item->message, mailer->keys, &item->mail, error, error_size);

	return r == 0 ? add_signature(mailer, item) : r;
}

/* A connection has item: the answer comes while the server reads its envelope, or still thinks about the
 * mail before. One question does for the next ones, too. What cannot be asked now on_ask() asks again. */
static void look_ahead(struct mailer *mailer, struct mail_item *item)
{
	struct mail_item *next = TAILQ_FIRST(&mailer->queue);
	int r = mail_permit_holds(item) ? 1 : mail_permit_ask(mailer->permit, item);

	for (int n = 0; r == 0 && next != NULL && n < LOOK_AHEAD; n++) {
		if (!mail_permit_holds(next))
			r = mail_permit_ask(mailer->permit, next);
		next = TAILQ_NEXT(next, entry);
	}
}

/* Writes the mail and gives it to a connection. False: no connection wants it now. */
static bool deal_one(struct mailer *mailer, struct mail_item *item)
{
	bool bulk = is_bulk(mailer);
	char error[256] = "out of memory";
	int r = 0;

	if (item->mail.bytes == NULL)
		r = write_mail(mailer, item, error, sizeof(error));
	if (r == 0)
		r = mail_pool_give(mailer->pool, item, bulk);
	if (r == 0) {
		look_ahead(mailer, item);
		return true;
	}
	if (r == -ENOMEM)
		report(mailer, item, "released", "");
	else if (r == -EBUSY)
		enqueue_first(mailer, item);
	else if (r == IMIP_ELSEWHERE || r == -EIO)
		not_here(mailer, item,
			r == IMIP_ELSEWHERE ? error : "its token or signature cannot be made");
	else
		not_written(mailer, item,
			r == -EINVAL ? "an address or a line end that SMTP cannot carry" : error);
	return r != -EBUSY && r != -ENOMEM;
}

static size_t most_connections(const struct mailer *mailer)
{
	size_t most = (size_t)mailer->config->mail_connections;

	if (mail_host_is_doubtful(&mailer->host))
		return 1;
	if (mailer->fewer_until_ms > steady_ms() && mailer->fewer < most)
		return mailer->fewer;
	return most;
}

/* Claims came faster than they can be sent: take less the next time. */
bool mailer_drop_if_late(struct mailer *mailer, struct mail_item *item)
{
	/* A quarter of the lease must be left for the dialogue itself. */
	if (item->deadline_ms - steady_ms() > mailer->config->lease_ms / 4)
		return false;
	mailer->claim_size = 2 * (size_t)mailer->config->mail_connections;
	report(mailer, item, "released", "");
	return true;
}

static void claim_more(struct mailer *mailer)
{
	if (mailer->more && mailer->queued < mailer->claim_size / 2)
		stage_wake(mailer->stage);
}

void mailer_deal(struct mailer *mailer)
{
	struct mail_item *item;

	if (!mailer_sends(mailer))
		return;
	while (mailer->queued > 0 && mail_pool_has_room(mailer->pool, is_bulk(mailer))) {
		item = dequeue(mailer);
		if (!mailer_drop_if_late(mailer, item) && !deal_one(mailer, item))
			break;
	}
	if (mailer->queued > 0 && mail_host_wait_ms(&mailer->host, steady_ms()) == 0)
		mail_pool_open(mailer->pool, mailer->queued, most_connections(mailer));
	claim_more(mailer);
}

static void on_room(void *arg)
{
	mailer_deal(arg);
}

/* ---- the final dot -------------------------------------------------------------------------- */

static void on_ask(struct mail_item *item, void *arg)
{
	struct mailer *mailer = arg;

	if (!mailer_sends(mailer) || item->deadline_ms <= steady_ms())
		mail_pool_drop(mailer->pool, item, "");
	else if (mail_permit_holds(item))
		mail_pool_dot(mailer->pool, item);
	else if (mail_permit_ask(mailer->permit, item) < 0)
		mail_pool_drop(mailer->pool, item, "");
}

static void log_held_back(const struct mail_item *item)
{
	log_info("message held back", "message=%lld uid=%s kind=%s", item->id,
		item->message.uid != NULL ? item->message.uid : "-", item->kind);
}

void mailer_on_permit(struct mail_item *item, bool may, void *arg)
{
	struct mailer *mailer = arg;

	if (item->state == MAIL_ITEM_QUEUED && !may) {
		log_held_back(item);
		TAILQ_REMOVE(&mailer->queue, item, entry);
		mailer->queued--;
		report(mailer, item, "released", "");
		claim_more(mailer); /* not dealt: the answer may have a no for the next, too */
		return;
	}
	/* Asked ahead. Of one that a connection has, a no counts when only the dot is missing: the mail
	 * before may be past its own. */
	if (item->state != MAIL_ITEM_ASKED)
		return;
	/* Signed while the question was out, which did not have the signature. */
	if (may && item->made != NULL && !item->kept) {
		if (mail_permit_ask(mailer->permit, item) < 0)
			mail_pool_drop(mailer->pool, item, "");
		return;
	}
	if (may && mailer_sends(mailer) && item->deadline_ms > steady_ms()) {
		mail_pool_dot(mailer->pool, item);
	} else {
		log_held_back(item);
		mail_pool_drop(mailer->pool, item, "");
	}
	mailer_deal(mailer);
}

/* ---- the host ------------------------------------------------------------------------------- */

static void on_ready(const char *description, void *arg)
{
	struct mailer *mailer = arg;

	log_info("mail server connected", "server=\"%s\"", description);
	mail_alarm_clear(mailer->alarms, MAIL_ALARM_LOGIN);
	mail_alarm_clear(mailer->alarms, MAIL_ALARM_TLS);
}

static void raise_alarms(struct mailer *mailer, enum mail_closed why, const char *text)
{
	if (why == MAIL_CLOSED_LOGIN)
		mail_alarm_raise(mailer->alarms, MAIL_ALARM_LOGIN, text);
	if (why == MAIL_CLOSED_TLS)
		mail_alarm_raise(mailer->alarms, MAIL_ALARM_TLS, text);
	if (mailer->host.failures >= ALARM_FAILURES)
		mail_alarm_raise(mailer->alarms, MAIL_ALARM_SERVER, text);
}

static void hold_host(struct mailer *mailer, enum mail_closed why, const char *text)
{
	long long now = steady_ms();
	bool held = mail_host_wait_ms(&mailer->host, now) > 0;
	unsigned random;

	/* Connections that were opened together fail together: that is one failure. */
	if (!held || why == MAIL_CLOSED_LOGIN) {
		evutil_secure_rng_get_bytes(&random, sizeof(random));
		mail_host_failed(&mailer->host, why, text, now, random);
		log_warning("mail server held", "for_ms=%ld failures=%u why=\"%s\"",
			mail_host_wait_ms(&mailer->host, now), mailer->host.failures, text);
	}
	raise_alarms(mailer, why, text);
	mailer_release_queue(mailer);
	stage_wake(mailer->stage); /* so that it learns when to look again */
}

static void on_closed(enum mail_closed why, const char *reason, bool worked_before, void *arg)
{
	struct mailer *mailer = arg;
	size_t ready = mail_pool_ready(mailer->pool);
	char text[MAIL_TEXT_MAX];

	mail_item_mask(reason, text, sizeof(text));
	if (why == MAIL_CLOSED_DONE || mailer->stopping)
		return;
	if (why == MAIL_CLOSED_DOWN && worked_before) {
		log_notice("mail connection lost", "why=\"%s\"", text);
		return;
	}
	if ((why == MAIL_CLOSED_HELD || why == MAIL_CLOSED_DOWN) && ready > 0) {
		log_notice("mail server takes no more connections", "open=%zu why=\"%s\"", ready,
			text);
		mailer->fewer = ready;
		mailer->fewer_until_ms = steady_ms() + MAIL_HOST_FEWER_MS;
		return;
	}
	hold_host(mailer, why, text);
}

const struct mail_pool_ops mailer_pool_ops = {
	.room = on_room,
	.ask = on_ask,
	.outcome = on_outcome,
	.ready = on_ready,
	.closed = on_closed,
};
