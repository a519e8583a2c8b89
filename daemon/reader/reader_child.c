/*
 * reader_child - one mail, read by a process of its own that may come to harm
 */
#include "reader_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "octets.h"
#include "reader_frame.h"
#include "reader_sandbox.h"

enum { EXIT_NO_SANDBOX = 72 };

/* Seen from the reader. */
struct child {
	pid_t pid;
	int handle, pipe; /* -1 once closed */
	char *out;
	size_t length, room;
	bool too_long, too_big;
};

static int say(char why[READER_WHY_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int say(char why[READER_WHY_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, READER_WHY_MAX, format, args);
	va_end(args);
	return READER_CHILD_DIED;
}

/* ---- in the child --------------------------------------------------------------------------- */

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t some = write(fd, bytes, n);

		if (some < 0)
			return -errno;
		bytes += some;
		n -= (size_t)some;
	}
	return 0;
}

static void __attribute__((noreturn)) child_reads(const struct reader_work *work, const char *raw,
	size_t n, int64_t now, int64_t until, int pipe, pid_t parent)
{
	struct octets out = {0};
	char *text;
	size_t length;
	int r;

	if (reader_sandbox_enter_child(pipe, parent) < 0)
		_exit(EXIT_NO_SANDBOX);
	r = work->read(raw, n, now, until, &out);
	if (r == 0)
		r = octets_take(&out, &text, &length);
	if (r == 0)
		r = write_all(pipe, text, length);
	_exit(r == 0 ? EXIT_SUCCESS : r == -ENOMEM ? READER_EXIT_NO_MEMORY : EXIT_FAILURE);
}

static void __attribute__((noreturn)) child_tries(pid_t parent)
{
	if (reader_sandbox_enter_child(-1, parent) < 0)
		_exit(EXIT_NO_SANDBOX);
	reader_sandbox_try();
	_exit(EXIT_SUCCESS);
}

/* ---- watching it ---------------------------------------------------------------------------- */

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* False at its end. */
static bool take_some(struct child *child)
{
	char over;
	bool full = child->length == child->room;
	ssize_t n = full ? read(child->pipe, &over, 1)
			 : read(child->pipe, child->out + child->length,
				 child->room - child->length);

	if (n <= 0)
		return false;
	child->too_big = full;
	if (!full)
		child->length += (size_t)n;
	return !full;
}

static void close_pipe(struct child *child)
{
	close(child->pipe);
	child->pipe = -1;
}

/* Until it is dead, or has to be. What it does with its end of the pipe proves nothing. */
static void watch(struct child *child)
{
	const long long end = now_ms() + READER_WALL_MS;

	for (;;) {
		struct pollfd fds[] = {{.fd = child->handle, .events = POLLIN},
			{.fd = child->pipe, .events = POLLIN}};
		long long left = end - now_ms();
		int n = left > 0 ? poll(fds, 2, (int)left) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		child->too_long = n <= 0;
		if (child->too_long)
			return;
		if (fds[1].revents != 0 && !take_some(child))
			close_pipe(child);
		if (child->too_big)
			return;
		if (fds[0].revents != 0)
			break;
	}
	while (child->pipe >= 0 && !child->too_big)
		if (!take_some(child))
			close_pipe(child);
}

static int how_it_ended(
	const struct child *child, int status, const struct rusage *usage, char why[READER_WHY_MAX])
{
	const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	const long cpu_s = usage->ru_utime.tv_sec + usage->ru_stime.tv_sec;

	if (child->too_big)
		return say(why, "wrote more than a record may hold");
	if (child->too_long)
		return say(why, "took longer than %d s", READER_WALL_MS / 1000);
	if (signal == SIGXCPU || (signal == SIGKILL && cpu_s >= READER_CPU_S))
		return say(why, "took more than %d s of computing", READER_CPU_S);
	if (signal == SIGSYS)
		return say(why, "asked the system for what the sandbox forbids");
	if (signal != 0)
		return say(why, "ended by signal %d", signal);
	if (WEXITSTATUS(status) == READER_EXIT_NO_MEMORY)
		return say(why, "wanted more than %d MiB of memory", READER_MEMORY >> 20);
	if (WEXITSTATUS(status) == EXIT_NO_SANDBOX)
		return -EPERM;
	if (WEXITSTATUS(status) != EXIT_SUCCESS)
		return say(why, "gave up with status %d", WEXITSTATUS(status));
	return 0;
}

/* ---- its life ------------------------------------------------------------------------------- */

/* What is watched already has to be forked, or a dead one's number could be somebody else's. */
static int take_handle(struct child *child, int pipe)
{
	child->pipe = pipe;
	child->handle = pidfd_open(child->pid, 0);
	return child->handle < 0 ? -errno : 0;
}

static int end(struct child *child, char why[READER_WHY_MAX])
{
	struct rusage usage = {0};
	int status = 0;

	if (child->too_long || child->too_big)
		pidfd_send_signal(child->handle, SIGKILL, NULL, 0);
	while (wait4(child->pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return -errno;
	if (child->pipe >= 0)
		close_pipe(child);
	close(child->handle);
	return how_it_ended(child, status, &usage, why);
}

int reader_child_read(const struct reader_work *work, const char *raw, size_t n, int64_t now,
	int64_t until, char *out, size_t *length, char why[READER_WHY_MAX])
{
	struct child child = {.out = out, .room = READER_TEXT_MAX};
	const pid_t self = getpid();
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	child.pid = fork();
	if (child.pid == 0)
		child_reads(work, raw, n, now, until, ends[1], self);
	close(ends[1]);
	if (child.pid < 0)
		return close(ends[0]), -EAGAIN;
	r = take_handle(&child, ends[0]);
	if (r < 0)
		return r;
	watch(&child);
	r = end(&child, why);
	*length = child.length;
	return r;
}

int reader_child_try(char why[READER_WHY_MAX])
{
	const pid_t self = getpid(), pid = fork();
	int status = 0;

	if (pid == 0)
		child_tries(self);
	if (pid < 0 || wait4(pid, &status, 0, NULL) < 0)
		return say(why, "fork: %s", strerror(errno));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_SANDBOX)
		return say(why, "a child cannot enter its sandbox");
	return say(why, "the sandbox does not hold: a child could open a file or a socket");
}
