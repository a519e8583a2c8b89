/*
 * receive_letter - a mail as it lies on standard input: read, with CR LF at each line's end
 */
#pragma once

#include <stdio.h>

#include "octets.h"

enum { RECEIVE_LARGEST = 104857600 }; /* octets; more no daemon takes */

/* 0, -errno, -EFBIG, -ENOMEM. A leading "From " line, as mbox files have it, is left out. */
int receive_letter_read(FILE *file, struct octets *letter) __attribute__((warn_unused_result));

/* The first address in the first field of this name, "" when there is none; address holds size bytes. */
void receive_letter_address(
	const struct octets *letter, const char *field, char *address, size_t size);

/* May it stand in a command? Printable ASCII without blanks and <>, with an @. */
bool receive_is_address(const char *text);
