/*
 * The SMTP dialogue, by scripts. A script's lines:
 *   < text   the server sends text and CRLF
 *   > text   we must have written exactly this line
 *   * what   the caller: send N, dot, quit, tls, lost, silent (nothing may be waiting to be written)
 *   ! event  the next event: ready, tls, ask N, sent N …, end HOW …; what follows must stand in its text
 * Server lines that follow each other arrive in one piece. Every script is run a second time with the
 * server's bytes one by one.
 */
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

static void event_name(const struct smtp_event *event, char *text, size_t size)
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

static void run_start(struct run *run, const struct script *script, bool by_byte)
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

static void run_end(struct run *run)
{
	run->smtp = smtp_free(run->smtp);
}

static void feed(struct run *run)
{
	size_t step = run->by_byte ? 1 : run->fed_length;

	for (size_t i = 0; i < run->fed_length; i += step)
		assert_int_equal(smtp_feed(run->smtp, run->fed + i, step), 0);
	run->fed_length = 0;
}

static void expect_line(struct run *run, const char *line)
{
	size_t length, n = strlen(line);
	const char *bytes = smtp_output(run->smtp, &length);

	if (length < n + 2 || memcmp(bytes, line, n) != 0 || memcmp(bytes + n, "\r\n", 2) != 0)
		fail_msg("%s: wanted \"%s\", got \"%.*s\"", run->name, line, (int)length, bytes);
	smtp_output_taken(run->smtp, n + 2);
}

static void expect_silence(struct run *run)
{
	size_t length;
	const char *bytes = smtp_output(run->smtp, &length);

	if (length != 0)
		fail_msg("%s: nothing was to be written, but \"%.*s\" was", run->name, (int)length,
			bytes);
}

static void expect_event(struct run *run, const char *line)
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

static void act(struct run *run, const char *line)
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
	else
		fail_msg("%s: unknown act \"%s\"", run->name, line);
}

static void run_line(struct run *run, const char *line)
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

static void run_text(struct run *run, const char *text)
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

static void run_scripts(const struct script *scripts, size_t count)
{
	static struct run run;
	struct smtp_event event;
	char name[40];

	for (size_t i = 0; i < 2 * count; i++) {
		run_start(&run, &scripts[i / 2], i % 2);
		run_text(&run, scripts[i / 2].text);
		expect_silence(&run);
		if (smtp_event(run.smtp, &event)) {
			event_name(&event, name, sizeof(name));
			fail_msg("%s: an event too many: %s %s", run.name, name, event.text);
		}
		run_end(&run);
	}
}

#define RUN(scripts) run_scripts(scripts, sizeof(scripts) / sizeof((scripts)[0]))

/* ---- greeting, EHLO, STARTTLS --------------------------------------------------------------- */

static void test_hello(void **state)
{
	static const struct script scripts[] = {
		{.name = "implicit TLS", .text = SLOW},
		{.name = "long greeting",
			.text = "< 220-mx.example\n< 220-we are\n< 220 glad\n> EHLO "
				"client.example\n"},
		{.name = "codes differ",
			.text = "< 220-mx.example\n< 250 ok\n! end protocol different codes\n"},
		{.name = "no code", .text = "< hello\n! end protocol without a reply code\n"},
		{.name = "other greeting",
			.text = "< 554 no service\n! end protocol 554 no service\n"},
		{.name = "greeting later", .text = "< 421 too many\n! end held 421 too many\n"},
		{.name = "no ESMTP", .text = HELLO "< 502 what\n! end protocol 502 what\n"},
		{.name = "EHLO later", .text = HELLO "< 451 db\n! end held 451 db\n"},
		{.name = "code only", .text = "< 220\n> EHLO client.example\n< 250\n! ready\n"},
		{.name = "unasked", .text = SLOW "< 250 ok\n! end protocol a reply to nothing\n"},
		{.name = "idle close",
			.text = SLOW "< 421 4.4.2 idle\n! end idle 421 4.4.2 idle\n"},
		{.name = "idle loss", .text = SLOW "* lost\n! end idle gone\n"},
		{.name = "quit", .text = SLOW "* quit\n> QUIT\n< 221 bye\n! end quit\n"},
		{.name = "quit, lost", .text = SLOW "* quit\n> QUIT\n* lost\n! end quit\n"},
		{.name = "early quit",
			.text = HELLO
			"* quit\n* silent\n< 250 mx\n! ready\n> QUIT\n< 221 b\n! end quit\n"},
	};

	(void)state;
	RUN(scripts);
}

static void test_starttls(void **state)
{
#define CLEAR                                                                                      \
	HELLO "< 250-mx.example\n< 250-PIPELINING\n< 250-AUTH PLAIN\n< 250 STARTTLS\n> STARTTLS\n"
	static const struct script scripts[] = {
		{.name = "STARTTLS, first EHLO forgotten",
			.text = CLEAR "< 220 go\n! tls\n* tls\n> EHLO client.example\n"
				      "< 250 mx.example\n! end login does not offer AUTH PLAIN\n",
			.auth = SMTP_AUTH_PLAIN,
			.starttls = true},
		{.name = "no pipelining after all",
			.text = CLEAR "< 220 go\n! tls\n* tls\n> EHLO client.example\n"
				      "< 250 mx.example\n! ready\n* send 1\n" PLAIN_ENVELOPE1
				      "* silent\n",
			.starttls = true},
		{.name = "injection behind the 220",
			.text = CLEAR "< 220 go\n< 250-evil\n< 250 AUTH PLAIN\n"
				      "! tls\n! end no-tls in clear behind the 220\n",
			.starttls = true},
		{.name = "injection of one octet",
			.text = CLEAR "< 220 go\n! tls\n< \n! end no-tls in clear behind\n",
			.starttls = true},
		{.name = "not offered",
			.text = HELLO
			"< 250-mx.example\n< 250 PIPELINING\n! end no-tls not offer\n",
			.starttls = true},
		{.name = "not offered, but AUTH is",
			.text = HELLO
			"< 250-mx.example\n< 250 AUTH PLAIN\n! end no-tls not offer\n",
			.auth = SMTP_AUTH_PLAIN,
			.starttls = true},
		{.name = "looks like it",
			.text = HELLO "< 250-mx.example\n< 250 STARTTLSX\n! end no-tls not offer\n",
			.starttls = true},
		{.name = "refused",
			.text = CLEAR "< 502 no\n! end no-tls 502 no\n",
			.starttls = true},
		{.name = "later", .text = CLEAR "< 454 no\n! end held 454 no\n", .starttls = true},
		{.name = "250 is not 220",
			.text = CLEAR "< 250 ok\n! end no-tls\n",
			.starttls = true},
		{.name = "handshake fails",
			.text = CLEAR "< 220 go\n! tls\n* lost\n! end lost\n",
			.starttls = true},
	};

	(void)state;
	RUN(scripts);
#undef CLEAR
}

/* ---- login ---------------------------------------------------------------------------------- */

static void test_login(void **state)
{
	/* base64 of NUL vacd@agency.example NUL open sesame, and so on, made with base64(1) */
	static const struct script scripts[] = {
		{.name = "PLAIN",
			.text = AUTH("LOGIN PLAIN") "> AUTH PLAIN "
						    "AHZhY2RAYWdlbmN5LmV4YW1wbGUAb3BlbiBzZXNhbWU=\n"
						    "< 235 welcome\n! ready\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "LOGIN",
			.text = AUTH("plain login") "> AUTH LOGIN\n< 334 VXNlcm5hbWU6\n"
						    "> dmFjZEBhZ2VuY3kuZXhhbXBsZQ==\n"
						    "< 334 UGFzc3dvcmQ6\n> b3BlbiBzZXNhbWU=\n"
						    "< 235 welcome\n! ready\n",
			.auth = SMTP_AUTH_LOGIN},
		{.name = "XOAUTH2",
			.text = AUTH(
				"XOAUTH2") "> AUTH XOAUTH2 "
					   "dXNlcj12YWNkQGFnZW5jeS5leGFtcGxlAWF1dGg9QmVhcmVyIG9wZ"
					   "W4gc2VzYW1lAQE=\n"
					   "< 235 welcome\n! ready\n",
			.auth = SMTP_AUTH_XOAUTH2},
		{.name = "XOAUTH2 with its round of errors",
			.text = AUTH(
				"XOAUTH2") "> AUTH XOAUTH2 "
					   "dXNlcj12YWNkQGFnZW5jeS5leGFtcGxlAWF1dGg9QmVhcmVyIG9wZ"
					   "W4gc2VzYW1lAQE=\n"
					   "< 334 eyJzdGF0dXMiOiI0MDEifQ==\n> \n"
					   "< 535 5.7.3 no\n! end login {\"status\":\"401\"}\n",
			.auth = SMTP_AUTH_XOAUTH2},
		{.name = "XOAUTH2 for ever",
			.text = AUTH(
				"XOAUTH2") "> AUTH XOAUTH2 "
					   "dXNlcj12YWNkQGFnZW5jeS5leGFtcGxlAWF1dGg9QmVhcmVyIG9wZ"
					   "W4gc2VzYW1lAQE=\n"
					   "< 334 e30=\n> \n< 334 e30=\n! end login again\n",
			.auth = SMTP_AUTH_XOAUTH2},
		{.name = "another mechanism",
			.text = AUTH("GSSAPI CRAM-MD5") "! end login GSSAPI CRAM-MD5\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "part of a word",
			.text = AUTH("PLAINTEXT") "! end login not offer\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "refused",
			.text = AUTH("PLAIN") "> AUTH PLAIN "
					      "AHZhY2RAYWdlbmN5LmV4YW1wbGUAb3BlbiBzZXNhbWU=\n"
					      "< 535 5.7.8 bad\n! end login 535 5.7.8 bad\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "for now",
			.text = AUTH("PLAIN") "> AUTH PLAIN "
					      "AHZhY2RAYWdlbmN5LmV4YW1wbGUAb3BlbiBzZXNhbWU=\n"
					      "< 454 4.7.0 later\n! end held 454 4.7.0 later\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "asks too much",
			.text = AUTH("PLAIN") "> AUTH PLAIN "
					      "AHZhY2RAYWdlbmN5LmV4YW1wbGUAb3BlbiBzZXNhbWU=\n"
					      "< 334 more\n> *\n< 501 stopped\n! end login 501 "
					      "stopped\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "the server repeats what it was told",
			.text = AUTH(
				"PLAIN") "> AUTH PLAIN "
					 "AHZhY2RAYWdlbmN5LmV4YW1wbGUAb3BlbiBzZXNhbWU=\n"
					 "< 501 what is AHZhY2RAYWdlbmN5LmV4YW1wbGUAb3BlbiBzZXN?\n"
					 "! end login 501 (its text repeats the secret\n",
			.auth = SMTP_AUTH_PLAIN},
		{.name = "the server repeats the secret itself",
			.text = AUTH("LOGIN") "> AUTH LOGIN\n< 535 no sesame: open sesa\n"
					      "! end login 535 (its text repeats the secret\n",
			.auth = SMTP_AUTH_LOGIN},
	};

	(void)state;
	RUN(scripts);
}

/* RFC 4954 4: what does not fit into a command line waits for the server's 334. */
static void test_long_token(void **state)
{
	static char secret[2001];
	const struct script script = {.name = "long token",
		.text = AUTH("XOAUTH2") "> AUTH XOAUTH2\n< 334 \n",
		.auth = SMTP_AUTH_XOAUTH2,
		.secret = secret};
	static struct run run;
	struct smtp_event event;
	const char *bytes;
	size_t length;

	(void)state;
	memset(secret, 'a', sizeof(secret) - 1);
	run_start(&run, &script, false);
	run_text(&run, script.text);
	bytes = smtp_output(run.smtp, &length);
	assert_int_equal(length, (39 + sizeof(secret) - 1 + 2) / 3 * 4 + 2);
	assert_memory_equal(bytes, "dXNlcj12YWNk", 12);
	smtp_output_taken(run.smtp, length);
	run_text(&run, "< 334 e30=\n> \n< 535 aaaaaaaaaaaaaaaaaaaaaaa\n");
	assert_true(smtp_event(run.smtp, &event));
	assert_null(strstr(event.text, "aaaaaaaa"));
	run_end(&run);
}

/* ---- messages ------------------------------------------------------------------------------- */

static void test_messages(void **state)
{
	static const struct script scripts[] = {
		{.name = "step by step",
			.text = SLOW
			"* send 1\n" PLAIN_ENVELOPE1 "* silent\n< 250 ok\n> DATA\n"
			"< 354 go\n" WIRE "! ask 1\n* silent\n* dot\n> .\n"
			"< 250 2.0.0 queued as 4ABC\n! sent 1 250 2.0.0 queued as 4ABC\n"
			"* send 2\n> MAIL FROM:<bounce2@agency.example>\n"},
		{.name = "pipelined",
			.text = SENT1
			"* silent\n* dot\n> .\n< 250 ok\n! sent 1\n* send 2\n" ENVELOPE2},
		{.name = "the next envelope goes with the dot",
			.text = SENT1 "* send 2\n* silent\n* dot\n> .\n" ENVELOPE2 "* silent\n"
				      "< 250 one\n" GO "! sent 1 250 one\n! ask 2\n* dot\n> .\n"
				      "< 250 two\n! sent 2 250 two\n* quit\n> QUIT\n"},
		{.name = "the next envelope goes behind the dot",
			.text = SENT1 "* dot\n> .\n* send 2\n" ENVELOPE2},
		{.name = "251 is good",
			.text = PIPE "* send 1\n" ENVELOPE1
				     "< 250 ok\n< 251 forwarded\n< 354 go\n" WIRE "! ask 1\n"},
		{.name = "QUIT waits",
			.text = SENT1 "* quit\n* silent\n* dot\n> .\n< 250 ok\n! sent 1\n> QUIT\n"},
		{.name = "MAIL refused",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 553 not yours\n< 503 no\n< 503 no\n"
				     "! sender 1 553 not yours\n> RSET\n< 250 ok\n"},
		{.name = "MAIL refused, too large",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 552 too big\n< 503 no\n< 503 no\n"
				     "! refused 1 552 too big\n> RSET\n"},
		{.name = "RCPT refused",
			.text = PIPE "* send 1\n" ENVELOPE1
				     "< 250 ok\n< 550 5.1.1 nobody\n< 554 no valid recipients\n"
				     "! refused 1 550 5.1.1 nobody\n> RSET\n* send 2\n" ENVELOPE2
				     "< 250 reset\n" GO "! ask 2\n"},
		{.name = "RCPT refused, but 354 follows",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 550 nobody\n< 354 go\n"
				     "> .\n* silent\n< 554 no valid recipients\n"
				     "! refused 1 550 nobody\n> RSET\n"},
		{.name = "MAIL refused, but all else is taken",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 451 later\n< 250 ok\n< 354 go\n"
				     "> .\n< 250 an empty one\n! retry 1 451 later\n> RSET\n"},
		{.name = "greylisted",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 450 4.2.0 grey\n< 554 no\n"
				     "! retry 1 450 4.2.0 grey\n> RSET\n"},
		{.name = "DATA refused",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 250 ok\n< 451 disk\n"
				     "! retry 1 451 disk\n> RSET\n"},
		{.name = "content refused",
			.text = SENT1 "* dot\n> .\n< 554 5.7.1 spam\n! refused 1 554 5.7.1 spam\n"
				      "* send 2\n" ENVELOPE2},
		{.name = "content later, the next one is not touched",
			.text = SENT1 "* send 2\n* dot\n> .\n" ENVELOPE2 "< 451 4.3.0 queue\n" GO
				      "! retry 1 451 4.3.0 queue\n! ask 2\n"},
		{.name = "step by step, RCPT refused",
			.text = SLOW "* send 1\n" PLAIN_ENVELOPE1
				     "< 550 nobody\n! refused 1\n> RSET\n"
				     "* send 2\n* silent\n< 250 ok\n"
				     "> MAIL FROM:<bounce2@agency.example>\n"},
		{.name = "RSET refused",
			.text = SLOW "* send 1\n" PLAIN_ENVELOPE1
				     "< 550 nobody\n! refused 1\n> RSET\n< 500 what\n! end lost\n"},
		{.name = "login wanted",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 530 5.7.0 login first\n"
				     "! released 1\n! end login 530 5.7.0 login first\n"},
		{.name = "login wanted at RCPT",
			.text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 535 5.7.0 login first\n"
				     "! released 1\n! end login 535 5.7.0\n"},
		{.name = "many lines",
			.text = SENT1 "* dot\n> .\n< 550-one\n< 550-\n< 550 three\n"
				      "! refused 1 550 one three\n"},
		{.name = "not printable",
			.text = SENT1
			"* dot\n> .\n< 250 a\tb\x1b[31m\xc3\xa9\n! sent 1 250 a?b?[31m??\n"},
	};

	(void)state;
	RUN(scripts);
}

static void test_parameters(void **state)
{
	static const struct script scripts[] = {
		{.name = "SIZE and 8BITMIME",
			.text = HELLO
			"< 250-mx\n< 250-size 1000\n< 250 8bitmime\n! ready\n* send 1\n"
			"> MAIL FROM:<bounce1@agency.example> SIZE=43 BODY=8BITMIME\n"},
		{.name = "SIZE without a limit",
			.text = HELLO "< 250-mx\n< 250 SIZE\n! ready\n* send 1\n"
				      "> MAIL FROM:<bounce1@agency.example> SIZE=43\n"},
		{.name = "too large to be tried",
			.text = HELLO "< 250-mx\n< 250 SIZE 42\n! ready\n* send 1\n"
				      "! refused 1 552 not tried: 43 octets\n* silent\n"},
	};

	(void)state;
	RUN(scripts);
}

/* No field may end its line and begin another command. */
static void test_addresses(void **state)
{
	static const char *const bad[] = {"", "a b@c.example",
		"a@b.example\r\nRCPT TO:<x@y.example>", "a@b.example>", "<a@b.example",
		"\x7f@b.example", "h\xc3\xa9@b.example", NULL};
	static const char *const bodies[] = {
		"a\nb\r\n", "a\rb\r\n", "\n", "a\r", "a\r\r\n", "\r\n.\n", NULL};
	const struct script script = {.name = "addresses", .text = SLOW};
	static struct run run;

	(void)state;
	run_start(&run, &script, false);
	run_text(&run, script.text);
	for (size_t i = 0; bad[i] != NULL; i++) {
		struct smtp_message message = run.messages[1];

		message.recipient = bad[i];
		assert_int_equal(smtp_send(run.smtp, &message), -EINVAL);
		message = run.messages[1];
		message.sender = bad[i];
		assert_int_equal(smtp_send(run.smtp, &message), -EINVAL);
	}
	for (size_t i = 0; bodies[i] != NULL; i++) {
		struct smtp_message message = run.messages[1];

		message.bytes = bodies[i];
		message.length = strlen(bodies[i]);
		assert_int_equal(smtp_send(run.smtp, &message), -EINVAL);
	}
	expect_silence(&run);
	run_end(&run);
}

/* The caller can do nothing at the wrong moment. */
static void test_order(void **state)
{
	const struct script script = {.name = "order", .text = HELLO};
	static struct run run;

	(void)state;
	run_start(&run, &script, false);
	assert_int_equal(smtp_send(run.smtp, &run.messages[1]), -EBUSY);
	assert_int_equal(smtp_dot(run.smtp), -EINVAL);
	assert_int_equal(smtp_tls_started(run.smtp), -EINVAL);
	run_text(&run, PIPE "* send 1\n");
	assert_false(smtp_has_room(run.smtp));
	assert_int_equal(smtp_send(run.smtp, &run.messages[2]), -EBUSY);
	assert_int_equal(smtp_dot(run.smtp), -EINVAL);
	run_text(&run, ENVELOPE1 GO "! ask 1\n* send 2\n");
	assert_int_equal(smtp_load(run.smtp), 2);
	assert_false(smtp_has_room(run.smtp));
	run_text(&run, "* dot\n");
	assert_int_equal(smtp_dot(run.smtp), -EINVAL);
	run_end(&run);
}

/* ---- every state × every kind of answer ----------------------------------------------------- */

enum { GOOD, LATER, NEVER, CLOSES, GARBAGE, GONE, STIMULI };

static const char *const stimuli[STIMULI] = {
	"< 250 ok\n", "< 450 later\n", "< 550 never\n", "< 421 closing\n", "< ?!\n", "* lost\n"};

struct stateful {
	struct script before;
	const char *events[STIMULI]; /* "" is: goes on without an event */
};

static void collect(struct run *run, char *text, size_t size)
{
	struct smtp_event event;
	char name[40];

	text[0] = '\0';
	while (smtp_event(run->smtp, &event)) {
		event_name(&event, name, sizeof(name));
		snprintf(text + strlen(text), size - strlen(text), "%s%s", *text ? ", " : "", name);
	}
}

static void test_every_state(void **state)
{
#define TLS_HELLO     HELLO "< 250-mx\n< 250 STARTTLS\n> STARTTLS\n"
#define DOTTED        SENT1 "* dot\n> .\n"
#define TWO           SENT1 "* send 2\n* dot\n> .\n" ENVELOPE2
#define LATER_MESSAGE DOTTED "< 250 ok\n! sent 1\n"
	static const struct stateful states[] = {
		{{.name = "greeting", .text = ""}, {"end protocol", "end held", "end protocol",
							   "end held", "end protocol", "end lost"}},
		{{.name = "EHLO", .text = HELLO}, {"ready", "end held", "end protocol", "end held",
							  "end protocol", "end lost"}},
		{{.name = "EHLO in clear", .text = HELLO, .starttls = true},
			{"end no-tls", "end held", "end protocol", "end held", "end protocol",
				"end lost"}},
		{{.name = "STARTTLS", .text = TLS_HELLO, .starttls = true},
			{"end no-tls", "end held", "end no-tls", "end held", "end protocol",
				"end lost"}},
		{{.name = "handshake", .text = TLS_HELLO "< 220 go\n! tls\n", .starttls = true},
			{"end no-tls", "end no-tls", "end no-tls", "end no-tls", "end no-tls",
				"end lost"}},
		{{.name = "AUTH", .text = AUTH("LOGIN") "> AUTH LOGIN\n", .auth = SMTP_AUTH_LOGIN},
			{"end protocol", "end held", "end login", "end held", "end protocol",
				"end lost"}},
		{{.name = "idle", .text = PIPE}, {"end protocol", "end protocol", "end protocol",
							 "end idle", "end protocol", "end idle"}},
		{{.name = "MAIL, pipelined", .text = PIPE "* send 1\n" ENVELOPE1},
			{"", "", "", "retry 1, end held", "retry 1, end protocol",
				"retry 1, end lost"}},
		{{.name = "RCPT, pipelined", .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n"},
			{"", "", "", "retry 1, end held", "retry 1, end protocol",
				"retry 1, end lost"}},
		{{.name = "DATA, pipelined",
			 .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 250 ok\n"},
			{"retry 1, end protocol", "retry 1", "refused 1", "retry 1, end held",
				"retry 1, end protocol", "retry 1, end lost"}},
		{{.name = "MAIL", .text = SLOW "* send 1\n> MAIL FROM:<bounce1@agency.example>\n"},
			{"", "retry 1", "sender 1", "retry 1, end held", "retry 1, end protocol",
				"retry 1, end lost"}},
		{{.name = "RCPT", .text = SLOW "* send 1\n" PLAIN_ENVELOPE1},
			{"", "retry 1", "refused 1", "retry 1, end held", "retry 1, end protocol",
				"retry 1, end lost"}},
		/* On a connection that has carried something, a loss before any reply is the usual end
		 * of one that was kept open too long. */
		{{.name = "MAIL, later on", .text = LATER_MESSAGE "* send 2\n" ENVELOPE2},
			{"", "", "", "retry 2, end held", "released 2, end protocol",
				"released 2, end lost"}},
		{{.name = "refused envelope",
			 .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 550 no\n"},
			{"refused 1, end protocol", "refused 1", "refused 1", "refused 1, end held",
				"refused 1, end protocol", "refused 1, end lost"}},
		{{.name = "empty dot",
			 .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 550 no\n< 354 go\n> .\n"},
			{"refused 1", "refused 1", "refused 1", "refused 1, end held",
				"refused 1, end protocol", "refused 1, end lost"}},
		{{.name = "body, the dot not yet written", .text = SENT1},
			{"retry 1, end protocol", "retry 1, end protocol", "retry 1, end protocol",
				"retry 1, end held", "retry 1, end protocol", "retry 1, end lost"}},
		{{.name = "dot", .text = DOTTED},
			{"sent 1", "retry 1", "refused 1", "retry 1, end held",
				"unknown 1, end protocol", "unknown 1, end lost"}},
		{{.name = "dot, with the next behind it", .text = TWO},
			{"sent 1", "retry 1", "refused 1", "retry 1, released 2, end held",
				"unknown 1, released 2, end protocol",
				"unknown 1, released 2, end lost"}},
		{{.name = "body, with the next waiting", .text = SENT1 "* send 2\n"},
			{"retry 1, released 2, end protocol", "retry 1, released 2, end protocol",
				"retry 1, released 2, end protocol",
				"retry 1, released 2, end held",
				"retry 1, released 2, end protocol",
				"retry 1, released 2, end lost"}},
		{{.name = "RSET",
			 .text = PIPE "* send 1\n" ENVELOPE1
				      "< 250 ok\n< 550 no\n< 554 no\n! refused 1\n> RSET\n"},
			{"", "end lost", "end lost", "end held", "end protocol", "end lost"}},
		{{.name = "QUIT", .text = PIPE "* quit\n> QUIT\n"},
			{"end quit", "end quit", "end quit", "end quit", "end protocol",
				"end quit"}},
		{{.name = "over", .text = PIPE "* lost\n! end idle\n"}, {"", "", "", "", "", ""}},
	};
	static struct run run;
	char events[200];

	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		for (size_t s = 0; s < STIMULI; s++) {
			run_start(&run, &states[i].before, s % 2);
			run_text(&run, states[i].before.text);
			run_text(&run, stimuli[s]);
			collect(&run, events, sizeof(events));
			if (strcmp(events, states[i].events[s]) != 0)
				fail_msg("%s, then %.12s: wanted \"%s\", got \"%s\"", run.name,
					stimuli[s] + 2, states[i].events[s], events);
			run_end(&run);
		}
}

/* ---- limits --------------------------------------------------------------------------------- */

static void feed_many(struct run *run, const char *line, size_t times)
{
	for (size_t i = 0; i < times; i++)
		assert_int_equal(smtp_feed(run->smtp, line, strlen(line)), 0);
}

static void test_limits(void **state)
{
	const struct script script = {.name = "limits", .text = ""};
	static struct run run;
	char line[1024];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';

	run_start(&run, &script, false);
	feed_many(&run, line, 4);
	run_text(&run, "* silent\n");
	feed_many(&run, line, 1);
	run_text(&run, "! end protocol a line that is too long\n");
	run_end(&run);

	run_start(&run, &script, false);
	feed_many(&run, "220-x\r\n", 128);
	run_text(&run, "* silent\n");
	feed_many(&run, "220-x\r\n", 1);
	run_text(&run, "! end protocol a reply that is too long\n");
	run_end(&run);

	memcpy(line, "220-", 4);
	memcpy(line + sizeof(line) - 3, "\r\n", 2);
	run_start(&run, &script, false);
	feed_many(&run, line, 17);
	run_text(&run, "! end protocol a reply that is too long\n");
	run_end(&run);

	run_start(&run, &script, false); /* text is shortened */
	memcpy(line, "554 ", 4);
	feed_many(&run, line, 1);
	run_text(&run, "! end protocol 554 xxxx\n");
	run_end(&run);
}

/* A reply moves the deadline, its single bytes do not. */
static void test_waits(void **state)
{
	const struct script script = {.name = "waits", .text = ""};
	static struct run run;
	unsigned long step;

	(void)state;
	run_start(&run, &script, false);
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_GREETING);
	step = smtp_step(run.smtp);
	feed_many(&run, "220-slow\r\n220", 1);
	assert_int_equal(smtp_step(run.smtp), step);
	feed_many(&run, " hello\r\n", 1);
	assert_true(smtp_step(run.smtp) != step);
	run_text(&run, "> EHLO client.example\n");
	run_end(&run);

	run_start(&run, &script, false);
	run_text(&run, HELLO);
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_COMMAND);
	run_text(&run, "< 250-mx.example\n< 250-PIPELINING\n< 250 DSN\n! ready\n");
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_NOTHING);
	run_text(&run, "* send 1\n" ENVELOPE1);
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_COMMAND);
	run_text(&run, "< 250 ok\n< 250 ok\n");
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_DATA);
	run_text(&run, "< 354 go\n" WIRE "! ask 1\n");
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_NOTHING);
	step = smtp_step(run.smtp);
	run_text(&run, "* dot\n> .\n");
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_DOT);
	assert_true(smtp_step(run.smtp) != step);
	run_text(&run, "< 250 ok\n! sent 1\n* quit\n> QUIT\n");
	assert_int_equal(smtp_wait(run.smtp), SMTP_WAIT_QUIT);
	run_end(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_long_token),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_every_state),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
