/*
 * mail-sink - a mail server for tests, the demo and the benchmark
 *
 * Speaks SMTP over TLS on 127.0.0.1, takes whatever it is given and writes down what it took:
 * DIR/00000001.eml, … hold the bytes (dots unstuffed), DIR/index.tsv one line a copy in the order in
 * which they came: number, microseconds since 1970, how it ended (taken: 250 was said; unsaid: the
 * connection was closed before any reply), envelope sender, recipients, Message-ID, octets.
 * With --sessions DIR/sessions.tsv gets one line a connection that ended: mails, octets in and out as
 * TLS put them on the wire, and round trips (how often something came after we had spoken).
 * It can be slow and it can be nasty, by chances in percent drawn from a seed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include "sink.h"

enum { LINE_MAX_OCTETS = 4096, MAIL_MAX_OCTETS = 10 * 1024 * 1024 };

static bool chance(struct sink *sink, int percent)
{
	if (percent == 0)
		return false;
	/* xorshift64: the same seed gives the same misfortunes */
	sink->random ^= sink->random << 13;
	sink->random ^= sink->random >> 7;
	sink->random ^= sink->random << 17;
	return (int)(sink->random % 100) < percent;
}

static void session_free(struct session *session)
{
	sink_keep_session(session);
	if (session->later != NULL)
		event_free(session->later);
	bufferevent_free(session->bev);
	free(session);
}

static void say(struct session *session, const char *reply)
{
	session->spoke = true;
	bufferevent_write(session->bev, reply, strlen(reply));
	bufferevent_write(session->bev, "\r\n", 2);
}

static void close_after(struct session *session, const char *reply)
{
	session->state = SESSION_CLOSING;
	say(session, reply);
}

static size_t unstuff(char *mail, size_t length)
{
	size_t to = 0;

	for (size_t from = 0; from < length; from++) {
		bool line_start = from == 0 || mail[from - 1] == '\n';
		if (line_start && mail[from] == '.')
			continue;
		mail[to++] = mail[from];
	}
	mail[to] = '\0';
	return to;
}

/* ---- the dialogue --------------------------------------------------------------------------- */
static void session_read(struct bufferevent *bev, void *arg);

static void session_reset(struct session *session)
{
	session->from[0] = session->to[0] = '\0';
	session->state = SESSION_COMMANDS;
}

static void say_go_on(struct session *session)
{
	session->state = SESSION_DATA;
	say(session, "354 go on");
}

static void say_at_last(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;

	(void)fd;
	(void)what;
	if (session->in_data) {
		session->in_data = false;
		say_go_on(session);
	} else {
		session_reset(session);
		say(session, "250 2.0.0 taken");
	}
	session_read(session->bev, session);
}

static void wait_to_say(struct session *session, int ms)
{
	const struct timeval delay = {ms / 1000, ms % 1000 * 1000L};

	session->state = SESSION_WAITING;
	event_add(session->later, &delay);
}

static void mail_came(struct session *session, char *mail, size_t length)
{
	struct sink *sink = session->sink;

	if (chance(sink, sink->soft)) {
		session_reset(session);
		say(session, "451 4.3.0 not now");
		return;
	}
	if (chance(sink, sink->hard)) {
		session_reset(session);
		say(session, "554 5.6.0 never");
		return;
	}
	length = unstuff(mail, length);
	if (chance(sink, sink->unsaid)) {
		sink_keep_mail(session, mail, length, "unsaid");
		session->state = SESSION_CLOSING;
		return;
	}
	sink_keep_mail(session, mail, length, "taken");
	if (sink->delay_ms == 0) {
		session_reset(session);
		say(session, "250 2.0.0 taken");
		return;
	}
	wait_to_say(session, sink->delay_ms);
}

/* True when the whole mail was there. */
static bool read_data(struct session *session)
{
	struct evbuffer *in = bufferevent_get_input(session->bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n.\r\n", 5, NULL);
	size_t length;
	char *mail;

	if (end.pos < 0) {
		if (evbuffer_get_length(in) > MAIL_MAX_OCTETS)
			close_after(session, "552 5.3.4 too big");
		return false;
	}
	length = (size_t)end.pos + 2;
	mail = malloc(length + 1);
	if (mail == NULL)
		err(1, "mail");
	evbuffer_remove(in, mail, length);
	evbuffer_drain(in, 3);
	mail_came(session, mail, length);
	free(mail);
	return true;
}

static void start_tls(struct session *session);

static void command_ehlo(struct session *session)
{
	struct sink *sink = session->sink;

	session->from[0] = session->to[0] = '\0';
	say(session, "250-sink.example.org");
	if (!sink->no_pipelining)
		say(session, "250-PIPELINING");
	if (sink->starttls && !session->secure)
		say(session, "250-STARTTLS");
	if (sink->auth != NULL && session->secure)
		say(session, "250-AUTH PLAIN LOGIN XOAUTH2");
	say(session, "250-SIZE 10485760");
	say(session, "250-8BITMIME");
	say(session, "250 DSN");
}

static void copy_path(char *to, size_t size, const char *line)
{
	const char *start = strchr(line, '<');
	size_t n = start != NULL ? strcspn(start + 1, ">") : 0;

	snprintf(to, size, "%.*s", (int)n, start != NULL ? start + 1 : "");
}

static void command_mail(struct session *session, const char *line)
{
	if (!session->secure) {
		say(session, "530 5.7.0 TLS first");
	} else if (session->sink->auth != NULL && !session->login) {
		say(session, "530 5.7.0 log in first");
	} else if (chance(session->sink, session->sink->shut)) {
		close_after(session, "421 4.3.2 come again later");
	} else {
		session_reset(session);
		copy_path(session->from, sizeof(session->from), line);
		say(session, "250 2.1.0 yes");
	}
}

static void command_rcpt(struct session *session, const char *line)
{
	size_t used = strlen(session->to);

	if (session->from[0] == '\0') {
		say(session, "503 5.5.1 MAIL first");
	} else if (chance(session->sink, session->sink->soft)) {
		say(session, "450 4.2.0 not now");
	} else if (chance(session->sink, session->sink->hard)) {
		say(session, "550 5.1.1 nobody of that name");
	} else {
		if (used > 0 && used + 1 < sizeof(session->to))
			session->to[used++] = ',';
		copy_path(session->to + used, sizeof(session->to) - used, line);
		say(session, "250 2.1.5 yes");
	}
}

static void command_data(struct session *session)
{
	if (session->to[0] == '\0') {
		say(session, "503 5.5.1 RCPT first");
	} else if (chance(session->sink, session->sink->cut)) {
		session->state = SESSION_CLOSING;
	} else if (session->sink->data_delay_ms > 0) {
		session->in_data = true;
		wait_to_say(session, session->sink->data_delay_ms);
	} else {
		say_go_on(session);
	}
}

/* Any login is good: what is tested is that the client speaks the mechanism. LOGIN asks twice. */
static void command_auth(struct session *session, const char *line)
{
	if (session->sink->auth != NULL && strcmp(session->sink->auth, "refuse") == 0) {
		say(session, "535 5.7.8 not you");
		return;
	}
	if (strncasecmp(line, "AUTH LOGIN", 10) == 0) {
		session->state = SESSION_AUTH;
		say(session, "334 VXNlcm5hbWU6");
	} else if (strchr(line + 5, ' ') == NULL) {
		session->state = SESSION_AUTH;
		session->login = true; /* one more line, and then it is good */
		say(session, "334 ");
	} else {
		session->login = true;
		say(session, "235 2.7.0 welcome");
	}
}

static void auth_line(struct session *session)
{
	if (!session->login) {
		session->login = true;
		say(session, "334 UGFzc3dvcmQ6");
		return;
	}
	session->state = SESSION_COMMANDS;
	say(session, "235 2.7.0 welcome");
}

static void command(struct session *session, const char *line)
{
	if (strncasecmp(line, "EHLO", 4) == 0 || strncasecmp(line, "HELO", 4) == 0)
		command_ehlo(session);
	else if (strcasecmp(line, "STARTTLS") == 0 && session->sink->starttls && !session->secure)
		start_tls(session);
	else if (strncasecmp(line, "AUTH ", 5) == 0 && session->secure)
		command_auth(session, line);
	else if (strncasecmp(line, "MAIL FROM:", 10) == 0)
		command_mail(session, line);
	else if (strncasecmp(line, "RCPT TO:", 8) == 0)
		command_rcpt(session, line);
	else if (strcasecmp(line, "DATA") == 0)
		command_data(session);
	else if (strcasecmp(line, "QUIT") == 0)
		close_after(session, "221 2.0.0 bye");
	else if (strcasecmp(line, "RSET") == 0 || strcasecmp(line, "NOOP") == 0) {
		session_reset(session);
		say(session, "250 2.0.0 yes");
	} else
		say(session, "502 5.5.2 what?");
}

static void read_command(struct session *session)
{
	struct evbuffer *in = bufferevent_get_input(session->bev);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF_STRICT);

	if (line == NULL)
		return;
	if (session->state == SESSION_AUTH)
		auth_line(session);
	else
		command(session, line);
	free(line);
}

static void session_read(struct bufferevent *bev, void *arg)
{
	struct session *session = arg;

	for (;;) {
		struct evbuffer *in = bufferevent_get_input(session->bev);
		size_t before = evbuffer_get_length(in);

		if (session->state == SESSION_WAITING || before == 0)
			break;
		if (session->state == SESSION_CLOSING) {
			evbuffer_drain(in, before);
			break;
		}
		if (session->state == SESSION_DATA)
			read_data(session);
		else
			read_command(session);
		if (session->bev != bev) /* STARTTLS: the rest is for the new one */
			return;
		if (evbuffer_get_length(in) == before) {
			if (before > LINE_MAX_OCTETS && session->state != SESSION_DATA)
				close_after(session, "500 5.5.2 too long");
			break;
		}
	}
	if (session->state == SESSION_CLOSING
		&& evbuffer_get_length(bufferevent_get_output(session->bev)) == 0)
		session_free(session);
}

static void session_heard(struct bufferevent *bev, void *arg)
{
	struct session *session = arg;

	session->trips += session->spoke;
	session->spoke = false;
	session_read(bev, session);
}

static void session_written(struct bufferevent *bev, void *arg)
{
	struct session *session = arg;

	(void)bev;
	if (session->state == SESSION_CLOSING)
		session_free(session);
}

static void session_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
		session_free(arg);
}

static void session_listen(struct session *session)
{
	bufferevent_setcb(session->bev, session_heard, session_written, session_event, session);
	bufferevent_enable(session->bev, EV_READ | EV_WRITE);
}

static struct bufferevent *tls_bufferevent(struct sink *sink, evutil_socket_t fd)
{
	SSL *ssl = SSL_new(sink->tls);
	struct bufferevent *bev = ssl == NULL
					  ? NULL
					  : bufferevent_openssl_socket_new(sink->base, fd, ssl,
						  BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);

	if (bev == NULL)
		errx(1, "no memory for TLS");
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static void start_tls(struct session *session)
{
	static const char reply[] = "220 2.0.0 go on\r\n";
	struct bufferevent *plain = session->bev;
	evutil_socket_t fd = bufferevent_getfd(plain);

	if (send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(reply) - 1)
		warn("STARTTLS");
	bufferevent_setfd(plain, -1);
	session->bev = tls_bufferevent(session->sink, fd);
	session->secure = true;
	session_listen(session);
	bufferevent_free(plain);
}

static void session_new(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
	int peer_length, void *arg)
{
	struct sink *sink = arg;
	struct session *session = calloc(1, sizeof(*session));

	(void)listener;
	(void)peer;
	(void)peer_length;
	if (session == NULL)
		err(1, "session");
	session->sink = sink;
	session->later = event_new(sink->base, -1, 0, say_at_last, session);
	if (sink->starttls) {
		session->bev = bufferevent_socket_new(sink->base, fd, BEV_OPT_CLOSE_ON_FREE);
	} else {
		session->bev = tls_bufferevent(sink, fd);
		session->secure = true;
	}
	session_listen(session);
	say(session, "220 sink.example.org ESMTP");
}

/* ---- start ---------------------------------------------------------------------------------- */
static int number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 0 || n > 1000000)
		errx(2, "%s: a number was expected", text);
	return (int)n;
}

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG };

static const struct sink_option {
	const char *name;
	enum option_type type;
	size_t member;
} sink_options[] = {
	{"dir", OPTION_TEXT, offsetof(struct sink, dir)},
	{"cert", OPTION_TEXT, offsetof(struct sink, cert)},
	{"key", OPTION_TEXT, offsetof(struct sink, key)},
	{"auth", OPTION_TEXT, offsetof(struct sink, auth)},
	{"port", OPTION_NUMBER, offsetof(struct sink, port)},
	{"delay-ms", OPTION_NUMBER, offsetof(struct sink, delay_ms)},
	{"data-delay-ms", OPTION_NUMBER, offsetof(struct sink, data_delay_ms)},
	{"soft", OPTION_NUMBER, offsetof(struct sink, soft)},
	{"hard", OPTION_NUMBER, offsetof(struct sink, hard)},
	{"unsaid", OPTION_NUMBER, offsetof(struct sink, unsaid)},
	{"cut", OPTION_NUMBER, offsetof(struct sink, cut)},
	{"shut", OPTION_NUMBER, offsetof(struct sink, shut)},
	{"seed", OPTION_NUMBER, offsetof(struct sink, seed)},
	{"starttls", OPTION_FLAG, offsetof(struct sink, starttls)},
	{"index-only", OPTION_FLAG, offsetof(struct sink, index_only)},
	{"no-pipelining", OPTION_FLAG, offsetof(struct sink, no_pipelining)},
	{"sessions", OPTION_FLAG, offsetof(struct sink, sessions)},
};

static int set_option(struct sink *sink, const struct sink_option *option, const char *value)
{
	void *member = (char *)sink + option->member;

	if (option->type == OPTION_FLAG) {
		*(bool *)member = true;
		return 1;
	}
	if (value == NULL)
		errx(2, "--%s needs a value", option->name);
	if (option->type == OPTION_TEXT)
		*(const char **)member = value;
	else
		*(int *)member = number(value);
	return 2;
}

static void read_options(struct sink *sink, int argc, char **argv)
{
	for (int i = 1; i < argc;) {
		const struct sink_option *found = NULL;

		for (size_t k = 0; k < sizeof(sink_options) / sizeof(*sink_options); k++)
			if (strncmp(argv[i], "--", 2) == 0
				&& strcmp(argv[i] + 2, sink_options[k].name) == 0)
				found = &sink_options[k];
		if (found == NULL)
			errx(2, "%s: no such option", argv[i]);
		i += set_option(sink, found, argv[i + 1]);
	}
	if (sink->dir == NULL || sink->cert == NULL || sink->key == NULL)
		errx(2, "--dir, --cert and --key are needed");
	sink->random = (uint64_t)sink->seed * 0x9e3779b97f4a7c15u + 1;
}

static void open_tls(struct sink *sink)
{
	sink->tls = SSL_CTX_new(TLS_server_method());
	if (sink->tls == NULL || !SSL_CTX_set_min_proto_version(sink->tls, TLS1_2_VERSION)
		|| SSL_CTX_use_certificate_chain_file(sink->tls, sink->cert) != 1
		|| SSL_CTX_use_PrivateKey_file(sink->tls, sink->key, SSL_FILETYPE_PEM) != 1)
		errx(1, "certificate or key cannot be used: %s, %s", sink->cert, sink->key);
}

static void open_socket(struct sink *sink)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)sink->port)};
	socklen_t length = sizeof(address);
	struct evconnlistener *listener;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = evconnlistener_new_bind(sink->base, session_new, sink,
		LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_FREE, 128, (struct sockaddr *)&address,
		sizeof(address));
	if (listener == NULL
		|| getsockname(
			   evconnlistener_get_fd(listener), (struct sockaddr *)&address, &length)
			   != 0)
		err(1, "port %d", sink->port);
	printf("listening on %d\n", ntohs(address.sin_port));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sink sink = {0};

	read_options(&sink, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if ((sink.base = event_base_new()) == NULL)
		errx(1, "no event loop");
	sink_open_lists(&sink);
	open_tls(&sink);
	open_socket(&sink);
	return event_base_dispatch(sink.base) < 0;
}
