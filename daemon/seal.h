/*
 * seal - history is appended to its chain, the head told, and what is kept no longer removed
 *
 * A stage. A turn is one call that seals what was committed since, a bounded batch; several daemons
 * take turns by a lock in the database. Now and then, and at the end, the head goes to the journal and,
 * signed, to a file. No NOTIFY wakes it: nobody waits for a seal.
 */
#pragma once

#include <stdbool.h>

struct config;
struct event_base;
struct pg;
struct seal;
struct stage;

/* pg is borrowed and must outlive the stage. config is copied as far as needed. A key that cannot be read
 * is logged: then nothing is signed. 0 or -errno. */
int seal_new(struct event_base *base, struct pg *pg, const struct config *config,
	const char *daemon_id, struct seal **sealp) __attribute__((warn_unused_result));
/* When it is busy, pg must forget its calls: their answers would come to nobody. */
struct seal *seal_free(struct seal *seal);

/* A key that cannot be read is logged, and the old one stays. */
void seal_reload(struct seal *seal, const struct config *config);
/* When pg came up. */
void seal_wake(struct seal *seal);

/* What is there is sealed and the head told, once more; draining is over when !seal_is_busy(). */
void seal_stop(struct seal *seal);
bool seal_is_busy(const struct seal *seal);

/* For the watchdog: see stage_turns(). */
unsigned long long seal_turns(const struct seal *seal);
/* For the slow poll. */
struct stage *seal_stage(struct seal *seal);
