/*
 * stages_health - which stages make turns, for the watchdog and the heartbeats
 */
#include "stages_state.h"

#include <stdio.h>
#include <string.h>

#include "../answer.h"
#include "../deadline.h"
#include "../dispatch.h"
#include "../inbox.h"
#include "../intake.h"
#include "../mailer.h"
#include "../pg.h"
#include "../seal.h"
#include "log.h"

/* A connection that is down, or has calls out, is one that a stage may rightly wait for. */
void stages_look(struct stages *stages, long long now_ms)
{
	if (stages->dispatch)
		health_look(&stages->dispatch_health, now_ms, dispatch_turns(stages->dispatch),
			pg_is_waiting(stages->dispatch_pg));
	if (stages->mailer)
		health_look(&stages->mailer_health, now_ms, mailer_turns(stages->mailer),
			pg_is_waiting(stages->mailer_pg));
	if (stages->answer)
		health_look(&stages->answer_health, now_ms, answer_turns(stages->answer),
			pg_is_waiting(stages->answer_pg));
	if (stages->inbox)
		health_look(&stages->inbox_health, now_ms, inbox_turns(stages->inbox),
			pg_is_waiting(stages->inbox_pg));
	if (stages->intake)
		health_look(&stages->intake_health, now_ms, intake_turns(stages->intake),
			pg_is_waiting(stages->intake_pg));
	if (stages->deadline)
		health_look(&stages->deadline_health, now_ms, deadline_turns(stages->deadline),
			pg_is_waiting(stages->deadline_pg));
	if (stages->seal)
		health_look(&stages->seal_health, now_ms, seal_turns(stages->seal),
			pg_is_waiting(stages->seal_pg));
}

bool stages_are_alive(const struct stages *stages, long long now_ms, long patience_ms)
{
	return (!stages->dispatch || health_is_alive(&stages->dispatch_health, now_ms, patience_ms))
	       && (!stages->inbox || health_is_alive(&stages->inbox_health, now_ms, patience_ms))
	       && (!stages->intake || health_is_alive(&stages->intake_health, now_ms, patience_ms))
	       && (!stages->mailer || health_is_alive(&stages->mailer_health, now_ms, patience_ms))
	       && (!stages->answer || health_is_alive(&stages->answer_health, now_ms, patience_ms))
	       && (!stages->deadline
		       || health_is_alive(&stages->deadline_health, now_ms, patience_ms))
	       && (!stages->seal || health_is_alive(&stages->seal_health, now_ms, patience_ms));
}

/* Array literals: a stage each, and how many turns it has made. */
struct beats {
	char stages[120], turns[200];
};

/* word goes in before the closing brace. */
static void append(char *list, size_t size, const char *word)
{
	size_t used = strlen(list);

	if (used > 0)
		list[--used] = '\0';
	snprintf(list + used, size - used, "%c%s}", used == 0 ? '{' : ',', word);
}

/* False: it has made no turn that was ever told. */
static bool add_beat(struct beats *beats, struct health *health, const char *stage)
{
	char turns[24];

	if (health_take_beat(health)) {
		snprintf(turns, sizeof(turns), "%llu", health->turns);
		append(beats->stages, sizeof(beats->stages), stage);
		append(beats->turns, sizeof(beats->turns), turns);
	}
	return health->told > 0;
}

static void tell_beats(const struct stages *stages, const struct beats *beats, struct pg *pg)
{
	const char *values[] = {stages->id, beats->stages, beats->turns};

	if (beats->stages[0] == '\0')
		return;
	if (pg_call(pg, "SELECT vac_daemon.beat($1::uuid, $2::text[], $3::bigint[])", 3, values,
		    NULL, NULL))
		log_debug("heartbeat not sent", "stages=%s", beats->stages);
}

bool stages_beat(struct stages *stages, struct pg *pg)
{
	struct beats beats = {0};
	bool told = true;

	if (stages->dispatch)
		told = add_beat(&beats, &stages->dispatch_health, "dispatch");
	if (stages->mailer)
		told = add_beat(&beats, &stages->mailer_health, "mailer") && told;
	if (stages->answer)
		told = add_beat(&beats, &stages->answer_health, "answer") && told;
	if (stages->inbox)
		add_beat(&beats, &stages->inbox_health, "inbox");
	if (stages->intake)
		add_beat(&beats, &stages->intake_health, "intake");
	if (stages->deadline)
		told = add_beat(&beats, &stages->deadline_health, "deadline") && told;
	tell_beats(stages, &beats, pg);
	return told;
}
