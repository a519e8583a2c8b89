/*
 * smtp - the client's side of a mail submission, without a socket
 */
#include "../smtp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp_dialogue.h"
#include "smtp_hello.h"
#include "smtp_mail.h"

/* ---- replies -------------------------------------------------------------------------------- */

static enum smtp_command expected(const struct smtp *smtp)
{
	return smtp->expected_count > 0 ? smtp->expected[0] : SMTP_COMMAND_NONE;
}

static void on_421(struct smtp *smtp, enum smtp_command what)
{
	bool idle = smtp->first.state == SMTP_TRANSACTION_FREE && what == SMTP_COMMAND_NONE;

	switch (what) {
	case SMTP_COMMAND_MAIL:
	case SMTP_COMMAND_RCPT:
	case SMTP_COMMAND_DATA:
	case SMTP_COMMAND_DOT:
		smtp_refuse_first(smtp, SMTP_RETRY);
		break;
	case SMTP_COMMAND_GREETING:
	case SMTP_COMMAND_EHLO:
	case SMTP_COMMAND_STARTTLS:
	case SMTP_COMMAND_AUTH:
	case SMTP_COMMAND_EMPTY_DOT:
	case SMTP_COMMAND_RSET:
	case SMTP_COMMAND_QUIT:
	case SMTP_COMMAND_NONE:
		break;
	}
	smtp_finish_with_reply(smtp, idle ? SMTP_END_IDLE : SMTP_END_HELD, "the server closes");
}

static void dispatch(struct smtp *smtp, enum smtp_command what, int code)
{
	switch (what) {
	case SMTP_COMMAND_GREETING:
		smtp_on_greeting(smtp, code);
		break;
	case SMTP_COMMAND_EHLO:
		smtp_on_ehlo(smtp, code);
		break;
	case SMTP_COMMAND_STARTTLS:
		smtp_on_starttls(smtp, code);
		break;
	case SMTP_COMMAND_AUTH:
		smtp_on_auth(smtp, code);
		break;
	case SMTP_COMMAND_MAIL:
		smtp_on_mail(smtp, code);
		break;
	case SMTP_COMMAND_RCPT:
		smtp_on_rcpt(smtp, code);
		break;
	case SMTP_COMMAND_DATA:
		smtp_on_data(smtp, code);
		break;
	case SMTP_COMMAND_DOT:
		smtp_on_dot(smtp, code);
		break;
	case SMTP_COMMAND_EMPTY_DOT: /* no recipient was accepted: nothing can have been sent */
		smtp_drop_first(smtp);
		break;
	case SMTP_COMMAND_RSET:
		if (code / 100 != 2)
			smtp_finish_with_reply(smtp, SMTP_END_LOST, "the server refuses RSET");
		break;
	case SMTP_COMMAND_QUIT:
		smtp_finish(smtp, SMTP_END_QUIT, "");
		break;
	case SMTP_COMMAND_NONE:
		smtp_finish_with_reply(smtp, SMTP_END_PROTOCOL, "a reply to nothing");
		break;
	}
}

static void on_reply(struct smtp *smtp)
{
	enum smtp_command what = expected(smtp);
	int code = smtp->reply.code;

	if (smtp->expected_count > 0) {
		smtp->expected_count--;
		memmove(smtp->expected, smtp->expected + 1,
			smtp->expected_count * sizeof(smtp->expected[0]));
	}
	smtp->step++;
	if (code == 421 && what != SMTP_COMMAND_QUIT)
		on_421(smtp, what);
	else
		dispatch(smtp, what, code);
	smtp_reply_reset(&smtp->reply);
	smtp_go_on(smtp);
}

/* ---- what the caller does ------------------------------------------------------------------- */

static int result(const struct smtp *smtp)
{
	return smtp->out.failed ? -ENOMEM : 0;
}

int smtp_feed(struct smtp *smtp, const char *bytes, size_t length)
{
	char why[SMTP_TEXT_MAX];
	size_t used;

	while (length > 0 && smtp->phase != SMTP_PHASE_END) {
		if (smtp->phase == SMTP_PHASE_TLS) {
			smtp_finish(smtp, SMTP_END_NO_TLS,
				"bytes came in clear behind the 220 to STARTTLS: somebody is "
				"meddling with the connection");
			break;
		}
		switch (smtp_reply_feed(&smtp->reply, bytes, length, &used)) {
		case 0:
			on_reply(smtp);
			break;
		case SMTP_REPLY_BROKEN:
			snprintf(why, sizeof(why), "the server sends %s", smtp->reply.problem);
			smtp_finish(smtp, SMTP_END_PROTOCOL, why);
			break;
		default:
			break;
		}
		bytes += used;
		length -= used;
	}
	return result(smtp);
}

void smtp_lost(struct smtp *smtp, const char *why)
{
	enum smtp_end how = SMTP_END_LOST;

	if (smtp->phase == SMTP_PHASE_QUIT)
		how = SMTP_END_QUIT;
	else if (smtp->phase == SMTP_PHASE_READY && smtp->first.state == SMTP_TRANSACTION_FREE
		 && smtp->expected_count == 0)
		how = SMTP_END_IDLE;
	smtp_finish(smtp, how, why);
}

int smtp_tls_started(struct smtp *smtp)
{
	if (smtp->phase != SMTP_PHASE_TLS)
		return -EINVAL;
	smtp->phase = SMTP_PHASE_HELLO;
	smtp->step++;
	smtp_say_hello(smtp);
	return result(smtp);
}

bool smtp_event(struct smtp *smtp, struct smtp_event *event)
{
	if (smtp->events_count == 0)
		return false;
	*event = smtp->events[smtp->events_first].event;
	smtp->events_first = (smtp->events_first + 1) % SMTP_EVENTS_MAX;
	smtp->events_count--;
	return true;
}

const char *smtp_output(const struct smtp *smtp, size_t *length)
{
	*length = smtp->out.length - smtp->out.taken;
	return *length > 0 ? smtp->out.bytes + smtp->out.taken : "";
}

void smtp_output_taken(struct smtp *smtp, size_t length)
{
	smtp_out_taken(&smtp->out, length);
}

bool smtp_is_ready(const struct smtp *smtp)
{
	return smtp->phase == SMTP_PHASE_READY;
}

bool smtp_has_room(const struct smtp *smtp)
{
	/* First what there is to tell: a message that is too large is over at once, and so would the next
	 * be. */
	if (smtp->phase != SMTP_PHASE_READY || smtp->quitting || smtp->events_count > 0)
		return false;
	if (smtp->first.state == SMTP_TRANSACTION_FREE)
		return true;
	return smtp->offers.pipelining && smtp->second.state == SMTP_TRANSACTION_FREE
	       && (smtp->first.state == SMTP_TRANSACTION_BODY
		       || smtp->first.state == SMTP_TRANSACTION_DOT);
}

unsigned smtp_load(const struct smtp *smtp)
{
	return (smtp->first.state != SMTP_TRANSACTION_FREE)
	       + (smtp->second.state != SMTP_TRANSACTION_FREE);
}

/* An address goes between angle brackets; nothing in it may end them, or the line. */
static bool is_address(const char *address)
{
	if (address == NULL || *address == '\0' || strlen(address) > 320)
		return false;
	for (; *address != '\0'; address++)
		if (*address <= ' ' || *address > '~' || *address == '<' || *address == '>')
			return false;
	return true;
}

/* CR and LF only together: a bare one could end the body early for another server (RFC 5321 2.3.8). */
static bool is_body(const char *bytes, size_t length)
{
	const char *end = bytes + length;

	if (length > 0 && memchr(bytes, '\0', length) != NULL)
		return false;
	while (bytes < end) {
		const char *lf = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *cr = memchr(bytes, '\r', (size_t)((lf != NULL ? lf : end) - bytes));

		if (lf == NULL ? cr != NULL : cr == NULL || cr + 1 != lf)
			return false;
		bytes = lf != NULL ? lf + 1 : end;
	}
	return true;
}

/* RFC 1870: a message that the server has already said to be too large is not tried. */
static bool is_too_large(struct smtp *smtp, struct smtp_transaction *transaction)
{
	if (smtp->offers.size_max == 0 || transaction->message.length <= smtp->offers.size_max)
		return false;
	transaction->refused = true;
	transaction->outcome = SMTP_REFUSED;
	snprintf(transaction->text, sizeof(transaction->text),
		"552 not tried: %zu octets are more than the server takes (SIZE %llu)",
		transaction->message.length, smtp->offers.size_max);
	return true;
}

int smtp_send(struct smtp *smtp, const struct smtp_message *message)
{
	struct smtp_transaction *transaction = &smtp->first;

	if (!smtp_has_room(smtp))
		return -EBUSY;
	if (!is_address(message->sender) || !is_address(message->recipient)
		|| !is_body(message->bytes, message->length))
		return -EINVAL;
	if (transaction->state != SMTP_TRANSACTION_FREE)
		transaction = &smtp->second;
	memset(transaction, 0, sizeof(*transaction));
	transaction->message = *message;
	if (is_too_large(smtp, transaction)) {
		smtp_add_message_event(smtp, transaction, SMTP_EVENT_OUTCOME, transaction->outcome,
			transaction->text);
		return 0;
	}
	transaction->state = SMTP_TRANSACTION_WAITING;
	smtp->step++;
	smtp_go_on(smtp);
	return result(smtp);
}

int smtp_dot(struct smtp *smtp)
{
	if (smtp->phase != SMTP_PHASE_READY || smtp->first.state != SMTP_TRANSACTION_BODY)
		return -EINVAL;
	smtp->first.state = SMTP_TRANSACTION_DOT;
	smtp_say(smtp, SMTP_COMMAND_DOT, ".");
	smtp->step++;
	smtp_go_on(smtp);
	return result(smtp);
}

int smtp_quit(struct smtp *smtp)
{
	smtp->quitting = true;
	smtp_go_on(smtp);
	return result(smtp);
}

enum smtp_wait smtp_wait(const struct smtp *smtp)
{
	switch (expected(smtp)) {
	case SMTP_COMMAND_NONE:
		return SMTP_WAIT_NOTHING;
	case SMTP_COMMAND_GREETING:
		return SMTP_WAIT_GREETING;
	case SMTP_COMMAND_DATA:
		return SMTP_WAIT_DATA;
	case SMTP_COMMAND_DOT:
	case SMTP_COMMAND_EMPTY_DOT:
		return SMTP_WAIT_DOT;
	case SMTP_COMMAND_QUIT:
		return SMTP_WAIT_QUIT;
	case SMTP_COMMAND_EHLO:
	case SMTP_COMMAND_STARTTLS:
	case SMTP_COMMAND_AUTH:
	case SMTP_COMMAND_MAIL:
	case SMTP_COMMAND_RCPT:
	case SMTP_COMMAND_RSET:
		break;
	}
	return SMTP_WAIT_COMMAND;
}

unsigned long smtp_step(const struct smtp *smtp)
{
	return smtp->step;
}

const char *smtp_offers(const struct smtp *smtp)
{
	return smtp->offers_text;
}

int smtp_new(const struct smtp_options *options, struct smtp **smtpp)
{
	struct smtp *smtp = calloc(1, sizeof(*smtp));
	int r;

	if (smtp == NULL)
		return -ENOMEM;
	r = smtp_login_set(&smtp->login, options->auth, options->user, options->secret);
	if (r == 0 && (smtp->helo = strdup(options->helo)) == NULL)
		r = -ENOMEM;
	if (r < 0) {
		smtp_free(smtp);
		return r;
	}
	smtp->phase = options->starttls ? SMTP_PHASE_CLEAR : SMTP_PHASE_HELLO;
	smtp_reply_reset(&smtp->reply);
	smtp_expect(smtp, SMTP_COMMAND_GREETING);
	*smtpp = smtp;
	return 0;
}

struct smtp *smtp_free(struct smtp *smtp)
{
	if (smtp == NULL)
		return NULL;
	smtp_login_clear(&smtp->login);
	smtp_out_clear(&smtp->out);
	free(smtp->helo);
	free(smtp);
	return NULL;
}
