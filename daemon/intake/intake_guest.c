#include "intake_guest.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../pg.h"
#include "../steady.h"
#include "config.h"
#include "intake_form.h"
#include "intake_route.h"
#include "intake_tls.h"
#include "log.h"

enum {
	REST_MS = 200,
	CLOSE_MS = 2000, /* for the last answer to get out, and for what is still sent to be read */
	LIFE_MS = 3600 * 1000, /* then it connects anew: certificates end, too */
};

struct intake_guest {
	TAILQ_ENTRY(intake_guest) entry;
	struct intake_door *door;
	struct bufferevent *connection;
	SSL *ssl; /* the connection's; NULL: it speaks in clear */
	struct http *http;
	void (*done)(struct intake_guest *, const struct pg_reply *); /* a call is out */
	char address[INTAKE_ADDRESS_SIZE];
	long long born_ms, since_ms; /* it came; the request began, or the last one was answered */
	long long asked_ms;          /* the request was whole */
	long long closing_ms;        /* 0, or when the dialogue ended */
	long long rest_ms;           /* nothing more is read before then */
	bool known;                  /* it has had an answer that only a client gets */
	bool greeted;                /* TLS stands, or is not wanted */
	bool answered;               /* a request, since it came */
	bool said_bye;
};

/* ---- small things --------------------------------------------------------------------------- */

static const struct config *config_of(const struct intake_guest *guest)
{
	return guest->door->intake->config;
}

static bool has_output(const struct intake_guest *guest)
{
	size_t length;

	http_output(guest->http, &length);
	return length > 0 || evbuffer_get_length(bufferevent_get_output(guest->connection)) > 0;
}

static void write_output(struct intake_guest *guest)
{
	size_t length;
	const char *bytes = http_output(guest->http, &length);

	if (length == 0)
		return;
	bufferevent_write(guest->connection, bytes, length);
	http_output_taken(guest->http, length);
}

static void end_call(struct intake_guest *guest)
{
	if (!guest->done)
		return;
	guest->done = NULL;
	guest->door->intake->calls--;
}

/* ---- the way of a request ------------------------------------------------------------------- */

static bool may_read(const struct intake_guest *guest)
{
	return http_state(guest->http) == HTTP_READING && !has_output(guest)
	       && steady_ms() >= guest->rest_ms;
}

/* One piece of what has come in. False: there is nothing more to do for now. */
static bool feed(struct intake_guest *guest)
{
	struct evbuffer *input = bufferevent_get_input(guest->connection);
	size_t n = evbuffer_get_contiguous_space(input), used = 0;
	const char *bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)n);

	if (n == 0 || !may_read(guest))
		return false;
	if (http_is_idle(guest->http) && guest->answered)
		guest->since_ms = steady_ms();
	if (http_feed(guest->http, bytes, n, &used) != 0)
		http_close(guest->http);
	evbuffer_drain(input, used);
	write_output(guest);
	return true;
}

static void decide(struct intake_guest *guest)
{
	guest->asked_ms = steady_ms();
	intake_route(guest, guest->door->secure);
	write_output(guest);
}

/* As far as it goes without more bytes, an answer, or room for one. Frees nothing. */
static void go_on(struct intake_guest *guest)
{
	write_output(guest);
	for (;;) {
		if (http_state(guest->http) == HTTP_ASKED && !guest->done)
			decide(guest);
		else if (!feed(guest))
			break;
	}
	if (http_state(guest->http) == HTTP_CLOSED && guest->closing_ms == 0)
		guest->closing_ms = steady_ms();
	/* Nothing more is read before all that was is used, so one read is what a buffer holds at most. */
	if (may_read(guest))
		bufferevent_enable(guest->connection, EV_READ);
	else if (guest->closing_ms == 0)
		bufferevent_disable(guest->connection, EV_READ);
}

/* The last answer is out. Who still sends would get a reset for it, and might never see the answer: so
 * the rest is read and thrown away for a while. */
static void say_bye(struct intake_guest *guest)
{
	if (guest->said_bye)
		return;
	guest->said_bye = true;
	if (guest->ssl)
		SSL_shutdown(guest->ssl);
	ERR_clear_error();
	shutdown(bufferevent_getfd(guest->connection), SHUT_WR);
	bufferevent_enable(guest->connection, EV_READ);
}

static void close_if_over(struct intake_guest *guest, long long now_ms)
{
	if (guest->closing_ms == 0)
		return;
	if (now_ms - guest->closing_ms > CLOSE_MS) {
		intake_guest_free(guest);
		return;
	}
	if (!has_output(guest))
		say_bye(guest);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_read(struct bufferevent *connection, void *arg)
{
	struct intake_guest *guest = arg;
	struct evbuffer *input = bufferevent_get_input(connection);

	if (guest->closing_ms != 0) {
		evbuffer_drain(input, evbuffer_get_length(input));
		return;
	}
	go_on(guest);
	close_if_over(guest, steady_ms());
}

static void on_written(struct bufferevent *connection, void *arg)
{
	struct intake_guest *guest = arg;

	(void)connection;
	if (!guest->greeted)
		return;
	go_on(guest);
	close_if_over(guest, steady_ms());
}

static void note_tls_failure(struct intake_guest *guest)
{
	char why[200];

	guest->door->intake->counts.tls_failures++;
	intake_tls_why(
		guest->ssl, bufferevent_get_openssl_error(guest->connection), why, sizeof(why));
	log_info("TLS with a client failed", "from=%s why=\"%s\"", guest->address, why);
}

static void on_event(struct bufferevent *connection, short what, void *arg)
{
	struct intake_guest *guest = arg;

	(void)connection;
	if (what & BEV_EVENT_CONNECTED) {
		guest->greeted = true;
		return;
	}
	/* EOF: nobody who speaks HTTP shuts one half and waits for an answer. What it asked is done all
	 * the same; it asks again, with the same key, when it wants to know. */
	if (guest->ssl && !guest->greeted && (what & BEV_EVENT_ERROR))
		note_tls_failure(guest);
	ERR_clear_error();
	intake_guest_free(guest);
}

static void refuse(struct intake_guest *guest, int status)
{
	intake_guest_answer(guest, &(struct intake_reply){.status = status});
}

static void look_at_time(struct intake_guest *guest, long long now_ms)
{
	const struct config *config = config_of(guest);

	if (guest->done) {
		/* Outcome unknown: the call may still be carried out. */
		if (now_ms - guest->asked_ms > config->intake_request_ms) {
			pg_forget(guest->door->intake->pg, guest);
			end_call(guest);
			refuse(guest, 503);
		}
	} else if (http_is_idle(guest->http) && !has_output(guest)) {
		if (now_ms - guest->since_ms
			> (guest->answered ? config->intake_idle_ms : config->intake_request_ms))
			http_close(guest->http);
	} else if (http_state(guest->http) == HTTP_READING) {
		if (now_ms - guest->since_ms > config->intake_request_ms) {
			/* Who takes no answer gets none. */
			if (has_output(guest))
				http_close(guest->http);
			else
				refuse(guest, 408);
		}
	}
}

void intake_guest_tick(struct intake_guest *guest, long long now_ms)
{
	if (!guest->greeted) {
		if (now_ms - guest->born_ms > config_of(guest)->intake_request_ms)
			intake_guest_free(guest);
		return;
	}
	if (guest->closing_ms == 0)
		look_at_time(guest, now_ms);
	go_on(guest);
	close_if_over(guest, now_ms);
}

void intake_guest_send_away(struct intake_guest *guest)
{
	if (!guest->greeted) {
		intake_guest_free(guest);
		return;
	}
	if (guest->done || guest->closing_ms != 0)
		return;
	if (http_is_idle(guest->http))
		http_close(guest->http);
	else
		refuse(guest, 503);
	go_on(guest);
	close_if_over(guest, steady_ms());
}

/* ---- for whoever answers -------------------------------------------------------------------- */

struct intake *intake_guest_intake(struct intake_guest *guest)
{
	return guest->door->intake;
}

struct http_request intake_guest_request(const struct intake_guest *guest)
{
	return http_request(guest->http);
}

const char *intake_guest_address(const struct intake_guest *guest)
{
	return guest->address;
}

bool intake_guest_certificate(const struct intake_guest *guest, char *print, size_t print_size,
	char *subject, size_t size)
{
	return guest->ssl && intake_tls_peer(guest->ssl, print, print_size, subject, size);
}

static void log_answer(const struct intake_guest *guest, const struct intake_reply *reply)
{
	struct http_request request = http_state(guest->http) == HTTP_ASKED
					      ? http_request(guest->http)
					      : (struct http_request){.fault = reply->status};

	/* Whoever watches asks every few seconds. */
	log_line(guest->door->secure ? LOG_INFO : LOG_DEBUG, "request",
		"client=%s from=%s %s status=%d ms=%lld", reply->client ? reply->client : "?",
		guest->address, intake_route_words(&request), reply->status,
		steady_ms() - guest->since_ms);
}

/* RFC 9110 6.6.1 */
static void write_date(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	text[0] = '\0';
	if (gmtime_r(&now, &tm))
		strftime(text, size, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
}

static int send_answer(
	struct intake_guest *guest, const struct intake_reply *reply, const char *body)
{
	const struct intake *intake = guest->door->intake;
	char fields[400], date[60];

	write_date(date, sizeof(date));
	snprintf(fields, sizeof(fields), "%s%s", date,
		reply->fields ? reply->fields : intake_route_fields(reply->status));
	return http_answer(guest->http,
		&(struct http_answer){.status = reply->status,
			.fields = fields,
			.type = reply->type ? reply->type : "application/json",
			.body = body,
			.length = strlen(body),
			.close = intake->leaving || steady_ms() - guest->born_ms > LIFE_MS});
}

void intake_guest_answer(struct intake_guest *guest, const struct intake_reply *reply)
{
	struct intake *intake = guest->door->intake;
	const char *body = reply->body;
	char *own = NULL;
	int r = 0;

	log_answer(guest, reply);
	if (reply->status > 0 && reply->status < INTAKE_STATUS_MAX && guest->door->secure)
		intake->counts.answers[reply->status]++;
	if (!body) {
		r = intake_route_error(reply->status, &own);
		body = own;
	}
	if (r || !body || send_answer(guest, reply, body))
		http_close(guest->http);
	free(own);
	guest->known |= reply->client != NULL;
	/* Whoever is not known, or comes too often, keeps the loop busy no more than that. */
	if (guest->door->secure && !reply->client)
		guest->rest_ms = steady_ms() + REST_MS;
	guest->answered = true;
	guest->since_ms = steady_ms();
}

static void on_reply(const struct pg_reply *reply, void *arg)
{
	struct intake_guest *guest = arg;
	void (*done)(struct intake_guest *, const struct pg_reply *) = guest->done;

	guest->door->intake->settled++;
	end_call(guest);
	done(guest, reply);
	go_on(guest);
	close_if_over(guest, steady_ms());
}

int intake_guest_call(struct intake_guest *guest, const char *statement, int n,
	const char *const *values, void (*done)(struct intake_guest *, const struct pg_reply *))
{
	struct intake *intake = guest->door->intake;
	int r = pg_call(intake->pg, statement, n, values, on_reply, guest);

	if (r)
		return r;
	guest->done = done;
	intake->calls++;
	return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void write_address(const struct sockaddr *address, char *text, size_t size)
{
	const void *bytes = NULL;

	if (address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (!bytes || !evutil_inet_ntop(address->sa_family, bytes, text, size))
		snprintf(text, size, "?");
}

/* *fdp is -1 once somebody else closes it. */
static int open_connection(struct intake_guest *guest, int *fdp)
{
	struct intake *intake = guest->door->intake;

	if (!guest->door->secure) {
		guest->connection = bufferevent_socket_new(
			intake->base, *fdp, BEV_OPT_CLOSE_ON_FREE);
		if (!guest->connection)
			return -ENOMEM;
		*fdp = -1;
		guest->greeted = true;
		return 0;
	}
	guest->ssl = SSL_new(intake->tls);
	if (!guest->ssl)
		return -ENOMEM;
	guest->connection = bufferevent_openssl_socket_new(
		intake->base, *fdp, guest->ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!guest->connection) {
		/* libevent frees the session then. */
		guest->ssl = NULL;
		return -ENOMEM;
	}
	*fdp = -1;
	/* Each message says how long it is, so one that is cut short is seen. */
	bufferevent_openssl_set_allow_dirty_shutdown(guest->connection, 1);
	return 0;
}

int intake_guest_new(struct intake_door *door, int fd, const struct sockaddr *address)
{
	struct intake_guest *guest = calloc(1, sizeof(*guest));
	int r = guest ? 0 : -ENOMEM;

	if (!r) {
		guest->door = door;
		guest->born_ms = guest->since_ms = steady_ms();
		write_address(address, guest->address, sizeof(guest->address));
		TAILQ_INSERT_TAIL(&door->guests, guest, entry);
		door->n_guests++;
		r = http_new((size_t)config_of(guest)->intake_size_max, &guest->http);
	}
	if (!r)
		r = open_connection(guest, &fd);
	if (r) {
		if (fd >= 0)
			evutil_closesocket(fd);
		if (guest)
			intake_guest_free(guest);
		return r;
	}
	bufferevent_setcb(guest->connection, on_read, on_written, on_event, guest);
	bufferevent_enable(guest->connection, EV_READ | EV_WRITE);
	return 0;
}

void intake_guest_free(struct intake_guest *guest)
{
	struct intake_door *door = guest->door;

	if (guest->done) {
		pg_forget(door->intake->pg, guest);
		end_call(guest);
	}
	if (guest->connection)
		bufferevent_free(guest->connection);
	http_free(guest->http);
	TAILQ_REMOVE(&door->guests, guest, entry);
	door->n_guests--;
	free(guest);
}

struct intake_guest *intake_guest_next(struct intake_guest *guest)
{
	return TAILQ_NEXT(guest, entry);
}

bool intake_guest_is_busy(const struct intake_guest *guest)
{
	return guest->done || (guest->greeted && has_output(guest) && !guest->said_bye);
}

struct intake_guest *intake_guest_to_drop(struct intake_door *door)
{
	struct intake_guest *guest, *idle = NULL;

	TAILQ_FOREACH(guest, &door->guests, entry)
	{
		if (intake_guest_is_busy(guest))
			continue;
		if (!guest->known)
			return guest;
		if (!idle || guest->since_ms < idle->since_ms)
			idle = guest;
	}
	return idle;
}
