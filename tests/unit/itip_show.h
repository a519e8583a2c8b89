/* What itip_read() found, as lines of text. */
#pragma once

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "itip_read.h"
#include "octets.h"

static inline void show_time(struct octets *out, const char *name, int64_t t)
{
	char text[64], whole[96];
	time_t seconds = (time_t)t;
	struct tm tm;

	if (t == ITIP_NO_TIME)
		return;
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(whole, sizeof(whole), " %s%s", name, text);
	octets_add_text(out, whole);
}

static inline void show_text(struct octets *out, const char *name, const char *text)
{
	if (!text)
		return;
	octets_add_text(out, name);
	octets_add_text(out, text);
}

static inline void show_attendee(struct octets *out, const struct itip_attendee *attendee)
{
	show_text(out, "  ", attendee->address ? attendee->address : "nobody");
	show_text(out, " ", attendee->partstat);
	show_text(out, " by ", attendee->sent_by);
	for (size_t i = 0; i < attendee->n_delegated_to; i++)
		show_text(out, " to ", attendee->delegated_to[i]);
	for (size_t i = 0; i < attendee->n_delegated_from; i++)
		show_text(out, " from ", attendee->delegated_from[i]);
	octets_add_char(out, '\n');
}

static inline void show_event(struct octets *out, const struct itip_read_event *event)
{
	char number[32];

	show_text(out, " ", event->uid ? event->uid : "-");
	snprintf(number, sizeof(number), " #%" PRId64, event->sequence);
	octets_add_text(out, event->sequence >= 0 ? number : "");
	show_time(out, "@", event->stamped);
	show_time(out, "", event->starts);
	show_time(out, "- ", event->ends);
	show_time(out, "instance ", event->recurrence_id);
	show_time(out, "instead of ", event->original_starts);
	show_text(out, " ", event->status);
	octets_add_text(out, event->all_day ? " all day" : "");
	octets_add_text(out, event->floating ? " floating" : "");
	octets_add_text(out, event->transparent ? " transparent" : "");
	octets_add_text(out, event->recurring ? " recurring" : "");
	octets_add_text(out, event->bad_rule ? " BAD" : "");
	octets_add_text(out, event->spans_cut ? " CUT" : "");
	octets_add_text(out, event->attendees_cut ? " MORE" : "");
	show_text(out, " of ", event->organizer);
	octets_add_char(out, '\n');
	for (size_t i = 0; i < event->n_attendees; i++)
		show_attendee(out, &event->attendees[i]);
	for (size_t i = 0; i < event->n_spans; i++) {
		show_time(out, " ", event->spans[i].starts);
		show_time(out, "- ", event->spans[i].ends);
		octets_add_char(out, '\n');
	}
}

/* To be freed. */
static inline char *show_object(const char *bytes, size_t length, const struct itip_limits *limits)
{
	struct itip_object *object = NULL;
	struct octets out = {0};
	char error[200] = "", *text;
	size_t size;
	int r = itip_read(bytes, length, limits, &object, error, sizeof(error));

	if (r == ITIP_UNREADABLE)
		show_text(&out, "unreadable: ", error);
	if (r == 0) {
		octets_add_text(&out, object->method ? object->method : "no method");
		octets_add_char(&out, '\n');
		for (size_t i = 0; i < object->n_events; i++)
			show_event(&out, &object->events[i]);
	}
	itip_object_free(object);
	if (r < 0 || octets_take(&out, &text, &size) != 0)
		return NULL;
	return text;
}
