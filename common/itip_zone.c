/* The zones of itip_time: those of the tz database, and what a VTIMEZONE says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "itip_lines.h"
#include "itip_time.h"
#include "recur.h"

enum {
	NAME_MAX_OCTETS = 255,
	STEPS_MOST = 1000 * 1000,
	FIRST_YEAR = 1968, /* rules are followed from here; the one before 1970 is needed */
	OFFSET_MOST = 26 * 3600,
	OBSERVANCES_MOST = 50, /* of a zone */
};

struct itip_own_zone {
	size_t part;
	bool is_made, is_bad;
	struct zone zone;
};

struct onset {
	int64_t at;
	int32_t before, after;
};

struct onsets {
	struct onset *all;
	size_t n, size;
};

void itip_zones_init(
	struct itip_zones *zones, const struct zones *system, const struct itip_lines *lines)
{
	*zones = (struct itip_zones){.system = system, .lines = lines, .steps = STEPS_MOST};
}

void itip_zones_clear(struct itip_zones *zones)
{
	for (size_t i = 0; i < zones->n_own; i++)
		zone_clear(&zones->own[i].zone);
	free(zones->own);
	*zones = (struct itip_zones){0};
}

/* ---- one observance -------------------------------------------------------------------------- */

static int add_onset(struct onsets *onsets, int64_t local, const struct onset *like)
{
	if (onsets->n == ZONE_CHANGES_MAX)
		return ITIP_ZONE_UNKNOWN;
	if (onsets->n == onsets->size) {
		size_t size = onsets->size ? 2 * onsets->size : 64;
		struct onset *more = reallocarray(onsets->all, size, sizeof(*more));

		if (!more)
			return -ENOMEM;
		onsets->all = more;
		onsets->size = size;
	}
	onsets->all[onsets->n] = *like;
	onsets->all[onsets->n++].at = local - like->before;
	return 0;
}

/* "+0100", "-043000" */
static bool parse_offset(const struct itip_line *line, int32_t *offset)
{
	const char *text = line ? line->value : "";
	size_t digits = *text ? strspn(text + 1, "0123456789") : 0;
	long number;

	if ((*text != '+' && *text != '-') || (digits != 4 && digits != 6) || text[1 + digits])
		return false;
	number = strtol(text + 1, NULL, 10);
	if (digits == 4)
		number *= 100;
	if (number % 100 > 59 || number / 100 % 100 > 59)
		return false;
	*offset = (int32_t)(number / 10000 * 3600 + number / 100 % 100 * 60 + number % 100);
	if (*text == '-')
		*offset = -*offset;
	return *offset >= -OFFSET_MOST && *offset <= OFFSET_MOST;
}

/* A rule's onsets; its UNTIL is in UTC, or (against RFC 5545, 3.6.5) as DTSTART is. */
static int follow(struct itip_zones *zones, const char *text, int64_t start,
	const struct onset *like, struct onsets *onsets)
{
	const int64_t from = civil_days(FIRST_YEAR, 1, 1) * DAY_SECONDS;
	const int64_t to = civil_days(ZONE_LAST_YEAR + 1, 1, 1) * DAY_SECONDS;
	struct recur rule;
	struct recur_walk walk;
	int64_t local;
	int r = 0;

	if (recur_read(text, start, &rule) != 0 || rule.frequency != RECUR_YEARLY)
		return ITIP_ZONE_UNKNOWN;
	recur_begin(&walk, &rule, start, from, to, &zones->steps);
	while (r == 0 && recur_next(&walk, &local)) {
		if (rule.until_kind == RECUR_UNTIL_UTC && local - like->before > rule.until)
			break;
		r = add_onset(onsets, local, like);
	}
	return zones->steps <= 0 && r == 0 ? ITIP_ZONE_UNKNOWN : r;
}

static int add_dates(const struct itip_line *line, const struct onset *like, struct onsets *onsets)
{
	const char *list = line->value, *end = list + strlen(list), *text;
	struct itip_moment moment;
	size_t length;
	int r = 0;

	while (r == 0 && itip_take_value(&list, end, &text, &length)) {
		if (!itip_moment_parse(text, length, &moment))
			return ITIP_ZONE_UNKNOWN;
		r = add_onset(onsets, moment.local + (moment.is_utc ? like->before : 0), like);
	}
	return r;
}

static int add_observance(struct itip_zones *zones, size_t part, struct onsets *onsets)
{
	const struct itip_lines *lines = zones->lines;
	const struct itip_line *start = itip_line_first(lines, part, ITIP_P_DTSTART), *line;
	struct itip_moment moment;
	struct onset like = {0};
	int r;

	if (!parse_offset(itip_line_first(lines, part, ITIP_P_OFFSET_FROM), &like.before)
		|| !parse_offset(itip_line_first(lines, part, ITIP_P_OFFSET_TO), &like.after)
		|| !start || !itip_moment_parse(start->value, strlen(start->value), &moment))
		return ITIP_ZONE_UNKNOWN;
	r = add_onset(onsets, moment.local, &like);
	for (line = itip_line_first(lines, part, ITIP_P_RRULE); line && r == 0;
		line = itip_line_after(lines, line))
		r = follow(zones, line->value, moment.local, &like, onsets);
	for (line = itip_line_first(lines, part, ITIP_P_RDATE); line && r == 0;
		line = itip_line_after(lines, line))
		r = add_dates(line, &like, onsets);
	return r;
}

/* ---- a zone ---------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct onset *left = a, *right = b;

	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	/* At the same instant the one that follows from the other comes last. */
	if (left->after == right->before && left->before != right->after)
		return -1;
	if (right->after == left->before && right->before != left->after)
		return 1;
	return (left->after > right->after) - (left->after < right->after);
}

static int put_together(struct onsets *onsets, struct zone *zone)
{
	int r = 0;

	if (onsets->n == 0)
		return ITIP_ZONE_UNKNOWN;
	qsort(onsets->all, onsets->n, sizeof(*onsets->all), compare);
	zone->first = onsets->all[0].before;
	for (size_t i = 0; i < onsets->n && r == 0; i++) {
		if (i + 1 < onsets->n && onsets->all[i + 1].at == onsets->all[i].at)
			continue;
		r = zone_add(zone, onsets->all[i].at, onsets->all[i].after);
	}
	return r == -E2BIG ? ITIP_ZONE_UNKNOWN : r;
}

static int make_zone(struct itip_zones *zones, struct itip_own_zone *own)
{
	struct onsets onsets = {0};
	int r = 0, n = 0;

	for (size_t i = 0; i < zones->lines->n_parts && r == 0; i++) {
		if (zones->lines->parts[i].parent == own->part)
			r = n++ < OBSERVANCES_MOST ? add_observance(zones, i, &onsets)
						   : ITIP_ZONE_UNKNOWN;
	}
	if (r == 0)
		r = put_together(&onsets, &own->zone);
	free(onsets.all);
	own->is_bad = r == ITIP_ZONE_UNKNOWN;
	own->is_made = r != -ENOMEM;
	return r;
}

/* ---- by name --------------------------------------------------------------------------------- */

/* Lists the VTIMEZONEs. The array never moves afterwards: moments point to its zones. */
static int list_own(struct itip_zones *zones)
{
	const struct itip_lines *lines = zones->lines;

	zones->own = calloc(ITIP_ZONES_MAX, sizeof(*zones->own));
	if (!zones->own)
		return -ENOMEM;
	for (size_t i = 0; i < lines->n_parts && zones->n_own < ITIP_ZONES_MAX; i++) {
		if (lines->parts[i].kind == ITIP_PART_ZONE)
			zones->own[zones->n_own++].part = i;
	}
	return 0;
}

static const char *skip_escape(const char *text)
{
	return *text == '\\' && text[1] && strchr("\\;,", text[1]) ? text + 1 : text;
}

/* The value of TZID is a text, in which commas are escaped; the parameter is none, but who
   knows. */
static bool is_named(const struct itip_line *line, const char *name)
{
	const char *text = line ? line->value : "";

	for (; *text && *name; text++, name++) {
		text = skip_escape(text);
		name = skip_escape(name);
		if (strncasecmp(text, name, 1) != 0)
			return false;
	}
	return line && !*text && !*name;
}

static int find_own(struct itip_zones *zones, const char *name, const struct zone **zone)
{
	int r = zones->own ? 0 : list_own(zones);

	for (size_t i = 0; i < zones->n_own && r == 0; i++) {
		struct itip_own_zone *own = &zones->own[i];

		if (!is_named(itip_line_first(zones->lines, own->part, ITIP_P_TZID), name))
			continue;
		if (!own->is_made)
			r = make_zone(zones, own);
		*zone = &own->zone;
		return own->is_bad ? ITIP_ZONE_UNKNOWN : r;
	}
	return r == 0 ? ITIP_ZONE_UNKNOWN : r;
}

/*
 * What the tz database knows goes before the object's own word: that may be cut, or of the year
 * in which somebody's program was built.
 */
int itip_line_zone(struct itip_zones *zones, const struct itip_line *line, const struct zone **zone)
{
	const char *value, *end;
	size_t length;
	char name[NAME_MAX_OCTETS + 1];

	*zone = NULL;
	if (!itip_line_parameter(line, "TZID", &value, &length))
		return 0;
	end = value + length;
	/* Only quotes matter: Outlook for Mac lists four towns, parted by commas. */
	if (length >= 2 && *value == '"' && end[-1] == '"') {
		value++;
		length -= 2;
	}
	if (length > NAME_MAX_OCTETS)
		return ITIP_ZONE_UNKNOWN;
	memcpy(name, value, length);
	name[length] = '\0';
	*zone = zones_find(zones->system, name);
	return *zone ? 0 : find_own(zones, name, zone);
}
