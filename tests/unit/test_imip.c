#include "imip_sample.h"
#include "random_text.h"

#include <openssl/evp.h>

enum { SIX_KIB = 6 * 1024 };

static void test_structure(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail = write_mail(&message);
	GMimeMessage *parsed = parse(&mail);
	GMimeObject *top = g_mime_message_get_mime_part(parsed), *attachment = child(top, 1, 2);
	char *calendar = content(alternative(parsed, 2)), *attached = content(attachment);

	(void)state;
	check_type(top, "multipart", "mixed");
	check_type(child(top, 0, 2), "multipart", "alternative");
	check_type(alternative(parsed, 0), "text", "plain");
	check_parameter(alternative(parsed, 0), "charset", "utf-8");
	check_type(alternative(parsed, 1), "text", "html");
	check_parameter(alternative(parsed, 1), "charset", "utf-8");
	check_type(alternative(parsed, 2), "text", "calendar");
	check_parameter(alternative(parsed, 2), "charset", "UTF-8");
	check_parameter(alternative(parsed, 2), "method", "REQUEST");
	assert_int_equal(g_mime_part_get_content_encoding(GMIME_PART(alternative(parsed, 2))),
		GMIME_CONTENT_ENCODING_BASE64);
	/* With a disposition or an id Thunderbird hides it. */
	assert_null(g_mime_object_get_content_disposition(alternative(parsed, 2)));
	assert_null(g_mime_object_get_content_id(alternative(parsed, 2)));
	check_type(attachment, "application", "ics");
	check_parameter(attachment, "name", "invite.ics");
	assert_string_equal(g_mime_object_get_disposition(attachment), "attachment");
	assert_int_equal(g_mime_part_get_content_encoding(GMIME_PART(attachment)),
		GMIME_CONTENT_ENCODING_BASE64);
	assert_string_equal(calendar, attached);
	assert_memory_equal(calendar, "BEGIN:VCALENDAR\r\n", 17);
	assert_non_null(strstr(calendar, "\r\nMETHOD:REQUEST\r\n"));
	assert_non_null(strstr(calendar, "\r\nDTSTAMP:20261123T214000Z\r\n"));
	free(calendar);
	free(attached);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

static void test_headers(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail = write_mail(&message);
	GMimeMessage *parsed = parse(&mail);

	(void)state;
	check_header(parsed, "Date", "Mon, 23 Nov 2026 21:40:00 +0000");
	check_header(parsed, "From", FROM);
	check_header(parsed, "To", "\"Coordinator A\" <coordinator.a@agency.example>");
	check_header(parsed, "Subject", "Appointment K7Q-4MX");
	check_header(parsed, "Message-ID", "<" MAIL "@agency.example>");
	check_header(parsed, "References", "<" FIRST "@agency.example>");
	check_header(parsed, "MIME-Version", "1.0");
	check_header(parsed, "Auto-Submitted", "auto-generated");
	check_header(parsed, "X-Auto-Response-Suppress", "OOF, AutoReply");
	check_header(parsed, "Precedence", NULL);
	check_header(parsed, "Sender", NULL);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

static void test_no_references(void **state)
{
	struct imip_message message = sample();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct imip_mail mail;

		message.first_uuid = i ? MAIL : NULL;
		mail = write_mail(&message);
		assert_null(strstr(mail.bytes, "References"));
		imip_mail_clear(&mail);
	}
}

/* ---- addresses with tokens --------------------------------------------------------------- */

/* The token between before and after in text. */
static void find_token(const char *text, const char *before, const char *after, char *token)
{
	const char *at = strstr(text, before);

	assert_non_null(at);
	at += strlen(before);
	assert_true(strlen(at) >= TOKEN_LENGTH + strlen(after));
	memcpy(token, at, TOKEN_LENGTH);
	token[TOKEN_LENGTH] = '\0';
	assert_memory_equal(at + TOKEN_LENGTH, after, strlen(after));
}

static void check_answer_token(const char *text, const char *before, const char *after)
{
	char token[TOKEN_LENGTH + 1];

	find_token(text, before, after, token);
	assert_int_equal(token_check(keys, "k1", TOKEN_ANSWER, "nopqrstuvwxy2", UID, token), 0);
}

static char *unfold(char *calendar)
{
	char *to = calendar;

	for (char *from = calendar; *from; from++) {
		if (strncmp(from, "\r\n ", 3) == 0)
			from += 2;
		else
			*to++ = *from;
	}
	*to = '\0';
	return calendar;
}

static void test_addresses(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail = write_mail(&message);
	GMimeMessage *parsed = parse(&mail);
	char *calendar = unfold(content(alternative(parsed, 2)));
	char *plain = text_content(alternative(parsed, 0));
	char *html = text_content(alternative(parsed, 1)), token[TOKEN_LENGTH + 1];

	(void)state;
	find_token(mail.envelope_sender, "vacd-b+", "@agency.example", token);
	assert_int_equal(token_check(keys, "k1", TOKEN_BOUNCE, "abcdefghijklm", MAIL, token), 0);
	assert_memory_equal(mail.envelope_sender, "vacd-b+", 7);
	check_answer_token(g_mime_object_get_header(GMIME_OBJECT(parsed), "Reply-To"),
		"\"Victim assistance scheduling\" <vacd+", "@agency.example>");
	check_answer_token(calendar, "ORGANIZER;CN=\"Victim assistance scheduling\":mailto:vacd+",
		"@agency.example\r\n");
	check_answer_token(
		plain, "Accept:  <mailto:vacd+", "@agency.example?subject=accept%202>\n");
	check_answer_token(
		plain, "Decline: <mailto:vacd+", "@agency.example?subject=decline%202>\n");
	check_answer_token(
		html, "<a href=\"mailto:vacd+", "@agency.example?subject=accept%202\" style=");
	check_answer_token(strstr(html, "Accept</a>"), "<a href=\"mailto:vacd+",
		"@agency.example?subject=decline%202\" style=");
	assert_non_null(strstr(plain, "please send the response"));
	assert_non_null(strstr(html, "please send the response"));
	free(calendar);
	free(plain);
	free(html);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

/* A sender whose local part needs escapes in a link still gets its answers. */
static void test_odd_sender(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	GMimeMessage *parsed;
	char *html, *plain;

	(void)state;
	message.sender = "a'b&c%d@agency.example";
	mail = write_mail(&message);
	parsed = parse(&mail);
	plain = text_content(alternative(parsed, 0));
	html = text_content(alternative(parsed, 1));
	assert_memory_equal(mail.envelope_sender, "a'b&c%d-b+", 10);
	check_answer_token(plain, "<mailto:a%27b%26c%25d+", "@agency.example?subject=accept%202>");
	check_answer_token(html, "\"mailto:a%27b%26c%25d+", "@agency.example?subject=accept%202\"");
	free(plain);
	free(html);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

static void test_old_key(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail, old;

	(void)state;
	mail = write_mail(&message);
	message.key_id = "k0";
	old = write_mail(&message);
	assert_string_not_equal(mail.envelope_sender, old.envelope_sender);
	imip_mail_clear(&mail);
	imip_mail_clear(&old);
}

/* ---- CANCEL and plain mail --------------------------------------------------------------- */

static char *calendar_of(const struct imip_message *message)
{
	struct imip_mail mail = write_mail(message);
	GMimeMessage *parsed = parse(&mail);
	char *calendar = content(alternative(parsed, 2));

	check_parameter(alternative(parsed, 2), "method", message->method);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
	return unfold(calendar);
}

static void check_same_line(const char *a, const char *b, const char *start)
{
	const char *in_a = strstr(a, start), *in_b = strstr(b, start);

	assert_non_null(in_a);
	assert_non_null(in_b);
	assert_int_equal(strcspn(in_a, "\r"), strcspn(in_b, "\r"));
	assert_memory_equal(in_a, in_b, strcspn(in_a, "\r"));
}

static void test_cancel(void **state)
{
	struct imip_message message = sample();
	char *request = calendar_of(&message), *cancel;
	struct imip_mail mail;

	(void)state;
	/* Another mail, with another UUID and time: the appointment's own stay. */
	message.method = "CANCEL";
	message.mail_uuid = "99999999-5b6d-4e7f-8a9b-0c1d2e3f4a5b";
	message.bounce_handle = "777777fghijkl";
	message.sequence = 3;
	message.made_at += 86400;
	cancel = calendar_of(&message);
	check_same_line(request, cancel, "\r\nUID:");
	check_same_line(request, cancel, "\r\nORGANIZER;");
	check_same_line(request, cancel, "\r\nDTSTART:");
	check_same_line(request, cancel, "\r\nDTEND:");
	assert_non_null(strstr(cancel, "\r\nMETHOD:CANCEL\r\n"));
	assert_non_null(strstr(cancel, "\r\nSTATUS:CANCELLED\r\n"));
	assert_non_null(strstr(cancel, "\r\nSEQUENCE:3\r\n"));
	assert_non_null(strstr(cancel, "\r\nDTSTAMP:20261124T214000Z\r\n"));
	mail = write_mail(&message);
	assert_non_null(strstr(mail.bytes, "\r\nReply-To: "));
	assert_null(strstr(mail.bytes, "mailto:")); /* there is nothing to answer */
	assert_null(strstr(mail.bytes, "send the response"));
	imip_mail_clear(&mail);
	free(request);
	free(cancel);
}

static void test_plain_notice(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail;
	GMimeMessage *parsed;
	char *text;

	(void)state;
	message.method = message.uid = message.answer_handle = message.first_uuid = NULL;
	message.summary = message.location = message.description = NULL;
	message.starts = message.ends = 0;
	mail = write_mail(&message);
	parsed = parse(&mail);
	check_type(g_mime_message_get_mime_part(parsed), "text", "plain");
	check_header(parsed, "Reply-To", NULL);
	check_header(parsed, "From", FROM);
	text = text_content(g_mime_message_get_mime_part(parsed));
	assert_string_equal(text, BODY "\n");
	assert_null(strstr(mail.bytes, "calendar"));
	free(text);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

/* A reminder is of no use when the meeting begins before it. */
static void test_alarm(void **state)
{
	struct imip_message message = sample();
	char *calendar = calendar_of(&message);

	(void)state;
	assert_non_null(strstr(calendar, "\r\nTRIGGER:-PT30M\r\n"));
	free(calendar);
	message.starts = message.made_at + 1800;
	message.ends = message.starts + 3600;
	calendar = calendar_of(&message);
	assert_null(strstr(calendar, "VALARM"));
	free(calendar);
}

/* ---- bytes ------------------------------------------------------------------------------- */

static void test_deterministic(void **state)
{
	struct imip_message message = sample();
	struct imip_mail one = write_mail(&message), two;
	char *subject = strdup(message.subject);

	(void)state;
	/* In another zone and another place in memory. */
	assert_int_equal(setenv("TZ", "Pacific/Guam", 1), 0);
	message.subject = subject;
	two = write_mail(&message);
	free(subject);
	assert_int_equal(unsetenv("TZ"), 0);
	assert_string_equal(one.bytes, two.bytes);
	assert_string_equal(one.envelope_sender, two.envelope_sender);
	imip_mail_clear(&one);
	imip_mail_clear(&two);
}

static void check_digest(const struct imip_message *message, const char *expected)
{
	struct imip_mail mail = write_mail(message);
	unsigned char digest[32];
	char hex[65];

	assert_int_equal(EVP_Digest(mail.bytes, mail.length, digest, NULL, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(hex, expected);
	imip_mail_clear(&mail);
}

/*
 * A mail that was sent by one vacd and is sent again by a newer one must be the same mail. When
 * this test fails, form 1 has changed: make the change a form 2 (message.renderer) and keep form
 * 1, unless no vacd that writes form 1 was ever installed anywhere.
 */
static void test_form_1_is_frozen(void **state)
{
	struct imip_message message = sample();

	(void)state;
	check_digest(&message, "86cebcbf4a5f3ce250402bb327d183df8d0eb4272a2fc8da041ba731275d5b34");
	message.recipient_name = "Ren\xc3\xa9 \"R\" ^, \xf0\x9f\x98\x80";
	message.subject = message.summary =
		"Termin \xe2\x80\x93 <K7Q-4MX> & so weiter, l\xc3\xa4nger als eine Zeile";
	message.method = "CANCEL";
	check_digest(&message, "72d76d1bcaabd047222342d308ef365d42444c9b2244f622915918a35e43f85a");
	message.method = NULL;
	check_digest(&message, "67ee52752df64f2fbe13096f6b4a262270e79b0e4307b374942c2ce3e6d72d31");
}

/* Printable ASCII, CRLF, at most 76 octets but for headers with an address. */
static void check_lines(const struct imip_mail *mail)
{
	const char *body = strstr(mail->bytes, "\r\n\r\n");

	for (const char *line = mail->bytes; *line;) {
		size_t length = strcspn(line, "\r\n");

		for (size_t i = 0; i < length; i++)
			assert_in_range(line[i], 0x20, 0x7e);
		assert_memory_equal(line + length, "\r\n", 2);
		assert_true(length <= (line < body ? 300 : 76));
		line += length + 2;
	}
}

/* Text between <body …> and </body> without tags and line ends, unescaped. */
static void strip_html(const char *html, char *to)
{
	static const struct {
		const char *escaped;
		char c;
	} escapes[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
	const char *at = strstr(html, "<body"), *end = strstr(html, "</body>");

	assert_non_null(at);
	assert_non_null(end);
	while (at < end) {
		size_t e = 0;

		if (*at == '<') {
			at = strchr(at, '>') + 1;
			continue;
		}
		while (*at == '&' && e < 5
			&& strncmp(at, escapes[e].escaped, strlen(escapes[e].escaped)) != 0)
			e++;
		assert_true(e < 5);
		if (*at == '&') {
			*to++ = escapes[e].c;
			at += strlen(escapes[e].escaped);
		} else if (*at == '\n') {
			at++;
		} else {
			*to++ = *at++;
		}
	}
	*to = '\0';
}

static void remove_line_feeds(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text != '\n')
			*to++ = *text;
	}
	*to = '\0';
}

static void check_random(const struct imip_message *message)
{
	struct imip_mail mail = write_mail(message);
	GMimeMessage *parsed = parse(&mail);
	InternetAddressList *to = g_mime_message_get_addresses(parsed, GMIME_ADDRESS_TYPE_TO);
	char *plain = text_content(alternative(parsed, 0)),
	     *html = text_content(alternative(parsed, 1));
	char stripped[SIX_KIB], body[SIX_KIB];

	check_lines(&mail);
	assert_string_equal(g_mime_message_get_subject(parsed), message->subject);
	assert_int_equal(internet_address_list_length(to), 1);
	assert_string_equal(internet_address_get_name(internet_address_list_get_address(to, 0)),
		message->recipient_name);
	(void)snprintf(body, sizeof(body), "%s", message->body);
	assert_memory_equal(plain, body, strlen(body));
	assert_string_equal(plain + strlen(body), "\n");
	strip_html(html, stripped);
	remove_line_feeds(body);
	assert_string_equal(stripped, body);
	free(plain);
	free(html);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

static void test_random(void **state)
{
	uint64_t seed = UINT64_C(0x1a171);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char name[4 * 100 + 1], subject[4 * 150 + 1], body[4 * 500 + 1];
		struct imip_message message = sample();

		random_value(&seed, name, 100, 0);
		random_value(&seed, subject, 150, 0);
		random_value(&seed, body, 500, 1);
		message.method = "CANCEL";
		message.recipient_name = name;
		message.subject = message.summary = subject;
		message.body = message.description = body;
		check_random(&message);
	}
}

static void copy_boundary(GMimeObject *part, char *to, size_t size)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);

	(void)snprintf(to, size, "%s", g_mime_content_type_get_parameter(type, "boundary"));
}

/* A text cannot end its part, even when it knows how the parts are bounded. */
static void test_boundary_in_text(void **state)
{
	struct imip_message message = sample();
	struct imip_mail mail = write_mail(&message);
	GMimeMessage *parsed = parse(&mail);
	GMimeObject *top = g_mime_message_get_mime_part(parsed);
	char inner[80], outer[80], body[400], *plain;

	(void)state;
	copy_boundary(top, outer, sizeof(outer));
	copy_boundary(child(top, 0, 2), inner, sizeof(inner));
	g_object_unref(parsed);
	imip_mail_clear(&mail);
	(void)snprintf(body, sizeof(body), "a\n--%s--\n--%s\n--%s\n\nContent-Type: text/html\n\nb",
		inner, inner, outer);
	message.body = body;
	mail = write_mail(&message);
	parsed = parse(&mail);
	plain = text_content(alternative(parsed, 0)); /* which counts the parts, too */
	assert_memory_equal(plain, body, strlen(body));
	free(plain);
	g_object_unref(parsed);
	imip_mail_clear(&mail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_no_references),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_odd_sender),
		cmocka_unit_test(test_old_key),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_plain_notice),
		cmocka_unit_test(test_alarm),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_form_1_is_frozen),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_boundary_in_text),
	};

	return cmocka_run_group_tests(tests, read_keys, free_keys);
}
