#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <event2/event.h>

#include <time.h>

#include "backoff.h"
#include "stage.h"
#include "steady.h"

/* The machine slept so long, which libevent's timers do not know of. */
static long long slept_ms;

long long steady_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return slept_ms + (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum { SLOW_POLL_MS = 60000, PAUSE_MS = 500 };

/* A stage whose turns end as the test says: at once, or when the test ends them. */
enum ending { DONE, FAILED, LATER };

struct fixture {
	struct event_base *base;
	struct stage *stage;
	enum ending ending;
	long next_ms;
	unsigned turns, last_turn; /* the loop ends with the last, 0: goes on */
	bool in_wake;
	unsigned wakes_within; /* stage_wake() calls from inside the turn */
};

static void turn(void *arg)
{
	struct fixture *f = arg;

	assert_false(f->in_wake);
	f->turns++;
	if (f->turns == f->last_turn)
		event_base_loopbreak(f->base);
	assert_true(stage_is_busy(f->stage));
	for (; f->wakes_within; f->wakes_within--)
		stage_wake(f->stage);
	if (f->ending == DONE)
		stage_done(f->stage, f->next_ms);
	else if (f->ending == FAILED)
		stage_failed(f->stage);
}

static int set_up_with(void **state, long poll_ms, long pause_ms)
{
	const struct stage_ops ops = {.name = "test", .turn = turn, .pause_ms = pause_ms};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->base = event_base_new();
	f->next_ms = -1;
	assert_int_equal(stage_new(f->base, &ops, f, poll_ms, &f->stage), 0);
	*state = f;
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, SLOW_POLL_MS, 0);
}

static int set_up_fast(void **state)
{
	return set_up_with(state, 30, 0);
}

static int set_up_polling(void **state)
{
	return set_up_with(state, PAUSE_MS, 0);
}

static int set_up_pausing(void **state)
{
	return set_up_with(state, SLOW_POLL_MS, PAUSE_MS);
}

static int set_up_pausing_long(void **state)
{
	return set_up_with(state, SLOW_POLL_MS, SLOW_POLL_MS);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stage_free(f->stage);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void wake(struct fixture *f)
{
	f->in_wake = true;
	stage_wake(f->stage);
	f->in_wake = false;
}

static void run_for(struct fixture *f, long ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
}

/* Until its turns are so many, and no longer than a busy machine can take for some. */
static void run_until(struct fixture *f, unsigned turns)
{
	f->last_turn = turns;
	run_for(f, 30000);
}

static void test_sleeps_until_woken(void **state)
{
	struct fixture *f = *state;

	run_for(f, 50);
	assert_int_equal(f->turns, 0);
	wake(f);
	wake(f);
	assert_int_equal(f->turns, 0); /* never inside the call */
	run_for(f, 50);
	assert_int_equal(f->turns, 1);
	assert_int_equal(stage_turns(f->stage), 1);
	assert_false(stage_is_busy(f->stage));
}

static void test_pause_is_kept(void **state)
{
	struct fixture *f = *state;

	wake(f);
	run_for(f, 20);
	assert_int_equal(f->turns, 0);
}

/* News that comes while it waits for more is of the same turn, and delays it no further. */
static void test_pause_ends(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 6; i++) {
		if (f->turns == 0)
			wake(f);
		run_for(f, PAUSE_MS / 4);
	}
	assert_int_equal(f->turns, 1);
	f->wakes_within = 1;
	wake(f);
	run_until(f, 3); /* a wake within a turn: one more, after a pause */
	assert_int_equal(f->turns, 3);
}

/* Nobody answers the slow poll: it makes turns by itself, however far off it wants the next. */
static void test_unheard_it_makes_turns(void **state)
{
	struct fixture *f = *state;

	run_until(f, 3);
	f->next_ms = 1000000;
	run_until(f, 6);
	assert_int_equal(f->turns, 6);
}

static void hear(struct fixture *f, long next_ms)
{
	f->in_wake = true;
	stage_hear(f->stage, next_ms);
	f->in_wake = false;
}

/* As long as it hears that there is nothing it makes no turns, which count all the same. */
static void test_hearing_of_nothing(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 6; i++) {
		hear(f, i % 2 ? -1 : 1000000);
		run_for(f, PAUSE_MS / 2);
	}
	assert_int_equal(f->turns, 0);
	assert_int_equal(stage_turns(f->stage), 6);
	run_until(f, 1); /* and when it hears no more, it does */
	assert_int_equal(f->turns, 1);
}

static void test_hearing_of_work(void **state)
{
	struct fixture *f = *state;

	hear(f, 0);
	run_until(f, 1);
	assert_int_equal(f->turns, 1);
	assert_int_equal(stage_turns(f->stage), 1);
	hear(f, 20); /* within the poll: at that time */
	run_until(f, 2);
	assert_int_equal(f->turns, 2);
}

/* What the last turn asked for, or a wake, stands. */
static void test_hearing_puts_nothing_off(void **state)
{
	struct fixture *f = *state;

	wake(f);
	hear(f, -1);
	run_until(f, 1);
	f->next_ms = 100;
	wake(f);
	run_until(f, 2);
	f->next_ms = -1;
	hear(f, -1);
	hear(f, 1000000);
	run_until(f, 3);
	assert_int_equal(f->turns, 3);
}

static void test_at_work_it_hears_nothing(void **state)
{
	struct fixture *f = *state;

	f->ending = LATER;
	wake(f);
	run_until(f, 1);
	assert_false(stage_is_resting(f->stage));
	hear(f, 0);
	stage_done(f->stage, -1);
	run_for(f, 50);
	assert_int_equal(f->turns, 1);
	assert_true(stage_is_resting(f->stage));
}

/* Nor does it shorten, or lengthen, a backoff. */
static void test_after_a_failure_it_hears_nothing(void **state)
{
	struct fixture *f = *state;

	f->ending = FAILED;
	wake(f);
	run_until(f, 1);
	assert_false(stage_is_resting(f->stage));
	hear(f, -1);
	assert_int_equal(stage_turns(f->stage), 1);
	run_until(f, 2);
	wake(f);
	assert_false(stage_is_resting(f->stage));
	stage_stop(f->stage);
	assert_false(stage_is_resting(f->stage));
}

static void test_next_in(void **state)
{
	struct fixture *f = *state;
	long long begun;

	f->next_ms = 300;
	wake(f);
	run_until(f, 1);
	begun = steady_ms();
	run_until(f, 4);
	assert_int_equal(f->turns, 4);
	assert_true(steady_ms() - begun >= 3 * f->next_ms - 10);
}

static void test_due_while_the_machine_slept(void **state)
{
	struct fixture *f = *state;

	f->next_ms = SLOW_POLL_MS;
	wake(f);
	run_until(f, 1);
	slept_ms += 2LL * SLOW_POLL_MS;
	wake(f);
	assert_int_equal(f->turns, 1); /* never inside the call */
	wake(f);
	f->next_ms = -1;
	run_for(f, 50);
	assert_int_equal(f->turns, 2);
}

static void test_turns_never_overlap(void **state)
{
	struct fixture *f = *state;

	f->ending = LATER;
	wake(f);
	run_for(f, 20);
	assert_int_equal(f->turns, 1);
	wake(f);
	run_for(f, 50);
	assert_int_equal(f->turns, 1);
	assert_int_equal(stage_turns(f->stage), 0);
	/* The wake is remembered, and starts one more turn: not two. */
	f->ending = DONE;
	stage_done(f->stage, -1);
	assert_int_equal(f->turns, 1);
	run_for(f, 20);
	assert_int_equal(f->turns, 2);
	assert_int_equal(stage_turns(f->stage), 2);
}

static void test_wake_within_a_turn(void **state)
{
	struct fixture *f = *state;

	f->wakes_within = 3;
	wake(f);
	run_for(f, 50);
	assert_int_equal(f->turns, 2);
}

static void test_failure_backs_off(void **state)
{
	struct fixture *f = *state;
	long long begun = steady_ms();

	f->ending = FAILED;
	wake(f);
	run_until(f, 5);
	/* At 0, then after 50-100, 100-200, 200-400, 400-800 ms. */
	assert_true(steady_ms() - begun >= 740);
	assert_int_equal(f->turns, 5);
	assert_int_equal(stage_turns(f->stage), f->turns);
	assert_false(stage_is_busy(f->stage));
}

static void test_wakes_do_not_defeat_the_backoff(void **state)
{
	struct fixture *f = *state;
	long long begun = steady_ms();

	f->ending = FAILED;
	wake(f);
	for (int i = 0; i < 30; i++) {
		wake(f);
		run_for(f, 10);
	}
	/* Each wake shortens a wait to one of 50-100 ms. */
	assert_in_range(f->turns, 2, 1 + (steady_ms() - begun) / 49);
}

static void test_success_ends_the_backoff(void **state)
{
	struct fixture *f = *state;
	long long begun;

	f->ending = FAILED;
	wake(f);
	run_for(f, 700);
	f->ending = DONE;
	wake(f);
	run_for(f, 150);
	f->turns = 0;
	wake(f);
	run_for(f, 20);
	assert_int_equal(f->turns, 1);
	/* And the next failure begins with the shortest wait again, and not with one of 800 ms and more. */
	f->ending = FAILED;
	begun = steady_ms();
	wake(f);
	run_until(f, 3);
	assert_true(steady_ms() - begun < 750);
}

static void test_stop(void **state)
{
	struct fixture *f = *state;

	f->ending = LATER;
	wake(f);
	run_for(f, 20);
	stage_stop(f->stage);
	assert_true(stage_is_busy(f->stage));
	wake(f);
	stage_done(f->stage, 0);
	assert_false(stage_is_busy(f->stage));
	wake(f);
	run_for(f, 100);
	assert_int_equal(f->turns, 1);
}

static void test_stop_while_failing(void **state)
{
	struct fixture *f = *state;

	f->ending = FAILED;
	wake(f);
	run_for(f, 20);
	stage_stop(f->stage);
	wake(f);
	run_for(f, 200);
	assert_int_equal(f->turns, 1);
}

static void test_poll_changes(void **state)
{
	struct fixture *f = *state;

	stage_set_poll(f->stage, 20);
	run_until(f, 4);
	assert_int_equal(f->turns, 4);
}

static void test_backoff_grows_to_its_limit(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_in_range(backoff_ms(0), 50, 100);
		assert_in_range(backoff_ms(3), 400, 800);
		assert_in_range(backoff_ms(9), 15000, 30000);
		assert_in_range(backoff_ms(4000000000U), 15000, 30000);
	}
}

static void test_freeing_nothing(void **state)
{
	(void)state;
	assert_null(stage_free(NULL));
}

int main(void)
{
#define TEST(f)    cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define FAST(f)    cmocka_unit_test_setup_teardown(f, set_up_fast, tear_down)
#define PAUSING(f) cmocka_unit_test_setup_teardown(f, set_up_pausing, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_sleeps_until_woken),
		cmocka_unit_test_setup_teardown(test_pause_is_kept, set_up_pausing_long, tear_down),
		PAUSING(test_pause_ends),
		FAST(test_unheard_it_makes_turns),
		cmocka_unit_test_setup_teardown(test_hearing_of_nothing, set_up_polling, tear_down),
		TEST(test_hearing_of_work),
		TEST(test_hearing_puts_nothing_off),
		TEST(test_at_work_it_hears_nothing),
		TEST(test_after_a_failure_it_hears_nothing),
		TEST(test_next_in),
		TEST(test_due_while_the_machine_slept),
		TEST(test_turns_never_overlap),
		TEST(test_wake_within_a_turn),
		TEST(test_failure_backs_off),
		TEST(test_wakes_do_not_defeat_the_backoff),
		TEST(test_success_ends_the_backoff),
		TEST(test_stop),
		TEST(test_stop_while_failing),
		TEST(test_poll_changes),
		cmocka_unit_test(test_backoff_grows_to_its_limit),
		cmocka_unit_test(test_freeing_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
