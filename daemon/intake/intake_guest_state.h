/*
 * intake_guest_state - what the parts of a guest share; not for others
 */
#pragma once

#include <event2/bufferevent.h>

#include "intake_guest.h"
#include "intake_request.h"

struct evbuffer;
struct evbuffer_cb_info;
struct pg_reply;
struct ssl_st;

enum intake_stage {
	STAGE_READING,   /* evhttp waits for a request, or reads one; TLS is agreed on in it, too */
	STAGE_SPOKEN,    /* evhttp has written a page of its own: what came is no request */
	STAGE_ASKED,     /* a request is whole */
	STAGE_ANSWERING, /* evhttp writes the answer */
	STAGE_LAST, /* the connection is taken from evhttp, and the last answer is written past it */
	STAGE_LEAVING, /* all is said: what is still sent is thrown away for a while */
};

struct intake_guest {
	TAILQ_ENTRY(intake_guest) entry, noted_entry;
	struct intake_door *door;
	enum intake_stage stage;
	struct bufferevent *connection; /* evhttp's; we have a reference */
	struct ssl_st *ssl;             /* the connection's; NULL: it speaks in clear */
	struct evhttp_request *asked;   /* evhttp's; while STAGE_ASKED */
	struct intake_request request;  /* likewise */
	struct intake_call *call;       /* that is out, and whose answer is waited for; or NULL */
	bufferevent_event_cb evhttp_event; /* while STAGE_LAST: what evhttp listened with */
	void *evhttp_arg;
	char address[INTAKE_ADDRESS_SIZE];
	long long born_ms, since_ms; /* it came; the request began, or the last one was answered */
	long long asked_ms;          /* the request was whole */
	long long closing_ms;        /* all was said */
	long long rest_ms;           /* nothing more is answered before then */
	size_t octets;               /* of the request that is read */
	size_t body_max;             /* what evhttp, too, keeps to for it, whatever is reloaded */
	int spoken;                  /* the status of evhttp's own page */
	bool over_it;                /* that page stands behind something else */
	bool noted;                  /* it is among the door's */
	bool freed;                  /* evhttp has done with it */
	bool broken;                 /* it cannot be served */
	bool begun;                  /* the first octet of a request is there */
	bool head;                   /* it is a HEAD */
	bool has_nul;                /* among all it has sent; evhttp would cut a field there */
	bool resting;                /* while STAGE_ASKED: until rest_ms */
	bool last;                   /* the connection ends with the answer */
	bool known;                  /* it has had an answer that only a client gets */
	bool answered;               /* a request, since it came */
};

static inline const struct config *intake_guest_config(const struct intake_guest *guest)
{
	return guest->door->intake->config;
}

/* ---- intake_guest.c ------------------------------------------------------------------------- */

/* From inside a callback of evhttp's nothing may be freed: it is looked at when that is over. */
void intake_guest_note(struct intake_guest *guest);
bool intake_guest_has_greeted(const struct intake_guest *guest);
/* The answer is with the client. Frees nothing. */
void intake_guest_told(struct evhttp_request *asked, void *arg);

/* ---- intake_answer.c ------------------------------------------------------------------------ */

/* One line, and the figures. */
void intake_answer_log(struct intake_guest *guest, const struct intake_reply *reply);

/* ---- intake_wire.c -------------------------------------------------------------------------- */

/* The callbacks of the connection's two buffers. They free nothing. */
void intake_wire_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg);
void intake_wire_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg);
/* evhttp waits for a request, of which something may be there. */
void intake_wire_restart(struct intake_guest *guest);
/* evhttp would keep all that a client sends while it takes no answer. */
void intake_wire_limit(struct intake_guest *guest);
/* evhttp has freed it: nobody listens any more. */
bool intake_wire_is_gone(const struct intake_guest *guest);
bool intake_wire_has_output(const struct intake_guest *guest);
/* Takes the connection from evhttp, which otherwise could only be told to drop it. */
void intake_wire_take_over(struct intake_guest *guest);
/* All is said. Who still sends would get a reset for it, and might never see the answer: so the rest is
 * read and thrown away for a while. */
void intake_wire_leave(struct intake_guest *guest);
/* For that, once evhttp has freed the connection. */
void intake_wire_linger(struct intake_guest *guest);
/* evhttp frees what it has. */
void intake_wire_end(struct intake_guest *guest);
