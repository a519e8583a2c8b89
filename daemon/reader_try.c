/*
 * reader_try - does the reader start, does its sandbox hold, and does it read a mail?
 */
#include "reader_try.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <event2/event.h>

#include "reader.h"
#include "reader/reader_process.h"

enum { WAIT_S = 60 };

static const char sample[] = "From: Coordinator A <a@example.org>\r\n"
			     "To: vacd@example.org\r\n"
			     "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
			     "MIME-Version: 1.0\r\n"
			     "Content-Type: text/plain; charset=iso-8859-1\r\n"
			     "Content-Transfer-Encoding: quoted-printable\r\n"
			     "\r\n"
			     "Gr=FC=DFe\r\n";

struct trial {
	struct event_base *base;
	struct reader *reader;
	int result;
	char *text;
	size_t size;
};

static void finish(struct trial *trial, int result, const char *text)
{
	trial->result = result;
	snprintf(trial->text, trial->size, "%s", text);
	event_base_loopbreak(trial->base);
}

static void on_read(const struct reader_reply *reply, void *arg)
{
	struct trial *trial = arg;

	if (reply->outcome == READER_RECORD)
		finish(trial, 0, "starts, its sandbox holds, and it reads a mail");
	else
		finish(trial, READER_TRY_FAILED, reply->why);
}

/* One that ends once is started again, and may then say why; this one is not waited for. */
static void on_state(bool up, void *arg)
{
	struct trial *trial = arg;
	const int64_t now = time(NULL);

	if (!up)
		finish(trial, READER_TRY_FAILED, reader_problem(trial->reader));
	else if (reader_read(trial->reader, sample, strlen(sample), now, now, on_read, trial) < 0)
		finish(trial, READER_TRY_FAILED, "takes no mail");
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct trial *trial = arg;

	(void)fd;
	(void)what;
	finish(trial, READER_TRY_FAILED, reader_problem(trial->reader));
}

static int run(struct trial *trial, struct reader_process *process)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	int r = reader_new(trial->base, process, &trial->reader);

	if (r < 0)
		return r;
	reader_watch(trial->reader, on_state, trial);
	if (event_base_once(trial->base, -1, EV_TIMEOUT, on_late, trial, &wait) < 0)
		return -ENOMEM;
	event_base_dispatch(trial->base);
	return trial->result;
}

int reader_try(char *text, size_t size)
{
	struct trial trial = {.text = text, .size = size, .result = READER_TRY_FAILED};
	struct reader_process process;
	int r = reader_process_start(&process);

	if (r < 0)
		return r;
	trial.base = event_base_new();
	r = trial.base != NULL ? run(&trial, &process) : -ENOMEM;
	reader_free(trial.reader);
	reader_process_end(&process);
	if (trial.base != NULL)
		event_base_free(trial.base);
	return r;
}
