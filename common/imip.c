#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imip.h"
#include "imip_body.h"
#include "itip.h"
#include "mime.h"
#include "octets.h"
#include "text.h"
#include "token.h"

enum {
	RENDERER = 1,
	UUID_LENGTH = 36,
	ADDRESS_MAX = 254,
	NAME_OCTETS = 800,
	SUBJECT_OCTETS = 1000,
	BODY_OCTETS = 512 * 1024, /* a notice about many cases is long */
	HEADER_LINE = 998,        /* RFC 5322, 2.1.1 */
	BODY_LINE = 76,
	ALARM_MINUTES = 30,
};

#define DISPLAY_NAME  "Victim assistance scheduling"
#define BOUNCE_SUFFIX "-b"

static_assert(IMIP_SENDER_LOCAL_MAX + sizeof(BOUNCE_SUFFIX "+") - 1 + TOKEN_LENGTH == 64,
	"RFC 5321, 4.5.3.1.1");

/* What one mail is made from, beside the message itself. */
struct draft {
	const struct imip_message *message;
	const struct token_keys *keys;
	enum itip_method method; /* when message->method is not NULL */
	size_t local;            /* octets of the sender before its @ */
	const char *domain;
	char reply_to[ADDRESS_MAX + 1]; /* "" without a calendar part */
	char bounce[ADDRESS_MAX + 1];
	struct octets calendar, text, out;
	char *error;
	size_t error_size;
};

static void draft_clear(struct draft *draft)
{
	octets_clear(&draft->calendar);
	octets_clear(&draft->text);
	octets_clear(&draft->out);
}

static int invalid(const struct draft *draft, const char *field, const char *problem)
{
	(void)snprintf(draft->error, draft->error_size, "%s %s", field, problem);
	return IMIP_INVALID;
}

static int elsewhere(const struct draft *draft, const char *field, const char *problem)
{
	(void)invalid(draft, field, problem);
	return IMIP_ELSEWHERE;
}

/* ---- what may be written ----------------------------------------------------------------- */

static bool is_uuid(const char *text)
{
	if (!text || strlen(text) != UUID_LENGTH)
		return false;
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;

		if (hyphen ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
			return false;
	}
	return true;
}

static int check_text(const struct draft *draft, const char *field, const char *value,
	enum text_form form, size_t max)
{
	enum text_fault fault = text_check(value, form, max);

	return fault == TEXT_FINE ? 0 : invalid(draft, field, text_fault_words(fault));
}

static int check_texts(const struct draft *draft)
{
	const struct imip_message *message = draft->message;
	const char *name = message->recipient_name;
	int r = 0;

	if (name && *name)
		r = check_text(draft, "recipient's name", name, TEXT_LINE, NAME_OCTETS);
	if (r == 0)
		r = check_text(draft, "subject", message->subject, TEXT_LINE, SUBJECT_OCTETS);
	if (r == 0)
		r = check_text(draft, "body", message->body, TEXT_LINES, BODY_OCTETS);
	return r;
}

/* Finds the parts of the sender's address, and whether a token fits between them. */
static int check_sender(struct draft *draft)
{
	const char *sender = draft->message->sender;

	if (!text_is_address(sender))
		return invalid(draft, "sender", "is not a mail address");
	draft->local = strcspn(sender, "@");
	draft->domain = sender + draft->local + 1;
	if (draft->local > IMIP_SENDER_LOCAL_MAX)
		return invalid(draft, "sender", "has more than 28 octets before its @");
	if (strlen(sender) > IMIP_SENDER_MAX)
		return invalid(draft, "sender", "is longer than 218 octets");
	return 0;
}

static int check_method(struct draft *draft)
{
	static const enum itip_method known[] = {
		ITIP_REQUEST, ITIP_CANCEL, ITIP_REPLY, ITIP_DECLINECOUNTER};
	const char *method = draft->message->method;

	draft->method = ITIP_REQUEST;
	if (!method)
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		draft->method = known[i];
		if (strcmp(method, itip_method_name(known[i])) == 0)
			return 0;
	}
	return invalid(draft, "method", "is none of REQUEST, CANCEL, REPLY, DECLINECOUNTER");
}

static bool is_reply(const struct draft *draft)
{
	return draft->message->method && draft->method == ITIP_REPLY;
}

/* They stand in a URI and in the text as they are. */
static int check_words(const struct draft *draft)
{
	const char *words = draft->message->words;
	bool letter = false; /* the last one was */

	for (; words && *words; words++) {
		if (!strchr(letter ? "abcdefghijklmnopqrstuvwxyz " : "abcdefghijklmnopqrstuvwxyz",
			    *words))
			break;
		letter = *words != ' ';
	}
	return !words || (letter && !*words)
		       ? 0
		       : invalid(draft, "words", "are not words of a-z parted by single spaces");
}

static int check_message(struct draft *draft)
{
	const struct imip_message *message = draft->message;
	int r;

	if (message->renderer != RENDERER)
		return elsewhere(
			draft, "renderer", "is not known to this vacd: install a newer one");
	if (!is_uuid(message->mail_uuid))
		return invalid(draft, "mail_uuid", "is not a UUID");
	if (message->first_uuid && !is_uuid(message->first_uuid))
		return invalid(draft, "first_uuid", "is not a UUID");
	if (message->made_at < 0 || message->made_at > INT64_C(253402300799))
		return invalid(draft, "made_at", "is not within 1970 and 9999");
	if (!text_is_address(message->recipient))
		return invalid(draft, "recipient", "is not a mail address");
	r = check_sender(draft);
	if (r == 0)
		r = check_method(draft);
	if (r == 0)
		r = check_words(draft);
	if (r == 0 && is_reply(draft) && !text_is_address(message->partner))
		r = invalid(draft, "partner", "is not a mail address");
	return r == 0 ? check_texts(draft) : r;
}

/* ---- addresses --------------------------------------------------------------------------- */

static int make_address(struct draft *draft, enum token_purpose purpose, const char *handle,
	const char *subject, char *address)
{
	const struct imip_message *message = draft->message;
	const char *suffix = purpose == TOKEN_BOUNCE ? BOUNCE_SUFFIX : "";
	char token[TOKEN_LENGTH + 1];
	int r;

	if (!message->key_id)
		return invalid(draft, "key_id", "is missing");
	r = token_make(draft->keys, message->key_id, purpose, handle, subject, token);
	if (r == TOKEN_UNKNOWN_KEY)
		return elsewhere(draft, "key_id", "is not in the token key file");
	if (r == TOKEN_INVALID)
		return invalid(draft, purpose == TOKEN_BOUNCE ? "bounce_handle" : "answer_handle",
			"is not 13 characters of a-z and 2-7");
	if (r < 0)
		return r;
	(void)snprintf(address, ADDRESS_MAX + 1, "%.*s%s+%s@%s", (int)draft->local, message->sender,
		suffix, token, draft->domain);
	return 0;
}

static int make_addresses(struct draft *draft)
{
	const struct imip_message *message = draft->message;
	int r = make_address(
		draft, TOKEN_BOUNCE, message->bounce_handle, message->mail_uuid, draft->bounce);

	if (r != 0 || is_reply(draft) || (!message->method && !message->words))
		return r;
	if (!message->uid)
		return invalid(draft, "uid", "is missing");
	return make_address(
		draft, TOKEN_ANSWER, message->answer_handle, message->uid, draft->reply_to);
}

/* ---- the calendar object ----------------------------------------------------------------- */

/* A reminder for what lies further ahead than the reminder itself; a call-out begins at once. */
static long alarm_minutes(const struct imip_message *message)
{
	return message->starts - message->made_at > (int64_t)ALARM_MINUTES * 60 ? ALARM_MINUTES : 0;
}

static int write_calendar(struct draft *draft)
{
	const struct imip_message *message = draft->message;
	struct itip_event event = {
		.method = draft->method,
		.uid = message->uid,
		.sequence = message->sequence,
		.stamped_at = message->made_at,
		.starts = message->starts,
		.ends = message->ends,
		.organizer = {draft->reply_to, DISPLAY_NAME},
		.attendee = {message->recipient, message->recipient_name},
		.partstat = message->partstat,
		.shown_free = message->shown_free,
		.summary = message->summary,
		.location = message->location,
		.description = message->description,
		.alarm_minutes = alarm_minutes(message),
	};
	int r;

	if (!message->method)
		return 0;
	if (is_reply(draft)) {
		event.organizer = (struct itip_person){message->recipient, message->recipient_name};
		event.attendee = (struct itip_person){message->partner, DISPLAY_NAME};
	}
	r = itip_write(&event, &draft->calendar, draft->error, draft->error_size);
	return r == ITIP_INVALID ? IMIP_INVALID : r;
}

/* ---- headers ----------------------------------------------------------------------------- */

/* RFC 5322, 3.3. strftime() would follow the locale. */
static void add_date(struct octets *out, int64_t t)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char line[64];
	time_t seconds = (time_t)t;
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(line, sizeof(line), "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n",
		days + (ptrdiff_t)3 * tm.tm_wday, tm.tm_mday, months + (ptrdiff_t)3 * tm.tm_mon,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	octets_add_text(out, line);
}

static void add_id(struct draft *draft, const char *header, const char *uuid)
{
	struct octets *out = &draft->out;

	octets_add_text(out, header);
	octets_add_text(out, ": <");
	octets_add_text(out, uuid);
	octets_add_char(out, '@');
	octets_add_text(out, draft->domain);
	octets_add_text(out, ">\r\n");
}

static void write_headers(struct draft *draft)
{
	const struct imip_message *message = draft->message;
	struct octets *out = &draft->out;

	add_date(out, message->made_at);
	mime_header_mailbox(out, "From", DISPLAY_NAME, message->sender);
	mime_header_mailbox(out, "To", message->recipient_name, message->recipient);
	if (draft->reply_to[0])
		mime_header_mailbox(out, "Reply-To", DISPLAY_NAME, draft->reply_to);
	mime_header_text(out, "Subject", message->subject);
	add_id(draft, "Message-ID", message->mail_uuid);
	/* The first message of an appointment refers to nothing. */
	if (message->first_uuid && strcmp(message->first_uuid, message->mail_uuid) != 0)
		add_id(draft, "References", message->first_uuid);
	octets_add_text(out, "MIME-Version: 1.0\r\n"
			     "Auto-Submitted: auto-generated\r\n"
			     "X-Auto-Response-Suppress: OOF, AutoReply\r\n");
}

/* ---- parts ------------------------------------------------------------------------------- */

/*
 * "=_" occurs neither in quoted-printable nor in base64 (RFC 2045, 6.7 (5)), so no part can hold a
 * line that looks like a boundary, whatever its text.
 */
static void add_boundary(struct draft *draft, const char *before, char level, const char *after)
{
	struct octets *out = &draft->out;

	octets_add_text(out, before);
	octets_add_text(out, "=_vacd_");
	octets_add_char(out, level);
	octets_add_char(out, '_');
	octets_add_text(out, draft->message->mail_uuid);
	octets_add_text(out, after);
}

static const struct imip_answer *answer_of(const struct draft *draft, struct imip_answer *answer)
{
	const struct imip_message *message = draft->message;
	bool asks = message->method && draft->method == ITIP_REQUEST && !message->shown_free;

	if (!asks && !message->words)
		return NULL;
	*answer = (struct imip_answer){draft->reply_to, message->sequence, message->words};
	return answer;
}

/* Closes the headers of a text part and writes draft->text as its body. */
static void add_text_part(struct draft *draft, const char *type)
{
	struct octets *out = &draft->out, *text = &draft->text;

	octets_add_text(out, "Content-Type: text/");
	octets_add_text(out, type);
	octets_add_text(out, "; charset=utf-8\r\n"
			     "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	mime_quoted_printable(out, text->data, text->length);
	text->length = 0;
}

static void add_plain_part(struct draft *draft)
{
	struct imip_answer answer;

	imip_body_text(&draft->text, draft->message->body, answer_of(draft, &answer));
	add_text_part(draft, "plain");
}

static void add_html_part(struct draft *draft)
{
	const struct imip_message *message = draft->message;
	struct imip_answer answer;

	imip_body_html(&draft->text, message->subject, message->body, answer_of(draft, &answer));
	add_text_part(draft, "html");
}

/* The same bytes twice: the last alternative, and an attachment. draft->text is the scratch. */
static void add_calendar_parts(struct draft *draft)
{
	struct octets *out = &draft->out, *text = &draft->text;

	mime_base64(text, draft->calendar.data, draft->calendar.length);
	octets_add_text(out, "Content-Type: text/calendar; charset=UTF-8; method=");
	octets_add_text(out, itip_method_name(draft->method));
	octets_add_text(out, "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	octets_add(out, text->data, text->length);
	add_boundary(draft, "\r\n--", 'a', "--\r\n");
	add_boundary(draft, "\r\n--", 'm', "\r\n");
	octets_add_text(out, "Content-Type: application/ics; name=\"invite.ics\"\r\n"
			     "Content-Disposition: attachment; filename=\"invite.ics\"\r\n"
			     "Content-Transfer-Encoding: base64\r\n\r\n");
	octets_add(out, text->data, text->length);
}

static void write_parts(struct draft *draft)
{
	add_boundary(draft, "Content-Type: multipart/mixed;\r\n boundary=\"", 'm', "\"\r\n\r\n");
	add_boundary(draft, "--", 'm', "\r\n");
	add_boundary(
		draft, "Content-Type: multipart/alternative;\r\n boundary=\"", 'a', "\"\r\n\r\n");
	add_boundary(draft, "--", 'a', "\r\n");
	add_plain_part(draft);
	add_boundary(draft, "\r\n--", 'a', "\r\n");
	add_html_part(draft);
	add_boundary(draft, "\r\n--", 'a', "\r\n");
	add_calendar_parts(draft);
	add_boundary(draft, "\r\n--", 'm', "--\r\n");
}

/* ---- the finished bytes ------------------------------------------------------------------ */

static bool is_expected_header(const char *line)
{
	static const char *const names[] = {
		"Date: ", "From: ", "To: ", "Reply-To: ", "Subject: ", "Message-ID: <",
		"References: <", "MIME-Version: 1.0\r\n", "Auto-Submitted: auto-generated\r\n",
		"X-Auto-Response-Suppress: ", "Content-Type: ", "Content-Transfer-Encoding: "};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* The octets of a line before its CRLF; -1 when it ends otherwise or is not all printable. */
static ptrdiff_t line_length(const char *line, const char *end)
{
	size_t left = (size_t)(end - line), length = text_printable(line, left);

	return left - length >= 2 && memcmp(line + length, "\r\n", 2) == 0 ? (ptrdiff_t)length : -1;
}

static const char *mail_problem(const char *line, const char *end)
{
	bool headers = true;

	while (line < end) {
		ptrdiff_t length = line_length(line, end);

		if (length < 0)
			return "a line holds a character that is not printable ASCII";
		if (length > (headers ? HEADER_LINE : BODY_LINE))
			return "a line is too long";
		if (length == 0)
			headers = false;
		if (headers && *line != ' ' && !is_expected_header(line))
			return "there is a header that does not belong there";
		line += length + 2;
	}
	return headers ? "there is no body" : NULL;
}

static int write_mail(struct draft *draft)
{
	write_headers(draft);
	if (draft->message->method)
		write_parts(draft);
	else
		add_plain_part(draft);
	return draft->out.failed || draft->text.failed ? -ENOMEM : 0;
}

static int finish(struct draft *draft, struct imip_mail *mail)
{
	const char *problem = mail_problem(draft->out.data, draft->out.data + draft->out.length);
	char *sender;
	int r;

	if (problem)
		return invalid(draft, "finished mail:", problem);
	sender = strdup(draft->bounce);
	if (!sender)
		return -ENOMEM;
	r = octets_take(&draft->out, &mail->bytes, &mail->length);
	if (r == 0)
		mail->envelope_sender = sender;
	else
		free(sender);
	return r;
}

int imip_write(const struct imip_message *message, const struct token_keys *keys,
	struct imip_mail *mail, char *error, size_t error_size)
{
	__attribute__((cleanup(draft_clear))) struct draft draft = {
		.message = message, .keys = keys, .error = error, .error_size = error_size};
	int r = check_message(&draft);

	if (r == 0)
		r = make_addresses(&draft);
	if (r == 0)
		r = write_calendar(&draft);
	if (r == 0)
		r = write_mail(&draft);
	if (r == 0)
		r = finish(&draft, mail);
	return r;
}

void imip_mail_clear(struct imip_mail *mail)
{
	free(mail->envelope_sender);
	free(mail->bytes);
	*mail = (struct imip_mail){0};
}
