/*
 * mail_try - one login to the mail server, to see whether it works
 */
#include "mail_try.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>

#include "tls.h"

struct attempt {
	struct event_base *base;
	struct mail_connection *connection;
	bool ready;
	enum mail_closed why;
	char *text;
	size_t text_size;
};

static void on_ready(struct mail_connection *connection, void *arg)
{
	struct attempt *attempt = arg;

	attempt->ready = true;
	snprintf(attempt->text, attempt->text_size, "%s", mail_connection_describe(connection));
	mail_connection_quit(connection);
}

static void on_closed(
	struct mail_connection *connection, enum mail_closed why, const char *text, void *arg)
{
	struct attempt *attempt = arg;

	(void)connection;
	if (!attempt->ready) {
		attempt->why = why;
		snprintf(attempt->text, attempt->text_size, "%s", text);
	}
	event_base_loopbreak(attempt->base);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *attempt = arg;

	(void)fd;
	(void)what;
	if (!attempt->ready)
		snprintf(attempt->text, attempt->text_size,
			"the mail server does not answer in time");
	event_base_loopbreak(attempt->base);
}

static int run(struct attempt *attempt, const struct config *config, const struct tls_mail *tls,
	long timeout_ms)
{
	static const struct mail_connection_ops ops = {.ready = on_ready, .closed = on_closed};
	const struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	int r;

	if (event_base_once(attempt->base, -1, EV_TIMEOUT, on_timeout, attempt, &tv) < 0)
		return -ENOMEM;
	r = mail_connection_new(attempt->base, config, tls, &ops, attempt, &attempt->connection);
	if (r < 0)
		return r;
	event_base_dispatch(attempt->base);
	mail_connection_free(attempt->connection);
	return attempt->ready ? 0 : MAIL_TRY_FAILED;
}

int mail_try(const struct config *config, long timeout_ms, enum mail_closed *why, char *text,
	size_t text_size)
{
	struct attempt attempt = {.why = MAIL_CLOSED_DOWN, .text = text, .text_size = text_size};
	struct tls_mail *tls = NULL;
	int r;

	snprintf(text, text_size, "no reason known");
	r = tls_mail_new(config, &tls, text, text_size);
	if (r == TLS_INVALID)
		attempt.why = MAIL_CLOSED_TLS;
	if (r == 0) {
		attempt.base = event_base_new();
		r = attempt.base == NULL ? -ENOMEM : run(&attempt, config, tls, timeout_ms);
	}
	if (attempt.base != NULL)
		event_base_free(attempt.base);
	tls_mail_free(tls);
	if (why != NULL)
		*why = attempt.why;
	return r > 0 ? MAIL_TRY_FAILED : r;
}
