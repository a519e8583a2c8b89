#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../steady.h"
#include "intake_guest_state.h"

enum { READ_MAX = 16384 }; /* what one read of evhttp's may bring */

bool intake_wire_is_gone(const struct intake_guest *guest)
{
	bufferevent_event_cb event;

	bufferevent_getcb(guest->connection, NULL, NULL, &event, NULL);
	return !event;
}

bool intake_wire_has_output(const struct intake_guest *guest)
{
	return evbuffer_get_length(bufferevent_get_output(guest->connection)) > 0;
}

/* Is it a HEAD? Only as long as evhttp has taken nothing of it. */
static void look_at_method(struct intake_guest *guest)
{
	struct evbuffer *input = bufferevent_get_input(guest->connection);
	char method[5];

	if (evbuffer_get_length(input) == guest->octets
		&& evbuffer_copyout(input, method, sizeof(method)) == sizeof(method))
		guest->head = memcmp(method, "HEAD ", sizeof(method)) == 0;
}

/* The first octets of a request, or of one that came behind the last. */
static void begin(struct intake_guest *guest)
{
	guest->begun = true;
	guest->head = false;
	if (guest->answered)
		guest->since_ms = steady_ms();
}

void intake_wire_limit(struct intake_guest *guest)
{
	size_t most = guest->body_max + INTAKE_HEAD_MAX + READ_MAX;

	if (evbuffer_get_length(bufferevent_get_input(guest->connection)) > most)
		bufferevent_disable(guest->connection, EV_READ);
}

/* Before evhttp sees it. Frees nothing. */
void intake_wire_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	struct intake_guest *guest = arg;
	struct evbuffer_ptr at;

	if (info->n_added == 0)
		return;
	/* For good: whose requests they are in is not known here. */
	if (evbuffer_ptr_set(input, &at, info->orig_size, EVBUFFER_PTR_SET) == 0)
		guest->has_nul |= evbuffer_search(input, "", 1, &at).pos >= 0;
	intake_wire_limit(guest);
	if (guest->stage != STAGE_READING)
		return;
	if (!guest->begun)
		begin(guest);
	guest->octets += info->n_added;
	look_at_method(guest);
}

/* Unasked, evhttp says 100 Continue, or a page in HTML that ends the connection. Frees nothing. */
void intake_wire_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct intake_guest *guest = arg;
	struct evbuffer_ptr at;
	char line[20] = "", *space;
	int status;

	if (info->n_added == 0 || guest->stage != STAGE_READING)
		return;
	if (evbuffer_ptr_set(output, &at, info->orig_size, EVBUFFER_PTR_SET)
		|| evbuffer_copyout_from(output, &at, line, sizeof(line) - 1) <= 0
		|| strncmp(line, "HTTP/", 5) != 0 || !(space = strchr(line, ' ')))
		return;
	status = (int)strtol(space + 1, NULL, 10);
	if (status < 200)
		return;
	guest->stage = STAGE_SPOKEN;
	guest->spoken = status;
	guest->over_it = info->orig_size > 0;
	intake_guest_note(guest);
}

void intake_wire_restart(struct intake_guest *guest)
{
	guest->begun = false;
	guest->octets = evbuffer_get_length(bufferevent_get_input(guest->connection));
	if (guest->octets == 0)
		return;
	begin(guest);
	look_at_method(guest);
}

/* ---- the last answer ------------------------------------------------------------------------ */

/* evhttp may call this with an argument of its own. */
static void on_leftover(struct bufferevent *connection, void *arg)
{
	struct evbuffer *input = bufferevent_get_input(connection);

	(void)arg;
	evbuffer_drain(input, evbuffer_get_length(input));
}

void intake_wire_leave(struct intake_guest *guest)
{
	guest->stage = STAGE_LEAVING;
	guest->closing_ms = steady_ms();
	if (guest->ssl && intake_guest_has_greeted(guest))
		SSL_shutdown(guest->ssl);
	ERR_clear_error();
	shutdown(bufferevent_getfd(guest->connection), SHUT_WR);
}

static void on_last_written(struct bufferevent *connection, void *arg)
{
	struct intake_guest *guest = arg;

	(void)connection;
	if (guest->stage == STAGE_LAST && !intake_wire_has_output(guest))
		intake_wire_leave(guest);
}

static void on_last_event(struct bufferevent *connection, short what, void *arg)
{
	(void)connection;
	(void)what;
	ERR_clear_error();
	intake_guest_free(arg);
}

void intake_wire_take_over(struct intake_guest *guest)
{
	struct evbuffer *output = bufferevent_get_output(guest->connection);

	bufferevent_getcb(guest->connection, NULL, NULL, &guest->evhttp_event, &guest->evhttp_arg);
	bufferevent_setcb(guest->connection, on_leftover, on_last_written, on_last_event, guest);
	guest->stage = STAGE_LAST;
	guest->closing_ms = steady_ms();
	if (guest->spoken) {
		/* Its own page, of which nothing is out yet: it is of this turn of the loop. */
		evbuffer_unfreeze(output, 1);
		evbuffer_drain(output, evbuffer_get_length(output));
	}
	bufferevent_enable(guest->connection, EV_READ | EV_WRITE);
}

/* evhttp frees what it has when it hears that the time is over. */
void intake_wire_end(struct intake_guest *guest)
{
	struct evhttp_request *asked = guest->asked;

	guest->asked = NULL;
	if (!guest->freed && !intake_wire_is_gone(guest)) {
		if (guest->evhttp_event)
			bufferevent_setcb(guest->connection, NULL, NULL, guest->evhttp_event,
				guest->evhttp_arg);
		bufferevent_trigger_event(
			guest->connection, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
	}
	/* But for a request that it has handed over, also when it has freed the rest by itself. */
	if (asked)
		evhttp_request_free(asked);
}

void intake_wire_linger(struct intake_guest *guest)
{
	bufferevent_setcb(guest->connection, on_leftover, NULL, on_last_event, guest);
	bufferevent_enable(guest->connection, EV_READ);
}
