/*
 * smtp_mail - the part of the dialogue that carries messages
 */
#include "smtp_mail.h"

#include <stdio.h>

static void write_mail(struct smtp *smtp, const struct smtp_message *message)
{
	struct smtp_out *out = &smtp->out;

	smtp_out_printf(out, "MAIL FROM:<%s>", message->sender);
	if (smtp->offers.size)
		smtp_out_printf(out, " SIZE=%zu", message->length);
	if (smtp->offers.eightbit)
		smtp_out_printf(out, " BODY=8BITMIME");
	if (smtp->offers.dsn)
		smtp_out_printf(out, " RET=HDRS");
	if (smtp->offers.dsn && message->envelope_id != NULL) {
		smtp_out_printf(out, " ENVID=");
		smtp_out_xtext(out, message->envelope_id);
	}
	smtp_say(smtp, SMTP_COMMAND_MAIL, "");
}

static void write_rcpt(struct smtp *smtp, const struct smtp_message *message)
{
	smtp_out_printf(&smtp->out, "RCPT TO:<%s>", message->recipient);
	smtp_say(smtp, SMTP_COMMAND_RCPT, smtp->offers.dsn ? " NOTIFY=FAILURE,DELAY" : "");
}

/* Begins the envelope if it is the turn of this message; with PIPELINING all of it. */
static void write_envelope(struct smtp *smtp, struct smtp_transaction *transaction)
{
	if (transaction->state != SMTP_TRANSACTION_WAITING)
		return;
	if (!smtp->offers.pipelining && smtp->expected_count > 0)
		return;
	transaction->state = SMTP_TRANSACTION_ENVELOPE;
	write_mail(smtp, &transaction->message);
	if (smtp->offers.pipelining) {
		write_rcpt(smtp, &transaction->message);
		smtp_say(smtp, SMTP_COMMAND_DATA, "DATA");
	}
}

void smtp_go_on(struct smtp *smtp)
{
	if (smtp->phase != SMTP_PHASE_READY)
		return;
	write_envelope(smtp, &smtp->first);
	if (smtp->first.state == SMTP_TRANSACTION_DOT)
		write_envelope(smtp, &smtp->second);
	if (smtp->quitting && smtp->first.state == SMTP_TRANSACTION_FREE
		&& smtp->expected_count == 0) {
		smtp->phase = SMTP_PHASE_QUIT;
		smtp_say(smtp, SMTP_COMMAND_QUIT, "QUIT");
	}
}

/* first is over; the next moves up. */
static void finish_first(struct smtp *smtp, enum smtp_outcome outcome, const char *text)
{
	smtp_add_message_event(smtp, &smtp->first, SMTP_EVENT_OUTCOME, outcome, text);
	smtp->settled++;
	smtp->first = smtp->second;
	smtp->second.state = SMTP_TRANSACTION_FREE;
}

void smtp_refuse_first(struct smtp *smtp, enum smtp_outcome outcome)
{
	struct smtp_transaction *first = &smtp->first;

	if (first->refused) /* the first no is the reason, the others follow from it */
		return;
	first->refused = true;
	first->outcome = outcome;
	smtp_reply_text(&smtp->reply, first->text);
}

/* The envelope came to nothing: what the server may have kept of it must not be there for the next. */
void smtp_drop_first(struct smtp *smtp)
{
	finish_first(smtp, smtp->first.outcome, smtp->first.text);
	smtp_say(smtp, SMTP_COMMAND_RSET, "RSET");
}

static bool is_login_code(int code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

/* What replies to MAIL, RCPT and DATA have in common. False: the dialogue is over. */
static bool on_envelope(struct smtp *smtp, int code, int good)
{
	struct smtp_transaction *first = &smtp->first;

	first->answered = true;
	if (is_login_code(code)) {
		if (!first->refused)
			smtp_refuse_first(smtp, SMTP_RELEASED);
		smtp_finish_with_reply(
			smtp, SMTP_END_LOGIN, "the server wants a login that it accepts");
		return false;
	}
	if (code / 100 < 4 && code / 100 != good) {
		smtp_finish_with_reply(smtp, SMTP_END_PROTOCOL, "unexpected reply to the envelope");
		return false;
	}
	return true;
}

/* 5yz to MAIL is about our own address, except for what it says of the message's size. */
static enum smtp_outcome mail_outcome(int code)
{
	if (code / 100 == 4)
		return SMTP_RETRY;
	return code == 552 ? SMTP_REFUSED : SMTP_SENDER;
}

static enum smtp_outcome outcome_of(int code)
{
	switch (code / 100) {
	case 2:
		return SMTP_SENT;
	case 4:
		return SMTP_RETRY;
	default:
		return SMTP_REFUSED;
	}
}

void smtp_on_mail(struct smtp *smtp, int code)
{
	if (!on_envelope(smtp, code, 2))
		return;
	if (code / 100 != 2)
		smtp_refuse_first(smtp, mail_outcome(code));
	if (smtp->offers.pipelining)
		return;
	if (smtp->first.refused)
		smtp_drop_first(smtp);
	else
		write_rcpt(smtp, &smtp->first.message);
}

void smtp_on_rcpt(struct smtp *smtp, int code)
{
	if (!on_envelope(smtp, code, 2))
		return;
	if (code / 100 != 2)
		smtp_refuse_first(smtp, outcome_of(code));
	if (smtp->offers.pipelining)
		return;
	if (smtp->first.refused)
		smtp_drop_first(smtp);
	else
		smtp_say(smtp, SMTP_COMMAND_DATA, "DATA");
}

void smtp_on_data(struct smtp *smtp, int code)
{
	struct smtp_transaction *first = &smtp->first;

	if (!on_envelope(smtp, code, 3))
		return;
	if (code / 100 != 3) {
		smtp_refuse_first(smtp, outcome_of(code));
		smtp_drop_first(smtp);
	} else if (first->refused) {
		smtp_say(smtp, SMTP_COMMAND_EMPTY_DOT, ".");
	} else {
		first->state = SMTP_TRANSACTION_BODY;
		smtp_out_body(&smtp->out, first->message.bytes, first->message.length);
		smtp_add_message_event(smtp, first, SMTP_EVENT_ASK, SMTP_RELEASED, "");
	}
}

void smtp_on_dot(struct smtp *smtp, int code)
{
	char text[SMTP_TEXT_MAX];

	if (code / 100 == 3) {
		smtp_finish_with_reply(
			smtp, SMTP_END_PROTOCOL, "unexpected reply to the final dot");
		return;
	}
	smtp_reply_text(&smtp->reply, text);
	finish_first(smtp, outcome_of(code), text);
}
