/*
 * inbox - LMTP → table inbound
 *
 * Listens on a Unix socket and answers 250 for a recipient only after the mail is committed. While the
 * database is away, held, or refuses, it says 451, and the mail server keeps the mail. No stage: it claims
 * nothing and looks for nothing, it is there from the daemon's start to its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct inbox;
struct pg;

/* A socket is configured, or systemd hands one over. */
bool inbox_is_wanted(const struct config *config);

/*
 * pg should be a connection of its own. config is borrowed until the next inbox_reload() or inbox_free().
 * 0, -errno, or INBOX_INVALID with a line of text in error (no such group, a path that cannot be).
 */
enum { INBOX_INVALID = 1 };
int inbox_new(struct event_base *base, struct pg *pg, const struct config *config,
	struct inbox **inboxp, char *error, size_t error_size) __attribute__((warn_unused_result));
struct inbox *inbox_free(struct inbox *inbox);

/* Could this be reloaded? 0, -ENOMEM, or INBOX_INVALID with a line of text in error. */
int inbox_check(const struct config *config, char *error, size_t error_size)
	__attribute__((warn_unused_result));
/* After inbox_check(). The socket stays as it is. */
void inbox_reload(struct inbox *inbox, const struct config *config);

/* pg came up, or is held no longer. */
void inbox_wake(struct inbox *inbox);

/* The daemon stops: no more connections, and no more mail on those that are open; what is being stored is
 * stored. Draining is over when !inbox_is_busy(). */
void inbox_leave(struct inbox *inbox);
bool inbox_is_busy(const struct inbox *inbox);

/* Grows with each mail that was settled, and as time goes by while none waits: what stands still when a
 * mail is forgotten. For the heartbeat and the watchdog. */
unsigned long long inbox_turns(const struct inbox *inbox);
