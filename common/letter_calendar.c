/*
 * The calendar member of a letter's JSON: {"method", "events": [...]}, an event being
 *
 *   uid, status, organizer               text or null
 *   sequence                             number or null
 *   stamped, start, end, recurrence_id, original_start
 *                                        seconds since 1970, or null
 *   all_day, floating, transparent, recurring, bad_rule, spans_cut, attendees_cut
 *                                        true or false
 *   start_date, end_date                 of an all-day event, the end being the first day after it
 *   attendees    [{"address", "partstat", "sent_by", "delegated_to": [], "delegated_from": []}]
 *   spans        [[start, end], ...] the occurrences
 *   dates        the same as dates, of an all-day event that recurs
 */
#include "itip_read.h"
#include "json.h"
#include "letter.h"
#include "text.h"

static void write_text(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_text(json, text_check(text, TEXT_LINE, ITIP_READ_UID_MAX) == TEXT_FINE ? text : NULL);
}

static void write_time(struct json *json, const char *key, int64_t t)
{
	json_key(json, key);
	if (t == ITIP_NO_TIME)
		json_text(json, NULL);
	else
		json_number(json, t);
}

static void write_truth(struct json *json, const char *key, bool truth)
{
	json_key(json, key);
	json_truth(json, truth);
}

static void write_date_value(struct json *json, int64_t t)
{
	char date[11] = "";

	if (t != ITIP_NO_TIME)
		itip_date(t, date);
	json_text(json, date[0] ? date : NULL);
}

static void write_addresses(struct json *json, const char *key, char *const *list, size_t n)
{
	json_key(json, key);
	json_open(json, '[');
	for (size_t i = 0; i < n; i++) {
		if (text_is_address(list[i]))
			json_text(json, list[i]);
	}
	json_close(json, ']');
}

static void write_attendee(const struct itip_attendee *attendee, struct json *json)
{
	json_open(json, '{');
	write_text(json, "address", attendee->address);
	write_text(json, "partstat", attendee->partstat);
	write_text(json, "sent_by", attendee->sent_by);
	write_addresses(json, "delegated_to", attendee->delegated_to, attendee->n_delegated_to);
	write_addresses(
		json, "delegated_from", attendee->delegated_from, attendee->n_delegated_from);
	json_close(json, '}');
}

static void write_attendees(
	const struct itip_read_event *event, const struct letter_caps *caps, struct json *json)
{
	size_t n = event->n_attendees < caps->attendees ? event->n_attendees : caps->attendees;

	json_key(json, "attendees");
	json_open(json, '[');
	for (size_t i = 0; i < n; i++)
		write_attendee(&event->attendees[i], json);
	json_close(json, ']');
	write_truth(json, "attendees_cut", event->attendees_cut || n < event->n_attendees);
}

static void write_pairs(
	const struct itip_read_event *event, size_t n, bool dates, struct json *json)
{
	json_open(json, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(json, '[');
		if (dates) {
			write_date_value(json, event->spans[i].starts);
			write_date_value(json, event->spans[i].ends);
		} else {
			json_number(json, event->spans[i].starts);
			json_number(json, event->spans[i].ends);
		}
		json_close(json, ']');
	}
	json_close(json, ']');
}

static void write_spans(
	const struct itip_read_event *event, const struct letter_caps *caps, struct json *json)
{
	size_t n = event->n_spans < caps->spans ? event->n_spans : caps->spans;

	json_key(json, "spans");
	write_pairs(event, n, false, json);
	if (event->all_day && event->recurring) {
		json_key(json, "dates");
		write_pairs(event, n, true, json);
	}
	write_truth(json, "spans_cut", event->spans_cut || n < event->n_spans);
}

static void write_times(const struct itip_read_event *event, struct json *json)
{
	write_time(json, "stamped", event->stamped);
	write_time(json, "start", event->starts);
	write_time(json, "end", event->ends);
	write_time(json, "recurrence_id", event->recurrence_id);
	write_time(json, "original_start", event->original_starts);
	if (event->all_day) {
		json_key(json, "start_date");
		write_date_value(json, event->starts);
		json_key(json, "end_date");
		write_date_value(json, event->ends);
	}
}

static void write_event(
	const struct itip_read_event *event, const struct letter_caps *caps, struct json *json)
{
	json_open(json, '{');
	write_text(json, "uid", event->uid);
	json_key(json, "sequence");
	if (event->sequence < 0)
		json_text(json, NULL);
	else
		json_number(json, event->sequence);
	write_times(event, json);
	write_truth(json, "all_day", event->all_day);
	write_truth(json, "floating", event->floating);
	write_truth(json, "transparent", event->transparent);
	write_truth(json, "recurring", event->recurring);
	write_truth(json, "bad_rule", event->bad_rule);
	write_text(json, "status", event->status);
	write_text(json, "organizer", event->organizer);
	write_attendees(event, caps, json);
	write_spans(event, caps, json);
	json_close(json, '}');
}

void letter_write_calendar(
	const struct itip_object *object, const struct letter_caps *caps, struct json *json)
{
	json_open(json, '{');
	write_text(json, "method", object->method);
	json_key(json, "events");
	json_open(json, '[');
	for (size_t i = 0; i < object->n_events; i++)
		write_event(&object->events[i], caps, json);
	json_close(json, ']');
	json_close(json, '}');
}
