/*
 * mailer - outbox → SMTP: claims messages, sends them, reports what became of each
 *
 * A stage. Messages are claimed under a lease, written on a few connections that stay open, and the
 * final dot of each goes out only if the database was asked about it shortly before (mail_permit.h). A
 * server that is slow, down, or refuses the login holds up nobody else; alarms tell of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct mailer;
struct pg;
struct stage;
struct token_keys;

/*
 * pg should be a connection that nobody else queues long calls on: claims and outcomes wait for them.
 * Questions about final dots have a connection of their own. config and keys are borrowed until the next mailer_reload() or mailer_free(); keys may be NULL
 * with deliver = hold. daemon_id is copied.
 * 0, -errno, or MAILER_INVALID with a line of text in error (a certificate file that cannot be read).
 */
enum { MAILER_INVALID = 1 };
int mailer_new(struct event_base *base, struct pg *pg, const struct config *config,
	const struct token_keys *keys, const char *daemon_id, struct mailer **mailerp, char *error,
	size_t error_size) __attribute__((warn_unused_result));
struct mailer *mailer_free(struct mailer *mailer);

/* New configuration: open connections finish what they have and close; a queue stopped by a refused
 * login starts again. On MAILER_INVALID everything stays as it was, with the old config. */
int mailer_reload(struct mailer *mailer, const struct config *config, const struct token_keys *keys,
	char *error, size_t error_size) __attribute__((warn_unused_result));

/* After a NOTIFY, and when pg came up. */
void mailer_wake(struct mailer *mailer);

/* No more claims; what is past the final dot gets some seconds, the rest is released. Draining is over
 * when !mailer_is_busy(). */
void mailer_stop(struct mailer *mailer);
bool mailer_is_busy(const struct mailer *mailer);

/* For the heartbeat and the watchdog: see stage_turns(). */
unsigned long long mailer_turns(const struct mailer *mailer);
/* For the slow poll. */
struct stage *mailer_stage(struct mailer *mailer);

/* One line for STATUS: "4 connections, 12 waiting", "held for 40 s: 421 …". Borrowed until the next call. */
const char *mailer_status(struct mailer *mailer);
