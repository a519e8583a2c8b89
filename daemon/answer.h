/*
 * answer - inbound → answers taken
 *
 * A stage. Mail that came in is claimed under a lease, oldest first, and each is read by the reader,
 * held against the tokens that its addresses carry, and given to one call that acts on it. A mail on
 * which the reader died twice is set aside by the database, and the queue goes on.
 */
#pragma once

#include <stdbool.h>

struct answer;
struct config;
struct event_base;
struct pg;
struct reader;
struct stage;
struct token_keys;

/*
 * pg and reader are borrowed and must outlive the stage, which is the only one to use reader. config and
 * keys are borrowed until the next answer_reload() or answer_free(); without keys (NULL) nothing is claimed,
 * since no token could be told from a forged one. daemon_id is copied. 0 or -errno.
 */
int answer_new(struct event_base *base, struct pg *pg, struct reader *reader,
	const struct config *config, const struct token_keys *keys, const char *daemon_id,
	struct answer **answerp) __attribute__((warn_unused_result));
struct answer *answer_free(struct answer *answer);

/* New values, from the next mail on. Cannot fail, since others have taken them by then. */
void answer_reload(
	struct answer *answer, const struct config *config, const struct token_keys *keys);

/* After a NOTIFY vac_answer, and when pg came up. */
void answer_wake(struct answer *answer);

/* No more claims, and no other mail than the one at hand. Draining is over when !answer_is_busy(). */
void answer_stop(struct answer *answer);
bool answer_is_busy(const struct answer *answer);

/* For the heartbeat and the watchdog: see stage_turns(). */
unsigned long long answer_turns(const struct answer *answer);
/* For the slow poll. */
struct stage *answer_stage(struct answer *answer);

/* One line for STATUS: "12 read", "not read: the reader …". Borrowed until the next call. */
const char *answer_status(struct answer *answer);
