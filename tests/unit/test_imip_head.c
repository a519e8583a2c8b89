#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "fields.h"
#include "letter_sample.h"

/* ---- fields ---------------------------------------------------------------------------------- */

static void test_fields(void **state)
{
	static const char bytes[] =
		"A: 1\r\nB :2\n\t3\r\n \r\n 4\nno field\nC:\n: 5\n\nD: 6\r\n\r\nE: \x01\x7f 7";
	static const char *const expected[] = {"A", "1", "B", "2 3  4", "C", "", NULL, NULL, "D",
		"6", NULL, NULL, "E", "7", NULL, NULL};
	struct fields fields;

	(void)state;
	fields_begin(&fields, bytes, sizeof(bytes) - 1);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i += 2) {
		int r = fields_next(&fields);

		assert_int_equal(r, expected[i] ? 0 : FIELDS_END);
		if (!expected[i])
			continue;
		assert_string_equal(fields.name, expected[i]);
		if (strcmp(expected[i], "B") != 0)
			assert_string_equal(fields.value, expected[i + 1]);
	}
	fields_clear(&fields);
}

struct before_case {
	const char *bytes;
	size_t before;
};

static void test_before_fields(void **state)
{
	static const struct before_case cases[] = {
		{"From: x\r\n", 0},
		{"From a@agency.example Mon Mar  2\nFrom: x\n", 33},
		{">From a\r\n# y\r\n  \r\nFrom: x\r\n", 18},
		{"\r\nFrom: x\r\n", 0},
		{"Hello\r\n\r\nFrom: x\r\n", 0},
		{"Hello", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			fields_before(cases[i].bytes, strlen(cases[i].bytes)), cases[i].before);
}

struct address_case {
	const char *text, *address;
};

static void test_addresses(void **state)
{
	static const struct address_case cases[] = {
		{"A@Agency.Example", "a@agency.example"},
		{" <a@agency.example> ", "a@agency.example"},
		{"mail a@agency.example. Or", "a@agency.example"},
		{"(a@agency.example)", "a@agency.example"},
		{"\"a@agency.example\":", "a@agency.example"},
		{"x@y a@agency.example", "a@agency.example"},
		{"@@a@agency.example", "a@agency.example"},
		{"<vacd+abc@agency.example>", "vacd+abc@agency.example"},
		{"a@b", NULL},
		{"@agency.example", NULL},
		{"a@", NULL},
		{"", NULL},
		{"a\xc3\xa9@agency.example", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *address;

		assert_int_equal(address_find(cases[i].text, NULL, &address), 0);
		if (!address != !cases[i].address
			|| (address && strcmp(address, cases[i].address) != 0))
			fail_msg("case %zu: %s", i, address ? address : "none");
		free(address);
	}
}

static void test_message_ids(void **state)
{
	static const struct address_case cases[] = {
		{"<a.b@x.example>", "<a.b@x.example>"},
		{" <a@x> (comment)", "<a@x>"},
		{"a@x", "<a@x>"},
		{"<a@x> <b@x>", "<a@x>"},
		{"<>", NULL},
		{"", NULL},
		{"<a\xc3\xa9@x>", NULL},
		{"<<a@x>", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *id;

		assert_int_equal(address_message_id(cases[i].text, &id), 0);
		if (!id != !cases[i].address || (id && strcmp(id, cases[i].address) != 0))
			fail_msg("case %zu: %s", i, id ? id : "none");
		free(id);
	}
}

/* ---- the head of a letter -------------------------------------------------------------------- */

static void test_from(void **state)
{
	static const struct address_case cases[] = {
		{"From: Coordinator A <A@Agency.example>\r\n", "a@agency.example"},
		{"From: a@agency.example\r\n", "a@agency.example"},
		{"From: a@agency.example (Coordinator A)\r\n", "a@agency.example"},
		{"from:\r\n \"b@agency.example\"\r\n <a@agency.example>\r\n", "a@agency.example"},
		{"From: =?utf-8?Q?=3Cb=40agency=2Eexample=3E?= <a@agency.example>\r\n",
			"a@agency.example"},
		/* nobody, or more than one */
		{"", NULL},
		{"From:\r\n", NULL},
		{"From: nobody\r\n", NULL},
		{"From: a@agency.example, b@agency.example\r\n", NULL},
		{"From: a@agency.example\r\nFrom: b@agency.example\r\n", NULL},
		{"From: a@agency.example\r\nFrom: a@agency.example\r\n", NULL},
		{"From: g: a@agency.example, b@agency.example;\r\n", NULL},
		{"From: \"a\\\r\n b\"@agency.example\r\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct letter *letter = sample_read(cases[i].text, "Subject: x\r\n\r\n", NULL);

		if (!letter->from != !cases[i].address
			|| (letter->from && strcmp(letter->from, cases[i].address) != 0))
			fail_msg("case %zu: %s", i, letter->from ? letter->from : "none");
		letter_free(letter);
	}
}

static void test_recipients(void **state)
{
	static const char *const expected[] = {"d1@agency.example", "d2@agency.example",
		"o@agency.example", "t1@agency.example", "t2@agency.example", "t3@agency.example",
		"c@agency.example"};
	struct letter *letter = sample_read(
		"Cc: c@agency.example, T1@agency.example\r\nTo: T1 <t1@agency.example>,\r\n\tg: "
		"t2@agency.example, broken@, t3@agency.example;\r\nDelivered-To: "
		"D1@agency.example\r\n"
		"Bcc: b@agency.example\r\nX-Original-To: o@agency.example\r\nDelivered-To: "
		"d2@agency.example\r\n\r\n",
		NULL);

	(void)state;
	assert_int_equal(letter->n_to, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < letter->n_to; i++)
		assert_string_equal(letter->to[i], expected[i]);
	letter_free(letter);
}

static void test_many_recipients(void **state)
{
	struct octets mail = {0};
	struct letter *letter;

	(void)state;
	octets_add_text(&mail, "To: x@agency.example");
	for (int i = 0; i < 3000; i++) {
		char address[40];

		(void)snprintf(address, sizeof(address), ", a%d@agency.example", i);
		octets_add_text(&mail, address);
	}
	octets_add_text(&mail, "\r\nDelivered-To: d@agency.example\r\n\r\n");
	letter = sample_read_bytes(mail.data, mail.length);
	assert_int_equal(letter->n_to, LETTER_ADDRESSES_MAX);
	assert_string_equal(letter->to[0], "d@agency.example");
	letter_free(letter);
	octets_clear(&mail);
}

struct date_case {
	const char *value;
	int64_t date;
};

static void test_dates(void **state)
{
	static const struct date_case cases[] = {
		{"Date: Mon, 2 Mar 2026 09:30:00 +0100\r\n", 1772440200},
		{"Date: 2 Mar 2026 08:30:00 GMT\r\nDate: Mon, 2 Mar 2020 09:30:00 +0100\r\n",
			1772440200},
		{"Date: yesterday\r\n", LETTER_NO_DATE},
		{"Date:\r\n", LETTER_NO_DATE},
		{"Date: Mon, 99 Mar 2026 09:30:00 +0100\r\n", LETTER_NO_DATE},
		{"", LETTER_NO_DATE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct letter *letter = sample_read(cases[i].value, "X: y\r\n\r\n", NULL);

		if (letter->date != cases[i].date)
			fail_msg("case %zu: %lld", i, (long long)letter->date);
		letter_free(letter);
	}
}

struct mark_case {
	const char *fields;
	bool automatic;
};

static void test_automatic(void **state)
{
	static const struct mark_case cases[] = {
		{"Auto-Submitted: auto-replied\r\n", true},
		{"Auto-Submitted: Auto-Replied (vacation)\r\n", true},
		{"X-Apple-Action: VACATION\r\n", true},
		{"X-Autoreply: yes\r\n", true},
		{"X-Autorespond: x\r\n", true},
		{"Precedence: auto_reply\r\n", true},
		{"X-Auto-Response-Suppress: All\r\nSubject: Automatic reply: x\r\n", true},
		{"X-Auto-Response-Suppress: All\r\nSubject: Out of Office: x\r\n", true},
		{"X-Auto-Response-Suppress: All\r\nSubject: Abwesenheitsnotiz\r\n", true},
		{"X-MS-Exchange-Inbox-Rules-Loop: a@agency.example\r\n", true},
		{"X-MS-Exchange-Inbox-Rules-Loop: A@agency.example\r\nFrom: a@agency.example\r\n",
			true},
		{"Subject: =?utf-8?Q?R=C3=A9ponse_automatique_=3A_x?=\r\n", true},
		/* people and calendars */
		{"Auto-Submitted: auto-generated\r\n", false},
		{"Auto-Submitted: no\r\n", false},
		{"X-Autoreply: no\r\n", false},
		{"X-Auto-Response-Suppress: All\r\nSubject: Re: x\r\n", false},
		{"X-Auto-Response-Suppress: DR, OOF, AutoReply\r\nSubject: Out of paper\r\n",
			false},
		{"Subject: Out of office next week?\r\n", false},
		{"Precedence: list\r\n", false},
		{"X-MS-Exchange-Inbox-Rules-Loop: vacd@agency.example\r\nFrom: "
		 "a@agency.example\r\n",
			false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct letter *letter = sample_read(cases[i].fields, "\r\nHello\r\n", NULL);

		if (letter->automatic != cases[i].automatic)
			fail_msg("case %zu", i);
		assert_int_equal(
			letter->kind, cases[i].automatic ? LETTER_AUTOMATIC : LETTER_PLAIN);
		letter_free(letter);
	}
}

/* Ours is the topmost; whoever wrote the mail may have written the others. */
static void test_topmost_auth(void **state)
{
	struct letter *letter = sample_read(
		"Received: x\r\nAuthentication-Results: mx.example.org;\r\n dmarc=fail "
		"header.from=agency.example\r\nAuthentication-Results: mx.example.org; "
		"dmarc=pass header.from=agency.example\r\n\r\n",
		NULL);

	(void)state;
	assert_string_equal(letter->auth.server, "mx.example.org");
	assert_string_equal(letter->auth.dmarc, "fail");
	letter_free(letter);
	letter = sample_read("Authentication-Results: dmarc=pass header.from=a.example\r\n"
			     "Authentication-Results: mx.example.org; dmarc=pass\r\n\r\n",
		NULL);
	assert_null(letter->auth.server);
	letter_free(letter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_before_fields),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_message_ids),
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_many_recipients),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_automatic),
		cmocka_unit_test(test_topmost_auth),
	};

	return cmocka_run_group_tests(tests, sample_preload, NULL);
}
