/*
 * arrivals - the cases that come in during a simulation: drawn from a mix, or read from a file
 *
 * What is drawn depends on the seed, the mix, the office's code and the days alone: offices and
 * people may come and go, and the others' cases stay as they were. No floating point, so that one
 * seed means the same cases on every machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct arrival {
	size_t office; /* index in a list of the caller's */
	int64_t opened;
	enum plan_urgency urgency;
	const char *service, *language; /* words of the arrivals */
	bool telephone, interpreter;
	int64_t minutes; /* 0: the usual length */
	int follow_ups;  /* meetings after the first */
	uint64_t draw;   /* for what is still to be drawn */
};

struct arrivals {
	struct arrival *rows;
	size_t n, room;
	char **words;
	size_t n_words, words_room;
};

void arrivals_clear(struct arrivals *arrivals);
/* The words' own copy of a text; NULL: no memory. */
const char *arrivals_word(struct arrivals *arrivals, const char *text)
	__attribute__((warn_unused_result));
/* 0 or -ENOMEM. */
int arrivals_add(struct arrivals *arrivals, const struct arrival *arrival)
	__attribute__((warn_unused_result));
/* By time, then office, then draw. */
void arrivals_sort(struct arrivals *arrivals);

enum { ARRIVALS_MOST_WORDS = 64 };
struct arrivals_weight {
	const char *word;
	uint32_t weight;
};
struct arrivals_words {
	struct arrivals_weight list[ARRIVALS_MOST_WORDS];
	size_t n;
};
struct arrivals_mix {
	int64_t thousandths;                /* of a case a day, in each office */
	uint32_t urgencies[PLAN_URGENCIES]; /* weights */
	struct arrivals_words services[PLAN_URGENCIES];
	struct arrivals_words languages;
	uint32_t interpreter_percent; /* of those who need another language than English */
	uint32_t telephone_percent;   /* of all but call-outs */
	uint32_t follow_up_percent;
};
/* The mix that vacd-simulate(8) describes; its words are constants. */
void arrivals_usual_mix(struct arrivals_mix *mix);

enum { ARRIVALS_INVALID = 1 };
/* "en=70,es=20,mam=1": replaces the languages of a mix. text is changed and kept. 0, or
 * ARRIVALS_INVALID. */
int arrivals_set_languages(struct arrivals_mix *mix, char *text)
	__attribute__((warn_unused_result));

/* One office's cases of the local days that begin at day_starts; there are n_days + 1 of these.
 * 0 or -ENOMEM. */
int arrivals_draw(struct arrivals *arrivals, const struct arrivals_mix *mix, uint64_t seed,
	size_t office, const char *code, const int64_t *day_starts, size_t n_days)
	__attribute__((warn_unused_result));
/* The draw of a case that comes from line number n of a file. */
uint64_t arrivals_seed(uint64_t seed, uint64_t line);
/* Follow-ups of one case. */
int arrivals_follow_ups(const struct arrivals_mix *mix, uint64_t draw);

/* ---- a file ---- */

struct arrivals_line {
	size_t line;
	const char *office;     /* as it was typed */
	char opened[24];        /* 2027-03-01 14:30:00, local time of the office */
	struct arrival arrival; /* without office and opened; follow_ups -1: to be drawn */
};
struct arrivals_problem {
	size_t line;
	char *text;
};
struct arrivals_sheet {
	struct arrivals_line *lines;
	size_t n, room;
	struct arrivals arrivals; /* its words */
	struct arrivals_problem *problems;
	size_t n_problems, problems_room;
};

/* text[length] is NUL. 0, -ENOMEM, or ARRIVALS_INVALID: see problems. The sheet is to be cleared in
 * each case. */
int arrivals_read(const char *text, size_t length, struct arrivals_sheet *sheet)
	__attribute__((warn_unused_result));
void arrivals_sheet_clear(struct arrivals_sheet *sheet);
/* Adds what the caller found. 0 or -ENOMEM. */
int arrivals_problem(struct arrivals_sheet *sheet, size_t line, const char *format, ...)
	__attribute__((format(printf, 3, 4), warn_unused_result));
/* Whether text is a day such as 2027-03-01, and there is one like it. */
bool arrivals_is_day(const char *text);
/* Column number n of the file, from 0, with ? where it may be missing; NULL behind the last. */
const char *arrivals_column(size_t n);
