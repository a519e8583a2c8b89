/*
 * hostile_acts - what a mail may make of the process that reads it
 */
#pragma once

#include <stddef.h>

struct octets;

/* Does what is named, and if it survives that appends the text of a record with what came of it. As
 * the read of struct reader_work; -ENOSYS: there is no such act. */
int hostile_act(const char *name, size_t n, struct octets *out);
