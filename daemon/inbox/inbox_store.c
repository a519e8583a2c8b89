#include "inbox_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "../pg.h"
#include "../steady.h"
#include "../uuid.h"
#include "log.h"

enum {
	RETRY_MS = 10000, /* for a mail whose call was lost */
	TEXT_SIZE = 200,
};

/* waiting → calling → gone; a call that is lost: back to waiting. */
struct inbox_delivery {
	TAILQ_ENTRY(inbox_delivery) entry;
	struct inbox_store *store;
	char uuid[UUID_SIZE];
	struct lmtp_mail mail;
	inbox_settled_fn done;
	void *arg;
	bool calling;
	bool forgotten;    /* only the call's end is waited for */
	long long lost_ms; /* 0: no call was lost; else when the first was */
};

TAILQ_HEAD(inbox_deliveries, inbox_delivery);

struct inbox_store {
	struct pg *pg;
	struct inbox_deliveries deliveries;
	size_t waiting;
	size_t flying, limit; /* octets */
	bool pumping, again;
	unsigned long long settled;
};

/* ---- ends ----------------------------------------------------------------------------------- */

static void delivery_free(struct inbox_delivery *delivery)
{
	TAILQ_REMOVE(&delivery->store->deliveries, delivery, entry);
	delivery->store->waiting--;
	free(delivery);
}

static void settle(struct inbox_delivery *delivery, bool taken, const char *text)
{
	inbox_settled_fn done = delivery->forgotten ? NULL : delivery->done;
	void *arg = delivery->arg;

	delivery->store->settled++;
	delivery_free(delivery);
	if (done)
		done(taken, text, arg);
}

static void stored(struct inbox_delivery *delivery, const PGresult *result)
{
	char text[TEXT_SIZE];
	const char *id = PQntuples(result) > 0 ? pg_text(result, 0, 0) : NULL;

	if (!id) {
		settle(delivery, false, "the database stored nothing");
		return;
	}
	log_info("mail stored", "inbound=%s recipients=%zu octets=%zu delivery=%s", id,
		delivery->mail.n_recipients, delivery->mail.length, delivery->uuid);
	snprintf(text, sizeof(text), "stored as %.20s", id);
	settle(delivery, true, text);
}

static void on_reply(const struct pg_reply *reply, void *arg)
{
	struct inbox_delivery *delivery = arg;
	struct inbox_store *store = delivery->store;

	delivery->calling = false;
	store->flying -= delivery->mail.length;
	switch (reply->outcome) {
	case PG_DONE:
		stored(delivery, reply->result);
		break;
	case PG_REFUSED:
		log_error("mail not stored", "sqlstate=%s why=\"%s\" octets=%zu", reply->sqlstate,
			reply->text, delivery->mail.length);
		settle(delivery, false, "the database refused it");
		break;
	case PG_LOST:
	default:
		if (delivery->lost_ms == 0)
			delivery->lost_ms = steady_ms();
		if (delivery->forgotten)
			settle(delivery, false, "");
		break;
	}
	inbox_store_pump(store);
}

/* ---- the call ------------------------------------------------------------------------------- */

/* bytea as text: \x and two digits an octet. NULL: no memory. */
static char *hexadecimal(const char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * length + 3), *out = text;

	if (!text)
		return NULL;
	*out++ = '\\';
	*out++ = 'x';
	for (size_t i = 0; i < length; i++) {
		*out++ = digits[(unsigned char)bytes[i] >> 4];
		*out++ = digits[(unsigned char)bytes[i] & 15];
	}
	*out = '\0';
	return text;
}

/* 0, -ENOMEM, -ENOTCONN. */
static int call(struct inbox_delivery *delivery)
{
	struct inbox_store *store = delivery->store;
	const struct lmtp_mail *mail = &delivery->mail;
	char *recipients = pg_array(mail->recipients, mail->n_recipients);
	char *raw = hexadecimal(mail->bytes, mail->length);
	const char *values[] = {delivery->uuid, mail->sender, recipients, raw};
	int r = -ENOMEM;

	if (recipients && raw)
		r = pg_call(store->pg,
			"SELECT vac_daemon.receive_mail($1::uuid, $2, $3::text[], $4::bytea)", 4,
			values, on_reply, delivery);
	free(recipients);
	free(raw);
	if (!r) {
		delivery->calling = true;
		store->flying += mail->length;
	}
	return r;
}

/* False: it stays where it is, and so do those behind it. */
static bool try(struct inbox_delivery *delivery)
{
	struct inbox_store *store = delivery->store;
	int r;

	if (store->flying > 0 && store->flying + delivery->mail.length > store->limit)
		return false;
	r = pg_is_up(store->pg) ? call(delivery) : -ENOTCONN;
	if (r == -ENOTCONN && delivery->lost_ms != 0 && steady_ms() - delivery->lost_ms < RETRY_MS)
		return true; /* soon, perhaps */
	if (r)
		settle(delivery, false, r == -ENOTCONN ? "the database is away" : "out of memory");
	return true;
}

static void pump_once(struct inbox_store *store)
{
	struct inbox_delivery *delivery, *next;

	for (delivery = TAILQ_FIRST(&store->deliveries); delivery; delivery = next) {
		next = TAILQ_NEXT(delivery, entry);
		if (!delivery->calling && !try(delivery))
			break;
	}
}

/* Whoever is told of an outcome may bring the next mail at once. */
void inbox_store_pump(struct inbox_store *store)
{
	store->again = true;
	if (store->pumping)
		return;
	store->pumping = true;
	while (store->again) {
		store->again = false;
		pump_once(store);
	}
	store->pumping = false;
}

/* ---- life ----------------------------------------------------------------------------------- */

int inbox_store_add(struct inbox_store *store, const struct lmtp_mail *mail, inbox_settled_fn done,
	void *arg, struct inbox_delivery **deliveryp)
{
	struct inbox_delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery)
		return -ENOMEM;
	delivery->store = store;
	delivery->mail = *mail;
	delivery->done = done;
	delivery->arg = arg;
	uuid_make(delivery->uuid, sizeof(delivery->uuid));
	TAILQ_INSERT_TAIL(&store->deliveries, delivery, entry);
	store->waiting++;
	*deliveryp = delivery;
	return 0;
}

void inbox_store_forget(struct inbox_store *store, struct inbox_delivery *delivery)
{
	(void)store;
	delivery->forgotten = true;
	if (!delivery->calling)
		delivery_free(delivery);
}

void inbox_store_limit(struct inbox_store *store, size_t octets)
{
	store->limit = octets;
}

size_t inbox_store_waiting(const struct inbox_store *store)
{
	return store->waiting;
}

unsigned long long inbox_store_settled(const struct inbox_store *store)
{
	return store->settled;
}

int inbox_store_new(struct pg *pg, struct inbox_store **storep)
{
	struct inbox_store *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->pg = pg;
	TAILQ_INIT(&store->deliveries);
	*storep = store;
	return 0;
}

struct inbox_store *inbox_store_free(struct inbox_store *store)
{
	struct inbox_delivery *delivery, *next;

	if (!store)
		return NULL;
	for (delivery = TAILQ_FIRST(&store->deliveries); delivery; delivery = next) {
		next = TAILQ_NEXT(delivery, entry);
		pg_forget(store->pg, delivery);
		free(delivery);
	}
	free(store);
	return NULL;
}
