/*
 * fuzz_zone - any bytes as a file of the tz database
 *
 * Whatever is taken for a zone has its changes in order and offsets of at most 26 hours, and says of any
 * instant and any local time what it is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OFFSET_MOST = 26 * 3600 };

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_zone: %s\n", why);
	abort();
}

static void check_offset(int32_t offset)
{
	if (offset < -OFFSET_MOST || offset > OFFSET_MOST)
		fail("an offset beyond all");
}

static void check_instant(const struct zone *zone, int64_t at)
{
	int64_t utc = zone_to_utc(zone, at);

	check_offset(zone_offset(zone, at));
	if (utc < at - OFFSET_MOST || utc > at + OFFSET_MOST)
		fail("a local time that is elsewhere");
}

static void check_zone(const struct zone *zone)
{
	if (zone->n_changes > ZONE_CHANGES_MAX)
		fail("too many changes");
	check_offset(zone->first);
	for (size_t i = 0; i < zone->n_changes; i++) {
		check_offset(zone->changes[i].offset);
		if (i > 0 && zone->changes[i].at <= zone->changes[i - 1].at)
			fail("changes out of order");
	}
	for (int64_t at = INT64_C(-5000000000); at < INT64_C(5000000000); at += 777777777)
		check_instant(zone, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zone zone = {0};
	char *bytes = malloc(size ? size : 1);
	int r;

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	r = zone_read(bytes, size, &zone);
	if (r != 0 && r != -EINVAL)
		fail("an error");
	if (r == 0)
		check_zone(&zone);
	zone_clear(&zone);
	free(bytes);
	return 0;
}
