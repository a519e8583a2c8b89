#include "intake_guest.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/util.h>
#include <openssl/ssl.h>

#include "../pg.h"
#include "../steady.h"
#include "config.h"
#include "intake_guest_state.h"
#include "intake_route.h"
#include "intake_tls.h"
#include "log.h"

enum {
	CLOSE_MS = 2000
}; /* for the last answer to get out, and for what is still sent to be read */

/* ---- small things --------------------------------------------------------------------------- */

bool intake_guest_has_greeted(const struct intake_guest *guest)
{
	return !guest->ssl || SSL_is_init_finished(guest->ssl);
}

void intake_guest_note(struct intake_guest *guest)
{
	if (!guest->noted)
		TAILQ_INSERT_TAIL(&guest->door->noted, guest, noted_entry);
	guest->noted = true;
	event_active(guest->door->look, EV_TIMEOUT, 0);
}

static void write_address(struct intake_guest *guest)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);
	const void *bytes = NULL;

	if (getpeername(bufferevent_getfd(guest->connection), (struct sockaddr *)(void *)&address,
		    &length))
		return;
	if (address.ss_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)&address)->sin_addr;
	else if (address.ss_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)&address)->sin6_addr;
	if (bytes)
		evutil_inet_ntop(address.ss_family, bytes, guest->address, sizeof(guest->address));
}

static void refuse(struct intake_guest *guest, int status)
{
	intake_guest_answer(guest, &(struct intake_reply){.status = status});
}

/* ---- the way of a request ------------------------------------------------------------------- */

/* evhttp frees the connection, all but for our reference. */
static void on_closed(struct evhttp_connection *connection, void *arg)
{
	struct intake_guest *guest = arg;

	(void)connection;
	guest->freed = true;
	intake_guest_note(guest);
}

/* The answer is written. evhttp goes on with the connection, or frees it. */
void intake_guest_told(struct evhttp_request *asked, void *arg)
{
	struct intake_guest *guest = arg;

	(void)asked;
	guest->since_ms = steady_ms();
	if (guest->last) {
		intake_wire_leave(guest);
		return;
	}
	guest->stage = STAGE_READING;
	intake_wire_restart(guest);
	/* evhttp reads on next. */
	intake_guest_note(guest);
}

static void decide(struct intake_guest *guest)
{
	guest->resting = false;
	guest->asked_ms = steady_ms();
	intake_route(guest, guest->door->secure);
}

static struct intake_guest *guest_of(struct intake_door *door, struct bufferevent *connection)
{
	SSL *ssl = bufferevent_openssl_get_ssl(connection);
	struct intake_guest *guest;

	if (ssl)
		return SSL_get_app_data(ssl);
	/* Only few watch. */
	TAILQ_FOREACH(guest, &door->guests, entry)
	{
		if (guest->connection == connection)
			break;
	}
	return guest;
}

void intake_guest_ask(struct evhttp_request *asked, void *arg)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(asked);
	struct intake_guest *guest = guest_of(arg, evhttp_connection_get_bufferevent(connection));

	if (!guest) {
		evhttp_send_error(asked, 503, NULL);
		return;
	}
	evhttp_connection_set_closecb(connection, on_closed, guest);
	intake_request_read(asked, &guest->request);
	if (guest->has_nul) {
		guest->request.fault = 400;
		guest->request.last = true;
	}
	guest->asked = asked;
	guest->stage = STAGE_ASKED;
	guest->head = guest->request.head;
	guest->last |= guest->request.last;
	guest->resting = steady_ms() < guest->rest_ms;
	if (!guest->resting)
		decide(guest);
}

/* Outcome unknown: it may still be carried out, and is out until the database has answered. */
static void give_up_call(struct intake_guest *guest)
{
	if (guest->call)
		guest->call->guest = NULL;
	guest->call = NULL;
}

/* ---- time ----------------------------------------------------------------------------------- */

static void look_at_reading(struct intake_guest *guest, long long now_ms)
{
	const struct config *config = intake_guest_config(guest);
	long long waited = now_ms - guest->since_ms;

	if (!intake_guest_has_greeted(guest)) {
		if (now_ms - guest->born_ms > config->intake_request_ms)
			intake_guest_free(guest);
	} else if (!guest->begun) {
		if (waited > (guest->answered ? config->intake_idle_ms : config->intake_request_ms))
			intake_guest_free(guest);
	} else if (waited > config->intake_request_ms) {
		refuse(guest, 408);
	}
}

static void look_at_asked(struct intake_guest *guest, long long now_ms)
{
	if (guest->resting) {
		if (now_ms >= guest->rest_ms)
			decide(guest);
	} else if (guest->call
		   && now_ms - guest->asked_ms > intake_guest_config(guest)->intake_request_ms) {
		give_up_call(guest);
		refuse(guest, 503);
	}
}

static void note_tls_failure(struct intake_guest *guest)
{
	unsigned long code = bufferevent_get_openssl_error(guest->connection);
	char why[200];

	if (code == 0 && SSL_get_verify_result(guest->ssl) == X509_V_OK)
		return;
	guest->door->intake->counts.tls_failures++;
	intake_tls_why(guest->ssl, code, why, sizeof(why));
	log_info("TLS with a client failed", "from=%s why=\"%s\"", guest->address, why);
}

void intake_guest_tick(struct intake_guest *guest, long long now_ms)
{
	/* It is looked at in this turn: what evhttp has freed may still have to linger. */
	if (guest->noted)
		return;
	if (intake_wire_is_gone(guest)) {
		if (!intake_guest_has_greeted(guest))
			note_tls_failure(guest);
		intake_guest_free(guest);
		return;
	}
	switch (guest->stage) {
	case STAGE_READING:
		look_at_reading(guest, now_ms);
		break;
	case STAGE_ASKED:
		look_at_asked(guest, now_ms);
		break;
	case STAGE_ANSWERING:
		/* Who takes no answer gets none. */
		if (now_ms - guest->since_ms > intake_guest_config(guest)->intake_request_ms)
			intake_guest_free(guest);
		break;
	case STAGE_LAST:
	case STAGE_LEAVING:
		if (now_ms - guest->closing_ms > CLOSE_MS)
			intake_guest_free(guest);
		break;
	case STAGE_SPOKEN:
		break;
	}
}

/* evhttp has said something about what is no request: it is said in our words, or is out already. */
static void translate(struct intake_guest *guest)
{
	struct intake_reply reply = {.status = guest->spoken};

	if (reply.status == 400 && guest->octets > INTAKE_HEAD_MAX)
		reply.status = 431;
	if (!guest->over_it) {
		intake_guest_answer(guest, &reply);
		return;
	}
	intake_answer_log(guest, &reply);
	guest->stage = STAGE_ANSWERING;
	guest->since_ms = steady_ms();
}

static void look_at(struct intake_guest *guest)
{
	if (guest->stage == STAGE_LEAVING && guest->freed) {
		intake_wire_linger(guest);
	} else if (guest->broken || guest->freed) {
		intake_guest_free(guest);
	} else if (guest->stage == STAGE_SPOKEN) {
		translate(guest);
	} else {
		if (!guest->address[0])
			write_address(guest);
		intake_wire_limit(guest);
		/* Who watches is told to the end that the daemon stops. */
		if (guest->door->intake->leaving && guest->door->secure)
			intake_guest_send_away(guest);
	}
}

void intake_guest_look(struct intake_door *door)
{
	struct intake_guest *guest;

	while ((guest = TAILQ_FIRST(&door->noted)) != NULL) {
		TAILQ_REMOVE(&door->noted, guest, noted_entry);
		guest->noted = false;
		look_at(guest);
	}
}

void intake_guest_send_away(struct intake_guest *guest)
{
	if (guest->stage == STAGE_ASKED && guest->resting)
		refuse(guest, 503);
	if (guest->stage != STAGE_READING)
		return;
	if (intake_guest_has_greeted(guest) && guest->begun)
		refuse(guest, 503);
	else
		intake_guest_free(guest);
}

/* ---- for whoever answers -------------------------------------------------------------------- */

struct intake *intake_guest_intake(struct intake_guest *guest)
{
	return guest->door->intake;
}

const struct intake_request *intake_guest_request(const struct intake_guest *guest)
{
	return guest->stage == STAGE_ASKED ? &guest->request : NULL;
}

const char *intake_guest_address(const struct intake_guest *guest)
{
	return guest->address[0] ? guest->address : "?";
}

bool intake_guest_certificate(const struct intake_guest *guest, char *print, size_t print_size,
	char *subject, size_t size)
{
	return guest->ssl && intake_tls_peer(guest->ssl, print, print_size, subject, size);
}

static void end_call(struct intake *intake, struct intake_call *call)
{
	LIST_REMOVE(call, entry);
	free(call);
	intake->n_calls--;
}

static void on_reply(const struct pg_reply *reply, void *arg)
{
	struct intake_call *call = arg;
	struct intake_guest *guest = call->guest;
	void (*done)(struct intake_guest *, const struct pg_reply *) = call->done;

	call->intake->settled++;
	end_call(call->intake, call);
	if (!guest)
		return;
	guest->call = NULL;
	done(guest, reply);
}

int intake_guest_call(struct intake_guest *guest, size_t room, const char *statement, int n,
	const char *const *values, void (*done)(struct intake_guest *, const struct pg_reply *))
{
	struct intake *intake = guest->door->intake;
	struct intake_call *call;
	int r;

	if (intake->n_calls >= room)
		return -EBUSY;
	call = calloc(1, sizeof(*call));
	r = call ? pg_call(intake->pg, statement, n, values, on_reply, call) : -ENOMEM;
	if (r) {
		free(call);
		return r;
	}
	*call = (struct intake_call){.intake = intake, .guest = guest, .done = done};
	LIST_INSERT_HEAD(&intake->calls, call, entry);
	intake->n_calls++;
	guest->call = call;
	return 0;
}

void intake_guest_forget_calls(struct intake *intake)
{
	struct intake_call *call;

	while ((call = LIST_FIRST(&intake->calls)) != NULL) {
		pg_forget(intake->pg, call);
		end_call(intake, call);
	}
}

/* ---- life ----------------------------------------------------------------------------------- */

static int make_connection(struct intake_guest *guest)
{
	struct intake *intake = guest->door->intake;

	if (!guest->door->secure) {
		guest->connection = bufferevent_socket_new(intake->base, -1, BEV_OPT_CLOSE_ON_FREE);
		return guest->connection ? 0 : -ENOMEM;
	}
	guest->ssl = SSL_new(intake->tls);
	if (!guest->ssl || SSL_set_app_data(guest->ssl, guest) != 1)
		return -ENOMEM;
	guest->connection = bufferevent_openssl_socket_new(
		intake->base, -1, guest->ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!guest->connection)
		return -ENOMEM;
	/* Each message says how long it is, so one that is cut short is seen. */
	bufferevent_openssl_set_allow_dirty_shutdown(guest->connection, 1);
	return 0;
}

int intake_guest_new(struct intake_door *door)
{
	struct intake_guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return -ENOMEM;
	guest->door = door;
	if (make_connection(guest)
		|| !evbuffer_add_cb(
			bufferevent_get_input(guest->connection), intake_wire_input, guest)
		|| !evbuffer_add_cb(
			bufferevent_get_output(guest->connection), intake_wire_output, guest)) {
		intake_guest_discard(guest);
		return -ENOMEM;
	}
	door->next = guest;
	return 0;
}

struct intake_guest *intake_guest_discard(struct intake_guest *guest)
{
	if (!guest)
		return NULL;
	if (guest->connection)
		bufferevent_free(guest->connection);
	free(guest);
	return NULL;
}

struct bufferevent *intake_guest_come(struct intake_door *door, bool welcome)
{
	struct intake_guest *guest = door->next;

	door->next = NULL;
	TAILQ_INSERT_TAIL(&door->guests, guest, entry);
	door->n_guests++;
	guest->born_ms = guest->since_ms = steady_ms();
	guest->body_max = (size_t)intake_guest_config(guest)->intake_size_max;
	guest->broken = !welcome;
	bufferevent_incref(guest->connection);
	/* Once evhttp has given it its socket. */
	intake_guest_note(guest);
	return guest->connection;
}

void intake_guest_free(struct intake_guest *guest)
{
	struct intake_door *door = guest->door;

	give_up_call(guest);
	intake_wire_end(guest);
	evbuffer_remove_cb(bufferevent_get_input(guest->connection), intake_wire_input, guest);
	evbuffer_remove_cb(bufferevent_get_output(guest->connection), intake_wire_output, guest);
	bufferevent_setcb(guest->connection, NULL, NULL, NULL, NULL);
	bufferevent_decref(guest->connection);
	if (guest->noted)
		TAILQ_REMOVE(&door->noted, guest, noted_entry);
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
	return guest->stage != STAGE_READING;
}

struct intake_guest *intake_guest_to_drop(struct intake_door *door)
{
	struct intake_guest *guest, *idle = NULL;

	TAILQ_FOREACH(guest, &door->guests, entry)
	{
		if (intake_guest_is_busy(guest) && guest->stage != STAGE_LEAVING)
			continue;
		if (!guest->known)
			return guest;
		if (!idle || guest->since_ms < idle->since_ms)
			idle = guest;
	}
	return idle;
}
