/*
 * mail_pool - the connections to the mail server that are open, and which message each one has
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "mail_connection.h"
#include "mail_item.h"

struct config;
struct event_base;
struct mail_pool;
struct tls_mail;

/* Never called inside a call to mail_pool_*(), but for outcome() from mail_pool_drop() and
 * mail_pool_give_up(). */
struct mail_pool_ops {
	/* A connection is ready, or has room again. */
	void (*room)(void *arg);
	void (*ask)(struct mail_item *item, void *arg);
	/* The item is no connection's any more. */
	void (*outcome)(
		struct mail_item *item, enum smtp_outcome outcome, const char *reply, void *arg);
	/* A connection logged in. */
	void (*ready)(const char *description, void *arg);
	/* A connection is over. worked: it has carried at least one message to its reply; why is
	 * MAIL_CLOSED_DONE when there is nothing to think about. */
	void (*closed)(enum mail_closed why, const char *text, bool worked, void *arg);
};

/* config and tls are borrowed until the next mail_pool_configure(). */
int mail_pool_new(struct event_base *base, const struct mail_pool_ops *ops, void *arg,
	struct mail_pool **poolp) __attribute__((warn_unused_result));
/* Items that are still out are forgotten, not told of. */
struct mail_pool *mail_pool_free(struct mail_pool *pool);
/* Connections made with older settings finish what they have and close. */
void mail_pool_configure(
	struct mail_pool *pool, const struct config *config, const struct tls_mail *tls);

/* Opens connections until `wanted` are idle or on their way, `most` open. */
void mail_pool_open(struct mail_pool *pool, size_t wanted, size_t most);
/* Gives item to a connection: an idle one, or, with bulk, one whose message only waits for its final dot.
 * False: there is none. *error: the item cannot be sent by SMTP at all (-EINVAL), or no memory. */
bool mail_pool_has_room(const struct mail_pool *pool, bool bulk);
int mail_pool_give(struct mail_pool *pool, struct mail_item *item, bool bulk)
	__attribute__((warn_unused_result));
/* The final dot of an item that was asked for. */
void mail_pool_dot(struct mail_pool *pool, struct mail_item *item);
/* Drops the connection that has item, without the dot; its items get their outcome now: RELEASED, or
 * UNKNOWN for one that is past its dot. */
void mail_pool_drop(struct mail_pool *pool, struct mail_item *item, const char *why);

/* The item past its final dot with this id, or NULL. */
struct mail_item *mail_pool_find_dotted(const struct mail_pool *pool, long long id);
/* Once a second or so: connections that were idle for long say QUIT, those whose item's lease is over
 * before the dot are dropped. */
void mail_pool_tick(struct mail_pool *pool, long long now_ms);
/* Drops whatever is not past a final dot; with force, that too. */
void mail_pool_give_up(struct mail_pool *pool, bool force);

/* Connections open or opening; those that have logged in. */
size_t mail_pool_size(const struct mail_pool *pool);
size_t mail_pool_ready(const struct mail_pool *pool);
