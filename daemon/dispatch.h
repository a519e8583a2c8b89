/*
 * dispatch - requests → plan → appointments
 *
 * A stage. A turn claims some groups of offices under a lease, and for each reads a snapshot, has
 * the planner work in a thread of its own, and stores the plan in one call (a few for a big plan)
 * that checks every hard rule again. What was refused is planned again. No plan is stored after
 * its lease.
 */
#pragma once

#include <stdbool.h>

struct config;
struct dispatch;
struct event_base;
struct pg;
struct stage;

/* pg is borrowed and must outlive the stage; nobody else may use BEGIN on it. config and
 * daemon_id are copied as far as needed. 0 or -errno. */
int dispatch_new(struct event_base *base, struct pg *pg, const struct config *config,
	const char *daemon_id, struct dispatch **dispatchp) __attribute__((warn_unused_result));
/* Waits for the planner's thread (milliseconds). Leases that are held then run out by themselves.
 * When it is busy, pg must be freed before it is used again: its answers would come to nobody. */
struct dispatch *dispatch_free(struct dispatch *dispatch);

/* New values of lease_ms and dispatch_batch, from the next turn on. */
void dispatch_reload(struct dispatch *dispatch, const struct config *config);

/* After a NOTIFY vac_dispatch, and when pg came up. */
void dispatch_wake(struct dispatch *dispatch);

/* No more claims; the group at work is finished, the others are released. Draining is over when
 * !dispatch_is_busy(). */
void dispatch_stop(struct dispatch *dispatch);
bool dispatch_is_busy(const struct dispatch *dispatch);

/* For the heartbeat and the watchdog: see stage_turns(). */
unsigned long long dispatch_turns(const struct dispatch *dispatch);
/* For the slow poll. */
struct stage *dispatch_stage(struct dispatch *dispatch);
