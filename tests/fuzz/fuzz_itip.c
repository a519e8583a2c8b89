/*
 * fuzz_itip - any bytes as an iTIP object from outside
 *
 * Whatever comes of it, itip_read() ends with an object that keeps to what itip_read.h promises, or
 * with words why not. The first byte chooses the window and whether the tz database is there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "itip_read.h"
#include "text.h"
#include "zone.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1796083200, DAY = 86400 };

static struct zones *zones;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return zones_load(ZONES_SYSTEM, &zones);
}

static void must(int holds)
{
	if (!holds)
		abort();
}

static void check_word(const char *word)
{
	must(!word
		|| (*word
			&& strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == strlen(word)));
}

static void check_address(const char *address)
{
	must(!address
		|| (text_is_address(address) && !strpbrk(address, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")));
}

static void check_attendee(const struct itip_attendee *attendee)
{
	check_address(attendee->address);
	check_address(attendee->sent_by);
	check_word(attendee->partstat);
	must(attendee->n_delegated_to <= ITIP_READ_DELEGATES_MAX);
	must(attendee->n_delegated_from <= ITIP_READ_DELEGATES_MAX);
	for (size_t i = 0; i < attendee->n_delegated_to; i++)
		check_address(attendee->delegated_to[i]);
	for (size_t i = 0; i < attendee->n_delegated_from; i++)
		check_address(attendee->delegated_from[i]);
}

static void check_spans(const struct itip_read_event *event, const struct itip_limits *limits)
{
	for (size_t i = 0; i < event->n_spans; i++) {
		const struct itip_span *span = &event->spans[i];

		must(span->starts < span->ends && span->starts <= limits->until);
		must(span->ends > limits->now - DAY);
		must(i == 0 || span[-1].starts < span->starts);
		must(!event->all_day || (span->starts % DAY == 0 && span->ends % DAY == 0));
	}
	must(!event->bad_rule || event->spans_cut);
}

static void check_event(const struct itip_read_event *event, const struct itip_limits *limits)
{
	must(!event->uid || text_check(event->uid, TEXT_LINE, ITIP_READ_UID_MAX) == TEXT_FINE);
	must(event->sequence >= -1 && event->sequence <= INT32_MAX);
	must(event->ends == ITIP_NO_TIME || event->ends >= event->starts);
	must(!event->all_day || (event->starts % DAY == 0 && !event->floating));
	must(event->n_attendees <= ITIP_READ_ATTENDEES_MAX);
	check_word(event->status);
	check_address(event->organizer);
	for (size_t i = 0; i < event->n_attendees; i++)
		check_attendee(&event->attendees[i]);
	check_spans(event, limits);
}

static void check_object(const struct itip_object *object, const struct itip_limits *limits)
{
	size_t n_spans = 0;

	check_word(object->method);
	must(object->n_events >= 1 && object->n_events <= ITIP_READ_EVENTS_MAX);
	for (size_t i = 0; i < object->n_events; i++) {
		check_event(&object->events[i], limits);
		n_spans += object->events[i].n_spans;
	}
	must(n_spans <= ITIP_READ_SPANS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = size > 0 ? data[0] : 0;
	struct itip_limits limits = {
		.now = NOW - (int64_t)(choice & 3) * 3650 * DAY,
		.until = NOW + (int64_t)(choice >> 2 & 3) * 3650 * DAY,
		.zones = choice & 16 ? NULL : zones,
		.method = choice & 32 ? "REPLY" : NULL,
	};
	struct itip_object *object;
	char error[100] = "";
	int r;

	if (size == 0)
		return 0;
	r = itip_read((const char *)data + 1, size - 1, &limits, &object, error, sizeof(error));
	must((r == 0) == (object != NULL));
	must(r == 0 || (r == ITIP_UNREADABLE && *error));
	if (object)
		check_object(object, &limits);
	itip_object_free(object);
	return 0;
}
