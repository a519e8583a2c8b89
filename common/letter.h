/*
 * letter - what is kept of a mail that came in: a small record, and its JSON
 *
 * No subject, name, comment or other text of the mail is ever in it. The JSON is what a sandboxed
 * child hands to the daemon; its reader in the database trusts no member of it. Members:
 *
 *   kind        "calendar", "report", "automatic", "plain" or "unreadable"
 *   why         unreadable: one line of our own words
 *   from        the one address of From, lower case; "" when there is none, or several
 *   message_id  "<…>", printable ASCII, or null
 *   date        of the Date header, seconds since 1970, or null
 *   to          addresses of Delivered-To, X-Original-To, To and Cc, in that order, each once
 *   auth        of the topmost Authentication-Results: {"server", "dmarc", "domain"}; null: there
 *               is none, or it names no server (as Microsoft 365 writes it)
 *   automatic   the mail says that a machine wrote it unasked (a vacation reply), whatever its kind
 *   word        plain: "accept", "decline", "tentative", "held", "missed", "contacted", "call", or
 *               null; number: what stood behind the word, or null
 *   calendar    calendar: {"method", "events": [...]}, see letter_calendar.c for the members of an
 *               event; times in seconds since 1970, dates as "2026-12-24"
 *   report      report: {"action", "permanent", "status", "recipient", "envelope_id",
 *               "message_id"}, see report.h
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

struct itip_object;
struct json;
struct octets;

enum {
	LETTER_ADDRESSES_MAX = 50,
	LETTER_JSON_MAX = 64 * 1024,
};

#define LETTER_NO_DATE INT64_MIN

enum letter_kind {
	LETTER_PLAIN,
	LETTER_CALENDAR,
	LETTER_REPORT,
	LETTER_AUTOMATIC,
	LETTER_UNREADABLE,
};

/* Strings are owned, and NULL where there is nothing. */
struct letter_auth {
	char *server, *dmarc, *domain;
};

struct letter {
	enum letter_kind kind;
	const char *why; /* a constant, or error */
	char error[200];
	char *from, *message_id;
	int64_t date;
	char *to[LETTER_ADDRESSES_MAX];
	size_t n_to;
	struct letter_auth auth;
	bool automatic;
	const char *word; /* a constant */
	int64_t number;   /* -1: none */
	struct itip_object *calendar;
	struct report report;
};

struct letter *letter_free(struct letter *letter);

/*
 * Appends the JSON: valid UTF-8 of at most LETTER_JSON_MAX octets. Where there is more than fits,
 * lists are cut (attendees_cut, spans_cut say so); when that does not help either, what is written
 * is an unreadable letter. 0 or -ENOMEM.
 */
int letter_write(const struct letter *letter, struct octets *out)
	__attribute__((warn_unused_result));

/* How much of each list is written. */
struct letter_caps {
	size_t attendees, spans, addresses;
};
void letter_write_calendar(
	const struct itip_object *object, const struct letter_caps *caps, struct json *json);
