/*
 * inbox_state - what the parts of the inbox share; not for others
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "inbox_peer.h"
#include "inbox_socket.h"
#include "inbox_store.h"

struct bufferevent;
struct config;
struct event;
struct event_base;
struct evconnlistener;
struct inbox_guest;
struct pg;

LIST_HEAD(inbox_guests, inbox_guest);

struct inbox {
	struct event_base *base;
	struct pg *pg;
	const struct config *config;
	struct inbox_peers peers;
	struct inbox_socket socket;
	struct evconnlistener *listener; /* NULL: leaving */
	struct event *tick;
	struct inbox_store *store;
	struct inbox_guests guests;
	size_t n_guests;
	size_t load; /* octets of mails that are inside the guests' dialogues */
	bool leaving, deaf;
	unsigned long long quiet_ticks; /* on which no mail waited */
	char host[65];
};

/* Why no mail can be taken now, or NULL. */
const char *inbox_obstacle(const struct inbox *inbox);
