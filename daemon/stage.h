/*
 * stage - what every stage shares: wake, claim, work, commit, back off, heartbeat
 *
 * A stage sleeps until a NOTIFY, its timer, or the slow poll wakes it; then it makes one turn, which
 * may take many turns of the loop, and says when it wants the next. Two turns never overlap: a wake
 * during a turn is remembered and starts another right after it.
 *
 * At each slow poll the database is asked once, for all stages that sleep, and each hears the answer. A
 * stage that has heard nothing for twice as long makes a turn by itself, whatever became of the polls.
 */
#pragma once

#include <stdbool.h>

struct event_base;
struct pg;
struct stage;

struct stage_ops {
	const char *name;        /* "dispatch": heartbeats and log lines carry it */
	void (*turn)(void *arg); /* begin a turn; ends with stage_done() or stage_failed() */
	long pause_ms; /* how long a wake may wait, so that news of one moment costs one turn */
};

int stage_new(struct event_base *base, const struct stage_ops *ops, void *arg, long poll_ms,
	struct stage **stagep) __attribute__((warn_unused_result));
struct stage *stage_free(struct stage *stage);

void stage_wake(struct stage *stage);
/* The turn is over; the next begins in next_ms at the latest; next_ms < 0: nothing is known, the slow
 * poll decides; 0: there is more to do now. */
void stage_done(struct stage *stage, long next_ms);
/* The turn failed (database away, fault): the next begins after a backoff with jitter, 100 ms to 30 s. */
void stage_failed(struct stage *stage);
/* The slow poll's answer: the next thing for this stage comes in next_ms (0: it is there; < 0: nothing
 * is known). Only for one that has rested since it was asked. It is woken in time; when there is nothing
 * to do now, hearing so is a turn. */
void stage_hear(struct stage *stage, long next_ms);
/* News came during the turn: unless it fails, another follows after pause_ms, whatever it says of the next. */
bool stage_is_woken(const struct stage *stage);
/* It sleeps, and not because its last turn failed. */
bool stage_is_resting(const struct stage *stage);
/* After a reload. */
void stage_set_poll(struct stage *stage, long poll_ms);
/* No further turns begin; draining is over when !stage_is_busy(). */
void stage_stop(struct stage *stage);
bool stage_is_busy(const struct stage *stage);
/* Turns that came to their end, by stage_done(), stage_failed() or stage_hear(), since the start: the
 * watchdog and the heartbeat look at it. */
unsigned long long stage_turns(const struct stage *stage);
