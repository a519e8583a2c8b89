/*
 * smtp_dialogue - the state of one dialogue, and what moves it on
 */
#include "smtp_dialogue.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct smtp_slot *smtp_add_event(struct smtp *smtp, enum smtp_event_kind kind)
{
	struct smtp_slot *slot =
		&smtp->events[(smtp->events_first + smtp->events_count) % SMTP_EVENTS_MAX];

	assert(smtp->events_count < SMTP_EVENTS_MAX);
	smtp->events_count++;
	memset(&slot->event, 0, sizeof(slot->event));
	slot->event.kind = kind;
	slot->text[0] = '\0';
	slot->event.text = slot->text;
	return slot;
}

void smtp_add_message_event(struct smtp *smtp, const struct smtp_transaction *transaction,
	enum smtp_event_kind kind, enum smtp_outcome outcome, const char *text)
{
	struct smtp_slot *slot = smtp_add_event(smtp, kind);

	slot->message = transaction->message;
	slot->event.message = &slot->message;
	slot->event.outcome = outcome;
	snprintf(slot->text, sizeof(slot->text), "%s", text);
}

void smtp_expect(struct smtp *smtp, enum smtp_command command)
{
	assert(smtp->expected_count < SMTP_EXPECTED_MAX);
	smtp->expected[smtp->expected_count++] = command;
}

void smtp_say(struct smtp *smtp, enum smtp_command what, const char *line)
{
	smtp_out_printf(&smtp->out, "%s\r\n", line);
	smtp_expect(smtp, what);
}

/* The dialogue is over before the message had its reply. */
static void settle(struct smtp *smtp, struct smtp_transaction *transaction, const char *why)
{
	enum smtp_outcome outcome = SMTP_RELEASED;

	if (transaction->state == SMTP_TRANSACTION_FREE)
		return;
	if (transaction->refused) {
		outcome = transaction->outcome;
		why = transaction->text;
	} else if (transaction->state == SMTP_TRANSACTION_DOT) {
		outcome = SMTP_UNKNOWN;
	} else if (transaction == &smtp->first && transaction->state != SMTP_TRANSACTION_WAITING
		   && (transaction->answered || smtp->settled == 0)) {
		/* Not the usual end of a connection that was kept open for too long: if this message is
		 * what makes the server give up, it must not be the next one again. */
		outcome = SMTP_RETRY;
	}
	smtp_add_message_event(smtp, transaction, SMTP_EVENT_OUTCOME, outcome, why);
	transaction->state = SMTP_TRANSACTION_FREE;
}

void smtp_finish(struct smtp *smtp, enum smtp_end how, const char *why)
{
	struct smtp_slot *slot;

	if (smtp->phase == SMTP_PHASE_END)
		return;
	settle(smtp, &smtp->first, why);
	settle(smtp, &smtp->second, why);
	smtp->phase = SMTP_PHASE_END;
	smtp->expected_count = 0;
	smtp_login_clear(&smtp->login);
	slot = smtp_add_event(smtp, SMTP_EVENT_END);
	slot->event.end = how;
	snprintf(slot->text, sizeof(slot->text), "%s", why);
}

void smtp_finish_with_reply(struct smtp *smtp, enum smtp_end how, const char *what)
{
	char reply[SMTP_TEXT_MAX], text[SMTP_TEXT_MAX];

	smtp_reply_text(&smtp->reply, reply);
	if (smtp_login_shows_in(&smtp->login, reply))
		snprintf(reply, sizeof(reply), "%d (its text repeats the secret and is not kept)",
			smtp->reply.code);
	snprintf(text, sizeof(text), "%.80s: %.300s", what, reply);
	smtp_finish(smtp, how, text);
}
