#include "stages_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../answer.h"
#include "../crl.h"
#include "../deadline.h"
#include "../dispatch.h"
#include "../inbox.h"
#include "../intake.h"
#include "../mailer.h"
#include "../pg.h"
#include "../reader.h"
#include "../seal.h"
#include "config.h"
#include "log.h"

/* Longest a stage may be without the end of a turn, beside the slow poll. */
enum { TURN_MS = 90000 };

static long long monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

long stages_patience_ms(const struct config *config)
{
	return 2 * config->poll_ms + TURN_MS;
}

/* ---- connections ---------------------------------------------------------------------------- */

static void wake_all(struct stages *stages)
{
	if (stages->dispatch)
		dispatch_wake(stages->dispatch);
	if (stages->mailer)
		mailer_wake(stages->mailer);
	if (stages->answer)
		answer_wake(stages->answer);
	if (stages->inbox)
		inbox_wake(stages->inbox);
	if (stages->deadline)
		deadline_wake(stages->deadline);
	if (stages->seal)
		seal_wake(stages->seal);
}

static void on_state(struct pg *pg, bool up, void *arg)
{
	struct stages *stages = arg;

	(void)pg;
	if (up && !stages->paused)
		wake_all(stages);
}

static void hold(struct stages *stages, bool held)
{
	stages->paused = held;
	pg_hold(stages->dispatch_pg, held);
	pg_hold(stages->mailer_pg, held);
	pg_hold(stages->deadline_pg, held);
	pg_hold(stages->seal_pg, held);
	pg_hold(stages->answer_pg, held);
	if (stages->inbox)
		pg_hold(stages->inbox_pg, held);
	if (stages->intake)
		pg_hold(stages->intake_pg, held);
}

static int make_inbox(
	struct stages *stages, const struct config *config, struct pg_options *options)
{
	char why[300] = "";
	int r;

	if (!inbox_is_wanted(config))
		return 0;
	options->application = "vacd inbox";
	r = pg_new(stages->base, options, &stages->inbox_pg);
	if (!r)
		r = inbox_new(
			stages->base, stages->inbox_pg, config, &stages->inbox, why, sizeof(why));
	if (r == INBOX_INVALID) {
		log_error("mail configuration refused", "why=\"%s\"", why);
		return -EINVAL;
	}
	if (!r)
		health_start(&stages->inbox_health, monotonic_ms());
	return r;
}

static bool is_well(void *arg)
{
	const struct stages *stages = arg;

	return stages_are_alive(stages, monotonic_ms(), stages->patience_ms);
}

static int make_intake(
	struct stages *stages, const struct config *config, struct pg_options *options)
{
	char why[300] = "";
	int r;

	if (!intake_is_wanted(config))
		return 0;
	options->application = "vacd intake";
	r = pg_new(stages->base, options, &stages->intake_pg);
	if (!r)
		r = intake_new(&(struct intake_options){stages->base, stages->intake_pg, config,
				       is_well, stages},
			&stages->intake, why, sizeof(why));
	if (r == INTAKE_INVALID) {
		log_error("intake configuration refused", "why=\"%s\"", why);
		return -EINVAL;
	}
	if (!r)
		health_start(&stages->intake_health, monotonic_ms());
	return r;
}

int stages_new(struct event_base *base, const struct config *config, const char *id,
	struct reader_process *process, struct stages **stagesp)
{
	struct stages *stages = calloc(1, sizeof(*stages));
	struct pg_options options = {
		.conninfo = config->database,
		.password_file = config->database_password_file,
		.application = "vacd dispatch",
		.timeout_ms = config->database_timeout_ms,
		.state = on_state,
		.arg = stages,
	};
	int r;

	if (!stages)
		return -ENOMEM;
	stages->base = base;
	stages->id = id;
	stages->patience_ms = stages_patience_ms(config);
	r = pg_new(base, &options, &stages->dispatch_pg);
	options.application = "vacd mailer";
	if (!r)
		r = pg_new(base, &options, &stages->mailer_pg);
	options.application = "vacd answer";
	if (!r)
		r = pg_new(base, &options, &stages->answer_pg);
	if (!r)
		r = reader_new(base, process, &stages->reader);
	if (!r)
		r = make_inbox(stages, config, &options);
	if (!r)
		r = make_intake(stages, config, &options);
	options.application = "vacd deadline";
	if (!r)
		r = pg_new(base, &options, &stages->deadline_pg);
	options.application = "vacd seal";
	if (!r)
		r = pg_new(base, &options, &stages->seal_pg);
	if (r) {
		stages_free(stages);
		return r;
	}
	hold(stages, true);
	*stagesp = stages;
	return 0;
}

struct stages *stages_free(struct stages *stages)
{
	if (!stages)
		return NULL;
	stages_clear(stages);
	inbox_free(stages->inbox);
	intake_free(stages->intake);
	pg_free(stages->dispatch_pg);
	pg_free(stages->mailer_pg);
	pg_free(stages->answer_pg);
	reader_free(stages->reader);
	pg_free(stages->inbox_pg);
	pg_free(stages->intake_pg);
	pg_free(stages->deadline_pg);
	pg_free(stages->seal_pg);
	free(stages);
	return NULL;
}

/* ---- start and end -------------------------------------------------------------------------- */

static int make_dispatch(struct stages *stages, const struct config *config)
{
	int r;

	if (stages->dispatch)
		return 0;
	r = dispatch_new(stages->base, stages->dispatch_pg, config, stages->id, &stages->dispatch);
	if (!r)
		health_start(&stages->dispatch_health, monotonic_ms());
	return r;
}

static int make_mailer(
	struct stages *stages, const struct config *config, const struct token_keys *keys)
{
	char why[300] = "";
	int r;

	if (stages->mailer)
		return 0;
	r = mailer_new(stages->base, stages->mailer_pg, config, keys, stages->id, &stages->mailer,
		why, sizeof(why));
	if (r == MAILER_INVALID) {
		log_error("mail configuration refused", "why=\"%s\"", why);
		return -EINVAL;
	}
	if (!r)
		health_start(&stages->mailer_health, monotonic_ms());
	return r;
}

static int make_answer(
	struct stages *stages, const struct config *config, const struct token_keys *keys)
{
	int r;

	if (stages->answer)
		return 0;
	r = answer_new(stages->base, stages->answer_pg, stages->reader, config, keys, stages->id,
		&stages->answer);
	if (!r)
		health_start(&stages->answer_health, monotonic_ms());
	return r;
}

static int make_deadline(struct stages *stages, const struct config *config)
{
	int r;

	if (stages->deadline)
		return 0;
	r = deadline_new(stages->base, stages->deadline_pg, config, stages->id, &stages->deadline);
	if (!r)
		health_start(&stages->deadline_health, monotonic_ms());
	return r;
}

static int make_seal(struct stages *stages, const struct config *config)
{
	int r;

	if (stages->seal)
		return 0;
	r = seal_new(stages->base, stages->seal_pg, config, stages->id, &stages->seal);
	if (!r)
		health_start(&stages->seal_health, monotonic_ms());
	return r;
}

static void on_list(const char *key, int outcome, const char *text, void *arg)
{
	(void)arg;
	if (outcome)
		log_error("list of revoked certificates does not hold", "key=%s why=\"%s\"", key,
			text);
}

int stages_start(struct stages *stages, const struct config *config, const struct token_keys *keys)
{
	int r;

	/* A stage that was told to stop does not start again. */
	if (stages->stopped)
		stages_clear(stages);
	r = make_dispatch(stages, config);
	if (!r)
		r = make_mailer(stages, config, keys);
	if (!r)
		r = make_answer(stages, config, keys);
	if (!r)
		r = make_deadline(stages, config);
	if (!r)
		r = make_seal(stages, config);
	if (r)
		return r;
	hold(stages, false);
	pg_hurry(stages->dispatch_pg);
	pg_hurry(stages->mailer_pg);
	pg_hurry(stages->answer_pg);
	if (stages->inbox)
		pg_hurry(stages->inbox_pg);
	if (stages->intake)
		pg_hurry(stages->intake_pg);
	pg_hurry(stages->deadline_pg);
	pg_hurry(stages->seal_pg);
	wake_all(stages);
	crl_each(config, on_list, NULL);
	return 0;
}

void stages_pause(struct stages *stages)
{
	hold(stages, true);
}

void stages_stop(struct stages *stages)
{
	stages->stopped = true;
	if (stages->dispatch)
		dispatch_stop(stages->dispatch);
	if (stages->mailer)
		mailer_stop(stages->mailer);
	if (stages->deadline)
		deadline_stop(stages->deadline);
	if (stages->answer)
		answer_stop(stages->answer);
	if (stages->seal)
		seal_stop(stages->seal);
}

void stages_leave(struct stages *stages)
{
	if (stages->inbox)
		inbox_leave(stages->inbox);
	if (stages->intake)
		intake_leave(stages->intake);
}

bool stages_are_busy(const struct stages *stages)
{
	return (stages->dispatch && dispatch_is_busy(stages->dispatch))
	       || (stages->inbox && inbox_is_busy(stages->inbox))
	       || (stages->intake && intake_is_busy(stages->intake))
	       || (stages->mailer && mailer_is_busy(stages->mailer))
	       || (stages->answer && answer_is_busy(stages->answer))
	       || (stages->deadline && deadline_is_busy(stages->deadline))
	       || (stages->seal && seal_is_busy(stages->seal));
}

/* In the middle of a turn there may be a transaction: a new connection begins without one. */
static void clear_dispatch(struct stages *stages)
{
	if (dispatch_is_busy(stages->dispatch))
		pg_drop(stages->dispatch_pg);
	stages->dispatch = dispatch_free(stages->dispatch);
	pg_forget(stages->dispatch_pg, NULL);
}

void stages_clear(struct stages *stages)
{
	stages->stopped = false;
	if (stages->dispatch)
		clear_dispatch(stages);
	if (stages->mailer)
		stages->mailer = mailer_free(stages->mailer);
	if (stages->answer)
		stages->answer = answer_free(stages->answer);
	if (stages->deadline) {
		pg_forget(stages->deadline_pg, stages->deadline);
		stages->deadline = deadline_free(stages->deadline);
	}
	if (stages->seal) {
		pg_forget(stages->seal_pg, stages->seal);
		stages->seal = seal_free(stages->seal);
	}
}

bool stages_exist(const struct stages *stages)
{
	return stages->dispatch || stages->mailer || stages->answer || stages->deadline
	       || stages->seal;
}

/* ---- while they work ------------------------------------------------------------------------ */

bool stages_wake(struct stages *stages, const char *channel)
{
	if (strcmp(channel, "vac_dispatch") == 0) {
		if (stages->dispatch)
			dispatch_wake(stages->dispatch);
		return true;
	}
	if (strcmp(channel, "vac_mailer") == 0) {
		if (stages->mailer)
			mailer_wake(stages->mailer);
		return true;
	}
	if (strcmp(channel, "vac_answer") == 0) {
		if (stages->answer)
			answer_wake(stages->answer);
		return true;
	}
	if (strcmp(channel, "vac_deadline") == 0) {
		if (stages->deadline)
			deadline_wake(stages->deadline);
		return true;
	}
	return false;
}

int stages_reload(struct stages *stages, const struct config *config, const struct token_keys *keys,
	char *error, size_t error_size)
{
	int r = 0;

	if (stages->inbox)
		r = inbox_check(config, error, error_size);
	if (!r && stages->intake)
		r = intake_check(config, error, error_size);
	if (!r && stages->mailer)
		r = mailer_reload(stages->mailer, config, keys, error, error_size);
	if (!r && stages->answer)
		answer_reload(stages->answer, config, keys);
	if (!r && stages->dispatch)
		dispatch_reload(stages->dispatch, config);
	if (!r && stages->inbox)
		inbox_reload(stages->inbox, config);
	if (!r && stages->intake)
		intake_reload(stages->intake, config);
	if (!r)
		stages->patience_ms = stages_patience_ms(config);
	if (!r && stages->deadline)
		deadline_reload(stages->deadline, config);
	if (!r && stages->seal)
		seal_reload(stages->seal, config);
	if (!r)
		crl_each(config, on_list, NULL);
	return r;
}

const char *stages_mail_status(struct stages *stages)
{
	return stages->mailer ? mailer_status(stages->mailer) : "not at work";
}

const char *stages_answer_status(struct stages *stages)
{
	return stages->answer ? answer_status(stages->answer) : "not at work";
}

const char *stages_intake_status(const struct stages *stages)
{
	return stages->intake ? intake_status(stages->intake) : "shut";
}
