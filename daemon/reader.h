/*
 * reader - the sandboxed process that parses, seen from the loop
 *
 * One mail at a time goes there, and a record comes back, or word that a child died of it. The process
 * is looked after: one that dies, hangs or talks nonsense is ended and started anew, with a growing wait
 * in between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct reader;
struct reader_process;

enum reader_outcome {
	READER_RECORD, /* addresses and json */
	READER_DIED,   /* of this mail; why */
	READER_AWAY,   /* there was nobody to read it, which says nothing of the mail; why */
};

struct reader_reply {
	enum reader_outcome outcome;
	/* Of READER_RECORD, borrowed for the callback: mail addresses in which a token may stand, and a
	 * record, of which no more is known than that it is UTF-8 within braces, 64 KiB at most. */
	const char *const *addresses;
	size_t n_addresses;
	const char *json;
	const char *why; /* one line, no text of the mail */
};

typedef void (*reader_done_fn)(const struct reader_reply *reply, void *arg);
/* It became ready; or a process ended, ready or not. */
typedef void (*reader_state_fn)(bool up, void *arg);

/* Takes over *process, which may still be starting, or READER_NONE: then it starts one. 0 or -errno. */
int reader_new(struct event_base *base, struct reader_process *process, struct reader **readerp)
	__attribute__((warn_unused_result));
/* A call that is out is not called back. */
struct reader *reader_free(struct reader *reader);
/* Who wants to know; one at a time, NULL: nobody. */
void reader_watch(struct reader *reader, reader_state_fn state, void *arg);

/* Ready, and nothing is being read. */
bool reader_is_free(const struct reader *reader);
/* Why it is not ready, one line; "" when it is. Borrowed until the loop turns. */
const char *reader_problem(const struct reader *reader);
/* It cannot work, by its own word or because it failed over and over, rather than only being late. */
bool reader_is_broken(const struct reader *reader);

/*
 * Has a mail read; what repeats in it is written out from `now` to `until` (seconds since 1970). raw is
 * copied. done comes later, once, unless reader_forget() is called first. 0, -EBUSY (not free),
 * -EMSGSIZE (longer than READER_MAIL_MAX), -ENOMEM.
 */
int reader_read(struct reader *reader, const char *raw, size_t n, int64_t now, int64_t until,
	reader_done_fn done, void *arg) __attribute__((warn_unused_result));
/* Whoever gave this arg is going away. */
void reader_forget(struct reader *reader, const void *arg);
