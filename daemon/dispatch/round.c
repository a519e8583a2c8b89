#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "log.h"
#include "plan.h"
#include "snapshot.h"
#include "split.h"
#include "turn.h"
#include "worker.h"

void round_clear(struct dispatch *d)
{
	for (size_t i = 0; i < d->n_shares; i++)
		plan_free(d->shares[i].plan);
	d->shares = NULL;
	d->n_shares = d->planned = d->n_decisions = 0;
	d->snapshot = snapshot_free(d->snapshot);
	free(d->decisions);
	d->decisions = NULL;
}

/* A plan that might have become better is worth a line. */
static void log_plan(int32_t group, const struct plan *plan)
{
	log_line(plan->limited ? LOG_NOTICE : LOG_DEBUG, "group planned",
		"group=%" PRId32 " requests=%zu cost=%" PRId64 " moves=%zu steps=%" PRId64
		" exact=%d limited=%d",
		group, plan->n_decisions, plan->cost, plan->n_moves, plan->steps, plan->exact,
		plan->limited);
}

static void plan_next(struct dispatch *d)
{
	if (d->planned < d->n_shares)
		worker_start(d->worker, &d->shares[d->planned].input);
	else
		store_begin(d);
}

/* One group's plan says nothing of the others'. */
static void take_plan(struct dispatch *d, int result, struct plan *plan, const char *error)
{
	struct share *share = &d->shares[d->planned++];

	share->plan = plan;
	if (result < 0)
		log_error("planner failed", "group=%" PRId32 " error=%d", share->group, -result);
	else if (result == PLAN_INVALID)
		log_error("no plan possible", "group=%" PRId32 " why=\"%s\"", share->group, error);
	else
		log_plan(share->group, plan);
	if (result != 0)
		d->troubled = true;
	plan_next(d);
}

void round_on_planned(int result, struct plan *plan, const char *error, void *arg)
{
	struct dispatch *d = arg;

	if (d->ending)
		plan_free(plan);
	else
		take_plan(d, result, plan, error);
	turn_settle(d);
}

static void start_plans(struct dispatch *d)
{
	int32_t locked[MOST_LOCKED];
	const struct plan_input *input;

	for (size_t i = 0; i < d->n_locked; i++)
		locked[i] = d->locked[i].coordinator;
	/* A meeting that would be late is better than one that is refused for ever. */
	if (d->round + 1 >= MOST_ROUNDS)
		snapshot_forbid_moves(d->snapshot);
	input = snapshot_finish(d->snapshot, locked, d->n_locked);
	if (input->n_requests < snapshot_n_asked(d->snapshot))
		d->troubled = true;
	if (snapshot_split(d->snapshot, &d->shares, &d->n_shares) < 0)
		turn_fail(d);
	else
		plan_next(d);
}

static void on_snapshot_part(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;
	enum snapshot_part part = (enum snapshot_part)d->parts++;

	if (turn_take(d, reply) && d->snapshot_result == 0) {
		if (reply->outcome == PG_REFUSED) {
			turn_log_refusal(turn_batch(d), "snapshot", reply);
			d->snapshot_result = SNAPSHOT_INVALID;
		} else {
			d->snapshot_result = snapshot_take(d->snapshot, part, reply->result);
		}
	}
	turn_settle(d);
}

static void on_transaction(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply) && reply->outcome == PG_REFUSED && d->snapshot_result == 0) {
		turn_log_refusal(turn_batch(d), "snapshot", reply);
		d->snapshot_result = SNAPSHOT_INVALID;
	}
	turn_settle(d);
}

static void on_snapshot_end(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply)) {
		if (d->snapshot_result < 0)
			turn_fail(d);
		else if (d->snapshot_result == SNAPSHOT_CLOSED || turn_lease_is_over(d))
			turn_lose_batch(d);
		else if (d->snapshot_result != 0 || reply->outcome == PG_REFUSED)
			turn_give_up_batch(d);
		else
			start_plans(d);
	}
	turn_settle(d);
}

/* All queued in one go, so that nobody else's call comes between BEGIN and COMMIT. */
static void ask_for_snapshot(struct dispatch *d)
{
	static const char *const parts[SNAPSHOT_PARTS] = {
		[SNAPSHOT_BEGIN] = "SELECT * FROM vac_daemon.snapshot_begin($1, $2, $3)",
		[SNAPSHOT_POLICY] = "SELECT * FROM vac_daemon.snapshot_policy()",
		[SNAPSHOT_ZONES] = "SELECT * FROM vac_daemon.snapshot_zones()",
		[SNAPSHOT_OFFICES] = "SELECT * FROM vac_daemon.snapshot_offices()",
		[SNAPSHOT_COORDINATORS] = "SELECT * FROM vac_daemon.snapshot_coordinators()",
		[SNAPSHOT_BUSY] = "SELECT * FROM vac_daemon.snapshot_busy()",
		[SNAPSHOT_REQUESTS] = "SELECT * FROM vac_daemon.snapshot_requests()",
		[SNAPSHOT_STANDING] = "SELECT * FROM vac_daemon.snapshot_standing()",
	};
	const struct batch *batch = turn_batch(d);
	struct number most;
	const char *values[] = {batch->groups, batch->fences, turn_number(&most, d->batch)};
	bool sent = turn_call(
		d, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL, on_transaction, d);

	for (int i = 0; sent && i < SNAPSHOT_PARTS; i++)
		sent = turn_call(
			d, parts[i], i == SNAPSHOT_BEGIN ? 3 : 0, values, on_snapshot_part, d);
	if (sent)
		sent = turn_call(d, "COMMIT", 0, NULL, on_snapshot_end, d);
	if (!sent && d->calls > 0)
		/* A transaction without its end must not stay open. */
		pg_drop(d->pg);
}

void round_begin(struct dispatch *d)
{
	round_clear(d);
	d->parts = d->snapshot_result = 0;
	d->snapshot = snapshot_new();
	if (d->snapshot == NULL)
		turn_fail(d);
	else if (turn_lease_is_over(d))
		turn_lose_batch(d);
	else
		ask_for_snapshot(d);
}
