/*
 * itip - iTIP objects (RFC 5545, RFC 5546)
 *
 * Written here by hand, not by libical: the form is fixed and small, and libical 3.0.16 writes a
 * CR LF inside an address out as a new property, leaves ^ in CN alone (RFC 6868), and lets
 * control characters and broken UTF-8 through, so that all its input and output would have to be
 * checked anyway; it also takes 11 µs an object (measured), as long as a whole mail takes now. The
 * tests hold every object against libical's parser, which must give back what was put in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct octets;

enum itip_method {
	ITIP_REQUEST,
	ITIP_CANCEL,
	ITIP_REPLY,          /* ours to whoever invited us: RFC 5546, 3.2.3 */
	ITIP_DECLINECOUNTER, /* a counter-proposal is not taken: RFC 5546, 3.2.8 */
};

struct itip_person {
	const char *address;
	const char *name; /* NULL or "": the address stands for it */
};

/* One appointment and its one attendee. Strings are borrowed; optional ones may be NULL or "". */
struct itip_event {
	enum itip_method method;
	const char
		*uid; /* letters, digits and .@_-; in a REPLY any line of text, it is another's */
	long sequence;
	int64_t stamped_at, starts, ends; /* seconds since 1970; a REPLY may leave out both: 0 */
	struct itip_person organizer, attendee;
	const char *partstat;    /* NULL: NEEDS-ACTION; of RFC 5545, 3.2.12 */
	bool shown_free;         /* no answer is asked, and the time stays free: a shift */
	const char *summary;     /* optional in a REPLY */
	const char *location;    /* optional */
	const char *description; /* optional; lines separated by LF */
	long alarm_minutes;      /* before the start; 0 for none; a CANCEL never has one */
};

/*
 * Appends the object to out: CRLF lines of at most 75 octets, folded between characters, with times
 * in UTC. 0; -ENOMEM; or ITIP_INVALID with a line of text in error that names the field and what is
 * wrong with it, but never quotes it.
 */
enum { ITIP_INVALID = 1 };
int itip_write(const struct itip_event *event, struct octets *out, char *error, size_t error_size)
	__attribute__((warn_unused_result));

/*
 * Looks at finished bytes, without knowing how they came about: line lengths and ends, UTF-8,
 * control characters, and the properties in the one order that itip_write() has. 0 or
 * ITIP_INVALID. itip_write() has called it before it returns 0.
 */
int itip_check(enum itip_method method, const char *bytes, size_t length, char *error,
	size_t error_size) __attribute__((warn_unused_result));

/* "REQUEST": for the method parameter of Content-Type, which must be the same. */
const char *itip_method_name(enum itip_method method);
