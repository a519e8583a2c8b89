/*
 * bare-sender - hands one ready-made mail to a mail server again and again, as fast as it goes
 *
 *	bare-sender PORT CAFILE MAILFILE COUNT CONNECTIONS EVERY_MS
 *
 * What the benchmark measures vacd's mailer against: TLS to localhost, verified; PIPELINING; the next
 * envelope right behind the final dot; no database, nothing written, nothing remembered. MAILFILE is
 * dot-stuffed already and ends in CR LF. Without EVERY_MS (0) it sends without a pause, else one mail at
 * such a distance on one connection, and prints the milliseconds that each took from MAIL to the last 250,
 * a line each. The last line is "mails seconds cpu_seconds", from when all connections had been greeted.
 */
#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { MAIL_MAX_OCTETS = 1024 * 1024, CONNECTIONS_MAX = 1000 };

struct sender {
	struct event_base *base;
	SSL_CTX *tls;
	char *mail;
	size_t length;
	int port, connections, every_ms;
	int ready;           /* connections that were greeted */
	long count;          /* mails in all */
	long begun, ended;   /* mails whose envelope was written, and that were taken */
	double at, cpu_at;   /* when the first was begun */
	struct event *pause; /* with every_ms */
};

enum line_state { LINE_GREETING, LINE_HELLO, LINE_IDLE, LINE_ENVELOPE, LINE_DOT };

struct line {
	struct sender *sender;
	struct bufferevent *bev;
	enum line_state state;
	bool follows; /* an envelope stands behind the dot */
	int replies;  /* to the envelope, so far */
	double at;
};

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool write_envelope(struct line *line)
{
	static const char envelope[] = "MAIL FROM:<vacd-b+benchbenchbench@agency.example.org>\r\n"
				       "RCPT TO:<coordinator@agency.example.org>\r\nDATA\r\n";
	struct sender *sender = line->sender;

	if (sender->begun == sender->count)
		return false;
	sender->begun++;
	bufferevent_write(line->bev, envelope, sizeof(envelope) - 1);
	return true;
}

static void begin_mail(struct line *line)
{
	line->at = seconds(CLOCK_MONOTONIC);
	line->replies = 0;
	line->state = write_envelope(line) ? LINE_ENVELOPE : LINE_IDLE;
}

static void write_mail(struct line *line)
{
	struct sender *sender = line->sender;

	bufferevent_write(line->bev, sender->mail, sender->length);
	bufferevent_write(line->bev, ".\r\n", 3);
	line->follows = sender->every_ms == 0 && write_envelope(line);
	line->state = LINE_DOT;
}

static void finish(struct sender *sender)
{
	printf("%ld %.6f %.6f\n", sender->count, seconds(CLOCK_MONOTONIC) - sender->at,
		seconds(CLOCK_PROCESS_CPUTIME_ID) - sender->cpu_at);
	event_base_loopbreak(sender->base);
}

static void mail_taken(struct line *line)
{
	struct sender *sender = line->sender;

	if (sender->every_ms > 0)
		printf("%.3f\n", (seconds(CLOCK_MONOTONIC) - line->at) * 1e3);
	line->replies = 0;
	line->state = line->follows ? LINE_ENVELOPE : LINE_IDLE;
	if (++sender->ended == sender->count)
		finish(sender);
}

static void line_greeted(struct line *line)
{
	struct sender *sender = line->sender;
	struct timeval pause = {sender->every_ms / 1000, sender->every_ms % 1000 * 1000L};

	line->state = LINE_IDLE;
	if (++sender->ready < sender->connections)
		return;
	sender->at = seconds(CLOCK_MONOTONIC);
	sender->cpu_at = seconds(CLOCK_PROCESS_CPUTIME_ID);
	if (sender->every_ms > 0)
		event_add(sender->pause, &pause);
	else
		event_active(sender->pause, EV_TIMEOUT, 0);
}

static void reply(struct line *line, const char *text)
{
	if (text[0] != '2' && text[0] != '3')
		errx(1, "the server said: %s", text);
	if (text[3] == '-')
		return;
	switch (line->state) {
	case LINE_GREETING:
		line->state = LINE_HELLO;
		bufferevent_write(line->bev, "EHLO bench.example.org\r\n", 24);
		break;
	case LINE_HELLO:
		line_greeted(line);
		break;
	case LINE_ENVELOPE:
		if (++line->replies == 3)
			write_mail(line);
		break;
	case LINE_DOT:
		mail_taken(line);
		break;
	case LINE_IDLE:
		errx(1, "the server said unasked: %s", text);
	}
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	char *text;

	while ((text = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF_STRICT)) != NULL) {
		reply(arg, text);
		free(text);
	}
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)arg;
	if (!(what & BEV_EVENT_CONNECTED))
		errx(1, "no connection, or none any more");
	if (SSL_get_verify_result(bufferevent_openssl_get_ssl(bev)) != X509_V_OK)
		errx(1, "the server's certificate does not hold");
}

static void open_line(struct sender *sender, struct line *line)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)sender->port)};
	SSL *ssl = SSL_new(sender->tls);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (ssl == NULL || SSL_set1_host(ssl, "localhost") != 1)
		errx(1, "no memory for TLS");
	line->sender = sender;
	line->bev = bufferevent_openssl_socket_new(
		sender->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (line->bev == NULL)
		errx(1, "no memory for a connection");
	bufferevent_setcb(line->bev, on_read, NULL, on_event, line);
	bufferevent_enable(line->bev, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(line->bev, (struct sockaddr *)&address, sizeof(address))
		!= 0)
		err(1, "port %d", sender->port);
}

/* All begin at once; with a distance, one mail each time. */
static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct line *lines = arg;
	struct sender *sender = lines->sender;

	(void)fd;
	(void)what;
	for (int i = 0; i < sender->connections; i++)
		if (lines[i].state == LINE_IDLE)
			begin_mail(&lines[i]);
}

static void read_mail(struct sender *sender, const char *path)
{
	FILE *file = fopen(path, "re");

	if (file == NULL || (sender->mail = malloc(MAIL_MAX_OCTETS)) == NULL)
		err(1, "%s", path);
	sender->length = fread(sender->mail, 1, MAIL_MAX_OCTETS, file);
	if (sender->length < 2 || ferror(file)
		|| memcmp(sender->mail + sender->length - 2, "\r\n", 2) != 0)
		errx(1, "%s: no mail that ends in CR LF", path);
	fclose(file);
}

static int number(const char *text, int least, int most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < least || n > most)
		errx(2, "%s: a number from %d to %d was expected", text, least, most);
	return (int)n;
}

int main(int argc, char **argv)
{
	static struct line lines[CONNECTIONS_MAX];
	struct sender sender = {0};

	if (argc != 7)
		errx(2, "usage: bare-sender PORT CAFILE MAILFILE COUNT CONNECTIONS EVERY_MS");
	signal(SIGPIPE, SIG_IGN);
	sender.port = number(argv[1], 1, 65535);
	read_mail(&sender, argv[3]);
	sender.count = number(argv[4], 1, 100000000);
	sender.every_ms = number(argv[6], 0, 60000);
	sender.connections = number(argv[5], 1, sender.every_ms > 0 ? 1 : CONNECTIONS_MAX);
	sender.base = event_base_new();
	sender.tls = SSL_CTX_new(TLS_client_method());
	if (sender.base == NULL || sender.tls == NULL
		|| SSL_CTX_load_verify_file(sender.tls, argv[2]) != 1)
		errx(1, "%s: cannot be used", argv[2]);
	SSL_CTX_set_verify(sender.tls, SSL_VERIFY_PEER, NULL);
	sender.pause = event_new(sender.base, -1, EV_PERSIST, on_pause, lines);
	for (int i = 0; i < sender.connections; i++)
		open_line(&sender, &lines[i]);
	return event_base_dispatch(sender.base) < 0;
}
