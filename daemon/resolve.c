/*
 * resolve - host names to addresses without blocking the loop
 */
#include "resolve.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What loop and thread share; the one that lets go last frees it. */
struct question {
	atomic_int holders;
	int wake; /* eventfd */
	char port[16];
	int r;
	int error; /* errno, with EAI_SYSTEM */
	struct addrinfo *list;
	char host[];
};

struct resolve {
	struct question *question;
	struct event *event;
	resolve_fn done;
	void *arg;
};

static void question_release(struct question *question)
{
	if (question == NULL || atomic_fetch_sub(&question->holders, 1) > 1)
		return;
	if (question->list != NULL)
		freeaddrinfo(question->list);
	close(question->wake);
	free(question);
}

static void *ask(void *arg)
{
	struct question *question = arg;
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	uint64_t one = 1;

	question->r = getaddrinfo(question->host, question->port, &hints, &question->list);
	question->error = errno;
	if (write(question->wake, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes 2^64 - 2 of these */
	question_release(question);
	return NULL;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *resolve = arg;
	struct question *question = resolve->question;
	struct addrinfo *list = question->list;
	const char *why = "";
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	question->list = NULL;
	if (question->r != 0) {
		list = NULL;
		why = question->r == EAI_SYSTEM ? strerror(question->error)
						: gai_strerror(question->r);
	}
	resolve->done(list, why, resolve->arg);
}

static int question_new(const char *host, long port, struct question **questionp)
{
	size_t size = strlen(host) + 1;
	struct question *question = calloc(1, sizeof(*question) + size);

	if (question == NULL)
		return -ENOMEM;
	atomic_init(&question->holders, 1);
	memcpy(question->host, host, size);
	snprintf(question->port, sizeof(question->port), "%ld", port);
	question->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (question->wake < 0) {
		free(question);
		return -EMFILE;
	}
	*questionp = question;
	return 0;
}

/* Signals are the loop's: a thread that took one would run its handler in the wrong place. */
static int start_thread(struct question *question)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&question->holders, 1);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, ask, question);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r != 0)
		atomic_fetch_sub(&question->holders, 1);
	return -r;
}

int resolve_new(struct event_base *base, const char *host, long port, resolve_fn done, void *arg,
	struct resolve **resolvep)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));
	int r;

	if (resolve == NULL)
		return -ENOMEM;
	resolve->done = done;
	resolve->arg = arg;
	r = question_new(host, port, &resolve->question);
	if (r == 0) {
		resolve->event = event_new(
			base, resolve->question->wake, EV_READ, on_answer, resolve);
		if (resolve->event == NULL || event_add(resolve->event, NULL) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		r = start_thread(resolve->question);
	if (r < 0) {
		resolve_free(resolve);
		return r;
	}
	*resolvep = resolve;
	return 0;
}

struct resolve *resolve_free(struct resolve *resolve)
{
	if (resolve == NULL)
		return NULL;
	if (resolve->event != NULL)
		event_free(resolve->event);
	question_release(resolve->question);
	free(resolve);
	return NULL;
}
