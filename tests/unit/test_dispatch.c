#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <errno.h>
#include <cmocka.h>
#include <event2/event.h>

#include "config.h"
#include "dispatch.h"
#include "log.h"
#include "pg.h"
#include "snapshot_world.h"

/* ---- a database that answers from a script ----------------------------------------------------- */

enum { MOST_CALLS = 400 };

struct call {
	char what[24];     /* name of the function called, or the statement */
	char values[1600]; /* its parameters, one after the other */
	pg_reply_fn done;
	void *arg;
};

struct pg {
	struct event *answer;
	struct call calls[MOST_CALLS];
	size_t n, answered;
	bool down;
	/* the script */
	int lose;             /* this call and what is out with it is lost; -1: none */
	const char *store[8]; /* what each store_plan gives: an outcome, "rule:…", or a SQLSTATE */
	size_t n_stores, n_claims;
	const char *renewed, *closed;
	const char *due;                                 /* of the request, in place of its own */
	void (*before)(struct pg *pg, const char *what); /* each answer */
};

static struct event_base *base;
static struct dispatch *dispatch;

static void name_call(char *name, size_t size, const char *statement)
{
	const char *from = strstr(statement, "vac_daemon.");

	from = from ? from + strlen("vac_daemon.") : statement;
	snprintf(name, size, "%.*s", (int)strcspn(from, "( "), from);
}

int pg_call(struct pg *pg, const char *statement, int n, const char *const *values,
	pg_reply_fn done, void *arg)
{
	struct call *call = &pg->calls[pg->n];
	struct timeval now = {0};

	if (pg->down)
		return -ENOTCONN;
	assert_true(pg->n < MOST_CALLS);
	name_call(call->what, sizeof call->what, statement);
	call->values[0] = '\0';
	for (int i = 0; i < n; i++)
		strncat(call->values, values[i], sizeof call->values - strlen(call->values) - 1);
	call->done = done;
	call->arg = arg;
	pg->n++;
	event_add(pg->answer, &now);
	return 0;
}

void pg_drop(struct pg *pg)
{
	pg->down = true;
}

static PGresult *one_row(const char *const *names, const char *const *values)
{
	return make_result(names, 1, values);
}

static PGresult *claimed(struct pg *pg)
{
	static const char *const names[] = {"group_id", "fence", NULL};
	static const char *const values[] = {"1", "7"};

	return make_result(names, pg->n_claims-- > 0 ? 1 : 0, values);
}

static PGresult *truth(const char *name, const char *value)
{
	const char *const names[] = {name, NULL}, *const values[] = {value};

	return one_row(names, values);
}

static PGresult *stored(const char *outcome)
{
	static const char *const names[] = {"request_id", "outcome", "rule", NULL};
	const char *rule = strncmp(outcome, "rule:", 5) == 0 ? outcome + 5 : NULL;
	const char *const values[] = {"5", rule ? "refused" : outcome, rule};

	return one_row(names, values);
}

static PGresult *part(const struct pg *pg, enum snapshot_part part)
{
	struct part copy = good[part];

	if (part == SNAPSHOT_REQUESTS && pg->due)
		copy.values[13] = pg->due;
	return make_result(copy.names, copy.n, copy.values);
}

static PGresult *begun(const struct pg *pg)
{
	const char *values[] = {pg->closed ? pg->closed : "t", "1000", "900"};

	return make_result(good[SNAPSHOT_BEGIN].names, 1, values);
}

static PGresult *answer_for(struct pg *pg, const char *what)
{
	static const char *const parts[SNAPSHOT_PARTS] = {
		[SNAPSHOT_POLICY] = "snapshot_policy",
		[SNAPSHOT_ZONES] = "snapshot_zones",
		[SNAPSHOT_OFFICES] = "snapshot_offices",
		[SNAPSHOT_COORDINATORS] = "snapshot_coordinators",
		[SNAPSHOT_BUSY] = "snapshot_busy",
		[SNAPSHOT_REQUESTS] = "snapshot_requests",
		[SNAPSHOT_STANDING] = "snapshot_standing",
	};

	for (int i = SNAPSHOT_POLICY; i < SNAPSHOT_PARTS; i++)
		if (strcmp(what, parts[i]) == 0)
			return part(pg, (enum snapshot_part)i);
	if (strcmp(what, "claim_groups") == 0)
		return claimed(pg);
	if (strcmp(what, "snapshot_begin") == 0)
		return begun(pg);
	if (strcmp(what, "renew_group") == 0)
		return truth("renew_group", pg->renewed ? pg->renewed : "t");
	if (strcmp(what, "next_dispatch") == 0)
		return truth("next_dispatch", NULL);
	return truth("nothing", "t");
}

static void lose_all(struct pg *pg)
{
	static const struct pg_reply lost = {.outcome = PG_LOST, .sqlstate = "", .text = ""};

	pg->lose = -1;
	pg->down = true;
	while (pg->answered < pg->n) {
		struct call *call = &pg->calls[pg->answered++];

		call->done(&lost, call->arg);
	}
	pg->down = false;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct pg *pg = arg;
	struct call *call = &pg->calls[pg->answered];
	struct pg_reply reply = {.outcome = PG_DONE, .sqlstate = "", .text = ""};
	const char *outcome = NULL;
	PGresult *result = NULL;
	struct timeval now = {0};

	(void)fd;
	(void)what;
	if (pg->before)
		pg->before(pg, call->what);
	if (pg->lose == (int)pg->answered) {
		lose_all(pg);
		return;
	}
	pg->answered++;
	if (strcmp(call->what, "store_plan") == 0)
		outcome = pg->store[pg->n_stores++];
	if (outcome && strlen(outcome) == 5) {
		reply.outcome = PG_REFUSED;
		reply.sqlstate = outcome;
	} else {
		result = outcome ? stored(outcome) : answer_for(pg, call->what);
		reply.result = result;
	}
	if (pg->answered < pg->n)
		event_add(pg->answer, &now);
	call->done(&reply, call->arg);
	PQclear(result);
}

/* ---- the tests --------------------------------------------------------------------------------- */

static void open_stage(struct pg *pg, long lease_ms)
{
	struct config config = {.poll_ms = 60000, .lease_ms = lease_ms, .dispatch_batch = 500};

	memset(pg, 0, sizeof *pg);
	pg->lose = -1;
	pg->n_claims = 1;
	for (size_t i = 0; i < sizeof pg->store / sizeof *pg->store; i++)
		pg->store[i] = "stored";
	base = event_base_new();
	pg->answer = evtimer_new(base, on_answer, pg);
	assert_int_equal(dispatch_new(base, pg, &config, "an id", &dispatch), 0);
	dispatch_wake(dispatch);
}

static void run_turns(unsigned long long turns)
{
	while (dispatch_turns(dispatch) < turns)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void close_stage(struct pg *pg)
{
	assert_int_equal(pg->answered, pg->n);
	dispatch_free(dispatch);
	event_free(pg->answer);
	event_base_free(base);
}

static size_t count(const struct pg *pg, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < pg->n; i++)
		n += strcmp(pg->calls[i].what, what) == 0;
	return n;
}

static void test_the_way_through(void **state)
{
	static const char *const way[] = {"claim_groups", "BEGIN", "snapshot_begin",
		"snapshot_policy", "snapshot_zones", "snapshot_offices", "snapshot_coordinators",
		"snapshot_busy", "snapshot_requests", "snapshot_standing", "COMMIT", "store_plan",
		"release_group", "next_dispatch"};
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	run_turns(1);
	assert_int_equal(pg.n, sizeof way / sizeof *way);
	for (size_t i = 0; i < pg.n; i++)
		assert_string_equal(pg.calls[i].what, way[i]);
	assert_non_null(
		strstr(pg.calls[11].values, "\"request\":5,\"coordinator\":11,\"start\":9000,"));
	assert_non_null(strstr(pg.calls[11].values, "{\"round\":1,\"now\":1000,\"requests\":1,"));
	close_stage(&pg);
}

/* Wherever the connection is lost, the turn is given up, and the next one goes through. */
static void test_lost_anywhere(void **state)
{
	(void)state;
	for (int lose = 0; lose < 14; lose++) {
		static struct pg pg;

		open_stage(&pg, 60000);
		pg.lose = lose;
		pg.n_claims = 2;
		run_turns(1);
		assert_false(dispatch_is_busy(dispatch));
		run_turns(2);
		assert_string_equal(pg.calls[pg.n - 1].what, "next_dispatch");
		assert_in_range(count(&pg, "store_plan"), 1, 2);
		close_stage(&pg);
	}
}

/* One script a line: what store_plan gives, and how often it and the snapshot are asked. */
static void test_outcomes_of_storing(void **state)
{
	static const struct {
		const char *store[5];
		size_t stores, snapshots, releases;
	} table[] = {
		{{"unserved"}, 1, 1, 1},
		{{"gone"}, 1, 1, 1},
		{{"rule:busy", "stored"}, 2, 2, 1},
		{{"rule:busy", "rule:leave", "stored"}, 3, 3, 1},
		{{"rule:busy", "rule:busy", "rule:busy", "never"}, 3, 3, 1},
		{{"rule:locked"}, 1, 1, 1},
		{{"rule:fence"}, 1, 1, 0},
		{{"40P01", "stored"}, 2, 1, 1},
		{{"40001", "23P01", "stored"}, 3, 1, 1},
		{{"55P03", "stored"}, 2, 1, 1},
		{{"55P03", "55P03", "never"}, 2, 1, 1},
		{{"40P01", "40P01", "40P01", "40P01", "40P01"}, 5, 1, 1},
		{{"22P02", "stored"}, 2, 1, 1},
		{{"22P02", "22P02", "never"}, 2, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		static struct pg pg;

		open_stage(&pg, 60000);
		for (size_t j = 0; j < 5 && table[i].store[j]; j++)
			pg.store[j] = table[i].store[j];
		run_turns(1);
		if (count(&pg, "store_plan") != table[i].stores
			|| count(&pg, "COMMIT") != table[i].snapshots
			|| count(&pg, "release_group") != table[i].releases)
			fail_msg("script %zu: %zu stores, %zu snapshots, %zu releases", i,
				count(&pg, "store_plan"), count(&pg, "COMMIT"),
				count(&pg, "release_group"));
		close_stage(&pg);
	}
}

/* Late otherwise, the request takes the place of the appointment that stands. */
static void test_a_plan_with_a_move(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.due = "3600";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plan"), 1);
	assert_non_null(strstr(pg.calls[11].values,
		"\"moves\":[{\"appointment\":1,\"request\":6,\"from_coordinator\":11,"));
	assert_non_null(strstr(pg.calls[11].values, "\"moves\":1,\"cost\":"));
	close_stage(&pg);
}

/* Who was locked with it is left alone in the next turn: nothing of theirs is moved. */
static void test_a_move_that_met_a_lock(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.due = "3600";
	pg.n_claims = 2;
	pg.store[0] = "rule:locked";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plan"), 1);
	dispatch_wake(dispatch);
	run_turns(2);
	assert_int_equal(count(&pg, "store_plan"), 2);
	for (size_t i = pg.n; i-- > 0;)
		if (strcmp(pg.calls[i].what, "store_plan") == 0) {
			assert_null(strstr(pg.calls[i].values, "\"moves\":["));
			break;
		}
	close_stage(&pg);
}

static void test_snapshot_of_a_lost_group(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.closed = "f";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plan"), 0);
	assert_int_equal(count(&pg, "release_group"), 0);
	close_stage(&pg);
}

static void dawdle(struct pg *pg, const char *what)
{
	struct timespec wait = {.tv_nsec = 150000000};

	if (strcmp(what, "COMMIT") == 0 && count(pg, "COMMIT") == 1)
		nanosleep(&wait, NULL);
}

/* The daemon's own clock says so, whatever the database would. */
static void test_plan_after_its_lease_is_thrown_away(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 100);
	pg.before = dawdle;
	run_turns(1);
	assert_int_equal(count(&pg, "store_plan"), 0);
	close_stage(&pg);
}

static void test_lease_is_renewed_while_waiting(void **state)
{
	static struct pg pg;

	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		open_stage(&pg, 120);
		pg.store[0] = pg.store[1] = pg.store[2] = "40P01"; /* pauses of 350 ms and more */
		pg.renewed = lost ? "f" : "t";
		run_turns(1);
		assert_true(count(&pg, "renew_group") > 0);
		assert_int_equal(count(&pg, "release_group"), !lost);
		assert_true(lost ? count(&pg, "store_plan") < 4 : count(&pg, "store_plan") == 4);
		close_stage(&pg);
	}
}

static void wake_once(struct pg *pg, const char *what)
{
	if (strcmp(what, "store_plan") == 0 && pg->n_stores == 0)
		dispatch_wake(dispatch);
}

/* What has come in meanwhile is claimed before the next work that time brings is asked for. */
static void test_news_during_a_turn(void **state)
{
	static const char *const end[] = {
		"store_plan", "release_group", "claim_groups", "next_dispatch"};
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.before = wake_once;
	run_turns(2);
	assert_int_equal(pg.n, 15);
	for (size_t i = 0; i < sizeof end / sizeof *end; i++)
		assert_string_equal(pg.calls[11 + i].what, end[i]);
	close_stage(&pg);
}

static void stop_early(struct pg *pg, const char *what)
{
	(void)pg;
	if (strcmp(what, "claim_groups") == 0)
		dispatch_stop(dispatch);
}

static void stop_late(struct pg *pg, const char *what)
{
	(void)pg;
	if (strcmp(what, "snapshot_busy") == 0)
		dispatch_stop(dispatch);
}

/* Told to stop before the group is begun it gives it back; later it finishes it first. */
static void test_draining(void **state)
{
	static struct pg pg;

	(void)state;
	for (int late = 0; late < 2; late++) {
		open_stage(&pg, 60000);
		pg.before = late ? stop_late : stop_early;
		run_turns(1);
		assert_false(dispatch_is_busy(dispatch));
		assert_int_equal(count(&pg, "store_plan"), late);
		assert_int_equal(count(&pg, "release_group"), 1);
		close_stage(&pg);
	}
}

static void test_freed_while_busy(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	while (count(&pg, "COMMIT") == 0 || pg.answered < pg.n)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_true(dispatch_is_busy(dispatch)); /* the planner is at work */
	close_stage(&pg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_way_through),
		cmocka_unit_test(test_lost_anywhere),
		cmocka_unit_test(test_outcomes_of_storing),
		cmocka_unit_test(test_a_plan_with_a_move),
		cmocka_unit_test(test_a_move_that_met_a_lock),
		cmocka_unit_test(test_snapshot_of_a_lost_group),
		cmocka_unit_test(test_plan_after_its_lease_is_thrown_away),
		cmocka_unit_test(test_lease_is_renewed_while_waiting),
		cmocka_unit_test(test_news_during_a_turn),
		cmocka_unit_test(test_draining),
		cmocka_unit_test(test_freed_while_busy),
	};

	log_set_level(LOG_CRIT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
