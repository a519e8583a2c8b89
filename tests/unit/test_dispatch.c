#include "dispatch_world.h"

static void test_the_way_through(void **state)
{
	static const char *const way[] = {"claim_groups", "BEGIN", "snapshot_begin",
		"snapshot_policy", "snapshot_zones", "snapshot_offices", "snapshot_coordinators",
		"snapshot_busy", "snapshot_requests", "snapshot_standing", "COMMIT", "store_plans",
		"release_groups", "next_dispatch"};
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	run_turns(1);
	assert_int_equal(pg.n, sizeof way / sizeof *way);
	for (size_t i = 0; i < pg.n; i++)
		assert_string_equal(pg.calls[i].what, way[i]);
	assert_string_equal(pg.calls[0].values, "an id460000100");
	assert_string_equal(pg.calls[2].values, "{1}{7}1000");
	assert_non_null(strstr(pg.calls[11].values,
		"{1}{7}[{\"group\":1,\"round\":1,\"now\":1000,\"requests\":1,"));
	assert_non_null(strstr(pg.calls[11].values,
		"\"decisions\":[{\"request\":5,\"coordinator\":11,\"start\":9000,"));
	assert_string_equal(pg.calls[12].values, "{1}{7}");
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
		assert_in_range(count(&pg, "store_plans"), 1, 2);
		close_stage(&pg);
	}
}

/* One script a line: what store_plans gives, and how often it and the snapshot are asked. */
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
		{{"rule:locked", "unserved"}, 2, 2, 1},
		{{"rule:locked", "rule:locked", "never"}, 2, 2, 1},
		{{"rule:move_locked", "rule:move_locked", "stored"}, 3, 3, 1},
		{{"rule:place_locked", "never"}, 1, 1, 1},
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
		if (count(&pg, "store_plans") != table[i].stores
			|| count(&pg, "COMMIT") != table[i].snapshots
			|| count(&pg, "release_groups") != table[i].releases)
			fail_msg("script %zu: %zu stores, %zu snapshots, %zu releases", i,
				count(&pg, "store_plans"), count(&pg, "COMMIT"),
				count(&pg, "release_groups"));
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
	assert_int_equal(count(&pg, "store_plans"), 1);
	assert_non_null(strstr(pg.calls[11].values,
		"\"moves\":[{\"appointment\":1,\"request\":6,\"from_coordinator\":11,"));
	assert_non_null(strstr(pg.calls[11].values, "\"moves\":1,\"cost\":"));
	close_stage(&pg);
}

/* Who is held is known to the next plan of what hurries, in the same turn: nothing of theirs is moved. */
static void test_a_move_that_met_a_lock(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.due = "3600";
	pg.store[0] = "rule:locked";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 2);
	assert_non_null(strstr(values_of(&pg, "store_plans", 0), "\"moves\":["));
	assert_null(strstr(values_of(&pg, "store_plans", 1), "\"moves\":["));
	close_stage(&pg);
}

/* Where what would be moved is held, or who would get it, the last plan is made without moves. */
static void test_a_move_that_cannot_be_made_now(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.due = "3600";
	pg.store[0] = pg.store[1] = "rule:move_locked";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 3);
	assert_non_null(strstr(values_of(&pg, "store_plans", 1), "\"moves\":["));
	assert_null(strstr(values_of(&pg, "store_plans", 2), "\"moves\":["));
	assert_non_null(strstr(values_of(&pg, "store_plans", 2), "\"coordinator\":11,"));
	close_stage(&pg);
}

/* However many are held: each plan knows one more, and that uses up no round. */
static void test_a_crowd_that_is_held(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.n_coordinators = 9;
	for (size_t i = 0; i < 8; i++)
		pg.store[i] = "rule:locked";
	pg.store[8] = "stored";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 9);
	assert_null(strstr(values_of(&pg, "store_plans", 8), "\"coordinator\":null"));
	close_stage(&pg);
}

static void test_snapshot_of_a_lost_batch(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	pg.closed = "f";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 0);
	assert_int_equal(count(&pg, "release_groups"), 0);
	close_stage(&pg);
}

/* ---- several groups in a batch ----------------------------------------------------------------- */

static void open_batch(struct pg *pg, long lease_ms)
{
	open_stage(pg, lease_ms);
	pg->n_groups = 3;
	pg->groups = "{1,101,201}";
	pg->fences = "{7,8,9}";
}

static void test_groups_of_a_batch_share_a_round(void **state)
{
	static const char *const stored[] = {"{1,101,201}{7,8,9}[{\"group\":1,\"round\":1,",
		"{\"request\":5,\"coordinator\":11,\"start\":9000,",
		"},{\"group\":101,\"round\":1,", "{\"request\":105,\"coordinator\":111,",
		"},{\"group\":201,\"round\":1,", "{\"request\":205,\"coordinator\":211,"};
	static struct pg pg;
	const char *at;

	(void)state;
	open_batch(&pg, 60000);
	run_turns(1);
	assert_int_equal(pg.n, 14);
	assert_string_equal(values_of(&pg, "snapshot_begin", 0), "{1,101,201}{7,8,9}1000");
	at = values_of(&pg, "store_plans", 0);
	assert_int_equal(count_decisions(at), 3);
	for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
		at = strstr(at, stored[i]);
		assert_non_null(at);
	}
	assert_string_equal(values_of(&pg, "release_groups", 0), "{1,101,201}{7,8,9}");
	close_stage(&pg);
}

static void test_what_is_refused_is_planned_again_with_its_batch(void **state)
{
	static struct pg pg;

	(void)state;
	open_batch(&pg, 60000);
	pg.store[0] = "rule:busy";
	run_turns(1);
	assert_int_equal(count(&pg, "COMMIT"), 2);
	assert_int_equal(count(&pg, "store_plans"), 2);
	assert_non_null(strstr(values_of(&pg, "store_plans", 1), "{\"group\":201,\"round\":2,"));
	close_stage(&pg);
}

static void test_no_plan_for_some_of_a_batch(void **state)
{
	static struct pg pg;

	(void)state;
	open_batch(&pg, 60000);
	pg.twice = 2;
	run_turns(1);
	assert_int_equal(count_decisions(values_of(&pg, "store_plans", 0)), 2);
	assert_null(strstr(values_of(&pg, "store_plans", 0), "\"group\":101,"));
	assert_non_null(strstr(values_of(&pg, "store_plans", 0), "\"group\":201,"));
	assert_int_equal(count(&pg, "release_groups"), 1);
	close_stage(&pg);
	open_batch(&pg, 60000);
	pg.twice = 7;
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 0);
	assert_int_equal(count(&pg, "release_groups"), 1);
	close_stage(&pg);
}

static void test_no_memory_for_one_plan_of_a_batch(void **state)
{
	static struct pg pg;

	(void)state;
	open_batch(&pg, 60000);
	no_room_for = 105;
	run_turns(1);
	assert_string_equal(errors, "planner failed: group=101 error=12");
	assert_int_equal(count_decisions(values_of(&pg, "store_plans", 0)), 2);
	assert_null(strstr(values_of(&pg, "store_plans", 0), "\"group\":101,"));
	assert_int_equal(count(&pg, "release_groups"), 1);
	assert_int_equal(count(&pg, "next_dispatch"), 1);
	close_stage(&pg);
}

static void test_plans_of_which_a_call_takes_a_part(void **state)
{
	static struct pg pg;
	const char *first, *second;

	(void)state;
	open_batch(&pg, 60000);
	pg.n_requests = 300;
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 2);
	first = values_of(&pg, "store_plans", 0);
	second = values_of(&pg, "store_plans", 1);
	assert_int_equal(count_decisions(first), 500);
	assert_int_equal(count_decisions(strstr(first, "{\"group\":101,")), 200);
	assert_int_equal(count_decisions(second), 400);
	assert_int_equal(count_decisions(strstr(second, "{\"group\":201,")), 300);
	assert_null(strstr(first, "\"group\":201,"));
	assert_null(strstr(second, "\"group\":1,"));
	assert_non_null(
		strstr(second, "{\"group\":101,\"round\":1,\"now\":1000,\"requests\":300,"));
	close_stage(&pg);
}

/* One by one they go, each with its own group's plan. */
static void test_a_batch_that_meets_a_lock(void **state)
{
	static struct pg pg;

	(void)state;
	open_batch(&pg, 60000);
	pg.store[0] = "55P03";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 4);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(count_decisions(values_of(&pg, "store_plans", i)), 1);
	assert_non_null(strstr(values_of(&pg, "store_plans", 3), "[{\"group\":201,"));
	close_stage(&pg);
}

/* The next batch's snapshot is the daemon's again. */
static void keep_the_next(struct pg *pg, const char *what)
{
	if (strcmp(what, "BEGIN") == 0 && count(pg, "BEGIN") == 2)
		pg->closed = NULL;
}

/* What of it was not lost is given back. */
static void test_a_batch_that_is_lost_in_part(void **state)
{
	static struct pg pg;

	(void)state;
	open_batch(&pg, 60000);
	pg.n_batches = 2;
	pg.closed = "f";
	pg.before = keep_the_next;
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 1);
	assert_int_equal(count(&pg, "release_groups"), 2);
	close_stage(&pg);
	open_batch(&pg, 60000);
	pg.store[0] = "rule:fence";
	run_turns(1);
	assert_int_equal(count(&pg, "store_plans"), 1);
	assert_int_equal(count(&pg, "release_groups"), 1);
	close_stage(&pg);
}

/* ---- which groups are claimed together --------------------------------------------------------- */

enum { CLAIMS_APART = 8 };

static void test_no_more_together_than_one_plan_takes(void **state)
{
	static struct pg pg;

	(void)state;
	open_stage(&pg, 60000);
	dispatch_reload(dispatch,
		&(struct config){.poll_ms = 60000, .lease_ms = 60000, .dispatch_batch = 40});
	run_turns(1);
	assert_string_equal(values_of(&pg, "claim_groups", 0), "an id46000040");
	close_stage(&pg);
}

static void turn_again(void)
{
	dispatch_wake(dispatch);
	run_turns(dispatch_turns(dispatch) + 1);
}

/* The turns after the first, of which one claims in vain. */
static void check_claims(struct pg *pg, size_t n_apart)
{
	pg->n_batches = pg->n_groups = 1;
	pg->groups = "{1}";
	pg->closed = NULL;
	pg->n_claims = 0;
	turn_again();
	pg->n_claims = CLAIMS_APART + 1;
	for (size_t i = 1; i <= CLAIMS_APART + 1; i++)
		turn_again();
	for (size_t i = 1; i <= CLAIMS_APART + 2; i++)
		assert_string_equal(values_of(pg, "claim_groups", i),
			n_apart > 0 && i <= n_apart + 1 ? "an id4600000" : "an id460000100");
}

/* Four that nothing can be done about, or one that ends its turn, keep no others from theirs. */
static void test_a_turn_in_vain(void **state)
{
	static struct pg pg;

	(void)state;
	for (int early = 0; early < 2; early++) {
		open_stage(&pg, 60000);
		pg.n_batches = 4;
		pg.lose = early ? 3 : -1;
		for (size_t i = 0; i < 4; i++)
			pg.store[i] = "rule:request_locked";
		run_turns(1);
		check_claims(&pg, early ? CLAIMS_APART : 1);
		close_stage(&pg);
	}
}

/* The batch is given back and the turn goes on with the next. */
static void test_a_refused_snapshot(void **state)
{
	static struct pg pg;

	(void)state;
	for (int several = 0; several < 2; several++) {
		several ? open_batch(&pg, 60000) : open_stage(&pg, 60000);
		pg.n_batches = 2;
		pg.refused = "snapshot_requests";
		run_turns(1);
		assert_int_equal(count(&pg, "BEGIN"), 2);
		assert_int_equal(count(&pg, "store_plans"), 1);
		assert_int_equal(count(&pg, "release_groups"), 2);
		assert_int_equal(count(&pg, "next_dispatch"), 1);
		check_claims(&pg, several ? CLAIMS_APART : 0);
		close_stage(&pg);
	}
}

static void test_a_lease_that_is_lost_or_a_turn_that_fails(void **state)
{
	static struct pg pg;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool several = i & 1, fails = i & 2;

		several ? open_batch(&pg, 60000) : open_stage(&pg, 60000);
		pg.closed = fails ? NULL : "f";
		pg.lose = fails ? 10 : -1;
		run_turns(1);
		assert_int_equal(count(&pg, "store_plans"), 0);
		check_claims(&pg, several ? CLAIMS_APART : 0);
		close_stage(&pg);
	}
}

/* When no batch is at work any more, none is to blame. */
static void test_a_turn_that_fails_at_its_end(void **state)
{
	static struct pg pg;

	(void)state;
	open_batch(&pg, 60000);
	pg.lose = 13;
	run_turns(1);
	assert_int_equal(count(&pg, "next_dispatch"), 1);
	check_claims(&pg, 0);
	close_stage(&pg);
}

/* The line in the log names those that the call was about. */
static void test_a_call_about_another_batch_is_refused(void **state)
{
	static const char *const calls[] = {"release_groups{1}", "renew_groups{101}"};
	static struct pg pg;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char expected[100];

		open_stage(&pg, 300);
		pg.store[0] = pg.store[1] = pg.store[2] = "40P01"; /* pauses of 350 ms and more */
		pg.n_batches = 2;
		pg.second = "{101}";
		pg.refused = calls[i];
		run_turns(1);
		snprintf(expected, sizeof expected,
			"call refused: call=%.*s groups=\"%s\" sqlstate=22P02 why=\"\"",
			(int)strcspn(calls[i], "{"), calls[i], strchr(calls[i], '{'));
		assert_string_equal(errors, expected);
		close_stage(&pg);
	}
}

/* ---- leases, waking, stopping ------------------------------------------------------------------ */

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
	assert_int_equal(count(&pg, "store_plans"), 0);
	close_stage(&pg);
}

static void test_lease_is_renewed_while_waiting(void **state)
{
	static struct pg pg;

	(void)state;
	for (int lost = 0; lost < 2; lost++) {
		open_stage(&pg, 300);
		pg.store[0] = pg.store[1] = pg.store[2] = "40P01"; /* pauses of 350 ms and more */
		pg.renewed = lost ? "f" : "t";
		run_turns(1);
		assert_true(count(&pg, "renew_groups") > 0);
		assert_int_equal(count(&pg, "release_groups"), !lost);
		assert_true(lost ? count(&pg, "store_plans") < 4 : count(&pg, "store_plans") == 4);
		close_stage(&pg);
	}
}

static void wake_once(struct pg *pg, const char *what)
{
	if (strcmp(what, "store_plans") == 0 && pg->n_stores == 0)
		dispatch_wake(dispatch);
}

/* What has come in meanwhile is claimed before the next work that time brings is asked for. */
static void test_news_during_a_turn(void **state)
{
	static const char *const end[] = {
		"store_plans", "release_groups", "claim_groups", "next_dispatch"};
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

/* Told to stop before the batch is begun it gives it back; later it finishes it first. */
static void test_draining(void **state)
{
	static struct pg pg;

	(void)state;
	for (int late = 0; late < 2; late++) {
		open_stage(&pg, 60000);
		pg.before = late ? stop_late : stop_early;
		run_turns(1);
		assert_false(dispatch_is_busy(dispatch));
		assert_int_equal(count(&pg, "store_plans"), late);
		assert_int_equal(count(&pg, "release_groups"), 1);
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
		cmocka_unit_test(test_a_move_that_cannot_be_made_now),
		cmocka_unit_test(test_a_crowd_that_is_held),
		cmocka_unit_test(test_snapshot_of_a_lost_batch),
		cmocka_unit_test(test_groups_of_a_batch_share_a_round),
		cmocka_unit_test(test_what_is_refused_is_planned_again_with_its_batch),
		cmocka_unit_test(test_no_plan_for_some_of_a_batch),
		cmocka_unit_test(test_no_memory_for_one_plan_of_a_batch),
		cmocka_unit_test(test_plans_of_which_a_call_takes_a_part),
		cmocka_unit_test(test_a_batch_that_meets_a_lock),
		cmocka_unit_test(test_a_batch_that_is_lost_in_part),
		cmocka_unit_test(test_no_more_together_than_one_plan_takes),
		cmocka_unit_test(test_a_turn_in_vain),
		cmocka_unit_test(test_a_refused_snapshot),
		cmocka_unit_test(test_a_lease_that_is_lost_or_a_turn_that_fails),
		cmocka_unit_test(test_a_turn_that_fails_at_its_end),
		cmocka_unit_test(test_a_call_about_another_batch_is_refused),
		cmocka_unit_test(test_plan_after_its_lease_is_thrown_away),
		cmocka_unit_test(test_lease_is_renewed_while_waiting),
		cmocka_unit_test(test_news_during_a_turn),
		cmocka_unit_test(test_draining),
		cmocka_unit_test(test_freed_while_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
