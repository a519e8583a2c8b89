#include "itip_time.h"

#include <string.h>

#include "civil.h"
#include "itip_lines.h"

enum { DURATION_DAYS_MOST = 3660 };

/* ---- times ----------------------------------------------------------------------------------- */

static bool take_digits(const char *text, size_t n, int *number)
{
	*number = 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*number = *number * 10 + (text[i] - '0');
	}
	return true;
}

static bool parse_date(const char *text, int64_t *days)
{
	int year, month, day;

	if (!take_digits(text, 4, &year) || !take_digits(text + 4, 2, &month)
		|| !take_digits(text + 6, 2, &day) || year < 1 || month < 1 || month > 12 || day < 1
		|| day > civil_month_length(year, month))
		return false;
	*days = civil_days(year, month, day);
	return true;
}

/* A leap second counts as the one that follows. */
static bool parse_clock(const char *text, int *seconds)
{
	int h, m, s;

	if (!take_digits(text, 2, &h) || !take_digits(text + 2, 2, &m)
		|| !take_digits(text + 4, 2, &s) || h > 23 || m > 59 || s > 60)
		return false;
	*seconds = h * 3600 + m * 60 + s;
	return true;
}

bool itip_moment_parse(const char *text, size_t length, struct itip_moment *moment)
{
	int64_t days;
	int seconds = 0;

	*moment = (struct itip_moment){.is_date = length == 8};
	if (length != 8 && length != 15 && length != 16)
		return false;
	if (!parse_date(text, &days))
		return false;
	if (length > 8 && ((text[8] != 'T' && text[8] != 't') || !parse_clock(text + 9, &seconds)))
		return false;
	if (length == 16 && text[15] != 'Z' && text[15] != 'z')
		return false;
	moment->is_utc = length == 16;
	moment->local = days * DAY_SECONDS + seconds;
	return true;
}

int itip_line_moment(
	struct itip_zones *zones, const struct itip_line *line, struct itip_moment *moment)
{
	if (!itip_moment_parse(line->value, strlen(line->value), moment))
		return ITIP_TIME_INVALID;
	if (moment->is_utc || moment->is_date)
		return 0;
	return itip_line_zone(zones, line, &moment->zone);
}

int64_t itip_moment_instant(const struct itip_moment *moment)
{
	return moment->zone ? zone_to_utc(moment->zone, moment->local) : moment->local;
}

/* ---- durations ------------------------------------------------------------------------------- */

static bool take_amount(const char **text, const char *end, int64_t *amount)
{
	const char *begin = *text;

	for (*amount = 0; *text < end && **text >= '0' && **text <= '9'; (*text)++) {
		*amount = *amount * 10 + (**text - '0');
		if (*text - begin > 9)
			return false;
	}
	return *text > begin && *text < end;
}

/* Seconds of a unit, or 0; units come from the largest to the smallest. */
static int64_t unit_seconds(char unit, bool in_time)
{
	switch (unit) {
	case 'W':
		return in_time ? 0 : 7 * DAY_SECONDS;
	case 'D':
		return in_time ? 0 : DAY_SECONDS;
	case 'H':
		return in_time ? 3600 : 0;
	case 'M':
		return in_time ? 60 : 0;
	case 'S':
		return in_time ? 1 : 0;
	default:
		return 0;
	}
}

bool itip_duration_parse(const char *text, size_t length, struct itip_duration *duration)
{
	const char *end = text + length;
	int64_t last = INT64_MAX;
	bool in_time = false;

	*duration = (struct itip_duration){0};
	if (text < end && *text == '+')
		text++;
	if (end - text < 3 || *text++ != 'P')
		return false;
	while (text < end) {
		int64_t amount, unit;

		if (*text == 'T' && !in_time) {
			in_time = true;
			text++;
		}
		if (!take_amount(&text, end, &amount))
			return false;
		unit = unit_seconds(*text++, in_time);
		if (unit == 0 || unit >= last)
			return false;
		last = unit;
		if (in_time)
			duration->seconds += amount * unit;
		else
			duration->days += amount * (unit / DAY_SECONDS);
	}
	return duration->days + duration->seconds / DAY_SECONDS <= DURATION_DAYS_MOST;
}
