/*
 * http - the server's side of HTTP/1.1, without a socket
 *
 * Bytes go in, requests and bytes come out (RFC 9110, 9112). No clock: the caller keeps the time. When a
 * request is complete the dialogue stands still until it is answered; what the client has sent behind it
 * waits outside.
 *
 * Strict where being lax has let requests be read in two ways: only CR LF ends a line, no field is
 * folded, none that matters comes twice, a body has its length in front (chunked is refused with 411,
 * as RFC 9112 6.1 allows). Memory: HTTP_HEAD_MAX, the body, and one answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	HTTP_HEAD_MAX = 8192, /* octets of the request line and all fields */
	HTTP_PATH_MAX = 1024,
};

struct http;

enum http_state {
	HTTP_READING, /* feed it */
	HTTP_ASKED,   /* a request is complete: http_request(), then http_answer() */
	HTTP_CLOSED,  /* write what is to be written, and close */
};

/* Borrowed until it is answered. */
struct http_request {
	int fault; /* 0, or the status that it must be refused with; the members below are then NULL */
	const char *method;
	const char *path;          /* as it came, without a query */
	const char *content_type;  /* NULL: there is none; likewise the next two */
	const char *authorization; /* both are visible ASCII and blanks */
	const char *idempotency_key;
	const char *body;
	size_t length;
};

struct http_answer {
	int status;
	const char *fields; /* further ones, each ended by CR LF; "" for none */
	const char *type;   /* of the body */
	const char *body;
	size_t length;
	bool close; /* the connection ends with it */
};

int http_new(size_t body_max, struct http **httpp) __attribute__((warn_unused_result));
struct http *http_free(struct http *http);

/* Bytes from the client; *used says how many were taken, fewer than length once a request is complete.
 * 0 or -ENOMEM. */
int http_feed(struct http *http, const char *bytes, size_t length, size_t *used)
	__attribute__((warn_unused_result));
enum http_state http_state(const struct http *http);
/* Nothing of a request has come yet. */
bool http_is_idle(const struct http *http);
/* While HTTP_ASKED. */
struct http_request http_request(const struct http *http);
/* Also before a request is complete (408, 503): then the dialogue is over. 0 or -ENOMEM. */
int http_answer(struct http *http, const struct http_answer *answer)
	__attribute__((warn_unused_result));
/* Without another word. */
void http_close(struct http *http);

/* What is to be written; *length 0 when nothing is. Valid until the next call. */
const char *http_output(const struct http *http, size_t *length);
void http_output_taken(struct http *http, size_t length);

/* "Not Found"; "Unknown" for what we never say. */
const char *http_reason(int status);
