#include "planner.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int planner_fail(struct planner *planner, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (planner->error_size > 0)
		vsnprintf(planner->error, planner->error_size, fmt, args);
	va_end(args);
	return PLAN_INVALID;
}

static bool is_moment(int64_t moment)
{
	return -PLAN_LATEST < moment && moment < PLAN_LATEST;
}

static bool is_amount(int64_t minutes)
{
	return 0 <= minutes && minutes <= PLAN_MOST_MINUTES;
}

static bool are_spans(struct span_list list)
{
	if (!span_list_is_valid(list))
		return false;
	return list.n == 0
	       || (is_moment(list.spans[0].start) && is_moment(list.spans[list.n - 1].end));
}

static bool is_one_span(struct span span)
{
	return are_spans((struct span_list){&span, 1});
}

const char *plan_check_zone(const struct plan_zone *zone)
{
	if (zone->n_days == 0)
		return "no days";
	for (size_t i = 0; i < zone->n_days; i++) {
		if (!is_moment(zone->day_starts[i]))
			return "a day out of range";
		if (i > 0 && zone->day_starts[i] <= zone->day_starts[i - 1])
			return "days out of order";
	}
	return are_spans(zone->nights) ? NULL : "nights out of order or range";
}

const char *plan_check_office(const struct plan_office *office)
{
	for (size_t i = 0; i < office->n_backups; i++) {
		const struct plan_backup *backup = &office->backups[i];

		if (backup->rank < 1 || backup->rank > 1000)
			return "a backup's rank out of range";
		if (backup->travel_minutes < 0 || backup->travel_minutes > 14400)
			return "travel minutes out of range";
		if (backup->office == office->id)
			return "it is its own backup";
		for (size_t j = 0; j < i; j++)
			if (office->backups[j].office == backup->office)
				return "a backup twice";
	}
	if (!are_spans(office->urgent_hours) || !are_spans(office->office_hours))
		return "meeting hours out of order or range";
	return NULL;
}

const char *plan_check_coordinator(
	const struct plan_input *input, const struct plan_coordinator *row)
{
	if (row->id <= 0)
		return "id out of range";
	if (row->zone >= input->n_zones)
		return "unknown time zone";
	if (!is_amount(row->max_open_cases) || !is_amount(row->weekly_minutes)
		|| !is_amount(row->meetings_a_day))
		return "a limit out of range";
	if (!is_amount(row->load_minutes) || !is_amount(row->weekly_shift_minutes))
		return "load or shift minutes out of range";
	if (!are_spans(row->regular) || !are_spans(row->on_call))
		return "shifts out of order or range";
	if (!are_spans(row->leave))
		return "leave out of order or range";
	return are_spans(row->rest) ? NULL : "rest out of order or range";
}

const char *plan_check_appointment(const struct plan_appointment *row)
{
	if (!is_one_span(row->meeting) || !is_one_span(row->busy))
		return "an empty span, or one out of range";
	if (row->busy.start > row->meeting.start || row->busy.end < row->meeting.end)
		return "the busy span does not hold the meeting";
	return is_amount(row->counted_minutes) ? NULL : "counted minutes out of range";
}

static bool office_is_known(const struct plan_input *input, int32_t id)
{
	for (size_t i = 0; i < input->n_offices; i++)
		if (input->offices[i].id == id)
			return true;
	return false;
}

const char *plan_check_request(const struct plan_input *input, const struct plan_request *row)
{
	if (row->id <= 0)
		return "id out of range";
	if ((unsigned)row->urgency >= PLAN_URGENCIES)
		return "unknown urgency";
	if (row->minutes < 1 || row->minutes > 14400)
		return "length out of range";
	if (row->buffer_minutes < 0 || row->buffer_minutes > 14400)
		return "buffer out of range";
	if (row->load_percent < 0 || row->load_percent > 100000)
		return "load percentage out of range";
	if (!is_moment(row->earliest) || !is_moment(row->latest) || !is_moment(row->due))
		return "window or due time out of range";
	if (!office_is_known(input, row->office))
		return "unknown office";
	return NULL;
}

static int check_policy(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	const struct plan_policy *policy = &input->policy;

	if (!is_moment(input->now))
		return planner_fail(planner, "now is out of range");
	if (policy->grid_seconds < 60 || policy->grid_seconds > 86400)
		return planner_fail(planner, "policy: grid out of range");
	if (policy->rest_minutes < 0 || policy->rest_minutes > 14400)
		return planner_fail(planner, "policy: rest out of range");
	for (int i = 0; i < PLAN_TERMS; i++)
		for (int j = 0; j < PLAN_URGENCIES; j++)
			if (policy->weight[i][j] < 0 || policy->weight[i][j] > PLAN_MOST_WEIGHT)
				return planner_fail(planner, "policy: weight %s out of range",
					plan_term_name((enum plan_term)i));
	if (policy->weight_move_accepted < 0 || policy->weight_move_accepted > PLAN_MOST_WEIGHT)
		return planner_fail(planner, "policy: weight move_accepted out of range");
	if (policy->move_chain < 0 || policy->move_chain > PLAN_MOST_CHAIN)
		return planner_fail(planner, "policy: move chain out of range");
	if (policy->steps < 0 || policy->steps > PLAN_MOST_STEPS)
		return planner_fail(planner, "policy: steps out of range");
	return 0;
}

static int fail_row(struct planner *planner, const char *kind, long long id, const char *problem)
{
	return problem ? planner_fail(planner, "%s %lld: %s", kind, id, problem) : 0;
}

int check_rows(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	int r = check_policy(planner);

	for (size_t i = 0; r == 0 && i < input->n_zones; i++)
		r = fail_row(planner, "zone", (long long)i, plan_check_zone(&input->zones[i]));
	for (size_t i = 0; r == 0 && i < input->n_offices; i++)
		r = fail_row(planner, "office", input->offices[i].id,
			plan_check_office(&input->offices[i]));
	for (size_t i = 0; r == 0 && i < input->n_coordinators; i++)
		r = fail_row(planner, "coordinator", input->coordinators[i].id,
			plan_check_coordinator(input, &input->coordinators[i]));
	for (size_t i = 0; r == 0 && i < input->n_appointments; i++)
		r = fail_row(planner, "appointment of coordinator",
			input->appointments[i].coordinator,
			plan_check_appointment(&input->appointments[i]));
	for (size_t i = 0; r == 0 && i < input->n_requests; i++)
		r = fail_row(planner, "request", (long long)input->requests[i].id,
			plan_check_request(input, &input->requests[i]));
	for (size_t i = 0; r == 0 && i < input->n_standing; i++)
		r = fail_row(planner, "request", (long long)input->standing[i].id,
			plan_check_request(input, &input->standing[i]));
	return r;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Requests and standing requests share their numbers. */
static int check_request_ids(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	size_t n = 0;
	int64_t *ids = planner_array(input->n_requests + input->n_standing, sizeof *ids);
	int r = 0;

	if (ids == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < input->n_requests; i++)
		ids[n++] = input->requests[i].id;
	for (size_t i = 0; i < input->n_standing; i++)
		ids[n++] = input->standing[i].id;
	qsort(ids, n, sizeof *ids, by_number);
	for (size_t i = 1; r == 0 && i < n; i++)
		if (ids[i - 1] == ids[i])
			r = planner_fail(planner, "request %lld: twice", (long long)ids[i]);
	free(ids);
	return r;
}

int check_unique(struct planner *planner)
{
	const struct plan_input *input = planner->input;

	for (size_t i = 1; i < input->n_offices; i++)
		if (planner->offices[i - 1].row->id == planner->offices[i].row->id)
			return planner_fail(
				planner, "office %d: twice", planner->offices[i].row->id);
	for (size_t i = 1; i < input->n_coordinators; i++)
		if (planner->by_id[i - 1].diary->row->id == planner->by_id[i].diary->row->id)
			return planner_fail(
				planner, "coordinator %d: twice", planner->by_id[i].diary->row->id);
	return check_request_ids(planner);
}
