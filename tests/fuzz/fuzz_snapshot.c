/*
 * fuzz_snapshot - any bytes as values of what the database says of requests, rosters and appointments
 *
 * The bytes change values in the small world of snapshot_world.h: one each for the part, the row and the
 * column, then the value, ended by NUL; 0x01 alone is NULL. Whatever they are, the snapshot is refused, or
 * the planner takes it and makes a plan, also of each group in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/snapshot_world.h"
#include "dispatch/split.h"
#include "log.h"
#include "plan.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stop(const char *why)
{
	fprintf(stderr, "fuzz_snapshot: %s\n", why);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_EMERG);
	return 0;
}

/* What is changed is borrowed from text, which ends in NUL. */
static void change(struct part parts[SNAPSHOT_PARTS], const char *text, size_t size)
{
	for (size_t at = 0; at + 3 < size; at += strlen(text + at) + 1) {
		const unsigned char *where = (const unsigned char *)text + at;
		struct part *part = &parts[where[0] % SNAPSHOT_PARTS];
		size_t columns = 0;

		while (part->names[columns])
			columns++;
		at += 3;
		part->values[(size_t)(where[1] % part->n) * columns + where[2] % columns] =
			strcmp(text + at, "\x01") == 0 ? NULL : text + at;
	}
}

static void plan(const struct plan_input *input)
{
	struct plan *made = NULL;
	char error[300] = "";
	int r = plan_make(input, &made, error, sizeof(error));

	if (r != 0 && r != PLAN_INVALID)
		stop("an error");
	/* Bad rows are left out, so that one of them does not keep the others from being planned. */
	if (r == PLAN_INVALID && !error[0])
		stop("a snapshot that is refused without a word");
	plan_free(made);
}

/* As a whole, and each group by itself. */
static void plan_all(struct snapshot *snapshot)
{
	const struct plan_input *input = snapshot_finish(snapshot, NULL, 0);
	struct share *shares;
	size_t n, requests = 0;

	plan(input);
	if (snapshot_split(snapshot, &shares, &n) != 0)
		stop("no shares");
	for (size_t i = 0; i < n; i++) {
		plan(&shares[i].input);
		requests += shares[i].input.n_requests;
	}
	if (requests != input->n_requests)
		stop("a request is in no share, or in two");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part parts[SNAPSHOT_PARTS];
	struct snapshot *snapshot = snapshot_new();
	char *text = malloc(size + 1);
	int r = snapshot && text ? 0 : -1;

	memcpy(parts, good, sizeof(parts));
	if (r == 0) {
		memcpy(text, data, size);
		text[size] = '\0';
		change(parts, text, size);
	}
	for (int i = 0; r == 0 && i < SNAPSHOT_PARTS; i++) {
		PGresult *result = make_result(parts[i].names, parts[i].n, parts[i].values);

		r = snapshot_take(snapshot, (enum snapshot_part)i, result);
		PQclear(result);
	}
	if (r == 0)
		plan_all(snapshot);
	snapshot_free(snapshot);
	free(text);
	return 0;
}
