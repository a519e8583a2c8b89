#include "itip_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "itip_event.h"
#include "itip_lines.h"
#include "itip_person.h"
#include "itip_spans.h"
#include "itip_time.h"

enum { STEPS_MOST = 300 * 1000 }; /* for the rules of the events of an object */

/* What all functions here work on. */
struct reading {
	struct itip_lines lines;
	struct itip_zones zones;
	const struct itip_limits *limits;
	struct itip_object *object;
	struct itip_reading *events;
	size_t n_events;
	const char *fault;
};

static int unreadable(struct reading *reading, const char *fault)
{
	reading->fault = fault;
	return ITIP_UNREADABLE;
}

/* Within the years that have four digits. */
static int64_t earliest(void)
{
	return civil_days(1, 1, 1) * DAY_SECONDS;
}

static int64_t latest(void)
{
	return civil_days(10000, 1, 1) * DAY_SECONDS - 1;
}

static int64_t clamp(int64_t t)
{
	if (t < earliest())
		return earliest();
	return t > latest() ? latest() : t;
}

void itip_date(int64_t t, char date[11])
{
	char text[40] = "";
	struct civil civil;

	if (t >= earliest() && t <= latest()) {
		civil = civil_of_days(civil_day_of(t));
		(void)snprintf(text, sizeof(text), "%04d-%02d-%02d", (int)civil.year, civil.month,
			civil.day);
	}
	memcpy(date, text, 10);
	date[10] = '\0';
}

static int read_events(struct reading *reading)
{
	const struct itip_lines *lines = &reading->lines;
	struct itip_event_reader reader = {.lines = lines, .zones = &reading->zones};
	int r = 0;

	for (size_t i = 0; i < lines->n_parts; i++)
		reading->n_events += lines->parts[i].kind == ITIP_PART_EVENT;
	if (reading->n_events == 0)
		return unreadable(reading, "there is no event");
	reading->events = calloc(reading->n_events, sizeof(*reading->events));
	if (!reading->events)
		return -ENOMEM;
	for (size_t i = 0, n = 0; i < lines->n_parts && r == 0; i++) {
		if (lines->parts[i].kind == ITIP_PART_EVENT)
			r = itip_event_read(&reader, i, &reading->events[n++]);
	}
	reading->fault = reader.fault;
	return r;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The property counts, whatever the mail's header says; two that contradict are none. */
static int read_method(struct reading *reading)
{
	const struct itip_lines *lines = &reading->lines;
	const char *given = reading->limits->method;
	const struct itip_line *first = NULL;
	char **method = &reading->object->method;
	int r;

	for (size_t i = 0; i < lines->n_parts; i++) {
		const struct itip_line *line = lines->parts[i].kind == ITIP_PART_CALENDAR
						       ? itip_line_first(lines, i, ITIP_P_METHOD)
						       : NULL;

		for (; line; line = itip_line_after(lines, line)) {
			first = first ? first : line;
			if (strcasecmp(first->value, line->value) != 0)
				return unreadable(reading, "it has two methods");
		}
	}
	r = first ? itip_word(first->value, strlen(first->value), method) : 0;
	if (r == 0 && !*method && given)
		r = itip_word(given, strlen(given), method);
	return r;
}

static bool is_instance_of(const struct itip_read_event *event, const struct itip_read_event *other)
{
	return other->recurrence_id == ITIP_NO_TIME && other->uid
	       && strcmp(event->uid, other->uid) == 0;
}

static void find_masters(struct reading *reading)
{
	const char *method = reading->object->method;

	if (method && strcmp(method, "REQUEST") != 0 && strcmp(method, "PUBLISH") != 0)
		return;
	for (size_t i = 0; i < reading->n_events; i++) {
		struct itip_reading *of = &reading->events[i];

		if (of->event.recurrence_id == ITIP_NO_TIME || !of->event.uid)
			continue;
		for (size_t j = 0; j < reading->n_events && of->master == ITIP_NONE; j++) {
			if (is_instance_of(&of->event, &reading->events[j].event))
				of->master = j;
		}
	}
}

static bool is_for_all_later(struct reading *reading, const struct itip_reading *of)
{
	const struct itip_line *line = itip_line_first(
		&reading->lines, of->series.part, ITIP_P_RECURRENCE_ID);
	const char *value;
	size_t length;

	return line && itip_line_parameter(line, "RANGE", &value, &length);
}

/* A master and its instance need not be of one kind: dates become days where the master is. */
static struct itip_instance make_instance(
	const struct itip_reading *master, const struct itip_reading *of)
{
	const struct itip_read_event *event = &of->event;
	struct itip_instance instance = {
		.instead_of = event->recurrence_id,
		.starts = event->starts,
		.ends = event->ends,
		.is_gone = !of->has_series
			   || (event->status && strcmp(event->status, "CANCELLED") == 0),
	};
	struct itip_series days = of->series;

	if (master->event.all_day) {
		instance.instead_of = civil_day_of(of->instead_of_local) * DAY_SECONDS;
		instance.starts = civil_day_of(days.start.local) * DAY_SECONDS;
		instance.ends = civil_day_of(
					days.start.local + days.wall + days.exact + DAY_SECONDS - 1)
				* DAY_SECONDS;
	} else if (event->all_day) {
		days.start.is_date = false;
		days.start.is_utc = master->series.start.is_utc;
		days.start.zone = master->series.start.zone;
		instance.starts = itip_moment_instant(&days.start);
		instance.ends = itip_series_end(&days, &days.start);
	}
	return instance;
}

/* The instances of a master. One that stands for all later ones is not followed beyond itself. */
static size_t list_instances(
	struct reading *reading, size_t master, struct itip_instance *instances, bool *bad_rule)
{
	size_t n = 0;

	for (size_t i = 0; i < reading->n_events; i++) {
		const struct itip_reading *of = &reading->events[i];

		if (of->master != master)
			continue;
		*bad_rule |= of->event.bad_rule || is_for_all_later(reading, of);
		instances[n++] = make_instance(&reading->events[master], of);
	}
	return n;
}

static int find_spans(struct reading *reading, size_t i, struct itip_window *window)
{
	struct itip_reading *of = &reading->events[i];
	struct itip_instance *instances = calloc(reading->n_events, sizeof(*instances));
	struct itip_spans spans = {0};
	size_t n;
	int r = 0;

	if (!instances)
		return -ENOMEM;
	n = list_instances(reading, i, instances, &of->event.bad_rule);
	if (of->has_series)
		r = itip_spans_find(&reading->zones, &of->series, instances, n, window, &spans);
	free(instances);
	of->event.spans = spans.spans;
	of->event.n_spans = spans.n;
	of->event.bad_rule |= spans.bad_rule;
	of->event.spans_cut = spans.cut || of->event.bad_rule;
	window->most -= spans.n;
	return r;
}

static int hand_over(struct reading *reading)
{
	struct itip_object *object = reading->object;
	long steps = STEPS_MOST;
	struct itip_window window = {
		.from = clamp(reading->limits->now) - DAY_SECONDS,
		.to = clamp(reading->limits->until),
		.most = ITIP_READ_SPANS_MAX,
		.steps = &steps,
	};
	int r = 0;

	object->events = calloc(ITIP_READ_EVENTS_MAX, sizeof(*object->events));
	if (!object->events)
		return -ENOMEM;
	for (size_t i = 0; i < reading->n_events && r == 0; i++) {
		if (reading->events[i].master != ITIP_NONE)
			continue;
		if (object->n_events == ITIP_READ_EVENTS_MAX)
			return unreadable(reading, "there are too many events");
		r = find_spans(reading, i, &window);
		object->events[object->n_events++] = reading->events[i].event;
		reading->events[i].event = (struct itip_read_event){0};
	}
	return r;
}

static int read_all(struct reading *reading, const char *bytes, size_t length)
{
	int r = itip_lines_read(bytes, length, &reading->lines);

	if (r != 0) {
		reading->fault = reading->lines.fault;
		return r;
	}
	itip_zones_init(&reading->zones, reading->limits->zones, &reading->lines);
	reading->object = calloc(1, sizeof(*reading->object));
	if (!reading->object)
		return -ENOMEM;
	r = read_method(reading);
	if (r == 0)
		r = read_events(reading);
	if (r != 0)
		return r;
	find_masters(reading);
	return hand_over(reading);
}

struct itip_object *itip_object_free(struct itip_object *object)
{
	if (object) {
		for (size_t i = 0; i < object->n_events; i++)
			itip_event_clear(&object->events[i]);
		free(object->events);
		free(object->method);
		free(object);
	}
	return NULL;
}

int itip_read(const char *bytes, size_t length, const struct itip_limits *limits,
	struct itip_object **objectp, char *error, size_t error_size)
{
	struct reading reading = {.limits = limits};
	int r = read_all(&reading, bytes, length);

	*objectp = NULL;
	if (r == ITIP_UNREADABLE)
		(void)snprintf(error, error_size, "%s", reading.fault);
	if (r == 0)
		*objectp = reading.object;
	else
		itip_object_free(reading.object);
	for (size_t i = 0; reading.events && i < reading.n_events; i++)
		itip_event_clear(&reading.events[i].event);
	free(reading.events);
	itip_zones_clear(&reading.zones);
	itip_lines_clear(&reading.lines);
	return r;
}
