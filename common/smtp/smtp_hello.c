/*
 * smtp_hello - the part of the dialogue from the greeting to the login
 */
#include "smtp_hello.h"

#include <stdio.h>
#include <string.h>

void smtp_say_hello(struct smtp *smtp)
{
	smtp_out_printf(&smtp->out, "EHLO %s", smtp->helo);
	smtp_say(smtp, SMTP_COMMAND_EHLO, "");
}

static void become_ready(struct smtp *smtp)
{
	smtp->phase = SMTP_PHASE_READY;
	smtp_login_clear(&smtp->login);
	smtp_add_event(smtp, SMTP_EVENT_READY);
}

static void begin_login(struct smtp *smtp)
{
	const char *mechanism = smtp_login_mechanism(&smtp->login);
	const char *initial;
	char text[SMTP_TEXT_MAX];

	if (smtp->login.auth == SMTP_AUTH_NONE) {
		become_ready(smtp);
		return;
	}
	if (!smtp_offers_mechanism(&smtp->offers, mechanism)) {
		snprintf(text, sizeof(text), "the server does not offer AUTH %s; it offers: %.300s",
			mechanism,
			smtp->offers.mechanisms[0] != '\0' ? smtp->offers.mechanisms : "none");
		smtp_finish(smtp, SMTP_END_LOGIN, text);
		return;
	}
	smtp->phase = SMTP_PHASE_LOGIN;
	initial = smtp_login_initial(&smtp->login);
	smtp_out_printf(&smtp->out, "AUTH %s", mechanism);
	if (initial != NULL)
		smtp_out_printf(&smtp->out, " %s", initial);
	smtp_say(smtp, SMTP_COMMAND_AUTH, "");
}

/* 4yz and 5yz before anything was said of a message: about the connection as a whole. */
static void refuse_host(struct smtp *smtp, int code, enum smtp_end final, const char *what)
{
	smtp_finish_with_reply(smtp, code / 100 == 4 ? SMTP_END_HELD : final, what);
}

void smtp_on_greeting(struct smtp *smtp, int code)
{
	if (code == 220)
		smtp_say_hello(smtp);
	else
		refuse_host(smtp, code, SMTP_END_PROTOCOL, "the server does not greet");
}

void smtp_on_ehlo(struct smtp *smtp, int code)
{
	if (code / 100 != 2) {
		refuse_host(smtp, code, SMTP_END_PROTOCOL, "the server refuses EHLO");
		return;
	}
	smtp_offers_read(&smtp->offers, &smtp->reply);
	smtp_offers_text(&smtp->offers, smtp->offers_text);
	if (smtp->phase == SMTP_PHASE_HELLO)
		begin_login(smtp);
	else if (smtp->offers.starttls)
		smtp_say(smtp, SMTP_COMMAND_STARTTLS, "STARTTLS");
	else
		smtp_finish(smtp, SMTP_END_NO_TLS, "the server does not offer STARTTLS");
}

void smtp_on_starttls(struct smtp *smtp, int code)
{
	if (code != 220) {
		refuse_host(smtp, code, SMTP_END_NO_TLS, "the server refuses STARTTLS");
		return;
	}
	/* Whatever was said in clear may come from anybody (RFC 3207 4.2). */
	memset(&smtp->offers, 0, sizeof(smtp->offers));
	smtp->phase = SMTP_PHASE_TLS;
	smtp_add_event(smtp, SMTP_EVENT_START_TLS);
}

/* 334: the next response; XOAUTH2 gives its reason in one more 334, to be answered by an empty line. */
static void on_challenge(struct smtp *smtp)
{
	const char *response = smtp_login_next(&smtp->login);

	if (response == NULL && smtp->challenge[0] != '\0') {
		smtp_finish(smtp, SMTP_END_LOGIN,
			"the login was refused: the server asks again and again");
		return;
	}
	if (response == NULL) {
		smtp_login_challenge(
			smtp_reply_line(&smtp->reply, 0), smtp->challenge, sizeof(smtp->challenge));
		if (smtp->challenge[0] == '\0')
			snprintf(smtp->challenge, sizeof(smtp->challenge), "no reason given");
		response = smtp->login.auth == SMTP_AUTH_XOAUTH2 ? "" : "*";
	}
	smtp_say(smtp, SMTP_COMMAND_AUTH, response);
}

void smtp_on_auth(struct smtp *smtp, int code)
{
	char what[SMTP_TEXT_MAX] = "the login was refused";

	if (code == 235) {
		become_ready(smtp);
	} else if (code == 334) {
		on_challenge(smtp);
	} else if (code / 100 < 4) {
		smtp_finish_with_reply(smtp, SMTP_END_PROTOCOL, "unexpected reply to AUTH");
	} else {
		if (smtp->challenge[0] != '\0'
			&& !smtp_login_shows_in(&smtp->login, smtp->challenge))
			snprintf(what, sizeof(what), "the login was refused (%.200s)",
				smtp->challenge);
		refuse_host(smtp, code, SMTP_END_LOGIN, what);
	}
}
