/*
 * answer_mail - one mail: read → tokens → the call that acts on it
 */
#include "answer_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reader.h"
#include "../steady.h"
#include "config.h"
#include "log.h"
#include "../reader/reader_frame.h"

enum {
	/* What repeats is written out so far ahead: every day of it still fits into a record. */
	HORIZON_S = 731 * 24 * 3600,
	/* A mail is begun only while so much of its lease is left, or a quarter of a short one. */
	MARGIN_MS = 15000,
	/* Until a mail is tried again for which the database was in trouble. */
	LATER_MS = 5000,
};

/* What a child may write instead of a record is not known before the database has looked at it. */
static const char no_record[] =
	"{\"kind\": \"unreadable\", \"why\": \"what was read is no record\"}";

static void take_mail(struct answer *answer);

/* ---- small things --------------------------------------------------------------------------- */

void answer_drop_mail(struct answer *answer)
{
	answer->mail = answer_mail_free(answer->mail);
	free(answer->record);
	answer->record = NULL;
	answer->tokens.n = 0;
	answer->token = NULL;
	answer->token_state = "none";
	answer->record_refused = false;
}

static bool is_late(const struct answer *answer)
{
	const long long left = answer->claimed_ms + answer->turn_lease_ms - steady_ms();

	return left
	       < (answer->turn_lease_ms / 4 < MARGIN_MS ? answer->turn_lease_ms / 4 : MARGIN_MS);
}

static bool is_of_class(const char *sqlstate, const char *const *classes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

/* A lock that did not come, or a database in trouble, which says nothing of the mail. */
static bool passes(const char *sqlstate)
{
	static const char *const classes[] = {"08", "40", "53", "55", "57", "58"};

	return is_of_class(sqlstate, classes, sizeof(classes) / sizeof(classes[0]));
}

/* Text that is no JSON, or none that jsonb can hold. */
static bool refuses_record(const char *sqlstate)
{
	static const char *const classes[] = {"22", "54"};

	return is_of_class(sqlstate, classes, sizeof(classes) / sizeof(classes[0]));
}

/* ---- a mail that cannot be handled ---------------------------------------------------------- */

static void on_died(const struct pg_reply *reply, void *arg)
{
	struct answer *answer = arg;

	if (reply->outcome == PG_REFUSED)
		log_error("call refused", "call=inbound_died inbound=%lld sqlstate=%s why=\"%s\"",
			answer->mail->id, reply->sqlstate, reply->text);
	if (reply->outcome == PG_DONE)
		answer_next_mail(answer);
	else
		answer_fail_turn(answer);
}

static void say_died(struct answer *answer, const char *why)
{
	char id[24], fence[24];
	const char *const values[] = {id, fence, why};

	log_warning("mail not read", "inbound=%lld why=\"%s\"", answer->mail->id, why);
	snprintf(id, sizeof(id), "%lld", answer->mail->id);
	snprintf(fence, sizeof(fence), "%lld", answer->mail->fence);
	if (pg_call(answer->pg, "SELECT vac_daemon.inbound_died($1, $2, $3)", 3, values, on_died,
		    answer)
		< 0)
		answer_fail_turn(answer);
}

/* ---- the call that acts --------------------------------------------------------------------- */

static void take_refusal(struct answer *answer, const struct pg_reply *reply)
{
	char why[120];

	log_error("call refused", "call=take_mail inbound=%lld sqlstate=%s why=\"%s\"",
		answer->mail->id, reply->sqlstate, reply->text);
	if (passes(reply->sqlstate)) {
		answer_release(answer, answer->mail, LATER_MS);
		answer_next_mail(answer);
	} else if (refuses_record(reply->sqlstate) && !answer->record_refused) {
		answer->record_refused = true;
		take_mail(answer);
	} else {
		snprintf(why, sizeof(why), "the database refuses what was read (%s)",
			reply->sqlstate);
		say_died(answer, why);
	}
}

static void on_taken(const struct pg_reply *reply, void *arg)
{
	struct answer *answer = arg;
	const char *outcome, *why;

	switch (reply->outcome) {
	case PG_LOST:
		answer_fail_turn(answer);
		return;
	case PG_REFUSED:
		take_refusal(answer, reply);
		return;
	case PG_DONE:
	default:
		break;
	}
	outcome = PQntuples(reply->result) > 0 ? pg_text(reply->result, 0, 0) : NULL;
	why = PQntuples(reply->result) > 0 ? pg_text(reply->result, 0, 1) : NULL;
	log_info("mail read", "inbound=%lld outcome=%s why=\"%s\"", answer->mail->id,
		outcome ? outcome : "none", why ? why : "");
	if (outcome && strcmp(outcome, "again") != 0 && strcmp(outcome, "fence") != 0)
		answer->read++;
	answer_next_mail(answer);
}

static void take_mail(struct answer *answer)
{
	char id[24], fence[24];
	const struct answer_token *token = answer->token;
	const char *const values[] = {id, fence,
		answer->record_refused ? no_record : answer->record,
		token != NULL ? token->handle : NULL,
		token != NULL ? answer_token_purpose(token->purpose) : NULL, answer->token_state,
		answer->config->authserv_id};

	snprintf(id, sizeof(id), "%lld", answer->mail->id);
	snprintf(fence, sizeof(fence), "%lld", answer->mail->fence);
	if (pg_call(answer->pg,
		    "SELECT outcome, why FROM vac_daemon.take_mail($1, $2, $3, $4, $5, $6, $7)", 7,
		    values, on_taken, answer)
		< 0)
		answer_fail_turn(answer);
}

/* ---- tokens --------------------------------------------------------------------------------- */

/* Whether a row says what this token is for, and its MAC fits. 0, TOKEN_INVALID, TOKEN_UNKNOWN_KEY, -errno. */
static int check_token(const struct answer *answer, const struct answer_token *token,
	const PGresult *result, int row)
{
	const char *handle = pg_text(result, row, PQfnumber(result, "handle"));
	const char *purpose = pg_text(result, row, PQfnumber(result, "purpose"));
	const char *subject = pg_text(result, row, PQfnumber(result, "subject"));
	const char *key_id = pg_text(result, row, PQfnumber(result, "key_id"));

	if (!handle || !purpose || !subject || !key_id || strcmp(handle, token->handle) != 0
		|| strcmp(purpose, answer_token_purpose(token->purpose)) != 0)
		return TOKEN_INVALID;
	return token_check(answer->keys, key_id, token->purpose, handle, subject, token->token);
}

/* The first good one; until there is one, the first at all. 0 or -errno. */
static int choose_token(struct answer *answer, const PGresult *result)
{
	answer->token_state = "unknown";
	answer->token = &answer->tokens.list[0];
	for (size_t i = 0; i < answer->tokens.n; i++)
		for (int row = 0; row < PQntuples(result); row++) {
			int r = check_token(answer, &answer->tokens.list[i], result, row);

			if (r < 0)
				return r;
			if (r != 0)
				continue;
			answer->token_state = "good";
			answer->token = &answer->tokens.list[i];
			return 0;
		}
	return 0;
}

static void on_subjects(const struct pg_reply *reply, void *arg)
{
	struct answer *answer = arg;

	if (reply->outcome == PG_REFUSED)
		log_error("call refused", "call=token_subjects sqlstate=%s why=\"%s\"",
			reply->sqlstate, reply->text);
	/* A reload may have taken the keys away meanwhile: of no token can be told whether it is good. */
	if (reply->outcome != PG_DONE || answer->keys == NULL
		|| choose_token(answer, reply->result) < 0)
		answer_fail_turn(answer);
	else
		take_mail(answer);
}

static void ask_subjects(struct answer *answer)
{
	const char *handles[ANSWER_TOKENS_MAX];
	const char *values[1];
	char *array;
	int r = -ENOMEM;

	for (size_t i = 0; i < answer->tokens.n; i++)
		handles[i] = answer->tokens.list[i].handle;
	array = pg_array(handles, answer->tokens.n);
	values[0] = array;
	if (array != NULL)
		r = pg_call(answer->pg, "SELECT * FROM vac_daemon.token_subjects($1)", 1, values,
			on_subjects, answer);
	free(array);
	if (r < 0)
		answer_fail_turn(answer);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void take_record(struct answer *answer, const struct reader_reply *reply)
{
	answer->record = strdup(reply->json);
	if (answer->record == NULL) {
		answer_fail_turn(answer);
		return;
	}
	answer_tokens_add(&answer->tokens, answer->mail->recipient);
	for (size_t i = 0; i < reply->n_addresses; i++)
		answer_tokens_add(&answer->tokens, reply->addresses[i]);
	if (answer->tokens.n > 0)
		ask_subjects(answer);
	else
		take_mail(answer);
}

static void on_read(const struct reader_reply *reply, void *arg)
{
	struct answer *answer = arg;

	switch (reply->outcome) {
	case READER_RECORD:
		take_record(answer, reply);
		break;
	case READER_DIED:
		say_died(answer, reply->why);
		break;
	case READER_AWAY:
	default:
		answer_fail_turn(answer);
		break;
	}
}

void answer_next_mail(struct answer *answer)
{
	struct answer_mail *mail = TAILQ_FIRST(&answer->mails);
	int r;

	answer_drop_mail(answer);
	if (mail == NULL || answer->stopping || is_late(answer)) {
		answer_end_turn(answer);
		return;
	}
	TAILQ_REMOVE(&answer->mails, mail, entry);
	answer->mail = mail;
	/* So much of a mail tells as well as all of it that it is too long to be read. */
	r = reader_read(answer->reader, mail->raw,
		mail->length < READER_MAIL_MAX ? mail->length : READER_MAIL_MAX, mail->received,
		mail->received + HORIZON_S, on_read, answer);
	if (r < 0)
		answer_fail_turn(answer);
}
