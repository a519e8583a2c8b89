/*
 * draw - the simulation's own random numbers (SplitMix64): the same on every machine
 */
#pragma once

#include <stdint.h>

struct draw {
	uint64_t state;
};

/* Mixes the bits of a number so that neighbours part. */
static inline uint64_t draw_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t draw_next(struct draw *draw)
{
	draw->state += UINT64_C(0x9e3779b97f4a7c15);
	return draw_mix(draw->state);
}

/* From 0 to below n; n is not 0. The bias of 2^-32 at most is no matter here. */
static inline uint32_t draw_below(struct draw *draw, uint32_t n)
{
	return (uint32_t)((draw_next(draw) >> 32) * n >> 32);
}

/* A stream of its own for each pair. */
static inline uint64_t draw_fork(uint64_t seed, uint64_t which)
{
	return draw_mix(draw_mix(seed + UINT64_C(0x9e3779b97f4a7c15))
			^ (which * UINT64_C(0xd6e8feb86659fd93)));
}
