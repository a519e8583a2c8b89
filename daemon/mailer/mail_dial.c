/*
 * mail_dial - from a host name to a connected socket
 */
#include "mail_dial.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../resolve.h"
#include "mail_connection.h"

struct mail_dial {
	struct event_base *base;
	char *host;
	long port;
	long ms;
	mail_dial_fn done;
	void *arg;
	struct resolve *resolve;
	struct addrinfo *addresses;
	const struct addrinfo *address; /* the one being tried; NULL while the name is looked up */
	int fd;
	struct event *writable;
	struct event *timer;
	char why[MAIL_TEXT_MAX];
};

static void try_address(struct mail_dial *dial);

static void arm(struct mail_dial *dial)
{
	const struct timeval tv = {dial->ms / 1000, dial->ms % 1000 * 1000};

	evtimer_add(dial->timer, &tv);
}

static void close_socket(struct mail_dial *dial)
{
	if (dial->writable != NULL)
		event_free(dial->writable);
	dial->writable = NULL;
	if (dial->fd >= 0)
		close(dial->fd);
	dial->fd = -1;
}

static void address_failed(struct mail_dial *dial, int error)
{
	char address[80] = "?";

	getnameinfo(dial->address->ai_addr, dial->address->ai_addrlen, address, sizeof(address),
		NULL, 0, NI_NUMERICHOST);
	snprintf(dial->why, sizeof(dial->why), "no connection to %s (%s) port %ld: %s", dial->host,
		address, dial->port, strerror(error));
	dial->address = dial->address->ai_next;
	try_address(dial);
}

static void on_connected(struct mail_dial *dial)
{
	int fd = dial->fd;
	int one = 1;

	dial->fd = -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	dial->done(fd, "", dial->arg);
}

void mail_dial_acknowledge(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct mail_dial *dial = arg;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	evtimer_del(dial->timer);
	if (error == 0)
		on_connected(dial);
	else
		address_failed(dial, error);
}

/* Tries dial->address; the answer comes to on_writable(). */
static void try_address(struct mail_dial *dial)
{
	const struct addrinfo *address = dial->address;

	close_socket(dial);
	if (address == NULL) {
		dial->done(-1, dial->why, dial->arg);
		return;
	}
	dial->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dial->fd < 0
		|| (connect(dial->fd, address->ai_addr, address->ai_addrlen) < 0
			&& errno != EINPROGRESS)) {
		address_failed(dial, errno);
		return;
	}
	dial->writable = event_new(dial->base, dial->fd, EV_WRITE, on_writable, dial);
	if (dial->writable == NULL || event_add(dial->writable, NULL) < 0) {
		dial->done(-1, "out of memory", dial->arg);
		return;
	}
	arm(dial);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct mail_dial *dial = arg;

	(void)fd;
	(void)what;
	if (dial->address != NULL) {
		address_failed(dial, ETIMEDOUT);
		return;
	}
	snprintf(
		dial->why, sizeof(dial->why), "looking up mail_host %s takes too long", dial->host);
	dial->done(-1, dial->why, dial->arg);
}

static void on_resolved(struct addrinfo *list, const char *why, void *arg)
{
	struct mail_dial *dial = arg;

	evtimer_del(dial->timer);
	dial->resolve = resolve_free(dial->resolve);
	snprintf(dial->why, sizeof(dial->why), "mail_host %s is not found: %s", dial->host, why);
	dial->addresses = list;
	dial->address = list;
	try_address(dial);
}

int mail_dial_new(struct event_base *base, const char *host, long port, long ms, mail_dial_fn done,
	void *arg, struct mail_dial **dialp)
{
	struct mail_dial *dial = calloc(1, sizeof(*dial));
	int r = -ENOMEM;

	if (dial == NULL)
		return -ENOMEM;
	dial->base = base;
	dial->port = port;
	dial->ms = ms;
	dial->done = done;
	dial->arg = arg;
	dial->fd = -1;
	dial->host = strdup(host);
	dial->timer = evtimer_new(base, on_timer, dial);
	if (dial->host != NULL && dial->timer != NULL)
		r = resolve_new(base, host, port, on_resolved, dial, &dial->resolve);
	if (r < 0) {
		mail_dial_free(dial);
		return r;
	}
	arm(dial);
	*dialp = dial;
	return 0;
}

struct mail_dial *mail_dial_free(struct mail_dial *dial)
{
	if (dial == NULL)
		return NULL;
	close_socket(dial);
	resolve_free(dial->resolve);
	if (dial->addresses != NULL)
		freeaddrinfo(dial->addresses);
	if (dial->timer != NULL)
		event_free(dial->timer);
	free(dial->host);
	free(dial);
	return NULL;
}
