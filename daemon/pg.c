#include "pg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <event2/event.h>

#include "backoff.h"
#include "log.h"
#include "loop.h"
#include "pg_era.h"
#include "pg_login.h"
#include "pg_notice.h"
#include "pg_pipe.h"
#include "resolve.h"

enum {
	GRACE_MS = 2000, /* the server's statement_timeout comes first, with an outcome */
	TEXT_SIZE = 500,
};

enum state {
	STATE_IDLE,       /* waiting for the timer to try again */
	STATE_LOOKING_UP, /* the host's addresses */
	STATE_CONNECTING, /* PQconnectPoll() */
	STATE_SETTING_UP, /* which server it is, and LISTEN, are on their way */
	STATE_UP,         /* calls are taken */
	STATE_DROPPED,    /* given up; the next turn of the loop tells everybody */
};

struct pg {
	struct event_base *base;
	struct pg_login *login;
	char *application;
	const char *const *channels;
	long timeout_ms;
	pg_notify_fn notify;
	pg_state_fn state_changed;
	void *arg;

	enum state state;
	PGconn *conn;
	struct pg_pipe pipe;
	size_t host; /* the one being tried, or connected to */
	struct resolve *resolve;
	struct addrinfo *addresses, *address; /* of host, and the one being tried */
	size_t waiting;                       /* calls of setting up without an answer */
	struct pg_era era;                    /* of the server */
	bool silent;                          /* it owed an answer: the next host may be better */
	unsigned rounds;                      /* over all hosts without success, for the backoff */
	bool told_up, held, freed;   /* what state_changed() was last told; pg_hold(), pg_free() */
	struct event *io, *writable; /* io: one-shot while connecting, then persistent reading */
	struct event *timer; /* the end of a backoff, of an attempt, of patience with a call */
	struct event *drop;
	char error[TEXT_SIZE], logged[TEXT_SIZE];
	struct pg_notice notice;

	unsigned depth; /* callbacks running: pg_free() leaves the memory to the last of them */
};

/* ---- small things --------------------------------------------------------------------------- */

static void arm_timer(struct pg *pg, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(pg->timer, &tv);
}

/* Events go before the socket does: epoll forgets a closed one, libevent would not. */
static void close_connection(struct pg *pg)
{
	pg->io = loop_free(pg->io);
	pg->writable = loop_free(pg->writable);
	evtimer_del(pg->timer);
	pg->resolve = resolve_free(pg->resolve);
	if (pg->conn)
		PQfinish(pg->conn);
	pg->conn = NULL;
	pg->waiting = 0;
	pg->notice.farewell[0] = '\0';
}

static void forget_addresses(struct pg *pg)
{
	if (pg->addresses)
		freeaddrinfo(pg->addresses);
	pg->addresses = pg->address = NULL;
}

static void pg_destroy(struct pg *pg)
{
	forget_addresses(pg);
	free(pg->application);
	pg_login_free(pg->login);
	free(pg);
}

/* Around whatever calls back: leave() is false when that freed us, and nothing of pg may be touched
 * any more once the outermost has left. */
static void enter(struct pg *pg)
{
	pg->depth++;
}

static bool leave(struct pg *pg)
{
	bool freed = pg->freed;

	if (--pg->depth == 0 && freed)
		pg_destroy(pg);
	return !freed;
}

static void tell_state(struct pg *pg, bool up)
{
	if (pg->told_up == up)
		return;
	pg->told_up = up;
	if (pg->state_changed)
		pg->state_changed(pg, up, pg->arg);
}

/* ---- losing a connection -------------------------------------------------------------------- */

static void log_failure(struct pg *pg, const char *event)
{
	/* The hosts of a list take turns with their reasons. */
	bool again = strcmp(pg->logged, pg->error) == 0
		     || (pg->rounds > 2 && pg_login_hosts(pg->login) > 1);

	snprintf(pg->logged, sizeof(pg->logged), "%s", pg->error);
	log_line(again ? LOG_DEBUG : LOG_WARNING, event, "connection=\"%s\" server=%s why=\"%s\"",
		pg->application, pg_login_name(pg->login, pg->host), pg->error);
}

/* The next host at once; when all have been tried, all again after a while. */
static void schedule_attempt(struct pg *pg, size_t host)
{
	forget_addresses(pg);
	pg->host = host < pg_login_hosts(pg->login) ? host : 0;
	pg->state = STATE_IDLE;
	arm_timer(pg, pg->host == 0 ? backoff_ms(pg->rounds++) : 0);
}

static void next_address(struct pg *pg)
{
	if (!pg->address || !pg->address->ai_next) {
		schedule_attempt(pg, pg->host + 1);
		return;
	}
	pg->address = pg->address->ai_next;
	pg->state = STATE_IDLE;
	arm_timer(pg, 0);
}

static void attempt_failed(struct pg *pg, const char *why)
{
	if (why)
		pg_login_flatten(why, pg->error, sizeof(pg->error));
	log_failure(pg, "database connection failed");
	close_connection(pg);
	next_address(pg);
}

static void tell_lost(struct pg *pg)
{
	for (struct pg_call *call; !pg->freed && (call = pg_pipe_pop_lost(&pg->pipe));) {
		pg_call_answer(call, PG_LOST);
		pg_call_free(call);
	}
}

static void on_drop(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	if (pg->state != STATE_DROPPED)
		return;
	pg_pipe_lose(&pg->pipe);
	log_failure(pg, pg->told_up ? "database connection lost" : "database connection failed");
	close_connection(pg);
	if (pg->told_up && !pg->silent)
		schedule_attempt(pg, 0);
	else
		next_address(pg);
	enter(pg);
	tell_state(pg, false);
	tell_lost(pg);
	leave(pg);
}

/* When something is wrong with it libpq closes the socket by itself. */
static void go_deaf(struct pg *pg)
{
	loop_forget(pg->io);
	loop_forget(pg->writable);
}

/* Whoever has calls out hears of it at the next turn of the loop, not from in here. */
static void drop_because(struct pg *pg, const char *why)
{
	if (pg->state != STATE_UP && pg->state != STATE_SETTING_UP)
		return;
	pg_login_flatten(why, pg->error, sizeof(pg->error));
	pg->state = STATE_DROPPED;
	go_deaf(pg);
	event_active(pg->drop, 0, 0);
}

void pg_drop(struct pg *pg)
{
	pg->silent = true;
	drop_because(pg, "dropped by the daemon itself");
}

void pg_forget(struct pg *pg, const void *arg)
{
	pg_pipe_forget(&pg->pipe, arg);
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* With the oldest call, from when it became the oldest. */
static void rearm_patience(struct pg *pg)
{
	if (pg_pipe_is_empty(&pg->pipe))
		evtimer_del(pg->timer);
	else
		arm_timer(pg, pg->timeout_ms + GRACE_MS);
}

static void flush(struct pg *pg)
{
	int r = PQflush(pg->conn);

	if (r < 0)
		drop_because(pg, PQerrorMessage(pg->conn));
	else if (r > 0)
		event_add(pg->writable, NULL);
}

static int send_call(struct pg *pg, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg)
{
	bool was_empty = pg_pipe_is_empty(&pg->pipe);
	int r = pg_pipe_push(&pg->pipe, pg->conn, statement, n, values, done, arg);

	if (r < 0)
		return r;
	if (was_empty)
		rearm_patience(pg);
	if (r == PG_PIPE_BROKEN)
		drop_because(pg, PQerrorMessage(pg->conn));
	else
		flush(pg);
	return 0;
}

/* What it stores will be lost: it is asked nothing any more, and no answer of its counts. */
static void leave_old_server(struct pg *pg)
{
	if (pg->state == STATE_UP && pg_era_is_over(&pg->era))
		drop_because(pg, "another server was promoted");
}

int pg_call(struct pg *pg, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg)
{
	leave_old_server(pg);
	return pg_is_up(pg) ? send_call(pg, statement, n, values, done, arg) : -ENOTCONN;
}

/* Both stop when a callback has freed or dropped us: conn is then gone, or about to go. */
static void drain_notifies(struct pg *pg)
{
	while (!pg->freed && pg->state != STATE_DROPPED) {
		PGnotify *notify = PQnotifies(pg->conn);

		if (!notify)
			return;
		if (pg->notify && pg->state == STATE_UP)
			pg->notify(notify->relname, pg->arg);
		PQfreemem(notify);
	}
}

static void drain_results(struct pg *pg)
{
	while (!pg->freed && pg->state != STATE_DROPPED) {
		struct pg_call *call = pg_pipe_pop(&pg->pipe, pg->conn);
		enum pg_outcome outcome;

		if (!call)
			return;
		rearm_patience(pg);
		outcome = pg_call_outcome(call);
		if (outcome == PG_LOST)
			drop_because(pg, pg_call_text(call));
		pg_call_answer(call, outcome);
		pg_call_free(call);
		drain_notifies(pg);
	}
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;
	char why[TEXT_SIZE] = "";

	(void)fd;
	(void)what;
	if (!PQconsumeInput(pg->conn)) {
		pg_login_flatten(PQerrorMessage(pg->conn), why, sizeof(why));
		go_deaf(pg);
	}
	enter(pg);
	leave_old_server(pg);
	/* What came in before the end is still good: it may be the answer to a commit. */
	drain_results(pg);
	drain_notifies(pg);
	if (!pg->freed && pg->state != STATE_DROPPED) {
		if (why[0])
			drop_because(pg, pg->notice.farewell[0] ? pg->notice.farewell : why);
		else
			flush(pg);
	}
	leave(pg);
}

/* ---- connecting ----------------------------------------------------------------------------- */

static void is_up(struct pg *pg)
{
	pg->state = STATE_UP;
	pg->rounds = backoff_success(pg->rounds);
	pg->logged[0] = '\0';
	log_info("database connected", "connection=\"%s\" server=%s", pg->application,
		pg_login_name(pg->login, pg->host));
	tell_state(pg, true);
}

static void one_less(struct pg *pg)
{
	if (--pg->waiting == 0)
		is_up(pg);
}

static void on_era(const struct pg_reply *reply, void *arg)
{
	struct pg *pg = arg;
	char why[TEXT_SIZE];

	if (pg_era_take(&pg->era, reply, why, sizeof(why)))
		one_less(pg);
	else
		drop_because(pg, why);
}

static void on_listening(const struct pg_reply *reply, void *arg)
{
	if (reply->outcome == PG_REFUSED)
		drop_because(arg, reply->text);
	else if (reply->outcome == PG_DONE)
		one_less(arg);
}

static void call_setting_up(struct pg *pg, const char *statement, pg_reply_fn done)
{
	pg->waiting++;
	if (send_call(pg, statement, 0, NULL, done, pg))
		drop_because(pg, "out of memory");
}

static void call_all(struct pg *pg)
{
	call_setting_up(pg, pg_era_statement, on_era);
	for (size_t n = 0; pg->channels && pg->channels[n]; n++) {
		char text[100];

		snprintf(text, sizeof(text), "LISTEN %s", pg->channels[n]);
		call_setting_up(pg, text, on_listening);
	}
}

static void set_up(struct pg *pg)
{
	int fd = PQsocket(pg->conn);

	evtimer_del(pg->timer);
	if (PQsetnonblocking(pg->conn, 1) || !PQenterPipelineMode(pg->conn)) {
		attempt_failed(pg, PQerrorMessage(pg->conn));
		return;
	}
	pg->io = event_new(pg->base, fd, EV_READ | EV_PERSIST, on_ready, pg);
	pg->writable = event_new(pg->base, fd, EV_WRITE, on_ready, pg);
	if (!pg->io || !pg->writable || event_add(pg->io, NULL) < 0) {
		attempt_failed(pg, "out of memory");
		return;
	}
	pg->state = STATE_SETTING_UP;
	enter(pg);
	call_all(pg);
	leave(pg);
}

static void on_connecting(evutil_socket_t fd, short what, void *arg);

/* The socket is asked for anew each time: libpq may have closed it and opened another, which may well
 * have the same number, so that only a fresh one-shot event sees it. */
static void wait_for(struct pg *pg, short what)
{
	pg->io = loop_free(pg->io);
	pg->io = event_new(pg->base, PQsocket(pg->conn), what, on_connecting, pg);
	if (!pg->io || event_add(pg->io, NULL) < 0)
		attempt_failed(pg, "out of memory, or no socket");
}

static void on_connecting(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	pg->io = loop_free(pg->io);
	switch (PQconnectPoll(pg->conn)) {
	case PGRES_POLLING_READING:
		wait_for(pg, EV_READ);
		break;
	case PGRES_POLLING_WRITING:
		wait_for(pg, EV_WRITE);
		break;
	case PGRES_POLLING_OK:
		set_up(pg);
		break;
	case PGRES_POLLING_FAILED:
	case PGRES_POLLING_ACTIVE:
	default:
		attempt_failed(pg, PQerrorMessage(pg->conn));
		break;
	}
}

static void connect_now(struct pg *pg)
{
	pg->conn = pg_login_start(pg->login, pg->host, pg->address, pg->error, sizeof(pg->error));
	if (!pg->conn) {
		attempt_failed(pg, NULL);
		return;
	}
	PQsetNoticeReceiver(pg->conn, pg_notice_take, &pg->notice);
	pg->silent = false;
	pg->state = STATE_CONNECTING;
	arm_timer(pg, pg_login_timeout_ms(pg->login));
	wait_for(pg, EV_WRITE);
}

static void on_addresses(struct addrinfo *list, const char *why, void *arg)
{
	struct pg *pg = arg;

	if (!list) {
		attempt_failed(pg, why);
		return;
	}
	pg->resolve = resolve_free(pg->resolve);
	pg->addresses = pg->address = list;
	connect_now(pg);
}

static void begin_attempt(struct pg *pg)
{
	const char *name = pg->address ? NULL : pg_login_lookup(pg->login, pg->host);

	if (!name) {
		connect_now(pg);
		return;
	}
	pg->state = STATE_LOOKING_UP;
	arm_timer(pg, pg_login_timeout_ms(pg->login));
	if (resolve_new(pg->base, name, 0, on_addresses, pg, &pg->resolve))
		attempt_failed(pg, "the name cannot be looked up: no memory, or no thread");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;

	(void)fd;
	(void)what;
	switch (pg->state) {
	case STATE_IDLE:
		begin_attempt(pg);
		break;
	case STATE_LOOKING_UP:
	case STATE_CONNECTING:
		attempt_failed(pg, "no answer in time");
		break;
	case STATE_SETTING_UP:
	case STATE_UP:
		pg->silent = true;
		drop_because(pg, "no answer to a call in time");
		break;
	case STATE_DROPPED:
	default:
		break;
	}
}

void pg_hurry(struct pg *pg)
{
	if (pg->state == STATE_IDLE)
		arm_timer(pg, 0);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int fill(struct pg *pg, const struct pg_options *options)
{
	int r = pg_login_new(options->conninfo, options->password_file, options->application,
		options->timeout_ms, &pg->login, pg->error, sizeof(pg->error));

	if (r == PG_LOGIN_INVALID)
		log_error("database connection string refused", "why=\"%s\"", pg->error);
	if (r)
		return r < 0 ? r : -EINVAL;
	pg->application = strdup(options->application);
	pg->timer = evtimer_new(pg->base, on_timer, pg);
	pg->drop = event_new(pg->base, -1, 0, on_drop, pg);
	return pg->application && pg->timer && pg->drop ? 0 : -ENOMEM;
}

int pg_new(struct event_base *base, const struct pg_options *options, struct pg **pgp)
{
	struct pg *pg = calloc(1, sizeof(*pg));
	int r;

	if (!pg)
		return -ENOMEM;
	pg->base = base;
	pg->timeout_ms = options->timeout_ms;
	pg->channels = options->channels;
	pg->notify = options->notify;
	pg->state_changed = options->state;
	pg->arg = options->arg;
	pg_pipe_init(&pg->pipe);
	r = fill(pg, options);
	if (r) {
		pg_free(pg);
		return r;
	}
	arm_timer(pg, 0);
	*pgp = pg;
	return 0;
}

struct pg *pg_free(struct pg *pg)
{
	if (!pg)
		return NULL;
	if (pg->timer)
		close_connection(pg);
	pg_pipe_clear(&pg->pipe);
	pg->timer = loop_free(pg->timer);
	pg->drop = loop_free(pg->drop);
	pg->state = STATE_DROPPED;
	pg->freed = true;
	if (pg->depth == 0)
		pg_destroy(pg);
	return NULL;
}

bool pg_is_up(const struct pg *pg)
{
	return pg->state == STATE_UP && !pg->held;
}

void pg_hold(struct pg *pg, bool hold)
{
	pg->held = hold;
}

bool pg_is_waiting(const struct pg *pg)
{
	return !pg_is_up(pg) || !pg_pipe_is_empty(&pg->pipe);
}

const char *pg_last_error(const struct pg *pg)
{
	return pg->error;
}
