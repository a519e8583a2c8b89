#include "recur.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <libical/ical.h>

#include "civil.h"

enum {
	TEXT_MAX = 2000,
	DIGITS_MAX = 6,
	COUNT_MOST = 999999,
	INTERVAL_MOST = SHRT_MAX, /* of libical */
	YEAR_MOST = 9999,
};

/* ---- reading --------------------------------------------------------------------------------- */

/* libical takes COUNT=x for 0 and INTERVAL=0 for 1, and numbers wrap around in it. */
static bool is_count(const char *text, size_t length, long most)
{
	size_t digits = strspn(text, "0123456789");

	long number = digits == length && digits <= DIGITS_MAX ? strtol(text, NULL, 10) : 0;

	return number > 0 && number <= most;
}

static bool part_is(const char *part, size_t length, const char *name)
{
	return length == strlen(name) && strncasecmp(part, name, length) == 0;
}

/* The parts are looked at before libical sees them. */
static bool is_rule_text(const char *text)
{
	bool counted = false, ends = false, stepped = false, named = false;

	if (strlen(text) > TEXT_MAX)
		return false;
	for (; *text; text += *text == ';') {
		size_t name = strcspn(text, "=;"), value;
		bool *seen = NULL;

		if (text[name] != '=')
			return false;
		value = strcspn(text + name + 1, ";");
		if (part_is(text, name, "FREQ"))
			seen = &named;
		else if (part_is(text, name, "COUNT"))
			seen = &counted;
		else if (part_is(text, name, "INTERVAL"))
			seen = &stepped;
		else if (part_is(text, name, "UNTIL"))
			seen = &ends;
		if (seen && *seen)
			return false;
		if (seen == &counted && !is_count(text + name + 1, value, COUNT_MOST))
			return false;
		if (seen == &stepped && !is_count(text + name + 1, value, INTERVAL_MOST))
			return false;
		if (seen)
			*seen = true;
		text += name + 1 + value;
	}
	return named;
}

static bool read_frequency(const struct icalrecurrencetype *from, struct recur *rule)
{
	switch (from->freq) {
	case ICAL_DAILY_RECURRENCE:
		rule->frequency = RECUR_DAILY;
		return true;
	case ICAL_WEEKLY_RECURRENCE:
		rule->frequency = RECUR_WEEKLY;
		return true;
	case ICAL_MONTHLY_RECURRENCE:
		rule->frequency = RECUR_MONTHLY;
		return true;
	case ICAL_YEARLY_RECURRENCE:
		rule->frequency = RECUR_YEARLY;
		return true;
	case ICAL_SECONDLY_RECURRENCE:
	case ICAL_MINUTELY_RECURRENCE:
	case ICAL_HOURLY_RECURRENCE:
	case ICAL_NO_RECURRENCE:
		break;
	}
	return false;
}

static bool read_until(const struct icaltimetype *until, struct recur *rule)
{
	if (icaltime_is_null_time(*until))
		return true;
	if (until->year < 1 || until->year > YEAR_MOST || until->month < 1 || until->month > 12
		|| until->day < 1 || until->day > civil_month_length(until->year, until->month))
		return false;
	rule->until = civil_days(until->year, until->month, until->day) * DAY_SECONDS;
	if (until->is_date) {
		rule->until_kind = RECUR_UNTIL_DAY;
		return true;
	}
	if (until->hour < 0 || until->hour > 23 || until->minute < 0 || until->minute > 59
		|| until->second < 0 || until->second > 60)
		return false;
	rule->until_kind = icaltime_is_utc(*until) ? RECUR_UNTIL_UTC : RECUR_UNTIL_LOCAL;
	rule->until += until->hour * 3600 + until->minute * 60 + until->second;
	return true;
}

static bool read_days(const short *from, size_t size, int most, struct recur_days *days)
{
	for (size_t i = 0; i < size && from[i] != ICAL_RECURRENCE_ARRAY_MAX; i++) {
		int n = from[i];

		if (n == 0 || n > most || n < -most)
			return false;
		days->any = true;
		if (n > 0)
			days->front[n] = true;
		else
			days->back[-n] = true;
	}
	return true;
}

static bool read_months(const short *from, struct recur *rule)
{
	for (size_t i = 0; i < ICAL_BY_MONTH_SIZE && from[i] != ICAL_RECURRENCE_ARRAY_MAX; i++) {
		if (from[i] < 1 || from[i] > 12)
			return false;
		rule->any_month = true;
		rule->months[from[i]] = true;
	}
	return true;
}

static bool read_weekdays(const short *from, struct recur *rule)
{
	for (size_t i = 0; i < ICAL_BY_DAY_SIZE && from[i] != ICAL_RECURRENCE_ARRAY_MAX; i++) {
		int weekday = (int)icalrecurrencetype_day_day_of_week(from[i]) - 1;
		int nth = icalrecurrencetype_day_position(from[i]);

		if (weekday < 0 || weekday > 6 || nth > RECUR_ORDINAL_MAX
			|| nth < -RECUR_ORDINAL_MAX)
			return false;
		rule->any_weekday = true;
		if (nth == 0)
			rule->weekdays[weekday] = true;
		else if (nth > 0)
			rule->nth_front[weekday][nth] = true;
		else
			rule->nth_back[weekday][-nth] = true;
	}
	return true;
}

/* Nothing, or only this number. */
static bool is_only(const short *list, int64_t number)
{
	return list[0] == ICAL_RECURRENCE_ARRAY_MAX
	       || (list[0] == number && list[1] == ICAL_RECURRENCE_ARRAY_MAX);
}

static bool fits_clock(const struct icalrecurrencetype *from, int64_t start)
{
	int64_t clock = start - civil_day_of(start) * DAY_SECONDS;

	return is_only(from->by_hour, clock / 3600) && is_only(from->by_minute, clock / 60 % 60)
	       && is_only(from->by_second, clock % 60);
}

static bool read_lists(const struct icalrecurrencetype *from, struct recur *rule)
{
	return read_months(from->by_month, rule) && read_weekdays(from->by_day, rule)
	       && read_days(from->by_month_day, ICAL_BY_MONTHDAY_SIZE, 31, &rule->month_days)
	       && read_days(from->by_year_day, ICAL_BY_YEARDAY_SIZE, 366, &rule->year_days)
	       && read_days(from->by_week_no, ICAL_BY_WEEKNO_SIZE, 53, &rule->weeks)
	       && read_days(from->by_set_pos, ICAL_BY_SETPOS_SIZE, 366, &rule->positions);
}

static bool convert(const struct icalrecurrencetype *from, struct recur *rule)
{
	rule->interval = from->interval;
	rule->count = from->count;
	rule->week_start = from->week_start == ICAL_NO_WEEKDAY ? 1 : (int)from->week_start - 1;
	return !from->rscale && from->interval > 0 && from->count >= 0 && read_frequency(from, rule)
	       && read_until(&from->until, rule) && read_lists(from, rule);
}

int recur_read(const char *text, int64_t start, struct recur *rule)
{
	struct icalrecurrencetype from;
	bool fine;

	memset(rule, 0, sizeof(*rule));
	if (!is_rule_text(text))
		return RECUR_REFUSED;
	from = icalrecurrencetype_from_string(text);
	fine = convert(&from, rule) && fits_clock(&from, start);
	free(from.rscale);
	return fine ? 0 : RECUR_REFUSED;
}

/* ---- periods --------------------------------------------------------------------------------- */

static int64_t week_begin(const struct recur *rule, int64_t day)
{
	return day - (civil_weekday(day) - rule->week_start + 7) % 7;
}

/* The first week of a year is the one with four days or more in it: the one of January 4. */
static int64_t weeks_begin(const struct recur *rule, int64_t year)
{
	return week_begin(rule, civil_days(year, 1, 4));
}

/* The first day of the period that is n units (not intervals) behind the one of day. */
static int64_t period_begin(const struct recur *rule, int64_t day, int64_t n)
{
	struct civil date = civil_of_days(day);
	int64_t months;

	switch (rule->frequency) {
	case RECUR_DAILY:
		return day + n;
	case RECUR_WEEKLY:
		return week_begin(rule, day) + 7 * n;
	case RECUR_MONTHLY:
		months = date.year * 12 + date.month - 1 + n;
		return civil_days(months / 12, (int)(months % 12) + 1, 1);
	case RECUR_YEARLY:
		if (!rule->weeks.any)
			return civil_days(date.year + n, 1, 1);
		if (day < weeks_begin(rule, date.year))
			date.year--;
		else if (day >= weeks_begin(rule, date.year + 1))
			date.year++;
		return weeks_begin(rule, date.year + n);
	}
	return day;
}

/* Few enough periods of the rule that the one of day cannot be skipped. */
static int64_t periods_before(const struct recur *rule, int64_t days)
{
	static const int64_t longest[] = {1, 7, 31, 371};
	int64_t n = days / longest[rule->frequency] / rule->interval - 1;

	return n > 0 ? n : 0;
}

/* ---- which days of a period ------------------------------------------------------------------ */

static bool has_day(const struct recur_days *days, int64_t front, int64_t back)
{
	return !days->any || days->front[front] || days->back[back];
}

static bool weekday_fits(
	const struct recur *rule, int weekday, const struct civil *date, int64_t year_day)
{
	bool of_month = rule->frequency == RECUR_MONTHLY
			|| (rule->frequency == RECUR_YEARLY && rule->any_month);
	int64_t at = of_month ? date->day : year_day;
	int64_t length = of_month ? civil_month_length(date->year, date->month)
				  : 365 + civil_is_leap(date->year);

	if (!rule->any_weekday || rule->weekdays[weekday])
		return true;
	if (rule->frequency < RECUR_MONTHLY || rule->weeks.any) { /* no ordinals there */
		for (int i = 1; i <= RECUR_ORDINAL_MAX; i++) {
			if (rule->nth_front[weekday][i] || rule->nth_back[weekday][i])
				return true;
		}
		return false;
	}
	return rule->nth_front[weekday][(at - 1) / 7 + 1]
	       || rule->nth_back[weekday][(length - at) / 7 + 1];
}

static bool week_fits(const struct recur *rule, int64_t day, int64_t begin, int64_t end)
{
	return has_day(&rule->weeks, (day - begin) / 7 + 1, (end - day - 1) / 7 + 1);
}

static bool day_fits(const struct recur *rule, int64_t day, const struct civil *date)
{
	int month_length = civil_month_length(date->year, date->month);
	int64_t year_day = day - civil_days(date->year, 1, 1) + 1;

	return has_day(&rule->month_days, date->day, month_length - date->day + 1)
	       && has_day(
		       &rule->year_days, year_day, 365 + civil_is_leap(date->year) - year_day + 1)
	       && weekday_fits(rule, civil_weekday(day), date, year_day);
}

/* BYSETPOS */
static void choose_positions(struct recur_walk *walk)
{
	int kept = 0;

	if (!walk->rule.positions.any)
		return;
	for (int i = 0; i < walk->n_days; i++) {
		if (i < 366 && walk->n_days - i <= 366
			&& has_day(&walk->rule.positions, i + 1, walk->n_days - i))
			walk->days[kept++] = walk->days[i];
	}
	walk->n_days = kept;
}

/* Fills walk->days; false when the steps are used up. */
static bool look_at_period(struct recur_walk *walk, int64_t begin, int64_t end)
{
	const struct recur *rule = &walk->rule;
	bool yearly_weeks = rule->frequency == RECUR_YEARLY && rule->weeks.any;

	walk->n_days = walk->next_day = 0;
	for (int64_t day = begin; day < end;) {
		struct civil date = civil_of_days(day);

		if (*walk->steps <= 0)
			return false;
		--*walk->steps;
		if (rule->any_month && !rule->months[date.month]) {
			day += civil_month_length(date.year, date.month) - date.day + 1;
			continue;
		}
		if (day_fits(rule, day, &date)
			&& (!yearly_weeks || week_fits(rule, day, begin, end)))
			walk->days[walk->n_days++] = day;
		day++;
	}
	choose_positions(walk);
	return true;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void set_day(struct recur_days *days, int day)
{
	days->any = true;
	days->front[day] = true;
}

/* What the rule does not say is as the start is. */
static void fill_in(struct recur *rule, int64_t day)
{
	struct civil date = civil_of_days(day);

	if (rule->any_weekday || rule->month_days.any || rule->year_days.any)
		return;
	switch (rule->frequency) {
	case RECUR_DAILY:
		return;
	case RECUR_YEARLY:
		if (!rule->weeks.any) {
			if (!rule->any_month)
				rule->any_month = rule->months[date.month] = true;
			set_day(&rule->month_days, date.day);
			return;
		}
		break;
	case RECUR_MONTHLY:
		set_day(&rule->month_days, date.day);
		return;
	case RECUR_WEEKLY:
		break;
	}
	rule->any_weekday = rule->weekdays[civil_weekday(day)] = true;
}

void recur_begin(struct recur_walk *walk, const struct recur *rule, int64_t start, int64_t from,
	int64_t to, long *steps)
{
	int64_t day = civil_day_of(start);

	walk->rule = *rule;
	walk->start = start;
	walk->to = to;
	walk->given = 0;
	walk->steps = steps;
	walk->n_days = walk->next_day = 0;
	walk->period = 0;
	if (rule->count == 0 && from > start)
		walk->period = periods_before(rule, civil_day_of(from) - day);
	fill_in(&walk->rule, day);
}

static bool next_period(struct recur_walk *walk)
{
	const struct recur *rule = &walk->rule;
	int64_t day = civil_day_of(walk->start), n = walk->period * rule->interval;
	int64_t begin = period_begin(rule, day, n);

	if (begin > civil_day_of(walk->to))
		return false;
	walk->period++;
	return look_at_period(walk, begin, period_begin(rule, day, n + 1));
}

static bool is_behind(const struct recur_walk *walk, int64_t local)
{
	const struct recur *rule = &walk->rule;

	if (local > walk->to || (rule->count > 0 && walk->given >= rule->count))
		return true;
	if (rule->until_kind == RECUR_UNTIL_DAY)
		return local >= rule->until + DAY_SECONDS;
	return rule->until_kind == RECUR_UNTIL_LOCAL && local > rule->until;
}

bool recur_next(struct recur_walk *walk, int64_t *local)
{
	int64_t clock = walk->start - civil_day_of(walk->start) * DAY_SECONDS;

	for (;;) {
		while (walk->next_day >= walk->n_days) {
			if (!next_period(walk))
				return false;
		}
		*local = walk->days[walk->next_day++] * DAY_SECONDS + clock;
		if (*local < walk->start)
			continue;
		if (is_behind(walk, *local))
			return false;
		walk->given++;
		return true;
	}
}
