/*
 * mail_permit - asks the database whether final dots may go out
 *
 * The case may be put on hold, a newer state be stored, or the lease be taken by another daemon, while a
 * message waits for its connection. So a final dot goes out only within MAIL_LOOK_MS of the moment in
 * which the database was last asked about the message: by the claim, which looks at all of this, or by a
 * question here. It is asked when a connection takes the message, so that the answer is there before the
 * server wants the body, and again if it has become too old by then. A message whose body is written waits
 * for the answer to a question; one that was long in coming (the database is slow, or this process stood
 * still) is asked for once more, with twice as much patience; so are those that wait by then, until an answer
 * is quick again or nothing waits.
 * One question is out at a time, for all messages that want one by then. It has a connection of its own,
 * so that a final dot never waits behind a claim of hundreds of rows.
 */
#pragma once

#include "mail_item.h"

struct config;
struct event_base;
struct mail_permit;
struct pg;

enum { MAIL_LOOK_MS = 200 };

/* Called from the loop, once for each message asked for. */
typedef void (*mail_permit_fn)(struct mail_item *item, bool may, void *arg);

/* Nothing is asked while gate, the mailer's other connection, is not up: it knows whether the schema was
 * accepted. */
int mail_permit_new(struct event_base *base, const struct config *config, const struct pg *gate,
	mail_permit_fn answer, void *arg, struct mail_permit **permitp)
	__attribute__((warn_unused_result));
struct mail_permit *mail_permit_free(struct mail_permit *permit);

/* The database was asked so shortly ago that the final dot may go out now. */
bool mail_permit_holds(const struct mail_item *item);
/* Does nothing if item is asked for already. 0 or -ENOMEM. */
int mail_permit_ask(struct mail_permit *permit, struct mail_item *item)
	__attribute__((warn_unused_result));
/* item is about to be freed, its answer is not wanted. */
void mail_permit_forget(struct mail_permit *permit, struct mail_item *item);
/* The database is back: ask now. */
void mail_permit_flush(struct mail_permit *permit);
