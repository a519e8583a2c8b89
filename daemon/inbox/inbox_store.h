/*
 * inbox_store - mails that are complete, into the database
 *
 * A mail whose call was lost (it may be committed or not) is tried again for some seconds under the same
 * delivery number, by which the database knows it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lmtp.h"

struct event_base;
struct inbox_delivery;
struct inbox_store;
struct pg;

/* What became of it: taken (text: "stored as 12") or not (text: why). */
typedef void (*inbox_settled_fn)(bool taken, const char *text, void *arg);

int inbox_store_new(struct pg *pg, struct inbox_store **storep) __attribute__((warn_unused_result));
/* Nobody is told. */
struct inbox_store *inbox_store_free(struct inbox_store *store);

/* Octets that may be on their way to the database together; one mail may always be. */
void inbox_store_limit(struct inbox_store *store, size_t octets);

/* mail is borrowed until done was called, or inbox_store_forget(). done is not called inside. 0 or -ENOMEM. */
int inbox_store_add(struct inbox_store *store, const struct lmtp_mail *mail, inbox_settled_fn done,
	void *arg, struct inbox_delivery **deliveryp) __attribute__((warn_unused_result));
/* Nobody waits for it any more. Whatever is on its way to the database may still be stored. */
void inbox_store_forget(struct inbox_store *store, struct inbox_delivery *delivery);

/* pg came up, or some time has gone by. */
void inbox_store_pump(struct inbox_store *store);

size_t inbox_store_waiting(const struct inbox_store *store);
/* Mails that were settled. */
unsigned long long inbox_store_settled(const struct inbox_store *store);
