#include "stage.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <event2/event.h>

#include "backoff.h"
#include "steady.h"

#define NEVER LLONG_MAX

enum state {
	STATE_SLEEPING,
	STATE_BACKING_OFF, /* sleeping after a failure */
	STATE_TURNING,     /* from turn() to stage_done() or stage_failed() */
};

struct stage {
	struct stage_ops ops;
	void *arg;
	struct event *timer; /* the one and only: when the next turn begins */
	long poll_ms;
	long long due_ms; /* steady; what a turn, a wake or the poll asked for; NEVER: nothing */
	enum state state;
	bool woken; /* during a turn */
	bool stopped;
	unsigned failures; /* in a row */
	unsigned long long turns;
};

static void arm(struct stage *stage, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (!stage->stopped)
		evtimer_add(stage->timer, &tv);
}

/* Without an answer to the slow poll: not before the next, which may be late. */
static long alone_ms(const struct stage *stage)
{
	return 2 * stage->poll_ms;
}

static void arm_for(struct stage *stage, long ms)
{
	long long left = stage->due_ms == NEVER ? NEVER : stage->due_ms - steady_ms();

	if (left < ms)
		ms = left > 0 ? (long)left : 0;
	arm(stage, ms);
}

/* The timer does not count the time in which the machine slept, due_ms does. Not armed anew once the turn is
 * due: that would put it off, and who wakes it again and again would put it off for ever. */
static void hasten(struct stage *stage)
{
	if (stage->due_ms >= steady_ms())
		arm_for(stage, stage->ops.pause_ms);
	else if (!stage->stopped)
		event_active(stage->timer, EV_TIMEOUT, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct stage *stage = arg;

	(void)fd;
	(void)what;
	stage->state = STATE_TURNING;
	stage->woken = false;
	stage->ops.turn(stage->arg);
}

int stage_new(struct event_base *base, const struct stage_ops *ops, void *arg, long poll_ms,
	struct stage **stagep)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return -ENOMEM;
	stage->ops = *ops;
	stage->arg = arg;
	stage->poll_ms = poll_ms;
	stage->due_ms = NEVER;
	stage->timer = evtimer_new(base, on_timer, stage);
	if (!stage->timer)
		return free(stage), -ENOMEM;
	arm(stage, alone_ms(stage));
	*stagep = stage;
	return 0;
}

struct stage *stage_free(struct stage *stage)
{
	if (stage) {
		event_free(stage->timer);
		free(stage);
	}
	return NULL;
}

void stage_wake(struct stage *stage)
{
	long long due = steady_ms() + stage->ops.pause_ms;

	switch (stage->state) {
	case STATE_TURNING:
		stage->woken = true;
		break;
	case STATE_BACKING_OFF:
		/* News may well be that the database is back; but a stream of them must not turn the
		 * backoff into a busy loop. */
		stage->state = STATE_SLEEPING;
		arm(stage, backoff_ms(0));
		break;
	case STATE_SLEEPING:
	default:
		/* After a failure that shortened wait goes on. */
		if (stage->failures > 0)
			break;
		if (due >= stage->due_ms) {
			hasten(stage);
			break;
		}
		stage->due_ms = due;
		arm(stage, stage->ops.pause_ms);
		break;
	}
}

void stage_done(struct stage *stage, long next_ms)
{
	stage->turns++;
	stage->failures = 0;
	stage->state = STATE_SLEEPING;
	if (stage->woken && (next_ms < 0 || next_ms > stage->ops.pause_ms))
		next_ms = stage->ops.pause_ms;
	stage->due_ms = next_ms < 0 ? NEVER : steady_ms() + next_ms;
	arm_for(stage, alone_ms(stage));
}

void stage_failed(struct stage *stage)
{
	stage->turns++;
	stage->state = STATE_BACKING_OFF;
	arm(stage, backoff_ms(stage->failures++));
}

void stage_hear(struct stage *stage, long next_ms)
{
	if (!stage_is_resting(stage))
		return;
	if (next_ms == 0) {
		stage_wake(stage);
		return;
	}
	stage->turns++;
	/* Kept, since what is always a while off would otherwise be put off by each poll. */
	if (next_ms > 0 && steady_ms() + next_ms < stage->due_ms)
		stage->due_ms = steady_ms() + next_ms;
	arm_for(stage, alone_ms(stage));
}

bool stage_is_woken(const struct stage *stage)
{
	return stage->state == STATE_TURNING && stage->woken;
}

bool stage_is_resting(const struct stage *stage)
{
	return stage->state == STATE_SLEEPING && stage->failures == 0 && !stage->stopped;
}

void stage_set_poll(struct stage *stage, long poll_ms)
{
	stage->poll_ms = poll_ms;
	if (stage->state == STATE_SLEEPING)
		stage_wake(stage);
}

void stage_stop(struct stage *stage)
{
	stage->stopped = true;
	evtimer_del(stage->timer);
}

bool stage_is_busy(const struct stage *stage)
{
	return stage->state == STATE_TURNING;
}

unsigned long long stage_turns(const struct stage *stage)
{
	return stage->turns;
}
