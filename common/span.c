#include "span.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Clamped sums: a moment past the edge of int64 is the edge, which no real span reaches. */
static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

static int64_t minus(int64_t a, int64_t b)
{
	int64_t difference;

	if (__builtin_sub_overflow(a, b, &difference))
		return b > 0 ? INT64_MIN : INT64_MAX;
	return difference;
}

bool span_list_is_valid(struct span_list list)
{
	for (size_t i = 0; i < list.n; i++) {
		if (list.spans[i].start >= list.spans[i].end)
			return false;
		if (i > 0 && list.spans[i].start < list.spans[i - 1].end)
			return false;
	}
	return true;
}

size_t span_list_seek(struct span_list list, int64_t moment)
{
	size_t low = 0, high = list.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list.spans[middle].end > moment)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The end of span i and of those behind it that touch. */
static int64_t end_of_run(struct span_list list, size_t i)
{
	while (i + 1 < list.n && list.spans[i + 1].start == list.spans[i].end)
		i++;
	return list.spans[i].end;
}

bool span_list_contains(struct span_list list, struct span span)
{
	size_t i = span_list_seek(list, span.start);

	return i < list.n && list.spans[i].start <= span.start && span.end <= end_of_run(list, i);
}

bool span_list_overlaps(struct span_list list, struct span span)
{
	size_t i = span_list_seek(list, span.start);

	return span.start < span.end && i < list.n && list.spans[i].start < span.end;
}

bool span_list_holds(struct span_list list, int64_t moment)
{
	size_t i = span_list_seek(list, moment);

	return i < list.n && list.spans[i].start <= moment;
}

int64_t span_list_next_within(struct span_list list, int64_t from, int64_t length)
{
	for (size_t i = span_list_seek(list, from); i < list.n; i++) {
		int64_t start = max64(from, list.spans[i].start), end;

		if (__builtin_add_overflow(start, length, &end))
			break;
		if (end <= list.spans[i].end || end <= end_of_run(list, i))
			return start;
	}
	return SPAN_NEVER;
}

int64_t span_list_next_outside(struct span_list list, int64_t from, int64_t before, int64_t after)
{
	int64_t start = from;

	for (size_t i = span_list_seek(list, minus(from, before)); i < list.n; i++) {
		if (plus(start, after) <= list.spans[i].start)
			break;
		start = max64(start, plus(list.spans[i].end, before));
	}
	return start;
}

static int reserve(struct span_set *set, size_t n)
{
	size_t room = set->room ? set->room : 8;
	struct span *spans;

	if (n <= set->room)
		return 0;
	while (room < n)
		room *= 2;
	spans = reallocarray(set->spans, room, sizeof *spans);
	if (spans == NULL)
		return -ENOMEM;
	set->spans = spans;
	set->room = room;
	return 0;
}

/* Puts the n spans of `with` where [first, last) were. */
static int splice(
	struct span_set *set, size_t first, size_t last, const struct span *with, size_t n)
{
	int r = reserve(set, set->n - (last - first) + n);

	if (r < 0)
		return r;
	if (last < set->n)
		memmove(set->spans + first + n, set->spans + last,
			(set->n - last) * sizeof *set->spans);
	for (size_t i = 0; i < n; i++)
		set->spans[first + i] = with[i];
	set->n = set->n - (last - first) + n;
	return 0;
}

int span_set_add(struct span_set *set, struct span span)
{
	struct span_list list = span_set_list(set);
	size_t first, last;

	if (span.start >= span.end)
		return 0;
	/* A span that only touches is taken in: one that ends at our start counts as met. */
	first = span_list_seek(list, minus(span.start, 1));
	for (last = first; last < list.n && list.spans[last].start <= span.end; last++) {
		span.start = min64(span.start, list.spans[last].start);
		span.end = max64(span.end, list.spans[last].end);
	}
	return splice(set, first, last, &span, 1);
}

int span_set_remove(struct span_set *set, struct span span)
{
	struct span_list list = span_set_list(set);
	struct span rest[2];
	size_t first, last, n = 0;

	if (span.start >= span.end)
		return 0;
	first = span_list_seek(list, span.start);
	for (last = first; last < list.n && list.spans[last].start < span.end; last++)
		;
	if (last == first)
		return 0;
	if (list.spans[first].start < span.start)
		rest[n++] = (struct span){list.spans[first].start, span.start};
	if (list.spans[last - 1].end > span.end)
		rest[n++] = (struct span){span.end, list.spans[last - 1].end};
	return splice(set, first, last, rest, n);
}

/* Appends a span that begins no earlier than the last one did. */
static int append(struct span_set *set, struct span span)
{
	struct span *last = set->n ? &set->spans[set->n - 1] : NULL;
	int r;

	if (span.start >= span.end)
		return 0;
	if (last && span.start <= last->end) {
		last->end = max64(last->end, span.end);
		return 0;
	}
	r = reserve(set, set->n + 1);
	if (r == 0)
		set->spans[set->n++] = span;
	return r;
}

static int finish(struct span_set *made, int r, struct span_set *out)
{
	if (r < 0) {
		span_set_clear(made);
		return r;
	}
	span_set_clear(out);
	*out = *made;
	return 0;
}

int span_set_union(struct span_list a, struct span_list b, struct span_set *out)
{
	struct span_set made = {0};
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a.n || j < b.n)) {
		if (j == b.n || (i < a.n && a.spans[i].start <= b.spans[j].start))
			r = append(&made, a.spans[i++]);
		else
			r = append(&made, b.spans[j++]);
	}
	return finish(&made, r, out);
}

int span_set_intersect(struct span_list a, struct span_list b, struct span_set *out)
{
	struct span_set made = {0};
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && i < a.n && j < b.n) {
		r = append(&made, (struct span){max64(a.spans[i].start, b.spans[j].start),
					  min64(a.spans[i].end, b.spans[j].end)});
		if (a.spans[i].end <= b.spans[j].end)
			i++;
		else
			j++;
	}
	return finish(&made, r, out);
}

int span_set_subtract(struct span_list a, struct span_list b, struct span_set *out)
{
	struct span_set made = {0};
	size_t j = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a.n; i++) {
		int64_t from = a.spans[i].start;

		while (j < b.n && b.spans[j].end <= from)
			j++;
		for (size_t k = j; r == 0 && k < b.n && b.spans[k].start < a.spans[i].end; k++) {
			r = append(&made, (struct span){from, b.spans[k].start});
			from = max64(from, b.spans[k].end);
		}
		if (r == 0)
			r = append(&made, (struct span){from, a.spans[i].end});
	}
	return finish(&made, r, out);
}

void span_set_clear(struct span_set *set)
{
	free(set->spans);
	*set = (struct span_set){0};
}
