/*
 * tally - the figures of a simulation, by office and in all
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "simulate.h"

/* One kind of request that nobody could take. */
struct tally_lack {
	enum simulate_lack lack;
	enum plan_rule rule; /* with SIMULATE_LACK_TIME */
	char *word;          /* service or language; NULL with others */
	size_t n;
};

struct tally_office {
	char *code;
	size_t n_people;
	size_t cases, met;                                    /* met: had their first meeting */
	size_t meetings;                                      /* follow-ups too */
	size_t of[PLAN_URGENCIES], in_target[PLAN_URGENCIES]; /* first meetings */
	int64_t *waits; /* seconds from the opening to the first meeting, ascending */
	size_t n_waits, waits_room;
	size_t over_cap;             /* call-outs that broke a limit */
	int64_t collateral_permille; /* most of their weekly minutes in one week; -1: none are there */
	int64_t least, most;    /* weighted minutes of full-time coordinators; -1: none are there */
	int64_t spread_percent; /* their difference, of the most; of ALL: of the most uneven office */
	size_t lost;
	struct tally_lack *lacks; /* the most frequent first */
	size_t n_lacks, lacks_room;
};

struct tally {
	struct tally_office *offices;
	size_t n;
	struct tally_office all; /* code "ALL" */
	size_t plans, limited, moved, declined;
};

/* Adds a group's offices in their order. code and word name an office and a word of the group for
 * arg. Of full-time coordinators those count who had joined by `start`. 0 or -ENOMEM. */
struct tally_names {
	const char *(*code)(void *arg, size_t office);
	const char *(*word)(void *arg, int32_t word);
	void *arg;
};
int tally_add(struct tally *tally, const struct simulate_group *group,
	const struct simulate_result *result, int64_t start, const struct tally_names *names)
	__attribute__((warn_unused_result));
/* When all are added: sorts by code, and fills `all`. 0 or -ENOMEM. */
int tally_finish(struct tally *tally) __attribute__((warn_unused_result));
void tally_clear(struct tally *tally);

/* Of a finished one: the wait that so many percent of the cases that were met had at most; -1: none
 * was. */
int64_t tally_wait(const struct tally_office *office, size_t percent);
