#include "intake_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../pg.h"
#include "../steady.h"
#include "config.h"
#include "intake_form.h"
#include "intake_guest.h"
#include "intake_request.h"
#include "intake_tls.h"
#include "log.h"
#include "rate.h"

enum {
	TOKEN_MAX = 200,
	KEY_MAX = 200, /* as the table has it */
	FAILURES = 20, /* credentials of nobody, from one address, in a minute */
	GUESSES_MAX = INTAKE_CALLS_MAX / 2, /* then nobody is let in who is not known */
	SUBJECT_SIZE = 301,
	HEX = 65,
	BYTEA = HEX + 2, /* \x in front */
};

/* By what a client is known: a token, or else a certificate. */
struct credential {
	char print[BYTEA], token[BYTEA], subject[SUBJECT_SIZE];
	bool has_certificate, has_token;
};

static void refuse(struct intake_guest *guest, int status, const char *field)
{
	intake_guest_answer(guest, &(struct intake_reply){.status = status, .field = field});
}

/* ---- who is it? ----------------------------------------------------------------------------- */

/* RFC 6750 2.1 */
static const char *bearer_token(const char *authorization)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~+/=";
	const char *token;

	if (strncasecmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	token = authorization + 7 + strspn(authorization + 7, " ");
	return token[0] && strlen(token) <= TOKEN_MAX && token[strspn(token, allowed)] == '\0'
		       ? token
		       : NULL;
}

/* False: nothing was shown by which somebody could be known. */
static bool read_credential(struct intake_guest *guest, const struct intake_request *request,
	struct credential *credential)
{
	const char *token = request->authorization ? bearer_token(request->authorization) : NULL;

	*credential = (struct credential){.print = "\\x", .token = "\\x"};
	if (request->authorization && !token)
		return false;
	if (token) {
		credential->has_token = intake_tls_hash(
			token, credential->token + 2, sizeof(credential->token) - 2);
		return credential->has_token;
	}
	credential->has_certificate = intake_guest_certificate(guest, credential->print + 2,
		sizeof(credential->print) - 2, credential->subject, sizeof(credential->subject));
	return credential->has_certificate;
}

static const char *credential_key(const struct credential *credential)
{
	return credential->has_token ? credential->token : credential->print;
}

static void refuse_rate(struct intake_guest *guest, long wait_ms)
{
	char field[40];

	snprintf(field, sizeof(field), "Retry-After: %ld", wait_ms / 1000 + 1);
	refuse(guest, 429, field);
}

/* Before the database is troubled. Who is known is not hindered by what others do from their address. */
static bool may_ask(struct intake_guest *guest, const struct credential *credential)
{
	struct intake *intake = intake_guest_intake(guest);
	const char *key = credential_key(credential);
	long long now = steady_ms();
	long wait = 60000 / FAILURES;

	if (rate_knows(intake->clients, key)) {
		if (rate_take(intake->clients, key, intake->config->intake_rate, now, &wait))
			return true;
	} else if (rate_has(intake->failures, intake_guest_address(guest), FAILURES, now)) {
		return true;
	}
	refuse_rate(guest, wait);
	return false;
}

static struct intake_named *named_of(struct intake *intake, const char *credential)
{
	for (size_t i = 0; i < INTAKE_NAMED; i++)
		if (strcmp(intake->named[i].credential, credential) == 0)
			return &intake->named[i];
	return NULL;
}

static void note_name(struct intake *intake, const char *credential, const char *client)
{
	struct intake_named *named = named_of(intake, credential);

	if (!client) {
		if (named)
			named->credential[0] = '\0';
		return;
	}
	if (!named) {
		named = &intake->named[intake->next_named];
		intake->next_named = (intake->next_named + 1) % INTAKE_NAMED;
	}
	snprintf(named->credential, sizeof(named->credential), "%s", credential);
	snprintf(named->client, sizeof(named->client), "%s", client);
}

static void note_answer(struct intake_guest *guest, int status, const char *client)
{
	struct intake *intake = intake_guest_intake(guest);
	struct credential credential;
	long long now = steady_ms();
	long wait;
	bool shown = read_credential(guest, intake_guest_request(guest), &credential);

	if (shown)
		note_name(intake, credential_key(&credential), client);
	if (status == 401)
		(void)rate_take(
			intake->failures, intake_guest_address(guest), FAILURES, now, &wait);
	else if (shown && !rate_knows(intake->clients, credential_key(&credential)))
		(void)rate_take(intake->clients, credential_key(&credential),
			intake->config->intake_rate, now, &wait);
}

/* What the database is not asked for; the log has a name all the same, once it has said whose the
 * credential is. body may be NULL. */
static void refuse_known(struct intake_guest *guest, const struct credential *credential,
	int status, const char *body)
{
	const struct intake_named *named = named_of(
		intake_guest_intake(guest), credential_key(credential));

	intake_guest_answer(guest,
		&(struct intake_reply){
			.status = status, .body = body, .client = named ? named->client : NULL});
}

static void refuse_key(
	struct intake_guest *guest, const struct credential *credential, const char *problem)
{
	char *body;

	if (intake_form_error("Idempotency-Key", problem,
		    "Give each case a text of your own, such as the number of the tip: sent again "
		    "with the same, a request opens no case twice.",
		    &body)) {
		refuse(guest, 503, NULL);
		return;
	}
	refuse_known(guest, credential, 400, body);
	free(body);
}

/* ---- asking the database -------------------------------------------------------------------- */

/* What a client can do nothing about but come again: locks, limits, a server that goes down. */
static bool is_passing(const char *sqlstate)
{
	static const char *const classes[] = {"08", "25", "40", "53", "55", "57", "58"};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	return false;
}

static void answer_failure(struct intake_guest *guest, const struct pg_reply *reply)
{
	bool passing = reply->outcome == PG_LOST || is_passing(reply->sqlstate);

	/* Its text could quote what the client sent. */
	log_line(passing ? LOG_WARNING : LOG_ERR, "request failed in the database", "sqlstate=%s",
		reply->outcome == PG_LOST ? "lost" : reply->sqlstate);
	refuse(guest, passing ? 503 : 500, NULL);
}

/* The code of the one case that was opened: {"cases": ["K7Q-4MX"], …}. */
static void write_location(const char *body, char *field, size_t size)
{
	static const char begin[] = "{\"cases\": [\"";
	const char *code = body + sizeof(begin) - 1;

	field[0] = '\0';
	if (strncmp(body, begin, sizeof(begin) - 1) == 0 && strcspn(code, "\"") == 7
		&& code[8] == ']')
		snprintf(field, size, "Location: /v1/cases/%.7s", code);
}

static void on_answer(struct intake_guest *guest, const struct pg_reply *reply)
{
	struct intake_reply answer = {0};
	char field[60];

	if (reply->outcome != PG_DONE) {
		answer_failure(guest, reply);
		return;
	}
	if (PQntuples(reply->result) != 1 || PQnfields(reply->result) != 3) {
		log_error("the database's answer is not understood", "rows=%d",
			PQntuples(reply->result));
		refuse(guest, 500, NULL);
		return;
	}
	answer.status = (int)pg_int(reply->result, 0, 0);
	answer.client = pg_text(reply->result, 0, 1);
	answer.body = pg_text(reply->result, 0, 2);
	note_answer(guest, answer.status, answer.client);
	if (answer.status == 201 && answer.body) {
		write_location(answer.body, field, sizeof(field));
		answer.field = field[0] ? field : NULL;
	}
	intake_guest_answer(guest, &answer);
}

static void ask(struct intake_guest *guest, const char *statement,
	const struct credential *credential, const char *first, const char *second)
{
	const char *values[] = {credential->has_certificate ? credential->print : NULL,
		credential->subject[0] ? credential->subject : NULL,
		credential->has_token ? credential->token : NULL, first, second};
	struct intake *intake = intake_guest_intake(guest);
	bool known = rate_knows(intake->clients, credential_key(credential));

	if (intake_guest_call(guest, known ? INTAKE_CALLS_MAX : GUESSES_MAX, statement,
		    second ? 5 : 4, values, on_answer))
		refuse(guest, 503, NULL);
}

/* ---- the two of them ------------------------------------------------------------------------ */

/* Answers, and is false, when who asks is nobody or comes too often. */
static bool admit(struct intake_guest *guest, const struct intake_request *request,
	struct credential *credential)
{
	if (read_credential(guest, request, credential))
		return may_ask(guest, credential);
	refuse(guest, 401, NULL);
	return false;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return type && strncasecmp(type, json, n) == 0
	       && (type[n] == '\0' || strchr("; \t", type[n]));
}

void intake_case_open(struct intake_guest *guest, const struct intake_request *request)
{
	const char *key = request->idempotency_key;
	struct credential credential;
	char *text = NULL;
	int r;

	if (!admit(guest, request, &credential))
		return;
	if (!is_json(request->content_type)) {
		refuse_known(guest, &credential, 415, NULL);
		return;
	}
	if (!key || !key[0] || strlen(key) > KEY_MAX) {
		refuse_key(guest, &credential,
			key && key[0] ? "it is longer than 200 characters" : "it is needed");
		return;
	}
	r = intake_form_read(request->body, request->length, &text);
	if (r < 0)
		refuse(guest, 503, NULL);
	else if (r == INTAKE_FORM_INVALID)
		refuse_known(guest, &credential, 400, text);
	else
		ask(guest,
			"SELECT status, client, body FROM vac_daemon.intake_open($1::bytea, $2, "
			"$3::bytea, $4, $5::jsonb)",
			&credential, key, text);
	free(text);
}

void intake_case_state(struct intake_guest *guest, const struct intake_request *request)
{
	struct credential credential;

	if (admit(guest, request, &credential))
		ask(guest,
			"SELECT status, client, body FROM vac_daemon.intake_state($1::bytea, $2, "
			"$3::bytea, $4)",
			&credential, strrchr(request->path, '/') + 1, NULL);
}
