#include "deadline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "pg.h"
#include "stage.h"

/* Things done in one call: it holds their locks until it commits. */
#define BATCH "40"
/* Each plan that is stored tells of news here, and hardly any of it is due within a second: a turn for each
 * would take from the planner what is left of two processors. */
#define NEWS_MS 500

struct deadline {
	struct pg *pg;
	struct stage *stage;
	char daemon_id[37];
	char alarm[200]; /* what stood wrong at the last turn; empty: nothing */
};

static void note_alarm(struct deadline *deadline, const char *alarm)
{
	if (strcmp(deadline->alarm, alarm) == 0)
		return;
	snprintf(deadline->alarm, sizeof(deadline->alarm), "%s", alarm);
	if (alarm[0])
		log_error("alarm", "name=invitations_unsent why=\"%s\"", alarm);
	else
		log_notice("alarm over", "name=invitations_unsent");
}

static void on_passed(const struct pg_reply *reply, void *arg)
{
	struct deadline *deadline = arg;
	const char *alarm;

	if (reply->outcome == PG_LOST) {
		stage_failed(deadline->stage);
		return;
	}
	if (reply->outcome == PG_REFUSED || PQntuples(reply->result) != 1) {
		log_error("call refused", "call=pass_time sqlstate=%s why=\"%s\"", reply->sqlstate,
			reply->text);
		stage_failed(deadline->stage);
		return;
	}
	alarm = pg_text(reply->result, 0, 1);
	note_alarm(deadline, alarm ? alarm : "");
	stage_done(deadline->stage,
		PQgetisnull(reply->result, 0, 0) ? -1 : (long)pg_int(reply->result, 0, 0));
}

static void turn(void *arg)
{
	struct deadline *deadline = arg;
	const char *values[] = {deadline->daemon_id, BATCH};

	if (pg_call(deadline->pg,
		    "SELECT next_ms, alarm FROM vac_daemon.pass_time($1::uuid, $2::int)", 2, values,
		    on_passed, deadline))
		stage_failed(deadline->stage);
}

int deadline_new(struct event_base *base, struct pg *pg, const struct config *config,
	const char *daemon_id, struct deadline **deadlinep)
{
	static const struct stage_ops ops = {.name = "deadline", .turn = turn, .pause_ms = NEWS_MS};
	struct deadline *deadline = calloc(1, sizeof(*deadline));
	int r;

	if (!deadline)
		return -ENOMEM;
	deadline->pg = pg;
	snprintf(deadline->daemon_id, sizeof(deadline->daemon_id), "%s", daemon_id);
	r = stage_new(base, &ops, deadline, config->poll_ms, &deadline->stage);
	if (r) {
		free(deadline);
		return r;
	}
	*deadlinep = deadline;
	return 0;
}

struct deadline *deadline_free(struct deadline *deadline)
{
	if (deadline) {
		stage_free(deadline->stage);
		free(deadline);
	}
	return NULL;
}

void deadline_reload(struct deadline *deadline, const struct config *config)
{
	stage_set_poll(deadline->stage, config->poll_ms);
}

void deadline_wake(struct deadline *deadline)
{
	stage_wake(deadline->stage);
}

void deadline_stop(struct deadline *deadline)
{
	stage_stop(deadline->stage);
}

bool deadline_is_busy(const struct deadline *deadline)
{
	return stage_is_busy(deadline->stage);
}

unsigned long long deadline_turns(const struct deadline *deadline)
{
	return stage_turns(deadline->stage);
}

struct stage *deadline_stage(struct deadline *deadline)
{
	return deadline->stage;
}
