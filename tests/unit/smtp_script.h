/*
 * smtp_script - the SMTP dialogue as a script, for the tests. A script's lines:
 *   < text   the server sends text and CRLF
 *   > text   we must have written exactly this line
 *   * what   the caller: send N, dot, quit, tls, lost, silent (nothing may be waiting to be written, and
 *            no event)
 *   ! event  the next event: ready, tls, ask N, sent N …, end HOW …; what follows must stand in its text
 * Server lines that follow each other arrive in one piece. Every script is run a second time with the
 * server's bytes one by one.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smtp.h"

#define BODY   "Subject: one\r\n\r\n.leading dot\r\n..two\r\nlast\r\n"
#define WIRE   "> Subject: one\n> \n> ..leading dot\n> ...two\n> last\n"
#define SECRET "open sesame"
#define HELLO  "< 220 mx.example ESMTP\n> EHLO client.example\n"
#define PIPE   HELLO "< 250-mx.example\n< 250-PIPELINING\n< 250 DSN\n! ready\n"
#define SLOW   HELLO "< 250 mx.example\n! ready\n"
#define GO     "< 250 ok\n< 250 ok\n< 354 go on\n" WIRE
#define SENT1  PIPE "* send 1\n" ENVELOPE1 GO "! ask 1\n"
#define ENVELOPE1                                                                                  \
	"> MAIL FROM:<bounce1@agency.example> RET=HDRS ENVID=id+2B1\n"                             \
	"> RCPT TO:<person1@mail.example> NOTIFY=FAILURE,DELAY\n> DATA\n"
#define ENVELOPE2                                                                                  \
	"> MAIL FROM:<bounce2@agency.example> RET=HDRS ENVID=id+2B2\n"                             \
	"> RCPT TO:<person2@mail.example> NOTIFY=FAILURE,DELAY\n> DATA\n"
#define PLAIN_ENVELOPE1                                                                            \
	"> MAIL FROM:<bounce1@agency.example>\n< 250 ok\n> RCPT TO:<person1@mail.example>\n"
#define AUTH(list) HELLO "< 250-mx.example\n< 250 AUTH " list "\n"

struct script {
	const char *name;
	const char *text;
	enum smtp_auth auth;
	bool starttls;
	const char *secret; /* NULL: SECRET */
};

struct run {
	struct smtp *smtp;
	const char *name;
	bool by_byte;
	char fed[70000];
	size_t fed_length;
	struct smtp_message messages[3];
	char addresses[3][3][40];
};

static const char *const outcomes[] = {
	[SMTP_SENT] = "sent",
	[SMTP_RETRY] = "retry",
	[SMTP_REFUSED] = "refused",
	[SMTP_SENDER] = "sender",
	[SMTP_UNKNOWN] = "unknown",
	[SMTP_RELEASED] = "released",
};

static const char *const ends[] = {
	[SMTP_END_NONE] = "none",
	[SMTP_END_QUIT] = "quit",
	[SMTP_END_IDLE] = "idle",
	[SMTP_END_LOST] = "lost",
	[SMTP_END_HELD] = "held",
	[SMTP_END_LOGIN] = "login",
	[SMTP_END_NO_TLS] = "no-tls",
	[SMTP_END_PROTOCOL] = "protocol",
};

static inline void event_name(const struct smtp_event *event, char *text, size_t size)
{
	unsigned n = event->message != NULL ? *(const unsigned *)event->message->owner : 0;

	switch (event->kind) {
	case SMTP_EVENT_NONE:
		snprintf(text, size, "none");
		break;
	case SMTP_EVENT_START_TLS:
		snprintf(text, size, "tls");
		break;
	case SMTP_EVENT_READY:
		snprintf(text, size, "ready");
		break;
	case SMTP_EVENT_ASK:
		snprintf(text, size, "ask %u", n);
		break;
	case SMTP_EVENT_OUTCOME:
		snprintf(text, size, "%s %u", outcomes[event->outcome], n);
		break;
	case SMTP_EVENT_END:
		snprintf(text, size, "end %s", ends[event->end]);
		break;
	}
}

static inline void run_start(struct run *run, const struct script *script, bool by_byte)
{
	static unsigned numbers[] = {0, 1, 2};
	const struct smtp_options options = {
		.starttls = script->starttls,
		.helo = "client.example",
		.auth = script->auth,
		.user = "vacd@agency.example",
		.secret = script->secret != NULL ? script->secret : SECRET,
	};

	memset(run, 0, sizeof(*run));
	run->name = script->name;
	run->by_byte = by_byte;
	for (unsigned i = 1; i < 3; i++) {
		snprintf(run->addresses[i][0], 40, "bounce%u@agency.example", i);
		snprintf(run->addresses[i][1], 40, "person%u@mail.example", i);
		snprintf(run->addresses[i][2], 40, "id+%u", i);
		run->messages[i] = (struct smtp_message){
			.sender = run->addresses[i][0],
			.recipient = run->addresses[i][1],
			.envelope_id = run->addresses[i][2],
			.bytes = BODY,
			.length = strlen(BODY),
			.owner = &numbers[i],
		};
	}
	assert_int_equal(smtp_new(&options, &run->smtp), 0);
}

static inline void run_end(struct run *run)
{
	run->smtp = smtp_free(run->smtp);
}

static inline void feed(struct run *run)
{
	size_t step = run->by_byte ? 1 : run->fed_length;

	for (size_t i = 0; i < run->fed_length; i += step)
		assert_int_equal(smtp_feed(run->smtp, run->fed + i, step), 0);
	run->fed_length = 0;
}

static inline void expect_line(struct run *run, const char *line)
{
	size_t length, n = strlen(line);
	const char *bytes = smtp_output(run->smtp, &length);

	if (length < n + 2 || memcmp(bytes, line, n) != 0 || memcmp(bytes + n, "\r\n", 2) != 0)
		fail_msg("%s: wanted \"%s\", got \"%.*s\"", run->name, line, (int)length, bytes);
	smtp_output_taken(run->smtp, n + 2);
}

static inline void expect_silence(struct run *run)
{
	size_t length;
	const char *bytes = smtp_output(run->smtp, &length);

	struct smtp_event event;
	char name[40];

	if (smtp_event(run->smtp, &event)) {
		event_name(&event, name, sizeof(name));
		fail_msg("%s: an event too many: %s %s", run->name, name, event.text);
	}
	if (length != 0)
		fail_msg("%s: nothing was to be written, but \"%.*s\" was", run->name, (int)length,
			bytes);
}

static inline void expect_event(struct run *run, const char *line)
{
	struct smtp_event event;
	char name[40] = "no event";
	size_t n;

	if (smtp_event(run->smtp, &event))
		event_name(&event, name, sizeof(name));
	n = strlen(name);
	if (strncmp(line, name, n) != 0 || (line[n] != '\0' && line[n] != ' '))
		fail_msg("%s: wanted event \"%s\", got \"%s\"", run->name, line, name);
	if (line[n] == ' ' && strstr(event.text, line + n + 1) == NULL)
		fail_msg(
			"%s: \"%s\" does not stand in \"%s\"", run->name, line + n + 1, event.text);
}

static inline void act(struct run *run, const char *line)
{
	if (strncmp(line, "send ", 5) == 0)
		assert_int_equal(smtp_send(run->smtp, &run->messages[line[5] - '0']), 0);
	else if (strcmp(line, "dot") == 0)
		assert_int_equal(smtp_dot(run->smtp), 0);
	else if (strcmp(line, "quit") == 0)
		assert_int_equal(smtp_quit(run->smtp), 0);
	else if (strcmp(line, "tls") == 0)
		assert_int_equal(smtp_tls_started(run->smtp), 0);
	else if (strcmp(line, "lost") == 0)
		smtp_lost(run->smtp, "gone");
	else if (strcmp(line, "silent") == 0)
		expect_silence(run);
	else if (strcmp(line, "full") == 0)
		assert_false(smtp_has_room(run->smtp));
	else
		fail_msg("%s: unknown act \"%s\"", run->name, line);
}

static inline void run_line(struct run *run, const char *line)
{
	if (line[0] == '<') {
		run->fed_length += (size_t)snprintf(run->fed + run->fed_length,
			sizeof(run->fed) - run->fed_length, "%s\r\n", line + 2);
		return;
	}
	feed(run);
	if (line[0] == '>')
		expect_line(run, line + 2);
	else if (line[0] == '!')
		expect_event(run, line + 2);
	else
		act(run, line + 2);
}

static inline void run_text(struct run *run, const char *text)
{
	char line[1024];

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		assert_true(n < sizeof(line));
		memcpy(line, text, n);
		line[n] = '\0';
		run_line(run, line);
		text += n + 1;
	}
	feed(run);
}

static inline void run_scripts(const struct script *scripts, size_t count)
{
	static struct run run;

	for (size_t i = 0; i < 2 * count; i++) {
		run_start(&run, &scripts[i / 2], i % 2);
		run_text(&run, scripts[i / 2].text);
		expect_silence(&run);
		run_end(&run);
	}
}

#define RUN(scripts) run_scripts(scripts, sizeof(scripts) / sizeof((scripts)[0]))
