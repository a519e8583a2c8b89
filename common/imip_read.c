#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "imip_read.h"
#include "imip_read_charset.h"
#include "imip_read_head.h"
#include "imip_read_html.h"
#include "imip_read_part.h"
#include "imip_read_word.h"
#include "itip_read.h"
#include "letter.h"
#include "octets.h"

enum { METHOD_MAX = 32 };

/* A mail on its way to a letter. */
struct reading {
	const char *raw;
	size_t n;
	const struct itip_limits *limits;
	struct letter *letter;
	struct imip_head head;
	struct imip_parts parts;
};

/* The next question; answered: the letter's kind is set. */
enum { ANSWERED = 1 };
typedef int question_fn(struct reading *reading);

int imip_read_preload(void)
{
	imip_parts_preload();
	return imip_read_charset_preload() > 0 ? 0 : -ENOMEM;
}

static int settle(struct reading *reading, enum letter_kind kind)
{
	reading->letter->kind = kind;
	return ANSWERED;
}

static int give_up(struct reading *reading, const char *why)
{
	reading->letter->why = why;
	return settle(reading, LETTER_UNREADABLE);
}

/* ---- text ------------------------------------------------------------------------------------ */

static int html_to_text(char **textp)
{
	struct octets out = {0};
	size_t n;

	imip_read_html(*textp, &out);
	free(*textp);
	*textp = NULL;
	return octets_take(&out, textp, &n);
}

/* What was written, as far as one can tell: the first text/plain, else the first text/html. NULL:
 * there is none. */
static int read_text(const struct reading *reading, char **textp)
{
	size_t from = 0, n;
	const struct imip_part *part = imip_parts_next(&reading->parts, IMIP_PART_TEXT, &from);
	int r;

	*textp = NULL;
	if (part)
		return imip_part_text(part, textp, &n);
	from = 0;
	part = imip_parts_next(&reading->parts, IMIP_PART_HTML, &from);
	if (!part)
		return 0;
	r = imip_part_text(part, textp, &n);
	return r ? r : html_to_text(textp);
}

/* ---- is it a delivery report? ---------------------------------------------------------------- */

/* Not every bounce is good MIME: then all that follows the header is taken for its text. */
static int read_prose_text(const struct reading *reading, char **textp)
{
	size_t n;
	int r = read_text(reading, textp);

	if (r || *textp)
		return r;
	return imip_read_utf8(NULL, reading->raw + reading->head.length,
		reading->n - reading->head.length, textp, &n);
}

static int read_prose(struct reading *reading, struct report *report)
{
	struct report_letter prose = {
		.by_server = reading->head.by_server || reading->parts.is_delivery,
		.subject = reading->head.subject,
		.failed_recipients = reading->head.failed_recipients,
		.own = reading->letter->to,
		.n_own = reading->letter->n_to,
	};
	char *text;
	int r;

	if (!prose.by_server)
		return REPORT_NONE;
	r = read_prose_text(reading, &text);
	if (r)
		return r;
	prose.text = text;
	r = report_read_prose(&prose, report);
	free(text);
	return r;
}

static int read_status(struct reading *reading, struct report *report)
{
	const struct imip_part *part;
	size_t from = 0, n;
	int r = REPORT_NONE;

	while (r == REPORT_NONE
		&& (part = imip_parts_next(&reading->parts, IMIP_PART_STATUS, &from))) {
		char *bytes;

		r = imip_part_bytes(part, &bytes, &n);
		if (r)
			return r;
		r = report_read_status(bytes, n, report);
		free(bytes);
	}
	return r;
}

/* What the prose says beside a status that says less. */
static int add_prose(struct reading *reading, struct report *report)
{
	struct report prose = {0};
	int r;

	if (report->recipient)
		return 0;
	r = read_prose(reading, &prose);
	if (r == 0) {
		report->recipient = prose.recipient;
		prose.recipient = NULL;
	}
	report_clear(&prose);
	return r == REPORT_NONE ? 0 : r;
}

static int add_returned(struct reading *reading, struct report *report)
{
	const struct imip_part *part;
	size_t from = 0, n;
	int r = 0;

	while (!r && !report->message_id
		&& (part = imip_parts_next(&reading->parts, IMIP_PART_RETURNED, &from))) {
		char *bytes;

		r = imip_part_bytes(part, &bytes, &n);
		if (r)
			return r;
		r = report_add_returned(bytes, n, report);
		free(bytes);
	}
	return r;
}

static bool has(const struct imip_parts *parts, enum imip_part_kind kind)
{
	size_t from = 0;

	return imip_parts_next(parts, kind, &from) != NULL;
}

static bool has_calendar(const struct imip_parts *parts)
{
	return has(parts, IMIP_PART_CALENDAR) || has(parts, IMIP_PART_CALENDAR_ATTACHED)
	       || has(parts, IMIP_PART_CALENDAR_FILE);
}

/* By its form, whatever is in it; else by its prose, when no calendar is beside it. */
static int ask_report(struct reading *reading)
{
	const struct imip_parts *parts = &reading->parts;
	struct report *report = &reading->letter->report;
	bool formal = parts->is_delivery || has(parts, IMIP_PART_STATUS);
	bool notice = parts->is_report || has(parts, IMIP_PART_NOTICE);
	int r = formal ? read_status(reading, report) : REPORT_NONE;

	if (r == 0)
		r = add_prose(reading, report);
	else if (r == REPORT_NONE && (formal || (!notice && !has_calendar(parts))))
		r = read_prose(reading, report);
	if (r < 0)
		return r;
	if (r == REPORT_NONE && !formal && !notice)
		return 0;
	r = add_returned(reading, report);
	return r ? r : settle(reading, LETTER_REPORT);
}

/* ---- is it a calendar? ----------------------------------------------------------------------- */

/* The parameter in upper case, where it is a name at all; NULL: none. */
static const char *method_of(const struct imip_part *part, char method[METHOD_MAX])
{
	const char *parameter = imip_part_method(part);
	size_t n = parameter ? strlen(parameter) : 0;

	if (n == 0 || n >= METHOD_MAX)
		return NULL;
	for (size_t i = 0; i <= n; i++) {
		char c = parameter[i];

		c = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		if (i < n && (c < 'A' || c > 'Z') && c != '-')
			return NULL;
		method[i] = c;
	}
	return method;
}

/* 0, -ENOMEM, or ITIP_UNREADABLE with the first reason of all parts in the letter. */
static int read_calendar(
	struct reading *reading, const struct imip_part *part, struct itip_object **objectp)
{
	struct letter *letter = reading->letter;
	struct itip_limits limits = *reading->limits;
	char method[METHOD_MAX], error[sizeof(letter->error)], *text;
	size_t n;
	int r = imip_part_calendar(part, &text, &n);

	*objectp = NULL;
	if (r)
		return r;
	limits.method = method_of(part, method);
	r = itip_read(text, n, &limits, objectp, error, sizeof(error));
	free(text);
	if (r == ITIP_UNREADABLE && !letter->error[0])
		(void)snprintf(letter->error, sizeof(letter->error), "%s", error);
	return r;
}

/* Keeps the object when it is the first, or the first that names a method. */
static void keep_calendar(struct letter *letter, struct itip_object *object)
{
	bool better = !letter->calendar || (!letter->calendar->method && object->method);

	if (better) {
		itip_object_free(letter->calendar);
		letter->calendar = object;
	} else {
		itip_object_free(object);
	}
}

static int try_calendars(struct reading *reading, enum imip_part_kind kind, int *tries)
{
	struct letter *letter = reading->letter;
	const struct imip_part *part;
	size_t from = 0;

	while (*tries < IMIP_READ_CALENDARS_MAX && !(letter->calendar && letter->calendar->method)
		&& (part = imip_parts_next(&reading->parts, kind, &from))) {
		struct itip_object *object;
		int r = read_calendar(reading, part, &object);

		if (r < 0)
			return r;
		if (r == 0)
			keep_calendar(letter, object);
		++*tries;
	}
	return 0;
}

static int ask_calendar(struct reading *reading)
{
	static const enum imip_part_kind ranks[] = {
		IMIP_PART_CALENDAR, IMIP_PART_CALENDAR_ATTACHED, IMIP_PART_CALENDAR_FILE};
	struct letter *letter = reading->letter;
	int tries = 0, r = 0;

	for (size_t i = 0; !r && i < sizeof(ranks) / sizeof(ranks[0]); i++)
		r = try_calendars(reading, ranks[i], &tries);
	if (r)
		return r;
	if (letter->calendar)
		return settle(reading, LETTER_CALENDAR);
	return tries > 0 ? give_up(reading, letter->error) : 0;
}

/* ---- the other questions --------------------------------------------------------------------- */

static int ask_head(struct reading *reading)
{
	int r;

	if (reading->n == 0)
		return give_up(reading, "empty");
	if (reading->n > IMIP_READ_BYTES_MAX)
		return give_up(reading, "too large");
	r = imip_read_head(reading->raw, reading->n, &reading->head, reading->letter);
	return r == IMIP_HEAD_LARGE ? give_up(reading, "a header that is too large") : r;
}

static int ask_structure(struct reading *reading)
{
	switch (imip_parts_read(reading->raw, reading->n, &reading->parts)) {
	case 0:
		return 0;
	case IMIP_PARTS_MANY:
		return give_up(reading, "too many parts");
	case IMIP_PARTS_DEEP:
		return give_up(reading, "parts nested too deeply");
	case IMIP_PARTS_LARGE:
		return give_up(reading, "a header that is too large");
	default:
		return give_up(reading, "no mail");
	}
}

static int ask_automatic(struct reading *reading)
{
	return reading->letter->automatic ? settle(reading, LETTER_AUTOMATIC) : 0;
}

static int ask_sealed(struct reading *reading)
{
	if (reading->parts.encrypted)
		return give_up(reading, "encrypted");
	if (has(&reading->parts, IMIP_PART_SEALED))
		return give_up(
			reading, "encrypted, or signed so that its text is hidden (PKCS #7)");
	return 0;
}

static int ask_word(struct reading *reading)
{
	struct imip_word word;
	char *text;
	int r = read_text(reading, &text);

	if (r)
		return r;
	word = imip_read_word(reading->head.subject, text);
	free(text);
	reading->letter->word = word.word;
	reading->letter->number = word.number;
	return settle(reading, LETTER_PLAIN);
}

/* What some programs put before the header, such as the line of a mailbox file; GMime finds no mail
 * behind it. */
static void skip_lines_before(struct reading *reading)
{
	size_t n = fields_before(reading->raw, reading->n);

	reading->raw += n;
	reading->n -= n;
}

static int read_letter(struct reading *reading)
{
	static question_fn *const questions[] = {ask_head, ask_structure, ask_report, ask_calendar,
		ask_automatic, ask_sealed, ask_word};
	int r = 0;

	skip_lines_before(reading);
	for (size_t i = 0; !r && i < sizeof(questions) / sizeof(questions[0]); i++)
		r = questions[i](reading);
	return r == ANSWERED ? 0 : r;
}

int imip_read(const char *raw, size_t n, const struct itip_limits *limits, struct letter **letterp)
{
	struct reading reading = {.raw = raw, .n = n, .limits = limits};
	int r;

	*letterp = NULL;
	reading.letter = calloc(1, sizeof(*reading.letter));
	if (!reading.letter)
		return -ENOMEM;
	reading.letter->date = LETTER_NO_DATE;
	reading.letter->number = -1;
	r = read_letter(&reading);
	imip_parts_clear(&reading.parts);
	imip_head_clear(&reading.head);
	if (r)
		reading.letter = letter_free(reading.letter);
	*letterp = reading.letter;
	return r;
}
