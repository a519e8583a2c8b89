/*
 * reader_process - the reader itself: a process that has mails read, and has nothing that is worth taking
 */
#include "reader_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "reader_child.h"
#include "reader_frame.h"
#include "reader_sandbox.h"

/* Of the environment. What the sanitizers are told holds no secret. */
static const char *const kept[] = {"ASAN_OPTIONS=", "UBSAN_OPTIONS="};
enum { KEPT = sizeof(kept) / sizeof(kept[0]) };

enum { CHANNEL = STDIN_FILENO };

/* ---- starting it ---------------------------------------------------------------------------- */

/* Borrowed from environ, closed by NULL. */
static void find_environment(char *environment[KEPT + 1])
{
	size_t n = 0;

	for (size_t i = 0; READER_SANITIZED && i < KEPT; i++)
		for (char **at = environ; *at != NULL && n <= i; at++)
			if (strncmp(*at, kept[i], strlen(kept[i])) == 0)
				environment[n++] = *at;
	environment[n] = NULL;
}

static int prepare_files(posix_spawn_file_actions_t *files, int socket)
{
	int r = posix_spawn_file_actions_adddup2(files, socket, CHANNEL);

	if (r == 0)
		r = posix_spawn_file_actions_addopen(
			files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0 && !READER_SANITIZED)
		r = posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO);
	return r == 0 ? posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1) : r;
}

/* Signals as a fresh process has them, whatever the daemon ignores. */
static int prepare_signals(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	return r == 0 ? posix_spawnattr_setflags(
		       attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
		      : r;
}

static int spawn(int socket, pid_t *pid)
{
	char program[] = "vacd", command[] = "reader";
	char *const arguments[] = {program, command, NULL};
	char *environment[KEPT + 1];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int r;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attributes) != 0)
		return posix_spawn_file_actions_destroy(&files), -ENOMEM;
	find_environment(environment);
	r = prepare_files(&files, socket);
	if (r == 0)
		r = prepare_signals(&attributes);
	/* This link leads to the running program also when the file has been replaced. */
	if (r == 0)
		r = posix_spawn(pid, "/proc/self/exe", &files, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

int reader_process_start(struct reader_process *process)
{
	int ends[2], r;

	*process = READER_NONE;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	r = spawn(ends[1], &process->pid);
	close(ends[1]);
	if (r < 0) {
		process->pid = 0;
		close(ends[0]);
		return r;
	}
	process->socket = ends[0];
	return 0;
}

void reader_process_end(struct reader_process *process)
{
	if (process->socket >= 0)
		close(process->socket);
	if (process->pid > 0) {
		kill(process->pid, SIGKILL);
		while (waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	*process = READER_NONE;
}

/* ---- the channel, seen from within ---------------------------------------------------------- */

/* False at its end, and when it is broken: then there is nobody left to tell. */
static bool read_all(void *bytes, size_t n)
{
	char *at = bytes;

	while (n > 0) {
		ssize_t some = read(CHANNEL, at, n);

		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0)
			return false;
		at += some;
		n -= (size_t)some;
	}
	return true;
}

static bool write_all(const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n > 0) {
		ssize_t some = write(CHANNEL, at, n);

		if (some < 0 && errno == EINTR)
			continue;
		if (some <= 0)
			return false;
		at += some;
		n -= (size_t)some;
	}
	return true;
}

static bool tell(uint32_t number, enum reader_word word, const char *text, size_t length)
{
	const struct reader_answer answer = {.number = number, .word = word, .length = length};
	unsigned char head[READER_ANSWER_SIZE];

	reader_answer_write(&answer, head);
	return write_all(head, sizeof(head)) && write_all(text, length);
}

static bool tell_text(uint32_t number, enum reader_word word, const char *text)
{
	return tell(number, word, text, strlen(text));
}

/* ---- its work ------------------------------------------------------------------------------- */

/* Memory that holds something of a mail lives no longer than its turn: the next child inherits all
 * there is. */
static void *room_new(size_t size)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room == MAP_FAILED ? NULL : room;
}

static void room_free(void *room, size_t size)
{
	if (room != NULL)
		munmap(room, size);
}

/* False: the process ends. */
static bool serve_mail(
	const struct reader_work *work, const struct reader_request *request, char *raw)
{
	char why[READER_WHY_MAX] = "", *text = room_new(READER_TEXT_MAX);
	size_t length = 0;
	bool goes_on = false;
	int r = -ENOMEM;

	if (text != NULL)
		r = reader_child_read(work, raw, request->length, request->now, request->until,
			text, &length, why);
	if (r == 0)
		goes_on = tell(request->number, READER_SAYS_RECORD, text, length);
	else if (r == READER_CHILD_DIED)
		goes_on = tell_text(request->number, READER_SAYS_DIED, why);
	else
		tell_text(request->number, READER_SAYS_BROKEN, strerror(-r));
	room_free(text, READER_TEXT_MAX);
	return goes_on;
}

static bool serve(const struct reader_work *work)
{
	unsigned char head[READER_REQUEST_SIZE];
	struct reader_request request;
	bool goes_on = false;
	size_t size;
	char *raw;

	if (!read_all(head, sizeof(head)) || reader_request_read(head, &request) != 0)
		return false;
	size = (size_t)request.length + 1;
	raw = room_new(size);
	if (raw == NULL)
		tell_text(request.number, READER_SAYS_BROKEN, strerror(ENOMEM));
	else if (read_all(raw, request.length))
		goes_on = serve_mail(work, &request, raw);
	room_free(raw, size);
	return goes_on;
}

/* ---- its start ------------------------------------------------------------------------------ */

/* The end of the channel is what ends it: a signal to everybody in a terminal or a unit comes while
 * the daemon still has mails to be read. */
static void ignore_signals(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static int broken(const char *what, const char *why)
{
	char text[2 * READER_WHY_MAX];

	snprintf(text, sizeof(text), "%s: %s", what, why);
	tell_text(0, READER_SAYS_BROKEN, text);
	return EXIT_FAILURE;
}

static int set_up(const struct reader_work *work)
{
	char why[READER_WHY_MAX];
	int r = reader_sandbox_prepare();

	if (r < 0)
		return broken("cannot give up its rights", strerror(-r));
	ignore_signals();
	r = work->prepare();
	if (r < 0)
		return broken("cannot load charsets and time zones", strerror(-r));
	r = reader_sandbox_enter();
	if (r < 0)
		return broken("cannot enter its sandbox (libseccomp)", strerror(-r));
	if (reader_child_try(why) != 0)
		return broken("is not safe", why);
	return tell_text(0, READER_SAYS_READY, "in its sandbox") ? 0 : EXIT_FAILURE;
}

int reader_process_run(const struct reader_work *work)
{
	struct stat channel;
	int r;

	if (fstat(CHANNEL, &channel) < 0 || !S_ISSOCK(channel.st_mode)) {
		fputs("vacd: reader is a command of the daemon's own; see vacd(8)\n", stderr);
		return EX_USAGE;
	}
	r = set_up(work);
	if (r == 0)
		while (serve(work))
			;
	_exit(r);
}
