#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "span.h"

#define LIST(...)                                                                                  \
	((struct span_list){(const struct span[]){__VA_ARGS__},                                    \
		sizeof((const struct span[]){__VA_ARGS__}) / sizeof(struct span)})

static const struct span_list none = {0};

static void assert_list(struct span_list got, struct span_list want)
{
	assert_int_equal(got.n, want.n);
	for (size_t i = 0; i < got.n && i < want.n; i++) {
		assert_int_equal(got.spans[i].start, want.spans[i].start);
		assert_int_equal(got.spans[i].end, want.spans[i].end);
	}
}

static void test_valid(void **state)
{
	(void)state;
	assert_true(span_list_is_valid(none));
	assert_true(span_list_is_valid(LIST({1, 2}, {2, 3}, {9, 10})));
	assert_true(span_list_is_valid(LIST({INT64_MIN, INT64_MAX})));
	assert_false(span_list_is_valid(LIST({1, 1})));
	assert_false(span_list_is_valid(LIST({2, 1})));
	assert_false(span_list_is_valid(LIST({1, 3}, {2, 4})));
	assert_false(span_list_is_valid(LIST({5, 6}, {1, 2})));
}

static void test_edges_are_half_open(void **state)
{
	struct span_list list = LIST({10, 20}, {30, 40});

	(void)state;
	assert_true(span_list_holds(list, 10));
	assert_false(span_list_holds(list, 20));
	assert_true(span_list_contains(list, (struct span){10, 20}));
	assert_false(span_list_contains(list, (struct span){10, 21}));
	assert_false(span_list_contains(list, (struct span){9, 20}));
	assert_false(span_list_contains(list, (struct span){15, 35}));
	assert_false(span_list_overlaps(list, (struct span){20, 30}));
	assert_true(span_list_overlaps(list, (struct span){19, 21}));
	assert_true(span_list_overlaps(list, (struct span){0, 100}));
	assert_false(span_list_overlaps(list, (struct span){15, 15}));
	assert_true(span_overlaps((struct span){1, 3}, (struct span){2, 4}));
	assert_false(span_overlaps((struct span){1, 2}, (struct span){2, 4}));
	assert_int_equal(span_list_seek(list, 19), 0);
	assert_int_equal(span_list_seek(list, 20), 1);
	assert_int_equal(span_list_seek(list, 40), 2);
	assert_int_equal(span_list_seek(none, 0), 0);
}

static void test_next_within(void **state)
{
	struct span_list list = LIST({10, 20}, {30, 45});

	(void)state;
	assert_int_equal(span_list_next_within(list, 0, 10), 10);
	assert_int_equal(span_list_next_within(list, 0, 11), 30);
	assert_int_equal(span_list_next_within(list, 11, 10), 30);
	assert_int_equal(span_list_next_within(list, 35, 10), 35);
	assert_true(span_list_next_within(list, 36, 10) == SPAN_NEVER);
	assert_true(span_list_next_within(none, 0, 1) == SPAN_NEVER);
	assert_true(span_list_next_within(list, INT64_MAX - 1, 10) == SPAN_NEVER);
	assert_true(span_list_next_within(LIST({0, INT64_MAX}), 5, INT64_MAX) == SPAN_NEVER);
	assert_int_equal(span_list_next_within(LIST({INT64_MIN, 0}), -5, 5), -5);
}

static void test_next_outside(void **state)
{
	struct span_list list = LIST({10, 20}, {30, 45}, {45, 50});

	(void)state;
	assert_int_equal(span_list_next_outside(list, 0, 0, 10), 0);
	assert_int_equal(span_list_next_outside(list, 1, 0, 10), 20);
	assert_int_equal(span_list_next_outside(list, 1, 0, 11), 50);
	/* Travel before: it may not begin before the meeting of before is over. */
	assert_int_equal(span_list_next_outside(list, 20, 3, 5), 23);
	assert_int_equal(span_list_next_outside(list, 20, 3, 8), 53);
	assert_int_equal(span_list_next_outside(none, 7, 100, 100), 7);
	assert_true(span_list_next_outside(LIST({0, INT64_MAX}), 5, 10, 10) == INT64_MAX);
	assert_true(span_list_next_outside(LIST({0, 9}), INT64_MIN, 5, 5) == INT64_MIN);
}

static void test_add_and_remove(void **state)
{
	struct span_set set = {0};

	(void)state;
	assert_int_equal(span_set_add(&set, (struct span){10, 20}), 0);
	assert_int_equal(span_set_add(&set, (struct span){30, 40}), 0);
	assert_int_equal(span_set_add(&set, (struct span){5, 5}), 0);
	assert_int_equal(span_set_add(&set, (struct span){9, 3}), 0);
	assert_list(span_set_list(&set), LIST({10, 20}, {30, 40}));
	assert_int_equal(span_set_add(&set, (struct span){20, 25}), 0); /* touches */
	assert_list(span_set_list(&set), LIST({10, 25}, {30, 40}));
	assert_int_equal(span_set_add(&set, (struct span){25, 30}), 0);
	assert_list(span_set_list(&set), LIST({10, 40}));
	assert_int_equal(span_set_remove(&set, (struct span){15, 20}), 0);
	assert_list(span_set_list(&set), LIST({10, 15}, {20, 40}));
	assert_int_equal(span_set_remove(&set, (struct span){12, 12}), 0);
	assert_int_equal(span_set_remove(&set, (struct span){15, 20}), 0);
	assert_list(span_set_list(&set), LIST({10, 15}, {20, 40}));
	assert_int_equal(span_set_remove(&set, (struct span){0, 22}), 0);
	assert_list(span_set_list(&set), LIST({22, 40}));
	assert_int_equal(span_set_add(&set, (struct span){INT64_MIN, 0}), 0);
	assert_int_equal(span_set_add(&set, (struct span){50, INT64_MAX}), 0);
	assert_list(span_set_list(&set), LIST({INT64_MIN, 0}, {22, 40}, {50, INT64_MAX}));
	assert_int_equal(span_set_remove(&set, (struct span){INT64_MIN, INT64_MAX}), 0);
	assert_int_equal(set.n, 0);
	span_set_clear(&set);
}

/* Sets over a small universe against plain bit sets. */
enum { UNIVERSE = 24, ROUNDS = 3000 };

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return (seed >> 8) % n;
}

static uint32_t bits_of(struct span_list list)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < list.n; i++)
		for (int64_t at = list.spans[i].start; at < list.spans[i].end; at++)
			bits |= UINT32_C(1) << at;
	return bits;
}

static void assert_tidy(struct span_list list)
{
	assert_true(span_list_is_valid(list));
	for (size_t i = 1; i < list.n; i++)
		assert_true(list.spans[i - 1].end < list.spans[i].start);
}

static struct span random_span(void)
{
	int64_t start = random_below(UNIVERSE), end = random_below(UNIVERSE + 1);

	return (struct span){start, end};
}

static uint32_t bits_of_span(struct span span)
{
	return span.start < span.end ? bits_of((struct span_list){&span, 1}) : 0;
}

static void make_random(struct span_set *set, uint32_t *bits)
{
	*set = (struct span_set){0};
	*bits = 0;
	for (uint32_t n = random_below(8); n > 0; n--) {
		struct span span = random_span();
		bool add = random_below(3) > 0;

		assert_int_equal(add ? span_set_add(set, span) : span_set_remove(set, span), 0);
		*bits = add ? *bits | bits_of_span(span) : *bits & ~bits_of_span(span);
		assert_tidy(span_set_list(set));
		assert_int_equal(bits_of(span_set_list(set)), *bits);
	}
}

static bool all_within(uint32_t bits, int64_t start, int64_t end)
{
	return end <= UNIVERSE && (bits_of_span((struct span){start, end}) & ~bits) == 0;
}

static void check_searches(struct span_list list, uint32_t bits)
{
	int64_t length = 1 + random_below(5), from = random_below(UNIVERSE), before, start;

	for (start = from; start < UNIVERSE && !all_within(bits, start, start + length); start++)
		;
	assert_true(span_list_next_within(list, from, length)
		    == (start < UNIVERSE ? start : SPAN_NEVER));
	before = random_below((uint32_t)from + 1);
	for (start = from; start < UNIVERSE; start++) {
		int64_t end = start + length < UNIVERSE ? start + length : UNIVERSE;

		if ((bits_of_span((struct span){start - before, end}) & bits) == 0)
			break;
	}
	if (start < UNIVERSE)
		assert_true(span_list_next_outside(list, from, before, length) == start);
	else
		assert_true(span_list_next_outside(list, from, before, length) >= UNIVERSE);
}

static void test_against_bits(void **state)
{
	struct span_set a, b, c = {0};
	uint32_t x, y;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		make_random(&a, &x);
		make_random(&b, &y);
		assert_int_equal(span_set_union(span_set_list(&a), span_set_list(&b), &c), 0);
		assert_tidy(span_set_list(&c));
		assert_int_equal(bits_of(span_set_list(&c)), x | y);
		assert_int_equal(span_set_intersect(span_set_list(&a), span_set_list(&b), &c), 0);
		assert_tidy(span_set_list(&c));
		assert_int_equal(bits_of(span_set_list(&c)), x & y);
		assert_int_equal(span_set_subtract(span_set_list(&a), span_set_list(&b), &c), 0);
		assert_tidy(span_set_list(&c));
		assert_int_equal(bits_of(span_set_list(&c)), x & ~y);
		check_searches(span_set_list(&a), x);
		span_set_clear(&a);
		span_set_clear(&b);
	}
	span_set_clear(&c);
}

static void test_lists_that_touch(void **state)
{
	struct span_set out = {0};

	(void)state;
	assert_int_equal(span_list_next_within(LIST({0, 2}, {3, 5}, {5, 6}, {6, 9}), 1, 5), 3);
	assert_int_equal(span_list_next_within(LIST({0, 2}, {3, 5}, {5, 6}, {7, 9}), 1, 3), 3);
	assert_true(span_list_contains(LIST({3, 5}, {5, 6}), (struct span){4, 6}));
	assert_false(span_list_contains(LIST({3, 5}, {5, 6}), (struct span){4, 7}));
	assert_int_equal(span_set_union(LIST({1, 2}, {2, 3}), none, &out), 0);
	assert_list(span_set_list(&out), LIST({1, 3}));
	assert_int_equal(span_set_subtract(LIST({1, 5}, {5, 9}), LIST({4, 6}), &out), 0);
	assert_list(span_set_list(&out), LIST({1, 4}, {6, 9}));
	assert_int_equal(span_set_intersect(LIST({1, 5}, {5, 9}), LIST({4, 6}), &out), 0);
	assert_list(span_set_list(&out), LIST({4, 6}));
	span_set_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_edges_are_half_open),
		cmocka_unit_test(test_next_within),
		cmocka_unit_test(test_next_outside),
		cmocka_unit_test(test_add_and_remove),
		cmocka_unit_test(test_against_bits),
		cmocka_unit_test(test_lists_that_touch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
