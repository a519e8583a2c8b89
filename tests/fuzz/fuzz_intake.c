/*
 * fuzz_intake - any bytes as what a client sends: HTTP, and the form of a case
 *
 * The first byte says in pieces of how many octets they come. However they are cut, the same requests
 * must come of them; every body is read as a form, and so are all the bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "intake_form.h"
#include "octets.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 300 };

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_intake: %s\n", why);
	abort();
}

static void read_form(const char *bytes, size_t length)
{
	char *text = NULL;
	int r = intake_form_read(bytes, length, &text);

	if (r != 0 && r != INTAKE_FORM_INVALID)
		fail("an error");
	if (!text || text[0] != '{' || text[strlen(text) - 1] != '}')
		fail("neither a form nor what is wrong");
	if ((r == INTAKE_FORM_INVALID) != (strncmp(text, "{\"errors\":[{", 12) == 0))
		fail("a form that looks like errors, or the other way round");
	free(text);
}

static void note(struct octets *log, const char *text)
{
	octets_add_text(log, text ? text : "-");
	octets_add_char(log, '\n');
}

static void answer(struct http *http, struct octets *log)
{
	struct http_request request = http_request(http);

	if (request.fault) {
		if (request.fault < 400 || strcmp(http_reason(request.fault), "Unknown") == 0)
			fail("a fault that has no name");
	} else {
		if (!request.method[0] || request.path[0] != '/' || request.length > BODY_MAX)
			fail("no request");
		if (request.body && request.body[request.length] != '\0')
			fail("a body without its end");
		note(log, request.method);
		note(log, request.path);
		note(log, request.content_type);
		note(log, request.authorization);
		note(log, request.idempotency_key);
		octets_add(log, request.body, request.length);
		read_form(request.body, request.length);
	}
	if (http_answer(http, &(struct http_answer){.status = request.fault ? request.fault : 200,
				      .fields = "",
				      .type = "text/plain",
				      .body = "x",
				      .length = 1}))
		fail("no memory");
}

static void talk(const char *bytes, size_t length, size_t piece, struct octets *log)
{
	struct http *http;
	size_t done = 0, used = 0, n;

	if (http_new(BODY_MAX, &http))
		return;
	while (done < length && http_state(http) != HTTP_CLOSED) {
		n = length - done < piece ? length - done : piece;
		if (http_feed(http, bytes + done, n, &used))
			fail("no memory");
		done += used;
		if (http_state(http) == HTTP_ASKED)
			answer(http, log);
		else if (used != n)
			fail("bytes that are not taken");
	}
	octets_add(log, http_output(http, &n), 0);
	octets_add(log, http_output(http, &used), n);
	http_free(http);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct octets whole = {0}, pieces = {0};

	if (size < 2)
		return 0;
	size--;
	read_form(bytes, size);
	talk(bytes, size, size, &whole);
	talk(bytes, size, data[0] % 31 + 1, &pieces);
	if (whole.length != pieces.length
		|| (whole.length && memcmp(whole.data, pieces.data, whole.length) != 0))
		fail("what is asked depends on how it is cut");
	octets_clear(&whole);
	octets_clear(&pieces);
	return 0;
}
