/* The LMTP dialogue: what comes of what a client says, however it is cut into pieces; addresses of ours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lmtp_run.h"

#define GREETING "220 mail.agency.example LMTP\n"
#define LHLO     "LHLO mx.example\n"
#define OFFERS                                                                                     \
	"250-mail.agency.example\n250-PIPELINING\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n"         \
	"250 SIZE 2000\n"
#define MAIL   "MAIL FROM:<a@x.example>\n"
#define RCPT   "RCPT TO:<vacd@agency.example>\n"
#define MAILED "250 2.1.0 fine\n"
#define RCPTED "250 2.1.5 fine\n"
#define GO     "354 go on; end with a dot on a line by itself\n"
#define STORED "250 2.0.0 stored\n"
#define AWAY   "451 4.3.0 the database is away\n"
#define BYE    "221 2.0.0 goodbye\n[closed]\n"
#define FROM   "[mail from=a@x.example to=vacd@agency.example]"
#define BEGIN  LHLO MAIL RCPT "DATA\n"
#define BEGUN  GREETING OFFERS MAILED RCPTED GO
#define BARE   "421 4.7.0 a line ends in CR LF\n[closed]\n"

/* In both texts LF stands for CR LF, \001 for a bare LF, \002 for NUL; a CR is itself. */
struct script {
	const char *name, *in, *out;
	const char *held;
};

static struct octets wire(const char *text)
{
	struct octets bytes = {0};

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			octets_add_text(&bytes, "\r\n");
		else
			octets_add_char(&bytes, *text == '\001'   ? '\n'
						: *text == '\002' ? '\0'
								  : *text);
	}
	octets_add(&bytes, "", 1);
	assert_false(bytes.failed);
	bytes.length--;
	return bytes;
}

static size_t cut_at(void *arg, size_t left)
{
	size_t *at = arg, n = *at;

	*at = SIZE_MAX; /* the second piece is all the rest */
	return n < left ? n : left;
}

static size_t cut_each(void *arg, size_t left)
{
	size_t n = *(size_t *)arg;

	return n < left ? n : left;
}

static void run_one(const struct script *script, const struct octets *in, const struct octets *out,
	lmtp_run_cut cut, size_t arg)
{
	struct lmtp_run run = {.held = script->held};

	lmtp_run(&run, in->data, in->length, cut, &arg);
	if (run.failed || run.text.data == NULL)
		fail_msg("%s: a promise of lmtp.h is broken", script->name);
	else if (run.text.length != out->length
		 || memcmp(run.text.data, out->data, out->length) != 0)
		fail_msg("%s, pieces of %zu: wanted\n%.*s\ngot\n%.*s", script->name, arg,
			(int)out->length, out->data, (int)run.text.length, run.text.data);
	octets_clear(&run.text);
}

/* Whole, in pieces of each length up to 8, and cut in two at each place. */
static void run_script(const struct script *script)
{
	struct octets in = wire(script->in), out = wire(script->out);

	run_one(script, &in, &out, NULL, 0);
	for (size_t n = 1; n <= 8; n++)
		run_one(script, &in, &out, cut_each, n);
	for (size_t at = 1; at < in.length && at < 400; at++)
		run_one(script, &in, &out, cut_at, at);
	octets_clear(&in);
	octets_clear(&out);
}

static void run_scripts(const struct script *scripts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		run_script(&scripts[i]);
}

#define RUN(scripts) run_scripts(scripts, sizeof(scripts) / sizeof((scripts)[0]))

/* ---- commands ------------------------------------------------------------------------------- */

static void test_commands(void **state)
{
	static const struct script scripts[] = {
		{"nothing", "", GREETING, NULL},
		{"LHLO", LHLO, GREETING OFFERS, NULL},
		{"LHLO without a name", "LHLO\n", GREETING "501 5.5.4 LHLO wants your name\n",
			NULL},
		{"HELO", "HELO mx.example\nEHLO mx.example\n",
			GREETING "500 5.5.1 this is LMTP: say LHLO\n"
				 "500 5.5.1 this is LMTP: say LHLO\n",
			NULL},
		{"case and blanks", "lhlo  mx.example \nNoOp  \nnoop x\nquit \n",
			GREETING OFFERS "250 2.0.0 fine\n250 2.0.0 fine\n" BYE, NULL},
		{"RSET forgets", LHLO MAIL "RSET\n" MAIL "rset\n" RCPT,
			GREETING OFFERS MAILED "250 2.0.0 forgotten\n" MAILED
					       "250 2.0.0 forgotten\n503 5.5.1 say MAIL first\n",
			NULL},
		{"LHLO forgets", LHLO MAIL RCPT LHLO RCPT,
			GREETING OFFERS MAILED RCPTED OFFERS "503 5.5.1 say MAIL first\n", NULL},
		{"VRFY", "VRFY a@x.example\n", GREETING "252 2.5.2 send it and see\n", NULL},
		{"others", "EXPN a\nHELP\nAUTH PLAIN\nBDAT 3\nSTARTTLS\n",
			GREETING "502 5.5.1 not offered here\n502 5.5.1 not offered here\n"
				 "502 5.5.1 not offered here\n502 5.5.1 not offered here\n"
				 "502 5.5.1 not offered here\n",
			NULL},
		{"none", "\nWHAT\nLHL\nLHLOX y\nLHLO\ty\n",
			GREETING "500 5.5.2 what?\n500 5.5.2 what?\n500 5.5.2 what?\n"
				 "500 5.5.2 what?\n500 5.5.2 not printable ASCII\n",
			NULL},
		{"more than the word", LHLO "DATA x\nRSET x\nQUIT x\n",
			GREETING OFFERS "501 5.5.4 nothing stands behind this command\n"
					"501 5.5.4 nothing stands behind this command\n"
					"501 5.5.4 nothing stands behind this command\n",
			NULL},
		{"behind QUIT", "QUIT\nNOOP\n", GREETING BYE, NULL},
	};

	(void)state;
	RUN(scripts);
}

static void test_order(void **state)
{
	static const struct script scripts[] = {
		{"MAIL first", MAIL, GREETING "503 5.5.1 say LHLO first\n", NULL},
		{"MAIL twice", LHLO MAIL MAIL,
			GREETING OFFERS MAILED "503 5.5.1 the mail before is not over\n", NULL},
		{"RCPT first", LHLO RCPT, GREETING OFFERS "503 5.5.1 say MAIL first\n", NULL},
		{"DATA first", LHLO "DATA\n", GREETING OFFERS "503 5.5.1 say MAIL and RCPT first\n",
			NULL},
		{"DATA without a recipient", LHLO MAIL "DATA\n",
			GREETING OFFERS MAILED "503 5.5.1 no recipient\n", NULL},
		{"pipelined with no recipient of ours",
			LHLO MAIL "RCPT TO:<b@agency.example>\nDATA\nRSET\nQUIT\n",
			GREETING OFFERS MAILED "550 5.1.1 nobody has this address here\n"
					       "503 5.5.1 no recipient\n250 2.0.0 forgotten\n" BYE,
			NULL},
	};

	(void)state;
	RUN(scripts);
}

static void test_envelope(void **state)
{
#define WITH(parameters) LHLO "MAIL FROM:<a@x.example> " parameters "\n"
#define SAID(reply)      GREETING OFFERS reply "\n"
#define NO_PATH          SAID("501 5.1.7 MAIL FROM:<address>")
	static const struct script scripts[] = {
		{"SIZE and BODY", WITH("SIZE=2000  body=8bitmime"), GREETING OFFERS MAILED, NULL},
		{"7BIT", WITH("BODY=7BIT"), GREETING OFFERS MAILED, NULL},
		{"too large", WITH("SIZE=2001") MAIL,
			SAID("552 5.3.4 more than 2000 octets") MAILED, NULL},
		{"far too large", WITH("SIZE=99999999999999999999"),
			SAID("552 5.3.4 more than 2000 octets"), NULL},
		{"a longer number", WITH("SIZE=000000000000000000001"),
			SAID("501 5.5.4 a parameter is malformed"), NULL},
		{"no number", WITH("SIZE=-1"), SAID("501 5.5.4 a parameter is malformed"), NULL},
		{"nothing", WITH("SIZE="), SAID("501 5.5.4 a parameter is malformed"), NULL},
		{"twice", WITH("SIZE=1 SIZE=1"), SAID("501 5.5.4 a parameter is malformed"), NULL},
		{"binary", WITH("BODY=BINARYMIME"), SAID("501 5.5.4 a parameter is malformed"),
			NULL},
		{"SMTPUTF8", WITH("SMTPUTF8"), SAID("555 5.5.4 a parameter that was not offered"),
			NULL},
		{"DSN", WITH("RET=HDRS"), SAID("555 5.5.4 a parameter that was not offered"), NULL},
		{"of RCPT", LHLO MAIL "RCPT TO:<vacd@agency.example> NOTIFY=NEVER\n",
			GREETING OFFERS MAILED "555 5.5.4 a parameter that was not offered\n",
			NULL},
		{"no brackets", LHLO "MAIL FROM:a@x.example\n", NO_PATH, NULL},
		{"not closed", LHLO "MAIL FROM:<a@x.example\n", NO_PATH, NULL},
		{"glued", LHLO "MAIL FROM:<a@x.example>SIZE=1\n", NO_PATH, NULL},
		{"two in one", LHLO "MAIL FROM:<a@x.example><b@x.example>\n", NO_PATH, NULL},
		{"no domain", LHLO "MAIL FROM:<a@>\n", NO_PATH, NULL},
		{"a blank", LHLO "MAIL FROM:<a b@x.example>\n", NO_PATH, NULL},
		{"a route and nothing", LHLO "MAIL FROM:<@y.example:>\n", NO_PATH, NULL},
		{"SMTP's other word", LHLO "MAIL TO:<a@x.example>\n", NO_PATH, NULL},
		{"not ASCII", LHLO "MAIL FROM:<\303\244@x.example>\n",
			SAID("500 5.5.2 not printable ASCII"), NULL},
		{"NUL", LHLO "MAIL FROM:<a@x.example>\002\n", SAID("500 5.5.2 not printable ASCII"),
			NULL},
		{"no recipient", LHLO MAIL "RCPT TO:<>\n",
			GREETING OFFERS MAILED "501 5.1.3 RCPT TO:<address>\n", NULL},
	};

	(void)state;
	RUN(scripts);
#undef WITH
#undef SAID
#undef NO_PATH
}

static void test_senders(void **state)
{
	static const struct {
		const char *path, *sender;
	} rows[] = {
		{"<>", ""},
		{" <a@x.example>", "a@x.example"},
		{"<@y.example,@z.example:a@x.example>", "a@x.example"},
		{"<\"a b\\\"\"@x.example>", "\"a b\\\"\"@x.example"},
		{"<\"a>\"@x.example>", "\"a>\"@x.example"},
		{"<a=b+c@[192.0.2.1]>", "a=b+c@[192.0.2.1]"},
		{"<MAILER-DAEMON>", "MAILER-DAEMON"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char in[400], out[400];
		const struct script script = {rows[i].path, in, out, NULL};

		snprintf(in, sizeof(in), LHLO "MAIL FROM:%s\n" RCPT "DATA\n.\n", rows[i].path);
		snprintf(out, sizeof(out),
			BEGUN "[mail from=%s to=vacd@agency.example][end]\n" STORED,
			rows[i].sender);
		run_script(&script);
	}
}

/* ---- mails ---------------------------------------------------------------------------------- */

static void test_mails(void **state)
{
	static const struct script scripts[] = {
		{"a mail", BEGIN "Subject: one\n\ntext\n.\nQUIT\n",
			BEGUN FROM "Subject: one\n\ntext\n[end]\n" STORED BYE, NULL},
		{"an empty one", BEGIN ".\n", BEGUN FROM "[end]\n" STORED, NULL},
		{"the database is away", BEGIN "x\n.\n", BEGUN FROM "x\n[end]\n" AWAY, NULL},
		{"dots", BEGIN "..\n..x\n.y\n...\nz.\n.\n",
			BEGUN FROM ".\n.x\ny\n..\nz.\n[end]\n" STORED, NULL},
		{"octets", BEGIN "\002\377\303\244\n.\n",
			BEGUN FROM "\002\377\303\244\n[end]\n" STORED, NULL},
		{"two recipients, of whom one finds the database away",
			LHLO MAIL RCPT "RCPT TO:<VACD+abc@AGENCY.example>\nRCPT TO:<x@y.example>\n"
				       "DATA\nx\n.\n",
			GREETING OFFERS MAILED RCPTED RCPTED
			"550 5.1.1 nobody has this address here\n" GO
			"[mail from=a@x.example to=vacd@agency.example,VACD+abc@AGENCY.example]"
			"x\n[end]\n" AWAY STORED,
			NULL},
		{"the same recipient twice", LHLO MAIL RCPT RCPT "DATA\nx1\n.\n",
			GREETING OFFERS MAILED RCPTED RCPTED GO
			"[mail from=a@x.example to=vacd@agency.example,vacd@agency.example]"
			"x1\n[end]\n" STORED STORED,
			NULL},
		{"two mails, pipelined", BEGIN "1\n.\n" MAIL RCPT "DATA\n22\n.\nQUIT\n",
			BEGUN FROM "1\n[end]\n" AWAY MAILED RCPTED GO FROM "22\n[end]\n" STORED BYE,
			NULL},
		{"cut off", BEGIN "text\n", BEGUN, NULL},
		{"held", LHLO MAIL RCPT "NOOP\n",
			GREETING OFFERS "451 4.3.0 the database is away\n"
					"503 5.5.1 say MAIL first\n250 2.0.0 fine\n",
			"the database is away"},
	};

	(void)state;
	RUN(scripts);
}

static void test_bare_line_ends(void **state)
{
	static const struct script scripts[] = {
		{"LF in a command", "LHLO x\001NOOP\n", GREETING BARE, NULL},
		{"CR in a command", "LHLO x\rNOOP\n", GREETING BARE, NULL},
		{"CR CR LF", "NOOP\r\n\n", GREETING BARE, NULL},
		{"LF first", "\001", GREETING BARE, NULL},
		{"kept in a mail", BEGIN "a\001b\rc\r\r\n.\n",
			BEGUN FROM "a\001b\rc\r\r\n[end]\n" AWAY, NULL},
		{"a dot between bare LFs is content", BEGIN "a\001.\001" MAIL ".\n",
			BEGUN FROM "a\001.\001" MAIL "[end]\n" AWAY, NULL},
		{"a dot behind a bare LF", BEGIN "a\001.\n" MAIL ".\n",
			BEGUN FROM "a\001.\n" MAIL "[end]\n" STORED, NULL},
		{"a dot before a bare LF", BEGIN "a\n.\001b\n.\n",
			BEGUN FROM "a\n\001b\n[end]\n" AWAY, NULL},
		{"a dot before a bare CR", BEGIN "a\n.\rb\n.\n", BEGUN FROM "a\n\rb\n[end]\n" AWAY,
			NULL},
		{"a dot before two CRs", BEGIN "a\n.\r\r\n.\n", BEGUN FROM "a\n\r\r\n[end]\n" AWAY,
			NULL},
		{"a dot between bare CRs", BEGIN "a\r.\r\n.\n", BEGUN FROM "a\r.\r\n[end]\n" STORED,
			NULL},
	};

	(void)state;
	RUN(scripts);
}

/* ---- limits --------------------------------------------------------------------------------- */

static char *repeat(const char *before, const char *what, size_t n, const char *after)
{
	struct octets text = {0};
	size_t length;
	char *bytes;

	octets_add_text(&text, before);
	for (size_t i = 0; i < n; i++)
		octets_add_text(&text, what);
	octets_add_text(&text, after);
	assert_int_equal(octets_take(&text, &bytes, &length), 0);
	return bytes;
}

static void run_repeated(const char *name, char *in, char *out)
{
	const struct script script = {name, in, out, NULL};

	run_script(&script);
	free(in);
	free(out);
}

static void test_sizes(void **state)
{
	(void)state;
	/* 2,000 octets with the line end; a doubled dot counts once. */
	run_repeated("as large as can be", repeat(BEGIN "..", "x", 1997, "\n.\n"),
		repeat(BEGUN FROM ".", "x", 1997, "\n[end]\n" STORED));
	run_repeated("one octet more", repeat(BEGIN, "x", 1999, "\n.\nNOOP\n"),
		repeat(BEGUN, "", 0, "552 5.3.4 more than 2000 octets\n250 2.0.0 fine\n"));
	run_repeated("for each recipient",
		repeat(LHLO MAIL RCPT RCPT "DATA\n", "xxxx\n", 500, ".\n" MAIL),
		repeat(GREETING OFFERS MAILED RCPTED RCPTED GO, "552 5.3.4 more than 2000 octets\n",
			2, MAILED));
	run_repeated("a command as long as can be", repeat("NOOP ", "x", 993, "\nNOOP\n"),
		repeat(GREETING, "250 2.0.0 fine\n", 2, ""));
	run_repeated("a command that is too long", repeat("NOOP ", "x", 994, "\nNOOP\n"),
		repeat(GREETING, "500 5.5.2 the line is too long\n", 1, "250 2.0.0 fine\n"));
	run_repeated("a very long one", repeat("NOOP ", "xxxxxxxxxx", 1000, "\nNOOP\n"),
		repeat(GREETING, "500 5.5.2 the line is too long\n", 1, "250 2.0.0 fine\n"));
	run_repeated("a sender that is too long",
		repeat(LHLO "MAIL FROM:<", "a", 500, "@x.example>\n"),
		repeat(GREETING OFFERS, "501 5.1.7 MAIL FROM:<address>\n", 1, ""));
}

static void test_counts(void **state)
{
	(void)state;
	run_repeated("a hundred recipients", repeat(LHLO MAIL, RCPT, 101, "RSET\n" MAIL),
		repeat(GREETING OFFERS MAILED, RCPTED, 100,
			"452 4.5.3 too many recipients\n250 2.0.0 forgotten\n" MAILED));
	run_repeated("twenty errors", repeat("", "WHAT\n", 20, "NOOP\n"),
		repeat(GREETING, "500 5.5.2 what?\n", 20, "250 2.0.0 fine\n"));
	run_repeated("one too many", repeat("", "WHAT\n", 21, "NOOP\n"),
		repeat(GREETING, "500 5.5.2 what?\n", 20, "421 4.7.0 too many errors\n[closed]\n"));
	run_repeated("strangers' addresses are no errors",
		repeat(LHLO MAIL, "RCPT TO:<b@x.example>\n", 30, ""),
		repeat(GREETING OFFERS MAILED, "550 5.1.1 nobody has this address here\n", 30, ""));
	run_repeated("many pipelined commands", repeat("", "NOOP\n", 3000, ""),
		repeat(GREETING, "250 2.0.0 fine\n", 3000, ""));
}

/* ---- calls ---------------------------------------------------------------------------------- */

static struct lmtp *begin(const char *text)
{
	const struct lmtp_options options = {
		"mail.agency.example", LMTP_RUN_SIZE_MAX, lmtp_run_is_ours, NULL};
	struct octets in = wire(text);
	struct lmtp *lmtp;
	size_t used;

	assert_int_equal(lmtp_new(&options, &lmtp), 0);
	assert_int_equal(lmtp_feed(lmtp, in.data, in.length, &used), 0);
	assert_int_equal(used, in.length);
	octets_clear(&in);
	return lmtp;
}

static void expect_end(struct lmtp *lmtp, const char *text)
{
	struct octets wanted = wire(text);
	size_t length;
	const char *bytes = lmtp_output(lmtp, &length);

	assert_true(length >= wanted.length);
	assert_memory_equal(bytes + length - wanted.length, wanted.data, wanted.length);
	octets_clear(&wanted);
}

static void test_answers(void **state)
{
	struct lmtp *lmtp = begin(LHLO MAIL RCPT RCPT RCPT "DATA\nx\n.\n");
	size_t used, length, before;

	(void)state;
	assert_int_equal(lmtp_state(lmtp), LMTP_WAITING);
	assert_int_equal(lmtp_load(lmtp), 3);
	lmtp_output(lmtp, &before);
	assert_int_equal(lmtp_feed(lmtp, "NOOP\r\n", 6, &used), 0);
	assert_int_equal(used, 0);
	assert_int_equal(lmtp_answer(lmtp, 3, true, "x"), -EINVAL);
	assert_int_equal(lmtp_answer(lmtp, 1, true, "stored"), 0);
	assert_int_equal(lmtp_answer(lmtp, 1, true, "stored"), -EINVAL);
	lmtp_output(lmtp, &length);
	assert_int_equal(length, before); /* the first is not answered for yet */
	assert_int_equal(lmtp_answer(lmtp, 0, true, "stored"), 0);
	expect_end(lmtp, STORED STORED);
	assert_int_equal(lmtp_mails(lmtp), 0);
	assert_int_equal(lmtp_answer(lmtp, 2, false, "the database is away"), 0);
	expect_end(lmtp, STORED STORED AWAY);
	assert_int_equal(lmtp_mails(lmtp), 1);
	assert_int_equal(lmtp_answer(lmtp, 0, true, "x"), -EINVAL);
	lmtp_free(lmtp);
}

/* What the caller does in the middle of a mail. */
static void test_interference(void **state)
{
	struct lmtp *lmtp = begin(BEGIN "xx\n");
	size_t used;

	(void)state;
	lmtp_drop_mail(lmtp);
	assert_int_equal(lmtp_load(lmtp), 0);
	assert_int_equal(lmtp_feed(lmtp, "y\r\n.\r\n", 6, &used), 0);
	expect_end(lmtp, "452 4.3.1 no room for it now\n");
	assert_int_equal(lmtp_state(lmtp), LMTP_TALKING);
	lmtp_free(lmtp);

	lmtp = begin(LHLO MAIL RCPT);
	lmtp_hold(lmtp, "the database is away");
	assert_int_equal(lmtp_feed(lmtp, "DATA\r\n", 6, &used), 0);
	expect_end(lmtp, RCPTED AWAY);
	lmtp_free(lmtp);

	lmtp = begin(BEGIN "xx\n.\n");
	lmtp_close(lmtp, "4.3.2 later");
	lmtp_close(lmtp, "4.3.2 once is enough");
	assert_int_equal(lmtp_state(lmtp), LMTP_CLOSED);
	assert_int_equal(lmtp_answer(lmtp, 0, true, "stored"), -EINVAL);
	expect_end(lmtp, GO "421 4.3.2 later\n");
	lmtp_free(lmtp);
	lmtp_free(NULL);
}

/* Replies that nobody takes: nothing more is read. */
static void test_output_is_bounded(void **state)
{
	const struct lmtp_options options = {
		"mail.agency.example", LMTP_RUN_SIZE_MAX, lmtp_run_is_ours, NULL};
	struct lmtp *lmtp;
	size_t used = 1, total = 0, length;

	(void)state;
	assert_int_equal(lmtp_new(&options, &lmtp), 0);
	while (used > 0) {
		assert_int_equal(lmtp_feed(lmtp, "NOOP\r\n", 6, &used), 0);
		total += used;
		assert_true(total < 10000);
	}
	lmtp_output(lmtp, &length);
	assert_in_range(length, LMTP_OUTPUT_MAX, LMTP_OUTPUT_MAX + 100);
	lmtp_output_taken(lmtp, length);
	assert_int_equal(lmtp_feed(lmtp, "NOOP\r\n", 6, &used), 0);
	assert_int_equal(used, 6);
	lmtp_free(lmtp);
}

/* ---- addresses of ours ---------------------------------------------------------------------- */

static void test_mailboxes(void **state)
{
	static const struct {
		const char *address;
		enum mailbox_kind kind;
		const char *token;
	} rows[] = {
		{"vacd@agency.example", MAILBOX_BARE, ""},
		{"VACD@Agency.Example", MAILBOX_BARE, ""},
		{"vacd+abc@agency.example", MAILBOX_ANSWER, "abc"},
		{"Vacd-B+ABC@AGENCY.EXAMPLE", MAILBOX_BOUNCE, "ABC"},
		{"vacd=a+b@agency.example", MAILBOX_ANSWER, "a+b"},
		{"vacd+@agency.example", MAILBOX_OTHER, NULL},
		{"vacd-b+@agency.example", MAILBOX_OTHER, NULL},
		{"vacd-b@agency.example", MAILBOX_OTHER, NULL},
		{"vacdabc@agency.example", MAILBOX_OTHER, NULL},
		{"vacd.abc@agency.example", MAILBOX_OTHER, NULL},
		{"vac@agency.example", MAILBOX_OTHER, NULL},
		{"vacd+abc@other.example", MAILBOX_OTHER, NULL},
		{"vacd+abc@agency.example.org", MAILBOX_OTHER, NULL},
		{"vacd+abc@x@agency.example", MAILBOX_ANSWER, "abc@x"},
		{"vacd+abc", MAILBOX_OTHER, NULL},
		{"@agency.example", MAILBOX_OTHER, NULL},
		{"", MAILBOX_OTHER, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *token = "";
		size_t length = 0;

		if (mailbox_match("vacd@agency.example", "+=", rows[i].address, &token, &length)
			!= rows[i].kind)
			fail_msg("%s", rows[i].address);
		if (rows[i].token != NULL
			&& (length != strlen(rows[i].token)
				|| strncmp(token, rows[i].token, length) != 0))
			fail_msg("%s: token %.*s", rows[i].address, (int)length, token);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_mails),
		cmocka_unit_test(test_bare_line_ends),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_interference),
		cmocka_unit_test(test_output_is_bounded),
		cmocka_unit_test(test_mailboxes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
