#include "itip_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "itip_read.h"

#define MASK(kind) (1u << (kind))
enum {
	IN_CALENDAR = MASK(ITIP_PART_CALENDAR),
	IN_EVENT = MASK(ITIP_PART_EVENT),
	IN_ZONE = MASK(ITIP_PART_ZONE),
	IN_OBSERVANCE = MASK(ITIP_PART_STANDARD) | MASK(ITIP_PART_DAYLIGHT),
};

static const struct known {
	const char *name;
	enum itip_property property;
	unsigned int parts; /* where it is read */
} known[] = {
	{"ATTENDEE", ITIP_P_ATTENDEE, IN_EVENT},
	{"DTEND", ITIP_P_DTEND, IN_EVENT},
	{"DTSTAMP", ITIP_P_DTSTAMP, IN_EVENT},
	{"DTSTART", ITIP_P_DTSTART, IN_EVENT | IN_OBSERVANCE},
	{"DURATION", ITIP_P_DURATION, IN_EVENT},
	{"EXDATE", ITIP_P_EXDATE, IN_EVENT},
	{"EXRULE", ITIP_P_EXRULE, IN_EVENT},
	{"METHOD", ITIP_P_METHOD, IN_CALENDAR},
	{"ORGANIZER", ITIP_P_ORGANIZER, IN_EVENT},
	{"RDATE", ITIP_P_RDATE, IN_EVENT | IN_OBSERVANCE},
	{"RECURRENCE-ID", ITIP_P_RECURRENCE_ID, IN_EVENT},
	{"RRULE", ITIP_P_RRULE, IN_EVENT | IN_OBSERVANCE},
	{"SEQUENCE", ITIP_P_SEQUENCE, IN_EVENT},
	{"STATUS", ITIP_P_STATUS, IN_EVENT},
	{"TRANSP", ITIP_P_TRANSP, IN_EVENT},
	{"TZID", ITIP_P_TZID, IN_ZONE},
	{"TZOFFSETFROM", ITIP_P_OFFSET_FROM, IN_OBSERVANCE},
	{"TZOFFSETTO", ITIP_P_OFFSET_TO, IN_OBSERVANCE},
	{"UID", ITIP_P_UID, IN_EVENT},
	{"X-MICROSOFT-CDO-ALLDAYEVENT", ITIP_P_ALL_DAY_MARK, IN_EVENT},
	{"X-MS-OLK-ORIGINALSTART", ITIP_P_ORIGINAL_START, IN_EVENT},
};

/* What the passes over the text work on. */
struct sieve {
	struct itip_lines *out;
	struct {
		size_t part; /* ITIP_NONE: passed over */
		const char *name;
		size_t name_length;
	} stack[ITIP_DEPTH_MAX];
	size_t depth;
	size_t n_events, n_zones, n_observances;
	bool calendar_seen;
};

static int unreadable(struct itip_lines *out, const char *fault)
{
	out->fault = fault;
	return ITIP_UNREADABLE;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
	       || c == '-';
}

static size_t name_length(const char *text)
{
	size_t n = 0;

	while (is_name_char(text[n]))
		n++;
	return n;
}

static bool is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/* Behind a line break and the blank that undoes it; the same place if there is none. */
static const char *skip_fold(const char *at, const char *end)
{
	const char *next = at;

	while (next < end && is_line_end(*next))
		next++;
	return next > at && next < end && (*next == ' ' || *next == '\t') ? next + 1 : at;
}

/*
 * A line that was broken without a blank goes on with what is no name, or with the address. A name
 * may be folded itself, and before its colon.
 */
static bool begins_property(const char *line, const char *end)
{
	bool mailto = end - line >= 7 && strncasecmp(line, "mailto:", 7) == 0;
	const char *at = line;

	for (;;) {
		const char *behind = skip_fold(at, end);

		if (behind == at && at < end && is_name_char(*at))
			behind++;
		if (behind == at)
			break;
		at = behind;
	}
	return at > line && at < end && (*at == ':' || *at == ';') && !mailto;
}

/* Unfolds in place: the lines end in NUL afterwards, the last one in two. */
static void unfold(char *text, const char *end)
{
	const char *from = text;
	char *to = text;

	while (from < end) {
		size_t n = 0;

		while (from + n < end && !is_line_end(from[n]))
			n++;
		if (n > 0 && (*from == ' ' || *from == '\t')) {
			memmove(to, from + 1, n - 1);
			to += n - 1;
		} else if (n > 0) {
			if (to > text && begins_property(from, end))
				*to++ = '\0';
			memmove(to, from, n);
			to += n;
		}
		from += n < (size_t)(end - from) ? n + 1 : n;
	}
	to[0] = to[1] = '\0';
}

/* Where the value begins: behind the first colon outside of quotes. NULL: there is none. */
static char *find_colon(char *text)
{
	bool quoted = false;

	for (char *at = text; *at; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == ':' && !quoted)
			return at;
	}
	return quoted ? strchr(text, ':') : NULL; /* the quotes mean nothing */
}

static bool begins_with_mailto(const char *text)
{
	return strncasecmp(text, "mailto:", 7) == 0;
}

/* A colon in a name without quotes is not the one before the address. */
static char *find_address_colon(char *colon)
{
	if (begins_with_mailto(colon + 1 + strspn(colon + 1, " ")))
		return colon;
	for (char *at = colon + 1; (at = strchr(at, ':')); at++) {
		if (begins_with_mailto(at + 1))
			return at;
	}
	return colon;
}

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		text[--n] = '\0';
	return text;
}

/* Splits "NAME;parameters:value", whose name has n characters; false when there is no value. */
static bool split(char *text, size_t n, enum itip_property property, struct itip_line *line)
{
	char *colon = find_colon(text + n);

	if (!colon)
		return false;
	if (property == ITIP_P_ATTENDEE || property == ITIP_P_ORGANIZER)
		colon = find_address_colon(colon);
	*colon = '\0';
	*line = (struct itip_line){
		.property = property,
		.parameters = text[n] == ';' ? text + n + 1 : "",
		.value = trim(colon + 1),
		.next = ITIP_NONE,
	};
	return true;
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* What a component is, by its name and where it stands. */
static enum itip_part_kind part_kind(const struct sieve *sieve, const char *name)
{
	size_t part = sieve->depth > 0 ? sieve->stack[sieve->depth - 1].part : ITIP_NONE;
	enum itip_part_kind parent = part == ITIP_NONE ? ITIP_PART_OTHER
						       : sieve->out->parts[part].kind;

	if (sieve->depth == 0)
		return strcasecmp(name, "VCALENDAR") == 0 ? ITIP_PART_CALENDAR : ITIP_PART_OTHER;
	if (parent == ITIP_PART_CALENDAR && strcasecmp(name, "VEVENT") == 0)
		return ITIP_PART_EVENT;
	if (parent == ITIP_PART_CALENDAR && strcasecmp(name, "VTIMEZONE") == 0)
		return ITIP_PART_ZONE;
	if (parent == ITIP_PART_ZONE && strcasecmp(name, "STANDARD") == 0)
		return ITIP_PART_STANDARD;
	if (parent == ITIP_PART_ZONE && strcasecmp(name, "DAYLIGHT") == 0)
		return ITIP_PART_DAYLIGHT;
	return ITIP_PART_OTHER;
}

static int add_part(struct sieve *sieve, enum itip_part_kind kind, size_t *part)
{
	struct itip_lines *out = sieve->out;

	if (out->n_parts == out->size_parts) {
		size_t size = out->size_parts ? 2 * out->size_parts : 16;
		struct itip_part *more = reallocarray(out->parts, size, sizeof(*more));

		if (!more)
			return -ENOMEM;
		out->parts = more;
		out->size_parts = size;
	}
	*part = out->n_parts++;
	out->parts[*part] = (struct itip_part){
		.kind = kind,
		.parent = sieve->depth > 0 ? sieve->stack[sieve->depth - 1].part : ITIP_NONE,
		.first = ITIP_NONE,
		.last = ITIP_NONE,
	};
	return 0;
}

static int count_part(struct sieve *sieve, enum itip_part_kind kind)
{
	switch (kind) {
	case ITIP_PART_CALENDAR:
		sieve->calendar_seen = true;
		return 0;
	case ITIP_PART_EVENT:
		if (++sieve->n_events > ITIP_EVENTS_SEEN_MAX)
			return unreadable(sieve->out, "there are too many events");
		return 0;
	case ITIP_PART_ZONE:
		if (++sieve->n_zones > ITIP_ZONES_MAX)
			return unreadable(sieve->out, "there are too many time zones");
		return 0;
	case ITIP_PART_STANDARD:
	case ITIP_PART_DAYLIGHT:
		if (++sieve->n_observances > ITIP_OBSERVANCES_SEEN_MAX)
			return unreadable(sieve->out, "the time zones change too often");
		return 0;
	case ITIP_PART_OTHER:
		break;
	}
	return 0;
}

static bool is_event(const struct sieve *sieve, size_t level)
{
	size_t part = sieve->stack[level].part;

	return part != ITIP_NONE && sieve->out->parts[part].kind == ITIP_PART_EVENT;
}

static int begin(struct sieve *sieve, const char *name)
{
	enum itip_part_kind kind;
	size_t part = ITIP_NONE;
	int r;

	/* One calendar does not lie within another: the one before was not ended. */
	if (sieve->depth == 1 && strcasecmp(name, "VCALENDAR") == 0)
		sieve->depth = 0;
	kind = part_kind(sieve, name);
	r = count_part(sieve, kind);
	if (r == 0 && sieve->depth == ITIP_DEPTH_MAX)
		r = unreadable(sieve->out, "components lie within each other too deep");
	if (r == 0 && kind != ITIP_PART_OTHER)
		r = add_part(sieve, kind, &part);
	if (r != 0)
		return r;
	sieve->stack[sieve->depth].part = part;
	sieve->stack[sieve->depth].name = name;
	sieve->depth++;
	return 0;
}

/* Ends what has this name, and what was left open within it; an END of nothing is passed over. */
static int end(struct sieve *sieve, const char *name)
{
	size_t level = sieve->depth;

	while (level > 0 && strcasecmp(sieve->stack[level - 1].name, name) != 0)
		level--;
	if (level == 0)
		return 0;
	for (size_t i = level; i < sieve->depth; i++) {
		if (is_event(sieve, i))
			return unreadable(sieve->out, "an event has no end");
	}
	sieve->depth = level - 1;
	return 0;
}

/* ---- properties ------------------------------------------------------------------------------ */

static enum itip_property find_property(const char *name, size_t length, enum itip_part_kind kind)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((known[i].parts & MASK(kind)) && strlen(known[i].name) == length
			&& strncasecmp(known[i].name, name, length) == 0)
			return known[i].property;
	}
	return ITIP_P_NONE;
}

static int add_line(struct itip_lines *out, size_t part, const struct itip_line *line)
{
	struct itip_part *of = &out->parts[part];

	if (out->n_lines == ITIP_LINES_MAX)
		return unreadable(out, "there are too many properties");
	if (out->n_lines == out->size_lines) {
		size_t size = out->size_lines ? 2 * out->size_lines : 64;
		struct itip_line *more = reallocarray(out->lines, size, sizeof(*more));

		if (!more)
			return -ENOMEM;
		out->lines = more;
		out->size_lines = size;
	}
	if (of->last == ITIP_NONE)
		of->first = out->n_lines;
	else
		out->lines[of->last].next = out->n_lines;
	of->last = out->n_lines;
	out->lines[out->n_lines++] = *line;
	return 0;
}

static int add_property(struct sieve *sieve, size_t part, char *text, size_t n)
{
	struct itip_part *of = &sieve->out->parts[part];
	enum itip_property property = find_property(text, n, of->kind);
	struct itip_line line;

	if (property == ITIP_P_NONE)
		return 0;
	if (property == ITIP_P_ATTENDEE && of->n_attendees == ITIP_READ_ATTENDEES_MAX) {
		of->attendees_cut = true;
		return 0;
	}
	if (strnlen(text, ITIP_LINE_MAX + 1) > ITIP_LINE_MAX)
		return unreadable(sieve->out, "a property is too long");
	if (!split(text, n, property, &line))
		return 0;
	of->n_attendees += property == ITIP_P_ATTENDEE;
	return add_line(sieve->out, part, &line);
}

static int read_line(struct sieve *sieve, char *text)
{
	size_t n = name_length(text), part;
	struct itip_line line;
	bool begins = n == 5 && strncasecmp(text, "BEGIN", n) == 0;

	if (text[n] != ':' && text[n] != ';')
		return 0;
	if (begins || (n == 3 && strncasecmp(text, "END", n) == 0)) {
		if (!split(text, n, ITIP_P_NONE, &line))
			return 0;
		return begins ? begin(sieve, line.value) : end(sieve, line.value);
	}
	part = sieve->depth > 0 ? sieve->stack[sieve->depth - 1].part : ITIP_NONE;
	return part == ITIP_NONE ? 0 : add_property(sieve, part, text, n);
}

static int finish(const struct sieve *sieve)
{
	if (!sieve->calendar_seen)
		return unreadable(sieve->out, "there is no VCALENDAR");
	for (size_t i = 0; i < sieve->depth; i++) {
		if (is_event(sieve, i))
			return unreadable(sieve->out, "an event has no end");
	}
	return 0;
}

int itip_lines_read(const char *bytes, size_t length, struct itip_lines *lines)
{
	struct sieve sieve = {.out = lines};
	int r = 0;

	*lines = (struct itip_lines){0};
	while (length > 0 && bytes[length - 1] == '\0') /* padding */
		length--;
	if (length > ITIP_READ_BYTES_MAX)
		return unreadable(lines, "there is too much of it");
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		bytes += 3, length -= 3;
	if (length > 0 && memchr(bytes, '\0', length))
		return unreadable(lines, "it is no text");
	lines->text = calloc(1, length + 2);
	if (!lines->text)
		return -ENOMEM;
	if (length > 0)
		memcpy(lines->text, bytes, length);
	unfold(lines->text, lines->text + length);
	for (char *at = lines->text; *at && r == 0;) {
		char *next = at + strlen(at) + 1;

		r = read_line(&sieve, at);
		at = next;
	}
	return r == 0 ? finish(&sieve) : r;
}

void itip_lines_clear(struct itip_lines *lines)
{
	free(lines->text);
	free(lines->lines);
	free(lines->parts);
	*lines = (struct itip_lines){0};
}

/* ---- looking things up ----------------------------------------------------------------------- */

static const struct itip_line *look(
	const struct itip_lines *lines, size_t i, enum itip_property property)
{
	while (i != ITIP_NONE && lines->lines[i].property != property)
		i = lines->lines[i].next;
	return i == ITIP_NONE ? NULL : &lines->lines[i];
}

const struct itip_line *itip_line_first(
	const struct itip_lines *lines, size_t part, enum itip_property property)
{
	return look(lines, lines->parts[part].first, property);
}

const struct itip_line *itip_line_after(
	const struct itip_lines *lines, const struct itip_line *line)
{
	return look(lines, line->next, line->property);
}

/* The length up to the semicolon (or comma) that is not quoted, if the quotes are in pairs. */
static size_t piece_length(const char *text, const char *end, char separator, bool quotes)
{
	const char *at = text;
	bool quoted = false;

	for (; at < end && (quoted || *at != separator); at++)
		quoted ^= quotes && *at == '"';
	return (size_t)(at - text);
}

static bool quotes_pair(const char *text, const char *end)
{
	bool pair = true;

	/* memchr(): of a long list this is asked again at each value. */
	while (text < end && (text = memchr(text, '"', (size_t)(end - text)))) {
		pair = !pair;
		text++;
	}
	return pair;
}

bool itip_line_parameter(
	const struct itip_line *line, const char *name, const char **value, size_t *length)
{
	const char *at = line->parameters, *end = at + strlen(at);
	bool quotes = quotes_pair(at, end), found = false;
	size_t n = strlen(name);

	while (at < end) {
		size_t piece = piece_length(at, end, ';', quotes);

		if (piece > n && strncasecmp(at, name, n) == 0 && at[n] == '=') {
			if (found
				&& (*length != piece - n - 1
					|| strncasecmp(*value, at + n + 1, *length) != 0))
				return false;
			found = true;
			*value = at + n + 1;
			*length = piece - n - 1;
		}
		at += piece + 1;
	}
	return found;
}

bool itip_take_value(const char **list, const char *end, const char **value, size_t *length)
{
	size_t n;

	if (*list >= end)
		return false;
	n = piece_length(*list, end, ',', quotes_pair(*list, end));
	*value = *list;
	*length = n;
	*list += n + 1;
	if (n >= 2 && **value == '"' && (*value)[n - 1] == '"') {
		(*value)++;
		*length -= 2;
	}
	return true;
}
