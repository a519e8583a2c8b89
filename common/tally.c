#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int by_frequency(const void *a, const void *b)
{
	const struct tally_lack *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	if (x->lack != y->lack)
		return x->lack < y->lack ? -1 : 1;
	if (x->word && y->word)
		return strcmp(x->word, y->word);
	return (x->rule > y->rule) - (x->rule < y->rule);
}

/* ---- adding to one office ---- */

static int add_wait(struct tally_office *office, int64_t wait)
{
	if (office->n_waits == office->waits_room) {
		size_t room = office->waits_room ? 2 * office->waits_room : 64;
		int64_t *waits = reallocarray(office->waits, room, sizeof *waits);

		if (waits == NULL)
			return -ENOMEM;
		office->waits = waits;
		office->waits_room = room;
	}
	office->waits[office->n_waits++] = wait;
	return 0;
}

static bool is_same(const struct tally_lack *lack, const struct tally_lack *other)
{
	if (lack->lack != other->lack)
		return false;
	if (lack->lack == SIMULATE_LACK_TIME)
		return lack->rule == other->rule;
	return lack->word == other->word
	       || (lack->word && other->word && strcmp(lack->word, other->word) == 0);
}

static int add_lack(struct tally_office *office, const struct tally_lack *lack)
{
	struct tally_lack *one;

	for (size_t i = 0; i < office->n_lacks; i++) {
		if (is_same(&office->lacks[i], lack)) {
			office->lacks[i].n += lack->n;
			return 0;
		}
	}
	if (office->n_lacks == office->lacks_room) {
		size_t room = office->lacks_room ? 2 * office->lacks_room : 8;
		struct tally_lack *lacks = reallocarray(office->lacks, room, sizeof *lacks);

		if (lacks == NULL)
			return -ENOMEM;
		office->lacks = lacks;
		office->lacks_room = room;
	}
	one = &office->lacks[office->n_lacks];
	*one = *lack;
	if (lack->word && (one->word = strdup(lack->word)) == NULL)
		return -ENOMEM;
	office->n_lacks++;
	return 0;
}

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void add_load(struct tally_office *office, int64_t weighted)
{
	office->most = greater(office->most, weighted);
	if (office->least < 0 || weighted < office->least)
		office->least = weighted;
}

/* ---- a group ---- */

struct adding {
	const struct simulate_group *group;
	const struct simulate_result *result;
	const struct tally_names *names;
	struct tally_office *offices; /* of this group */
	int64_t *weighted;            /* one a person */
	int64_t *weeks;               /* counted minutes, n_weeks a person */
	size_t n_weeks;
};

static struct tally_office *office_of_case(const struct adding *adding, size_t case_index)
{
	return &adding->offices[adding->group->cases[case_index].office];
}

static size_t week_of(const struct plan_zone *zone, int64_t moment)
{
	size_t low = 0, high = zone->n_days;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (zone->day_starts[middle] <= moment)
			low = middle;
		else
			high = middle;
	}
	return (size_t)(zone->week_numbers[low] - zone->week_numbers[0]);
}

static int add_meeting(struct adding *adding, const struct simulate_meeting *one)
{
	struct tally_office *office = office_of_case(adding, one->case_index);
	const struct plan_coordinator *row = adding->group->people[one->person].row;
	size_t week = week_of(&adding->group->zones[row->zone], one->meeting.start);

	office->meetings++;
	office->over_cap += one->over_cap;
	adding->weighted[one->person] += one->weighted_minutes;
	if (week < adding->n_weeks)
		adding->weeks[one->person * adding->n_weeks + week] += one->counted_minutes;
	if (!one->first)
		return 0;
	office->met++;
	office->in_target[one->urgency] += one->meeting.start <= one->due;
	return add_wait(office, one->meeting.start - one->opened);
}

static int add_lost(struct adding *adding, const struct simulate_lost *one)
{
	struct tally_office *office = office_of_case(adding, one->case_index);
	bool named = one->lack == SIMULATE_LACK_SERVICE || one->lack == SIMULATE_LACK_LANGUAGE;
	const char *word = named ? adding->names->word(adding->names->arg, one->word) : NULL;
	struct tally_lack lack = {.lack = one->lack,
		.rule = one->lack == SIMULATE_LACK_TIME ? one->rule : PLAN_FREE,
		.n = 1};
	int r;

	if (word && (lack.word = strdup(word)) == NULL)
		return -ENOMEM;
	office->lost++;
	r = add_lack(office, &lack);
	free(lack.word);
	return r;
}

static void add_person(struct adding *adding, size_t person, int64_t start)
{
	const struct simulate_person *one = &adding->group->people[person];
	struct tally_office *office = NULL;

	for (size_t i = 0; i < adding->group->n_offices; i++)
		if (adding->group->offices[i].row->id == one->row->office)
			office = &adding->offices[i];
	if (office == NULL)
		return;
	office->n_people++;
	if (!one->row->collateral && one->joined <= start)
		add_load(office, adding->weighted[person]);
	if (!one->row->collateral || one->row->weekly_minutes == 0)
		return;
	for (size_t i = 0; i < adding->n_weeks; i++)
		office->collateral_permille = greater(
			office->collateral_permille, adding->weeks[person * adding->n_weeks + i]
							     * 1000 / one->row->weekly_minutes);
}

static int add_all(struct adding *adding, int64_t start)
{
	int r = 0;

	for (size_t i = 0; i < adding->group->n_cases; i++) {
		struct tally_office *office = office_of_case(adding, i);

		office->cases++;
		office->of[adding->group->cases[i].urgency]++;
	}
	for (size_t i = 0; r == 0 && i < adding->result->n_meetings; i++)
		r = add_meeting(adding, &adding->result->meetings[i]);
	for (size_t i = 0; r == 0 && i < adding->result->n_lost; i++)
		r = add_lost(adding, &adding->result->lost[i]);
	for (size_t i = 0; i < adding->group->n_people; i++)
		add_person(adding, i, start);
	return r;
}

static size_t count_weeks(const struct simulate_group *group)
{
	size_t most = 0;

	for (size_t i = 0; i < group->n_zones; i++) {
		size_t n = week_of(&group->zones[i], INT64_MAX) + 1;

		most = n > most ? n : most;
	}
	return most;
}

static int name_offices(struct adding *adding)
{
	for (size_t i = 0; i < adding->group->n_offices; i++) {
		struct tally_office *office = &adding->offices[i];

		*office = (struct tally_office){
			.collateral_permille = -1, .least = -1, .most = -1, .spread_percent = -1};
		office->code = strdup(adding->names->code(adding->names->arg, i));
		if (office->code == NULL)
			return -ENOMEM;
	}
	return 0;
}

int tally_add(struct tally *tally, const struct simulate_group *group,
	const struct simulate_result *result, int64_t start, const struct tally_names *names)
{
	struct adding adding = {
		.group = group, .result = result, .names = names, .n_weeks = count_weeks(group)};
	struct tally_office *offices = reallocarray(
		tally->offices, tally->n + group->n_offices + 1, sizeof *offices);
	int r = -ENOMEM;

	if (offices == NULL)
		return -ENOMEM;
	tally->offices = offices;
	adding.offices = offices + tally->n;
	adding.weighted = calloc(group->n_people + 1, sizeof *adding.weighted);
	adding.weeks = calloc(group->n_people * adding.n_weeks + 1, sizeof *adding.weeks);
	memset(adding.offices, 0, (group->n_offices + 1) * sizeof *adding.offices);
	tally->n += group->n_offices;
	if (adding.weighted && adding.weeks)
		r = name_offices(&adding);
	if (r == 0)
		r = add_all(&adding, start);
	tally->plans += result->plans;
	tally->limited += result->limited;
	tally->moved += result->moved;
	tally->declined += result->declined;
	free(adding.weighted);
	free(adding.weeks);
	return r;
}

/* ---- all ---- */

static int add_office(struct tally_office *all, const struct tally_office *office)
{
	int r = 0;

	all->n_people += office->n_people;
	all->cases += office->cases;
	all->met += office->met;
	all->meetings += office->meetings;
	all->over_cap += office->over_cap;
	all->lost += office->lost;
	all->collateral_permille = greater(all->collateral_permille, office->collateral_permille);
	for (int i = 0; i < PLAN_URGENCIES; i++) {
		all->of[i] += office->of[i];
		all->in_target[i] += office->in_target[i];
	}
	if (office->most >= 0) {
		add_load(all, office->most);
		add_load(all, office->least);
	}
	all->spread_percent = greater(all->spread_percent, office->spread_percent);
	for (size_t i = 0; r == 0 && i < office->n_waits; i++)
		r = add_wait(all, office->waits[i]);
	for (size_t i = 0; r == 0 && i < office->n_lacks; i++)
		r = add_lack(all, &office->lacks[i]);
	return r;
}

static int by_code(const void *a, const void *b)
{
	return strcmp(
		((const struct tally_office *)a)->code, ((const struct tally_office *)b)->code);
}

static void sort(struct tally_office *office)
{
	if (office->spread_percent < 0 && office->most >= 0)
		office->spread_percent = office->most == 0 ? 0
							   : (office->most - office->least) * 100
								     / office->most;
	if (office->n_waits > 0)
		qsort(office->waits, office->n_waits, sizeof *office->waits, by_number);
	if (office->n_lacks > 0)
		qsort(office->lacks, office->n_lacks, sizeof *office->lacks, by_frequency);
}

int tally_finish(struct tally *tally)
{
	int r = 0;

	tally->all = (struct tally_office){.code = strdup("ALL"),
		.collateral_permille = -1,
		.least = -1,
		.most = -1,
		.spread_percent = -1};
	if (tally->all.code == NULL)
		return -ENOMEM;
	if (tally->n > 0)
		qsort(tally->offices, tally->n, sizeof *tally->offices, by_code);
	for (size_t i = 0; r == 0 && i < tally->n; i++) {
		sort(&tally->offices[i]);
		r = add_office(&tally->all, &tally->offices[i]);
	}
	sort(&tally->all);
	return r;
}

static void clear_office(struct tally_office *office)
{
	for (size_t i = 0; i < office->n_lacks; i++)
		free(office->lacks[i].word);
	free(office->lacks);
	free(office->waits);
	free(office->code);
}

void tally_clear(struct tally *tally)
{
	for (size_t i = 0; i < tally->n; i++)
		clear_office(&tally->offices[i]);
	clear_office(&tally->all);
	free(tally->offices);
	*tally = (struct tally){0};
}

int64_t tally_wait(const struct tally_office *office, size_t percent)
{
	size_t rank = (office->n_waits * percent + 99) / 100;

	if (office->n_waits == 0)
		return -1;
	return office->waits[rank > 0 ? rank - 1 : 0];
}
