#include "../dispatch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <event2/event.h>

#include "../stage.h"
#include "config.h"
#include "log.h"
#include "turn.h"
#include "worker.h"

enum {
	CLAIMED_ELSEWHERE_MS = 500,
	MOST_TOGETHER = 100, /* requests of groups that are claimed as one batch */
	/* Of MOST_BATCHES each, one of them at fault: the 24 others of the largest batch. */
	CLAIMS_APART = 8,
};

static void next_batch(struct dispatch *d);

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

const char *turn_number(struct number *number, int64_t value)
{
	snprintf(number->text, sizeof number->text, "%" PRId64, value);
	return number->text;
}

struct batch *turn_batch(struct dispatch *d)
{
	return &d->batches[d->at];
}

bool turn_lease_is_over(struct dispatch *d)
{
	const struct batch *batch = turn_batch(d);

	return batch->lost || turn_clock_ms() >= batch->lease_end;
}

static bool has_several(const struct batch *batch)
{
	return batch->groups && strchr(batch->groups, ',');
}

/*
 * Something went wrong with the batch at work. One of its groups may be to blame, and the next claim would
 * put the same ones together, or first, again and again, and whoever waits in the others would never be
 * met: so groups are claimed each by itself for a while, and what is wrong with one keeps only that one
 * from being planned. They come in no order then, and so often that the others get their turn.
 */
void turn_come_apart(struct dispatch *d)
{
	if (d->at < d->n_batches && has_several(turn_batch(d)))
		d->apart = CLAIMS_APART;
}

static void forget_batches(struct dispatch *d)
{
	while (d->n_batches > 0) {
		struct batch *batch = &d->batches[--d->n_batches];

		free(batch->groups);
		free(batch->fences);
	}
}

/* ---- calls, and the end of a turn ----------------------------------------------------------- */

static void finish_turn(struct dispatch *d)
{
	bool in_vain = d->progress == 0 && (d->troubled || d->left_over > 0);

	/* Call-outs that nothing can be done about now would be claimed first again, and nobody else. */
	if (in_vain && d->n_batches == MOST_BATCHES && d->apart == 0)
		d->apart = 1;
	round_clear(d);
	forget_batches(d);
	evtimer_del(d->renew_timer);
	evtimer_del(d->pause_timer);
	if (d->failed || in_vain)
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
	/* Nor must one that ends its turn each time keep those from theirs that were not come to. */
	if (d->at + 1 < d->n_batches)
		d->apart = CLAIMS_APART;
	turn_come_apart(d);
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

void turn_log_refusal(const struct batch *batch, const char *what, const struct pg_reply *reply)
{
	log_error("call refused", "call=%s groups=\"%s\" sqlstate=%s why=\"%s\"", what,
		batch ? batch->groups : "", reply->sqlstate, reply->text);
}

/* ---- leases --------------------------------------------------------------------------------- */

static void on_renewed(const struct pg_reply *reply, void *arg)
{
	struct batch *batch = arg;
	struct dispatch *d = batch->dispatch;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_REFUSED)
			turn_log_refusal(batch, "renew_groups", reply);
		else if (PQntuples(reply->result) == 1 && PQgetvalue(reply->result, 0, 0)[0] == 't')
			batch->lease_end = batch->asked + d->lease_ms;
		else
			batch->lost = true;
	}
	turn_settle(d);
}

static void renew(struct dispatch *d, struct batch *batch)
{
	struct number lease;
	const char *values[] = {batch->groups, batch->fences, turn_number(&lease, d->lease_ms)};

	batch->asked = turn_clock_ms();
	turn_call(d, "SELECT vac_daemon.renew_groups($1, $2, $3)", 3, values, on_renewed, batch);
}

static void on_renew_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch *d = arg;

	(void)fd;
	(void)what;
	for (size_t i = d->at; i < d->n_batches && !d->ending; i++)
		if (!d->batches[i].lost)
			renew(d, &d->batches[i]);
	if (!d->ending)
		turn_arm(d->renew_timer, d->lease_ms / 2);
	turn_settle(d);
}

static void on_released(const struct pg_reply *reply, void *arg)
{
	struct batch *batch = arg;
	struct dispatch *d = batch->dispatch;

	/* Said also when the turn is ending without it. */
	turn_take(d, reply);
	if (reply->outcome == PG_REFUSED)
		turn_log_refusal(batch, "release_groups", reply);
	turn_settle(d);
}

/* Of a batch that is lost there may be other groups than the one that was. */
static void release_batch(struct dispatch *d, struct batch *batch)
{
	const char *values[] = {batch->groups, batch->fences};

	if (!batch->lost || has_several(batch))
		turn_call(d, "SELECT vac_daemon.release_groups($1, $2)", 2, values, on_released,
			batch);
}

/* ---- one batch: the end --------------------------------------------------------------------- */

void turn_leave_batch(struct dispatch *d)
{
	round_clear(d);
	release_batch(d, turn_batch(d));
	d->at++;
	next_batch(d);
}

void turn_give_up_batch(struct dispatch *d)
{
	turn_come_apart(d);
	d->troubled = true;
	turn_leave_batch(d);
}

void turn_lose_batch(struct dispatch *d)
{
	log_warning("lease over, plan thrown away", "groups=\"%s\"", turn_batch(d)->groups);
	turn_batch(d)->lost = true;
	turn_give_up_batch(d);
}

/* ---- the turn ------------------------------------------------------------------------------- */

static void on_next(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_REFUSED)
			turn_log_refusal(NULL, "next_dispatch", reply);
		else if (PQntuples(reply->result) == 1 && !PQgetisnull(reply->result, 0, 0))
			d->next_ms = (long)pg_int(reply->result, 0, 0);
		/* What is due although nothing could be claimed is at work elsewhere. */
		if (d->n_batches == 0 && d->next_ms >= 0 && d->next_ms < CLAIMED_ELSEWHERE_MS)
			d->next_ms = CLAIMED_ELSEWHERE_MS;
		end_turn(d);
	}
	turn_settle(d);
}

static void next_batch(struct dispatch *d)
{
	const char *id = d->daemon_id;

	d->round = d->n_plans = 0;
	while (d->stopping && d->at < d->n_batches)
		release_batch(d, &d->batches[d->at++]);
	if (d->at < d->n_batches)
		round_begin(d);
	else if (stage_is_woken(d->stage))
		/* The next turn claims at once: what is due later is asked after that. */
		end_turn(d);
	else if (!turn_call(d, "SELECT vac_daemon.next_dispatch($1)", 1, &id, on_next, d))
		turn_fail(d);
}

/* False: no memory. */
static bool take_claims(struct dispatch *d, const PGresult *result)
{
	int groups = PQfnumber(result, "groups"), fences = PQfnumber(result, "fences");

	for (int i = 0; i < PQntuples(result) && i < MOST_BATCHES; i++) {
		struct batch *batch = &d->batches[d->n_batches++];

		*batch = (struct batch){
			.dispatch = d,
			.groups = strdup(PQgetvalue(result, i, groups)),
			.fences = strdup(PQgetvalue(result, i, fences)),
			.lease_end = d->claim_asked + d->lease_ms,
		};
		if (batch->groups == NULL || batch->fences == NULL)
			return false;
	}
	return true;
}

/* A claim in vain is nobody's turn: while the database is away or all is at work elsewhere, apart stays. */
static void begin_batches(struct dispatch *d)
{
	if (d->n_batches > 0) {
		turn_arm(d->renew_timer, d->lease_ms / 2);
		if (d->apart > 0)
			d->apart--;
	}
	next_batch(d);
}

static void on_claimed(const struct pg_reply *reply, void *arg)
{
	struct dispatch *d = arg;

	if (turn_take(d, reply)) {
		if (reply->outcome == PG_REFUSED) {
			turn_log_refusal(NULL, "claim_groups", reply);
			turn_fail(d);
		} else if (!take_claims(d, reply->result)) {
			turn_fail(d);
		} else {
			begin_batches(d);
		}
	}
	turn_settle(d);
}

/* 0: each group by itself. */
static long most_together(const struct dispatch *d)
{
	if (d->apart > 0)
		return 0;
	return d->batch < MOST_TOGETHER ? d->batch : MOST_TOGETHER;
}

static void turn(void *arg)
{
	struct dispatch *d = arg;
	struct number most, lease, together;
	const char *values[4];

	store_forget_locks(d);
	d->ending = d->failed = d->troubled = false;
	d->progress = d->left_over = d->at = 0;
	d->next_ms = -1;
	d->lease_ms = d->next_lease_ms;
	d->batch = d->next_batch;
	values[0] = d->daemon_id;
	values[1] = turn_number(&most, MOST_BATCHES);
	values[2] = turn_number(&lease, d->lease_ms);
	values[3] = turn_number(&together, most_together(d));
	d->claim_asked = turn_clock_ms();
	turn_call(d, "SELECT groups, fences FROM vac_daemon.claim_groups($1, $2, $3, $4)", 4,
		values, on_claimed, d);
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
	forget_batches(d);
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
