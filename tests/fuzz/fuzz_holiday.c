/*
 * fuzz_holiday - any bytes as an iCalendar file of holidays
 *
 * Whatever comes of it: days of the years that were asked for, in order, a day once, each with a name; and
 * a problem in words for whatever was refused.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "holiday.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIRST_YEAR = 2026, LAST_YEAR = 2028 };

static void fail(const char *why)
{
	fprintf(stderr, "fuzz_holiday: %s\n", why);
	abort();
}

static void check_day(const struct holiday *holiday, const char *before)
{
	long year = strtol(holiday->day, NULL, 10);

	if (!arrivals_is_day(holiday->day) || year < FIRST_YEAR || year > LAST_YEAR)
		fail("no day, or one that was not asked for");
	if (strcmp(before, holiday->day) >= 0)
		fail("days out of order");
	if (!holiday->name)
		fail("a day without a name");
	for (const char *at = holiday->name; *at; at += text_character(at))
		if (text_character(at) == 0)
			fail("a name that is no UTF-8");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct holiday_list list;
	char *text = malloc(size + 1);
	int r;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	r = holiday_read(text, FIRST_YEAR, LAST_YEAR, &list);
	if (r != (list.n_problems ? HOLIDAY_INVALID : 0))
		fail("problems that are none, or the other way round");
	for (size_t i = 0; i < list.n_holidays; i++)
		check_day(&list.holidays[i], i ? list.holidays[i - 1].day : "");
	for (size_t i = 0; i < list.n_problems; i++)
		if (text_check(list.problems[i].text, TEXT_LINE, 10000) != TEXT_FINE)
			fail("a problem that is no line of text");
	holiday_list_clear(&list);
	free(text);
	return 0;
}
