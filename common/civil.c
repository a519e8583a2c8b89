#include "civil.h"

/* Years are counted from March, so that the leap day is a year's last; 400 of them are an era. */
enum { ERA_YEARS = 400, ERA_DAYS = 146097, DAYS_BEFORE_1970 = 719468 };

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t civil_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_divide(y, ERA_YEARS), of_era = y - era * ERA_YEARS;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year
	       - DAYS_BEFORE_1970;
}

struct civil civil_of_days(int64_t days)
{
	int64_t z = days + DAYS_BEFORE_1970;
	int64_t era = floor_divide(z, ERA_DAYS), of_era = z - era * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	struct civil date = {
		.year = year + era * ERA_YEARS,
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(of_year - (153 * month + 2) / 5 + 1),
	};

	date.year += date.month <= 2;
	return date;
}

bool civil_is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_month_length(int64_t year, int month)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return lengths[month - 1] + (month == 2 && civil_is_leap(year));
}

int civil_weekday(int64_t days)
{
	return (int)(days + 4 - 7 * floor_divide(days + 4, 7)); /* 1970-01-01 was a Thursday */
}

int64_t civil_day_of(int64_t seconds)
{
	return floor_divide(seconds, DAY_SECONDS);
}
