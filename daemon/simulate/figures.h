/*
 * figures - what is shown of a simulation: a table for people, or CSV
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "octets.h"
#include "tally.h"

struct scene;

/* "3 h 05", "2 d 4 h"; "-" for -1. text has room for FIGURES_LENGTH. */
enum { FIGURES_LENGTH = 24 };
void figures_length(int64_t seconds, char *text);

/* Nothing is written when memory runs out: octets_take() says so, or false. */
bool figures_write(const struct scene *scene, const struct tally *tally, uint64_t seed, bool csv,
	struct octets *out);
