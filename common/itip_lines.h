/*
 * itip_lines - the sieve in front of itip_read: content lines out of any bytes
 *
 * Only components and properties that are read here come through, within limits; alarms, texts and
 * X-properties do not. What real senders get wrong is mended: bare LF and CR, lines broken without
 * a blank, quotes that never end, names with a colon or semicolon in them, a missing END.
 * (libical drops or repairs such lines without saying so, and has no limits.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum itip_part_kind {
	ITIP_PART_CALENDAR,
	ITIP_PART_EVENT,
	ITIP_PART_ZONE,
	ITIP_PART_STANDARD,
	ITIP_PART_DAYLIGHT,
	ITIP_PART_OTHER, /* never in a result */
};

enum itip_property {
	ITIP_P_NONE,
	ITIP_P_METHOD,
	ITIP_P_UID,
	ITIP_P_SEQUENCE,
	ITIP_P_DTSTAMP,
	ITIP_P_DTSTART,
	ITIP_P_DTEND,
	ITIP_P_DURATION,
	ITIP_P_RECURRENCE_ID,
	ITIP_P_RRULE,
	ITIP_P_EXRULE,
	ITIP_P_RDATE,
	ITIP_P_EXDATE,
	ITIP_P_STATUS,
	ITIP_P_TRANSP,
	ITIP_P_ORGANIZER,
	ITIP_P_ATTENDEE,
	ITIP_P_ALL_DAY_MARK,
	ITIP_P_ORIGINAL_START,
	ITIP_P_TZID,
	ITIP_P_OFFSET_FROM,
	ITIP_P_OFFSET_TO,
};

enum {
	ITIP_LINES_MAX = 20000, /* that come through */
	ITIP_LINE_MAX = 65536,  /* octets of one that comes through */
	ITIP_EVENTS_SEEN_MAX = 1000,
	ITIP_ZONES_MAX = 50,
	ITIP_OBSERVANCES_SEEN_MAX = 5000,
	ITIP_DEPTH_MAX = 16,
};

#define ITIP_NONE ((size_t)-1)

struct itip_line {
	enum itip_property property;
	const char *parameters; /* "TZID=Europe/Berlin;VALUE=DATE-TIME", or "" */
	const char *value;      /* without blanks around it */
	size_t next;            /* of the same part, or ITIP_NONE */
};

struct itip_part {
	enum itip_part_kind kind;
	size_t parent;      /* ITIP_NONE for a VCALENDAR */
	size_t first, last; /* of its lines, or ITIP_NONE */
	size_t n_attendees;
	bool attendees_cut; /* at ITIP_READ_ATTENDEES_MAX */
};

struct itip_lines {
	char *text; /* what the lines point into */
	struct itip_line *lines;
	size_t n_lines, size_lines;
	struct itip_part *parts;
	size_t n_parts, size_parts;
	const char *fault; /* words, when unreadable */
};

/* 0, -ENOMEM, or ITIP_UNREADABLE. itip_lines_clear() in each case. */
int itip_lines_read(const char *bytes, size_t length, struct itip_lines *lines)
	__attribute__((warn_unused_result));
void itip_lines_clear(struct itip_lines *lines);

/* The first line of the property, and the next one after a line; NULL when there is none. */
const struct itip_line *itip_line_first(
	const struct itip_lines *lines, size_t part, enum itip_property property);
const struct itip_line *itip_line_after(
	const struct itip_lines *lines, const struct itip_line *line);

/*
 * A parameter's value as it stands, quotes and all; false when it is missing, or given twice and
 * not alike.
 */
bool itip_line_parameter(
	const struct itip_line *line, const char *name, const char **value, size_t *length);

/*
 * Takes the next of the values at *list that commas part, unless quoted; false behind the last. A
 * value in quotes comes without them.
 */
bool itip_take_value(const char **list, const char *end, const char **value, size_t *length);
