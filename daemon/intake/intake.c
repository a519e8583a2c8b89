#include "../intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <openssl/ssl.h>

#include "../pg.h"
#include "../steady.h"
#include "config.h"
#include "intake_guest.h"
#include "intake_request.h"
#include "intake_tls.h"
#include "log.h"
#include "rate.h"

enum {
	TICK_MS = 200,
	RESERVED =
		200, /* descriptors for the database, mail, its mail server's connections, the reader */
	WATCHERS = 20,
	BACKLOG = 1024,
	AT_ONCE = RESERVED / 4, /* accepted in one turn of the loop, at each of the two doors */
};

bool intake_is_wanted(const struct config *config)
{
	return config->intake_listen[0] || config->metrics_listen[0];
}

/* ---- who comes ------------------------------------------------------------------------------ */

static struct evconnlistener *listener_of(const struct intake_door *door)
{
	return evhttp_bound_socket_get_listener(door->bound);
}

/* Until the next tick. */
static void stop_listening(struct intake_door *door)
{
	door->paused = false;
	evconnlistener_disable(listener_of(door));
}

static void go_on_listening(struct intake_door *door)
{
	if (door->next || intake_guest_new(door) == 0)
		(void)evconnlistener_enable(listener_of(door)); /* else at the next tick */
}

/* Until the end of this turn: only then a connection that was given up gives back its descriptor. */
static void pause_listening(struct intake_door *door)
{
	evconnlistener_disable(listener_of(door));
	door->paused = true;
}

static void on_look(int fd, short what, void *arg)
{
	struct intake_door *door = arg;

	(void)fd;
	(void)what;
	intake_guest_look(door);
	door->come = 0;
	if (door->paused && door->bound)
		go_on_listening(door);
	door->paused = false;
}

/* evhttp asks for a connection for somebody who comes. */
static struct bufferevent *on_connection(struct event_base *base, void *arg)
{
	struct intake_door *door = arg;
	struct intake_guest *idle = NULL;
	struct bufferevent *connection;
	bool full = door->n_guests >= door->max_guests;

	(void)base;
	/* A door full of people who say nothing is open to the next all the same. */
	if (full)
		idle = intake_guest_to_drop(door);
	if (idle) {
		door->intake->counts.dropped++;
		intake_guest_free(idle);
	} else if (full) {
		door->intake->counts.turned_away++;
	}
	connection = intake_guest_come(door, !full || idle);
	if ((full && !idle) || intake_guest_new(door))
		stop_listening(door);
	else if (++door->come == AT_ONCE)
		pause_listening(door);
	return connection;
}

/* Mostly no descriptor is left: not again before the next tick, or the loop would do nothing else. arg is
 * evhttp's, as it is for its own callback. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	log_error("connection not accepted", "why=\"%s\"", strerror(errno));
	evconnlistener_disable(listener);
}

static void tick_door(struct intake_door *door, long long now_ms)
{
	struct intake_guest *guest, *next;

	for (guest = TAILQ_FIRST(&door->guests); guest; guest = next) {
		next = intake_guest_next(guest);
		intake_guest_tick(guest, now_ms);
	}
	if (door->bound)
		go_on_listening(door);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct intake *intake = arg;
	long long now = steady_ms();

	(void)fd;
	(void)what;
	tick_door(&intake->cases, now);
	tick_door(&intake->watch, now);
	if (intake->n_calls == 0)
		intake->quiet_ticks++;
}

/* ---- doors ---------------------------------------------------------------------------------- */

static int read_address(const char *key, const char *text, struct sockaddr_storage *address,
	int *length, char *error, size_t error_size)
{
	const char *port = strrchr(text, ':');

	*length = (int)sizeof(*address);
	memset(address, 0, sizeof(*address));
	if (port && port[1]
		&& evutil_parse_sockaddr_port(text, (struct sockaddr *)(void *)address, length)
			   == 0)
		return 0;
	snprintf(error, error_size,
		"%s: '%s' is no address and port; write 0.0.0.0:8443, or [::]:8443", key, text);
	return INTAKE_INVALID;
}

static void set_sizes(struct intake_door *door)
{
	if (!door->http)
		return;
	evhttp_set_max_headers_size(door->http, INTAKE_HEAD_MAX);
	evhttp_set_max_body_size(door->http, door->intake->config->intake_size_max);
}

static int set_up_http(struct intake_door *door)
{
	door->look = event_new(door->intake->base, -1, 0, on_look, door);
	door->http = evhttp_new(door->intake->base);
	if (!door->look || !door->http || intake_guest_new(door))
		return -ENOMEM;
	set_sizes(door);
	/* Those that there are not, too: what is said to them is said by us. */
	evhttp_set_allowed_methods(door->http, 0xffff);
	evhttp_set_bevcb(door->http, on_connection, door);
	evhttp_set_gencb(door->http, intake_guest_ask, door);
	return 0;
}

static int open_door(
	struct intake_door *door, const char *key, const char *text, char *error, size_t error_size)
{
	struct sockaddr_storage address;
	struct evconnlistener *listener;
	int length = 0, r;

	if (!text[0])
		return 0;
	r = read_address(key, text, &address, &length, error, error_size);
	if (r)
		return r;
	listener = evconnlistener_new_bind(door->intake->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
		(struct sockaddr *)(void *)&address, length);
	if (!listener) {
		snprintf(error, error_size, "%s: cannot listen on %s: %s", key, text,
			strerror(errno));
		return INTAKE_INVALID;
	}
	r = set_up_http(door);
	door->bound = r ? NULL : evhttp_bind_listener(door->http, listener);
	if (!door->bound) {
		evconnlistener_free(listener);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_failed);
	return 0;
}

static void close_door(struct intake_door *door)
{
	if (door->bound)
		evhttp_del_accept_socket(door->http, door->bound);
	door->bound = NULL;
}

/* As many as are configured, as far as descriptors go: those for database and mail are kept back. */
static void set_limits(struct intake *intake)
{
	rlim_t wanted = (rlim_t)intake->config->intake_connections + WATCHERS + RESERVED;
	struct rlimit limit = {0};

	intake->watch.max_guests = WATCHERS;
	intake->cases.max_guests = (size_t)intake->config->intake_connections;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur >= wanted)
		return;
	intake->cases.max_guests = limit.rlim_cur > WATCHERS + RESERVED
					   ? limit.rlim_cur - WATCHERS - RESERVED
					   : 1;
	log_warning("fewer connections than configured",
		"connections=%zu why=\"LimitNOFILE leaves no descriptors for more\"",
		intake->cases.max_guests);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int make_tls(const struct config *config, SSL_CTX **tlsp, char *error, size_t error_size)
{
	*tlsp = NULL;
	return config->intake_listen[0] ? intake_tls_new(config, tlsp, error, error_size) : 0;
}

int intake_check(const struct config *config, char *error, size_t error_size)
{
	struct sockaddr_storage address;
	SSL_CTX *tls = NULL;
	int length, r = 0;

	if (config->intake_listen[0])
		r = read_address("intake_listen", config->intake_listen, &address, &length, error,
			error_size);
	if (!r && config->metrics_listen[0])
		r = read_address("metrics_listen", config->metrics_listen, &address, &length, error,
			error_size);
	if (!r)
		r = make_tls(config, &tls, error, error_size);
	SSL_CTX_free(tls);
	return r;
}

void intake_reload(struct intake *intake, const struct config *config)
{
	SSL_CTX *tls = NULL;
	char why[300] = "";

	intake->config = config;
	set_limits(intake);
	set_sizes(&intake->cases);
	set_sizes(&intake->watch);
	/* Which doors there are is settled at the start. */
	if (!intake->tls || !config->intake_listen[0])
		return;
	/* Sessions that are open keep theirs. */
	if (make_tls(config, &tls, why, sizeof(why)) || !tls) {
		log_error("certificate not renewed", "why=\"%s\"", why);
		return;
	}
	SSL_CTX_free(intake->tls);
	intake->tls = tls;
	intake->cases.next = intake_guest_discard(intake->cases.next);
	if (intake->cases.bound && intake_guest_new(&intake->cases))
		stop_listening(&intake->cases);
}

static int set_up(struct intake *intake, char *error, size_t error_size)
{
	const struct timeval tick = {TICK_MS / 1000, TICK_MS % 1000 * 1000L};
	int r = make_tls(intake->config, &intake->tls, error, error_size);

	if (!r)
		r = rate_new(&intake->clients);
	if (!r)
		r = rate_new(&intake->failures);
	if (!r)
		r = open_door(&intake->cases, "intake_listen", intake->config->intake_listen, error,
			error_size);
	if (!r)
		r = open_door(&intake->watch, "metrics_listen", intake->config->metrics_listen,
			error, error_size);
	if (r)
		return r;
	set_limits(intake);
	intake->tick = event_new(intake->base, -1, EV_PERSIST, on_tick, intake);
	return intake->tick && event_add(intake->tick, &tick) == 0 ? 0 : -ENOMEM;
}

int intake_new(const struct intake_options *options, struct intake **intakep, char *error,
	size_t error_size)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	int r;

	if (!intake)
		return -ENOMEM;
	intake->base = options->base;
	intake->pg = options->pg;
	intake->config = options->config;
	intake->is_well = options->is_well;
	intake->arg = options->arg;
	intake->cases.intake = intake->watch.intake = intake;
	intake->cases.secure = true;
	LIST_INIT(&intake->calls);
	TAILQ_INIT(&intake->cases.guests);
	TAILQ_INIT(&intake->watch.guests);
	TAILQ_INIT(&intake->cases.noted);
	TAILQ_INIT(&intake->watch.noted);
	r = set_up(intake, error, error_size);
	if (r) {
		intake_free(intake);
		return r;
	}
	if (intake->cases.bound)
		log_notice("cases are taken in", "address=%s", intake->config->intake_listen);
	*intakep = intake;
	return 0;
}

static void clear_door(struct intake_door *door)
{
	close_door(door);
	while (!TAILQ_EMPTY(&door->guests))
		intake_guest_free(TAILQ_FIRST(&door->guests));
	door->next = intake_guest_discard(door->next);
	if (door->http)
		evhttp_free(door->http);
	if (door->look)
		event_free(door->look);
}

struct intake *intake_free(struct intake *intake)
{
	if (!intake)
		return NULL;
	clear_door(&intake->cases);
	clear_door(&intake->watch);
	intake_guest_forget_calls(intake);
	if (intake->tick)
		event_free(intake->tick);
	SSL_CTX_free(intake->tls);
	rate_free(intake->clients);
	rate_free(intake->failures);
	free(intake);
	return NULL;
}

void intake_leave(struct intake *intake)
{
	struct intake_guest *guest, *next;

	if (intake->leaving)
		return;
	intake->leaving = true;
	close_door(&intake->cases);
	/* Who watches sees to the end that it stops. */
	for (guest = TAILQ_FIRST(&intake->cases.guests); guest; guest = next) {
		next = intake_guest_next(guest);
		intake_guest_send_away(guest);
	}
}

bool intake_is_busy(const struct intake *intake)
{
	struct intake_guest *guest = TAILQ_FIRST(&intake->cases.guests);

	while (guest && !intake_guest_is_busy(guest))
		guest = intake_guest_next(guest);
	return guest != NULL;
}

unsigned long long intake_turns(const struct intake *intake)
{
	return intake->quiet_ticks + intake->settled;
}

const char *intake_status(const struct intake *intake)
{
	return intake->cases.bound ? "open" : "shut";
}
