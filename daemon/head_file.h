/*
 * head_file - the file of signed heads of history's chain
 *
 * A list, the newest last, since by one head alone nobody could tell from which day on a chain was
 * rewritten: every head of the last two days (while the file has less than 8 MiB), and of each day before
 * the last one and each that a lower one follows. It is replaced whole (written beside, fsync, rename), so that whoever reads or copies it
 * finds it complete.
 */
#pragma once

#include <stddef.h>

struct signature_key;

/* Adds a line, which must have " at=YYYY-MM-DDT…" in it, and no newline. 0, -errno, or -EAGAIN: another
 * process is at it. */
int head_file_add(const char *path, const char *line) __attribute__((warn_unused_result));
/* The line with the highest number of those that this key signed, "" when there is none. 0 or -errno. */
int head_file_highest(const char *path, const struct signature_key *key, char *line, size_t size)
	__attribute__((warn_unused_result));
