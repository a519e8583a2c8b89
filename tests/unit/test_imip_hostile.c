/* Mails that are made to hurt: each ends in a letter. That they end soon is for the fuzzer and the
 * corpus test to see, which have a limit on processor time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "letter_sample.h"

/* Fewer under the slow eyes of valgrind and the sanitizers. */
static size_t load(size_t n)
{
	return getenv("VACD_TEST_LOAD") ? n / 10 : n;
}

static void add_times(struct octets *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		octets_add_text(out, text);
}

/* Reads the mail, looks at its kind, and sees that it can be written. */
static void finish(struct octets *mail, enum letter_kind kind)
{
	struct letter *letter;

	assert_false(mail->failed);
	letter = sample_read_bytes(mail->data, mail->length);
	if (letter->kind != kind)
		fail_msg("kind %d, %s", (int)letter->kind, letter->why ? letter->why : "no reason");
	free(sample_write(letter));
	letter_free(letter);
	octets_clear(mail);
}

static void test_sizes(void **state)
{
	struct octets mail = {0};

	(void)state;
	octets_add_text(&mail, "");
	finish(&mail, LETTER_UNREADABLE);
	octets_add_text(&mail, SAMPLE_HEAD "\r\n");
	add_times(&mail, "abcdefghijklmnopqrstuvwxyz012345", IMIP_READ_BYTES_MAX / 32);
	finish(&mail, LETTER_UNREADABLE);
	/* as much as is taken, in one line */
	octets_add_text(&mail, SAMPLE_HEAD "\r\n");
	add_times(&mail, "abcdefghijklmnopqrstuvwxyz012345", IMIP_READ_BYTES_MAX / 32 - 8);
	finish(&mail, LETTER_PLAIN);
	/* a calendar that no calendar is as large as */
	octets_add_text(&mail, "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n");
	add_times(&mail, "X-A:abcdefghijklmnopqrstuvwxyz\r\n", 200000);
	finish(&mail, LETTER_UNREADABLE);
}

static void test_headers(void **state)
{
	static const char *const fields[] = {"X-A: b\r\n", "To: a@agency.example\r\n", ": \r\n",
		"x\r\n", "Subject: =?utf-8?Q?a?=\r\n", "Content-Type: text/calendar\r\n"};
	struct octets mail = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		octets_add_text(&mail, SAMPLE_HEAD);
		add_times(&mail, fields[i], 100000);
		octets_add_text(&mail, "\r\nHello\r\n");
		finish(&mail, LETTER_UNREADABLE);
	}
	/* in a part of its own there is nothing of them to be read */
	octets_add_text(
		&mail, SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
	add_times(&mail, "X-A: b\r\n", 100000);
	octets_add_text(&mail, "Content-Type: text/calendar\r\n\r\n" SAMPLE_REPLY "--b--\r\n");
	finish(&mail, LETTER_CALENDAR);
	octets_add_text(&mail,
		SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
			    "Content-Type: message/rfc822\r\n\r\n");
	add_times(&mail, "To: a@agency.example\r\n", 100000);
	octets_add_text(&mail, "\r\n--b--\r\n");
	finish(&mail, LETTER_PLAIN);
}

/* GMime would take more memory than the reader's child has. */
static void test_parameters(void **state)
{
	static const char *const pieces[] = {";a=b", "\r\n ;a=b", ";a*0=b"};
	struct octets mail = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		octets_add_text(&mail,
			SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
				    "CONTENT-type: text/plain");
		add_times(&mail, pieces[i], load(1000000));
		octets_add_text(&mail, "\r\n\r\naccept\r\n--b--\r\n");
		finish(&mail, LETTER_UNREADABLE);
	}
}

/* One field that is as long as a header may be. */
static void test_long_fields(void **state)
{
	static const char *const fields[] = {"Subject", "From", "To", "Authentication-Results",
		"Date", "Message-ID", "Content-Type", "X-Failed-Recipients"};
	static const char *const pieces[] = {"a", "(", "<", "\"", "a:", "a@b.example,",
		"=?utf-8?B?AAAA?= ", "=?utf-8?Q?=", "\\", ";a=b", ";a*0=b", "\r\n ", "=?x", "[",
		",", ";charset*=utf-8''%41"};
	struct octets mail = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct letter *letter;

			octets_add_text(&mail, fields[i]);
			octets_add_text(&mail, ": text/plain");
			add_times(&mail, pieces[k], load(80000) / strlen(pieces[k]));
			octets_add_text(&mail, "\r\n\r\naccept\r\n");
			letter = sample_read_bytes(mail.data, mail.length);
			free(sample_write(letter));
			letter_free(letter);
			octets_clear(&mail);
		}
	}
}

static void add_nested(struct octets *mail, int depth, const char *inner)
{
	char line[120];

	octets_add_text(mail, SAMPLE_HEAD);
	for (int i = 0; i < depth; i++) {
		(void)snprintf(line, sizeof(line),
			"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
		octets_add_text(mail, line);
	}
	octets_add_text(mail, inner);
}

static void test_nesting(void **state)
{
	static const char reply[] = "Content-Type: text/calendar\r\n\r\n" SAMPLE_REPLY;
	struct octets mail = {0};

	(void)state;
	add_nested(&mail, IMIP_READ_DEPTH_MAX, reply);
	finish(&mail, LETTER_CALENDAR);
	add_nested(&mail, IMIP_READ_DEPTH_MAX + 1, reply);
	finish(&mail, LETTER_UNREADABLE);
	add_nested(&mail, 90, reply);
	add_times(&mail, "--x\r\n", load(1000000));
	finish(&mail, LETTER_UNREADABLE);
	add_nested(&mail, 100000, reply);
	finish(&mail, LETTER_UNREADABLE);
	octets_add_text(&mail, SAMPLE_HEAD);
	add_times(&mail, "Content-Type: message/rfc822\r\n\r\n", 100000);
	octets_add_text(&mail, reply);
	finish(&mail, LETTER_PLAIN);
}

static void test_parts(void **state)
{
	struct octets mail = {0};

	(void)state;
	octets_add_text(&mail, SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	add_times(&mail, "--b\r\n\r\nx\r\n", IMIP_READ_PARTS_MAX - 1);
	octets_add_text(&mail, "--b\r\nContent-Type: text/calendar\r\n\r\n" SAMPLE_REPLY);
	finish(&mail, LETTER_CALENDAR);
	octets_add_text(&mail, SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	add_times(&mail, "--b\r\n\r\nx\r\n", 200000);
	finish(&mail, LETTER_UNREADABLE);
	/* a boundary that is longer than any line GMime compares, an empty one, none */
	octets_add_text(&mail, SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=\"");
	add_times(&mail, "b", 60000);
	octets_add_text(&mail, "\"\r\n\r\n--");
	add_times(&mail, "b", 60000);
	octets_add_text(&mail, "\r\nContent-Type: text/calendar\r\n\r\n" SAMPLE_REPLY);
	finish(&mail, LETTER_PLAIN);
	octets_add_text(&mail,
		SAMPLE_HEAD "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n");
	finish(&mail, LETTER_PLAIN);
	octets_add_text(&mail, SAMPLE_HEAD "Content-Type: multipart/mixed\r\n\r\n--\r\n\r\nx\r\n");
	finish(&mail, LETTER_PLAIN);
	octets_add_text(&mail, SAMPLE_HEAD
		"Content-Type: multipart/mixed; boundary*0*=utf-8''%62; boundary*1=c\r\n\r\n"
		"--bc\r\nContent-Type: text/calendar\r\n\r\n" SAMPLE_REPLY "--bc--\r\n");
	finish(&mail, LETTER_CALENDAR);
}

static void test_bytes(void **state)
{
	static const char nul[] = SAMPLE_HEAD "Subject: a\0b\r\nContent-Type: text/calendar\r\n\r\n"
					      "\0\0" SAMPLE_REPLY "\0";
	struct letter *letter = sample_read_bytes(nul, sizeof(nul) - 1);

	(void)state;
	assert_true(letter->kind == LETTER_CALENDAR || letter->kind == LETTER_UNREADABLE);
	free(sample_write(letter));
	letter_free(letter);
	for (size_t n = 1; n < sizeof(nul); n++) {
		letter = sample_read_bytes(nul, n);
		free(sample_write(letter));
		letter_free(letter);
	}
}

/* Line ends in an address, as they come out of encoded words and quotes, go nowhere. */
static void test_injection(void **state)
{
	static const char *const froms[] = {
		"From: =?utf-8?Q?a=0D=0ABcc:_x=40y.example?= <a@agency.example>\r\n\r\n",
		"From: \"a\\\r\\\nBcc: x\"@agency.example\r\n\r\n",
		"From: <=?utf-8?Q?a=0D=0A?=@agency.example>\r\n\r\n",
		"From: a@agency.example\rBcc: x@y.example\r\n\r\n",
		"From: a@agency.example\r\nMessage-ID: <a\tb@x>\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(froms) / sizeof(froms[0]); i++) {
		struct letter *letter = sample_read(froms[i], NULL);
		char *text = sample_write(letter);

		for (const char *c = text; *c; c++)
			assert_true((unsigned char)*c >= 0x20);
		assert_null(strstr(text, "Bcc"));
		assert_null(strstr(text, "bcc"));
		free(text);
		letter_free(letter);
	}
}

/* A mail of the right form with some bytes changed, cut or doubled. */
static void test_random(void **state)
{
	static const char mail[] = SAMPLE_HEAD
		"Authentication-Results: mx.example.org; dmarc=pass header.from=agency.example\r\n"
		"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"
		"Content-Type: multipart/alternative; boundary*0=\"c\"\r\n\r\n--c\r\n"
		"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\naccept\r\n--c\r\n"
		"Content-Type: text/calendar; method=REPLY; charset=utf-8\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n" SAMPLE_REPLY
		"--c--\r\n--b\r\n"
		"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: "
		"rfc822;a@b.example\r\n"
		"Action: failed\r\nStatus: 5.0.0\r\n--b--\r\n";
	uint64_t seed = 77;

	(void)state;
	for (int i = 0; i < (int)load(3000); i++) {
		char bytes[sizeof(mail)];
		struct letter *letter;

		memcpy(bytes, mail, sizeof(mail));
		for (int k = 0; k < 6; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			bytes[(seed >> 33) % sizeof(bytes)] =
				k < 3 ? bytes[(seed >> 13) % sizeof(bytes)] : (char)(seed >> 56);
		}
		letter = sample_read_bytes(bytes, sizeof(bytes) - seed % 7);
		free(sample_write(letter));
		letter_free(letter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_long_fields),
		cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, sample_preload, NULL);
}
