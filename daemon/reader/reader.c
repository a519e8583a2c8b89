/*
 * reader - the sandboxed process that parses, seen from the loop
 */
#include "../reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "../backoff.h"
#include "../steady.h"
#include "log.h"
#include "reader_child.h"
#include "reader_frame.h"
#include "reader_process.h"
#include "text.h"

enum {
	START_MS = 60000, /* loading charsets and zones on a busy machine */
	PATIENCE_MS = READER_WALL_MS
		      + 5000, /* for an answer: it ends a child by itself long before */
	SETTLED = 3,          /* mails read until a process counts as one that works */
	SETTLED_MS = 60000,   /* or so long ready */
	IN_VAIN = 3,          /* failures in a row until it counts as one that does not */
};

enum state {
	STATE_DOWN,     /* no process; the timer starts one */
	STATE_STARTING, /* the timer ends one that does not come up */
	STATE_FREE,
	STATE_READING, /* the timer ends one that hangs */
};

struct reader {
	struct event_base *base;
	struct reader_process process;
	struct bufferevent *channel;
	struct event *timer;
	enum state state;
	unsigned failures;  /* in a row */
	unsigned read;      /* mails, by this process */
	long long ready_ms; /* since when it is */
	bool broken;
	char problem[2 * READER_WHY_MAX + 80];
	reader_state_fn watcher;
	void *watcher_arg;

	uint32_t number; /* of the last request */
	reader_done_fn done;
	void *done_arg;
};

static void start(struct reader *reader);

static void arm(struct reader *reader, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(reader->timer, &tv);
}

static void tell_watcher(const struct reader *reader, bool up)
{
	if (reader->watcher != NULL)
		reader->watcher(up, reader->watcher_arg);
}

static void reply(struct reader *reader, const struct reader_reply *answer)
{
	reader_done_fn done = reader->done;
	void *arg = reader->done_arg;

	reader->done = NULL;
	if (done != NULL)
		done(answer, arg);
}

/* ---- the process comes and goes ------------------------------------------------------------- */

static void end_process(struct reader *reader)
{
	if (reader->channel != NULL) {
		/* Freed later when we are called by it, and by then the descriptor is another's. */
		bufferevent_disable(reader->channel, EV_READ | EV_WRITE);
		bufferevent_free(reader->channel);
		reader->channel = NULL;
	}
	reader_process_end(&reader->process);
}

/* Takes it down; what was being read ends so. */
static void fail(struct reader *reader, enum reader_outcome outcome, const char *why)
{
	const struct reader_reply answer = {.outcome = outcome, .why = why};
	long wait_ms;

	if (reader->state >= STATE_FREE && steady_ms() - reader->ready_ms >= SETTLED_MS)
		reader->failures = 0;
	wait_ms = backoff_ms(reader->failures++);
	end_process(reader);
	snprintf(reader->problem, sizeof(reader->problem), "the reader %s", why);
	/* One that starts in vain over and over says so at first only. */
	log_line(reader->failures > 1 ? LOG_DEBUG : LOG_ERR, "reader ended",
		"why=\"%s\" again_ms=%ld", why, wait_ms);
	reader->read = 0;
	arm(reader, wait_ms);
	reader->state = STATE_DOWN;
	tell_watcher(reader, false);
	reply(reader, &answer);
}

static void take_ready(struct reader *reader)
{
	if (reader->state != STATE_STARTING) {
		fail(reader, READER_DIED, "talks nonsense");
		return;
	}
	evtimer_del(reader->timer);
	reader->broken = false;
	reader->ready_ms = steady_ms();
	reader->problem[0] = '\0';
	log_line(reader->failures > 0 ? LOG_NOTICE : LOG_DEBUG, "reader ready", "pid=%d",
		(int)reader->process.pid);
	reader->state = STATE_FREE;
	tell_watcher(reader, true);
}

/* A text of one line for people, from a process that should not be believed. */
static void copy_line(char *line, size_t size, const struct reader_answer *answer)
{
	snprintf(line, size, "%.*s", (int)answer->length, answer->text);
	if (text_check(line, TEXT_LINE, size) != TEXT_FINE)
		snprintf(line, size, "talks nonsense");
}

/* ---- answers -------------------------------------------------------------------------------- */

static void settle(struct reader *reader)
{
	evtimer_del(reader->timer);
	if (++reader->read >= SETTLED)
		reader->failures = 0;
	reader->state = STATE_FREE;
}

static void take_record(struct reader *reader, const struct reader_answer *answer)
{
	struct reader_reply record = {.outcome = READER_DIED, .why = "wrote what is no record"};
	char *text = malloc(answer->length + 1);
	struct reader_text parts;

	settle(reader);
	if (text == NULL) {
		record.outcome = READER_AWAY;
		record.why = "no memory";
	} else {
		memcpy(text, answer->text, answer->length);
		if (reader_text_split(text, answer->length, &parts))
			record = (struct reader_reply){.outcome = READER_RECORD,
				.addresses = parts.addresses,
				.n_addresses = parts.n_addresses,
				.json = parts.json};
	}
	reply(reader, &record);
	free(text);
}

static void take_died(struct reader *reader, const struct reader_answer *answer)
{
	char why[READER_WHY_MAX];
	const struct reader_reply died = {.outcome = READER_DIED, .why = why};

	copy_line(why, sizeof(why), answer);
	settle(reader);
	reply(reader, &died);
}

static void take_answer(struct reader *reader, const struct reader_answer *answer)
{
	char why[2 * READER_WHY_MAX];
	bool fits = reader->state == STATE_READING && answer->number == reader->number;

	switch (answer->word) {
	case READER_SAYS_READY:
		take_ready(reader);
		return;
	case READER_SAYS_BROKEN:
		copy_line(why, sizeof(why), answer);
		reader->broken = true;
		fail(reader, READER_AWAY, why);
		return;
	case READER_SAYS_RECORD:
	case READER_SAYS_DIED:
	default:
		break;
	}
	if (!fits)
		fail(reader, READER_DIED, "talks nonsense");
	else if (answer->word == READER_SAYS_RECORD)
		take_record(reader, answer);
	else
		take_died(reader, answer);
}

/* At most one answer lies there, since one mail at a time is read. */
static void on_read(struct bufferevent *channel, void *arg)
{
	struct reader *reader = arg;
	struct evbuffer *input = bufferevent_get_input(channel);
	size_t n = evbuffer_get_length(input), used = 0;
	struct reader_answer answer;
	struct evbuffer *taken;
	int r = READER_FRAME_MORE;

	if (n >= READER_ANSWER_SIZE)
		r = reader_answer_read((const char *)evbuffer_pullup(input, -1), n, &answer, &used);
	if (r == READER_FRAME_MORE)
		return;
	if (r != 0 || used != n) {
		fail(reader, READER_DIED, "talks nonsense");
		return;
	}
	/* What follows may free the channel, or ask for the next mail. */
	taken = evbuffer_new();
	if (taken == NULL || evbuffer_add_buffer(taken, input) < 0) {
		fail(reader, READER_AWAY, "has no memory");
	} else {
		answer.text = (const char *)evbuffer_pullup(taken, -1) + READER_ANSWER_SIZE;
		take_answer(reader, &answer);
	}
	if (taken != NULL)
		evbuffer_free(taken);
}

static void on_event(struct bufferevent *channel, short what, void *arg)
{
	struct reader *reader = arg;

	(void)channel;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		fail(reader, READER_DIED, "came to its end");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct reader *reader = arg;

	(void)fd;
	(void)what;
	switch (reader->state) {
	case STATE_DOWN:
		start(reader);
		break;
	case STATE_STARTING:
		fail(reader, READER_AWAY, "does not come up");
		break;
	case STATE_READING:
		fail(reader, READER_DIED, "hangs");
		break;
	case STATE_FREE:
	default:
		break;
	}
}

/* ---- start ---------------------------------------------------------------------------------- */

static int open_channel(struct reader *reader)
{
	if (evutil_make_socket_nonblocking(reader->process.socket) < 0)
		return -errno;
	reader->channel = bufferevent_socket_new(reader->base, reader->process.socket, 0);
	if (reader->channel == NULL)
		return -ENOMEM;
	bufferevent_setcb(reader->channel, on_read, NULL, on_event, reader);
	if (bufferevent_enable(reader->channel, EV_READ | EV_WRITE) < 0)
		return -ENOMEM;
	reader->state = STATE_STARTING;
	arm(reader, START_MS);
	return 0;
}

static void start(struct reader *reader)
{
	int r = reader_process_start(&reader->process);

	if (r == 0)
		r = open_channel(reader);
	if (r < 0)
		fail(reader, READER_AWAY, strerror(-r));
}

int reader_new(struct event_base *base, struct reader_process *process, struct reader **readerp)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	int r = 0;

	if (reader == NULL)
		return -ENOMEM;
	reader->base = base;
	reader->process = *process;
	*process = READER_NONE;
	snprintf(reader->problem, sizeof(reader->problem), "the reader is starting");
	reader->timer = evtimer_new(base, on_timer, reader);
	if (reader->timer == NULL)
		r = -ENOMEM;
	else if (reader->process.pid == 0)
		arm(reader, 0);
	else
		r = open_channel(reader);
	if (r < 0) {
		reader_free(reader);
		return r;
	}
	*readerp = reader;
	return 0;
}

struct reader *reader_free(struct reader *reader)
{
	if (reader == NULL)
		return NULL;
	end_process(reader);
	if (reader->timer != NULL)
		event_free(reader->timer);
	free(reader);
	return NULL;
}

void reader_watch(struct reader *reader, reader_state_fn state, void *arg)
{
	reader->watcher = state;
	reader->watcher_arg = arg;
}

bool reader_is_free(const struct reader *reader)
{
	return reader->state == STATE_FREE;
}

const char *reader_problem(const struct reader *reader)
{
	return reader->problem;
}

bool reader_is_broken(const struct reader *reader)
{
	return reader->broken || (reader->state < STATE_FREE && reader->failures >= IN_VAIN);
}

/* ---- a mail --------------------------------------------------------------------------------- */

int reader_read(struct reader *reader, const char *raw, size_t n, int64_t now, int64_t until,
	reader_done_fn done, void *arg)
{
	struct reader_request request = {.now = now, .until = until};
	unsigned char head[READER_REQUEST_SIZE];

	if (reader->state != STATE_FREE)
		return -EBUSY;
	if (n > READER_MAIL_MAX)
		return -EMSGSIZE;
	request.number = ++reader->number;
	request.length = (uint32_t)n;
	reader_request_write(&request, head);
	/* Half a request would put both ends out of step: the timer or the other end will tell. */
	if (bufferevent_write(reader->channel, head, sizeof(head)) < 0
		|| bufferevent_write(reader->channel, raw, n) < 0)
		return -ENOMEM;
	reader->done = done;
	reader->done_arg = arg;
	reader->state = STATE_READING;
	arm(reader, PATIENCE_MS);
	return 0;
}

void reader_forget(struct reader *reader, const void *arg)
{
	if (reader->done_arg == arg)
		reader->done = NULL;
	if (reader->watcher_arg == arg)
		reader->watcher = NULL;
}
