/*
 * search - what search.c, ruin.c and exchange.c share; nobody else includes it
 */
#pragma once

#include "planner.h"

enum {
	FEW = 40,            /* jobs that are all each other's neighbours */
	MOST_PEOPLE = 5,     /* diaries ruined at once */
	MOST_EACH = 4,       /* meetings taken out of one */
	MOST_LOOSE = 12,     /* meetings taken out anywhere */
	MOST_ABSENT = 6,     /* of those that have no place, tried in one turn */
	MOST_EXCHANGED = 13, /* meetings put in again as well as can be */
	MOST_OUT = MOST_PEOPLE * MOST_EACH + MOST_LOOSE + MOST_ABSENT + 1,
	SKIP = 12, /* of 256: somebody is passed over, so that others get a chance */
};

struct undo {
	struct job *job;
	struct offer offer; /* candidate NULL: it had no place */
};

/* What the search knows of a job. */
struct record {
	struct offer best;   /* its place in the best plan so far */
	int64_t absences;    /* how often it had none at the end of a turn */
	size_t absent_index; /* in `absent`, plus 1; 0: it has a place */
	bool is_changed;
};

struct searcher {
	struct planner *planner;
	struct job *jobs;
	size_t n;
	uint64_t random;
	struct undo out[MOST_OUT];
	size_t n_out;
	struct job **hopeful; /* jobs that would have a place, alone */
	size_t n_hopeful;
	struct job **order;  /* room for all */
	struct job **absent; /* jobs without a place; room for all */
	size_t n_absent;
	struct record *records; /* of each job */
	size_t *changed;        /* jobs that are elsewhere than in the best plan, perhaps */
	size_t n_changed;
	struct offer *aside; /* places, while call-outs are counted */
	struct price best_price, floor;
	wide late_penalty, unserved_penalty, on_call_penalty;
	int strictness; /* of these, in this run */
	int64_t heat;
	int64_t first_step, steps; /* of this run */
	bool seeking_places;       /* the first part of a run, while somebody has none */
	bool cold;                 /* the last run */
	struct exchange *exchange; /* NULL: there are too many jobs for it */
};

/* ruin.c: takes some meetings out; and puts those in again in another order. */
void ruin(struct searcher *s);
void recreate(struct searcher *s);
/* Takes out some that might change places: those that have none, and those of a few people. */
void ruin_for_exchange(struct searcher *s);
/* As it was before, at that price. */
void ruin_undo(struct searcher *s, const struct price *price);

/* exchange.c: takes some out and puts them in again as well as can be; NULL: no memory */
struct exchange *exchange_new(void);
struct exchange *exchange_free(struct exchange *x);
void exchange(struct searcher *s);

struct record *record_of(const struct searcher *s, const struct job *job);
