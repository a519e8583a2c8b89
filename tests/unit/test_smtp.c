/* The SMTP dialogue: greeting, STARTTLS, login, messages. */
#include "smtp_script.h"

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
		{.name = "a host of that name",
			.text = HELLO "< 250 STARTTLS\n! end no-tls not offer\n",
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
		{.name = "the front of a word",
			.text = AUTH("PLAI") "! end login not offer\n",
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
			.text = HELLO "< 250-mx\n< 250 SIZE 42\n! ready\n* send 1\n* full\n"
				      "! refused 1 552 not tried: 43 octets\n* send 2\n* full\n"
				      "! refused 2 552 not tried: 43 octets\n* silent\n"},
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
