#include "planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct holder *find_holder(const struct family *family, int32_t coordinator)
{
	for (size_t i = 0; i < family->n_holders; i++)
		if (family->holders[i].coordinator == coordinator)
			return &family->holders[i];
	return NULL;
}

bool family_is_stranger(const struct family *family, int32_t coordinator)
{
	return family->n_meetings > 0 && find_holder(family, coordinator) == NULL;
}

bool family_stands_with(const struct family *family, int32_t coordinator)
{
	for (size_t i = 0; i < family->n_meetings; i++)
		if (family->meetings[i].job == NULL
			&& family->meetings[i].coordinator == coordinator)
			return true;
	return false;
}

static int hold(struct family *family, int32_t coordinator)
{
	struct holder *holder = find_holder(family, coordinator);

	if (holder) {
		holder->meetings++;
		return 0;
	}
	if (!planner_room(&family->holders, family->n_holders, &family->holders_room,
		    sizeof *family->holders))
		return -ENOMEM;
	family->holders[family->n_holders++] = (struct holder){coordinator, 1};
	return 0;
}

static void let_go(struct family *family, int32_t coordinator)
{
	struct holder *holder = find_holder(family, coordinator);

	if (holder && --holder->meetings == 0)
		*holder = family->holders[--family->n_holders];
}

int family_add(struct family *family, struct case_meeting meeting)
{
	int r;

	if (!planner_room(&family->meetings, family->n_meetings, &family->meetings_room,
		    sizeof *family->meetings))
		return -ENOMEM;
	r = hold(family, meeting.coordinator);
	family->overlaps |= span_list_overlaps(span_set_list(&family->taken), meeting.span);
	if (r == 0)
		r = span_set_add(&family->taken, meeting.span);
	if (r == 0) {
		if (meeting.job)
			meeting.job->family_index = family->n_meetings;
		family->meetings[family->n_meetings++] = meeting;
	}
	return r;
}

/* Where meetings lie over each other, as those of call-outs may, the spans are put together anew. */
static int untake(struct family *family, struct span span)
{
	int r = 0;

	if (!family->overlaps)
		return span_set_remove(&family->taken, span);
	family->taken.n = 0;
	for (size_t i = 0; r == 0 && i < family->n_meetings; i++)
		r = span_set_add(&family->taken, family->meetings[i].span);
	return r;
}

static int remove_at(struct family *family, size_t i)
{
	struct case_meeting gone = family->meetings[i];

	family->meetings[i] = family->meetings[--family->n_meetings];
	if (family->meetings[i].job)
		family->meetings[i].job->family_index = i;
	let_go(family, gone.coordinator);
	return untake(family, gone.span);
}

int family_remove_job(struct family *family, const struct job *job)
{
	return remove_at(family, job->family_index);
}

int family_remove_standing(struct family *family, const struct plan_appointment *appointment)
{
	for (size_t i = 0; i < family->n_meetings; i++) {
		const struct case_meeting *one = &family->meetings[i];

		if (one->job == NULL && one->coordinator == appointment->coordinator
			&& one->span.start == appointment->meeting.start
			&& one->span.end == appointment->meeting.end)
			return remove_at(family, i);
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct family *family_find(const struct planner *planner, int64_t case_id)
{
	size_t low = 0, high = planner->n_families;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (planner->families[middle].case_id < case_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < planner->n_families && planner->families[low].case_id == case_id
		       ? &planner->families[low]
		       : NULL;
}

/* The cases of all requests, each once. */
static int list_cases(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	size_t n = 0;
	int64_t *ids = planner_array(input->n_requests + input->n_standing, sizeof *ids);

	planner->families = planner_array(
		input->n_requests + input->n_standing, sizeof *planner->families);
	if (ids == NULL || planner->families == NULL) {
		free(ids);
		return -ENOMEM;
	}
	for (size_t i = 0; i < input->n_requests; i++)
		ids[n++] = input->requests[i].case_id;
	for (size_t i = 0; i < input->n_standing; i++)
		ids[n++] = input->standing[i].case_id;
	qsort(ids, n, sizeof *ids, by_number);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			planner->families[planner->n_families++].case_id = ids[i];
	free(ids);
	return 0;
}

int families_open(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	int r = list_cases(planner);

	for (size_t i = 0; r == 0 && i < input->n_appointments; i++) {
		const struct plan_appointment *row = &input->appointments[i];
		struct family *family = family_find(planner, row->case_id);

		if (family)
			r = family_add(family,
				(struct case_meeting){row->coordinator, row->meeting, NULL});
	}
	return r;
}

void families_close(struct planner *planner)
{
	for (size_t i = 0; i < planner->n_families; i++) {
		struct family *family = &planner->families[i];

		span_set_clear(&family->taken);
		free(family->meetings);
		free(family->holders);
	}
	free(planner->families);
}
