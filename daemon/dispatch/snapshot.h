/*
 * snapshot - what vac_daemon.snapshot_*() gave, as the planner's input
 *
 * Rows are not trusted: one that no plan can be made with is left out, with a line in the log,
 * and the rest is planned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libpq-fe.h>

struct plan_input;
struct share;
struct snapshot;

/* In the order they are asked for: codes of words must be known before the rows that use them are
 * read. */
enum snapshot_part {
	SNAPSHOT_BEGIN,
	SNAPSHOT_POLICY,
	SNAPSHOT_ZONES,
	SNAPSHOT_OFFICES,
	SNAPSHOT_COORDINATORS,
	SNAPSHOT_BUSY,
	SNAPSHOT_REQUESTS,
	SNAPSHOT_STANDING,
	SNAPSHOT_PARTS
};

/* NULL: no memory. */
struct snapshot *snapshot_new(void) __attribute__((warn_unused_result));
struct snapshot *snapshot_free(struct snapshot *snapshot);

/* Copies what it needs. 0, -ENOMEM, SNAPSHOT_INVALID: columns are missing or there is no row at
 * all where one must be; SNAPSHOT_CLOSED: a fence is not valid any more. Logged. */
enum { SNAPSHOT_INVALID = 1, SNAPSHOT_CLOSED = 2 };
int snapshot_take(struct snapshot *snapshot, enum snapshot_part part, const PGresult *result)
	__attribute__((warn_unused_result));

/* After all parts: leaves out what does not fit together, and has appointments of locked coordinators
 * stay where they are. The input is borrowed. */
const struct plan_input *snapshot_finish(
	struct snapshot *snapshot, const int32_t *locked, size_t n_locked);
/* After that: one input for each group, see split.h; borrowed, too. 0 or -ENOMEM. */
int snapshot_split(struct snapshot *snapshot, struct share **sharesp, size_t *np)
	__attribute__((warn_unused_result));
/* The code of a word, new or known; 0: no memory. */
int32_t snapshot_word(struct snapshot *snapshot, const char *word)
	__attribute__((warn_unused_result));
/* The plan will move nothing. */
void snapshot_forbid_moves(struct snapshot *snapshot);
/* Open requests that the database gave, also those that were left out. */
size_t snapshot_n_asked(const struct snapshot *snapshot);
