/*
 * intake_request - what evhttp has read, looked at once more
 *
 * evhttp is lax where being lax has let requests be read in two ways: it passes over a second length, a
 * transfer coding that it does not know, the body of a HEAD. What it hands over is refused here, and the
 * connection ended, wherever another reader could have seen another request.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct evhttp_request;

enum {
	INTAKE_HEAD_MAX = 8192, /* octets of the request line and all fields */
	INTAKE_PATH_MAX = 1024,
};

/* Borrowed from evhttp until it is answered, but for the path. */
struct intake_request {
	int fault; /* 0, or the status that it must be refused with; of the rest only head holds */
	bool head; /* HEAD: the answer has no body */
	bool last; /* the client wants no further request, or can have none */
	const char *method;             /* NULL: none that is known (RFC 9110 9.3, RFC 5789) */
	char path[INTAKE_PATH_MAX + 1]; /* as it came, without a query */
	const char *content_type;       /* NULL: there is none; likewise the next two */
	const char *authorization;      /* both are visible ASCII and blanks */
	const char *idempotency_key;
	const char *body;
	size_t length;
};

void intake_request_read(struct evhttp_request *asked, struct intake_request *request);
