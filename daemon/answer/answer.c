/*
 * answer - inbound → answers taken
 */
#include "answer_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reader.h"
#include "../stage.h"
#include "../steady.h"
#include "config.h"
#include "log.h"

/* Between two looks at mail that is due but that another daemon is just claiming. */
enum { ELSEWHERE_MS = 500 };

static void on_reader_state(bool up, void *arg);

/* ---- rows ----------------------------------------------------------------------------------- */

struct answer_mail *answer_mail_free(struct answer_mail *mail)
{
	if (mail != NULL) {
		free(mail->recipient);
		free(mail->raw);
		free(mail);
	}
	return NULL;
}

static void drop_mails(struct answer *answer)
{
	struct answer_mail *mail;

	while ((mail = TAILQ_FIRST(&answer->mails)) != NULL) {
		TAILQ_REMOVE(&answer->mails, mail, entry);
		answer_mail_free(mail);
	}
}

/* Nobody waits for an answer: what is not given back comes back when its lease is over. */
void answer_release(struct answer *answer, const struct answer_mail *mail, long wait_ms)
{
	char id[24], fence[24], wait[24];
	const char *const values[] = {id, fence, wait};

	snprintf(id, sizeof(id), "{%lld}", mail->id);
	snprintf(fence, sizeof(fence), "{%lld}", mail->fence);
	snprintf(wait, sizeof(wait), "%ld", wait_ms);
	if (pg_call(answer->pg, "SELECT vac_daemon.release_inbound($1, $2, $3)", 3, values, NULL,
		    NULL))
		log_debug("mail not given back", "inbound=%lld", mail->id);
}

static void release_mails(struct answer *answer)
{
	struct answer_mail *mail;

	if (answer->mail != NULL)
		answer_release(answer, answer->mail, 0);
	TAILQ_FOREACH(mail, &answer->mails, entry)
	answer_release(answer, mail, 0);
	answer_drop_mail(answer);
	drop_mails(answer);
}

/* The mail as bytes; NULL: no memory. */
static char *bytes_of(const char *text, size_t *length)
{
	unsigned char *unescaped = PQunescapeBytea((const unsigned char *)text, length);
	char *bytes = unescaped != NULL ? malloc(*length + 1) : NULL;

	if (bytes != NULL)
		memcpy(bytes, unescaped, *length);
	PQfreemem(unescaped);
	return bytes;
}

static struct answer_mail *mail_of(const PGresult *result, int row)
{
	struct answer_mail *mail = calloc(1, sizeof(*mail));
	const char *recipient = pg_text(result, row, PQfnumber(result, "recipient"));
	const char *raw = pg_text(result, row, PQfnumber(result, "raw"));

	if (mail == NULL)
		return NULL;
	mail->id = pg_int(result, row, PQfnumber(result, "inbound_id"));
	mail->fence = pg_int(result, row, PQfnumber(result, "fence"));
	mail->received = pg_int(result, row, PQfnumber(result, "received"));
	mail->recipient = strdup(recipient != NULL ? recipient : "");
	mail->raw = bytes_of(raw != NULL ? raw : "", &mail->length);
	return mail->recipient != NULL && mail->raw != NULL ? mail : answer_mail_free(mail);
}

/* What there is no memory for waits until its lease is over. */
static void keep_mails(struct answer *answer, const PGresult *result)
{
	for (int row = 0; row < PQntuples(result); row++) {
		struct answer_mail *mail = mail_of(result, row);

		if (mail != NULL)
			TAILQ_INSERT_TAIL(&answer->mails, mail, entry);
		else
			log_error("mail not taken", "why=\"out of memory\"");
	}
	answer->claimed = PQntuples(result) > 0;
}

/* ---- the turn ------------------------------------------------------------------------------- */

void answer_fail_turn(struct answer *answer)
{
	release_mails(answer);
	stage_failed(answer->stage);
}

static void log_refusal(const char *what, const struct pg_reply *reply)
{
	if (reply->outcome == PG_REFUSED)
		log_error("call refused", "call=%s sqlstate=%s why=\"%s\"", what, reply->sqlstate,
			reply->text);
}

static void on_next(const struct pg_reply *reply, void *arg)
{
	struct answer *answer = arg;
	long next_ms = -1;

	log_refusal("next_inbound", reply);
	if (reply->outcome != PG_DONE) {
		answer_fail_turn(answer);
		return;
	}
	if (PQntuples(reply->result) > 0 && pg_text(reply->result, 0, 0) != NULL)
		next_ms = (long)pg_int(reply->result, 0, 0);
	if (next_ms >= 0 && next_ms < ELSEWHERE_MS && !answer->claimed)
		next_ms = ELSEWHERE_MS;
	stage_done(answer->stage, next_ms);
}

void answer_end_turn(struct answer *answer)
{
	release_mails(answer);
	if (answer->stopping)
		stage_done(answer->stage, -1);
	else if (pg_call(answer->pg, "SELECT vac_daemon.next_inbound()", 0, NULL, on_next, answer)
		 < 0)
		answer_fail_turn(answer);
}

static void on_claimed(const struct pg_reply *reply, void *arg)
{
	struct answer *answer = arg;

	log_refusal("claim_inbound", reply);
	if (reply->outcome != PG_DONE) {
		answer_fail_turn(answer);
		return;
	}
	keep_mails(answer, reply->result);
	answer_next_mail(answer);
}

static void claim(struct answer *answer)
{
	char most[24], lease[24];
	const char *const values[] = {answer->daemon_id, most, lease};

	answer->turn_lease_ms = answer->config->lease_ms;
	answer->claimed = false;
	answer->claimed_ms = steady_ms();
	snprintf(most, sizeof(most), "%d", ANSWER_CLAIM);
	snprintf(lease, sizeof(lease), "%ld", answer->turn_lease_ms);
	if (pg_call(answer->pg, "SELECT * FROM vac_daemon.claim_inbound($1, $2, $3)", 3, values,
		    on_claimed, answer)
		< 0)
		answer_fail_turn(answer);
}

/* Not by the journal alone: whoever looks at `vacd status` must see that answers lie about. */
static void tell_alarm(struct answer *answer, bool raised)
{
	const char *const values[] = {answer->daemon_id, "reader", reader_problem(answer->reader)};
	int r;

	if (raised)
		r = pg_call(answer->pg, "SELECT vac_daemon.raise_alarm($1, $2, $3)", 3, values,
			NULL, NULL);
	else
		r = pg_call(
			answer->pg, "SELECT vac_daemon.clear_alarm($1, $2)", 2, values, NULL, NULL);
	if (r == 0)
		answer->alarmed = raised;
}

static void turn(void *arg)
{
	struct answer *answer = arg;
	bool broken = reader_is_broken(answer->reader);

	if (broken || answer->alarmed)
		tell_alarm(answer, broken);
	if (answer->keys == NULL)
		stage_done(answer->stage, -1);
	else if (!reader_is_free(answer->reader))
		stage_failed(answer->stage); /* it wakes us when it is ready */
	else
		claim(answer);
}

/* ---- the stage ------------------------------------------------------------------------------ */

int answer_new(struct event_base *base, struct pg *pg, struct reader *reader,
	const struct config *config, const struct token_keys *keys, const char *daemon_id,
	struct answer **answerp)
{
	static const struct stage_ops ops = {.name = "answer", .turn = turn};
	struct answer *answer = calloc(1, sizeof(*answer));
	int r;

	if (answer == NULL)
		return -ENOMEM;
	answer->pg = pg;
	answer->reader = reader;
	TAILQ_INIT(&answer->mails);
	snprintf(answer->daemon_id, sizeof(answer->daemon_id), "%s", daemon_id);
	answer->config = config;
	answer->keys = keys;
	r = stage_new(base, &ops, answer, config->poll_ms, &answer->stage);
	if (r < 0) {
		answer_free(answer);
		return r;
	}
	reader_watch(reader, on_reader_state, answer);
	*answerp = answer;
	return 0;
}

struct answer *answer_free(struct answer *answer)
{
	if (answer == NULL)
		return NULL;
	pg_forget(answer->pg, answer);
	reader_forget(answer->reader, answer);
	answer_drop_mail(answer);
	drop_mails(answer);
	stage_free(answer->stage);
	free(answer);
	return NULL;
}

void answer_reload(
	struct answer *answer, const struct config *config, const struct token_keys *keys)
{
	answer->config = config;
	answer->keys = keys;
	stage_set_poll(answer->stage, config->poll_ms);
}

void answer_wake(struct answer *answer)
{
	stage_wake(answer->stage);
}

static void on_reader_state(bool up, void *arg)
{
	struct answer *answer = arg;

	/* Of one that is broken the alarm is raised, whether or not there is mail. */
	if (up || reader_is_broken(answer->reader))
		answer_wake(answer);
}

void answer_stop(struct answer *answer)
{
	answer->stopping = true;
	stage_stop(answer->stage);
}

bool answer_is_busy(const struct answer *answer)
{
	return stage_is_busy(answer->stage);
}

unsigned long long answer_turns(const struct answer *answer)
{
	return stage_turns(answer->stage);
}

struct stage *answer_stage(struct answer *answer)
{
	return answer->stage;
}

const char *answer_status(struct answer *answer)
{
	const char *problem = reader_problem(answer->reader);

	if (answer->keys == NULL)
		snprintf(answer->status, sizeof(answer->status), "not read, no token_key_file");
	else if (problem[0] != '\0')
		snprintf(answer->status, sizeof(answer->status), "not read, %s", problem);
	else
		snprintf(answer->status, sizeof(answer->status), "%llu read", answer->read);
	return answer->status;
}
