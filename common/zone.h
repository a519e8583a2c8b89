/*
 * zone - time zones, and the instants that local times are
 *
 * The system's tz database (RFC 8536) is read whole once, 1.6 MB, and no file is opened afterwards:
 * the process that reads mail does it before its sandbox closes. Not by libical: that takes 22 MB,
 * and local times near a change it takes for the wrong instant.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	ZONE_CHANGES_MAX = 4000,
	ZONE_LAST_YEAR = 2100, /* rules that go on for ever are followed so far */
};

#define ZONES_SYSTEM "/usr/share/zoneinfo"

struct zone_change {
	int64_t at;     /* UTC */
	int32_t offset; /* seconds east of UTC, from then on */
};

struct zone {
	char *name;
	int32_t first;               /* the offset before any change */
	struct zone_change *changes; /* in order of time */
	size_t n_changes;
};

struct zones {
	struct zone *zones; /* in order of name, without regard to case */
	size_t n_zones;
};

/* 0 or -errno (-ENOENT: there is none). Files that are not understood are left out. */
int zones_load(const char *directory, struct zones **zonesp) __attribute__((warn_unused_result));
struct zones *zones_free(struct zones *zones);

/*
 * By IANA name, by Windows name, or by a globally unique name
 * ("/mozilla.org/20050126_1/Europe/Berlin"); NULL when it is none, or when zones is NULL.
 */
const struct zone *zones_find(const struct zones *zones, const char *name);

int32_t zone_offset(const struct zone *zone, int64_t utc);

/*
 * The instant of a local time (seconds since 1970 as if it were in UTC). RFC 5545, 3.3.5: of two
 * the first; in a gap, what it would be by the offset before the gap.
 */
int64_t zone_to_utc(const struct zone *zone, int64_t local);

/* Frees what the zone holds. */
void zone_clear(struct zone *zone);

/*
 * For those who make zones. Appends a change, which is later than the others; one that changes
 * nothing is left out. 0, -ENOMEM, or -E2BIG beyond ZONE_CHANGES_MAX.
 */
int zone_add(struct zone *zone, int64_t at, int32_t offset) __attribute__((warn_unused_result));

/* A file of the tz database. 0, -ENOMEM, or -EINVAL when it is none. */
int zone_read(const char *bytes, size_t length, struct zone *zone)
	__attribute__((warn_unused_result));
