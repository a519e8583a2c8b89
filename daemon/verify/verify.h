/*
 * verify - what the parts of `vacd verify-history` share
 *
 * walk goes along the chain in the database, export writes a part of it and checks one that was written,
 * heads are what is known from elsewhere. What is found is said as it is found, a line each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "chain.h"
#include "look.h"

struct signature_key;

enum { VERIFY_KEYS = 16, VERIFY_FAILED = 3 };
enum verify_mark { VERIFY_OK, VERIFY_WARN, VERIFY_BAD };

/* A head as the journal or a file has it. */
struct verify_head {
	long long number;
	unsigned char hash[CHAIN_HASH];
	char source[200];
	bool met;
};

struct verify {
	struct look look;
	FILE *out; /* findings; what is exported has stdout for itself */
	unsigned long bad;
	struct signature_key *keys[VERIFY_KEYS];
	size_t n_keys;
	struct verify_head *heads;
	size_t n_heads, next_head; /* in order of their numbers; the next one to be met */
	bool heads_in_order;
	long long fits; /* the highest head that the chain was found to agree with; 0: none */
	char chain[CHAIN_ID];
};

void verify_say(struct verify *verify, enum verify_mark mark, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* With whichever key the line names. 0, SIGNATURE_INVALID, SIGNATURE_OTHER_KEY. */
int verify_line(const struct verify *verify, const char *line) __attribute__((warn_unused_result));

/* ---- heads ---- */
/* "NUMBER:HEX". 0, -ENOMEM, or VERIFY_FAILED: it is none. */
int heads_take(struct verify *verify, const char *text, const char *source)
	__attribute__((warn_unused_result));
/* The lines of a head file; signatures that do not fit are findings. 0, -errno, -ENOMEM. */
int heads_read(struct verify *verify, const char *path) __attribute__((warn_unused_result));
/* The chain has this hash here. */
void heads_meet(struct verify *verify, long long number, const unsigned char hash[CHAIN_HASH]);
/* It was looked at from here to there, whole: to its end. What was not met is a finding, or of before or
 * behind what was looked at. */
void heads_end(struct verify *verify, long long first, long long last, bool whole);

/* ---- notes ---- */
struct note {
	long long number, id; /* of the entry it belongs to; its own */
	const char *hash, *salt, *text, *redacted_at, *redacted_by;
};
struct redaction {
	long long note_id, number;
	char who[64 + 1], when[32]; /* a login has 63 characters at most */
	bool borne_out;             /* history has the event */
};
struct notes {
	struct redaction *redactions;
	size_t n;
};

/* A note against its hash, which the chain holds. 0 or -ENOMEM. */
int notes_look(struct verify *verify, struct notes *notes, const struct note *note)
	__attribute__((warn_unused_result));
/* An event note_redacted of history: what it is of, and by whom. */
void notes_bear_out(struct notes *notes, const char *detail, const char *who);
void notes_end(struct verify *verify, const struct notes *notes, bool some_wait);
void notes_clear(struct notes *notes);

/* ---- walk ---- */
struct walk_entry {
	long long number;
	const char *bytes; /* as they are hashed */
	size_t length;
	const char *salt, *note, *redacted_at, *redacted_by; /* NULL as in the database */
};
typedef int (*walk_fn)(const struct walk_entry *entry, void *arg);

struct walk_place {
	long long number;
	unsigned char hash[CHAIN_HASH];
};

/* Where entry number ends, that is what the next one is hashed with: of 0 the chain's origin. 0, -ENOMEM,
 * LOOK_FAILED, or VERIFY_FAILED: there is no such entry, nor a checkpoint; nothing was said. */
int walk_find(struct verify *verify, long long number, struct walk_place *place)
	__attribute__((warn_unused_result));
/* Goes from behind place to the entry last, or as far as there is one; place is moved on. fn may be NULL.
 * 0, or what fn or the database failed with. */
int walk_on(struct verify *verify, struct walk_place *place, long long last, walk_fn fn, void *arg)
	__attribute__((warn_unused_result));
/* All of it, with what stands beside it. */
int walk_whole(struct verify *verify) __attribute__((warn_unused_result));

/* ---- export ---- */
int export_write(struct verify *verify, long long from, long long to, const char *signing_key)
	__attribute__((warn_unused_result));
int export_check(struct verify *verify, const char *path) __attribute__((warn_unused_result));
