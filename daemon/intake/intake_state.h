/*
 * intake_state - what the parts of the intake share; not for others
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "../intake.h"

struct event;
struct evconnlistener;
struct intake_guest;
struct rate;
struct ssl_ctx_st;

TAILQ_HEAD(intake_guests, intake_guest);

struct intake_door {
	struct intake *intake;
	struct evconnlistener *listener; /* NULL: not configured, or leaving */
	bool secure;                     /* TLS, and cases; else health and metrics */
	bool deaf;                       /* no descriptor was left: until the next tick */
	struct intake_guests guests;     /* who came first stands first */
	size_t n_guests, max_guests;
};

enum { INTAKE_STATUS_MAX = 600 };

/* Since the start, for /metrics. */
struct intake_counts {
	unsigned long long answers[INTAKE_STATUS_MAX]; /* by status */
	unsigned long long dropped;                    /* connections given up for new ones */
	unsigned long long turned_away;                /* those that there was no room for */
	unsigned long long tls_failures;
};

struct intake {
	struct event_base *base;
	struct pg *pg;
	const struct config *config;
	bool (*is_well)(void *arg);
	void *arg;
	struct ssl_ctx_st *tls; /* NULL: cases are not taken in */
	struct intake_door cases, watch;
	struct event *tick;
	struct rate *clients;  /* by what they are known by, and known they are */
	struct rate *failures; /* by address */
	size_t calls;          /* to the database, that are out */
	bool leaving;
	unsigned long long quiet_ticks, settled;
	struct intake_counts counts;
};
