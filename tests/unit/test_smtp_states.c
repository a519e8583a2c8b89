/* The SMTP dialogue: every state against every kind of answer; limits; what is waited for. */
#include "smtp_script.h"

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

#define TLS_HELLO     HELLO "< 250-mx\n< 250 STARTTLS\n> STARTTLS\n"
#define DOTTED        SENT1 "* dot\n> .\n"
#define TWO           SENT1 "* send 2\n* dot\n> .\n" ENVELOPE2
#define LATER_MESSAGE DOTTED "< 250 ok\n! sent 1\n"
static const struct stateful states[] = {
	{{.name = "greeting", .text = ""}, {"end protocol", "end held", "end protocol", "end held",
						   "end protocol", "end lost"}},
	{{.name = "EHLO", .text = HELLO},
		{"ready", "end held", "end protocol", "end held", "end protocol", "end lost"}},
	{{.name = "EHLO in clear", .text = HELLO, .starttls = true},
		{"end no-tls", "end held", "end protocol", "end held", "end protocol", "end lost"}},
	{{.name = "STARTTLS", .text = TLS_HELLO, .starttls = true},
		{"end no-tls", "end held", "end no-tls", "end held", "end protocol", "end lost"}},
	{{.name = "handshake", .text = TLS_HELLO "< 220 go\n! tls\n", .starttls = true},
		{"end no-tls", "end no-tls", "end no-tls", "end no-tls", "end no-tls", "end lost"}},
	{{.name = "AUTH", .text = AUTH("LOGIN") "> AUTH LOGIN\n", .auth = SMTP_AUTH_LOGIN},
		{"end protocol", "end held", "end login", "end held", "end protocol", "end lost"}},
	{{.name = "idle", .text = PIPE}, {"end protocol", "end protocol", "end protocol",
						 "end idle", "end protocol", "end idle"}},
	{{.name = "MAIL, pipelined", .text = PIPE "* send 1\n" ENVELOPE1},
		{"", "", "", "retry 1, end held", "retry 1, end protocol", "retry 1, end lost"}},
	{{.name = "RCPT, pipelined", .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n"},
		{"", "", "", "retry 1, end held", "retry 1, end protocol", "retry 1, end lost"}},
	{{.name = "DATA, pipelined", .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 250 ok\n"},
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
	{{.name = "refused envelope", .text = PIPE "* send 1\n" ENVELOPE1 "< 250 ok\n< 550 no\n"},
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
		{"sent 1", "retry 1", "refused 1", "retry 1, end held", "unknown 1, end protocol",
			"unknown 1, end lost"}},
	{{.name = "dot, with the next behind it", .text = TWO},
		{"sent 1", "retry 1", "refused 1", "retry 1, released 2, end held",
			"unknown 1, released 2, end protocol", "unknown 1, released 2, end lost"}},
	{{.name = "body, with the next waiting", .text = SENT1 "* send 2\n"},
		{"retry 1, released 2, end protocol", "retry 1, released 2, end protocol",
			"retry 1, released 2, end protocol", "retry 1, released 2, end held",
			"retry 1, released 2, end protocol", "retry 1, released 2, end lost"}},
	{{.name = "RSET",
		 .text = PIPE "* send 1\n" ENVELOPE1
			      "< 250 ok\n< 550 no\n< 554 no\n! refused 1\n> RSET\n"},
		{"", "end lost", "end lost", "end held", "end protocol", "end lost"}},
	{{.name = "QUIT", .text = PIPE "* quit\n> QUIT\n"},
		{"end quit", "end quit", "end quit", "end quit", "end protocol", "end quit"}},
	{{.name = "over", .text = PIPE "* lost\n! end idle\n"}, {"", "", "", "", "", ""}},
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

static void meet(size_t i, const char *stimulus, bool by_byte, char *events, size_t size)
{
	static struct run run;

	run_start(&run, &states[i].before, by_byte);
	run_text(&run, states[i].before.text);
	run_text(&run, stimulus);
	collect(&run, events, size);
	run_end(&run);
}

static void test_every_state(void **state)
{
	char events[200];

	(void)state;
	for (size_t i = 0; i < STATES; i++)
		for (size_t s = 0; s < STIMULI; s++) {
			meet(i, stimuli[s], s % 2, events, sizeof(events));
			if (strcmp(events, states[i].events[s]) != 0)
				fail_msg("%s, then %.12s: wanted \"%s\", got \"%s\"",
					states[i].before.name, stimuli[s] + 2, states[i].events[s],
					events);
		}
}

/* The envelope is where a server says that it wants a login after all. */
static bool is_about_login(const char *name, int code)
{
	static const char *const steps[] = {"MAIL", "RCPT", "DATA", "refused envelope"};

	if (code != 530 && code != 534 && code != 535 && code != 538)
		return false;
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++)
		if (strncmp(name, steps[n], strlen(steps[n])) == 0)
			return true;
	return false;
}

/* The class of a code says what is done, but for 421 (above), for logins and for the size of a mail. */
static const char *wanted(size_t i, int code)
{
	if (code == 552 && strcmp(states[i].before.name, "MAIL") == 0)
		return "refused 1";
	return states[i].events[code / 100 == 4 ? LATER : NEVER];
}

static void test_every_code(void **state)
{
	char stimulus[20], events[200];

	(void)state;
	for (size_t i = 0; i < STATES; i++)
		for (int code = 400; code < 600; code++) {
			if (code == 421)
				continue;
			snprintf(stimulus, sizeof(stimulus), "< %d no\n", code);
			meet(i, stimulus, false, events, sizeof(events));
			if (is_about_login(states[i].before.name, code)
					? strstr(events, "end login") == NULL
						  || strstr(events, "sent") != NULL
					: strcmp(events, wanted(i, code)) != 0)
				fail_msg("%s, then %d: got \"%s\"", states[i].before.name, code,
					events);
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
		cmocka_unit_test(test_every_state),
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
