/*
 * intake_guest - one client's connection: what evhttp leaves to us
 *
 * evhttp reads requests and writes answers. It knows no time for a whole request, no number of connections,
 * and says its own pages about what is no request; and whatever it reads, it reads as long as it comes. All
 * of that is seen to here. A guest holds a reference to the connection, so it may outlive what evhttp thinks
 * of it: RFC 9112 9.6 has us go on reading for a while after the last answer.
 */
#pragma once

#include "intake_state.h"

enum { INTAKE_ADDRESS_SIZE = 64 };

struct bufferevent;
struct evhttp_request;
struct intake_request;

/* Makes door->next. 0 or -ENOMEM. */
int intake_guest_new(struct intake_door *door) __attribute__((warn_unused_result));
/* One that never came. */
struct intake_guest *intake_guest_discard(struct intake_guest *guest);
/* door->next comes; evhttp gets the connection. One that is not welcome goes at once. */
struct bufferevent *intake_guest_come(struct intake_door *door, bool welcome);
/* evhttp's callback for a request; arg is the door. */
void intake_guest_ask(struct evhttp_request *asked, void *arg);
/* Those that were noted in this turn of the loop. */
void intake_guest_look(struct intake_door *door);
/* Ends the connection, whatever it is at. */
void intake_guest_free(struct intake_guest *guest);
struct intake_guest *intake_guest_next(struct intake_guest *guest); /* NULL: it is the last */

/* Looks at the time; the guest may be gone afterwards, as after the next. */
void intake_guest_tick(struct intake_guest *guest, long long now_ms);
/* The daemon stops: a request that is not whole is refused, one that is waits for its answer. */
void intake_guest_send_away(struct intake_guest *guest);
/* The one to give up for somebody new: who is not known first, then who waits longest; NULL: all are
 * being answered. */
struct intake_guest *intake_guest_to_drop(struct intake_door *door);
/* Being answered, or has had its last answer just now, and may not have taken it yet. */
bool intake_guest_is_busy(const struct intake_guest *guest);

/* ---- for whoever answers -------------------------------------------------------------------- */

struct intake *intake_guest_intake(struct intake_guest *guest);
/* NULL: what was said is none. */
const struct intake_request *intake_guest_request(const struct intake_guest *guest);
const char *intake_guest_address(const struct intake_guest *guest);
/* SHA-256 of its certificate in hexadecimal, and the subject (RFC 2253); false: it has shown none. */
bool intake_guest_certificate(const struct intake_guest *guest, char *print, size_t print_size,
	char *subject, size_t size);

struct intake_reply {
	int status;
	const char *field;  /* a further header field, "Name: value", or NULL */
	const char *type;   /* NULL: JSON */
	const char *body;   /* copied; NULL: what the status means, in the form of an error */
	const char *client; /* for the log; NULL: not known */
};
/* Sends it, and logs the line. */
void intake_guest_answer(struct intake_guest *guest, const struct intake_reply *reply);
/* "SELECT …" for this guest: done is called with it, once, unless it is gone or was answered before, for
 * want of time. -EBUSY (room calls or more are out), -ENOTCONN, -ENOMEM: it is not called. */
enum { INTAKE_CALLS_MAX = 200 }; /* each is a few KiB in the pipe */
struct pg_reply;
int intake_guest_call(struct intake_guest *guest, size_t room, const char *statement, int n,
	const char *const *values, void (*done)(struct intake_guest *, const struct pg_reply *))
	__attribute__((warn_unused_result));
/* At the end: those that were given up, and have no answer yet. */
void intake_guest_forget_calls(struct intake *intake);
