/*
 * intake_guest - one client's connection: TLS, HTTP, and the time both may take
 */
#pragma once

#include "http.h"
#include "intake_state.h"

enum { INTAKE_ADDRESS_SIZE = 64, INTAKE_CLIENT_SIZE = 48 };

struct sockaddr;

/* Takes over fd. 0 or -ENOMEM (fd is closed then, too). */
int intake_guest_new(struct intake_door *door, int fd, const struct sockaddr *address)
	__attribute__((warn_unused_result));
void intake_guest_free(struct intake_guest *guest);
struct intake_guest *intake_guest_next(struct intake_guest *guest); /* NULL: it is the last */

/* Looks at the time; the guest may be gone afterwards, as after the next. */
void intake_guest_tick(struct intake_guest *guest, long long now_ms);
/* The daemon stops: a request that is not whole is refused, one that is waits for its answer. */
void intake_guest_send_away(struct intake_guest *guest);
/* The one to give up for somebody new: who is not known first, then who waits longest; NULL: all are
 * being answered. */
struct intake_guest *intake_guest_to_drop(struct intake_door *door);
/* Being answered, or has not taken all of its answer. */
bool intake_guest_is_busy(const struct intake_guest *guest);

/* ---- for whoever answers -------------------------------------------------------------------- */

struct intake *intake_guest_intake(struct intake_guest *guest);
struct http_request intake_guest_request(const struct intake_guest *guest);
const char *intake_guest_address(const struct intake_guest *guest);
/* SHA-256 of its certificate in hexadecimal, and the subject (RFC 2253); false: it has shown none. */
bool intake_guest_certificate(const struct intake_guest *guest, char *print, size_t print_size,
	char *subject, size_t size);

struct intake_reply {
	int status;
	const char *fields; /* further header fields, each ended by CR LF, or NULL */
	const char *type;   /* NULL: JSON */
	const char *body;   /* copied; NULL: what the status means, in the form of an error */
	const char *client; /* for the log; NULL: not known */
};
/* Sends it, and logs the line. */
void intake_guest_answer(struct intake_guest *guest, const struct intake_reply *reply);
/* "SELECT …" for this guest: done is called with it, once, unless it is gone or was answered before, for
 * want of time. -ENOTCONN, -ENOMEM: it is not called. */
struct pg_reply;
int intake_guest_call(struct intake_guest *guest, const char *statement, int n,
	const char *const *values, void (*done)(struct intake_guest *, const struct pg_reply *))
	__attribute__((warn_unused_result));
