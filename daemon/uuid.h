/*
 * uuid - a random UUID (RFC 4122 version 4)
 */
#pragma once

#include <stddef.h>

enum { UUID_SIZE = 37 }; /* with its NUL */

void uuid_make(char *text, size_t size);
