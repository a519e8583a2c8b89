/*
 * plan_trial - random worlds one after the other, for the tests of what holds of every plan
 *
 * With VACD_TEST_SHOW in the environment a test that fails writes its world for plan-case.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plan_judge.h"
#include "plan_random.h"
#include "../exact/plan_text.h"

enum { STEPS = 3000 };

static const struct random_shape mixed = {
	.people = 6, .meetings = 6, .requests = 9, .may_move = true, .steps = STEPS};
/* More work than time, and much of it may be moved. */
static const struct random_shape pressed = {.people = 2,
	.meetings = RANDOM_MEETINGS,
	.requests = 7,
	.may_move = true,
	.pressed = true,
	.steps = STEPS};
static const struct random_shape one_step = {
	.people = 5, .meetings = 4, .requests = RANDOM_REQUESTS, .one_step = true};

static struct random_world world;
static const struct random_shape *shape_now;
static uint64_t seed; /* of the world at hand, for whoever looks at a failure */

/* Under valgrind and sanitizers fewer worlds are looked at. */
static inline uint64_t worlds(uint64_t n)
{
	const char *load = getenv("VACD_TEST_LOAD");

	return load && strcmp(load, "small") == 0 ? n / 20 + 1 : n;
}

static inline void make_world(const struct random_shape *shape)
{
	struct random_source source = {.seed = seed * 2 + 1};

	shape_now = shape;
	random_make(&world, shape, &source);
}

/* Writes the world as it is now, and as it was made. */
static inline void show_world(void)
{
	plan_text_write(&world.input, stderr);
	make_world(shape_now);
	plan_text_write(&world.input, stderr);
}

static inline void fail_world(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static inline void fail_world(const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (getenv("VACD_TEST_SHOW"))
		show_world();
	fail_msg("seed %d: %s", (int)seed, text);
	abort();
}

static inline struct plan *make_plan(const struct plan_input *input)
{
	struct plan *plan = NULL;
	char error[200] = "";

	if (plan_make(input, &plan, error, sizeof error) != 0)
		fail_world("%s", error);
	return plan;
}
