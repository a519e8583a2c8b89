/*
 * inbox - LMTP → table inbound
 */
#include "../inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "../activation.h"
#include "../pg.h"
#include "../steady.h"
#include "config.h"
#include "inbox_guest.h"
#include "inbox_state.h"
#include "log.h"

enum {
	TICK_MS = 500,
	QUIET_TICK_MS =
		10000, /* while nobody is here and nothing waits: the heartbeat needs no more */
};

bool inbox_is_wanted(const struct config *config)
{
	return config->lmtp_socket[0] || activation_find("lmtp") >= 0;
}

const char *inbox_obstacle(const struct inbox *inbox)
{
	if (!inbox->config->mail_from[0])
		return "mail_from is not set";
	return pg_is_up(inbox->pg) ? NULL : "the database is away";
}

/* ---- who comes ------------------------------------------------------------------------------ */

/* For good would make a mail server send the mail back, though only our configuration may be wrong. */
static void send_away(int fd, const char *reply)
{
	if (send(fd, reply, strlen(reply), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("client left early", "why=\"%s\"", strerror(errno));
	evutil_closesocket(fd);
}

static bool is_quiet(const struct inbox *inbox)
{
	return inbox->n_guests == 0 && !inbox->deaf && inbox_store_waiting(inbox->store) == 0;
}

/* One that is pending is moved. */
static void arm_tick(struct inbox *inbox, long ms)
{
	const struct timeval tick = {ms / 1000, ms % 1000 * 1000};

	evtimer_add(inbox->tick, &tick);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
	struct sockaddr *address, int length, void *arg)
{
	struct inbox *inbox = arg;
	uid_t uid;

	(void)listener;
	(void)address;
	(void)length;
	if (!inbox_peers_allow(&inbox->peers, fd, &uid)) {
		log_warning("client refused", "uid=%lu why=\"not in lmtp_users, lmtp_groups\"",
			(unsigned long)uid);
		send_away(fd, "421 4.7.1 not for this user\r\n");
	} else if (inbox->n_guests >= (size_t)inbox->config->lmtp_connections) {
		log_notice("client refused", "connections=%zu", inbox->n_guests);
		send_away(fd, "421 4.3.2 too many connections\r\n");
	} else if (inbox_guest_new(inbox, fd)) {
		log_error("client refused", "why=\"out of memory\"");
	} else if (inbox->n_guests == 1) {
		arm_tick(inbox, TICK_MS);
	}
}

/* Mostly no descriptor is left: not again before the next tick, or the loop would do nothing else. */
static void on_accept_failed(struct evconnlistener *listener, void *arg)
{
	struct inbox *inbox = arg;

	log_error("connection not accepted", "why=\"%s\"", strerror(errno));
	evconnlistener_disable(listener);
	inbox->deaf = true;
	arm_tick(inbox, TICK_MS);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct inbox *inbox = arg;
	struct inbox_guest *guest, *next;
	long long now = steady_ms();

	(void)fd;
	(void)what;
	inbox_store_pump(inbox->store);
	for (guest = LIST_FIRST(&inbox->guests); guest; guest = next) {
		next = inbox_guest_next(guest);
		inbox_guest_tick(guest, now);
	}
	if (inbox->deaf && inbox->listener && evconnlistener_enable(inbox->listener) == 0)
		inbox->deaf = false;
	if (inbox_store_waiting(inbox->store) == 0)
		inbox->quiet_ticks++;
	arm_tick(inbox, is_quiet(inbox) ? QUIET_TICK_MS : TICK_MS);
}

/* ---- life ----------------------------------------------------------------------------------- */

static int read_peers(
	const struct config *config, struct inbox_peers *peers, char *error, size_t error_size)
{
	int r = inbox_peers_read(config->lmtp_users, config->lmtp_groups, peers, error, error_size);

	return r == INBOX_PEERS_INVALID ? INBOX_INVALID : r;
}

int inbox_check(const struct config *config, char *error, size_t error_size)
{
	struct inbox_peers peers = {0};
	int r = read_peers(config, &peers, error, error_size);

	inbox_peers_clear(&peers);
	return r;
}

static void configure(
	struct inbox *inbox, const struct config *config, const struct inbox_peers *peers)
{
	inbox_peers_clear(&inbox->peers);
	inbox->peers = *peers;
	inbox->config = config;
	inbox_store_limit(inbox->store, (size_t)config->lmtp_size_max);
}

void inbox_reload(struct inbox *inbox, const struct config *config)
{
	struct inbox_peers peers = {0};
	char why[300] = "";

	/* Nobody named any more would let everybody in: nobody may, then, until the next reload. */
	if (read_peers(config, &peers, why, sizeof(why)))
		log_error("mail is taken from nobody", "why=\"%s\"", why);
	configure(inbox, config, &peers);
}

static int listen_to(struct inbox *inbox, char *error, size_t error_size)
{
	const struct config *config = inbox->config;
	int r = inbox_socket_open(
		config->lmtp_socket, config->lmtp_socket_group, &inbox->socket, error, error_size);

	if (r)
		return r == INBOX_SOCKET_INVALID ? INBOX_INVALID : r;
	/* 0: it listens already. */
	inbox->listener = evconnlistener_new(
		inbox->base, on_connection, inbox, LEV_OPT_CLOSE_ON_EXEC, 0, inbox->socket.fd);
	if (!inbox->listener)
		return -ENOMEM;
	evconnlistener_set_error_cb(inbox->listener, on_accept_failed);
	return 0;
}

static int set_up(struct inbox *inbox, const struct config *config, char *error, size_t error_size)
{
	struct inbox_peers peers;
	int r = inbox_store_new(inbox->pg, &inbox->store);

	if (!r)
		r = read_peers(config, &peers, error, error_size);
	if (r)
		return r;
	configure(inbox, config, &peers);
	r = listen_to(inbox, error, error_size);
	if (r)
		return r;
	inbox->tick = evtimer_new(inbox->base, on_tick, inbox);
	if (!inbox->tick)
		return -ENOMEM;
	arm_tick(inbox, TICK_MS);
	return 0;
}

int inbox_new(struct event_base *base, struct pg *pg, const struct config *config,
	struct inbox **inboxp, char *error, size_t error_size)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	int r;

	if (!inbox)
		return -ENOMEM;
	inbox->base = base;
	inbox->pg = pg;
	inbox->socket.fd = -1;
	LIST_INIT(&inbox->guests);
	gethostname(inbox->host, sizeof(inbox->host) - 1);
	r = set_up(inbox, config, error, error_size);
	if (r) {
		inbox_free(inbox);
		return r;
	}
	log_notice("mail is taken in", "socket=%s",
		inbox->socket.path ? inbox->socket.path : "systemd");
	*inboxp = inbox;
	return 0;
}

static void stop_listening(struct inbox *inbox)
{
	if (inbox->listener)
		evconnlistener_free(inbox->listener);
	inbox->listener = NULL;
	inbox_socket_close(&inbox->socket);
}

struct inbox *inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return NULL;
	stop_listening(inbox);
	while (LIST_FIRST(&inbox->guests))
		inbox_guest_free(LIST_FIRST(&inbox->guests));
	inbox_store_free(inbox->store);
	inbox_peers_clear(&inbox->peers);
	if (inbox->tick)
		event_free(inbox->tick);
	free(inbox);
	return NULL;
}

void inbox_wake(struct inbox *inbox)
{
	inbox_store_pump(inbox->store);
}

void inbox_leave(struct inbox *inbox)
{
	struct inbox_guest *guest;

	if (inbox->leaving)
		return;
	inbox->leaving = true;
	stop_listening(inbox);
	for (guest = LIST_FIRST(&inbox->guests); guest; guest = inbox_guest_next(guest))
		inbox_guest_send_away(guest);
}

bool inbox_is_busy(const struct inbox *inbox)
{
	return inbox_store_waiting(inbox->store) > 0 || (inbox->leaving && inbox->n_guests > 0);
}

unsigned long long inbox_turns(const struct inbox *inbox)
{
	return inbox->quiet_ticks + inbox_store_settled(inbox->store);
}
