/* The forms beside invitation and cancellation: what is in their calendar part, their text and links. */
#include "imip_sample.h"

#include <libical/ical.h>

/* The calendar part, unfolded. */
static char *calendar_of(const struct imip_mail *mail)
{
	GMimeMessage *parsed = parse(mail);
	char *text = content(alternative(parsed, 2)), *to = text;

	for (char *from = text; *from; from++) {
		if (strncmp(from, "\r\n ", 3) == 0)
			from += 2;
		else
			*to++ = *from;
	}
	*to = '\0';
	g_object_unref(parsed);
	return text;
}

static char *plain_of(const struct imip_mail *mail, bool alone)
{
	GMimeMessage *parsed = parse(mail);
	char *text = text_content(
		alone ? g_mime_message_get_mime_part(parsed) : alternative(parsed, 0));

	g_object_unref(parsed);
	return text;
}

static void has(const char *text, const char *piece)
{
	if (!strstr(text, piece))
		fail_msg("no \"%s\" in:\n%s", piece, text);
}

static void lacks(const char *text, const char *piece)
{
	if (strstr(text, piece))
		fail_msg("\"%s\" in:\n%s", piece, text);
}

/* libical, which wrote none of it, finds the method and as many ATTENDEEs as there should be. */
static void check_by_libical(const char *calendar, icalproperty_method method)
{
	icalcomponent *object = icalparser_parse_string(calendar);
	icalcomponent *event = icalcomponent_get_first_component(object, ICAL_VEVENT_COMPONENT);

	assert_int_equal(icalcomponent_get_method(object), method);
	assert_int_equal(icalcomponent_count_properties(event, ICAL_ATTENDEE_PROPERTY), 1);
	assert_int_equal(icalcomponent_count_errors(object), 0);
	icalcomponent_free(object);
}

static void test_reminder(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	char *calendar, *text;

	(void)state;
	message.partstat = "TENTATIVE";
	mail = write_mail(&message);
	calendar = calendar_of(&mail);
	text = plain_of(&mail, false);
	has(calendar, ";PARTSTAT=TENTATIVE;RSVP=TRUE;CN=\"Coordinator A\":mailto:coordinator.a@");
	has(text, "?subject=accept%202>");
	check_by_libical(calendar, ICAL_METHOD_REQUEST);
	free(calendar);
	free(text);
	imip_mail_clear(&mail);
}

static void test_shift(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	char *calendar, *text;

	(void)state;
	message.shown_free = true;
	mail = write_mail(&message);
	calendar = calendar_of(&mail);
	text = plain_of(&mail, false);
	has(calendar, "TRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:FREE\r\n");
	has(calendar, "STATUS:CONFIRMED\r\n");
	lacks(calendar, "RSVP");
	lacks(text, "mailto:");
	check_by_libical(calendar, ICAL_METHOD_REQUEST);
	free(calendar);
	free(text);
	imip_mail_clear(&mail);
}

static struct imip_message reply(void)
{
	struct imip_message message = sample();

	message.method = "REPLY";
	message.uid = "{7B3C}, of another's; making";
	message.answer_handle = NULL;
	message.partstat = "ACCEPTED";
	message.partner = "leave@agency.example";
	message.location = message.description = NULL;
	return message;
}

/* It is about another's event: their UID, they are the ORGANIZER, and no token of ours is in it. */
static void test_reply(void **state)
{
	struct imip_message message = reply();
	struct imip_mail mail = write_mail(&message);
	char *calendar = calendar_of(&mail);

	(void)state;
	has(calendar, "METHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{7B3C}\\, of another's\\; making\r\n");
	has(calendar, "ORGANIZER;CN=\"Coordinator A\":mailto:coordinator.a@agency.example\r\n");
	has(calendar, ";PARTSTAT=ACCEPTED;CN=\"Victim assistance scheduling\":mailto:leave@"
		      "agency.example\r\nSUMMARY:");
	has(calendar, "DTSTART:20261124T170000Z\r\n");
	lacks(calendar, "TRANSP");
	lacks(calendar, "VALARM");
	lacks(mail.bytes, "Reply-To");
	has(mail.bytes, "method=REPLY");
	check_by_libical(calendar, ICAL_METHOD_REPLY);
	free(calendar);
	imip_mail_clear(&mail);
}

static void test_reply_of_a_day(void **state)
{
	struct imip_message message = reply();
	struct imip_mail mail;
	char *calendar;

	(void)state;
	message.starts = message.ends = 0;
	message.summary = NULL;
	mail = write_mail(&message);
	calendar = calendar_of(&mail);
	lacks(calendar, "DTSTART");
	lacks(calendar, "SUMMARY");
	check_by_libical(calendar, ICAL_METHOD_REPLY);
	free(calendar);
	imip_mail_clear(&mail);
}

static void test_counter_refused(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	char *calendar, *text;

	(void)state;
	message.method = "DECLINECOUNTER";
	mail = write_mail(&message);
	calendar = calendar_of(&mail);
	text = plain_of(&mail, false);
	has(calendar, "METHOD:DECLINECOUNTER\r\nBEGIN:VEVENT\r\nUID:" UID "\r\nSEQUENCE:2\r\n");
	has(calendar, "ORGANIZER;CN=\"Victim assistance scheduling\":mailto:vacd+nopqrstuvwxy2");
	lacks(calendar, "RSVP");
	lacks(calendar, "DESCRIPTION");
	lacks(text, "mailto:");
	check_by_libical(calendar, ICAL_METHOD_DECLINECOUNTER);
	free(calendar);
	free(text);
	imip_mail_clear(&mail);
}

static void test_question(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	char *text;

	(void)state;
	message.method = NULL;
	message.words = "held missed contacted";
	mail = write_mail(&message);
	text = plain_of(&mail, true);
	has(text, "\nPlease answer by one of these links.");
	has(text, "\nHeld:    <mailto:vacd+nopqrstuvwxy2");
	has(text, "@agency.example?subject=held%202>\nMissed:  <mailto:vacd+");
	has(text, "?subject=missed%202>\nContacted: <mailto:vacd+");
	has(text, "?subject=contacted%202>\n");
	has(mail.bytes, "Reply-To: \"Victim assistance scheduling\"\r\n <vacd+nopqrstuvwxy2");
	free(text);
	imip_mail_clear(&mail);
}

static void check_refused(const struct imip_message *message, const char *words)
{
	struct imip_mail mail = {0};
	char error[200] = "";

	assert_int_equal(imip_write(message, keys, &mail, error, sizeof(error)), IMIP_INVALID);
	assert_string_equal(error, words);
	assert_null(mail.bytes);
}

#define REFUSE(from, member, value, words)                                                         \
	do {                                                                                       \
		struct imip_message message = from();                                              \
		message.member = (value);                                                          \
		check_refused(&message, words);                                                    \
	} while (0)

static void test_bad_values(void **state)
{
	static const char *const words = "words are not words of a-z parted by single spaces";
	static char large[1100];

	(void)state;
	memset(large, 'u', sizeof(large) - 1);
	REFUSE(sample, partstat, "DELEGATED",
		"partstat is none of NEEDS-ACTION, ACCEPTED, TENTATIVE, DECLINED");
	REFUSE(sample, partstat, "ACCEPTED\r\nX",
		"partstat is none of NEEDS-ACTION, ACCEPTED, TENTATIVE, DECLINED");
	REFUSE(sample, words, "", words);
	REFUSE(sample, words, "held ", words);
	REFUSE(sample, words, " held", words);
	REFUSE(sample, words, "held  missed", words);
	REFUSE(sample, words, "held&cc=x", words);
	REFUSE(reply, partner, NULL, "partner is not a mail address");
	REFUSE(reply, partner, "leave@agency.example\r\nBcc: x@example.org",
		"partner is not a mail address");
	REFUSE(reply, uid, NULL, "uid is missing");
	REFUSE(reply, uid, large, "uid is too long");
	REFUSE(reply, uid, "u\r\nATTENDEE:mailto:x@example.org",
		"uid holds a control character or a line separator");
	REFUSE(reply, starts, 1795543200, "end is not after the start");
	REFUSE(reply, recipient, "a b@agency.example", "recipient is not a mail address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reminder),
		cmocka_unit_test(test_shift),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_reply_of_a_day),
		cmocka_unit_test(test_counter_refused),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_bad_values),
	};

	return cmocka_run_group_tests(tests, read_keys, free_keys);
}
