#include "planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_need(const void *a, const void *b)
{
	const struct plan_request *x = ((const struct request_ref *)a)->row;
	const struct plan_request *y = ((const struct request_ref *)b)->row;

	if (x->urgency != y->urgency)
		return compare(x->urgency, y->urgency);
	if (x->due != y->due)
		return compare(x->due, y->due);
	return compare(x->id, y->id);
}

static int by_number(const void *a, const void *b)
{
	return compare(*(const int64_t *)a, *(const int64_t *)b);
}

static int by_office_id(const void *a, const void *b)
{
	return compare(
		((const struct office_ref *)a)->row->id, ((const struct office_ref *)b)->row->id);
}

static int by_office_and_id(const void *a, const void *b)
{
	const struct plan_coordinator *x = ((const struct diary *)a)->row;
	const struct plan_coordinator *y = ((const struct diary *)b)->row;

	return x->office != y->office ? compare(x->office, y->office) : compare(x->id, y->id);
}

static int by_diary_id(const void *a, const void *b)
{
	return compare(((const struct diary_ref *)a)->diary->row->id,
		((const struct diary_ref *)b)->diary->row->id);
}

static int by_case(const void *a, const void *b)
{
	const struct case_meeting *x = a, *y = b;

	if (x->case_id != y->case_id)
		return compare(x->case_id, y->case_id);
	if (x->meeting.start != y->meeting.start)
		return compare(x->meeting.start, y->meeting.start);
	return compare(x->coordinator, y->coordinator);
}

static int by_rule(const void *a, const void *b)
{
	const struct plan_ruled_out *x = a, *y = b;

	return x->rule != y->rule ? compare(x->rule, y->rule)
				  : compare(x->coordinator, y->coordinator);
}

/* An array of n, or of one when there are none, so that NULL always means no memory. */
static void *array(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static int allocate(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	struct plan *plan = calloc(1, sizeof *plan);

	planner->plan = plan;
	planner->requests = array(input->n_requests, sizeof *planner->requests);
	planner->request_ids = array(input->n_requests, sizeof *planner->request_ids);
	planner->offices = array(input->n_offices, sizeof *planner->offices);
	planner->diaries = array(input->n_coordinators, sizeof *planner->diaries);
	planner->by_id = array(input->n_coordinators, sizeof *planner->by_id);
	planner->case_meetings = array(
		input->n_appointments + input->n_requests, sizeof *planner->case_meetings);
	if (plan == NULL || planner->requests == NULL || planner->request_ids == NULL
		|| planner->offices == NULL || planner->diaries == NULL || planner->by_id == NULL
		|| planner->case_meetings == NULL)
		return -ENOMEM;
	plan->decisions = array(input->n_requests, sizeof *plan->decisions);
	return plan->decisions ? 0 : -ENOMEM;
}

static int sort_rows(struct planner *planner)
{
	const struct plan_input *input = planner->input;

	for (size_t i = 0; i < input->n_requests; i++) {
		planner->requests[i].row = &input->requests[i];
		planner->request_ids[i] = input->requests[i].id;
	}
	qsort(planner->requests, input->n_requests, sizeof *planner->requests, by_need);
	qsort(planner->request_ids, input->n_requests, sizeof *planner->request_ids, by_number);
	for (size_t i = 0; i < input->n_offices; i++)
		planner->offices[i].row = &input->offices[i];
	qsort(planner->offices, input->n_offices, sizeof *planner->offices, by_office_id);
	for (size_t i = 0; i < input->n_coordinators; i++)
		planner->diaries[i].row = &input->coordinators[i];
	qsort(planner->diaries, input->n_coordinators, sizeof *planner->diaries, by_office_and_id);
	for (size_t i = 0; i < input->n_coordinators; i++)
		planner->by_id[i].diary = &planner->diaries[i];
	qsort(planner->by_id, input->n_coordinators, sizeof *planner->by_id, by_diary_id);
	return check_unique(planner);
}

static const struct plan_office *find_office(const struct planner *planner, int32_t id)
{
	const struct plan_office row = {.id = id};
	const struct office_ref key = {&row};
	const struct office_ref *found = bsearch(&key, planner->offices, planner->input->n_offices,
		sizeof *planner->offices, by_office_id);

	return found ? found->row : NULL;
}

static struct diary *find_diary(const struct planner *planner, int32_t id)
{
	const struct plan_coordinator row = {.id = id};
	struct diary diary = {.row = &row};
	const struct diary_ref key = {&diary};
	const struct diary_ref *found = bsearch(&key, planner->by_id,
		planner->input->n_coordinators, sizeof *planner->by_id, by_diary_id);

	return found ? found->diary : NULL;
}

static int take_appointment(struct planner *planner, const struct plan_appointment *row)
{
	struct diary *diary = find_diary(planner, row->coordinator);

	planner->case_meetings[planner->n_case_meetings++] = (struct case_meeting){
		row->case_id, row->coordinator, row->meeting};
	if (diary == NULL)
		return 0;
	diary_count(diary, row->meeting.start, row->counted_minutes);
	return span_set_add(&diary->taken, row->busy);
}

static int open_planner(struct planner *planner)
{
	const struct plan_input *input = planner->input;
	int r = allocate(planner);

	if (r == 0)
		r = sort_rows(planner);
	for (size_t i = 0; r == 0 && i < input->n_coordinators; i++)
		r = diary_open(&planner->diaries[i], input, planner->diaries[i].row);
	for (size_t i = 0; r == 0 && i < input->n_appointments; i++)
		r = take_appointment(planner, &input->appointments[i]);
	qsort(planner->case_meetings, planner->n_case_meetings, sizeof *planner->case_meetings,
		by_case);
	return r;
}

static void close_planner(struct planner *planner)
{
	for (size_t i = 0; planner->diaries && i < planner->input->n_coordinators; i++)
		diary_close(&planner->diaries[i]);
	free(planner->diaries);
	free(planner->by_id);
	free(planner->requests);
	free(planner->request_ids);
	free(planner->offices);
	free(planner->case_meetings);
	plan_free(planner->plan);
}

/* Index of the first meeting of this case, or of a later one. */
static size_t seek_case(const struct planner *planner, int64_t case_id)
{
	size_t low = 0, high = planner->n_case_meetings;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (planner->case_meetings[middle].case_id < case_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int take_case(struct planner *planner, struct task *task)
{
	size_t i = seek_case(planner, task->request->case_id);
	int r = 0;

	task->case_meetings = planner->case_meetings + i;
	for (; r == 0 && i < planner->n_case_meetings; i++) {
		if (planner->case_meetings[i].case_id != task->request->case_id)
			break;
		task->n_case_meetings++;
		r = span_set_add(&task->case_taken, planner->case_meetings[i].meeting);
	}
	return r;
}

static int open_task(struct planner *planner, const struct plan_request *request, struct task *task)
{
	bool immediate = request->urgency == PLAN_IMMEDIATE;
	int64_t now = planner->input->now;

	*task = (struct task){
		.request = request,
		.office = find_office(planner, request->office),
		.any_hours = immediate,
		.on_call = immediate,
		.step = immediate ? 60 : planner->input->policy.grid_seconds,
		.from = request->earliest > now ? request->earliest : now,
		.last = request->latest - request->minutes * 60,
	};
	task->hours = request->urgency == PLAN_URGENT ? task->office->urgent_hours
						      : task->office->office_hours;
	return take_case(planner, task);
}

static int rule_out(struct planner *planner, struct plan_decision *decision, enum plan_rule rule,
	int32_t coordinator)
{
	struct plan *plan = planner->plan;

	if (planner->n_ruled_out == planner->ruled_out_room) {
		size_t room = planner->ruled_out_room ? planner->ruled_out_room * 2 : 64;
		struct plan_ruled_out *more = reallocarray(
			plan->ruled_out, room, sizeof *plan->ruled_out);

		if (more == NULL)
			return -ENOMEM;
		plan->ruled_out = more;
		planner->ruled_out_room = room;
	}
	plan->ruled_out[planner->n_ruled_out++] = (struct plan_ruled_out){rule, coordinator};
	decision->n_ruled_out++;
	return 0;
}

static void offer(struct plan_decision *decision, const struct plan_request *request,
	const struct plan_choice *choice)
{
	if (!decision->served || cost_is_lower(request, choice, &decision->chosen)) {
		decision->has_runner_up = decision->served;
		decision->runner_up = decision->chosen;
		decision->served = true;
		decision->chosen = *choice;
	} else if (!decision->has_runner_up
		   || cost_is_lower(request, choice, &decision->runner_up)) {
		decision->has_runner_up = true;
		decision->runner_up = *choice;
	}
}

static int weigh(struct planner *planner, const struct task *task,
	const struct candidate *candidate, struct plan_decision *decision)
{
	enum plan_rule rule = PLAN_WINDOW;
	struct plan_choice choice;
	int r = 0;

	if (find_moment(task))
		rule = find_room(task) ? find_personal_rule(task, candidate) : PLAN_HOURS;
	if (rule == PLAN_FREE)
		r = find_start(planner, task, candidate, &choice, &rule);
	if (r != 0)
		return r;
	if (rule != PLAN_FREE)
		return rule_out(planner, decision, rule, candidate->diary->row->id);
	offer(decision, task->request, &choice);
	return 0;
}

/* Index of the first diary of this office, or of a later one. */
static size_t seek_office(const struct planner *planner, int32_t office)
{
	size_t low = 0, high = planner->input->n_coordinators;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (planner->diaries[middle].row->office < office)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int weigh_office(struct planner *planner, const struct task *task, int32_t office,
	int32_t rank, int64_t travel, struct plan_decision *decision)
{
	size_t i = seek_office(planner, office);
	int r = 0;

	for (; r == 0 && i < planner->input->n_coordinators; i++) {
		struct candidate candidate = {&planner->diaries[i], rank, travel};

		if (candidate.diary->row->office != office)
			break;
		r = weigh(planner, task, &candidate, decision);
	}
	return r;
}

static bool is_in_reach(const struct plan_office *office, int32_t other)
{
	if (other == office->id)
		return true;
	for (size_t i = 0; i < office->n_backups; i++)
		if (office->backups[i].office == other)
			return true;
	return false;
}

/* Who was asked for by name, or has the case, is missed when their office does not serve this
 * one. */
static int miss(struct planner *planner, const struct task *task, int32_t coordinator,
	struct plan_decision *decision)
{
	const struct diary *diary = find_diary(planner, coordinator);

	if (diary == NULL || is_in_reach(task->office, diary->row->office))
		return 0;
	return rule_out(planner, decision, PLAN_NOT_BACKUP, coordinator);
}

static int weigh_all(
	struct planner *planner, const struct task *task, struct plan_decision *decision)
{
	const struct plan_request *request = task->request;
	int r = weigh_office(planner, task, task->office->id, 0, 0, decision);

	for (size_t i = 0; r == 0 && i < task->office->n_backups; i++) {
		const struct plan_backup *backup = &task->office->backups[i];
		int64_t travel = request->telephone ? 0 : (int64_t)backup->travel_minutes * 60;

		r = weigh_office(planner, task, backup->office, backup->rank, travel, decision);
	}
	if (r == 0)
		r = miss(planner, task, request->preferred, decision);
	if (r == 0 && request->responsible != request->preferred)
		r = miss(planner, task, request->responsible, decision);
	return r;
}

static void forget(struct planner *planner, struct plan_decision *decision)
{
	planner->n_ruled_out -= decision->n_ruled_out;
	*decision = (struct plan_decision){
		.request = decision->request, .urgency = decision->urgency};
}

/* On-call shifts serve an urgent request only when it would be late otherwise, or unserved. */
static int decide(struct planner *planner, struct task *task, struct plan_decision *decision)
{
	int r = weigh_all(planner, task, decision);

	if (r != 0 || task->request->urgency != PLAN_URGENT)
		return r;
	if (decision->served && decision->chosen.late_minutes == 0)
		return 0;
	forget(planner, decision);
	task->on_call = true;
	return weigh_all(planner, task, decision);
}

static void note_meeting(struct planner *planner, const struct plan_request *request,
	const struct plan_choice *choice)
{
	struct case_meeting meeting = {request->case_id, choice->coordinator, choice->meeting};
	size_t i = seek_case(planner, request->case_id);

	while (i < planner->n_case_meetings && by_case(&planner->case_meetings[i], &meeting) < 0)
		i++;
	memmove(planner->case_meetings + i + 1, planner->case_meetings + i,
		(planner->n_case_meetings - i) * sizeof meeting);
	planner->case_meetings[i] = meeting;
	planner->n_case_meetings++;
}

static int give(struct planner *planner, const struct plan_request *request,
	const struct plan_decision *decision)
{
	struct plan *plan = planner->plan;
	const struct plan_choice *choice = &decision->chosen;

	if (!decision->served) {
		plan->unserved[request->urgency]++;
		return 0;
	}
	if (__builtin_add_overflow(plan->late_minutes[request->urgency], choice->late_minutes,
		    &plan->late_minutes[request->urgency])
		|| __builtin_add_overflow(plan->cost, choice->cost, &plan->cost))
		return planner_fail(planner, "the cost of the whole plan is too large");
	note_meeting(planner, request, choice);
	return diary_give(
		find_diary(planner, choice->coordinator), planner->input, request, choice);
}

static int take_request(struct planner *planner, const struct plan_request *request)
{
	struct plan_decision *decision = &planner->plan->decisions[planner->plan->n_decisions];
	struct task task;
	int r = open_task(planner, request, &task);

	decision->request = request->id;
	decision->urgency = request->urgency;
	if (r == 0)
		r = decide(planner, &task, decision);
	span_set_clear(&task.case_taken);
	if (r == 0)
		r = give(planner, request, decision);
	planner->plan->n_decisions++;
	return r;
}

/* The list may have moved while it grew; only now does it stay where it is. */
static void hand_out_rules(struct plan *plan)
{
	struct plan_ruled_out *next = plan->ruled_out;

	for (size_t i = 0; i < plan->n_decisions; i++) {
		struct plan_decision *decision = &plan->decisions[i];

		if (decision->n_ruled_out == 0)
			continue;
		qsort(next, decision->n_ruled_out, sizeof *next, by_rule);
		decision->ruled_out = next;
		next += decision->n_ruled_out;
	}
}

int plan_make(const struct plan_input *input, struct plan **planp, char *error, size_t error_size)
{
	struct planner planner = {.input = input, .error = error, .error_size = error_size};
	int r = check_rows(&planner);

	if (r == 0)
		r = open_planner(&planner);
	for (size_t i = 0; r == 0 && i < input->n_requests; i++)
		r = take_request(&planner, planner.requests[i].row);
	if (r == 0) {
		hand_out_rules(planner.plan);
		*planp = planner.plan;
		planner.plan = NULL;
	}
	close_planner(&planner);
	return r;
}

struct plan *plan_free(struct plan *plan)
{
	if (plan) {
		free(plan->decisions);
		free(plan->ruled_out);
		free(plan);
	}
	return NULL;
}
