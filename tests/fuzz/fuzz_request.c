/*
 * fuzz_request - any bytes as what a client of the intake sends, read by evhttp and then by us
 *
 * What is taken for a request has a path and fields of one line each, and no more than one length, which its
 * body has; whatever else came is refused, and nothing more is read behind it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "intake/intake_request.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t length;
static bool refused; /* of this connection */

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_request: %s\n", why);
	abort();
}

static void check_line(const char *text)
{
	for (; text && *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			fail("a field that is no line");
}

/* One, or none; whatever is there says how long the body is. */
static void check_length(struct evkeyvalq *fields, size_t body)
{
	const struct evkeyval *field;
	size_t lengths = 0;

	TAILQ_FOREACH(field, fields, next)
	{
		if (strcasecmp(field->key, "Transfer-Encoding") == 0)
			fail("chunks");
		if (strcasecmp(field->key, "Content-Length") != 0)
			continue;
		lengths++;
		if (strtoull(field->value, NULL, 10) != body)
			fail("a body of another length");
	}
	if (lengths > 1 || (lengths == 0 && body > 0))
		fail("a body without a length, or with two");
}

static void check_request(struct evhttp_request *asked, const struct intake_request *request)
{
	static const char methods[] = " GET POST HEAD PUT DELETE OPTIONS TRACE CONNECT PATCH ";
	char word[20];

	if (request->path[0] != '/' || strpbrk(request->path, " ?#\r\n")
		|| strlen(request->path) > INTAKE_PATH_MAX)
		fail("a path that is none");
	snprintf(word, sizeof(word), " %s ", request->method ? request->method : "GET");
	if (!strstr(methods, word))
		fail("a method that is none");
	check_line(request->path);
	check_line(request->content_type);
	check_line(request->authorization);
	check_line(request->idempotency_key);
	check_length(evhttp_request_get_input_headers(asked), request->length);
}

static void on_request(struct evhttp_request *asked, void *arg)
{
	struct intake_request request;

	(void)arg;
	if (refused)
		fail("read on behind what was refused");
	intake_request_read(asked, &request);
	if (request.fault == 0)
		check_request(asked, &request);
	else if (!request.last || request.fault < 400 || request.fault > 503)
		fail("a refusal that is none");
	refused = request.fault != 0;
	if (refused) {
		while (evhttp_remove_header(evhttp_request_get_input_headers(asked), "Connection")
			== 0)
			;
		evhttp_add_header(evhttp_request_get_output_headers(asked), "Connection", "close");
	}
	evhttp_send_reply(asked, 200, "OK", NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct evconnlistener *listener;
	struct evhttp *http;
	int n;

	(void)argc;
	(void)argv;
	/* In no folder: the first octet is a NUL. */
	n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "fuzz-request-%d",
		(int)getpid());
	length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	base = event_base_new();
	http = base ? evhttp_new(base) : NULL;
	listener = evconnlistener_new_bind(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 16,
		(struct sockaddr *)(void *)&address, (int)length);
	if (!http || !listener || !evhttp_bind_listener(http, listener))
		fail("no door");
	evhttp_set_max_headers_size(http, INTAKE_HEAD_MAX);
	evhttp_set_max_body_size(http, 4096);
	evhttp_set_allowed_methods(http, 0xffff);
	evhttp_set_gencb(http, on_request, NULL);
	return 0;
}

static int say(const uint8_t *data, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)(void *)&address, length) != 0
		|| send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size || shutdown(fd, SHUT_WR))
		fail("nobody listens");
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answer[4096];
	int fd = say(data, size), turns = 0;

	refused = false;
	for (;;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

		/* A reset, where something was left unread. */
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (++turns > 10000)
			fail("it stands still");
	}
	close(fd);
	return 0;
}
