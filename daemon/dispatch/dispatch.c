#include "../dispatch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <event2/event.h>

#include "../stage.h"
#include "config.h"
#include "log.h"
#include "turn.h"
#include "worker.h"

enum { CLAIMED_ELSEWHERE_MS = 500 };

static void next_group(struct dispatch *d);

/* ---- small things --------------------------------------------------------------------------- */

/* Runs on while the machine sleeps, as the lease in the database does. */
int64_t turn_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void turn_arm(struct event *timer, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(timer, &tv);
}

struct group *turn_group(struct dispatch *d)
{
	return &d->groups[d->at];
}

bool turn_lease_is_over(struct dispatch *d)
{
	const struct group *group = turn_group(d);

	return group->lost || turn_clock_ms() >= group->lease_end;
}

/* ---- calls, and the end of a turn ----------------------------------------------------------- */

static void finish_turn(struct dispatch *d)
{
	round_clear(d);
	evtimer_del(d->renew_timer);
	evtimer_del(d->pause_timer);
	if (d->failed || (d->progress == 0 && (d->troubled || d->left_over > 0)))
		stage_failed(d->stage);
	else
		stage_done(d->stage, d->next_ms);
}

/* Ends every callback. */
void turn_settle(struct dispatch *d)
{
	if (d->ending && d->calls == 0 && !worker_is_busy(d->worker))
		finish_turn(d);
}

static void end_turn(struct dispatch *d)
{
	d->ending = true;
}

void turn_fail(struct dispatch *d)
{
	d->failed = true;
	end_turn(d);
}

bool turn_call(struct dispatch *d, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg)
{
	if (d->ending)
		return false;
	if (pg_call(d->pg, statement, n, values, done, arg) < 0) {
		turn_fail(d);
		return false;
	}
	d->calls++;
	return true;
}

/* Whether a reply is worth looking at; PG_REFUSED is left to the caller. */
bool turn_take(struct dispatch *d, const struct pg_reply *reply)
{
	d->calls--;
	if (reply->outcome == PG_LOST)
		turn_fail(d);
	return !d->ending;
}

void turn_log_refusal(const struct dispatch *d, const char *what, const struct pg_reply *reply)
{
	log_error("call refused", "call=%s group=%" PRId32 " sqlstate=%s why=\"%s\"", what,
		d->at < d->n_groups ? d->groups[d->at].id : 0, reply->sqlstate, reply->text);
}

void numbers_set(struct numbers *numbers, int i, int64_t number)
{
	snprintf(numbers->texts[i], sizeof numbers->texts[i], "%" PRId64, number);
	numbers->values[i] = numbers->texts[i];
}

struct numbers *numbers_of_group(struct numbers *numbers, const struct group *group)
{
	numbers_set(numbers, 0, group->id);
	numbers_set(numbers, 1, group->fence);
	return numbers;
}

/* ---- leases --------------------------------------------------------------------------------- */

static void on_renewed(const struct pg_reply *reply, void *arg)
{
	struct group *group = arg;
	struct dispatch *d = group->dispatch;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_REFUSED)
			turn_log_refusal(d, "renew_group", reply);
		else if (PQntuples(reply->result) == 1 && PQgetvalue(reply->result, 0, 0)[0] == 't')
			group->lease_end = group->asked + d->lease_ms;
		else
			group->lost = true;
	}
	turn_settle(d);
}

static void on_renew_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch *d = arg;

	(void)fd;
	(void)what;
	for (size_t i = d->at; i < d->n_groups && !d->ending; i++) {
		struct group *group = &d->groups[i];
		struct numbers numbers;

		if (group->lost)
			continue;
		group->asked = turn_clock_ms();
		numbers_of_group(&numbers, group);
		numbers_set(&numbers, 2, d->lease_ms);
		turn_call(d, "SELECT vac_daemon.renew_group($1, $2, $3)", 3, numbers.values,
			on_renewed, group);
	}
	if (!d->ending)
		turn_arm(d->renew_timer, d->lease_ms / 2);
	turn_settle(d);
}

static void on_released(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	/* Said also when the turn is ending without it. */
	turn_take(d, reply);
	if (reply->outcome == PG_REFUSED)
		turn_log_refusal(d, "release_group", reply);
	turn_settle(d);
}

static void release_group(struct dispatch *d, const struct group *group)
{
	struct numbers numbers;

	if (!group->lost)
		turn_call(d, "SELECT vac_daemon.release_group($1, $2)", 2,
			numbers_of_group(&numbers, group)->values, on_released, d);
}

/* ---- one group: the end --------------------------------------------------------------------- */

void turn_leave_group(struct dispatch *d)
{
	round_clear(d);
	release_group(d, turn_group(d));
	d->at++;
	next_group(d);
}

void turn_give_up_group(struct dispatch *d)
{
	d->troubled = true;
	turn_leave_group(d);
}

void turn_lose_group(struct dispatch *d)
{
	log_warning("lease over, plan thrown away", "group=%" PRId32, turn_group(d)->id);
	turn_group(d)->lost = true;
	turn_give_up_group(d);
}

/* ---- the turn ------------------------------------------------------------------------------- */

static void on_next(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_REFUSED)
			turn_log_refusal(d, "next_dispatch", reply);
		else if (PQntuples(reply->result) == 1 && !PQgetisnull(reply->result, 0, 0))
			d->next_ms = (long)pg_int(reply->result, 0, 0);
		/* What is due although nothing could be claimed is at work elsewhere. */
		if (d->n_groups == 0 && d->next_ms >= 0 && d->next_ms < CLAIMED_ELSEWHERE_MS)
			d->next_ms = CLAIMED_ELSEWHERE_MS;
		end_turn(d);
	}
	turn_settle(d);
}

static void next_group(struct dispatch *d)
{
	d->round = d->n_plans = 0;
	while (d->stopping && d->at < d->n_groups)
		release_group(d, &d->groups[d->at++]);
	if (d->at < d->n_groups)
		round_begin(d);
	else if (stage_is_woken(d->stage))
		/* The next turn claims at once: what is due later is asked after that. */
		end_turn(d);
	else if (!turn_call(d, "SELECT vac_daemon.next_dispatch()", 0, NULL, on_next, d))
		turn_fail(d);
}

static void take_claims(struct dispatch *d, const PGresult *result)
{
	int id = PQfnumber(result, "group_id"), fence = PQfnumber(result, "fence");

	for (int i = 0; i < PQntuples(result) && i < MOST_GROUPS; i++)
		d->groups[d->n_groups++] = (struct group){
			.dispatch = d,
			.id = (int32_t)pg_int(result, i, id),
			.fence = pg_int(result, i, fence),
			.lease_end = d->claim_asked + d->lease_ms,
		};
}

static void on_claimed(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_REFUSED) {
			turn_log_refusal(d, "claim_groups", reply);
			turn_fail(d);
		} else {
			take_claims(d, reply->result);
			if (d->n_groups > 0)
				turn_arm(d->renew_timer, d->lease_ms / 2);
			next_group(d);
		}
	}
	turn_settle(d);
}

static void turn(void *arg)
{
	struct dispatch *d = arg;
	struct numbers numbers;
	const char *values[3];

	d->ending = d->failed = d->troubled = false;
	d->progress = d->left_over = d->n_groups = d->at = 0;
	d->next_ms = -1;
	d->lease_ms = d->next_lease_ms;
	d->batch = d->next_batch;
	numbers_set(&numbers, 0, MOST_GROUPS);
	numbers_set(&numbers, 1, d->lease_ms);
	values[0] = d->daemon_id;
	values[1] = numbers.values[0];
	values[2] = numbers.values[1];
	d->claim_asked = turn_clock_ms();
	turn_call(d, "SELECT group_id, fence FROM vac_daemon.claim_groups($1, $2, $3)", 3, values,
		on_claimed, d);
	turn_settle(d);
}

/* ---- the stage ------------------------------------------------------------------------------ */

int dispatch_new(struct event_base *base, struct pg *pg, const struct config *config,
	const char *daemon_id, struct dispatch **dispatchp)
{
	static const struct stage_ops ops = {.name = "dispatch", .turn = turn};
	struct dispatch *d = calloc(1, sizeof *d);
	int r;

	if (d == NULL)
		return -ENOMEM;
	d->pg = pg;
	snprintf(d->daemon_id, sizeof d->daemon_id, "%s", daemon_id);
	dispatch_reload(d, config);
	d->renew_timer = evtimer_new(base, on_renew_timer, d);
	d->pause_timer = evtimer_new(base, store_on_timer, d);
	r = d->renew_timer && d->pause_timer ? 0 : -ENOMEM;
	if (r == 0)
		r = worker_new(base, round_on_planned, d, &d->worker);
	if (r == 0)
		r = stage_new(base, &ops, d, config->poll_ms, &d->stage);
	if (r < 0) {
		dispatch_free(d);
		return r;
	}
	*dispatchp = d;
	return 0;
}

struct dispatch *dispatch_free(struct dispatch *d)
{
	if (d == NULL)
		return NULL;
	stage_free(d->stage);
	worker_free(d->worker);
	if (d->renew_timer)
		event_free(d->renew_timer);
	if (d->pause_timer)
		event_free(d->pause_timer);
	round_clear(d);
	free(d);
	return NULL;
}

void dispatch_reload(struct dispatch *d, const struct config *config)
{
	d->next_lease_ms = config->lease_ms;
	d->next_batch = config->dispatch_batch;
	if (d->stage)
		stage_set_poll(d->stage, config->poll_ms);
}

void dispatch_wake(struct dispatch *d)
{
	stage_wake(d->stage);
}

void dispatch_stop(struct dispatch *d)
{
	d->stopping = true;
	stage_stop(d->stage);
}

bool dispatch_is_busy(const struct dispatch *d)
{
	return stage_is_busy(d->stage);
}

unsigned long long dispatch_turns(const struct dispatch *d)
{
	return stage_turns(d->stage);
}

struct stage *dispatch_stage(struct dispatch *d)
{
	return d->stage;
}
