/*
 * turn - one turn of dispatch; only dispatch's own files include it
 *
 * Claim, then for one batch of groups after the other snapshot → a plan for each group → store,
 * perhaps again, and release. Whatever ends a turn sets `ending`; the turn is over when no call is
 * out and the worker is idle, so that a reply never meets a later turn's state. Every callback ends
 * in turn_settle().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/util.h>

#include "pg.h"

struct event;
struct plan;
struct plan_decision;
struct share;
struct snapshot;
struct stage;
struct worker;

enum {
	MOST_BATCHES = 4, /* claimed in one turn: few, so that several daemons share the work */
	MOST_ROUNDS = 3,  /* plans of one batch while some of it is refused */
	MOST_LOCKED = 32,
};

/* Groups that are read and stored together. What few requests cost in calls is shared by them. */
struct batch {
	struct dispatch *dispatch;
	char *groups, *fences; /* arrays as the database wrote them */
	int64_t lease_end;     /* ms of CLOCK_BOOTTIME, from before the lease was asked for */
	int64_t asked;         /* when the renewal that is out was */
	bool lost;             /* at least one of its groups */
};

struct dispatch {
	struct pg *pg;
	struct stage *stage;
	struct worker *worker;
	struct event *renew_timer, *pause_timer;
	char daemon_id[40];
	long next_lease_ms, next_batch; /* for the next turn */
	bool stopping;
	int apart; /* claims to come that take each group by itself */

	/* this turn */
	long lease_ms, batch;
	size_t calls; /* out */
	bool ending, failed;
	bool troubled; /* something could not be planned: no hurry with the next turn */
	size_t progress, left_over; /* decisions kept; requests left for the next turn */
	long next_ms;
	struct batch batches[MOST_BATCHES];
	size_t n_batches, at;
	int64_t claim_asked;

	/* this batch */
	int round;
	int n_plans; /* made of each group under this claim */
	struct snapshot *snapshot;
	int parts, snapshot_result;
	struct share *shares; /* one a group, each with its plan; the snapshot's */
	size_t n_shares, planned;
	struct plan_decision *decisions; /* of all plans, one after the other */
	size_t n_decisions;
	size_t stored, part; /* decisions done with; decisions in the call that is out */
	size_t again;        /* requests worth another round */
	size_t kept;         /* decisions kept in this round */
	bool learned;        /* of somebody locked, chosen for what hurries */
	int tries;
	bool one_by_one;

	struct locked {
		int32_t coordinator;
		int64_t until;
	} locked[MOST_LOCKED];
	size_t n_locked;
};

/* dispatch.c */
int64_t turn_clock_ms(void);
void turn_arm(struct event *timer, long ms);
/* False when the call did not go out; the turn is then ending. */
bool turn_call(struct dispatch *d, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg);
/* Whether a reply is worth looking at; PG_REFUSED is left to the caller. */
bool turn_take(struct dispatch *d, const struct pg_reply *reply);
void turn_fail(struct dispatch *d);
void turn_settle(struct dispatch *d);
/* batch: that the call was about; NULL: none. */
void turn_log_refusal(const struct batch *batch, const char *what, const struct pg_reply *reply);
/* The batch at work; what comes after it. A batch is given up when something is wrong with it,
 * lost when its lease is; for a while no groups are claimed together then, as after turn_come_apart(). */
struct batch *turn_batch(struct dispatch *d);
bool turn_lease_is_over(struct dispatch *d);
void turn_come_apart(struct dispatch *d);
void turn_leave_batch(struct dispatch *d);
void turn_give_up_batch(struct dispatch *d);
void turn_lose_batch(struct dispatch *d);

/* round.c: snapshot and plans. round_on_planned is the worker's callback. */
void round_begin(struct dispatch *d);
void round_clear(struct dispatch *d);
void round_on_planned(int result, struct plan *plan, const char *error, void *arg);

/* store.c */
void store_forget_locks(struct dispatch *d);
void store_begin(struct dispatch *d);
void store_on_timer(evutil_socket_t fd, short what, void *arg);

/* A number as a parameter. */
struct number {
	char text[24];
};
const char *turn_number(struct number *number, int64_t value);
