#include <stdlib.h>
#include <string.h>

#include "plan_scene.h"

static const enum plan_rule all_rules[] = {PLAN_WINDOW, PLAN_NOT_BACKUP, PLAN_CONFLICT, PLAN_BARRED,
	PLAN_SERVICE, PLAN_LANGUAGE, PLAN_GENDER, PLAN_CAP_OPEN_CASES, PLAN_LOCKED, PLAN_NO_SHIFT,
	PLAN_ON_CALL_ONLY, PLAN_HOURS, PLAN_LEAVE, PLAN_BUSY, PLAN_CASE_BUSY, PLAN_REST,
	PLAN_CAP_WEEK, PLAN_CAP_DAY};
enum { N_RULES = sizeof all_rules / sizeof *all_rules };

/* ---- a plan as meetings ---------------------------------------------------------------------- */

static const struct plan_request *find_request(
	const struct plan_request *requests, size_t n, int64_t id)
{
	for (size_t i = 0; i < n; i++)
		if (requests[i].id == id)
			return &requests[i];
	return NULL;
}

static const struct plan_coordinator *find_person(const struct plan_input *input, int32_t id)
{
	for (size_t i = 0; i < input->n_coordinators; i++)
		if (input->coordinators[i].id == id)
			return &input->coordinators[i];
	return NULL;
}

static const struct plan_appointment *find_appointment(
	const struct plan_input *input, const struct plan_move *move)
{
	for (size_t i = 0; i < input->n_appointments; i++)
		if (input->appointments[i].request == move->request
			&& input->appointments[i].id == move->appointment)
			return &input->appointments[i];
	return NULL;
}

static bool add_moves(const struct plan_input *input, const struct plan_decision *decision,
	struct judge_meeting *meetings, size_t *n)
{
	for (size_t i = 0; i < decision->n_moves; i++) {
		const struct plan_move *move = &decision->moves[i];
		struct judge_meeting *x = &meetings[(*n)++];

		*x = (struct judge_meeting){
			find_request(input->standing, input->n_standing, move->request),
			find_person(input, move->to.coordinator), find_appointment(input, move),
			move->to.meeting.start};
		if (x->request == NULL || x->person == NULL || x->moved == NULL)
			return false;
	}
	return true;
}

struct judge_meeting *judge_list(
	const struct plan_input *input, const struct plan *plan, size_t *np)
{
	struct judge_meeting *meetings = calloc(
		plan->n_decisions + plan->n_moves + 1, sizeof *meetings);
	bool known = meetings != NULL;

	*np = 0;
	for (size_t i = 0; known && i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];
		struct judge_meeting *x = &meetings[*np];

		if (!decision->served)
			continue;
		*x = (struct judge_meeting){
			find_request(input->requests, input->n_requests, decision->request),
			find_person(input, decision->chosen.coordinator), NULL,
			decision->chosen.meeting.start};
		known = x->request && x->person;
		++*np;
	}
	for (size_t i = 0; known && i < plan->n_decisions; i++)
		known = add_moves(input, &plan->decisions[i], meetings, np);
	if (known)
		return meetings;
	free(meetings);
	return NULL;
}

/* ---- prices ---------------------------------------------------------------------------------- */

int judge_compare(const struct judge_price *a, const struct judge_price *b)
{
	const int64_t pairs[][2] = {
		{a->call_outs_unserved, b->call_outs_unserved},
		{a->call_outs_late, b->call_outs_late},
		{a->call_outs_cost, b->call_outs_cost},
		{a->urgent_unserved, b->urgent_unserved},
		{a->routine_unserved, b->routine_unserved},
		{a->urgent_late, b->urgent_late},
		{a->routine_late, b->routine_late},
		{a->on_call, b->on_call},
		{a->cost, b->cost},
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i][0] != pairs[i][1])
			return pairs[i][0] < pairs[i][1] ? -1 : 1;
	return 0;
}

static void add_price(struct judge_price *price, enum plan_urgency urgency, int64_t late,
	bool on_call, int64_t cost)
{
	if (urgency == PLAN_IMMEDIATE) {
		price->call_outs_unserved--;
		price->call_outs_late += late;
		price->call_outs_cost += cost;
	} else if (urgency == PLAN_URGENT) {
		price->urgent_unserved--;
		price->urgent_late += late;
		price->on_call += on_call;
		price->cost += cost;
	} else {
		price->routine_unserved--;
		price->routine_late += late;
		price->cost += cost;
	}
}

static void add_need(struct judge_price *price, enum plan_urgency urgency)
{
	price->call_outs_unserved += urgency == PLAN_IMMEDIATE;
	price->urgent_unserved += urgency == PLAN_URGENT;
	price->routine_unserved += urgency == PLAN_ROUTINE;
}

static int64_t sum_of(const int64_t *terms)
{
	int64_t sum = 0;

	for (int i = 0; i < PLAN_TERMS; i++)
		sum += terms[i];
	return sum;
}

struct judge_price judge_price_of(
	const struct plan_input *input, const struct judge_meeting *meetings, size_t n)
{
	struct judge_price price = {0};
	int64_t terms[PLAN_TERMS];
	struct scene scene;

	if (!scene_open(&scene, input, meetings, n))
		abort();
	for (size_t i = 0; i < input->n_requests; i++)
		add_need(&price, input->requests[i].urgency);
	for (size_t i = 0; i < n; i++) {
		scene_terms(&scene, &meetings[i], i, terms);
		add_price(&price, meetings[i].request->urgency, judge_late(&meetings[i]),
			judge_is_on_call(&meetings[i]), sum_of(terms));
	}
	scene_close(&scene);
	return price;
}

struct judge_price judge_price_of_plan(const struct plan *plan)
{
	struct judge_price price = {0};

	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];

		add_need(&price, decision->urgency);
		for (size_t j = 0; j < decision->n_moves; j++)
			*(decision->urgency == PLAN_IMMEDIATE
					? &price.call_outs_cost
					: &price.cost) += decision->moves[j].to.cost;
		if (decision->served)
			add_price(&price, decision->urgency, decision->chosen.late_minutes,
				decision->chosen.on_call, decision->chosen.cost);
	}
	return price;
}

/* ---- rules ----------------------------------------------------------------------------------- */

enum plan_rule judge_rules(
	const struct plan_input *input, const struct judge_meeting *meetings, size_t n)
{
	enum plan_rule broken = PLAN_FREE;
	struct scene scene;

	if (!scene_open(&scene, input, meetings, n))
		abort();
	for (size_t i = 0; broken == PLAN_FREE && i < n; i++)
		for (int j = 0; broken == PLAN_FREE && j < N_RULES; j++)
			if (!scene_keeps(&scene, &meetings[i], i, all_rules[j]))
				broken = all_rules[j];
	scene_close(&scene);
	return broken;
}

/* ---- figures --------------------------------------------------------------------------------- */

static const char *judge_choice(
	const struct scene *scene, size_t which, const struct plan_choice *choice)
{
	const struct judge_meeting *x = &scene->meetings[which];
	struct span busy = judge_busy(scene->input, x), meeting = judge_span(x);
	long long id = (long long)x->request->id;
	int64_t terms[PLAN_TERMS];

	scene_terms(scene, x, which, terms);
	for (int i = 0; i < PLAN_TERMS; i++)
		if (terms[i] != choice->terms[i])
			return judge_say("request %lld: %s is %lld, not %lld", id,
				plan_term_name((enum plan_term)i), (long long)terms[i],
				(long long)choice->terms[i]);
	if (choice->cost != sum_of(terms))
		return judge_say("request %lld: cost is not the sum of its terms", id);
	if (choice->meeting.start != meeting.start || choice->meeting.end != meeting.end
		|| choice->busy.start != busy.start || choice->busy.end != busy.end)
		return judge_say("request %lld: wrong spans", id);
	if (choice->late_minutes != judge_late(x))
		return judge_say("request %lld: late %lld", id, (long long)choice->late_minutes);
	if (choice->by_interpreter != !judge_has_code(x->person->languages, x->request->language))
		return judge_say("request %lld: by_interpreter", id);
	if (choice->on_call != judge_is_on_call(x))
		return judge_say("request %lld: on_call", id);
	if (choice->over_cap
		!= (x->request->urgency == PLAN_IMMEDIATE
			&& scene_caps_broken(scene, x, which) > 0))
		return judge_say("request %lld: over_cap", id);
	return NULL;
}

static const char *judge_totals(const struct plan *plan)
{
	int64_t unserved[PLAN_URGENCIES] = {0}, late[PLAN_URGENCIES] = {0}, on_call = 0, cost = 0;

	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];

		for (size_t j = 0; j < decision->n_moves; j++)
			cost += decision->moves[j].to.cost;
		unserved[decision->urgency] += !decision->served;
		if (!decision->served)
			continue;
		late[decision->urgency] += decision->chosen.late_minutes;
		on_call += decision->urgency == PLAN_URGENT && decision->chosen.on_call;
		cost += decision->chosen.cost;
	}
	if (memcmp(unserved, plan->unserved, sizeof unserved) != 0)
		return "the unserved are miscounted";
	if (memcmp(late, plan->late_minutes, sizeof late) != 0)
		return "the late minutes are miscounted";
	if (on_call != plan->on_call)
		return "the on-call meetings are miscounted";
	return cost == plan->cost ? NULL : "the cost is not that of all decisions and moves";
}

/* ---- moves ----------------------------------------------------------------------------------- */

static const char *judge_move(const struct plan_input *input, const struct plan_decision *decision,
	const struct plan_move *move, const struct judge_meeting *x)
{
	const struct plan_appointment *moved = x->moved;
	long long id = (long long)move->appointment;
	int64_t notice = x->request->earliest > input->now ? x->request->earliest : input->now;

	if (!(input->policy.moved_by[x->request->urgency] >> decision->urgency & 1))
		return judge_say("appointment %lld: may not be moved for such a request", id);
	if (!decision->served)
		return judge_say("appointment %lld: moved for nothing", id);
	if (moved->meeting.start < notice)
		return judge_say("appointment %lld: moved within the notice", id);
	if (x->start > x->request->due)
		return judge_say("appointment %lld: moved past its due time", id);
	if (move->from_coordinator != moved->coordinator
		|| move->from_meeting.start != moved->meeting.start
		|| move->from_meeting.end != moved->meeting.end)
		return judge_say("appointment %lld: moved from where it was not", id);
	if (x->person->id == moved->coordinator && x->start == moved->meeting.start)
		return judge_say("appointment %lld: moved to where it was", id);
	if (sum_of(move->to.terms) != move->to.cost)
		return judge_say("appointment %lld: cost is not the sum of its terms", id);
	return NULL;
}

/* `moves`: this one and those before it. */
static const char *judge_move_cost(const struct plan_input *input, const struct plan_move *move,
	const struct judge_meeting *moves, size_t n)
{
	int64_t terms[PLAN_TERMS];
	struct scene scene;

	if (!scene_open(&scene, input, moves, n))
		abort();
	scene_move_terms(&scene, n - 1, terms);
	scene_close(&scene);
	for (int i = 0; i < PLAN_TERMS; i++)
		if (terms[i] != move->to.terms[i])
			return judge_say("appointment %lld: %s is %lld, not %lld",
				(long long)move->appointment, plan_term_name((enum plan_term)i),
				(long long)terms[i], (long long)move->to.terms[i]);
	return NULL;
}

/* Those in `meetings` stand in the order of the decisions' moves. */
static const char *judge_moves(const struct plan_input *input, const struct plan *plan,
	const struct judge_meeting *meetings, size_t n)
{
	const char *fault = NULL;
	size_t next = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (meetings[i].moved == meetings[j].moved)
				return "an appointment is moved twice";
	for (size_t i = 0; fault == NULL && i < plan->n_decisions; i++) {
		const struct plan_decision *decision = &plan->decisions[i];

		if (decision->n_moves > (uint64_t)input->policy.move_chain)
			return judge_say("request %lld: a chain of %zu moves",
				(long long)decision->request, decision->n_moves);
		for (size_t j = 0; fault == NULL && j < decision->n_moves; j++) {
			const struct plan_move *move = &decision->moves[j];

			fault = judge_move(input, decision, move, &meetings[next++]);
			if (fault == NULL)
				fault = judge_move_cost(input, move, meetings, next);
		}
	}
	return fault;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool is_before(const struct plan_request *a, const struct plan_request *b)
{
	if (a->urgency != b->urgency)
		return a->urgency < b->urgency;
	return a->due != b->due ? a->due < b->due : a->id < b->id;
}

static const char *judge_order(const struct plan_input *input, const struct plan *plan)
{
	const struct plan_request *last = NULL;

	if (plan->n_decisions != input->n_requests)
		return "not each request has a decision";
	for (size_t i = 0; i < plan->n_decisions; i++) {
		const struct plan_request *request = find_request(
			input->requests, input->n_requests, plan->decisions[i].request);

		if (request == NULL || (last && !is_before(last, request)))
			return "the decisions are out of order";
		if (request->urgency != plan->decisions[i].urgency)
			return "a decision has another urgency than its request";
		last = request;
	}
	return NULL;
}

static const char *judge_figures(const struct plan *plan, const struct scene *scene, size_t n_given)
{
	const char *fault = judge_totals(plan);
	size_t next = 0;

	for (size_t i = 0; fault == NULL && i < plan->n_decisions; i++)
		if (plan->decisions[i].served)
			fault = judge_choice(scene, next++, &plan->decisions[i].chosen);
	return fault || next == n_given ? fault : "some meetings are of no decision";
}

const char *judge_plan(const struct plan_input *input, const struct plan *plan)
{
	size_t n, n_given;
	struct judge_meeting *meetings = judge_list(input, plan, &n);
	const char *fault = meetings ? judge_order(input, plan) : "the plan names the unknown";
	enum plan_rule broken;
	struct scene scene;

	if (fault) {
		free(meetings);
		return fault;
	}
	n_given = n - plan->n_moves;
	broken = judge_rules(input, meetings, n);
	if (broken != PLAN_FREE)
		fault = judge_say("a meeting breaks the rule %s", plan_rule_name(broken));
	if (fault == NULL)
		fault = judge_moves(input, plan, meetings + n_given, n - n_given);
	if (fault == NULL && scene_open(&scene, input, meetings, n)) {
		fault = judge_figures(plan, &scene, n_given);
		scene_close(&scene);
	}
	free(meetings);
	return fault;
}
