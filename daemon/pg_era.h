/*
 * pg_era - which of several servers is the newest: the one that was promoted last
 *
 * A promotion begins a new timeline of the write-ahead log. A primary that was failed over from, and comes
 * back, still has the old one: whatever is stored there will be lost. So the newest timeline that any
 * connection of this process has seen is remembered, of one cluster at a time, and connections to an older
 * one are given up. Forgotten at the end of the process: whoever wants the old server back starts it anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pg_reply;

struct pg_era {
	unsigned long long system; /* the cluster's identifier; 0: not known */
	unsigned long timeline;
};

/* A call of pg_catalog alone, to be made first on each connection. A standby refuses it. */
extern const char pg_era_statement[];
/* Takes its answer. False: this server shall not be used, with a line of text in why. A server that keeps
 * its timeline to itself is used, and never counts as old. */
bool pg_era_take(struct pg_era *era, const struct pg_reply *reply, char *why, size_t size)
	__attribute__((warn_unused_result));
/* A newer one of the same cluster was seen. */
bool pg_era_is_over(const struct pg_era *era);
