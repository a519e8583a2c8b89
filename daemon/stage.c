#include "stage.h"

#include <errno.h>
#include <stdlib.h>
#include <event2/event.h>

#include "backoff.h"

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
	stage->timer = evtimer_new(base, on_timer, stage);
	if (!stage->timer)
		return free(stage), -ENOMEM;
	arm(stage, poll_ms);
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

/* At most so far ahead: what is due sooner stays. */
static void arm_within(struct stage *stage, long ms)
{
	struct timeval due, now;
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (evtimer_pending(stage->timer, &due)) {
		evutil_gettimeofday(&now, NULL);
		evutil_timeradd(&now, &limit, &limit);
		if (evutil_timercmp(&due, &limit, <))
			return;
	}
	arm(stage, ms);
}

void stage_wake(struct stage *stage)
{
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
		if (stage->failures == 0)
			arm_within(stage, stage->ops.pause_ms);
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
	arm(stage, next_ms < 0 || next_ms > stage->poll_ms ? stage->poll_ms : next_ms);
}

void stage_failed(struct stage *stage)
{
	stage->turns++;
	stage->state = STATE_BACKING_OFF;
	arm(stage, backoff_ms(stage->failures++));
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
