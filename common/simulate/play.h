/*
 * play - what the simulation's own files share; nobody else includes it
 */
#pragma once

#include "../simulate.h"

enum { MOST_MET = 8, MOST_BARRED = 8, LOAD_DAYS = 91, SETTLED_DAYS = 28 };

#define NOBODY UINT32_MAX
#define DAY    INT64_C(86400)

/* In the order in which events of one moment are taken: what is over is over before the next plan
 * is made. */
enum event_kind { EVENT_OVER, EVENT_CLOSE, EVENT_DECLINE, EVENT_GIVE_UP, EVENT_PLAN };
struct event {
	int64_t at;
	enum event_kind kind;
	uint32_t index; /* of a request; of a case for EVENT_CLOSE */
};
struct events {
	struct event *heap;
	size_t n, room;
};

enum request_state { REQUEST_OPEN, REQUEST_PLANNED, REQUEST_HELD, REQUEST_LOST };
struct request {
	uint32_t case_index;
	enum request_state state;
	bool first;
	enum plan_urgency urgency;
	struct simulate_need need;
	int64_t opened, window, due, give_up;
	int32_t barred[MOST_BARRED];
	size_t n_barred;
	/* while planned, and of one that was held */
	uint32_t person;
	bool over_cap, on_call, by_interpreter;
	struct span meeting, busy;
	int64_t counted;
	/* while nobody can take it */
	bool waits;   /* is among those that wait */
	int64_t next; /* when it is planned again; other events of it are void */
	enum simulate_lack lack;
	int32_t word;
	enum plan_rule rule;
};

struct case_state {
	uint32_t responsible; /* NOBODY: none yet */
	uint32_t open_requests;
	int follow_ups; /* still to come */
	int32_t met[MOST_MET];
	size_t n_met;
	int64_t last_end;
};

/* What one person has before them, and had in the last LOAD_DAYS. */
struct entry {
	int64_t start;
	uint32_t request;
};
struct book {
	const struct simulate_person *row;
	struct entry *entries; /* by start; those before `head` are over and done with */
	size_t head, n, room;
	int64_t load;    /* weighted minutes of those from head on */
	int64_t *cases;  /* that are open, ascending */
	uint32_t *holds; /* how often each is held */
	size_t n_cases, cases_room;
	struct span_set rest;
};

/* People of one office: book_of[first] … */
struct team {
	size_t first, n;
};

/* The planner's input, in arrays that are used again. */
struct batch {
	struct plan_input input;
	struct plan_zone *zones;
	struct plan_office *offices;
	struct plan_coordinator *coordinators;
	struct plan_appointment *appointments;
	struct plan_request *requests, *standing;
	size_t offices_room, coordinators_room, appointments_room, requests_room, standing_room;
};

struct play {
	const struct simulate_rules *rules;
	const struct simulate_group *group;
	struct simulate_result *result;
	int64_t now;
	struct events events;
	struct case_state *cases;
	struct request *requests;
	size_t n_requests, requests_room;
	struct book *books;
	uint32_t *book_of; /* people by office */
	struct team *teams;
	size_t *marks; /* of offices: the last batch that had it in reach */
	size_t n_batches;
	uint32_t *due; /* requests to plan now */
	size_t n_due, due_room;
	struct batch batch;
	uint32_t *waiting; /* requests that nobody could take, and some that somebody now has */
	size_t n_waiting, waiting_room;
	size_t meetings_room, lost_room;
	char *error;
	size_t error_size;
};

/* An array with room for n. False: no memory, and it stays as it was. */
bool play_room(void *arrayp, size_t *room, size_t n, size_t size)
	__attribute__((warn_unused_result));

/* events.c. 0 or -ENOMEM; false when none is left. */
int events_add(struct events *events, int64_t at, enum event_kind kind, uint32_t index)
	__attribute__((warn_unused_result));
bool events_take(struct events *events, struct event *event);

/* book.c. Those that give an int: 0 or -ENOMEM. */
int book_add(struct play *play, uint32_t request) __attribute__((warn_unused_result));
int book_remove(struct play *play, uint32_t request) __attribute__((warn_unused_result));
int book_hold_case(struct book *book, int64_t case_id) __attribute__((warn_unused_result));
/* Whether there is room for another case now, and was none before. */
bool book_release_case(struct book *book, int64_t case_id);
/* Forgets what began more than LOAD_DAYS ago. */
void book_turn(struct play *play, struct book *book);
/* Index of the first entry that starts at `moment` or later. */
size_t book_seek(const struct book *book, int64_t moment);
/* Weighted minutes, or -ENOMEM. */
int64_t book_load(struct play *play, struct book *book);
int64_t book_shift_minutes(const struct book *book, int64_t now);
void book_clear(struct book *book);

/* batch.c: all of play->due. 0 or -ENOMEM. */
int batch_fill(struct play *play) __attribute__((warn_unused_result));
void batch_clear(struct batch *batch);

/* outcome.c: what a plan says of play->due. 0 or -ENOMEM. */
int outcome_take(struct play *play, const struct plan *plan) __attribute__((warn_unused_result));
int outcome_lose(struct play *play, uint32_t request) __attribute__((warn_unused_result));

/*
 * wait.c: requests that nobody can take wait for the next try that may have another outcome. Until
 * then no plan is made: with thousands that wait it would be made thousands of times in vain.
 *
 * wait_begin() chooses that try, and has the request given up when its horizon is over. wait_end() is
 * told of what frees somebody, for tries at `from` or later: there is room for a case again, or an
 * appointment is gone. 0 or -ENOMEM.
 */
int wait_begin(struct play *play, uint32_t request, const struct plan_decision *decision)
	__attribute__((warn_unused_result));
int wait_end(struct play *play, uint32_t person, int64_t from) __attribute__((warn_unused_result));
