#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "report.h"
#include "report_code.h"

static void same(size_t i, const char *what, const char *expected)
{
	if (!what && !expected)
		return;
	if (!what || !expected || strcmp(what, expected) != 0)
		fail_msg("case %zu: \"%s\", not \"%s\"", i, what ? what : "",
			expected ? expected : "");
}

static void check(size_t i, struct report *report, const struct report *expected)
{
	assert_int_equal(report->action, expected->action);
	if (report->permanent != expected->permanent)
		fail_msg("case %zu: permanent %d", i, (int)report->permanent);
	same(i, report->status, expected->status);
	same(i, report->recipient, expected->recipient);
	same(i, report->envelope_id, expected->envelope_id);
	same(i, report->message_id, expected->message_id);
	report_clear(report);
}

struct status_case {
	const char *bytes;
	struct report report; /* borrowed strings */
};

#define TEXT(s) ((char *)(uintptr_t)(s))

static void test_status(void **state)
{
	const struct status_case cases[] = {
		{"Reporting-MTA: dns; mx.example\r\nOriginal-Envelope-Id: 5f3c-77\r\n\r\n"
		 "Final-Recipient: rfc822; A@Agency.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
			{REPORT_FAILED, REPORT_PERMANENT, TEXT("5.1.1"), TEXT("a@agency.example"),
				TEXT("5f3c-77"), NULL}},
		/* the server gave up, which says nothing bad of the address */
		{"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;a@agency.example\nAction: "
		 "failed\n"
		 "Status: 4.4.7 (delivery time expired)\n",
			{REPORT_FAILED, REPORT_TRANSIENT, TEXT("4.4.7"), TEXT("a@agency.example"),
				NULL, NULL}},
		{"\n\nFinal-Recipient: rfc822;a@agency.example\nAction: Delayed\nStatus: 4.4.1\n",
			{REPORT_DELAYED, REPORT_TRANSIENT, TEXT("4.4.1"), TEXT("a@agency.example"),
				NULL, NULL}},
		/* whom we wrote to, not whom it was forwarded to */
		{"Final-Recipient: rfc822; other@elsewhere.example\n"
		 "Original-Recipient: rfc822;a@agency.example\nAction: failed\nStatus: 5.2.1\n",
			{REPORT_FAILED, REPORT_PERMANENT, TEXT("5.2.1"), TEXT("a@agency.example"),
				NULL, NULL}},
		/* no status: by the reply code */
		{"Original-Recipient: <a@agency.example>\nAction: failed\n"
		 "Diagnostic-Code: smtp; 550 a@agency.example... No such user\n",
			{REPORT_FAILED, REPORT_PERMANENT, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		{"Final-Recipient: rfc822; a@agency.example\nAction: failed\n"
		 "Diagnostic-Code: smtp; no answer from 192.0.2.55\n",
			{REPORT_FAILED, REPORT_UNKNOWN, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		/* of several the worst, wherever it stands */
		{"Reporting-MTA: x\n\nFinal-Recipient: rfc822;a@agency.example\nAction: delivered\n"
		 "Status: 2.0.0\n\nFinal-Recipient: rfc822;b@agency.example\nAction: failed\n"
		 "Status: 5.0.0\n\nFinal-Recipient: rfc822;c@agency.example\nAction: delayed\n"
		 "Status: 4.0.0\n",
			{REPORT_FAILED, REPORT_PERMANENT, TEXT("5.0.0"), TEXT("b@agency.example"),
				NULL, NULL}},
		{"Final-Recipient: rfc822;a@agency.example\nAction: failed\nStatus: 4.0.0\n\n"
		 "Final-Recipient: rfc822;b@agency.example\nAction: failed\nStatus: 5.0.0\n",
			{REPORT_FAILED, REPORT_PERMANENT, TEXT("5.0.0"), TEXT("b@agency.example"),
				NULL, NULL}},
		{"Final-Recipient: rfc822;a@agency.example\nAction: relayed\nStatus: 2.0.0\n",
			{REPORT_RELAYED, REPORT_UNKNOWN, TEXT("2.0.0"), TEXT("a@agency.example"),
				NULL, NULL}},
		{"Final-Recipient: rfc822;a@agency.example\nAction: exploded\nStatus: 5.0.0\n",
			{REPORT_OTHER, REPORT_UNKNOWN, TEXT("5.0.0"), TEXT("a@agency.example"),
				NULL, NULL}},
		/* folded, in odd case, with a space before the colon, each field twice */
		{"FINAL-RECIPIENT : "
		 "RFC822;\r\n\ta@agency.example\r\naction:failed\r\nstatus:5.7.1\r\n"
		 "Action: delayed\r\nStatus: 5.1.1\r\n",
			{REPORT_DELAYED, REPORT_TRANSIENT, TEXT("5.7.1"), TEXT("a@agency.example"),
				NULL, NULL}},
		/* what is no address is none */
		{"Final-Recipient: local; |/usr/bin/filter\nAction: failed\nStatus: 5.5.0\n",
			{REPORT_FAILED, REPORT_PERMANENT, TEXT("5.5.0"), NULL, NULL, NULL}},
		{"Original-Envelope-Id: \xc3\xa9\nFinal-Recipient: rfc822; a\x01@agency.example\n"
		 "Action: failed\nStatus: 5.5\n",
			{REPORT_FAILED, REPORT_UNKNOWN, NULL, NULL, NULL, NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = {0};

		assert_int_equal(
			report_read_status(cases[i].bytes, strlen(cases[i].bytes), &report), 0);
		check(i, &report, &cases[i].report);
	}
}

static void test_no_status(void **state)
{
	static const char *const cases[] = {"", "\n\n\n", "Reporting-MTA: dns; x\n\n",
		"no fields at all", "Diagnostic-Code: smtp; 550\n", ":\n:\n", "\r\r\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = {0};

		assert_int_equal(
			report_read_status(cases[i], strlen(cases[i]), &report), REPORT_NONE);
	}
}

struct prose_case {
	struct report_letter letter;
	struct report report;
};

static char own_address[] = "vacd-b+token@agency.example";
static char *own[] = {own_address};
#define OWN .own = own, .n_own = 1

static void test_prose(void **state)
{
	const struct prose_case cases[] = {
		{{.by_server = true,
			 .subject = "failure notice",
			 OWN,
			 .text = "Hi. This is the qmail-send program at mx.example.\nI'm afraid I "
				 "wasn't "
				 "able to deliver your message to the following addresses.\nThis "
				 "is a "
				 "permanent error; I've given "
				 "up.\n\n<a@agency.example>:\n192.0.2.5 said: "
				 "550 User unknown (#5.1.1)\n\n--- Below this line is a copy of "
				 "the "
				 "message.\n\nReturn-Path: "
				 "<vacd-b+token@agency.example>\nReceived: x\n"
				 "Message-ID: <m1@agency.example>\nTo: b@agency.example\n"},
			{REPORT_FAILED, REPORT_PERMANENT, TEXT("5.1.1"), TEXT("a@agency.example"),
				NULL, TEXT("<m1@agency.example>")}},
		{{.by_server = true,
			 .subject = "Mail delivery failed: returning message to sender",
			 OWN,
			 .failed_recipients = "A@agency.example, b@agency.example",
			 .text = "The following address(es) failed:\n\n  x@agency.example\n"
				 "    retry timeout exceeded\n"},
			{REPORT_FAILED, REPORT_TRANSIENT, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		{{.by_server = true,
			 .subject = "Warning: message 1 delayed 24 hours",
			 OWN,
			 .text = "A message that you sent has not yet been\ndelivered to one or "
				 "more of "
				 "its recipients\n\n  a@agency.example\n    450 try again\n"},
			{REPORT_DELAYED, REPORT_TRANSIENT, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		/* a delay although something could not be delivered; our own address is not whom it is
		   about */
		{{.by_server = true,
			 .subject = "Delayed mail",
			 OWN,
			 .text = "Dear vacd-b+token@agency.example,\nyour message could not be "
				 "delivered "
				 "for 2 hours. It will be retried.\na@agency.example\n"},
			{REPORT_DELAYED, REPORT_TRANSIENT, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		{{.by_server = true,
			 .subject = "Undeliverable: x",
			 OWN,
			 .text = "Unknown user: a@agency.example"},
			{REPORT_FAILED, REPORT_PERMANENT, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		/* the header that comes back says to whom it went */
		{{.by_server = true,
			 .subject = "Returned mail: x",
			 OWN,
			 .text = "Connection timed out\n\nReceived: x\nTo: "
				 "a@agency.example\nSubject: y\n"},
			{REPORT_FAILED, REPORT_TRANSIENT, NULL, TEXT("a@agency.example"), NULL,
				NULL}},
		{{.by_server = true, .subject = "Undelivered mail"},
			{REPORT_FAILED, REPORT_UNKNOWN, NULL, NULL, NULL, NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = {0};

		assert_int_equal(report_read_prose(&cases[i].letter, &report), 0);
		check(i, &report, &cases[i].report);
	}
}

/* People write about mails that came back, too, and servers about other things. */
static void test_no_prose(void **state)
{
	static const struct report_letter cases[] = {
		{.by_server = false,
			.subject = "Undelivered mail",
			.text = "could not be delivered"},
		{.by_server = true, .subject = "Your mailbox", .text = "is nearly full"},
		{.by_server = true},
		/* only what came back says so */
		{.by_server = true,
			.subject = "x",
			.text = "y\nReceived: z\n\ncould not be delivered"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = {0};

		assert_int_equal(report_read_prose(&cases[i], &report), REPORT_NONE);
	}
}

struct code_case {
	const char *text, *status;
	char reply;
};

static void test_codes(void **state)
{
	static const struct code_case cases[] = {
		{"550 5.1.1 unknown", "5.1.1", '5'},
		{"550-5.7.26 This", "5.7.26", '5'},
		{"(#5.1.1)", "5.1.1", 0},
		{"said: 450 wait. 5.0.0.", "5.0.0", '4'},
		{"host 5.5.5.5 at 450.example", NULL, 0},
		{"[5.5.5]", NULL, 0},
		{"192.5.1.1", NULL, 0},
		{"5.1.1.1", NULL, 0},
		{"5.1234.1", NULL, 0},
		{"v5.1.1", NULL, 0},
		{"3.1.1", NULL, 0},
		{"5.", NULL, 0},
		{"ab550", NULL, 0},
		{"550", NULL, '5'},
		{"599", NULL, 0},
		{"", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *status;

		assert_int_equal(report_code_status(cases[i].text, &status), 0);
		same(i, status, cases[i].status);
		free(status);
		if (report_code_reply(cases[i].text) != cases[i].reply)
			fail_msg("case %zu: reply code", i);
	}
}

static void test_returned(void **state)
{
	static const char header[] =
		"\r\nReceived: from x\r\n by y\r\nmessage-id:\r\n <m@x.example>\r\n"
		"To: Coordinator A <a@agency.example>\r\n\r\nMessage-ID: <no@x>\r\n";
	struct report report = {0};

	(void)state;
	assert_int_equal(report_add_returned(header, strlen(header), &report), 0);
	assert_string_equal(report.message_id, "<m@x.example>");
	assert_string_equal(report.recipient, "a@agency.example");
	report_clear(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_no_status),
		cmocka_unit_test(test_prose),
		cmocka_unit_test(test_no_prose),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
