/*
 * deadline - reminders, lapses, notices, clocks: what happens when nothing comes
 *
 * A stage. A turn is one call that does what is due by the database's clock, a bounded batch, and
 * says how long until there is more. Nothing is known here of what that is, and no clock is
 * looked at: where the wall clock is set, the next turn asks again, at the slow poll at the latest.
 */
#pragma once

#include <stdbool.h>

struct config;
struct deadline;
struct event_base;
struct pg;
struct stage;

/* pg is borrowed and must outlive the stage. config and daemon_id are copied as far as needed.
 * 0 or -errno. */
int deadline_new(struct event_base *base, struct pg *pg, const struct config *config,
	const char *daemon_id, struct deadline **deadlinep) __attribute__((warn_unused_result));
/* When it is busy, pg must forget its calls: their answers would come to nobody. */
struct deadline *deadline_free(struct deadline *deadline);

void deadline_reload(struct deadline *deadline, const struct config *config);
/* After a NOTIFY vac_deadline, and when pg came up. */
void deadline_wake(struct deadline *deadline);

/* The call that is out is waited for; draining is over when !deadline_is_busy(). */
void deadline_stop(struct deadline *deadline);
bool deadline_is_busy(const struct deadline *deadline);

/* For the heartbeat and the watchdog: see stage_turns(). */
unsigned long long deadline_turns(const struct deadline *deadline);
/* For the slow poll. */
struct stage *deadline_stage(struct deadline *deadline);
