/*
 * answer_state - one turn of the answer stage, and the mail at hand; only its own files include it
 *
 * answer.c: the stage, and the turns that claim; answer_mail.c: one mail after the other. At most one
 * thing is out at a time, a call or a mail at the reader, so that no reply meets a later turn's state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "../answer.h"
#include "../pg.h"
#include "answer_token.h"

struct stage;

/* Mails claimed at once: few, so that the last is read well within its lease. */
enum { ANSWER_CLAIM = 4 };

struct answer_mail {
	TAILQ_ENTRY(answer_mail) entry;
	long long id, fence;
	int64_t received; /* seconds since 1970 */
	char *recipient;  /* of its envelope */
	char *raw;
	size_t length;
};

TAILQ_HEAD(answer_mails, answer_mail);

struct answer {
	struct pg *pg;
	struct reader *reader;
	const struct config *config;
	const struct token_keys *keys;
	struct stage *stage;
	char daemon_id[40];
	bool stopping, alarmed;
	unsigned long long read;
	char status[300];

	/* this turn */
	struct answer_mails mails; /* claimed, not begun */
	long turn_lease_ms;
	long long claimed_ms;
	bool claimed; /* at least one */

	/* this mail */
	struct answer_mail *mail;
	struct answer_tokens tokens;
	char *record;
	const char *token_state; /* as take_mail() knows it */
	const struct answer_token *token;
	bool record_refused;
};

/* answer.c: the ends of a turn. What was claimed and not handled is given back. */
void answer_end_turn(struct answer *answer);
void answer_fail_turn(struct answer *answer);
struct answer_mail *answer_mail_free(struct answer_mail *mail);
/* Gives one mail back, to be claimed again after a while. */
void answer_release(struct answer *answer, const struct answer_mail *mail, long wait_ms);

/* answer_mail.c: begins with the next mail, or ends the turn. */
void answer_next_mail(struct answer *answer);
/* Forgets the one at hand. */
void answer_drop_mail(struct answer *answer);
