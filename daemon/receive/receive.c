/*
 * receive - `vacd receive`: one mail on standard input, by LMTP to the daemon
 */
#include "../receive.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "receive_letter.h"

#define SOCKET_PATH "/run/vacd/lmtp" /* of vacd-lmtp.socket */

enum {
	WAIT_SECONDS = 300, /* for each reply, as RFC 5321 4.5.3.2 says */
	FIELDS_MOST = 8,
	LINE_SIZE = 1024,
	ADDRESS_SIZE = 255,
};

struct receive {
	const char *socket;
	const char *sender;
	const char *fields[FIELDS_MOST]; /* whose addresses are tried first */
	size_t n_fields;
	char **recipients;
	size_t n_recipients;
	int fd;
	FILE *in;
	char line[LINE_SIZE]; /* the last reply's last line */
	size_t accepted;
	int status; /* what to exit with: the worst so far */
};

/* ---- replies -------------------------------------------------------------------------------- */

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *fmt, ...)
{
	va_list ap;

	fputs("vacd receive: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* What may work later outweighs what never will: whoever has the mail keeps it. */
static void worsen(struct receive *receive, int status)
{
	if (receive->status == EX_OK || status == EX_TEMPFAIL)
		receive->status = status;
}

static int status_of(const char *reply)
{
	switch (reply[0]) {
	case '2':
	case '3':
		return EX_OK;
	case '5':
		break;
	default:
		return EX_TEMPFAIL;
	}
	if (strncmp(reply, "550", 3) == 0)
		return EX_NOUSER;
	if (strncmp(reply, "552", 3) == 0 || strncmp(reply, "501", 3) == 0)
		return EX_DATAERR;
	return EX_UNAVAILABLE;
}

/* Status of the next reply; EX_TEMPFAIL as well when none comes. */
static int hear(struct receive *receive)
{
	do {
		if (!fgets(receive->line, sizeof(receive->line), receive->in)) {
			snprintf(receive->line, sizeof(receive->line), "no reply: %s",
				ferror(receive->in) ? strerror(errno) : "connection closed");
			return EX_TEMPFAIL;
		}
		receive->line[strcspn(receive->line, "\r\n")] = '\0';
	} while (strlen(receive->line) > 3 && receive->line[3] == '-');
	return status_of(receive->line);
}

static bool say_bytes(struct receive *receive, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(receive->fd, bytes, n, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return false;
		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		}
	}
	return true;
}

static int ask(struct receive *receive, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One command, and the status of its reply. What could not be said shows in the reply that is missing. */
static int ask(struct receive *receive, const char *fmt, ...)
{
	char line[LINE_SIZE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		snprintf(receive->line, sizeof(receive->line), "an address is too long");
		return EX_DATAERR;
	}
	say_bytes(receive, line, (size_t)n);
	return hear(receive);
}

/* ---- the dialogue --------------------------------------------------------------------------- */

/* Status of the reply; one that is not fine counts, unless another address would do instead. */
static int offer(struct receive *receive, const char *address, bool others_follow)
{
	int status = ask(receive, "RCPT TO:<%s>\r\n", address);

	if (status == EX_OK) {
		receive->accepted++;
	} else if (status == EX_TEMPFAIL || !others_follow) {
		complain("%s: %s", address, receive->line);
		worsen(receive, status);
	}
	return status;
}

static void offer_all(struct receive *receive)
{
	for (size_t i = 0; i < receive->n_recipients; i++)
		offer(receive, receive->recipients[i], false);
}

/* Of the header's addresses, and then of those that were named, the first that is taken. */
static void offer_one(struct receive *receive, const struct octets *letter)
{
	char address[ADDRESS_SIZE];
	int status = EX_NOUSER;

	for (size_t i = 0; i < receive->n_fields; i++) {
		receive_letter_address(letter, receive->fields[i], address, sizeof(address));
		if (address[0])
			status = offer(receive, address, true);
		if (status == EX_OK || status == EX_TEMPFAIL)
			return;
	}
	for (size_t i = 0; i < receive->n_recipients; i++) {
		status = offer(receive, receive->recipients[i], true);
		if (status == EX_OK || status == EX_TEMPFAIL)
			return;
	}
	complain("none of its recipients is ours");
	worsen(receive, EX_NOUSER);
}

static bool say_letter(struct receive *receive, const struct octets *letter)
{
	const char *line = letter->data, *end = line + letter->length;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *next = newline ? newline + 1 : end;

		/* Written line by line only where a dot must be doubled. */
		while (next < end && *next != '.') {
			newline = memchr(next, '\n', (size_t)(end - next));
			next = newline ? newline + 1 : end;
		}
		if (*line == '.' && !say_bytes(receive, ".", 1))
			return false;
		if (!say_bytes(receive, line, (size_t)(next - line)))
			return false;
		line = next;
	}
	return say_bytes(receive, ".\r\n", 3);
}

static void hand_over(struct receive *receive, const struct octets *letter)
{
	int status = ask(receive, "DATA\r\n");

	if (status != EX_OK) {
		complain("%s", receive->line);
		worsen(receive, status);
		return;
	}
	say_letter(receive, letter); /* if it fails, a reply or its absence says why */
	for (size_t i = 0; i < receive->accepted; i++) {
		status = hear(receive);
		if (status != EX_OK) {
			complain("%s", receive->line);
			worsen(receive, status);
		}
		if (feof(receive->in) || ferror(receive->in))
			break;
	}
}

static void talk(struct receive *receive, const struct octets *letter)
{
	int status = hear(receive);

	if (status == EX_OK)
		status = ask(receive, "LHLO localhost\r\n");
	if (status == EX_OK)
		status = ask(
			receive, "MAIL FROM:<%s> SIZE=%zu\r\n", receive->sender, letter->length);
	if (status != EX_OK) {
		complain("%s", receive->line);
		worsen(receive, status);
		return;
	}
	if (receive->n_fields > 0)
		offer_one(receive, letter);
	else
		offer_all(receive);
	if (receive->accepted > 0)
		hand_over(receive, letter);
	say_bytes(receive, "QUIT\r\n", 6);
}

/* ---- the connection ------------------------------------------------------------------------- */

static int dial(const char *path)
{
	const struct timeval wait = {.tv_sec = WAIT_SECONDS};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait))
		|| setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait))
		|| connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		int problem = errno;

		close(fd);
		errno = problem;
		return -1;
	}
	return fd;
}

static int deliver(struct receive *receive, const struct octets *letter)
{
	receive->fd = dial(receive->socket);
	if (receive->fd < 0) {
		complain("%s: %s; is the daemon running?", receive->socket, strerror(errno));
		return EX_TEMPFAIL;
	}
	receive->in = fdopen(receive->fd, "r");
	if (!receive->in) {
		close(receive->fd);
		return EX_TEMPFAIL;
	}
	talk(receive, letter);
	fclose(receive->in);
	return receive->status;
}

/* ---- the command line ----------------------------------------------------------------------- */

static int usage(const char *what)
{
	complain("%s; usage: vacd receive [--socket PATH] [-f SENDER] [--field NAME]… [RECIPIENT…]",
		what);
	return EX_USAGE;
}

/* A sender that is none ("unknown", "MAILER-DAEMON") is the null one. */
static const char *sender_of(const char *text)
{
	return receive_is_address(text) ? text : "";
}

static int read_options(struct receive *receive, int argc, char **argv)
{
	static const struct option options[] = {{"socket", required_argument, NULL, 's'},
		{"field", required_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

	for (int option; (option = getopt_long(argc, argv, "f:", options, NULL)) != -1;) {
		if (option == 'f')
			receive->sender = sender_of(optarg);
		else if (option == 's')
			receive->socket = optarg;
		else if (option == 'h' && receive->n_fields < FIELDS_MOST)
			receive->fields[receive->n_fields++] = optarg;
		else
			return usage("it cannot be understood");
	}
	receive->recipients = argv + optind;
	receive->n_recipients = (size_t)(argc - optind);
	for (size_t i = 0; i < receive->n_recipients; i++)
		if (!receive_is_address(receive->recipients[i]))
			return usage("a recipient is no address");
	return EX_OK;
}

int receive_command(const struct config *config, int argc, char **argv)
{
	char *ours[] = {config ? config->mail_from : NULL};
	struct receive receive = {.socket = SOCKET_PATH, .sender = "", .status = EX_OK};
	struct octets letter = {0};
	int r;

	if (config && config->lmtp_socket[0])
		receive.socket = config->lmtp_socket;
	r = read_options(&receive, argc, argv);
	if (r != EX_OK)
		return r;
	if (receive.n_recipients == 0 && ours[0] && ours[0][0]) {
		receive.recipients = ours;
		receive.n_recipients = 1;
	}
	if (receive.n_recipients + receive.n_fields == 0)
		return usage("no recipient is named, nor is mail_from configured");
	r = receive_letter_read(stdin, &letter);
	if (r == 0 && letter.length == 0)
		r = -ENODATA;
	if (r < 0) {
		complain("standard input: %s", r == -ENODATA ? "empty" : strerror(-r));
		r = r == -EFBIG || r == -ENODATA ? EX_DATAERR : EX_TEMPFAIL;
	} else {
		r = deliver(&receive, &letter);
	}
	octets_clear(&letter);
	return r;
}
