#include "find.h"

enum plan_rule reason_of_person(const struct plan_request *request, const struct diary *diary)
{
	const struct plan_coordinator *row = diary->row;

	if (has_id(request->conflicts, row->id))
		return PLAN_CONFLICT;
	if (has_id(request->barred, row->id))
		return PLAN_BARRED;
	if (!has_code(row->services, request->service))
		return PLAN_SERVICE;
	if (!request->interpreter && !has_code(row->languages, request->language))
		return PLAN_LANGUAGE;
	if (request->gender_required && request->gender != row->gender)
		return PLAN_GENDER;
	return PLAN_FREE;
}

enum plan_rule reason_of_lock(const struct plan_request *request, const struct diary *diary)
{
	return diary->row->locked && request->urgency != PLAN_ROUTINE ? PLAN_LOCKED : PLAN_FREE;
}

/* Adds one rule of time after the other until no start is left. */
static enum plan_rule explain(struct search search)
{
	static const struct {
		unsigned keep;
		enum plan_rule rule;
	} rules[] = {
		{KEEP_HOURS, PLAN_HOURS},
		{KEEP_LEAVE, PLAN_LEAVE},
		{KEEP_TAKEN | KEEP_MOVED, PLAN_BUSY},
		{KEEP_CASE, PLAN_CASE_BUSY},
		{KEEP_REST, PLAN_REST},
	};
	const struct job *job = search.job;
	struct span window = {job->from, job->last + job->length};
	struct span_list shift = search.shift;
	unsigned keep = search.keep;

	search.keep = 0;
	search.shift = diary_at_work(search.diary);
	if (search_start(&search, job->from) == SPAN_NEVER)
		return span_list_overlaps(search.diary->row->leave, window) ? PLAN_LEAVE
									    : PLAN_NO_SHIFT;
	search.shift = shift;
	if (search_start(&search, job->from) == SPAN_NEVER)
		return PLAN_ON_CALL_ONLY;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		search.keep |= rules[i].keep & keep;
		if (search_start(&search, job->from) == SPAN_NEVER)
			return rules[i].rule;
	}
	search.hard &= CAP_WEEK;
	return search_allowed(&search, job->from) == SPAN_NEVER ? PLAN_CAP_WEEK : PLAN_CAP_DAY;
}

/* Rules that lie with the person, in the order of plan.h. */
static enum plan_rule reason_before_time(const struct job *job, const struct diary *diary)
{
	enum plan_rule rule = reason_of_person(job->request, diary);

	if (rule != PLAN_FREE)
		return rule;
	if (job->request->urgency != PLAN_IMMEDIATE && !find_has_room_for_case(job, diary))
		return PLAN_CAP_OPEN_CASES;
	return reason_of_lock(job->request, diary);
}

enum plan_rule reason_find(struct planner *planner, const struct job *job,
	const struct candidate *candidate, int64_t *nearestp)
{
	enum plan_rule rule = reason_before_time(job, candidate->diary);
	struct span_list shift = job->may_on_call ? diary_at_work(candidate->diary)
						  : candidate->diary->row->regular;
	struct search search = search_make(job, candidate, shift);

	planner->steps++;
	*nearestp = SPAN_NEVER;
	if (rule == PLAN_FREE) {
		search.last = PLAN_LATEST;
		*nearestp = search_allowed(&search, job->from);
		search.last = job->last;
	}
	if (!find_moment(job))
		return PLAN_WINDOW;
	if (!find_room(job))
		return PLAN_HOURS;
	return rule == PLAN_FREE ? explain(search) : rule;
}
