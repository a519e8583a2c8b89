#include "planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int open_cases(struct diary *diary)
{
	struct plan_cases cases = diary->row->open_cases;
	size_t n = 0;

	diary->open_cases_room = cases.n + 4;
	diary->open_cases = calloc(diary->open_cases_room, sizeof *diary->open_cases);
	if (diary->open_cases == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < cases.n; i++)
		diary->open_cases[i] = cases.ids[i];
	qsort(diary->open_cases, cases.n, sizeof *diary->open_cases, by_number);
	for (size_t i = 0; i < cases.n; i++)
		if (n == 0 || diary->open_cases[n - 1] != diary->open_cases[i])
			diary->open_cases[n++] = diary->open_cases[i];
	diary->n_open_cases = n;
	return 0;
}

static int copy(struct span_list list, struct span_set *set)
{
	return span_set_union(list, (struct span_list){0}, set);
}

int diary_open(
	struct diary *diary, const struct plan_input *input, const struct plan_coordinator *row)
{
	int r;

	diary->row = row;
	diary->zone = &input->zones[row->zone];
	diary->load_minutes = row->load_minutes;
	diary->meetings = calloc(diary->zone->n_days, sizeof *diary->meetings);
	diary->week_minutes = calloc(diary->zone->n_days, sizeof *diary->week_minutes);
	if (diary->meetings == NULL || diary->week_minutes == NULL)
		return -ENOMEM;
	r = open_cases(diary);
	if (r == 0)
		r = copy(row->rest, &diary->rest);
	if (r == 0 && row->on_call.n > 0)
		r = span_set_union(row->regular, row->on_call, &diary->at_work);
	return r;
}

void diary_close(struct diary *diary)
{
	span_set_clear(&diary->at_work);
	span_set_clear(&diary->taken);
	span_set_clear(&diary->rest);
	free(diary->meetings);
	free(diary->week_minutes);
	free(diary->open_cases);
}

/* The local day that a moment lies in; what comes before the first day counts as the first. */
size_t diary_day(const struct diary *diary, int64_t moment)
{
	size_t low = 0, high = diary->zone->n_days;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (diary->zone->day_starts[middle] <= moment)
			low = middle;
		else
			high = middle;
	}
	return low;
}

size_t diary_week(const struct diary *diary, size_t day)
{
	const int32_t *numbers = diary->zone->week_numbers;

	while (day > 0 && numbers[day - 1] == numbers[day])
		day--;
	return day;
}

static size_t case_place(const struct diary *diary, int64_t case_id)
{
	size_t low = 0, high = diary->n_open_cases;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (diary->open_cases[middle] < case_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool diary_has_case(const struct diary *diary, int64_t case_id)
{
	size_t i = case_place(diary, case_id);

	return i < diary->n_open_cases && diary->open_cases[i] == case_id;
}

static int add_case(struct diary *diary, int64_t case_id)
{
	size_t i = case_place(diary, case_id);

	if (i < diary->n_open_cases && diary->open_cases[i] == case_id)
		return 0;
	if (diary->n_open_cases == diary->open_cases_room) {
		size_t room = diary->open_cases_room * 2;
		int64_t *cases = reallocarray(diary->open_cases, room, sizeof *cases);

		if (cases == NULL)
			return -ENOMEM;
		diary->open_cases = cases;
		diary->open_cases_room = room;
	}
	memmove(diary->open_cases + i + 1, diary->open_cases + i,
		(diary->n_open_cases - i) * sizeof *diary->open_cases);
	diary->open_cases[i] = case_id;
	diary->n_open_cases++;
	return 0;
}

void diary_count(struct diary *diary, int64_t start, int64_t minutes)
{
	size_t day = diary_day(diary, start);

	/* What began before the first day began in an earlier week. */
	if (start < diary->zone->day_starts[0])
		return;
	diary->meetings[day]++;
	diary->week_minutes[diary_week(diary, day)] += minutes;
}

int diary_give(struct diary *diary, const struct plan_input *input,
	const struct plan_request *request, const struct plan_choice *choice)
{
	int64_t travel = choice->meeting.start - choice->busy.start;
	int r = span_set_add(&diary->taken, choice->busy);

	if (r == 0)
		r = add_case(diary, request->case_id);
	if (r < 0)
		return r;
	diary_count(diary, choice->meeting.start, cost_counted_minutes(request, travel));
	diary->load_minutes += cost_weighted_minutes(request);
	if (request->urgency == PLAN_IMMEDIATE
		&& span_list_overlaps(diary->zone->nights, choice->meeting))
		r = span_set_add(&diary->rest,
			(struct span){choice->meeting.end,
				choice->meeting.end + input->policy.rest_minutes * 60});
	return r;
}
