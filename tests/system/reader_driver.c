/*
 * reader_driver - has lines of its standard input read by a reader, and says what came back
 *
 * What a mail does to the process that reads it is up to this program: the line names it. Beside the
 * loop and the answers everything is the daemon's own. "reader-driver calls" prints what the reader's own
 * sandbox lets a process ask the kernel for.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile_acts.h"
#include "octets.h"
#include "reader.h"
#include "reader/reader_child.h"
#include "reader/reader_process.h"
#include "reader/reader_sandbox.h"

/* ---- what a mail does ----------------------------------------------------------------------- */

static int prepare(void)
{
	return getenv("READER_DRIVER_BROKEN") != NULL ? -ENOENT : 0;
}

static int read_act(const char *raw, size_t n, int64_t now, int64_t until, struct octets *out)
{
	char text[120];
	int r = hostile_act(raw, n, out);

	if (r != -ENOSYS)
		return r;
	snprintf(text, sizeof(text),
		"a@example.org\nb@example.org\n\n{\"length\": %zu, \"now\": %lld, \"until\": %lld}",
		n, (long long)now, (long long)until);
	octets_add_text(out, text);
	return 0;
}

static const struct reader_work work = {.prepare = prepare, .read = read_act};

/* ---- what the reader itself may ask for ----------------------------------------------------- */

enum { CALLS = 600 };

/* 0: it came back, or ended the process as it should; else the signal it died of; -1: no process. */
static int try_call(long number)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (reader_sandbox_prepare() < 0 || reader_sandbox_enter() < 0)
			_exit(EXIT_FAILURE);
		(void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
		_exit(EXIT_SUCCESS);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* The numbers that a process in the reader's own sandbox is not ended for, a line each. */
static int print_calls(void)
{
	for (long number = 0; number < CALLS; number++)
		if (try_call(number) != SIGSYS)
			printf("%ld\n", number);
	return EXIT_SUCCESS;
}

/* ---- the daemon's side ---------------------------------------------------------------------- */

struct driver {
	struct event_base *base;
	struct reader *reader;
	struct event *input;
	struct evbuffer *lines;
	bool ended;
};

static void say(const char *word, const char *text)
{
	printf("%s %s\n", word, text);
	fflush(stdout);
}

static void read_lines(struct driver *driver);

static void on_done(const struct reader_reply *reply, void *arg)
{
	static const char *const words[] = {
		[READER_RECORD] = "record", [READER_DIED] = "died", [READER_AWAY] = "away"};

	printf("%s", words[reply->outcome]);
	for (size_t i = 0; i < reply->n_addresses; i++)
		printf(" %s", reply->addresses[i]);
	say("", reply->outcome == READER_RECORD ? reply->json : reply->why);
	read_lines(arg);
}

/* A line is a mail; "long N" is one of N octets. */
static void read_line(struct driver *driver, const char *line)
{
	size_t n = strncmp(line, "long ", 5) == 0 ? strtoul(line + 5, NULL, 10) : strlen(line);
	char *raw = calloc(1, n + 1);
	int r;

	if (raw == NULL)
		abort();
	(void)snprintf(raw, n + 1, "%s", line);
	r = reader_read(driver->reader, raw, n, 1000, 2000, on_done, driver);
	free(raw);
	if (r < 0)
		say("refused", strerror(-r));
}

static void read_lines(struct driver *driver)
{
	char *line;

	while (reader_is_free(driver->reader)
		&& (line = evbuffer_readln(driver->lines, NULL, EVBUFFER_EOL_LF)) != NULL) {
		read_line(driver, line);
		free(line);
	}
	if (driver->ended && reader_is_free(driver->reader))
		event_base_loopbreak(driver->base);
}

static void on_input(evutil_socket_t fd, short what, void *arg)
{
	struct driver *driver = arg;

	(void)what;
	if (evbuffer_read(driver->lines, fd, -1) <= 0) {
		driver->ended = true;
		event_del(driver->input);
	}
	read_lines(driver);
}

static void on_state(bool up, void *arg)
{
	struct driver *driver = arg;

	say(up ? "up" : "down", reader_problem(driver->reader));
	read_lines(driver);
}

static int set_up(struct driver *driver)
{
	struct reader_process process;
	int r = reader_process_start(&process);

	if (r < 0)
		return r;
	driver->base = event_base_new();
	driver->lines = evbuffer_new();
	if (driver->base == NULL || driver->lines == NULL)
		return -ENOMEM;
	driver->input = event_new(
		driver->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, driver);
	if (driver->input == NULL || event_add(driver->input, NULL) < 0)
		return -ENOMEM;
	r = reader_new(driver->base, &process, &driver->reader);
	if (r == 0)
		reader_watch(driver->reader, on_state, driver);
	return r;
}

int main(int argc, char **argv)
{
	struct driver driver = {.base = NULL};

	if (argc > 1 && strcmp(argv[1], "reader") == 0)
		return reader_process_run(&work);
	if (argc > 1 && strcmp(argv[1], "calls") == 0)
		return print_calls();
	signal(SIGPIPE, SIG_IGN);
	if (set_up(&driver) < 0)
		return EXIT_FAILURE;
	event_base_dispatch(driver.base);
	reader_free(driver.reader);
	event_free(driver.input);
	evbuffer_free(driver.lines);
	event_base_free(driver.base);
	return EXIT_SUCCESS;
}
