/*
 * reader_try - does the reader start, does its sandbox hold, and does it read a mail?
 */
#pragma once

#include <stddef.h>

/* Waits, in a loop of its own. 0, -errno, or READER_TRY_FAILED; unless -errno with a line in text. */
enum { READER_TRY_FAILED = 1 };
int reader_try(char *text, size_t size) __attribute__((warn_unused_result));
