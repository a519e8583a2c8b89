#include <errno.h>

#include "play.h"

static bool is_before(const struct event *a, const struct event *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	return a->index < b->index;
}

static void swap(struct event *a, struct event *b)
{
	struct event other = *a;

	*a = *b;
	*b = other;
}

int events_add(struct events *events, int64_t at, enum event_kind kind, uint32_t index)
{
	size_t i = events->n;

	if (!play_room(&events->heap, &events->room, i + 1, sizeof *events->heap))
		return -ENOMEM;
	events->heap[events->n++] = (struct event){at, kind, index};
	for (; i > 0 && is_before(&events->heap[i], &events->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&events->heap[i], &events->heap[(i - 1) / 2]);
	return 0;
}

bool events_take(struct events *events, struct event *event)
{
	struct event *heap = events->heap;
	size_t i = 0;

	if (events->n == 0)
		return false;
	*event = heap[0];
	heap[0] = heap[--events->n];
	for (;;) {
		size_t first = i, left = 2 * i + 1;

		for (size_t child = left; child <= left + 1 && child < events->n; child++)
			if (is_before(&heap[child], &heap[first]))
				first = child;
		if (first == i)
			return true;
		swap(&heap[i], &heap[first]);
		i = first;
	}
}
