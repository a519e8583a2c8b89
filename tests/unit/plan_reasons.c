#include <stdlib.h>

#include "plan_scene.h"

/*
 * Why somebody is not the one: every start of theirs is looked at, all else as planned.
 */

static const enum plan_rule of_people[] = {PLAN_NOT_BACKUP, PLAN_CONFLICT, PLAN_BARRED,
	PLAN_SERVICE, PLAN_LANGUAGE, PLAN_GENDER, PLAN_CAP_OPEN_CASES, PLAN_LOCKED};
static const enum plan_rule of_time[] = {PLAN_NO_SHIFT, PLAN_ON_CALL_ONLY, PLAN_HOURS, PLAN_LEAVE,
	PLAN_BUSY, PLAN_CASE_BUSY, PLAN_REST, PLAN_CAP_WEEK, PLAN_CAP_DAY};
enum {
	OF_PEOPLE = sizeof of_people / sizeof *of_people,
	OF_TIME = sizeof of_time / sizeof *of_time,
};

/* One request taken out of a plan: all others stand before it in the list. */
struct question {
	struct scene scene;
	struct judge_meeting *meetings;
	size_t which; /* the place of whoever is asked about */
	const struct plan_request *request;
	const struct plan *plan;
	const struct plan_decision *decision;
	bool on_call; /* on-call shifts may be used */
	int64_t step, first;
};

/* What the starts of one coordinator come to. */
struct answer {
	enum plan_rule rule; /* PLAN_FREE: some start keeps them all */
	int64_t nearest;
	int64_t late, cost, start; /* of the best one */
	bool best_on_call;
};

static bool is_of_call_out(const struct question *q, const struct judge_meeting *moved)
{
	for (size_t i = 0; i < q->plan->n_decisions; i++) {
		const struct plan_decision *decision = &q->plan->decisions[i];

		for (size_t j = 0; j < decision->n_moves; j++)
			if (decision->moves[j].request == moved->request->id)
				return decision->urgency == PLAN_IMMEDIATE;
	}
	return false;
}

/* Whether something that was moved for a call-out would break a rule by x, another one. */
static bool spoils(const struct question *q, const struct judge_meeting *x)
{
	static const enum plan_rule rules[] = {
		PLAN_CAP_OPEN_CASES, PLAN_CASE_BUSY, PLAN_REST, PLAN_CAP_WEEK, PLAN_CAP_DAY};
	struct scene with = q->scene;
	bool spoilt = false;

	scene_add(&with, x, q->which); /* the list has room for one more */
	for (size_t i = 0; i < with.n_meetings && !spoilt; i++) {
		const struct judge_meeting *moved = &with.meetings[i];

		if (moved->moved == NULL || !is_of_call_out(q, moved))
			continue;
		for (size_t j = 0; j < sizeof rules / sizeof *rules; j++)
			spoilt |= scene_keeps(&q->scene, moved, i, rules[j])
				  && !scene_keeps(&with, moved, i, rules[j]);
	}
	return spoilt;
}

static bool keeps(const struct question *q, const struct judge_meeting *x, enum plan_rule rule)
{
	if (rule == PLAN_BUSY && q->request->urgency == PLAN_IMMEDIATE && spoils(q, x))
		return false;
	if (rule == PLAN_ON_CALL_ONLY && !q->on_call)
		return !judge_is_on_call(x);
	return scene_keeps(&q->scene, x, q->which, rule);
}

/* How many of the rules of time a start keeps, one after the other. */
static int rules_kept(const struct question *q, const struct judge_meeting *x)
{
	int n = 0;

	while (n < OF_TIME && keeps(q, x, of_time[n]))
		n++;
	return n;
}

static bool is_better(const struct answer *a, const struct answer *b)
{
	if (a->late != b->late)
		return a->late < b->late;
	if (a->best_on_call != b->best_on_call)
		return b->best_on_call;
	return a->cost != b->cost ? a->cost < b->cost : a->start < b->start;
}

/* Of a start that keeps every rule. */
static void weigh(const struct question *q, const struct judge_meeting *x, struct answer *answer)
{
	int64_t terms[PLAN_TERMS];
	struct answer one = {.late = judge_late(x),
		.start = x->start,
		.nearest = answer->nearest,
		.best_on_call = x->request->urgency == PLAN_URGENT && judge_is_on_call(x)};

	scene_terms(&q->scene, x, q->which, terms);
	for (int i = 0; i < PLAN_TERMS; i++)
		one.cost += terms[i];
	if (answer->rule != PLAN_FREE || is_better(&one, answer))
		*answer = one;
}

static int64_t last_end(struct span_list list)
{
	return list.n > 0 ? list.spans[list.n - 1].end : INT64_MIN;
}

static bool any_hours(const struct question *q, const struct judge_meeting *at)
{
	struct judge_meeting x = *at;

	for (x.start = q->first; scene_keeps(&q->scene, &x, q->which, PLAN_WINDOW);
		x.start += q->step)
		if (keeps(q, &x, PLAN_HOURS))
			return true;
	return false;
}

static bool is_on_leave(const struct question *q, const struct plan_coordinator *person)
{
	int64_t now = q->scene.input->now, earliest = q->request->earliest;
	struct span window = {earliest > now ? earliest : now, q->request->latest};

	return span_list_overlaps(person->leave, window);
}

static void answer_by_time(const struct question *q, struct judge_meeting *x, struct answer *answer)
{
	int64_t end = last_end(x->person->regular), on_call = last_end(x->person->on_call);
	int most = 0;

	end = on_call > end ? on_call : end;
	answer->rule = PLAN_RULES;
	for (x->start = q->first; x->start < end || x->start < q->request->latest;
		x->start += q->step) {
		int kept = rules_kept(q, x);

		if (kept == OF_TIME && answer->nearest == SPAN_NEVER)
			answer->nearest = x->start;
		if (!scene_keeps(&q->scene, x, q->which, PLAN_WINDOW))
			continue;
		if (kept == OF_TIME)
			weigh(q, x, answer);
		most = kept > most ? kept : most;
	}
	if (answer->rule == PLAN_FREE)
		return;
	if (most < OF_TIME)
		answer->rule = of_time[most];
	if (most == 0 && is_on_leave(q, x->person))
		answer->rule = PLAN_LEAVE;
}

static enum plan_rule rule_of_people(const struct question *q, const struct judge_meeting *x)
{
	for (int i = 0; i < OF_PEOPLE; i++)
		if (!keeps(q, x, of_people[i]))
			return of_people[i];
	return PLAN_FREE;
}

static struct answer ask(const struct question *q, const struct plan_coordinator *person)
{
	struct judge_meeting x = {q->request, person, NULL, q->first};
	struct answer answer = {.nearest = SPAN_NEVER}, time = answer;
	bool window = scene_keeps(&q->scene, &x, q->which, PLAN_WINDOW);
	bool hours = any_hours(q, &x);

	answer.rule = rule_of_people(q, &x);
	if (answer.rule == PLAN_FREE) {
		answer_by_time(q, &x, &time);
		answer = time;
	}
	/* What no coordinator can help comes first; when it could be is said as well. */
	if (!window)
		answer.rule = PLAN_WINDOW;
	else if (!hours)
		answer.rule = PLAN_HOURS;
	return answer;
}

/* ---- against what the plan says ---------------------------------------------------------------- */

static const struct plan_ruled_out *find_ruled_out(
	const struct plan_decision *decision, int32_t coordinator, size_t *times)
{
	const struct plan_ruled_out *found = NULL;

	*times = 0;
	for (size_t i = 0; i < decision->n_ruled_out; i++) {
		if (decision->ruled_out[i].coordinator != coordinator)
			continue;
		found = &decision->ruled_out[i];
		++*times;
	}
	return found;
}

static const char *judge_runner_up(const struct question *q, const struct answer *answer)
{
	const struct plan_choice *said = &q->decision->runner_up;
	long long id = (long long)q->request->id;

	if (answer->rule != PLAN_FREE)
		return judge_say("request %lld: the runner-up %d could not", id, said->coordinator);
	if (said->meeting.start != answer->start || said->cost != answer->cost
		|| said->late_minutes != answer->late)
		return judge_say(
			"request %lld: the runner-up %d at %lld for %lld, not %lld for %lld", id,
			said->coordinator, (long long)answer->start, (long long)answer->cost,
			(long long)said->meeting.start, (long long)said->cost);
	return NULL;
}

static bool beats_runner_up(const struct question *q, const struct answer *answer)
{
	const struct plan_choice *choice = &q->decision->runner_up;
	struct answer runner_up = {.late = choice->late_minutes,
		.cost = choice->cost,
		.start = choice->meeting.start,
		.best_on_call = q->request->urgency == PLAN_URGENT && choice->on_call};

	return !q->decision->has_runner_up || is_better(answer, &runner_up);
}

static const char *judge_person(const struct question *q, const struct plan_coordinator *person)
{
	const struct plan_decision *decision = q->decision;
	bool missed = q->request->preferred == person->id || q->request->responsible == person->id;
	struct answer answer = ask(q, person);
	long long id = (long long)decision->request;
	size_t times;
	const struct plan_ruled_out *said = find_ruled_out(decision, person->id, &times);
	bool is_runner_up = decision->has_runner_up
			    && decision->runner_up.coordinator == person->id;
	int64_t travel;

	if (judge_rank(q->scene.input, q->request, person, &travel) < 0)
		return times == missed && (!said || said->rule == PLAN_NOT_BACKUP)
			       ? NULL
			       : judge_say("request %lld: %d is out of reach", id, person->id);
	if ((decision->served && decision->chosen.coordinator == person->id) || is_runner_up) {
		if (said)
			return judge_say("request %lld: %d is ruled out, too", id, person->id);
		return is_runner_up ? judge_runner_up(q, &answer) : NULL;
	}
	if (times != 1)
		return judge_say("request %lld: %d is named %zu times", id, person->id, times);
	if (answer.rule == PLAN_FREE && beats_runner_up(q, &answer))
		return judge_say("request %lld: %d is better than the runner-up", id, person->id);
	if (answer.rule == PLAN_FREE)
		answer = (struct answer){.rule = PLAN_DEARER, .nearest = answer.start};
	if (said->rule != answer.rule)
		return judge_say("request %lld: %d is ruled out by %s, not %s", id, person->id,
			plan_rule_name(answer.rule), plan_rule_name(said->rule));
	if (said->nearest != answer.nearest)
		return judge_say("request %lld: %d by %s: nearest is %lld, not %lld", id,
			person->id, plan_rule_name(said->rule), (long long)answer.nearest,
			(long long)said->nearest);
	return NULL;
}

static const char *judge_order(const struct plan_decision *decision)
{
	for (size_t i = 1; i < decision->n_ruled_out; i++) {
		const struct plan_ruled_out *a = &decision->ruled_out[i - 1], *b = a + 1;

		if (a->rule > b->rule || (a->rule == b->rule && a->coordinator >= b->coordinator))
			return judge_say("request %lld: the ruled out are out of order",
				(long long)decision->request);
	}
	return NULL;
}

static const struct plan_request *find_request(const struct plan_input *input, int64_t id)
{
	for (size_t i = 0; i < input->n_requests; i++)
		if (input->requests[i].id == id)
			return &input->requests[i];
	return NULL;
}

/* Its own meeting, if any, is taken out of the list. */
static bool open_question(struct question *q, const struct plan_input *input,
	const struct plan *plan, const struct plan_decision *decision)
{
	size_t n, kept = 0;
	int64_t over;

	*q = (struct question){.plan = plan, .decision = decision};
	q->meetings = judge_list(input, plan, &n);
	q->request = find_request(input, decision->request);
	if (q->meetings == NULL || q->request == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		if (q->meetings[i].moved || q->meetings[i].request->id != decision->request)
			q->meetings[kept++] = q->meetings[i];
	q->which = kept;
	q->on_call = q->request->urgency == PLAN_IMMEDIATE;
	if (q->request->urgency == PLAN_URGENT)
		q->on_call = !decision->served || decision->chosen.late_minutes > 0
			     || decision->chosen.on_call;
	q->step = q->request->urgency == PLAN_IMMEDIATE ? 60 : input->policy.grid_seconds;
	q->first = q->request->earliest > input->now ? q->request->earliest : input->now;
	over = (q->first % q->step + q->step) % q->step;
	q->first += over ? q->step - over : 0;
	if (!scene_open(&q->scene, input, q->meetings, kept))
		return false;
	q->scene.everything = true;
	return true;
}

const char *judge_reasons(const struct plan_input *input, const struct plan *plan)
{
	const char *fault = NULL;

	for (size_t i = 0; fault == NULL && i < plan->n_decisions; i++) {
		struct question q;

		if (!open_question(&q, input, plan, &plan->decisions[i])) {
			free(q.meetings);
			return "no memory, or the plan names the unknown";
		}
		fault = judge_order(&plan->decisions[i]);
		for (size_t j = 0; fault == NULL && j < input->n_coordinators; j++)
			fault = judge_person(&q, &input->coordinators[j]);
		scene_close(&q.scene);
		free(q.meetings);
	}
	return fault;
}
