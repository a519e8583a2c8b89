#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <event2/event.h>
#include <event2/util.h>

#include "json.h"
#include "log.h"
#include "plan.h"
#include "snapshot.h"
#include "split.h"
#include "turn.h"

enum {
	MOST_PART = 500,   /* decisions stored in one call */
	MOST_TRIES = 4,    /* of one call that met a lock or another's transaction */
	LOCKED_MS = 10000, /* how long a coordinator who could not be locked is left alone */
	FIRST_PAUSE_MS = 50,
};

#define LOCK_NOT_AVAILABLE "55P03"

static void store_next(struct dispatch *d);

static bool is_locked(const struct dispatch *d, int32_t coordinator)
{
	for (size_t i = 0; i < d->n_locked; i++)
		if (d->locked[i].coordinator == coordinator)
			return true;
	return false;
}

/* Whether that is news, which the next plan knows. */
static bool note_locked(struct dispatch *d, int32_t coordinator)
{
	if (is_locked(d, coordinator))
		return false;
	log_notice(
		"coordinator locked by another transaction", "coordinator=%" PRId32, coordinator);
	if (d->n_locked == MOST_LOCKED)
		return false;
	d->locked[d->n_locked++] = (struct locked){coordinator, turn_clock_ms() + LOCKED_MS};
	return true;
}

void store_forget_locks(struct dispatch *d)
{
	int64_t now = turn_clock_ms();
	size_t n = 0;

	for (size_t i = 0; i < d->n_locked; i++)
		if (d->locked[i].until > now)
			d->locked[n++] = d->locked[i];
	d->n_locked = n;
}

/* What was refused is planned again; so is the rest of a batch that one round could not take in. */
static void end_round(struct dispatch *d)
{
	bool more = snapshot_n_asked(d->snapshot) >= (size_t)d->batch && d->kept > 0;

	if (more)
		d->round = 0;
	else if (!d->learned)
		d->round++;
	if (d->again == 0 && !more) {
		turn_leave_batch(d);
	} else if (d->round >= MOST_ROUNDS || d->stopping) {
		d->left_over += d->again;
		turn_leave_batch(d);
	} else {
		round_begin(d);
	}
}

static void log_moved(const struct plan_decision *decision, const struct plan_move *move)
{
	log_info("appointment moved",
		"request=%" PRId64 " made_room_for=%" PRId64 " appointment=%" PRId64
		" coordinator=%" PRId32 " start=%" PRId64 " from_coordinator=%" PRId32
		" from_start=%" PRId64,
		move->request, decision->request, move->appointment, move->to.coordinator,
		move->to.meeting.start, move->from_coordinator, move->from_meeting.start);
}

static void log_stored(const struct plan_decision *decision)
{
	const struct plan_choice *chosen = &decision->chosen;

	for (size_t i = 0; i < decision->n_moves; i++)
		log_moved(decision, &decision->moves[i]);
	log_info("request planned",
		"request=%" PRId64 " coordinator=%" PRId32 " start=%" PRId64
		" late_minutes=%" PRId64 " cost=%" PRId64 " over_cap=%d",
		decision->request, chosen->coordinator, chosen->meeting.start, chosen->late_minutes,
		chosen->cost, chosen->over_cap);
}

static void log_unserved(const struct plan_decision *decision)
{
	size_t most = 0, n = 0;
	const char *rule = "nobody_in_reach";

	for (size_t i = 0; i < decision->n_ruled_out; i++) {
		const struct plan_ruled_out *one = &decision->ruled_out[i];

		n = i > 0 && one->rule == decision->ruled_out[i - 1].rule ? n + 1 : 1;
		if (n > most) {
			most = n;
			rule = plan_rule_name(one->rule);
		}
	}
	log_notice("request unserved", "request=%" PRId64 " ruled_out=%zu mostly=%s",
		decision->request, decision->n_ruled_out, rule);
}

static bool hurries(const struct plan_decision *decision)
{
	return decision->urgency != PLAN_ROUTINE;
}

static bool is_rule(const char *rule, const char *name)
{
	return rule && strcmp(rule, name) == 0;
}

/* rule: from the database, but one of its codes; a line stays a line whatever it is. */
static void log_refused(
	const struct dispatch *d, const struct plan_decision *decision, const char *rule)
{
	bool more = is_rule(rule, "locked") && hurries(decision);
	bool last = d->round + 1 >= MOST_ROUNDS && !more;

	log_line(last ? LOG_WARNING : LOG_INFO, "plan refused",
		"request=%" PRId64 " coordinator=%" PRId32 " rule=%s round=%d", decision->request,
		decision->chosen.coordinator, rule ? rule : "?", d->round + 1);
}

static const struct plan_decision *find_decision(const struct dispatch *d, int64_t request)
{
	for (size_t i = d->stored; i < d->stored + d->part; i++)
		if (d->decisions[i].request == request)
			return &d->decisions[i];
	return NULL;
}

/*
 * Not to be had now. What hurries is planned without them at once, however many somebody holds (up to
 * MOST_LOCKED): each such round knows one more, so that it comes to whoever is free, or to saying that
 * nobody is.
 */
static void pass_over(struct dispatch *d, const struct plan_decision *decision)
{
	int32_t coordinator = decision->chosen.coordinator;

	if (decision->served && note_locked(d, coordinator) && hurries(decision))
		d->learned = true;
	if (decision->served && is_locked(d, coordinator) && hurries(decision))
		d->again++;
	else
		d->left_over++;
}

/* The call met a lock, of which nobody says whose it was: for this turn it is done with. */
static void leave_locked(struct dispatch *d, const struct plan_decision *decision)
{
	if (decision->served)
		note_locked(d, decision->chosen.coordinator);
	for (size_t i = 0; i < decision->n_moves; i++) {
		note_locked(d, decision->moves[i].from_coordinator);
		note_locked(d, decision->moves[i].to.coordinator);
	}
	d->left_over++;
}

static void take_outcome(struct dispatch *d, const struct plan_decision *decision,
	const char *outcome, const char *rule)
{
	if (strcmp(outcome, "refused") == 0) {
		log_refused(d, decision, rule);
		if (is_rule(rule, "locked"))
			pass_over(d, decision);
		else if (is_rule(rule, "place_locked"))
			leave_locked(d, decision);
		else if (is_rule(rule, "request_locked"))
			d->left_over++; /* another round now would find the same */
		else
			d->again++;
		return;
	}
	d->progress++;
	d->kept++;
	if (strcmp(outcome, "stored") == 0)
		log_stored(decision);
	else if (strcmp(outcome, "unserved") == 0)
		log_unserved(decision);
	else
		log_debug("request gone", "request=%" PRId64 " outcome=%s", decision->request,
			outcome);
}

static void take_outcomes(struct dispatch *d, const PGresult *result)
{
	int request = PQfnumber(result, "request_id"), outcome = PQfnumber(result, "outcome");
	int rule = PQfnumber(result, "rule");

	for (int i = 0; i < PQntuples(result); i++) {
		const struct plan_decision *decision = find_decision(d, pg_int(result, i, request));
		const char *text = pg_text(result, i, outcome);

		if (decision && text)
			take_outcome(d, decision, text, pg_text(result, i, rule));
	}
}

/* Fences are checked in the call: when another has one of the groups, that is the rule everywhere. */
static bool fence_is_broken(const PGresult *result)
{
	int rule = PQfnumber(result, "rule");
	const char *text = PQntuples(result) > 0 ? pg_text(result, 0, rule) : NULL;

	return text && strcmp(text, "fence") == 0;
}

static void part_is_stored(struct dispatch *d, const PGresult *result)
{
	if (fence_is_broken(result)) {
		turn_lose_batch(d);
		return;
	}
	take_outcomes(d, result);
	d->stored += d->part;
	d->tries = 0;
	store_next(d);
}

static bool may_pass(const char *sqlstate)
{
	static const char *const states[] = {"40001", "40P01", "23P01", LOCK_NOT_AVAILABLE};

	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (strcmp(sqlstate, states[i]) == 0)
			return true;
	return false;
}

/* A decision that fails by itself too is left for a later turn. */
static void skip_decision(struct dispatch *d, const char *sqlstate)
{
	const struct plan_decision *decision = &d->decisions[d->stored];

	log_warning("decision not stored", "request=%" PRId64 " sqlstate=%s", decision->request,
		sqlstate);
	if (strcmp(sqlstate, LOCK_NOT_AVAILABLE) == 0) {
		leave_locked(d, decision);
	} else {
		d->left_over++;
		/* What would be stored with it next time need not go one by one for it. */
		turn_come_apart(d);
	}
	d->stored++;
	d->tries = 0;
	store_next(d);
}

static void pause_then_store(struct dispatch *d)
{
	unsigned char random;
	long ms = FIRST_PAUSE_MS << d->tries;

	evutil_secure_rng_get_bytes(&random, sizeof random);
	turn_arm(d->pause_timer, ms / 2 + ms * random / 256);
}

void store_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch *d = arg;

	(void)fd;
	(void)what;
	if (!d->ending)
		store_next(d);
	turn_settle(d);
}

/*
 * Coordinators whom somebody's open transaction holds are passed over by the database; what else it
 * holds is waited for once, with the whole part; then each decision goes by itself, where that is
 * passed over, too. So it goes with what can never be stored, lest one
 * decision keep all others back. A deadlock's loser tries the whole again first.
 */
static void part_is_refused(struct dispatch *d, const struct pg_reply *reply)
{
	bool passing = may_pass(reply->sqlstate);
	bool locked = strcmp(reply->sqlstate, LOCK_NOT_AVAILABLE) == 0;

	if (!passing)
		turn_log_refusal(turn_batch(d), "store_plans", reply);
	if (d->one_by_one && (!passing || locked || d->tries >= MOST_TRIES)) {
		skip_decision(d, reply->sqlstate);
		return;
	}
	if (!passing || locked || d->tries > 0)
		d->one_by_one = true;
	d->tries++;
	pause_then_store(d);
}

static void on_stored(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_DONE)
			part_is_stored(d, reply->result);
		else
			part_is_refused(d, reply);
	}
	turn_settle(d);
}

/* Decisions about somebody who is locked are passed over; urgent ones are then planned without
 * them. */
static bool is_passed_over(const struct dispatch *d, const struct plan_decision *decision)
{
	bool locked = decision->served && is_locked(d, decision->chosen.coordinator);

	for (size_t i = 0; i < decision->n_moves && !locked; i++)
		locked = is_locked(d, decision->moves[i].from_coordinator)
			 || is_locked(d, decision->moves[i].to.coordinator);
	return locked;
}

static void measure_part(struct dispatch *d)
{
	size_t n = d->n_decisions, most = d->one_by_one ? 1 : MOST_PART;

	for (; d->stored < n && is_passed_over(d, &d->decisions[d->stored]); d->stored++) {
		if (d->decisions[d->stored].urgency == PLAN_ROUTINE)
			d->left_over++;
		else
			d->again++;
	}
	d->part = 0;
	while (d->part < most && d->stored + d->part < n
		&& !is_passed_over(d, &d->decisions[d->stored + d->part]))
		d->part++;
}

static void write_number(struct json *json, const char *key, int64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

/* What vac_daemon.store_plans() keeps of a whole plan. */
static void write_about(struct json *json, const struct dispatch *d, const struct share *share)
{
	const struct plan *plan = share->plan;
	int64_t unserved = 0, late = 0;

	for (int i = 0; i < PLAN_URGENCIES; i++) {
		unserved += plan->unserved[i];
		late += plan->late_minutes[i];
	}
	write_number(json, "group", share->group);
	write_number(json, "round", d->n_plans);
	write_number(json, "now", share->input.now);
	write_number(json, "requests", (int64_t)plan->n_decisions);
	write_number(json, "unserved", unserved);
	write_number(json, "late_minutes", late);
	write_number(json, "moves", (int64_t)plan->n_moves);
	write_number(json, "cost", plan->cost);
	write_number(json, "steps", plan->steps);
	json_key(json, "exact");
	json_truth(json, plan->exact);
	json_key(json, "limited");
	json_truth(json, plan->limited);
}

/* The plans of which decisions are in the part, each with these. 0 or -ENOMEM. */
static int write_part(const struct dispatch *d, char **textp)
{
	size_t before = 0, part_end = d->stored + d->part;
	struct json json = {0};

	json_open(&json, '[');
	for (size_t i = 0; i < d->n_shares && before < part_end; i++) {
		const struct plan *plan = d->shares[i].plan;
		size_t n = plan ? plan->n_decisions : 0;
		size_t first = before < d->stored ? d->stored - before : 0;
		size_t end = part_end - before < n ? part_end - before : n;

		if (first < end) {
			json_open(&json, '{');
			write_about(&json, d, &d->shares[i]);
			json_key(&json, "decisions");
			plan_write_decisions(&json, plan, first, end - first);
			json_close(&json, '}');
		}
		before += n;
	}
	json_close(&json, ']');
	return json_take(&json, textp);
}

static void store_part(struct dispatch *d)
{
	char *plans;
	const char *values[] = {turn_batch(d)->groups, turn_batch(d)->fences, NULL};

	if (write_part(d, &plans) < 0) {
		turn_fail(d);
		return;
	}
	values[2] = plans;
	turn_call(d, "SELECT request_id, outcome, rule FROM vac_daemon.store_plans($1, $2, $3)", 3,
		values, on_stored, d);
	free(plans);
}

static void store_next(struct dispatch *d)
{
	measure_part(d);
	if (d->part == 0)
		end_round(d);
	else if (turn_lease_is_over(d))
		turn_lose_batch(d);
	else
		store_part(d);
}

/* False: no memory. */
static bool list_decisions(struct dispatch *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_shares; i++)
		n += d->shares[i].plan ? d->shares[i].plan->n_decisions : 0;
	d->decisions = calloc(n ? n : 1, sizeof *d->decisions);
	for (size_t i = 0; d->decisions && i < d->n_shares; i++) {
		const struct plan *plan = d->shares[i].plan;

		for (size_t j = 0; plan && j < plan->n_decisions; j++)
			d->decisions[d->n_decisions++] = plan->decisions[j];
	}
	return d->decisions;
}

void store_begin(struct dispatch *d)
{
	d->stored = d->part = d->again = d->kept = 0;
	d->learned = false;
	d->tries = 0;
	d->one_by_one = false;
	d->n_plans++;
	if (list_decisions(d))
		store_next(d);
	else
		turn_fail(d);
}
