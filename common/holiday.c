#include "holiday.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <libical/ical.h>

#include "text.h"

enum {
	STEPS_MOST = 1000, /* of one rule: a rule that needs more is not about holidays */
	DAYS_MOST = 31,    /* of one event */
	NAME_MOST = 200,   /* bytes; the database allows as many characters */
	DEPTH_MOST = 8,    /* components within components */
};

/* What all functions here work on. */
struct reading {
	struct holiday_list *list;
	size_t size_holidays, size_problems;
	int first_year, last_year;
	size_t *lines; /* of each BEGIN:VEVENT, in order */
	size_t n_lines, size_lines;
	/* the event being read */
	icalcomponent *event;
	size_t line;
	int length; /* days */
	const char *name;
	struct icaltimetype *excluded; /* EXDATE */
	size_t n_excluded, size_excluded;
};

static int grow(void **arrayp, size_t *sizep, size_t used, size_t item)
{
	size_t size;
	void *array;

	if (used < *sizep)
		return 0;
	size = *sizep ? 2 * *sizep : 16;
	array = reallocarray(*arrayp, size, item);
	if (!array)
		return -ENOMEM;
	*arrayp = array;
	*sizep = size;
	return 0;
}

/* Returns HOLIDAY_INVALID, or -ENOMEM. */
__attribute__((format(printf, 3, 4))) static int problem(
	struct reading *reading, size_t line, const char *format, ...)
{
	struct holiday_list *list = reading->list;
	void *array = list->problems;
	va_list args;
	char *text;
	int r;

	r = grow(&array, &reading->size_problems, list->n_problems, sizeof(*list->problems));
	list->problems = array;
	if (r)
		return r;
	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		return -ENOMEM;
	list->problems[list->n_problems++] = (struct holiday_problem){.line = line, .text = text};
	return HOLIDAY_INVALID;
}

/* ---- where the events stand ---- */

static int note_line(struct reading *reading, size_t line)
{
	void *array = reading->lines;
	int r = grow(&array, &reading->size_lines, reading->n_lines, sizeof(*reading->lines));

	reading->lines = array;
	if (!r)
		reading->lines[reading->n_lines++] = line;
	return r;
}

static bool line_is(const char *at, const char *text)
{
	size_t length = strlen(text);

	return strncasecmp(at, text, length) == 0 && strchr("\r\n", at[length]);
}

/* libical knows no line numbers, and it frees components by recursion, so nesting has a limit. */
static int find_events(struct reading *reading, const char *text)
{
	size_t line = 1, depth = 0;
	int r = 0;

	for (const char *at = text; at && !r; line++) {
		if (strncasecmp(at, "BEGIN:", 6) == 0) {
			if (depth == 1 && line_is(at, "BEGIN:VEVENT"))
				r = note_line(reading, line);
			if (++depth > DEPTH_MOST)
				r = problem(reading, line,
					"components lie within each other more than %d deep",
					DEPTH_MOST);
		} else if (strncasecmp(at, "END:", 4) == 0 && depth > 0) {
			depth--;
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return r;
}

/* ---- days ---- */

static bool is_real_day(struct icaltimetype day)
{
	return day.year >= 1900 && day.year <= 9999 && day.month >= 1 && day.month <= 12
	       && day.day >= 1 && day.day <= icaltime_days_in_month(day.month, day.year);
}

static int same_day(struct icaltimetype a, struct icaltimetype b)
{
	return a.year == b.year && a.month == b.month && a.day == b.day;
}

static bool is_excluded(const struct reading *reading, struct icaltimetype day)
{
	for (size_t i = 0; i < reading->n_excluded; i++) {
		if (same_day(reading->excluded[i], day))
			return true;
	}
	return false;
}

/* Read first of all: a component has one iterator, so nobody else can look while one loop runs. */
static int read_excluded(struct reading *reading)
{
	void *array = reading->excluded;
	icalproperty *p;
	int r = 0;

	reading->n_excluded = 0;
	for (p = icalcomponent_get_first_property(reading->event, ICAL_EXDATE_PROPERTY); p && !r;
		p = icalcomponent_get_next_property(reading->event, ICAL_EXDATE_PROPERTY)) {
		r = grow(&array, &reading->size_excluded, reading->n_excluded,
			sizeof(*reading->excluded));
		reading->excluded = array;
		if (!r)
			reading->excluded[reading->n_excluded++] = icalproperty_get_exdate(p);
	}
	return r;
}

static int add_day(struct reading *reading, struct icaltimetype day)
{
	struct holiday_list *list = reading->list;
	void *array = list->holidays;
	struct holiday *holiday;
	int r;

	r = grow(&array, &reading->size_holidays, list->n_holidays, sizeof(*list->holidays));
	list->holidays = array;
	if (r)
		return r;
	holiday = &list->holidays[list->n_holidays];
	holiday->name = strdup(reading->name);
	if (!holiday->name)
		return -ENOMEM;
	snprintf(holiday->day, sizeof(holiday->day), "%04u-%02u-%02u",
		(unsigned int)day.year % 10000, (unsigned int)day.month % 100,
		(unsigned int)day.day % 100);
	list->n_holidays++;
	return 0;
}

/* One occurrence: each of its days that lies in the years asked for. */
static int add_occurrence(struct reading *reading, struct icaltimetype day)
{
	int r = 0;

	if (is_excluded(reading, day))
		return 0;
	for (int i = 0; i < reading->length && !r; i++) {
		if (day.year >= reading->first_year && day.year <= reading->last_year)
			r = add_day(reading, day);
		icaltime_adjust(&day, 1, 0, 0, 0);
	}
	return r;
}

/* ---- rules ---- */

/* NULL when the rule may be followed. libical 3 runs for minutes on some rules of smaller steps. */
static const char *rule_fault(const struct icalrecurrencetype *rule)
{
	if (rule->freq != ICAL_YEARLY_RECURRENCE)
		return "a rule (RRULE) that is not FREQ=YEARLY; expected FREQ=YEARLY or single "
		       "days (RDATE)";
	if (rule->rscale)
		return "a rule (RRULE) with RSCALE; expected single days (RDATE)";
	if (rule->by_hour[0] != ICAL_RECURRENCE_ARRAY_MAX
		|| rule->by_minute[0] != ICAL_RECURRENCE_ARRAY_MAX
		|| rule->by_second[0] != ICAL_RECURRENCE_ARRAY_MAX)
		return "a rule (RRULE) with a time of day; expected whole days";
	return NULL;
}

static int follow_rule(
	struct reading *reading, struct icalrecurrencetype rule, struct icaltimetype start)
{
	icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);
	struct icaltimetype day;
	int steps = 0, r = 0;

	if (!iterator)
		return problem(reading, reading->line, "a rule (RRULE) that cannot be followed");
	while (!r && !icaltime_is_null_time(day = icalrecur_iterator_next(iterator))
		&& day.year <= reading->last_year) {
		if (++steps > STEPS_MOST)
			r = problem(reading, reading->line,
				"a rule (RRULE) of more than %d days up to %d; expected a start "
				"(DTSTART) nearer to today",
				STEPS_MOST, reading->last_year);
		else
			r = add_occurrence(reading, day);
	}
	icalrecur_iterator_free(iterator);
	return r;
}

static int add_rules(struct reading *reading, struct icaltimetype start)
{
	icalproperty *p;
	int r = 0;

	for (p = icalcomponent_get_first_property(reading->event, ICAL_RRULE_PROPERTY); p && !r;
		p = icalcomponent_get_next_property(reading->event, ICAL_RRULE_PROPERTY)) {
		struct icalrecurrencetype rule = icalproperty_get_rrule(p);
		const char *fault = rule_fault(&rule);

		if (fault)
			r = problem(reading, reading->line, "%s", fault);
		else
			r = follow_rule(reading, rule, start);
	}
	return r;
}

static int add_single_days(struct reading *reading)
{
	icalproperty *p;
	int r = 0;

	for (p = icalcomponent_get_first_property(reading->event, ICAL_RDATE_PROPERTY); p && !r;
		p = icalcomponent_get_next_property(reading->event, ICAL_RDATE_PROPERTY)) {
		struct icaldatetimeperiodtype rdate = icalproperty_get_rdate(p);

		if (!icaltime_is_null_time(rdate.time) && rdate.time.is_date
			&& is_real_day(rdate.time)) {
			r = add_occurrence(reading, rdate.time);
		} else {
			r = problem(reading, reading->line,
				"an RDATE that is not a day; expected RDATE;VALUE=DATE:20261225");
		}
	}
	return r;
}

/* ---- events ---- */

static bool has(icalcomponent *event, icalproperty_kind kind)
{
	return icalcomponent_get_first_property(event, kind) != NULL;
}

/* NULL when its properties are such that the day of the event is clear. */
static const char *event_fault(icalcomponent *event)
{
	struct icaltimetype start = icalcomponent_get_dtstart(event);

	if (has(event, ICAL_XLICERROR_PROPERTY))
		return "an event that breaks the rules of iCalendar";
	if (icaltime_is_null_time(start))
		return "an event without a start; expected DTSTART;VALUE=DATE:20261225";
	if (!start.is_date)
		return "an event with a time of day; expected a whole day, "
		       "DTSTART;VALUE=DATE:20261225";
	if (!is_real_day(start))
		return "an event on a day that is in no calendar; expected DTSTART from 1900 on";
	if (has(event, ICAL_RECURRENCEID_PROPERTY) || has(event, ICAL_EXRULE_PROPERTY))
		return "an exception to a repeated event; expected RDATE and EXDATE in the event "
		       "itself";
	return NULL;
}

/* Days from DTSTART to DTEND or for DURATION; 0 when that is not a number of whole days, or too
 * many. (icalcomponent_get_duration() is not asked: it converts zones.) */
static int event_length(icalcomponent *event, struct icaltimetype day)
{
	icalproperty *end = icalcomponent_get_first_property(event, ICAL_DTEND_PROPERTY);
	icalproperty *duration = icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY);

	if (end) {
		struct icaltimetype until = icalproperty_get_dtend(end);

		if (!until.is_date || !is_real_day(until))
			return 0;
		for (int i = 0; i <= DAYS_MOST; i++) {
			if (same_day(day, until))
				/* Some calendars write the same day twice for one day. */
				return i > 0 ? i : 1;
			icaltime_adjust(&day, 1, 0, 0, 0);
		}
		return 0;
	}
	if (duration) {
		int seconds = icaldurationtype_as_int(icalproperty_get_duration(duration));

		return seconds > 0 && seconds % 86400 == 0 && seconds / 86400 <= DAYS_MOST
			       ? seconds / 86400
			       : 0;
	}
	return 1;
}

static bool is_name(const char *name)
{
	return text_check(name, TEXT_LINE, NAME_MOST) == TEXT_FINE;
}

static int read_event(struct reading *reading, icalcomponent *event)
{
	struct icaltimetype start = icalcomponent_get_dtstart(event);
	const char *fault = event_fault(event);
	const char *name = icalcomponent_get_summary(event);
	int r;

	if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED)
		return 0;
	if (fault)
		return problem(reading, reading->line, "%s", fault);
	if (!is_name(name))
		return problem(reading, reading->line,
			"an event without a name; expected SUMMARY, one line of 1 to %d bytes",
			NAME_MOST);
	reading->event = event;
	reading->name = name;
	reading->length = event_length(event, start);
	if (reading->length == 0)
		return problem(reading, reading->line,
			"an event whose end is unclear; expected DTEND;VALUE=DATE at most %d days "
			"after DTSTART",
			DAYS_MOST);
	r = read_excluded(reading);
	if (!r)
		r = add_occurrence(reading, start);
	if (!r)
		r = add_rules(reading, start);
	if (!r)
		r = add_single_days(reading);
	return r;
}

static int read_calendar(struct reading *reading, icalcomponent *calendar, size_t *countp)
{
	icalcomponent *event;

	for (event = icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT); event;
		event = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT)) {
		int r;

		reading->line = *countp < reading->n_lines ? reading->lines[*countp] : 1;
		++*countp;
		r = read_event(reading, event);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A file of several calendars comes as one root that holds them. */
static int read_root(struct reading *reading, icalcomponent *root)
{
	size_t count = 0;
	icalcomponent *calendar;
	int r = 0;

	if (icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT) {
		r = read_calendar(reading, root, &count);
	} else {
		for (calendar = icalcomponent_get_first_component(root, ICAL_VCALENDAR_COMPONENT);
			calendar && !r;
			calendar = icalcomponent_get_next_component(root, ICAL_VCALENDAR_COMPONENT))
			r = read_calendar(reading, calendar, &count);
	}
	if (!r && count == 0)
		r = problem(reading, 1, "no event in it; expected an iCalendar file with VEVENTs");
	return r < 0 ? r : 0;
}

/* ---- the list ---- */

static int compare_holidays(const void *a, const void *b)
{
	const struct holiday *one = a, *other = b;
	int r = strcmp(one->day, other->day);

	return r ? r : strcmp(one->name, other->name);
}

/* Rules and single days of one event may meet. */
static void drop_doubles(struct holiday_list *list)
{
	size_t kept = 0;

	for (size_t i = 1; i < list->n_holidays; i++) {
		if (compare_holidays(&list->holidays[kept], &list->holidays[i]) == 0)
			free(list->holidays[i].name);
		else
			list->holidays[++kept] = list->holidays[i];
	}
	list->n_holidays = kept + 1;
}

static int join_names(struct holiday *into, const struct holiday *other)
{
	char *joined;

	if (asprintf(&joined, "%s; %s", into->name, other->name) < 0)
		return -ENOMEM;
	if (!is_name(joined)) {
		/* Too long: the first name will do. */
		free(joined);
		return 0;
	}
	free(into->name);
	into->name = joined;
	return 0;
}

static int join_days(struct holiday_list *list)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 1; i < list->n_holidays; i++) {
		if (strcmp(list->holidays[kept].day, list->holidays[i].day) == 0) {
			if (!r)
				r = join_names(&list->holidays[kept], &list->holidays[i]);
			free(list->holidays[i].name);
		} else {
			list->holidays[++kept] = list->holidays[i];
		}
	}
	list->n_holidays = kept + 1;
	return r;
}

static int sort_and_join(struct holiday_list *list)
{
	if (list->n_holidays == 0)
		return 0;
	qsort(list->holidays, list->n_holidays, sizeof(*list->holidays), compare_holidays);
	drop_doubles(list);
	return join_days(list);
}

int holiday_read(const char *text, int first_year, int last_year, struct holiday_list *list)
{
	struct reading reading = {.list = list, .first_year = first_year, .last_year = last_year};
	icalcomponent *root = NULL;
	int r;

	*list = (struct holiday_list){0};
	if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	icalerror_set_errors_are_fatal(0);
	r = find_events(&reading, text);
	if (!r) {
		root = icalparser_parse_string(text);
		r = root ? read_root(&reading, root)
			 : problem(&reading, 1, "not an iCalendar file; expected BEGIN:VCALENDAR");
	}
	if (r >= 0 && sort_and_join(list) < 0)
		r = -ENOMEM;
	if (root)
		icalcomponent_free(root);
	free(reading.lines);
	free(reading.excluded);
	if (r < 0)
		return r;
	return list->n_problems > 0 ? HOLIDAY_INVALID : 0;
}

void holiday_list_clear(struct holiday_list *list)
{
	for (size_t i = 0; i < list->n_holidays; i++)
		free(list->holidays[i].name);
	for (size_t i = 0; i < list->n_problems; i++)
		free(list->problems[i].text);
	free(list->holidays);
	free(list->problems);
	*list = (struct holiday_list){0};
}
