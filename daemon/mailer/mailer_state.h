/*
 * mailer_state - what the mailer's parts share
 *
 * mailer.c (life and time), mailer_claim.c (the turns that fetch messages) and mailer_send.c (what happens
 * to them); not for others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "../mailer.h"
#include "mail_alarm.h"
#include "mail_connection.h"
#include "mail_host.h"
#include "mail_item.h"
#include "mail_permit.h"
#include "mail_pool.h"
#include "mail_report.h"

struct stage;

struct mailer {
	struct event_base *base;
	struct pg *pg;
	const struct config *config;
	const struct token_keys *keys;
	char daemon_id[40];
	struct tls_mail *tls;
	struct smime_signer *signer; /* NULL: mails are not signed */
	struct stage *stage;
	struct mail_alarms *alarms;
	struct mail_pool *pool;
	struct mail_permit *permit;
	struct mail_report *report;
	struct event
		*tick; /* once a second while anything is queued, connected, or to be reported */

	struct mail_items queue; /* claimed, waiting for a connection */
	size_t queued;
	size_t claim_size;    /* grows while claims are used up quickly */
	bool more;            /* the last claim was full */
	long long claimed_ms; /* when the claim that is out was asked for */
	size_t got;           /* rows of the last claim */
	struct mail_host host;
	long long fewer_until_ms; /* the server takes no more connections than `fewer` */
	size_t fewer;
	unsigned refused; /* for good, in a row, by a server that took nothing in between */
	bool stopping;
	long long stopping_since_ms;
	unsigned long long sent;
	unsigned long long stored; /* outcomes, at the last tick */
	char status[MAIL_TEXT_MAX + 80];
};

/* mailer_send.c */

extern const struct mail_pool_ops mailer_pool_ops;
void mailer_on_permit(struct mail_item *item, bool may, void *arg);
/* Gives what is queued to connections that have room, opens more where that helps. */
void mailer_deal(struct mailer *mailer);
/* False: this daemon stops, or its configuration says deliver = hold. */
bool mailer_sends(const struct mailer *mailer);
/* Gives the queue back to the database. */
void mailer_release_queue(struct mailer *mailer);
/* Gives an item that is not queued back if too little of its lease is left; true: it is gone. */
bool mailer_drop_if_late(struct mailer *mailer, struct mail_item *item);

/* mailer.c: messages were claimed; their leases and connections are looked after from now on. */
void mailer_watch(struct mailer *mailer);

/* mailer_claim.c: a turn of the stage. */
void mailer_turn(void *arg);
