/*
 * stages_poll - the slow poll: one question to the database for all stages that sleep
 *
 * It is for what no NOTIFY told of: one that was lost, and time that passes. A stage at work is not asked
 * for, since it asks by itself before it sleeps; an answer that comes after it has worked is older than what
 * it knows, and passed over.
 */
#include "stages_state.h"

#include <stdio.h>
#include <string.h>

#include "../answer.h"
#include "../deadline.h"
#include "../dispatch.h"
#include "../mailer.h"
#include "../pg.h"
#include "../seal.h"
#include "../stage.h"
#include "log.h"

/* As vac_daemon.next_work() knows them. */
static const char *const names[STAGES_POLLED] = {
	"dispatch", "mailer", "answer", "deadline", "seal"};

/* NULL where there is none. */
static void list_stages(const struct stages *stages, struct stage *list[STAGES_POLLED])
{
	list[0] = stages->dispatch ? dispatch_stage(stages->dispatch) : NULL;
	list[1] = stages->mailer ? mailer_stage(stages->mailer) : NULL;
	list[2] = stages->answer ? answer_stage(stages->answer) : NULL;
	list[3] = stages->deadline ? deadline_stage(stages->deadline) : NULL;
	list[4] = stages->seal ? seal_stage(stages->seal) : NULL;
}

static bool has_rested(const struct stages *stages, const struct stage *stage, size_t i)
{
	return stage && stages->poll.asked[i] && stage_is_resting(stage)
	       && stage_turns(stage) == stages->poll.turns[i];
}

/* Each looks for itself, and fails by itself if that is how it is. */
static void wake_asked(struct stages *stages)
{
	struct stage *list[STAGES_POLLED];

	list_stages(stages, list);
	for (size_t i = 0; i < STAGES_POLLED; i++)
		if (has_rested(stages, list[i], i))
			stage_wake(list[i]);
}

static void take_answer(struct stages *stages, const PGresult *result)
{
	struct stage *list[STAGES_POLLED];

	list_stages(stages, list);
	for (int row = 0; row < PQntuples(result); row++)
		for (size_t i = 0; i < STAGES_POLLED; i++)
			if (strcmp(PQgetvalue(result, row, 0), names[i]) == 0
				&& has_rested(stages, list[i], i))
				stage_hear(list[i], PQgetisnull(result, row, 1)
							    ? -1
							    : (long)pg_int(result, row, 1));
}

static void on_answer(const struct pg_reply *reply, void *arg)
{
	struct stages *stages = arg;

	stages->poll.out = false;
	/* Lost with its connection: whoever stops and starts the stages then wakes them. */
	if (reply->outcome == PG_DONE) {
		take_answer(stages, reply->result);
	} else if (reply->outcome == PG_REFUSED) {
		log_error("call refused", "call=next_work sqlstate=%s why=\"%s\"", reply->sqlstate,
			reply->text);
		wake_asked(stages);
	}
}

/* An array literal of those that rest; empty: none does. */
static void choose(struct stages *stages, char *text, size_t size)
{
	struct stage *list[STAGES_POLLED];
	size_t used = 0;

	list_stages(stages, list);
	text[0] = '\0';
	for (size_t i = 0; i < STAGES_POLLED; i++) {
		stages->poll.asked[i] = list[i] && stage_is_resting(list[i]);
		if (!stages->poll.asked[i])
			continue;
		stages->poll.turns[i] = stage_turns(list[i]);
		used += (size_t)snprintf(
			text + used, size - used, "%c%s", used == 0 ? '{' : ',', names[i]);
	}
	if (used > 0)
		snprintf(text + used, size - used, "}");
}

void stages_poll(struct stages *stages, struct pg *pg)
{
	char asked[80];
	const char *values[] = {stages->id, asked};

	if (stages->poll.out || stages->paused)
		return;
	choose(stages, asked, sizeof(asked));
	if (asked[0] == '\0')
		return;
	if (pg_call(pg, "SELECT stage, next_ms FROM vac_daemon.next_work($1::uuid, $2::text[])", 2,
		    values, on_answer, stages)
		== 0)
		stages->poll.out = true;
}
