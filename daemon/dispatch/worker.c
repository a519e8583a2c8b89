#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <event2/event.h>

#include "plan.h"

struct worker {
	worker_done_fn done;
	void *arg;
	struct event *event;
	int fd; /* the thread writes when a plan is ready */
	pthread_t thread;
	bool running;
	bool busy; /* the loop's own view: from start to done */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t wake;
	const struct plan_input *input; /* the job; NULL: none */
	bool stop;
	/* The result, written before the thread writes to fd, read after the loop has read from
	 * it. */
	int result;
	struct plan *plan;
	char error[200];
};

static const struct plan_input *next_job(struct worker *worker)
{
	const struct plan_input *input;

	pthread_mutex_lock(&worker->mutex);
	while (!worker->stop && worker->input == NULL)
		pthread_cond_wait(&worker->wake, &worker->mutex);
	input = worker->stop ? NULL : worker->input;
	worker->input = NULL;
	pthread_mutex_unlock(&worker->mutex);
	return input;
}

static void *run(void *arg)
{
	struct worker *worker = arg;
	const struct plan_input *input;

	while ((input = next_job(worker)) != NULL) {
		struct plan *plan = NULL;
		char error[sizeof worker->error] = "";
		int result = plan_make(input, &plan, error, sizeof error);
		uint64_t one = 1;
		ssize_t written;

		pthread_mutex_lock(&worker->mutex);
		worker->result = result;
		worker->plan = plan;
		for (size_t i = 0; i < sizeof error; i++)
			worker->error[i] = error[i];
		pthread_mutex_unlock(&worker->mutex);
		do
			written = write(worker->fd, &one, sizeof one);
		while (written < 0 && errno == EINTR);
	}
	return NULL;
}

static void on_result(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct plan *plan;
	uint64_t count;
	int result;

	(void)what;
	if (read(fd, &count, sizeof count) != sizeof count)
		return;
	pthread_mutex_lock(&worker->mutex);
	result = worker->result;
	plan = worker->plan;
	worker->plan = NULL;
	pthread_mutex_unlock(&worker->mutex);
	worker->busy = false;
	/* No job is under way, so nobody writes to error while it is read. */
	worker->done(result, plan, worker->error, worker->arg);
}

/* Signals are the loop's: the thread is started with all of them blocked. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->running = r == 0;
	return -r;
}

int worker_new(struct event_base *base, worker_done_fn done, void *arg, struct worker **workerp)
{
	struct worker *worker = calloc(1, sizeof *worker);
	int r;

	if (worker == NULL)
		return -ENOMEM;
	worker->done = done;
	worker->arg = arg;
	pthread_mutex_init(&worker->mutex, NULL);
	pthread_cond_init(&worker->wake, NULL);
	worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = worker->fd < 0 ? -errno : 0;
	if (r == 0) {
		worker->event = event_new(
			base, worker->fd, EV_READ | EV_PERSIST, on_result, worker);
		r = worker->event && event_add(worker->event, NULL) == 0 ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = start_thread(worker);
	if (r < 0) {
		worker_free(worker);
		return r;
	}
	*workerp = worker;
	return 0;
}

static void stop_thread(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->mutex);
	pthread_join(worker->thread, NULL);
}

struct worker *worker_free(struct worker *worker)
{
	if (worker == NULL)
		return NULL;
	if (worker->running)
		stop_thread(worker);
	if (worker->event)
		event_free(worker->event);
	if (worker->fd >= 0)
		close(worker->fd);
	plan_free(worker->plan);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->mutex);
	free(worker);
	return NULL;
}

void worker_start(struct worker *worker, const struct plan_input *input)
{
	assert(!worker->busy);
	worker->busy = true;
	pthread_mutex_lock(&worker->mutex);
	worker->input = input;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->mutex);
}

bool worker_is_busy(const struct worker *worker)
{
	return worker->busy;
}
