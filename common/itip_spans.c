#include "itip_spans.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "itip_lines.h"
#include "itip_read.h"
#include "recur.h"

enum {
	RULES_MOST = 4,     /* of an event; more than one is rare */
	DATES_MOST = 20000, /* of an event, in the window */
	BAD_RULE = 1,       /* what the functions here return beside 0 and -ENOMEM */
};

struct occurrence {
	int64_t local, starts, ends;
};

struct list {
	void *all;
	size_t n, size;
};

/* What all functions here work on. */
struct search {
	struct itip_zones *zones;
	const struct itip_series *series;
	const struct itip_window *window;
	struct list found; /* struct occurrence */
	struct list gone;  /* int64_t: starts, by EXDATE and instances, sorted when all are there */
	struct list gone_days; /* int64_t: local days, by EXDATE */
	bool cut;
};

static int append(struct list *list, const void *item, size_t item_size)
{
	if (list->n == DATES_MOST)
		return BAD_RULE;
	if (list->n == list->size) {
		size_t size = list->size ? 2 * list->size : 32;
		void *more = reallocarray(list->all, size, item_size);

		if (!more)
			return -ENOMEM;
		list->all = more;
		list->size = size;
	}
	memcpy((char *)list->all + list->n++ * item_size, item, item_size);
	return 0;
}

/* ---- what there is --------------------------------------------------------------------------- */

int64_t itip_series_end(const struct itip_series *series, const struct itip_moment *start)
{
	struct itip_moment end = *start;

	end.local += series->wall;
	return itip_moment_instant(&end) + series->exact;
}

static bool is_in(const struct itip_window *window, int64_t starts, int64_t ends)
{
	return starts < ends && ends > window->from && starts <= window->to;
}

static int add(struct search *search, const struct itip_moment *start, int64_t ends)
{
	struct occurrence o = {start->local, itip_moment_instant(start), ends};

	return is_in(search->window, o.starts, o.ends) ? append(&search->found, &o, sizeof(o)) : 0;
}

static int follow(struct search *search, const char *text)
{
	const struct itip_series *series = search->series;
	int64_t length = series->wall + series->exact;
	struct itip_moment at = series->start;
	struct recur rule;
	struct recur_walk walk;
	size_t before = search->found.n;
	int r = recur_read(text, at.local, &rule) == 0 ? 0 : BAD_RULE;

	if (r != 0)
		return r;
	recur_begin(&walk, &rule, at.local,
		search->window->from - length - (int64_t)2 * DAY_SECONDS,
		search->window->to + (int64_t)2 * DAY_SECONDS, search->window->steps);
	while (r == 0 && search->found.n - before <= ITIP_READ_SPANS_MAX
		&& recur_next(&walk, &at.local)) {
		if (rule.until_kind == RECUR_UNTIL_UTC && itip_moment_instant(&at) > rule.until)
			break;
		r = add(search, &at, itip_series_end(series, &at));
	}
	search->cut |= *search->window->steps <= 0;
	return r;
}

/* "start/end" or "start/duration" */
static int add_period(
	struct search *search, struct itip_moment start, const char *end_text, size_t length)
{
	struct itip_moment end;
	struct itip_duration duration;

	if (itip_duration_parse(end_text, length, &duration)) {
		end = start;
		end.local += duration.days * DAY_SECONDS;
		return add(search, &start, itip_moment_instant(&end) + duration.seconds);
	}
	if (!itip_moment_parse(end_text, length, &end) || end.is_date)
		return BAD_RULE;
	end.zone = end.is_utc ? NULL : start.zone;
	return add(search, &start, itip_moment_instant(&end));
}

static int add_date(struct search *search, const struct zone *zone, const char *text, size_t length)
{
	const char *slash = memchr(text, '/', length);
	struct itip_moment start;

	if (!itip_moment_parse(text, slash ? (size_t)(slash - text) : length, &start))
		return BAD_RULE;
	if (search->series->start.is_date) {
		start = (struct itip_moment){
			.local = civil_day_of(start.local) * DAY_SECONDS, .is_date = true};
		slash = NULL;
	}
	if (start.is_date != search->series->start.is_date)
		return BAD_RULE;
	start.zone = start.is_utc || start.is_date ? NULL : zone;
	if (slash)
		return add_period(search, start, slash + 1, length - (size_t)(slash + 1 - text));
	return add(search, &start, itip_series_end(search->series, &start));
}

/* ---- what there is not ----------------------------------------------------------------------- */

static int remove_date(
	struct search *search, const struct zone *zone, const char *text, size_t length)
{
	struct itip_moment at;
	int64_t day, instant;

	if (!itip_moment_parse(text, length, &at))
		return BAD_RULE;
	day = civil_day_of(at.local);
	if (search->series->start.is_date || at.is_date)
		return append(&search->gone_days, &day, sizeof(day));
	at.zone = at.is_utc ? NULL : zone;
	instant = itip_moment_instant(&at);
	return append(&search->gone, &instant, sizeof(instant));
}

static int compare_numbers(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static void sort_numbers(struct list *list)
{
	if (list->n > 0)
		qsort(list->all, list->n, sizeof(int64_t), compare_numbers);
}

static bool has_number(const struct list *list, int64_t number)
{
	return list->n > 0 && bsearch(&number, list->all, list->n, sizeof(number), compare_numbers);
}

static bool is_gone(const struct search *search, const struct occurrence *o)
{
	return has_number(&search->gone, o->starts)
	       || has_number(&search->gone_days, civil_day_of(o->local));
}

static void take_away(struct search *search)
{
	struct occurrence *all = search->found.all;
	size_t kept = 0;

	sort_numbers(&search->gone);
	sort_numbers(&search->gone_days);
	for (size_t i = 0; i < search->found.n; i++) {
		if (!is_gone(search, &all[i]))
			all[kept++] = all[i];
	}
	search->found.n = kept;
}

/* ---- together -------------------------------------------------------------------------------- */

typedef int (*each_value)(
	struct search *search, const struct zone *zone, const char *text, size_t length);

static int for_each_value(struct search *search, enum itip_property property, each_value act)
{
	const struct itip_line *line = itip_line_first(
		search->zones->lines, search->series->part, property);
	int r = 0;

	for (; line && r == 0; line = itip_line_after(search->zones->lines, line)) {
		const char *list = line->value, *end = list + strlen(list), *text;
		const struct zone *zone;
		size_t length;

		r = itip_line_zone(search->zones, line, &zone);
		if (r == ITIP_ZONE_UNKNOWN)
			r = BAD_RULE;
		while (r == 0 && itip_take_value(&list, end, &text, &length))
			r = act(search, zone, text, length);
	}
	return r;
}

static int follow_rules(struct search *search)
{
	const struct itip_lines *lines = search->zones->lines;
	const struct itip_line *line = itip_line_first(lines, search->series->part, ITIP_P_RRULE);
	int r = 0;

	if (itip_line_first(lines, search->series->part, ITIP_P_EXRULE))
		return BAD_RULE; /* given up by RFC 5545 */
	for (int n = 0; line && r == 0; line = itip_line_after(lines, line))
		r = n++ < RULES_MOST ? follow(search, line->value) : BAD_RULE;
	return r;
}

/* The start always counts, whatever the rule says (RFC 5545, 3.8.5.3). */
static int add_start(struct search *search)
{
	const struct itip_moment *start = &search->series->start;

	return add(search, start, itip_series_end(search->series, start));
}

static int add_instances(
	struct search *search, const struct itip_instance *instances, size_t n_instances)
{
	int r = 0;

	for (size_t i = 0; i < n_instances && r == 0; i++)
		r = append(&search->gone, &instances[i].instead_of, sizeof(int64_t));
	if (r == 0)
		take_away(search);
	for (size_t i = 0; i < n_instances && r == 0; i++) {
		const struct itip_instance *instance = &instances[i];
		struct occurrence o = {0, instance->starts, instance->ends};

		if (!instance->is_gone && is_in(search->window, o.starts, o.ends))
			r = append(&search->found, &o, sizeof(o));
	}
	return r;
}

static int search_all(
	struct search *search, const struct itip_instance *instances, size_t n_instances)
{
	int r = add_start(search);

	if (r == 0)
		r = follow_rules(search);
	if (r == 0)
		r = for_each_value(search, ITIP_P_RDATE, add_date);
	if (r == 0)
		r = for_each_value(search, ITIP_P_EXDATE, remove_date);
	return r == 0 ? add_instances(search, instances, n_instances) : r;
}

static int compare_occurrences(const void *a, const void *b)
{
	const struct occurrence *left = a, *right = b;

	if (left->starts != right->starts)
		return left->starts < right->starts ? -1 : 1;
	return (left->ends > right->ends) - (left->ends < right->ends);
}

/* Sorted, each start once (of several the longest), as many as there is room for. */
static int hand_over(struct search *search, struct itip_spans *spans)
{
	struct occurrence *all = search->found.all;
	size_t n = search->found.n;

	if (n == 0)
		return 0;
	qsort(all, n, sizeof(*all), compare_occurrences);
	spans->spans = calloc(n, sizeof(*spans->spans));
	if (!spans->spans)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && all[i + 1].starts == all[i].starts)
			continue;
		if (spans->n == search->window->most) {
			spans->cut = true;
			break;
		}
		spans->spans[spans->n++] = (struct itip_span){all[i].starts, all[i].ends};
	}
	return 0;
}

int itip_spans_find(struct itip_zones *zones, const struct itip_series *series,
	const struct itip_instance *instances, size_t n_instances, const struct itip_window *window,
	struct itip_spans *spans)
{
	struct search search = {.zones = zones, .series = series, .window = window};
	int r = search_all(&search, instances, n_instances);

	*spans = (struct itip_spans){0};
	if (r == BAD_RULE) {
		spans->bad_rule = search.cut = true;
		search.found.n = 0;
		r = add_start(&search);
	}
	spans->cut = search.cut;
	if (r == 0)
		r = hand_over(&search, spans);
	free(search.found.all);
	free(search.gone.all);
	free(search.gone_days.all);
	return r;
}
