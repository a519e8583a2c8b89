#include <inttypes.h>
#include <stddef.h>

#include "log.h"
#include "plan.h"
#include "snapshot.h"
#include "turn.h"
#include "worker.h"

void round_clear(struct dispatch *d)
{
	d->snapshot = snapshot_free(d->snapshot);
	d->plan = plan_free(d->plan);
}

/* A plan that might have become better is worth a line. */
static void log_plan(const struct dispatch *d, const struct plan *plan)
{
	log_line(plan->limited ? LOG_NOTICE : LOG_DEBUG, "group planned",
		"group=%" PRId32 " requests=%zu cost=%" PRId64 " moves=%zu steps=%" PRId64
		" exact=%d limited=%d",
		d->groups[d->at].id, plan->n_decisions, plan->cost, plan->n_moves, plan->steps,
		plan->exact, plan->limited);
}

void round_on_planned(int result, struct plan *plan, const char *error, void *arg)
{
	struct dispatch *d = arg;

	d->plan = plan;
	if (!d->ending) {
		if (result < 0) {
			log_error("planner failed", "error=%d", -result);
			turn_fail(d);
		} else if (result == PLAN_INVALID) {
			log_error("no plan possible", "group=%" PRId32 " why=\"%s\"",
				turn_group(d)->id, error);
			turn_give_up_group(d);
		} else {
			log_plan(d, plan);
			store_begin(d);
		}
	}
	turn_settle(d);
}

static void start_plan(struct dispatch *d)
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
	if (input->n_requests == 0)
		turn_leave_group(d);
	else
		worker_start(d->worker, input);
}

static void on_snapshot_part(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;
	enum snapshot_part part = (enum snapshot_part)d->parts++;

	if (turn_take(d, reply) && d->snapshot_result == 0) {
		if (reply->outcome == PG_REFUSED) {
			turn_log_refusal(d, "snapshot", reply);
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
		turn_log_refusal(d, "snapshot", reply);
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
			turn_lose_group(d);
		else if (d->snapshot_result != 0 || reply->outcome == PG_REFUSED)
			turn_give_up_group(d);
		else
			start_plan(d);
	}
	turn_settle(d);
}

/* All queued in one go, so that nobody else's call comes between BEGIN and COMMIT. */
static void ask_for_snapshot(struct dispatch *d)
{
	static const struct {
		const char *statement;
		int n; /* of the parameters below */
		int first;
	} parts[SNAPSHOT_PARTS] = {
		[SNAPSHOT_BEGIN] = {"SELECT * FROM vac_daemon.snapshot_begin($1, $2, $3)", 3, 0},
		[SNAPSHOT_POLICY] = {"SELECT * FROM vac_daemon.snapshot_policy()", 0, 0},
		[SNAPSHOT_ZONES] = {"SELECT * FROM vac_daemon.snapshot_zones($1)", 1, 0},
		[SNAPSHOT_OFFICES] = {"SELECT * FROM vac_daemon.snapshot_offices($1)", 1, 0},
		[SNAPSHOT_COORDINATORS] = {"SELECT * FROM vac_daemon.snapshot_coordinators($1, $2)",
			2, 3},
		[SNAPSHOT_BUSY] = {"SELECT * FROM vac_daemon.snapshot_busy($1)", 1, 0},
		[SNAPSHOT_REQUESTS] = {"SELECT * FROM vac_daemon.snapshot_requests($1, $2)", 2, 3},
		[SNAPSHOT_STANDING] = {"SELECT * FROM vac_daemon.snapshot_standing($1)", 1, 0},
	};
	struct numbers numbers;
	const char *values[5];
	bool sent;

	numbers_of_group(&numbers, turn_group(d));
	numbers_set(&numbers, 2, d->batch);
	values[0] = values[3] = numbers.values[0];
	values[1] = numbers.values[1];
	values[2] = values[4] = numbers.values[2];
	sent = turn_call(
		d, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL, on_transaction, d);
	for (int i = 0; sent && i < SNAPSHOT_PARTS; i++)
		sent = turn_call(d, parts[i].statement, parts[i].n, values + parts[i].first,
			on_snapshot_part, d);
	if (sent)
		sent = turn_call(d, "COMMIT", 0, NULL, on_snapshot_end, d);
	if (!sent && d->calls > 0)
		/* A transaction without its end must not stay open. */
		pg_drop(d->pg);
}

void round_begin(struct dispatch *d)
{
	round_clear(d);
	store_forget_locks(d);
	d->parts = d->snapshot_result = 0;
	d->snapshot = snapshot_new();
	if (d->snapshot == NULL)
		turn_fail(d);
	else if (turn_lease_is_over(d))
		turn_lose_group(d);
	else
		ask_for_snapshot(d);
}
