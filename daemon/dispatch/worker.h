/*
 * worker - the thread in which plans are made, so that the loop never waits for the planner
 *
 * One job at a time. The result comes back as a callback in the loop's own thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct plan;
struct plan_input;
struct worker;

/* result: what plan_make() gave; plan is handed over (NULL unless 0), error is borrowed. */
typedef void (*worker_done_fn)(int result, struct plan *plan, const char *error, void *arg);

/* 0 or -errno. */
int worker_new(struct event_base *base, worker_done_fn done, void *arg, struct worker **workerp)
	__attribute__((warn_unused_result));
/* Waits for the job at work; its result is thrown away. */
struct worker *worker_free(struct worker *worker);
/* input is borrowed until done is called. Must not be busy. */
void worker_start(struct worker *worker, const struct plan_input *input);
bool worker_is_busy(const struct worker *worker);
