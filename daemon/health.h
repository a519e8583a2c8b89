/*
 * health - does a stage still make its turns? Decides over heartbeats and the watchdog
 *
 * Pure: counters and a monotonic time in, a verdict out. A loop that runs proves nothing; a stage is
 * alive when it comes to the end of its turns, or waits for the database, whose calls have their own
 * time limits.
 */
#pragma once

#include <stdbool.h>

struct health {
	unsigned long long turns; /* at the last look */
	unsigned long long told;  /* at the last heartbeat */
	long long moved_ms;       /* when the turns last moved, or the stage had a reason not to */
};

void health_start(struct health *health, long long now_ms);
/* Call it often: waits is judged at each look. */
void health_look(
	struct health *health, long long now_ms, unsigned long long turns, bool waits_for_database);
/* False when nothing has moved for longer than patience_ms. */
bool health_is_alive(const struct health *health, long long now_ms, long patience_ms);
/* True when turns were made since the last heartbeat; they count as told then. */
bool health_take_beat(struct health *health);
