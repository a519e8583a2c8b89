#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "itip.h"
#include "octets.h"
#include "text.h"

enum {
	LINE_OCTETS = 75, /* RFC 5545, 3.1: without the line break */
	UID_MAX = 255,
	FOREIGN_UID_MAX = 1000,
	NAME_MAX_OCTETS = 800,
	LINE_TEXT_MAX = 2000,
	LINES_TEXT_MAX = 64 * 1024,
	ALARM_MINUTES_MAX = 7 * 24 * 60,
};

static const int64_t year_9999_end = INT64_C(253402300799);

const char *itip_method_name(enum itip_method method)
{
	static const char *const names[] = {
		[ITIP_REQUEST] = "REQUEST",
		[ITIP_CANCEL] = "CANCEL",
		[ITIP_REPLY] = "REPLY",
		[ITIP_DECLINECOUNTER] = "DECLINECOUNTER",
	};

	return names[method];
}

/* ---- what may be written ----------------------------------------------------------------- */

static int invalid(char *error, size_t error_size, const char *field, const char *problem)
{
	(void)snprintf(error, error_size, "%s %s", field, problem);
	return ITIP_INVALID;
}

struct checked_text {
	const char *name, *value;
	enum text_form form;
	size_t max;
	bool optional;
};

static int check_texts(const struct itip_event *event, char *error, size_t error_size)
{
	const struct checked_text texts[] = {
		{"organizer's name", event->organizer.name, TEXT_LINE, NAME_MAX_OCTETS, false},
		{"attendee's name", event->attendee.name, TEXT_LINE, NAME_MAX_OCTETS, true},
		{"summary", event->summary, TEXT_LINE, LINE_TEXT_MAX, event->method == ITIP_REPLY},
		{"location", event->location, TEXT_LINE, LINE_TEXT_MAX, true},
		{"description", event->description, TEXT_LINES, LINES_TEXT_MAX, true},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct checked_text *text = &texts[i];
		enum text_fault fault = text_check(text->value, text->form, text->max);

		if (fault != TEXT_FINE && !(fault == TEXT_EMPTY && text->optional))
			return invalid(error, error_size, text->name, text_fault_words(fault));
	}
	return 0;
}

static bool is_uid(const char *uid)
{
	size_t length = uid ? strlen(uid) : 0;

	return length > 0 && length <= UID_MAX
	       && strspn(uid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.@_-")
			  == length;
}

static bool is_time(int64_t t)
{
	return t >= 0 && t <= year_9999_end;
}

static bool is_partstat(const char *partstat)
{
	static const char *const known[] = {"NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "DECLINED"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(partstat, known[i]) == 0)
			return true;
	}
	return false;
}

/* Whoever is answered knows when it is; of a whole day there is no moment to name. */
static bool is_timeless(const struct itip_event *event)
{
	return event->method == ITIP_REPLY && event->starts == 0 && event->ends == 0;
}

static int check_uid(const struct itip_event *event, char *error, size_t error_size)
{
	enum text_fault fault;

	if (event->method != ITIP_REPLY)
		return is_uid(event->uid) ? 0
					  : invalid(error, error_size, "uid",
						  "is not 1 to 255 of A-Z a-z 0-9 . @ _ -");
	fault = text_check(event->uid, TEXT_LINE, FOREIGN_UID_MAX);
	return fault == TEXT_FINE ? 0 : invalid(error, error_size, "uid", text_fault_words(fault));
}

static int check_times(const struct itip_event *event, char *error, size_t error_size)
{
	if (!is_time(event->stamped_at))
		return invalid(error, error_size, "time of writing", "is not within 1970 and 9999");
	if (is_timeless(event))
		return 0;
	if (!is_time(event->starts) || !is_time(event->ends))
		return invalid(error, error_size, "start or end", "is not within 1970 and 9999");
	if (event->starts >= event->ends)
		return invalid(error, error_size, "end", "is not after the start");
	return 0;
}

static int check_event(const struct itip_event *event, char *error, size_t error_size)
{
	int r = check_uid(event, error, error_size);

	if (r == 0)
		r = check_times(event, error, error_size);
	if (r != 0)
		return r;
	if (event->sequence < 0 || event->sequence > INT32_MAX)
		return invalid(error, error_size, "sequence", "is not within 0 and 2147483647");
	if (event->partstat && !is_partstat(event->partstat))
		return invalid(error, error_size, "partstat",
			"is none of NEEDS-ACTION, ACCEPTED, TENTATIVE, DECLINED");
	if (event->alarm_minutes < 0 || event->alarm_minutes > ALARM_MINUTES_MAX)
		return invalid(error, error_size, "alarm", "is not within 0 minutes and a week");
	if (!text_is_address(event->organizer.address))
		return invalid(error, error_size, "organizer", "is not a mail address");
	if (!text_is_address(event->attendee.address))
		return invalid(error, error_size, "attendee", "is not a mail address");
	return check_texts(event, error, error_size);
}

/* ---- content lines ----------------------------------------------------------------------- */

struct line {
	struct octets *out;
	size_t column;
};

/* A piece that no fold may cut: a character, or an escape sequence. */
static void put_piece(struct line *line, const char *piece, size_t n)
{
	if (line->column + n > LINE_OCTETS) {
		octets_add(line->out, "\r\n ", 3);
		line->column = 1;
	}
	octets_add(line->out, piece, n);
	line->column += n;
}

/* ASCII that needs no escape; may be cut anywhere. */
static void put_ascii(struct line *line, const char *text, size_t n)
{
	while (n > LINE_OCTETS - line->column) {
		size_t room = LINE_OCTETS - line->column;

		octets_add(line->out, text, room);
		octets_add(line->out, "\r\n ", 3);
		line->column = 1;
		text += room;
		n -= room;
	}
	octets_add(line->out, text, n);
	line->column += n;
}

static void put(struct line *line, const char *ascii)
{
	put_ascii(line, ascii, strlen(ascii));
}

static void end_line(struct line *line)
{
	octets_add(line->out, "\r\n", 2);
	line->column = 0;
}

/* Checked text, with escape giving what stands for a character that cannot stand as it is. */
static void put_escaped(struct line *line, const char *text, const char *(*escape)(char c))
{
	while (*text) {
		size_t run = 0;
		const char *escaped;

		while (text[run] >= 0x20 && text[run] < 0x7f && !escape(text[run]))
			run++;
		put_ascii(line, text, run);
		text += run;
		if (!*text)
			return;
		escaped = escape(*text);
		if (escaped) {
			put_piece(line, escaped, 2);
			text++;
		} else {
			size_t n = text_character(text);

			n = n ? n : 1; /* broken text cannot come here, and must not hold us up */
			put_piece(line, text, n);
			text += n;
		}
	}
}

/* RFC 5545, 3.3.11 */
static const char *escape_text(char c)
{
	switch (c) {
	case '\\':
		return "\\\\";
	case ';':
		return "\\;";
	case ',':
		return "\\,";
	case '\n':
		return "\\n";
	default:
		return NULL;
	}
}

/* RFC 6868; a quoted parameter value holds anything but a quote and control characters. */
static const char *escape_parameter(char c)
{
	switch (c) {
	case '^':
		return "^^";
	case '"':
		return "^'";
	default:
		return NULL;
	}
}

static void put_text(struct octets *out, const char *name, const char *text)
{
	struct line line = {.out = out};

	if (!text || !*text)
		return;
	put(&line, name);
	put_escaped(&line, text, escape_text);
	end_line(&line);
}

static void put_number(struct octets *out, const char *before, long number, const char *after)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%ld", number);
	octets_add_text(out, before);
	octets_add_text(out, text);
	octets_add_text(out, after);
}

static void put_time(struct octets *out, const char *name, int64_t t)
{
	char text[64];
	time_t seconds = (time_t)t;
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(text, sizeof(text), "%s%04d%02d%02dT%02d%02d%02dZ\r\n", name,
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	octets_add_text(out, text);
}

/* RFC 6068, 2: what may stand in an address but not in a mailto URI. */
static void put_mailto(struct line *line, const char *address)
{
	char escape[4];

	put(line, ":mailto:");
	for (; *address; address++) {
		if (strchr("%/?#&=^`{|}", *address)) {
			(void)snprintf(escape, sizeof(escape), "%%%02X", (unsigned char)*address);
			put_piece(line, escape, 3);
		} else {
			put_piece(line, address, 1);
		}
	}
}

static void put_person(struct octets *out, const char *start, const struct itip_person *person)
{
	struct line line = {.out = out};
	const char *name = person->name && *person->name ? person->name : person->address;

	put(&line, start);
	put(&line, ";CN=\"");
	put_escaped(&line, name, escape_parameter);
	/* Some readers, libical among them, take \" for an escaped quote and lose the name. */
	put(&line, name[strlen(name) - 1] == '\\' ? " \"" : "\"");
	put_mailto(&line, person->address);
	end_line(&line);
}

/* ---- the object -------------------------------------------------------------------------- */

/* A client that knows nothing of METHOD still shows the time as free when it is cancelled. */
static void put_status(struct octets *out, const struct itip_event *event)
{
	bool cancel = event->method == ITIP_CANCEL, busy = !cancel && !event->shown_free;

	octets_add_text(out, cancel ? "STATUS:CANCELLED\r\n" : "STATUS:CONFIRMED\r\n");
	octets_add_text(out, "CLASS:CONFIDENTIAL\r\n");
	octets_add_text(out, busy ? "TRANSP:OPAQUE\r\n" : "TRANSP:TRANSPARENT\r\n");
	octets_add_text(out, busy ? "X-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\n"
				  : "X-MICROSOFT-CDO-BUSYSTATUS:FREE\r\n");
}

static void put_alarm(struct octets *out, const struct itip_event *event)
{
	if (event->method == ITIP_CANCEL || event->alarm_minutes == 0)
		return;
	octets_add_text(out, "BEGIN:VALARM\r\nACTION:DISPLAY\r\n");
	put_text(out, "DESCRIPTION:", event->summary);
	put_number(out, "TRIGGER:-PT", event->alarm_minutes, "M\r\nEND:VALARM\r\n");
}

static void put_attendee(struct octets *out, const struct itip_event *event)
{
	bool asks = event->method == ITIP_REQUEST && !event->shown_free;
	char start[128];

	(void)snprintf(start, sizeof(start),
		"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=%s%s",
		event->partstat ? event->partstat : "NEEDS-ACTION", asks ? ";RSVP=TRUE" : "");
	put_person(out, start, &event->attendee);
}

static void put_head(struct octets *out, const struct itip_event *event)
{
	put_text(out, "UID:", event->uid);
	put_number(out, "SEQUENCE:", event->sequence, "\r\n");
	put_time(out, "DTSTAMP:", event->stamped_at);
	if (!is_timeless(event)) {
		put_time(out, "DTSTART:", event->starts);
		put_time(out, "DTEND:", event->ends);
	}
	put_person(out, "ORGANIZER", &event->organizer);
	put_attendee(out, event);
	put_text(out, "SUMMARY:", event->summary);
}

/* What a REQUEST and a CANCEL say of the appointment, and an answer need not. */
static void put_state(struct octets *out, const struct itip_event *event)
{
	put_text(out, "LOCATION:", event->location);
	put_text(out, "DESCRIPTION:", event->description);
	put_status(out, event);
	put_alarm(out, event);
}

static bool is_answer(enum itip_method method)
{
	return method == ITIP_REPLY || method == ITIP_DECLINECOUNTER;
}

static void put_object(struct octets *out, const struct itip_event *event)
{
	octets_add_text(out, "BEGIN:VCALENDAR\r\n"
			     "PRODID:-//vacd//vacd 1//EN\r\n"
			     "VERSION:2.0\r\n"
			     "CALSCALE:GREGORIAN\r\n"
			     "METHOD:");
	octets_add_text(out, itip_method_name(event->method));
	octets_add_text(out, "\r\nBEGIN:VEVENT\r\n");
	put_head(out, event);
	if (!is_answer(event->method))
		put_state(out, event);
	octets_add_text(out, "END:VEVENT\r\n"
			     "END:VCALENDAR\r\n");
}

int itip_write(const struct itip_event *event, struct octets *out, char *error, size_t error_size)
{
	size_t before = out->length;
	int r = check_event(event, error, error_size);

	if (r != 0)
		return r;
	put_object(out, event);
	if (out->failed)
		return -ENOMEM;
	return itip_check(
		event->method, out->data + before, out->length - before, error, error_size);
}

/* ---- the finished bytes ------------------------------------------------------------------ */

/* What a line that is not a continuation begins with; where it is known whole, with its end. `cancel`
 * is what stands there in a CANCEL, NULL: the same; `state`: in an answer it does not occur. */
struct expected {
	const char *request;
	const char *cancel;
	bool optional, alarm, state;
};

static const struct expected expected[] = {
	{"BEGIN:VCALENDAR\r\n", NULL, false, false, false},
	{"PRODID:-//vacd//", NULL, false, false, false},
	{"VERSION:2.0\r\n", NULL, false, false, false},
	{"CALSCALE:GREGORIAN\r\n", NULL, false, false, false},
	{"METHOD:", NULL, false, false, false},
	{"BEGIN:VEVENT\r\n", NULL, false, false, false},
	{"UID:", NULL, false, false, false},
	{"SEQUENCE:", NULL, false, false, false},
	{"DTSTAMP:", NULL, false, false, false},
	{"DTSTART:", NULL, false, false, false},
	{"DTEND:", NULL, false, false, false},
	{"ORGANIZER;CN=\"", NULL, false, false, false},
	{"ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;", NULL, false, false, false},
	{"SUMMARY:", NULL, false, false, false},
	{"LOCATION:", NULL, true, false, true},
	{"DESCRIPTION:", NULL, true, false, true},
	{"STATUS:CONFIRMED\r\n", "STATUS:CANCELLED\r\n", false, false, true},
	{"CLASS:CONFIDENTIAL\r\n", NULL, false, false, true},
	{"TRANSP:", "TRANSP:TRANSPARENT\r\n", false, false, true},
	{"X-MICROSOFT-CDO-BUSYSTATUS:", "X-MICROSOFT-CDO-BUSYSTATUS:FREE\r\n", false, false, true},
	{"BEGIN:VALARM\r\n", "-", true, true, true},
	{"ACTION:DISPLAY\r\n", NULL, false, true, true},
	{"DESCRIPTION:", NULL, false, true, true},
	{"TRIGGER:-PT", NULL, false, true, true},
	{"END:VALARM\r\n", NULL, false, true, true},
	{"END:VEVENT\r\n", NULL, false, false, false},
	{"END:VCALENDAR\r\n", NULL, false, false, false},
};
enum { EXPECTED = sizeof(expected) / sizeof(expected[0]) };

static bool begins_with(const char *line, size_t length, const char *start)
{
	size_t n = strlen(start);

	return length >= n && memcmp(line, start, n) == 0;
}

/* A REPLY may leave out when it is, and what. */
static bool may_be_left_out(enum itip_method method, const struct expected *here)
{
	static const char *const spare[] = {"DTSTART:", "DTEND:", "SUMMARY:"};

	if (here->optional)
		return true;
	for (size_t i = 0; method == ITIP_REPLY && i < sizeof(spare) / sizeof(spare[0]); i++) {
		if (strcmp(here->request, spare[i]) == 0)
			return true;
	}
	return false;
}

/* Moves *next behind the line's place in the order; false when the line has none. */
static bool in_order(enum itip_method method, const char *line, size_t length, size_t *next)
{
	for (size_t i = *next; i < EXPECTED; i++) {
		const struct expected *here = &expected[i];
		bool other = method == ITIP_CANCEL && here->cancel;

		if (here->state && is_answer(method))
			continue;
		if (begins_with(line, length, other ? here->cancel : here->request)) {
			*next = i + 1;
			return true;
		}
		if (!may_be_left_out(method, here))
			return false;
		/* Without its BEGIN none of the alarm's lines can come. */
		while (here->alarm && i + 1 < EXPECTED && expected[i + 1].alarm)
			i++;
	}
	return false;
}

static bool names_method(enum itip_method method, const char *line, size_t length)
{
	const char *name = itip_method_name(method);
	size_t before = strlen("METHOD:"), n = strlen(name);

	return !begins_with(line, length, "METHOD:")
	       || (length == before + n + 2 && memcmp(line + before, name, n) == 0);
}

/* The line without its CRLF; a character cut at its end meets the CR: nothing behind is read. */
static const char *line_problem(const char *line, size_t length)
{
	if (length > LINE_OCTETS)
		return "a line is longer than 75 octets";
	for (size_t i = text_printable(line, length); i < length;
		i += text_printable(line + i, length - i)) {
		size_t character = text_character(line + i);

		if (character == 0)
			return "a line is not valid UTF-8";
		if (character == 1)
			return "a line holds a control character";
		i += character;
	}
	return NULL;
}

static const char *object_problem(
	enum itip_method method, const char *bytes, const char *end, size_t *next)
{
	while (bytes < end) {
		const char *stop = memchr(bytes, '\r', (size_t)(end - bytes));
		const char *problem;

		if (!stop || stop + 1 == end || stop[1] != '\n')
			return "a line does not end in CRLF";
		problem = line_problem(bytes, (size_t)(stop - bytes));
		if (problem)
			return problem;
		if (bytes[0] != ' '
			&& (!in_order(method, bytes, (size_t)(stop + 2 - bytes), next)
				|| !names_method(method, bytes, (size_t)(stop + 2 - bytes))))
			return "a property is not the one that belongs there";
		bytes = stop + 2;
	}
	return *next == EXPECTED ? NULL : "properties are missing";
}

int itip_check(
	enum itip_method method, const char *bytes, size_t length, char *error, size_t error_size)
{
	size_t next = 0;
	const char *problem = object_problem(method, bytes, bytes + length, &next);

	return problem ? invalid(error, error_size, "finished calendar object:", problem) : 0;
}
