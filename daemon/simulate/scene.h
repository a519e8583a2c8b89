/*
 * scene - the offices and people that a simulation is played with, read from the database
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "arrivals.h"
#include "dispatch/rows.h"
#include "simulate.h"

struct look;
struct snapshot;

struct scene_service {
	const char *code, *label;
	int64_t minutes, load_percent;
};

struct scene_office {
	int32_t id, group;
	const char *code;
	const int64_t *day_starts; /* of the simulated days, and the one after */
	struct simulate_clock notice[PLAN_URGENCIES], due[PLAN_URGENCIES];
};

/* Offices joined by backups; those of one group are in the order of their codes, as people are. */
struct scene_group {
	int32_t id;
	struct snapshot *snapshot;
	struct simulate_group group;
	struct simulate_office *offices;
	size_t *scene_offices; /* which of the scene's each is */
	struct simulate_person *people;
};

struct scene {
	struct arena arena;
	struct words words; /* of nothing but the scene's own reading */
	char start[11];     /* 2027-03-01 */
	size_t n_days;
	int64_t first, end,
		last; /* the start in UTC; after the last day; how far shifts are read */
	struct simulate_rules rules;
	int64_t buffer_minutes[PLAN_URGENCIES], telephone_buffer_minutes, telephone_minutes;
	struct scene_service *services;
	size_t n_services;
	struct scene_office *offices; /* by code */
	size_t n_offices;
	struct scene_group *groups; /* in the order of their first office's code */
	size_t n_groups;
	const char *rule_words[PLAN_RULES]; /* NULL: none */
};

/*
 * What arrivals are drawn for: policies, services, offices. start: such as 2027-03-01; NULL: next
 * Monday. rules has follow_up_seconds, open_seconds and decline_percent already. 0, -ENOMEM,
 * LOOK_FAILED, LOOK_REFUSED. scene_clear() in each case.
 */
int scene_open(struct scene *scene, const struct look *look, const char *start, size_t n_days)
	__attribute__((warn_unused_result));
/* The people, with who meets which of the arrivals' languages. Likewise. */
int scene_people(struct scene *scene, const struct look *look, const struct arrivals *arrivals)
	__attribute__((warn_unused_result));
void scene_clear(struct scene *scene);

/* A day of the calendar (2027-03-01) as a number; 1970-01-01 is 0. */
int64_t scene_day(const char *text);

/* NULL: there is none. */
const struct scene_service *scene_service(const struct scene *scene, const char *code);
/* Index, or n_offices. In either case of letters. */
size_t scene_office(const struct scene *scene, const char *code);
/* The cases of one group, to be freed. 0 or -ENOMEM. */
int scene_cases(const struct scene *scene, const struct scene_group *group,
	const struct arrivals *arrivals, struct simulate_case **casesp, size_t *np)
	__attribute__((warn_unused_result));
/* Code of a word in a group; 0: no memory. */
int32_t scene_word(const struct scene_group *group, const char *word);
