/*
 * intake - HTTPS: cases in; health and metrics out
 *
 * Two doors. One speaks TLS and opens cases for programs (vacd-intake(8)): 201 only after the commit, 503
 * while the database is away, held or slow. The other, for the machine that watches, is plain HTTP on an
 * address of its own and says nothing of any case. Like the inbox no stage: it claims nothing, and is
 * there from the daemon's start to its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct event_base;
struct intake;
struct pg;

/* One of the doors is configured. */
bool intake_is_wanted(const struct config *config);

/*
 * pg should be a connection of its own. is_well says whether the daemon's stages make their turns. config
 * is borrowed until the next intake_reload() or intake_free(). 0, -errno, or INTAKE_INVALID with a line
 * of text in error (no address, a certificate that cannot be used).
 */
enum { INTAKE_INVALID = 1 };
struct intake_options {
	struct event_base *base;
	struct pg *pg;
	const struct config *config;
	bool (*is_well)(void *arg);
	void *arg;
};
int intake_new(const struct intake_options *options, struct intake **intakep, char *error,
	size_t error_size) __attribute__((warn_unused_result));
struct intake *intake_free(struct intake *intake);

/* Could this be started, or reloaded? 0, -ENOMEM, or INTAKE_INVALID with a line of text in error. */
int intake_check(const struct config *config, char *error, size_t error_size)
	__attribute__((warn_unused_result));
/* After intake_check(). New connections get the new certificate; the addresses stay as they are. */
void intake_reload(struct intake *intake, const struct config *config);

/* The daemon stops: no more connections and requests; what was asked is answered. Draining is over when
 * !intake_is_busy(). */
void intake_leave(struct intake *intake);
bool intake_is_busy(const struct intake *intake);

/* As inbox_turns(). */
unsigned long long intake_turns(const struct intake *intake);
/* For STATUS. */
const char *intake_status(const struct intake *intake);
