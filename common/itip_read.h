/*
 * itip_read - what an iTIP object that came from outside says (RFC 5545, RFC 5546)
 *
 * Any bytes may come. A sieve of our own (itip_lines) lets through what is needed here, within
 * limits; libical 3.0.16 reads the text of the rules that are left, and never converts a time,
 * follows a rule or sees an alarm, for in these lie its hangs and wrong answers. The work is
 * bounded by counts and not by a clock, and no file is opened: the zones are loaded beforehand
 * (zone.h).
 *
 * Comments, summaries, names and texts are not kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ITIP_READ_BYTES_MAX = 1024 * 1024,
	ITIP_READ_EVENTS_MAX = 20,
	ITIP_READ_ATTENDEES_MAX = 50, /* an event */
	ITIP_READ_DELEGATES_MAX = 10, /* an attendee and direction */
	ITIP_READ_SPANS_MAX = 1000,   /* an object */
	ITIP_READ_ADDRESS_MAX = 254,  /* octets; longer ones count as absent */
	ITIP_READ_UID_MAX = 1024,     /* octets; longer ones make the object unreadable */
};

#define ITIP_NO_TIME INT64_MIN /* seconds since 1970 that are not given, or not a time there is */

struct zones;

struct itip_limits {
	int64_t now, until; /* occurrences are looked for within [now - 1 day, until] */
	/* zones_load(); with NULL only UTC and the object's own VTIMEZONEs are known. */
	const struct zones *zones;
	const char *method; /* of the Content-Type, for an object without METHOD; NULL: none */
};

struct itip_span {
	int64_t starts, ends;
};

/* Addresses: no mailto:, ASCII letters in lower case, text_is_address() of text.h; NULL: none. */
struct itip_attendee {
	char *address;
	char *partstat; /* upper case, letters, digits and hyphens */
	char *sent_by;
	char **delegated_to, **delegated_from;
	size_t n_delegated_to, n_delegated_from;
};

struct itip_read_event {
	char *uid;            /* printable UTF-8, or NULL */
	int64_t sequence;     /* 0 to 2147483647; -1: none, or no number */
	int64_t stamped;      /* DTSTAMP, or ITIP_NO_TIME */
	int64_t starts, ends; /* or ITIP_NO_TIME; ends by DTEND, DURATION or the rule of RFC 5545 */
	int64_t recurrence_id;   /* or ITIP_NO_TIME */
	int64_t original_starts; /* X-MS-OLK-ORIGINALSTART, or ITIP_NO_TIME */
	bool all_day;  /* DATE values (or midnights, as Outlook's all-day mark says): times are UTC
	                 midnights, and itip_date() gives the date */
	bool floating; /* neither UTC nor a zone: times are as if in UTC. Never with all_day */
	bool transparent; /* TRANSP:TRANSPARENT */
	bool recurring;   /* RRULE or RDATE */
	bool bad_rule;    /* a rule, date or zone that is not read: spans has the first, if that */
	bool spans_cut;   /* spans is not all there is until the horizon */
	bool attendees_cut;
	char *status;    /* upper case, or NULL */
	char *organizer; /* address, or NULL */
	struct itip_attendee *attendees;
	size_t n_attendees;
	/* The occurrences, sorted, without those that EXDATE and STATUS:CANCELLED take away. In
	   REQUEST and PUBLISH (and without a method) an instance (RECURRENCE-ID) whose master is
	   in the same object is no event of its own: its span is among its master's. */
	struct itip_span *spans;
	size_t n_spans;
};

/* At least one event. Where a property comes twice its first counts. */
struct itip_object {
	char *method; /* upper case, of VCALENDAR, else of the limits; NULL: none */
	struct itip_read_event *events;
	size_t n_events;
};

/*
 * 0; -ENOMEM; or ITIP_UNREADABLE with a line of text in error, which quotes nothing of the bytes.
 * The caller frees the object; *objectp is NULL unless 0 is returned.
 */
enum { ITIP_UNREADABLE = 1 };
int itip_read(const char *bytes, size_t length, const struct itip_limits *limits,
	struct itip_object **objectp, char *error, size_t error_size)
	__attribute__((warn_unused_result));

struct itip_object *itip_object_free(struct itip_object *object);

/* "2026-12-24" of a time in UTC; times outside of the years 1 to 9999 give "". */
void itip_date(int64_t t, char date[11]);
