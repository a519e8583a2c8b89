/*
 * rate - how often somebody may come: token buckets, a few of them
 *
 * Pure: the caller brings the time. Whoever has not come for longest is forgotten for somebody new, and
 * begins with a full bucket when they come again: a table that is full is lenient, never unjust.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { RATE_ENTRIES = 512, RATE_KEY_MAX = 80 };

struct rate;

int rate_new(struct rate **ratep) __attribute__((warn_unused_result));
struct rate *rate_free(struct rate *rate);

/* Takes one of the a_minute that key has; they come back evenly. False: there is none left, and *wait_ms
 * says when there will be. */
bool rate_take(struct rate *rate, const char *key, long a_minute, long long now_ms, long *wait_ms);
/* Would rate_take() take one? Takes none, and forgets nobody. */
bool rate_has(struct rate *rate, const char *key, long a_minute, long long now_ms);
/* Has key come, and is not forgotten? */
bool rate_knows(const struct rate *rate, const char *key);
