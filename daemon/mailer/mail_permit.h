/*
 * mail_permit - asks the database whether final dots may go out
 *
 * One question is out at a time, for all messages that are ready by then. It is asked as late as can be:
 * the case may have been put on hold, or the lease taken by another daemon, while the body was written.
 * It has a connection of its own, so that a final dot never waits behind a claim of hundreds of rows.
 */
#pragma once

#include "mail_item.h"

struct config;
struct event_base;
struct mail_permit;
struct pg;

/* Called from the loop, once for each message asked for. */
typedef void (*mail_permit_fn)(struct mail_item *item, bool may, void *arg);

/* Nothing is asked while gate, the mailer's other connection, is not up: it knows whether the schema was
 * accepted. */
int mail_permit_new(struct event_base *base, const struct config *config, const struct pg *gate,
	mail_permit_fn answer, void *arg, struct mail_permit **permitp)
	__attribute__((warn_unused_result));
struct mail_permit *mail_permit_free(struct mail_permit *permit);

/* 0 or -ENOMEM. */
int mail_permit_ask(struct mail_permit *permit, struct mail_item *item)
	__attribute__((warn_unused_result));
/* item is about to be freed, its answer is not wanted. */
void mail_permit_forget(struct mail_permit *permit, const struct mail_item *item);
/* The database is back: ask now. */
void mail_permit_flush(struct mail_permit *permit);
