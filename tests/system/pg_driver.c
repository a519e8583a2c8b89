/*
 * pg_driver - drives daemon/pg.c from a test: commands on stdin, what happens on stdout
 *
 * pg-driver CONNINFO TIMEOUT_MS
 *   call SQL       a call; its end is "N done FIRST-FIELD", "N refused SQLSTATE" or "N lost", N counting up
 *   big BYTES      a call with a parameter of that many bytes
 *   drop-in-reply  the next reply drops the connection, and tries to call
 *   free-in-reply  the next reply frees everything; the program ends
 *   drop           drops the connection
 *   other CONNINFO another connection; "other up" and "other down"
 *   watch          opens a descriptor and has the loop watch it; "heard" when the loop tells of it
 * Besides: "up", "down", "notify CHANNEL", "not connected".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <event2/event.h>

#include "log.h"
#include "pg.h"

enum on_reply { NOTHING, DROP, FREE };

static struct event_base *base;
static struct pg *pg, *other;
static struct pg_options options = {.application = "driver", .password_file = ""};
static struct event *input, *watched;
static enum on_reply on_reply;
enum { MOST_CALLS = 4096 };
static int calls, numbers[MOST_CALLS];
static char *pending;
static size_t pending_size;

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void on_state(struct pg *which, bool up, void *arg)
{
	(void)arg;
	if (up != pg_is_up(which))
		abort();
	printf("%s%s\n", which == other ? "other " : "", up ? "up" : "down");
	fflush(stdout);
}

static void on_notify(const char *channel, void *arg)
{
	(void)arg;
	printf("notify %s\n", channel);
	fflush(stdout);
}

static void after_reply(void)
{
	enum on_reply what = on_reply;

	on_reply = NOTHING;
	if (what == DROP) {
		pg_drop(pg);
		if (pg_call(pg, "SELECT 1", 0, NULL, NULL, NULL) == -ENOTCONN)
			say("not connected");
	} else if (what == FREE) {
		pg = pg_free(pg);
		event_base_loopbreak(base);
	}
}

static void on_done(const struct pg_reply *reply, void *arg)
{
	int number = *(const int *)arg;
	const char *first = "";

	if (reply->outcome == PG_DONE && PQntuples(reply->result) > 0)
		first = pg_text(reply->result, 0, 0);
	if (reply->outcome == PG_DONE)
		printf("%d done %s\n", number, first ? first : "NULL");
	else if (reply->outcome == PG_REFUSED)
		printf("%d refused %s\n", number, reply->sqlstate);
	else
		printf("%d lost\n", number);
	fflush(stdout);
	after_reply();
}

static void call(const char *statement, int n, const char *const *values)
{
	int *number = &numbers[calls % MOST_CALLS];

	*number = ++calls;
	if (pg_call(pg, statement, n, values, on_done, number))
		say("not connected");
}

static void call_big(size_t size)
{
	char *text = malloc(size + 1);
	const char *values[] = {text};

	if (!text)
		abort();
	memset(text, 'x', size);
	text[size] = '\0';
	call("SELECT length($1::text)", 1, values);
	free(text);
}

static void on_heard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	say("heard");
}

static void watch(void)
{
	int fd = eventfd(1, EFD_CLOEXEC);

	watched = event_new(base, fd, EV_READ, on_heard, NULL);
	if (!watched || event_add(watched, NULL) < 0)
		abort();
}

static void connect_other(const char *conninfo)
{
	struct pg_options its = options;

	its.conninfo = conninfo;
	its.channels = NULL;
	if (pg_new(base, &its, &other))
		abort();
}

static void obey(char *line)
{
	if (strncmp(line, "call ", 5) == 0)
		call(line + 5, 0, NULL);
	else if (strncmp(line, "big ", 4) == 0)
		call_big(strtoul(line + 4, NULL, 10));
	else if (strcmp(line, "drop-in-reply") == 0)
		on_reply = DROP;
	else if (strcmp(line, "free-in-reply") == 0)
		on_reply = FREE;
	else if (strcmp(line, "drop") == 0)
		pg_drop(pg);
	else if (strncmp(line, "other ", 6) == 0)
		connect_other(line + 6);
	else if (strcmp(line, "watch") == 0)
		watch();
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	char text[4096];
	ssize_t n = read(fd, text, sizeof(text));
	char *end;

	(void)what;
	(void)arg;
	if (n <= 0) {
		event_base_loopbreak(base);
		return;
	}
	pending = realloc(pending, pending_size + (size_t)n);
	if (!pending)
		abort();
	memcpy(pending + pending_size, text, (size_t)n);
	pending_size += (size_t)n;
	while (pending_size && (end = memchr(pending, '\n', pending_size))) {
		size_t length = (size_t)(end - pending) + 1;

		*end = '\0';
		obey(pending);
		pending_size -= length;
		memmove(pending, pending + length, pending_size);
	}
}

int main(int argc, char **argv)
{
	static const char *const channels[] = {"one", "two", NULL};

	if (argc != 3)
		return 64;
	log_set_level(LOG_DEBUG);
	options.channels = channels;
	options.notify = on_notify;
	options.state = on_state;
	options.conninfo = argv[1];
	options.timeout_ms = strtol(argv[2], NULL, 10);
	base = event_base_new();
	input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
	event_add(input, NULL);
	if (pg_new(base, &options, &pg))
		return 1;
	event_base_dispatch(base);
	pg_free(pg);
	pg_free(other);
	event_free(input);
	if (watched)
		event_free(watched);
	event_base_free(base);
	free(pending);
	return 0;
}
