/* The files of the tz database: RFC 8536. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "civil.h"
#include "file.h"
#include "zone.h"

enum {
	FILE_MAX = 64 * 1024,
	DEPTH_MAX = 3, /* "America/Argentina/Ushuaia" */
	ZONES_MAX = 4000,
	HEADER_SIZE = 44,
	TYPES_MAX = 256,
	HOUR = 3600,
	OFFSET_MOST = 26 * HOUR,
};

/* ---- the footer: how it goes on after the last change that is written down ------------------- */

/* "M10.5.0/3": the fifth, which is the last, Sunday of October at three in local time */
struct turn {
	int month, week, weekday;
	int32_t seconds;
};

struct footer {
	int32_t standard, summer;
	struct turn begins, ends;
	bool has_summer;
};

static bool take_number(const char **text, int *number)
{
	int n = 0;

	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		n = n * 10 + (**text - '0');
		if (n > 1000)
			return false;
	}
	*number = n;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* [+-]h[:m[:s]] */
static bool take_clock(const char **text, int32_t *seconds)
{
	int h = 0, m = 0, s = 0;
	bool minus = take_char(text, '-');

	if (!minus)
		(void)take_char(text, '+');
	if (!take_number(text, &h) || (take_char(text, ':') && !take_number(text, &m))
		|| (take_char(text, ':') && !take_number(text, &s)))
		return false;
	*seconds = (minus ? -1 : 1) * (h * HOUR + m * 60 + s);
	return h <= 167 && m < 60 && s < 60;
}

/* "CET" or "<+03>" */
static bool take_letters(const char **text)
{
	size_t n;

	if (take_char(text, '<')) {
		n = strcspn(*text, ">\n");
		*text += n;
		return take_char(text, '>');
	}
	n = strspn(*text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	*text += n;
	return n > 0;
}

static bool take_turn(const char **text, struct turn *turn)
{
	turn->seconds = 2 * HOUR;
	if (!take_char(text, ',') || !take_char(text, 'M') || !take_number(text, &turn->month)
		|| !take_char(text, '.') || !take_number(text, &turn->week) || !take_char(text, '.')
		|| !take_number(text, &turn->weekday))
		return false;
	if (take_char(text, '/') && !take_clock(text, &turn->seconds))
		return false;
	return turn->month >= 1 && turn->month <= 12 && turn->week >= 1 && turn->week <= 5
	       && turn->weekday <= 6;
}

/* As a clock, counted westwards. */
static bool take_west(const char **text, int32_t *west)
{
	return take_clock(text, west) && *west >= -OFFSET_MOST && *west <= OFFSET_MOST;
}

static bool read_footer(const char *text, struct footer *footer)
{
	int32_t west;

	*footer = (struct footer){0};
	if (!take_letters(&text) || !take_west(&text, &west))
		return false;
	footer->standard = -west;
	if (*text == '\n')
		return true;
	footer->has_summer = true;
	footer->summer = footer->standard + HOUR;
	if (!take_letters(&text))
		return false;
	if (*text != ',') {
		if (!take_west(&text, &west))
			return false;
		footer->summer = -west;
	}
	return take_turn(&text, &footer->begins) && take_turn(&text, &footer->ends)
	       && *text == '\n';
}

static int64_t turn_at(const struct turn *turn, int64_t year, int32_t offset)
{
	int64_t first = civil_days(year, turn->month, 1);
	int day = (turn->weekday - civil_weekday(first) + 7) % 7 + 7 * (turn->week - 1);

	while (day >= civil_month_length(year, turn->month))
		day -= 7;
	return (first + day) * DAY_SECONDS + turn->seconds - offset;
}

static int add_later(struct zone *zone, int64_t at, int32_t offset)
{
	if (zone->n_changes > 0 && at <= zone->changes[zone->n_changes - 1].at)
		return 0;
	return zone_add(zone, at, offset);
}

static int follow_footer(struct zone *zone, const struct footer *footer)
{
	int64_t year = 1970;
	int r = 0;

	if (!footer->has_summer)
		return 0;
	if (zone->n_changes > 0)
		year = civil_of_days(civil_day_of(zone->changes[zone->n_changes - 1].at)).year;
	for (; year <= ZONE_LAST_YEAR && r == 0; year++) {
		int64_t begins = turn_at(&footer->begins, year, footer->standard);
		int64_t ends = turn_at(&footer->ends, year, footer->summer);

		r = begins < ends ? add_later(zone, begins, footer->summer)
				  : add_later(zone, ends, footer->standard);
		if (r == 0)
			r = begins < ends ? add_later(zone, ends, footer->standard)
					  : add_later(zone, begins, footer->summer);
	}
	return r;
}

/* ---- the changes that are written down ------------------------------------------------------- */

struct tzif {
	size_t utc_marks, standard_marks, leaps, times, types, letters;
};

static uint32_t big_endian32(const char *bytes)
{
	const unsigned char *b = (const unsigned char *)bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t big_endian64(const char *bytes)
{
	return (int64_t)((uint64_t)big_endian32(bytes) << 32 | big_endian32(bytes + 4));
}

static bool read_header(const char *bytes, size_t length, struct tzif *tzif)
{
	if (length < HEADER_SIZE || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2')
		return false;
	*tzif = (struct tzif){
		.utc_marks = big_endian32(bytes + 20),
		.standard_marks = big_endian32(bytes + 24),
		.leaps = big_endian32(bytes + 28),
		.times = big_endian32(bytes + 32),
		.types = big_endian32(bytes + 36),
		.letters = big_endian32(bytes + 40),
	};
	return tzif->utc_marks <= TYPES_MAX && tzif->standard_marks <= TYPES_MAX
	       && tzif->leaps <= FILE_MAX && tzif->times <= ZONE_CHANGES_MAX && tzif->types >= 1
	       && tzif->types <= TYPES_MAX && tzif->letters <= FILE_MAX;
}

static size_t body_size(const struct tzif *tzif, size_t time_size)
{
	return tzif->times * (time_size + 1) + tzif->types * 6 + tzif->letters
	       + tzif->leaps * (time_size + 4) + tzif->standard_marks + tzif->utc_marks;
}

static bool read_offset(const char *types, size_t i, int32_t *offset)
{
	*offset = (int32_t)big_endian32(types + 6 * i);
	return *offset >= -OFFSET_MOST && *offset <= OFFSET_MOST;
}

static int read_changes(const char *body, const struct tzif *tzif, struct zone *zone)
{
	const char *indices = body + 8 * tzif->times, *types = indices + tzif->times;
	int64_t last = INT64_MIN;
	int r = 0;

	if (!read_offset(types, 0, &zone->first))
		return -EINVAL;
	for (size_t i = 0; i < tzif->times && r == 0; i++) {
		int64_t at = big_endian64(body + 8 * i);
		size_t type = (unsigned char)indices[i];
		int32_t offset;

		if (type >= tzif->types || !read_offset(types, type, &offset)
			|| (i > 0 && at <= last))
			return -EINVAL;
		last = at;
		r = zone_add(zone, at, offset);
	}
	return r;
}

int zone_read(const char *bytes, size_t length, struct zone *zone)
{
	struct tzif tzif;
	struct footer footer;
	size_t at;
	int r;

	/* The first block, of 32-bit times, is for old programs. */
	if (!read_header(bytes, length, &tzif))
		return -EINVAL;
	at = HEADER_SIZE + body_size(&tzif, 4);
	if (at > length || !read_header(bytes + at, length - at, &tzif))
		return -EINVAL;
	at += HEADER_SIZE;
	if (length - at < body_size(&tzif, 8) + 2)
		return -EINVAL;
	r = read_changes(bytes + at, &tzif, zone);
	at += body_size(&tzif, 8);
	if (r != 0 || bytes[at] != '\n' || bytes[length - 1] != '\n')
		return r == -ENOMEM ? r : -EINVAL;
	if (read_footer(bytes + at + 1, &footer))
		r = follow_footer(zone, &footer);
	return r == 0 || r == -ENOMEM ? r : -EINVAL;
}

/* ---- the folder ------------------------------------------------------------------------------ */

static int add_zone(struct zones *zones, struct zone *zone, const char *name)
{
	size_t n = zones->n_zones;

	if (n >= ZONES_MAX)
		return 0;
	if (n == 0 || (n >= 64 && (n & (n - 1)) == 0)) {
		struct zone *more = reallocarray(zones->zones, n ? 2 * n : 64, sizeof(*more));

		if (!more)
			return -ENOMEM;
		zones->zones = more;
	}
	zone->name = strdup(name);
	if (!zone->name)
		return -ENOMEM;
	zones->zones[zones->n_zones++] = *zone;
	*zone = (struct zone){0};
	return 0;
}

static int load_file(struct zones *zones, const char *path, const char *name)
{
	struct zone zone = {0};
	char *bytes;
	size_t length;
	int r = file_read(path, FILE_MAX, &bytes, &length);

	if (r != 0)
		return r == -ENOMEM ? r : 0;
	r = zone_read(bytes, length, &zone);
	if (r == 0)
		r = add_zone(zones, &zone, name);
	zone_clear(&zone);
	free(bytes);
	return r == -ENOMEM ? r : 0;
}

/* "right" counts leap seconds, and the others are copies of what is beside them. */
static bool is_left_out(const char *name)
{
	return *name == '.' || strcmp(name, "right") == 0 || strcmp(name, "posix") == 0
	       || strcmp(name, "localtime") == 0 || strcmp(name, "posixrules") == 0
	       || strcmp(name, "Factory") == 0;
}

static int load_folder(struct zones *zones, const char *path, const char *prefix, int depth)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!folder)
		return depth > 1 ? 0 : -errno;
	while (r == 0 && (entry = readdir(folder))) {
		char below[PATH_MAX], name[PATH_MAX];

		if (is_left_out(entry->d_name)
			|| snprintf(below, sizeof(below), "%s/%s", path, entry->d_name)
				   >= (int)sizeof(below)
			|| snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "",
				   entry->d_name)
				   >= (int)sizeof(name))
			continue;
		if (entry->d_type != DT_DIR)
			r = load_file(zones, below, name);
		if (r == 0 && depth < DEPTH_MAX
			&& (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			r = load_folder(zones, below, name, depth + 1);
	}
	closedir(folder);
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcasecmp(((const struct zone *)a)->name, ((const struct zone *)b)->name);
}

int zones_load(const char *directory, struct zones **zonesp)
{
	struct zones *zones = calloc(1, sizeof(*zones));
	int r;

	*zonesp = NULL;
	if (!zones)
		return -ENOMEM;
	r = load_folder(zones, directory, "", 1);
	if (r == 0 && zones->n_zones == 0)
		r = -ENOENT;
	if (r != 0) {
		zones_free(zones);
		return r;
	}
	qsort(zones->zones, zones->n_zones, sizeof(zones->zones[0]), compare);
	*zonesp = zones;
	return 0;
}
