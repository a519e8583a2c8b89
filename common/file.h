/*
 * file - a whole file in memory
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Reads path; *bytesp is owned by the caller and ends in a NUL that length does not count.
 * 0 or -errno (-EFBIG: longer than most). */
int file_read(const char *path, size_t most, char **bytesp, size_t *lengthp)
	__attribute__((warn_unused_result));
/* Likewise, with a question mark for each NUL, which would hide all that stands behind it. */
int file_read_text(const char *path, size_t most, char **textp) __attribute__((warn_unused_result));
/* Whether an -errno tells of want on this machine (memory, descriptors), and not of the file: the same may work
 * at the next try. */
bool file_error_passes(int r);
