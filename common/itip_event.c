#include "itip_event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "itip_lines.h"
#include "itip_person.h"
#include "text.h"

static int unreadable(struct itip_event_reader *reader, const char *fault)
{
	reader->fault = fault;
	return ITIP_UNREADABLE;
}

/* ---- words and numbers ----------------------------------------------------------------------- */

/* The digits of SEQUENCE, or -1: libical takes anything else for 0. */
static int64_t read_number(const struct itip_line *line)
{
	const char *text = line ? line->value : "";
	size_t digits;
	int64_t number;

	text += *text == '+';
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 10 || text[digits] != '\0')
		return -1;
	number = strtoll(text, NULL, 10);
	return number <= INT32_MAX ? number : -1;
}

/* RFC 5545, 3.3.11, backwards. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1] && strchr("\\;,", from[1]))
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

static int read_uid(struct itip_event_reader *reader, const struct itip_line *line, char **uid)
{
	if (!line || !*line->value)
		return 0;
	if (text_check(line->value, TEXT_LINE, ITIP_READ_UID_MAX) != TEXT_FINE)
		return unreadable(reader, "a UID is too long, or no text");
	*uid = strdup(line->value);
	if (!*uid)
		return -ENOMEM;
	unescape(*uid);
	return 0;
}

static int read_word(const struct itip_line *line, char **word)
{
	return line ? itip_word(line->value, strlen(line->value), word) : 0;
}

static bool line_says(const struct itip_line *line, const char *word)
{
	return line && strcasecmp(line->value, word) == 0;
}

/* ---- times of an event ----------------------------------------------------------------------- */

/* A time that is missing or none is ITIP_NO_TIME; in an unknown zone as well, and a bad rule. */
static int read_moment(struct itip_event_reader *reader, const struct itip_line *line,
	bool *bad_zone, struct itip_moment *moment, bool *given)
{
	int r = line ? itip_line_moment(reader->zones, line, moment) : ITIP_TIME_INVALID;

	*given = r == 0;
	if (r == ITIP_ZONE_UNKNOWN)
		*bad_zone = true;
	return r < 0 ? r : 0;
}

static int read_instant(struct itip_event_reader *reader, size_t part, enum itip_property property,
	bool *bad_zone, int64_t *instant)
{
	struct itip_moment moment;
	bool given;
	int r = read_moment(
		reader, itip_line_first(reader->lines, part, property), bad_zone, &moment, &given);

	*instant = given ? itip_moment_instant(&moment) : ITIP_NO_TIME;
	return r;
}

static void make_date(struct itip_moment *moment)
{
	moment->local = civil_day_of(moment->local) * DAY_SECONDS;
	moment->is_date = true;
	moment->is_utc = false;
	moment->zone = NULL;
}

/* DTEND, which ought to be of the start's kind. */
static void measure_to(struct itip_series *series, struct itip_moment end)
{
	const struct itip_moment *start = &series->start;

	if (start->is_date && !end.is_date) {
		end.local += DAY_SECONDS - 1;
		make_date(&end);
	} else if (end.is_date && !start->is_date) {
		end.is_utc = start->is_utc;
		end.zone = start->zone;
	}
	if (end.zone == start->zone && end.is_utc == start->is_utc)
		series->wall = end.local - start->local;
	else
		series->exact = itip_moment_instant(&end) - itip_moment_instant(start);
}

/* Outlook's mark for an all-day event with times: midnights of its own zone. */
static bool is_all_day(
	const struct itip_moment *start, const struct itip_moment *end, bool has_end, bool marked)
{
	return marked && has_end && start->local % DAY_SECONDS == 0 && end->local % DAY_SECONDS == 0
	       && end->local > start->local;
}

/* Of a date whole days, and at least one. */
static bool measure(struct itip_event_reader *reader, struct itip_series *series,
	const struct itip_moment *end, bool has_end)
{
	const struct itip_line *line = itip_line_first(
		reader->lines, series->part, ITIP_P_DURATION);
	struct itip_duration duration = {0};

	if (has_end) {
		measure_to(series, *end);
	} else if (line) {
		if (!itip_duration_parse(line->value, strlen(line->value), &duration))
			return false;
		series->wall = duration.days * DAY_SECONDS;
		series->exact = duration.seconds;
	}
	if (series->start.is_date) {
		series->wall += civil_day_of(series->exact + DAY_SECONDS - 1) * DAY_SECONDS;
		series->exact = 0;
		/* Some write the last day instead of the one behind it. */
		if (series->wall == 0)
			series->wall = DAY_SECONDS;
	}
	return true;
}

static void set_times(struct itip_reading *of, bool measured)
{
	struct itip_read_event *event = &of->event;
	const struct itip_moment *start = &of->series.start;

	event->all_day = start->is_date;
	event->floating = !start->is_date && !start->is_utc && !start->zone;
	event->starts = itip_moment_instant(start);
	if (measured)
		event->ends = itip_series_end(&of->series, start);
	if (event->ends < event->starts)
		event->ends = ITIP_NO_TIME;
	of->has_series = event->ends != ITIP_NO_TIME;
}

static int read_times(struct itip_event_reader *reader, size_t part, struct itip_reading *of)
{
	const struct itip_lines *lines = reader->lines;
	const struct itip_line *end_line = itip_line_first(lines, part, ITIP_P_DTEND);
	struct itip_series *series = &of->series;
	struct itip_moment end = {0};
	bool has_start, has_end, bad_zone = false;
	int r;

	series->part = part;
	r = read_moment(reader, itip_line_first(lines, part, ITIP_P_DTSTART), &bad_zone,
		&series->start, &has_start);
	if (r == 0)
		r = read_moment(reader, end_line, &bad_zone, &end, &has_end);
	of->event.bad_rule = bad_zone;
	if (r != 0 || !has_start)
		return r;
	if (is_all_day(&series->start, &end, has_end,
		    line_says(itip_line_first(lines, part, ITIP_P_ALL_DAY_MARK), "TRUE"))) {
		make_date(&series->start);
		make_date(&end);
	}
	set_times(of, (has_end || !end_line) && measure(reader, series, &end, has_end));
	return 0;
}

/* An all-day event's instance is a day, though Exchange writes it as a midnight. */
static int read_recurrence_id(
	struct itip_event_reader *reader, size_t part, struct itip_reading *of)
{
	const struct itip_line *line = itip_line_first(reader->lines, part, ITIP_P_RECURRENCE_ID);
	struct itip_moment moment;
	bool given;
	int r = read_moment(reader, line, &of->event.bad_rule, &moment, &given);

	of->event.recurrence_id = ITIP_NO_TIME;
	if (!given)
		return r;
	if (of->event.all_day && moment.local % DAY_SECONDS == 0)
		make_date(&moment);
	of->event.recurrence_id = itip_moment_instant(&moment);
	of->instead_of_local = moment.local;
	return r;
}

/* ---- the event ------------------------------------------------------------------------------ */

static int read_people(struct itip_event_reader *reader, size_t part, struct itip_read_event *event)
{
	const struct itip_lines *lines = reader->lines;
	const struct itip_line *line = itip_line_first(lines, part, ITIP_P_ORGANIZER);
	size_t n = lines->parts[part].n_attendees;
	int r = line ? itip_person_address(line, &event->organizer) : 0;

	event->attendees_cut = lines->parts[part].attendees_cut;
	if (r != 0 || n == 0)
		return r;
	event->attendees = calloc(n, sizeof(*event->attendees));
	if (!event->attendees)
		return -ENOMEM;
	for (line = itip_line_first(lines, part, ITIP_P_ATTENDEE); line && r == 0;
		line = itip_line_after(lines, line))
		r = itip_person_attendee(line, &event->attendees[event->n_attendees++]);
	return r;
}

static int read_other_times(struct itip_event_reader *reader, size_t part, struct itip_reading *of)
{
	struct itip_read_event *event = &of->event;
	bool ignored = false;
	int r = read_instant(reader, part, ITIP_P_DTSTAMP, &ignored, &event->stamped);

	if (r == 0)
		r = read_instant(
			reader, part, ITIP_P_ORIGINAL_START, &ignored, &event->original_starts);
	return r == 0 ? read_recurrence_id(reader, part, of) : r;
}

int itip_event_read(struct itip_event_reader *reader, size_t part, struct itip_reading *of)
{
	const struct itip_lines *lines = reader->lines;
	struct itip_read_event *event = &of->event;
	int r;

	*event = (struct itip_read_event){.starts = ITIP_NO_TIME, .ends = ITIP_NO_TIME};
	of->master = ITIP_NONE;
	event->sequence = read_number(itip_line_first(lines, part, ITIP_P_SEQUENCE));
	event->transparent = line_says(itip_line_first(lines, part, ITIP_P_TRANSP), "TRANSPARENT");
	event->recurring = itip_line_first(lines, part, ITIP_P_RRULE)
			   || itip_line_first(lines, part, ITIP_P_RDATE);
	r = read_uid(reader, itip_line_first(lines, part, ITIP_P_UID), &event->uid);
	if (r == 0)
		r = read_word(itip_line_first(lines, part, ITIP_P_STATUS), &event->status);
	if (r == 0)
		r = read_people(reader, part, event);
	if (r == 0)
		r = read_times(reader, part, of);
	return r == 0 ? read_other_times(reader, part, of) : r;
}

void itip_event_clear(struct itip_read_event *event)
{
	for (size_t i = 0; i < event->n_attendees; i++)
		itip_person_clear(&event->attendees[i]);
	free(event->attendees);
	free(event->uid);
	free(event->status);
	free(event->organizer);
	free(event->spans);
}
