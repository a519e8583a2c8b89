/* What imip_write() does not take, and that its words never quote it. */
#include "imip_sample.h"

static void check_outcome(const struct imip_message *message, int outcome, const char *words)
{
	struct imip_mail mail = {0};
	char error[200] = "";
	int r = imip_write(message, keys, &mail, error, sizeof(error));

	assert_int_equal(r, outcome);
	assert_string_equal(error, words);
	assert_null(mail.bytes);
	assert_null(mail.envelope_sender);
}

static void check_refused(const struct imip_message *message, const char *words)
{
	check_outcome(message, IMIP_INVALID, words);
}

#define REFUSE(member, value, words)                                                               \
	do {                                                                                       \
		struct imip_message message = sample();                                            \
		message.member = (value);                                                          \
		check_refused(&message, words);                                                    \
	} while (0)

static void test_bad_values(void **state)
{
	static char large[600000];
	static const char *const handle = "is not 13 characters of a-z and 2-7";
	char words[100];

	(void)state;
	memset(large, 'a', sizeof(large) - 1);
	REFUSE(mail_uuid, NULL, "mail_uuid is not a UUID");
	REFUSE(mail_uuid, "1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5", "mail_uuid is not a UUID");
	REFUSE(mail_uuid, "1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5\n", "mail_uuid is not a UUID");
	REFUSE(mail_uuid, "1f0c2a34x5b6d-4e7f-8a9b-0c1d2e3f4a5b", "mail_uuid is not a UUID");
	REFUSE(first_uuid, "1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5>", "first_uuid is not a UUID");
	REFUSE(made_at, -1, "made_at is not within 1970 and 9999");
	REFUSE(made_at, 253402300800, "made_at is not within 1970 and 9999");
	REFUSE(sender, NULL, "sender is not a mail address");
	REFUSE(sender, "vacd", "sender is not a mail address");
	REFUSE(sender, "abcdefghijklmnopqrstuvwxyzabc@agency.example",
		"sender has more than 28 octets before its @");
	REFUSE(recipient, NULL, "recipient is not a mail address");
	REFUSE(recipient_name, large, "recipient's name is too long");
	REFUSE(subject, NULL, "subject is missing");
	REFUSE(subject, "", "subject is missing");
	REFUSE(subject, large, "subject is too long");
	REFUSE(body, NULL, "body is missing");
	REFUSE(body, large, "body is too long");
	REFUSE(key_id, NULL, "key_id is missing");
	(void)snprintf(words, sizeof(words), "bounce_handle %s", handle);
	REFUSE(bounce_handle, NULL, words);
	REFUSE(bounce_handle, "abcdefghijkl@", words);
	(void)snprintf(words, sizeof(words), "answer_handle %s", handle);
	REFUSE(answer_handle, NULL, words);
	REFUSE(method, "request", "method is none of REQUEST, CANCEL, REPLY, DECLINECOUNTER");
	REFUSE(method, "PUBLISH", "method is none of REQUEST, CANCEL, REPLY, DECLINECOUNTER");
	REFUSE(uid, NULL, "uid is missing");
	REFUSE(uid, "a b", "uid is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	REFUSE(summary, NULL, "summary is missing");
	REFUSE(ends, 0, "end is not after the start");
	REFUSE(sequence, -1, "sequence is not within 0 and 2147483647");
}

/* What this daemon cannot write, and another can, is no fault of the message. */
static void test_elsewhere(void **state)
{
	struct imip_message message = sample();

	(void)state;
	message.key_id = "k2";
	check_outcome(&message, IMIP_ELSEWHERE, "key_id is not in the token key file");
	message = sample();
	message.renderer = 2;
	check_outcome(&message, IMIP_ELSEWHERE,
		"renderer is not known to this vacd: install a newer one");
}

/* Names and domains as long as they may be still give addresses of at most 254 octets. */
static void test_long_sender(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	char sender[260] = "abcdefghijklmnopqrstuvwxyzab@";

	(void)state;
	for (size_t at = 29; at < 209; at += 60) {
		memset(sender + at, 'b', 59);
		sender[at + 59] = '.';
	}
	memcpy(sender + 209, "example.x", 10);
	assert_int_equal(strlen(sender), 218);
	message.sender = sender;
	mail = write_mail(&message);
	assert_int_equal(strlen(mail.envelope_sender), 254);
	assert_int_equal(strcspn(mail.envelope_sender, "@"), 64);
	imip_mail_clear(&mail);
	memcpy(sender + 209, "example.xy", 11);
	check_refused(&message, "sender is longer than 218 octets");
}

static void test_injection(void **state)
{
	static const char *const values[] = {"a\r\nBcc: b@agency.example", "a\rb", "a\x01", "a\x7f",
		"a\xc2\x85", "a\xe2\x80\xa8", "a\xff", "a\xe2\x82"};

	(void)state;
	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
		for (int field = 0; field < 9; field++) {
			struct imip_message message = sample();
			struct imip_mail mail = {0};
			char error[200] = "";
			const char **fields[] = {&message.recipient_name, &message.subject,
				&message.body, &message.summary, &message.location,
				&message.description, &message.recipient, &message.sender,
				&message.uid};

			*fields[field] = values[v];
			if (imip_write(&message, keys, &mail, error, sizeof(error)) != IMIP_INVALID)
				fail_msg("value %zu was taken in field %d", v, field);
			assert_null(strstr(error, "agency"));
			assert_null(strpbrk(error, "\r\n"));
		}
	}
	for (int field = 0; field < 4; field++) {
		struct imip_message message = sample();
		const char **fields[] = {&message.recipient_name, &message.subject,
			&message.summary, &message.location};
		static const char *const names[] = {
			"recipient's name", "subject", "summary", "location"};
		char words[100];

		*fields[field] = "a\nBcc: b@agency.example";
		(void)snprintf(words, sizeof(words),
			"%s holds a control character or a line separator", names[field]);
		check_refused(&message, words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_long_sender),
		cmocka_unit_test(test_injection),
	};

	return cmocka_run_group_tests(tests, read_keys, free_keys);
}
