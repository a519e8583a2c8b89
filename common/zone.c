#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "zone.h"
#include "zone_names.h"

/* How many changes come at or before the instant. */
static size_t changes_until(const struct zone *zone, int64_t utc)
{
	size_t low = 0, high = zone->n_changes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->changes[middle].at <= utc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int32_t zone_offset(const struct zone *zone, int64_t utc)
{
	size_t n = changes_until(zone, utc);

	return n > 0 ? zone->changes[n - 1].offset : zone->first;
}

/*
 * A day before and a day after lie on either side of a change nearby. Before a change that turns
 * the clock back both offsets fit, and the one before gives the earlier instant; in a gap none
 * does.
 */
int64_t zone_to_utc(const struct zone *zone, int64_t local)
{
	int32_t before = zone_offset(zone, local - DAY_SECONDS);
	int32_t after = zone_offset(zone, local + DAY_SECONDS);

	if (before != after && zone_offset(zone, local - before) != before
		&& zone_offset(zone, local - after) == after)
		return local - after;
	return local - before;
}

int zone_add(struct zone *zone, int64_t at, int32_t offset)
{
	size_t n = zone->n_changes;

	if ((n > 0 ? zone->changes[n - 1].offset : zone->first) == offset)
		return 0;
	if (n >= ZONE_CHANGES_MAX)
		return -E2BIG;
	if (n == 0 || (n >= 8 && (n & (n - 1)) == 0)) {
		struct zone_change *more = reallocarray(
			zone->changes, n ? 2 * n : 8, sizeof(*more));

		if (!more)
			return -ENOMEM;
		zone->changes = more;
	}
	zone->changes[zone->n_changes++] = (struct zone_change){.at = at, .offset = offset};
	return 0;
}

void zone_clear(struct zone *zone)
{
	free(zone->name);
	free(zone->changes);
	*zone = (struct zone){0};
}

struct zones *zones_free(struct zones *zones)
{
	if (zones) {
		for (size_t i = 0; i < zones->n_zones; i++)
			zone_clear(&zones->zones[i]);
		free(zones->zones);
		free(zones);
	}
	return NULL;
}

static int compare(const void *key, const void *element)
{
	return strcasecmp(key, ((const struct zone *)element)->name);
}

static const struct zone *find_iana(const struct zones *zones, const char *name)
{
	return bsearch(name, zones->zones, zones->n_zones, sizeof(zones->zones[0]), compare);
}

const struct zone *zones_find(const struct zones *zones, const char *name)
{
	const char *iana = zone_name_of_windows(name);
	const struct zone *zone;

	if (!zones || zones->n_zones == 0)
		return NULL;
	zone = find_iana(zones, iana ? iana : name);
	/* Whoever gave a zone a name of its own put the IANA name behind: RFC 5545, 3.8.3.1. */
	if (!zone && *name == '/') {
		while (!zone && (name = strchr(name, '/')))
			zone = find_iana(zones, ++name);
	}
	return zone;
}
