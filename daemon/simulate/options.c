#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CASES_A_DAY = 10000 };

const char simulate_usage[] =
	"usage: vacd simulate [--days N] [--seed S] [--start DATE] [--format table|csv] [--plot "
	"FILE.svg]\n"
	"                     [--cases-per-day X] [--languages LIST] [--follow-ups PERCENT]\n"
	"                     [--declines PERCENT] [--open-days N] [--plan-steps N]\n"
	"                     [--arrivals FILE.csv] [--database CONNINFO] [--holidays FILE.ics]\n"
	"                     [--roster FILE.csv …]\n"
	"\n"
	"Plays weeks of work through the planner, with the rosters of the database or of files, "
	"and\n"
	"says how soon people would be met. Nothing is stored. See vacd-simulate(8).\n"
	"\n"
	"Exit status: 0 done, 1 something in a file is wrong, 2 it could not be tried, 64 usage.\n";

enum option_name {
	OPTION_DAYS = 256,
	OPTION_SEED,
	OPTION_START,
	OPTION_FORMAT,
	OPTION_PLOT,
	OPTION_CASES,
	OPTION_LANGUAGES,
	OPTION_FOLLOW_UPS,
	OPTION_DECLINES,
	OPTION_OPEN_DAYS,
	OPTION_PLAN_STEPS,
	OPTION_ARRIVALS,
	OPTION_DATABASE,
	OPTION_HOLIDAYS,
	OPTION_ROSTER,
	OPTION_HELP,
};

static const struct option known[] = {
	{"days", required_argument, NULL, OPTION_DAYS},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"start", required_argument, NULL, OPTION_START},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"plot", required_argument, NULL, OPTION_PLOT},
	{"cases-per-day", required_argument, NULL, OPTION_CASES},
	{"languages", required_argument, NULL, OPTION_LANGUAGES},
	{"follow-ups", required_argument, NULL, OPTION_FOLLOW_UPS},
	{"declines", required_argument, NULL, OPTION_DECLINES},
	{"open-days", required_argument, NULL, OPTION_OPEN_DAYS},
	{"plan-steps", required_argument, NULL, OPTION_PLAN_STEPS},
	{"arrivals", required_argument, NULL, OPTION_ARRIVALS},
	{"database", required_argument, NULL, OPTION_DATABASE},
	{"holidays", required_argument, NULL, OPTION_HOLIDAYS},
	{"roster", required_argument, NULL, OPTION_ROSTER},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static int wrong(const char *name, const char *text, const char *expected)
{
	fprintf(stderr, "vacd simulate: --%s %s: expected %s\n", name, text, expected);
	return '?';
}

static int take_number(
	const char *name, const char *text, uint64_t lowest, uint64_t highest, uint64_t *number)
{
	char expected[80];
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && lowest <= *number
		&& *number <= highest)
		return 0;
	snprintf(expected, sizeof expected, "a number from %llu to %llu",
		(unsigned long long)lowest, (unsigned long long)highest);
	return wrong(name, text, expected);
}

/* "1.25" is 1250 thousandths: no floating point decides what is drawn. */
static int take_rate(const char *text, int64_t *thousandths)
{
	static const char expected[] = "cases a day in each office, such as 2 or 0.75";
	char *end;
	long whole = strtol(text, &end, 10), part = 0, place = 100;

	if (text[0] < '0' || text[0] > '9' || whole > MOST_CASES_A_DAY)
		return wrong("cases-per-day", text, expected);
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, place /= 10)
			part += place * (*end - '0');
	if (*end)
		return wrong("cases-per-day", text, expected);
	*thousandths = (int64_t)whole * 1000 + part;
	return 0;
}

static int take_format(struct simulate_options *options, const char *text)
{
	options->csv = strcmp(text, "csv") == 0;
	return options->csv || strcmp(text, "table") == 0 ? 0
							  : wrong("format", text, "table or csv");
}

static int take_share(const char *name, const char *text, uint32_t *percent)
{
	uint64_t number;
	int r = take_number(name, text, 0, 100, &number);

	*percent = (uint32_t)number;
	return r;
}

static int take_mix(struct simulate_options *options, int c, char *text)
{
	uint32_t percent;
	int r = 0;

	switch (c) {
	case OPTION_CASES:
		return take_rate(text, &options->mix.thousandths);
	case OPTION_LANGUAGES:
		return arrivals_set_languages(&options->mix, text) == 0
			       ? 0
			       : wrong("languages", text,
				       "tags with weights, such as en=70,es=25,mam=5");
	case OPTION_FOLLOW_UPS:
		return take_share("follow-ups", text, &options->mix.follow_up_percent);
	default:
		r = take_share("declines", text, &percent);
		options->decline_percent = (int)percent;
		return r;
	}
}

static int take_days(struct simulate_options *options, int c, const char *text)
{
	uint64_t number;
	int r;

	switch (c) {
	case OPTION_DAYS:
		r = take_number("days", text, 1, SIMULATE_MOST_DAYS, &number);
		options->n_days = (size_t)number;
		return r;
	case OPTION_OPEN_DAYS:
		r = take_number("open-days", text, 0, 365, &number);
		options->open_days = (int64_t)number;
		return r;
	default:
		options->start = text;
		return arrivals_is_day(text) ? 0 : wrong("start", text, "a day such as 2027-03-01");
	}
}

static int take_plan_steps(struct simulate_options *options, const char *text)
{
	uint64_t number;
	int r = take_number("plan-steps", text, 1, 1000000000, &number);

	options->plan_steps = (int64_t)number;
	return r;
}

static int take_option(struct simulate_options *options, int c, char *text)
{
	switch (c) {
	case OPTION_DAYS:
	case OPTION_OPEN_DAYS:
	case OPTION_START:
		return take_days(options, c, text);
	case OPTION_CASES:
	case OPTION_LANGUAGES:
	case OPTION_FOLLOW_UPS:
	case OPTION_DECLINES:
		return take_mix(options, c, text);
	case OPTION_PLAN_STEPS:
		return take_plan_steps(options, text);
	case OPTION_SEED:
		return take_number("seed", text, 0, UINT64_MAX, &options->seed);
	case OPTION_FORMAT:
		return take_format(options, text);
	case OPTION_PLOT:
		options->plot = text;
		return 0;
	case OPTION_ARRIVALS:
		options->arrivals = text;
		return 0;
	case OPTION_DATABASE:
		options->database = text;
		return 0;
	case OPTION_HOLIDAYS:
		options->holidays = text;
		return 0;
	case OPTION_ROSTER:
		options->rosters[options->n_rosters++] = text;
		return 0;
	default:
		return c == OPTION_HELP ? 'h' : '?';
	}
}

int simulate_parse(struct simulate_options *options, int argc, char **argv)
{
	int c, r = 0;

	*options = (struct simulate_options){.seed = 1, .open_days = 14, .plan_steps = 100000};
	arrivals_usual_mix(&options->mix);
	options->rosters = calloc((size_t)argc + 1, sizeof *options->rosters);
	if (options->rosters == NULL)
		return '?';
	optind = 0; /* main has looked at options already */
	while (r == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		r = take_option(options, c, optarg);
	/* --roster a.csv b.csv … */
	if (r == 0 && optind < argc && options->n_rosters == 0)
		r = '?';
	for (; r == 0 && optind < argc; optind++)
		options->rosters[options->n_rosters++] = argv[optind];
	return r;
}
