/*
 * itip_event - what one VEVENT says, for itip_read: all but when it comes again
 */
#pragma once

#include "itip_read.h"
#include "itip_spans.h"

struct itip_event_reader {
	const struct itip_lines *lines;
	struct itip_zones *zones;
	const char *fault; /* words, when unreadable */
};

struct itip_reading {
	struct itip_read_event event;
	struct itip_series series;
	int64_t instead_of_local; /* of RECURRENCE-ID: its local time */
	bool has_series;          /* it has a start, and an end that is not before */
	size_t master;            /* for itip_read: whose instance it is, or ITIP_NONE */
};

/* 0, -ENOMEM, or ITIP_UNREADABLE; of->event is to be cleared in each case. */
int itip_event_read(struct itip_event_reader *reader, size_t part, struct itip_reading *of)
	__attribute__((warn_unused_result));
void itip_event_clear(struct itip_read_event *event);
