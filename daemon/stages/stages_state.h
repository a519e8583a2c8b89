/*
 * stages_state - the stages and what is known of them; only stages' own files include it
 *
 * stages.c: connections, start and end; stages_health.c: who makes turns; stages_poll.c: the slow poll, one
 * question for all that sleep.
 */
#pragma once

#include <stdbool.h>

#include "../health.h"
#include "../stages.h"

/* Those it asks for; inbox and intake wait for nothing in the database. */
enum { STAGES_POLLED = 5 };

struct stages_poll {
	bool out;                                /* not answered yet */
	bool asked[STAGES_POLLED];               /* for whom … */
	unsigned long long turns[STAGES_POLLED]; /* … and how many turns they had made then */
};

struct stages {
	struct event_base *base;
	const char *id;
	struct reader *reader;
	struct pg *dispatch_pg, *inbox_pg, *intake_pg, *mailer_pg, *answer_pg, *deadline_pg,
		*seal_pg;
	struct dispatch *dispatch;
	struct inbox *inbox;   /* NULL: no socket is configured; it has its connection with it */
	struct intake *intake; /* likewise */
	struct mailer *mailer;
	struct answer *answer;
	struct deadline *deadline;
	struct seal *seal;
	struct health dispatch_health, inbox_health, intake_health, mailer_health, answer_health,
		deadline_health, seal_health;
	struct stages_poll poll;
	long patience_ms; /* with a stage that makes no turns */
	bool paused, stopped;
};
