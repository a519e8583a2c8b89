/*
 * intake_state - what the parts of the intake share; not for others
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "../intake.h"

struct event;
struct evhttp;
struct evhttp_bound_socket;
struct intake_guest;
struct pg_reply;
struct rate;
struct ssl_ctx_st;

TAILQ_HEAD(intake_guests, intake_guest);

struct intake_door {
	struct intake *intake;
	struct evhttp *http;               /* NULL: not configured */
	struct evhttp_bound_socket *bound; /* its; NULL: there is none, or we are leaving */
	bool secure;                       /* TLS, and cases; else health and metrics */
	bool paused;                       /* nobody is let in: until the end of this turn */
	size_t come;                       /* in this turn */
	struct intake_guest *next;         /* who comes next; made before, since evhttp, given none,
					  * would speak in clear */
	struct intake_guests guests;       /* who came first stands first */
	size_t n_guests, max_guests;
	struct intake_guests noted; /* to be looked at in this turn of the loop */
	struct event *look;
};

enum { INTAKE_STATUS_MAX = 600 };

/* Since the start, for /metrics. */
struct intake_counts {
	unsigned long long answers[INTAKE_STATUS_MAX]; /* by status */
	unsigned long long dropped;                    /* connections given up for new ones */
	unsigned long long turned_away;                /* those that there was no room for */
	unsigned long long tls_failures;
};

enum { INTAKE_NAMED = 64, INTAKE_CLIENT_SIZE = 64, INTAKE_CREDENTIAL_SIZE = 68 };

/* Whose a credential was when the database last said so. */
struct intake_named {
	char credential[INTAKE_CREDENTIAL_SIZE]; /* its hash; "": nobody's */
	char client[INTAKE_CLIENT_SIZE];
};

/* To the database, and out until that has answered, or the connection to it is lost: whether somebody waits
 * for the answer or not, it takes room in the pipe. */
struct intake_call {
	LIST_ENTRY(intake_call) entry;
	struct intake *intake;
	struct intake_guest *guest; /* NULL: was told 503, or is gone */
	void (*done)(struct intake_guest *, const struct pg_reply *);
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
	struct rate *clients;                    /* by what they are known by, and known they are */
	struct rate *failures;                   /* by address */
	struct intake_named named[INTAKE_NAMED]; /* for the log alone */
	size_t next_named;
	LIST_HEAD(, intake_call) calls;
	size_t n_calls;
	bool leaving;
	unsigned long long quiet_ticks, settled;
	struct intake_counts counts;
};
