#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "scene.h"
#include "table.h"

enum { WIDTH = 120, HOUR = 3600, DAY = 86400, MOST_LACKS = 8 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

void figures_length(int64_t seconds, char *text)
{
	long long s = seconds;

	if (s < 0)
		snprintf(text, FIGURES_LENGTH, "-");
	else if (s < HOUR)
		snprintf(text, FIGURES_LENGTH, "%lld min", s / 60);
	else if (s < DAY)
		snprintf(text, FIGURES_LENGTH, "%lld h %02lld", s / HOUR, s / 60 % 60);
	else
		snprintf(text, FIGURES_LENGTH, "%lld d %lld h", s / DAY, s / HOUR % 24);
}

/* ---- what was missing ---- */

static void describe_lack(
	const struct scene *scene, const struct tally_lack *lack, char *text, size_t size)
{
	const struct scene_service *service = NULL;

	switch (lack->lack) {
	case SIMULATE_LACK_SERVICE:
		service = scene_service(scene, lack->word);
		snprintf(text, size, "service: %s", service ? service->label : lack->word);
		break;
	case SIMULATE_LACK_LANGUAGE:
		snprintf(text, size, "language: %s", lack->word);
		break;
	case SIMULATE_LACK_CONSENT:
		snprintf(text, size, "people: all who could declined");
		break;
	case SIMULATE_LACK_TIME:
		snprintf(text, size, "time: %s",
			scene->rule_words[lack->rule] ? scene->rule_words[lack->rule]
						      : plan_rule_name(lack->rule));
		break;
	case SIMULATE_LACK_PEOPLE:
	case SIMULATE_LACKS:
	default:
		snprintf(text, size, "people: nobody is in reach");
	}
}

static void write_lacks(const struct scene *scene, const struct tally_office *office, size_t most,
	struct octets *out)
{
	char text[160], count[32];

	for (size_t i = 0; i < office->n_lacks && i < most; i++) {
		describe_lack(scene, &office->lacks[i], text, sizeof text);
		snprintf(count, sizeof count, " (%zu)", office->lacks[i].n);
		octets_add_text(out, i > 0 ? "; " : "");
		octets_add_text(out, text);
		octets_add_text(out, count);
	}
	if (office->n_lacks > most)
		octets_add_text(out, "; …");
}

/* ---- for people ---- */

static const struct table_column columns[] = {{"OFFICE", false, 8}, {"CASES", true, 0},
	{"MEDIAN", true, 0}, {"90 %", true, 0}, {"99 %", true, 0}, {"IMMED.", true, 0},
	{"URGENT", true, 0}, {"ROUTINE", true, 0}, {"COLLAT.", true, 0}, {"HOURS", true, 0},
	{"SPREAD", true, 0}, {"OVER", true, 0}, {"NOBODY", true, 0}};

static const char legend[] =
	"MEDIAN, 90 %, 99 %: of the cases that were met, from opening to first meeting. IMMED., "
	"URGENT, ROUTINE: cases first\n"
	"met by their due time. COLLAT.: the most that a collateral-duty coordinator had in a "
	"week, of their weekly limit.\n"
	"HOURS, SPREAD: weighted hours of full-time coordinators, least-most, and their "
	"difference (ALL: of the most uneven\n"
	"office). OVER: call-outs beyond a limit. NOBODY: requests that nobody could take.\n";

static void add_percent(struct table *table, size_t part, size_t whole)
{
	if (whole == 0)
		table_add(table, "-");
	else
		table_format(table, "%zu %%", part * 100 / whole);
}

static void add_wait(struct table *table, const struct tally_office *office, size_t percent)
{
	char text[FIGURES_LENGTH];

	figures_length(tally_wait(office, percent), text);
	table_add(table, text);
}

static void add_hours(struct table *table, const struct tally_office *office)
{
	if (office->most < 0) {
		table_add(table, "-");
		table_add(table, "-");
		return;
	}
	table_format(table, "%" PRId64 "-%" PRId64, office->least / 60, office->most / 60);
	table_format(table, "%" PRId64 " %%", office->spread_percent);
}

static void add_office(struct table *table, const struct tally_office *office)
{
	table_add(table, office->code);
	table_format(table, "%zu", office->cases);
	add_wait(table, office, 50);
	add_wait(table, office, 90);
	add_wait(table, office, 99);
	for (int i = 0; i < PLAN_URGENCIES; i++)
		add_percent(table, office->in_target[i], office->of[i]);
	if (office->collateral_permille < 0)
		table_add(table, "-");
	else
		table_format(table, "%" PRId64 " %%", (office->collateral_permille + 5) / 10);
	add_hours(table, office);
	table_format(table, "%zu", office->over_cap);
	table_format(table, "%zu", office->lost);
}

static void write_title(
	const struct scene *scene, const struct tally *tally, uint64_t seed, struct octets *out)
{
	char line[300];

	snprintf(line, sizeof line,
		"%zu days from %s, seed %" PRIu64 ": %zu cases of %zu offices, %zu coordinators, "
		"%zu meetings (%zu moved, %zu declined)\n\n",
		scene->n_days, scene->start, seed, tally->all.cases, tally->n, tally->all.n_people,
		tally->all.meetings, tally->moved, tally->declined);
	octets_add_text(out, line);
}

static void write_missing(const struct scene *scene, const struct tally *tally, struct octets *out)
{
	static const struct table_column missing_columns[] = {
		{"OFFICE", false, 8}, {"NOBODY", true, 0}, {"WHAT WAS MISSING", false, 0}};
	struct table table = {.columns = missing_columns, .n_columns = COUNT(missing_columns)};

	for (size_t i = 0; i <= tally->n; i++) {
		const struct tally_office *office = i < tally->n ? &tally->offices[i] : &tally->all;
		struct octets text = {0};
		size_t length;
		char *missing = NULL;

		if (office->lost == 0)
			continue;
		write_lacks(scene, office, MOST_LACKS, &text);
		table_add(&table, office->code);
		table_format(&table, "%zu", office->lost);
		if (octets_take(&text, &missing, &length) < 0)
			out->failed = true;
		table_add(&table, missing);
		free(missing);
	}
	if (table.n > 0) {
		octets_add_char(out, '\n');
		table_write(&table, WIDTH, out);
	}
	out->failed = out->failed || !table_is_whole(&table);
	table_clear(&table);
}

static void write_table(
	const struct scene *scene, const struct tally *tally, uint64_t seed, struct octets *out)
{
	struct table table = {.columns = columns, .n_columns = COUNT(columns)};
	char line[160];

	for (size_t i = 0; i < tally->n; i++)
		add_office(&table, &tally->offices[i]);
	add_office(&table, &tally->all);
	write_title(scene, tally, seed, out);
	table_write(&table, WIDTH, out);
	out->failed = out->failed || !table_is_whole(&table);
	table_clear(&table);
	octets_add_char(out, '\n');
	octets_add_text(out, legend);
	write_missing(scene, tally, out);
	if (tally->limited == 0)
		return;
	snprintf(line, sizeof line,
		"\n%zu of %zu plans are the best so far: the limit of steps was reached.\n",
		tally->limited, tally->plans);
	octets_add_text(out, line);
}

/* ---- CSV ---- */

static const struct table_column csv_columns[] = {{"office", false, 0}, {"people", true, 0},
	{"cases", true, 0}, {"met", true, 0}, {"meetings", true, 0},
	{"first_median_minutes", true, 0}, {"first_90_minutes", true, 0},
	{"first_99_minutes", true, 0}, {"immediate_cases", true, 0},
	{"immediate_in_target", true, 0}, {"urgent_cases", true, 0}, {"urgent_in_target", true, 0},
	{"routine_cases", true, 0}, {"routine_in_target", true, 0},
	{"collateral_most_percent", true, 0}, {"full_time_least_hours", true, 0},
	{"full_time_most_hours", true, 0}, {"over_cap", true, 0}, {"nobody", true, 0},
	{"missing", false, 0}};

/* Tenths, without floating point; empty for what there is not. */
static void add_tenths(struct table *table, int64_t tenths)
{
	if (tenths < 0)
		table_add(table, "");
	else
		table_format(table, "%" PRId64 ".%" PRId64, tenths / 10, tenths % 10);
}

static void add_minutes(struct table *table, const struct tally_office *office, size_t percent)
{
	int64_t wait = tally_wait(office, percent);

	if (wait < 0)
		table_add(table, "");
	else
		table_format(table, "%" PRId64, wait / 60);
}

static void add_csv_office(
	const struct scene *scene, struct table *table, const struct tally_office *office)
{
	struct octets text = {0};
	size_t length;
	char *missing = NULL;

	table_add(table, office->code);
	table_format(table, "%zu", office->n_people);
	table_format(table, "%zu", office->cases);
	table_format(table, "%zu", office->met);
	table_format(table, "%zu", office->meetings);
	add_minutes(table, office, 50);
	add_minutes(table, office, 90);
	add_minutes(table, office, 99);
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		table_format(table, "%zu", office->of[i]);
		table_format(table, "%zu", office->in_target[i]);
	}
	add_tenths(table, office->collateral_permille);
	add_tenths(table, office->least < 0 ? -1 : office->least / 6);
	add_tenths(table, office->most < 0 ? -1 : office->most / 6);
	table_format(table, "%zu", office->over_cap);
	table_format(table, "%zu", office->lost);
	write_lacks(scene, office, SIZE_MAX, &text);
	if (octets_take(&text, &missing, &length) < 0)
		table->failed = true;
	table_add(table, missing);
	free(missing);
}

static void write_csv(const struct scene *scene, const struct tally *tally, struct octets *out)
{
	struct table table = {.columns = csv_columns, .n_columns = COUNT(csv_columns)};

	for (size_t i = 0; i < tally->n; i++)
		add_csv_office(scene, &table, &tally->offices[i]);
	add_csv_office(scene, &table, &tally->all);
	table_write_csv(&table, out);
	out->failed = out->failed || !table_is_whole(&table);
	table_clear(&table);
}

bool figures_write(const struct scene *scene, const struct tally *tally, uint64_t seed, bool csv,
	struct octets *out)
{
	if (csv)
		write_csv(scene, tally, out);
	else
		write_table(scene, tally, seed, out);
	return !out->failed;
}
