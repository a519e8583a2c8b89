/*
 * civil - days and dates of the Gregorian calendar, before 1582 and without a zone as well
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { DAY_SECONDS = 86400 };

struct civil {
	int64_t year;
	int month, day; /* from 1 */
};

/* Days since 1970-01-01 of a date that there is. */
int64_t civil_days(int64_t year, int month, int day);
struct civil civil_of_days(int64_t days);

bool civil_is_leap(int64_t year);
int civil_month_length(int64_t year, int month);

/* From 0 for Sunday. */
int civil_weekday(int64_t days);

/* The whole days in seconds; of negative ones as well. */
int64_t civil_day_of(int64_t seconds);
