#include "arrivals.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "simulate/draw.h"

enum { HOURS = 24, MOST_WEIGHT = 1000000 };

/* How many cases come in each local hour, of HOUR_WEIGHTS a day. */
static const uint32_t hour_weights[HOURS] = {
	1, 1, 1, 1, 1, 1, 2, 2, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 4, 4, 4, 4, 2, 2};
enum { HOUR_WEIGHTS = 90 };

void arrivals_usual_mix(struct arrivals_mix *mix)
{
	*mix = (struct arrivals_mix){
		.thousandths = 1000,
		.urgencies = {10, 30, 60},
		.services = {{{{"crisis_intervention", 100}}, 1},
			{{{"crisis_intervention", 60}, {"counseling", 40}}, 2},
			{{{"counseling", 70}, {"witness_support", 20}, {"forensic_interview", 7},
				 {"court_accompaniment", 3}},
				4}},
		.languages = {{{"en", 700}, {"es", 190}, {"zh", 18}, {"vi", 14}, {"tl", 12},
				      {"ht", 12}, {"ar", 10}, {"ru", 10}, {"pt", 8}, {"ko", 6},
				      {"mam", 10}, {"qaa", 10}},
			12},
		.interpreter_percent = 50,
		.telephone_percent = 20,
		.follow_up_percent = 40,
	};
}

static bool take_weight(struct arrivals_words *words, char *item)
{
	char *equals = strchr(item, '='), *end = equals;
	unsigned long weight = 0;

	if (equals == NULL || equals == item || words->n == ARRIVALS_MOST_WORDS)
		return false;
	if (isdigit((unsigned char)equals[1]))
		weight = strtoul(equals + 1, &end, 10);
	if (end == equals || *end || weight > MOST_WEIGHT)
		return false;
	*equals = '\0';
	for (size_t i = 0; item[i]; i++)
		if (!isalnum((unsigned char)item[i]) && item[i] != '-')
			return false;
	words->list[words->n++] = (struct arrivals_weight){item, (uint32_t)weight};
	return true;
}

static uint32_t sum_of(const struct arrivals_words *words)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < words->n; i++)
		sum += words->list[i].weight;
	return sum;
}

int arrivals_set_languages(struct arrivals_mix *mix, char *text)
{
	struct arrivals_words words = {.n = 0};
	char *item;

	while ((item = strsep(&text, ",")))
		if (!take_weight(&words, item))
			return ARRIVALS_INVALID;
	if (sum_of(&words) == 0)
		return ARRIVALS_INVALID;
	mix->languages = words;
	return 0;
}

/* ---- the list ---- */

const char *arrivals_word(struct arrivals *arrivals, const char *text)
{
	for (size_t i = 0; i < arrivals->n_words; i++)
		if (strcmp(arrivals->words[i], text) == 0)
			return arrivals->words[i];
	if (arrivals->n_words == arrivals->words_room) {
		size_t room = arrivals->words_room ? 2 * arrivals->words_room : 32;
		char **words = reallocarray(arrivals->words, room, sizeof *words);

		if (words == NULL)
			return NULL;
		arrivals->words = words;
		arrivals->words_room = room;
	}
	arrivals->words[arrivals->n_words] = strdup(text);
	if (arrivals->words[arrivals->n_words] == NULL)
		return NULL;
	return arrivals->words[arrivals->n_words++];
}

int arrivals_add(struct arrivals *arrivals, const struct arrival *arrival)
{
	if (arrivals->n == arrivals->room) {
		size_t room = arrivals->room ? 2 * arrivals->room : 256;
		struct arrival *rows = reallocarray(arrivals->rows, room, sizeof *rows);

		if (rows == NULL)
			return -ENOMEM;
		arrivals->rows = rows;
		arrivals->room = room;
	}
	arrivals->rows[arrivals->n++] = *arrival;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct arrival *x = a, *y = b;

	if (x->opened != y->opened)
		return x->opened < y->opened ? -1 : 1;
	if (x->office != y->office)
		return x->office < y->office ? -1 : 1;
	return (x->draw > y->draw) - (x->draw < y->draw);
}

void arrivals_sort(struct arrivals *arrivals)
{
	if (arrivals->n > 0)
		qsort(arrivals->rows, arrivals->n, sizeof *arrivals->rows, by_time);
}

void arrivals_clear(struct arrivals *arrivals)
{
	for (size_t i = 0; i < arrivals->n_words; i++)
		free(arrivals->words[i]);
	free(arrivals->words);
	free(arrivals->rows);
	*arrivals = (struct arrivals){0};
}

/* ---- drawing ---- */

static const char *draw_word(struct draw *stream, const struct arrivals_words *words)
{
	uint32_t at = draw_below(stream, sum_of(words));
	size_t i = 0;

	while (i + 1 < words->n && at >= words->list[i].weight)
		at -= words->list[i++].weight;
	return words->list[i].word;
}

static enum plan_urgency draw_urgency(struct draw *stream, const struct arrivals_mix *mix)
{
	uint32_t sum = 0, at;
	int i = 0;

	for (int j = 0; j < PLAN_URGENCIES; j++)
		sum += mix->urgencies[j];
	at = draw_below(stream, sum);
	while (i + 1 < PLAN_URGENCIES && at >= mix->urgencies[i])
		at -= mix->urgencies[i++];
	return (enum plan_urgency)i;
}

uint64_t arrivals_seed(uint64_t seed, uint64_t line)
{
	return draw_fork(draw_fork(seed, 0), line);
}

int arrivals_follow_ups(const struct arrivals_mix *mix, uint64_t draw)
{
	struct draw stream = {draw_fork(draw, 1)};

	return draw_below(&stream, 100) < mix->follow_up_percent;
}

/* Each property takes one draw, whatever the others were. */
static int add_drawn(struct arrivals *arrivals, const struct arrivals_mix *mix, uint64_t draw,
	size_t office, int64_t opened)
{
	struct draw stream = {draw};
	enum plan_urgency urgency = draw_urgency(&stream, mix);
	const char *service = draw_word(&stream, &mix->services[urgency]);
	const char *language = draw_word(&stream, &mix->languages);
	bool interpreter = draw_below(&stream, 100) < mix->interpreter_percent;
	bool telephone = draw_below(&stream, 100) < mix->telephone_percent;
	struct arrival one = {
		.office = office,
		.opened = opened,
		.urgency = urgency,
		.service = arrivals_word(arrivals, service),
		.language = arrivals_word(arrivals, language),
		.interpreter = interpreter && strcmp(language, "en") != 0,
		.telephone = telephone && urgency != PLAN_IMMEDIATE,
		.follow_ups = arrivals_follow_ups(mix, draw),
		.draw = draw,
	};

	if (one.service == NULL || one.language == NULL)
		return -ENOMEM;
	return arrivals_add(arrivals, &one);
}

/* FNV-1a */
static uint64_t hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

/* How many come in this minute: mean is in 2^-32. The sum over many minutes is as good as
 * Poisson's. */
static uint32_t draw_count(struct draw *stream, uint64_t mean)
{
	uint32_t chance = (uint32_t)(draw_next(stream) >> 32);

	return (uint32_t)(mean >> 32) + (chance < (uint32_t)mean);
}

static int draw_day(struct arrivals *arrivals, const struct arrivals_mix *mix, uint64_t seed,
	size_t office, const int64_t *day)
{
	struct draw stream = {draw_fork(seed, 0)};
	int r = 0;

	for (int minute = 0; r == 0 && minute < HOURS * 60; minute++) {
		uint64_t mean = ((uint64_t)mix->thousandths * hour_weights[minute / 60] << 32)
				/ ((uint64_t)HOUR_WEIGHTS * 60 * 1000);
		uint32_t n = draw_count(&stream, mean);
		int64_t at = day[0] + (int64_t)minute * 60;

		/* A day on which clocks go forward is shorter. */
		for (uint32_t i = 0; r == 0 && at < day[1] && i < n; i++)
			r = add_drawn(arrivals, mix,
				draw_fork(draw_fork(seed, 1 + (uint64_t)minute), i), office, at);
	}
	return r;
}

int arrivals_draw(struct arrivals *arrivals, const struct arrivals_mix *mix, uint64_t seed,
	size_t office, const char *code, const int64_t *day_starts, size_t n_days)
{
	uint64_t own = draw_fork(seed, hash(code));
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_days; i++)
		r = draw_day(arrivals, mix, draw_fork(own, i), office, day_starts + i);
	return r;
}
