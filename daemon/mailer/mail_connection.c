/*
 * mail_connection - one connection to the mail server
 */
#include "mail_connection.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config.h"
#include "mail_dial.h"
#include "mail_login.h"
#include "../tls.h"

/* Times that RFC 5321 4.5.3.2 does not name, and those it does. */
#define DIAL_MS      30000
#define HANDSHAKE_MS 60000
#define QUIT_MS      5000
#define MINUTE_MS    60000

enum state {
	STATE_DIAL,
	STATE_HANDSHAKE,
	STATE_TALK,
	STATE_OVER,
};

struct mail_connection {
	struct event_base *base;
	const struct mail_connection_ops *ops;
	void *arg;
	enum state state;

	char *host;
	long port;
	bool starttls;
	long timeout_ms; /* 0: the RFC's */
	struct mail_login login;

	struct mail_dial *dial;
	int fd;   /* -1 before, and once a bufferevent with TLS owns it */
	SSL *ssl; /* until a bufferevent owns it */
	struct bufferevent *buffer;
	struct smtp *smtp;

	struct event *timer;
	unsigned long timed_step;
	struct event *later; /* what may call back is done from the loop */

	bool pumping;
	bool doomed; /* freed from within a callback */
	char description[MAIL_TEXT_MAX];
};

static void pump(struct mail_connection *connection);

static void destroy(struct mail_connection *connection);

/* the end */

static void tell_closed(struct mail_connection *connection, enum mail_closed why, const char *text)
{
	if (connection->state == STATE_OVER)
		return;
	connection->state = STATE_OVER;
	evtimer_del(connection->timer);
	if (!connection->doomed)
		connection->ops->closed(connection, why, text, connection->arg);
}

/* For callbacks of the loop that may end in closed(), after which connection may be gone. */
static void fail(struct mail_connection *connection, enum mail_closed why, const char *text)
{
	connection->pumping = true;
	tell_closed(connection, why, text);
	connection->pumping = false;
	if (connection->doomed)
		destroy(connection);
}

static enum mail_closed closed_of(enum smtp_end how)
{
	switch (how) {
	case SMTP_END_NONE:
	case SMTP_END_QUIT:
	case SMTP_END_IDLE:
		return MAIL_CLOSED_DONE;
	case SMTP_END_HELD:
		return MAIL_CLOSED_HELD;
	case SMTP_END_LOGIN:
		return MAIL_CLOSED_LOGIN;
	case SMTP_END_NO_TLS:
		return MAIL_CLOSED_TLS;
	case SMTP_END_LOST:
	case SMTP_END_PROTOCOL:
		break;
	}
	return MAIL_CLOSED_DOWN;
}

/* time */

static long limited(const struct mail_connection *connection, long ms)
{
	return connection->timeout_ms > 0 && ms > connection->timeout_ms ? connection->timeout_ms
									 : ms;
}

static void set_timer(struct mail_connection *connection, long ms)
{
	struct timeval tv;

	ms = limited(connection, ms);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	evtimer_add(connection->timer, &tv);
}

/* RFC 5321 4.5.3.2; -1: nothing is waited for. */
static const long wait_ms[] = {
	[SMTP_WAIT_NOTHING] = -1,
	[SMTP_WAIT_GREETING] = 5L * MINUTE_MS,
	[SMTP_WAIT_COMMAND] = 5L * MINUTE_MS,
	[SMTP_WAIT_DATA] = 2L * MINUTE_MS,
	[SMTP_WAIT_DOT] = 10L * MINUTE_MS,
	[SMTP_WAIT_QUIT] = QUIT_MS,
};

/* The deadline belongs to a reply: bytes that trickle in do not move it. */
static void arm_reply_timer(struct mail_connection *connection)
{
	long ms = wait_ms[smtp_wait(connection->smtp)];
	unsigned long step = smtp_step(connection->smtp);

	if (ms < 0) {
		evtimer_del(connection->timer);
	} else if (step != connection->timed_step || !evtimer_pending(connection->timer, NULL)) {
		connection->timed_step = step;
		set_timer(connection, ms);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct mail_connection *connection = arg;
	char text[MAIL_TEXT_MAX];

	(void)fd;
	(void)what;
	switch (connection->state) {
	case STATE_DIAL: /* has its own */
		break;
	case STATE_HANDSHAKE:
		snprintf(text, sizeof(text), "%s does not finish the TLS handshake",
			connection->host);
		fail(connection, MAIL_CLOSED_DOWN, text);
		break;
	case STATE_TALK:
		smtp_lost(connection->smtp, "the mail server takes too long to reply");
		pump(connection);
		break;
	case STATE_OVER:
		break;
	}
}

/* the dialogue */

static void feed(struct mail_connection *connection)
{
	struct evbuffer *input = bufferevent_get_input(connection->buffer);
	char bytes[4096];
	int n;

	while ((n = evbuffer_remove(input, bytes, sizeof(bytes))) > 0)
		if (smtp_feed(connection->smtp, bytes, (size_t)n) < 0)
			smtp_lost(connection->smtp, "out of memory");
}

static void flush(struct mail_connection *connection)
{
	size_t length;
	const char *bytes = smtp_output(connection->smtp, &length);

	if (length == 0 || connection->buffer == NULL)
		return;
	if (mail_login_write(connection->buffer, bytes, length) < 0)
		smtp_lost(connection->smtp, "out of memory");
	smtp_output_taken(connection->smtp, length);
}

static void on_read(struct bufferevent *buffer, void *arg)
{
	struct mail_connection *connection = arg;

	(void)buffer;
	if (connection->state != STATE_TALK)
		return;
	feed(connection);
	pump(connection);
}

/* The oldest entry says what happened first. libevent puts in front of OpenSSL's what SSL_get_error()
 * said, a small number that belongs to no library. */
static unsigned long tls_error(struct bufferevent *buffer)
{
	unsigned long code, oldest = 0;

	while ((code = bufferevent_get_openssl_error(buffer)) != 0)
		if (ERR_GET_LIB(code) > ERR_LIB_NONE)
			oldest = code;
	return oldest;
}

static void handshake_failed(struct mail_connection *connection)
{
	unsigned long code = tls_error(connection->buffer);
	char text[MAIL_TEXT_MAX];
	enum tls_fault fault = tls_mail_why(bufferevent_openssl_get_ssl(connection->buffer), code,
		connection->host, text, sizeof(text));

	fail(connection, fault == TLS_FAULT_LOST ? MAIL_CLOSED_DOWN : MAIL_CLOSED_TLS, text);
}

static void handshake_done(struct mail_connection *connection)
{
	SSL *ssl = bufferevent_openssl_get_ssl(connection->buffer);

	/* libevent verifies nothing: say it once more where it is used. */
	if (SSL_get_verify_result(ssl) != X509_V_OK || SSL_get0_peer_certificate(ssl) == NULL) {
		handshake_failed(connection);
		return;
	}
	connection->state = STATE_TALK;
	mail_dial_acknowledge(bufferevent_getfd(connection->buffer));
	if (connection->starttls && smtp_tls_started(connection->smtp) < 0)
		smtp_lost(connection->smtp, "out of memory");
	pump(connection);
}

/* A missing close_notify is an error in OpenSSL 3; here it is an end like another. An alert says more. */
static void say_lost(struct mail_connection *connection, short what, char *text, size_t text_size)
{
	const SSL *ssl = bufferevent_openssl_get_ssl(connection->buffer);
	unsigned long code = tls_error(connection->buffer);

	ERR_clear_error();
	if (what & BEV_EVENT_TIMEOUT)
		snprintf(text, text_size, "%s does not take what is written to it",
			connection->host);
	else if (ssl == NULL
		 || tls_mail_why(ssl, code, connection->host, text, text_size) == TLS_FAULT_LOST)
		snprintf(text, text_size, "%s closed the connection", connection->host);
}

static void on_event(struct bufferevent *buffer, short what, void *arg)
{
	struct mail_connection *connection = arg;
	char text[MAIL_TEXT_MAX];

	(void)buffer;
	if (what & BEV_EVENT_CONNECTED) {
		if (connection->state == STATE_HANDSHAKE)
			handshake_done(connection);
		return;
	}
	if (connection->state == STATE_HANDSHAKE) {
		handshake_failed(connection);
		return;
	}
	if (connection->state != STATE_TALK)
		return;
	feed(connection); /* what came before the end counts */
	say_lost(connection, what, text, sizeof(text));
	smtp_lost(connection->smtp, text);
	pump(connection);
}

static void set_buffer(struct mail_connection *connection, struct bufferevent *buffer)
{
	const struct timeval block = {
		.tv_sec = connection->timeout_ms > 0 ? connection->timeout_ms / 1000 + 1 : 180};

	connection->buffer = buffer;
	bufferevent_setcb(buffer, on_read, NULL, on_event, connection);
	bufferevent_set_timeouts(buffer, NULL, &block);
	bufferevent_enable(buffer, EV_READ | EV_WRITE);
}

/* STARTTLS: the plain bufferevent lets go of the socket and one with TLS takes it. (A filter on top of
 * the first would do, too, but deferred callbacks and filters have a history of endless loops.) */
static int start_tls(struct mail_connection *connection)
{
	struct bufferevent *buffer;

	if (connection->buffer != NULL) {
		/* A callback that is still due may keep it alive: it must not read meanwhile. */
		bufferevent_disable(connection->buffer, EV_READ | EV_WRITE);
		bufferevent_setcb(connection->buffer, NULL, NULL, NULL, NULL);
		bufferevent_free(connection->buffer);
		connection->buffer = NULL;
	}
	buffer = bufferevent_openssl_socket_new(connection->base, connection->fd, connection->ssl,
		BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (buffer == NULL)
		return -ENOMEM;
	connection->fd = -1;
	connection->ssl = NULL;
	bufferevent_openssl_set_allow_dirty_shutdown(buffer, 1);
	set_buffer(connection, buffer);
	connection->state = STATE_HANDSHAKE;
	set_timer(connection, HANDSHAKE_MS);
	return 0;
}

static void describe(struct mail_connection *connection)
{
	char tls[80];

	tls_mail_describe(bufferevent_openssl_get_ssl(connection->buffer), tls, sizeof(tls));
	snprintf(connection->description, sizeof(connection->description), "%s:%ld %s, offers %s",
		connection->host, connection->port, tls, smtp_offers(connection->smtp));
}

static void deliver(struct mail_connection *connection, const struct smtp_event *event)
{
	const struct mail_connection_ops *ops = connection->ops;

	switch (event->kind) {
	case SMTP_EVENT_NONE:
		break;
	case SMTP_EVENT_START_TLS:
		if (start_tls(connection) < 0)
			smtp_lost(connection->smtp, "out of memory");
		break;
	case SMTP_EVENT_READY:
		describe(connection);
		ops->ready(connection, connection->arg);
		break;
	case SMTP_EVENT_ASK:
		ops->ask(connection, event->message->owner, connection->arg);
		break;
	case SMTP_EVENT_OUTCOME:
		ops->outcome(connection, event->message->owner, event->outcome, event->text,
			connection->arg);
		break;
	case SMTP_EVENT_END:
		tell_closed(connection, closed_of(event->end), event->text);
		break;
	}
}

/* Hands on what the dialogue has come to and writes what it wants written. */
static void pump(struct mail_connection *connection)
{
	struct smtp_event event;

	connection->pumping = true;
	while (!connection->doomed && smtp_event(connection->smtp, &event)) {
		deliver(connection, &event);
		flush(connection);
	}
	connection->pumping = false;
	if (connection->doomed) {
		destroy(connection);
	} else if (connection->state == STATE_TALK) {
		flush(connection);
		arm_reply_timer(connection);
	}
}

/* the connection */

static int dialogue_new(struct mail_connection *connection, char *text, size_t text_size)
{
	struct smtp_options options;
	char helo[256];
	char *secret = NULL;
	int r;

	mail_login_helo(&connection->login, connection->fd, helo, sizeof(helo));
	r = mail_login_secret(&connection->login, &secret, text, text_size);
	if (r != 0)
		return r;
	options = (struct smtp_options){
		.starttls = connection->starttls,
		.helo = helo,
		.auth = connection->login.auth,
		.user = connection->login.user,
		.secret = secret,
	};
	r = smtp_new(&options, &connection->smtp);
	mail_login_wipe(secret);
	if (r == -EINVAL) {
		snprintf(text, text_size, "mail_user or mail_secret_file holds control characters");
		r = MAIL_LOGIN_INVALID;
	}
	return r;
}

static int begin_dialogue(struct mail_connection *connection)
{
	struct bufferevent *buffer;

	if (!connection->starttls)
		return start_tls(connection);
	buffer = bufferevent_socket_new(connection->base, connection->fd, BEV_OPT_DEFER_CALLBACKS);
	if (buffer == NULL)
		return -ENOMEM;
	connection->state = STATE_TALK;
	set_buffer(connection, buffer);
	return 0;
}

static void on_dialled(int fd, const char *why, void *arg)
{
	struct mail_connection *connection = arg;
	char text[MAIL_TEXT_MAX] = "out of memory";
	int r;

	if (fd < 0) {
		snprintf(text, sizeof(text), "%s", why);
		fail(connection, MAIL_CLOSED_DOWN, text);
		return;
	}
	connection->fd = fd;
	r = dialogue_new(connection, text, sizeof(text));
	if (r == 0)
		r = begin_dialogue(connection);
	if (r != 0)
		fail(connection, r < 0 ? MAIL_CLOSED_INTERNAL : MAIL_CLOSED_LOGIN, text);
	else
		pump(connection);
}

/* Work that was put off from within a call of the owner. */
static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct mail_connection *connection = arg;

	(void)fd;
	(void)what;
	if (connection->smtp != NULL && connection->state == STATE_TALK)
		pump(connection);
}

/* the owner's side */

static int set_up(
	struct mail_connection *connection, const struct config *config, const struct tls_mail *tls)
{
	connection->host = strdup(config->mail_host);
	connection->port = config->mail_port;
	connection->starttls = config->mail_tls == CONFIG_TLS_STARTTLS;
	connection->timeout_ms = config->mail_timeout_ms;
	connection->timer = evtimer_new(connection->base, on_timer, connection);
	connection->later = evtimer_new(connection->base, on_later, connection);
	if (connection->host == NULL || connection->timer == NULL || connection->later == NULL
		|| mail_login_set(&connection->login, config) < 0)
		return -ENOMEM;
	connection->ssl = tls_mail_session(tls, connection->host);
	if (connection->ssl == NULL)
		return -ENOMEM;
	return mail_dial_new(connection->base, connection->host, connection->port,
		limited(connection, DIAL_MS), on_dialled, connection, &connection->dial);
}

int mail_connection_new(struct event_base *base, const struct config *config,
	const struct tls_mail *tls, const struct mail_connection_ops *ops, void *arg,
	struct mail_connection **connectionp)
{
	struct mail_connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (connection == NULL)
		return -ENOMEM;
	connection->base = base;
	connection->ops = ops;
	connection->arg = arg;
	connection->fd = -1;
	r = set_up(connection, config, tls);
	if (r < 0) {
		destroy(connection);
		return r;
	}
	*connectionp = connection;
	return 0;
}

/* Tells the server that nothing more comes, if that can be said at once. */
static void say_goodbye(struct bufferevent *buffer)
{
	SSL *ssl = bufferevent_openssl_get_ssl(buffer);

	if (ssl != NULL && SSL_is_init_finished(ssl)) {
		SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
		SSL_shutdown(ssl);
	}
	ERR_clear_error();
}

static void destroy(struct mail_connection *connection)
{
	mail_dial_free(connection->dial);
	if (connection->timer != NULL)
		event_free(connection->timer);
	if (connection->later != NULL)
		event_free(connection->later);
	if (connection->buffer != NULL) {
		say_goodbye(connection->buffer);
		bufferevent_disable(connection->buffer, EV_READ | EV_WRITE);
		bufferevent_free(connection->buffer);
	}
	if (connection->fd >= 0)
		close(connection->fd);
	SSL_free(connection->ssl);
	smtp_free(connection->smtp);
	mail_login_clear(&connection->login);
	free(connection->host);
	free(connection);
}

struct mail_connection *mail_connection_free(struct mail_connection *connection)
{
	if (connection == NULL)
		return NULL;
	connection->doomed = true;
	if (!connection->pumping)
		destroy(connection);
	return NULL;
}

bool mail_connection_is_ready(const struct mail_connection *connection)
{
	return connection->state == STATE_TALK && smtp_is_ready(connection->smtp);
}

bool mail_connection_has_room(const struct mail_connection *connection)
{
	return connection->state == STATE_TALK && smtp_has_room(connection->smtp);
}

unsigned mail_connection_load(const struct mail_connection *connection)
{
	return connection->smtp == NULL ? 0 : smtp_load(connection->smtp);
}

/* After a call of the owner: what it led to is written at once and told later. */
static void follow_up(struct mail_connection *connection)
{
	if (connection->pumping)
		return;
	flush(connection);
	if (connection->state == STATE_TALK)
		arm_reply_timer(connection);
	event_active(connection->later, EV_TIMEOUT, 0);
}

int mail_connection_send(struct mail_connection *connection, const struct smtp_message *mail)
{
	int r;

	if (!mail_connection_has_room(connection))
		return -EBUSY;
	r = smtp_send(connection->smtp, mail);
	follow_up(connection);
	return r;
}

int mail_connection_dot(struct mail_connection *connection)
{
	int r = smtp_dot(connection->smtp);

	follow_up(connection);
	return r;
}

void mail_connection_quit(struct mail_connection *connection)
{
	if (connection->smtp != NULL && smtp_quit(connection->smtp) < 0)
		smtp_lost(connection->smtp, "out of memory");
	follow_up(connection);
}

const char *mail_connection_describe(const struct mail_connection *connection)
{
	return connection->description;
}
