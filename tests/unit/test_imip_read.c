#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "letter_sample.h"

struct mail_case {
	const char *mail;
	enum letter_kind kind;
	const char *uid, *method; /* of a calendar; method NULL: it names none */
};

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_calendar(size_t i, const struct letter *letter, const struct mail_case *expected)
{
	const struct itip_object *object = letter->calendar;

	if (!same(object->method, expected->method))
		fail_msg("case %zu: another method", i);
	assert_int_equal(object->n_events, 1);
	if (!same(object->events[0].uid, expected->uid))
		fail_msg("case %zu: another uid", i);
}

static void check(const struct mail_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct letter *letter = sample_read(SAMPLE_HEAD, cases[i].mail, NULL);

		if (letter->kind != cases[i].kind)
			fail_msg("case %zu: kind %d, %s", i, (int)letter->kind,
				letter->why ? letter->why : "no reason");
		if (letter->kind == LETTER_CALENDAR)
			check_calendar(i, letter, &cases[i]);
		if (letter->kind == LETTER_UNREADABLE)
			assert_true(letter->why && *letter->why);
		letter_free(letter);
	}
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- where the object is --------------------------------------------------------------------- */

#define MIXED(parts) "Content-Type: multipart/mixed; boundary=b\r\n\r\n" parts "--b--\r\n"
#define ALTERNATIVE(parts)                                                                         \
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" parts "--b--\r\n"
#define PART(type, more, body) "--b\r\nContent-Type: " type "\r\n" more "\r\n" body "\r\n"
#define PLAIN                  PART("text/plain", "", "Hello")
#define ATTACHMENT             "Content-Disposition: attachment; filename=\"x.ics\"\r\n"
/* SAMPLE_OBJECT("METHOD:REPLY\r\n", "u1", "ACCEPTED") in base64 */
#define REPLY_BASE64                                                                               \
	"QkVHSU46VkNBTEVOREFSDQpWRVJTSU9OOjIuMA0KUFJPRElEOi0vL3gvL0VODQpNRVRIT0Q6UkVQTFkNCkJF\r\n" \
	"R0lOOlZFVkVOVA0KVUlEOnUxDQpEVFNUQU1QOjIwMjYwMzAyVDA5MzAwMFoNCkRUU1RBUlQ6MjAyNjAzMTBU\r\n" \
	"MTUwMDAwWg0KU0VRVUVOQ0U6MA0KQVRURU5ERUU7UEFSVFNUQVQ9QUNDRVBURUQ6bWFpbHRvOmFAYWdlbmN5\r\n" \
	"LmV4YW1wbGUNCkVORDpWRVZFTlQNCkVORDpWQ0FMRU5EQVINCg==\r\n"

static void test_places(void **state)
{
	static const struct mail_case cases[] = {
		{"Content-Type: text/calendar; method=REPLY\r\n\r\n" SAMPLE_REPLY, LETTER_CALENDAR,
			"u1", "REPLY"},
		{"Content-Type: TEXT/Calendar\r\n\r\n" SAMPLE_REPLY, LETTER_CALENDAR, "u1",
			"REPLY"},
		{ALTERNATIVE(PLAIN PART("text/calendar; method=REPLY", "", SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PLAIN PART("text/calendar", ATTACHMENT, SAMPLE_REPLY)), LETTER_CALENDAR,
			"u1", "REPLY"},
		{MIXED(PLAIN PART("application/ics", ATTACHMENT, SAMPLE_REPLY)), LETTER_CALENDAR,
			"u1", "REPLY"},
		{MIXED(PLAIN PART("application/octet-stream", ATTACHMENT, SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PLAIN PART(
			 "application/octet-stream; name=\"MEETING.ICS\"", "", SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		/* RFC 2231 and RFC 2047 in the name of the file */
		{MIXED(PLAIN PART("application/octet-stream",
			 "Content-Disposition: attachment; filename*0*=utf-8''r%C3%A9; "
			 "filename*1=\"x.ics\"\r\n",
			 SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PLAIN PART("text/plain; name=\"=?utf-8?B?w6kuaWNz?=\"", "", SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: multipart/signed; boundary=b; "
		 "protocol=\"application/pgp-signature\"\r\n\r\n" PART(
			 "text/calendar; method=REPLY", "", SAMPLE_REPLY)
				PART("application/pgp-signature", "", "x") "--b--\r\n",
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: multipart/related; boundary=b\r\n\r\n" PART("text/html", "",
			 "<p>x</p>") PART("text/calendar", ATTACHMENT, SAMPLE_REPLY) "--b--\r\n",
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED("--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n--c\r\n"
		       "Content-Type: multipart/alternative; boundary=d\r\n\r\n--d\r\n"
		       "Content-Type: text/calendar\r\n\r\n" SAMPLE_REPLY "--d--\r\n--c--\r\n"),
			LETTER_CALENDAR, "u1", "REPLY"},
		/* no end of the multipart, no empty line before the body of the part's header */
		{"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
		 "text/calendar\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		/* no calendar: Outlook's own form, a text that only looks like one, nothing */
		{MIXED(PLAIN PART("application/ms-tnef; name=winmail.dat", "", "x")), LETTER_PLAIN,
			NULL, NULL},
		{"Content-Type: text/plain\r\n\r\n" SAMPLE_REPLY, LETTER_PLAIN, NULL, NULL},
		{"Content-Type: text/plain\r\n\r\nHello\r\n", LETTER_PLAIN, NULL, NULL},
		{"\r\n", LETTER_PLAIN, NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

static void test_encodings(void **state)
{
	static const struct mail_case cases[] = {
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "base64\r\n\r\n" REPLY_BASE64,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: BASE64 "
		 "\r\n\r\n" REPLY_BASE64,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "quoted-printable\r\n\r\n"
		 "BEGIN:VCALENDAR=0D=0AMETHOD:REPLY=0D=0ABEGIN:VEVENT=0D=0AUID:=\r\nu1=0D=0AEND:"
		 "VEVENT=0D=0A"
		 "END:VCALENDAR=0D=0A",
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "8bit\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "nonsense\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		/* another encoding than is named */
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "base64\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar\r\n\r\n" REPLY_BASE64, LETTER_CALENDAR, "u1",
			"REPLY"},
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "7bit\r\n\r\n\r\n" REPLY_BASE64,
			LETTER_CALENDAR, "u1", "REPLY"},
		/* broken ones */
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n",
			LETTER_UNREADABLE, NULL, NULL},
		{"Content-Type: text/calendar\r\nContent-Transfer-Encoding: "
		 "base64\r\n\r\nQkVHSU46VkN",
			LETTER_UNREADABLE, NULL, NULL},
		{"Content-Type: text/calendar\r\n\r\n", LETTER_UNREADABLE, NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

/* The object's METHOD wins over the parameter, and any parameter over none. */
static void test_methods(void **state)
{
	static const struct mail_case cases[] = {
		{"Content-Type: text/calendar; method=REQUEST\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar; method=reply\r\n\r\n" SAMPLE_OBJECT(
			 "", "u1", "ACCEPTED"),
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Content-Type: text/calendar; method=\"\"\r\n\r\n" SAMPLE_OBJECT(
			 "", "u1", "ACCEPTED"),
			LETTER_CALENDAR, "u1", NULL},
		{"Content-Type: text/calendar; method=\"A B\"\r\n\r\n" SAMPLE_OBJECT(
			 "", "u1", "ACCEPTED"),
			LETTER_CALENDAR, "u1", NULL},
		{"Content-Type: text/calendar\r\n\r\n" SAMPLE_OBJECT("", "u1", "ACCEPTED"),
			LETTER_CALENDAR, "u1", NULL},
	};

	(void)state;
	CHECK(cases);
}

#define OTHER SAMPLE_OBJECT("METHOD:REQUEST\r\n", "u2", "NEEDS-ACTION")

static void test_several(void **state)
{
	static const struct mail_case cases[] = {
		/* the one to be shown before the attached one before the file, in whatever order */
		{MIXED(PART("text/calendar", "", SAMPLE_REPLY)
				 PART("application/ics", ATTACHMENT, SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PART("application/ics", ATTACHMENT, OTHER)
				 PART("text/calendar", "", SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PART("text/calendar", ATTACHMENT, OTHER)
				 PART("text/calendar", "", SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PART("text/calendar", "", SAMPLE_REPLY) PART("text/calendar", "", OTHER)),
			LETTER_CALENDAR, "u1", "REPLY"},
		/* one that cannot be read, or names no method, gives way */
		{MIXED(PART("text/calendar", "", "x")
				 PART("application/ics", ATTACHMENT, SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PART("text/calendar", "", SAMPLE_OBJECT("", "u3", "ACCEPTED"))
				 PART("application/ics", ATTACHMENT, SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{MIXED(PART("text/calendar", "", SAMPLE_OBJECT("", "u3", "ACCEPTED"))
				 PART("text/calendar", "", SAMPLE_OBJECT("", "u4", "ACCEPTED"))),
			LETTER_CALENDAR, "u3", NULL},
		{MIXED(PART("text/calendar", "", "x") PART("text/calendar", "", "y")),
			LETTER_UNREADABLE, NULL, NULL},
		/* no more than five are tried */
		{MIXED(PART("text/calendar", "", "x") PART("text/calendar", "", "x")
				 PART("text/calendar", "", "x") PART("text/calendar", "", "x")
					 PART("text/calendar", "", "x")
						 PART("text/calendar", "", SAMPLE_REPLY)),
			LETTER_UNREADABLE, NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

/* ---- the order of questions ------------------------------------------------------------------ */

#define STATUS                                                                                     \
	PART("message/delivery-status", "",                                                        \
		"Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822;b@agency.example\r\n"        \
		"Action: failed\r\nStatus: 5.1.1\r\n")

static void test_order(void **state)
{
	static const struct mail_case cases[] = {
		/* a report before a calendar */
		{"Content-Type: multipart/report; report-type=delivery-status; "
		 "boundary=b\r\n\r\n" PLAIN STATUS PART(
			 "text/calendar", "", SAMPLE_REPLY) "--b--\r\n",
			LETTER_REPORT, NULL, NULL},
		{MIXED(PLAIN STATUS), LETTER_REPORT, NULL, NULL},
		{"Content-Type: multipart/report; report-type=delivery-status; "
		 "boundary=b\r\n\r\n" PLAIN "--b--\r\n",
			LETTER_REPORT, NULL, NULL},
		{"Content-Type: multipart/report; report-type=disposition-notification; "
		 "boundary=b\r\n\r\n" PLAIN PART("message/disposition-notification", "",
			 "Disposition: manual-action; displayed\r\n") "--b--\r\n",
			LETTER_REPORT, NULL, NULL},
		{"Content-Type: multipart/report; report-type=feedback-report; "
		 "boundary=b\r\n\r\n" PLAIN "--b--\r\n",
			LETTER_REPORT, NULL, NULL},
		/* what is forwarded counts for nothing */
		{MIXED(PLAIN PART("message/rfc822", "",
			 "Subject: y\r\nContent-Type: text/calendar\r\n\r\n" SAMPLE_REPLY)),
			LETTER_PLAIN, NULL, NULL},
		{MIXED(PLAIN PART("message/rfc822", "",
			 "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n"
			 "Content-Type: message/delivery-status\r\n\r\nAction: "
			 "failed\r\n--c--\r\n")),
			LETTER_PLAIN, NULL, NULL},
		{"Content-Type: message/rfc822\r\n\r\nContent-Type: "
		 "text/calendar\r\n\r\n" SAMPLE_REPLY,
			LETTER_PLAIN, NULL, NULL},
		{MIXED(PLAIN PART(
			 "message/global", "", "Content-Type: text/calendar\r\n\r\n" SAMPLE_REPLY)),
			LETTER_PLAIN, NULL, NULL},
		/* a calendar before an automatic reply; Google says auto-generated */
		{"Auto-Submitted: auto-generated\r\nContent-Type: "
		 "text/calendar\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Auto-Submitted: auto-replied\r\nContent-Type: text/calendar\r\n\r\n" SAMPLE_REPLY,
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Auto-Submitted: auto-replied\r\n\r\naccept\r\n", LETTER_AUTOMATIC, NULL, NULL},
		{"Auto-Submitted: auto-generated\r\n\r\naccept\r\n", LETTER_PLAIN, NULL, NULL},
		/* a server that sends a calendar sends no report in prose */
		{"Return-Path: <>\r\n" MIXED(PART("text/plain", "", "could not be delivered")
				 PART("text/calendar", "", SAMPLE_REPLY)),
			LETTER_CALENDAR, "u1", "REPLY"},
		{"Return-Path: <>\r\n\r\nThe mail could not be delivered\r\n", LETTER_REPORT, NULL,
			NULL},
		{"Return-Path: <x@y.example>\r\n\r\nThe mail could not be delivered\r\n",
			LETTER_PLAIN, NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

static void test_sealed(void **state)
{
	static const struct mail_case cases[] = {
		{"Content-Type: application/pkcs7-mime; smime-type=signed-data; "
		 "name=smime.p7m\r\n\r\nx",
			LETTER_UNREADABLE, NULL, NULL},
		{"Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data\r\n\r\nx",
			LETTER_UNREADABLE, NULL, NULL},
		{"Content-Type: multipart/encrypted; boundary=b; "
		 "protocol=\"application/pgp-encrypted\"\r\n\r\n" PART("application/pgp-encrypted",
			 "", "Version: 1") PART("application/octet-stream", "", "x") "--b--\r\n",
			LETTER_UNREADABLE, NULL, NULL},
	};

	(void)state;
	CHECK(cases);
}

/* ---- plain words ----------------------------------------------------------------------------- */

static void test_words(void **state)
{
	struct letter *letter;

	(void)state;
	letter = sample_read("Subject: =?utf-8?Q?Accept=C3=A9_=3A?= x\r\n\r\n", NULL);
	assert_int_equal(letter->kind, LETTER_PLAIN);
	assert_string_equal(letter->word, "accept");
	letter_free(letter);

	letter = sample_read("Subject: Re: x\r\nContent-Type: text/html; charset=utf-16le\r\n"
			     "Content-Transfer-Encoding: base64\r\n\r\n"
			     "PABwAD4AZABlAGMAbABpAG4AZQAgADcAPAAvAHAAPgA=\r\n",
		NULL); /* <p>decline 7</p> */
	assert_string_equal(letter->word, "decline");
	assert_int_equal(letter->number, 7);
	letter_free(letter);

	/* what is attached is not what somebody wrote */
	letter = sample_read("Subject: x\r\n",
		MIXED(PART("text/plain", "Content-Disposition: attachment\r\n", "accept")), NULL);
	assert_null(letter->word);
	letter_free(letter);
}

static void test_report(void **state)
{
	struct letter *letter = sample_read(
		"Content-Type: multipart/report; report-type=delivery-status; "
		"boundary=b\r\n\r\n" PLAIN STATUS PART("text/rfc822-headers",
			"Content-Transfer-Encoding: base64\r\n",
			"TWVzc2FnZS1JRDogPG0xQGFnZW5jeS5leGFtcGxlPg0K") "--b--\r\n",
		NULL);

	(void)state;
	assert_int_equal(letter->kind, LETTER_REPORT);
	assert_int_equal(letter->report.action, REPORT_FAILED);
	assert_int_equal(letter->report.permanent, REPORT_PERMANENT);
	assert_string_equal(letter->report.recipient, "b@agency.example");
	assert_string_equal(letter->report.message_id, "<m1@agency.example>");
	letter_free(letter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, sample_preload, NULL);
}
